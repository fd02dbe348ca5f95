// Activations. After apache/mxnet src/operator/nn/activation.cc.

import { checkEnum, oneOf } from "../core/options.ts";
import { elementCount } from "../core/shape.ts";
import { planActivation } from "../kernels/elementwise.ts";
import { planGradient } from "../kernels/function.ts";
import type { Tensor } from "../tensor/mod.ts";
import { checkSameSpec, defineOperator, inputSpec, type Operator } from "./define.ts";
import { abs, exp, power, sign } from "./function.ts";

/** Name of an activation, by MXNet's spelling. */
export type ActivationName =
  | "relu"
  | "sigmoid"
  | "tanh"
  | "softrelu"
  | "softsign"
  | "log_sigmoid"
  | "mish";

/** All activations by name. */
export const ACTIVATION_NAMES: readonly ActivationName[] = [
  "relu",
  "sigmoid",
  "tanh",
  "softrelu",
  "softsign",
  "log_sigmoid",
  "mish",
];

const attributes = { act_type: oneOf(ACTIVATION_NAMES) };

/**
 * Whether the gradient of an activation is computed from its output; else from its input.
 *
 * @param name The activation.
 * @returns False for `softsign` and `mish`.
 */
export function isGradientByOutput(name: ActivationName): boolean {
  return name !== "softsign" && name !== "mish";
}

/** An activation by its attribute `act_type`. */
export const activationOperator: Operator = defineOperator({
  batched: [0],
  name: "Activation",
  inputs: ["data"],
  attributes,
  native16: true,
  inferShape: (_attributes, inputs) => inputSpec(inputs, 0),
  plan: (capabilities, { act_type }, _inputs, { shape, dtype }) =>
    planActivation(capabilities, { name: act_type }, elementCount(shape), dtype),
  keeps: ({ act_type }) => [isGradientByOutput(act_type) ? "output" : 0],
  backward: ({ attributes: { act_type }, inputs, output, headGradient }) => {
    const point = isGradientByOutput(act_type) ? output : inputs[0];
    return [activationGradientOperator.apply([headGradient, point], { act_type })];
  },
});

/**
 * How the slope of an activation changes with the point where it is computed, as a tensor: the output `y` or
 * the input `x` of the activation. Null where it is constant almost everywhere.
 */
const CURVATURES: Readonly<Record<ActivationName, ((point: Tensor) => Tensor) | null>> = {
  relu: null,
  sigmoid: (y) => y.mul(-2).add(1), // of y - y^2
  tanh: (y) => y.mul(-2), // of 1 - y^2
  softrelu: (y) => exp(y.mul(-1)), // of 1 - e^-y
  log_sigmoid: (y) => exp(y).mul(-1), // of 1 - e^y
  softsign: (x) => sign(x).mul(-2).div(power(abs(x).add(1), 3)), // of (1 + |x|)^-2
  // With t = tanh(softplus(x)) and s = sigmoid(x): of t + x s (1 - t^2).
  mish: (x) => {
    const t = tanh(activation(x, "softrelu"));
    const s = sigmoid(x);
    const inner = s.mul(2).add(x.mul(s).mul(s.mul(-1).add(1))).sub(x.mul(s).mul(s).mul(t).mul(2));
    return inner.mul(t.mul(t).mul(-1).add(1));
  },
};

/** The head times the slope of an activation at a point: its output or, see above, its input. */
export const activationGradientOperator: Operator = defineOperator({
  batched: [0, 1],
  name: "_backward_Activation",
  inputs: ["head", "point"],
  attributes,
  native16: true,
  inferShape: (_attributes, inputs) => checkSameSpec("apply _backward_Activation", inputs),
  plan: (capabilities, { act_type }, _inputs, { shape, dtype }) =>
    planGradient(capabilities, act_type, elementCount(shape), dtype),
  keeps: ({ act_type }, needs) => needs[1] && CURVATURES[act_type] !== null ? [0, 1] : [1],
  backward: ({ attributes: { act_type }, inputs, headGradient, needs }) => {
    const [head, point] = inputs as readonly [Tensor, Tensor];
    const curvature = CURVATURES[act_type];
    return [
      needs[0] ? activationGradientOperator.apply([headGradient, point], { act_type }) : null,
      needs[1] && curvature !== null ? headGradient.mul(head).mul(curvature(point)) : null,
    ];
  },
});

/** The operators of this family. */
export const activationOperators: readonly Operator[] = [
  activationOperator,
  activationGradientOperator,
];

/**
 * Applies an activation element by element. NaN stays NaN.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @param type `relu`, `sigmoid`, `tanh`, `softrelu`, `softsign`, `log_sigmoid` or `mish`.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 * @throws {RangeError} If there is no such activation.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { activation, tensor } from "@vknn/vknn";
 *
 * const x = tensor([-1, 0, 2]);
 * const y = activation(x, "relu");
 * assert((await y.data()).join() === "0,0,2");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function activation(x: Tensor, type: ActivationName): Tensor {
  const act_type = checkEnum("apply Activation", "type", type, ACTIVATION_NAMES);
  return activationOperator.apply([x], { act_type });
}

/**
 * `x > 0 ? x : 0`, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { relu, tensor } from "@vknn/vknn";
 *
 * const x = tensor([-1, 2]);
 * const y = relu(x);
 * assert((await y.data()).join() === "0,2");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function relu(x: Tensor): Tensor {
  return activation(x, "relu");
}

/**
 * `1 / (1 + exp(-x))`, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { sigmoid, tensor } from "@vknn/vknn";
 *
 * const x = tensor([0]);
 * const y = sigmoid(x);
 * assert((await y.data()).join() === "0.5");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function sigmoid(x: Tensor): Tensor {
  return activation(x, "sigmoid");
}

/**
 * Hyperbolic tangent, element by element.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If `x` is no tensor or has an integer dtype.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { tanh, tensor } from "@vknn/vknn";
 *
 * const x = tensor([0, 20]);
 * const y = tanh(x);
 * assert((await y.data()).join() === "0,1");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function tanh(x: Tensor): Tensor {
  return activation(x, "tanh");
}
