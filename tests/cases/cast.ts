// Attribute table of Cast: every pair of dtypes.

import { cast } from "../../src/ops/index.ts";
import { DTYPES } from "../../src/core/dtype.ts";
import { cast as expected } from "../reference/cast.ts";
import type { OperatorCase } from "./case.ts";

/** One row for every pair of dtypes and several lengths; values beyond the narrower ranges. */
export const castCases: readonly OperatorCase[] = DTYPES.flatMap((from) =>
  DTYPES.flatMap((to) =>
    [1, 7, 64, 257].map((length): OperatorCase => ({
      name: `${from} to ${to}, ${length} elements`,
      inputs: [{ shape: [length], dtype: from, range: 400 }],
      run: ([x]) => cast(x!, to),
      expected: ([x]) => ({ data: expected(x!.data, from, to), shape: x!.shape }),
    }))
  )
);
