/**
 * Kernels that load and store float16 themselves against the same kernels between casts: equal numbers, however they are.
 * Kernels that only other devices choose are forced. Operands are small, for which CPU devices would choose casts: other
 * tests see these. Then: what float16 layers hold of the device is half.
 */
import { assert, assertEquals } from "@std/assert";
import * as vknn from "../../mod.ts";
import type { Capabilities } from "../../src/core/capabilities.ts";
import {
  CONVOLUTION_VARIANTS,
  convolutionOutputShape,
  type ConvolutionSettings,
  planConvolution,
} from "../../src/kernels/convolution.ts";
import { GRADIENT_VARIANTS, planWeightGradient } from "../../src/kernels/convolution_gradient.ts";
import { describeConvolution } from "../../src/kernels/convolution_problem.ts";
import { DECONVOLUTION_VARIANTS, planDeconvolution } from "../../src/kernels/deconvolution.ts";
import {
  type DeconvolutionSettings,
  describeDeconvolution,
} from "../../src/kernels/deconvolution_problem.ts";
import { planDeformableConvolution } from "../../src/kernels/deformable.ts";
import {
  planDeformableSampledGradient,
  type SampledPart,
  sampledParts,
} from "../../src/kernels/deformable_gradient.ts";
import { planDeformableWeightGradient } from "../../src/kernels/deformable_weight_gradient.ts";
import { planFullyConnected, planMatmul } from "../../src/kernels/matmul.ts";
import { type PadSettings, planPadGradient } from "../../src/kernels/pad.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { type OperandSpec, widenPlan } from "../../src/kernels/widen.ts";
import { deformableCases } from "../cases/deformable_convolution.ts";
import { size } from "../reference/array.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { bytesOf, runPlan, sharedDevice } from "./kernels_run.ts";

const half = (shape: readonly number[]): OperandSpec => ({ shape, dtype: "float16" });

/** Numbers of which sums overflow, vanish and are not numbers. */
function draw(random: Random, shape: readonly number[], scale: number): Float16Array<ArrayBuffer> {
  const values = Float16Array.from(random.float32(size(shape)), (value) => value * scale);
  if (scale > 100 && values.length > 8) values.set([NaN, Infinity, -Infinity, -0, 65504], 3);
  return values;
}

/** Small numbers become subnormal, large ones overflow and are joined by what is not finite. */
const SCALES = [1, 2 ** -9, 400];

/** What a comparison is about, where it is not the usual. */
interface Comparison {
  /** Default those of the device. */
  readonly capabilities?: Capabilities;
  /** Default all. */
  readonly scales?: readonly number[];
  /** Casts that are left, or only that there are fewer; default none. */
  readonly casts?: number | "fewer";
}

/** Runs a float32 plan for float16 operands in both ways. */
async function compare(
  plan: Plan,
  shapes: readonly (readonly number[] | null)[],
  output: readonly number[],
  { capabilities, scales = SCALES, casts = 0 }: Comparison = {},
): Promise<void> {
  const device = await sharedDevice();
  const specs = shapes.map((shape) => shape && half(shape));
  const plans = [true, false].map((native) =>
    widenPlan(capabilities ?? device.capabilities, plan, specs, half(output), native)
  );
  const countCasts = ({ dispatches }: Plan) =>
    dispatches.filter(({ program }) => program.id.startsWith("elementwise/cast")).length;
  const own = countCasts(plans[0]!);
  if (casts !== "fewer") assertEquals(own, casts, plan.label);
  assert(countCasts(plans[1]!) > own, plan.label);
  for (const scale of scales) {
    const random = new Random(size(output));
    const inputs = shapes.map((shape) => shape && bytesOf(draw(random, shape, scale)));
    const [actual, expected] = await Promise.all(
      plans.map((each) => runPlan(device, each, inputs, size(output) * 2)),
    );
    const label = `${plan.label}, numbers of about ${scale}`;
    assertEquals(new Float16Array(actual!.buffer), new Float16Array(expected!.buffer), label);
  }
}

