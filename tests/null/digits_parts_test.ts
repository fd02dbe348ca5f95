/** The parts of the digits example that need no device. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { decode } from "fast-png";
import { RandomStream } from "../../mod.ts";
import { drawConfusion } from "../../examples/digits/confusion.ts";
import { drawCurve, smoothed } from "../../examples/digits/curve.ts";
import { type Digits, shifted, SIDE, split, take } from "../../examples/digits/data.ts";
import { shuffled } from "../../examples/digits/train.ts";
import { test } from "../support/test.ts";

const PIXELS = SIDE * SIDE;

/** Images whose pixels are all `value`. */
function images(...values: number[]): Float32Array[] {
  return values.map((value) => new Float32Array(PIXELS).fill(value));
}

test("split() trains with the first four fifths of each digit, the digits in turns", () => {
  const { train, test: others } = split([
    images(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    images(10, 11, 12, 13, 14),
  ]);
  assertEquals([...train.labels], [0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0]);
  const first = Array.from({ length: train.count }, (_, at) => train.pixels[at * PIXELS]);
  assertEquals(first, [0, 10, 1, 11, 2, 12, 3, 13, 4, 5, 6, 7]);
  assertEquals([...others.labels], [0, 1, 0]);
  assertEquals([others.pixels[0], others.pixels[PIXELS], others.pixels[2 * PIXELS]], [8, 14, 9]);
});

test("take() keeps images and labels together", () => {
  const { train } = split([images(1, 2, 3, 4, 5), images(6, 7, 8, 9, 10)]);
  const some = take(train, [3, 0]);
  assertEquals([some.count, ...some.labels], [2, 1, 0]);
  assertEquals([some.pixels[0], some.pixels[PIXELS]], [7, 1]);
});

test("shuffled() has every index once, and the same order for the same seed", () => {
  const order = shuffled(500, new RandomStream(3));
  assertEquals([...order].sort((a, b) => a - b), Array.from({ length: 500 }, (_, at) => at));
  assertEquals(order, shuffled(500, new RandomStream(3)));
  assert(order.some((value, at) => value !== at));
});

test("shifted() moves images without changing what stays inside", () => {
  const pixels = new Float32Array(PIXELS);
  pixels[14 * SIDE + 14] = 1;
  const digits: Digits = { count: 1, pixels, labels: new Int32Array([7]) };
  const places = new Set<number>();
  const random = new RandomStream(1);
  for (let i = 0; i < 200; i++) {
    const moved = shifted(digits, 1, random);
    assertEquals(moved.pixels.reduce((sum, value) => sum + value, 0), 1);
    const at = moved.pixels.indexOf(1);
    assert(Math.abs(Math.floor(at / SIDE) - 14) <= 1 && Math.abs(at % SIDE - 14) <= 1);
    places.add(at);
  }
  assertEquals(places.size, 9);
});

test("drawCurve() draws every batch and every epoch", () => {
  const losses = [2.3, 1.2, 0.7, 0.4];
  const svg = drawCurve({ title: "a < b", losses, accuracies: [0.9, 0.95] });
  assertMatch(svg, /^<svg [^>]+>[\s\S]+<\/svg>\n$/);
  assertEquals(svg.match(/<polyline/g)?.length, 2);
  const points = /points="([^"]+)"/.exec(svg)![1]!.split(" ");
  assertEquals(points.length, losses.length);
  assert(svg.includes("a &#60; b") && svg.includes("90.0 %") && svg.includes("95.0 %"));
  assertEquals(smoothed([3, 3, 3]).map((value) => value.toFixed(6)), Array(3).fill("3.000000"));
});

test("drawConfusion() draws a PNG with one cell for each pair", () => {
  const confusion = Array.from({ length: 10 }, (_, digit) => {
    return Uint32Array.from({ length: 10 }, (_, answer) => (answer === digit ? 200 : 1));
  });
  const { width, height, data } = decode(drawConfusion(confusion));
  assertEquals([width, height], [396, 396]);
  const color = (
    x: number,
    y: number,
  ) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
  const [right, wrong] = [color(40, 40), color(76, 40)];
  assert(right[1]! > right[0]!, "right answers are green");
  assert(wrong[0]! > wrong[1]!, "wrong answers are red");
});
