/** The arena's discipline, on made-up addresses. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Arena, type Slot } from "../../ffi/arena.ts";
import type { NativeMemory } from "../../ffi/memory.ts";
import {
  VkBufferCreateInfo,
  VkMemoryBarrier,
  VkPushConstantRange,
} from "../../ffi/vulkan/structs.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";

const CHUNK = 256 * 1024;

/** Addresses that are only numbers, deliberately aligned to eight bytes and no more. */
class Addresses implements NativeMemory {
  chunks = 0;
  #next = 0x7f00_0000_0008n;
  write(): void {}
  read(): void {}
  addressOf(bytes: ArrayBufferView): bigint {
    this.chunks++;
    const address = this.#next;
    this.#next += BigInt(bytes.byteLength) + 0x1_0000n;
    return address;
  }
}

function makeArena(): { arena: Arena; memory: Addresses } {
  const memory = new Addresses();
  return { arena: new Arena(memory), memory };
}

test("Arena allocates no chunk before the first slot", () => {
  const { arena, memory } = makeArena();
  arena.release(arena.mark());
  assertEquals(memory.chunks, 0);
  arena.allocate(1);
  assertEquals(memory.chunks, 1);
});

test("Arena.allocate() gives zeroed, aligned slots that do not overlap", () => {
  const { arena } = makeArena();
  const random = new Random(1);
  const taken: [bigint, bigint][] = [];
  for (let round = 0; round < 2; round++) {
    arena.scope(() => {
      taken.length = 0;
      for (let i = 0; i < 2000; i++) {
        const alignment = 2 ** random.integer(0, 8);
        const byteLength = random.integer(1, 700);
        const slot = arena.allocate(byteLength, alignment);
        assertEquals(slot.address % BigInt(alignment), 0n);
        assert(slot.bytes().every((byte) => byte === 0));
        slot.bytes().fill(0xff);
        taken.push([slot.address, slot.address + BigInt(byteLength)]);
      }
      taken.sort((a, b) => (a[0] < b[0] ? -1 : 1));
      for (let i = 1; i < taken.length; i++) {
        assert((taken[i - 1] as [bigint, bigint])[1] <= (taken[i] as [bigint, bigint])[0]);
      }
    });
  }
});

test("Arena.release() gives the same memory again", () => {
  const { arena } = makeArena();
  const first = arena.scope(() => arena.allocate(64).address);
  assertEquals(arena.scope(() => arena.allocate(64).address), first);
  const outer = arena.mark();
  const kept = arena.allocate(8);
  arena.scope(() => arena.allocate(CHUNK));
  assertEquals(arena.allocate(8).address, kept.address + 8n);
  arena.release(outer);
  assertEquals(arena.allocate(8).address, kept.address);
});

test("Arena does not grow when scopes repeat, and drops large chunks", () => {
  const { arena, memory } = makeArena();
  const work = (): void => {
    arena.scope(() => {
      for (let i = 0; i < 30; i++) arena.allocate(10_000);
    });
  };
  work();
  const before = memory.chunks;
  for (let i = 0; i < 100; i++) work();
  assertEquals(memory.chunks, before);
  const large = arena.scope(() => arena.allocate(10 * CHUNK).byteLength);
  assertEquals(large, 10 * CHUNK);
  arena.scope(() => arena.allocate(10 * CHUNK));
  assertEquals(memory.chunks, before + 2);
});

test("Arena.allocate() finds room after a small chunk in the way", () => {
  const { arena } = makeArena();
  arena.scope(() => {
    arena.allocate(CHUNK - 8);
    arena.scope(() => arena.allocate(64));
    const slot = arena.allocate(2 * CHUNK);
    slot.setU64(1n, 2 * CHUNK - 8);
    assertEquals(slot.getU64(2 * CHUNK - 8), 1n);
  });
});

test("Arena.release() refuses marks out of order", () => {
  const { arena } = makeArena();
  const outer = arena.mark();
  arena.allocate(8);
  const inner = arena.mark();
  arena.release(outer);
  assertThrows(() => arena.release(inner), RangeError, "reverse order");
});

test("Arena.scope() frees when the callback throws, and refuses promises", () => {
  const { arena } = makeArena();
  const start = arena.scope(() => arena.allocate(8).address);
  assertThrows(() =>
    arena.scope(() => {
      arena.allocate(8);
      throw new Error("x");
    })
  );
  assertThrows(() => arena.scope(() => Promise.resolve(1)), TypeError, "permanent slots");
  assertEquals(arena.allocate(8).address, start);
});

