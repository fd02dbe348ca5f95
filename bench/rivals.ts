// What runs in turns with us: peers in their processes, and the device's plain copy kernel.

import { type Device, ops, zeros } from "../mod.ts";
import { worstError } from "./data.ts";
import type { BenchType } from "./layer_subject.ts";
import type { Direction, Layer } from "./layers.ts";
import type { Peer } from "./peer.ts";
import { makeResult, type Result } from "./results.ts";
import {
  deviceTimes,
  median,
  type Subject,
  summarize,
  type Times,
  wallTimes,
  warmUp,
} from "./subject.ts";

/** Half a kernel and the largest offset of the table, in elements. */
const BORDER = 4;

/** How long and how often. */
export interface Effort {
  readonly milliseconds: number;
  readonly rounds: number;
}

/** Something ready to be timed beside us. */
export interface Rival {
  /** As it is called in results. */
  readonly name: string;
  /** Whether its numbers are right. */
  readonly ok: boolean;
  /** Milliseconds of a run by the device's own clock. */
  readonly device?: Times;
  /** Milliseconds of each run. */
  time(milliseconds: number, atLeast: number): Promise<readonly number[]>;
  dispose(): void;
}

/** What a rival's rounds gave. */
interface Rounds {
  readonly times: number[];
  /** Its median over ours in the same round. */
  readonly ratios: number[];
}

/** A race's outcome. */
export interface Race {
  /** Milliseconds of all our runs. */
  readonly ours: readonly number[];
  readonly rivals: readonly Rounds[];
}

/** A peer that runs what was made last. */
export function peerRival(peer: Peer, ok: boolean): Rival {
  return {
    name: peer.name,
    ok,
    time: async (milliseconds, atLeast) => {
      const { milliseconds: times = [] } = await peer.ask({ op: "time", milliseconds, atLeast });
      return times;
    },
    dispose: () => {},
  };
}

/** Libraries differ in what deformable convolutions read near borders: positions away from them. */
function comparable(layer: Layer, direction: Direction, indices: readonly number[]) {
  const all = indices.map((index, at) => ({ index, at }));
  if (layer.offset === undefined || direction !== "fwd") return all;
  const [height, width] = layer.output.slice(-2) as [number, number];
  const isInner = (at: number, extent: number) => at >= BORDER && at < extent - BORDER;
  return all.filter(({ index }) =>
    isInner(index % width, width) && isInner(Math.floor(index / width) % height, height)
  );
}

/**
 * A peer with a layer; undefined where it has no such layer or direction.
 *
 * @param wanted What must come out at the positions `indices`.
 * @param tolerance Largest error that is right, in parts of the largest of `wanted`, or of 1 if that is less.
 */
export async function layerRival(
  peer: Peer,
  layer: Layer,
  direction: Direction,
  indices: readonly number[],
  wanted: ArrayLike<number>,
  tolerance: number,
): Promise<Rival | undefined> {
  try {
    await peer.ask({ op: "layer", id: layer.id, direction });
  } catch {
    return undefined;
  }
  const compared = comparable(layer, direction, indices);
  const { values = [] } = await peer.ask({
    op: "sample",
    indices: compared.map(({ index }) => index),
  });
  const right = compared.map(({ at }) => wanted[at]!);
  const largest = right.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const scaled = (numbers: readonly number[]) => numbers.map((value) => value / largest);
  return peerRival(peer, worstError(scaled(values), scaled(right)) <= tolerance);
}

/** The plain copy kernel of the device, moving as many bytes as a layer does with elements of a dtype. */
export async function copyRival(device: Device, bytes: number, dtype: BenchType): Promise<Rival> {
  const source = zeros([Math.max(4, Math.round(bytes / 8))], { device });
  const subject: Subject = {
    run: () => [ops.mul(source, 1)],
    dispose: () => source.dispose(),
  };
  const count = await warmUp(device, subject);
  const clock = await deviceTimes(device, subject, count, 0);
  return {
    name: `copy${dtype === "float16" ? "-fp16" : ""}`,
    ok: true,
    ...(clock === null ? {} : { device: summarize(clock.milliseconds) }),
    time: (milliseconds, atLeast) => wallTimes(device, subject, count, milliseconds, atLeast),
    dispose: () => subject.dispose(),
  };
}

/** Measures in rounds of ours and each rival's; the paired ratios outlive changes of the machine's speed. */
export async function race(
  { rounds, milliseconds }: Effort,
  rivals: readonly Rival[],
  atLeast: number,
  ours: () => Promise<readonly number[]>,
): Promise<Race> {
  const all: number[] = [];
  const found: Rounds[] = rivals.map(() => ({ times: [], ratios: [] }));
  for (let round = 0; round < rounds; round++) {
    const mine = await ours();
    all.push(...mine);
    for (const [at, rival] of rivals.entries()) {
      const theirs = await rival.time(milliseconds, atLeast);
      found[at]!.times.push(...theirs);
      found[at]!.ratios.push(median(theirs) / median(mine));
    }
  }
  return { ours: all, rivals: found };
}

/** Results of a race's rivals. */
export function rivalResults(
  rivals: readonly Rival[],
  { rivals: rounds }: Race,
  id: string,
  direction: Direction,
  work: { readonly gflop: number; readonly bytes: number },
): Result[] {
  return rivals.map(({ name, ok, device }, at) => ({
    ...makeResult(name, id, direction, summarize(rounds[at]!.times), work, ok),
    ...(device === undefined ? {} : { device_ms_min: device.min, device_ms_median: device.median }),
    ours_faster: Number(median(rounds[at]!.ratios).toPrecision(4)),
  }));
}
