// Leaves of the graph: tensors whose gradient is wanted, and the gradient's memory, which is taken when it
// is first read or written. Knows no operators.

import { isFloat } from "../core/dtype.ts";
import { DeviceError, ShapeError } from "../core/errors.ts";
import { checkEnum } from "../core/options.ts";
import { describe, formatShape, sameShape } from "../core/shape.ts";
import {
  type Device,
  type DType,
  type GradReq,
  holderOf,
  holdMember,
  keep,
  Tensor,
  zeros,
} from "../tensor/mod.ts";
import { dropEntry, entryOf, setEntry } from "./graph.ts";

/** All values of {@linkcode GradReq}. */
export const GRAD_REQS: readonly GradReq[] = ["write", "add", "null"];

/** A leaf: the place where a gradient arrives. Does not refer to its tensor. */
export class Variable {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly device: Device;
  /** True from a backward pass until somebody took note of the new gradient. */
  fresh = false;
  #gradReq: GradReq;
  #gradient: Tensor | null = null;
  /** Whether anybody else may refer to the gradient: then it is overwritten in place. */
  #seen = false;
  /** Whether it belongs to the caller of markVariables. */
  #foreign = false;

  constructor({ shape, dtype, device }: Tensor, gradReq: GradReq) {
    this.shape = shape;
    this.dtype = dtype;
    this.device = device;
    this.#gradReq = gradReq;
  }

  /** What a backward pass does with the gradient. */
  get gradReq(): GradReq {
    return this.#gradReq;
  }

  /** Starts anew without a gradient, or with one that belongs to somebody else. */
  reset(gradReq: GradReq, gradient: Tensor | null = null): void {
    this.drop();
    this.#gradReq = gradReq;
    this.#gradient = gradient;
    this.#foreign = this.#seen = gradient !== null;
  }

