// What the deformable convolution layers share: options, parameters, shape inference, the branch that computes offsets.
// After apache/mxnet python/mxnet/gluon/nn/conv_layers.py.

import { ShapeError } from "../core/errors.ts";
import {
  boolean,
  checkEnum,
  checkInteger,
  checkTuple,
  describe,
  integer,
  oneOf,
  optional,
  type OptionRule,
  readOptions,
  tuple,
} from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import {
  ACTIVATION_NAMES,
  type ActivationName,
  convolution,
  type DeformableConvolutionOptions,
} from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { Activation } from "./activation.ts";
import type { Size } from "./conv.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { Zero } from "./initializer.ts";
import type { InitializerLike } from "./initializers.ts";
import { inLayer } from "./layer_error.ts";
import { Parameter } from "./parameter.ts";
import { checkInitializer } from "./parameter_options.ts";
import { checkTensor } from "./values.ts";

/** Options of the deformable convolution layers. */
export interface DeformableConvOptions {
  /** Distance between windows; 1 by default. */
  readonly strides?: Size;
  /** How far windows begin outside of the image; 0 by default. */
  readonly padding?: Size;
  /** Distance between the taps of a window before they are moved; 1 by default. */
  readonly dilation?: Size;
  /** Splits input and output channels into independent groups, also of the offset branch; 1 by default. */
  readonly groups?: number;
  /** Groups of input channels, each with offsets of its own; 1 by default. */
  readonly numDeformableGroup?: number;
  /** Order of the axes of input, output and weights; channels first by default. */
  readonly layout?: "NCHW" | "NHWC";
  /** Whether a bias is added; true by default. */
  readonly useBias?: boolean;
  /** Channels of the input; 0, the default, takes them from the first input or loaded values. */
  readonly inChannels?: number;
  /** Applied to the result; none by default. An empty text means none too, in these classes only. */
  readonly activation?: ActivationName | "" | null;
  /** First values of the weight; those given to `initialize` by default. */
  readonly weightInitializer?: InitializerLike | null;
  /** First values of the bias; zeros by default, null for those given to `initialize`. */
  readonly biasInitializer?: InitializerLike | null;
  /** First values of the offset branch's weight; zeros by default, null for those given to `initialize`. */
  readonly offsetWeightInitializer?: InitializerLike | null;
  /** First values of the offset branch's bias; zeros by default, null for those given to `initialize`. */
  readonly offsetBiasInitializer?: InitializerLike | null;
  /** Whether the offset branch has a bias; true by default. */
  readonly offsetUseBias?: boolean;
  /** Stored, and without effect, as in Gluon. */
  readonly opName?: string;
  /** Only null is allowed, as Gluon's operator takes no such argument. */
  readonly adj?: null;
}

const name: OptionRule<string | undefined> = (where, option, value) => {
  if (value === undefined || typeof value === "string") return value;
  throw new TypeError(`Cannot ${where}: ${option} is ${describe(value)}, expected a string`);
};

const nothing: OptionRule<null> = (where, option, value) => {
  if (value === undefined || value === null) return null;
  throw new RangeError(`Cannot ${where}: ${option} is ${describe(value)}, expected null`);
};

const activationRule: OptionRule<ActivationName | undefined> = (where, option, value) =>
  value === undefined || value === null || value === ""
    ? undefined
    : checkEnum(where, option, value, ACTIVATION_NAMES);

/**
 * Base of the deformable convolution layers. Derive from {@linkcode DeformableConvolution} or
 * {@linkcode ModulatedDeformableConvolution} instead.
 */
export abstract class _DeformableConvolution extends HybridBlock {
  /** Channels of the output. */
  readonly channels: number;
  /** Channels of the input; 0 if they come from the first input. */
  readonly inChannels: number;
  /** Height and width of the window. */
  readonly kernelSize: readonly number[];
  /** Distance between windows along every axis. */
  readonly strides: readonly number[];
  /** How far windows begin outside of the image along every axis. */
  readonly padding: readonly number[];
  /** Distance between taps along every axis. */
  readonly dilation: readonly number[];
  /** Number of independent groups of channels. */
  readonly groups: number;
  /** Groups of input channels that share offsets. */
  readonly numDeformableGroup: number;
  /** Order of the axes of input and output. */
  readonly layout: "NCHW" | "NHWC";
  /** Channels of the offset branch: two for every tap and deformable group, and one more in v2. */
  readonly offsetChannels: number;
  /** Gluon's `op_name`; without effect. */
  readonly opName: string;
  /** Weight of the offset branch; the attribute's name is that in files. */
  readonly offset_weight: Parameter;
  /** Bias of the offset branch; null without. */
  readonly offset_bias: Parameter | null;
  /** Weight of the convolution. */
  readonly deformable_conv_weight: Parameter;
  /** Bias of the convolution; null without. */
  readonly deformable_conv_bias: Parameter | null;
  /** The activation; null for none. `forward` fuses it into the convolution while it has no hooks. */
  readonly act: Activation | null;

