// The gradient of a convolution with respect to its weight: variant table, chunks and their sum. The gradient of a
// transposed convolution's weight is the same with input and head gradient exchanged.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { LimitError } from "../core/errors.ts";
import {
  checkConvolutionLimits,
  type ConvolutionSettings,
  describeConvolution,
  geometryConstants,
  type Layout,
  product,
} from "./convolution_problem.ts";
import {
  planCpuGradient,
  prefersPrivate,
  supportsCpuGradient,
} from "./convolution_gradient_cpu.ts";
import {
  planFlatGradient,
  prefersFlatGradient,
  supportsFlatGradient,
} from "./convolution_gradient_flat.ts";
import {
  GRADIENT_TILES,
  planIgemmGradient,
  rankGradientTiles,
} from "./convolution_gradient_igemm.ts";
import {
  countChunks,
  type GradientParts,
  type GradientProblem,
  gradientWords,
} from "./convolution_gradient_problem.ts";
import { tileFits } from "./convolution_tiles.ts";
import { divisor } from "./divisor.ts";
import { planFill } from "./elementwise.ts";
import { foldGrid, gridForItems, plainLocalSize } from "./grid.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";
import { MOST_CANDIDATES, signatureOf, type TunableWork, tunedVariant } from "./tuning.ts";

/** One way to compute a weight gradient. */
export interface GradientVariant {
  readonly name: string;
  readonly supports: (problem: GradientProblem, capabilities: Capabilities) => boolean;
  /** Whether it should be chosen; asked in the order of the table, and only where it can. */
  readonly when: (problem: GradientProblem, capabilities: Capabilities) => boolean;
  readonly plan: (capabilities: Capabilities, problem: GradientProblem) => GradientParts;
}

/** All variants; the first that supports a problem and wants it is taken, and the last wants everything. */
export const GRADIENT_VARIANTS: readonly GradientVariant[] = [
  {
    name: "cpu_flat",
    supports: supportsFlatGradient,
    when: (problem, capabilities) =>
      prefersCpu(problem, capabilities) && prefersFlatGradient(problem),
    plan: planFlatGradient,
  },
  {
    name: "cpu_private",
    supports: supportsCpuGradient,
    when: (problem, capabilities) => prefersCpu(problem, capabilities) && prefersPrivate(problem),
    plan: (capabilities, problem) => planCpuGradient(capabilities, problem, true),
  },
  {
    name: "cpu",
    supports: supportsCpuGradient,
    when: prefersCpu,
    plan: (capabilities, problem) => planCpuGradient(capabilities, problem, false),
  },
  {
    name: "igemm",
    supports: (_, capabilities) => GRADIENT_TILES.some((tile) => tileFits(tile, capabilities)),
    // Shared memory and barriers cost a CPU device more than they save; small groups leave a tile empty.
    when: (problem, capabilities) =>
      capabilities.deviceClass !== "cpu" && problem.filters / problem.groups >= 8 &&
      problem.weightCount / problem.filters >= 8,
    plan: (capabilities, problem) =>
      planIgemmGradient(capabilities, problem, rankGradientTiles(capabilities, problem)[0]!),
  },
  // Each tile under its own name, to be forced by tests and benches.
  ...GRADIENT_TILES.map((tile): GradientVariant => ({
    name: `igemm_${tile.name}`,
    supports: (_, capabilities) => tileFits(tile, capabilities),
    when: () => false,
    plan: (capabilities, problem) =>
      planIgemmGradient(
        capabilities,
        problem,
        rankGradientTiles(capabilities, problem, [tile])[0]!,
      ),
  })),
  { name: "direct", supports: () => true, when: () => true, plan: planDirectGradient },
];

/** Products below which a CPU device compiles a fast kernel for longer than it ever saves. */
const FEW_FLOPS = 5e5;

function prefersCpu(problem: GradientProblem, capabilities: Capabilities): boolean {
  return capabilities.deviceClass === "cpu" && gradientFlops(problem) >= FEW_FLOPS;
}

/** Operations of the definition. */
function gradientFlops({ outputCount, weightCount, filters }: GradientProblem): number {
  return 2 * outputCount * (weightCount / filters);
}

