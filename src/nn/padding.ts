// Padding layers. ReflectionPad2D is after apache/mxnet python/mxnet/gluon/nn/conv_layers.py; the others are ours.

import { ShapeError } from "../core/errors.ts";
import { checkTuple, describe } from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import { pad, type PadMode } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { inLayer } from "./layer_error.ts";

/**
 * How far to pad: a number for both ends of all spatial axes; or one entry for each spatial axis, a number for both ends
 * or `[before, after]`; or, as in Gluon, before and after for every axis, batch and channels (zeros) first.
 */
export type Padding =
  | number
  | readonly (number | readonly [before: number, after: number])[];

type Pair = readonly [before: number, after: number];

function readPadding(
  where: string,
  padding: Padding,
  axes: number,
): readonly Pair[] {
  const bounds = { minimum: 0 };
  if (!Array.isArray(padding)) {
    return checkTuple(where, "padding", padding, axes, bounds).map((
      size,
    ): Pair => [size, size]);
  }
  const full = 2 * (axes + 2);
  if (
    padding.length === full && !padding.some((entry) => Array.isArray(entry))
  ) {
    const all = checkTuple(where, "padding", padding, full, bounds);
    const index = all.slice(0, 4).findIndex((size) => size !== 0);
    if (index >= 0) {
      throw new RangeError(
        `Cannot ${where}: padding[${index}] is ${all[index]}, expected 0: only spatial axes are ` +
          `padded, behind batch and channels`,
      );
    }
    return Array.from(
      { length: axes },
      (_, axis): Pair => [all[4 + 2 * axis]!, all[5 + 2 * axis]!],
    );
  }
  if (padding.length !== axes) {
    throw new RangeError(
      `Cannot ${where}: padding is ${
        describe(padding)
      } with ${padding.length} entries, expected an ` +
        `integer, ${axes} entries (one for each spatial axis) or ${full} integers`,
    );
  }
  return padding.map((entry: unknown, axis): Pair =>
    checkTuple(where, `padding[${axis}]`, entry, 2, bounds) as unknown as Pair
  );
}

/** Base of the padding layers, and the place to extend them. */
export abstract class _Padding extends HybridBlock {
  /** Before and after for each spatial axis. */
  readonly padding: readonly (readonly [before: number, after: number])[];
  readonly #mode: PadMode;
  readonly #value: number;

  /**
   * Makes the layer.
   *
   * @param padding How far to pad.
   * @param axes Number of spatial axes.
   * @param mode What stands in the new places.
   * @param value The constant.
   * @throws {TypeError} If an argument has a wrong type.
   * @throws {RangeError} If a size is no integer or negative, or the number of entries does not fit.
   */
  constructor(
    padding: Padding,
    axes: number,
    mode: PadMode,
    value: number = 0,
  ) {
    super();
    const where = `construct ${this.constructor.name}`;
    if (typeof value !== "number") {
      throw new TypeError(
        `Cannot ${where}: value is ${describe(value)}, expected a number`,
      );
    }
    this.padding = Object.freeze(readPadding(where, padding, axes));
    this.#mode = mode;
    this.#value = value;
  }

  /**
   * Pads the spatial axes.
   *
   * @param x `[N, C, spatial…]`, any dtype; gradients exist for floats.
   * @returns The same with larger spatial axes.
   * @throws {ShapeError} If the rank is wrong or the padding does not fit the size.
   */
  override forward(x: Tensor): Tensor {
    const rank = this.padding.length + 2;
    if (x.rank !== rank) {
      throw new ShapeError(
        `Cannot apply ${this.constructor.name}: input of shape ${formatShape(x.shape)} has rank ` +
          `${x.rank}, expected ${rank}`,
      );
    }
    this.checkSizes(x.shape.slice(2));
    const widths = [[0, 0], [0, 0], ...this.padding] as const;
    const options = { mode: this.#mode, value: this.#value };
    return inLayer(this, () => pad(x, widths, options));
  }

  /**
   * Checks that the padding fits an input; by default everything does.
   *
   * @param _sizes Spatial sizes of the input.
   * @throws {ShapeError} If it does not.
   */
  protected checkSizes(_sizes: readonly number[]): void {}
}

/**
 * Pads one axis with its mirror image, the edge not repeated: `[a, b, c]` by 1 is `[b, a, b, c, b]`. Pads beyond the size
 * reflect repeatedly, as in NumPy.
 *
 * @example
 * ```ts
 * import { ReflectionPad1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[1, 2, 3]]]);
 * using y = new ReflectionPad1D([[0, 3]]).call(x);
 * assertEquals([...await y.data()], [1, 2, 3, 2, 1, 2]);
 * ```
 */
export class ReflectionPad1D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, `[[before, after]]`, or six numbers as in Gluon; 0 by default.
   * @throws {TypeError} If it has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0) {
    super(padding, 1, "reflect");
  }
}

