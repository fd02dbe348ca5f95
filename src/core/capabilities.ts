// What planning knows of a device: plain data, filled by src/device, read by src/kernels.

import {
  boolean,
  describe,
  integer,
  integerList,
  oneOf,
  type OptionRule,
  readOptions,
} from "./options.ts";

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

/** Linear images that a driver copies rows of: their layout is the plain one if sizes are multiples of these. */
export interface CopyImages {
  /** Bytes of a row. */
  readonly rowBytes: number;
  /** Rows of a layer. */
  readonly rows: number;
  /** Most texels of 4 bytes in a row, and most rows of a layer. */
  readonly maxExtent: number;
  /** Most layers. */
  readonly maxLayers: number;
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
  /** Copies of rows that the driver makes faster than kernels do; absent where kernels are as fast. */
  readonly rowCopies?: {
    /** Images that may stand for buffers; null for none. */
    readonly images: CopyImages | null;
  } | undefined;
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

const whole = integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const flag: OptionRule<boolean> = (where, name, value) =>
  boolean(false)(where, name, value ?? null);
const axes: OptionRule<number[]> = (where, name, value) => {
  const sizes = integerList({ minimum: 1, maximum: 2 ** 32 - 1 })(where, name, value);
  if (sizes.length === 3) return sizes;
  throw new RangeError(`Cannot ${where}: ${name} is ${describe(value)}, expected 3 integers`);
};

const matrix: OptionRule<unknown> = (where, name, value) => {
  if (value === null) return null;
  const size = integer({ minimum: 1 });
  return readOptions(`${where} with ${name}`, value ?? null, { m: size, n: size, k: size });
};

const table: OptionRule<unknown> = (where, name, value) => {
  if (value === undefined || typeof (value as TuningTable | null)?.find === "function") {
    return value;
  }
  throw new TypeError(
    `Cannot ${where}: ${name} is ${describe(value)}, expected an object with find()`,
  );
};

const copies: OptionRule<unknown> = (where, name, value) => {
  if (value === undefined) return value;
  const size = integer({ minimum: 1 });
  const images: OptionRule<unknown> = (inner, key, given) =>
    given === null ? null : readOptions(`${inner} with ${key}`, given ?? null, {
      rowBytes: size,
      rows: size,
      maxExtent: size,
      maxLayers: size,
    });
  return readOptions(`${where} with ${name}`, value ?? null, { images });
};

const rules: { readonly [Key in keyof Capabilities]: OptionRule<unknown> } = {
  deviceClass: oneOf(["cpu", "integrated", "discrete", "virtual"]),
  loadPath: oneOf(["texel", "storage", "address"]),
  winograd: flag,
  rowCopies: copies,
  processors: integer({ minimum: 1 }),
  subgroupSize: integer({ minimum: 1 }),
  subgroupShuffle: flag,
  float16: flag,
  cooperativeMatrix: matrix,
  tuning: table,
  precision: oneOf(["highest", "high"]),
  int64: flag,
  bufferDeviceAddress: flag,
  maxWorkgroupCount: axes,
  maxWorkgroupSize: axes,
  maxWorkgroupInvocations: integer({ minimum: 1 }),
  maxSharedMemoryBytes: whole,
  maxStorageBufferRange: whole,
  maxTexelBufferElements: whole,
  maxPushConstantBytes: whole,
};

const checked = new WeakSet<object>();

/**
 * Checks capabilities that came from a caller; the same object only once.
 *
 * @param where What is being done, for messages.
 * @param value The value to check.
 * @returns The capabilities.
 * @throws {TypeError} If it is no object, or a member is unknown, missing or of a wrong type.
 * @throws {RangeError} If a member is not allowed.
 */
export function checkCapabilities(where: string, value: unknown): Capabilities {
  if (typeof value !== "object" || value === null || !checked.has(value)) {
    readOptions(where, value ?? null, rules);
    checked.add(value as object);
  }
  return value as Capabilities;
}
