/**
 * The contract between this module and the JavaScript runtime: open a library with a symbol table,
 * call, copy bytes in and out. Handles and pointers are `u64` bigints everywhere; no runtime
 * pointer objects, views or callbacks, so that on Deno a path-scoped `--allow-ffi=<loader>` is
 * enough (denoland/deno#15511).
 *
 * The choice of runtime is made without `await` and without a dynamic import: each binding looks
 * for its own runtime and answers `undefined` elsewhere. So the module can be bundled, `require`d
 * and imported in any order, and no specifier only one runtime understands is ever resolved by
 * another.
 *
 * @module
 */

import { bunRuntime } from "./bun.ts";
import { denoRuntime } from "./deno.ts";
import { NativeLibraryError } from "./native_error.ts";

export { type NativeFailureKind, NativeLibraryError } from "./native_error.ts";

/**
 * A C parameter or result type. `u64` and `usize` are bigint when they come back; a `usize`
 * argument may be a number. `buffer` is a typed array or a DataView, whose start is passed as a
 * pointer for the length of the call; it must not be empty.
 */
export type NativeType = "void" | "i32" | "u32" | "f32" | "u64" | "usize" | "buffer";

/** One entry of a symbol table. */
export interface NativeFunction {
  /** C types of the parameters, in order. */
  readonly parameters: readonly NativeType[];
  /** C type of the result. */
  readonly result: NativeType;
  /** Name inside the library, where it differs from the key. */
  readonly symbol?: string;
  /** Run on another thread and return a promise; the entry is `null` on runtimes that cannot. */
  readonly nonblocking?: boolean;
  /** A missing symbol becomes `null` instead of an error. */
  readonly optional?: boolean;
}

/** A symbol table: key of the resulting function to its C signature. */
export type NativeTable = Readonly<Record<string, NativeFunction>>;

/**
 * A function of an opened library. Its argument types are those of the table; callers cast to an
 * interface.
 */
// deno-lint-ignore no-explicit-any
export type NativeCallable = (...values: any[]) => any;

/** An opened library. */
export interface NativeLibrary {
  /**
   * The functions by table key; `null` for a missing optional symbol. A plain object, so that tests
   * can wrap its entries.
   */
  readonly symbols: Record<string, NativeCallable | null>;
  /** Unload the library. Shipped code never does: drivers keep threads. */
  close(): void;
}

/** Operating systems whose library folders differ. */
export type NativeOperatingSystem = "linux" | "darwin" | "windows" | "other";

/** Processor architectures whose library folders differ. */
export type NativeArchitecture = "x86_64" | "aarch64" | "other";

/** State of the permission to call native code. */
export type NativeGrant = "granted" | "prompt" | "denied";

/** What a runtime must offer. */
export interface NativeRuntime {
  /** Name for messages: `"deno"`, `"bun"` or `"unsupported"`. */
  readonly name: string;
  /** The operating system. */
  readonly os: NativeOperatingSystem;
  /** The processor architecture. */
  readonly architecture: NativeArchitecture;
  /** Whether `nonblocking` entries exist here. */
  readonly nonblockingCalls: boolean;
  /**
   * Open a shared library.
   *
   * @param path Absolute path, or a bare name for the system's own search. A bare name never means
   * the current directory.
   * @param table The functions wanted.
   * @returns The opened library.
   * @throws {NativeLibraryError} With the kind of failure.
   */
  openLibrary(path: string, table: NativeTable): NativeLibrary;
  /**
   * Read an environment variable, only if that is already allowed; never asks.
   *
   * @param name Name of the variable.
   * @returns Its value, or `undefined` if it is unset or may not be read.
   */
  environment(name: string): string | undefined;
  /**
   * Whether native code may be loaded; never asks.
   *
   * @param path A library; without one the question is about every library.
   * @returns The state of the permission.
   */
  ffiGrant(path?: string): NativeGrant;
}

/** The runtime this program runs on. Creating it opens nothing and asks nothing. */
export const runtime: NativeRuntime = bunRuntime() ?? denoRuntime() ?? unsupportedRuntime();

/**
 * Elsewhere importing works (so pure parts stay usable) and the first native call explains what is
 * missing.
 */
function unsupportedRuntime(): NativeRuntime {
  return {
    name: "unsupported",
    os: "other",
    architecture: "other",
    nonblockingCalls: false,
    openLibrary(path: string): NativeLibrary {
      throw new NativeLibraryError(
        "unsupported-runtime",
        path,
        "this JavaScript runtime has no native calls; run the program with Deno 2 or Bun 1.4",
      );
    },
    environment: () => undefined,
    ffiGrant: () => "denied",
  };
}
