// Weight gradients on GPUs: tiles of the implicit matrix product, and chunks of its long reduction.

import { programs } from "../../shaders/manifest.ts";
import {
  countChunks,
  type GradientParts,
  type GradientProblem,
  gradientWords,
} from "./convolution_gradient_problem.ts";
import {
  geometryConstants,
  type ImageStrides,
  inRows,
  product,
  type Triple,
} from "./convolution_problem.ts";
import {
  rankWork,
  type Splitting,
  type Tile,
  type TileChoice,
  tileThreads,
  tileUnroll,
  type TileWork,
} from "./convolution_tiles.ts";
import { divisor } from "./divisor.ts";
import { foldGrid } from "./grid.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";

/**
 * All tiles; invocations of a workgroup are a multiple of n, and a quarter of k times m and n one of them. Efficiencies are those
 * of forward tiles (`docs/performance_gpu.md`) less what gathering both operands costs, which small tiles do more often.
 */
export const GRADIENT_TILES: readonly Tile[] = [
  { name: "128x128", m: 128, n: 128, k: 16, rows: 2, cols: 2, efficiency: 0.45 },
  { name: "64x128", m: 64, n: 128, k: 16, rows: 2, cols: 1, efficiency: 0.47 },
  { name: "64x64r", m: 64, n: 64, k: 16, rows: 2, cols: 1, efficiency: 0.45 },
  { name: "64x64", m: 64, n: 64, k: 16, rows: 1, cols: 1, efficiency: 0.42 },
  { name: "64x32", m: 64, n: 32, k: 16, rows: 1, cols: 1, efficiency: 0.36 },
  { name: "32x32", m: 32, n: 32, k: 16, rows: 1, cols: 1, efficiency: 0.3 },
  { name: "16x64", m: 16, n: 64, k: 16, rows: 1, cols: 1, efficiency: 0.16 },
  { name: "64x16", m: 64, n: 16, k: 16, rows: 1, cols: 1, efficiency: 0.27 },
];

/** Chunks at most: several invocations add them up. */
const MOST_CHUNKS = 512;

/** Invocations of a processor that are tried: gathering both operands waits longer than the estimate of a step knows. */
const HELD = [384, 512, 768] as const;

/** How much longer invocations with many sums take where the reduction is too short to be split: until they begin, few wait. */
const SHORT_FACTOR = 1.25;

/** The reduction is long: chunks are those that give every processor as many invocations. */
function splitting({ processors }: Capabilities): Splitting {
  return {
    most: MOST_CHUNKS,
    held: (tile) => HELD[2] / tileThreads(tile),
    tried: (tile, { workgroups, steps }, most) => {
      const chunks = HELD.map((held) =>
        Math.floor(held / tileThreads(tile) * processors / workgroups)
      );
      // What is left when each has as many steps.
      const even = [1, 2, 3, ...chunks.filter((count) => count > 3)].map((count) =>
        Math.ceil(steps / Math.ceil(steps / Math.min(count, most)))
      );
      return [...new Set(even)].sort((a, b) => a - b);
    },
  };
}

function gradientWork(problem: GradientProblem, tile: Tile): TileWork {
  const { groups, filters, weightCount, batch, size } = problem;
  return {
    workgroups: Math.ceil(filters / groups / tile.m) * Math.ceil(weightCount / filters / tile.n) *
      groups,
    steps: Math.ceil(batch * size[0] * size[1] * size[2] / tile.k),
    results: weightCount,
  };
}

/**
 * Estimates all tiles, each with the chunks that suit it.
 *
 * @param capabilities The device.
 * @param problem The gradient; not empty.
 * @param tiles What to choose from.
 * @returns The choices, the least time first; none if the device can run no tile.
 */
export function rankGradientTiles(
  capabilities: Capabilities,
  problem: GradientProblem,
  tiles: readonly Tile[] = GRADIENT_TILES,
): readonly TileChoice[] {
  const workOf = (tile: Tile): TileWork => gradientWork(problem, tile);
  const time = ({ tile, splits, time }: TileChoice): number =>
    splits === 1 && tile.rows * tile.cols > 1 ? SHORT_FACTOR * time : time;
  return rankWork(capabilities, tiles, workOf, splitting(capabilities))
    .toSorted((a, b) => time(a) - time(b));
}

/** Axes on which a tap may lie outside the input, and what of the tile may have nothing to do, as bits. */
function boundsOf(problem: GradientProblem, tile: Tile): number {
  const { size, stride, kernel, dilation, padding, inputSize, filters, groups } = problem;
  const axes = [0, 1, 2].map((axis) => {
    const last = (size[axis]! - 1) * stride[axis]! + (kernel[axis]! - 1) * dilation[axis]! -
      padding[axis]!;
    return padding[axis]! > 0 || last >= inputSize[axis]!;
  });
  return [
    ...axes,
    filters / groups % tile.m !== 0,
    problem.weightCount / filters % tile.n !== 0,
    problem.batch * product(size) % tile.k !== 0,
  ].reduce((bits, outside, at) => bits | (outside ? 1 << at : 0), 0);
}

/** Whether four neighboring pixels are neighbors in a tensor, wherever they begin. */
function hasQuads(tensor: ImageStrides, size: Triple): boolean {
  return inRows(tensor, size) &&
    [product(size), tensor.n, tensor.c].every((step) => step % 4 === 0);
}

/** Which operands are read four pixels at once. */
function quadsOf(problem: GradientProblem): { gradient: boolean; input: boolean } {
  const gradient = !problem.channelLast && hasQuads(problem.output, problem.size);
  const pointwise = [0, 1, 2].every((axis) =>
    problem.kernel[axis] === 1 && problem.stride[axis] === 1 && problem.padding[axis] === 0 &&
    problem.size[axis] === problem.inputSize[axis]
  );
  return { gradient, input: gradient && pointwise && hasQuads(problem.input, problem.inputSize) };
}

/**
 * Plans a weight gradient as an implicit matrix product.
 *
 * @param capabilities The device.
 * @param problem The gradient; not empty.
 * @param choice The tile, and the chunks of the reduction.
 * @returns One dispatch.
 */
export function planIgemmGradient(
  capabilities: Capabilities,
  problem: GradientProblem,
  { tile, splits }: Pick<TileChoice, "tile" | "splits">,
): GradientParts {
  const { groups } = problem;
  const [depth, height, width] = problem.size;
  const pixels = depth * height * width;
  const columns = problem.batch * pixels;
  const groupFilters = problem.filters / groups;
  const tilesM = Math.ceil(groupFilters / tile.m);
  const tilesN = Math.ceil(problem.weightCount / problem.filters / tile.n);
  const tiles = tilesM * tilesN * groups;
  const wanted = countChunks(capabilities, problem, splits);
  const chunkColumns = Math.ceil(columns / wanted / tile.k) * tile.k;
  const chunks = Math.ceil(columns / chunkColumns);
  const workgroups = tiles * chunks;
  const quads = quadsOf(problem);
  // Scattered stores cost more than this saves, but for the few of a sum.
  const tapMajor = !problem.channelLast && problem.channels / groups % tile.n === 0 &&
    (chunks > 1 || product(problem.kernel) === 1);
  const divisors = [divisor(pixels), divisor(height), divisor(width)] as const;
  return {
    name: `igemm_${tile.name}`,
    chunks,
    tapMajor,
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
          quads_m: quads.gradient ? 1 : 0,
          quads_n: quads.input ? 1 : 0,
          bounds: boundsOf(problem, tile),
          tap_major: tapMajor ? 1 : 0,
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
