// Convolution in float16 as an implicit matrix product of cooperative matrices, added up in float32.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import {
  checkConvolutionLimits,
  type ConvolutionProblem,
  type ConvolutionSettings,
  convolutionSlots,
  describeConvolution,
  epilogueConstants,
  geometryConstants,
  type ImageStrides,
} from "./convolution_problem.ts";
import {
  type CooperativeAccess,
  cooperativeAccess,
  hasTileWorkgroups,
  packCooperativeInput,
  packCooperativeWeight,
} from "./cooperative_pack.ts";
import {
  type CooperativeCut,
  cooperativeThreads,
  type CooperativeTile,
  cooperativeTileFits,
  cutCooperative,
} from "./cooperative_tile.ts";
import { divisor } from "./divisor.ts";
import { foldGrid, gridForItems, plainLocalSize } from "./grid.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** What tests and benches force. */
export interface CooperativeChoice {
  readonly tile?: CooperativeTile;
  /** Parts into which the taps are split. */
  readonly splits?: number;
  /** Copy the input even where the kernel can read it as it is. */
  readonly packed?: boolean;
  /** All operands are float32, and are multiplied in parts of float16. */
  readonly parts?: boolean;
  /** The weight is no parameter: its packed form is not kept. */
  readonly transient?: boolean;
}

function cutFor(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  pointwise: boolean,
  parts: boolean,
): CooperativeCut | undefined {
  const { filters, groups, batch, size, kernel } = problem;
  return cutCooperative(capabilities, {
    rows: filters / groups,
    columns: batch * size[0] * size[1] * size[2],
    depth: Math.ceil(problem.channels / groups / 8) * 8 * kernel[0] * kernel[1] * kernel[2] *
      (parts ? 3 : 1),
    products: groups,
    pointwise,
  });
}

/**
 * Whether cooperative matrices can compute a convolution in float16.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @returns False where the device has none, or none of a fitting shape.
 */
export function supportsCooperative(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
): boolean {
  const pointwise = cooperativeAccess(problem).load === "columns";
  return cutFor(capabilities, problem, pointwise, false) !== undefined;
}

/**
 * Whether they should: matrices that are mostly padding cost more than they save, and a software device gains nothing.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @returns Whether to plan it so.
 */
export function prefersCooperative(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
): boolean {
  const { filters, groups, channels, kernel, batch, size } = problem;
  return batch * size[0] * size[1] * size[2] >= 16 && capabilities.deviceClass !== "cpu" &&
    filters / groups >= 8 &&
    channels / groups * kernel[0] * kernel[1] * kernel[2] >= 16;
}

/**
 * Whether a convolution of float32 tensors can be computed in parts of float16.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @returns False where the device has no matrices of a fitting shape.
 */
export function supportsParts(capabilities: Capabilities, problem: ConvolutionProblem): boolean {
  return hasTileWorkgroups(capabilities) &&
    cutFor(capabilities, problem, false, true) !== undefined;
}

/** Whether they can and should. */
export function choosesCooperative(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
): boolean {
  return prefersCooperative(capabilities, problem) && supportsCooperative(capabilities, problem);
}

/** Whether a tap may lie outside the input. */
function leavesInput(problem: ConvolutionProblem): boolean {
  return problem.size.some((size, axis) =>
    problem.padding[axis]! > 0 ||
    (size - 1) * problem.stride[axis]! + (problem.kernel[axis]! - 1) * problem.dilation[axis]! -
          problem.padding[axis]! >= problem.inputSize[axis]!
  );
}

/** Strides of an input that is read as it is, in octets; `c` steps over a group, or over a channel of columns. */
function directStrides(problem: ConvolutionProblem, load: CooperativeAccess["load"]): ImageStrides {
  const { n, c, d, h, w } = problem.input;
  return load === "columns"
    ? { n: n / 8, c: c / 8, d: 0, h: 0, w: 0 }
    : { n: n / 8, c: problem.channels / problem.groups / 8, d: d / 8, h: h / 8, w: w / 8 };
}

