// Copies that move whole vectors of words although the innermost axes of source and target differ:
// interleaving of a few runs, its inverse, and transposes of 4 x 4 blocks.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { divisorWords, strideWords, type Walk } from "./axes.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";

/** Axes of a walk that the kernels of movement/ take apart. */
export const MAX_AXES = 7;

/** A copy as kernels see it: operand 0 of the walk is the source, 1 the target. */
export interface State {
  readonly elementBytes: number;
  readonly walk: Walk;
  readonly from: number;
  readonly to: number;
  /** Elements of the whole output, to know whether a last word may be padded. */
  readonly outputCount: number;
}

/**
 * Whether a walk fills its target without gaps, in order.
 *
 * @param walk Source and target.
 * @returns True where no index into the target must be computed.
 */
export function isDense(walk: Walk): boolean {
  let expected = 1;
  return walk.sizes.every((size, axis) => {
    const fits = walk.strides[1]![axis] === expected || size === 1;
    expected *= size;
    return fits;
  });
}

function areQuads(...places: readonly number[]): boolean {
  return places.every((place) => place % 4 === 0);
}

/** Whether the innermost axis takes words in turn from two to four runs of whole quads, and the output has no gaps. */
function interleaves({ walk, from, to }: State): boolean {
  const [factor, run] = walk.sizes;
  const [inner, along, ...outer] = walk.strides[0]!;
  return factor! >= 2 && factor! <= 4 && along === 1 &&
    areQuads(run ?? 0, inner!, ...outer, from, to) && isDense(walk);
}

function dispatchInterleaved(
  capabilities: Capabilities,
  { walk, from, to }: State,
  slots: readonly [number, number],
): Dispatch {
  const [factor, run, ...outer] = walk.sizes as [number, number, ...number[]];
  const [inner, , ...strides] = walk.strides[0]!;
  const sizes = [run / 4, ...outer];
  const count = sizes.reduce((product, size) => product * size, 1);
  return makeDispatch(
    programs[`movement/interleave.${usesTexels(capabilities) ? "texel" : "storage"}` as const],
    {
      local_size_x: plainLocalSize(capabilities),
      factor,
      rank: sizes.length,
      repeat: inner === 0 ? 1 : 0,
      store_octets: factor % 2 === 0 && to % 8 === 0 ? 1 : 0,
    },
    {
      count,
      ...divisorWords(sizes, MAX_AXES - 2),
      step: inner! / 4,
      from: from / 4,
      ...strideWords("from", [1, ...strides.map((stride) => stride / 4)], MAX_AXES - 1),
      to: to / 4,
    },
    slots,
    gridForItems(capabilities, count),
  );
}

/** A copy in blocks of 4 places along the target by `factor` places along the source. */
interface Blocks {
  readonly factor: number;
  /** Whether blocks take whole runs of the source: pixel unshuffle. */
  readonly whole: boolean;
  /** Elements from vector to vector of a block in the source, and in the target. */
  readonly step: number;
  readonly part: number;
  /** All axes, along the target first; the second walks the blocks along the source where it has more than one. */
  readonly walk: Walk;
}

/** The blocks of a copy whose innermost axis lies `step` apart in the source, and another side by side; if there are. */
function separates({ walk, from, to }: State): Blocks | undefined {
  const { sizes, strides: [source, target] } = walk as Walk & {
    readonly strides: readonly [readonly number[], readonly number[]];
  };
  const along = source.indexOf(1);
  if (along < 1 || target[0] !== 1 || !areQuads(sizes[0]!, from, to)) return undefined;
  const [step, size] = [source[0]!, sizes[along]!];
  const others = [...sizes.keys()].filter((axis) => axis !== 0 && axis !== along);
  const outside = [...others.flatMap((axis) => [source[axis]!, target[axis]!]), target[along]!];
  if (!areQuads(...outside)) return undefined;
  const whole = step === size && step >= 2 && step <= 4;
  if (!whole && !areQuads(step, size)) return undefined;
  const factor = whole ? step : 4;
  const parts = whole ? [] : [along];
  const pick = (values: readonly number[], scale: number): number[] => [
    values[0]!,
    ...parts.map((axis) => values[axis]! * scale),
    ...others.map((axis) => values[axis]!),
  ];
  return {
    factor,
    whole,
    step: whole ? 4 : step,
    part: target[along]!,
    walk: { sizes: pick(sizes, 1 / 4), strides: [pick(source, 4), pick(target, 4)] },
  };
}

function dispatchSeparated(
  capabilities: Capabilities,
  { from, to }: State,
  { factor, step, part, walk }: Blocks,
  slots: readonly [number, number],
): Dispatch {
  const [source, target] = walk.strides as [readonly number[], readonly number[]];
  const octets = [walk.sizes[0]!, to, part, ...target.slice(1)].every((place) => place % 8 === 0);
  const width = octets ? 8 : 4;
  const sizes = [walk.sizes[0]! / width, ...walk.sizes.slice(1)];
  const count = sizes.reduce((product, size) => product * size, 1);
  const quads = (own: readonly number[], first: number): number[] => [
    first,
    ...own.slice(1).map((stride) => stride / 4),
  ];
  return makeDispatch(
    programs[`movement/separate.${usesTexels(capabilities) ? "texel" : "storage"}` as const],
    {
      local_size_x: plainLocalSize(capabilities),
      factor,
      rank: sizes.length,
      store_octets: octets ? 1 : 0,
    },
    {
      count,
      ...divisorWords(sizes, MAX_AXES - 2),
      step: step / 4,
      part: part / 4,
      from: from / 4,
      ...strideWords("from", quads(source, source[0]! * width / 4), MAX_AXES - 1),
      to: to / 4,
      ...strideWords("to", quads(target, width / 4), MAX_AXES - 1),
    },
    slots,
    gridForItems(capabilities, count),
  );
}

/**
 * The dispatch of a copy that a block kernel can make.
 *
 * @param capabilities The device.
 * @param state The copy, of at most {@linkcode MAX_AXES} axes.
 * @param slots Slots of source and target.
 * @returns The dispatch; undefined where no blocks of words can be found. GPUs transpose by tiles instead.
 */
export function dispatchBlocks(
  capabilities: Capabilities,
  state: State,
  slots: readonly [number, number],
): Dispatch | undefined {
  if (!capabilities.int64 || state.elementBytes !== 4) return undefined;
  if (interleaves(state)) return dispatchInterleaved(capabilities, state, slots);
  const blocks = separates(state);
  if (blocks === undefined || blocks.walk.sizes.length >= MAX_AXES) return undefined;
  if (capabilities.deviceClass !== "cpu" && !blocks.whole) return undefined;
  return dispatchSeparated(capabilities, state, blocks, slots);
}
