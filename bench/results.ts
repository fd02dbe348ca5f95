// Results as one JSON object a line, and what is derived from them. A file of lines from other peers,
// measured by any program, joins a report through the same form.

import { readFileSync, writeFileSync } from "node:fs";
import type { Direction } from "./layers.ts";
import type { Times } from "./subject.ts";

/** One measured layer and direction of one peer. */
export interface Result {
  readonly peer: string;
  readonly id: string;
  readonly direction: Direction;
  readonly ms_min: number;
  readonly ms_median: number;
  /** By the smallest time; 0 where only memory is moved. */
  readonly gflops: number;
  readonly gbps: number;
  /** Whether the numbers that came out are right. */
  readonly ok: boolean;
  /** Times by the device's own clock. */
  readonly device_ms_min?: number;
  readonly device_ms_median?: number;
  /** The time that a tenth of the measurements stayed below. */
  readonly ms_tenth?: number;
  /** Most device memory held at a time. */
  readonly peak_bytes?: number;
  /** How many times faster we are: median of the ratios of alternating rounds. */
  readonly ours_faster?: number;
}

/** What a peer is and where it ran. */
export type Info = Readonly<Record<string, unknown>> & {
  readonly direction: "info";
};

/** Rounds to five significant digits. */
function round(value: number): number {
  return Number(value.toPrecision(5));
}

/** How results call us. */
export function ourName(dtype: "float32" | "float16" = "float32"): string {
  const runtime = "Bun" in globalThis ? "bun" : "deno";
  return `vknn-${runtime}${dtype === "float16" ? "-fp16" : ""}`;
}

/** Makes a result of times and work. */
export function makeResult(
  peer: string,
  id: string,
  direction: Direction,
  times: Times,
  work: { readonly gflop: number; readonly bytes: number },
  ok: boolean,
): Result {
  return {
    peer,
    id,
    direction,
    ms_min: round(times.min),
    ms_median: round(times.median),
    gflops: round(work.gflop / times.min * 1e3),
    gbps: round(work.bytes / times.min / 1e6),
    ok,
  };
}

/** Writes results to a file of JSON lines; nothing without a path. */
export function writeResults(path: string | undefined, lines: readonly (Result | Info)[]): void {
  if (path === undefined) return;
  writeFileSync(path, lines.map((line) => JSON.stringify(line) + "\n").join(""));
}

/**
 * Reads a file of JSON lines.
 *
 * @param path The file.
 * @returns Its lines.
 * @throws {SyntaxError} If a line is none.
 */
export function readLines(path: string): (Result | Info)[] {
  return readFileSync(path, "utf8").split("\n").filter((line) => line.trim() !== "")
    .map((line, at) => {
      try {
        return JSON.parse(line) as Result | Info;
      } catch {
        throw new SyntaxError(
          `Cannot read ${path}: line ${at + 1} is no JSON object`,
        );
      }
    });
}

/** The results that are right. */
export function rightResults(lines: readonly (Result | Info)[]): Result[] {
  return lines.filter((line): line is Result =>
    line.direction !== "info" && (line as Result).ok !== false
  );
}

/** Reads results of other peers from a file of JSON lines; only those that are right. */
export function readResults(path: string): Result[] {
  return rightResults(readLines(path));
}

/** Geometric mean; NaN of nothing. */
export function geometricMean(numbers: readonly number[]): number {
  return Math.exp(
    numbers.reduce((sum, value) => sum + Math.log(value), 0) / numbers.length,
  );
}

/** Results by peer, then by `id direction`. */
export type ByPeer = ReadonlyMap<string, ReadonlyMap<string, Result>>;

/** Sorts results; later ones of the same peer, id and direction replace earlier ones. */
export function byPeer(results: readonly Result[]): ByPeer {
  const peers = new Map<string, Map<string, Result>>();
  for (const result of results) {
    let rows = peers.get(result.peer);
    if (rows === undefined) peers.set(result.peer, rows = new Map());
    rows.set(`${result.id} ${result.direction}`, result);
  }
  return peers;
}

/**
 * How many times faster `ours` is than `theirs`: the paired ratio where both ran in turns, else that of
 * the smallest times.
 */
export function timesFaster(ours: Result, theirs: Result): number {
  return theirs.ours_faster ?? theirs.ms_min / ours.ms_min;
}

/**
 * Part of a copy kernel's bandwidth, for a layer and a copy of as many bytes: in turns on CPU devices, by the device's own
 * clock on GPUs, where both take less time than a submission.
 */
export function partOfCopy(ours: Result, copy: Result, software: boolean): number {
  if (software) return timesFaster(ours, copy);
  return (copy.device_ms_min ?? NaN) / (ours.device_ms_min ?? NaN);
}
