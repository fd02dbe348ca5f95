// The gradient of the data of a deformable convolution: gradients of columns are added to the neighbors of each sample.
// Two ways, both with equal bits in every run: on CPU devices one invocation walks all samples for its channels; on
// others integers of 64 bits are added atomically.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import {
  checkBytes,
  type Chunk,
  type DeformableProblem,
  deformableProgram,
  samplerConstants,
  samplerWords,
} from "./deformable_problem.ts";
import { planFill } from "./elementwise.ts";
import { foldGrid, gridForItems, plainLocalSize } from "./grid.ts";
import { type Capabilities, makeDispatch, type Slot } from "./plan.ts";

/** Slots of a plan that a scatter works on; it adds its own temporaries. */
export interface ScatterSlots {
  readonly slots: Slot[];
  readonly offset: number;
  readonly mask: number;
  /** Gradients of the columns of one chunk. */
  readonly columns: number;
  readonly output: number;
  /** Where the gradient begins in the output. */
  readonly outputStart: number;
}

/** The dispatches of a scatter. */
export interface Scatter {
  /** Adds one chunk. */
  add(chunk: Chunk, first: boolean): Dispatch[];
  /** Brings the sums into the layout of the data. */
  readonly finish: Dispatch;
}

function sumVectors({ batch, places, quads }: DeformableProblem): number {
  return batch * (places + 1) * quads;
}

function unpack(
  capabilities: Capabilities,
  problem: DeformableProblem,
  sums: number,
  { output, outputStart }: ScatterSlots,
): Dispatch {
  const { inputCount, input } = problem;
  return makeDispatch(
    deformableProgram(capabilities, "unpack_image"),
    {
      local_size_x: plainLocalSize(capabilities),
      channels_inner: input.c === 1 ? 1 : 0,
    },
    {
      total: inputCount,
      channels: problem.channels,
      places: problem.places,
      quads: problem.quads,
      segment: problem.segment,
      segment_quads: problem.segmentQuads,
      to_start: outputStart,
    },
    [sums, output],
    gridForItems(capabilities, Math.ceil(inputCount / 4)),
  );
}

/** Plans a scatter without atomics. */
export function scatterWalk(
  capabilities: Capabilities,
  problem: DeformableProblem,
  given: ScatterSlots,
): Scatter {
  const { slots, offset, mask, columns } = given;
  const byteLength = sumVectors(problem) * 16;
  checkBytes(capabilities, problem, "the packed data gradients", byteLength);
  const sums = slots.push({ role: "temporary", byteLength }) - 1;
  const items = problem.batch * problem.quads;
  const localSize = 8;
  return {
    add: (chunk, first) => [makeDispatch(
      deformableProgram(capabilities, "scatter_walk"),
      { local_size_x: localSize, ...samplerConstants(problem) },
      {
        ...samplerWords(problem),
        items,
        quads: problem.quads,
        clear: first ? problem.places + 1 : 0,
        run_start: chunk.start,
        run_end: chunk.start + chunk.runs,
        depth: problem.depth,
      },
      [offset, mask, columns, sums],
      foldGrid(capabilities, Math.ceil(items / localSize)),
    )],
    finish: unpack(capabilities, problem, sums, given),
  };
}

/** Plans a scatter in fixed point. */
export function scatterFixed(
  capabilities: Capabilities,
  problem: DeformableProblem,
  given: ScatterSlots,
): Scatter {
  const { slots, offset, mask, columns } = given;
  const vectors = sumVectors(problem);
  const pairBytes = checkBytes(
    capabilities,
    problem,
    "the data gradients in fixed point",
    vectors * 32,
  );
  const temporary = (byteLength: number): number =>
    slots.push({ role: "temporary", byteLength }) - 1;
  const scale = temporary(16);
  const pairs = temporary(pairBytes);
  const sums = temporary(vectors * 16);
  const fill = (slot: number, byteLength: number): Dispatch => ({
    ...planFill(capabilities, 0, byteLength).dispatches[0]!,
    slots: [slot],
  });
  const program = capabilities.int64Atomics
    ? programs["deformable/scatter_fixed.wide"]
    : deformableProgram(capabilities, "scatter_fixed");
  const step = (index: number, chunk: Chunk, first: boolean): Dispatch => {
    const items = index === 2 ? vectors * 4 : chunk.runs * 4 * problem.taps * problem.quads;
    return makeDispatch(
      program,
      {
        local_size_x: plainLocalSize(capabilities),
        step: index,
        first: first ? 1 : 0,
        ...samplerConstants(problem),
      },
      {
        ...samplerWords(problem),
        items,
        quads: problem.quads,
        run_start: chunk.start,
        depth: problem.depth,
      },
      [offset, mask, columns, scale, pairs, sums],
      gridForItems(capabilities, items),
    );
  };
  return {
    add: (chunk, first) => [
      fill(scale, 16),
      fill(pairs, pairBytes),
      step(0, chunk, first),
      step(1, chunk, first),
      step(2, chunk, first),
    ],
    finish: unpack(capabilities, problem, sums, given),
  };
}
