// Winograd convolution for CPU devices: 3x3 and 5x5 kernels of stride 1 with 2.25 to 6.25 times fewer multiplications.
// Tiles of 4 x 4 or 2 x 2 results are transformed, multiplied point by point over the channels, and transformed back. In
// three dimensions they lie along height and width; the taps along the depth are further channels of the product.
//
// Tiles are taken in chunks: what lies between the three steps of a chunk stays in the caches, and is small however large
// the picture is. There are two products (convolution_cpu_winograd_steps.ts): one for any shape, and one that keeps weights
// on the stack. Against float64 the error is below 1e-5 of the largest result (direct kernels: 2e-6).

import type { Dispatch } from "../core/dispatch.ts";
import { cpuProgram, LANES, storesPlainly, supportsCpuKernels } from "./convolution_cpu_weight.ts";
import { type ConvolutionProblem, convolutionSlots } from "./convolution_problem.ts";
import {
  isDeep,
  planeSteps,
  tileSteps,
  type WinogradChunk,
  type WinogradSizes,
  type WinogradSlots,
} from "./convolution_cpu_winograd_steps.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";

/** Results of a tile along an axis. */
export type WinogradOutputs = 2 | 4;
/** What to compute with, where more than one fits. */
export interface WinogradChoice {
  readonly outputs: WinogradOutputs;
  /** The product for any shape, also where the other one fits. */
  readonly plain?: boolean;
}

/** Floats of one of the two temporaries that a chunk is cut to; both stay in the last-level cache. */
const CHUNK_FLOATS = 3 * 2 ** 18;
/** Transformed weights that are worth their memory: 4 (3x3) or 2.6 times the weight. */
const MOST_WEIGHT_FLOATS = 2 ** 24;

/** Tiles of a lane and the relative time of each, measured. More than five compile for longer and gain nothing. */
const TILES_TOGETHER: readonly (readonly [number, number])[] = [
  [5, 1],
  [4, 1.04],
  [3, 1.15],
  [2, 1.35],
  [1, 2],
];

/** Floats of each lane's weights on the stack: half of the first-level cache. As many as the second are better than a second pass. */
const STACK_FLOATS = 512;
const MOST_STACK_FLOATS = 768;
/** Workgroups that keep every thread of a device busy to the end. */
const ENOUGH_WORKGROUPS = 32;

/**
 * Whether the product that keeps weights on the stack fits: where texel loads are inlined, with few absent filters in the
 * last subgroup (it is 1.6 times as fast as the other).
 */
function keepsWeights(
  { channels, filters }: ConvolutionProblem,
  capabilities: Capabilities,
  { plain }: WinogradChoice,
): boolean {
  return plain !== true && capabilities.loadPath === "texel" && channels >= LANES &&
    Math.ceil(filters / 32) * 32 < filters * 1.35;
}

/** Planes of a chunk. Twice the floats of other chunks: planes above and below it are transformed again. */
function planesOf({ size }: ConvolutionProblem, floats: number): number {
  const most = Math.max(Math.floor(2 * CHUNK_FLOATS / floats), 1);
  return Math.ceil(size[0] / Math.ceil(size[0] / most));
}

