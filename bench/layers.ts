// The layers that the benches measure: eight convolutions that every kernel is tuned against, and the
// benchmark set of layers.json (34 layers of well-known networks, sizes chosen for two cores).

import { readFileSync } from "node:fs";

/** What of a layer is measured: the output, or gradients given the output's gradient. */
export const DIRECTIONS = ["fwd", "bwd_data", "bwd_weight", "bwd_all"] as const;

/** One of {@linkcode DIRECTIONS}; `bwd_data` are the input, offsets and mask, `bwd_weight` weight and bias. */
export type Direction = typeof DIRECTIONS[number];

/** One measured layer; the fields are those of layers.json. */
export interface Layer {
  readonly id: string;
  readonly family: string;
  readonly name: string;
  /** The layer's class name in the module. */
  readonly class: string;
  readonly args: {
    readonly channels?: number;
    readonly kernel_size?: readonly number[];
    readonly strides?: readonly number[];
    readonly padding?: readonly number[];
    readonly dilation?: readonly number[];
    readonly groups?: number;
    readonly in_channels?: number;
    readonly factor?: number | readonly number[];
    readonly num_deformable_group?: number;
    readonly pool_size?: readonly number[];
  };
  /** A layer that consumes the first one's result inside the measured time. */
  readonly then?: {
    readonly class: string;
    readonly args: { readonly factor: number };
  };
  /** Shapes are channel-first. */
  readonly input: readonly number[];
  readonly weight?: readonly number[];
  readonly bias?: readonly number[];
  /** Shapes of the further inputs of deformable convolutions. */
  readonly offset?: readonly number[];
  readonly mask?: readonly number[];
  readonly output: readonly number[];
  readonly conv_output?: readonly number[];
  /** Work of each direction; 0 where only memory is moved. */
  readonly gflop: Work;
  /** Operands read and results written once. */
  readonly bytes: Work;
  readonly directions: readonly Direction[];
}

type Work = Readonly<Partial<Record<Direction, number>>>;

/** Families that are measured in bytes: memory decides, not arithmetic. */
const MEMORY_BOUND: readonly string[] = ["pool", "shuffle+pad"];

/** Work of a direction in GFLOP, 0 where memory decides, and bytes. */
export function workOf(
  layer: Layer,
  direction: Direction,
): { gflop: number; bytes: number } {
  const gflop = MEMORY_BOUND.includes(layer.family) ? 0 : layer.gflop[direction] ?? 0;
  return { gflop, bytes: layer.bytes[direction] ?? 0 };
}

/** A convolution as data, with the defaults filled in. */
export interface ConvolutionGeometry {
  readonly channels: number;
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly inChannels: number;
}

function eight(
  id: string,
  name: string,
  inChannels: number,
  channels: number,
  kernel: number,
  size: number,
  options: { stride?: number; groups?: number } = {},
): Layer {
  const stride = options.stride ?? 1;
  const groups = options.groups ?? 1;
  const padding = (kernel - 1) / 2;
  const out = Math.floor((size + 2 * padding - kernel) / stride) + 1;
  const weight = [channels, inChannels / groups, kernel, kernel];
  const multiplyAdds = channels * out * out * (inChannels / groups) * kernel *
    kernel;
  const elements = inChannels * size * size + channels * out * out + channels +
    weight.reduce((product, extent) => product * extent, 1);
  return {
    id,
    family: groups > 1 ? "depthwise" : kernel === 1 ? "conv1x1" : "conv2d",
    name,
    class: "Conv2D",
    args: {
      channels,
      kernel_size: [kernel, kernel],
      strides: [stride, stride],
      padding: [padding, padding],
      dilation: [1, 1],
      groups,
      in_channels: inChannels,
    },
    input: [1, inChannels, size, size],
    weight,
    bias: [channels],
    output: [1, channels, out, out],
    gflop: { fwd: 2 * multiplyAdds / 1e9 },
    bytes: { fwd: 4 * elements },
    directions: ["fwd"],
  };
}

/** The eight layers that every kernel is tuned against. */
export const eightLayers: readonly Layer[] = [
  eight("E1", "3x3 64->64 @56", 64, 64, 3, 56),
  eight("E2", "1x1 256->64 @56", 256, 64, 1, 56),
  eight("E3", "3x3 256->256 @14", 256, 256, 3, 14),
  eight("E4", "1x1 1024->256 @14", 1024, 256, 1, 14),
  eight("E5", "3x3 512->512 @7", 512, 512, 3, 7),
  eight("E6", "7x7 s2 3->64 @224", 3, 64, 7, 224, { stride: 2 }),
  eight("E7", "depthwise 3x3 144 @56", 144, 144, 3, 56, { groups: 144 }),
  eight("E8", "3x3 64->64 @128", 64, 64, 3, 128),
];

/** The rows of layers.json. */
export const benchmarkSet: readonly Layer[] = JSON.parse(
  readFileSync(new URL("./layers.json", import.meta.url), "utf8"),
) as Layer[];

/** All measured layers: the eight first. */
export const layers: readonly Layer[] = [...eightLayers, ...benchmarkSet];

const CHANNEL_FIRST = ["NCW", "NCHW", "NCDHW"] as const;

/** The layout of a layer's shapes. */
export function layoutOf({ input }: Layer): typeof CHANNEL_FIRST[number] {
  return CHANNEL_FIRST[input.length - 3]!;
}

/** The convolution of a layer, or undefined where it has none. */
export function convolutionOf(layer: Layer): ConvolutionGeometry | undefined {
  const { channels, kernel_size: kernelSize, in_channels: inChannels } = layer.args;
  if (
    channels === undefined || kernelSize === undefined ||
    inChannels === undefined
  ) {
    return undefined;
  }
  const ones = kernelSize.map(() => 1);
  return {
    channels,
    kernelSize,
    strides: layer.args.strides ?? ones,
    padding: layer.args.padding ?? kernelSize.map(() => 0),
    dilation: layer.args.dilation ?? ones,
    groups: layer.args.groups ?? 1,
    inChannels,
  };
}

/** The factor of the layer's pixel shuffle, or undefined where it has none. */
export function shuffleOf(layer: Layer): number | undefined {
  if (layer.then !== undefined) return layer.then.args.factor;
  const { factor } = layer.args;
  return typeof factor === "object" ? factor[0] : factor;
}
