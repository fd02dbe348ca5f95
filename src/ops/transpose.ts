// Permuting axes, and views under another shape.
// After apache/mxnet src/operator/tensor/matrix_op.cc.

import { dtypeByteLength } from "../core/dtype.ts";
import { integerList, optional } from "../core/options.ts";
import { normalizePermutation, resolveReshape } from "../core/shape.ts";
import { planTranspose } from "../kernels/movement.ts";
import type { Tensor } from "../tensor/mod.ts";
import { defineOperator, inputSpec, type Operator } from "./define.ts";

/** Permutation of axes; any layout change is one. */
export const transposeOperator: Operator = defineOperator({
  name: "transpose",
  inputs: ["data"],
  attributes: { axes: optional(integerList()) },
  batched: ({ axes }) => (axes as readonly number[] | undefined)?.[0] === 0 ? [0] : [],
  native16: true,
  inferShape: ({ axes }, inputs) => {
    const { shape, dtype } = inputSpec(inputs, 0);
    const order = normalizePermutation("apply transpose", axes, shape.length);
    return { shape: order.map((axis) => shape[axis]!), dtype };
  },
  plan: (capabilities, { axes }, inputs, { dtype }) => {
    const { shape } = inputSpec(inputs, 0);
    const order = normalizePermutation("apply transpose", axes, shape.length);
    return planTranspose(capabilities, shape, order, dtypeByteLength(dtype));
  },
  keeps: () => [],
  backward: ({ attributes: { axes }, inputs, headGradient }) => {
    const { rank } = inputs[0]!;
    const order = normalizePermutation("apply transpose", axes, rank);
    return [headGradient.transpose(order.map((_, axis) => order.indexOf(axis)))];
  },
});

/** The same elements under another shape; a view. */
export const reshapeOperator: Operator = defineOperator({
  name: "Reshape",
  inputs: ["data"],
  attributes: { shape: integerList({ minimum: -1 }) },
  inferShape: ({ shape }, inputs) => {
    const input = inputSpec(inputs, 0);
    return { shape: resolveReshape("apply Reshape", input.shape, shape), dtype: input.dtype };
  },
  plan: null,
  keeps: () => [],
  backward: ({ inputs, headGradient }) => [headGradient.reshape(inputs[0]!.shape)],
});

/** The same elements, through which no gradient passes; a view. */
export const stopGradientOperator: Operator = defineOperator({
  name: "BlockGrad",
  inputs: ["data"],
  attributes: {},
  inferShape: (_attributes, inputs) => inputSpec(inputs, 0),
  plan: null,
  keeps: () => [],
  backward: () => [null],
});

/** The operators of this family. */
export const transposeOperators: readonly Operator[] = [
  transposeOperator,
  reshapeOperator,
  stopGradientOperator,
];

/**
 * Copies a tensor with its axes in another order.
 *
 * @param x Tensor of any shape and dtype.
 * @param axes Source axis of every target axis; reversed if omitted.
 * @returns A tensor of shape `axes.map((axis) => x.shape[axis])`.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {ShapeError} If `axes` is no permutation of all axes.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { tensor, transpose } from "@vknn/vknn";
 *
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * const y = transpose(x);
 * assert((await y.data()).join() === "1,4,2,5,3,6");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  return transposeOperator.apply([x], { axes });
}

/**
 * The same elements under another shape. Nothing is copied: both tensors share memory, which is
 * freed with the last of them, and {@linkcode Tensor.assign} to one changes the other.
 *
 * @param x Tensor of any shape and dtype.
 * @param shape Sizes along every axis; one may be -1 and is inferred.
 * @returns A tensor of that shape.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {ShapeError} If the number of elements does not fit.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { arange, reshape } from "@vknn/vknn";
 *
 * const x = arange(6);
 * const y = reshape(x, [2, -1]);
 * assert(y.shape.join() === "2,3");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  return reshapeOperator.apply([x], { shape });
}
