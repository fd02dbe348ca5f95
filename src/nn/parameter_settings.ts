// What a parameter is before it has values: its name, what is known of its shape, and the settings of its
// training. Knows no values.

import type { Shape } from "../core/shape.ts";
import type { InitializerLike } from "./initializers.ts";
import { type CheckedParameterOptions, checkFits, checkPartialShape } from "./parameter_options.ts";

/** The part of a {@linkcode Parameter} that it has from the start. */
export abstract class ParameterSettings {
  /** Name for messages; the name in a model is that of the attribute. */
  readonly name: string;
  /** False forces `gradReq` to `null`. */
  readonly differentiable: boolean;
  /** Whether `initialize` is allowed while sizes are unknown. */
  readonly allowDeferredInit: boolean;
  /** Multiplies the learning rate. */
  lrMult: number;
  /** Multiplies the weight decay. */
  wdMult: number;
  /** Rule for the first values; that given to `initialize` if null. */
  init: InitializerLike | null;
  #shape: Shape | null;
  #shapeKnown: boolean | undefined;

  /**
   * Takes the settings over.
   *
   * @param name Name for messages.
   * @param read The checked options.
   */
  protected constructor(name: string, read: CheckedParameterOptions) {
    this.name = name;
    this.differentiable = read.differentiable;
    this.allowDeferredInit = read.allowDeferredInit;
    this.lrMult = read.lrMult;
    this.wdMult = read.wdMult;
    this.init = read.init;
    this.#shape = read.shape;
  }

  /** Sizes along every axis, -1 for unknown ones; null if not even the rank is known. */
  get shape(): readonly number[] | null {
    return this.#shape;
  }

  /**
   * Fills in unknown sizes.
   *
   * @throws {ShapeError} If the rank or a size known already differs.
   */
  set shape(shape: readonly number[]) {
    const where = `set shape of Parameter '${this.name}'`;
    const given = checkPartialShape(where, shape);
    checkFits(`Cannot ${where}`, this.#shape, given);
    this.#shape = given;
    this.#shapeKnown = undefined;
  }

  /** True if every size is known. */
  get shapeKnown(): boolean {
    return this.#shapeKnown ??= this.#shape !== null && !this.#shape.includes(-1);
  }
}
