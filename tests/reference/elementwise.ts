// Float64 oracle of operators on two arrays, broadcast as NumPy does.

import { build, get, type Reference } from "./array.ts";

const OPERATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  maximum: Math.max,
  minimum: Math.min,
};

/** Names of all operators on two arrays. */
export const BINARY_NAMES: readonly string[] = Object.keys(OPERATIONS);

/** Applies an operator to two arrays that broadcast against each other. */
export function binary(a: Reference, b: Reference, name: string): Reference {
  const apply = OPERATIONS[name];
  if (apply === undefined) throw new TypeError(`no operator ${name}`);
  const rank = Math.max(a.shape.length, b.shape.length);
  const padded = (shape: readonly number[]): number[] => [
    ...new Array<number>(rank - shape.length).fill(1),
    ...shape,
  ];
  const left = { data: a.data, shape: padded(a.shape) };
  const right = { data: b.data, shape: padded(b.shape) };
  const shape = left.shape.map((each, axis) => (each === 1 ? right.shape[axis]! : each));
  const own = (array: Reference, index: readonly number[]): number =>
    get(array, index.map((each, axis) => (array.shape[axis] === 1 ? 0 : each)));
  return build(shape, (index) => apply(own(left, index), own(right, index)));
}
