// Dispatches that bring operands of deformable convolution into packed form, and sample its columns.

import type { Dispatch } from "../core/dispatch.ts";
import {
  checkBytes,
  type Chunk,
  type DeformableProblem,
  deformableProgram,
  samplerConstants,
  samplerWords,
} from "./deformable_problem.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";

/** Where the packed image has its places and quads, in vec4s. */
export interface PackedImage {
  readonly byteLength: number;
  readonly n: number;
  readonly p: number;
  readonly u: number;
}

/** Quads that one invocation of a CPU device packs, so that divisions are shared. */
const QUADS_TOGETHER = 16;

/**
 * The form of the packed input.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param byPlace Whether lanes run along the channels of a place; else they run along places.
 * @returns Size and strides; behind the places of each image lies one of zeros.
 */
export function packedImage(
  capabilities: Capabilities,
  problem: DeformableProblem,
  byPlace: boolean = false,
): PackedImage {
  const columns = problem.places + 1;
  const byteLength = problem.batch * columns * problem.quads * 16;
  checkBytes(capabilities, problem, "the packed channels", byteLength);
  // A GPU reads together what lies together; a CPU device profits from walking along the quads.
  return byPlace || capabilities.deviceClass === "cpu"
    ? { byteLength, n: columns * problem.quads, p: problem.quads, u: 1 }
    : { byteLength, n: columns, p: 1, u: problem.batch * columns };
}

/** Packs the input. */
export function packInput(
  capabilities: Capabilities,
  problem: DeformableProblem,
  image: PackedImage,
  slots: readonly [input: number, packed: number],
): Dispatch {
  const { batch, places, quads, input } = problem;
  const columns = batch * (places + 1);
  const together = capabilities.deviceClass === "cpu" ? QUADS_TOGETHER : 1;
  const blocks = Math.ceil(quads / together);
  return makeDispatch(
    deformableProgram(capabilities, "pack_image"),
    { local_size_x: plainLocalSize(capabilities) },
    {
      columns,
      columns_per_image: places + 1,
      places,
      blocks,
      quads_per_block: together,
      quads,
      segment: problem.segment,
      segment_quads: problem.segmentQuads,
      from_n: input.n,
      from_c: input.c,
      from_p: input.p,
      to_c: image.p,
      to_u: image.u,
    },
    slots,
    gridForItems(capabilities, columns * blocks),
  );
}

/** How columns are stored. */
export interface ColumnForm {
  /** Strides in elements: image, group, channel (of rows: output), tap. */
  readonly n: number;
  readonly g: number;
  readonly c: number;
  readonly t: number;
  /** Outputs of an image, those included that are filled up with zeros; a multiple of the places. */
  readonly outputs: number;
  /** Whether an output has its channels in a row; else a channel has its outputs. */
  readonly rows: boolean;
}

/** Columns as planes `[image][channel and tap][output]`, channels and taps in the order of the weight. */
export function columnPlanes(
  { channels, groups, taps, weight }: DeformableProblem,
  width: number,
): ColumnForm {
  const own = channels / groups * taps * width;
  // The weight of a filter lies without gaps, so its strides number the planes.
  const steps = { n: groups * own, g: own, c: weight.c * width, t: weight.t * width };
  return { ...steps, outputs: width, rows: false };
}

/**
 * Samples the columns of one chunk.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param image Form of the packed input.
 * @param chunk Which outputs.
 * @param columns How they are stored.
 * @param slots Packed input, offset, mask (the offset again where there is none), columns.
 * @param single Whether an invocation makes one output; else it makes four.
 * @returns The dispatch.
 */
export function sampleColumns(
  capabilities: Capabilities,
  problem: DeformableProblem,
  image: PackedImage,
  chunk: Chunk,
  columns: ColumnForm,
  slots: readonly [input: number, offset: number, mask: number, columns: number],
  single: boolean,
): Dispatch {
  const { taps, deformableGroups, deformableQuads } = problem;
  // Coordinates cost about as much as eight quads; a GPU needs many invocations more.
  const share = capabilities.deviceClass === "cpu" ? 64 : single ? 8 : 2;
  const splits = Math.ceil(deformableQuads / share);
  const parts = taps * deformableGroups * splits;
  const places = single ? 1 : 4;
  // Planes are filled to their end, with zeros behind the last output.
  const perImage = columns.outputs / places;
  const items = chunk.images * perImage;
  return makeDispatch(
    deformableProgram(capabilities, "sample"),
    {
      local_size_x: plainLocalSize(capabilities),
      places,
      rows: columns.rows ? 1 : 0,
      whole: problem.segment % 4 === 0 ? 1 : 0,
      ...samplerConstants(problem),
    },
    {
      ...samplerWords(problem),
      items,
      items_per_image: perImage,
      first_image: chunk.firstImage,
      first_output: chunk.firstOutput,
      end_output: chunk.firstOutput + chunk.outputs,
      splits,
      parts,
      deformable_quads: deformableQuads,
      segment: problem.segment,
      segment_quads: problem.segmentQuads,
      group_channels: problem.channels / problem.groups,
      column_n: columns.n,
      column_g: columns.g,
      column_c: columns.c,
      column_t: columns.t,
      x_n: image.n,
      x_p: image.p,
      x_u: image.u,
    },
    usesTexels(capabilities) ? [...slots, slots[3]] : slots,
    gridForItems(capabilities, items * parts),
  );
}
