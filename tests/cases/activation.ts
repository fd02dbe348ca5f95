// Attribute tables of Activation and LeakyReLU.

import { activation, ACTIVATION_NAMES, leakyRelu } from "../../src/ops/index.ts";
import { activation as expected } from "../reference/activation.ts";
import type { OperatorCase } from "./case.ts";

const SHAPES: readonly (readonly number[])[] = [[1], [7], [2, 3, 5, 7], [], [0, 3], [1031]];
const TOLERANCE = {
  float32: { rtol: 2e-6, atol: 1e-6 },
  float16: { rtol: 1e-3, atol: 1e-3 },
} as const;

/** Rows for both float dtypes, near zero and in the flanks. */
export const activationCases: readonly OperatorCase[] = (["float32", "float16"] as const)
  .flatMap((dtype) =>
    [1, 40].flatMap((range) =>
      SHAPES.flatMap((shape): OperatorCase[] => [
        ...ACTIVATION_NAMES.map((name): OperatorCase => ({
          name: `${name} ${dtype} (${shape}) within ${range}`,
          inputs: [{ shape, dtype, range }],
          run: ([x]) => activation(x!, name),
          expected: ([x]) => expected(x!, name),
          tolerance: TOLERANCE[dtype],
        })),
        ...[0.25, 0, -1.5].map((slope): OperatorCase => ({
          name: `leaky ${slope} ${dtype} (${shape}) within ${range}`,
          inputs: [{ shape, dtype, range }],
          run: ([x]) => leakyRelu(x!, slope),
          expected: ([x]) => expected(x!, "leaky", slope),
          tolerance: TOLERANCE[dtype],
        })),
      ])
    )
  );
