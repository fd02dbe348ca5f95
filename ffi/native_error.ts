/**
 * Why a shared library could not be opened, in the kinds a caller can act upon. Knows nothing of
 * Vulkan. It is a file of its own so that the two runtime bindings can throw it without importing
 * the file that chooses between them.
 *
 * @module
 */

/**
 * What kept a library from being opened: the caller chooses its next candidate and its advice by
 * this.
 */
export type NativeFailureKind =
  | "permission"
  | "file-missing"
  | "not-loadable"
  | "symbol-missing"
  | "unsupported-runtime";

/**
 * Thrown by {@linkcode NativeRuntime.openLibrary}; `kind` is the same on every runtime, `message`
 * keeps the runtime's own words.
 */
export class NativeLibraryError extends Error {
  /** What kind of failure this is. */
  readonly kind: NativeFailureKind;
  /** The path or name that was asked for. */
  readonly path: string;
  /** The first symbol that was not found, when `kind` is `"symbol-missing"`. */
  readonly symbol: string | undefined;

  /**
   * Describe a library that could not be opened.
   *
   * @param kind What kind of failure this is.
   * @param path The path or name that was asked for.
   * @param detail The runtime's or the operating system's own words.
   * @param symbol The missing symbol, when `kind` is `"symbol-missing"`.
   */
  constructor(kind: NativeFailureKind, path: string, detail: string, symbol?: string) {
    super(`Cannot open library ${path}: ${detail}`);
    this.name = "NativeLibraryError";
    this.kind = kind;
    this.path = path;
    this.symbol = symbol;
  }
}

/**
 * Sort the text of a failed `dlopen` or `LoadLibrary` into "there is no such file" and "there is
 * one, but it does not load". A missing dependency also says "no such file", but names another file
 * than the one asked for.
 *
 * @param path The path that was asked for.
 * @param detail The text of the runtime's error.
 * @returns The failure kind.
 */
export function classifyOpenFailure(path: string, detail: string): NativeFailureKind {
  const linux = /(\S+): cannot open shared object file: No such file or directory/.exec(detail);
  if (linux !== null) {
    return linux[1] === path ? "file-missing" : "not-loadable";
  }
  return /no such file|could not be found|cannot find|error:? 126\b|ENOENT/i.test(detail)
    ? "file-missing"
    : "not-loadable";
}
