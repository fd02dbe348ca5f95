// Attribute tables of functions of one tensor.

import * as ops from "../../src/ops/index.ts";
import type { Tensor } from "../../src/tensor/mod.ts";
import { unary } from "../reference/function.ts";
import type { OperatorCase } from "./case.ts";

const TOLERANCE = {
  float32: { rtol: 5e-7, atol: 1e-37 },
  float16: { rtol: 1e-3, atol: 6e-8 },
} as const;

const PLAIN: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  exp: ops.exp,
  expm1: ops.expm1,
  square: ops.square,
  abs: ops.abs,
  sign: ops.sign,
  negative: ops.negative,
};

/** Defined for numbers above 0 (or -1) only: applied to a square. */
const POSITIVE: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  log: ops.log,
  log1p: ops.log1p,
  sqrt: ops.sqrt,
  rsqrt: ops.rsqrt,
};

const dtypes = ["float32", "float16"] as const;
const shapes = [[], [0], [5], [3, 7, 11]] as const;

const plainCases = Object.entries(PLAIN).flatMap(([name, run]) =>
  dtypes.flatMap((dtype) =>
    shapes.flatMap((shape) =>
      [1, 8].map((range): OperatorCase => ({
        name: `${name} ${dtype} (${shape}) up to ${range}`,
        inputs: [{ shape, dtype, range }],
        run: ([x]) => run(x!),
        expected: ([x]) => unary(x!, name),
        tolerance: TOLERANCE[dtype],
      }))
    )
  )
);

const positiveCases = Object.entries(POSITIVE).flatMap(([name, run]) =>
  dtypes.flatMap((dtype) =>
    [0.01, 2].map((offset): OperatorCase => ({
      name: `${name} ${dtype} of squares from ${offset}`,
      inputs: [{ shape: [5, 13], dtype, range: 1.5 }],
      run: ([x]) => run(x!.mul(x!).add(offset)),
      expected: ([x]) => {
        const square = Float64Array.from(x!.data, (each) => each * each + offset);
        return unary({ ...x!, data: square }, name);
      },
      tolerance: dtype === "float16" ? { rtol: 4e-3, atol: 2e-3 } : { rtol: 1e-6, atol: 3e-7 },
    }))
  )
);

const powerCases = dtypes.flatMap((dtype) =>
  [0, 1, 2, 3, 7, -1, -2].map((exponent): OperatorCase => ({
    name: `power ${exponent} ${dtype}`,
    inputs: [{ shape: [5, 13], dtype, range: 1.5 }],
    run: ([x]) => ops.power(x!, exponent),
    expected: ([x]) => unary(x!, "power", exponent),
    tolerance: dtype === "float32" ? { rtol: 2e-6, atol: 1e-30 } : TOLERANCE.float16,
  }))
);

const fractionCases = [0.5, 1.5, -0.5, 2.25].map((exponent): OperatorCase => ({
  name: `power ${exponent} of squares`,
  inputs: [{ shape: [5, 13], range: 1.5 }],
  run: ([x]) => ops.power(x!.mul(x!).add(0.25), exponent),
  expected: ([x]) => {
    const square = Float64Array.from(x!.data, (each) => each * each + 0.25);
    return unary({ ...x!, data: square }, "power", exponent);
  },
  tolerance: { rtol: 2e-6, atol: 0 },
}));

const clipCases = dtypes.flatMap((dtype) =>
  ([[-0.5, 0.25], [0, 2], [-2, -0.75]] as const).map(([low, high]): OperatorCase => ({
    name: `clip ${low}..${high} ${dtype}`,
    inputs: [{ shape: [5, 13], dtype }],
    run: ([x]) => ops.clip(x!, low, high),
    expected: ([x]) => unary(x!, "clip", low, high),
  }))
);

/** Rows for every function and dtype. */
export const functionCases: readonly OperatorCase[] = [
  ...plainCases,
  ...positiveCases,
  ...powerCases,
  ...fractionCases,
  ...clipCases,
];
