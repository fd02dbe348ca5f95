// Attribute table of Convolution: one to three spatial axes, all layouts, groups, dilation, padding,
// and the fused epilogue.

import type { Tensor } from "../../src/tensor/mod.ts";
import { convolution, type ConvolutionOptions, type Layout } from "../../src/ops/index.ts";
import { activation } from "../reference/activation.ts";
import type { Reference } from "../reference/array.ts";
import { convolution as reference } from "../reference/convolution.ts";
import { binary } from "../reference/elementwise.ts";
import { pixelShuffle } from "../reference/pixel_shuffle.ts";
import type { OperatorCase } from "./case.ts";

/** One convolution; sizes by letter, so that one row serves every layout. */
interface Row {
  readonly batch?: number;
  readonly channels: number;
  readonly filters: number;
  readonly size: readonly number[];
  readonly kernel: readonly number[];
  readonly strides?: readonly number[];
  /** One number for each axis, or pairs of before and after. */
  readonly padding?: readonly (number | readonly [number, number])[];
  readonly dilation?: readonly number[];
  readonly groups?: number;
  readonly bias?: boolean;
  readonly activation?: NonNullable<ConvolutionOptions["activation"]>;
  readonly slope?: number;
  readonly residual?: "before" | "after";
  readonly pixelShuffle?: readonly number[];
}

const ROWS: readonly Row[] = [
  // One spatial axis.
  { channels: 1, filters: 1, size: [1], kernel: [1] },
  { channels: 3, filters: 5, size: [11], kernel: [3], bias: true },
  { channels: 4, filters: 6, size: [17], kernel: [4], strides: [3], padding: [2], bias: true },
  { channels: 6, filters: 6, size: [19], kernel: [3], dilation: [4], groups: 3 },
  // Two: kernels, strides, padding, dilation.
  { channels: 3, filters: 8, size: [7, 9], kernel: [1, 1], bias: true },
  { channels: 16, filters: 16, size: [8, 8], kernel: [1, 1] },
  { channels: 3, filters: 4, size: [8, 8], kernel: [3, 3], padding: [1, 1], bias: true },
  { batch: 3, channels: 5, filters: 7, size: [5, 7], kernel: [3, 3], padding: [1, 1] },
  { channels: 8, filters: 16, size: [9, 9], kernel: [3, 3], strides: [2, 2], padding: [1, 1] },
  { channels: 3, filters: 6, size: [15, 13], kernel: [7, 7], strides: [2, 2], padding: [3, 3] },
  { channels: 2, filters: 3, size: [9, 12], kernel: [2, 5], strides: [1, 3], padding: [0, 2] },
  { channels: 2, filters: 3, size: [11, 12], kernel: [3, 2], dilation: [2, 3], padding: [2, 1] },
  { channels: 2, filters: 2, size: [4, 4], kernel: [4, 4] },
  { channels: 2, filters: 2, size: [2, 2], kernel: [4, 4], padding: [3, 3] },
  { channels: 2, filters: 3, size: [5, 6], kernel: [3, 4], padding: [[1, 0], [0, 2]] },
  { channels: 2, filters: 3, size: [5, 6], kernel: [2, 2], padding: [[0, 1], [1, 0]], bias: true },
  { batch: 0, channels: 2, filters: 3, size: [5, 6], kernel: [3, 3] },
  { channels: 32, filters: 33, size: [6, 6], kernel: [3, 3], padding: [1, 1], bias: true },
  { channels: 64, filters: 1, size: [4, 5], kernel: [3, 3], padding: [1, 1] },
  { channels: 1, filters: 64, size: [5, 5], kernel: [5, 5], padding: [2, 2], bias: true },
  // Groups and depthwise.
  { channels: 4, filters: 8, size: [6, 6], kernel: [3, 3], groups: 2, padding: [1, 1] },
  { channels: 6, filters: 6, size: [6, 6], kernel: [3, 3], groups: 6, padding: [1, 1], bias: true },
  { channels: 4, filters: 12, size: [7, 7], kernel: [3, 3], groups: 4, strides: [2, 2] },
  { channels: 9, filters: 6, size: [5, 5], kernel: [1, 1], groups: 3, bias: true },
  // Three spatial axes.
  { channels: 2, filters: 3, size: [4, 5, 6], kernel: [2, 3, 3], padding: [1, 1, 1], bias: true },
  {
    channels: 4,
    filters: 4,
    size: [5, 5, 5],
    kernel: [3, 3, 3],
    strides: [2, 1, 2],
    dilation: [1, 2, 1],
    groups: 2,
  },
];

const FUSED: readonly Row[] = [
  ...(["relu", "sigmoid", "tanh", "softrelu", "softsign", "log_sigmoid", "mish", "leaky"] as const)
    .map((name): Row => ({
      channels: 3,
      filters: 4,
      size: [6, 7],
      kernel: [3, 3],
      padding: [1, 1],
      bias: true,
      activation: name,
    })),
  { channels: 3, filters: 4, size: [6], kernel: [3], activation: "leaky", slope: 0.5 },
  { channels: 4, filters: 4, size: [6, 6], kernel: [3, 3], padding: [1, 1], residual: "before" },
  {
    channels: 4,
    filters: 4,
    size: [6, 6],
    kernel: [3, 3],
    padding: [1, 1],
    bias: true,
    residual: "before",
    activation: "relu",
  },
  {
    channels: 4,
    filters: 4,
    size: [6, 6],
    kernel: [3, 3],
    padding: [1, 1],
    residual: "after",
    activation: "relu",
  },
  { channels: 4, filters: 12, size: [3, 4], kernel: [1, 1], pixelShuffle: [2, 2], bias: true },
  { channels: 3, filters: 6, size: [5], kernel: [3], padding: [1], pixelShuffle: [3] },
  {
    channels: 2,
    filters: 12,
    size: [2, 3, 2],
    kernel: [1, 1, 1],
    pixelShuffle: [2, 3, 2],
    activation: "tanh",
  },
  {
    channels: 3,
    filters: 12,
    size: [4, 5],
    kernel: [3, 3],
    padding: [1, 1],
    pixelShuffle: [2, 2],
    residual: "before",
    activation: "relu",
    bias: true,
  },
];

