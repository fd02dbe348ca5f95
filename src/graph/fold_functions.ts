// What is worked into the weight and bias of a convolution ahead of its runs: a normalization behind it, by running
// statistics, and an upsampling in front of it.

import { broadcastTo } from "../ops/reduce.ts";
import { matmul } from "../ops/matmul.ts";
import { rsqrt } from "../ops/function.ts";
import { transpose } from "../ops/transpose.ts";
import { type Tensor, tensor } from "../tensor/mod.ts";

/** What a normalization by running statistics does. */
export interface NormalizationFold {
  readonly epsilon: number;
  readonly fixGamma: boolean;
}

/** Factor of each channel: `gamma / sqrt(variance + epsilon)`. */
function factors(
  gamma: Tensor,
  variance: Tensor,
  how: NormalizationFold,
): Tensor {
  const inverse = rsqrt(variance.add(how.epsilon));
  return how.fixGamma ? inverse : inverse.mul(gamma);
}

/**
 * The weight of a convolution that also normalizes.
 *
 * @param how The normalization.
 * @returns From weight (filters first), gamma and variance to the other weight.
 */
export function normalizedWeight(how: NormalizationFold) {
  return ([weight, gamma, variance]: readonly Tensor[]): Tensor => {
    const scale = factors(gamma!, variance!, how);
    return weight!.mul(
      scale.reshape(weight!.shape.map((size, axis) => axis === 0 ? size : 1)),
    );
  };
}

/**
 * The bias of a convolution that also normalizes.
 *
 * @param how The normalization.
 * @returns From gamma, beta, mean, variance and, if there was one, the bias to the other bias.
 */
export function normalizedBias(how: NormalizationFold) {
  return ([gamma, beta, mean, variance, bias]: readonly Tensor[]): Tensor => {
    const shift = bias === undefined ? mean!.mul(-1) : bias.sub(mean!);
    return shift.mul(factors(gamma!, variance!, how)).add(beta!);
  };
}

/** How the taps of a kernel on upsampled rows fall on the rows before. */
export interface Taps {
  /** Size of the kernel on the rows before. */
  readonly kernel: number;
  readonly padding: number;
  readonly paddingAfter: number;
  /** For each phase and each tap of the kernel, the tap on the rows before. */
  readonly places: readonly (readonly number[])[];
}

/**
 * Finds the taps along one axis: row `phase` of an enlarged row is row 0 of those before.
 *
 * @param kernel Size of the kernel.
 * @param padding Zeros in front.
 * @param scale Factor of the upsampling.
 * @returns The taps.
 */
export function tapsOf(kernel: number, padding: number, scale: number): Taps {
  const rows = Array.from(
    { length: scale },
    (_, phase) =>
      Array.from(
        { length: kernel },
        (_, tap) => Math.floor((phase + tap - padding) / scale),
      ),
  );
  const first = Math.min(...rows.flat());
  const last = Math.max(...rows.flat());
  return {
    kernel: last - first + 1,
    padding: -first,
    paddingAfter: last,
    places: rows.map((row) => row.map((place) => place - first)),
  };
}

/**
 * The weight of a convolution that upsamples first: one filter for each of the pixels that a pixel becomes.
 *
 * @param taps For each axis.
 * @returns From the weight (`[O, C, kernel…]`) to `[O * pixels, C, kernel…]`, which sums taps that meet.
 */
export function upsampledWeight(taps: readonly Taps[]) {
  return ([weight]: readonly Tensor[]): Tensor => {
    const [filters, channels, ...kernel] = weight!.shape as [
      number,
      number,
      ...number[],
    ];
    const phases = taps.map(({ places }) => places.length);
    const sizes = taps.map((each) => each.kernel);
    const count = (list: readonly number[]) => list.reduce((all, size) => all * size, 1);
    const columns = count(phases) * count(sizes);
    const matrix = new Float32Array(count(kernel) * columns);
    for (let row = 0; row < count(kernel); row++) {
      const tap = digits(row, kernel);
      for (let phase = 0; phase < count(phases); phase++) {
        const at = digits(phase, phases);
        const place = taps.reduce(
          (all, { places }, axis) => all * sizes[axis]! + places[at[axis]!]![tap[axis]!]!,
          0,
        );
        matrix[row * columns + phase * count(sizes) + place] = 1;
      }
    }
    const spread = tensor(matrix, [count(kernel), columns], {
      device: weight!.device,
    });
    const product = matmul(
      weight!.reshape([filters * channels, count(kernel)]),
      spread,
    );
    const parts = product.reshape([
      filters,
      channels,
      count(phases),
      count(sizes),
    ]);
    return transpose(parts, [0, 2, 1, 3]).reshape([
      filters * count(phases),
      channels,
      ...sizes,
    ]);
  };
}

/**
 * The bias of a convolution that upsamples first.
 *
 * @param pixels How many pixels one becomes.
 * @returns From the bias to that of `filters * pixels` filters.
 */
export function upsampledBias(pixels: number) {
  return ([bias]: readonly Tensor[]): Tensor =>
    broadcastTo(bias!.reshape([bias!.size, 1]), [bias!.size, pixels]).reshape([
      bias!.size * pixels,
    ]);
}

/** A position in a box of some sizes, the last axis fastest. */
function digits(index: number, sizes: readonly number[]): number[] {
  const found: number[] = [];
  for (const size of sizes.toReversed()) {
    found.unshift(index % size);
    index = Math.floor(index / size);
  }
  return found;
}
