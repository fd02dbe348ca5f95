/**
 * Find the system's Vulkan loader, open it once, and explain failure so that a stranger can repair
 * it. Nothing else is ever loaded: no download, no bundled binary, never a library from the current
 * directory.
 *
 * @module
 */

import { Arena } from "./arena.ts";
import { loaderCandidates, memoryLibrary } from "./loader_paths.ts";
import {
  createNativeMemory,
  type MemorySymbols,
  memoryTable,
  type NativeMemory,
} from "./memory.ts";
import {
  type NativeFailureKind,
  NativeLibraryError,
  type NativeRuntime,
  runtime as thisRuntime,
} from "./native.ts";
import { type LoaderAttempt, LoaderError, loaderPackageHint } from "./result.ts";
import { commandTable, commandVersions, type VulkanCommands } from "./vulkan/commands.ts";

/** Environment variable that names the Vulkan loader to use. */
export const LIBRARY_VARIABLE = "VKNN_VULKAN_LIBRARY";

/** Core version this module needs at least: timeline semaphores came with it. */
export const REQUIRED_VULKAN_VERSION = "1.2";

/** An opened Vulkan loader. */
export interface Vulkan {
  /** The commands: a plain object of this caller's own, so that tests can wrap its entries. */
  readonly commands: VulkanCommands;
  /** Copies to and from mapped memory. */
  readonly memory: NativeMemory;
  /** The process's arena. */
  readonly arena: Arena;
  /** Path or name of the library. */
  readonly path: string;
  /** The runtime that opened it. */
  readonly runtime: NativeRuntime;
}

/** Options of {@linkcode openVulkan}. */
export interface OpenVulkanOptions {
  /**
   * The library to open, instead of searching. An absolute path; a bare name only under an
   * unrestricted permission.
   */
  readonly library?: string | undefined;
  /** The runtime to open it with; the current one if omitted. */
  readonly runtime?: NativeRuntime | undefined;
}

interface Failure extends LoaderAttempt {
  readonly kind: NativeFailureKind | "too-old";
}

// One library and one arena for the process: libraries are never unloaded, because drivers keep
// threads.
const opened: WeakMap<NativeRuntime, Map<string, Vulkan>> = new WeakMap();

/**
 * Open the Vulkan loader: the `library` option, else the variable `VKNN_VULKAN_LIBRARY` where it
 * may be read without asking, else the places where systems install it. A named library is the only
 * one tried.
 *
 * @param options Which library, and on which runtime.
 * @returns The opened loader; the library and the arena are shared between calls, the commands
 * object is not.
 * @throws {LoaderError} With each path tried, why it failed, and what to install or permit.
 * @example
 * ```ts
 * const { commands, arena } = openVulkan();
 * const version = arena.scope(() => {
 *   const slot = arena.allocate(4);
 *   commands.vkEnumerateInstanceVersion(slot.address);
 *   return slot.getU32();
 * });
 * ```
 */
