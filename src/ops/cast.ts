// Conversion between dtypes. After apache/mxnet src/operator/tensor/elemwise_unary_op_basic.cc (Cast).

import { type DType, DTYPES } from "../core/dtype.ts";
import { oneOf } from "../core/options.ts";
import { elementCount } from "../core/shape.ts";
import { planCast } from "../kernels/cast.ts";
import type { Tensor } from "../tensor/mod.ts";
import { defineOperator, inputSpec, type Operator } from "./define.ts";

const attributes = { dtype: oneOf(DTYPES) };

/** Conversion to the attribute `dtype`. */
export const castOperator: Operator = defineOperator({
  batched: [0],
  name: "Cast",
  inputs: ["data"],
  attributes,
  native16: true,
  inferShape: ({ dtype }, inputs) => ({ shape: inputSpec(inputs, 0).shape, dtype }),
  plan: (capabilities, _attributes, inputs, { shape, dtype }) =>
    planCast(capabilities, inputSpec(inputs, 0).dtype, dtype, elementCount(shape)),
  keeps: () => [],
  backward: ({ inputs, headGradient }) => [headGradient.cast(inputs[0]!.dtype)],
});

/** The operators of this family. */
export const castOperators: readonly Operator[] = [castOperator];

/**
 * Copies a tensor to another dtype.
 *
 * To float16 the nearest value is taken, ties to even; floats become integers toward zero, saturated,
 * NaN as 0; between integers the low bits are kept.
 *
 * @param x Tensor of any shape and dtype.
 * @param dtype The wanted dtype.
 * @returns A tensor of the same shape.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {RangeError} If there is no such dtype.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { cast, tensor } from "@vknn/vknn";
 *
 * const x = tensor([-1.5, 2.9, 1000]);
 * const y = cast(x, "int8");
 * assert((await y.data()).join() === "-1,2,127");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  return castOperator.apply([x], { dtype });
}
