// Deformable convolution layers v1 and v2. After apache/mxnet python/mxnet/gluon/nn/conv_layers.py.

import { formatShape } from "../core/shape.ts";
import {
  deformableConvolution,
  modulatedDeformableConvolution,
  mul,
  sigmoid,
  slice,
} from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { Size } from "./conv.ts";
import { _DeformableConvolution, type DeformableConvOptions } from "./deformable_base.ts";

/**
 * Convolution along two axes whose taps move: every output has offsets of its own, which an ordinary convolution of the
 * same input computes (Dai et al., 2017).
 *
 * Input `[N, C, H, W]`, weight `[channels, C / groups, KH, KW]`, output `[N, channels, H', W']` with `H' =
 * floor((H + 2·padding - dilation·(KH - 1) - 1) / stride) + 1`, `W'` likewise. The offset branch has `2 ·
 * numDeformableGroup · KH · KW` filters; its zeros make the first output that of {@linkcode Conv2D}. See
 * {@linkcode deformableConvolution} for the sampler. `NHWC` moves `C` to the end of all tensors.
 *
 * @example
 * ```ts
 * import { DeformableConvolution, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const conv = new DeformableConvolution(8, 3, { padding: 1, numDeformableGroup: 3 });
 * conv.initialize("xavier");
 * using x = tensor(new Float32Array(2 * 3 * 5 * 4), [2, 3, 5, 4]);
 * using y = conv.call(x);
 * assertEquals(y.shape, [2, 8, 5, 4]);
 * assertEquals(conv.offset_weight.shape, [54, 3, 3, 3]);
 * conv.dispose();
 * ```
 */
export class DeformableConvolution extends _DeformableConvolution {
  /**
   * Makes the layer.
   *
   * @param channels Channels of the output.
   * @param kernelSize Size of the window: a number or `[H, W]`; 1 by default.
   * @param options Strides, padding, dilation, groups, layout, activation, biases, initializers.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   * @throws {ShapeError} If groups do not divide channels.
   */
  constructor(channels: number, kernelSize: Size = 1, options: DeformableConvOptions = {}) {
    super(channels, kernelSize, options, { channelsPerTap: 2, offsetFirst: true });
  }

  /**
   * Computes offsets, convolves, adds the bias and applies the activation.
   *
   * @param x `[N, inChannels, H, W]`, axes as in `layout`.
   * @returns `[N, channels, H', W']`, axes as in `layout`.
   * @throws {ShapeError} If rank or channels do not fit, or the window is larger than the padded input.
   */
  override forward(x: Tensor): Tensor {
    const offset = this.offsets(x);
    return this.convolve(
      x,
      (weight, bias, options) => deformableConvolution(x, offset, weight, bias, options),
    );
  }

  /** Gluon's text: channels, sizes, and whatever differs from the defaults. */
  override toString(): string {
    const shape = this.deformable_conv_weight.shape!;
    const parts = [
      `${shape[1]} -> ${shape[0]}`,
      `kernel_size=${formatShape(this.kernelSize)}`,
      `stride=${formatShape(this.strides)}`,
    ];
    if (this.padding.some((size) => size !== 0)) parts.push(`padding=${formatShape(this.padding)}`);
    if (this.dilation.some((step) => step !== 1)) {
      parts.push(`dilation=${formatShape(this.dilation)}`);
    }
    if (this.groups !== 1) parts.push(`groups=${this.groups}`);
    if (this.deformable_conv_bias === null) parts.push("bias=False");
    if (this.act !== null) parts.push(`${this.act}`);
    return `${this.constructor.name}(${parts.join(", ")})`;
  }
}

/**
 * Convolution along two axes whose taps move and have weights of their own: every output has offsets and a mask, which an
 * ordinary convolution of the same input computes (Zhu et al., 2019).
 *
 * As {@linkcode DeformableConvolution}, but the offset branch has `3 · numDeformableGroup · KH · KW` filters: the offsets,
 * then logits of the mask `2·sigmoid(logit)`, which is 1 at first; and the image fades to zero at its border, see
 * {@linkcode modulatedDeformableConvolution}.
 *
 * @example
 * ```ts
 * import { ModulatedDeformableConvolution, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const conv = new ModulatedDeformableConvolution(1, 2, { weightInitializer: "ones" });
 * conv.initialize();
 * using x = tensor([[[[1, 2, 3], [4, 5, 6]]]]);
 * using y = conv.call(x);
 * assertEquals(await y.toList(), [[[[12, 16]]]]); // as a plain convolution before training
 * conv.dispose();
 * ```
 */
export class ModulatedDeformableConvolution extends _DeformableConvolution {
  /** Channels of the offset branch that are offsets; those behind are logits of the mask. */
  readonly offsetSplitIndex: number;

  /**
   * Makes the layer.
   *
   * @param channels Channels of the output.
   * @param kernelSize Size of the window: a number or `[H, W]`; 1 by default.
   * @param options Strides, padding, dilation, groups, layout, activation, biases, initializers.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   * @throws {ShapeError} If groups do not divide channels.
   */
  constructor(channels: number, kernelSize: Size = 1, options: DeformableConvOptions = {}) {
    super(channels, kernelSize, options, { channelsPerTap: 3, offsetFirst: false });
    this.offsetSplitIndex = this.offsetChannels / 3 * 2;
  }

  /**
   * Computes offsets and mask, convolves, adds the bias and applies the activation.
   *
   * @param x `[N, inChannels, H, W]`, axes as in `layout`.
   * @returns `[N, channels, H', W']`, axes as in `layout`.
   * @throws {ShapeError} If rank or channels do not fit, or the window is larger than the padded input.
   */
  override forward(x: Tensor): Tensor {
    const both = this.offsets(x);
    const before = new Array<null>(this.layout.indexOf("C")).fill(null);
    const offset = slice(both, [...before, 0], [...before, this.offsetSplitIndex]);
    const mask = mul(sigmoid(slice(both, [...before, this.offsetSplitIndex])), 2);
    return this.convolve(
      x,
      (weight, bias, options) =>
        modulatedDeformableConvolution(x, offset, mask, weight, bias, options),
    );
  }
}
