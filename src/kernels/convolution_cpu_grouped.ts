// Grouped convolution for CPU devices on wide rows: all groups in one dispatch, lanes side by side along the rows.

import { hasLaneRows } from "./convolution_cpu_lanes.ts";
import {
  type LaneWindow,
  localSize,
  partsOf,
  partsTogether,
  PIXELS,
  windowOf,
} from "./cpu_lanes.ts";
import { storedTogether, windowConstants } from "./cpu_plane.ts";
import {
  cpuProgram,
  packedWeight,
  packedWeightVectors,
  supportsCpuKernels,
  type WeightPacking,
} from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
} from "./convolution_problem.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Vectors of the image times filters that the kernel may unroll: compiles within a second. */
const MOST_UNROLLED = 160;

/** Filters of a group that one invocation makes; 0 for a number that does not fit. */
function filtersTogether({ filters, groups }: ConvolutionProblem): number {
  const each = filters / groups;
  return each % 4 === 0 ? 4 : each === 2 || each === 1 ? each : 0;
}

function packingOf({ channels, groups, kernel }: ConvolutionProblem): WeightPacking {
  return { taps: kernel[2], tapGroups: 1, quads: Math.ceil(channels / groups / 4) };
}

/** All filters as one group, which is how the weight is packed. */
function ungrouped(problem: ConvolutionProblem): ConvolutionProblem {
  return { ...problem, groups: 1, channels: problem.channels / problem.groups };
}

function loadsOf(problem: ConvolutionProblem, { texels, own, neighbors }: LaneWindow): number {
  const perRow = neighbors === 0 ? texels : own + neighbors - 1;
  return problem.kernel[1] * perRow * Math.min(problem.channels / problem.groups, 4);
}

/** Whether a device can run the kernel on a problem. */
export function supportsCpuGrouped(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const together = filtersTogether(problem);
  return problem.groups > 1 && together > 0 && hasLaneRows(problem, capabilities) &&
    loadsOf(problem, windowOf(problem)) * together <= MOST_UNROLLED &&
    supportsCpuKernels(
      capabilities,
      problem.inputCount,
      problem.weightCount,
      problem.outputCount,
      packedWeightVectors(ungrouped(problem), packingOf(problem)) * 4,
    );
}

/** Whether few lanes stay idle: on a CPU device, in groups too small for the kernels that make eight filters at once. */
export function prefersCpuGrouped(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { runs } = windowOf(problem);
  const { made } = partsOf(problem, runs, 1);
  return capabilities.deviceClass === "cpu" && problem.filters / problem.groups < 32 &&
    problem.size[1] * problem.size[2] >= 0.4 * made;
}

/**
 * Plans a grouped convolution of wide rows for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty.
 * @returns One dispatch; a prepared slot holds the weight.
 */
export function planCpuGrouped(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const { padding, inputSize, size, output, groups } = problem;
  const { runs, neighbors } = windowOf(problem);
  const together = filtersTogether(problem);
  const packing = packingOf(problem);
  const channels = problem.channels / groups;
  const { stripsPerPart, parts } = partsOf(problem, runs, 1);
  const blocks = problem.batch * problem.filters / together;
  const each = partsTogether(parts, blocks);
  const { slots, order } = convolutionSlots(problem);
  const [input, , bias, residual, result] = order as [number, number, number, number, number];
  const weight = slots.push(packedWeight(capabilities, ungrouped(problem), packing, 0)) - 1;
  const dispatch = makeDispatch(
    cpuProgram(capabilities, "cpu_grouped"),
    {
      local_size_x: localSize(runs),
      filters: together,
      ...windowConstants(problem),
      depth: Math.min(channels, 4),
      neighbors,
      store_octets: storedTogether(problem) >= PIXELS ? 1 : 0,
      quads: packing.quads,
      ...epilogueConstants(problem),
    },
    {
      parts: each,
      rows_per_part: stripsPerPart,
      runs,
      inputs: channels,
      filters: problem.filters / groups,
      x_step_n: problem.channels * inputSize[1] * inputSize[2] / 4,
      x_height: inputSize[1],
      x_vecs: inputSize[2] / 4,
      pad_h: padding[1],
      out_h: size[1],
      out_w: size[2],
      y_step_n: output.n,
      y_step_c: output.c,
      y_step_h: output.h,
    },
    [input, weight, bias, residual, result],
    [Math.ceil(parts / each), problem.filters / together, problem.batch],
  );
  return {
    label: "Convolution/cpu_grouped",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
