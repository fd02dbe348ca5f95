// Reductions over axes, and repeating elements along axes: each the gradient of the other.
// After apache/mxnet src/operator/tensor/broadcast_reduce_op_value.cc.

import { dtypeByteLength } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import {
  boolean,
  checkInteger,
  describe,
  type OptionRule,
  type OptionValues,
  readOptions,
} from "../core/options.ts";
import {
  broadcastShapes,
  checkShape,
  formatShape,
  normalizeAxis,
  sameShape,
} from "../core/shape.ts";
import { planBroadcast } from "../kernels/movement_gradient.ts";
import { planReduce, type ReductionName } from "../kernels/reduce.ts";
import type { Tensor } from "../tensor/mod.ts";
import { equal } from "./comparison.ts";
import { type BackwardCall, defineOperator, inputSpec, type Operator } from "./define.ts";

/** An axis, a list of axes, or nothing for all. */
const axisRule: OptionRule<number[] | undefined> = (where, name, value) => {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number") return [checkInteger(where, name, value)];
  if (!Array.isArray(value) || value.length > 64) {
    throw new TypeError(
      `Cannot ${where}: ${name} is ${
        describe(value)
      }, expected an integer, an array of at most 64 ` +
        `integers, or nothing for all axes`,
    );
  }
  return Array.from(value, (axis, at) => checkInteger(where, `${name}[${at}]`, axis));
};

const attributes = {
  axis: axisRule,
  keepdims: boolean(false),
  /** Reduce the axes that are not listed. */
  exclude: boolean(false),
} as const;

type ReduceAttributes = OptionValues<typeof attributes>;

function axesOf(name: string, { axis, exclude }: ReduceAttributes, rank: number): number[] {
  const all = Array.from({ length: rank }, (_, at) => at);
  if (axis === undefined) return exclude ? [] : all;
  const listed = axis.map((each) => normalizeAxis(`apply ${name}`, each, rank));
  if (new Set(listed).size < listed.length) {
    throw new ShapeError(
      `Cannot apply ${name}: axis ${formatShape(axis)} names an axis twice, expected each once`,
    );
  }
  return all.filter((each) => listed.includes(each) !== exclude);
}

/** The shape of a result whose reduced axes have size 1. */
function keptShape(name: string, values: ReduceAttributes, shape: readonly number[]): number[] {
  const axes = axesOf(name, values, shape.length);
  return shape.map((size, axis) => axes.includes(axis) ? 1 : size);
}

function defineReduction(
  name: ReductionName,
  gradient: (
    call: BackwardCall<ReduceAttributes>,
    head: Tensor,
    shape: readonly number[],
  ) => Tensor,
  keeps: readonly (number | "output")[],
): Operator {
  return defineOperator({
    name,
    inputs: ["data"],
    batched: (values, [data]) => axesOf(name, values, data!.shape.length).includes(0) ? [] : [0],
    summed: (values, [data]) =>
      name === "sum" && axesOf(name, values, data!.shape.length).includes(0) ? [0] : [],
    attributes,
    native16: true,
    inferShape: (values, inputs) => {
      const { shape, dtype } = inputSpec(inputs, 0);
      const axes = axesOf(name, values, shape.length);
      const empty = axes.find((axis) => shape[axis] === 0);
      if (empty !== undefined && (name === "max" || name === "min")) {
        throw new ShapeError(
          `Cannot apply ${name}: axis ${empty} of shape ${formatShape(shape)} has no elements, ` +
            `expected at least 1 to have a ${name === "max" ? "maximum" : "minimum"}`,
        );
      }
      const kept = values.keepdims ? keptShape(name, values, shape) : undefined;
      return { shape: kept ?? shape.filter((_, axis) => !axes.includes(axis)), dtype };
    },
    plan: (capabilities, values, inputs) => {
      const { shape, dtype } = inputSpec(inputs, 0);
      return planReduce(capabilities, name, shape, axesOf(name, values, shape.length), dtype);
    },
    keeps: () => keeps,
    backward: (call) => {
      const { shape } = call.inputs[0]!;
      const kept = keptShape(name, call.attributes, shape);
      return [gradient(call, call.headGradient.reshape(kept), shape)];
    },
  });
}

/** Sum over axes. */
export const sumOperator: Operator = defineReduction(
  "sum",
  (_call, head, shape) => broadcastTo(head, shape),
  [],
);

/** Arithmetic mean over axes. */
export const meanOperator: Operator = defineReduction(
  "mean",
  ({ inputs, output }, head, shape) =>
    broadcastTo(head.div(inputs[0]!.size / Math.max(output.size, 1)), shape),
  [],
);

/** Every element that equals the extremum gets the whole gradient, as in MXNet. */
function extremumGradient(
  { inputs, output }: BackwardCall<ReduceAttributes>,
  head: Tensor,
): Tensor {
  return head.mul(equal(inputs[0]!, output.reshape(head.shape)));
}

/** Maximum over axes. */
export const maxOperator: Operator = defineReduction("max", extremumGradient, [0, "output"]);

/** Minimum over axes. */
export const minOperator: Operator = defineReduction("min", extremumGradient, [0, "output"]);

