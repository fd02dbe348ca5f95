// Measures every layer of the table on the default device and checks what comes out.
//
//   deno run --allow-all bench/report.ts [options]
//   bun run bench/report.ts [options]

import { appendFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { defaultDevice } from "../mod.ts";
import { dataOf, expected, sampleIndices, worstError } from "./data.ts";
import { benchmarkSet, eightLayers, type Layer, layers } from "./layers.ts";
import { type OperatorRow, operatorRows } from "./operators.ts";
import { Peer } from "./peer.ts";
import {
  deviceTimes,
  makeLayer,
  makeNetwork,
  makeOperator,
  median,
  readTimes,
  sample,
  summarize,
  type Times,
  wallTimes,
  warmUp,
} from "./subject.ts";
import { flopsPerPixel } from "../examples/upscale/network.ts";

const help = `Measures the layers of vknn on a Vulkan device.

usage: report.ts [options]

  --only LIST     eight, set, operators, or ids such as E1,R3,O4 (default: everything)
  --peers         measure TensorFlow.js (WebAssembly, SIMD, two threads) in turns with us
  --upscale       compare the main job: 256x256 pixels enlarged by two
  --milliseconds N  measuring time for each layer and round (default 400)
  --rounds N      rounds of us, peer, us, peer (default 3)
  --kernels       print the device time of each kernel
  --json FILE     append one JSON object for each result
`;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    peers: { type: "boolean", default: false },
    upscale: { type: "boolean", default: false },
    milliseconds: { type: "string", default: "400" },
    rounds: { type: "string", default: "3" },
    kernels: { type: "boolean", default: false },
    json: { type: "string" },
    help: { type: "boolean", default: false, short: "h" },
  },
});
if (options.help) {
  console.log(help);
  process.exit(0);
}
const milliseconds = Number(options.milliseconds);
const rounds = Number(options.rounds);
if (!(milliseconds > 0) || !Number.isInteger(rounds) || rounds < 1) {
  console.error("error: --milliseconds and --rounds must be positive numbers");
  process.exit(1);
}

/** Errors of float32 sums over thousands of products stay below this part of the result. */
const tolerance = 1e-4;
const runtime = process.versions["bun"] !== undefined ? "bun" : "deno";
const subjectName = `vknn-${runtime}`;
const device = defaultDevice();
let failures = 0;

function say(line: Readonly<Record<string, unknown>>): void {
  if (options.json !== undefined) {
    appendFileSync(options.json, JSON.stringify(line) + "\n");
  }
}

/** One result in the form of notes/peers.md. */
function sayResult(
  peer: string,
  id: string,
  times: Times,
  gflop: number,
  bytes: number,
  rest: Readonly<Record<string, unknown>>,
): void {
  const round = (value: number): number => Number(value.toPrecision(5));
  say({
    peer,
    id,
    direction: "fwd",
    ms_min: round(times.min),
    ms_median: round(times.median),
    gflops: round(gflop / times.min * 1e3),
    gbps: round(bytes / times.min / 1e6),
    ...rest,
  });
}

function chosen<T extends { readonly id: string }>(
  rows: readonly T[],
  group: string,
): T[] {
  if (options.only === undefined) return [...rows];
  const words = options.only.split(",");
  return rows.filter(({ id }) => words.includes(group) || words.includes(id));
}

/** Three significant digits in a column of eight. */
function cell(value: number | undefined, width = 8): string {
  if (value === undefined) return "-".padStart(width);
  const text = value >= 100 ? value.toFixed(0) : value.toPrecision(3);
  return text.padStart(width);
}

