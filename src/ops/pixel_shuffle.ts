// Pixel shuffle in one, two and three dimensions, and its inverse.
// After apache/mxnet python/mxnet/gluon/nn/conv_layers.py (PixelShuffle1D, 2D, 3D).

import { dtypeByteLength } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { checkInteger, checkTuple, type OptionRule } from "../core/options.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import { planPixelShuffle } from "../kernels/movement.ts";
import type { Tensor } from "../tensor/mod.ts";
import { defineOperator, inputSpec, type Operator, type TensorSpec } from "./define.ts";

const factorRule: OptionRule<number | number[]> = (where, name, value) =>
  Array.isArray(value)
    ? checkTuple(where, name, value, Math.min(Math.max(value.length, 1), 3), { minimum: 1 })
    : checkInteger(where, name, value, { minimum: 1 });

function factorsFor(name: string, factor: number | number[], shape: readonly number[]): number[] {
  const spatial = Array.isArray(factor) ? factor.length : shape.length - 2;
  if (shape.length !== spatial + 2 || spatial < 1 || spatial > 3) {
    const allowed = Array.isArray(factor)
      ? `${factor.length + 2} (factor ${formatShape(factor)})`
      : "3 to 5";
    throw new ShapeError(
      `Cannot apply ${name}: data has rank ${shape.length} (shape ${formatShape(shape)}), ` +
        `expected ${allowed}`,
    );
  }
  return Array.isArray(factor) ? factor : new Array<number>(spatial).fill(factor);
}

function definePixelShuffle(name: string, inverse: boolean): Operator {
  return defineOperator({
    batched: [0],
    name,
    inputs: ["data"],
    attributes: { factor: factorRule },
    native16: true,
    inferShape: ({ factor }, inputs) => {
      const input = inputSpec(inputs, 0);
      const factors = factorsFor(name, factor, input.shape);
      const output = inverse ? unshuffled(name, input, factors) : shuffled(name, input, factors);
      elementCount(output.shape, `apply ${name}`);
      return output;
    },
    plan: (capabilities, { factor }, inputs, { dtype }) => {
      const { shape } = inputSpec(inputs, 0);
      const factors = factorsFor(name, factor, shape);
      return planPixelShuffle(capabilities, shape, factors, dtypeByteLength(dtype), inverse);
    },
    keeps: () => [],
    backward: ({ attributes, headGradient }) => {
      const operator = inverse ? pixelShuffleOperator : pixelUnshuffleOperator;
      return [operator.apply([headGradient], attributes)];
    },
  });
}

function product(factors: readonly number[]): number {
  return factors.reduce((all, factor) => all * factor, 1);
}

function shuffled(name: string, { shape, dtype }: TensorSpec, factors: number[]): TensorSpec {
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
  const pixels = product(factors);
  if (channels % pixels !== 0) {
    throw new ShapeError(
      `Cannot apply ${name}: data has ${channels} channels, expected a multiple of ${pixels} ` +
        `(factor ${formatShape(factors)})`,
    );
  }
  const sizes = spatial.map((size, axis) => size * factors[axis]!);
  return { shape: [batch, channels / pixels, ...sizes], dtype };
}

function unshuffled(name: string, { shape, dtype }: TensorSpec, factors: number[]): TensorSpec {
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]];
  if (spatial.some((size, axis) => size % factors[axis]! !== 0)) {
    throw new ShapeError(
      `Cannot apply ${name}: data has spatial sizes ${formatShape(spatial)}, ` +
        `expected multiples of factor ${formatShape(factors)}`,
    );
  }
  const sizes = spatial.map((size, axis) => size / factors[axis]!);
  return { shape: [batch, channels * product(factors), ...sizes], dtype };
}

/** Channels to pixels. */
export const pixelShuffleOperator: Operator = definePixelShuffle("PixelShuffle", false);
/** Pixels to channels. */
export const pixelUnshuffleOperator: Operator = definePixelShuffle("PixelUnshuffle", true);

/** The operators of this family. */
export const pixelShuffleOperators: readonly Operator[] = [
  pixelShuffleOperator,
  pixelUnshuffleOperator,
];

/**
 * Moves blocks of channels to blocks of pixels.
 *
 * `out[n, c, h, w] = x[n, (c * f1 + h % f1) * f2 + w % f2, floor(h / f1), floor(w / f2)]`, and
 * likewise with one or three spatial axes.
 *
 * @param x `[N, C * f1 * f2, H, W]`, or with one or three spatial axes; any dtype.
 * @param factor Whole factor, or one for each spatial axis.
 * @returns `[N, C, H * f1, W * f2]`.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {RangeError} If a factor is not a positive integer.
 * @throws {ShapeError} If rank or channels do not fit the factors.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { arange, pixelShuffle } from "@vknn/vknn";
 *
 * const x = arange(12).reshape([1, 4, 3]);
 * const y = pixelShuffle(x, 2);
 * assert((await y.data()).join() === "0,3,1,4,2,5,6,9,7,10,8,11");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function pixelShuffle(x: Tensor, factor: number | readonly number[]): Tensor {
  return pixelShuffleOperator.apply([x], { factor });
}

/**
 * Moves blocks of pixels to blocks of channels; the inverse of {@linkcode pixelShuffle}.
 *
 * @param x `[N, C, H * f1, W * f2]`, or with one or three spatial axes; any dtype.
 * @param factor Whole factor, or one for each spatial axis.
 * @returns `[N, C * f1 * f2, H, W]`.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {RangeError} If a factor is not a positive integer.
 * @throws {ShapeError} If rank or sizes do not fit the factors.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { arange, pixelUnshuffle } from "@vknn/vknn";
 *
 * const x = arange(4).reshape([1, 1, 4]);
 * const y = pixelUnshuffle(x, 2);
 * assert((await y.data()).join() === "0,2,1,3");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function pixelUnshuffle(x: Tensor, factor: number | readonly number[]): Tensor {
  return pixelUnshuffleOperator.apply([x], { factor });
}
