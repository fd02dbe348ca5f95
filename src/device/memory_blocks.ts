// Sub-allocation of large memory blocks: which bytes of which block are free. Pure bookkeeping; the blocks themselves come from
// a source given by the caller. Best fit over all blocks, and neighboring free ranges melt together when one is freed.

/** Bytes of an ordinary block; a larger request gets a block of its own. */
export const BLOCK_BYTES: number = 64 * 1024 * 1024;

/** Where blocks come from and go to. */
export interface BlockSource<Handle> {
  /**
   * Makes a block, or throws if the request cannot be served.
   *
   * @param byteLength Bytes of the block.
   * @returns Whatever stands for the block.
   */
  allocate(byteLength: number): Handle;
  /**
   * Frees a block.
   *
   * @param handle From `allocate`.
   * @param byteLength Bytes of the block.
   */
  free(handle: Handle, byteLength: number): void;
}

interface FreeRange {
  offset: number;
  byteLength: number;
}

interface Block<Handle> {
  readonly handle: Handle;
  readonly byteLength: number;
  /** Sorted by offset; no two touch. */
  readonly free: FreeRange[];
}

/** A piece of a block. */
export interface Allocation<Handle> {
  /** The block's handle. */
  readonly handle: Handle;
  /** First byte inside the block. */
  readonly offset: number;
  /** Bytes taken: at least those asked for. */
  readonly byteLength: number;
  /** For the allocator alone. */
  readonly block: unknown;
}

/** Hands out pieces of blocks of one memory type. */
export class BlockAllocator<Handle> {
  readonly #source: BlockSource<Handle>;
  readonly #blockBytes: number;
  readonly #granularity: number;
  readonly #blocks: Block<Handle>[] = [];
  #reservedBytes = 0;
  #usedBytes = 0;

  /**
   * @param source Where blocks come from.
   * @param granularity Offsets and lengths are multiples of this power of two, so that flushing one piece of
   * non-coherent memory never touches another.
   * @param blockBytes Bytes of an ordinary block.
   */
  constructor(source: BlockSource<Handle>, granularity: number, blockBytes: number = BLOCK_BYTES) {
    this.#source = source;
    this.#granularity = granularity;
    this.#blockBytes = roundUp(blockBytes, granularity);
  }

  /** Bytes of all blocks. */
  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** Bytes handed out. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Number of blocks. */
  get blockCount(): number {
    return this.#blocks.length;
  }

