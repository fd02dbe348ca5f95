// Copies of images whose rows are no whole vectors into rows that are, for kernels of CPU devices that read vectors only.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import {
  type ConvolutionProblem,
  type ImageStrides,
  isGapless,
  type Triple,
} from "./convolution_problem.ts";
import { divisor } from "./divisor.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";

/** An image as kernels may read it instead: the same, but for zeros behind every row. */
export interface AlignedRows {
  readonly strides: ImageStrides;
  readonly size: Triple;
  readonly byteLength: number;
  /**
   * Makes the copy.
   *
   * @param slots Slots of the image and of the copy.
   * @returns One dispatch.
   */
  readonly dispatch: (slots: readonly [number, number]) => Dispatch;
}

/**
 * The aligned copy of an image.
 *
 * @param capabilities The device.
 * @param strides Strides of the image.
 * @param size Its depth, height and width.
 * @param channels Its channels.
 * @param count Its elements.
 * @returns The copy; undefined if rows are whole vectors, or the image has gaps or another order of axes.
 */
export function alignRows(
  capabilities: Capabilities,
  strides: ImageStrides,
  [depth, height, width]: Triple,
  channels: number,
  count: number,
): AlignedRows | undefined {
  const contiguous = isGapless(strides, [depth, height, width], channels);
  // A last vector that is not whole would lie outside a view.
  if (!contiguous || width % 4 === 0 || count % 4 !== 0 || !capabilities.int64) return undefined;
  const quads = Math.ceil(width / 4);
  const total = count / width * quads;
  if (total * 16 > capabilities.maxStorageBufferRange) return undefined;
  const [h, d] = [quads * 4, quads * 4 * height];
  return {
    strides: { n: d * depth * channels, c: d * depth, d, h, w: 1 },
    size: [depth, height, quads * 4],
    byteLength: total * 16,
    dispatch: (slots) =>
      makeDispatch(
        programs[`movement/cpu_align.${usesTexels(capabilities) ? "texel" : "storage"}` as const],
        { local_size_x: plainLocalSize(capabilities) },
        { count: total, width, quads, ...divisor(quads), last: count / 4 - 1 },
        slots,
        gridForItems(capabilities, total),
      ),
  };
}

/** The problem on rows of whole vectors, and their copy where the image has others; undefined if it cannot be copied. */
export function onVectors(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
): { problem: ConvolutionProblem; copy?: AlignedRows } | undefined {
  const { input, inputSize, channels, inputCount } = problem;
  if (inputSize[2] % 4 === 0) return { problem };
  const copy = alignRows(capabilities, input, inputSize, channels, inputCount);
  if (copy === undefined) return undefined;
  return { problem: { ...problem, input: copy.strides, inputSize: copy.size }, copy };
}
