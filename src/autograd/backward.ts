// The backward pass: walks recorded calls from the heads to the leaves, newest first, and sums gradients in
// that order, so that equal graphs give equal bits. After apache/mxnet src/imperative/imperative.cc.

import { AutogradError, ShapeError } from "../core/errors.ts";
import { boolean, optional, readOptions } from "../core/options.ts";
import { describe, formatShape, sameShape } from "../core/shape.ts";
import { type BackwardOptions, ones, scope, Tensor, zeros } from "../tensor/mod.ts";
import { withFlags } from "./flags.ts";
import { type Entry, entryOf, Node, noGradientError } from "./graph.ts";
import { checkLike, Variable, variableOf } from "./variable.ts";

const ADVICE = "compute it in autograd.record() from tensors with attachGrad(), and pass " +
  "retainGraph: true to every backward pass but the last";

/** Gradients on their way, each freed after its last use. */
class Sums {
  readonly #byEntry = new Map<Entry, Tensor>();
  readonly #uses = new Map<Tensor, number>();

  /** Adds to the gradient of an entry. */
  add(entry: Entry, gradient: Tensor): void {
    this.#use(gradient);
    const before = this.#byEntry.get(entry);
    this.#byEntry.set(entry, gradient);
    if (before === undefined) return;
    const sum = before.add(gradient);
    this.#use(sum);
    this.#byEntry.set(entry, sum);
    this.drop(before);
    this.drop(gradient);
  }

  /** Marks a tensor that belongs to the caller. */
  pin(tensor: Tensor): void {
    this.#uses.set(tensor, Infinity);
  }

  /** Takes the gradient of an entry, to be dropped after use. */
  take(entry: Entry): Tensor | undefined {
    const gradient = this.#byEntry.get(entry);
    this.#byEntry.delete(entry);
    return gradient;
  }

  /** Whether nobody else refers to a gradient that was taken. */
  isExclusive(gradient: Tensor): boolean {
    return this.#uses.get(gradient) === 1;
  }

  /** Ends one use of a gradient. */
  drop(gradient: Tensor): void {
    const uses = this.#uses.get(gradient)! - 1;
    this.#uses.set(gradient, uses);
    if (uses > 0) return;
    this.#uses.delete(gradient);
    gradient.dispose();
  }

  #use(gradient: Tensor): void {
    this.#uses.set(gradient, (this.#uses.get(gradient) ?? 0) + 1);
  }
}

interface Head {
  readonly tensor: Tensor;
  readonly entry: Entry;
  readonly gradient: Tensor | null;
}

function freedError(name: string): AutogradError {
  return new AutogradError(
    `Cannot run backward: the graph of ${name} was freed by an earlier backward pass; ${ADVICE}`,
  );
}

function checkHeads(
  heads: Tensor | readonly Tensor[],
  headGradients: Tensor | readonly (Tensor | null)[] | null | undefined,
): Head[] {
  const where = "run backward";
  const tensors = Array.isArray(heads) ? heads : [heads];
  const given = headGradients ?? tensors.map(() => null);
  const gradients = Array.isArray(given) ? given : [given];
  if (gradients.length !== tensors.length) {
    throw new ShapeError(
      `Cannot ${where}: headGradients has ${gradients.length} entries, expected ${tensors.length}, ` +
        `one for each head`,
    );
  }
  return tensors.map((tensor: unknown, at): Head => {
    const name = tensors.length === 1 ? "the head" : `heads[${at}]`;
    if (!(tensor instanceof Tensor)) {
      throw new TypeError(`Cannot ${where}: ${name} is ${describe(tensor)}, expected a Tensor`);
    }
    void tensor.storage; // throws if it was disposed
    const entry = entryOf(tensor);
    if (entry === undefined) {
      throw new AutogradError(
        `Cannot ${where}: ${name} of shape ${
          formatShape(tensor.shape)
        } was not recorded; ${ADVICE}`,
      );
    }
    if (entry instanceof Node && entry.freed) throw freedError(name);
    const gradient: unknown = gradients[at] ?? null;
    if (gradient === null) return { tensor, entry, gradient };
    if (!(gradient instanceof Tensor)) {
      throw new TypeError(
        `Cannot ${where}: the gradient of ${name} is ${describe(gradient)}, expected a Tensor`,
      );
    }
    checkLike(where, `the gradient of ${name}`, gradient, tensor);
    return { tensor, entry, gradient };
  });
}

/** All calls that lead to the heads, oldest first, and all leaves. */
function reach(heads: readonly Head[]): { nodes: Node[]; leaves: Set<Variable> } {
  const nodes = new Set<Node>();
  const leaves = new Set<Variable>();
  const open = heads.map(({ entry }) => entry);
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    if (entry instanceof Variable) {
      leaves.add(entry);
    } else if (!nodes.has(entry)) {
      if (entry.freed) throw freedError(`an output of ${entry.rule.name}`);
      nodes.add(entry);
      for (const parent of entry.parents) if (parent !== null) open.push(parent);
    }
  }
  return { nodes: [...nodes].sort((a, b) => a.order - b.order), leaves };
}

