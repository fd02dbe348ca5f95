// The functions of batch, layer, group and instance normalization.

import { boolean, integer, number, readOptions } from "../core/options.ts";
import type { Tensor } from "../tensor/mod.ts";
import {
  batchNormOperator,
  groupNormOperator,
  instanceNormOperator,
  layerNormOperator,
} from "./normalization.ts";

/** Options of {@linkcode batchNorm}. */
export interface BatchNormOptions {
  /** Axis of the channels; 1 by default. */
  readonly axis?: number;
  /** Added to the variance; 0.001 by default. */
  readonly eps?: number;
  /** Share of its old value that a running statistic keeps; 0.9 by default. */
  readonly momentum?: number;
  /** Take gamma as 1; true by default, as in MXNet. */
  readonly fixGamma?: boolean;
  /** Use the running statistics in training too; false by default. */
  readonly useGlobalStats?: boolean;
}

/**
 * `(x - mean) / sqrt(variance + eps) * gamma + beta` for each channel.
 *
 * In training mode mean and variance are those of the channel over the whole batch, and the running statistics are
 * overwritten: `running = momentum * running + (1 - momentum) * new`. Else they are the running statistics.
 *
 * @param x Tensor, float32 or float16.
 * @param gamma Scale of each channel, float32.
 * @param beta Shift of each channel, float32.
 * @param runningMean Running mean of each channel, float32.
 * @param runningVar Running variance of each channel, float32.
 * @param options Everything else.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If an argument or a dtype is wrong.
 * @throws {RangeError} If an option is out of range.
 * @throws {ShapeError} If shapes do not fit.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { autograd, batchNorm, ones, tensor, zeros } from "@vknn/vknn";
 *
 * using x = tensor([[1], [3]]);
 * using mean = zeros([1]);
 * using variance = ones([1]);
 * using y = autograd.trainMode(() => batchNorm(x, ones([1]), zeros([1]), mean, variance));
 * assertAlmostEquals((await y.data())[0]!, -1, 1e-3);
 * assertAlmostEquals(await mean.item(), 0.2, 1e-6); // a tenth of the way to 2
 * ```
 */
export function batchNorm(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  runningMean: Tensor,
  runningVar: Tensor,
  options?: BatchNormOptions,
): Tensor {
  const { axis, eps, momentum, fixGamma, useGlobalStats } = readOptions(
    "apply BatchNorm",
    options,
    {
      axis: integer({}, 1),
      eps: number({ minimum: 0 }, 1e-3),
      momentum: number({}, 0.9),
      fixGamma: boolean(true),
      useGlobalStats: boolean(false),
    },
  );
  return batchNormOperator.apply([x, gamma, beta, runningMean, runningVar], {
    axis,
    eps,
    momentum,
    fix_gamma: fixGamma,
    use_global_stats: useGlobalStats,
  });
}

/** Options of {@linkcode layerNorm}. */
export interface LayerNormOptions {
  /** The axis to normalize; -1, the last one, by default. */
  readonly axis?: number;
  /** Added to the variance; 1e-5 by default. */
  readonly eps?: number;
}

/**
 * Normalizes along one axis: `(x - mean) / sqrt(variance + eps) * gamma + beta`.
 *
 * @param x Tensor of at least one axis, float32 or float16.
 * @param gamma Scale of each position on the axis, of the dtype of `x`.
 * @param beta Shift of each position on the axis, likewise.
 * @param options Axis and epsilon.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If an argument or a dtype is wrong.
 * @throws {RangeError} If an option is out of range.
 * @throws {ShapeError} If shapes do not fit.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { layerNorm, ones, tensor, zeros } from "@vknn/vknn";
 *
 * using x = tensor([[1, 2, 3, 4, 5]]);
 * using gamma = ones([5]);
 * using beta = zeros([5]);
 * using y = layerNorm(x, gamma, beta);
 * assertAlmostEquals((await y.data())[4]!, Math.SQRT2, 1e-4);
 * ```
 */
export function layerNorm(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  options?: LayerNormOptions,
): Tensor {
  const read = readOptions("apply LayerNorm", options, {
    axis: integer({}, -1),
    eps: number({ minimum: 0 }, 1e-5),
  });
  return layerNormOperator.apply([x, gamma, beta], read);
}

/** Options of {@linkcode groupNorm}. */
export interface GroupNormOptions {
  /** Number of groups of channels; 1 by default. */
  readonly numGroups?: number;
  /** Added to the variance; 1e-5 by default. */
  readonly eps?: number;
}

/**
 * Normalizes groups of neighboring channels of each entry of a batch.
 *
 * @param x `[N, C, …]`, float32 or float16.
 * @param gamma Scale of each channel, of the dtype of `x`.
 * @param beta Shift of each channel, likewise.
 * @param options Groups and epsilon.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If an argument or a dtype is wrong.
 * @throws {RangeError} If an option is out of range.
 * @throws {ShapeError} If shapes do not fit, or the groups do not divide the channels.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { groupNorm, ones, tensor, zeros } from "@vknn/vknn";
 *
 * using x = tensor([[[1, 3], [2, 4]]]);
 * using gamma = ones([2]);
 * using beta = zeros([2]);
 * using y = groupNorm(x, gamma, beta, { numGroups: 2 });
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, at % 2 === 0 ? -1 : 1, 1e-4));
 * ```
 */
export function groupNorm(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  options?: GroupNormOptions,
): Tensor {
  const { numGroups, eps } = readOptions("apply GroupNorm", options, {
    numGroups: integer({ minimum: 1 }, 1),
    eps: number({ minimum: 0 }, 1e-5),
  });
  return groupNormOperator.apply([x, gamma, beta], { num_groups: numGroups, eps });
}

/** Options of {@linkcode instanceNorm}. */
export interface InstanceNormOptions {
  /** Added to the variance; 0.001 by default. */
  readonly eps?: number;
}

/**
 * Normalizes every channel of each entry of a batch.
 *
 * @param x `[N, C, …]`, float32 or float16.
 * @param gamma Scale of each channel, of the dtype of `x`.
 * @param beta Shift of each channel, likewise.
 * @param options Epsilon.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If an argument or a dtype is wrong.
 * @throws {RangeError} If an option is out of range.
 * @throws {ShapeError} If shapes do not fit.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { instanceNorm, ones, tensor, zeros } from "@vknn/vknn";
 *
 * using x = tensor([[[1, 3]], [[2, 4]]]);
 * using gamma = ones([1]);
 * using beta = zeros([1]);
 * using y = instanceNorm(x, gamma, beta);
 * (await y.data()).forEach((value, at) => assertAlmostEquals(value, at % 2 === 0 ? -1 : 1, 1e-3));
 * ```
 */
export function instanceNorm(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  options?: InstanceNormOptions,
): Tensor {
  const read = readOptions("apply InstanceNorm", options, { eps: number({ minimum: 0 }, 1e-3) });
  return instanceNormOperator.apply([x, gamma, beta], read);
}
