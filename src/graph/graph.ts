// A traced graph: variables and operator calls in the order in which they were made. Plain data.

import type { Attributes, Operator } from "../ops/define.ts";
import type { Tensor, TensorSpec } from "../tensor/mod.ts";

/** Where a variable gets its value from. */
export type VariableKind = "input" | "parameter" | "constant";

/** A value that comes from outside. */
export interface GraphVariable {
  readonly kind: VariableKind;
  /** `data` or `data0`…, the name of the parameter, or `const0`…. */
  readonly name: string;
  readonly spec: TensorSpec;
  /** The value of a constant: a tensor made while tracing, which the graph owns. */
  readonly value?: Tensor;
}

/** A call of an operator. */
export interface GraphCall {
  readonly kind: "call";
  /** Unique in the program: `node_<n>`. */
  readonly name: string;
  readonly operator: Operator;
  /** Checked attributes. */
  readonly attributes: Attributes;
  /** Indices of earlier nodes; null where an optional input is absent. */
  readonly inputs: readonly (number | null)[];
  readonly spec: TensorSpec;
}

/** A node of a graph. */
export type GraphNode = GraphVariable | GraphCall;

/** A traced graph. */
export interface Graph {
  /** Every node comes after those that it uses. */
  readonly nodes: readonly GraphNode[];
  /** The nodes of the inputs, in order. */
  readonly inputs: readonly number[];
  /** The nodes of the outputs, in order; one may come twice. */
  readonly outputs: readonly number[];
}

let names = 0;

/**
 * A name for a call that no other call of the program has.
 *
 * @returns The name.
 */
export function nextNodeName(): string {
  return `node_${names++}`;
}

/**
 * Names of inputs as MXNet chooses them.
 *
 * @param count How many there are.
 * @returns `data`, or `data0` and so on for several.
 */
export function inputNames(count: number): string[] {
  return count === 1 ? ["data"] : Array.from({ length: count }, (_, index) => `data${index}`);
}

/**
 * For each node the position of the last call that reads it.
 *
 * @param graph The graph.
 * @returns Indices of nodes: the node itself where nobody reads it, the number of nodes for outputs.
 */
export function lastUses({ nodes, outputs }: Graph): number[] {
  const last = nodes.map((_, index) => index);
  nodes.forEach((node, index) => {
    if (node.kind !== "call") return;
    for (const input of node.inputs) if (input !== null) last[input] = index;
  });
  for (const output of outputs) last[output] = nodes.length;
  return last;
}

/**
 * Frees the constants of a graph, which cannot run any more.
 *
 * @param graph The graph.
 */
export function disposeGraph({ nodes }: Graph): void {
  for (const node of nodes) if (node.kind === "constant") node.value?.dispose();
}
