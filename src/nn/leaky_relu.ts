// The leaky rectifier and its relatives as layers. After apache/mxnet python/mxnet/gluon/nn/activations.py.

import { checkInteger, checkNumber, oneOf, optional, readOptions } from "../core/options.ts";
import {
  elu,
  gelu,
  GELU_APPROXIMATIONS,
  type GeluApproximation,
  leakyRelu,
  mul,
  prelu,
  selu,
  sigmoid,
} from "../ops/index.ts";
import type { Tensor } from "../tensor/mod.ts";
import { HybridBlock } from "./hybrid_block.ts";
import { Constant } from "./initializer.ts";
import type { InitializerLike } from "./initializers.ts";
import { inLayer } from "./layer_error.ts";
import { Parameter } from "./parameter.ts";
import { checkInitializer } from "./parameter_options.ts";
import { pythonText } from "./text.ts";

/**
 * `x > 0 ? x : alpha * x`.
 *
 * @example
 * ```ts
 * import { LeakyReLU, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([-4, 2]);
 * using y = new LeakyReLU(0.25).call(x);
 * assertEquals([...await y.data()], [-1, 2]);
 * assertEquals(`${new LeakyReLU(0.1)}`, "LeakyReLU(0.1)");
 * ```
 */
export class LeakyReLU extends HybridBlock {
  /** Slope below zero. */
  readonly alpha: number;

  /**
   * Makes the layer.
   *
   * @param alpha Slope below zero.
   * @throws {TypeError} If it is not a number.
   * @throws {RangeError} If it is negative or not finite.
   */
  constructor(alpha: number) {
    super();
    this.alpha = checkNumber("construct LeakyReLU", "alpha", alpha, { minimum: 0 });
  }

  /**
   * Applies the function.
   *
   * @param x Any shape, float32 or float16.
   * @returns A tensor of the same shape and dtype.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => leakyRelu(x, this.alpha));
  }

  /** Gluon's text. */
  override toString(): string {
    return `${this.constructor.name}(${pythonText(this.alpha)})`;
  }
}

/** Options of {@linkcode PReLU}. */
export interface PReLUOptions {
  /** First values of the slopes; 0.25 by default. */
  readonly alphaInitializer?: InitializerLike;
  /** Number of slopes: 1, the default, or the channels on axis 1. */
  readonly inChannels?: number;
}

/**
 * `x > 0 ? x : alpha * x` with learned slopes (He and others, 2015).
 *
 * @example
 * ```ts
 * import { PReLU, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * const act = new PReLU({ inChannels: 2 });
 * act.initialize();
 * using x = tensor([[-4, 2]]);
 * using y = act.call(x);
 * assertEquals([...await y.data()], [-1, 2]);
 * act.dispose();
 * ```
 */
export class PReLU extends HybridBlock {
  /** The slopes. */
  readonly alpha: Parameter;

  /**
   * Makes the layer.
   *
   * @param options Number and first values of the slopes.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: PReLUOptions = {}) {
    super();
    const where = `construct ${this.constructor.name}`;
    const { alphaInitializer, inChannels = 1 } = readOptions(where, options, {
      alphaInitializer: optional(checkInitializer),
      inChannels: optional((at, name, value) => checkInteger(at, name, value, { minimum: 1 })),
    });
    this.alpha = new Parameter("alpha", {
      shape: [inChannels],
      init: alphaInitializer ?? new Constant(0.25),
    });
  }

  /**
   * Applies the function.
   *
   * @param x Channels on axis 1 if there are several slopes, of the dtype of these.
   * @returns A tensor of the same shape and dtype.
   * @throws {ShapeError} If there are several slopes and another number of channels.
   */
  override forward(x: Tensor): Tensor {
    const alpha = this.alpha.data(x.device);
    return inLayer(this, () => prelu(x, alpha));
  }
}

