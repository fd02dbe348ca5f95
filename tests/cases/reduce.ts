// Attribute tables of reductions and of repeating elements.

import { broadcastTo, max, mean, min, sum } from "../../src/ops/index.ts";
import { broadcast, reduce } from "../reference/reduce.ts";
import type { OperatorCase } from "./case.ts";

const OPERATORS = { sum, mean, max, min } as const;

const ROWS: readonly (readonly [shape: readonly number[], axes: readonly number[]])[] = [
  [[], []],
  [[7], [0]],
  [[1], [0]],
  [[2, 3], [0]],
  [[2, 3], [1]],
  [[2, 3], [0, 1]],
  [[2, 3], []],
  [[3, 1, 5], [1]],
  [[4, 5, 6], [0, 2]],
  [[4, 5, 6], [1]],
  [[4, 5, 6], [0, 1]],
  [[2, 3, 4, 5], [0, 2, 3]],
  [[2, 3, 4, 5], [1, 3]],
  [[3, 2, 3, 2, 3], [0, 2, 4]],
  [[17, 61], [0]],
  [[17, 61], [1]],
];

/** Long enough for one, two and three dispatches. */
const LONG: readonly (readonly [shape: readonly number[], axes: readonly number[]])[] = [
  [[2049], [0]],
  [[3, 5000], [1]],
  [[5000, 3], [0]],
  [[2, 2100, 3], [1]],
];

const names = Object.keys(OPERATORS) as (keyof typeof OPERATORS)[];
const dtypes = ["float32", "float16", "int32"] as const;

function tolerance(name: string, dtype: string, length: number) {
  if (dtype === "int32") return { rtol: 0, atol: 0 };
  if (name === "max" || name === "min") return { rtol: 0, atol: 0 };
  const error = 2 ** -22 * Math.sqrt(length) + 1e-6;
  return dtype === "float32"
    ? { rtol: 0, atol: name === "mean" ? error / length + 1e-7 : error }
    : { rtol: 1e-3, atol: 1e-3 };
}

const axisCases = dtypes.flatMap((dtype) =>
  names.filter((name) => name !== "mean" || dtype !== "int32").flatMap((name) =>
    [...ROWS, ...(dtype === "float16" ? [] : LONG)].flatMap(([shape, axes]) =>
      [false, true].map((keepDims): OperatorCase => ({
        name: `${name} ${dtype} (${shape}) over (${axes})${keepDims ? " kept" : ""}`,
        inputs: [{ shape, dtype, ...(dtype === "int32" ? { range: 1e-3 } : {}) }],
        run: ([x]) => OPERATORS[name](x!, { axis: axes, keepDims }),
        expected: ([x]) => reduce(x!, name, axes, keepDims),
        tolerance: tolerance(
          name,
          dtype,
          axes.reduce((all, axis) => all * shape[axis]!, 1),
        ),
      }))
    )
  )
);

const emptyCases = names.filter((name) => name !== "max" && name !== "min").map((
  name,
): OperatorCase => ({
  name: `${name} of nothing`,
  inputs: [{ shape: [2, 0] }],
  run: ([x]) => OPERATORS[name](x!, { axis: 1 }),
  expected: ([x]) => reduce(x!, name, [1]),
}));

const BROADCASTS: readonly (readonly [from: readonly number[], to: readonly number[]])[] = [
  [[], [2, 3]],
  [[3], [2, 3]],
  [[2, 1], [2, 3]],
  [[1, 3, 1], [4, 3, 5]],
  [[2, 1, 3], [5, 2, 4, 3]],
  [[4], [4]],
  [[1], [0]],
];

const broadcastCases = (["float32", "float16", "int8"] as const).flatMap((dtype) =>
  BROADCASTS.map(([from, to]): OperatorCase => ({
    name: `broadcast_to ${dtype} (${from}) to (${to})`,
    inputs: [{ shape: from, dtype }],
    run: ([x]) => broadcastTo(x!, to),
    expected: ([x]) => broadcast(x!, to),
  }))
);

/** Rows for every reduction, dtype and pattern of axes. */
export const reduceCases: readonly OperatorCase[] = [
  ...axisCases,
  ...emptyCases,
  ...broadcastCases,
];
