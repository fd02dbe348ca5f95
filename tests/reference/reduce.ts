// Float64 oracles of reductions, of repeating elements, and of softmax.

import { build, get, indices, offset, type Reference, size } from "./array.ts";

const COMBINE: Readonly<Record<string, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  mean: (a, b) => a + b,
  max: Math.max,
  min: Math.min,
};

/** Reduces axes, which keep size 1 if `keep` is true. */
export function reduce(
  x: Reference,
  name: string,
  axes: readonly number[],
  keep: boolean = false,
): Reference {
  const combine = COMBINE[name]!;
  const kept = x.shape.map((each, axis) => axes.includes(axis) ? 1 : each);
  const start = name === "max" ? -Infinity : name === "min" ? Infinity : 0;
  const data = new Float64Array(size(kept)).fill(start);
  for (const index of indices(x.shape)) {
    const at = offset(kept, index.map((each, axis) => axes.includes(axis) ? 0 : each));
    data[at] = combine(data[at]!, get(x, index));
  }
  const count = size(x.shape) / size(kept);
  if (name === "mean") data.forEach((each, at) => data[at] = each / count);
  return { data, shape: keep ? kept : x.shape.filter((_, axis) => !axes.includes(axis)) };
}

/** Repeats elements by NumPy's rules. */
export function broadcast(x: Reference, shape: readonly number[]): Reference {
  const missing = shape.length - x.shape.length;
  return build(
    shape,
    (index) => get(x, x.shape.map((each, axis) => each === 1 ? 0 : index[axis + missing]!)),
  );
}

/** Softmax along an axis, or its logarithm. */
export function softmax(x: Reference, axis: number, log: boolean, temperature: number): Reference {
  const line = (index: readonly number[]) => index.map((each, own) => own === axis ? 0 : each);
  const scaled = { ...x, data: Float64Array.from(x.data, (each) => each / temperature) };
  const top = reduce(scaled, "max", [axis], true);
  const below = build(x.shape, (index) => get(scaled, index) - get(top, line(index)));
  const powers = { ...below, data: Float64Array.from(below.data, Math.exp) };
  const sum = reduce(powers, "sum", [axis], true);
  return build(x.shape, (index) => {
    const total = get(sum, line(index));
    return log ? get(below, index) - Math.log(total) : get(powers, index) / total;
  });
}
