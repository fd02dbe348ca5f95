// Attributes of Deconvolution and what its inputs must be. After apache/mxnet src/operator/nn/deconvolution.cc and
// deconvolution-inl.h; checks run in the order of MXNet's shape rule.

import { ShapeError } from "../core/errors.ts";
import { boolean, integerList, optional, type OptionValues } from "../core/options.ts";
import { formatShape, sameShape } from "../core/shape.ts";
import type { DeconvolutionSettings } from "../kernels/deconvolution.ts";
import {
  activationAttributes,
  activationOf,
  arrange,
  checkBias,
  checkGroups,
  checkImage,
  checkLengths,
  layoutOf,
  spatialSizes,
  type Window,
  windowAttributes,
  windowOf,
} from "./convolution_rules.ts";
import { checkSameDType, inputSpec, type InputSpecs } from "./define.ts";

const WHERE = "apply Deconvolution";

/** Rules of the attributes of Deconvolution. */
export const deconvolutionAttributes = {
  ...windowAttributes,
  /** Elements more at the far end of each axis; less than the stride. */
  adj: optional(integerList({ minimum: 0 })),
  /** Spatial sizes of the result; if any is not 0, `pad` and `adj` follow from them. */
  target_shape: optional(integerList({ minimum: 0 })),
  no_bias: boolean(true), // MXNet's default here
  ...activationAttributes,
} as const;

/** Checked attributes of Deconvolution. */
export type DeconvolutionAttributes = OptionValues<typeof deconvolutionAttributes>;

/** A window whose padding and adjustment are settled, and the size of the result. */
export interface DeconvolutionWindow extends Window {
  readonly adj: readonly number[];
  readonly size: readonly number[];
}

/**
 * Settles padding, adjustment and size: `stride * (in - 1) + dilation * (kernel - 1) + 1 - padding (both) + adj`, or the
 * target shape.
 *
 * @param values Checked attributes.
 * @param input Spatial sizes of the input.
 * @returns One number for each spatial axis.
 * @throws {ShapeError} If the target is larger than what the window covers.
 */
export function deconvolutionWindow(
  values: DeconvolutionAttributes,
  input: readonly number[],
): DeconvolutionWindow {
  const window = windowOf(values);
  const full = input.map((size, axis) =>
    window.stride[axis]! * (size - 1) + window.dilation[axis]! * (values.kernel[axis]! - 1) + 1
  );
  const target = values.target_shape;
  if (target !== undefined && target.some((size) => size !== 0)) {
    const total = full.map((size, axis) => size - target[axis]!);
    const axis = total.findIndex((each) => each < 0);
    if (axis >= 0) {
      throw new ShapeError(
        `Cannot ${WHERE}: target_shape ${formatShape(target)} asks for ${target[axis]} elements ` +
          `on spatial axis ${axis}, expected at most ${full[axis]}`,
      );
    }
    const padding = total.map((each) => Math.ceil(each / 2));
    const adj = total.map((each) => each % 2);
    return { ...window, padding, paddingAfter: padding, adj, size: target };
  }
  const adj = values.adj ?? full.map(() => 0);
  const size = full.map((each, axis) =>
    each - window.padding[axis]! - window.paddingAfter[axis]! + adj[axis]!
  );
  return { ...window, adj, size };
}

/**
 * A transposed convolution as kernels know it.
 *
 * @param values Checked attributes.
 * @param inputs Data and weight.
 * @returns The settings.
 */
export function deconvolutionSettings(
  values: DeconvolutionAttributes,
  inputs: InputSpecs,
): DeconvolutionSettings {
  const input = inputSpec(inputs, 0).shape;
  const layout = layoutOf(values);
  const window = deconvolutionWindow(values, spatialSizes(input, layout));
  return {
    input,
    weight: inputSpec(inputs, 1).shape,
    layout,
    stride: window.stride,
    dilation: window.dilation,
    padding: window.padding,
    size: window.size,
    groups: values.num_group,
    hasBias: !values.no_bias,
    activation: activationOf(values),
  };
}

function checkSizes(values: DeconvolutionAttributes, input: readonly number[]): void {
  const { stride, dilation, padding, paddingAfter, adj, size } = deconvolutionWindow(values, input);
  size.forEach((each, axis) => {
    if (adj[axis]! >= stride[axis]!) {
      throw new ShapeError(
        `Cannot ${WHERE}: the output padding (adj) is ${adj[axis]} on spatial axis ${axis}, ` +
          `expected less than the stride, ${stride[axis]}`,
      );
    }
    if (input[axis]! > 0 && each > 0) return;
    throw new ShapeError(
      `Cannot ${WHERE}: the result has ${each} elements on spatial axis ${axis}: ` +
        `${stride[axis]} * (${input[axis]} - 1) + ${dilation[axis]} * (${
          values.kernel[axis]
        } - 1) ` +
        `+ 1 - ${padding[axis]} - ${paddingAfter[axis]} + ${adj[axis]} (stride, input, dilation, ` +
        `kernel, padding before and after, output padding), expected at least 1`,
    );
  });
}

/**
 * Checks inputs against attributes.
 *
 * @param values Checked attributes.
 * @param inputs Data, weight and bias.
 * @returns The shape of the result.
 * @throws {ShapeError} If shapes do not fit.
 * @throws {TypeError} If dtypes do not fit.
 */
export function deconvolutionShape(
  values: DeconvolutionAttributes,
  inputs: InputSpecs,
): readonly number[] {
  const { kernel, num_filter: filters, num_group: groups } = values;
  const { stride, dilate, pad, pad_after, adj, target_shape } = values;
  checkLengths(WHERE, values, { stride, dilate, pad, pad_after, adj, target_shape });
  const layout = layoutOf(values);
  const x = inputSpec(inputs, 0);
  const weight = inputSpec(inputs, 1);
  checkImage(WHERE, "data", x, layout);
  checkSameDType(WHERE, "weight", weight, ["data", x]);
  const channels = x.shape[layout.indexOf("C")]!;
  const expected = arrange(layout, channels, Math.floor(filters / groups), kernel);
  const weightChannels = weight.shape[layout.indexOf("N")]!;
  const onlyChannels = weight.shape.length === expected.length &&
    weight.shape.every((size, at) => layout[at] === "N" || size === expected[at]);
  if (onlyChannels && weightChannels !== channels) {
    throw new ShapeError(
      `Cannot ${WHERE}: input has ${channels} channels, weight expects ${weightChannels}`,
    );
  }
  if (!sameShape(weight.shape, expected)) {
    throw new ShapeError(
      `Cannot ${WHERE}: weight has shape ${formatShape(weight.shape)}, expected ` +
        `${formatShape(expected)} (${filters} filters, kernel ${formatShape(kernel)}, ` +
        `${channels} channels, groups = ${groups}, layout ${layout})`,
    );
  }
  checkBias(WHERE, values, inputs);
  checkGroups(WHERE, groups, [["input has", channels], ["weight makes", filters]]);
  const input = spatialSizes(x.shape, layout);
  checkSizes(values, input);
  const batch = x.shape[layout.indexOf("N")]!;
  return arrange(layout, batch, filters, deconvolutionWindow(values, input).size);
}
