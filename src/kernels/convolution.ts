// The variant table of convolutions: which kernel runs which shape on which device.

import { LimitError } from "../core/errors.ts";
import {
  planCpuColumns,
  prefersCpuColumns,
  supportsCpuColumns,
} from "./convolution_cpu_columns.ts";
import { planCpuFew, prefersCpuFew, supportsCpuFew } from "./convolution_cpu_few.ts";
import { planCpuFlat, prefersCpuFlat, supportsCpuFlat } from "./convolution_cpu_flat.ts";
import {
  planCpuConvolution,
  prefersCpuConvolution,
  supportsCpuConvolution,
} from "./convolution_cpu.ts";
import { planCpuDepthwise, supportsCpuDepthwise } from "./convolution_cpu_depthwise.ts";
import {
  planCpuGrouped,
  prefersCpuGrouped,
  supportsCpuGrouped,
} from "./convolution_cpu_grouped.ts";
import { planCpuLanes, prefersCpuLanes, supportsCpuLanes } from "./convolution_cpu_lanes.ts";
import {
  planCpuMultiple,
  prefersCpuMultiple,
  supportsCpuMultiple,
} from "./convolution_cpu_multiple.ts";
import {
  planCpuPointwise,
  prefersCpuPointwise,
  supportsCpuPointwise,
} from "./convolution_cpu_pointwise.ts";
import { planCpuRow, prefersCpuRow, supportsCpuRow } from "./convolution_cpu_row.ts";
import { cpuStationary } from "./convolution_cpu_stationary.ts";
import { cpuStrided } from "./convolution_cpu_strided.ts";
import {
  hasPlainWinograd,
  planCpuWinograd,
  prefersCpuWinograd,
  supportsCpuWinograd,
} from "./convolution_cpu_winograd.ts";
import { planIgemmConvolution } from "./convolution_igemm.ts";
import { planCooperativeConvolution, prefersCooperative, supportsParts } from "./cooperative.ts";
import { planDirectConvolution } from "./convolution_direct.ts";
import {
  checkConvolutionLimits,
  type ConvolutionProblem,
  type ConvolutionSettings,
  convolutionSlots,
  describeConvolution,
} from "./convolution_problem.ts";
import { planTapsConvolution, prefersTaps, supportsTaps } from "./convolution_taps.ts";
import { LAUNCH_PRODUCTS, rankTiles, type Tile, tileFits, TILES } from "./convolution_tiles.ts";
import { planWindowConvolution, prefersWindow, supportsWindow } from "./convolution_window.ts";
import type { Capabilities, Plan } from "./plan.ts";
import { MOST_CANDIDATES, signatureOf, type TunableWork, tunedVariant } from "./tuning.ts";

export type { ConvolutionSettings, Layout } from "./convolution_problem.ts";

/** One way to compute a convolution. */
export interface ConvolutionVariant {
  readonly name: string;
  /** Whether the variant can compute the problem at all. */
  readonly supports: (problem: ConvolutionProblem, capabilities: Capabilities) => boolean;
  /** Whether it should be chosen; asked in the order of the table, and only where it can. */
  readonly when: (problem: ConvolutionProblem, capabilities: Capabilities) => boolean;
  readonly plan: (capabilities: Capabilities, problem: ConvolutionProblem) => Plan;
}

const SMALLEST_TILE = TILES.at(-1)!;

