// What the project promises itself in speed beside what was measured, as Markdown, from the JSON lines of
// report.ts, hybrid.ts and dispatch.ts and of scripts/peers.
//
//   deno run --allow-read bench/targets.ts bench/results/lavapipe.jsonl
//   deno run --allow-read bench/targets.ts bench/results/h200.jsonl

import process from "node:process";
import { type Each, fasterOnDevice, Findings } from "./findings.ts";
import type { Direction, Layer } from "./layers.ts";
import { geometricMean, type Result } from "./results.ts";

/** What was measured. */
interface Figure {
  /** NaN where nothing was. */
  readonly value: number;
  /** What is behind it, in a few words. */
  readonly detail: string;
}

/** A promise; it is kept by a value of at least or of at most its bound. */
interface Target {
  readonly on: "CPU" | "GPU";
  readonly figure: string;
  readonly unit?: string;
  readonly least?: number;
  readonly most?: number;
  measure(found: Findings): Figure;
}

function text(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3).replace(/\.?0+$/, "");
}

/** The geometric mean and how many layers are in it. */
function mean(found: readonly Each[]): Figure {
  const value = geometricMean(found.map((each) => each.value));
  return { value, detail: found.length === 1 ? found[0]!.id : `${found.length} layers` };
}

/** The least value, and whose are below a bound. */
function slowest(found: readonly Each[], bound: number): Figure {
  const sorted = found.toSorted((a, b) => a.value - b.value);
  const slow = sorted.filter(({ value }) => value < bound);
  const detail = slow.length > 0
    ? slow.map(({ id, value }) => `${id} ${text(value)}`).join(", ")
    : sorted[0]?.id ?? "";
  return { value: sorted[0]?.value ?? NaN, detail };
}

/** How many layers reach a bound. */
function reaching(found: readonly Each[], bound: number): Figure {
  const fast = found.filter(({ value }) => value >= bound).map(({ id }) => id);
  return { value: found.length === 0 ? NaN : fast.length, detail: fast.join(", ") };
}

/** One figure of several, each of them listed. */
function every(found: readonly Each[], choose: (...values: number[]) => number): Figure {
  return {
    value: found.length === 0 ? NaN : choose(...found.map(({ value }) => value)),
    detail: found.map(({ id, value }) => `${id} ${text(value)}`).join(", "),
  };
}

/** Microseconds of the host, the device working on the same cores: the fastest tenth of bursts. */
function hostCost(found: Findings, runtime: "deno" | "bun"): Figure {
  const peer = `vknn-${runtime}`;
  const one = found.result(peer, "dispatch: device.dispatch, each reads the last result");
  const call = found.result(peer, "dispatch: add(a, b)");
  const tenth = (result: Result | undefined) => 1e3 * (result?.ms_tenth ?? NaN);
  return {
    value: tenth(one),
    detail: `fastest tenth; median ${text(1e3 * (one?.ms_median ?? NaN))}, ` +
      `as a call of add(a, b) ${text(tenth(call))}`,
  };
}

/** Slope of time over work, both as logarithms: 1 is linear. */
function growth(found: Findings, beginning: string): Figure {
  const points = found.named(beginning).map((result) => ({
    x: Math.log(result.gflops * result.ms_min),
    y: Math.log(result.ms_min),
  }));
  const middle = (of: "x" | "y") => points.reduce((sum, at) => sum + at[of], 0) / points.length;
  const [x, y] = [middle("x"), middle("y")];
  const above = points.reduce((sum, at) => sum + (at.x - x) * (at.y - y), 0);
  return {
    value: above / points.reduce((sum, at) => sum + (at.x - x) ** 2, 0),
    detail: `${points.length} points`,
  };
}

const isDeformable = ({ family }: Layer) => family === "deformable";

function besidePeer(
  figure: string,
  peer: string,
  direction: Direction,
  least: number,
  chosen?: (layer: Layer) => boolean,
): Target {
  return {
    on: "CPU",
    figure,
    least,
    measure: (found) => mean(found.faster(peer, direction, chosen)),
  };
}

function noneUnder(figure: string, peer: string, least: number): Target {
  return {
    on: "CPU",
    figure,
    least,
    measure: (found) => slowest(found.faster(peer, "fwd"), least),
  };
}

/** Beside cuDNN on the same card; `suffix` names the type in both results. */
function besideCudnn(figure: string, direction: Direction, least: number, suffix = ""): Target {
  return {
    on: "GPU",
    figure,
    least,
    measure: (found) => {
      const peer = `cudnn${suffix}`;
      const all = found.faster(peer, direction, undefined, fasterOnDevice, found.name + suffix);
      const { value, detail } = slowest(all, 0);
      return {
        value: mean(all).value,
        detail: `${all.length} layers, least ${text(value)} (${detail}), ` +
          `${reaching(all, least).value} from ${least}`,
      };
    },
  };
}

