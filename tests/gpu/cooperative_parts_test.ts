// Convolutions of float32 in parts of float16 against the float64 oracle: how much they round, also where numbers are very
// large or small.

import { assert } from "@std/assert";
import { planConvolution } from "../../src/kernels/convolution.ts";
import type { ConvolutionSettings } from "../../src/kernels/convolution_problem.ts";
import { planDeconvolution } from "../../src/kernels/deconvolution.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { type Reference, size } from "../reference/array.ts";
import { convolution } from "../reference/convolution.ts";
import { deconvolution } from "../reference/deconvolution.ts";
import { Random } from "../support/random.ts";
import { cooperativeTest } from "./cooperative_support.ts";
import { bytesOf, runPlan } from "./kernels_run.ts";
import type { Device } from "../../src/device/device.ts";

/** Of the sum of the products' magnitudes: a hundredth of what one float16 product rounds. */
const TOLERANCE = 4e-6;

function draw(random: Random, shape: readonly number[], scale: number) {
  const data = random.float32(size(shape)).map((value) => Math.fround(value * scale));
  return { data, shape };
}

const magnitudes = ({ data, shape }: Reference): Reference => ({
  data: Array.from(data, Math.abs),
  shape,
});

/** Runs a plan of float32; returns the largest error as a part of the sum of magnitudes. */
async function errorOf(
  device: Device,
  plan: Plan,
  inputs: readonly (Reference & { readonly data: Float32Array<ArrayBuffer> } | null)[],
  expected: Reference,
  sums: Reference,
): Promise<number> {
  assert(plan.label.includes("parts"), plan.label);
  const bytes = inputs.map((each) => each === null ? null : bytesOf(each.data));
  const out = await runPlan(device, plan, bytes, expected.data.length * 4);
  const actual = new Float32Array(out.buffer, out.byteOffset, expected.data.length);
  return Array.from(actual).reduce((worst, value, at) => {
    const error = Math.abs(value - expected.data[at]!);
    // A number that is none counts.
    return error <= worst * sums.data[at]! ? worst : error / sums.data[at]!;
  }, 0);
}

const CASES: readonly ConvolutionSettings[] = [
  { layout: "NCHW", input: [2, 16, 8, 8], weight: [32, 16, 3, 3], padding: [1, 1], hasBias: true },
  { layout: "NHWC", input: [1, 7, 5, 20], weight: [24, 2, 2, 10], groups: 2, stride: [1, 2] },
  { layout: "NCW", input: [1, 40, 37], weight: [18, 40, 1] },
];

cooperativeTest(
  "convolutions of float32 in parts agree with the oracle, whatever their scale",
  async (device) => {
    const capabilities = { ...device.capabilities, precision: "high" } as const;
    const random = new Random(9);
    const scales = [[1, 1], [1e-12, 1e10], [3e20, 1e-18]] as const;
    for (const [at, settings] of CASES.entries()) {
      const [scaleX, scaleW] = scales[at]!;
      const x = draw(random, settings.input, scaleX);
      const weight = draw(random, settings.weight, scaleW);
      const filters = settings.weight[settings.layout.indexOf("N")]!;
      const bias = settings.hasBias ? draw(random, [filters], scaleX * scaleW) : null;
      const plan = planConvolution(capabilities, settings, "parts");
      const expected = convolution(x, weight, bias, settings);
      const sums = convolution(
        magnitudes(x),
        magnitudes(weight),
        bias && magnitudes(bias),
        settings,
      );
      const error = await errorOf(device, plan, [x, weight, bias], expected, sums);
      assert(error <= TOLERANCE, `${JSON.stringify(settings)}: ${error} of the sum of magnitudes`);
    }
  },
);

cooperativeTest(
  "a transposed convolution of float32 in parts agrees with the oracle",
  async (device) => {
    const capabilities = { ...device.capabilities, precision: "high" } as const;
    const random = new Random(10);
    const settings = {
      layout: "NCHW",
      input: [1, 16, 5, 4],
      weight: [16, 8, 4, 4],
      size: [10, 8],
      stride: [2, 2],
      padding: [1, 1],
    } as const;
    const x = draw(random, settings.input, 1);
    const weight = draw(random, settings.weight, 1);
    const plan = planDeconvolution(capabilities, settings, "phases_parts");
    const expected = deconvolution(x, weight, null, settings);
    const sums = deconvolution(magnitudes(x), magnitudes(weight), null, settings);
    const error = await errorOf(device, plan, [x, weight, null], expected, sums);
    assert(error <= TOLERANCE, `${error} of the sum of magnitudes`);
  },
);

cooperativeTest(
  "zeros in parts give zeros, and what is no number stays where it is",
  async (device) => {
    const capabilities = { ...device.capabilities, precision: "high" } as const;
    const settings: ConvolutionSettings = {
      layout: "NCW",
      input: [2, 16, 40],
      weight: [16, 16, 1],
    };
    const plan = planConvolution(capabilities, settings, "parts");
    const weight = new Float32Array(256).fill(0.5);
    const x = new Float32Array(2 * 16 * 40);
    const run = async (): Promise<Float32Array> => {
      const out = await runPlan(device, plan, [bytesOf(x), bytesOf(weight)], x.byteLength);
      return new Float32Array(out.buffer, out.byteOffset, x.length);
    };
    assert((await run()).every((value) => value === 0));
    x.fill(3);
    x[5] = NaN;
    const found = await run();
    found.forEach((value, at) => {
      const poisoned = at < 640 && at % 40 === 5;
      assert(poisoned ? Number.isNaN(value) : value === 24, `element ${at} is ${value}`);
    });
  },
);
