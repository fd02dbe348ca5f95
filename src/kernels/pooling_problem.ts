// One description of every pooling, on which all kernels plan: three spatial axes (unit sizes in front), and tensors as
// [outer][depth][height][width][inner], which holds for channel-first (inner = 1) and channel-last layouts.

import type { DType } from "../core/dtype.ts";
import { LimitError, ShapeError } from "../core/errors.ts";
import { elementCount, formatShape, type Shape } from "../core/shape.ts";
import type { Layout, Triple } from "./convolution_problem.ts";
import { divisor } from "./divisor.ts";

export type { Layout } from "./convolution_problem.ts";

/** What a window gives. */
export type PoolingType = "max" | "avg";

/**
 * How many windows an axis has: `valid` rounds down; `full` rounds up, so that the last windows may lie behind the
 * input; `clip` rounds up, but drops a window that would start behind the input and its padding in front (PyTorch).
 */
export type PoolingConvention = "valid" | "full" | "clip";

/** Whether a maximum skips NaN and -infinity (MXNet), or takes the first NaN, and -infinity as a number. */
export type NanPolicy = "skip" | "propagate";

/** The windows of a pooling. Lists of numbers run over the spatial axes in order. */
export type PoolingWindows =
  | { readonly kind: "global" }
  | {
    readonly kind: "sliding";
    readonly kernel: readonly number[];
    readonly stride: readonly number[];
    /** Padding in front. */
    readonly padding: readonly number[];
    /** Padding behind; default as in front. */
    readonly paddingAfter?: readonly number[];
    readonly convention: PoolingConvention;
  }
  | {
    /** Window i of an axis goes from `floor(i size / out)` to `ceil((i + 1) size / out)`. */
    readonly kind: "adaptive";
    /** Windows on each axis; 0 for as many as the input has elements. */
    readonly outputSize: readonly number[];
  };

/** A pooling as an operator knows it. */
export interface PoolingSettings {
  readonly type: PoolingType;
  /** Shape of the input, in `layout`. */
  readonly input: Shape;
  readonly layout: Layout;
  readonly windows: PoolingWindows;
  /** Whether an average counts padding; default true. */
  readonly countIncludePad?: boolean;
  /** Default `skip`. */
  readonly nanPolicy?: NanPolicy;
  /** Named in messages; default `Pooling`. */
  readonly name?: string;
}

/** A pooling as the kernels know it. */
export interface PoolingProblem {
  readonly where: string;
  readonly type: PoolingType;
  readonly propagate: boolean;
  readonly includePad: boolean;
  readonly outer: number;
  readonly inner: number;
  readonly size: Triple;
  readonly outputSize: Triple;
  /** The windows themselves, or the number of windows where `adaptive`. */
  readonly kernel: Triple;
  readonly stride: Triple;
  /** Padding in front. */
  readonly before: Triple;
  /** Sizes with the padding behind. */
  readonly limit: Triple;
  /** True if windows have different sizes, so that kernels must compute each. */
  readonly adaptive: boolean;
  /** True if one window is the whole plane, without padding. */
  readonly whole: boolean;
  readonly outputShape: Shape;
  readonly inputCount: number;
  readonly outputCount: number;
  /** Elements of all windows, as if none lay at a border. */
  readonly flops: number;
}

function triple(values: readonly number[], fill: number): Triple {
  return [...new Array<number>(3 - values.length).fill(fill), ...values] as unknown as Triple;
}

function product([d, h, w]: Triple): number {
  return d * h * w;
}

interface Axes {
  readonly outputSize: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly adaptive: boolean;
}

function slidingAxes(
  where: string,
  size: readonly number[],
  windows: Extract<PoolingWindows, { kind: "sliding" }>,
): Axes {
  const { kernel, stride, padding: before, paddingAfter: after = before, convention } = windows;
  const lists = { kernel, stride, pad: before, "padding behind": after };
  for (const [name, list] of Object.entries(lists)) {
    if (list.length !== size.length) {
      throw new ShapeError(
        `Cannot ${where}: ${name} is ${formatShape(list)}, expected ${size.length} numbers, ` +
          `one for each spatial axis`,
      );
    }
  }
  const outputSize = size.map((length, axis) => {
    const [k, s, p, q] = [kernel[axis]!, stride[axis]!, before[axis]!, after[axis]!];
    const name = `spatial axis ${axis}`;
    if (Math.max(p, q) >= k) {
      throw new ShapeError(
        `Cannot ${where}: padding ${Math.max(p, q)} on ${name} is not smaller than the window's ` +
          `${k} elements, expected at most ${k - 1}`,
      );
    }
    const padded = length + p + q;
    if (k > padded) {
      throw new ShapeError(
        `Cannot ${where}: windows have ${k} elements on ${name}, but the input has ${length} ` +
          `(${padded} with padding), expected windows of at most ${padded}`,
      );
    }
    if (padded + k + s >= 2 ** 31) {
      throw new LimitError(
        `Cannot ${where}: windows reach over ${padded + k + s} elements on ${name}, ` +
          `expected less than 2^31`,
      );
    }
    if (convention === "valid") return Math.floor((padded - k) / s) + 1;
    const count = Math.ceil((padded - k) / s) + 1;
    return convention === "clip" && (count - 1) * s >= length + p ? count - 1 : count;
  });
  return { outputSize, kernel, stride, before, after, adaptive: false };
}

