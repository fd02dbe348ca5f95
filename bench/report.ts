// Measures every layer of the table on the default device and checks what comes out.
//
//   deno run --allow-all bench/report.ts [options]
//   bun run bench/report.ts [options]

import { appendFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { defaultDevice } from "../mod.ts";
import { measureCeilings } from "./ceilings.ts";
import { BENCH_TYPES } from "./layer_subject.ts";
import { type Direction, DIRECTIONS, eightLayers, type Layer, layers, workOf } from "./layers.ts";
import { type Measured, measureLayer, measureSubject, measureUpscale } from "./measure.ts";
import { operatorRows } from "./operators.ts";
import { Peer, pythonNames } from "./peer.ts";
import type { Backend, PythonPeer } from "./peer_protocol.ts";
import { reportMarkdown } from "./report_markdown.ts";
import { reportSvg } from "./report_svg.ts";
import { byPeer, type Info, ourName, partOfCopy, readResults, type Result } from "./results.ts";
import type { Effort } from "./rivals.ts";
import { makeOperator } from "./subject.ts";
import { measureSweep, sweepMarkdown } from "./sweep.ts";

const help = `Measures the layers of vknn on a Vulkan device.

usage: report.ts [options]

  --only LIST        eight, set, operators, none, or ids such as E1,R3,O4 (default: everything)
  --directions LIST  fwd, bwd_data, bwd_weight, bwd_all, or all (default: fwd)
  --dtype NAME       float32 or float16 (default: float32)
  --peers            measure TensorFlow.js (WebAssembly, SIMD, two threads) in turns with us
  --webgpu           measure TensorFlow.js on WebGPU, on the same device, in turns with us (Deno)
  --python LIST      measure ${
  pythonNames.join(", ")
} or some of them in turns with us (scripts/peers installs them)
  --upscale          compare the main job: 256x256 pixels enlarged by two, layer by layer and folded
  --also FILE        results of other peers, as JSON lines; may be given several times
  --sweep            show how cost grows with batch and size
  --milliseconds N   measuring time for each layer and round (default 400)
  --rounds N         rounds of us, peer, us, peer (default 3)
  --kernels          print the device time of each kernel
  --json FILE        write one JSON object for each result
  --markdown FILE    write tables of all results
  --svg FILE         draw the forward results under the device's roofline
`;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    directions: { type: "string", default: "fwd" },
    dtype: { type: "string", default: "float32" },
    peers: { type: "boolean", default: false },
    webgpu: { type: "boolean", default: false },
    python: { type: "string" },
    upscale: { type: "boolean", default: false },
    also: { type: "string", multiple: true, default: [] },
    sweep: { type: "boolean", default: false },
    milliseconds: { type: "string", default: "400" },
    rounds: { type: "string", default: "3" },
    kernels: { type: "boolean", default: false },
    json: { type: "string" },
    markdown: { type: "string" },
    svg: { type: "string" },
    help: { type: "boolean", default: false, short: "h" },
  },
});

function fail(message: string): never {
  console.error(`error: ${message}`);
  process.exit(1);
}

if (options.help) {
  console.log(help);
  process.exit(0);
}
const effort: Effort = {
  milliseconds: Number(options.milliseconds),
  rounds: Number(options.rounds),
};
if (
  !(effort.milliseconds > 0) || !Number.isInteger(effort.rounds) ||
  effort.rounds < 1
) {
  fail("--milliseconds and --rounds must be positive numbers");
}
const asked = options.directions === "all" ? [...DIRECTIONS] : options.directions.split(",");
const unknown = asked.find((word) => !(DIRECTIONS as readonly string[]).includes(word));
if (unknown !== undefined) {
  fail(
    `unknown direction "${unknown}", expected all or some of ${DIRECTIONS.join(", ")}`,
  );
}
const directions = asked as Direction[];
const dtype = BENCH_TYPES.find((name) => name === options.dtype) ??
  fail(`unknown dtype "${options.dtype}", expected ${BENCH_TYPES.join(" or ")}`);
const pythons = options.python?.split(",") ?? [];
const stranger = pythons.find((word) => !(pythonNames as readonly string[]).includes(word));
if (stranger !== undefined) {
  fail(`unknown library "${stranger}", expected some of ${pythonNames.join(", ")}`);
}

const device = defaultDevice();
const results: Result[] = options.also.flatMap(readResults);
let failures = 0;

