// Convolutions in float16 with cooperative matrices against the float32 kernels, tile by tile, on the device's own clock.
//
//   deno run --allow-all bench/cooperative.ts [options]
//   bun run bench/cooperative.ts [options]

import process from "node:process";
import { parseArgs } from "node:util";
import { defaultDevice, type Device, type DeviceBuffer } from "../mod.ts";
import { planConvolutionProblem } from "../src/kernels/convolution.ts";
import {
  type ConvolutionProblem,
  describeConvolution,
} from "../src/kernels/convolution_problem.ts";
import {
  planCooperativeConvolution,
  prefersCooperative,
  supportsCooperative,
} from "../src/kernels/cooperative.ts";
import { cooperativeAccess } from "../src/kernels/cooperative_pack.ts";
import { COOPERATIVE_TILES, cooperativeTileFits } from "../src/kernels/cooperative_tile.ts";
import type { Plan } from "../src/kernels/plan.ts";
import { Clock } from "./clock.ts";
import { values } from "./data.ts";
import { convolutionOf, type Layer, layers, layoutOf } from "./layers.ts";
import { bindPlan } from "./plan_runner.ts";
import { median } from "./subject.ts";

const help = `Compares float16 convolutions of cooperative matrices with float32 ones.

usage: cooperative.ts [options]

  --only LIST   ids such as E1,R3 (default: every convolution)
  --batch N     this many times the images of the table (default 1)
  --parts       float32 in parts of float16 (precision "high") instead of float16
  --tiles       measure every tile, not only the chosen one
  --seconds N   begin no further layer after this time (default 60)
`;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    batch: { type: "string", default: "1" },
    parts: { type: "boolean", default: false },
    tiles: { type: "boolean", default: false },
    seconds: { type: "string", default: "60" },
    help: { type: "boolean", default: false, short: "h" },
  },
});

const RUNS = 7;
/** Random numbers of both widths are copies of so many bytes. */
const BLOCK_BYTES = 1 << 20;

function problemOf(layer: Layer, times: number): ConvolutionProblem | undefined {
  const geometry = convolutionOf(layer);
  if (geometry === undefined || !/^Conv[123]D$/.test(layer.class)) return undefined;
  const [batch, ...rest] = layer.input;
  return describeConvolution({
    layout: layoutOf(layer),
    input: [batch! * times, ...rest],
    weight: layer.weight!,
    stride: geometry.strides,
    padding: geometry.padding,
    dilation: geometry.dilation,
    groups: geometry.groups,
    hasBias: true,
  });
}

/** A buffer full of small random numbers. */
function makeBuffer(device: Device, byteLength: number, half: boolean): DeviceBuffer {
  const buffer = device.allocate(Math.max(16, Math.ceil(byteLength / 16) * 16), "bench");
  const block = Math.min(byteLength, BLOCK_BYTES);
  const numbers = values("cooperative", block / (half ? 2 : 4));
  const array = half ? Float16Array.from(numbers) : Float32Array.from(numbers);
  device.upload(buffer, new Uint8Array(array.buffer));
  for (let at = block; at < byteLength; at += block) {
    device.copy(buffer, 0, buffer, at, Math.min(block, byteLength - at));
  }
  return buffer;
}

/** Median microseconds of each dispatch of a plan. */
async function timesOf(device: Device, plan: Plan, problem: ConvolutionProblem, half: boolean) {
  const width = half ? 2 : 4;
  const counts = [problem.inputCount, problem.weightCount, problem.filters, problem.outputCount];
  const operands = counts.map((count) => makeBuffer(device, count * width, half));
  const { run, release } = bindPlan(
    device,
    plan,
    (role, index) => operands[role === "input" ? index : 3]!,
  );
  try {
    run();
    await device.synchronize();
    const found: number[][] = plan.dispatches.map(() => []);
    for (let i = 0; i < RUNS; i++) {
      const { kernels } = await Clock.of(device).time(run);
      kernels.forEach(({ nanoseconds }, at) => found[at]!.push((nanoseconds ?? NaN) / 1e3));
    }
    return found.map(median);
  } finally {
    release();
    for (const buffer of operands) buffer.release();
  }
}

function plansOf(device: Device, problem: ConvolutionProblem): Plan[] {
  const { capabilities } = device;
  const { parts } = options;
  if (!options.tiles) return [planCooperativeConvolution(capabilities, problem, { parts })];
  const pointwise = !parts && cooperativeAccess(problem).load === "columns";
  return COOPERATIVE_TILES.filter((tile) => cooperativeTileFits(capabilities, tile, pointwise))
    .map((tile) => planCooperativeConvolution(capabilities, problem, { tile, parts }));
}

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, each) => total + each, 0);

async function measure(device: Device, layer: Layer, problem: ConvolutionProblem): Promise<void> {
  const wide = planConvolutionProblem(device.capabilities, problem);
  const plans = plansOf(device, problem);
  const packed = (plan: Plan) =>
    plan.slots.flatMap((slot) => "dispatches" in slot ? slot.dispatches : []);
  await device.kernels.prepare(
    [wide, ...plans].flatMap((plan) => [...plan.dispatches, ...packed(plan)]),
  );
  const rate = (microseconds: number): string => (problem.flops / microseconds / 1e6).toFixed(1);
  const base = sum(await timesOf(device, wide, problem, false));
  const cells: string[] = [];
  let best = Infinity;
  for (const plan of plans) {
    const times = await timesOf(device, plan, problem, !options.parts);
    best = Math.min(best, sum(times));
    const name = plan.label.replace("Convolution/cooperative_", "");
    cells.push(`${name} ${times.map((time) => time.toFixed(0)).join("+")}us ${rate(sum(times))}`);
  }
  console.log(
    `${layer.id} ${layer.input.join("x")} * ${layer.weight!.join("x")}: float32 ${
      wide.label.replace("Convolution/", "")
    } ` +
      `${base.toFixed(0)}us ${rate(base)} TFLOP/s | ${cells.join(" | ")} | ${
        (base / best).toFixed(2)
      } times`,
  );
}

if (options.help) {
  console.log(help);
  process.exit(0);
}
const device = defaultDevice();
const shape = device.capabilities.cooperativeMatrix;
console.log(
  `${device.adapter.name}: cooperative matrices ${
    shape === null ? "none" : Object.values(shape).join("x")
  }`,
);
if (shape === null) process.exit(0);
const start = performance.now();
for (const layer of layers) {
  if (options.only !== undefined && !options.only.split(",").includes(layer.id)) continue;
  if (performance.now() - start > Number(options.seconds) * 1e3) break;
  const problem = problemOf(layer, Number(options.batch));
  if (problem === undefined || !supportsCooperative(device.capabilities, problem)) continue;
  if (
    device.capabilities.deviceClass !== "cpu" && !prefersCooperative(device.capabilities, problem)
  ) continue;
  await measure(device, layer, problem);
}
