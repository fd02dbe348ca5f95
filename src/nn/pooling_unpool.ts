// Unpooling layers, which put maxima back where they came from. MXNet has none; names and arguments are PyTorch's.

import { ShapeError } from "../core/errors.ts";
import { checkTuple, oneOf, optional, readOptions } from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import { type Layout, maxUnpool, type PoolPadding } from "../ops/index.ts";
import { readPadding } from "../ops/pooling_functions.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { Size } from "./conv.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { inLayer } from "./layer_error.ts";
import { checkTensor } from "./values.ts";

/** Options of the unpooling layers; those of the pooling layer that made the indices. */
export interface MaxUnpoolOptions<Order extends Layout = Layout> {
  /** Distance between windows; the size of the windows by default. */
  readonly strides?: Size | null;
  /** Padding of the pooling: a number, one or a pair `[before, after]` for each axis; 0 by default. */
  readonly padding?: Exclude<PoolPadding, "same">;
  /** Order of the axes; channels first by default. */
  readonly layout?: Order;
}

/**
 * Base of the unpooling layers. It has no parameters.
 *
 * Every value goes to the element of its plane that its index names; all others become 0. Where windows overlapped
 * and several values have one index, the last in row-major order stays, on every device.
 */
export abstract class _MaxUnpool extends HybridBlock {
  /** Size of the windows along every axis. */
  readonly poolSize: readonly number[];
  /** Distance between windows along every axis. */
  readonly strides: readonly number[];
  /** Padding of the pooling in front and behind. */
  readonly padding: { readonly before: readonly number[]; readonly after: readonly number[] };
  /** Order of the axes of input and output. */
  readonly layout: Layout;

  /**
   * Makes the layer.
   *
   * @param poolSize Size of the windows.
   * @param options Everything else that a caller chooses.
   * @param layouts The layouts allowed, the default first; they also tell the number of axes.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(poolSize: Size, options: MaxUnpoolOptions, layouts: readonly [Layout, ...Layout[]]) {
    super();
    const where = `construct ${this.constructor.name}`;
    const axes = layouts[0].length - 2;
    this.poolSize = Object.freeze(checkTuple(where, "poolSize", poolSize, axes, { minimum: 1 }));
    const read = readOptions(where, options, {
      strides: optional((at, name, value) => checkTuple(at, name, value, axes, { minimum: 1 })),
      padding: (_at, _name, value) => value,
      layout: oneOf(layouts, layouts[0]),
    });
    const padding = readPadding(where, read.padding, axes);
    if (padding === "same") {
      throw new RangeError(
        `Cannot ${where}: padding is "same", expected integers (the padding depends on the size of ` +
          `the pooling's input; take it from there)`,
      );
    }
    this.strides = Object.freeze(read.strides ?? this.poolSize);
    this.padding = Object.freeze(padding);
    this.layout = read.layout;
  }

  /**
   * Puts values at their indices.
   *
   * @param x Axes as in `layout`; float32 or float16.
   * @param indices int32 of the same shape, from a max pooling layer with `returnIndices`.
   * @param outputSize Spatial sizes of the result, where several sizes pool to that of `x`; by default
   *   `(in - 1) · stride - before - after + size` on every axis, from which it may differ by less than a stride.
   * @returns A tensor of the dtype of `x`.
   * @throws {ShapeError} If a rank or shape is wrong, or an output size cannot have been the pooling's input.
   * @throws {TypeError} If a dtype is another one.
   */
  override forward(x: Tensor, indices: Tensor, outputSize?: readonly number[]): Tensor {
    const where = `apply ${this.constructor.name}`;
    checkTensor(where, "x", x);
    if (x.rank !== this.layout.length) {
      throw new ShapeError(
        `Cannot ${where}: input of shape ${formatShape(x.shape)} has rank ${x.rank}, ` +
          `expected ${this.layout.length} (${this.layout})`,
      );
    }
    const spatial = this.layout.endsWith("C") ? x.shape.slice(1, -1) : x.shape.slice(2);
    const { before, after } = this.padding;
    const usual = spatial.map((size, axis) =>
      (size - 1) * this.strides[axis]! - before[axis]! - after[axis]! + this.poolSize[axis]!
    );
    const sizes = outputSize === undefined
      ? usual
      : checkTuple(where, "outputSize", outputSize, usual.length, { minimum: 1 });
    sizes.forEach((size, axis) => {
      const [middle, stride] = [usual[axis]!, this.strides[axis]!];
      if (size >= 1 && Math.abs(size - middle) < stride) return;
      throw new ShapeError(
        `Cannot ${where}: outputSize is ${size} on spatial axis ${axis}, expected ` +
          `${Math.max(middle - stride + 1, 1)} to ${middle + stride - 1}`,
      );
    });
    return inLayer(this, () => maxUnpool(x, indices, sizes, { layout: this.layout }));
  }