/** Dispatches on other slots. */
function rebind(dispatches: readonly Dispatch[], to: readonly number[]): Dispatch[] {
  return dispatches.map((each) => ({ ...each, slots: each.slots.map((at) => to[at]!) }));
}

/** Adds the parts up and finishes the results; slots are parts, bias, residual and output. */
function sumParts(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  [splits, rows, row]: readonly [splits: number, groupRows: number, row: number],
  slots: readonly number[],
  parts: boolean,
): Dispatch {
  const { output, filters, groups } = problem;
  const [depth, height, width] = problem.size;
  const pixels = depth * height * width;
  const columns = problem.batch * pixels;
  const count = filters * columns;
  const divisors = [columns, pixels, height, width, filters / groups].map(divisor);
  return makeDispatch(
    programs[parts ? "cooperative/sum.float" : "cooperative/sum.half"],
    { local_size_x: plainLocalSize(capabilities), ...epilogueConstants(problem) },
    {
      count,
      splits,
      part: groups * rows * row,
      columns,
      row,
      group_filters: filters / groups,
      group_rows: rows,
      pixels,
      out_h: height,
      out_w: width,
      columns_multiplier: divisors[0]!.multiplier,
      pixels_multiplier: divisors[1]!.multiplier,
      out_h_multiplier: divisors[2]!.multiplier,
      out_w_multiplier: divisors[3]!.multiplier,
      filters_multiplier: divisors[4]!.multiplier,
      shifts: divisors.reduce((bits, { shift }, at) => bits | (shift << (5 * at)), 0),
      output_n: output.n,
      output_c: output.c,
      output_d: output.d,
      output_h: output.h,
      output_w: output.w,
    },
    slots,
    gridForItems(capabilities, count),
  );
}

/**
 * Plans a convolution of float16 tensors (or, in parts, of float32 tensors) with cooperative matrices.
 *
 * @param capabilities A device that {@linkcode supportsCooperative}.
 * @param problem The convolution; not empty. Padding may be negative.
 * @param choice What tests force.
 * @returns Inputs 0 input, 1 weight, 2 bias and 3 residual (where the problem has them) and output 0, all of one dtype.
 */
