// The direct convolution: works for every case, and is what other variants are compared with.

import { programs } from "../../shaders/manifest.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
  geometryConstants,
} from "./convolution_problem.ts";
import { foldGrid } from "./grid.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** What the direct kernels need to know of a problem, whichever way it runs. */
type DirectProblem =
  & Parameters<typeof geometryConstants>[0]
  & Pick<
    ConvolutionProblem,
    "filters" | "channels" | "groups" | "batch" | "size" | "inputSize" | "input" | "output"
  >;

/**
 * The launch that the direct kernels of convolution and transposed convolution share: both make tiles of filters for
 * blocks of output pixels and differ in how they walk the taps.
 *
 * @param capabilities The device.
 * @param problem The convolution, transposed or not.
 * @param weight Strides of the weight; `n` for output channels, `c` for input channels.
 * @returns Constants without the epilogue's, push words, and grid.
 */
export function directLaunch(
  capabilities: Capabilities,
  problem: DirectProblem,
  weight: ConvolutionProblem["weight"],
): {
  constants: Record<string, number>;
  push: Record<string, number>;
  grid: readonly [number, number, number];
} {
  const groupFilters = problem.filters / problem.groups;
  // More filters share each read of the input; few filters waste invocations.
  const filters = groupFilters >= 8 ? 8 : groupFilters >= 4 ? 4 : groupFilters >= 2 ? 2 : 1;
  const localSize = Math.min(
    64,
    capabilities.maxWorkgroupInvocations,
    capabilities.maxWorkgroupSize[0],
  );
  const [depth, height, width] = problem.size;
  const pixels = depth * height * width;
  const blocks = Math.ceil(pixels / localSize);
  const tiles = Math.ceil(groupFilters / filters);
  const workgroups = blocks * tiles * problem.groups * problem.batch;
  const { input, output } = problem;
  return {
    constants: { local_size_x: localSize, filters, ...geometryConstants(problem) },
    push: {
      workgroups,
      blocks,
      tiles,
      groups: problem.groups,
      pixels,
      out_h: height,
      out_w: width,
      in_d: problem.inputSize[0],
      in_h: problem.inputSize[1],
      in_w: problem.inputSize[2],
      group_channels: problem.channels / problem.groups,
      group_filters: groupFilters,
      input_n: input.n,
      input_c: input.c,
      input_d: input.d,
      input_h: input.h,
      input_w: input.w,
      weight_o: weight.n,
      weight_c: weight.c,
      weight_d: weight.d,
      weight_h: weight.h,
      weight_w: weight.w,
      output_n: output.n,
      output_c: output.c,
      output_d: output.d,
      output_h: output.h,
      output_w: output.w,
    },
    grid: foldGrid(capabilities, workgroups),
  };
}

/**
 * Plans a convolution tap by tap.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty.
 * @returns One dispatch.
 */
export function planDirectConvolution(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
): Plan {
  const { slots, order } = convolutionSlots(problem);
  const { constants, push, grid } = directLaunch(capabilities, problem, problem.weight);
  const largest = Math.max(problem.inputCount, problem.weightCount, problem.outputCount);
  const texel = capabilities.loadPath === "texel" &&
    largest <= capabilities.maxTexelBufferElements;
  const dispatch = makeDispatch(
    // Addresses of five operands would leave too few push words, so that load path takes storage buffers here.
    programs[texel ? "convolution/direct_forward.texel" : "convolution/direct_forward.storage"],
    { ...constants, ...epilogueConstants(problem) },
    push,
    order,
    grid,
  );
  return {
    label: "Convolution/direct",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