function planDirectGradient(capabilities: Capabilities, problem: GradientProblem): GradientParts {
  const [depth, height, width] = problem.size;
  const rows = problem.batch * depth * height;
  const busy = capabilities.deviceClass === "cpu" ? 1_024 : 65_536;
  const wanted = countChunks(capabilities, problem, Math.min(rows, busy / problem.weightCount));
  const chunkRows = Math.ceil(rows / wanted);
  const chunks = Math.ceil(rows / chunkRows);
  const count = problem.weightCount * chunks;
  const texel = capabilities.loadPath === "texel" &&
    Math.max(problem.inputCount, problem.outputCount) <= capabilities.maxTexelBufferElements;
  return {
    name: "direct",
    chunks,
    dispatch: (chunkStep) =>
      makeDispatch(
        programs[
          texel
            ? "convolution/weight_gradient_direct.texel"
            : "convolution/weight_gradient_direct.storage"
        ],
        {
          local_size_x: plainLocalSize(capabilities),
          channel_last: problem.channelLast ? 1 : 0,
          ...geometryConstants(problem),
        },
        {
          count,
          elements: problem.weightCount,
          chunk_step: chunkStep,
          chunk_rows: chunkRows,
          rows,
          out_d: depth,
          out_h: height,
          out_w: width,
          ...gradientWords(problem),
        },
        [0, 1, 2],
        gridForItems(capabilities, count),
      ),
  };
}

/** Chunks that one invocation loads at once, and invocations that share the chunks of an element at most. */
const AHEAD = 8;
const MOST_LANES = 32;

/** Invocations that share the chunks of an element: a few loads each, where elements are too few for the device. */
function sumLanes(capabilities: Capabilities, quads: number, chunks: number): number {
  if (capabilities.deviceClass === "cpu") return 1;
  const local = plainLocalSize(capabilities);
  let lanes = 1;
  while (
    lanes < MOST_LANES && local % (2 * lanes) === 0 && chunks > AHEAD * lanes &&
    quads * lanes < 2 * local * capabilities.processors
  ) lanes *= 2;
  return lanes;
}

/** Adds up partial weights, in order. */
function sumChunks(
  capabilities: Capabilities,
  { weightCount, channels, groups, kernel }: GradientProblem,
  { chunks, tapMajor = false }: GradientParts,
  slots: readonly number[],
): Dispatch {
  const quads = Math.ceil(weightCount / 4);
  const groupChannels = divisor(channels / groups);
  const texel = capabilities.loadPath === "texel" &&
    quads * chunks <= capabilities.maxTexelBufferElements;
  const lanes = sumLanes(capabilities, quads, chunks);
  const columns = plainLocalSize(capabilities) / lanes;
  return makeDispatch(
    programs[
      texel ? "convolution/weight_gradient_sum.texel" : "convolution/weight_gradient_sum.storage"
    ],
    { local_size_x: lanes * columns, lanes, columns, taps: tapMajor ? product(kernel) : 1 },
    {
      quads,
      chunks,
      channels: channels / groups,
      channels_multiplier: groupChannels.multiplier,
      channels_shift: groupChannels.shift,
    },
    slots,
    foldGrid(capabilities, Math.ceil(quads / columns)),
  );
}

function describeGradient(settings: ConvolutionSettings): GradientProblem {
  const order: Layout = settings.weightLayout ?? settings.layout;
  return { ...describeConvolution(settings), channelLast: order.indexOf("C") !== 1 };
}

function chosenRow(capabilities: Capabilities, problem: GradientProblem): GradientVariant {
  return GRADIENT_VARIANTS.find(({ supports, when }) =>
    supports(problem, capabilities) && when(problem, capabilities)
  )!;
}

/**
 * Plans the gradient of a convolution's weight in float32:
 * `dw[o, c, k] = sum over n, q of g[n, o, q] * x[n, c, q * stride - padding + k * dilation]`.
 *
 * @param capabilities The device.
 * @param settings The convolution; its epilogue does not count.
 * @param variant Name of a variant to force; by default what was measured, else the table chooses.
 * @returns Inputs 0 input and 1 head gradient (of the convolution's result), output 0 of the weight's shape.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 * @throws {LimitError} If a tensor exceeds what the device binds, or a forced variant cannot compute the problem.
 */
