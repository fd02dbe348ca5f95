// Devices of their own for the device tests, and the kernel they run. Not the shared default device: these tests break devices.

import { assertEquals } from "@std/assert";
import { openVulkan } from "../../ffi/loader.ts";
import type { VulkanCommands } from "../../ffi/vulkan/commands.ts";
import type { Dispatch } from "../../src/core/dispatch.ts";
import { Device } from "../../src/device/device.ts";
import type { DeviceBuffer } from "../../src/device/buffers.ts";
import type { InternalDeviceOptions } from "../../src/device/options.ts";
import { planScalar } from "../../src/kernels/elementwise.ts";

// The library stays open for the life of the process: opened here, it is no test's leak.
openVulkan();

/** Both ways in which bytes reach a device. */
export const TRANSFERS = ["mapped", "staging"] as const;

/** Opens a device with the options for tests. */
export function openDevice(options: InternalDeviceOptions = {}): Device {
  return Device.open(options);
}

/** Opens a device, runs the body, disposes of the device and checks that nothing is left. */
export async function withDevice(
  options: InternalDeviceOptions,
  body: (device: Device) => void | Promise<void>,
): Promise<void> {
  const device = Device.open(options);
  try {
    await body(device);
  } finally {
    device.dispose();
  }
  await settle(device);
}

/** Waits until a disposed device has no objects; a wait on another thread may hold some for 50 ms. */
export async function settle(device: Device): Promise<void> {
  for (let i = 0; i < 100 && device.memory().vulkanObjects > 0; i++) await sleep(5);
  const { vulkanObjects, liveBuffers, reservedBytes } = device.memory();
  assertEquals({ vulkanObjects, liveBuffers, reservedBytes }, {
    vulkanObjects: 0,
    liveBuffers: 0,
    reservedBytes: 0,
  });
}

/** A kernel: second operand = first operand * scale + shift, on float32. */
export function affine(device: Device, count: number, scale: number, shift: number): Dispatch {
  const plan = planScalar(device.capabilities, { kind: "affine", scale, shift }, count);
  return plan.dispatches[0] as Dispatch;
}

/** Raw bytes of a typed array. */
export function bytesOf(array: ArrayBufferView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
}

/** Makes a buffer of float32 values. */
export function upload(device: Device, values: Float32Array, label: string): DeviceBuffer {
  const buffer = device.allocate(values.byteLength, label, true);
  device.upload(buffer, bytesOf(values));
  return buffer;
}

/** Reads a whole buffer as float32. */
export async function download(device: Device, buffer: DeviceBuffer): Promise<Float32Array> {
  return new Float32Array((await device.download(buffer, 0, buffer.byteLength)).buffer);
}

/** Lets the event loop turn for some time. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

// deno-lint-ignore no-explicit-any
type AnyCommand = (...values: any[]) => any;

/** Counts what is made and destroyed, and makes one call fail. */
export class Faults {
  /** Fallible calls so far. */
  calls = 0;
  /** Name of the command that was made to fail. */
  failed: string | undefined;
  /** Objects that exist. */
  objects = 0;
  readonly #at: number;
  readonly #code: number;
  readonly #only: RegExp;
  #device = 0n;

  /**
   * @param at Number of the call to fail, counted from 1; 0 for none.
   * @param code The VkResult that it returns.
   * @param only Commands that are counted.
   */
  constructor(at: number, code: number, only: RegExp = /^/) {
    this.#at = at;
    this.#code = code;
    this.#only = only;
  }

  /** For the `wrapCommands` option. */
  readonly wrap = (commands: VulkanCommands): VulkanCommands => {
    const wrapped: Record<string, AnyCommand | null> = {};
    for (const [name, command] of Object.entries(commands) as [string, AnyCommand | null][]) {
      wrapped[name] = command === null ? null : this.#wrapOne(name, command, commands);
    }
    return wrapped as unknown as VulkanCommands;
  };

  #wrapOne(name: string, command: AnyCommand, commands: VulkanCommands): AnyCommand {
    const makes = /^vk(Create|AllocateMemory)/.test(name);
    if (/^vk(Destroy|FreeMemory)/.test(name)) {
      return (...values) => {
        this.objects--;
        if (name === "vkDestroyDevice") this.#device = 0n;
        return command(...values);
      };
    }
    if (name === "vkGetDeviceQueue") {
      return (...values) => {
        this.#device = values[0];
        return command(...values);
      };
    }
    // Commands that return a VkResult; the others have nothing to fail with.
    if (
      /^vkCmd|^vkGetPhysical|^vkGetBuffer|^vkUpdate|^vkFree|^vkUnmap/.test(name)
    ) {
      return command;
    }
    return (...values) => {
      if (this.#only.test(name) && ++this.calls === this.#at) {
        this.failed = name;
        // A lost device works on nothing any more; this one must not either.
        if (this.#device !== 0n) commands.vkDeviceWaitIdle(this.#device);
        return name.endsWith("Async") ? Promise.resolve(this.#code) : this.#code;
      }
      const result = command(...values);
      if (makes && result === 0) this.objects++;
      return result;
    };
  }
}
