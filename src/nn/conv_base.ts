// The base of the convolution layers: parameters, shape inference and text; the arithmetic is the operator's.
// After apache/mxnet python/mxnet/gluon/nn/conv_layers.py.

import { ShapeError } from "../core/errors.ts";
import {
  boolean,
  checkInteger,
  checkTuple,
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
  type ConvolutionOptions,
  type ConvolutionPadding,
  type Layout,
} from "../ops/index.ts";
import { fixedOptions } from "../ops/fixed_options.ts";
import { readPadding } from "../ops/pooling_functions.ts";
import type { Tensor } from "../tensor/mod.ts";
import { Activation } from "./activation.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { Zero } from "./initializer.ts";
import type { InitializerLike } from "./initializers.ts";
import { layerError } from "./layer_error.ts";
import { Parameter } from "./parameter.ts";
import { checkInitializer } from "./parameter_options.ts";
import { checkTensor } from "./values.ts";

/** One number for all axes, or one for each: `[W]`, `[H, W]` or `[D, H, W]`, whatever the layout. */
export type Size = number | readonly number[];

/** Options of the convolution layers. */
export interface ConvOptions<L extends Layout = Layout> {
  /** Distance between windows; 1 by default. */
  readonly strides?: Size;
  /**
   * Zeros around: one number for all axes, one or a pair `[before, after]` for each, or `"same"` for
   * `ceil(in / stride)` windows; 0 by default.
   */
  readonly padding?: ConvolutionPadding;
  /** Distance between the inputs of one window; 1 by default. */
  readonly dilation?: Size;
  /** Splits input and output channels into independent groups; 1 by default. */
  readonly groups?: number;
  /** Order of the axes of input, output and weight; channels first by default. */
  readonly layout?: L;
  /** Applied to the result; none by default. */
  readonly activation?: ActivationName | null;
  /** Whether a bias is added; true by default. */
  readonly useBias?: boolean;
  /** First values of the weight; those given to `initialize` by default. */
  readonly weightInitializer?: InitializerLike | null;
  /** First values of the bias; zeros by default, null for those given to `initialize`. */
  readonly biasInitializer?: InitializerLike | null;
  /** Channels of the input; 0, the default, takes them from the first input or loaded values. */
  readonly inChannels?: number;
}

/** What every call needs: blocks are proxies, of which reading an attribute takes as long as a small native call. */
interface Known {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly act: Activation | null;
  /** The shape of the last input, which fits: tensors of one shape share it. */
  accepted?: readonly number[];
  /** What all calls have in common. */
  options?: ConvolutionOptions;
}

/**
 * Base of the convolution layers, and the place to extend them: derive from it for a convolution of
 * another operator, override `forward`, and `preInfer` where the weight has other axes.
 *
 * Per spatial axis: `out = floor((in + 2·padding - dilation·(kernel - 1) - 1) / stride) + 1`, and
 * `y[n, o, q] = bias[o] + Σ_c Σ_k x[n, c, q·stride - padding + k·dilation] · weight[o, c, k]`, where `c`
 * runs over the input channels of the group of `o`, and `x` is 0 outside its bounds.
 */
export abstract class _Conv extends HybridBlock {
  /** Channels of the output. */
  readonly channels: number;
  /** Channels of the input; 0 if they come from the first input. */
  readonly inChannels: number;
  /** Size of the window along every axis. */
  readonly kernelSize: readonly number[];
  /** Distance between windows along every axis. */
  readonly strides: readonly number[];
  /** Zeros around every axis, as pairs where the sides differ; or `"same"`. */
  readonly padding: readonly (number | readonly [number, number])[] | "same";
  /** Distance between the inputs of one window along every axis. */
  readonly dilation: readonly number[];
  /** Number of independent groups of channels. */
  readonly groups: number;
  /** Order of the axes of input and output. */
  readonly layout: Layout;
  /** The weight: output channels at `N` of the layout, input channels of a group at `C`. */
  readonly weight: Parameter;
  /** One number for each output channel; null without bias. */
  readonly bias: Parameter | null;
  /** The activation; null for none. `forward` fuses it into the convolution while it has no hooks. */
  readonly act: Activation | null;
  #known: Known | undefined;

