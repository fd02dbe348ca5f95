// Depthwise convolution for CPU devices on wide rows: lanes side by side along the rows, memory in order.

import {
  localSize,
  MOST_TEXELS,
  partsOf,
  partsTogether,
  PIXELS,
  rowsOf,
  windowOf,
} from "./cpu_lanes.ts";
import { isChannelFirst } from "./convolution_cpu_row.ts";
import { isPlainWeight, storedTogether, windowConstants } from "./cpu_plane.ts";
import { cpuProgram, supportsCpuKernels } from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
} from "./convolution_problem.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/**
 * Whether kernels with lanes along the rows can run on a problem, whatever its groups.
 *
 * @param problem The convolution.
 * @param capabilities The device.
 * @returns True for two axes, channel-first rows of whole vectors, a small kernel, and no pixel shuffle.
 */
export function hasLaneRows(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { kernel, inputSize, size } = problem;
  const flat = kernel[0] === 1 && inputSize[0] === 1 && size[0] === 1;
  return flat && isChannelFirst(problem) && kernel[1] * kernel[2] <= 64 &&
    inputSize[2] % 4 === 0 && storedTogether(problem) >= 4 &&
    windowOf(problem).texels <= MOST_TEXELS &&
    size[2] <=
      PIXELS * Math.min(capabilities.maxWorkgroupInvocations, capabilities.maxWorkgroupSize[0]) &&
    problem.filters <= 65_535 && problem.batch <= 65_535;
}

/** Whether a device can run the kernel on a problem. */
export function supportsCpuLanes(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  return problem.groups === problem.channels && isPlainWeight(problem) &&
    hasLaneRows(problem, capabilities) &&
    rowsOf(problem, windowOf(problem)) > 0 &&
    supportsCpuKernels(capabilities, problem.inputCount, problem.weightCount, problem.outputCount);
}

/** Whether few lanes stay idle: on a CPU device, with a filter for each channel (more of them read the image again). */
export function prefersCpuLanes(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const window = windowOf(problem);
  const rows = rowsOf(problem, window);
  const { made } = partsOf(problem, window.runs, rows);
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
  const { padding, inputSize, size, output } = problem;
  const window = windowOf(problem);
  const rows = rowsOf(problem, window);
  const { strips, stripsPerPart, parts } = partsOf(problem, window.runs, rows);
  const together = partsTogether(parts, problem.batch * problem.filters);
  const { slots, order } = convolutionSlots(problem);
  const dispatch = makeDispatch(
    cpuProgram(capabilities, "cpu_depthwise_lanes"),
    {
      local_size_x: localSize(window.runs),
      rows,
      ...windowConstants(problem),
      multiplier: problem.filters / problem.channels,
      neighbors: window.neighbors,
      store_octets: storedTogether(problem) >= PIXELS ? 1 : 0,
      ...epilogueConstants(problem),
    },
    {
      parts: together,
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
    [Math.ceil(parts / together), problem.filters, problem.batch],
  );
  return {
    label: "Convolution/cpu_lanes",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
