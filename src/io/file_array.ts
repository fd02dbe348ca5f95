// Arrays as files hold them: on the host, of any dtype that a file format here knows. One table of
// dtypes, read by every format. Knows no GPU and no file format's layout.

import { ShapeError } from "../core/errors.ts";
import { checkEnum, describe } from "../core/options.ts";
import { checkShape, elementCount, formatShape } from "../core/shape.ts";
import { checkMemory } from "../tensor/host_data.ts";

/** Element types of arrays in files. Tensors have five of them. */
export type FileDType =
  | "float32"
  | "float64"
  | "float16"
  | "uint8"
  | "int32"
  | "int8"
  | "int64"
  | "bool"
  | "int16"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bfloat16";

/** Typed arrays that hold the values of arrays in files. */
export type FileValues =
  | Float32Array
  | Float64Array
  | Float16Array
  | Uint8Array
  | Int32Array
  | Int8Array
  | BigInt64Array
  | Int16Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** The values of an array with their shape and element type. */
export interface ArrayContent {
  /** Sizes along every axis; empty for a scalar. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: FileDType;
  /**
   * The values in row-major order, in the typed array of the dtype. `bool` is a Uint8Array of 0 and
   * 1, `bfloat16` a Uint16Array of bit patterns, `int64` and `uint64` are BigInt arrays.
   */
  readonly data: FileValues;
}

/** A named array of a file. */
export interface FileArray extends ArrayContent {
  /** Name within the file; empty where the file has no names. */
  readonly name: string;
}

interface Row {
  readonly byteLength: number;
  /** Code in MXNet's files. */
  readonly code: number;
  /** Kind and size in the header of a .npy file. */
  readonly npy: string;
  readonly safetensors: string;
  readonly array: {
    new (buffer: ArrayBuffer, byteOffset?: number, length?: number): FileValues;
    readonly name: string;
  };
}

const ROWS: Readonly<Record<FileDType, Row>> = {
  float32: { byteLength: 4, code: 0, npy: "f4", safetensors: "F32", array: Float32Array },
  float64: { byteLength: 8, code: 1, npy: "f8", safetensors: "F64", array: Float64Array },
  float16: { byteLength: 2, code: 2, npy: "f2", safetensors: "F16", array: Float16Array },
  uint8: { byteLength: 1, code: 3, npy: "u1", safetensors: "U8", array: Uint8Array },
  int32: { byteLength: 4, code: 4, npy: "i4", safetensors: "I32", array: Int32Array },
  int8: { byteLength: 1, code: 5, npy: "i1", safetensors: "I8", array: Int8Array },
  int64: { byteLength: 8, code: 6, npy: "i8", safetensors: "I64", array: BigInt64Array },
  bool: { byteLength: 1, code: 7, npy: "b1", safetensors: "BOOL", array: Uint8Array },
  int16: { byteLength: 2, code: 8, npy: "i2", safetensors: "I16", array: Int16Array },
  uint16: { byteLength: 2, code: 9, npy: "u2", safetensors: "U16", array: Uint16Array },
  uint32: { byteLength: 4, code: 10, npy: "u4", safetensors: "U32", array: Uint32Array },
  uint64: { byteLength: 8, code: 11, npy: "u8", safetensors: "U64", array: BigUint64Array },
  bfloat16: { byteLength: 2, code: 12, npy: "", safetensors: "BF16", array: Uint16Array },
};

/** All element types of files, in the order of MXNet's codes. */
export const FILE_DTYPES: readonly FileDType[] = Object.keys(ROWS) as FileDType[];

/**
 * What the formats call an element type.
 *
 * @param dtype The element type.
 * @returns Its size and its names.
 */
export function rowOf(dtype: FileDType): Row {
  return ROWS[dtype];
}

/**
 * Finds an element type by what a format calls it.
 *
 * @param key Which format's name.
 * @param value The name found in a file.
 * @returns The element type, or undefined if there is none of that name.
 */
export function dtypeBy(
  key: "code" | "npy" | "safetensors",
  value: string | number,
): FileDType | undefined {
  if (value === "") return undefined;
  return FILE_DTYPES.find((dtype) => ROWS[dtype][key] === value);
}

/**
 * Copies bytes into a typed array of their own.
 *
 * @param dtype The element type.
 * @param bytes Whole elements in row-major order, little-endian.
 * @returns The typed array of the dtype.
 */
export function copyValues(dtype: FileDType, bytes: Uint8Array): FileValues {
  // Not slice(): that of a Buffer shares memory.
  const copy = new Uint8Array(bytes.byteLength);
  copy.set(bytes);
  return viewValues(dtype, copy);
}

/**
 * Views bytes as the typed array of a dtype.
 *
 * @param dtype The element type.
 * @param bytes Whole elements, at an offset that suits the element type.
 * @returns The typed array on the same memory.
 */