/** CPU devices cast results that their kernels would store one by one. */
function countNarrowed({ deviceClass }: Capabilities, { dispatches }: Plan): number {
  const single = dispatches.some(({ constants }) => constants["vector_store"] === 0);
  return deviceClass === "cpu" && single ? 1 : 0;
}

/** Odd sizes wherever the variant takes them, so that neighbors of a word are written by different invocations. */
const FORWARD: readonly (readonly [variant: string, ConvolutionSettings])[] = [
  ["direct", {
    layout: "NCHW",
    input: [2, 3, 5, 7],
    weight: [5, 3, 3, 3],
    padding: [1, 1],
    hasBias: true,
    residual: "after",
  }],
  ["igemm", {
    layout: "NCHW",
    input: [1, 12, 5, 7],
    weight: [9, 12, 3, 3],
    hasBias: true,
    residual: "before",
  }],
  ["igemm", { layout: "NCHW", input: [1, 12, 4, 6], weight: [9, 12, 1, 1], hasBias: true }],
  ["igemm", { layout: "NHWC", input: [1, 5, 3, 8], weight: [12, 1, 1, 8], hasBias: true }],
  ["igemm_split", { layout: "NCHW", input: [1, 24, 3, 5], weight: [9, 24, 3, 3], padding: [1, 1] }],
  ["window", {
    layout: "NCHW",
    input: [1, 3, 5, 7],
    weight: [3, 1, 3, 3],
    groups: 3,
    hasBias: true,
  }],
  ["cpu", {
    layout: "NHWC",
    input: [2, 7, 9, 5],
    weight: [9, 3, 2, 5],
    padding: [1, 1],
    stride: [1, 2],
    hasBias: true,
  }],
  ["cpu_row", {
    layout: "NCHW",
    input: [1, 6, 5, 8],
    weight: [9, 6, 3, 3],
    padding: [1, 1],
    residual: "before",
  }],
  ["cpu_winograd", {
    layout: "NCHW",
    input: [1, 16, 8, 8],
    weight: [16, 16, 3, 3],
    padding: [1, 1],
    hasBias: true,
    residual: "after",
  }],
  ["cpu_depthwise", {
    layout: "NCHW",
    input: [2, 6, 7, 7],
    weight: [12, 1, 3, 3],
    groups: 6,
    hasBias: true,
  }],
  ["cpu_lanes", {
    layout: "NCHW",
    input: [1, 4, 5, 24],
    weight: [4, 1, 3, 3],
    groups: 4,
    padding: [1, 1],
    residual: "after",
  }],
  ["cpu_flat", {
    layout: "NCHW",
    input: [1, 3, 6, 6],
    weight: [3, 1, 3, 3],
    groups: 3,
    padding: [1, 1],
    residual: "before",
  }],
  ["cpu_grouped", {
    layout: "NCHW",
    input: [1, 6, 5, 16],
    weight: [4, 3, 1, 3],
    groups: 2,
    padding: [0, 1],
    residual: "after",
  }],
  ["cpu_few", {
    layout: "NCHW",
    input: [2, 8, 5, 13],
    weight: [3, 8, 3, 3],
    padding: [1, 1],
    hasBias: true,
  }],
  ["cpu_multiple", {
    layout: "NCW",
    input: [2, 1, 92],
    weight: [8, 1, 10],
    stride: [5],
    hasBias: true,
  }],
];

/** Variants that are compared on every load path. */
const BUILT: readonly string[] = ["direct", "cpu_row", "cpu_lanes"];

/** What a device makes of one load path and the others; undefined where it cannot take one. */
function onPath(capabilities: Capabilities, loadPath: Capabilities["loadPath"]): Capabilities[] {
  if (loadPath === "address" && !capabilities.bufferDeviceAddress) return [];
  return [{ ...capabilities, loadPath }];
}