/** All variants; the first that supports a problem and wants it is taken, and the last wants everything. */
export const CONVOLUTION_VARIANTS: readonly ConvolutionVariant[] = [
  {
    name: "cpu_multiple",
    supports: supportsCpuMultiple,
    when: prefersCpuMultiple,
    plan: planCpuMultiple,
  },
  {
    name: "cpu_lanes",
    supports: supportsCpuLanes,
    when: prefersCpuLanes,
    plan: planCpuLanes,
  },
  { name: "cpu_flat", supports: supportsCpuFlat, when: prefersCpuFlat, plan: planCpuFlat },
  {
    name: "cpu_depthwise",
    supports: supportsCpuDepthwise,
    when: (problem, capabilities) =>
      capabilities.deviceClass === "cpu" &&
      !(supportsCpuColumns(problem, capabilities) && prefersCpuColumns(problem, capabilities)),
    plan: planCpuDepthwise,
  },
  {
    name: "cpu_grouped",
    supports: supportsCpuGrouped,
    when: prefersCpuGrouped,
    plan: planCpuGrouped,
  },
  {
    name: "cpu_few",
    supports: supportsCpuFew,
    when: prefersCpuFew,
    plan: planCpuFew,
  },
  {
    name: "cpu_winograd",
    supports: (problem, capabilities) => supportsCpuWinograd(problem, capabilities, { outputs: 4 }),
    when: (problem, capabilities) => prefersCpuWinograd(problem, capabilities, { outputs: 4 }),
    plan: (capabilities, problem) => planCpuWinograd(capabilities, problem, { outputs: 4 }),
  },
  {
    name: "cpu_winograd_2",
    supports: (problem, capabilities) => supportsCpuWinograd(problem, capabilities, { outputs: 2 }),
    when: (problem, capabilities) => prefersCpuWinograd(problem, capabilities, { outputs: 2 }),
    plan: (capabilities, problem) => planCpuWinograd(capabilities, problem, { outputs: 2 }),
  },
  {
    name: "cpu_winograd_plain",
    supports: hasPlainWinograd,
    when: () => false,
    plan: (capabilities, problem) =>
      planCpuWinograd(capabilities, problem, { outputs: 4, plain: true }),
  },
  {
    name: "cpu_pointwise",
    supports: supportsCpuPointwise,
    when: prefersCpuPointwise,
    plan: planCpuPointwise,
  },
  cpuStationary,
  cpuStrided,
  {
    name: "cpu_columns",
    supports: supportsCpuColumns,
    when: prefersCpuColumns,
    plan: planCpuColumns,
  },
  {
    name: "cpu_row",
    supports: supportsCpuRow,
    when: prefersCpuRow,
    plan: planCpuRow,
  },
  {
    name: "cpu",
    supports: supportsCpuConvolution,
    when: prefersCpuConvolution,
    plan: planCpuConvolution,
  },
  { name: "taps", supports: supportsTaps, when: prefersTaps, plan: planTapsConvolution },
  { name: "window", supports: supportsWindow, when: prefersWindow, plan: planWindowConvolution },
  {
    name: "parts",
    // Only where less precision is allowed: candidates must not bring it in.
    supports: (problem, capabilities) =>
      capabilities.precision === "high" && supportsParts(capabilities, problem),
    when: (problem, capabilities) => prefersCooperative(capabilities, problem),
    plan: (capabilities, problem) =>
      planCooperativeConvolution(capabilities, problem, { parts: true }),
  },
  {
    name: "igemm",
    supports: (_, capabilities) => TILES.some((tile) => tileFits(tile, capabilities)),
    // Shared memory and barriers cost a CPU device more than they save; a few filters leave a tile empty.
    when: (problem, capabilities) =>
      capabilities.deviceClass !== "cpu" && problem.filters / problem.groups >= 4 &&
      problem.weightCount / problem.filters >= 8,
    plan: (capabilities, problem) => planTiles(capabilities, problem, TILES),
  },
  // Each tile under its own name, to be forced by tests and benches.
  ...TILES.map((tile): ConvolutionVariant => ({
    name: `igemm_${tile.name}`,
    supports: (_, capabilities) => tileFits(tile, capabilities),
    when: () => false,
    plan: (capabilities, problem) => planTiles(capabilities, problem, [tile]),
  })),
  {
    name: "igemm_split",
    supports: (_, capabilities) => tileFits(SMALLEST_TILE, capabilities),
    when: () => false,
    plan: (capabilities, problem) => planIgemmConvolution(capabilities, problem, SMALLEST_TILE, 3),
  },
  {
    name: "direct",
    supports: () => true,
    when: () => true,
    plan: planDirectConvolution,
  },
];

/** The implicit matrix product with the tile and the split that should take least time. */
function planTiles(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  tiles: readonly Tile[],
): Plan {
  const { tile, splits } = rankTiles(capabilities, problem, tiles)[0]!;
  return planIgemmConvolution(capabilities, problem, tile, splits);
}

/** A variant by its name: a row of the table, or `igemm_<tile>_split<parts>`. */
function findVariant(name: string): ConvolutionVariant | undefined {
  const [, tileName, parts] = /^igemm_(\d+x\d+r?)_split(\d+)$/.exec(name) ?? [];
  const tile = TILES.find((each) => each.name === tileName);
  if (tile === undefined) return CONVOLUTION_VARIANTS.find((row) => row.name === name);
  return {
    name,
    supports: (problem, capabilities) =>
      rankTiles(capabilities, problem, [tile]).some(({ splits }) => splits === Number(parts)),
    when: () => false,
    plan: (capabilities, problem) =>
      planIgemmConvolution(capabilities, problem, tile, Number(parts)),
  };
}

/**
 * Roughly what a convolution takes on a GPU, its launch included.
 *
 * @param capabilities The device.
 * @param problem The convolution; undefined for a kernel that only stores.
 * @returns Products that each processor could do in this time.
 */
export function estimateConvolution(
  capabilities: Capabilities,
  problem: ConvolutionProblem | undefined,
): number {
  if (problem === undefined) return LAUNCH_PRODUCTS;
  const choice = rankTiles(capabilities, problem)[0];
  if (choice !== undefined && chooseVariant(capabilities, problem).name === "igemm") {
    return LAUNCH_PRODUCTS + choice.time;
  }
  // Other kernels wait for memory most of the time.
  return LAUNCH_PRODUCTS + problem.flops / capabilities.processors * 2;
}

