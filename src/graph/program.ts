// Makes exported graphs runnable: reads every node's attributes once, then computes with tensors.

import { describe } from "../core/options.ts";
import type { SymbolEntry, SymbolGraph } from "../io/symbol_json.ts";
import type { Tensor } from "../tensor/mod.ts";
import { AttributeReader } from "./attribute_text.ts";
import { type NodeFunction, READ_INPUTS, readerOf } from "./vocabulary.ts";

/** One node that matters for the outputs. */
interface Step {
  readonly node: number;
  readonly inputs: readonly SymbolEntry[];
  /** Null for a variable. */
  readonly apply: NodeFunction | null;
  readonly where: string;
}

/** A runnable graph. */
export class GraphProgram {
  readonly #steps: readonly Step[];
  readonly #heads: readonly SymbolEntry[];
  readonly #variables: ReadonlyMap<string, number>;

  /**
   * Reads a graph.
   *
   * @param graph The graph.
   * @throws {RangeError} If it holds an unknown operator, or attributes that are not supported.
   */
  constructor(graph: SymbolGraph) {
    const needed = new Set(graph.heads.map(({ node }) => node));
    const steps: Step[] = [];
    const variables = new Map<string, number>();
    for (let index = graph.nodes.length - 1; index >= 0; index--) {
      const { op, name, attrs, inputs } = graph.nodes[index]!;
      if (!needed.has(index)) continue;
      const where = `node ${describe(name)} (${op})`;
      const read = inputs.slice(0, READ_INPUTS.get(op) ?? inputs.length);
      for (const { node } of read) needed.add(node);
      let apply: NodeFunction | null = null;
      if (op === "null") variables.set(name, index);
      else {
        const reader = readerOf(op);
        if (reader === undefined) {
          throw new RangeError(
            `Cannot load a graph: ${where} is an operator that is not supported`,
          );
        }
        const attributes = new AttributeReader(where, attrs);
        apply = reader(attributes);
        attributes.done();
      }
      steps.push({ node: index, inputs: read, apply, where });
    }
    this.#steps = steps.reverse();
    this.#heads = graph.heads;
    this.#variables = new Map([...variables].reverse());
  }

  /** Names of the variables that the outputs depend on, in the order of the graph. */
  get variables(): string[] {
    return [...this.#variables.keys()];
  }

  /**
   * Computes the outputs. The caller opens a scope around it.
   *
   * @param valueOf The value of each variable.
   * @returns One tensor for each head.
   */
  run(valueOf: (name: string) => Tensor): Tensor[] {
    const values = new Map<number, Tensor | readonly Tensor[]>();
    for (const [name, node] of this.#variables) values.set(node, valueOf(name));
    const take = ({ node, output }: SymbolEntry, where: string): Tensor => {
      const value = values.get(node)!;
      const found = Array.isArray(value) ? value[output] : output === 0 ? value : undefined;
      if (found !== undefined) return found as Tensor;
      throw new RangeError(`Cannot run ${where}: it reads output ${output} of a node without it`);
    };
    for (const { node, inputs, apply, where } of this.#steps) {
      if (apply === null) continue;
      values.set(node, apply(inputs.map((input) => take(input, where))));
    }
    return this.#heads.map((head) => take(head, "the graph"));
  }
}
