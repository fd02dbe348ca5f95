/**
 * Learning rates that change with the number of updates, with the names and formulas of
 * `mxnet.lr_scheduler`. A scheduler is a function of the update only: it can be asked in any order, and
 * a program that goes on after a break needs no state of it.
 *
 * @module
 */

import {
  checkInteger,
  integer,
  number,
  oneOf,
  type OptionRule,
  readOptions,
} from "../core/options.ts";
import { describe } from "../core/shape.ts";

/** Options of every scheduler. */
export interface SchedulerOptions {
  /** Learning rate after warming up; 0.01 by default. An optimizer's `learningRate` takes its place. */
  readonly baseLr?: number;
  /** Updates that warm up; none by default. */
  readonly warmupSteps?: number;
  /** Learning rate at the first update of warming up; 0 by default. */
  readonly warmupBeginLr?: number;
  /** Whether warming up rises evenly (`linear`, the default) or stays at `warmupBeginLr` (`constant`). */
  readonly warmupMode?: "linear" | "constant";
}

const rules = {
  baseLr: number({ minimum: 0 }, 0.01),
  warmupSteps: integer({ minimum: 0 }, 0),
  warmupBeginLr: number({ minimum: 0 }, 0),
  warmupMode: oneOf(["linear", "constant"] as const, "linear"),
} as const satisfies Record<string, OptionRule<unknown>>;

/** Base of the schedulers, and the place to extend them: derive from it and override `after`. */
export abstract class LRScheduler {
  /** Updates that warm up. */
  readonly warmupSteps: number;
  /** Learning rate at the first update of warming up. */
  readonly warmupBeginLr: number;
  /** How the learning rate rises while warming up. */
  readonly warmupMode: "linear" | "constant";
  #baseLr: number;

  /**
   * Makes the scheduler.
   *
   * @param options Base learning rate and warm-up.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: SchedulerOptions = {}) {
    const read = readOptions(`construct ${this.constructor.name}`, options, rules);
    this.warmupSteps = read.warmupSteps;
    this.warmupBeginLr = read.warmupBeginLr;
    this.warmupMode = read.warmupMode;
    this.#baseLr = this.#checkBase(`construct ${this.constructor.name}`, read.baseLr);
  }

  /** Learning rate after warming up. */
  get baseLr(): number {
    return this.#baseLr;
  }

  /**
   * Changes the learning rate after warming up.
   *
   * @throws {RangeError} If it is below `warmupBeginLr`.
   */
  set baseLr(value: number) {
    const where = `set baseLr of ${this.constructor.name}`;
    this.#baseLr = this.#checkBase(where, rules.baseLr(where, "baseLr", value));
  }

  /**
   * The learning rate of an update.
   *
   * @param numUpdate Number of the update, counted from 1.
   * @returns The learning rate.
   * @throws {RangeError} If the number is negative.
   */
  at(numUpdate: number): number {
    const where = `ask ${this.constructor.name}`;
    const update = checkInteger(where, "numUpdate", numUpdate, { minimum: 0 });
    if (update >= this.warmupSteps) return this.after(update);
    if (this.warmupMode === "constant") return this.warmupBeginLr;
    return this.warmupBeginLr + (this.baseLr - this.warmupBeginLr) * update / this.warmupSteps;
  }

  /**
   * The learning rate of an update after warming up.
   *
   * @param numUpdate Number of the update, at least `warmupSteps`.
   * @returns The learning rate.
   */
  protected abstract after(numUpdate: number): number;

  #checkBase(where: string, baseLr: number): number {
    if (baseLr >= this.warmupBeginLr) return baseLr;
    throw new RangeError(
      `Cannot ${where}: baseLr is ${baseLr}, expected at least warmupBeginLr (${this.warmupBeginLr})`,
    );
  }
}

/** Options of {@linkcode FactorScheduler}. */
export interface FactorSchedulerOptions extends SchedulerOptions {
  /** Multiplies the learning rate, at most 1; 1 by default. */
  readonly factor?: number;
  /** The learning rate does not fall below it; 1e-8 by default. */
  readonly stopFactorLr?: number;
}

/**
 * Multiplies the learning rate by a factor after every so many updates.
 *
 * @example
 * ```ts
 * import { schedulers } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const scheduler = new schedulers.FactorScheduler(10, { factor: 0.5, baseLr: 1 });
 * assertEquals([1, 10, 11, 21].map((update) => scheduler.at(update)), [1, 1, 0.5, 0.25]);
 * ```
 */
export class FactorScheduler extends LRScheduler {
  /** Updates with the same learning rate. */
  readonly step: number;
  /** Multiplies the learning rate. */
  readonly factor: number;
  /** The learning rate does not fall below it. */
  readonly stopFactorLr: number;

  /**
   * Makes the scheduler.
   *
   * @param step Updates with the same learning rate.
   * @param options Factor, lowest learning rate, base learning rate, warm-up.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(step: number, options: FactorSchedulerOptions = {}) {
    const where = "construct FactorScheduler";
    const { factor, stopFactorLr, ...base } = readOptions(where, options, {
      ...rules,
      factor: number({ minimum: 0, maximum: 1 }, 1),
      stopFactorLr: number({ minimum: 0 }, 1e-8),
    });
    super(base);
    this.step = checkInteger(where, "step", step, { minimum: 1 });
    this.factor = factor;
    this.stopFactorLr = stopFactorLr;
  }

  /** The learning rate of an update after warming up. */
  protected override after(numUpdate: number): number {
    const times = Math.max(0, Math.ceil(numUpdate / this.step) - 1);
    if (times === 0) return this.baseLr;
    return Math.max(this.baseLr * this.factor ** times, this.stopFactorLr);
  }
}

