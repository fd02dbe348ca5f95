// The leaky rectifier and what MXNet offers under its name.
// After apache/mxnet src/operator/leaky_relu.cc.

import { ShapeError } from "../core/errors.ts";
import { checkEnum, number, oneOf, optional, readOptions } from "../core/options.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import { planActivation } from "../kernels/elementwise.ts";
import { planFunction, planGradient } from "../kernels/function.ts";
import { planPrelu } from "../kernels/prelu.ts";
import type { Capabilities, Plan } from "../kernels/plan.ts";
import { widenPlan } from "../kernels/widen.ts";
import type { Tensor } from "../tensor/mod.ts";
import { tanh } from "./activation.ts";
import { lessEqual } from "./comparison.ts";
import {
  checkFloat,
  checkSameDType,
  checkSameSpec,
  defineOperator,
  inputSpec,
  type InputSpecs,
  type Operator,
  type TensorSpec,
} from "./define.ts";
import { minimum } from "./elementwise.ts";
import { exp } from "./function.ts";
import { sumTo } from "./reduce.ts";

/** Types of the operator; `gelu` and `gelu_erf` are one. */
const TYPES = ["leaky", "prelu", "elu", "selu", "gelu", "gelu_erf", "gelu_tanh"] as const;

type LeakyType = typeof TYPES[number];

const attributes = {
  act_type: oneOf(TYPES, "leaky"),
  /** Slope of `leaky` below zero, factor of `elu`; the others do not read it. */
  slope: number({}, 0.25),
} as const;

type Word = Exclude<LeakyType, "leaky" | "prelu" | "gelu_erf">;

/** The name of a type's kernel. */
function kernelOf(type: Exclude<LeakyType, "prelu" | "leaky">): Word {
  return type === "gelu_erf" ? "gelu" : type;
}

/** The shape of the slopes of `prelu` for broadcasting: one, or one for each index of axis 1. */
function slopeShape(where: string, shape: readonly number[], slopes: readonly number[]): number[] {
  const count = elementCount(slopes);
  if (count === 1) return shape.map(() => 1);
  if (slopes.length === 1 && count === shape[1]) {
    return shape.map((_, axis) => axis === 1 ? count : 1);
  }
  throw new ShapeError(
    `Cannot ${where}: gamma has shape ${
      formatShape(slopes)
    }, expected (1,) or one slope for each ` +
      `index of axis 1 of data of shape ${formatShape(shape)}`,
  );
}

/** Checks data and slopes: inputs `at` and `at + 1`. */
function checkInputs(where: string, type: LeakyType, inputs: InputSpecs, at: number): void {
  const data = inputSpec(inputs, at);
  checkFloat(where, "data", data);
  const gamma = inputs[at + 1] ?? null;
  if (type === "prelu") {
    if (gamma === null) {
      throw new TypeError(`Cannot ${where}: gamma is missing, expected the slopes of prelu`);
    }
    checkSameDType(where, "gamma", gamma, ["data", data]);
    slopeShape(where, data.shape, gamma.shape);
  } else if (gamma !== null) {
    throw new TypeError(`Cannot ${where}: found gamma, expected none for act_type "${type}"`);
  }
}

/** Prelu's kernel is for float32 alone; those of the other types take both dtypes. */
function planSlopes(
  capabilities: Capabilities,
  inputs: InputSpecs,
  output: TensorSpec,
  gradient: boolean,
): Plan {
  const slopes = elementCount(inputs.at(-1)!.shape);
  const plan = planPrelu(capabilities, output.shape, slopes, gradient);
  return output.dtype === "float16" ? widenPlan(capabilities, plan, inputs, output) : plan;
}

