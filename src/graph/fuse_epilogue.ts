// What convolutions do in the same pass over memory: zeros around, residual, activation, pixel shuffle.

import { sameShape } from "../core/shape.ts";
import { convolutionOperator, deconvolutionOperator } from "../ops/convolution.ts";
import { type ConvolutionAttributes, layoutOf, windowOf } from "../ops/convolution_rules.ts";
import { padOperator } from "../ops/pad.ts";
import type { Draft } from "./fuse_draft.ts";
import type { GraphCall } from "./graph.ts";

/**
 * The convolution of a value, if nobody else reads it.
 *
 * @param draft The graph.
 * @param index Number of the value.
 * @returns The call, with its attributes; null if there is none.
 */
export function convolutionAt(
  draft: Draft,
  index: number | null | undefined,
): { call: GraphCall; values: ConvolutionAttributes } | null {
  const call = draft.single(index);
  return call?.operator === convolutionOperator
    ? { call, values: call.attributes as ConvolutionAttributes }
    : null;
}

/** An activation behind a convolution or a transposed one. */
export function absorbActivation(
  draft: Draft,
  call: GraphCall,
): GraphCall | null {
  const { act_type, slope } = call.attributes as {
    act_type: string;
    slope?: number;
  };
  if (call.operator.name === "LeakyReLU" && act_type !== "leaky") return null;
  const before = draft.single(call.inputs[0]);
  if (before === null) return null;
  const { operator, attributes } = before;
  if (operator !== convolutionOperator && operator !== deconvolutionOperator) {
    return null;
  }
  if (
    attributes["act_type"] !== undefined || attributes["residual"] === "after"
  ) return null;
  return draft.change(before, {
    act_type,
    ...(slope === undefined ? {} : { slope }),
  });
}

/** A sum of a convolution and another value of the same shape. */
export function absorbResidual(
  draft: Draft,
  call: GraphCall,
): GraphCall | null {
  const [left, right] = call.inputs as [number, number];
  // Of two convolutions the later one, whose place is next to the sum.
  for (const own of [Math.max(left, right), Math.min(left, right)]) {
    const other = own === left ? right : left;
    const found = convolutionAt(draft, own);
    if (found === null || found.values.residual !== "none") continue;
    const { shape } = draft.node(other)!.spec;
    if (!sameShape(shape, found.call.spec.shape)) continue;
    const [data, weight, bias = null] = found.call.inputs;
    const residual = found.values.act_type === undefined ? "before" : "after";
    return draft.change(found.call, { residual }, {
      inputs: [data!, weight!, bias, other],
    });
  }
  return null;
}

/** A pixel shuffle behind a convolution. */
export function absorbPixelShuffle(
  draft: Draft,
  call: GraphCall,
): GraphCall | null {
  const found = convolutionAt(draft, call.inputs[0]);
  if (found === null) return null;
  const { kernel, residual, pixel_shuffle } = found.values;
  if (residual !== "none" || pixel_shuffle !== undefined) return null;
  if (layoutOf(found.values).indexOf("C") !== 1) return null;
  const { factor } = call.attributes as { factor: number | readonly number[] };
  const factors = typeof factor === "number" ? kernel.map(() => factor) : factor;
  return draft.change(found.call, { pixel_shuffle: factors }, {
    spec: call.spec,
  });
}

/** Zeros put around the data of a convolution. */
export function absorbPadding(draft: Draft, call: GraphCall): GraphCall | null {
  const before = draft.single(call.inputs[0]);
  if (before?.operator !== padOperator) return null;
  const { mode, pad_width: widths, constant_value: value } = before
    .attributes as {
      readonly mode: string;
      readonly pad_width: readonly number[];
      readonly constant_value: number;
    };
  if (mode !== "constant" || !Object.is(value, 0)) return null;
  const values = call.attributes as ConvolutionAttributes;
  const { padding, paddingAfter } = windowOf(values);
  const pad: number[] = [];
  const behind: number[] = [];
  for (const [axis, letter] of [...layoutOf(values)].entries()) {
    const [first, last] = [widths[2 * axis]!, widths[2 * axis + 1]!];
    if (letter === "N" || letter === "C") {
      if (first > 0 || last > 0) return null;
    } else {
      pad.push(padding[pad.length]! + first);
      behind.push(paddingAfter[behind.length]! + last);
    }
  }
  const inputs = [before.inputs[0]!, ...call.inputs.slice(1)];
  return draft.change(call, { pad, pad_after: behind }, { inputs });
}
