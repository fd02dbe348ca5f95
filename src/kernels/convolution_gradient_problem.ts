// What the variants of a weight gradient share: the problem, the parts of its reduction, and push words.

import type { Dispatch } from "../core/dispatch.ts";
import type { AlignedRows } from "./align.ts";
import type { ConvolutionProblem } from "./convolution_problem.ts";
import type { Capabilities } from "./plan.ts";

/** A weight gradient as the variants know it. */
export interface GradientProblem extends ConvolutionProblem {
  /** Whether input channels are the innermost axis of the weight. */
  readonly channelLast: boolean;
}

/** What a variant makes: partial weights of `chunks` parts of the reduction, one after another. */
export interface GradientParts {
  readonly name: string;
  /** Parts; 1 if the dispatch writes the weight itself. */
  readonly chunks: number;
  /** Whether a filter's partial weights go `[tap][channel]`, though its channels have their taps together. */
  readonly tapMajor?: boolean;
  /** Operands of which the dispatch reads a copy: 0 the input, 1 the head gradient. */
  readonly copies?: ReadonlyMap<number, AlignedRows>;
  /**
   * Makes the dispatch.
   *
   * @param chunkStep Elements from part to part.
   * @returns A dispatch on slots 0 input, 1 head gradient, 2 result.
   */
  readonly dispatch: (chunkStep: number) => Dispatch;
}

/** Most bytes of all partial weights together. */
const WORKSPACE_BYTES = 64 * 2 ** 20;

/**
 * How many parts a reduction should fall into.
 *
 * @param capabilities The device.
 * @param problem The gradient.
 * @param wanted How many would keep the device busy.
 * @returns At least 1; no more than the workspace holds.
 */
export function countChunks(
  capabilities: Capabilities,
  problem: GradientProblem,
  wanted: number,
): number {
  const bytes = Math.min(WORKSPACE_BYTES, capabilities.maxStorageBufferRange);
  const held = Math.floor(bytes / (16 * Math.ceil(problem.weightCount / 4)));
  return Math.max(1, Math.min(Math.floor(wanted), held));
}

/**
 * Push words that all kernels share: sizes of a group and of the input, and the strides of both operands.
 *
 * @param problem The gradient.
 * @returns The words by name.
 */
export function gradientWords(problem: GradientProblem): Record<string, number> {
  const { input, output } = problem;
  return {
    group_channels: problem.channels / problem.groups,
    group_filters: problem.filters / problem.groups,
    in_d: problem.inputSize[0],
    in_h: problem.inputSize[1],
    in_w: problem.inputSize[2],
    x_n: input.n,
    x_c: input.c,
    x_d: input.d,
    x_h: input.h,
    x_w: input.w,
    g_n: output.n,
    g_c: output.c,
    g_d: output.d,
    g_h: output.h,
    g_w: output.w,
  };
}
