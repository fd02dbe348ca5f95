// Rules that give parameters their first values: pure functions from a shape and a stream of random
// numbers to values, computed on the host. Know no parameters and no tensors.
// After apache/mxnet python/mxnet/initializer.py; random streams differ from MXNet's.

import { ShapeError } from "../core/errors.ts";
import { checkNumber, describe, number, oneOf, readOptions } from "../core/options.ts";
import type { RandomStream } from "../core/random.ts";
import { elementCount, formatShape, type Shape } from "../core/shape.ts";
import { checkAsked, DRAWS_NOTHING, normalValues, uniformValues } from "./initializer_draw.ts";

/**
 * A rule that gives a parameter its first values. Derive from it for rules of your own, and
 * `register` them to use them by name.
 *
 * @example
 * ```ts
 * import { initializers } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * class Ramp extends initializers.Initializer {
 *   override values(shape: readonly number[]): Float32Array<ArrayBuffer> {
 *     const count = shape.reduce((a, b) => a * b, 1);
 *     return Float32Array.from({ length: count }, (_, i) => i / count);
 *   }
 * }
 * assertEquals([...new Ramp().values([4])], [0, 0.25, 0.5, 0.75]);
 * ```
 */
export abstract class Initializer {
  /**
   * Computes the first values of a parameter.
   *
   * @param shape Shape of the parameter, every size known.
   * @param stream Where random numbers come from.
   * @param name Name of the parameter, for messages.
   * @returns The values in row-major order.
   */
  abstract values(
    shape: readonly number[],
    stream: RandomStream,
    name: string,
  ): Float32Array<ArrayBuffer>;

  /** The arguments of the constructor by MXNet's names, for {@linkcode dumps}. */
  get options(): Readonly<Record<string, unknown>> {
    return {};
  }

  /**
   * The initializer as MXNet's JSON text, which `initializers.create` and MXNet read: the registered name,
   * which is that of the class in lower case, and the options.
   *
   * @returns The text, spaced as Python does.
   *
   * @example
   * ```ts
   * import { initializers } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * const text = new initializers.Uniform(0.1).dumps();
   * assertEquals(text, '["uniform", {"scale": 0.1}]');
   * assertEquals(initializers.create(text), new initializers.Uniform(0.1));
   * ```
   */
  dumps(): string {
    return pythonJson([this.constructor.name.toLowerCase(), this.options]);
  }
}

/** JSON with the spaces of Python's `json.dumps`. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value);
  return `{${
    entries.map(([key, own]) => `${JSON.stringify(key)}: ${pythonJson(own)}`).join(", ")
  }}`;
}

/** All values 0. Names: `zero`, `zeros`. */
export class Zero extends Initializer {
  /** The values in row-major order. */
  override values(shape: Shape): Float32Array<ArrayBuffer> {
    return new Float32Array(checkAsked(shape, DRAWS_NOTHING));
  }
}

/** All values 1. Names: `one`, `ones`. */
export class One extends Initializer {
  /** The values in row-major order. */
  override values(shape: Shape): Float32Array<ArrayBuffer> {
    return new Float32Array(checkAsked(shape, DRAWS_NOTHING)).fill(1);
  }
}

/** A given number everywhere, or given numbers. Name: `constant`. */
export class Constant extends Initializer {
  /** The number, or as many numbers as the parameter has elements. */
  readonly value: number | ArrayLike<number>;

  /**
   * Makes the initializer.
   *
   * @param value One number for all elements, or one for each in row-major order.
   * @throws {TypeError} If it is neither a number nor an array of numbers.
   * @throws {RangeError} If it is a number but not finite.
   */
  constructor(value: number | ArrayLike<number>) {
    super();
    this.value = isArrayOfNumbers(value)
      ? value
      : checkNumber("construct Constant", "value", value);
  }

  /** The arguments of the constructor by MXNet's names. */
  override get options(): Readonly<Record<string, unknown>> {
    return { value: typeof this.value === "number" ? this.value : Array.from(this.value) };
  }

