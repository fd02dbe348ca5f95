// Plans a graph ahead: its steps, where every value lies in one arena, and which steps must wait. Pure: no device.

import type { Capabilities } from "../kernels/plan.ts";
import type { PlanEntry } from "../ops/plan_cache.ts";
import type { Graph } from "./graph.ts";
import { type Interval, pack } from "./intervals.ts";
import { planBarriers, type Touch } from "./static_barriers.ts";
import { type Operand, StaticSteps, type Step } from "./static_steps.ts";
import type { StaticValues } from "./static_values.ts";

/** A graph planned ahead. */
export interface StaticPlan {
  readonly steps: readonly Step[];
  /** For each step whether it must wait for those before it. */
  readonly barriers: readonly boolean[];
  readonly operands: readonly Operand[];
  /** First byte of each region in the arena. */
  readonly offsets: readonly number[];
  /** Bytes of the arena; 0 if there is nothing in it. */
  readonly arenaBytes: number;
  /** Which values share memory. */
  readonly values: StaticValues;
  /** What each call has to run. */
  readonly entries: readonly (PlanEntry | null)[];
}

/**
 * Plans a graph for prediction.
 *
 * @param graph The graph.
 * @param capabilities The device.
 * @param alignment Bytes of which offsets in the arena are multiples.
 * @returns The plan; null if something in the graph is different in each run, such as random numbers.
 * @throws {LimitError} If the device cannot do it.
 */
export function planStatic(
  graph: Graph,
  capabilities: Capabilities,
  alignment: number,
): StaticPlan | null {
  const entries: (PlanEntry | null)[] = [];
  for (const node of graph.nodes) {
    if (node.kind !== "call") {
      entries.push(null);
      continue;
    }
    const specs = node.inputs.map((input) => input === null ? null : graph.nodes[input]!.spec);
    const entry = node.operator.planPrediction(capabilities, node.attributes, specs);
    if (entry === null) return null;
    entries.push(entry);
  }
  const found = StaticSteps.of(graph, entries, alignment);
  if (found === null) return null;
  const { steps, operands, regions, values } = found;
  const { used, offsets, byteLength } = place(steps, operands, regions, alignment);
  const barriers = planBarriers(steps.map((step) => touchesOf(step, operands, offsets)));
  const arenaBytes = used ? byteLength : 0;
  return { steps, barriers, operands, offsets, arenaBytes, values, entries };
}

/** Regions live from the first to the last step that touches them. */
function place(
  steps: readonly Step[],
  operands: readonly Operand[],
  regions: readonly number[],
  alignment: number,
): { used: boolean; offsets: number[]; byteLength: number } {
  const first = regions.map(() => -1);
  const last = regions.map(() => -1);
  steps.forEach((step, at) => {
    for (const number of step.operands) {
      const operand = operands[number]!;
      if (operand.kind !== "inside") continue;
      if (first[operand.region] === -1) first[operand.region] = at;
      last[operand.region] = at;
    }
  });
  const touched = regions.map((_, index) => index).filter((index) => first[index] !== -1);
  const intervals = touched.map((index): Interval => ({
    byteLength: regions[index]!,
    first: first[index]!,
    last: last[index]!,
  }));
  const packing = pack(intervals, alignment);
  const offsets = regions.map(() => 0);
  touched.forEach((index, at) => offsets[index] = packing.offsets[at]!);
  return { used: touched.length > 0, offsets, byteLength: packing.byteLength };
}

/** Inputs and parameters are only read, and nothing writes them meanwhile. */
function touchesOf(
  { dispatch, operands: bound }: Step,
  operands: readonly Operand[],
  offsets: readonly number[],
): Touch[] {
  return bound.flatMap((number, at): Touch[] => {
    const operand = operands[number]!;
    const writes = dispatch === null ? at === 1 : dispatch.program.bindings[at]!.access !== "read";
    if (operand.kind === "inside") {
      const offset = offsets[operand.region]! + operand.offset;
      return [{ memory: 0, offset, byteLength: operand.byteLength, writes }];
    }
    if (operand.kind !== "output") return [];
    return [{ memory: 1 + operand.node, offset: 0, byteLength: operand.byteLength, writes }];
  });
}