interface Pass {
  readonly retainGraph: boolean;
  readonly createGraph: boolean;
  readonly trainMode: boolean;
  /** Whether no leaf needs to lead to the heads. */
  readonly lenient: boolean;
}

/** The gradient of a leaf, null for zero, and whether nobody else refers to it. */
type Result = readonly [gradient: Tensor | null, exclusive: boolean];

/**
 * Runs a pass.
 *
 * @param heads What to differentiate.
 * @param wanted Which leaves matter; at least one must lead to the heads unless `pass.lenient`.
 * @param pass How to run.
 * @param finish Takes the gradients; what it returns survives the pass.
 * @returns What `finish` returns.
 */
function run<T>(
  heads: readonly Head[],
  wanted: (leaf: Variable) => boolean,
  pass: Pass,
  finish: (resultOf: (leaf: Variable) => Result, targets: readonly Variable[]) => T,
): T {
  const { nodes, leaves } = reach(heads);
  const targets = [...leaves].filter(wanted);
  const needed = new Set<Entry>(targets);
  for (const node of nodes) {
    if (!node.parents.some((parent) => parent !== null && needed.has(parent))) continue;
    if (node.rule.backward === undefined) throw noGradientError(node.rule.name);
    needed.add(node);
  }
  if (targets.length === 0 && !pass.lenient) {
    throw new AutogradError(
      `Cannot run backward: no leaf that wants a gradient leads to ` +
        `${
          heads.length === 1 ? "the head" : "the heads"
        }; call attachGrad() with "write" or "add" ` +
        `before autograd.record()`,
    );
  }
  const sums = new Sums();
  const compute = (): T => {
    for (const { tensor: { shape, dtype, device }, entry, gradient } of heads) {
      if (!needed.has(entry)) continue;
      if (gradient !== null) sums.pin(gradient);
      sums.add(entry, gradient ?? ones(shape, { dtype, device, label: "head gradient" }));
    }
    for (const node of nodes.reverse()) {
      const head = sums.take(node);
      if (head !== undefined) {
        node.notify(head);
        spread(node, head, needed, sums, pass.createGraph);
        sums.drop(head);
      }
      if (!pass.retainGraph) node.free();
    }
    return finish((leaf) => {
      const gradient = sums.take(leaf) ?? null;
      return [gradient, gradient !== null && sums.isExclusive(gradient)];
    }, targets);
  };
  // A freed node gives up its parents, which are still to come.
  for (const node of nodes) node.retain();
  try {
    const flags = { recording: pass.createGraph, training: pass.trainMode };
    return withFlags(flags, () => scope(compute));
  } finally {
    for (const node of nodes) {
      if (!pass.retainGraph) node.free();
      node.release();
    }
  }
}

/** Adds what one call passes on to the gradients of its inputs. */
function spread(
  node: Node,
  head: Tensor,
  needed: ReadonlySet<Entry>,
  sums: Sums,
  linked: boolean,
): void {
  const parents = [...node.parents];
  const needs = parents.map((parent) => parent !== null && needed.has(parent));
  const gradients = scope(() => node.differentiate(head, needs, linked));
  parents.forEach((parent, at) => {
    const gradient = gradients[at] ?? null;
    if (parent === null || !needs[at] || gradient === null) return;
    if (!sameShape(gradient.shape, parent.shape) || gradient.dtype !== parent.dtype) {
      throw new AutogradError(
        `Cannot run backward through ${node.rule.name}: its gradient of input ${at} is ` +
          `${gradient.dtype} ${formatShape(gradient.shape)}, expected ` +
          `${parent.dtype} ${formatShape(parent.shape)}`,
      );
    }
    sums.add(parent, gradient);
  });
}

/**
 * Computes the gradients of all leaves from which heads were computed, into their
 * {@linkcode Tensor.grad}. With several heads, the gradients of all of them are summed.
 *
 * @param heads What to differentiate; recorded, of any shape.
 * @param headGradients The gradient of each head; ones where absent or null.
 * @param options Whether to keep the graph, and whether layers behave as in training.
 * @throws {AutogradError} If a head was not recorded, its graph was freed, no leaf that wants a gradient
 *   leads to it, or an operator on the way has no gradient.
 * @throws {ShapeError} If a head gradient does not fit its head.
 * @throws {TypeError} If an argument has a wrong type.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { autograd, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1, 2]);
 * x.attachGrad();
 * const [y, z] = autograd.record(() => [x.mul(2), x.mul(x)]);
 * autograd.backward([y!, z!], [null, tensor([1, 10])]);
 * assertEquals([...await x.grad!.data()], [4, 42]);
 * ```
 */
