// The Vulkan devices of this machine: what each is, may and can, and which one to take. Queries only; nothing is kept.

import { noDriverError } from "../../ffi/result.ts";
import { openVulkan, type Vulkan } from "../../ffi/loader.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR,
  VkPhysicalDeviceFeatures2,
  VkPhysicalDeviceMemoryProperties2,
  VkPhysicalDeviceProperties2,
  VkPhysicalDeviceShaderCoreProperties2AMD,
  VkPhysicalDeviceShaderSMBuiltinsPropertiesNV,
  VkPhysicalDeviceVulkan11Features,
  VkPhysicalDeviceVulkan11Properties,
  VkPhysicalDeviceVulkan12Features,
  VkPhysicalDeviceVulkan12Properties,
  VkPhysicalDeviceVulkan13Properties,
  VkQueueFamilyProperties2,
} from "../../ffi/vulkan/structs.ts";
import type { MatrixShape } from "../core/capabilities.ts";
import { checkOptionsObject, describe } from "../core/options.ts";
import type { CacheIdentity } from "./cache_file.ts";
import { COOPERATIVE_MATRIX_EXTENSION, knownMatrixShape } from "./cooperative_matrix.ts";
import { type AdapterFeatures, readFeatures } from "./features.ts";
import { deviceExtensions, enumerate, holdDrivers, Instance } from "./instance.ts";

/** What kind of device an adapter is. */
export type AdapterType = "discrete" | "integrated" | "virtual" | "cpu" | "other";

/** Types from the one to take first to the one to take last. */
export const ADAPTER_TYPES: readonly AdapterType[] = [
  "discrete",
  "integrated",
  "virtual",
  "cpu",
  "other",
];

/** The limits that matter to compute programs. */
export interface AdapterLimits {
  /** Bytes of one storage buffer that a kernel sees. */
  readonly maxStorageBufferRange: number;
  /** Elements of one texel buffer view. */
  readonly maxTexelBufferElements: number;
  /** Bytes of one buffer. */
  readonly maxBufferSize: number;
  /** Bytes of one allocation. */
  readonly maxMemoryAllocationSize: number;
  /** Number of allocations. */
  readonly maxMemoryAllocationCount: number;
  /** Workgroups along x, y, z of one dispatch. */
  readonly maxWorkgroupCount: readonly [number, number, number];
  /** Invocations along x, y, z of one workgroup. */
  readonly maxWorkgroupSize: readonly [number, number, number];
  /** Invocations of one workgroup. */
  readonly maxWorkgroupInvocations: number;
  /** Bytes that a workgroup shares. */
  readonly maxSharedMemoryBytes: number;
  /** Bytes of push constants. */
  readonly maxPushConstantBytes: number;
  /** Invocations that run in lock step. */
  readonly subgroupSize: number;
  /** Processors that run workgroups (multiprocessors, compute units); 0 where the driver does not tell. */
  readonly processors: number;
  /** Flushes and invalidations of mapped memory are multiples of this. */
  readonly nonCoherentAtomBytes: number;
  /** Nanoseconds of one timestamp tick; 0 without timestamps. */
  readonly timestampPeriod: number;
  /** Bytes of the largest heap that is local to the device. */
  readonly heapBytes: number;
}

/** A Vulkan device of this machine. */
export interface Adapter {
  /** Position in the list, as the `adapter` option takes it. */
  readonly index: number;
  /** The driver's name for the device. */
  readonly name: string;
  /** What kind of device it is. */
  readonly type: AdapterType;
  /** True for a driver that computes on the CPU (lavapipe, SwiftShader). */
  readonly software: boolean;
  /** PCI vendor, or a Khronos vendor number. */
  readonly vendorId: number;
  /** Name of the driver. */
  readonly driverName: string;
  /** The driver's own version text. */
  readonly driverInfo: string;
  /** Vulkan version of the device. */
  readonly apiVersion: string;
  /** Limits. */
  readonly limits: AdapterLimits;
  /** Optional features by name, as kernels ask for them. */
  readonly features: AdapterFeatures;
  /** Shape of the float16 matrices that subgroups multiply together, in float32; null where there is none. */
  readonly cooperativeMatrix: MatrixShape | null;
  /** Identifies the device over restarts; 32 hexadecimal digits. */
  readonly uuid: string;
}

/** An adapter and what only the device layer needs. */
export interface AdapterRecord {
  /** The public part. */
  readonly adapter: Adapter;
  /** What makes a driver's pipeline cache valid. */
  readonly cache: Omit<CacheIdentity, "kernelHash">;
  /** `VkPhysicalDevice`, valid as long as its instance. */
  readonly handle: bigint;
  /** Memory types: property flags and heap. */
  readonly memoryTypes: readonly { readonly propertyFlags: number; readonly heapIndex: number }[];
  /** Bytes of each heap. */
  readonly heapBytes: readonly number[];
  /** Queue families: what they can, and how many bits of a timestamp are valid. */
  readonly queueFamilies: readonly {
    readonly queueFlags: number;
    readonly timestampValidBits: number;
  }[];
}

