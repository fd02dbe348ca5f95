// Plans of batch, layer, group and instance normalization and of their gradients. Statistics are added up in parts and
// joined, in an order that depends on the shape alone.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import type { Shape } from "../core/shape.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { gridFor, mergeLanes, mergeWords, partsOf, partWords } from "./normalization_parts.ts";
import { mapWords, type NormalizationProblem, quadKind } from "./normalization_problem.ts";
import { countOperand, plainSlots, totalBytes, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";

/** Running statistics and how far they move. */
export interface Running {
  /** Slots of the running mean and variance. */
  readonly slots: readonly [mean: number, variance: number];
  readonly momentum: number;
}

/** Mean and inverse deviation of every statistic: slots are x, parts, mean and inverse deviation. */
function statistics(
  capabilities: Capabilities,
  { count, statistics: reduction }: NormalizationProblem,
  epsilon: number,
  [x, temporary, mean, deviation]: readonly [number, number, number, number],
  running?: Running,
): Dispatch[] {
  const parts = partsOf(capabilities, reduction);
  const build = usesTexels(capabilities) ? "texel" : "storage";
  const lanes = mergeLanes(capabilities, parts);
  const local_size_x = plainLocalSize(capabilities);
  const momentum = running === undefined ? 0 : running.momentum;
  return [
    makeDispatch(
      programs[`normalization/statistics.${build}` as const],
      { local_size_x, columns: parts.columns, lanes: parts.lanes },
      { ...partWords(reduction, parts), last: Math.ceil(count / 4) - 1 },
      [x, temporary],
      gridFor(capabilities, parts.items, parts.lanes),
    ),
    makeDispatch(
      programs[running === undefined ? "normalization/merge.plain" : "normalization/merge.running"],
      { local_size_x, lanes },
      {
        ...mergeWords(reduction, parts),
        elements: reduction.elements,
        chunk: parts.chunk,
        epsilon,
        momentum,
        rest: 1 - momentum,
      },
      [temporary, mean, deviation, ...running?.slots ?? []],
      gridFor(capabilities, reduction.results, lanes),
    ),
  ];
}

interface Applied {
  readonly epsilon: number;
  /** Whether the second statistic is the variance. */
  readonly variance: boolean;
  /** Whether gamma is read. */
  readonly gamma: boolean;
}

/** Normalizes by statistics: slots are x, mean, deviation or variance, gamma, beta and the result. */
function apply(
  capabilities: Capabilities,
  problem: NormalizationProblem,
  { epsilon, variance, gamma }: Applied,
  slots: readonly number[],
): Dispatch {
  const quads = Math.ceil(problem.count / 4);
  return makeDispatch(
    programs[`normalization/apply.${usesTexels(capabilities) ? "texel" : "storage"}` as const],
    {
      local_size_x: plainLocalSize(capabilities),
      stat: quadKind(problem.stat),
      parameter: quadKind(problem.parameter),
      variance: variance ? 1 : 0,
      gamma: gamma ? 1 : 0,
      stat_inner: problem.stat.inner > 1 ? 1 : 0,
    },
    { ...mapWords(problem), quad_count: quads, last: problem.count - 1, epsilon },
    slots,
    gridForItems(capabilities, quads),
  );
}

function checkCount(capabilities: Capabilities, label: string, shape: Shape): number {
  return countOperand(capabilities, `apply ${label}`, shape, 4);
}

/**
 * Plans a normalization by the statistics of its input.
 *
 * @param capabilities The device.
 * @param label Name of the operator.
 * @param shape Shape of the input.
 * @param problem The normalization.
 * @param epsilon Added to the variance.
 * @param options Whether gamma counts as 1; the momentum of running statistics, inputs 3 and 4, which then move.
 * @returns Inputs 0 data, 1 gamma, 2 beta; output 0 the result, 1 means, 2 inverse deviations.
 */
export function planNormalization(
  capabilities: Capabilities,
  label: string,
  shape: Shape,
  problem: NormalizationProblem,
  epsilon: number,
  options: { readonly fixGamma?: boolean; readonly momentum?: number } = {},
): Plan {
  const count = checkCount(capabilities, label, shape);
  const { fixGamma = false, momentum } = options;
  const parts = partsOf(capabilities, problem.statistics);
  const slots: Slot[] = [
    { role: "input", index: 0 },
    { role: "input", index: 1 },
    { role: "input", index: 2 },
    { role: "output", index: 0 },
    { role: "output", index: 1 },
    { role: "output", index: 2 },
    { role: "temporary", byteLength: parts.count * 8 },
  ];
  let running: Running | undefined;
  if (momentum !== undefined) {
    const mean = slots.push({ role: "input", index: 3 }) - 1;
    const variance = slots.push({ role: "input", index: 4 }) - 1;
    running = { slots: [mean, variance], momentum };
  }
  const settings = { epsilon, variance: false, gamma: !fixGamma };
  return {
    label,
    slots,
    dispatches: [
      ...statistics(capabilities, problem, epsilon, [0, 6, 4, 5], running),
      apply(capabilities, problem, settings, [0, 4, 5, 1, 2, 3]),
    ],
    flops: 8 * count,
    bytes: totalBytes("float32", count, count),
  };
}

/**
 * Plans a normalization by given statistics: one kernel.
 *
 * @param capabilities The device.
 * @param label Name of the operator.
 * @param shape Shape of the input.
 * @param problem The normalization.
 * @param epsilon Added to the variance.
 * @param fixGamma Whether gamma counts as 1.
 * @returns Inputs 0 data, 1 gamma, 2 beta, 3 mean, 4 variance; output 0 the result.
 */
export function planGivenNormalization(
  capabilities: Capabilities,
  label: string,
  shape: Shape,
  problem: NormalizationProblem,
  epsilon: number,
  fixGamma: boolean,
): Plan {
  const count = checkCount(capabilities, label, shape);
  const settings = { epsilon, variance: true, gamma: !fixGamma };
  return {
    label: `${label}/given`,
    slots: plainSlots(5),
    dispatches: [apply(capabilities, problem, settings, [0, 3, 4, 1, 2, 5])],
    flops: 4 * count,
    bytes: totalBytes("float32", count, count),
  };
}
