/**
 * Comparison of computed numbers with expected ones. The message names the
 * worst element, both values and their distance in ULPs, because "arrays
 * differ" does not tell a wrong kernel from a tight tolerance.
 *
 * @module
 */
import { fail } from "@std/assert";

/** What {@linkcode assertClose} accepts. */
export interface CloseOptions {
  /** Allowed error relative to the expected value; 1e-5 by default. */
  rtol?: number;
  /** Allowed absolute error; 1e-6 by default. */
  atol?: number;
  /** Put in front of the message. */
  label?: string;
}

const FLOAT = new Float32Array(1);
const BITS = new Int32Array(FLOAT.buffer);

/** Position of a float32 number on the line of all float32 numbers. */
function rank(value: number): number {
  FLOAT[0] = value;
  const bits = BITS[0] as number;
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

/**
 * Distance of two numbers, both rounded to float32, in float32 steps.
 *
 * @returns 0 for equal numbers (+0 and -0 are equal), NaN if just one is NaN.
 */
export function ulps(a: number, b: number): number {
  if (Number.isNaN(a) && Number.isNaN(b)) return 0;
  if (Number.isNaN(a) || Number.isNaN(b)) return NaN;
  return Math.abs(rank(a) - rank(b));
}

/**
 * Fails unless every element is within `atol + rtol * |expected|`. NaN equals
 * NaN only, and an infinity equals itself only.
 */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  options: CloseOptions = {},
): void {
  const { rtol = 1e-5, atol = 1e-6, label } = options;
  const prefix = label === undefined ? "" : `${label}: `;
  if (actual.length !== expected.length) {
    fail(`${prefix}${actual.length} values, expected ${expected.length}`);
  }
  let worst = -1;
  let worstExcess = 0;
  let wrong = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i] as number;
    const e = expected[i] as number;
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    const difference = Math.abs(a - e);
    const allowed = atol + rtol * Math.abs(e);
    // Written so that NaN and infinity on one side count as wrong.
    if (difference <= allowed && Number.isFinite(e)) continue;
    wrong++;
    const ratio = difference / allowed;
    const excess = Number.isNaN(ratio) ? Infinity : ratio;
    if (worst < 0 || excess > worstExcess) {
      worst = i;
      worstExcess = excess;
    }
  }
  if (worst < 0) return;
  const a = actual[worst] as number;
  const e = expected[worst] as number;
  fail(
    `${prefix}${wrong} of ${expected.length} values are too far from the expected ones. ` +
      `Worst at index ${worst}: actual ${a}, expected ${e}, ` +
      `difference ${Math.abs(a - e)}, ${ulps(a, e)} ULP ` +
      `(allowed ${atol + rtol * Math.abs(e)}: atol ${atol}, rtol ${rtol})`,
  );
}
