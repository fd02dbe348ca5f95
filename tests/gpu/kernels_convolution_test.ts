// Convolution kernels against the float64 oracle, and every variant against the same oracle where it can run.

import { assert, assertEquals } from "@std/assert";
import {
  CONVOLUTION_VARIANTS,
  convolutionOutputShape,
  type ConvolutionSettings,
  type Layout,
  planConvolution,
} from "../../src/kernels/convolution.ts";
import type { Device } from "../../src/device/device.ts";
import { activation } from "../reference/activation.ts";
import { type Reference, size } from "../reference/array.ts";
import { FORGED } from "../reference/capabilities.ts";
import { convolution } from "../reference/convolution.ts";
import { pixelShuffle } from "../reference/movement.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { bytesOf, runPlan, sharedDevice } from "./kernels_run.ts";
import { planVariant, testVariants } from "./variants_support.ts";

interface Case {
  readonly label: string;
  readonly settings: ConvolutionSettings;
}

/** A case from channel-first sizes: [N, C, spatial…] and [O, kernel…]. */
function make(
  layout: Layout,
  input: readonly number[],
  weight: readonly number[],
  more: Partial<ConvolutionSettings> = {},
): Case {
  const groups = more.groups ?? 1;
  const arrange = (sizes: readonly number[], order: string): number[] => {
    const first = order.length === 3 ? "NCW" : order.length === 4 ? "NCHW" : "NCDHW";
    return [...order].map((letter) => sizes[first.indexOf(letter)]!);
  };
  const settings = {
    layout,
    input: arrange(input, layout),
    weight: arrange(
      [weight[0]!, input[1]! / groups, ...weight.slice(1)],
      more.weightLayout ?? layout,
    ),
    ...more,
  };
  return { label: `${layout} ${input} * ${weight} ${JSON.stringify(more)}`, settings };
}

const relu = { name: "relu" } as const;

