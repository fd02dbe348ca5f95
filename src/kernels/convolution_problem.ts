// One description of every convolution, on which all variants plan: three spatial axes (unit sizes in front), and
// strides instead of layouts.

import { LimitError, ShapeError } from "../core/errors.ts";
import { contiguousStrides, elementCount, formatShape, type Shape } from "../core/shape.ts";
import { ACTIVATIONS, type ActivationSettings, NO_ACTIVATION } from "./activation.ts";
import { countOperand } from "./operand.ts";
import type { Capabilities, Slot } from "./plan.ts";

/** Layouts of image tensors; the weight of a layout has output channels at N and input channels at C. */
export type Layout = "NCW" | "NWC" | "NCHW" | "NHWC" | "NCDHW" | "NDHWC";

/** A value for each of the three spatial axes: depth, height, width. */
export type Triple = readonly [number, number, number];

/** A convolution as an operator knows it. Lists of numbers run over the spatial axes in order. */
export interface ConvolutionSettings {
  /** Shape of the input, in `layout`. */
  readonly input: Shape;
  /** Shape of the weight: `[O, I / groups, kernel…]`, permuted as `weightLayout` says. */
  readonly weight: Shape;
  readonly layout: Layout;
  /** Layout of the weight; default `layout`. */
  readonly weightLayout?: Layout;
  /** Layout of the result (and of the residual); default `layout`. */
  readonly outputLayout?: Layout;
  /** Default 1. */
  readonly stride?: readonly number[];
  /** Zeros in front on each axis; default 0. */
  readonly padding?: readonly number[];
  /** Zeros behind; default as in front. */
  readonly paddingAfter?: readonly number[];
  /** Default 1. */
  readonly dilation?: readonly number[];
  /** Default 1. */
  readonly groups?: number;
  /** Whether input 2 is a bias of O elements. */
  readonly hasBias?: boolean;
  /** Whether input 3, of the result's shape, is added before or after the activation. */
  readonly residual?: "none" | "before" | "after";
  readonly activation?: ActivationSettings;
  /** Factors of a pixel shuffle that the results are stored through. */
  readonly shuffle?: readonly number[];
  /** Whether Winograd kernels may be used, which round more (below 1e-5 of the largest result); default true. */
  readonly winograd?: boolean;
}

/** Product of some numbers. */
export function product(values: readonly number[]): number {
  return values.reduce((all, each) => all * each, 1);
}

/** Strides of a tensor in elements. */
export interface ImageStrides {
  /** Stride of the batch, or of output channels for a weight. */
  readonly n: number;
  readonly c: number;
  readonly d: number;
  readonly h: number;
  readonly w: number;
}

/** Whether all pixels of a channel lie in a row, without gaps. */
export function inRows(tensor: ImageStrides, [depth, height, width]: Triple): boolean {
  return tensor.w === 1 && (height === 1 || tensor.h === width) &&
    (depth === 1 || tensor.d === height * width);
}

/** Whether a tensor is channel-first and without gaps. */
export function isGapless(tensor: ImageStrides, size: Triple, channels: number): boolean {
  return inRows(tensor, size) && tensor.c === product(size) && tensor.n === channels * tensor.c;
}

/** A convolution as the variants know it. */
export interface ConvolutionProblem {
  readonly batch: number;
  readonly channels: number;
  readonly filters: number;
  readonly groups: number;
  readonly inputSize: Triple;
  readonly kernel: Triple;
  readonly stride: Triple;
  /** Zeros in front. */
  readonly padding: Triple;
  readonly dilation: Triple;
  /** Size of the result before a pixel shuffle. */
  readonly size: Triple;
  readonly input: ImageStrides;
  readonly weight: ImageStrides;
  /** Strides of the stored result, behind the pixel shuffle. */
  readonly output: ImageStrides;
  readonly shuffle: Triple;
  /**
   * Only some phases of the shuffle: result channels are `[c, phases…]`, and go to the places `start … start + phases - 1`
   * of every block of `shuffle` pixels. Absent for a whole pixel shuffle.
   */
  readonly phases?: { readonly count: Triple; readonly start: Triple };
  readonly hasBias: boolean;
  readonly residual: "none" | "before" | "after";
  readonly activation: ActivationSettings;
  /** False forbids Winograd kernels. */
  readonly winograd?: boolean;
  /** Shape of the stored result in its layout. */
  readonly outputShape: Shape;
  readonly inputCount: number;
  readonly weightCount: number;
  readonly outputCount: number;
  readonly flops: number;
  readonly bytes: number;
}