export function openVulkan(options: OpenVulkanOptions = {}): Vulkan {
  const runtime = options.runtime ?? thisRuntime;
  const named = options.library ?? nonEmpty(runtime.environment(LIBRARY_VARIABLE));
  const candidates = named !== undefined ? [named] : orderByGrant(runtime);
  const failures: Failure[] = [];
  for (const path of candidates) {
    const known = opened.get(runtime)?.get(path);
    if (known !== undefined) return { ...known, commands: { ...known.commands } };
    // One refusal is an answer for all: do not make a person refuse ten paths.
    if (failures.some((failure) => failure.kind === "permission")) {
      failures.push({ path, kind: "permission", reason: "not permitted, not tried" });
      continue;
    }
    const result = tryOpen(runtime, path);
    if ("kind" in result) {
      failures.push(result);
      continue;
    }
    const libraries = opened.get(runtime) ?? new Map<string, Vulkan>();
    opened.set(runtime, libraries.set(path, result));
    return { ...result, commands: { ...result.commands } };
  }
  throw loaderError(runtime, failures, named);
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

/** Under a scoped permission the paths it covers come first; under none, nothing changes. */
function orderByGrant(runtime: NativeRuntime): readonly string[] {
  const everything = runtime.ffiGrant() === "granted";
  const candidates = loaderCandidates(runtime.os, runtime.architecture, everything);
  if (everything) return candidates;
  const granted = candidates.filter((path) => runtime.ffiGrant(path) === "granted");
  return [...granted, ...candidates.filter((path) => !granted.includes(path))];
}

function tryOpen(runtime: NativeRuntime, path: string): Vulkan | Failure {
  if (!/[\\/]/.test(path) && runtime.ffiGrant() !== "granted") {
    // Deno would look for it in the current directory (denoland/deno#29246).
    return {
      path,
      kind: "permission",
      reason: "a bare name needs the unrestricted permission; give an absolute path",
    };
  }
  const separateMemory = memoryLibrary(runtime.os);
  try {
    const { symbols } = runtime.openLibrary(
      path,
      separateMemory === undefined ? { ...commandTable, ...memoryTable } : commandTable,
    );
    const missing = Object.keys(commandVersions).find((name) => symbols[name] === null);
    if (missing !== undefined) {
      return {
        path,
        kind: "too-old",
        reason: `it has no ${missing}, which came with Vulkan ${commandVersions[missing]}`,
      };
    }
    const bytes = separateMemory === undefined
      ? symbols
      : runtime.openLibrary(separateMemory, memoryTable).symbols;
    const memory = createNativeMemory(bytes as unknown as MemorySymbols);
    const commands = Object.fromEntries(
      Object.keys(commandTable).map((name) => [name, symbols[name]]),
    );
    return {
      commands: commands as unknown as VulkanCommands,
      memory,
      arena: new Arena(memory),
      path,
      runtime,
    };
  } catch (error) {
    if (!(error instanceof NativeLibraryError)) throw error;
    return { path: error.path, kind: error.kind, reason: shortReason(error) };
  }
}

function shortReason(error: NativeLibraryError): string {
  switch (error.kind) {
    case "file-missing":
      return "there is no such file";
    case "permission":
      return "not permitted";
    case "symbol-missing":
      return `it is not Vulkan: it has no function ${error.symbol}`;
    case "not-loadable":
    case "unsupported-runtime":
      return error.message;
  }
}

function loaderError(
  runtime: NativeRuntime,
  failures: readonly Failure[],
  named: string | undefined,
): LoaderError {
  const has = (kind: Failure["kind"]): boolean => failures.some((item) => item.kind === kind);
  const attempts = failures.map(({ path, reason }) => ({ path, reason }));
  const install = loaderPackageHint(runtime.os);
  if (has("unsupported-runtime")) {
    return new LoaderError(
      "no-loader",
      "Cannot open Vulkan: this JavaScript runtime has no native calls. Run the program with Deno 2 or Bun 1.4.",
    );
  }
  if (has("too-old")) {
    return new LoaderError(
      "too-old",
      `Cannot open Vulkan: the loader found is too old, expected Vulkan ${REQUIRED_VULKAN_VERSION} or newer. Update it. ${install}`,
      attempts,
    );
  }
  if (has("symbol-missing")) {
    return new LoaderError(
      "not-vulkan",
      `Cannot open Vulkan: the library found is not a Vulkan loader, expected libvulkan.so.1, libvulkan.1.dylib or vulkan-1.dll. ` +
        (named === undefined ? install : `Correct the \`library\` option or ${LIBRARY_VARIABLE}.`),
      attempts,
    );
  }
  if (has("permission")) {
    const refused = failures.find((item) => item.kind === "permission") as Failure;
    return new LoaderError(
      "no-permission",
      `Cannot open Vulkan: calling native code is not permitted. Run with ${
        permissionFlag(runtime, refused.path)
      } (or where this system keeps the loader), or with --allow-ffi for every library.` +
        (has("file-missing") ? ` If Vulkan is not installed: ${install}` : ""),
      attempts,
    );
  }
  return new LoaderError(
    "no-loader",
    `Cannot open Vulkan: no loader found. ${install}` +
      (named === undefined
        ? ` If it is elsewhere, name it by the \`library\` option or ${LIBRARY_VARIABLE}.`
        : ` Or correct the \`library\` option or ${LIBRARY_VARIABLE}, which named the only one tried.`),
    attempts,
  );
}

function permissionFlag(runtime: NativeRuntime, path: string): string {
  const memory = memoryLibrary(runtime.os);
  const paths = memory === undefined || memory === path ? [path] : [path, memory];
  return /[\\/]/.test(path)
    ? `--allow-ffi=${paths.join(",")}`
    : "--allow-ffi=<absolute path of it>";
}
