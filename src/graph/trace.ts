// Turns a function of tensors into a graph, without running anything: its operators get tensors without
// memory, and give such. Knows no layers.

import type { Attributes, Operator } from "../ops/define.ts";
import { setTracer, type Tracer } from "../ops/tracer.ts";
import { stopGradientOperator } from "../ops/transpose.ts";
import { type Device, keep, scope, Storage, Tensor, type TensorSpec } from "../tensor/mod.ts";
import { type Graph, type GraphNode, inputNames, nextNodeName } from "./graph.ts";
import { DTypeInference } from "./infer_dtypes.ts";

/** What is to be traced. */
export interface TraceRequest {
  /** Where the graph will run. */
  readonly device: Device;
  /** Shapes and dtypes of the inputs. */
  readonly inputs: readonly TensorSpec[];
  /** The name of the parameter whose value a tensor is; null for other tensors. */
  readonly parameterOf: (tensor: Tensor) => string | null;
  /** The function: from stand-ins of the inputs to its results. */
  readonly fn: (inputs: readonly Tensor[]) => readonly Tensor[];
  /** Whether dtypes of parameters follow from those of the inputs; else they are those of the tensors. */
  readonly inferDTypes?: boolean;
}

class GraphTracer implements Tracer {
  readonly nodes: GraphNode[] = [];
  readonly #device: Device;
  readonly #parameterOf: TraceRequest["parameterOf"];
  /** By tensor object, and by memory for other objects that share it. */
  readonly #known = new Map<Tensor | Storage, number>();
  readonly #parameters = new Map<string, number>();
  readonly #inference: DTypeInference | undefined;

  constructor({ device, parameterOf, inferDTypes = false }: TraceRequest) {
    this.#device = device;
    this.#parameterOf = parameterOf;
    if (inferDTypes) this.#inference = new DTypeInference(this.nodes);
  }

  input(name: string, { shape, dtype }: TensorSpec): Tensor {
    return this.#standIn({ kind: "input", name, spec: { shape, dtype } }, name);
  }

  trace(
    operator: Operator,
    attributes: Attributes,
    inputs: readonly (Tensor | null)[],
  ): Tensor | null {
    // Values that depend on neither inputs nor parameters are computed now: they are constants.
    if (!inputs.some((input) => input !== null && this.#symbolic(input) !== null)) return null;
    const ids = inputs.map((input) => input === null ? null : this.idOf(input));
    const specs = this.#inference?.specsOf(operator, attributes, ids) ??
      inputs.map((input) => input === null ? null : { shape: input.shape, dtype: input.dtype });
    const spec = operator.infer(attributes, specs);
    const name = nextNodeName();
    return this.#standIn(
      { kind: "call", name, operator, attributes, inputs: ids, spec },
      operator.name,
    );
  }

  /** The node of a tensor; one that is not known becomes a constant. */
  idOf(tensor: Tensor): number {
    const known = this.#symbolic(tensor);
    if (known !== null) return known;
    const { storage, shape, dtype } = tensor;
    storage.retain();
    const value = keep(new Tensor(storage, shape, dtype, tensor.label));
    const constants = this.nodes.filter((node) => node.kind === "constant").length;
    const node = { kind: "constant", name: `const${constants}`, spec: { shape, dtype } } as const;
    return this.#add({ ...node, value }, tensor);
  }

  /** The node of a tensor that depends on inputs or parameters; null for others. */
  #symbolic(tensor: Tensor): number | null {
    const known = this.#known.get(tensor);
    if (known !== undefined) return known;
    const name = this.#parameterOf(tensor);
    if (name !== null) {
      const before = this.#parameters.get(name);
      if (before !== undefined) return before;
      const { shape, dtype } = tensor;
      const id = this.#add({ kind: "parameter", name, spec: { shape, dtype } }, tensor);
      this.#known.set(tensor.storage, id);
      this.#parameters.set(name, id);
      return id;
    }
    const source = this.#known.get(tensor.storage);
    if (source === undefined) return null;
    // Another object with the same memory: detach() made it.
    const { shape, dtype } = tensor;
    return this.#add({
      kind: "call",
      name: nextNodeName(),
      operator: stopGradientOperator,
      attributes: stopGradientOperator.normalize(undefined),
      inputs: [source],
      spec: { shape, dtype },
    }, tensor);
  }

  #standIn(node: GraphNode, label: string): Tensor {
    const { shape, dtype } = node.spec;
    const tensor = new Tensor(Storage.hollow(this.#device), shape, dtype, label);
    this.#known.set(tensor.storage, this.#add(node, tensor));
    return tensor;
  }

  #add(node: GraphNode, tensor: Tensor): number {
    const id = this.nodes.push(node) - 1;
    this.#known.set(tensor, id);
    return id;
  }
}

/**
 * Traces a function.
 *
 * @param request The function and its inputs.
 * @returns The graph of its operators.
 * @throws {StateError} If the function reads values, which do not exist yet.
 */
export function trace(request: TraceRequest): Graph {
  const tracer = new GraphTracer(request);
  return scope(() => {
    const names = inputNames(request.inputs.length);
    const standIns = request.inputs.map((spec, index) => tracer.input(names[index]!, spec));
    const before = setTracer(tracer);
    let results: readonly Tensor[];
    try {
      results = request.fn(standIns);
    } finally {
      setTracer(before);
    }
    const outputs = results.map((result) => tracer.idOf(result));
    return { nodes: tracer.nodes, inputs: standIns.map((_, index) => index), outputs };
  });
}
