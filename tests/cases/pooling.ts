// Random poolings: ncnn's channel set, odd sizes, every layout, rounding rule and divisor. Seeded, so that both runtimes
// and every run see the same cases.

import type { PoolingSettings } from "../../src/kernels/pooling.ts";
import type { Layout } from "../../src/kernels/pooling_problem.ts";
import type { PoolingAttributes } from "../reference/pooling.ts";
import { Random } from "../support/random.ts";

/** One pooling, as the planner and as the oracle know it. */
export interface PoolingCase {
  readonly settings: PoolingSettings;
  readonly attributes: PoolingAttributes;
  /** Distinct numbers that are exact in float16 as long as there are fewer than 4096. */
  readonly data: Float32Array<ArrayBuffer>;
  readonly label: string;
}

/** Layouts by number of spatial axes. */
export const LAYOUTS: readonly (readonly Layout[])[] = [
  [],
  ["NCW", "NWC"],
  ["NCHW", "NHWC"],
  ["NCDHW", "NDHWC"],
];
const CHANNELS = [1, 4, 12, 13, 15, 16];
const LARGEST = [0, 40, 13, 7];

function shapeOf(layout: Layout, batch: number, channels: number, spatial: readonly number[]) {
  return layout.endsWith("C") ? [batch, ...spatial, channels] : [batch, channels, ...spatial];
}

function makeCase(random: Random, settings: Omit<PoolingSettings, "input">, input: number[]) {
  const { layout, windows, type } = settings;
  const data = random.distinct(input.reduce((product, length) => product * length, 1));
  const attributes: PoolingAttributes = {
    type,
    layout,
    countIncludePad: settings.countIncludePad ?? true,
    propagate: settings.nanPolicy === "propagate",
    ...(windows.kind === "adaptive" ? { adaptive: windows.outputSize } : {}),
    ...(windows.kind === "sliding" ? windows : {}),
  };
  const label = JSON.stringify({ ...settings, input });
  return { settings: { ...settings, input }, attributes, data, label };
}

/**
 * Poolings with sliding, adaptive and global windows.
 *
 * @param seed The seed.
 * @param count How many.
 */
export function poolingCases(seed: number, count: number): PoolingCase[] {
  const random = new Random(seed);
  const cases: PoolingCase[] = [];
  while (cases.length < count) {
    const rank = random.integer(1, 3);
    const layout = random.pick(LAYOUTS[rank]!);
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    const spatial = axes.map(() => random.integer(1, LARGEST[rank]!));
    // The CPU kernel wants rows of whole vec4s.
    if (random.integer(0, 1) === 0) spatial[rank - 1] = 4 * random.integer(1, 5);
    const channels = random.pick(CHANNELS);
    const batch = random.integer(1, channels > 4 ? 1 : 3);
    const type = random.pick(["max", "avg"] as const);
    const countIncludePad = random.integer(0, 2) > 0;
    const input = shapeOf(layout, batch, channels, spatial);
    const kind = random.integer(0, 7);
    if (kind === 0) {
      const windows = { kind: "global" } as const;
      cases.push(makeCase(random, { type, layout, windows, countIncludePad }, input));
      continue;
    }
    if (kind === 1) {
      const outputSize = axes.map(() => random.integer(1, 6));
      const windows = { kind: "adaptive", outputSize } as const;
      cases.push(makeCase(random, { type, layout, windows, countIncludePad }, input));
      continue;
    }
    const kernel = axes.map((axis) => random.integer(1, Math.min(5, spatial[axis]! + 1)));
    const stride = axes.map(() => random.integer(1, 4));
    const padding = axes.map((axis) => random.integer(0, kernel[axis]! - 1));
    const paddingAfter = random.integer(0, 2) === 0
      ? axes.map((axis) => random.integer(0, kernel[axis]! - 1))
      : padding;
    const fits = axes.every((axis) =>
      kernel[axis]! <= spatial[axis]! + padding[axis]! + paddingAfter[axis]!
    );
    if (!fits) continue;
    const convention = random.pick(["valid", "full", "clip"] as const);
    const windows = { kind: "sliding", kernel, stride, padding, paddingAfter, convention } as const;
    const nanPolicy = random.integer(0, 4) === 0 ? "propagate" as const : "skip" as const;
    cases.push(makeCase(random, { type, layout, windows, countIncludePad, nanPolicy }, input));
  }
  return cases;
}

/** Maxima over wide rows, with NaN, infinities and windows beyond the input: what the kernels for wide rows take. */
export function wideMaxPoolings(seed: number): PoolingCase[] {
  const random = new Random(seed);
  const rows: readonly (readonly [number[], number[], number[], number[], "valid" | "full"])[] = [
    [[1, 2, 12, 24], [3, 3], [1, 1], [1, 1], "valid"],
    [[2, 2, 11, 72], [3, 3], [2, 2], [1, 1], "full"],
    [[1, 1, 9, 136], [3, 3], [2, 2], [1, 1], "valid"],
    [[1, 2, 8, 80], [3, 3], [1, 1], [1, 1], "valid"],
    [[1, 2, 6, 36], [1, 5], [1, 1], [0, 0], "valid"],
    [[1, 2, 10, 48], [3, 3], [2, 2], [1, 1], "valid"],
  ];
  return rows.map(([input, kernel, stride, padding, convention]) => {
    const windows = { kind: "sliding", kernel, stride, padding, convention } as const;
    const each = makeCase(random, { type: "max", layout: "NCHW", windows }, input);
    [NaN, -Infinity, Infinity, -3.4028234663852886e38].forEach((value, at) =>
      each.data.fill(value, 40 + 16 * at, 44 + 16 * at)
    );
    return each;
  });
}

/** Poolings of wide rows and of planes, with several paddings and strides: what gradients' kernels for CPU devices take. */
export function widePoolings(seed: number): PoolingCase[] {
  const random = new Random(seed);
  const rows: readonly (readonly [number[], number[], number[], number[], "valid" | "full"])[] = [
    [[1, 2, 11, 24], [3, 3], [2, 2], [1, 1], "valid"],
    [[2, 1, 9, 16], [3, 3], [1, 1], [0, 2], "full"],
    [[1, 1, 10, 40], [2, 5], [3, 2], [1, 2], "full"],
    [[1, 2, 5, 7, 16], [2, 2, 2], [2, 2, 2], [0, 0, 0], "valid"],
    [[1, 2, 6, 6, 8], [3, 2, 1], [2, 1, 2], [2, 1, 0], "valid"],
    [[2, 1, 64], [4], [2], [1], "valid"],
  ];
  const sliding = rows.flatMap(([input, kernel, stride, padding, convention]) =>
    (["max", "avg"] as const).map((type) => {
      const windows = { kind: "sliding", kernel, stride, padding, convention } as const;
      const layout = ([, , , "NCW", "NCHW", "NCDHW"] as const)[input.length]!;
      return makeCase(random, { type, layout, windows }, input);
    })
  );
  const planes = [[2, 3, 3, 3], [4, 2, 7, 7], [2, 2, 4, 4]].flatMap((input) =>
    (["max", "avg"] as const).map((type) =>
      makeCase(random, { type, layout: "NCHW", windows: { kind: "global" } }, input)
    )
  );
  for (const { settings, data } of planes) if (settings.type === "max") data.fill(NaN, 0, 9);
  return [...sliding, ...planes];
}
