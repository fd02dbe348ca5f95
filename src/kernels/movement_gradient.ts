// Plans of the reverse of moving elements: writing a box into zeros; and of repeating elements along axes.

import { broadcastStrides, contiguousStrides, type Shape } from "../core/shape.ts";
import { planFill } from "./elementwise.ts";
import { countOperand, plainSlots } from "./operand.ts";
import type { Capabilities, Plan } from "./plan.ts";
import { copyRegion } from "./region.ts";

/**
 * Plans the reverse of a slice: a box of elements among zeros.
 *
 * @param capabilities The device.
 * @param shape Shape of the output.
 * @param begin First index on every axis.
 * @param sizes Elements written on every axis: the input's shape.
 * @param steps Distance between written elements on every axis; may be negative.
 * @param elementBytes 1, 2, 4 or 8.
 * @returns Input 0, output 0.
 */
export function planSliceGradient(
  capabilities: Capabilities,
  shape: Shape,
  begin: readonly number[],
  sizes: readonly number[],
  steps: readonly number[],
  elementBytes: number,
): Plan {
  const where = "apply _backward_slice";
  const outputCount = countOperand(capabilities, where, shape, elementBytes);
  const slots = plainSlots(1);
  const result = { label: "Slice/gradient", slots, flops: 0, bytes: outputCount * elementBytes };
  if (outputCount === 0) return { ...result, dispatches: [] };
  const strides = contiguousStrides(shape);
  const region = {
    sizes,
    from: { base: 0, strides: contiguousStrides(sizes) },
    to: {
      base: strides.reduce((sum, stride, axis) => sum + stride * begin[axis]!, 0),
      strides: strides.map((stride, axis) => stride * steps[axis]!),
    },
    outputCount,
  };
  const [fill] = planFill(capabilities, 0, outputCount * elementBytes).dispatches;
  const copies = copyRegion(capabilities, region, elementBytes, [0, 1]);
  return { ...result, dispatches: [{ ...fill!, slots: [1] }, ...copies] };
}

/**
 * Plans repeating elements until a tensor has a larger shape.
 *
 * @param capabilities The device.
 * @param shape Shape of the input; broadcasts to `target`.
 * @param target Shape of the output.
 * @param elementBytes 1, 2, 4 or 8.
 * @returns Input 0, output 0.
 */
export function planBroadcast(
  capabilities: Capabilities,
  shape: Shape,
  target: Shape,
  elementBytes: number,
): Plan {
  const where = "apply broadcast_to";
  const count = countOperand(capabilities, where, shape, elementBytes);
  const outputCount = countOperand(capabilities, where, target, elementBytes);
  const region = {
    sizes: target,
    from: { base: 0, strides: broadcastStrides(shape, target) },
    to: { base: 0, strides: contiguousStrides(target) },
    outputCount,
  };
  return {
    label: "Broadcast",
    slots: plainSlots(1),
    dispatches: copyRegion(capabilities, region, elementBytes, [0, 1]),
    flops: 0,
    bytes: (count + outputCount) * elementBytes,
  };
}
