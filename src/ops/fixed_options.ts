// Options of calls that come again and again: read and checked once for each pair of shapes, not in every call.

import { Tensor } from "../tensor/mod.ts";
import type { Attributes } from "./define.ts";

type Inputs = readonly (Tensor | null | undefined)[];
type Shapes = readonly (readonly number[] | null)[];

/** What options came to in a call. */
interface Reading {
  readonly shapes: Shapes;
  readonly attributes: Attributes;
}

/** The same for options that may change until the next call: what was in them. */
interface Copied extends Reading {
  readonly keys: readonly string[];
  readonly values: readonly unknown[];
}

const readings = new WeakMap<object, Reading | null>();

/** Calls with other options that are remembered for each operator. */
const RECENT = 4;

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

/** What the options of an operator's last calls came to. */
export class OptionMemory {
  readonly #recent: Copied[] = [];
  #next = 0;

  /**
   * The attributes to which equal options came in an earlier call with inputs of the same shapes.
   *
   * @param options The options of the call.
   * @param inputs The inputs of the call.
   * @returns The attributes; undefined if they must be worked out.
   */
  recall(options: object | undefined, inputs: readonly unknown[]): Attributes | undefined {
    const reading = options === undefined ? undefined : readings.get(options);
    if (reading !== undefined) {
      return reading !== null && haveShapes(inputs, reading.shapes)
        ? reading.attributes
        : undefined;
    }
    const recent = this.#recent;
    for (let i = 0; i < recent.length; i++) {
      const copied = recent[i]!;
      if (haveShapes(inputs, copied.shapes) && isCopyOf(copied, options)) return copied.attributes;
    }
    return undefined;
  }

  /**
   * Keeps the attributes to which options came.
   *
   * @param options The options of the call; those that hold more than values and lists are not remembered.
   * @param inputs The inputs of the call.
   * @param attributes The attributes.
   */
  remember(options: object | undefined, inputs: Inputs, attributes: Attributes): void {
    const shapes = inputs.map((input) => input?.shape ?? null);
    if (options !== undefined && readings.has(options)) {
      readings.set(options, { shapes, attributes });
      return;
    }
    const values = Object.values(options ?? {});
    if (!values.every(isPlain)) return;
    this.#recent[this.#next] = {
      shapes,
      attributes,
      keys: Object.keys(options ?? {}),
      values: values.map(copyOf),
    };
    this.#next = (this.#next + 1) % RECENT;
  }
}

function haveShapes(inputs: readonly unknown[], shapes: Shapes): boolean {
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    // Tensors of one shape share the array, so that the same one is enough to look for.
    const shape = input instanceof Tensor ? input.shape : input ?? null;
    if (shape !== shapes[i]) return false;
  }
  return true;
}

function isCopyOf({ keys, values }: Copied, options: object | undefined): boolean {
  if (options === undefined) return keys.length === 0;
  const prototype: unknown = Object.getPrototypeOf(options);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const found = Object.keys(options);
  if (found.length !== keys.length) return false;
  for (let i = 0; i < keys.length; i++) {
    if (found[i] !== keys[i]) return false;
    if (!isSame(values[i], (options as Record<string, unknown>)[keys[i]!])) return false;
  }
  return true;
}

function isSame(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a)) return Object.is(a, b);
  if (!Array.isArray(b) || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!isSame(a[i], b[i])) return false;
  return true;
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain);
  return value === null || typeof value !== "object" && typeof value !== "function";
}

function copyOf(value: unknown): unknown {
  return Array.isArray(value) ? value.map(copyOf) : value;
}
