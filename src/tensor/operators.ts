// Operators that tensors offer as methods. src/ops supplies them when it is loaded, because the
// arrows point down: tensors know no operators.

import type { DType } from "../core/dtype.ts";
import { StateError } from "../core/errors.ts";
import type { Tensor } from "./tensor.ts";

/** The operators behind the methods of {@linkcode Tensor}. */
export interface TensorOperators {
  add(a: Tensor, b: Tensor | number): Tensor;
  sub(a: Tensor, b: Tensor | number): Tensor;
  mul(a: Tensor, b: Tensor | number): Tensor;
  div(a: Tensor, b: Tensor | number): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, axes?: readonly number[]): Tensor;
  slice(x: Tensor, begin: SliceIndex, end?: SliceIndex, step?: SliceIndex): Tensor;
  cast(x: Tensor, dtype: DType): Tensor;
}

/** An index for axis 0, or one for each of the first axes; null stands for the natural end. */
export type SliceIndex = number | null | readonly (number | null)[];

let operators: TensorOperators | undefined;

/**
 * Supplies the operators behind the methods.
 *
 * @param table One function for each method.
 */
export function setTensorOperators(table: TensorOperators): void {
  operators = table;
}

/**
 * The operators behind the methods.
 *
 * @returns The table.
 * @throws {StateError} If src/ops was not loaded; the public entry point always loads it.
 */
export function tensorOperators(): TensorOperators {
  if (operators === undefined) {
    throw new StateError("Cannot apply an operator: src/ops/index.ts was not imported");
  }
  return operators;
}