/**
 * Lists the Vulkan devices of this machine. Opens the Vulkan loader, and closes what it opened.
 *
 * @param options `library` names the Vulkan loader; it is searched for if omitted.
 * @returns The adapters in the driver's order.
 * @throws {LoaderError} If Vulkan is not installed, not permitted or has no driver.
 *
 * @example
 * ```ts
 * import { listAdapters } from "./adapter.ts";
 *
 * const names = listAdapters().map(({ name, type }) => `${name} (${type})`);
 * if (names.length === 0) throw new Error("an empty list is a LoaderError instead");
 * ```
 */
export function listAdapters(options?: { readonly library?: string }): Adapter[] {
  const given = checkOptionsObject("list adapters", options, ["library"]);
  const library = given["library"];
  if (library !== undefined && typeof library !== "string") {
    throw new TypeError(
      `Cannot list adapters: library is ${
        describe(library)
      }, expected the path of the Vulkan loader`,
    );
  }
  const vulkan = openVulkan({ library });
  const instance = new Instance(vulkan);
  try {
    holdDrivers(vulkan);
    return readAdapters(instance).map(({ adapter }) => adapter);
  } finally {
    instance.dispose();
  }
}

/**
 * Reads everything about every adapter.
 *
 * @param instance Where to look.
 * @returns One record for each, in the driver's order.
 * @throws {LoaderError} If there is none.
 */
export function readAdapters(instance: Instance): AdapterRecord[] {
  const { vulkan } = instance;
  const handles = enumerate(
    vulkan,
    "vkEnumeratePhysicalDevices",
    8,
    (count, items) => vulkan.commands.vkEnumeratePhysicalDevices(instance.handle, count, items),
    (slot, count) => Array.from({ length: count }, (_, i) => slot.getU64(i * 8)),
  );
  if (handles.length === 0) {
    throw noDriverError(
      vulkan.runtime.os,
      vulkan.path,
      "vkEnumeratePhysicalDevices lists 0 devices",
    );
  }
  return handles.map((handle, index) => readAdapter(vulkan, handle, index));
}