  /**
   * Makes the layer.
   *
   * @param channels Channels of the output.
   * @param kernelSize Size of the window.
   * @param options Everything else.
   * @param layouts The layouts allowed, the default first; they also tell the number of axes.
   * @param more Rules of the options that a derived class adds and reads itself.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   * @throws {ShapeError} If `groups` does not divide the channels.
   */
  constructor(
    channels: number,
    kernelSize: Size,
    options: ConvOptions,
    layouts: readonly [Layout, ...Layout[]],
    more: Readonly<Record<string, OptionRule<unknown>>> = {},
  ) {
    super();
    const where = `construct ${this.constructor.name}`;
    const axes = layouts[0].length - 2;
    this.channels = checkInteger(where, "channels", channels, { minimum: 1 });
    this.kernelSize = Object.freeze(
      checkTuple(where, "kernelSize", kernelSize, axes, { minimum: 1 }),
    );
    const read = readOptions(where, options, {
      ...more,
      strides: tuple(axes, { minimum: 1 }, 1),
      padding: (_at: string, _name: string, value: unknown) => value,
      dilation: tuple(axes, { minimum: 1 }, 1),
      groups: integer({ minimum: 1 }, 1),
      layout: oneOf(layouts, layouts[0]),
      activation: optional(oneOf(ACTIVATION_NAMES)),
      useBias: boolean(true),
      weightInitializer: optional(checkInitializer),
      biasInitializer: optional(checkInitializer),
      inChannels: integer({ minimum: 0 }, 0),
    });
    this.strides = Object.freeze(read.strides);
    const padding = readPadding(where, read.padding, axes);
    this.padding = padding === "same" ? padding : Object.freeze(
      padding.before.map((before, axis) => {
        const after = padding.after[axis]!;
        return before === after ? before : Object.freeze([before, after] as const);
      }),
    );
    this.dilation = Object.freeze(read.dilation);
    this.groups = read.groups;
    this.layout = read.layout;
    this.inChannels = read.inChannels;
    this.#checkGroups(where, "channels", this.channels);
    this.#checkGroups(where, "inChannels", this.inChannels);
    this.weight = new Parameter("weight", {
      shape: this.preInfer(this.inChannels),
      init: read.weightInitializer ?? null,
      allowDeferredInit: true,
    });
    const biasInitializer = options.biasInitializer === null
      ? null
      : read.biasInitializer ?? new Zero();
    this.bias = read.useBias
      ? new Parameter("bias", {
        shape: [this.channels],
        init: biasInitializer,
        allowDeferredInit: true,
      })
      : null;
    this.act = read.activation === undefined ? null : new Activation(read.activation);
  }

  /**
   * The shape of the weight for some number of input channels.
   *
   * @param inChannels The input channels; 0 if they are unknown, which leaves a -1.
   * @returns Sizes in the order of the layout, with output channels at `N`.
   * @throws {TypeError} If they are no number.
   * @throws {RangeError} If they are negative or no integer.
   * @throws {ShapeError} If groups do not divide them.
   */
  preInfer(inChannels: number = 0): number[] {
    const where = `infer the weight of ${this.constructor.name}`;
    checkInteger(where, "inChannels", inChannels, { minimum: 0 });
    this.#checkGroups(where, "inChannels", inChannels);
    const sizes: number[] = [];
    let spatial = 0;
    for (const axis of this.layout) {
      if (axis === "N") sizes.push(this.channels);
      else if (axis === "C") sizes.push(inChannels === 0 ? -1 : inChannels / this.groups);
      else sizes.push(this.kernelSize[spatial++]!);
    }
    return sizes;
  }

  /**
   * Sets the shape of the weight from an input.
   *
   * @param x The input, axes as in `layout`.
   * @throws {ShapeError} If its rank is wrong or `groups` does not divide its channels.
   */
  override inferShape(x: Tensor): void {
    checkTensor(`apply ${this.constructor.name}`, "x", x);
    if (this.weight.shapeKnown) return this.checkChannels(x);
    const where = `apply ${this.constructor.name}`;
    const found = this.channelsOf(x);
    if (found === 0) {
      throw new ShapeError(
        `Cannot ${where}: input of shape ${
          formatShape(x.shape)
        } has no channels, expected at least 1`,
      );
    }
    this.#checkGroups(where, "channels of the input", found);
    this.weight.shape = this.preInfer(found);
  }

