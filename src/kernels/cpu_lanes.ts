// What kernels for CPU devices whose lanes lie side by side along the rows share (shaders/glsl/lib/cpu_lanes.glsl): how a
// row is read, and how the rows of a plane are shared out.

import { LANES } from "./convolution_cpu_weight.ts";
import type { Triple } from "./convolution_problem.ts";

/** Consecutive outputs of a row that one invocation makes. */
export const PIXELS = 8;
/** Vectors of the image that one invocation may read: what is unrolled compiles within half a second. */
const MOST_LOADS = 36;
/** Vectors that the kernels hold at most around a run. */
export const MOST_TEXELS = 12;
/** Workgroups that keep every thread of a device busy. */
export const WORKGROUPS = 64;

/** Windows that slide over a plane. */
export interface Sliding {
  readonly inputSize: Triple;
  readonly kernel: Triple;
  readonly stride: Triple;
  readonly dilation: Triple;
  readonly padding: Triple;
  readonly size: Triple;
}

/** How the kernel reads a row. */
export interface LaneWindow {
  /** Vectors under a run and on both sides of it. */
  readonly texels: number;
  /** Vectors under a run. */
  readonly own: number;
  readonly runs: number;
  /** 0 every lane reads all, 1 its neighbors have the rest, 2 but for the outermost lanes. */
  readonly neighbors: 0 | 1 | 2;
}

/** How the kernels read the rows of a problem. */
export function windowOf(
  { inputSize, kernel, stride, dilation, padding, size }: Sliding,
): LaneWindow {
  const own = stride[2] * PIXELS / 4;
  const left = Math.ceil(padding[2] / 4);
  const last = 4 * left + (PIXELS - 1) * stride[2] + (kernel[2] - 1) * dilation[2] - padding[2];
  const texels = Math.max(Math.floor(last / 4) + 1, left + own);
  return widthOf({ own, left, texels }, inputSize[2], size[2]);
}

/**
 * How lanes share the columns beside their runs.
 *
 * @param window Vectors under a run, left of it, and in all.
 * @param inputWidth Columns of a row that is read.
 * @param width Results of a row.
 * @returns The window.
 */
export function widthOf(
  { own, left, texels }: { own: number; left: number; texels: number },
  inputWidth: number,
  width: number,
): LaneWindow {
  const right = texels - left - own;
  const runs = Math.ceil(width / PIXELS);
  const near = left <= own && right <= own && left + right > 0;
  // What lies behind the last run is in no lane.
  const covered = right === 0 || inputWidth <= runs * own * 4;
  if (near && covered && runs <= LANES) return { texels, own, runs, neighbors: 1 };
  return { texels, own, runs, neighbors: near && left === 1 && right === 1 ? 2 : 0 };
}

/** Output rows of one invocation; 0 if the kernel would be too long. */
export function rowsOf(sliding: Sliding, { texels, own, neighbors }: LaneWindow): number {
  const { kernel, stride, dilation, size } = sliding;
  const perRow = neighbors === 0 ? texels : own + neighbors - 1;
  const loads = (rows: number): number =>
    ((rows - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1) * perRow;
  return [4, 2, 1].find((rows) =>
    (rows === 1 || rows < 2 * size[1]) && loads(rows) <= MOST_LOADS
  ) ?? 0;
}

/** How the strips of a plane are shared out. */
export interface LaneParts {
  readonly strips: number;
  /** Strips that the lanes of a workgroup make at once. */
  readonly stripsPerPart: number;
  readonly parts: number;
  /** Outputs that the lanes make, idle ones included. */
  readonly made: number;
}

/**
 * Shares out the strips of a plane.
 *
 * @param sliding The windows.
 * @param runs Runs of a row.
 * @param rows Rows of a strip.
 * @returns The parts.
 */
export function partsOf({ size }: Sliding, runs: number, rows: number): LaneParts {
  const strips = Math.ceil(size[1] / rows);
  const stripsPerPart = Math.min(strips, Math.max(1, Math.floor(LANES / runs)));
  const parts = Math.ceil(strips / stripsPerPart);
  return { strips, stripsPerPart, parts, made: parts * rows * localSize(runs) * PIXELS };
}

/** Parts of one workgroup: few planes are divided, so that every thread of the device has some workgroups. */
export function partsTogether(parts: number, planes: number): number {
  return Math.ceil(parts / Math.min(parts, Math.ceil(WORKGROUPS / planes)));
}

/** Invocations of a workgroup, which is as wide as a row. */
export function localSize(runs: number): number {
  return Math.ceil(runs / LANES) * LANES;
}
