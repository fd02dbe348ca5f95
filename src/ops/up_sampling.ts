// Nearest-neighbor upsampling. After apache/mxnet src/operator/nn/upsampling.cc.

import { dtypeByteLength } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { checkInteger, checkTuple, oneOf, type OptionRule, readOptions } from "../core/options.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import { planUpSampling } from "../kernels/movement.ts";
import type { Tensor } from "../tensor/mod.ts";
import { defineOperator, inputSpec, type Operator } from "./define.ts";
import { sum } from "./reduce.ts";

const WHERE = "apply UpSampling";

/** Order of the axes of an image tensor. */
export type Layout = "NCW" | "NCHW" | "NCDHW" | "NWC" | "NHWC" | "NDHWC";

/** All layouts, channels first in front; the letters name the axes in order. */
export const LAYOUTS: readonly Layout[] = ["NCW", "NCHW", "NCDHW", "NWC", "NHWC", "NDHWC"];

/** One whole factor, or one for each spatial axis. */
const scaleRule: OptionRule<number | number[]> = (where, name, value) =>
  Array.isArray(value)
    ? checkTuple(where, name, value, Math.min(Math.max(value.length, 1), 3), { minimum: 1 })
    : checkInteger(where, name, value, { minimum: 1 });

function factorsFor(
  scale: number | number[],
  layout: Layout | undefined,
  shape: readonly number[],
): number[] {
  const letters = layout ?? LAYOUTS[shape.length - 3];
  if (letters === undefined || letters.length !== shape.length || shape.length > 5) {
    const allowed = layout === undefined ? "3 to 5" : `${layout.length} (layout ${layout})`;
    throw new ShapeError(
      `Cannot ${WHERE}: data has rank ${shape.length} (shape ${formatShape(shape)}), ` +
        `expected ${allowed}`,
    );
  }
  const spatial = shape.length - 2;
  if (Array.isArray(scale) && scale.length !== spatial) {
    throw new ShapeError(
      `Cannot ${WHERE}: scale ${formatShape(scale)} has ${scale.length} entries, ` +
        `expected ${spatial}, one for each spatial axis of ${letters}`,
    );
  }
  let axis = 0;
  return [...letters].map((letter) => {
    if (letter === "N" || letter === "C") return 1;
    return Array.isArray(scale) ? scale[axis++]! : scale;
  });
}

/** Upsampling by whole factors; MXNet's operator has one factor and channels first. */
export const upSamplingOperator: Operator = defineOperator({
  batched: [0],
  name: "UpSampling",
  inputs: ["data"],
  attributes: {
    scale: scaleRule,
    sample_type: oneOf(["nearest"], "nearest"),
    layout: (where, name, value) =>
      value === undefined ? undefined : oneOf(LAYOUTS)(where, name, value),
  },
  native16: true,
  inferShape: ({ scale, layout }, inputs) => {
    const { shape, dtype } = inputSpec(inputs, 0);
    const factors = factorsFor(scale, layout, shape);
    const sizes = shape.map((size, axis) => size * factors[axis]!);
    elementCount(sizes, WHERE);
    return { shape: sizes, dtype };
  },
  plan: (capabilities, { scale, layout }, inputs, { dtype }) => {
    const { shape } = inputSpec(inputs, 0);
    const factors = factorsFor(scale, layout, shape);
    return planUpSampling(capabilities, shape, factors, dtypeByteLength(dtype));
  },
  keeps: () => [],
  backward: ({ attributes: { scale, layout }, inputs, headGradient }) => {
    const { shape } = inputs[0]!;
    const factors = factorsFor(scale, layout, shape);
    // Every axis as blocks and places within them: the sum over the places.
    const blocks = headGradient.reshape(shape.flatMap((size, axis) => [size, factors[axis]!]));
    return [sum(blocks, { axis: shape.map((_, axis) => 2 * axis + 1) })];
  },
});

/** The operators of this family. */
export const upSamplingOperators: readonly Operator[] = [upSamplingOperator];

/** Options of {@linkcode upSampling}. */
export interface UpSamplingOptions {
  /** Order of the axes; channels first if omitted. */
  readonly layout?: Layout;
}

/**
 * Repeats every element along the spatial axes (nearest-neighbor upsampling).
 *
 * `out[n, c, h, w] = x[n, c, floor(h / scale), floor(w / scale)]`
 *
 * @param x `[N, C, spatial…]` or the order that `layout` says, any dtype.
 * @param scale Whole factor, or one for each spatial axis.
 * @param options The layout.
 * @returns A tensor whose spatial sizes are `scale` times as large.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {RangeError} If a factor is not a positive integer.
 * @throws {ShapeError} If the rank does not fit layout or factors.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { tensor, upSampling } from "@vknn/vknn";
 *
 * const x = tensor([1, 2], [1, 1, 2]);
 * const y = upSampling(x, 3);
 * assert((await y.data()).join() === "1,1,1,2,2,2");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function upSampling(
  x: Tensor,
  scale: number | readonly number[],
  options?: UpSamplingOptions,
): Tensor {
  const { layout } = readOptions(WHERE, options, {
    layout: (where, name, value) =>
      value === undefined ? undefined : oneOf(LAYOUTS)(where, name, value),
  });
  return upSamplingOperator.apply([x], { scale, sample_type: "nearest", layout });
}
