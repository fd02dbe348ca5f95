// Attribute tables of dropout; the seed is set anew for each call, so that the mask is known.

import { predictMode, trainMode } from "../../src/autograd/mod.ts";
import { RandomStream, seed } from "../../src/core/random.ts";
import { dropout } from "../../src/ops/index.ts";
import { dropout as oracle } from "../reference/dropout.ts";
import type { OperatorCase } from "./case.ts";

const ROWS: readonly (readonly [shape: readonly number[], axes: readonly number[]])[] = [
  [[1031], []],
  [[2, 3, 4, 5], []],
  [[2, 3, 4, 5], [2, 3]],
  [[2, 3, 4], [-1]],
  [[4, 6], [0]],
];

/** Above 2^32, so that both words of the key count. */
const SEED = 2 ** 40 + 3;

/** Rows for both float dtypes. */
export const dropoutCases: readonly OperatorCase[] = (["float32", "float16"] as const)
  .flatMap((dtype) =>
    ROWS.flatMap(([shape, axes]) =>
      [0.5, 0.1].map((rate): OperatorCase => ({
        name: `dropout ${rate} ${dtype} (${shape}) along (${axes})`,
        inputs: [{ shape, dtype, range: 2 }],
        run: ([x]) => {
          seed(SEED);
          return rate === 0.5
            ? trainMode(() => dropout(x!, rate, { axes }))
            : predictMode(() => dropout(x!, rate, { axes, mode: "always" }));
        },
        expected: ([x]) =>
          oracle(
            x!,
            rate,
            axes.map((axis) => axis < 0 ? axis + shape.length : axis),
            new RandomStream(SEED, 0),
          ),
        tolerance: dtype === "float32" ? { rtol: 1e-6, atol: 0 } : { rtol: 1e-3, atol: 0 },
      }))
    )
  );
