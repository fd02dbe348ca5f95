// Plans of the gradient of the weight of deformable convolution: a product of head gradient and columns, summed over outputs.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { planWeightGradient } from "./convolution_gradient.ts";
import {
  type DeformableSettings,
  type DeformableVariant,
  operandBytes,
  sampledInputs,
} from "./deformable.ts";
import { columnPlanes, packedImage, packInput, sampleColumns } from "./deformable_pack.ts";
import {
  checkBytes,
  checkDeformableLimits,
  type Chunk,
  type Chunks,
  chunksOf,
  columnBudget,
  type DeformableProblem,
  describeDeformable,
} from "./deformable_problem.ts";
import { copyHead, FEW_FLOPS } from "./deformable_product.ts";
import {
  dispatchCpuProduct,
  fillLeft,
  leftFloats,
  packLeft,
  passesOf,
  RUN,
  supportsCpuProduct,
} from "./deformable_product_cpu.ts";
import { planBinary, planFill } from "./elementwise.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";
import { Slots } from "./slots.ts";

/** A plan in the making. */
interface Draft {
  readonly capabilities: Capabilities;
  readonly problem: DeformableProblem;
  readonly slots: Slots;
  readonly chunks: Chunks;
  readonly head: number;
  readonly output: number;
  /** Samples the columns of a chunk. */
  readonly sample: (
    chunk: Chunk,
    columns: ReturnType<typeof columnPlanes>,
    to: number,
  ) => Dispatch;
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
  const work = { flops: problem.flops, bytes: operandBytes(problem) };
  const slots = new Slots();
  if (problem.outputCount === 0) {
    const [fill] = planFill(capabilities, 0, problem.weightCount * 4).dispatches;
    const dispatches = [{ ...fill!, slots: [slots.output()] }];
    return { ...work, label: `${settings.name}/empty`, slots: slots.list, dispatches };
  }
  checkDeformableLimits(capabilities, problem);
  const { mask, next } = sampledInputs(problem);
  for (let index = 0; index < next; index++) slots.input(index);
  const output = slots.output();
  const image = packedImage(capabilities, problem);
  const packed = slots.temporary(0, image.byteLength);
  const single = capabilities.deviceClass !== "cpu";
  const draft: Draft = {
    capabilities,
    problem,
    slots,
    chunks: chunksOf(problem, variant.columnBytes ?? columnBudget(capabilities), 4),
    head: slots.input(next),
    output,
    sample: (chunk, columns, to) =>
      sampleColumns(capabilities, problem, image, chunk, columns, [packed, 1, mask, to], single),
  };
  const { name, dispatches } = takesCpuProduct(draft, variant.weightProduct)
    ? multiplyOnCpu(draft)
    : multiplyPlanes(draft, variant.weightProduct);
  return {
    ...work,
    label: `${settings.name}/${name}`,
    slots: slots.list,
    dispatches: [packInput(capabilities, problem, image, [0, packed]), ...dispatches],
  };
}

interface Multiplied {
  readonly name: string;
  readonly dispatches: readonly Dispatch[];
}

function bytesOf({ capabilities, problem }: Draft, what: string, floats: number): number {
  return checkBytes(capabilities, problem, what, floats * 4);
}

/** With any kernel for the gradient of a convolution's weight. */
function multiplyPlanes(draft: Draft, variant: string | undefined): Multiplied {
  const { capabilities, problem, slots, chunks: { list, width }, head, output } = draft;
  const { groups, filters, outputs, weightCount } = problem;
  const [{ images }] = list as [Chunk];
  const depth = problem.channels * problem.taps;
  const columns = slots.temporary(
    1,
    bytesOf(draft, "the sampled columns", images * depth * width),
  );
  const direct = list.length === 1 && width === outputs;
  const heads = direct
    ? head
    : slots.temporary(2, bytesOf(draft, "head gradients", images * filters * width));
  const sumBytes = bytesOf(draft, "the weight gradients", Math.ceil(weightCount / 4) * 4);
  // Of the chunks so far, in turn in one of two.
  const sumOf = (index: number): number =>
    index === list.length - 1 ? output : slots.atLeast(`sum ${index % 2}`, sumBytes);
  const dispatches: Dispatch[] = [];
  let name = "";
  list.forEach((chunk, index) => {
    dispatches.push(draft.sample(chunk, columnPlanes(problem, width), columns));
    if (!direct) {
      dispatches.push(...copyHead(capabilities, problem, chunk, width, [head, heads]));
    }
    const product = planWeightGradient(capabilities, {
      input: [chunk.images, depth, width],
      weight: [filters, depth / groups, 1],
      layout: "NCW",
      outputLayout: direct && problem.output.p !== 1 ? "NWC" : "NCW",
      groups,
    }, variant);
    name = product.label.replace("WeightGradient/", "");
    const own = index === 0 ? sumOf(0) : slots.atLeast("part", sumBytes);
    dispatches.push(...slots.embed(product, { inputs: [columns, heads], output: own }));
    if (index === 0) return;
    const [add] = planBinary(capabilities, "add", [weightCount], [weightCount]).dispatches;
    dispatches.push({ ...add!, slots: [sumOf(index - 1), own, sumOf(index)] });
  });
  return { name, dispatches };
}

