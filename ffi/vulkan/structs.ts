// @generated from vk.xml 1.3.239 by ffi/generate.ts; allowlist-hash: 31e2fa4041d2b61c
// deno-fmt-ignore-file
// deno-lint-ignore-file
/** Vulkan's handles and struct layouts. Do not edit: change `allowlist.ts` and run `deno run -A ffi/generate.ts`. @module */

import { type Handle, StructLayout } from "../struct.ts";

/** Handle. */
export type VkBuffer = Handle<"VkBuffer">;
/** Handle. */
export type VkBufferView = Handle<"VkBufferView">;
/** Handle. */
export type VkCommandBuffer = Handle<"VkCommandBuffer">;
/** Handle. */
export type VkCommandPool = Handle<"VkCommandPool">;
/** Handle. */
export type VkDescriptorPool = Handle<"VkDescriptorPool">;
/** Handle. */
export type VkDescriptorSet = Handle<"VkDescriptorSet">;
/** Handle. */
export type VkDescriptorSetLayout = Handle<"VkDescriptorSetLayout">;
/** Handle. */
export type VkDescriptorUpdateTemplate = Handle<"VkDescriptorUpdateTemplate">;
/** Handle. */
export type VkDevice = Handle<"VkDevice">;
/** Handle. */
export type VkDeviceMemory = Handle<"VkDeviceMemory">;
/** Handle. */
export type VkFence = Handle<"VkFence">;
/** Handle. */
export type VkFramebuffer = Handle<"VkFramebuffer">;
/** Handle. */
export type VkImage = Handle<"VkImage">;
/** Handle. */
export type VkInstance = Handle<"VkInstance">;
/** Handle. */
export type VkPhysicalDevice = Handle<"VkPhysicalDevice">;
/** Handle. */
export type VkPipeline = Handle<"VkPipeline">;
/** Handle. */
export type VkPipelineCache = Handle<"VkPipelineCache">;
/** Handle. */
export type VkPipelineLayout = Handle<"VkPipelineLayout">;
/** Handle. */
export type VkQueryPool = Handle<"VkQueryPool">;
/** Handle. */
export type VkQueue = Handle<"VkQueue">;
/** Handle. */
export type VkRenderPass = Handle<"VkRenderPass">;
/** Handle. */
export type VkSemaphore = Handle<"VkSemaphore">;
/** Handle. */
export type VkShaderModule = Handle<"VkShaderModule">;

/** Fields of the C struct. */
export interface VkApplicationInfo {
  pNext: bigint;
  pApplicationName: bigint;
  applicationVersion: number;
  pEngineName: bigint;
  engineVersion: number;
  apiVersion: number;
}
/** Layout of the C struct. */
export const VkApplicationInfo: StructLayout<VkApplicationInfo> = new StructLayout<VkApplicationInfo>("VkApplicationInfo", 48, 8, 0, [
  ["pNext", "u64", 8], ["pApplicationName", "u64", 16], ["applicationVersion", "u32", 24],
  ["pEngineName", "u64", 32], ["engineVersion", "u32", 40], ["apiVersion", "u32", 44],
]);

/** Fields of the C struct. */
export interface VkInstanceCreateInfo {
  pNext: bigint;
  flags: number;
  pApplicationInfo: bigint;
  enabledLayerCount: number;
  ppEnabledLayerNames: bigint;
  enabledExtensionCount: number;
  ppEnabledExtensionNames: bigint;
}
/** Layout of the C struct. */
export const VkInstanceCreateInfo: StructLayout<VkInstanceCreateInfo> = new StructLayout<VkInstanceCreateInfo>("VkInstanceCreateInfo", 64, 8, 1, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["pApplicationInfo", "u64", 24], ["enabledLayerCount", "u32", 32],
  ["ppEnabledLayerNames", "u64", 40], ["enabledExtensionCount", "u32", 48],
  ["ppEnabledExtensionNames", "u64", 56],
]);

/** Fields of the C struct. */
export interface VkLayerProperties {
  layerName: string;
  specVersion: number;
  implementationVersion: number;
  description: string;
}
/** Layout of the C struct. */
export const VkLayerProperties: StructLayout<VkLayerProperties> = new StructLayout<VkLayerProperties>("VkLayerProperties", 520, 4, undefined, [
  ["layerName", "text", 0, 256], ["specVersion", "u32", 256], ["implementationVersion", "u32", 260],
  ["description", "text", 264, 256],
]);

/** Fields of the C struct. */
export interface VkExtensionProperties {
  extensionName: string;
  specVersion: number;
}
/** Layout of the C struct. */
export const VkExtensionProperties: StructLayout<VkExtensionProperties> = new StructLayout<VkExtensionProperties>("VkExtensionProperties", 260, 4, undefined, [
  ["extensionName", "text", 0, 256], ["specVersion", "u32", 256],
]);

