// Which values of a graph share memory: views, results that take the place of an operand, and operands that are made where a
// concatenation wants them. Knows no steps and no offsets in the arena.

import { dtypeByteLength } from "../core/dtype.ts";
import { normalizeAxis } from "../core/shape.ts";
import { concatOperator } from "../ops/concat.ts";
import type { PlanEntry } from "../ops/plan_cache.ts";
import type { TensorSpec } from "../tensor/mod.ts";
import { type Graph, type GraphCall, lastUses } from "./graph.ts";
import { inPlaceInputs } from "./in_place.ts";

/** Bytes of a value. */
export function bytesOf({ shape, dtype }: TensorSpec): number {
  return shape.reduce((count, size) => count * size, 1) * dtypeByteLength(dtype);
}

/** Where a value lies within a larger one. */
interface Place {
  readonly parent: number;
  readonly offset: number;
}

/** The memory of the values of a graph. Values are named by the numbers of their nodes. */
export class StaticValues {
  readonly #graph: Graph;
  readonly #entries: readonly (PlanEntry | null)[];
  readonly #alignment: number;
  /** The value whose memory a view shows; the value itself for others. */
  readonly #roots: number[] = [];
  /** The last node that reads a root or a view of it; the number of nodes for outputs. */
  readonly #last: number[];
  /** The first root in the same place. */
  readonly #homes: number[] = [];
  /** The last root in the place of a home. */
  readonly #tenants: number[] = [];
  readonly #places: (Place | undefined)[] = [];

  /**
   * @param graph The graph.
   * @param entries What each call has to run; null for variables.
   * @param alignment Bytes of which offsets in an arena are multiples.
   */
  constructor(graph: Graph, entries: readonly (PlanEntry | null)[], alignment: number) {
    this.#graph = graph;
    this.#entries = entries;
    this.#alignment = alignment;
    const last = lastUses(graph);
    this.#last = graph.nodes.map(() => -1);
    graph.nodes.forEach((node, index) => {
      const isView = node.kind === "call" && entries[index]!.view;
      const root = isView ? this.#roots[node.inputs[0]!]! : index;
      this.#roots.push(root);
      this.#last[root] = Math.max(this.#last[root]!, last[index]!);
    });
    graph.nodes.forEach((node, index) => {
      const home = node.kind === "call" ? this.#hostOf(node, index) : index;
      this.#homes.push(home);
      this.#tenants[home] = index;
    });
    graph.nodes.forEach((node, index) => {
      if (node.kind === "call" && node.operator === concatOperator) {
        this.#placeOperands(node, index);
      }
    });
  }

  /**
   * The value whose memory a value shows.
   *
   * @param node A value.
   * @returns The node itself unless it is a view.
   */
  rootOf(node: number): number {
    return this.#roots[node]!;
  }

  /**
   * The memory that a value made by a call lies in.
   *
   * @param node A value.
   * @returns The value that stands for the whole memory, and where in it.
   */
  placeOf(node: number): { readonly home: number; readonly offset: number } {
    let home = this.#homes[this.#roots[node]!]!;
    let offset = 0;
    for (let place = this.#places[home]; place !== undefined; place = this.#places[home]) {
      offset += place.offset;
      home = this.#homes[place.parent]!;
    }
    return { home, offset };
  }

  /**
   * Whether a value outlives the program.
   *
   * @param node A value.
   * @returns True for outputs, and for what an output shows.
   */
  isOutput(node: number): boolean {
    return this.#last[this.#tenants[this.#homes[this.#roots[node]!]!]!] ===
      this.#graph.nodes.length;
  }

  /**
   * Whether an operand of a concatenation is made where the result has it.
   *
   * @param concat The concatenation.
   * @param at Number of the operand.
   * @returns True if nothing has to be copied.
   */
  isPlaced(concat: number, at: number): boolean {
    const node = this.#graph.nodes[concat] as GraphCall;
    const input = node.inputs[at]!;
    const place = this.#places[this.#homes[this.#roots[input]!]!];
    return place?.parent === concat && place.offset === offsetWithin(this.#graph, node, at);
  }

  /** The memory that a result takes: that of an operand that nobody reads any more, if it may. */
  #hostOf(node: GraphCall, index: number): number {
    const entry = this.#entries[index]!;
    if (entry.plan === null || this.#roots[index] !== index) return index;
    // Anything else may be read after the result is written.
    if (entry.plan.slots.some(({ role }) => role !== "input" && role !== "output")) return index;
    for (const at of inPlaceInputs(node.operator)) {
      const input = node.inputs[at];
      if (input === null || input === undefined) continue;
      const root = this.#roots[input]!;
      if (this.#graph.nodes[root]!.kind !== "call" || this.#last[root] !== index) continue;
      const { spec } = this.#graph.nodes[input]!;
      if (spec.dtype === node.spec.dtype && spec.shape.join() === node.spec.shape.join()) {
        return this.#homes[root]!;
      }
    }
    return index;
  }

  #placeOperands(node: GraphCall, index: number): void {
    const { plan } = this.#entries[index]!;
    if (plan === null || !isContiguous(node)) return;
    // What overwrites the result in its place would overwrite the operands.
    if (this.isOutput(index) || this.#tenants[index] !== index) return;
    node.inputs.forEach((input, at) => {
      const root = this.#roots[input!]!;
      const home = this.#homes[root]!;
      const offset = offsetWithin(this.#graph, node, at);
      if (
        this.#graph.nodes[root]!.kind === "call" && !this.isOutput(root) &&
        this.#places[home] === undefined && this.#tenants[home] === root &&
        offset % this.#alignment === 0 && bytesOf(this.#graph.nodes[root]!.spec) > 0 &&
        plan.dispatches.some((dispatch) => isCopyOf(plan.slots, dispatch.slots, at))
      ) this.#places[home] = { parent: index, offset };
    });
  }
}

/**
 * Whether a launch reads one operand and no other.
 *
 * @param slots Slots of the plan.
 * @param bound Slots that the launch binds.
 * @param at Number of the operand.
 * @returns True if leaving it out leaves out that operand alone.
 */
export function isCopyOf(
  slots: readonly { readonly role: string; readonly index?: number }[],
  bound: readonly number[],
  at: number,
): boolean {
  const read = bound.map((slot) => slots[slot]!).filter(({ role }) => role !== "output");
  return read.length === 1 && read[0]!.role === "input" && read[0]!.index === at;
}

/** Whether the operands of a concatenation lie in its result one behind the other. */
function isContiguous({ attributes, spec: { shape } }: GraphCall): boolean {
  const axis = normalizeAxis("plan Concat", attributes.dim, shape.length);
  return shape.slice(0, axis).every((size) => size === 1);
}

function offsetWithin({ nodes }: Graph, { inputs }: GraphCall, at: number): number {
  return inputs.slice(0, at).reduce<number>((sum, input) => sum + bytesOf(nodes[input!]!.spec), 0);
}
