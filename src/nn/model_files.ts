// Whole models in MXNet's pair of files: the tree of blocks with its graphs as JSON, and the parameters.
// After apache/mxnet python/mxnet/gluon/block.py, Block.save and Block.load.

import { FormatError } from "../core/errors.ts";
import { describe } from "../core/options.ts";
import type { SymbolGraph } from "../io/symbol_json.ts";
import { CachedGraph } from "./cached_graph.ts";
import { renamedSymbolOf, variableSymbol } from "./graph_export.ts";
import type { Parameter } from "./parameter.ts";

/** What is needed of a block, which is a class further up. */
export interface ModelNode {
  readonly params: ReadonlyMap<string, Parameter>;
  readonly children: ReadonlyMap<string, ModelNode>;
  saveParameters(path: string, options: { readonly format: "npz" }): Promise<void>;
  loadParameters(source: string): Promise<void>;
  hybridize(): void;
}

/** One block in the file; children are further members. */
interface Entry {
  [key: string]: unknown;
  params: Record<string, string>;
}

const MOST_BYTES = 2 ** 26;
const ids = new WeakMap<Parameter, string>();

function idOf(parameter: Parameter): string {
  let id = ids.get(parameter);
  if (id === undefined) ids.set(parameter, id = crypto.randomUUID());
  return id;
}

function checkPrefix(where: string, prefix: unknown): void {
  if (typeof prefix === "string" && prefix !== "") return;
  throw new TypeError(`Cannot ${where}: prefix is ${describe(prefix)}, expected text`);
}

/** Key of a block: its class and its place in pre-order. */
function keyOf(block: ModelNode, index: number): string {
  return `${block.constructor.name.toLowerCase()}${index}`;
}

/** MXNet's numbers for a nesting: 0 for a tensor, -1 for nothing, lists of them. */
function formatOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(formatOf);
  return value === 0 ? 0 : value === null || value === undefined ? -1 : value;
}

type Encode = (graph: SymbolGraph) => string;

function graphMembers(block: ModelNode, encode: Encode): Record<string, unknown> {
  const cache = CachedGraph.of(block);
  if (cache === undefined) return {};
  const traced = cache.latest;
  if (traced === null) return { hybridized: false };
  const zeros = new Array<never>(traced.graph.nodes.length).fill(0 as never);
  const names = new Map(
    Array.from(traced.parameters, ([name, parameter]) => [
      name,
      `${idOf(parameter).replaceAll("-", "_")}_${parameter.name}`,
    ]),
  );
  return {
    in_format: formatOf(traced.inputs.rebuild(zeros)),
    out_format: formatOf(traced.output.rebuild(zeros)),
    inputs: traced.graph.inputs.map((input) => {
      const node = traced.graph.nodes[input]!;
      return encode(variableSymbol(node.kind === "call" ? "data" : node.name));
    }),
    symbol: encode(renamedSymbolOf(cache, traced, names)),
    hybridized: true,
  };
}

/**
 * Writes a model.
 *
 * @param block The model.
 * @param prefix Start of the names of both files.
 * @returns Their names.
 */
export async function saveModel(
  block: ModelNode,
  prefix: string,
): Promise<readonly [string, string]> {
  const where = `save ${block.constructor.name}`;
  checkPrefix(where, prefix);
  const { encodeSymbol } = await import("../io/symbol_json.ts");
  const { writeAtomically } = await import("../io/files.ts");
  const encode: Encode = (graph) => new TextDecoder().decode(encodeSymbol(graph));
  let count = 0;
  const add = (each: ModelNode, into: Record<string, unknown>): void => {
    const params = Object.fromEntries(
      Array.from(each.params, ([name, parameter]) => [name, idOf(parameter)]),
    );
    const entry: Entry = { ...graphMembers(each, encode), params };
    into[keyOf(each, count++)] = entry;
    for (const child of each.children.values()) add(child, entry);
  };
  const tree = {};
  add(block, tree);
  const files = [`${prefix}-model.json`, `${prefix}-model.params`] as const;
  await writeAtomically(where, files[0], new TextEncoder().encode(JSON.stringify(tree)));
  await block.saveParameters(files[1], { format: "npz" });
  return files;
}

function isEntry(value: unknown): value is Entry {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Blocks that ran as graphs when the model was written. */
function activeIn(block: ModelNode, tree: unknown, where: string): ModelNode[] {
  const active: ModelNode[] = [];
  let count = 0;
  const visit = (each: ModelNode, within: unknown): void => {
    const key = keyOf(each, count++);
    const entry = isEntry(within) && Object.hasOwn(within, key) ? within[key] : undefined;
    if (!isEntry(entry) || !isEntry(entry.params)) {
      throw new FormatError(
        `Cannot ${where}: the file has no block ${describe(key)}, expected the model that was ` +
          `saved, with its blocks in the same order`,
      );
    }
    const missing = [...each.params.keys()].filter((name) => !Object.hasOwn(entry.params, name));
    if (missing.length > 0) {
      throw new FormatError(
        `Cannot ${where}: block ${describe(key)} of the file has no parameters ${
          missing.join(", ")
        }, expected those of ${each.constructor.name}`,
      );
    }
    if (entry["hybridized"] === true) active.push(each);
    for (const child of each.children.values()) visit(child, entry);
  };
  visit(block, tree);
  return active;
}

/**
 * Loads a model that was written by {@linkcode saveModel} or by MXNet.
 *
 * @param block A model of the same blocks.
 * @param prefix Start of the names of both files.
 */
export async function loadModel(block: ModelNode, prefix: string): Promise<void> {
  const where = `load ${block.constructor.name}`;
  checkPrefix(where, prefix);
  const { readSource } = await import("../io/files.ts");
  const bytes = await readSource(where, `${prefix}-model.json`, MOST_BYTES);
  let tree: unknown;
  try {
    tree = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new FormatError(`Cannot ${where}: the file is no JSON`, { cause: error });
  }
  const active = activeIn(block, tree, where);
  try {
    await block.loadParameters(`${prefix}-model.params`);
  } catch (error) {
    if (!isMissing(error)) throw error;
    // MXNet 2.0 writes this name whatever the prefix is.
    await block.loadParameters(`${prefix.replace(/[^/\\]*$/, "")}MyModel-model.params`);
  }
  for (const each of active) each.hybridize();
}

function isMissing(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return code === "ENOENT" || isMissing(cause);
}