/** Fields of the C struct. */
export interface VkValidationFeaturesEXT {
  pNext: bigint;
  enabledValidationFeatureCount: number;
  pEnabledValidationFeatures: bigint;
  disabledValidationFeatureCount: number;
  pDisabledValidationFeatures: bigint;
}
/** Layout of the C struct. */
export const VkValidationFeaturesEXT: StructLayout<VkValidationFeaturesEXT> = new StructLayout<VkValidationFeaturesEXT>("VkValidationFeaturesEXT", 48, 8, 1000247000, [
  ["pNext", "u64", 8], ["enabledValidationFeatureCount", "u32", 16], ["pEnabledValidationFeatures", "u64", 24],
  ["disabledValidationFeatureCount", "u32", 32], ["pDisabledValidationFeatures", "u64", 40],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceLimits {
  maxImageDimension1D: number;
  maxImageDimension2D: number;
  maxImageDimension3D: number;
  maxImageDimensionCube: number;
  maxImageArrayLayers: number;
  maxTexelBufferElements: number;
  maxUniformBufferRange: number;
  maxStorageBufferRange: number;
  maxPushConstantsSize: number;
  maxMemoryAllocationCount: number;
  maxSamplerAllocationCount: number;
  bufferImageGranularity: bigint;
  sparseAddressSpaceSize: bigint;
  maxBoundDescriptorSets: number;
  maxPerStageDescriptorSamplers: number;
  maxPerStageDescriptorUniformBuffers: number;
  maxPerStageDescriptorStorageBuffers: number;
  maxPerStageDescriptorSampledImages: number;
  maxPerStageDescriptorStorageImages: number;
  maxPerStageDescriptorInputAttachments: number;
  maxPerStageResources: number;
  maxDescriptorSetSamplers: number;
  maxDescriptorSetUniformBuffers: number;
  maxDescriptorSetUniformBuffersDynamic: number;
  maxDescriptorSetStorageBuffers: number;
  maxDescriptorSetStorageBuffersDynamic: number;
  maxDescriptorSetSampledImages: number;
  maxDescriptorSetStorageImages: number;
  maxDescriptorSetInputAttachments: number;
  maxVertexInputAttributes: number;
  maxVertexInputBindings: number;
  maxVertexInputAttributeOffset: number;
  maxVertexInputBindingStride: number;
  maxVertexOutputComponents: number;
  maxTessellationGenerationLevel: number;
  maxTessellationPatchSize: number;
  maxTessellationControlPerVertexInputComponents: number;
  maxTessellationControlPerVertexOutputComponents: number;
  maxTessellationControlPerPatchOutputComponents: number;
  maxTessellationControlTotalOutputComponents: number;
  maxTessellationEvaluationInputComponents: number;
  maxTessellationEvaluationOutputComponents: number;
  maxGeometryShaderInvocations: number;
  maxGeometryInputComponents: number;
  maxGeometryOutputComponents: number;
  maxGeometryOutputVertices: number;
  maxGeometryTotalOutputComponents: number;
  maxFragmentInputComponents: number;
  maxFragmentOutputAttachments: number;
  maxFragmentDualSrcAttachments: number;
  maxFragmentCombinedOutputResources: number;
  maxComputeSharedMemorySize: number;
  maxComputeWorkGroupCount: readonly number[];
  maxComputeWorkGroupInvocations: number;
  maxComputeWorkGroupSize: readonly number[];
  subPixelPrecisionBits: number;
  subTexelPrecisionBits: number;
  mipmapPrecisionBits: number;
  maxDrawIndexedIndexValue: number;
  maxDrawIndirectCount: number;
  maxSamplerLodBias: number;
  maxSamplerAnisotropy: number;
  maxViewports: number;
  maxViewportDimensions: readonly number[];
  viewportBoundsRange: readonly number[];
  viewportSubPixelBits: number;
  minMemoryMapAlignment: bigint;
  minTexelBufferOffsetAlignment: bigint;
  minUniformBufferOffsetAlignment: bigint;
  minStorageBufferOffsetAlignment: bigint;
  minTexelOffset: number;
  maxTexelOffset: number;
  minTexelGatherOffset: number;
  maxTexelGatherOffset: number;
  minInterpolationOffset: number;
  maxInterpolationOffset: number;
  subPixelInterpolationOffsetBits: number;
  maxFramebufferWidth: number;
  maxFramebufferHeight: number;
  maxFramebufferLayers: number;
  framebufferColorSampleCounts: number;
  framebufferDepthSampleCounts: number;
  framebufferStencilSampleCounts: number;
  framebufferNoAttachmentsSampleCounts: number;
  maxColorAttachments: number;
  sampledImageColorSampleCounts: number;
  sampledImageIntegerSampleCounts: number;
  sampledImageDepthSampleCounts: number;
  sampledImageStencilSampleCounts: number;
  storageImageSampleCounts: number;
  maxSampleMaskWords: number;
  timestampComputeAndGraphics: boolean;
  timestampPeriod: number;
  maxClipDistances: number;
  maxCullDistances: number;
  maxCombinedClipAndCullDistances: number;
  discreteQueuePriorities: number;
  pointSizeRange: readonly number[];
  lineWidthRange: readonly number[];
  pointSizeGranularity: number;
  lineWidthGranularity: number;
  strictLines: boolean;
  standardSampleLocations: boolean;
  optimalBufferCopyOffsetAlignment: bigint;
  optimalBufferCopyRowPitchAlignment: bigint;
  nonCoherentAtomSize: bigint;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceLimits: StructLayout<VkPhysicalDeviceLimits> = new StructLayout<VkPhysicalDeviceLimits>("VkPhysicalDeviceLimits", 504, 8, undefined, [
  ["maxImageDimension1D", "u32", 0], ["maxImageDimension2D", "u32", 4], ["maxImageDimension3D", "u32", 8],
  ["maxImageDimensionCube", "u32", 12], ["maxImageArrayLayers", "u32", 16],
  ["maxTexelBufferElements", "u32", 20], ["maxUniformBufferRange", "u32", 24],
  ["maxStorageBufferRange", "u32", 28], ["maxPushConstantsSize", "u32", 32],
  ["maxMemoryAllocationCount", "u32", 36], ["maxSamplerAllocationCount", "u32", 40],
  ["bufferImageGranularity", "u64", 48], ["sparseAddressSpaceSize", "u64", 56],
  ["maxBoundDescriptorSets", "u32", 64], ["maxPerStageDescriptorSamplers", "u32", 68],
  ["maxPerStageDescriptorUniformBuffers", "u32", 72], ["maxPerStageDescriptorStorageBuffers", "u32", 76],
  ["maxPerStageDescriptorSampledImages", "u32", 80], ["maxPerStageDescriptorStorageImages", "u32", 84],
  ["maxPerStageDescriptorInputAttachments", "u32", 88], ["maxPerStageResources", "u32", 92],
  ["maxDescriptorSetSamplers", "u32", 96], ["maxDescriptorSetUniformBuffers", "u32", 100],
  ["maxDescriptorSetUniformBuffersDynamic", "u32", 104], ["maxDescriptorSetStorageBuffers", "u32", 108],
  ["maxDescriptorSetStorageBuffersDynamic", "u32", 112], ["maxDescriptorSetSampledImages", "u32", 116],
  ["maxDescriptorSetStorageImages", "u32", 120], ["maxDescriptorSetInputAttachments", "u32", 124],
  ["maxVertexInputAttributes", "u32", 128], ["maxVertexInputBindings", "u32", 132],
  ["maxVertexInputAttributeOffset", "u32", 136], ["maxVertexInputBindingStride", "u32", 140],
  ["maxVertexOutputComponents", "u32", 144], ["maxTessellationGenerationLevel", "u32", 148],
  ["maxTessellationPatchSize", "u32", 152], ["maxTessellationControlPerVertexInputComponents", "u32", 156],
  ["maxTessellationControlPerVertexOutputComponents", "u32", 160],
  ["maxTessellationControlPerPatchOutputComponents", "u32", 164],
  ["maxTessellationControlTotalOutputComponents", "u32", 168],
  ["maxTessellationEvaluationInputComponents", "u32", 172],
  ["maxTessellationEvaluationOutputComponents", "u32", 176], ["maxGeometryShaderInvocations", "u32", 180],
  ["maxGeometryInputComponents", "u32", 184], ["maxGeometryOutputComponents", "u32", 188],
  ["maxGeometryOutputVertices", "u32", 192], ["maxGeometryTotalOutputComponents", "u32", 196],
  ["maxFragmentInputComponents", "u32", 200], ["maxFragmentOutputAttachments", "u32", 204],
  ["maxFragmentDualSrcAttachments", "u32", 208], ["maxFragmentCombinedOutputResources", "u32", 212],
  ["maxComputeSharedMemorySize", "u32", 216], ["maxComputeWorkGroupCount", "u32", 220, 3],
  ["maxComputeWorkGroupInvocations", "u32", 232], ["maxComputeWorkGroupSize", "u32", 236, 3],
  ["subPixelPrecisionBits", "u32", 248], ["subTexelPrecisionBits", "u32", 252],
  ["mipmapPrecisionBits", "u32", 256], ["maxDrawIndexedIndexValue", "u32", 260],
  ["maxDrawIndirectCount", "u32", 264], ["maxSamplerLodBias", "f32", 268],
  ["maxSamplerAnisotropy", "f32", 272], ["maxViewports", "u32", 276], ["maxViewportDimensions", "u32", 280, 2],
  ["viewportBoundsRange", "f32", 288, 2], ["viewportSubPixelBits", "u32", 296],
  ["minMemoryMapAlignment", "u64", 304], ["minTexelBufferOffsetAlignment", "u64", 312],
  ["minUniformBufferOffsetAlignment", "u64", 320], ["minStorageBufferOffsetAlignment", "u64", 328],
  ["minTexelOffset", "i32", 336], ["maxTexelOffset", "u32", 340], ["minTexelGatherOffset", "i32", 344],
  ["maxTexelGatherOffset", "u32", 348], ["minInterpolationOffset", "f32", 352],
  ["maxInterpolationOffset", "f32", 356], ["subPixelInterpolationOffsetBits", "u32", 360],
  ["maxFramebufferWidth", "u32", 364], ["maxFramebufferHeight", "u32", 368],
  ["maxFramebufferLayers", "u32", 372], ["framebufferColorSampleCounts", "u32", 376],
  ["framebufferDepthSampleCounts", "u32", 380], ["framebufferStencilSampleCounts", "u32", 384],
  ["framebufferNoAttachmentsSampleCounts", "u32", 388], ["maxColorAttachments", "u32", 392],
  ["sampledImageColorSampleCounts", "u32", 396], ["sampledImageIntegerSampleCounts", "u32", 400],
  ["sampledImageDepthSampleCounts", "u32", 404], ["sampledImageStencilSampleCounts", "u32", 408],
  ["storageImageSampleCounts", "u32", 412], ["maxSampleMaskWords", "u32", 416],
  ["timestampComputeAndGraphics", "bool32", 420], ["timestampPeriod", "f32", 424],
  ["maxClipDistances", "u32", 428], ["maxCullDistances", "u32", 432],
  ["maxCombinedClipAndCullDistances", "u32", 436], ["discreteQueuePriorities", "u32", 440],
  ["pointSizeRange", "f32", 444, 2], ["lineWidthRange", "f32", 452, 2], ["pointSizeGranularity", "f32", 460],
  ["lineWidthGranularity", "f32", 464], ["strictLines", "bool32", 468],
  ["standardSampleLocations", "bool32", 472], ["optimalBufferCopyOffsetAlignment", "u64", 480],
  ["optimalBufferCopyRowPitchAlignment", "u64", 488], ["nonCoherentAtomSize", "u64", 496],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceSparseProperties {
  residencyStandard2DBlockShape: boolean;
  residencyStandard2DMultisampleBlockShape: boolean;
  residencyStandard3DBlockShape: boolean;
  residencyAlignedMipSize: boolean;
  residencyNonResidentStrict: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceSparseProperties: StructLayout<VkPhysicalDeviceSparseProperties> = new StructLayout<VkPhysicalDeviceSparseProperties>("VkPhysicalDeviceSparseProperties", 20, 4, undefined, [
  ["residencyStandard2DBlockShape", "bool32", 0], ["residencyStandard2DMultisampleBlockShape", "bool32", 4],
  ["residencyStandard3DBlockShape", "bool32", 8], ["residencyAlignedMipSize", "bool32", 12],
  ["residencyNonResidentStrict", "bool32", 16],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceProperties {
  apiVersion: number;
  driverVersion: number;
  vendorID: number;
  deviceID: number;
  deviceType: number;
  deviceName: string;
  pipelineCacheUUID: Uint8Array;
  limits: VkPhysicalDeviceLimits;
  sparseProperties: VkPhysicalDeviceSparseProperties;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceProperties: StructLayout<VkPhysicalDeviceProperties> = new StructLayout<VkPhysicalDeviceProperties>("VkPhysicalDeviceProperties", 824, 8, undefined, [
  ["apiVersion", "u32", 0], ["driverVersion", "u32", 4], ["vendorID", "u32", 8], ["deviceID", "u32", 12],
  ["deviceType", "i32", 16], ["deviceName", "text", 20, 256], ["pipelineCacheUUID", "bytes", 276, 16],
  ["limits", VkPhysicalDeviceLimits, 296], ["sparseProperties", VkPhysicalDeviceSparseProperties, 800],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceProperties2 {
  pNext: bigint;
  properties: VkPhysicalDeviceProperties;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceProperties2: StructLayout<VkPhysicalDeviceProperties2> = new StructLayout<VkPhysicalDeviceProperties2>("VkPhysicalDeviceProperties2", 840, 8, 1000059001, [
  ["pNext", "u64", 8], ["properties", VkPhysicalDeviceProperties, 16],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceVulkan11Properties {
  pNext: bigint;
  deviceUUID: Uint8Array;
  driverUUID: Uint8Array;
  deviceLUID: Uint8Array;
  deviceNodeMask: number;
  deviceLUIDValid: boolean;
  subgroupSize: number;
  subgroupSupportedStages: number;
  subgroupSupportedOperations: number;
  subgroupQuadOperationsInAllStages: boolean;
  pointClippingBehavior: number;
  maxMultiviewViewCount: number;
  maxMultiviewInstanceIndex: number;
  protectedNoFault: boolean;
  maxPerSetDescriptors: number;
  maxMemoryAllocationSize: bigint;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceVulkan11Properties: StructLayout<VkPhysicalDeviceVulkan11Properties> = new StructLayout<VkPhysicalDeviceVulkan11Properties>("VkPhysicalDeviceVulkan11Properties", 112, 8, 50, [
  ["pNext", "u64", 8], ["deviceUUID", "bytes", 16, 16], ["driverUUID", "bytes", 32, 16],
  ["deviceLUID", "bytes", 48, 8], ["deviceNodeMask", "u32", 56], ["deviceLUIDValid", "bool32", 60],
  ["subgroupSize", "u32", 64], ["subgroupSupportedStages", "u32", 68],
  ["subgroupSupportedOperations", "u32", 72], ["subgroupQuadOperationsInAllStages", "bool32", 76],
  ["pointClippingBehavior", "i32", 80], ["maxMultiviewViewCount", "u32", 84],
  ["maxMultiviewInstanceIndex", "u32", 88], ["protectedNoFault", "bool32", 92],
  ["maxPerSetDescriptors", "u32", 96], ["maxMemoryAllocationSize", "u64", 104],
]);

/** Fields of the C struct. */
export interface VkConformanceVersion {
  major: number;
  minor: number;
  subminor: number;
  patch: number;
}
/** Layout of the C struct. */
export const VkConformanceVersion: StructLayout<VkConformanceVersion> = new StructLayout<VkConformanceVersion>("VkConformanceVersion", 4, 1, undefined, [
  ["major", "u8", 0], ["minor", "u8", 1], ["subminor", "u8", 2], ["patch", "u8", 3],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceVulkan12Properties {
  pNext: bigint;
  driverID: number;
  driverName: string;
  driverInfo: string;
  conformanceVersion: VkConformanceVersion;
  denormBehaviorIndependence: number;
  roundingModeIndependence: number;
  shaderSignedZeroInfNanPreserveFloat16: boolean;
  shaderSignedZeroInfNanPreserveFloat32: boolean;
  shaderSignedZeroInfNanPreserveFloat64: boolean;
  shaderDenormPreserveFloat16: boolean;
  shaderDenormPreserveFloat32: boolean;
  shaderDenormPreserveFloat64: boolean;
  shaderDenormFlushToZeroFloat16: boolean;
  shaderDenormFlushToZeroFloat32: boolean;
  shaderDenormFlushToZeroFloat64: boolean;
  shaderRoundingModeRTEFloat16: boolean;
  shaderRoundingModeRTEFloat32: boolean;
  shaderRoundingModeRTEFloat64: boolean;
  shaderRoundingModeRTZFloat16: boolean;
  shaderRoundingModeRTZFloat32: boolean;
  shaderRoundingModeRTZFloat64: boolean;
  maxUpdateAfterBindDescriptorsInAllPools: number;
  shaderUniformBufferArrayNonUniformIndexingNative: boolean;
  shaderSampledImageArrayNonUniformIndexingNative: boolean;
  shaderStorageBufferArrayNonUniformIndexingNative: boolean;
  shaderStorageImageArrayNonUniformIndexingNative: boolean;
  shaderInputAttachmentArrayNonUniformIndexingNative: boolean;
  robustBufferAccessUpdateAfterBind: boolean;
  quadDivergentImplicitLod: boolean;
  maxPerStageDescriptorUpdateAfterBindSamplers: number;
  maxPerStageDescriptorUpdateAfterBindUniformBuffers: number;
  maxPerStageDescriptorUpdateAfterBindStorageBuffers: number;
  maxPerStageDescriptorUpdateAfterBindSampledImages: number;
  maxPerStageDescriptorUpdateAfterBindStorageImages: number;
  maxPerStageDescriptorUpdateAfterBindInputAttachments: number;
  maxPerStageUpdateAfterBindResources: number;
  maxDescriptorSetUpdateAfterBindSamplers: number;
  maxDescriptorSetUpdateAfterBindUniformBuffers: number;
  maxDescriptorSetUpdateAfterBindUniformBuffersDynamic: number;
  maxDescriptorSetUpdateAfterBindStorageBuffers: number;
  maxDescriptorSetUpdateAfterBindStorageBuffersDynamic: number;
  maxDescriptorSetUpdateAfterBindSampledImages: number;
  maxDescriptorSetUpdateAfterBindStorageImages: number;
  maxDescriptorSetUpdateAfterBindInputAttachments: number;
  supportedDepthResolveModes: number;
  supportedStencilResolveModes: number;
  independentResolveNone: boolean;
  independentResolve: boolean;
  filterMinmaxSingleComponentFormats: boolean;
  filterMinmaxImageComponentMapping: boolean;
  maxTimelineSemaphoreValueDifference: bigint;
  framebufferIntegerColorSampleCounts: number;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceVulkan12Properties: StructLayout<VkPhysicalDeviceVulkan12Properties> = new StructLayout<VkPhysicalDeviceVulkan12Properties>("VkPhysicalDeviceVulkan12Properties", 736, 8, 52, [
  ["pNext", "u64", 8], ["driverID", "i32", 16], ["driverName", "text", 20, 256],
  ["driverInfo", "text", 276, 256], ["conformanceVersion", VkConformanceVersion, 532],
  ["denormBehaviorIndependence", "i32", 536], ["roundingModeIndependence", "i32", 540],
  ["shaderSignedZeroInfNanPreserveFloat16", "bool32", 544],
  ["shaderSignedZeroInfNanPreserveFloat32", "bool32", 548],
  ["shaderSignedZeroInfNanPreserveFloat64", "bool32", 552], ["shaderDenormPreserveFloat16", "bool32", 556],
  ["shaderDenormPreserveFloat32", "bool32", 560], ["shaderDenormPreserveFloat64", "bool32", 564],
  ["shaderDenormFlushToZeroFloat16", "bool32", 568], ["shaderDenormFlushToZeroFloat32", "bool32", 572],
  ["shaderDenormFlushToZeroFloat64", "bool32", 576], ["shaderRoundingModeRTEFloat16", "bool32", 580],
  ["shaderRoundingModeRTEFloat32", "bool32", 584], ["shaderRoundingModeRTEFloat64", "bool32", 588],
  ["shaderRoundingModeRTZFloat16", "bool32", 592], ["shaderRoundingModeRTZFloat32", "bool32", 596],
  ["shaderRoundingModeRTZFloat64", "bool32", 600], ["maxUpdateAfterBindDescriptorsInAllPools", "u32", 604],
  ["shaderUniformBufferArrayNonUniformIndexingNative", "bool32", 608],
  ["shaderSampledImageArrayNonUniformIndexingNative", "bool32", 612],
  ["shaderStorageBufferArrayNonUniformIndexingNative", "bool32", 616],
  ["shaderStorageImageArrayNonUniformIndexingNative", "bool32", 620],
  ["shaderInputAttachmentArrayNonUniformIndexingNative", "bool32", 624],
  ["robustBufferAccessUpdateAfterBind", "bool32", 628], ["quadDivergentImplicitLod", "bool32", 632],
  ["maxPerStageDescriptorUpdateAfterBindSamplers", "u32", 636],
  ["maxPerStageDescriptorUpdateAfterBindUniformBuffers", "u32", 640],
  ["maxPerStageDescriptorUpdateAfterBindStorageBuffers", "u32", 644],
  ["maxPerStageDescriptorUpdateAfterBindSampledImages", "u32", 648],
  ["maxPerStageDescriptorUpdateAfterBindStorageImages", "u32", 652],
  ["maxPerStageDescriptorUpdateAfterBindInputAttachments", "u32", 656],
  ["maxPerStageUpdateAfterBindResources", "u32", 660], ["maxDescriptorSetUpdateAfterBindSamplers", "u32", 664],
  ["maxDescriptorSetUpdateAfterBindUniformBuffers", "u32", 668],
  ["maxDescriptorSetUpdateAfterBindUniformBuffersDynamic", "u32", 672],
  ["maxDescriptorSetUpdateAfterBindStorageBuffers", "u32", 676],
  ["maxDescriptorSetUpdateAfterBindStorageBuffersDynamic", "u32", 680],
  ["maxDescriptorSetUpdateAfterBindSampledImages", "u32", 684],
  ["maxDescriptorSetUpdateAfterBindStorageImages", "u32", 688],
  ["maxDescriptorSetUpdateAfterBindInputAttachments", "u32", 692], ["supportedDepthResolveModes", "u32", 696],
  ["supportedStencilResolveModes", "u32", 700], ["independentResolveNone", "bool32", 704],
  ["independentResolve", "bool32", 708], ["filterMinmaxSingleComponentFormats", "bool32", 712],
  ["filterMinmaxImageComponentMapping", "bool32", 716], ["maxTimelineSemaphoreValueDifference", "u64", 720],
  ["framebufferIntegerColorSampleCounts", "u32", 728],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceVulkan13Properties {
  pNext: bigint;
  minSubgroupSize: number;
  maxSubgroupSize: number;
  maxComputeWorkgroupSubgroups: number;
  requiredSubgroupSizeStages: number;
  maxInlineUniformBlockSize: number;
  maxPerStageDescriptorInlineUniformBlocks: number;
  maxPerStageDescriptorUpdateAfterBindInlineUniformBlocks: number;
  maxDescriptorSetInlineUniformBlocks: number;
  maxDescriptorSetUpdateAfterBindInlineUniformBlocks: number;
  maxInlineUniformTotalSize: number;
  integerDotProduct8BitUnsignedAccelerated: boolean;
  integerDotProduct8BitSignedAccelerated: boolean;
  integerDotProduct8BitMixedSignednessAccelerated: boolean;
  integerDotProduct4x8BitPackedUnsignedAccelerated: boolean;
  integerDotProduct4x8BitPackedSignedAccelerated: boolean;
  integerDotProduct4x8BitPackedMixedSignednessAccelerated: boolean;
  integerDotProduct16BitUnsignedAccelerated: boolean;
  integerDotProduct16BitSignedAccelerated: boolean;
  integerDotProduct16BitMixedSignednessAccelerated: boolean;
  integerDotProduct32BitUnsignedAccelerated: boolean;
  integerDotProduct32BitSignedAccelerated: boolean;
  integerDotProduct32BitMixedSignednessAccelerated: boolean;
  integerDotProduct64BitUnsignedAccelerated: boolean;
  integerDotProduct64BitSignedAccelerated: boolean;
  integerDotProduct64BitMixedSignednessAccelerated: boolean;
  integerDotProductAccumulatingSaturating8BitUnsignedAccelerated: boolean;
  integerDotProductAccumulatingSaturating8BitSignedAccelerated: boolean;
  integerDotProductAccumulatingSaturating8BitMixedSignednessAccelerated: boolean;
  integerDotProductAccumulatingSaturating4x8BitPackedUnsignedAccelerated: boolean;
  integerDotProductAccumulatingSaturating4x8BitPackedSignedAccelerated: boolean;
  integerDotProductAccumulatingSaturating4x8BitPackedMixedSignednessAccelerated: boolean;
  integerDotProductAccumulatingSaturating16BitUnsignedAccelerated: boolean;
  integerDotProductAccumulatingSaturating16BitSignedAccelerated: boolean;
  integerDotProductAccumulatingSaturating16BitMixedSignednessAccelerated: boolean;
  integerDotProductAccumulatingSaturating32BitUnsignedAccelerated: boolean;
  integerDotProductAccumulatingSaturating32BitSignedAccelerated: boolean;
  integerDotProductAccumulatingSaturating32BitMixedSignednessAccelerated: boolean;
  integerDotProductAccumulatingSaturating64BitUnsignedAccelerated: boolean;
  integerDotProductAccumulatingSaturating64BitSignedAccelerated: boolean;
  integerDotProductAccumulatingSaturating64BitMixedSignednessAccelerated: boolean;
  storageTexelBufferOffsetAlignmentBytes: bigint;
  storageTexelBufferOffsetSingleTexelAlignment: boolean;
  uniformTexelBufferOffsetAlignmentBytes: bigint;
  uniformTexelBufferOffsetSingleTexelAlignment: boolean;
  maxBufferSize: bigint;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceVulkan13Properties: StructLayout<VkPhysicalDeviceVulkan13Properties> = new StructLayout<VkPhysicalDeviceVulkan13Properties>("VkPhysicalDeviceVulkan13Properties", 216, 8, 54, [
  ["pNext", "u64", 8], ["minSubgroupSize", "u32", 16], ["maxSubgroupSize", "u32", 20],
  ["maxComputeWorkgroupSubgroups", "u32", 24], ["requiredSubgroupSizeStages", "u32", 28],
  ["maxInlineUniformBlockSize", "u32", 32], ["maxPerStageDescriptorInlineUniformBlocks", "u32", 36],
  ["maxPerStageDescriptorUpdateAfterBindInlineUniformBlocks", "u32", 40],
  ["maxDescriptorSetInlineUniformBlocks", "u32", 44],
  ["maxDescriptorSetUpdateAfterBindInlineUniformBlocks", "u32", 48], ["maxInlineUniformTotalSize", "u32", 52],
  ["integerDotProduct8BitUnsignedAccelerated", "bool32", 56],
  ["integerDotProduct8BitSignedAccelerated", "bool32", 60],
  ["integerDotProduct8BitMixedSignednessAccelerated", "bool32", 64],
  ["integerDotProduct4x8BitPackedUnsignedAccelerated", "bool32", 68],
  ["integerDotProduct4x8BitPackedSignedAccelerated", "bool32", 72],
  ["integerDotProduct4x8BitPackedMixedSignednessAccelerated", "bool32", 76],
  ["integerDotProduct16BitUnsignedAccelerated", "bool32", 80],
  ["integerDotProduct16BitSignedAccelerated", "bool32", 84],
  ["integerDotProduct16BitMixedSignednessAccelerated", "bool32", 88],
  ["integerDotProduct32BitUnsignedAccelerated", "bool32", 92],
  ["integerDotProduct32BitSignedAccelerated", "bool32", 96],
  ["integerDotProduct32BitMixedSignednessAccelerated", "bool32", 100],
  ["integerDotProduct64BitUnsignedAccelerated", "bool32", 104],
  ["integerDotProduct64BitSignedAccelerated", "bool32", 108],
  ["integerDotProduct64BitMixedSignednessAccelerated", "bool32", 112],
  ["integerDotProductAccumulatingSaturating8BitUnsignedAccelerated", "bool32", 116],
  ["integerDotProductAccumulatingSaturating8BitSignedAccelerated", "bool32", 120],
  ["integerDotProductAccumulatingSaturating8BitMixedSignednessAccelerated", "bool32", 124],
  ["integerDotProductAccumulatingSaturating4x8BitPackedUnsignedAccelerated", "bool32", 128],
  ["integerDotProductAccumulatingSaturating4x8BitPackedSignedAccelerated", "bool32", 132],
  ["integerDotProductAccumulatingSaturating4x8BitPackedMixedSignednessAccelerated", "bool32", 136],
  ["integerDotProductAccumulatingSaturating16BitUnsignedAccelerated", "bool32", 140],
  ["integerDotProductAccumulatingSaturating16BitSignedAccelerated", "bool32", 144],
  ["integerDotProductAccumulatingSaturating16BitMixedSignednessAccelerated", "bool32", 148],
  ["integerDotProductAccumulatingSaturating32BitUnsignedAccelerated", "bool32", 152],
  ["integerDotProductAccumulatingSaturating32BitSignedAccelerated", "bool32", 156],
  ["integerDotProductAccumulatingSaturating32BitMixedSignednessAccelerated", "bool32", 160],
  ["integerDotProductAccumulatingSaturating64BitUnsignedAccelerated", "bool32", 164],
  ["integerDotProductAccumulatingSaturating64BitSignedAccelerated", "bool32", 168],
  ["integerDotProductAccumulatingSaturating64BitMixedSignednessAccelerated", "bool32", 172],
  ["storageTexelBufferOffsetAlignmentBytes", "u64", 176],
  ["storageTexelBufferOffsetSingleTexelAlignment", "bool32", 184],
  ["uniformTexelBufferOffsetAlignmentBytes", "u64", 192],
  ["uniformTexelBufferOffsetSingleTexelAlignment", "bool32", 200], ["maxBufferSize", "u64", 208],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceShaderSMBuiltinsPropertiesNV {
  pNext: bigint;
  shaderSMCount: number;
  shaderWarpsPerSM: number;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceShaderSMBuiltinsPropertiesNV: StructLayout<VkPhysicalDeviceShaderSMBuiltinsPropertiesNV> = new StructLayout<VkPhysicalDeviceShaderSMBuiltinsPropertiesNV>("VkPhysicalDeviceShaderSMBuiltinsPropertiesNV", 24, 8, 1000154001, [
  ["pNext", "u64", 8], ["shaderSMCount", "u32", 16], ["shaderWarpsPerSM", "u32", 20],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceShaderCoreProperties2AMD {
  pNext: bigint;
  shaderCoreFeatures: number;
  activeComputeUnitCount: number;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceShaderCoreProperties2AMD: StructLayout<VkPhysicalDeviceShaderCoreProperties2AMD> = new StructLayout<VkPhysicalDeviceShaderCoreProperties2AMD>("VkPhysicalDeviceShaderCoreProperties2AMD", 24, 8, 1000227000, [
  ["pNext", "u64", 8], ["shaderCoreFeatures", "u32", 16], ["activeComputeUnitCount", "u32", 20],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceDriverProperties {
  pNext: bigint;
  driverID: number;
  driverName: string;
  driverInfo: string;
  conformanceVersion: VkConformanceVersion;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceDriverProperties: StructLayout<VkPhysicalDeviceDriverProperties> = new StructLayout<VkPhysicalDeviceDriverProperties>("VkPhysicalDeviceDriverProperties", 536, 8, 1000196000, [
  ["pNext", "u64", 8], ["driverID", "i32", 16], ["driverName", "text", 20, 256],
  ["driverInfo", "text", 276, 256], ["conformanceVersion", VkConformanceVersion, 532],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceIDProperties {
  pNext: bigint;
  deviceUUID: Uint8Array;
  driverUUID: Uint8Array;
  deviceLUID: Uint8Array;
  deviceNodeMask: number;
  deviceLUIDValid: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceIDProperties: StructLayout<VkPhysicalDeviceIDProperties> = new StructLayout<VkPhysicalDeviceIDProperties>("VkPhysicalDeviceIDProperties", 64, 8, 1000071004, [
  ["pNext", "u64", 8], ["deviceUUID", "bytes", 16, 16], ["driverUUID", "bytes", 32, 16],
  ["deviceLUID", "bytes", 48, 8], ["deviceNodeMask", "u32", 56], ["deviceLUIDValid", "bool32", 60],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceSubgroupProperties {
  pNext: bigint;
  subgroupSize: number;
  supportedStages: number;
  supportedOperations: number;
  quadOperationsInAllStages: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceSubgroupProperties: StructLayout<VkPhysicalDeviceSubgroupProperties> = new StructLayout<VkPhysicalDeviceSubgroupProperties>("VkPhysicalDeviceSubgroupProperties", 32, 8, 1000094000, [
  ["pNext", "u64", 8], ["subgroupSize", "u32", 16], ["supportedStages", "u32", 20],
  ["supportedOperations", "u32", 24], ["quadOperationsInAllStages", "bool32", 28],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceSubgroupSizeControlProperties {
  pNext: bigint;
  minSubgroupSize: number;
  maxSubgroupSize: number;
  maxComputeWorkgroupSubgroups: number;
  requiredSubgroupSizeStages: number;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceSubgroupSizeControlProperties: StructLayout<VkPhysicalDeviceSubgroupSizeControlProperties> = new StructLayout<VkPhysicalDeviceSubgroupSizeControlProperties>("VkPhysicalDeviceSubgroupSizeControlProperties", 32, 8, 1000225000, [
  ["pNext", "u64", 8], ["minSubgroupSize", "u32", 16], ["maxSubgroupSize", "u32", 20],
  ["maxComputeWorkgroupSubgroups", "u32", 24], ["requiredSubgroupSizeStages", "u32", 28],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceMaintenance3Properties {
  pNext: bigint;
  maxPerSetDescriptors: number;
  maxMemoryAllocationSize: bigint;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceMaintenance3Properties: StructLayout<VkPhysicalDeviceMaintenance3Properties> = new StructLayout<VkPhysicalDeviceMaintenance3Properties>("VkPhysicalDeviceMaintenance3Properties", 32, 8, 1000168000, [
  ["pNext", "u64", 8], ["maxPerSetDescriptors", "u32", 16], ["maxMemoryAllocationSize", "u64", 24],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceTimelineSemaphoreProperties {
  pNext: bigint;
  maxTimelineSemaphoreValueDifference: bigint;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceTimelineSemaphoreProperties: StructLayout<VkPhysicalDeviceTimelineSemaphoreProperties> = new StructLayout<VkPhysicalDeviceTimelineSemaphoreProperties>("VkPhysicalDeviceTimelineSemaphoreProperties", 24, 8, 1000207001, [
  ["pNext", "u64", 8], ["maxTimelineSemaphoreValueDifference", "u64", 16],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceRobustness2PropertiesEXT {
  pNext: bigint;
  robustStorageBufferAccessSizeAlignment: bigint;
  robustUniformBufferAccessSizeAlignment: bigint;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceRobustness2PropertiesEXT: StructLayout<VkPhysicalDeviceRobustness2PropertiesEXT> = new StructLayout<VkPhysicalDeviceRobustness2PropertiesEXT>("VkPhysicalDeviceRobustness2PropertiesEXT", 32, 8, 1000286001, [
  ["pNext", "u64", 8], ["robustStorageBufferAccessSizeAlignment", "u64", 16],
  ["robustUniformBufferAccessSizeAlignment", "u64", 24],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceExternalMemoryHostPropertiesEXT {
  pNext: bigint;
  minImportedHostPointerAlignment: bigint;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceExternalMemoryHostPropertiesEXT: StructLayout<VkPhysicalDeviceExternalMemoryHostPropertiesEXT> = new StructLayout<VkPhysicalDeviceExternalMemoryHostPropertiesEXT>("VkPhysicalDeviceExternalMemoryHostPropertiesEXT", 24, 8, 1000178002, [
  ["pNext", "u64", 8], ["minImportedHostPointerAlignment", "u64", 16],
]);

/** Fields of the C struct. */
export interface VkPhysicalDevicePCIBusInfoPropertiesEXT {
  pNext: bigint;
  pciDomain: number;
  pciBus: number;
  pciDevice: number;
  pciFunction: number;
}
/** Layout of the C struct. */
export const VkPhysicalDevicePCIBusInfoPropertiesEXT: StructLayout<VkPhysicalDevicePCIBusInfoPropertiesEXT> = new StructLayout<VkPhysicalDevicePCIBusInfoPropertiesEXT>("VkPhysicalDevicePCIBusInfoPropertiesEXT", 32, 8, 1000212000, [
  ["pNext", "u64", 8], ["pciDomain", "u32", 16], ["pciBus", "u32", 20], ["pciDevice", "u32", 24],
  ["pciFunction", "u32", 28],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceTexelBufferAlignmentProperties {
  pNext: bigint;
  storageTexelBufferOffsetAlignmentBytes: bigint;
  storageTexelBufferOffsetSingleTexelAlignment: boolean;
  uniformTexelBufferOffsetAlignmentBytes: bigint;
  uniformTexelBufferOffsetSingleTexelAlignment: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceTexelBufferAlignmentProperties: StructLayout<VkPhysicalDeviceTexelBufferAlignmentProperties> = new StructLayout<VkPhysicalDeviceTexelBufferAlignmentProperties>("VkPhysicalDeviceTexelBufferAlignmentProperties", 48, 8, 1000281001, [
  ["pNext", "u64", 8], ["storageTexelBufferOffsetAlignmentBytes", "u64", 16],
  ["storageTexelBufferOffsetSingleTexelAlignment", "bool32", 24],
  ["uniformTexelBufferOffsetAlignmentBytes", "u64", 32],
  ["uniformTexelBufferOffsetSingleTexelAlignment", "bool32", 40],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceFeatures {
  robustBufferAccess: boolean;
  fullDrawIndexUint32: boolean;
  imageCubeArray: boolean;
  independentBlend: boolean;
  geometryShader: boolean;
  tessellationShader: boolean;
  sampleRateShading: boolean;
  dualSrcBlend: boolean;
  logicOp: boolean;
  multiDrawIndirect: boolean;
  drawIndirectFirstInstance: boolean;
  depthClamp: boolean;
  depthBiasClamp: boolean;
  fillModeNonSolid: boolean;
  depthBounds: boolean;
  wideLines: boolean;
  largePoints: boolean;
  alphaToOne: boolean;
  multiViewport: boolean;
  samplerAnisotropy: boolean;
  textureCompressionETC2: boolean;
  textureCompressionASTC_LDR: boolean;
  textureCompressionBC: boolean;
  occlusionQueryPrecise: boolean;
  pipelineStatisticsQuery: boolean;
  vertexPipelineStoresAndAtomics: boolean;
  fragmentStoresAndAtomics: boolean;
  shaderTessellationAndGeometryPointSize: boolean;
  shaderImageGatherExtended: boolean;
  shaderStorageImageExtendedFormats: boolean;
  shaderStorageImageMultisample: boolean;
  shaderStorageImageReadWithoutFormat: boolean;
  shaderStorageImageWriteWithoutFormat: boolean;
  shaderUniformBufferArrayDynamicIndexing: boolean;
  shaderSampledImageArrayDynamicIndexing: boolean;
  shaderStorageBufferArrayDynamicIndexing: boolean;
  shaderStorageImageArrayDynamicIndexing: boolean;
  shaderClipDistance: boolean;
  shaderCullDistance: boolean;
  shaderFloat64: boolean;
  shaderInt64: boolean;
  shaderInt16: boolean;
  shaderResourceResidency: boolean;
  shaderResourceMinLod: boolean;
  sparseBinding: boolean;
  sparseResidencyBuffer: boolean;
  sparseResidencyImage2D: boolean;
  sparseResidencyImage3D: boolean;
  sparseResidency2Samples: boolean;
  sparseResidency4Samples: boolean;
  sparseResidency8Samples: boolean;
  sparseResidency16Samples: boolean;
  sparseResidencyAliased: boolean;
  variableMultisampleRate: boolean;
  inheritedQueries: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceFeatures: StructLayout<VkPhysicalDeviceFeatures> = new StructLayout<VkPhysicalDeviceFeatures>("VkPhysicalDeviceFeatures", 220, 4, undefined, [
  ["robustBufferAccess", "bool32", 0], ["fullDrawIndexUint32", "bool32", 4], ["imageCubeArray", "bool32", 8],
  ["independentBlend", "bool32", 12], ["geometryShader", "bool32", 16], ["tessellationShader", "bool32", 20],
  ["sampleRateShading", "bool32", 24], ["dualSrcBlend", "bool32", 28], ["logicOp", "bool32", 32],
  ["multiDrawIndirect", "bool32", 36], ["drawIndirectFirstInstance", "bool32", 40],
  ["depthClamp", "bool32", 44], ["depthBiasClamp", "bool32", 48], ["fillModeNonSolid", "bool32", 52],
  ["depthBounds", "bool32", 56], ["wideLines", "bool32", 60], ["largePoints", "bool32", 64],
  ["alphaToOne", "bool32", 68], ["multiViewport", "bool32", 72], ["samplerAnisotropy", "bool32", 76],
  ["textureCompressionETC2", "bool32", 80], ["textureCompressionASTC_LDR", "bool32", 84],
  ["textureCompressionBC", "bool32", 88], ["occlusionQueryPrecise", "bool32", 92],
  ["pipelineStatisticsQuery", "bool32", 96], ["vertexPipelineStoresAndAtomics", "bool32", 100],
  ["fragmentStoresAndAtomics", "bool32", 104], ["shaderTessellationAndGeometryPointSize", "bool32", 108],
  ["shaderImageGatherExtended", "bool32", 112], ["shaderStorageImageExtendedFormats", "bool32", 116],
  ["shaderStorageImageMultisample", "bool32", 120], ["shaderStorageImageReadWithoutFormat", "bool32", 124],
  ["shaderStorageImageWriteWithoutFormat", "bool32", 128],
  ["shaderUniformBufferArrayDynamicIndexing", "bool32", 132],
  ["shaderSampledImageArrayDynamicIndexing", "bool32", 136],
  ["shaderStorageBufferArrayDynamicIndexing", "bool32", 140],
  ["shaderStorageImageArrayDynamicIndexing", "bool32", 144], ["shaderClipDistance", "bool32", 148],
  ["shaderCullDistance", "bool32", 152], ["shaderFloat64", "bool32", 156], ["shaderInt64", "bool32", 160],
  ["shaderInt16", "bool32", 164], ["shaderResourceResidency", "bool32", 168],
  ["shaderResourceMinLod", "bool32", 172], ["sparseBinding", "bool32", 176],
  ["sparseResidencyBuffer", "bool32", 180], ["sparseResidencyImage2D", "bool32", 184],
  ["sparseResidencyImage3D", "bool32", 188], ["sparseResidency2Samples", "bool32", 192],
  ["sparseResidency4Samples", "bool32", 196], ["sparseResidency8Samples", "bool32", 200],
  ["sparseResidency16Samples", "bool32", 204], ["sparseResidencyAliased", "bool32", 208],
  ["variableMultisampleRate", "bool32", 212], ["inheritedQueries", "bool32", 216],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceFeatures2 {
  pNext: bigint;
  features: VkPhysicalDeviceFeatures;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceFeatures2: StructLayout<VkPhysicalDeviceFeatures2> = new StructLayout<VkPhysicalDeviceFeatures2>("VkPhysicalDeviceFeatures2", 240, 8, 1000059000, [
  ["pNext", "u64", 8], ["features", VkPhysicalDeviceFeatures, 16],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceVulkan11Features {
  pNext: bigint;
  storageBuffer16BitAccess: boolean;
  uniformAndStorageBuffer16BitAccess: boolean;
  storagePushConstant16: boolean;
  storageInputOutput16: boolean;
  multiview: boolean;
  multiviewGeometryShader: boolean;
  multiviewTessellationShader: boolean;
  variablePointersStorageBuffer: boolean;
  variablePointers: boolean;
  protectedMemory: boolean;
  samplerYcbcrConversion: boolean;
  shaderDrawParameters: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceVulkan11Features: StructLayout<VkPhysicalDeviceVulkan11Features> = new StructLayout<VkPhysicalDeviceVulkan11Features>("VkPhysicalDeviceVulkan11Features", 64, 8, 49, [
  ["pNext", "u64", 8], ["storageBuffer16BitAccess", "bool32", 16],
  ["uniformAndStorageBuffer16BitAccess", "bool32", 20], ["storagePushConstant16", "bool32", 24],
  ["storageInputOutput16", "bool32", 28], ["multiview", "bool32", 32],
  ["multiviewGeometryShader", "bool32", 36], ["multiviewTessellationShader", "bool32", 40],
  ["variablePointersStorageBuffer", "bool32", 44], ["variablePointers", "bool32", 48],
  ["protectedMemory", "bool32", 52], ["samplerYcbcrConversion", "bool32", 56],
  ["shaderDrawParameters", "bool32", 60],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceVulkan12Features {
  pNext: bigint;
  samplerMirrorClampToEdge: boolean;
  drawIndirectCount: boolean;
  storageBuffer8BitAccess: boolean;
  uniformAndStorageBuffer8BitAccess: boolean;
  storagePushConstant8: boolean;
  shaderBufferInt64Atomics: boolean;
  shaderSharedInt64Atomics: boolean;
  shaderFloat16: boolean;
  shaderInt8: boolean;
  descriptorIndexing: boolean;
  shaderInputAttachmentArrayDynamicIndexing: boolean;
  shaderUniformTexelBufferArrayDynamicIndexing: boolean;
  shaderStorageTexelBufferArrayDynamicIndexing: boolean;
  shaderUniformBufferArrayNonUniformIndexing: boolean;
  shaderSampledImageArrayNonUniformIndexing: boolean;
  shaderStorageBufferArrayNonUniformIndexing: boolean;
  shaderStorageImageArrayNonUniformIndexing: boolean;
  shaderInputAttachmentArrayNonUniformIndexing: boolean;
  shaderUniformTexelBufferArrayNonUniformIndexing: boolean;
  shaderStorageTexelBufferArrayNonUniformIndexing: boolean;
  descriptorBindingUniformBufferUpdateAfterBind: boolean;
  descriptorBindingSampledImageUpdateAfterBind: boolean;
  descriptorBindingStorageImageUpdateAfterBind: boolean;
  descriptorBindingStorageBufferUpdateAfterBind: boolean;
  descriptorBindingUniformTexelBufferUpdateAfterBind: boolean;
  descriptorBindingStorageTexelBufferUpdateAfterBind: boolean;
  descriptorBindingUpdateUnusedWhilePending: boolean;
  descriptorBindingPartiallyBound: boolean;
  descriptorBindingVariableDescriptorCount: boolean;
  runtimeDescriptorArray: boolean;
  samplerFilterMinmax: boolean;
  scalarBlockLayout: boolean;
  imagelessFramebuffer: boolean;
  uniformBufferStandardLayout: boolean;
  shaderSubgroupExtendedTypes: boolean;
  separateDepthStencilLayouts: boolean;
  hostQueryReset: boolean;
  timelineSemaphore: boolean;
  bufferDeviceAddress: boolean;
  bufferDeviceAddressCaptureReplay: boolean;
  bufferDeviceAddressMultiDevice: boolean;
  vulkanMemoryModel: boolean;
  vulkanMemoryModelDeviceScope: boolean;
  vulkanMemoryModelAvailabilityVisibilityChains: boolean;
  shaderOutputViewportIndex: boolean;
  shaderOutputLayer: boolean;
  subgroupBroadcastDynamicId: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceVulkan12Features: StructLayout<VkPhysicalDeviceVulkan12Features> = new StructLayout<VkPhysicalDeviceVulkan12Features>("VkPhysicalDeviceVulkan12Features", 208, 8, 51, [
  ["pNext", "u64", 8], ["samplerMirrorClampToEdge", "bool32", 16], ["drawIndirectCount", "bool32", 20],
  ["storageBuffer8BitAccess", "bool32", 24], ["uniformAndStorageBuffer8BitAccess", "bool32", 28],
  ["storagePushConstant8", "bool32", 32], ["shaderBufferInt64Atomics", "bool32", 36],
  ["shaderSharedInt64Atomics", "bool32", 40], ["shaderFloat16", "bool32", 44], ["shaderInt8", "bool32", 48],
  ["descriptorIndexing", "bool32", 52], ["shaderInputAttachmentArrayDynamicIndexing", "bool32", 56],
  ["shaderUniformTexelBufferArrayDynamicIndexing", "bool32", 60],
  ["shaderStorageTexelBufferArrayDynamicIndexing", "bool32", 64],
  ["shaderUniformBufferArrayNonUniformIndexing", "bool32", 68],
  ["shaderSampledImageArrayNonUniformIndexing", "bool32", 72],
  ["shaderStorageBufferArrayNonUniformIndexing", "bool32", 76],
  ["shaderStorageImageArrayNonUniformIndexing", "bool32", 80],
  ["shaderInputAttachmentArrayNonUniformIndexing", "bool32", 84],
  ["shaderUniformTexelBufferArrayNonUniformIndexing", "bool32", 88],
  ["shaderStorageTexelBufferArrayNonUniformIndexing", "bool32", 92],
  ["descriptorBindingUniformBufferUpdateAfterBind", "bool32", 96],
  ["descriptorBindingSampledImageUpdateAfterBind", "bool32", 100],
  ["descriptorBindingStorageImageUpdateAfterBind", "bool32", 104],
  ["descriptorBindingStorageBufferUpdateAfterBind", "bool32", 108],
  ["descriptorBindingUniformTexelBufferUpdateAfterBind", "bool32", 112],
  ["descriptorBindingStorageTexelBufferUpdateAfterBind", "bool32", 116],
  ["descriptorBindingUpdateUnusedWhilePending", "bool32", 120],
  ["descriptorBindingPartiallyBound", "bool32", 124],
  ["descriptorBindingVariableDescriptorCount", "bool32", 128], ["runtimeDescriptorArray", "bool32", 132],
  ["samplerFilterMinmax", "bool32", 136], ["scalarBlockLayout", "bool32", 140],
  ["imagelessFramebuffer", "bool32", 144], ["uniformBufferStandardLayout", "bool32", 148],
  ["shaderSubgroupExtendedTypes", "bool32", 152], ["separateDepthStencilLayouts", "bool32", 156],
  ["hostQueryReset", "bool32", 160], ["timelineSemaphore", "bool32", 164],
  ["bufferDeviceAddress", "bool32", 168], ["bufferDeviceAddressCaptureReplay", "bool32", 172],
  ["bufferDeviceAddressMultiDevice", "bool32", 176], ["vulkanMemoryModel", "bool32", 180],
  ["vulkanMemoryModelDeviceScope", "bool32", 184],
  ["vulkanMemoryModelAvailabilityVisibilityChains", "bool32", 188],
  ["shaderOutputViewportIndex", "bool32", 192], ["shaderOutputLayer", "bool32", 196],
  ["subgroupBroadcastDynamicId", "bool32", 200],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceVulkan13Features {
  pNext: bigint;
  robustImageAccess: boolean;
  inlineUniformBlock: boolean;
  descriptorBindingInlineUniformBlockUpdateAfterBind: boolean;
  pipelineCreationCacheControl: boolean;
  privateData: boolean;
  shaderDemoteToHelperInvocation: boolean;
  shaderTerminateInvocation: boolean;
  subgroupSizeControl: boolean;
  computeFullSubgroups: boolean;
  synchronization2: boolean;
  textureCompressionASTC_HDR: boolean;
  shaderZeroInitializeWorkgroupMemory: boolean;
  dynamicRendering: boolean;
  shaderIntegerDotProduct: boolean;
  maintenance4: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceVulkan13Features: StructLayout<VkPhysicalDeviceVulkan13Features> = new StructLayout<VkPhysicalDeviceVulkan13Features>("VkPhysicalDeviceVulkan13Features", 80, 8, 53, [
  ["pNext", "u64", 8], ["robustImageAccess", "bool32", 16], ["inlineUniformBlock", "bool32", 20],
  ["descriptorBindingInlineUniformBlockUpdateAfterBind", "bool32", 24],
  ["pipelineCreationCacheControl", "bool32", 28], ["privateData", "bool32", 32],
  ["shaderDemoteToHelperInvocation", "bool32", 36], ["shaderTerminateInvocation", "bool32", 40],
  ["subgroupSizeControl", "bool32", 44], ["computeFullSubgroups", "bool32", 48],
  ["synchronization2", "bool32", 52], ["textureCompressionASTC_HDR", "bool32", 56],
  ["shaderZeroInitializeWorkgroupMemory", "bool32", 60], ["dynamicRendering", "bool32", 64],
  ["shaderIntegerDotProduct", "bool32", 68], ["maintenance4", "bool32", 72],
]);

/** Fields of the C struct. */
export interface VkPhysicalDevice16BitStorageFeatures {
  pNext: bigint;
  storageBuffer16BitAccess: boolean;
  uniformAndStorageBuffer16BitAccess: boolean;
  storagePushConstant16: boolean;
  storageInputOutput16: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDevice16BitStorageFeatures: StructLayout<VkPhysicalDevice16BitStorageFeatures> = new StructLayout<VkPhysicalDevice16BitStorageFeatures>("VkPhysicalDevice16BitStorageFeatures", 32, 8, 1000083000, [
  ["pNext", "u64", 8], ["storageBuffer16BitAccess", "bool32", 16],
  ["uniformAndStorageBuffer16BitAccess", "bool32", 20], ["storagePushConstant16", "bool32", 24],
  ["storageInputOutput16", "bool32", 28],
]);

/** Fields of the C struct. */
export interface VkPhysicalDevice8BitStorageFeatures {
  pNext: bigint;
  storageBuffer8BitAccess: boolean;
  uniformAndStorageBuffer8BitAccess: boolean;
  storagePushConstant8: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDevice8BitStorageFeatures: StructLayout<VkPhysicalDevice8BitStorageFeatures> = new StructLayout<VkPhysicalDevice8BitStorageFeatures>("VkPhysicalDevice8BitStorageFeatures", 32, 8, 1000177000, [
  ["pNext", "u64", 8], ["storageBuffer8BitAccess", "bool32", 16],
  ["uniformAndStorageBuffer8BitAccess", "bool32", 20], ["storagePushConstant8", "bool32", 24],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceShaderFloat16Int8Features {
  pNext: bigint;
  shaderFloat16: boolean;
  shaderInt8: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceShaderFloat16Int8Features: StructLayout<VkPhysicalDeviceShaderFloat16Int8Features> = new StructLayout<VkPhysicalDeviceShaderFloat16Int8Features>("VkPhysicalDeviceShaderFloat16Int8Features", 24, 8, 1000082000, [
  ["pNext", "u64", 8], ["shaderFloat16", "bool32", 16], ["shaderInt8", "bool32", 20],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceTimelineSemaphoreFeatures {
  pNext: bigint;
  timelineSemaphore: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceTimelineSemaphoreFeatures: StructLayout<VkPhysicalDeviceTimelineSemaphoreFeatures> = new StructLayout<VkPhysicalDeviceTimelineSemaphoreFeatures>("VkPhysicalDeviceTimelineSemaphoreFeatures", 24, 8, 1000207000, [
  ["pNext", "u64", 8], ["timelineSemaphore", "bool32", 16],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceBufferDeviceAddressFeatures {
  pNext: bigint;
  bufferDeviceAddress: boolean;
  bufferDeviceAddressCaptureReplay: boolean;
  bufferDeviceAddressMultiDevice: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceBufferDeviceAddressFeatures: StructLayout<VkPhysicalDeviceBufferDeviceAddressFeatures> = new StructLayout<VkPhysicalDeviceBufferDeviceAddressFeatures>("VkPhysicalDeviceBufferDeviceAddressFeatures", 32, 8, 1000257000, [
  ["pNext", "u64", 8], ["bufferDeviceAddress", "bool32", 16],
  ["bufferDeviceAddressCaptureReplay", "bool32", 20], ["bufferDeviceAddressMultiDevice", "bool32", 24],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceSubgroupSizeControlFeatures {
  pNext: bigint;
  subgroupSizeControl: boolean;
  computeFullSubgroups: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceSubgroupSizeControlFeatures: StructLayout<VkPhysicalDeviceSubgroupSizeControlFeatures> = new StructLayout<VkPhysicalDeviceSubgroupSizeControlFeatures>("VkPhysicalDeviceSubgroupSizeControlFeatures", 24, 8, 1000225002, [
  ["pNext", "u64", 8], ["subgroupSizeControl", "bool32", 16], ["computeFullSubgroups", "bool32", 20],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceRobustness2FeaturesEXT {
  pNext: bigint;
  robustBufferAccess2: boolean;
  robustImageAccess2: boolean;
  nullDescriptor: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceRobustness2FeaturesEXT: StructLayout<VkPhysicalDeviceRobustness2FeaturesEXT> = new StructLayout<VkPhysicalDeviceRobustness2FeaturesEXT>("VkPhysicalDeviceRobustness2FeaturesEXT", 32, 8, 1000286000, [
  ["pNext", "u64", 8], ["robustBufferAccess2", "bool32", 16], ["robustImageAccess2", "bool32", 20],
  ["nullDescriptor", "bool32", 24],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceShaderAtomicFloatFeaturesEXT {
  pNext: bigint;
  shaderBufferFloat32Atomics: boolean;
  shaderBufferFloat32AtomicAdd: boolean;
  shaderBufferFloat64Atomics: boolean;
  shaderBufferFloat64AtomicAdd: boolean;
  shaderSharedFloat32Atomics: boolean;
  shaderSharedFloat32AtomicAdd: boolean;
  shaderSharedFloat64Atomics: boolean;
  shaderSharedFloat64AtomicAdd: boolean;
  shaderImageFloat32Atomics: boolean;
  shaderImageFloat32AtomicAdd: boolean;
  sparseImageFloat32Atomics: boolean;
  sparseImageFloat32AtomicAdd: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceShaderAtomicFloatFeaturesEXT: StructLayout<VkPhysicalDeviceShaderAtomicFloatFeaturesEXT> = new StructLayout<VkPhysicalDeviceShaderAtomicFloatFeaturesEXT>("VkPhysicalDeviceShaderAtomicFloatFeaturesEXT", 64, 8, 1000260000, [
  ["pNext", "u64", 8], ["shaderBufferFloat32Atomics", "bool32", 16],
  ["shaderBufferFloat32AtomicAdd", "bool32", 20], ["shaderBufferFloat64Atomics", "bool32", 24],
  ["shaderBufferFloat64AtomicAdd", "bool32", 28], ["shaderSharedFloat32Atomics", "bool32", 32],
  ["shaderSharedFloat32AtomicAdd", "bool32", 36], ["shaderSharedFloat64Atomics", "bool32", 40],
  ["shaderSharedFloat64AtomicAdd", "bool32", 44], ["shaderImageFloat32Atomics", "bool32", 48],
  ["shaderImageFloat32AtomicAdd", "bool32", 52], ["sparseImageFloat32Atomics", "bool32", 56],
  ["sparseImageFloat32AtomicAdd", "bool32", 60],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceCooperativeMatrixFeaturesKHR {
  pNext: bigint;
  cooperativeMatrix: boolean;
  cooperativeMatrixRobustBufferAccess: boolean;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceCooperativeMatrixFeaturesKHR: StructLayout<VkPhysicalDeviceCooperativeMatrixFeaturesKHR> = new StructLayout<VkPhysicalDeviceCooperativeMatrixFeaturesKHR>("VkPhysicalDeviceCooperativeMatrixFeaturesKHR", 24, 8, 1000506000, [
  ["pNext", "u64", 8], ["cooperativeMatrix", "bool32", 16],
  ["cooperativeMatrixRobustBufferAccess", "bool32", 20],
]);

/** Fields of the C struct. */
export interface VkMemoryType {
  propertyFlags: number;
  heapIndex: number;
}
/** Layout of the C struct. */
export const VkMemoryType: StructLayout<VkMemoryType> = new StructLayout<VkMemoryType>("VkMemoryType", 8, 4, undefined, [
  ["propertyFlags", "u32", 0], ["heapIndex", "u32", 4],
]);

/** Fields of the C struct. */
export interface VkMemoryHeap {
  size: bigint;
  flags: number;
}
/** Layout of the C struct. */
export const VkMemoryHeap: StructLayout<VkMemoryHeap> = new StructLayout<VkMemoryHeap>("VkMemoryHeap", 16, 8, undefined, [
  ["size", "u64", 0], ["flags", "u32", 8],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceMemoryProperties {
  memoryTypeCount: number;
  memoryTypes: readonly VkMemoryType[];
  memoryHeapCount: number;
  memoryHeaps: readonly VkMemoryHeap[];
}
/** Layout of the C struct. */
export const VkPhysicalDeviceMemoryProperties: StructLayout<VkPhysicalDeviceMemoryProperties> = new StructLayout<VkPhysicalDeviceMemoryProperties>("VkPhysicalDeviceMemoryProperties", 520, 8, undefined, [
  ["memoryTypeCount", "u32", 0], ["memoryTypes", VkMemoryType, 4, 32], ["memoryHeapCount", "u32", 260],
  ["memoryHeaps", VkMemoryHeap, 264, 16],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceMemoryProperties2 {
  pNext: bigint;
  memoryProperties: VkPhysicalDeviceMemoryProperties;
}
/** Layout of the C struct. */
export const VkPhysicalDeviceMemoryProperties2: StructLayout<VkPhysicalDeviceMemoryProperties2> = new StructLayout<VkPhysicalDeviceMemoryProperties2>("VkPhysicalDeviceMemoryProperties2", 536, 8, 1000059006, [
  ["pNext", "u64", 8], ["memoryProperties", VkPhysicalDeviceMemoryProperties, 16],
]);

/** Fields of the C struct. */
export interface VkPhysicalDeviceMemoryBudgetPropertiesEXT {
  pNext: bigint;
  heapBudget: readonly bigint[];
  heapUsage: readonly bigint[];
}
/** Layout of the C struct. */
export const VkPhysicalDeviceMemoryBudgetPropertiesEXT: StructLayout<VkPhysicalDeviceMemoryBudgetPropertiesEXT> = new StructLayout<VkPhysicalDeviceMemoryBudgetPropertiesEXT>("VkPhysicalDeviceMemoryBudgetPropertiesEXT", 272, 8, 1000237000, [
  ["pNext", "u64", 8], ["heapBudget", "u64", 16, 16], ["heapUsage", "u64", 144, 16],
]);

/** Fields of the C struct. */
export interface VkExtent3D {
  width: number;
  height: number;
  depth: number;
}
/** Layout of the C struct. */
export const VkExtent3D: StructLayout<VkExtent3D> = new StructLayout<VkExtent3D>("VkExtent3D", 12, 4, undefined, [
  ["width", "u32", 0], ["height", "u32", 4], ["depth", "u32", 8],
]);

/** Fields of the C struct. */
export interface VkQueueFamilyProperties {
  queueFlags: number;
  queueCount: number;
  timestampValidBits: number;
  minImageTransferGranularity: VkExtent3D;
}
/** Layout of the C struct. */
export const VkQueueFamilyProperties: StructLayout<VkQueueFamilyProperties> = new StructLayout<VkQueueFamilyProperties>("VkQueueFamilyProperties", 24, 4, undefined, [
  ["queueFlags", "u32", 0], ["queueCount", "u32", 4], ["timestampValidBits", "u32", 8],
  ["minImageTransferGranularity", VkExtent3D, 12],
]);

/** Fields of the C struct. */
export interface VkQueueFamilyProperties2 {
  pNext: bigint;
  queueFamilyProperties: VkQueueFamilyProperties;
}
/** Layout of the C struct. */
export const VkQueueFamilyProperties2: StructLayout<VkQueueFamilyProperties2> = new StructLayout<VkQueueFamilyProperties2>("VkQueueFamilyProperties2", 40, 8, 1000059005, [
  ["pNext", "u64", 8], ["queueFamilyProperties", VkQueueFamilyProperties, 16],
]);

/** Fields of the C struct. */
export interface VkFormatProperties {
  linearTilingFeatures: number;
  optimalTilingFeatures: number;
  bufferFeatures: number;
}
/** Layout of the C struct. */
export const VkFormatProperties: StructLayout<VkFormatProperties> = new StructLayout<VkFormatProperties>("VkFormatProperties", 12, 4, undefined, [
  ["linearTilingFeatures", "u32", 0], ["optimalTilingFeatures", "u32", 4], ["bufferFeatures", "u32", 8],
]);

/** Fields of the C struct. */
export interface VkImageFormatProperties {
  maxExtent: VkExtent3D;
  maxMipLevels: number;
  maxArrayLayers: number;
  sampleCounts: number;
  maxResourceSize: bigint;
}
/** Layout of the C struct. */
export const VkImageFormatProperties: StructLayout<VkImageFormatProperties> = new StructLayout<VkImageFormatProperties>("VkImageFormatProperties", 32, 8, undefined, [
  ["maxExtent", VkExtent3D, 0], ["maxMipLevels", "u32", 12], ["maxArrayLayers", "u32", 16],
  ["sampleCounts", "u32", 20], ["maxResourceSize", "u64", 24],
]);

/** Fields of the C struct. */
export interface VkDeviceQueueCreateInfo {
  pNext: bigint;
  flags: number;
  queueFamilyIndex: number;
  queueCount: number;
  pQueuePriorities: bigint;
}
/** Layout of the C struct. */
export const VkDeviceQueueCreateInfo: StructLayout<VkDeviceQueueCreateInfo> = new StructLayout<VkDeviceQueueCreateInfo>("VkDeviceQueueCreateInfo", 40, 8, 2, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["queueFamilyIndex", "u32", 20], ["queueCount", "u32", 24],
  ["pQueuePriorities", "u64", 32],
]);

/** Fields of the C struct. */
export interface VkDeviceCreateInfo {
  pNext: bigint;
  flags: number;
  queueCreateInfoCount: number;
  pQueueCreateInfos: bigint;
  enabledLayerCount: number;
  ppEnabledLayerNames: bigint;
  enabledExtensionCount: number;
  ppEnabledExtensionNames: bigint;
  pEnabledFeatures: bigint;
}
/** Layout of the C struct. */
export const VkDeviceCreateInfo: StructLayout<VkDeviceCreateInfo> = new StructLayout<VkDeviceCreateInfo>("VkDeviceCreateInfo", 72, 8, 3, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["queueCreateInfoCount", "u32", 20],
  ["pQueueCreateInfos", "u64", 24], ["enabledLayerCount", "u32", 32], ["ppEnabledLayerNames", "u64", 40],
  ["enabledExtensionCount", "u32", 48], ["ppEnabledExtensionNames", "u64", 56],
  ["pEnabledFeatures", "u64", 64],
]);

/** Fields of the C struct. */
export interface VkSubmitInfo {
  pNext: bigint;
  waitSemaphoreCount: number;
  pWaitSemaphores: bigint;
  pWaitDstStageMask: bigint;
  commandBufferCount: number;
  pCommandBuffers: bigint;
  signalSemaphoreCount: number;
  pSignalSemaphores: bigint;
}
/** Layout of the C struct. */
export const VkSubmitInfo: StructLayout<VkSubmitInfo> = new StructLayout<VkSubmitInfo>("VkSubmitInfo", 72, 8, 4, [
  ["pNext", "u64", 8], ["waitSemaphoreCount", "u32", 16], ["pWaitSemaphores", "u64", 24],
  ["pWaitDstStageMask", "u64", 32], ["commandBufferCount", "u32", 40], ["pCommandBuffers", "u64", 48],
  ["signalSemaphoreCount", "u32", 56], ["pSignalSemaphores", "u64", 64],
]);

/** Fields of the C struct. */
export interface VkTimelineSemaphoreSubmitInfo {
  pNext: bigint;
  waitSemaphoreValueCount: number;
  pWaitSemaphoreValues: bigint;
  signalSemaphoreValueCount: number;
  pSignalSemaphoreValues: bigint;
}
/** Layout of the C struct. */
export const VkTimelineSemaphoreSubmitInfo: StructLayout<VkTimelineSemaphoreSubmitInfo> = new StructLayout<VkTimelineSemaphoreSubmitInfo>("VkTimelineSemaphoreSubmitInfo", 48, 8, 1000207003, [
  ["pNext", "u64", 8], ["waitSemaphoreValueCount", "u32", 16], ["pWaitSemaphoreValues", "u64", 24],
  ["signalSemaphoreValueCount", "u32", 32], ["pSignalSemaphoreValues", "u64", 40],
]);

/** Fields of the C struct. */
export interface VkMemoryAllocateInfo {
  pNext: bigint;
  allocationSize: bigint;
  memoryTypeIndex: number;
}
/** Layout of the C struct. */
export const VkMemoryAllocateInfo: StructLayout<VkMemoryAllocateInfo> = new StructLayout<VkMemoryAllocateInfo>("VkMemoryAllocateInfo", 32, 8, 5, [
  ["pNext", "u64", 8], ["allocationSize", "u64", 16], ["memoryTypeIndex", "u32", 24],
]);

/** Fields of the C struct. */
export interface VkMemoryAllocateFlagsInfo {
  pNext: bigint;
  flags: number;
  deviceMask: number;
}
/** Layout of the C struct. */
export const VkMemoryAllocateFlagsInfo: StructLayout<VkMemoryAllocateFlagsInfo> = new StructLayout<VkMemoryAllocateFlagsInfo>("VkMemoryAllocateFlagsInfo", 24, 8, 1000060000, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["deviceMask", "u32", 20],
]);

/** Fields of the C struct. */
export interface VkMemoryDedicatedAllocateInfo {
  pNext: bigint;
  image: VkImage;
  buffer: VkBuffer;
}
/** Layout of the C struct. */
export const VkMemoryDedicatedAllocateInfo: StructLayout<VkMemoryDedicatedAllocateInfo> = new StructLayout<VkMemoryDedicatedAllocateInfo>("VkMemoryDedicatedAllocateInfo", 32, 8, 1000127001, [
  ["pNext", "u64", 8], ["image", "u64", 16], ["buffer", "u64", 24],
]);

/** Fields of the C struct. */
export interface VkMemoryDedicatedRequirements {
  pNext: bigint;
  prefersDedicatedAllocation: boolean;
  requiresDedicatedAllocation: boolean;
}
/** Layout of the C struct. */
export const VkMemoryDedicatedRequirements: StructLayout<VkMemoryDedicatedRequirements> = new StructLayout<VkMemoryDedicatedRequirements>("VkMemoryDedicatedRequirements", 24, 8, 1000127000, [
  ["pNext", "u64", 8], ["prefersDedicatedAllocation", "bool32", 16],
  ["requiresDedicatedAllocation", "bool32", 20],
]);

/** Fields of the C struct. */
export interface VkMemoryPriorityAllocateInfoEXT {
  pNext: bigint;
  priority: number;
}
/** Layout of the C struct. */
export const VkMemoryPriorityAllocateInfoEXT: StructLayout<VkMemoryPriorityAllocateInfoEXT> = new StructLayout<VkMemoryPriorityAllocateInfoEXT>("VkMemoryPriorityAllocateInfoEXT", 24, 8, 1000238001, [
  ["pNext", "u64", 8], ["priority", "f32", 16],
]);

/** Fields of the C struct. */
export interface VkImportMemoryHostPointerInfoEXT {
  pNext: bigint;
  handleType: number;
  pHostPointer: bigint;
}
/** Layout of the C struct. */
export const VkImportMemoryHostPointerInfoEXT: StructLayout<VkImportMemoryHostPointerInfoEXT> = new StructLayout<VkImportMemoryHostPointerInfoEXT>("VkImportMemoryHostPointerInfoEXT", 32, 8, 1000178000, [
  ["pNext", "u64", 8], ["handleType", "i32", 16], ["pHostPointer", "u64", 24],
]);

/** Fields of the C struct. */
export interface VkMappedMemoryRange {
  pNext: bigint;
  memory: VkDeviceMemory;
  offset: bigint;
  size: bigint;
}
/** Layout of the C struct. */
export const VkMappedMemoryRange: StructLayout<VkMappedMemoryRange> = new StructLayout<VkMappedMemoryRange>("VkMappedMemoryRange", 40, 8, 6, [
  ["pNext", "u64", 8], ["memory", "u64", 16], ["offset", "u64", 24], ["size", "u64", 32],
]);

/** Fields of the C struct. */
export interface VkMemoryRequirements {
  size: bigint;
  alignment: bigint;
  memoryTypeBits: number;
}
/** Layout of the C struct. */
export const VkMemoryRequirements: StructLayout<VkMemoryRequirements> = new StructLayout<VkMemoryRequirements>("VkMemoryRequirements", 24, 8, undefined, [
  ["size", "u64", 0], ["alignment", "u64", 8], ["memoryTypeBits", "u32", 16],
]);

/** Fields of the C struct. */
export interface VkMemoryRequirements2 {
  pNext: bigint;
  memoryRequirements: VkMemoryRequirements;
}
/** Layout of the C struct. */
export const VkMemoryRequirements2: StructLayout<VkMemoryRequirements2> = new StructLayout<VkMemoryRequirements2>("VkMemoryRequirements2", 40, 8, 1000146003, [
  ["pNext", "u64", 8], ["memoryRequirements", VkMemoryRequirements, 16],
]);

/** Fields of the C struct. */
export interface VkBufferMemoryRequirementsInfo2 {
  pNext: bigint;
  buffer: VkBuffer;
}
/** Layout of the C struct. */
export const VkBufferMemoryRequirementsInfo2: StructLayout<VkBufferMemoryRequirementsInfo2> = new StructLayout<VkBufferMemoryRequirementsInfo2>("VkBufferMemoryRequirementsInfo2", 24, 8, 1000146000, [
  ["pNext", "u64", 8], ["buffer", "u64", 16],
]);

/** Fields of the C struct. */
export interface VkBufferCreateInfo {
  pNext: bigint;
  flags: number;
  size: bigint;
  usage: number;
  sharingMode: number;
  queueFamilyIndexCount: number;
  pQueueFamilyIndices: bigint;
}
/** Layout of the C struct. */
export const VkBufferCreateInfo: StructLayout<VkBufferCreateInfo> = new StructLayout<VkBufferCreateInfo>("VkBufferCreateInfo", 56, 8, 12, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["size", "u64", 24], ["usage", "u32", 32],
  ["sharingMode", "i32", 36], ["queueFamilyIndexCount", "u32", 40], ["pQueueFamilyIndices", "u64", 48],
]);

/** Fields of the C struct. */
export interface VkBufferDeviceAddressInfo {
  pNext: bigint;
  buffer: VkBuffer;
}
/** Layout of the C struct. */
export const VkBufferDeviceAddressInfo: StructLayout<VkBufferDeviceAddressInfo> = new StructLayout<VkBufferDeviceAddressInfo>("VkBufferDeviceAddressInfo", 24, 8, 1000244001, [
  ["pNext", "u64", 8], ["buffer", "u64", 16],
]);

/** Fields of the C struct. */
export interface VkBufferViewCreateInfo {
  pNext: bigint;
  flags: number;
  buffer: VkBuffer;
  format: number;
  offset: bigint;
  range: bigint;
}
/** Layout of the C struct. */
export const VkBufferViewCreateInfo: StructLayout<VkBufferViewCreateInfo> = new StructLayout<VkBufferViewCreateInfo>("VkBufferViewCreateInfo", 56, 8, 13, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["buffer", "u64", 24], ["format", "i32", 32],
  ["offset", "u64", 40], ["range", "u64", 48],
]);

/** Fields of the C struct. */
export interface VkImageCreateInfo {
  pNext: bigint;
  flags: number;
  imageType: number;
  format: number;
  extent: VkExtent3D;
  mipLevels: number;
  arrayLayers: number;
  samples: number;
  tiling: number;
  usage: number;
  sharingMode: number;
  queueFamilyIndexCount: number;
  pQueueFamilyIndices: bigint;
  initialLayout: number;
}
/** Layout of the C struct. */
export const VkImageCreateInfo: StructLayout<VkImageCreateInfo> = new StructLayout<VkImageCreateInfo>("VkImageCreateInfo", 88, 8, 14, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["imageType", "i32", 20], ["format", "i32", 24],
  ["extent", VkExtent3D, 28], ["mipLevels", "u32", 40], ["arrayLayers", "u32", 44], ["samples", "i32", 48],
  ["tiling", "i32", 52], ["usage", "u32", 56], ["sharingMode", "i32", 60],
  ["queueFamilyIndexCount", "u32", 64], ["pQueueFamilyIndices", "u64", 72], ["initialLayout", "i32", 80],
]);

/** Fields of the C struct. */
export interface VkImageSubresource {
  aspectMask: number;
  mipLevel: number;
  arrayLayer: number;
}
/** Layout of the C struct. */
export const VkImageSubresource: StructLayout<VkImageSubresource> = new StructLayout<VkImageSubresource>("VkImageSubresource", 12, 4, undefined, [
  ["aspectMask", "u32", 0], ["mipLevel", "u32", 4], ["arrayLayer", "u32", 8],
]);

/** Fields of the C struct. */
export interface VkSubresourceLayout {
  offset: bigint;
  size: bigint;
  rowPitch: bigint;
  arrayPitch: bigint;
  depthPitch: bigint;
}
/** Layout of the C struct. */
export const VkSubresourceLayout: StructLayout<VkSubresourceLayout> = new StructLayout<VkSubresourceLayout>("VkSubresourceLayout", 40, 8, undefined, [
  ["offset", "u64", 0], ["size", "u64", 8], ["rowPitch", "u64", 16], ["arrayPitch", "u64", 24],
  ["depthPitch", "u64", 32],
]);

/** Fields of the C struct. */
export interface VkShaderModuleCreateInfo {
  pNext: bigint;
  flags: number;
  codeSize: bigint;
  pCode: bigint;
}
/** Layout of the C struct. */
export const VkShaderModuleCreateInfo: StructLayout<VkShaderModuleCreateInfo> = new StructLayout<VkShaderModuleCreateInfo>("VkShaderModuleCreateInfo", 40, 8, 16, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["codeSize", "u64", 24], ["pCode", "u64", 32],
]);

/** Fields of the C struct. */
export interface VkPipelineCacheCreateInfo {
  pNext: bigint;
  flags: number;
  initialDataSize: bigint;
  pInitialData: bigint;
}
/** Layout of the C struct. */
export const VkPipelineCacheCreateInfo: StructLayout<VkPipelineCacheCreateInfo> = new StructLayout<VkPipelineCacheCreateInfo>("VkPipelineCacheCreateInfo", 40, 8, 17, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["initialDataSize", "u64", 24], ["pInitialData", "u64", 32],
]);

/** Fields of the C struct. */
export interface VkPipelineCacheHeaderVersionOne {
  headerSize: number;
  headerVersion: number;
  vendorID: number;
  deviceID: number;
  pipelineCacheUUID: Uint8Array;
}
/** Layout of the C struct. */
export const VkPipelineCacheHeaderVersionOne: StructLayout<VkPipelineCacheHeaderVersionOne> = new StructLayout<VkPipelineCacheHeaderVersionOne>("VkPipelineCacheHeaderVersionOne", 32, 4, undefined, [
  ["headerSize", "u32", 0], ["headerVersion", "i32", 4], ["vendorID", "u32", 8], ["deviceID", "u32", 12],
  ["pipelineCacheUUID", "bytes", 16, 16],
]);

/** Fields of the C struct. */
export interface VkPushConstantRange {
  stageFlags: number;
  offset: number;
  size: number;
}
/** Layout of the C struct. */
export const VkPushConstantRange: StructLayout<VkPushConstantRange> = new StructLayout<VkPushConstantRange>("VkPushConstantRange", 12, 4, undefined, [
  ["stageFlags", "u32", 0], ["offset", "u32", 4], ["size", "u32", 8],
]);

/** Fields of the C struct. */
export interface VkPipelineLayoutCreateInfo {
  pNext: bigint;
  flags: number;
  setLayoutCount: number;
  pSetLayouts: bigint;
  pushConstantRangeCount: number;
  pPushConstantRanges: bigint;
}
/** Layout of the C struct. */
export const VkPipelineLayoutCreateInfo: StructLayout<VkPipelineLayoutCreateInfo> = new StructLayout<VkPipelineLayoutCreateInfo>("VkPipelineLayoutCreateInfo", 48, 8, 30, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["setLayoutCount", "u32", 20], ["pSetLayouts", "u64", 24],
  ["pushConstantRangeCount", "u32", 32], ["pPushConstantRanges", "u64", 40],
]);

/** Fields of the C struct. */
export interface VkSpecializationMapEntry {
  constantID: number;
  offset: number;
  size: bigint;
}
/** Layout of the C struct. */
export const VkSpecializationMapEntry: StructLayout<VkSpecializationMapEntry> = new StructLayout<VkSpecializationMapEntry>("VkSpecializationMapEntry", 16, 8, undefined, [
  ["constantID", "u32", 0], ["offset", "u32", 4], ["size", "u64", 8],
]);

/** Fields of the C struct. */
export interface VkSpecializationInfo {
  mapEntryCount: number;
  pMapEntries: bigint;
  dataSize: bigint;
  pData: bigint;
}
/** Layout of the C struct. */
export const VkSpecializationInfo: StructLayout<VkSpecializationInfo> = new StructLayout<VkSpecializationInfo>("VkSpecializationInfo", 32, 8, undefined, [
  ["mapEntryCount", "u32", 0], ["pMapEntries", "u64", 8], ["dataSize", "u64", 16], ["pData", "u64", 24],
]);

/** Fields of the C struct. */
export interface VkPipelineShaderStageCreateInfo {
  pNext: bigint;
  flags: number;
  stage: number;
  module: VkShaderModule;
  pName: bigint;
  pSpecializationInfo: bigint;
}
/** Layout of the C struct. */
export const VkPipelineShaderStageCreateInfo: StructLayout<VkPipelineShaderStageCreateInfo> = new StructLayout<VkPipelineShaderStageCreateInfo>("VkPipelineShaderStageCreateInfo", 48, 8, 18, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["stage", "i32", 20], ["module", "u64", 24], ["pName", "u64", 32],
  ["pSpecializationInfo", "u64", 40],
]);

/** Fields of the C struct. */
export interface VkPipelineShaderStageRequiredSubgroupSizeCreateInfo {
  pNext: bigint;
  requiredSubgroupSize: number;
}
/** Layout of the C struct. */
export const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo: StructLayout<VkPipelineShaderStageRequiredSubgroupSizeCreateInfo> = new StructLayout<VkPipelineShaderStageRequiredSubgroupSizeCreateInfo>("VkPipelineShaderStageRequiredSubgroupSizeCreateInfo", 24, 8, 1000225001, [
  ["pNext", "u64", 8], ["requiredSubgroupSize", "u32", 16],
]);

/** Fields of the C struct. */
export interface VkComputePipelineCreateInfo {
  pNext: bigint;
  flags: number;
  stage: VkPipelineShaderStageCreateInfo;
  layout: VkPipelineLayout;
  basePipelineHandle: VkPipeline;
  basePipelineIndex: number;
}
/** Layout of the C struct. */
export const VkComputePipelineCreateInfo: StructLayout<VkComputePipelineCreateInfo> = new StructLayout<VkComputePipelineCreateInfo>("VkComputePipelineCreateInfo", 96, 8, 29, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["stage", VkPipelineShaderStageCreateInfo, 24],
  ["layout", "u64", 72], ["basePipelineHandle", "u64", 80], ["basePipelineIndex", "i32", 88],
]);

/** Fields of the C struct. */
export interface VkDescriptorSetLayoutBinding {
  binding: number;
  descriptorType: number;
  descriptorCount: number;
  stageFlags: number;
  pImmutableSamplers: bigint;
}
/** Layout of the C struct. */
export const VkDescriptorSetLayoutBinding: StructLayout<VkDescriptorSetLayoutBinding> = new StructLayout<VkDescriptorSetLayoutBinding>("VkDescriptorSetLayoutBinding", 24, 8, undefined, [
  ["binding", "u32", 0], ["descriptorType", "i32", 4], ["descriptorCount", "u32", 8],
  ["stageFlags", "u32", 12], ["pImmutableSamplers", "u64", 16],
]);

/** Fields of the C struct. */
export interface VkDescriptorSetLayoutCreateInfo {
  pNext: bigint;
  flags: number;
  bindingCount: number;
  pBindings: bigint;
}
/** Layout of the C struct. */
export const VkDescriptorSetLayoutCreateInfo: StructLayout<VkDescriptorSetLayoutCreateInfo> = new StructLayout<VkDescriptorSetLayoutCreateInfo>("VkDescriptorSetLayoutCreateInfo", 32, 8, 32, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["bindingCount", "u32", 20], ["pBindings", "u64", 24],
]);

/** Fields of the C struct. */
export interface VkDescriptorPoolSize {
  type: number;
  descriptorCount: number;
}
/** Layout of the C struct. */
export const VkDescriptorPoolSize: StructLayout<VkDescriptorPoolSize> = new StructLayout<VkDescriptorPoolSize>("VkDescriptorPoolSize", 8, 4, undefined, [
  ["type", "i32", 0], ["descriptorCount", "u32", 4],
]);

/** Fields of the C struct. */
export interface VkDescriptorPoolCreateInfo {
  pNext: bigint;
  flags: number;
  maxSets: number;
  poolSizeCount: number;
  pPoolSizes: bigint;
}
/** Layout of the C struct. */
export const VkDescriptorPoolCreateInfo: StructLayout<VkDescriptorPoolCreateInfo> = new StructLayout<VkDescriptorPoolCreateInfo>("VkDescriptorPoolCreateInfo", 40, 8, 33, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["maxSets", "u32", 20], ["poolSizeCount", "u32", 24],
  ["pPoolSizes", "u64", 32],
]);

/** Fields of the C struct. */
export interface VkDescriptorSetAllocateInfo {
  pNext: bigint;
  descriptorPool: VkDescriptorPool;
  descriptorSetCount: number;
  pSetLayouts: bigint;
}
/** Layout of the C struct. */
export const VkDescriptorSetAllocateInfo: StructLayout<VkDescriptorSetAllocateInfo> = new StructLayout<VkDescriptorSetAllocateInfo>("VkDescriptorSetAllocateInfo", 40, 8, 34, [
  ["pNext", "u64", 8], ["descriptorPool", "u64", 16], ["descriptorSetCount", "u32", 24],
  ["pSetLayouts", "u64", 32],
]);

/** Fields of the C struct. */
export interface VkDescriptorBufferInfo {
  buffer: VkBuffer;
  offset: bigint;
  range: bigint;
}
/** Layout of the C struct. */
export const VkDescriptorBufferInfo: StructLayout<VkDescriptorBufferInfo> = new StructLayout<VkDescriptorBufferInfo>("VkDescriptorBufferInfo", 24, 8, undefined, [
  ["buffer", "u64", 0], ["offset", "u64", 8], ["range", "u64", 16],
]);

/** Fields of the C struct. */
export interface VkWriteDescriptorSet {
  pNext: bigint;
  dstSet: VkDescriptorSet;
  dstBinding: number;
  dstArrayElement: number;
  descriptorCount: number;
  descriptorType: number;
  pImageInfo: bigint;
  pBufferInfo: bigint;
  pTexelBufferView: bigint;
}
/** Layout of the C struct. */
export const VkWriteDescriptorSet: StructLayout<VkWriteDescriptorSet> = new StructLayout<VkWriteDescriptorSet>("VkWriteDescriptorSet", 64, 8, 35, [
  ["pNext", "u64", 8], ["dstSet", "u64", 16], ["dstBinding", "u32", 24], ["dstArrayElement", "u32", 28],
  ["descriptorCount", "u32", 32], ["descriptorType", "i32", 36], ["pImageInfo", "u64", 40],
  ["pBufferInfo", "u64", 48], ["pTexelBufferView", "u64", 56],
]);

/** Fields of the C struct. */
export interface VkDescriptorUpdateTemplateEntry {
  dstBinding: number;
  dstArrayElement: number;
  descriptorCount: number;
  descriptorType: number;
  offset: bigint;
  stride: bigint;
}
/** Layout of the C struct. */
export const VkDescriptorUpdateTemplateEntry: StructLayout<VkDescriptorUpdateTemplateEntry> = new StructLayout<VkDescriptorUpdateTemplateEntry>("VkDescriptorUpdateTemplateEntry", 32, 8, undefined, [
  ["dstBinding", "u32", 0], ["dstArrayElement", "u32", 4], ["descriptorCount", "u32", 8],
  ["descriptorType", "i32", 12], ["offset", "u64", 16], ["stride", "u64", 24],
]);

/** Fields of the C struct. */
export interface VkDescriptorUpdateTemplateCreateInfo {
  pNext: bigint;
  flags: number;
  descriptorUpdateEntryCount: number;
  pDescriptorUpdateEntries: bigint;
  templateType: number;
  descriptorSetLayout: VkDescriptorSetLayout;
  pipelineBindPoint: number;
  pipelineLayout: VkPipelineLayout;
  set: number;
}
/** Layout of the C struct. */
export const VkDescriptorUpdateTemplateCreateInfo: StructLayout<VkDescriptorUpdateTemplateCreateInfo> = new StructLayout<VkDescriptorUpdateTemplateCreateInfo>("VkDescriptorUpdateTemplateCreateInfo", 72, 8, 1000085000, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["descriptorUpdateEntryCount", "u32", 20],
  ["pDescriptorUpdateEntries", "u64", 24], ["templateType", "i32", 32], ["descriptorSetLayout", "u64", 40],
  ["pipelineBindPoint", "i32", 48], ["pipelineLayout", "u64", 56], ["set", "u32", 64],
]);

/** Fields of the C struct. */
export interface VkCommandPoolCreateInfo {
  pNext: bigint;
  flags: number;
  queueFamilyIndex: number;
}
/** Layout of the C struct. */
export const VkCommandPoolCreateInfo: StructLayout<VkCommandPoolCreateInfo> = new StructLayout<VkCommandPoolCreateInfo>("VkCommandPoolCreateInfo", 24, 8, 39, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["queueFamilyIndex", "u32", 20],
]);

/** Fields of the C struct. */
export interface VkCommandBufferAllocateInfo {
  pNext: bigint;
  commandPool: VkCommandPool;
  level: number;
  commandBufferCount: number;
}
/** Layout of the C struct. */
export const VkCommandBufferAllocateInfo: StructLayout<VkCommandBufferAllocateInfo> = new StructLayout<VkCommandBufferAllocateInfo>("VkCommandBufferAllocateInfo", 32, 8, 40, [
  ["pNext", "u64", 8], ["commandPool", "u64", 16], ["level", "i32", 24], ["commandBufferCount", "u32", 28],
]);

/** Fields of the C struct. */
export interface VkCommandBufferInheritanceInfo {
  pNext: bigint;
  renderPass: VkRenderPass;
  subpass: number;
  framebuffer: VkFramebuffer;
  occlusionQueryEnable: boolean;
  queryFlags: number;
  pipelineStatistics: number;
}
/** Layout of the C struct. */
export const VkCommandBufferInheritanceInfo: StructLayout<VkCommandBufferInheritanceInfo> = new StructLayout<VkCommandBufferInheritanceInfo>("VkCommandBufferInheritanceInfo", 56, 8, 41, [
  ["pNext", "u64", 8], ["renderPass", "u64", 16], ["subpass", "u32", 24], ["framebuffer", "u64", 32],
  ["occlusionQueryEnable", "bool32", 40], ["queryFlags", "u32", 44], ["pipelineStatistics", "u32", 48],
]);

/** Fields of the C struct. */
export interface VkCommandBufferBeginInfo {
  pNext: bigint;
  flags: number;
  pInheritanceInfo: bigint;
}
/** Layout of the C struct. */
export const VkCommandBufferBeginInfo: StructLayout<VkCommandBufferBeginInfo> = new StructLayout<VkCommandBufferBeginInfo>("VkCommandBufferBeginInfo", 32, 8, 42, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["pInheritanceInfo", "u64", 24],
]);

/** Fields of the C struct. */
export interface VkBufferCopy {
  srcOffset: bigint;
  dstOffset: bigint;
  size: bigint;
}
/** Layout of the C struct. */
export const VkBufferCopy: StructLayout<VkBufferCopy> = new StructLayout<VkBufferCopy>("VkBufferCopy", 24, 8, undefined, [
  ["srcOffset", "u64", 0], ["dstOffset", "u64", 8], ["size", "u64", 16],
]);

/** Fields of the C struct. */
export interface VkImageSubresourceLayers {
  aspectMask: number;
  mipLevel: number;
  baseArrayLayer: number;
  layerCount: number;
}
/** Layout of the C struct. */
export const VkImageSubresourceLayers: StructLayout<VkImageSubresourceLayers> = new StructLayout<VkImageSubresourceLayers>("VkImageSubresourceLayers", 16, 4, undefined, [
  ["aspectMask", "u32", 0], ["mipLevel", "u32", 4], ["baseArrayLayer", "u32", 8], ["layerCount", "u32", 12],
]);

/** Fields of the C struct. */
export interface VkOffset3D {
  x: number;
  y: number;
  z: number;
}
/** Layout of the C struct. */
export const VkOffset3D: StructLayout<VkOffset3D> = new StructLayout<VkOffset3D>("VkOffset3D", 12, 4, undefined, [
  ["x", "i32", 0], ["y", "i32", 4], ["z", "i32", 8],
]);

/** Fields of the C struct. */
export interface VkBufferImageCopy {
  bufferOffset: bigint;
  bufferRowLength: number;
  bufferImageHeight: number;
  imageSubresource: VkImageSubresourceLayers;
  imageOffset: VkOffset3D;
  imageExtent: VkExtent3D;
}
/** Layout of the C struct. */
export const VkBufferImageCopy: StructLayout<VkBufferImageCopy> = new StructLayout<VkBufferImageCopy>("VkBufferImageCopy", 56, 8, undefined, [
  ["bufferOffset", "u64", 0], ["bufferRowLength", "u32", 8], ["bufferImageHeight", "u32", 12],
  ["imageSubresource", VkImageSubresourceLayers, 16], ["imageOffset", VkOffset3D, 32],
  ["imageExtent", VkExtent3D, 44],
]);

/** Fields of the C struct. */
export interface VkMemoryBarrier {
  pNext: bigint;
  srcAccessMask: number;
  dstAccessMask: number;
}
/** Layout of the C struct. */
export const VkMemoryBarrier: StructLayout<VkMemoryBarrier> = new StructLayout<VkMemoryBarrier>("VkMemoryBarrier", 24, 8, 46, [
  ["pNext", "u64", 8], ["srcAccessMask", "u32", 16], ["dstAccessMask", "u32", 20],
]);

/** Fields of the C struct. */
export interface VkBufferMemoryBarrier {
  pNext: bigint;
  srcAccessMask: number;
  dstAccessMask: number;
  srcQueueFamilyIndex: number;
  dstQueueFamilyIndex: number;
  buffer: VkBuffer;
  offset: bigint;
  size: bigint;
}
/** Layout of the C struct. */
export const VkBufferMemoryBarrier: StructLayout<VkBufferMemoryBarrier> = new StructLayout<VkBufferMemoryBarrier>("VkBufferMemoryBarrier", 56, 8, 44, [
  ["pNext", "u64", 8], ["srcAccessMask", "u32", 16], ["dstAccessMask", "u32", 20],
  ["srcQueueFamilyIndex", "u32", 24], ["dstQueueFamilyIndex", "u32", 28], ["buffer", "u64", 32],
  ["offset", "u64", 40], ["size", "u64", 48],
]);

/** Fields of the C struct. */
export interface VkImageSubresourceRange {
  aspectMask: number;
  baseMipLevel: number;
  levelCount: number;
  baseArrayLayer: number;
  layerCount: number;
}
/** Layout of the C struct. */
export const VkImageSubresourceRange: StructLayout<VkImageSubresourceRange> = new StructLayout<VkImageSubresourceRange>("VkImageSubresourceRange", 20, 4, undefined, [
  ["aspectMask", "u32", 0], ["baseMipLevel", "u32", 4], ["levelCount", "u32", 8],
  ["baseArrayLayer", "u32", 12], ["layerCount", "u32", 16],
]);

/** Fields of the C struct. */
export interface VkImageMemoryBarrier {
  pNext: bigint;
  srcAccessMask: number;
  dstAccessMask: number;
  oldLayout: number;
  newLayout: number;
  srcQueueFamilyIndex: number;
  dstQueueFamilyIndex: number;
  image: VkImage;
  subresourceRange: VkImageSubresourceRange;
}
/** Layout of the C struct. */
export const VkImageMemoryBarrier: StructLayout<VkImageMemoryBarrier> = new StructLayout<VkImageMemoryBarrier>("VkImageMemoryBarrier", 72, 8, 45, [
  ["pNext", "u64", 8], ["srcAccessMask", "u32", 16], ["dstAccessMask", "u32", 20], ["oldLayout", "i32", 24],
  ["newLayout", "i32", 28], ["srcQueueFamilyIndex", "u32", 32], ["dstQueueFamilyIndex", "u32", 36],
  ["image", "u64", 40], ["subresourceRange", VkImageSubresourceRange, 48],
]);

/** Fields of the C struct. */
export interface VkDispatchIndirectCommand {
  x: number;
  y: number;
  z: number;
}
/** Layout of the C struct. */
export const VkDispatchIndirectCommand: StructLayout<VkDispatchIndirectCommand> = new StructLayout<VkDispatchIndirectCommand>("VkDispatchIndirectCommand", 12, 4, undefined, [
  ["x", "u32", 0], ["y", "u32", 4], ["z", "u32", 8],
]);

/** Fields of the C struct. */
export interface VkQueryPoolCreateInfo {
  pNext: bigint;
  flags: number;
  queryType: number;
  queryCount: number;
  pipelineStatistics: number;
}
/** Layout of the C struct. */
export const VkQueryPoolCreateInfo: StructLayout<VkQueryPoolCreateInfo> = new StructLayout<VkQueryPoolCreateInfo>("VkQueryPoolCreateInfo", 32, 8, 11, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["queryType", "i32", 20], ["queryCount", "u32", 24],
  ["pipelineStatistics", "u32", 28],
]);

/** Fields of the C struct. */
export interface VkSemaphoreCreateInfo {
  pNext: bigint;
  flags: number;
}
/** Layout of the C struct. */
export const VkSemaphoreCreateInfo: StructLayout<VkSemaphoreCreateInfo> = new StructLayout<VkSemaphoreCreateInfo>("VkSemaphoreCreateInfo", 24, 8, 9, [
  ["pNext", "u64", 8], ["flags", "u32", 16],
]);

/** Fields of the C struct. */
export interface VkSemaphoreTypeCreateInfo {
  pNext: bigint;
  semaphoreType: number;
  initialValue: bigint;
}
/** Layout of the C struct. */
export const VkSemaphoreTypeCreateInfo: StructLayout<VkSemaphoreTypeCreateInfo> = new StructLayout<VkSemaphoreTypeCreateInfo>("VkSemaphoreTypeCreateInfo", 32, 8, 1000207002, [
  ["pNext", "u64", 8], ["semaphoreType", "i32", 16], ["initialValue", "u64", 24],
]);

/** Fields of the C struct. */
export interface VkSemaphoreWaitInfo {
  pNext: bigint;
  flags: number;
  semaphoreCount: number;
  pSemaphores: bigint;
  pValues: bigint;
}
/** Layout of the C struct. */
export const VkSemaphoreWaitInfo: StructLayout<VkSemaphoreWaitInfo> = new StructLayout<VkSemaphoreWaitInfo>("VkSemaphoreWaitInfo", 40, 8, 1000207004, [
  ["pNext", "u64", 8], ["flags", "u32", 16], ["semaphoreCount", "u32", 20], ["pSemaphores", "u64", 24],
  ["pValues", "u64", 32],
]);

/** Fields of the C struct. */
export interface VkSemaphoreSignalInfo {
  pNext: bigint;
  semaphore: VkSemaphore;
  value: bigint;
}
/** Layout of the C struct. */
export const VkSemaphoreSignalInfo: StructLayout<VkSemaphoreSignalInfo> = new StructLayout<VkSemaphoreSignalInfo>("VkSemaphoreSignalInfo", 32, 8, 1000207005, [
  ["pNext", "u64", 8], ["semaphore", "u64", 16], ["value", "u64", 24],
]);

/** Fields of the C struct. */
export interface VkFenceCreateInfo {
  pNext: bigint;
  flags: number;
}
/** Layout of the C struct. */
export const VkFenceCreateInfo: StructLayout<VkFenceCreateInfo> = new StructLayout<VkFenceCreateInfo>("VkFenceCreateInfo", 24, 8, 8, [
  ["pNext", "u64", 8], ["flags", "u32", 16],
]);
