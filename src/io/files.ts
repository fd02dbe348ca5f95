// Bytes from paths and streams, and bytes to paths. The only file of ./io that touches the file
// system; it does so only when called.

import { open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LimitError } from "../core/errors.ts";
import { describe } from "../core/options.ts";
import { fileError } from "./file_error.ts";
import { checkBytes } from "./npy.ts";

/**
 * Where a file comes from: its path or `file:` URL, its bytes, or a stream of its bytes such as
 * `(await fetch(url)).body`.
 */
export type FileSource =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | AsyncIterable<Uint8Array>;

/** Most bytes that one read asks for. */
const READ_BYTES = 2 ** 30;
const FIRST_BYTES = 65_536;

/** Bytes that grow. */
class Collector {
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;
  readonly #where: string;
  readonly #maxBytes: number;

  constructor(where: string, maxBytes: number) {
    this.#where = where;
    this.#maxBytes = maxBytes;
  }

  /** Copies a chunk: the stream may use its memory again. */
  add(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    checkLength(this.#where, length, this.#maxBytes);
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = length;
  }

  get result(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }
}

function checkLength(where: string, length: number, maxBytes: number): void {
  if (length > maxBytes) {
    throw new LimitError(
      `Cannot ${where}: it has ${length} bytes or more, at most ${maxBytes} are allowed; ` +
        `raise maxBytes to allow more`,
    );
  }
}

/**
 * Reads a whole file.
 *
 * @param where What is being done, for messages.
 * @param source Where it comes from.
 * @param maxBytes How long it may be.
 * @returns Its bytes; those of the caller are not copied.
 * @throws {TypeError} If the source is nothing that can be read.
 * @throws {LimitError} If it is too long.
 * @throws {FileError} If a path cannot be read.
 */
export async function readSource(
  where: string,
  source: unknown,
  maxBytes: number,
): Promise<Uint8Array> {
  if (typeof source === "string" || source instanceof URL) {
    const path = pathOf(where, source);
    try {
      return await readPath(where, path, maxBytes);
    } catch (error) {
      throw fileError(where, { verb: "read", path, folder: dirname(path) }, error);
    }
  }
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) {
    const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : source;
    checkBytes(where, bytes);
    checkLength(where, bytes.length, maxBytes);
    return bytes;
  }
  if (typeof source !== "object" || source === null || !(Symbol.asyncIterator in source)) {
    throw new TypeError(
      `Cannot ${where}: source is ${describe(source)}, expected a path, a file: URL, bytes ` +
        `or a stream of bytes`,
    );
  }
  const collector = new Collector(where, maxBytes);
  for await (const chunk of source as AsyncIterable<unknown>) {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(
        `Cannot ${where}: the stream gives ${describe(chunk)}, expected Uint8Array chunks`,
      );
    }
    collector.add(chunk);
  }
  return collector.result;
}

function pathOf(where: string, path: string | URL): string {
  if (typeof path === "string") {
    if (path !== "" && !path.includes("\0")) return path;
    throw new TypeError(`Cannot ${where}: the path is ${describe(path)}, expected a file's path`);
  }
  if (path.protocol === "file:") return fileURLToPath(path);
  throw new TypeError(
    `Cannot ${where}: the URL begins with ${path.protocol}, expected file:; ` +
      `for others pass the stream (await fetch(url)).body`,
  );
}

async function readPath(
  where: string,
  path: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    checkLength(where, size, maxBytes);
    const bytes = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const length = Math.min(size - filled, READ_BYTES);
      const { bytesRead } = await handle.read(bytes, filled, length, null);
      if (bytesRead === 0) return bytes.subarray(0, filled);
      filled += bytesRead;
    }
    // Pipes and the like do not know their size; other files have ended.
    const chunk = new Uint8Array(FIRST_BYTES);
    let collector: Collector | undefined;
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) return collector?.result ?? bytes;
      if (collector === undefined) {
        collector = new Collector(where, maxBytes);
        collector.add(bytes);
      }
      collector.add(chunk.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/**
 * Writes a whole file so that nobody ever sees half of it: under another name in the same folder,
 * which is renamed when everything is on the disk and removed when anything fails.
 *
 * @param where What is being done, for messages.
 * @param path Path or `file:` URL.
 * @param bytes The content.
 * @throws {TypeError} If the path is no file's path.
 * @throws {FileError} If it cannot be written.
 */
export async function writeAtomically(
  where: string,
  path: unknown,
  bytes: Uint8Array,
): Promise<void> {
  if (typeof path !== "string" && !(path instanceof URL)) {
    throw new TypeError(
      `Cannot ${where}: path is ${describe(path)}, expected a path or a file: URL`,
    );
  }
  const target = pathOf(where, path);
  try {
    await replace(target, bytes);
  } catch (error) {
    throw fileError(where, { verb: "write", path: target, folder: dirname(target) }, error);
  }
}

async function replace(target: string, bytes: Uint8Array): Promise<void> {
  const unique = crypto.randomUUID().slice(0, 8);
  const temporary = join(dirname(target), `.${basename(target).slice(0, 64)}.${unique}.tmp`);
  // "wx": never through a link or over a file that somebody else put there.
  const handle = await open(temporary, "wx");
  try {
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    // Why it failed is what the caller must know, not that nothing can be removed either. Other than
    // rm(), this works without the permission to read, which renaming needs.
    await unlink(temporary).catch(() => {});
    throw error;
  }
}
