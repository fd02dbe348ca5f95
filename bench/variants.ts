// Times every variant of the layers' convolutions on the default device, by the device's own clock: what the planner's
// estimates are tuned with. One line for each variant, the fastest first; what the planner chooses has a star.
//
//   deno run --allow-all bench/variants.ts [options]
//
//   --only LIST        ids of layers
//   --directions LIST  fwd, bwd_data, bwd_weight
//   --match PATTERN    only variants whose names match
//   --batch N          multiplies the layers' batches (default 1)
//   --runs N           runs of each variant (default 15)
//   --most N           variants that are printed for each layer (default 6)
//   --seconds N        begins nothing after this time (default 80)

import { parseArgs } from "node:util";
import { defaultDevice, type Device, type DeviceBuffer, type Dispatch } from "../mod.ts";
import { programs } from "../shaders/manifest.ts";
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
import { makeDispatch, type Plan } from "../src/kernels/plan.ts";
import { values } from "./data.ts";
import { convolutionOf, type Direction, type Layer, layers, layoutOf } from "./layers.ts";
import { bindPlan, type BoundPlan } from "./plan_runner.ts";
import { median } from "./subject.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "R1,R2,R3,R4,R5,R6,R7,V1,X1,M1,S2,U1,G1,T1,W2,W3" },
    directions: { type: "string", default: "fwd,bwd_data,bwd_weight" },
    batch: { type: "string", default: "1" },
    runs: { type: "string", default: "15" },
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

/** Multiply-adds for some milliseconds, so that the device's clock is up when the measurement begins. */
function makeSpin(device: Device): { dispatch: Dispatch; gflop: number; output: DeviceBuffer } {
  const [invocations, rounds] = [1 << 19, 256];
  const dispatch = makeDispatch(
    programs["probe/multiply_add"],
    { local_size_x: 64, rounds },
    { factor: 0.999, shift: 0.001 },
    [0],
    [invocations / 64, 1, 1],
  );
  const output = device.allocate(invocations * 4, "spin");
  return { dispatch, output, gflop: 2 * 24 * 8 * rounds * invocations / 1e9 };
}

/** Dispatches before a measurement, some 20 milliseconds: a device's clock falls while a pipeline is compiled. */
const SPINS = 25;

const device = defaultDevice();
/** Best speed of the spinning so far, and measurements before which it was far below that. */
let [best, slow] = [0, 0];
const cpu = device.capabilities.deviceClass === "cpu";
const runs = Number(options.runs);
const match = new RegExp(options.match);
const deadline = performance.now() + 1e3 * Number(options.seconds);
const most = Number(options.most);
const batch = Number(options.batch);
const bench = new Workbench(device);
const spin = makeSpin(device);

/** Microseconds of a plan from its first dispatch to the end of its last. */
async function timePlan(plan: Plan, byteLength: number): Promise<number> {
  const { run, release } = bench.bind(plan, byteLength);
  try {
    run();
    await device.synchronize();
    device.startProfile();
    const before = cpu ? 0 : SPINS;
    for (let i = 0; i < before; i++) device.dispatch(spin.dispatch, [spin.output], "spin");
    for (let i = 0; i < runs; i++) run();
    const profile = await device.stopProfile();
    const rows = profile.slice(before);
    const speed = cpu ? Infinity : spin.gflop / profile[before - 1]!.nanoseconds! * 1e9;
    best = Math.max(best, cpu ? 0 : speed);
    if (speed < 0.9 * best) slow++;
    const length = plan.dispatches.length;
    return median(Array.from({ length: runs }, (_, i) => {
      const [first, last] = [rows[i * length]!, rows[(i + 1) * length - 1]!];
      return (last.start! + last.nanoseconds! - first.start!) / 1e3;
    }));
  } finally {
    release();
  }
}

if (!cpu) {
  device.startProfile();
  for (let i = 0; i < 40; i++) device.dispatch(spin.dispatch, [spin.output], "spin");
  const times = (await device.stopProfile()).map(({ nanoseconds }) => nanoseconds!);
  console.log(`spin: ${Math.round(spin.gflop / median(times) * 1e9)} GFLOP/s`);
}
for (const layer of layers.filter(({ id }) => options.only.split(",").includes(id))) {
  for (const direction of options.directions.split(",") as Direction[]) {
    const { names, plan } = familyOf(device, layer, direction, batch);
    const bytes = largestBytes(layer, batch);
    const found: { name: string; microseconds: number }[] = [];
    const chosenNames = names.filter((name, at) => at === 0 || match.test(name));
    for (const name of chosenNames) {
      if (performance.now() > deadline) break;
      found.push({ name, microseconds: await timePlan(plan(name), bytes) });
    }
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
spin.output.release();
