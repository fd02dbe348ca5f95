// Convolution of any kernel, stride and dilation for CPU devices whose driver inlines texel loads (Mesa 22): what the kernel's
// rows of taps read stays on the stack while a loop runs over the output channels.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { onVectors } from "./align.ts";
import { isChannelFirst, supportsCpuRow } from "./convolution_cpu_row.ts";
import {
  epilogueSlots,
  LANES,
  supportsCpuKernels,
  touchedSlots,
} from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
  product,
} from "./convolution_problem.ts";
import { isPlainWeight, storedTogether } from "./cpu_plane.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";

/** Outputs of an invocation. */
const PIXELS = 8;
/** Vectors of eight lanes that stay on the stack: less than the first-level cache. */
const STACK_VECTORS = 768;
/** Taps of a pass, whose multiply-adds are one straight line: more are hardly faster, and compile for longer. */
const MOST_TAPS = 80;
/** As many are better than a second pass. */
const MOST_TAPS_AT_ONCE = 152;
/** Loads of a pass, which take longest to compile. */
const MOST_LOADS = 144;
/** Workgroups that keep every thread of a device busy to the end. */
const ENOUGH_WORKGROUPS = 32;
/** Output channels of a workgroup of the last dispatch. */
const FINISHED_TOGETHER = 16;
/** Factor of a pixel shuffle along the width up to which it is stored in vectors. */
const MOST_SHUFFLED = 4;
/** Filters from which on loads are shared by enough, and those from which on the row kernel is slower. */
const FEWEST_FILTERS = 5;
const MANY_FILTERS = 24;
/** Work that is worth a kernel which compiles for a second. */
const ENOUGH_FLOPS = 1e7;

/** Sizes that follow from a problem. */
interface Sizes {
  /** Outputs side by side, of which an invocation takes one or two. */
  readonly join: 4 | 8;
  /** Outputs of an invocation that are made. */
  readonly pixels: number;
  readonly units: number;
  readonly unitsPerRow: number;
  readonly subgroups: number;
  /** Rows of taps: all, and those of a pass. */
  readonly allRows: number;
  readonly rows: number;
  readonly passes: number;
  /** Vectors of four taps of a pass, and of an output channel. */
  readonly quads: number;
  readonly weightStep: number;
  /** Whether the weight is read as it is. */
  readonly plainWeight: boolean;
  /** Output channels of a workgroup. */
  readonly channels: number;
  /** Whether sums wait in a buffer of their own for a dispatch that finishes them. */
  readonly finishes: boolean;
}

/** Rows of taps that one pass takes at most. */
function mostRows(
  { kernel, stride, dilation, channels }: ConvolutionProblem,
  join: number,
): number {
  const [kd, kh, kw] = kernel;
  // Values of a row that some tap of some output reads.
  const places = new Set<number>();
  for (let p = 0; p < join; p++) {
    for (let tap = 0; tap < kw; tap++) places.add(p * stride[2] + tap * dilation[2]);
  }
  const units = PIXELS / join;
  const reach = (join - 1) * stride[2] + (kw - 1) * dilation[2];
  // As if a row began at the last place of a vector.
  const loads = (Math.floor((reach + 3) / 4) + 1) * units;
  const rows = channels * kd * kh;
  const atOnce = rows * kw <= MOST_TAPS_AT_ONCE && rows * loads <= MOST_LOADS;
  return Math.floor(Math.min(
    (atOnce ? MOST_TAPS_AT_ONCE : MOST_TAPS) / kw,
    STACK_VECTORS / (places.size * units),
    MOST_LOADS / loads,
  ));
}

