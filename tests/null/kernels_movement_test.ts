// Data movement plans, run by interpreters of the kernels in movement/ on plain arrays: right results, every output
// element written exactly once, every read in range.

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Dispatch } from "../../src/core/dispatch.ts";
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
import { test } from "../support/test.ts";
import { eachBlockWord, eachTransposedWord, words } from "./movement_interpreter.ts";

/** Does what interleave.comp and separate.comp do, on elements instead of bytes. */
function interpretBlocks(
  dispatch: Dispatch,
  elementBytes: number,
  source: ArrayLike<number>,
  output: Float64Array,
  writes: Float64Array,
): void {
  const lanes = 4 / elementBytes;
  eachBlockWord(dispatch, (from, to) => {
    for (let lane = 0; lane < lanes; lane++) {
      const at = Math.floor(from * lanes + lane);
      assert(at >= 0 && at < source.length, `read ${at} of ${source.length}`);
      output[Math.floor(to * lanes + lane)] = source[at]!;
      writes[Math.floor(to * lanes + lane)]! += Math.min(lanes, 1);
    }
    if (lanes < 1) assertEquals(from % 2, to % 2);
  });
}

/** Does what transpose.comp does, on elements instead of bytes. */
function interpretTransposed(
  dispatch: Dispatch,
  elementBytes: number,
  source: ArrayLike<number>,
  output: Float64Array,
  writes: Float64Array,
): void {
  const lanes = 4 / elementBytes;
  eachTransposedWord(dispatch, (word, place) => {
    for (let lane = 0; lane < lanes; lane++) {
      const at = word * lanes + lane;
      assert(at >= 0 && at < source.length, `read ${at} of ${source.length}`);
      output[place * lanes + lane] = source[at]!;
      writes[place * lanes + lane]!++;
    }
  });
}

/** Does what the shader does, on elements instead of bytes. */
function interpret(
  dispatch: Dispatch,
  elementBytes: number,
  buffers: readonly ArrayLike<number>[],
  output: Float64Array,
  writes: Float64Array,
): void {
  if (/interleave|separate/.test(dispatch.program.id)) {
    const source = buffers[dispatch.slots[0]!]!;
    interpretBlocks(dispatch, elementBytes, source, output, writes);
    return;
  }
  if (dispatch.program.id === "movement/transpose") {
    const source = buffers[dispatch.slots[0]!]!;
    interpretTransposed(dispatch, elementBytes, source, output, writes);
    return;
  }
  const push = words(dispatch);
  const quad = dispatch.program.id.includes(".quad");
  const unitBytes = quad ? 16 : dispatch.constants.element_bytes!;
  const lanes = unitBytes / elementBytes; // elements of ours in an element of the shader; 1/2 for 8 bytes
  const rank = dispatch.constants.rank!;
  const lastWord = Math.ceil(output.length * elementBytes / 4) * 4 / unitBytes;
  const perItem = dispatch.constants.quad_store
    ? 4
    : dispatch.constants.scattered
    ? 1
    : Math.max(1, 4 / unitBytes);
  const invocations = dispatch.grid[0] * dispatch.grid[1] * dispatch.grid[2] *
    dispatch.constants.local_size_x!;
  assert(invocations >= push("count") / perItem, "every element has an invocation");
  if (dispatch.constants.quad_store) {
    const end = push("to") + push("count");
    assert(dispatch.constants.dense && push("to") % 4 === 0);
    assert(end % 4 === 0 || end * lanes >= output.length, `quad cut at ${end}`);
  }
  for (let i = 0; i < push("count"); i++) {
    let rest = i;
    let from = push("from");
    let to = push("to") + (dispatch.constants.dense ? i : 0);
    for (let axis = 0; axis < rank; axis++) {
      const outermost = axis === rank - 1;
      const coordinate = outermost ? rest : rest % push(`size_${axis}`);
      if (!outermost) rest = Math.floor(rest / push(`size_${axis}`));
      from += coordinate * push(`from_${axis}`);
      if (!dispatch.constants.dense) to += coordinate * push(`to_${axis}`);
    }
    const source = buffers[dispatch.slots[0]!]!;
    assert(from >= 0 && to >= 0 && to < lastWord, `place ${from} -> ${to}`);
    for (let lane = 0; lane < lanes; lane++) {
      const at = Math.floor(from * lanes + lane);
      assert(at < source.length, `read ${at} of ${source.length}`);
      output[Math.floor(to * lanes + lane)] = source[at]!;
      writes[Math.floor(to * lanes + lane)]! += Math.min(lanes, 1);
    }
    if (lanes < 1) assertEquals(from % 2, to % 2); // halves of 8-byte elements stay in order
  }
  if (dispatch.constants.dense && !quad && unitBytes < 4 && !dispatch.constants.scattered) {
    // Whole words are written: only the end of the buffer may be padded.
    const end = push("to") + push("count");
    assert(push("to") % (4 / unitBytes) === 0);
    assert(end % (4 / unitBytes) === 0 || end * lanes >= output.length, `word cut at ${end}`);
  }
}

function run(
  plan: Plan,
  inputs: readonly Reference[],
  elementBytes: number,
  shape: readonly number[],
) {
  const output = new Float64Array(size(shape));
  const writes = new Float64Array(output.length);
  for (const dispatch of plan.dispatches) {
    interpret(dispatch, elementBytes, inputs.map(({ data }) => data), output, writes);
  }
  assert(writes.every((count) => count === 1), "every element is written once");
  return { data: output, shape };
}

function check(
  plan: (elementBytes: number, which: keyof typeof FORGED) => Plan,
  inputs: readonly Reference[],
  expected: Reference,
): void {
  for (const elementBytes of [1, 2, 4, 8]) {
    for (const which of ["gpu", "cpu"] as const) {
      const result = run(plan(elementBytes, which), inputs, elementBytes, expected.shape);
      assertEquals([...result.data], [...Array.from(expected.data)], `${elementBytes} bytes`);
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
