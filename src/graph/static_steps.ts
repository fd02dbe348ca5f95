// The steps that a graph takes without any decisions left: launches and copies of what they touch. Knows neither offsets nor
// Vulkan; memory inside of the program is named by regions, which live as long as steps touch them.

import type { Dispatch } from "../core/dispatch.ts";
import type { Plan, Slot } from "../kernels/plan.ts";
import type { BatchPart, PlanEntry } from "../ops/plan_cache.ts";
import { concatOperator } from "../ops/concat.ts";
import type { Graph, GraphCall } from "./graph.ts";
import { bytesOf, isCopyOf, StaticValues } from "./static_values.ts";

/** A buffer that a step binds. */
export type Operand =
  /** An argument of the call, by its position. */
  | { readonly kind: "input"; readonly index: number }
  /** A parameter or a constant, by its node. */
  | { readonly kind: "variable"; readonly node: number }
  /** What a plan prepares from a parameter or a constant. */
  | {
    readonly kind: "prepared";
    readonly node: number;
    readonly slot: Slot & { readonly role: "prepared" };
    readonly plan: Plan;
  }
  /** A result, by its node; it belongs to the caller. */
  | { readonly kind: "output"; readonly node: number; readonly byteLength: number }
  /** Part of a region. */
  | {
    readonly kind: "inside";
    readonly region: number;
    readonly offset: number;
    readonly byteLength: number;
  };

/** A launch, or a copy from operand 0 to operand 1 where `dispatch` is null. */
export interface Step {
  /** The call that it is part of. */
  readonly node: number;
  readonly dispatch: Dispatch | null;
  readonly copy?: { readonly from: number; readonly to: number; readonly byteLength: number };
  /** Numbers of operands by binding. */
  readonly operands: readonly number[];
  readonly label: string;
  /** The plan that begins here. */
  readonly work?: Plan | undefined;
}

/** Thrown where a launch binds memory that has no bytes: running the graph call by call tells what is wrong. */
class NotStaticError extends Error {}

/** Steps, operands and regions of a graph. */
export class StaticSteps {
  readonly steps: Step[] = [];
  readonly operands: Operand[] = [];
  /** Bytes of each region. */
  readonly regions: number[] = [];
  /** The region of each memory that {@linkcode StaticValues.placeOf} names, unless it belongs to the caller. */
  readonly homes: Map<number, number> = new Map();
  readonly values: StaticValues;
  readonly #graph: Graph;
  readonly #numbers = new Map<string, number>();
  #node = 0;

  private constructor(
    graph: Graph,
    entries: readonly (PlanEntry | null)[],
    alignment: number,
  ) {
    this.#graph = graph;
    this.values = new StaticValues(graph, entries, alignment);
    graph.nodes.forEach((node, index) => {
      if (node.kind === "call") this.#call(node, index, entries[index]!);
    });
  }

  /**
   * Finds the steps of a graph.
   *
   * @param graph The graph.
   * @param entries What each call has to run; null for variables.
   * @param alignment Bytes of which offsets in an arena are multiples.
   * @returns The steps; null if the graph must run call by call.
   */
  static of(
    graph: Graph,
    entries: readonly (PlanEntry | null)[],
    alignment: number,
  ): StaticSteps | null {
    try {
      return new StaticSteps(graph, entries, alignment);
    } catch (error) {
      if (error instanceof NotStaticError) return null;
      throw error;
    }
  }

  #call(node: GraphCall, index: number, { outputs, plan, parts }: PlanEntry): void {
    this.#node = index;
    const inputs = node.inputs.map((input) => input === null ? null : this.#valueOf(input));
    const results = outputs.map((spec, at) =>
      at === 0 ? this.#valueOf(index) : this.#region(bytesOf(spec))
    );
    if (plan !== null) {
      const copied = node.operator === concatOperator
        ? node.inputs.map((_, at) => at).filter((at) => this.values.isPlaced(index, at))
        : [];
      this.#plan(node, plan, inputs, results, copied);
    } else if (parts !== undefined) {
      for (const part of parts) this.#part(node, part, inputs, results[0]!);
    }
  }

