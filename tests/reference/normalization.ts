// Float64 oracle of batch, layer, group and instance normalization: two passes over every set of elements.

import { get, indices, type Reference, size } from "./array.ts";

/** Which elements share a statistic. */
export interface Kind {
  readonly form: "batch" | "layer" | "group" | "instance";
  /** Axis of the parameters. */
  readonly axis: number;
  readonly groups?: number;
}

/** Mean and variance of every set of elements, by the set's name. */
export function statistics(
  x: Reference,
  kind: Kind,
): Map<string, { mean: number; variance: number }> {
  const sets = new Map<string, number[]>();
  for (const index of indices(x.shape)) {
    const name = setOf(x, kind, index);
    const set = sets.get(name) ?? [];
    sets.set(name, set);
    set.push(get(x, index));
  }
  return new Map([...sets].map(([name, values]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return [name, { mean, variance: squares / values.length }];
  }));
}

function setOf(x: Reference, { form, axis, groups = 1 }: Kind, index: readonly number[]): string {
  switch (form) {
    case "batch":
      return `${index[axis]}`;
    case "layer":
      return index.filter((_, at) => at !== axis).join();
    case "instance":
      return `${index[0]},${index[1]}`;
    case "group":
      return `${index[0]},${Math.floor(index[1]! / (x.shape[1]! / groups))}`;
  }
}

/** Normalizes by the statistics of x, or by given ones of each channel. */
export function normalize(
  x: Reference,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  kind: Kind,
  eps: number,
  given?: { readonly mean: ArrayLike<number>; readonly variance: ArrayLike<number> },
): Reference {
  const own = given === undefined ? statistics(x, kind) : undefined;
  const data = new Float64Array(size(x.shape));
  let at = 0;
  for (const index of indices(x.shape)) {
    const channel = index[kind.axis]!;
    const { mean, variance } = own?.get(setOf(x, kind, index)) ??
      { mean: given!.mean[channel]!, variance: given!.variance[channel]! };
    const normal = (get(x, index) - mean) / Math.sqrt(variance + eps);
    data[at++] = normal * gamma[channel]! + beta[channel]!;
  }
  return { data, shape: [...x.shape] };
}
