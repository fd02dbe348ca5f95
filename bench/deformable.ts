// Times deformable convolutions and their gradients on the default device, by the device's own clock: every way of adding
// up the gradient of the data, and every product that the planner would think of. The fastest comes first.
//
//   deno run --allow-all bench/deformable.ts [options]
//
//   --only LIST        ids of layers (default D1,D2,D3)
//   --directions LIST  fwd, half (forward in float16), bwd_data, bwd_weight (default all)
//   --products N       products that are compared (default 1: what the planner chooses)
//   --runs N           runs of each (default 10)
//   --seconds N        begins nothing after this time (default 50)
//   --bytes N          budget for the columns of a chunk
//   --kernels          prints the time of every kernel too

import { parseArgs } from "node:util";
import { defaultDevice, type DeviceBuffer } from "../mod.ts";
import { programs } from "../shaders/manifest.ts";
import { problemCandidates } from "../src/kernels/convolution.ts";
import {
  type DeformableSettings,
  type DeformableVariant,
  planDeformableConvolution,
  planHalfDeformable,
} from "../src/kernels/deformable.ts";
import {
  planDeformableSampledGradient,
  type SampledPart,
} from "../src/kernels/deformable_gradient.ts";
import { planDeformableWeightGradient } from "../src/kernels/deformable_weight_gradient.ts";
import { describeDeformable } from "../src/kernels/deformable_problem.ts";
import { productProblem } from "../src/kernels/deformable_product.ts";
import { makeDispatch, type Plan } from "../src/kernels/plan.ts";
import { values } from "./data.ts";
import { type Layer, layers } from "./layers.ts";
import { bindPlan } from "./plan_runner.ts";
import { median } from "./subject.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "D1,D2,D3" },
    directions: { type: "string", default: "fwd,half,bwd_data,bwd_weight" },
    products: { type: "string", default: "1" },
    runs: { type: "string", default: "10" },
    seconds: { type: "string", default: "50" },
    bytes: { type: "string" },
    kernels: { type: "boolean", default: false },
  },
});

const device = defaultDevice();
const { capabilities } = device;
const cpu = capabilities.deviceClass === "cpu";
const runs = Number(options.runs);
const deadline = performance.now() + 1e3 * Number(options.seconds);
/** More than the largest operand has. */
const noise = values("noise", 2_500_000);

/** Buffers that plans read and write; inputs are full of noise and shared by all. */
const buffers = new Map<string, DeviceBuffer>();
const contents = {
  half: new Uint8Array(Float16Array.from(noise).buffer),
  float: new Uint8Array(noise.buffer),
};

/** Multiply-adds for some milliseconds, so that the device's clock is up when the measurement begins. */
const spin = makeDispatch(
  programs["probe/multiply_add"],
  { local_size_x: 64, rounds: 256 },
  { factor: 0.999, shift: 0.001 },
  [0],
  [(1 << 19) / 64, 1, 1],
);
const spinOutput = device.allocate((1 << 19) * 4, "spin");
const SPINS = cpu ? 0 : 25;

function settingsOf(layer: Layer): DeformableSettings {
  const { args } = layer;
  const pair = (list: readonly number[] | undefined) => list as readonly [number, number];
  return {
    name: layer.class,
    input: layer.input,
    weight: layer.weight!,
    layout: "NCHW",
    stride: pair(args.strides),
    padding: pair(args.padding),
    dilation: pair(args.dilation),
    groups: args.groups!,
    deformableGroups: args.num_deformable_group!,
    modulated: layer.mask !== undefined,
  };
}

