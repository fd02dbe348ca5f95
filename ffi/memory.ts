/**
 * Foreign memory by three libc functions, which both runtimes call with plain `u64` and `buffer`
 * types. There are no views that could dangle: bytes are copied in or copied out. Knows nothing of
 * Vulkan.
 *
 * @module
 */

import type { NativeTable } from "./native.ts";

/**
 * Symbols {@linkcode createNativeMemory} needs: each libc function stands for the one signature it
 * has here.
 */
export const memoryTable: NativeTable = {
  memcpy: { parameters: ["u64", "buffer", "usize"], result: "u64" },
  memmove: { parameters: ["buffer", "u64", "usize"], result: "u64" },
  memset: { parameters: ["buffer", "i32", "usize"], result: "u64" },
};

/** The opened functions of {@linkcode memoryTable}. */
export interface MemorySymbols {
  /** Copy a buffer to an address. */
  memcpy: (destination: bigint, source: ArrayBufferView, byteLength: number) => bigint;
  /** Copy from an address into a buffer. */
  memmove: (destination: ArrayBufferView, source: bigint, byteLength: number) => bigint;
  /** Fill a buffer; returns its address. */
  memset: (destination: ArrayBufferView, value: number, byteLength: number) => bigint;
}

/** Copies between JavaScript buffers and foreign memory. */
export interface NativeMemory {
  /**
   * Copy all bytes of `bytes` to `address + byteOffset`. An empty array is a no-op.
   *
   * @param address Foreign address, for example of mapped memory.
   * @param bytes The source; a view into a larger buffer copies only the view.
   * @param byteOffset Added to `address`; 0 if omitted.
   * @throws {RangeError} If `address` is null.
   */
  write(address: bigint, bytes: ArrayBufferView, byteOffset?: number): void;
  /**
   * Fill all bytes of `into` from `address + byteOffset`. An empty array is a no-op.
   *
   * @param address Foreign address, for example of mapped memory.
   * @param into The destination; a view into a larger buffer fills only the view.
   * @param byteOffset Added to `address`; 0 if omitted.
   * @throws {RangeError} If `address` is null.
   */
  read(address: bigint, into: ArrayBufferView, byteOffset?: number): void;
  /**
   * The address of the first byte. The caller must keep `bytes` alive, and must only use buffers
   * that do not move: an ArrayBuffer of its own, not a small typed array.
   *
   * @param bytes A typed array, not empty.
   * @returns Its address.
   * @throws {RangeError} If `bytes` is empty.
   */
  addressOf(bytes: ArrayBufferView): bigint;
}

/**
 * Make the memory functions out of the opened libc symbols.
 *
 * @param symbols Functions of {@linkcode memoryTable}.
 * @returns The memory functions.
 */
export function createNativeMemory(symbols: MemorySymbols): NativeMemory {
  const { memcpy, memmove, memset } = symbols;
  return {
    write(address: bigint, bytes: ArrayBufferView, byteOffset = 0): void {
      if (bytes.byteLength === 0) return;
      if (address === 0n) throw nullAddress("write", bytes.byteLength);
      memcpy(
        byteOffset === 0 ? address : address + BigInt(byteOffset),
        bytes,
        bytes.byteLength,
      );
    },
    read(address: bigint, into: ArrayBufferView, byteOffset = 0): void {
      if (into.byteLength === 0) return;
      if (address === 0n) throw nullAddress("read", into.byteLength);
      memmove(into, byteOffset === 0 ? address : address + BigInt(byteOffset), into.byteLength);
    },
    addressOf(bytes: ArrayBufferView): bigint {
      if (bytes.byteLength === 0) {
        throw new RangeError("Cannot take the address of an empty array: it has no bytes");
      }
      return memset(bytes, 0, 0);
    },
  };
}

function nullAddress(verb: string, byteLength: number): RangeError {
  return new RangeError(
    `Cannot ${verb} ${byteLength} bytes: the address is null, expected a mapped address`,
  );
}
