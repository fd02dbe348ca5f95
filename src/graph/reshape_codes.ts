// The special numbers in shapes of MXNet's two reshape operators.
// After apache/mxnet src/operator/tensor/matrix_op-inl.h and src/operator/numpy/np_matrix_op.cc.

import { ShapeError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";

/** What the numbers mean that are no sizes. */
interface Codes {
  readonly copy: number;
  readonly rest: number;
  readonly merge: number;
  readonly split: number;
  readonly skip?: number;
}

const OLD: Codes = { copy: 0, rest: -2, merge: -3, split: -4 };
const NEW: Codes = { copy: -2, skip: -3, rest: -4, merge: -5, split: -6 };

function resolve(shape: readonly number[], target: readonly number[], codes: Codes): number[] {
  const sizes: number[] = [];
  let at = 0;
  const fail = (message: string): never => {
    throw new ShapeError(
      `Cannot reshape (${shape.join(", ")}) to ${formatShape(target)}: ${message}`,
    );
  };
  const next = (): number =>
    at < shape.length ? shape[at++]! : fail(`there is no axis ${at}, expected fewer codes`);
  for (let index = 0; index < target.length; index++) {
    const code = target[index]!;
    if (code === codes.copy) sizes.push(next());
    else if (code === codes.rest) { while (at < shape.length) sizes.push(next()); }
    else if (code === codes.merge) sizes.push(next() * next());
    else if (code === codes.skip) {
      if (next() !== 1) fail(`code ${code} skips axis ${at - 1}, expected size 1`);
    } else if (code === codes.split) {
      const size = next();
      let [first = 0, second = 0] = target.slice(index + 1, index + 3);
      if (first === -1) first = size / second;
      else if (second === -1) second = size / first;
      if (first * second !== size || !Number.isInteger(first) || !Number.isInteger(second)) {
        fail(`axis ${at - 1} of size ${size} is not ${first} times ${second}`);
      }
      sizes.push(first, second);
      index += 2;
    } else if (code >= -1) {
      sizes.push(code);
      at++;
    } else fail(`code ${code} has no meaning`);
  }
  return sizes;
}

/**
 * The shape that codes of `Reshape` of MXNet 1.x stand for: 0 copies a size, -1 is inferred, -2 copies the rest,
 * -3 merges two axes, -4 splits one into the two sizes that follow.
 *
 * @param shape The shape before.
 * @param target The codes.
 * @returns The shape after; -1 is left to be inferred.
 * @throws {ShapeError} If the codes do not fit.
 */
export function resolveOldShape(shape: readonly number[], target: readonly number[]): number[] {
  return resolve(shape, target, OLD);
}

/**
 * The shape that codes of `_npx_reshape` stand for: -1 is inferred, -2 copies a size, -3 skips a 1, -4 copies the rest,
 * -5 merges two axes, -6 splits one into the two sizes that follow.
 *
 * @param shape The shape before.
 * @param target The codes.
 * @returns The shape after; -1 is left to be inferred.
 * @throws {ShapeError} If the codes do not fit.
 */
export function resolveNewShape(shape: readonly number[], target: readonly number[]): number[] {
  return resolve(shape, target, NEW);
}
