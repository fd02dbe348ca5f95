// Convolutions as functions of tensors: options by name, padding in every form, and what they mean for the operators.

import { ShapeError } from "../core/errors.ts";
import {
  boolean,
  checkTuple,
  describe,
  integer,
  number,
  oneOf,
  optional,
  type OptionRule,
  readOptions,
} from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import { Tensor } from "../tensor/mod.ts";
import type { ActivationName } from "./activation.ts";
import { convolutionOperator, deconvolutionOperator } from "./convolution.ts";
import { FUSED_ACTIVATIONS, LEAKY_SLOPE, spatialSizes } from "./convolution_rules.ts";
import { OptionMemory } from "./fixed_options.ts";
import { type Padding, readPadding, samePadding } from "./pooling_functions.ts";
import { applyConvolution, applyDeconvolution } from "./separate.ts";
import { type Layout, LAYOUTS } from "./up_sampling.ts";

/** Padding of a convolution: one number for all axes, one or a pair `[before, after]` for each, or `"same"`. */
export type ConvolutionPadding = number | readonly (number | readonly [number, number])[] | "same";

/** Options that {@linkcode convolution} and {@linkcode deconvolution} share. */
export interface CommonConvolutionOptions {
  /** Distance between the taps of the kernel; 1 if omitted. */
  readonly dilation?: number | readonly number[];
  /** Into how many groups channels are divided; 1 if omitted. */
  readonly groups?: number;
  /** Order of the axes of data, weight and result; channels first if omitted. */
  readonly layout?: Layout;
  /** Applied to the result, in the same pass over memory. */
  readonly activation?: ActivationName | "leaky" | null;
  /** Slope of the activation `leaky` below zero; 0.25 if omitted. */
  readonly slope?: number;
}

/** Options of {@linkcode convolution}; a number stands for every spatial axis. */
export interface ConvolutionOptions extends CommonConvolutionOptions {
  /** Distance between windows; 1 if omitted. */
  readonly strides?: number | readonly number[];
  /**
   * Zeros around: one number for each axis, or a pair `[before, after]`; 0 if omitted. `"same"` makes
   * `ceil(in / stride)` windows, with the odd zero behind.
   */
  readonly padding?: ConvolutionPadding;
  /** A tensor of the result's shape, added before the activation. */
  readonly residual?: Tensor | null;
  /** Add the residual after the activation instead. */
  readonly residualAfterActivation?: boolean;
  /** Store the result as {@linkcode pixelShuffle} by this factor would. */
  readonly pixelShuffle?: number | readonly number[] | null;
}

/** Options of {@linkcode deconvolution}; a number stands for every spatial axis. */
export interface DeconvolutionOptions extends CommonConvolutionOptions {
  /** Distance between the results of neighboring inputs; 1 if omitted. */
  readonly strides?: number | readonly number[];
  /**
   * What is left out at the ends: one number for each axis, or a pair `[before, after]`; 0 if omitted. `"same"`
   * makes `stride * in` results.
   */
  readonly padding?: ConvolutionPadding;
  /** Results more at the far end of each axis, less than the stride; 0 if omitted. */
  readonly outputPadding?: number | readonly number[];
  /** Spatial sizes of the result, which then settle the output padding. */
  readonly outputSize?: number | readonly number[] | null;
}

const listOrNumber: OptionRule<number | readonly unknown[] | undefined> = (where, name, value) => {
  if (value === undefined || typeof value === "number" || Array.isArray(value)) return value;
  throw new TypeError(
    `Cannot ${where}: ${name} is ${describe(value)}, expected an integer or an array of integers`,
  );
};

const paddingRule: OptionRule<unknown> = (where, name, value) =>
  value === "same" ? value : listOrNumber(where, name, value);

