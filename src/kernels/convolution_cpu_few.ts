// Convolution of few filters for CPU devices: lanes side by side along the rows, all filters of a group in each of them.

import { isChannelFirst } from "./convolution_cpu_row.ts";
import { cpuProgram, outputWords, supportsCpuKernels } from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
} from "./convolution_problem.ts";
import { localSize, MOST_TEXELS, partsOf, PIXELS, rowsOf, windowOf } from "./cpu_lanes.ts";
import { storedTogether, windowConstants } from "./cpu_plane.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Filters of a group beyond which spreading them over the lanes is no worse. */
const MOST_FILTERS = 4;
/** Sums of one invocation; more would not stay near the registers. */
const MOST_SUMS = 64;

/** Output rows of one invocation; 0 if the kernel would be too long. */
function rowsOfFew(problem: ConvolutionProblem): number {
  const filters = problem.filters / problem.groups;
  const rows = rowsOf(problem, windowOf(problem));
  const most = MOST_SUMS / (PIXELS * filters);
  return [4, 2, 1].find((count) => count <= Math.min(rows, most)) ?? 0;
}

/** Whether the weight lies as `[filters][channels][kd][kh][kw]` without gaps. */
function isContiguousWeight({ weight, kernel, channels, groups }: ConvolutionProblem): boolean {
  const [kd, kh, kw] = kernel;
  const taps = kd * kh * kw;
  return (kw === 1 || weight.w === 1) && (kh === 1 || weight.h === kw) &&
    (kd === 1 || weight.d === kh * kw) && (channels === groups || weight.c === taps) &&
    weight.n === channels / groups * taps;
}

/** Whether a device can run the kernel on a problem. */
export function supportsCpuFew(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { kernel, inputSize, size, groups, filters, batch } = problem;
  return isChannelFirst(problem) && isContiguousWeight(problem) && inputSize[2] % 4 === 0 &&
    filters / groups <= MOST_FILTERS && kernel[1] * kernel[2] <= 64 &&
    windowOf(problem).texels <= MOST_TEXELS && rowsOfFew(problem) > 0 &&
    size[2] <=
      PIXELS * Math.min(capabilities.maxWorkgroupInvocations, capabilities.maxWorkgroupSize[0]) &&
    groups <= 65_535 && batch * size[0] <= 65_535 &&
    supportsCpuKernels(capabilities, problem.inputCount, problem.weightCount, problem.outputCount);
}

/** Whether few lanes stay idle: on a CPU device, with channels enough to make up for stores of single results. */
export function prefersCpuFew(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { made } = partsOf(problem, windowOf(problem).runs, rowsOfFew(problem));
  return capabilities.deviceClass === "cpu" && problem.channels / problem.groups >= 8 &&
    problem.size[1] * problem.size[2] >= 0.6 * made;
}

/**
 * Plans a convolution of few filters for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty.
 * @returns One dispatch.
 */
export function planCpuFew(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const { kernel, stride, padding, dilation, inputSize, size, groups } = problem;
  const window = windowOf(problem);
  const rows = rowsOfFew(problem);
  const { strips, stripsPerPart, parts } = partsOf(problem, window.runs, rows);
  const { slots, order } = convolutionSlots(problem);
  const dispatch = makeDispatch(
    cpuProgram(capabilities, "cpu_few"),
    {
      local_size_x: localSize(window.runs),
      rows,
      filters: problem.filters / groups,
      kernel_d: kernel[0],
      ...windowConstants(problem),
      neighbors: window.neighbors,
      vector_store: storedTogether(problem) >= 4 ? 1 : 0,
      ...epilogueConstants(problem),
    },
    {
      strips_per_part: stripsPerPart,
      strips,
      runs: window.runs,
      channels: problem.channels / groups,
      x_depth: inputSize[0],
      x_height: inputSize[1],
      x_vecs: inputSize[2] / 4,
      stride_d: stride[0],
      dilation_d: dilation[0],
      pad_d: padding[0],
      pad_h: padding[1],
      out_d: size[0],
      out_h: size[1],
      out_w: size[2],
      ...outputWords(problem),
    },
    order,
    [parts, groups, problem.batch * size[0]],
  );
  return {
    label: "Convolution/cpu_few",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
