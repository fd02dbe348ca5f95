// Which adapter to open: by the caller's wish, by the environment, else the best type. Pure.

import * as vk from "../../ffi/vulkan/enums.ts";
import { DeviceError } from "../core/errors.ts";
import { ADAPTER_TYPES, type AdapterRecord, type AdapterType } from "./adapter.ts";

/** Environment variable that chooses the adapter. */
export const ADAPTER_VARIABLE = "VKNN_ADAPTER";

/** Oldest Vulkan version of a device that this module can use. */
const REQUIRED_VERSION = "1.2";

/**
 * Chooses an adapter.
 *
 * @param records All adapters.
 * @param wish The `adapter` option: an index, a type, or a part of the name or UUID.
 * @param variable Value of `VKNN_ADAPTER`; counts only without a wish.
 * @returns The adapter to open.
 * @throws {DeviceError} If nothing fits the wish, or what fits cannot compute; says which property is missing.
 */
export function chooseAdapter(
  records: readonly AdapterRecord[],
  wish: number | string | undefined,
  variable: string | undefined,
): AdapterRecord {
  const wanted = wish ?? (variable === "" ? undefined : variable);
  const source = wish !== undefined ? "the adapter option" : `the variable ${ADAPTER_VARIABLE}`;
  const fitting = wanted === undefined ? [...records] : matching(records, wanted);
  if (fitting.length === 0) {
    throw new DeviceError(
      `Cannot open a device: ${source} is ${JSON.stringify(wanted)}, expected one of:\n` +
        records.map(describeAdapter).join("\n"),
    );
  }
  fitting.sort((a, b) => rank(a.adapter.type) - rank(b.adapter.type));
  const usable = fitting.find((record) => unusableBecause(record) === undefined);
  if (usable !== undefined) return usable;
  throw new DeviceError(
    "Cannot open a device: " +
      fitting.map((record) => `${record.adapter.name}: ${unusableBecause(record)}`).join("; ") +
      ". Update the driver, or choose another adapter.",
  );
}

/**
 * What keeps an adapter from being used.
 *
 * @param record The adapter.
 * @returns The property, the value found and the one expected; undefined if the adapter is usable.
 */
export function unusableBecause(record: AdapterRecord): string | undefined {
  const { adapter, queueFamilies } = record;
  const [major = 0, minor = 0] = adapter.apiVersion.split(".").map(Number);
  if (major < 1 || (major === 1 && minor < 2)) {
    return `its Vulkan version is ${adapter.apiVersion}, expected ${REQUIRED_VERSION} or newer`;
  }
  if (computeQueueFamily(record) < 0) {
    const flags = queueFamilies.map(({ queueFlags }) => `0x${queueFlags.toString(16)}`).join(", ");
    return `it has no compute queue: the queueFlags of its families are ${
      flags || "missing"
    }, expected VK_QUEUE_COMPUTE_BIT in one`;
  }
  if (!adapter.features.timelineSemaphore) {
    return "its feature timelineSemaphore is false, expected true";
  }
  return undefined;
}

/**
 * The queue family to use: computing without graphics where there is one with timestamps, because it runs beside the desktop.
 *
 * @param record The adapter.
 * @returns Index of the family, or -1.
 */
export function computeQueueFamily(record: AdapterRecord): number {
  let best = -1;
  let bestScore = -1;
  record.queueFamilies.forEach(({ queueFlags, timestampValidBits }, index) => {
    if ((queueFlags & vk.VK_QUEUE_COMPUTE_BIT) === 0) return;
    const score = ((queueFlags & vk.VK_QUEUE_GRAPHICS_BIT) === 0 ? 1 : 0) +
      (timestampValidBits > 0 ? 2 : 0);
    if (score > bestScore) [best, bestScore] = [index, score];
  });
  return best;
}

function matching(records: readonly AdapterRecord[], wanted: number | string): AdapterRecord[] {
  if (typeof wanted === "number" || /^\d+$/.test(wanted)) {
    const byIndex = records.filter(({ adapter }) => adapter.index === Number(wanted));
    // A number may be a part of the name too ("4090").
    if (typeof wanted === "number" || byIndex.length > 0) return byIndex;
  }
  const text = wanted.toLowerCase();
  if (ADAPTER_TYPES.some((type) => type === text)) {
    return records.filter(({ adapter }) => adapter.type === text);
  }
  return records.filter(({ adapter }) =>
    adapter.uuid === text || adapter.name.toLowerCase().includes(text)
  );
}

function rank(type: AdapterType): number {
  return ADAPTER_TYPES.indexOf(type);
}

function describeAdapter({ adapter }: AdapterRecord): string {
  return `  ${adapter.index}: ${adapter.name} (${adapter.type}, ${adapter.driverName} ${adapter.driverInfo})`;
}
