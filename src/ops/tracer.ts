// Who sees operator calls instead of the device, while a block is turned into a graph. Knows no graphs.

import type { Tensor } from "../tensor/mod.ts";
import type { Attributes, Operator } from "./define.ts";

/** Takes the place of the device while a block is traced. */
export interface Tracer {
  /**
   * Notes a call instead of running it.
   *
   * @param operator The operator.
   * @param attributes Checked attributes.
   * @param inputs The inputs.
   * @returns A tensor that stands for the result; null to run the call as usual.
   */
  trace(
    operator: Operator,
    attributes: Attributes,
    inputs: readonly (Tensor | null)[],
  ): Tensor | null;
}

let tracer: Tracer | null = null;

/**
 * Sets who takes calls instead of the device.
 *
 * @param next The tracer; null for none.
 * @returns The one before.
 */
export function setTracer(next: Tracer | null): Tracer | null {
  const before = tracer;
  tracer = next;
  return before;
}

/**
 * Who takes calls instead of the device.
 *
 * @returns The tracer; null while nothing is traced.
 */
export function currentTracer(): Tracer | null {
  return tracer;
}

/**
 * Whether a block is being traced.
 *
 * @returns True while operators go to a tracer.
 */
export function isTracing(): boolean {
  return tracer !== null;
}
