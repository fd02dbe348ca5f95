// Joins the network's linear layers that follow one another, once, before it runs: the same function with fewer layers.
//
// Exact but for rounding, borders included. Everything between F_0 and GFF_2 is linear in F_0's features, in what the two
// small convolutions find, and in a channel of ones. That channel carries the biases: outside of the image it is zero,
// just as the biased features are where GFF_2 pads them.

import type { WeightArray } from "./weights.ts";

/** A row for each feature: its share of each channel of {@linkcode basis}. */
type LinearMap = readonly Float64Array[];

/** Channels of the features. */
const features = 64;
/** Channels that a small convolution finds. */
const grown = 4;

/** Where each part starts in the channels that all features are made of. */
export const basis = {
  first: 0,
  grown1: features,
  ones: features + grown,
  grown2: features + grown + 1,
  size: features + 2 * grown + 1,
} as const;

function part(start: number, count: number): LinearMap {
  return Array.from({ length: count }, (_, row) => {
    const shares = new Float64Array(basis.size);
    shares[start + row] = 1;
    return shares;
  });
}

function sum(a: LinearMap, b: LinearMap): LinearMap {
  return a.map((row, i) => row.map((share, j) => share + b[i]![j]!));
}

/** A 1x1 convolution of features that are joined from several. */
function blend(
  weights: ReadonlyMap<string, WeightArray>,
  name: string,
  inputs: LinearMap,
): LinearMap {
  const { shape: [outputs], data } = weights.get(`${name}.weight`)!;
  const bias = weights.get(`${name}.bias`)!.data;
  return Array.from({ length: outputs! }, (_, o) => {
    const shares = new Float64Array(basis.size);
    inputs.forEach((row, c) => {
      const factor = data[o * inputs.length + c]!;
      row.forEach((share, j) => shares[j]! += factor * share);
    });
    shares[basis.ones]! += bias[o]!;
    return shares;
  });
}

/** The weight of a 3x3 convolution behind a linear map: for the channels that the map is made of. */
function behind(weight: WeightArray, inputs: LinearMap): WeightArray {
  const [outputs, channels, height, width] = weight.shape as [number, number, number, number];
  const taps = height * width;
  const data = new Float32Array(outputs * basis.size * taps);
  for (let o = 0; o < outputs; o++) {
    for (let j = 0; j < basis.size; j++) {
      for (let tap = 0; tap < taps; tap++) {
        let total = 0;
        for (let c = 0; c < channels; c++) {
          total += weight.data[(o * channels + c) * taps + tap]! * inputs[c]![j]!;
        }
        data[(o * basis.size + j) * taps + tap] = total;
      }
    }
  }
  return { shape: [outputs, basis.size, height, width], data };
}

/** Some input channels of a weight. */
function columns(weight: WeightArray, start: number, end: number): WeightArray {
  const [outputs, channels, height, width] = weight.shape as [number, number, number, number];
  const taps = height * width;
  const data = new Float32Array(outputs * (end - start) * taps);
  for (let o = 0; o < outputs; o++) {
    const from = (o * channels + start) * taps;
    data.set(weight.data.subarray(from, from + (end - start) * taps), o * (end - start) * taps);
  }
  return { shape: [outputs, end - start, height, width], data };
}

/** Two arrays whose first axes follow one another. */
function stack(a: WeightArray, b: WeightArray): WeightArray {
  const data = new Float32Array(a.data.length + b.data.length);
  data.set(a.data);
  data.set(b.data, a.data.length);
  return { shape: [a.shape[0]! + b.shape[0]!, ...a.shape.slice(1)], data };
}

/**
 * The weight of the 3x3 convolution on the small image, with a pixel shuffle, that equals a 3x3 convolution after nearest
 * upsampling: taps that fall into the same pixel are summed. The shuffled channels of a result are its `scale * scale`
 * places inside a pixel.
 *
 * @param weight `[out, in, 3, 3]`.
 * @param scale The enlargement.
 * @returns `[out * scale * scale, in, 3, 3]`.
 */
export function foldUpsampling(weight: WeightArray, scale: number): WeightArray {
  const [outputs, channels] = weight.shape as [number, number];
  const places = scale * scale;
  const data = new Float32Array(outputs * places * channels * 9);
  // The pixel, 0 to 2, into which a tap falls from a place inside pixel 1.
  const pixel = (place: number, tap: number): number => Math.floor((place + tap - 1) / scale) + 1;
  for (let row = 0; row < outputs * places; row++) {
    const place = row % places;
    const o = (row - place) / places;
    for (let c = 0; c < channels; c++) {
      for (let tap = 0; tap < 9; tap++) {
        const y = pixel(Math.floor(place / scale), Math.floor(tap / 3));
        const x = pixel(place % scale, tap % 3);
        data[(row * channels + c) * 9 + y * 3 + x]! += weight.data[(o * channels + c) * 9 + tap]!;
      }
    }
  }
  return { shape: [outputs * places, channels, 3, 3], data };
}

/**
 * Folds the weights of the network for {@linkcode FoldedNetwork}.
 *
 * @param weights The weights under the names of the original's layers.
 * @param scale The enlargement.
 * @returns The weights under the names of the folded network's layers.
 */
export function foldWeights(
  weights: ReadonlyMap<string, WeightArray>,
  scale: number,
): Map<string, WeightArray> {
  const get = (name: string): WeightArray => weights.get(name)!;
  const first = part(basis.first, features);
  const second = sum(blend(weights, "LFF_1", [...first, ...part(basis.grown1, grown)]), first);
  const third = sum(blend(weights, "LFF_2", [...second, ...part(basis.grown2, grown)]), second);
  const fused = blend(weights, "GFF_1", [...second, ...third]);
  const grow2 = behind(get("F_2_1.weight"), second);
  const result = new Map<string, WeightArray>();
  for (const name of ["F_m1", "F_0", "UPN1", "UPN2", "UPN3"]) {
    for (const kind of ["weight", "bias"]) {
      result.set(`${name}.${kind}`, get(`${name}.${kind}`));
    }
  }
  // F_1_1, and what F_2_1 takes from the same features: together they fill the vectors that either leaves half empty.
  result.set(
    "grow.weight",
    stack(get("F_1_1.weight"), columns(grow2, basis.first, basis.grown1)),
  );
  result.set("grow.bias", stack(get("F_1_1.bias"), get("F_2_1.bias")));
  result.set("growMore.weight", columns(grow2, basis.grown1, basis.grown2));
  result.set("fuse.weight", behind(get("GFF_2.weight"), fused));
  result.set("fuse.bias", get("GFF_2.bias"));
  const places = scale * scale;
  const bias = get("SR.bias").data;
  result.set("SR.weight", foldUpsampling(get("SR.weight"), scale));
  result.set("SR.bias", {
    shape: [bias.length * places],
    data: Float32Array.from(
      { length: bias.length * places },
      (_, i) => bias[Math.floor(i / places)]!,
    ),
  });
  return result;
}
