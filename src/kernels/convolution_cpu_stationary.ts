// 1x1 convolution for CPU devices whose driver inlines texel loads (Mesa 22), for many channels and few pixels: the weights
// stay on the stack while a loop runs over the pixels, so that no lane is idle whatever the image.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import {
  epilogueSlots,
  LANES,
  storesPlainly,
  supportsCpuKernels,
} from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
  inRows,
  product,
} from "./convolution_problem.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";
import { copyRegion } from "./region.ts";

/** Vectors of input channels of a pass: with 8 filters a lane half of the first-level cache. */
const PASS_QUADS = 16;
/** Smaller convolutions take longer to launch three times than to compute. */
const ENOUGH_FLOPS = 4e6;
/** Workgroups that keep every thread busy. */
const ENOUGH_WORKGROUPS = 4;
/** Channels of a workgroup of the last step, and pixels. */
const [FINISHED_CHANNELS, FINISHED_PIXELS] = [16, 32];

/** Sizes that follow from a problem. */
interface Sizes {
  /** Filters of a lane. */
  readonly together: 4 | 8;
  readonly groups: number;
  readonly quads: number;
  readonly passQuads: number;
  readonly passes: number;
  readonly pixels: number;
  /** Workgroups that share the pixels. */
  readonly split: number;
}

function sizesOf({ channels, filters, batch, size }: ConvolutionProblem): Sizes {
  const together = filters % (8 * LANES) === 0 ? 8 : 4;
  const groups = Math.ceil(filters / (together * LANES));
  const quads = channels / 4;
  const passes = Math.ceil(quads / PASS_QUADS);
  const pixels = batch * product(size);
  const split =
    [1, 2, 4, 7, 8].find((parts) =>
      pixels % parts === 0 && groups * parts % 2 === 0 && groups * parts >= ENOUGH_WORKGROUPS
    ) ?? 1;
  const passQuads = Math.ceil(quads / passes / 4) * 4;
  return { together, groups, quads, passQuads, passes, pixels, split };
}

function supports(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { kernel, padding, groups, channels, filters, batch, size, output } = problem;
  const { pixels, groups: blocks } = sizesOf(problem);
  return capabilities.loadPath === "texel" && groups === 1 && product(kernel) === 1 &&
    padding.every((zeros) => zeros === 0) && channels % 4 === 0 && filters % (4 * LANES) === 0 &&
    storesPlainly(problem) && inRows(output, size) &&
    Math.max(batch, blocks, filters / FINISHED_CHANNELS, pixels / FINISHED_PIXELS) <= 65_535 &&
    supportsCpuKernels(
      capabilities,
      problem.inputCount,
      problem.weightCount,
      problem.outputCount,
      pixels * channels,
      pixels * filters,
    );
}

/**
 * Whether gathering the pixels is worth it: where another kernel would pack them too, or could not read them as vectors
 * (1024 -> 256 channels at 14 x 14, read in place: 0.8 to 1.2 times as fast).
 */
function prefers(problem: ConvolutionProblem, { deviceClass }: Capabilities): boolean {
  const { channels, stride, size, flops } = problem;
  const plane = product(size);
  return deviceClass === "cpu" && channels >= 128 && flops >= ENOUGH_FLOPS && plane % 8 !== 0 &&
    (plane % 4 !== 0 || product(stride) > 1);
}

/** The prepared weight, `[group][quads][filters of a lane][lanes]` in vectors of four input channels. */
function stackedWeight(capabilities: Capabilities, problem: ConvolutionProblem): Slot {
  const { weight, channels, weightCount } = problem;
  const { together, groups, quads } = sizesOf(problem);
  const region = {
    sizes: [groups, quads, together, LANES, 4],
    from: {
      base: 0,
      strides: [together * LANES * weight.n, 4 * weight.c, weight.n, together * weight.n, weight.c],
    },
    to: {
      base: 0,
      strides: [together * LANES * channels, together * LANES * 4, LANES * 4, 4, 1],
    },
    outputCount: weightCount,
  };
  return {
    role: "prepared",
    key: `stationary:${[together, groups, quads, weight.n, weight.c]}`,
    source: 1,
    byteLength: weightCount * 4,
    dispatches: copyRegion(capabilities, region, 4, [0, 1]),
  };
}

function finish(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  slots: readonly number[],
): Dispatch {
  const { batch, filters, size, output } = problem;
  const plane = product(size);
  const whole = [plane, output.n, output.c].every((step) => step % 4 === 0);
  return makeDispatch(
    programs["convolution/cpu_stationary_finish.texel"],
    { local_size_x: LANES, vector_store: whole ? 1 : 0, ...epilogueConstants(problem) },
    { plane, step: filters, channels: filters, y_step_n: output.n, y_step_c: output.c },
    epilogueSlots(capabilities, ...slots),
    [Math.ceil(plane / FINISHED_PIXELS), Math.ceil(filters / FINISHED_CHANNELS), batch],
  );
}

/**
 * Plans a 1x1 convolution for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty, and one that is supported.
 * @returns Dispatches that gather the pixels with all their channels, one that multiplies, and one that stores planes; a
 *   prepared slot holds the weight.
 */
function plan(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const { batch, channels, filters, size, stride, input } = problem;
  const { together, groups, quads, passQuads, passes, pixels, split } = sizesOf(problem);
  const [depth, height, width] = size;
  const { slots, order } = convolutionSlots(problem);
  const [image, , bias, residual, result] = order as [number, number, number, number, number];
  const weight = slots.push(stackedWeight(capabilities, problem)) - 1;
  const temporary = (count: number) => slots.push({ role: "temporary", byteLength: count * 4 }) - 1;
  const [gathered, sums] = [temporary(pixels * channels), temporary(pixels * filters)];
  const row = width * channels;
  const region = {
    sizes: [batch, depth, height, width, channels],
    from: {
      base: 0,
      strides: [input.n, input.d * stride[0], input.h * stride[1], input.w * stride[2], input.c],
    },
    to: { base: 0, strides: [depth * height * row, height * row, row, channels, 1] },
    outputCount: pixels * channels,
  };
  const multiply = makeDispatch(
    programs["convolution/cpu_winograd_product.texel"],
    { local_size_x: LANES, filters: together, quads: passQuads, passes },
    {
      quads,
      channels: filters,
      tiles: pixels / split,
      v_step: 0,
      m_step: 0,
      parts: split,
      plane: pixels,
      v_planes: 1,
      first_plane: 0,
    },
    [gathered, weight, sums, sums],
    [groups, split, 1],
  );
  return {
    label: "Convolution/cpu_stationary",
    slots,
    dispatches: [
      ...copyRegion(capabilities, region, 4, [image, gathered]),
      multiply,
      finish(capabilities, problem, [sums, bias, residual, result]),
    ],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}

/** The row of the variant table. */
export const cpuStationary = {
  name: "cpu_stationary",
  supports,
  when: prefers,
  plan,
} as const;
