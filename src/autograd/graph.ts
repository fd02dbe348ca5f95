// The graph of recorded operators: one node for each call, with what its gradient reads. Nodes count who
// refers to them (the output's tensor and the nodes computed from it), so that memory is freed as soon as
// no backward pass can reach it. Knows no operators and no order of execution.

import type { DType } from "../core/dtype.ts";
import { AutogradError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { type Device, Storage, Tensor, unwatchOwner, watchOwner } from "../tensor/mod.ts";
import type { Variable } from "./variable.ts";

/** What the gradient of one call sees. */
export interface BackwardCall<A> {
  /** Checked attributes of the call. */
  readonly attributes: A;
  /**
   * The inputs; null where an optional one was absent. Those that the operator does not keep have shape,
   * dtype and device only.
   */
  readonly inputs: readonly (Tensor | null)[];
  /** The output, likewise. */
  readonly output: Tensor;
  /** Gradient of the output; of its shape and dtype. */
  readonly headGradient: Tensor;
  /** For each input whether its gradient is wanted. */
  readonly needs: readonly boolean[];
  /** Hidden results of the call. */
  readonly hidden: readonly Tensor[];
  /** Whether the call was made in training mode. */
  readonly training: boolean;
}

/** How an operator is differentiated. */
export interface GradientRule {
  /** Name of the operator, for messages. */
  readonly name: string;
  /** Gradients of the inputs, null where none is needed or it is zero; absent if there is no gradient. */
  readonly backward: ((call: BackwardCall<never>) => readonly (Tensor | null)[]) | undefined;
  /** What `backward` reads: indices of inputs, and the output. All if absent. */
  readonly keeps:
    | ((
      attributes: never,
      needs: readonly boolean[],
      training: boolean,
    ) => readonly (number | "output")[])
    | undefined;
}

/** A recorded call. */
export interface RecordedCall {
  readonly rule: GradientRule;
  readonly attributes: object;
  readonly inputs: readonly (Tensor | null)[];
  readonly output: Tensor;
  /** Results that only the gradient reads. */
  readonly hidden: readonly Tensor[];
  readonly training: boolean;
}

/** Where a tensor comes from: a leaf or a recorded call. */
export type Entry = Variable | Node;

const entries = new WeakMap<Tensor, Entry>();
/** Tensors made for a gradient to read: they stand for others, whose leaves live on without them. */
const standIns = new WeakSet<Tensor>();

/**
 * Where a tensor comes from.
 *
 * @param tensor The tensor.
 * @returns Its leaf or call, also one whose graph was freed; undefined if it was never recorded.
 */
export function entryOf(tensor: Tensor): Entry | undefined {
  return entries.get(tensor);
}

/**
 * Says where a tensor comes from. A node gains a reference by it.
 *
 * @param tensor The tensor.
 * @param entry The leaf or call; null for neither.
 */
export function setEntry(tensor: Tensor, entry: Entry | null): void {
  const before = entries.get(tensor);
  if (before instanceof Node) {
    unwatchOwner(tensor);
    watchOwner(tensor, tensor.storage);
    before.release();
  }
  if (entry === null) {
    entries.delete(tensor);
    return;
  }
  entries.set(tensor, entry);
  if (entry instanceof Node) {
    entry.retain();
    watchOwner(tensor, entry);
  }
}

/**
 * Forgets where a disposed tensor came from.
 *
 * @param tensor The tensor.
 * @returns The leaf that it was, whose gradient nobody can read any more.
 */
export function dropEntry(tensor: Tensor): Variable | undefined {
  const entry = entries.get(tensor);
  if (entry === undefined) return undefined;
  entries.delete(tensor);
  if (entry instanceof Node) entry.release();
  return entry instanceof Node || standIns.has(tensor) ? undefined : entry;
}

/**
 * Whether operators on a tensor are to be recorded.
 *
 * @param tensor The tensor.
 * @returns True for leaves and for outputs of recorded calls whose graph still exists.
 */
export function isInGraph(tensor: Tensor): boolean {
  const entry = entries.get(tensor);
  return entry !== undefined && !(entry instanceof Node && entry.freed);
}

/** A tensor as the graph keeps it: without the object that scopes and users dispose of. */
class Kept {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly device: Device;
  readonly #storage: Storage | null;
  readonly #version: number;

  constructor(tensor: Tensor, readable: boolean) {
    this.shape = tensor.shape;
    this.dtype = tensor.dtype;
    this.device = tensor.device;
    this.#storage = readable ? tensor.storage : null;
    this.#version = tensor.storage.version;
    this.#storage?.retain();
  }

  /** A tensor for the gradient to read; without memory if it was not kept. */
  open(name: string, where: string): Tensor {
    if (this.#storage === null) {
      const hollow = new Tensor(
        Storage.allocate(this.device, 0, where),
        this.shape,
        this.dtype,
        where,
      );
      hollow.dispose();
      return hollow;
    }
    if (this.#storage.version !== this.#version) {
      throw new AutogradError(
        `Cannot run backward through ${where}: ${name} of shape ${formatShape(this.shape)} was ` +
          `overwritten in place after it was recorded; run backward() first, or assign to a copy`,
      );
    }
    this.#storage.retain();
    return new Tensor(this.#storage, this.shape, this.dtype, where);
  }

  release(): void {
    this.#storage?.release();
  }
}

let calls = 0;

/** One recorded call. */
export class Node {
  /** Grows with every call: inputs have smaller numbers. */
  readonly order: number = ++calls;
  readonly rule: GradientRule;
  /** Shape of the output. */
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly device: Device;
  readonly #attributes: object;
  #parents: (Entry | null)[];
  #inputs: (Kept | null)[];
  #output: Kept | null;
  #hidden: readonly Kept[];
  readonly #training: boolean;
  #watchers: ((gradient: Tensor) => void)[] = [];
  #references = 0;
  #freed = false;

  constructor({ rule, attributes, inputs, output, hidden, training }: RecordedCall) {
    this.rule = rule;
    this.shape = output.shape;
    this.dtype = output.dtype;
    this.device = output.device;
    this.#attributes = attributes;
    this.#parents = inputs.map((input) => {
      const entry = input === null ? undefined : entries.get(input);
      return entry === undefined || entry instanceof Node && entry.freed ? null : entry;
    });
    const needs = this.#parents.map((parent) => parent !== null);
    const keeps = rule.keeps?.(attributes as never, needs, training);
    const kept = (what: number | "output") => keeps === undefined || keeps.includes(what);
    this.#inputs = inputs.map((input, at) => input === null ? null : new Kept(input, kept(at)));
    this.#output = new Kept(output, kept("output"));
    this.#hidden = hidden.map((each) => new Kept(each, true));
    this.#training = training;
    for (const parent of this.#parents) if (parent instanceof Node) parent.retain();
  }

  /** Where the inputs come from; null for what is not in the graph. */
  get parents(): readonly (Entry | null)[] {
    return this.#parents;
  }

  /** True after the graph was freed. */
  get freed(): boolean {
    return this.#freed;
  }

  /**
   * Computes the gradients of the inputs.
   *
   * @param headGradient Gradient of the output.
   * @param needs For each input whether its gradient is wanted.
   * @param linked Whether the tensors that the gradient reads stay in the graph, to be differentiated again.
   * @returns One gradient for each input, null for zero. The caller runs this in a scope.
   */
  differentiate(
    headGradient: Tensor,
    needs: readonly boolean[],
    linked: boolean,
  ): readonly (Tensor | null)[] {
    const { name, backward } = this.rule;
    if (backward === undefined) throw noGradientError(name);
    const open = (kept: Kept | null, what: string, entry: Entry | null): Tensor | null => {
      const tensor = kept?.open(what, name) ?? null;
      if (!linked || tensor === null || entry === null || tensor.disposed) return tensor;
      standIns.add(tensor);
      setEntry(tensor, entry);
      return tensor;
    };
    const inputs = this.#inputs.map((kept, at) =>
      open(kept, `input ${at}`, this.#parents[at] ?? null)
    );
    const output = open(this.#output, "the output", this)!;
    const attributes = this.#attributes as never;
    const hidden = this.#hidden.map((kept) => kept.open("a hidden result", name));
    const training = this.#training;
    return backward({ attributes, inputs, output, headGradient, needs, hidden, training });
  }

  /** Adds a function that sees the whole gradient of the output in every backward pass. */
  watch(watcher: (gradient: Tensor) => void): void {
    this.#watchers.push(watcher);
  }

  /** Shows the gradient of the output to those who watch it. */
  notify(gradient: Tensor): void {
    for (const watcher of this.#watchers) watcher(gradient);
  }

  /** Adds a reference. */
  retain(): void {
    this.#references++;
  }

  /** Drops a reference; the last one frees the node and what only it refers to. */
  release(): void {
    const open: Node[] = [this];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node.#references > 0 && --node.#references === 0) open.push(...node.#close());
    }
  }

  /** Frees what the gradient would read; the node cannot be differentiated any more. */
  free(): void {
    for (const parent of this.#close()) parent.release();
  }

  /** Gives up memory and parents. Returns the parents that lose a reference. */
  #close(): Node[] {
    if (this.#freed) return [];
    this.#freed = true;
    for (const kept of this.#inputs) kept?.release();
    this.#output?.release();
    for (const kept of this.#hidden) kept.release();
    const parents = this.#parents.filter((parent) => parent instanceof Node);
    this.#inputs = [];
    this.#output = null;
    this.#hidden = [];
    this.#parents = [];
    this.#watchers = [];
    return parents;
  }
}

/**
 * The error for an operator without gradient.
 *
 * @param name Name of the operator.
 * @returns The error, to be thrown.
 */
export function noGradientError(name: string): AutogradError {
  const second = name.match(/^_backward_([A-Za-z0-9]+)/)?.[1];
  return new AutogradError(
    second === undefined
      ? `Cannot run backward through ${name}: the operator has no gradient; detach() its input`
      : `Cannot run backward through ${name}: ${second} has no second derivative`,
  );
}

/**
 * Adds a call to the graph. The caller has checked that an input is in it.
 *
 * @param call The call.
 */
export function recordCall(call: RecordedCall): void {
  if (call.output.dtype !== "float32" && call.output.dtype !== "float16") return;
  setEntry(call.output, new Node(call));
}

/**
 * Shows the gradient of a tensor to a function in every backward pass that computes it.
 *
 * @param tensor The tensor; nothing happens if it is no output of a recorded call.
 * @param watcher Called with the gradient, which is freed afterwards.
 */
export function watchGradient(tensor: Tensor, watcher: (gradient: Tensor) => void): void {
  const entry = entries.get(tensor);
  if (entry instanceof Node && !entry.freed) entry.watch(watcher);
}
