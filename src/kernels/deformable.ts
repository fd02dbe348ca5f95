// Plans of deformable convolution: the columns of one chunk of outputs are sampled into a bounded temporary, then
// multiplied with the packed weight.

import type { Dispatch } from "../core/dispatch.ts";
import {
  packedImage,
  packedWeight,
  packInput,
  rowBlocks,
  sampleColumns,
} from "./deformable_pack.ts";
import {
  checkDeformableLimits,
  chunksOf,
  type DeformableProblem,
  type DeformableSettings,
  describeDeformable,
} from "./deformable_problem.ts";
import { chooseProduct, dispatchProduct, type ProductVariant } from "./deformable_product.ts";
import type { Capabilities, Plan, Slot } from "./plan.ts";

export type { DeformableSettings, PlaneLayout } from "./deformable_problem.ts";

/** What a caller may force, for tests and benches. */
export interface DeformableVariant {
  readonly product?: ProductVariant;
  /** How the gradient of the data is added up. */
  readonly scatter?: "walk" | "fixed";
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
 * Indices of the inputs: data, offset, mask where there is one, then the rest.
 *
 * @param problem The convolution.
 * @returns The first three as slots (the mask's is the offset's where there is none), and the index behind them.
 */
export function sampledInputs(
  { settings }: DeformableProblem,
): { slots: Slot[]; mask: number; next: number } {
  const count = settings.modulated ? 3 : 2;
  const slots = Array.from({ length: count }, (_, index): Slot => ({ role: "input", index }));
  return { slots, mask: count - 1, next: count };
}

/** Bytes of operands read once and results written once. */
export function operandBytes(problem: DeformableProblem): number {
  const { inputCount, offsetCount, maskCount, weightCount, outputCount, settings } = problem;
  const bias = settings.hasBias ? problem.filters : 0;
  const mask = settings.modulated ? maskCount : 0;
  return 4 * (inputCount + offsetCount + mask + weightCount + outputCount + bias);
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
  const problem = describeDeformable(settings);
  const { name } = settings;
  const { slots, mask, next } = sampledInputs(problem);
  const result = { flops: problem.flops, bytes: operandBytes(problem) };
  const output = slots.push({ role: "output", index: 0 }) - 1;
  if (problem.outputCount === 0) {
    return { label: `${name}/empty`, slots, dispatches: [], ...result };
  }
  checkDeformableLimits(capabilities, problem);
  const product = variant.product ?? chooseProduct(capabilities);
  const image = packedImage(capabilities, problem);
  const { chunks, columnBytes } = chunksOf(capabilities, problem, variant.columnBytes);
  const weight = slots.push(packedWeight(capabilities, problem, next, false)) - 1;
  const bias = settings.hasBias ? slots.push({ role: "input", index: next + 1 }) - 1 : undefined;
  const packed = slots.push({ role: "temporary", byteLength: image.byteLength }) - 1;
  const columns = slots.push({ role: "temporary", byteLength: columnBytes }) - 1;

  const { filters, groups, groupDepth, depth, output: steps } = problem;
  const rows = filters / groups;
  const dispatches: Dispatch[] = [packInput(capabilities, problem, image, [0, packed])];
  for (const chunk of chunks) {
    const operands = [packed, 1, mask, columns] as const;
    dispatches.push(sampleColumns(capabilities, problem, image, chunk, operands, false));
    dispatches.push(dispatchProduct(capabilities, product, {
      groups,
      rows,
      runs: chunk.runs,
      depth: groupDepth,
      runStart: chunk.start,
      runsPerImage: problem.runsPerImage,
      outputs: problem.outputs,
      left: {
        slot: weight,
        start: 0,
        block: groupDepth * 8,
        group: rowBlocks(rows) * groupDepth * 8,
      },
      right: { slot: columns, start: 0, block: depth * 32, group: groupDepth * 32 },
      result: { slot: output, image: steps.n, group: rows * steps.c, m: steps.c, n: steps.p },
      ...(bias === undefined ? {} : { bias }),
      ...(settings.activation === undefined ? {} : { activation: settings.activation }),
    }));
  }
  return { label: `${name}/${product}`, slots, dispatches, ...result };
}
