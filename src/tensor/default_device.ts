// The device of tensors that name none; opened by the first of them. Importing does nothing.

import { type Adapter, listAdapters } from "../device/adapter.ts";
import { Device } from "../device/device.ts";
import { DisposedError } from "../core/errors.ts";
import { describe } from "../core/shape.ts";

let chosen: Device | undefined;

/**
 * The default device. The first call opens the best one there is; `VKNN_ADAPTER` may name another.
 *
 * @returns The device; a new one if the last was disposed.
 * @throws {DeviceError} If no device can be opened.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { defaultDevice, tensor } from "@vknn/vknn";
 *
 * const x = tensor([1, 2, 3]);
 * assert(x.device === defaultDevice());
 * x.dispose();
 * ```
 */
export function defaultDevice(): Device {
  if (chosen === undefined || chosen.disposed) chosen = Device.open();
  return chosen;
}

/**
 * Chooses the device of tensors that name none. Tensors on the device before stay there.
 *
 * @param device The device; it still belongs to the caller.
 * @returns The device that was the default before, if one was open.
 * @throws {TypeError} If it is not a device.
 * @throws {DisposedError} If it was disposed.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { defaultDevice, setDefaultDevice } from "@vknn/vknn";
 *
 * const device = defaultDevice();
 * assert(setDefaultDevice(device) === device);
 * ```
 */
export function setDefaultDevice(device: Device): Device | undefined {
  if (device === undefined) {
    throw new TypeError("Cannot set the default device: device is undefined, expected a Device");
  }
  checkDevice("set the default device", device);
  const before = chosen;
  chosen = device;
  return before?.disposed === false ? before : undefined;
}

/**
 * The adapters that a device can be opened on, without opening one.
 *
 * @returns One entry for each adapter of each driver.
 * @throws {LoaderError} If the Vulkan loader cannot be found.
 *
 * @example
 * ```ts
 * import { devices } from "@vknn/vknn";
 *
 * for (const adapter of devices()) console.log(adapter.index, adapter.name, adapter.type);
 * ```
 */
export function devices(): Adapter[] {
  return listAdapters();
}

/**
 * Checks a device that came from a caller.
 *
 * @param where What is being done, for messages.
 * @param device The value to check; undefined stands for the default device.
 * @returns The device.
 * @throws {TypeError} If it is not a device.
 */
export function checkDevice(where: string, device: unknown): Device {
  if (device === undefined) return defaultDevice();
  const candidate = device as Partial<Device> | null;
  // By its methods, not by its class: tests plan on devices that do not exist.
  if (typeof candidate !== "object" || typeof candidate?.allocate !== "function") {
    throw new TypeError(
      `Cannot ${where}: device is ${describe(device)}, expected a Device (see Device.open)`,
    );
  }
  if (candidate.disposed) {
    throw new DisposedError(`Cannot ${where}: the device was disposed, open another one`);
  }
  return candidate as Device;
}
