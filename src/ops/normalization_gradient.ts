// Gradients of normalizations by composition: made of operators that have gradients themselves, for derivatives of any
// order. The fused kernels of normalization.ts give the first derivatives only.

import type { NormalizationForm } from "../kernels/normalization_problem.ts";
import type { Tensor } from "../tensor/mod.ts";
import { cast } from "./cast.ts";
import { rsqrt } from "./function.ts";
import { mean, sumTo } from "./reduce.ts";

/** Which normalization, and of which axis. */
export interface NormalizationKind {
  readonly form: NormalizationForm;
  /** Axis of the parameters, counted from the front. */
  readonly axis: number;
  readonly groups: number;
}

/** What a gradient is composed of. */
export interface NormalizationOperands {
  readonly head: Tensor;
  readonly data: Tensor;
  /** Null where it counts as 1. */
  readonly gamma: Tensor | null;
  readonly epsilon: number;
  /** Statistics that do not depend on the data: mean and variance by channel. */
  readonly given?: readonly [mean: Tensor, variance: Tensor];
}

/** Gradients of data, gamma and beta. */
export type NormalizationGradients = readonly [data: Tensor, gamma: Tensor, beta: Tensor];

/** The shape under which a parameter broadcasts over the data. */
export function parameterShape(rank: number, axis: number, size: number): number[] {
  return Array.from({ length: rank }, (_, at) => at === axis ? size : 1);
}

function wide(x: Tensor): Tensor {
  return x.dtype === "float32" ? x : cast(x, "float32");
}

/** Axes over which a statistic is taken. */
function statisticAxes({ form, axis }: NormalizationKind, rank: number): number[] {
  if (form === "layer") return [axis];
  if (form !== "batch") return [1];
  return Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis);
}

/**
 * Composes the gradients of a normalization.
 *
 * @param kind Which normalization.
 * @param operands What it is computed from.
 * @returns Gradients in float32.
 */
export function composeGradients(
  kind: NormalizationKind,
  operands: NormalizationOperands,
): NormalizationGradients {
  const { form, axis, groups } = kind;
  const [head, data] = [wide(operands.head), wide(operands.data)];
  const { shape, rank } = data;
  const size = shape[axis]!;
  const broadcast = parameterShape(rank, axis, size);
  const rows = form === "group" ? shape[0]! * groups : shape[0]! * size;
  const byRows = form === "group" || form === "instance";
  const grouped = (x: Tensor) => byRows ? x.reshape([rows, data.size / rows]) : x;
  const gamma = operands.gamma === null ? null : wide(operands.gamma).reshape(broadcast);
  const weighted = gamma === null ? head : head.mul(gamma);
  const sums = (x: Tensor) => sumTo(x, broadcast).reshape([size]);

  if (operands.given !== undefined) {
    const [average, variance] = operands.given.map((each) => each.reshape(broadcast));
    const inverse = rsqrt(variance!.add(operands.epsilon));
    const normal = data.sub(average!).mul(inverse);
    return [weighted.mul(inverse), sums(head.mul(normal)), sums(head)];
  }
  const options = { axis: statisticAxes(kind, rank), keepDims: true };
  const values = grouped(data);
  const centered = values.sub(mean(values, options));
  const variance = mean(centered.mul(centered), options);
  const inverse = rsqrt(variance.add(operands.epsilon));
  const normal = centered.mul(inverse);
  const h = grouped(weighted);
  const slope = h.sub(mean(h, options)).sub(normal.mul(mean(h.mul(normal), options)));
  return [
    slope.mul(inverse).reshape(shape),
    sums(head.mul(normal.reshape(shape))),
    sums(head),
  ];
}
