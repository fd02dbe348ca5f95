// Plans of reductions: sum, mean, maximum and minimum over any axes, softmax along one. The order of additions
// depends on shape and device alone.

import { programs } from "../../shaders/manifest.ts";
import { type DType, dtypeByteLength } from "../core/dtype.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import { planCast } from "./cast.ts";
import { divisor } from "./divisor.ts";
import { planFill } from "./elementwise.ts";
import { foldGrid, gridForItems, plainLocalSize } from "./grid.ts";
import { checkDType, countOperand, plainSlots, totalBytes, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";

/** What a reduction computes; the numbers are those of reduce.comp. */
export const REDUCTIONS = { sum: 0, mean: 0, max: 1, min: 2 } as const;

/** Name of a reduction. */
export type ReductionName = keyof typeof REDUCTIONS;

/** Elements that one item adds: enough to be worth a store, few enough that many items share a long axis. */
const CHUNK = 256;
const TYPE_CODES: Readonly<Partial<Record<DType, number>>> = { float32: 0, int32: 1, float16: 2 };
/** Words without elements: the sum is 0, the mean NaN. */
const NAN_WORDS: Readonly<Partial<Record<DType, number>>> = {
  float32: 0x7fc00000,
  float16: 0x7e007e00,
};

/** Elements of an item that one workgroup adds up while another launch would only begin. */
const ONE_LAUNCH = 128 * 1024;

/** Invocations of a workgroup that shares an item: each has some elements, unless there are too many. */
const MOST_LANES = 1_024;
const LANE_ELEMENTS = 16;

/** One dispatch: [outer][elements][inner] to [outer][chunks][inner]. */
interface Stage {
  readonly outer: number;
  readonly elements: number;
  readonly inner: number;
  readonly chunk: number;
  /** Neighboring elements; behind them come those of the other items. By default all, and those of an item are together. */
  readonly run?: number;
}

function chunksOf({ elements, chunk }: Stage): number {
  return Math.ceil(elements / chunk);
}

function resultCount(stage: Stage): number {
  return stage.outer * chunksOf(stage) * stage.inner;
}

interface Group {
  readonly reduced: boolean;
  size: number;
}

/** Runs of neighboring axes that are reduced or kept together. */
function groupsOf(shape: Shape, axes: readonly number[]): Group[] {
  const groups: Group[] = [];
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const reduced = axes.includes(axis);
    const last = groups.at(-1);
    if (last?.reduced === reduced) last.size *= size;
    else groups.push({ reduced, size });
  });
  return groups;
}

/** Elements of an item that a workgroup shares: all, or few enough that each processor has several items. */
function chunkOf({ processors }: Capabilities, outer: number, elements: number): number {
  if (elements <= ONE_LAUNCH) return elements;
  const chunk = 4 * Math.ceil(Math.max(CHUNK, outer * elements / (4 * processors)) / 4);
  return elements > 2 * chunk ? chunk : elements;
}

/** The dispatches of a reduction; the largest group of axes first, since the rest then reads less. */
function stagesOf(capabilities: Capabilities, shape: Shape, axes: readonly number[]): Stage[] {
  const groups = groupsOf(shape, axes);
  const product = (part: typeof groups) => part.reduce((all, { size }) => all * size, 1);
  const stages: Stage[] = [];
  // Around the axes that stay, as of a bias: on a GPU one launch, not one for each side.
  if (shares(capabilities, 1) && groups.length === 3 && groups[0]!.reduced) {
    const [images, { size: outer }, { size: run }] = groups as [Group, Group, Group];
    const elements = images.size * run;
    const chunk = chunkOf(capabilities, outer, elements);
    stages.push({ outer, elements, inner: 1, chunk, run });
    groups.splice(0, 3, { reduced: false, size: outer }, {
      reduced: true,
      size: Math.ceil(elements / chunk),
    });
  }
  for (;;) {
    let at = -1;
    groups.forEach(({ reduced, size }, index) => {
      if (reduced && size > 1 && (at < 0 || size > groups[at]!.size)) at = index;
    });
    const group = groups[at];
    if (group === undefined) break;
    const outer = product(groups.slice(0, at));
    const inner = product(groups.slice(at + 1));
    while (group.size > 1) {
      const chunk = shares(capabilities, inner)
        ? chunkOf(capabilities, outer, group.size)
        : group.size > 2 * CHUNK
        ? CHUNK
        : group.size;
      stages.push({ outer, elements: group.size, inner, chunk });
      group.size = Math.ceil(group.size / chunk);
    }
  }
  // Nothing to add: a copy.
  if (stages.length === 0) {
    stages.push({ outer: product(groups), elements: 1, inner: 1, chunk: 1 });
  }
  return stages;
}

/** Whether items are far apart in memory, on a device that reads neighbors together. */
function shares({ deviceClass }: Capabilities, inner: number): boolean {
  return deviceClass !== "cpu" && inner < 16;
}

/** Invocations that share an item. */
export function lanesFor(capabilities: Capabilities, inner: number, chunk: number): number {
  return shares(capabilities, inner) && chunk >= 32 ? plainLocalSize(capabilities) : 1;
}

/** Invocations of the workgroup of an item with so many elements. */
function wideLanes({ maxWorkgroupInvocations, maxWorkgroupSize }: Capabilities, elements: number) {
  const most = Math.min(MOST_LANES, maxWorkgroupInvocations, maxWorkgroupSize[0]);
  const wanted = Math.max(64, Math.min(most, elements / LANE_ELEMENTS));
  return 2 ** Math.floor(Math.log2(wanted));
}