  /** The values in row-major order. */
  override values(shape: Shape, _stream: RandomStream, name: string): Float32Array<ArrayBuffer> {
    const count = checkAsked(shape, DRAWS_NOTHING, name);
    if (typeof this.value === "number") return new Float32Array(count).fill(this.value);
    if (this.value.length !== count) {
      throw new ShapeError(
        `Cannot initialize Parameter '${name}' with Constant: ${this.value.length} values, ` +
          `expected ${count} for shape ${formatShape(shape)}`,
      );
    }
    return Float32Array.from(this.value);
  }
}

/** Uniform over `[-scale, scale)`. Name: `uniform`. */
export class Uniform extends Initializer {
  /** Half the width of the range. */
  readonly scale: number;

  /**
   * Makes the initializer.
   *
   * @param scale Half the width of the range; 0.07 by default.
   * @throws {TypeError} If it is not a number.
   * @throws {RangeError} If it is negative or not finite.
   */
  constructor(scale: number = 0.07) {
    super();
    this.scale = checkNumber("construct Uniform", "scale", scale, { minimum: 0 });
  }

  /** The arguments of the constructor by MXNet's names. */
  override get options(): Readonly<Record<string, unknown>> {
    return { scale: this.scale };
  }

  /** The values in row-major order. */
  override values(shape: Shape, stream: RandomStream): Float32Array<ArrayBuffer> {
    return uniformValues(checkAsked(shape, stream), this.scale, stream);
  }
}

/** Normal with mean 0 and standard deviation `sigma`. Name: `normal`. */
export class Normal extends Initializer {
  /** The standard deviation. */
  readonly sigma: number;

  /**
   * Makes the initializer.
   *
   * @param sigma The standard deviation; 0.01 by default.
   * @throws {TypeError} If it is not a number.
   * @throws {RangeError} If it is negative or not finite.
   */
  constructor(sigma: number = 0.01) {
    super();
    this.sigma = checkNumber("construct Normal", "sigma", sigma, { minimum: 0 });
  }

  /** The arguments of the constructor by MXNet's names. */
  override get options(): Readonly<Record<string, unknown>> {
    return { sigma: this.sigma };
  }

  /** The values in row-major order. */
  override values(shape: Shape, stream: RandomStream): Float32Array<ArrayBuffer> {
    return normalValues(checkAsked(shape, stream), this.sigma, stream);
  }
}

/** Which of a weight's connections a scaled initializer counts. */
export type FactorType = "avg" | "in" | "out";

/** Options of {@linkcode Xavier}. */
export interface XavierOptions {
  /** The distribution; `uniform` by default. */
  readonly rndType?: "uniform" | "gaussian";
  /** Scale by the fan in, the fan out or their mean; `avg` by default. */
  readonly factorType?: FactorType;
  /** The numerator under the root; 3 by default. */
  readonly magnitude?: number;
}

const FACTOR_TYPES: readonly FactorType[] = ["avg", "in", "out"];

/**
 * Keeps the scale of values about equal through layers (Glorot and Bengio, 2010). With
 * `area = shape[2] · shape[3] · …`, `fan in = shape[1] · area`, `fan out = shape[0] · area` and the
 * factor chosen from these, `v = sqrt(magnitude / factor)`: uniform over `[-v, v)` or normal with
 * standard deviation `v`. The first two axes count whatever the layout, as in MXNet, so fans of
 * channel-last and transposed weights are not those of the usual definition. Name: `xavier`.
 */
export class Xavier extends Initializer {
  /** The distribution. */
  readonly rndType: "uniform" | "gaussian";
  /** Which fans scale the values. */
  readonly factorType: FactorType;
  /** The numerator under the root. */
  readonly magnitude: number;

  /**
   * Makes the initializer.
   *
   * @param options Distribution, factor and magnitude.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: XavierOptions = {}) {
    super();
    const read = readOptions("construct Xavier", options, {
      rndType: oneOf<"uniform" | "gaussian">(["uniform", "gaussian"], "uniform"),
      factorType: oneOf(FACTOR_TYPES, "avg"),
      magnitude: number({ minimum: 0 }, 3),
    });
    this.rndType = read.rndType;
    this.factorType = read.factorType;
    this.magnitude = read.magnitude;
  }

  /** The arguments of the constructor by MXNet's names. */
  override get options(): Readonly<Record<string, unknown>> {
    return { rnd_type: this.rndType, factor_type: this.factorType, magnitude: this.magnitude };
  }

