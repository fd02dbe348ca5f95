// Collects the nodes of a graph file.

import type { SymbolEntry, SymbolGraph, SymbolNode } from "../io/symbol_json.ts";
import { type GraphCall, nextNodeName } from "./graph.ts";
import { fastText, pythonText, texts } from "./symbol_text.ts";

/** A call whose inputs have places in the file. */
export interface EmittedCall {
  readonly call: GraphCall;
  /** Values of its attributes. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Shapes of its inputs. */
  readonly shapes: readonly (readonly number[])[];
  /** Nodes of the inputs that are there. */
  readonly inputs: readonly number[];
}

/** Makes the nodes of a call; returns the one with its result. */
export type Emission = (emitter: SymbolEmitter, call: EmittedCall) => number;

/** The nodes of a file. */
export class SymbolEmitter {
  readonly #nodes: SymbolNode[] = [];
  readonly #rows: number[] = [0];

  /** Adds a variable. */
  variable(name: string, attrs: ReadonlyMap<string, string>): number {
    return this.#add({ op: "null", name, attrs, inputs: [], controlDeps: [] }, 1);
  }

  /**
   * Adds a call in style A.
   *
   * @param op MXNet's name.
   * @param inputs Nodes of the inputs.
   * @param attributes Values of the attributes.
   * @param outputs How many outputs MXNet counts.
   * @returns The node.
   */
  fast(
    op: string,
    inputs: readonly number[],
    attributes: Readonly<Record<string, unknown>> = {},
    outputs: number = 1,
  ): number {
    return this.#call(op, inputs, texts(attributes, fastText), outputs);
  }

  /** Adds a call in style P. */
  python(
    op: string,
    inputs: readonly number[],
    attributes: Readonly<Record<string, unknown>> = {},
    outputs: number = 1,
  ): number {
    return this.#call(op, inputs, texts(attributes, pythonText), outputs);
  }

  /** The file's graph with some outputs. */
  graph(heads: readonly number[]): SymbolGraph {
    return {
      nodes: this.#nodes,
      heads: heads.map(entry),
      nodeRowPtr: this.#rows,
      attrs: new Map([["is_np_shape", ["int", 1]], ["mxnet_version", ["int", 20000]]]),
    };
  }

  #call(
    op: string,
    inputs: readonly number[],
    attrs: ReadonlyMap<string, string>,
    outputs: number,
  ): number {
    const name = nextNodeName();
    return this.#add({ op, name, attrs, inputs: inputs.map(entry), controlDeps: [] }, outputs);
  }

  #add(node: SymbolNode, outputs: number): number {
    this.#rows.push(this.#rows.at(-1)! + outputs);
    return this.#nodes.push(node) - 1;
  }
}

function entry(node: number): SymbolEntry {
  return { node, output: 0, version: 0 };
}
