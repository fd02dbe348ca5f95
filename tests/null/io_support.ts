/**
 * What the tests of ./io share: the fixtures with their manifest, comparison of arrays, and
 * arbitrary arrays.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ArrayFormat,
  decodeArrays,
  FILE_DTYPES,
  type FileArray,
  fileArray,
  type FileDType,
} from "../../io.ts";
import { rowOf, valueBytes, viewValues } from "../../src/io/file_array.ts";
import { ROOT } from "../support/subprocess.ts";

/** Folder of the files that MXNet, NumPy and others wrote. */
export const FILES: string = join(ROOT, "tests/files");

/** One array that the manifest lists. */
export interface ListedArray {
  name: string;
  shape: number[];
  dtype: string;
  sha256: string;
  values?: (number | boolean | string)[];
}

/** One file that the manifest lists. */
export interface ListedFile {
  path: string;
  kind: string;
  bytes: number;
  arrays: ListedArray[];
  must_fail?: boolean;
  metadata?: Record<string, string>;
}

/** The manifest of the fixtures. */
export const MANIFEST: { files: ListedFile[]; nets: Record<string, unknown>[] } = JSON.parse(
  readFileSync(join(FILES, "manifest.json"), "utf8"),
);

/** Bytes of a fixture. */
export function fixture(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(FILES, path)));
}

/** SHA-256 of values in hexadecimal. */
export function sha256(array: FileArray): string {
  return createHash("sha256").update(valueBytes(array.data)).digest("hex");
}

/** Asserts that two lists of arrays have the same names, shapes, dtypes and bits. */
export function assertSameArrays(
  found: readonly FileArray[],
  expected: readonly FileArray[],
  message: string = "",
): void {
  const plain = ({ name, shape, dtype, data }: FileArray) => ({
    name,
    shape: [...shape],
    dtype,
    type: data.constructor.name,
    bytes: valueBytes(data).join(),
  });
  assertEquals(found.map(plain), expected.map(plain), message);
}

/** Asserts that arrays are consistent and have no more bytes than a file can hold. */
export function assertSane(arrays: readonly FileArray[], maxBytes: number, message: string): void {
  let total = 0;
  for (const { name, shape, dtype, data } of arrays) {
    assert(typeof name === "string" && FILE_DTYPES.includes(dtype), message);
    assert(data instanceof rowOf(dtype).array, message);
    assertEquals(shape.reduce((product, size) => product * size, 1), data.length, message);
    total += data.byteLength;
  }
  assert(total <= maxBytes, `${message}: ${total} bytes of arrays, at most ${maxBytes}`);
}

/** Reads a file whose format must be the one named. */
export function decodeAs(format: ArrayFormat, bytes: Uint8Array): FileArray[] {
  return decodeArrays(bytes, { maxBytes: format === "npz" ? 2 ** 31 : 2 ** 30 });
}

/** One array of each dtype, with values at the ends of its range. */
export function oneOfEach(): FileArray[] {
  return FILE_DTYPES.map((dtype, index) => {
    const bytes = new Uint8Array(6 * rowOf(dtype).byteLength);
    for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 37 + index * 11) & 255;
    return fileArray(dtype, viewValues(dtype, bytes), [2, 3], dtype);
  });
}

/** Names of every kind that could go wrong. */
export const anyName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "toString",
    "0",
    "1",
    "a/b",
    "../up",
    "a\\b",
    "arg:conv0.weight",
    "ключ.é",
    "\u{1f600}",
    'quo"te\n\t\u0001',
    "\ufeffbom",
    ".npy",
    "x".repeat(4096),
  ),
  fc.string({ unit: "grapheme", maxLength: 20 }),
).filter((name) => !name.includes("\0"));

/** Arrays of every dtype: scalars, empty ones, up to five axes; any bits. */
export const anyArray: fc.Arbitrary<FileArray> = fc
  .tuple(
    anyName,
    fc.array(fc.nat(3), { maxLength: 5 }),
    fc.constantFrom<FileDType>(...FILE_DTYPES),
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  )
  .map(([name, shape, dtype, seed]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = new Uint8Array(count * rowOf(dtype).byteLength);
    for (let at = 0, state = seed; at < bytes.length; at++) {
      state = Math.imul(state, 1664525) + 1013904223 | 0;
      bytes[at] = state >>> 24;
    }
    return fileArray(name, viewValues(dtype, bytes), shape, dtype);
  });

/** Lists of arrays with different names. */
export const anyArrays: fc.Arbitrary<FileArray[]> = fc.uniqueArray(anyArray, {
  selector: ({ name }) => name,
  maxLength: 6,
});

/** Names that zip archives may not have. */
export function isZipName(name: string): boolean {
  return name !== "" && !/^[/\\]/.test(name);
}
