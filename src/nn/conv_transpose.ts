// Transposed convolution layers: what they have other than convolutions. After apache/mxnet
// python/mxnet/gluon/nn/conv_layers.py.

import { checkInteger, checkTuple, tuple } from "../core/options.ts";
import { fixedOptions } from "../ops/fixed_options.ts";
import { deconvolution, type DeconvolutionOptions, type Layout } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { _Conv, type ConvOptions, type Size } from "./conv_base.ts";
import { layerError } from "./layer_error.ts";

/** Options of the transposed convolution layers. */
export interface ConvTransposeOptions<L extends Layout = Layout> extends ConvOptions<L> {
  /** Results more at the far end of every axis, less than the stride; 0 by default. */
  readonly outputPadding?: Size;
}

/**
 * Base of the transposed convolution layers, and the place to extend them.
 *
 * A transposed convolution is the gradient of a convolution with respect to its input: per spatial axis
 * `out = stride·(in - 1) + dilation·(kernel - 1) + 1 - 2·padding + outputPadding`, and
 * `y[n, o, t] = bias[o] + Σ_c Σ_k x[n, c, (t + padding - k·dilation) / stride] · weight[c, o, k]` over the taps for
 * which the division leaves nothing and hits the input; `c` runs over the input channels of the group of `o`.
 * Padding leaves results out: one number or a pair `[before, after]` for each axis, or `"same"` for `stride·in`.
 */
export abstract class _ConvTranspose extends _Conv {
  /** Results more at the far end of every axis. */
  readonly outputPadding: readonly number[];
  /** What all calls have in common. */
  #shared: DeconvolutionOptions | undefined;

  /**
   * Makes the layer.
   *
   * @param channels Channels of the output.
   * @param kernelSize Size of the window.
   * @param options Everything else.
   * @param layouts The layouts allowed, the default first; they also tell the number of axes.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   * @throws {ShapeError} If `groups` does not divide the channels.
   */
  constructor(
    channels: number,
    kernelSize: Size,
    options: ConvTransposeOptions,
    layouts: readonly [Layout, ...Layout[]],
  ) {
    const axes = layouts[0].length - 2;
    super(channels, kernelSize, options, layouts, {
      outputPadding: tuple(axes, { minimum: 0 }, 0),
    });
    const where = `construct ${this.constructor.name}`;
    this.outputPadding = Object.freeze(
      checkTuple(where, "outputPadding", options.outputPadding ?? 0, axes, { minimum: 0 }),
    );
  }

  /**
   * The shape of the weight for some number of input channels.
   *
   * @param inChannels The input channels; 0 if they are unknown, which leaves a -1.
   * @returns Sizes in the order of the layout, with input channels at `N`, output channels of a group at `C`.
   * @throws {TypeError} If they are no number.
   * @throws {RangeError} If they are negative or no integer.
   */
  override preInfer(inChannels: number = 0): number[] {
    const where = `infer the weight of ${this.constructor.name}`;
    checkInteger(where, "inChannels", inChannels, { minimum: 0 });
    let spatial = 0;
    return [...this.layout].map((axis) => {
      if (axis === "N") return inChannels === 0 ? -1 : inChannels;
      return axis === "C" ? this.channels / this.groups : this.kernelSize[spatial++]!;
    });
  }

