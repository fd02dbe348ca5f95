// MXNet's own format: .params and .nd files of MXNet 1.x, which MXNet 2 reads, too.
// After apache/mxnet src/ndarray/ndarray.cc, NDArray::Save and Load.

import { LimitError } from "../core/errors.ts";
import { boolean, describe, oneOf, readOptions } from "../core/options.ts";
import {
  Budget,
  ByteReader,
  checkRank,
  MAX_RATIO,
  readLimits,
  type ReadOptions,
  readValues,
} from "./byte_reader.ts";
import {
  checkArrays,
  dtypeBy,
  type FileArray,
  type FileDType,
  rowOf,
  valueBytes,
} from "./file_array.ts";
import { checkBytes } from "./npy.ts";
import { type SparseParts, toDense } from "./sparse.ts";

const LIST_MAGIC = 0x112;
const V1 = 0xf993fac8;
const V2 = 0xf993fac9;
const V3 = 0xf993faca;
const MAX_NAME_BYTES = 4096;

/** What a file of MXNet 1.x holds. */
export interface NDArrayList {
  /** The arrays in the order of the file. */
  readonly arrays: FileArray[];
  /** Whether the arrays have names; all names are empty otherwise. */
  readonly named: boolean;
}

/** Options of {@linkcode encodeNDArrayList}. */
export interface NDArrayListWriteOptions {
  /** Whether to write names; if omitted, where one is not empty. */
  readonly named?: boolean;
  /**
   * Version of the records: `v2` as MXNet 1.x writes; `v3` for scalars and arrays without elements,
   * which `v2` cannot hold. If omitted, `v2` where that is possible.
   */
  readonly version?: "v2" | "v3";
}

/**
 * Reads a file of MXNet's `nd.save`, or `.params` of MXNet 1.x, of any version.
 *
 * Sparse arrays become dense. Devices are ignored. An array that was saved before it had a shape is
 * left out.
 *
 * @param bytes The whole file.
 * @param options Limits.
 * @returns The arrays, and whether they have names; the same name may occur twice.
 * @throws {FormatError} If the file is damaged; says at which byte.
 * @throws {LimitError} If there are more or larger arrays than allowed.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { decodeNDArrayList, encodeNDArrayList, fileArray } from "@vknn/vknn/io";
 *
 * const bytes = encodeNDArrayList([fileArray("a", new Float32Array([1, 2]))]);
 * const { arrays, named } = decodeNDArrayList(bytes);
 * assert(bytes.length === 81 && named && arrays[0]?.name === "a");
 * ```
 */
export function decodeNDArrayList(bytes: Uint8Array, options?: ReadOptions): NDArrayList {
  const limits = readLimits("read ndarray-list", options);
  checkBytes("read ndarray-list", bytes);
  const reader = new ByteReader("ndarray-list", bytes);
  const budget = new Budget(limits);
  if (reader.u32("the signature") !== LIST_MAGIC || reader.u32("the signature") !== 0) {
    reader.fail(`it does not begin with the signature 0x112`, 0);
  }
  reader.skip(8, "a reserved word");
  const count = reader.u64("the number of arrays");
  if (count > limits.maxArrays) {
    reader.limit(
      `there are ${count} arrays, at most ${limits.maxArrays} are allowed; raise maxArrays ` +
        `to allow more`,
      16,
    );
  }
  const contents: (Omit<FileArray, "name"> | null)[] = [];
  for (let index = 0; index < count; index++) contents.push(readRecord(reader, budget));
  const at = reader.position;
  const nameCount = reader.u64("the number of names");
  if (nameCount !== 0 && nameCount !== count) {
    reader.fail(`there are ${nameCount} names for ${count} arrays, expected 0 or ${count}`, at);
  }
  const names = Array.from({ length: nameCount }, () => readName(reader));
  if (reader.left > 0) reader.fail(`there are ${reader.left} bytes after the names`);
  const named = nameCount > 0;
  const arrays: FileArray[] = [];
  contents.forEach((content, index) => {
    if (content !== null) arrays.push({ name: names[index] ?? "", ...content });
    else if (!named) reader.fail(`array ${index} has no shape yet, so the list has a gap`, at);
  });
  return { arrays, named };
}

function readName(reader: ByteReader): string {
  const at = reader.position;
  const length = reader.u64("the length of a name");
  if (length > MAX_NAME_BYTES) {
    reader.limit(`a name has ${length} bytes, at most ${MAX_NAME_BYTES} are allowed`, at);
  }
  const name = reader.text(length, "a name");
  if (name.includes("\0")) reader.fail(`the name ${describe(name)} holds a NUL`, at);
  return name;
}

/** Reads one array; null if it has no shape. */
function readRecord(reader: ByteReader, budget: Budget): Omit<FileArray, "name"> | null {
  const at = reader.position;
  budget.countArray(reader);
  const magic = reader.u32("an array");
  const storage = magic === V2 || magic === V3 ? reader.i32("storage type") : 0;
  if (storage < 0 || storage > (magic === V3 ? 0 : 2)) {
    const allowed = magic === V3 ? "0 (dense)" : "0 (dense), 1 (row_sparse) or 2 (csr)";
    reader.fail(`the storage type is ${storage}, expected ${allowed}`, at + 4);
  }
  const stored = storage === 0 ? undefined : readShape(reader, reader.i32("rank"));
  const shape = magic === V1 || magic === V2 || magic === V3
    ? readShape(reader, reader.i32("rank"))
    : readOldShape(reader, magic, at);
  if (shape.length === 0 && magic !== V3) return null;
  reader.skip(8, "the device");
  const dtype = readDType(reader);
  if (stored !== undefined) {
    return readSparse(reader, budget, { shape, dtype, stored, at }, storage === 1);
  }
  const byteLength = budget.arrayBytes(reader, shape, dtype, at);
  return { shape, dtype, data: readValues(reader, dtype, byteLength) };
}

