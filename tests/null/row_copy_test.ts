// Copies of rows that take the place of kernels: they move the same bytes, images are within a device's limits and boxes within
// their images; where no copy fits or a kernel is better, there is none.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { RowCopy } from "../../src/core/dispatch.ts";
import { planConcat, planSlice, planTranspose } from "../../src/kernels/movement.ts";
import type { Capabilities, Plan } from "../../src/kernels/plan.ts";
import { build, type Reference, size } from "../reference/array.ts";
import { FORGED } from "../reference/capabilities.ts";
import * as oracle from "../reference/movement.ts";
import { eachCopied } from "../spirv/copies.ts";
import { test } from "../support/test.ts";

const { cpu } = FORGED;
const images = cpu.rowCopies!.images!;

function numbered(shape: readonly number[]): Reference {
  let next = 0;
  return build(shape, () => next++);
}

/** Checks what a driver demands of an image and of the buffer beside it. */
function checkImage(copy: RowCopy): void {
  if (copy.image === null) return;
  const [own, other] = [copy[copy.image], copy[copy.image === "from" ? "to" : "from"]];
  const height = own.plane / own.row;
  assertEquals([own.row % images.rowBytes, height % images.rows, other.plane % other.row], [
    0,
    0,
    0,
  ]);
  assert(own.row / 4 <= images.maxExtent && height <= images.maxExtent);
  assert(other.row >= copy.rowBytes && other.plane >= other.row * copy.rows);
  for (const start of copy.starts) {
    const at = start[copy.image === "from" ? 0 : 1];
    assert(at % own.plane % own.row + copy.rowBytes <= own.row, "a row leaves the image");
    assert(Math.floor(at % own.plane / own.row) + copy.rows <= height, "a box leaves its layer");
    assert(Math.floor(at / own.plane) + copy.planes <= images.maxLayers);
  }
}

/** Does what the copies of a plan do on whole elements of 4 bytes; null if a launch is no copy. */
function run(plan: Plan, sources: readonly Reference[], count: number): number[] | null {
  const found = new Array<number>(count).fill(-1);
  for (const { copy, slots } of plan.dispatches) {
    if (copy === undefined) return null;
    checkImage(copy);
    const { data } = sources[slots[0]!]!;
    eachCopied(copy, (from, to) => {
      if (from % 4 !== 0) return;
      assert(to % 4 === 0 && from / 4 < data.length && to / 4 < count, `${from} to ${to}`);
      assertEquals(found[to / 4], -1);
      found[to / 4] = data[from / 4]!;
    });
  }
  return found;
}

function copyOf(plan: Plan): RowCopy | undefined {
  return plan.dispatches[0]!.copy;
}

const small = fc.integer({ min: 1, max: 3 });
const rows = fc.constantFrom(16, 33, 64);
const width = fc.constantFrom(128, 250, 512, 1024);

test("slices that are copied take the elements that were asked for", () => {
  let copied = 0;
  const places = fc.array(fc.integer({ min: 0, max: 100 }).map((each) => each / 100), {
    minLength: 10,
    maxLength: 10,
  });
  fc.assert(
    fc.property(fc.tuple(small, small, small, rows, width), places, (shape, [...at]) => {
      const sizes = shape.map((each, axis) =>
        Math.max(1, Math.round(each * (0.5 + at[axis]! / 2)))
      );
      const begin = shape.map((each, axis) => Math.floor((each - sizes[axis]!) * at[axis + 5]!));
      const plan = planSlice(cpu, shape, begin, sizes, 4);
      const x = numbered(shape);
      const found = run(plan, [x], size(sizes));
      if (found === null) return;
      copied++;
      assertEquals(found, Array.from(oracle.slice(x, begin, sizes).data));
    }),
    { numRuns: 15, seed: 83 },
  );
  assert(copied > 3, `only ${copied} were copied`);
});

test("concatenations that are copied put every element in its place", () => {
  let copied = 0;
  for (const shape of [[2, 3, 16, 256], [1, 4, 33, 128], [3, 8, 4, 512], [64, 512]]) {
    for (let axis = 0; axis < shape.length; axis++) {
      const x = numbered(shape);
      const plan = planConcat(cpu, [shape, shape], axis, 4);
      const expected = oracle.concat([x, x], axis);
      const found = run(plan, [x, x], 2 * size(shape));
      if (found === null) continue;
      copied++;
      assertEquals(found, Array.from(expected.data), `axis ${axis} of (${shape})`);
    }
  }
  assert(copied >= 10, `only ${copied} were copied`);
});

test("an image stands for the operand whose rows are whole lines, in either direction", () => {
  const crop = planSlice(cpu, [4, 64, 256], [0, 3, 5], [4, 50, 201], 4);
  assertEquals(copyOf(crop)!.image, "from");
  const widened = planSlice(cpu, [4, 64, 257], [0, 0, 1], [4, 64, 256], 4);
  assertEquals(copyOf(widened)!.image, "to");
  // Neither has lines: long rows are regions of their own, short ones are a kernel's.
  const long = planSlice(cpu, [4, 64, 1025], [0, 0, 0], [4, 64, 1023], 4);
  assertEquals(copyOf(long)!.image, null);
  assertEquals(copyOf(planSlice(cpu, [40, 64, 63], [0, 0, 0], [40, 64, 61], 4)), undefined);
});

test("rows beyond an image's height are divided into layers", () => {
  const copy = copyOf(planSlice(cpu, [40_000, 32], [0, 0], [40_000, 16], 4))!;
  checkImage(copy);
  assertEquals(copy.image, "from");
  assertEquals(copy.rows * copy.planes, 40_000);
});

test("planes that are copied one by one share an image", () => {
  const at = (plane: number) =>
    copyOf(planSlice(cpu, [8, 64, 512], [plane, 0, 8], [1, 64, 504], 4))!.from;
  assertEquals(at(7), at(1));
});

test("a single run is a single region, also of elements smaller than a word", () => {
  for (const bytes of [1, 2, 4, 8]) {
    const copy = copyOf(planSlice(cpu, [4, 65_536], [1, 0], [2, 65_536], bytes))!;
    assertEquals(copy.starts, [[65_536 * bytes, 0]]);
    assertEquals([copy.rowBytes, copy.rows, copy.planes], [131_072 * bytes, 1, 1]);
  }
  assertEquals(copyOf(planSlice(cpu, [4, 65_535], [1, 0], [2, 65_535], 1)), undefined);
});

test("kernels move what is small, steps over elements, or belongs to another device", () => {
  const none = (plan: Plan) => assertEquals(copyOf(plan), undefined);
  none(planSlice(cpu, [4, 64, 32], [0, 0, 0], [2, 64, 32], 4));
  none(planSlice(cpu, [4, 64, 512], [0, 0, 0], [4, 64, 256], 4, [1, 1, 2]));
  none(planSlice(cpu, [4, 64, 512], [0, 63, 0], [4, 64, 512], 4, [1, -1, 1]));
  none(planTranspose(cpu, [256, 256], [1, 0], 4));
  const others: Capabilities[] = [FORGED.gpu, { ...cpu, rowCopies: undefined }];
  for (const other of others) none(planSlice(other, [4, 65_536], [1, 0], [2, 65_536], 4));
  const bare = { ...cpu, rowCopies: { images: null } };
  none(planSlice(bare, [4, 64, 256], [0, 3, 5], [4, 50, 201], 4));
  assertEquals(copyOf(planSlice(bare, [4, 64, 1025], [0, 0, 0], [4, 64, 1023], 4))!.image, null);
});