function sizesOf(problem: ConvolutionProblem): Sizes {
  const { size, batch, channels, filters, kernel } = problem;
  const [kd, kh, kw] = kernel;
  const join = Math.ceil(size[2] / 4) % 2 === 0 ? 8 : 4;
  const unitsPerRow = Math.ceil(size[2] / join);
  const units = batch * size[0] * size[1] * unitsPerRow;
  const subgroups = Math.ceil(units * join / (PIXELS * LANES));
  const allRows = channels * kd * kh;
  const most = Math.max(1, mostRows(problem, join));
  // Whole channels where many fit: the places of their taps are constants.
  const step = 3 * kd * kh <= most ? kd * kh : 1;
  const fewest = Math.ceil(allRows / (Math.floor(most / step) * step));
  const rows = Math.ceil(allRows / (fewest * step)) * step;
  const passes = Math.ceil(allRows / rows);
  const quads = Math.ceil(rows * kw / 4);
  const plainWeight = isPlainWeight(problem) && allRows * kw % 4 === 0 &&
    (passes === 1 || rows * kw % 4 === 0);
  let split = 1;
  while (split * subgroups < ENOUGH_WORKGROUPS && filters / split >= 32) split++;
  return {
    join,
    pixels: unitsPerRow === 1 && join === PIXELS ? size[2] : PIXELS,
    units,
    unitsPerRow,
    subgroups,
    allRows,
    rows,
    passes,
    quads,
    weightStep: plainWeight ? allRows * kw / 4 : passes * quads,
    plainWeight,
    channels: Math.ceil(filters / split),
    finishes: passes > 1 || storedTogether(problem) < 4,
  };
}

/** Whether what lies side by side in the result, behind a pixel shuffle, is whole vectors at multiples of them. */
function finishesVectors({ output, size, shuffle, phases }: ConvolutionProblem): boolean {
  const steps = [output.n, output.c, output.d, output.h, size[2]];
  return output.w === 1 && phases === undefined && shuffle[2] <= MOST_SHUFFLED &&
    steps.every((step) => step % 4 === 0);
}

/** Whether a device can run the kernel on a problem. */
export function supportsCpuColumns(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  if (capabilities.loadPath !== "texel" || problem.groups !== 1 || !isChannelFirst(problem)) {
    return false;
  }
  const { filters } = problem;
  const aligned = onVectors(capabilities, problem);
  if (aligned === undefined) return false;
  const sizes = sizesOf(aligned.problem);
  return mostRows(aligned.problem, sizes.join) > 0 &&
    sizes.subgroups <= 65_535 && filters <= 65_535 &&
    supportsCpuKernels(
      capabilities,
      (aligned.copy?.byteLength ?? 0) / 4,
      problem.inputCount,
      problem.weightCount,
      sizes.weightStep * 4 * filters,
      problem.outputCount,
      sizes.subgroups * filters * PIXELS * LANES,
    );
}

/**
 * Whether there is enough to do for what is put on the stack, with few idle lanes. Where rows can be read in place, filters
 * that fill the lanes of the row kernel must be many.
 */
export function prefersCpuColumns(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { kernel, stride, batch, size, channels, filters, flops } = problem;
  const outputs = batch * product(size);
  const pointwise = product(kernel) === 1 && product(stride) === 1;
  const idle = filters % LANES !== 0 && filters % LANES <= LANES / 2;
  const enough = !supportsCpuRow(problem, capabilities)
    ? FEWEST_FILTERS
    : channels < 4 || idle
    ? LANES + 1
    : MANY_FILTERS;
  const { subgroups, pixels } = sizesOf(problem);
  return capabilities.deviceClass === "cpu" && flops >= ENOUGH_FLOPS && !pointwise &&
    filters >= enough &&
    outputs >= 0.75 * subgroups * pixels * LANES;
}

/** The prepared slot with the weight in passes. */
function packedRows(problem: ConvolutionProblem, sizes: Sizes): Slot {
  const { weight, kernel, filters } = problem;
  const total = filters * sizes.weightStep;
  const words = {
    total,
    quads: sizes.quads,
    passes: sizes.passes,
    pass_taps: sizes.rows * kernel[2],
    taps: sizes.allRows * kernel[2],
    kernel_d: kernel[0],
    kernel_h: kernel[1],
    kernel_w: kernel[2],
    step_o: weight.n,
    step_i: weight.c,
    step_d: weight.d,
    step_h: weight.h,
    step_w: weight.w,
  };
  const program = programs["convolution/pack_rows.texel"];
  const grid = [Math.min(Math.ceil(total / 64), 65_535), 1, 1] as const;
  return {
    role: "prepared",
    key: `rows:${Object.values(words)}`,
    source: 1,
    byteLength: total * 16,
    dispatches: [makeDispatch(program, { local_size_x: 64 }, words, [0, 1], grid)],
  };
}

