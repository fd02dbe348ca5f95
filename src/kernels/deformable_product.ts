// The matrix products behind deformable convolution, its columns once sampled: 1x1 convolutions, planned like all others.

import type { Dispatch } from "../core/dispatch.ts";
import { type ActivationSettings, NO_ACTIVATION } from "./activation.ts";
import { planConvolutionProblem } from "./convolution.ts";
import type { ConvolutionProblem, ImageStrides } from "./convolution_problem.ts";
import { checkBytes, type Chunk, type DeformableProblem } from "./deformable_problem.ts";
import {
  type CpuProduct,
  derivedLeft,
  dispatchCpuProduct,
  leftFloats,
  passesOf,
  RUN,
  supportsCpuProduct,
} from "./deformable_product_cpu.ts";
import { planFill } from "./elementwise.ts";
import { usesTexels } from "./operand.ts";
import type { Capabilities, Plan } from "./plan.ts";
import { copyRegion } from "./region.ts";
import type { DerivedWeight, Slots } from "./slots.ts";
import { widenPlan } from "./widen.ts";

/** A product for each group: `result[image][m][place] = sum over k of weight[m][k] * columns[image][k][place]`. */
export interface Product {
  readonly images: number;
  readonly places: number;
  readonly groups: number;
  /** Of all groups. */
  readonly rows: number;
  /** Of all groups. */
  readonly depth: number;
  /** Elements from plane to plane of the columns. */
  readonly width: number;
  /** Where columns lie; planes `[image][k][place]` if omitted. */
  readonly columns?: { readonly n: number; readonly c: number; readonly p: number };
  /** Where results lie; planes `[image][row][place]` if omitted. */
  readonly result?: { readonly n: number; readonly c: number; readonly p: number };
  readonly hasBias?: boolean;
  readonly activation?: ActivationSettings;
}

/** The product as a convolution of 1x1. */
export function productProblem(product: Product): ConvolutionProblem {
  const { images, places, groups, rows, depth, width, hasBias = false } = product;
  const { n, c, p } = product.result ?? { n: rows * places, c: places, p: 1 };
  const from = product.columns ?? { n: depth * width, c: width, p: 1 };
  const row = (step: ImageStrides): ImageStrides => ({
    ...step,
    h: step.w * places,
    d: step.w * places,
  });
  const outputCount = images * rows * places;
  const weightCount = rows * depth / groups;
  const inputCount = images * depth * width;
  return {
    batch: images,
    channels: depth,
    filters: rows,
    groups,
    inputSize: [1, 1, places],
    kernel: [1, 1, 1],
    stride: [1, 1, 1],
    padding: [0, 0, 0],
    dilation: [1, 1, 1],
    size: [1, 1, places],
    input: row({ n: from.n, c: from.c, d: 0, h: 0, w: from.p }),
    weight: { n: depth / groups, c: 1, d: 1, h: 1, w: 1 },
    output: row({ n, c, d: 0, h: 0, w: p }),
    shuffle: [1, 1, 1],
    hasBias,
    residual: "none",
    activation: product.activation ?? NO_ACTIVATION,
    outputShape: [images, rows, places],
    inputCount,
    weightCount,
    outputCount,
    flops: 2 * outputCount * depth / groups,
    bytes: 4 * (inputCount + weightCount + outputCount),
  };
}

/**
 * Plans a product in float32.
 *
 * @param capabilities The device.
 * @param product The product.
 * @param variant Name of a variant of convolution to force; by default the device decides.
 * @returns Inputs 0 columns, 1 weight and, with a bias, 2 bias; output 0.
 */
export function planProduct(capabilities: Capabilities, product: Product, variant?: string): Plan {
  const problem = productProblem(product);
  const few = capabilities.deviceClass === "cpu" && problem.flops < FEW_FLOPS;
  return planConvolutionProblem(capabilities, problem, variant ?? (few ? "direct" : undefined));
}

/**
 * Plans a product of float16 operands with kernels that add up in float32.
 *
 * @param capabilities The device.
 * @param product The product.
 * @param variant Name of the variant of convolution.
 * @returns The plan, as of {@linkcode planProduct}.
 */
export function planHalfProduct(
  capabilities: Capabilities,
  product: Product,
  variant: string,
): Plan {
  const { images, groups, rows, depth, width, places } = product;
  const half = (...shape: number[]) => ({ shape, dtype: "float16" as const });
  return widenPlan(
    capabilities,
    planProduct(capabilities, product, variant),
    [half(images, depth, width), half(rows, depth / groups), half(rows)],
    half(images, rows, places),
    true,
  );
}

/** Products below which a CPU device compiles fast kernels for longer than they ever save. */
export const FEW_FLOPS = 1e6;

/**
 * Whether a CPU device should multiply planes with the kernel for long sums.
 *
 * @param capabilities The device.
 * @param product The product; its results are planes.
 * @param variant `product_cpu` forces it wherever it can, any other name forbids it.
 * @returns Whether {@linkcode planesProduct} can and should be planned.
 */
export function takesCpuProduct(
  capabilities: Capabilities,
  product: Product,
  variant: string | undefined,
): boolean {
  const { images, groups, rows, depth, width, places, result } = product;
  const passes = passesOf(depth / groups);
  const few = 2 * images * rows * depth / groups * places < FEW_FLOPS;
  return (variant === undefined ? !few : variant === "product_cpu") && width === places &&
    places % RUN === 0 && product.columns === undefined &&
    (result === undefined || (result.p === 1 && result.n % RUN === 0 && result.c % RUN === 0)) &&
    supportsCpuProduct(
      capabilities,
      images * depth * width,
      leftFloats(groups, rows / groups, passes),
      images * rows * width,
    );
}

