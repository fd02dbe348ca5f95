// The place of the largest element. After apache/mxnet src/operator/tensor/broadcast_reduce_op_index.cc (argmax).

import { ShapeError } from "../core/errors.ts";
import { boolean, integer, readOptions } from "../core/options.ts";
import { formatShape, normalizeAxis } from "../core/shape.ts";
import { planArgmax } from "../kernels/indexing.ts";
import type { Tensor } from "../tensor/mod.ts";
import { checkFloat, defineOperator, inputSpec, type Operator } from "./define.ts";

const attributes = { axis: integer({}, -1), keepdims: boolean(false) } as const;

/** Index of the largest element of each line along an axis. */
export const argmaxOperator: Operator = defineOperator({
  name: "argmax",
  inputs: ["data"],
  attributes,
  inferShape: ({ axis, keepdims }, inputs) => {
    const data = inputSpec(inputs, 0);
    checkFloat("apply argmax", "data", data);
    const at = normalizeAxis("apply argmax", axis, data.shape.length);
    if (data.shape[at] === 0) {
      throw new ShapeError(
        `Cannot apply argmax: axis ${axis} of shape ${formatShape(data.shape)} has no elements`,
      );
    }
    return { shape: data.shape.toSpliced(at, 1, ...(keepdims ? [1] : [])), dtype: "int32" };
  },
  plan: (capabilities, { axis }, inputs) => {
    const { shape } = inputSpec(inputs, 0);
    return planArgmax(capabilities, shape, normalizeAxis("apply argmax", axis, shape.length));
  },
  keeps: () => [],
  backward: () => [null],
});

/** The operators of this family. */
export const argmaxOperators: readonly Operator[] = [argmaxOperator];

/** Options of {@linkcode argmax}. */
export interface ArgmaxOptions {
  /** The axis along which elements are compared; the last one if omitted. */
  readonly axis?: number;
  /** Keep the axis with size 1; false if omitted. */
  readonly keepDims?: boolean;
}

/**
 * The index of the largest element of each line along an axis: the first of equal ones; NaN is larger than
 * everything.
 *
 * @param x Tensor of at least one axis, float32 or float16.
 * @param options The axis.
 * @returns An int32 tensor of the shape of `x` without the axis.
 * @throws {TypeError} If an argument or the dtype is wrong.
 * @throws {ShapeError} If the axis is out of range or has no elements.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { argmax, tensor } from "@vknn/vknn";
 *
 * using x = tensor([[1, 5, 2], [7, 7, 0]]);
 * using y = argmax(x);
 * assertEquals([...await y.data()], [1, 0]);
 * ```
 */
export function argmax(x: Tensor, options?: ArgmaxOptions): Tensor {
  const { axis, keepDims } = readOptions("apply argmax", options, {
    axis: attributes.axis,
    keepDims: attributes.keepdims,
  });
  return argmaxOperator.apply([x], { axis, keepdims: keepDims });
}
