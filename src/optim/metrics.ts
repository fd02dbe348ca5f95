/**
 * Metrics: what training and evaluation report. `update` enqueues work on the device and returns at once; `get`
 * waits for it.
 *
 * @module
 */

// After apache/mxnet python/mxnet/gluon/metric.py (Accuracy); PSNR and SSIM after Wang et al., Image quality
// assessment: from error visibility to structural similarity, IEEE Transactions on Image Processing 13 (2004).

import { withFlags } from "../autograd/internal.ts";
import { ShapeError } from "../core/errors.ts";
import { integer, number, readOptions } from "../core/options.ts";
import { describe, formatShape, sameShape } from "../core/shape.ts";
import {
  argmax,
  cast,
  concat,
  convolution,
  equal,
  log,
  mean,
  reshape,
  square,
  sum,
} from "../ops/index.ts";
import { keep, scope, Tensor, tensor } from "../tensor/mod.ts";

/** Sums that wait on the device before they are added up there: bounds memory, keeps launches few. */
const PENDING = 64;

/** Base of the metrics: the mean of a number over all samples. Derive from it and override `measure`. */
export abstract class Metric {
  /** What is measured. */
  readonly name: string;
  #pending: Tensor[] = [];
  #samples = 0;
  #total = 0;

  /**
   * Makes a metric.
   *
   * @param name What is measured.
   */
  constructor(name: string) {
    this.name = name;
  }

  /**
   * Measures a batch.
   *
   * @param label What is right.
   * @param pred What was predicted.
   * @returns The sum over the samples, one element, and how many samples there are.
   */
  protected abstract measure(label: Tensor, pred: Tensor): { sum: Tensor; samples: number };

