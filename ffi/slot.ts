/**
 * One piece of arena memory as the rest of the program sees it: an address to pass on, and
 * little-endian accessors.
 *
 * @module
 */

import type { Place } from "./struct.ts";

const textDecoder = new TextDecoder();

/**
 * A piece of arena memory: its address for native code, a view with little-endian accessors for us.
 */
export class Slot implements Place {
  /** View over the chunk this slot lies in; hot paths use it directly with `offset`. */
  readonly view: DataView;
  /** Offset of the first byte inside `view`. */
  readonly offset: number;
  /** Bytes of the slot. */
  readonly byteLength: number;
  /** Address of the first byte. */
  readonly address: bigint;

  /**
   * Made by {@linkcode Arena} only.
   *
   * @param view View over the chunk.
   * @param offset Offset of the first byte inside `view`.
   * @param byteLength Bytes of the slot.
   * @param address Address of the first byte.
   */
  constructor(view: DataView, offset: number, byteLength: number, address: bigint) {
    this.view = view;
    this.offset = offset;
    this.byteLength = byteLength;
    this.address = address;
  }

  /**
   * Read an unsigned 32-bit integer.
   *
   * @param at Byte offset inside the slot.
   * @returns The value.
   */
  getU32(at = 0): number {
    return this.view.getUint32(this.#at(at, 4), true);
  }

  /**
   * Write an unsigned 32-bit integer.
   *
   * @param value The value.
   * @param at Byte offset inside the slot.
   */
  setU32(value: number, at = 0): void {
    this.view.setUint32(this.#at(at, 4), value, true);
  }

  /**
   * Read an unsigned 64-bit integer, pointer or handle.
   *
   * @param at Byte offset inside the slot.
   * @returns The value.
   */
  getU64(at = 0): bigint {
    return this.view.getBigUint64(this.#at(at, 8), true);
  }

  /**
   * Write an unsigned 64-bit integer, pointer or handle.
   *
   * @param value The value.
   * @param at Byte offset inside the slot.
   */
  setU64(value: bigint, at = 0): void {
    this.view.setBigUint64(this.#at(at, 8), value, true);
  }

  /**
   * The bytes of the slot, not a copy: valid until the slot is released.
   *
   * @returns A view.
   */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(
      this.view.buffer as ArrayBuffer,
      this.view.byteOffset + this.offset,
      this.byteLength,
    );
  }

  /**
   * Read a NUL-terminated text.
   *
   * @param at Byte offset inside the slot.
   * @returns The text up to the first NUL or the end of the slot.
   */
  getText(at = 0): string {
    const bytes = this.bytes().subarray(at);
    const end = bytes.indexOf(0);
    return textDecoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  #at(at: number, byteLength: number): number {
    // A neighbor in the chunk is in bounds for the view, so the slot must check by itself.
    if (!(at >= 0 && at + byteLength <= this.byteLength)) {
      throw new RangeError(
        `Cannot access ${byteLength} bytes at byte ${at}: the slot has ${this.byteLength}`,
      );
    }
    return this.offset + at;
  }
}
