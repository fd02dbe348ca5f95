// The driver's pipeline cache in a file: a header of our own says for which device, driver and kernels it was made and
// proves that no byte was changed, because drivers trust what they are given. Anything unexpected is a miss, never an error.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { readWhole, writeWhole } from "./whole_file.ts";

/** Most bytes of a driver's cache, read or written. */
export const MAX_CACHE_BYTES: number = 64 * 2 ** 20;

/** For what a cache is valid. */
export interface CacheIdentity {
  /** `VkPhysicalDeviceProperties.vendorID`. */
  readonly vendorId: number;
  /** `VkPhysicalDeviceProperties.deviceID`. */
  readonly deviceId: number;
  /** `VkPhysicalDeviceProperties.driverVersion`. */
  readonly driverVersion: number;
  /** `VkPhysicalDeviceProperties.pipelineCacheUUID`, 16 bytes. */
  readonly cacheUuid: Uint8Array;
  /** SHA-256 over all kernels, in hexadecimal digits. */
  readonly kernelHash: string;
}

const MAGIC = new TextEncoder().encode("vknnpc01");

// Magic, vendor, device, driver version, 0, UUID, kernel hash, payload's length and hash.
const AT_VENDOR = 8;
const AT_UUID = 24;
const AT_KERNELS = 40;
const AT_LENGTH = 72;
const AT_HASH = 80;
const HEADER_BYTES = 112;

/** Bytes of the header that drivers put in front (`VkPipelineCacheHeaderVersionOne`). */
const DRIVER_HEADER_BYTES = 32;

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/**
 * One hash of many texts.
 *
 * @param texts The texts, in order.
 * @returns SHA-256 in hexadecimal digits.
 */
export function hashTexts(texts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text.length} ${text}`);
  return hash.digest("hex");
}

function headerOf(identity: CacheIdentity, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(MAGIC);
  view.setUint32(AT_VENDOR, identity.vendorId, true);
  view.setUint32(AT_VENDOR + 4, identity.deviceId, true);
  view.setUint32(AT_VENDOR + 8, identity.driverVersion, true);
  header.set(identity.cacheUuid.subarray(0, 16), AT_UUID);
  for (let i = 0; i < 32; i++) {
    header[AT_KERNELS + i] = parseInt(identity.kernelHash.slice(i * 2, i * 2 + 2), 16);
  }
  view.setBigUint64(AT_LENGTH, BigInt(payload.length), true);
  header.set(sha256(payload), AT_HASH);
  return header;
}

/**
 * A name for files that are valid for one device, driver and set of kernels.
 *
 * @param identity The device, driver and kernels.
 * @returns 24 hexadecimal digits.
 */
export function identityName(identity: CacheIdentity): string {
  const hash = createHash("sha256").update(headerOf(identity, new Uint8Array(0)));
  return hash.digest("hex").slice(0, 24);
}

/** Whether the driver's own header names this device. */
function isForDevice(identity: CacheIdentity, payload: Uint8Array): boolean {
  if (payload.length < DRIVER_HEADER_BYTES) return false;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return view.getUint32(0, true) >= DRIVER_HEADER_BYTES &&
    view.getUint32(0, true) <= payload.length &&
    view.getUint32(4, true) === 1 &&
    view.getUint32(8, true) === identity.vendorId >>> 0 &&
    view.getUint32(12, true) === identity.deviceId >>> 0 &&
    identity.cacheUuid.every((byte, i) => payload[16 + i] === byte);
}

/**
 * Puts the header in front of a driver's cache.
 *
 * @param identity For what it is valid.
 * @param payload What the driver gave.
 * @returns The bytes of the file.
 */
export function packCache(identity: CacheIdentity, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  bytes.set(headerOf(identity, payload));
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/**
 * Takes a driver's cache out of the bytes of a file.
 *
 * @param identity What it must be valid for.
 * @param bytes The bytes, from anywhere.
 * @returns The cache; undefined if anything differs.
 */
export function unpackCache(identity: CacheIdentity, bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < HEADER_BYTES || bytes.length > HEADER_BYTES + MAX_CACHE_BYTES) {
    return undefined;
  }
  const payload = bytes.subarray(HEADER_BYTES);
  const expected = headerOf(identity, payload);
  for (let i = 0; i < HEADER_BYTES; i++) if (bytes[i] !== expected[i]) return undefined;
  return isForDevice(identity, payload) ? payload : undefined;
}

/** A folder with one file for each device, driver and set of kernels. */
export class CacheFile {
  readonly #path: string;
  readonly #identity: CacheIdentity;

  /**
   * Touches nothing yet.
   *
   * @param directory The folder.
   * @param identity For what the cache is valid.
   */
  constructor(directory: string, identity: CacheIdentity) {
    this.#identity = identity;
    this.#path = join(directory, `vknn-${identityName(identity)}.pipelines`);
  }

  /** Where the file is. */
  get path(): string {
    return this.#path;
  }

  /**
   * Reads the file.
   *
   * @returns The driver's cache; undefined if there is no file, it may not be read, or it does not fit.
   */
  read(): Uint8Array | undefined {
    const bytes = readWhole(this.#path, HEADER_BYTES + MAX_CACHE_BYTES);
    return bytes === undefined ? undefined : unpackCache(this.#identity, bytes);
  }

  /**
   * Writes the file.
   *
   * @param payload What the driver gave.
   * @returns Why it was not written; undefined if it was.
   */
  write(payload: Uint8Array): string | undefined {
    if (payload.length > MAX_CACHE_BYTES) {
      return `it has ${payload.length} bytes, at most ${MAX_CACHE_BYTES} are kept`;
    }
    return writeWhole(this.#path, packCache(this.#identity, payload));
  }
}
