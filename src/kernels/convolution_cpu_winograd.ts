// Winograd convolution for CPU devices: 3x3 and 5x5 kernels of stride 1 with 4 or 6.25 times fewer multiplications. Tiles
// of 4 x 4 results are transformed, multiplied point by point over the channels, and transformed back.
//
// Tiles are taken in chunks: what lies between the three steps of a chunk stays in the caches, and is small however large
// the picture is. There are two products: one for any shape, and one that keeps tiles on the stack. Against float64 the
// error is below 1e-5 of the largest result (direct kernels: 2e-6).

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { cpuLocalSize, storedTogether } from "./cpu_plane.ts";
import {
  cpuProgram,
  epilogueSlots,
  identityWords,
  LANES,
  supportsCpuKernels,
  touchedSlots,
  touches,
} from "./convolution_cpu_weight.ts";
import {
  type ConvolutionProblem,
  convolutionSlots,
  epilogueConstants,
} from "./convolution_problem.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";

/** Results of a tile along an axis. */
const OUTPUTS = 4;
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

/** Channels whose tiles fit the stack of cpu_winograd_product, 8 tiles a lane. */
const MOST_STACKED_CHANNELS = 96;

/** Sizes that follow from a problem. */
interface Sizes {
  /** Places of a transformed tile along an axis, and all of them. */
  readonly tile: number;
  readonly points: number;
  readonly tilesH: number;
  readonly tilesW: number;
  readonly tiles: number;
  /** Input channels in vectors of four. */
  readonly quads: number;
  /** Output channels in blocks of eight, and blocks and tiles that one invocation multiplies. */
  readonly blocks: number;
  readonly blocksTogether: number;
  readonly tilesTogether: number;
  /** Whether a lane keeps its tiles of all channels on the stack. */
  readonly stacked: boolean;
  /** Tiles of a chunk, a multiple of what a subgroup multiplies. */
  readonly chunk: number;
  /** Vectors from channel to channel: a little more, as powers of two would fall into the same cache lines. */
  readonly step: number;
}

/** Whether the kernels that keep tiles on the stack fit: where texel loads are inlined, for rows of whole cache lines. */
function keepsTiles(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  const { size, batch, channels } = problem;
  const tiles = batch * Math.ceil(size[1] / OUTPUTS) * (size[2] / OUTPUTS);
  return capabilities.loadPath === "texel" && size[2] % 16 === 0 && channels % 16 === 0 &&
    channels <= MOST_STACKED_CHANNELS && storedTogether(problem) === 8 &&
    Math.ceil(tiles / 64) * 64 <= tiles * 1.15;
}

function sizesOf(problem: ConvolutionProblem, capabilities: Capabilities): Sizes {
  const { kernel, size, batch, channels, filters } = problem;
  const tile = OUTPUTS + kernel[1] - 1;
  const points = tile * tile;
  const tilesH = Math.ceil(size[1] / OUTPUTS);
  const tilesW = Math.ceil(size[2] / OUTPUTS);
  const tiles = batch * tilesH * tilesW;
  const quads = Math.ceil(channels / 4);
  // Four blocks share each read of a tile (8 %), where the last of them are not empty.
  const filterBlocks = Math.ceil(filters / LANES);
  const blocksTogether = filterBlocks % 4 === 0 ? 4 : filterBlocks > 1 ? 2 : 1;
  const blocks = Math.ceil(filters / (LANES * blocksTogether)) * blocksTogether;
  // More tiles together share each read and broadcast of a weight, but the last subgroup may be emptier.
  const cost = ([count, factor]: readonly [number, number]): number =>
    Math.ceil(tiles / (count * LANES)) * count * factor;
  const stacked = keepsTiles(problem, capabilities);
  const [tilesTogether] = stacked
    ? [LANES]
    : TILES_TOGETHER.reduce((best, each) => cost(each) < cost(best) ? each : best);
  const step = LANES * tilesTogether;
  const most = Math.floor(CHUNK_FLOATS / (points * Math.max(quads * 4, blocks * LANES) * step));
  const steps = Math.ceil(tiles / step);
  const chunks = Math.ceil(steps / Math.max(most, 1));
  const chunk = Math.ceil(steps / chunks) * step;
  return {
    tile,
    points,
    tilesH,
    tilesW,
    tiles,
    quads,
    blocks,
    blocksTogether,
    tilesTogether,
    stacked,
    chunk,
    step: chunk + LANES,
  };
}