  #plan(
    node: GraphCall,
    plan: Plan,
    inputs: readonly (number | null)[],
    results: readonly (number | null)[],
    placed: readonly number[] = [],
  ): void {
    const bound = plan.slots.map((slot): number | null => {
      switch (slot.role) {
        case "input":
          return inputs[slot.index] ?? null;
        case "output":
          return results[slot.index] ?? null;
        case "temporary":
          return this.#region(slot.byteLength);
        case "prepared":
          return this.#prepared(node, plan, slot, inputs[slot.source] ?? null);
      }
    });
    let work: Plan | undefined = plan;
    for (const dispatch of plan.dispatches) {
      if (placed.some((at) => isCopyOf(plan.slots, dispatch.slots, at))) continue;
      this.#launch(dispatch, bound, plan.label, work);
      work = undefined;
    }
  }

  #launch(
    dispatch: Dispatch,
    bound: readonly (number | null)[],
    label: string,
    work?: Plan,
  ): void {
    const operands = dispatch.slots.map((slot) => {
      const operand = bound[slot];
      if (operand === null || operand === undefined) throw new NotStaticError();
      return operand;
    });
    this.steps.push({ node: this.#node, dispatch, operands, label, work });
  }

  /** A part of a call whose whole is more than the device can do. */
  #part(
    node: GraphCall,
    { first, count, batched, plan, outputs }: BatchPart,
    inputs: readonly (number | null)[],
    result: number | null,
  ): void {
    const copy = (from: number, fromByte: number, to: number, toByte: number, length: number) =>
      this.steps.push({
        node: this.#node,
        dispatch: null,
        copy: { from: fromByte, to: toByte, byteLength: length },
        operands: [from, to],
        label: node.operator.name,
      });
    const own = inputs.map((input, at) => {
      if (input === null || !batched[at]!) return input;
      const spec = this.#graph.nodes[node.inputs[at]!]!.spec;
      const rowBytes = bytesOf(spec) / spec.shape[0]!;
      const slice = this.#region(count * rowBytes);
      if (slice !== null) copy(input, first * rowBytes, slice, 0, count * rowBytes);
      return slice;
    });
    const piece = this.#region(bytesOf(outputs[0]!));
    this.#plan(node, plan, own, [piece]);
    const rowBytes = bytesOf(outputs[0]!) / count;
    if (piece !== null && result !== null) {
      copy(piece, 0, result, first * rowBytes, count * rowBytes);
    }
  }

  /** What a plan prepares: kept with a parameter, made anew in each run of anything else. */
  #prepared(
    { inputs }: GraphCall,
    plan: Plan,
    slot: Slot & { readonly role: "prepared" },
    source: number | null,
  ): number | null {
    if (source === null) return null;
    const root = this.values.rootOf(inputs[slot.source]!);
    const { kind } = this.#graph.nodes[root]!;
    const isPart = this.operands[source]!.kind === "inside";
    if ((kind === "parameter" || kind === "constant") && !isPart) {
      const operand: Operand = { kind: "prepared", node: root, slot, plan };
      return this.#operand(`prepared ${root} ${slot.key}`, operand);
    }
    const made = this.#region(slot.byteLength);
    const scratch = (slot.scratchByteLengths ?? []).map((bytes) => this.#region(bytes));
    for (const each of slot.dispatches) {
      this.#launch(each, [source, made, ...scratch], plan.label);
    }
    return made;
  }

  /** The operand that holds a value; null if it has no bytes. */
  #valueOf(node: number): number | null {
    const root = this.values.rootOf(node);
    const { kind, spec } = this.#graph.nodes[root]!;
    const byteLength = bytesOf(spec);
    if (byteLength === 0) return null;
    if (kind === "input") {
      const index = this.#graph.inputs.indexOf(root);
      return this.#operand(`input ${index}`, { kind, index });
    }
    if (kind !== "call") {
      return this.#operand(`variable ${root}`, { kind: "variable", node: root });
    }
    const { home, offset } = this.values.placeOf(root);
    if (this.values.isOutput(home)) {
      return this.#operand(`output ${home}`, { kind: "output", node: home, byteLength });
    }
    let region = this.homes.get(home);
    if (region === undefined) {
      region = this.regions.push(bytesOf(this.#graph.nodes[home]!.spec)) - 1;
      this.homes.set(home, region);
    }
    return this.#inside(region, offset, byteLength);
  }

  #region(byteLength: number): number | null {
    if (byteLength === 0) return null;
    return this.#inside(this.regions.push(byteLength) - 1, 0, byteLength);
  }

  #inside(region: number, offset: number, byteLength: number): number {
    const operand: Operand = { kind: "inside", region, offset, byteLength };
    return this.#operand(`inside ${region} ${offset} ${byteLength}`, operand);
  }

  #operand(key: string, operand: Operand): number {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.operands.push(operand) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }
}