const LAYOUTS: readonly (readonly [first: Layout, last: Layout])[] = [
  ["NCW", "NWC"],
  ["NCHW", "NHWC"],
  ["NCDHW", "NDHWC"],
];

function arrange(first: readonly number[], layout: Layout): number[] {
  return layout.indexOf("C") === 1 ? [...first] : [first[0]!, ...first.slice(2), first[1]!];
}

function makeCase(row: Row, layout: Layout): OperatorCase {
  const { batch = 1, channels, filters, size, kernel, groups = 1, residual } = row;
  const pads = (row.padding ?? size.map(() => 0)).map((entry) =>
    typeof entry === "number" ? [entry, entry] as const : entry
  );
  const strides = row.strides ?? size.map(() => 1);
  const dilation = row.dilation ?? size.map(() => 1);
  const factors = row.pixelShuffle ?? size.map(() => 1);
  const result = size.map((each, axis) => {
    const [before, after] = pads[axis]!;
    const reach = dilation[axis]! * (kernel[axis]! - 1) + 1;
    return Math.floor((each + before + after - reach) / strides[axis]!) + 1;
  });
  const product = factors.reduce((all, factor) => all * factor, 1);
  const stored = [
    batch,
    filters / product,
    ...result.map((each, axis) => each * factors[axis]!),
  ];
  const inputs = [
    { shape: arrange([batch, channels, ...size], layout) },
    { shape: arrange([filters, channels / groups, ...kernel], layout) },
    ...(row.bias ? [{ shape: [filters] }] : []),
    ...(residual ? [{ shape: arrange(stored, layout) }] : []),
  ];
  const options = (tensors: readonly Tensor[]): ConvolutionOptions => ({
    strides,
    dilation,
    padding: row.padding ?? 0,
    groups,
    layout,
    activation: row.activation ?? null,
    ...(row.slope === undefined ? {} : { slope: row.slope }),
    residual: residual ? tensors.at(-1)! : null,
    residualAfterActivation: residual === "after",
    pixelShuffle: row.pixelShuffle ?? null,
  });
  const depth = channels / groups * kernel.reduce((all, each) => all * each, 1);
  return {
    name: `${layout} ${JSON.stringify(row)}`,
    inputs,
    run: (tensors) =>
      convolution(tensors[0]!, tensors[1]!, row.bias ? tensors[2]! : null, options(tensors)),
    expected: (arrays) => {
      const toFirst = layout.indexOf("C") === 1 ? (x: Reference) => x : channelsFirst;
      let y = reference(toFirst(arrays[0]!), toFirst(arrays[1]!), row.bias ? arrays[2]! : null, {
        stride: strides,
        padding: pads.map(([before]) => before),
        paddingAfter: pads.map(([, after]) => after),
        dilation,
        groups,
      });
      if (row.pixelShuffle) y = pixelShuffle(y, row.pixelShuffle);
      if (residual === "before") y = binary(y, toFirst(arrays.at(-1)!), "add");
      if (row.activation) y = activation(y, row.activation, row.slope ?? 0.25);
      if (residual === "after") y = binary(y, toFirst(arrays.at(-1)!), "add");
      return layout.indexOf("C") === 1 ? y : channelsLast(y);
    },
    // reliability.md section 3: 2^-22 sqrt(K) + 1e-6 for data within [-1, 1].
    tolerance: { rtol: 1e-6, atol: 2 ** -21 * Math.sqrt(depth) + 1e-6 },
  };
}

function permute(x: Reference, shape: readonly number[], from: (place: number) => number) {
  return {
    shape,
    data: Float64Array.from({ length: x.data.length }, (_, at) => x.data[from(at)]!),
  };
}

function channelsFirst(x: Reference): Reference {
  const [batch, ...rest] = x.shape as [number, ...number[]];
  const channels = rest.at(-1)!;
  const pixels = rest.slice(0, -1).reduce((all, each) => all * each, 1);
  return permute(x, [batch, channels, ...rest.slice(0, -1)], (at) => {
    const [n, c, p] = split(at, channels, pixels);
    return (n * pixels + p) * channels + c;
  });
}

function channelsLast(x: Reference): Reference {
  const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
  const pixels = spatial.reduce((all, each) => all * each, 1);
  return permute(x, [batch, ...spatial, channels], (at) => {
    const [n, p, c] = split(at, pixels, channels);
    return (n * channels + c) * pixels + p;
  });
}

function split(at: number, middle: number, inner: number): [number, number, number] {
  return [Math.floor(at / (middle * inner)), Math.floor(at / inner) % middle, at % inner];
}

/** Every row in channel-first and channel-last layout. */
export const convolutionCases: readonly OperatorCase[] = [...ROWS, ...FUSED].flatMap((row) =>
  LAYOUTS[row.size.length - 1]!.map((layout) => makeCase(row, layout))
);
