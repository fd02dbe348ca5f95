// Buffers that check every access: in range, how often each byte is written, what was never written.

/** Texels and elements that kernels name to read zero or to store nowhere: far behind every buffer. */
const NOWHERE = [0x07ffffff, 0x1fffffff];
/** Bytes from which a store goes nowhere, on purpose (lib/cpu_store_lanes.glsl). */
const NOWHERE_BYTES = 0x07ffffff * 16 - 64;
/** What nothing wrote: not a number, read as 32 bits or as 16. */
export const POISON = 0x7fff7fff;

const real = new Float32Array(1);
const whole = new Int32Array(real.buffer);

/** The number of these bits. */
export function floatOf(bits: number): number {
  whole[0] = bits;
  return real[0]!;
}

/** The bits of this number. */
export function bitsOf(value: number): number {
  real[0] = value;
  return whole[0]!;
}

/** One atomic operation: the new value. */
function combine(op: number, old: number, value: number): number {
  switch (op) {
    case 234:
      return old + value | 0;
    case 236:
      return Math.min(old, value);
    case 237:
      return Math.min(old >>> 0, value >>> 0) | 0;
    case 238:
      return Math.max(old, value);
    case 239:
      return Math.max(old >>> 0, value >>> 0) | 0;
    case 240:
      return old & value;
    case 241:
      return old | value;
    default:
      throw new TypeError(`SPIR-V: atomic operation ${op}`);
  }
}

/** An atomic operation on shared memory. */
export function atomic(op: number, array: number[], at: number, value: number): number {
  const old = array[at]!;
  array[at] = combine(op, old, value);
  return old;
}

/** The bytes of one operand. */
export class Operand {
  /** Bytes of the operand; buffers end at the next multiple of 16. */
  readonly byteLength: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How often each byte was written. */
  readonly writes: Uint8Array;
  reads = 0;
  #label: string;
  #limit: number;
  #floats: Float32Array;
  #words: Int32Array;
  #halves: Float16Array;
  #longs: BigUint64Array;

  /**
   * @param label Is named where an access is wrong.
   * @param content What it holds; a number for as many bytes that nothing has written.
   * @param shared Where it lies, if that is to be shared; what is there stays.
   */
  constructor(label: string, content: number | ArrayBufferView, shared?: ArrayBuffer) {
    this.#label = label;
    this.byteLength = typeof content === "number" ? content : content.byteLength;
    this.#limit = Math.max(16, Math.ceil(this.byteLength / 16) * 16);
    const buffer = shared ?? new Int32Array(this.#limit / 4).fill(POISON).buffer;
    this.#words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.#floats = new Float32Array(buffer);
    this.#halves = new Float16Array(buffer);
    this.#longs = new BigUint64Array(buffer);
    this.writes = new Uint8Array(this.#limit);
    if (typeof content !== "number") {
      const { buffer, byteOffset, byteLength } = content;
      this.bytes.set(new Uint8Array(buffer, byteOffset, byteLength));
    }
  }

  /** Fails unless every byte was written as often as it should. */
  checkWrites(least: number, most: number): void {
    const own = this.writes.subarray(0, this.byteLength);
    const wrong = own.findIndex((count) => count < least || count > most);
    if (wrong < 0) return;
    throw new Error(`byte ${wrong} of ${this.#label} is written ${own[wrong]} times`);
  }

  f32(at: number): number {
    return this.#floats[this.#find(at, 4)]!;
  }

  i32(at: number): number {
    return this.#words[this.#find(at, 4)]!;
  }

  f16(at: number): number {
    return this.#halves[this.#find(at, 2)]!;
  }

  u64(at: number): bigint {
    return this.#longs[this.#find(at, 8)]!;
  }

  f32Set(at: number, value: number): void {
    const place = this.#mark(at, 4);
    if (place >= 0) this.#floats[place] = value;
  }

  i32Set(at: number, value: number): void {
    const place = this.#mark(at, 4);
    if (place >= 0) this.#words[place] = value;
  }

  f16Set(at: number, value: number): void {
    const place = this.#mark(at, 2);
    if (place >= 0) this.#halves[place] = value;
  }

  u64Set(at: number, value: bigint): void {
    const place = this.#mark(at, 8);
    if (place >= 0) this.#longs[place] = value;
  }

  /** A texel of four floats. */
  texel4(index: number): readonly number[] {
    if (NOWHERE.includes(index)) return [0, 0, 0, 0];
    const place = this.#find((index >>> 0) * 16, 16) * 4;
    return [0, 1, 2, 3].map((at) => this.#floats[place + at]!);
  }

  /** A texel of one float. */
  texel1(index: number): readonly number[] {
    if (NOWHERE.includes(index)) return [0, 0, 0, 1];
    return [this.#floats[this.#find((index >>> 0) * 4, 4)]!, 0, 0, 1];
  }

  texel4Bits(index: number): readonly number[] {
    if (NOWHERE.includes(index)) return [0, 0, 0, 0];
    const place = this.#find((index >>> 0) * 16, 16) * 4;
    return [0, 1, 2, 3].map((at) => this.#words[place + at]!);
  }

  texel1Bits(index: number): readonly number[] {
    if (NOWHERE.includes(index)) return [0];
    return [this.#words[this.#find((index >>> 0) * 4, 4)]!];
  }

  texel4Set(index: number, value: readonly number[]): void {
    value.forEach((each, at) => this.f32Set((index >>> 0) * 16 + at * 4, each));
  }

  texel1Set(index: number, value: readonly number[]): void {
    this.f32Set((index >>> 0) * 4, value[0]!);
  }

  /** What clears and sets bits of a word writes the bytes that it clears. */
  atomic(op: number, at: number, value: number): number {
    const place = this.#find(at, 4);
    const old = this.#words[place]!;
    this.#words[place] = combine(op, old, value);
    if (op === 240) {
      for (let byte = 0; byte < 4; byte++) {
        if ((value >>> 8 * byte & 255) === 0) this.writes[at + byte]!++;
      }
    }
    return old;
  }

  atomic64(op: number, at: number, value: bigint): bigint {
    if (op !== 234) throw new TypeError(`SPIR-V: 64-bit atomic operation ${op}`);
    const place = this.#find(at, 8);
    const old = this.#longs[place]!;
    this.#longs[place] = old + value;
    return old;
  }

  #find(at: number, bytes: number): number {
    if (!(at >= 0 && at + bytes <= this.#limit) || at % bytes !== 0) {
      this.#refuse("read", at, bytes);
    }
    this.reads++;
    return at / bytes;
  }

  #mark(at: number, bytes: number): number {
    if (!(at >= 0 && at + bytes <= this.#limit) || at % bytes !== 0) {
      if (at >= NOWHERE_BYTES && at < 2 * NOWHERE_BYTES) return -1;
      this.#refuse("written", at, bytes);
    }
    for (let byte = at; byte < at + bytes; byte++) this.writes[byte]!++;
    return at / bytes;
  }

  #refuse(what: string, at: number, bytes: number): never {
    throw new RangeError(
      `${bytes} bytes at ${at} of ${this.#label} are ${what}, which has ${this.byteLength}`,
    );
  }
}

/** A result that is read for the cache's sake alone (lib/cpu_touch.glsl): anywhere, and what is read does not matter. */
export const TOUCHED = {
  texel4: (): readonly number[] => [NaN, NaN, NaN, NaN],
  texel4Bits: (): readonly number[] => [0, 0, 0, 0],
} as const;
