// The safetensors format: a JSON header with offsets, then the data.
// https://github.com/huggingface/safetensors#format

import { LimitError } from "../core/errors.ts";
import { describe, optional, readOptions } from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import { Budget, ByteReader, readLimits, type ReadOptions, readValues } from "./byte_reader.ts";
import {
  checkArrays,
  dtypeBy,
  FILE_DTYPES,
  type FileArray,
  rowOf,
  valueBytes,
} from "./file_array.ts";
import { type Json, parseJson } from "./json.ts";
import { checkBytes } from "./npy.ts";

const MAX_HEADER_BYTES = 100_000_000;
const METADATA = "__metadata__";

/** What a .safetensors file holds. */
export interface SafetensorsContent {
  /** The arrays in the order of the header. */
  readonly arrays: FileArray[];
  /** Free text by key. */
  readonly metadata: Map<string, string>;
}

/** Options of {@linkcode encodeSafetensors}. */
export interface SafetensorsWriteOptions {
  /** Free text by key to store with the arrays. */
  readonly metadata?: ReadonlyMap<string, string>;
}

/**
 * Reads a .safetensors file.
 *
 * @param bytes The whole file.
 * @param options Limits.
 * @returns The arrays and the metadata.
 * @throws {FormatError} If the header is malformed, or does not describe every byte of the data
 *   exactly once; says at which byte.
 * @throws {LimitError} If there are more or larger arrays than allowed.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { decodeSafetensors, encodeSafetensors, fileArray } from "@vknn/vknn/io";
 *
 * const metadata = new Map([["format", "np"]]);
 * const bytes = encodeSafetensors([fileArray("w", new Float32Array(6), [2, 3])], { metadata });
 * const content = decodeSafetensors(bytes);
 * assert(content.arrays[0]?.name === "w" && content.metadata.get("format") === "np");
 * ```
 */
export function decodeSafetensors(bytes: Uint8Array, options?: ReadOptions): SafetensorsContent {
  const limits = readLimits("read safetensors", options);
  checkBytes("read safetensors", bytes);
  const reader = new ByteReader("safetensors", bytes);
  const length = reader.u64("the length of the header");
  if (length > MAX_HEADER_BYTES) {
    reader.limit(`the header has ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed`, 0);
  }
  const text = reader.text(length, "the header");
  if (!text.startsWith("{")) reader.fail(`the header does not begin with "{"`, 8);
  const header = parseJson(text, reader, 8, 3) as ReadonlyMap<string, Json>;
  const budget = new Budget(limits);
  const places: Place[] = [];
  for (const [name, entry] of header) {
    if (name !== METADATA) places.push(readEntry(reader, budget, name, entry));
  }
  checkPlaces(reader, places, 8 + length);
  const arrays = places.map(({ name, shape, dtype, begin, end }): FileArray => {
    reader.position = 8 + length + begin;
    return { name, shape, dtype, data: readValues(reader, dtype, end - begin) };
  });
  return { arrays, metadata: readMetadata(reader, header.get(METADATA)) };
}

interface Place extends Omit<FileArray, "data"> {
  readonly begin: number;
  readonly end: number;
}

function readEntry(reader: ByteReader, budget: Budget, name: string, entry: Json): Place {
  const what = `the entry ${describe(name)}`;
  const keys = entry instanceof Map ? [...entry.keys()].sort().join() : "";
  if (!(entry instanceof Map) || keys !== "data_offsets,dtype,shape") {
    return reader.fail(`${what} has keys ${keys}, expected dtype, shape and data_offsets`, 8);
  }
  const code: unknown = entry.get("dtype");
  const dtype = typeof code === "string" ? dtypeBy("safetensors", code) : undefined;
  if (dtype === undefined) {
    const known = FILE_DTYPES.map((candidate) => rowOf(candidate).safetensors).join(", ");
    return reader.fail(`${what} has dtype ${describe(code)}, expected one of ${known}`, 8);
  }
  const shape = readIntegers(reader, `${what}: shape`, entry.get("shape"));
  const offsets = readIntegers(reader, `${what}: data_offsets`, entry.get("data_offsets"));
  const [begin = 0, end = 0] = offsets;
  budget.countArray(reader, 8);
  const byteLength = budget.arrayBytes(reader, shape, dtype, 8);
  if (offsets.length !== 2 || end - begin !== byteLength) {
    reader.fail(
      `${what} has data_offsets ${describe(offsets)}, expected ${byteLength} bytes for ` +
        `${formatShape(shape)} ${dtype}`,
      8,
    );
  }
  return { name, shape, dtype, begin, end };
}

function readIntegers(reader: ByteReader, what: string, value: Json | undefined): number[] {
  const good = Array.isArray(value) &&
    value.every((item: unknown) => Number.isSafeInteger(item) && (item as number) >= 0);
  if (!good) {
    reader.fail(`${what} is ${describe(value)}, expected an array of integers from 0`, 8);
  }
  // -0 is 0.
  return (value as number[]).map((item) => item + 0);
}

