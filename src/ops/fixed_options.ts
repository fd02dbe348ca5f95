// Options that a layer hands over in every call: read and checked once for each pair of shapes, not in every call.

import { Tensor } from "../tensor/mod.ts";
import type { Attributes } from "./define.ts";

/** What options came to in the last call. */
interface Reading {
  readonly shapes: readonly (readonly number[] | null)[];
  readonly attributes: Attributes;
}

const readings = new WeakMap<object, Reading | null>();

/**
 * Declares that an options object, with everything in it, will never change.
 *
 * @param options The options.
 * @returns The same object.
 */
export function fixedOptions<T extends object>(options: T): T {
  readings.set(options, null);
  return options;
}

/**
 * The attributes to which fixed options came in the last call, if this one has inputs of the same shapes.
 *
 * @param options The options of the call.
 * @param inputs The inputs of the call.
 * @returns The attributes; undefined if they must be worked out.
 */
export function recallAttributes(
  options: object | undefined,
  inputs: readonly unknown[],
): Attributes | undefined {
  const reading = options === undefined ? undefined : readings.get(options);
  if (reading === undefined || reading === null) return undefined;
  const { shapes, attributes } = reading;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    // Tensors of one shape share the array, so that the same one is enough to look for.
    const shape = input instanceof Tensor ? input.shape : input ?? null;
    if (shape !== shapes[i]) return undefined;
  }
  return attributes;
}

/**
 * Keeps the attributes to which fixed options came; does nothing for other options.
 *
 * @param options The options of the call.
 * @param inputs The inputs of the call.
 * @param attributes The attributes.
 */
export function rememberAttributes(
  options: object | undefined,
  inputs: readonly (Tensor | null | undefined)[],
  attributes: Attributes,
): void {
  if (options === undefined || !readings.has(options)) return;
  readings.set(options, {
    shapes: inputs.map((input) => input?.shape ?? null),
    attributes,
  });
}
