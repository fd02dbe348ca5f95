// Max and average pooling layers with sliding windows, and the base of all pooling layers.
// After apache/mxnet python/mxnet/gluon/nn/conv_layers.py.

import { ShapeError } from "../core/errors.ts";
import { boolean, checkTuple, oneOf, optional, readOptions } from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import {
  type CeilMode,
  globalPooling,
  maxPoolIndices,
  type NanPolicy,
  pooling,
  type PoolPadding,
} from "../ops/index.ts";
import { ceilModeRule, readPadding } from "../ops/pooling_functions.ts";
import type { Layout } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { Size } from "./conv.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { inLayer } from "./layer_error.ts";

/** Options of all pooling layers with sliding windows. */
export interface PoolOptions<Order extends Layout = Layout> {
  /** Distance between windows; the size of the windows by default. */
  readonly strides?: Size | null;
  /**
   * Elements added around the input: a number, one or a pair `[before, after]` for each axis, or `"same"` for
   * `ceil(in / stride)` windows; 0 by default, and less than the window on every axis.
   */
  readonly padding?: PoolPadding;
  /** Order of the axes; channels first by default. */
  readonly layout?: Order;
  /**
   * Round the number of windows up: the last ones may then lie behind the input. `"clip"` leaves out those that
   * would start behind the input and its padding in front, as PyTorch does. False by default.
   */
  readonly ceilMode?: CeilMode;
}

/** Options of the max pooling layers. */
export interface MaxPoolOptions<Order extends Layout = Layout, Indices extends boolean = boolean>
  extends PoolOptions<Order> {
  /** Accepted, as Gluon does; a maximum does not depend on it. */
  readonly countIncludePad?: boolean;
  /** `"skip"`, the default, never takes NaN or -infinity; `"propagate"` takes the first NaN, and -infinity. */
  readonly nanPolicy?: NanPolicy;
  /** Also return where the maxima are. False by default. */
  readonly returnIndices?: Indices;
}

/** Options of the average pooling layers. */
export interface AvgPoolOptions<Order extends Layout = Layout> extends PoolOptions<Order> {
  /** Whether padding counts as elements of a window; true by default. */
  readonly countIncludePad?: boolean;
}

/** What a max pooling layer returns: the maxima, with their indices (int32) if asked for. */
export type MaxPoolResult<Indices extends boolean> = Indices extends true
  ? [maxima: Tensor, indices: Tensor]
  : Tensor;

/** What a pooling layer is, beside its options. */
export interface PoolKind {
  /** Maxima or averages. */
  readonly type: "max" | "avg";
  /** The layouts allowed, the default first; they also tell the number of axes. */
  readonly layouts: readonly [Layout, ...Layout[]];
  /** Whether one window covers everything; size, strides and padding then mean nothing. */
  readonly global?: boolean;
}

/**
 * Base of the pooling layers, and the place to extend them: derive from it for other defaults, or override
 * `forward`. It has no parameters.
 *
 * On each spatial axis window i covers elements `i · stride - before` to `i · stride - before + size`, and
 * `out = floor((in + before + after - size) / stride) + 1`, with `ceil` for `ceilMode`. Padding never becomes a
 * maximum; NaN and -infinity neither, unless `nanPolicy` says so. An average divides by the elements of its
 * window, with padding if `countIncludePad`, without what lies behind the padding. A window without elements
 * gives the lowest finite number as maximum, and 0 as average. Of equal maxima the first gets the gradient.
 */
export abstract class _Pooling<Result = Tensor> extends HybridBlock {
  /** Size of the windows along every axis. */
  readonly poolSize: readonly number[];
  /** Distance between windows along every axis. */
  readonly strides: readonly number[];
  /** Padding along every axis, as pairs where the sides differ; or `"same"`. */
  readonly padding: readonly (number | readonly [number, number])[] | "same";
  /** How the number of windows is rounded. */
  readonly ceilMode: CeilMode;
  /** Order of the axes of input and output. */
  readonly layout: Layout;
  /** Maxima or averages. */
  readonly poolType: "max" | "avg";
  /** Whether one window covers everything. */
  readonly globalPool: boolean;
  /** Whether an average counts padding. */
  readonly countIncludePad: boolean;
  /** What a maximum does with NaN and -infinity. */
  readonly nanPolicy: NanPolicy;
  /** Whether `forward` also returns where the maxima are. */
  readonly returnIndices: boolean;

