// Float64 oracle of picking one element of each line.

import { build, get, type Reference } from "./array.ts";

/** Picks one element of each line along an axis. */
export function pick(x: Reference, index: Reference, axis: number, wrap: boolean): Reference {
  const shape = x.shape.filter((_, at) => at !== axis);
  const length = x.shape[axis]!;
  const lines = { data: index.data, shape };
  return build(shape, (place) => {
    const wanted = Math.trunc(get(lines, place));
    const at = wrap
      ? ((wanted % length) + length) % length
      : Math.min(Math.max(wanted, 0), length - 1);
    return get(x, place.toSpliced(axis, 0, at));
  });
}