export function viewValues(dtype: FileDType, bytes: Uint8Array<ArrayBuffer>): FileValues {
  const row = ROWS[dtype];
  return new row.array(bytes.buffer, bytes.byteOffset, bytes.byteLength / row.byteLength);
}

/**
 * The bytes of values, without a copy.
 *
 * @param values The typed array.
 * @returns A view of its memory.
 */
export function valueBytes(values: FileValues): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Makes an array for a file from a typed array. The values are not copied.
 *
 * @param name Name within the file.
 * @param data The values in row-major order.
 * @param shape Sizes along every axis; one axis if omitted.
 * @param dtype Element type; that of the typed array if omitted. Needed for `bool` (a Uint8Array)
 *   and `bfloat16` (a Uint16Array of bit patterns).
 * @returns The array.
 * @throws {TypeError} If an argument has a wrong type or the dtype does not suit the typed array.
 * @throws {ShapeError} If the number of values does not fit the shape.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { fileArray } from "@vknn/vknn/io";
 *
 * const mask = fileArray("mask", new Uint8Array([0, 1, 1, 0]), [2, 2], "bool");
 * assert(mask.dtype === "bool" && mask.shape.join() === "2,2");
 * assert(fileArray("ids", new BigInt64Array(3)).dtype === "int64");
 * ```
 */
export function fileArray(
  name: string,
  data: FileValues,
  shape?: readonly number[],
  dtype?: FileDType,
): FileArray {
  const where = `make an array for a file`;
  const own = FILE_DTYPES.find((candidate) => data instanceof ROWS[candidate].array);
  if (own === undefined) {
    throw new TypeError(`Cannot ${where}: data is ${describe(data)}, expected a typed array`);
  }
  return checkArray(where, { name, data, shape: shape ?? [data.length], dtype: dtype ?? own });
}

/**
 * Checks an array that came from a caller.
 *
 * @param where What is being done, for messages: `write npz`.
 * @param array The value to check.
 * @returns The array with an own copy of the shape.
 * @throws {TypeError} If a part has a wrong type, or its memory is detached, shared or resizable.
 * @throws {RangeError} If the dtype is unknown or the name cannot be stored as UTF-8.
 * @throws {ShapeError} If the number of values does not fit the shape.
 */
export function checkArray(where: string, array: unknown): FileArray {
  const given = typeof array === "object" && array !== null ? array : undefined;
  const { name, shape, dtype, data } = (given ?? {}) as Readonly<Record<string, unknown>>;
  if (given === undefined || typeof name !== "string") {
    throw new TypeError(
      `Cannot ${where}: found ${describe(array)}${
        given === undefined ? "" : ` with name ${describe(name)}`
      }, expected arrays { name, shape, dtype, data }`,
    );
  }
  if (!name.isWellFormed() || name.includes("\0")) {
    throw new RangeError(
      `Cannot ${where}: the name ${describe(name)} holds a NUL or half a surrogate pair, ` +
        `expected text that UTF-8 can store`,
    );
  }
  const place = `${where}: ${describe(name)}`;
  const known = checkEnum(place, "dtype", dtype, FILE_DTYPES);
  const row = ROWS[known];
  if (!(data instanceof row.array)) {
    throw new TypeError(
      `Cannot ${place}: data is ${describe(data)}, expected a ${row.array.name} for ${known}`,
    );
  }
  checkMemory(place, data);
  const sizes = checkShape(place, shape);
  if (elementCount(sizes) !== data.length) {
    throw new ShapeError(
      `Cannot ${place}: data has ${data.length} values, ` +
        `expected ${elementCount(sizes)} for shape ${formatShape(sizes)}`,
    );
  }
  return { name, shape: sizes, dtype: known, data };
}

/**
 * Checks a list of arrays that came from a caller.
 *
 * @param where What is being done, for messages.
 * @param arrays The value to check.
 * @param unique Whether two arrays may not have the same name.
 * @returns The checked arrays.
 * @throws {TypeError} If it is no list of arrays.
 * @throws {RangeError} If a name occurs twice and may not.
 */
export function checkArrays(where: string, arrays: unknown, unique: boolean): FileArray[] {
  if (!Array.isArray(arrays)) {
    throw new TypeError(
      `Cannot ${where}: arrays is ${
        describe(arrays)
      }, expected a list of { name, shape, dtype, data }`,
    );
  }
  const checked = Array.from(arrays as unknown[], (array) => checkArray(where, array));
  if (unique) {
    const names = new Set<string>();
    for (const { name } of checked) {
      if (names.has(name)) {
        throw new RangeError(
          `Cannot ${where}: two arrays are named ${describe(name)}, expected different names`,
        );
      }
      names.add(name);
    }
  }
  return checked;
}