/**
 * Pads two axes with their mirror image, the edge not repeated: source of place t is `|t - before|`, and `2(X - 1) - (t -
 * before)` past the end. As in Gluon, every pad must be smaller than its axis.
 *
 * @example
 * ```ts
 * import { ReflectionPad2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[[1, 2, 3], [4, 5, 6]]]]);
 * using y = new ReflectionPad2D([0, 0, 0, 0, 0, 0, 1, 1]).call(x);
 * assertEquals(await y.toList(), [[[[2, 1, 2, 3, 2], [5, 4, 5, 6, 5]]]]);
 * ```
 */
export class ReflectionPad2D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, or eight as in Gluon: before and after for batch, channels (zeros), height and width; 0 by
   *   default.
   * @throws {TypeError} If it has a wrong type.
   * @throws {RangeError} If a size is negative or there are not one or eight numbers.
   */
  constructor(padding: number | readonly number[] = 0) {
    if (Array.isArray(padding) && padding.length !== 8) {
      throw new RangeError(
        `Cannot construct ${new.target.name}: padding is ${describe(padding)} with ` +
          `${padding.length} entries, expected an integer or 8 integers: before and after for ` +
          `batch, channels (zeros), height and width`,
      );
    }
    super(padding, 2, "reflect");
  }

  /**
   * Checks that every pad is smaller than its axis.
   *
   * @param sizes Spatial sizes of the input.
   * @throws {ShapeError} If one is not.
   */
  protected override checkSizes(sizes: readonly number[]): void {
    this.padding.forEach(([before, after], axis) => {
      const size = sizes[axis]!;
      if (Math.max(before, after) < size) return;
      throw new ShapeError(
        `Cannot apply ${this.constructor.name}: padding [${before}, ${after}] of spatial axis ` +
          `${axis} is not smaller than its size ${size}`,
      );
    });
  }
}

/**
 * Pads three axes with their mirror image, the edge not repeated. Pads beyond the size reflect repeatedly, as in NumPy.
 *
 * @example
 * ```ts
 * import { ReflectionPad3D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 4], [1, 1, 2, 1, 2]);
 * using y = new ReflectionPad3D([0, 0, 1]).call(x);
 * assertEquals([...await y.data()], [2, 1, 2, 1, 4, 3, 4, 3]);
 * ```
 */
export class ReflectionPad3D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, an entry for each axis, or ten numbers as in Gluon; 0 by default.
   * @throws {TypeError} If it has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0) {
    super(padding, 3, "reflect");
  }
}

/**
 * Pads one axis with its first and last element.
 *
 * @example
 * ```ts
 * import { ReplicationPad1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[1, 2]]]);
 * using y = new ReplicationPad1D(2).call(x);
 * assertEquals([...await y.data()], [1, 1, 1, 2, 2, 2]);
 * ```
 */
export class ReplicationPad1D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, `[[before, after]]`, or six numbers; 0 by default.
   * @throws {TypeError} If it has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0) {
    super(padding, 1, "edge");
  }
}

/**
 * Pads two axes with their first and last elements.
 *
 * @example
 * ```ts
 * import { ReplicationPad2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[[1, 2]]]]);
 * using y = new ReplicationPad2D([0, 1]).call(x);
 * assertEquals([...await y.data()], [1, 1, 2, 2]);
 * ```
 */
export class ReplicationPad2D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, an entry for each axis, or eight numbers; 0 by default.
   * @throws {TypeError} If it has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0) {
    super(padding, 2, "edge");
  }
}

/**
 * Pads three axes with their first and last elements.
 *
 * @example
 * ```ts
 * import { ReplicationPad3D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2], [1, 1, 1, 1, 2]);
 * using y = new ReplicationPad3D([0, 0, [0, 2]]).call(x);
 * assertEquals([...await y.data()], [1, 2, 2, 2]);
 * ```
 */
export class ReplicationPad3D extends _Padding {
  /**
   * Makes the layer.
   *
   * @param padding A number, an entry for each axis, or ten numbers; 0 by default.
   * @throws {TypeError} If it has a wrong type.
   * @throws {RangeError} If a size is negative or the number of entries does not fit.
   */
  constructor(padding: Padding = 0) {
    super(padding, 3, "edge");
  }
}