const CASES: readonly Case[] = [
  make("NCHW", [2, 12, 5, 8], [16, 3, 3], { padding: [1, 1], groups: 2, hasBias: true }),
  make("NCHW", [1, 13, 6, 12], [12, 2, 5], { padding: [1, 3], stride: [2, 1], shuffle: [2, 2] }),
  make("NCHW", [2, 8, 9, 8], [16, 3, 3], { groups: 8, padding: [2, 1], dilation: [2, 1] }),
  make("NCHW", [1, 1, 5, 7], [1, 3, 3]),
  make("NCHW", [2, 4, 9, 11], [13, 3, 3], { padding: [1, 1], hasBias: true, activation: relu }),
  make("NCHW", [1, 12, 8, 8], [16, 1, 1], { hasBias: true }),
  make("NCHW", [3, 13, 7, 9], [15, 3, 2], { stride: [2, 3], padding: [2, 0], dilation: [1, 2] }),
  make("NCHW", [1, 16, 6, 6], [4, 5, 5], { padding: [2, 2], paddingAfter: [3, 1], hasBias: true }),
  make("NCHW", [2, 12, 7, 7], [12, 3, 3], { groups: 12, padding: [1, 1], hasBias: true }),
  make("NCHW", [2, 9, 10, 12], [9, 3, 3], { groups: 9, padding: [1, 1], residual: "before" }),
  make("NCHW", [2, 3, 14, 14], [6, 5, 5], { groups: 3, padding: [2, 2], hasBias: true }),
  make("NCHW", [2, 4, 14, 14], [8, 5, 3], { groups: 4, stride: [2, 2], padding: [2, 1] }),
  make("NCHW", [1, 5, 12, 13], [5, 3, 3], { groups: 5, padding: [1, 1], activation: relu }),
  make("NCHW", [2, 4, 8, 11], [8, 3, 3], { groups: 4, padding: [2, 2], dilation: [2, 2] }),
  make("NCHW", [1, 4, 16, 15], [4, 3, 4], { groups: 4, stride: [3, 3], paddingAfter: [2, 3] }),
  make("NCHW", [2, 3, 9, 20], [3, 1, 7], { groups: 3, padding: [0, 6], stride: [1, 2] }),
  make("NCHW", [2, 3, 14, 6], [6, 3, 3], { groups: 3, padding: [1, 1], residual: "before" }),
  make("NCHW", [1, 2, 7, 80], [4, 3, 3], { groups: 2, padding: [1, 1], activation: relu }),
  make("NCHW", [2, 3, 9, 32], [3, 3, 3], { groups: 3, stride: [2, 2], padding: [1, 1] }),
  make("NCHW", [1, 2, 5, 136], [2, 3, 3], { groups: 2, stride: [2, 2], padding: [1, 1] }),
  make("NCHW", [2, 3, 6, 24], [3, 1, 9], { groups: 3, hasBias: true }),
  make("NCHW", [1, 8, 6, 72], [16, 3, 3], { groups: 2, padding: [1, 1], residual: "after" }),
  make("NCHW", [2, 8, 6, 24], [8, 3, 3], { groups: 4, stride: [2, 2], padding: [1, 1] }),
  make("NCHW", [1, 4, 6, 8], [8, 2, 2], { groups: 4, shuffle: [2, 2], padding: [1, 0] }),
  make("NCHW", [1, 4, 13, 15], [8, 3, 3], { groups: 4, stride: [2, 2], padding: [1, 1] }),
  make("NCW", [2, 2, 64], [24, 5], { groups: 2, stride: [3], padding: [2], hasBias: true }),
  make("NCW", [2, 1, 92], [20, 10], { stride: [5], residual: "after", activation: relu }),
  make("NCW", [1, 1, 44], [8, 4], { stride: [2], hasBias: true }),
  make("NCW", [2, 6, 28], [6, 5], { groups: 6, padding: [4], dilation: [2], hasBias: true }),
  make("NCDHW", [1, 4, 4, 6, 8], [4, 2, 3, 3], { groups: 4, padding: [0, 1, 1] }),
  make("NCHW", [2, 9, 9, 72], [1, 5, 5], { padding: [2, 2], hasBias: true, residual: "before" }),
  make("NCHW", [2, 8, 5, 7], [6, 3, 3], { padding: [1, 1], hasBias: true }),
  make("NCW", [1, 8, 203], [5, 2], { padding: [1], residual: "before" }),
  make("NCHW", [1, 8, 7, 20], [3, 3, 3], { stride: [2, 1], padding: [1, 0], activation: relu }),
  make("NCDHW", [1, 5, 4, 6, 8], [4, 2, 3, 3], { stride: [2, 1, 2], padding: [1, 1, 1] }),
  make("NCHW", [1, 12, 9, 9], [16, 3, 3], { groups: 4, stride: [2, 2], padding: [1, 1] }),
  make("NCHW", [1, 8, 5, 6], [12, 3, 3], { padding: [1, 1], shuffle: [2, 3], hasBias: true }),
  make("NCHW", [2, 15, 6, 10], [13, 3, 3], {
    padding: [1, 1],
    hasBias: true,
    residual: "before",
    activation: relu,
  }),
  make("NCHW", [1, 16, 6, 6], [68, 1, 1], { hasBias: true, residual: "after", activation: relu }),
  make("NCHW", [1, 18, 50, 82], [150, 1, 1], { hasBias: true, residual: "before" }),
  make("NHWC", [2, 4, 9, 11], [13, 3, 3], { padding: [1, 1], hasBias: true }),
  make("NHWC", [1, 16, 8, 8], [16, 3, 3], { padding: [1, 1], hasBias: true, residual: "before" }),
  make("NHWC", [2, 16, 7, 5], [12, 1, 1], { groups: 2, hasBias: true, activation: relu }),
  make("NHWC", [1, 13, 6, 6], [15, 2, 2], { stride: [2, 1], outputLayout: "NCHW" }),
  make("NHWC", [1, 4, 6, 6], [8, 3, 3], { weightLayout: "NCHW", shuffle: [2, 2], padding: [1, 1] }),
  make("NCW", [2, 12, 33], [16, 4], { stride: [2], padding: [3], dilation: [2], hasBias: true }),
  make("NWC", [1, 4, 40], [4, 3], { groups: 4, padding: [1], shuffle: [2] }),
  make("NCDHW", [1, 4, 5, 6, 7], [13, 3, 2, 3], {
    stride: [2, 1, 2],
    padding: [1, 0, 1],
    dilation: [1, 2, 1],
    hasBias: true,
  }),
  make("NDHWC", [2, 4, 4, 4, 6], [8, 2, 2, 2], { groups: 2, shuffle: [2, 1, 2] }),
  make("NCHW", [2, 8, 5, 23], [32, 1, 1], { stride: [2, 3], hasBias: true, activation: relu }),
];

/** Activations other than relu, on one shape, so that each costs one pipeline of the direct kernel. */
const ACTIVATED = [
  "sigmoid",
  "tanh",
  "softrelu",
  "softsign",
  "log_sigmoid",
  "mish",
  "leaky",
] as const;

interface Prepared {
  readonly inputs: readonly (Uint8Array<ArrayBuffer> | null)[];
  readonly expected: Reference;
  readonly tolerance: number;
}

