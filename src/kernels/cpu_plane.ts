// What the convolution kernels for CPU devices ask about a problem before they plan: the constants of the sliding window,
// how many outputs one store takes, and how large a workgroup is.

import { LANES, storesPlainly } from "./convolution_cpu_weight.ts";
import type { ConvolutionProblem } from "./convolution_problem.ts";

/** Specialisation constants of a window that slides over a plane. */
export function windowConstants(
  { kernel, stride, dilation, padding }: ConvolutionProblem,
): Record<string, number> {
  return {
    kernel_h: kernel[1],
    kernel_w: kernel[2],
    stride_h: stride[1],
    stride_w: stride[2],
    dilation_h: dilation[1],
    dilation_w: dilation[2],
    pad_w: padding[2],
  };
}

/** Whether the weight lies as `[filters][channels][kd][kh][kw]` without gaps. */
export function isPlainWeight({ weight, kernel, channels, groups }: ConvolutionProblem): boolean {
  const [kd, kh, kw] = kernel;
  const taps = kd * kh * kw;
  return (kw === 1 || weight.w === 1) && (kh === 1 || weight.h === kw) &&
    (kd === 1 || weight.d === kh * kw) && (channels === groups || weight.c === taps) &&
    weight.n === channels / groups * taps;
}

/**
 * Outputs of a row that one store can take: rows are contiguous, and begin and end at multiples of them.
 *
 * @param problem The convolution.
 * @param steps What must be a multiple; by default the width and every stride of the result but that along the width.
 * @returns 8, 4, 2 or 1.
 */
export function storedTogether(
  problem: ConvolutionProblem,
  steps: readonly number[] = rowSteps(problem),
): number {
  if (!storesPlainly(problem) || problem.output.w !== 1) return 1;
  return [8, 4, 2].find((count) => steps.every((step) => step % count === 0)) ?? 1;
}

function rowSteps({ output, size }: ConvolutionProblem): readonly number[] {
  return [output.n, output.c, output.d, output.h, size[2]];
}

/** Sizes of a workgroup, the largest first: larger ones share more of what a workgroup does once. */
const LOCAL_SIZES = [64, 32, 16, LANES] as const;

/** The size of a workgroup that leaves the fewest lanes idle, which compute like the others; the largest on a tie. */
export function leastIdleSize(runs: number, sizes: readonly number[] = LOCAL_SIZES): number {
  const idle = (size: number): number => Math.ceil(runs / size) * size - runs;
  return sizes.reduce((best, size) => idle(size) < idle(best) ? size : best);
}

/** The largest size of a workgroup of which there are enough for every thread of the device. */
export function localSizeOfMany(units: number): number {
  return LOCAL_SIZES.find((size) => units >= size * 16) ?? LANES;
}

/**
 * Local size for a number of runs: full workgroups, but enough of them for every thread of the device.
 *
 * @param runs Invocations that are needed.
 * @param others Workgroups that each of them is multiplied by.
 * @returns 8, 16, 32 or 64.
 */
export function cpuLocalSize(runs: number, others: number): number {
  const subgroups = Math.ceil(runs / LANES);
  if (subgroups >= 64) return 64;
  if (subgroups <= 16 && others < 16) return LANES;
  return leastIdleSize(runs);
}