function readShape(reader: ByteReader, rank: number): number[] {
  const at = reader.position - 4;
  if (rank < 0) {
    reader.fail(`the rank is ${rank}, expected at least 0 (the array has no shape yet)`, at);
  }
  checkRank(reader, rank, at);
  return Array.from({ length: rank }, () => reader.size("a size"));
}

/** The first word of the oldest records is the rank. */
function readOldShape(reader: ByteReader, rank: number, at: number): number[] {
  if (rank > 32) {
    reader.fail(`an array begins with 0x${rank.toString(16)}, expected a version or a rank`, at);
  }
  return Array.from({ length: rank }, () => reader.u32("a size"));
}

function readDType(reader: ByteReader): FileDType {
  const at = reader.position;
  const code = reader.i32("dtype");
  const dtype = dtypeBy("code", code);
  return dtype ?? reader.fail(`the dtype has code ${code}, expected 0 to 12`, at);
}

function readSparse(
  reader: ByteReader,
  budget: Budget,
  array: Pick<SparseParts, "shape" | "dtype" | "stored" | "at">,
  rows: boolean,
): Omit<FileArray, "name"> {
  const { shape, dtype, stored, at } = array;
  const lengths = Array.from({ length: rows ? 1 : 2 }, () => {
    const index = readDType(reader);
    if (index !== "int64") {
      reader.fail(`indices of a sparse array are ${index}, expected int64`, reader.position - 4);
    }
    return product(readShape(reader, reader.i32("rank")));
  });
  const size = rowOf(dtype).byteLength;
  const values = reader.take(product(stored) * size, "the data of a sparse array");
  const indices = lengths.map((length) => readValues(reader, "int64", length * 8) as BigInt64Array);
  const byteLength = budget.arrayBytes(reader, shape, dtype, at);
  if (byteLength > reader.end * MAX_RATIO) {
    reader.limit(
      `a sparse array has ${byteLength} bytes when dense, at most ${MAX_RATIO} times those of ` +
        `the file are allowed`,
      at,
    );
  }
  const kind = rows ? "row_sparse" : "csr";
  return { shape, dtype, data: toDense(reader, { ...array, kind, values, indices, byteLength }) };
}

/** A product past 2^53 is inexact but far above the length of every file. */
function product(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((count, size) => count * size, 1);
}

/**
 * Writes a file of MXNet's `nd.save`, which is `.params` of MXNet 1.x.
 *
 * MXNet 1.9.1 reads bool, float and integer types of up to 64 bits but `int16`, `uint16`, `uint32`
 * and `uint64`, which only MXNet 2 knows.
 *
 * @param arrays The arrays.
 * @param options Names and version.
 * @returns The bytes of the file.
 * @throws {TypeError} If a part of an array has a wrong type.
 * @throws {RangeError} If values do not fit their shape, or the version cannot hold an array.
 * @throws {LimitError} If a name has more than 4,096 bytes.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { decodeNDArrayList, encodeNDArrayList, fileArray } from "@vknn/vknn/io";
 *
 * const scalar = fileArray("scale", new Float32Array([2]), []);
 * const { arrays } = decodeNDArrayList(encodeNDArrayList([scalar]));
 * assert(arrays[0]?.shape.length === 0);
 * ```
 */
export function encodeNDArrayList(
  arrays: readonly FileArray[],
  options?: NDArrayListWriteOptions,
): Uint8Array<ArrayBuffer> {
  const where = "write ndarray-list";
  const checked = checkArrays(where, arrays, false);
  const modern = checked.find(({ shape }) => shape.length === 0 || shape.includes(0));
  const given = readOptions(where, options, {
    named: boolean(checked.some(({ name }) => name !== "")),
    version: oneOf<"v2" | "v3">(["v2", "v3"], modern === undefined ? "v2" : "v3"),
  });
  if (given.version === "v2" && modern !== undefined) {
    throw new RangeError(
      `Cannot ${where}: ${describe(modern.name)} has shape ${describe(modern.shape)}, ` +
        `which version v2 cannot hold, expected version "v3"`,
    );
  }
  const names = given.named ? checked.map(({ name }) => new TextEncoder().encode(name)) : [];
  let length = 32;
  for (const name of names) {
    if (name.length > MAX_NAME_BYTES) {
      throw new LimitError(
        `Cannot ${where}: a name has ${name.length} bytes, at most ${MAX_NAME_BYTES} are allowed`,
      );
    }
    length += 8 + name.length;
  }
  for (const { shape, data } of checked) length += 24 + 8 * shape.length + data.byteLength;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put32 = (value: number) => (view.setUint32(at, value, true), at += 4);
  const put64 = (value: number) => (view.setBigUint64(at, BigInt(value), true), at += 8);
  const put = (part: Uint8Array) => (bytes.set(part, at), at += part.length);
  put64(LIST_MAGIC);
  put64(0);
  put64(checked.length);
  for (const { shape, dtype, data } of checked) {
    put32(given.version === "v2" ? V2 : V3);
    put32(0); // dense
    put32(shape.length);
    shape.forEach(put64);
    put32(1); // on the CPU
    put32(0);
    put32(rowOf(dtype).code);
    put(valueBytes(data));
  }
  put64(names.length);
  for (const name of names) {
    put64(name.length);
    put(name);
  }
  return bytes;
}
