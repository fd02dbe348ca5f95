// Joins 1x1 convolutions that follow each other without an activation, also across sums and joined channels: one matrix does
// what two did. Only where the joined one reads a value that is there already, and no more channels than the last one did.

import { normalizeAxis } from "../core/shape.ts";
import { concatOperator } from "../ops/concat.ts";
import { type ConvolutionAttributes, layoutOf, windowOf } from "../ops/convolution_rules.ts";
import { joinedBias, joinedWeight, type Part, type Term } from "./fold_linear.ts";
import type { Draft } from "./fuse_draft.ts";
import { convolutionAt } from "./fuse_epilogue.ts";
import type { GraphCall } from "./graph.ts";

/** Whether a convolution is a matrix on the channels of each pixel, with weights that are known. */
function isPointwise(draft: Draft, call: GraphCall): boolean {
  const values = call.attributes as ConvolutionAttributes;
  const { stride, padding, paddingAfter } = windowOf(values);
  const [, weight, bias] = call.inputs;
  return values.num_group === 1 && layoutOf(values).indexOf("C") === 1 &&
    values.kernel.every((size) => size === 1) && stride.every((step) => step === 1) &&
    [...padding, ...paddingAfter].every((size) => size === 0) &&
    draft.isFixed(weight) && (values.no_bias || draft.isFixed(bias));
}

/** The values whose channels are joined in a value; the value itself if it is no concatenation of channels. */
function joinedIn(draft: Draft, index: number): readonly number[] {
  const node = draft.node(index);
  if (node?.kind !== "call" || node.operator !== concatOperator) return [index];
  const axis = normalizeAxis("fuse Concat", node.attributes.dim, node.spec.shape.length);
  return axis === 1 ? node.inputs as readonly number[] : [index];
}

/** 1x1 convolutions in front of another one. */
export function absorbPointwise(draft: Draft, call: GraphCall): GraphCall | null {
  if (!isPointwise(draft, call)) return null;
  const [data] = call.inputs as readonly [number];
  const outer = draft.single(data)?.operator === concatOperator ? joinedIn(draft, data) : [data];
  const found = outer.map((index) => {
    const before = convolutionAt(draft, index);
    if (before === null || !isPointwise(draft, before.call)) return null;
    const { act_type, pixel_shuffle } = before.values;
    return act_type === undefined && pixel_shuffle === undefined ? before.call : null;
  });
  const channels = (index: number) => draft.node(index)!.spec.shape[1]!;
  for (const { inputs: [source] } of found.filter((each) => each !== null)) {
    // What the joined convolution reads must be there, joined in one value.
    const bases = joinedIn(draft, source!);
    if (new Set(bases).size < bases.length || channels(source!) > channels(data)) continue;
    const parts = partsOf(draft, outer, found, bases);
    if (parts !== null) return join(draft, call, source!, found, parts, bases.length);
  }
  return null;
}

/** The joined convolution. */
function join(
  draft: Draft,
  call: GraphCall,
  source: number,
  found: readonly (GraphCall | null)[],
  parts: readonly Part[],
  bases: number,
): GraphCall {
  const [, weight, bias = null, ...rest] = call.inputs as [number, number, ...(number | null)[]];
  const between = found.filter((each) => each !== null);
  const { shape } = draft.node(weight)!.spec;
  const width = draft.node(source)!.spec.shape[1]!;
  const joined = draft.fold({
    name: `${call.name} weight`,
    spec: { shape: [shape[0]!, width, ...shape.slice(2)], dtype: "float32" },
    sources: [weight, ...between.map(({ inputs }) => inputs[1]!)],
    compute: joinedWeight(parts, bases),
  });
  const shifts = found.flatMap((each, at) => {
    const index = each?.inputs[2] ?? null;
    return index === null ? [] : [{ index, part: parts[at]! }];
  });
  const own = bias === null ? [] : [bias];
  const shift = shifts.length === 0 ? bias : draft.fold({
    name: `${call.name} bias`,
    spec: { shape: [shape[0]!], dtype: "float32" },
    sources: [weight, ...shifts.map(({ index }) => index), ...own],
    compute: joinedBias(shifts.map(({ part }) => part), own.length > 0),
  });
  const inputs = [source, joined, shift, ...rest];
  return draft.change(call, { no_bias: shift === null }, { inputs });
}

/** What the last convolution reads, made of the bases alone; null if it reads anything else. */
function partsOf(
  draft: Draft,
  outer: readonly number[],
  found: readonly (GraphCall | null)[],
  bases: readonly number[],
): Part[] | null {
  const channels = (index: number) => draft.node(index)!.spec.shape[1]!;
  const parts: Part[] = [];
  let from = 0;
  let through = 0;
  for (const [at, index] of outer.entries()) {
    const terms: Term[] = [];
    const add = (value: number, by: number | null, first: number): boolean => {
      const base = bases.indexOf(value);
      terms.push({ base, through: by, from: first, channels: channels(value) });
      return base >= 0;
    };
    const call = found[at] ?? null;
    if (call === null) {
      if (!add(index, null, 0)) return null;
    } else {
      const [data, , , residual = null] = call.inputs;
      let first = 0;
      for (const value of joinedIn(draft, data!)) {
        if (!add(value, through, first)) return null;
        first += channels(value);
      }
      if (residual !== null && !add(residual, null, 0)) return null;
      through++;
    }
    parts.push({ from, channels: channels(index), terms });
    from += channels(index);
  }
  return parts;
}
