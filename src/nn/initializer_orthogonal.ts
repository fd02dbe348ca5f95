// Orthogonal matrices as first values. Knows no parameters and no tensors.
// After apache/mxnet python/mxnet/initializer.py.

import { ShapeError } from "../core/errors.ts";
import { number, oneOf, readOptions } from "../core/options.ts";
import type { RandomStream } from "../core/random.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import { Initializer } from "./initializer.ts";
import { checkAsked } from "./initializer_draw.ts";

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

  /** The arguments of the constructor by MXNet's names. */
  override get options(): Readonly<Record<string, unknown>> {
    return { scale: this.scale, rand_type: this.randType };
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
