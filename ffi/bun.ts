/**
 * The native contract on Bun. With `deno.ts` the only shipped file that names a runtime. Pointers
 * are `u64`, never Bun's number pointers, which lost bits (oven-sh/bun#29346, #28068) and which
 * cannot hold the hashed handles of the validation layer. Nothing here is ever viewed in place,
 * only copied (oven-sh/bun#35405).
 *
 * @module
 */

import type { NativeCallable, NativeLibrary, NativeRuntime, NativeTable } from "./native.ts";
import { classifyOpenFailure, NativeLibraryError } from "./native_error.ts";

type BunTable = Record<string, { args: readonly string[]; returns: string }>;

interface BunForeignModule {
  dlopen(
    path: string,
    symbols: BunTable,
  ): { symbols: Record<string, NativeCallable>; close(): void };
}

interface BunFileSystem {
  existsSync(path: string): boolean;
}

interface BunProcess {
  readonly platform: string;
  readonly arch: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  getBuiltinModule(name: "bun:ffi"): BunForeignModule | undefined;
  getBuiltinModule(name: "node:fs"): BunFileSystem;
}

/**
 * The contract's implementation on Bun.
 *
 * @returns The runtime, or `undefined` when this is not Bun.
 */
export function bunRuntime(): NativeRuntime | undefined {
  const { Bun: bun, process } = globalThis as unknown as {
    Bun?: unknown;
    process?: BunProcess;
  };
  if (bun === undefined || process === undefined) {
    return undefined;
  }
  return {
    name: "bun",
    os: process.platform === "win32"
      ? "windows"
      : process.platform === "linux" || process.platform === "darwin"
      ? process.platform
      : "other",
    architecture: process.arch === "x64"
      ? "x86_64"
      : process.arch === "arm64"
      ? "aarch64"
      : "other",
    // oven-sh/bun#5490 is open: waiting without blocking is polling here.
    nonblockingCalls: false,
    openLibrary: (path, table) => openLibrary(process, path, table),
    environment: (name) => process.env[name],
    ffiGrant: () => "granted",
  };
}

function openLibrary(process: BunProcess, path: string, table: NativeTable): NativeLibrary {
  const foreign = process.getBuiltinModule("bun:ffi");
  if (foreign === undefined) {
    throw new NativeLibraryError("not-loadable", path, "this Bun has no bun:ffi module");
  }
  // When the system's search finds nothing, Bun retries the bare name in the current directory;
  // code must never come from there.
  if (!/[\\/]/.test(path) && process.getBuiltinModule("node:fs").existsSync(path)) {
    throw new NativeLibraryError(
      "not-loadable",
      path,
      "a file of this name lies in the current directory, which is no place to load code from; name the library by its absolute path",
    );
  }
  const symbols: Record<string, NativeCallable | null> = {};
  const wanted: BunTable = {};
  for (const [key, entry] of Object.entries(table)) {
    symbols[key] = null;
    if (entry.nonblocking === true) {
      continue;
    }
    if (entry.symbol !== undefined && entry.symbol !== key) {
      throw new TypeError(
        `Cannot declare ${key}: Bun cannot give ${entry.symbol} a second name; use the symbol's own name as key`,
      );
    }
    wanted[key] = { args: entry.parameters, returns: entry.result };
  }
  // Bun has no optional symbols: leave out the one it misses and ask again.
  for (;;) {
    try {
      const library = foreign.dlopen(path, wanted);
      for (const key of Object.keys(wanted)) {
        symbols[key] = library.symbols[key] ?? null;
      }
      return { symbols, close: () => library.close() };
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      const symbol = /^Symbol "(.+?)" not found/.exec(detail)?.[1];
      if (symbol === undefined || wanted[symbol] === undefined) {
        const reason = detail.replace(/^Failed to open library ".*?": /, "");
        throw new NativeLibraryError(classifyOpenFailure(path, reason), path, reason);
      }
      if (table[symbol]?.optional !== true) {
        throw new NativeLibraryError(
          "symbol-missing",
          path,
          `it has no function ${symbol}`,
          symbol,
        );
      }
      delete wanted[symbol];
    }
  }
}
