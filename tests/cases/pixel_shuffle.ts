// Attribute tables of PixelShuffle and PixelUnshuffle.

import { pixelShuffle, pixelUnshuffle } from "../../src/ops/index.ts";
import {
  pixelShuffle as expectedShuffle,
  pixelUnshuffle as expectedUnshuffle,
} from "../reference/pixel_shuffle.ts";
import { MOVED, type OperatorCase } from "./case.ts";

const TABLE: readonly (readonly [shape: readonly number[], factors: readonly number[]])[] = [
  [[1, 4, 3], [2]],
  [[2, 6, 5], [3]],
  [[1, 12, 2, 3], [2, 3]],
  [[2, 4, 3, 3], [2, 2]],
  [[1, 3, 4, 5], [1, 1]],
  [[1, 48, 4, 4], [4, 4]],
  // Rows of whole vectors, which CPU devices interleave.
  [[2, 12, 3, 8], [2, 2]],
  [[1, 18, 2, 4], [3, 3]],
  [[2, 16, 2, 3, 4], [2, 2, 2]],
  [[1, 12, 2, 3, 2], [2, 3, 2]],
  [[2, 8, 2, 1, 3], [2, 2, 2]],
  [[0, 4, 3, 3], [2, 2]],
];

/** Rows for every element size, in both directions. */
export const pixelShuffleCases: readonly OperatorCase[] = MOVED.flatMap((dtype) =>
  TABLE.flatMap(([shape, factors]): OperatorCase[] => {
    const product = factors.reduce((all, factor) => all * factor, 1);
    const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
    const wide = [
      batch,
      channels / product,
      ...spatial.map((size, axis) => size * factors[axis]!),
    ];
    return [{
      name: `${dtype} (${shape}) by (${factors})`,
      inputs: [{ shape, dtype }],
      run: ([x]) => pixelShuffle(x!, factors),
      expected: ([x]) => expectedShuffle(x!, factors),
    }, {
      name: `${dtype} (${wide}) back by (${factors})`,
      inputs: [{ shape: wide, dtype }],
      run: ([x]) => pixelUnshuffle(x!, factors),
      expected: ([x]) => expectedUnshuffle(x!, factors),
    }];
  })
);
