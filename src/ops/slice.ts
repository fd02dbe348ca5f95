// Copying a box of elements. After apache/mxnet src/operator/tensor/matrix_op.cc (slice).

import { dtypeByteLength } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { checkInteger, describe, type OptionRule } from "../core/options.ts";
import { checkShape, formatShape, sameShape } from "../core/shape.ts";
import { planSlice } from "../kernels/movement.ts";
import { planSliceGradient } from "../kernels/movement_gradient.ts";
import type { SliceIndex, Tensor } from "../tensor/mod.ts";
import { defineOperator, inputSpec, type Operator } from "./define.ts";

const WHERE = "apply slice";

/** A list with an integer or null for each of the first axes; a number stands for axis 0. */
const indices: OptionRule<(number | null)[]> = (where, name, value) => {
  if (value === undefined || value === null) return [];
  if (typeof value === "number") return [checkInteger(where, name, value)];
  if (!Array.isArray(value)) {
    throw new TypeError(
      `Cannot ${where}: ${name} is ${describe(value)}, expected an integer or an array of ` +
        `integers and nulls`,
    );
  }
  if (value.length > 64) {
    throw new RangeError(
      `Cannot ${where}: ${name} has ${value.length} entries, at most 64 allowed`,
    );
  }
  return Array.from(
    value,
    (item, axis) => item === null ? null : checkInteger(where, `${name}[${axis}]`, item),
  );
};

const stepRule: OptionRule<(number | null)[]> = (where, name, value) => {
  const steps = indices(where, name, value);
  const axis = steps.indexOf(0);
  if (axis < 0) return steps;
  throw new RangeError(`Cannot ${where}: ${name}[${axis}] is 0, expected another integer`);
};

interface Box {
  readonly begin: number[];
  readonly sizes: number[];
  readonly steps: number[];
}

interface SliceAttributes {
  readonly begin: readonly (number | null)[];
  readonly end: readonly (number | null)[];
  readonly step: readonly (number | null)[];
}

/** First index, number and distance of the elements taken on each axis, by NumPy's rules. */
function boxOf(shape: readonly number[], { begin, end, step }: SliceAttributes): Box {
  for (const [name, list] of Object.entries({ begin, end, step })) {
    if (list.length <= shape.length) continue;
    throw new ShapeError(
      `Cannot ${WHERE}: ${name} has ${list.length} entries, but data of shape ` +
        `${formatShape(shape)} has ${shape.length} axes`,
    );
  }
  const box: Box = { begin: [], sizes: [], steps: [] };
  shape.forEach((size, axis) => {
    const by = step[axis] ?? 1;
    // Backward steps run from the last element to the place in front of the first.
    const low = by > 0 ? 0 : -1;
    const high = by > 0 ? size : size - 1;
    const clamp = (index: number | null | undefined, natural: number): number => {
      if (index === null || index === undefined) return natural;
      return Math.min(Math.max(index < 0 ? index + size : index, low), high);
    };
    const first = clamp(begin[axis], by > 0 ? low : high);
    const last = clamp(end[axis], by > 0 ? high : low);
    box.begin.push(first);
    box.sizes.push(Math.max(0, Math.ceil((last - first) / by)));
    box.steps.push(by);
  });
  return box;
}

/** Whether all images are taken, in order. */
function isWhole(shape: readonly number[], attributes: Parameters<typeof boxOf>[1]): boolean {
  const { sizes, steps } = boxOf(shape, attributes);
  return sizes[0] === shape[0] && steps[0] === 1;
}

/** A box of elements. */
export const sliceOperator: Operator = defineOperator({
  name: "slice",
  inputs: ["data"],
  attributes: { begin: indices, end: indices, step: stepRule },
  batched: (attributes, inputs) => isWhole(inputSpec(inputs, 0).shape, attributes) ? [0] : [],
  native16: true,
  inferShape: (attributes, inputs) => {
    const { shape, dtype } = inputSpec(inputs, 0);
    return { shape: boxOf(shape, attributes).sizes, dtype };
  },
  plan: (capabilities, attributes, inputs, { dtype }) => {
    const { shape } = inputSpec(inputs, 0);
    const { begin, sizes, steps } = boxOf(shape, attributes);
    return planSlice(capabilities, shape, begin, sizes, dtypeByteLength(dtype), steps);
  },
  keeps: () => [],
  backward: ({ attributes, inputs, headGradient }) => [
    sliceGradientOperator.apply([headGradient], { ...attributes, shape: [...inputs[0]!.shape] }),
  ],
});

/** The gradient of a slice: a box of elements among zeros. */
export const sliceGradientOperator: Operator = defineOperator({
  name: "_backward_slice",
  inputs: ["head"],
  attributes: {
    begin: indices,
    end: indices,
    step: stepRule,
    /** Shape of the tensor that was sliced. */
    shape: (where, _name, value) => checkShape(where, value),
  },
  batched: ({ shape, ...attributes }) => isWhole(shape, attributes) ? [0] : [],
  native16: true,
  inferShape: ({ shape, ...attributes }, inputs) => {
    const head = inputSpec(inputs, 0);
    const { sizes } = boxOf(shape, attributes);
    if (sameShape(head.shape, sizes)) return { shape, dtype: head.dtype };
    throw new ShapeError(
      `Cannot apply _backward_slice: head has shape ${formatShape(head.shape)}, ` +
        `expected ${formatShape(sizes)}`,
    );
  },
  plan: (capabilities, { shape: _shape, ...attributes }, _inputs, { shape, dtype }) => {
    const { begin, sizes, steps } = boxOf(shape, attributes);
    return planSliceGradient(capabilities, shape, begin, sizes, steps, dtypeByteLength(dtype));
  },
  keeps: () => [],
  backward: ({ attributes: { begin, end, step }, headGradient }) => [
    sliceOperator.apply([headGradient], { begin, end, step }),
  ],
});

/** The operators of this family. */
export const sliceOperators: readonly Operator[] = [sliceOperator, sliceGradientOperator];

/**
 * Copies a box of elements. Indices follow NumPy: negative ones count from the end, and those beyond
 * the axis are cut off at its ends.
 *
 * @param x Tensor of any shape and dtype.
 * @param begin First index on the first axes; null for the natural end. A number stands for axis 0.
 * @param end Index behind the last, likewise; to the end if omitted.
 * @param step Distance between the elements taken, likewise; 1 if omitted, backward if negative.
 * @returns A tensor of the same rank.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {RangeError} If an index is not an integer or a step is 0.
 * @throws {ShapeError} If there are more indices than axes.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { arange, slice } from "@vknn/vknn";
 *
 * const x = arange(6).reshape([2, 3]);
 * const y = slice(x, [null, 1], [null, 3]); // x[:, 1:3] in Python
 * assert((await y.data()).join() === "1,2,4,5");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function slice(
  x: Tensor,
  begin: SliceIndex,
  end?: SliceIndex,
  step?: SliceIndex,
): Tensor {
  return sliceOperator.apply([x], { begin, end, step });
}
