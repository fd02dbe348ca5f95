// Functions of one tensor, element by element.
// After apache/mxnet src/operator/tensor/elemwise_unary_op_*.cc and matrix_op.cc (clip).

import { number } from "../core/options.ts";
import { elementCount } from "../core/shape.ts";
import { planScalar } from "../kernels/elementwise.ts";
import { type FunctionName, planFunction, planGradient } from "../kernels/function.ts";
import type { Tensor } from "../tensor/mod.ts";
import { checkSameDType, defineOperator, inputSpec, type Operator } from "./define.ts";

/** A function without parameters; its gradient from head, input and output. */
function defineFunction(
  name: FunctionName,
  keeps: readonly (number | "output")[],
  gradient: (head: Tensor, x: Tensor, y: Tensor) => Tensor | null,
): Operator {
  return defineOperator({
    name,
    inputs: ["data"],
    batched: [0],
    attributes: {},
    native16: true,
    inferShape: (_attributes, inputs) => inputSpec(inputs, 0),
    plan: (capabilities, _attributes, _inputs, { shape, dtype }) =>
      planFunction(capabilities, name, elementCount(shape), dtype),
    keeps: () => keeps,
    backward: ({ headGradient, inputs, output }) => [gradient(headGradient, inputs[0]!, output)],
  });
}

const signOperator: Operator = defineFunction("sign", [], () => null);

const OPERATORS = {
  exp: defineFunction("exp", ["output"], (head, _x, y) => head.mul(y)),
  log: defineFunction("log", [0], (head, x) => head.div(x)),
  log1p: defineFunction("log1p", [0], (head, x) => head.div(x.add(1))),
  expm1: defineFunction("expm1", ["output"], (head, _x, y) => head.mul(y.add(1))),
  sqrt: defineFunction("sqrt", ["output"], (head, _x, y) => head.div(y.mul(2))),
  rsqrt: defineFunction(
    "rsqrt",
    [0, "output"],
    (head, x, y) => head.mul(y.div(x)).mul(-0.5),
  ),
  square: defineFunction("square", [0], (head, x) => head.mul(x.mul(2))),
  abs: defineFunction("abs", [0], (head, x) => head.mul(signOperator.apply([x]))),
  sign: signOperator,
} as const satisfies Record<string, Operator>;

/** Change of sign. */
export const negativeOperator: Operator = defineOperator({
  name: "negative",
  inputs: ["data"],
  attributes: {},
  native16: true,
  inferShape: (_attributes, inputs) => inputSpec(inputs, 0),
  plan: (capabilities, _attributes, _inputs, { shape, dtype }) => {
    const shift = dtype === "int32" ? 0 : -0; // -0 as shift keeps the sign of zeros
    const operation = { kind: "affine", scale: -1, shift } as const;
    return planScalar(capabilities, operation, elementCount(shape), dtype);
  },
  keeps: () => [],
  backward: ({ headGradient }) => [negativeOperator.apply([headGradient])],
});

/** Tensor to the power of a number. */
export const powerScalarOperator: Operator = defineOperator({
  name: "_power_scalar",
  inputs: ["data"],
  attributes: { scalar: number() },
  native16: true,
  inferShape: (_attributes, inputs) => inputSpec(inputs, 0),
  plan: (capabilities, { scalar }, _inputs, { shape, dtype }) =>
    planFunction(capabilities, "power", elementCount(shape), dtype, [scalar]),
  keeps: () => [0],
  backward: ({ attributes: { scalar }, headGradient, inputs }) => {
    if (scalar === 0) return [null];
    const slope = powerScalarOperator.apply([inputs[0]], { scalar: scalar - 1 }).mul(scalar);
    return [headGradient.mul(slope)];
  },
});

const clipAttributes = { a_min: number(), a_max: number() };

/** The nearest number between two bounds. */
export const clipOperator: Operator = defineOperator({
  name: "clip",
  inputs: ["data"],
  attributes: clipAttributes,
  native16: true,
  inferShape: ({ a_min, a_max }, inputs) => {
    if (a_min <= a_max) return inputSpec(inputs, 0);
    throw new RangeError(
      `Cannot apply clip: a_min is ${a_min} and a_max ${a_max}, expected a_min <= a_max`,
    );
  },
  plan: (capabilities, { a_min, a_max }, _inputs, { shape, dtype }) =>
    planFunction(capabilities, "clip", elementCount(shape), dtype, [a_min, a_max]),
  keeps: () => [0],
  backward: ({ attributes, headGradient, inputs }) => [
    clipGradientOperator.apply([headGradient, inputs[0]], attributes),
  ],
});

/** The gradient of clip: the head's elements where the input is within the bounds. */
export const clipGradientOperator: Operator = defineOperator({
  name: "_backward_clip",
  inputs: ["head", "data"],
  batched: [0, 1],
  attributes: clipAttributes,
  native16: true,
  inferShape: (_attributes, inputs) => {
    const data = inputSpec(inputs, 1);
    checkSameDType("apply _backward_clip", "head", inputSpec(inputs, 0), ["data", data]);
    return data;
  },
  plan: (capabilities, { a_min, a_max }, _inputs, { shape, dtype }) =>
    planGradient(capabilities, "clip", elementCount(shape), dtype, [a_min, a_max]),
  keeps: () => [1],
  backward: ({ attributes, headGradient, inputs, needs }) => [
    needs[0] ? clipGradientOperator.apply([headGradient, inputs[1]], attributes) : null,
    null,
  ],
});

