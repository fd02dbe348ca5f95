// The implicit matrix product for GPUs: tile table, packing of the weight, and the plan.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
  geometryConstants,
  product,
  type Triple,
} from "./convolution_problem.ts";
import { divisor } from "./divisor.ts";
import { planFill } from "./elementwise.ts";
import { foldGrid, gridForItems, plainLocalSize } from "./grid.ts";
import { countOperand } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";
import { copyRegion } from "./region.ts";
import { type Tile, tileThreads, tileUnroll, type TileWork } from "./convolution_tiles.ts";

/**
 * What makes a convolution a transposed one: its kernel, stride and padding are those of the transposed convolution, its
 * size that of the largest phase, and its shuffle the stride.
 */
export interface Transposed {
  /** Size of the result. */
  readonly size: Triple;
  /** Elements from group to group of the weight. */
  readonly weightGroup: number;
  /** Whether a tap may lie outside the input. */
  readonly bounds: boolean;
}

interface Packing {
  readonly positionMajor: boolean;
  readonly steps: number;
  readonly byteLength: number;
  readonly key: string;
  readonly dispatches: readonly Dispatch[];
}

/** The weight as the kernel reads it: `[group][tap, padded][filter, padded]`. */
function packWeight(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  tile: Tile,
  positionMajor: boolean,
  weightGroup: number,
): Packing {
  const channels = problem.channels / problem.groups;
  const filters = problem.filters / problem.groups;
  const [kd, kh, kw] = problem.kernel;
  const taps = kd * kh * kw;
  const paddedChannels = Math.ceil(channels / tile.k) * tile.k;
  const rows = positionMajor ? taps * paddedChannels : Math.ceil(channels * taps / tile.k) * tile.k;
  const columns = Math.ceil(filters / tile.m) * tile.m;
  const channelStep = positionMajor ? columns : taps * columns;
  const tapStep = positionMajor ? paddedChannels * columns : columns;
  const count = problem.groups * rows * columns;
  countOperand(capabilities, "pack the weight of Convolution", [count], 4);
  const { weight } = problem;
  const region = {
    sizes: [problem.groups, filters, channels, kd, kh, kw],
    from: {
      base: 0,
      strides: [weightGroup, weight.n, weight.c, weight.d, weight.h, weight.w],
    },
    to: {
      base: 0,
      strides: [rows * columns, 1, channelStep, kh * kw * tapStep, kw * tapStep, tapStep],
    },
    outputCount: count,
  };
  const dispatches: Dispatch[] = [];
  if (count !== problem.weightCount) {
    const [fill] = planFill(capabilities, 0, count * 4).dispatches;
    dispatches.push({ ...fill!, slots: [1] });
  }
  dispatches.push(...copyRegion(capabilities, region, 4, [0, 1]));
  const { n, c, d, h, w } = weight;
  return {
    positionMajor,
    steps: rows / tile.k,
    byteLength: count * 4,
    // All that the contents depend on, besides the weight itself.
    key: `igemm:${tile.m}:${tile.k}:${positionMajor}:${region.sizes}:${[
      weightGroup,
      n,
      c,
      d,
      h,
      w,
    ]}`,
    dispatches,
  };
}

/** How the kernel may read and write: vectors where four neighbors in memory are four neighbors in the product. */
function accessModes(
  problem: ConvolutionProblem,
  transposed: boolean,
): { load: number; store: number } {
  const { input, output, size, inputSize, kernel, stride, padding } = problem;
  const pixels = size[0] * size[1] * size[2];
  const quad = (...values: readonly number[]): boolean => values.every((value) => value % 4 === 0);
  const rowsWithoutGaps = (tensor: typeof input, box: typeof size): boolean =>
    tensor.w === 1 && tensor.h === box[2] && (box[0] === 1 || tensor.d === box[1] * box[2]);
  const pointwise = !transposed &&
    [0, 1, 2].every((axis) =>
      kernel[axis] === 1 && stride[axis] === 1 && padding[axis] === 0 &&
      size[axis] === inputSize[axis]
    );
  let load = 0;
  if (
    input.c === 1 && quad(problem.channels / problem.groups, input.n, input.d, input.h, input.w)
  ) load = 1;
  else if (pointwise && rowsWithoutGaps(input, inputSize) && quad(pixels, input.n, input.c)) {
    load = 2;
  }
  const plain = problem.shuffle.every((factor) => factor === 1);
  let store = 0;
  if (plain && rowsWithoutGaps(output, size) && quad(pixels, output.n, output.c)) store = 1;
  else if (
    plain && output.c === 1 &&
    quad(problem.filters / problem.groups, output.n, output.d, output.h, output.w)
  ) store = 2;
  return { load, store };
}

