// Our side of every comparison: a layer, an operator or the upscale network, ready to run, and how
// its time is taken.

import type { Device, KernelTiming, Tensor } from "../mod.ts";
import { scope, tensor } from "../mod.ts";
import { Clock } from "./clock.ts";
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

/** Wall-clock milliseconds of one run, behind busy work on GPUs: enqueue `count` runs, submit, wait, divide. */
export async function wallTimes(
  device: Device,
  subject: Subject,
  count: number,
  milliseconds: number,
  atLeast: number,
): Promise<number[]> {
  const results: number[] = [];
  await Clock.of(device).spin();
  await device.synchronize();
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

/** Device milliseconds of single runs, and the kernels of one. */
export interface DeviceTimes {
  readonly milliseconds: readonly number[];
  readonly kernels: readonly KernelTiming[];
}

/**
 * Device milliseconds of a run by timestamps around every kernel; null where the device has none. Several runs are
 * submitted at once, behind busy work on GPUs, so that the clock is up.
 *
 * @param count Runs for each submission.
 * @param atLeast Submissions at least, more while they take less than `limit` milliseconds together.
 * @returns Times of single runs, and the kernels of the fastest submission.
 */
export async function deviceTimes(
  device: Device,
  subject: Subject,
  count: number,
  limit: number,
  atLeast = 5,
): Promise<DeviceTimes | null> {
  const clock = Clock.of(device);
  const milliseconds: number[] = [];
  let kernels: readonly KernelTiming[] = [];
  const start = performance.now();
  while (milliseconds.length < atLeast || performance.now() - start < limit) {
    const { kernels: all } = await clock.time(() => {
      for (let i = 0; i < count; i++) release(subject.run());
    });
    if (all.some(({ nanoseconds }) => nanoseconds === null)) return null;
    const total = all.reduce((sum, { nanoseconds }) => sum + nanoseconds!, 0);
    const time = total / count / 1e6;
    if (time < Math.min(...milliseconds, Infinity)) kernels = all.slice(-all.length / count);
    milliseconds.push(time);
  }
  return { milliseconds, kernels };
}

/** What two rounds of {@linkcode deviceTimes} gave together, so that one bad moment does not decide. */
export function joinTimes(
  first: DeviceTimes | null,
  second: DeviceTimes | null,
): DeviceTimes | null {
  if (first === null || second === null) return null;
  const least = ({ milliseconds }: DeviceTimes) => Math.min(...milliseconds);
  return {
    milliseconds: [...first.milliseconds, ...second.milliseconds],
    kernels: (least(first) < least(second) ? first : second).kernels,
  };
}
