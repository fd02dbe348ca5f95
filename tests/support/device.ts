/**
 * The device that GPU tests share.
 *
 * @module
 */
import { Device } from "../../src/device/device.ts";
import type { InternalDeviceOptions } from "../../src/device/options.ts";

/** Below the limit of a test, so that the error of the device is the one that is seen. */
const TIMEOUT_MILLISECONDS = 110_000;

/** Takes any adapter for a discrete GPU. */
const AS_GPU: InternalDeviceOptions = {
  forgeAdapter: (record) => ({
    ...record,
    adapter: { ...record.adapter, type: "discrete", software: false },
  }),
};

/**
 * Opens the default adapter, with more patience than by default: on a machine that has other work, lavapipe may compile the
 * kernels of one submission for longer than a minute.
 *
 * @param asGpu Whether its planner takes it for a GPU, so that kernels of GPUs run where there is none.
 * @returns The device.
 */
export function openTestDevice(asGpu: boolean): Device {
  return Device.open({ timeoutMilliseconds: TIMEOUT_MILLISECONDS, ...(asGpu ? AS_GPU : {}) });
}
