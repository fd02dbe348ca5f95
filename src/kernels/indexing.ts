// Plans of picking one element of each line, of the reverse, and of finding the largest.

import { programs } from "../../shaders/manifest.ts";
import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import { divisor } from "./divisor.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { checkDType, countOperand, plainSlots, totalBytes, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** What to do with indices beyond the axis; the numbers are those of pick.comp. */
export const PICK_MODES = { clip: 0, wrap: 1 } as const;

/** Name of a way to treat indices beyond the axis. */
export type PickMode = keyof typeof PICK_MODES;

/** How elements are picked. */
export interface PickSettings {
  /** Shape of the whole: the input, or the result of the reverse. */
  readonly shape: Shape;
  /** The axis, counted from the front. */
  readonly axis: number;
  readonly dtype: DType;
  /** float32 or int32. */
  readonly indexDType: DType;
  readonly mode: PickMode;
  /** Put one element into each line of zeros instead. */
  readonly reverse: boolean;
}

/**
 * Plans picking one element of each line along an axis.
 *
 * @param capabilities The device.
 * @param settings How.
 * @returns Input 0 the whole (or, in reverse, one value for each line), input 1 the indices, output 0.
 */
export function planPick(capabilities: Capabilities, settings: PickSettings): Plan {
  const { shape, axis, dtype, indexDType, mode, reverse } = settings;
  const where = reverse ? "apply _backward_pick" : "apply pick";
  checkDType(where, dtype, ["float32", "float16"]);
  checkDType(`${where}: indices`, indexDType, ["float32", "int32"]);
  const whole = countOperand(capabilities, where, shape, dtypeByteLength(dtype));
  const elements = shape[axis]!;
  const lines = elementCount(shape.filter((_, at) => at !== axis));
  const inner = elementCount(shape.slice(axis + 1));
  const count = reverse ? whole : lines;
  const result = {
    label: reverse ? "Pick/reverse" : "Pick",
    slots: plainSlots(2),
    flops: 0,
    bytes: totalBytes(dtype, lines, count) + lines * 4,
  };
  if (count === 0) return { ...result, dispatches: [] };
  const words = Math.ceil(count * dtypeByteLength(dtype) / 4);
  const [inners, lengths] = [divisor(inner), divisor(elements)];
  const dispatch = makeDispatch(
    programs[usesTexels(capabilities) ? "indexing/pick.texel" : "indexing/pick.storage"],
    {
      local_size_x: plainLocalSize(capabilities),
      half: dtype === "float16" ? 1 : 0,
      reverse: reverse ? 1 : 0,
      float_indices: indexDType === "float32" ? 1 : 0,
      mode: PICK_MODES[mode],
    },
    {
      words,
      last: count - 1,
      elements,
      inner,
      multiplier_inner: inners.multiplier,
      multiplier_elements: lengths.multiplier,
      shifts: inners.shift | (lengths.shift << 5),
      off: 0,
    },
    [0, 1, 2],
    gridForItems(capabilities, words),
  );
  return { ...result, dispatches: [dispatch] };
}

/**
 * Plans finding the largest element of each line along an axis.
 *
 * @param capabilities The device.
 * @param shape Shape of the input, float32; the axis has at least one element.
 * @param axis The axis, counted from the front.
 * @returns Input 0, output 0: int32 indices.
 */
export function planArgmax(capabilities: Capabilities, shape: Shape, axis: number): Plan {
  const count = countOperand(capabilities, "apply argmax", shape, 4);
  const items = elementCount(shape.filter((_, at) => at !== axis));
  const result = {
    label: "Argmax",
    slots: plainSlots(1),
    flops: count,
    bytes: totalBytes("float32", count, items),
  };
  if (items === 0) return { ...result, dispatches: [] };
  const inner = elementCount(shape.slice(axis + 1));
  const { multiplier, shift } = divisor(inner);
  const dispatch = makeDispatch(
    programs[usesTexels(capabilities) ? "indexing/argmax.texel" : "indexing/argmax.storage"],
    { local_size_x: plainLocalSize(capabilities) },
    { items, elements: shape[axis]!, inner, multiplier_inner: multiplier, shift_inner: shift },
    [0, 1],
    gridForItems(capabilities, items),
  );
  return { ...result, dispatches: [dispatch] };
}