const targets: readonly Target[] = [
  {
    on: "CPU",
    figure: "geometric mean over the compute layers, forward",
    unit: " GFLOP/s",
    least: 60,
    measure: (found) => {
      const { value, detail } = mean(found.rates());
      return { value, detail: `${detail}, ${text(found.ceilings.gflops)} in registers` };
    },
  },
  besidePeer("times tfjs-wasm, forward", "tfjs-wasm", "fwd", 4),
  noneUnder("slowest layer beside tfjs-wasm", "tfjs-wasm", 1),
  {
    on: "CPU",
    figure: "times tfjs-wasm, upscaling 256x256 by 2 with linear layers joined",
    least: 2,
    measure: (found) => {
      const times = (id: string) => found.result("tfjs-wasm", id)?.ours_faster ?? NaN;
      const detail = `layer by layer ${text(times("upscale"))}`;
      return { value: times("upscale folded"), detail };
    },
  },
  besidePeer("times tfjs-webgpu on the same driver, forward", "tfjs-webgpu", "fwd", 25),
  besidePeer("times ncnn-Vulkan on the same driver, forward", "ncnn-vk", "fwd", 8),
  noneUnder("slowest layer beside ncnn-Vulkan", "ncnn-vk", 1.5),
  besidePeer("times ONNX Runtime on the CPU, forward", "ort", "fwd", 0.4),
  {
    on: "CPU",
    figure: "layers at least as fast as in ONNX Runtime",
    least: 6,
    measure: (found) => reaching(found.faster("ort", "fwd"), 1),
  },
  besidePeer("times MXNet 2.0 on the CPU, forward", "mxnet", "fwd", 0.6),
  besidePeer("times MXNet, gradients of inputs", "mxnet", "bwd_data", 0.5),
  besidePeer("times MXNet, gradients of weight and bias", "mxnet", "bwd_weight", 0.5),
  besidePeer("times MXNet, deformable, forward", "mxnet", "fwd", 1.5, isDeformable),
  besidePeer("times MXNet, deformable, all gradients", "mxnet", "bwd_all", 3, isDeformable),
  {
    on: "CPU",
    figure: "memory-bound layers, part of a copy kernel's bandwidth",
    unit: " %",
    least: 60,
    measure: (found) => every(found.partsOfCopy(), Math.min),
  },
  {
    on: "CPU",
    figure: "times eager calls, hybridized upscaling of 64x64 tiles",
    least: 1.2,
    measure: (found) =>
      every(
        found.besides("eager", "hybrid").map(({ mine, other }) => ({
          id: mine.id.replace("hybrid ", ""),
          value: other.ours_faster ?? NaN,
        })),
        (...times) => geometricMean(times),
      ),
  },
  {
    on: "CPU",
    figure: "peak memory of that, part of eager calls'",
    most: 0.6,
    measure: (found) =>
      every(
        found.besides("eager", "hybrid").map(({ mine, other }) => ({
          id: mine.id.replace("hybrid ", ""),
          value: (mine.peak_bytes ?? NaN) / (other.peak_bytes ?? NaN),
        })),
        Math.max,
      ),
  },
  {
    on: "CPU",
    figure: "an eager dispatch on the host, Deno",
    unit: " µs",
    most: 5,
    measure: (found) => hostCost(found, "deno"),
  },
  {
    on: "CPU",
    figure: "an eager dispatch on the host, Bun",
    unit: " µs",
    most: 3,
    measure: (found) => hostCost(found, "bun"),
  },
  {
    on: "CPU",
    figure: "power of the batch by which time grows",
    most: 1.1,
    measure: (found) => growth(found, "sweep batch"),
  },
  {
    on: "CPU",
    figure: "power of the pixels by which time grows",
    most: 1.1,
    measure: (found) => growth(found, "sweep size"),
  },
  besideCudnn("times cuDNN in float32 without TF32, forward", "fwd", 1),
  besideCudnn("times cuDNN in float32, gradients of inputs", "bwd_data", 1),
  besideCudnn("times cuDNN in float32, gradients of weight and bias", "bwd_weight", 1),
  besideCudnn("times cuDNN in float16, forward", "fwd", 0.5, "-fp16"),
  {
    on: "GPU",
    figure: "memory-bound layers, part of a copy kernel's bandwidth",
    unit: " %",
    least: 85,
    measure: (found) => every(found.partsOfCopy(), Math.min),
  },
];

function row(target: Target, found: Findings): string {
  const { value, detail } = target.measure(found);
  const { figure, unit = "", least, most } = target;
  const bound = least === undefined ? `≤ ${most}${unit}` : `≥ ${least}${unit}`;
  const isKept = value >= (least ?? -Infinity) && value <= (most ?? Infinity);
  const cells = Number.isNaN(value)
    ? ["not measured", bound, "–"]
    : [`${text(value)}${unit} (${detail})`, bound, isKept ? "yes" : "**no**"];
  return `| ${[figure, ...cells].join(" | ")} |`;
}

/**
 * The promises for the measured device, and what was measured.
 *
 * @param files Files of JSON lines.
 * @returns A table in Markdown.
 */
export function targetTable(files: readonly string[]): string {
  const found = new Findings(files);
  const on = found.isSoftware ? "CPU" : "GPU";
  const rows = targets.filter((target) => target.on === on).map((target) => row(target, found));
  return ["| figure | measured | target | reached |", "| --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}

if (import.meta.main) {
  const files = process.argv.slice(2);
  if (files.length === 0) {
    console.error("error: expected files of JSON lines, as report.ts --json writes them");
    process.exit(1);
  }
  console.log(targetTable(files));
}
