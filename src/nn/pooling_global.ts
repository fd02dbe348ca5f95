// Global pooling layers: one number for each plane.
// After apache/mxnet python/mxnet/gluon/nn/conv_layers.py.

import type { Layout, NanPolicy } from "../ops/index.ts";
import { _Pooling } from "./pooling.ts";

/** Options of the global average pooling layers. */
export interface GlobalPoolOptions<Order extends Layout = Layout> {
  /** Order of the axes; channels first by default. */
  readonly layout?: Order;
}

/** Options of the global max pooling layers. */
export interface GlobalMaxPoolOptions<Order extends Layout = Layout>
  extends GlobalPoolOptions<Order> {
  /** `"skip"`, the default, never takes NaN or -infinity; `"propagate"` takes the first NaN, and -infinity. */
  readonly nanPolicy?: NanPolicy;
}

/**
 * Maximum of every plane along one axis.
 *
 * Input `[N, C, W]`, output `[N, C, 1]`; `NWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { GlobalMaxPool1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 6], [1, 1, 4]);
 * using y = new GlobalMaxPool1D().call(x);
 * assertEquals(y.shape, [1, 1, 1]);
 * assertEquals([...await y.data()], [6]);
 * ```
 */
export class GlobalMaxPool1D extends _Pooling {
  /**
   * Makes the layer.
   *
   * @param options The layout, and what to do with NaN.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: GlobalMaxPoolOptions<"NCW" | "NWC"> = {}) {
    super(1, options, { type: "max", layouts: ["NCW", "NWC"], global: true });
  }
}

/**
 * Maximum of every plane along two axes.
 *
 * Input `[N, C, H, W]`, output `[N, C, 1, 1]`; `NHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { GlobalMaxPool2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 6], [1, 1, 2, 2]);
 * using y = new GlobalMaxPool2D().call(x);
 * assertEquals(y.shape, [1, 1, 1, 1]);
 * assertEquals([...await y.data()], [6]);
 * ```
 */
export class GlobalMaxPool2D extends _Pooling {
  /**
   * Makes the layer.
   *
   * @param options The layout, and what to do with NaN.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: GlobalMaxPoolOptions<"NCHW" | "NHWC"> = {}) {
    super(1, options, { type: "max", layouts: ["NCHW", "NHWC"], global: true });
  }
}

/**
 * Maximum of every plane along three axes.
 *
 * Input `[N, C, D, H, W]`, output `[N, C, 1, 1, 1]`; `NDHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { GlobalMaxPool3D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 6], [1, 1, 1, 2, 2]);
 * using y = new GlobalMaxPool3D().call(x);
 * assertEquals(y.shape, [1, 1, 1, 1, 1]);
 * assertEquals([...await y.data()], [6]);
 * ```
 */
export class GlobalMaxPool3D extends _Pooling {
  /**
   * Makes the layer.
   *
   * @param options The layout, and what to do with NaN.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: GlobalMaxPoolOptions<"NCDHW" | "NDHWC"> = {}) {
    super(1, options, { type: "max", layouts: ["NCDHW", "NDHWC"], global: true });
  }
}

/**
 * Average of every plane along one axis.
 *
 * Input `[N, C, W]`, output `[N, C, 1]`; `NWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { GlobalAvgPool1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 6], [1, 1, 4]);
 * using y = new GlobalAvgPool1D().call(x);
 * assertEquals(y.shape, [1, 1, 1]);
 * assertEquals([...await y.data()], [3]);
 * ```
 */
export class GlobalAvgPool1D extends _Pooling {
  /**
   * Makes the layer.
   *
   * @param options The layout.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: GlobalPoolOptions<"NCW" | "NWC"> = {}) {
    super(1, options, { type: "avg", layouts: ["NCW", "NWC"], global: true });
  }
}

/**
 * Average of every plane along two axes.
 *
 * Input `[N, C, H, W]`, output `[N, C, 1, 1]`; `NHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { GlobalAvgPool2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 6], [1, 1, 2, 2]);
 * using y = new GlobalAvgPool2D().call(x);
 * assertEquals(y.shape, [1, 1, 1, 1]);
 * assertEquals([...await y.data()], [3]);
 * ```
 */
export class GlobalAvgPool2D extends _Pooling {
  /**
   * Makes the layer.
   *
   * @param options The layout.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: GlobalPoolOptions<"NCHW" | "NHWC"> = {}) {
    super(1, options, { type: "avg", layouts: ["NCHW", "NHWC"], global: true });
  }
}

/**
 * Average of every plane along three axes.
 *
 * Input `[N, C, D, H, W]`, output `[N, C, 1, 1, 1]`; `NDHWC` moves `C` to the end of both.
 *
 * @example
 * ```ts
 * import { GlobalAvgPool3D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([1, 2, 3, 6], [1, 1, 1, 2, 2]);
 * using y = new GlobalAvgPool3D().call(x);
 * assertEquals(y.shape, [1, 1, 1, 1, 1]);
 * assertEquals([...await y.data()], [3]);
 * ```
 */
export class GlobalAvgPool3D extends _Pooling {
  /**
   * Makes the layer.
   *
   * @param options The layout.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: GlobalPoolOptions<"NCDHW" | "NDHWC"> = {}) {
    super(1, options, { type: "avg", layouts: ["NCDHW", "NDHWC"], global: true });
  }
}