const tensorOrNothing: OptionRule<Tensor | null> = (where, name, value) => {
  if (value === undefined || value === null) return null;
  if (value instanceof Tensor) return value;
  throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected a Tensor`);
};

const commonRules = {
  strides: listOrNumber,
  padding: paddingRule,
  dilation: listOrNumber,
  groups: integer({ minimum: 1 }, 1),
  layout: optional(oneOf(LAYOUTS)),
  activation: optional(oneOf(FUSED_ACTIVATIONS)),
  slope: number({}, LEAKY_SLOPE),
} as const;

const convolutionRules = {
  ...commonRules,
  residual: tensorOrNothing,
  residualAfterActivation: boolean(false),
  pixelShuffle: optional(listOrNumber),
} as const;

const deconvolutionRules = {
  ...commonRules,
  outputPadding: listOrNumber,
  outputSize: optional(listOrNumber),
} as const;

const convolutions = new OptionMemory();
const deconvolutions = new OptionMemory();

/** What follows from data, weight and layout: sizes along the spatial axes. */
interface Geometry {
  readonly layout: Layout;
  readonly input: readonly number[];
  readonly kernel: readonly number[];
}

function geometryOf(
  where: string,
  x: Tensor,
  weight: Tensor,
  layout: Layout | undefined,
): Geometry {
  for (const [name, value] of [["x", x], ["weight", weight]] as const) {
    if (value instanceof Tensor) continue;
    throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected a Tensor`);
  }
  const refuse = (name: string, { rank, shape }: Tensor, allowed: string) =>
    new ShapeError(
      `Cannot ${where}: ${name} has rank ${rank} (shape ${
        formatShape(shape)
      }), expected ${allowed}`,
    );
  const rank = (layout?.length ?? weight.rank) - 2;
  if (rank < 1 || rank > 3) throw refuse("weight", weight, "3 to 5");
  const reason = layout === undefined ? `as weight ${formatShape(weight.shape)}` : layout;
  if (x.rank !== rank + 2) throw refuse("x", x, `${rank + 2} (${reason})`);
  if (weight.rank !== rank + 2) throw refuse("weight", weight, `${rank + 2} (${reason})`);
  const order = layout ?? LAYOUTS[rank - 1]!;
  return {
    layout: order,
    input: spatialSizes(x.shape, order),
    kernel: spatialSizes(weight.shape, order),
  };
}

function reachOf(kernel: readonly number[], dilation: readonly number[]): number[] {
  return kernel.map((size, axis) => dilation[axis]! * (size - 1) + 1);
}

/**
 * Convolves: `y[n, o, q] = b[o] + sum(x[n, c, q * stride - padding + k * dilation] * w[o, c, k])`,
 * with x read as 0 outside. Bias, residual, activation and pixel shuffle are part of the same pass; while
 * gradients are recorded, those that need it are operators of their own.
 *
 * `out = floor((in + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1`
 *
 * @param x `[N, C, spatial…]` float32 with one to three spatial axes, or in the order of `layout`.
 * @param weight `[O, C / groups, kernel…]` float32, its axes in the same order as those of `x`.
 * @param bias `[O]` float32, or null.
 * @param options Strides, padding, dilation, groups, layout, and what is fused.
 * @returns `[N, O, spatial…]` float32.
 * @throws {TypeError} If an argument has a wrong type, or dtypes are integers or differ.
 * @throws {RangeError} If an option is out of range.
 * @throws {ShapeError} If shapes do not fit each other.
 * @throws {LimitError} If a tensor is larger than the device can bind.
 * @throws {DeviceError} If the tensors lie on different devices.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { convolution, tensor } from "@vknn/vknn";
 *
 * const x = tensor([1, 2, 3, 4], [1, 1, 4]);
 * const w = tensor([1, -1], [1, 1, 2]);
 * const b = tensor([10]);
 * const y = convolution(x, w, b, { padding: [[1, 0]], activation: "relu" });
 * assert((await y.data()).join() === "9,9,9,9");
 * for (const t of [x, w, b, y]) t.dispose();
 * ```
 */
export function convolution(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: ConvolutionOptions,
): Tensor {
  const where = "apply Convolution";
  const known = convolutions.recall(options, [x, weight, bias]);
  if (known !== undefined) return applyConvolution([x, weight, bias ?? null, null], known);
  const given = readOptions(where, options, convolutionRules);
  const { layout, input, kernel } = geometryOf(where, x, weight, given.layout);
  const rank = kernel.length;
  const list = (name: string, value: unknown) =>
    checkTuple(where, name, value ?? 1, rank, { minimum: 1 });
  const stride = list("strides", given.strides);
  const dilate = list("dilation", given.dilation);
  const padding = readPadding(where, given.padding, rank);
  const { before, after } = padding === "same"
    ? samePadding(input, reachOf(kernel, dilate), stride)
    : padding;
  const { residual, slope } = given;
  const pixel_shuffle = given.pixelShuffle === undefined
    ? undefined
    : list("pixelShuffle", given.pixelShuffle);
  const linear = {
    kernel,
    stride,
    dilate,
    pad: before,
    pad_after: after,
    num_filter: weight.shape[layout.indexOf("N")]!,
    num_group: given.groups,
    no_bias: bias === undefined || bias === null,
    layout,
  };
  const attributes = convolutionOperator.normalize({
    ...linear,
    act_type: given.activation,
    slope,
    residual: residual === null ? "none" : given.residualAfterActivation ? "after" : "before",
    pixel_shuffle,
  });
  if (residual === null && pixel_shuffle === undefined) {
    convolutions.remember(options, [x, weight, bias], attributes);
  }
  return applyConvolution([x, weight, bias ?? null, residual], attributes);
}

