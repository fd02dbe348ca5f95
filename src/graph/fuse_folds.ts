// What is worked into the weights of convolutions: normalizations behind them, upsamplings in front.

import { normalizeAxis } from "../core/shape.ts";
import { type ConvolutionAttributes, layoutOf, windowOf } from "../ops/convolution_rules.ts";
import { upSamplingOperator } from "../ops/up_sampling.ts";
import {
  normalizedBias,
  normalizedWeight,
  tapsOf,
  upsampledBias,
  upsampledWeight,
} from "./fold_functions.ts";
import type { Draft } from "./fuse_draft.ts";
import { convolutionAt } from "./fuse_epilogue.ts";
import type { GraphCall } from "./graph.ts";

/** A normalization by running statistics behind a convolution. */
export function absorbNormalization(
  draft: Draft,
  call: GraphCall,
): GraphCall | null {
  const found = convolutionAt(draft, call.inputs[0]);
  if (found === null) return null;
  const { act_type, residual, pixel_shuffle, no_bias } = found.values;
  if (
    act_type !== undefined || residual !== "none" || pixel_shuffle !== undefined
  ) return null;
  const { axis, eps, fix_gamma: fixGamma } = call.attributes as {
    readonly axis: number;
    readonly eps: number;
    readonly fix_gamma: boolean;
  };
  const { shape } = call.spec;
  const channels = layoutOf(found.values).indexOf("C");
  if (normalizeAxis("fuse BatchNorm", axis, shape.length) !== channels) {
    return null;
  }
  const [data, weight, bias = null] = found.call.inputs;
  const fixed = [weight, ...call.inputs.slice(1), ...(no_bias ? [] : [bias])];
  if (!fixed.every((input) => draft.isFixed(input))) return null;
  const [, gamma, beta, mean, variance, ...rest] = fixed as number[];
  const how = { epsilon: eps, fixGamma };
  const normalized = draft.fold({
    name: `${call.name} weight`,
    spec: draft.node(weight!)!.spec,
    sources: [weight!, gamma!, variance!],
    compute: normalizedWeight(how),
  });
  const shift = draft.fold({
    name: `${call.name} bias`,
    spec: { shape: [shape[channels]!], dtype: "float32" },
    sources: [gamma!, beta!, mean!, variance!, ...rest],
    compute: normalizedBias(how),
  });
  return draft.change(found.call, { no_bias: false }, {
    inputs: [data!, normalized, shift],
  });
}

/**
 * A nearest-neighbor upsampling in front of a convolution that keeps sizes: then each pixel of the small image gives a
 * block of the large one, from weights that are sums.
 */
export function absorbUpSampling(
  draft: Draft,
  call: GraphCall,
): GraphCall | null {
  const before = draft.single(call.inputs[0]);
  if (before?.operator !== upSamplingOperator) return null;
  const values = call.attributes as ConvolutionAttributes;
  const { kernel, num_filter: filters, pixel_shuffle, no_bias } = values;
  const { stride, dilation, padding, paddingAfter } = windowOf(values);
  const { scale, layout } = before.attributes as {
    readonly scale: number | readonly number[];
    readonly layout?: string;
  };
  if (
    layoutOf(values).indexOf("C") !== 1 || (layout ?? "NC").indexOf("C") !== 1
  ) return null;
  if (pixel_shuffle !== undefined || values.num_group !== 1) return null;
  if ([...stride, ...dilation].some((each) => each !== 1)) return null;
  if (
    kernel.some((size, axis) => padding[axis]! + paddingAfter[axis]! !== size - 1)
  ) return null;
  const [, weight, bias = null, residual = null] = call.inputs;
  if (!draft.isFixed(weight) || !no_bias && !draft.isFixed(bias)) return null;
  const scales = typeof scale === "number" ? kernel.map(() => scale) : scale;
  const taps = kernel.map((size, axis) => tapsOf(size, padding[axis]!, scales[axis]!));
  const sizes = taps.map((each) => each.kernel);
  const pixels = scales.reduce((all, each) => all * each, 1);
  const { shape } = draft.node(weight)!.spec;
  const spread = draft.fold({
    name: `${call.name} weight`,
    spec: { shape: [filters * pixels, shape[1]!, ...sizes], dtype: "float32" },
    sources: [weight],
    compute: upsampledWeight(taps),
  });
  const repeated = no_bias ? null : draft.fold({
    name: `${call.name} bias`,
    spec: { shape: [filters * pixels], dtype: "float32" },
    sources: [bias!],
    compute: upsampledBias(pixels),
  });
  const changes = {
    kernel: sizes,
    pad: taps.map((each) => each.padding),
    pad_after: taps.map((each) => each.paddingAfter),
    num_filter: filters * pixels,
    pixel_shuffle: scales,
  };
  const inputs = [
    before.inputs[0]!,
    spread,
    repeated,
    ...(residual === null ? [] : [residual]),
  ];
  return draft.change(call, changes, { inputs });
}
