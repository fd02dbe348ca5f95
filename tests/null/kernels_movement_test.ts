// Data movement plans, run without a GPU: right results, every byte of the output written once, every access in range.

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ShapeError } from "../../src/core/errors.ts";
import {
  planConcat,
  planPixelShuffle,
  planSlice,
  planTranspose,
  planUpSampling,
} from "../../src/kernels/movement.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { build, type Reference, size } from "../reference/array.ts";
import { FORGED } from "../reference/capabilities.ts";
import * as oracle from "../reference/movement.ts";
import { runPlan } from "../spirv/plans.ts";
import { test } from "../support/test.ts";

const ARRAYS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array } as const;

/** Numbers as elements of some bytes each; those of one byte wrap. */
function elements(data: ArrayLike<number>, bytes: keyof typeof ARRAYS): ArrayBufferView {
  const values = Array.from(data);
  return bytes === 8 ? BigUint64Array.from(values, BigInt) : ARRAYS[bytes].from(values);
}

function check(
  plan: (elementBytes: number, which: keyof typeof FORGED) => Plan,
  inputs: readonly Reference[],
  expected: Reference,
): void {
  for (const bytes of [1, 2, 4, 8] as const) {
    const sources = inputs.map(({ data }) => elements(data, bytes));
    const wanted = elements(expected.data, bytes);
    for (const which of ["gpu", "cpu"] as const) {
      const made = plan(bytes, which);
      const [result] = runPlan(FORGED[which], made, sources, [wanted.byteLength]);
      const actual = result!.bytes.slice(0, wanted.byteLength);
      assertEquals(actual, new Uint8Array(wanted.buffer), `${made.label}, ${bytes} bytes`);
    }
  }
}

function count(shape: readonly number[], start: number = 1): Reference {
  let next = start;
  return build(shape, () => next++);
}

const sizes = (rank: number, max: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max }), { minLength: rank, maxLength: rank });

test("planTranspose() permutes axes", () => {
  const cases = fc.integer({ min: 1, max: 5 }).chain((rank) =>
    fc.tuple(
      sizes(rank, 5),
      fc.shuffledSubarray([...Array(rank).keys()], { minLength: rank, maxLength: rank }),
    )
  );
  fc.assert(
    fc.property(cases, ([shape, axes]) => {
      const x = count(shape);
      check(
        (bytes, which) => planTranspose(FORGED[which], shape, axes, bytes),
        [x],
        oracle.transpose(x, axes),
      );
    }),
    { numRuns: 60 },
  );
});

test("planTranspose() turns whole blocks on CPU devices", () => {
  const cases = fc.tuple(
    fc.integer({ min: 1, max: 3 }),
    fc.constantFrom(2, 3, 4, 8, 12),
    fc.constantFrom([4], [8], [3, 4], [2, 12]),
  );
  fc.assert(
    fc.property(cases, ([batch, channels, spatial]) => {
      const inner = count([batch, ...spatial, channels]);
      const last = spatial.length + 1;
      const axes = [0, last, ...spatial.map((_, at) => at + 1)];
      const { dispatches } = planTranspose(FORGED.cpu, inner.shape, axes, 4);
      // Four channels of four pixels are the same seen from either side.
      assert(/interleave|separate/.test(dispatches[0]!.program.id));
      check(
        (bytes, which) => planTranspose(FORGED[which], inner.shape, axes, bytes),
        [inner],
        oracle.transpose(inner, axes),
      );
    }),
    { numRuns: 40 },
  );
});

test("planTranspose() takes long axes by tiles on GPUs", () => {
  for (
    const [shape, axes] of [[[3, 37, 50], [0, 2, 1]], [[2, 33, 5, 40], [0, 2, 3, 1]], [
      [64, 3, 64],
      [2, 1, 0],
    ]]
  ) {
    const plan = planTranspose(FORGED.gpu, shape!, axes!, 4);
    assertEquals(plan.dispatches.map(({ program }) => program.id), ["movement/transpose"]);
    const x = count(shape!);
    check(
      (bytes, which) => planTranspose(FORGED[which], shape!, axes!, bytes),
      [x],
      oracle.transpose(x, axes!),
    );
  }
});

