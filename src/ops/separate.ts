// Operators with fused attributes, taken apart where their gradient or another system needs it: what one call
// computes in one pass, several calls compute with the same bits but for the rounding of float16.

import { isRecording } from "../autograd/flags.ts";
import type { Tensor } from "../tensor/mod.ts";
import { activation, type ActivationName } from "./activation.ts";
import { convolutionOperator, deconvolutionOperator, isFusedGradient } from "./convolution.ts";
import type { ConvolutionAttributes } from "./convolution_rules.ts";
import { layoutOf } from "./convolution_rules.ts";
import type { DeconvolutionAttributes } from "./deconvolution_rules.ts";
import type { Attributes, Operator } from "./define.ts";
import {
  deformableConvolutionOperator,
  modulatedDeformableConvolutionOperator,
} from "./deformable_convolution.ts";
import { add } from "./elementwise.ts";
import { leakyRelu } from "./leaky_relu.ts";
import { pixelShuffle } from "./pixel_shuffle.ts";
import { isTracing } from "./tracer.ts";
import { stopGradientOperator, transpose } from "./transpose.ts";
import type { Layout } from "./up_sampling.ts";

/** Inputs of a call; null where an optional one is absent. */
type Inputs = readonly (Tensor | null)[];

/**
 * When to take a call apart: `recorded` where gradients are recorded that the fused form does not have, `always`
 * for systems that do not know it.
 */
export type Separation = "recorded" | "always";

/** A pixel shuffle in any layout. */
function shuffle(y: Tensor, factors: readonly number[], layout: Layout): Tensor {
  if (layout.indexOf("C") === 1) return pixelShuffle(y, factors);
  const last = y.rank - 1;
  const spatial = Array.from({ length: last - 1 }, (_, at) => at + 1);
  const first = pixelShuffle(transpose(y, [0, last, ...spatial]), factors);
  return transpose(first, [0, ...spatial.map((axis) => axis + 1), 1]);
}

function activate(y: Tensor, name: ActivationName | "leaky" | undefined, slope: number): Tensor {
  if (name === undefined) return y;
  return name === "leaky" ? leakyRelu(y, slope) : activation(y, name);
}

/** Whether an activation must be a call of its own. */
function isSeparate(name: ActivationName | "leaky" | undefined, when: Separation): boolean {
  if (name === undefined) return false;
  return when === "always" || isRecording() && !isFusedGradient(name);
}

/**
 * Applies a convolution, its epilogue as calls of their own where needed.
 *
 * @param inputs Data, weight, bias and residual.
 * @param attributes Attributes of Convolution.
 * @param when When to take it apart.
 * @returns The result.
 */
export function applyConvolution(
  inputs: Inputs,
  attributes: Attributes,
  when: Separation = "recorded",
): Tensor {
  const values = convolutionOperator.normalize(attributes) as ConvolutionAttributes;
  const more = values.residual !== "none" || values.pixel_shuffle !== undefined;
  if (!isSeparate(values.act_type, when) && !(more && (when === "always" || isRecording()))) {
    return convolutionOperator.apply(inputs, values);
  }
  const { act_type, slope, residual: place, pixel_shuffle, ...linear } = values;
  const residual = inputs[3] ?? null;
  let y = convolutionOperator.apply(inputs.slice(0, 3), linear);
  if (pixel_shuffle !== undefined) y = shuffle(y, pixel_shuffle, layoutOf(values));
  if (residual !== null && place === "before") y = add(y, residual);
  y = activate(y, act_type, slope);
  return residual !== null && place === "after" ? add(y, residual) : y;
}

/**
 * Applies a transposed convolution, its activation as a call of its own where needed.
 *
 * @param inputs Data, weight and bias.
 * @param attributes Attributes of Deconvolution.
 * @param when When to take it apart.
 * @returns The result.
 */
export function applyDeconvolution(
  inputs: Inputs,
  attributes: Attributes,
  when: Separation = "recorded",
): Tensor {
  const values = deconvolutionOperator.normalize(attributes) as DeconvolutionAttributes;
  if (!isSeparate(values.act_type, when)) return deconvolutionOperator.apply(inputs, values);
  const { act_type, slope, ...linear } = values;
  return activate(deconvolutionOperator.apply(inputs, linear), act_type, slope);
}

/** What is recorded needs the result before the activation. */
function applyDeformable(
  operator: Operator,
  inputs: Inputs,
  attributes: Attributes,
  when: Separation,
): Tensor {
  const { act_type, ...linear } = operator.normalize(attributes);
  if (act_type === undefined || when === "recorded" && !isRecording()) {
    return operator.apply(inputs, attributes);
  }
  return activation(operator.apply(inputs, linear), act_type as ActivationName);
}

/**
 * Applies an operator as the functions on tensors would: taken apart where needed.
 *
 * @param operator The operator.
 * @param inputs Its inputs.
 * @param attributes Its attributes.
 * @param when When to take it apart.
 * @returns The result.
 */
export function applySeparately(
  operator: Operator,
  inputs: Inputs,
  attributes: Attributes,
  when: Separation = "recorded",
): Tensor {
  switch (operator) {
    case convolutionOperator:
      return applyConvolution(inputs, attributes, when);
    case deconvolutionOperator:
      return applyDeconvolution(inputs, attributes, when);
    case deformableConvolutionOperator:
    case modulatedDeformableConvolutionOperator:
      return applyDeformable(operator, inputs, attributes, when);
    case stopGradientOperator:
      return isTracing() ? operator.apply(inputs) : inputs[0]!.detach();
    default:
      return operator.apply(inputs, attributes);
  }
}
