// The dispatches of a chunk of Winograd tiles on a CPU device, in two forms that differ in what lies beside what between
// them: planes of tiles for any shape and device, or tiles with all their channels, for the product that keeps weights on
// the stack.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { cpuLocalSize, storedTogether } from "./cpu_plane.ts";
import {
  cpuProgram,
  epilogueSlots,
  identityWords,
  LANES,
  touchedSlots,
  touches,
} from "./convolution_cpu_weight.ts";
import { type ConvolutionProblem, epilogueConstants } from "./convolution_problem.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";

/** Sizes that follow from a problem. */
export interface WinogradSizes {
  /** Results of a tile along an axis. */
  readonly outputs: 2 | 4;
  /** Places of a transformed tile along an axis, and all of them. */
  readonly tile: number;
  readonly points: number;
  readonly tilesH: number;
  readonly tilesW: number;
  readonly tiles: number;
  /** Input channels in vectors of four. */
  readonly quads: number;
  /** Output channels in blocks of eight. */
  readonly blocks: number;
  /** Tiles of a chunk. */
  readonly chunk: number;
  /** Vectors from point to point of what lies before and behind the product. */
  readonly vStep: number;
  readonly mStep: number;
  /** Of the product for any shape: blocks and tiles that one invocation multiplies, and vectors from channel to channel. */
  readonly lanes?: {
    readonly blocksTogether: number;
    readonly tilesTogether: number;
    readonly step: number;
  };
  /**
   * Of the product that keeps weights on the stack: filters of a lane, passes and their input channels in vectors, and
   * parts of a chunk's tiles.
   */
  readonly stack?: {
    readonly together: 4 | 8;
    readonly passes: number;
    readonly quads: number;
    readonly split: number;
  };
}

/** Whether tiles lie in planes along a depth. */
export function isDeep({ kernel, size, inputSize }: ConvolutionProblem): boolean {
  return kernel[0] > 1 || size[0] > 1 || inputSize[0] > 1;
}

/** Slots of the operands: the input and its transform, the weight's, the product, and what the epilogue takes and gives. */
export type WinogradSlots = Readonly<
  Record<"x" | "v" | "u" | "m" | "bias" | "residual" | "y", number>
>;

/** Some of the tiles, from plane to plane of an image, or of all images where they have but one. */
interface Part {
  readonly start: number;
  readonly tiles: number;
  readonly planes: number;
}

/** The results of three dispatches. */
export interface WinogradChunk extends Part {
  /** Where the first image begins. */
  readonly image: number;
  /** The same of the input. */
  readonly input: Part;
  /** The plane of that part under the first tap of the first plane; negative in the padding. */
  readonly firstPlane: number;
}

/** Makes the three dispatches of a chunk. */
type Steps = (
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  sizes: WinogradSizes,
  chunk: WinogradChunk,
  slots: WinogradSlots,
) => Dispatch[];

/**
 * Local size of a transform. Neighboring tiles lie side by side in each point's plane: a workgroup of many subgroups fills
 * whole pages of it one after the other (1.4 times as fast as one subgroup), as long as there are workgroups for each thread.
 */
function transformLocalSize(tiles: number, quads: number): number {
  return Math.ceil(tiles / 64) * quads >= 16
    ? Math.min(64, Math.ceil(tiles / LANES) * LANES)
    : cpuLocalSize(tiles, quads);
}

/**
 * Local sizes of the transforms whose tiles lie with all their channels: small, so that these lie in the second-level cache
 * until the workgroups of the other channels have taken or written their parts of the lines (64: 0.9 times as fast).
 */
const BY_TILE_SIZE = LANES;
const OCTETS_SIZE = 16;
/** Tiles of a workgroup below which the next weights come too late, unless they are asked for ahead (6 %). */
const FEW_TILES = 16;

/** Whether rows of the input are whole vectors, and begin at such. */
function loadsVectors({ input, inputSize }: ConvolutionProblem, outputs: number): boolean {
  return outputs === 4 && input.w === 1 && inputSize[2] % 4 === 0 &&
    [input.n, input.c, input.h].every((step) => step % 4 === 0);
}

/** From plane to plane of a tensor. */
function planeStep({ n, d }: ConvolutionProblem["input"], depth: number): number {
  return depth > 1 ? d : n;
}

/** Push words about the input. */
function inputWords(problem: ConvolutionProblem): Record<string, number> {
  const { input, inputSize, padding } = problem;
  return {
    channels: problem.channels,
    x_height: inputSize[1],
    x_width: inputSize[2],
    pad_h: padding[1],
    x_step_n: planeStep(input, inputSize[0]),
    x_step_c: input.c,
    x_step_h: input.h,
    x_step_w: input.w,
  };
}

/** The last transform, one tile a lane. */
function invert(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  sizes: WinogradSizes,
  { start, tiles, image }: WinogradChunk,
  { m, bias, residual, y }: WinogradSlots,
): Dispatch {
  const { output, size, filters } = problem;
  const vectorStore = sizes.outputs === 4 && storedTogether(problem) >= 4;
  const quads = Math.ceil(filters / 4);
  const byTile = sizes.stack !== undefined;
  const localSize = byTile ? BY_TILE_SIZE : transformLocalSize(tiles, quads);
  const groups = Math.ceil(tiles / localSize);
  return makeDispatch(
    cpuProgram(capabilities, "cpu_winograd_output"),
    {
      local_size_x: localSize,
      tile: sizes.tile,
      vector_store: vectorStore ? 1 : 0,
      touch: touches(capabilities) && vectorStore ? 1 : 0,
      by_tile: byTile ? 1 : 0,
      ...epilogueConstants(problem),
    },
    {
      tiles,
      tile_start: start,
      tiles_h: sizes.tilesH,
      tiles_w: sizes.tilesW,
      m_step: sizes.mStep,
      quad_step: byTile ? 1 : sizes.lanes!.step,
      tile_step: byTile ? sizes.blocks * 2 : 1,
      channels: filters,
      out_h: size[1],
      out_w: size[2],
      y_start: image * output.n,
      y_step_n: planeStep(output, problem.size[0]),
      y_step_c: output.c,
      y_step_h: output.h,
      y_step_w: output.w,
    },
    epilogueSlots(capabilities, m, bias, residual, y),
    byTile ? [quads, groups, 1] : [groups, quads, 1],
  );
}

