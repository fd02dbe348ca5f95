// Strided walks over several operands at once: merging axes, so that shaders divide as little as possible.

import { divisor } from "./divisor.ts";

/** A walk over a box of elements: sizes and, for each operand, strides in elements; innermost axis first. */
export interface Walk {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/**
 * Drops axes of size 1 and merges neighbors that every operand walks as one.
 *
 * @param sizes Sizes, outermost first.
 * @param strides For each operand a stride for each axis, outermost first.
 * @returns The same walk in the fewest axes (at least one), innermost first.
 */
export function mergeAxes(
  sizes: readonly number[],
  strides: readonly (readonly number[])[],
): Walk {
  const merged: number[] = [];
  const out: number[][] = strides.map(() => []);
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    const size = sizes[axis]!;
    if (size === 1) continue;
    const last = merged.length - 1;
    const joins = last >= 0 &&
      strides.every((own, operand) => own[axis] === out[operand]![last]! * merged[last]!);
    if (joins) {
      merged[last] = merged[last]! * size;
    } else {
      merged.push(size);
      strides.forEach((own, operand) => out[operand]!.push(own[axis]!));
    }
  }
  if (merged.length === 0) {
    merged.push(1);
    for (const own of out) own.push(0);
  }
  return { sizes: merged, strides: out };
}

/**
 * Push words `size_i`, `multiplier_i` and `shifts` with which a shader takes an index apart.
 *
 * @param sizes Sizes, innermost first.
 * @param axes Axes of the shader's push block that have a divisor.
 * @returns The words by name; the outermost axis needs none.
 */
export function divisorWords(sizes: readonly number[], axes: number): Record<string, number> {
  const words: Record<string, number> = { shifts: 0 };
  for (let axis = 0; axis < axes; axis++) {
    const size = axis < sizes.length - 1 ? sizes[axis]! : 1;
    const { multiplier, shift } = divisor(size);
    words[`size_${axis}`] = size;
    words[`multiplier_${axis}`] = multiplier;
    words.shifts = (words.shifts! | (shift << (5 * axis))) >>> 0;
  }
  return words;
}

/**
 * Push words `<prefix>_0`, `<prefix>_1`, … with one stride each.
 *
 * @param prefix Name of the operand in the push block.
 * @param strides Strides, innermost first.
 * @param axes Axes of the push block.
 * @returns The words by name; absent axes get 0.
 */
export function strideWords(
  prefix: string,
  strides: readonly number[],
  axes: number,
): Record<string, number> {
  const words: Record<string, number> = {};
  for (let axis = 0; axis < axes; axis++) words[`${prefix}_${axis}`] = strides[axis] ?? 0;
  return words;
}