  /**
   * Convolves transposed, adds the bias and applies the activation.
   *
   * @param x `[N, inChannels, …]`, axes as in `layout`.
   * @param outputSize Spatial sizes of the output, which then settle the output padding; by default they follow
   *   from `outputPadding`.
   * @returns `[N, channels, …]`, axes as in `layout`.
   * @throws {ShapeError} If rank or channels do not fit, the output padding is not less than the stride, the
   *   output would be empty, or `outputSize` cannot be reached.
   */
  override forward(x: Tensor, outputSize?: Size | null): Tensor {
    this.checkChannels(x);
    const activation = this.fusedActivation;
    if (this.#shared?.activation !== activation) {
      const { strides, padding, outputPadding, dilation, groups, layout } = this;
      const shared = { strides, padding, outputPadding, dilation, groups, layout, activation };
      this.#shared = fixedOptions(shared);
    }
    const options = outputSize === undefined || outputSize === null
      ? this.#shared
      : { ...this.#shared, outputSize };
    const { device } = x;
    const [weight, bias] = [this.weight.data(device), this.bias?.data(device)];
    let y: Tensor;
    try {
      y = deconvolution(x, weight, bias, options);
    } catch (error) {
      throw layerError(error, this.constructor.name);
    }
    return this.activate(y);
  }

  /** What the text says of the channels; sizes 0 and 1 of the weight, as in Gluon, whatever the layout. */
  protected override get mapping(): string {
    const shape = this.weight.shape!;
    return `${shape[0]} -> ${shape[1]}`;
  }

  /** The input channels that the weight expects. */
  protected override get expectedChannels(): number {
    return this.weight.shape![this.layout.indexOf("N")]!;
  }
}

/**
 * Transposed convolution along one axis, for decoders of sequences and signals.
 *
 * Input `[N, C, W]`, weight `[C, channels / groups, K]`, output `[N, channels, W']` with
 * `W' = stride·(W - 1) + dilation·(K - 1) + 1 - 2·padding + outputPadding`; `NWC` moves `C` to the end of all three.
 *
 * @example
 * ```ts
 * import { Conv1DTranspose, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new Conv1DTranspose(1, 3, { strides: 2, weightInitializer: "ones" });
 * layer.initialize();
 * using x = tensor([[[1, 10]]]);
 * using y = layer.call(x);
 * assertEquals([...await y.data()], [1, 1, 11, 10, 10]);
 * layer.dispose();
 * ```
 */
export class Conv1DTranspose extends _ConvTranspose {
  /**
   * Makes the layer.
   *
   * @param channels Channels of the output.
   * @param kernelSize Size of the window: a number or `[W]`.
   * @param options Strides, padding, output padding, dilation, groups, layout, activation, bias, initializers.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(
    channels: number,
    kernelSize: Size,
    options: ConvTransposeOptions<"NCW" | "NWC"> = {},
  ) {
    super(channels, kernelSize, options, ["NCW", "NWC"]);
  }
}

/**
 * Transposed convolution along two axes, for decoders and generators of images.
 *
 * Input `[N, C, H, W]`, weight `[C, channels / groups, KH, KW]`, output `[N, channels, H', W']` with
 * `H' = stride·(H - 1) + dilation·(KH - 1) + 1 - 2·padding + outputPadding`, `W'` likewise; `NHWC` moves `C` to the
 * end of all three.
 *
 * @example
 * ```ts
 * import { Conv2DTranspose, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new Conv2DTranspose(8, 4, { strides: 2, padding: 1, activation: "relu" });
 * assertEquals(layer.weight.shape, [-1, 8, 4, 4]);
 * layer.initialize("xavier");
 * using x = tensor(new Float32Array(2 * 3 * 5 * 4), [2, 3, 5, 4]);
 * using y = layer.call(x);
 * assertEquals(y.shape, [2, 8, 10, 8]);
 * using larger = layer.call(x, [11, 8]);
 * assertEquals(larger.shape, [2, 8, 11, 8]);
 * layer.dispose();
 * ```
 */
export class Conv2DTranspose extends _ConvTranspose {
  /**
   * Makes the layer.
   *
   * @param channels Channels of the output.
   * @param kernelSize Size of the window: a number or `[H, W]`.
   * @param options Strides, padding, output padding, dilation, groups, layout, activation, bias, initializers.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(
    channels: number,
    kernelSize: Size,
    options: ConvTransposeOptions<"NCHW" | "NHWC"> = {},
  ) {
    super(channels, kernelSize, options, ["NCHW", "NHWC"]);
  }
}

/**
 * Transposed convolution along three axes, for decoders of volumes and video; dilation too, which MXNet refuses.
 *
 * Input `[N, C, D, H, W]`, weight `[C, channels / groups, KD, KH, KW]`, output `[N, channels, D', H', W']` with
 * `D' = stride·(D - 1) + dilation·(KD - 1) + 1 - 2·padding + outputPadding`, `H'` and `W'` likewise; `NDHWC` moves
 * `C` to the end of all three.
 *
 * @example
 * ```ts
 * import { Conv3DTranspose } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = new Conv3DTranspose(4, [1, 2, 2], { strides: [1, 2, 2], layout: "NDHWC", inChannels: 6 });
 * assertEquals(layer.weight.shape, [6, 1, 2, 2, 4]);
 * ```
 */
export class Conv3DTranspose extends _ConvTranspose {
  /**
   * Makes the layer.
   *
   * @param channels Channels of the output.
   * @param kernelSize Size of the window: a number or `[D, H, W]`.
   * @param options Strides, padding, output padding, dilation, groups, layout, activation, bias, initializers.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(
    channels: number,
    kernelSize: Size,
    options: ConvTransposeOptions<"NCDHW" | "NDHWC"> = {},
  ) {
    super(channels, kernelSize, options, ["NCDHW", "NDHWC"]);
  }
}
