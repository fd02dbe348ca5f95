// The base of the normalization layers: scale and shift of each channel, shape inference and text; the arithmetic is the
// operators'. After apache/mxnet python/mxnet/gluon/nn/basic_layers.py.

import {
  boolean,
  integer,
  number,
  optional,
  type OptionRule,
  readOptions,
} from "../core/options.ts";
import { ShapeError } from "../core/errors.ts";
import { formatShape, normalizeAxis } from "../core/shape.ts";
import type { Tensor } from "../tensor/mod.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { One, Zero } from "./initializer.ts";
import type { InitializerLike } from "./initializers.ts";
import { Parameter } from "./parameter.ts";
import { checkInitializer } from "./parameter_options.ts";
import { pythonText } from "./text.ts";
import { checkTensor } from "./values.ts";

/** Options of all normalization layers. */
export interface NormOptions {
  /** Added to the variance; 1e-5 by default. */
  readonly epsilon?: number;
  /** Whether `beta` is learned; true by default. */
  readonly center?: boolean;
  /** Whether `gamma` is learned; the default is that of the layer. */
  readonly scale?: boolean;
  /** First values of `beta`; zeros by default. */
  readonly betaInitializer?: InitializerLike;
  /** First values of `gamma`; ones by default. */
  readonly gammaInitializer?: InitializerLike;
  /** Channels of the input; 0, the default, takes them from the first input or loaded values. */
  readonly inChannels?: number;
}

/** What a derived class adds to {@linkcode _Norm}. */
export interface NormSettings {
  /** Axis of the channels, counted from the end if negative. */
  readonly axis: number;
  /** Default of `scale`. */
  readonly scale: boolean;
  /** Whether without `scale` there is no gamma at all, so that it gets no gradient whatever is asked. */
  readonly fixesGamma: boolean;
}

/**
 * Base of the normalization layers: `(x - mean) / sqrt(variance + epsilon) * gamma + beta`, where mean and variance are
 * those of the elements that the layer takes together, and `gamma` and `beta` belong to a channel.
 */
export abstract class _Norm extends HybridBlock {
  /** Axis of the channels, counted from the end if negative. */
  readonly axis: number;
  /** Added to the variance. */
  readonly epsilon: number;
  /** Whether `beta` is learned. */
  readonly center: boolean;
  /** Whether `gamma` is learned. */
  readonly scale: boolean;
  /** Channels of the input; 0 if they come from the first input. */
  readonly inChannels: number;
  /** Scale of each channel. */
  readonly gamma: Parameter;
  /** Shift of each channel. */
  readonly beta: Parameter;

  /**
   * Makes the parameters.
   *
   * @param options The options of the layer.
   * @param settings What the layer decides.
   * @param more Rules of the options that a derived class adds and reads itself.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(
    options: NormOptions,
    settings: NormSettings,
    more: Readonly<Record<string, OptionRule<unknown>>> = {},
  ) {
    super();
    const read = readOptions(`construct ${this.constructor.name}`, options, {
      ...more,
      epsilon: number({ minimum: 0 }, 1e-5),
      center: boolean(true),
      scale: boolean(settings.scale),
      betaInitializer: optional(checkInitializer),
      gammaInitializer: optional(checkInitializer),
      inChannels: integer({ minimum: 0 }, 0),
    });
    this.axis = settings.axis;
    this.epsilon = read.epsilon;
    this.center = read.center;
    this.scale = read.scale;
    this.inChannels = read.inChannels;
    const { fixesGamma } = settings;
    this.gamma = this.channelParameter(
      "gamma",
      read.gammaInitializer ?? new One(),
      this.scale,
      !fixesGamma || this.scale,
    );
    this.beta = this.channelParameter(
      "beta",
      read.betaInitializer ?? new Zero(),
      this.center,
      !fixesGamma || this.center,
    );
  }

  /**
   * Sets the shapes of the parameters from an input.
   *
   * @param x The input.
   * @throws {ShapeError} If it has no such axis, or no channels.
   */
  override inferShape(x: Tensor): void {
    checkTensor(`apply ${this.constructor.name}`, "x", x);
    const where = `apply ${this.constructor.name}`;
    const channels = x.shape[normalizeAxis(where, this.axis, x.rank)]!;
    if (channels === 0) {
      throw new ShapeError(
        `Cannot ${where}: input of shape ${
          formatShape(x.shape)
        } has no channels, expected at least 1`,
      );
    }
    for (const parameter of this.params.values()) {
      if (!parameter.shapeKnown) parameter.shape = [channels];
    }
  }

  /** Gluon's text. */
  override toString(): string {
    const parts = Object.entries(this.listed).map(([name, value]) =>
      `${name}=${pythonText(value)}`
    );
    return `${this.constructor.name}(${parts.join(", ")}, in_channels=${this.gamma.shape![0]})`;
  }

  /** What the text lists, by MXNet's names. */
  protected abstract get listed(): Readonly<Record<string, number | boolean>>;

  /**
   * Makes a parameter with one number for each channel.
   *
   * @param name Its name.
   * @param init First values.
   * @param learned Whether it gets a gradient.
   * @param differentiable Whether it could.
   * @returns The parameter.
   */
  protected channelParameter(
    name: string,
    init: InitializerLike,
    learned: boolean,
    differentiable: boolean,
  ): Parameter {
    return new Parameter(name, {
      shape: [this.inChannels],
      init,
      gradReq: learned ? "write" : "null",
      differentiable,
      allowDeferredInit: true,
    });
  }
}
