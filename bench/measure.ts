// Measures one row of the report: our side and, in alternating rounds, the peers.

import type { Device, KernelTiming } from "../mod.ts";
import { dataOf, sampleIndices, worstError } from "./data.ts";
import { expected } from "./expected.ts";
import { adjointError, makeLayer } from "./layer_subject.ts";
import { type Direction, type Layer, workOf } from "./layers.ts";
import type { Peer } from "./peer.ts";
import { makeResult, type Result } from "./results.ts";
import {
  deviceTimes,
  makeNetwork,
  median,
  readTimes,
  sample,
  type Subject,
  summarize,
  wallTimes,
  warmUp,
} from "./subject.ts";
import { flopsPerPixel } from "../examples/upscale/network.ts";

/** Errors of float32 sums over thousands of products stay below this part of the result. */
const TOLERANCE = 1e-4;

/** Sums over the whole tensor, in parts of their terms' magnitudes: errors average out. */
const ADJOINT_TOLERANCE = 1e-6;

/** How long and how often. */
export interface Effort {
  readonly milliseconds: number;
  readonly rounds: number;
}

/** What one row gave. */
export interface Measured {
  readonly ours: Result;
  readonly peers: readonly Result[];
  /** Largest error of our side. */
  readonly error: number;
  readonly kernels: readonly KernelTiming[];
}

/** A peer with a layer made, ready to be timed. */
interface Rival {
  readonly peer: Peer;
  readonly ok: boolean;
  readonly times: number[];
  readonly ratios: number[];
}

async function prepareRival(
  peer: Peer,
  layer: Layer,
  indices: readonly number[],
  wanted: Float64Array,
): Promise<Rival | undefined> {
  try {
    await peer.ask({ op: "layer", id: layer.id });
  } catch {
    return undefined; // it has no such layer
  }
  const { values = [] } = await peer.ask({ op: "sample", indices });
  return {
    peer,
    ok: worstError(values, wanted) <= TOLERANCE,
    times: [],
    ratios: [],
  };
}

/** Measures in rounds of ours and each rival's; the paired ratios outlive changes of the machine's speed. */
async function race(
  effort: Effort,
  rivals: readonly Rival[],
  atLeast: number,
  ours: () => Promise<number[]>,
): Promise<number[]> {
  const all: number[] = [];
  for (let round = 0; round < effort.rounds; round++) {
    const mine = await ours();
    all.push(...mine);
    for (const { peer, times, ratios } of rivals) {
      const request = {
        op: "time",
        milliseconds: effort.milliseconds,
        atLeast,
      } as const;
      const { milliseconds = [] } = await peer.ask(request);
      times.push(...milliseconds);
      ratios.push(median(milliseconds) / median(mine));
    }
  }
  return all;
}

function rivalResults(
  rivals: readonly Rival[],
  id: string,
  direction: Direction,
  work: { gflop: number; bytes: number },
): Result[] {
  return rivals.map(({ peer, ok, times, ratios }) => ({
    ...makeResult(peer.name, id, direction, summarize(times), work, ok),
    ours_faster: Number(median(ratios).toPrecision(4)),
  }));
}

async function onDevice(
  device: Device,
  subject: Subject,
  count: number,
  milliseconds: number,
) {
  const found = await deviceTimes(device, subject, count, milliseconds);
  if (found === null) return { rest: {}, kernels: [] };
  const { min, median: middle } = summarize(found.milliseconds);
  return {
    rest: { device_ms_min: min, device_ms_median: middle },
    kernels: found.kernels,
  };
}

/** Measures a layer in one direction; peers know the forward only. */
export async function measureLayer(
  device: Device,
  layer: Layer,
  direction: Direction,
  peers: readonly Peer[],
  effort: Effort,
): Promise<Measured> {
  const subject = makeLayer(layer, direction);
  try {
    const rivals: Rival[] = [];
    let error: number;
    const tolerance = direction === "fwd" ? TOLERANCE : ADJOINT_TOLERANCE;
    if (direction === "fwd") {
      const indices = sampleIndices(layer);
      const wanted = expected(layer, dataOf(layer), indices);
      error = worstError(await sample(subject, indices), wanted);
      for (const peer of peers) {
        const rival = await prepareRival(peer, layer, indices, wanted);
        if (rival !== undefined) rivals.push(rival);
      }
    } else {
      error = await adjointError(layer, direction);
    }
    const work = workOf(layer, direction);
    const count = await warmUp(device, subject);
    const wall = await race(
      effort,
      rivals,
      5,
      () => wallTimes(device, subject, count, effort.milliseconds, 5),
    );
    const { rest, kernels } = await onDevice(
      device,
      subject,
      count,
      effort.milliseconds,
    );
    const name = ourName();
    const ours = makeResult(
      name,
      layer.id,
      direction,
      summarize(wall),
      work,
      error <= tolerance,
    );
    return {
      ours: { ...ours, ...rest },
      peers: rivalResults(rivals, layer.id, direction, work),
      error,
      kernels,
    };
  } finally {
    subject.dispose();
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
  const wall = summarize(
    await wallTimes(device, subject, count, effort.milliseconds, 5),
  );
  const { rest } = await onDevice(device, subject, count, effort.milliseconds);
  return { ...makeResult(ourName(), id, "fwd", wall, work, true), ...rest };
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
    const mine = await sample(subject, indices);
    const error = Math.max(...mine.map((value, i) => Math.abs(value - values[i]!))) / 255;
    const ok = error <= 2e-3;
    await readTimes(subject, 0, 2);
    const rivals: Rival[] = [{ peer, ok, times: [], ratios: [] }];
    const more = { ...effort, rounds: Math.max(5, effort.rounds) };
    const wall = await race(more, rivals, 3, () => readTimes(subject, effort.milliseconds, 3));
    return {
      ours: makeResult(ourName(), id, "fwd", summarize(wall), work, ok),
      peers: rivalResults(rivals, id, "fwd", work),
      error,
      kernels: [],
    };
  } finally {
    subject.dispose();
  }
}

/** Our name in results. */
export function ourName(): string {
  return `vknn-${"Bun" in globalThis ? "bun" : "deno"}`;
}
