// Runs a plan and compares what it computes with an oracle.

import { assert } from "@std/assert";
import { LimitError } from "../../src/core/errors.ts";
import type { Capabilities, Plan } from "../../src/kernels/plan.ts";
import { floatOf } from "./memory.ts";
import { runPlan } from "./plans.ts";

/** Plans, or nothing where a device or variant cannot. */
export function attempt(plan: () => Plan): Plan | undefined {
  try {
    return plan();
  } catch (error) {
    assert(error instanceof LimitError, String(error));
    return undefined;
  }
}

/** How a plan is run and compared. */
export interface Comparison {
  /** Largest distance from the oracle, of its largest value; default 0. */
  readonly tolerance?: number;
  /** Dtype of the output; default float32. */
  readonly dtype?: "float32" | "float16" | "int32";
  /** Where results begin and end; default everywhere. What lies between is not written. */
  readonly ranges?: readonly (readonly [begin: number, end: number])[];
  /** Is named where they differ. */
  readonly what: unknown;
}

/**
 * Runs a plan and compares its output.
 *
 * @param capabilities The device that it is for.
 * @param plan The plan.
 * @param inputs Contents by input; null for those that are absent.
 * @param expected What the oracle gives.
 * @param comparison How they are compared.
 */
export function checkPlan(
  capabilities: Capabilities,
  plan: Plan,
  inputs: readonly (ArrayBufferView | null)[],
  expected: ArrayLike<number>,
  { tolerance = 0, dtype = "float32", ranges, what }: Comparison,
): void {
  const { deviceClass, loadPath } = capabilities;
  const context = `${deviceClass}, ${loadPath}: ${JSON.stringify(what)}`;
  const count = expected.length;
  let actual: ArrayLike<number>;
  try {
    const bytes = count * (dtype === "float16" ? 2 : 4);
    const [output] = runPlan(capabilities, plan, inputs, [bytes], ranges === undefined ? 1 : 0);
    const { buffer } = output!.bytes;
    if (dtype === "float16") actual = new Float16Array(buffer, 0, count);
    else if (dtype === "int32") actual = new Int32Array(buffer, 0, count);
    else actual = new Float32Array(buffer, 0, count);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${context}`, { cause: error });
  }
  const largest = Array.from(expected).reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  const places = (ranges ?? [[0, count]]).flatMap(([begin, end]) =>
    Array.from({ length: end - begin }, (_, at) => begin + at)
  );
  for (const at of places) {
    const [own, wanted] = [actual[at]!, expected[at]!];
    // What was never written is not a number.
    if (Math.abs(own - wanted) <= tolerance * largest || own === wanted) continue;
    if (Number.isNaN(own) && Number.isNaN(wanted)) continue;
    // -1 in the bits of a float is a NaN, whose bits an engine may change.
    if (dtype === "int32" && wanted === -1 && Number.isNaN(floatOf(own))) continue;
    throw new Error(`${plan.label}: element ${at} is ${own}, expected ${wanted}\n${context}`);
  }
}
