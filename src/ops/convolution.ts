// Convolution, transposed convolution and the gradient of their weights. The three are linear in each of two tensors, and
// each one's gradients are the other two: so gradients of any order exist.
// After apache/mxnet src/operator/nn/convolution.cc and deconvolution.cc.

import { AutogradError, ShapeError } from "../core/errors.ts";
import { formatShape, sameShape } from "../core/shape.ts";
import {
  convolutionOutputShape,
  convolutionWork,
  planConvolution,
} from "../kernels/convolution.ts";
import { planHalfConvolution } from "../kernels/cooperative.ts";
import { planHalfDeconvolution } from "../kernels/cooperative_products.ts";
import { planWeightGradient, weightGradientWork } from "../kernels/convolution_gradient.ts";
import { deconvolutionWork, planDeconvolution } from "../kernels/deconvolution.ts";
import type { Tensor } from "../tensor/mod.ts";
import { activationGradientOperator, isGradientByOutput } from "./activation.ts";
import {
  type ActivationAttributes,
  arrange,
  checkBias,
  checkGroups,
  checkImage,
  checkLengths,
  checkReach,
  type ConvolutionAttributes,
  convolutionAttributes,
  convolutionSettings,
  layoutOf,
  spatialSizes,
  type Window,
  type WindowAttributes,
  windowAttributes,
  windowOf,
} from "./convolution_rules.ts";
import {
  type DeconvolutionAttributes,
  deconvolutionAttributes,
  deconvolutionSettings,
  deconvolutionShape,
  deconvolutionWindow,
} from "./deconvolution_rules.ts";
import {
  type BackwardCall,
  checkSameDType,
  defineOperator,
  inputSpec,
  type InputSpecs,
  type Operator,
} from "./define.ts";
import { sumOperator } from "./reduce.ts";
import type { Layout } from "./up_sampling.ts";

const WHERE = "apply Convolution";

