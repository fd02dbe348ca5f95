// Softmax cross entropy with one class for each line, without the softmax as a tensor.
// After apache/mxnet python/mxnet/gluon/loss.py (SoftmaxCrossEntropyLoss: log_softmax and pick).

import { ShapeError } from "../core/errors.ts";
import { boolean, integer, readOptions } from "../core/options.ts";
import { formatShape, normalizeAxis, sameShape } from "../core/shape.ts";
import { planCrossEntropy } from "../kernels/cross_entropy.ts";
import { ones, type Tensor } from "../tensor/mod.ts";
import { checkFloat, defineOperator, inputSpec, type InputSpecs, type Operator } from "./define.ts";
import { pickGradientOperator } from "./indexing.ts";
import { sum } from "./reduce.ts";
import { softmax } from "./softmax.ts";

const attributes = { axis: integer({}, -1), keepdims: boolean(false) } as const;

/** Checks predictions and labels; the shape of the losses, and the axis counted from the front. */
function read(name: string, axis: number, inputs: InputSpecs): { lines: number[]; at: number } {
  const where = `apply ${name}`;
  const [data, label] = [inputSpec(inputs, 0), inputSpec(inputs, 1)];
  checkFloat(where, "data", data);
  const at = normalizeAxis(where, axis, data.shape.length);
  if (data.shape[at] === 0) {
    throw new ShapeError(
      `Cannot ${where}: axis ${axis} of shape ${formatShape(data.shape)} has no classes`,
    );
  }
  const lines = data.shape.filter((_, each) => each !== at);
  const kept = data.shape.with(at, 1);
  if (!sameShape(label.shape, lines) && !sameShape(label.shape, kept)) {
    throw new ShapeError(
      `Cannot ${where}: label has shape ${formatShape(label.shape)}, expected ` +
        `${formatShape(lines)} or ${formatShape(kept)} for data of shape ${
          formatShape(data.shape)
        }`,
    );
  }
  return { lines, at };
}

/** `log(sum(exp(x))) - x[label]` along an axis. */
export const crossEntropyOperator: Operator = defineOperator({
  name: "_softmax_cross_entropy",
  inputs: ["data", "label"],
  attributes,
  inferShape: ({ axis, keepdims }, inputs) => {
    const { lines, at } = read("_softmax_cross_entropy", axis, inputs);
    const { dtype } = inputSpec(inputs, 0);
    return { shape: keepdims ? lines.toSpliced(at, 0, 1) : lines, dtype };
  },
  plan: (capabilities, { axis }, inputs) => {
    const { shape } = inputSpec(inputs, 0);
    return planCrossEntropy(capabilities, {
      shape,
      axis: normalizeAxis("plan", axis, shape.length),
      labelDType: inputSpec(inputs, 1).dtype,
      backward: false,
    });
  },
  keeps: () => [0, 1],
  backward: ({ attributes: { axis }, inputs, headGradient, needs }) => [
    needs[0] ? crossEntropyGradientOperator.apply([...inputs, headGradient], { axis }) : null,
    null,
  ],
});

/** `head * (softmax(x) - onehot(label))`. */
export const crossEntropyGradientOperator: Operator = defineOperator({
  name: "_backward_softmax_cross_entropy",
  inputs: ["data", "label", "head"],
  attributes: { axis: attributes.axis },
  inferShape: ({ axis }, inputs) => {
    const name = "_backward_softmax_cross_entropy";
    const { lines, at } = read(name, axis, inputs);
    const [data, head] = [inputSpec(inputs, 0), inputSpec(inputs, 2)];
    if (!sameShape(head.shape, lines) && !sameShape(head.shape, lines.toSpliced(at, 0, 1))) {
      throw new ShapeError(
        `Cannot apply ${name}: head has shape ${formatShape(head.shape)}, ` +
          `expected ${formatShape(lines)}`,
      );
    }
    return data;
  },
  plan: (capabilities, { axis }, inputs) => {
    const { shape } = inputSpec(inputs, 0);
    return planCrossEntropy(capabilities, {
      shape,
      axis: normalizeAxis("plan", axis, shape.length),
      labelDType: inputSpec(inputs, 1).dtype,
      backward: true,
    });
  },
  keeps: () => [0, 1, 2],
  backward: ({ attributes: { axis }, inputs, headGradient, needs }) => {
    const [data, label, head] = inputs as readonly [Tensor, Tensor, Tensor];
    const at = normalizeAxis("differentiate", axis, data.rank);
    const heads = head.reshape(data.shape.with(at, 1));
    const p = softmax(data, { axis });
    const along = (x: Tensor) => sum(x, { axis, keepDims: true });
    const weighted = headGradient.mul(p);
    return [
      needs[0] ? weighted.sub(p.mul(along(weighted))).mul(heads) : null,
      null,
      needs[2]
        ? along(weighted).sub(along(headGradient.mul(classes(data, label, at)))).reshape(head.shape)
        : null,
    ];
  },
});

/** 1 at the label of each line, else 0; like the data. */
function classes(data: Tensor, label: Tensor, axis: number): Tensor {
  const lines = data.shape.filter((_, each) => each !== axis);
  const { dtype, device } = data;
  const operands = [ones(lines, { dtype, device }), label.reshape(lines)];
  return pickGradientOperator.apply(operands, { axis, mode: "clip", depth: data.shape[axis]! });
}

/** The operators of this family. */
export const crossEntropyOperators: readonly Operator[] = [
  crossEntropyOperator,
  crossEntropyGradientOperator,
];

/** Options of {@linkcode softmaxCrossEntropy}. */
export interface SoftmaxCrossEntropyOptions {
  /** The axis of the classes; the last one if omitted. */
  readonly axis?: number;
  /** Keep the axis with size 1; false if omitted. */
  readonly keepDims?: boolean;
}

/**
 * The negative logarithm of the softmax at a class, in one pass and without overflow:
 * `y[i] = log(Σ_k exp(x[i, k])) - x[i, label[i]]` for two axes.
 *
 * @param x Predictions before the softmax, float32 or float16.
 * @param label Index of the class of each line, int32 or float32: the shape of `x` without the axis, or
 *   with size 1 there. Beyond the classes the nearest one counts.
 * @param options The axis.
 * @returns One loss for each line.
 * @throws {TypeError} If an argument or a dtype is wrong.
 * @throws {ShapeError} If the shapes do not fit, or there are no classes.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { ops, tensor } from "@vknn/vknn";
 *
 * using x = tensor([[2, 2, -1000]]);
 * using label = tensor(new Int32Array([1]));
 * using loss = ops.softmaxCrossEntropy(x, label);
 * assertAlmostEquals((await loss.data())[0]!, Math.LN2, 1e-6);
 * ```
 */
export function softmaxCrossEntropy(
  x: Tensor,
  label: Tensor,
  options?: SoftmaxCrossEntropyOptions,
): Tensor {
  const { axis, keepDims } = readOptions("apply softmax cross entropy", options, {
    axis: attributes.axis,
    keepDims: attributes.keepdims,
  });
  return crossEntropyOperator.apply([x, label], { axis, keepdims: keepDims });
}