/** Sizes of the product on a CPU device: the sum runs over outputs, of which each has its columns in a row. */
function cpuSizes({ problem, chunks }: Draft) {
  const { taps, groupQuads, groups, filters } = problem;
  const [{ images }] = chunks.list as [Chunk];
  const passes = passesOf(chunks.width);
  const all = { ...passes, count: images * passes.count };
  const row = Math.ceil(taps * groupQuads * 4 / RUN) * RUN;
  return {
    passes,
    all,
    /** Floats of the columns of a group of an output. */
    row,
    columns: all.count * passes.length * groups * row,
    left: leftFloats(groups, filters / groups, all),
    sums: filters * row,
  };
}

function takesCpuProduct(draft: Draft, variant: string | undefined): boolean {
  const { columns, left, sums } = cpuSizes(draft);
  return (variant === undefined ? draft.problem.flops >= FEW_FLOPS : variant === "product_cpu") &&
    supportsCpuProduct(draft.capabilities, columns, left, sums);
}

/** With the kernel for long sums. */
function multiplyOnCpu(draft: Draft): Multiplied {
  const { capabilities, problem, slots, chunks: { list }, head, output } = draft;
  const { groups, filters, taps, groupQuads, segment, segmentQuads } = problem;
  const sizes = cpuSizes(draft);
  const { passes, row } = sizes;
  const columns = slots.temporary(1, bytesOf(draft, "the sampled columns", sizes.columns));
  const left = slots.temporary(2, bytesOf(draft, "the packed head gradients", sizes.left));
  const sums = slots.temporary(3, bytesOf(draft, "the packed weight gradients", sizes.sums));
  const rows = filters / groups;
  const perImage = passes.count * passes.length;
  const dispatches: Dispatch[] = [];
  list.forEach((chunk, index) => {
    const count = chunk.images * passes.count;
    const form = {
      n: perImage * groups * row,
      g: row,
      c: groups * row,
      t: groupQuads * 4,
      outputs: perImage,
      rows: true,
    };
    dispatches.push(draft.sample(chunk, form, columns));
    if (chunk.outputs !== perImage) {
      dispatches.push(
        ...fillLeft(capabilities, leftFloats(groups, rows, { ...passes, count }), left),
      );
    }
    for (let image = 0; image < chunk.images; image++) {
      dispatches.push(...packLeft(
        capabilities,
        {
          base: (chunk.firstImage + image) * problem.output.n +
            chunk.firstOutput * problem.output.p,
          groups,
          groupStride: rows * problem.output.c,
          rows: [{ size: rows, from: problem.output.c, to: 1 }],
          depth: chunk.outputs,
          depthStride: problem.output.p,
        },
        rows,
        passes,
        [head, left],
        image * passes.count,
        count,
      ));
    }
    dispatches.push(dispatchCpuProduct({
      images: 1,
      groups,
      rows,
      depth: chunk.images * perImage,
      passes: { ...passes, count },
      places: row,
      x: { n: 0, g: row, k: groups * row },
      y: { n: 0, g: rows * row, m: row },
      accumulate: index > 0,
    }, [columns, left, left, sums]));
  });
  dispatches.push(makeDispatch(
    programs["deformable/unpack_weight.texel"],
    {
      local_size_x: plainLocalSize(capabilities),
      channels_inner: problem.weight.c === 1 ? 1 : 0,
    },
    {
      total: problem.weightCount,
      channels: problem.channels / groups,
      taps,
      group_quads: groupQuads,
      row: row / 4,
      segment,
      segment_quads: segmentQuads,
    },
    [sums, output],
    gridForItems(capabilities, Math.ceil(problem.weightCount / 4)),
  ));
  return { name: "product_cpu", dispatches };
}