  /**
   * Makes the layer.
   *
   * @param channels Channels of the output.
   * @param kernelSize Size of the window.
   * @param options Everything else.
   * @param version Channels of the offset branch for each tap, and whether its parameters come first.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   * @throws {ShapeError} If groups do not divide channels.
   */
  constructor(
    channels: number,
    kernelSize: Size,
    options: DeformableConvOptions,
    version: { readonly channelsPerTap: number; readonly offsetFirst: boolean },
  ) {
    super();
    const where = `construct ${this.constructor.name}`;
    this.channels = checkInteger(where, "channels", channels, { minimum: 1 });
    this.kernelSize = Object.freeze(checkTuple(where, "kernelSize", kernelSize, 2, { minimum: 1 }));
    const read = readOptions(where, options, {
      strides: tuple(2, { minimum: 1 }, 1),
      padding: tuple(2, { minimum: 0 }, 0),
      dilation: tuple(2, { minimum: 1 }, 1),
      groups: integer({ minimum: 1 }, 1),
      numDeformableGroup: integer({ minimum: 1 }, 1),
      layout: oneOf(["NCHW", "NHWC"] as const, "NCHW"),
      useBias: boolean(true),
      inChannels: integer({ minimum: 0 }, 0),
      activation: activationRule,
      weightInitializer: optional(checkInitializer),
      biasInitializer: optional(checkInitializer),
      offsetWeightInitializer: optional(checkInitializer),
      offsetBiasInitializer: optional(checkInitializer),
      offsetUseBias: boolean(true),
      opName: name,
      adj: nothing,
    });
    this.strides = Object.freeze(read.strides);
    this.padding = Object.freeze(read.padding);
    this.dilation = Object.freeze(read.dilation);
    this.groups = read.groups;
    this.numDeformableGroup = read.numDeformableGroup;
    this.layout = read.layout;
    this.inChannels = read.inChannels;
    this.opName = read.opName ?? this.constructor.name;
    const taps = this.kernelSize[0]! * this.kernelSize[1]!;
    this.offsetChannels = version.channelsPerTap * this.numDeformableGroup * taps;
    this.#checkDivides(where, "channels", this.channels, "groups");
    this.#checkDivides(where, "channels of the offset branch", this.offsetChannels, "groups");
    this.#checkInput(where, "inChannels", this.inChannels);

    const parameter = (
      id: string,
      shape: readonly number[],
      init: InitializerLike | null,
    ): Parameter => new Parameter(id, { shape, init, allowDeferredInit: true });
    // Only an explicit null means the values given to initialize().
    const initOf = (key: "biasInitializer" | "offsetWeightInitializer" | "offsetBiasInitializer") =>
      options[key] === null ? null : read[key] ?? new Zero();
    const offsetWeight = parameter(
      "offset_weight",
      this.preInferOffsetWeight(this.inChannels),
      initOf("offsetWeightInitializer"),
    );
    const offsetBias = read.offsetUseBias
      ? parameter("offset_bias", [this.offsetChannels], initOf("offsetBiasInitializer"))
      : null;
    const weight = parameter(
      "deformable_conv_weight",
      this.preInferWeight(this.inChannels),
      read.weightInitializer ?? null,
    );
    const bias = read.useBias
      ? parameter("deformable_conv_bias", [this.channels], initOf("biasInitializer"))
      : null;
    // The order of these assignments is the order of the parameters.
    if (version.offsetFirst) {
      this.offset_weight = offsetWeight;
      this.offset_bias = offsetBias;
      this.deformable_conv_weight = weight;
      this.deformable_conv_bias = bias;
    } else {
      this.deformable_conv_weight = weight;
      this.deformable_conv_bias = bias;
      this.offset_weight = offsetWeight;
      this.offset_bias = offsetBias;
    }
    this.act = read.activation === undefined ? null : new Activation(read.activation);
  }

  /**
   * The shape of the convolution's weight for some number of input channels.
   *
   * @param inChannels The input channels; 0 if they are unknown, which leaves a -1.
   * @returns Sizes in the order of the layout, with output channels at `N`.
   * @throws {TypeError} If they are no number.
   * @throws {RangeError} If they are negative or no integer.
   */
  preInferWeight(inChannels: number = 0): number[] {
    return this.#weightShape(this.channels, inChannels);
  }

