// Transposed convolution kernels against the float64 oracle, and every variant against the same oracle.

import { assertEquals } from "@std/assert";
import {
  DECONVOLUTION_VARIANTS,
  type DeconvolutionSettings,
  planDeconvolution,
} from "../../src/kernels/deconvolution.ts";
import type { Layout } from "../../src/kernels/convolution.ts";
import { activation } from "../reference/activation.ts";
import { type Reference, size } from "../reference/array.ts";
import { deconvolution } from "../reference/deconvolution.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { bytesOf, runPlan, sharedDevice } from "./kernels_run.ts";
import { planVariant, testVariants } from "./variants_support.ts";

interface Case {
  readonly label: string;
  readonly settings: DeconvolutionSettings;
}

/** A case from channel-first sizes: input [N, C, spatial…] and weight [O, kernel…]. */
function make(
  layout: Layout,
  input: readonly number[],
  weight: readonly number[],
  more: Partial<DeconvolutionSettings> & { readonly extra?: readonly number[] } = {},
): Case {
  const { extra, ...rest } = more;
  const first = layout.length === 3 ? "NCW" : layout.length === 4 ? "NCHW" : "NCDHW";
  const arrange = (sizes: readonly number[]): number[] =>
    [...layout].map((letter) => sizes[first.indexOf(letter)]!);
  const groups = rest.groups ?? 1;
  const [filters, ...kernel] = weight as [number, ...number[]];
  const spatial = kernel.map((each, axis) =>
    (rest.stride?.[axis] ?? 1) * (input[axis + 2]! - 1) +
    (rest.dilation?.[axis] ?? 1) * (each - 1) +
    1 - 2 * (rest.padding?.[axis] ?? 0) + (extra?.[axis] ?? 0)
  );
  const settings = {
    layout,
    input: arrange(input),
    weight: arrange([input[1]!, filters / groups, ...kernel]),
    size: spatial,
    ...rest,
  };
  return { label: `${layout} ${input} * ${weight} ${JSON.stringify(more)}`, settings };
}

const relu = { name: "relu" } as const;
const sigmoid = { name: "sigmoid" } as const;

const CASES: readonly Case[] = [
  make("NCHW", [2, 12, 5, 8], [16, 3, 3], { padding: [1, 1], hasBias: true }),
  make("NCHW", [1, 16, 6, 8], [8, 2, 2], { stride: [2, 2], hasBias: true }),
  make("NCHW", [2, 13, 5, 8], [12, 4, 4], { stride: [2, 2], padding: [1, 1], hasBias: true }),
  make("NCHW", [1, 15, 5, 4], [16, 3, 3], { stride: [2, 2], padding: [1, 1], extra: [1, 1] }),
  make("NCHW", [2, 12, 4, 7], [12, 3, 5], {
    stride: [3, 2],
    padding: [2, 1],
    groups: 2,
    extra: [2, 0],
    hasBias: true,
    activation: relu,
  }),
  make("NCHW", [1, 4, 5, 4], [4, 3, 3], { stride: [2, 3], dilation: [2, 2], hasBias: true }),
  make("NCHW", [1, 4, 4, 4], [13, 2, 1], { stride: [4, 3], hasBias: true, activation: sigmoid }),
  make("NCHW", [1, 1, 7, 9], [1, 3, 3], { padding: [3, 4] }),
  make("NCHW", [2, 8, 6, 8], [8, 3, 3], { groups: 8, padding: [1, 1], stride: [2, 2] }),
  make("NCHW", [1, 8, 6, 8], [16, 3, 3], { groups: 8, padding: [1, 1], hasBias: true }),
  make("NCHW", [1, 12, 6, 6], [16, 1, 1], { groups: 4, extra: [0, 1] }),
  make("NCHW", [1, 8, 6, 8], [12, 1, 1], { hasBias: true }),
  make("NHWC", [2, 4, 5, 7], [13, 3, 3], { stride: [2, 2], padding: [0, 1], hasBias: true }),
  make("NHWC", [1, 16, 4, 4], [16, 4, 4], { stride: [2, 2], padding: [1, 1], activation: relu }),
  make("NHWC", [2, 16, 4, 4], [8, 2, 2], { stride: [2, 2], groups: 2, hasBias: true }),
  make("NCHW", [1, 9, 6, 12], [2, 5, 5], { stride: [2, 2], padding: [2, 2], extra: [1, 1] }),
  make("NCHW", [2, 3, 5, 28], [3, 3, 3], {
    groups: 3,
    stride: [2, 2],
    padding: [1, 1],
    extra: [1, 1],
    hasBias: true,
    activation: relu,
  }),
  make("NCHW", [1, 2, 6, 72], [2, 5, 5], {
    groups: 2,
    stride: [2, 2],
    padding: [2, 2],
    extra: [1, 1],
  }),
  make("NCHW", [2, 3, 4, 12], [3, 2, 2], { groups: 3, stride: [2, 2], hasBias: true }),
  make("NCHW", [1, 2, 3, 8], [2, 4, 3], { groups: 2, stride: [4, 1], padding: [0, 1] }),
  make("NCW", [2, 12, 9], [16, 16], { stride: [8], padding: [4], hasBias: true }),
  make("NCW", [1, 4, 11], [15, 5], { stride: [4], padding: [6], dilation: [6], extra: [3] }),
  make("NWC", [1, 4, 12], [4, 3], { groups: 4, stride: [2], padding: [1], extra: [1] }),
  make("NCDHW", [1, 4, 3, 4, 3], [13, 3, 2, 3], {
    stride: [2, 1, 2],
    padding: [1, 0, 1],
    dilation: [1, 2, 1],
    extra: [1, 0, 0],
    hasBias: true,
  }),
  make("NDHWC", [2, 4, 3, 3, 2], [8, 2, 2, 2], { groups: 2, stride: [2, 2, 2] }),
  make("NCW", [1, 2, 32], [16, 3], { groups: 2, padding: [1], hasBias: true }),
];

