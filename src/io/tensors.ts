// Between arrays of files and tensors of devices.

import type { DType } from "../core/dtype.ts";
import { DTYPES } from "../core/dtype.ts";
import { describe } from "../core/options.ts";
import { type CreateOptions, Tensor, tensor, type TensorData } from "../tensor/mod.ts";
import {
  type ArrayContent,
  checkArray,
  type FileArray,
  fileArray,
  type FileDType,
  type FileValues,
} from "./file_array.ts";

/**
 * Copies an array of a file to a device.
 *
 * Float32, float16, int32, int8 and uint8 become tensors as they are. For other element types name
 * a dtype: integers and booleans become floats with rounding and integers where that is exact,
 * float64 and bfloat16 likewise.
 *
 * @param array The array.
 * @param options Element type, device and label; the label is the array's name if omitted.
 * @returns A tensor that belongs to the caller.
 * @throws {TypeError} If no dtype is named and tensors do not have that of the array.
 * @throws {RangeError} If an integer dtype cannot hold a value.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { fileArray, toTensor } from "@vknn/vknn/io";
 *
 * const ids = fileArray("ids", new BigInt64Array([1n, 2n]));
 * const x = toTensor(ids, { dtype: "int32" });
 * assert((await x.data()).join() === "1,2" && x.label === "ids");
 * x.dispose();
 * ```
 */
export function toTensor(array: FileArray, options: CreateOptions = {}): Tensor {
  const where = "make a tensor";
  const { name, shape, dtype, data } = checkArray(where, array);
  const settings = name === "" ? options : { label: name, ...options };
  if (isTensorDType(dtype)) return tensor(data as TensorData, shape, settings);
  if (options.dtype === undefined) {
    throw new TypeError(
      `Cannot ${where}: ${describe(name)} is ${dtype}, which tensors do not have, expected ` +
        `a dtype to convert to, such as { dtype: "float32" }`,
    );
  }
  return tensor(toNumbers(dtype, data), shape, settings);
}

function isTensorDType(dtype: FileDType): dtype is FileDType & DType {
  return (DTYPES as readonly string[]).includes(dtype);
}

/**
 * Values as numbers.
 *
 * @param dtype Their element type.
 * @param data The values.
 * @returns The values as float64, exactly but for integers beyond 2^53.
 */
export function toNumbers(dtype: FileDType, data: FileValues): Float64Array {
  if (dtype === "float64") return data as Float64Array;
  if (dtype === "bfloat16") return Float64Array.from(bfloat16ToFloat32(data as Uint16Array));
  const numbers = new Float64Array(data.length);
  for (let index = 0; index < numbers.length; index++) numbers[index] = Number(data[index]);
  return numbers;
}

/**
 * Reads bit patterns of bfloat16 as numbers, which is exact.
 *
 * @param bits The bit patterns, as arrays of dtype `bfloat16` hold them.
 * @returns The numbers.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { bfloat16ToFloat32 } from "@vknn/vknn/io";
 *
 * assert(bfloat16ToFloat32(new Uint16Array([0x3f80, 0xc020])).join() === "1,-2.5");
 * ```
 */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  if (!(bits instanceof Uint16Array)) {
    throw new TypeError(
      `Cannot convert bfloat16: bits is ${describe(bits)}, expected a Uint16Array`,
    );
  }
  const wide = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) wide[index] = bits[index]! << 16;
  return new Float32Array(wide.buffer);
}

/**
 * Copies a tensor into an array for a file.
 *
 * @param name Name within the file.
 * @param tensor The tensor.
 * @returns The array, when the device has computed and copied it.
 * @throws {TypeError} If it is no tensor.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { tensor } from "@vknn/vknn";
 * import { encodeNpz, fromTensor } from "@vknn/vknn/io";
 *
 * const x = tensor([[1, 2], [3, 4]]);
 * const bytes = encodeNpz([await fromTensor("x", x)]);
 * assert(bytes.length > 0);
 * x.dispose();
 * ```
 */
export async function fromTensor(name: string, tensor: Tensor): Promise<FileArray> {
  const content = await contentOf(tensor);
  return fileArray(name, content.data, content.shape, content.dtype);
}

async function contentOf(tensor: Tensor): Promise<ArrayContent> {
  if (!(tensor instanceof Tensor)) {
    throw new TypeError(
      `Cannot make an array for a file: found ${describe(tensor)}, expected a Tensor`,
    );
  }
  const { shape, dtype } = tensor;
  return { shape, dtype, data: await tensor.data() as FileValues };
}
