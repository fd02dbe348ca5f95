// Limits of what one binding may hold, and the numbers by which shaders know dtypes.

import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { LimitError } from "../core/errors.ts";
import { elementCount, formatShape, type Shape } from "../core/shape.ts";
import type { Capabilities, Slot } from "./plan.ts";

/** Numbers of dtypes in cast.comp. */
export const DTYPE_CODES: Readonly<Record<DType, number>> = {
  float32: 0,
  float16: 1,
  int32: 2,
  int8: 3,
  uint8: 4,
};

/**
 * Counts the elements of an operand and checks that one binding can hold them.
 *
 * @param capabilities The device.
 * @param where What is being planned, for the message: `apply Convolution`.
 * @param shape Shape of the operand.
 * @param elementBytes Bytes of an element.
 * @returns The number of elements.
 * @throws {LimitError} If there are 2^31 or more, or more bytes than a storage buffer may hold.
 */
export function countOperand(
  capabilities: Capabilities,
  where: string,
  shape: Shape,
  elementBytes: number,
): number {
  const count = elementCount(shape, where);
  const bytes = count * elementBytes;
  if (bytes > capabilities.maxStorageBufferRange) {
    throw new LimitError(
      `Cannot ${where}: shape ${formatShape(shape)} takes ${bytes} bytes, but a kernel of this ` +
        `device reads at most ${capabilities.maxStorageBufferRange} bytes of one tensor; ` +
        `split the batch`,
    );
  }
  return count;
}

/**
 * Whether kernels should read their operands as texels: where the device reads them faster, and where every tensor that
 * it binds at all fits a view.
 *
 * @param capabilities The device.
 * @returns True for the `texel` builds of programs.
 */
export function usesTexels(capabilities: Capabilities): boolean {
  return capabilities.loadPath === "texel" &&
    capabilities.maxStorageBufferRange <= capabilities.maxTexelBufferElements * 4;
}

/**
 * The operand of a dtype that a kernel family supports.
 *
 * @param where What is being planned, for the message.
 * @param dtype The dtype asked for.
 * @param allowed What the family computes.
 * @throws {TypeError} If the dtype is not among them.
 */
export function checkDType(where: string, dtype: DType, allowed: readonly DType[]): void {
  if (!allowed.includes(dtype)) {
    throw new TypeError(`Cannot ${where}: dtype is ${dtype}, expected ${allowed.join(" or ")}`);
  }
}

/**
 * Slots of an operator whose inputs and outputs are bound as they come.
 *
 * @param inputs Number of inputs.
 * @returns Input slots 0 .. inputs - 1, then one output slot.
 */
export function plainSlots(inputs: number): Slot[] {
  const slots: Slot[] = [];
  for (let index = 0; index < inputs; index++) slots.push({ role: "input", index });
  slots.push({ role: "output", index: 0 });
  return slots;
}

/**
 * Bytes of several operands of one dtype.
 *
 * @param dtype Their dtype.
 * @param counts Their numbers of elements.
 * @returns The sum in bytes.
 */
export function totalBytes(dtype: DType, ...counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0) * dtypeByteLength(dtype);
}