interface Prepared {
  readonly inputs: readonly (Uint8Array<ArrayBuffer> | null)[];
  readonly expected: Reference;
  readonly tolerance: number;
}

function prepare(settings: DeconvolutionSettings, seed: number): Prepared {
  const random = new Random(seed);
  const draw = (shape: readonly number[]) => ({ data: random.float32(size(shape)), shape });
  const x = draw(settings.input);
  const k = draw(settings.weight);
  const groups = settings.groups ?? 1;
  const groupFilters = settings.weight[settings.layout.indexOf("C")]!;
  const b = settings.hasBias ? draw([groupFilters * groups]) : null;
  let expected = deconvolution(x, k, b, settings);
  if (settings.activation !== undefined) expected = activation(expected, settings.activation.name);
  const taps = size(settings.weight) / groupFilters / groups;
  return {
    inputs: [x, k, b].map((each) => each === null ? null : bytesOf(each.data)),
    expected,
    tolerance: 2 ** -22 * Math.sqrt(taps) + 1e-6,
  };
}

async function check({ settings, label }: Case, variant?: string): Promise<boolean> {
  const device = await sharedDevice();
  const { inputs, expected, tolerance } = prepare(settings, 7);
  const plan = planVariant(
    variant,
    () => planDeconvolution(device.capabilities, settings, variant),
  );
  if (plan === undefined) return false;
  const bytes = await runPlan(device, plan, inputs, expected.data.length * 4);
  const actual = new Float32Array(bytes.buffer, bytes.byteOffset, expected.data.length);
  assertClose(actual, expected.data, {
    rtol: 1e-6,
    // Winograd's transforms lose some digits (reliability.md section 3).
    atol: plan.label.includes("winograd") ? 10 * tolerance : tolerance,
    label: `${plan.label}: ${label}`,
  });
  return true;
}

gpuTest("the chosen transposed convolution kernel agrees with the oracle", async () => {
  for (const each of CASES) await check(each);
});

testVariants("transposed convolution", DECONVOLUTION_VARIANTS, CASES, 10, check);

gpuTest("every load path of transposed depthwise convolution gives equal bits", async () => {
  const device = await sharedDevice();
  const { settings, label } = CASES.find(({ settings }) => settings.groups === 3)!;
  const { inputs, expected } = prepare(settings, 11);
  const results: Uint8Array[] = [];
  for (const loadPath of ["storage", "texel", "address"] as const) {
    const capabilities = { ...device.capabilities, loadPath };
    if (loadPath === "address" && !capabilities.bufferDeviceAddress) continue;
    if (capabilities.subgroupSize !== 8) continue;
    const plan = planDeconvolution(capabilities, settings, "cpu_lanes");
    results.push(await runPlan(device, plan, inputs, expected.data.length * 4));
  }
  for (const result of results.slice(1)) assertEquals(result, results[0], label);
});

gpuTest("every load path of transposed convolution gives equal bits", async () => {
  const device = await sharedDevice();
  const { settings, label } = CASES[6]!;
  const { inputs, expected } = prepare(settings, 11);
  for (const variant of ["direct", "phases_direct"]) {
    const results: Uint8Array[] = [];
    for (const loadPath of ["storage", "texel"] as const) {
      const plan = planDeconvolution({ ...device.capabilities, loadPath }, settings, variant);
      results.push(await runPlan(device, plan, inputs, expected.data.length * 4));
    }
    assertEquals(results[1], results[0], label);
  }
});