/** The operator; input 1, the slopes, belongs to `prelu` alone. */
export const leakyReluOperator: Operator = defineOperator({
  name: "LeakyReLU",
  batched: [0],
  inputs: ["data", "gamma"],
  required: 1,
  attributes,
  native16: true,
  inferShape: ({ act_type }, inputs) => {
    checkInputs("apply LeakyReLU", act_type, inputs, 0);
    return inputSpec(inputs, 0);
  },
  plan: (capabilities, { act_type, slope }, inputs, output): Plan => {
    if (act_type === "prelu") return planSlopes(capabilities, inputs, output, false);
    const { dtype } = output;
    const count = elementCount(output.shape);
    return act_type === "leaky"
      ? planActivation(capabilities, { name: "leaky", alpha: slope }, count, dtype)
      : planFunction(capabilities, kernelOf(act_type), count, dtype, [slope]);
  },
  keeps: ({ act_type }) => act_type === "prelu" ? [0, 1] : [0],
  backward: ({ attributes, inputs, headGradient, needs }) => {
    const [data, gamma = null] = inputs as readonly [Tensor, Tensor | null];
    return [
      needs[0] ? leakyReluGradientOperator.apply([headGradient, data, gamma], attributes) : null,
      needs[1] ? slopeGradient(headGradient, minimum(data, 0), gamma!) : null,
    ];
  },
});

/** The sum of products for each slope. */
function slopeGradient(head: Tensor, below: Tensor, gamma: Tensor): Tensor {
  const shape = slopeShape("apply LeakyReLU", head.shape, gamma.shape);
  return sumTo(head.mul(below), shape).reshape(gamma.shape);
}

const INVERSE_ROOT_2_PI = 1 / Math.sqrt(2 * Math.PI);
const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBIC = 0.044715;
const SELU = 1.0507009873554805 * 1.6732632423543772;

/** How the slope of a type changes with the input; null where it is constant almost everywhere. */
const CURVATURES: Readonly<Record<Word, (x: Tensor, slope: number) => Tensor>> = {
  elu: (x, slope) => exp(minimum(x, 0)).mul(lessEqual(x, 0)).mul(slope),
  selu: (x) => exp(minimum(x, 0)).mul(lessEqual(x, 0)).mul(SELU),
  gelu: (x) => exp(x.mul(x).mul(-0.5)).mul(x.mul(x).mul(-1).add(2)).mul(INVERSE_ROOT_2_PI),
  gelu_tanh: (x) => {
    const square = x.mul(x);
    const t = tanh(square.mul(TANH_CUBIC).add(1).mul(x).mul(TANH_SCALE));
    const rest = t.mul(t).mul(-1).add(1); // the slope of tanh
    const inner = square.mul(3 * TANH_CUBIC).add(1).mul(TANH_SCALE);
    const bend = x.mul(6 * TANH_CUBIC * TANH_SCALE);
    const second = bend.sub(t.mul(inner).mul(inner).mul(2));
    return rest.mul(inner.add(x.mul(second).mul(0.5)));
  },
};

/** The head times the slope at the input. */
export const leakyReluGradientOperator: Operator = defineOperator({
  name: "_backward_LeakyReLU",
  batched: [0, 1],
  inputs: ["head", "data", "gamma"],
  required: 2,
  attributes,
  native16: true,
  inferShape: ({ act_type }, inputs) => {
    checkInputs("apply _backward_LeakyReLU", act_type, inputs, 1);
    return checkSameSpec("apply _backward_LeakyReLU", inputs);
  },
  plan: (capabilities, { act_type, slope }, inputs, output) => {
    if (act_type === "prelu") return planSlopes(capabilities, inputs, output, true);
    const { shape, dtype } = output;
    const name = act_type === "leaky" ? "leaky" : kernelOf(act_type);
    return planGradient(capabilities, name, elementCount(shape), dtype, [slope]);
  },
  keeps: ({ act_type }) => act_type === "prelu" ? [0, 1, 2] : act_type === "leaky" ? [1] : [0, 1],
  backward: ({ attributes, inputs, headGradient, needs }) => {
    const [head, data, gamma = null] = inputs as readonly [Tensor, Tensor, Tensor | null];
    const { act_type, slope } = attributes;
    const bend = act_type === "leaky" || act_type === "prelu"
      ? null
      : CURVATURES[kernelOf(act_type)];
    return [
      needs[0] ? leakyReluGradientOperator.apply([headGradient, data, gamma], attributes) : null,
      needs[1] && bend !== null ? headGradient.mul(head).mul(bend(data, slope)) : null,
      needs[2] ? slopeGradient(headGradient, head.mul(lessEqual(data, 0)), gamma!) : null,
    ];
  },
});

