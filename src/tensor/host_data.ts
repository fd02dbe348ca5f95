// Turns what callers pass as data into checked typed arrays: nested lists, numbers, typed arrays of
// every kind. Pure. User arrays are copied before anything else can run, so that nobody can change,
// detach or resize them under a native call.

import { type DType, dtypeOfArray, type HostArray, viewAs } from "../core/dtype.ts";
import { dtypeByteLength, DTYPES } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { checkEnum, describe } from "../core/options.ts";
import { checkShape, elementCount, formatShape, MAX_RANK } from "../core/shape.ts";

/** Numbers in lists in lists …; all lists of one depth have the same length. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** Typed arrays that become tensors only when a dtype is named. */
export type ConvertibleArray = Float64Array | Int16Array | Uint16Array | Uint32Array;

/** What {@linkcode tensor} accepts as data. */
export type TensorData = NestedNumbers | HostArray | ConvertibleArray;

/** Checked data, owned by nobody else. */
export interface HostData {
  readonly values: HostArray;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Whole numbers that an integer dtype holds. */
const RANGES: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int8: [-128, 127],
  uint8: [0, 255],
};

/**
 * Checks data, shape and dtype, and copies the data into a typed array of the dtype.
 *
 * @param where What is being done, for messages: `make a tensor`.
 * @param data Numbers, nested lists or a typed array.
 * @param shape Wanted shape; undefined takes the data's own.
 * @param dtype Wanted dtype; undefined takes the data's own, float32 for plain numbers.
 * @returns A copy in row-major order.
 * @throws {TypeError} If data or dtype has a wrong type, or its memory is detached, shared or resizable.
 * @throws {ShapeError} If lists are ragged or the number of elements does not fit the shape.
 * @throws {RangeError} If an integer dtype cannot hold a value.
 */
export function readHostData(
  where: string,
  data: unknown,
  shape: unknown,
  dtype: unknown,
): HostData {
  const wanted = dtype === undefined ? undefined : checkDTypeName(where, dtype);
  const sizes = shape === undefined ? undefined : checkShape(where, shape);
  const read = ArrayBuffer.isView(data)
    ? readArray(where, data, wanted)
    : readNested(where, data, wanted ?? "float32");
  if (sizes !== undefined && elementCount(sizes) !== read.values.length) {
    throw new ShapeError(
      `Cannot ${where}: data has ${read.values.length} elements, ` +
        `shape ${formatShape(sizes)} has ${elementCount(sizes)}`,
    );
  }
  return { ...read, shape: sizes ?? read.shape };
}

/**
 * Checks the name of a dtype.
 *
 * @param where What is being done, for messages.
 * @param dtype The value to check.
 * @returns The dtype.
 * @throws {TypeError} If it is not a string.
 * @throws {RangeError} If there is no such dtype.
 */
export function checkDTypeName(where: string, dtype: unknown): DType {
  return checkEnum(where, "dtype", dtype, DTYPES);
}

/**
 * Converts numbers to a dtype: to floats with rounding, to integers only where that is exact.
 *
 * @param where What is being done, for messages.
 * @param values The numbers.
 * @param dtype The dtype.
 * @returns A fresh typed array.
 * @throws {RangeError} If an integer dtype cannot hold a value; names its index.
 */
export function convertValues(where: string, values: ArrayLike<number>, dtype: DType): HostArray {
  const range = RANGES[dtype];
  if (range !== undefined) {
    const [low, high] = range;
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      if (Number.isInteger(value) && value >= low && value <= high) continue;
      throw new RangeError(
        `Cannot ${where}: data[${index}] is ${value}, expected a whole number ` +
          `from ${low} to ${high} (${dtype})`,
      );
    }
  }
  const bytes = new Uint8Array(values.length * dtypeByteLength(dtype));
  const result = viewAs(dtype, bytes);
  result.set(values);
  return result;
}

