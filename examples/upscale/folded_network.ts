// The enlarging network as it is run: its linear layers joined (see fold.ts), sums and pixel shuffle fused into the
// convolutions before them. No tensor of the enlarged size is made but the result.

import {
  Block,
  concat,
  Conv2D,
  convolution,
  type ConvolutionOptions,
  type Device,
  ones,
  relu,
  slice,
  type Tensor,
} from "../../mod.ts";
import { basis, foldWeights } from "./fold.ts";
import { readWeights } from "./weights.ts";

/** A layer's weights with options that the layer itself does not have. */
function fused(layer: Conv2D, x: Tensor, options: ConvolutionOptions): Tensor {
  const { weight, bias } = layer;
  return convolution(x, weight.data(x.device), bias?.data(x.device), { padding: 1, ...options });
}

/**
 * The network of {@linkcode UpscaleNetwork}, for inference: the same results, up to rounding, in fewer layers.
 *
 * @example
 * ```ts
 * import { tensor } from "@vknn/vknn";
 * import { FoldedNetwork } from "./folded_network.ts";
 *
 * const network = FoldedNetwork.load(2);
 * const image = tensor(new Float32Array(3 * 40 * 48).fill(128), [1, 3, 40, 48]);
 * const enlarged = network.call(image);
 * console.assert(enlarged.shape.join() === "1,3,80,96");
 * ```
 */
export class FoldedNetwork extends Block {
  readonly F_m1: Conv2D = new Conv2D(64, 3, { padding: 1, inChannels: 3 });
  readonly F_0: Conv2D = new Conv2D(64, 3, { padding: 1, inChannels: 64 });
  readonly grow: Conv2D = new Conv2D(8, 3, { padding: 1, inChannels: 64 });
  readonly growMore: Conv2D = new Conv2D(4, 3, { padding: 1, inChannels: 5, useBias: false });
  readonly fuse: Conv2D = new Conv2D(64, 3, { padding: 1, inChannels: basis.size });
  readonly UPN1: Conv2D = new Conv2D(64, 5, { padding: 2, inChannels: 64, activation: "relu" });
  readonly UPN2: Conv2D = new Conv2D(32, 3, { padding: 1, inChannels: 64, activation: "relu" });
  readonly UPN3: Conv2D;
  readonly SR: Conv2D;
  readonly #scale: number;

  /**
   * Makes the network without weights.
   *
   * @param scale The enlargement.
   */
  constructor(scale: number) {
    super();
    this.#scale = scale;
    const wide = 3 * scale * scale;
    this.UPN3 = new Conv2D(wide, 3, { padding: 1, inChannels: 32 });
    this.SR = new Conv2D(wide, 3, { padding: 1, inChannels: wide });
  }

  /**
   * Makes the network with its pretrained weights.
   *
   * @param scale The enlargement: 2, 3 or 4.
   * @param device Where the weights live; the default device if absent.
   */
  static load(scale: number, device?: Device): FoldedNetwork {
    const weights = foldWeights(readWeights(scale), scale);
    const network = new FoldedNetwork(scale);
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
    const [batch, , height, width] = image.shape as [number, number, number, number];
    const shallow = this.F_m1.call(image);
    const first = this.F_0.call(shallow);
    const both = this.grow.call(first);
    const grown = relu(slice(both, [null, 0], [null, 4]));
    const one = ones([batch, 1, height, width], { device: image.device });
    const more = fused(this.growMore, concat([grown, one], 1), {
      residual: slice(both, [null, 4]),
      activation: "relu",
    });
    return fused(this.fuse, concat([first, grown, one, more], 1), { residual: shallow });
  }

  override forward(image: Tensor): Tensor {
    const narrow = this.UPN2.call(this.UPN1.call(this.features(image)));
    return fused(this.SR, this.UPN3.call(narrow), { pixelShuffle: this.#scale });
  }
}
