/**
 * `@std/assert` for places where the JSR registry cannot be reached: the
 * standard library's own assertions, repacked on npm as `deno-std`. Deno finds
 * this folder through `links`, Bun through tsconfig `paths`. The repack is
 * plain JavaScript, so the signatures are written here.
 *
 * @module
 */
import * as untyped from "deno-std/assert/mod.js";

// The type checker cannot follow the stars in the repacked module.
// deno-lint-ignore no-explicit-any
const std = untyped as unknown as Record<string, any>;

// deno-lint-ignore no-explicit-any
type Class<T = any> = abstract new (...args: any[]) => T;

export const assert: (expr: unknown, msg?: string) => asserts expr = std.assert;
export const assertAlmostEquals: (
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
) => void = std.assertAlmostEquals;
export const assertArrayIncludes: <T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  msg?: string,
) => void = std.assertArrayIncludes;
export const assertEquals: <T>(actual: T, expected: T, msg?: string) => void = std.assertEquals;
export const assertExists: <T>(
  actual: T,
  msg?: string,
) => asserts actual is NonNullable<T> = std.assertExists;
export const assertFalse: (expr: unknown, msg?: string) => void = std.assertFalse;
export const assertGreater: <T>(actual: T, expected: T, msg?: string) => void = std.assertGreater;
export const assertGreaterOrEqual: <T>(actual: T, expected: T, msg?: string) => void =
  std.assertGreaterOrEqual;
export const assertInstanceOf: <T>(
  actual: unknown,
  expectedType: Class<T>,
  msg?: string,
) => asserts actual is T = std.assertInstanceOf;
export const assertIsError: <E extends Error = Error>(
  error: unknown,
  errorClass?: Class<E>,
  msgMatches?: string | RegExp,
  msg?: string,
) => asserts error is E = std.assertIsError;
export const assertLess: <T>(actual: T, expected: T, msg?: string) => void = std.assertLess;
export const assertLessOrEqual: <T>(actual: T, expected: T, msg?: string) => void =
  std.assertLessOrEqual;
export const assertMatch: (actual: string, expected: RegExp, msg?: string) => void =
  std.assertMatch;
export const assertNotEquals: <T>(actual: T, expected: T, msg?: string) => void =
  std.assertNotEquals;
export const assertNotInstanceOf: (
  actual: unknown,
  unexpectedType: Class,
  msg?: string,
) => void = std.assertNotInstanceOf;
export const assertNotMatch: (actual: string, expected: RegExp, msg?: string) => void =
  std.assertNotMatch;
export const assertNotStrictEquals: <T>(actual: T, expected: T, msg?: string) => void =
  std.assertNotStrictEquals;
export const assertObjectMatch: (
  actual: Record<PropertyKey, unknown>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
) => void = std.assertObjectMatch;
export const assertStrictEquals: <T>(
  actual: unknown,
  expected: T,
  msg?: string,
) => asserts actual is T = std.assertStrictEquals;
export const assertStringIncludes: (actual: string, expected: string, msg?: string) => void =
  std.assertStringIncludes;
export const fail: (msg?: string) => never = std.fail;
export const unimplemented: (msg?: string) => never = std.unimplemented;
export const unreachable: (msg?: string) => never = std.unreachable;
export const equal: (a: unknown, b: unknown) => boolean = std.equal;

/** Overloads as in the standard library: with or without an error class. */
export interface AssertThrows {
  (fn: () => unknown, msg?: string): unknown;
  <E extends Error = Error>(
    fn: () => unknown,
    errorClass: Class<E>,
    msgIncludes?: string,
    msg?: string,
  ): E;
}

/** Overloads as in the standard library: with or without an error class. */
export interface AssertRejects {
  (fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
  <E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    errorClass: Class<E>,
    msgIncludes?: string,
    msg?: string,
  ): Promise<E>;
}

export const assertThrows: AssertThrows = std.assertThrows;
export const assertRejects: AssertRejects = std.assertRejects;

/** The error every assertion throws. */
export const AssertionError: new (message: string, options?: ErrorOptions) => Error =
  std.AssertionError;
