// The variant table of transposed convolutions: which kernel runs which shape on which device.

import { programs } from "../../shaders/manifest.ts";
import { LimitError } from "../core/errors.ts";
import { CONVOLUTION_VARIANTS } from "./convolution.ts";
import { epilogueConstants, geometryConstants } from "./convolution_problem.ts";
import {
  checkDeconvolutionLimits,
  type DeconvolutionProblem,
  type DeconvolutionSettings,
  describeDeconvolution,
} from "./deconvolution_problem.ts";
import { planPhases, splitPhases } from "./deconvolution_phases.ts";
import { foldGrid } from "./grid.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";

export type { DeconvolutionSettings } from "./deconvolution_problem.ts";

/** One way to compute a transposed convolution. */
export interface DeconvolutionVariant {
  readonly name: string;
  /** Whether it should be chosen; asked in the order of the table. */
  readonly when: (problem: DeconvolutionProblem, capabilities: Capabilities) => boolean;
  readonly plan: (capabilities: Capabilities, problem: DeconvolutionProblem) => Plan;
}

/** All variants; the first that wants a problem is taken, and the last wants everything. */
export const DECONVOLUTION_VARIANTS: readonly DeconvolutionVariant[] = [
  { name: "phases", when: prefersPhases, plan: planPhases },
  // The phases with each kernel of convolution, to be forced by tests and benches.
  ...CONVOLUTION_VARIANTS.map(({ name }): DeconvolutionVariant => ({
    name: `phases_${name}`,
    when: () => false,
    plan: (capabilities, problem) => planPhases(capabilities, problem, name),
  })),
  { name: "direct", when: () => true, plan: planDirectDeconvolution },
];

/** Products, wasted ones included, below which a CPU device compiles phases for longer than it ever saves. */
const FEW_FLOPS = 1e6;

function prefersPhases(problem: DeconvolutionProblem, capabilities: Capabilities): boolean {
  const phases = splitPhases(problem);
  if (phases === undefined) return false;
  const [depth, height, width] = problem.stride;
  const few = problem.flops * depth * height * width < FEW_FLOPS;
  return phases.length === 1 || capabilities.deviceClass !== "cpu" || !few;
}

function planDirectDeconvolution(capabilities: Capabilities, problem: DeconvolutionProblem): Plan {
  const slots: Slot[] = [{ role: "input", index: 0 }, { role: "input", index: 1 }];
  const bias = problem.hasBias ? slots.push({ role: "input", index: 2 }) - 1 : 1;
  const result = slots.push({ role: "output", index: 0 }) - 1;
  const groupFilters = problem.filters / problem.groups;
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
  const { input, weight, output } = problem;
  const largest = Math.max(problem.inputCount, problem.weightCount);
  const texel = capabilities.loadPath === "texel" && largest <= capabilities.maxTexelBufferElements;
  const dispatch = makeDispatch(
    programs[
      texel ? "convolution/transposed_direct.texel" : "convolution/transposed_direct.storage"
    ],
    {
      local_size_x: localSize,
      filters,
      ...geometryConstants(problem),
      ...epilogueConstants({ ...problem, residual: "none", shuffle: [1, 1, 1] }),
    },
    {
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
      weight_c: weight.n,
      weight_o: weight.c,
      weight_d: weight.d,
      weight_h: weight.h,
      weight_w: weight.w,
      output_n: output.n,
      output_c: output.c,
      output_d: output.d,
      output_h: output.h,
      output_w: output.w,
    },
    [0, 1, bias, result],
    foldGrid(capabilities, workgroups),
  );
  return {
    label: "Deconvolution/direct",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}

/**
 * Plans a transposed convolution in float32: `y[n, o, t] = b[o] + sum(x[n, c, u / stride] * w[c, o, k])` over the taps
 * with `u = t + padding - k * dilation` a multiple of `stride` within the input, then the activation.
 *
 * @param capabilities The device.
 * @param settings The transposed convolution.
 * @param variant Name of a variant to force; by default the table chooses.
 * @returns Inputs 0 input, 1 weight, 2 bias (where `settings` names it), output 0.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 * @throws {LimitError} If a tensor exceeds what the device binds, or a forced variant cannot compute the problem.
 */
export function planDeconvolution(
  capabilities: Capabilities,
  settings: DeconvolutionSettings,
  variant?: string,
): Plan {
  const problem = describeDeconvolution(settings);
  if (problem.outputCount === 0) {
    return {
      label: "Deconvolution/empty",
      slots: [],
      dispatches: [],
      flops: 0,
      bytes: problem.bytes,
    };
  }
  checkDeconvolutionLimits(capabilities, problem);
  if (variant === undefined) {
    return DECONVOLUTION_VARIANTS.find(({ when }) => when(problem, capabilities))!.plan(
      capabilities,
      problem,
    );
  }
  const row = DECONVOLUTION_VARIANTS.find(({ name }) => name === variant);
  const phases = variant !== "direct" && splitPhases(problem) === undefined;
  if (row === undefined || phases) {
    const names = DECONVOLUTION_VARIANTS.map(({ name }) => name).join(", ");
    throw new LimitError(
      `Cannot force variant ${variant} of Deconvolution: it ` +
        (row === undefined ? `is not among ${names}` : "has too many phases with this stride"),
    );
  }
  return row.plan(capabilities, problem);
}
