// Pixel shuffle layers: channels to pixels. After apache/mxnet python/mxnet/gluon/nn/conv_layers.py.

import { checkTuple } from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import { pixelShuffle } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { Size } from "./conv.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { inLayer } from "./layer_error.ts";

function readFactor(name: string, factor: Size, axes: number): readonly number[] {
  return Object.freeze(checkTuple(`construct ${name}`, "factor", factor, axes, { minimum: 1 }));
}

/**
 * Enlarges one axis by a factor, taking the new elements from channels.
 *
 * Input `[N, C · f, W]`, output `[N, C, W · f]`: `out[n, c, w] = in[n, c·f + w mod f, floor(w / f)]`.
 *
 * @example
 * ```ts
 * import { arange, PixelShuffle1D } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = arange(12);
 * using planes = x.reshape([1, 4, 3]);
 * using y = new PixelShuffle1D(2).call(planes);
 * assertEquals(y.shape, [1, 2, 6]);
 * assertEquals([...await y.data()], [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
 * ```
 */
export class PixelShuffle1D extends HybridBlock {
  /** How much larger every spatial axis gets. */
  readonly factor: readonly number[];

  /**
   * Makes the layer.
   *
   * @param factor How much longer the axis gets: a number or `[f]`.
   * @throws {TypeError} If it is neither a number nor an array of one.
   * @throws {RangeError} If it is no positive integer.
   */
  constructor(factor: Size) {
    super();
    this.factor = readFactor(this.constructor.name, factor, 1);
  }

  /**
   * Moves channels to pixels.
   *
   * @param x `[N, C · f, W]`, any dtype.
   * @returns `[N, C, W · f]`.
   * @throws {ShapeError} If the rank is wrong or the factor does not divide the channels.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => pixelShuffle(x, this.factor));
  }

  /** Gluon's text. */
  override toString(): string {
    return `${this.constructor.name}(${this.factor[0]})`;
  }
}

/**
 * Enlarges two axes by factors, taking the new elements from channels (sub-pixel convolution, Shi et
 * al., 2016).
 *
 * Input `[N, C · f1 · f2, H, W]`, output `[N, C, H · f1, W · f2]`:
 * `out[n, c, h, w] = in[n, (c·f1 + h mod f1)·f2 + w mod f2, floor(h / f1), floor(w / f2)]`.
 *
 * @example
 * ```ts
 * import { PixelShuffle2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 4], [1, 4, 1, 1]);
 * using y = new PixelShuffle2D(2).call(x);
 * assertEquals(await y.toList(), [[[[1, 2], [3, 4]]]]);
 * ```
 */
export class PixelShuffle2D extends HybridBlock {
  /** How much larger every spatial axis gets. */
  readonly factor: readonly number[];

  /**
   * Makes the layer.
   *
   * @param factor How much larger the axes get: a number or `[f1, f2]`.
   * @throws {TypeError} If it is neither a number nor an array of two.
   * @throws {RangeError} If one is no positive integer.
   */
  constructor(factor: Size) {
    super();
    this.factor = readFactor(this.constructor.name, factor, 2);
  }

  /**
   * Moves channels to pixels.
   *
   * @param x `[N, C · f1 · f2, H, W]`, any dtype.
   * @returns `[N, C, H · f1, W · f2]`.
   * @throws {ShapeError} If the rank is wrong or the factor does not divide the channels.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => pixelShuffle(x, this.factor));
  }

  /** Gluon's text. */
  override toString(): string {
    return `${this.constructor.name}(${formatShape(this.factor)})`;
  }
}

/**
 * Enlarges three axes by factors, taking the new elements from channels.
 *
 * Input `[N, C · f1 · f2 · f3, D, H, W]`, output `[N, C, D · f1, H · f2, W · f3]`: `out[n, c, z, h, w] =
 * in[n, ((c·f1 + z mod f1)·f2 + h mod f2)·f3 + w mod f3, floor(z / f1), floor(h / f2), floor(w / f3)]`.
 *
 * @example
 * ```ts
 * import { PixelShuffle3D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 4], [1, 4, 1, 1, 1]);
 * using y = new PixelShuffle3D([1, 2, 2]).call(x);
 * assertEquals(await y.toList(), [[[[[1, 2], [3, 4]]]]]);
 * ```
 */
export class PixelShuffle3D extends HybridBlock {
  /** How much larger every spatial axis gets. */
  readonly factor: readonly number[];

  /**
   * Makes the layer.
   *
   * @param factor How much larger the axes get: a number or `[f1, f2, f3]`.
   * @throws {TypeError} If it is neither a number nor an array of three.
   * @throws {RangeError} If one is no positive integer.
   */
  constructor(factor: Size) {
    super();
    this.factor = readFactor(this.constructor.name, factor, 3);
  }

  /**
   * Moves channels to pixels.
   *
   * @param x `[N, C · f1 · f2 · f3, D, H, W]`, any dtype.
   * @returns `[N, C, D · f1, H · f2, W · f3]`.
   * @throws {ShapeError} If the rank is wrong or the factor does not divide the channels.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => pixelShuffle(x, this.factor));
  }

  /** Gluon's text. */
  override toString(): string {
    return `${this.constructor.name}(${formatShape(this.factor)})`;
  }
}
