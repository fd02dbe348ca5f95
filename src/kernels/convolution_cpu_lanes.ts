// Depthwise convolution for CPU devices on wide rows: lanes side by side along the rows, memory in order.

import { isChannelFirst } from "./convolution_cpu_row.ts";
import { cpuProgram, LANES, storesPlainly, supportsCpuKernels } from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
} from "./convolution_problem.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Consecutive outputs of a row that one invocation makes. */
export const PIXELS = 8;
/** Vectors of the image that one invocation may read: what is unrolled compiles within half a second. */
const MOST_LOADS = 36;

/** Vectors that the kernels hold at most around a run. */
const MOST_TEXELS = 12;
/** Workgroups that keep every thread of a device busy. */
export const WORKGROUPS = 64;

/** How the kernel reads a row. */
export interface Window {
  /** Vectors left of a run and in all. */
  readonly left: number;
  readonly texels: number;
  /** Vectors under a run. */
  readonly own: number;
  readonly runs: number;
  /** 0 every lane reads all, 1 its neighbors have the rest, 2 but for the outermost lanes. */
  readonly neighbors: 0 | 1 | 2;
}

/** How the kernels read the rows of a problem. */
export function windowOf({ kernel, stride, dilation, padding, size }: ConvolutionProblem): Window {
  const own = stride[2] * PIXELS / 4;
  const left = Math.ceil(padding[2] / 4);
  const last = 4 * left + (PIXELS - 1) * stride[2] + (kernel[2] - 1) * dilation[2] - padding[2];
  const texels = Math.max(Math.floor(last / 4) + 1, left + own);
  const right = texels - left - own;
  const runs = Math.ceil(size[2] / PIXELS);
  const near = left <= own && right <= own && left + right > 0;
  if (near && runs <= LANES) return { left, texels, own, runs, neighbors: 1 };
  return { left, texels, own, runs, neighbors: near && left === 1 && right === 1 ? 2 : 0 };
}

/** Output rows of one invocation; none if the kernel would be too long. */
function rowsOf(problem: ConvolutionProblem, { texels, own, neighbors }: Window): number {
  const { kernel, stride, dilation, size } = problem;
  const perRow = neighbors === 0 ? texels : own + neighbors - 1;
  const loads = (rows: number): number =>
    ((rows - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1) * perRow;
  return [4, 2, 1].find((rows) =>
    (rows === 1 || rows < 2 * size[1]) && loads(rows) <= MOST_LOADS
  ) ?? 0;
}

/**
 * Whether kernels with lanes along the rows can run on a problem, whatever its groups.
 *
 * @param problem The convolution.
 * @param capabilities The device.
 * @returns True for two axes, channel-first rows of whole vectors, a small kernel, and no pixel shuffle.
 */
export function hasLaneRows(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { kernel, inputSize, size, output } = problem;
  const flat = kernel[0] === 1 && inputSize[0] === 1 && size[0] === 1;
  const steps = [inputSize[2], output.n, output.c, output.h, size[2]];
  return flat && isChannelFirst(problem) && kernel[1] * kernel[2] <= 64 &&
    storesPlainly(problem) && output.w === 1 && steps.every((step) => step % 4 === 0) &&
    windowOf(problem).texels <= MOST_TEXELS &&
    size[2] <=
      PIXELS * Math.min(capabilities.maxWorkgroupInvocations, capabilities.maxWorkgroupSize[0]) &&
    problem.filters <= 65_535 && problem.batch <= 65_535;
}

/** Whether a device can run the kernel on a problem. */
export function supportsCpuLanes(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { kernel, groups, channels, weight } = problem;
  const plain = (kernel[2] === 1 || weight.w === 1) &&
    (kernel[1] === 1 || weight.h === kernel[2]) && weight.n === kernel[1] * kernel[2];
  return groups === channels && plain && hasLaneRows(problem, capabilities) &&
    rowsOf(problem, windowOf(problem)) > 0 &&
    supportsCpuKernels(capabilities, problem.inputCount, problem.weightCount, problem.outputCount);
}

/** Strips of rows that the lanes of a workgroup make at once, and rounds that a plane needs. */
export function partsOf(
  { size }: ConvolutionProblem,
  runs: number,
  rows: number,
): { strips: number; stripsPerPart: number; parts: number } {
  const strips = Math.ceil(size[1] / rows);
  const stripsPerPart = Math.min(strips, Math.max(1, Math.floor(LANES / runs)));
  return { strips, stripsPerPart, parts: Math.ceil(strips / stripsPerPart) };
}

/** Whether few lanes stay idle: on a CPU device, with a filter for each channel (more of them read the image again). */
export function prefersCpuLanes(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const window = windowOf(problem);
  const rows = rowsOf(problem, window);
  const { parts } = partsOf(problem, window.runs, rows);
  const made = parts * rows * Math.ceil(window.runs / LANES) * LANES * PIXELS;
  return capabilities.deviceClass === "cpu" && problem.filters === problem.channels &&
    problem.size[1] * problem.size[2] >= 0.6 * made;
}

/**
 * Plans a depthwise convolution of wide rows for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty, one channel a group.
 * @returns One dispatch.
 */
export function planCpuLanes(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const { kernel, stride, dilation, padding, inputSize, size, output } = problem;
  const window = windowOf(problem);
  const rows = rowsOf(problem, window);
  const { strips, stripsPerPart, parts } = partsOf(problem, window.runs, rows);
  const planes = problem.batch * problem.filters;
  // Few planes are divided, so that every thread of the device has some workgroups.
  const pieces = Math.min(parts, Math.ceil(WORKGROUPS / planes));
  const partsTogether = Math.ceil(parts / pieces);
  const octets = [output.n, output.c, output.h, size[2]].every((step) => step % PIXELS === 0);
  const { slots, order } = convolutionSlots(problem);
  const dispatch = makeDispatch(
    cpuProgram(capabilities, "cpu_depthwise_lanes"),
    {
      local_size_x: Math.ceil(window.runs / LANES) * LANES,
      rows,
      kernel_h: kernel[1],
      kernel_w: kernel[2],
      stride_h: stride[1],
      stride_w: stride[2],
      dilation_h: dilation[1],
      dilation_w: dilation[2],
      pad_w: padding[2],
      multiplier: problem.filters / problem.channels,
      neighbors: window.neighbors,
      store_octets: octets ? 1 : 0,
      ...epilogueConstants(problem),
    },
    {
      parts: partsTogether,
      strips_per_part: stripsPerPart,
      strips,
      runs: window.runs,
      x_height: inputSize[1],
      x_vecs: inputSize[2] / 4,
      pad_h: padding[1],
      out_h: size[1],
      out_w: size[2],
      y_step_n: output.n,
      y_step_c: output.c,
      y_step_h: output.h,
    },
    order,
    [Math.ceil(parts / partsTogether), problem.filters, problem.batch],
  );
  return {
    label: "Convolution/cpu_lanes",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
