// Pooling as functions of tensors: options by name, padding in every form, and what they mean for the operators.

import {
  boolean,
  checkEnum,
  checkInteger,
  checkTuple,
  describe,
  oneOf,
  optional,
  type OptionRule,
  readOptions,
} from "../core/options.ts";
import type { Tensor } from "../tensor/mod.ts";
import {
  adaptiveMaxPoolIndicesOperator,
  adaptivePoolingOperator,
  maxPoolIndicesOperator,
  maxUnpoolOperator,
  NAN_POLICIES,
  POOL_TYPES,
  poolingOperator,
} from "./pooling.ts";
import { type Layout, LAYOUTS } from "./up_sampling.ts";

/** Padding of a pooling: one number for all axes, one or a pair `[before, after]` for each, or `"same"`. */
export type PoolPadding = number | readonly (number | readonly [number, number])[] | "same";

/**
 * How the number of windows is rounded: down (false), up (true, MXNet: the last windows may lie behind the input), or up
 * without windows that start behind the input and its padding in front (`"clip"`, PyTorch).
 */
export type CeilMode = boolean | "clip";

/** Whether a maximum skips NaN and -infinity, or takes the first NaN of a window, and -infinity as a number. */
export type NanPolicy = "skip" | "propagate";

/** Options of {@linkcode pooling}. */
export interface PoolingOptions {
  /** `max`, the default, or `avg`. */
  readonly type?: "max" | "avg";
  /** Distance between windows; the size of the windows if omitted. */
  readonly strides?: number | readonly number[] | null;
  /** 0 if omitted; less than the window on every axis. `"same"` makes `ceil(in / stride)` windows. */
  readonly padding?: PoolPadding;
  /** False if omitted. */
  readonly ceilMode?: CeilMode;
  /** Whether an average counts padding; true if omitted. */
  readonly countIncludePad?: boolean;
  /** `skip` if omitted. */
  readonly nanPolicy?: NanPolicy;
  /** Order of the axes; channels first if omitted. */
  readonly layout?: Layout;
}

/** Options of {@linkcode globalPooling} and {@linkcode adaptivePooling}. */
export interface PlanePoolingOptions {
  /** `max`, the default, or `avg`. */
  readonly type?: "max" | "avg";
  /** `skip` if omitted. */
  readonly nanPolicy?: NanPolicy;
  /** Order of the axes; channels first if omitted. */
  readonly layout?: Layout;
}

