// Grid folding and division by multiplication, without a GPU.

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LimitError } from "../../src/core/errors.ts";
import { divisor } from "../../src/kernels/divisor.ts";
import { foldGrid, gridForItems, plainLocalSize } from "../../src/kernels/grid.ts";
import { FORGED } from "../reference/capabilities.ts";
import { test } from "../support/test.ts";

function checkFold(workgroups: number): void {
  for (const capabilities of Object.values(FORGED)) {
    const [x, y, z] = foldGrid(capabilities, workgroups);
    const total = x * y * z;
    assert(
      [x, y, z].every((count) => count >= 1 && count <= 65_535),
      `${workgroups}: ${[x, y, z]}`,
    );
    assert(total >= workgroups, `${workgroups}: only ${total}`);
    // Idle workgroups: less than one on every row, and less than one row on every plane.
    assert(total - workgroups < y * z + x * z, `${workgroups}: ${total} are too many`);
  }
}

test("foldGrid() covers every boundary", () => {
  const points = [65_534, 65_535, 65_536, 65_535 ** 2 - 1, 65_535 ** 2, 65_535 ** 2 + 1];
  for (let power = 1; power <= 40; power++) points.push(2 ** power - 1, 2 ** power, 2 ** power + 1);
  for (const workgroups of points) checkFold(workgroups);
});

test("foldGrid() covers random counts", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 2 ** 40 }), checkFold), { numRuns: 10_000 });
});

test("foldGrid() refuses what three axes cannot hold, and no workgroups", () => {
  assertThrows(() => foldGrid(FORGED.cpu, 65_535 ** 3 + 1), LimitError, "Cannot dispatch");
  for (const count of [0, -1, 1.5, NaN]) {
    assertThrows(() => foldGrid(FORGED.cpu, count), RangeError, "expected a positive integer");
  }
});

test("plainLocalSize() keeps to the limits", () => {
  assertEquals(plainLocalSize(FORGED.gpu), 256);
  assertEquals(plainLocalSize(FORGED.least), 128);
  assertEquals(plainLocalSize({ ...FORGED.cpu, maxWorkgroupInvocations: 128 }), 128);
  assertEquals(gridForItems(FORGED.gpu, 65_536 * 256 + 1), [32_769, 2, 1]);
});

/** The shader's arithmetic in big integers. */
function divide(n: number, d: number): number {
  const { multiplier, shift } = divisor(d);
  assert(multiplier < 2 ** 32 && shift < 32, `divisor(${d})`);
  const sum = ((BigInt(n) * BigInt(multiplier)) >> 32n) + BigInt(n);
  assert(sum < 1n << 32n, `${n} / ${d} overflows`);
  return Number(sum >> BigInt(shift));
}

test("divisor() divides exactly at every boundary", () => {
  const points = [1, 2, 3, 5, 7, 9, 10, 641, 65_535, 2 ** 31 - 1];
  for (let power = 1; power < 31; power++) points.push(2 ** power - 1, 2 ** power, 2 ** power + 1);
  for (const d of points.filter((each) => each >= 1)) {
    const multiples = [0, 1, d - 1, d, d + 1, 2 * d - 1, 2 ** 31 - 1, 2 ** 31 - 2];
    multiples.push(Math.floor((2 ** 31 - 1) / d) * d, Math.floor((2 ** 31 - 1) / d) * d - 1);
    for (const n of multiples.filter((each) => each >= 0 && each < 2 ** 31)) {
      assertEquals(divide(n, d), Math.floor(n / d), `${n} / ${d}`);
    }
  }
});

test("divisor() divides exactly at random", () => {
  const number = fc.integer({ min: 0, max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(number, fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.nat(64), (n, d, small) => {
      assertEquals(divide(n, d), Math.floor(n / d));
      assertEquals(divide(n, small + 1), Math.floor(n / (small + 1)));
    }),
    { numRuns: 10_000 },
  );
});
