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
import { type Capabilities, makeDispatch, type Slot } from "./plan.ts";

/** Where the packed image has its places and quads, in vec4s. */
export interface PackedImage {
  readonly byteLength: number;
  readonly n: number;
  readonly p: number;
  readonly u: number;
}

/** Quads that one invocation packs, so that divisions are shared. */
const QUADS_TOGETHER = 16;

/**
 * The form of the packed input.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @returns Size and strides; behind the places of each image lies one of zeros.
 */
export function packedImage(
  capabilities: Capabilities,
  problem: DeformableProblem,
): PackedImage {
  const columns = problem.places + 1;
  const byteLength = problem.batch * columns * problem.quads * 16;
  checkBytes(capabilities, problem, "the packed channels", byteLength);
  // Lanes run along places. A GPU reads together what lies together; a CPU device profits from walking along the quads.
  return capabilities.deviceClass === "cpu"
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
  const blocks = Math.ceil(quads / QUADS_TOGETHER);
  return makeDispatch(
    deformableProgram(capabilities, "pack_image"),
    { local_size_x: plainLocalSize(capabilities), panels: 0 },
    {
      columns,
      columns_per_image: places + 1,
      places,
      blocks,
      quads_per_block: QUADS_TOGETHER,
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

/** Quads of the filters of one group. */
export function filterQuads({ filters, groups }: DeformableProblem): number {
  return Math.ceil(filters / groups / 4);
}

/** Bytes of the head gradient in panels. */
export function headPanelBytes(capabilities: Capabilities, problem: DeformableProblem): number {
  const panels = Math.ceil(problem.runs / 8);
  const bytes = panels * problem.groups * filterQuads(problem) * 512;
  return checkBytes(capabilities, problem, "the packed head gradients", bytes);
}

/** Packs the head gradient as the right operand of a product over filters. */
export function packHeadPanels(
  capabilities: Capabilities,
  problem: DeformableProblem,
  slots: readonly [head: number, packed: number],
): Dispatch {
  const quads = problem.groups * filterQuads(problem);
  const columns = problem.runs * 4;
  const blocks = Math.ceil(quads / QUADS_TOGETHER);
  return makeDispatch(
    deformableProgram(capabilities, "pack_image"),
    { local_size_x: plainLocalSize(capabilities), panels: 1 },
    {
      columns,
      columns_per_image: problem.runsPerImage * 4,
      places: problem.outputs,
      blocks,
      quads_per_block: QUADS_TOGETHER,
      quads,
      segment: problem.filters / problem.groups,
      segment_quads: filterQuads(problem),
      from_n: problem.output.n,
      from_c: problem.output.c,
      from_p: problem.output.p,
      to_c: quads * 32,
      to_u: 0,
    },
    slots,
    gridForItems(capabilities, columns * blocks),
  );
}

/** Blocks of eight rows as the products want them: an even number, or one. */
export function rowBlocks(rows: number): number {
  const blocks = Math.ceil(rows / 8);
  return blocks === 1 ? 1 : blocks + blocks % 2;
}

/** Vec4s of the head gradient as the left operand of a product over outputs. */
export function headRowVectors(capabilities: Capabilities, problem: DeformableProblem): number {
  const { groups, filters, runs } = problem;
  const vectors = groups * rowBlocks(filters / groups) * runs * 8;
  checkBytes(capabilities, problem, "the packed head gradients", vectors * 16);
  return vectors;
}

/** Packs the head gradient as the left operand of a product over outputs. */
export function packHeadRows(
  capabilities: Capabilities,
  problem: DeformableProblem,
  slots: readonly [head: number, packed: number],
): Dispatch {
  const total = headRowVectors(capabilities, problem);
  return makeDispatch(
    deformableProgram(capabilities, "pack_rows"),
    { local_size_x: plainLocalSize(capabilities) },
    {
      total,
      runs: problem.runs,
      runs_per_image: problem.runsPerImage,
      places: problem.outputs,
      blocks: rowBlocks(problem.filters / problem.groups),
      channels: problem.filters / problem.groups,
      from_n: problem.output.n,
      from_c: problem.output.c,
      from_p: problem.output.p,
    },
    slots,
    gridForItems(capabilities, total),
  );
}

/**
 * The prepared slot of the weight as the left operand of a product.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param source Index of the weight among the inputs.
 * @param transposed Rows are columns of the convolution and the product runs over filters; else the other way round.
 * @returns The slot.
 */
export function packedWeight(
  capabilities: Capabilities,
  problem: DeformableProblem,
  source: number,
  transposed: boolean,
): Slot {
  const { groups, filters, weight, groupDepth } = problem;
  const rows = transposed ? groupDepth * 4 : filters / groups;
  const depth = transposed ? filterQuads(problem) : groupDepth;
  const blocks = rowBlocks(rows);
  const total = groups * blocks * depth * 8;
  checkBytes(capabilities, problem, "the packed weights", total * 16);
  const words = {
    total,
    blocks,
    depth,
    filters: filters / groups,
    places: groupDepth,
    group_quads: problem.groupQuads,
    segment: problem.segment,
    segment_quads: problem.segmentQuads,
    from_o: weight.o,
    from_c: weight.c,
    from_t: weight.t,
  };
  const program = deformableProgram(capabilities, "pack_weight");
  return {
    role: "prepared",
    // Everything that the contents depend on, besides the weight itself.
    key: `deformable:${transposed}:${Object.values(words)}`,
    source,
    byteLength: total * 16,
    dispatches: [
      makeDispatch(
        program,
        { local_size_x: plainLocalSize(capabilities), transposed: transposed ? 1 : 0 },
        words,
        [0, 1],
        gridForItems(capabilities, total),
      ),
    ],
  };
}

/**
 * Samples the columns of one chunk.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param image Form of the packed input.
 * @param chunk Which outputs.
 * @param slots Packed input, offset, mask (the offset again where there is none), columns.
 * @param transposed Four outputs to a vec4, for the gradient of the weight, instead of four channels.
 * @returns The dispatch.
 */
export function sampleColumns(
  capabilities: Capabilities,
  problem: DeformableProblem,
  image: PackedImage,
  chunk: Chunk,
  slots: readonly [input: number, offset: number, mask: number, columns: number],
  transposed: boolean,
): Dispatch {
  const { taps, deformableGroups, deformableQuads, groupDepth } = problem;
  // Coordinates cost about as much as eight quads; a GPU needs many invocations more.
  const share = capabilities.deviceClass === "cpu" ? 64 : 8;
  const splits = Math.ceil(deformableQuads / share);
  const parts = taps * deformableGroups * splits;
  return makeDispatch(
    deformableProgram(capabilities, "sample"),
    {
      local_size_x: plainLocalSize(capabilities),
      transposed: transposed ? 1 : 0,
      ...samplerConstants(problem),
    },
    {
      ...samplerWords(problem),
      runs: chunk.runs,
      run_start: chunk.start,
      splits,
      parts,
      depth: transposed ? Math.ceil(groupDepth / 8) * chunk.runs * 32 : problem.depth,
      x_n: image.n,
      x_p: image.p,
      x_u: image.u,
    },
    slots,
    gridForItems(capabilities, chunk.runs * parts),
  );
}
