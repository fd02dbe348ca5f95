// Depthwise convolution for CPU devices (lavapipe), straight from a channel-first image.

import { isChannelFirst } from "./convolution_cpu_row.ts";
import {
  isPlainWeight,
  leastIdleSize,
  localSizeOfMany,
  storedTogether,
  windowConstants,
} from "./cpu_plane.ts";
import { cpuProgram, LANES, outputWords, supportsCpuKernels } from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
} from "./convolution_problem.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Whether a device can run the depthwise kernel on a problem. */
export function supportsCpuDepthwise(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { kernel, groups, channels, batch, size, stride, dilation } = problem;
  return groups === channels && isChannelFirst(problem) && isPlainWeight(problem) &&
    kernel[0] * kernel[1] * kernel[2] <= 64 && Math.max(stride[0], dilation[0]) <= 65_535 &&
    problem.filters <= 65_535 && batch * size[0] <= 65_535 &&
    Math.ceil(size[1] * Math.ceil(size[2] / 4) / LANES) <= 65_535 &&
    supportsCpuKernels(capabilities, problem.inputCount, problem.weightCount, problem.outputCount);
}

/**
 * Output rows that one invocation of the row kernel makes; none if it cannot compute the problem: strips of rows must
 * begin at whole vectors of the image.
 */
function stripRows(problem: ConvolutionProblem): number | undefined {
  const { kernel, stride, dilation, padding, inputSize, size } = problem;
  const flat = kernel[0] === 1 && inputSize[0] === 1 && size[0] === 1;
  if (!flat || inputSize[1] * inputSize[2] % 4 !== 0) return undefined;
  const columns = 3 * stride[2] + (kernel[2] - 1) * dilation[2] + 1;
  const window = Math.ceil((columns + padding[2] % 4 + 3) / 4);
  const fits = (rows: number): boolean =>
    rows * stride[1] * inputSize[2] % 4 === 0 &&
    // What is unrolled: the driver compiles it within half a second.
    ((rows - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1) * window <= 40;
  const wanted = stride[1] === 1 ? 4 : 2;
  return [Math.min(wanted, size[1] < 2 ? 1 : size[1] < 4 ? 2 : 4), 4, 2, 1].find(fits);
}

function planRows(capabilities: Capabilities, problem: ConvolutionProblem, rows: number): Plan {
  const { padding, inputSize, size } = problem;
  const strips = Math.ceil(size[1] / rows);
  const units = problem.batch * problem.filters * strips;
  const localSize = localSizeOfMany(units);
  const { slots, order } = convolutionSlots(problem);
  const dispatch = makeDispatch(
    cpuProgram(capabilities, "cpu_depthwise_rows"),
    {
      local_size_x: localSize,
      rows,
      ...windowConstants(problem),
      pad_h: padding[1],
      multiplier: problem.filters / problem.channels,
      rest: inputSize[2] % 4,
      store: Math.min(storedTogether(problem), 4),
      ...epilogueConstants(problem),
    },
    {
      units,
      strips,
      channels: problem.filters,
      x_height: inputSize[1],
      x_width: inputSize[2],
      out_h: size[1],
      out_w: size[2],
      ...outputWords(problem),
    },
    order,
    [Math.ceil(units / localSize), 1, 1],
  );
  return {
    label: "Convolution/cpu_depthwise_rows",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}

/**
 * Plans a depthwise convolution for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty, one channel a group.
 * @returns One dispatch.
 */
export function planCpuDepthwise(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const { kernel, stride, dilation, padding, inputSize, size, input } = problem;
  const strip = stripRows(problem);
  if (strip !== undefined && problem.batch * problem.filters * size[1] <= 64 * 65_535) {
    return planRows(capabilities, problem, strip);
  }
  const rows = size[1] >= 28 ? 4 : size[1] >= 14 ? 2 : 1;
  const runs = Math.ceil(size[2] / 4) * Math.ceil(size[1] / rows);
  const localSize = leastIdleSize(runs);
  const aligned = stride[2] === 1 && dilation[2] === 1 && inputSize[2] % 4 === 0;
  const { slots, order } = convolutionSlots(problem);
  const [x, weight, bias, residual, result] = order as [number, number, number, number, number];
  const dispatch = makeDispatch(
    cpuProgram(capabilities, "cpu_depthwise"),
    {
      local_size_x: localSize,
      rows,
      kernel_d: kernel[0],
      ...windowConstants(problem),
      multiplier: problem.filters / problem.channels,
      aligned: aligned ? 1 : 0,
      vector_store: storedTogether(problem) >= 4 ? 1 : 0,
      ...epilogueConstants(problem),
    },
    {
      x_depth: inputSize[0],
      x_height: inputSize[1],
      x_width: inputSize[2],
      x_step_n: input.n,
      x_step_c: input.c,
      pad_h: padding[1],
      pad_d: padding[0],
      steps_d: stride[0] | (dilation[0] << 16),
      runs,
      out_d: size[0],
      out_h: size[1],
      out_w: size[2],
      ...outputWords(problem),
    },
    [x, x, weight, bias, residual, result],
    [Math.ceil(runs / localSize), problem.filters, problem.batch * size[0]],
  );
  return {
    label: "Convolution/cpu_depthwise",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
