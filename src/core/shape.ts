// Shapes as plain arrays of sizes: products with limits, broadcasting, strides, axes, and the text
// of a shape. Pure; knows no tensors. Broadcasting and reshaping follow NumPy.

import { LimitError, ShapeError } from "./errors.ts";

/** Sizes along every axis, outermost first. */
export type Shape = readonly number[];

/** Most elements of one tensor: offsets are 32-bit in shaders, as in MXNet's default builds. */
export const MAX_ELEMENTS = 2 ** 31 - 1;

/** Most axes of one tensor. */
export const MAX_RANK = 32;

/**
 * Writes a shape as a Python tuple.
 *
 * @param shape Sizes along every axis.
 * @returns For example `(1, 3, 8, 8)`, `(3,)` or `()`.
 *
 * @example
 * ```ts
 * import { formatShape } from "./shape.ts";
 *
 * if (formatShape([3]) !== "(3,)") throw new Error("one element keeps its comma");
 * ```
 */
export function formatShape(shape: Shape): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

/**
 * Counts the elements of a shape.
 *
 * @param shape Sizes along every axis.
 * @param where What is being done, for the message: `apply Concat`.
 * @returns The product of the sizes; 1 for a scalar.
 * @throws {LimitError} If there are more than `MAX_ELEMENTS`, however large the product.
 */
export function elementCount(shape: Shape, where = "use shape"): number {
  let count = 1;
  for (let axis = 0; axis < shape.length; axis++) { // by index: this runs for every tensor made
    const size = shape[axis]!;
    if (size === 0) return 0;
    // A product past 2^53 is inexact but still far above the limit, so the comparison is right.
    count *= size;
  }
  if (count > MAX_ELEMENTS) {
    throw new LimitError(
      `Cannot ${where}: ${formatShape(shape)} has ${count} elements, ` +
        `at most ${MAX_ELEMENTS} are allowed in one tensor; split it along an axis`,
    );
  }
  return count;
}

/**
 * Checks a shape that came from a caller.
 *
 * @param where What is being done, for the message: `make a tensor`.
 * @param shape The value to check.
 * @returns A fresh array of sizes.
 * @throws {TypeError} If it is not an array of integers.
 * @throws {ShapeError} If a size is negative or there are more than `MAX_RANK` axes.
 * @throws {LimitError} If there are too many elements.
 */
export function checkShape(where: string, shape: unknown): number[] {
  if (!Array.isArray(shape)) {
    throw new TypeError(
      `Cannot ${where}: shape is ${describe(shape)}, expected an array of sizes such as [2, 3]`,
    );
  }
  if (shape.length > MAX_RANK) {
    throw new ShapeError(
      `Cannot ${where}: shape has ${shape.length} axes, at most ${MAX_RANK} are allowed`,
    );
  }
  const sizes: number[] = [];
  for (let axis = 0; axis < shape.length; axis++) {
    const size: unknown = shape[axis];
    if (typeof size !== "number") {
      throw new TypeError(
        `Cannot ${where}: shape[${axis}] is ${describe(size)}, expected a non-negative integer`,
      );
    }
    if (!Number.isInteger(size) || size < 0) {
      throw new ShapeError(
        `Cannot ${where}: shape[${axis}] is ${size}, expected a non-negative integer`,
      );
    }
    if (size > MAX_ELEMENTS) {
      throw new LimitError(
        `Cannot ${where}: shape[${axis}] is ${size}, at most ${MAX_ELEMENTS} is allowed`,
      );
    }
    sizes.push(size);
  }
  elementCount(sizes, where);
  return sizes;
}

/** True if both shapes have the same axes. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/**
 * The shape that two operands broadcast to: axes are aligned at the end, sizes are equal or 1.
 *
 * @param where What is being done, for the message: `apply add`.
 * @param a Shape of the first operand.
 * @param b Shape of the second operand.
 * @returns The common shape.
 * @throws {ShapeError} If an axis has different sizes and neither is 1.
 * @throws {LimitError} If the result has too many elements.
 */
export function broadcastShapes(where: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new ShapeError(
        `Cannot ${where}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: ` +
          `axis ${axis - rank} is ${left} and ${right}, expected equal sizes or 1`,
      );
    }
    result.push(left === 1 ? right : left);
  }
  elementCount(result, where);
  return result;
}

/**
 * Steps between neighbors along every axis of a tensor without gaps, in elements.
 *
 * @param shape Sizes along every axis.
 * @returns The strides; the last is 1.
 */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/**
 * Steps that read an operand as if it had the broadcast shape: 0 along repeated axes.
 *
 * @param shape Shape of the operand.
 * @param target Shape that it broadcasts to.
 * @returns One stride for each axis of the target.
 */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const strides = contiguousStrides(shape);
  const missing = target.length - shape.length;
  return target.map((_, axis) => {
    const own = axis - missing;
    return own < 0 || shape[own] === 1 ? 0 : strides[own]!;
  });
}

