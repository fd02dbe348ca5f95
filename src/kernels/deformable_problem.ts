// One description of every deformable convolution, on which all its plans build: geometry, strides instead of layouts,
// how channels are packed into quads, and how outputs are cut into chunks.

import { type ProgramId, programs } from "../../shaders/manifest.ts";
import type { Program } from "../core/dispatch.ts";
import { LimitError, ShapeError } from "../core/errors.ts";
import { contiguousStrides, elementCount, formatShape, type Shape } from "../core/shape.ts";
import { ACTIVATIONS, type ActivationSettings, NO_ACTIVATION } from "./activation.ts";
import { countOperand, usesTexels } from "./operand.ts";
import type { Capabilities } from "./plan.ts";

/** A value for height and width. */
export type Pair = readonly [number, number];

/** Layouts of deformable convolution; weight, offset and mask have their axes in the same order. */
export type PlaneLayout = "NCHW" | "NHWC";

/** A deformable convolution as an operator knows it. */
export interface DeformableSettings {
  /** Name of the operator, for messages and labels. */
  readonly name: string;
  readonly input: Shape;
  /** `[O, I / groups, KH, KW]`, permuted as the layout. */
  readonly weight: Shape;
  readonly layout: PlaneLayout;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
  readonly groups: number;
  readonly deformableGroups: number;
  /** v2: a mask multiplies the samples, and the image fades to zero at its border. */
  readonly modulated: boolean;
  readonly hasBias?: boolean;
  readonly activation?: ActivationSettings;
}

/** Strides of an image in elements: image, channel, place. */
export interface PlaneStrides {
  readonly n: number;
  readonly c: number;
  readonly p: number;
}

/** A deformable convolution as the plans know it. */
export interface DeformableProblem {
  readonly settings: DeformableSettings;
  readonly batch: number;
  readonly channels: number;
  readonly filters: number;
  readonly groups: number;
  readonly deformableGroups: number;
  readonly kernel: Pair;
  readonly taps: number;
  /** Height and width of the input and of the output. */
  readonly size: Pair;
  readonly outputSize: Pair;
  /** Elements of a plane of the input and of the output. */
  readonly places: number;
  readonly outputs: number;
  /** Channels that are packed together: those of one group and one deformable group; and their quads. */
  readonly segment: number;
  readonly segmentQuads: number;
  /** Quads of channels of one group, of one deformable group, of all. */
  readonly groupQuads: number;
  readonly deformableQuads: number;
  readonly quads: number;
  /** Quads of the columns of one group, and of all: taps times quads of channels. */
  readonly groupDepth: number;
  readonly depth: number;
  readonly input: PlaneStrides;
  readonly offset: PlaneStrides;
  readonly output: PlaneStrides;
  /** Strides of the weight: filter, channel, tap. */
  readonly weight: { readonly o: number; readonly c: number; readonly t: number };
  readonly outputShape: Shape;
  readonly offsetShape: Shape;
  readonly maskShape: Shape;
  readonly inputCount: number;
  readonly offsetCount: number;
  readonly maskCount: number;
  readonly weightCount: number;
  readonly outputCount: number;
  readonly flops: number;
}

function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

function planeStrides(
  layout: PlaneLayout,
  channels: number,
  places: number,
): PlaneStrides {
  const n = channels * places;
  return layout === "NCHW" ? { n, c: places, p: 1 } : { n, c: 1, p: channels };
}

/** A shape in a layout. */
function shapeIn(layout: PlaneLayout, n: number, c: number, [h, w]: Pair): Shape {
  return layout === "NCHW" ? [n, c, h, w] : [n, h, w, c];
}

/**
 * Brings a deformable convolution into the form on which plans build.
 *
 * @param settings The convolution as an operator knows it; shapes have rank 4.
 * @returns Sizes, strides and totals.
 * @throws {ShapeError} If the kernel exceeds the padded input or groups do not divide channels.
 */