function dispatchStage(
  capabilities: Capabilities,
  stage: Stage,
  operation: number,
  dtype: DType,
  by: number,
  [from, to]: readonly [number, number],
): Dispatch {
  const { outer, inner, elements, chunk, run = elements } = stage;
  const chunks = chunksOf(stage);
  const items = resultCount(stage);
  const shared = lanesFor(capabilities, inner, chunk) > 1;
  const lanes = shared ? wideLanes(capabilities, chunk) : 1;
  const cpu = capabilities.deviceClass === "cpu";
  const quads = (cpu || shared) && dtype !== "float16" && inner === 1 &&
    [elements, chunk, run].every((size) => size % 4 === 0);
  const [inners, parts, runs] = [divisor(inner), divisor(chunks), divisor(run)];
  return makeDispatch(
    programs[usesTexels(capabilities) ? "reduce/reduce.texel" : "reduce/reduce.storage"],
    {
      local_size_x: shared ? lanes : plainLocalSize(capabilities),
      type: TYPE_CODES[dtype]!,
      operation,
      lanes,
      quads: quads ? 1 : 0,
      runs: run < elements ? 1 : 0,
    },
    {
      items,
      elements,
      inner,
      chunk,
      chunks,
      run,
      jump: outer * run,
      multiplier_inner: inners.multiplier,
      multiplier_chunks: parts.multiplier,
      multiplier_run: runs.multiplier,
      shifts: inners.shift | (parts.shift << 5) | (runs.shift << 10),
      divisor: by,
    },
    [from, from, to],
    shared ? foldGrid(capabilities, items) : gridForItems(capabilities, items),
  );
}

/**
 * Plans a reduction.
 *
 * @param capabilities The device.
 * @param name What to compute.
 * @param shape Shape of the input.
 * @param axes Axes to reduce, counted from the front.
 * @param dtype float32, float16 or int32 (`mean`: no int32); float16 is added up in float32.
 * @returns Input 0, output 0 with one element for each index of the other axes.
 */
export function planReduce(
  capabilities: Capabilities,
  name: ReductionName,
  shape: Shape,
  axes: readonly number[],
  dtype: DType,
): Plan {
  const where = `apply ${name}`;
  checkDType(
    where,
    dtype,
    name === "mean" ? ["float32", "float16"] : Object.keys(TYPE_CODES) as DType[],
  );
  const count = countOperand(capabilities, where, shape, dtypeByteLength(dtype));
  const outputCount = elementCount(shape.filter((_, axis) => !axes.includes(axis)));
  const result = {
    label: `Reduce/${name}`,
    flops: count,
    bytes: totalBytes(dtype, count, outputCount),
  };
  if (outputCount === 0) return { ...result, slots: plainSlots(1), dispatches: [] };
  if (count === 0) {
    const word = name === "mean" ? NAN_WORDS[dtype]! : 0;
    const [fill] = planFill(capabilities, word, outputCount * dtypeByteLength(dtype)).dispatches;
    return { ...result, slots: plainSlots(1), dispatches: [{ ...fill!, slots: [1] }] };
  }
  const stages = stagesOf(capabilities, shape, axes);
  const slots: Slot[] = [{ role: "input", index: 0 }];
  let from = 0;
  const dispatches = stages.map((stage, at) => {
    const last = at === stages.length - 1;
    const to = slots.push(
      last && dtype !== "float16"
        ? { role: "output", index: 0 }
        : { role: "temporary", byteLength: resultCount(stage) * 4 },
    ) - 1;
    const by = last && name === "mean" ? count / outputCount : 1;
    const type = at > 0 && dtype === "float16" ? "float32" : dtype;
    const made = dispatchStage(capabilities, stage, REDUCTIONS[name], type, by, [from, to]);
    from = to;
    return made;
  });
  if (dtype === "float16") {
    const to = slots.push({ role: "output", index: 0 }) - 1;
    const [cast] = planCast(capabilities, "float32", "float16", outputCount).dispatches;
    dispatches.push({ ...cast!, slots: [from, to] });
  }
  return { ...result, slots, dispatches };
}

/**
 * Plans a softmax along one axis.
 *
 * @param capabilities The device.
 * @param shape Shape of the input.
 * @param axis The axis, counted from the front.
 * @param log Whether to give the logarithm.
 * @param temperature Divides the input.
 * @returns Input 0, output 0.
 */
export function planSoftmax(
  capabilities: Capabilities,
  shape: Shape,
  axis: number,
  log: boolean,
  temperature: number,
): Plan {
  const label = log ? "LogSoftmax" : "Softmax";
  const count = countOperand(capabilities, `apply ${label}`, shape, 4);
  const result = {
    label,
    slots: plainSlots(1),
    flops: 5 * count,
    bytes: totalBytes("float32", count, count),
  };
  if (count === 0) return { ...result, dispatches: [] };
  const elements = shape[axis]!;
  const inner = elementCount(shape.slice(axis + 1));
  const items = count / elements;
  const lanes = lanesFor(capabilities, inner, elements);
  const { multiplier, shift } = divisor(inner);
  const dispatch = makeDispatch(
    programs[usesTexels(capabilities) ? "reduce/softmax.texel" : "reduce/softmax.storage"],
    { local_size_x: plainLocalSize(capabilities), log: log ? 1 : 0, lanes },
    { items, elements, inner, multiplier_inner: multiplier, shift_inner: shift, temperature },
    [0, 1],
    lanes > 1 ? foldGrid(capabilities, items) : gridForItems(capabilities, items),
  );
  return { ...result, dispatches: [dispatch] };
}
