// Plans a graph ahead: its steps, where every value lies in one arena, and which steps must wait. Pure: no device.

import type { Capabilities } from "../kernels/plan.ts";
import type { PlanEntry } from "../ops/plan_cache.ts";
import type { Graph } from "./graph.ts";
import { distribute, type Interval } from "./intervals.ts";
import { planBarriers, type Touch } from "./static_barriers.ts";
import { type Operand, StaticSteps, type Step } from "./static_steps.ts";
import type { StaticValues } from "./static_values.ts";

/** A graph planned ahead. */
export interface StaticPlan {
  readonly steps: readonly Step[];
  /** For each step whether it must wait for those before it. */
  readonly barriers: readonly boolean[];
  readonly operands: readonly Operand[];
  /** Where each region lies. */
  readonly regions: readonly RegionPlace[];
  /** Bytes of each piece of the arena: of one, unless it is more than a buffer may have. */
  readonly arenaBytes: readonly number[];
  /** The region of each memory that {@linkcode StaticValues.placeOf} names, unless it belongs to the caller. */
  readonly homes: ReadonlyMap<number, number>;
  /** Which values share memory. */
  readonly values: StaticValues;
  /** What each call has to run. */
  readonly entries: readonly (PlanEntry | null)[];
}

/** Where a region lies. */
export interface RegionPlace {
  /** Number of the piece of the arena. */
  readonly piece: number;
  /** First byte in it. */
  readonly offset: number;
}

/** What planning must know of memory. */
export interface ArenaLimits {
  /** Bytes of which offsets in the arena are multiples. */
  readonly alignment: number;
  /** Most bytes of one piece. */
  readonly pieceBytes: number;
}

/**
 * Plans a graph for prediction.
 *
 * @param graph The graph.
 * @param capabilities The device.
 * @param limits What the arena may be like.
 * @returns The plan; null if something in the graph is different in each run, such as random numbers, or does not
 *   fit into an arena.
 * @throws {LimitError} If the device cannot do it.
 */
export function planStatic(
  graph: Graph,
  capabilities: Capabilities,
  limits: ArenaLimits,
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
  const found = StaticSteps.of(graph, entries, limits.alignment);
  if (found === null) return null;
  const { steps, operands, homes, values } = found;
  const placed = place(steps, operands, found.regions, limits);
  if (placed === null) return null;
  const { regions, arenaBytes } = placed;
  const barriers = planBarriers(steps.map((step) => touchesOf(step, operands, regions)));
  return { steps, barriers, operands, regions, arenaBytes, homes, values, entries };
}

/** Regions live from the first to the last step that touches them. */
function place(
  steps: readonly Step[],
  operands: readonly Operand[],
  regions: readonly number[],
  { alignment, pieceBytes }: ArenaLimits,
): Pick<StaticPlan, "regions" | "arenaBytes"> | null {
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
  const found = distribute(intervals, alignment, pieceBytes);
  if (found === null) return null;
  const places = regions.map(() => ({ piece: 0, offset: 0 }));
  touched.forEach((index, at) => {
    places[index] = { piece: found.pieces[at]!, offset: found.offsets[at]! };
  });
  return { regions: places, arenaBytes: found.byteLengths };
}

/** Inputs and parameters are only read, and nothing writes them meanwhile. */
function touchesOf(
  { dispatch, operands: bound }: Step,
  operands: readonly Operand[],
  regions: readonly RegionPlace[],
): Touch[] {
  return bound.flatMap((number, at): Touch[] => {
    const operand = operands[number]!;
    const writes = dispatch === null ? at === 1 : dispatch.program.bindings[at]!.access !== "read";
    if (operand.kind === "inside") {
      const { piece, offset } = regions[operand.region]!;
      const { byteLength } = operand;
      return [{ memory: -1 - piece, offset: offset + operand.offset, byteLength, writes }];
    }
    if (operand.kind !== "output") return [];
    return [{ memory: operand.node, offset: 0, byteLength: operand.byteLength, writes }];
  });
}
