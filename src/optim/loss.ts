// What all losses share: weighting, the mean over everything but the batch, text.
// After apache/mxnet python/mxnet/gluon/loss.py.

import { ShapeError } from "../core/errors.ts";
import { integer, number, optional, type OptionRule, readOptions } from "../core/options.ts";
import { describe, formatShape, normalizeAxis } from "../core/shape.ts";
import { HybridBlock } from "../nn/hybrid_block.ts";
import { mean } from "../ops/index.ts";
import { Tensor } from "../tensor/mod.ts";

/** Options of every loss. */
export interface LossOptions {
  /** Multiplies the loss; see each loss for its default. */
  readonly weight?: number | null;
  /** The axis of the samples, which keep a loss each; 0 by default. */
  readonly batchAxis?: number;
}

/** Rules of the options that every loss has. */
export const lossRules = {
  weight: optional(number({})),
  batchAxis: integer({}, 0),
} as const satisfies Record<string, OptionRule<unknown>>;

/** Base of the losses, and the place to extend them: derive from it and override `forward`. */
export abstract class Loss extends HybridBlock {
  /** Multiplies the loss; null for none. */
  readonly weight: number | null;
  /** The axis of the samples. */
  readonly batchAxis: number;

  /**
   * Makes the loss.
   *
   * @param weight Multiplies the loss; null for none.
   * @param batchAxis The axis of the samples.
   * @throws {TypeError} If an argument has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(weight: number | null, batchAxis: number = 0) {
    super();
    const where = `construct ${this.constructor.name}`;
    const read = readOptions(where, { weight, batchAxis }, lossRules);
    this.weight = read.weight ?? null;
    this.batchAxis = read.batchAxis;
  }

  /**
   * Computes one loss for each sample.
   *
   * @param inputs Predictions, labels, and weights of samples, as each loss says.
   * @returns One number for each sample.
   */
  abstract override forward(...inputs: (Tensor | null | undefined)[]): Tensor;

  /** Gluon's text. */
  override toString(): string {
    const { weight } = this;
    const text = weight === null ? "None" : Number.isInteger(weight) ? `${weight}.0` : `${weight}`;
    return `${this.constructor.name}(batch_axis=${this.batchAxis}, w=${text})`;
  }
}

/**
 * Gives a label the shape of the prediction.
 *
 * @param where What is being done, for messages.
 * @param label The label.
 * @param pred The prediction.
 * @returns The label, of the same shape.
 * @throws {TypeError} If one of them is no tensor.
 * @throws {ShapeError} If the numbers of elements differ.
 */
export function likePrediction(where: string, label: Tensor, pred: Tensor): Tensor {
  for (const [name, value] of [["pred", pred], ["label", label]] as const) {
    if (value instanceof Tensor) continue;
    throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected a Tensor`);
  }
  if (label.size === pred.size) return label.reshape([...pred.shape]);
  throw new ShapeError(
    `Cannot ${where}: label has shape ${formatShape(label.shape)}, expected as many elements as ` +
      `pred of shape ${formatShape(pred.shape)}`,
  );
}

/**
 * Applies the weights to a loss and takes the mean over all axes but the batch.
 *
 * @param where What is being done, for messages.
 * @param loss The loss of every element.
 * @param batchAxis The axis that stays.
 * @param weight Multiplies everything; null for none.
 * @param sampleWeight Multiplies sample by sample: a shape that broadcasts against the loss; absent for none.
 * @returns One number for each sample.
 * @throws {ShapeError} If the axis is out of range, or weights would repeat the loss.
 */
export function weigh(
  where: string,
  loss: Tensor,
  batchAxis: number,
  weight: number | null,
  sampleWeight: Tensor | null | undefined,
): Tensor {
  let weighted = loss;
  if (sampleWeight !== null && sampleWeight !== undefined) {
    if (!(sampleWeight instanceof Tensor)) {
      const found = describe(sampleWeight);
      throw new TypeError(`Cannot ${where}: sampleWeight is ${found}, expected a Tensor`);
    }
    weighted = loss.mul(sampleWeight);
    if (weighted.size !== loss.size || weighted.rank !== loss.rank) {
      throw new ShapeError(
        `Cannot ${where}: sampleWeight has shape ${
          formatShape(sampleWeight.shape)
        }, expected one ` +
          `that broadcasts to the loss, ${formatShape(loss.shape)}`,
      );
    }
  }
  if (weight !== null && weight !== 1) weighted = weighted.mul(weight);
  const batch = normalizeAxis(where, batchAxis, loss.rank);
  const axis = loss.shape.map((_, at) => at).filter((at) => at !== batch);
  // The mean of single elements is a view.
  if (axis.every((at) => loss.shape[at] === 1)) return weighted.reshape([loss.shape[batch]!]);
  return mean(weighted, { axis });
}
