// Plans of operators that only move elements: transpose, slice, concatenate, nearest upsampling, pixel shuffle.
// Bits pass unchanged, so they know element sizes, not dtypes.

import { ShapeError } from "../core/errors.ts";
import { contiguousStrides, formatShape, type Shape } from "../core/shape.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { countOperand, plainSlots } from "./operand.ts";
import type { Capabilities, Plan } from "./plan.ts";
import { copyRegion, type View } from "./region.ts";

function planMove(
  capabilities: Capabilities,
  label: string,
  inputShape: Shape,
  sizes: readonly number[],
  from: View,
  elementBytes: number,
  to: readonly number[] = contiguousStrides(sizes),
): Plan {
  const where = `apply ${label}`;
  countOperand(capabilities, where, inputShape, elementBytes);
  const outputCount = countOperand(capabilities, where, sizes, elementBytes);
  const region = { sizes, from, to: { base: 0, strides: to }, outputCount };
  return {
    label,
    slots: plainSlots(1),
    dispatches: copyRegion(capabilities, region, elementBytes, [0, 1]),
    flops: 0,
    bytes: 2 * outputCount * elementBytes,
  };
}

/**
 * Plans a permutation of axes (a layout change).
 *
 * @param capabilities The device.
 * @param shape Shape of the input.
 * @param axes Axis of the input that each output axis shows.
 * @param elementBytes 1, 2, 4 or 8.
 * @returns Input 0, output 0 of shape `axes.map((axis) => shape[axis])`.
 */
export function planTranspose(
  capabilities: Capabilities,
  shape: Shape,
  axes: readonly number[],
  elementBytes: number,
): Plan {
  const strides = contiguousStrides(shape);
  const sizes = axes.map((axis) => shape[axis]!);
  const from = { base: 0, strides: axes.map((axis) => strides[axis]!) };
  return planMove(capabilities, "Transpose", shape, sizes, from, elementBytes);
}

/**
 * Plans a copy of a box of elements.
 *
 * @param capabilities The device.
 * @param shape Shape of the input.
 * @param begin First index on every axis.
 * @param sizes Elements taken on every axis: the output's shape.
 * @param elementBytes 1, 2, 4 or 8.
 * @param steps Distance between taken elements on every axis; may be negative.
 * @returns Input 0, output 0.
 * @throws {ShapeError} If an index leaves the input.
 */
export function planSlice(
  capabilities: Capabilities,
  shape: Shape,
  begin: readonly number[],
  sizes: readonly number[],
  elementBytes: number,
  steps: readonly number[] = shape.map(() => 1),
): Plan {
  let base = 0;
  const strides = contiguousStrides(shape).map((stride, axis) => {
    const first = begin[axis]!;
    const last = first + (sizes[axis]! - 1) * steps[axis]!;
    if (sizes[axis]! > 0 && (Math.min(first, last) < 0 || Math.max(first, last) >= shape[axis]!)) {
      throw new ShapeError(
        `Cannot slice ${formatShape(shape)}: axis ${axis} is read at ${first}..${last}, ` +
          `expected 0..${shape[axis]! - 1}`,
      );
    }
    base += first * stride;
    return stride * steps[axis]!;
  });
  return planMove(capabilities, "Slice", shape, sizes, { base, strides }, elementBytes);
}

/**
 * Plans a concatenation.
 *
 * @param capabilities The device.
 * @param shapes Shapes of the inputs, equal but on the axis.
 * @param axis Where they are joined.
 * @param elementBytes 1, 2, 4 or 8.
 * @returns Inputs 0, 1, …, output 0.
 * @throws {ShapeError} If the shapes differ elsewhere.
 */
