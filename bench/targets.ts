// What the project promises itself in speed beside what was measured, from the JSON lines of report.ts and
// of scripts/peers, as Markdown; where cuDNN is among the peers, what it promises itself on GPUs.
//
//   deno run --allow-read bench/targets.ts out/bench.jsonl out/peers.jsonl
//   deno run --allow-read bench/targets.ts bench/results/h200.jsonl

import { readFileSync } from "node:fs";
import process from "node:process";
import { benchmarkSet, type Direction, workOf } from "./layers.ts";
import { byPeer, geometricMean, readResults, type Result, timesFaster } from "./results.ts";

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("error: expected files of JSON lines, as report.ts --json writes them");
  process.exit(1);
}
const results = byPeer(files.flatMap(readResults));
const ours = [...results].find(([peer]) => peer.startsWith("vknn"))?.[1];
if (ours === undefined) {
  console.error("error: there are no results of vknn in these files");
  process.exit(1);
}

/** Ceilings of the device, from the line that report.ts writes first. */
const ceilings = files.flatMap((file) => readFileSync(file, "utf8").split("\n"))
  .filter((line) => line.includes('"info"'))
  .map((line) => JSON.parse(line) as { peer: string; gflops?: number; gbps?: number })
  .find(({ gbps }) => gbps !== undefined);

function text(value: number): string {
  return Number.isFinite(value)
    ? value >= 100 ? value.toFixed(0) : value.toPrecision(3)
    : "not measured";
}

interface Ratio {
  readonly id: string;
  readonly times: number;
}

function ratios(
  peer: string,
  direction: Direction,
  family?: string,
  times: (mine: Result, other: Result) => number = timesFaster,
): Ratio[] {
  const theirs = results.get(peer);
  return benchmarkSet.flatMap((layer) => {
    if (family !== undefined && layer.family !== family) return [];
    const key = `${layer.id} ${direction}`;
    const [mine, other] = [ours!.get(key), theirs?.get(key)];
    return mine === undefined || other === undefined
      ? []
      : [{ id: layer.id, times: times(mine, other) }];
  });
}

function meanOf(found: readonly Ratio[]): string {
  return text(geometricMean(found.map(({ times }) => times)));
}

function least(found: readonly Ratio[]): string {
  if (found.length === 0) return "";
  const low = found.reduce((a, b) => (b.times < a.times ? b : a));
  return `, least ${text(low.times)} (${low.id})`;
}

/** Names of the layers slower than a bound. */
function below(found: readonly Ratio[], bound: number): string {
  const slow = found.filter(({ times }) => times < bound).map(({ id }) => id);
  return slow.length === 0 ? "" : `; under ${bound}: ${slow.join(", ")}`;
}

const compute = benchmarkSet.filter((layer) => workOf(layer, "fwd").gflop > 0)
  .flatMap(({ id }) => ours.get(`${id} fwd`) ?? []);
const moved = benchmarkSet.filter((layer) => workOf(layer, "fwd").gflop === 0)
  .flatMap(({ id }) => ours.get(`${id} fwd`) ?? []);
const wasm = ratios("tfjs-wasm", "fwd");
const webgpu = ratios("tfjs-webgpu", "fwd");
const ncnn = ratios("ncnn-vk", "fwd");
const ort = ratios("ort", "fwd");
const copied = (result: Result): number => result.gbps / (ceilings?.gbps ?? NaN);
const upscale = (id: string): string =>
  text(results.get("tfjs-wasm")?.get(`${id} fwd`)?.ours_faster ?? NaN);

/** By the device's own clock, with which cuDNN is measured. */
const onDevice = (mine: Result, other: Result): number =>
  other.ms_min / (mine.device_ms_min ?? NaN);

function gpuRow(what: string, direction: Direction): readonly [string, string, string] {
  const found = ratios("cudnn", direction, undefined, onDevice);
  return [
    `times cuDNN in float32 without TF32, ${what}, ${found.length} layers`,
    `${meanOf(found)}${least(found)}; ${
      found.filter(({ times }) => times >= 1).length
    } layers from 1.0`,
    "1.0",
  ];
}

const gpuRows = (): readonly (readonly [string, string, string])[] => [
  gpuRow("forward", "fwd"),
  gpuRow("gradients of inputs", "bwd_data"),
  gpuRow("gradients of weight and bias", "bwd_weight"),
  [
    "memory-bound layers, part of a copy kernel's bandwidth",
    moved.map((result) => {
      const part = copied(result) * result.ms_min / (result.device_ms_min ?? NaN);
      return `${result.id} ${text(100 * part)} %`;
    }).join(", "),
    "85 % each",
  ],
];

const cpuRows = (): readonly (readonly [string, string, string])[] => [
  [
    `geometric mean over ${compute.length} compute layers, forward`,
    `${text(geometricMean(compute.map(({ gflops }) => gflops)))} GFLOP/s, ` +
    `of ${text(ceilings?.gflops ?? NaN)} in registers`,
    "60",
  ],
  [
    `times tfjs-wasm, forward, ${wasm.length} layers`,
    meanOf(wasm) + least(wasm) + below(wasm, 1),
    "4; none under 1.0",
  ],
  [
    "times tfjs-wasm, upscaling 256x256 by 2",
    `${upscale("upscale folded")} with linear layers joined, ${upscale("upscale")} layer by layer`,
    "2",
  ],
  [`times tfjs-webgpu on the same driver, forward, ${webgpu.length} layers`, meanOf(webgpu), "25"],
  [
    `times ncnn-Vulkan on the same driver, forward, ${ncnn.length} layers`,
    meanOf(ncnn) + least(ncnn) + below(ncnn, 1.5),
    "8; none under 1.5",
  ],
  [
    `times ONNX Runtime on the CPU, forward, ${ort.length} layers`,
    `${meanOf(ort)}; ${ort.filter(({ times }) => times >= 1).length} layers from 1.0`,
    "0.4; 6 layers from 1.0",
  ],
  ["times MXNet on the CPU, forward", meanOf(ratios("mxnet", "fwd")), "0.6"],
  ["times MXNet, gradients of inputs", meanOf(ratios("mxnet", "bwd_data")), "0.5"],
  ["times MXNet, gradients of weight and bias", meanOf(ratios("mxnet", "bwd_weight")), "0.5"],
  ["times MXNet, deformable, forward", meanOf(ratios("mxnet", "fwd", "deformable")), "1.5"],
  [
    "times MXNet, deformable, all gradients",
    meanOf(ratios("mxnet", "bwd_all", "deformable")),
    "3",
  ],
  [
    "memory-bound layers, part of a copy kernel's bandwidth",
    moved.map((result) => `${result.id} ${text(100 * copied(result))} %`).join(", "),
    "60 % each",
  ],
];
const rows = results.has("cudnn") ? gpuRows() : cpuRows();
const lines = ["| figure | measured | target |", "| --- | --- | --- |"];
console.log([...lines, ...rows.map((cells) => `| ${cells.join(" | ")} |`)].join("\n"));
