// All phases of a transposed convolution as one ordinary convolution: every phase gets the window that all of them need,
// with zeros where it has no tap. More products, but one kernel with work for the whole device.

import type { Dispatch } from "../core/dispatch.ts";
import { contiguousStrides } from "../core/shape.ts";
import type { DeconvolutionProblem, PhaseGroup } from "./deconvolution_problem.ts";
import { phasesOf } from "./deconvolution_problem.ts";
import { planFill } from "./elementwise.ts";
import { countOperand } from "./operand.ts";
import type { Capabilities } from "./plan.ts";
import { copyRegion } from "./region.ts";

/** More phases than this cost more to pack than they save. */
const MOST_PHASES = 16;

/** Offset in the input of the first tap that any phase of an axis has. */
function firstOffset({ padding, kernel, stride }: DeconvolutionProblem, axis: number): number {
  return Math.ceil((padding[axis]! - (kernel[axis]! - 1)) / stride[axis]!);
}

function joinAxis(problem: DeconvolutionProblem, axis: number): PhaseGroup | undefined {
  const [stride, size] = [problem.stride[axis]!, problem.size[axis]!];
  if (stride === 1) return phasesOf(problem, axis)![0];
  // Phases of different sizes would store past the end; distances between taps would leave gaps in all windows.
  if (size % stride !== 0 || (problem.dilation[axis] !== 1 && problem.kernel[axis] !== 1)) {
    return undefined;
  }
  const lowest = firstOffset(problem, axis);
  const highest = Math.floor((stride - 1 + problem.padding[axis]!) / stride);
  return {
    start: 0,
    count: stride,
    taps: highest - lowest + 1,
    firstTap: 0,
    tapStep: stride,
    phaseStep: 1,
    padding: -lowest,
    dilation: 1,
    size: size / stride,
  };
}

/**
 * The phases of a transposed convolution as one.
 *
 * @param problem The transposed convolution.
 * @returns A group of phases for each axis; undefined if they cannot be joined, or there is nothing to join.
 */
export function joinPhases(
  problem: DeconvolutionProblem,
): [PhaseGroup, PhaseGroup, PhaseGroup] | undefined {
  const [depth, height, width] = [0, 1, 2].map((axis) => joinAxis(problem, axis));
  if (depth === undefined || height === undefined || width === undefined) return undefined;
  const phases = depth.count * height.count * width.count;
  const taps = Math.min(depth.taps, height.taps, width.taps);
  return phases > 1 && phases <= MOST_PHASES && taps > 0 ? [depth, height, width] : undefined;
}

/** Taps of one phase: where they begin in its window, how many they are, and the first of them in the kernel. */
function tapsOf(
  problem: DeconvolutionProblem,
  axis: number,
  phase: number,
): { first: number; count: number; tap: number } {
  const [stride, padding, kernel] = [
    problem.stride[axis]!,
    problem.padding[axis]!,
    problem.kernel[axis]!,
  ];
  if (stride === 1) return { first: 0, count: kernel, tap: kernel - 1 };
  const lowest = firstOffset(problem, axis);
  const from = Math.ceil((phase + padding - (kernel - 1)) / stride);
  const to = Math.floor((phase + padding) / stride);
  return { first: from - lowest, count: to - from + 1, tap: phase + padding - stride * from };
}

/**
 * The weight of joined phases, `[group, filter, phases…, channel, taps…]`.
 *
 * @param capabilities The device.
 * @param problem The transposed convolution.
 * @param joined Its joined phases.
 * @returns What it depends on besides the weight, its size, and how to fill slot `to` from slot 0.
 */
export function joinedWeight(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  joined: readonly PhaseGroup[],
): { key: string; byteLength: number; dispatches: (to: number) => Dispatch[] } {
  const { weight, groups, stride, padding, kernel } = problem;
  const channels = problem.channels / groups;
  const filters = problem.filters / groups;
  const counts = joined.map(({ count }) => count);
  const windows = joined.map(({ taps }) => taps);
  const sizes = [groups, filters, ...counts, channels, ...windows];
  const steps = contiguousStrides(sizes);
  const total = sizes.reduce((all, size) => all * size, 1);
  countOperand(capabilities, "join the phases of Deconvolution", [total], 4);
  const given = [weight.d, weight.h, weight.w];
  const pack = (to: number): Dispatch[] => {
    const [fill] = planFill(capabilities, 0, total * 4).dispatches;
    const dispatches: Dispatch[] = [{ ...fill!, slots: [to] }];
    for (let index = 0; index < counts[0]! * counts[1]! * counts[2]!; index++) {
      const phase = [
        Math.floor(index / (counts[1]! * counts[2]!)),
        Math.floor(index / counts[2]!) % counts[1]!,
        index % counts[2]!,
      ];
      const own = phase.map((each, axis) => tapsOf(problem, axis, each));
      if (own.some(({ count }) => count < 1)) continue;
      const region = {
        sizes: [groups, filters, channels, ...own.map(({ count }) => count)],
        from: {
          base: own.reduce((sum, { tap }, axis) => sum + tap * given[axis]!, 0),
          strides: [
            channels * weight.n,
            weight.c,
            weight.n,
            ...given.map((step, axis) => -step * stride[axis]!),
          ],
        },
        to: {
          base: own.reduce(
            (sum, { first }, axis) =>
              sum + phase[axis]! * steps[2 + axis]! + first * steps[6 + axis]!,
            0,
          ),
          strides: [steps[0]!, steps[1]!, steps[5]!, ...steps.slice(6)],
        },
        outputCount: total,
      };
      dispatches.push(...copyRegion(capabilities, region, 4, [0, to]));
    }
    return dispatches;
  };
  return {
    key: `joined:${sizes}:${[stride, padding, kernel, given, weight.n, weight.c]}`,
    byteLength: total * 4,
    dispatches: pack,
  };
}
