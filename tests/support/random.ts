/**
 * Seeded numbers for test data: the same seed gives the same data on both
 * runtimes and in every run, so that a failure can be repeated. Not for
 * shipped code, and no source of randomness but the seed.
 *
 * @module
 */

/** A stream of numbers which depends on the seed alone. */
export class Random {
  #state: number;

  /** @param seed Any integer; equal seeds give equal streams. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 random bits as an unsigned integer (mulberry32). */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** A number from `low` (included) to `high` (excluded). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.bits() / 2 ** 32);
  }

  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  /** A normally distributed number with mean 0 and variance 1. */
  normal(): number {
    // 1 - u keeps the logarithm's argument above 0.
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("Cannot pick: the list is empty");
    return items[this.integer(0, items.length - 1)] as T;
  }

  /** `count` float32 numbers from `low` (included) to `high` (excluded). */
  float32(count: number, low = -1, high = 1): Float32Array<ArrayBuffer> {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = this.uniform(low, high);
    return values;
  }

  /**
   * `count` distinct multiples of 1/64 in random order: exact in float16, and
   * without ties, which max pooling needs where gradients are compared.
   */
  distinct(count: number): Float32Array<ArrayBuffer> {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = (i - (count >> 1)) / 64;
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(0, i);
      const held = values[i] as number;
      values[i] = values[j] as number;
      values[j] = held;
    }
    return values;
  }
}
