// Runs a graph call by call, as its function would: same calls, same bits, and gradients are recorded as
// usual. Values are freed after the last call that reads them. Knows no layers.

import { applySeparately, type Separation } from "../ops/separate.ts";
import type { Tensor } from "../tensor/mod.ts";
import { type Graph, type GraphCall, lastUses } from "./graph.ts";

/** Values of the variables of a graph. */
export interface GraphValues {
  /** In the order of the graph's inputs. */
  readonly inputs: readonly Tensor[];
  /** By name. */
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/** Sees the values of a run. */
export type CallListener = (
  call: GraphCall,
  inputs: readonly (Tensor | null)[],
  output: Tensor,
) => void;

const uses = new WeakMap<Graph, readonly number[]>();

function lastUsesOf(graph: Graph): readonly number[] {
  let found = uses.get(graph);
  if (found === undefined) uses.set(graph, found = lastUses(graph));
  return found;
}

/**
 * Runs a graph. The caller runs it in a scope, which frees everything if it fails.
 *
 * @param graph The graph.
 * @param values Inputs and parameters.
 * @param listener Called after each call.
 * @param when When to take fused calls apart.
 * @returns The outputs; one that is a variable is the caller's own tensor.
 */
export function runGraph(
  graph: Graph,
  values: GraphValues,
  listener: CallListener | null = null,
  when: Separation = "recorded",
): Tensor[] {
  const last = lastUsesOf(graph);
  const found: (Tensor | null)[] = [];
  let inputs = 0;
  graph.nodes.forEach((node, index) => {
    switch (node.kind) {
      case "input":
        found.push(values.inputs[inputs++]!);
        return;
      case "parameter":
        found.push(values.parameters.get(node.name)!);
        return;
      case "constant":
        found.push(node.value!);
        return;
    }
    const operands = node.inputs.map((input) => input === null ? null : found[input]!);
    const output = applySeparately(node.operator, operands, node.attributes, when);
    found.push(output);
    listener?.(node, operands, output);
    for (const input of [...node.inputs, index]) {
      if (input === null || last[input] !== index || graph.nodes[input]!.kind !== "call") continue;
      found[input]?.dispose();
      found[input] = null;
    }
  });
  return graph.outputs.map((output) => found[output]!);
}
