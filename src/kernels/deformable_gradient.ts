// Plans of the gradients of data, offset and mask of deformable convolution (spec: layers.md sections 8.4 and 9). The gradient C of the columns of
// one chunk is a product of weight and head gradient; data, offset and mask follow from it. All sums have a fixed order.

import type { Dispatch } from "../core/dispatch.ts";
import {
  type DeformableSettings,
  type DeformableVariant,
  operandBytes,
  sampledInputs,
} from "./deformable.ts";
import { type PackedImage, packedImage, packInput } from "./deformable_pack.ts";
import {
  checkBytes,
  checkDeformableLimits,
  type Chunk,
  chunksOf,
  columnBudget,
  type DeformableProblem,
  deformableProgram,
  describeDeformable,
  samplerConstants,
  samplerWords,
} from "./deformable_problem.ts";
import {
  type ColumnGradients,
  copyHead,
  multiplyHead,
  planesConstant,
} from "./deformable_product.ts";
import { planScatter } from "./deformable_scatter.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { countOperand, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";
import { Slots } from "./slots.ts";

/** The gradients that one pass over the columns gives. */
export type SampledPart = "data" | "offset" | "mask";

/** Where gradients lie in the one output: places in floats, and the total. */
export interface SampledParts {
  readonly starts: Readonly<Partial<Record<SampledPart, number>>>;
  readonly total: number;
}

/**
 * Lays several gradients out in one tensor.
 *
 * @param settings The convolution.
 * @param parts Which gradients.
 * @returns Where each begins.
 */
export function sampledParts(
  settings: DeformableSettings,
  parts: readonly SampledPart[],
): SampledParts {
  const problem = describeDeformable(settings);
  const counts = {
    data: problem.inputCount,
    offset: problem.offsetCount,
    mask: problem.maskCount,
  };
  const starts: Partial<Record<SampledPart, number>> = {};
  let total = 0;
  for (const part of ["data", "offset", "mask"] as const) {
    if (!parts.includes(part)) continue;
    starts[part] = total;
    // The gradient of the data is stored as whole vectors; what lies behind must not leave gaps that nothing writes.
    total += part === "data" ? Math.ceil(counts.data / 4) * 4 : counts[part];
  }
  return { starts, total };
}

/** Invocations that share the channels of a sample on a GPU: eight read 128 bytes. */
const OFFSET_LANES = 8;

function offsetGradient(
  capabilities: Capabilities,
  problem: DeformableProblem,
  image: PackedImage,
  chunk: Chunk,
  columns: ColumnGradients,
  slots: readonly number[],
  { starts }: SampledParts,
): Dispatch {
  const count = chunk.images * chunk.outputs;
  const parts = problem.taps * problem.deformableGroups;
  const lanes = columns.planes ? 1 : OFFSET_LANES;
  return makeDispatch(
    deformableProgram(capabilities, "offset_gradient"),
    {
      local_size_x: plainLocalSize(capabilities),
      ...samplerConstants(problem),
      ...planesConstant(capabilities, columns),
      ...(lanes === 1 ? {} : { lanes }),
      offset: starts.offset === undefined ? 0 : 1,
      mask: starts.mask === undefined ? 0 : 1,
    },
    {
      ...samplerWords(problem),
      columns: count,
      items_per_image: chunk.outputs,
      first_image: chunk.firstImage,
      first_output: chunk.firstOutput,
      parts,
      deformable_quads: problem.deformableQuads,
      group_quads: problem.groupQuads,
      column_n: columns.n,
      column_p: columns.p,
      column_k: columns.k,
      x_n: image.n,
      x_p: image.p,
      x_u: image.u,
      offset_start: starts.offset ?? 0,
      mask_start: starts.mask ?? 0,
    },
    slots,
    gridForItems(capabilities, count * parts * lanes),
  );
}

/**
 * Plans the gradients of data, offset and mask of a deformable convolution, as one flat output.
 *
 * @param capabilities The device.
 * @param settings The convolution, without bias and activation.
 * @param parts Which gradients.
 * @param variant What to force; by default the device decides.
 * @returns Inputs data, offset, mask (v2 only), weight, head gradient; output 0 as {@linkcode sampledParts} says.
 * @throws {LimitError} If a tensor or temporary exceeds what the device binds.
 */
export function planDeformableSampledGradient(
  capabilities: Capabilities,
  settings: DeformableSettings,
  parts: readonly SampledPart[],
  variant: DeformableVariant = {},
): Plan {
  const problem = describeDeformable(settings);
  checkDeformableLimits(capabilities, problem);
  const layout = sampledParts(settings, parts);
  countOperand(capabilities, `apply ${settings.name}`, [layout.total], 4);
  const { starts } = layout;
  const { mask, next } = sampledInputs(problem);
  const slots = new Slots();
  for (let index = 0; index < next; index++) slots.input(index);
  const output = slots.output();
  const head = slots.input(next + 1);
  const planes = capabilities.deviceClass === "cpu" || usesTexels(capabilities);
  const { list, width } = chunksOf(
    problem,
    variant.columnBytes ?? columnBudget(capabilities),
    planes ? 8 : 1,
  );
  const { filters, groups, outputs } = problem;
  const images = list[0]?.images ?? 0;
  const rows = problem.depth * 4;
  const bytes = (what: string, count: number): number =>
    checkBytes(capabilities, problem, what, count * 4);
  const gradients = slots.temporary(
    0,
    bytes("the gradients of the sampled columns", images * rows * width),
  );
  const direct = list.length === 1 && (!planes || (width === outputs && problem.output.p === 1));
  const heads = direct
    ? head
    : slots.temporary(1, bytes("head gradients", images * filters * width));
  const columns: ColumnGradients = planes
    ? { n: rows * width, p: 1, k: width, planes }
    : { n: rows * width, p: rows, k: 1, planes };
  const image = packedImage(capabilities, problem, true);
  const dispatches: Dispatch[] = [];
  let packed = -1;
  if (starts.offset !== undefined || starts.mask !== undefined) {
    packed = slots.temporary(2, image.byteLength);
    dispatches.push(packInput(capabilities, problem, image, [0, packed]));
  }
  const scatter = starts.data === undefined
    ? undefined
    : planScatter(capabilities, problem, variant.scatter, {
      slots,
      mask,
      gradients,
      columns,
      output,
      outputStart: starts.data,
      chunks: list,
    });
  let name = "empty";
  for (const chunk of list) {
    if (!direct) {
      dispatches.push(...copyHead(capabilities, problem, chunk, width, [head, heads]));
    }
    const product = multiplyHead(capabilities, problem, slots, {
      images: chunk.images,
      places: planes ? width : chunk.outputs,
      groups,
      rows,
      depth: filters,
      width,
      ...(direct && !planes ? { columns: problem.output } : {}),
      result: { n: columns.n, c: columns.k, p: columns.p },
    }, { heads, weight: next, gradients, variant: variant.product });
    name = product.name;
    dispatches.push(...product.dispatches);
    if (packed >= 0) {
      const operands = [packed, 1, mask, gradients, output];
      dispatches.push(
        offsetGradient(capabilities, problem, image, chunk, columns, operands, layout),
      );
    }
    if (scatter !== undefined) dispatches.push(...scatter.add(chunk));
  }
  if (scatter !== undefined) dispatches.push(...scatter.finish);
  return {
    label: `${settings.name}/${name}`,
    slots: slots.list,
    dispatches,
    flops: problem.flops,
    bytes: operandBytes(problem) + 4 * layout.total,
  };
}