/**
 * A list over the spatial axes as a triple, filled up in front.
 *
 * @param values The list; `fill` for every axis if absent.
 * @param rank Number of spatial axes.
 * @param fill Value of absent axes.
 * @param name Name of the operator, for the message.
 * @returns Values for depth, height and width.
 * @throws {ShapeError} If the list has another length.
 */
export function triple(
  values: readonly number[] | undefined,
  rank: number,
  fill: number,
  name: string = "Convolution",
): Triple {
  const given = values ?? new Array<number>(rank).fill(fill);
  if (given.length !== rank) {
    throw new ShapeError(
      `Cannot apply ${name}: ${
        formatShape(given)
      } has ${given.length} entries, expected ${rank}, ` +
        `one for each spatial axis`,
    );
  }
  return [...new Array<number>(3 - rank).fill(fill), ...given] as unknown as Triple;
}

/**
 * Reads a shape through its layout.
 *
 * @param shape Sizes in the order of the layout.
 * @param layout The layout.
 * @param name Name of the operator, for the message.
 * @returns Sizes and strides by letter; absent axes have size 1 and stride 0.
 * @throws {ShapeError} If the shape has not as many axes as the layout.
 */
export function letters(
  shape: Shape,
  layout: Layout,
  name: string = "Convolution",
): { sizes: ImageStrides; strides: ImageStrides } {
  if (shape.length !== layout.length) {
    throw new ShapeError(
      `Cannot apply ${name}: shape ${formatShape(shape)} has ${shape.length} axes, but layout ` +
        `${layout} has ${layout.length}`,
    );
  }
  const steps = contiguousStrides(shape);
  const pick = (values: readonly number[], missing: number): ImageStrides => {
    const at = (letter: string): number => values[layout.indexOf(letter)] ?? missing;
    return { n: at("N"), c: at("C"), d: at("D"), h: at("H"), w: at("W") };
  };
  return { sizes: pick(shape, 1), strides: pick(steps, 0) };
}

/**
 * Brings a convolution into the form on which variants plan.
 *
 * @param settings The convolution as an operator knows it.
 * @returns Sizes, strides and totals.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function describeConvolution(settings: ConvolutionSettings): ConvolutionProblem {
  const { layout } = settings;
  const weightLayout = settings.weightLayout ?? layout;
  const outputLayout = settings.outputLayout ?? layout;
  const rank = layout.length - 2;
  const groups = settings.groups ?? 1;
  const input = letters(settings.input, layout);
  const weight = letters(settings.weight, weightLayout);
  const stride = triple(settings.stride, rank, 1);
  const dilation = triple(settings.dilation, rank, 1);
  const padding = triple(settings.padding, rank, 0);
  const behind = triple(settings.paddingAfter ?? settings.padding, rank, 0);
  const shuffle = triple(settings.shuffle, rank, 1);
  const { n: batch, c: channels, d, h, w } = input.sizes;
  const { n: filters, c: groupChannels } = weight.sizes;
  const inputSize: Triple = [d, h, w];
  const kernel: Triple = [weight.sizes.d, weight.sizes.h, weight.sizes.w];
  const shuffled = shuffle[0] * shuffle[1] * shuffle[2];
  if (groupChannels * groups !== channels || filters % groups !== 0) {
    throw new ShapeError(
      `Cannot apply Convolution: input has ${channels} channels, weight expects ${groupChannels} in ` +
        `each of ${groups} groups and makes ${filters}, which the groups must divide`,
    );
  }
  if (filters % shuffled !== 0) {
    throw new ShapeError(
      `Cannot apply Convolution: ${filters} channels cannot be shuffled into ${shuffled} pixels each`,
    );
  }
  const size = inputSize.map((each, axis) => {
    const padded = each + padding[axis]! + behind[axis]!;
    const reach = dilation[axis]! * (kernel[axis]! - 1) + 1;
    if (reach > padded) {
      throw new ShapeError(
        `Cannot apply Convolution: the kernel reaches over ${reach} elements, but the padded input ` +
          `has ${padded} on spatial axis ${axis + rank - 3}`,
      );
    }
    return Math.floor((padded - reach) / stride[axis]!) + 1;
  }) as unknown as Triple;

  const stored: Readonly<Record<string, number>> = {
    N: batch,
    C: filters / shuffled,
    D: size[0] * shuffle[0],
    H: size[1] * shuffle[1],
    W: size[2] * shuffle[2],
  };
  const outputShape = [...outputLayout].map((letter) => stored[letter]!);
  const where = "apply Convolution";
  const inputCount = elementCount(settings.input, where);
  const weightCount = elementCount(settings.weight, where);
  const outputCount = elementCount(outputShape, where);
  const residual = settings.residual ?? "none";
  const activation = settings.activation ?? NO_ACTIVATION;
  const results = batch * filters * size[0] * size[1] * size[2];
  const epilogue = ACTIVATIONS[activation.name].flops + (settings.hasBias ? 1 : 0) +
    (residual === "none" ? 0 : 1);
  return {
    batch,
    channels,
    filters,
    groups,
    inputSize,
    kernel,
    stride,
    padding,
    dilation,
    size,
    input: input.strides,
    weight: weight.strides,
    output: letters(outputShape, outputLayout).strides,
    shuffle,
    hasBias: settings.hasBias ?? false,
    residual,
    activation,
    winograd: settings.winograd ?? true,
    outputShape,
    inputCount,
    weightCount,
    outputCount,
    flops: results * (2 * groupChannels * kernel[0] * kernel[1] * kernel[2] + epilogue),
    bytes: 4 * (inputCount + weightCount + outputCount * (residual === "none" ? 1 : 2) +
      (settings.hasBias ? filters : 0)),
  };
}

/**
 * Checks that every tensor of a convolution fits one binding.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @throws {LimitError} If one does not.
 */
