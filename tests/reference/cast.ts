// Oracle of dtype conversion: the typed arrays of JavaScript, but saturating from floats to integers.

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int8: [-128, 127],
  uint8: [0, 255],
};

const ARRAYS = {
  float32: Float32Array,
  float16: Float16Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
} as const;

/** Converts values that are exact in `from`; the result holds numbers that are exact in `to`. */
export function cast(values: ArrayLike<number>, from: string, to: string): Float64Array {
  const array = ARRAYS[to as keyof typeof ARRAYS];
  const range = RANGES[to];
  const fromFloat = from.startsWith("float");
  return Float64Array.from(values, (value) => {
    if (range !== undefined && fromFloat) {
      return Number.isNaN(value)
        ? 0
        : Math.min(Math.max(Math.trunc(value), range[0]), range[1]) + 0;
    }
    return array.of(value)[0]!;
  });
}
