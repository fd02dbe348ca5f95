// The .npy format of NumPy: one array after a header that is a Python literal.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import { describe } from "../core/options.ts";
import { formatShape } from "../core/shape.ts";
import { checkMemory } from "../tensor/host_data.ts";
import { Budget, ByteReader, readLimits, type ReadOptions, readValues } from "./byte_reader.ts";
import {
  type ArrayContent,
  checkArray,
  dtypeBy,
  type FileArray,
  type FileDType,
  type FileValues,
  rowOf,
  valueBytes,
} from "./file_array.ts";
import { type Literal, parseLiteral } from "./python_literal.ts";

const MAX_HEADER_BYTES = 65_536;
const BFLOAT16 = "[('bfloat16', '<u2')]";

/**
 * Reads a .npy file of format version 1 to 3, of either byte order and memory order.
 *
 * @param bytes The whole file.
 * @param options Limits.
 * @returns The array, with an empty name, in row-major order.
 * @throws {FormatError} If the bytes are no complete .npy file, or hold Python objects, text or
 *   another type that {@linkcode FileDType} does not name; says at which byte.
 * @throws {LimitError} If the array is larger than allowed.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { decodeNpy, encodeNpy, fileArray } from "@vknn/vknn/io";
 *
 * const bytes = encodeNpy(fileArray("", new Float32Array([1, 2, 3, 4]), [2, 2]));
 * assert(decodeNpy(bytes).shape.join() === "2,2");
 * ```
 */
export function decodeNpy(bytes: Uint8Array, options?: ReadOptions): FileArray {
  const limits = readLimits("read npy", options);
  checkBytes("read npy", bytes);
  return parseNpy("npy", bytes, "", new Budget(limits));
}

/**
 * Checks that a value is readable bytes.
 *
 * @param where What is being done, for messages.
 * @param bytes The value to check.
 * @throws {TypeError} If it is no Uint8Array, or its memory is detached, shared or resizable.
 */
export function checkBytes(where: string, bytes: unknown): asserts bytes is Uint8Array {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`Cannot ${where}: found ${describe(bytes)}, expected a Uint8Array`);
  }
  checkMemory(where, bytes);
}

/**
 * Reads a .npy file.
 *
 * @param what What is read, for messages: `npz entry "a.npy"`.
 * @param bytes The whole file.
 * @param name Name of the array.
 * @param budget What may be allocated.
 * @returns The array.
 */
export function parseNpy(
  what: string,
  bytes: Uint8Array,
  name: string,
  budget: Budget,
): FileArray {
  const reader = new ByteReader(what, bytes);
  const magic = reader.take(6, "the signature");
  if (magic[0] !== 0x93 || String.fromCharCode(...magic.subarray(1)) !== "NUMPY") {
    reader.fail(`it does not begin with the signature of .npy, "\\x93NUMPY"`, 0);
  }
  const [major, minor] = reader.take(2, "the version") as unknown as [number, number];
  if (major < 1 || major > 3 || minor !== 0) {
    reader.fail(`its version is ${major}.${minor}, expected 1.0, 2.0 or 3.0`, 6);
  }
  const length = major === 1 ? reader.u16("the header") : reader.u32("the header");
  if (length > MAX_HEADER_BYTES) {
    reader.limit(`the header has ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed`, 8);
  }
  const start = reader.position;
  const text = major === 3
    ? reader.text(length, "the header")
    : Array.from(reader.take(length, "the header"), (byte) => String.fromCharCode(byte)).join("");
  const { dtype, swap, fortran, shape } = readHeader(reader, text, start);
  budget.countArray(reader, start);
  const byteLength = budget.arrayBytes(reader, shape, dtype, start);
  if (byteLength !== reader.left) {
    reader.fail(
      `${formatShape(shape)} ${dtype} needs ${byteLength} bytes of data, found ${reader.left}`,
    );
  }
  const data = readValues(reader, dtype, byteLength);
  if (swap) swapBytes(data);
  return { name, shape, dtype, data: fortran ? toRowMajor(data, shape) : data };
}

interface Header {
  readonly dtype: FileDType;
  /** Whether the file has the other byte order. */
  readonly swap: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

function readHeader(reader: ByteReader, text: string, start: number): Header {
  const header = parseLiteral(text, reader, start);
  const keys = header instanceof Map ? [...header.keys()].sort().join() : "";
  if (!(header instanceof Map) || keys !== "descr,fortran_order,shape") {
    return reader.fail(
      `the header has keys ${keys || "of no dictionary"}, expected descr, fortran_order and shape`,
      start,
    );
  }
  const fortran: unknown = header.get("fortran_order");
  if (typeof fortran !== "boolean") {
    return reader.fail(`fortran_order is ${describe(fortran)}, expected True or False`, start);
  }
  const { dtype, swap } = readDescription(reader, header.get("descr")!, start);
  return { dtype, swap, fortran, shape: readShape(reader, header.get("shape")!, start) };
}

function readShape(reader: ByteReader, shape: Literal, start: number): number[] {
  if (typeof shape !== "object" || shape === null || !("kind" in shape) || shape.kind !== "tuple") {
    return reader.fail(`shape is no tuple`, start);
  }
  return shape.items.map((size) => {
    if (typeof size !== "bigint" || size < 0n) {
      return reader.fail(`shape holds ${describe(size)}, expected integers from 0`, start);
    }
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) {
      return reader.limit(`shape holds ${size}, which is more than memory can`, start);
    }
    return Number(size);
  });
}

