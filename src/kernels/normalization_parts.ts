// How the sums of a normalization are cut into parts and joined again. The order of additions depends on the shape and
// the class of the device alone.

import { divisor } from "./divisor.ts";
import { foldGrid, type Grid, gridForItems, plainLocalSize } from "./grid.ts";
import type { Reduction } from "./normalization_problem.ts";
import type { Capabilities } from "./plan.ts";

/** Neighbors of one part: enough to be worth a store, few enough that many items share a long run. */
const RUN_CHUNK = 1024;
/** Rows of one part: fewer, since every invocation takes several columns. */
const COLUMN_CHUNK = 128;
/** Shorter runs are not worth a workgroup. */
const LANES_FROM = 256;

/** How a reduction is cut into parts. */
export interface Parts {
  readonly chunk: number;
  readonly chunks: number;
  /** Parts of all results. */
  readonly count: number;
  /** Parts of one result. */
  readonly own: number;
  readonly items: number;
  /** 0 for runs. */
  readonly columns: number;
  readonly lanes: number;
}

/**
 * Cuts a reduction into parts.
 *
 * @param capabilities The device.
 * @param reduction What is added up.
 * @returns The parts.
 */
export function partsOf(capabilities: Capabilities, reduction: Reduction): Parts {
  const { outer, results, elements, inner } = reduction;
  const cooperates = capabilities.deviceClass !== "cpu";
  const chunk = Math.min(elements, inner > 1 ? COLUMN_CHUNK : RUN_CHUNK);
  const chunks = Math.ceil(elements / chunk);
  const count = outer * results * chunks;
  const columns = inner === 1 ? 0 : inner % 4 === 0 ? 4 : 1;
  return {
    chunk,
    chunks,
    count,
    own: outer * chunks,
    items: count / Math.max(columns, 1),
    columns,
    lanes: cooperates && inner === 1 && chunk >= LANES_FROM ? plainLocalSize(capabilities) : 1,
  };
}

/** Push words that tell parts apart. */
export function partWords({ elements, inner }: Reduction, parts: Parts): Record<string, number> {
  const chunks = divisor(parts.chunks);
  const inners = divisor(inner / Math.max(parts.columns, 1));
  return {
    items: parts.items,
    parts: parts.count,
    elements,
    chunk: parts.chunk,
    chunks: parts.chunks,
    chunks_multiplier: chunks.multiplier,
    chunks_shift: chunks.shift,
    inner,
    inner_multiplier: inners.multiplier,
    inner_shift: inners.shift,
  };
}

/** Push words that join parts. */
export function mergeWords(reduction: Reduction, parts: Parts): Record<string, number> {
  const { results, inner } = reduction;
  const chunks = divisor(parts.chunks);
  const inners = divisor(inner);
  return {
    items: results,
    parts: parts.count,
    own_parts: parts.own,
    chunks: parts.chunks,
    chunks_multiplier: chunks.multiplier,
    chunks_shift: chunks.shift,
    inner,
    inner_multiplier: inners.multiplier,
    inner_shift: inners.shift,
    outer_stride: results * parts.chunks,
    chunk_stride: inner,
  };
}

/** Grid for items that take an invocation, or a workgroup each. */
export function gridFor(capabilities: Capabilities, items: number, lanes: number): Grid {
  return lanes > 1 ? foldGrid(capabilities, items) : gridForItems(capabilities, items);
}

/** Invocations that join the parts of one result. */
export function mergeLanes(capabilities: Capabilities, parts: Parts): number {
  return capabilities.deviceClass !== "cpu" && parts.own >= 32 ? plainLocalSize(capabilities) : 1;
}
