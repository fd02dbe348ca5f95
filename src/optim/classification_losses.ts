// Losses of predictions against classes. After apache/mxnet python/mxnet/gluon/loss.py.

import { boolean, integer, readOptions } from "../core/options.ts";
import { describe } from "../core/shape.ts";
import { abs, activation, cast, log, logSoftmax, pick, relu, sum } from "../ops/index.ts";
import { softmaxCrossEntropy } from "../ops/index.ts";
import { Tensor } from "../tensor/mod.ts";
import { likePrediction, Loss, type LossOptions, lossRules, weigh } from "./loss.ts";

/** Options of {@linkcode SoftmaxCrossEntropyLoss}. */
export interface SoftmaxCrossEntropyLossOptions extends LossOptions {
  /** The axis of the classes; the last one by default. */
  readonly axis?: number;
  /** Whether labels are indices of classes (the default); else probabilities in the shape of the predictions. */
  readonly sparseLabel?: boolean;
  /** Whether predictions are logarithms of probabilities already; false by default: any numbers. */
  readonly fromLogits?: boolean;
}

/**
 * The negative logarithm of the softmax of the predictions at the class of the label, in one stable pass;
 * with probabilities as labels, the mean over the classes that they weigh.
 *
 * @example
 * ```ts
 * import { losses, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using pred = tensor([[0, 0], [-1000, 1000]]);
 * using label = tensor([1, 1]);
 * using loss = new losses.SoftmaxCrossEntropyLoss().call(pred, label);
 * const [first, second] = await loss.data();
 * assertAlmostEquals(first!, Math.LN2, 1e-6);
 * assertAlmostEquals(second!, 0, 1e-6);
 * ```
 */
export class SoftmaxCrossEntropyLoss extends Loss {
  /** The axis of the classes. */
  readonly axis: number;
  /** Whether labels are indices of classes. */
  readonly sparseLabel: boolean;
  /** Whether predictions are logarithms of probabilities. */
  readonly fromLogits: boolean;

  /**
   * Makes the loss.
   *
   * @param options `axis`, `sparseLabel`, `fromLogits`, `weight` (none by default) and `batchAxis`.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   */
  constructor(options: SoftmaxCrossEntropyLossOptions = {}) {
    const read = readOptions("construct SoftmaxCrossEntropyLoss", options, {
      ...lossRules,
      axis: integer({}, -1),
      sparseLabel: boolean(true),
      fromLogits: boolean(false),
    });
    super(read.weight ?? null, read.batchAxis);
    this.axis = read.axis;
    this.sparseLabel = read.sparseLabel;
    this.fromLogits = read.fromLogits;
  }

  /**
   * Computes the losses.
   *
   * @param pred Predictions, with the classes along `axis`.
   * @param label Indices: the shape of the predictions without that axis, or with size 1 there, of any
   *   dtype; probabilities: as many as predictions.
   * @param sampleWeight Broadcasts against the predictions with size 1 at `axis`; absent for none.
   * @returns One number for each sample.
   * @throws {ShapeError} If shapes do not fit.
   */
  override forward(pred: Tensor, label: Tensor, sampleWeight?: Tensor | null): Tensor {
    const where = `apply ${this.constructor.name}`;
    const loss = this.sparseLabel
      ? this.#sparse(where, pred, label)
      : this.#dense(where, pred, label);
    return weigh(where, loss, this.batchAxis, this.weight, sampleWeight);
  }

  #sparse(where: string, pred: Tensor, label: Tensor): Tensor {
    if (!(label instanceof Tensor)) {
      throw new TypeError(`Cannot ${where}: label is ${describe(label)}, expected a Tensor`);
    }
    const plain = label.dtype === "float32" || label.dtype === "int32";
    const index = plain ? label : cast(label, "int32");
    const { axis } = this;
    return this.fromLogits
      ? pick(pred, index, { axis, keepDims: true }).mul(-1)
      : softmaxCrossEntropy(pred, index, { axis, keepDims: true });
  }

  #dense(where: string, pred: Tensor, label: Tensor): Tensor {
    const { axis } = this;
    const target = likePrediction(where, label, pred);
    const logits = this.fromLogits ? pred : logSoftmax(pred, { axis });
    return sum(logits.mul(target), { axis, keepDims: true }).mul(-1);
  }
}

