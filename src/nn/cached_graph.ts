// What an active block runs instead of its forward: graphs traced from it, one for every combination of
// shapes, dtypes, device and mode that it met. Knows no layers.

import type { DType } from "../core/dtype.ts";
import { sameShape } from "../core/shape.ts";
import { isRecording, isTraining, withFlags } from "../autograd/flags.ts";
import { disposeGraph, type Graph, type GraphCall, inputNames } from "../graph/graph.ts";
import { lower } from "../graph/lower.ts";
import { Prediction } from "../graph/prediction.ts";
import { type CallListener, type GraphValues, runGraph } from "../graph/run.ts";
import { ProgramArena } from "../graph/static_memory.ts";
import { trace } from "../graph/trace.ts";
import type { Device, Tensor } from "../tensor/mod.ts";
import type { OpHook } from "./hooks.ts";
import { warn } from "./messages.ts";
import type { Parameter } from "./parameter.ts";
import { argumentsOf, type Structure, structureOf } from "./tensor_structure.ts";

/** The block as its graphs see it. */
export interface GraphOwner {
  readonly block: object;
  /** Class of the block, for messages. */
  readonly name: string;
  /** Parameters of the whole tree by dotted name; a shared one under each of its names. */
  readonly parameters: () => ReadonlyMap<string, Parameter>;
  /** What is traced. */
  readonly forward: (inputs: readonly unknown[]) => unknown;
  /** Whether predictions may run fused and in planned memory. */
  readonly staticAlloc: () => boolean;
  /** Whether predictions may be recorded and replayed. */
  readonly staticShape: () => boolean;
}

/** A hook on the values of a graph. */
export interface OpMonitor {
  readonly hook: OpHook;
  readonly monitorAll: boolean;
}

/** A graph with what belongs around it. */
export interface TracedBlock {
  readonly graph: Graph;
  readonly device: Device;
  /** The structure of the arguments. */
  readonly inputs: Structure;
  /** The structure of the result. */
  readonly output: Structure;
  /** The parameters that the graph reads, under their last names. */
  readonly parameters: ReadonlyMap<string, Parameter>;
}

/** Most graphs of one block; the one that was used longest ago goes first. */
const MOST_GRAPHS = 16;

const numbers = new WeakMap<object, number>();
let objects = 0;

/** A number that stands for an object. */
function numberOf(object: object): number {
  let number = numbers.get(object);
  if (number === undefined) numbers.set(object, number = objects++);
  return number;
}

function keyOf({ tensors, others }: Structure): string {
  const specs = tensors.map(({ dtype, shape }) => `${dtype} ${shape.join()}`);
  const values = others.map((value) =>
    typeof value === "object" || typeof value === "function"
      ? `#${numberOf(value as object)}`
      : `${typeof value} ${String(value)}`
  );
  return `${isTraining()};${numberOf(tensors[0]!.device)};${specs.join(";")};${values.join(";")}`;
}

const caches = new WeakMap<object, CachedGraph>();

/** Graphs of one block. */
export class CachedGraph {
  readonly #owner: GraphOwner;
  readonly #graphs = new Map<string, TracedBlock>();
  readonly #lowered = new Map<TracedBlock, Graph>();
  readonly #predictions = new Map<TracedBlock, Prediction>();
  readonly #arenas = new Map<Device, ProgramArena>();
  /** The nesting of the arguments in the first call. */
  #structure: string | null = null;
  #latest: TracedBlock | null = null;

  /** @param owner The block. */
  constructor(owner: GraphOwner) {
    this.#owner = owner;
    caches.set(owner.block, this);
  }

  /**
   * The graphs of a block.
   *
   * @param block The block.
   * @returns Its graphs; undefined if it cannot have any.
   */
  static of(block: object): CachedGraph | undefined {
    return caches.get(block);
  }

  /** The graph that ran last; null before the first call. */
  get latest(): TracedBlock | null {
    return this.#latest;
  }

