// Containers that run their children one after the other. Know no layers.
// After apache/mxnet python/mxnet/gluon/nn/basic_layers.py.

import { describe, integer, optional, readOptions } from "../core/options.ts";
import type { Tensor } from "../tensor/mod.ts";
import { Block } from "./block.ts";
import type { HybridizeFlags } from "./block_options.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { warn } from "./messages.ts";
import { formatBlock } from "./text.ts";

/** Calls blocks in order; an array that one returns becomes the arguments of the next. */
function thread(blocks: Iterable<Block>, inputs: readonly unknown[]): unknown {
  let [first, ...rest] = inputs;
  for (const block of blocks) {
    const output = block.call(first, ...rest);
    [first, ...rest] = Array.isArray(output) ? output as unknown[] : [output];
  }
  return rest.length > 0 ? [first, ...rest] : first;
}

function childAt<B>(name: string, children: readonly B[], index: number): B {
  const child = Number.isInteger(index) ? children.at(index) : undefined;
  if (child === undefined) {
    throw new RangeError(
      `Cannot get child of ${name}: index is ${describe(index)}, ` +
        `expected an integer from ${-children.length} to ${children.length - 1}`,
    );
  }
  return child;
}

function childrenOf<B extends Block>(
  container: Block & Iterable<B>,
  begin: unknown,
  end: unknown,
): B[] {
  const where = `slice ${container.constructor.name}`;
  const { begin: first, end: last } = readOptions(where, { begin, end }, {
    begin: optional(integer()),
    end: optional(integer()),
  });
  return [...container].slice(first, last);
}

/**
 * Runs blocks one after the other. An array that a block returns becomes the arguments of the next one.
 *
 * @typeParam Output What the last block returns.
 *
 * @example
 * ```ts
 * import { Conv2D, PixelShuffle2D, Sequential } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const net = new Sequential().add(new Conv2D(12, 3, { padding: 1 }), new PixelShuffle2D(2));
 * assertEquals(net.length, 2);
 * assertEquals(`${net.at(-1)}`, "PixelShuffle2D((2, 2))");
 * ```
 */
export class Sequential<Output = Tensor> extends Block implements Iterable<Block> {
  /**
   * Appends blocks; their names are their positions.
   *
   * @param blocks The blocks.
   * @returns This container.
   * @throws {TypeError} If one is not a block.
   */
  add(...blocks: Block[]): this {
    for (const block of blocks) this.registerChild(block);
    return this;
  }

  /** False: a container is no layer. */
  override get listedInSummary(): boolean {
    return false;
  }

  /** Number of children. */
  get length(): number {
    return this.children.size;
  }

  /**
   * A child by position.
   *
   * @param index The position; negative ones count from the end.
   * @returns The child.
   * @throws {RangeError} If there is none.
   */
  at(index: number): Block {
    return childAt(this.constructor.name, [...this], index);
  }

  /**
   * A container of the same class with some of the children, which are shared.
   *
   * @param begin First position; negative ones count from the end.
   * @param end Position after the last; all to the end if absent.
   * @returns The new container.
   * @throws {TypeError} If a position is not a number.
   * @throws {RangeError} If it is no integer.
   */
  slice(begin?: number, end?: number): this {
    return this.emptyCopy().add(...childrenOf(this, begin, end));
  }

  /** The children in order. */
  [Symbol.iterator](): Iterator<Block> {
    return this.children.values();
  }

  /** For {@linkcode slice}; classes whose constructors take arguments override it. */
  protected emptyCopy(): this {
    return new (this.constructor as new () => this)();
  }

  /**
   * Calls the children in order.
   *
   * @param inputs The inputs of the first child.
   * @returns The output of the last one.
   */
  override forward(...inputs: unknown[]): Output {
    return thread(this, inputs) as Output;
  }

  /**
   * Activates or deactivates the hybrid blocks among the children.
   *
   * @param active Whether to activate.
   * @param flags How to run.
   */
  override hybridize(active: boolean = true, flags: HybridizeFlags = {}): void {
    if (active && this.length > 0 && [...this].every((child) => child instanceof HybridBlock)) {
      warn(
        `All children of this ${this.constructor.name} are HybridBlocks; ` +
          `a HybridSequential would run them as one piece`,
      );
    }
    super.hybridize(active, flags);
  }

  /** Gluon's text: one entry for each child. */
  override toString(): string {
    return formatBlock(this.constructor.name, this.children);
  }
}

/**
 * Runs hybrid blocks one after the other. An array that a block returns becomes the arguments of the
 * next one.
 *
 * @typeParam Output What the last block returns.
 *
 * @example
 * ```ts
 * import { Conv2D, HybridSequential, PixelShuffle2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const net = new HybridSequential().add(new Conv2D(4, 1), new PixelShuffle2D(2));
 * net.initialize("ones");
 * using x = tensor(new Float32Array([1, 2, 3, 4]), [1, 1, 2, 2]);
 * using y = net.call(x);
 * assertEquals(y.shape, [1, 1, 4, 4]);
 * assertEquals([...await y.data()].slice(0, 4), [1, 1, 2, 2]);
 * net.dispose();
 * ```
 */
export class HybridSequential<Output = Tensor> extends HybridBlock
  implements Iterable<HybridBlock> {
  /**
   * Appends blocks; their names are their positions.
   *
   * @param blocks The blocks.
   * @returns This container.
   * @throws {TypeError} If one is not a hybrid block.
   */
  add(...blocks: HybridBlock[]): this {
    for (const block of blocks) this.registerChild(block);
    return this;
  }

  /** False: a container is no layer. */
  override get listedInSummary(): boolean {
    return false;
  }

  /** Number of children. */
  get length(): number {
    return this.children.size;
  }

  /**
   * A child by position.
   *
   * @param index The position; negative ones count from the end.
   * @returns The child.
   * @throws {RangeError} If there is none.
   */
  at(index: number): HybridBlock {
    return childAt(this.constructor.name, [...this], index);
  }

  /**
   * A container of the same class with some of the children, which are shared.
   *
   * @param begin First position; negative ones count from the end.
   * @param end Position after the last; all to the end if absent.
   * @returns The new container.
   * @throws {TypeError} If a position is not a number.
   * @throws {RangeError} If it is no integer.
   */
  slice(begin?: number, end?: number): this {
    return this.emptyCopy().add(...childrenOf(this, begin, end));
  }

  /** The children in order. */
  [Symbol.iterator](): Iterator<HybridBlock> {
    // registerChild admits hybrid blocks only.
    return this.children.values() as Iterator<HybridBlock>;
  }

  /** For {@linkcode slice}; classes whose constructors take arguments override it. */
  protected emptyCopy(): this {
    return new (this.constructor as new () => this)();
  }

  /**
   * Calls the children in order.
   *
   * @param inputs The inputs of the first child.
   * @returns The output of the last one.
   */
  override forward(...inputs: unknown[]): Output {
    return thread(this, inputs) as Output;
  }

  /** Gluon's text: one entry for each child. */
  override toString(): string {
    return formatBlock(this.constructor.name, this.children);
  }
}