/** A product of planes for `dispatchCpuProduct`. */
export function planesProduct(product: Product): CpuProduct {
  const { images, groups, places, hasBias = false, activation } = product;
  const [rows, depth] = [product.rows / groups, product.depth / groups];
  const { n, c } = product.result ?? { n: product.rows * places, c: places };
  return {
    images,
    groups,
    rows,
    depth,
    passes: passesOf(depth),
    places,
    x: { n: product.depth * places, g: depth * places, k: places },
    y: { n, g: rows * c, m: c },
    hasBias,
    ...(activation === undefined ? {} : { activation }),
  };
}

/** Gradients of the columns of a chunk, in vectors of four channels; strides in floats. */
export interface ColumnGradients {
  readonly n: number;
  readonly p: number;
  readonly k: number;
  /** Whether outputs lie next to each other, not channels. */
  readonly planes: boolean;
}

/** The specialization constant by which kernels know planes; builds with texels know nothing else. */
export function planesConstant(
  capabilities: Capabilities,
  { planes }: ColumnGradients,
): Record<string, number> {
  return usesTexels(capabilities) ? {} : { planes: planes ? 1 : 0 };
}

/**
 * The weight as the product that gives the gradients of columns reads it: rows are `[group][tap][quad][4 channels]`, with
 * zeros where a segment of channels fills no quad.
 */
function transposedWeight(
  capabilities: Capabilities,
  problem: DeformableProblem,
): DerivedWeight {
  const { groups, filters, taps, channels, segment, segmentQuads, groupQuads, weight } = problem;
  const depth = filters / groups;
  const quad = 4 * depth;
  const count = problem.depth * quad;
  checkBytes(capabilities, problem, "the packed weights", count * 4);
  const sizes = [groups, taps, channels / groups / segment, segment, depth];
  const region = {
    sizes,
    from: {
      base: 0,
      strides: [depth * weight.o, weight.t, segment * weight.c, weight.c, weight.o],
    },
    to: {
      base: 0,
      strides: [taps * groupQuads * quad, groupQuads * quad, segmentQuads * quad, depth, 1],
    },
    outputCount: count,
  };
  return {
    key: `deformable:${sizes}:${region.from.strides}`,
    byteLength: count * 4,
    dispatches: (to) => [
      ...(segment % 4 === 0 ? [] : planFill(capabilities, 0, count * 4).dispatches.map((fill) => ({
        ...fill,
        slots: [to],
      }))),
      ...copyRegion(capabilities, region, 4, [0, to]),
    ],
  };
}

/** What the product with the head gradients reads and writes. */
export interface HeadProduct {
  readonly heads: number;
  /** Index of the weight among the inputs. */
  readonly weight: number;
  readonly gradients: number;
  readonly variant: string | undefined;
}

/**
 * Plans the product of the transposed weight and the head gradients of a chunk: the gradients of its columns.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param slots Slots of the whole, to which the packed weight is added.
 * @param product The product.
 * @param at Slots, and the variant to force.
 * @returns Its name and its dispatches.
 */
export function multiplyHead(
  capabilities: Capabilities,
  problem: DeformableProblem,
  slots: Slots,
  product: Product,
  { heads, weight, gradients, variant }: HeadProduct,
): { name: string; dispatches: readonly Dispatch[] } {
  if (takesCpuProduct(capabilities, product, variant)) {
    const { taps, channels, groups, groupQuads, segment, segmentQuads, weight: step } = problem;
    const depth = product.depth / groups;
    const view = {
      base: 0,
      groups,
      groupStride: depth * step.o,
      rows: [
        { size: taps, from: step.t, to: groupQuads * 4 },
        { size: channels / groups / segment, from: segment * step.c, to: segmentQuads * 4 },
        { size: segment, from: step.c, to: 1 },
      ],
      depth,
      depthStride: step.o,
    };
    const left = slots.derived(weight, derivedLeft(capabilities, view, product.rows / groups));
    const dispatch = dispatchCpuProduct(planesProduct(product), [heads, left, left, gradients]);
    return { name: "product_cpu", dispatches: [dispatch] };
  }
  const plan = planProduct(capabilities, product, variant);
  const derived = transposedWeight(capabilities, problem);
  return {
    name: plan.label.replace("Convolution/", ""),
    dispatches: slots.embed(plan, {
      inputs: [heads, { source: weight, derived }],
      output: gradients,
    }),
  };
}

/** Copies the head gradients of a chunk to planes of their own, with zeros behind them. */
export function copyHead(
  capabilities: Capabilities,
  { filters, output }: DeformableProblem,
  { images, firstImage, firstOutput, outputs }: Chunk,
  width: number,
  slots: readonly [head: number, planes: number],
): Dispatch[] {
  const count = images * filters * width;
  const region = {
    sizes: [images, filters, outputs],
    from: {
      base: firstImage * output.n + firstOutput * output.p,
      strides: [output.n, output.c, output.p],
    },
    to: { base: 0, strides: [filters * width, width, 1] },
    outputCount: count,
  };
  const fill = width === outputs ? [] : planFill(capabilities, 0, count * 4).dispatches;
  return [
    ...fill.map((each) => ({ ...each, slots: [slots[1]] })),
    ...copyRegion(capabilities, region, 4, slots),
  ];
}
