// Reading and writing lists of arrays, whatever the format.

import { readLimits, type ReadOptions } from "./byte_reader.ts";
import type { FileArray } from "./file_array.ts";
import { type FileSource, readSource } from "./files.ts";
import {
  type ArrayFormat,
  decode,
  encode,
  type EncodeOptions,
  write,
  type WriteOptions,
} from "./formats.ts";

/**
 * Reads the arrays of a file in memory, of any format that {@linkcode arrayFormat} tells.
 *
 * @param bytes The whole file.
 * @param options Limits.
 * @returns The arrays; names are empty where the file has none.
 * @throws {FormatError} If the file is of no known format or damaged; says at which byte.
 * @throws {LimitError} If there are more or larger arrays than allowed.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { decodeArrays, encodeArrays, fileArray } from "@vknn/vknn/io";
 *
 * const bytes = encodeArrays([fileArray("x", new Int8Array([1, 2]))], "safetensors");
 * assert(decodeArrays(bytes)[0]?.dtype === "int8");
 * ```
 */
export function decodeArrays(bytes: Uint8Array, options?: ReadOptions): FileArray[] {
  return decode(bytes, options).arrays;
}

/**
 * Reads the arrays of a file, of any format that {@linkcode arrayFormat} tells.
 *
 * @param source Path, `file:` URL, bytes, or stream of bytes.
 * @param options Limits.
 * @returns The arrays; names are empty where the file has none.
 * @throws {FormatError} If the file is of no known format or damaged; says at which byte.
 * @throws {LimitError} If the file or its arrays are larger than allowed.
 * @throws {TypeError} If the source is nothing that can be read.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { encodeNpy, fileArray, readArrays } from "@vknn/vknn/io";
 *
 * const body = new Response(encodeNpy(fileArray("", new Float32Array(5)))).body!;
 * const [array] = await readArrays(body);
 * assert(array?.shape.join() === "5");
 * ```
 */
export async function readArrays(source: FileSource, options?: ReadOptions): Promise<FileArray[]> {
  const { maxBytes } = readLimits("read arrays", options);
  return decodeArrays(await readSource("read arrays", source, maxBytes), options);
}

/**
 * Writes arrays into memory.
 *
 * @param arrays The arrays; exactly one for `npy`, which stores no name.
 * @param format The format.
 * @param options Whether to compress.
 * @returns The bytes of the file.
 * @throws {TypeError} If a part of an array has a wrong type.
 * @throws {RangeError} If the format cannot hold the arrays.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { arrayFormat, encodeArrays, fileArray } from "@vknn/vknn/io";
 *
 * const bytes = encodeArrays([fileArray("x", new Float64Array(4), [2, 2])], "ndarray-list");
 * assert(arrayFormat(bytes) === "ndarray-list");
 * ```
 */
export function encodeArrays(
  arrays: readonly FileArray[],
  format: ArrayFormat,
  options?: EncodeOptions,
): Uint8Array<ArrayBuffer> {
  return encode(arrays, format, undefined, options);
}

/**
 * Writes arrays into a file, atomically: a reader sees the old file or the new one.
 *
 * @param path Path or `file:` URL of the file; its folder must exist.
 * @param arrays The arrays.
 * @param options Format and compression.
 * @returns When the file is on the disk.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {RangeError} If the format is not given and the path's ending names none, or the format
 *   cannot hold the arrays.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { fileArray, readArrays, writeArrays } from "@vknn/vknn/io";
 *
 * const folder = await mkdtemp("/tmp/vknn-");
 * await writeArrays(`${folder}/x.npz`, [fileArray("x", new Float32Array([1, 2]))]);
 * const [x] = await readArrays(`${folder}/x.npz`);
 * assert(x?.data.join() === "1,2");
 * await rm(folder, { recursive: true });
 * ```
 */
export async function writeArrays(
  path: string | URL,
  arrays: readonly FileArray[],
  options?: WriteOptions,
): Promise<void> {
  await write(path, options, (format, compress) => encodeArrays(arrays, format, { compress }));
}
