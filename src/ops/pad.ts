// Padding with a constant, the edge, a reflection or a repetition, and its gradient.
// After apache/mxnet src/operator/pad.cc; pads beyond the size follow numpy.pad, and `circular` is ours.

import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { LimitError, ShapeError } from "../core/errors.ts";
import {
  describe,
  integerList,
  oneOf,
  type OptionRule,
  type OptionValues,
  readOptions,
} from "../core/options.ts";
import { elementCount, formatShape } from "../core/shape.ts";
import {
  countPadAxes,
  paddedShape,
  type PadMode,
  type PadSettings,
  planPad,
  planPadGradient,
} from "../kernels/pad.ts";
import { Tensor } from "../tensor/mod.ts";
import { checkFloat, defineOperator, inputSpec, type Operator, type TensorSpec } from "./define.ts";

export type { PadMode } from "../kernels/pad.ts";

/** All modes. */
export const PAD_MODES: readonly PadMode[] = ["constant", "edge", "reflect", "circular"];

const anyNumber: OptionRule<number> = (where, name, value) => {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected a number`);
};

const attributes = {
  mode: oneOf(PAD_MODES, "constant"),
  /** Before and after for every axis: `[before_0, after_0, before_1, …]`. */
  pad_width: integerList({ minimum: 0 }),
  constant_value: anyNumber,
};

type PadAttributes = OptionValues<typeof attributes>;

function settingsOf(
  name: string,
  { mode, pad_width: widths }: PadAttributes,
  shape: readonly number[],
): PadSettings {
  const where = `apply ${name}`;
  if (widths.length !== 2 * shape.length) {
    throw new ShapeError(
      `Cannot ${where}: pad_width has ${widths.length} entries, expected ${2 * shape.length}: ` +
        `before and after for each axis of shape ${formatShape(shape)}`,
    );
  }
  const before = shape.map((_, axis) => widths[2 * axis]!);
  const after = shape.map((_, axis) => widths[2 * axis + 1]!);
  const settings = { shape, before, after, mode };
  const empty = shape.findIndex((size, axis) => size === 0 && before[axis]! + after[axis]! > 0);
  if (empty >= 0 && mode !== "constant") {
    throw new ShapeError(
      `Cannot ${where}: axis ${empty} of shape ${formatShape(shape)} is empty, expected at least ` +
        `one element to pad it by mode ${mode}`,
    );
  }
  const axes = countPadAxes(settings);
  if (axes > 6) {
    throw new LimitError(
      `Cannot ${where}: ${axes} axes are padded or lie between padded ones, at most 6 are ` +
        `supported; pad some of them first`,
    );
  }
  return settings;
}

/** Bits of a number as one element. */
function bitsOf(value: number, dtype: DType): number {
  switch (dtype) {
    case "float32":
      return new Uint32Array(Float32Array.of(value).buffer)[0]!;
    case "float16":
      return new Uint16Array(Float16Array.of(value).buffer)[0]!;
    case "int32":
      return value >>> 0;
    default:
      return value & 0xff;
  }
}

const RANGES: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int8: [-128, 127],
  uint8: [0, 255],
};

function checkConstant({ constant_value: value }: PadAttributes, { dtype }: TensorSpec): void {
  const range = RANGES[dtype];
  if (range === undefined) return;
  if (Number.isInteger(value) && value >= range[0] && value <= range[1]) return;
  throw new RangeError(
    `Cannot apply Pad: constant_value is ${value}, expected an integer from ${range[0]} to ` +
      `${range[1]} (data is ${dtype})`,
  );
}

/** Padding of any axes. */
export const padOperator: Operator = defineOperator({
  batched: [0],
  name: "Pad",
  inputs: ["data"],
  attributes,
  backward: ({ attributes: { mode, pad_width }, headGradient }) => [
    padGradientOperator.apply([headGradient], { mode, pad_width }),
  ],
  keeps: () => [],
  native16: true,
  inferShape: (values, inputs) => {
    const data = inputSpec(inputs, 0);
    checkConstant(values, data);
    const shape = paddedShape(settingsOf("Pad", values, data.shape));
    elementCount(shape, "apply Pad");
    return { shape, dtype: data.dtype };
  },
  plan: (capabilities, values, inputs, { dtype }) => {
    const settings = settingsOf("Pad", values, inputSpec(inputs, 0).shape);
    const fill = bitsOf(values.constant_value, dtype);
    return planPad(capabilities, settings, dtypeByteLength(dtype), fill);
  },
});

const { constant_value: _constant, ...gradientAttributes } = attributes;

/** The gradient of padding, whose own gradient is padding again, with zeros for a constant. */
export const padGradientOperator: Operator = defineOperator({
  batched: [0],
  name: "_backward_Pad",
  inputs: ["head"],
  attributes: gradientAttributes,
  backward: ({ attributes: { mode, pad_width }, headGradient }) => [
    padOperator.apply([headGradient], { mode, pad_width }),
  ],
  keeps: () => [],
  inferShape: (values, inputs) => {
    const name = "_backward_Pad";
    const head = inputSpec(inputs, 0);
    checkFloat(`apply ${name}`, "head", head);
    const { pad_width: widths } = values;
    const shape = head.shape.map((size, axis) =>
      size - (widths[2 * axis] ?? 0) - (widths[2 * axis + 1] ?? 0)
    );
    if (shape.some((size) => size < 0)) {
      throw new ShapeError(
        `Cannot apply ${name}: head of shape ${formatShape(head.shape)} is smaller than ` +
          `pad_width ${formatShape(widths)}`,
      );
    }
    settingsOf(name, { ...values, constant_value: 0 }, shape);
    return { shape, dtype: head.dtype };
  },
  plan: (capabilities, values, _inputs, { shape }) => {
    const settings = settingsOf("_backward_Pad", { ...values, constant_value: 0 }, shape);
    return planPadGradient(capabilities, settings);
  },
});

/** The operators of this family. */
export const padOperators: readonly Operator[] = [padOperator, padGradientOperator];

/** Options of {@linkcode pad}. */
export interface PadOptions {
  /**
   * What stands in the new places: `constant` (the default), `edge` the nearest element, `reflect` the mirror image
   * without the edge itself, `circular` the input repeated.
   */
  readonly mode?: PadMode;
  /** The constant; 0 if omitted. */
  readonly value?: number;
}

const widthsRule: OptionRule<number[]> = (where, name, value) => {
  if (!Array.isArray(value)) {
    throw new TypeError(
      `Cannot ${where}: ${name} is ${describe(value)}, expected an array with [before, after] ` +
        `for each axis`,
    );
  }
  return integerList({ minimum: 0 })(where, name, value.flat(1));
};

/**
 * Extends a tensor on any axes.
 *
 * On every axis `y[t] = x[map(t - before)]`, where `map(u)` is u inside, and outside: nothing for `constant`,
 * `min(max(u, 0), X - 1)` for `edge`, `-u` or `2(X - 1) - u` for `reflect`, repeated as often as needed, `u mod X` for
 * `circular`. Bits pass unchanged, and the gradient has a gradient.
 *
 * @param x Tensor of any shape and dtype.
 * @param widths `[before, after]` for every axis.
 * @param options Mode and constant.
 * @returns A tensor with `before + size + after` elements on every axis.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {RangeError} If a width is negative or the constant does not fit an integer dtype.
 * @throws {ShapeError} If the number of widths does not fit, or an empty axis is padded without a constant.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { pad, tensor } from "@vknn/vknn";
 *
 * const x = tensor([1, 2, 3]);
 * const y = pad(x, [[2, 3]], { mode: "reflect" });
 * assert((await y.data()).join() === "3,2,1,2,3,2,1,2");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function pad(
  x: Tensor,
  widths: readonly (readonly [before: number, after: number])[],
  options?: PadOptions,
): Tensor {
  const where = "apply pad";
  const { mode, value } = readOptions(where, options, {
    mode: oneOf(PAD_MODES, "constant"),
    value: anyNumber,
  });
  if (!(x instanceof Tensor)) {
    throw new TypeError(`Cannot ${where}: x is ${describe(x)}, expected a Tensor`);
  }
  const pad_width = widthsRule(where, "widths", widths);
  return padOperator.apply([x], { mode, pad_width, constant_value: value });
}
