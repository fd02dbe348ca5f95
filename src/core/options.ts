// Checks one options object against a table of rules, so that every constructor and operator refuses
// the same mistakes in the same words. Pure. Messages read: Cannot <where>: <name> is <found>,
// expected <allowed>.

import { describe } from "./shape.ts";

export { describe } from "./shape.ts";

/** Checks one value: returns it normalized, or throws an error that says what is allowed. */
export type OptionRule<T> = (where: string, name: string, value: unknown) => T;

/** The checked values of a table of rules. */
export type OptionValues<R extends Readonly<Record<string, OptionRule<unknown>>>> = {
  [K in keyof R]: ReturnType<R[K]>;
};

/** Bounds of a number; both ends are allowed. */
export interface NumberBounds {
  readonly minimum?: number;
  readonly maximum?: number;
}

/**
 * Checks an options object against a table and fills in defaults.
 *
 * @param where What is being done, for messages: `construct Conv2D`.
 * @param options The object that the caller passed; undefined stands for an empty one.
 * @param rules One rule for each option.
 * @returns The checked values, one for each rule.
 * @throws {TypeError} If `options` is no plain object, a key is unknown, or a value has a wrong type.
 * @throws {RangeError} If a value has the right type but is not allowed.
 *
 * @example
 * ```ts
 * import { boolean, readOptions, tuple } from "./options.ts";
 *
 * const { strides } = readOptions("construct Conv2D", { strides: 2 }, {
 *   strides: tuple(2, { minimum: 1 }, 1),
 *   useBias: boolean(true),
 * });
 * if (strides.join() !== "2,2") throw new Error("a number stands for every axis");
 * ```
 */
export function readOptions<R extends Readonly<Record<string, OptionRule<unknown>>>>(
  where: string,
  options: unknown,
  rules: R,
): OptionValues<R> {
  const given = checkOptionsObject(where, options, Object.keys(rules));
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(rules)) values[name] = rules[name]!(where, name, given[name]);
  return values as OptionValues<R>;
}

/**
 * Checks that a value is an options object with known keys only.
 *
 * @param where What is being done, for messages.
 * @param options The object that the caller passed; undefined stands for an empty one.
 * @param known All keys that are allowed.
 * @returns The object, ready to be read by key.
 * @throws {TypeError} If it is no plain object or has an unknown key; names the nearest known key.
 */
export function checkOptionsObject(
  where: string,
  options: unknown,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (options === undefined) return {};
  const plain = typeof options === "object" && options !== null &&
    (Object.getPrototypeOf(options) === Object.prototype ||
      Object.getPrototypeOf(options) === null);
  if (!plain) {
    throw new TypeError(
      `Cannot ${where}: options is ${describe(options)}, expected an object with ` +
        (known.length === 0 ? "no keys" : `keys of ${known.join(", ")}`),
    );
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    const advice = near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
    const allowed = known.length === 0 ? "expected no options" : `expected ${known.join(", ")}`;
    throw new TypeError(
      `Cannot ${where}: unknown option ${describe(key)}, ${allowed}${advice}`,
    );
  }
  return options as Readonly<Record<string, unknown>>;
}

/**
 * The known word closest to a misspelled one.
 *
 * @param word The word found.
 * @param known The words allowed.
 * @returns The closest by edit distance without regard to case and underscores, or undefined if
 *   none is close.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.replaceAll(/[_\-\s]/g, "").toLowerCase();
  const target = plain(word.slice(0, 64));
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const distance = editDistance(target, plain(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return bestDistance <= Math.max(2, Math.ceil(target.length / 2)) ? best : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}

/**
 * Checks an integer.
 *
 * @param where What is being done, for messages.
 * @param name Name of the argument.
 * @param value The value found.
 * @param bounds Smallest and largest value allowed; by default up to 2^31 - 1.
 * @returns The integer.
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is no integer or out of bounds.
 */
export function checkInteger(
  where: string,
  name: string,
  value: unknown,
  bounds: NumberBounds = {},
): number {
  const minimum = bounds.minimum ?? -(2 ** 31);
  const maximum = bounds.maximum ?? 2 ** 31 - 1;
  const allowed = bounds.minimum === undefined
    ? `an integer up to ${maximum}`
    : bounds.maximum === undefined
    ? `an integer of at least ${minimum}`
    : `an integer from ${minimum} to ${maximum}`;
  if (typeof value !== "number") {
    throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected ${allowed}`);
  }
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    const limit = value > maximum && bounds.maximum === undefined ? `, at most ${maximum}` : "";
    throw new RangeError(`Cannot ${where}: ${name} is ${value}, expected ${allowed}${limit}`);
  }
  return value === 0 ? 0 : value; // -0 is 0
}

/**
 * Checks a finite number.
 *
 * @param where What is being done, for messages.
 * @param name Name of the argument.
 * @param value The value found.
 * @param bounds Smallest and largest value allowed.
 * @returns The number.
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is NaN, infinite or out of bounds.
 */
export function checkNumber(
  where: string,
  name: string,
  value: unknown,
  bounds: NumberBounds = {},
): number {
  const { minimum, maximum } = bounds;
  const allowed = "a finite number" +
    (minimum === undefined ? "" : ` of at least ${minimum}`) +
    (maximum === undefined ? "" : `${minimum === undefined ? " of" : ","} at most ${maximum}`);
  if (typeof value !== "number") {
    throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected ${allowed}`);
  }
  if (
    !Number.isFinite(value) || value < (minimum ?? -Infinity) || value > (maximum ?? Infinity)
  ) {
    throw new RangeError(`Cannot ${where}: ${name} is ${value}, expected ${allowed}`);
  }
  return value;
}

