// What all optimizers share: learning rates, weight decay, counting, and the step in place. Knows one
// weight at a time; trainer.ts knows the parameters. After apache/mxnet python/mxnet/optimizer/optimizer.py.

import { withFlags } from "../autograd/internal.ts";
import { StateError } from "../core/errors.ts";
import {
  boolean,
  checkInteger,
  checkNumber,
  number,
  optional,
  type OptionRule,
  readOptions,
} from "../core/options.ts";
import { describe } from "../core/shape.ts";
import { checkTensor } from "../nn/values.ts";
import { cast, concat, pad } from "../ops/index.ts";
import {
  stateLength,
  stateNames,
  updateInPlace,
  type UpdateNumbers,
  type UpdateRule,
} from "../ops/update.ts";
import { keep, scope, Tensor, zeros } from "../tensor/mod.ts";
import { LRScheduler } from "./schedulers.ts";

/** Options of every optimizer. */
export interface OptimizerOptions {
  /** Step size; the default is that of each optimizer. With a scheduler it becomes its `baseLr`. */
  readonly learningRate?: number;
  /** Weight decay: adds `wd · weight` to the gradient; 0 by default. */
  readonly wd?: number;
  /** Multiplies gradients; 1 by default. `Trainer.step` divides it by the batch size. */
  readonly rescaleGrad?: number;
  /** Clips gradients, after `rescaleGrad`, to plus and minus this; none by default. */
  readonly clipGradient?: number | null;
  /** Changes the learning rate with the number of updates; none by default. */
  readonly lrScheduler?: LRScheduler | null;
  /** Whether float16 weights get a copy in float32 that steps start from; false by default. */
  readonly multiPrecision?: boolean;
}

/** Rules of the options that every optimizer has. */
export const optimizerRules = {
  learningRate: optional(number({ minimum: 0 })),
  wd: number({ minimum: 0 }, 0),
  rescaleGrad: number({}, 1),
  clipGradient: optional(number({ minimum: 0 })),
  lrScheduler: optional(checkScheduler),
  multiPrecision: boolean(false),
} as const satisfies Record<string, OptionRule<unknown>>;

/** Rule: a number from 0 to 1. */
export const part = (fallback: number): OptionRule<number> =>
  number({ minimum: 0, maximum: 1 }, fallback);