function write(line: Result | Info): void {
  if (options.json !== undefined) {
    appendFileSync(options.json, JSON.stringify(line) + "\n");
  }
}

function keep(measured: Pick<Measured, "ours" | "peers">): void {
  for (const result of [measured.ours, ...measured.peers]) {
    results.push(result);
    write(result);
  }
}

function chosen<T extends { readonly id: string }>(
  rows: readonly T[],
  group: (row: T) => string,
) {
  if (options.only === undefined) return [...rows];
  const words = options.only.split(",");
  return rows.filter((row) => words.includes(group(row)) || words.includes(row.id));
}

/** Three significant digits in a column of eight. */
function cell(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "-".padStart(8);
  return (value >= 100 ? value.toFixed(0) : value.toPrecision(3)).padStart(8);
}

/** GFLOP/s, or GB/s where only memory is moved. */
function rate(
  work: { gflop: number; bytes: number },
  milliseconds: number | undefined,
) {
  if (milliseconds === undefined) return undefined;
  return work.gflop > 0 ? work.gflop / milliseconds * 1e3 : work.bytes / milliseconds / 1e6;
}

function ourCells(
  work: { gflop: number; bytes: number },
  ours: Result,
): string {
  return [
    ours.device_ms_min,
    ours.device_ms_median,
    ours.ms_min,
    ours.ms_median,
  ]
    .map((time) => cell(rate(work, time))).join("");
}

/** Best and median rate of a peer, and how many times faster we are. */
function peerCells(
  work: { gflop: number; bytes: number },
  result: Result | undefined,
): string {
  const cells = [rate(work, result?.ms_min), rate(work, result?.ms_median), result?.ours_faster];
  return "    " + cells.map(cell).join("") + (result?.ok === false ? "!" : " ");
}

function printLayer(
  layer: Layer,
  direction: Direction,
  measured: Measured,
  names: readonly string[],
): void {
  const work = workOf(layer, direction);
  const { ours, peers, error, kernels } = measured;
  if (!ours.ok) failures++;
  const columns = names.map((name) => peerCells(work, peers.find(({ peer }) => peer === name)));
  const copy = peers.find(({ peer }) => peer.startsWith("copy"));
  const part = copy && 100 * partOfCopy(ours, copy, device.adapter.software);
  console.log(
    `${layer.id.padEnd(4)}${layer.name.padEnd(42)}${ourCells(work, ours)}` +
      `${error.toExponential(1).padStart(9)}${ours.ok ? " " : "!"}${columns.join("")}` +
      (part === undefined ? "" : ` (GB/s; ${part.toFixed(0)} % of a copy)`),
  );
  if (!options.kernels) return;
  for (const { program, label, nanoseconds, grid } of kernels) {
    const time = ((nanoseconds ?? NaN) / 1e3).toFixed(0).padStart(8);
    console.log(`      ${time} us  ${label}  ${program}  ${grid.join("x")}`);
  }
}

/** One row that cannot be measured does not cost the others. */
async function orFailure(
  id: string,
  measure: () => Promise<void>,
): Promise<void> {
  try {
    await measure();
  } catch (error) {
    failures++;
    console.log(
      `${id.padEnd(4)}${error instanceof Error ? error.message : String(error)} !`,
    );
  }
}

async function measureLayers(peers: readonly Peer[]): Promise<Layer[]> {
  const rows = chosen(
    layers,
    (layer) => (eightLayers.includes(layer) ? "eight" : "set"),
  );
  for (const direction of directions) {
    const able = rows.filter((layer) => layer.directions.includes(direction));
    if (able.length === 0) continue;
    const names = peers.map(({ name }) => name);
    const sides = names.map((name) => `${name.padStart(12)}  median   times `).join("");
    console.log(
      `\n${`${direction}, GFLOP/s`.padEnd(46)}  device  median    wall  median    error ${sides}`,
    );
    for (const layer of able) {
      await orFailure(layer.id, async () => {
        const measured = await measureLayer(
          device,
          layer,
          direction,
          peers,
          effort,
          dtype,
        );
        keep(measured);
        printLayer(layer, direction, measured, names);
      });
    }
  }
  if (peers.length > 0) {
    console.log(
      "times: how many times faster we are, median of the rounds' ratios",
    );
  }
  return rows;
}

