// What tensors offer of automatic differentiation. src/autograd supplies it when it is loaded, because
// the arrows point down: tensors know no gradients.

import { StateError } from "../core/errors.ts";
import type { Tensor } from "./tensor.ts";

/** What a backward pass does with a gradient: replace it, add to it, or not compute it. */
export type GradReq = "write" | "add" | "null";

/** Options of {@linkcode Tensor.backward}. */
export interface BackwardOptions {
  /** Keep what the pass needed, so that it can run again; false by default. */
  readonly retainGraph?: boolean;
  /** What {@linkcode autograd.isTraining} says during the pass; true by default. */
  readonly trainMode?: boolean;
}

/** What stands behind the gradient methods of {@linkcode Tensor}. */
export interface TensorGradients {
  attachGrad(tensor: Tensor, gradReq: GradReq): void;
  gradOf(tensor: Tensor): Tensor | null;
  dropGrad(tensor: Tensor): void;
  backward(head: Tensor, headGradient: Tensor | null, options: BackwardOptions | undefined): void;
  /** A tensor was disposed. */
  disposed(tensor: Tensor): void;
  /** A tensor is about to be overwritten in place; throws if it must not be. */
  beforeWrite(tensor: Tensor): void;
}

let gradients: TensorGradients | undefined;

/**
 * Supplies what stands behind the gradient methods.
 *
 * @param table One function for each method.
 */
export function setTensorGradients(table: TensorGradients): void {
  gradients = table;
}

/**
 * What stands behind the gradient methods.
 *
 * @returns The table.
 * @throws {StateError} If src/autograd was not loaded; the public entry point always loads it.
 */
export function tensorGradients(): TensorGradients {
  if (gradients === undefined) {
    throw new StateError("Cannot differentiate: src/autograd/mod.ts was not imported");
  }
  return gradients;
}

/**
 * Tells automatic differentiation, if it is loaded, that a tensor was disposed.
 *
 * @param tensor The tensor.
 */
export function noteDisposed(tensor: Tensor): void {
  gradients?.disposed(tensor);
}

/**
 * Asks automatic differentiation, if it is loaded, whether a tensor may be overwritten.
 *
 * @param tensor The tensor.
 * @throws {AutogradError} If the write would make gradients wrong.
 */
export function checkWrite(tensor: Tensor): void {
  gradients?.beforeWrite(tensor);
}
