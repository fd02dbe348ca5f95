// Transposed depthwise convolution for CPU devices on wide rows: all phases of the stride at once, lanes along the rows.

import { cpuProgram, supportsCpuKernels } from "./convolution_cpu_weight.ts";
import { epilogueConstants, type ImageStrides, type Triple } from "./convolution_problem.ts";
import { localSize, MOST_TEXELS, partsOf, partsTogether, PIXELS, widthOf } from "./cpu_lanes.ts";
import type { DeconvolutionProblem } from "./deconvolution_problem.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";

/** Vectors of the image that one invocation may read. */
const MOST_LOADS = 36;
/** How far taps may reach: the kernel counts places from 64 before its own. */
const MOST_REACH = 32;

function isContiguous(strides: ImageStrides, channels: number, [, height, width]: Triple): boolean {
  return strides.w === 1 && (height === 1 || strides.h === width) &&
    strides.c === height * width && strides.n === channels * strides.c;
}

/** Columns of the image that 8 results of a row reach, relative to the first of their own. */
function reached(
  { kernel, stride, dilation, padding }: DeconvolutionProblem,
  axis: number,
  results: number,
) {
  const reach = (kernel[axis]! - 1) * dilation[axis]!;
  return {
    first: Math.ceil((padding[axis]! - reach) / stride[axis]!),
    last: Math.floor((results - 1 + padding[axis]!) / stride[axis]!),
  };
}

function windowOfRun(problem: DeconvolutionProblem) {
  const own = PIXELS / 4 / problem.stride[2];
  const { first, last } = reached(problem, 2, PIXELS);
  const left = Math.ceil(Math.max(0, -first) / 4);
  const texels = Math.max(left + Math.floor(last / 4) + 1, left + own);
  return widthOf({ own, left, texels }, problem.inputSize[2], problem.size[2]);
}

/** Result rows of one invocation; 0 if none is a multiple of the stride, or the kernel would be too long. */
function rowsOfStrip(problem: DeconvolutionProblem): number {
  const { texels, own, neighbors } = windowOfRun(problem);
  const perRow = neighbors === 0 ? texels : own + neighbors - 1;
  const loads = (rows: number): number => {
    const { first, last } = reached(problem, 1, rows);
    return (last - first + 1) * perRow;
  };
  return [4, 2, 1].find((rows) => rows % problem.stride[1] === 0 && loads(rows) <= MOST_LOADS) ?? 0;
}

/** Whether a device can run the kernel on a problem. */
export function supportsDepthwiseLanes(
  problem: DeconvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { kernel, stride, dilation, padding, inputSize, size, weight, groups } = problem;
  const flat = kernel[0] === 1 && inputSize[0] === 1 && size[0] === 1 && stride[0] === 1 &&
    padding[0] === 0;
  const reach = [1, 2].map((axis) => (kernel[axis]! - 1) * dilation[axis]! + padding[axis]!);
  const [, kh, kw] = kernel;
  return flat && groups === problem.channels && groups === problem.filters &&
    isContiguous(problem.input, groups, inputSize) && isContiguous(problem.output, groups, size) &&
    (kw === 1 || weight.w === 1) && (kh === 1 || weight.h === kw) && weight.n === kh * kw &&
    stride[2] <= 2 && Math.max(...reach) <= MOST_REACH && kh * kw <= 64 &&
    inputSize[2] % 4 === 0 && size[2] % 4 === 0 && windowOfRun(problem).texels <= MOST_TEXELS &&
    rowsOfStrip(problem) > 0 &&
    size[2] <=
      PIXELS * Math.min(capabilities.maxWorkgroupInvocations, capabilities.maxWorkgroupSize[0]) &&
    groups <= 65_535 && problem.batch <= 65_535 &&
    supportsCpuKernels(capabilities, problem.inputCount, problem.weightCount, problem.outputCount);
}

/** Whether few lanes stay idle. A convolution of stride 1 has its own kernels. */
export function prefersDepthwiseLanes(
  problem: DeconvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { made } = partsOf(problem, windowOfRun(problem).runs, rowsOfStrip(problem));
  return capabilities.deviceClass === "cpu" && problem.stride.some((step) => step > 1) &&
    problem.size[1] * problem.size[2] >= 0.6 * made;
}

/**
 * Plans a transposed depthwise convolution of wide rows for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The transposed convolution; not empty, one channel and one filter a group.
 * @returns One dispatch.
 */
export function planDepthwiseLanes(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
): Plan {
  const { kernel, stride, dilation, padding, inputSize, size, groups } = problem;
  const { runs, neighbors } = windowOfRun(problem);
  const rows = rowsOfStrip(problem);
  const { strips, stripsPerPart, parts } = partsOf(problem, runs, rows);
  const together = partsTogether(parts, problem.batch * groups);
  const slots: Slot[] = [{ role: "input", index: 0 }, { role: "input", index: 1 }];
  const bias = problem.hasBias ? slots.push({ role: "input", index: 2 }) - 1 : 1;
  const result = slots.push({ role: "output", index: 0 }) - 1;
  const dispatch = makeDispatch(
    cpuProgram(capabilities, "cpu_depthwise_transposed"),
    {
      local_size_x: localSize(runs),
      rows,
      kernel_h: kernel[1],
      kernel_w: kernel[2],
      stride_h: stride[1],
      stride_w: stride[2],
      dilation_h: dilation[1],
      dilation_w: dilation[2],
      pad_h: padding[1],
      pad_w: padding[2],
      neighbors,
      store_octets: size[2] % PIXELS === 0 ? 1 : 0,
      ...epilogueConstants({ ...problem, residual: "none", shuffle: [1, 1, 1] }),
    },
    {
      parts: together,
      strips_per_part: stripsPerPart,
      strips,
      runs,
      x_height: inputSize[1],
      x_vecs: inputSize[2] / 4,
      out_h: size[1],
      out_w: size[2],
    },
    [0, 1, bias, result],
    [Math.ceil(parts / together), groups, problem.batch],
  );
  return {
    label: "Deconvolution/cpu_lanes",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
