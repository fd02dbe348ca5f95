// Optimizers that scale each weight's step by the size of its gradients.
// After apache/mxnet python/mxnet/optimizer/adam.py, adamW.py and rmsprop.py.

import { boolean, number, optional, readOptions } from "../core/options.ts";
import type { UpdateNumbers, UpdateRule } from "../ops/update.ts";
import { given, Optimizer, type OptimizerOptions, optimizerRules, part } from "./optimizer.ts";

/** Options of {@linkcode Adam}. */
export interface AdamOptions extends OptimizerOptions {
  /** Decay of the average of gradients; 0.9 by default. */
  readonly beta1?: number;
  /** Decay of the average of squared gradients; 0.999 by default. */
  readonly beta2?: number;
  /** Keeps the divisor from zero; 1e-8 by default for Adam and 1e-6 for AdamW. */
  readonly epsilon?: number;
}

/**
 * Adam: `m = β1 m + (1 - β1) g`, `v = β2 v + (1 - β2) g²`,
 * `w -= lr · √(1 - β2ᵗ) / (1 - β1ᵗ) · m / (√v + ε)`. The learning rate is 0.001 by default.
 *
 * @example
 * ```ts
 * import { optimizers, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const adam = new optimizers.Adam({ learningRate: 0.1 });
 * using weight = tensor([1]);
 * using gradient = tensor([123]);
 * adam.update(weight, gradient, adam.createState(weight));
 * assertAlmostEquals(await weight.item(), 0.9, 1e-5); // the first step is as long as the learning rate
 * ```
 */
export class Adam extends Optimizer {
  /** Decay of the average of gradients. */
  readonly beta1: number;
  /** Decay of the average of squared gradients. */
  readonly beta2: number;
  /** Keeps the divisor from zero. */
  readonly epsilon: number;

  /**
   * Makes the optimizer.
   *
   * @param options `beta1`, `beta2`, `epsilon` and the common options.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: AdamOptions = {}) {
    const { beta1, beta2, epsilon, ...rest } = readOptions("construct Adam", options, {
      ...optimizerRules,
      beta1: part(0.9),
      beta2: part(0.999),
      epsilon: number({ minimum: 0 }, 1e-8),
    });
    super(given(rest), 0.001);
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
  }

  /** The rule of the step. */
  protected override get rule(): UpdateRule {
    return "adam";
  }

  /** What the rule needs. */
  protected override get numbers(): Partial<UpdateNumbers> {
    return { beta1: this.beta1, beta2: this.beta2, epsilon: this.epsilon };
  }

  /** Makes up for averages that start at zero. */
  protected override correction(count: number): number {
    return Math.sqrt(1 - this.beta2 ** count) / (1 - this.beta1 ** count);
  }
}

/** Options of {@linkcode AdamW}. */
export interface AdamWOptions extends AdamOptions {
  /** Whether to make up for averages that start at zero; true by default. */
  readonly correctBias?: boolean;
}

/**
 * Adam with the weight decay beside the averages: as {@linkcode Adam} without `wd` in `g`, then
 * `w -= lr′ · (m / (√v + ε) + wd · w)`, where `lr′` is the corrected learning rate. It is 0.001 by default.
 *
 * @example
 * ```ts
 * import { optimizers, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const adamw = new optimizers.AdamW({ learningRate: 0.1, wd: 0.1, correctBias: false });
 * using weight = tensor([1]);
 * using gradient = tensor([0]);
 * adamw.update(weight, gradient, adamw.createState(weight));
 * assertAlmostEquals(await weight.item(), 0.99, 1e-6);
 * ```
 */
export class AdamW extends Optimizer {
  /** Decay of the average of gradients. */
  readonly beta1: number;
  /** Decay of the average of squared gradients. */
  readonly beta2: number;
  /** Keeps the divisor from zero. */
  readonly epsilon: number;
  /** Whether to make up for averages that start at zero. */
  readonly correctBias: boolean;

