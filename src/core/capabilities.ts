// What planning knows of a device: plain data, filled by src/device, read by src/kernels.

/** A product of small matrices that a subgroup computes together: m x k by k x n. */
export interface MatrixShape {
  /** Rows of the first factor and of the result. */
  readonly m: number;
  /** Columns of the second factor and of the result. */
  readonly n: number;
  /** Columns of the first factor, rows of the second. */
  readonly k: number;
}

/** Which variant of a kernel was measured to be the fastest for which work. */
export interface TuningTable {
  /**
   * The variant that was kept.
   *
   * @param signature Names the work: operator, shapes, attributes and what else plans depend on.
   * @returns Its name; undefined if nothing was measured.
   */
  find(signature: string): string | undefined;
}

/** What the planner knows of a device. */
export interface Capabilities {
  /** Kind of device; `cpu` is a software driver, whose kernels avoid barriers and shared memory. */
  readonly deviceClass: "cpu" | "integrated" | "discrete" | "virtual";
  /** How CPU kernels load operands fastest; found by a micro-probe when first needed. */
  readonly loadPath: "texel" | "storage" | "address";
  /** Whether Winograd kernels may be used, which round more than the direct ones. */
  readonly winograd: boolean;
  /** What was measured; absent where the planner decides alone. */
  readonly tuning?: TuningTable | undefined;
  /** Whether float32 products may be computed in parts of float16, which is faster and rounds more: `high`. */
  readonly precision: "highest" | "high";
  /** Processors that run workgroups at the same time; a guess where the driver does not tell. */
  readonly processors: number;
  /** Invocations that run in lockstep. */
  readonly subgroupSize: number;
  /** Whether invocations of a subgroup can read each other's values. */
  readonly subgroupShuffle: boolean;
  /** Whether shaders compute in float16. */
  readonly float16: boolean;
  /** The products of float16 matrices, added up in float32, that subgroups compute; null for none. */
  readonly cooperativeMatrix: MatrixShape | null;
  /** Whether shaders compute with 64-bit integers. */
  readonly int64: boolean;
  /** Whether shaders add 64-bit integers atomically. */
  readonly int64Atomics: boolean;
  /** Whether shaders may read buffers through 64-bit addresses. */
  readonly bufferDeviceAddress: boolean;
  /** Most workgroups of one dispatch on each axis. */
  readonly maxWorkgroupCount: readonly [number, number, number];
  /** Most invocations of one workgroup on each axis. */
  readonly maxWorkgroupSize: readonly [number, number, number];
  /** Most invocations of one workgroup in all. */
  readonly maxWorkgroupInvocations: number;
  /** Bytes of memory that a workgroup shares. */
  readonly maxSharedMemoryBytes: number;
  /** Bytes of one storage buffer binding. */
  readonly maxStorageBufferRange: number;
  /** Texels of one texel buffer view. */
  readonly maxTexelBufferElements: number;
  /** Bytes of the push constant block. */
  readonly maxPushConstantBytes: number;
}