export function planCooperativeConvolution(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  choice: CooperativeChoice = {},
): Plan {
  const access = cooperativeAccess(problem);
  const parts = choice.parts ?? false;
  const load = parts || choice.packed ? "packed" : access.load;
  const pointwise = load === "columns";
  const cut = choice.tile === undefined
    ? cutFor(capabilities, problem, pointwise, parts)!
    : { tile: choice.tile, splits: 1 };
  const { tile } = cut;
  const shape = capabilities.cooperativeMatrix!;
  if (!cooperativeTileFits(capabilities, tile, pointwise)) {
    throw new RangeError(
      `Cannot plan Convolution with tile ${tile.name}: the device cannot run it`,
    );
  }
  const { slots, order } = convolutionSlots(problem);
  const dispatches: Dispatch[] = [];
  let from = order[0]!;
  let strides = directStrides(problem, load);
  if (load === "packed") {
    const packed = packCooperativeInput(capabilities, problem, parts);
    const copy = slots.push({ role: "temporary", byteLength: packed.byteLength }) - 1;
    dispatches.push(...rebind(packed.dispatches, [from, copy]));
    from = copy;
    strides = packed.strides;
  }
  const packing = packCooperativeWeight(capabilities, problem, tile, parts);
  const { byteLength, dispatches: packs } = packing.slot;
  const weight = slots.push(choice.transient ? { role: "temporary", byteLength } : packing.slot) -
    1;
  if (choice.transient) {
    dispatches.push(...rebind(packs, [order[1]!, weight]));
  }

  const { output, groups } = problem;
  const [depth, height, width] = problem.size;
  const pixels = depth * height * width;
  const columns = problem.batch * pixels;
  const tilesM = Math.ceil(problem.filters / groups / tile.m);
  const tilesN = Math.ceil(columns / tile.n);
  const whole = tilesM * tilesN * groups;
  const partElements = whole * tile.m * tile.n;
  const length = Math.ceil(packing.steps / (choice.splits ?? cut.splits));
  const splits = Math.ceil(packing.steps / length);
  const target = splits === 1
    ? order[4]!
    : slots.push({ role: "temporary", byteLength: splits * partElements * 4 }) - 1;
  const divisors = [pixels, height, width, packing.channelOctets].map(divisor);
  dispatches.push(makeDispatch(
    programs[parts ? "cooperative/convolution.float" : "cooperative/convolution.half"],
    {
      local_size_x: cooperativeThreads(capabilities, tile),
      subgroup: capabilities.subgroupSize,
      ...shape,
      tile_m: tile.m,
      tile_n: tile.n,
      tile_k: tile.k,
      rows: tile.rows / shape.m,
      cols: tile.cols / shape.n,
      ...geometryConstants(problem),
      ...epilogueConstants(problem),
      bounds: leavesInput(problem) ? 1 : 0,
      load: pointwise ? 1 : 0,
      store: access.store,
      split: splits > 1 ? 1 : 0,
      buffers: tile.buffers,
    },
    {
      workgroups: whole * splits,
      tiles_m: tilesM,
      tiles_n: tilesN,
      steps: packing.steps,
      tap_octets: packing.tapOctets,
      channel_octets: packing.channelOctets,
      group_channels: problem.channels / groups,
      group_filters: problem.filters / groups,
      columns,
      pixels,
      out_h: height,
      out_w: width,
      pixels_multiplier: divisors[0]!.multiplier,
      out_h_multiplier: divisors[1]!.multiplier,
      out_w_multiplier: divisors[2]!.multiplier,
      channels_multiplier: divisors[3]!.multiplier,
      shifts: divisors.reduce((bits, { shift }, at) => bits | (shift << (5 * at)), 0),
      in_d: problem.inputSize[0],
      in_h: problem.inputSize[1],
      in_w: problem.inputSize[2],
      input_n: strides.n,
      input_c: strides.c,
      input_d: strides.d,
      input_h: strides.h,
      input_w: strides.w,
      output_n: output.n,
      output_c: output.c,
      output_d: output.d,
      output_h: output.h,
      output_w: output.w,
      splits,
    },
    [from, weight, order[2]!, order[3]!, target],
    foldGrid(capabilities, whole * splits),
  ));
  if (splits > 1) {
    const sizes = [splits, tilesM * tile.m, tilesN * tile.n] as const;
    dispatches.push(
      sumParts(capabilities, problem, sizes, [target, order[2]!, order[3]!, order[4]!], parts),
    );
  }
  return {
    label: `Convolution/cooperative_${parts ? "parts_" : ""}${tile.name}${
      splits > 1 ? "_split" : ""
    }`,
    slots,
    dispatches,
    flops: problem.flops,
    bytes: problem.bytes * (parts ? 1 : 0.5),
  };
}

/**
 * Plans a convolution of float16 tensors where the device has kernels of its own for it.
 *
 * @param capabilities The device.
 * @param settings The convolution.
 * @returns The plan, as of {@linkcode planCooperativeConvolution}; null where the float32 kernels must do.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 * @throws {LimitError} If a tensor exceeds what the device binds.
 */
export function planHalfConvolution(
  capabilities: Capabilities,
  settings: ConvolutionSettings,
): Plan | null {
  if (capabilities.cooperativeMatrix === null) return null;
  const problem = describeConvolution(settings);
  if (problem.outputCount === 0) return null;
  checkConvolutionLimits(capabilities, problem);
  return choosesCooperative(capabilities, problem)
    ? planCooperativeConvolution(capabilities, problem)
    : null;
}