/** Options of {@linkcode SigmoidBinaryCrossEntropyLoss}. */
export interface SigmoidBinaryCrossEntropyLossOptions extends LossOptions {
  /** Whether predictions went through a sigmoid already; false, the default, is the stable way. */
  readonly fromSigmoid?: boolean;
}

/** Added to probabilities before their logarithm, as in Gluon. */
const EPSILON = 1e-12;

/**
 * The cross entropy of independent yes-or-no questions: the mean of
 * `-label · log(p) - (1 - label) · log(1 - p)` for each sample, with `p` the sigmoid of the prediction.
 *
 * @example
 * ```ts
 * import { losses, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using pred = tensor([[0], [1000]]);
 * using label = tensor([[1], [1]]);
 * using loss = new losses.SigmoidBinaryCrossEntropyLoss().call(pred, label);
 * const [first, second] = await loss.data();
 * assertAlmostEquals(first!, Math.LN2, 1e-6);
 * assertAlmostEquals(second!, 0, 1e-6);
 * ```
 */
export class SigmoidBinaryCrossEntropyLoss extends Loss {
  /** Whether predictions went through a sigmoid already. */
  readonly fromSigmoid: boolean;

  /**
   * Makes the loss.
   *
   * @param options `fromSigmoid`, `weight` (none by default) and `batchAxis`.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   */
  constructor(options: SigmoidBinaryCrossEntropyLossOptions = {}) {
    const read = readOptions("construct SigmoidBinaryCrossEntropyLoss", options, {
      ...lossRules,
      fromSigmoid: boolean(false),
    });
    super(read.weight ?? null, read.batchAxis);
    this.fromSigmoid = read.fromSigmoid;
  }

  /**
   * Computes the losses.
   *
   * @param pred Predictions of any shape.
   * @param label As many numbers from 0 to 1.
   * @param sampleWeight Broadcasts against the predictions; absent for none.
   * @param posWeight Multiplies the loss of positive labels; broadcasts against the predictions.
   * @returns One number for each sample.
   * @throws {ShapeError} If shapes do not fit.
   */
  override forward(
    pred: Tensor,
    label: Tensor,
    sampleWeight?: Tensor | null,
    posWeight?: Tensor | null,
  ): Tensor {
    const where = `apply ${this.constructor.name}`;
    const target = likePrediction(where, label, pred);
    const positive = posWeight ?? null;
    if (positive !== null && !(positive instanceof Tensor)) {
      throw new TypeError(`Cannot ${where}: posWeight is ${describe(positive)}, expected a Tensor`);
    }
    const loss = this.fromSigmoid
      ? fromProbabilities(pred, target, positive)
      : fromLogits(pred, target, positive);
    return weigh(where, loss, this.batchAxis, this.weight, sampleWeight);
  }
}

function fromLogits(pred: Tensor, label: Tensor, posWeight: Tensor | null): Tensor {
  const tail = activation(abs(pred).mul(-1), "softrelu"); // log(1 + e^-|x|)
  if (posWeight === null) return relu(pred).sub(pred.mul(label)).add(tail);
  const scale = posWeight.sub(1).mul(label).add(1);
  return pred.sub(pred.mul(label)).add(scale.mul(tail.add(relu(pred.mul(-1)))));
}

function fromProbabilities(pred: Tensor, label: Tensor, posWeight: Tensor | null): Tensor {
  const yes = log(pred.add(EPSILON)).mul(label);
  const no = log(pred.mul(-1).add(1 + EPSILON)).mul(label.mul(-1).add(1));
  return (posWeight === null ? yes : yes.mul(posWeight)).add(no).mul(-1);
}
