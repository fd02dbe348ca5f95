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
}

/** Options of {@linkcode Orthogonal}. */
export interface OrthogonalOptions {
  /** Length of every row or column; 1.414 by default. */
  readonly scale?: number;
  /** Distribution of the random matrix; `uniform` by default. */
  readonly randType?: "uniform" | "normal";
}

/**
 * An orthogonal matrix of `shape[0]` rows times `scale` (Saxe et al., 2013): the rows, or the
 * columns if there are more rows than columns, are orthogonal and of length `scale`. MXNet takes a
 * singular value factor of a random matrix; this takes the Q of its QR factorization, which has the
 * same properties and needs no iteration. Name: `orthogonal`.
 */
export class Orthogonal extends Initializer {
  /** Length of every row or column. */
  readonly scale: number;
  /** Distribution of the random matrix. */
  readonly randType: "uniform" | "normal";

  /**
   * Makes the initializer.
   *
   * @param options Scale and distribution.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(options: OrthogonalOptions = {}) {
    super();
    const read = readOptions("construct Orthogonal", options, {
      scale: number({ minimum: 0 }, 1.414),
      randType: oneOf<"uniform" | "normal">(["uniform", "normal"], "uniform"),
    });
    this.scale = read.scale;
    this.randType = read.randType;
  }

  /** The values in row-major order. */
  override values(shape: Shape, stream: RandomStream, name: string): Float32Array<ArrayBuffer> {
    checkAsked(shape, stream, name);
    if (shape.length < 1) {
      throw new ShapeError(
        `Cannot initialize Parameter '${name}' with Orthogonal: its shape is (), ` +
          `expected at least 1 axis`,
      );
    }
    const rows = shape[0]!, columns = elementCount(shape.slice(1));
    const count = Math.min(rows, columns), length = Math.max(rows, columns);
    const vectors = Array.from({ length: count }, () => {
      return Float64Array.from(
        { length },
        () => this.randType === "normal" ? stream.nextNormal() : 2 * stream.nextUniform() - 1,
      );
    });
    orthonormalize(vectors);
    const result = new Float32Array(rows * columns);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < length; j++) {
        result[rows <= columns ? i * columns + j : j * columns + i] = vectors[i]![j]! * this.scale;
      }
    }
    return result;
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

/** Gram-Schmidt, twice for each vector, which is enough for orthogonality to the last bits. */
function orthonormalize(vectors: readonly Float64Array[]): void {
  for (const [index, vector] of vectors.entries()) {
    for (let pass = 0; pass < 2; pass++) {
      for (const earlier of vectors.slice(0, index)) {
        const projection = dot(vector, earlier);
        for (let i = 0; i < vector.length; i++) vector[i]! -= projection * earlier[i]!;
      }
    }
    const length = Math.sqrt(dot(vector, vector)) || 1; // an all-zero draw stays zero
    for (let i = 0; i < vector.length; i++) vector[i]! /= length;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
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