/** Padding with which there are `stride * in` results, and the adjustment that short kernels need. */
function sameSize(
  reach: readonly number[],
  stride: readonly number[],
): Padding & { adj: number[] } {
  const total = reach.map((each, axis) => each - stride[axis]!);
  const before = total.map((each) => Math.floor(Math.max(each, 0) / 2));
  return {
    before,
    after: total.map((each, axis) => Math.max(each, 0) - before[axis]!),
    adj: total.map((each) => Math.max(-each, 0)),
  };
}

/**
 * Convolves transposed, the gradient of a convolution with respect to its input:
 * `y[n, o, t] = b[o] + sum(x[n, c, u / stride] * w[c, o, k])` over all taps k for which
 * `u = t + padding - k * dilation` is a multiple of the stride within the input.
 *
 * `out = stride * (in - 1) + dilation * (kernel - 1) + 1 - 2 * padding + outputPadding`
 *
 * @param x `[N, C, spatial…]` float32 with one to three spatial axes, or in the order of `layout`.
 * @param weight `[C, O / groups, kernel…]` float32, its axes in the same order as those of `x`.
 * @param bias `[O]` float32, or null.
 * @param options Strides, padding, output padding or size, dilation, groups, layout, activation.
 * @returns `[N, O, spatial…]` float32.
 * @throws {TypeError} If an argument has a wrong type, or dtypes are integers or differ.
 * @throws {RangeError} If an option is out of range.
 * @throws {ShapeError} If shapes do not fit each other, the output padding is not less than the stride, or the
 *   result would be empty.
 * @throws {LimitError} If a tensor is larger than the device can bind.
 * @throws {DeviceError} If the tensors lie on different devices.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { deconvolution, tensor } from "@vknn/vknn";
 *
 * const x = tensor([1, 2], [1, 1, 2]);
 * const w = tensor([1, 10, 100], [1, 1, 3]);
 * const y = deconvolution(x, w, null, { strides: 2 });
 * assert((await y.data()).join() === "1,10,102,20,200");
 * for (const t of [x, w, y]) t.dispose();
 * ```
 */
export function deconvolution(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options?: DeconvolutionOptions,
): Tensor {
  const where = "apply Deconvolution";
  const known = deconvolutions.recall(options, [x, weight, bias]);
  if (known !== undefined) return applyDeconvolution([x, weight, bias ?? null], known);
  const given = readOptions(where, options, deconvolutionRules);
  const { layout, input, kernel } = geometryOf(where, x, weight, given.layout);
  const rank = kernel.length;
  const list = (name: string, value: unknown) =>
    checkTuple(where, name, value ?? 1, rank, { minimum: 1 });
  const stride = list("strides", given.strides);
  const dilate = list("dilation", given.dilation);
  const more = checkTuple(where, "outputPadding", given.outputPadding ?? 0, rank, { minimum: 0 });
  const reach = reachOf(kernel, dilate);
  const padding = readPadding(where, given.padding, rank);
  const same = padding === "same" ? sameSize(reach, stride) : undefined;
  const { before, after } = padding === "same" ? same! : padding;
  let adj = more.map((each, axis) => each + (same?.adj[axis] ?? 0));
  if (given.outputSize !== undefined) {
    const size = list("outputSize", given.outputSize);
    adj = size.map((each, axis) => {
      const least = stride[axis]! * (input[axis]! - 1) + reach[axis]! - before[axis]! -
        after[axis]!;
      const most = least + stride[axis]! - 1;
      if (each >= least && each <= most) return each - least;
      throw new ShapeError(
        `Cannot ${where}: outputSize is ${each} on spatial axis ${axis}, expected ${
          least === most ? least : `${least} to ${most}`
        } (for input ${formatShape(x.shape)})`,
      );
    });
  }
  const linear = {
    kernel,
    stride,
    dilate,
    pad: before,
    pad_after: after,
    adj,
    num_filter: weight.shape[layout.indexOf("C")]! * given.groups,
    num_group: given.groups,
    no_bias: bias === undefined || bias === null,
    layout,
  };
  const attributes = deconvolutionOperator.normalize({
    ...linear,
    act_type: given.activation,
    slope: given.slope,
  });
  deconvolutions.remember(options, [x, weight, bias], attributes);
  return applyDeconvolution([x, weight, bias ?? null], attributes);
}
