// Optional features by the names that shaders/build.ts writes into `Program.requires`, and the structs that enable them.

import type { Arena } from "../../ffi/arena.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR,
  VkPhysicalDeviceFeatures2,
  VkPhysicalDeviceVulkan11Features,
  type VkPhysicalDeviceVulkan11Properties,
  VkPhysicalDeviceVulkan12Features,
  type VkPhysicalDeviceVulkan12Properties,
} from "../../ffi/vulkan/structs.ts";
import type { VkPhysicalDeviceFeatures } from "../../ffi/vulkan/structs.ts";

/** Which optional features an adapter has. */
export interface AdapterFeatures {
  /** Semaphores that count; this module needs them. */
  readonly timelineSemaphore: boolean;
  /** Kernels may read and write through 64-bit addresses. */
  readonly bufferDeviceAddress: boolean;
  /** Half-precision arithmetic. */
  readonly float16: boolean;
  /** Double-precision arithmetic. */
  readonly float64: boolean;
  /** 8-bit integer arithmetic. */
  readonly int8: boolean;
  /** 16-bit integer arithmetic. */
  readonly int16: boolean;
  /** 64-bit integer arithmetic. */
  readonly int64: boolean;
  /** 8-bit elements in storage buffers. */
  readonly storage8: boolean;
  /** 16-bit elements in storage buffers. */
  readonly storage16: boolean;
  /** Scalar layout of blocks. */
  readonly scalarBlockLayout: boolean;
  /** Stray accesses to buffers are clamped on demand. */
  readonly robustBufferAccess: boolean;
  /** The formal memory model. */
  readonly vulkanMemoryModel: boolean;
  /** Products of small matrices by whole subgroups. */
  readonly cooperativeMatrix: boolean;
  /** Float controls keep signed zeros, infinities and NaNs of float32. */
  readonly signedZeroInfNanPreserve: boolean;
  /** Election and barriers in subgroups. */
  readonly subgroupBasic: boolean;
  /** Votes in subgroups. */
  readonly subgroupVote: boolean;
  /** Reductions in subgroups. */
  readonly subgroupArithmetic: boolean;
  /** Ballots and broadcasts in subgroups. */
  readonly subgroupBallot: boolean;
  /** Shuffles in subgroups. */
  readonly subgroupShuffle: boolean;
  /** Relative shuffles in subgroups. */
  readonly subgroupShuffleRelative: boolean;
  /** Clustered reductions in subgroups. */
  readonly subgroupClustered: boolean;
  /** Quad operations in subgroups. */
  readonly subgroupQuad: boolean;
  /** All of these on 64-bit integers too. */
  readonly subgroupExtendedTypes: boolean;
}

/**
 * Translates Vulkan's features and properties.
 *
 * @param core Features of Vulkan 1.0.
 * @param features11 Features of Vulkan 1.1.
 * @param features12 Features of Vulkan 1.2.
 * @param properties11 Properties of Vulkan 1.1.
 * @param properties12 Properties of Vulkan 1.2.
 * @param matrices Features of VK_KHR_cooperative_matrix; all false where the device lacks it.
 * @returns The features by our names.
 */
export function readFeatures(
  core: VkPhysicalDeviceFeatures,
  features11: VkPhysicalDeviceVulkan11Features,
  features12: VkPhysicalDeviceVulkan12Features,
  properties11: VkPhysicalDeviceVulkan11Properties,
  properties12: VkPhysicalDeviceVulkan12Properties,
  matrices: VkPhysicalDeviceCooperativeMatrixFeaturesKHR,
): AdapterFeatures {
  const compute = (properties11.subgroupSupportedStages & vk.VK_SHADER_STAGE_COMPUTE_BIT) !== 0;
  const subgroup = (bit: number) =>
    compute && (properties11.subgroupSupportedOperations & bit) !== 0;
  return {
    timelineSemaphore: features12.timelineSemaphore,
    bufferDeviceAddress: features12.bufferDeviceAddress,
    float16: features12.shaderFloat16,
    float64: core.shaderFloat64,
    int8: features12.shaderInt8,
    int16: core.shaderInt16,
    int64: core.shaderInt64,
    storage8: features12.storageBuffer8BitAccess,
    storage16: features11.storageBuffer16BitAccess,
    scalarBlockLayout: features12.scalarBlockLayout,
    robustBufferAccess: core.robustBufferAccess,
    vulkanMemoryModel: features12.vulkanMemoryModel && features12.vulkanMemoryModelDeviceScope,
    cooperativeMatrix: matrices.cooperativeMatrix &&
      (properties11.subgroupSupportedStages & vk.VK_SHADER_STAGE_COMPUTE_BIT) !== 0,
    signedZeroInfNanPreserve: properties12.shaderSignedZeroInfNanPreserveFloat32,
    subgroupBasic: subgroup(vk.VK_SUBGROUP_FEATURE_BASIC_BIT),
    subgroupVote: subgroup(vk.VK_SUBGROUP_FEATURE_VOTE_BIT),
    subgroupArithmetic: subgroup(vk.VK_SUBGROUP_FEATURE_ARITHMETIC_BIT),
    subgroupBallot: subgroup(vk.VK_SUBGROUP_FEATURE_BALLOT_BIT),
    subgroupShuffle: subgroup(vk.VK_SUBGROUP_FEATURE_SHUFFLE_BIT),
    subgroupShuffleRelative: subgroup(vk.VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT),
    subgroupClustered: subgroup(vk.VK_SUBGROUP_FEATURE_CLUSTERED_BIT),
    subgroupQuad: subgroup(vk.VK_SUBGROUP_FEATURE_QUAD_BIT),
    subgroupExtendedTypes: features12.shaderSubgroupExtendedTypes,
  };
}

/**
 * Writes the structs that switch the features on.
 *
 * @param arena Where to write; the structs are temporaries.
 * @param features What the adapter has; everything in it that kernels may use is enabled.
 * @param validate Whether to clamp stray accesses.
 * @returns Address of the chain for `VkDeviceCreateInfo.pNext`.
 */
export function writeFeatures(arena: Arena, features: AdapterFeatures, validate: boolean): bigint {
  // Only a device with the extension may meet its struct.
  const matrices = !features.cooperativeMatrix
    ? []
    : [arena.struct(VkPhysicalDeviceCooperativeMatrixFeaturesKHR, { cooperativeMatrix: true })];
  return arena.chain(
    arena.struct(VkPhysicalDeviceFeatures2, {
      features: {
        robustBufferAccess: validate && features.robustBufferAccess,
        shaderFloat64: features.float64,
        shaderInt16: features.int16,
        shaderInt64: features.int64,
      },
    }),
    arena.struct(VkPhysicalDeviceVulkan11Features, {
      storageBuffer16BitAccess: features.storage16,
    }),
    arena.struct(VkPhysicalDeviceVulkan12Features, {
      timelineSemaphore: features.timelineSemaphore,
      bufferDeviceAddress: features.bufferDeviceAddress,
      shaderFloat16: features.float16,
      shaderInt8: features.int8,
      storageBuffer8BitAccess: features.storage8,
      scalarBlockLayout: features.scalarBlockLayout,
      shaderSubgroupExtendedTypes: features.subgroupExtendedTypes,
      // Together: with the model alone, atomics at device scope would be an error
      // (VUID-RuntimeSpirv-vulkanMemoryModel-06265).
      vulkanMemoryModel: features.vulkanMemoryModel,
      vulkanMemoryModelDeviceScope: features.vulkanMemoryModel,
    }),
    ...matrices,
  );
}
