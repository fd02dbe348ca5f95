// Weight gradients on CPU devices: which filters, channels and taps one subgroup makes.

import { programs } from "../../shaders/manifest.ts";
import {
  countChunks,
  type GradientParts,
  type GradientProblem,
  gradientWords,
} from "./convolution_gradient_problem.ts";
import { LANES, supportsCpuKernels } from "./convolution_cpu_weight.ts";
import { geometryConstants } from "./convolution_problem.ts";
import { foldGrid } from "./grid.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";

/** Subgroups that keep every thread of a device busy to the end. */
const BUSY = 32;
/** Sums of one invocation; more would not stay near the registers. */
const MOST_SUMS = 48;

/** Whether a device can run the kernel on a problem. */
export function supportsCpuGradient(
  problem: GradientProblem,
  capabilities: Capabilities,
): boolean {
  return supportsCpuKernels(
    capabilities,
    problem.inputCount,
    problem.weightCount,
    problem.outputCount,
  );
}

/** Whether groups are so small that lanes had better take several of them. */
export function prefersPrivate({ channels, filters, groups }: GradientProblem): boolean {
  return groups > 1 && channels / groups <= 4 && filters / groups <= 4;
}

/** Whether four neighbors along the width are one aligned vector, whatever the row. */
function quadRows(
  strides: GradientProblem["input"],
  size: GradientProblem["size"],
): boolean {
  return strides.w === 1 && size[2] % 4 === 0 &&
    [strides.n, strides.c, strides.d, strides.h].every((step) => step % 4 === 0);
}

/**
 * Plans a weight gradient for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The gradient; not empty.
 * @param isPrivate Whether every lane reads the channels of its own group.
 * @returns One dispatch.
 */
export function planCpuGradient(
  capabilities: Capabilities,
  problem: GradientProblem,
  isPrivate: boolean,
): GradientParts {
  const { kernel, stride, dilation, size, batch, input, output, padding } = problem;
  const groupChannels = problem.channels / problem.groups;
  const groupFilters = problem.filters / problem.groups;
  const filters = isPrivate ? problem.filters : groupFilters;
  const groups = isPrivate ? 1 : problem.groups;
  const tapGroups = Math.ceil(kernel[2] / 8);
  const taps = Math.ceil(kernel[2] / tapGroups);
  const channels = Math.min(groupChannels, isPrivate ? 4 : LANES);
  const most = Math.max(1, Math.floor(MOST_SUMS / (channels * taps)));
  const blocks = isPrivate ? 1 : Math.min(4, most, Math.ceil(filters / LANES));
  const filterBlocks = Math.ceil(filters / (LANES * blocks));
  const channelBlocks = Math.ceil(groupChannels / channels);
  const parts = filterBlocks * channelBlocks * groups * kernel[0] * kernel[1] * tapGroups;
  const rounds = batch * size[0] * size[1] * Math.ceil(size[2] / 4);
  const wanted = countChunks(problem, Math.min(Math.ceil(BUSY / parts), Math.ceil(rounds / 64)));
  const chunkRounds = Math.ceil(rounds / wanted);
  const chunks = Math.ceil(rounds / chunkRounds);
  const items = parts * chunks;
  // Reading whole vectors pays if most of what they hold is used.
  const span = 3 * stride[2] + (taps - 1) * dilation[2] + 1;
  const xQuads = quadRows(input, problem.inputSize) && padding[2] <= 16 && span <= 4 * taps + 8 &&
    (tapGroups === 1 || taps * dilation[2] % 4 === 0);
  return {
    name: isPrivate ? "cpu_private" : "cpu",
    chunks,
    dispatch: (chunkStep) =>
      makeDispatch(
        programs[
          capabilities.loadPath === "texel"
            ? "convolution/weight_gradient_cpu.texel"
            : "convolution/weight_gradient_cpu.storage"
        ],
        {
          local_size_x: LANES,
          blocks,
          channels,
          taps,
          channel_last: problem.channelLast ? 1 : 0,
          private: isPrivate ? 1 : 0,
          gradient_quads: quadRows(output, size) ? 1 : 0,
          x_quads: xQuads ? 1 : 0,
          ...geometryConstants(problem),
        },
        {
          items,
          filter_blocks: filterBlocks,
          channel_blocks: channelBlocks,
          groups,
          chunk_step: chunkStep,
          chunk_rounds: chunkRounds,
          rounds,
          filters,
          out_d: size[0],
          out_h: size[1],
          out_w: size[2],
          ...gradientWords(problem),
        },
        [0, 0, 1, 1, 2],
        foldGrid(capabilities, items),
      ),
  };
}
