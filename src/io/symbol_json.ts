// Graphs as MXNet exports them (`*-symbol.json`): structure only. What operators and attributes mean
// is no business of this file. After apache/tvm nnvm/src/pass/saveload_json.cc.

import { describe, integer, readOptions } from "../core/options.ts";
import { ByteReader } from "./byte_reader.ts";
import { type FileSource, readSource, writeAtomically } from "./files.ts";
import { type Json, parseJson } from "./json.ts";
import { checkBytes } from "./npy.ts";
import { checkSymbol, formatSymbol } from "./symbol_writer.ts";

/** One output of one node. */
export interface SymbolEntry {
  /** Index of the node. */
  readonly node: number;
  /** Which of its outputs. */
  readonly output: number;
  /** 0, but for the statistics of BatchNorm in files of MXNet 1.x; without meaning. */
  readonly version: number;
}

/** One operator call, or a variable. */
export interface SymbolNode {
  /** Name of the operator, or `null` for a variable: an input or a parameter. */
  readonly op: string;
  /** Name of the node; that of the parameter for a variable. */
  readonly name: string;
  /** Attributes as text, in the order of the file. */
  readonly attrs: ReadonlyMap<string, string>;
  /** What it computes with: outputs of earlier nodes. */
  readonly inputs: readonly SymbolEntry[];
  /** Indices of earlier nodes that must run first; nearly always none. */
  readonly controlDeps: readonly number[];
}

/** An attribute of a graph. */
export type SymbolGraphAttribute =
  | readonly ["int", number]
  | readonly ["str", string]
  | readonly ["list_int", readonly number[]]
  | readonly ["list_str", readonly string[]];

/** A graph of an exported network. */
export interface SymbolGraph {
  /** The nodes; each comes after those that it uses. */
  readonly nodes: readonly SymbolNode[];
  /** The outputs of the network. */
  readonly heads: readonly SymbolEntry[];
  /** Running sum of the numbers of outputs of the nodes, from 0; null if the file has none. */
  readonly nodeRowPtr: readonly number[] | null;
  /** `mxnet_version`, `is_np_shape`; none in files before MXNet 0.9. */
  readonly attrs: ReadonlyMap<string, SymbolGraphAttribute>;
}

/** Limits of a reader of graphs. */
export interface SymbolReadOptions {
  /** Most bytes of the file; 64 MiB if omitted. */
  readonly maxBytes?: number;
  /** Most nodes of the graph; 100,000 if omitted. */
  readonly maxNodes?: number;
}

const GRAPH_KEYS = ["nodes", "arg_nodes", "heads", "node_row_ptr", "attrs"];
const NODE_KEYS = [
  "op",
  "name",
  "inputs",
  "attrs",
  "attr",
  "param",
  "control_deps",
  "subgraphs",
  "backward_source_id",
];

function limits(where: string, options: unknown) {
  return readOptions(where, options, {
    maxBytes: integer({ minimum: 0, maximum: 2 ** 31 - 1 }, 2 ** 26),
    maxNodes: integer({ minimum: 0, maximum: 2 ** 31 - 1 }, 100_000),
  });
}

/**
 * Reads a graph that MXNet exported, of any version from 0.8.
 *
 * Attributes that old files spread over `attr` and `param` are joined.
 *
 * @param bytes The whole file.
 * @param options Limits.
 * @returns The graph, in which every entry names an earlier node.
 * @throws {FormatError} If the file is no such graph; says at which byte or in which node.
 * @throws {LimitError} If the file or the graph is larger than allowed.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { decodeSymbol } from "@vknn/vknn/io";
 *
 * const text = `{"nodes": [
 *   {"op": "null", "name": "data", "inputs": []},
 *   {"op": "Activation", "name": "a", "attrs": {"act_type": "relu"}, "inputs": [[0, 0, 0]]}
 * ], "arg_nodes": [0], "heads": [[1, 0, 0]], "attrs": {"mxnet_version": ["int", 10901]}}`;
 * const graph = decodeSymbol(new TextEncoder().encode(text));
 * assert(graph.nodes[1]?.attrs.get("act_type") === "relu" && graph.heads[0]?.node === 1);
 * ```
 */
