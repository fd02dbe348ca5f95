// The pooling oracle itself: check vectors of the specification, and its gradients by numeric differentiation.

import { assert, assertEquals } from "@std/assert";
import { poolingCases } from "../cases/pooling.ts";
import { build, type Reference, size } from "../reference/array.ts";
import * as oracle from "../reference/pooling.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";

function row(...data: number[]): Reference {
  return { data, shape: [1, 1, data.length] };
}

const LOWEST = -3.4028234663852886e38;

test("the pooling oracle gives the specification's check vectors", () => {
  const ceil = { type: "avg", kernel: [3], stride: [2], padding: [1], convention: "full" } as const;
  const ones = row(1, 1, 1, 1, 1, 1);
  assertClose(oracle.pooling(ones, ceil).data, [2 / 3, 1, 1, 1 / 2], { rtol: 0, atol: 1e-15 });
  const inside = oracle.pooling(ones, { ...ceil, countIncludePad: false });
  assertEquals([...Array.from(inside.data)], [1, 1, 1, 1]);
  const empty = { type: "avg", kernel: [1], stride: [2], convention: "full" } as const;
  assertEquals([...Array.from(oracle.pooling(row(1, 1), empty).data)], [1, 0]);
  const lowest = oracle.pooling(row(1, 1), { ...empty, type: "max" });
  assertEquals([...Array.from(lowest.data)], [1, LOWEST]);
  const nine = row(2.0903, 4.6493, 1.632, -3.2051, 4.6975, 4.7296, 3.3653, -1.5815, -2.3832);
  const wide = { type: "avg", kernel: [7], stride: [3], padding: [3], convention: "full" } as const;
  assertClose(oracle.pooling(nine, wide).data, [0.7380714, 2.5655571, 0.8032286, -0.0999], {
    rtol: 0,
    atol: 1e-6,
  });
  const image = build([1, 1, 10, 10], () => 0);
  const threes = { type: "max", kernel: [3, 3], stride: [3, 3] } as const;
  assertEquals(oracle.pooling(image, { ...threes, convention: "full" }).shape, [1, 1, 4, 4]);
  assertEquals(oracle.pooling(image, threes).shape, [1, 1, 3, 3]);
  const tie = oracle.poolingGradient(row(1, 1, 0), row(1), { type: "max", kernel: [3] });
  assertEquals([...Array.from(tie.data)], [1, 0, 0]);
});

test("the pooling oracle treats NaN, infinity and the lowest number as specified", () => {
  const pool = { type: "max", kernel: [2], stride: [2] } as const;
  const x = row(NaN, 1, -Infinity, -Infinity, NaN, NaN, LOWEST, -Infinity);
  assertEquals([...Array.from(oracle.pooling(x, pool).data)], [1, LOWEST, LOWEST, LOWEST]);
  assertEquals([...Array.from(oracle.poolingPlaces(x, pool).data)], [1, -1, -1, 6]);
  const pass = { ...pool, propagate: true };
  assertEquals([...Array.from(oracle.pooling(x, pass).data)], [NaN, -Infinity, NaN, LOWEST]);
  assertEquals([...Array.from(oracle.poolingPlaces(x, pass).data)], [0, 2, 4, 6]);
});

test("the pooling oracle clips as PyTorch does", () => {
  // torch.nn.MaxPool1d(2, 3, 1, ceil_mode=True): 2 windows on 5 elements, as the third would start behind them.
  const attributes = { type: "max", kernel: [2], stride: [3], padding: [1] } as const;
  const windows = (count: number, convention: "full" | "clip"): number =>
    oracle.pooling(build([1, 1, count], () => 0), { ...attributes, convention }).shape[2]!;
  assertEquals([4, 5, 6].map((count) => windows(count, "full")), [3, 3, 3]);
  assertEquals([4, 5, 6].map((count) => windows(count, "clip")), [2, 2, 3]);
});

test("gradients of the pooling oracle are the derivatives of its results", () => {
  const random = new Random(11);
  let checked = 0;
  for (const { attributes, settings, label } of poolingCases(12, 60)) {
    const count = size(settings.input);
    if (count > 600) continue;
    const x = { data: Float64Array.from(random.distinct(count)), shape: settings.input };
    const y = oracle.pooling(x, attributes);
    const head = { data: random.float32(y.data.length), shape: y.shape };
    const gradient = oracle.poolingGradient(x, head, attributes);
    const value = (data: Float64Array): number => {
      const { data: out } = oracle.pooling({ data, shape: x.shape }, attributes);
      let sum = 0;
      for (let i = 0; i < out.length; i++) {
        if (out[i] !== LOWEST) sum += out[i]! * head.data[i]!;
      }
      return sum;
    };
    // The elements of distinct() are 1/64 apart: no maximum changes its place.
    const step = 1e-3;
    for (let trial = 0; trial < 6; trial++) {
      const at = random.integer(0, count - 1);
      const [up, down] = [Float64Array.from(x.data), Float64Array.from(x.data)];
      up[at]! += step;
      down[at]! -= step;
      const numeric = (value(up) - value(down)) / (2 * step);
      assertClose([gradient.data[at]!], [numeric], { rtol: 1e-6, atol: 1e-9, label });
    }
    checked++;
  }
  assert(checked >= 20, `only ${checked} cases`);
});

test("gradients of the unpooling oracle are the derivatives of its results", () => {
  const random = new Random(13);
  for (let trial = 0; trial < 20; trial++) {
    const layout = random.pick(["NCHW", "NHWC"]);
    const [windows, planes] = [[2, 3], [3, 4]];
    const shape = layout === "NCHW" ? [2, 2, ...windows] : [2, ...windows, 2];
    const places = build(shape, () => random.integer(-1, 12));
    const values = build(shape, () => random.uniform(-1, 1));
    const y = oracle.maxUnpool(values, places, planes, layout);
    const head = { data: random.float32(y.data.length), shape: y.shape };
    const gradient = oracle.maxUnpoolGradient(head, places, planes, layout);
    for (let at = 0; at < values.data.length; at++) {
      const moved = Float64Array.from(values.data);
      moved[at]! += 1;
      const next = oracle.maxUnpool({ data: moved, shape }, places, planes, layout);
      let difference = 0;
      for (let i = 0; i < y.data.length; i++) {
        difference += (next.data[i]! - y.data[i]!) * head.data[i]!;
      }
      assertClose([gradient.data[at]!], [difference], { rtol: 1e-9, atol: 1e-9 });
    }
  }
});
