// Softmax and its logarithm. After apache/mxnet src/operator/nn/softmax.cc and log_softmax.cc.

import { ShapeError } from "../core/errors.ts";
import {
  boolean,
  integer,
  number,
  oneOf,
  type OptionValues,
  readOptions,
} from "../core/options.ts";
import { elementCount, formatShape, normalizeAxis, type Shape } from "../core/shape.ts";
import { planSoftmax } from "../kernels/reduce.ts";
import type { Tensor } from "../tensor/mod.ts";
import {
  type BackwardCall,
  checkFloat,
  defineOperator,
  inputSpec,
  type InputSpecs,
  type Operator,
  type TensorSpec,
} from "./define.ts";
import { exp } from "./function.ts";
import { sum } from "./reduce.ts";

const attributes = {
  axis: integer({}, -1),
  /** Divides the input: above 1 the result is smoother. */
  temperature: number({ minimum: 1e-6 }, 1),
} as const;

type SoftmaxCall = BackwardCall<OptionValues<typeof attributes>>;

function defineSoftmax(
  name: "softmax" | "log_softmax",
  gradient: (call: SoftmaxCall) => Tensor,
): Operator {
  return defineOperator({
    name,
    inputs: ["data"],
    batched: ({ axis }, [data]) =>
      normalizeAxis(`apply ${name}`, axis, data!.shape.length) > 0 ? [0] : [],
    attributes,
    inferShape: ({ axis }, inputs) => {
      const input = inputSpec(inputs, 0);
      normalizeAxis(`apply ${name}`, axis, input.shape.length);
      checkFloat(`apply ${name}`, "data", input);
      return input;
    },
    plan: (capabilities, { axis, temperature }, _inputs, { shape }) => {
      const at = normalizeAxis(`apply ${name}`, axis, shape.length);
      const log = name === "log_softmax";
      return planSoftmax(capabilities, shape, at, log, temperature);
    },
    keeps: () => ["output"],
    backward: (call) => {
      const { temperature } = call.attributes;
      const slope = gradient(call);
      return [temperature === 1 ? slope : slope.div(temperature)];
    },
  });
}

/** `exp(x) / sum(exp(x))`. */
export const softmaxOperator: Operator = defineSoftmax(
  "softmax",
  ({ attributes: { axis }, output, headGradient }) => {
    const mean = sum(headGradient.mul(output), { axis, keepDims: true });
    return output.mul(headGradient.sub(mean));
  },
);

/** `x - log(sum(exp(x)))`. */
export const logSoftmaxOperator: Operator = defineSoftmax(
  "log_softmax",
  ({ attributes: { axis }, output, headGradient }) =>
    headGradient.sub(exp(output).mul(sum(headGradient, { axis, keepDims: true }))),
);

/** All of an entry of the batch together, or the channels at each place. */
function classes(shape: Shape, channels: boolean): Shape {
  return channels ? shape : [shape[0]!, elementCount(shape.slice(1))];
}

function inferClasses(name: string, inputs: InputSpecs): TensorSpec {
  const data = inputSpec(inputs, 0);
  checkFloat(`apply ${name}`, "data", data);
  if (data.shape.length >= 2) return data;
  throw new ShapeError(
    `Cannot apply ${name}: data of shape ${formatShape(data.shape)} has rank ` +
      `${data.shape.length}, expected at least 2`,
  );
}

/** Softmax over each entry of a batch, or over its channels: in files of MXNet 1.x. */
export const softmaxActivationOperator: Operator = defineOperator({
  name: "SoftmaxActivation",
  batched: [0],
  inputs: ["data"],
  attributes: { mode: oneOf(["instance", "channel"] as const, "instance") },
  inferShape: (_attributes, inputs) => inferClasses("SoftmaxActivation", inputs),
  plan: (capabilities, { mode }, _inputs, { shape }) =>
    planSoftmax(capabilities, classes(shape, mode === "channel"), 1, false, 1),
  keeps: () => ["output"],
  backward: ({ attributes: { mode }, output, headGradient }) => {
    const shape = classes(output.shape, mode === "channel");
    const [y, head] = [output.reshape(shape), headGradient.reshape(shape)];
    const mean = sum(head.mul(y), { axis: 1, keepDims: true });
    return [y.mul(head.sub(mean)).reshape(output.shape)];
  },
});

const outputAttributes = {
  multi_output: boolean(false),
  preserve_shape: boolean(false),
  grad_scale: number({}, 1),
  ignore_label: number({}, -1),
  use_ignore: boolean(false),
  normalization: oneOf(["null", "batch", "valid"] as const, "null"),
  out_grad: boolean(false),
  smooth_alpha: number({}, 0),
} as const;

/**
 * What MXNet 1.x ends classifiers with: softmax. Its label and most attributes belong to a loss in the place of a
 * gradient, which is not offered; files with it serve for prediction.
 */
export const softmaxOutputOperator: Operator = defineOperator({
  name: "SoftmaxOutput",
  inputs: ["data", "label"],
  required: 1,
  attributes: outputAttributes,
  inferShape: (_attributes, inputs) => inferClasses("SoftmaxOutput", inputs),
  plan: (capabilities, { multi_output, preserve_shape }, _inputs, { shape }) =>
    preserve_shape && !multi_output
      ? planSoftmax(capabilities, shape, shape.length - 1, false, 1)
      : planSoftmax(capabilities, classes(shape, multi_output), 1, false, 1),
});

/** The operators of this family. */
export const softmaxOperators: readonly Operator[] = [
  softmaxOperator,
  logSoftmaxOperator,
  softmaxActivationOperator,
  softmaxOutputOperator,
];

/** Options of {@linkcode softmax} and {@linkcode logSoftmax}. */
export interface SoftmaxOptions {
  /** The axis along which results add up to 1; the last one if omitted. */
  readonly axis?: number;
  /** Divides the input; 1 if omitted. */
  readonly temperature?: number;
}

function read(name: string, options: SoftmaxOptions | undefined): OptionValues<typeof attributes> {
  return readOptions(`apply ${name}`, options, attributes);
}

/**
 * `exp(x) / sum(exp(x))` along an axis, without overflow.
 *
 * @param x Tensor of at least one axis, float32 or float16.
 * @param options Axis and temperature.
 * @returns A tensor of the same shape; NaN along a line that holds NaN.
 * @throws {TypeError} If an argument or the dtype is wrong.
 * @throws {ShapeError} If the axis is out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { softmax, tensor } from "@vknn/vknn";
 *
 * using x = tensor([[5, 5], [-1000, -1000]]);
 * using y = softmax(x);
 * assertEquals([...await y.data()], [0.5, 0.5, 0.5, 0.5]);
 * ```
 */
export function softmax(x: Tensor, options?: SoftmaxOptions): Tensor {
  return softmaxOperator.apply([x], read("softmax", options));
}

/**
 * The logarithm of {@linkcode softmax}, with all digits also where that is tiny.
 *
 * @param x Tensor of at least one axis, float32 or float16.
 * @param options Axis and temperature.
 * @returns A tensor of the same shape; NaN along a line that holds NaN.
 * @throws {TypeError} If an argument or the dtype is wrong.
 * @throws {ShapeError} If the axis is out of range.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { logSoftmax, tensor } from "@vknn/vknn";
 *
 * using x = tensor([7, 7]);
 * using y = logSoftmax(x);
 * assertAlmostEquals((await y.data())[0]!, -Math.LN2, 1e-6);
 * ```
 */
export function logSoftmax(x: Tensor, options?: SoftmaxOptions): Tensor {
  return logSoftmaxOperator.apply([x], read("log_softmax", options));
}
