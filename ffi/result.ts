/**
 * Failures in words: a `VkResult` becomes a `VulkanError`, a missing or unusable library a
 * `LoaderError`. Users of other tools met bare numbers instead ("-9" and "-3" in
 * realsr-ncnn-vulkan#17, #18, #48), so every text says what to do.
 *
 * @module
 */

import { resultNames } from "./vulkan/enums.ts";
import * as enums from "./vulkan/enums.ts";
import type { NativeOperatingSystem } from "./native.ts";

const advice: ReadonlyMap<number, string> = new Map([
  [enums.VK_NOT_READY, "Ask again later."],
  [enums.VK_TIMEOUT, "Wait longer, or submit less work at a time."],
  [enums.VK_INCOMPLETE, "Ask again with a larger array."],
  [
    enums.VK_ERROR_OUT_OF_HOST_MEMORY,
    "The driver could not get system memory: free some, or do less at a time.",
  ],
  [
    enums.VK_ERROR_OUT_OF_DEVICE_MEMORY,
    "The device's memory is full: use smaller batches, dispose tensors no longer needed, or close other programs that use it.",
  ],
  [
    enums.VK_ERROR_INITIALIZATION_FAILED,
    "The driver could not start: check that `vulkaninfo` works for this user, and update the driver if it does not.",
  ],
  [
    enums.VK_ERROR_DEVICE_LOST,
    "The device was reset, often because one submission ran too long: open a new device, and submit smaller pieces of work.",
  ],
  [
    enums.VK_ERROR_MEMORY_MAP_FAILED,
    "The memory could not be mapped: free memory or address space and try again.",
  ],
  [
    enums.VK_ERROR_LAYER_NOT_PRESENT,
    "Install the layer that was asked for (Debian: vulkan-validationlayers), or open the device without it.",
  ],
  [
    enums.VK_ERROR_EXTENSION_NOT_PRESENT,
    "The driver lacks an extension that was asked for: update the driver, or open the device without it.",
  ],
  [
    enums.VK_ERROR_FEATURE_NOT_PRESENT,
    "The device lacks a feature that was asked for: open the device without it, or choose another device.",
  ],
  [
    enums.VK_ERROR_INCOMPATIBLE_DRIVER,
    "No driver accepts this program: install or update one (Debian: mesa-vulkan-drivers).",
  ],
  [enums.VK_ERROR_TOO_MANY_OBJECTS, "Dispose devices or tensors no longer needed."],
  [
    enums.VK_ERROR_FRAGMENTED_POOL,
    "Memory is in too small pieces: dispose tensors, or open a new device.",
  ],
  [
    enums.VK_ERROR_OUT_OF_POOL_MEMORY,
    "A pool of the driver is full: dispose tensors, or open a new device.",
  ],
  [
    enums.VK_ERROR_VALIDATION_FAILED_EXT,
    "The validation layer refused the call: read its log, and report it as a bug.",
  ],
]);

/**
 * The symbolic name of a result.
 *
 * @param code A VkResult.
 * @returns Its name, such as `VK_ERROR_DEVICE_LOST`, or `VkResult <number>` if it is not known
 * here.
 */
export function resultName(code: number): string {
  return resultNames.get(code) ?? `VkResult ${code}`;
}

/** A Vulkan command returned a failure. */
export class VulkanError extends Error {
  /** Name of the command. */
  readonly command: string;
  /** The VkResult it returned. */
  readonly code: number;
  /** Symbolic name of `code`. */
  readonly codeName: string;

  /**
   * Explain a failed command.
   *
   * @param command Name of the command.
   * @param code The VkResult it returned.
   */
  constructor(command: string, code: number) {
    const name = resultName(code);
    super(
      `Cannot complete ${command}: found ${name} (${code}), expected VK_SUCCESS. ${
        advice.get(code) ?? "Update the graphics driver, and report this if it stays."
      }`,
    );
    this.name = "VulkanError";
    this.command = command;
    this.code = code;
    this.codeName = name;
  }
}

