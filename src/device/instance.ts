// One VkInstance: the connection to the installed drivers.

import type { Slot } from "../../ffi/arena.ts";
import type { Vulkan } from "../../ffi/loader.ts";
import { checkResult, noDriverError, VulkanError } from "../../ffi/result.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkApplicationInfo,
  VkExtensionProperties,
  VkInstanceCreateInfo,
} from "../../ffi/vulkan/structs.ts";

/** Version that the module is written for; devices of 1.2 are enough. */
const API_VERSION = (1 << 22) | (3 << 12);

/** Drivers that are not fully conformant (MoltenVK) are hidden without it. */
const PORTABILITY = "VK_KHR_portability_enumeration";

/** How often a list that keeps growing is asked for again. */
const ENUMERATION_TRIES = 8;

/** An opened VkInstance. */
export class Instance {
  /** The loader. */
  readonly vulkan: Vulkan;
  /** `VkInstance`; 0 after `dispose()`. */
  #handle: bigint;

  /**
   * @param vulkan The loader.
   * @throws {LoaderError} If there is no driver.
   * @throws {VulkanError} If the instance cannot be made for another reason.
   */
  constructor(vulkan: Vulkan) {
    this.vulkan = vulkan;
    const { arena, commands } = vulkan;
    const portability = instanceExtensions(vulkan).includes(PORTABILITY);
    this.#handle = arena.scope(() => {
      const application = arena.struct(VkApplicationInfo, {
        pEngineName: arena.text("vknn").address,
        apiVersion: API_VERSION,
      });
      const info = arena.struct(VkInstanceCreateInfo, {
        flags: portability ? vk.VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR : 0,
        pApplicationInfo: application.address,
        enabledExtensionCount: portability ? 1 : 0,
        ppEnabledExtensionNames: portability ? arena.texts([PORTABILITY]).address : 0n,
      });
      const out = arena.allocate(8);
      const code = commands.vkCreateInstance(info.address, 0n, out.address);
      // The loader's answer where it finds no driver at all.
      if (code === vk.VK_ERROR_INCOMPATIBLE_DRIVER) {
        throw noDriverError(
          vulkan.runtime.os,
          vulkan.path,
          "vkCreateInstance returned VK_ERROR_INCOMPATIBLE_DRIVER",
        );
      }
      checkResult("vkCreateInstance", code);
      return out.getU64();
    });
  }

  /** `VkInstance`; 0 after `dispose()`. */
  get handle(): bigint {
    return this.#handle;
  }

  /** Destroys the instance; a second call does nothing. */
  dispose(): void {
    if (this.#handle === 0n) return;
    this.vulkan.commands.vkDestroyInstance(this.#handle, 0n);
    this.#handle = 0n;
  }
}

/** Instances that stay for the life of the process, one for each loader. */
const holders = new Map<string, Instance>();

/**
 * Keeps the drivers in memory for the life of the process. Without any instance the loader unloads them, and NVIDIA's
 * can be loaded anew about thirty times only: after that vkCreateInstance finds no driver.
 *
 * @param vulkan The loader, with which an instance was made before.
 * @throws {VulkanError} If the instance cannot be made.
 */
export function holdDrivers(vulkan: Vulkan): void {
  if (!holders.has(vulkan.path)) holders.set(vulkan.path, new Instance(vulkan));
}

/**
 * Calls one of Vulkan's enumerations: ask for the count, then for the items, and again if the list grew in between.
 *
 * @param vulkan The loader.
 * @param command Name of the command, for errors.
 * @param itemBytes Bytes of one item.
 * @param call Calls the command with the addresses of the count and of the items.
 * @param read Reads the items.
 * @returns The items.
 * @throws {VulkanError} If the command fails or the list never stops growing.
 */
export function enumerate<Item>(
  vulkan: Vulkan,
  command: string,
  itemBytes: number,
  call: (count: bigint, items: bigint) => number,
  read: (slot: Slot, count: number) => Item[],
): Item[] {
  const { arena } = vulkan;
  for (let attempt = 0; attempt < ENUMERATION_TRIES; attempt++) {
    const items = arena.scope(() => {
      const count = arena.allocate(4);
      checkResult(command, call(count.address, 0n));
      if (count.getU32() === 0) return [];
      const slot = arena.allocate(count.getU32() * itemBytes);
      const code = checkResult(command, call(count.address, slot.address));
      return code === vk.VK_INCOMPLETE ? undefined : read(slot, count.getU32());
    });
    if (items !== undefined) return items;
  }
  throw new VulkanError(command, vk.VK_INCOMPLETE);
}

/**
 * Reads a list of extensions.
 *
 * @param slot Memory of the structs.
 * @param count How many.
 * @returns Their names.
 */
function readExtensionNames(slot: Slot, count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => VkExtensionProperties.read(slot, i * VkExtensionProperties.byteLength).extensionName,
  );
}

/**
 * The extensions of a device.
 *
 * @param vulkan The loader.
 * @param device `VkPhysicalDevice`.
 * @returns Their names.
 */
export function deviceExtensions(vulkan: Vulkan, device: bigint): string[] {
  const { commands } = vulkan;
  return enumerate(
    vulkan,
    "vkEnumerateDeviceExtensionProperties",
    VkExtensionProperties.byteLength,
    (count, items) => commands.vkEnumerateDeviceExtensionProperties(device, 0n, count, items),
    readExtensionNames,
  );
}

function instanceExtensions(vulkan: Vulkan): string[] {
  return enumerate(
    vulkan,
    "vkEnumerateInstanceExtensionProperties",
    VkExtensionProperties.byteLength,
    (count, items) => vulkan.commands.vkEnumerateInstanceExtensionProperties(0n, count, items),
    readExtensionNames,
  );
}
