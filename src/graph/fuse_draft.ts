// A graph while its calls are being fused: nodes keep their numbers until it is finished.

import type { Fold } from "./fold.ts";
import type { Graph, GraphCall, GraphNode, GraphVariable } from "./graph.ts";
import type { Attributes } from "../ops/define.ts";
import type { Tensor, TensorSpec } from "../tensor/mod.ts";

/** What a fold needs. */
export interface FoldRequest {
  /** What it is for, in its name. */
  readonly name: string;
  readonly spec: TensorSpec;
  /** Numbers of variables. */
  readonly sources: readonly number[];
  readonly compute: (sources: readonly Tensor[]) => Tensor;
}

/** A graph that changes. */
export class Draft {
  readonly #graph: Graph;
  /** Null where a call became part of another one. */
  readonly #nodes: (GraphNode | null)[];
  readonly #folds: Fold[] = [];

  /** @param graph The graph; it stays as it is. */
  constructor(graph: Graph) {
    this.#graph = graph;
    this.#nodes = [...graph.nodes];
  }

  /**
   * A node.
   *
   * @param index Its number.
   * @returns The node; null if it is part of another one.
   */
  node(index: number): GraphNode | null {
    return this.#nodes[index] ?? null;
  }

  /**
   * The call whose value nobody but one call reads.
   *
   * @param index Number of a node; null where an input is absent.
   * @returns The call; null if it is a variable, an output, or read more than once.
   */
  single(index: number | null | undefined): GraphCall | null {
    if (
      index === null || index === undefined ||
      this.#graph.outputs.includes(index)
    ) return null;
    const node = this.node(index);
    if (node?.kind !== "call") return null;
    let readers = 0;
    for (const other of this.#nodes) {
      if (other?.kind !== "call") continue;
      for (const input of other.inputs) if (input === index) readers++;
    }
    return readers === 1 ? node : null;
  }

  /**
   * The same call with other attributes.
   *
   * @param call The call.
   * @param changes Attributes that change.
   * @param more What else changes.
   * @returns The call.
   */
  change(
    call: GraphCall,
    changes: Attributes,
    more: Partial<Pick<GraphCall, "inputs" | "spec">> = {},
  ): GraphCall {
    const attributes = call.operator.normalize({
      ...call.attributes,
      ...changes,
    });
    return { ...call, attributes, ...more };
  }

  /**
   * Puts a call in the place of another one, whose readers it serves. Calls that nobody reads any more disappear.
   *
   * @param index Number of the other.
   * @param call The call.
   */
  replace(index: number, call: GraphCall): void {
    const before = this.node(index) as GraphCall;
    this.#nodes[index] = call;
    this.#dropUnread(before.inputs);
  }

  #dropUnread(values: readonly (number | null)[]): void {
    for (const value of values) {
      const node = value === null ? null : this.node(value);
      if (node?.kind !== "call" || this.#isRead(value!)) continue;
      this.#nodes[value!] = null;
      this.#dropUnread(node.inputs);
    }
  }

  /**
   * Whether a value is known before the graph runs.
   *
   * @param index Number of a node; null where an input is absent.
   * @returns True for parameters, constants and folds.
   */
  isFixed(index: number | null | undefined): index is number {
    if (index === null || index === undefined) return false;
    const kind = this.node(index)?.kind;
    return kind === "parameter" || kind === "constant";
  }

  /**
   * Adds a parameter that is computed from others.
   *
   * @param request Its name and how to compute it.
   * @returns The number of its node.
   */
  fold({ name, spec, sources, compute }: FoldRequest): number {
    const unique = `${name} ${this.#folds.length}`;
    const variables = sources.map((source) => this.node(source) as GraphVariable);
    this.#folds.push({ name: unique, sources: variables, compute });
    return this.#nodes.push({ kind: "parameter", name: unique, spec }) - 1;
  }

  /** The finished graph: folds come first, and parameters that nobody reads are gone. */
  finish(): { graph: Graph; folds: readonly Fold[] } {
    const { nodes, inputs, outputs } = this.#graph;
    const all = this.#nodes.map((_, index) => index);
    const order = [...all.slice(nodes.length), ...all.slice(0, nodes.length)]
      .filter((index) => {
        const node = this.node(index);
        return node !== null &&
          (node.kind === "call" || node.kind === "input" ||
            this.#isRead(index));
      });
    const numbers = new Map(order.map((index, at) => [index, at]));
    const numberOf = (index: number) => numbers.get(index)!;
    return {
      graph: {
        nodes: order.map((index) => {
          const node = this.node(index)!;
          if (node.kind !== "call") return node;
          const operands = node.inputs.map((input) => input === null ? null : numberOf(input));
          return { ...node, inputs: operands };
        }),
        inputs: inputs.map(numberOf),
        outputs: outputs.map(numberOf),
      },
      folds: this.#folds,
    };
  }

  #isRead(index: number): boolean {
    return this.#graph.outputs.includes(index) ||
      this.#nodes.some((node) => node?.kind === "call" && node.inputs.includes(index));
  }
}