gpuTest(
  "convolutions that load and store float16 give the bits of those between casts",
  async () => {
    const { capabilities } = await sharedDevice();
    let count = 0;
    for (const [variant, settings] of FORWARD) {
      const found = CONVOLUTION_VARIANTS.find(({ name }) => name === variant)!;
      if (!found.supports(describeConvolution(settings), capabilities)) continue;
      const { input, weight, hasBias, residual } = settings;
      const output = convolutionOutputShape(settings);
      const bias = hasBias ? [output[settings.layout.indexOf("C")]!] : null;
      const inputs = [input, weight, bias, ...residual === undefined ? [] : [output]];
      const paths = BUILT.includes(variant)
        ? (["storage", "texel", "address"] as const).flatMap((path) => onPath(capabilities, path))
        : [capabilities];
      for (const each of paths) {
        const plan = planConvolution(each, settings, variant);
        const casts = countNarrowed(each, plan);
        await compare(plan, inputs, output, { capabilities: each, casts });
      }
      count++;
    }
    assert(count >= 3, `${count} variants fit`);
  },
);

gpuTest("transposed convolutions give the bits of those between casts", async () => {
  const { capabilities } = await sharedDevice();
  const rows: readonly (readonly [variant: string, DeconvolutionSettings])[] = [
    ["direct", {
      layout: "NCHW",
      input: [1, 3, 5, 4],
      weight: [3, 5, 3, 3],
      size: [11, 9],
      stride: [2, 2],
      hasBias: true,
    }],
    // Stride beyond the kernel: some results are the bias alone.
    ["phases", {
      layout: "NHWC",
      input: [2, 3, 3, 5],
      weight: [5, 2, 2, 3],
      size: [8, 9],
      stride: [3, 3],
      hasBias: true,
    }],
    ["joined", {
      layout: "NCHW",
      input: [1, 4, 4, 8],
      weight: [4, 3, 2, 2],
      size: [8, 16],
      stride: [2, 2],
    }],
    ["cpu_lanes", {
      layout: "NCHW",
      input: [1, 4, 5, 16],
      weight: [4, 1, 4, 4],
      size: [10, 32],
      stride: [2, 2],
      padding: [1, 1],
      groups: 4,
    }],
  ];
  for (const [variant, settings] of rows) {
    const row = DECONVOLUTION_VARIANTS.find(({ name }) => name === variant)!;
    const problem = describeDeconvolution(settings);
    if (!row.supports(problem, capabilities)) continue;
    const { layout, input, weight, size, hasBias } = settings;
    const axis = layout.indexOf("C");
    const output = [input[0]!, ...size];
    output.splice(axis, 0, problem.filters);
    const inputs = [input, weight, ...hasBias ? [[problem.filters]] : []];
    const plan = planDeconvolution(capabilities, settings, variant);
    await compare(plan, inputs, output, { casts: countNarrowed(capabilities, plan) });
  }
});

gpuTest("weight gradients that load float16 give the bits of those between casts", async () => {
  const { capabilities } = await sharedDevice();
  const settings: ConvolutionSettings = {
    layout: "NCHW",
    input: [2, 5, 7, 9],
    weight: [9, 5, 3, 3],
    padding: [1, 1],
    stride: [2, 1],
  };
  const shapes = [settings.input, convolutionOutputShape(settings)];
  const problem = { ...describeConvolution(settings), channelLast: false };
  for (const { name, supports } of GRADIENT_VARIANTS) {
    // One tile of the implicit product stands for all: they differ in constants.
    if (name.startsWith("igemm_") || !supports(problem, capabilities)) continue;
    await compare(planWeightGradient(capabilities, settings, name), shapes, settings.weight);
  }
});