function readArray(where: string, array: ArrayBufferView, wanted: DType | undefined): HostData {
  checkMemory(where, array);
  const own = dtypeOfArray(array);
  const shape = (values: HostArray) => [values.length];
  if (own !== undefined && (wanted === undefined || wanted === own)) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();
    const values = viewAs(own, bytes);
    return { values, shape: shape(values), dtype: own };
  }
  if (array instanceof Uint16Array && wanted === "float16") {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();
    const values = viewAs("float16", bytes);
    return { values, shape: shape(values), dtype: "float16" };
  }
  if (!isNumbers(array)) {
    throw new TypeError(
      `Cannot ${where}: data is ${describe(array)}, expected numbers: nested lists or ` +
        `a Float32Array, Float16Array, Int32Array, Int8Array or Uint8Array`,
    );
  }
  if (wanted === undefined) {
    const advice = array instanceof Uint16Array
      ? `{ dtype: "float16" } to read it as float16 bits, or { dtype: "int32" } to convert it`
      : array instanceof Float64Array
      ? `{ dtype: "float32" } to round it`
      : `{ dtype: "int32" } to convert it`;
    throw new TypeError(
      `Cannot ${where}: data is ${describe(array)} and no dtype has its elements; pass ${advice}`,
    );
  }
  const values = convertValues(where, array, wanted);
  return { values, shape: shape(values), dtype: wanted };
}

function isNumbers(array: ArrayBufferView): array is HostArray | ConvertibleArray {
  return !(array instanceof DataView || array instanceof BigInt64Array ||
    array instanceof BigUint64Array);
}

/**
 * Refuses memory that can change while it is read.
 *
 * @param where What is being done, for messages.
 * @param array The typed array.
 * @throws {TypeError} If its memory is shared, resizable or detached.
 */
export function checkMemory(where: string, array: ArrayBufferView): void {
  const { buffer } = array;
  const copy = "pass a copy, such as data.slice()";
  if (typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer) {
    throw new TypeError(
      `Cannot ${where}: data lies in a SharedArrayBuffer, which other threads can change; ${copy}`,
    );
  }
  const plain = buffer as ArrayBuffer;
  if (plain.detached) {
    throw new TypeError(
      `Cannot ${where}: the memory of data was detached (transferred elsewhere), ` +
        `expected readable data`,
    );
  }
  if (plain.resizable) {
    throw new TypeError(`Cannot ${where}: data lies in a resizable ArrayBuffer; ${copy}`);
  }
}

function readNested(where: string, data: unknown, dtype: DType): HostData {
  const shape: number[] = [];
  for (let level = data; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (shape.length > MAX_RANK) {
      throw new ShapeError(
        `Cannot ${where}: data is nested more than ${MAX_RANK} deep, at most ${MAX_RANK} axes ` +
          `are allowed`,
      );
    }
    if (level.length === 0) break;
  }
  const values: number[] = [];
  if (typeof data === "number") values.push(data);
  else collect(where, data, shape, [], values);
  elementCount(shape, where);
  return { values: convertValues(where, values, dtype), shape, dtype };
}

function collect(
  where: string,
  data: unknown,
  shape: readonly number[],
  path: readonly number[],
  values: number[],
): void {
  const place = path.length === 0 ? "data" : `data[${path.join("][")}]`;
  const length = shape[path.length];
  if (length === undefined) {
    if (Array.isArray(data)) {
      throw new ShapeError(
        `Cannot ${where}: data is ragged: ${place} is a list, expected a number ` +
          `as at the first index`,
      );
    }
    throw new TypeError(
      `Cannot ${where}: ${place} is ${describe(data)}, expected ` +
        (path.length === 0 ? "numbers: a number, nested lists or a typed array" : "a number"),
    );
  }
  if (!Array.isArray(data)) {
    if (typeof data !== "number") {
      throw new TypeError(`Cannot ${where}: ${place} is ${describe(data)}, expected a list`);
    }
    throw new ShapeError(
      `Cannot ${where}: data is ragged: ${place} is a number, expected a list of ${length}`,
    );
  }
  if (data.length !== length) {
    throw new ShapeError(
      `Cannot ${where}: data is ragged: ${place} has ${data.length} entries, expected ${length} ` +
        `as in the first list of that depth`,
    );
  }
  const last = path.length === shape.length - 1;
  for (let index = 0; index < length; index++) {
    const item: unknown = data[index];
    // The common case without a call for each number.
    if (last && typeof item === "number") values.push(item);
    else collect(where, item, shape, [...path, index], values);
  }
}

/**
 * The bytes of a typed array, without a copy.
 *
 * @param values The typed array.
 * @returns A view of its bytes.
 */
export function bytesOf(values: HostArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Bytes of the elements of a tensor.
 *
 * @param shape Sizes along every axis.
 * @param dtype Element type.
 * @returns The number of bytes, without padding.
 */
export function tensorByteLength(shape: readonly number[], dtype: DType): number {
  return elementCount(shape) * dtypeByteLength(dtype);
}
