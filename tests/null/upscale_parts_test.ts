/** Weights, progress and profile table of the upscale example. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { basis, foldUpsampling, foldWeights } from "../../examples/upscale/fold.ts";
import { profileTable } from "../../examples/upscale/profile.ts";
import { Progress } from "../../examples/support/progress.ts";
import { readKerasWeights, readWeights, transposeKernel } from "../../examples/upscale/weights.ts";
import { test } from "../support/test.ts";

test("weights: kernels are transposed from Keras' order", () => {
  const data = Float32Array.from({ length: 2 * 3 * 4 * 5 }, (_, i) => i);
  const { shape, data: moved } = transposeKernel({ shape: [2, 3, 4, 5], data });
  assertEquals(shape, [5, 4, 2, 3]);
  for (const [y, x, i, o] of [[0, 0, 0, 0], [1, 2, 3, 4], [0, 2, 1, 3]] as const) {
    assertEquals(moved[((o * 4 + i) * 2 + y) * 3 + x], data[((y * 3 + x) * 4 + i) * 5 + o]);
  }
});

test("weights: all parameters of all enlargements are there", () => {
  for (const [scale, parameters] of [[2, 222_075], [3, 226_815], [4, 233_451]] as const) {
    const weights = readWeights(scale);
    assertEquals(weights.size, 24);
    assertEquals(weights.get("SR.weight")!.shape, [3, 3 * scale * scale, 3, 3]);
    assertEquals(weights.get("UPN1.bias")!.shape, [64]);
    let count = 0;
    for (const { data } of weights.values()) count += data.length;
    assertEquals(count, parameters);
  }
  assertEquals(readKerasWeights(2).get("UPN1/kernel")!.shape, [5, 5, 64, 64]);
});

test("weights: a convolution behind nearest upsampling is one with a pixel shuffle", () => {
  for (const scale of [2, 3, 4]) {
    const data = Float32Array.from({ length: 9 }, (_, i) => 1 << i);
    const folded = foldUpsampling({ shape: [1, 1, 3, 3], data }, scale);
    assertEquals(folded.shape, [scale * scale, 1, 3, 3]);
    // A tap of a place falls into the pixel that holds it; powers of two tell the taps of a sum.
    for (let place = 0; place < scale * scale; place++) {
      const wanted = new Array(9).fill(0);
      for (const dy of [-1, 0, 1]) {
        for (const dx of [-1, 0, 1]) {
          const y = Math.floor((scale + Math.floor(place / scale) + dy) / scale);
          const x = Math.floor((scale + place % scale + dx) / scale);
          wanted[y * 3 + x] += data[(dy + 1) * 3 + dx + 1]!;
        }
      }
      assertEquals([...folded.data.subarray(place * 9, place * 9 + 9)], wanted);
    }
  }
});

test("weights: the folded network keeps the layers that it does not join", () => {
  const weights = readWeights(2);
  const folded = foldWeights(weights, 2);
  assertEquals(folded.get("UPN1.weight"), weights.get("UPN1.weight"));
  assertEquals(folded.get("fuse.weight")!.shape, [64, basis.size, 3, 3]);
  assertEquals(folded.get("grow.weight")!.shape, [8, 64, 3, 3]);
  assertEquals(folded.get("growMore.weight")!.shape, [4, 5, 3, 3]);
  assertEquals(folded.get("SR.weight")!.shape, [12, 12, 3, 3]);
});

test("weights: an enlargement without weights is refused", () => {
  for (const scale of [1, 5, 2.5, NaN]) {
    assertThrows(() => readWeights(scale), RangeError, "the scale must be 2, 3, 4");
  }
});

test("progress: a terminal gets one line, a file gets a line now and then", () => {
  const terminal: string[] = [];
  const target = { isTTY: true, columns: 60, write: (text: string) => terminal.push(text) };
  const bar = new Progress(4, "tiles", target);
  for (let i = 0; i < 4; i++) bar.step();
  bar.finish();
  bar.finish();
  assertEquals(terminal.length, 5);
  assertMatch(terminal[1]!, /^\r\[#+\.+\] {2}50 % {2}2\/4 tiles {2}\d+\.\d s left/);
  assert(terminal.every((text) => text.startsWith("\r") && !text.includes("\n")));
  assertEquals(terminal.at(-1), "\r\x1b[K");

  const lines: string[] = [];
  const plain = new Progress(100, "tiles", { write: (text: string) => lines.push(text) });
  for (let i = 0; i < 100; i++) plain.step();
  plain.finish();
  assertEquals(lines.length, 10);
  assertMatch(lines[0]!, /^10\/100 tiles, \d+\.\d s left\n$/);
});

test("profile: launches of one kind are summed, slowest first", () => {
  const table = profileTable([
    { label: "a", program: "p", nanoseconds: 1e6 },
    { label: "b", program: "q", nanoseconds: 5e6 },
    { label: "a", program: "p", nanoseconds: 2e6 },
  ]).split("\n");
  assertEquals(table.length, 4);
  assertMatch(table[1]!, /^b +q +1 +5\.00 +62\.5$/);
  assertMatch(table[2]!, /^a +p +2 +3\.00 +37\.5$/);
  assertMatch(table[3]!, /^all +3 +8\.00 +100\.0$/);
  assertMatch(profileTable([{ label: "a", program: "p", nanoseconds: null }]), /no timestamps/);
});
