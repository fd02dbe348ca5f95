// The gradient of the data of a deformable convolution: gradients of columns are added to the neighbors of each sample.
// Two ways, both with equal bits in every run: on CPU devices one invocation walks all samples for its channels; on GPUs
// places gather what the samples around them give.

import type { Dispatch } from "../core/dispatch.ts";
import { gatherSamples } from "./deformable_gather.ts";
import {
  checkBytes,
  type Chunk,
  type DeformableProblem,
  deformableProgram,
  samplerConstants,
  samplerWords,
} from "./deformable_problem.ts";
import { type ColumnGradients, planesConstant } from "./deformable_product.ts";
import { foldGrid, gridForItems, plainLocalSize } from "./grid.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";
import type { Slots } from "./slots.ts";

/** How gradients of the data are added up. */
export type ScatterVariant = "walk" | "gather";

/** What a scatter works on; it adds its own temporaries to the slots. */
export interface ScatterGiven {
  readonly slots: Slots;
  /** Slots of the mask (that of the offset where there is none) and of the gradients of the columns of one chunk. */
  readonly mask: number;
  readonly gradients: number;
  readonly columns: ColumnGradients;
  readonly output: number;
  /** Where the gradient begins in the output. */
  readonly outputStart: number;
  readonly chunks: readonly Chunk[];
}

/** The dispatches of a scatter. */
export interface Scatter {
  /** Adds one chunk. */
  add(chunk: Chunk): Dispatch[];
  /** Brings the sums into the layout of the data. */
  readonly finish: readonly Dispatch[];
}

/**
 * Plans the addition of gradients of columns to those of the data.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param variant What to force; by default the device decides.
 * @param given What it works on.
 * @returns Dispatches for each chunk.
 * @throws {LimitError} If a temporary exceeds what the device binds.
 */
export function planScatter(
  capabilities: Capabilities,
  problem: DeformableProblem,
  variant: ScatterVariant | undefined,
  given: ScatterGiven,
): Scatter {
  const way = variant ?? (capabilities.deviceClass === "cpu" ? "walk" : "gather");
  return (way === "walk" ? scatterWalk : scatterGather)(capabilities, problem, given);
}

const OFFSET = 1;

function sumVectors({ batch, places, quads }: DeformableProblem): number {
  return batch * (places + 1) * quads;
}

/** The slot of sums in vectors, before they are brought into the layout of the data. */
function sumSlot(
  capabilities: Capabilities,
  problem: DeformableProblem,
  { slots }: ScatterGiven,
): number {
  const byteLength = sumVectors(problem) * 16;
  checkBytes(capabilities, problem, "the packed data gradients", byteLength);
  return slots.add("sums of data gradients", () => ({ role: "temporary", byteLength }));
}

function unpack(
  capabilities: Capabilities,
  problem: DeformableProblem,
  sums: number,
  { output, outputStart }: ScatterGiven,
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

/** Push words about the gradients of columns. */
function columnWords({ n, p, k }: ColumnGradients): Record<string, number> {
  return { column_n: n, column_p: p, column_k: k };
}

/** Without atomics. */
function scatterWalk(
  capabilities: Capabilities,
  problem: DeformableProblem,
  given: ScatterGiven,
): Scatter {
  const sums = sumSlot(capabilities, problem, given);
  const localSize = 8;
  return {
    add: ({ firstImage, images, firstOutput, outputs }) => {
      const items = images * problem.quads;
      return [makeDispatch(
        deformableProgram(capabilities, "scatter_walk"),
        {
          local_size_x: localSize,
          ...samplerConstants(problem),
          ...planesConstant(capabilities, given.columns),
        },
        {
          ...samplerWords(problem),
          ...columnWords(given.columns),
          items,
          quads: problem.quads,
          clear: firstOutput === 0 ? problem.places + 1 : 0,
          first_image: firstImage,
          first_output: firstOutput,
          end_output: firstOutput + outputs,
          deformable_quads: problem.deformableQuads,
          group_quads: problem.groupQuads,
        },
        [OFFSET, given.mask, given.gradients, sums],
        foldGrid(capabilities, Math.ceil(items / localSize)),
      )];
    },
    finish: [unpack(capabilities, problem, sums, given)],
  };
}

/** In lists of what falls around each place. */
function scatterGather(
  capabilities: Capabilities,
  problem: DeformableProblem,
  given: ScatterGiven,
): Scatter {
  // Images in one piece need no sums.
  if (given.chunks.every(({ outputs }) => outputs === problem.outputs)) {
    return {
      add: (chunk) => gatherSamples(capabilities, problem, given, chunk, given.output, true),
      finish: [],
    };
  }
  const sums = sumSlot(capabilities, problem, given);
  return {
    add: (chunk) => gatherSamples(capabilities, problem, given, chunk, sums, false),
    finish: [unpack(capabilities, problem, sums, given)],
  };
}
