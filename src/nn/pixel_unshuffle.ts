// Pixel unshuffle layers: pixels to channels, the inverse of pixel shuffle. Ours; Gluon has none.

import { checkTuple } from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import { pixelUnshuffle } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { Size } from "./conv.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { inLayer } from "./layer_error.ts";

function readFactor(name: string, factor: Size, axes: number): readonly number[] {
  return Object.freeze(checkTuple(`construct ${name}`, "factor", factor, axes, { minimum: 1 }));
}

/**
 * Shrinks one axis by a factor, moving the elements to channels: the inverse of {@linkcode PixelShuffle1D}.
 *
 * Input `[N, C, W · f]`, output `[N, C · f, W]`.
 *
 * @example
 * ```ts
 * import { PixelUnshuffle1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[0, 1, 2, 3]]]);
 * using y = new PixelUnshuffle1D(2).call(x);
 * assertEquals(await y.toList(), [[[0, 2], [1, 3]]]);
 * ```
 */
export class PixelUnshuffle1D extends HybridBlock {
  /** How much smaller every spatial axis gets. */
  readonly factor: readonly number[];

  /**
   * Makes the layer.
   *
   * @param factor How much smaller: a number or `[f]`.
   * @throws {TypeError} If it is neither a number nor an array of one.
   * @throws {RangeError} If one is no positive integer.
   */
  constructor(factor: Size) {
    super();
    this.factor = readFactor(this.constructor.name, factor, 1);
  }

  /**
   * Moves pixels to channels.
   *
   * @param x `[N, C, W · f]`, any dtype.
   * @returns `[N, C · f, W]`.
   * @throws {ShapeError} If the rank is wrong or a factor does not divide its axis.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => pixelUnshuffle(x, this.factor));
  }

  /** As Gluon prints pixel shuffles. */
  override toString(): string {
    return `${this.constructor.name}(${this.factor[0]})`;
  }
}

/**
 * Shrinks two axes by factors, moving the elements to channels: the inverse of {@linkcode PixelShuffle2D}.
 *
 * Input `[N, C, H · f1, W · f2]`, output `[N, C · f1 · f2, H, W]`.
 *
 * @example
 * ```ts
 * import { PixelUnshuffle2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[[1, 2], [3, 4]]]]);
 * using y = new PixelUnshuffle2D(2).call(x);
 * assertEquals(await y.toList(), [[[[1]], [[2]], [[3]], [[4]]]]);
 * ```
 */
export class PixelUnshuffle2D extends HybridBlock {
  /** How much smaller every spatial axis gets. */
  readonly factor: readonly number[];

  /**
   * Makes the layer.
   *
   * @param factor How much smaller: a number or `[f1, f2]`.
   * @throws {TypeError} If it is neither a number nor an array of two.
   * @throws {RangeError} If one is no positive integer.
   */
  constructor(factor: Size) {
    super();
    this.factor = readFactor(this.constructor.name, factor, 2);
  }

  /**
   * Moves pixels to channels.
   *
   * @param x `[N, C, H · f1, W · f2]`, any dtype.
   * @returns `[N, C · f1 · f2, H, W]`.
   * @throws {ShapeError} If the rank is wrong or a factor does not divide its axis.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => pixelUnshuffle(x, this.factor));
  }

  /** As Gluon prints pixel shuffles. */
  override toString(): string {
    return `${this.constructor.name}(${formatShape(this.factor)})`;
  }
}

/**
 * Shrinks three axes by factors, moving the elements to channels: the inverse of {@linkcode PixelShuffle3D}.
 *
 * Input `[N, C, D · f1, H · f2, W · f3]`, output `[N, C · f1 · f2 · f3, D, H, W]`.
 *
 * @example
 * ```ts
 * import { PixelUnshuffle3D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[[[1, 2], [3, 4]]]]]);
 * using y = new PixelUnshuffle3D([1, 2, 2]).call(x);
 * assertEquals(await y.toList(), [[[[[1]]], [[[2]]], [[[3]]], [[[4]]]]]);
 * ```
 */
export class PixelUnshuffle3D extends HybridBlock {
  /** How much smaller every spatial axis gets. */
  readonly factor: readonly number[];

  /**
   * Makes the layer.
   *
   * @param factor How much smaller: a number or `[f1, f2, f3]`.
   * @throws {TypeError} If it is neither a number nor an array of three.
   * @throws {RangeError} If one is no positive integer.
   */
  constructor(factor: Size) {
    super();
    this.factor = readFactor(this.constructor.name, factor, 3);
  }

  /**
   * Moves pixels to channels.
   *
   * @param x `[N, C, D · f1, H · f2, W · f3]`, any dtype.
   * @returns `[N, C · f1 · f2 · f3, D, H, W]`.
   * @throws {ShapeError} If the rank is wrong or a factor does not divide its axis.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => pixelUnshuffle(x, this.factor));
  }

  /** As Gluon prints pixel shuffles. */
  override toString(): string {
    return `${this.constructor.name}(${formatShape(this.factor)})`;
  }
}
