// @generated from vk.xml 1.3.239 by ffi/generate.ts; allowlist-hash: 31e2fa4041d2b61c
// deno-fmt-ignore-file
// deno-lint-ignore-file
/** Vulkan's commands: the symbol table and its types. Do not edit: change `allowlist.ts` and run `deno run -A ffi/generate.ts`. @module */

import type { NativeTable } from "../native.ts";
import type { VkBuffer, VkBufferView, VkCommandBuffer, VkCommandPool, VkDescriptorPool, VkDescriptorSet, VkDescriptorSetLayout, VkDescriptorUpdateTemplate, VkDevice, VkDeviceMemory, VkFence, VkImage, VkInstance, VkPhysicalDevice, VkPipeline, VkPipelineCache, VkPipelineLayout, VkQueryPool, VkQueue, VkSemaphore, VkShaderModule } from "./structs.ts";

/** The commands. Pointers are addresses; enumerations and flags are numbers; a VkResult is returned as it is. */
export interface VulkanCommands {
  /** Core 1.1. */
  vkEnumerateInstanceVersion: (pApiVersion: bigint) => number;
  /** Core 1.0. */
  vkEnumerateInstanceLayerProperties: (pPropertyCount: bigint, pProperties: bigint) => number;
  /** Core 1.0. */
  vkEnumerateInstanceExtensionProperties: (pLayerName: bigint, pPropertyCount: bigint, pProperties: bigint) => number;
  /** Core 1.0. */
  vkCreateInstance: (pCreateInfo: bigint, pAllocator: bigint, pInstance: bigint) => number;
  /** Core 1.0. */
  vkDestroyInstance: (instance: VkInstance, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkEnumeratePhysicalDevices: (instance: VkInstance, pPhysicalDeviceCount: bigint, pPhysicalDevices: bigint) => number;
  /** Core 1.1. */
  vkGetPhysicalDeviceProperties2: (physicalDevice: VkPhysicalDevice, pProperties: bigint) => void;
  /** Core 1.1. */
  vkGetPhysicalDeviceFeatures2: (physicalDevice: VkPhysicalDevice, pFeatures: bigint) => void;
  /** Core 1.1. */
  vkGetPhysicalDeviceMemoryProperties2: (physicalDevice: VkPhysicalDevice, pMemoryProperties: bigint) => void;
  /** Core 1.1. */
  vkGetPhysicalDeviceQueueFamilyProperties2: (physicalDevice: VkPhysicalDevice, pQueueFamilyPropertyCount: bigint, pQueueFamilyProperties: bigint) => void;
  /** Core 1.0. */
  vkGetPhysicalDeviceFormatProperties: (physicalDevice: VkPhysicalDevice, format: number, pFormatProperties: bigint) => void;
  /** Core 1.0. */
  vkGetPhysicalDeviceImageFormatProperties: (physicalDevice: VkPhysicalDevice, format: number, type: number, tiling: number, usage: number, flags: number, pImageFormatProperties: bigint) => number;
  /** Core 1.0. */
  vkEnumerateDeviceExtensionProperties: (physicalDevice: VkPhysicalDevice, pLayerName: bigint, pPropertyCount: bigint, pProperties: bigint) => number;
  /** Core 1.0. */
  vkCreateDevice: (physicalDevice: VkPhysicalDevice, pCreateInfo: bigint, pAllocator: bigint, pDevice: bigint) => number;
  /** Core 1.0. */
  vkDestroyDevice: (device: VkDevice, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkGetDeviceQueue: (device: VkDevice, queueFamilyIndex: number, queueIndex: number, pQueue: bigint) => void;
  /** Core 1.0. */
  vkDeviceWaitIdle: (device: VkDevice) => number;
  /** Core 1.0. */
  vkQueueSubmit: (queue: VkQueue, submitCount: number, pSubmits: bigint, fence: VkFence) => number;
  /** Core 1.0. */
  vkQueueWaitIdle: (queue: VkQueue) => number;
  /** Core 1.0. */
  vkAllocateMemory: (device: VkDevice, pAllocateInfo: bigint, pAllocator: bigint, pMemory: bigint) => number;
  /** Core 1.0. */
  vkFreeMemory: (device: VkDevice, memory: VkDeviceMemory, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkMapMemory: (device: VkDevice, memory: VkDeviceMemory, offset: bigint, size: bigint, flags: number, ppData: bigint) => number;
  /** Core 1.0. */
  vkUnmapMemory: (device: VkDevice, memory: VkDeviceMemory) => void;
  /** Core 1.0. */
  vkFlushMappedMemoryRanges: (device: VkDevice, memoryRangeCount: number, pMemoryRanges: bigint) => number;
  /** Core 1.0. */
  vkInvalidateMappedMemoryRanges: (device: VkDevice, memoryRangeCount: number, pMemoryRanges: bigint) => number;
  /** Core 1.0. */
  vkCreateBuffer: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pBuffer: bigint) => number;
  /** Core 1.0. */
  vkDestroyBuffer: (device: VkDevice, buffer: VkBuffer, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkGetBufferMemoryRequirements: (device: VkDevice, buffer: VkBuffer, pMemoryRequirements: bigint) => void;
  /** Core 1.1. */
  vkGetBufferMemoryRequirements2: (device: VkDevice, pInfo: bigint, pMemoryRequirements: bigint) => void;
  /** Core 1.0. */
  vkBindBufferMemory: (device: VkDevice, buffer: VkBuffer, memory: VkDeviceMemory, memoryOffset: bigint) => number;
  /** Core 1.2. */
  vkGetBufferDeviceAddress: (device: VkDevice, pInfo: bigint) => bigint;
  /** Core 1.0. */
  vkCreateBufferView: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pView: bigint) => number;
  /** Core 1.0. */
  vkDestroyBufferView: (device: VkDevice, bufferView: VkBufferView, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkCreateImage: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pImage: bigint) => number;
  /** Core 1.0. */
  vkDestroyImage: (device: VkDevice, image: VkImage, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkGetImageMemoryRequirements: (device: VkDevice, image: VkImage, pMemoryRequirements: bigint) => void;
  /** Core 1.0. */
  vkGetImageSubresourceLayout: (device: VkDevice, image: VkImage, pSubresource: bigint, pLayout: bigint) => void;
  /** Core 1.0. */
  vkBindImageMemory: (device: VkDevice, image: VkImage, memory: VkDeviceMemory, memoryOffset: bigint) => number;
  /** Core 1.0. */
  vkCreateShaderModule: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pShaderModule: bigint) => number;
  /** Core 1.0. */
  vkDestroyShaderModule: (device: VkDevice, shaderModule: VkShaderModule, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkCreatePipelineCache: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pPipelineCache: bigint) => number;
  /** Core 1.0. */
  vkGetPipelineCacheData: (device: VkDevice, pipelineCache: VkPipelineCache, pDataSize: bigint, pData: bigint) => number;
  /** Core 1.0. */
  vkMergePipelineCaches: (device: VkDevice, dstCache: VkPipelineCache, srcCacheCount: number, pSrcCaches: bigint) => number;
  /** Core 1.0. */
  vkDestroyPipelineCache: (device: VkDevice, pipelineCache: VkPipelineCache, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkCreatePipelineLayout: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pPipelineLayout: bigint) => number;
  /** Core 1.0. */
  vkDestroyPipelineLayout: (device: VkDevice, pipelineLayout: VkPipelineLayout, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkCreateComputePipelines: (device: VkDevice, pipelineCache: VkPipelineCache, createInfoCount: number, pCreateInfos: bigint, pAllocator: bigint, pPipelines: bigint) => number;
  /** vkCreateComputePipelines on another thread; `null` where the runtime cannot. */
  vkCreateComputePipelinesAsync: ((device: VkDevice, pipelineCache: VkPipelineCache, createInfoCount: number, pCreateInfos: bigint, pAllocator: bigint, pPipelines: bigint) => Promise<number>) | null;
  /** Core 1.0. */
  vkDestroyPipeline: (device: VkDevice, pipeline: VkPipeline, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkCreateDescriptorSetLayout: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pSetLayout: bigint) => number;
  /** Core 1.0. */
  vkDestroyDescriptorSetLayout: (device: VkDevice, descriptorSetLayout: VkDescriptorSetLayout, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkCreateDescriptorPool: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pDescriptorPool: bigint) => number;
  /** Core 1.0. */
  vkResetDescriptorPool: (device: VkDevice, descriptorPool: VkDescriptorPool, flags: number) => number;
  /** Core 1.0. */
  vkDestroyDescriptorPool: (device: VkDevice, descriptorPool: VkDescriptorPool, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkAllocateDescriptorSets: (device: VkDevice, pAllocateInfo: bigint, pDescriptorSets: bigint) => number;
  /** Core 1.0. */
  vkFreeDescriptorSets: (device: VkDevice, descriptorPool: VkDescriptorPool, descriptorSetCount: number, pDescriptorSets: bigint) => number;
  /** Core 1.0. */
  vkUpdateDescriptorSets: (device: VkDevice, descriptorWriteCount: number, pDescriptorWrites: bigint, descriptorCopyCount: number, pDescriptorCopies: bigint) => void;
  /** Core 1.1. */
  vkCreateDescriptorUpdateTemplate: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pDescriptorUpdateTemplate: bigint) => number;
  /** Core 1.1. */
  vkDestroyDescriptorUpdateTemplate: (device: VkDevice, descriptorUpdateTemplate: VkDescriptorUpdateTemplate, pAllocator: bigint) => void;
  /** Core 1.1. */
  vkUpdateDescriptorSetWithTemplate: (device: VkDevice, descriptorSet: VkDescriptorSet, descriptorUpdateTemplate: VkDescriptorUpdateTemplate, pData: bigint) => void;
  /** Core 1.0. */
  vkCreateCommandPool: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pCommandPool: bigint) => number;
  /** Core 1.0. */
  vkResetCommandPool: (device: VkDevice, commandPool: VkCommandPool, flags: number) => number;
  /** Core 1.1. */
  vkTrimCommandPool: (device: VkDevice, commandPool: VkCommandPool, flags: number) => void;
  /** Core 1.0. */
  vkDestroyCommandPool: (device: VkDevice, commandPool: VkCommandPool, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkAllocateCommandBuffers: (device: VkDevice, pAllocateInfo: bigint, pCommandBuffers: bigint) => number;
  /** Core 1.0. */
  vkFreeCommandBuffers: (device: VkDevice, commandPool: VkCommandPool, commandBufferCount: number, pCommandBuffers: bigint) => void;
  /** Core 1.0. */
  vkBeginCommandBuffer: (commandBuffer: VkCommandBuffer, pBeginInfo: bigint) => number;
  /** Core 1.0. */
  vkEndCommandBuffer: (commandBuffer: VkCommandBuffer) => number;
  /** Core 1.0. */
  vkResetCommandBuffer: (commandBuffer: VkCommandBuffer, flags: number) => number;
  /** Core 1.0. */
  vkCmdBindPipeline: (commandBuffer: VkCommandBuffer, pipelineBindPoint: number, pipeline: VkPipeline) => void;
  /** Core 1.0. */
  vkCmdBindDescriptorSets: (commandBuffer: VkCommandBuffer, pipelineBindPoint: number, layout: VkPipelineLayout, firstSet: number, descriptorSetCount: number, pDescriptorSets: bigint, dynamicOffsetCount: number, pDynamicOffsets: bigint) => void;
  /** Core 1.0. */
  vkCmdPushConstants: (commandBuffer: VkCommandBuffer, layout: VkPipelineLayout, stageFlags: number, offset: number, size: number, pValues: bigint) => void;
  /** Core 1.0. */
  vkCmdDispatch: (commandBuffer: VkCommandBuffer, groupCountX: number, groupCountY: number, groupCountZ: number) => void;
  /** Core 1.0. */
  vkCmdDispatchIndirect: (commandBuffer: VkCommandBuffer, buffer: VkBuffer, offset: bigint) => void;
  /** Core 1.0. */
  vkCmdPipelineBarrier: (commandBuffer: VkCommandBuffer, srcStageMask: number, dstStageMask: number, dependencyFlags: number, memoryBarrierCount: number, pMemoryBarriers: bigint, bufferMemoryBarrierCount: number, pBufferMemoryBarriers: bigint, imageMemoryBarrierCount: number, pImageMemoryBarriers: bigint) => void;
  /** Core 1.0. */
  vkCmdCopyBuffer: (commandBuffer: VkCommandBuffer, srcBuffer: VkBuffer, dstBuffer: VkBuffer, regionCount: number, pRegions: bigint) => void;
  /** Core 1.0. */
  vkCmdCopyBufferToImage: (commandBuffer: VkCommandBuffer, srcBuffer: VkBuffer, dstImage: VkImage, dstImageLayout: number, regionCount: number, pRegions: bigint) => void;
  /** Core 1.0. */
  vkCmdCopyImageToBuffer: (commandBuffer: VkCommandBuffer, srcImage: VkImage, srcImageLayout: number, dstBuffer: VkBuffer, regionCount: number, pRegions: bigint) => void;
  /** Core 1.0. */
  vkCmdFillBuffer: (commandBuffer: VkCommandBuffer, dstBuffer: VkBuffer, dstOffset: bigint, size: bigint, data: number) => void;
  /** Core 1.0. */
  vkCmdUpdateBuffer: (commandBuffer: VkCommandBuffer, dstBuffer: VkBuffer, dstOffset: bigint, dataSize: bigint, pData: bigint) => void;
  /** Core 1.0. */
  vkCmdExecuteCommands: (commandBuffer: VkCommandBuffer, commandBufferCount: number, pCommandBuffers: bigint) => void;
  /** Core 1.0. */
  vkCreateQueryPool: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pQueryPool: bigint) => number;
  /** Core 1.0. */
  vkDestroyQueryPool: (device: VkDevice, queryPool: VkQueryPool, pAllocator: bigint) => void;
  /** Core 1.2. */
  vkResetQueryPool: (device: VkDevice, queryPool: VkQueryPool, firstQuery: number, queryCount: number) => void;
  /** Core 1.0. */
  vkCmdResetQueryPool: (commandBuffer: VkCommandBuffer, queryPool: VkQueryPool, firstQuery: number, queryCount: number) => void;
  /** Core 1.0. */
  vkCmdWriteTimestamp: (commandBuffer: VkCommandBuffer, pipelineStage: number, queryPool: VkQueryPool, query: number) => void;
  /** Core 1.0. */
  vkCmdCopyQueryPoolResults: (commandBuffer: VkCommandBuffer, queryPool: VkQueryPool, firstQuery: number, queryCount: number, dstBuffer: VkBuffer, dstOffset: bigint, stride: bigint, flags: number) => void;
  /** Core 1.0. */
  vkGetQueryPoolResults: (device: VkDevice, queryPool: VkQueryPool, firstQuery: number, queryCount: number, dataSize: bigint | number, pData: bigint, stride: bigint, flags: number) => number;
  /** Core 1.0. */
  vkCreateSemaphore: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pSemaphore: bigint) => number;
  /** Core 1.0. */
  vkDestroySemaphore: (device: VkDevice, semaphore: VkSemaphore, pAllocator: bigint) => void;
  /** Core 1.2. */
  vkGetSemaphoreCounterValue: (device: VkDevice, semaphore: VkSemaphore, pValue: bigint) => number;
  /** Core 1.2. */
  vkWaitSemaphores: (device: VkDevice, pWaitInfo: bigint, timeout: bigint) => number;
  /** vkWaitSemaphores on another thread; `null` where the runtime cannot. */
  vkWaitSemaphoresAsync: ((device: VkDevice, pWaitInfo: bigint, timeout: bigint) => Promise<number>) | null;
  /** Core 1.2. */
  vkSignalSemaphore: (device: VkDevice, pSignalInfo: bigint) => number;
  /** Core 1.0. */
  vkCreateFence: (device: VkDevice, pCreateInfo: bigint, pAllocator: bigint, pFence: bigint) => number;
  /** Core 1.0. */
  vkDestroyFence: (device: VkDevice, fence: VkFence, pAllocator: bigint) => void;
  /** Core 1.0. */
  vkResetFences: (device: VkDevice, fenceCount: number, pFences: bigint) => number;
  /** Core 1.0. */
  vkGetFenceStatus: (device: VkDevice, fence: VkFence) => number;
  /** Core 1.0. */
  vkWaitForFences: (device: VkDevice, fenceCount: number, pFences: bigint, waitAll: number, timeout: bigint) => number;
}

/** Symbol table of the commands. */
export const commandTable: NativeTable = {
  vkEnumerateInstanceVersion: { parameters: ["u64"], result: "i32", optional: true },
  vkEnumerateInstanceLayerProperties: { parameters: ["u64", "u64"], result: "i32" },
  vkEnumerateInstanceExtensionProperties: { parameters: ["u64", "u64", "u64"], result: "i32" },
  vkCreateInstance: { parameters: ["u64", "u64", "u64"], result: "i32" },
  vkDestroyInstance: { parameters: ["u64", "u64"], result: "void" },
  vkEnumeratePhysicalDevices: { parameters: ["u64", "u64", "u64"], result: "i32" },
  vkGetPhysicalDeviceProperties2: { parameters: ["u64", "u64"], result: "void", optional: true },
  vkGetPhysicalDeviceFeatures2: { parameters: ["u64", "u64"], result: "void", optional: true },
  vkGetPhysicalDeviceMemoryProperties2: { parameters: ["u64", "u64"], result: "void", optional: true },
  vkGetPhysicalDeviceQueueFamilyProperties2: { parameters: ["u64", "u64", "u64"], result: "void", optional: true },
  vkGetPhysicalDeviceFormatProperties: { parameters: ["u64", "i32", "u64"], result: "void" },
  vkGetPhysicalDeviceImageFormatProperties: { parameters: ["u64", "i32", "i32", "i32", "u32", "u32", "u64"], result: "i32" },
  vkEnumerateDeviceExtensionProperties: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkCreateDevice: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkDestroyDevice: { parameters: ["u64", "u64"], result: "void" },
  vkGetDeviceQueue: { parameters: ["u64", "u32", "u32", "u64"], result: "void" },
  vkDeviceWaitIdle: { parameters: ["u64"], result: "i32" },
  vkQueueSubmit: { parameters: ["u64", "u32", "u64", "u64"], result: "i32" },
  vkQueueWaitIdle: { parameters: ["u64"], result: "i32" },
  vkAllocateMemory: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkFreeMemory: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkMapMemory: { parameters: ["u64", "u64", "u64", "u64", "u32", "u64"], result: "i32" },
  vkUnmapMemory: { parameters: ["u64", "u64"], result: "void" },
  vkFlushMappedMemoryRanges: { parameters: ["u64", "u32", "u64"], result: "i32" },
  vkInvalidateMappedMemoryRanges: { parameters: ["u64", "u32", "u64"], result: "i32" },
  vkCreateBuffer: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkDestroyBuffer: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkGetBufferMemoryRequirements: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkGetBufferMemoryRequirements2: { parameters: ["u64", "u64", "u64"], result: "void", optional: true },
  vkBindBufferMemory: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkGetBufferDeviceAddress: { parameters: ["u64", "u64"], result: "u64", optional: true },
  vkCreateBufferView: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkDestroyBufferView: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkCreateImage: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkDestroyImage: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkGetImageMemoryRequirements: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkGetImageSubresourceLayout: { parameters: ["u64", "u64", "u64", "u64"], result: "void" },
  vkBindImageMemory: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkCreateShaderModule: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkDestroyShaderModule: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkCreatePipelineCache: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkGetPipelineCacheData: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkMergePipelineCaches: { parameters: ["u64", "u64", "u32", "u64"], result: "i32" },
  vkDestroyPipelineCache: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkCreatePipelineLayout: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkDestroyPipelineLayout: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkCreateComputePipelines: { parameters: ["u64", "u64", "u32", "u64", "u64", "u64"], result: "i32" },
  vkCreateComputePipelinesAsync: { parameters: ["u64", "u64", "u32", "u64", "u64", "u64"], result: "i32", symbol: "vkCreateComputePipelines", nonblocking: true, optional: true },
  vkDestroyPipeline: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkCreateDescriptorSetLayout: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkDestroyDescriptorSetLayout: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkCreateDescriptorPool: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkResetDescriptorPool: { parameters: ["u64", "u64", "u32"], result: "i32" },
  vkDestroyDescriptorPool: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkAllocateDescriptorSets: { parameters: ["u64", "u64", "u64"], result: "i32" },
  vkFreeDescriptorSets: { parameters: ["u64", "u64", "u32", "u64"], result: "i32" },
  vkUpdateDescriptorSets: { parameters: ["u64", "u32", "u64", "u32", "u64"], result: "void" },
  vkCreateDescriptorUpdateTemplate: { parameters: ["u64", "u64", "u64", "u64"], result: "i32", optional: true },
  vkDestroyDescriptorUpdateTemplate: { parameters: ["u64", "u64", "u64"], result: "void", optional: true },
  vkUpdateDescriptorSetWithTemplate: { parameters: ["u64", "u64", "u64", "u64"], result: "void", optional: true },
  vkCreateCommandPool: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkResetCommandPool: { parameters: ["u64", "u64", "u32"], result: "i32" },
  vkTrimCommandPool: { parameters: ["u64", "u64", "u32"], result: "void", optional: true },
  vkDestroyCommandPool: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkAllocateCommandBuffers: { parameters: ["u64", "u64", "u64"], result: "i32" },
  vkFreeCommandBuffers: { parameters: ["u64", "u64", "u32", "u64"], result: "void" },
  vkBeginCommandBuffer: { parameters: ["u64", "u64"], result: "i32" },
  vkEndCommandBuffer: { parameters: ["u64"], result: "i32" },
  vkResetCommandBuffer: { parameters: ["u64", "u32"], result: "i32" },
  vkCmdBindPipeline: { parameters: ["u64", "i32", "u64"], result: "void" },
  vkCmdBindDescriptorSets: { parameters: ["u64", "i32", "u64", "u32", "u32", "u64", "u32", "u64"], result: "void" },
  vkCmdPushConstants: { parameters: ["u64", "u64", "u32", "u32", "u32", "u64"], result: "void" },
  vkCmdDispatch: { parameters: ["u64", "u32", "u32", "u32"], result: "void" },
  vkCmdDispatchIndirect: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkCmdPipelineBarrier: { parameters: ["u64", "u32", "u32", "u32", "u32", "u64", "u32", "u64", "u32", "u64"], result: "void" },
  vkCmdCopyBuffer: { parameters: ["u64", "u64", "u64", "u32", "u64"], result: "void" },
  vkCmdCopyBufferToImage: { parameters: ["u64", "u64", "u64", "i32", "u32", "u64"], result: "void" },
  vkCmdCopyImageToBuffer: { parameters: ["u64", "u64", "i32", "u64", "u32", "u64"], result: "void" },
  vkCmdFillBuffer: { parameters: ["u64", "u64", "u64", "u64", "u32"], result: "void" },
  vkCmdUpdateBuffer: { parameters: ["u64", "u64", "u64", "u64", "u64"], result: "void" },
  vkCmdExecuteCommands: { parameters: ["u64", "u32", "u64"], result: "void" },
  vkCreateQueryPool: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkDestroyQueryPool: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkResetQueryPool: { parameters: ["u64", "u64", "u32", "u32"], result: "void", optional: true },
  vkCmdResetQueryPool: { parameters: ["u64", "u64", "u32", "u32"], result: "void" },
  vkCmdWriteTimestamp: { parameters: ["u64", "i32", "u64", "u32"], result: "void" },
  vkCmdCopyQueryPoolResults: { parameters: ["u64", "u64", "u32", "u32", "u64", "u64", "u64", "u32"], result: "void" },
  vkGetQueryPoolResults: { parameters: ["u64", "u64", "u32", "u32", "usize", "u64", "u64", "u32"], result: "i32" },
  vkCreateSemaphore: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkDestroySemaphore: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkGetSemaphoreCounterValue: { parameters: ["u64", "u64", "u64"], result: "i32", optional: true },
  vkWaitSemaphores: { parameters: ["u64", "u64", "u64"], result: "i32", optional: true },
  vkWaitSemaphoresAsync: { parameters: ["u64", "u64", "u64"], result: "i32", symbol: "vkWaitSemaphores", nonblocking: true, optional: true },
  vkSignalSemaphore: { parameters: ["u64", "u64"], result: "i32", optional: true },
  vkCreateFence: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },
  vkDestroyFence: { parameters: ["u64", "u64", "u64"], result: "void" },
  vkResetFences: { parameters: ["u64", "u32", "u64"], result: "i32" },
  vkGetFenceStatus: { parameters: ["u64", "u64"], result: "i32" },
  vkWaitForFences: { parameters: ["u64", "u32", "u64", "u32", "u64"], result: "i32" },
};

/** Core version that brought a command, for those newer than 1.0. */
export const commandVersions: Readonly<Record<string, string>> = {
  vkEnumerateInstanceVersion: "1.1",
  vkGetPhysicalDeviceProperties2: "1.1",
  vkGetPhysicalDeviceFeatures2: "1.1",
  vkGetPhysicalDeviceMemoryProperties2: "1.1",
  vkGetPhysicalDeviceQueueFamilyProperties2: "1.1",
  vkGetBufferMemoryRequirements2: "1.1",
  vkGetBufferDeviceAddress: "1.2",
  vkCreateDescriptorUpdateTemplate: "1.1",
  vkDestroyDescriptorUpdateTemplate: "1.1",
  vkUpdateDescriptorSetWithTemplate: "1.1",
  vkTrimCommandPool: "1.1",
  vkResetQueryPool: "1.2",
  vkGetSemaphoreCounterValue: "1.2",
  vkWaitSemaphores: "1.2",
  vkSignalSemaphore: "1.2",
};
