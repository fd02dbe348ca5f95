// Sub-allocation of memory blocks and the pool of idle buffers: pure bookkeeping, checked against a model.

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { BufferPool, sizeClass } from "../../src/device/buffer_pool.ts";
import {
  type Allocation,
  BlockAllocator,
  BlockRefusedError,
} from "../../src/device/memory_blocks.ts";
import { test } from "../support/test.ts";

const BLOCK = 4096;
const GRANULARITY = 64;

interface FakeBlock {
  readonly number: number;
  readonly byteLength: number;
}

/** Blocks that are only counted. */
class FakeSource {
  readonly blocks: Set<FakeBlock> = new Set();
  budget = Infinity;
  refusals = 0;
  #next = 0;

  allocate(byteLength: number): FakeBlock {
    const used = [...this.blocks].reduce((sum, block) => sum + block.byteLength, 0);
    if (used + byteLength > this.budget) {
      this.refusals++;
      throw new BlockRefusedError(`the budget is ${this.budget} bytes`);
    }
    const block = { number: this.#next++, byteLength };
    this.blocks.add(block);
    return block;
  }

  free(block: FakeBlock): void {
    assert(this.blocks.delete(block), "a block is freed once");
  }
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant("allocate" as const),
    byteLength: fc.oneof(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 9000 })),
    alignment: fc.constantFrom(1, 16, 64, 256, 1024),
  }),
  fc.record({ kind: fc.constant("free" as const), pick: fc.nat() }),
  fc.record({ kind: fc.constant("trim" as const) }),
);

test("BlockAllocator never overlaps, always aligns, and gives everything back", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const source = new FakeSource();
      const allocator = new BlockAllocator<FakeBlock>(source, GRANULARITY, BLOCK);
      const live: Allocation<FakeBlock>[] = [];
      for (const each of steps) {
        if (each.kind === "allocate") {
          const piece = allocator.allocate(each.byteLength, each.alignment);
          assertEquals(piece.offset % each.alignment, 0);
          assertEquals(piece.offset % GRANULARITY, 0);
          assertEquals(piece.byteLength % GRANULARITY, 0);
          assert(piece.byteLength >= each.byteLength);
          assert(piece.offset + piece.byteLength <= piece.handle.byteLength);
          for (const other of live) {
            const apart = other.handle !== piece.handle ||
              other.offset + other.byteLength <= piece.offset ||
              piece.offset + piece.byteLength <= other.offset;
            assert(apart, "pieces must not overlap");
          }
          live.push(piece);
        } else if (each.kind === "free" && live.length > 0) {
          const [piece] = live.splice(each.pick % live.length, 1);
          allocator.free(piece as Allocation<FakeBlock>);
        } else if (each.kind === "trim") {
          allocator.trim();
        }
        const used = live.reduce((sum, piece) => sum + piece.byteLength, 0);
        assertEquals(allocator.usedBytes, used);
        let free = 0;
        for (const block of allocator.inspect()) {
          let end = -1;
          for (const range of block.free) {
            assert(range.offset > end, "free ranges are sorted and do not touch");
            assert(range.byteLength > 0);
            end = range.offset + range.byteLength;
            free += range.byteLength;
          }
          assert(end <= block.byteLength);
        }
        assertEquals(free + used, allocator.reservedBytes);
        assertEquals(allocator.blockCount, source.blocks.size);
      }
      for (const piece of live) allocator.free(piece);
      assert(allocator.blockCount <= 1, "one empty block may stay");
      allocator.trim();
      assertEquals(source.blocks.size, 0);
      assertEquals(allocator.reservedBytes, 0);
    }),
    { numRuns: 500 },
  );
});

test("BlockAllocator melts neighbors together, in any order of freeing", () => {
  fc.assert(fc.property(fc.array(fc.nat(), { minLength: 16, maxLength: 16 }), (order) => {
    const allocator = new BlockAllocator<FakeBlock>(new FakeSource(), GRANULARITY, BLOCK);
    const pieces = Array.from({ length: 16 }, () => allocator.allocate(256, 16));
    assertEquals(allocator.blockCount, 1);
    for (const pick of order) {
      const [piece] = pieces.splice(pick % pieces.length, 1);
      allocator.free(piece as Allocation<FakeBlock>);
    }
    assertEquals(allocator.inspect(), [{
      byteLength: BLOCK,
      free: [{ offset: 0, byteLength: BLOCK }],
    }]);
  }));
});

