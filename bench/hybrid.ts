// What hybridize({ staticAlloc, staticShape }) saves: `deno run --allow-all bench/hybrid.ts [--rounds N] [--json FILE]`, or
// the same file on Bun. The upscale network on one tile, eager and hybridized, each on a device of its own; times from alternating rounds, the host's
// part of them until the call returns.

import { parseArgs } from "node:util";
import { Device, scope, tensor } from "../mod.ts";
import { flopsPerPixel, UpscaleNetwork } from "../examples/upscale/network.ts";
import { values } from "./data.ts";
import { makeResult, ourName, type Result, writeResults } from "./results.ts";
import { median, summarize } from "./subject.ts";

const SIDE = 64;

/** One way to run the network. */
interface Way {
  /** Milliseconds of one tile, and until the call returned. */
  time(): Promise<{ readonly all: number; readonly host: number }>;
  result(): Promise<Float64Array>;
  /** Most bytes that the device held at a time, weights included. */
  peak(): number;
  dispose(): void;
}

function makeWay(scale: number, hybridized: boolean): Way {
  const device = Device.open();
  const network = UpscaleNetwork.load(scale, device);
  if (hybridized) {
    network.hybridize(true, { staticAlloc: true, staticShape: true });
  }
  const pixels = values("upscale", 3 * SIDE * SIDE, 127.5).map((value) => value + 127.5);
  const tile = tensor(pixels, [1, 3, SIDE, SIDE], { device });
  return {
    time: async () => {
      const start = performance.now();
      scope(() => void network.call(tile));
      const host = performance.now() - start;
      await device.synchronize();
      return { all: performance.now() - start, host };
    },
    result: async () => {
      using enlarged = scope(() => network.call(tile));
      return Float64Array.from(await enlarged.data());
    },
    peak: () => device.memory().peakBytes,
    dispose: () => device.dispose(),
  };
}

/** A row of the table, and the results behind it. */
interface Report {
  readonly row: string;
  readonly results: readonly Result[];
}

async function report(scale: number, rounds: number): Promise<Report> {
  const ways = [false, true].map((hybridized) => makeWay(scale, hybridized));
  const [eager, hybrid] = ways as [Way, Way];
  const wanted = await eager.result();
  const found = await hybrid.result();
  const largest = wanted.reduce(
    (most, value) => Math.max(most, Math.abs(value)),
    0,
  );
  const error = wanted.reduce(
    (most, value, at) => Math.max(most, Math.abs(value - found[at]!)),
    0,
  ) /
    largest;
  if (!(error < 1e-5)) {
    throw new Error(`results differ by ${error} of the largest`);
  }
  const ratios: number[] = [];
  const times: [eager: number, hybrid: number][] = [];
  const hosts: [eager: number, hybrid: number][] = [];
  for (let round = 0; round < rounds; round++) {
    const slow = await eager.time();
    const fast = await hybrid.time();
    ratios.push(slow.all / fast.all);
    times.push([slow.all, fast.all]);
    hosts.push([slow.host * 1000, fast.host * 1000]);
  }
  const host = [0, 1].map((at) => median(hosts.map((each) => each[at]!)).toFixed(0));
  const peaks = ways.map((way) => way.peak()) as [number, number];
  const work = { gflop: flopsPerPixel(scale) * SIDE * SIDE / 1e9, bytes: 0 };
  const result = (peer: string, at: 0 | 1): Result => ({
    ...makeResult(
      peer,
      `hybrid ${scale}x`,
      "fwd",
      summarize(times.map((each) => each[at])),
      work,
      true,
    ),
    peak_bytes: peaks[at],
  });
  const faster = median(ratios);
  for (const way of ways) way.dispose();
  return {
    row: `| ${scale} times | ${faster.toFixed(2)} | ${(peaks[1] / peaks[0]).toFixed(2)} | ` +
      `${host.join(" / ")} | ${error.toExponential(1)} |`,
    results: [
      result(ourName(), 1),
      { ...result("eager", 0), ours_faster: Number(faster.toPrecision(4)) },
    ],
  };
}

const { values: options } = parseArgs({
  options: { json: { type: "string" }, rounds: { type: "string", default: "15" } },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  throw new RangeError(`Cannot measure: ${options.rounds} rounds, expected a positive integer`);
}

console.log(
  `| ${SIDE}x${SIDE} tile enlarged | eager time / hybridized | peak memory | host µs, eager / hybridized | difference |`,
);
console.log("| --- | --- | --- | --- | --- |");
const results: Result[] = [];
for (const scale of [2, 3, 4]) {
  const found = await report(scale, rounds);
  console.log(found.row);
  results.push(...found.results);
}
writeResults(options.json, results);
