// Attribute table of UpSampling.

import { type Layout, upSampling } from "../../src/ops/index.ts";
import { upSampling as expected } from "../reference/up_sampling.ts";
import { MOVED, type OperatorCase } from "./case.ts";

type Row = readonly [
  shape: readonly number[],
  scale: number | readonly number[],
  factors: readonly number[],
  layout?: Layout,
];

const TABLE: readonly Row[] = [
  [[1, 1, 3], 2, [1, 1, 2]],
  [[2, 3, 5], 1, [1, 1, 1]],
  [[1, 2, 3, 4], 2, [1, 1, 2, 2]],
  [[2, 3, 3, 3], [3, 2], [1, 1, 3, 2]],
  [[1, 2, 2, 3, 2], 2, [1, 1, 2, 2, 2]],
  [[1, 1, 2, 3, 2], [1, 3, 2], [1, 1, 1, 3, 2]],
  [[2, 5, 3], 3, [1, 3, 1], "NWC"],
  [[1, 3, 4, 3], [2, 5], [1, 2, 5, 1], "NHWC"],
  [[1, 2, 3, 2, 4], [2, 1, 3], [1, 2, 1, 3, 1], "NDHWC"],
  [[0, 2, 3, 4], 2, [1, 1, 2, 2]],
  [[1, 3, 16, 16], 2, [1, 1, 2, 2]],
];

/** Rows for every element size. */
export const upSamplingCases: readonly OperatorCase[] = MOVED.flatMap((dtype) =>
  TABLE.map(([shape, scale, factors, layout]) => ({
    name: `${dtype} (${shape}) by ${scale} ${layout ?? "channels first"}`,
    inputs: [{ shape, dtype }],
    run: ([x]) => upSampling(x!, scale, layout === undefined ? {} : { layout }),
    expected: ([x]) => expected(x!, factors),
  }))
);
