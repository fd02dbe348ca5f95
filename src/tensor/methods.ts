// Methods of tensors that go through tables: operators, which src/ops supplies, and gradients, which
// src/autograd supplies. The arrows point down: nothing is imported from there.

import type { DType } from "../core/dtype.ts";
import { type BackwardOptions, type GradReq, tensorGradients } from "./gradients.ts";
import { type SliceIndex, tensorOperators } from "./operators.ts";
import { ScopeMember } from "./scope_stack.ts";
import type { Tensor } from "./tensor.ts";

/** Operators and gradients as methods of {@linkcode Tensor}. */
export abstract class TensorMethods extends ScopeMember {
  /**
   * Adds a tensor or number, element by element.
   *
   * @param other Tensor of the same dtype that broadcasts against this one, or a number.
   * @returns The sum; see {@linkcode add}.
   * @throws {ShapeError} If the shapes do not broadcast.
   */
  add(this: Tensor, other: Tensor | number): Tensor {
    return tensorOperators().add(this, other);
  }

  /**
   * Subtracts a tensor or number, element by element.
   *
   * @param other Tensor of the same dtype that broadcasts against this one, or a number.
   * @returns The difference; see {@linkcode sub}.
   * @throws {ShapeError} If the shapes do not broadcast.
   */
  sub(this: Tensor, other: Tensor | number): Tensor {
    return tensorOperators().sub(this, other);
  }

  /**
   * Multiplies by a tensor or number, element by element.
   *
   * @param other Tensor of the same dtype that broadcasts against this one, or a number.
   * @returns The product; see {@linkcode mul}.
   * @throws {ShapeError} If the shapes do not broadcast.
   */
  mul(this: Tensor, other: Tensor | number): Tensor {
    return tensorOperators().mul(this, other);
  }

  /**
   * Divides by a tensor or number, element by element.
   *
   * @param other Tensor of the same dtype that broadcasts against this one, or a number.
   * @returns The quotient; see {@linkcode div}.
   * @throws {ShapeError} If the shapes do not broadcast.
   */
  div(this: Tensor, other: Tensor | number): Tensor {
    return tensorOperators().div(this, other);
  }

  /**
   * The same elements under another shape, without a copy.
   *
   * @param shape Sizes along every axis; one may be -1.
   * @returns A view that shares memory; see {@linkcode reshape}.
   * @throws {ShapeError} If the number of elements does not fit.
   */
  reshape(this: Tensor, shape: readonly number[]): Tensor {
    return tensorOperators().reshape(this, shape);
  }

  /**
   * A copy with permuted axes.
   *
   * @param axes Source axis of every target axis; reversed if omitted.
   * @returns The copy; see {@linkcode transpose}.
   * @throws {ShapeError} If `axes` is no permutation of all axes.
   */
  transpose(this: Tensor, axes?: readonly number[]): Tensor {
    return tensorOperators().transpose(this, axes);
  }

  /**
   * A copy of a box of elements.
   *
   * @param begin First index on the first axes; negative ones count from the end.
   * @param end Index behind the last; the end of the axis if omitted or null.
   * @param step Distance between the elements taken; 1 if omitted.
   * @returns The copy; see {@linkcode slice}.
   * @throws {ShapeError} If there are more indices than axes.
   */
  slice(this: Tensor, begin: SliceIndex, end?: SliceIndex, step?: SliceIndex): Tensor {
    return tensorOperators().slice(this, begin, end, step);
  }

  /**
   * A copy of another dtype.
   *
   * @param dtype The dtype.
   * @returns The copy; see {@linkcode cast}.
   * @throws {RangeError} If there is no such dtype.
   */
  cast(this: Tensor, dtype: DType): Tensor {
    return tensorOperators().cast(this, dtype);
  }

  /**
   * The gradient that the last backward pass computed: zeros before the first one, null without
   * {@linkcode attachGrad}. It is freed with this tensor; `keep()` it, or return it from a scope without
   * this tensor, to use it longer.
   */
  get grad(): Tensor | null {
    return tensorGradients().gradOf(this as unknown as Tensor);
  }

  /**
   * Asks for the gradient with respect to this tensor, which becomes a leaf: backward passes write into
   * {@linkcode grad}, and what it was computed from is forgotten.
   *
   * @param gradReq `write` replaces the gradient in every pass, `add` adds to it, `null` computes none.
   * @returns This tensor.
   * @throws {TypeError} If the dtype is an integer.
   * @throws {RangeError} If there is no such `gradReq`.
   * @throws {DisposedError} If the tensor was disposed.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { autograd, tensor } from "@vknn/vknn";
   *
   * using x = tensor([1, 2]).attachGrad("add");
   * for (let step = 0; step < 2; step++) {
   *   using y = autograd.record(() => x.mul(3));
   *   y.backward();
   * }
   * assertEquals([...await x.grad!.data()], [6, 6]);
   * ```
   */
  attachGrad(this: Tensor, gradReq: GradReq = "write"): Tensor {
    tensorGradients().attachGrad(this, gradReq);
    return this;
  }

  /** Undoes {@linkcode attachGrad} and frees the gradient. Does nothing for other tensors. */
  dropGrad(this: Tensor): void {
    tensorGradients().dropGrad(this);
  }

  /**
   * Computes the gradients of all leaves from which this tensor was computed; see
   * {@linkcode autograd.backward}.
   *
   * @param headGradient Gradient of this tensor, of its shape and dtype; ones if absent.
   * @param options Whether to keep the graph, and whether layers behave as in training.
   * @throws {AutogradError} If the tensor was not recorded, or its graph was freed.
   * @throws {ShapeError} If the head gradient does not fit.
   */
  backward(this: Tensor, headGradient?: Tensor | null, options?: BackwardOptions): void {
    tensorGradients().backward(this, headGradient ?? null, options);
  }
}
