// Float64 oracle of functions of one array.

import type { Reference } from "./array.ts";

const FUNCTIONS: Readonly<Record<string, (x: number, p0: number, p1: number) => number>> = {
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  square: (x) => x * x,
  abs: Math.abs,
  sign: Math.sign,
  negative: (x) => -x,
  power: (x, p) => x ** p,
  clip: (x, low, high) => Number.isNaN(x) ? x : Math.min(Math.max(x, low), high),
};

/** Applies a function to every element. */
export function unary(x: Reference, name: string, p0: number = 0, p1: number = 0): Reference {
  const apply = FUNCTIONS[name];
  if (apply === undefined) throw new TypeError(`no function ${name}`);
  return { data: Float64Array.from(x.data, (each) => apply(each, p0, p1)), shape: [...x.shape] };
}