/**
 * Checks a number or tuple of integers; a number stands for every axis.
 *
 * @param where What is being done, for messages.
 * @param name Name of the argument.
 * @param value The value found.
 * @param length How many axes there are.
 * @param bounds Smallest and largest entry allowed.
 * @returns A fresh tuple of `length` integers.
 * @throws {TypeError} If it is neither a number nor an array of numbers.
 * @throws {RangeError} If the length or an entry is not allowed.
 */
export function checkTuple(
  where: string,
  name: string,
  value: unknown,
  length: number,
  bounds: NumberBounds = {},
): number[] {
  if (!Array.isArray(value)) {
    if (typeof value !== "number") {
      throw new TypeError(
        `Cannot ${where}: ${name} is ${describe(value)}, ` +
          `expected an integer or an array of ${count(length)}`,
      );
    }
    const entry = checkInteger(where, name, value, bounds);
    return Array.from({ length }, () => entry);
  }
  if (value.length !== length) {
    throw new RangeError(
      `Cannot ${where}: ${name} is ${describe(value)} with ${count(value.length)}, ` +
        `expected an integer or an array of ${count(length)}`,
    );
  }
  const minimum = bounds.minimum ?? -(2 ** 31);
  const maximum = bounds.maximum ?? 2 ** 31 - 1;
  const entries: number[] = [];
  for (let axis = 0; axis < length; axis++) {
    const entry: unknown = value[axis];
    // The good case first: naming every entry would cost more than checking it.
    const good = typeof entry === "number" && Number.isInteger(entry) && entry >= minimum &&
      entry <= maximum;
    entries.push(good ? entry + 0 : checkInteger(where, `${name}[${axis}]`, entry, bounds));
  }
  return entries;
}

function count(length: number): string {
  return length === 1 ? "1 integer" : `${length} integers`;
}

/**
 * Checks one of a few words.
 *
 * @param where What is being done, for messages.
 * @param name Name of the argument.
 * @param value The value found.
 * @param allowed The words allowed.
 * @returns The word.
 * @throws {TypeError} If it is not a string.
 * @throws {RangeError} If it is another word; lists the allowed ones, nearest first.
 */
export function checkEnum<T extends string>(
  where: string,
  name: string,
  value: unknown,
  allowed: readonly T[],
): T {
  const found = allowed.find((word) => word === value);
  if (found !== undefined) return found;
  const near = typeof value === "string" ? nearest(value, allowed) : undefined;
  const listed = [...allowed].sort((a, b) => Number(b === near) - Number(a === near));
  const list = listed.map((word) => JSON.stringify(word)).join(", ");
  const message = `Cannot ${where}: ${name} is ${describe(value)}, expected ` +
    (allowed.length === 1 ? list : `one of ${list}`);
  throw typeof value === "string" ? new RangeError(message) : new TypeError(message);
}

/**
 * Checks a boolean.
 *
 * @param where What is being done, for messages.
 * @param name Name of the argument.
 * @param value The value found.
 * @returns The boolean.
 * @throws {TypeError} If it is anything else.
 */
export function checkBoolean(where: string, name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected true or false`);
}

/** Rule: an integer; without a fallback it is required. */
export function integer(bounds: NumberBounds = {}, fallback?: number): OptionRule<number> {
  return (where, name, value) =>
    checkInteger(where, name, value === undefined ? fallback : value, bounds);
}

/** Rule: a finite number; without a fallback it is required. */
export function number(bounds: NumberBounds = {}, fallback?: number): OptionRule<number> {
  return (where, name, value) =>
    checkNumber(where, name, value === undefined ? fallback : value, bounds);
}

/** Rule: a number or tuple of integers, one for each axis; without a fallback it is required. */
export function tuple(
  length: number,
  bounds: NumberBounds = {},
  fallback?: number,
): OptionRule<number[]> {
  return (where, name, value) =>
    checkTuple(where, name, value === undefined ? fallback : value, length, bounds);
}

/** Rule: an array of integers of any length (up to 64); required. */
export function integerList(bounds: NumberBounds = {}): OptionRule<number[]> {
  return (where, name, value) => {
    if (!Array.isArray(value)) {
      throw new TypeError(
        `Cannot ${where}: ${name} is ${describe(value)}, expected an array of integers`,
      );
    }
    if (value.length > 64) {
      throw new RangeError(
        `Cannot ${where}: ${name} has ${value.length} entries, expected at most 64`,
      );
    }
    return checkTuple(where, name, value, value.length, bounds);
  };
}

/** Rule: one of a few words; without a fallback it is required. */
export function oneOf<T extends string>(allowed: readonly T[], fallback?: T): OptionRule<T> {
  return (where, name, value) =>
    checkEnum(where, name, value === undefined ? fallback : value, allowed);
}

/** Rule: true or false. */
export function boolean(fallback: boolean): OptionRule<boolean> {
  return (where, name, value) => value === undefined ? fallback : checkBoolean(where, name, value);
}

/** Rule: another rule, or nothing (undefined and null both become undefined). */
export function optional<T>(rule: OptionRule<T>): OptionRule<T | undefined> {
  return (where, name, value) =>
    value === undefined || value === null ? undefined : rule(where, name, value);
}

/** Rule: any value, checked elsewhere. */
export const anything: OptionRule<unknown> = (_where, _name, value) => value;
