// Products of matrices. After apache/mxnet src/operator/tensor/dot.cc and src/operator/nn/fully_connected.cc.

import { ShapeError } from "../core/errors.ts";
import { boolean, describe, integer, readOptions } from "../core/options.ts";
import { broadcastShapes, elementCount, formatShape } from "../core/shape.ts";
import { planHalfFullyConnected, planHalfMatmul } from "../kernels/cooperative_products.ts";
import { planFullyConnected, planMatmul } from "../kernels/matmul.ts";
import { scope, Tensor } from "../tensor/mod.ts";
import {
  checkFloat,
  checkSameDType,
  defineOperator,
  inputSpec,
  type InputSpecs,
} from "./define.ts";
import type { Operator, TensorSpec } from "./define.ts";
import { broadcastTo, sum } from "./reduce.ts";

const flags = { transpose_a: boolean(false), transpose_b: boolean(false) } as const;

interface Sizes {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

function operands(name: string, inputs: InputSpecs, rank: number): [TensorSpec, TensorSpec] {
  const [a, b] = [inputSpec(inputs, 0), inputSpec(inputs, 1)];
  for (const [what, { shape }] of [["lhs", a], ["rhs", b]] as const) {
    if (shape.length === rank) continue;
    throw new ShapeError(
      `Cannot apply ${name}: ${what} has shape ${formatShape(shape)}, expected ${rank} axes`,
    );
  }
  checkFloat(`apply ${name}`, "lhs", a);
  checkSameDType(`apply ${name}`, "rhs", b, ["lhs", a]);
  return [a, b];
}

function sizesOf(
  name: string,
  inputs: InputSpecs,
  rank: 2 | 3,
  transposeA: boolean,
  transposeB: boolean,
): Sizes {
  const [{ shape: a }, { shape: b }] = operands(name, inputs, rank);
  const [rows, depth] = transposeA ? [a[rank - 1]!, a[rank - 2]!] : [a[rank - 2]!, a[rank - 1]!];
  const [other, columns] = transposeB ? [b[rank - 1]!, b[rank - 2]!] : [b[rank - 2]!, b[rank - 1]!];
  if (depth !== other || rank === 3 && a[0] !== b[0]) {
    const text = (shape: readonly number[], transposed: boolean) =>
      `${formatShape(shape)}${transposed ? " transposed" : ""}`;
    throw new ShapeError(
      `Cannot apply ${name}: lhs is ${text(a, transposeA)} and rhs ${
        text(b, transposeB)
      }, expected ` +
        (rank === 3 && a[0] !== b[0] ? "the same batch" : "as many rows of rhs as columns of lhs"),
    );
  }
  return { batch: rank === 3 ? a[0]! : 1, m: rows, n: columns, k: depth };
}

function defineDot(name: "dot" | "batch_dot", rank: 2 | 3): Operator {
  const operator: Operator = defineOperator({
    name,
    inputs: ["lhs", "rhs"],
    // Rows of the result, or products of the sum where the batch runs along it.
    batched: ({ transpose_a }) => rank === 3 ? [0, 1] : transpose_a ? [] : [0],
    summed: ({ transpose_a, transpose_b }) =>
      rank === 2 && transpose_a && !transpose_b ? [0, 1] : [],
    attributes: flags,
    inferShape: ({ transpose_a, transpose_b }, inputs) => {
      const { batch, m, n } = sizesOf(name, inputs, rank, transpose_a, transpose_b);
      const shape = rank === 3 ? [batch, m, n] : [m, n];
      elementCount(shape, `apply ${name}`);
      return { shape, dtype: inputSpec(inputs, 0).dtype };
    },
    plan: (capabilities, { transpose_a, transpose_b }, inputs) => {
      const sizes = sizesOf(name, inputs, rank, transpose_a, transpose_b);
      const problem = { ...sizes, transposeA: transpose_a, transposeB: transpose_b };
      return planMatmul(capabilities, problem);
    },
    plan16: (capabilities, { transpose_a, transpose_b }, inputs) => {
      const sizes = sizesOf(name, inputs, rank, transpose_a, transpose_b);
      const problem = { ...sizes, transposeA: transpose_a, transposeB: transpose_b };
      return planHalfMatmul(capabilities, problem);
    },
    keeps: (_attributes, needs) => [...(needs[0] ? [1] : []), ...(needs[1] ? [0] : [])],
    backward: ({ attributes: { transpose_a, transpose_b }, inputs, headGradient, needs }) => {
      const [a, b] = inputs;
      const dot = (left: Tensor, right: Tensor, transposeLeft: boolean, transposeRight: boolean) =>
        operator.apply([left, right], { transpose_a: transposeLeft, transpose_b: transposeRight });
      return [
        !needs[0]
          ? null
          : transpose_a
          ? dot(b!, headGradient, transpose_b, true)
          : dot(headGradient, b!, false, !transpose_b),
        !needs[1]
          ? null
          : transpose_b
          ? dot(headGradient, a!, true, transpose_a)
          : dot(a!, headGradient, !transpose_a, false),
      ];
    },
  });
  return operator;
}

/** Product of two matrices. */
export const dotOperator: Operator = defineDot("dot", 2);

/** Products of as many pairs of matrices as axis 0 has. */
export const batchDotOperator: Operator = defineDot("batch_dot", 3);

const denseAttributes = {
  num_hidden: integer({ minimum: 1 }),
  no_bias: boolean(false),
  /** Join all axes but the first; else only the last axis is multiplied. */
  flatten: boolean(true),
} as const;

/** Shape of the data as a matrix. */
function rowsOf(shape: readonly number[], flatten: boolean): [rows: number, columns: number] {
  if (shape.length === 0) {
    throw new ShapeError("Cannot apply FullyConnected: data is a scalar, expected at least 1 axis");
  }
  const columns = flatten ? elementCount(shape.slice(1)) : shape.at(-1)!;
  return [flatten ? shape[0]! : elementCount(shape.slice(0, -1)), columns];
}

/** `data · weightᵀ + bias`. */
export const fullyConnectedOperator: Operator = defineOperator({
  name: "FullyConnected",
  inputs: ["data", "weight", "bias"],
  required: 2,
  attributes: denseAttributes,
  batched: () => [0],
  inferShape: ({ num_hidden, no_bias, flatten }, inputs) => {
    const where = "apply FullyConnected";
    const [data, weight, bias] = [inputSpec(inputs, 0), inputSpec(inputs, 1), inputs[2] ?? null];
    const [, columns] = rowsOf(data.shape, flatten);
    checkFloat(where, "data", data);
    checkSameDType(where, "weight", weight, ["data", data]);
    if (formatShape(weight.shape) !== formatShape([num_hidden, columns])) {
      throw new ShapeError(
        `Cannot ${where}: weight has shape ${formatShape(weight.shape)}, expected ` +
          `${formatShape([num_hidden, columns])} for data of shape ${formatShape(data.shape)}`,
      );
    }
    if ((bias === null) !== no_bias) {
      throw new TypeError(
        `Cannot ${where}: bias is ${
          bias === null ? "missing" : "given"
        }, but no_bias is ${no_bias}`,
      );
    }
    if (bias !== null) {
      checkSameDType(where, "bias", bias, ["data", data]);
      if (formatShape(bias.shape) !== formatShape([num_hidden])) {
        throw new ShapeError(
          `Cannot ${where}: bias has shape ${formatShape(bias.shape)}, ` +
            `expected ${formatShape([num_hidden])}`,
        );
      }
    }
    const front = flatten ? [data.shape[0]!] : data.shape.slice(0, -1);
    return { shape: [...front, num_hidden], dtype: data.dtype };
  },
  plan: (capabilities, { num_hidden, flatten, no_bias }, inputs) => {
    const [m, k] = rowsOf(inputSpec(inputs, 0).shape, flatten);
    return planFullyConnected(capabilities, { m, n: num_hidden, k, hasBias: !no_bias });
  },
  plan16: (capabilities, { num_hidden, flatten, no_bias }, inputs) => {
    const [m, k] = rowsOf(inputSpec(inputs, 0).shape, flatten);
    return planHalfFullyConnected(capabilities, { m, n: num_hidden, k, hasBias: !no_bias });
  },
  keeps: (_attributes, needs) => [...(needs[0] ? [1] : []), ...(needs[1] ? [0] : [])],
  backward: ({ attributes: { num_hidden, flatten }, inputs, headGradient, needs }) => {
    const [data, weight] = inputs;
    const [rows, columns] = rowsOf(data!.shape, flatten);
    const head = headGradient.reshape([rows, num_hidden]);
    return [
      needs[0] ? dotOperator.apply([head, weight]).reshape(data!.shape) : null,
      needs[1]
        ? dotOperator.apply([head, data!.reshape([rows, columns])], { transpose_a: true })
        : null,
      needs[2] ? sum(head, { axis: 0 }) : null,
    ];
  },
});

/** The operators of this family. */
export const matmulOperators: readonly Operator[] = [
  dotOperator,
  batchDotOperator,
  fullyConnectedOperator,
];

/**
 * Multiplies matrices. With more than two axes, those in front broadcast as a batch; with one axis, the first
 * operand is a row and the second a column, and that axis does not appear in the result.
 *
 * @param a `[…, m, k]`, float32 or float16.
 * @param b `[…, k, n]` of the same dtype.
 * @returns `[…, m, n]`; float16 is added up in float32.
 * @throws {TypeError} If an argument is no tensor or dtypes differ.
 * @throws {ShapeError} If the shapes do not fit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { matmul, tensor } from "@vknn/vknn";
 *
 * using a = tensor([[1, 2], [3, 4]]);
 * using b = tensor([10, 1]);
 * using c = matmul(a, b);
 * assertEquals([...await c.data()], [12, 34]);
 * ```
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  for (const [name, value] of [["a", a], ["b", b]] as const) {
    if (!(value instanceof Tensor)) {
      throw new TypeError(
        `Cannot multiply matrices: ${name} is ${describe(value)}, expected a Tensor`,
      );
    }
    if (value.rank > 0) continue;
    throw new ShapeError(`Cannot multiply matrices: ${name} is a scalar, expected at least 1 axis`);
  }
  if (a.rank === 2 && b.rank === 2) return dotOperator.apply([a, b]);
  return multiplyBatch(a, b);
}

function multiplyBatch(a: Tensor, b: Tensor): Tensor {
  const where = "multiply matrices";
  const left = a.rank === 1 ? [1, a.size] : a.shape;
  const right = b.rank === 1 ? [b.size, 1] : b.shape;
  const batch = broadcastShapes(where, left.slice(0, -2), right.slice(0, -2));
  const count = elementCount(batch, where);
  const spread = (x: Tensor, shape: readonly number[]) => {
    const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
    return broadcastTo(x.reshape([...shape]), [...batch, rows, columns])
      .reshape([count, rows, columns]);
  };
  return scope(() => {
    const product = batchDotOperator.apply([spread(a, left), spread(b, right)]);
    return product.reshape([
      ...batch,
      ...(a.rank === 1 ? [] : [left.at(-2)!]),
      ...(b.rank === 1 ? [] : [right.at(-1)!]),
    ]);
  });
}

/** Options of {@linkcode fullyConnected}. */
export interface FullyConnectedOptions {
  /** Join all axes of the data but the first; true by default. Else only the last axis is multiplied. */
  readonly flatten?: boolean;
}

/**
 * `x · weightᵀ + bias`, the product of a fully connected layer.
 *
 * @param x `[N, …]`, or `[…, k]` without `flatten`; float32 or float16.
 * @param weight `[n, k]` with k the numbers in one row of `x`.
 * @param bias `[n]`; null for none.
 * @param options Whether to join axes.
 * @returns `[N, n]`, or `[…, n]` without `flatten`.
 * @throws {TypeError} If an argument is no tensor or dtypes differ.
 * @throws {ShapeError} If the shapes do not fit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fullyConnected, tensor } from "@vknn/vknn";
 *
 * using x = tensor([[1, 2]]);
 * using weight = tensor([[3, 4], [5, 6], [0, 1]]);
 * using bias = tensor([0, 0, 10]);
 * using y = fullyConnected(x, weight, bias);
 * assertEquals([...await y.data()], [11, 17, 12]);
 * ```
 */
export function fullyConnected(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options?: FullyConnectedOptions,
): Tensor {
  const where = "apply FullyConnected";
  const { flatten } = readOptions(where, options, { flatten: boolean(true) });
  if (weight instanceof Tensor && weight.rank !== 2) {
    throw new ShapeError(
      `Cannot ${where}: weight has shape ${formatShape(weight.shape)}, expected 2 axes`,
    );
  }
  const num_hidden = weight instanceof Tensor ? weight.shape[0] : 1;
  return fullyConnectedOperator.apply([x, weight, bias], {
    num_hidden,
    no_bias: bias === null,
    flatten,
  });
}