/** Padding on both sides of every axis. */
export interface Padding {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/**
 * Checks padding in any of its forms.
 *
 * @param where What is being done, for messages.
 * @param padding The padding; 0 if undefined.
 * @param axes Number of spatial axes.
 * @returns Padding in front and behind, or `"same"`, which depends on the input.
 * @throws {TypeError} If it has another form.
 * @throws {RangeError} If a number is negative or the length is not that of the axes.
 */
export function readPadding(where: string, padding: unknown, axes: number): Padding | "same" {
  if (typeof padding === "string") return checkEnum(where, "padding", padding, ["same"] as const);
  const paired = Array.isArray(padding) && padding.some((entry) => Array.isArray(entry));
  if (!paired) {
    const both = checkTuple(where, "padding", padding ?? 0, axes, { minimum: 0 });
    return { before: both, after: both };
  }
  if (padding.length !== axes) {
    throw new RangeError(
      `Cannot ${where}: padding is ${describe(padding)} with ${padding.length} entries, ` +
        `expected ${axes}, one number or pair for each spatial axis`,
    );
  }
  const pairs = padding.map((entry, axis) =>
    checkTuple(where, `padding[${axis}]`, entry, 2, { minimum: 0 }) as [number, number]
  );
  return { before: pairs.map(([before]) => before), after: pairs.map(([, after]) => after) };
}

/**
 * The padding with which there are `ceil(in / stride)` windows, the odd element behind.
 *
 * @param sizes Spatial sizes of the input.
 * @param kernel Sizes of the window.
 * @param strides Distances between windows.
 * @returns Padding in front and behind.
 */
export function samePadding(
  sizes: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
): Padding {
  const total = sizes.map((size, axis) =>
    Math.max((Math.ceil(size / strides[axis]!) - 1) * strides[axis]! + kernel[axis]! - size, 0)
  );
  const before = total.map((each) => Math.floor(each / 2));
  return { before, after: total.map((each, axis) => each - before[axis]!) };
}

/** Rule: true, false or `"clip"`. */
export const ceilModeRule: OptionRule<CeilMode> = (where, name, value) => {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  if (value === "clip") return value;
  const message = `Cannot ${where}: ${name} is ${describe(value)}, expected true, false or "clip"`;
  throw typeof value === "string" ? new RangeError(message) : new TypeError(message);
};

const sizes: OptionRule<number | readonly number[] | undefined> = (where, name, value) => {
  if (value === undefined || value === null) return undefined;
  return Array.isArray(value) ? value as number[] : checkInteger(where, name, value);
};
const anyPadding: OptionRule<unknown> = (_where, _name, value) => value;

const planeRules = {
  type: oneOf(POOL_TYPES, "max"),
  nanPolicy: oneOf(NAN_POLICIES, "skip"),
  layout: optional(oneOf(LAYOUTS)),
} as const;

const slidingRules = {
  ...planeRules,
  strides: sizes,
  padding: anyPadding,
  ceilMode: ceilModeRule,
  countIncludePad: boolean(true),
} as const;

/** MXNet's attributes of a pooling with sliding windows. */
function slidingAttributes(
  where: string,
  x: Tensor,
  kernel: number | readonly number[],
  options: PoolingOptions,
): Record<string, unknown> {
  const read = readOptions(where, options, slidingRules);
  const axes = Math.max((read.layout?.length ?? x?.rank ?? 4) - 2, 1);
  const window = checkTuple(where, "kernel", kernel, axes, { minimum: 1 });
  const stride = checkTuple(where, "strides", read.strides ?? window, axes, { minimum: 1 });
  const padding = readPadding(where, read.padding, axes);
  const last = read.layout?.endsWith("C") ?? false;
  const { before, after } = padding === "same"
    ? samePadding(last ? x.shape.slice(1, -1) : x.shape.slice(2), window, stride)
    : padding;
  return {
    kernel: window,
    stride,
    pad: [...before],
    pad_after: [...after],
    pool_type: read.type,
    pooling_convention: read.ceilMode === "clip" ? "clip" : read.ceilMode ? "full" : "valid",
    count_include_pad: read.countIncludePad,
    nan_policy: read.nanPolicy,
    ...(read.layout === undefined ? {} : { layout: read.layout }),
  };
}

function planeAttributes(where: string, options: PlanePoolingOptions): Record<string, unknown> {
  const { type, nanPolicy, layout } = readOptions(where, options, planeRules);
  const order = layout === undefined ? {} : { layout };
  return { pool_type: type, nan_policy: nanPolicy, ...order };
}

/**
 * The maximum or average of windows that slide over an image.
 *
 * On each axis window i covers elements `i · stride - before` to `i · stride - before + kernel`; there are
 * `floor((in + before + after - kernel) / stride) + 1` windows, with `ceil` for `ceilMode`. Padding never
 * becomes a maximum. An average divides by the elements of the window, with the padding that it covers if
 * `countIncludePad`, but never with what lies behind the padding. A window without elements gives the lowest
 * finite number as maximum and 0 as average.
 *
 * @param x `[N, C, spatial…]` with one to three spatial axes, or as `layout` says; float32 or float16.
 * @param kernel Size of the windows: a number, or one for each spatial axis.
 * @param options Type, strides, padding, rounding, divisor, NaN, layout.
 * @returns A tensor of the same dtype.
 * @throws {TypeError} If an argument or dtype is wrong, or an option unknown.
 * @throws {RangeError} If an option is out of range.
 * @throws {ShapeError} If the rank does not fit, a window is larger than the padded input, or padding is not
 *   smaller than the window.
 *
 * @example
 * ```ts
 * import { pooling, tensor } from "@vknn/vknn";
 *
 * const x = tensor([[[1, 3, 2, 5]]]);
 * const y = pooling(x, 2, { type: "avg" });
 * console.assert((await y.data()).join() === "2,3.5");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function pooling(
  x: Tensor,
  kernel: number | readonly number[],
  options: PoolingOptions = {},
): Tensor {
  return poolingOperator.apply([x], slidingAttributes("apply pooling", x, kernel, options));
}

/**
 * Where the maxima of {@linkcode pooling} are: `(d · height + h) · width + w` of the first greatest element of
 * each window in its plane, or -1 for a window without one (empty, or only NaN and -infinity under `skip`).
 *
 * @param x As for `pooling`.
 * @param kernel As for `pooling`.
 * @param options As for `pooling`; `type` and `countIncludePad` do not matter.
 * @returns An int32 tensor of the shape that `pooling` gives.
 * @throws {TypeError} If an argument or dtype is wrong, or an option unknown.
 * @throws {RangeError} If an option is out of range.
 * @throws {ShapeError} If the rank does not fit, a window is larger than the padded input, or padding is not
 *   smaller than the window.
 *
 * @example
 * ```ts
 * import { maxPoolIndices, tensor } from "@vknn/vknn";
 *
 * const x = tensor([[[1, 3, 5, 2]]]);
 * const places = maxPoolIndices(x, 2);
 * console.assert((await places.data()).join() === "1,2");
 * for (const t of [x, places]) t.dispose();
 * ```
 */
export function maxPoolIndices(
  x: Tensor,
  kernel: number | readonly number[],
  options: PoolingOptions = {},
): Tensor {
  const attributes = slidingAttributes("apply maxPoolIndices", x, kernel, options);
  return maxPoolIndicesOperator.apply([x], attributes);
}

/**
 * The maximum or average of every plane.
 *
 * @param x `[N, C, spatial…]` with one to three spatial axes, or as `layout` says; float32 or float16.
 * @param options Type, NaN, layout.
 * @returns `[N, C, 1, …]`, or as `layout` says, of the same dtype.
 * @throws {TypeError} If an argument or dtype is wrong, or an option unknown.
 * @throws {ShapeError} If the rank does not fit.
 *
 * @example
 * ```ts
 * import { globalPooling, tensor } from "@vknn/vknn";
 *
 * const x = tensor([[[[1, 2], [3, 6]]]]);
 * const y = globalPooling(x, { type: "avg" });
 * console.assert((await y.data()).join() === "3" && y.shape.join() === "1,1,1,1");
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function globalPooling(x: Tensor, options: PlanePoolingOptions = {}): Tensor {
  const attributes = planeAttributes("apply globalPooling", options);
  return poolingOperator.apply([x], { ...attributes, global_pool: true });
}

function outputSizes(
  where: string,
  outputSize: number | readonly (number | null)[],
  axes: number,
): number[] {
  const given = Array.isArray(outputSize)
    ? outputSize.map((entry: unknown) => entry === null ? 0 : entry)
    : outputSize;
  return checkTuple(where, "outputSize", given, axes, { minimum: Array.isArray(given) ? 0 : 1 });
}

/**
 * The maximum or average of a given number of windows: window i of an axis covers elements
 * `floor(i · in / out)` to `ceil((i + 1) · in / out)`.
 *
 * @param x `[N, C, spatial…]` with one to three spatial axes, or as `layout` says; float32 or float16.
 * @param outputSize Windows along every axis: a number, or one for each, null for as many as elements.
 * @param options Type, NaN, layout.
 * @returns `[N, C, outputSize…]`, or as `layout` says, of the same dtype.
 * @throws {TypeError} If an argument or dtype is wrong, or an option unknown.
 * @throws {RangeError} If an output size is negative.
 * @throws {ShapeError} If the rank does not fit.
 *
 * @example
 * ```ts
 * import { adaptivePooling, tensor } from "@vknn/vknn";
 *
 * const x = tensor([[[1, 2, 3, 4, 5]]]);
 * const y = adaptivePooling(x, 2, { type: "avg" });
 * console.assert((await y.data()).join() === "2,4"); // of 1 2 3 and of 3 4 5
 * for (const t of [x, y]) t.dispose();
 * ```
 */
export function adaptivePooling(
  x: Tensor,
  outputSize: number | readonly (number | null)[],
  options: PlanePoolingOptions = {},
): Tensor {
  const where = "apply adaptivePooling";
  const attributes = planeAttributes(where, options);
  const output_size = outputSizes(where, outputSize, Math.max((x?.rank ?? 4) - 2, 1));
  return adaptivePoolingOperator.apply([x], { ...attributes, output_size });
}

/**
 * Where the maxima of {@linkcode adaptivePooling} are, as {@linkcode maxPoolIndices} says it.
 *
 * @param x As for `adaptivePooling`.
 * @param outputSize As for `adaptivePooling`.
 * @param options As for `adaptivePooling`; `type` does not matter.
 * @returns An int32 tensor of the shape that `adaptivePooling` gives.
 * @throws {TypeError} If an argument or dtype is wrong, or an option unknown.
 * @throws {RangeError} If an output size is negative.
 * @throws {ShapeError} If the rank does not fit.
 */
export function adaptiveMaxPoolIndices(
  x: Tensor,
  outputSize: number | readonly (number | null)[],
  options: PlanePoolingOptions = {},
): Tensor {
  const where = "apply adaptiveMaxPoolIndices";
  const attributes = planeAttributes(where, options);
  const output_size = outputSizes(where, outputSize, Math.max((x?.rank ?? 4) - 2, 1));
  return adaptiveMaxPoolIndicesOperator.apply([x], { ...attributes, output_size });
}

/**
 * Puts values back where max pooling took them from, and 0 elsewhere. Where several values have one place, the
 * last in row-major order stays, on every device; places outside the plane are skipped.
 *
 * @param x `[N, C, spatial…]` with one to three spatial axes, or as `layout` says; float32 or float16.
 * @param indices int32 of the same shape, from {@linkcode maxPoolIndices}.
 * @param outputSize Spatial sizes of the result.
 * @param options The layout; channels first if omitted.
 * @returns `[N, C, outputSize…]`, or as `layout` says, of the dtype of `x`.
 * @throws {TypeError} If an argument or dtype is wrong, or an option unknown.
 * @throws {ShapeError} If shapes do not fit each other.
 *
 * @example
 * ```ts
 * import { maxUnpool, tensor } from "@vknn/vknn";
 *
 * const x = tensor([[[7, 9]]]);
 * const places = tensor([[[1, 2]]], [1, 1, 2], { dtype: "int32" });
 * const y = maxUnpool(x, places, [4]);
 * console.assert((await y.data()).join() === "0,7,9,0");
 * for (const t of [x, places, y]) t.dispose();
 * ```
 */
export function maxUnpool(
  x: Tensor,
  indices: Tensor,
  outputSize: readonly number[],
  options: { readonly layout?: Layout } = {},
): Tensor {
  const { layout } = readOptions("apply maxUnpool", options, { layout: planeRules.layout });
  return maxUnpoolOperator.apply([x, indices], {
    output_size: outputSize,
    ...(layout === undefined ? {} : { layout }),
  });
}
