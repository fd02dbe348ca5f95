// Float64 oracle of the softmax cross entropy with one class for each line.

import { build, get, type Reference } from "./array.ts";

/** The negative logarithm of the softmax at a class, by its definition. */
export function crossEntropy(x: Reference, label: Reference, axis: number): Reference {
  const lines = x.shape.filter((_, at) => at !== axis);
  const classes = { data: label.data, shape: lines };
  const count = x.shape[axis]!;
  return build(lines, (place) => {
    const line = Array.from({ length: count }, (_, k) => get(x, place.toSpliced(axis, 0, k)));
    const wanted = Math.min(Math.max(Math.trunc(get(classes, place)), 0), count - 1);
    const top = Math.max(...line);
    const sum = line.reduce((total, each) => total + Math.exp(each - top), 0);
    return -Math.log(Math.exp(line[wanted]! - top) / sum);
  });
}