function prepare(settings: ConvolutionSettings, seed: number): Prepared {
  const random = new Random(seed);
  const draw = (
    shape: readonly number[],
  ): { data: Float32Array<ArrayBuffer>; shape: number[] } => ({
    data: random.float32(size(shape)),
    shape: [...shape],
  });
  const x = draw(settings.input);
  const k = draw(settings.weight);
  const filters = settings.weight[(settings.weightLayout ?? settings.layout).indexOf("N")]!;
  const b = settings.hasBias ? draw([filters]) : null;
  const layout = settings.outputLayout ?? settings.layout;
  let y = convolution(x, k, b, settings);
  if (settings.shuffle !== undefined) {
    // The shuffle of the oracle is channel-first: compute in that layout, then turn the result.
    const first = ["NCW", "NCHW", "NCDHW"][settings.shuffle.length - 1]!;
    y = pixelShuffle(convolution(x, k, b, { ...settings, outputLayout: first }), settings.shuffle);
    y = arrangeLike(y, first, layout);
  }
  const residual = settings.residual === undefined || settings.residual === "none"
    ? null
    : draw(y.shape);
  const add = (a: Reference): Reference => ({
    ...a,
    data: Float64Array.from(a.data, (each, at) => each + residual!.data[at]!),
  });
  if (settings.residual === "before") y = add(y);
  if (settings.activation !== undefined) y = activation(y, settings.activation.name);
  if (settings.residual === "after") y = add(y);
  const taps = size(settings.weight) / filters;
  return {
    inputs: [x, k, b, residual].map((each) => each === null ? null : bytesOf(each.data)),
    expected: y,
    tolerance: 2 ** -22 * Math.sqrt(taps) + 1e-6,
  };
}

function arrangeLike(y: Reference, from: string, to: string): Reference {
  const axes = [...to].map((letter) => from.indexOf(letter));
  const shape = axes.map((axis) => y.shape[axis]!);
  const strides = y.shape.map((_, axis) => size(y.shape.slice(axis + 1)));
  const data = new Float64Array(size(shape));
  for (let at = 0; at < data.length; at++) {
    let rest = at;
    let source = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += rest % shape[axis]! * strides[axes[axis]!]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    data[at] = y.data[source]!;
  }
  return { data, shape };
}

async function check(
  settings: ConvolutionSettings,
  label: string,
  variant?: string,
  forged: Partial<Device["capabilities"]> = {},
): Promise<boolean> {
  const device = await sharedDevice();
  const { inputs, expected, ...prepared } = prepare(settings, 7);
  assertEquals(convolutionOutputShape(settings), expected.shape, label);
  const capabilities = { ...device.capabilities, ...forged };
  const plan = planVariant(variant, () => planConvolution(capabilities, settings, variant));
  if (plan === undefined) return false;
  // Winograd rounds more: tests/gpu/kernels_convolution_winograd_test.ts measures how much.
  const tolerance = prepared.tolerance * (plan.label.includes("winograd") ? 16 : 1);
  const bytes = await runPlan(device, plan, inputs, expected.data.length * 4);
  const actual = new Float32Array(bytes.buffer, bytes.byteOffset, expected.data.length);
  for (let at = 0; at < actual.length; at++) {
    const wanted = expected.data[at]!;
    const error = Math.abs(actual[at]! - wanted);
    assert(
      error <= tolerance + 1e-6 * Math.abs(wanted),
      `${plan.label}: ${label}: element ${at} is ${actual[at]}, expected ${wanted} ` +
        `within ${tolerance}`,
    );
  }
  return true;
}

gpuTest("the chosen convolution kernel agrees with the oracle", async () => {
  for (const { label, settings } of CASES) await check(settings, label);
});

gpuTest("windows whose channels are shared out agree with the oracle", async () => {
  const large = { deviceClass: "discrete", processors: 132 } as const;
  const cases = [
    make("NCHW", [2, 40, 6, 9], [3, 3, 3], { padding: [1, 1], hasBias: true, activation: relu }),
    make("NHWC", [1, 44, 5, 7], [8, 3, 3], { groups: 2, stride: [2, 1], residual: "before" }),
  ];
  for (const { label, settings } of cases) {
    const plan = planConvolution({ ...FORGED.gpu, ...large }, settings, "window");
    assertEquals(plan.label, "Convolution/window_split");
    await check(settings, label, "window", large);
  }
});

testVariants(
  "convolution",
  CONVOLUTION_VARIANTS,
  CASES,
  10,
  ({ label, settings }, name) => check(settings, label, name),
);