export function checkConvolutionLimits(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
): void {
  for (const count of [problem.inputCount, problem.weightCount, problem.outputCount]) {
    countOperand(capabilities, "apply Convolution", [count], 4);
  }
  // Shaders step one tap past what they read before they compare; that must not wrap around 2^32.
  const reach = problem.inputSize.map((size, axis) =>
    size + problem.padding[axis]! + problem.kernel[axis]! * problem.dilation[axis]! +
    problem.stride[axis]!
  );
  if (Math.max(...reach) >= 2 ** 31) {
    throw new LimitError(
      `Cannot apply Convolution: padding or dilation reaches ${Math.max(...reach)} elements, ` +
        `expected less than 2^31`,
    );
  }
}

/** Specialization constants of shaders/glsl/lib/epilogue.glsl. */
export function epilogueConstants(
  problem: Pick<
    ConvolutionProblem,
    "activation" | "hasBias" | "residual" | "shuffle" | "phases"
  >,
): Record<string, number> {
  const constants: Record<string, number> = {
    activation: ACTIVATIONS[problem.activation.name].code,
    alpha: problem.activation.alpha ?? 0.01,
    has_bias: problem.hasBias ? 1 : 0,
    has_residual: problem.residual === "none" ? 0 : 1,
    residual_after: problem.residual === "after" ? 1 : 0,
    shuffle_d: problem.shuffle[0],
    shuffle_h: problem.shuffle[1],
    shuffle_w: problem.shuffle[2],
  };
  const { phases } = problem;
  if (phases !== undefined) {
    ["d", "h", "w"].forEach((axis, index) => {
      constants[`phases_${axis}`] = phases.count[index]!;
      constants[`start_${axis}`] = phases.start[index]!;
    });
  }
  return constants;
}

/** Specialization constants `<name>_d`, `_h`, `_w` of kernel, stride, padding and dilation. */
export function geometryConstants(
  problem: Pick<ConvolutionProblem, "kernel" | "stride" | "padding" | "dilation">,
): Record<string, number> {
  const constants: Record<string, number> = {};
  for (const name of ["kernel", "stride", "padding", "dilation"] as const) {
    ["d", "h", "w"].forEach((axis, index) => constants[`${name}_${axis}`] = problem[name][index]!);
  }
  return constants;
}

/**
 * The five operands of a convolution as slots. An absent bias or residual is bound to the weight or the input, which
 * the shader then never reads.
 *
 * @param problem The convolution.
 * @returns Slots, and their indices in the order input, weight, bias, residual, output.
 */
export function convolutionSlots(
  problem: ConvolutionProblem,
): { slots: Slot[]; order: readonly number[] } {
  const slots: Slot[] = [{ role: "input", index: 0 }, { role: "input", index: 1 }];
  const bias = problem.hasBias ? slots.push({ role: "input", index: 2 }) - 1 : 1;
  const residual = problem.residual !== "none" ? slots.push({ role: "input", index: 3 }) - 1 : 0;
  const output = slots.push({ role: "output", index: 0 }) - 1;
  return { slots, order: [0, 1, bias, residual, output] };
}
