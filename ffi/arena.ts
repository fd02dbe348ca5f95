/**
 * Memory owned by JavaScript whose addresses native code may hold: one arena for the process, in
 * chunks that are never moved or freed while they are in use. Temporaries live on a stack
 * (`mark`/`release`, or `scope`); what must outlive a call, such as the slots of an asynchronous
 * wait, is allocated permanently and recycled by hand. Idea: the per-call stack of LWJGL.
 *
 * @module
 */

import type { NativeMemory } from "./memory.ts";
import { Slot } from "./slot.ts";
import type { StructLayout, StructValues } from "./struct.ts";

export { Slot } from "./slot.ts";

/**
 * Bytes of an ordinary chunk: far above the size up to which engines keep typed arrays inside their
 * own moving heaps.
 */
const CHUNK_BYTES = 256 * 1024;

/**
 * Every slot is aligned to this at least: no scalar of the Vulkan interface needs more than eight.
 */
const MINIMUM_ALIGNMENT = 8;

const textEncoder = new TextEncoder();

interface Chunk {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly address: bigint;
  used: number;
}

/** Position of the temporary stack, from {@linkcode Arena.mark}. */
export interface ArenaMark {
  /** Index of the current chunk. */
  readonly chunk: number;
  /** Bytes used in it. */
  readonly used: number;
}

/** The arena. All memory it hands out is zeroed. */
export class Arena {
  readonly #memory: NativeMemory;
  readonly #stack: Chunk[] = [];
  readonly #kept: Chunk[] = [];
  readonly #recycled: Map<number, Slot[]> = new Map();
  readonly #lent: WeakSet<Slot> = new WeakSet();
  #current = 0;

  /**
   * Allocates nothing until the first slot is asked for.
   *
   * @param memory How to learn the address of a chunk.
   */
  constructor(memory: NativeMemory) {
    this.#memory = memory;
  }

