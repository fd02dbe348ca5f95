// Oracle of the place of the largest element.

import { build, get, type Reference } from "./array.ts";

/** Index of the first largest element of each line; NaN is larger than everything. */
export function argmax(x: Reference, axis: number): Reference {
  return build(x.shape.filter((_, at) => at !== axis), (place) => {
    const line = Array.from(
      { length: x.shape[axis]! },
      (_, k) => get(x, place.toSpliced(axis, 0, k)),
    );
    const nan = line.findIndex(Number.isNaN);
    return nan >= 0 ? nan : line.indexOf(Math.max(...line));
  });
}