gpuTest("deformable convolutions give the bits of those between casts", async () => {
  const { capabilities } = await sharedDevice();
  const cases = deformableCases(71, 12);
  // Sums that cancel may differ between kernels by the sign of zero, which is no number.
  // Whether products store float16 depends on their kernel.
  const usual = { scales: [1], casts: "fewer" } as const;
  for (const modulated of [false, true]) {
    const { settings, operands, bias, head } = cases.find(({ settings }) =>
      settings.modulated === modulated
    )!;
    const sampled = [operands.data, operands.offset, operands.mask]
      .flatMap((each) => each === null ? [] : [each.shape]);
    const weight = settings.weight;
    await compare(
      planDeformableConvolution(capabilities, { ...settings, hasBias: true }),
      [...sampled, weight, bias.shape],
      head.shape,
      usual,
    );
    await compare(
      planDeformableWeightGradient(capabilities, settings),
      [...sampled, head.shape],
      weight,
      usual,
    );
    const parts: SampledPart[] = modulated ? ["data", "offset", "mask"] : ["data", "offset"];
    await compare(
      planDeformableSampledGradient(capabilities, settings, parts),
      [...sampled, weight, head.shape],
      [sampledParts(settings, parts).total],
      usual,
    );
  }
});

gpuTest("products of matrices give the bits of those between casts", async () => {
  const { capabilities } = await sharedDevice();
  const odd = { batch: 2, m: 5, n: 7, k: 9, transposeA: false, transposeB: true };
  await compare(planMatmul(capabilities, odd), [[2, 5, 9], [2, 7, 9]], [2, 5, 7]);
  const whole = { batch: 1, m: 8, n: 12, k: 16, transposeA: true, transposeB: false };
  await compare(planMatmul(capabilities, whole), [[1, 16, 8], [1, 16, 12]], [1, 8, 12]);
  const dense = { m: 3, n: 6, k: 20, hasBias: true };
  // The bias is added by a kernel that takes float32, to what stays behind the product.
  const added = { casts: 2 };
  await compare(planFullyConnected(capabilities, dense), [[3, 20], [6, 20], [6]], [3, 6], added);
});

gpuTest("gradients of padding give the bits of those between casts", async () => {
  const { capabilities } = await sharedDevice();
  const settings: PadSettings = {
    shape: [1, 2, 5, 8],
    before: [0, 0, 2, 3],
    after: [0, 0, 1, 2],
    mode: "reflect",
  };
  for (const general of [false, true]) {
    await compare(
      planPadGradient(capabilities, settings, general),
      [[1, 2, 8, 13]],
      settings.shape,
    );
  }
});

/** Layers whose kernels pack no image and store vectors: operands and results are all that they hold. */
const LAYERS: readonly (readonly [string, () => vknn.Block, channels: number])[] = [
  ["1x1 convolution", () => new vknn.Conv2D(16, 1, { inChannels: 16 }), 16],
  ["depthwise", () => new vknn.Conv2D(16, 3, { padding: 1, groups: 16, inChannels: 16 }), 16],
  ["average", () => new vknn.AvgPool2D(3, { strides: 1, padding: 1 }), 16],
  ["reflection", () => new vknn.ReflectionPad2D(2), 16],
  ["pixel shuffle", () => new vknn.PixelShuffle2D(2), 16],
];

gpuTest("float16 layers hold half the memory of float32 layers, forward and backward", async () => {
  for (const [name, make, channels] of LAYERS) {
    const peaks: number[] = [];
    for (const dtype of ["float32", "float16"] as const) {
      // The peak belongs to the device.
      using device = vknn.Device.open();
      using layer = make();
      layer.initialize(undefined, { device });
      layer.cast(dtype);
      const shape = [1, channels, 64, 64];
      using x = vknn.zeros(shape, { dtype, device }).attachGrad();
      using y = vknn.autograd.record(() => layer.call(x) as vknn.Tensor);
      await device.synchronize();
      const forward = device.memory().peakBytes;
      y.backward();
      await device.synchronize();
      peaks.push(forward, device.memory().peakBytes);
    }
    const [wideForward, wide, narrowForward, narrow] = peaks as [number, number, number, number];
    // Packed weights and partial sums of their gradients are float32 whatever the operands are.
    assert(narrowForward <= 0.55 * wideForward, `${name}: ${narrowForward} of ${wideForward}`);
    assert(narrow <= 0.65 * wide, `${name}, backward: ${narrow} of ${wide}`);
  }
});
