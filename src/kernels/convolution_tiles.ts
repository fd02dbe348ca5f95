// Tiles of the implicit matrix product: which a device can run, and what each is expected to take.

import type { ConvolutionProblem } from "./convolution_problem.ts";
import type { Capabilities } from "./plan.ts";

/** Shape of the part that one workgroup computes: m filters, n columns, k taps a step. */
export interface Tile {
  readonly name: string;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Pieces of four filters and of four columns that one invocation computes. */
  readonly rows: number;
  readonly cols: number;
  /** Share of the arithmetic peak that the tile reaches where there are many. */
  readonly efficiency: number;
}

/** All tiles; those that are only written with an `r` make more sums in each invocation. */
export const TILES: readonly Tile[] = [
  { name: "128x128", m: 128, n: 128, k: 16, rows: 2, cols: 2, efficiency: 0.55 },
  { name: "64x128", m: 64, n: 128, k: 16, rows: 2, cols: 1, efficiency: 0.55 },
  { name: "64x64r", m: 64, n: 64, k: 16, rows: 2, cols: 1, efficiency: 0.55 },
  { name: "64x64", m: 64, n: 64, k: 16, rows: 1, cols: 1, efficiency: 0.46 },
  { name: "32x128", m: 32, n: 128, k: 16, rows: 2, cols: 1, efficiency: 0.44 },
  { name: "32x64", m: 32, n: 64, k: 16, rows: 2, cols: 1, efficiency: 0.42 },
  { name: "16x256", m: 16, n: 256, k: 8, rows: 2, cols: 1, efficiency: 0.3 },
  { name: "64x32", m: 64, n: 32, k: 32, rows: 1, cols: 1, efficiency: 0.44 },
  { name: "32x32", m: 32, n: 32, k: 16, rows: 1, cols: 1, efficiency: 0.42 },
];

/** Invocations of a workgroup. */
export function tileThreads(tile: Tile): number {
  return tile.m / (4 * tile.rows) * (tile.n / (4 * tile.cols));
}

/** Shared memory of a workgroup: two buffers of both operands, rows one quad longer than needed. */
export function tileSharedBytes(tile: Tile): number {
  return 2 * tile.k * (tile.m + 4 + tile.n + 4) * 4;
}

/** Whether a device can run a tile. */
export function tileFits(tile: Tile, capabilities: Capabilities): boolean {
  const threads = tileThreads(tile);
  return threads <= capabilities.maxWorkgroupInvocations &&
    threads <= capabilities.maxWorkgroupSize[0] &&
    tileSharedBytes(tile) <= capabilities.maxSharedMemoryBytes;
}

/**
 * Steps along the depth of a tile that are written out one after another: code without a loop lets a GPU load ahead, but
 * a CPU device translates it for longer than it ever runs.
 */
export function tileUnroll(tile: Tile, { deviceClass }: Capabilities): number {
  return deviceClass === "cpu" ? 1 : tile.k;
}

/** Parts into which the taps of one result are split at most: each costs a pass over the results. */
const MOST_SPLITS = 16;

/** Steps that a part has at least, or its start would cost more than it saves. */
const LEAST_STEPS = 4;

/** Bytes of all parts together: what they gain does not pay for more memory. */
export const SPLIT_BYTES = 64 * 2 ** 20;

/**
 * Into how many parts the steps of a product are split at most: until each processor has some workgroups.
 *
 * @param capabilities The device.
 * @param workgroups Workgroups without a split.
 * @param steps Steps of each.
 * @param resultBytes Bytes of one part.
 * @param bounds Parts at most, and workgroups of a processor.
 * @returns 1 for no split.
 */
export function countSplits(
  capabilities: Capabilities,
  workgroups: number,
  steps: number,
  resultBytes: number,
  { most, held }: { most: number; held: number } = { most: MOST_SPLITS, held: 4 },
): number {
  const wanted = Math.min(
    Math.floor(held * capabilities.processors / workgroups),
    most,
    Math.floor(steps / LEAST_STEPS),
    Math.floor(Math.min(SPLIT_BYTES, capabilities.maxStorageBufferRange) / resultBytes),
  );
  if (wanted < 2) return 1;
  // No part may be empty.
  return Math.ceil(steps / Math.ceil(steps / wanted));
}

/** Parts that a product is tried with where its tiles are too few. */
const SPLITS: readonly number[] = [1, 2, 3, 4, 6, 8, 12, 16];

/** Which parts are tried. */
export interface Splitting {
  /** Parts at most. */
  readonly most: number;
  /** Workgroups of a processor at most. */
  readonly held: (tile: Tile) => number;
  /** Parts to try, in ascending order, for a tile's work; more than `most` are left out. */
  readonly tried: (tile: Tile, work: TileWork, most: number) => readonly number[];
}

const FEW_SPLITS: Splitting = { most: MOST_SPLITS, held: () => 4, tried: () => SPLITS };

