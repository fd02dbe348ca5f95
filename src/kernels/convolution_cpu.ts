// Convolution for CPU devices (lavapipe) of any shape and layout: the image is repacked with its padding, four channels
// to a vector, so that the inner loop is loads, shuffles and multiply-adds without a condition.

import type { Dispatch } from "../core/dispatch.ts";
import { cpuLocalSize, storedTogether } from "./cpu_plane.ts";
import {
  blocksTogether,
  cpuProgram,
  epilogueSlots,
  LANES,
  outputWords,
  packedBlocks,
  packedWeight,
  packedWeightVectors,
  supportsCpuKernels,
  touches,
  type WeightPacking,
} from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
  type Triple,
} from "./convolution_problem.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Consecutive outputs of a row that one invocation makes. */
const PIXELS = 4;
/** More groups than this would be more pairs of dispatches than they are worth. */
export const MAX_CPU_GROUPS = 8;

/** Sizes that follow from a problem. */
interface Sizes extends WeightPacking {
  /** Vectors of channels in one round of the kernel. */
  readonly quadsPerRound: number;
  /** Workgroups for the output channels. */
  readonly blocks: number;
  /** Depth, height and width of the packed image. */
  readonly packed: Triple;
  readonly packedFloats: number;
  readonly runsPerRow: number;
  readonly runs: number;
}

function sizesOf(problem: ConvolutionProblem): Sizes {
  const { kernel, stride, dilation, size, batch } = problem;
  const [kd, kh, kw] = kernel;
  const taps = kw <= 7 ? kw : 4;
  const tapGroups = Math.ceil(kw / taps);
  const quadsPerRound = kd * kh * kw === 1 ? 2 : 1;
  const channels = problem.channels / problem.groups;
  const quads = Math.ceil(channels / (4 * quadsPerRound)) * quadsPerRound;
  const runsPerRow = Math.ceil(size[2] / PIXELS);
  const packed: Triple = [
    (size[0] - 1) * stride[0] + (kd - 1) * dilation[0] + 1,
    (size[1] - 1) * stride[1] + (kh - 1) * dilation[1] + 1,
    (runsPerRow * PIXELS - 1) * stride[2] + (tapGroups * taps - 1) * dilation[2] + 1,
  ];
  return {
    taps,
    tapGroups,
    quadsPerRound,
    quads,
    blocks: packedBlocks(problem) / blocksTogether(problem),
    packed,
    packedFloats: batch * packed[0] * packed[1] * quads * packed[2] * 4,
    runsPerRow,
    runs: batch * size[0] * size[1] * runsPerRow,
  };
}

/** Whether a device can run the packing kernels on a problem. */
export function supportsCpuConvolution(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const sizes = sizesOf(problem);
  return problem.groups <= MAX_CPU_GROUPS && Math.ceil(sizes.runs / 64) <= 65_535 &&
    Math.ceil(sizes.packed[2] / 64) <= 65_535 && Math.max(sizes.quads, sizes.blocks) <= 65_535 &&
    supportsCpuKernels(
      capabilities,
      problem.inputCount,
      problem.weightCount,
      problem.outputCount,
      sizes.packedFloats,
      packedWeightVectors(problem, sizes) * 4,
    );
}

/** Whether enough lanes have work: on a CPU device, in groups of some channels. */
export function prefersCpuConvolution(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const channels = problem.channels / problem.groups;
  const filters = problem.filters / problem.groups;
  return capabilities.deviceClass === "cpu" &&
    (problem.groups === 1 || (channels >= 4 && filters >= 4));
}

function packInput(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  sizes: Sizes,
  group: number,
  slots: readonly [number, number],
): Dispatch {
  const { input, inputSize, padding } = problem;
  const [depth, height, width] = sizes.packed;
  const channels = problem.channels / problem.groups;
  const rows = problem.batch * depth * height;
  const localSize = width >= 64 ? 64 : Math.ceil(width / LANES) * LANES;
  const quadsPerGroup = Math.min(sizes.quads, 16);
  return makeDispatch(
    cpuProgram(capabilities, "cpu_pack_input"),
    { local_size_x: localSize },
    {
      rows,
      depth,
      height,
      width,
      quads: sizes.quads,
      quads_per_group: quadsPerGroup,
      pad_d: padding[0],
      pad_h: padding[1],
      pad_w: padding[2],
      x_depth: inputSize[0],
      x_height: inputSize[1],
      x_width: inputSize[2],
      channels,
      channel_start: group * channels,
      x_step_n: input.n,
      x_step_c: input.c,
      x_step_d: input.d,
      x_step_h: input.h,
      x_step_w: input.w,
    },
    slots,
    [
      Math.ceil(width / localSize),
      Math.ceil(sizes.quads / quadsPerGroup),
      Math.min(rows, 65_535),
    ],
  );
}

function forward(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  sizes: Sizes,
  group: number,
  slots: readonly number[],
): Dispatch {
  const { kernel, stride, dilation, size } = problem;
  const [depth, height, width] = sizes.packed;
  const filters = problem.filters / problem.groups;
  const localSize = cpuLocalSize(sizes.runs, sizes.blocks);
  const vectorStore = storedTogether(problem) >= 4;
  return makeDispatch(
    cpuProgram(capabilities, "cpu_forward"),
    {
      local_size_x: localSize,
      pixels: PIXELS,
      blocks: blocksTogether(problem),
      taps: sizes.taps,
      quads: sizes.quadsPerRound,
      kernel_d: kernel[0],
      kernel_h: kernel[1],
      tap_groups: sizes.tapGroups,
      stride_w: stride[2],
      dilation_w: dilation[2],
      vector_store: vectorStore ? 1 : 0,
      touch: touches(capabilities) && vectorStore ? 1 : 0,
      depth: Math.min(problem.channels / problem.groups, 4),
      ...epilogueConstants(problem),
    },
    {
      quads: sizes.quads,
      x_width: width,
      x_step_h: sizes.quads * width * stride[1],
      x_step_d: sizes.quads * width * height * stride[0],
      x_step_n: sizes.quads * width * height * depth,
      x_tap_h: sizes.quads * width * dilation[1],
      x_tap_d: sizes.quads * width * height * dilation[0],
      runs: sizes.runs,
      runs_per_row: sizes.runsPerRow,
      out_h: size[1],
      out_d: size[0],
      out_w: size[2],
      channels: filters,
      channel_start: group * filters,
      ...outputWords(problem),
    },
    slots,
    [sizes.blocks, Math.ceil(sizes.runs / localSize), 1],
  );
}

/**
 * Plans a convolution for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty.
 * @returns For each group one dispatch that packs the image and one that convolves; prepared slots hold the weight.
 */
export function planCpuConvolution(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const sizes = sizesOf(problem);
  const { slots, order } = convolutionSlots(problem);
  const [input, , bias, residual, output] = order as [number, number, number, number, number];
  const packed = slots.push({ role: "temporary", byteLength: sizes.packedFloats * 4 }) - 1;
  const dispatches: Dispatch[] = [];
  for (let group = 0; group < problem.groups; group++) {
    const weight = slots.push(packedWeight(capabilities, problem, sizes, group)) - 1;
    dispatches.push(packInput(capabilities, problem, sizes, group, [input, packed]));
    dispatches.push(
      forward(
        capabilities,
        problem,
        sizes,
        group,
        epilogueSlots(capabilities, packed, weight, bias, residual, output),
      ),
    );
  }
  return {
    label: "Convolution/cpu",
    slots,
    dispatches,
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
