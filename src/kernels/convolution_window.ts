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

interface Blocking {
  /** Filters of an invocation, and as many with those that fill a vector up. */
  readonly filters: number;
  readonly padded: number;
  readonly tiles: number;
  readonly outputs: number;
  readonly blocks: number;
  readonly count: number;
}

function blockingOf(capabilities: Capabilities, problem: ConvolutionProblem): Blocking {
  const groupFilters = problem.filters / problem.groups;
  const tiles = Math.ceil(groupFilters / MOST_FILTERS);
  const filters = Math.ceil(groupFilters / tiles);
  const [depth, height, width] = problem.size;
  const lines = problem.batch * problem.groups * tiles * depth * width;
  const busy = problem.weightCount / problem.filters < FEW_TAPS ? BUSY : BUSY_LONG;
  // Rows between the windows' rows would be read in vain.
  const reuses = problem.kernel[1] > 1 && problem.stride[1] <= problem.kernel[1];
  const wanted = Math.min(
    MOST_OUTPUTS,
    Math.floor(MOST_SUMS / filters),
    Math.floor(lines * height / (busy * capabilities.processors)),
    reuses ? height : Math.min(height, 2),
  );
  const blocks = Math.ceil(height / Math.max(1, wanted));
  return {
    filters,
    padded: filters <= 2 ? filters : Math.ceil(filters / 4) * 4,
    tiles,
    outputs: Math.ceil(height / blocks),
    blocks,
    count: lines * blocks,
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
 * @returns One dispatch.
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
  const sizes = [width, blocking.blocks, depth, blocking.tiles, problem.groups];
  const divisors = sizes.map(divisor);
  const localSize = Math.min(
    LOCAL_SIZE,
    capabilities.maxWorkgroupInvocations,
    capabilities.maxWorkgroupSize[0],
  );
  const { input, output } = problem;
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
    },
    [order[0]!, weight, order[2]!, order[3]!, order[4]!],
    foldGrid(capabilities, Math.ceil(blocking.count / localSize)),
  );
  return {
    label: "Convolution/window",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
