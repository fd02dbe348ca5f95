// How CPU kernels load operands fastest on this driver. Mesa's software driver changed its fast path twice, each time by a
// factor of two or more.

import type { NativeRuntime } from "../../ffi/native.ts";
import type { Capabilities } from "../core/capabilities.ts";
import { DeviceLostError } from "../core/errors.ts";
import type { Adapter } from "./adapter.ts";
import type { Device } from "./device.ts";
import { measureLoadPath } from "./load_probe.ts";
import { type InternalDeviceOptions, isLoadPath } from "./options.ts";

/** Environment variable that chooses the load path. */
export const LOAD_PATH_VARIABLE = "VKNN_LOAD_PATH";

/** The version whose paths were measured: ten times apart, so there is no need to wait for its compiler to find out again. */
const MEASURED_MESA = 22;

/**
 * Decides the load path of a device: option, environment, what was measured before, a measurement, what is known of the driver.
 *
 * @param device The device.
 * @param runtime Reads the environment.
 * @param options The caller's options.
 * @returns The path.
 */
export function chooseLoadPath(
  device: Device,
  runtime: NativeRuntime,
  options: InternalDeviceOptions,
): Capabilities["loadPath"] {
  if (options.loadPath !== undefined) return options.loadPath;
  const variable = runtime.environment(LOAD_PATH_VARIABLE);
  if (isLoadPath(variable)) return variable;
  // Addresses and texel fetches pass by the range checks that validation is about.
  if (options.validate === true || !device.adapter.software) return "storage";
  const known = knownLoadPath(device.adapter);
  if (mesaVersion(device.adapter) === MEASURED_MESA) return known;
  try {
    return measureLoadPath(device) ?? known;
  } catch (error) {
    if (error instanceof DeviceLostError) throw error;
    return known;
  }
}

/**
 * The load path that suits a driver by its version, as far as its sources tell.
 *
 * @param adapter The device.
 * @returns For Mesa's software driver 22: inlined texel loads; 23 to 25: gathers through addresses; later and elsewhere:
 * storage buffers.
 */
export function knownLoadPath(adapter: Adapter): Capabilities["loadPath"] {
  const version = mesaVersion(adapter);
  if (version === undefined) return "storage";
  if (version < 23) return "texel";
  return version < 26 && adapter.features.bufferDeviceAddress ? "address" : "storage";
}

function mesaVersion(adapter: Adapter): number | undefined {
  const version = adapter.software ? /Mesa (\d+)\./.exec(adapter.driverInfo)?.[1] : undefined;
  return version === undefined ? undefined : Number(version);
}
