// Weight and bias of the phases of a transposed convolution, copied out of those of the whole.

import type { Dispatch } from "../core/dispatch.ts";
import { contiguousStrides } from "../core/shape.ts";
import { product, type Triple } from "./convolution_problem.ts";
import type { DeconvolutionProblem, PhaseGroup } from "./deconvolution_problem.ts";
import type { Capabilities, Slot } from "./plan.ts";
import { copyRegion } from "./region.ts";

/** One group of phases on each axis. */
export type Phase = readonly [PhaseGroup, PhaseGroup, PhaseGroup];

/** A number of the group on each axis. */
export function each(phase: Phase, pick: (group: PhaseGroup) => number): Triple {
  return phase.map(pick) as unknown as Triple;
}

/** A weight that has to be made of the operand. */
export interface Weight {
  readonly key: string;
  readonly byteLength: number;
  /** From slot 0, the weight, to slot `to`. */
  readonly dispatches: (to: number) => Dispatch[];
}

/** The taps of a group of phases, last first. */
export function phaseWeight(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
  phase: Phase,
  elementBytes: number,
): Weight {
  const { weight, groups } = problem;
  const channels = problem.channels / groups;
  const steps = [weight.d, weight.h, weight.w];
  const sizes = [
    groups,
    problem.filters / groups,
    ...each(phase, ({ count }) => count),
    channels,
    ...each(phase, ({ taps }) => taps),
  ];
  const last = phase.map(({ firstTap, tapStep, taps }) => firstTap + tapStep * (taps - 1));
  const region = {
    sizes,
    from: {
      base: last.reduce((sum, tap, axis) => sum + tap * steps[axis]!, 0),
      strides: [
        channels * weight.n,
        weight.c,
        ...phase.map(({ phaseStep }, axis) => phaseStep * steps[axis]!),
        weight.n,
        ...phase.map(({ tapStep }, axis) => -tapStep * steps[axis]!),
      ],
    },
    to: { base: 0, strides: contiguousStrides(sizes) },
    outputCount: product(sizes),
  };
  return {
    key: `phase:${sizes}:${region.from.base}:${region.from.strides}`,
    byteLength: Math.ceil(region.outputCount * elementBytes / 4) * 4,
    dispatches: (to) => copyRegion(capabilities, region, elementBytes, [0, to]),
  };
}

/** The bias with an entry for each phase of a channel. */
export function phaseBias(
  capabilities: Capabilities,
  filters: number,
  phases: number,
  elementBytes = 4,
): Slot {
  if (phases === 1) return { role: "input", index: 2 };
  const region = {
    sizes: [filters, phases],
    from: { base: 0, strides: [1, 0] },
    to: { base: 0, strides: [phases, 1] },
    outputCount: filters * phases,
  };
  return {
    role: "prepared",
    key: `phase:${filters}:${phases}`,
    source: 2,
    byteLength: Math.ceil(region.outputCount * elementBytes / 4) * 4,
    dispatches: copyRegion(capabilities, region, elementBytes, [0, 1]),
  };
}
