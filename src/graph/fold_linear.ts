// The weight and bias of one 1x1 convolution that does what several did, one behind the other, with nothing but sums and joined
// channels between them.

import { concat } from "../ops/concat.ts";
import { matmul } from "../ops/matmul.ts";
import type { Tensor } from "../tensor/mod.ts";

/** Channels of a value that takes part. */
export interface Term {
  /** Number of the value among those that the joined convolution reads. */
  readonly base: number;
  /** Number of the convolution between, among the sources; null where there is none. */
  readonly through: number | null;
  /** First channel of the value among those that the convolution between reads. */
  readonly from: number;
  /** How many channels the value has. */
  readonly channels: number;
}

/** Channels that the last convolution reads, and what they are made of. */
export interface Part {
  /** The first of them. */
  readonly from: number;
  /** How many there are. */
  readonly channels: number;
  /** A sum. */
  readonly terms: readonly Term[];
}

function matrix(weight: Tensor): Tensor {
  return weight.reshape([weight.shape[0]!, weight.shape[1]!]);
}

/**
 * The weight of joined convolutions.
 *
 * @param parts The channels that the last one reads, in order.
 * @param bases How many values the joined one reads.
 * @returns From the weights, that of the last one first, to the joined weight.
 */
export function joinedWeight(parts: readonly Part[], bases: number) {
  return (weights: readonly Tensor[]): Tensor => {
    const [last, ...others] = weights.map(matrix);
    const sums: (Tensor | undefined)[] = new Array(bases).fill(undefined);
    for (const { from, channels, terms } of parts) {
      const own = last!.slice([null, from], [null, from + channels]);
      const products = others.map((): Tensor | undefined => undefined);
      for (const { base, through, from: first, channels: count } of terms) {
        let factor = own;
        if (through !== null) {
          const product = products[through] ??= matmul(own, others[through]!);
          factor = product.slice([null, first], [null, first + count]);
        }
        sums[base] = sums[base]?.add(factor) ?? factor;
      }
    }
    const joined = concat(sums as Tensor[], 1);
    return joined.reshape([...joined.shape, ...weights[0]!.shape.slice(2).map(() => 1)]);
  };
}

/**
 * The bias of joined convolutions.
 *
 * @param parts For each convolution between that has a bias: the channels of the last one that it makes.
 * @param own Whether the last one has a bias.
 * @returns From the last weight, the biases between and, if there is one, the last bias, to the joined bias.
 */
export function joinedBias(parts: readonly Omit<Part, "terms">[], own: boolean) {
  return ([weight, ...biases]: readonly Tensor[]): Tensor => {
    const last = matrix(weight!);
    let sum = own ? biases[parts.length]! : undefined;
    parts.forEach(({ from, channels }, at) => {
      const factor = last.slice([null, from], [null, from + channels]);
      const shift = matmul(factor, biases[at]!.reshape([channels, 1])).reshape([-1]);
      sum = sum?.add(shift) ?? shift;
    });
    return sum!;
  };
}
