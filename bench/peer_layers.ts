// The measured layers as the peer computes them: channel-last, with the same numbers as ours.

import { dataOf, sizeOf } from "./data.ts";
import { type ConvolutionGeometry, convolutionOf, type Layer, shuffleOf } from "./layers.ts";
import type { Library, Padding, PeerTensor } from "./peer_library.ts";

/** Reorders channel-first numbers into channel-last ones. */
export function channelLast(
  source: Float32Array,
  shape: readonly number[],
): Float32Array {
  const [batch, channels] = shape as [number, number];
  const inner = sizeOf(shape.slice(2));
  const result = new Float32Array(source.length);
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      const from = (b * channels + c) * inner;
      for (let i = 0; i < inner; i++) {
        result[(b * inner + i) * channels + c] = source[from + i]!;
      }
    }
  }
  return result;
}

/** TensorFlow's depth-to-space wants the shuffle's channels in another order. */
function depthToSpaceOrder(channels: number, factor: number): Int32Array {
  const plain = channels / (factor * factor);
  return Int32Array.from({ length: channels }, (_, at) => {
    return (at % plain) * factor * factor + Math.floor(at / plain);
  });
}

/** Takes the slices of axis `0` (weights) or `1` (inputs) in another order. */
function reorder(
  source: Float32Array,
  outer: number,
  count: number,
  order: Int32Array,
): Float32Array {
  const inner = source.length / outer / count;
  const result = new Float32Array(source.length);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      const from = (o * count + order[i]!) * inner;
      result.set(source.subarray(from, from + inner), (o * count + i) * inner);
    }
  }
  return result;
}

function makeConvolution(
  tf: Library,
  x: PeerTensor,
  geometry: ConvolutionGeometry,
  weight: Float32Array,
  bias: PeerTensor,
): () => PeerTensor {
  const {
    channels,
    kernelSize,
    strides,
    padding,
    dilation,
    groups,
    inChannels,
  } = geometry;
  const perGroup = inChannels / groups;
  // [out, in, k...] is channel-first with `out` as the batch; channel-last order then moves `out`.
  const lastIn = channelLast(weight, [channels, perGroup, ...kernelSize]);
  const kernelTimesIn = sizeOf(kernelSize) * perGroup;
  const filterOf = (
    first: number,
    count: number,
    shape: readonly number[],
  ): PeerTensor => {
    const filter = new Float32Array(kernelTimesIn * count);
    for (let i = 0; i < kernelTimesIn; i++) {
      for (let o = 0; o < count; o++) {
        filter[i * count + o] = lastIn[(first + o) * kernelTimesIn + i]!;
      }
    }
    return tf.tensor(filter, shape);
  };
  if (kernelSize.length === 3) {
    const filter = filterOf(0, channels, [...kernelSize, perGroup, channels]);
    const padded = padding.some((extent) => extent > 0)
      ? tf.pad(x, [[0, 0], ...padding.map((extent) => [extent, extent]), [
        0,
        0,
      ]])
      : x;
    return () => tf.add(tf.conv3d(padded, filter, strides, "valid"), bias);
  }
  // One dimension is two with a height of one.
  const lift = (extents: readonly number[], filler: number): number[] =>
    extents.length === 1 ? [filler, extents[0]!] : [...extents];
  const kernel = lift(kernelSize, 1);
  const pads = lift(padding, 0);
  const options = {
    strides: lift(strides, 1),
    dilations: lift(dilation, 1),
    pad: [[0, 0], [pads[0]!, pads[0]!], [pads[1]!, pads[1]!], [
      0,
      0,
    ]] as Padding,
  };
  if (groups === inChannels && groups === channels) {
    const filter = filterOf(0, channels, [...kernel, channels, 1]);
    return () => tf.fused.depthwiseConv2d({ x, filter, bias, ...options });
  }
  if (groups === 1) {
    const filter = filterOf(0, channels, [...kernel, inChannels, channels]);
    return () => tf.fused.conv2d({ x, filter, bias, ...options });
  }
  const each = channels / groups;
  const filters = Array.from({ length: groups }, (_, group) => {
    return filterOf(group * each, each, [...kernel, perGroup, each]);
  });
  return () => {
    const parts = tf.split(x, groups, 3);
    const results = parts.map((part, group) => {
      return tf.fused.conv2d({ x: part, filter: filters[group]!, ...options });
    });
    return tf.add(tf.concat(results, 3), bias);
  };
}

