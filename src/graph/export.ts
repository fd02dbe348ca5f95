// Writes a graph as MXNet would: nodes of its vocabulary, variables with their shapes and settings.

import type { DType } from "../core/dtype.ts";
import { describe } from "../core/options.ts";
import type { SymbolGraph } from "../io/symbol_json.ts";
import { emissionOf } from "./emissions.ts";
import type { Graph, GraphCall } from "./graph.ts";
import { SymbolEmitter } from "./symbol_emitter.ts";
import { pythonText } from "./symbol_text.ts";

const DTYPE_CODES: Readonly<Record<DType, number>> = {
  float32: 0,
  float16: 2,
  uint8: 3,
  int32: 4,
  int8: 5,
};

/** What a graph file says of a parameter besides shape and dtype. */
export interface ExportedParameter {
  readonly lrMult: number;
  readonly wdMult: number;
  /** Name of its own initializer in MXNet; null for none. */
  readonly init: string | null;
}

/** A graph ready to be written. */
export interface ExportedGraph {
  readonly graph: SymbolGraph;
  /** Names of the running statistics, which MXNet keeps apart. */
  readonly auxiliary: ReadonlySet<string>;
}

function decimal(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** Nodes that the outputs depend on. */
function neededBy({ nodes, outputs }: Graph): Set<number> {
  const needed = new Set(outputs);
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index]!;
    if (!needed.has(index) || node.kind !== "call") continue;
    for (const input of node.inputs) if (input !== null) needed.add(input);
  }
  return needed;
}

function emitCall(emitter: SymbolEmitter, graph: Graph, call: GraphCall, places: number[]): number {
  const emission = emissionOf(call.operator.name);
  if (emission === undefined) {
    throw new RangeError(
      `Cannot export the operator ${describe(call.operator.name)}: MXNet has no such operator`,
    );
  }
  const inputs = call.inputs.filter((input) => input !== null);
  return emission(emitter, {
    call,
    attributes: call.attributes,
    shapes: inputs.map((input) => graph.nodes[input]!.spec.shape),
    inputs: inputs.map((input) => places[input]!),
  });
}

/**
 * Makes the graph of a file.
 *
 * @param graph A graph without fused calls.
 * @param parameterOf Settings of a parameter by name.
 * @returns The graph in MXNet's vocabulary.
 * @throws {RangeError} If it holds what MXNet does not have.
 */
export function exportGraph(
  graph: Graph,
  parameterOf: (name: string) => ExportedParameter | null,
): ExportedGraph {
  const emitter = new SymbolEmitter();
  const needed = neededBy(graph);
  const places: number[] = [];
  const auxiliary = new Set<string>();
  graph.nodes.forEach((node, index) => {
    if (!needed.has(index)) {
      places.push(-1);
      return;
    }
    if (node.kind === "call") {
      if (node.operator.name === "BatchNorm") {
        for (const input of node.inputs.slice(3, 5)) {
          const source = graph.nodes[input!]!;
          if (source.kind !== "call") auxiliary.add(source.name);
        }
      }
      places.push(emitCall(emitter, graph, node, places));
      return;
    }
    const attrs = new Map([["__profiler_scope__", "<unk>:"]]);
    if (node.kind !== "input") {
      const settings = parameterOf(node.name);
      attrs.set("__dtype__", String(DTYPE_CODES[node.spec.dtype]));
      if (settings?.init) attrs.set("__init__", settings.init);
      attrs.set("__lr_mult__", decimal(settings?.lrMult ?? 1));
      attrs.set("__shape__", pythonText(node.spec.shape));
      attrs.set("__storage_type__", "0");
      attrs.set("__wd_mult__", decimal(settings?.wdMult ?? 1));
    }
    places.push(emitter.variable(node.name, attrs));
  });
  return { graph: emitter.graph(graph.outputs.map((output) => places[output]!)), auxiliary };
}
