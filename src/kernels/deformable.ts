// Plans of deformable convolution: the columns of one chunk of outputs are sampled into a bounded temporary, then
// multiplied with the weight as a convolution of 1x1.

import type { Dispatch } from "../core/dispatch.ts";
import { choosesCooperative, planCooperativeConvolution } from "./cooperative.ts";
import { columnPlanes, packedImage, packInput, sampleColumns } from "./deformable_pack.ts";
import {
  checkBytes,
  checkDeformableLimits,
  type Chunk,
  chunksOf,
  columnBudget,
  type DeformableProblem,
  type DeformableSettings,
  describeDeformable,
} from "./deformable_problem.ts";
import {
  planesProduct,
  planHalfProduct,
  planProduct,
  type Product,
  productProblem,
  takesCpuProduct,
} from "./deformable_product.ts";
import { derivedLeft, dispatchCpuProduct } from "./deformable_product_cpu.ts";
import type { ScatterVariant } from "./deformable_scatter.ts";
import type { Capabilities, Plan } from "./plan.ts";
import { copyRegion } from "./region.ts";
import { Slots } from "./slots.ts";
import { withHalves } from "./widen.ts";

export type { DeformableSettings, PlaneLayout } from "./deformable_problem.ts";

/** What a caller may force, for tests and benches. */
export interface DeformableVariant {
  /** Variant of the convolution that computes products. */
  readonly product?: string;
  /** Variant of the weight gradient that computes that of the weight. */
  readonly weightProduct?: string;
  /** How the gradient of the data is added up. */
  readonly scatter?: ScatterVariant;
  /** Budget for the columns of one chunk. */
  readonly columnBytes?: number;
}

/**
 * Shapes that belong to a deformable convolution.
 *
 * @param settings The convolution.
 * @returns Shapes of output, offset and mask in the layout.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function deformableShapes(
  settings: DeformableSettings,
): Readonly<Record<"output" | "offset" | "mask", readonly number[]>> {
  const { outputShape, offsetShape, maskShape } = describeDeformable(settings);
  return { output: outputShape, offset: offsetShape, mask: maskShape };
}

/**
 * Indices of the inputs: data 0, offset 1, mask 2 where there is one, then the rest.
 *
 * @param problem The convolution.
 * @returns The mask's, which is the offset's where there is none, and the one behind.
 */
export function sampledInputs({ settings }: DeformableProblem): { mask: number; next: number } {
  return settings.modulated ? { mask: 2, next: 3 } : { mask: 1, next: 2 };
}

/** Bytes of operands read once and results written once. */
export function operandBytes(problem: DeformableProblem): number {
  const { inputCount, offsetCount, maskCount, weightCount, outputCount, settings } = problem;
  const bias = settings.hasBias ? problem.filters : 0;
  const mask = settings.modulated ? maskCount : 0;
  return 4 * (inputCount + offsetCount + mask + weightCount + outputCount + bias);
}

/** What differs between dtypes. */
interface Form {
  readonly elementBytes: 2 | 4;
  /** What the width of planes is a multiple of. */
  readonly vector: 4 | 8;
  /** Whether an invocation samples one output, not four. */
  readonly single: boolean;
  /** Whether a product only makes planes. */
  readonly planes: boolean;
  /** Whether a product can leave out the end of planes. */
  readonly strided: boolean;
  readonly multiply: (slots: Slots, product: Product, at: ProductSlots) => Multiplied;
}

/** Slots of a product, and the indices of weight and bias among the inputs. */
interface ProductSlots {
  readonly columns: number;
  readonly weight: number;
  readonly result: number;
}

interface Multiplied {
  readonly name: string;
  readonly dispatches: readonly Dispatch[];
}

/** Puts a plan of a product on the slots of the whole. */
function embedProduct(
  slots: Slots,
  plan: Plan,
  { columns, weight, result }: ProductSlots,
): Multiplied {
  const inputs = [columns, { source: weight }, { source: weight + 1 }];
  return {
    name: plan.label.replace("Convolution/", ""),
    dispatches: slots.embed(plan, { inputs, output: result }),
  };
}

/**
 * Plans a deformable convolution in float32.
 *
 * @param capabilities The device.
 * @param settings The convolution.
 * @param variant What to force; by default the device decides.
 * @returns Inputs data, offset, mask (v2 only), weight, bias (where there is one), output 0.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 * @throws {LimitError} If a tensor or temporary exceeds what the device binds.
 */
export function planDeformableConvolution(
  capabilities: Capabilities,
  settings: DeformableSettings,
  variant: DeformableVariant = {},
): Plan {
  const cpu = capabilities.deviceClass === "cpu";
  const problem = describeDeformable(settings);
  return planForward(capabilities, problem, variant, {
    elementBytes: 4,
    vector: cpu ? 8 : 4,
    single: !cpu,
    planes: cpu,
    strided: !cpu,
    multiply: (slots, product, at) =>
      takesCpuProduct(capabilities, product, variant.product)
        ? multiplyOnCpu(capabilities, problem, slots, product, at)
        : embedProduct(slots, planProduct(capabilities, product, variant.product), at),
  });
}

/**
 * Plans a deformable convolution of float16 tensors where the device has kernels of its own for the product: samples are
 * computed in float32, and rounded to float16 before they are multiplied.
 *
 * @param capabilities The device.
 * @param settings The convolution.
 * @param variant What to force; by default the device decides.
 * @returns The plan, as of {@linkcode planDeformableConvolution}; null where the float32 kernels must do.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 * @throws {LimitError} If a tensor or temporary exceeds what the device binds.
 */
