// Hybrid blocks in MXNet's files: the graph, and the parameters it reads. Knows no layers.

import { StateError } from "../core/errors.ts";
import { checkInteger, describe } from "../core/options.ts";
import { type ExportedGraph, exportGraph } from "../graph/export.ts";
import { SymbolEmitter } from "../graph/symbol_emitter.ts";
import type { ArrayContent } from "../io/file_array.ts";
import type { SymbolGraph } from "../io/symbol_json.ts";
import type { CachedGraph, TracedBlock } from "./cached_graph.ts";
import type { Parameter } from "./parameter.ts";
import * as initializers from "./initializers.ts";
import { readMean } from "./parameter_files.ts";

/** What {@linkcode HybridBlock.export} gives if it writes nothing. */
export interface ExportedBlock {
  /** The graph in MXNet's vocabulary. */
  readonly graph: SymbolGraph;
  /** The parameters by name, with `arg:` or, for running statistics, `aux:` in front. */
  readonly params: Map<string, ArrayContent>;
}

/** Initializers that MXNet knows too, and writes with their options. */
const WITH_OPTIONS: readonly unknown[] = [
  initializers.Bilinear,
  initializers.Constant,
  initializers.MSRAPrelu,
  initializers.Normal,
  initializers.Orthogonal,
  initializers.Uniform,
  initializers.Xavier,
];

/** The initializer of a parameter as MXNet's files name it; null where it has none of its own. */
function initializerOf({ init }: Parameter): string | null {
  if (typeof init === "string" || init === null) return init;
  const made = initializers.create(init);
  // The defaults of layers, which MXNet gives by name.
  if (made instanceof initializers.Zero) return "zeros";
  if (made instanceof initializers.One) return "ones";
  return WITH_OPTIONS.includes(made.constructor) ? made.dumps() : null;
}

/**
 * A traced block in MXNet's vocabulary.
 *
 * @param cache The block's graphs.
 * @param traced One of them.
 * @returns The graph.
 */
export function symbolOf(
  cache: CachedGraph,
  traced: TracedBlock,
): ExportedGraph {
  return exportGraph(cache.lowered(traced), (name) => {
    const parameter = traced.parameters.get(name);
    if (parameter === undefined) return null;
    const { lrMult, wdMult } = parameter;
    return { lrMult, wdMult, init: initializerOf(parameter) };
  });
}

/**
 * The same with other names of the parameters.
 *
 * @param cache The block's graphs.
 * @param traced One of them.
 * @param names The other name of each parameter.
 * @returns The graph.
 */
export function renamedSymbolOf(
  cache: CachedGraph,
  traced: TracedBlock,
  names: ReadonlyMap<string, string>,
): SymbolGraph {
  const { graph } = symbolOf(cache, traced);
  const nodes = graph.nodes.map((node) => {
    const name = node.op === "null" ? names.get(node.name) : undefined;
    return name === undefined ? node : { ...node, name };
  });
  return { ...graph, nodes };
}

/**
 * A graph of nothing but one input.
 *
 * @param name Its name.
 * @returns The graph.
 */
export function variableSymbol(name: string): SymbolGraph {
  const emitter = new SymbolEmitter();
  return emitter.graph([emitter.variable(name, new Map([["__profiler_scope__", "<unk>:"]]))]);
}

/**
 * Exports the graph that a block ran last.
 *
 * @param owner Class of the block, for messages.
 * @param cache Its graphs.
 * @param path Start of the names of both files; null writes nothing.
 * @param epoch Number in the name of the second file.
 * @returns The names of the files, the second null without parameters; or what they would hold.
 */
export async function exportBlock(
  owner: string,
  cache: CachedGraph,
  path: string | null,
  epoch: number,
): Promise<readonly [string, string | null] | ExportedBlock> {
  const where = `export ${owner}`;
  if (path !== null && (typeof path !== "string" || path === "")) {
    throw new TypeError(`Cannot ${where}: path is ${describe(path)}, expected text or null`);
  }
  checkInteger(where, "epoch", epoch, { minimum: 0 });
  const traced = cache.latest;
  if (traced === null) {
    throw new StateError(
      `Cannot ${where}: there is no graph, expected that it ran before; call hybridize(), then ` +
        `call the block once`,
    );
  }
  const { graph, auxiliary } = symbolOf(cache, traced);
  const params = new Map<string, ArrayContent>();
  // All copies are enqueued before the first wait: what is written is the state of now.
  const reads: [string, Promise<ArrayContent>][] = [];
  for (const { op, name } of graph.nodes) {
    if (op !== "null") continue;
    const copies = copiesOf(traced, cache, name);
    if (copies === null) continue;
    reads.push([`${auxiliary.has(name) ? "aux" : "arg"}:${name}`, readMean(copies)]);
  }
  for (const [name, content] of reads) params.set(name, await content);
  if (path === null) return { graph, params };
  const { writeSymbol } = await import("../io/symbol_json.ts");
  const symbolFile = `${path}-symbol.json`;
  await writeSymbol(symbolFile, graph);
  if (params.size === 0) return [symbolFile, null];
  const { writeParameters } = await import("../io/parameters.ts");
  const paramsFile = `${path}-${String(epoch).padStart(4, "0")}.params`;
  await writeParameters(paramsFile, params, { format: "npz" });
  return [symbolFile, paramsFile];
}

function copiesOf(traced: TracedBlock, cache: CachedGraph, name: string) {
  const parameter = traced.parameters.get(name);
  if (parameter !== undefined) return parameter.listData();
  const constant = cache.lowered(traced).nodes.find((node) =>
    node.kind === "constant" && node.name === name
  );
  return constant?.kind === "constant" ? [constant.value!] : null;
}