/** Repeating along axes of size 1 and new ones in front. */
export const broadcastToOperator: Operator = defineOperator({
  name: "broadcast_to",
  inputs: ["data"],
  attributes: { shape: (where, _name, value) => checkShape(where, value) },
  native16: true,
  inferShape: ({ shape: target }, inputs) => {
    const { shape, dtype } = inputSpec(inputs, 0);
    const where = "apply broadcast_to";
    if (!sameShape(broadcastShapes(where, shape, target), target)) {
      throw new ShapeError(
        `Cannot ${where}: shape ${formatShape(shape)} does not broadcast to ` +
          `${formatShape(target)}: expected sizes of the target, or 1`,
      );
    }
    return { shape: target, dtype };
  },
  plan: (capabilities, { shape: target }, inputs) => {
    const { shape, dtype } = inputSpec(inputs, 0);
    return planBroadcast(capabilities, shape, target, dtypeByteLength(dtype));
  },
  keeps: () => [],
  backward: ({ inputs, headGradient }) => [sumTo(headGradient, inputs[0]!.shape)],
});

/** The operators of this family. */
export const reduceOperators: readonly Operator[] = [
  sumOperator,
  meanOperator,
  maxOperator,
  minOperator,
  broadcastToOperator,
];

/**
 * Sums over the axes along which a smaller tensor was repeated: the gradient of broadcasting.
 *
 * @param x The tensor.
 * @param shape A shape that broadcasts to the tensor's.
 * @returns A tensor of that shape; `x` itself if it has it already.
 */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const missing = x.rank - shape.length;
  const axis = x.shape.flatMap((size, at) =>
    at < missing || shape[at - missing] === 1 && size !== 1 ? [at] : []
  );
  const sums = axis.length === 0 ? x : sumOperator.apply([x], { axis });
  return sameShape(sums.shape, shape) ? sums : sums.reshape(shape);
}

/** Options of {@linkcode sum}, {@linkcode mean}, {@linkcode max} and {@linkcode min}. */
export interface ReduceOptions {
  /** Axis or axes to reduce, counted from the end if negative; all if omitted. */
  readonly axis?: number | readonly number[] | null;
  /** Keep reduced axes with size 1; false if omitted. */
  readonly keepDims?: boolean;
}

function reduce(operator: Operator, x: Tensor, options: ReduceOptions | undefined): Tensor {
  const { axis, keepDims } = readOptions(`apply ${operator.name}`, options, {
    axis: axisRule,
    keepDims: boolean(false),
  });
  return operator.apply([x], { axis, keepdims: keepDims });
}

/**
 * Adds up elements along axes, always in the same order.
 *
 * @param x Tensor (float32, float16 or int32); float16 is added up in float32.
 * @param options Which axes, and whether they stay.
 * @returns The sums; 0 where there is nothing to add.
 * @throws {TypeError} If an argument or the dtype is wrong.
 * @throws {ShapeError} If an axis is out of range or named twice.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sum, tensor } from "@vknn/vknn";
 *
 * using x = tensor([[1, 2], [3, 4]]);
 * using rows = sum(x, { axis: 1 });
 * assertEquals([...await rows.data()], [3, 7]);
 * ```
 */
export function sum(x: Tensor, options?: ReduceOptions): Tensor {
  return reduce(sumOperator, x, options);
}

/**
 * Arithmetic mean of elements along axes.
 *
 * @param x Tensor, float32 or float16.
 * @param options Which axes, and whether they stay.
 * @returns The means; NaN where there are no elements.
 * @throws {TypeError} If an argument or the dtype is wrong.
 * @throws {ShapeError} If an axis is out of range or named twice.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { mean, tensor } from "@vknn/vknn";
 *
 * using x = tensor([[1, 2], [3, 6]]);
 * using all = mean(x);
 * assertEquals(await all.item(), 3);
 * ```
 */
export function mean(x: Tensor, options?: ReduceOptions): Tensor {
  return reduce(meanOperator, x, options);
}

/**
 * Largest element along axes; NaN if one is NaN. In the gradient every element that equals the maximum
 * counts as the largest.
 *
 * @param x Tensor (float32, float16 or int32).
 * @param options Which axes, and whether they stay.
 * @returns The maxima.
 * @throws {TypeError} If an argument or the dtype is wrong.
 * @throws {ShapeError} If an axis is out of range, named twice or has no elements.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { max, tensor } from "@vknn/vknn";
 *
 * using x = tensor([[1, 5], [3, 4]]);
 * using columns = max(x, { axis: 0, keepDims: true });
 * assertEquals(columns.shape, [1, 2]);
 * assertEquals([...await columns.data()], [3, 5]);
 * ```
 */
export function max(x: Tensor, options?: ReduceOptions): Tensor {
  return reduce(maxOperator, x, options);
}

/**
 * Smallest element along axes; NaN if one is NaN. In the gradient every element that equals the minimum
 * counts as the smallest.
 *
 * @param x Tensor (float32, float16 or int32).
 * @param options Which axes, and whether they stay.
 * @returns The minima.
 * @throws {TypeError} If an argument or the dtype is wrong.
 * @throws {ShapeError} If an axis is out of range, named twice or has no elements.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { min, tensor } from "@vknn/vknn";
 *
 * using x = tensor([[1, 5], [3, 4]]);
 * using all = min(x);
 * assertEquals(await all.item(), 1);
 * ```
 */
export function min(x: Tensor, options?: ReduceOptions): Tensor {
  return reduce(minOperator, x, options);
}

/**
 * Repeats elements until the tensor has a larger shape, by NumPy's rules of broadcasting.
 *
 * @param x Tensor of any dtype.
 * @param shape The shape; axes are aligned at the end, those of `x` have its sizes or 1.
 * @returns A tensor of that shape.
 * @throws {TypeError} If the shape is not an array of numbers.
 * @throws {ShapeError} If the shapes do not fit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { broadcastTo, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1, 2]);
 * using y = broadcastTo(x, [2, 2]);
 * assertEquals([...await y.data()], [1, 2, 1, 2]);
 * ```
 */
export function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  return broadcastToOperator.apply([x], { shape });
}