/**
 * Pass a result through if it is a success. Positive codes (`VK_TIMEOUT`, `VK_NOT_READY`,
 * `VK_INCOMPLETE`) are successes to Vulkan.
 *
 * @param command Name of the command.
 * @param code The VkResult it returned.
 * @returns The same code, zero or positive.
 * @throws {VulkanError} If the code is negative.
 * @example
 * ```ts
 * checkResult("vkDeviceWaitIdle", commands.vkDeviceWaitIdle(device));
 * ```
 */
export function checkResult(command: string, code: number): number {
  if (code < 0) throw new VulkanError(command, code);
  return code;
}

/** What keeps Vulkan from being used at all. */
export type LoaderFailure =
  | "no-loader"
  | "no-driver"
  | "no-permission"
  | "not-vulkan"
  | "too-old";

/** One library that was tried. */
export interface LoaderAttempt {
  /** Its path or name. */
  readonly path: string;
  /** Why it was not used. */
  readonly reason: string;
}

/**
 * Vulkan cannot be used: `reason` says which part is missing, `attempts` what was tried, the
 * message what to do.
 */
export class LoaderError extends Error {
  /** Which part is missing. */
  readonly reason: LoaderFailure;
  /** Each library tried, and why it was not used. */
  readonly attempts: readonly LoaderAttempt[];

  /**
   * Explain why Vulkan cannot be used.
   *
   * @param reason Which part is missing.
   * @param message What was found and what to do.
   * @param attempts Each library tried; listed below the message.
   * @throws {TypeError} If the attempts are no list.
   */
  constructor(reason: LoaderFailure, message: string, attempts: readonly LoaderAttempt[] = []) {
    const good = typeof message === "string" && Array.isArray(attempts) &&
      attempts.every((attempt) => typeof attempt === "object" && attempt !== null);
    if (!good) {
      throw new TypeError(
        "Cannot construct LoaderError: expected a message and a list of attempts",
      );
    }
    super([message, ...attempts.map(({ path, reason }) => `  ${path}: ${reason}`)].join("\n"));
    this.name = "LoaderError";
    this.reason = reason;
    this.attempts = attempts;
  }
}

const loaderPackages: Readonly<Record<NativeOperatingSystem, string>> = {
  linux:
    "Install the Vulkan loader: Debian and Ubuntu `libvulkan1`, Fedora `vulkan-loader`, Arch `vulkan-icd-loader`.",
  darwin: "Install Vulkan for macOS: `brew install molten-vk vulkan-loader`.",
  windows: "Install the graphics driver of the GPU's maker: it brings vulkan-1.dll.",
  other: "Install the Vulkan loader of this system.",
};

const driverPackages: Readonly<Record<NativeOperatingSystem, string>> = {
  linux:
    "Install a driver: `mesa-vulkan-drivers` (Debian, Ubuntu, Fedora), `vulkan-radeon`, `vulkan-intel` or `vulkan-swrast` (Arch), " +
    "or the GPU maker's own. In a container, pass the device in (`--device /dev/dri`, or `--gpus all` with " +
    "NVIDIA_DRIVER_CAPABILITIES=all) or install mesa-vulkan-drivers for the software device. " +
    "If VK_DRIVER_FILES or VK_ICD_FILENAMES is set, check that it names an existing file.",
  darwin: "Install the driver: `brew install molten-vk`.",
  windows: "Install the graphics driver of the GPU's maker.",
  other: "Install a Vulkan driver for this system's GPU.",
};

/**
 * Which package brings the Vulkan loader.
 *
 * @param os The operating system.
 * @returns One sentence.
 */
export function loaderPackageHint(os: NativeOperatingSystem): string {
  return loaderPackages[os];
}

/**
 * The error for a loader that works but finds no driver: raised by the device layer, which is first
 * to learn it.
 *
 * @param os The operating system.
 * @param path The loader in use.
 * @param detail What was found, such as "vkEnumeratePhysicalDevices lists 0 devices".
 * @returns The error, to be thrown.
 */
export function noDriverError(
  os: NativeOperatingSystem,
  path: string,
  detail: string,
): LoaderError {
  return new LoaderError(
    "no-driver",
    `Cannot use Vulkan: loader found, no driver (${detail}; loader ${path}). ${driverPackages[os]}`,
  );
}