function phaseCount({ stride }: ConvolutionProblem, transposed: Transposed | undefined): number {
  return transposed === undefined ? 1 : product(stride);
}

/** Constants by which the sum finds the phases that no tap reaches. */
function phaseConstants(problem: ConvolutionProblem): Record<string, number> {
  const all = Object.entries(geometryConstants(problem));
  return Object.fromEntries(all.filter(([name]) => /^(kernel|padding)/.test(name)));
}

/** Push words that only a transposed convolution reads. */
function fullSize(transposed: Transposed | undefined): Record<string, number> {
  const [depth, height, width] = transposed?.size ?? [0, 0, 0];
  return { full_d: depth, full_h: height, full_w: width };
}

/** The work of a transposed convolution with one tile. */
export function transposedWork(problem: ConvolutionProblem, tile: Tile): TileWork {
  const { kernel, groups, batch, size, stride } = problem;
  const phases = product(stride);
  const columns = batch * product(size);
  const tiles = Math.ceil(problem.filters / groups / tile.m) * Math.ceil(columns / tile.n) * groups;
  const stepsOfTap = Math.ceil(problem.channels / groups / tile.k);
  // On each axis, the most taps of a phase and how many phases have them.
  const taps = kernel.map((count, axis) => Math.ceil(count / stride[axis]!));
  const longest = kernel.map((count, axis) => count - (taps[axis]! - 1) * stride[axis]!);
  return {
    workgroups: tiles * phases,
    steps: Math.ceil(stepsOfTap * product(kernel) / phases),
    results: problem.filters * phases * columns,
    longest: { workgroups: tiles * product(longest), steps: stepsOfTap * product(taps) },
  };
}

/**
 * Adds parts up and finishes the results.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param splits How many parts there are, each `[filter][column]`.
 * @param slots Parts, bias, residual and output.
 * @param transposed What makes it a transposed convolution; absent for an ordinary one.
 * @returns The dispatch.
 */
export function sumParts(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  splits: number,
  slots: readonly number[],
  transposed?: Transposed,
): Dispatch {
  const { output } = problem;
  const [depth, height, width] = problem.size;
  const pixels = depth * height * width;
  const columns = problem.batch * pixels;
  const phases = phaseCount(problem, transposed);
  const count = problem.filters * phases * columns;
  const divisors = [columns, pixels, height, width].map(divisor);
  return makeDispatch(
    programs["convolution/igemm_sum"],
    {
      local_size_x: plainLocalSize(capabilities),
      ...epilogueConstants(problem),
      ...(transposed === undefined ? {} : { phases, ...phaseConstants(problem) }),
    },
    {
      count,
      splits,
      columns,
      pixels,
      out_h: height,
      out_w: width,
      columns_multiplier: divisors[0]!.multiplier,
      pixels_multiplier: divisors[1]!.multiplier,
      out_h_multiplier: divisors[2]!.multiplier,
      out_w_multiplier: divisors[3]!.multiplier,
      shifts: divisors.reduce((bits, { shift }, at) => bits | (shift << (5 * at)), 0),
      output_n: output.n,
      output_c: output.c,
      output_d: output.d,
      output_h: output.h,
      output_w: output.w,
      ...fullSize(transposed),
    },
    slots,
    gridForItems(capabilities, count),
  );
}

/**
 * Plans a convolution as an implicit matrix product.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty.
 * @param tile The tile.
 * @param wantedSplits Parts into which the taps are split, at most one for each step.
 * @param transposed What makes it a transposed convolution; absent for an ordinary one.
 * @returns One dispatch, or one for the parts and one for their sum; and a prepared slot with the packed weight.
 */
