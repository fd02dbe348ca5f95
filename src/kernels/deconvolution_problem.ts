// One description of every transposed convolution: three spatial axes (unit sizes in front), and strides instead of
// layouts. Also how one axis falls apart into phases.

import { LimitError, ShapeError } from "../core/errors.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import { ACTIVATIONS, type ActivationSettings, NO_ACTIVATION } from "./activation.ts";
import {
  type ImageStrides,
  type Layout,
  letters,
  type Triple,
  triple,
} from "./convolution_problem.ts";
import { countOperand } from "./operand.ts";
import type { Capabilities } from "./plan.ts";

/** A transposed convolution as an operator knows it. Lists of numbers run over the spatial axes in order. */
export interface DeconvolutionSettings {
  /** Shape of the input, in `layout`. */
  readonly input: Shape;
  /** Shape of the weight: `[I, O / groups, kernel…]`, permuted as `layout` says. */
  readonly weight: Shape;
  readonly layout: Layout;
  /** Spatial sizes of the result; elements that no tap reaches get the bias alone. */
  readonly size: readonly number[];
  /** Default 1. */
  readonly stride?: readonly number[];
  /** How many elements are left out in front on each axis; default 0. */
  readonly padding?: readonly number[];
  /** Default 1. */
  readonly dilation?: readonly number[];
  /** Default 1. */
  readonly groups?: number;
  /** Whether input 2 is a bias of O elements. */
  readonly hasBias?: boolean;
  readonly activation?: ActivationSettings;
}

/** A transposed convolution as the variants know it. */
export interface DeconvolutionProblem {
  readonly batch: number;
  readonly channels: number;
  readonly filters: number;
  readonly groups: number;
  readonly inputSize: Triple;
  readonly kernel: Triple;
  readonly stride: Triple;
  readonly padding: Triple;
  readonly dilation: Triple;
  /** Size of the result. */
  readonly size: Triple;
  readonly input: ImageStrides;
  /** `n` is the stride of input channels, `c` that of the output channels of a group. */
  readonly weight: ImageStrides;
  readonly output: ImageStrides;
  readonly hasBias: boolean;
  readonly activation: ActivationSettings;
  /** Shape of the result in the layout. */
  readonly outputShape: Shape;
  readonly inputCount: number;
  readonly weightCount: number;
  readonly outputCount: number;
  readonly flops: number;
  readonly bytes: number;
}

const NAME = "Deconvolution";

/**
 * Brings a transposed convolution into the form on which variants plan.
 *
 * @param settings The transposed convolution as an operator knows it.
 * @returns Sizes, strides and totals.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function describeDeconvolution(settings: DeconvolutionSettings): DeconvolutionProblem {
  const { layout } = settings;
  const rank = layout.length - 2;
  const groups = settings.groups ?? 1;
  const input = letters(settings.input, layout, NAME);
  const weight = letters(settings.weight, layout, NAME);
  const size = triple(settings.size, rank, 1, NAME);
  const { n: batch, c: channels, d, h, w } = input.sizes;
  const filters = weight.sizes.c * groups;
  if (weight.sizes.n !== channels || channels % groups !== 0) {
    throw new ShapeError(
      `Cannot apply ${NAME}: input has ${channels} channels, weight expects ${weight.sizes.n}, ` +
        `which the ${groups} groups must divide`,
    );
  }
  const sizes: Readonly<Record<string, number>> = {
    N: batch,
    C: filters,
    D: size[0],
    H: size[1],
    W: size[2],
  };
  const outputShape = [...layout].map((letter) => sizes[letter]!);
  const where = `apply ${NAME}`;
  const inputCount = elementCount(settings.input, where);
  const weightCount = elementCount(settings.weight, where);
  const outputCount = elementCount(outputShape, where);
  const activation = settings.activation ?? NO_ACTIVATION;
  const hasBias = settings.hasBias ?? false;
  const epilogue = ACTIVATIONS[activation.name].flops + (hasBias ? 1 : 0);
  const taps = weight.sizes.d * weight.sizes.h * weight.sizes.w;
  return {
    batch,
    channels,
    filters,
    groups,
    inputSize: [d, h, w],
    kernel: [weight.sizes.d, weight.sizes.h, weight.sizes.w],
    stride: triple(settings.stride, rank, 1, NAME),
    padding: triple(settings.padding, rank, 0, NAME),
    dilation: triple(settings.dilation, rank, 1, NAME),
    size,
    input: input.strides,
    weight: weight.strides,
    output: letters(outputShape, layout, NAME).strides,
    hasBias,
    activation,
    outputShape,
    inputCount,
    weightCount,
    outputCount,
    flops: 2 * inputCount * weight.sizes.c * taps + outputCount * epilogue,
    bytes: 4 * (inputCount + weightCount + outputCount + (hasBias ? filters : 0)),
  };
}

/**
 * Checks that every tensor fits one binding and that index arithmetic stays within 32 bits.
 *
 * @param capabilities The device.
 * @param problem The transposed convolution.
 * @throws {LimitError} If not.
 */
