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

/** Idle entries of one capacity, in the order in which they came. */
interface SizeClass<Entry> {
  readonly entries: Entry[];
  /** For each entry how many were put into the pool before it. */
  readonly order: number[];
}

/** Idle entries by capacity; the last one put in comes out first, because caches may still hold it. */
export class BufferPool<Entry extends PoolEntry> {
  readonly #classes: Map<number, SizeClass<Entry>> = new Map();
  #byteLength = 0;
  #count = 0;
  #puts = 0;

  /** Bytes of all idle entries. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Number of idle entries. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes an entry out.
   *
   * @param capacity A size class.
   * @param accept If given, only an entry for which this is true.
   * @returns The entry, or undefined if there is none.
   */
  take(capacity: number, accept?: (entry: Entry) => boolean): Entry | undefined {
    const found = this.#classes.get(capacity);
    if (found === undefined || found.entries.length === 0) return undefined;
    // The oldest is the likeliest to be idle.
    const index = accept === undefined ? found.entries.length - 1 : found.entries.findIndex(accept);
    return index < 0 ? undefined : this.#remove(found, index);
  }

  /**
   * Puts an entry in.
   *
   * @param entry Must not be in the pool.
   */
  put(entry: Entry): void {
    let known = this.#classes.get(entry.capacity);
    if (known === undefined) this.#classes.set(entry.capacity, known = { entries: [], order: [] });
    known.entries.push(entry);
    known.order.push(this.#puts++);
    this.#byteLength += entry.capacity;
    this.#count++;
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
    if (this.#byteLength <= byteLength) return out;
    const heads = Array.from(this.#classes.values(), (one) => ({ one, at: 0 }));
    while (this.#byteLength > byteLength) {
      let oldest: (typeof heads)[number] | undefined;
      let least = Infinity;
      for (const head of heads) {
        const order = head.one.order[head.at] ?? Infinity;
        if (order < least) [oldest, least] = [head, order];
      }
      if (oldest === undefined) break;
      const { one, at } = oldest;
      if (accept !== undefined && !accept(one.entries[at]!)) oldest.at++;
      else out.push(this.#remove(one, at));
    }
    for (const [capacity, { entries }] of this.#classes) {
      if (entries.length === 0) this.#classes.delete(capacity);
    }
    return out;
  }

  #remove({ entries, order }: SizeClass<Entry>, index: number): Entry {
    const entry = entries[index]!;
    if (index === entries.length - 1) {
      entries.pop();
      order.pop();
    } else {
      entries.splice(index, 1);
      order.splice(index, 1);
    }
    this.#byteLength -= entry.capacity;
    this.#count--;
    return entry;
  }
}
