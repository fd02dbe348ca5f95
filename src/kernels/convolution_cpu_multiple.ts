// One-dimensional convolution of one channel a group with many filters for CPU devices: lanes along the rows keep their
// part of the image for all filters.

import { isChannelFirst } from "./convolution_cpu_row.ts";
import { cpuProgram, LANES, storesPlainly, supportsCpuKernels } from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
} from "./convolution_problem.ts";
import { type LaneWindow, localSize, PIXELS, widthOf } from "./cpu_lanes.ts";
import { isPlainWeight } from "./cpu_plane.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Filters made in turn, whose rows begin at known places of a vector. */
const TOGETHER = 4;
/** Filters of one workgroup. */
const CHUNK = 128;
/** Filters of a channel from which on reading the image once is worth a kernel of its own. */
const MANY_FILTERS = 16;
/** Vectors that the kernel holds at most around a run. */
const MOST_TEXELS = 20;

function windowOfMultiple(problem: ConvolutionProblem): LaneWindow {
  const { kernel, stride, dilation, padding, inputSize, size } = problem;
  const before = TOGETHER - 1;
  const own = stride[2] * PIXELS / 4;
  const left = Math.ceil((padding[2] + before * stride[2]) / 4);
  const last = 4 * left + (PIXELS - 1) * stride[2] + (kernel[2] - 1) * dilation[2] - padding[2];
  const texels = Math.max(Math.floor(last / 4) + 1, left + own);
  return widthOf({ own, left, texels }, inputSize[2], size[2] + before);
}

/** Whether a device can run the kernel on a problem. */
export function supportsCpuMultiple(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { kernel, inputSize, size, channels, filters, groups, output } = problem;
  const line = [0, 1].every((axis) =>
    kernel[axis] === 1 && inputSize[axis] === 1 && size[axis] === 1
  );
  const { runs, texels } = windowOfMultiple(problem);
  const widest = Math.min(capabilities.maxWorkgroupInvocations, capabilities.maxWorkgroupSize[0]);
  return line && groups === channels && filters / channels % TOGETHER === 0 &&
    isPlainWeight(problem) && isChannelFirst(problem) && inputSize[2] % 4 === 0 &&
    storesPlainly(problem) && output.w === 1 && output.c === size[2] &&
    output.n === filters * size[2] && kernel[2] <= 64 && texels <= MOST_TEXELS &&
    localSize(runs) <= widest && filters <= 65_535 && problem.batch <= 65_535 &&
    supportsCpuKernels(capabilities, problem.inputCount, problem.weightCount, problem.outputCount);
}

/** Whether rows begin anywhere, so that other kernels store single floats; on a CPU device, with many filters. */
export function prefersCpuMultiple(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { runs } = windowOfMultiple(problem);
  return capabilities.deviceClass === "cpu" && problem.size[2] % 4 !== 0 &&
    problem.filters / problem.channels >= MANY_FILTERS &&
    problem.size[2] >= 0.6 * PIXELS * localSize(runs);
}

/**
 * Plans a one-dimensional convolution with many filters a channel for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty, one channel a group.
 * @returns One dispatch, and one for the ends of rows.
 */
export function planCpuMultiple(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const { kernel, stride, dilation, padding, inputSize, size, channels, batch } = problem;
  const { runs, neighbors } = windowOfMultiple(problem);
  const filters = problem.filters / channels;
  const chunks = Math.ceil(filters / CHUNK);
  const { slots, order } = convolutionSlots(problem);
  const constants = {
    kernel_w: kernel[2],
    stride_w: stride[2],
    dilation_w: dilation[2],
    pad_w: padding[2],
    ...epilogueConstants(problem),
  };
  return {
    label: "Convolution/cpu_multiple",
    slots,
    dispatches: [
      makeDispatch(
        cpuProgram(capabilities, "cpu_multiple"),
        { local_size_x: localSize(runs), ...constants, neighbors, rest: size[2] % 4 },
        {
          chunks,
          chunk_filters: CHUNK,
          filters,
          channels,
          x_vecs: inputSize[2] / 4,
          out_w: size[2],
        },
        order,
        [1, channels * chunks, batch],
      ),
      makeDispatch(
        cpuProgram(capabilities, "cpu_multiple_edges"),
        { local_size_x: LANES, ...constants },
        { filters, x_width: inputSize[2], out_w: size[2] },
        order,
        [problem.filters, batch, 1],
      ),
    ],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
