// Attribute tables of the leaky rectifier's relatives; the plain one is among the activations.

import { elu, gelu, prelu, selu } from "../../src/ops/index.ts";
import type { Tensor } from "../../src/tensor/mod.ts";
import { leakyFamily, prelu as expected } from "../reference/leaky_relu.ts";
import type { OperatorCase } from "./case.ts";

const TOLERANCE = {
  float32: { rtol: 3e-6, atol: 1e-6 },
  float16: { rtol: 1e-3, atol: 1e-3 },
} as const;

const FUNCTIONS: readonly (readonly [name: string, slope: number, run: (x: Tensor) => Tensor])[] = [
  ["elu", 1, (x) => elu(x)],
  ["elu", 0.3, (x) => elu(x, 0.3)],
  ["selu", 1, (x) => selu(x)],
  ["gelu", 1, (x) => gelu(x)],
  ["gelu_tanh", 1, (x) => gelu(x, { approximation: "tanh" })],
];

const SLOPES: readonly (readonly [shape: readonly number[], slopes: number])[] = [
  [[2, 3, 4, 4], 3],
  [[2, 3, 5], 3],
  [[5, 7], 7],
  [[2, 3, 5], 1],
  [[9], 1],
];

/** Rows for both float dtypes, near zero and in the flanks. */
export const leakyReluCases: readonly OperatorCase[] = (["float32", "float16"] as const)
  .flatMap((dtype) => [
    ...FUNCTIONS.flatMap(([name, slope, run]) =>
      [[1, 5], [8, 1031], [40, 64]].map(([range, size]): OperatorCase => ({
        name: `${name} ${slope} ${dtype} within ${range}`,
        inputs: [{ shape: [size!], dtype, range: range! }],
        run: ([x]) => run(x!),
        expected: ([x]) => leakyFamily(x!, name, slope),
        tolerance: TOLERANCE[dtype],
      }))
    ),
    ...SLOPES.map(([shape, slopes]): OperatorCase => ({
      name: `prelu ${dtype} (${shape}) with ${slopes} slopes`,
      inputs: [{ shape, dtype, range: 2 }, { shape: [slopes], dtype }],
      run: ([x, slope]) => prelu(x!, slope!),
      expected: ([x, slope]) => expected(x!, slope!.data),
      tolerance: TOLERANCE[dtype],
    })),
  ]);
