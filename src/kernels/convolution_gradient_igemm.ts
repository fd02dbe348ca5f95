// Weight gradients on GPUs: tiles of the implicit matrix product, and chunks of its long reduction.

import { programs } from "../../shaders/manifest.ts";
import {
  countChunks,
  type GradientParts,
  type GradientProblem,
  gradientWords,
} from "./convolution_gradient_problem.ts";
import { geometryConstants } from "./convolution_problem.ts";
import { type Tile, tileFits, tileThreads, tileUnroll } from "./convolution_tiles.ts";
import { divisor } from "./divisor.ts";
import { foldGrid } from "./grid.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";

/** All tiles; invocations of a workgroup are a multiple of k and of n. */
export const GRADIENT_TILES: readonly Tile[] = [
  { name: "128x128", m: 128, n: 128, k: 16, rows: 2, cols: 2, efficiency: 0.8 },
  { name: "64x128", m: 64, n: 128, k: 16, rows: 2, cols: 2, efficiency: 0.85 },
  { name: "64x64", m: 64, n: 64, k: 16, rows: 1, cols: 1, efficiency: 0.9 },
  { name: "32x32", m: 32, n: 32, k: 16, rows: 1, cols: 1, efficiency: 0.5 },
];

/** Invocations that keep a processor busy. */
const BUSY = 768;

/** Chunks at most: one after another adds them up. */
const MOST_CHUNKS = 256;

/** Steps of a chunk at least, or its start would cost more than it gains. */
const LEAST_STEPS = 4;

/**
 * Picks the tile that wastes least.
 *
 * @param capabilities The device.
 * @param problem The gradient.
 * @param tiles What to choose from.
 * @returns The tile, or undefined if the device can run none.
 */
export function gradientTile(
  capabilities: Capabilities,
  problem: GradientProblem,
  tiles: readonly Tile[] = GRADIENT_TILES,
): Tile | undefined {
  const filters = problem.filters / problem.groups;
  const columns = problem.weightCount / problem.filters;
  let best: Tile | undefined;
  let bestTime = Infinity;
  for (const tile of tiles) {
    if (!tileFits(tile, capabilities)) continue;
    // The reduction is long enough to be split until all are busy, so only the padding of the tiles counts.
    const padded = Math.ceil(filters / tile.m) * tile.m * Math.ceil(columns / tile.n) * tile.n;
    const time = padded / tile.efficiency;
    if (time < bestTime) {
      best = tile;
      bestTime = time;
    }
  }
  return best;
}

/**
 * Plans a weight gradient as an implicit matrix product.
 *
 * @param capabilities The device.
 * @param problem The gradient; not empty.
 * @param tile The tile.
 * @returns One dispatch.
 */
export function planIgemmGradient(
  capabilities: Capabilities,
  problem: GradientProblem,
  tile: Tile,
): GradientParts {
  const { groups } = problem;
  const [depth, height, width] = problem.size;
  const pixels = depth * height * width;
  const columns = problem.batch * pixels;
  const groupFilters = problem.filters / groups;
  const tilesM = Math.ceil(groupFilters / tile.m);
  const tilesN = Math.ceil(problem.weightCount / problem.filters / tile.n);
  const tiles = tilesM * tilesN * groups;
  const most = Math.min(MOST_CHUNKS, columns / (LEAST_STEPS * tile.k));
  const busy = Math.ceil(BUSY * capabilities.processors / tileThreads(tile) / tiles);
  const wanted = countChunks(capabilities, problem, Math.min(busy, most));
  const chunkColumns = Math.ceil(columns / wanted / tile.k) * tile.k;
  const chunks = Math.ceil(columns / chunkColumns);
  const workgroups = tiles * chunks;
  const divisors = [divisor(pixels), divisor(height), divisor(width)] as const;
  return {
    name: `igemm_${tile.name}`,
    chunks,
    dispatch: (chunkStep) =>
      makeDispatch(
        programs["convolution/weight_gradient_igemm"],
        {
          local_size_x: tileThreads(tile),
          tile_m: tile.m,
          tile_n: tile.n,
          tile_k: tile.k,
          unroll: tileUnroll(tile, capabilities),
          rows: tile.rows,
          cols: tile.cols,
          channel_last: problem.channelLast ? 1 : 0,
          ...geometryConstants(problem),
        },
        {
          workgroups,
          tiles_m: tilesM,
          tiles_n: tilesN,
          groups,
          chunk_step: chunkStep,
          chunk_columns: chunkColumns,
          columns,
          pixels,
          out_h: height,
          out_w: width,
          pixels_multiplier: divisors[0].multiplier,
          out_h_multiplier: divisors[1].multiplier,
          out_w_multiplier: divisors[2].multiplier,
          shifts: divisors[0].shift | (divisors[1].shift << 5) | (divisors[2].shift << 10),
          ...gradientWords(problem),
        },
        [0, 1, 2],
        foldGrid(capabilities, workgroups),
      ),
  };
}
