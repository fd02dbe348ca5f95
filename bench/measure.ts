// Measures one row of the report: our side and, in alternating rounds, the peers.

import type { Device, KernelTiming } from "../mod.ts";
import { dataOf, sampleIndices, sizeOf, worstError } from "./data.ts";
import { expected } from "./expected.ts";
import { adjointError, type BenchType, makeLayer } from "./layer_subject.ts";
import { type Direction, type Layer, workOf } from "./layers.ts";
import type { Peer } from "./peer.ts";
import { makeResult, ourName, type Result } from "./results.ts";
import {
  copyRival,
  type Effort,
  layerRival,
  peerRival,
  race,
  type Rival,
  rivalResults,
} from "./rivals.ts";
import {
  deviceTimes,
  joinTimes,
  makeNetwork,
  readTimes,
  sample,
  type Subject,
  summarize,
  wallTimes,
  warmUp,
} from "./subject.ts";
import { flopsPerPixel } from "../examples/upscale/network.ts";

/** Right results have errors below these parts of them. */
const tolerances: Readonly<Record<BenchType, { outputs: number; adjoint: number }>> = {
  // Sums over thousands of products; those over whole tensors are parts of their terms' magnitudes: errors average out.
  float32: { outputs: 1e-4, adjoint: 1e-6 },
  // The numbers themselves are rounded.
  float16: { outputs: 1e-2, adjoint: 1e-3 },
};

/** What one row gave. */
export interface Measured {
  readonly ours: Result;
  readonly peers: readonly Result[];
  /** Largest error of our side. */
  readonly error: number;
  readonly kernels: readonly KernelTiming[];
}

/** Submissions that are timed by the device's own clock before the race, and again behind it. */
const DEVICE_ROUNDS = 3;

/** Runs a race between two rounds of device times: moments at which something else slows the device down are short. */
async function besideDevice<T>(
  device: Device,
  subject: Subject,
  count: number,
  milliseconds: number,
  between: () => Promise<T>,
) {
  const round = () => deviceTimes(device, subject, count, milliseconds / 2, DEVICE_ROUNDS);
  const first = await round();
  const value = await between();
  const found = joinTimes(first, await round());
  if (found === null) return { value, rest: {}, kernels: [] };
  const { min, median: middle } = summarize(found.milliseconds);
  return {
    value,
    rest: { device_ms_min: min, device_ms_median: middle },
    kernels: found.kernels,
  };
}

/** Outputs, or the first gradient, at some positions; a part of their size that we miss. */
async function check(
  layer: Layer,
  direction: Direction,
  dtype: BenchType,
  subject: Subject,
) {
  if (direction !== "fwd") {
    const found = await sample(subject, (size) => sampleIndices(size));
    return { ...found, wanted: found.values, error: await adjointError(layer, direction, dtype) };
  }
  const found = await sample(subject, () => sampleIndices(sizeOf(layer.output)));
  const wanted = expected(layer, dataOf(layer), found.indices);
  return { ...found, wanted, error: worstError(found.values, wanted) };
}

/** Measures a layer in one direction, beside the peers that can do it and, where memory decides, a copy. */
export async function measureLayer(
  device: Device,
  layer: Layer,
  direction: Direction,
  peers: readonly Peer[],
  effort: Effort,
  dtype: BenchType = "float32",
): Promise<Measured> {
  const subject = makeLayer(layer, direction, dtype);
  const rivals: Rival[] = [];
  try {
    const { outputs, adjoint } = tolerances[dtype];
    const { indices, wanted, error } = await check(layer, direction, dtype, subject);
    for (const peer of peers) {
      const rival = await layerRival(peer, layer, direction, indices, wanted, outputs);
      if (rival !== undefined) rivals.push(rival);
    }
    const { gflop, bytes } = workOf(layer, direction);
    const work = { gflop, bytes: dtype === "float16" ? bytes / 2 : bytes };
    if (work.gflop === 0) rivals.push(await copyRival(device, work.bytes, dtype));
    const count = await warmUp(device, subject);
    const { milliseconds } = effort;
    const { value: found, rest, kernels } = await besideDevice(
      device,
      subject,
      count,
      milliseconds,
      () => race(effort, rivals, 5, () => wallTimes(device, subject, count, milliseconds, 5)),
    );
    const ours = makeResult(
      ourName(dtype),
      layer.id,
      direction,
      summarize(found.ours),
      work,
      error <= (direction === "fwd" ? outputs : adjoint),
    );
    return {
      ours: { ...ours, ...rest },
      peers: rivalResults(rivals, found, layer.id, direction, work),
      error,
      kernels,
    };
  } finally {
    subject.dispose();
    for (const rival of rivals) rival.dispose();
  }
}

/** Measures any other subject, without peers. */
export async function measureSubject(
  device: Device,
  id: string,
  subject: Subject,
  work: { gflop: number; bytes: number },
  effort: Effort,
): Promise<Result> {
  const count = await warmUp(device, subject);
  const { milliseconds } = effort;
  const { value: wall, rest } = await besideDevice(
    device,
    subject,
    count,
    milliseconds,
    () => wallTimes(device, subject, count, milliseconds, 5),
  );
  return { ...makeResult(ourName(), id, "fwd", summarize(wall), work, true), ...rest };
}

/**
 * Measures the main job against a peer: 256 x 256 pixels twice as large, from input to result. The peer computes layer by
 * layer; we do too, or as the example does with linear layers joined. GFLOP/s count the original's layers for everybody.
 */
export async function measureUpscale(
  peer: Peer,
  effort: Effort,
  folded: boolean,
): Promise<Measured> {
  const id = folded ? "upscale folded" : "upscale";
  const [scale, size] = [2, 256];
  const work = { gflop: flopsPerPixel(scale) * size * size / 1e9, bytes: 0 };
  const subject = makeNetwork(scale, size, size, folded);
  try {
    await peer.ask({ op: "network", scale, width: size, height: size });
    // The two implementations check each other; tests compare ours with the stored reference.
    const indices = Array.from(
      { length: 500 },
      (_, i) => (i * 1571 + 13) % (3 * 4 * size * size),
    );
    const { values = [] } = await peer.ask({ op: "sample", indices });
    const { values: mine } = await sample(subject, () => indices);
    const error = Math.max(...mine.map((value, i) => Math.abs(value - values[i]!))) / 255;
    const ok = error <= 2e-3;
    await readTimes(subject, 0, 2);
    const rivals = [peerRival(peer, ok)];
    const more = { ...effort, rounds: Math.max(5, effort.rounds) };
    const found = await race(more, rivals, 3, () => readTimes(subject, effort.milliseconds, 3));
    return {
      ours: makeResult(ourName(), id, "fwd", summarize(found.ours), work, ok),
      peers: rivalResults(rivals, found, id, "fwd", work),
      error,
      kernels: [],
    };
  } finally {
    subject.dispose();
  }
}
