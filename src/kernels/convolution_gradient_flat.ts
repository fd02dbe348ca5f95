// Weight gradients of depthwise convolutions on CPU devices on narrow planes: strips of whole rows.

import { programs } from "../../shaders/manifest.ts";
import { flatRows, hasFlatPlanes } from "./convolution_cpu_flat.ts";
import { LANES, supportsCpuKernels } from "./convolution_cpu_weight.ts";
import {
  countChunks,
  type GradientParts,
  type GradientProblem,
} from "./convolution_gradient_problem.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";

/** Subgroups that keep every thread of a device busy to the end. */
const BUSY = 32;

/** Whether a device can run the kernel on a problem. */
export function supportsFlatGradient(
  problem: GradientProblem,
  capabilities: Capabilities,
): boolean {
  return hasFlatPlanes(problem) &&
    Math.ceil(problem.filters / LANES) <= 65_535 &&
    supportsCpuKernels(capabilities, problem.inputCount, problem.weightCount, problem.outputCount);
}

/** Whether strips are long and full enough, and the lanes have filters. */
export function prefersFlatGradient(problem: GradientProblem): boolean {
  const { size, filters } = problem;
  const rows = flatRows(problem);
  return rows * size[2] >= 24 && size[1] >= 0.75 * rows * Math.ceil(size[1] / rows) &&
    filters >= 2 * LANES;
}

/**
 * Plans the weight gradient of a depthwise convolution of narrow planes for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The gradient; not empty, one channel a group.
 * @returns One dispatch.
 */
export function planFlatGradient(
  capabilities: Capabilities,
  problem: GradientProblem,
): GradientParts {
  const { kernel, stride, dilation, padding, inputSize, size, batch, filters } = problem;
  const rows = flatRows(problem);
  const groups = Math.ceil(filters / LANES);
  const wanted = countChunks(capabilities, problem, Math.min(batch, Math.ceil(BUSY / groups)));
  const images = Math.ceil(batch / wanted);
  const chunks = Math.ceil(batch / images);
  return {
    name: "cpu_flat",
    chunks,
    dispatch: (chunkStep) =>
      makeDispatch(
        programs[
          capabilities.loadPath === "texel"
            ? "convolution/weight_gradient_flat.texel"
            : "convolution/weight_gradient_flat.storage"
        ],
        {
          local_size_x: LANES,
          rows,
          kernel_h: kernel[1],
          kernel_w: kernel[2],
          stride_h: stride[1],
          stride_w: stride[2],
          dilation_h: dilation[1],
          dilation_w: dilation[2],
          pad_h: padding[1],
          pad_w: padding[2],
          multiplier: filters / problem.channels,
          width: inputSize[2],
          out_w: size[2],
        },
        {
          filters,
          images: batch,
          images_per_chunk: images,
          strips: Math.ceil(size[1] / rows),
          x_plane: inputSize[1] * inputSize[2] / 4,
          g_plane: size[1] * size[2] / 4,
          chunk_step: chunkStep,
        },
        [0, 1, 2],
        [groups, chunks, 1],
      ),
  };
}
