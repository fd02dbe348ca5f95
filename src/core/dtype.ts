// Element types of tensors: one table, read by tensors, casts and file readers.

/** Element type of a tensor. */
export type DType = "float32" | "float16" | "int32" | "int8" | "uint8";

/** Typed arrays that host data comes in and goes out as. */
export type HostArray =
  | Float32Array
  | Float16Array
  | Int32Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray;

interface DTypeRow {
  readonly byteLength: number;
  readonly array: { new (buffer: ArrayBuffer, byteOffset?: number, length?: number): HostArray };
}

const ROWS: Readonly<Record<DType, DTypeRow>> = {
  float32: { byteLength: 4, array: Float32Array },
  float16: { byteLength: 2, array: Float16Array },
  int32: { byteLength: 4, array: Int32Array },
  int8: { byteLength: 1, array: Int8Array },
  uint8: { byteLength: 1, array: Uint8Array },
};

/** All element types. */
export const DTYPES: readonly DType[] = Object.keys(ROWS) as DType[];

/** Bytes of one element. */
export function dtypeByteLength(dtype: DType): number {
  return ROWS[dtype].byteLength;
}

/** Whether values of a dtype have fractions, and so gradients. */
export function isFloat(dtype: DType): dtype is "float32" | "float16" {
  return dtype === "float32" || dtype === "float16";
}

/** Views bytes as the typed array of a dtype, without copying. */
export function viewAs(dtype: DType, bytes: Uint8Array<ArrayBuffer>): HostArray {
  const row = ROWS[dtype];
  return new row.array(bytes.buffer, bytes.byteOffset, bytes.byteLength / row.byteLength);
}

/** The dtype that a typed array holds, or undefined for arrays without one (Float64Array, …). */
export function dtypeOfArray(array: ArrayBufferView): DType | undefined {
  if (array instanceof Uint8ClampedArray) return "uint8";
  return DTYPES.find((dtype) => array instanceof ROWS[dtype].array);
}
