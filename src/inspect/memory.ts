// What a device's memory is used for.

import { checkInteger } from "../core/options.ts";
import type { LabelMemory, MemoryStatistics } from "../device/buffer_store.ts";
import type { Device } from "../device/device.ts";
import { printAsText } from "../nn/text.ts";
import { checkDevice, defaultDevice } from "../tensor/mod.ts";

/** Labels in the text. */
const LISTED = 10;

/** What {@linkcode memoryReport} found. As a string it is a table. */
export class MemoryReport {
  /** Name of the device. */
  readonly deviceName: string;
  /** Live, peak, reserved and pooled bytes. */
  readonly statistics: MemoryStatistics;
  /** The buffers in use by label, the largest first; the sum of their bytes is `liveBytes`. */
  readonly labels: readonly LabelMemory[];

  /**
   * Made by {@linkcode memoryReport}.
   *
   * @param deviceName Name of the device.
   * @param statistics The counts.
   * @param labels The buffers in use by label, the largest first.
   */
  constructor(
    deviceName: string,
    statistics: MemoryStatistics,
    labels: readonly LabelMemory[],
  ) {
    this.deviceName = deviceName;
    this.statistics = statistics;
    this.labels = labels;
  }

  /**
   * The counts, and a table of the largest labels.
   *
   * @param listed Most labels to list; 10 if omitted.
   * @returns The lines.
   * @throws {RangeError} If the number is negative or no integer.
   */
  toString(listed: number = LISTED): string {
    checkInteger("print a memory report", "listed", listed, { minimum: 0 });
    const { liveBytes, liveBuffers, peakBytes, reservedBytes, pooledBytes } = this.statistics;
    const rows = this.labels.slice(0, listed).map((row) => line(row.label, row));
    const others = this.labels.slice(listed);
    if (others.length > 0) {
      rows.push(line(`${others.length} other labels`, {
        liveBytes: others.reduce((sum, row) => sum + row.liveBytes, 0),
        liveBuffers: others.reduce((sum, row) => sum + row.liveBuffers, 0),
      }));
    }
    return [
      `${this.deviceName}: live ${formatBytes(liveBytes)} in ${liveBuffers} buffers, ` +
      `peak ${formatBytes(peakBytes)}, reserved ${formatBytes(reservedBytes)}, ` +
      `waiting for reuse ${formatBytes(pooledBytes)}`,
      "",
      "Label".padEnd(44) + "Buffers".padStart(11) + "Bytes".padStart(15),
      ...rows,
    ].join("\n");
  }
}

printAsText(MemoryReport.prototype);

function line(label: string, row: Omit<LabelMemory, "label">): string {
  const bytes = formatBytes(row.liveBytes);
  return label.padEnd(44) + String(row.liveBuffers).padStart(11) + bytes.padStart(15);
}

function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let power = 0;
  while (power < 3 && bytes >= 1024 ** (power + 1)) power++;
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/**
 * Tells what the memory of a device is used for: live, peak and reserved bytes, and the live ones by
 * label. Tensors have the label that they were made with, else the name of their operator or parameter.
 *
 * @param device The device; the default device if omitted.
 * @returns The counts.
 * @throws {TypeError} If it is no device.
 *
 * @example
 * ```ts
 * import { zeros } from "@vknn/vknn";
 * import { memoryReport } from "@vknn/vknn/inspect";
 * import { assertEquals } from "@std/assert";
 *
 * using x = zeros([256, 256], { label: "picture" });
 * const report = memoryReport(x.device);
 * console.log(`${report}`);
 * assertEquals(report.labels.find(({ label }) => label === "picture")?.liveBytes, 4 * 256 * 256);
 * ```
 */
export function memoryReport(device?: Device): MemoryReport {
  const chosen = device === undefined ? defaultDevice() : checkDevice("report memory", device);
  return new MemoryReport(chosen.adapter.name, chosen.memory(), chosen.memoryByLabel());
}
