// Idle buffers, kept for the next request of about the same size. Pure bookkeeping over anything that has a capacity.

/** Requests up to this size share one class. */
const SMALLEST_CLASS_BYTES = 256;

/** Classes in each doubling of the size: at most an eighth of a buffer is wasted. */
const CLASSES_PER_DOUBLING = 8;

/**
 * The capacity that a request of some size gets.
 *
 * @param byteLength Bytes wanted, above 0.
 * @param limit Bytes that no buffer may exceed; at least `byteLength`.
 * @returns Bytes of its size class: a multiple of 16 unless the limit is none.
 */
export function sizeClass(byteLength: number, limit: number): number {
  if (byteLength <= SMALLEST_CLASS_BYTES) return Math.min(SMALLEST_CLASS_BYTES, limit);
  const below = 2 ** Math.floor(Math.log2(byteLength - 1));
  const step = below / CLASSES_PER_DOUBLING;
  return Math.min(Math.ceil(byteLength / step) * step, limit);
}

/** What the pool needs to know of an entry. */
export interface PoolEntry {
  /** Bytes that it can hold. */
  readonly capacity: number;
}

/** Idle entries by capacity; the last one put in comes out first, because caches may still hold it. */
export class BufferPool<Entry extends PoolEntry> {
  // A Map keeps the order of insertion, so within a class and overall the oldest entry is the first one.
  readonly #classes: Map<number, Entry[]> = new Map();
  readonly #ages: Map<Entry, true> = new Map();
  #byteLength = 0;

  /** Bytes of all idle entries. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Number of idle entries. */
  get count(): number {
    return this.#ages.size;
  }

  /**
   * Takes an entry out.
   *
   * @param capacity A size class.
   * @param accept If given, only an entry for which this is true.
   * @returns The entry, or undefined if there is none.
   */
  take(capacity: number, accept?: (entry: Entry) => boolean): Entry | undefined {
    const entries = this.#classes.get(capacity);
    if (entries === undefined || entries.length === 0) return undefined;
    let index = entries.length - 1;
    if (accept !== undefined) {
      // The oldest is the likeliest to be idle.
      index = entries.findIndex(accept);
      if (index < 0) return undefined;
    }
    const entry = index === entries.length - 1 ? entries.pop() : entries.splice(index, 1)[0];
    if (entry !== undefined) {
      this.#ages.delete(entry);
      this.#byteLength -= entry.capacity;
    }
    return entry;
  }

  /**
   * Puts an entry in.
   *
   * @param entry Must not be in the pool.
   */
  put(entry: Entry): void {
    const entries = this.#classes.get(entry.capacity);
    if (entries === undefined) this.#classes.set(entry.capacity, [entry]);
    else entries.push(entry);
    this.#ages.set(entry, true);
    this.#byteLength += entry.capacity;
  }

  /**
   * Takes out the oldest entries until the pool holds no more than some bytes.
   *
   * @param byteLength Bytes that may stay.
   * @param accept If given, only entries for which this is true are taken out.
   * @returns What was taken out, oldest first.
   */
  shrink(byteLength: number, accept?: (entry: Entry) => boolean): Entry[] {
    const out: Entry[] = [];
    for (const entry of this.#ages.keys()) {
      if (this.#byteLength <= byteLength) break;
      if (accept !== undefined && !accept(entry)) continue;
      const entries = this.#classes.get(entry.capacity) ?? [];
      entries.splice(entries.indexOf(entry), 1);
      if (entries.length === 0) this.#classes.delete(entry.capacity);
      this.#ages.delete(entry);
      this.#byteLength -= entry.capacity;
      out.push(entry);
    }
    return out;
  }
}
