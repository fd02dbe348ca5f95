// Weight gradient kernels against the float64 oracle, every variant against the same oracle where it can run, and equal
// bits from run to run.

import { assert, assertEquals } from "@std/assert";
import { LimitError } from "../../src/core/errors.ts";
import {
  convolutionOutputShape,
  type ConvolutionSettings,
  type Layout,
} from "../../src/kernels/convolution.ts";
import { GRADIENT_VARIANTS, planWeightGradient } from "../../src/kernels/convolution_gradient.ts";
import { type Reference, size } from "../reference/array.ts";
import { weightGradient } from "../reference/deconvolution.ts";
import { assertClose } from "../support/close.ts";
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
  const first = layout.length === 3 ? "NCW" : layout.length === 4 ? "NCHW" : "NCDHW";
  const arrange = (sizes: readonly number[]): number[] =>
    [...layout].map((letter) => sizes[first.indexOf(letter)]!);
  const settings = {
    layout,
    input: arrange(input),
    weight: arrange([weight[0]!, input[1]! / groups, ...weight.slice(1)]),
    ...more,
  };
  return { label: `${layout} ${input} * ${weight} ${JSON.stringify(more)}`, settings };
}

const CASES: readonly Case[] = [
  make("NCHW", [2, 12, 5, 8], [16, 3, 3], { padding: [1, 1] }),
  make("NCHW", [2, 13, 7, 12], [15, 1, 1]),
  make("NCHW", [1, 4, 16, 16], [4, 3, 3], { padding: [1, 1] }),
  make("NCHW", [2, 12, 9, 7], [16, 3, 5], { stride: [2, 3], padding: [1, 3], groups: 2 }),
  make("NCHW", [1, 13, 6, 12], [12, 2, 5], { padding: [1, 3], dilation: [2, 1] }),
  make("NCHW", [2, 8, 9, 8], [16, 3, 3], { groups: 8, padding: [2, 1], dilation: [2, 1] }),
  make("NCHW", [3, 12, 7, 7], [12, 3, 3], { groups: 12, padding: [1, 1], stride: [2, 2] }),
  make("NCHW", [1, 16, 6, 8], [32, 3, 3], { groups: 4, padding: [1, 1] }),
  make("NCHW", [2, 3, 15, 15], [13, 9, 9], { padding: [4, 4], stride: [2, 2] }),
  make("NCW", [2, 9, 64], [12, 16], { stride: [8], padding: [4] }),
  make("NCHW", [1, 5, 4, 40], [9, 1, 3], { dilation: [1, 13], padding: [0, 20] }),
  make("NCHW", [1, 3, 5, 6], [4, 2, 2], { padding: [1, 0], paddingAfter: [0, 1] }),
  make("NHWC", [2, 4, 9, 11], [13, 3, 3], { padding: [1, 1] }),
  make("NHWC", [2, 16, 7, 5], [12, 1, 1], { groups: 2 }),
  make("NHWC", [1, 12, 6, 6], [12, 3, 3], { groups: 12, padding: [1, 1] }),
  make("NCW", [2, 12, 33], [16, 4], { stride: [2], padding: [3], dilation: [2] }),
  make("NWC", [1, 4, 40], [8, 3], { groups: 4, padding: [1] }),
  make("NCDHW", [1, 4, 5, 6, 7], [13, 3, 2, 3], {
    stride: [2, 1, 2],
    padding: [1, 0, 1],
    dilation: [1, 2, 1],
  }),
  make("NCHW", [3, 18, 14, 14], [18, 3, 3], { groups: 18, padding: [1, 1] }),
  make("NCHW", [2, 9, 6, 8], [18, 3, 2], { groups: 9, padding: [2, 1], dilation: [2, 1] }),
  make("NCHW", [5, 16, 14, 6], [16, 3, 3], { groups: 16, padding: [1, 1], stride: [2, 1] }),
  make("NDHWC", [2, 15, 4, 4, 6], [16, 2, 2, 2]),
];

interface Prepared {
  readonly inputs: readonly Uint8Array<ArrayBuffer>[];
  readonly expected: Reference;
}

function prepare(settings: ConvolutionSettings, seed: number): Prepared {
  const random = new Random(seed);
  const draw = (shape: readonly number[]) => ({ data: random.float32(size(shape)), shape });
  const x = draw(settings.input);
  const g = draw(convolutionOutputShape(settings));
  const kernel = settings.weight.filter((_, at) => !"NC".includes(settings.layout[at]!));
  return {
    inputs: [bytesOf(x.data), bytesOf(g.data)],
    expected: weightGradient(x, g, kernel, settings),
  };
}

