/**
 * Where time and memory go: profiles of functions by operator and kernel, and what the memory of a
 * device is used for. {@linkcode Block.summary} tells the shapes and the work of a model's layers.
 *
 * ```ts
 * import { assert } from "@std/assert";
 * import { ones, relu } from "@vknn/vknn";
 * import { memoryReport, profile } from "@vknn/vknn/inspect";
 *
 * using x = ones([1, 3, 64, 64]);
 * const { result, operatorRows } = await profile(() => relu(x));
 * assert(operatorRows.some(({ label, calls }) => label === "Activation" && calls === 1));
 * result.dispose();
 * console.log(`${memoryReport()}`);
 * ```
 *
 * Importing it opens nothing.
 *
 * @module
 */
export { Device } from "./src/device/device.ts";
export type { LabelMemory, MemoryStatistics } from "./src/device/buffer_store.ts";
export type { AnnouncedWork, KernelTiming, KernelWork } from "./src/device/profiler.ts";
export { MemoryReport, memoryReport } from "./src/inspect/memory.ts";
export { Profile, profile, type ProfileOptions, type ProfileRow } from "./src/inspect/profile.ts";
export type { ChromeTrace, ChromeTraceEvent } from "./src/inspect/trace.ts";
export { Summary, type SummaryRow } from "./src/nn/summary.ts";
