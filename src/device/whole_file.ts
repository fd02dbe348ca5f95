// Small files that are read and written whole. What goes wrong is told, never thrown.

import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/**
 * Reads a file.
 *
 * @param path Where it is.
 * @param most Bytes that it may have.
 * @returns Its bytes; undefined if there is no such file, it may not be read, or it is larger.
 */
export function readWhole(path: string, most: number): Uint8Array<ArrayBuffer> | undefined {
  try {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      if (size > most) return undefined;
      const bytes = new Uint8Array(size);
      let at = 0;
      while (at < size) {
        const count = readSync(file, bytes, at, size - at, at);
        if (count === 0) return undefined;
        at += count;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

/**
 * Writes a file, under another name first, so that nobody ever reads half of it.
 *
 * @param path Where it will be; its folder is made if needed.
 * @param bytes What it will hold.
 * @returns Why it was not written; undefined if it was.
 */
export function writeWhole(path: string, bytes: Uint8Array): string | undefined {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, bytes, { flag: "wx" });
    renameSync(temporary, path);
    return undefined;
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch { /* what could not be written need not be removed */ }
    return error instanceof Error ? error.message : String(error);
  }
}