  /**
   * Makes the optimizer.
   *
   * @param options `beta1`, `beta2`, `epsilon`, `correctBias` and the common options.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: AdamWOptions = {}) {
    const { beta1, beta2, epsilon, correctBias, ...rest } = readOptions(
      "construct AdamW",
      options,
      {
        ...optimizerRules,
        beta1: part(0.9),
        beta2: part(0.999),
        epsilon: number({ minimum: 0 }, 1e-6),
        correctBias: boolean(true),
      },
    );
    super(given(rest), 0.001);
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
    this.correctBias = correctBias;
  }

  /** The rule of the step. */
  protected override get rule(): UpdateRule {
    return "adamw";
  }

  /** What the rule needs. */
  protected override get numbers(): Partial<UpdateNumbers> {
    return { beta1: this.beta1, beta2: this.beta2, epsilon: this.epsilon };
  }

  /** Makes up for averages that start at zero, unless that is off. */
  protected override correction(count: number): number {
    if (!this.correctBias) return 1;
    return Math.sqrt(1 - this.beta2 ** count) / (1 - this.beta1 ** count);
  }
}

/** Options of {@linkcode RMSProp}. */
export interface RMSPropOptions extends OptimizerOptions {
  /** Decay of the averages; 0.9 by default. */
  readonly rho?: number;
  /** How much of the last step is repeated, if centered; 0.9 by default. */
  readonly momentum?: number;
  /** Keeps the divisor from zero; 1e-8 by default. */
  readonly epsilon?: number;
  /** Divides by the deviation instead of the size of gradients; false by default. */
  readonly centered?: boolean;
  /** Clips weights to plus and minus this; none by default. */
  readonly clipWeights?: number | null;
}

/**
 * RMSProp: `n = ρ n + (1 - ρ) g²`, `w -= lr · g / (√n + ε)`. Centered (Graves): also `a = ρ a + (1 - ρ) g`,
 * `d = momentum · d - lr · g / (√(n - a²) + ε)`, `w += d`. The learning rate is 0.001 by default.
 *
 * @example
 * ```ts
 * import { optimizers, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const rmsprop = new optimizers.RMSProp({ learningRate: 0.1, rho: 0.75 });
 * using weight = tensor([1]);
 * using gradient = tensor([8]);
 * rmsprop.update(weight, gradient, rmsprop.createState(weight));
 * assertAlmostEquals(await weight.item(), 1 - 0.1 / Math.sqrt(0.25), 1e-6);
 * ```
 */
export class RMSProp extends Optimizer {
  /** Decay of the averages. */
  readonly rho: number;
  /** How much of the last step is repeated, if centered. */
  readonly momentum: number;
  /** Keeps the divisor from zero. */
  readonly epsilon: number;
  /** Whether the deviation divides. */
  readonly centered: boolean;
  /** Clips weights to plus and minus this; null for none. */
  readonly clipWeights: number | null;

  /**
   * Makes the optimizer.
   *
   * @param options `rho`, `momentum`, `epsilon`, `centered`, `clipWeights` and the common options.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: RMSPropOptions = {}) {
    const { rho, momentum, epsilon, centered, clipWeights, ...rest } = readOptions(
      "construct RMSProp",
      options,
      {
        ...optimizerRules,
        rho: part(0.9),
        momentum: part(0.9),
        epsilon: number({ minimum: 0 }, 1e-8),
        centered: boolean(false),
        clipWeights: optional(number({ minimum: 0 })),
      },
    );
    super(given(rest), 0.001);
    this.rho = rho;
    this.momentum = momentum;
    this.epsilon = epsilon;
    this.centered = centered;
    this.clipWeights = clipWeights ?? null;
  }

  /** The rule of the step. */
  protected override get rule(): UpdateRule {
    return this.centered ? "centered" : "rmsprop";
  }

  /** What the rule needs. */
  protected override get numbers(): Partial<UpdateNumbers> {
    const { rho, momentum, epsilon, clipWeights } = this;
    return { beta2: rho, momentum, epsilon, clipWeights };
  }
}
