// Forged devices for planning tests: a CPU device, a large GPU, one with cooperative matrices, and the least that Vulkan allows.

import type { Capabilities } from "../../src/core/capabilities.ts";

const GPU: Capabilities = {
  deviceClass: "discrete",
  loadPath: "storage",
  winograd: true,
  precision: "highest",
  processors: 132,
  subgroupSize: 32,
  subgroupShuffle: true,
  float16: true,
  cooperativeMatrix: null,
  int64: true,
  bufferDeviceAddress: true,
  maxWorkgroupCount: [2 ** 31 - 1, 65_535, 65_535],
  maxWorkgroupSize: [1_024, 1_024, 64],
  maxWorkgroupInvocations: 1_024,
  maxSharedMemoryBytes: 49_152,
  maxStorageBufferRange: 2 ** 32 - 1,
  maxTexelBufferElements: 2 ** 27,
  maxPushConstantBytes: 256,
};

/** Devices by name. */
export const FORGED: Readonly<Record<"gpu" | "matrices" | "cpu" | "least", Capabilities>> = {
  gpu: GPU,
  matrices: { ...GPU, cooperativeMatrix: { m: 16, n: 16, k: 16 }, precision: "high" },
  cpu: {
    ...GPU,
    deviceClass: "cpu",
    loadPath: "texel",
    rowCopies: { images: { rowBytes: 64, rows: 4, maxExtent: 16_384, maxLayers: 2_048 } },
    processors: 2,
    subgroupSize: 8,
    maxWorkgroupCount: [65_535, 65_535, 65_535],
    maxSharedMemoryBytes: 32_768,
    maxStorageBufferRange: 2 ** 27,
    maxPushConstantBytes: 128,
  },
  least: {
    ...GPU,
    deviceClass: "integrated",
    processors: 8,
    subgroupSize: 1,
    subgroupShuffle: false,
    float16: false,
    int64: false,
    bufferDeviceAddress: false,
    maxWorkgroupCount: [65_535, 65_535, 65_535],
    maxWorkgroupSize: [128, 128, 64],
    maxWorkgroupInvocations: 128,
    maxSharedMemoryBytes: 16_384,
    maxStorageBufferRange: 2 ** 27,
    maxTexelBufferElements: 65_536,
    maxPushConstantBytes: 128,
  },
};