  /**
   * Takes a piece, from an existing block if one has room.
   *
   * @param byteLength Bytes wanted, above 0.
   * @param alignment A power of two.
   * @returns The piece.
   * @throws Whatever the source throws when a new block is needed and cannot be had.
   */
  allocate(byteLength: number, alignment: number): Allocation<Handle> {
    const length = roundUp(byteLength, this.#granularity);
    const step = Math.max(alignment, this.#granularity);
    return this.#fit(length, step) ?? this.#take(this.#grow(length), 0, 0, length);
  }

  /**
   * Takes a piece from the existing blocks alone.
   *
   * @param byteLength Bytes wanted, above 0.
   * @param alignment A power of two.
   * @returns The piece, or undefined if no block has room.
   */
  allocateExisting(byteLength: number, alignment: number): Allocation<Handle> | undefined {
    return this.#fit(
      roundUp(byteLength, this.#granularity),
      Math.max(alignment, this.#granularity),
    );
  }

  /**
   * Gives a piece back. A block that becomes empty is freed, unless it is the only empty one of ordinary size:
   * a program that allocates and frees one buffer in turn must not allocate a block each time.
   *
   * @param allocation From `allocate`; must not be given back twice.
   */
  free(allocation: Allocation<Handle>): void {
    const block = allocation.block as Block<Handle>;
    this.#usedBytes -= allocation.byteLength;
    insertRange(block.free, allocation.offset, allocation.byteLength);
    if (!isEmpty(block)) return;
    const spare = this.#blocks.some((other) => other !== block && isEmpty(other));
    if (spare || block.byteLength !== this.#blockBytes) this.#release(block);
  }

  /** Frees every empty block. */
  trim(): void {
    for (const block of this.#blocks.filter(isEmpty)) this.#release(block);
  }

  /**
   * The free ranges of each block, for tests.
   *
   * @returns For each block its length and its free ranges in order.
   */
  inspect(): { byteLength: number; free: { offset: number; byteLength: number }[] }[] {
    return this.#blocks.map(({ byteLength, free }) => ({
      byteLength,
      free: free.map((range) => ({ ...range })),
    }));
  }

  #fit(length: number, alignment: number): Allocation<Handle> | undefined {
    let best: Block<Handle> | undefined;
    let bestIndex = 0;
    let bestStart = 0;
    let bestLength = Infinity;
    for (const block of this.#blocks) {
      for (let i = 0; i < block.free.length; i++) {
        const range = block.free[i] as FreeRange;
        if (range.byteLength < length || range.byteLength >= bestLength) continue;
        const start = roundUp(range.offset, alignment);
        if (start + length > range.offset + range.byteLength) continue;
        best = block;
        bestIndex = i;
        bestStart = start;
        bestLength = range.byteLength;
      }
    }
    return best && this.#take(best, bestIndex, bestStart, length);
  }

  #take(block: Block<Handle>, index: number, start: number, length: number): Allocation<Handle> {
    const range = block.free[index] as FreeRange;
    const end = range.offset + range.byteLength;
    const rest: FreeRange[] = [];
    if (start > range.offset) {
      rest.push({ offset: range.offset, byteLength: start - range.offset });
    }
    if (start + length < end) {
      rest.push({ offset: start + length, byteLength: end - start - length });
    }
    block.free.splice(index, 1, ...rest);
    this.#usedBytes += length;
    return { handle: block.handle, offset: start, byteLength: length, block };
  }

  #grow(length: number): Block<Handle> {
    let byteLength = Math.max(this.#blockBytes, length);
    for (;;) {
      try {
        const handle = this.#source.allocate(byteLength);
        const block = { handle, byteLength, free: [{ offset: 0, byteLength }] };
        this.#blocks.push(block);
        this.#reservedBytes += byteLength;
        return block;
      } catch (error) {
        // Close to the budget or on a nearly full device half a block is better than none.
        const smaller = Math.max(length, roundUp(byteLength / 2, this.#granularity));
        if (!(error instanceof BlockRefusedError) || smaller >= byteLength) throw error;
        byteLength = smaller;
      }
    }
  }

  #release(block: Block<Handle>): void {
    this.#blocks.splice(this.#blocks.indexOf(block), 1);
    this.#reservedBytes -= block.byteLength;
    this.#source.free(block.handle, block.byteLength);
  }
}

/** Thrown by a source that might serve a smaller request: the budget or the device is nearly full. */
export class BlockRefusedError extends Error {
  override readonly name: string = "BlockRefusedError";
}

/**
 * The next multiple of a power of two.
 *
 * @param value At least 0.
 * @param step A power of two.
 * @returns The smallest multiple of `step` that is not below `value`.
 */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

function isEmpty<Handle>(block: Block<Handle>): boolean {
  return block.free.length === 1 && block.free[0]?.byteLength === block.byteLength;
}

function insertRange(free: FreeRange[], offset: number, byteLength: number): void {
  let low = 0;
  let high = free.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((free[middle] as FreeRange).offset < offset) low = middle + 1;
    else high = middle;
  }
  const before = free[low - 1];
  const after = free[low];
  const joinsBefore = before !== undefined && before.offset + before.byteLength === offset;
  const joinsAfter = after !== undefined && offset + byteLength === after.offset;
  if (joinsBefore && joinsAfter) {
    before.byteLength += byteLength + after.byteLength;
    free.splice(low, 1);
  } else if (joinsBefore) {
    before.byteLength += byteLength;
  } else if (joinsAfter) {
    after.offset = offset;
    after.byteLength += byteLength;
  } else {
    free.splice(low, 0, { offset, byteLength });
  }
}