export function decodeSymbol(bytes: Uint8Array, options?: SymbolReadOptions): SymbolGraph {
  const where = "read a symbol file";
  const { maxBytes, maxNodes } = limits(where, options);
  checkBytes(where, bytes);
  const reader = new ByteReader("a symbol file", bytes);
  if (bytes.length > maxBytes) {
    reader.limit(`it has ${bytes.length} bytes, at most ${maxBytes} are allowed`);
  }
  // Graphs within attributes of control flow are texts, so nothing is nested deeper than entries.
  const graph = parseJson(reader.text(bytes.length, "the file"), reader, 0, 5);
  return new GraphReader(reader).graph(graph, maxNodes);
}

class GraphReader {
  readonly #reader: ByteReader;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  graph(json: Json, maxNodes: number): SymbolGraph {
    const graph = this.#object(json, "the graph", GRAPH_KEYS, ["nodes", "arg_nodes", "heads"]);
    const list = this.#array(graph.get("nodes"), "nodes");
    if (list.length > maxNodes) {
      this.#reader.limit(`the graph has ${list.length} nodes, at most ${maxNodes} are allowed`, 0);
    }
    const nodes = list.map((node, index) => this.#node(node, index));
    this.#integers(graph.get("arg_nodes"), "arg_nodes", nodes.length);
    const rows = graph.get("node_row_ptr");
    const read: SymbolGraph = {
      nodes,
      heads: this.#entries(graph.get("heads"), "heads", nodes.length),
      nodeRowPtr: rows === undefined ? null : this.#integers(rows, "node_row_ptr", 2 ** 31),
      attrs: this.#graphAttributes(graph.get("attrs")),
    };
    checkSymbol(read, (message) => this.#fail(message));
    return read;
  }

  #fail(message: string): never {
    return this.#reader.fail(message, 0);
  }