/**
 * Plans a convolution for a CPU device.
 *
 * @param capabilities The device.
 * @param described The convolution; not empty, and one that `supportsCpuColumns`.
 * @returns One dispatch; before it a copy of an image whose rows are no whole vectors, behind it one that finishes sums.
 */
export function planCpuColumns(capabilities: Capabilities, described: ConvolutionProblem): Plan {
  const { problem, copy } = onVectors(capabilities, described)!;
  const { kernel, stride, dilation, padding, input, inputSize, size, filters } = problem;
  const sizes = sizesOf(problem);
  const { slots, order } = convolutionSlots(problem);
  const [image, plain, bias, residual, output] = order as [number, number, number, number, number];
  const dispatches: Dispatch[] = [];
  let x = image;
  if (copy !== undefined) {
    x = slots.push({ role: "temporary", byteLength: copy.byteLength }) - 1;
    dispatches.push(copy.dispatch([image, x]));
  }
  const weight = sizes.plainWeight ? plain : slots.push(packedRows(problem, sizes)) - 1;
  const sums = sizes.finishes
    ? slots.push({
      role: "temporary",
      byteLength: sizes.subgroups * filters * PIXELS * LANES * 4,
    }) - 1
    : output;
  const { n, c, d, h, w } = problem.output;
  const places = {
    units: sizes.units,
    units_per_row: sizes.unitsPerRow,
    out_h: size[1],
    out_d: size[0],
    channels: filters,
    y_step_n: n,
    y_step_c: c,
    y_step_d: d,
    y_step_h: h,
  };
  const epilogue = epilogueConstants(problem);
  const finished = Math.ceil(FINISHED_TOGETHER / problem.shuffle[2]) * problem.shuffle[2];
  dispatches.push(makeDispatch(
    programs["convolution/cpu_columns.texel"],
    {
      local_size_x: LANES,
      channels: sizes.channels,
      rows: sizes.rows,
      passes: sizes.passes,
      join: sizes.join,
      kernel_d: kernel[0],
      kernel_h: kernel[1],
      kernel_w: kernel[2],
      stride_w: stride[2],
      dilation_w: dilation[2],
      pad_w: padding[2],
      octets: sizes.finishes || storedTogether(problem) === 8 ? 1 : 0,
      sums: sizes.finishes ? 1 : 0,
      pixels: sizes.pixels,
      ...sizes.finishes
        ? { ...epilogue, activation: 0, has_bias: 0, has_residual: 0, residual_after: 0 }
        : epilogue,
    },
    {
      rows: sizes.allRows,
      x_depth: inputSize[0],
      x_height: inputSize[1],
      x_vecs: inputSize[2] / 4,
      x_step_n: input.n / 4,
      x_step_c: input.c / 4,
      x_step_d: input.d / 4,
      x_step_h: input.h / 4,
      stride_d: stride[0],
      stride_h: stride[1],
      dilation_d: dilation[0],
      dilation_h: dilation[1],
      pad_d: padding[0],
      pad_h: padding[1],
      weight_step: sizes.weightStep,
      ...places,
    },
    touchedSlots(capabilities, x, weight, bias, residual, sums),
    [Math.ceil(filters / sizes.channels), sizes.subgroups, 1],
  ));
  if (sizes.finishes) {
    dispatches.push(makeDispatch(
      programs["convolution/cpu_columns_finish.texel"],
      {
        local_size_x: LANES,
        channels: finished,
        join: sizes.join,
        vector_store: finishesVectors(problem) ? 1 : 0,
        ...epilogue,
      },
      { out_w: size[2], y_step_w: w, ...places },
      epilogueSlots(capabilities, sums, bias, residual, output),
      [Math.ceil(filters / finished), sizes.subgroups, 1],
    ));
  }
  return {
    label: "Convolution/cpu_columns",
    slots,
    dispatches,
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
