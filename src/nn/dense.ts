// The fully connected layer. After apache/mxnet python/mxnet/gluon/nn/basic_layers.py.

import { type DType, DTYPES } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { boolean, checkInteger, integer, oneOf, optional, readOptions } from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import { ACTIVATION_NAMES, type ActivationName, fullyConnected } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { Activation } from "./activation.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { Zero } from "./initializer.ts";
import type { InitializerLike } from "./initializers.ts";
import { inLayer } from "./layer_error.ts";
import { Parameter } from "./parameter.ts";
import { checkInitializer } from "./parameter_options.ts";
import { checkTensor } from "./values.ts";

/** Options of {@linkcode Dense}. */
export interface DenseOptions {
  /** Applied to the result; none by default. */
  readonly activation?: ActivationName | null;
  /** Whether a bias is added; true by default. */
  readonly useBias?: boolean;
  /** Join all axes of the input but the first; true by default. Else only the last axis is multiplied. */
  readonly flatten?: boolean;
  /** Element type of the parameters; `float32` by default. */
  readonly dtype?: DType;
  /** First values of the weight; those given to `initialize` by default. */
  readonly weightInitializer?: InitializerLike | null;
  /** First values of the bias; zeros by default, null for those given to `initialize`. */
  readonly biasInitializer?: InitializerLike | null;
  /** Numbers in one row of the input; 0, the default, takes them from the first input or loaded values. */
  readonly inUnits?: number;
}

/**
 * A fully connected layer: `y = activation(x · weightᵀ + bias)`.
 *
 * With `flatten` the input `[N, …]` is taken as `[N, inUnits]` and the output is `[N, units]`; without it
 * the input is `[…, inUnits]` and the output `[…, units]`. The weight is `[units, inUnits]`.
 *
 * @example
 * ```ts
 * import { Dense, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const dense = new Dense(2, { weightInitializer: "ones", activation: "relu" });
 * dense.initialize();
 * using x = tensor([[1, 2, 3], [-4, 0, 1]]);
 * using y = dense.call(x);
 * assertEquals([...await y.data()], [6, 6, 0, 0]);
 * assertEquals(`${dense}`, "Dense(3 -> 2, Activation(relu))");
 * dense.dispose();
 * ```
 */
export class Dense extends HybridBlock {
  /** Numbers in one row of the output. */
  readonly units: number;
  /** Numbers in one row of the input; 0 if they come from the first input. */
  readonly inUnits: number;
  /** Whether all axes of the input but the first are joined. */
  readonly flatten: boolean;
  /** The weight, `[units, inUnits]`. */
  readonly weight: Parameter;
  /** One number for each unit; null without bias. */
  readonly bias: Parameter | null;
  /** The activation; null for none. */
  readonly act: Activation | null;

  /**
   * Makes the layer.
   *
   * @param units Numbers in one row of the output.
   * @param options Activation, bias, joining of axes, initializers.
   * @throws {TypeError} If an argument has a wrong type or an option is unknown.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(units: number, options: DenseOptions = {}) {
    super();
    const where = `construct ${this.constructor.name}`;
    this.units = checkInteger(where, "units", units, { minimum: 1 });
    const read = readOptions(where, options, {
      activation: optional(oneOf(ACTIVATION_NAMES)),
      useBias: boolean(true),
      flatten: boolean(true),
      dtype: oneOf(DTYPES, "float32"),
      weightInitializer: optional(checkInitializer),
      biasInitializer: optional(checkInitializer),
      inUnits: integer({ minimum: 0 }, 0),
    });
    this.inUnits = read.inUnits;
    this.flatten = read.flatten;
    this.weight = new Parameter("weight", {
      shape: [this.units, this.inUnits],
      dtype: read.dtype,
      init: read.weightInitializer ?? null,
      allowDeferredInit: true,
    });
    const biasInitializer = options.biasInitializer === null
      ? null
      : read.biasInitializer ?? new Zero();
    this.bias = read.useBias
      ? new Parameter("bias", {
        shape: [this.units],
        dtype: read.dtype,
        init: biasInitializer,
        allowDeferredInit: true,
      })
      : null;
    this.act = read.activation === undefined ? null : new Activation(read.activation);
  }

  /**
   * Sets the shape of the weight from an input.
   *
   * @param x The input.
   * @throws {ShapeError} If it has no axes, or rows without numbers.
   */
  override inferShape(x: Tensor): void {
    checkTensor(`apply ${this.constructor.name}`, "x", x);
    const found = this.#unitsOf(x);
    if (this.weight.shapeKnown) return this.#checkUnits(x);
    if (found === 0) {
      throw new ShapeError(
        `Cannot apply ${this.constructor.name}: input of shape ${formatShape(x.shape)} has rows ` +
          `of 0 numbers, expected at least 1`,
      );
    }
    this.weight.shape = [this.units, found];
  }

  /**
   * Multiplies, adds the bias and applies the activation.
   *
   * @param x `[N, …]` with as many numbers after the first axis as the weight has columns; without
   *   `flatten` `[…, inUnits]`.
   * @returns `[N, units]`, or `[…, units]` without `flatten`.
   * @throws {ShapeError} If the rows of the input have another length than those of the weight.
   */
  override forward(x: Tensor): Tensor {
    this.#checkUnits(x);
    const { flatten } = this;
    const bias = this.bias?.data(x.device) ?? null;
    const weight = this.weight.data(x.device);
    const y = inLayer(this, () => fullyConnected(x, weight, bias, { flatten }));
    return this.act === null ? y : this.act.call(y);
  }

  /** Gluon's text. */
  override toString(): string {
    const [units, inUnits] = this.weight.shape!;
    return `${this.constructor.name}(${inUnits} -> ${units}, ${this.act ?? "linear"})`;
  }

  #unitsOf({ shape }: Tensor): number {
    if (shape.length === 0) {
      throw new ShapeError(
        `Cannot apply ${this.constructor.name}: input is a scalar, expected at least 1 axis`,
      );
    }
    return this.flatten
      ? shape.slice(1).reduce((product, size) => product * size, 1)
      : shape.at(-1)!;
  }

  #checkUnits(x: Tensor): void {
    const [found, expected] = [this.#unitsOf(x), this.weight.shape![1]!];
    if (found === expected) return;
    throw new ShapeError(
      `Cannot apply ${this.constructor.name}: input of shape ${formatShape(x.shape)} has rows of ` +
        `${found} numbers, weight of shape ${
          formatShape(this.weight.shape!)
        } expects ${expected} ` +
        `(flatten = ${this.flatten})`,
    );
  }
}
