// Picking one element of each line by index. After apache/mxnet src/operator/tensor/broadcast_reduce_op_index.cc
// (pick).

import { ShapeError } from "../core/errors.ts";
import { boolean, checkInteger, describe, integer, oneOf, readOptions } from "../core/options.ts";
import { formatShape, normalizeAxis, sameShape } from "../core/shape.ts";
import { planPick } from "../kernels/indexing.ts";
import { ones, scope, Tensor } from "../tensor/mod.ts";
import { defineOperator, inputSpec, type Operator, type TensorSpec } from "./define.ts";

const attributes = {
  axis: integer({}, -1),
  keepdims: boolean(false),
  mode: oneOf(["clip", "wrap"], "clip"),
} as const;

function linesOf(name: string, { shape }: TensorSpec, axis: number, index: TensorSpec): number[] {
  const at = normalizeAxis(`apply ${name}`, axis, shape.length);
  if (shape[at] === 0) {
    throw new ShapeError(
      `Cannot apply ${name}: axis ${axis} of shape ${formatShape(shape)} has no elements to pick`,
    );
  }
  const lines = shape.filter((_, each) => each !== at);
  const kept = shape.map((size, each) => each === at ? 1 : size);
  if (!sameShape(index.shape, lines) && !sameShape(index.shape, kept)) {
    throw new ShapeError(
      `Cannot apply ${name}: index has shape ${formatShape(index.shape)}, expected ` +
        `${formatShape(lines)} or ${formatShape(kept)} for data of shape ${formatShape(shape)}`,
    );
  }
  return lines;
}

/** One element of each line along an axis. */
export const pickOperator: Operator = defineOperator({
  name: "pick",
  inputs: ["data", "index"],
  attributes,
  native16: true,
  inferShape: ({ axis, keepdims }, inputs) => {
    const data = inputSpec(inputs, 0);
    const shape = linesOf("pick", data, axis, inputSpec(inputs, 1));
    if (keepdims) shape.splice(normalizeAxis("apply pick", axis, data.shape.length), 0, 1);
    return { shape, dtype: data.dtype };
  },
  plan: (capabilities, { axis, mode }, inputs) => {
    const { shape, dtype } = inputSpec(inputs, 0);
    return planPick(capabilities, {
      shape,
      axis: normalizeAxis("apply pick", axis, shape.length),
      dtype,
      indexDType: inputSpec(inputs, 1).dtype,
      mode,
      reverse: false,
    });
  },
  keeps: () => [1],
  backward: ({ attributes: { axis, mode }, inputs, headGradient }) => {
    const { shape } = inputs[0]!;
    const at = normalizeAxis("apply pick", axis, shape.length);
    const lines = shape.filter((_, each) => each !== at);
    const operands = [headGradient.reshape(lines), inputs[1]!.reshape(lines)];
    return [pickGradientOperator.apply(operands, { axis: at, mode, depth: shape[at]! }), null];
  },
});

/** One element in each line of zeros along an axis of length `depth`. */
export const pickGradientOperator: Operator = defineOperator({
  name: "_backward_pick",
  inputs: ["head", "index"],
  attributes: { axis: integer({}), depth: integer({ minimum: 1 }), mode: attributes.mode },
  native16: true,
  inferShape: ({ axis, depth }, inputs) => {
    const where = "apply _backward_pick";
    const { shape, dtype } = inputSpec(inputs, 0);
    const index = inputSpec(inputs, 1);
    if (!sameShape(shape, index.shape)) {
      throw new ShapeError(
        `Cannot ${where}: head has shape ${formatShape(shape)} and index ` +
          `${formatShape(index.shape)}, expected the same`,
      );
    }
    const at = normalizeAxis(where, axis, shape.length + 1);
    return { shape: shape.toSpliced(at, 0, depth), dtype };
  },
  plan: (capabilities, { axis, mode }, inputs, { shape, dtype }) =>
    planPick(capabilities, {
      shape,
      axis: normalizeAxis("apply _backward_pick", axis, shape.length),
      dtype,
      indexDType: inputSpec(inputs, 1).dtype,
      mode,
      reverse: true,
    }),
  keeps: () => [1],
  backward: ({ attributes: { axis, mode }, inputs, needs, headGradient }) => {
    return [needs[0] ? pickOperator.apply([headGradient, inputs[1]], { axis, mode }) : null, null];
  },
});

/** The operators of this family. */
export const indexingOperators: readonly Operator[] = [pickOperator, pickGradientOperator];

/** Options of {@linkcode pick}. */
export interface PickOptions {
  /** The axis along which one element is picked; the last one if omitted. */
  readonly axis?: number;
  /** Keep the axis with size 1; false if omitted. */
  readonly keepDims?: boolean;
  /** Beyond the axis take the nearest element (`clip`, if omitted), or count on from its start (`wrap`). */
  readonly mode?: "clip" | "wrap";
}

/**
 * Picks one element of each line along an axis: `y[i] = x[i, index[i]]` for two axes.
 *
 * @param x Tensor, float32 or float16.
 * @param index Tensor, int32 or float32, of the shape of `x` without the axis, or with size 1 there.
 * @param options Axis, and what to do with indices beyond it.
 * @returns A tensor of the shape of `x` without the axis.
 * @throws {TypeError} If an argument or a dtype is wrong.
 * @throws {ShapeError} If the shapes do not fit, or the axis has no elements.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pick, tensor } from "@vknn/vknn";
 *
 * using x = tensor([[1, 2, 3], [4, 5, 6]]);
 * using index = tensor(new Int32Array([2, 0]));
 * using y = pick(x, index);
 * assertEquals([...await y.data()], [3, 4]);
 * ```
 */
export function pick(x: Tensor, index: Tensor, options?: PickOptions): Tensor {
  const { axis, keepDims, mode } = readOptions("apply pick", options, {
    axis: attributes.axis,
    keepDims: boolean(false),
    mode: attributes.mode,
  });
  return pickOperator.apply([x, index], { axis, keepdims: keepDims, mode });
}

/**
 * Lines of zeros with a single 1, whose place an index names; an index beyond the line means its end.
 *
 * @param index Tensor, int32 or float32, of any shape.
 * @param depth Length of the lines.
 * @returns float32 tensor of the shape of `index` with one more axis of size `depth`.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {RangeError} If the depth is not a positive integer.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { oneHot, tensor } from "@vknn/vknn";
 *
 * using index = tensor(new Int32Array([1, 0]));
 * using y = oneHot(index, 3);
 * assertEquals([...await y.data()], [0, 1, 0, 1, 0, 0]);
 * ```
 */
export function oneHot(index: Tensor, depth: number): Tensor {
  const where = "make one-hot lines";
  if (!(index instanceof Tensor)) {
    throw new TypeError(`Cannot ${where}: index is ${describe(index)}, expected a Tensor`);
  }
  const checked = checkInteger(where, "depth", depth, { minimum: 1 });
  return scope(() => {
    const head = ones(index.shape, { device: index.device });
    return pickGradientOperator.apply([head, index], { axis: -1, depth: checked });
  });
}
