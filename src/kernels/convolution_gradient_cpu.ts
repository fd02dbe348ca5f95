// Weight gradients on CPU devices: which filters, channels and taps one subgroup makes.

import { programs } from "../../shaders/manifest.ts";
import { alignRows } from "./align.ts";
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
const MOST_SUMS = 64;
/** Taps of one invocation; more would compile too long. */
const MOST_TAPS = 12;

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

/** What one subgroup makes. */
interface Share {
  readonly taps: number;
  /** Blocks of 8 filters. */
  readonly blocks: number;
  /** Whether it reads the image as vectors. */
  readonly quads: boolean;
}

/** Cycles or so of a load, of floats that lie apart, of a value handed to all lanes, a sum that a loop carries, a product. */
const COST = { load: 35, apart: 70, shuffle: 2, sum: 3, product: 2 } as const;

/**
 * Filters and taps of one subgroup that cost the least for each product.
 *
 * @param problem The gradient; its rows may be copies.
 * @param channels Channels of a subgroup.
 * @param filters Filters that are shared out.
 * @param most Most blocks.
 * @returns The share.
 */
function cheapestShare(
  { kernel, stride, dilation, padding, input, inputSize }: GradientProblem,
  channels: number,
  filters: number,
  most: number,
): Share {
  const width = kernel[2];
  const whole = quadRows(input, inputSize);
  const wanted = Math.ceil(filters / LANES);
  let best: Share & { cost: number } = { taps: 1, blocks: 1, quads: false, cost: Infinity };
  for (let taps = Math.min(width, MOST_TAPS); taps > 0; taps--) {
    const groups = Math.ceil(width / taps);
    const span = 3 * stride[2] + (taps - 1) * dilation[2] + 1;
    const values = span <= 4 * taps + 2 ? span : 4 * taps;
    const texels = Math.ceil(((4 - padding[2] % 4) % 4 + span) / 4);
    // Groups of taps must begin at whole vectors.
    const quads = whole && texels <= values && (groups === 1 || taps * dilation[2] % 4 === 0);
    for (let blocks = Math.min(most, wanted); blocks > 0; blocks--) {
      const sums = blocks * channels * taps;
      if (sums > MOST_SUMS && (blocks > 1 || taps > 1)) continue;
      const cost = blocks * COST.load +
        (quads ? texels * COST.load : values * COST.apart) +
        values * channels * COST.shuffle + sums * (COST.sum + 4 * COST.product);
      const useful = channels * width / groups * wanted / Math.ceil(wanted / blocks);
      if (cost / useful < best.cost) best = { taps, blocks, quads, cost: cost / useful };
    }
  }
  return best;
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
  if (isPrivate) return planOnRows(capabilities, problem, true);
  const { input, inputSize, output, size, channels, filters } = problem;
  const x = alignRows(capabilities, input, inputSize, channels, problem.inputCount);
  const gradient = alignRows(capabilities, output, size, filters, problem.outputCount);
  const aligned = {
    ...problem,
    ...(x && { input: x.strides, inputSize: x.size }),
    ...(gradient && { output: gradient.strides, size: gradient.size }),
  };
  const copies = new Map([
    ...(x ? [[0, x] as const] : []),
    ...(gradient ? [[1, gradient] as const] : []),
  ]);
  return { ...planOnRows(capabilities, aligned, false), copies };
}

function planOnRows(
  capabilities: Capabilities,
  problem: GradientProblem,
  isPrivate: boolean,
): GradientParts {
  const { kernel, size, batch, output } = problem;
  const groupChannels = problem.channels / problem.groups;
  const groupFilters = problem.filters / problem.groups;
  const filters = isPrivate ? problem.filters : groupFilters;
  const groups = isPrivate ? 1 : problem.groups;
  const channels = Math.min(groupChannels, isPrivate ? 4 : LANES);
  const { taps, blocks, quads } = cheapestShare(problem, channels, filters, isPrivate ? 1 : 4);
  const tapGroups = Math.ceil(kernel[2] / taps);
  const filterBlocks = Math.ceil(filters / (LANES * blocks));
  const channelBlocks = Math.ceil(groupChannels / channels);
  const parts = filterBlocks * channelBlocks * groups * kernel[0] * kernel[1] * tapGroups;
  const rounds = batch * size[0] * size[1] * Math.ceil(size[2] / 4);
  const wanted = countChunks(
    capabilities,
    problem,
    Math.min(Math.ceil(BUSY / parts), Math.ceil(rounds / 64)),
  );
  const chunkRounds = Math.ceil(rounds / wanted);
  const chunks = Math.ceil(rounds / chunkRounds);
  const items = parts * chunks;
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
          x_quads: quads ? 1 : 0,
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
