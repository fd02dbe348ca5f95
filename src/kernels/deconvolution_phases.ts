// Transposed convolution without wasted products: each group of phases is an ordinary convolution of stride 1 with a part
// of the weight, flipped, whose results are stored interleaved. So every kernel of convolution serves it.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { contiguousStrides } from "../core/shape.ts";
import { estimateConvolution, planConvolutionProblem, problemCandidates } from "./convolution.ts";
import { type ConvolutionProblem, epilogueConstants, product } from "./convolution_problem.ts";
import { LAUNCH_PRODUCTS } from "./convolution_tiles.ts";
import { rankPhasedIgemm } from "./deconvolution_igemm.ts";
import { joinedWeight } from "./deconvolution_join.ts";
import { type DeconvolutionProblem, phasesOf } from "./deconvolution_problem.ts";
import { each, type Phase, phaseBias, phaseWeight, type Weight } from "./deconvolution_weight.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";
import { Slots } from "./slots.ts";

export type { Phase } from "./deconvolution_weight.ts";

/** More ordinary convolutions than this cost more to launch than the products they save. */
const MOST_CONVOLUTIONS = 64;

/**
 * The ordinary convolutions that make up a transposed one.
 *
 * @param problem The transposed convolution.
 * @returns Their phases, those without taps included; undefined if there are too many.
 */
export function splitPhases(problem: DeconvolutionProblem): Phase[] | undefined {
  const axes = [0, 1, 2].map((axis) => phasesOf(problem, axis));
  const [depth, height, width] = axes;
  if (depth === undefined || height === undefined || width === undefined) return undefined;
  if (depth.length * height.length * width.length > MOST_CONVOLUTIONS) return undefined;
  return depth.flatMap((d) => height.flatMap((h) => width.map((w): Phase => [d, h, w])));
}

function phaseFilters(problem: DeconvolutionProblem, phase: Phase): number {
  return problem.filters * product(each(phase, ({ count }) => count));
}

/** A group of phases as an ordinary convolution with a contiguous weight `[O * phases, I / groups, taps]`. */
function ordinary(problem: DeconvolutionProblem, phase: Phase): ConvolutionProblem {
  const filters = phaseFilters(problem, phase);
  const kernel = each(phase, ({ taps }) => taps);
  const channels = problem.channels / problem.groups;
  const shape = [filters, channels, ...kernel];
  const [n, c, d, h, w] = contiguousStrides(shape) as [number, number, number, number, number];
  const size = each(phase, ({ size }) => size);
  return {
    batch: problem.batch,
    channels: problem.channels,
    filters,
    groups: problem.groups,
    inputSize: problem.inputSize,
    kernel,
    stride: [1, 1, 1],
    padding: each(phase, ({ padding }) => padding),
    dilation: each(phase, ({ dilation }) => dilation),
    size,
    input: problem.input,
    weight: { n, c, d, h, w },
    output: problem.output,
    shuffle: problem.stride,
    // With stride 1 there is one phase, which is stored like any convolution.
    ...(problem.stride.every((step) => step === 1) ? {} : {
      phases: {
        count: each(phase, ({ count }) => count),
        start: each(phase, ({ start }) => start),
      },
    }),
    hasBias: problem.hasBias,
    residual: "none",
    activation: problem.activation,
    outputShape: problem.outputShape,
    inputCount: problem.inputCount,
    weightCount: product(shape),
    outputCount: problem.outputCount,
    flops: 2 * problem.batch * filters * product(size) * channels * product(kernel),
    bytes: problem.bytes,
  };
}

/** What computes the phases. */
export interface PhaseKernels {
  /** Of all operands. */
  readonly elementBytes: 2 | 4;
  /** Plans one phase. */
  readonly plan: (problem: ConvolutionProblem) => Plan;
}

function wideKernels(capabilities: Capabilities, variant: string | undefined): PhaseKernels {
  return {
    elementBytes: 4,
    plan: (part) => planConvolutionProblem(capabilities, part, variant),
  };
}