function checkScheduler(where: string, name: string, value: unknown): LRScheduler {
  if (value instanceof LRScheduler) return value;
  throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected an LRScheduler`);
}

/** What an optimizer keeps for one weight. */
export interface OptimizerState {
  /** Steps made so far. */
  count: number;
  /** All states in one tensor, `[number, whole quads]`; null if there are none. */
  readonly values: Tensor | null;
  /** Whether the last of them is the weight in float32. */
  readonly master: boolean;
}

/** What multiplies an optimizer's settings for one parameter. */
export interface Multipliers {
  /** Multiplies the learning rate. */
  readonly lrMult: number;
  /** Multiplies the weight decay. */
  readonly wdMult: number;
}

/** Base of the optimizers. A step of one weight is a single launch, in place. */
export abstract class Optimizer {
  /** Weight decay. */
  wd: number;
  /** Multiplies gradients. */
  rescaleGrad: number;
  /** Clips gradients to plus and minus this; null for none. */
  clipGradient: number | null;
  /** Changes the learning rate with the number of updates; null for none. */
  readonly lrScheduler: LRScheduler | null;
  /** Whether float16 weights get a copy in float32. */
  readonly multiPrecision: boolean;
  #learningRate: number;
  #numUpdate = 0;

  /**
   * Makes the optimizer.
   *
   * @param options The common options.
   * @param learningRate Step size if neither options nor scheduler name one.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: OptimizerOptions, learningRate: number) {
    const read = readOptions(`construct ${this.constructor.name}`, options, optimizerRules);
    this.wd = read.wd;
    this.rescaleGrad = read.rescaleGrad;
    this.clipGradient = read.clipGradient ?? null;
    this.lrScheduler = read.lrScheduler ?? null;
    this.multiPrecision = read.multiPrecision;
    this.#learningRate = read.learningRate ?? learningRate;
    if (this.lrScheduler !== null && read.learningRate !== undefined) {
      this.lrScheduler.baseLr = read.learningRate;
    }
  }

  /** The rule of the step. */
  protected abstract get rule(): UpdateRule;

  /** What the rule needs besides learning rate, weight decay and clipping. */
  protected abstract get numbers(): Partial<UpdateNumbers>;

  /** The largest number of steps that any weight made. */
  get numUpdate(): number {
    return this.#numUpdate;
  }

  /** The learning rate, that of the scheduler if there is one. */
  get learningRate(): number {
    return this.lrScheduler?.at(this.#numUpdate) ?? this.#learningRate;
  }

  /**
   * Changes the learning rate.
   *
   * @param learningRate The learning rate.
   * @throws {StateError} If a scheduler sets it.
   * @throws {RangeError} If it is negative.
   */
  setLearningRate(learningRate: number): void {
    const where = `set the learning rate of ${this.constructor.name}`;
    if (this.lrScheduler !== null) {
      throw new StateError(
        `Cannot ${where}: its ${this.lrScheduler.constructor.name} sets it, expected an optimizer ` +
          `without lrScheduler; set baseLr of the scheduler instead`,
      );
    }
    this.#learningRate = number({ minimum: 0 })(where, "learningRate", learningRate);
  }

  /**
   * Names of the states that {@linkcode createState} makes for a weight.
   *
   * @param weight The weight.
   * @returns The names; the last is `weight` if there is a copy in float32.
   */
  stateNames(weight: Tensor): readonly string[] {
    checkTensor(`list states of ${this.constructor.name}`, "weight", weight);
    return stateNames(this.rule, this.#needsMaster(weight));
  }

  /**
   * Makes what is kept for a weight.
   *
   * @param weight The weight, float32 or float16.
   * @returns Zeros, in float32; they live until {@linkcode disposeState}.
   * @throws {OutOfMemoryError} If the device has no memory left.
   */
  createState(weight: Tensor): OptimizerState {
    checkTensor(`create states of ${this.constructor.name}`, "weight", weight);
    const master = this.#needsMaster(weight);
    const count = stateNames(this.rule, master).length;
    if (count === 0 || weight.size === 0) return { count: 0, values: null, master };
    const length = stateLength(weight.size);
    const values = master
      ? withMaster(weight, count, length)
      : zeros([count, length], { device: weight.device, label: "optimizer state" });
    return { count: 0, values: keep(values), master };
  }

  /**
   * Makes one step.
   *
   * @param weight Is overwritten.
   * @param gradient Of shape and dtype of the weight.
   * @param state What {@linkcode createState} made for the weight.
   * @param multipliers Of the parameter; 1 by default.
   * @throws {AutogradError} If the weight is in a graph and operators are being recorded.
   * @throws {TypeError} If an argument has a wrong type.
   * @throws {ShapeError} If gradient or state do not fit the weight.
   */
  update(
    weight: Tensor,
    gradient: Tensor,
    state: OptimizerState,
    multipliers: Multipliers = { lrMult: 1, wdMult: 1 },
  ): void {
    const where = `update with ${this.constructor.name}`;
    checkTensor(where, "weight", weight);
    checkTensor(where, "gradient", gradient);
    checkState(where, state);
    const lrMult = checkNumber(where, "lrMult", multipliers?.lrMult);
    checkNumber(where, "wdMult", multipliers?.wdMult);
    if (weight.size === 0) return;
    const count = state.count + 1;
    const numUpdate = Math.max(this.#numUpdate, count);
    const base = this.lrScheduler?.at(numUpdate) ?? this.#learningRate;
    updateInPlace(this.rule, weight, gradient, state.values, {
      ...this.numbers,
      lr: base * lrMult * this.correction(count),
      wd: this.wd * multipliers.wdMult,
      rescale: this.rescaleGrad,
      clip: this.clipGradient,
    }, state.master);
    state.count = count;
    this.#numUpdate = numUpdate;
  }

  /**
   * Multiplies the learning rate at a step, for averages that start at zero.
   *
   * @param _count Number of the step, counted from 1.
   * @returns The factor.
   */
  protected correction(_count: number): number {
    return 1;
  }

  /**
   * Goes on from steps that were made elsewhere.
   *
   * @param numUpdate The largest number of steps that any weight made.
   * @throws {TypeError} If it is not a number.
   * @throws {RangeError} If it is negative or no integer.
   */
  resume(numUpdate: number): void {
    const where = `resume ${this.constructor.name}`;
    this.#numUpdate = checkInteger(where, "numUpdate", numUpdate, { minimum: 0 });
  }

  #needsMaster(weight: Tensor): boolean {
    return this.multiPrecision && weight.dtype === "float16";
  }
}

/** Zeros, and behind them the weight in float32. */
function withMaster(weight: Tensor, count: number, length: number): Tensor {
  return withFlags({ recording: false }, () =>
    scope(() => {
      const line = cast(weight, "float32").reshape([1, weight.size]);
      const padded = pad(line, [[0, 0], [0, length - weight.size]]);
      if (count === 1) return padded.mul(1);
      return concat([zeros([count - 1, length], { device: weight.device }), padded], 0);
    }));
}

function checkState(where: string, state: OptimizerState): void {
  const good = typeof state === "object" && state !== null && Number.isSafeInteger(state.count) &&
    (state.values === null || state.values instanceof Tensor) && typeof state.master === "boolean";
  if (good) return;
  throw new TypeError(
    `Cannot ${where}: state is ${describe(state)}, expected what createState() gave`,
  );
}

/**
 * Frees what is kept for a weight.
 *
 * @param state The state.
 * @throws {TypeError} If it is none.
 */
export function disposeState(state: OptimizerState): void {
  checkState("dispose of states", state);
  state.values?.dispose();
}

/**
 * Checked options without those that are absent, as the base class reads them again.
 *
 * @param options Values by name.
 * @returns Those that are there.
 */
export function given(options: Record<string, unknown>): OptimizerOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