/** One of the operators that has a class of its own in the table. */
type Maker = (tf: Library, layer: Layer, x: PeerTensor) => () => PeerTensor;

const spatial = (
  pairs: readonly (readonly number[])[],
) => [[0, 0], ...pairs, [0, 0]];

function makeTransposed(
  tf: Library,
  layer: Layer,
  x: PeerTensor,
): () => PeerTensor {
  const { kernelSize, strides, padding, inChannels, channels } = convolutionOf(
    layer,
  )!;
  const { weight, bias } = dataOf(layer);
  const lift = <T>(list: readonly T[], filler: T): T[] =>
    list.length === 1 ? [filler, list[0]!] : [...list];
  const kernel = lift(kernelSize, 1);
  // [in, out, k...] to [k..., out, in]: channel-last twice.
  const taps = sizeOf(kernel);
  const filter = new Float32Array(weight!.length);
  for (let i = 0; i < inChannels; i++) {
    for (let o = 0; o < channels; o++) {
      for (let t = 0; t < taps; t++) {
        filter[(t * channels + o) * inChannels + i] = weight![(i * channels + o) * taps + t]!;
      }
    }
  }
  const w = tf.tensor(filter, [...kernel, channels, inChannels]);
  const b = tf.tensor(bias!, [channels]);
  const [item, , ...space] = layer.output as [number, number, ...number[]];
  const shape = [item, ...lift(space, 1), channels];
  // Where the table pads, it pads as much as "same" does.
  const pad = padding.some((width) => width > 0) ? "same" : "valid";
  return () => tf.add(tf.conv2dTranspose(x, w, shape, lift(strides, 1), pad), b);
}

const makers: Readonly<Record<string, Maker>> = {
  Conv1DTranspose: makeTransposed,
  Conv2DTranspose: makeTransposed,
  MaxPool2D: (tf, { args }, x) => () =>
    tf.maxPool(x, args.pool_size!, args.strides!, args.padding![0]!, "floor"),
  GlobalAvgPool2D: (tf, _layer, x) => () => tf.mean(x, [1, 2], true),
  AvgPool3D: (tf, { args }, x) => () => tf.avgPool3d(x, args.pool_size!, args.strides!, "valid"),
  ReflectionPad2D: (tf, { args }, x) => () =>
    tf.mirrorPad(
      x,
      spatial(args.padding!.map((width) => [width, width])),
      "reflect",
    ),
};

/**
 * Makes a layer of the table.
 *
 * @param tf The library.
 * @param layer The layer.
 * @returns What computes it once.
 */
export function makeLayer(tf: Library, layer: Layer): () => PeerTensor {
  const data = dataOf(layer);
  const factor = shuffleOf(layer);
  const geometry = convolutionOf(layer);
  const [batch, channels, ...space] = layer.input as [
    number,
    number,
    ...number[],
  ];
  const lifted = space.length === 1 ? [1, ...space] : space;
  let input = data.input;
  if (geometry === undefined && factor !== undefined) {
    input = new Float32Array(
      reorder(input, batch, channels, depthToSpaceOrder(channels, factor)),
    );
  }
  const x = tf.tensor(channelLast(input, layer.input), [
    batch,
    ...lifted,
    channels,
  ]);
  if (layer.offset !== undefined) throw new Error(`the peer has no ${layer.class}`);
  const make = makers[layer.class];
  if (make !== undefined) return make(tf, layer, x);
  if (geometry === undefined) {
    if (factor === undefined) throw new Error(`the peer has no ${layer.class}`);
    return () => tf.depthToSpace(x, factor, "NHWC");
  }
  let weight: Float32Array = data.weight!;
  let bias: Float32Array = data.bias!;
  if (factor !== undefined) {
    const order = depthToSpaceOrder(geometry.channels, factor);
    weight = reorder(weight, 1, geometry.channels, order);
    bias = reorder(bias, 1, geometry.channels, order);
  }
  const biasTensor = tf.tensor(bias, [geometry.channels]);
  const convolution = makeConvolution(tf, x, geometry, weight, biasTensor);
  if (factor === undefined) return convolution;
  return () => tf.depthToSpace(convolution(), factor, "NHWC");
}
