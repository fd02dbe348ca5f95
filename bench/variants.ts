// Times every variant of the layers' convolutions on the default device, by the device's own clock: what the planner's
// estimates are tuned with. One line for each variant, the fastest first; what the planner chooses has a star.
//
//   deno run --allow-all bench/variants.ts [options]
//
//   --only LIST        ids of layers
//   --directions LIST  fwd, bwd_data, bwd_weight
//   --match PATTERN    only variants whose names match
//   --batch N          multiplies the layers' batches (default 1)
//   --runs N           runs of each variant in a round (default 10)
//   --rounds N         rounds over the variants of a layer, of which the least median counts (default 2)
//   --most N           variants that are printed for each layer (default 6)
//   --seconds N        begins nothing after this time (default 80)

import { parseArgs } from "node:util";
import { defaultDevice, type Device, type DeviceBuffer } from "../mod.ts";
import {
  convolutionCandidates,
  type ConvolutionSettings,
  planConvolution,
} from "../src/kernels/convolution.ts";
import {
  planWeightGradient,
  weightGradientCandidates,
} from "../src/kernels/convolution_gradient.ts";
import { deconvolutionCandidates, planDeconvolution } from "../src/kernels/deconvolution.ts";
import type { Plan } from "../src/kernels/plan.ts";
import { Clock } from "./clock.ts";
import { values } from "./data.ts";
import { convolutionOf, type Direction, type Layer, layers, layoutOf } from "./layers.ts";
import { bindPlan, type BoundPlan } from "./plan_runner.ts";
import { median } from "./subject.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "R1,R2,R3,R4,R5,R6,R7,V1,X1,M1,S2,U1,G1,T1,W2,W3" },
    directions: { type: "string", default: "fwd,bwd_data,bwd_weight" },
    batch: { type: "string", default: "1" },
    runs: { type: "string", default: "10" },
    rounds: { type: "string", default: "2" },
    match: { type: "string", default: "" },
    most: { type: "string", default: "6" },
    seconds: { type: "string", default: "80" },
  },
});

/** The largest part of a buffer that is sent at once; the rest repeats it. */
const NOISE = new Uint8Array(values("noise", 1 << 20).buffer);

/** Plans of one layer in one direction. */
interface Family {
  readonly names: readonly string[];
  readonly plan: (name?: string) => Plan;
}

function familyOf(device: Device, layer: Layer, direction: Direction, batch: number): Family {
  const { capabilities } = device;
  const { strides, padding, dilation, groups } = convolutionOf(layer)!;
  const transposed = layer.class.endsWith("Transpose");
  const enlarge = (shape: readonly number[]) => shape.with(0, shape[0]! * batch);
  const result = enlarge(layer.conv_output ?? layer.output);
  const [large, small] = transposed
    ? [result, enlarge(layer.input)]
    : [enlarge(layer.input), result];
  const layout = layoutOf(layer);
  const geometry = { layout, stride: strides, padding, dilation, groups, weight: layer.weight! };
  const forward: ConvolutionSettings = { ...geometry, input: large };
  if (direction === "bwd_weight") {
    return {
      names: weightGradientCandidates(capabilities, forward),
      plan: (name) => planWeightGradient(capabilities, forward, name),
    };
  }
  if ((direction === "fwd") !== transposed) {
    return {
      names: convolutionCandidates(capabilities, forward),
      plan: (name) => planConvolution(capabilities, forward, name),
    };
  }
  const back = { ...geometry, input: small, size: large.slice(2) };
  return {
    names: deconvolutionCandidates(capabilities, back),
    plan: (name) => planDeconvolution(capabilities, back, name),
  };
}

function largestBytes(layer: Layer, batch: number): number {
  const shapes = [layer.input, layer.output, layer.weight!, layer.conv_output ?? [0]];
  const count = (shape: readonly number[]) => shape.reduce((all, each) => all * each, 1);
  return 4 * batch * Math.max(...shapes.map(count));
}