export function planWeightGradient(
  capabilities: Capabilities,
  settings: ConvolutionSettings,
  variant?: string,
): Plan {
  const problem = describeGradient(settings);
  const work = {
    flops: gradientFlops(problem),
    bytes: 4 * (problem.inputCount + problem.weightCount + problem.outputCount),
  };
  if (problem.outputCount === 0) {
    // No image: the sum over nothing.
    const fill = planFill(capabilities, 0, problem.weightCount * 4);
    return {
      ...work,
      label: "WeightGradient/zero",
      slots: fill.slots,
      dispatches: fill.dispatches,
    };
  }
  checkConvolutionLimits(capabilities, problem);
  const forced = variant ?? tunedVariant(
    capabilities,
    "WeightGradient",
    settings,
    () => weightGradientCandidates(capabilities, settings),
  );
  const row = forced === undefined
    ? chosenRow(capabilities, problem)
    : GRADIENT_VARIANTS.find(({ name }) => name === forced);
  if (row === undefined || !row.supports(problem, capabilities)) {
    const names = GRADIENT_VARIANTS.map(({ name }) => name).join(", ");
    throw new LimitError(
      `Cannot force variant ${forced} of a weight gradient: it ` +
        (row === undefined ? `is not among ${names}` : "does not support this shape or device"),
    );
  }
  const parts = row.plan(capabilities, problem);
  const { name, chunks, dispatch, copies = new Map() } = parts;
  const slots: Slot[] = [{ role: "input", index: 0 }, { role: "input", index: 1 }];
  const temporary = (byteLength: number): number =>
    slots.push({ role: "temporary", byteLength }) - 1;
  const quads = Math.ceil(problem.weightCount / 4);
  const output = slots.push({ role: "output", index: 0 }) - 1;
  const partial = chunks === 1 ? output : temporary(quads * 16 * chunks);
  const dispatches: Dispatch[] = [];
  const places = [0, 1, partial];
  for (const [operand, copy] of copies) {
    places[operand] = temporary(copy.byteLength);
    dispatches.push(copy.dispatch([operand, places[operand]!]));
  }
  const main = dispatch(chunks === 1 ? 0 : quads * 4);
  dispatches.push({ ...main, slots: main.slots.map((slot) => places[slot]!) });
  if (chunks > 1) dispatches.push(sumChunks(capabilities, problem, parts, [partial, output]));
  return { ...work, label: `WeightGradient/${name}`, slots, dispatches };
}

/**
 * Variants of a weight gradient that are worth measuring against each other.
 *
 * @param capabilities The device.
 * @param settings The convolution.
 * @returns Names for {@linkcode planWeightGradient}, what it would choose first; none where there is nothing to add up.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function weightGradientCandidates(
  capabilities: Capabilities,
  settings: ConvolutionSettings,
): readonly string[] {
  const problem = describeGradient(settings);
  if (problem.outputCount === 0) return [];
  const cpu = capabilities.deviceClass === "cpu";
  const rows = GRADIENT_VARIANTS.filter(({ name, supports }) =>
    // The row "igemm" is one of its tiles.
    name !== "igemm" && (cpu ? !name.startsWith("igemm") : !name.startsWith("cpu")) &&
    supports(problem, capabilities)
  ).map(({ name }) => name);
  const row = chosenRow(capabilities, problem);
  const chosen = row.plan(capabilities, problem).name; // that of the tile, where there are several
  return [chosen, ...rows.filter((name) => name !== chosen)].slice(0, MOST_CANDIDATES);
}

/**
 * A weight gradient as work to be tuned.
 *
 * @param capabilities The device.
 * @param settings The convolution.
 * @returns Its name and its candidates.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function weightGradientWork(
  capabilities: Capabilities,
  settings: ConvolutionSettings,
): TunableWork {
  return {
    signature: signatureOf(capabilities, "WeightGradient", settings),
    candidates: weightGradientCandidates(capabilities, settings),
  };
}
