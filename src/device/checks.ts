// Checks of sizes and ranges; messages are made only where something is wrong.

import { checkInteger } from "../core/options.ts";
import type { DeviceBuffer } from "./buffers.ts";

/**
 * Checks the size of a buffer to allocate.
 *
 * @param byteLength Bytes.
 * @param label What for.
 * @throws {TypeError} If it is no number.
 * @throws {RangeError} If it is no integer above 0.
 */
export function checkSize(byteLength: number, label: string): void {
  if (Number.isSafeInteger(byteLength) && byteLength > 0) return;
  const size = { minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
  checkInteger(`allocate ${label}`, "byteLength", byteLength, size);
}

/**
 * Checks a range of bytes.
 *
 * @param verb What is to be done with it, for errors.
 * @param buffer The buffer.
 * @param byteOffset First byte.
 * @param byteLength Number of bytes.
 * @throws {TypeError} If one is no number.
 * @throws {RangeError} If the range is not within the buffer.
 */
export function checkRange(
  verb: string,
  buffer: DeviceBuffer,
  byteOffset: number,
  byteLength: number,
): void {
  const where = `${verb} ${buffer.label}`;
  const { byteLength: size } = buffer;
  checkInteger(where, "byteOffset", byteOffset, { minimum: 0, maximum: size });
  const maximum = size - byteOffset;
  checkInteger(where, "byteLength", byteLength, { minimum: 0, maximum });
}
