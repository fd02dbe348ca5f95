// Attribute tables of matrix products.

import { matmul } from "../../src/ops/index.ts";
import { batchDotOperator, dotOperator, fullyConnectedOperator } from "../../src/ops/matmul.ts";
import { type Reference, size } from "../reference/array.ts";
import { matmul as oracle, transposed } from "../reference/matmul.ts";
import type { OperatorCase } from "./case.ts";

const SIZES: readonly (readonly [m: number, k: number, n: number])[] = [
  [1, 1, 1],
  [4, 4, 4],
  [3, 5, 7],
  [8, 12, 16],
  [5, 8, 6],
  [1, 17, 9],
  [13, 1, 2],
  [6, 4, 5],
  [2, 2100, 3],
];

function tolerance(dtype: string, k: number) {
  return dtype === "float32"
    ? { rtol: 1e-6, atol: 2 ** -22 * Math.sqrt(k) + 1e-6 }
    : { rtol: 2e-3, atol: 2e-3 };
}

const flags = [false, true] as const;
const flip = (x: Reference, yes: boolean) => yes ? transposed(x) : x;

const dotCases = (["float32", "float16"] as const).flatMap((dtype) =>
  SIZES.flatMap(([m, k, n]) =>
    flags.flatMap((transpose_a) =>
      flags.flatMap((transpose_b) =>
        [0, 3].map((batch): OperatorCase => {
          const front = batch === 0 ? [] : [batch];
          const operator = batch === 0 ? dotOperator : batchDotOperator;
          return {
            name: `${operator.name} ${dtype} ${m}x${k}x${n} ${transpose_a ? "T" : "N"}${
              transpose_b ? "T" : "N"
            }`,
            inputs: [
              { shape: [...front, ...(transpose_a ? [k, m] : [m, k])], dtype },
              { shape: [...front, ...(transpose_b ? [n, k] : [k, n])], dtype },
            ],
            run: ([a, b]) => operator.apply([a, b], { transpose_a, transpose_b }),
            expected: ([a, b]) => oracle(flip(a!, transpose_a), flip(b!, transpose_b)),
            tolerance: tolerance(dtype, k),
          };
        })
      )
    )
  )
);

const SHAPES: readonly (readonly [a: readonly number[], b: readonly number[]])[] = [
  [[5], [5]],
  [[5], [5, 3]],
  [[4, 5], [5]],
  [[2, 3, 4], [4, 5]],
  [[3, 4], [2, 4, 5]],
  [[2, 1, 3, 4], [3, 4, 2]],
  [[0, 4], [4, 3]],
  [[2, 0], [0, 3]],
];

const matmulRows = SHAPES.map(([a, b]): OperatorCase => ({
  name: `matmul (${a}) (${b})`,
  inputs: [{ shape: a }, { shape: b }],
  run: ([x, y]) => matmul(x!, y!),
  expected: ([x, y]) => oracle(x!, y!),
  tolerance: tolerance("float32", 8),
}));

const denseCases = (["float32", "float16"] as const).flatMap((dtype) =>
  ([[[4, 6], true], [[2, 3, 5], true], [[2, 3, 5], false], [[7, 4], false]] as const).flatMap(
    ([shape, flatten]) =>
      flags.map((no_bias): OperatorCase => {
        const columns = flatten ? size(shape.slice(1)) : shape.at(-1)!;
        const front = flatten ? [shape[0]] : shape.slice(0, -1);
        return {
          name: `FullyConnected ${dtype} (${shape}) flatten ${flatten} no_bias ${no_bias}`,
          inputs: [
            { shape, dtype },
            { shape: [5, columns], dtype },
            ...(no_bias ? [] : [{ shape: [5], dtype }]),
          ],
          run: (inputs) =>
            fullyConnectedOperator.apply(inputs, { num_hidden: 5, no_bias, flatten }),
          expected: ([x, w, b]) => {
            const rows = { data: x!.data, shape: [size(shape) / columns, columns] };
            const { data } = oracle(rows, transposed(w!));
            const sums = Float64Array.from(data, (each, at) => each + (b?.data[at % 5] ?? 0));
            return { data: sums, shape: [...front, 5] };
          },
          tolerance: tolerance(dtype, columns),
        };
      }),
  )
);

/** Rows for every product, dtype and way to store the operands. */
export const matmulCases: readonly OperatorCase[] = [...dotCases, ...matmulRows, ...denseCases];
