// The main job's network as the peer computes it.

import { values } from "./data.ts";
import { channelLast } from "./peer_layers.ts";
import type { Library, PeerTensor } from "./peer_library.ts";
import { readKerasWeights } from "../examples/upscale/weights.ts";

/**
 * Makes the upscale network with real weights.
 *
 * @param tf The library.
 * @param scale How many times larger the result is.
 * @param width Pixels of the input.
 * @param height Pixels of the input.
 * @returns What computes it once.
 */
export function makeNetwork(
  tf: Library,
  scale: number,
  width: number,
  height: number,
): () => PeerTensor {
  const weights = new Map<string, PeerTensor>();
  for (const [name, array] of readKerasWeights(scale)) {
    weights.set(name, tf.tensor(array.data, array.shape));
  }
  const input = values("upscale", 3 * width * height, 127.5).map((value) => value + 127.5);
  const pixels = channelLast(input, [1, 3, height, width]);
  const convolve = (
    name: string,
    from: PeerTensor,
    activation?: "relu",
  ): PeerTensor =>
    tf.fused.conv2d({
      x: from,
      filter: weights.get(`${name}/kernel`)!,
      bias: weights.get(`${name}/bias`)!,
      strides: [1, 1],
      pad: "same",
      ...(activation === undefined ? {} : { activation }),
    });
  return () => {
    const first = convolve("F_m1", tf.tensor(pixels, [1, height, width, 3]));
    const f0 = convolve("F_0", first);
    const dense1 = tf.concat([f0, convolve("F_1_1", f0, "relu")], 3);
    const lrl1 = tf.add(convolve("LFF_1", dense1), f0);
    const dense2 = tf.concat([lrl1, convolve("F_2_1", lrl1, "relu")], 3);
    const lrl2 = tf.add(convolve("LFF_2", dense2), lrl1);
    const fused = convolve("GFF_1", tf.concat([lrl1, lrl2], 3));
    const features = tf.add(convolve("GFF_2", fused), first);
    const narrowed = convolve(
      "UPN2",
      convolve("UPN1", features, "relu"),
      "relu",
    );
    const wide = tf.image.resizeNearestNeighbor(
      convolve("UPN3", narrowed),
      [height * scale, width * scale],
    );
    return convolve("SR", wide);
  };
}