/** Whether a device can run the kernels on a problem. */
export function supportsCpuWinograd(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { kernel, stride, dilation, padding, size, inputSize, groups } = problem;
  if (
    groups !== 1 || problem.phases !== undefined || size[0] !== 1 || inputSize[0] !== 1 ||
    kernel[0] !== 1 || kernel[1] !== kernel[2] || (kernel[1] !== 3 && kernel[1] !== 5) ||
    stride[1] !== 1 || stride[2] !== 1 || dilation[1] !== 1 || dilation[2] !== 1 ||
    padding[0] !== 0 || padding[2] > 8
  ) {
    return false;
  }
  const { points, step, quads, blocks } = sizesOf(problem, capabilities);
  return Math.max(quads, blocks * 2) <= 65_535 &&
    supportsCpuKernels(
      capabilities,
      problem.inputCount,
      problem.weightCount,
      problem.outputCount,
      points * step * Math.max(quads * 4, blocks * LANES),
      points * blocks * quads * 32,
    );
}

/**
 * Whether the saved multiplications pay for the transforms: with enough channels (measured: 32 -> 32 gains 10 % with 3x3 and
 * 40 % with 5x5, 16 -> 16 and 32 -> 16 lose), and tiles for every lane (7x7 has four).
 */
export function prefersCpuWinograd(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { tiles, points, blocks, quads } = sizesOf(problem, capabilities);
  return capabilities.deviceClass === "cpu" && capabilities.winograd &&
    problem.winograd !== false &&
    problem.channels >= 32 && problem.filters >= 32 && tiles >= 12 &&
    points * blocks * quads * 32 <= MOST_WEIGHT_FLOATS;
}

function transformedWeight(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  { tile, points, blocks, quads, stacked }: Sizes,
): Slot {
  const { weight, kernel } = problem;
  const total = blocks * quads * LANES;
  const words = {
    total,
    quads,
    inputs: problem.channels,
    channels: problem.filters,
    step_o: weight.n,
    step_i: weight.c,
    step_h: weight.h,
    step_w: weight.w,
  };
  const program = cpuProgram(capabilities, "cpu_winograd_weight");
  const constants = { local_size_x: 64, tile, kernel: kernel[1], rows: stacked ? 1 : 0 };
  const grid = [Math.min(Math.ceil(total / 64), 65_535), tile, 1] as const;
  return {
    role: "prepared",
    key: `winograd:${capabilities.loadPath}:${kernel[1]}:${stacked}:${Object.values(words)}`,
    source: 1,
    byteLength: points * total * 16,
    dispatches: [makeDispatch(program, constants, words, [0, 1], grid)],
  };
}

/**
 * Local size of a transform. Neighboring tiles lie side by side in each point's plane: a workgroup of many subgroups fills
 * whole pages of it one after the other (1.4 times as fast as one subgroup), as long as there are workgroups for each thread.
 */
function transformLocalSize(tiles: number, quads: number): number {
  return Math.ceil(tiles / 64) * quads >= 16
    ? Math.min(64, Math.ceil(tiles / LANES) * LANES)
    : cpuLocalSize(tiles, quads);
}

/** The product that keeps tiles on the stack; slots: V, U, M. */
function multiplyStacked(
  capabilities: Capabilities,
  { points, quads, blocks, step }: Sizes,
  tiles: number,
  slots: readonly number[],
): Dispatch {
  const split = blocks > 16 && blocks % 2 === 0 ? 2 : 1;
  return makeDispatch(
    programs["convolution/cpu_winograd_product.texel"],
    { local_size_x: LANES, channels: blocks * LANES / split, quads },
    { channels: blocks * LANES, tile_step: step },
    touchedSlots(capabilities, ...slots),
    [split, Math.ceil(tiles / 64), points],
  );
}

/** The transform of its results, four tiles of a row in a lane; slots: M, bias, residual, output. */
function invertRows(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  { tile, tilesH, tilesW, blocks, step }: Sizes,
  start: number,
  tiles: number,
  slots: readonly number[],
): Dispatch {
  const { output, size, filters } = problem;
  const groups = tiles / 4;
  const localSize = transformLocalSize(groups, filters);
  return makeDispatch(
    programs["convolution/cpu_winograd_rows.texel"],
    { local_size_x: localSize, tile, ...epilogueConstants(problem) },
    {
      groups,
      group_start: start / 4,
      tile_step: step,
      tiles_h: tilesH,
      groups_w: tilesW / 4,
      out_channels: blocks * LANES,
      out_h: size[1],
      y_step_n: output.n,
      y_step_c: output.c,
      y_step_h: output.h,
    },
    touchedSlots(capabilities, ...slots),
    [Math.ceil(groups / localSize), filters, 1],
  );
}