export function describeDeformable(settings: DeformableSettings): DeformableProblem {
  const { layout, groups, deformableGroups, stride, padding, dilation } = settings;
  const where = `apply ${settings.name}`;
  const read = (shape: Shape): [number, number, number, number] => {
    const at = (letter: string): number => shape[layout.indexOf(letter)]!;
    return [at("N"), at("C"), at("H"), at("W")];
  };
  const [batch, channels, ...size] = read(settings.input);
  const [filters, groupChannels, ...kernel] = read(settings.weight);
  if (
    groupChannels * groups !== channels || filters % groups !== 0 ||
    channels % deformableGroups !== 0
  ) {
    throw new ShapeError(
      `Cannot ${where}: input ${formatShape(settings.input)} and weight ` +
        `${formatShape(settings.weight)} do not fit ${groups} groups and ${deformableGroups} ` +
        `deformable groups`,
    );
  }
  const outputSize = [0, 1].map((axis) => {
    const reach = dilation[axis]! * (kernel[axis]! - 1) + 1;
    const padded = size[axis]! + 2 * padding[axis]!;
    if (reach > padded) {
      throw new ShapeError(
        `Cannot ${where}: the kernel exceeds the input on spatial axis ${axis}: kernel ` +
          `${kernel[axis]} with dilation ${dilation[axis]} covers ${reach} elements, the padded ` +
          `input has ${padded}`,
      );
    }
    return Math.floor((padded - reach) / stride[axis]!) + 1;
  }) as unknown as Pair;
  const taps = kernel[0] * kernel[1];
  const places = size[0] * size[1];
  const outputs = outputSize[0] * outputSize[1];
  const segment = gcd(channels / groups, channels / deformableGroups);
  const segmentQuads = Math.ceil(segment / 4);
  const groupQuads = channels / groups / segment * segmentQuads;
  const quads = groups * groupQuads;
  const offsets = 2 * deformableGroups * taps;
  const outputShape = shapeIn(layout, batch, filters, outputSize);
  const offsetShape = shapeIn(layout, batch, offsets, outputSize);
  const maskShape = shapeIn(layout, batch, offsets / 2, outputSize);
  const weightSteps = contiguousStrides(settings.weight);
  const activation = settings.activation ?? NO_ACTIVATION;
  const epilogue = ACTIVATIONS[activation.name].flops + (settings.hasBias ? 1 : 0);
  return {
    settings,
    batch,
    channels,
    filters,
    groups,
    deformableGroups,
    kernel,
    taps,
    size,
    outputSize,
    places,
    outputs,
    segment,
    segmentQuads,
    groupQuads,
    deformableQuads: quads / deformableGroups,
    quads,
    groupDepth: taps * groupQuads,
    depth: taps * quads,
    input: planeStrides(layout, channels, places),
    offset: planeStrides(layout, offsets, outputs),
    output: planeStrides(layout, filters, outputs),
    weight: {
      o: weightSteps[0]!,
      c: weightSteps[layout.indexOf("C")]!,
      t: weightSteps[layout.indexOf("W")]!,
    },
    outputShape,
    offsetShape,
    maskShape,
    inputCount: elementCount(settings.input, where),
    offsetCount: elementCount(offsetShape, where),
    maskCount: elementCount(maskShape, where),
    weightCount: elementCount(settings.weight, where),
    outputCount: elementCount(outputShape, where),
    flops: batch * outputs * filters * (2 * groupChannels * taps + epilogue),
  };
}

/**
 * Bytes that the columns of one chunk may take, unless a few outputs need more.
 *
 * @param capabilities The device.
 * @returns The budget.
 */
export function columnBudget({ deviceClass, maxStorageBufferRange }: Capabilities): number {
  // Every chunk must fill the device, and products profit from many places.
  return Math.min(maxStorageBufferRange, (deviceClass === "cpu" ? 32 : 64) * 2 ** 20);
}

/** Fewest outputs of a chunk. */
const LEAST_OUTPUTS = 32;

/** Outputs of a subgroup in the product of CPU devices. */
const LANE_OUTPUTS = 64;

/** Outputs whose columns exist at the same time: whole images, or a part of one. */
export interface Chunk {
  readonly firstImage: number;
  readonly images: number;
  /** Of each of its images. */
  readonly firstOutput: number;
  readonly outputs: number;
}

/** All chunks of a convolution. */
export interface Chunks {
  readonly list: readonly Chunk[];
  /** Elements of a plane of columns: the outputs of the largest chunk, and what fills up the last vector. */
  readonly width: number;
}

/**
 * Cuts all outputs into chunks.
 *
 * @param problem The convolution.
 * @param columnBytes The budget for the columns of a chunk.
 * @param vector What the width of planes is a multiple of.
 * @param elementBytes Bytes of an element of the columns.
 * @returns The chunks.
 */
