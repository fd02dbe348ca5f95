// Dropout. After apache/mxnet src/operator/nn/dropout.cc; random streams differ from MXNet's.

import { integerList, number, oneOf, readOptions } from "../core/options.ts";
import { nextStreamWords, type StreamWords } from "../core/random.ts";
import { normalizeAxis } from "../core/shape.ts";
import { planDropout } from "../kernels/dropout.ts";
import type { Capabilities, Plan } from "../kernels/plan.ts";
import type { Tensor } from "../tensor/mod.ts";
import { checkFloat, defineOperator, inputSpec, type Operator, type TensorSpec } from "./define.ts";

/** When {@linkcode dropout} drops: in training only, or in prediction too. */
export type DropoutMode = "training" | "always";

/** All values of {@linkcode DropoutMode}. */
export const DROPOUT_MODES: readonly DropoutMode[] = ["training", "always"];

const attributes = {
  p: number({ minimum: 0, maximum: 1 }, 0.5),
  mode: oneOf(DROPOUT_MODES, "training"),
  axes: (where: string, name: string, value: unknown) =>
    value === undefined ? [] : integerList()(where, name, value),
} as const;

interface Settings {
  readonly p: number;
  readonly axes: readonly number[];
}

function planMask(
  capabilities: Capabilities,
  settings: Settings,
  { shape }: TensorSpec,
): Plan {
  const axes = settings.axes.map((axis) => normalizeAxis("apply Dropout", axis, shape.length));
  // What `draw` drew is among the attributes.
  const stream = settings as Settings & StreamWords;
  return planDropout(capabilities, shape, axes, settings.p, stream);
}

/** Zeros by chance, and the rest scaled up. */
export const dropoutOperator: Operator = defineOperator({
  name: "Dropout",
  inputs: ["data"],
  attributes,
  modal: true,
  draw: ({ p, mode }, training) =>
    p > 0 && (training || mode === "always") ? nextStreamWords : null,
  inferShape: ({ axes }, inputs) => {
    const data = inputSpec(inputs, 0);
    checkFloat("apply Dropout", "data", data);
    for (const axis of axes) normalizeAxis("apply Dropout", axis, data.shape.length);
    return data;
  },
  plan: (capabilities, settings, _inputs, output, training) =>
    settings.p > 0 && (training || settings.mode === "always")
      ? planMask(capabilities, settings, output)
      : null,
  keeps: () => [],
  backward: ({ attributes: drawn, headGradient }) => {
    if (!("key0" in drawn)) return [headGradient];
    const { p, axes, key0, key1, stream0, stream1 } = drawn as typeof drawn & StreamWords;
    return [
      dropoutGradientOperator.apply([headGradient], { p, axes, key0, key1, stream0, stream1 }),
    ];
  },
});

const word = number({ minimum: 0, maximum: 2 ** 32 - 1 });

/** The same zeros and the same scale again. */
export const dropoutGradientOperator: Operator = defineOperator({
  name: "_backward_Dropout",
  inputs: ["head"],
  attributes: {
    p: attributes.p,
    axes: attributes.axes,
    key0: word,
    key1: word,
    stream0: word,
    stream1: word,
  },
  // The stream comes once: its plan would only push others out of the cache.
  draw: () => () => ({}),
  inferShape: (_attributes, inputs) => inputSpec(inputs, 0),
  plan: (capabilities, settings, _inputs, output) => planMask(capabilities, settings, output),
  keeps: () => [],
  backward: ({ attributes: settings, headGradient }) => [
    dropoutGradientOperator.apply([headGradient], settings),
  ],
});

/** The operators of this family. */
export const dropoutOperators: readonly Operator[] = [dropoutOperator, dropoutGradientOperator];

/** Options of {@linkcode dropout}. */
export interface DropoutOptions {
  /** When to drop; in training only by default. */
  readonly mode?: DropoutMode;
  /** Axes along which all elements are dropped together; none by default. */
  readonly axes?: readonly number[];
}

/**
 * Sets elements to 0 by chance and divides the others by the chance to stay, so that the mean stays; outside of training
 * gives the elements as they are. Every call draws the next stream of {@linkcode seed}'s random numbers: after the same
 * seed the same elements are dropped, on every device and runtime.
 *
 * @param x Tensor of any shape, float32 or float16.
 * @param rate Chance of an element to be dropped, from 0 to 1.
 * @param options When, and along which axes together.
 * @returns A tensor of the same shape and dtype.
 * @throws {TypeError} If an argument or the dtype is wrong.
 * @throws {RangeError} If the rate is not from 0 to 1.
 * @throws {ShapeError} If an axis is out of range.
 *
 * @example
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { autograd, dropout, ones, seed } from "@vknn/vknn";
 *
 * seed(1);
 * using x = ones([100]);
 * using y = autograd.trainMode(() => dropout(x, 0.5));
 * assert((await y.data()).every((value) => value === 0 || value === 2));
 * using z = dropout(x, 0.5);
 * assertEquals(await z.data(), await x.data());
 * ```
 */
export function dropout(x: Tensor, rate: number, options?: DropoutOptions): Tensor {
  const { mode, axes } = attributes;
  return dropoutOperator.apply([x], {
    p: rate,
    ...readOptions("apply Dropout", options, { mode, axes }),
  });
}
