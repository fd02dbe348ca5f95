// The peer: TensorFlow.js 4.22 with its WebAssembly backend, in a process of its own so that its
// threads do not compete with ours while we measure. Reads requests from standard input.

import process from "node:process";
import { createInterface } from "node:readline";
import { dataOf, sizeOf, values } from "./data.ts";
import {
  type ConvolutionGeometry,
  convolutionOf,
  type Layer,
  layers,
  shuffleOf,
} from "./layers.ts";
import { type Library, type Padding, type PeerTensor, startLibrary } from "./peer_library.ts";
import type { PeerGreeting, PeerReply, PeerRequest } from "./peer_protocol.ts";
import { readKerasWeights } from "../examples/upscale/weights.ts";

/** Reorders channel-first numbers into channel-last ones. */
function channelLast(
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

/** What was made last. */
interface Made {
  readonly run: () => PeerTensor;
  /** True if the measured time includes copying the result to a JavaScript array. */
  readonly read?: boolean;
}

function makeLayer(tf: Library, layer: Layer): Made {
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
  if (geometry === undefined) {
    if (factor === undefined) throw new Error(`the peer has no ${layer.class}`);
    return { run: () => tf.depthToSpace(x, factor, "NHWC") };
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
  if (factor === undefined) return { run: convolution };
  return { run: () => tf.depthToSpace(convolution(), factor, "NHWC") };
}

function makeNetwork(
  tf: Library,
  scale: number,
  width: number,
  height: number,
): Made {
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
  const run = (): PeerTensor => {
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
  return { run, read: true };
}

function time(
  tf: Library,
  made: Made,
  milliseconds: number,
  atLeast: number,
): number[] {
  const results: number[] = [];
  const start = performance.now();
  while (results.length < atLeast || performance.now() - start < milliseconds) {
    const before = performance.now();
    const output = tf.tidy(made.run);
    if (made.read === true) output.dataSync();
    results.push(performance.now() - before);
    output.dispose();
  }
  return results;
}

function sample(tf: Library, made: Made, indices: readonly number[]): number[] {
  const output = tf.tidy(made.run);
  const numbers = output.dataSync();
  const [batch, ...rest] = output.shape as [number, ...number[]];
  const channels = rest.at(-1)!;
  const inner = sizeOf(rest) / channels;
  const result = indices.map((index) => {
    const at = index % inner;
    const channel = Math.floor(index / inner) % channels;
    const item = Math.floor(index / inner / channels);
    if (item >= batch) throw new RangeError(`no output element ${index}`);
    return numbers[(item * inner + at) * channels + channel]!;
  });
  output.dispose();
  return result;
}

async function main(): Promise<void> {
  const say = (line: PeerReply | PeerGreeting): void => {
    process.stdout.write(JSON.stringify(line) + "\n");
  };
  // The library prints advice to the console; standard output belongs to the protocol.
  console.log = console.info = console.warn = (...words: unknown[]) => console.error(...words);
  const { tf, greeting } = await startLibrary();
  say(greeting);
  let made: Made | undefined;
  // One scope holds the tensors of what is measured; the next one's start frees them.
  tf.engine().startScope();
  const fresh = (): void => {
    made = undefined;
    tf.engine().endScope();
    tf.engine().startScope();
  };
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      const request = JSON.parse(line) as PeerRequest;
      if (request.op === "layer") {
        const layer = layers.find((candidate) => candidate.id === request.id);
        if (layer === undefined) throw new Error(`unknown layer ${request.id}`);
        fresh();
        made = makeLayer(tf, layer);
        tf.tidy(made.run).dispose();
        say({});
      } else if (request.op === "network") {
        fresh();
        made = makeNetwork(tf, request.scale, request.width, request.height);
        tf.tidy(made.run).dispose();
        say({});
      } else if (made === undefined) {
        throw new Error("nothing was made yet");
      } else if (request.op === "time") {
        say({
          milliseconds: time(tf, made, request.milliseconds, request.atLeast),
        });
      } else {
        say({ values: sample(tf, made, request.indices) });
      }
    } catch (error) {
      say({ error: error instanceof Error ? error.message : String(error) });
    }
  }
  process.exit(0);
}

await main();
