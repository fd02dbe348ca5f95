// Overwriting a tensor in place, from another tensor or from host data.

import { DeviceError, ShapeError } from "../core/errors.ts";
import { formatShape, sameShape } from "../core/shape.ts";
import { bytesOf, readHostData, type TensorData } from "./host_data.ts";
import type { Tensor } from "./tensor.ts";

const WHERE = "assign to a tensor";

/**
 * Copies a tensor into another one of the same shape, dtype and device.
 *
 * @param target The tensor to overwrite.
 * @param source The tensor to copy.
 * @throws {ShapeError} If the shapes differ.
 * @throws {TypeError} If the dtypes differ.
 * @throws {DeviceError} If the devices differ.
 */
export function assignTensor(target: Tensor, source: Tensor): void {
  const from = source.storage;
  const to = target.storage;
  if (from.device !== to.device) {
    throw new DeviceError(`Cannot ${WHERE}: the source lies on another device, copy its data()`);
  }
  if (source.dtype !== target.dtype) {
    throw new TypeError(
      `Cannot ${WHERE}: source is ${source.dtype}, expected ${target.dtype}; cast() it first`,
    );
  }
  checkShape(target, source.shape);
  if (from === to || from.buffer === null || to.buffer === null) return;
  to.device.copy(from.buffer, 0, to.buffer, 0, from.byteLength);
  to.touch();
}

/**
 * Copies host data into a tensor.
 *
 * @param target The tensor to overwrite.
 * @param source Numbers, nested lists of the tensor's shape, or a typed array of its length.
 * @throws {ShapeError} If shape or length differ.
 * @throws {TypeError} If the data is none.
 * @throws {RangeError} If an integer dtype cannot hold a value.
 */
export function assignData(target: Tensor, source: TensorData): void {
  const to = target.storage;
  // A typed array has no shape of its own, only a length.
  const shape = ArrayBuffer.isView(source) ? target.shape : undefined;
  const read = readHostData(WHERE, source, shape, target.dtype);
  checkShape(target, read.shape);
  if (to.buffer === null) return;
  to.device.upload(to.buffer, bytesOf(read.values));
  to.touch();
}

function checkShape(target: Tensor, shape: readonly number[]): void {
  if (sameShape(shape, target.shape)) return;
  throw new ShapeError(
    `Cannot ${WHERE}: source has shape ${formatShape(shape)}, ` +
      `expected ${formatShape(target.shape)}`,
  );
}