export function planConcat(
  capabilities: Capabilities,
  shapes: readonly Shape[],
  axis: number,
  elementBytes: number,
): Plan {
  const first = shapes[0];
  if (first === undefined) {
    throw new ShapeError("Cannot concatenate: no tensors, expected at least 1");
  }
  for (const [index, shape] of shapes.entries()) {
    const fits = shape.length === first.length &&
      shape.every((size, at) => at === axis || size === first[at]);
    if (!fits) {
      throw new ShapeError(
        `Cannot concatenate on axis ${axis}: tensor ${index} has shape ${formatShape(shape)}, ` +
          `expected ${formatShape(first)} but for that axis`,
      );
    }
    countOperand(capabilities, "concatenate", shape, elementBytes);
  }
  const total = shapes.reduce((sum, shape) => sum + shape[axis]!, 0);
  const output = first.map((size, at) => at === axis ? total : size);
  const outputCount = countOperand(capabilities, "concatenate", output, elementBytes);
  const to = contiguousStrides(output);
  const dispatches: Dispatch[] = [];
  let at = 0;
  for (const [index, shape] of shapes.entries()) {
    const region = {
      sizes: shape,
      from: { base: 0, strides: contiguousStrides(shape) },
      to: { base: at * to[axis]!, strides: to },
      outputCount,
    };
    dispatches.push(...copyRegion(capabilities, region, elementBytes, [index, shapes.length]));
    at += shape[axis]!;
  }
  const bytes = 2 * outputCount * elementBytes;
  return { label: "Concat", slots: plainSlots(shapes.length), dispatches, flops: 0, bytes };
}

/**
 * Plans nearest-neighbor upsampling: every element is repeated along every axis.
 *
 * @param capabilities The device.
 * @param shape Shape of the input.
 * @param factors Whole factor for every axis of the shape; 1 on batch and channels.
 * @param elementBytes 1, 2, 4 or 8.
 * @returns Input 0, output 0 of shape `shape[i] * factors[i]`.
 */
export function planUpSampling(
  capabilities: Capabilities,
  shape: Shape,
  factors: readonly number[],
  elementBytes: number,
): Plan {
  const strides = contiguousStrides(shape);
  // Output index t on an axis is (t div factor, t mod factor): two axes, the second standing still in the input.
  const sizes = shape.flatMap((size, axis) => [size, factors[axis]!]);
  const from = { base: 0, strides: strides.flatMap((stride) => [stride, 0]) };
  return planMove(capabilities, "UpSampling", shape, sizes, from, elementBytes);
}

/**
 * Plans a pixel shuffle of a channel-first tensor: channel (c, i, j) at (h, w) goes to channel c at (h f1 + i, w f2 + j).
 *
 * @param capabilities The device.
 * @param shape `[N, C f1 f2 …, spatial…]`, or `[N, C, spatial f…]` for the inverse.
 * @param factors A factor for every spatial axis.
 * @param elementBytes 1, 2, 4 or 8.
 * @param inverse Whether to gather pixels into channels instead.
 * @returns Input 0, output 0.
 * @throws {ShapeError} If channels (or sizes) are not divisible by the factors.
 */
export function planPixelShuffle(
  capabilities: Capabilities,
  shape: Shape,
  factors: readonly number[],
  elementBytes: number,
  inverse: boolean = false,
): Plan {
  const rank = factors.length;
  const product = factors.reduce((all, factor) => all * factor, 1);
  const channels = shape[1]!;
  const fits = shape.length === rank + 2 &&
    (inverse
      ? factors.every((factor, axis) => shape[axis + 2]! % factor === 0)
      : channels % product === 0);
  if (!fits) {
    throw new ShapeError(
      `Cannot shuffle pixels of ${formatShape(shape)} by ${formatShape(factors)}: ` +
        (inverse
          ? "every size must be divisible by its factor"
          : `channels must be divisible by ${product}`),
    );
  }
  // The deep tensor is [N, C, f…, spatial…], the wide one [N, C, spatial and f interleaved…]: one permutation.
  const spatial = shape.slice(2).map((size, axis) => inverse ? size / factors[axis]! : size);
  const deep = [shape[0]!, inverse ? channels : channels / product, ...factors, ...spatial];
  const order = [0, 1];
  for (let axis = 0; axis < rank; axis++) order.push(2 + rank + axis, 2 + axis);
  const label = inverse ? "PixelUnshuffle" : "PixelShuffle";
  const strides = contiguousStrides(deep);
  const wide = order.map((axis) => deep[axis]!);
  if (!inverse) {
    const from = { base: 0, strides: order.map((axis) => strides[axis]!) };
    return planMove(capabilities, label, shape, wide, from, elementBytes);
  }
  const wideStrides = contiguousStrides(wide);
  const from = { base: 0, strides: deep.map((_, axis) => wideStrides[order.indexOf(axis)]!) };
  return planMove(capabilities, label, shape, deep, from, elementBytes);
}