/** Options of {@linkcode MultiFactorScheduler}. */
export interface MultiFactorSchedulerOptions extends SchedulerOptions {
  /** Multiplies the learning rate, at most 1; 1 by default. */
  readonly factor?: number;
}

/**
 * Multiplies the learning rate by a factor after each of some updates.
 *
 * @example
 * ```ts
 * import { schedulers } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const scheduler = new schedulers.MultiFactorScheduler([5, 8], { factor: 0.5, baseLr: 1 });
 * assertEquals([5, 6, 8, 9].map((update) => scheduler.at(update)), [1, 0.5, 0.5, 0.25]);
 * ```
 */
export class MultiFactorScheduler extends LRScheduler {
  /** The updates after which the learning rate falls. */
  readonly step: readonly number[];
  /** Multiplies the learning rate. */
  readonly factor: number;

  /**
   * Makes the scheduler.
   *
   * @param step The updates after which the learning rate falls, ascending.
   * @param options Factor, base learning rate, warm-up.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(step: readonly number[], options: MultiFactorSchedulerOptions = {}) {
    const where = "construct MultiFactorScheduler";
    const { factor, ...base } = readOptions(where, options, {
      ...rules,
      factor: number({ minimum: 0, maximum: 1 }, 1),
    });
    super(base);
    if (!Array.isArray(step) || step.length === 0) {
      throw new TypeError(
        `Cannot ${where}: step is ${describe(step)}, expected an array of at least one integer`,
      );
    }
    step.forEach((each, at) => {
      checkInteger(where, `step[${at}]`, each, { minimum: at === 0 ? 1 : step[at - 1]! + 1 });
    });
    this.step = Object.freeze([...step]);
    this.factor = factor;
  }

  /** The learning rate of an update after warming up. */
  protected override after(numUpdate: number): number {
    const times = this.step.filter((each) => numUpdate > each).length;
    return this.baseLr * this.factor ** times;
  }
}

/** Options of {@linkcode CosineScheduler}. */
export interface CosineSchedulerOptions extends SchedulerOptions {
  /** Learning rate at the last update; 0 by default. */
  readonly finalLr?: number;
}

/** Base of the schedulers that fall along a curve from the base to a final learning rate. */
abstract class CurveScheduler extends LRScheduler {
  /** Last update of the curve, counted with those of warming up. */
  readonly maxUpdate: number;
  /** Learning rate at the last update and from then on. */
  readonly finalLr: number;

  constructor(where: string, maxUpdate: number, finalLr: number, options: SchedulerOptions) {
    super(options);
    const minimum = 1 + this.warmupSteps;
    this.maxUpdate = checkInteger(where, "maxUpdate", maxUpdate, { minimum });
    this.finalLr = finalLr;
  }

  protected override after(numUpdate: number): number {
    const done = Math.min(numUpdate, this.maxUpdate) - this.warmupSteps;
    const part = done / (this.maxUpdate - this.warmupSteps);
    return this.finalLr + (this.baseLr - this.finalLr) * this.curve(part);
  }

  /** What is left of the way from the final to the base learning rate, 1 at 0 and 0 at 1. */
  protected abstract curve(part: number): number;
}

/**
 * Lets the learning rate fall along half a cosine.
 *
 * @example
 * ```ts
 * import { schedulers } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const scheduler = new schedulers.CosineScheduler(100, { baseLr: 1, warmupSteps: 10 });
 * assertAlmostEquals(scheduler.at(5), 0.5, 1e-12);
 * assertAlmostEquals(scheduler.at(55), 0.5, 1e-12);
 * assertAlmostEquals(scheduler.at(100), 0, 1e-12);
 * ```
 */
export class CosineScheduler extends CurveScheduler {
  /**
   * Makes the scheduler.
   *
   * @param maxUpdate Last update of the curve, counted with those of warming up.
   * @param options Final and base learning rate, warm-up.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(maxUpdate: number, options: CosineSchedulerOptions = {}) {
    const where = "construct CosineScheduler";
    const { finalLr, ...base } = readOptions(where, options, {
      ...rules,
      finalLr: number({ minimum: 0 }, 0),
    });
    super(where, maxUpdate, finalLr, base);
  }

  /** Half a cosine. */
  protected override curve(part: number): number {
    return (1 + Math.cos(Math.PI * part)) / 2;
  }
}

/** Options of {@linkcode PolyScheduler}. */
export interface PolySchedulerOptions extends CosineSchedulerOptions {
  /** Exponent of the curve; 2 by default. */
  readonly power?: number;
}

/**
 * Lets the learning rate fall along a polynomial.
 *
 * @example
 * ```ts
 * import { schedulers } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const scheduler = new schedulers.PolyScheduler(100, { baseLr: 1 });
 * assertEquals([0, 50, 100, 200].map((update) => scheduler.at(update)), [1, 0.25, 0, 0]);
 * ```
 */
export class PolyScheduler extends CurveScheduler {
  /** Exponent of the curve. */
  readonly power: number;

  /**
   * Makes the scheduler.
   *
   * @param maxUpdate Last update of the curve, counted with those of warming up.
   * @param options Exponent, final and base learning rate, warm-up.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(maxUpdate: number, options: PolySchedulerOptions = {}) {
    const where = "construct PolyScheduler";
    const { finalLr, power, ...base } = readOptions(where, options, {
      ...rules,
      finalLr: number({ minimum: 0 }, 0),
      power: number({ minimum: 0 }, 2),
    });
    super(where, maxUpdate, finalLr, base);
    this.power = power;
  }

  /** A polynomial. */
  protected override curve(part: number): number {
    return (1 - part) ** this.power;
  }
}