/** Checks in the order of MXNet, so that the same mistake is named first. */
function checkInputs(values: ConvolutionAttributes, inputs: InputSpecs): void {
  const { stride, dilate, pad, pad_after, pixel_shuffle } = values;
  checkLengths(WHERE, values, { stride, dilate, pad, pad_after, pixel_shuffle });
  const { kernel, num_filter: filters, num_group: groups } = values;
  const layout = layoutOf(values);
  const x = inputSpec(inputs, 0);
  const weight = inputSpec(inputs, 1);
  checkImage(WHERE, "data", x, layout);
  const channels = x.shape[layout.indexOf("C")]!;
  checkSameDType(WHERE, "weight", weight, ["data", x]);
  const expected = arrange(layout, filters, Math.floor(channels / groups), kernel);
  const weightChannels = weight.shape[layout.indexOf("C")];
  const onlyChannels = weight.shape.length === expected.length &&
    weight.shape.every((size, at) => layout[at] === "C" || size === expected[at]);
  if (onlyChannels && weightChannels !== expected[layout.indexOf("C")]) {
    throw new ShapeError(
      `Cannot ${WHERE}: input has ${channels} channels, weight expects ` +
        `${weightChannels! * groups} (groups = ${groups})`,
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
  checkReach(WHERE, values, x.shape, layout);
}

function checkResidual(
  values: ConvolutionAttributes,
  inputs: InputSpecs,
  output: readonly number[],
): void {
  const residual = inputs[3] ?? null;
  if ((residual === null) !== (values.residual === "none")) {
    throw new TypeError(
      `Cannot ${WHERE}: the residual tensor is ${residual === null ? "missing" : "given"}, ` +
        `but the attribute residual is ${values.residual}`,
    );
  }
  if (residual === null) return;
  checkSameDType(WHERE, "residual", residual, ["data", inputSpec(inputs, 0)]);
  if (!sameShape(residual.shape, output)) {
    throw new ShapeError(
      `Cannot ${WHERE}: residual has shape ${formatShape(residual.shape)}, ` +
        `expected ${formatShape(output)} (the shape of the result)`,
    );
  }
}

/** A convolution without its epilogue, for the gradients. */
interface Linear extends Window {
  readonly kernel: readonly number[];
  readonly groups: number;
  readonly layout: Layout;
}

function linearOf(values: WindowAttributes, window: Window): Linear {
  return { ...window, kernel: values.kernel, groups: values.num_group, layout: layoutOf(values) };
}

function attributesOf(linear: Linear, filters: number): Record<string, unknown> {
  return {
    kernel: linear.kernel,
    stride: linear.stride,
    dilate: linear.dilation,
    pad: linear.padding,
    pad_after: linear.paddingAfter,
    num_filter: filters,
    num_group: linear.groups,
    layout: linear.layout,
  };
}

/** The convolution of `x` with a weight. */
function convolve(linear: Linear, x: Tensor, weight: Tensor): Tensor {
  const filters = weight.shape[linear.layout.indexOf("N")]!;
  return convolutionOperator.apply([x, weight], {
    ...attributesOf(linear, filters),
    no_bias: true,
  });
}

/** Gradient of the convolution's input, which has some shape: a transposed convolution. */
function dataGradient(
  linear: Linear,
  head: Tensor,
  weight: Tensor,
  shape: readonly number[],
): Tensor {
  const { layout, stride, dilation, padding, paddingAfter, kernel } = linear;
  const large = spatialSizes(shape, layout);
  // What the last window leaves over is less than a stride, and gets no gradient.
  const adj = spatialSizes(head.shape, layout).map((size, axis) =>
    large[axis]! + padding[axis]! + paddingAfter[axis]! - stride[axis]! * (size - 1) -
    dilation[axis]! * (kernel[axis]! - 1) - 1
  );
  return deconvolutionOperator.apply([head, weight], {
    ...attributesOf(linear, shape[layout.indexOf("C")]!),
    adj,
    no_bias: true,
  });
}

/** Gradient of the convolution's weight. */
function weightGradient(linear: Linear, x: Tensor, head: Tensor): Tensor {
  const filters = head.shape[linear.layout.indexOf("C")]!;
  return weightGradientOperator.apply([x, head], attributesOf(linear, filters));
}

function biasGradient(linear: Linear, head: Tensor): Tensor {
  const axis = [...linear.layout].flatMap((letter, at) => letter === "C" ? [] : [at]);
  return sumOperator.apply([head], { axis });
}

/**
 * Whether a convolution may apply an activation itself while gradients are recorded.
 *
 * @param act_type The activation; undefined for none.
 * @returns True if its gradient follows from its output.
 */
export function isFusedGradient(act_type: ActivationAttributes["act_type"]): boolean {
  return act_type !== undefined && act_type !== "leaky" && isGradientByOutput(act_type);
}

function isDifferentiable({ act_type }: ActivationAttributes): boolean {
  return act_type === undefined || isFusedGradient(act_type);
}

function refuseFused(name: string, fused: Readonly<Record<string, boolean>>): void {
  const found = Object.keys(fused).filter((each) => fused[each]);
  if (found.length === 0) return;
  throw new AutogradError(
    `Cannot differentiate ${name} with the fused attributes ${found.join(", ")}: apply them as ` +
      `operators of their own, as the functions convolution() and deconvolution() do while recording`,
  );
}

/** Inputs that gradients read: the weight for that of the data, and the other way round. */
function keptFactors(_values: unknown, needs: readonly boolean[]): number[] {
  return [...(needs[1] ? [0] : []), ...(needs[0] ? [1] : [])];
}

/** The same, and the output where the activation's gradient follows from it. */
function keptForActivation(
  values: ActivationAttributes,
  needs: readonly boolean[],
): (number | "output")[] {
  const kept = keptFactors(values, needs);
  return isFusedGradient(values.act_type) ? [...kept, "output"] : kept;
}

/** The gradient in front of the activation. */
function throughActivation(
  { attributes: { act_type }, output, headGradient }: BackwardCall<ActivationAttributes>,
): Tensor {
  if (act_type === undefined || act_type === "leaky") return headGradient;
  return activationGradientOperator.apply([headGradient, output], { act_type });
}

function convolutionBackward(
  call: BackwardCall<ConvolutionAttributes>,
): (Tensor | null)[] {
  const { attributes, inputs, needs } = call;
  refuseFused("Convolution", {
    act_type: !isDifferentiable(attributes),
    residual: attributes.residual !== "none",
    pixel_shuffle: attributes.pixel_shuffle?.some((factor) => factor !== 1) ?? false,
  });
  const head = throughActivation(call);
  const linear = linearOf(attributes, windowOf(attributes));
  const [x, weight] = inputs as [Tensor, Tensor];
  return [
    needs[0] ? dataGradient(linear, head, weight, x.shape) : null,
    needs[1] ? weightGradient(linear, x, head) : null,
    needs[2] ? biasGradient(linear, head) : null,
    null,
  ];
}

function deconvolutionBackward(
  call: BackwardCall<DeconvolutionAttributes>,
): (Tensor | null)[] {
  const { attributes, inputs, needs } = call;
  refuseFused("Deconvolution", { act_type: !isDifferentiable(attributes) });
  const head = throughActivation(call);
  const [x, weight] = inputs as [Tensor, Tensor];
  const sizes = spatialSizes(x.shape, layoutOf(attributes));
  const linear = linearOf(attributes, deconvolutionWindow(attributes, sizes));
  return [
    needs[0] ? convolve(linear, head, weight) : null,
    needs[1] ? weightGradient(linear, head, x) : null,
    needs[2] ? biasGradient(linear, head) : null,
  ];
}

/** Convolution: data, weight, bias unless `no_bias`, and a residual where `residual` says when. */
export const convolutionOperator: Operator = defineOperator<typeof convolutionAttributes>({
  name: "Convolution",
  inputs: ["data", "weight", "bias", "residual"],
  batched: [0, 3],
  required: 2,
  attributes: convolutionAttributes,
  inferShape: (values, inputs) => {
    checkInputs(values, inputs);
    const shape = convolutionOutputShape(convolutionSettings(values, inputs));
    checkResidual(values, inputs, shape);
    return { shape, dtype: inputSpec(inputs, 0).dtype };
  },
  plan: (capabilities, values, inputs) =>
    planConvolution(capabilities, convolutionSettings(values, inputs)),
  plan16: (capabilities, values, inputs) =>
    planHalfConvolution(capabilities, convolutionSettings(values, inputs)),
  tunable: (capabilities, values, inputs) =>
    convolutionWork(capabilities, convolutionSettings(values, inputs)),
  backward: convolutionBackward,
  keeps: keptForActivation,
});

/** Transposed convolution: data, weight, and a bias unless `no_bias`, which is MXNet's default here. */
export const deconvolutionOperator: Operator = defineOperator<typeof deconvolutionAttributes>({
  name: "Deconvolution",
  inputs: ["data", "weight", "bias"],
  batched: [0],
  required: 2,
  attributes: deconvolutionAttributes,
  inferShape: (values, inputs) => ({
    shape: deconvolutionShape(values, inputs),
    dtype: inputSpec(inputs, 0).dtype,
  }),
  plan: (capabilities, values, inputs) =>
    planDeconvolution(capabilities, deconvolutionSettings(values, inputs)),
  plan16: (capabilities, values, inputs) =>
    planHalfDeconvolution(capabilities, deconvolutionSettings(values, inputs)),
  tunable: (capabilities, values, inputs) =>
    deconvolutionWork(capabilities, deconvolutionSettings(values, inputs)),
  backward: deconvolutionBackward,
  keeps: keptForActivation,
});

function gradientShape(values: WindowAttributes, inputs: InputSpecs): readonly number[] {
  const where = "apply _backward_Convolution_weight";
  const { kernel, stride, dilate, pad, pad_after, num_filter: filters, num_group: groups } = values;
  checkLengths(where, values, { stride, dilate, pad, pad_after });
  const layout = layoutOf(values);
  const x = inputSpec(inputs, 0);
  const head = inputSpec(inputs, 1);
  checkImage(where, "data", x, layout);
  checkSameDType(where, "head gradient", head, ["data", x]);
  const channels = x.shape[layout.indexOf("C")]!;
  checkGroups(where, groups, [["input has", channels], ["head gradient has", filters]]);
  checkReach(where, values, x.shape, layout);
  const weight = arrange(layout, filters, channels / groups, kernel);
  const expected = convolutionOutputShape({ ...gradientSettings(values, inputs), weight });
  if (!sameShape(head.shape, expected)) {
    throw new ShapeError(
      `Cannot ${where}: head gradient has shape ${formatShape(head.shape)}, expected ` +
        `${formatShape(expected)}, the shape of the convolution's result`,
    );
  }
  return weight;
}

function gradientSettings(values: WindowAttributes, inputs: InputSpecs) {
  return {
    input: inputSpec(inputs, 0).shape,
    layout: layoutOf(values),
    ...windowOf(values),
    groups: values.num_group,
  };
}

/** Gradient of a convolution's weight from its data and the gradient of its result. */
export const weightGradientOperator: Operator = defineOperator({
  name: "_backward_Convolution_weight",
  inputs: ["data", "head"],
  summed: () => [0, 1],
  attributes: windowAttributes,
  inferShape: (values, inputs) => ({
    shape: gradientShape(values, inputs),
    dtype: inputSpec(inputs, 0).dtype,
  }),
  plan: (capabilities, values, inputs, { shape }) =>
    planWeightGradient(capabilities, { ...gradientSettings(values, inputs), weight: shape }),
  tunable: (capabilities, values, inputs, { shape }) =>
    weightGradientWork(capabilities, { ...gradientSettings(values, inputs), weight: shape }),
  backward: ({ attributes, inputs, headGradient, needs }) => {
    const [x, head] = inputs as [Tensor, Tensor];
    const linear = linearOf(attributes, windowOf(attributes));
    return [
      needs[0] ? dataGradient(linear, head, headGradient, x.shape) : null,
      needs[1] ? convolve(linear, x, headGradient) : null,
    ];
  },
  keeps: keptFactors,
});

/** The operators of this family. */
export const convolutionOperators: readonly Operator[] = [
  convolutionOperator,
  deconvolutionOperator,
  weightGradientOperator,
];
