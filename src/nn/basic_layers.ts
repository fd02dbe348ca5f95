// Small blocks that hold networks together. Know only concatenation and reshaping.
// After apache/mxnet python/mxnet/gluon/nn/basic_layers.py.

import { describe, integer, readOptions } from "../core/options.ts";
import { concat } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { Block } from "./block.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { inLayer } from "./layer_error.ts";
import { HybridSequential, Sequential } from "./sequential.ts";

/**
 * Returns its input: a placeholder, for example the shortcut in {@linkcode HybridConcatenate}.
 *
 * @example
 * ```ts
 * import { Identity, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2]);
 * assertEquals(new Identity().call(x), x);
 * ```
 */
export class Identity extends HybridBlock {
  /**
   * Returns the input.
   *
   * @param x Any shape and dtype.
   * @returns The very same tensor.
   */
  override forward(x: Tensor): Tensor {
    return x;
  }
}

/**
 * Keeps the batch axis and joins all others into one: `[N, …]` to `[N, size / N]`. Copies nothing.
 *
 * @example
 * ```ts
 * import { Flatten, zeros } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = zeros([2, 3, 4]);
 * using y = new Flatten().call(x);
 * assertEquals(y.shape, [2, 12]);
 * ```
 */
export class Flatten extends HybridBlock {
  /**
   * Joins all axes but the first.
   *
   * @param x At least one axis, any dtype.
   * @returns `[N, size / N]`, a view of the same memory.
   */
  override forward(x: Tensor): Tensor {
    const [batch = 1, ...rest] = x.shape;
    const length = rest.reduce((product, size) => product * size, 1);
    return inLayer(this, () => x.reshape([batch, length]));
  }

  /** Gluon's text. */
  override toString(): string {
    return this.constructor.name;
  }
}

/** Options of {@linkcode Concatenate} and {@linkcode HybridConcatenate}. */
export interface ConcatenateOptions {
  /** The axis along which outputs are joined; -1, the last one, by default. */
  readonly axis?: number;
}

function readAxis(name: string, options: ConcatenateOptions): number {
  return readOptions(`construct ${name}`, options, { axis: integer({}, -1) }).axis;
}

function outputsOf(blocks: Iterable<Block>, x: Tensor): Tensor[] {
  return Array.from(blocks, (block) => block.call(x) as Tensor);
}

/**
 * Runs every child on the same input and joins their outputs along an axis.
 *
 * @example
 * ```ts
 * import { Concatenate, Identity, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[1], [2]]);
 * using y = new Concatenate({ axis: 1 }).add(new Identity(), new Identity()).call(x);
 * assertEquals(await y.toList(), [[1, 1], [2, 2]]);
 * ```
 */
export class Concatenate extends Sequential {
  /** The axis along which outputs are joined. */
  readonly axis: number;

  /**
   * Makes an empty container.
   *
   * @param options The axis.
   * @throws {TypeError} If an option is unknown or the axis is no number.
   * @throws {RangeError} If the axis is no integer.
   */
  constructor(options: ConcatenateOptions = {}) {
    super();
    this.axis = readAxis(this.constructor.name, options);
  }

  /**
   * Runs every child on the input.
   *
   * @param x The input of every child.
   * @returns Their outputs, joined along `axis`.
   */
  override forward(x: Tensor): Tensor {
    const outputs = outputsOf(this, x);
    return inLayer(this, () => concat(outputs, this.axis));
  }

  /** A container with the same axis. */
  protected override emptyCopy(): this {
    const { axis } = this;
    return new (this.constructor as new (options: ConcatenateOptions) => this)({ axis });
  }
}

/**
 * Runs every hybrid child on the same input and joins their outputs along an axis.
 *
 * @example
 * ```ts
 * import { Conv2D, HybridConcatenate, Identity } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const dense = new HybridConcatenate({ axis: 1 }).add(new Identity(), new Conv2D(4, 3, { padding: 1 }));
 * assertEquals([...dense.collectParams().keys()], ["1.weight", "1.bias"]);
 * ```
 */
export class HybridConcatenate extends HybridSequential {
  /** The axis along which outputs are joined. */
  readonly axis: number;

  /**
   * Makes an empty container.
   *
   * @param options The axis.
   * @throws {TypeError} If an option is unknown or the axis is no number.
   * @throws {RangeError} If the axis is no integer.
   */
  constructor(options: ConcatenateOptions = {}) {
    super();
    this.axis = readAxis(this.constructor.name, options);
  }

  /**
   * Runs every child on the input.
   *
   * @param x The input of every child.
   * @returns Their outputs, joined along `axis`.
   */
  override forward(x: Tensor): Tensor {
    const outputs = outputsOf(this, x);
    return inLayer(this, () => concat(outputs, this.axis));
  }

  /** A container with the same axis. */
  protected override emptyCopy(): this {
    const { axis } = this;
    return new (this.constructor as new (options: ConcatenateOptions) => this)({ axis });
  }
}

function checkFunction<F>(name: string, fn: F): F {
  if (typeof fn === "function") return fn;
  throw new TypeError(`Cannot construct ${name}: fn is ${describe(fn)}, expected a function`);
}

/**
 * A function as a block.
 *
 * @typeParam Inputs What the function takes.
 * @typeParam Output What the function returns.
 *
 * @example
 * ```ts
 * import { Lambda, mul, type Tensor, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2]);
 * using y = new Lambda((x: Tensor) => mul(x, 2)).call(x);
 * assertEquals([...await y.data()], [2, 4]);
 * ```
 */
export class Lambda<Inputs extends unknown[] = [Tensor], Output = Tensor> extends Block {
  readonly #fn: (...inputs: Inputs) => Output;

  /**
   * Makes the block.
   *
   * @param fn The function.
   * @throws {TypeError} If it is no function.
   */
  constructor(fn: (...inputs: Inputs) => Output) {
    super();
    this.#fn = checkFunction(this.constructor.name, fn);
  }

  /**
   * Calls the function.
   *
   * @param inputs What the function takes.
   * @returns What it returns.
   */
  override forward(...inputs: Inputs): Output {
    return this.#fn(...inputs);
  }

  /** Gluon's text. */
  override toString(): string {
    return `${this.constructor.name}(${this.#fn.name || "<lambda>"})`;
  }
}

/**
 * A function of operators on tensors as a hybrid block.
 *
 * @typeParam Inputs What the function takes.
 * @typeParam Output What the function returns.
 *
 * @example
 * ```ts
 * import { Conv2D, HybridLambda, HybridSequential, mul, type Tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const half = new HybridLambda((x: Tensor) => mul(x, 0.5));
 * const net = new HybridSequential().add(new Conv2D(4, 3), half);
 * assertEquals(net.length, 2);
 * ```
 */
export class HybridLambda<Inputs extends unknown[] = [Tensor], Output = Tensor>
  extends HybridBlock {
  readonly #fn: (...inputs: Inputs) => Output;

  /**
   * Makes the block.
   *
   * @param fn The function.
   * @throws {TypeError} If it is no function.
   */
  constructor(fn: (...inputs: Inputs) => Output) {
    super();
    this.#fn = checkFunction(this.constructor.name, fn);
  }

  /**
   * Calls the function.
   *
   * @param inputs What the function takes.
   * @returns What it returns.
   */
  override forward(...inputs: Inputs): Output {
    return this.#fn(...inputs);
  }

  /** Gluon's text. */
  override toString(): string {
    return `${this.constructor.name}(${this.#fn.name || "<lambda>"})`;
  }
}
