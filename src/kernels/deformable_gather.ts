// The gradient of the data of a deformable convolution on GPUs, without atomics on the gradient itself: samples are listed
// by the cell they fall into, then every place adds up what the samples of the four cells around it give.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import {
  checkBytes,
  type Chunk,
  type DeformableProblem,
  samplerConstants,
  samplerWords,
} from "./deformable_problem.ts";
import type { ScatterGiven } from "./deformable_scatter.ts";
import { planFill } from "./elementwise.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";

/**
 * Plans the gathering of one chunk.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param given Slots, to which temporaries are added.
 * @param chunk The chunk.
 * @param result Slot of the result.
 * @param direct Whether the result is the gradient itself; else sums of vectors, to which later chunks of an image add.
 * @returns The dispatches.
 * @throws {LimitError} If a temporary exceeds what the device binds.
 */
export function gatherSamples(
  capabilities: Capabilities,
  problem: DeformableProblem,
  { slots, mask, gradients, columns, outputStart }: ScatterGiven,
  chunk: Chunk,
  result: number,
  direct: boolean,
): Dispatch[] {
  const { deformableGroups, taps, size, groupQuads, quads, places, input, inputCount } = problem;
  const planeCells = (size[0] + 1) * (size[1] + 1);
  const cells = chunk.images * deformableGroups * planeCells;
  const count = chunk.images * chunk.outputs;
  const samples = count * taps * deformableGroups;
  const temporary = (name: string, byteLength: number): number => {
    checkBytes(capabilities, problem, "lists of samples", byteLength);
    return slots.atLeast(`gather ${name}`, byteLength);
  };
  const counts = temporary("counts", (cells + 1) * 4);
  const starts = temporary("starts", cells * 4);
  const ranks = temporary("ranks", samples * 4);
  const entries = temporary("entries", samples * 16);
  const local_size_x = plainLocalSize(capabilities);
  const index = (step: number, items: number): Dispatch =>
    makeDispatch(
      programs["deformable/gather_index"],
      { local_size_x, step, ...samplerConstants(problem) },
      {
        ...samplerWords(problem),
        items,
        columns: count,
        items_per_image: chunk.outputs,
        first_image: chunk.firstImage,
        first_output: chunk.firstOutput,
        deformable_groups: deformableGroups,
        tap_floats: groupQuads * 4 * columns.k,
        column_n: columns.n,
        column_p: columns.p,
      },
      [1, mask, counts, starts, ranks, entries],
      gridForItems(capabilities, items),
    );
  const items = chunk.images * places * quads;
  const gapStart = outputStart + inputCount;
  const last = chunk.firstImage + chunk.images === problem.batch;
  const [fill] = planFill(capabilities, 0, (cells + 1) * 4).dispatches;
  return [
    { ...fill!, slots: [counts] },
    index(0, samples),
    index(1, cells),
    index(2, samples),
    makeDispatch(
      programs["deformable/gather"],
      {
        local_size_x,
        direct: direct ? 1 : 0,
        first: chunk.firstOutput === 0 ? 1 : 0,
        planes: columns.planes ? 1 : 0,
      },
      {
        items,
        quads,
        places,
        width: size[1],
        cells: planeCells,
        first_image: chunk.firstImage,
        deformable_groups: deformableGroups,
        deformable_quads: problem.deformableQuads,
        group_quads: groupQuads,
        group_floats: taps * groupQuads * 4 * columns.k,
        column_k: columns.k,
        segment: problem.segment,
        segment_quads: problem.segmentQuads,
        to_start: outputStart,
        to_n: input.n,
        to_c: input.c,
        to_p: input.p,
        gap_start: gapStart,
        gap: last ? (4 - gapStart % 4) % 4 : 0,
      },
      [gradients, counts, starts, entries, result],
      gridForItems(capabilities, items),
    ),
  ];
}
