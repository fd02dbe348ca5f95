// Convolution of few filters for CPU devices: lanes side by side along the rows, all filters of a group in each of them.

import { onVectors } from "./align.ts";
import { isChannelFirst } from "./convolution_cpu_row.ts";
import { cpuProgram, LANES, outputWords, supportsCpuKernels } from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
} from "./convolution_problem.ts";
import { localSize, MOST_TEXELS, partsOf, PIXELS, rowsOf, windowOf } from "./cpu_lanes.ts";
import { isPlainWeight, storedTogether, windowConstants } from "./cpu_plane.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Filters of a group beyond which spreading them over the lanes is no worse, if rows can be read in place. */
const FEW_FILTERS = 4;
/** Most filters of a group. */
const MOST_FILTERS = 8;
/** Workgroups that keep every thread of a device busy. */
const BUSY = 32;
/** Sums of one invocation; more would not stay near the registers. */
const MOST_SUMS = 64;

/** Output rows of one invocation; 0 if the kernel would be too long. */
function rowsOfFew(problem: ConvolutionProblem): number {
  const filters = problem.filters / problem.groups;
  const rows = rowsOf(problem, windowOf(problem));
  const most = MOST_SUMS / (PIXELS * filters);
  return [4, 2, 1].find((count) => count <= Math.min(rows, most)) ?? 0;
}

/** Whether a device can run the kernel on a problem. */
export function supportsCpuFew(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { kernel, size, groups, filters, batch } = problem;
  if (!isChannelFirst(problem) || filters / groups > MOST_FILTERS) return false;
  const rows = onVectors(capabilities, problem)?.problem;
  return rows !== undefined && isPlainWeight(problem) && kernel[1] * kernel[2] <= 64 &&
    windowOf(rows).texels <= MOST_TEXELS && rowsOfFew(rows) > 0 &&
    Math.ceil(size[2] / PIXELS) * size[1] <= 65_535 &&
    groups <= 65_535 && batch * size[0] <= 65_535 &&
    supportsCpuKernels(
      capabilities,
      problem.inputCount / problem.inputSize[2] * rows.inputSize[2],
      problem.weightCount,
      problem.outputCount,
    );
}

/** Whether few lanes stay idle: on a CPU device, with channels enough to make up for stores of single results. */
export function prefersCpuFew(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { made } = partsOf(problem, windowOf(problem).runs, rowsOfFew(problem));
  const filters = problem.filters / problem.groups;
  return capabilities.deviceClass === "cpu" && problem.channels / problem.groups >= 8 &&
    (filters <= FEW_FILTERS || problem.inputSize[2] % 4 !== 0) &&
    problem.size[1] * problem.size[2] >= 0.6 * made;
}

/** Invocations of a workgroup: as wide as a row, but where that were too few workgroups or too many invocations. */
function lanesOf(capabilities: Capabilities, runs: number, others: number): number {
  const whole = localSize(runs);
  const most = Math.min(capabilities.maxWorkgroupInvocations, capabilities.maxWorkgroupSize[0]);
  const busy = Math.ceil(whole * others / BUSY / LANES) * LANES;
  return Math.min(whole, most, busy);
}

/**
 * Plans a convolution of few filters for a CPU device.
 *
 * @param capabilities The device.
 * @param described The convolution; not empty.
 * @returns One dispatch, behind a copy of the image if its rows are no whole vectors.
 */
export function planCpuFew(capabilities: Capabilities, described: ConvolutionProblem): Plan {
  const { problem, copy } = onVectors(capabilities, described)!;
  const { kernel, stride, padding, dilation, inputSize, size, groups } = problem;
  const window = windowOf(problem);
  const rows = rowsOfFew(problem);
  const { strips, stripsPerPart, parts } = partsOf(problem, window.runs, rows);
  const { slots, order } = convolutionSlots(problem);
  const others = parts * groups * problem.batch * size[0];
  const lanes = lanesOf(capabilities, window.runs, others);
  const columns = stripsPerPart > 1 ? 1 : Math.ceil(window.runs / lanes);
  const [image, ...rest] = order as [number, ...number[]];
  const x = copy === undefined
    ? image
    : slots.push({ role: "temporary", byteLength: copy.byteLength }) - 1;
  const dispatch = makeDispatch(
    cpuProgram(capabilities, "cpu_few"),
    {
      local_size_x: lanes,
      rows,
      filters: problem.filters / groups,
      kernel_d: kernel[0],
      ...windowConstants(problem),
      neighbors: window.neighbors,
      vector_store: storedTogether(problem) >= 4 ? 1 : 0,
      ...epilogueConstants(problem),
    },
    {
      columns,
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
    [x, ...rest],
    [parts * columns, groups, problem.batch * size[0]],
  );
  return {
    label: "Convolution/cpu_few",
    slots,
    dispatches: copy === undefined ? [dispatch] : [copy.dispatch([image, x]), dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