test("Arena.permanent() outlives scopes and is recycled zeroed", () => {
  const { arena } = makeArena();
  const slot = arena.scope(() => {
    const kept = arena.permanent(20);
    arena.allocate(20).bytes().fill(1);
    kept.setU64(0xffff_ffff_ffff_ffffn);
    return kept;
  });
  arena.scope(() => arena.allocate(CHUNK - 64).bytes().fill(1));
  assertEquals(slot.getU64(), 0xffff_ffff_ffff_ffffn);
  arena.recycle(slot);
  const again = arena.permanent(24);
  assertStrictEquals(again, slot);
  assertEquals(again.getU64(), 0n);
});

test("Arena.recycle() refuses temporaries and a second time", () => {
  const { arena } = makeArena();
  const slot = arena.permanent(8);
  arena.recycle(slot);
  assertThrows(() => arena.recycle(slot), RangeError, "recycled before");
  assertThrows(() => arena.recycle(arena.allocate(8)), RangeError, "temporary");
});

test("Arena.permanent() respects alignment and large sizes", () => {
  const { arena } = makeArena();
  assertEquals(arena.permanent(8, 4096).address % 4096n, 0n);
  assertEquals(arena.permanent(3 * CHUNK).byteLength, 3 * CHUNK);
});

test("Arena refuses sizes and alignments that are none", () => {
  const { arena } = makeArena();
  for (const size of [-1, 1.5, NaN, Infinity, "8" as unknown as number]) {
    assertThrows(() => arena.allocate(size), RangeError, "Cannot allocate");
    assertThrows(() => arena.permanent(size), RangeError, "Cannot allocate");
  }
  for (const alignment of [0, 3, -8, NaN]) {
    assertThrows(() => arena.allocate(8, alignment), RangeError, "power of two");
  }
});

test("Arena copies integers, bytes and texts", () => {
  const { arena } = makeArena();
  const u32s = arena.u32s([1, 0xffffffff]);
  assertEquals([u32s.getU32(), u32s.getU32(4)], [1, 0xffffffff]);
  const u64s = arena.u64s([1n, 0xffff_ffff_ffff_ffffn]);
  assertEquals([u64s.getU64(), u64s.getU64(8)], [1n, 0xffff_ffff_ffff_ffffn]);
  assertEquals(arena.f32s([1, 0.5]).getU32(4), 0x3f000000);
  assertEquals([...arena.bytes(new Uint8Array([1, 2, 3])).bytes()], [1, 2, 3]);
  const text = arena.text("grün");
  assertEquals(text.byteLength, 6);
  assertEquals(text.getText(), "grün");
  assertEquals(text.getText(4), "n");
  assertThrows(() => arena.text("a\0b"), TypeError, "NUL");
  assertEquals(arena.u64s([]).byteLength, 0);
  const names = ["a", "bc"];
  const pointers = arena.texts(names);
  assertEquals(pointers.byteLength, 16);
  assert(pointers.getU64(0) !== pointers.getU64(8));
});

test("Arena.struct(), structs() and chain() write what native code expects", () => {
  const { arena } = makeArena();
  const ranges = arena.structs(VkPushConstantRange, [{ size: 4 }, { offset: 4, size: 8 }]);
  assertEquals(VkPushConstantRange.read(ranges, VkPushConstantRange.byteLength).offset, 4);
  const empty = arena.structs(VkMemoryBarrier, 3);
  assertEquals(empty.getU32(2 * VkMemoryBarrier.byteLength), 46);
  const first = arena.struct(VkBufferCreateInfo, { size: 1n });
  const second = arena.struct(VkMemoryBarrier);
  const third = arena.struct(VkMemoryBarrier);
  assertEquals(arena.chain(first, second, third), first.address);
  assertEquals(VkBufferCreateInfo.read(first).pNext, second.address);
  assertEquals(VkMemoryBarrier.read(second).pNext, third.address);
  assertEquals(VkMemoryBarrier.read(third).pNext, 0n);
  assertEquals(arena.chain(), 0n);
});

test("Slot refuses access beyond its end, into a neighbor", () => {
  const { arena } = makeArena();
  const slot: Slot = arena.allocate(8);
  arena.allocate(8);
  assertThrows(() => slot.getU32(5), RangeError, "Cannot access 4 bytes at byte 5: the slot has 8");
  assertThrows(() => slot.getU64(1), RangeError);
  assertThrows(() => slot.setU32(1, 8), RangeError);
  assertThrows(() => slot.setU64(1n, -1), RangeError);
  assertThrows(() => slot.setU64(1n, NaN), RangeError);
  assertThrows(() => arena.allocate(0).getU32(), RangeError);
});