async function check({ settings, label }: Case, variant?: string): Promise<boolean> {
  const device = await sharedDevice();
  const { inputs, expected } = prepare(settings, 7);
  assertEquals(expected.shape, settings.weight);
  const plan = planVariant(
    variant,
    () => planWeightGradient(device.capabilities, settings, variant),
  );
  if (plan === undefined) return false;
  const bytes = await runPlan(device, plan, inputs, expected.data.length * 4);
  const actual = new Float32Array(bytes.buffer, bytes.byteOffset, expected.data.length);
  // Far below what reliability.md section 3 asks of gradients: sums here are short.
  assertClose(actual, expected.data, {
    rtol: 1e-5,
    atol: 1e-5,
    label: `${plan.label}: ${label}`,
  });
  return true;
}

gpuTest("the chosen weight gradient kernel agrees with the oracle", async () => {
  for (const each of CASES) await check(each);
});

testVariants("weight gradient", GRADIENT_VARIANTS, CASES, 11, check);

gpuTest("chunks are added up by several invocations on a GPU", async () => {
  const device = await sharedDevice();
  const large = { ...device.capabilities, processors: 132 };
  const { settings } = make("NCHW", [4, 4, 24, 24], [8, 3, 3], { padding: [1, 1] });
  const { inputs, expected } = prepare(settings, 11);
  for (
    const [variant, capabilities] of [
      ["direct", { ...large, deviceClass: "discrete" }],
      ["igemm_16x64", { ...large, deviceClass: "cpu" }],
    ] as const
  ) {
    const plan = planWeightGradient(capabilities, settings, variant);
    const [, sum] = plan.dispatches;
    assertEquals(sum!.constants["lanes"]! > 1, variant === "direct");
    const bytes = await runPlan(device, plan, inputs, expected.data.length * 4);
    const actual = new Float32Array(bytes.buffer, bytes.byteOffset, expected.data.length);
    assertClose(actual, expected.data, { rtol: 1e-5, atol: 1e-5, label: plan.label });
  }
});

gpuTest("columns of one tap are restored to the weight's order by the sum of chunks", async () => {
  const device = await sharedDevice();
  const capabilities = { ...device.capabilities, processors: 132 };
  const cases = [
    make("NCHW", [4, 16, 21, 24], [20, 3, 2], { padding: [1, 0], stride: [1, 2] }),
    make("NCHW", [3, 32, 15, 20], [64, 1, 3], { groups: 2, padding: [0, 2], dilation: [1, 2] }),
  ];
  for (const { settings, label } of cases) {
    const { inputs, expected } = prepare(settings, 13);
    const plan = planWeightGradient(capabilities, settings, "igemm_64x16");
    assertEquals([plan.dispatches.length, plan.dispatches[0]!.constants["tap_major"]], [2, 1]);
    const bytes = await runPlan(device, plan, inputs, expected.data.length * 4);
    const actual = new Float32Array(bytes.buffer, bytes.byteOffset, expected.data.length);
    assertClose(actual, expected.data, { rtol: 1e-5, atol: 1e-5, label });
  }
});

gpuTest(
  "a weight gradient in chunks has equal bits in 20 runs and on every load path",
  async () => {
    const device = await sharedDevice();
    const { settings } = make("NCHW", [4, 4, 24, 24], [5, 3, 3], { padding: [1, 1] });
    const { inputs, expected } = prepare(settings, 11);
    for (const { name } of GRADIENT_VARIANTS) {
      if (name.startsWith("igemm_")) continue; // tiles of one kernel
      let plan;
      try {
        plan = planWeightGradient(device.capabilities, settings, name);
      } catch (error) {
        assert(error instanceof LimitError);
        continue;
      }
      assertEquals(plan.dispatches.length, 2, `${name} splits this reduction`);
      const first = await runPlan(device, plan, inputs, expected.data.length * 4);
      for (let run = 0; run < 20; run++) {
        assertEquals(await runPlan(device, plan, inputs, expected.data.length * 4), first, name);
      }
      for (const loadPath of ["storage", "texel"] as const) {
        const other = planWeightGradient({ ...device.capabilities, loadPath }, settings, name);
        const bytes = await runPlan(device, other, inputs, expected.data.length * 4);
        assertEquals(bytes, first, `${name} ${loadPath}`);
      }
    }
  },
);

gpuTest("the weight gradient of an empty batch is zero", async () => {
  const device = await sharedDevice();
  const { settings } = make("NCHW", [0, 4, 8, 8], [5, 3, 3]);
  const plan = planWeightGradient(device.capabilities, settings);
  const bytes = await runPlan(device, plan, [null, null], 5 * 4 * 9 * 4);
  assertEquals(new Float32Array(bytes.buffer, bytes.byteOffset, 180), new Float32Array(180));
});
