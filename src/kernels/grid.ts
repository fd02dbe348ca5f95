// Folds a number of workgroups over the three axes of a dispatch (shaders/glsl/lib/grid.glsl unfolds it).

import { LimitError } from "../core/errors.ts";
import type { Capabilities } from "./plan.ts";

/** Workgroups along x, y, z. */
export type Grid = readonly [number, number, number];

/**
 * Folds workgroups over three axes, none above the device's limit, with as few idle workgroups as the fold allows.
 *
 * @param capabilities The device.
 * @param workgroups How many are needed; at least 1.
 * @returns x * y * z >= workgroups, and less than one plane more than needed.
 * @throws {LimitError} If even three axes cannot hold them.
 */
export function foldGrid(capabilities: Capabilities, workgroups: number): Grid {
  // 65,535 is what every device offers; a device may offer more along x only.
  const [maxX, maxY, maxZ] = capabilities.maxWorkgroupCount.map((count) =>
    Math.min(count, 65_535)
  ) as [
    number,
    number,
    number,
  ];
  if (!Number.isSafeInteger(workgroups) || workgroups < 1) {
    throw new RangeError(`Cannot fold ${workgroups} workgroups: expected a positive integer`);
  }
  const rows = Math.ceil(workgroups / maxX);
  const planes = Math.ceil(rows / maxY);
  if (planes > maxZ) {
    throw new LimitError(
      `Cannot dispatch ${workgroups} workgroups: the device allows ${maxX} x ${maxY} x ${maxZ}`,
    );
  }
  const x = Math.ceil(workgroups / rows);
  const y = Math.ceil(Math.ceil(workgroups / x) / planes);
  return [x, y, Math.ceil(workgroups / (x * y))];
}

/**
 * Local size of kernels whose invocations do not work together.
 *
 * @param capabilities The device.
 * @returns A multiple of every common subgroup size, within the device's limits.
 */
export function plainLocalSize(capabilities: Capabilities): number {
  // CPU devices run a workgroup as a coroutine for each 8 lanes: few fat workgroups cost less. GPUs start some hundred
  // workgroups in a microsecond whatever their size: 64 invocations that move a word each reach an eighth of an H200's
  // bandwidth.
  return Math.min(256, capabilities.maxWorkgroupInvocations, capabilities.maxWorkgroupSize[0]);
}

/**
 * Grid for one invocation per item.
 *
 * @param capabilities The device.
 * @param items Number of items; at least 1.
 * @returns The grid for workgroups of {@linkcode plainLocalSize} invocations.
 */
export function gridForItems(capabilities: Capabilities, items: number): Grid {
  return foldGrid(capabilities, Math.ceil(items / plainLocalSize(capabilities)));
}
