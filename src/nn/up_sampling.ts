// Nearest-neighbor upsampling as a layer. Gluon has only the operator (apache/mxnet
// src/operator/nn/upsampling.cc); the layer has the form that other libraries give it.

import { checkTuple, oneOf, optional, readOptions } from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import { type Layout, LAYOUTS, upSampling } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { Size } from "./conv.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { inLayer } from "./layer_error.ts";

/** Options of {@linkcode UpSampling}. */
export interface UpSamplingLayerOptions {
  /** Order of the axes of input and output; channels first, in the input's rank, by default. */
  readonly layout?: Layout;
}

/**
 * Repeats every element along the spatial axes.
 *
 * Input `[N, C, H, W]` (or with one or three spatial axes), output `[N, C, H · s, W · s]`:
 * `out[n, c, h, w] = in[n, c, floor(h / s), floor(w / s)]`.
 *
 * @example
 * ```ts
 * import { tensor, UpSampling } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[[1, 2]]]]);
 * using y = new UpSampling(2).call(x);
 * assertEquals(await y.toList(), [[[[1, 1, 2, 2], [1, 1, 2, 2]]]]);
 * ```
 */
export class UpSampling extends HybridBlock {
  /** How often elements are repeated: along every spatial axis, or along each. */
  readonly scale: Size;
  /** Order of the axes; null for channels first in the input's rank. */
  readonly layout: Layout | null;

  /**
   * Makes the layer.
   *
   * @param scale How often elements are repeated: a number, or one for each spatial axis.
   * @param options The layout.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(scale: Size, options: UpSamplingLayerOptions = {}) {
    super();
    const where = `construct ${this.constructor.name}`;
    const { layout } = readOptions(where, options, { layout: optional(oneOf(LAYOUTS)) });
    const axes = layout === undefined
      ? Array.isArray(scale) ? Math.min(Math.max(scale.length, 1), 3) : 1
      : layout.length - 2;
    const factors = checkTuple(where, "scale", scale, axes, { minimum: 1 });
    this.scale = Array.isArray(scale) ? Object.freeze(factors) : factors[0]!;
    this.layout = layout ?? null;
  }

  /**
   * Repeats the elements.
   *
   * @param x `[N, C, spatial…]` or as `layout` says, any dtype.
   * @returns A tensor whose spatial sizes are `scale` times as large.
   * @throws {ShapeError} If the rank does not fit layout or scale.
   */
  override forward(x: Tensor): Tensor {
    const options = this.layout === null ? {} : { layout: this.layout };
    return inLayer(this, () => upSampling(x, this.scale, options));
  }

  /** Class, scale and layout. */
  override toString(): string {
    const scale = typeof this.scale === "number" ? this.scale : formatShape(this.scale);
    const layout = this.layout === null ? "" : `, layout=${this.layout}`;
    return `${this.constructor.name}(scale=${scale}, sample_type=nearest${layout})`;
  }
}