  /**
   * Makes the layer.
   *
   * @param poolSize Size of the windows.
   * @param options Everything else that a caller chooses.
   * @param kind What the derived class chooses.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(poolSize: Size, options: AvgPoolOptions & MaxPoolOptions, kind: PoolKind) {
    super();
    const where = `construct ${this.constructor.name}`;
    const axes = kind.layouts[0].length - 2;
    const global = kind.global ?? false;
    const max = kind.type === "max";
    const common = {
      layout: oneOf(kind.layouts, kind.layouts[0]),
      ...(max ? { nanPolicy: oneOf(["skip", "propagate"], "skip") } : {}),
    };
    const read: {
      readonly layout: Layout;
      readonly nanPolicy?: NanPolicy;
      readonly strides?: Size;
      readonly padding?: unknown;
      readonly ceilMode?: CeilMode;
      readonly countIncludePad?: boolean;
      readonly returnIndices?: boolean;
    } = global ? readOptions(where, options, common) : readOptions(where, options, {
      strides: optional((at, name, value) => checkTuple(at, name, value, axes, { minimum: 1 })),
      padding: (_at, _name, value) => value,
      ceilMode: ceilModeRule,
      countIncludePad: boolean(true),
      ...(max ? { returnIndices: boolean(false) } : {}),
      ...common,
    });
    this.poolSize = Object.freeze(checkTuple(where, "poolSize", poolSize, axes, { minimum: 1 }));
    this.strides = Object.freeze([...read.strides as number[] ?? this.poolSize]);
    const padding = readPadding(where, read.padding, axes);
    this.padding = padding === "same" ? padding : Object.freeze(
      padding.before.map((before, axis) => {
        const after = padding.after[axis]!;
        return before === after ? before : Object.freeze([before, after] as const);
      }),
    );
    this.ceilMode = global ? true : read.ceilMode ?? false;
    this.layout = read.layout;
    this.poolType = kind.type;
    this.globalPool = global;
    this.countIncludePad = read.countIncludePad ?? true;
    this.nanPolicy = read.nanPolicy ?? "skip";
    this.returnIndices = read.returnIndices ?? false;
  }

  /**
   * Pools.
   *
   * @param x Axes as in `layout`; float32 or float16.
   * @returns A tensor of the same dtype; with `returnIndices` also the int32 indices
   *   `(d · height + h) · width + w` of the maxima in their planes, -1 for a window without one.
   * @throws {ShapeError} If the rank is wrong, a window is larger than the padded input, or padding is not
   *   smaller than the window.
   * @throws {TypeError} If the dtype is another one.
   */
  override forward(x: Tensor): Result {
    if (x.rank !== this.layout.length) {
      throw new ShapeError(
        `Cannot apply ${this.constructor.name}: input of shape ${formatShape(x.shape)} has rank ` +
          `${x.rank}, expected ${this.layout.length} (${this.layout})`,
      );
    }
    const { poolType: type, layout, nanPolicy } = this;
    // What a derived class declares as Result follows from the options that it passes on.
    if (this.globalPool) {
      return inLayer(this, () => globalPooling(x, { type, layout, nanPolicy })) as Result;
    }
    const { poolSize, strides, padding, ceilMode, countIncludePad } = this;
    const options = { strides, padding, ceilMode, countIncludePad, layout, nanPolicy };
    return inLayer(this, () => {
      const y = pooling(x, poolSize, { ...options, type });
      return this.returnIndices ? [y, maxPoolIndices(x, poolSize, options)] : y;
    }) as Result;
  }

  /** Gluon's text. */
  override toString(): string {
    const python = (value: CeilMode): string =>
      typeof value === "string" ? value : value ? "True" : "False";
    const padding = this.padding === "same"
      ? "same"
      : `(${
        this.padding.map((side) => typeof side === "number" ? side : formatShape(side)).join(", ")
      }${this.padding.length === 1 ? "," : ""})`;
    const parts = [
      `size=${formatShape(this.poolSize)}`,
      `stride=${formatShape(this.strides)}`,
      `padding=${padding}`,
      `ceil_mode=${python(this.ceilMode)}`,
      `global_pool=${python(this.globalPool)}`,
      `pool_type=${this.poolType}`,
      `layout=${this.layout}`,
    ];
    return `${this.constructor.name}(${parts.join(", ")})`;
  }
}

/**
 * Maximum of windows along one axis.
 *
 * Input `[N, C, W]`, output `[N, C, W']` with `W' = floor((W + 2·padding - size) / stride) + 1`; `NWC` moves `C`
 * to the end of both.
 *
 * @example
 * ```ts
 * import { MaxPool1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[1, 3, 2, 5]]]);
 * using y = new MaxPool1D().call(x);
 * assertEquals([...await y.data()], [3, 5]);
 * ```
 */