/**
 * Exponential linear unit (Clevert and others, 2016): `x > 0 ? x : alpha * (exp(x) - 1)`.
 *
 * @example
 * ```ts
 * import { ELU, tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * using x = tensor([-200, 2]);
 * using y = new ELU().call(x);
 * assertEquals([...await y.data()], [-1, 2]);
 * ```
 */
export class ELU extends HybridBlock {
  /** Factor below zero. */
  readonly alpha: number;

  /**
   * Makes the layer.
   *
   * @param alpha Factor below zero.
   * @throws {TypeError} If it is not a number.
   * @throws {RangeError} If it is not finite.
   */
  constructor(alpha: number = 1) {
    super();
    this.alpha = checkNumber("construct ELU", "alpha", alpha);
  }

  /**
   * Applies the function.
   *
   * @param x Any shape, float32 or float16.
   * @returns A tensor of the same shape and dtype.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => elu(x, this.alpha));
  }
}

/**
 * Scaled exponential linear unit (Klambauer and others, 2017).
 *
 * @example
 * ```ts
 * import { SELU, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using x = tensor([1]);
 * using y = new SELU().call(x);
 * assertAlmostEquals(await y.item(), 1.050701, 1e-6);
 * ```
 */
export class SELU extends HybridBlock {
  /**
   * Applies the function.
   *
   * @param x Any shape, float32 or float16.
   * @returns A tensor of the same shape and dtype.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => selu(x));
  }
}

/**
 * Gaussian error linear unit (Hendrycks and Gimpel, 2016).
 *
 * @example
 * ```ts
 * import { GELU, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using x = tensor([1]);
 * using y = new GELU().call(x);
 * assertAlmostEquals(await y.item(), 0.841345, 1e-6);
 * ```
 */
export class GELU extends HybridBlock {
  /** How it is computed. */
  readonly approximation: GeluApproximation;

  /**
   * Makes the layer.
   *
   * @param approximation `erf`, or the formula with `tanh` that is close to it.
   * @throws {TypeError} If it is not a string.
   * @throws {RangeError} If it is no known name.
   */
  constructor(approximation: GeluApproximation = "erf") {
    super();
    const rule = oneOf(GELU_APPROXIMATIONS, "erf");
    this.approximation = rule("construct GELU", "approximation", approximation);
  }

  /**
   * Applies the function.
   *
   * @param x Any shape, float32 or float16.
   * @returns A tensor of the same shape and dtype.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => gelu(x, { approximation: this.approximation }));
  }
}

/**
 * Sigmoid linear unit: `x / (1 + exp(-x))`.
 *
 * @example
 * ```ts
 * import { SiLU, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using x = tensor([1]);
 * using y = new SiLU().call(x);
 * assertAlmostEquals(await y.item(), 0.731059, 1e-6);
 * ```
 */
export class SiLU extends HybridBlock {
  /**
   * Applies the function.
   *
   * @param x Any shape, float32 or float16.
   * @returns A tensor of the same shape and dtype.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => mul(x, sigmoid(x)));
  }
}

/**
 * Swish (Ramachandran and others, 2017): `x / (1 + exp(-beta * x))`.
 *
 * @example
 * ```ts
 * import { Swish, tensor } from "@vknn/vknn";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using x = tensor([1]);
 * using y = new Swish(2).call(x);
 * assertAlmostEquals(await y.item(), 0.880797, 1e-6);
 * ```
 */
export class Swish extends HybridBlock {
  /** Factor of the sigmoid's argument. */
  readonly beta: number;

  /**
   * Makes the layer.
   *
   * @param beta Factor of the sigmoid's argument.
   * @throws {TypeError} If it is not a number.
   * @throws {RangeError} If it is not finite.
   */
  constructor(beta: number = 1) {
    super();
    this.beta = checkNumber("construct Swish", "beta", beta);
  }

  /**
   * Applies the function.
   *
   * @param x Any shape, float32 or float16.
   * @returns A tensor of the same shape and dtype.
   */
  override forward(x: Tensor): Tensor {
    return inLayer(this, () => mul(x, sigmoid(mul(x, this.beta))));
  }
}
