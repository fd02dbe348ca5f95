// Transposed convolutions and plain matrix products in float16 as convolutions of cooperative matrices.

import { checkConvolutionLimits, type ConvolutionProblem } from "./convolution_problem.ts";
import { choosesCooperative, planCooperativeConvolution } from "./cooperative.ts";
import {
  checkDeconvolutionLimits,
  type DeconvolutionSettings,
  describeDeconvolution,
} from "./deconvolution_problem.ts";
import { phaseProblems, planPhasesWith } from "./deconvolution_phases.ts";
import type { FullyConnectedProblem, MatmulProblem } from "./matmul.ts";
import type { Capabilities, Plan } from "./plan.ts";

/**
 * Plans a transposed convolution of float16 tensors where the device has kernels of its own for it.
 *
 * @param capabilities The device.
 * @param settings The transposed convolution.
 * @returns Inputs 0 input, 1 weight, 2 bias (where `settings` names it), output 0; null where the float32 kernels must do.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 * @throws {LimitError} If a tensor exceeds what the device binds.
 */
export function planHalfDeconvolution(
  capabilities: Capabilities,
  settings: DeconvolutionSettings,
): Plan | null {
  if (capabilities.cooperativeMatrix === null) return null;
  const problem = describeDeconvolution(settings);
  if (problem.outputCount === 0) return null;
  checkDeconvolutionLimits(capabilities, problem);
  const parts = phaseProblems(problem);
  if (parts === null || parts.length === 0) return null;
  if (!parts.every((part) => choosesCooperative(capabilities, part))) return null;
  const plan = planPhasesWith(capabilities, problem, {
    elementBytes: 2,
    plan: (part) => planCooperativeConvolution(capabilities, part),
  });
  return { ...plan, bytes: plan.bytes / 2 };
}

/** A product as a convolution of 1 x 1: filters are rows, columns are pixels or images, channels are summed over. */
function productProblem(
  sizes: Pick<ConvolutionProblem, "batch" | "groups" | "hasBias" | "input" | "output" | "weight">,
  [rows, columns, depth]: readonly [number, number, number],
): ConvolutionProblem {
  const { groups, batch } = sizes;
  const inputCount = groups * depth * columns;
  const weightCount = groups * rows * depth;
  const outputCount = groups * rows * columns;
  return {
    ...sizes,
    channels: groups * depth,
    filters: groups * rows,
    inputSize: [1, 1, columns / batch],
    size: [1, 1, columns / batch],
    kernel: [1, 1, 1],
    stride: [1, 1, 1],
    padding: [0, 0, 0],
    dilation: [1, 1, 1],
    shuffle: [1, 1, 1],
    residual: "none",
    activation: { name: "none" },
    outputShape: [groups * rows, columns],
    inputCount,
    weightCount,
    outputCount,
    flops: 2 * outputCount * depth + (sizes.hasBias ? outputCount : 0),
    bytes: 4 * (inputCount + weightCount + outputCount + (sizes.hasBias ? rows : 0)),
  };
}

/**
 * Plans a matrix product of float16 tensors where the device has kernels of its own for it.
 *
 * @param capabilities The device.
 * @param problem Sizes and storage.
 * @returns Inputs 0 and 1, output 0 of shape `[batch, m, n]`; null where the float32 kernels must do.
 * @throws {LimitError} If a tensor exceeds what the device binds.
 */
export function planHalfMatmul(capabilities: Capabilities, problem: MatmulProblem): Plan | null {
  const { batch, m, n, k, transposeA, transposeB } = problem;
  // Groups follow one another at the stride of a channel or filter, which only matrices as they are do.
  const regular = batch === 1 || (!transposeA && !transposeB);
  if (capabilities.cooperativeMatrix === null || !regular || batch * m * n * k === 0) return null;
  const product = productProblem({
    batch: 1,
    groups: batch,
    hasBias: false,
    input: transposeB ? { n: 0, c: 1, d: 0, h: 0, w: k } : { n: 0, c: n, d: 0, h: 0, w: 1 },
    weight: { n: transposeA ? 1 : k, c: transposeA ? m : 1, d: 0, h: 0, w: 0 },
    output: { n: 0, c: n, d: 0, h: 0, w: 1 },
  }, [m, n, k]);
  checkConvolutionLimits(capabilities, product);
  if (!choosesCooperative(capabilities, product)) return null;
  const plan = planCooperativeConvolution(capabilities, product, { transient: true });
  return {
    ...plan,
    label: plan.label.replace("Convolution", "Matmul"),
    // The first factor is the weight of the convolution.
    slots: plan.slots.map((slot) =>
      slot.role === "input" ? { ...slot, index: 1 - slot.index } : slot
    ),
  };
}

/**
 * Plans a fully connected layer of float16 tensors where the device has kernels of its own for it.
 *
 * @param capabilities The device.
 * @param problem Sizes.
 * @returns Inputs 0 data, 1 weight and, with a bias, 2 bias; output 0 of shape `[m, n]`; null where the float32 kernels
 * must do.
 * @throws {LimitError} If a tensor exceeds what the device binds.
 */
export function planHalfFullyConnected(
  capabilities: Capabilities,
  problem: FullyConnectedProblem,
): Plan | null {
  const { m, n, k, hasBias } = problem;
  if (capabilities.cooperativeMatrix === null || m * n * k === 0) return null;
  const product = productProblem({
    batch: m,
    groups: 1,
    hasBias,
    input: { n: k, c: 1, d: 0, h: 0, w: 0 },
    weight: { n: k, c: 1, d: 0, h: 0, w: 0 },
    output: { n, c: 1, d: 0, h: 0, w: 0 },
  }, [n, m, k]);
  checkConvolutionLimits(capabilities, product);
  if (!choosesCooperative(capabilities, product)) return null;
  const plan = planCooperativeConvolution(capabilities, product);
  return { ...plan, label: plan.label.replace("Convolution", "FullyConnected") };
}