/**
 * Resolves an axis that may count from the end.
 *
 * @param where What is being done, for the message.
 * @param axis The axis, from `-rank` to `rank - 1`.
 * @param rank Number of axes.
 * @returns The axis, counted from the front.
 * @throws {TypeError} If it is not a number.
 * @throws {ShapeError} If it is out of range.
 */
export function normalizeAxis(where: string, axis: unknown, rank: number): number {
  if (typeof axis !== "number") {
    throw new TypeError(`Cannot ${where}: axis is ${describe(axis)}, expected an integer`);
  }
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    const allowed = rank === 0
      ? "a scalar has no axes"
      : `expected an integer from ${-rank} to ${rank - 1} (rank ${rank})`;
    throw new ShapeError(`Cannot ${where}: axis is ${axis}, ${allowed}`);
  }
  return axis < 0 ? axis + rank : axis;
}

/**
 * Resolves a permutation of all axes.
 *
 * @param where What is being done, for the message.
 * @param axes Source axis of every target axis; undefined reverses them.
 * @param rank Number of axes.
 * @returns The permutation, counted from the front.
 * @throws {TypeError} If it is not an array of numbers.
 * @throws {ShapeError} If it is no permutation of `0 … rank - 1`.
 */
export function normalizePermutation(where: string, axes: unknown, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  if (!Array.isArray(axes)) {
    throw new TypeError(`Cannot ${where}: axes is ${describe(axes)}, expected an array of axes`);
  }
  if (axes.length !== rank) {
    throw new ShapeError(
      `Cannot ${where}: axes has ${axes.length} entries, expected ${rank} (the rank of the tensor)`,
    );
  }
  const result = axes.map((axis) => normalizeAxis(where, axis, rank));
  if (new Set(result).size !== rank) {
    throw new ShapeError(
      `Cannot ${where}: axes ${formatShape(axes)} names an axis twice, ` +
        `expected every axis from 0 to ${rank - 1} once`,
    );
  }
  return result;
}

/**
 * Resolves the target of a reshape: one size may be -1 and is inferred.
 *
 * @param where What is being done, for the message.
 * @param from Current shape.
 * @param to Wanted sizes, with at most one -1.
 * @returns The wanted shape without -1.
 * @throws {TypeError} If `to` is not an array of integers.
 * @throws {ShapeError} If the element counts differ or cannot be inferred.
 */
export function resolveReshape(where: string, from: Shape, to: unknown): number[] {
  const unknownAxis = Array.isArray(to) ? to.indexOf(-1) : -1;
  if (unknownAxis >= 0 && (to as unknown[]).indexOf(-1, unknownAxis + 1) >= 0) {
    throw new ShapeError(
      `Cannot ${where}: ${formatShape(to as number[])} has more than one -1, ` +
        `expected at most one size to infer`,
    );
  }
  const known = unknownAxis < 0
    ? to
    : (to as unknown[]).map((size, axis) => axis === unknownAxis ? 1 : size);
  const shape = checkShape(where, known);
  const count = elementCount(from);
  const rest = elementCount(shape);
  const fits = unknownAxis < 0 ? rest === count : rest > 0 && count % rest === 0;
  if (!fits) {
    const wanted = unknownAxis < 0 ? `has ${rest}` : `needs a multiple of ${rest}`;
    throw new ShapeError(
      `Cannot ${where}: ${formatShape(from)} has ${count} elements, ` +
        `${formatShape(to as number[])} ${wanted}`,
    );
  }
  if (unknownAxis >= 0) shape[unknownAxis] = count / rest;
  return shape;
}

/**
 * Describes a value of any kind in a few words, for error messages.
 *
 * @param value The value found.
 * @returns For example `"same"`, `3n`, `null`, `[1, 2]`, `a Float64Array` or `an object`.
 */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 60 ? value.slice(0, 57) + "…" : value);
    case "bigint":
      return `${value}n`;
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    case "object":
      break;
    default:
      return String(value);
  }
  if (value === null) return "null";
  if (Array.isArray(value)) {
    const shown = value.slice(0, 6).map((item) => Array.isArray(item) ? "[…]" : describe(item));
    return `[${shown.join(", ")}${value.length > 6 ? ", …" : ""}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return "an object";
  const constructor: unknown = (value as { constructor?: unknown }).constructor;
  const name = typeof constructor === "function" ? constructor.name : "";
  return name === "" ? "an object" : `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`;
}
