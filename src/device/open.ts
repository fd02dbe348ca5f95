// From options to an opened context: find Vulkan, choose the adapter, make the VkDevice.

import { openVulkan } from "../../ffi/loader.ts";
import { readAdapters } from "./adapter.ts";
import { ADAPTER_VARIABLE, chooseAdapter } from "./adapter_choice.ts";
import { Context } from "./context.ts";
import { holdDrivers, Instance } from "./instance.ts";
import type { InternalDeviceOptions } from "./options.ts";

/**
 * Opens the device that the options ask for.
 *
 * @param options Checked options.
 * @returns The context; the caller disposes of it.
 * @throws {LoaderError} If Vulkan is not installed, not permitted or has no driver.
 * @throws {DeviceError} If no adapter fits the wish, or the one that fits cannot be used.
 */
export function openContext(options: InternalDeviceOptions): Context {
  const opened = openVulkan({ library: options.library });
  const { wrapCommands } = options;
  const vulkan = wrapCommands === undefined
    ? opened
    : { ...opened, commands: wrapCommands(opened.commands) };
  const instance = new Instance(vulkan);
  let owner: { dispose(): void } = instance; // of all that is to be given back
  try {
    holdDrivers(opened);
    const found = readAdapters(instance);
    const records = found.map((record) => options.forgeAdapter?.(record) ?? record);
    const variable = vulkan.runtime.environment(ADAPTER_VARIABLE);
    const record = chooseAdapter(records, options.adapter, variable);
    const context = new Context(instance, record, options.validate ?? false);
    owner = context;
    const { name, software, driverInfo } = record.adapter;
    options.log?.({
      level: software ? "notice" : "debug",
      message: software
        ? `${name} computes on the CPU (${driverInfo}): correct, but slow. Install a GPU driver for speed.`
        : `Opened ${name} (${driverInfo}).`,
    });
    return context;
  } catch (error) {
    owner.dispose();
    throw error;
  }
}