/** The three dispatches of the tiles from `start` on; slots: input, V, U, M, bias, residual, output. */
function chunkDispatches(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  sizes: Sizes,
  start: number,
  slots: readonly [number, number, number, number, number, number, number],
): Dispatch[] {
  const { input, output, inputSize, size, padding } = problem;
  const { tile, points, quads, blocks, blocksTogether, tilesTogether, chunk } = sizes;
  const [x, v, u, m, bias, residual, y] = slots;
  const tiles = Math.min(chunk, sizes.tiles - start);
  const place = {
    tiles,
    tile_start: start,
    tile_step: sizes.step,
    tiles_h: sizes.tilesH,
    tiles_w: sizes.tilesW,
  };
  const vectorLoad = input.w === 1 && inputSize[2] % 4 === 0 &&
    [input.n, input.c, input.h].every((step) => step % 4 === 0);
  const vectorStore = storedTogether(problem) >= 4;
  const outQuads = Math.ceil(problem.filters / 4);
  const inputLocal = transformLocalSize(tiles, quads);
  const outputLocal = transformLocalSize(tiles, outQuads);
  const transform = makeDispatch(
    cpuProgram(capabilities, "cpu_winograd_input"),
    {
      local_size_x: inputLocal,
      tile,
      pad_w: padding[2],
      vector_load: vectorLoad ? 1 : 0,
      touch: touches(capabilities) ? 1 : 0,
    },
    {
      ...place,
      quads,
      channels: problem.channels,
      x_height: inputSize[1],
      x_width: inputSize[2],
      pad_h: padding[1],
      x_step_n: input.n,
      x_step_c: input.c,
      x_step_h: input.h,
      x_step_w: input.w,
    },
    touchedSlots(capabilities, x, x, v),
    [Math.ceil(tiles / inputLocal), quads, 1],
  );
  if (sizes.stacked) {
    const product = multiplyStacked(capabilities, sizes, tiles, [v, u, m]);
    const rest = [m, bias, residual, y] as const;
    return [transform, product, invertRows(capabilities, problem, sizes, start, tiles, rest)];
  }
  const multiply = makeDispatch(
    cpuProgram(capabilities, "cpu_winograd_gemm"),
    {
      local_size_x: LANES,
      tiles: tilesTogether,
      blocks: blocksTogether,
      touch: touches(capabilities) ? 1 : 0,
    },
    { quads, blocks, tile_step: sizes.step, ...identityWords(capabilities) },
    touchedSlots(capabilities, v, u, m),
    [blocks / blocksTogether, Math.ceil(tiles / (LANES * tilesTogether)), points],
  );
  const invert = makeDispatch(
    cpuProgram(capabilities, "cpu_winograd_output"),
    {
      local_size_x: outputLocal,
      tile,
      vector_store: vectorStore ? 1 : 0,
      touch: touches(capabilities) && vectorStore ? 1 : 0,
      ...epilogueConstants(problem),
    },
    {
      ...place,
      out_quads: blocks * 2,
      channels: problem.filters,
      out_h: size[1],
      out_w: size[2],
      y_step_n: output.n,
      y_step_c: output.c,
      y_step_h: output.h,
      y_step_w: output.w,
    },
    epilogueSlots(capabilities, m, bias, residual, y),
    [Math.ceil(tiles / outputLocal), outQuads, 1],
  );
  return [transform, multiply, invert];
}

/**
 * Plans a Winograd convolution for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty, and one that `supportsCpuWinograd`.
 * @returns Three dispatches for each chunk of tiles; a prepared slot holds the transformed weight.
 */
export function planCpuWinograd(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const sizes = sizesOf(problem, capabilities);
  const { points, chunk, step, quads, blocks } = sizes;
  const { slots, order } = convolutionSlots(problem);
  const [x, , bias, residual, y] = order as [number, number, number, number, number];
  const u = slots.push(transformedWeight(capabilities, problem, sizes)) - 1;
  const v = slots.push({ role: "temporary", byteLength: points * quads * step * 16 }) - 1;
  const m = slots.push({ role: "temporary", byteLength: points * blocks * step * 32 }) - 1;
  const dispatches: Dispatch[] = [];
  for (let start = 0; start < sizes.tiles; start += chunk) {
    dispatches.push(
      ...chunkDispatches(capabilities, problem, sizes, start, [x, v, u, m, bias, residual, y]),
    );
  }
  return {
    label: "Convolution/cpu_winograd",
    slots,
    dispatches,
    flops: problem.flops,
    bytes: problem.bytes,
  };
}
