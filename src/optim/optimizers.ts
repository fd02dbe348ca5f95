/**
 * Optimizers with the names, defaults and formulas of `mxnet.optimizer`. With
 * `g = clip(rescaleGrad · gradient) + wd · weight`, each says what it does to the weight `w`.
 *
 * @module
 */

import { nearest, readOptions } from "../core/options.ts";
import { describe } from "../core/shape.ts";
import type { UpdateNumbers, UpdateRule } from "../ops/update.ts";
import { Adam, AdamW, RMSProp } from "./adaptive.ts";
import { given, Optimizer, type OptimizerOptions, optimizerRules, part } from "./optimizer.ts";

export {
  Adam,
  type AdamOptions,
  AdamW,
  type AdamWOptions,
  RMSProp,
  type RMSPropOptions,
} from "./adaptive.ts";
export {
  disposeState,
  type Multipliers,
  Optimizer,
  type OptimizerOptions,
  type OptimizerState,
} from "./optimizer.ts";

/** Options of {@linkcode SGD} and {@linkcode NAG}. */
export interface SGDOptions extends OptimizerOptions {
  /** How much of the last step is repeated; 0 by default for SGD and 0.9 for NAG. */
  readonly momentum?: number;
}

/**
 * Stochastic gradient descent: `m = momentum · m - lr · g`, `w += m`. The learning rate is 0.1 by default.
 *
 * @example
 * ```ts
 * import { optimizers, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const sgd = new optimizers.SGD({ learningRate: 0.5 });
 * using weight = tensor([1, 2]);
 * using gradient = tensor([1, -1]);
 * sgd.update(weight, gradient, sgd.createState(weight));
 * assertEquals([...await weight.data()], [0.5, 2.5]);
 * ```
 */
export class SGD extends Optimizer {
  /** How much of the last step is repeated. */
  readonly momentum: number;

  /**
   * Makes the optimizer.
   *
   * @param options `momentum` and the common options.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: SGDOptions = {}) {
    const { momentum, ...rest } = readOptions("construct SGD", options, {
      ...optimizerRules,
      momentum: part(0),
    });
    super(given(rest), 0.1);
    this.momentum = momentum;
  }

  /** The rule of the step. */
  protected override get rule(): UpdateRule {
    return this.momentum === 0 ? "sgd" : "momentum";
  }

  /** What the rule needs. */
  protected override get numbers(): Partial<UpdateNumbers> {
    return { momentum: this.momentum };
  }
}

/**
 * Nesterov's accelerated gradient: `m = momentum · m - lr · g`, `w += momentum · m - lr · g`. The learning
 * rate is 0.1 by default.
 *
 * @example
 * ```ts
 * import { optimizers, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const nag = new optimizers.NAG();
 * using weight = tensor([1]);
 * using gradient = tensor([1]);
 * nag.update(weight, gradient, nag.createState(weight));
 * assertAlmostEquals(await weight.item(), 1 - 0.19, 1e-6);
 * ```
 */
export class NAG extends Optimizer {
  /** How much of the last step is repeated. */
  readonly momentum: number;

  /**
   * Makes the optimizer.
   *
   * @param options `momentum` and the common options.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: SGDOptions = {}) {
    const { momentum, ...rest } = readOptions("construct NAG", options, {
      ...optimizerRules,
      momentum: part(0.9),
    });
    super(given(rest), 0.1);
    this.momentum = momentum;
  }

  /** The rule of the step. */
  protected override get rule(): UpdateRule {
    return this.momentum === 0 ? "sgd" : "nag";
  }

  /** What the rule needs. */
  protected override get numbers(): Partial<UpdateNumbers> {
    return { momentum: this.momentum };
  }
}

const BY_NAME = { sgd: SGD, nag: NAG, adam: Adam, adamw: AdamW, rmsprop: RMSProp } as const;

/** Name of an optimizer. */
export type OptimizerName = keyof typeof BY_NAME;

/** Options of the optimizer of a name. */
export type OptionsOf<N extends OptimizerName> = NonNullable<
  ConstructorParameters<typeof BY_NAME[N]>[0]
>;

/**
 * Makes an optimizer by its name.
 *
 * @param name `sgd`, `nag`, `adam`, `adamw` or `rmsprop`, in any case.
 * @param options Its options.
 * @returns The optimizer.
 * @throws {TypeError} If the name is no string, or an option is unknown or has a wrong type.
 * @throws {RangeError} If there is no such optimizer; lists them, the nearest first.
 *
 * @example
 * ```ts
 * import { optimizers } from "@vknn/vknn";
 * import { assert } from "@std/assert";
 *
 * const optimizer = optimizers.create("adam", { beta1: 0.5 });
 * assert(optimizer instanceof optimizers.Adam);
 * ```
 */
export function create<N extends OptimizerName>(name: N, options?: OptionsOf<N>): Optimizer {
  const where = "make an optimizer";
  if (typeof name !== "string") {
    throw new TypeError(`Cannot ${where}: name is ${describe(name)}, expected a string`);
  }
  const lower = name.toLowerCase();
  const known = Object.keys(BY_NAME);
  if (!known.includes(lower)) {
    const near = nearest(lower, known);
    throw new RangeError(
      `Cannot ${where}: name is ${describe(name)}, expected ${known.join(", ")}` +
        (near === undefined ? "" : `; did you mean "${near}"?`),
    );
  }
  const Made = BY_NAME[lower as OptimizerName] as new (options?: OptimizerOptions) => Optimizer;
  return new Made(options);
}
