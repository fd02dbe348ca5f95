// Reading and writing the parameters of models: named arrays, whatever the format.

import { FormatError } from "../core/errors.ts";
import { describe } from "../core/options.ts";
import { readLimits, type ReadOptions } from "./byte_reader.ts";
import type { ArrayContent, FileArray } from "./file_array.ts";
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
 * Reads the parameters of a model: the named arrays of a `.params` file of MXNet 1.x or 2, of `.npz`
 * or of `.safetensors`.
 *
 * @param source Path, `file:` URL, bytes, or stream of bytes.
 * @param options Limits.
 * @returns The arrays by name, in the order of the file. Names keep a prefix `arg:` or `aux:`.
 * @throws {FormatError} If the file is damaged, its arrays have no names, or two the same one.
 * @throws {LimitError} If the file or its arrays are larger than allowed.
 * @throws {TypeError} If the source is nothing that can be read.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { encodeParameters, readParameters } from "@vknn/vknn/io";
 *
 * const weight = { shape: [2, 2], dtype: "float32", data: new Float32Array(4) } as const;
 * const file = encodeParameters(new Map([["0.weight", weight]]));
 * const parameters = await readParameters(file);
 * assert(parameters.get("0.weight")?.shape.join() === "2,2");
 * ```
 */
export async function readParameters(
  source: FileSource,
  options?: ReadOptions,
): Promise<Map<string, FileArray>> {
  const { maxBytes } = readLimits("read parameters", options);
  return decodeParameters(await readSource("read parameters", source, maxBytes), options);
}

/**
 * Reads the parameters of a model from a file in memory; see {@linkcode readParameters}.
 *
 * @param bytes The whole file.
 * @param options Limits.
 * @returns The arrays by name, in the order of the file.
 * @throws {FormatError} If the file is damaged, its arrays have no names, or two the same one.
 * @throws {LimitError} If there are more or larger arrays than allowed.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { decodeParameters, encodeParameters } from "@vknn/vknn/io";
 *
 * const bias = { shape: [2], dtype: "float32", data: new Float32Array(2) } as const;
 * const bytes = encodeParameters(new Map([["bias", bias]]), "safetensors");
 * assert(decodeParameters(bytes).has("bias"));
 * ```
 */
export function decodeParameters(bytes: Uint8Array, options?: ReadOptions): Map<string, FileArray> {
  const { format, arrays, named } = decode(bytes, options);
  if (!named && arrays.length > 0) {
    throw new FormatError(
      `Cannot read parameters: the file (${format}) holds ${arrays.length} arrays without names, ` +
        `expected names; readArrays reads such files`,
    );
  }
  const parameters = new Map<string, FileArray>();
  for (const array of arrays) {
    if (parameters.has(array.name)) {
      throw new FormatError(
        `Cannot read parameters: two arrays are named ${describe(array.name)}`,
      );
    }
    parameters.set(array.name, array);
  }
  return parameters;
}

/**
 * Writes the parameters of a model into memory.
 *
 * @param parameters Arrays by name.
 * @param format The format; `npz` if omitted, which MXNet 2 reads as `.params`. MXNet 1.x reads
 *   `ndarray-list`.
 * @param options Whether to compress.
 * @returns The bytes of the file.
 * @throws {TypeError} If a part of an array has a wrong type.
 * @throws {RangeError} If the format cannot hold the arrays.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { arrayFormat, encodeParameters } from "@vknn/vknn/io";
 *
 * const bias = { shape: [2], dtype: "float32", data: new Float32Array(2) } as const;
 * assert(arrayFormat(encodeParameters(new Map([["bias", bias]]))) === "npz");
 * ```
 */
export function encodeParameters(
  parameters: ReadonlyMap<string, ArrayContent>,
  format: ArrayFormat = "npz",
  options?: EncodeOptions,
): Uint8Array<ArrayBuffer> {
  if (!(parameters instanceof Map)) {
    throw new TypeError(
      `Cannot write parameters: parameters is ${describe(parameters)}, expected a Map`,
    );
  }
  if (format === "npy") {
    throw new RangeError(
      `Cannot write parameters: format is "npy", which stores no names, expected another`,
    );
  }
  const arrays = Array.from(
    parameters as ReadonlyMap<string, ArrayContent>,
    ([name, content]) => ({ ...content, name }),
  );
  return encode(arrays, format, true, options);
}

/**
 * Writes the parameters of a model into a file, atomically.
 *
 * @param path Path or `file:` URL of the file; its folder must exist.
 * @param parameters Arrays by name.
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
 * import { readParameters, writeParameters } from "@vknn/vknn/io";
 *
 * const folder = await mkdtemp("/tmp/vknn-");
 * const bias = { shape: [2], dtype: "float32", data: new Float32Array([1, 2]) } as const;
 * await writeParameters(`${folder}/net.params`, new Map([["bias", bias]]));
 * assert((await readParameters(`${folder}/net.params`)).get("bias")?.data.join() === "1,2");
 * await rm(folder, { recursive: true });
 * ```
 */
export async function writeParameters(
  path: string | URL,
  parameters: ReadonlyMap<string, ArrayContent>,
  options?: WriteOptions,
): Promise<void> {
  await write(
    path,
    options,
    (format, compress) => encodeParameters(parameters, format, { compress }),
  );
}
