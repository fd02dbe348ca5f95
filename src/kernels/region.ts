// Copying a box of elements between two strided views of two buffers: the one way in which every data movement
// operator becomes dispatches of movement/gather.comp, or of kernels that move blocks or tiles.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { LimitError } from "../core/errors.ts";
import { divisorWords, mergeAxes, strideWords, type Walk } from "./axes.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";
import { findRowCopy } from "./row_copy.ts";
import { dispatchTiles } from "./region_tiles.ts";
import { dispatchBlocks, isDense, MAX_AXES, type State } from "./region_blocks.ts";

/** Where the elements of a region lie in one buffer; strides are in elements, outermost axis first. */
export interface View {
  readonly base: number;
  readonly strides: readonly number[];
}

/** A box of elements to copy. */
export interface Region {
  readonly sizes: readonly number[];
  readonly from: View;
  readonly to: View;
  /** Elements of the whole output, to know whether a last word may be padded. */
  readonly outputCount: number;
}

const MAX_DISPATCHES = 4_096;

/** Sees `factor` neighbors as one element where both views allow it. */
function widen(state: State, factor: number): State | undefined {
  const { walk, from, to } = state;
  const divides = (value: number): boolean => value % factor === 0;
  const inner = walk.sizes[0]! % factor === 0 && walk.strides.every((own) => own[0] === 1);
  const outer = walk.strides.every((own) => own.slice(1).every(divides));
  if (!inner || !outer || !divides(from) || !divides(to)) return undefined;
  const shrink = (values: readonly number[]): number[] =>
    values.map((value, axis) => axis === 0 ? value : value / factor);
  const merged: Walk = {
    sizes: [walk.sizes[0]! / factor, ...walk.sizes.slice(1)],
    strides: walk.strides.map(shrink),
  };
  return {
    elementBytes: state.elementBytes * factor,
    walk: merged,
    from: from / factor,
    to: to / factor,
    outputCount: Math.ceil(state.outputCount / factor),
  };
}

function dispatchState(
  capabilities: Capabilities,
  state: State,
  slots: readonly [number, number],
): Dispatch {
  const special = dispatchBlocks(capabilities, state, slots) ??
    dispatchTiles(capabilities, state, slots);
  if (special !== undefined) return special;
  const { walk, elementBytes } = state;
  const count = walk.sizes.reduce((product, size) => product * size, 1);
  const lanes = Math.max(1, 4 / elementBytes);
  const dense = isDense(walk);
  const wholeWords = dense && state.to % lanes === 0 &&
    (count % lanes === 0 || state.to + count === state.outputCount);
  const scattered = lanes > 1 && !wholeWords;
  const quad = elementBytes === 16;
  const constants: Record<string, number> = {
    local_size_x: plainLocalSize(capabilities),
    rank: walk.sizes.length,
    dense: dense ? 1 : 0,
  };
  // CPU devices store lane by lane: four words at once cost little more than one. GPUs want 16 bytes an invocation.
  const quadStore = elementBytes === 4 && dense &&
    state.to % 4 === 0 && (count % 4 === 0 || state.to + count === state.outputCount);
  if (!quad) {
    Object.assign(constants, {
      element_bytes: elementBytes,
      scattered: scattered ? 1 : 0,
      quad_store: quadStore ? 1 : 0,
    });
  }
  const id = quad ? "movement/gather.quad" : "movement/gather.word";
  const items = scattered ? count : Math.ceil(count / (quadStore ? 4 : lanes));
  return makeDispatch(
    programs[usesTexels(capabilities) ? `${id}_texel` as const : id],
    constants,
    {
      count,
      ...divisorWords(walk.sizes, MAX_AXES - 1),
      from: state.from,
      to: state.to,
      ...strideWords("from", walk.strides[0]!, MAX_AXES),
      ...strideWords("to", dense ? [] : walk.strides[1]!, MAX_AXES),
    },
    slots,
    gridForItems(capabilities, items),
  );
}

/** One dispatch for each position along the outermost axis while there are too many axes. */
function splitAxes(
  capabilities: Capabilities,
  state: State,
  slots: readonly [number, number],
  out: Dispatch[],
): void {
  const { walk } = state;
  const outer = walk.sizes.length - 1;
  if (outer < MAX_AXES) {
    out.push(dispatchState(capabilities, state, slots));
    return;
  }
  const inner: Walk = {
    sizes: walk.sizes.slice(0, outer),
    strides: walk.strides.map((own) => own.slice(0, outer)),
  };
  for (let at = 0; at < walk.sizes[outer]!; at++) {
    if (out.length >= MAX_DISPATCHES) {
      throw new LimitError(
        `Cannot copy a region of ${walk.sizes.length} separate axes: more than ${MAX_DISPATCHES} ` +
          `dispatches would be needed`,
      );
    }
    const from = state.from + at * walk.strides[0]![outer]!;
    const to = state.to + at * walk.strides[1]![outer]!;
    splitAxes(capabilities, { ...state, walk: inner, from, to }, slots, out);
  }
}

/**
 * Dispatches that copy one region.
 *
 * @param capabilities The device.
 * @param region What to copy; empty regions need no dispatch.
 * @param elementBytes 1, 2, 4 or 8.
 * @param slots Slots of source and target.
 * @returns One dispatch, or several for more than seven axes that do not merge.
 */
export function copyRegion(
  capabilities: Capabilities,
  region: Region,
  elementBytes: number,
  slots: readonly [number, number],
): Dispatch[] {
  if (region.sizes.includes(0)) return [];
  const wide = elementBytes === 8 ? 2 : 1; // 8-byte elements move as pairs of words
  const scale = (view: View): number[] => [
    ...view.strides.map((stride) => stride * wide),
    ...(wide === 2 ? [1] : []),
  ];
  const sizes = wide === 2 ? [...region.sizes, 2] : region.sizes;
  let state: State = {
    elementBytes: elementBytes / wide,
    walk: mergeAxes(sizes, [scale(region.from), scale(region.to)]),
    from: region.from.base * wide,
    to: region.to.base * wide,
    outputCount: region.outputCount * wide,
  };
  while (state.elementBytes < 4) {
    const wider = widen(state, 2);
    if (wider === undefined) break;
    state = wider;
  }
  const copy = findRowCopy(capabilities, state);
  if (state.elementBytes === 4) state = widen(state, 4) ?? state;
  const dispatches: Dispatch[] = [];
  splitAxes(capabilities, state, slots, dispatches);
  return copy !== undefined && dispatches.length === 1 ? [{ ...dispatches[0]!, copy }] : dispatches;
}
