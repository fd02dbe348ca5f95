// Attribute tables of operators on two tensors, with NumPy's broadcasting, and with numbers.

import { add, div, maximum, minimum, mul, sub } from "../../src/ops/index.ts";
import { binary } from "../reference/elementwise.ts";
import type { Reference } from "../reference/array.ts";
import type { OperatorCase } from "./case.ts";

const OPERATORS = { add, subtract: sub, multiply: mul, divide: div, maximum, minimum } as const;

const SHAPES: readonly (readonly [a: readonly number[], b: readonly number[]])[] = [
  [[], []],
  [[7], [7]],
  [[7], []],
  [[], [2, 3]],
  [[1], [5]],
  [[2, 3], [3]],
  [[3, 1], [1, 4]],
  [[2, 3, 4], [4]],
  [[2, 3, 4], [3, 1]],
  [[2, 1, 4], [1, 3, 1]],
  [[2, 3, 5, 7], [1, 3, 1, 1]],
  [[2, 3, 5, 7], [2, 1, 1, 7]],
  [[1, 3, 1, 5, 1], [2, 1, 4, 1, 3]],
  [[2, 3, 2, 3, 2, 3], [2, 1, 2, 1, 2, 1]],
  [[0, 3], [1, 3]],
  [[0], []],
  [[17, 61], [17, 61]],
];

const NUMBERS: readonly number[] = [0, 1, -1, 2.5, -0.1, 1e-3];

/** Rounds each element as the device does when it stores the result. */
function rounded(x: Reference, dtype: string): Reference {
  if (dtype === "int32") return { ...x, data: Float64Array.from(x.data, (each) => each | 0) };
  // Not to float32: the tolerance covers it, and gradients differentiate this.
  return dtype === "float16" ? { ...x, data: new Float16Array(x.data) } : x;
}

const TOLERANCE = {
  // Division may be off by 2.5 ULP in Vulkan; the others are exact.
  float32: { rtol: 3e-7, atol: 0 },
  float16: { rtol: 1e-3, atol: 1e-7 },
  int32: { rtol: 0, atol: 0 },
} as const;

const dtypes = ["float32", "float16", "int32"] as const;
const names = Object.keys(OPERATORS) as (keyof typeof OPERATORS)[];

const tensorCases = dtypes.flatMap((dtype) =>
  names.filter((name) => dtype !== "int32" || name !== "multiply").flatMap((name) =>
    SHAPES.map(([a, b]): OperatorCase => ({
      name: `${name} ${dtype} (${a}) (${b})`,
      inputs: [{ shape: a, dtype }, { shape: b, dtype }],
      run: ([x, y]) => OPERATORS[name](x!, y!),
      expected: ([x, y]) => rounded(binary(x!, y!, name), dtype),
      tolerance: TOLERANCE[dtype],
    }))
  )
);

const numberCases = (["float32", "float16"] as const).flatMap((dtype) =>
  names.flatMap((name) =>
    NUMBERS.filter((value) => name !== "divide" || value !== 0).flatMap((value): OperatorCase[] => {
      const scalar = { data: [Math.fround(value)], shape: [] };
      const inputs = [{ shape: [3, 7], dtype }];
      const tolerance = dtype === "float32" ? { rtol: 3e-7, atol: 0 } : TOLERANCE[dtype];
      return [{
        name: `${name} ${dtype} tensor, ${value}`,
        inputs,
        run: ([x]) => OPERATORS[name](x!, value),
        expected: ([x]) => rounded(binary(x!, scalar, name), dtype),
        tolerance,
      }, {
        name: `${name} ${dtype} ${value}, tensor`,
        inputs,
        run: ([x]) => OPERATORS[name](value, x!),
        expected: ([x]) => rounded(binary(scalar, x!, name), dtype),
        tolerance,
      }];
    })
  )
);

const wholeCases = names.flatMap((name) =>
  [1, -3, 7].flatMap((value): OperatorCase[] => [{
    name: `${name} int32 tensor, ${value}`,
    inputs: [{ shape: [3, 7], dtype: "int32", range: 1e-3 }],
    run: ([x]) => OPERATORS[name](x!, value),
    expected: ([x]) => rounded(binary(x!, { data: [value], shape: [] }, name), "int32"),
  }])
);

/** Rows for every operator, dtype and way to broadcast. */
export const elementwiseCases: readonly OperatorCase[] = [
  ...tensorCases,
  ...numberCases,
  ...wholeCases,
];
