// Plans of the gradients of normalizations: sums over statistics or parameters, and the gradient of the input.

import { programs } from "../../shaders/manifest.ts";
import type { Shape } from "../core/shape.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { gridFor, mergeLanes, mergeWords, partsOf, partWords } from "./normalization_parts.ts";
import { mapWords, type NormalizationProblem, quadKind } from "./normalization_problem.ts";
import { countOperand, plainSlots, totalBytes, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** What sums are taken over: the elements of a statistic, heads times gamma, or those of a parameter. */
export type SumsOver = "statistic" | "parameter";

/** Whether all elements of a part share a statistic. */
function hasOneStat(problem: NormalizationProblem, over: SumsOver): boolean {
  const { stat, statistics, parameters } = problem;
  if (over === "statistic") return statistics.inner === 1;
  // Channels in front: the part of a channel lies inside of one statistic, unless that runs across it.
  if (parameters.inner === 1) return stat.inner === 1;
  // Rows of one statistic each.
  return stat.inner === 1 && stat.divisor % parameters.inner === 0;
}

/**
 * Plans the sums of a gradient.
 *
 * @param capabilities The device.
 * @param shape Shape of the input.
 * @param problem The normalization.
 * @param over What the sums are taken over.
 * @returns Inputs 0 heads, 1 data, 2 means, 3 inverse deviations, 4 gamma; output 0 [2, results]: sums of the heads, and
 *   of the heads times the normalized data.
 */
export function planNormalizationSums(
  capabilities: Capabilities,
  shape: Shape,
  problem: NormalizationProblem,
  over: SumsOver,
): Plan {
  const label = "NormalizationSums";
  const count = countOperand(capabilities, `apply ${label}`, shape, 4);
  const reduction = over === "statistic" ? problem.statistics : problem.parameters;
  const parts = partsOf(capabilities, reduction);
  const lanes = mergeLanes(capabilities, parts);
  const local_size_x = plainLocalSize(capabilities);
  const build = usesTexels(capabilities) ? "texel" : "storage";
  const constants = {
    local_size_x,
    columns: parts.columns,
    lanes: parts.lanes,
    one_stat: hasOneStat(problem, over) ? 1 : 0,
    weighted: over === "statistic" && problem.weighted ? 1 : 0,
    stat_inner: problem.stat.inner > 1 ? 1 : 0,
  };
  return {
    label,
    slots: [...plainSlots(5), { role: "temporary", byteLength: parts.count * 8 }],
    dispatches: [
      makeDispatch(
        programs[`normalization/gradient_sums.${build}` as const],
        constants,
        {
          ...mapWords(problem),
          ...partWords(reduction, parts),
          last: Math.ceil(count / 4) - 1,
        },
        [0, 1, 2, 3, 4, 6],
        gridFor(capabilities, parts.items, parts.lanes),
      ),
      makeDispatch(
        programs["normalization/gradient_merge"],
        { local_size_x, lanes },
        mergeWords(reduction, parts),
        [6, 5],
        gridFor(capabilities, reduction.results, lanes),
      ),
    ],
    flops: 5 * count,
    bytes: totalBytes("float32", count, count),
  };
}

/**
 * Plans the gradient of a normalization's input.
 *
 * @param capabilities The device.
 * @param shape Shape of the input.
 * @param problem The normalization.
 * @param fixGamma Whether gamma counts as 1.
 * @returns Inputs 0 heads, 1 data, 2 means, 3 inverse deviations, 4 gamma, 5 sums over statistics; output 0.
 */
export function planNormalizationGradient(
  capabilities: Capabilities,
  shape: Shape,
  problem: NormalizationProblem,
  fixGamma: boolean,
): Plan {
  const label = "NormalizationGradient";
  const count = countOperand(capabilities, `apply ${label}`, shape, 4);
  const quads = Math.ceil(count / 4);
  const build = usesTexels(capabilities) ? "texel" : "storage";
  const dispatch = makeDispatch(
    programs[`normalization/gradient_apply.${build}` as const],
    {
      local_size_x: plainLocalSize(capabilities),
      stat: quadKind(problem.stat),
      parameter: quadKind(problem.parameter),
      weighted: problem.weighted ? 1 : 0,
      gamma: fixGamma ? 0 : 1,
      stat_inner: problem.stat.inner > 1 ? 1 : 0,
    },
    {
      ...mapWords(problem),
      quad_count: quads,
      last: count - 1,
      stats: problem.statistics.results,
      share: 1 / problem.share,
    },
    [0, 1, 2, 3, 4, 5, 6],
    gridForItems(capabilities, quads),
  );
  return {
    label,
    slots: plainSlots(6),
    dispatches: [dispatch],
    flops: 8 * count,
    bytes: totalBytes("float32", count, count, count),
  };
}
