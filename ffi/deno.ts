/**
 * The native contract on Deno. With `bun.ts` the only shipped file that names a runtime. Every
 * symbol is declared with plain numbers, `u64` and `buffer`, so Deno compiles each call to a
 * trampoline (`ext/ffi/turbocall.rs`). Deno's types are not referenced, so that the module also
 * type-checks where only Bun's or no runtime types exist.
 *
 * @module
 */

import type {
  NativeCallable,
  NativeGrant,
  NativeLibrary,
  NativeOperatingSystem,
  NativeRuntime,
  NativeTable,
} from "./native.ts";
import { classifyOpenFailure, NativeLibraryError } from "./native_error.ts";

interface DenoForeignFunction {
  name?: string;
  parameters: readonly string[];
  result: string;
  nonblocking?: boolean;
  optional?: boolean;
}

interface DenoNamespace {
  readonly build: { readonly os: string; readonly arch: string };
  readonly env: { get(name: string): string | undefined };
  readonly permissions: {
    querySync(descriptor: { name: string; path?: string; variable?: string }): { state: string };
  };
  dlopen(
    path: string,
    symbols: Record<string, DenoForeignFunction>,
  ): { symbols: Record<string, NativeCallable | null>; close(): void };
}

const operatingSystems: Readonly<Record<string, NativeOperatingSystem>> = {
  linux: "linux",
  android: "linux",
  darwin: "darwin",
  windows: "windows",
};

/**
 * The contract's implementation on Deno.
 *
 * @returns The runtime, or `undefined` when this is not Deno.
 */
export function denoRuntime(): NativeRuntime | undefined {
  const deno = (globalThis as unknown as { Deno?: DenoNamespace }).Deno;
  // Other runtimes carry partial shims of this name; only the real one can open libraries.
  if (typeof deno?.dlopen !== "function") {
    return undefined;
  }
  return {
    name: "deno",
    os: operatingSystems[deno.build.os] ?? "other",
    architecture: deno.build.arch === "x86_64" || deno.build.arch === "aarch64"
      ? deno.build.arch
      : "other",
    nonblockingCalls: true,
    openLibrary: (path, table) => openLibrary(deno, path, table),
    environment: (name) =>
      deno.permissions.querySync({ name: "env", variable: name }).state === "granted"
        ? deno.env.get(name)
        : undefined,
    ffiGrant: (path) =>
      deno.permissions.querySync(path === undefined ? { name: "ffi" } : { name: "ffi", path })
        .state as NativeGrant,
  };
}

function openLibrary(deno: DenoNamespace, path: string, table: NativeTable): NativeLibrary {
  const declared: Record<string, DenoForeignFunction> = {};
  for (const [key, entry] of Object.entries(table)) {
    declared[key] = {
      name: entry.symbol ?? key,
      parameters: entry.parameters,
      result: entry.result,
      nonblocking: entry.nonblocking ?? false,
      optional: entry.optional ?? false,
    };
  }
  try {
    const library = deno.dlopen(path, declared);
    // Deno's symbol object may be frozen or lazy; the contract promises a plain one.
    return { symbols: { ...library.symbols }, close: () => library.close() };
  } catch (error) {
    throw openFailure(path, error);
  }
}

function openFailure(path: string, error: unknown): NativeLibraryError {
  const detail = error instanceof Error ? error.message : String(error);
  const name = error instanceof Error ? error.name : "";
  if (name === "NotCapable" || name === "PermissionDenied") {
    return new NativeLibraryError("permission", path, detail);
  }
  const symbol = /Failed to register symbol (\S+?):/.exec(detail)?.[1];
  if (symbol !== undefined) {
    return new NativeLibraryError("symbol-missing", path, `it has no function ${symbol}`, symbol);
  }
  const reason = detail.replace(/^(Could not open library: )+/, "");
  return new NativeLibraryError(classifyOpenFailure(path, reason), path, reason);
}