async function measureLayer(
  layer: Layer,
  peer: Peer | undefined,
): Promise<void> {
  const subject = makeLayer(layer);
  try {
    const indices = sampleIndices(layer);
    const wanted = expected(layer, dataOf(layer), indices);
    const error = worstError(await sample(subject, indices), wanted);
    const ok = error <= tolerance;
    if (!ok) failures++;
    let peerOk = true;
    if (peer !== undefined) {
      await peer.ask({ op: "layer", id: layer.id });
      const { values = [] } = await peer.ask({ op: "sample", indices });
      peerOk = worstError(values, wanted) <= tolerance;
    }
    const count = await warmUp(device, subject);
    const ours: number[] = [];
    const theirs: number[] = [];
    const ratios: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const mine = await wallTimes(device, subject, count, milliseconds, 5);
      ours.push(...mine);
      if (peer === undefined) continue;
      const reply = await peer.ask({ op: "time", milliseconds, atLeast: 5 });
      theirs.push(...reply.milliseconds!);
      ratios.push(median(reply.milliseconds!) / median(mine));
    }
    const wall = summarize(ours);
    const onDevice = await deviceTimes(device, subject, milliseconds);
    const gpu = onDevice === null ? undefined : summarize(onDevice.milliseconds);
    const gflop = layer.gflop.fwd;
    const rate = (time: number | undefined): number | undefined =>
      time === undefined
        ? undefined
        : gflop > 0
        ? gflop / time * 1e3
        : layer.bytes.fwd / time / 1e6;
    let line = `${layer.id.padEnd(4)}${layer.name.padEnd(42)}` +
      cell(rate(gpu?.min)) + cell(rate(gpu?.median)) + cell(rate(wall.min)) +
      cell(rate(wall.median)) +
      `${error.toExponential(1).padStart(9)}${ok ? " " : "!"}`;
    sayResult(subjectName, layer.id, wall, gflop, layer.bytes.fwd, {
      ok,
      device_ms_min: gpu?.min,
      device_ms_median: gpu?.median,
    });
    if (peer !== undefined) {
      const times = summarize(theirs);
      line += cell(rate(times.min)) + cell(rate(times.median)) +
        cell(median(ratios)) +
        (peerOk ? "" : " peer wrong");
      sayResult("tfjs-wasm", layer.id, times, gflop, layer.bytes.fwd, {
        ok: peerOk,
      });
    }
    console.log(gflop > 0 ? line : `${line} (GB/s)`);
    if (options.kernels && onDevice !== null) {
      for (const { program, label, nanoseconds, grid } of onDevice.kernels) {
        const time = (nanoseconds! / 1e3).toFixed(0).padStart(8);
        console.log(
          `      ${time} us  ${label}  ${program}  ${grid.join("x")}`,
        );
      }
    }
  } finally {
    subject.dispose();
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

async function measureLayers(peer: Peer | undefined): Promise<void> {
  const rows = layers.filter((layer) => {
    const group = eightLayers.includes(layer) ? "eight" : "set";
    return chosen([layer], group).length > 0;
  });
  if (rows.length === 0) return;
  const sides = peer === undefined ? "" : "    tfjs  median   times";
  console.log(
    `\nGFLOP/s${" ".repeat(39)}  device  median    wall  median    error ${sides}`,
  );
  for (const layer of rows) {
    await orFailure(layer.id, () => measureLayer(layer, peer));
  }
  if (peer !== undefined) {
    console.log(
      "times: how many times faster we are, median of the rounds' ratios",
    );
  }
}

async function measureOperators(): Promise<void> {
  const rows = chosen(operatorRows, "operators");
  if (rows.length === 0) return;
  console.log(`\nGB/s${" ".repeat(42)}  device  median    wall  median`);
  for (const operator of rows) {
    await orFailure(operator.id, () => measureOperator(operator));
  }
}

async function measureOperator(operator: OperatorRow): Promise<void> {
  const subject = makeOperator(operator);
  try {
    const count = await warmUp(device, subject);
    const wall = summarize(
      await wallTimes(device, subject, count, milliseconds, 5),
    );
    const onDevice = await deviceTimes(device, subject, milliseconds);
    const gpu = onDevice === null ? undefined : summarize(onDevice.milliseconds);
    const rate = (time: number | undefined): number | undefined =>
      time === undefined ? undefined : operator.bytes / time / 1e6;
    const label = `${operator.family}: ${operator.name}`;
    console.log(
      `${operator.id.padEnd(4)}${label.padEnd(42)}` + cell(rate(gpu?.min)) +
        cell(rate(gpu?.median)) + cell(rate(wall.min)) +
        cell(rate(wall.median)),
    );
    sayResult(subjectName, operator.id, wall, 0, operator.bytes, {
      device_ms_min: gpu?.min,
      device_ms_median: gpu?.median,
    });
  } finally {
    subject.dispose();
  }
}

async function measureUpscale(peer: Peer): Promise<void> {
  const [scale, size] = [2, 256];
  const gflop = flopsPerPixel(scale) * size * size / 1e9;
  const subject = makeNetwork(scale, size, size);
  try {
    await peer.ask({ op: "network", scale, width: size, height: size });
    // The two implementations check each other; tests compare ours with the stored reference.
    const indices = Array.from(
      { length: 500 },
      (_, i) => (i * 1571 + 13) % (3 * 4 * size * size),
    );
    const { values = [] } = await peer.ask({ op: "sample", indices });
    const mine = await sample(subject, indices);
    const error = Math.max(...mine.map((value, i) => Math.abs(value - values[i]!))) / 255;
    const ok = error <= 2e-3;
    if (!ok) failures++;
    await readTimes(subject, 0, 2);
    const ours: number[] = [];
    const theirs: number[] = [];
    const ratios: number[] = [];
    for (let round = 0; round < Math.max(5, rounds); round++) {
      const times = await readTimes(subject, milliseconds, 3);
      const reply = await peer.ask({ op: "time", milliseconds, atLeast: 3 });
      ours.push(...times);
      theirs.push(...reply.milliseconds!);
      ratios.push(median(reply.milliseconds!) / median(times));
    }
    console.log(
      `\nupscale ${size}x${size} by ${scale}: ${gflop.toFixed(1)} GFLOP, input to result`,
    );
    for (
      const [name, times] of [[subjectName, ours], [
        "tfjs-wasm",
        theirs,
      ]] as const
    ) {
      const { min, median: middle } = summarize(times);
      console.log(
        `  ${name.padEnd(10)} min ${min.toFixed(0)} ms, ${
          (gflop / min * 1e3).toFixed(1)
        } GFLOP/s; ` +
          `median ${middle.toFixed(0)} ms, ${(gflop / middle * 1e3).toFixed(1)} GFLOP/s`,
      );
      sayResult(name, "upscale", { min, median: middle }, gflop, 0, { ok });
    }
    console.log(
      `  ${median(ratios).toFixed(2)} times as fast (median of ratios), ` +
        `difference ${error.toExponential(1)} of full scale${ok ? "" : " !"}`,
    );
  } finally {
    subject.dispose();
  }
}

if (options.json !== undefined) writeFileSync(options.json, "");
const { name, driverInfo, apiVersion } = device.adapter;
console.log(
  `${name} (${driverInfo}, Vulkan ${apiVersion}), ${runtime} ${process.versions[runtime]}`,
);
say({
  direction: "info",
  peer: subjectName,
  version: `${runtime} ${process.versions[runtime]}`,
  device: name,
  driver: driverInfo,
  layers: eightLayers.length + benchmarkSet.length,
});
const peer = options.peers || options.upscale ? await Peer.start() : undefined;
try {
  if (peer !== undefined) {
    const { version, threads, simd, runtime: host } = peer.greeting;
    console.log(
      `peer: ${version}, WebAssembly, ${threads} threads, SIMD ${simd}, ${host}`,
    );
    say({
      direction: "info",
      peer: "tfjs-wasm",
      version,
      threads,
      runtime: host,
    });
  }
  await measureLayers(options.peers ? peer : undefined);
  await measureOperators();
  if (options.upscale) await measureUpscale(peer!);
} finally {
  await peer?.stop();
}
if (failures > 0) {
  console.error(
    `error: ${failures} rows failed or are wrong; they are marked with !`,
  );
}
process.exitCode = failures > 0 ? 1 : 0;