/** The operators of this family. */
export const leakyReluOperators: readonly Operator[] = [
  leakyReluOperator,
  leakyReluGradientOperator,
];

/**
 * `x > 0 ? x : slope * x`, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @param slope Slope below zero; 0.25 as in MXNet.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype, or the slope is not a number.
 * @throws {RangeError} If the slope is not finite.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { leakyRelu, tensor } from "@vknn/vknn";
 *
 * const x = tensor([-2, 2]);
 * const y = leakyRelu(x, 0.5);
 * assert((await y.data()).join() === "-1,2");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function leakyRelu(x: Tensor, slope: number = 0.25): Tensor {
  return leakyReluOperator.apply([x], { act_type: "leaky", slope });
}

/**
 * `x > 0 ? x : slope * x` with learned slopes.
 *
 * @param x Tensor, float32 or float16.
 * @param slopes One slope, or one for each index of axis 1; of the dtype of `x`.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If an argument or a dtype is wrong.
 * @throws {ShapeError} If there are more slopes than one and not as many as channels.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { prelu, tensor } from "@vknn/vknn";
 *
 * using x = tensor([[-2, -2]]);
 * using slopes = tensor([0.5, 2]);
 * using y = prelu(x, slopes);
 * assertEquals([...await y.data()], [-1, -4]);
 * ```
 */
export function prelu(x: Tensor, slopes: Tensor): Tensor {
  return leakyReluOperator.apply([x, slopes], { act_type: "prelu" });
}

/**
 * Exponential linear unit: `x > 0 ? x : alpha * (exp(x) - 1)`.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @param alpha Factor below zero; 1 if omitted.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype, or alpha is not a number.
 * @throws {RangeError} If alpha is not finite.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { elu, tensor } from "@vknn/vknn";
 *
 * using x = tensor([-100, 2]);
 * using y = elu(x, 0.5);
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, [-0.5, 2][at]!, 1e-6));
 * ```
 */
export function elu(x: Tensor, alpha: number = 1): Tensor {
  return leakyReluOperator.apply([x], { act_type: "elu", slope: alpha });
}

/**
 * Scaled exponential linear unit: `1.0507 * (x > 0 ? x : 1.6733 * (exp(x) - 1))`.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { selu, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1]);
 * using y = selu(x);
 * assertAlmostEquals(await y.item(), 1.050701, 1e-6);
 * ```
 */
export function selu(x: Tensor): Tensor {
  return leakyReluOperator.apply([x], { act_type: "selu" });
}

/** How {@linkcode gelu} is computed: by the error function, or by a formula with `tanh` that is close to it. */
export type GeluApproximation = "erf" | "tanh";

/** All values of {@linkcode GeluApproximation}. */
export const GELU_APPROXIMATIONS: readonly GeluApproximation[] = ["erf", "tanh"];

/** Options of {@linkcode gelu}. */
export interface GeluOptions {
  /** How it is computed; `erf` by default. */
  readonly approximation?: GeluApproximation;
}

/**
 * Gaussian error linear unit: `x` times the probability that a standard normal variable is below it.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @param options How it is computed.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 * @throws {RangeError} If there is no such approximation.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { gelu, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1]);
 * using y = gelu(x);
 * assertAlmostEquals(await y.item(), 0.841345, 1e-6);
 * ```
 */
export function gelu(x: Tensor, options?: GeluOptions): Tensor {
  const { approximation = "erf" } = readOptions("apply gelu", options, {
    approximation: optional((where, name, value) =>
      checkEnum(where, name, value, GELU_APPROXIMATIONS)
    ),
  });
  // MXNet's 1.9 and 2.0 betas know the exact form as plain gelu only.
  const act_type = approximation === "tanh" ? "gelu_tanh" : "gelu";
  return leakyReluOperator.apply([x], { act_type });
}