function addPhase(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  phase: Phase,
  weight: Weight,
  { elementBytes, plan: planPart }: PhaseKernels,
  slots: Slots,
): { dispatches: Dispatch[]; name: string } {
  const plan = planPart(ordinary(problem, phase));
  let temporaries = 0;
  const places = plan.slots.map((slot) => {
    switch (slot.role) {
      case "input":
        return -1;
      case "output":
        return slots.output();
      case "temporary":
        return slots.temporary(temporaries++, slot.byteLength);
      case "prepared": {
        const key = `${weight.key}/${slot.key}`;
        // Packed from the phase's weight, which itself need not stay.
        return slots.add(key, () => ({
          role: "prepared",
          key,
          source: 1,
          byteLength: slot.byteLength,
          scratchByteLengths: [weight.byteLength],
          dispatches: [
            ...weight.dispatches(2),
            ...slot.dispatches.map((dispatch) => ({
              ...dispatch,
              slots: dispatch.slots.map((at) => at === 0 ? 2 : at),
            })),
          ],
        }));
      }
    }
  });
  const phases = product(each(phase, ({ count }) => count));
  const place = (dispatch: Dispatch, binding: number): number => {
    const at = dispatch.slots[binding]!;
    const slot = plan.slots[at]!;
    if (slot.role !== "input") return places[at]!;
    if (slot.index === 2) {
      return slots.add(
        `bias ${phases}`,
        () => phaseBias(capabilities, problem.filters, phases, elementBytes),
      );
    }
    // An absent bias is bound to the weight, but not read: then the weight of the phase need not exist.
    const read = dispatch.program.bindings[binding]!.name.startsWith("weight");
    if (slot.index !== 1 || !read) return slots.input(slot.index);
    return slots.add(weight.key, () => ({
      role: "prepared",
      key: weight.key,
      source: 1,
      byteLength: weight.byteLength,
      dispatches: weight.dispatches(1),
    }));
  };
  const dispatches = plan.dispatches.map((dispatch) => ({
    ...dispatch,
    slots: dispatch.slots.map((_, binding) => place(dispatch, binding)),
  }));
  return { dispatches, name: plan.label.slice(plan.label.indexOf("/") + 1) };
}

/** Results that no tap reaches: the activation of the bias. */
function addRest(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  phase: Phase,
  slots: Slots,
): Dispatch {
  const phases = product(each(phase, ({ count }) => count));
  const channels = problem.filters * phases;
  const [depth, height, width] = each(phase, ({ size }) => size);
  const count = problem.batch * channels * depth * height * width;
  const { output } = problem;
  const texel = capabilities.loadPath === "texel" &&
    channels <= capabilities.maxTexelBufferElements;
  const bias = problem.hasBias
    ? slots.add(`bias ${phases}`, () => phaseBias(capabilities, problem.filters, phases))
    : slots.input(1);
  return makeDispatch(
    // What stands in for an absent bias may be larger than a texel view.
    programs[
      texel && problem.hasBias
        ? "convolution/transposed_rest.texel"
        : "convolution/transposed_rest.storage"
    ],
    {
      local_size_x: plainLocalSize(capabilities),
      ...epilogueConstants(ordinary(problem, phase)),
    },
    {
      count,
      channels,
      out_d: depth,
      out_h: height,
      out_w: width,
      output_n: output.n,
      output_c: output.c,
      output_d: output.d,
      output_h: output.h,
      output_w: output.w,
    },
    [bias, slots.output()],
    gridForItems(capabilities, count),
  );
}

/**
 * Plans a transposed convolution by phases.
 *
 * @param capabilities The device.
 * @param problem The transposed convolution; not empty, with few enough phases.
 * @param variant Variant of convolution to force for every phase; by default its table chooses.
 * @returns One ordinary convolution for each group of phases; prepared slots hold their weights.
 * @throws {LimitError} If a forced variant cannot compute a phase.
 */
export function planPhases(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  variant?: string,
): Plan {
  return planPhasesWith(capabilities, problem, wideKernels(capabilities, variant));
}

/**
 * Plans a transposed convolution by phases of some kernels.
 *
 * @param capabilities The device.
 * @param problem The transposed convolution, as of {@linkcode planPhases}. Phases without taps are computed in float32.
 * @param kernels Plan the phases.
 * @returns The plans of the phases, one after another.
 */
export function planPhasesWith(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  kernels: PhaseKernels,
): Plan {
  const slots = new Slots();
  const names = new Set<string>();
  const dispatches: Dispatch[] = [];
  for (const phase of splitPhases(problem)!) {
    if (phase.some(({ taps }) => taps === 0)) {
      dispatches.push(addRest(capabilities, problem, phase, slots));
      continue;
    }
    const weight = phaseWeight(capabilities, problem, phase, kernels.elementBytes);
    const part = addPhase(capabilities, problem, phase, weight, kernels, slots);
    dispatches.push(...part.dispatches);
    names.add(part.name);
  }
  return {
    label: `Deconvolution/phases_${[...names].join("_") || "rest"}`,
    slots: slots.list,
    dispatches,
    flops: problem.flops,
    bytes: problem.bytes,
  };
}

