// Adaptive pooling layers, which make a given number of windows. MXNet has none as layers; names,
// arguments and windows are PyTorch's.

import { ShapeError } from "../core/errors.ts";
import { boolean, checkTuple, oneOf, readOptions } from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import {
  adaptiveMaxPoolIndices,
  adaptivePooling,
  type Layout,
  type NanPolicy,
} from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { inLayer } from "./layer_error.ts";
import type { MaxPoolResult } from "./pooling.ts";

/** Windows along every axis: a number, or one for each axis, null for as many as the input has elements. */
export type AdaptiveSize = number | readonly (number | null)[];

/** Options of the adaptive average pooling layers. */
export interface AdaptivePoolOptions<Order extends Layout = Layout> {
  /** Order of the axes; channels first by default. */
  readonly layout?: Order;
}

/** Options of the adaptive max pooling layers. */
export interface AdaptiveMaxPoolOptions<
  Order extends Layout = Layout,
  Indices extends boolean = boolean,
> extends AdaptivePoolOptions<Order> {
  /** `"skip"`, the default, never takes NaN or -infinity; `"propagate"` takes the first NaN, and -infinity. */
  readonly nanPolicy?: NanPolicy;
  /** Also return where the maxima are. False by default. */
  readonly returnIndices?: Indices;
}

function checkRank(name: string, x: Tensor, layout: Layout): void {
  if (x.rank === layout.length) return;
  throw new ShapeError(
    `Cannot apply ${name}: input of shape ${formatShape(x.shape)} has rank ${x.rank}, ` +
      `expected ${layout.length} (${layout})`,
  );
}

/**
 * Base of the adaptive pooling layers. It has no parameters.
 *
 * On each spatial axis window i covers elements `floor(i · in / out)` to `ceil((i + 1) · in / out)`, so that
 * windows have nearly equal sizes and may overlap by one element.
 */
export abstract class _AdaptivePooling<Result = Tensor> extends HybridBlock {
  /** Windows along every axis; null for as many as the input has elements. */
  readonly outputSize: readonly (number | null)[];
  /** Order of the axes of input and output. */
  readonly layout: Layout;
  /** Maxima or averages. */
  readonly poolType: "max" | "avg";
  /** What a maximum does with NaN and -infinity. */
  readonly nanPolicy: NanPolicy;
  /** Whether `forward` also returns where the maxima are. */
  readonly returnIndices: boolean;

  /**
   * Makes the layer.
   *
   * @param outputSize Windows along every axis.
   * @param options Everything else that a caller chooses.
   * @param type Maxima or averages.
   * @param layouts The layouts allowed, the default first; they also tell the number of axes.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(
    outputSize: AdaptiveSize,
    options: AdaptiveMaxPoolOptions,
    type: "max" | "avg",
    layouts: readonly [Layout, ...Layout[]],
  ) {
    super();
    const where = `construct ${this.constructor.name}`;
    const common = { layout: oneOf(layouts, layouts[0]) };
    const read: {
      readonly layout: Layout;
      readonly nanPolicy?: NanPolicy;
      readonly returnIndices?: boolean;
    } = type === "avg" ? readOptions(where, options, common) : readOptions(where, options, {
      ...common,
      nanPolicy: oneOf(["skip", "propagate"], "skip"),
      returnIndices: boolean(false),
    });
    // A null stands for any size: 1 in its place passes the check.
    const given: readonly unknown[] | null = Array.isArray(outputSize) ? outputSize : null;
    const counts = checkTuple(
      where,
      "outputSize",
      given === null ? outputSize : given.map((entry) => entry === null ? 1 : entry),
      layouts[0].length - 2,
      { minimum: 1 },
    );
    this.outputSize = Object.freeze(
      counts.map((count, axis) => given?.[axis] === null ? null : count),
    );
    this.layout = read.layout;
    this.poolType = type;
    this.nanPolicy = read.nanPolicy ?? "skip";
    this.returnIndices = read.returnIndices ?? false;
  }

  /**
   * Pools.
   *
   * @param x Axes as in `layout`; float32 or float16.
   * @returns A tensor of the same dtype; with `returnIndices` also the int32 indices
   *   `(d · height + h) · width + w` of the maxima in their planes, -1 for a window without one.
   * @throws {ShapeError} If the rank is wrong.
   * @throws {TypeError} If the dtype is another one.
   */
  override forward(x: Tensor): Result {
    const { outputSize, poolType: type, layout, nanPolicy } = this;
    checkRank(this.constructor.name, x, layout);
    const options = { layout, nanPolicy };
    // What a derived class declares as Result follows from the options that it passes on.
    return inLayer(this, () => {
      const y = adaptivePooling(x, outputSize, { ...options, type });
      return this.returnIndices ? [y, adaptiveMaxPoolIndices(x, outputSize, options)] : y;
    }) as Result;
  }

  /** Class, output size and layout. */
  override toString(): string {
    const size = this.outputSize.map((count) => count ?? "None").join(", ");
    const comma = this.outputSize.length === 1 ? "," : "";
    return `${this.constructor.name}(output_size=(${size}${comma}), layout=${this.layout})`;
  }
}

