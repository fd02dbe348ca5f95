// Copies by tiles through shared memory, for GPUs: source and target have different innermost axes.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { divisorWords, strideWords } from "./axes.ts";
import { foldGrid } from "./grid.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";
import { MAX_AXES, type State } from "./region_blocks.ts";

/** Words of a side of the tiles of movement/transpose.comp, and its local size. */
const TILE = 32;
const INVOCATIONS = 256;

/**
 * The axis that is innermost in the source, where whole tiles pay: both axes are long, and one of the two ways would
 * touch a cache line for each word. 0 where they do not, and on CPU devices, for which shared memory is no help.
 */
function sourceAxis(capabilities: Capabilities, { elementBytes, walk }: State): number {
  const [from, to] = walk.strides as [readonly number[], readonly number[]];
  const axis = from.indexOf(1);
  const fits = capabilities.deviceClass !== "cpu" && elementBytes === 4 && to[0] === 1 &&
    capabilities.maxWorkgroupInvocations >= INVOCATIONS &&
    capabilities.maxSharedMemoryBytes >= TILE * (TILE + 1) * 4;
  return fits && axis > 0 && Math.min(walk.sizes[0]!, walk.sizes[axis]!) >= TILE / 2 ? axis : 0;
}

/**
 * The dispatch of a copy that transposes.
 *
 * @param capabilities The device.
 * @param state The copy, of at most {@linkcode MAX_AXES} axes.
 * @param slots Slots of source and target.
 * @returns The dispatch; undefined on CPU devices, and where tiles do not pay.
 */
export function dispatchTiles(
  capabilities: Capabilities,
  state: State,
  slots: readonly [number, number],
): Dispatch | undefined {
  const source = sourceAxis(capabilities, state);
  if (source === 0) return undefined;
  const { walk, from, to } = state;
  const [width, height] = [walk.sizes[0]!, walk.sizes[source]!];
  const outer = <T>(values: readonly T[]): T[] =>
    values.filter((_, axis) => axis !== 0 && axis !== source);
  const sizes = [Math.ceil(width / TILE), Math.ceil(height / TILE), ...outer(walk.sizes)];
  const count = sizes.reduce((product, size) => product * size, 1);
  const strides = (operand: "from" | "to", own: readonly number[]): Record<string, number> => {
    const words = strideWords(operand, [0, 0, ...outer(own)], MAX_AXES);
    delete words[`${operand}_0`];
    delete words[`${operand}_1`];
    return words;
  };
  return makeDispatch(
    programs["movement/transpose"],
    { rank: sizes.length },
    {
      count,
      width,
      height,
      ...divisorWords(sizes, MAX_AXES - 1),
      step_from: walk.strides[0]![0]!,
      step_to: walk.strides[1]![source]!,
      from,
      to,
      ...strides("from", walk.strides[0]!),
      ...strides("to", walk.strides[1]!),
    },
    slots,
    foldGrid(capabilities, count),
  );
}
