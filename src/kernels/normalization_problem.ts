// What a normalization adds up and where an element finds its statistic and its parameters: the arithmetic that the
// plans of all four normalizations share. Pure numbers.

import { elementCount, type Shape } from "../core/shape.ts";
import { divisor } from "./divisor.ts";

/** The four normalizations of MXNet. */
export type NormalizationForm = "batch" | "layer" | "group" | "instance";

/** One set of sums over a tensor. */
export interface Reduction {
  /** Parts of one result that lie apart: the batch, for statistics of channels that come first. */
  readonly outer: number;
  /** Number of results. */
  readonly results: number;
  /** Neighbors (inner 1) or rows (inner above 1) that one part covers. */
  readonly elements: number;
  /** Results that lie side by side: x is [.., elements, inner]; 1 if x is [outer, results, elements]. */
  readonly inner: number;
}

/** An index of a statistic or parameter: `(element / divisor % modulus) * inner + element % inner`. */
export interface IndexMap {
  readonly divisor: number;
  readonly modulus: number;
  readonly inner: number;
}

/** A normalization of one tensor. */
export interface NormalizationProblem {
  /** Elements of the tensor. */
  readonly count: number;
  /** Elements of one statistic. */
  readonly share: number;
  /** The reduction that gives statistics. */
  readonly statistics: Reduction;
  /** The reduction that gives gradients of parameters. */
  readonly parameters: Reduction;
  readonly stat: IndexMap;
  readonly parameter: IndexMap;
  /** Whether one statistic covers several parameters. */
  readonly weighted: boolean;
}

/** More than any index: a modulus that changes nothing. */
const NO_MODULUS = 2 ** 31 - 1;

/** Sums over all axes but one. */
function channelReduction(before: number, channels: number, behind: number): Reduction {
  return behind > 1
    ? { outer: before, results: channels, elements: behind, inner: 1 }
    : { outer: 1, results: channels, elements: before, inner: channels };
}

/** Sums over one axis. */
function axisReduction(before: number, size: number, behind: number): Reduction {
  return { outer: 1, results: before * behind, elements: size, inner: behind };
}

/**
 * Describes a normalization.
 *
 * @param form Which one.
 * @param shape Shape of the tensor, without zeros.
 * @param axis Axis of the parameters, counted from the front.
 * @param groups Groups of `group`.
 * @returns The problem.
 */
export function normalizationProblem(
  form: NormalizationForm,
  shape: Shape,
  axis: number,
  groups: number,
): NormalizationProblem {
  const count = elementCount(shape);
  const before = elementCount(shape.slice(0, axis));
  const size = shape[axis]!;
  const behind = elementCount(shape.slice(axis + 1));
  const parameter = { divisor: behind, modulus: size, inner: 1 };
  const parameters = channelReduction(before, size, behind);
  switch (form) {
    case "batch":
      return {
        count,
        share: count / size,
        statistics: parameters,
        parameters,
        stat: parameter,
        parameter,
        weighted: false,
      };
    case "layer":
      return {
        count,
        share: size,
        statistics: axisReduction(before, size, behind),
        parameters,
        stat: { divisor: size * behind, modulus: NO_MODULUS, inner: behind },
        parameter,
        weighted: true,
      };
    default: {
      const rows = shape[0]! * (form === "group" ? groups : size);
      const share = count / rows;
      return {
        count,
        share,
        statistics: { outer: 1, results: rows, elements: share, inner: 1 },
        parameters,
        stat: { divisor: share, modulus: NO_MODULUS, inner: 1 },
        parameter,
        weighted: form === "group",
      };
    }
  }
}

/**
 * Push words of both maps.
 *
 * @param problem The normalization.
 * @returns The words that MAPS of maps.glsl declares.
 */
export function mapWords({ stat, parameter }: NormalizationProblem): Record<string, number> {
  const [divides, modulus, inner] = [stat.divisor, stat.modulus, stat.inner].map(divisor);
  const [channel, channels] = [parameter.divisor, parameter.modulus].map(divisor);
  return {
    stat_multiplier: divides!.multiplier,
    stat_modulus: stat.modulus,
    stat_modulus_multiplier: modulus!.multiplier,
    stat_inner: stat.inner,
    stat_inner_multiplier: inner!.multiplier,
    stat_shifts: divides!.shift | (modulus!.shift << 5) | (inner!.shift << 10),
    parameter_multiplier: channel!.multiplier,
    parameter_modulus: parameter.modulus,
    parameter_modulus_multiplier: channels!.multiplier,
    parameter_shifts: channel!.shift | (channels!.shift << 5),
  };
}

/**
 * How the four elements of an aligned quad find their index.
 *
 * @param map The map.
 * @returns The number of the kind in maps.glsl.
 */
export function quadKind({ divisor, modulus, inner }: IndexMap): number {
  if (inner > 1) return inner % 4 === 0 ? 1 : 2;
  if (divisor % 4 === 0) return 0;
  return divisor === 1 && modulus % 4 === 0 ? 1 : 2;
}