export function backward(
  heads: Tensor | readonly Tensor[],
  headGradients?: Tensor | readonly (Tensor | null)[] | null,
  options?: BackwardOptions,
): void {
  const { retainGraph, trainMode } = readOptions("run backward", options, {
    retainGraph: boolean(false),
    trainMode: boolean(true),
  });
  run(
    checkHeads(heads, headGradients),
    (leaf) => leaf.gradReq !== "null",
    { retainGraph, trainMode, createGraph: false, lenient: false },
    (resultOf, leaves) => {
      for (const leaf of leaves) {
        const [gradient, exclusive] = resultOf(leaf);
        if (gradient === null) leaf.write(zerosLike(leaf), true);
        else leaf.write(gradient, exclusive);
      }
    },
  );
}

function zerosLike({ shape, dtype, device }: Variable): Tensor {
  return zeros(shape, { dtype, device, label: "gradient" });
}

/** Options of {@linkcode grad}. */
export interface GradOptions extends BackwardOptions {
  /** The gradient of each head; ones where absent or null. */
  readonly headGradients?: Tensor | readonly (Tensor | null)[] | null;
  /** Record the pass itself, so that its results can be differentiated again; false by default. */
  readonly createGraph?: boolean;
}

/**
 * Computes gradients and returns them; does not touch {@linkcode Tensor.grad}.
 *
 * @param heads What to differentiate; recorded, of any shape.
 * @param variables With respect to what: leaves, made by {@linkcode Tensor.attachGrad}.
 * @param options Head gradients, whether to keep the graph (by default if it is differentiated again),
 *   whether to record the pass itself, whether layers behave as in training.
 * @returns One gradient, or one for each variable if they came in an array; zeros where a variable does
 *   not lead to the heads. They belong to the caller.
 * @throws {AutogradError} If a head was not recorded, its graph was freed, a variable is no leaf, or an
 *   operator on the way has no gradient.
 * @throws {ShapeError} If a head gradient does not fit its head.
 * @throws {TypeError} If an argument has a wrong type.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { autograd, tensor } from "@vknn/vknn";
 *
 * using x = tensor([2]);
 * x.attachGrad();
 * const second = autograd.record(() => {
 *   const first = autograd.grad(x.mul(x).mul(x), x, { createGraph: true }); // 3 x^2
 *   return autograd.grad(first, x); // 6 x
 * });
 * assertEquals(await second.item(), 12);
 * second.dispose();
 * ```
 */
export function grad(
  heads: Tensor | readonly Tensor[],
  variables: Tensor,
  options?: GradOptions,
): Tensor;
/**
 * Computes the gradients of several variables and returns them.
 *
 * @param heads What to differentiate; recorded, of any shape.
 * @param variables With respect to what: leaves, made by {@linkcode Tensor.attachGrad}.
 * @param options As above.
 * @returns One gradient for each variable; they belong to the caller.
 * @throws {AutogradError} If gradients cannot be computed.
 */
export function grad(
  heads: Tensor | readonly Tensor[],
  variables: readonly Tensor[],
  options?: GradOptions,
): Tensor[];
export function grad(
  heads: Tensor | readonly Tensor[],
  variables: Tensor | readonly Tensor[],
  options?: GradOptions,
): Tensor | Tensor[] {
  const where = "compute gradients";
  const read = readOptions(where, options, {
    headGradients: (_where, _name, value) => value as GradOptions["headGradients"],
    createGraph: boolean(false),
    retainGraph: optional(boolean(false)),
    trainMode: boolean(true),
  });
  const tensors = (Array.isArray(variables) ? variables : [variables]) as readonly Tensor[];
  const leaves = tensors.map((tensor: unknown, at) => {
    if (!(tensor instanceof Tensor)) {
      throw new TypeError(
        `Cannot ${where}: variables[${at}] is ${describe(tensor)}, expected a Tensor`,
      );
    }
    const leaf = variableOf(tensor);
    if (leaf !== undefined) return leaf;
    throw new AutogradError(
      `Cannot ${where}: variables[${at}] of shape ${formatShape(tensor.shape)} is no leaf; ` +
        `call attachGrad() on it before autograd.record()`,
    );
  });
  const { createGraph, trainMode, retainGraph = createGraph } = read;
  const wanted = new Set(leaves);
  const results = run(
    checkHeads(heads, read.headGradients),
    (leaf) => wanted.has(leaf),
    { retainGraph, trainMode, createGraph, lenient: true },
    (resultOf) => {
      const found = new Map<Variable, Tensor>();
      return leaves.map((leaf) => {
        // A variable that is named twice gets two tensors.
        const before = found.get(leaf);
        if (before !== undefined) return before.mul(1);
        const [gradient, exclusive] = resultOf(leaf);
        const own = gradient === null ? zerosLike(leaf) : exclusive ? gradient : gradient.mul(1);
        found.set(leaf, own);
        return own;
      });
    },
  );
  return Array.isArray(variables) ? results : results[0]!;
}
