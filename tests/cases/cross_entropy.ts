// Attribute tables of the softmax cross entropy.

import { softmaxCrossEntropy } from "../../src/ops/index.ts";
import { crossEntropy as oracle } from "../reference/cross_entropy.ts";
import type { OperatorCase } from "./case.ts";

const ROWS: readonly (readonly [shape: readonly number[], axis: number])[] = [
  [[7], 0],
  [[4, 5], 1],
  [[4, 5], 0],
  [[3, 4, 5], 1],
  [[2, 300], 1],
];

/** Rows for dtypes of predictions and labels and for axes, with labels also beyond the classes. */
export const crossEntropyCases: readonly OperatorCase[] = (["float32", "float16"] as const).flatMap(
  (dtype) =>
    (["float32", "int32"] as const).flatMap((labelDType) =>
      ROWS.map(([shape, axis]): OperatorCase => ({
        name: `cross entropy ${dtype} of ${labelDType} (${shape}) axis ${axis}`,
        inputs: [{ shape, dtype, range: 5 }, {
          shape: shape.filter((_, at) => at !== axis),
          dtype: labelDType,
          range: labelDType === "int32" ? 6e-6 : 6,
        }],
        run: ([x, label]) => softmaxCrossEntropy(x!, label!, { axis }),
        expected: ([x, label]) => oracle(x!, label!, axis),
        tolerance: dtype === "float32" ? { rtol: 2e-6, atol: 1e-6 } : { rtol: 1e-3, atol: 1e-3 },
      }))
    ),
);