  /**
   * Convolves, adds the bias and applies the activation.
   *
   * @param x `[N, inChannels, …]`, axes as in `layout`.
   * @returns `[N, channels, …]`, axes as in `layout`.
   * @throws {ShapeError} If rank or channels do not fit, or the window is larger than the padded input.
   */
  override forward(x: Tensor): Tensor {
    const known = this.#known ??= { weight: this.weight, bias: this.bias, act: this.act };
    if (x.shape !== known.accepted) this.checkChannels(x);
    known.accepted = x.shape;
    const activation = fusedIn(known.act);
    if (known.options?.activation !== activation) {
      const { strides, padding, dilation, groups, layout } = this;
      known.options = fixedOptions({ strides, padding, dilation, groups, layout, activation });
    }
    const { device } = x;
    let y: Tensor;
    try {
      y = convolution(x, known.weight.data(device), known.bias?.data(device), known.options);
    } catch (error) {
      throw layerError(error, this.constructor.name);
    }
    return activation !== null || known.act === null ? y : this.activate(y);
  }

  /** Forgets what calls keep of the attributes. */
  protected override changed(): void {
    this.#known = undefined;
    super.changed();
  }

  /** The activation that the operator applies itself; null for none, or one that has hooks. */
  protected get fusedActivation(): ActivationName | null {
    return fusedIn(this.act);
  }

  /**
   * Applies the activation where the operator did not.
   *
   * @param y The operator's result.
   * @returns The layer's result.
   */
  protected activate(y: Tensor): Tensor {
    return this.act !== null && this.fusedActivation === null ? this.act.call(y) : y;
  }

  /**
   * The channels of an input.
   *
   * @param x The input.
   * @returns Its size along `C` of the layout.
   * @throws {ShapeError} If its rank is not that of the layout.
   */
  protected channelsOf(x: Tensor): number {
    if (x.rank !== this.layout.length) {
      throw new ShapeError(
        `Cannot apply ${this.constructor.name}: input of shape ${formatShape(x.shape)} has rank ` +
          `${x.rank}, expected ${this.layout.length} (${this.layout})`,
      );
    }
    return x.shape[this.layout.indexOf("C")]!;
  }

  /** Gluon's text: channels, sizes, and whatever differs from the defaults. */
  override toString(): string {
    const parts = [
      this.mapping,
      `kernel_size=${formatShape(this.kernelSize)}`,
      `stride=${formatShape(this.strides)}`,
    ];
    if (this.padding === "same") parts.push("padding=same");
    else if (this.padding.some((side) => side !== 0)) {
      const sides = this.padding.map((side) => typeof side === "number" ? side : formatShape(side));
      parts.push(`padding=(${sides.join(", ")}${sides.length === 1 ? "," : ""})`);
    }
    if (this.dilation.some((step) => step !== 1)) {
      parts.push(`dilation=${formatShape(this.dilation)}`);
    }
    if (this.groups !== 1) parts.push(`groups=${this.groups}`);
    if (this.bias === null) parts.push("bias=False");
    if (this.act !== null) parts.push(`${this.act}`);
    return `${this.constructor.name}(${parts.join(", ")})`;
  }

  /** What the text says of the channels; sizes 1 and 0 of the weight, as in Gluon, whatever the layout. */
  protected get mapping(): string {
    const shape = this.weight.shape!;
    return `${shape[1]} -> ${shape[0]}`;
  }

  /** The input channels that the weight expects. */
  protected get expectedChannels(): number {
    return this.weight.shape![this.layout.indexOf("C")]! * this.groups;
  }

  /**
   * Checks the channels of an input.
   *
   * @param x The input.
   * @throws {ShapeError} If the weight expects others, or the rank is wrong.
   */
  protected checkChannels(x: Tensor): void {
    const expected = this.expectedChannels;
    const found = this.channelsOf(x);
    if (found === expected) return;
    throw new ShapeError(
      `Cannot apply ${this.constructor.name}: input of shape ${formatShape(x.shape)} has ` +
        `${found} channels, weight of shape ${
          formatShape(this.weight.shape!)
        } expects ${expected} ` +
        `(groups = ${this.groups})`,
    );
  }

  #checkGroups(where: string, name: string, count: number): void {
    if (count % this.groups === 0) return;
    throw new ShapeError(
      `Cannot ${where}: ${name} is ${count}, expected a multiple of groups (${this.groups})`,
    );
  }
}

/** What the operator applies in place of a block: null for none, or one that has hooks. */
function fusedIn(act: Activation | null): ActivationName | null {
  return act?.constructor === Activation && !act.hasHooks ? act.actType : null;
}