export function checkDeconvolutionLimits(
  capabilities: Capabilities,
  problem: DeconvolutionProblem,
): void {
  for (const count of [problem.inputCount, problem.weightCount, problem.outputCount]) {
    countOperand(capabilities, `apply ${NAME}`, [count], 4);
  }
  const reach = problem.inputSize.map((each, axis) =>
    each * problem.stride[axis]! + problem.size[axis]! + problem.padding[axis]! +
    problem.kernel[axis]! * problem.dilation[axis]!
  );
  if (Math.max(...reach) >= 2 ** 31) {
    throw new LimitError(
      `Cannot apply ${NAME}: strides, padding or dilation reach ${Math.max(...reach)} elements, ` +
        `expected less than 2^31`,
    );
  }
}

/**
 * Neighboring phases of one axis that an ordinary convolution of stride 1 computes together. Phase `r` is the results
 * at `r, r + stride, r + 2 stride, …`; tap `m` of phase `start + i` is tap `firstTap + i * phaseStep + m * tapStep` of
 * the kernel.
 */
export interface PhaseGroup {
  /** First phase. */
  readonly start: number;
  /** Number of phases. */
  readonly count: number;
  /** Taps of each phase; 0 if none reaches it. */
  readonly taps: number;
  readonly firstTap: number;
  readonly tapStep: number;
  readonly phaseStep: number;
  /** Zeros in front of the input in the ordinary convolution; negative to skip elements. */
  readonly padding: number;
  /** Distance of the taps in the input. */
  readonly dilation: number;
  /** Results of each phase. */
  readonly size: number;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Strides above this have more phases than kernels should be launched for. */
const MOST_PHASES = 1_024;

/**
 * The phases of one axis. Result `t = r + stride * j` sums `x[(t + padding - k * dilation) / stride]` over the taps `k`
 * for which the division leaves nothing: every `stride / gcd(stride, dilation)`-th, a window that moves by one with `j`.
 *
 * @param problem The transposed convolution.
 * @param axis Which axis, 0 to 2.
 * @returns The phases in order, or undefined if there are too many.
 */
export function phasesOf(problem: DeconvolutionProblem, axis: number): PhaseGroup[] | undefined {
  const stride = problem.stride[axis]!;
  const padding = problem.padding[axis]!;
  const dilate = problem.dilation[axis]!;
  const kernel = problem.kernel[axis]!;
  const size = problem.size[axis]!;
  if (stride > MOST_PHASES) return undefined;
  const shared = gcd(stride, dilate);
  const tapStep = stride / shared;
  const groups: PhaseGroup[] = [];
  for (let phase = 0; phase < Math.min(stride, size); phase++) {
    let firstTap = 0;
    while (firstTap < tapStep && (phase + padding - firstTap * dilate) % stride !== 0) firstTap++;
    const taps = firstTap >= Math.min(tapStep, kernel)
      ? 0
      : Math.floor((kernel - 1 - firstTap) / tapStep) + 1;
    // A single tap has no distance to the next: 1 is what most kernels like.
    const dilation = taps > 1 ? dilate / shared : 1;
    const base = taps === 0 ? 0 : (phase + padding - firstTap * dilate) / stride;
    const next = {
      taps,
      padding: taps === 0 ? 0 : (taps - 1) * dilation - base,
      dilation,
      size: Math.ceil((size - phase) / stride),
    };
    const last = groups.at(-1);
    const step = last === undefined
      ? 0
      : firstTap - (last.firstTap + (last.count - 1) * last.phaseStep);
    const joins = last !== undefined && last.taps === next.taps && last.size === next.size &&
      last.padding === next.padding && last.dilation === next.dilation &&
      (taps === 0 || last.count === 1 || last.phaseStep === step);
    if (joins) {
      const phaseStep = taps === 0 ? 0 : last.count === 1 ? step : last.phaseStep;
      groups[groups.length - 1] = { ...last, count: last.count + 1, phaseStep };
    } else {
      groups.push({ ...next, start: phase, count: 1, firstTap, tapStep, phaseStep: 0 });
    }
  }
  return groups;
}
