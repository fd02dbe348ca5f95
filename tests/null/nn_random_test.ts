/** Random numbers: the published test vectors of Philox, and bits that may never change. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { nextStream, philox, RandomStream, seed } from "../../src/core/random.ts";
import { test } from "../support/test.ts";

test("philox() gives the test vectors of Random123", () => {
  const rows = [
    { counter: [0, 0, 0, 0], key: [0, 0], words: "6627e8d5 e169c58d bc57ac4c 9b00dbd8" },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      words: "408f276d 41c83b0e a20bc7c6 6d5451fd",
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      words: "d16cfe09 94fdcceb 5001e420 24126ea1",
    },
  ];
  for (const { counter, key, words } of rows) {
    const block = Uint32Array.from(counter);
    philox(block, key[0]!, key[1]!);
    assertEquals(Array.from(block, (word) => word.toString(16)).join(" "), words);
  }
});

/** One number for all bits of many numbers. */
function hash(next: () => number): number {
  const value = new Float64Array(1);
  const bits = new Uint32Array(value.buffer);
  let sum = 0;
  for (let i = 0; i < 20_000; i++) {
    value[0] = next();
    sum = (Math.imul(sum, 31) + bits[0]! + bits[1]!) | 0;
  }
  return sum;
}

test("RandomStream gives these very bits on every runtime", () => {
  const stream = new RandomStream(7, 3);
  assertEquals(hash(() => stream.nextNormal()), -443421028);
  assertEquals(hash(() => stream.nextUniform()), -959526379);
});

test("RandomStream.nextUniform() fills [0, 1) evenly", () => {
  const stream = new RandomStream(1);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const value = stream.nextUniform();
    assert(value >= 0 && value < 1 && Math.fround(value) === value);
    counts[Math.floor(value * 10)]!++;
  }
  for (const count of counts) assert(Math.abs(count - 10_000) < 500, `${counts}`);
});

test("RandomStream.nextNormal() has the moments of the standard normal distribution", () => {
  const stream = new RandomStream(2);
  const sums = [0, 0, 0, 0];
  const count = 200_000;
  let beyondTwo = 0;
  for (let i = 0; i < count; i++) {
    const value = stream.nextNormal();
    for (let power = 0; power < 4; power++) sums[power]! += value ** (power + 1) / count;
    if (Math.abs(value) > 2) beyondTwo++;
  }
  assertAlmostEquals(sums[0]!, 0, 0.01);
  assertAlmostEquals(sums[1]!, 1, 0.01);
  assertAlmostEquals(sums[2]!, 0, 0.03);
  assertAlmostEquals(sums[3]!, 3, 0.06);
  assertAlmostEquals(beyondTwo / count, 0.0455, 0.002);
});

test("nextStream() gives independent streams, and seed() restarts them", () => {
  seed(5);
  const first = nextStream().nextWord();
  const second = nextStream().nextWord();
  assert(first !== second);
  seed(5);
  assertEquals(nextStream().nextWord(), first);
  seed(2 ** 53 - 1);
  assert(nextStream().nextWord() !== first);
  seed(0);
});

test("seed() refuses what is no seed", () => {
  for (const value of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
    assertThrows(() => seed(value), RangeError, "seed");
  }
  for (const value of ["1", null, undefined, 1n, {}]) {
    assertThrows(() => seed(value as number), TypeError, "seed");
  }
});