export function planIgemmConvolution(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  tile: Tile,
  wantedSplits: number,
  transposed?: Transposed,
): Plan {
  const isTransposed = transposed !== undefined;
  const { load, store } = accessModes(problem, isTransposed);
  const channels = problem.channels / problem.groups;
  const filters = problem.filters / problem.groups;
  const padded = Math.ceil(channels / tile.k) * tile.k;
  const positionMajor = isTransposed || load !== 0 || padded <= channels * 1.125;
  const weightGroup = transposed?.weightGroup ?? filters * problem.weight.n;
  const packing = packWeight(capabilities, problem, tile, positionMajor, weightGroup);
  const { slots, order } = convolutionSlots(problem);
  const packed = slots.push({
    role: "prepared",
    key: packing.key,
    source: 1,
    byteLength: packing.byteLength,
    dispatches: packing.dispatches,
  }) - 1;
  const [depth, height, width] = problem.size;
  const pixels = depth * height * width;
  const columns = problem.batch * pixels;
  const tilesM = Math.ceil(filters / tile.m);
  const tilesN = Math.ceil(columns / tile.n);
  const phases = phaseCount(problem, transposed);
  const whole = tilesM * tilesN * problem.groups * phases;
  const results = problem.filters * phases * columns;
  const length = Math.ceil(packing.steps / wantedSplits);
  // Phases differ in their steps: whatever the parts, some may be empty.
  const splits = isTransposed ? wantedSplits : Math.ceil(packing.steps / length);
  const workgroups = whole * splits;
  const target = splits === 1
    ? order[4]!
    : slots.push({ role: "temporary", byteLength: splits * results * 4 }) - 1;
  const divisors = [divisor(pixels), divisor(height), divisor(width)] as const;
  // Without padding in front, and with the last window inside, no tap leaves the input.
  const bounds = transposed?.bounds ??
    problem.size.some((size, axis) =>
      problem.padding[axis]! > 0 ||
      (size - 1) * problem.stride[axis]! + (problem.kernel[axis]! - 1) * problem.dilation[axis]! -
            problem.padding[axis]! >= problem.inputSize[axis]!
    );
  const { input, output } = problem;
  const dispatch = makeDispatch(
    programs["convolution/igemm_forward"],
    {
      local_size_x: tileThreads(tile),
      tile_m: tile.m,
      tile_n: tile.n,
      tile_k: tile.k,
      unroll: tileUnroll(tile, capabilities),
      rows: tile.rows,
      cols: tile.cols,
      ...geometryConstants(problem),
      ...epilogueConstants(problem),
      bounds: bounds ? 1 : 0,
      position_major: positionMajor ? 1 : 0,
      load,
      store,
      ...(splits > 1 ? { split: 1 } : {}),
      ...(isTransposed ? { transposed: 1 } : {}),
    },
    {
      workgroups,
      tiles_m: tilesM,
      tiles_n: tilesN,
      steps: packing.steps,
      group_channels: channels,
      group_filters: filters,
      columns,
      pixels,
      out_h: height,
      out_w: width,
      pixels_multiplier: divisors[0].multiplier,
      out_h_multiplier: divisors[1].multiplier,
      out_w_multiplier: divisors[2].multiplier,
      shifts: divisors[0].shift | (divisors[1].shift << 5) | (divisors[2].shift << 10),
      in_d: problem.inputSize[0],
      in_h: problem.inputSize[1],
      in_w: problem.inputSize[2],
      input_n: input.n,
      input_c: input.c,
      input_d: input.d,
      input_h: input.h,
      input_w: input.w,
      output_n: output.n,
      output_c: output.c,
      output_d: output.d,
      output_h: output.h,
      output_w: output.w,
      splits,
      split_stride: results,
      ...fullSize(transposed),
    },
    [order[0]!, packed, order[2]!, order[3]!, target],
    foldGrid(capabilities, workgroups),
  );
  const label = `${isTransposed ? "Deconvolution" : "Convolution"}/igemm_${tile.name}`;
  const dispatches = [dispatch];
  if (splits > 1) {
    dispatches.push(
      sumParts(
        capabilities,
        problem,
        splits,
        [target, order[2]!, order[3]!, order[4]!],
        transposed,
      ),
    );
  }
  return {
    label: splits > 1 ? `${label}_split` : label,
    slots,
    dispatches,
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
