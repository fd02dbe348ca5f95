// The variant table of transposed convolutions: which kernel runs which shape on which device.

import { programs } from "../../shaders/manifest.ts";
import { LimitError } from "../core/errors.ts";
import { CONVOLUTION_VARIANTS } from "./convolution.ts";
import { directLaunch } from "./convolution_direct.ts";
import { epilogueConstants } from "./convolution_problem.ts";
import {
  planDepthwiseLanes,
  prefersDepthwiseLanes,
  supportsDepthwiseLanes,
} from "./deconvolution_cpu_lanes.ts";
import {
  checkDeconvolutionLimits,
  type DeconvolutionProblem,
  type DeconvolutionSettings,
  describeDeconvolution,
} from "./deconvolution_problem.ts";
import { TILES } from "./convolution_tiles.ts";
import { planPhasedIgemm, rankPhasedIgemm, supportsPhasedIgemm } from "./deconvolution_igemm.ts";
import { joinPhases } from "./deconvolution_join.ts";
import {
  phaseCandidates,
  planJoined,
  planPhases,
  prefersJoined,
  prefersPhasedIgemm,
  splitPhases,
} from "./deconvolution_phases.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";
import { MOST_CANDIDATES, signatureOf, type TunableWork, tunedVariant } from "./tuning.ts";

export type { DeconvolutionSettings } from "./deconvolution_problem.ts";

/** One way to compute a transposed convolution. */
export interface DeconvolutionVariant {
  readonly name: string;
  /** Whether the variant can compute the problem at all. */
  readonly supports: (problem: DeconvolutionProblem, capabilities: Capabilities) => boolean;
  /** Whether it should be chosen; asked in the order of the table, and only where it can. */
  readonly when: (problem: DeconvolutionProblem, capabilities: Capabilities) => boolean;
  readonly plan: (capabilities: Capabilities, problem: DeconvolutionProblem) => Plan;
}

/** All variants; the first that wants a problem is taken, and the last wants everything. */
export const DECONVOLUTION_VARIANTS: readonly DeconvolutionVariant[] = [
  {
    name: "cpu_lanes",
    supports: supportsDepthwiseLanes,
    when: prefersDepthwiseLanes,
    plan: planDepthwiseLanes,
  },
  {
    name: "igemm",
    supports: supportsPhasedIgemm,
    when: (problem, capabilities) => prefersPhasedIgemm(capabilities, problem, joinPhases(problem)),
    plan: (capabilities, problem) =>
      planPhasedIgemm(capabilities, problem, rankPhasedIgemm(capabilities, problem)[0]!),
  },
  {
    name: "igemm_split",
    supports: supportsPhasedIgemm,
    when: () => false,
    plan: (capabilities, problem) =>
      planPhasedIgemm(capabilities, problem, { tile: TILES.at(-1)!, splits: 3 }),
  },
  {
    name: "joined",
    supports: (problem) => joinPhases(problem) !== undefined,
    when: (problem, capabilities) => prefersJoined(capabilities, problem, joinPhases(problem)!),
    plan: (capabilities, problem) => planJoined(capabilities, problem, joinPhases(problem)!),
  },
  { name: "phases", supports: hasPhases, when: prefersPhases, plan: planPhases },
  // The phases with each kernel of convolution, to be forced by tests and benches; no phase has a stride,
  // and few are stored plainly.
  ...CONVOLUTION_VARIANTS.filter(({ name }) => !/^cpu_st/.test(name))
    .map(({ name }) => phasesRow(name)),
  { name: "direct", supports: () => true, when: () => true, plan: planDirectDeconvolution },
];

/** Every phase with one variant of convolution. */
function phasesRow(name: string): DeconvolutionVariant {
  return {
    name: `phases_${name}`,
    supports: hasPhases,
    when: () => false,
    plan: (capabilities, problem) => planPhases(capabilities, problem, name),
  };
}

/** A variant by its name: a row of the table, `igemm_<tile>_split<parts>`, or one behind `phases_` and `joined_`. */
function findVariant(variant: string): DeconvolutionVariant | undefined {
  const [, tileName, parts] = /^igemm_(\d+x\d+r?)_split(\d+)$/.exec(variant) ?? [];
  const tile = TILES.find(({ name }) => name === tileName);
  if (tile === undefined) {
    return DECONVOLUTION_VARIANTS.find(({ name }) => name === variant) ?? behind(variant);
  }
  const splits = Number(parts);
  return {
    name: variant,
    supports: (problem, capabilities) =>
      supportsPhasedIgemm(problem, capabilities) &&
      rankPhasedIgemm(capabilities, problem, [tile]).some((choice) => choice.splits === splits),
    when: () => false,
    plan: (capabilities, problem) => planPhasedIgemm(capabilities, problem, { tile, splits }),
  };
}

/** Behind `phases_` and `joined_` any variant of convolution, those too that have no row of their own. */
function behind(variant: string): DeconvolutionVariant | undefined {
  const [, way, inner] = /^(phases|joined)_(.+)$/.exec(variant) ?? [];
  if (inner === undefined) return undefined;
  if (way === "phases") return phasesRow(inner);
  return {
    name: variant,
    supports: (problem) => joinPhases(problem) !== undefined,
    when: () => false,
    plan: (capabilities, problem) => planJoined(capabilities, problem, joinPhases(problem)!, inner),
  };
}

function chosen(
  problem: DeconvolutionProblem,
  capabilities: Capabilities,
): DeconvolutionVariant {
  return DECONVOLUTION_VARIANTS.find(({ supports, when }) =>
    supports(problem, capabilities) && when(problem, capabilities)
  )!;
}

