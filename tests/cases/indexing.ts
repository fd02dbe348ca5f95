// Attribute tables of picking elements by index.

import { pick } from "../../src/ops/index.ts";
import { pick as oracle } from "../reference/indexing.ts";
import type { OperatorCase } from "./case.ts";

const ROWS: readonly (readonly [shape: readonly number[], axis: number])[] = [
  [[7], 0],
  [[4, 5], 1],
  [[4, 5], 0],
  [[3, 4, 5], 1],
  [[3, 1, 5], 1],
  [[2, 3, 4, 5], 3],
];

/** Rows for both dtypes of data and indices, with indices also beyond the axis. */
export const indexingCases: readonly OperatorCase[] = (["float32", "float16"] as const).flatMap(
  (dtype) =>
    (["float32", "int32"] as const).flatMap((indexDType) =>
      (["clip", "wrap"] as const).flatMap((mode) =>
        ROWS.map(([shape, axis]): OperatorCase => ({
          name: `pick ${dtype} by ${indexDType} (${shape}) axis ${axis} ${mode}`,
          inputs: [{ shape, dtype }, {
            shape: shape.filter((_, at) => at !== axis),
            dtype: indexDType,
            range: indexDType === "int32" ? 9e-6 : 9,
          }],
          run: ([x, index]) => pick(x!, index!, { axis, mode }),
          expected: ([x, index]) => oracle(x!, index!, axis, mode === "wrap"),
        }))
      )
    ),
);
