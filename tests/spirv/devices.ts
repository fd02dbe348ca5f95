// Devices for which plans are made and run without any.

import type { Capabilities } from "../../src/core/capabilities.ts";
import { FORGED } from "../reference/capabilities.ts";

/** Few workgroups along each axis, so that even small grids are folded. */
const FOLDED: readonly [number, number, number] = [3, 2, 65_535];

/** A CPU device for each way to read operands. */
export const CPUS: readonly Capabilities[] = (["texel", "storage", "address"] as const).map((
  path,
) => ({
  ...FORGED.cpu,
  loadPath: path,
}));

/** A GPU whose shaders read texels. */
export const TEXEL_GPU: Capabilities = {
  ...FORGED.gpu,
  loadPath: "texel",
  maxStorageBufferRange: 2 ** 27,
};

/** GPUs, with and without features; one that folds all grids. */
export const GPUS: readonly Capabilities[] = [
  { ...FORGED.gpu, maxWorkgroupCount: FOLDED },
  { ...FORGED.least, maxWorkgroupCount: FOLDED },
];

/** All of them, and a CPU device that folds. */
export const DEVICES: readonly Capabilities[] = [
  ...CPUS,
  ...GPUS,
  TEXEL_GPU,
  { ...FORGED.cpu, maxWorkgroupCount: FOLDED },
];
