// What planning knows of a device: plain data, filled by src/device, read by src/kernels.

/** What the planner knows of a device. */
export interface Capabilities {
  readonly deviceClass: "cpu" | "integrated" | "discrete" | "virtual";
  /** How CPU kernels load operands fastest; found by a micro-probe when the device is opened. */
  readonly loadPath: "texel" | "storage" | "address";
  readonly subgroupSize: number;
  readonly subgroupShuffle: boolean;
  readonly float16: boolean;
  readonly bufferDeviceAddress: boolean;
  readonly maxWorkgroupCount: readonly [number, number, number];
  readonly maxWorkgroupSize: readonly [number, number, number];
  readonly maxWorkgroupInvocations: number;
  readonly maxSharedMemoryBytes: number;
  readonly maxStorageBufferRange: number;
  readonly maxTexelBufferElements: number;
  readonly maxPushConstantBytes: number;
}