/** The operators of this family. */
export const functionOperators: readonly Operator[] = [
  ...Object.values(OPERATORS),
  negativeOperator,
  powerScalarOperator,
  clipOperator,
  clipGradientOperator,
];

/**
 * Exponential function, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { exp, tensor } from "@vknn/vknn";
 *
 * using x = tensor([0, 1]);
 * using y = exp(x);
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, [1, Math.E][at]!, 1e-6));
 * ```
 */
export function exp(x: Tensor): Tensor {
  return OPERATORS.exp.apply([x]);
}

/**
 * Natural logarithm; NaN below zero, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { log, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1, Math.E]);
 * using y = log(x);
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, [0, 1][at]!, 1e-6));
 * ```
 */
export function log(x: Tensor): Tensor {
  return OPERATORS.log.apply([x]);
}

/**
 * Natural logarithm of `1 + x`, with all digits near 0, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { log1p, tensor } from "@vknn/vknn";
 *
 * using x = tensor([0, Math.E - 1]);
 * using y = log1p(x);
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, [0, 1][at]!, 1e-6));
 * ```
 */
export function log1p(x: Tensor): Tensor {
  return OPERATORS.log1p.apply([x]);
}

/**
 * Exponential function less one, with all digits near 0, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { expm1, tensor } from "@vknn/vknn";
 *
 * using x = tensor([0, 1]);
 * using y = expm1(x);
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, [0, Math.E - 1][at]!, 1e-6));
 * ```
 */
export function expm1(x: Tensor): Tensor {
  return OPERATORS.expm1.apply([x]);
}

/**
 * Square root; NaN below zero, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { sqrt, tensor } from "@vknn/vknn";
 *
 * using x = tensor([4, 9]);
 * using y = sqrt(x);
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, [2, 3][at]!, 1e-6));
 * ```
 */
export function sqrt(x: Tensor): Tensor {
  return OPERATORS.sqrt.apply([x]);
}

/**
 * Reciprocal of the square root; NaN below zero, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { rsqrt, tensor } from "@vknn/vknn";
 *
 * using x = tensor([4, 0.25]);
 * using y = rsqrt(x);
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, [0.5, 2][at]!, 1e-6));
 * ```
 */
export function rsqrt(x: Tensor): Tensor {
  return OPERATORS.rsqrt.apply([x]);
}

/**
 * Square, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { square, tensor } from "@vknn/vknn";
 *
 * using x = tensor([-2, 3]);
 * using y = square(x);
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, [4, 9][at]!, 1e-6));
 * ```
 */
export function square(x: Tensor): Tensor {
  return OPERATORS.square.apply([x]);
}

/**
 * Magnitude; its gradient at 0 is 0, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { abs, tensor } from "@vknn/vknn";
 *
 * using x = tensor([-2, 3]);
 * using y = abs(x);
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, [2, 3][at]!, 1e-6));
 * ```
 */
export function abs(x: Tensor): Tensor {
  return OPERATORS.abs.apply([x]);
}

/**
 * Sign: -1, 0 or 1; its gradient is 0, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { sign, tensor } from "@vknn/vknn";
 *
 * using x = tensor([-2, 3]);
 * using y = sign(x);
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, [-1, 1][at]!, 1e-6));
 * ```
 */
export function sign(x: Tensor): Tensor {
  return OPERATORS.sign.apply([x]);
}

/**
 * Changes the sign of every element.
 *
 * @param x Tensor of any shape (float32, float16 or int32).
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or its dtype is not computed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { negative, tensor } from "@vknn/vknn";
 *
 * using x = tensor([-2, 3]);
 * using y = negative(x);
 * assertEquals([...await y.data()], [2, -3]);
 * ```
 */
export function negative(x: Tensor): Tensor {
  return negativeOperator.apply([x]);
}

/**
 * Raises every element to a power.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @param exponent The power; a fraction gives NaN below zero.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If an argument or the dtype is wrong.
 * @throws {RangeError} If the exponent is not finite.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { power, tensor } from "@vknn/vknn";
 *
 * using x = tensor([-2, 3]);
 * using y = power(x, 3);
 * assertEquals([...await y.data()], [-8, 27]);
 * ```
 */
export function power(x: Tensor, exponent: number): Tensor {
  return powerScalarOperator.apply([x], { scalar: exponent });
}

/**
 * Cuts elements off at two bounds; NaN stays NaN. The gradient passes where the element is within.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @param low The smallest result.
 * @param high The largest result.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If an argument or the dtype is wrong.
 * @throws {RangeError} If a bound is not finite, or they are in the wrong order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { clip, tensor } from "@vknn/vknn";
 *
 * using x = tensor([-2, 0.5, 3]);
 * using y = clip(x, 0, 1);
 * assertEquals([...await y.data()], [0, 0.5, 1]);
 * ```
 */
export function clip(x: Tensor, low: number, high: number): Tensor {
  return clipOperator.apply([x], { a_min: low, a_max: high });
}
