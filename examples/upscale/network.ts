// The enlarging network of npm @upscalerjs/esrgan-slim, with its layer names. Images go in and come
// out as [batch, 3, height, width] with values from 0 to 255.

import {
  add,
  concat,
  Conv2D,
  type Device,
  HybridBlock,
  type Tensor,
  UpSampling,
} from "../../mod.ts";
import { smallestTile } from "./tiles.ts";
import { readWeights } from "./weights.ts";

/** Kernel side and channels of every convolution; `s` is the enlargement. */
const convolutions: readonly {
  readonly name: string;
  readonly kernel: number;
  readonly from: number | "s";
  readonly to: number | "s";
}[] = [
  { name: "F_m1", kernel: 3, from: 3, to: 64 },
  { name: "F_0", kernel: 3, from: 64, to: 64 },
  { name: "F_1_1", kernel: 3, from: 64, to: 4 },
  { name: "LFF_1", kernel: 1, from: 68, to: 64 },
  { name: "F_2_1", kernel: 3, from: 64, to: 4 },
  { name: "LFF_2", kernel: 1, from: 68, to: 64 },
  { name: "GFF_1", kernel: 1, from: 128, to: 64 },
  { name: "GFF_2", kernel: 3, from: 64, to: 64 },
  { name: "UPN1", kernel: 5, from: 64, to: 64 },
  { name: "UPN2", kernel: 3, from: 64, to: 32 },
  { name: "UPN3", kernel: 3, from: 32, to: "s" },
  { name: "SR", kernel: 3, from: "s", to: 3 },
];

/**
 * Floating-point operations of the network's convolutions for one pixel of its input; a
 * multiply-add is two.
 *
 * @param scale The enlargement.
 */
export function flopsPerPixel(scale: number): number {
  const channels = (count: number | "s"): number => count === "s" ? 3 * scale * scale : count;
  let total = 0;
  for (const { name, kernel, from, to } of convolutions) {
    // The last layer works on the enlarged image.
    const pixels = name === "SR" ? scale * scale : 1;
    total += 2 * kernel * kernel * channels(from) * channels(to) * pixels;
  }
  return total;
}

/**
 * The tile size to use where the user does not choose.
 *
 * @param scale The enlargement.
 * @param largestBuffer Bytes of the largest tensor that a kernel of the device can read.
 * @returns Side of a tile in input pixels.
 */
export function suitableTile(scale: number, largestBuffer: number): number {
  // The widest tensors are the joined features and the pixels behind the upsampling. Kernels that
  // pack their input need a little more, hence four fifths of the limit.
  const channels = Math.max(128, 3 * scale ** 4);
  const side = Math.sqrt(0.8 * largestBuffer / (4 * channels));
  // Beyond 256 the overlap costs little and memory a lot.
  return Math.max(smallestTile, Math.min(256, Math.floor(side / 8) * 8));
}

/** A convolution that keeps the size of the image. */
function convolution(name: string, scale: number, activation: "relu" | null = null): Conv2D {
  const { kernel, from, to } = convolutions.find((row) => row.name === name)!;
  const wide = 3 * scale * scale;
  return new Conv2D(to === "s" ? wide : to, kernel, {
    padding: (kernel - 1) / 2,
    inChannels: from === "s" ? wide : from,
    activation,
  });
}

/**
 * The network: dense residual features, then pixels that are spread out and blended.
 *
 * @example
 * ```ts
 * import { tensor } from "@vknn/vknn";
 * import { UpscaleNetwork } from "./network.ts";
 *
 * const network = UpscaleNetwork.load(2);
 * const image = tensor(new Float32Array(3 * 40 * 48).fill(128), [1, 3, 40, 48]);
 * const enlarged = network.call(image);
 * console.assert(enlarged.shape.join() === "1,3,80,96");
 * ```
 */
export class UpscaleNetwork extends HybridBlock {
  readonly F_m1: Conv2D;
  readonly F_0: Conv2D;
  readonly F_1_1: Conv2D;
  readonly LFF_1: Conv2D;
  readonly F_2_1: Conv2D;
  readonly LFF_2: Conv2D;
  readonly GFF_1: Conv2D;
  readonly GFF_2: Conv2D;
  readonly UPN1: Conv2D;
  readonly UPN2: Conv2D;
  readonly UPN3: Conv2D;
  readonly UPsample: UpSampling;
  readonly SR: Conv2D;

  /**
   * Makes the network without weights.
   *
   * @param scale The enlargement.
   */
  constructor(scale: number) {
    super();
    this.F_m1 = convolution("F_m1", scale);
    this.F_0 = convolution("F_0", scale);
    this.F_1_1 = convolution("F_1_1", scale, "relu");
    this.LFF_1 = convolution("LFF_1", scale);
    this.F_2_1 = convolution("F_2_1", scale, "relu");
    this.LFF_2 = convolution("LFF_2", scale);
    this.GFF_1 = convolution("GFF_1", scale);
    this.GFF_2 = convolution("GFF_2", scale);
    this.UPN1 = convolution("UPN1", scale, "relu");
    this.UPN2 = convolution("UPN2", scale, "relu");
    this.UPN3 = convolution("UPN3", scale);
    this.UPsample = new UpSampling(scale);
    this.SR = convolution("SR", scale);
  }

  /**
   * Makes the network with its pretrained weights.
   *
   * @param scale The enlargement: 2, 3 or 4.
   * @param device Where the weights live; the default device if absent.
   */
  static load(scale: number, device?: Device): UpscaleNetwork {
    const weights = readWeights(scale);
    const network = new UpscaleNetwork(scale);
    network.loadDict(weights, device === undefined ? {} : { device });
    return network;
  }

  /**
   * The features that the enlarging part starts from (`FDF` in the reference).
   *
   * @param image [batch, 3, height, width].
   * @returns [batch, 64, height, width].
   */
  features(image: Tensor): Tensor {
    const shallow = this.F_m1.call(image);
    const first = this.F_0.call(shallow);
    const second = this.#residual(first, this.F_1_1, this.LFF_1);
    const third = this.#residual(second, this.F_2_1, this.LFF_2);
    const fused = this.GFF_1.call(concat([second, third], 1));
    return add(this.GFF_2.call(fused), shallow);
  }

  /** A dense block: what a small convolution finds joins its input, and the sum goes on. */
  #residual(x: Tensor, grow: Conv2D, blend: Conv2D): Tensor {
    return add(blend.call(concat([x, grow.call(x)], 1)), x);
  }

  override forward(image: Tensor): Tensor {
    const narrow = this.UPN2.call(this.UPN1.call(this.features(image)));
    return this.SR.call(this.UPsample.call(this.UPN3.call(narrow)));
  }
}