/**
 * A convolution as work to be tuned.
 *
 * @param capabilities The device.
 * @param settings The convolution.
 * @returns Its name and its candidates.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function convolutionWork(
  capabilities: Capabilities,
  settings: ConvolutionSettings,
): TunableWork {
  return {
    signature: signatureOf(capabilities, "Convolution", settings),
    candidates: convolutionCandidates(capabilities, settings),
  };
}

/**
 * Variants of a convolution that are worth measuring against each other.
 *
 * @param capabilities The device.
 * @param settings The convolution.
 * @returns At most 12 names for {@linkcode planConvolution}, what it would choose first; none for an empty result.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function convolutionCandidates(
  capabilities: Capabilities,
  settings: ConvolutionSettings,
): readonly string[] {
  const problem = describeConvolution(settings);
  return problem.outputCount === 0 ? [] : problemCandidates(capabilities, problem);
}

/**
 * {@linkcode convolutionCandidates} of a convolution that is already described.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty.
 * @returns Names, best guess first.
 */
export function problemCandidates(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
): readonly string[] {
  const cpu = capabilities.deviceClass === "cpu";
  const tiles = cpu
    ? []
    : rankTiles(capabilities, problem).map(({ tile, splits }) =>
      `igemm_${tile.name}_split${splits}`
    );
  const rows = CONVOLUTION_VARIANTS.filter((row) =>
    !row.name.startsWith("igemm") && row.name.startsWith("cpu") <= cpu &&
    (capabilities.winograd || !row.name.includes("winograd")) &&
    runs(row, problem, capabilities)
  );
  const chosen = chooseVariant(capabilities, problem).name;
  const others = rows.map(({ name }) => name).filter((name) => name !== chosen);
  if (chosen !== "igemm") {
    // The kernel without any blocking is last: it is there for what no other can compute.
    const [better, last] = [others.slice(0, -1), others.slice(-1)];
    return [chosen, ...better, ...tiles, ...last].slice(0, MOST_CANDIDATES);
  }
  return [...tiles.slice(0, MOST_CANDIDATES - others.length), ...others];
}

/**
 * Shape of the result of a convolution.
 *
 * @param settings The convolution.
 * @returns The shape in the output's layout, behind a pixel shuffle.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function convolutionOutputShape(settings: ConvolutionSettings): readonly number[] {
  return describeConvolution(settings).outputShape;
}

/**
 * Plans a convolution in float32.
 *
 * @param capabilities The device.
 * @param settings The convolution.
 * @param variant Name of a variant to force; by default what was measured, else the table chooses.
 * @returns Inputs 0 input, 1 weight, 2 bias and 3 residual (where `settings` names them), output 0.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 * @throws {LimitError} If a tensor exceeds what the device binds, or a forced variant cannot compute the problem.
 */
export function planConvolution(
  capabilities: Capabilities,
  settings: ConvolutionSettings,
  variant?: string,
): Plan {
  const problem = describeConvolution(settings);
  if (problem.outputCount === 0) {
    const { slots } = convolutionSlots(problem);
    return { label: "Convolution/empty", slots, dispatches: [], flops: 0, bytes: problem.bytes };
  }
  return planConvolutionProblem(
    capabilities,
    problem,
    variant ?? tunedVariant(
      capabilities,
      "Convolution",
      settings,
      () => problemCandidates(capabilities, problem),
    ),
  );
}

/** Variants that read in front of the input where padding is negative: all others must not be asked. */
const CROPPING = /^(cpu|parts|window|igemm.*|direct)$/;

function runs(
  { name, supports }: ConvolutionVariant,
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const crops = problem.padding.some((zeros) => zeros < 0);
  return (!crops || CROPPING.test(name)) && supports(problem, capabilities);
}

function chooseVariant(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
): ConvolutionVariant {
  return CONVOLUTION_VARIANTS.find((row) =>
    runs(row, problem, capabilities) && row.when(problem, capabilities)
  )!;
}

/**
 * Plans a convolution that is already described, for operators made of convolutions.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty. Its padding may be negative, which skips the first elements.
 * @param variant Name of a variant to force; by default the table chooses.
 * @returns The plan, as of {@linkcode planConvolution}.
 * @throws {LimitError} If a tensor exceeds what the device binds, or a forced variant cannot compute the problem.
 */
export function planConvolutionProblem(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  variant?: string,
): Plan {
  checkConvolutionLimits(capabilities, problem);
  if (variant !== undefined) {
    const row = findVariant(variant);
    if (row === undefined || !runs(row, problem, capabilities)) {
      const names = CONVOLUTION_VARIANTS.map(({ name }) => name).join(", ");
      throw new LimitError(
        `Cannot force variant ${variant} of Convolution: it ` +
          (row === undefined ? `is not among ${names}` : "does not support this shape or device"),
      );
    }
    return row.plan(capabilities, problem);
  }
  return chooseVariant(capabilities, problem).plan(capabilities, problem);
}