export function chunksOf(
  problem: DeformableProblem,
  columnBytes: number,
  vector: number,
  elementBytes: number = 4,
): Chunks {
  const { batch, outputs } = problem;
  const round = (count: number): number => Math.ceil(count / vector) * vector;
  const most = Math.floor(columnBytes / (problem.depth * 4 * elementBytes));
  if (most >= round(outputs)) {
    const together = Math.min(batch, Math.floor(most / round(outputs)));
    const count = Math.ceil(batch / together);
    const images = Math.ceil(batch / count);
    const list = Array.from({ length: Math.ceil(batch / images) }, (_, at): Chunk => {
      const firstImage = at * images;
      return {
        firstImage,
        images: Math.min(images, batch - firstImage),
        firstOutput: 0,
        outputs,
      };
    });
    const width = round(outputs);
    return { list, width };
  }
  const count = Math.ceil(outputs / Math.max(most, LEAST_OUTPUTS));
  const even = Math.ceil(outputs / count);
  // Lanes of a CPU device take as many together.
  const width = vector === 8 && even > LANE_OUTPUTS
    ? Math.ceil(even / LANE_OUTPUTS) * LANE_OUTPUTS
    : round(even);
  const list: Chunk[] = [];
  for (let firstImage = 0; firstImage < batch; firstImage++) {
    for (let firstOutput = 0; firstOutput < outputs; firstOutput += width) {
      list.push({
        firstImage,
        images: 1,
        firstOutput,
        outputs: Math.min(width, outputs - firstOutput),
      });
    }
  }
  return { list, width };
}

/**
 * Checks that a temporary fits one binding and 32-bit places.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param what What it holds, for the message.
 * @param bytes Its size.
 * @returns The size.
 * @throws {LimitError} If it does not.
 */
export function checkBytes(
  capabilities: Capabilities,
  problem: DeformableProblem,
  what: string,
  bytes: number,
): number {
  const most = Math.min(capabilities.maxStorageBufferRange, 2 ** 33 - 16);
  if (bytes > most) {
    throw new LimitError(
      `Cannot apply ${problem.settings.name}: ${what} take ${bytes} bytes, but a kernel of this ` +
        `device binds at most ${most}; split the batch`,
    );
  }
  return bytes;
}

/**
 * Checks that every tensor of a convolution fits one binding and that no coordinate passes 2^31.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @throws {LimitError} If one does not.
 */
export function checkDeformableLimits(
  capabilities: Capabilities,
  problem: DeformableProblem,
): void {
  const where = `apply ${problem.settings.name}`;
  const { inputCount, offsetCount, weightCount, outputCount } = problem;
  for (const count of [inputCount, offsetCount, weightCount, outputCount]) {
    countOperand(capabilities, where, [count], 4);
  }
  const { padding, dilation, stride } = problem.settings;
  const reach = problem.size.map((size, axis) =>
    size + 2 * padding[axis]! + problem.kernel[axis]! * dilation[axis]! + stride[axis]!
  );
  if (Math.max(...reach) >= 2 ** 31) {
    throw new LimitError(
      `Cannot ${where}: padding or dilation reaches ${Math.max(...reach)} elements, ` +
        `expected less than 2^31`,
    );
  }
}

type Name = ProgramId extends infer Id ? Id extends `deformable/${infer N}.storage` ? N : never
  : never;

/** The build of a program for the device's load path. */
export function deformableProgram(capabilities: Capabilities, name: Name): Program {
  return usesTexels(capabilities)
    ? programs[`deformable/${name}.texel`]
    : programs[`deformable/${name}.storage`];
}

/** Specialization constants of the kernels with a sampler. */
export function samplerConstants(problem: DeformableProblem): Record<string, number> {
  const modulated = problem.settings.modulated ? 1 : 0;
  return { fade: modulated, has_mask: modulated };
}

/** Push words that all kernels with a sampler share. */
export function samplerWords(problem: DeformableProblem): Record<string, number> {
  const { offset } = problem;
  const { stride, padding, dilation } = problem.settings;
  return {
    kernel_w: problem.kernel[1],
    stride_h: stride[0],
    stride_w: stride[1],
    padding_h: padding[0],
    padding_w: padding[1],
    dilation_h: dilation[0],
    dilation_w: dilation[1],
    out_w: problem.outputSize[1],
    height: problem.size[0],
    width: problem.size[1],
    taps: problem.taps,
    offset_n: offset.n,
    offset_c: offset.c,
    offset_p: offset.p,
  };
}
