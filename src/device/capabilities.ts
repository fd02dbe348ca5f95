// What planning may rely on, from what the adapter says.

import type { Capabilities } from "../core/capabilities.ts";
import type { Adapter } from "./adapter.ts";
import type { Context } from "./context.ts";
import type { Device } from "./device.ts";
import { chooseLoadPath } from "./load_path.ts";
import type { InternalDeviceOptions } from "./options.ts";
import type { RowCopies } from "./row_copies.ts";

/**
 * Describes a device to the planner.
 *
 * @param device The device; used only when the load path has to be measured.
 * @param options The caller's options.
 * @param context Reads the environment.
 * @param copies Knows what is copied without kernels.
 * @returns The capabilities. The load path and copies are found out when first read.
 */
export function readCapabilities(
  device: Device,
  options: InternalDeviceOptions,
  { vulkan: { runtime } }: Context,
  copies: RowCopies,
): Capabilities {
  const { adapter } = device;
  const { features, limits } = adapter;
  let loadPath: Capabilities["loadPath"] | undefined;
  return {
    deviceClass: deviceClass(adapter),
    get loadPath(): Capabilities["loadPath"] {
      return loadPath ??= chooseLoadPath(device, runtime, options);
    },
    get rowCopies(): Capabilities["rowCopies"] {
      return copies.capability();
    },
    winograd: options.winograd ?? true,
    tuning: device.kernels.tuning.enabled ? device.kernels.tuning : undefined,
    precision: options.precision ?? "highest",
    processors: limits.processors || (adapter.type === "discrete" ? 32 : 16),
    subgroupSize: limits.subgroupSize,
    subgroupShuffle: features.subgroupShuffle,
    float16: features.float16 && features.storage16,
    cooperativeMatrix: features.float16 && features.storage16 && features.vulkanMemoryModel
      ? adapter.cooperativeMatrix
      : null,
    int64: features.int64,
    bufferDeviceAddress: features.bufferDeviceAddress,
    maxWorkgroupCount: limits.maxWorkgroupCount,
    maxWorkgroupSize: limits.maxWorkgroupSize,
    maxWorkgroupInvocations: limits.maxWorkgroupInvocations,
    maxSharedMemoryBytes: limits.maxSharedMemoryBytes,
    maxStorageBufferRange: limits.maxStorageBufferRange,
    maxTexelBufferElements: limits.maxTexelBufferElements,
    maxPushConstantBytes: limits.maxPushConstantBytes,
  };
}

function deviceClass(adapter: Adapter): Capabilities["deviceClass"] {
  if (adapter.software) return "cpu";
  return adapter.type === "other" ? "discrete" : adapter.type;
}
