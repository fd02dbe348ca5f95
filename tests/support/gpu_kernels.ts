/**
 * A device whose planner takes it for a GPU, so that kernels of GPUs run where there is none.
 *
 * @module
 */
import { Device } from "../../src/device/device.ts";
import type { InternalDeviceOptions } from "../../src/device/options.ts";

/** Opens the default adapter as a discrete GPU. */
export function openAsGpu(): Device {
  const options: InternalDeviceOptions = {
    forgeAdapter: (record) => ({
      ...record,
      adapter: { ...record.adapter, type: "discrete", software: false },
    }),
  };
  return Device.open(options);
}