/** Buffers that plans read and write; inputs are full of noise and shared by all. */
class Workbench {
  readonly #device: Device;
  readonly #shared = new Map<string, DeviceBuffer>();

  constructor(device: Device) {
    this.#device = device;
  }

  #noise(name: string, byteLength: number): DeviceBuffer {
    let buffer = this.#shared.get(name);
    if (buffer !== undefined && buffer.byteLength < byteLength) {
      buffer.release();
      buffer = undefined;
    }
    if (buffer === undefined) {
      buffer = this.#device.allocate(byteLength, name);
      for (let at = 0; at < byteLength; at += NOISE.byteLength) {
        const part = NOISE.subarray(0, Math.min(NOISE.byteLength, byteLength - at));
        this.#device.upload(buffer, part, at);
      }
      this.#shared.set(name, buffer);
    }
    return buffer;
  }

  /** Binds a plan. */
  bind(plan: Plan, byteLength: number): BoundPlan {
    return bindPlan(
      this.#device,
      plan,
      (role, index) => this.#noise(role === "input" ? `input ${index}` : role, byteLength),
    );
  }

  release(): void {
    for (const buffer of this.#shared.values()) buffer.release();
  }
}

const device = defaultDevice();
const clock = Clock.of(device);
/** Measurements before which the clock was low. */
let slow = 0;
const runs = Number(options.runs);
const rounds = Number(options.rounds);
const match = new RegExp(options.match);
const deadline = performance.now() + 1e3 * Number(options.seconds);
const most = Number(options.most);
const batch = Number(options.batch);
const bench = new Workbench(device);

/** Microseconds of a plan from its first dispatch to the end of its last. */
async function timePlan(plan: Plan, byteLength: number): Promise<number> {
  const { run, release } = bench.bind(plan, byteLength);
  try {
    run();
    await device.synchronize();
    const { kernels: rows, fast } = await clock.time(() => {
      for (let i = 0; i < runs; i++) run();
    });
    if (!fast) slow++;
    const length = plan.dispatches.length;
    return median(Array.from({ length: runs }, (_, i) => {
      const [first, last] = [rows[i * length]!, rows[(i + 1) * length - 1]!];
      return (last.start! + last.nanoseconds! - first.start!) / 1e3;
    }));
  } finally {
    release();
  }
}

await clock.spin();
if (clock.best > 0) console.log(`busy: ${Math.round(clock.best)} GFLOP/s`);
for (const layer of layers.filter(({ id }) => options.only.split(",").includes(id))) {
  for (const direction of options.directions.split(",") as Direction[]) {
    const { names, plan } = familyOf(device, layer, direction, batch);
    const bytes = largestBytes(layer, batch);
    const chosenNames = names.filter((name, at) => at === 0 || match.test(name));
    const least = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      for (const name of chosenNames) {
        if (performance.now() > deadline) break;
        const time = await timePlan(plan(name), bytes);
        least.set(name, Math.min(time, least.get(name) ?? Infinity));
      }
    }
    const found = [...least].map(([name, microseconds]) => ({ name, microseconds }));
    found.sort((a, b) => a.microseconds - b.microseconds);
    const flops = plan().flops;
    const lines = found.slice(0, most).map(({ name, microseconds }) =>
      `${name === names[0] ? "*" : ""}${name.replace(/igemm_|split/g, "")} ` +
      `${microseconds.toFixed(0)}us ${(flops / microseconds / 1e6).toFixed(1)}T`.replace("_s1", "")
    );
    const chosen = found.findIndex(({ name }) => name === names[0]);
    if (chosen >= most) lines.push(`*${names[0]} ${found[chosen]!.microseconds.toFixed(0)}us`);
    console.log(`${layer.id} ${direction}: ${lines.join("; ")}`);
  }
}
if (slow > 0) console.log(`${slow} measurements at a low clock`);
bench.release();
