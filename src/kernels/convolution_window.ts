// Convolutions of few filters a group on GPUs: depthwise and grouped ones, and those that end an image network.

import { programs } from "../../shaders/manifest.ts";
import { contiguousStrides } from "../core/shape.ts";
import type { Dispatch } from "../core/dispatch.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
  geometryConstants,
} from "./convolution_problem.ts";
import { sumParts } from "./convolution_igemm.ts";
import { SPLIT_BYTES } from "./convolution_tiles.ts";
import { divisor } from "./divisor.ts";
import { planFill } from "./elementwise.ts";
import { foldGrid } from "./grid.ts";
import { countOperand } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";
import { copyRegion } from "./region.ts";

/** Filters of one invocation at most: each costs registers for its sums and its column of taps. */
const MOST_FILTERS = 12;

/** Sums that an invocation keeps in registers at most. */
const MOST_SUMS = 36;

/** Pixels one below the other that an invocation makes at most. */
const MOST_OUTPUTS = 8;

/** Rows of a column of taps at most, or code and registers grow too large. */
const MOST_TAPS = 16;

/** Rows from window to window at most, of which those that no tap reaches are read in vain. */
const MOST_STRIDE = 4;

/** More filters than as many invocations make are work for a matrix product. */
const MOST_TILES = 4;

/** Invocations of a workgroup: a device starts workgroups at a limited rate, whatever their size. */
const LOCAL_SIZE = 256;

/** Invocations that keep a processor busy; fewer where each walks many taps, whose reads are better shared. */
const BUSY = 512;
const BUSY_LONG = 192;

/** Pixels of a processor below which the time of one decides. */
const FEW = 256;

/** Taps that one invocation walks in no time. */
const FEW_TAPS = 64;

/** Columns of taps that one invocation walks, one waiting after another, before its channels are shared out. */
const LONG_WALK = 64;

/** Parts of the channels at most, channels and columns of taps of each at least: a part costs a store and a load of its sums. */
const MOST_SPLITS = 16;
const LEAST_CHANNELS = 4;
const LEAST_WALK = 32;

/** Invocations of a processor that hide each other's waiting: there are no more parts than that takes. */
const HIDDEN = 1_024;

interface Blocking {
  /** Filters of an invocation, and as many with those that fill a vector up. */
  readonly filters: number;
  readonly padded: number;
  readonly tiles: number;
  readonly outputs: number;
  readonly blocks: number;
  /** Channels of a part, and into how many they are split. */
  readonly channels: number;
  readonly splits: number;
  readonly count: number;
}

/** Into how many parts the channels may be split. */
function mostSplits(capabilities: Capabilities, problem: ConvolutionProblem): number {
  const channels = problem.channels / problem.groups;
  const walk = channels * problem.kernel[0] * problem.kernel[2];
  if (capabilities.deviceClass === "cpu" || walk < LONG_WALK) return 1;
  const [depth, height, width] = problem.size;
  const resultBytes = 4 * problem.filters * problem.batch * depth * height * width;
  return Math.max(
    1,
    Math.min(
      MOST_SPLITS,
      Math.floor(channels / LEAST_CHANNELS),
      Math.floor(walk / LEAST_WALK),
      Math.floor(Math.min(SPLIT_BYTES, capabilities.maxStorageBufferRange) / resultBytes),
    ),
  );
}

function blockingOf(capabilities: Capabilities, problem: ConvolutionProblem): Blocking {
  const groupFilters = problem.filters / problem.groups;
  const tiles = Math.ceil(groupFilters / MOST_FILTERS);
  const filters = Math.ceil(groupFilters / tiles);
  const [depth, height, width] = problem.size;
  const lines = problem.batch * problem.groups * tiles * depth * width;
  const most = mostSplits(capabilities, problem);
  const busy = problem.weightCount / problem.filters < FEW_TAPS ? BUSY : BUSY_LONG;
  // Rows between the windows' rows would be read in vain.
  const reuses = problem.kernel[1] > 1 && problem.stride[1] <= problem.kernel[1];
  const wanted = Math.min(
    MOST_OUTPUTS,
    Math.floor(MOST_SUMS / filters),
    Math.floor(most * lines * height / (busy * capabilities.processors)),
    reuses ? height : Math.min(height, 2),
  );
  const blocks = Math.ceil(height / Math.max(1, wanted));
  const groupChannels = problem.channels / problem.groups;
  const parts = Math.min(most, Math.floor(HIDDEN * capabilities.processors / (lines * blocks)));
  const channels = Math.ceil(groupChannels / Math.max(1, parts));
  const splits = Math.ceil(groupChannels / channels);
  return {
    filters,
    padded: filters <= 2 ? filters : Math.ceil(filters / 4) * 4,
    tiles,
    outputs: Math.ceil(height / blocks),
    blocks,
    channels,
    splits,
    count: lines * blocks * splits,
  };
}

/** Whether the kernel can run a convolution. */
export function supportsWindow(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { count, tiles } = blockingOf(capabilities, problem);
  const reach = (problem.kernel[1] - 1) * problem.dilation[1] + 1;
  return reach <= MOST_TAPS && problem.stride[1] <= MOST_STRIDE && tiles <= MOST_TILES &&
    count < 2 ** 31;
}

/** Whether a device should run it here rather than as a matrix product. */
export function prefersWindow(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  if (capabilities.deviceClass === "cpu" || problem.filters / problem.groups > MOST_FILTERS) {
    return false;
  }
  // Each invocation walks all taps: a product may split them where invocations are few.
  const taps = problem.weightCount / problem.filters;
  const pixels = problem.batch * problem.size[0] * problem.size[1] * problem.size[2];
  return taps < FEW_TAPS || pixels * problem.groups >= FEW * capabilities.processors;
}

