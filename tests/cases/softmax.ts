// Attribute tables of softmax and its logarithm.

import { logSoftmax, softmax } from "../../src/ops/index.ts";
import { softmaxActivationOperator } from "../../src/ops/softmax.ts";
import { softmax as oracle } from "../reference/reduce.ts";
import type { OperatorCase } from "./case.ts";

const ROWS: readonly (readonly [shape: readonly number[], axis: number])[] = [
  [[1], 0],
  [[7], 0],
  [[4, 5], 1],
  [[4, 5], 0],
  [[3, 4, 5], 1],
  [[2, 3, 4, 5], 2],
  [[2, 1000], 1],
];

const tolerance = { rtol: 2e-6, atol: 1e-6 };

const activationCases = (["instance", "channel"] as const).map((mode): OperatorCase => ({
  name: `SoftmaxActivation by ${mode}`,
  inputs: [{ shape: [2, 3, 4], range: 5 }],
  run: ([x]) => softmaxActivationOperator.apply([x!], { mode }),
  expected: ([x]) =>
    mode === "channel"
      ? oracle(x!, 1, false, 1)
      : { ...oracle({ ...x!, shape: [2, 12] }, 1, false, 1), shape: [2, 3, 4] },
  tolerance,
}));

/** Rows for all operators, dtypes, axes and temperatures. */
export const softmaxCases: readonly OperatorCase[] = [
  ...activationCases,
  ...(["float32", "float16"] as const).flatMap(
    (dtype) =>
      [false, true].flatMap((log) =>
        ROWS.flatMap(([shape, axis]) =>
          [1, 0.5].map((temperature): OperatorCase => ({
            name: `${log ? "log " : ""}softmax ${dtype} (${shape}) axis ${axis} at ${temperature}`,
            inputs: [{ shape, dtype, range: 5 }],
            run: ([x]) => (log ? logSoftmax : softmax)(x!, { axis, temperature }),
            expected: ([x]) => oracle(x!, axis, log, temperature),
            tolerance: dtype === "float32"
              ? { rtol: 2e-6, atol: 1e-6 }
              : { rtol: 1e-3, atol: 1e-3 },
          }))
        )
      ),
  ),
];
