// Oracle of comparisons of two arrays.

import { binary } from "./elementwise.ts";
import type { Reference } from "./array.ts";

const HOLDS: Readonly<Record<string, (d: number) => boolean>> = {
  equal: (d) => d === 0,
  notEqual: (d) => d !== 0,
  greater: (d) => d > 0,
  greaterEqual: (d) => d >= 0,
  less: (d) => d < 0,
  lessEqual: (d) => d <= 0,
};

/** Compares two arrays that broadcast against each other: 1 where it holds, else 0. */
export function compare(a: Reference, b: Reference, name: string): Reference {
  const difference = binary(a, b, "subtract"); // exact signs: the operands are small dyadic numbers
  return {
    data: Float64Array.from(difference.data, (d) => HOLDS[name]!(d) ? 1 : 0),
    shape: difference.shape,
  };
}