/** The weight as the kernel reads it; nothing where it lies so already. */
function packWeight(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  { filters, padded, tiles }: Blocking,
): Slot | undefined {
  const { weight, groups, kernel } = problem;
  const groupFilters = problem.filters / groups;
  const channels = problem.channels / groups;
  const plain = contiguousStrides([problem.filters, channels, ...kernel]);
  const given = [weight.n, weight.c, weight.d, weight.h, weight.w];
  const sizes = [groups, groupFilters, channels, ...kernel];
  // Strides of axes of one element do not matter.
  if (padded === 1 && given.every((step, axis) => step === plain[axis] || sizes[axis + 1] === 1)) {
    return undefined;
  }
  const taps = kernel[0] * kernel[1] * kernel[2];
  const block = channels * taps * padded;
  const count = groups * tiles * block;
  countOperand(capabilities, "pack the weight of Convolution", [count], 4);
  const dispatches: Dispatch[] = [];
  if (count !== problem.weightCount) {
    const [fill] = planFill(capabilities, 0, count * 4).dispatches;
    dispatches.push({ ...fill!, slots: [1] });
  }
  for (let tile = 0; tile < tiles; tile++) {
    const own = Math.min(filters, groupFilters - tile * filters);
    const region = {
      sizes: [groups, own, channels, ...kernel],
      from: {
        base: tile * filters * weight.n,
        strides: [groupFilters * weight.n, ...given],
      },
      to: {
        base: tile * block,
        strides: [
          tiles * block,
          1,
          taps * padded,
          kernel[1] * kernel[2] * padded,
          kernel[2] * padded,
          padded,
        ],
      },
      outputCount: count,
    };
    dispatches.push(...copyRegion(capabilities, region, 4, [0, 1]));
  }
  return {
    role: "prepared",
    key: `window:${filters}:${sizes}:${given}`,
    source: 1,
    byteLength: count * 4,
    dispatches,
  };
}

/**
 * Plans a convolution of few filters a group.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty.
 * @returns One dispatch, or one for the parts and one for their sum.
 */
export function planWindowConvolution(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
): Plan {
  const blocking = blockingOf(capabilities, problem);
  const { slots, order } = convolutionSlots(problem);
  const packed = packWeight(capabilities, problem, blocking);
  const weight = packed === undefined ? order[1]! : slots.push(packed) - 1;
  const [depth, height, width] = problem.size;
  const sizes = [width, blocking.blocks, depth, blocking.tiles, problem.groups, blocking.splits];
  const divisors = sizes.map(divisor);
  const localSize = Math.min(
    LOCAL_SIZE,
    capabilities.maxWorkgroupInvocations,
    capabilities.maxWorkgroupSize[0],
  );
  const { input, output } = problem;
  const columns = problem.batch * depth * height * width;
  const { splits } = blocking;
  const target = splits === 1
    ? order[4]!
    : slots.push({ role: "temporary", byteLength: 4 * splits * problem.filters * columns }) - 1;
  const rows = (blocking.outputs - 1) * problem.stride[1] +
    (problem.kernel[1] - 1) * problem.dilation[1] + 1;
  // Code grows with products; CPU devices translate it for longer than they run it.
  const products = rows * problem.kernel[2] * blocking.filters;
  const unroll = capabilities.deviceClass !== "cpu" && products <= 128 ? problem.kernel[2] : 1;
  const dispatch = makeDispatch(
    programs["convolution/window_forward"],
    {
      local_size_x: localSize,
      filters: blocking.filters,
      padded: blocking.padded,
      outputs: blocking.outputs,
      channel_last: input.c === 1 && problem.channels > 1 ? 1 : 0,
      unroll,
      ...geometryConstants(problem),
      ...epilogueConstants(problem),
      ...(splits > 1 ? { split: 1 } : {}),
    },
    {
      count: blocking.count,
      out_w: width,
      blocks: blocking.blocks,
      out_d: depth,
      tiles: blocking.tiles,
      groups: problem.groups,
      out_w_multiplier: divisors[0]!.multiplier,
      blocks_multiplier: divisors[1]!.multiplier,
      out_d_multiplier: divisors[2]!.multiplier,
      tiles_multiplier: divisors[3]!.multiplier,
      groups_multiplier: divisors[4]!.multiplier,
      shifts: divisors.reduce((bits, { shift }, at) => bits | (shift << (5 * at)), 0) >>> 0,
      out_h: height,
      in_d: problem.inputSize[0],
      in_h: problem.inputSize[1],
      in_w: problem.inputSize[2],
      group_channels: problem.channels / problem.groups,
      group_filters: problem.filters / problem.groups,
      input_n: input.n,
      input_c: input.c,
      input_d: input.d,
      input_h: input.h,
      input_w: input.w,
      output_n: output.n,
      output_c: output.c,
      output_d: output.d,
      output_h: output.h,
      output_w: output.w,
      splits,
      splits_multiplier: divisors[5]!.multiplier,
      split_channels: blocking.channels,
      columns,
    },
    [order[0]!, weight, order[2]!, order[3]!, target],
    foldGrid(capabilities, Math.ceil(blocking.count / localSize)),
  );
  const dispatches = [dispatch];
  if (splits > 1) {
    const places = [target, order[2]!, order[3]!, order[4]!];
    dispatches.push(sumParts(capabilities, problem, splits, places));
  }
  return {
    label: splits > 1 ? "Convolution/window_split" : "Convolution/window",
    slots,
    dispatches,
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