  /** The gradient, zeros before the first backward pass; null if none is computed. */
  read(holder: Tensor): Tensor | null {
    if (this.#gradReq === "null") return null;
    const { dtype, device } = this;
    const gradient = this.current() ?? zeros(this.shape, { dtype, device, label: "gradient" });
    if (!this.#seen) holdMember(gradient, holder);
    this.#gradient = gradient;
    this.#seen = true;
    return gradient;
  }

  /**
   * Takes the result of a backward pass.
   *
   * @param value The gradient.
   * @param exclusive Whether nobody else refers to it: then it may become the buffer.
   */
  write(value: Tensor, exclusive: boolean): void {
    const current = this.current();
    this.fresh = true;
    if (current !== null && (this.#seen || this.#gradReq === "add")) {
      const sum = this.#gradReq === "add" ? current.add(value) : value;
      current.assign(sum);
      if (sum !== value) sum.dispose();
      return;
    }
    current?.dispose();
    this.#gradient = keep(exclusive ? value : value.mul(1));
  }

  /** Sets the gradient to zeros. */
  zero(): void {
    const current = this.current();
    if (current === null || current.size === 0) return;
    current.device.fill(current.storage.buffer!, 0);
    current.storage.touch();
  }

  /** Gives up the gradient, which is freed unless it belongs to somebody else by now. */
  drop(): void {
    const gradient = this.#gradient;
    // Whoever took a gradient from its tensor, by keep() or as the result of a scope, owns it.
    const own = !this.#foreign && (!this.#seen || gradient !== null && holderOf(gradient));
    this.#gradReq = "null";
    this.#gradient = null;
    this.#foreign = this.#seen = this.fresh = false;
    if (own) gradient?.dispose();
  }

  /** The gradient, unless it was not needed yet or somebody disposed of it. */
  current(): Tensor | null {
    if (this.#gradient?.disposed) {
      this.#gradient = null;
      this.#foreign = this.#seen = false;
    }
    return this.#gradient;
  }
}

/**
 * The leaf that a tensor is.
 *
 * @param tensor The tensor.
 * @returns The leaf; undefined if it is none.
 */
export function variableOf(tensor: Tensor): Variable | undefined {
  const entry = entryOf(tensor);
  return entry instanceof Variable ? entry : undefined;
}

function checkFloat(where: string, name: string, { dtype }: Tensor): void {
  if (isFloat(dtype)) return;
  throw new TypeError(
    `Cannot ${where}: ${name} is ${dtype}, expected float32 or float16; integers have no gradient`,
  );
}

function mark(tensor: Tensor, gradReq: GradReq, gradient: Tensor | null): void {
  const variable = variableOf(tensor);
  if (variable !== undefined) {
    variable.reset(gradReq, gradient);
    return;
  }
  const made = new Variable(tensor, gradReq);
  if (gradient !== null) made.reset(gradReq, gradient);
  setEntry(tensor, made);
}

/**
 * Makes a tensor a leaf of graphs, so that backward passes compute its gradient. What it was computed
 * from is forgotten.
 *
 * @param tensor The tensor, float32 or float16.
 * @param gradReq `write` replaces the gradient in every pass, `add` adds to it, `null` computes none.
 * @throws {TypeError} If it has an integer dtype or `gradReq` is no string.
 * @throws {RangeError} If there is no such `gradReq`.
 * @throws {DisposedError} If the tensor was disposed.
 */
export function attachGrad(tensor: Tensor, gradReq: GradReq): void {
  const where = "attach a gradient";
  const checked = checkEnum(where, "gradReq", gradReq, GRAD_REQS);
  checkFloat(where, "the tensor", tensor);
  void tensor.storage; // throws if it was disposed
  mark(tensor, checked, null);
}

/**
 * The gradient of a leaf.
 *
 * @param tensor The tensor.
 * @returns Its gradient, zeros before the first backward pass; null if it has none.
 */
export function gradOf(tensor: Tensor): Tensor | null {
  return tensor.disposed ? null : variableOf(tensor)?.read(tensor) ?? null;
}

/**
 * Makes a leaf an ordinary tensor again and frees its gradient.
 *
 * @param tensor The tensor.
 */
export function dropGrad(tensor: Tensor): void {
  const variable = variableOf(tensor);
  if (variable === undefined) return;
  variable.drop();
  setEntry(tensor, null);
}

/** Frees what belongs to a tensor that was disposed. */
export function forget(tensor: Tensor): void {
  dropEntry(tensor)?.drop();
}

/**
 * The gradient of a leaf if it takes memory already; {@linkcode gradOf} would make zeros.
 *
 * @param tensor The tensor.
 * @returns The gradient; null if there is none yet.
 */
export function currentGradient(tensor: Tensor): Tensor | null {
  return variableOf(tensor)?.current() ?? null;
}

/**
 * Sets the gradient of a leaf to zeros; does nothing for other tensors.
 *
 * @param tensor The tensor.
 */
export function zeroGrad(tensor: Tensor): void {
  variableOf(tensor)?.zero();
}

/**
 * Whether a leaf got a gradient since somebody last called {@linkcode markGradientUsed}.
 *
 * @param tensor The tensor.
 * @returns False also for tensors that are no leaves.
 */
export function isGradientFresh(tensor: Tensor): boolean {
  return variableOf(tensor)?.fresh ?? false;
}

/**
 * Takes note of the gradient of a leaf: it is stale until the next backward pass.
 *
 * @param tensor The tensor.
 */
export function markGradientUsed(tensor: Tensor): void {
  const variable = variableOf(tensor);
  if (variable !== undefined) variable.fresh = false;
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

/**
 * Makes tensors leaves with given gradients, into which backward passes write. The gradients stay the
 * caller's.
 *
 * @param variables Tensors, float32 or float16.
 * @param gradients One tensor of the same shape, dtype and device for each.
 * @param gradReqs What to do with the gradients: one for all, or one for each; `write` by default.
 * @throws {TypeError} If an argument has a wrong type, or dtypes differ.
 * @throws {ShapeError} If shapes or numbers of tensors differ.
 * @throws {RangeError} If there is no such `gradReq`.
 * @throws {DeviceError} If a gradient lies on another device.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { autograd, tensor, zeros } from "@vknn/vknn";
 *
 * using x = tensor([1, 2]);
 * using gradient = zeros([2]);
 * autograd.markVariables(x, gradient);
 * using y = autograd.record(() => x.mul(3));
 * y.backward();
 * assertEquals([...await gradient.data()], [3, 3]);
 * ```
 */
export function markVariables(
  variables: Tensor | readonly Tensor[],
  gradients: Tensor | readonly Tensor[],
  gradReqs: GradReq | readonly GradReq[] = "write",
): void {
  const where = "mark variables";
  const leaves = listOf(variables);
  const buffers = listOf(gradients);
  const reqs = Array.isArray(gradReqs) ? gradReqs : leaves.map(() => gradReqs);
  for (const [name, list] of [["gradients", buffers], ["gradReqs", reqs]] as const) {
    if (list.length === leaves.length) continue;
    throw new ShapeError(
      `Cannot ${where}: ${name} has ${list.length} entries, expected ${leaves.length}, ` +
        `one for each variable`,
    );
  }
  const checked = leaves.map((leaf, at) => {
    const buffer: unknown = buffers[at];
    for (const [name, value] of [["variables", leaf], ["gradients", buffer]] as const) {
      if (value instanceof Tensor) continue;
      throw new TypeError(
        `Cannot ${where}: ${name}[${at}] is ${describe(value)}, expected a Tensor`,
      );
    }
    checkFloat(where, `variables[${at}]`, leaf);
    checkLike(where, `gradients[${at}]`, buffer as Tensor, leaf);
    return checkEnum(where, `gradReqs[${at}]`, reqs[at], GRAD_REQS);
  });
  leaves.forEach((leaf, at) => mark(leaf, checked[at]!, buffers[at]!));
}

/**
 * Checks that a tensor has shape, dtype and device of another one.
 *
 * @param where What is being done, for messages.
 * @param name Name of the tensor.
 * @param found The tensor.
 * @param like The other one: a tensor, leaf or call.
 * @throws {ShapeError} If shapes differ.
 * @throws {TypeError} If dtypes differ.
 * @throws {DeviceError} If devices differ.
 * @throws {DisposedError} If the tensor was disposed.
 */
export function checkLike(
  where: string,
  name: string,
  found: Tensor,
  like: { readonly shape: readonly number[]; readonly dtype: DType; readonly device: Device },
): void {
  if (!sameShape(found.shape, like.shape)) {
    throw new ShapeError(
      `Cannot ${where}: ${name} has shape ${formatShape(found.shape)}, ` +
        `expected ${formatShape(like.shape)}`,
    );
  }
  if (found.dtype !== like.dtype) {
    throw new TypeError(`Cannot ${where}: ${name} is ${found.dtype}, expected ${like.dtype}`);
  }
  if (found.storage.device !== like.device) {
    throw new DeviceError(
      `Cannot ${where}: ${name} lies on ${found.device.adapter.name}, another device than expected ` +
        `(${like.device.adapter.name})`,
    );
  }
}