export class MaxPool1D<Indices extends boolean = false> extends _Pooling<MaxPoolResult<Indices>> {
  /**
   * Makes the layer.
   *
   * @param poolSize Size of the windows: a number or `[W]`; 2 by default.
   * @param options Strides, padding, layout, rounding, NaN, indices.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(poolSize: Size = 2, options: MaxPoolOptions<"NCW" | "NWC", Indices> = {}) {
    super(poolSize, options, { type: "max", layouts: ["NCW", "NWC"] });
  }
}

/**
 * Maximum of windows along two axes.
 *
 * Input `[N, C, H, W]`, output `[N, C, H', W']` with `H' = floor((H + 2·padding - size) / stride) + 1`, `W'`
 * likewise; `NHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { arange, MaxPool2D } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using numbers = arange(16);
 * using x = numbers.reshape([1, 1, 4, 4]);
 * const [y, indices] = new MaxPool2D(3, { strides: 1, returnIndices: true }).call(x);
 * assertEquals([...await y.data()], [10, 11, 14, 15]);
 * assertEquals([...await indices.data()], [10, 11, 14, 15]);
 * y.dispose();
 * indices.dispose();
 * ```
 */
export class MaxPool2D<Indices extends boolean = false> extends _Pooling<MaxPoolResult<Indices>> {
  /**
   * Makes the layer.
   *
   * @param poolSize Size of the windows: a number or `[H, W]`; 2 by default.
   * @param options Strides, padding, layout, rounding, NaN, indices.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(poolSize: Size = 2, options: MaxPoolOptions<"NCHW" | "NHWC", Indices> = {}) {
    super(poolSize, options, { type: "max", layouts: ["NCHW", "NHWC"] });
  }
}

/**
 * Maximum of windows along three axes.
 *
 * Input `[N, C, D, H, W]`, output `[N, C, D', H', W']` with `D' = floor((D + 2·padding - size) / stride) + 1`,
 * `H'` and `W'` likewise; `NDHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { arange, MaxPool3D } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using numbers = arange(16);
 * using x = numbers.reshape([1, 1, 2, 2, 4]);
 * using y = new MaxPool3D().call(x);
 * assertEquals([...await y.data()], [13, 15]);
 * ```
 */
export class MaxPool3D<Indices extends boolean = false> extends _Pooling<MaxPoolResult<Indices>> {
  /**
   * Makes the layer.
   *
   * @param poolSize Size of the windows: a number or `[D, H, W]`; 2 by default.
   * @param options Strides, padding, layout, rounding, NaN, indices.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(poolSize: Size = 2, options: MaxPoolOptions<"NCDHW" | "NDHWC", Indices> = {}) {
    super(poolSize, options, { type: "max", layouts: ["NCDHW", "NDHWC"] });
  }
}

/**
 * Average of windows along one axis.
 *
 * Input `[N, C, W]`, output `[N, C, W']` with `W' = floor((W + 2·padding - size) / stride) + 1`; `NWC` moves `C`
 * to the end of both.
 *
 * @example
 * ```ts
 * import { AvgPool1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[1, 3, 2, 5]]]);
 * using y = new AvgPool1D(2, { strides: 1 }).call(x);
 * assertEquals([...await y.data()], [2, 2.5, 3.5]);
 * ```
 */
export class AvgPool1D extends _Pooling {
  /**
   * Makes the layer.
   *
   * @param poolSize Size of the windows: a number or `[W]`; 2 by default.
   * @param options Strides, padding, layout, rounding, divisor.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(poolSize: Size = 2, options: AvgPoolOptions<"NCW" | "NWC"> = {}) {
    super(poolSize, options, { type: "avg", layouts: ["NCW", "NWC"] });
  }
}

/**
 * Average of windows along two axes.
 *
 * Input `[N, C, H, W]`, output `[N, C, H', W']` with `H' = floor((H + 2·padding - size) / stride) + 1`, `W'`
 * likewise; `NHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { AvgPool2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([[[[4, 8], [0, 4]]]]);
 * using padded = new AvgPool2D(2, { padding: 1 }).call(x);
 * assertEquals([...await padded.data()], [1, 2, 0, 1]);
 * using inside = new AvgPool2D(2, { padding: 1, countIncludePad: false }).call(x);
 * assertEquals([...await inside.data()], [4, 8, 0, 4]);
 * ```
 */
export class AvgPool2D extends _Pooling {
  /**
   * Makes the layer.
   *
   * @param poolSize Size of the windows: a number or `[H, W]`; 2 by default.
   * @param options Strides, padding, layout, rounding, divisor.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(poolSize: Size = 2, options: AvgPoolOptions<"NCHW" | "NHWC"> = {}) {
    super(poolSize, options, { type: "avg", layouts: ["NCHW", "NHWC"] });
  }
}

/**
 * Average of windows along three axes.
 *
 * Input `[N, C, D, H, W]`, output `[N, C, D', H', W']` with `D' = floor((D + 2·padding - size) / stride) + 1`,
 * `H'` and `W'` likewise; `NDHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { arange, AvgPool3D } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using numbers = arange(8);
 * using x = numbers.reshape([1, 1, 2, 2, 2]);
 * using y = new AvgPool3D().call(x);
 * assertEquals([...await y.data()], [3.5]);
 * ```
 */
export class AvgPool3D extends _Pooling {
  /**
   * Makes the layer.
   *
   * @param poolSize Size of the windows: a number or `[D, H, W]`; 2 by default.
   * @param options Strides, padding, layout, rounding, divisor.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(poolSize: Size = 2, options: AvgPoolOptions<"NCDHW" | "NDHWC"> = {}) {
    super(poolSize, options, { type: "avg", layouts: ["NCDHW", "NDHWC"] });
  }
}
