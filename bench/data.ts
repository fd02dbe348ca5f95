// The numbers that go through the measured layers, and what must come out. Both sides of a
// comparison make the same numbers from the layer's id, so none travel between processes.

import type { Layer } from "./layers.ts";

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Numbers from -1 to 1 that depend on the name and the position only. */
export function values(
  name: string,
  length: number,
  scale = 1,
): Float32Array<ArrayBuffer> {
  let seed = 2166136261;
  for (let i = 0; i < name.length; i++) {
    seed = Math.imul(seed ^ name.charCodeAt(i), 16777619);
  }
  const result = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    let word = Math.imul(i + 1, 0x9e3779b1) ^ seed;
    word = Math.imul(word ^ (word >>> 15), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    result[i] = ((word ^ (word >>> 16)) / 0x80000000) * scale;
  }
  return result;
}

/** The tensors that go into a layer, channel-first. */
export interface LayerData {
  readonly input: Float32Array<ArrayBuffer>;
  readonly weight?: Float32Array<ArrayBuffer>;
  readonly bias?: Float32Array<ArrayBuffer>;
  readonly offset?: Float32Array<ArrayBuffer>;
  readonly mask?: Float32Array<ArrayBuffer>;
}

/** Makes the numbers of a layer; weights are scaled so that outputs stay near one. */
export function dataOf(layer: Layer): LayerData {
  const input = values(`${layer.id} input`, sizeOf(layer.input));
  if (layer.weight === undefined || layer.bias === undefined) return { input };
  const fanIn = sizeOf(layer.weight.slice(1));
  const make = (name: "offset" | "mask", scale: number, shift: number) => {
    const shape = layer[name];
    if (shape === undefined) return {};
    const numbers = values(`${layer.id} ${name}`, sizeOf(shape), scale);
    return { [name]: numbers.map((value) => value + shift) };
  };
  return {
    input,
    weight: values(
      `${layer.id} weight`,
      sizeOf(layer.weight),
      Math.sqrt(3 / fanIn),
    ),
    bias: values(`${layer.id} bias`, sizeOf(layer.bias)),
    ...make("offset", 1.5, 0),
    ...make("mask", 0.5, 0.5),
  };
}

/** A spread of positions in so many elements: the corners and a stride that visits all channels. */
export function sampleIndices(size: number, count = 256): number[] {
  const indices = new Set([0, size - 1]);
  // A step without small factors, so that rows, columns and channels all vary.
  for (let i = 0; indices.size < Math.min(count, size); i++) {
    indices.add((i * 1000003 + 17) % size);
  }
  return [...indices];
}

/** The largest error of a sample, relative to the sum's magnitude (outputs are near one). */
export function worstError(
  actual: ArrayLike<number>,
  wanted: ArrayLike<number>,
): number {
  let worst = actual.length === wanted.length ? 0 : Infinity;
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(actual[i]! - wanted[i]!) /
      Math.max(1, Math.abs(wanted[i]!));
    if (!(error <= worst)) worst = error;
  }
  return worst;
}