  /**
   * Adds a batch; nothing waits.
   *
   * @param label What is right.
   * @param pred What was predicted.
   * @throws {TypeError} If an argument is no tensor.
   * @throws {ShapeError} If shapes do not fit.
   */
  update(label: Tensor, pred: Tensor): void {
    for (const [name, value] of [["label", label], ["pred", pred]] as const) {
      if (value instanceof Tensor) continue;
      throw new TypeError(
        `Cannot update ${this.constructor.name}: ${name} is ${describe(value)}, expected a Tensor`,
      );
    }
    withFlags({ recording: false }, () =>
      scope(() => {
        const { sum: total, samples } = this.measure(label, pred);
        this.#pending.push(keep(reshape(total, [1])));
        this.#samples += samples;
        if (this.#pending.length < PENDING) return;
        const folded = keep(sum(concat(this.#pending, 0), { keepDims: true }));
        this.#drop();
        this.#pending.push(folded);
      }));
  }

  /**
   * Waits for all batches.
   *
   * @returns The mean over all samples since the last {@linkcode reset}; NaN without samples.
   */
  async get(): Promise<number> {
    const waiting = this.#pending;
    this.#pending = [];
    try {
      for (const each of waiting) this.#total += (await each.data())[0] as number;
    } finally {
      for (const each of waiting) each.dispose();
    }
    return this.#samples === 0 ? NaN : this.#total / this.#samples;
  }

  /** Forgets all batches. */
  reset(): void {
    this.#drop();
    this.#samples = 0;
    this.#total = 0;
  }

  /** Frees what waits on the device. */
  dispose(): void {
    this.#drop();
  }

  /** Frees what waits on the device at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.#drop();
  }

  #drop(): void {
    for (const each of this.#pending) each.dispose();
    this.#pending = [];
  }
}

/**
 * The part of predictions that are right.
 *
 * @example
 * ```ts
 * import { metrics, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using accuracy = new metrics.Accuracy();
 * using label = tensor([1, 0]);
 * using pred = tensor([[0.2, 0.8], [0.1, 0.9]]);
 * accuracy.update(label, pred);
 * assertEquals(await accuracy.get(), 0.5);
 * ```
 */
export class Accuracy extends Metric {
  readonly #axis: number;

  /**
   * Makes the metric.
   *
   * @param options `axis`: the axis of the classes in predictions, 1 by default.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   */
  constructor(options: { readonly axis?: number } = {}) {
    super("accuracy");
    this.#axis = readOptions("construct Accuracy", options, { axis: integer({}, 1) }).axis;
  }

  /** Predictions are classes, of the shape of the label, or a score for each class. */
  protected override measure(label: Tensor, pred: Tensor): { sum: Tensor; samples: number } {
    const classes = sameShape(label.shape, pred.shape)
      ? cast(pred, "int32")
      : argmax(pred, { axis: this.#axis });
    if (classes.size !== label.size) {
      throw new ShapeError(
        `Cannot update Accuracy: label has shape ${formatShape(label.shape)}, expected as many ` +
          `elements as pred of shape ${formatShape(pred.shape)} has without axis ${this.#axis}`,
      );
    }
    const wanted = reshape(cast(label, "int32"), [...classes.shape]);
    return { sum: sum(cast(equal(classes, wanted), "float32")), samples: label.size };
  }
}

/** Options of the metrics of images. */
export interface ImageMetricOptions {
  /** The largest value of a pixel less the smallest; 1 by default, 255 for bytes. */
  readonly maxValue?: number;
}

function readMaxValue(where: string, options: ImageMetricOptions): number {
  const rules = { maxValue: number({ minimum: Number.MIN_VALUE }, 1) };
  return readOptions(where, options, rules).maxValue;
}

function checkImages(metric: Metric, label: Tensor, pred: Tensor, rank?: number): void {
  const fits = sameShape(label.shape, pred.shape) && (rank === undefined || label.rank === rank) &&
    label.rank >= 1;
  if (fits) return;
  throw new ShapeError(
    `Cannot update ${metric.constructor.name}: label has shape ${
      formatShape(label.shape)
    } and pred ` +
      `${formatShape(pred.shape)}, expected equal shapes${
        rank === undefined ? "" : " [N, C, H, W]"
      }`,
  );
}

/** The mean of every sample. */
function sampleMeans(x: Tensor): Tensor {
  return mean(reshape(x, [x.shape[0]!, -1]), { axis: 1 });
}

/**
 * Peak signal-to-noise ratio in decibels: `10 log10(maxValue² / mean squared error)` of each sample, and the
 * mean of those.
 *
 * @example
 * ```ts
 * import { full, metrics, zeros } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using psnr = new metrics.PSNR();
 * using label = zeros([1, 3, 4, 4]);
 * using pred = full([1, 3, 4, 4], 0.1);
 * psnr.update(label, pred);
 * assertAlmostEquals(await psnr.get(), 20, 1e-4);
 * ```
 */
export class PSNR extends Metric {
  readonly #maxValue: number;

  /**
   * Makes the metric.
   *
   * @param options The range of pixels.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If the range is not above 0.
   */
  constructor(options: ImageMetricOptions = {}) {
    super("psnr");
    this.#maxValue = readMaxValue("construct PSNR", options);
  }

  /** Both have the same shape, samples first; a sample without any error counts as infinite. */
  protected override measure(label: Tensor, pred: Tensor): { sum: Tensor; samples: number } {
    checkImages(this, label, pred);
    const difference = cast(label, "float32").sub(cast(pred, "float32")).div(this.#maxValue);
    const decibels = log(sampleMeans(square(difference))).mul(-10 / Math.LN10);
    return { sum: sum(decibels), samples: label.shape[0]! };
  }
}

const WINDOW = 11;
const SIGMA = 1.5;

/** A Gaussian of 11 taps whose sum is 1. */
function gaussian(): Float32Array<ArrayBuffer> {
  const center = (WINDOW - 1) / 2;
  const taps = Float64Array.from({ length: WINDOW }, (_, at) => {
    return Math.exp(-((at - center) ** 2) / (2 * SIGMA ** 2));
  });
  const total = taps.reduce((sum, tap) => sum + tap, 0);
  return Float32Array.from(taps, (tap) => tap / total);
}

/**
 * Structural similarity of images, from -1 to 1: Gaussian windows of 11 x 11 pixels with sigma 1.5, K1 = 0.01 and
 * K2 = 0.03, where windows lie inside of the image; the mean over windows and channels.
 *
 * @example
 * ```ts
 * import { metrics, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using ssim = new metrics.SSIM();
 * using image = tensor(Float32Array.from({ length: 144 }, (_, i) => (i % 7) / 7), [1, 1, 12, 12]);
 * ssim.update(image, image);
 * assertAlmostEquals(await ssim.get(), 1, 1e-4);
 * ```
 */
export class SSIM extends Metric {
  readonly #maxValue: number;

  /**
   * Makes the metric.
   *
   * @param options The range of pixels.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If the range is not above 0.
   */
  constructor(options: ImageMetricOptions = {}) {
    super("ssim");
    this.#maxValue = readMaxValue("construct SSIM", options);
  }

  /** Both are `[N, C, H, W]` of at least 11 x 11 pixels. */
  protected override measure(label: Tensor, pred: Tensor): { sum: Tensor; samples: number } {
    checkImages(this, label, pred, 4);
    const [samples, channels, height, width] = label.shape as [number, number, number, number];
    if (height < WINDOW || width < WINDOW) {
      throw new ShapeError(
        `Cannot update SSIM: images have ${height} x ${width} pixels, expected at least ` +
          `${WINDOW} x ${WINDOW}`,
      );
    }
    const taps = gaussian();
    const rows = tensor(taps, [1, 1, WINDOW, 1], { device: label.device });
    const columns = tensor(taps, [1, 1, 1, WINDOW], { device: label.device });
    // The window is a product of two, so that it costs 22 taps, not 121.
    const blur = (x: Tensor) => convolution(convolution(x, rows), columns);
    const planes = (x: Tensor) =>
      reshape(cast(x, "float32").div(this.#maxValue), [samples * channels, 1, height, width]);
    const [a, b] = [planes(label), planes(pred)];
    const [meanA, meanB] = [blur(a), blur(b)];
    const [squareA, squareB, product] = [square(meanA), square(meanB), meanA.mul(meanB)];
    const varianceA = blur(square(a)).sub(squareA);
    const varianceB = blur(square(b)).sub(squareB);
    const covariance = blur(a.mul(b)).sub(product);
    const [c1, c2] = [0.01 ** 2, 0.03 ** 2];
    const above = product.mul(2).add(c1).mul(covariance.mul(2).add(c2));
    const below = squareA.add(squareB).add(c1).mul(varianceA.add(varianceB).add(c2));
    const similarity = reshape(above.div(below), [samples, -1]);
    return { sum: sum(sampleMeans(similarity)), samples };
  }
}