function sizesOf(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
  choice: WinogradChoice,
): WinogradSizes {
  const { kernel, size, inputSize, batch, channels, filters } = problem;
  const { outputs } = choice;
  const tile = outputs + kernel[1] - 1;
  const points = tile * tile;
  const tilesH = Math.ceil(size[1] / outputs);
  const tilesW = Math.ceil(size[2] / outputs);
  const tiles = batch * size[0] * tilesH * tilesW;
  const plane = { outputs, tile, points, tilesH, tilesW, tiles };
  /** A part of the tiles that fits the caches, of whole steps. */
  const chunkOf = (channels: number, step: number): number => {
    const most = Math.floor(CHUNK_FLOATS / (points * channels * step));
    const steps = Math.ceil(tiles / step);
    const chunks = Math.ceil(steps / Math.max(most, 1));
    return Math.ceil(steps / chunks) * step;
  };
  if (keepsWeights(problem, capabilities, choice)) {
    const halves = Math.ceil(filters / 32);
    const together = halves % 2 === 0 ? 8 : 4;
    const parts = Math.ceil(channels / 16);
    const quads = parts * 4;
    const floats = parts * 16 * together;
    const passes = floats <= MOST_STACK_FLOATS ? 1 : Math.ceil(floats / STACK_FLOATS);
    const blocks = halves * 4;
    const groups = blocks / together;
    const split = Math.ceil(ENOUGH_WORKGROUPS / (points * groups));
    const widest = Math.max(quads * 4, blocks * LANES);
    const chunk = isDeep(problem)
      ? planesOf(problem, points * tilesH * tilesW * widest) * tilesH * tilesW
      : chunkOf(widest, LANES * split);
    const above = Math.min(kernel[0] - 1, inputSize[0]) * tilesH * tilesW;
    return {
      ...plane,
      quads,
      blocks,
      chunk,
      // A little more, as powers of two would fall into the same cache lines.
      vStep: (chunk + above) * quads + LANES,
      mStep: chunk * blocks * 2 + LANES,
      stack: { together, passes, quads: Math.ceil(parts / passes) * 4, split },
    };
  }
  const quads = Math.ceil(channels / 4);
  // Four blocks share each read of a tile (8 %), where the last of them are not empty.
  const filterBlocks = Math.ceil(filters / LANES);
  const blocksTogether = filterBlocks % 4 === 0 ? 4 : filterBlocks > 1 ? 2 : 1;
  const blocks = Math.ceil(filters / (LANES * blocksTogether)) * blocksTogether;
  // More tiles together share each read and broadcast of a weight, but the last subgroup may be emptier.
  const cost = ([count, factor]: readonly [number, number]): number =>
    Math.ceil(tiles / (count * LANES)) * count * factor;
  const [tilesTogether] = TILES_TOGETHER.reduce((best, each) =>
    cost(each) < cost(best) ? each : best
  );
  const chunk = chunkOf(Math.max(quads * 4, blocks * LANES), LANES * tilesTogether);
  const step = chunk + LANES;
  return {
    ...plane,
    quads,
    blocks,
    chunk,
    vStep: quads * step,
    mStep: blocks * 2 * step,
    lanes: { blocksTogether, tilesTogether, step },
  };
}

/** Whether a device can run the kernels on a problem. */
export function supportsCpuWinograd(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
  choice: WinogradChoice,
): boolean {
  const { kernel, stride, dilation, padding, groups } = problem;
  if (
    groups !== 1 || problem.phases !== undefined || kernel[1] !== kernel[2] ||
    !(kernel[1] === 3 || (kernel[1] === 5 && choice.outputs === 4)) ||
    stride.some((step) => step !== 1) || dilation.some((step) => step !== 1) || padding[2] > 8 ||
    (isDeep(problem) &&
      !(keepsWeights(problem, capabilities, choice) && storesPlainly(problem) && kernel[0] <= 8))
  ) {
    return false;
  }
  const { points, vStep, mStep, quads, blocks } = sizesOf(problem, capabilities, choice);
  return Math.max(quads, blocks * 2) <= 65_535 &&
    supportsCpuKernels(
      capabilities,
      problem.inputCount,
      problem.weightCount,
      problem.outputCount,
      points * Math.max(vStep, mStep) * 4,
      points * blocks * quads * kernel[0] * 32,
    );
}

/** Whether there are two products to choose from. */
export function hasPlainWinograd(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  return keepsWeights(problem, capabilities, { outputs: 4 }) &&
    supportsCpuWinograd(problem, capabilities, { outputs: 4, plain: true });
}

/** Multiply-adds that take as long as loading a weight from memory, whatever the number of tiles or pixels. */
const LOADED_WEIGHT = 12;
/** The same of an element of the transforms: of the input's and of the output's. */
const INPUT_ELEMENT = 50;
const OUTPUT_ELEMENT = 45;
/** The same of a multiply-add of the kernels without transforms. */
const DIRECT_PRODUCT = 1.2;

/** Estimated time, in multiply-adds of the product; its factors are measured. */
function estimate(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
  choice: WinogradChoice,
): number {
  const { channels, filters, kernel } = problem;
  const { tiles, points, stack } = sizesOf(problem, capabilities, choice);
  const multiplied = stack === undefined ? Math.ceil(tiles / LANES) * LANES : tiles;
  const transformed = tiles * (INPUT_ELEMENT * channels + OUTPUT_ELEMENT * filters);
  return points * ((multiplied + LOADED_WEIGHT) * kernel[0] * channels * filters + transformed);
}

/**
 * Whether the saved multiplications pay for the transforms: with enough channels (measured: 32 -> 32 gains 10 % with 3x3 and
 * 40 % with 5x5, 16 -> 16 and 32 -> 16 lose), and enough tiles for the larger weight.
 */
