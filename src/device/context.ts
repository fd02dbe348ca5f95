// What every part of the device layer shares: the handles, the checked calls, the count of live objects and the loss flag.

import type { Arena } from "../../ffi/arena.ts";
import type { Vulkan } from "../../ffi/loader.ts";
import { VulkanError } from "../../ffi/result.ts";
import type { VulkanCommands } from "../../ffi/vulkan/commands.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import { VkDeviceCreateInfo, VkDeviceQueueCreateInfo } from "../../ffi/vulkan/structs.ts";
import { DeviceLostError } from "../core/errors.ts";
import type { AdapterRecord } from "./adapter.ts";
import { computeQueueFamily } from "./adapter_choice.ts";
import { COOPERATIVE_MATRIX_EXTENSION } from "./cooperative_matrix.ts";
import { writeFeatures } from "./features.ts";
import { deviceExtensions, type Instance } from "./instance.ts";

/** Kinds of objects that are made and destroyed in one uniform way. */
export type ObjectKind =
  | "Buffer"
  | "BufferView"
  | "Image"
  | "ShaderModule"
  | "PipelineCache"
  | "PipelineLayout"
  | "DescriptorSetLayout"
  | "DescriptorPool"
  | "CommandPool"
  | "QueryPool"
  | "Semaphore";

type Creator = (device: bigint, info: bigint, allocator: bigint, out: bigint) => number;
type Destroyer = (device: bigint, handle: bigint, allocator: bigint) => void;

/** Devices that are not fully conformant (MoltenVK) demand that the program knows it. */
const PORTABILITY_SUBSET = "VK_KHR_portability_subset";

/** The VkDevice, its queue, and checked calls. */
export class Context {
  /** The loader, with the commands that all calls go through. */
  readonly vulkan: Vulkan;
  /** The commands. */
  readonly commands: VulkanCommands;
  /** Memory for arguments. */
  readonly arena: Arena;
  /** What is known of the adapter. */
  readonly record: AdapterRecord;
  /** Index of the queue family. */
  readonly queueFamily: number;
  /** `VkQueue`. */
  readonly queue: bigint;
  /** Called once when the device is lost. */
  onLost: (error: DeviceLostError) => void = () => {};
  readonly #instance: Instance;
  #handle: bigint;
  #objects = 2; // the instance and the device
  #lost: DeviceLostError | undefined;

  /**
   * @param instance Owned by the context from now on, if the constructor does not throw.
   * @param record The adapter to open.
   * @param validate Whether to clamp stray accesses.
   * @throws {VulkanError} If the driver refuses.
   */
  constructor(instance: Instance, record: AdapterRecord, validate: boolean) {
    this.#instance = instance;
    this.vulkan = instance.vulkan;
    this.commands = this.vulkan.commands;
    this.arena = this.vulkan.arena;
    this.record = record;
    this.queueFamily = computeQueueFamily(record);
    this.#handle = this.#createDevice(validate);
    this.queue = this.arena.scope(() => {
      const out = this.arena.allocate(8);
      this.commands.vkGetDeviceQueue(this.#handle, this.queueFamily, 0, out.address);
      return out.getU64();
    });
  }

  /** `VkDevice`. */
  get handle(): bigint {
    return this.#handle;
  }

  /** Number of Vulkan objects that this context made and has not destroyed. */
  get objects(): number {
    return this.#objects;
  }

  /** Why the device is lost, or undefined. */
  get lost(): DeviceLostError | undefined {
    return this.#lost;
  }

  /**
   * Passes a result through if it is a success.
   *
   * @param command Name of the command.
   * @param code What it returned.
   * @returns The code, zero or positive.
   * @throws {DeviceLostError} If the device is lost; from then on it stays so.
   * @throws {VulkanError} For other failures.
   */
  check(command: string, code: number): number {
    if (code >= 0) return code;
    const error = new VulkanError(command, code);
    throw code === vk.VK_ERROR_DEVICE_LOST ? this.markLost(error) : error;
  }

  /**
   * Marks the device as lost: recorded work is gone and nothing may be submitted any more.
   *
   * @param cause What happened.
   * @returns The error to throw.
   */
  markLost(cause: Error): DeviceLostError {
    if (this.#lost !== undefined) return this.lostError();
    this.#lost = new DeviceLostError(
      `The device ${this.record.adapter.name} is lost: ${cause.message} Its tensors are gone; open a new device to go on.`,
      { cause },
    );
    this.onLost(this.#lost);
    return this.#lost;
  }

  /** A new error with the message of the first loss, so that its stack shows the later call. */
  lostError(): DeviceLostError {
    const first = this.#lost;
    return new DeviceLostError(first?.message ?? "The device is lost", { cause: first });
  }

  /**
   * Makes an object.
   *
   * @param kind What to make: `Buffer` calls `vkCreateBuffer`.
   * @param info Address of its create info.
   * @returns Its handle.
   * @throws {VulkanError} If the driver refuses.
   */
  create(kind: ObjectKind, info: bigint): bigint {
    const command = `vkCreate${kind}` as const;
    const { arena } = this;
    const mark = arena.mark();
    try {
      const out = arena.allocate(8);
      const creator = this.commands[command] as Creator;
      this.check(command, creator(this.#handle, info, 0n, out.address));
      this.#objects++;
      return out.getU64();
    } finally {
      arena.release(mark);
    }
  }

  /**
   * Destroys an object made by `create`.
   *
   * @param kind What it is.
   * @param handle Its handle; 0 does nothing.
   */
  destroy(kind: ObjectKind, handle: bigint): void {
    if (handle === 0n) return;
    const destroyer = this.commands[`vkDestroy${kind}` as const] as Destroyer;
    destroyer(this.#handle, handle, 0n);
    this.#objects--;
  }

  /** Counts an object that has a command of its own to make it. */
  countObject(change: 1 | -1): void {
    this.#objects += change;
  }

  /** Destroys the device and the instance. Everything else must be destroyed, and the queue idle or lost. */
  dispose(): void {
    if (this.#handle === 0n) return;
    this.commands.vkDestroyDevice(this.#handle, 0n);
    this.#handle = 0n;
    this.#instance.dispose();
    this.#objects -= 2;
  }

  #createDevice(validate: boolean): bigint {
    const { arena, commands, record } = this;
    const extensions = deviceExtensions(this.vulkan, record.handle).filter((name) =>
      name === PORTABILITY_SUBSET ||
      (name === COOPERATIVE_MATRIX_EXTENSION && record.adapter.features.cooperativeMatrix)
    );
    return arena.scope(() => {
      const priority = arena.allocate(4);
      priority.view.setFloat32(priority.offset, 1, true);
      const queue = arena.struct(VkDeviceQueueCreateInfo, {
        queueFamilyIndex: this.queueFamily,
        queueCount: 1,
        pQueuePriorities: priority.address,
      });
      const info = arena.struct(VkDeviceCreateInfo, {
        pNext: writeFeatures(arena, record.adapter.features, validate),
        queueCreateInfoCount: 1,
        pQueueCreateInfos: queue.address,
        enabledExtensionCount: extensions.length,
        ppEnabledExtensionNames: extensions.length > 0 ? arena.texts(extensions).address : 0n,
      });
      const out = arena.allocate(8);
      this.check(
        "vkCreateDevice",
        commands.vkCreateDevice(record.handle, info.address, 0n, out.address),
      );
      return out.getU64();
    });
  }
}
