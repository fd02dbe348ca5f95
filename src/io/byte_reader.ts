// Reading numbers and text out of untrusted bytes. Every step is checked against the end first, and
// every error says where. Also counts what a file asks to allocate, before anything is allocated.

import { FormatError, LimitError } from "../core/errors.ts";
import { integer, readOptions } from "../core/options.ts";
import { formatShape, MAX_RANK } from "../core/shape.ts";
import { copyValues, type FileDType, type FileValues, rowOf } from "./file_array.ts";

/** Limits of a reader. */
export interface ReadOptions {
  /** Most bytes of the file, and of all its arrays together; 2 GiB if omitted. */
  readonly maxBytes?: number;
  /** Most arrays in the file; 65,536 if omitted. */
  readonly maxArrays?: number;
}

/** Limits with defaults filled in. */
export interface Limits {
  readonly maxBytes: number;
  readonly maxArrays: number;
}

/**
 * Checks the limits that a caller gave.
 *
 * @param where What is being done, for messages.
 * @param options The value to check.
 * @returns The limits with defaults filled in.
 * @throws {TypeError} If a key is unknown or a value is no number.
 * @throws {RangeError} If a value is not allowed.
 */
export function readLimits(where: string, options: unknown): Limits {
  return readOptions(where, options, {
    maxBytes: integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }, 2 ** 31),
    maxArrays: integer({ minimum: 0, maximum: 2 ** 31 - 1 }, 65_536),
  });
}

/** No format here expands its content more than deflate can. */
export const MAX_RATIO = 1100;

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A place in untrusted bytes. */
export class ByteReader {
  /** Offset of the next byte to read. */
  position: number;
  /** The bytes. */
  readonly bytes: Uint8Array;
  /** Offset after the last byte that may be read. */
  readonly end: number;
  readonly #what: string;
  readonly #view: DataView;

  /**
   * @param what What is read, for messages: `npz`, `npz entry "a.npy"`.
   * @param bytes The bytes; offsets in messages count from their start.
   * @param position Where to begin.
   * @param end Where to stop.
   */
  constructor(what: string, bytes: Uint8Array, position = 0, end: number = bytes.byteLength) {
    this.#what = what;
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
    this.end = end;
  }

  /** Bytes between the position and the end. */
  get left(): number {
    return this.end - this.position;
  }

  /**
   * Refuses the bytes as malformed.
   *
   * @param message What was found and what was expected.
   * @param at Offset of what was found.
   */
  fail(message: string, at: number = this.position): never {
    throw new FormatError(`Cannot read ${this.#what}: ${message} (at byte ${at})`);
  }

  /**
   * Refuses the bytes as too large.
   *
   * @param message What was found and what is allowed.
   * @param at Offset of what was found.
   */
  limit(message: string, at: number = this.position): never {
    throw new LimitError(`Cannot read ${this.#what}: ${message} (at byte ${at})`);
  }

  /** Steps over bytes that must be there; returns where they begin. */
  skip(length: number, what: string): number {
    const at = this.position;
    if (length > this.left) {
      this.fail(`${what} needs ${length} bytes, only ${Math.max(0, this.left)} are left`);
    }
    this.position += length;
    return at;
  }

  /** The next bytes, without a copy. */
  take(length: number, what: string): Uint8Array {
    const at = this.skip(length, what);
    return this.bytes.subarray(at, at + length);
  }

  /** An unsigned 16-bit integer. */
  u16(what: string): number {
    return this.#view.getUint16(this.skip(2, what), true);
  }

  /** An unsigned 32-bit integer. */
  u32(what: string): number {
    return this.#view.getUint32(this.skip(4, what), true);
  }

  /** A signed 32-bit integer. */
  i32(what: string): number {
    return this.#view.getInt32(this.skip(4, what), true);
  }

  /** An unsigned 64-bit integer up to 2^53 - 1. */
  u64(what: string): number {
    const at = this.skip(8, what);
    return this.#safe(this.#view.getBigUint64(at, true), what, at);
  }

  /** A signed 64-bit integer from 0 to 2^53 - 1. */
  size(what: string): number {
    const at = this.skip(8, what);
    const value = this.#view.getBigInt64(at, true);
    if (value < 0n) this.fail(`${what} is ${value}, expected at least 0`, at);
    return this.#safe(value, what, at);
  }

  #safe(value: bigint, what: string, at: number): number {
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      this.limit(`${what} is ${value}, at most ${Number.MAX_SAFE_INTEGER} is allowed`, at);
    }
    return Number(value);
  }

  /** UTF-8 text of a length in bytes. */
  text(length: number, what: string): string {
    const at = this.position;
    const bytes = this.take(length, what);
    try {
      return DECODER.decode(bytes);
    } catch {
      return this.fail(`${what} is not UTF-8 text`, at);
    }
  }
}

/** Counts the arrays and bytes that a file asks for. */
export class Budget {
  readonly #limits: Limits;
  #arrays = 0;
  #bytes = 0;

  /** @param limits What is allowed. */
  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Accounts for one more array, or throws. */
  countArray(reader: ByteReader, at: number = reader.position): void {
    if (++this.#arrays > this.#limits.maxArrays) {
      reader.limit(
        `there are more than ${this.#limits.maxArrays} arrays, raise maxArrays to allow them`,
        at,
      );
    }
  }

  /**
   * Bytes of the elements of an array, accounted for.
   *
   * @param reader Where the shape was read, for messages.
   * @param shape Sizes along every axis: integers from 0.
   * @param dtype Element type.
   * @param at Offset of the shape.
   * @returns The number of bytes.
   * @throws {LimitError} If there are too many axes or bytes.
   */
  arrayBytes(
    reader: ByteReader,
    shape: readonly number[],
    dtype: FileDType,
    at: number = reader.position,
  ): number {
    checkRank(reader, shape.length, at);
    let bytes = rowOf(dtype).byteLength;
    // A product past 2^53 is inexact but still far above every limit.
    for (const size of shape) bytes *= size;
    if (shape.includes(0)) bytes = 0;
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.maxBytes) {
      reader.limit(
        `with ${formatShape(shape)} ${dtype} the arrays have ${this.#bytes} bytes, ` +
          `at most ${this.#limits.maxBytes} are allowed; raise maxBytes to allow more`,
        at,
      );
    }
    return bytes;
  }
}

/**
 * Refuses arrays of too many axes.
 *
 * @param reader Where the shape was read, for messages.
 * @param rank Number of axes.
 * @param at Offset of the shape.
 * @throws {LimitError} If there are too many.
 */
export function checkRank(reader: ByteReader, rank: number, at: number = reader.position): void {
  if (rank > MAX_RANK) {
    reader.limit(`an array has ${rank} axes, at most ${MAX_RANK} are allowed`, at);
  }
}

/**
 * Reads the elements of an array.
 *
 * @param reader Where they begin.
 * @param dtype Element type.
 * @param byteLength Their length, already accounted for.
 * @returns A copy of the values.
 */
export function readValues(reader: ByteReader, dtype: FileDType, byteLength: number): FileValues {
  return copyValues(dtype, reader.take(byteLength, "the data of an array"));
}
