// How cooperative matrix products are cut: tiles of workgroups, their subgroups, and which tile suits which product.

import type { MatrixShape } from "../core/capabilities.ts";
import { countSplits } from "./convolution_tiles.ts";
import type { Capabilities } from "./plan.ts";

/** What one workgroup computes at a time, in elements, and what each of its subgroups computes of it. */
export interface CooperativeTile {
  readonly name: string;
  /** Rows (filters), columns and taps of a step. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Rows and columns of one subgroup. */
  readonly rows: number;
  readonly cols: number;
  /** Steps that are in shared memory at a time. */
  readonly buffers: 1 | 2;
  /** Share of the arithmetic peak that the tile can reach, relative to the best. */
  readonly efficiency: number;
}

/** All tiles, larger ones first; efficiencies are those of an NVIDIA H200. */
export const COOPERATIVE_TILES: readonly CooperativeTile[] = [
  { name: "128x256x32", m: 128, n: 256, k: 32, rows: 64, cols: 64, buffers: 1, efficiency: 0.98 },
  { name: "128x128x32", m: 128, n: 128, k: 32, rows: 64, cols: 64, buffers: 2, efficiency: 1 },
  { name: "64x256x32", m: 64, n: 256, k: 32, rows: 64, cols: 64, buffers: 1, efficiency: 0.8 },
  { name: "64x128x64", m: 64, n: 128, k: 64, rows: 32, cols: 64, buffers: 1, efficiency: 0.85 },
  { name: "64x64x32", m: 64, n: 64, k: 32, rows: 32, cols: 32, buffers: 2, efficiency: 0.7 },
  { name: "32x128x32", m: 32, n: 128, k: 32, rows: 32, cols: 32, buffers: 2, efficiency: 0.65 },
  { name: "32x32x32", m: 32, n: 32, k: 32, rows: 16, cols: 16, buffers: 2, efficiency: 0.4 },
];

/** Invocations of a workgroup. */
export function cooperativeThreads(capabilities: Capabilities, tile: CooperativeTile): number {
  return tile.m / tile.rows * (tile.n / tile.cols) * capabilities.subgroupSize;
}

/** Shared memory of a workgroup: buffers of both operands, rows an octet longer than needed, or its sums. */
export function cooperativeSharedBytes(
  capabilities: Capabilities,
  tile: CooperativeTile,
  shape: MatrixShape,
  pointwise: boolean,
): number {
  const row = tile.k / 8 + 1;
  const columns = pointwise ? tile.k * (tile.n / 8 + 1) : tile.n * row;
  const subgroups = cooperativeThreads(capabilities, tile) / capabilities.subgroupSize;
  return 16 *
    Math.max(tile.buffers * (tile.m * row + columns), subgroups * shape.m * (tile.cols / 4 + 1));
}

/**
 * Whether a device can run a tile.
 *
 * @param capabilities The device.
 * @param tile The tile.
 * @param pointwise Whether the kernel reads columns in a row.
 * @returns False also where the device has no cooperative matrices.
 */
export function cooperativeTileFits(
  capabilities: Capabilities,
  tile: CooperativeTile,
  pointwise: boolean,
): boolean {
  const shape = capabilities.cooperativeMatrix;
  if (shape === null) return false;
  const threads = cooperativeThreads(capabilities, tile);
  const multiple = (value: number, of: number): boolean => value % of === 0;
  return multiple(tile.rows, shape.m) && multiple(tile.cols, shape.n) &&
    multiple(tile.k, shape.k) &&
    [shape.m, shape.n, shape.k].every((size) => multiple(size, 8)) &&
    threads <= capabilities.maxWorkgroupInvocations &&
    threads <= capabilities.maxWorkgroupSize[0] &&
    cooperativeSharedBytes(capabilities, tile, shape, pointwise) <=
      capabilities.maxSharedMemoryBytes;
}

/** Products of matrices that are to be tiled. */
export interface CooperativeWork {
  /** Rows and columns of each result, and how many products are added up for one. */
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Number of products. */
  readonly products: number;
  /** Whether the kernel reads columns in a row. */
  readonly pointwise: boolean;
}

/** A tile, and into how many parts the sums are split. */
export interface CooperativeCut {
  readonly tile: CooperativeTile;
  readonly splits: number;
}

/** Parts that sums are tried with where tiles are too few. */
const SPLITS: readonly number[] = [1, 2, 3, 4, 6, 8];

/** Speed of a processor with one workgroup at a time, which waits for memory, relative to several. */
const ALONE = 0.6;

/** Products that a processor could do while one more kernel is launched. */
const LAUNCH_PRODUCTS = 1.5e6;

/** Products that a device does in the time in which it moves a byte. */
const PRODUCTS_PER_BYTE = 50;

/**
 * Picks the tile and the split with the least estimated time: rounds of workgroups over the processors, times products a
 * round, and what adding up the parts takes.
 *
 * @param capabilities The device.
 * @param work The products.
 * @returns The choice, or undefined if the device can run no tile.
 */
export function cutCooperative(
  capabilities: Capabilities,
  { rows, columns, depth, products, pointwise }: CooperativeWork,
): CooperativeCut | undefined {
  const { processors } = capabilities;
  let best: CooperativeCut | undefined;
  let bestTime = Infinity;
  for (const tile of COOPERATIVE_TILES) {
    if (!cooperativeTileFits(capabilities, tile, pointwise)) continue;
    const count = Math.ceil(rows / tile.m) * Math.ceil(columns / tile.n) * products;
    const steps = Math.ceil(depth / tile.k);
    const partBytes = count * tile.m * tile.n * 4;
    const most = countSplits(capabilities, count, steps, partBytes);
    for (const wanted of SPLITS.filter((each) => each === 1 || each <= most)) {
      const length = Math.ceil(steps / wanted);
      const splits = Math.ceil(steps / length);
      const rounds = Math.ceil(count * splits / processors);
      const speed = tile.efficiency * (rounds === 1 ? ALONE : 1);
      const sums = splits === 1
        ? 0
        : LAUNCH_PRODUCTS + (splits + 1) * partBytes * PRODUCTS_PER_BYTE / processors;
      const time = rounds * tile.m * tile.n * length * tile.k / speed + sums;
      if (time < bestTime) {
        best = { tile, splits };
        bestTime = time;
      }
    }
  }
  return best;
}
