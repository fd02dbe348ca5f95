// The .npz format of NumPy, which is also what MXNet 2 writes as .params: a zip archive of .npy files.

import { deflateSync } from "fflate";
import { LimitError } from "../core/errors.ts";
import { boolean, describe, readOptions } from "../core/options.ts";
import { Budget, ByteReader, readLimits, type ReadOptions } from "./byte_reader.ts";
import { crc32 } from "./crc32.ts";
import { checkArrays, type FileArray, valueBytes } from "./file_array.ts";
import { checkBytes, npyHeader, parseNpy } from "./npy.ts";
import { readZip, unpack } from "./zip_reader.ts";

/** Options of {@linkcode encodeNpz}. */
export interface NpzWriteOptions {
  /** Deflate the arrays where that makes them smaller; false if omitted, as MXNet does. */
  readonly compress?: boolean;
}

/**
 * Reads a .npz file: of NumPy (`savez`, `savez_compressed`), or `.params` of MXNet 2.
 *
 * Entries may be stored or deflated. Other files than .npy in the archive are ignored.
 *
 * @param bytes The whole file.
 * @param options Limits.
 * @returns The arrays in the order of the archive's directory, named without `.npy`.
 * @throws {FormatError} If the archive or an array in it is damaged, encrypted or ambiguous; says
 *   at which byte.
 * @throws {LimitError} If there are more or larger arrays than allowed, before anything is unpacked.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { decodeNpz, encodeNpz, fileArray } from "@vknn/vknn/io";
 *
 * const bytes = encodeNpz([fileArray("0.weight", new Float32Array(12), [4, 3])]);
 * const [weight] = decodeNpz(bytes);
 * assert(weight?.name === "0.weight" && weight.shape.join() === "4,3");
 * ```
 */
export function decodeNpz(bytes: Uint8Array, options?: ReadOptions): FileArray[] {
  const limits = readLimits("read npz", options);
  checkBytes("read npz", bytes);
  const reader = new ByteReader("npz", bytes);
  const budget = new Budget(limits);
  const arrays: FileArray[] = [];
  for (const entry of readZip(reader, limits)) {
    if (!entry.name.endsWith(".npy")) continue;
    const name = entry.name.slice(0, -4);
    if (name === "") reader.fail(`an array has an empty name`, entry.record);
    const what = `npz entry ${describe(entry.name)}`;
    arrays.push(parseNpy(what, unpack(reader, entry), name, budget));
  }
  return arrays;
}

/**
 * Writes a .npz file that NumPy, and as `.params` MXNet 2, read.
 *
 * @param arrays The arrays; names must differ and be neither empty nor begin with a slash.
 * @param options Whether to compress.
 * @returns The bytes of the file; the same arrays give the same bytes.
 * @throws {TypeError} If a part of an array has a wrong type.
 * @throws {RangeError} If a name is not allowed or values do not fit their shape.
 * @throws {LimitError} If the file would have 4 GiB or more, or more than 65,534 arrays.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { encodeNpz, fileArray } from "@vknn/vknn/io";
 *
 * const zeros = [fileArray("zeros", new Float32Array(1000))];
 * assert(encodeNpz(zeros, { compress: true }).length < encodeNpz(zeros).length / 10);
 * ```
 */
export function encodeNpz(
  arrays: readonly FileArray[],
  options?: NpzWriteOptions,
): Uint8Array<ArrayBuffer> {
  const where = "write npz";
  const { compress } = readOptions(where, options, { compress: boolean(false) });
  const checked = checkArrays(where, arrays, true);
  checkNames(where, checked);
  const entries = checked.map((array) => makeEntry(where, array, compress));
  return assemble(where, entries);
}

/** A folder of exactly these files is one sparse array for MXNet. */
const SPARSE = ["data,format,indices,indptr,shape", "data,format,indices,shape"];

