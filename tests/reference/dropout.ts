// Oracle of dropout: word by word of the random stream, on the host.

import type { RandomStream } from "../../src/core/random.ts";
import { build, get, offset, type Reference, size } from "./array.ts";

/** Drops elements as the stream says; along some axes all together. */
export function dropout(
  x: Reference,
  rate: number,
  axes: readonly number[],
  stream: RandomStream,
): Reference {
  const maskShape = x.shape.map((length, axis) => axes.includes(axis) ? 1 : length);
  const keeps = Array.from({ length: size(maskShape) }, () => stream.nextUniform() < 1 - rate);
  return build(x.shape, (index) => {
    const own = index.map((at, axis) => axes.includes(axis) ? 0 : at);
    return keeps[offset(maskShape, own)] ? get(x, index) / (1 - rate) : 0;
  });
}
