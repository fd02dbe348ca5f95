// Attribute tables of the place of the largest element.

import { argmax } from "../../src/ops/index.ts";
import { argmax as oracle } from "../reference/argmax.ts";
import type { OperatorCase } from "./case.ts";

const ROWS: readonly (readonly [shape: readonly number[], axis: number])[] = [
  [[7], 0],
  [[1], 0],
  [[4, 5], 1],
  [[4, 5], 0],
  [[3, 4, 5], 1],
];

/** Rows for dtypes and axes; the small range of float16 gives equal elements. */
export const argmaxCases: readonly OperatorCase[] = (["float32", "float16"] as const).flatMap(
  (dtype) =>
    ROWS.map(([shape, axis]): OperatorCase => ({
      name: `argmax ${dtype} (${shape}) axis ${axis}`,
      inputs: [{ shape, dtype, range: dtype === "float16" ? 1e-7 : 3 }],
      run: ([x]) => argmax(x!, { axis }),
      expected: ([x]) => oracle(x!, axis),
    })),
);
