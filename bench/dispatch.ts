// What one eager call costs the host: `deno run --allow-all bench/dispatch.ts [--json FILE]`, or the same file on Bun.
// Calls come in bursts. Submitting them is measured; what the device does with them happens between the bursts, and is not.

import { parseArgs } from "node:util";
import { autograd, Conv2D, defaultDevice, type Device, ops, type Tensor, zeros } from "../mod.ts";
import { planScalar } from "../src/kernels/elementwise.ts";
import { makeResult, ourName, type Result, writeResults } from "./results.ts";

/** Calls between two waits for the device. */
export const CALLS = 100;

const BURSTS = 300;
const WARMUP = 100;

/** The kinds of calls, each of one small kernel. */
export const dispatchNames = [
  "device.dispatch, independent",
  "device.dispatch, each reads the last result",
  "add(a, b)",
  "a.mul(2)",
  "convolution(x, weight, bias)",
  "Conv2D.call(x)",
  "Conv2D.call(x), recorded",
] as const;

/** One kind of call. */
export interface DispatchSubject {
  readonly name: string;
  /** Makes one call; `index` counts within the burst. */
  call(index: number): void;
}

/** The calls behind the names. */
export function dispatchSubjects(device: Device): readonly DispatchSubject[] {
  const count = 64;
  const buffers = Array.from(
    { length: CALLS + 1 },
    () => device.allocate(count * 4, "bench"),
  );
  const [kernel] = planScalar(
    device.capabilities,
    { kind: "affine", scale: 0.5, shift: 1 },
    count,
  ).dispatches;
  if (kernel === undefined) {
    throw new Error("a scalar operation has one kernel");
  }
  const pairs = buffers.slice(1).map((buffer) => [buffers[0]!, buffer]);
  const links = buffers.slice(1).map((
    buffer,
    index,
  ) => [buffers[index]!, buffer]);
  const options = { device };
  const a = zeros([8, 8], options);
  const b = zeros([8, 8], options);
  const image = zeros([1, 4, 4, 4], options);
  const layer = new Conv2D(4, 3, {
    padding: 1,
    inChannels: 4,
    activation: "relu",
  });
  layer.initialize(null, { device });
  const [weight, bias] = [layer.weight.data(), layer.bias!.data()];
  const drop = (tensor: Tensor) => tensor.dispose();
  const calls: Record<(typeof dispatchNames)[number], (index: number) => void> = {
    "device.dispatch, independent": (index) => device.dispatch(kernel, pairs[index]!, "bench"),
    "device.dispatch, each reads the last result": (index) =>
      device.dispatch(kernel, links[index]!, "bench"),
    "add(a, b)": () => drop(ops.add(a, b)),
    "a.mul(2)": () => drop(a.mul(2)),
    "convolution(x, weight, bias)": () =>
      drop(ops.convolution(image, weight, bias, { padding: 1 })),
    "Conv2D.call(x)": () => drop(layer.call(image)),
    "Conv2D.call(x), recorded": () => drop(autograd.record(() => layer.call(image))),
  };
  return dispatchNames.map((name) => ({ name, call: calls[name] }));
}

/** Makes a burst of calls and waits for the device; the time of the calls alone, in microseconds for each. */
export function measureBurst(
  device: Device,
  { call }: DispatchSubject,
): number {
  const start = performance.now();
  for (let i = 0; i < CALLS; i++) call(i);
  const time = performance.now() - start;
  device.synchronizeSync();
  return time * 1000 / CALLS;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)]!;
}

/** Time that this thread has run, in microseconds; undefined where the runtime does not tell. */
export function threadTime(): number | undefined {
  const { process } = globalThis as {
    process?: { threadCpuUsage?(): { user: number; system: number } };
  };
  const usage = process?.threadCpuUsage?.();
  return usage === undefined ? undefined : usage.user + usage.system;
}

if (import.meta.main) {
  const { values: options } = parseArgs({ options: { json: { type: "string" } } });
  const device = defaultDevice();
  const results: Result[] = [];
  // A software device works on the same cores meanwhile: only the thread's own time then tells what the host pays.
  console.log("| call | µs, median | µs, fastest tenth | µs of the thread, waits included |");
  console.log("| --- | --- | --- | --- |");
  for (const subject of dispatchSubjects(device)) {
    for (let i = 0; i < WARMUP; i++) measureBurst(device, subject);
    const before = threadTime();
    const times = Array.from({ length: BURSTS }, () => measureBurst(device, subject));
    const after = threadTime();
    times.sort((x, y) => x - y);
    const [median, fast] = [quantile(times, 0.5), quantile(times, 0.1)];
    const own = before === undefined || after === undefined
      ? "-"
      : ((after - before) / (BURSTS * CALLS)).toFixed(2);
    const name = `dispatch: ${subject.name}`;
    const milliseconds = { min: times[0]! / 1e3, median: median / 1e3 };
    results.push({
      ...makeResult(ourName(), name, "fwd", milliseconds, { gflop: 0, bytes: 0 }, true),
      ms_tenth: Number((fast / 1e3).toPrecision(5)),
    });
    console.log(`| ${subject.name} | ${median.toFixed(2)} | ${fast.toFixed(2)} | ${own} |`);
  }
  writeResults(options.json, results);
}
