// Joining tensors along an axis. After apache/mxnet src/operator/nn/concat.cc.

import { dtypeByteLength } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { checkInteger, describe, integer } from "../core/options.ts";
import { elementCount, formatShape, normalizeAxis } from "../core/shape.ts";
import { planConcat } from "../kernels/movement.ts";
import type { Tensor } from "../tensor/mod.ts";
import { checkSameDType, defineOperator, inputSpec, type Operator } from "./define.ts";

const WHERE = "apply Concat";

/** Concatenation along the attribute `dim`. */
export const concatOperator: Operator = defineOperator({
  name: "Concat",
  inputs: ["data"],
  attributes: { dim: integer({}, 1) },
  native16: true,
  inferShape: ({ dim }, inputs) => {
    const first = inputSpec(inputs, 0);
    const axis = normalizeAxis(WHERE, dim, first.shape.length);
    let length = 0;
    for (let index = 0; index < inputs.length; index++) {
      const spec = inputSpec(inputs, index);
      const { shape } = spec;
      checkSameDType(WHERE, `data[${index}]`, spec, ["data[0]", first]);
      const fits = shape.length === first.shape.length &&
        shape.every((size, at) => at === axis || size === first.shape[at]);
      if (!fits) {
        throw new ShapeError(
          `Cannot ${WHERE}: data[${index}] has shape ${formatShape(shape)}, expected ` +
            `${formatShape(first.shape)} as data[0] but for axis ${axis}`,
        );
      }
      length += shape[axis]!;
    }
    const shape = first.shape.map((size, at) => at === axis ? length : size);
    elementCount(shape, WHERE);
    return { shape, dtype: first.dtype };
  },
  plan: (capabilities, { dim }, inputs, { shape, dtype }) => {
    const shapes = inputs.map((_, index) => inputSpec(inputs, index).shape);
    const axis = normalizeAxis(WHERE, dim, shape.length);
    return planConcat(capabilities, shapes, axis, dtypeByteLength(dtype));
  },
  keeps: () => [],
  backward: ({ attributes: { dim }, inputs, headGradient, needs }) => {
    const axis = normalizeAxis(WHERE, dim, headGradient.rank);
    const front = new Array<null>(axis).fill(null);
    let end = 0;
    return inputs.map((input, at) => {
      const begin = end;
      end += input!.shape[axis]!;
      return needs[at] ? headGradient.slice([...front, begin], [...front, end]) : null;
    });
  },
});

/** The operators of this family. */
export const concatOperators: readonly Operator[] = [concatOperator];

/**
 * Joins tensors along an axis.
 *
 * @param tensors At least one tensor; all of one dtype, and of one shape but for the axis.
 * @param axis Where to join them; counts from the end if negative.
 * @returns A tensor whose size along the axis is the sum of theirs.
 * @throws {ShapeError} If shapes differ elsewhere or the axis is out of range.
 * @throws {TypeError} If there is no tensor, or dtypes differ.
 * @throws {DeviceError} If the tensors lie on different devices.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { concat, tensor } from "@vknn/vknn";
 *
 * const a = tensor([[1], [2]]);
 * const b = tensor([[3], [4]]);
 * const c = concat([a, b], 1);
 * assert((await c.data()).join() === "1,3,2,4");
 * for (const t of [a, b, c]) t.dispose();
 * ```
 */
export function concat(tensors: readonly Tensor[], axis: number = 0): Tensor {
  if (!Array.isArray(tensors)) {
    throw new TypeError(`Cannot ${WHERE}: tensors is ${describe(tensors)}, expected an array`);
  }
  return concatOperator.apply(tensors, { dim: checkInteger(WHERE, "axis", axis) });
}
