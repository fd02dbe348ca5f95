// Attributes of the convolution operators and what their inputs must be: shape rules without operators.
// After apache/mxnet src/operator/nn/convolution.cc; checks run in the order of MXNet's shape rule.

import { ShapeError } from "../core/errors.ts";
import {
  boolean,
  integer,
  integerList,
  number,
  oneOf,
  optional,
  type OptionValues,
} from "../core/options.ts";
import { formatShape, sameShape } from "../core/shape.ts";
import type { ConvolutionSettings } from "../kernels/convolution.ts";
import type { TensorSpec } from "../tensor/mod.ts";
import { ACTIVATION_NAMES, type ActivationName } from "./activation.ts";
import { checkFloat, checkSameDType, inputSpec, type InputSpecs } from "./define.ts";
import { type Layout, LAYOUTS } from "./up_sampling.ts";

/** Activations that convolutions apply in the same pass. */
export const FUSED_ACTIVATIONS: readonly (ActivationName | "leaky")[] = [
  ...ACTIVATION_NAMES,
  "leaky",
];
/** MXNet's default slope of LeakyReLU. */
export const LEAKY_SLOPE = 0.25;

/** Rules of kernel and window, which all operators of the family have. */
export const windowAttributes = {
  kernel: integerList({ minimum: 1 }),
  stride: optional(integerList({ minimum: 1 })),
  dilate: optional(integerList({ minimum: 1 })),
  /** Zeros in front of each axis (transposed: elements left out), and behind unless `pad_after` differs. */
  pad: optional(integerList({ minimum: 0 })),
  num_filter: integer({ minimum: 1 }),
  num_group: integer({ minimum: 1 }, 1),
  layout: optional(oneOf(LAYOUTS)),
  pad_after: optional(integerList({ minimum: 0 })), // ours
} as const;

/** Rules of the activation in the same pass; ours. */
export const activationAttributes = {
  act_type: optional(oneOf(FUSED_ACTIVATIONS)),
  slope: number({}, LEAKY_SLOPE),
} as const;

const { layout, pad_after, ...window } = windowAttributes;

/** Rules of the attributes of Convolution, MXNet's first. */
export const convolutionAttributes = {
  ...window,
  no_bias: boolean(false),
  layout,
  pad_after,
  ...activationAttributes,
  residual: oneOf(["none", "before", "after"], "none"),
  pixel_shuffle: optional(integerList({ minimum: 1 })),
} as const;

/** Checked attributes of kernel and window. */
export type WindowAttributes = OptionValues<typeof windowAttributes>;

/** Checked attributes of the fused activation. */
export type ActivationAttributes = OptionValues<typeof activationAttributes>;

/** Checked attributes of Convolution. */
export type ConvolutionAttributes = OptionValues<typeof convolutionAttributes>;

/** Attributes of a window, with the defaults filled in. */
export interface Window {
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: readonly number[];
  readonly paddingAfter: readonly number[];
}

/**
 * Fills in the defaults of a window.
 *
 * @param values Checked attributes.
 * @returns One number for each spatial axis.
 */
export function windowOf(
  values: Pick<WindowAttributes, "kernel" | "stride" | "dilate" | "pad" | "pad_after">,
): Window {
  const zeros = new Array<number>(values.kernel.length).fill(0);
  const ones = new Array<number>(values.kernel.length).fill(1);
  const padding = values.pad ?? zeros;
  return {
    stride: values.stride ?? ones,
    dilation: values.dilate ?? ones,
    padding,
    paddingAfter: values.pad_after ?? padding,
  };
}

/**
 * The layout, channel-first unless given.
 *
 * @param values Checked attributes.
 * @returns The layout of data, weight and result.
 */
export function layoutOf(values: Pick<WindowAttributes, "kernel" | "layout">): Layout {
  return values.layout ?? LAYOUTS[values.kernel.length - 1]!;
}

/**
 * The fused activation as kernels know it.
 *
 * @param values Checked attributes.
 * @returns Its name and parameter.
 */
export function activationOf(
  values: ActivationAttributes,
): NonNullable<ConvolutionSettings["activation"]> {
  if (values.act_type === undefined) return { name: "none" };
  if (values.act_type === "leaky") return { name: "leaky", alpha: values.slope };
  return { name: values.act_type };
}

/**
 * The sizes along the spatial axes of a layout.
 *
 * @param shape A shape in the layout.
 * @param layout The layout.
 * @returns Its sizes without N and C.
 */
export function spatialSizes(shape: readonly number[], layout: Layout): number[] {
  return shape.filter((_, axis) => layout[axis] !== "N" && layout[axis] !== "C");
}

/**
 * A shape from its sizes by letter.
 *
 * @param layout The layout.
 * @param n Size at N.
 * @param c Size at C.
 * @param spatial Sizes of the spatial axes in order.
 * @returns The shape in the layout.
 */
export function arrange(
  layout: Layout,
  n: number,
  c: number,
  spatial: readonly number[],
): number[] {
  let axis = 0;
  return [...layout].map((letter) => letter === "N" ? n : letter === "C" ? c : spatial[axis++]!);
}

/**
 * A convolution as kernels know it.
 *
 * @param values Checked attributes.
 * @param inputs Data and weight.
 * @returns The settings.
 */
