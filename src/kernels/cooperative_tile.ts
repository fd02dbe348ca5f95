// How cooperative matrix products are cut: tiles of workgroups, their subgroups, and which tile suits which product.

import type { MatrixShape } from "../core/capabilities.ts";
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

/** All tiles, larger ones first. */
export const COOPERATIVE_TILES: readonly CooperativeTile[] = [
  { name: "256x128x32", m: 256, n: 128, k: 32, rows: 64, cols: 64, buffers: 1, efficiency: 1 },
  { name: "128x256x32", m: 128, n: 256, k: 32, rows: 64, cols: 64, buffers: 1, efficiency: 1 },
  { name: "128x128x64", m: 128, n: 128, k: 64, rows: 64, cols: 32, buffers: 1, efficiency: 1 },
  { name: "128x128x32", m: 128, n: 128, k: 32, rows: 64, cols: 64, buffers: 2, efficiency: 1 },
  { name: "128x128x32s", m: 128, n: 128, k: 32, rows: 64, cols: 64, buffers: 1, efficiency: 1 },
  { name: "64x128x64", m: 64, n: 128, k: 64, rows: 32, cols: 64, buffers: 1, efficiency: 0.8 },
  { name: "64x128x32", m: 64, n: 128, k: 32, rows: 32, cols: 64, buffers: 2, efficiency: 0.8 },
  { name: "64x256x32", m: 64, n: 256, k: 32, rows: 64, cols: 64, buffers: 1, efficiency: 0.8 },
  { name: "64x64x64", m: 64, n: 64, k: 64, rows: 32, cols: 32, buffers: 2, efficiency: 0.6 },
  { name: "64x64x32", m: 64, n: 64, k: 32, rows: 32, cols: 32, buffers: 2, efficiency: 0.6 },
  { name: "32x128x32", m: 32, n: 128, k: 32, rows: 32, cols: 32, buffers: 2, efficiency: 0.6 },
  { name: "32x32x32", m: 32, n: 32, k: 32, rows: 16, cols: 16, buffers: 2, efficiency: 0.3 },
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

/**
 * Picks the tile with the least estimated time: rounds of workgroups over the processors, times products a round.
 *
 * @param capabilities The device.
 * @param rows Rows of each product.
 * @param columns Columns of each.
 * @param products Number of products.
 * @param pointwise Whether the kernel reads columns in a row.
 * @returns The tile, or undefined if the device can run none.
 */
export function chooseCooperativeTile(
  capabilities: Capabilities,
  rows: number,
  columns: number,
  products: number,
  pointwise: boolean,
): CooperativeTile | undefined {
  let best: CooperativeTile | undefined;
  let bestTime = Infinity;
  for (const tile of COOPERATIVE_TILES) {
    if (!cooperativeTileFits(capabilities, tile, pointwise)) continue;
    const count = Math.ceil(rows / tile.m) * Math.ceil(columns / tile.n) * products;
    const rounds = Math.ceil(count / capabilities.processors);
    const time = rounds * tile.m * tile.n / tile.efficiency;
    if (time < bestTime) {
      best = tile;
      bestTime = time;
    }
  }
  return best;
}