test("planTranspose() handles more axes than the shader has", () => {
  const shape = [2, 3, 2, 2, 2, 2, 2, 3, 2];
  const axes = [8, 6, 4, 2, 0, 7, 5, 3, 1];
  const x = count(shape);
  check(
    (bytes, which) => planTranspose(FORGED[which], shape, axes, bytes),
    [x],
    oracle.transpose(x, axes),
  );
});

test("planSlice() takes boxes, with steps of both signs", () => {
  const axis = fc.tuple(
    fc.integer({ min: 1, max: 9 }),
    fc.nat(),
    fc.nat(),
    fc.integer({ min: -3, max: 3 }),
  );
  fc.assert(
    fc.property(fc.array(axis, { minLength: 1, maxLength: 4 }), (axes) => {
      const shape = axes.map(([length]) => length);
      const steps = axes.map(([, , , step]) => step === 0 ? 1 : step);
      const begin = axes.map(([length, first]) => first % length);
      const sizes = axes.map(([length, , want], at) => {
        const room = steps[at]! > 0 ? length - 1 - begin[at]! : begin[at]!;
        return 1 + want % (1 + Math.floor(room / Math.abs(steps[at]!)));
      });
      const x = count(shape);
      check(
        (bytes, which) => planSlice(FORGED[which], shape, begin, sizes, bytes, steps),
        [x],
        oracle.slice(x, begin, sizes, steps),
      );
    }),
    { numRuns: 80 },
  );
  assertThrows(() => planSlice(FORGED.cpu, [4], [2], [3], 4), ShapeError, "axis 0 is read at 2..4");
});

test("planConcat() joins on any axis", () => {
  const cases = fc.tuple(
    sizes(3, 5),
    fc.integer({ min: 0, max: 2 }),
    fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }),
  );
  fc.assert(
    fc.property(cases, ([base, axis, lengths]) => {
      if (lengths.every((length) => length === 0)) return;
      const arrays = lengths.map((length, at) =>
        count(base.map((each, place) => (place === axis ? length : each)), 1 + at * 1_000)
      );
      check(
        (bytes, which) => planConcat(FORGED[which], arrays.map(({ shape }) => shape), axis, bytes),
        arrays,
        oracle.concat(arrays, axis),
      );
    }),
    { numRuns: 80 },
  );
  assertThrows(() => planConcat(FORGED.cpu, [], 0, 4), ShapeError, "no tensors");
  assertThrows(() => planConcat(FORGED.cpu, [[2, 3], [3, 4]], 1, 4), ShapeError, "tensor 1");
});

test("planUpSampling() and planPixelShuffle() follow their formulas, and invert", () => {
  const cases = fc.integer({ min: 1, max: 3 }).chain((rank) =>
    fc.tuple(sizes(rank, 3), sizes(rank, 3), sizes(2, 3))
  );
  fc.assert(
    fc.property(cases, ([spatial, factors, [n, c]]) => {
      const product = size(factors);
      const x = count([n!, c!, ...spatial]);
      const scale = [1, 1, ...factors];
      check(
        (bytes, which) => planUpSampling(FORGED[which], x.shape, scale, bytes),
        [x],
        oracle.upSampling(x, scale),
      );
      const deep = count([n!, c! * product, ...spatial]);
      const wide = oracle.pixelShuffle(deep, factors);
      check(
        (bytes, which) => planPixelShuffle(FORGED[which], deep.shape, factors, bytes),
        [deep],
        wide,
      );
      assertEquals(oracle.pixelUnshuffle(wide, factors), deep);
      check(
        (bytes, which) => planPixelShuffle(FORGED[which], wide.shape, factors, bytes, true),
        [wide],
        deep,
      );
    }),
    { numRuns: 60 },
  );
  assertThrows(
    () => planPixelShuffle(FORGED.cpu, [1, 6, 2, 2], [2, 2], 4),
    ShapeError,
    "divisible by 4",
  );
});

test("movement of nothing needs no dispatch", () => {
  assertEquals(planTranspose(FORGED.cpu, [0, 3], [1, 0], 4).dispatches, []);
  assertEquals(planConcat(FORGED.cpu, [[0, 3], [0, 3]], 0, 4).dispatches, []);
});
