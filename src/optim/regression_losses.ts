// Losses of numbers against numbers. After apache/mxnet python/mxnet/gluon/loss.py.

import { number, readOptions } from "../core/options.ts";
import { abs, greater, square } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { likePrediction, Loss, type LossOptions, lossRules, weigh } from "./loss.ts";

/**
 * Mean of `weight / 2 · (label - pred)²` for each sample.
 *
 * @example
 * ```ts
 * import { losses, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using pred = tensor([[1, 2], [3, 4]]);
 * using label = tensor([[1, 4], [3, 4]]);
 * using loss = new losses.L2Loss().call(pred, label);
 * assertEquals([...await loss.data()], [1, 0]); // 2² / 2, mean of two
 * ```
 */
export class L2Loss extends Loss {
  /**
   * Makes the loss.
   *
   * @param options `weight` (1 by default) and `batchAxis`.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   */
  constructor(options: LossOptions = {}) {
    const read = readOptions("construct L2Loss", options, lossRules);
    super(options.weight === null ? null : read.weight ?? 1, read.batchAxis);
  }

  /**
   * Computes the losses.
   *
   * @param pred Predictions of any shape.
   * @param label As many numbers.
   * @param sampleWeight Broadcasts against the predictions; absent for none.
   * @returns One number for each sample.
   * @throws {ShapeError} If shapes do not fit.
   */
  override forward(pred: Tensor, label: Tensor, sampleWeight?: Tensor | null): Tensor {
    const where = `apply ${this.constructor.name}`;
    const loss = square(likePrediction(where, label, pred).sub(pred));
    return weigh(where, loss, this.batchAxis, (this.weight ?? 1) / 2, sampleWeight);
  }
}

/**
 * Mean of `weight · |label - pred|` for each sample.
 *
 * @example
 * ```ts
 * import { losses, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using pred = tensor([[1, 2], [3, 4]]);
 * using label = tensor([[1, 4], [3, 4]]);
 * using loss = new losses.L1Loss().call(pred, label);
 * assertEquals([...await loss.data()], [1, 0]);
 * ```
 */
export class L1Loss extends Loss {
  /**
   * Makes the loss.
   *
   * @param options `weight` (none by default) and `batchAxis`.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   */
  constructor(options: LossOptions = {}) {
    const read = readOptions("construct L1Loss", options, lossRules);
    super(read.weight ?? null, read.batchAxis);
  }

  /**
   * Computes the losses.
   *
   * @param pred Predictions of any shape.
   * @param label As many numbers.
   * @param sampleWeight Broadcasts against the predictions; absent for none.
   * @returns One number for each sample.
   * @throws {ShapeError} If shapes do not fit.
   */
  override forward(pred: Tensor, label: Tensor, sampleWeight?: Tensor | null): Tensor {
    const where = `apply ${this.constructor.name}`;
    const loss = abs(likePrediction(where, label, pred).sub(pred));
    return weigh(where, loss, this.batchAxis, this.weight, sampleWeight);
  }
}

/** Options of {@linkcode HuberLoss}. */
export interface HuberLossOptions extends LossOptions {
  /** Where the parabola ends and the straight line begins; 1 by default. */
  readonly rho?: number;
}

/**
 * L2 near zero and L1 far from it: `d² / (2 rho)` for `d = |label - pred|` up to `rho`, else `d - rho / 2`;
 * the mean of it for each sample.
 *
 * @example
 * ```ts
 * import { losses, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using pred = tensor([[0], [0]]);
 * using label = tensor([[0.5], [-3]]);
 * using loss = new losses.HuberLoss().call(pred, label);
 * assertEquals([...await loss.data()], [0.125, 2.5]);
 * ```
 */
export class HuberLoss extends Loss {
  /** Where the parabola ends. */
  readonly rho: number;

  /**
   * Makes the loss.
   *
   * @param options `rho`, `weight` (none by default) and `batchAxis`.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If `rho` is not above zero.
   */
  constructor(options: HuberLossOptions = {}) {
    const read = readOptions("construct HuberLoss", options, {
      ...lossRules,
      rho: number({ minimum: Number.MIN_VALUE }, 1),
    });
    super(read.weight ?? null, read.batchAxis);
    this.rho = read.rho;
  }

  /**
   * Computes the losses.
   *
   * @param pred Predictions of any shape.
   * @param label As many numbers.
   * @param sampleWeight Broadcasts against the predictions; absent for none.
   * @returns One number for each sample.
   * @throws {ShapeError} If shapes do not fit.
   */
  override forward(pred: Tensor, label: Tensor, sampleWeight?: Tensor | null): Tensor {
    const { rho } = this;
    const where = `apply ${this.constructor.name}`;
    const distance = abs(likePrediction(where, label, pred).sub(pred));
    const far = greater(distance, rho);
    const near = square(distance).mul(0.5 / rho);
    const loss = far.mul(distance.sub(rho / 2)).add(far.mul(-1).add(1).mul(near));
    return weigh(where, loss, this.batchAxis, this.weight, sampleWeight);
  }
}