  /** The values in row-major order. */
  override values(shape: Shape, stream: RandomStream, name: string): Float32Array<ArrayBuffer> {
    const count = checkAsked(shape, stream, name);
    if (shape.length < 2) {
      throw new ShapeError(
        `Cannot initialize Parameter '${name}' with Xavier: its shape is ${formatShape(shape)}, ` +
          `expected at least 2 axes; give biases an initializer of their own`,
      );
    }
    const area = elementCount(shape.slice(2));
    const fanIn = shape[1]! * area, fanOut = shape[0]! * area;
    const factor = { in: fanIn, out: fanOut, avg: (fanIn + fanOut) / 2 }[this.factorType];
    const scale = Math.sqrt(this.magnitude / factor);
    const draw = this.rndType === "uniform" ? uniformValues : normalValues;
    return draw(count, scale, stream);
  }
}

/** Options of {@linkcode MSRAPrelu}. */
export interface MSRAPreluOptions {
  /** Scale by the fan in, the fan out or their mean; `avg` by default. */
  readonly factorType?: FactorType;
  /** Slope of the rectifier's negative side; 0.25 by default. */
  readonly slope?: number;
}

/**
 * Keeps the scale of values through rectifiers (He et al., 2015): {@linkcode Xavier} with normal
 * numbers and `magnitude = 2 / (1 + slope^2)`. Name: `msraprelu`.
 */
export class MSRAPrelu extends Xavier {
  /** Slope of the rectifier's negative side. */
  readonly slope: number;

  /**
   * Makes the initializer.
   *
   * @param options Factor and slope.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: MSRAPreluOptions = {}) {
    const { factorType, slope } = readOptions("construct MSRAPrelu", options, {
      factorType: oneOf(FACTOR_TYPES, "avg"),
      slope: number({}, 0.25),
    });
    super({ rndType: "gaussian", factorType, magnitude: 2 / (1 + slope * slope) });
    this.slope = slope;
  }

  /** The arguments of the constructor by MXNet's names. */
  override get options(): Readonly<Record<string, unknown>> {
    return { factor_type: this.factorType, slope: this.slope };
  }
}

/**
 * Weights of a transposed convolution that enlarges bilinearly. With `f = ceil(width / 2)` and
 * `c = (2f - 1 - f mod 2) / (2f)`: `value = (1 - |x/f - c|) · (1 - |y/f - c|)` at column `x` and row
 * `y`, for every pair of channels. Weights of four axes only. Name: `bilinear`.
 */
export class Bilinear extends Initializer {
  /** The values in row-major order. */
  override values(shape: Shape, _stream: RandomStream, name: string): Float32Array<ArrayBuffer> {
    const count = checkAsked(shape, DRAWS_NOTHING, name);
    if (shape.length !== 4) {
      throw new ShapeError(
        `Cannot initialize Parameter '${name}' with Bilinear: its shape is ${
          formatShape(shape)
        }, ` +
          `expected 4 axes`,
      );
    }
    const height = shape[2]!, width = shape[3]!;
    const f = Math.ceil(width / 2);
    const c = (2 * f - 1 - f % 2) / (2 * f);
    return Float32Array.from({ length: count }, (_, i) => {
      const x = i % width, y = Math.floor(i / width) % height;
      return (1 - Math.abs(x / f - c)) * (1 - Math.abs(y / f - c));
    });
  }
}

function isArrayOfNumbers(value: unknown): value is ArrayLike<number> {
  if (ArrayBuffer.isView(value)) {
    return !(value instanceof DataView || value instanceof BigInt64Array ||
      value instanceof BigUint64Array);
  }
  if (!Array.isArray(value)) return false;
  const wrong = value.findIndex((item) => typeof item !== "number");
  if (wrong >= 0) {
    throw new TypeError(
      `Cannot construct Constant: value[${wrong}] is ${describe(value[wrong])}, expected a number`,
    );
  }
  return true;
}
