// Runs a plan and compares what it computes with an oracle.

import { assert } from "@std/assert";
import { LimitError } from "../../src/core/errors.ts";
import type { Capabilities, Plan } from "../../src/kernels/plan.ts";
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

/**
 * Runs a plan of float32 and compares its output.
 *
 * @param tolerance Largest distance from the oracle, of its largest value.
 * @param what Is named where they differ.
 */
export function checkPlan(
  capabilities: Capabilities,
  plan: Plan,
  inputs: readonly (ArrayBufferView | null)[],
  expected: ArrayLike<number>,
  tolerance: number,
  what: unknown,
): void {
  const context = (): string =>
    `${capabilities.deviceClass} ${capabilities.loadPath} ${JSON.stringify(what)}`;
  let actual: Float32Array;
  try {
    const [output] = runPlan(capabilities, plan, inputs, [expected.length * 4]);
    actual = new Float32Array(output!.bytes.buffer, 0, expected.length);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${context()}`, { cause: error });
  }
  const largest = Array.from(expected).reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  for (let at = 0; at < expected.length; at++) {
    const distance = Math.abs(actual[at]! - expected[at]!);
    // What is not a number is no result.
    if (distance <= tolerance * largest || Object.is(actual[at], expected[at])) continue;
    throw new Error(
      `${plan.label}: element ${at} is ${actual[at]}, expected ${expected[at]}\n${context()}`,
    );
  }
}
