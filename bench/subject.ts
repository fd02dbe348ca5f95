// Our side of every comparison: a layer, an operator or the upscale network, ready to run, and how
// its time is taken.

import {
  Conv1D,
  Conv2D,
  Conv3D,
  type Device,
  type KernelTiming,
  PixelShuffle2D,
  scope,
  type Tensor,
  tensor,
} from "../mod.ts";
import { dataOf, sizeOf, values } from "./data.ts";
import { convolutionOf, type Layer, shuffleOf } from "./layers.ts";
import { makeInputs, type OperatorRow } from "./operators.ts";
import { UpscaleNetwork } from "../examples/upscale/network.ts";

/** Something that can be run again and again. */
export interface Subject {
  /** Enqueues one run; the result belongs to the caller. */
  run(): Tensor;
  dispose(): void;
}

const convolutions = { Conv1D, Conv2D, Conv3D } as const;

/** Makes a layer with its numbers on the default device. */
export function makeLayer(layer: Layer): Subject {
  const data = dataOf(layer);
  const input = tensor(data.input, layer.input);
  const geometry = convolutionOf(layer);
  const factor = shuffleOf(layer);
  const shuffle = factor === undefined ? undefined : new PixelShuffle2D(factor);
  if (geometry === undefined) {
    if (shuffle === undefined) throw new Error(`no layer for ${layer.class}`);
    return { run: () => shuffle.call(input), dispose: () => input.dispose() };
  }
  const {
    channels,
    kernelSize,
    strides,
    padding,
    dilation,
    groups,
    inChannels,
  } = geometry;
  const convolution = new convolutions[layer.class as keyof typeof convolutions](
    channels,
    // The three classes differ in the length of their tuples only, which the table gets right.
    kernelSize as never,
    { strides, padding, dilation, groups, inChannels } as never,
  );
  convolution.loadDict({
    weight: { data: data.weight!, shape: layer.weight! },
    bias: { data: data.bias!, shape: layer.bias! },
  });
  return {
    run: () =>
      scope(() => {
        const result = convolution.call(input);
        return shuffle === undefined ? result : shuffle.call(result);
      }),
    dispose: () => {
      input.dispose();
      convolution.dispose();
    },
  };
}

/** Makes an operator with its inputs. */
export function makeOperator(operator: OperatorRow): Subject {
  const inputs = makeInputs(operator);
  return {
    run: () => operator.run(inputs),
    dispose: () => inputs.forEach((input) => input.dispose()),
  };
}

/** The upscale network with real weights; a run includes sending its input. */
export function makeNetwork(
  scale: number,
  width: number,
  height: number,
): Subject {
  const network = UpscaleNetwork.load(scale);
  const pixels = values("upscale", 3 * width * height, 127.5).map((value) => value + 127.5);
  return {
    run: () => scope(() => network.call(tensor(pixels, [1, 3, height, width]))),
    dispose: () => network.dispose(),
  };
}

/** Outputs at the given positions. */
export async function sample(
  subject: Subject,
  indices: readonly number[],
): Promise<number[]> {
  const output = subject.run();
  const data = await output.data();
  output.dispose();
  if (data.length !== sizeOf(output.shape)) {
    throw new Error("the result has another size");
  }
  return indices.map((index) => data[index]!);
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
  for (let i = 0; i < count; i++) subject.run().dispose();
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
    const output = subject.run();
    await output.data();
    results.push(performance.now() - before);
    output.dispose();
  }
  return results;
}

/**
 * Device milliseconds of single runs by timestamps around every kernel; null where the device has
 * none. Five runs at least, more while they take less than `limit` milliseconds together.
 */
export async function deviceTimes(
  device: Device,
  subject: Subject,
  limit: number,
): Promise<{ milliseconds: number[]; kernels: KernelTiming[] } | null> {
  const milliseconds: number[] = [];
  let kernels: KernelTiming[] = [];
  const start = performance.now();
  while (milliseconds.length < 5 || performance.now() - start < limit) {
    device.startProfile();
    await batch(device, subject, 1);
    kernels = await device.stopProfile();
    if (kernels.some(({ nanoseconds }) => nanoseconds === null)) return null;
    milliseconds.push(
      kernels.reduce((sum, { nanoseconds }) => sum + nanoseconds!, 0) / 1e6,
    );
  }
  return { milliseconds, kernels };
}