/**
 * The phases that have taps, as ordinary convolutions.
 *
 * @param problem The transposed convolution.
 * @returns None if there are too many; null if some results are reached by no tap.
 */
export function phaseProblems(problem: DeconvolutionProblem): readonly ConvolutionProblem[] | null {
  const phases = splitPhases(problem) ?? [];
  return phases.some((phase) => phase.some(({ taps }) => taps === 0))
    ? null
    : phases.map((phase) => ordinary(problem, phase));
}

/**
 * Plans a transposed convolution as one convolution of all phases.
 *
 * @param capabilities The device.
 * @param problem The transposed convolution; not empty.
 * @param joined Its joined phases.
 * @param variant Variant of convolution to force; by default its table chooses.
 * @returns One ordinary convolution; a prepared slot holds its weight.
 * @throws {LimitError} If a forced variant cannot compute it.
 */
export function planJoined(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  joined: Phase,
  variant?: string,
): Plan {
  const slots = new Slots();
  const weight = joinedWeight(capabilities, problem, joined);
  const kernels = wideKernels(capabilities, variant);
  const { dispatches, name } = addPhase(capabilities, problem, joined, weight, kernels, slots);
  return {
    label: `Deconvolution/joined_${name}`,
    slots: slots.list,
    dispatches,
    flops: problem.flops,
    bytes: problem.bytes,
  };
}

/**
 * Whether one convolution of all phases should take less time than one for each.
 *
 * @param capabilities The device.
 * @param problem The transposed convolution; not empty.
 * @param joined Its joined phases.
 * @returns False on CPU devices, where a launch costs little and a product much.
 */
export function prefersJoined(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  joined: Phase,
): boolean {
  if (capabilities.deviceClass === "cpu") return false;
  const phases = splitPhases(problem);
  if (phases === undefined) return true;
  if (phases.length === 1) return false;
  return estimateConvolution(capabilities, ordinary(problem, joined)) <
    estimatePhases(capabilities, problem, phases);
}

/** What one convolution for each group of phases takes, as {@linkcode estimateConvolution} counts. */
function estimatePhases(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  phases: readonly Phase[],
): number {
  return phases.reduce(
    (sum, phase) =>
      sum +
      (phase.some(({ taps }) => taps === 0)
        ? estimateConvolution(capabilities, undefined)
        : estimateConvolution(capabilities, ordinary(problem, phase))),
    0,
  );
}

/**
 * Whether a device should run all phases as one matrix product in which each has its own taps.
 *
 * @param capabilities The device.
 * @param problem A transposed convolution that the product can compute.
 * @param joined Its joined phases, where they can be joined.
 * @returns False on CPU devices, and where ordinary convolutions take less time or other kernels.
 */
export function prefersPhasedIgemm(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  joined: Phase | undefined,
): boolean {
  const phases = splitPhases(problem);
  if (capabilities.deviceClass === "cpu" || phases === undefined) return false;
  const parts = [...phases, ...(joined === undefined ? [] : [joined])]
    .filter((phase) => phase.every(({ taps }) => taps > 0))
    .map((phase) => ordinary(problem, phase));
  // Less precision, where it is allowed, is faster than any choice of tiles.
  if (parts.some((part) => problemCandidates(capabilities, part)[0] === "parts")) return false;
  const own = LAUNCH_PRODUCTS + rankPhasedIgemm(capabilities, problem)[0]!.time;
  return own < estimatePhases(capabilities, problem, phases) &&
    (joined === undefined ||
      own < estimateConvolution(capabilities, ordinary(problem, joined)));
}

/**
 * Variants of convolution that are worth measuring for the phases.
 *
 * @param capabilities The device.
 * @param problem The transposed convolution; not empty.
 * @param phases Its phases.
 * @returns Names that serve every phase with taps, best guess for the largest first.
 */
export function phaseCandidates(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  phases: readonly Phase[],
): readonly string[] {
  const parts = phases
    .filter((phase) => phase.every(({ taps }) => taps > 0))
    .map((phase) => ordinary(problem, phase))
    .sort((a, b) => b.flops - a.flops);
  const [first, ...others] = parts.map((part) => problemCandidates(capabilities, part));
  return first?.filter((name) => others.every((names) => names.includes(name))) ?? [];
}
