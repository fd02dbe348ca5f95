// Values that come into parameters: tensors on any device, or typed arrays with shapes. The only file of
// the layers that copies memory. Knows no parameters.

import { type DType, dtypeOfArray, type HostArray } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { checkShape, describe, elementCount, formatShape } from "../core/shape.ts";
import { type Device, empty, keep, scope, Tensor, tensor } from "../tensor/mod.ts";

/** Values on the host with their shape. */
export interface HostTensor {
  /** The values in row-major order. */
  readonly data: HostArray | Float64Array;
  /** Sizes along every axis. */
  readonly shape: readonly number[];
}

/** Anything that gives a parameter values; a bare typed array stands for one axis. */
export type TensorLike = Tensor | HostTensor | HostArray | Float64Array;

/** Checked values. */
export type Value = Tensor | HostTensor;

/**
 * Checks an input of a layer.
 *
 * @param where What is being done, for messages.
 * @param name Name of the argument.
 * @param value The value to check.
 * @returns The tensor.
 * @throws {TypeError} If it is none.
 */
export function checkTensor(where: string, name: string, value: unknown): Tensor {
  if (value instanceof Tensor) return value;
  throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected a Tensor`);
}

/**
 * Checks values that came from a caller.
 *
 * @param where What is being done, for messages.
 * @param value The value to check.
 * @returns The tensor itself, or the host values with their shape.
 * @throws {TypeError} If it is neither a tensor nor a typed array with a shape.
 * @throws {ShapeError} If array and shape have different lengths.
 */
export function readValue(where: string, value: unknown): Value {
  if (value instanceof Tensor) return value;
  if (isHostData(value)) return { data: value, shape: [value.length] };
  const { data, shape } = (typeof value === "object" && value !== null ? value : {}) as {
    readonly data?: unknown;
    readonly shape?: unknown;
  };
  if (!isHostData(data)) {
    throw new TypeError(
      `Cannot ${where}: found ${describe(value)}${
        data === undefined ? "" : ` with data ${describe(data)}`
      }, expected a Tensor or { data: typed array, shape }`,
    );
  }
  const checked = checkShape(where, shape);
  if (elementCount(checked) !== data.length) {
    throw new ShapeError(
      `Cannot ${where}: data has ${data.length} values, ` +
        `expected ${elementCount(checked)} for shape ${formatShape(checked)}`,
    );
  }
  return { data, shape: checked };
}

function isHostData(value: unknown): value is HostArray | Float64Array {
  return value instanceof Float64Array ||
    ArrayBuffer.isView(value) && dtypeOfArray(value) !== undefined;
}

/**
 * The element type of values.
 *
 * @param value The values.
 * @returns The dtype; `float64` exists on the host only.
 */
export function dtypeOf(value: Value): DType | "float64" {
  if (value instanceof Tensor) return value.dtype;
  return dtypeOfArray(value.data) ?? "float64";
}

/**
 * Copies values into a new tensor, which no scope frees.
 *
 * @param value The values.
 * @param dtype Element type of the copy.
 * @param device Where the copy lives.
 * @param label Named in errors about the copy.
 * @returns The copy.
 */
export function copyOf(value: Value, dtype: DType, device: Device, label: string): Tensor {
  const options = { dtype, device, label };
  if (!(value instanceof Tensor)) return keep(tensor(value.data, value.shape, options));
  const copy = keep(empty(value.shape, options));
  try {
    copyInto(copy, value);
  } catch (error) {
    copy.dispose();
    throw error;
  }
  return copy;
}

/**
 * Overwrites a tensor with values of the same shape.
 *
 * @param target The tensor.
 * @param value The values, of any dtype and on any device.
 */
export function copyInto(target: Tensor, value: Value): void {
  scope(() => {
    if (!(value instanceof Tensor)) {
      target.assign(value.data);
    } else {
      const converted = value.dtype === target.dtype ? value : value.cast(target.dtype);
      target.assign(converted.device === target.device ? converted : converted.dataSync());
    }
  });
}

/**
 * Copies values so that the caller may change or dispose of the originals.
 *
 * @param value The values.
 * @returns The copy, which no scope frees.
 */
export function ownCopy(value: Value): Value {
  if (value instanceof Tensor) return copyOf(value, value.dtype, value.device, value.label);
  return { data: value.data.slice(), shape: value.shape };
}

/**
 * Frees an own copy of values.
 *
 * @param value The copy, or null for none.
 */
export function disposeValue(value: Value | null): void {
  if (value instanceof Tensor) value.dispose();
}

/**
 * The mean of copies of the same values, element by element.
 *
 * @param copies Values on the host, at least one.
 * @returns The mean, in an array of the same kind; the first of the copies itself if it is the only one.
 */
export function meanOf(copies: readonly HostArray[]): HostArray {
  const [first, ...others] = copies as [HostArray, ...HostArray[]];
  if (others.length === 0) return first;
  const mean = first.slice();
  for (let index = 0; index < mean.length; index++) {
    let sum = first[index]!;
    for (const other of others) sum += other[index]!;
    mean[index] = sum / copies.length;
  }
  return mean;
}
