// Convolutions of many channels into few filters on GPUs: the last layer of an image network, and the gradient of an image.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
} from "./convolution_problem.ts";
import { divisor } from "./divisor.ts";
import { planFill } from "./elementwise.ts";
import { foldGrid } from "./grid.ts";
import { countOperand } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";
import { copyRegion } from "./region.ts";

/** Sums of four that an invocation keeps: 4 registers each, beside those for what is on its way. */
const MOST_TAPS = 28;

/** Channels from which walking them pays for adding the windows up. */
const FEWEST_CHANNELS = 16;

/** Quads of a row of the input that a workgroup reads, and its rows: those that leave the fewest rounds of workgroups are taken. */
const COLUMNS = 16;
const ROWS: readonly number[] = [16, 24];

/** Channels whose weights are shared at once. */
const CHUNK = 32;

/** Channels that are on their way at once. */
const AHEAD = 4;

/** The part of the input and of the result that a workgroup has. */
interface Blocking {
  readonly rows: number;
  readonly outRows: number;
  readonly outColumns: number;
  readonly tilesH: number;
  readonly tilesW: number;
  readonly workgroups: number;
}

function reach({ kernel, dilation }: ConvolutionProblem, axis: number): number {
  return (kernel[axis]! - 1) * dilation[axis]!;
}

function weightQuads({ filters, kernel }: ConvolutionProblem): number {
  return Math.ceil(filters * kernel[1] * kernel[2] / 4);
}

function sharedBytes(problem: ConvolutionProblem, rows: number): number {
  return 16 * (CHUNK * weightQuads(problem) + problem.kernel[2] * COLUMNS * rows);
}

/** The blocking with the least rows of input for a processor; undefined if the device has room for none. */
function blockingOf(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
): Blocking | undefined {
  const { processors, maxWorkgroupInvocations, maxWorkgroupSize } = capabilities;
  const { padding, batch, size } = problem;
  const lead = 4 * Math.ceil(padding[2] / 4) - padding[2];
  const outColumns = Math.floor((4 * COLUMNS - lead - reach(problem, 2)) / 4) * 4;
  let best: Blocking | undefined;
  let least = Infinity;
  for (const rows of ROWS) {
    const outRows = rows - reach(problem, 1);
    const threads = COLUMNS * rows;
    if (
      outRows < 1 || outColumns < 4 || threads > maxWorkgroupInvocations ||
      threads > maxWorkgroupSize[0] ||
      sharedBytes(problem, rows) > capabilities.maxSharedMemoryBytes
    ) continue;
    const tilesH = Math.ceil(size[1] / outRows);
    const tilesW = Math.ceil(size[2] / outColumns);
    const workgroups = batch * tilesH * tilesW;
    const time = Math.ceil(workgroups / processors) * rows;
    if (time >= least) continue;
    least = time;
    best = { rows, outRows, outColumns, tilesH, tilesW, workgroups };
  }
  return best;
}

/** Whether the kernel can run a convolution. */
export function supportsTaps(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { kernel, stride, padding, groups, filters, input, inputSize } = problem;
  return groups === 1 && kernel[0] === 1 && inputSize[0] === 1 && padding[0] === 0 &&
    stride.every((step) => step === 1) && padding.every((zeros) => zeros >= 0) &&
    filters * kernel[1] * kernel[2] <= MOST_TAPS && input.w === 1 &&
    [input.n, input.c, input.h, inputSize[2]].every((step) => step % 4 === 0) &&
    blockingOf(capabilities, problem) !== undefined;
}

/** Whether a device should run it so: many channels, and parts for many processors, of which borders are not the most. */
export function prefersTaps(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { kernel, channels, batch, size } = problem;
  if (
    capabilities.deviceClass === "cpu" || channels < FEWEST_CHANNELS ||
    kernel[1] * kernel[2] === 1
  ) return false;
  const { workgroups, rows } = blockingOf(capabilities, problem)!;
  const results = batch * size[1] * size[2];
  return 4 * workgroups >= capabilities.processors &&
    2 * results >= workgroups * rows * COLUMNS * 4;
}

/** The weight as the kernel reads it: `[channel][filter, kh, kw, padded to quads]`. */
function packWeight(capabilities: Capabilities, problem: ConvolutionProblem): Slot {
  const { weight, filters, channels, kernel } = problem;
  const padded = 4 * weightQuads(problem);
  const count = channels * padded;
  countOperand(capabilities, "pack the weight of Convolution", [count], 4);
  const sizes = [filters, channels, kernel[1], kernel[2]];
  const given = [weight.n, weight.c, weight.h, weight.w];
  const dispatches: Dispatch[] = [];
  if (count !== problem.weightCount) {
    const [fill] = planFill(capabilities, 0, count * 4).dispatches;
    dispatches.push({ ...fill!, slots: [1] });
  }
  const region = {
    sizes,
    from: { base: 0, strides: given },
    to: { base: 0, strides: [kernel[1] * kernel[2], padded, kernel[2], 1] },
    outputCount: count,
  };
  dispatches.push(...copyRegion(capabilities, region, 4, [0, 1]));
  return {
    role: "prepared",
    key: `taps:${sizes}:${given}`,
    source: 1,
    byteLength: count * 4,
    dispatches,
  };
}

/**
 * Plans a convolution of many channels into few filters.
 *
 * @param capabilities The device.
 * @param problem The convolution, one that the kernel can run; not empty.
 * @returns One dispatch; a prepared slot holds the weight.
 */
export function planTapsConvolution(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
): Plan {
  const { rows, outRows, outColumns, tilesH, tilesW, workgroups } = blockingOf(
    capabilities,
    problem,
  )!;
  const { slots, order } = convolutionSlots(problem);
  const weight = slots.push(packWeight(capabilities, problem)) - 1;
  const { input, output, kernel, padding, dilation } = problem;
  const divisors = [divisor(tilesW), divisor(tilesH)] as const;
  const dispatch = makeDispatch(
    programs["convolution/taps_forward"],
    {
      local_size_x: COLUMNS * rows,
      columns: COLUMNS,
      rows,
      filters: problem.filters,
      kernel_h: kernel[1],
      kernel_w: kernel[2],
      padding_h: padding[1],
      padding_w: padding[2],
      dilation_h: dilation[1],
      dilation_w: dilation[2],
      out_rows: outRows,
      out_columns: outColumns,
      chunk: CHUNK,
      // Code grows with them; CPU devices translate it for longer than they run it.
      ahead: capabilities.deviceClass === "cpu" ? 1 : AHEAD,
      ...epilogueConstants(problem),
    },
    {
      workgroups,
      tiles_w: tilesW,
      tiles_h: tilesH,
      tiles_w_multiplier: divisors[0].multiplier,
      tiles_h_multiplier: divisors[1].multiplier,
      shifts: divisors[0].shift | (divisors[1].shift << 5),
      channels: problem.channels,
      in_h: problem.inputSize[1],
      in_w: problem.inputSize[2],
      out_h: problem.size[1],
      out_w: problem.size[2],
      input_n: input.n / 4,
      input_c: input.c / 4,
      input_h: input.h / 4,
      output_n: output.n,
      output_c: output.c,
      output_h: output.h,
      output_w: output.w,
    },
    [order[0]!, weight, order[2]!, order[3]!, order[4]!],
    foldGrid(capabilities, workgroups),
  );
  return {
    label: "Convolution/taps",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
