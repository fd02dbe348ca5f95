// The dtypes of parameters from those of inputs, call by call while a graph is traced. Knows no operators:
// what an operator expects is found by asking its own rule.

import { type DType, isFloat } from "../core/dtype.ts";
import type { Attributes, Operator } from "../ops/define.ts";
import type { TensorSpec } from "../tensor/mod.ts";
import type { GraphNode } from "./graph.ts";

/**
 * Decides the dtypes of the parameters of a graph that is being traced. A parameter takes the dtype of the
 * values that its first call mixes it with, or keeps float32 where the operator wants that whatever the dtype
 * of the data is, as `BatchNorm` does.
 */
export class DTypeInference {
  readonly #nodes: GraphNode[];
  /** Parameters whose dtype is decided. */
  readonly #decided = new Set<number>();
  /** Results of nothing but undecided values, and those values. */
  readonly #derived = new Map<number, readonly number[]>();

  /** @param nodes The nodes of the graph so far; those of parameters are replaced when they are decided. */
  constructor(nodes: GraphNode[]) {
    this.#nodes = nodes;
  }

  /**
   * The inputs of the next call, which becomes the next node.
   *
   * @param operator The operator.
   * @param attributes Its attributes.
   * @param inputs The nodes of its inputs.
   * @returns Their shapes and dtypes; all decided unless all are undecided.
   * @throws {TypeError} If no dtype of the parameters fits that of the data.
   */
  specsOf(
    operator: Operator,
    attributes: Attributes,
    inputs: readonly (number | null)[],
  ): (TensorSpec | null)[] {
    const ids = inputs.filter((id) => id !== null);
    const open = new Set(ids.filter((id) => this.#isOpen(id)));
    const data = ids.find((id) => !open.has(id) && isFloat(this.#nodes[id]!.spec.dtype));
    const specs = (dtype: DType | null) =>
      inputs.map((id) => {
        if (id === null) return null;
        const { spec } = this.#nodes[id]!;
        return open.has(id) && dtype !== null ? { ...spec, dtype } : spec;
      });
    if (open.size === 0) return specs(null);
    if (data === undefined) {
      // A cast decides nothing about what it casts, and its result is no longer undecided.
      const [narrow, wide] = (["float16", "float32"] as const)
        .map((dtype) => operator.infer(attributes, specs(dtype)).dtype);
      if (narrow !== wide) this.#derived.set(this.#nodes.length, [...open]);
      return specs(null);
    }
    const dtype = this.#fitting(operator, attributes, specs, this.#nodes[data]!.spec.dtype);
    for (const id of open) this.#decide(id, dtype);
    return specs(dtype);
  }

  #fitting(
    operator: Operator,
    attributes: Attributes,
    specs: (dtype: DType) => (TensorSpec | null)[],
    dtype: DType,
  ): DType {
    try {
      operator.infer(attributes, specs(dtype));
      return dtype;
    } catch (error) {
      if (!(error instanceof TypeError) || dtype === "float32") throw error;
      try {
        operator.infer(attributes, specs("float32"));
      } catch {
        throw error; // that of the dtype of the data says more
      }
      return "float32";
    }
  }

  #isOpen(id: number): boolean {
    const node = this.#nodes[id]!;
    if (node.kind !== "parameter") return this.#derived.has(id);
    return isFloat(node.spec.dtype) && !this.#decided.has(id);
  }

  #decide(id: number, dtype: DType): void {
    const node = this.#nodes[id]!;
    this.#nodes[id] = { ...node, spec: { ...node.spec, dtype } };
    if (node.kind === "parameter") this.#decided.add(id);
    for (const source of this.#derived.get(id) ?? []) {
      if (this.#isOpen(source)) this.#decide(source, dtype);
    }
    this.#derived.delete(id);
  }
}
