// What a caller may say when a device is opened, and what only tests may say.

import type { VulkanCommands } from "../../ffi/vulkan/commands.ts";
import type { Capabilities } from "../core/capabilities.ts";
import {
  anything,
  boolean,
  describe,
  number,
  oneOf,
  optional,
  readOptions,
} from "../core/options.ts";
import type { AdapterRecord, AdapterType } from "./adapter.ts";

/** Something worth telling the person who runs the program; the module itself never prints. */
export interface LogEvent {
  /** `notice` is worth showing once; `debug` is for finding out what happened. */
  readonly level: "notice" | "debug";
  /** One sentence. */
  readonly message: string;
}

/** Options of {@linkcode Device.open}. */
export interface DeviceOptions {
  /**
   * Index in {@linkcode listAdapters}, a type, or a part of the name or UUID. Without it the variable `VKNN_ADAPTER` is asked
   * where it may be read without a prompt, and then the best type wins: discrete, integrated, virtual, cpu.
   */
  readonly adapter?: number | string | AdapterType;
  /** Path of the Vulkan loader; searched for if omitted. */
  readonly library?: string;
  /** Upper bound of the device memory taken; 80 % of the largest device-local heap if omitted. */
  readonly memoryBudgetBytes?: number;
  /** How long a wait may see no progress before it fails with `DeadlineError`; 60,000 if omitted. */
  readonly timeoutMilliseconds?: number;
  /** Clamp stray accesses of kernels (robust buffer access): slower, for development. */
  readonly validate?: boolean;
  /** How CPU kernels load operands; measured if omitted. */
  readonly loadPath?: Capabilities["loadPath"];
  /**
   * False forbids Winograd kernels: 3x3 and 5x5 convolutions of CPU devices then round as little as the direct ones (the errors
   * of both are in docs/performance_layers.md), and take longer. True if omitted.
   */
  readonly winograd?: boolean;
  /**
   * `high` lets GPUs with cooperative matrices compute float32 convolutions in two parts of float16 each, which is faster and
   * rounds more (tests hold it to 4e-6 of the sum of magnitudes). Infinite operands then give NaN. `highest` if omitted.
   */
  readonly precision?: Capabilities["precision"];
  /**
   * Folder in which compiled kernels are kept for the next start of the program, one file for each device and driver, and
   * with `tune` the results of tuning in another. Nothing is read or written if omitted. A file that does not fit is ignored and replaced.
   */
  readonly cacheDirectory?: string;
  /**
   * True measures the variants of convolutions when a shape first comes, which blocks that call, and takes the fastest from
   * then on; `"saved"` only takes what {@linkcode Tuning.load} or a file of `cacheDirectory` brought. Variants differ in
   * rounding, so that two programs agree in every bit only where they share these results. False if omitted.
   */
  readonly tune?: boolean | "saved";
  /** Receives notices, such as that only a software device was found. */
  readonly log?: (event: LogEvent) => void;
}

/** Options for tests: they force paths that the device at hand would not take. */
export interface InternalDeviceOptions extends DeviceOptions {
  /** Force transfers through staging buffers, or through mapped memory where there is such a memory type. */
  readonly transfers?: "staging" | "mapped";
  /** Changes what the driver reports before anything reads it. */
  readonly forgeAdapter?: (record: AdapterRecord) => AdapterRecord;
  /** Wraps the commands, to make the N-th call fail. */
  readonly wrapCommands?: (commands: VulkanCommands) => VulkanCommands;
  /** Bytes of one memory block. */
  readonly blockBytes?: number;
}

const LOAD_PATHS = ["texel", "storage", "address"] as const;

/**
 * Refuses wrong options before any native call.
 *
 * @param options What the caller gave.
 * @returns The same options.
 * @throws {TypeError} For a wrong type or an unknown key.
 * @throws {RangeError} For a value that cannot be.
 */
export function checkDeviceOptions(options: DeviceOptions | undefined): InternalDeviceOptions {
  const where = "open a device";
  readOptions(where, options, {
    adapter: anything,
    library: anything,
    memoryBudgetBytes: optional(number({ minimum: 1 })),
    timeoutMilliseconds: optional(number({ minimum: 1 })),
    validate: boolean(false),
    loadPath: optional(oneOf(LOAD_PATHS)),
    winograd: optional(boolean(true)),
    precision: optional(oneOf(["highest", "high"])),
    cacheDirectory: anything,
    tune: anything,
    log: anything,
    transfers: optional(oneOf(["staging", "mapped"])),
    forgeAdapter: anything,
    wrapCommands: anything,
    blockBytes: optional(number({ minimum: 4096 })),
  });
  const given: InternalDeviceOptions = options ?? {};
  const { adapter, cacheDirectory, library, log, tune } = given as Record<string, unknown>;
  if (adapter !== undefined && typeof adapter !== "number" && typeof adapter !== "string") {
    throw wrongType("adapter", adapter, "an index, a type or a part of the name");
  }
  if (library !== undefined && typeof library !== "string") {
    throw wrongType("library", library, "the path of the Vulkan loader");
  }
  if (
    cacheDirectory !== undefined && (typeof cacheDirectory !== "string" || cacheDirectory === "")
  ) {
    throw wrongType("cacheDirectory", cacheDirectory, "the path of a folder");
  }
  if (tune !== undefined && typeof tune !== "boolean" && tune !== "saved") {
    throw wrongType("tune", tune, 'true, false or "saved"');
  }
  if (log !== undefined && typeof log !== "function") {
    throw wrongType("log", log, "a function");
  }
  return given;
}

/**
 * Whether a text names a load path.
 *
 * @param value Any text.
 * @returns True for the three names.
 */
export function isLoadPath(value: string | undefined): value is Capabilities["loadPath"] {
  return LOAD_PATHS.some((path) => path === value);
}

function wrongType(name: string, value: unknown, allowed: string): TypeError {
  return new TypeError(`Cannot open a device: ${name} is ${describe(value)}, expected ${allowed}`);
}