/**
 * Average of a given number of windows along one axis.
 *
 * Input `[N, C, W]`, output `[N, C, outputSize…]`; `NWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { AdaptiveAvgPool1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 4, 5], [1, 1, 5]);
 * using y = new AdaptiveAvgPool1D(2).call(x);
 * assertEquals([...await y.data()], [2, 4]);
 * ```
 */
export class AdaptiveAvgPool1D extends _AdaptivePooling {
  /**
   * Makes the layer.
   *
   * @param outputSize Windows: a number or `[W]`, null for as many as the input has elements.
   * @param options The layout.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(outputSize: AdaptiveSize, options: AdaptivePoolOptions<"NCW" | "NWC"> = {}) {
    super(outputSize, options, "avg", ["NCW", "NWC"]);
  }
}

/**
 * Average of a given number of windows along two axes.
 *
 * Input `[N, C, H, W]`, output `[N, C, outputSize…]`; `NHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { AdaptiveAvgPool2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 4, 5, 6], [1, 1, 2, 3]);
 * using y = new AdaptiveAvgPool2D([1, 2]).call(x);
 * assertEquals([...await y.data()], [3, 4]);
 * ```
 */
export class AdaptiveAvgPool2D extends _AdaptivePooling {
  /**
   * Makes the layer.
   *
   * @param outputSize Windows: a number or `[H, W]`, null for as many as the input has elements.
   * @param options The layout.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(outputSize: AdaptiveSize, options: AdaptivePoolOptions<"NCHW" | "NHWC"> = {}) {
    super(outputSize, options, "avg", ["NCHW", "NHWC"]);
  }
}

/**
 * Average of a given number of windows along three axes.
 *
 * Input `[N, C, D, H, W]`, output `[N, C, outputSize…]`; `NDHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { AdaptiveAvgPool3D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 4, 5, 6], [1, 1, 1, 2, 3]);
 * using y = new AdaptiveAvgPool3D([1, null, 1]).call(x);
 * assertEquals([...await y.data()], [2, 5]);
 * ```
 */
export class AdaptiveAvgPool3D extends _AdaptivePooling {
  /**
   * Makes the layer.
   *
   * @param outputSize Windows: a number or `[D, H, W]`, null for as many as the input has elements.
   * @param options The layout.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(outputSize: AdaptiveSize, options: AdaptivePoolOptions<"NCDHW" | "NDHWC"> = {}) {
    super(outputSize, options, "avg", ["NCDHW", "NDHWC"]);
  }
}

/**
 * Maximum of a given number of windows along one axis.
 *
 * Input `[N, C, W]`, output `[N, C, outputSize…]`; `NWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { AdaptiveMaxPool1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 4, 5], [1, 1, 5]);
 * using y = new AdaptiveMaxPool1D(2).call(x);
 * assertEquals([...await y.data()], [3, 5]);
 * ```
 */
export class AdaptiveMaxPool1D<Indices extends boolean = false>
  extends _AdaptivePooling<MaxPoolResult<Indices>> {
  /**
   * Makes the layer.
   *
   * @param outputSize Windows: a number or `[W]`, null for as many as the input has elements.
   * @param options The layout, NaN, indices.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(
    outputSize: AdaptiveSize,
    options: AdaptiveMaxPoolOptions<"NCW" | "NWC", Indices> = {},
  ) {
    super(outputSize, options, "max", ["NCW", "NWC"]);
  }
}

/**
 * Maximum of a given number of windows along two axes.
 *
 * Input `[N, C, H, W]`, output `[N, C, outputSize…]`; `NHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { AdaptiveMaxPool2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 4, 5, 6], [1, 1, 2, 3]);
 * using y = new AdaptiveMaxPool2D([1, 2]).call(x);
 * assertEquals([...await y.data()], [5, 6]);
 * ```
 */
export class AdaptiveMaxPool2D<Indices extends boolean = false>
  extends _AdaptivePooling<MaxPoolResult<Indices>> {
  /**
   * Makes the layer.
   *
   * @param outputSize Windows: a number or `[H, W]`, null for as many as the input has elements.
   * @param options The layout, NaN, indices.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(
    outputSize: AdaptiveSize,
    options: AdaptiveMaxPoolOptions<"NCHW" | "NHWC", Indices> = {},
  ) {
    super(outputSize, options, "max", ["NCHW", "NHWC"]);
  }
}

/**
 * Maximum of a given number of windows along three axes.
 *
 * Input `[N, C, D, H, W]`, output `[N, C, outputSize…]`; `NDHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { AdaptiveMaxPool3D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 4, 5, 6], [1, 1, 1, 2, 3]);
 * using y = new AdaptiveMaxPool3D([1, null, 1]).call(x);
 * assertEquals([...await y.data()], [3, 6]);
 * ```
 */
export class AdaptiveMaxPool3D<Indices extends boolean = false>
  extends _AdaptivePooling<MaxPoolResult<Indices>> {
  /**
   * Makes the layer.
   *
   * @param outputSize Windows: a number or `[D, H, W]`, null for as many as the input has elements.
   * @param options The layout, NaN, indices.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(
    outputSize: AdaptiveSize,
    options: AdaptiveMaxPoolOptions<"NCDHW" | "NDHWC", Indices> = {},
  ) {
    super(outputSize, options, "max", ["NCDHW", "NDHWC"]);
  }
}
