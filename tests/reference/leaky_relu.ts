// Float64 oracle of the leaky rectifier and its relatives.

import { build, get, type Reference } from "./array.ts";

/** The error function: its series near 0, a continued fraction of the rest beyond. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 2.5) {
    let sum = 0;
    let term = a;
    for (let n = 0; Math.abs(term) > 1e-18; n++) {
      sum += term / (2 * n + 1);
      term *= -a * a / (n + 1);
    }
    return Math.sign(x) * sum * 2 / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 80; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

const SCALE = 1.0507009873554804934;
const ALPHA = 1.6732632423543772848;

const FUNCTIONS: Readonly<Record<string, (x: number, slope: number) => number>> = {
  elu: (x, slope) => x > 0 ? x : slope * Math.expm1(x),
  selu: (x) => SCALE * (x > 0 ? x : ALPHA * Math.expm1(x)),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

/** Applies a function of this family to every element. */
export function leakyFamily(x: Reference, name: string, slope: number = 0.25): Reference {
  return {
    data: Float64Array.from(x.data, (each) => FUNCTIONS[name]!(each, slope)),
    shape: x.shape,
  };
}

/** The leaky rectifier with one slope, or one for each index of axis 1. */
export function prelu(x: Reference, slopes: ArrayLike<number>): Reference {
  return build(x.shape, (index) => {
    const value = get(x, index);
    return value > 0 ? value : value * slopes[slopes.length === 1 ? 0 : index[1]!]!;
  });
}