/** Products that a processor could do while one more kernel is launched: some eight microseconds. */
export const LAUNCH_PRODUCTS = 1.8e6;

/** Products that a device does in the time in which it moves a byte. */
const PRODUCTS_PER_BYTE = 10;

/** Products that a processor could do while a step waits for memory and barriers, which other workgroups hide. */
const STEP_PRODUCTS = 1.8e5;

/** Invocations that a processor holds at once, by the sums of each: registers decide. */
function heldThreads({ rows, cols }: Tile): number {
  return rows * cols === 4 ? 512 : rows * cols === 2 ? 640 : 1024;
}

/** Invocations with many sums that a processor needs to hide all of each other's waiting, and how much longer it takes fewer. */
const FEW_THREADS = 384;
const FEW_FACTOR = 1.15;

/** Products that a processor could do in the time that all its workgroups take. */
function processorTime(tile: Tile, workgroups: number, steps: number): number {
  const own = tile.m * tile.n * tile.k / tile.efficiency;
  const held = Math.max(1, Math.floor(heldThreads(tile) / tileThreads(tile)));
  const together = (count: number): number => {
    // A single workgroup hides most of its own waiting, several all of it.
    if (count === 1) return steps * (own + STEP_PRODUCTS / 4);
    const few = tile.rows * tile.cols > 1 && count * tileThreads(tile) < FEW_THREADS;
    const factor = few ? FEW_FACTOR : 1;
    return steps * Math.max(STEP_PRODUCTS, count * own * factor);
  };
  const rest = workgroups % held;
  return Math.floor(workgroups / held) * together(held) + (rest === 0 ? 0 : together(rest));
}

/** A tile, the parts its taps are split into, and the time that is expected of both. */
export interface TileChoice {
  readonly tile: Tile;
  readonly splits: number;
  /** Products that each processor could do in this time. */
  readonly time: number;
}

/** Workgroups with one tile, steps of each, and results of all. */
export interface TileWork {
  readonly workgroups: number;
  /** Where workgroups differ, on average. */
  readonly steps: number;
  readonly results: number;
  /** Where workgroups differ: those with most steps, which begin first. */
  readonly longest?: { readonly workgroups: number; readonly steps: number };
}

/** The work of a convolution with one tile. */
export function tileWork(problem: ConvolutionProblem, tile: Tile): TileWork {
  const filters = problem.filters / problem.groups;
  const columns = problem.batch * problem.size[0] * problem.size[1] * problem.size[2];
  const taps = problem.kernel[0] * problem.kernel[1] * problem.kernel[2];
  return {
    workgroups: Math.ceil(filters / tile.m) * Math.ceil(columns / tile.n) * problem.groups,
    steps: Math.ceil(problem.channels / problem.groups * taps / tile.k),
    results: problem.filters * columns,
  };
}

/**
 * Estimates all tiles that a device can run, each whole and split.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param tiles What to choose from.
 * @returns The choices, the least time first; none if no tile fits.
 */
export function rankTiles(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  tiles: readonly Tile[] = TILES,
): readonly TileChoice[] {
  return rankWork(capabilities, tiles, (tile) => tileWork(problem, tile));
}

/**
 * Estimates all tiles that a device can run, each whole and split, for any product.
 *
 * @param capabilities The device.
 * @param tiles What to choose from.
 * @param workOf The work with one of them.
 * @param splitting Which parts are tried; by default some up to 16.
 * @returns The choices, the least time first; none if no tile fits.
 */
export function rankWork(
  capabilities: Capabilities,
  tiles: readonly Tile[],
  workOf: (tile: Tile) => TileWork,
  splitting: Splitting = FEW_SPLITS,
): readonly TileChoice[] {
  const { processors } = capabilities;
  const choices: TileChoice[] = [];
  for (const tile of tiles) {
    if (!tileFits(tile, capabilities)) continue;
    const work = workOf(tile);
    const { workgroups, steps, results, longest } = work;
    const busy = (count: number, length: number): number =>
      processorTime(tile, Math.ceil(count / processors), length);
    const bounds = { most: splitting.most, held: splitting.held(tile) };
    const most = countSplits(capabilities, workgroups, steps, results * 4, bounds);
    for (const wanted of splitting.tried(tile, work, most)) {
      if (wanted > most) break;
      const length = Math.ceil(steps / wanted);
      const splits = Math.ceil(steps / length);
      if (splits < wanted) continue;
      const sums = splits === 1
        ? 0
        : LAUNCH_PRODUCTS + (splits + 1) * results * 4 * PRODUCTS_PER_BYTE / processors;
      const all = busy(workgroups * splits, length);
      const first = longest === undefined
        ? 0
        : busy(longest.workgroups * splits, Math.ceil(longest.steps / splits));
      choices.push({ tile, splits, time: sums + Math.max(all, first) });
    }
  }
  return choices.sort((a, b) => a.time - b.time);
}