function readAdapter(vulkan: Vulkan, handle: bigint, index: number): AdapterRecord {
  const { arena, commands } = vulkan;
  return arena.scope(() => {
    const head = arena.struct(VkPhysicalDeviceProperties2);
    commands.vkGetPhysicalDeviceProperties2(handle, head.address);
    // The version says which structs may follow; one that the driver does not know would come back as zeros.
    const version = VkPhysicalDeviceProperties2.read(head).properties.apiVersion;
    const properties11 = arena.struct(VkPhysicalDeviceVulkan11Properties);
    const properties12 = arena.struct(VkPhysicalDeviceVulkan12Properties);
    const properties13 = arena.struct(VkPhysicalDeviceVulkan13Properties);
    const features = arena.struct(VkPhysicalDeviceFeatures2);
    const features11 = arena.struct(VkPhysicalDeviceVulkan11Features);
    const features12 = arena.struct(VkPhysicalDeviceVulkan12Features);
    const atLeast = (minor: number) => version >= ((1 << 22) | (minor << 12));
    const chained = !atLeast(2)
      ? []
      : [properties11, properties12, ...(atLeast(3) ? [properties13] : [])];
    if (atLeast(2)) {
      arena.chain(head, ...chained);
      arena.chain(features, features11, features12);
    }
    const matrices = arena.struct(VkPhysicalDeviceCooperativeMatrixFeaturesKHR);
    const nvidia = arena.struct(VkPhysicalDeviceShaderSMBuiltinsPropertiesNV);
    const amd = arena.struct(VkPhysicalDeviceShaderCoreProperties2AMD);
    const extensions = deviceExtensions(vulkan, handle);
    if (extensions.includes("VK_NV_shader_sm_builtins")) arena.chain(head, nvidia, ...chained);
    else if (extensions.includes("VK_AMD_shader_core_properties2")) {
      arena.chain(head, amd, ...chained);
    }
    if (atLeast(2) && extensions.includes(COOPERATIVE_MATRIX_EXTENSION)) {
      arena.chain(features, features11, features12, matrices);
    }
    commands.vkGetPhysicalDeviceProperties2(handle, head.address);
    commands.vkGetPhysicalDeviceFeatures2(handle, features.address);
    const memory = arena.struct(VkPhysicalDeviceMemoryProperties2);
    commands.vkGetPhysicalDeviceMemoryProperties2(handle, memory.address);

    const { properties } = VkPhysicalDeviceProperties2.read(head);
    const core11 = VkPhysicalDeviceVulkan11Properties.read(properties11);
    const core12 = VkPhysicalDeviceVulkan12Properties.read(properties12);
    const core13 = VkPhysicalDeviceVulkan13Properties.read(properties13);
    const { memoryProperties } = VkPhysicalDeviceMemoryProperties2.read(memory);
    const heaps = memoryProperties.memoryHeaps.slice(0, memoryProperties.memoryHeapCount);
    const heapBytes = heaps.map((heap) => Number(heap.size));
    const local = heaps.filter(({ flags }) => (flags & vk.VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) !== 0);
    const { limits } = properties;
    const flags = readFeatures(
      VkPhysicalDeviceFeatures2.read(features).features,
      VkPhysicalDeviceVulkan11Features.read(features11),
      VkPhysicalDeviceVulkan12Features.read(features12),
      core11,
      core12,
      VkPhysicalDeviceCooperativeMatrixFeaturesKHR.read(matrices),
    );
    const type = adapterType(properties.deviceType);
    const adapter: Adapter = {
      index,
      name: properties.deviceName,
      type,
      software: isSoftware(type, core12.driverID, properties.deviceName),
      vendorId: properties.vendorID,
      driverName: core12.driverName,
      driverInfo: core12.driverInfo,
      apiVersion: `${version >>> 22 & 0x7f}.${version >>> 12 & 0x3ff}.${version & 0xfff}`,
      limits: {
        maxStorageBufferRange: limits.maxStorageBufferRange,
        maxTexelBufferElements: limits.maxTexelBufferElements,
        maxBufferSize: clampSize(core13.maxBufferSize),
        maxMemoryAllocationSize: clampSize(core11.maxMemoryAllocationSize),
        maxMemoryAllocationCount: limits.maxMemoryAllocationCount,
        maxWorkgroupCount: triple(limits.maxComputeWorkGroupCount),
        maxWorkgroupSize: triple(limits.maxComputeWorkGroupSize),
        maxWorkgroupInvocations: limits.maxComputeWorkGroupInvocations,
        maxSharedMemoryBytes: limits.maxComputeSharedMemorySize,
        maxPushConstantBytes: limits.maxPushConstantsSize,
        subgroupSize: core11.subgroupSize,
        // The one that was not asked for is all zeros.
        processors: VkPhysicalDeviceShaderSMBuiltinsPropertiesNV.read(nvidia).shaderSMCount ||
          VkPhysicalDeviceShaderCoreProperties2AMD.read(amd).activeComputeUnitCount,
        nonCoherentAtomBytes: Number(limits.nonCoherentAtomSize),
        timestampPeriod: limits.timestampPeriod,
        heapBytes: Math.max(0, ...local.map(({ size }) => Number(size))),
      },
      features: flags,
      cooperativeMatrix: flags.cooperativeMatrix
        ? knownMatrixShape(core12.driverID, core11.subgroupSize)
        : null,
      uuid: Array.from(core11.deviceUUID, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    };
    return {
      adapter,
      cache: {
        vendorId: properties.vendorID,
        deviceId: properties.deviceID,
        driverVersion: properties.driverVersion,
        cacheUuid: properties.pipelineCacheUUID,
      },
      handle,
      memoryTypes: memoryProperties.memoryTypes.slice(0, memoryProperties.memoryTypeCount),
      heapBytes,
      queueFamilies: readQueueFamilies(vulkan, handle),
    };
  });
}

function readQueueFamilies(vulkan: Vulkan, handle: bigint): AdapterRecord["queueFamilies"] {
  const { arena, commands } = vulkan;
  const count = arena.allocate(4);
  commands.vkGetPhysicalDeviceQueueFamilyProperties2(handle, count.address, 0n);
  const families = arena.structs(VkQueueFamilyProperties2, count.getU32());
  commands.vkGetPhysicalDeviceQueueFamilyProperties2(handle, count.address, families.address);
  return Array.from({ length: count.getU32() }, (_, i) => {
    const family = VkQueueFamilyProperties2.read(families, i * VkQueueFamilyProperties2.byteLength);
    return family.queueFamilyProperties;
  });
}

function adapterType(deviceType: number): AdapterType {
  switch (deviceType) {
    case vk.VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete";
    case vk.VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated";
    case vk.VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual";
    case vk.VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "cpu";
    default:
      return "other";
  }
}

function isSoftware(type: AdapterType, driverId: number, name: string): boolean {
  return type === "cpu" || driverId === vk.VK_DRIVER_ID_MESA_LLVMPIPE ||
    driverId === vk.VK_DRIVER_ID_GOOGLE_SWIFTSHADER || /llvmpipe|lavapipe|swiftshader/i.test(name);
}

/** Sizes above 2^53 - 1 are no limit to a JavaScript number; 0 means that the driver does not say. */
function clampSize(value: bigint): number {
  const largest = BigInt(Number.MAX_SAFE_INTEGER);
  return value === 0n || value > largest ? Number.MAX_SAFE_INTEGER : Number(value);
}

function triple(values: readonly number[]): readonly [number, number, number] {
  return [values[0] ?? 0, values[1] ?? 0, values[2] ?? 0];
}
