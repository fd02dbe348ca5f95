// Constants for division by multiplication (shaders/glsl/lib/divide.glsl).

/** A divisor as the shader uses it. */
export interface Divisor {
  readonly multiplier: number;
  readonly shift: number;
}

/**
 * Constants with which `(mulhi(n, multiplier) + n) >> shift` is `floor(n / d)` for all n < 2^31.
 *
 * @param d The divisor, 1 .. 2^31 - 1.
 * @returns Multiplier below 2^32 and shift below 32.
 */
export function divisor(d: number): Divisor {
  if (!Number.isInteger(d) || d < 1 || d >= 2 ** 31) {
    throw new RangeError(`Cannot prepare division by ${d}: expected an integer in 1..2^31-1`);
  }
  const shift = d === 1 ? 0 : 32 - Math.clz32(d - 1); // ceil(log2 d)
  // 2^32 * (2^shift - d) passes 2^53, so in big integers.
  const multiplier = ((1n << 32n) * ((1n << BigInt(shift)) - BigInt(d))) / BigInt(d) + 1n;
  return { multiplier: Number(multiplier), shift };
}
