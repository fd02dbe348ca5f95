// Plans of the gradients of deformable convolution (spec: layers.md sections 8.4 and 9). The gradient C of the columns of
// one chunk is a product of weight and head gradient; data, offset and mask follow from it. All sums have a fixed order.

import type { Dispatch } from "../core/dispatch.ts";
import {
  type DeformableSettings,
  type DeformableVariant,
  operandBytes,
  sampledInputs,
} from "./deformable.ts";
import {
  filterQuads,
  headPanelBytes,
  headRowVectors,
  type PackedImage,
  packedImage,
  packedWeight,
  packHeadPanels,
  packHeadRows,
  packInput,
  rowBlocks,
  sampleColumns,
} from "./deformable_pack.ts";
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
import { chooseProduct, dispatchProduct } from "./deformable_product.ts";
import { scatterFixed, scatterWalk } from "./deformable_scatter.ts";
import { planFill } from "./elementwise.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { countOperand } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";

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

function offsetGradient(
  capabilities: Capabilities,
  problem: DeformableProblem,
  image: PackedImage,
  chunk: Chunk,
  slots: readonly number[],
  { starts }: SampledParts,
): Dispatch {
  const columns = chunk.runs * 4;
  const parts = problem.taps * problem.deformableGroups;
  return makeDispatch(
    deformableProgram(capabilities, "offset_gradient"),
    {
      local_size_x: plainLocalSize(capabilities),
      ...samplerConstants(problem),
      offset: starts.offset === undefined ? 0 : 1,
      mask: starts.mask === undefined ? 0 : 1,
    },
    {
      ...samplerWords(problem),
      columns,
      run_start: chunk.start,
      parts,
      depth: problem.depth,
      x_n: image.n,
      x_p: image.p,
      x_u: image.u,
      offset_start: starts.offset ?? 0,
      mask_start: starts.mask ?? 0,
    },
    slots,
    gridForItems(capabilities, columns * parts),
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
  const { slots, mask, next } = sampledInputs(problem);
  const temporary = (byteLength: number): number =>
    slots.push({ role: "temporary", byteLength }) - 1;
  const output = slots.push({ role: "output", index: 0 }) - 1;
  const head = slots.push({ role: "input", index: next + 1 }) - 1;
  const weight = slots.push(packedWeight(capabilities, problem, next, true)) - 1;
  const panels = temporary(headPanelBytes(capabilities, problem));
  const { chunks, columnBytes } = chunksOf(capabilities, problem, variant.columnBytes);
  const columns = temporary(columnBytes);
  const product = variant.product ?? chooseProduct(capabilities);

  const dispatches = [packHeadPanels(capabilities, problem, [head, panels])];
  const image = packedImage(capabilities, problem);
  let packed = -1;
  if (starts.offset !== undefined || starts.mask !== undefined) {
    packed = temporary(image.byteLength);
    dispatches.push(packInput(capabilities, problem, image, [0, packed]));
  }
  const walks = (variant.scatter ?? (capabilities.deviceClass === "cpu" ? "walk" : "fixed")) ===
    "walk";
  const scatter = starts.data === undefined
    ? undefined
    : (walks ? scatterWalk : scatterFixed)(capabilities, problem, {
      slots,
      offset: 1,
      mask,
      columns,
      output,
      outputStart: starts.data,
    });
  const { groups, groupDepth, depth } = problem;
  const quads = filterQuads(problem);
  chunks.forEach((chunk, index) => {
    dispatches.push(dispatchProduct(capabilities, product, {
      groups,
      rows: groupDepth * 4,
      runs: chunk.runs,
      depth: quads,
      runStart: 0,
      runsPerImage: chunk.runs,
      outputs: chunk.runs * 4,
      left: {
        slot: weight,
        start: 0,
        block: quads * 8,
        group: rowBlocks(groupDepth * 4) * quads * 8,
      },
      right: {
        slot: panels,
        start: chunk.start / 8 * groups * quads * 32,
        block: groups * quads * 32,
        group: quads * 32,
      },
      result: { slot: columns, image: 0, group: groupDepth * 4, m: 1, n: depth * 4 },
    }));
    if (packed >= 0) {
      const operands = [packed, 1, mask, columns, output];
      dispatches.push(offsetGradient(capabilities, problem, image, chunk, operands, layout));
    }
    if (scatter !== undefined) dispatches.push(...scatter.add(chunk, index === 0));
  });
  if (scatter !== undefined) dispatches.push(scatter.finish);
  return {
    label: `${settings.name}/${product}`,
    slots,
    dispatches,
    flops: problem.flops,
    bytes: operandBytes(problem) + 4 * layout.total,
  };
}

function fillOutput(capabilities: Capabilities, label: string, count: number): Plan {
  const slots: Slot[] = [{ role: "output", index: 0 }];
  return { ...planFill(capabilities, 0, count * 4), label, slots };
}

/**
 * Plans the gradient of the weight: `dw[o, c, i, j] = sum over n, q of G[n, o, q] * sample`.
 *
 * @param capabilities The device.
 * @param settings The convolution, without bias and activation.
 * @param variant What to force; by default the device decides.
 * @returns Inputs data, offset, mask (v2 only), head gradient; output 0 of the weight's shape.
 * @throws {LimitError} If a tensor or temporary exceeds what the device binds.
 */
export function planDeformableWeightGradient(
  capabilities: Capabilities,
  settings: DeformableSettings,
  variant: DeformableVariant = {},
): Plan {
  const problem = describeDeformable(settings);
  const { groups, filters, groupDepth, runs } = problem;
  if (runs === 0) {
    return fillOutput(capabilities, `${settings.name}/empty`, problem.weightCount);
  }
  checkDeformableLimits(capabilities, problem);
  const rows = filters / groups;
  const { slots, mask, next } = sampledInputs(problem);
  const temporary = (byteLength: number): number =>
    slots.push({ role: "temporary", byteLength }) - 1;
  const output = slots.push({ role: "output", index: 0 }) - 1;
  const head = slots.push({ role: "input", index: next }) - 1;
  const image = packedImage(capabilities, problem);
  const packed = temporary(image.byteLength);
  const left = temporary(headRowVectors(capabilities, problem) * 16);
  const { chunks, columnBytes } = chunksOf(
    capabilities,
    problem,
    variant.columnBytes ?? columnBudget(capabilities, true),
  );
  const columns = temporary(columnBytes);
  const sums = temporary(
    checkBytes(capabilities, problem, "the packed weight gradients", filters * groupDepth * 16),
  );
  const product = variant.product ?? chooseProduct(capabilities);
  const dispatches = [
    packInput(capabilities, problem, image, [0, packed]),
    packHeadRows(capabilities, problem, [head, left]),
  ];
  const panels = Math.ceil(groupDepth / 8);
  chunks.forEach((chunk, index) => {
    const operands = [packed, 1, mask, columns] as const;
    dispatches.push(sampleColumns(capabilities, problem, image, chunk, operands, true));
    dispatches.push(dispatchProduct(capabilities, product, {
      groups,
      rows,
      runs: groupDepth,
      depth: chunk.runs,
      runStart: 0,
      runsPerImage: groupDepth,
      outputs: groupDepth * 4,
      left: {
        slot: left,
        start: chunk.start * 8,
        block: runs * 8,
        group: rowBlocks(rows) * runs * 8,
      },
      right: {
        slot: columns,
        start: 0,
        block: chunk.runs * 32,
        group: panels * chunk.runs * 32,
      },
      result: {
        slot: sums,
        image: 0,
        group: rows * groupDepth * 4,
        m: groupDepth * 4,
        n: 1,
      },
      accumulate: index > 0,
    }));
  });
  dispatches.push(makeDispatch(
    deformableProgram(capabilities, "unpack_weight"),
    {
      local_size_x: plainLocalSize(capabilities),
      channels_inner: problem.weight.c === 1 ? 1 : 0,
    },
    {
      total: problem.weightCount,
      channels: problem.channels / groups,
      taps: problem.taps,
      group_quads: problem.groupQuads,
      segment: problem.segment,
      segment_quads: problem.segmentQuads,
    },
    [sums, output],
    gridForItems(capabilities, Math.ceil(problem.weightCount / 4)),
  ));
  return {
    label: `${settings.name}/${product}`,
    slots,
    dispatches,
    flops: problem.flops,
    bytes: operandBytes(problem),
  };
}
