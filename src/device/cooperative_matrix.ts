// Which cooperative matrices a device multiplies. VK_KHR_cooperative_matrix lists its shapes through a command of its own,
// which the Vulkan loader does not export: it could only be called through an address, and Deno forbids that to programs
// that may load one library by its path. So the shapes of each driver are written down here, from its sources or papers.

import * as vk from "../../ffi/vulkan/enums.ts";
import type { MatrixShape } from "../core/capabilities.ts";

/** The extension that brings them. */
export const COOPERATIVE_MATRIX_EXTENSION = "VK_KHR_cooperative_matrix";

/** Every device with tensor cores has this shape. */
const NVIDIA: MatrixShape = { m: 16, n: 16, k: 16 };

/** As many rows and columns as lanes; only devices of eight lanes have them. */
const LAVAPIPE: MatrixShape = { m: 8, n: 8, k: 8 };

/**
 * The shape that a driver's subgroups multiply, float16 by float16 added up in float32. Only drivers whose subgroups have
 * one size: kernels place subgroups in their tiles by number.
 *
 * @param driverId `VkDriverId`.
 * @param subgroupSize Lanes of a subgroup.
 * @returns The shape; null where it is not known.
 */
export function knownMatrixShape(driverId: number, subgroupSize: number): MatrixShape | null {
  switch (driverId) {
    case vk.VK_DRIVER_ID_NVIDIA_PROPRIETARY:
    case vk.VK_DRIVER_ID_MESA_NVK:
      return subgroupSize === 32 ? NVIDIA : null;
    case vk.VK_DRIVER_ID_MESA_LLVMPIPE:
      return subgroupSize === 8 ? LAVAPIPE : null;
    default:
      return null;
  }
}