function adaptiveAxes(where: string, size: readonly number[], wanted: readonly number[]): Axes {
  if (wanted.length !== size.length) {
    throw new ShapeError(
      `Cannot ${where}: output_size is ${formatShape(wanted)}, expected ${size.length} numbers, ` +
        `one for each spatial axis`,
    );
  }
  const outputSize = wanted.map((count, axis) => count === 0 ? size[axis]! : count);
  const none = size.map(() => 0);
  if (outputSize.every((count, axis) => size[axis]! % count === 0)) {
    const kernel = size.map((length, axis) => length / outputSize[axis]!);
    return { outputSize, kernel, stride: kernel, before: none, after: none, adaptive: false };
  }
  outputSize.forEach((count, axis) => {
    // Shaders compute (i + 1) * size + count, and the same with both exchanged.
    if ((size[axis]! + 1) * (count + 1) >= 2 ** 32) {
      throw new LimitError(
        `Cannot ${where}: ${size[axis]} elements in ${count} windows on spatial axis ${axis}, ` +
          `expected a product below 2^32`,
      );
    }
  });
  const kernel = outputSize;
  return { outputSize, kernel, stride: kernel, before: none, after: none, adaptive: true };
}

/**
 * Brings a pooling into the form on which kernels plan.
 *
 * @param settings The pooling as an operator knows it.
 * @returns Sizes and totals.
 * @throws {ShapeError} If shapes and attributes do not fit each other, or padding is not smaller than the window.
 * @throws {LimitError} If a size is too large for the shaders.
 */
export function describePooling(settings: PoolingSettings): PoolingProblem {
  const { input, layout, type, windows } = settings;
  const where = `apply ${settings.name ?? "Pooling"}`;
  if (input.length !== layout.length) {
    throw new ShapeError(
      `Cannot ${where}: data has rank ${input.length} (shape ${formatShape(input)}), ` +
        `expected ${layout.length} for layout ${layout}`,
    );
  }
  const channelLast = layout.endsWith("C");
  const batch = input[0]!;
  const channels = channelLast ? input.at(-1)! : input[1]!;
  const size = channelLast ? input.slice(1, -1) : input.slice(2);
  if (channels === 0 || size.includes(0)) {
    throw new ShapeError(
      `Cannot ${where}: data has shape ${formatShape(input)} in layout ${layout}, ` +
        `expected at least 1 channel and 1 element on each spatial axis`,
    );
  }
  const axes = windows.kind === "sliding"
    ? slidingAxes(where, size, windows)
    : adaptiveAxes(where, size, windows.kind === "global" ? size.map(() => 1) : windows.outputSize);
  const outputShape = channelLast
    ? [batch, ...axes.outputSize, channels]
    : [batch, channels, ...axes.outputSize];
  const outputCount = elementCount(outputShape, where);
  const kernel = triple(axes.kernel, 1);
  const window = axes.adaptive
    ? size.reduce((all, length, axis) => all * Math.ceil(length / axes.outputSize[axis]!), 1)
    : product(kernel);
  const whole = !axes.adaptive &&
    size.every((length, axis) =>
      axes.outputSize[axis] === 1 && axes.kernel[axis] === length && axes.before[axis] === 0
    );
  return {
    where,
    type,
    propagate: settings.nanPolicy === "propagate",
    includePad: settings.countIncludePad ?? true,
    outer: channelLast ? batch : batch * channels,
    inner: channelLast ? channels : 1,
    size: triple(size, 1),
    outputSize: triple(axes.outputSize, 1),
    kernel,
    stride: triple(axes.stride, 1),
    before: triple(axes.before, 0),
    limit: triple(size.map((length, axis) => length + axes.after[axis]!), 1),
    adaptive: axes.adaptive,
    whole,
    outputShape,
    inputCount: elementCount(input, where),
    outputCount,
    flops: outputCount * window,
  };
}

/** Elements of one plane of the input. */
export function planeSize({ size }: PoolingProblem): number {
  return product(size);
}

/** Dtypes that pooling computes. */
export const POOLING_DTYPES: readonly DType[] = ["float32", "float16"];

/** Push words `<name>_d`, `<name>_h` and `<name>_w` for each list. */
export function tripleWords(lists: Readonly<Record<string, Triple>>): Record<string, number> {
  const words: Record<string, number> = {};
  for (const [name, list] of Object.entries(lists)) {
    ["d", "h", "w"].forEach((axis, index) => words[`${name}_${axis}`] = list[index]!);
  }
  return words;
}

/**
 * Push words `multiplier_<name>` and `shifts` for divisions (shaders/glsl/lib/divide.glsl).
 *
 * @param divisors Divisors by name, in the order in which the shader packs their shifts.
 * @returns The words by name.
 */
export function divisionWords(divisors: Readonly<Record<string, number>>): Record<string, number> {
  const words: Record<string, number> = {};
  let shifts = 0;
  Object.entries(divisors).forEach(([name, value], index) => {
    const { multiplier, shift } = divisor(value);
    words[`multiplier_${name}`] = multiplier;
    shifts = (shifts | (shift << (5 * index))) >>> 0;
  });
  return { ...words, shifts };
}