test("BlockAllocator takes the smallest range that fits", () => {
  const allocator = new BlockAllocator<FakeBlock>(new FakeSource(), GRANULARITY, BLOCK);
  const pieces = [1024, 64, 256, 64].map((bytes) => allocator.allocate(bytes, 16));
  allocator.free(pieces[0] as Allocation<FakeBlock>);
  allocator.free(pieces[2] as Allocation<FakeBlock>);
  assertEquals(allocator.allocate(200, 16).offset, 1024 + 64);
  assertEquals(allocator.allocate(512, 16).offset, 0);
});

test("BlockAllocator gives a large request a block of its own and frees it with it", () => {
  const source = new FakeSource();
  const allocator = new BlockAllocator<FakeBlock>(source, GRANULARITY, BLOCK);
  const large = allocator.allocate(3 * BLOCK, 16);
  assertEquals(allocator.reservedBytes, 3 * BLOCK);
  allocator.free(large);
  assertEquals(source.blocks.size, 0);
});

test("BlockAllocator makes smaller blocks where the budget is nearly full, then refuses", () => {
  const source = new FakeSource();
  source.budget = BLOCK + 600;
  const allocator = new BlockAllocator<FakeBlock>(source, GRANULARITY, BLOCK);
  allocator.allocate(BLOCK, 16);
  assertEquals(allocator.allocate(300, 16).handle.byteLength, 512);
  assertThrows(() => allocator.allocate(300, 16), BlockRefusedError, "budget");
  assert(allocator.reservedBytes <= source.budget);
  assertEquals(allocator.allocateExisting(300, 16), undefined);
});

test("BlockAllocator keeps one empty block, so that allocating in turn makes none", () => {
  const source = new FakeSource();
  const allocator = new BlockAllocator<FakeBlock>(source, GRANULARITY, BLOCK);
  const first = allocator.allocate(100, 16);
  const { handle } = first;
  allocator.free(first);
  assertEquals(allocator.allocate(100, 16).handle, handle);
});

test("sizeClass() wastes at most an eighth and never exceeds the limit", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 40 }), fc.nat(1000), (bytes, slack) => {
      const capacity = sizeClass(bytes, bytes + slack);
      assert(capacity >= bytes && capacity <= bytes + slack);
      const free = sizeClass(bytes, Number.MAX_SAFE_INTEGER);
      assert(free >= bytes);
      assert(free <= Math.max(256, Math.ceil(bytes * 1.125)));
      assertEquals(free % 16, 0);
      assertEquals(sizeClass(free, Number.MAX_SAFE_INTEGER), free, "a class is its own class");
    }),
    { numRuns: 1000 },
  );
});

interface Entry {
  readonly capacity: number;
  readonly name: number;
}

test("BufferPool holds what was put in and nothing else", () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant("put" as const), capacity: fc.constantFrom(256, 512, 1024) }),
    fc.record({ kind: fc.constant("take" as const), capacity: fc.constantFrom(256, 512, 1024) }),
    fc.record({ kind: fc.constant("odd" as const), capacity: fc.constantFrom(256, 512, 1024) }),
    fc.record({ kind: fc.constant("shrink" as const), capacity: fc.nat(3000) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const pool = new BufferPool<Entry>();
      const model: Entry[] = [];
      let name = 0;
      for (const { kind, capacity } of actions) {
        const same = model.filter((entry) => entry.capacity === capacity);
        if (kind === "put") {
          const entry = { capacity, name: name++ };
          pool.put(entry);
          model.push(entry);
        } else if (kind === "take") {
          const entry = pool.take(capacity);
          assertEquals(entry, same.at(-1), "last in, first out");
          if (entry !== undefined) model.splice(model.indexOf(entry), 1);
        } else if (kind === "odd") {
          const entry = pool.take(capacity, ({ name }) => name % 2 === 1);
          assertEquals(entry, same.find(({ name }) => name % 2 === 1), "oldest acceptable first");
          if (entry !== undefined) model.splice(model.indexOf(entry), 1);
        } else {
          for (const entry of pool.shrink(capacity)) assertEquals(entry, model.shift());
          assert(pool.byteLength <= capacity);
        }
        assertEquals(pool.count, model.length);
        assertEquals(pool.byteLength, model.reduce((sum, entry) => sum + entry.capacity, 0));
      }
    }),
    { numRuns: 500 },
  );
});

test("BufferPool shrinks only by what may go", () => {
  const pool = new BufferPool<Entry>();
  for (let name = 0; name < 6; name++) pool.put({ capacity: 256, name });
  const gone = pool.shrink(0, ({ name }) => name >= 3);
  assertEquals(gone.map(({ name }) => name), [3, 4, 5]);
  assertEquals(pool.count, 3);
});
