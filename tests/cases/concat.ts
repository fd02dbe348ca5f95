// Attribute table of Concat.

import { concat } from "../../src/ops/index.ts";
import { concat as expected } from "../reference/concat.ts";
import { MOVED, type OperatorCase } from "./case.ts";

const TABLE: readonly (readonly [shapes: readonly (readonly number[])[], axis: number])[] = [
  [[[3], [4]], 0],
  [[[1], [1], [1], [1], [1]], 0],
  [[[2, 3], [5, 3]], 0],
  [[[2, 3], [2, 5]], 1],
  [[[2, 3], [2, 5], [2, 1]], -1],
  [[[1, 3, 5, 7], [1, 2, 5, 7], [1, 1, 5, 7]], 1],
  [[[2, 3, 4, 1], [2, 3, 4, 4]], 3],
  [[[2, 3, 4], [2, 3, 4]], -2],
  [[[2, 0], [2, 3]], 1],
  [[[2, 3], [2, 0], [2, 2]], 1],
  [[[0, 3], [0, 3]], 0],
  [[[5]], 0],
  [[[1, 2, 3, 2, 3, 2, 2], [1, 2, 3, 1, 3, 2, 2]], 3],
];

/** Rows for every element size. */
export const concatCases: readonly OperatorCase[] = MOVED.flatMap((dtype) =>
  TABLE.map(([shapes, axis]) => ({
    name: `${dtype} ${shapes.map((shape) => `(${shape})`).join(" ")} axis ${axis}`,
    inputs: shapes.map((shape) => ({ shape, dtype })),
    run: (tensors) => concat(tensors, axis),
    expected: (arrays) => expected(arrays, axis < 0 ? axis + shapes[0]!.length : axis),
  }))
);