  /**
   * The shape of the offset branch's weight for some number of input channels.
   *
   * @param inChannels The input channels; 0 if they are unknown, which leaves a -1.
   * @returns Sizes in the order of the layout, with the branch's channels at `N`.
   * @throws {TypeError} If they are no number.
   * @throws {RangeError} If they are negative or no integer.
   */
  preInferOffsetWeight(inChannels: number = 0): number[] {
    return this.#weightShape(this.offsetChannels, inChannels);
  }

  /**
   * Sets the shapes of both weights from an input.
   *
   * @param x The input, axes as in `layout`.
   * @throws {ShapeError} If its rank is wrong or groups do not divide its channels.
   */
  override inferShape(x: Tensor): void {
    checkTensor(`apply ${this.constructor.name}`, "x", x);
    const known = this.deformable_conv_weight.shapeKnown || this.offset_weight.shapeKnown;
    if (known) this.#checkChannels(x);
    const where = `apply ${this.constructor.name}`;
    const found = this.#channelsOf(x);
    if (found === 0) {
      throw new ShapeError(
        `Cannot ${where}: input of shape ${
          formatShape(x.shape)
        } has no channels, expected at least 1`,
      );
    }
    this.#checkInput(where, "channels of the input", found);
    this.offset_weight.shape = this.preInferOffsetWeight(found);
    this.deformable_conv_weight.shape = this.preInferWeight(found);
  }

  /**
   * The result of the offset branch: an ordinary convolution of the input.
   *
   * @param x The input, axes as in `layout`.
   * @returns `offsetChannels` channels, sizes as of the output.
   */
  protected offsets(x: Tensor): Tensor {
    this.#checkChannels(x);
    const { strides, padding, dilation, groups, layout } = this;
    const options = { strides, padding, dilation, groups, layout };
    const [weight, bias] = [
      this.offset_weight.data(x.device),
      this.offset_bias?.data(x.device),
    ];
    return inLayer(this, () => convolution(x, weight, bias, options));
  }

  /**
   * Convolves and applies the activation.
   *
   * @param x The input.
   * @param convolve Calls the operator.
   * @returns The output.
   */
  protected convolve(
    x: Tensor,
    convolve: (
      weight: Tensor,
      bias: Tensor | undefined,
      options: DeformableConvolutionOptions,
    ) => Tensor,
  ): Tensor {
    const fused = this.act?.constructor === Activation && !this.act.hasHooks
      ? this.act.actType
      : null;
    const weight = this.deformable_conv_weight.data(x.device);
    const { strides, padding, dilation, groups, numDeformableGroup, layout } = this;
    const bias = this.deformable_conv_bias?.data(x.device);
    const window = { strides, padding, dilation, groups, numDeformableGroup, layout };
    const y = inLayer(this, () => convolve(weight, bias, { ...window, activation: fused }));
    return this.act !== null && fused === null ? this.act.call(y) : y;
  }

  #weightShape(filters: number, inChannels: number): number[] {
    const where = `infer the weight of ${this.constructor.name}`;
    checkInteger(where, "inChannels", inChannels, { minimum: 0 });
    const channels = inChannels === 0 ? -1 : inChannels / this.groups;
    const [kh, kw] = this.kernelSize as [number, number];
    return this.layout === "NCHW" ? [filters, channels, kh, kw] : [filters, kh, kw, channels];
  }

  #channelsOf(x: Tensor): number {
    if (x.rank !== 4) {
      throw new ShapeError(
        `Cannot apply ${this.constructor.name}: input of shape ${formatShape(x.shape)} has rank ` +
          `${x.rank}, expected 4 (${this.layout})`,
      );
    }
    return x.shape[this.layout.indexOf("C")]!;
  }

  #checkChannels(x: Tensor): void {
    const parameter = this.deformable_conv_weight.shapeKnown
      ? this.deformable_conv_weight
      : this.offset_weight;
    const weight = parameter.shape!;
    const expected = weight[this.layout.indexOf("C")]! * this.groups;
    const found = this.#channelsOf(x);
    if (found === expected) return;
    throw new ShapeError(
      `Cannot apply ${this.constructor.name}: input of shape ${formatShape(x.shape)} has ` +
        `${found} channels, ${parameter.name} of shape ${
          formatShape(weight)
        } expects ${expected} ` +
        `(groups = ${this.groups})`,
    );
  }

  #checkInput(where: string, what: string, count: number): void {
    this.#checkDivides(where, what, count, "groups");
    this.#checkDivides(where, what, count, "numDeformableGroup");
  }

  #checkDivides(
    where: string,
    what: string,
    count: number,
    by: "groups" | "numDeformableGroup",
  ): void {
    if (count % this[by] === 0) return;
    throw new ShapeError(
      `Cannot ${where}: ${what} is ${count}, expected a multiple of ${by} (${this[by]})`,
    );
  }
}