/** Medians of the microseconds of a plan, and of each of its kernels. */
async function timePlan(plan: Plan, half: boolean): Promise<[number, string[]]> {
  const dtype = half ? "half" : "float";
  const operand = (role: string, index: number): DeviceBuffer => {
    const key = `${dtype} ${role} ${index}`;
    let buffer = buffers.get(key);
    if (buffer === undefined) {
      buffer = device.allocate(noise.byteLength, key);
      device.upload(buffer, contents[dtype]);
      buffers.set(key, buffer);
    }
    return buffer;
  };
  const { run, release } = bindPlan(device, plan, operand);
  try {
    run();
    await device.synchronize();
    device.startProfile();
    for (let i = 0; i < SPINS; i++) device.dispatch(spin, [spinOutput], "spin");
    for (let i = 0; i < runs; i++) run();
    const rows = (await device.stopProfile()).slice(SPINS);
    const length = plan.dispatches.length;
    const each = (at: number) => Array.from({ length: runs }, (_, i) => rows[i * length + at]!);
    const total = median(Array.from({ length: runs }, (_, i) => {
      const [first, last] = [rows[i * length]!, rows[(i + 1) * length - 1]!];
      return (last.start! + last.nanoseconds! - first.start!) / 1e3;
    }));
    const kernels = plan.dispatches.map(({ program, grid }, at) => {
      const time = median(each(at).map(({ nanoseconds }) => nanoseconds! / 1e3));
      return `${program.id.replace(/^.*\//, "")} ${time.toFixed(0)} [${grid}]`;
    });
    return [total, kernels];
  } finally {
    release();
  }
}

interface Row {
  readonly name: string;
  readonly plan: Plan;
}

const budget = options.bytes === undefined ? {} : { columnBytes: Number(options.bytes) };

function plansOf(layer: Layer, direction: string): Row[] {
  const settings = settingsOf(layer);
  const problem = describeDeformable(settings);
  const named = (plan: Plan, name = ""): Row => ({ name: `${plan.label} ${name}`, plan });
  const products = (rows: number, depth: number) =>
    [
      undefined,
      ...problemCandidates(
        capabilities,
        productProblem({
          images: problem.batch,
          places: problem.outputs,
          width: problem.outputs,
          groups: problem.groups,
          rows,
          depth,
        }),
      ),
    ].slice(0, Number(options.products));
  const forward = { ...settings, hasBias: true };
  switch (direction) {
    case "fwd":
      return products(problem.filters, problem.channels * problem.taps).map((product) =>
        named(
          planDeformableConvolution(capabilities, forward, {
            ...budget,
            ...(product ? { product } : {}),
          }),
        )
      );
    case "half": {
      const plan = planHalfDeformable(capabilities, forward);
      return plan === null ? [] : [named(plan)];
    }
    case "bwd_data": {
      const parts: SampledPart[] = settings.modulated
        ? ["data", "offset", "mask"]
        : ["data", "offset"];
      const scatters = cpu ? ["walk", "gather"] as const : ["gather", "walk"] as const;
      const variants: DeformableVariant[] = [
        ...scatters.map((scatter) => ({ scatter })),
        ...products(problem.depth * 4, problem.filters).slice(1).map((product) => ({
          product: product!,
        })),
      ];
      return variants.map((variant) =>
        named(
          planDeformableSampledGradient(capabilities, settings, parts, { ...budget, ...variant }),
          variant.scatter,
        )
      );
    }
    default:
      return [named(planDeformableWeightGradient(capabilities, settings, budget))];
  }
}

if (!cpu) {
  device.startProfile();
  for (let i = 0; i < 40; i++) device.dispatch(spin, [spinOutput], "spin");
  const times = (await device.stopProfile()).map(({ nanoseconds }) => nanoseconds!);
  console.log(`spin: ${Math.round(2 * 24 * 8 * 256 * (1 << 19) / median(times))} GFLOP/s`);
}
for (const layer of layers.filter(({ id }) => options.only.split(",").includes(id))) {
  for (const direction of options.directions.split(",")) {
    const found: { name: string; microseconds: number; kernels: string[] }[] = [];
    for (const { name, plan } of plansOf(layer, direction)) {
      if (performance.now() > deadline) break;
      const [microseconds, kernels] = await timePlan(plan, direction === "half");
      found.push({ name, microseconds, kernels });
    }
    found.sort((a, b) => a.microseconds - b.microseconds);
    for (const { name, microseconds, kernels } of found) {
      console.log(`${layer.id} ${direction} ${microseconds.toFixed(0)} us ${name}`);
      if (options.kernels) console.log(kernels.map((kernel) => `    ${kernel}`).join("\n"));
    }
  }
}
for (const buffer of [spinOutput, ...buffers.values()]) buffer.release();