  /** Forgets all graphs. */
  clear(): void {
    for (const traced of this.#graphs.values()) this.#dispose(traced);
    this.#graphs.clear();
    this.#arenas.clear();
    this.#structure = null;
    this.#latest = null;
  }

  /**
   * Traces the block, unless there is a graph for these arguments already.
   *
   * @param args Arguments of `forward`.
   * @returns The graph.
   * @throws {RangeError} If the arguments are nested in another way than those of the first call.
   */
  prepare(args: readonly unknown[]): TracedBlock {
    return this.#find(argumentsOf(args));
  }

  /**
   * Traces the block to find which dtypes its parameters should have; keeps no graph.
   *
   * @param args Arguments of `forward`.
   * @returns The dtypes of the parameters that it uses.
   * @throws {TypeError} If an operator cannot take what it would get.
   */
  inferTypes(args: readonly unknown[]): Map<Parameter, DType> {
    const { graph, parameters } = this.#trace(argumentsOf(args), true);
    const found = new Map<Parameter, DType>();
    for (const node of graph.nodes) {
      if (node.kind === "parameter") found.set(parameters.get(node.name)!, node.spec.dtype);
    }
    disposeGraph(graph);
    return found;
  }

  #find(inputs: Structure): TracedBlock {
    this.#structure ??= inputs.text;
    if (inputs.text !== this.#structure) {
      throw new RangeError(
        `Cannot call ${this.#owner.name}: its arguments are ${inputs.text}, expected ` +
          `${this.#structure} as in its first call since hybridize()`,
      );
    }
    const key = keyOf(inputs);
    let traced = this.#graphs.get(key);
    if (traced !== undefined && !isCurrent(traced, inputs.tensors[0]!.device)) {
      this.#dispose(traced);
      this.#graphs.delete(key);
      traced = undefined;
    }
    if (traced === undefined) {
      traced = this.#trace(inputs);
      if (this.#latest === null) this.#warnOfUnused(traced);
      if (this.#graphs.size >= MOST_GRAPHS) this.#forgetOldest();
      this.#graphs.set(key, traced);
    } else if (traced !== this.#latest) {
      this.#graphs.delete(key);
      this.#graphs.set(key, traced); // the last one in goes last
    }
    this.#latest = traced;
    return traced;
  }

  /**
   * Runs the block's graph.
   *
   * @param args Arguments of `forward`.
   * @param monitors Who sees its values.
   * @returns What `forward` would return.
   */
  run(args: readonly unknown[], monitors: readonly OpMonitor[]): unknown {
    const inputs = argumentsOf(args);
    const traced = this.#find(inputs);
    const { tensors } = inputs;
    const { device } = tensors[0]!;
    const parameters = new Map<string, Tensor>();
    for (const [name, parameter] of traced.parameters) {
      parameters.set(name, parameter.data(device));
    }
    const values: GraphValues = { inputs: tensors, parameters };
    const outputs = monitors.length === 0
      ? this.#compute(traced, values)
      : runGraph(this.lowered(traced), values, listenerFor(monitors), "always");
    return traced.output.rebuild(outputs);
  }

  #compute(traced: TracedBlock, values: GraphValues): Tensor[] {
    if (!this.#owner.staticAlloc() || isTraining() || isRecording()) {
      return runGraph(traced.graph, values);
    }
    return this.prediction(traced).run(values, this.#owner.staticShape());
  }

  /**
   * What predictions run instead of a graph.
   *
   * @param traced A graph of this cache.
   * @returns It, made at the first call.
   */
  prediction(traced: TracedBlock): Prediction {
    let found = this.#predictions.get(traced);
    if (found === undefined) {
      const { device, graph } = traced;
      let arena = this.#arenas.get(device);
      if (arena === undefined) this.#arenas.set(device, arena = new ProgramArena(device));
      this.#predictions.set(traced, found = new Prediction(graph, device, arena));
    }
    return found;
  }

  /**
   * The graph of a block without fused calls, as MXNet knows it.
   *
   * @param traced A graph of this cache.
   * @returns The graph.
   */
  lowered(traced: TracedBlock): Graph {
    let found = this.#lowered.get(traced);
    if (found === undefined) {
      this.#lowered.set(traced, found = lower(traced.graph, traced.device));
    }
    return found;
  }

  #trace(inputs: Structure, inferDTypes: boolean = false): TracedBlock {
    const { device } = inputs.tensors[0]!;
    const names = new Map<Tensor, string>();
    const parameters = new Map<string, Parameter>();
    const used = new Map<string, Parameter>();
    const collect = () => {
      for (const [name, parameter] of this.#owner.parameters()) {
        if (!parameter.initialized || !parameter.listDevice().includes(device)) continue;
        names.set(parameter.data(device), name);
        parameters.set(name, parameter);
      }
    };
    const parameterOf = (tensor: Tensor): string | null => {
      // Parameters of unknown shape get their values while their blocks are traced.
      if (!names.has(tensor) && !tensor.storage.hollow) collect();
      const name = names.get(tensor) ?? null;
      if (name !== null) used.set(name, parameters.get(name)!);
      return name;
    };
    let output: Structure | undefined;
    const fn = (standIns: readonly Tensor[]): readonly Tensor[] => {
      output = structureOf(this.#owner.forward(inputs.rebuild(standIns) as unknown[]));
      return output.tensors;
    };
    const graph = withFlags(
      { recording: false },
      () => trace({ device, inputs: inputs.tensors, parameterOf, fn, inferDTypes }),
    );
    return { graph, device, inputs: hollow(inputs), output: hollow(output!), parameters: used };
  }

  #warnOfUnused({ graph, parameters }: TracedBlock): void {
    const { name } = this.#owner;
    const used = new Set(
      graph.nodes.flatMap((node) => node.kind === "call" ? node.inputs : []).concat(graph.outputs),
    );
    const names = inputNames(graph.inputs.length);
    const inputs = graph.inputs.flatMap((id, index) => used.has(id) ? [] : [names[index]!]);
    if (inputs.length > 0) warn(`${name} does not use its inputs ${inputs.join(", ")}`);
    const seen = new Set(parameters.values());
    const unused = [...this.#owner.parameters()].filter(([, parameter]) => !seen.has(parameter));
    if (unused.length > 0) {
      warn(`${name} does not use its parameters ${unused.map(([each]) => each).join(", ")}`);
    }
  }

  #forgetOldest(): void {
    const [key, traced] = this.#graphs.entries().next().value!;
    this.#dispose(traced);
    this.#graphs.delete(key);
  }

  #dispose(traced: TracedBlock): void {
    disposeGraph(traced.graph);
    const lowered = this.#lowered.get(traced);
    if (lowered !== undefined) disposeGraph(lowered);
    this.#lowered.delete(traced);
    this.#predictions.get(traced)?.dispose();
    this.#predictions.delete(traced);
  }
}

