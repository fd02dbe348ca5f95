// Convolution for CPU devices straight from channel-first rows: no repack of the image.

import type { Dispatch } from "../core/dispatch.ts";
import { MAX_CPU_GROUPS } from "./convolution_cpu.ts";
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
  storesPlainly,
  supportsCpuKernels,
  touches,
  type WeightPacking,
} from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
  isGapless,
} from "./convolution_problem.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Whether the input is channel-first and without gaps. */
export function isChannelFirst({ input, inputSize, channels }: ConvolutionProblem): boolean {
  return isGapless(input, inputSize, channels);
}

/** Whether a kernel is 1x1 and can read a plane as one long row of whole vectors. */
export function isPointwise(
  { kernel, stride, padding, size, inputSize }: ConvolutionProblem,
): boolean {
  return [0, 1, 2].every((axis) =>
    kernel[axis] === 1 && stride[axis] === 1 && padding[axis] === 0 &&
    size[axis] === inputSize[axis]
  ) && size[1] * size[2] % 4 === 0;
}

/** Whether a kernel is 1x1 and can see a plane as one long row, stored as such too. */
export function asOneRow(problem: ConvolutionProblem): boolean {
  const { size, output } = problem;
  return isPointwise(problem) && storesPlainly(problem) &&
    (size[1] === 1 || output.h === size[2] * output.w);
}

/** Outputs that one invocation makes: 8 for 1x1 kernels of few channels on a large plane, else 4. */
function pixelsOf(problem: ConvolutionProblem): 4 | 8 {
  const { channels, groups, size } = problem;
  const few = channels / groups <= 128 && size[1] * size[2] >= 4_096;
  return few && blocksTogether(problem) > 1 && asOneRow(problem) ? 8 : 4;
}

function packingOf(problem: ConvolutionProblem): WeightPacking & {
  readonly quadsPerRound: number;
} {
  const { kernel, channels, groups } = problem;
  const pointwise = kernel[0] * kernel[1] * kernel[2] === 1;
  const quadsPerRound = pointwise && pixelsOf(problem) === 4 ? 2 : 1;
  const quads = Math.ceil(channels / groups / (4 * quadsPerRound)) * quadsPerRound;
  return { taps: kernel[2], tapGroups: 1, quads, quadsPerRound };
}

function rowRuns(problem: ConvolutionProblem): { height: number; width: number; runs: number } {
  const { size, batch } = problem;
  const whole = asOneRow(problem);
  const height = whole ? 1 : size[1];
  const width = whole ? size[1] * size[2] : size[2];
  const perRow = Math.ceil(width / pixelsOf(problem));
  return { height, width, runs: batch * size[0] * height * perRow };
}

/** Whether a device can run the row kernel on a problem. */
export function supportsCpuRow(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { stride, dilation, padding, kernel, inputSize, groups } = problem;
  const small = [stride[0], stride[1], padding[0], padding[1]].every((value) => value <= 255);
  return isChannelFirst(problem) && stride[2] === 1 && dilation[2] === 1 && small &&
    (inputSize[2] % 4 === 0 || asOneRow(problem)) && kernel[2] <= 9 && padding[2] <= 8 &&
    groups <= MAX_CPU_GROUPS &&
    Math.ceil(rowRuns(problem).runs / 64) <= 65_535 &&
    Math.ceil(problem.filters / groups / LANES) <= 65_535 &&
    supportsCpuKernels(
      capabilities,
      problem.inputCount,
      problem.weightCount,
      problem.outputCount,
      packedWeightVectors(problem, packingOf(problem)) * 4,
    );
}

/**
 * Whether reading rows in place is fast. Not for 1x1 kernels on planes of whole pages, whose channels fall into the same
 * cache lines, if there are enough filters to make up for packing (measured with 68 -> 64 channels at 128 x 128: equal).
 */
export function prefersCpuRow(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const channels = problem.channels / problem.groups;
  const filters = problem.filters / problem.groups;
  const planeBytes = problem.inputSize[1] * problem.inputSize[2] * 4;
  return capabilities.deviceClass === "cpu" &&
    (problem.groups === 1 || (channels >= 4 && filters >= 4)) &&
    (planeBytes % 4_096 !== 0 || channels <= 32 || filters < 128 || !asOneRow(problem));
}

/**
 * Plans a convolution of channel-first rows for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty.
 * @returns One dispatch for each group; prepared slots hold the weight.
 */
export function planCpuRow(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const { kernel, stride, dilation, padding, inputSize, size, output, groups } = problem;
  const packing = packingOf(problem);
  const { height, width, runs } = rowRuns(problem);
  const whole = asOneRow(problem);
  const channels = problem.channels / groups;
  const filters = problem.filters / groups;
  const plane = inputSize[0] * inputSize[1] * inputSize[2];
  const blocks = packedBlocks(problem) / blocksTogether(problem);
  const localSize = cpuLocalSize(runs, blocks);
  const vectorStore =
    storedTogether(problem, [output.n, output.c, output.d, whole ? 0 : output.h, width]) >= 4;
  const { slots, order } = convolutionSlots(problem);
  const [input, , bias, residual, result] = order as [number, number, number, number, number];
  const dispatches: Dispatch[] = [];
  for (let group = 0; group < groups; group++) {
    const weight = slots.push(packedWeight(capabilities, problem, packing, group)) - 1;
    dispatches.push(makeDispatch(
      cpuProgram(capabilities, "cpu_row"),
      {
        local_size_x: localSize,
        blocks: blocksTogether(problem),
        kernel_d: kernel[0],
        kernel_h: kernel[1],
        kernel_w: kernel[2],
        pad_w: padding[2],
        quads: packing.quadsPerRound,
        vector_store: vectorStore ? 1 : 0,
        touch: touches(capabilities) && vectorStore ? 1 : 0,
        pixels: pixelsOf(problem),
        depth: Math.min(channels, 4),
        checked: whole && channels % (4 * packing.quadsPerRound) === 0 ? 0 : 1,
        ...epilogueConstants(problem),
      },
      {
        quads: packing.quads,
        inputs: channels,
        x_depth: inputSize[0],
        x_height: whole ? 1 : inputSize[1],
        x_runs: (whole ? inputSize[1] * inputSize[2] : inputSize[2]) / 4,
        x_step_n: problem.channels * plane / 4,
        x_start: group * channels * plane / 4,
        dilation_h: dilation[1],
        dilation_d: dilation[0],
        starts: (stride[1] | (stride[0] << 8) | (padding[1] << 16) | (padding[0] << 24)) >>> 0,
        runs,
        out_h: height,
        out_d: size[0],
        out_w: width,
        channels: filters,
        channel_start: group * filters,
        ...outputWords(problem),
      },
      epilogueSlots(capabilities, input, weight, bias, residual, result),
      [blocks, Math.ceil(runs / localSize), 1],
    ));
  }
  return {
    label: "Convolution/cpu_row",
    slots,
    dispatches,
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
