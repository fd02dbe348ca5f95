// Attribute tables of comparisons.

import {
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  notEqual,
  sign,
} from "../../src/ops/index.ts";
import { compare } from "../reference/comparison.ts";
import { unary } from "../reference/function.ts";
import type { OperatorCase } from "./case.ts";

const OPERATORS = { equal, notEqual, greater, greaterEqual, less, lessEqual } as const;

const SHAPES: readonly (readonly [a: readonly number[], b: readonly number[]])[] = [
  [[11], [11]],
  [[5], []],
  [[], [5]],
  [[3, 1], [1, 4]],
  [[2, 3, 5], [3, 1]],
];

const names = Object.keys(OPERATORS) as (keyof typeof OPERATORS)[];

const floatCases = (["float32", "float16"] as const).flatMap((dtype) =>
  names.flatMap((name) =>
    SHAPES.map(([a, b]): OperatorCase => ({
      name: `${name} ${dtype} (${a}) (${b})`,
      inputs: [{ shape: a, dtype }, { shape: b, dtype }],
      // Signs, so that many elements are equal.
      run: ([x, y]) => OPERATORS[name](sign(x!), sign(y!)),
      expected: ([x, y]) => compare(unary(x!, "sign"), unary(y!, "sign"), name),
    }))
  )
);

const wholeCases = names.flatMap((name) =>
  [[[64], [64]], [[3, 1], [1, 4]]].map(([a, b]): OperatorCase => ({
    name: `${name} int32 (${a}) (${b})`,
    inputs: [{ shape: a!, dtype: "int32", range: 2e-6 }, {
      shape: b!,
      dtype: "int32",
      range: 2e-6,
    }],
    run: ([x, y]) => OPERATORS[name](x!, y!),
    expected: ([x, y]) => compare(x!, y!, name),
  }))
);

/** Rows for every comparison, dtype and way to broadcast. */
export const comparisonCases: readonly OperatorCase[] = [...floatCases, ...wholeCases];
