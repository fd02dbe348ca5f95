// Attribute tables of transpose and Reshape.

import { reshape, transpose } from "../../src/ops/index.ts";
import { transpose as expected } from "../reference/transpose.ts";
import { MOVED, type OperatorCase } from "./case.ts";

const TABLE: readonly (readonly [shape: readonly number[], axes?: readonly number[]])[] = [
  [[]],
  [[5]],
  [[4, 5]],
  [[4, 5], [0, 1]],
  [[3, 4, 5]],
  [[3, 4, 5], [0, 2, 1]],
  [[3, 4, 5], [1, 0, 2]],
  [[2, 3, 5, 7], [0, 2, 3, 1]],
  [[2, 5, 7, 3], [0, 3, 1, 2]],
  [[2, 4, 8, 8], [0, 2, 3, 1]],
  [[2, 3, 2, 8], [0, 2, 3, 1]],
  // Blocks of words, which are turned whole.
  [[2, 4, 8, 4], [0, 3, 1, 2]],
  [[2, 2, 6, 3], [0, 3, 1, 2]],
  [[3, 8, 12], [0, 2, 1]],
  // Long axes, which GPUs turn by tiles.
  [[2, 33, 50], [0, 2, 1]],
  [[2, 17, 3, 19], [0, 2, 3, 1]],
  [[2, 3, 2, 3, 2], [0, 2, 3, 4, 1]],
  [[2, 2, 3, 2, 2, 3], [5, 3, 1, 0, 2, 4]],
  [[2, 2, 2, 2, 2, 2, 2, 2], [7, 5, 3, 1, 0, 2, 4, 6]],
  [[1, 6, 1, 4], [-1, -3, 2, 0]],
  [[3, 0, 2], [2, 0, 1]],
];

const RESHAPES: readonly (readonly [from: readonly number[], to: readonly number[]])[] = [
  [[2, 3, 4], [4, 6]],
  [[2, 3, 4], [-1]],
  [[2, 3, 4], [3, -1, 2]],
  [[], [1, 1]],
  [[1], []],
  [[0, 3], [5, 0]],
];

/** Rows for every element size. */
export const transposeCases: readonly OperatorCase[] = MOVED.flatMap((dtype) => [
  ...TABLE.map(([shape, axes]): OperatorCase => ({
    name: `${dtype} (${shape}) by [${axes ?? "reversed"}]`,
    inputs: [{ shape, dtype }],
    run: ([x]) => transpose(x!, axes),
    expected: ([x]) =>
      expected(
        x!,
        axes?.map((axis) => axis < 0 ? axis + shape.length : axis) ??
          shape.map((_, axis) => shape.length - 1 - axis),
      ),
  })),
  ...RESHAPES.map(([from, to]): OperatorCase => ({
    name: `${dtype} reshape (${from}) to (${to})`,
    inputs: [{ shape: from, dtype }],
    run: ([x]) => reshape(x!, to),
    expected: ([x]) => {
      const count = x!.data.length;
      const known = to.filter((size) => size >= 0).reduce((product, size) => product * size, 1);
      return { data: x!.data, shape: to.map((size) => size < 0 ? count / known : size) };
    },
  })),
]);
