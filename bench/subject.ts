// Our side of every comparison: a layer, an operator or the upscale network, ready to run, and how
// its time is taken.

import type { Device, KernelTiming, Tensor } from "../mod.ts";
import { scope, tensor } from "../mod.ts";
import { sizeOf, values } from "./data.ts";
import { makeInputs, type OperatorRow } from "./operators.ts";
import { FoldedNetwork } from "../examples/upscale/folded_network.ts";
import { UpscaleNetwork } from "../examples/upscale/network.ts";

/** Something that can be run again and again. */
export interface Subject {
  /** Enqueues one run; the results belong to the caller. */
  run(): readonly Tensor[];
  dispose(): void;
}

/** Makes an operator with its inputs. */
export function makeOperator(operator: OperatorRow): Subject {
  const inputs = makeInputs(operator);
  return {
    run: () => [operator.run(inputs)],
    dispose: () => inputs.forEach((input) => input.dispose()),
  };
}

/** The upscale network with real weights, layer by layer or folded; a run includes sending its input. */
export function makeNetwork(
  scale: number,
  width: number,
  height: number,
  folded: boolean,
): Subject {
  const network = folded ? FoldedNetwork.load(scale) : UpscaleNetwork.load(scale);
  const pixels = values("upscale", 3 * width * height, 127.5).map((value) => value + 127.5);
  return {
    run: () => [scope(() => network.call(tensor(pixels, [1, 3, height, width])))],
    dispose: () => network.dispose(),
  };
}

/** Frees the results of a run. */
export function release(tensors: readonly Tensor[]): void {
  for (const each of tensors) each.dispose();
}

/** The first result of a run at positions that are chosen by its size. */
export async function sample(
  subject: Subject,
  choose: (size: number) => readonly number[],
): Promise<{ readonly indices: readonly number[]; readonly values: readonly number[] }> {
  const outputs = subject.run();
  const output = outputs[0]!;
  const data = await output.data();
  const size = sizeOf(output.shape);
  release(outputs);
  if (data.length !== size) throw new Error("the result has another size");
  const indices = choose(size);
  return { indices, values: indices.map((index) => Number(data[index]!)) };
}

/** Milliseconds of one run, by several measurements. */
export interface Times {
  readonly min: number;
  readonly median: number;
}

/** The middle one of some numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Smallest and middle value of some times. */
export function summarize(milliseconds: readonly number[]): Times {
  return { min: Math.min(...milliseconds), median: median(milliseconds) };
}

/** Enqueues several runs and waits for all of them. */
async function batch(
  device: Device,
  subject: Subject,
  count: number,
): Promise<void> {
  for (let i = 0; i < count; i++) release(subject.run());
  await device.synchronize();
}

/**
 * Runs until caches, pipelines and pools are filled, and finds how many runs make one measurement
 * long enough for the clock and the submission not to matter.
 *
 * @returns Runs for each submission, at most 20.
 */
export async function warmUp(
  device: Device,
  subject: Subject,
): Promise<number> {
  for (let i = 0; i < 3; i++) await batch(device, subject, 1);
  const before = performance.now();
  await batch(device, subject, 1);
  const once = Math.max(0.01, performance.now() - before);
  const count = Math.max(1, Math.min(20, Math.ceil(10 / once)));
  await batch(device, subject, count);
  return count;
}

/** Wall-clock milliseconds of one run: enqueue `count` runs, submit, wait, divide. */
export async function wallTimes(
  device: Device,
  subject: Subject,
  count: number,
  milliseconds: number,
  atLeast: number,
): Promise<number[]> {
  const results: number[] = [];
  const start = performance.now();
  while (results.length < atLeast || performance.now() - start < milliseconds) {
    const before = performance.now();
    await batch(device, subject, count);
    results.push((performance.now() - before) / count);
  }
  return results;
}

/** Wall-clock milliseconds of single runs whose results are copied to the host. */
export async function readTimes(
  subject: Subject,
  milliseconds: number,
  atLeast: number,
): Promise<number[]> {
  const results: number[] = [];
  const start = performance.now();
  while (results.length < atLeast || performance.now() - start < milliseconds) {
    const before = performance.now();
    const outputs = subject.run();
    await outputs[0]!.data();
    results.push(performance.now() - before);
    release(outputs);
  }
  return results;
}

/** GPUs lower their clock within microseconds without work, and raise it within tens of milliseconds. */
const SPIN_MILLISECONDS = 100;

/**
 * Device milliseconds of a run by timestamps around every kernel; null where the device has none. Several runs are
 * submitted at once, after some busy time on GPUs, so that the clock is up.
 *
 * @param count Runs for each submission.
 * @param limit Five submissions at least, more while they take less than these milliseconds together.
 * @returns Times of single runs, and the kernels of the last one.
 */
export async function deviceTimes(
  device: Device,
  subject: Subject,
  count: number,
  limit: number,
): Promise<{ milliseconds: number[]; kernels: KernelTiming[] } | null> {
  if (!device.adapter.software) await wallTimes(device, subject, count, SPIN_MILLISECONDS, 1);
  const milliseconds: number[] = [];
  let kernels: KernelTiming[] = [];
  const start = performance.now();
  while (milliseconds.length < 5 || performance.now() - start < limit) {
    device.startProfile();
    await batch(device, subject, count);
    const all = await device.stopProfile();
    if (all.some(({ nanoseconds }) => nanoseconds === null)) return null;
    const total = all.reduce((sum, { nanoseconds }) => sum + nanoseconds!, 0);
    milliseconds.push(total / count / 1e6);
    kernels = all.slice(-all.length / count);
  }
  return { milliseconds, kernels };
}
