// 1x1 convolution for CPU devices whose driver inlines texel loads (Mesa 22): the pixels stay on the stack while a loop runs
// over the output channels.

import { programs } from "../../shaders/manifest.ts";
import {
  LANES,
  storesPlainly,
  supportsCpuKernels,
  touchedSlots,
} from "./convolution_cpu_weight.ts";
import { asOneRow, isChannelFirst, isPointwise } from "./convolution_cpu_row.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
} from "./convolution_problem.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Floats of each lane's pixels on the stack: half of the first-level cache. More compile for longer than they save. */
const STACK_FLOATS = 512;
/** As many are better than a second pass. */
const MOST_FLOATS = 768;
/** More loads of a round wait for each other. */
const MOST_AHEAD = 2;
/** Workgroups that keep every thread of a device busy to the end. */
const ENOUGH_WORKGROUPS = 32;

/** Sizes that follow from a problem. */
interface Sizes {
  /** Consecutive outputs of an invocation. */
  readonly pixels: 4 | 8;
  readonly runs: number;
  /** Input channels of a pass, in vectors, and passes. */
  readonly quads: number;
  readonly passes: number;
  /** Output channels of a workgroup. */
  readonly channels: number;
  /** Output channels of a round, which a pixel shuffle interleaves along the row. */
  readonly wide: 1 | 2;
  /** Loads of a round that bring the next pixels into the cache. */
  readonly ahead: number;
}

/** Whether results are stored through a pixel shuffle by two along the row, whole or as all phases of one. */
function isWide({ shuffle, phases, size, output }: ConvolutionProblem): boolean {
  const [depth, , width] = shuffle;
  return depth === 1 && width === 2 && size[2] % 4 === 0 &&
    [output.n, output.c, size[1] === 1 ? 0 : output.h].every((step) => step % 8 === 0) &&
    (phases === undefined ||
      [0, 1, 2].every((axis) => phases.start[axis] === 0 && phases.count[axis] === shuffle[axis]));
}

function sizesOf(problem: ConvolutionProblem): Sizes {
  const { size, batch, channels, filters, output } = problem;
  const plane = size[1] * size[2];
  const wide = storesPlainly(problem) ? 1 : 2;
  // Wide runs lie within a row.
  const steps = wide === 1 ? [plane, output.n, output.c] : [size[2]];
  const octets = steps.every((step) => step % 8 === 0);
  const pixels = octets ? 8 : 4;
  const runs = batch * plane / pixels;
  const parts = Math.ceil(channels / 16);
  const passes = parts * 16 * pixels <= MOST_FLOATS
    ? 1
    : Math.ceil(parts * 16 * pixels / STACK_FLOATS);
  const subgroups = Math.ceil(runs / LANES);
  let split = 1;
  while (split * subgroups < ENOUGH_WORKGROUPS && filters / split >= 32) split++;
  const quads = Math.ceil(parts / passes) * 4;
  const together = Math.ceil(filters / split / wide) * wide;
  const [rounds, loads] = [together / wide, quads * pixels / 4];
  // Where the next workgroup has the same pixels, or few of the rounds bring all, there is nothing to gain.
  const useful = (passes > 1 || split === 1) && rounds <= 4 * loads;
  return {
    pixels,
    runs,
    quads,
    passes,
    channels: together,
    wide,
    ahead: useful ? Math.min(MOST_AHEAD, Math.ceil(loads / rounds)) : 0,
  };
}

/** Whether a device can run the kernel on a problem. */
export function supportsCpuPointwise(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { groups, channels, size, output, weight } = problem;
  return capabilities.loadPath === "texel" && groups === 1 && channels % 4 === 0 &&
    weight.c === 1 && weight.n === channels && isChannelFirst(problem) && isPointwise(problem) &&
    (asOneRow(problem) || isWide(problem)) && size[0] === 1 && output.w === 1 &&
    output.n % 4 === 0 && output.c % 4 === 0 &&
    sizesOf(problem).runs / LANES <= 65_535 && problem.filters <= 65_535 &&
    supportsCpuKernels(
      capabilities,
      problem.inputCount,
      problem.weightCount,
      problem.outputCount,
    );
}

/**
 * Whether there is enough to do for each pixel that is put on the stack, in runs of 8: with runs of 4 broadcasts of weights
 * take as long as the row kernel's loads (1024 -> 256 channels at 14 x 14: 0.95 times as fast). The row kernel would store
 * the results of a pixel shuffle float by float.
 */
export function prefersCpuPointwise(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { pixels, runs, wide } = sizesOf(problem);
  return capabilities.deviceClass === "cpu" && (pixels === 8 || wide === 2) && runs >= 64 &&
    problem.channels >= 16 && problem.filters >= 16;
}

/**
 * Plans a 1x1 convolution for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty, and one that `supportsCpuPointwise`.
 * @returns One dispatch.
 */
export function planCpuPointwise(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const { size, output, channels, filters } = problem;
  const sizes = sizesOf(problem);
  const { slots, order } = convolutionSlots(problem);
  const dispatch = makeDispatch(
    programs["convolution/cpu_pointwise.texel"],
    {
      local_size_x: LANES,
      channels: sizes.channels,
      quads: sizes.quads,
      passes: sizes.passes,
      pixels: sizes.pixels,
      wide: sizes.wide,
      ahead: sizes.ahead,
      ...epilogueConstants(problem),
    },
    {
      inputs: channels,
      plane: size[1] * size[2] / 4,
      runs: sizes.runs,
      channels: filters,
      y_step_n: output.n,
      y_step_c: output.c,
      y_step_h: output.h,
      x_width: size[2],
      x_end: problem.inputCount / 4,
    },
    touchedSlots(capabilities, ...order),
    [Math.ceil(filters / sizes.channels), Math.ceil(sizes.runs / LANES), 1],
  );
  return {
    label: "Convolution/cpu_pointwise",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