/** The steps for any shape: planes of tiles. */
export const planeSteps: Steps = (capabilities, problem, sizes, chunk, slots) => {
  const { tile, points, quads, blocks } = sizes;
  const { blocksTogether, tilesTogether, step } = sizes.lanes!;
  const { start, tiles } = chunk;
  const { x, v, u, m } = slots;
  const localSize = transformLocalSize(tiles, quads);
  const touch = touches(capabilities) ? 1 : 0;
  const transform = makeDispatch(
    cpuProgram(capabilities, "cpu_winograd_input"),
    {
      local_size_x: localSize,
      tile,
      pad_w: problem.padding[2],
      vector_load: loadsVectors(problem, sizes.outputs) ? 1 : 0,
      touch,
    },
    {
      tiles,
      tile_start: start,
      tile_step: step,
      tiles_h: sizes.tilesH,
      tiles_w: sizes.tilesW,
      quads,
      ...inputWords(problem),
    },
    touchedSlots(capabilities, x, x, v),
    [Math.ceil(tiles / localSize), quads, 1],
  );
  const multiply = makeDispatch(
    cpuProgram(capabilities, "cpu_winograd_gemm"),
    { local_size_x: LANES, tiles: tilesTogether, blocks: blocksTogether, touch },
    { quads, blocks, tile_step: step, ...identityWords(capabilities) },
    touchedSlots(capabilities, v, u, m),
    [blocks / blocksTogether, Math.ceil(tiles / (LANES * tilesTogether)), points],
  );
  return [transform, multiply, invert(capabilities, problem, sizes, chunk, slots)];
};

/** The last transform, two tiles of a row in a lane. */
function invertPairs(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  sizes: WinogradSizes,
  { start, tiles, image }: WinogradChunk,
  { m, bias, residual, y }: WinogradSlots,
): Dispatch {
  const { output, size, filters } = problem;
  const pairs = tiles / 2;
  return makeDispatch(
    programs["convolution/cpu_winograd_rows.texel"],
    { local_size_x: BY_TILE_SIZE, tile: sizes.tile, ...epilogueConstants(problem) },
    {
      pairs,
      pair_start: start / 2,
      tiles_h: sizes.tilesH,
      pairs_w: sizes.tilesW / 2,
      out_quads: sizes.blocks * 2,
      m_step: sizes.mStep,
      channels: filters,
      out_h: size[1],
      y_start: image * output.n,
      y_step_n: planeStep(output, problem.size[0]),
      y_step_c: output.c,
      y_step_h: output.h,
    },
    touchedSlots(capabilities, m, bias, residual, y),
    [Math.ceil(filters / 4), Math.ceil(pairs / BY_TILE_SIZE), 1],
  );
}

/** The steps of the product that keeps weights on the stack: tiles with all their channels. */
export const tileSteps: Steps = (capabilities, problem, sizes, chunk, slots) => {
  const { tile, points, quads, blocks, tilesW, outputs } = sizes;
  const { together, passes, split, quads: passQuads } = sizes.stack!;
  const { tiles, planes, input } = chunk;
  const taps = problem.kernel[0];
  const deep = isDeep(problem);
  const parts = deep ? 1 : split;
  const { x, v, u, m } = slots;
  const padW = problem.padding[2];
  const vectorLoad = loadsVectors(problem, outputs) && padW <= 4 &&
    tilesW * 4 >= problem.inputSize[2];
  const transform = makeDispatch(
    programs["convolution/cpu_winograd_octets.texel"],
    { local_size_x: OCTETS_SIZE, tile, pad_w: padW, vector_load: vectorLoad ? 1 : 0 },
    {
      tiles: input.tiles,
      tile_start: input.start,
      all_tiles: deep ? input.start + input.tiles : sizes.tiles,
      tiles_h: sizes.tilesH,
      tiles_w: tilesW,
      quads,
      v_step: sizes.vStep,
      x_start: chunk.image * problem.input.n,
      ...inputWords(problem),
    },
    touchedSlots(capabilities, x, x, v),
    [quads / 4, Math.ceil(input.tiles * 2 / OCTETS_SIZE), 1],
  );
  const multiply = makeDispatch(
    programs["convolution/cpu_winograd_product.texel"],
    {
      local_size_x: LANES,
      filters: together,
      quads: passQuads,
      passes: passes * taps,
      ahead: tiles / planes <= FEW_TILES ? 2 : 0,
      taps,
    },
    {
      quads,
      channels: blocks * LANES,
      tiles: Math.ceil(tiles / planes / parts),
      v_step: sizes.vStep,
      m_step: sizes.mStep,
      parts,
      plane: tiles / planes,
      v_planes: input.planes,
      first_plane: chunk.firstPlane,
    },
    touchedSlots(capabilities, v, u, m),
    [blocks / together, planes * parts, points],
  );
  const pairs = outputs === 4 && storedTogether(problem) === 8;
  const inverse = (pairs ? invertPairs : invert)(capabilities, problem, sizes, chunk, slots);
  return [transform, multiply, inverse];
};
