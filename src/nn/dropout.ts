// Dropout as a layer. After apache/mxnet python/mxnet/gluon/nn/basic_layers.py.

import { checkNumber, integerList, readOptions } from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import { dropout } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { inLayer } from "./layer_error.ts";
import { pythonText } from "./text.ts";

/** Options of {@linkcode Dropout}. */
export interface DropoutLayerOptions {
  /** Axes along which all elements are dropped together; none by default. */
  readonly axes?: readonly number[];
}

/**
 * Sets elements to 0 by chance in training and scales the others up; gives its input otherwise (Srivastava and others,
 * 2014).
 *
 * @example
 * ```ts
 * import { autograd, Dropout, ones } from "@vknn/vknn";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const drop = new Dropout(0.5);
 * using x = ones([100]);
 * using y = autograd.trainMode(() => drop.call(x));
 * assert((await y.data()).every((value) => value === 0 || value === 2));
 * assertEquals(`${drop}`, "Dropout(p = 0.5, axes=())");
 * ```
 */
export class Dropout extends HybridBlock {
  /** Chance of an element to be dropped. */
  readonly rate: number;
  /** Axes along which all elements are dropped together. */
  readonly axes: readonly number[];

  /**
   * Makes the layer.
   *
   * @param rate Chance of an element to be dropped, from 0 to 1.
   * @param options Axes along which elements are dropped together.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(rate: number, options: DropoutLayerOptions = {}) {
    super();
    const where = `construct ${this.constructor.name}`;
    this.rate = checkNumber(where, "rate", rate, { minimum: 0, maximum: 1 });
    this.axes = Object.freeze(
      readOptions(where, options, {
        axes: (at: string, name: string, value: unknown) =>
          value === undefined ? [] : integerList()(at, name, value),
      }).axes,
    );
  }

  /**
   * Drops elements in training.
   *
   * @param x Any shape, float32 or float16.
   * @returns A tensor of the same shape and dtype.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => dropout(x, this.rate, { axes: this.axes }));
  }

  /** Gluon's text. */
  override toString(): string {
    return `${this.constructor.name}(p = ${pythonText(this.rate)}, axes=${formatShape(this.axes)})`;
  }
}