  /**
   * Remember the top of the temporary stack.
   *
   * @returns The mark to give to {@linkcode Arena.release}.
   */
  mark(): ArenaMark {
    return { chunk: this.#current, used: this.#stack[this.#current]?.used ?? 0 };
  }

  /**
   * Free all temporaries made since `mark`. Marks are released in the reverse order of their
   * making.
   *
   * @param mark From {@linkcode Arena.mark}.
   * @throws {RangeError} If an older mark has been released already.
   */
  release(mark: ArenaMark): void {
    const top = this.#stack[this.#current]?.used ?? 0;
    if (mark.chunk > this.#current || (mark.chunk === this.#current && mark.used > top)) {
      throw new RangeError(
        "Cannot release arena memory: an older mark was released before; release in reverse order",
      );
    }
    for (let i = mark.chunk + 1; i <= this.#current; i++) {
      (this.#stack[i] as Chunk).used = 0;
    }
    const chunk = this.#stack[mark.chunk];
    if (chunk !== undefined) chunk.used = mark.used;
    this.#current = mark.chunk;
    // A rare large temporary must not be kept for the life of the process; one ordinary spare chunk
    // is.
    while (this.#stack.length > mark.chunk + 2) this.#stack.pop();
    const spare = this.#stack[mark.chunk + 1];
    if (spare !== undefined && spare.view.byteLength > CHUNK_BYTES) this.#stack.pop();
  }

  /**
   * Run `callback` and free every temporary it made.
   *
   * @param callback Synchronous work: a promise would outlive the memory it uses, so returning one
   * is refused.
   * @returns What `callback` returned.
   * @throws {TypeError} If `callback` returns a promise.
   */
  scope<Result>(callback: () => Result): Result {
    const mark = this.mark();
    try {
      const result = callback();
      if (result instanceof Promise) {
        throw new TypeError(
          "Cannot use an asynchronous function in an arena scope: its memory is freed on return; use permanent slots",
        );
      }
      return result;
    } finally {
      this.release(mark);
    }
  }

  /**
   * Allocate a zeroed temporary.
   *
   * @param byteLength Bytes; 0 gives a slot that may be addressed but not accessed.
   * @param alignment A power of two; 8 if omitted.
   * @returns The slot, valid until the enclosing mark is released.
   * @throws {RangeError} If an argument is not a usable size.
   */
  allocate(byteLength: number, alignment: number = MINIMUM_ALIGNMENT): Slot {
    checkSize(byteLength, alignment);
    for (;;) {
      const chunk = this.#stack[this.#current];
      if (chunk === undefined) {
        this.#stack.push(this.#makeChunk(byteLength + alignment));
        continue;
      }
      const slot = carve(chunk, byteLength, alignment);
      if (slot !== undefined) return slot;
      const next = this.#stack[this.#current + 1];
      if (next !== undefined && next.view.byteLength < byteLength + alignment) {
        // Chunks above the current one hold nothing; a smaller one only stands in the way.
        this.#stack.length = this.#current + 1;
      }
      this.#current++;
    }
  }

  /**
   * Allocate a zeroed slot that lives until it is given to {@linkcode Arena.recycle}, or as long as
   * the process.
   *
   * @param byteLength Bytes.
   * @param alignment A power of two; 8 if omitted.
   * @returns The slot.
   * @throws {RangeError} If an argument is not a usable size.
   */
  permanent(byteLength: number, alignment: number = MINIMUM_ALIGNMENT): Slot {
    checkSize(byteLength, alignment);
    const rounded = Math.max(MINIMUM_ALIGNMENT, Math.ceil(byteLength / 8) * 8);
    const recycled = alignment === MINIMUM_ALIGNMENT
      ? this.#recycled.get(rounded)?.pop()
      : undefined;
    if (recycled !== undefined) {
      recycled.bytes().fill(0);
      this.#lent.add(recycled);
      return recycled;
    }
    const last = this.#kept[this.#kept.length - 1];
    let slot = last && carve(last, rounded, alignment);
    if (slot === undefined) {
      const chunk = this.#makeChunk(rounded + alignment);
      this.#kept.push(chunk);
      slot = carve(chunk, rounded, alignment) as Slot;
    }
    this.#lent.add(slot);
    return slot;
  }

  /**
   * Give a permanent slot back, once native code no longer uses it.
   *
   * @param slot From {@linkcode Arena.permanent}.
   * @throws {RangeError} If the slot is a temporary, or was given back already: its bytes would be
   * handed out twice.
   */
  recycle(slot: Slot): void {
    if (!this.#lent.delete(slot)) {
      throw new RangeError(
        "Cannot recycle a slot: it is a temporary or was recycled before, expected a permanent slot in use",
      );
    }
    const list = this.#recycled.get(slot.byteLength);
    if (list === undefined) this.#recycled.set(slot.byteLength, [slot]);
    else list.push(slot);
  }

  /**
   * Write a struct into a temporary.
   *
   * @param layout Its layout.
   * @param values The fields to set; the others are zero.
   * @returns The slot.
   */
  struct<T extends object>(layout: StructLayout<T>, values?: StructValues<T>): Slot {
    const slot = this.allocate(layout.byteLength, layout.alignment);
    layout.write(slot, values);
    return slot;
  }

  /**
   * Write an array of structs into a temporary.
   *
   * @param layout Their layout.
   * @param values The fields of each; a number asks for that many zeroed structs, with `sType` set.
   * @returns The slot; element `i` begins at byte `i * layout.byteLength`.
   */
  structs<T extends object>(
    layout: StructLayout<T>,
    values: readonly StructValues<T>[] | number,
  ): Slot {
    const count = typeof values === "number" ? values : values.length;
    const slot = this.allocate(count * layout.byteLength, layout.alignment);
    for (let i = 0; i < count; i++) {
      layout.write(
        slot,
        typeof values === "number" ? undefined : values[i],
        i * layout.byteLength,
      );
    }
    return slot;
  }

  /**
   * Link structs into a `pNext` chain, first to last.
   *
   * @param slots Structs that begin with `sType` and `pNext`; the last one's `pNext` is left alone.
   * @returns Address of the first, or `0n` when there are none.
   */
  chain(...slots: readonly Slot[]): bigint {
    for (let i = 1; i < slots.length; i++) {
      (slots[i - 1] as Slot).setU64((slots[i] as Slot).address, 8);
    }
    return slots[0]?.address ?? 0n;
  }

  /**
   * Copy 32-bit integers into a temporary.
   *
   * @param values The integers.
   * @returns The slot.
   */
  u32s(values: ArrayLike<number>): Slot {
    const slot = this.allocate(values.length * 4);
    for (let i = 0; i < values.length; i++) {
      slot.view.setUint32(slot.offset + i * 4, values[i] as number, true);
    }
    return slot;
  }

  /**
   * Copy 32-bit floats, such as queue priorities, into a temporary.
   *
   * @param values The numbers.
   * @returns The slot.
   */
  f32s(values: ArrayLike<number>): Slot {
    const slot = this.allocate(values.length * 4);
    for (let i = 0; i < values.length; i++) {
      slot.view.setFloat32(slot.offset + i * 4, values[i] as number, true);
    }
    return slot;
  }

  /**
   * Copy 64-bit integers or handles into a temporary.
   *
   * @param values The integers.
   * @returns The slot.
   */
  u64s(values: ArrayLike<bigint>): Slot {
    const slot = this.allocate(values.length * 8);
    for (let i = 0; i < values.length; i++) {
      slot.view.setBigUint64(slot.offset + i * 8, values[i] as bigint, true);
    }
    return slot;
  }

  /**
   * Copy bytes into a temporary.
   *
   * @param values The bytes.
   * @returns The slot.
   */
  bytes(values: Uint8Array): Slot {
    const slot = this.allocate(values.length);
    slot.bytes().set(values);
    return slot;
  }

  /**
   * Write a NUL-terminated UTF-8 text into a temporary.
   *
   * @param value The text.
   * @returns The slot.
   * @throws {TypeError} If the text contains a NUL, which would cut it short.
   */
  text(value: string): Slot {
    if (value.includes("\0")) {
      throw new TypeError(
        `Cannot pass ${JSON.stringify(value)} to native code: it contains a NUL character`,
      );
    }
    return this.bytes(textEncoder.encode(value + "\0"));
  }

  /**
   * Write an array of pointers to NUL-terminated texts into temporaries.
   *
   * @param values The texts.
   * @returns The slot of the pointers.
   */
  texts(values: readonly string[]): Slot {
    return this.u64s(values.map((value) => this.text(value).address));
  }

  #makeChunk(atLeast: number): Chunk {
    const bytes = new Uint8Array(new ArrayBuffer(Math.max(CHUNK_BYTES, atLeast)));
    return {
      view: new DataView(bytes.buffer),
      bytes,
      address: this.#memory.addressOf(bytes),
      used: 0,
    };
  }
}

function carve(chunk: Chunk, byteLength: number, alignment: number): Slot | undefined {
  // Alignment is of the address, not of the offset: chunks begin where the allocator pleases.
  const skew = alignment <= MINIMUM_ALIGNMENT ? 0 : Number(chunk.address % BigInt(alignment));
  const offset = Math.ceil((chunk.used + skew) / alignment) * alignment - skew;
  const end = offset + byteLength;
  if (end > chunk.view.byteLength) return undefined;
  if (byteLength > 0) chunk.bytes.fill(0, offset, end);
  chunk.used = end;
  return new Slot(chunk.view, offset, byteLength, chunk.address + BigInt(offset));
}

function checkSize(byteLength: number, alignment: number): void {
  if (!Number.isSafeInteger(byteLength) || byteLength < 0) {
    throw new RangeError(
      `Cannot allocate ${byteLength} bytes: expected an integer of at least 0`,
    );
  }
  if (!Number.isSafeInteger(alignment) || alignment < 1 || (alignment & (alignment - 1)) !== 0) {
    throw new RangeError(
      `Cannot allocate with alignment ${alignment}: expected a power of two`,
    );
  }
}