export function convolutionSettings(
  values: ConvolutionAttributes,
  inputs: InputSpecs,
): ConvolutionSettings {
  return {
    input: inputSpec(inputs, 0).shape,
    weight: inputSpec(inputs, 1).shape,
    layout: layoutOf(values),
    ...windowOf(values),
    groups: values.num_group,
    hasBias: !values.no_bias,
    residual: values.residual,
    activation: activationOf(values),
    shuffle: values.pixel_shuffle ?? new Array<number>(values.kernel.length).fill(1),
  };
}

/**
 * Checks that every list has as many entries as the kernel.
 *
 * @param where What is being done, for messages.
 * @param values Kernel and layout.
 * @param lists The lists by name; absent ones are undefined.
 * @throws {ShapeError} If one has not.
 */
export function checkLengths(
  where: string,
  { kernel, layout }: Pick<WindowAttributes, "kernel" | "layout">,
  lists: Readonly<Record<string, readonly number[] | undefined>>,
): void {
  if (kernel.length < 1 || kernel.length > 3) {
    throw new ShapeError(
      `Cannot ${where}: kernel ${
        formatShape(kernel)
      } has ${kernel.length} entries, expected 1 to 3`,
    );
  }
  for (const [name, list] of Object.entries(lists)) {
    if (list === undefined || list.length === kernel.length) continue;
    throw new ShapeError(
      `Cannot ${where}: ${name} ${formatShape(list)} has ${list.length} entries, expected ` +
        `${kernel.length} as kernel ${formatShape(kernel)}`,
    );
  }
  if (layout !== undefined && layout.length !== kernel.length + 2) {
    throw new ShapeError(
      `Cannot ${where}: layout ${layout} has ${layout.length - 2} spatial axes, ` +
        `kernel ${formatShape(kernel)} has ${kernel.length}`,
    );
  }
}

/**
 * Checks dtype and rank of an image.
 *
 * @param where What is being done, for messages.
 * @param name Name of the image.
 * @param found Its spec.
 * @param layout Its layout.
 * @throws {TypeError} If it has an integer dtype.
 * @throws {ShapeError} If its rank is not that of the layout.
 */
export function checkImage(where: string, name: string, found: TensorSpec, layout: Layout): void {
  checkFloat(where, name, found);
  if (found.shape.length !== layout.length) {
    throw new ShapeError(
      `Cannot ${where}: ${name} has rank ${found.shape.length} (shape ${
        formatShape(found.shape)
      }), ` +
        `expected ${layout.length} (layout ${layout})`,
    );
  }
}

/**
 * Checks that groups divide channels.
 *
 * @param where What is being done, for messages.
 * @param groups Number of groups.
 * @param counts What must be divisible, with its words for the message.
 * @throws {ShapeError} If they do not.
 */
export function checkGroups(
  where: string,
  groups: number,
  counts: readonly (readonly [words: string, count: number])[],
): void {
  for (const [words, count] of counts) {
    if (count % groups === 0 && count > 0) continue;
    throw new ShapeError(
      `Cannot ${where}: ${words} ${count} channels, expected a positive multiple of ` +
        `groups = ${groups}`,
    );
  }
}

/**
 * Checks the bias.
 *
 * @param where What is being done, for messages.
 * @param values How many filters, and whether there is a bias.
 * @param inputs Data, weight and bias.
 * @throws {TypeError} If it is missing or too many, or of another dtype.
 * @throws {ShapeError} If it has not one element for each filter.
 */
export function checkBias(
  where: string,
  values: { readonly num_filter: number; readonly no_bias: boolean },
  inputs: InputSpecs,
): void {
  const bias = inputs[2] ?? null;
  if ((bias === null) !== values.no_bias) {
    throw new TypeError(
      `Cannot ${where}: bias is ${bias === null ? "missing" : "given"}, but no_bias is ` +
        `${values.no_bias}`,
    );
  }
  if (bias === null) return;
  checkSameDType(where, "bias", bias, ["data", inputSpec(inputs, 0)]);
  if (!sameShape(bias.shape, [values.num_filter])) {
    throw new ShapeError(
      `Cannot ${where}: bias has shape ${formatShape(bias.shape)}, ` +
        `expected ${formatShape([values.num_filter])}`,
    );
  }
}

/**
 * Checks that the window fits the padded input.
 *
 * @param where What is being done, for messages.
 * @param values Checked attributes.
 * @param shape Shape of the input.
 * @param layout Its layout.
 * @throws {ShapeError} If it does not, naming the axis.
 */
export function checkReach(
  where: string,
  values: Pick<WindowAttributes, "kernel" | "stride" | "dilate" | "pad" | "pad_after">,
  shape: readonly number[],
  layout: Layout,
): void {
  const { padding, paddingAfter, dilation } = windowOf(values);
  spatialSizes(shape, layout).forEach((size, axis) => {
    const before = padding[axis]!;
    const after = paddingAfter[axis]!;
    const kernel = values.kernel[axis]!;
    const dilate = dilation[axis]!;
    const reach = dilate * (kernel - 1) + 1;
    const padded = size + before + after;
    if (size > 0 && reach <= padded) return;
    throw new ShapeError(
      `Cannot ${where}: the kernel exceeds the input on spatial axis ${axis}: kernel ${kernel} ` +
        `with dilation ${dilate} covers ${reach} elements, the input has ${size} ` +
        `and ${padded} with padding (${before} before, ${after} after)`,
    );
  });
}
