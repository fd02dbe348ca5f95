// Batch normalization as a layer. After apache/mxnet python/mxnet/gluon/nn/basic_layers.py.

import type { DType } from "../core/dtype.ts";
import { boolean, integer, number, optional, readOptions } from "../core/options.ts";
import { batchNorm } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { One, Zero } from "./initializer.ts";
import type { InitializerLike } from "./initializers.ts";
import { inLayer } from "./layer_error.ts";
import { _Norm, type NormOptions } from "./norm_base.ts";
import type { Parameter } from "./parameter.ts";
import { checkInitializer } from "./parameter_options.ts";

/** Options of {@linkcode BatchNorm}. */
export interface BatchNormLayerOptions extends NormOptions {
  /** Axis of the channels; 1 by default. */
  readonly axis?: number;
  /** Share of its old value that a running statistic keeps; 0.9 by default. */
  readonly momentum?: number;
  /** Normalize by the running statistics in training too; false by default. */
  readonly useGlobalStats?: boolean;
  /** First values of the running mean; zeros by default. */
  readonly runningMeanInitializer?: InitializerLike;
  /** First values of the running variance; ones by default. */
  readonly runningVarianceInitializer?: InitializerLike;
}

const rules = {
  axis: integer({}, 1),
  momentum: number({}, 0.9),
  useGlobalStats: boolean(false),
  runningMeanInitializer: optional(checkInitializer),
  runningVarianceInitializer: optional(checkInitializer),
} as const;

/**
 * Batch normalization (Ioffe and Szegedy, 2014). In training, `autograd.record`, every channel is normalized by its mean
 * and variance over the batch, and the running statistics move toward these; else by the running statistics.
 *
 * @example
 * ```ts
 * import { autograd, BatchNorm, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const norm = new BatchNorm();
 * norm.initialize();
 * using x = tensor([[1], [3]]);
 * using y = autograd.record(() => norm.call(x));
 * assertAlmostEquals((await y.data())[0]!, -1, 1e-4);
 * assertAlmostEquals(await norm.running_mean.data().item(), 0.2, 1e-6);
 * assertEquals(
 *   `${norm}`,
 *   "BatchNorm(axis=1, eps=1e-05, momentum=0.9, fix_gamma=False, use_global_stats=False, in_channels=1)",
 * );
 * norm.dispose();
 * ```
 */
export class BatchNorm extends _Norm {
  /** Share of its old value that a running statistic keeps. */
  readonly momentum: number;
  /** Whether the running statistics are used in training too. */
  readonly useGlobalStats: boolean;
  /** Running mean of each channel; has no gradient. */
  readonly running_mean: Parameter;
  /** Running variance of each channel; has no gradient. */
  readonly running_var: Parameter;

  /**
   * Makes the layer.
   *
   * @param options Axis, epsilon, momentum, and so on.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: BatchNormLayerOptions = {}) {
    const where = `construct ${new.target.name}`;
    const own = Object.fromEntries(
      Object.entries(options ?? {}).filter(([name]) => name in rules),
    );
    const { axis, ...read } = readOptions(where, own, rules);
    super(options, { axis, scale: true, fixesGamma: true }, rules);
    this.momentum = read.momentum;
    this.useGlobalStats = read.useGlobalStats;
    this.running_mean = this.channelParameter(
      "running_mean",
      read.runningMeanInitializer ?? new Zero(),
      false,
      false,
    );
    this.running_var = this.channelParameter(
      "running_var",
      read.runningVarianceInitializer ?? new One(),
      false,
      false,
    );
  }

  /**
   * Converts the parameters; to float32 where float16 is asked for, in which statistics would lose their digits.
   *
   * @param dtype The element type.
   * @throws {RangeError} If there is no such dtype.
   */
  override cast(dtype: DType): void {
    super.cast(dtype === "float16" ? "float32" : dtype);
  }

  /**
   * Normalizes every channel.
   *
   * @param x Tensor with the channels on `axis`, float32 or float16.
   * @returns A tensor of the same shape and dtype.
   * @throws {ShapeError} If the channels are not those of the parameters.
   */
  override forward(x: Tensor): Tensor {
    const { device } = x;
    const [gamma, beta] = [this.gamma.data(device), this.beta.data(device)];
    const [mean, variance] = [this.running_mean.data(device), this.running_var.data(device)];
    const options = {
      axis: this.axis,
      eps: this.epsilon,
      momentum: this.momentum,
      fixGamma: !this.scale,
      useGlobalStats: this.useGlobalStats,
    };
    return inLayer(this, () => batchNorm(x, gamma, beta, mean, variance, options));
  }

  /** What the text lists. */
  protected override get listed(): Readonly<Record<string, number | boolean>> {
    return {
      axis: this.axis,
      eps: this.epsilon,
      momentum: this.momentum,
      fix_gamma: !this.scale,
      use_global_stats: this.useGlobalStats,
    };
  }
}
