// Convolutions to run without a GPU: small, odd, in every layout, of every kind that some kernel is made for.

import type { ConvolutionSettings, Layout } from "../../src/kernels/convolution.ts";
import { type Reference, size } from "../reference/array.ts";
import type { Random } from "../support/random.ts";

/** Settings with all lists given. */
export interface DrawnConvolution extends ConvolutionSettings {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly hasBias: boolean;
}

/** An oracle's array whose contents can be bound. */
export type Values = Reference & { readonly data: Float32Array<ArrayBuffer> };

const CHANNELS = [1, 4, 12, 13, 15, 16];
const FIRST: readonly Layout[] = ["NCHW", "NCHW", "NCW", "NCDHW"];
const LAYOUTS: readonly Layout[] = [...FIRST, ...FIRST, "NWC", "NHWC", "NDHWC"];

/** Small integers: sums are exact in any order. */
export function drawValues(random: Random, shape: readonly number[]): Values {
  const data = Float32Array.from({ length: size(shape) }, () => random.integer(-4, 4));
  return { data, shape };
}

/** A shape in a layout, from batch, channels and sizes. */
export function arrange(layout: string, sizes: readonly number[]): number[] {
  const [n, c, ...space] = sizes as [number, number, ...number[]];
  return layout.endsWith("C") ? [n, ...space, c] : [n, c, ...space];
}

/** Batch, channels and sizes of a shape in a layout. */
export function sizesOf(layout: string, shape: readonly number[]): number[] {
  return layout.endsWith("C") ? [shape[0]!, shape.at(-1)!, ...shape.slice(1, -1)] : [...shape];
}

/** Draws a convolution: dense, grouped or depthwise. */
export function drawConvolution(random: Random): DrawnConvolution {
  const layout = random.pick(LAYOUTS);
  const rank = layout.length - 2;
  const axes = (low: number, high: number): number[] =>
    Array.from({ length: rank }, () => random.integer(low, high));
  const kind = random.pick(["dense", "dense", "grouped", "depthwise", "multiple"]);
  let [groups, channels, filters] = [1, random.pick(CHANNELS), random.pick([1, 2, ...CHANNELS])];
  if (kind === "grouped") {
    [groups, channels, filters] = [
      random.integer(2, 3),
      random.pick([1, 4, 5]),
      random.pick([1, 4, 8]),
    ];
  } else if (kind === "depthwise") [groups, channels, filters] = [random.pick(CHANNELS), 1, 1];
  else if (kind === "multiple") {
    [groups, channels, filters] = [random.integer(1, 3), 1, random.pick([2, 4, 8])];
  }
  const dilation = random.pick([axes(1, 1), axes(1, 1), axes(1, 2)]);
  const stride = random.pick([axes(1, 1), axes(1, 1), axes(1, 3), axes(2, 2)]);
  const side = random.pick([1, 3, 3, 5]);
  const kernel = random.pick([axes(side, side), axes(1, 3)]);
  const same = kernel.map((each, axis) => (each - 1) * dilation[axis]! >> 1);
  const padding = random.pick([same, axes(0, 2)]);
  const space = axes(3, [20, 9, 4][rank - 1]!);
  space[rank - 1] = random.pick([4, 7, 8, 12, 13, 16, 20]);
  const input = space.map((each, axis) =>
    Math.max(each, dilation[axis]! * (kernel[axis]! - 1) + 1)
  );
  return {
    layout,
    input: arrange(layout, [random.integer(1, 2), channels * groups, ...input]),
    weight: arrange(layout, [filters * groups, channels, ...kernel]),
    stride,
    padding,
    dilation,
    groups,
    hasBias: random.integer(0, 1) === 1,
  };
}
