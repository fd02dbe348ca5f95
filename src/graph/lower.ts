// Takes the fused calls of a graph apart, so that every call is one that MXNet knows too.

import { applySeparately } from "../ops/separate.ts";
import { type Device, Storage, Tensor } from "../tensor/mod.ts";
import type { Graph } from "./graph.ts";
import { trace } from "./trace.ts";

/**
 * A graph that computes the same without fused attributes.
 *
 * @param graph The graph.
 * @param device Where it runs.
 * @returns The other graph.
 */
export function lower(graph: Graph, device: Device): Graph {
  const names = new Map<Tensor, string>();
  const fn = (inputs: readonly Tensor[]): readonly Tensor[] => {
    const found: Tensor[] = [];
    let position = 0;
    for (const node of graph.nodes) {
      if (node.kind === "call") {
        const operands = node.inputs.map((input) => input === null ? null : found[input]!);
        found.push(applySeparately(node.operator, operands, node.attributes, "always"));
      } else if (node.kind === "input") found.push(inputs[position++]!);
      else if (node.kind === "constant") found.push(node.value!);
      else {
        const { shape, dtype } = node.spec;
        const tensor = new Tensor(Storage.hollow(device), shape, dtype, node.name);
        names.set(tensor, node.name);
        found.push(tensor);
      }
    }
    return graph.outputs.map((output) => found[output]!);
  };
  return trace({
    device,
    inputs: graph.inputs.map((input) => graph.nodes[input]!.spec),
    parameterOf: (tensor) => names.get(tensor) ?? null,
    fn,
  });
}