function checkNames(where: string, arrays: readonly FileArray[]): void {
  const folders = new Map<string, string[]>();
  for (const { name } of arrays) {
    if (name === "" || /^[/\\]/.test(name)) {
      throw new RangeError(
        `Cannot ${where}: the name ${describe(name)} is ` +
          `${name === "" ? "empty" : "an absolute path"}, expected a relative one`,
      );
    }
    const slash = name.lastIndexOf("/");
    if (slash < 0) continue;
    const folder = name.slice(0, slash);
    const names = folders.get(folder);
    if (names === undefined) folders.set(folder, [name.slice(slash + 1)]);
    else names.push(name.slice(slash + 1));
  }
  for (const [folder, names] of folders) {
    if (names.length > 5 || !SPARSE.includes(names.sort().join())) continue;
    throw new RangeError(
      `Cannot ${where}: the arrays ${names.join(", ")} of ${describe(folder + "/")} would be ` +
        `one sparse array for MXNet, expected other names`,
    );
  }
}

interface Entry {
  readonly name: Uint8Array;
  readonly crc: number;
  readonly size: number;
  readonly method: 0 | 8;
  readonly parts: readonly Uint8Array[];
  readonly compressedSize: number;
}

function makeEntry(where: string, array: FileArray, compress: boolean): Entry {
  const name = new TextEncoder().encode(`${array.name}.npy`);
  if (name.length > 65_535) {
    throw new LimitError(
      `Cannot ${where}: the name ${describe(array.name)} has ${name.length - 4} bytes, ` +
        `at most 65531 are allowed`,
    );
  }
  const parts = [npyHeader(array.shape, array.dtype), valueBytes(array.data)];
  const crc = parts.reduce((sum, part) => crc32(part, sum), 0);
  const size = byteLength(parts);
  if (compress) {
    const packed = deflateSync(join(parts), { level: 6 });
    if (packed.length < size) {
      return { name, crc, size, method: 8, parts: [packed], compressedSize: packed.length };
    }
  }
  return { name, crc, size, method: 0, parts, compressedSize: size };
}

function assemble(where: string, entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const offsets: number[] = [];
  let length = 0;
  for (const { name, compressedSize } of entries) {
    offsets.push(length);
    length += 30 + name.length + compressedSize;
  }
  const directory = length;
  for (const { name } of entries) length += 46 + name.length;
  if (length + 22 >= 2 ** 32 - 1 || entries.length > 65_534) {
    throw new LimitError(
      `Cannot ${where}: ${entries.length} arrays of ${length} bytes, ` +
        `at most 65534 arrays and 4 GiB are allowed; use several files or safetensors`,
    );
  }
  const bytes = new Uint8Array(length + 22);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put16 = (...values: number[]) =>
    values.forEach((v) => (view.setUint16(at, v, true), at += 2));
  const put32 = (...values: number[]) =>
    values.forEach((v) => (view.setUint32(at, v, true), at += 4));
  const put = (part: Uint8Array) => (bytes.set(part, at), at += part.length);
  /** What local headers and the directory have in common. */
  const common = (entry: Entry) => {
    // Version 2.0, names in UTF-8, 1980-01-01: the same arrays are to give the same bytes.
    put16(20, 0x0800, entry.method, 0, 0x0021);
    put32(entry.crc, entry.compressedSize, entry.size);
    put16(entry.name.length, 0);
  };
  for (const entry of entries) {
    put32(0x04034b50);
    common(entry);
    put(entry.name);
    entry.parts.forEach(put);
  }
  entries.forEach((entry, index) => {
    put32(0x02014b50);
    put16(20);
    common(entry);
    put16(0, 0, 0);
    put32(0, offsets[index]!);
    put(entry.name);
  });
  put32(0x06054b50);
  put16(0, 0, entries.length, entries.length);
  put32(length - directory, directory);
  put16(0);
  return bytes;
}

function byteLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(byteLength(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
