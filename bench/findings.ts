// What files of JSON lines say, in the terms in which targets.ts speaks of it.

import type { Ceilings } from "./ceilings.ts";
import { benchmarkSet, type Direction, type Layer, workOf } from "./layers.ts";
import {
  type ByPeer,
  byPeer,
  type Info,
  partOfCopy,
  readLines,
  type Result,
  rightResults,
  timesFaster,
} from "./results.ts";

/** A ratio or a rate of one layer. */
export interface Each {
  readonly id: string;
  readonly value: number;
}

/** By the device's own clock, with which cuDNN is measured. */
export function fasterOnDevice(mine: Result, other: Result): number {
  return other.ms_min / (mine.device_ms_min ?? NaN);
}

/** Results of several files as one. */
export class Findings {
  /** Whether a software device was measured. */
  readonly isSoftware: boolean;
  /** Device, driver and runtime of ours. */
  readonly title: string;
  /** Of the device, the best of all runs. */
  readonly ceilings: Ceilings;
  /** How results call us. */
  readonly name: string;
  /** All results. */
  readonly results: ByPeer;
  readonly #ours: ReadonlyMap<string, Result>;

  /**
   * Reads results.
   *
   * @param files As report.ts --json and the other benches write them.
   * @throws {Error} If none of ours are among them.
   */
  constructor(files: readonly string[]) {
    const lines = files.flatMap(readLines);
    this.results = byPeer(rightResults(lines));
    const ours = [...this.results].filter(([peer]) => /^vknn-\w+$/.test(peer))
      .toSorted(([, a], [, b]) => b.size - a.size);
    if (ours.length === 0) {
      throw new Error("Cannot compare results: there are none of vknn in these files");
    }
    [this.name, this.#ours] = ours[0]!;
    const infos = lines.filter((line): line is Info => line.direction === "info");
    const best = (name: "gflops" | "gbps") =>
      Math.max(...infos.map((info) => Number(info[name] ?? NaN)).filter(Number.isFinite));
    const ourInfo = infos.find(({ peer }) => peer === this.name);
    this.title = `${ourInfo?.["device"]} (${ourInfo?.["driver"]}), ${ourInfo?.["version"]}`;
    this.isSoftware = infos.some(({ software }) => software === true);
    this.ceilings = { gflops: best("gflops"), gbps: best("gbps") };
  }

  /** One result, or undefined. */
  result(peer: string, id: string, direction: Direction = "fwd"): Result | undefined {
    return this.results.get(peer)?.get(`${id} ${direction}`);
  }

  /** One of ours, or undefined. */
  our(id: string, direction: Direction = "fwd"): Result | undefined {
    return this.#ours.get(`${id} ${direction}`);
  }

  /** GFLOP/s of the layers that compute. */
  rates(): Each[] {
    return benchmarkSet.filter((layer) => workOf(layer, "fwd").gflop > 0)
      .flatMap(({ id }) => {
        const ours = this.our(id);
        return ours === undefined ? [] : [{ id, value: ours.gflops }];
      });
  }

  /**
   * How many times faster we are than a peer, in every layer that both have.
   *
   * @param chosen Which layers count.
   * @param times By which clock.
   * @param name Which of ours.
   */
  faster(
    peer: string,
    direction: Direction,
    chosen: (layer: Layer) => boolean = () => true,
    times: (mine: Result, other: Result) => number = timesFaster,
    name: string = this.name,
  ): Each[] {
    return benchmarkSet.filter(chosen).flatMap(({ id }) => {
      const [mine, other] = [this.result(name, id, direction), this.result(peer, id, direction)];
      return mine === undefined || other === undefined ? [] : [{ id, value: times(mine, other) }];
    });
  }

  /**
   * Part of a copy kernel's bandwidth that layers without arithmetic reach, in percent: of a copy of as many bytes, in turns
   * with the layer on CPU devices, by the device's own clock on GPUs.
   */
  partsOfCopy(): Each[] {
    return benchmarkSet.filter((layer) => workOf(layer, "fwd").gflop === 0).flatMap(({ id }) => {
      const [ours, copy] = [this.our(id), this.result("copy", id)];
      if (ours === undefined || copy === undefined) return [];
      return [{ id, value: 100 * partOfCopy(ours, copy, this.isSoftware) }];
    });
  }

  /** Our results whose names begin so. */
  named(beginning: string): Result[] {
    return [...this.#ours.values()].filter(({ id }) => id.startsWith(beginning));
  }

  /** Ratios of ours to a peer's that was measured in turns, by the beginning of names. */
  besides(peer: string, beginning: string): { mine: Result; other: Result }[] {
    return this.named(beginning).flatMap((mine) => {
      const other = this.result(peer, mine.id, mine.direction);
      return other === undefined ? [] : [{ mine, other }];
    });
  }
}
