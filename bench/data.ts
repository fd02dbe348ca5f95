// The numbers that go through the measured layers, and what must come out. Both sides of a
// comparison make the same numbers from the layer's id, so none travel between processes.

import { convolutionOf, type Layer, shuffleOf } from "./layers.ts";

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

/** Input, weight and bias of a layer, channel-first. */
export interface LayerData {
  readonly input: Float32Array<ArrayBuffer>;
  readonly weight?: Float32Array<ArrayBuffer>;
  readonly bias?: Float32Array<ArrayBuffer>;
}

/** Makes the numbers of a layer; weights are scaled so that outputs stay near one. */
export function dataOf(layer: Layer): LayerData {
  const input = values(`${layer.id} input`, sizeOf(layer.input));
  if (layer.weight === undefined || layer.bias === undefined) return { input };
  const fanIn = sizeOf(layer.weight.slice(1));
  return {
    input,
    weight: values(
      `${layer.id} weight`,
      sizeOf(layer.weight),
      Math.sqrt(3 / fanIn),
    ),
    bias: values(`${layer.id} bias`, sizeOf(layer.bias)),
  };
}

/** Coordinates of a row-major index. */
function unravel(index: number, shape: readonly number[]): number[] {
  const result: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis]!;
    result.unshift(index % extent);
    index = Math.floor(index / extent);
  }
  return result;
}

/** Row-major index of coordinates. */
function ravel(position: readonly number[], shape: readonly number[]): number {
  return shape.reduce(
    (index, extent, axis) => index * extent + position[axis]!,
    0,
  );
}

/** Where an element of a two-dimensional pixel shuffle comes from. */
function shuffleSource(position: readonly number[], factor: number): number[] {
  const [batch, channel, row, column] = position as [
    number,
    number,
    number,
    number,
  ];
  const inner = (row % factor) * factor + column % factor;
  return [
    batch,
    channel * factor * factor + inner,
    Math.floor(row / factor),
    Math.floor(column / factor),
  ];
}

/** One output element of the layer's convolution in float64, plain loops. */
function convolved(
  layer: Layer,
  data: LayerData,
  position: readonly number[],
): number {
  const geometry = convolutionOf(layer)!;
  const {
    kernelSize,
    strides,
    padding,
    dilation,
    groups,
    inChannels,
    channels,
  } = geometry;
  const weight = data.weight!;
  const perGroup = inChannels / groups;
  const channel = position[1]!;
  const group = Math.floor(channel / (channels / groups));
  const taps = sizeOf(kernelSize);
  let sum = data.bias![channel]!;
  for (let tap = 0; tap < taps; tap++) {
    const offsets = unravel(tap, kernelSize);
    const source = offsets.map((offset, axis) =>
      position[axis + 2]! * strides[axis]! - padding[axis]! +
      offset * dilation[axis]!
    );
    if (source.some((at, axis) => at < 0 || at >= layer.input[axis + 2]!)) {
      continue;
    }
    for (let c = 0; c < perGroup; c++) {
      const at = ravel(
        [position[0]!, group * perGroup + c, ...source],
        layer.input,
      );
      sum += data.input[at]! * weight[(channel * perGroup + c) * taps + tap]!;
    }
  }
  return sum;
}

/** A spread of output positions: the corners and a stride that visits all channels. */
export function sampleIndices(layer: Layer, count = 256): number[] {
  const size = sizeOf(layer.output);
  const indices = new Set([0, size - 1]);
  // A step without small factors, so that rows, columns and channels all vary.
  for (let i = 0; indices.size < Math.min(count, size); i++) {
    indices.add((i * 1000003 + 17) % size);
  }
  return [...indices];
}

/** The outputs at the given positions, in float64. */
export function expected(
  layer: Layer,
  data: LayerData,
  indices: readonly number[],
): Float64Array {
  const factor = shuffleOf(layer);
  return Float64Array.from(indices, (index) => {
    let position = unravel(index, layer.output);
    if (factor !== undefined) position = shuffleSource(position, factor);
    if (convolutionOf(layer) !== undefined) {
      return convolved(layer, data, position);
    }
    return data.input[ravel(position, layer.input)]!;
  });
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
