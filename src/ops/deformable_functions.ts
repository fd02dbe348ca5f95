// Deformable convolution as functions of tensors.

import {
  checkTuple,
  describe,
  integer,
  oneOf,
  optional,
  type OptionRule,
  readOptions,
} from "../core/options.ts";
import { ShapeError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { Tensor } from "../tensor/mod.ts";
import { ACTIVATION_NAMES, type ActivationName } from "./activation.ts";
import type { Operator } from "./define.ts";
import { applySeparately } from "./separate.ts";
import {
  deformableConvolutionOperator,
  modulatedDeformableConvolutionOperator,
} from "./deformable_convolution.ts";

/** Options of deformable convolutions; a number stands for both axes. */
export interface DeformableConvolutionOptions {
  /** Distance between windows; 1 if omitted. */
  readonly strides?: number | readonly number[];
  /** How far windows begin outside of the image; 0 if omitted. */
  readonly padding?: number | readonly number[];
  /** Distance between the taps of the kernel before they are moved; 1 if omitted. */
  readonly dilation?: number | readonly number[];
  /** Into how many groups channels are divided; 1 if omitted. */
  readonly groups?: number;
  /** Into how many groups the channels of the input are divided that share offsets; 1 if omitted. */
  readonly numDeformableGroup?: number;
  /** Order of the axes of all tensors; channels first if omitted. */
  readonly layout?: "NCHW" | "NHWC";
  /** Applied to the result, in the same pass over memory unless the call is recorded. */
  readonly activation?: ActivationName | null;
}

const sizes: OptionRule<unknown> = (_where, _name, value) => value;

const optionRules = {
  strides: sizes,
  padding: sizes,
  dilation: sizes,
  groups: integer({ minimum: 1 }, 1),
  numDeformableGroup: integer({ minimum: 1 }, 1),
  layout: oneOf(["NCHW", "NHWC"], "NCHW"),
  activation: optional(oneOf(ACTIVATION_NAMES)),
};

function apply(
  operator: Operator,
  inputs: readonly Tensor[],
  bias: Tensor | null | undefined,
  options: DeformableConvolutionOptions | undefined,
): Tensor {
  const where = `apply ${operator.name}`;
  const given = readOptions(where, options, optionRules);
  const weight = inputs.at(-1);
  if (!(weight instanceof Tensor)) {
    throw new TypeError(`Cannot ${where}: weight is ${describe(weight)}, expected a Tensor`);
  }
  if (weight.rank !== 4) {
    throw new ShapeError(
      `Cannot ${where}: weight has rank ${weight.rank} (shape ${formatShape(weight.shape)}), ` +
        `expected 4`,
    );
  }
  const { layout } = given;
  const list = (name: string, value: unknown, minimum: number): number[] =>
    checkTuple(where, name, value ?? minimum, 2, { minimum });
  return applySeparately(operator, [...inputs, bias ?? null], {
    kernel: [weight.shape[layout.indexOf("H")]!, weight.shape[layout.indexOf("W")]!],
    stride: list("strides", given.strides, 1),
    pad: list("padding", given.padding, 0),
    dilate: list("dilation", given.dilation, 1),
    num_filter: weight.shape[0]!,
    num_group: given.groups,
    num_deformable_group: given.numDeformableGroup,
    no_bias: bias === undefined || bias === null,
    layout,
    act_type: given.activation,
  });
}

/**
 * Convolves with taps that every output moves by its own offsets (Dai et al., 2017).
 *
 * `y[n, o, q] = b[o] + Σ_c Σ_ij w[o, c, i, j] · S(x[n, c], q · stride - padding + (i, j) · dilation + Δ)`, where `S` takes
 * the bilinear mean of the four neighbors, those beyond the last row or column replaced by it, and 0 where the place
 * lies outside of the image. `Δ = (Δy, Δx)` lies in channels `2 ((d · KH + i) · KW + j)` and the next of the offset, for
 * the deformable group `d` of channel `c`. Gradients exist for all operands, and have equal bits in every run.
 *
 * @param x `[N, C, H, W]`, float32 or float16, or `[N, H, W, C]` with layout `NHWC`, like the others.
 * @param offset `[N, 2 · numDeformableGroup · KH · KW, H', W']`, in elements of `x`.
 * @param weight `[O, C / groups, KH, KW]`.
 * @param bias `[O]`, or null.
 * @param options Strides, padding, dilation, groups, layout, activation.
 * @returns `[N, O, H', W']`, sizes as of a convolution.
 * @throws {TypeError} If an argument or dtype is wrong.
 * @throws {RangeError} If an option is out of range.
 * @throws {ShapeError} If shapes do not fit each other.
 * @throws {LimitError} If a tensor is larger than the device can bind.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { deformableConvolution, tensor } from "@vknn/vknn";
 *
 * const x = tensor([[[[1, 2], [3, 4]]]]);
 * const offset = tensor([[[[0, 0], [0, 0.5]], [[0, 0.5], [0, 0]]]]); // Δy, then Δx
 * const weight = tensor([[[[1]]]]);
 * const y = deformableConvolution(x, offset, weight);
 * assert((await y.data()).join() === "1,2,3,4"); // past the last element nothing changes
 * for (const t of [x, offset, weight, y]) t.dispose();
 * ```
 */
export function deformableConvolution(
  x: Tensor,
  offset: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: DeformableConvolutionOptions,
): Tensor {
  return apply(deformableConvolutionOperator, [x, offset, weight], bias, options);
}

/**
 * Convolves with taps that every output moves by its own offsets and weighs by its own mask (Zhu et al., 2019).
 *
 * As {@linkcode deformableConvolution}, but every sample is multiplied by the mask, and the image fades to zero over one
 * element beyond its border: neighbors outside count as 0. Gradients exist for all operands, the mask too.
 *
 * @param x `[N, C, H, W]`, float32 or float16, or `[N, H, W, C]` with layout `NHWC`, like the others.
 * @param offset `[N, 2 · numDeformableGroup · KH · KW, H', W']`, in elements of `x`.
 * @param mask `[N, numDeformableGroup · KH · KW, H', W']`.
 * @param weight `[O, C / groups, KH, KW]`.
 * @param bias `[O]`, or null.
 * @param options Strides, padding, dilation, groups, layout, activation.
 * @returns `[N, O, H', W']`, sizes as of a convolution.
 * @throws {TypeError} If an argument or dtype is wrong.
 * @throws {RangeError} If an option is out of range.
 * @throws {ShapeError} If shapes do not fit each other.
 * @throws {LimitError} If a tensor is larger than the device can bind.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { modulatedDeformableConvolution, tensor } from "@vknn/vknn";
 *
 * const x = tensor([[[[1, 2], [3, 4]]]]);
 * const offset = tensor([[[[-0.5, 0], [0, 0.5]], [[0, 0], [0, 0]]]]); // Δy, then Δx
 * const mask = tensor([[[[1, 1], [2, 1]]]]);
 * const weight = tensor([[[[1]]]]);
 * const y = modulatedDeformableConvolution(x, offset, mask, weight);
 * assert((await y.data()).join() === "0.5,2,6,2");
 * for (const t of [x, offset, mask, weight, y]) t.dispose();
 * ```
 */
export function modulatedDeformableConvolution(
  x: Tensor,
  offset: Tensor,
  mask: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: DeformableConvolutionOptions,
): Tensor {
  return apply(modulatedDeformableConvolutionOperator, [x, offset, mask, weight], bias, options);
}