  #object(
    json: Json | undefined,
    what: string,
    known: readonly string[] | null,
    required: readonly string[] = [],
  ): ReadonlyMap<string, Json> {
    if (!(json instanceof Map)) {
      return this.#fail(`${what} is ${describe(json)}, expected an object`);
    }
    const object = json as ReadonlyMap<string, Json>;
    for (const key of object.keys()) {
      if (known?.includes(key) === false) {
        this.#fail(`${what} has the unknown key ${describe(key)}, expected ${known.join(", ")}`);
      }
    }
    for (const key of required) if (!object.has(key)) this.#fail(`${what} has no key "${key}"`);
    return object;
  }

  #array(json: Json | undefined, what: string): readonly Json[] {
    return Array.isArray(json) ? json : this.#fail(`${what} is ${describe(json)}, expected a list`);
  }

  #text(json: Json | undefined, what: string): string {
    return typeof json === "string"
      ? json
      : this.#fail(`${what} is ${describe(json)}, expected text`);
  }

  #integer(json: Json | undefined, what: string, end: number, start = 0): number {
    if (!Number.isSafeInteger(json) || (json as number) < start || (json as number) >= end) {
      this.#fail(
        `${what} is ${describe(json)}, expected an integer from ${start} and below ${end}`,
      );
    }
    return json as number + 0;
  }

  #integers(json: Json | undefined, what: string, end: number): number[] {
    return this.#array(json, what).map((item) => this.#integer(item, `an item of ${what}`, end));
  }

  #node(json: Json, index: number): SymbolNode {
    const what = `node ${index}`;
    const node = this.#object(json, what, NODE_KEYS, ["op", "name", "inputs"]);
    const subgraphs = node.get("subgraphs");
    if (subgraphs !== undefined && this.#array(subgraphs, `${what}: subgraphs`).length > 0) {
      this.#fail(`${what} has subgraphs (control flow), which are not supported`);
    }
    const attrs = new Map<string, string>();
    for (const key of ["param", "attr", "attrs"]) {
      if (!node.has(key)) continue;
      for (const [name, value] of this.#object(node.get(key), `${what}: ${key}`, null)) {
        const text = this.#text(value, `${what}: ${describe(name)}`);
        if ((attrs.get(name) ?? text) !== text) {
          this.#fail(`${what} has two values for the attribute ${describe(name)}`);
        }
        attrs.set(name, text);
      }
    }
    return {
      op: this.#text(node.get("op"), `${what}: op`),
      name: this.#text(node.get("name"), `${what}: name`),
      attrs,
      inputs: this.#entries(node.get("inputs"), `${what}: inputs`, index),
      controlDeps: this.#integers(node.get("control_deps") ?? [], `${what}: control_deps`, index),
    };
  }

  #entries(json: Json | undefined, what: string, end: number): SymbolEntry[] {
    return this.#array(json, what).map((item) => {
      const entry = this.#array(item, `an entry of ${what}`);
      if (entry.length < 2 || entry.length > 3) {
        this.#fail(`an entry of ${what} has ${entry.length} items, expected 2 or 3`);
      }
      const [node, output, version = 0] = entry;
      return {
        node: this.#integer(node, `a node of ${what}`, end),
        output: this.#integer(output, `an output of ${what}`, 2 ** 31),
        version: this.#integer(version, `a version of ${what}`, 2 ** 31),
      };
    });
  }

  #graphAttributes(json: Json | undefined): Map<string, SymbolGraphAttribute> {
    const attrs = new Map<string, SymbolGraphAttribute>();
    if (json === undefined) return attrs;
    for (const [name, value] of this.#object(json, "attrs", null)) {
      const what = `the graph's attribute ${describe(name)}`;
      const [type, content, ...more] = this.#array(value, what);
      const integer = (item: Json | undefined) => this.#integer(item, what, 2 ** 53, -(2 ** 53));
      const text = (item: Json | undefined) => this.#text(item, what);
      if (more.length > 0 || content === undefined) this.#fail(`${what} is no pair`);
      if (type === "int") attrs.set(name, [type, integer(content)]);
      else if (type === "str") attrs.set(name, [type, text(content)]);
      else if (type === "list_int") {
        attrs.set(name, [type, this.#array(content, what).map(integer)]);
      } else if (type === "list_str") {
        attrs.set(name, [type, this.#array(content, what).map(text)]);
      } else this.#fail(`${what} has type ${describe(type)}, expected int, str or a list of them`);
    }
    return attrs;
  }
}

/**
 * Reads a graph that MXNet exported; see {@linkcode decodeSymbol}.
 *
 * @param source Path, `file:` URL, bytes, or stream of bytes.
 * @param options Limits.
 * @returns The graph.
 * @throws {FormatError} If the file is no such graph.
 * @throws {LimitError} If the file or the graph is larger than allowed.
 * @throws {TypeError} If the source is nothing that can be read.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { readSymbol } from "@vknn/vknn/io";
 *
 * const text = `{"nodes": [{"op": "null", "name": "x", "inputs": []}],
 *   "arg_nodes": [0], "heads": [[0, 0]]}`;
 * const graph = await readSymbol(new Response(text).body!);
 * assert(graph.nodes[0]?.name === "x");
 * ```
 */
export async function readSymbol(
  source: FileSource,
  options?: SymbolReadOptions,
): Promise<SymbolGraph> {
  const where = "read a symbol file";
  const { maxBytes } = limits(where, options);
  return decodeSymbol(await readSource(where, source, maxBytes), options);
}

/**
 * Writes a graph in the form that MXNet 1.x and 2 read.
 *
 * @param graph The graph.
 * @returns The bytes of the file; for a graph that MXNet wrote, its bytes.
 * @throws {TypeError} If a part of the graph has a wrong type.
 * @throws {RangeError} If entries name later nodes, variables share a name, a text has characters
 *   that MXNet cannot read, or the attribute `mxnet_version` is missing, without which MXNet takes
 *   the file for one of version 0.8.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { decodeSymbol, encodeSymbol } from "@vknn/vknn/io";
 *
 * const x = { op: "null", name: "x", attrs: new Map(), inputs: [], controlDeps: [] };
 * const bytes = encodeSymbol({
 *   nodes: [x],
 *   heads: [{ node: 0, output: 0, version: 0 }],
 *   nodeRowPtr: [0, 1],
 *   attrs: new Map([["mxnet_version", ["int", 20000]]]),
 * });
 * assert(decodeSymbol(bytes).nodes[0]?.op === "null");
 * ```
 */
export function encodeSymbol(graph: SymbolGraph): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(formatSymbol("write a symbol file", graph));
}

/**
 * Writes a graph into a file, atomically; see {@linkcode encodeSymbol}.
 *
 * @param path Path or `file:` URL of the file; its folder must exist.
 * @param graph The graph.
 * @returns When the file is on the disk.
 * @throws {TypeError} If an argument has a wrong type.
 * @throws {RangeError} If MXNet could not read the graph.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { writeSymbol } from "@vknn/vknn/io";
 *
 * const empty = { nodes: [], heads: [], nodeRowPtr: null, attrs: new Map() };
 * await assertRejects(() => writeSymbol("/tmp/net-symbol.json", empty), RangeError);
 * ```
 */
export async function writeSymbol(path: string | URL, graph: SymbolGraph): Promise<void> {
  await writeAtomically("write a symbol file", path, encodeSymbol(graph));
}