/** Products, wasted ones included, below which a CPU device compiles phases for longer than it ever saves. */
const FEW_FLOPS = 1e6;

function hasPhases(problem: DeconvolutionProblem): boolean {
  return splitPhases(problem) !== undefined;
}

function prefersPhases(problem: DeconvolutionProblem, capabilities: Capabilities): boolean {
  const phases = splitPhases(problem);
  if (phases === undefined) return false;
  const [depth, height, width] = problem.stride;
  const few = problem.flops * depth * height * width < FEW_FLOPS;
  return phases.length === 1 || capabilities.deviceClass !== "cpu" || !few;
}

function planDirectDeconvolution(capabilities: Capabilities, problem: DeconvolutionProblem): Plan {
  const slots: Slot[] = [{ role: "input", index: 0 }, { role: "input", index: 1 }];
  const bias = problem.hasBias ? slots.push({ role: "input", index: 2 }) - 1 : 1;
  const result = slots.push({ role: "output", index: 0 }) - 1;
  // The leading axis of a transposed weight is the input channel.
  const weight = { ...problem.weight, n: problem.weight.c, c: problem.weight.n };
  const { constants, push, grid } = directLaunch(capabilities, problem, weight);
  const largest = Math.max(problem.inputCount, problem.weightCount);
  const texel = capabilities.loadPath === "texel" && largest <= capabilities.maxTexelBufferElements;
  const dispatch = makeDispatch(
    programs[
      texel ? "convolution/transposed_direct.texel" : "convolution/transposed_direct.storage"
    ],
    { ...constants, ...epilogueConstants({ ...problem, residual: "none", shuffle: [1, 1, 1] }) },
    push,
    [0, 1, bias, result],
    grid,
  );
  return {
    label: "Deconvolution/direct",
    slots,
    dispatches: [dispatch],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}

/**
 * Plans a transposed convolution in float32: `y[n, o, t] = b[o] + sum(x[n, c, u / stride] * w[c, o, k])` over the taps
 * with `u = t + padding - k * dilation` a multiple of `stride` within the input, then the activation.
 *
 * @param capabilities The device.
 * @param settings The transposed convolution.
 * @param variant Name of a variant to force; by default what was measured, else the table chooses.
 * @returns Inputs 0 input, 1 weight, 2 bias (where `settings` names it), output 0.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 * @throws {LimitError} If a tensor exceeds what the device binds, or a forced variant cannot compute the problem.
 */
export function planDeconvolution(
  capabilities: Capabilities,
  settings: DeconvolutionSettings,
  variant?: string,
): Plan {
  const problem = describeDeconvolution(settings);
  if (problem.outputCount === 0) {
    return {
      label: "Deconvolution/empty",
      slots: [],
      dispatches: [],
      flops: 0,
      bytes: problem.bytes,
    };
  }
  checkDeconvolutionLimits(capabilities, problem);
  const forced = variant ?? tunedVariant(
    capabilities,
    "Deconvolution",
    settings,
    () => deconvolutionCandidates(capabilities, settings),
  );
  if (forced === undefined) return chosen(problem, capabilities).plan(capabilities, problem);
  const row = findVariant(forced);
  if (row === undefined || !row.supports(problem, capabilities)) {
    const names = DECONVOLUTION_VARIANTS.map(({ name }) => name).join(", ");
    throw new LimitError(
      `Cannot force variant ${forced} of Deconvolution: it ` +
        (row === undefined ? `is not among ${names}` : "does not support this shape or device"),
    );
  }
  return row.plan(capabilities, problem);
}

/** Most variants of convolution that are worth measuring for joined phases, and for phases one by one. */
const PHASE_CANDIDATES = 4;

/**
 * Variants of a transposed convolution that are worth measuring against each other.
 *
 * @param capabilities The device.
 * @param settings The transposed convolution.
 * @returns At most 12 names for {@linkcode planDeconvolution}, what it would choose first; none for an empty result.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function deconvolutionCandidates(
  capabilities: Capabilities,
  settings: DeconvolutionSettings,
): readonly string[] {
  const problem = describeDeconvolution(settings);
  if (problem.outputCount === 0) return [];
  const joined = joinPhases(problem);
  const families = { joined: joined && [joined], phases: splitPhases(problem) };
  const tiles = capabilities.deviceClass !== "cpu" && supportsPhasedIgemm(problem, capabilities)
    ? rankPhasedIgemm(capabilities, problem).slice(0, PHASE_CANDIDATES)
      .map(({ tile, splits }) => `igemm_${tile.name}_split${splits}`)
    : [];
  const others = Object.entries(families).flatMap(([way, phases]) =>
    phaseCandidates(capabilities, problem, phases ?? []).slice(0, PHASE_CANDIDATES)
      .map((name) => `${way}_${name}`)
  );
  const { name } = chosen(problem, capabilities);
  // The row "igemm" is the first of its tiles.
  const first = name === "igemm" ? tiles : [name, ...tiles];
  return [...new Set([...first, ...others])].slice(0, MOST_CANDIDATES);
}

/**
 * A transposed convolution as work to be tuned.
 *
 * @param capabilities The device.
 * @param settings The transposed convolution.
 * @returns Its name and its candidates.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function deconvolutionWork(
  capabilities: Capabilities,
  settings: DeconvolutionSettings,
): TunableWork {
  return {
    signature: signatureOf(capabilities, "Deconvolution", settings),
    candidates: deconvolutionCandidates(capabilities, settings),
  };
}
