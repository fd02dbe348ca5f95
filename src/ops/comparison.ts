// Comparisons of two tensors with broadcasting, as 1 and 0. Constant almost everywhere: no gradient.
// After apache/mxnet src/operator/tensor/elemwise_binary_broadcast_op_logic.cc.

import { describe } from "../core/options.ts";
import { broadcastShapes } from "../core/shape.ts";
import { type BinaryOperation, planBinary } from "../kernels/elementwise.ts";
import { full, scope, Tensor } from "../tensor/mod.ts";
import { checkSameDType, defineOperator, inputSpec, type Operator } from "./define.ts";

function defineComparison(operation: BinaryOperation): Operator {
  const name = `broadcast_${operation}`;
  return defineOperator({
    name,
    inputs: ["a", "b"],
    attributes: {},
    native16: true,
    inferShape: (_attributes, inputs) => {
      const a = inputSpec(inputs, 0);
      const b = inputSpec(inputs, 1);
      checkSameDType(`apply ${name}`, "b", b, ["a", a]);
      return { shape: broadcastShapes(`apply ${name}`, a.shape, b.shape), dtype: a.dtype };
    },
    plan: (capabilities, _attributes, inputs, output) => {
      const [a, b] = [inputSpec(inputs, 0), inputSpec(inputs, 1)];
      return planBinary(capabilities, operation, a.shape, b.shape, output.dtype);
    },
    keeps: () => [],
    backward: () => [null, null],
  });
}

const OPERATORS = {
  equal: defineComparison("equal"),
  notEqual: defineComparison("not_equal"),
  greater: defineComparison("greater"),
  greaterEqual: defineComparison("greater_equal"),
  less: defineComparison("lesser"),
  lessEqual: defineComparison("lesser_equal"),
} as const;

/** The operators of this family. */
export const comparisonOperators: readonly Operator[] = Object.values(OPERATORS);

function compare(name: keyof typeof OPERATORS, a: Tensor | number, b: Tensor | number): Tensor {
  const operator = OPERATORS[name];
  for (const [argument, value] of [["a", a], ["b", b]] as const) {
    if (value instanceof Tensor || typeof value === "number") continue;
    throw new TypeError(
      `Cannot apply ${name}: ${argument} is ${describe(value)}, expected a Tensor or a number`,
    );
  }
  if (a instanceof Tensor && b instanceof Tensor) return operator.apply([a, b]);
  const like = a instanceof Tensor ? a : b;
  if (!(like instanceof Tensor)) {
    throw new TypeError(`Cannot apply ${name}: a and b are numbers, expected at least one Tensor`);
  }
  const { dtype, device } = like;
  return scope(() => {
    const [left, right] = [a, b].map((each) =>
      each instanceof Tensor ? each : full([], each, { dtype, device })
    );
    return operator.apply([left, right]);
  });
}

/**
 * Whether elements are equal, with broadcasting. NaN equals nothing.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns 1 where `a == b` and 0 elsewhere, of the dtype of the operands.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { equal, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1, 2, 3]);
 * using y = equal(x, 2);
 * assertEquals([...await y.data()], [0, 1, 0]);
 * ```
 */
export function equal(a: Tensor | number, b: Tensor | number): Tensor {
  return compare("equal", a, b);
}

/**
 * Whether elements differ, with broadcasting. NaN differs from everything.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns 1 where `a != b` and 0 elsewhere, of the dtype of the operands.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { notEqual, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1, 2, 3]);
 * using y = notEqual(x, 2);
 * assertEquals([...await y.data()], [1, 0, 1]);
 * ```
 */
export function notEqual(a: Tensor | number, b: Tensor | number): Tensor {
  return compare("notEqual", a, b);
}

/**
 * Whether elements of `a` are greater, with broadcasting.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns 1 where `a > b` and 0 elsewhere, of the dtype of the operands.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { greater, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1, 2, 3]);
 * using y = greater(x, 2);
 * assertEquals([...await y.data()], [0, 0, 1]);
 * ```
 */
export function greater(a: Tensor | number, b: Tensor | number): Tensor {
  return compare("greater", a, b);
}

/**
 * Whether elements of `a` are greater or equal, with broadcasting.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns 1 where `a >= b` and 0 elsewhere, of the dtype of the operands.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { greaterEqual, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1, 2, 3]);
 * using y = greaterEqual(x, 2);
 * assertEquals([...await y.data()], [0, 1, 1]);
 * ```
 */
export function greaterEqual(a: Tensor | number, b: Tensor | number): Tensor {
  return compare("greaterEqual", a, b);
}

/**
 * Whether elements of `a` are less, with broadcasting.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns 1 where `a < b` and 0 elsewhere, of the dtype of the operands.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { less, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1, 2, 3]);
 * using y = less(x, 2);
 * assertEquals([...await y.data()], [1, 0, 0]);
 * ```
 */
export function less(a: Tensor | number, b: Tensor | number): Tensor {
  return compare("less", a, b);
}

/**
 * Whether elements of `a` are less or equal, with broadcasting.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns 1 where `a <= b` and 0 elsewhere, of the dtype of the operands.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { lessEqual, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1, 2, 3]);
 * using y = lessEqual(x, 2);
 * assertEquals([...await y.data()], [1, 1, 0]);
 * ```
 */
export function lessEqual(a: Tensor | number, b: Tensor | number): Tensor {
  return compare("lessEqual", a, b);
}