gpuTest(
  "a pointwise kernel takes ragged channels, filters and runs in one pass or several",
  async () => {
    const device = await sharedDevice();
    if (device.capabilities.loadPath !== "texel" || device.capabilities.subgroupSize !== 8) return;
    const cases = [
      make("NCHW", [1, 16, 4, 8], [8, 1, 1]),
      make("NCHW", [2, 20, 4, 5], [9, 1, 1], {
        hasBias: true,
        residual: "before",
        activation: relu,
      }),
      make("NCHW", [3, 196, 2, 2], [5, 1, 1], { hasBias: true, residual: "after" }),
      make("NCHW", [2, 100, 3, 8], [20, 1, 1], {
        hasBias: true,
        residual: "after",
        shuffle: [2, 2],
      }),
    ];
    for (const { label, settings } of cases) assert(await check(settings, label, "cpu_pointwise"));
    const strided = make("NCHW", [2, 20, 3, 15], [9, 1, 1], { stride: [2, 2], residual: "before" });
    assert(await check(strided.settings, strided.label, "cpu_strided"));
    // Two passes; planes that are no whole vectors.
    const stationary = make("NCHW", [2, 100, 5, 5], [64, 1, 1], {
      stride: [1, 2],
      hasBias: true,
      residual: "after",
      activation: relu,
    });
    assert(await check(stationary.settings, stationary.label, "cpu_stationary"));
  },
);

/** One case for each variant that comes in several builds. */
const BUILT: readonly (readonly [string, Case])[] = [
  [
    "cpu",
    make("NHWC", [2, 5, 7, 9], [9, 3, 2], { padding: [1, 1], stride: [1, 2], hasBias: true }),
  ],
  ["cpu_row", make("NCHW", [1, 6, 5, 8], [9, 3, 3], { padding: [1, 1], residual: "before" })],
  ["cpu_depthwise", make("NCHW", [2, 6, 7, 7], [12, 3, 3], { groups: 6, hasBias: true })],
  ["cpu_depthwise", make("NCHW", [2, 6, 6, 10], [12, 3, 3], { groups: 6, padding: [1, 1] })],
  ["cpu_lanes", make("NCHW", [1, 4, 5, 24], [4, 3, 3], { groups: 4, padding: [1, 1] })],
  ["cpu_few", make("NCHW", [2, 8, 5, 12], [3, 3, 3], { padding: [1, 1], hasBias: true })],
  ["cpu_multiple", make("NCW", [2, 1, 92], [8, 10], { stride: [5], hasBias: true })],
  ["cpu_flat", make("NCHW", [1, 3, 6, 6], [3, 3, 3], { groups: 3, padding: [1, 1] })],
  ["cpu_grouped", make("NCHW", [1, 6, 5, 16], [4, 1, 3], { groups: 2, padding: [0, 1] })],
  ["direct", make("NHWC", [1, 6, 5, 5], [4, 2, 2], { groups: 2, hasBias: true, activation: relu })],
];

gpuTest("every load path gives equal bits", async () => {
  const device = await sharedDevice();
  for (const [variant, { label, settings }] of BUILT) {
    const { inputs, expected } = prepare(settings, 11);
    const results: Uint8Array[] = [];
    for (const loadPath of ["storage", "texel", "address"] as const) {
      const capabilities = { ...device.capabilities, loadPath };
      if (loadPath === "address" && !capabilities.bufferDeviceAddress) continue;
      if (variant.startsWith("cpu") && capabilities.subgroupSize !== 8) continue;
      const plan = planConvolution(capabilities, settings, variant);
      results.push(await runPlan(device, plan, inputs, expected.data.length * 4));
    }
    for (const result of results.slice(1)) assertEquals(result, results[0], label);
  }
});

gpuTest("several filters of many channels add up what each pixel gives them", async () => {
  const { label, settings } = make("NCHW", [1, 37, 21, 72], [2, 3, 3], {
    padding: [2, 0],
    dilation: [2, 1],
    hasBias: true,
    activation: relu,
  });
  assert(await check(settings, label, "taps"));
});

gpuTest(
  "a product split over its taps agrees with the oracle, whichever way it reads",
  async () => {
    const settings = [
      make("NHWC", [2, 40, 5, 7], [9, 3, 2], { padding: [1, 1], hasBias: true, activation: relu }),
      make("NCHW", [2, 72, 4, 6], [12, 1, 1], { residual: "before" }),
      make("NCHW", [1, 10, 6, 5], [12, 3, 3], { groups: 2, stride: [2, 1], shuffle: [2, 1] }),
    ];
    for (const each of settings) {
      assert(await check(each.settings, each.label, "igemm_split"), each.label);
    }
  },
);

gpuTest("convolution kernels apply every activation", async () => {
  for (const name of ACTIVATED) {
    const { settings, label } = make("NCHW", [1, 4, 5, 5], [4, 1, 1], { activation: { name } });
    await check(settings, label, "direct");
  }
});
