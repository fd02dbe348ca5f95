// The values of a parameter: one tensor on each device, marked as leaves of graphs. Knows no parameters.

import { currentGradient, type GradReq, zeroGrad } from "../autograd/internal.ts";
import { type DType, isFloat } from "../core/dtype.ts";
import { DeviceError, StateError } from "../core/errors.ts";
import { elementCount } from "../core/shape.ts";
import { checkDevice, type Device, empty, type Tensor } from "../tensor/mod.ts";
import { deviceNames } from "./parameter_options.ts";
import { copyInto, copyOf, meanOf, type Value } from "./values.ts";

/** Elements from which a buffer is tried before the host computes values for it. */
const MANY_ELEMENTS = 2 ** 24;

/**
 * Throws what allocating a large parameter would throw, before its values take the host's memory and time.
 *
 * @param shape Its shape.
 * @param dtype Its element type.
 * @param devices Where it is to live.
 * @throws {LimitError} If no buffer of a device can be so large.
 * @throws {OutOfMemoryError} If a device has no room.
 */
export function checkRoom(
  shape: readonly number[],
  dtype: DType,
  devices: readonly Device[],
): void {
  if (elementCount(shape) < MANY_ELEMENTS) return;
  for (const device of devices) empty(shape, { dtype, device }).dispose();
}

/** The copies of a parameter's values, and their gradients. */
export class ParameterValues {
  readonly #name: string;
  readonly #copies = new Map<Device, Tensor>();

  /**
   * Copies values to devices.
   *
   * @param name Name of the parameter.
   * @param value The values.
   * @param dtype Element type of the copies.
   * @param devices Where the copies live.
   * @param gradReq What backward passes do with their gradients.
   */
  constructor(
    name: string,
    value: Value,
    dtype: DType,
    devices: readonly Device[],
    gradReq: GradReq,
  ) {
    this.#name = name;
    try {
      for (const device of devices) this.#copies.set(device, copyOf(value, dtype, device, name));
      this.mark(gradReq);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Where the copies live. */
  get devices(): Device[] {
    return [...this.#copies.keys()];
  }

  /** The copies. */
  get list(): Tensor[] {
    return [...this.#copies.values()];
  }

  /**
   * The copy on a device.
   *
   * @param device Which one; if absent, the only one or that on the default device.
   * @returns The copy.
   * @throws {DeviceError} If there is none.
   * @throws {TypeError} If it is no device.
   */
  at(device: Device | undefined): Tensor {
    if (device === undefined && this.#copies.size === 1) {
      for (const copy of this.#copies.values()) return copy;
    }
    const where = `get Parameter '${this.#name}'`;
    const known = device === undefined ? undefined : this.#copies.get(device);
    if (known !== undefined) return known;
    const wanted = checkDevice(where, device);
    const copy = this.#copies.get(wanted);
    if (copy !== undefined) return copy;
    throw new DeviceError(
      `Cannot ${where}: it was not initialized on ${deviceNames([wanted])}, ` +
        `only on ${deviceNames(this.devices)}`,
    );
  }

  /**
   * The gradient of a copy.
   *
   * @param copy The copy.
   * @returns Its gradient, zeros before the first backward pass.
   * @throws {StateError} If none is computed.
   */
  gradientOf(copy: Tensor): Tensor {
    if (copy.grad !== null) return copy.grad;
    throw new StateError(
      `Cannot get the gradient of Parameter '${this.#name}' of dtype ${copy.dtype}: there is none, ` +
        `expected a float dtype and gradReq "write" or "add"`,
    );
  }

  /** The only copy, or the mean of all on the host. */
  mean(): Value {
    const { list } = this;
    const first = list[0]!;
    if (list.length === 1) return first;
    return { data: meanOf(list.map((copy) => copy.dataSync())), shape: first.shape };
  }

  /** Makes the copies leaves of graphs; gradients start as zeros. */
  mark(gradReq: GradReq): void {
    for (const copy of this.#copies.values()) {
      // Integers have no gradient, whatever is asked for.
      if (gradReq === "null" || !isFloat(copy.dtype)) copy.dropGrad();
      else copy.attachGrad(gradReq);
    }
  }

  /** Sets the gradients to zeros. */
  zeroGrad(): void {
    for (const copy of this.#copies.values()) zeroGrad(copy);
  }

  /** Takes over the gradients of other copies on the same devices, converted. */
  adoptGradients(other: ParameterValues): void {
    for (const [device, copy] of this.#copies) {
      const before = currentGradient(other.at(device));
      const own = before === null ? null : copy.grad;
      if (before !== null && own !== null) copyInto(own, before);
    }
  }

  /** Frees the copies and their gradients. */
  dispose(): void {
    for (const copy of this.#copies.values()) copy.dispose();
  }
}