  /** Class, sizes and layout. */
  override toString(): string {
    const { before, after } = this.padding;
    const sides = before.map((side, axis) =>
      side === after[axis] ? side : `(${side}, ${after[axis]})`
    );
    const comma = sides.length === 1 ? "," : "";
    return `${this.constructor.name}(size=${formatShape(this.poolSize)}, ` +
      `stride=${formatShape(this.strides)}, padding=(${sides.join(", ")}${comma}), ` +
      `layout=${this.layout})`;
  }
}

/**
 * Puts maxima back along one axis: `[N, C, W]` and equal indices to `[N, C, W']`.
 *
 * @example
 * ```ts
 * import { MaxPool1D, MaxUnpool1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 3, 5, 2], [1, 1, 4]);
 * const [maxima, indices] = new MaxPool1D(2, { returnIndices: true }).call(x);
 * using y = new MaxUnpool1D(2).call(maxima, indices);
 * assertEquals([...await y.data()], [0, 3, 5, 0]);
 * maxima.dispose();
 * indices.dispose();
 * ```
 */
export class MaxUnpool1D extends _MaxUnpool {
  /**
   * Makes the layer.
   *
   * @param poolSize Size of the windows: a number or `[W]`; 2 by default.
   * @param options Strides, padding, layout.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(poolSize: Size = 2, options: MaxUnpoolOptions<"NCW" | "NWC"> = {}) {
    super(poolSize, options, ["NCW", "NWC"]);
  }
}

/**
 * Puts maxima back along two axes: `[N, C, H, W]` and equal indices to `[N, C, H', W']`.
 *
 * @example
 * ```ts
 * import { MaxPool2D, MaxUnpool2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 3, 5, 2], [1, 1, 2, 2]);
 * const [maxima, indices] = new MaxPool2D(2, { returnIndices: true }).call(x);
 * using y = new MaxUnpool2D(2).call(maxima, indices);
 * assertEquals([...await y.data()], [0, 0, 5, 0]);
 * maxima.dispose();
 * indices.dispose();
 * ```
 */
export class MaxUnpool2D extends _MaxUnpool {
  /**
   * Makes the layer.
   *
   * @param poolSize Size of the windows: a number or `[H, W]`; 2 by default.
   * @param options Strides, padding, layout.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(poolSize: Size = 2, options: MaxUnpoolOptions<"NCHW" | "NHWC"> = {}) {
    super(poolSize, options, ["NCHW", "NHWC"]);
  }
}

/**
 * Puts maxima back along three axes: `[N, C, D, H, W]` and equal indices to `[N, C, D', H', W']`.
 *
 * @example
 * ```ts
 * import { MaxPool3D, MaxUnpool3D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 3, 5, 2, 0, 0, 0, 7], [1, 1, 2, 2, 2]);
 * const [maxima, indices] = new MaxPool3D(2, { returnIndices: true }).call(x);
 * using y = new MaxUnpool3D(2).call(maxima, indices);
 * assertEquals([...await y.data()], [0, 0, 0, 0, 0, 0, 0, 7]);
 * maxima.dispose();
 * indices.dispose();
 * ```
 */
export class MaxUnpool3D extends _MaxUnpool {
  /**
   * Makes the layer.
   *
   * @param poolSize Size of the windows: a number or `[D, H, W]`; 2 by default.
   * @param options Strides, padding, layout.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(poolSize: Size = 2, options: MaxUnpoolOptions<"NCDHW" | "NDHWC"> = {}) {
    super(poolSize, options, ["NCDHW", "NDHWC"]);
  }
}