function readDescription(
  reader: ByteReader,
  descr: Literal,
  start: number,
): { dtype: FileDType; swap: boolean } {
  let text: unknown = descr;
  let bfloat16 = false;
  // MXNet's bfloat16: a record of one field of that name.
  if (typeof descr === "object" && descr !== null && "kind" in descr && descr.kind === "list") {
    const [field, ...more] = descr.items;
    const pair = typeof field === "object" && field !== null && "kind" in field ? field.items : [];
    bfloat16 = more.length === 0 && pair.length === 2 && pair[0] === "bfloat16";
    text = bfloat16 ? pair[1] : "a record";
  }
  const [, order = "", kind = ""] = /^([<>|=]?)([a-zA-Z]\d*)$/.exec(String(text)) ?? [];
  let dtype = dtypeBy("npy", kind);
  if (bfloat16) dtype = dtype === "uint16" ? "bfloat16" : undefined;
  if (dtype === undefined) {
    return reader.fail(
      `descr is ${describe(text)}, expected booleans, integers or floats such as "<f4"; ` +
        `objects, text, dates and complex numbers are not supported`,
      start,
    );
  }
  const byteLength = rowOf(dtype).byteLength;
  if (order === "|" && byteLength > 1) {
    return reader.fail(`descr is ${describe(text)}, expected a byte order of < or >`, start);
  }
  return { dtype, swap: order === ">" && byteLength > 1 };
}

/** Reverses the bytes of every element in place. */
function swapBytes(values: FileValues): void {
  const bytes = valueBytes(values);
  const size = values.BYTES_PER_ELEMENT;
  for (let start = 0; start < bytes.length; start += size) {
    bytes.subarray(start, start + size).reverse();
  }
}

/** Transposes column-major values. */
function toRowMajor(values: FileValues, shape: readonly number[]): FileValues {
  if (shape.length < 2 || values.length === 0) return values;
  const steps: number[] = [];
  let step = 1;
  for (const size of shape) {
    steps.push(step);
    step *= size;
  }
  const result = values.slice();
  // As integers: moving floats as numbers may change the bits of NaN.
  const from = asIntegers(values);
  const to = asIntegers(result);
  const index = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let position = 0; position < to.length; position++) {
    to[position] = from[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += steps[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= steps[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** Integers of the same size on the same memory. */
function asIntegers(values: FileValues): { readonly length: number; [index: number]: unknown } {
  const { buffer, byteOffset, length } = values;
  switch (values.BYTES_PER_ELEMENT) {
    case 1:
      return new Uint8Array(buffer, byteOffset, length);
    case 2:
      return new Uint16Array(buffer, byteOffset, length);
    case 4:
      return new Uint32Array(buffer, byteOffset, length);
    default:
      return new BigUint64Array(buffer, byteOffset, length);
  }
}

/**
 * Writes a .npy file of format version 1.0, as NumPy and MXNet do. The name is not stored.
 *
 * @param array The array.
 * @returns The bytes of the file.
 * @throws {TypeError} If a part of the array has a wrong type.
 * @throws {RangeError} If the dtype is unknown or the values do not fit the shape.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { encodeNpy } from "@vknn/vknn/io";
 *
 * const bytes = encodeNpy({ shape: [], dtype: "float64", data: new Float64Array([0.5]) });
 * assert(bytes.length === 128 + 8);
 * ```
 */
export function encodeNpy(array: ArrayContent): Uint8Array<ArrayBuffer> {
  const { shape, dtype, data } = checkArray("write npy", named(array));
  const header = npyHeader(shape, dtype);
  const bytes = new Uint8Array(header.byteLength + data.byteLength);
  bytes.set(header);
  bytes.set(valueBytes(data), header.byteLength);
  return bytes;
}

/** The same array with an empty name, if it is an object at all. */
function named(array: unknown): unknown {
  return typeof array === "object" && array !== null ? { ...array, name: "" } : array;
}

/**
 * Everything of a .npy file before the data.
 *
 * @param shape Sizes along every axis.
 * @param dtype Element type.
 * @returns The bytes.
 */
export function npyHeader(shape: readonly number[], dtype: FileDType): Uint8Array<ArrayBuffer> {
  const row = rowOf(dtype);
  const order = row.byteLength === 1 ? "|" : "<";
  const descr = dtype === "bfloat16" ? BFLOAT16 : `'${order}${row.npy}'`;
  const text = `{'descr': ${descr}, 'fortran_order': False, 'shape': ${formatShape(shape)}, }`;
  // NumPy aligns the data at 64 bytes. MXNet cannot read headers of 128 bytes or more, so where
  // alignment would make one that long, there is none.
  const plain = text.length + 1;
  const aligned = Math.ceil((plain + 10) / 64) * 64 - 10;
  const length = aligned >= 128 && plain < 128 ? plain : aligned;
  const bytes = new Uint8Array(10 + length).fill(0x20);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  for (let index = 0; index < text.length; index++) bytes[10 + index] = text.charCodeAt(index);
  bytes[9 + length] = 0x0a;
  return bytes;
}
