// One door to all formats: which one a file has is seen in its first bytes, never in its name.

import { FormatError } from "../core/errors.ts";
import { boolean, checkEnum, describe, oneOf, optional, readOptions } from "../core/options.ts";
import { readLimits, type ReadOptions } from "./byte_reader.ts";
import { checkArrays, type FileArray } from "./file_array.ts";
import { writeAtomically } from "./files.ts";
import { decodeNDArrayList, encodeNDArrayList } from "./ndarray_list.ts";
import { checkBytes, decodeNpy, encodeNpy } from "./npy.ts";
import { decodeNpz, encodeNpz } from "./npz.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

/**
 * Formats of files with arrays. `npz` is what NumPy writes, and MXNet 2 as `.params`;
 * `ndarray-list` is what MXNet 1.x writes as `.params` and `.nd`.
 */
export type ArrayFormat = "npy" | "npz" | "ndarray-list" | "safetensors";

/** All formats of files with arrays. */
export const ARRAY_FORMATS: readonly ArrayFormat[] = ["npy", "npz", "ndarray-list", "safetensors"];

/** Options of {@linkcode encodeArrays} and {@linkcode encodeParameters}. */
export interface EncodeOptions {
  /** Deflate the arrays of `npz`; false if omitted. Other formats do not compress. */
  readonly compress?: boolean;
}

/** Options of {@linkcode writeArrays} and {@linkcode writeParameters}. */
export interface WriteOptions extends EncodeOptions {
  /**
   * Format of the file. If omitted, that of the path's ending: `npz` for `.npz` and `.params`,
   * `npy` for `.npy`, `ndarray-list` for `.nd`, `safetensors` for `.safetensors`.
   */
  readonly format?: ArrayFormat;
}

/**
 * Tells the format of a file by its first bytes.
 *
 * @param bytes The file, or at least its first 9 bytes.
 * @returns The format; undefined if it is none of those known here.
 * @throws {TypeError} If the bytes are no Uint8Array.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { arrayFormat, encodeNpz } from "@vknn/vknn/io";
 *
 * assert(arrayFormat(encodeNpz([])) === "npz");
 * assert(arrayFormat(new Uint8Array(9)) === undefined);
 * ```
 */
export function arrayFormat(bytes: Uint8Array): ArrayFormat | undefined {
  checkBytes("tell the format of a file", bytes);
  const begins = (...first: number[]) => first.every((byte, index) => bytes[index] === byte);
  // Before the others: a header's length may look like any signature, with "{" after it like none.
  const short = bytes[4] === 0 && bytes[5] === 0 && bytes[6] === 0 && bytes[7] === 0;
  if (short && bytes[8] === 0x7b) return "safetensors";
  if (begins(0x50, 0x4b, 3, 4) || begins(0x50, 0x4b, 5, 6)) return "npz";
  if (begins(0x93, 0x4e, 0x55, 0x4d)) return "npy";
  if (begins(0x12, 1, 0, 0, 0, 0, 0, 0)) return "ndarray-list";
  return undefined;
}

/** What a file of any format holds. */
export interface Decoded {
  readonly format: ArrayFormat;
  readonly arrays: FileArray[];
  readonly named: boolean;
}

/**
 * Reads a file of any format.
 *
 * @param bytes The whole file.
 * @param options Limits.
 * @returns Its format, its arrays, and whether they have names.
 */
export function decode(bytes: Uint8Array, options: ReadOptions | undefined): Decoded {
  readLimits("read arrays", options);
  const format = arrayFormat(bytes);
  switch (format) {
    case "npy":
      return { format, arrays: [decodeNpy(bytes, options)], named: false };
    case "npz":
      return { format, arrays: decodeNpz(bytes, options), named: true };
    case "ndarray-list":
      return { format, ...decodeNDArrayList(bytes, options) };
    case "safetensors":
      return { format, arrays: decodeSafetensors(bytes, options).arrays, named: true };
    case undefined: {
      const first = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0"));
      throw new FormatError(
        `Cannot read arrays: the file has ${bytes.length} bytes and begins with ` +
          `"${first.join(" ")}" (at byte 0), expected .npy, .npz, an NDArray list of MXNet ` +
          `or .safetensors`,
      );
    }
  }
}

/**
 * Writes a file of any format.
 *
 * @param arrays The arrays.
 * @param format The format.
 * @param named Whether names are written even where all are empty.
 * @param options Whether to compress.
 * @returns The bytes of the file.
 */
export function encode(
  arrays: readonly FileArray[],
  format: ArrayFormat,
  named: true | undefined,
  options: EncodeOptions | undefined,
): Uint8Array<ArrayBuffer> {
  const where = "write arrays";
  const known = checkEnum(where, "format", format, ARRAY_FORMATS);
  const { compress } = readOptions(where, options, { compress: boolean(false) });
  if (compress && known !== "npz") {
    throw new RangeError(
      `Cannot ${where}: compress is true for format "${known}", expected format "npz"`,
    );
  }
  switch (known) {
    case "npz":
      return encodeNpz(arrays, { compress });
    case "ndarray-list":
      return encodeNDArrayList(arrays, named === undefined ? {} : { named });
    case "safetensors":
      return encodeSafetensors(arrays);
    case "npy": {
      const [array, ...more] = checkArrays(where, arrays, false);
      if (array === undefined || more.length > 0) {
        throw new RangeError(
          `Cannot ${where}: found ${arrays.length} arrays for format "npy", expected 1`,
        );
      }
      return encodeNpy(array);
    }
  }
}

/**
 * Writes a file of the format that options or path name.
 *
 * @param path Path or `file:` URL.
 * @param options Format and compression.
 * @param make Gives the content.
 */
export async function write(
  path: string | URL,
  options: WriteOptions | undefined,
  make: (format: ArrayFormat, compress: boolean) => Uint8Array,
): Promise<void> {
  const where = "write arrays";
  const { format, compress } = readOptions(where, options, {
    format: optional(oneOf(ARRAY_FORMATS)),
    compress: boolean(false),
  });
  await writeAtomically(where, path, make(format ?? formatOfPath(where, path), compress));
}

const ENDINGS: readonly (readonly [string, ArrayFormat])[] = [
  [".npz", "npz"],
  [".params", "npz"],
  [".npy", "npy"],
  [".nd", "ndarray-list"],
  [".safetensors", "safetensors"],
];

function formatOfPath(where: string, path: string | URL): ArrayFormat {
  const text = (path instanceof URL ? path.pathname : String(path)).toLowerCase();
  const found = ENDINGS.find(([ending]) => text.endsWith(ending));
  if (found !== undefined) return found[1];
  throw new RangeError(
    `Cannot ${where}: the path ends in ${describe(text.slice(-12))}, expected ` +
      `${ENDINGS.map(([ending]) => ending).join(", ")} or options with a format`,
  );
}
