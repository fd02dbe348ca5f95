// What initializers share: checks of what they are asked for, and random numbers. Knows no rules.

import type { RandomStream } from "../core/random.ts";
import { checkShape, describe, elementCount } from "../core/shape.ts";

/** In place of a stream where no random numbers are drawn. */
export const DRAWS_NOTHING: unique symbol = Symbol("no stream");

/**
 * Checks what an initializer is asked for.
 *
 * @param shape The shape.
 * @param stream Where random numbers come from.
 * @param name Name of the parameter, for messages.
 * @returns How many elements it has.
 * @throws {TypeError} If it is no shape or no stream.
 * @throws {ShapeError} If a size is negative.
 * @throws {LimitError} If there are too many elements.
 */
export function checkAsked(
  shape: unknown,
  stream: unknown,
  name?: unknown,
): number {
  const where = `initialize ${typeof name === "string" ? `Parameter '${name}'` : "a Parameter"}`;
  const sizes = checkShape(where, shape);
  if (stream !== DRAWS_NOTHING && !isStream(stream)) {
    throw new TypeError(
      `Cannot ${where}: stream is ${describe(stream)}, expected a RandomStream`,
    );
  }
  return elementCount(sizes);
}

/** By its methods: streams of a program's own will do. */
function isStream(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { nextUniform, nextNormal } = value as Partial<RandomStream>;
  return typeof nextUniform === "function" && typeof nextNormal === "function";
}

/**
 * Numbers that are equally likely everywhere in `[-scale, scale)`.
 *
 * @param count How many.
 * @param scale Half the width of the range.
 * @param stream Where random numbers come from.
 * @returns The numbers.
 */
export function uniformValues(
  count: number,
  scale: number,
  stream: RandomStream,
): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, () => (2 * stream.nextUniform() - 1) * scale);
}

/**
 * Normal numbers with mean 0.
 *
 * @param count How many.
 * @param deviation The standard deviation.
 * @param stream Where random numbers come from.
 * @returns The numbers.
 */
export function normalValues(
  count: number,
  deviation: number,
  stream: RandomStream,
): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, () => stream.nextNormal() * deviation);
}
