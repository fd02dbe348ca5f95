// Depthwise convolution for CPU devices on narrow planes: strips of whole rows, one behind the other in memory.

import { isChannelFirst } from "./convolution_cpu_row.ts";
import { isPlainWeight, localSizeOfMany, windowConstants } from "./cpu_plane.ts";
import {
  cpuProgram,
  LANES,
  storesPlainly,
  supportsCpuKernels,
  touchedSlots,
  touches,
} from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
} from "./convolution_problem.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Vectors that one invocation may read, and products that it may make: what is unrolled compiles within a second. */
const MOST_LOADS = 40;
const MOST_PRODUCTS = 1_600;

/** Rows of one strip, which must begin at whole vectors of image and result; 0 if there is no such number. */
export function flatRows(
  { kernel, stride, dilation, padding, inputSize, size }: ConvolutionProblem,
): number {
  const fits = (rows: number): boolean => {
    const span = (rows - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1;
    const loads = Math.ceil((span * inputSize[2] + 3) / 4) + 1;
    return rows * size[2] % 4 === 0 && rows * stride[1] * inputSize[2] % 4 === 0 &&
      loads <= MOST_LOADS && rows * size[2] * kernel[1] * kernel[2] <= MOST_PRODUCTS &&
      padding[1] <= kernel[1] * dilation[1];
  };
  return [4, 2, 1].find(fits) ?? 0;
}

/** Whether image and result are dense planes of whole vectors, one channel a group. */
export function hasFlatPlanes(problem: ConvolutionProblem): boolean {
  const { kernel, groups, channels, inputSize, size, output } = problem;
  const flat = kernel[0] === 1 && inputSize[0] === 1 && size[0] === 1;
  const plane = size[1] * size[2];
  const dense = output.w === 1 && (size[1] === 1 || output.h === size[2]) && output.c === plane &&
    (problem.batch === 1 || output.n === problem.filters * plane);
  return groups === channels && isChannelFirst(problem) && flat && dense &&
    inputSize[1] * inputSize[2] % 4 === 0 && plane % 4 === 0 && flatRows(problem) > 0;
}

/** Whether a device can run the kernel on a problem. */
export function supportsCpuFlat(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const rows = flatRows(problem);
  return hasFlatPlanes(problem) && isPlainWeight(problem) && storesPlainly(problem) &&
    problem.batch * problem.filters * Math.ceil(problem.size[1] / rows) <= LANES * 65_535 &&
    supportsCpuKernels(capabilities, problem.inputCount, problem.weightCount, problem.outputCount);
}

/** Whether strips are long and full enough: on a CPU device. */
export function prefersCpuFlat(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const rows = flatRows(problem);
  const { size } = problem;
  return capabilities.deviceClass === "cpu" && rows * size[2] >= 24 &&
    size[1] >= 0.75 * rows * Math.ceil(size[1] / rows);
}

/**
 * Plans a depthwise convolution of narrow planes for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty, one channel a group.
 * @returns One dispatch.
 */
export function planCpuFlat(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const { padding, inputSize, size } = problem;
  const rows = flatRows(problem);
  const strips = Math.ceil(size[1] / rows);
  const units = problem.batch * problem.filters * strips;
  const localSize = localSizeOfMany(units);
  const { slots, order } = convolutionSlots(problem);
  const dispatch = makeDispatch(
    cpuProgram(capabilities, "cpu_depthwise_flat"),
    {
      local_size_x: localSize,
      rows,
      ...windowConstants(problem),
      pad_h: padding[1],
      multiplier: problem.filters / problem.channels,
      width: inputSize[2],
      out_w: size[2],
      touch: touches(capabilities) ? 1 : 0,
      ...epilogueConstants(problem),
    },
    {
      units,
      strips,
      channels: problem.filters,
      x_plane: inputSize[1] * inputSize[2] / 4,
      y_plane: size[1] * size[2],
    },
    touchedSlots(capabilities, ...order),
    [Math.ceil(units / localSize), 1, 1],
  );
  return {
    label: "Convolution/cpu_flat",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
