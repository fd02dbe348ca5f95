// Oracle of operators that only move elements (spec: layers.md section 10).

import { build, get, type Reference } from "./array.ts";

/** Output axis i shows input axis `axes[i]`. */
export function transpose(x: Reference, axes: readonly number[]): Reference {
  const shape = axes.map((axis) => x.shape[axis]!);
  return build(shape, (index) => {
    const from = x.shape.map(() => 0);
    axes.forEach((axis, at) => from[axis] = index[at]!);
    return get(x, from);
  });
}

/** Takes `sizes[i]` elements from `begin[i]` on, every `steps[i]`-th, on every axis. */
export function slice(
  x: Reference,
  begin: readonly number[],
  sizes: readonly number[],
  steps: readonly number[] = x.shape.map(() => 1),
): Reference {
  return build(sizes, (index) => get(x, index.map((at, axis) => begin[axis]! + at * steps[axis]!)));
}

/** Joins arrays on an axis. */
export function concat(arrays: readonly Reference[], axis: number): Reference {
  const total = arrays.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const shape = arrays[0]!.shape.map((each, at) => (at === axis ? total : each));
  return build(shape, (index) => {
    const from = [...index];
    for (const array of arrays) {
      if (from[axis]! < array.shape[axis]!) return get(array, from);
      from[axis]! -= array.shape[axis]!;
    }
    throw new RangeError("index past the end");
  });
}

/** Repeats every element `factors[i]` times along axis i. */
export function upSampling(x: Reference, factors: readonly number[]): Reference {
  const shape = x.shape.map((each, axis) => each * factors[axis]!);
  return build(shape, (index) => get(x, index.map((at, axis) => Math.floor(at / factors[axis]!))));
}

/** Pixel shuffle of a channel-first array. */
export function pixelShuffle(x: Reference, factors: readonly number[]): Reference {
  const product = factors.reduce((all, factor) => all * factor, 1);
  const shape = [
    x.shape[0]!,
    x.shape[1]! / product,
    ...factors.map((factor, axis) => x.shape[axis + 2]! * factor),
  ];
  return build(shape, ([n, c, ...spatial]) => {
    let channel = c!;
    factors.forEach((factor, axis) => channel = channel * factor + spatial[axis]! % factor);
    return get(x, [
      n!,
      channel,
      ...spatial.map((at, axis) => Math.floor(at / factors[axis]!)),
    ]);
  });
}

/** The inverse of {@linkcode pixelShuffle}. */
export function pixelUnshuffle(x: Reference, factors: readonly number[]): Reference {
  const product = factors.reduce((all, factor) => all * factor, 1);
  const shape = [
    x.shape[0]!,
    x.shape[1]! * product,
    ...factors.map((factor, axis) => x.shape[axis + 2]! / factor),
  ];
  return build(shape, ([n, channel, ...spatial]) => {
    const digits: number[] = [];
    let rest = channel!;
    for (let axis = factors.length - 1; axis >= 0; axis--) {
      digits.unshift(rest % factors[axis]!);
      rest = Math.floor(rest / factors[axis]!);
    }
    return get(x, [n!, rest, ...spatial.map((at, axis) => at * factors[axis]! + digits[axis]!)]);
  });
}