export function planHalfDeformable(
  capabilities: Capabilities,
  settings: DeformableSettings,
  variant: DeformableVariant = {},
): Plan | null {
  const problem = describeDeformable(settings);
  if (problem.outputCount === 0) return null;
  const forced = variant.product;
  if (forced === undefined && !multipliesHalves(capabilities, problem)) return null;
  const plan = planForward(capabilities, problem, variant, {
    elementBytes: 2,
    vector: 8,
    single: false,
    planes: false,
    strided: false,
    multiply: (slots, product, at) =>
      embedProduct(
        slots,
        forced === undefined
          ? planCooperativeConvolution(capabilities, productProblem(product))
          : planHalfProduct(capabilities, product, forced),
        at,
      ),
  });
  return { ...plan, bytes: plan.bytes / 2 };
}

/** Whether cooperative matrices can and should multiply the columns. */
function multipliesHalves(
  capabilities: Capabilities,
  { batch, outputs, filters, channels, taps, groups }: DeformableProblem,
): boolean {
  const depth = channels * taps;
  const all = { images: batch, places: outputs, width: outputs, rows: filters, depth, groups };
  return capabilities.cooperativeMatrix !== null &&
    choosesCooperative(capabilities, productProblem(all));
}

function planForward(
  capabilities: Capabilities,
  problem: DeformableProblem,
  variant: DeformableVariant,
  form: Form,
): Plan {
  const { settings, filters, groups, outputs } = problem;
  const { name, hasBias = false, activation } = settings;
  const { mask, next } = sampledInputs(problem);
  const work = { flops: problem.flops, bytes: operandBytes(problem) };
  const slots = new Slots();
  for (let index = 0; index < next; index++) slots.input(index);
  const output = slots.output();
  if (problem.outputCount === 0) {
    return { label: `${name}/empty`, slots: slots.list, dispatches: [], ...work };
  }
  checkDeformableLimits(capabilities, problem);
  const image = packedImage(capabilities, problem);
  const { elementBytes } = form;
  const { list, width } = chunksOf(
    problem,
    Math.min(
      variant.columnBytes ?? columnBudget(capabilities),
      capabilities.maxStorageBufferRange,
    ),
    form.vector,
    elementBytes,
  );
  const [{ images }] = list as [Chunk];
  const depth = problem.channels * problem.taps;
  const bytes = (what: string, count: number): number =>
    checkBytes(capabilities, problem, what, count * elementBytes);
  const packed = slots.temporary(0, image.byteLength * elementBytes / 4);
  const columns = slots.temporary(1, bytes("the sampled columns", images * depth * width));
  const fits = width === outputs && (!form.planes || problem.output.p === 1);
  const direct = list.length === 1 && (fits || form.strided);
  const result = direct ? output : slots.temporary(2, bytes("results", images * filters * width));
  const halves = elementBytes === 2;
  const dispatches: Dispatch[] = [
    withHalves(packInput(capabilities, problem, image, [0, packed]), halves),
  ];
  const labels = new Set<string>();
  for (const chunk of list) {
    const operands = [packed, 1, mask, columns] as const;
    const sampled = sampleColumns(
      capabilities,
      problem,
      image,
      chunk,
      columnPlanes(problem, width),
      operands,
      form.single,
    );
    const product = form.multiply(slots, {
      images: chunk.images,
      places: direct ? outputs : width,
      width,
      groups,
      rows: filters,
      depth,
      hasBias,
      ...(activation === undefined ? {} : { activation }),
      ...(direct ? { result: problem.output } : {}),
    }, { columns, weight: next, result });
    labels.add(product.name);
    dispatches.push(
      withHalves(sampled, halves),
      ...product.dispatches,
      ...direct ? [] : copyOutputs(capabilities, problem, chunk, width, elementBytes, [
        result,
        output,
      ]),
    );
  }
  const label = `${name}/${[...labels].join("+")}`;
  return { label, slots: slots.list, dispatches, ...work };
}

/** Multiplies columns in planes with the weight as it is, which is packed once. */
function multiplyOnCpu(
  capabilities: Capabilities,
  { weight }: DeformableProblem,
  slots: Slots,
  product: Product,
  at: ProductSlots,
): Multiplied {
  const { groups } = product;
  const rows = product.rows / groups;
  const depth = product.depth / groups;
  const view = {
    base: 0,
    groups,
    groupStride: rows * weight.o,
    rows: [{ size: rows, from: weight.o, to: 1 }],
    depth,
    depthStride: 1,
  };
  const left = slots.derived(at.weight, derivedLeft(capabilities, view, rows));
  const bias = product.hasBias ? slots.input(at.weight + 1) : left;
  const dispatch = dispatchCpuProduct(planesProduct(product), [at.columns, left, bias, at.result]);
  return { name: "product_cpu", dispatches: [dispatch] };
}

/** Brings the results of a chunk to their places. */
function copyOutputs(
  capabilities: Capabilities,
  { filters, output, outputCount }: DeformableProblem,
  { images, firstImage, firstOutput, outputs }: Chunk,
  width: number,
  elementBytes: number,
  slots: readonly [result: number, output: number],
): Dispatch[] {
  const region = {
    sizes: [images, filters, outputs],
    from: { base: 0, strides: [filters * width, width, 1] },
    to: {
      base: firstImage * output.n + firstOutput * output.p,
      strides: [output.n, output.c, output.p],
    },
    outputCount,
  };
  return copyRegion(capabilities, region, elementBytes, slots);
}
