// A random table of windows and shapes, each read as a convolution and as a transposed one, and how results of either are
// compared with the oracle.

import { assert, assertEquals } from "@std/assert";
import { type Layout, type Tensor, tensor } from "../../mod.ts";
import { type Reference, size } from "../reference/array.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";

const LAYOUTS: readonly (readonly [Layout, Layout])[] = [
  ["NCW", "NWC"],
  ["NCHW", "NHWC"],
  ["NCDHW", "NDHWC"],
];
const CHANNELS = [1, 4, 12, 13, 15, 16];

/** What kernels are specialized for. */
export interface Window {
  readonly kernel: number[];
  readonly strides: number[];
  readonly dilation: number[];
  readonly before: number[];
  readonly after: number[];
}

/** One row: the same three tensors serve both operators. */
export interface Row extends Window {
  readonly layout: Layout;
  readonly groups: number;
  /** Shapes in the layout: of the large image, the weight and the small image. */
  readonly large: number[];
  readonly weight: number[];
  readonly small: number[];
  readonly outputPadding: number[];
}

function drawWindow(random: Random, rank: number): Window {
  const draw = (low: number, high: number) =>
    Array.from({ length: rank }, () => random.integer(low, high));
  const before = draw(0, 2);
  return {
    kernel: draw(1, rank === 3 ? 3 : 5),
    strides: draw(1, 3),
    dilation: draw(1, 2),
    before,
    after: random.integer(0, 1) === 0 ? before : draw(0, 2),
  };
}

function drawRow(random: Random, window: Window): Row {
  const { kernel, strides, dilation, before, after } = window;
  const rank = kernel.length;
  const first = CHANNELS[random.integer(0, 5)]!;
  const second = CHANNELS[random.integer(0, 5)]!;
  const shared = [2, 3, 4, 5, 12, 13].filter((each) => first % each === 0 && second % each === 0);
  const groups = random.integer(0, 2) === 0 && shared.length > 0 ? random.pick(shared) : 1;
  const outputPadding = strides.map((stride) => random.integer(0, stride - 1));
  const most = rank === 1 ? 11 : rank === 2 ? 4 : 2;
  const short = kernel.map((each, axis) => {
    // Enough that the large image is not empty.
    const reach = dilation[axis]! * (each - 1) + 1;
    const missing = before[axis]! + after[axis]! + 1 - reach - outputPadding[axis]!;
    return Math.max(1, Math.ceil(missing / strides[axis]!) + 1) + random.integer(0, most - 1);
  });
  const long = short.map((each, axis) =>
    strides[axis]! * (each - 1) + dilation[axis]! * (kernel[axis]! - 1) + 1 - before[axis]! -
    after[axis]! + outputPadding[axis]!
  );
  const layout = LAYOUTS[rank - 1]![random.integer(0, 1)]!;
  const arrange = (n: number, c: number, spatial: readonly number[]) =>
    layout.indexOf("C") === 1 ? [n, c, ...spatial] : [n, ...spatial, c];
  const batch = random.integer(1, 2);
  return {
    ...window,
    layout,
    groups,
    large: arrange(batch, first, long),
    weight: arrange(second, first / groups, kernel),
    small: arrange(batch, second, short),
    outputPadding,
  };
}

/** Rows that share windows, since every window costs a compilation. */
export function drawRows(rank: number, windows: number, each: number): Row[] {
  const random = new Random(100 + rank);
  return Array.from({ length: windows }, () => drawWindow(random, rank)).flatMap((window) =>
    Array.from({ length: each }, () => drawRow(random, window))
  );
}

/** Random values from -1 to 1. */
export function draw(random: Random, shape: readonly number[]): Reference & { data: Float32Array } {
  return { data: random.float32(size(shape)), shape };
}

/** A tensor with the values of an array. */
export const make = (x: Reference): Tensor => tensor(x.data as Float32Array, x.shape);

/** Options of the functions, and attributes of the oracle. */
export function settingsOf(row: Row) {
  const pairs = row.before.map((before, axis) => [before, row.after[axis]!] as const);
  const { strides, dilation, groups, layout } = row;
  return {
    options: { strides, dilation, groups, layout, padding: pairs },
    attributes: {
      stride: strides,
      dilation,
      groups,
      layout,
      padding: row.before,
      paddingAfter: row.after,
      size: row.large.filter((_, axis) => !"NC".includes(layout[axis]!)),
    },
  };
}

/** Compares within reliability.md section 3; `terms` is the length of the sums. */
export async function compare(
  found: Tensor | null,
  expected: Reference,
  label: string,
  terms: number,
): Promise<void> {
  assert(found !== null, label);
  assertEquals(found.shape, expected.shape, label);
  const atol = 2 ** -22 * Math.sqrt(terms) + 1e-6;
  assertClose(await found.data() as Float32Array, expected.data, { rtol: 1e-6, atol, label });
}