/** A structure that keeps no tensors alive. */
function hollow(structure: Structure): Structure {
  return { ...structure, tensors: [] };
}

/** Whether parameters still have the shapes and dtypes with which a graph was made. */
function isCurrent({ graph, parameters }: TracedBlock, device: Device): boolean {
  for (const node of graph.nodes) {
    if (node.kind !== "parameter") continue;
    const { dtype, shape } = parameters.get(node.name)!.data(device);
    if (dtype !== node.spec.dtype || !sameShape(shape, node.spec.shape)) return false;
  }
  return true;
}

/** Inputs of these operators have names in MXNet; others are numbered. */
function inputName({ operator }: GraphCall, index: number): string {
  const { inputNames: names, name } = operator;
  return name === "Activation" || names[index] === undefined || names.length === 1 && index > 0
    ? `input${index}`
    : names[index]!;
}

function listenerFor(monitors: readonly OpMonitor[]): CallListener {
  return (call, inputs, output) => {
    for (const { hook, monitorAll } of monitors) {
      if (monitorAll) {
        inputs.forEach((input, index) => {
          if (input === null) return;
          hook(`${call.name}_${inputName(call, index)}`, call.operator.name, input);
        });
      }
      hook(`${call.name}_output`, call.operator.name, output);
    }
  };
}
