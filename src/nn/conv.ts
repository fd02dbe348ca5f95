// Convolution layers. After apache/mxnet python/mxnet/gluon/nn/conv_layers.py.

import { _Conv, type ConvOptions, type Size } from "./conv_base.ts";

export { _Conv, type ConvOptions, type Size } from "./conv_base.ts";

/**
 * Convolution along one axis, for sequences and signals.
 *
 * Input `[N, C, W]`, weight `[channels, C / groups, K]`, output `[N, channels, W']` with
 * `W' = floor((W + 2·padding - dilation·(K - 1) - 1) / stride) + 1`; `NWC` moves `C` to the end of all three.
 *
 * @example
 * ```ts
 * import { Conv1D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const conv = new Conv1D(1, 2, { weightInitializer: "ones", useBias: false });
 * conv.initialize();
 * using x = tensor([[[1, 2, 3, 4]]]);
 * using y = conv.call(x);
 * assertEquals([...await y.data()], [3, 5, 7]);
 * conv.dispose();
 * ```
 */
export class Conv1D extends _Conv {
  /**
   * Makes the layer.
   *
   * @param channels Channels of the output.
   * @param kernelSize Size of the window: a number or `[W]`.
   * @param options Strides, padding, dilation, groups, layout, activation, bias, initializers.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(channels: number, kernelSize: Size, options: ConvOptions<"NCW" | "NWC"> = {}) {
    super(channels, kernelSize, options, ["NCW", "NWC"]);
  }
}

/**
 * Convolution along two axes, for images.
 *
 * Input `[N, C, H, W]`, weight `[channels, C / groups, KH, KW]`, output `[N, channels, H', W']` with
 * `H' = floor((H + 2·padding - dilation·(KH - 1) - 1) / stride) + 1`, `W'` likewise; `NHWC` moves `C` to the
 * end of all three.
 *
 * @example
 * ```ts
 * import { Conv2D, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const conv = new Conv2D(8, 3, { padding: 1, activation: "relu" });
 * assertEquals(conv.weight.shape, [8, -1, 3, 3]);
 * conv.initialize("xavier");
 * using x = tensor(new Float32Array(2 * 3 * 5 * 4), [2, 3, 5, 4]);
 * using y = conv.call(x);
 * assertEquals(y.shape, [2, 8, 5, 4]);
 * assertEquals(conv.weight.shape, [8, 3, 3, 3]);
 * conv.dispose();
 * ```
 */
export class Conv2D extends _Conv {
  /**
   * Makes the layer.
   *
   * @param channels Channels of the output.
   * @param kernelSize Size of the window: a number or `[H, W]`.
   * @param options Strides, padding, dilation, groups, layout, activation, bias, initializers.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(channels: number, kernelSize: Size, options: ConvOptions<"NCHW" | "NHWC"> = {}) {
    super(channels, kernelSize, options, ["NCHW", "NHWC"]);
  }
}

/**
 * Convolution along three axes, for volumes and video.
 *
 * Input `[N, C, D, H, W]`, weight `[channels, C / groups, KD, KH, KW]`, output `[N, channels, D', H', W']`
 * with `D' = floor((D + 2·padding - dilation·(KD - 1) - 1) / stride) + 1`, `H'` and `W'` likewise; `NDHWC`
 * moves `C` to the end of all three.
 *
 * @example
 * ```ts
 * import { Conv3D } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const conv = new Conv3D(4, [1, 3, 3], { layout: "NDHWC", inChannels: 2 });
 * assertEquals(conv.weight.shape, [4, 1, 3, 3, 2]);
 * ```
 */
export class Conv3D extends _Conv {
  /**
   * Makes the layer.
   *
   * @param channels Channels of the output.
   * @param kernelSize Size of the window: a number or `[D, H, W]`.
   * @param options Strides, padding, dilation, groups, layout, activation, bias, initializers.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(channels: number, kernelSize: Size, options: ConvOptions<"NCDHW" | "NDHWC"> = {}) {
    super(channels, kernelSize, options, ["NCDHW", "NDHWC"]);
  }
}
