// Forces every variant of an operator in turn.

import { assert } from "@std/assert";
import { LimitError } from "../../src/core/errors.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { gpuTest } from "../support/test.ts";
import { sharedDevice } from "./kernels_run.ts";

/** One test for each variant: every case that it can compute. */
export function testVariants<Case>(
  operator: string,
  variants: readonly { readonly name: string }[],
  cases: readonly Case[],
  /** Forcing some kernels costs a CPU device seconds of compiling: there each takes its turn at one of so many cases. */
  tileTurn: number,
  /** Whether the variant can compute the case; throws if it computes it wrongly. */
  check: (each: Case, variant: string) => Promise<boolean>,
): void {
  for (const [index, { name }] of variants.entries()) {
    if (/(^|_)parts$/.test(name)) continue; // rounds more: tests/gpu/cooperative_parts_test.ts
    if (/_plain$/.test(name)) continue; // takes more filters: tests/gpu/kernels_convolution_winograd_test.ts
    gpuTest(`${operator} variant ${name} agrees with the oracle`, async () => {
      const { capabilities } = await sharedDevice();
      const slow = /igemm|columns/.test(name) && capabilities.deviceClass === "cpu";
      const every = slow ? tileTurn : 1;
      let ran = 0;
      for (const [at, each] of cases.entries()) {
        if (at % every === index % every && await check(each, name)) ran++;
      }
      const weak = name.includes("igemm_") && capabilities.maxSharedMemoryBytes < 49_152;
      const lanes = name.includes("cpu") && capabilities.subgroupSize !== 8;
      assert(ran > 0 || weak || lanes, "no case ran");
    });
  }
}

/** A plan with a forced variant; undefined where the variant cannot compute it. */
export function planVariant(variant: string | undefined, plan: () => Plan): Plan | undefined {
  try {
    return plan();
  } catch (error) {
    if (error instanceof LimitError && variant !== undefined) return undefined;
    throw error;
  }
}