export function prefersCpuWinograd(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
  choice: WinogradChoice,
): boolean {
  const { points, blocks, quads } = sizesOf(problem, capabilities, choice);
  const other = { outputs: choice.outputs === 2 ? 4 : 2 } as const;
  const time = estimate(problem, capabilities, choice);
  const direct = DIRECT_PRODUCT * (problem.flops / 2 + LOADED_WEIGHT * problem.weightCount);
  return capabilities.deviceClass === "cpu" && capabilities.winograd &&
    problem.winograd !== false && problem.channels >= 32 && problem.filters >= 32 &&
    points * blocks * quads * problem.kernel[0] * 32 <= MOST_WEIGHT_FLOATS &&
    time < direct &&
    !(supportsCpuWinograd(problem, capabilities, other) &&
      estimate(problem, capabilities, other) < time);
}

function transformedWeight(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  { tile, points, blocks, quads, stack }: WinogradSizes,
): Slot {
  const { weight, kernel } = problem;
  const total = blocks * kernel[0] * quads * LANES;
  const words = {
    total,
    quads: kernel[0] * quads,
    inputs: problem.channels,
    channels: problem.filters,
    step_o: weight.n,
    step_i: weight.c,
    step_h: weight.h,
    step_w: weight.w,
    tap_quads: quads,
    step_d: weight.d,
  };
  const program = cpuProgram(capabilities, "cpu_winograd_weight");
  const together = stack?.together ?? 0;
  const constants = { local_size_x: 64, tile, kernel: kernel[1], together };
  const grid = [Math.min(Math.ceil(total / 64), 65_535), tile, 1] as const;
  return {
    role: "prepared",
    key: `winograd:${capabilities.loadPath}:${tile}:${kernel[1]}:${together}:${
      Object.values(words)
    }`,
    source: 1,
    byteLength: points * total * 16,
    dispatches: [makeDispatch(program, constants, words, [0, 1], grid)],
  };
}

/** Chunks of one plane, the images one after the other. */
function flatChunks({ tiles, chunk }: WinogradSizes): WinogradChunk[] {
  return Array.from({ length: Math.ceil(tiles / chunk) }, (_, at) => {
    const part = { start: at * chunk, tiles: Math.min(chunk, tiles - at * chunk) };
    return { ...part, image: 0, planes: 1, input: { ...part, planes: 1 }, firstPlane: 0 };
  });
}

/** Chunks of planes of one image, with the planes of the input under them. */
function deepChunks(
  { batch, size, inputSize, kernel, padding }: ConvolutionProblem,
  { tilesH, tilesW, chunk }: WinogradSizes,
): WinogradChunk[] {
  const plane = tilesH * tilesW;
  const most = chunk / plane;
  return Array.from(
    { length: batch },
    (_, image) =>
      Array.from({ length: Math.ceil(size[0] / most) }, (_, at) => {
        const first = at * most;
        const planes = Math.min(most, size[0] - first);
        const top = first - padding[0];
        // At least one, if only padding is there.
        const start = Math.min(Math.max(top, 0), inputSize[0] - 1);
        const end = Math.max(Math.min(top + planes + kernel[0] - 1, inputSize[0]), start + 1);
        return {
          image,
          start: first * plane,
          tiles: planes * plane,
          planes,
          input: { start: start * plane, tiles: (end - start) * plane, planes: end - start },
          firstPlane: top - start,
        };
      }),
  ).flat();
}

/**
 * Plans a Winograd convolution for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty, and one that `supportsCpuWinograd`.
 * @param choice Which tiles, and which product.
 * @returns Three dispatches for each chunk of tiles; a prepared slot holds the transformed weight.
 */
export function planCpuWinograd(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  choice: WinogradChoice,
): Plan {
  const sizes = sizesOf(problem, capabilities, choice);
  const { points, vStep, mStep } = sizes;
  const { slots, order } = convolutionSlots(problem);
  const [x, , bias, residual, y] = order as [number, number, number, number, number];
  const u = slots.push(transformedWeight(capabilities, problem, sizes)) - 1;
  const v = slots.push({ role: "temporary", byteLength: points * vStep * 16 }) - 1;
  const m = slots.push({ role: "temporary", byteLength: points * mStep * 16 }) - 1;
  const operands: WinogradSlots = { x, v, u, m, bias, residual, y };
  const steps = sizes.stack === undefined ? planeSteps : tileSteps;
  const chunks = isDeep(problem) ? deepChunks(problem, sizes) : flatChunks(sizes);
  const dispatches: Dispatch[] = chunks.flatMap((each) =>
    steps(capabilities, problem, sizes, each, operands)
  );
  return {
    label: choice.outputs === 4 ? "Convolution/cpu_winograd" : "Convolution/cpu_winograd_2",
    slots,
    dispatches,
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
