/**
 * Losses as layers, with the names and definitions of `gluon.loss`, and as functions. Each gives one number
 * for each sample; `Trainer.step(batchSize)` divides by their number.
 *
 * @module
 */

import { describe } from "../core/shape.ts";
import type { Tensor } from "../tensor/mod.ts";
import {
  SigmoidBinaryCrossEntropyLoss,
  type SigmoidBinaryCrossEntropyLossOptions,
  SoftmaxCrossEntropyLoss,
  type SoftmaxCrossEntropyLossOptions,
} from "./classification_losses.ts";
import type { Loss, LossOptions } from "./loss.ts";
import { HuberLoss, type HuberLossOptions, L1Loss, L2Loss } from "./regression_losses.ts";

export { Loss, type LossOptions } from "./loss.ts";
export { HuberLoss, type HuberLossOptions, L1Loss, L2Loss } from "./regression_losses.ts";
export {
  SigmoidBinaryCrossEntropyLoss,
  type SigmoidBinaryCrossEntropyLossOptions,
  SoftmaxCrossEntropyLoss,
  type SoftmaxCrossEntropyLossOptions,
} from "./classification_losses.ts";

/** What the function form of a loss takes besides the options of its class. */
export interface SampleWeights {
  /** Multiplies the loss sample by sample; broadcasts against it. */
  readonly sampleWeight?: Tensor | null;
}

/** The constructors check the keys; what they never see has to be an object at least. */
function checkObject(name: string, options: unknown): void {
  if (typeof options === "object" && options !== null) return;
  throw new TypeError(
    `Cannot construct ${name}: options is ${describe(options)}, expected an object`,
  );
}

function apply<O extends SampleWeights>(
  Made: new (options: Omit<O, "sampleWeight">) => Loss,
  pred: Tensor,
  label: Tensor,
  options: O,
): Tensor {
  checkObject(Made.name, options);
  const { sampleWeight = null, ...rest } = options;
  return new Made(rest).call(pred, label, sampleWeight);
}

/**
 * {@linkcode L2Loss} as a function.
 *
 * @param pred Predictions.
 * @param label As many numbers.
 * @param options Those of the class, and weights of samples.
 * @returns One number for each sample.
 * @throws {ShapeError} If shapes do not fit.
 * @throws {TypeError} If an argument has a wrong type.
 *
 * @example
 * ```ts
 * import { losses, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using pred = tensor([1, 2]);
 * using label = tensor([3, 2]);
 * using loss = losses.l2(pred, label);
 * assertEquals([...await loss.data()], [2, 0]);
 * ```
 */
export function l2(pred: Tensor, label: Tensor, options: LossOptions & SampleWeights = {}): Tensor {
  return apply(L2Loss, pred, label, options);
}

/**
 * {@linkcode L1Loss} as a function.
 *
 * @param pred Predictions.
 * @param label As many numbers.
 * @param options Those of the class, and weights of samples.
 * @returns One number for each sample.
 * @throws {ShapeError} If shapes do not fit.
 * @throws {TypeError} If an argument has a wrong type.
 *
 * @example
 * ```ts
 * import { losses, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using pred = tensor([1, 2]);
 * using label = tensor([3, 2]);
 * using loss = losses.l1(pred, label, { weight: 0.5 });
 * assertEquals([...await loss.data()], [1, 0]);
 * ```
 */
export function l1(pred: Tensor, label: Tensor, options: LossOptions & SampleWeights = {}): Tensor {
  return apply(L1Loss, pred, label, options);
}

/**
 * {@linkcode HuberLoss} as a function.
 *
 * @param pred Predictions.
 * @param label As many numbers.
 * @param options Those of the class, and weights of samples.
 * @returns One number for each sample.
 * @throws {ShapeError} If shapes do not fit.
 * @throws {TypeError} If an argument has a wrong type.
 *
 * @example
 * ```ts
 * import { losses, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using pred = tensor([0, 0]);
 * using label = tensor([1, 4]);
 * using loss = losses.huber(pred, label, { rho: 2 });
 * assertEquals([...await loss.data()], [0.25, 3]);
 * ```
 */
export function huber(
  pred: Tensor,
  label: Tensor,
  options: HuberLossOptions & SampleWeights = {},
): Tensor {
  return apply(HuberLoss, pred, label, options);
}

/**
 * {@linkcode SoftmaxCrossEntropyLoss} as a function.
 *
 * @param pred Predictions, with the classes along an axis.
 * @param label Indices of classes, or probabilities with `sparseLabel: false`.
 * @param options Those of the class, and weights of samples.
 * @returns One number for each sample.
 * @throws {ShapeError} If shapes do not fit.
 * @throws {TypeError} If an argument has a wrong type.
 *
 * @example
 * ```ts
 * import { autograd, losses, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using pred = tensor([[0, 0]]);
 * pred.attachGrad();
 * using label = tensor([1]);
 * using loss = autograd.record(() => losses.softmaxCrossEntropy(pred, label));
 * loss.backward();
 * assertEquals([...await pred.grad!.data()], [0.5, -0.5]);
 * ```
 */
export function softmaxCrossEntropy(
  pred: Tensor,
  label: Tensor,
  options: SoftmaxCrossEntropyLossOptions & SampleWeights = {},
): Tensor {
  return apply(SoftmaxCrossEntropyLoss, pred, label, options);
}

/**
 * {@linkcode SigmoidBinaryCrossEntropyLoss} as a function.
 *
 * @param pred Predictions.
 * @param label As many numbers from 0 to 1.
 * @param options Those of the class, weights of samples and of positive labels.
 * @returns One number for each sample.
 * @throws {ShapeError} If shapes do not fit.
 * @throws {TypeError} If an argument has a wrong type.
 *
 * @example
 * ```ts
 * import { losses, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using pred = tensor([0.25]);
 * using label = tensor([0]);
 * using loss = losses.sigmoidBinaryCrossEntropy(pred, label, { fromSigmoid: true });
 * assertAlmostEquals((await loss.data())[0]!, -Math.log(0.75), 1e-6);
 * ```
 */
export function sigmoidBinaryCrossEntropy(
  pred: Tensor,
  label: Tensor,
  options: SigmoidBinaryCrossEntropyLossOptions & SampleWeights & {
    /** Multiplies the loss of positive labels; broadcasts against the predictions. */
    readonly posWeight?: Tensor | null;
  } = {},
): Tensor {
  checkObject("SigmoidBinaryCrossEntropyLoss", options);
  const { sampleWeight = null, posWeight = null, ...rest } = options;
  return new SigmoidBinaryCrossEntropyLoss(rest).call(pred, label, sampleWeight, posWeight);
}
