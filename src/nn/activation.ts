// Element-wise activations as a layer. After apache/mxnet python/mxnet/gluon/nn/activations.py.

import { checkEnum } from "../core/options.ts";
import { activation, ACTIVATION_NAMES, type ActivationName } from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { inLayer } from "./layer_error.ts";

/**
 * Applies a function to every element.
 *
 * | name | `y` |
 * | --- | --- |
 * | `relu` | `max(x, 0)` |
 * | `sigmoid` | `1 / (1 + e^-x)` |
 * | `log_sigmoid` | `ln(1 / (1 + e^-x))` |
 * | `mish` | `x · tanh(ln(1 + e^x))` |
 * | `tanh` | `tanh x` |
 * | `softrelu` | `ln(1 + e^x)` |
 * | `softsign` | `x / (1 + abs(x))` |
 *
 * @example
 * ```ts
 * import { Activation, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([-1, 0, 2]);
 * using y = new Activation("relu").call(x);
 * assertEquals([...await y.data()], [0, 0, 2]);
 * ```
 */
export class Activation extends HybridBlock {
  /** Name of the function. */
  readonly actType: ActivationName;

  /**
   * Makes the layer.
   *
   * @param activation Name of the function.
   * @throws {TypeError} If it is not a string.
   * @throws {RangeError} If it is no known name; lists them, the nearest first.
   */
  constructor(activation: ActivationName) {
    super();
    this.actType = checkEnum("construct Activation", "activation", activation, ACTIVATION_NAMES);
  }

  /**
   * Applies the function.
   *
   * @param x Any shape, float32 or float16.
   * @returns A tensor of the same shape and dtype.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => activation(x, this.actType));
  }

  /** Gluon's text. */
  override toString(): string {
    return `${this.constructor.name}(${this.actType})`;
  }
}
