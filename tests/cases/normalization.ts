// Attribute tables of batch, layer, group and instance normalization.

import { predictMode, trainMode } from "../../src/autograd/mod.ts";
import { batchNorm, groupNorm, instanceNorm, layerNorm } from "../../src/ops/index.ts";
import { ones, type Tensor, tensor, zeros } from "../../src/tensor/mod.ts";
import { type Kind, normalize } from "../reference/normalization.ts";
import type { OperatorCase } from "./case.ts";

type DType = "float32" | "float16";

const TOLERANCE = {
  float32: { rtol: 1e-5, atol: 2e-5 },
  float16: { rtol: 2e-3, atol: 4e-3 },
} as const;

const one = (size: number): Float64Array => new Float64Array(size).fill(1);

/** Statistics that are no round numbers. */
const means = (size: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: size }, (_, at) => 0.3 - 0.2 * at);
const variances = (size: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: size }, (_, at) => 0.25 + 0.5 * at);

type BatchRow = readonly [shape: readonly number[], axis: number, fixGamma?: boolean, eps?: number];

const BATCH_ROWS: readonly BatchRow[] = [
  [[2, 3, 4, 5], 1],
  [[2, 3, 4, 5], 1, true],
  [[3, 2, 3, 3], 1, false, 0.1],
  [[2, 4, 3, 8], 3],
  [[2, 4, 3, 5], -1],
  [[7, 3], 1],
  [[5, 1, 9], 1],
  [[2, 4, 4], 0],
  [[1, 2, 33, 65], 1],
];

function batchCase(
  [shape, axis, fixGamma = false, eps = 1e-3]: BatchRow,
  dtype: DType,
  mode: "training" | "prediction" | "global statistics",
): OperatorCase {
  const at = axis < 0 ? axis + shape.length : axis;
  const size = shape[at]!;
  const own = mode === "training";
  const options = { axis, fixGamma, eps, useGlobalStats: mode === "global statistics" };
  return {
    name: `BatchNorm ${dtype} (${shape}) axis ${axis} in ${mode}${fixGamma ? ", gamma 1" : ""}`,
    inputs: [{ shape, dtype, range: 2 }, { shape: [size] }, { shape: [size] }],
    run: ([x, gamma, beta]) => {
      const { device } = x!;
      const call = () =>
        batchNorm(
          x!,
          gamma!,
          beta!,
          own ? zeros([size], { device }) : tensor(means(size), [size], { device }),
          own ? ones([size], { device }) : tensor(variances(size), [size], { device }),
          options,
        );
      return mode === "prediction" ? predictMode(call) : trainMode(call);
    },
    expected: ([x, gamma, beta]) =>
      normalize(
        x!,
        fixGamma ? one(size) : gamma!.data,
        beta!.data,
        { form: "batch", axis: at },
        eps,
        own ? undefined : { mean: means(size), variance: variances(size) },
      ),
    tolerance: TOLERANCE[dtype],
  };
}

type RowRun = (x: Tensor, gamma: Tensor, beta: Tensor) => Tensor;

function rowCase(
  name: string,
  shape: readonly number[],
  dtype: DType,
  kind: Kind,
  eps: number,
  run: RowRun,
): OperatorCase {
  const size = shape[kind.axis]!;
  return {
    name: `${name} ${dtype} (${shape})`,
    inputs: [{ shape, dtype, range: 2 }, { shape: [size], dtype }, { shape: [size], dtype }],
    run: ([x, gamma, beta]) => run(x!, gamma!, beta!),
    expected: ([x, gamma, beta]) => normalize(x!, gamma!.data, beta!.data, kind, eps),
    tolerance: TOLERANCE[dtype],
  };
}

const LAYER_ROWS: readonly (readonly [shape: readonly number[], axis: number])[] = [
  [[3, 8], 1],
  [[2, 3, 5], 2],
  [[2, 6, 4], 1],
  [[3, 5, 3, 3], 1],
  [[4, 3], 0],
  [[7], 0],
  [[2, 1500], 1],
];

const GROUP_ROWS: readonly (readonly [shape: readonly number[], groups: number])[] = [
  [[2, 4, 3, 4], 2],
  [[2, 6, 3, 3], 3],
  [[2, 3, 5], 1],
  [[3, 4], 2],
];

const INSTANCE_ROWS: readonly (readonly number[])[] = [[2, 3, 4, 4], [2, 3, 7], [1, 2, 3, 3, 3]];

/** Rows for every form, dtype and mode. */
export const normalizationCases: readonly OperatorCase[] = (["float32", "float16"] as const)
  .flatMap((dtype) => [
    ...BATCH_ROWS.map((row) => batchCase(row, dtype, "training")),
    ...BATCH_ROWS.slice(0, 6).map((row) => batchCase(row, dtype, "prediction")),
    ...BATCH_ROWS.slice(2, 5).map((row) => batchCase(row, dtype, "global statistics")),
    ...LAYER_ROWS.map(([shape, axis]) =>
      rowCase(
        `LayerNorm axis ${axis}`,
        shape,
        dtype,
        { form: "layer", axis },
        1e-2,
        (x, gamma, beta) => layerNorm(x, gamma, beta, { axis, eps: 1e-2 }),
      )
    ),
    ...GROUP_ROWS.map(([shape, groups]) =>
      rowCase(
        `GroupNorm of ${groups}`,
        shape,
        dtype,
        { form: "group", axis: 1, groups },
        1e-2,
        (x, gamma, beta) => groupNorm(x, gamma, beta, { numGroups: groups, eps: 1e-2 }),
      )
    ),
    ...INSTANCE_ROWS.map((shape) =>
      rowCase(
        "InstanceNorm",
        shape,
        dtype,
        { form: "instance", axis: 1 },
        1e-2,
        (x, gamma, beta) => instanceNorm(x, gamma, beta, { eps: 1e-2 }),
      )
    ),
  ]);