/** Every byte of the data belongs to exactly one array. */
function checkPlaces(reader: ByteReader, places: readonly Place[], start: number): void {
  let next = 0;
  for (
    const { name, begin, end } of [...places].sort((a, b) => a.begin - b.begin || a.end - b.end)
  ) {
    if (begin !== next) {
      reader.fail(
        `the entry ${describe(name)} begins at byte ${begin} of the data, expected ${next} ` +
          `(no gaps, no overlaps)`,
        8,
      );
    }
    next = end;
  }
  if (start + next !== reader.end) {
    reader.fail(`the arrays have ${next} bytes of data, found ${reader.end - start}`, start);
  }
}

function readMetadata(reader: ByteReader, value: Json | undefined): Map<string, string> {
  const metadata = new Map<string, string>();
  if (value === undefined) return metadata;
  if (!(value instanceof Map)) {
    return reader.fail(`${METADATA} is ${describe(value)}, expected an object of texts`, 8);
  }
  for (const [key, text] of value as ReadonlyMap<string, Json>) {
    if (typeof text !== "string") {
      return reader.fail(
        `${METADATA} has ${describe(text)} for ${describe(key)}, expected text`,
        8,
      );
    }
    metadata.set(key, text);
  }
  return metadata;
}

/** The order of the reference implementation: widest first, so that all data is aligned. */
const ORDER = [
  "BOOL",
  "U8",
  "I8",
  "I16",
  "U16",
  "F16",
  "BF16",
  "I32",
  "U32",
  "F32",
  "F64",
  "I64",
  "U64",
];

/**
 * Writes a .safetensors file, with the bytes that the reference implementation writes.
 *
 * @param arrays The arrays; names must differ.
 * @param options Metadata.
 * @returns The bytes of the file.
 * @throws {TypeError} If a part of an array or the metadata has a wrong type.
 * @throws {RangeError} If a name occurs twice or is `__metadata__`, or values do not fit their shape.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { encodeSafetensors, fileArray } from "@vknn/vknn/io";
 *
 * const bytes = encodeSafetensors([fileArray("w", new Float32Array(2))]);
 * assert(bytes[8] === "{".charCodeAt(0) && bytes.length % 8 === 0);
 * ```
 */
export function encodeSafetensors(
  arrays: readonly FileArray[],
  options?: SafetensorsWriteOptions,
): Uint8Array<ArrayBuffer> {
  const where = "write safetensors";
  const checked = checkArrays(where, arrays, true);
  const { metadata } = readOptions(where, options, { metadata: optional(checkMetadata) });
  const utf8 = new TextEncoder();
  const entries = checked.map((array) => {
    const { name, dtype } = array;
    if (name === METADATA) {
      throw new RangeError(`Cannot ${where}: the name ${METADATA} is reserved, expected another`);
    }
    return { array, order: ORDER.indexOf(rowOf(dtype).safetensors), key: utf8.encode(name) };
  });
  entries.sort((a, b) => b.order - a.order || compareBytes(a.key, b.key));
  // Built as text: an object would treat a name such as "__proto__" or "1" in its own way.
  const members: string[] = [];
  if (metadata !== undefined && metadata.size > 0) {
    const texts = [...metadata].map(([key, text]) =>
      `${JSON.stringify(key)}:${JSON.stringify(text)}`
    );
    members.push(`"${METADATA}":{${texts.join()}}`);
  }
  let length = 0;
  for (const { array: { name, shape, dtype, data } } of entries) {
    const end = length + data.byteLength;
    members.push(
      `${JSON.stringify(name)}:{"dtype":"${rowOf(dtype).safetensors}","shape":[${shape.join()}],` +
        `"data_offsets":[${length},${end}]}`,
    );
    length = end;
  }
  const header = utf8.encode(`{${members.join()}}`);
  const padded = Math.ceil(header.length / 8) * 8;
  if (padded > MAX_HEADER_BYTES) {
    throw new LimitError(
      `Cannot ${where}: the header has ${padded} bytes, at most ${MAX_HEADER_BYTES} are allowed`,
    );
  }
  const bytes = new Uint8Array(8 + padded + length).fill(0x20, 8, 8 + padded);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(header, 8);
  let at = 8 + padded;
  for (const { array: { data } } of entries) {
    bytes.set(valueBytes(data), at);
    at += data.byteLength;
  }
  return bytes;
}

function checkMetadata(where: string, name: string, value: unknown): ReadonlyMap<string, string> {
  const good = value instanceof Map &&
    [...value].flat().every((text) => typeof text === "string" && text.isWellFormed());
  if (!good) {
    throw new TypeError(
      `Cannot ${where}: ${name} is ${describe(value)}, expected a Map from text to text`,
    );
  }
  return value as ReadonlyMap<string, string>;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    if (a[index] !== b[index]) return a[index]! - b[index]!;
  }
  return a.length - b.length;
}