async function measureOperators(): Promise<void> {
  const rows = chosen(operatorRows, () => "operators");
  if (rows.length === 0) return;
  console.log(`\n${"GB/s".padEnd(46)}  device  median    wall  median`);
  for (const operator of rows) {
    await orFailure(operator.id, async () => {
      const subject = makeOperator(operator);
      try {
        const work = { gflop: 0, bytes: operator.bytes };
        const ours = await measureSubject(
          device,
          operator.id,
          subject,
          work,
          effort,
        );
        keep({ ours, peers: [] });
        const label = `${operator.family}: ${operator.name}`;
        console.log(
          `${operator.id.padEnd(4)}${label.padEnd(42)}${ourCells(work, ours)}`,
        );
      } finally {
        subject.dispose();
      }
    });
  }
}

async function compareUpscale(peer: Peer, folded: boolean): Promise<void> {
  const measured = await measureUpscale(peer, effort, folded);
  keep(measured);
  const { ours, peers: [theirs], error } = measured;
  if (!ours.ok) failures++;
  console.log(
    `\nupscale 256x256 by 2, input to result, ${
      folded ? "linear layers joined as the example does" : "layer by layer"
    }`,
  );
  for (const { peer: name, ms_min, ms_median, gflops } of [ours, theirs!]) {
    console.log(
      `  ${name.padEnd(10)} min ${ms_min.toFixed(0)} ms, ${gflops.toFixed(1)} GFLOP/s; ` +
        `median ${ms_median.toFixed(0)} ms, ${(gflops * ms_min / ms_median).toFixed(1)} GFLOP/s`,
    );
  }
  console.log(
    `  ${theirs!.ours_faster!.toFixed(2)} times as fast (median of ratios), ` +
      `difference ${error.toExponential(1)} of full scale${ours.ok ? "" : " !"}`,
  );
}

async function startPeer(which: Backend | PythonPeer): Promise<Peer> {
  const peer = await Peer.start(which);
  const { version, threads, simd, runtime } = peer.greeting;
  console.log(
    `peer: ${version}, ${which}, ${threads} threads, SIMD ${simd}, ${runtime}`,
  );
  write({ direction: "info", peer: peer.name, version, threads, runtime });
  return peer;
}

if (options.json !== undefined) writeFileSync(options.json, "");
const { name, driverInfo, apiVersion } = device.adapter;
const runtime = "Bun" in globalThis ? "bun" : "deno";
const version = `${runtime} ${process.versions[runtime]}`;
const title = `${name} (${driverInfo}, Vulkan ${apiVersion}), ${version}`;
console.log(title);
const ceilings = await measureCeilings(device);
console.log(
  `ceilings: ${ceilings.gflops.toFixed(0)} GFLOP/s in registers, ${
    ceilings.gbps.toFixed(1)
  } GB/s copied`,
);
write({
  direction: "info",
  peer: ourName(dtype),
  version,
  device: name,
  driver: driverInfo,
  software: device.adapter.software,
  ...ceilings,
});

const peers: Peer[] = [];
try {
  if (options.peers || options.upscale) peers.push(await startPeer("wasm"));
  if (options.webgpu) peers.push(await startPeer("webgpu"));
  for (const name of pythons) peers.push(await startPeer(name as PythonPeer));
  const rivals = peers.filter((peer) => peer.name !== "tfjs-wasm" || options.peers);
  const rows = await measureLayers(rivals);
  await measureOperators();
  if (options.upscale) {
    for (const folded of [false, true]) await compareUpscale(peers[0]!, folded);
  }
  const points = options.sweep ? await measureSweep(device, effort) : [];
  for (const { result } of points) write(result);
  const sweep = points.length > 0 ? sweepMarkdown(points) : "";
  if (sweep !== "") console.log(`\n${sweep}`);
  const data = {
    title,
    ours: ourName(dtype),
    layers: rows,
    directions,
    results: byPeer(results),
    ceilings,
  };
  if (options.markdown !== undefined) {
    writeFileSync(
      options.markdown,
      reportMarkdown(data) + (sweep === "" ? "" : `\n${sweep}`),
    );
  }
  if (options.svg !== undefined) writeFileSync(options.svg, reportSvg(data));
} finally {
  for (const peer of peers) await peer.stop();
}
if (failures > 0) {
  console.error(
    `error: ${failures} rows failed or are wrong; they are marked with !`,
  );
}
process.exitCode = failures > 0 ? 1 : 0;
