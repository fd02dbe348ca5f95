// Random numbers that are equal on every runtime: counter-based Philox 4x32-10 (Salmon et al. 2011,
// Random123) and distributions made of +, -, *, / and square roots only, which IEEE 754 fixes to the
// bit, as engines differ in Math.log. Knows nothing of tensors. Normal quantile: AS 241 (PPND16).

import { checkInteger } from "./options.ts";

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;
const TWO_TO_32 = 2 ** 32;

/** The upper 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff, aHigh = a >>> 16, bLow = b & 0xffff, bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (cross >>> 16)) >>> 0;
}

/**
 * One block of Philox 4x32-10: four random words from a counter and a key.
 *
 * @param counter Four 32-bit words; replaced by the result.
 * @param key0 The first word of the key.
 * @param key1 The second word of the key.
 */
export function philox(counter: Uint32Array, key0: number, key1: number): void {
  let c0 = counter[0]!, c1 = counter[1]!, c2 = counter[2]!, c3 = counter[3]!;
  let k0 = key0 >>> 0, k1 = key1 >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0), low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2), low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  counter[0] = c0;
  counter[1] = c1;
  counter[2] = c2;
  counter[3] = c3;
}

/** An endless sequence of random numbers; equal seed and stream index give equal numbers. */
export class RandomStream {
  readonly #key: readonly [number, number];
  readonly #stream: readonly [number, number];
  readonly #block: Uint32Array = new Uint32Array(4);
  #blockIndex = 0;
  #used = 4;

  /**
   * Starts a sequence.
   *
   * @param seed The seed, an integer from 0 to 2^53 - 1.
   * @param stream Which of the seed's independent sequences, an integer from 0 to 2^53 - 1.
   * @throws {TypeError} If seed or stream is not a number.
   * @throws {RangeError} If it is not such an integer.
   */
  constructor(seed: number, stream: number = 0) {
    this.#key = split(checkSeed("seed", seed));
    this.#stream = split(checkSeed("stream", stream));
  }

  /**
   * The next random word.
   *
   * @returns An integer, uniform over 0 to 2^32 - 1.
   */
  nextWord(): number {
    if (this.#used === 4) {
      const [low, high] = split(this.#blockIndex++);
      const block = this.#block;
      block[0] = low;
      block[1] = high;
      block[2] = this.#stream[0];
      block[3] = this.#stream[1];
      philox(block, this.#key[0], this.#key[1]);
      this.#used = 0;
    }
    return this.#block[this.#used++]!;
  }

  /**
   * A number uniform over [0, 1) with 24 random bits, so exact in float32.
   *
   * @returns The number.
   */
  nextUniform(): number {
    return (this.nextWord() >>> 8) / 2 ** 24;
  }

  /**
   * A number of the standard normal distribution; magnitudes stay below 6.4.
   *
   * @returns The number.
   */
  nextNormal(): number {
    return normalQuantile((this.nextWord() + 0.5) / TWO_TO_32);
  }
}

let currentSeed = 0;
let streamsTaken = 0;

/**
 * Restarts the random numbers that initializers and dropout draw. Programs that do not call it behave as if
 * they had called `seed(0)`.
 *
 * @param value The seed, an integer from 0 to 2^53 - 1.
 * @throws {TypeError} If the value is not a number.
 * @throws {RangeError} If it is not such an integer.
 *
 * @example
 * ```ts
 * import { seed } from "@vknn/vknn";
 * import { assertThrows } from "@std/assert";
 *
 * seed(42);
 * assertThrows(() => seed(-1), RangeError);
 * ```
 */
export function seed(value: number): void {
  currentSeed = checkSeed("value", value);
  streamsTaken = 0;
}

/**
 * Takes the next unused stream of the current seed.
 *
 * @returns The stream.
 */
export function nextStream(): RandomStream {
  return new RandomStream(currentSeed, streamsTaken++);
}

/** Where a stream begins, as the words of a Philox key and of the counter's upper half. */
export interface StreamWords {
  /** Lower word of the seed. */
  readonly key0: number;
  /** Upper word of the seed. */
  readonly key1: number;
  /** Lower word of the stream's number. */
  readonly stream0: number;
  /** Upper word of the stream's number. */
  readonly stream1: number;
}

/**
 * Takes the next unused stream of the current seed, for a device to draw from.
 *
 * @returns Its words; word `i` of the stream is the one that {@linkcode RandomStream} gives as its `i`-th.
 */
export function nextStreamWords(): StreamWords {
  const [key0, key1] = split(currentSeed);
  const [stream0, stream1] = split(streamsTaken++);
  return { key0, key1, stream0, stream1 };
}

function checkSeed(name: string, value: number): number {
  const bounds = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
  return checkInteger("seed random numbers", name, value, bounds);
}

function split(value: number): [number, number] {
  return [value % TWO_TO_32, Math.floor(value / TWO_TO_32)];
}

// Rational approximations of AS 241, coefficients of the highest power first.
const CENTER_P = [
  2.5090809287301226727e+3,
  3.3430575583588128105e+4,
  6.7265770927008700853e+4,
  4.5921953931549871457e+4,
  1.3731693765509461125e+4,
  1.9715909503065514427e+3,
  1.3314166789178437745e+2,
  3.3871328727963666080e+0,
];
const CENTER_Q = [
  5.2264952788528545610e+3,
  2.8729085735721942674e+4,
  3.9307895800092710610e+4,
  2.1213794301586595867e+4,
  5.3941960214247511077e+3,
  6.8718700749205790830e+2,
  4.2313330701600911252e+1,
  1.0,
];
const MIDDLE_P = [
  7.74545014278341407640e-4,
  2.27238449892691845833e-2,
  2.41780725177450611770e-1,
  1.27045825245236838258e+0,
  3.64784832476320460504e+0,
  5.76949722146069140550e+0,
  4.63033784615654529590e+0,
  1.42343711074968357734e+0,
];
const MIDDLE_Q = [
  1.05075007164441684324e-9,
  5.47593808499534494600e-4,
  1.51986665636164571966e-2,
  1.48103976427480074590e-1,
  6.89767334985100004550e-1,
  1.67638483018380384940e+0,
  2.05319162663775882187e+0,
  1.0,
];

/**
 * The number below which a standard normal variable lies with the given probability. The
 * third piece of AS 241, for probabilities under 1.4e-11, is left out: 32 random bits never reach it.
 */
function normalQuantile(probability: number): number {
  const centered = probability - 0.5;
  if (Math.abs(centered) <= 0.425) {
    const r = 0.180625 - centered * centered;
    return centered * polynomial(CENTER_P, r) / polynomial(CENTER_Q, r);
  }
  const tail = centered < 0 ? probability : 1 - probability;
  const r = Math.sqrt(-logarithm(tail)) - 1.6;
  const magnitude = polynomial(MIDDLE_P, r) / polynomial(MIDDLE_Q, r);
  return centered < 0 ? -magnitude : magnitude;
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * x + coefficient;
  return sum;
}

const LN_2 = 0.6931471805599453;
const SQRT_HALF = 0.7071067811865476;

/** Natural logarithm of a number in (0, 1), by halvings and the series of atanh. */
function logarithm(x: number): number {
  let exponent = 0;
  while (x < SQRT_HALF) {
    x *= 2;
    exponent--;
  }
  const s = (x - 1) / (x + 1);
  const square = s * s;
  let sum = 0;
  // |s| < 0.172, so the last term is below 1e-17.
  for (let power = 21; power >= 1; power -= 2) sum = sum * square + 1 / power;
  return exponent * LN_2 + 2 * s * sum;
}
