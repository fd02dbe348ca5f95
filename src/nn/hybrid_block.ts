// Blocks whose forward may be captured once and replayed. Knows no layer.
// After apache/mxnet python/mxnet/gluon/block.py, class HybridBlock.

import type { DType } from "../core/dtype.ts";
import { DeviceError, ShapeError, StateError } from "../core/errors.ts";
import { checkBoolean } from "../core/options.ts";
import { describe } from "../core/shape.ts";
import { scope, Tensor } from "../tensor/mod.ts";
import { isTracing } from "../ops/tracer.ts";
import { Block } from "./block.ts";
import {
  checkHybridizeFlags,
  checkOptimize,
  type HybridizeFlags,
  type OptimizeOptions,
} from "./block_options.ts";
import { CachedGraph, type OpMonitor } from "./cached_graph.ts";
import { exportBlock, type ExportedBlock } from "./graph_export.ts";
import { HookHandle, HookList, type OpHook } from "./hooks.ts";
import { warn } from "./messages.ts";
import { leavesOf } from "./structure.ts";

/**
 * A block whose `forward` consists of operators on tensors only, so that it can run as one captured
 * piece after {@linkcode hybridize}. Its children must be hybrid blocks too.
 *
 * The first call infers the shapes of the block's own parameters with {@linkcode inferShape} and makes
 * the values that `initialize` put off.
 *
 * @example
 * ```ts
 * import { add, Conv2D, HybridBlock, type Tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * class Residual extends HybridBlock {
 *   readonly body = new Conv2D(8, 3, { padding: 1, activation: "relu" });
 *   override forward(x: Tensor): Tensor {
 *     return add(x, this.body.call(x));
 *   }
 * }
 * const block = new Residual();
 * assertEquals(
 *   `${block}`,
 *   "Residual(\n  (body): Conv2D(-1 -> 8, kernel_size=(3, 3), stride=(1, 1), " +
 *     "padding=(1, 1), Activation(relu))\n)",
 * );
 * ```
 */
export abstract class HybridBlock extends Block {
  #active = false;
  #flags: HybridizeFlags = {};
  readonly #monitors = new HookList<OpMonitor>();
  readonly #cache = new CachedGraph({
    block: this,
    name: this.constructor.name,
    parameters: () => this.collectParams(),
    forward: (inputs) => this.forward(...inputs),
    staticAlloc: () => this.#flags.staticAlloc ?? false,
    staticShape: () => this.#flags.staticShape ?? false,
  });

  /** True after {@linkcode hybridize}. */
  get active(): boolean {
    return this.#active;
  }

  /** The flags of the last {@linkcode hybridize}. */
  get flags(): HybridizeFlags {
    return this.#flags;
  }

  /**
   * Activates or deactivates this block and its descendants. The first call of an active block traces its
   * `forward` into a graph: without values, so that `forward` must consist of operators. Later calls run
   * the graph, with the same bits as before unless `staticAlloc` fuses calls; what `forward` decided by other values than shapes, and
   * `autograd.isTraining()`, is decided for good. It is traced anew for other shapes, dtypes, devices and
   * modes, and when children or parameters are replaced.
   *
   * @param active Whether to activate; true by default.
   * @param flags How to run.
   * @throws {TypeError} If a flag is unknown or has a wrong type.
   */
  override hybridize(active: boolean = true, flags: HybridizeFlags = {}): void {
    const where = `hybridize ${this.constructor.name}`;
    checkBoolean(where, "active", active);
    checkHybridizeFlags(where, flags);
    if (active && this.hasHooks) {
      warn(
        `${this.constructor.name} has forward hooks: once it runs captured, its own hooks are still ` +
          `called, those of blocks inside it are not`,
      );
    }
    this.#active = active;
    this.#flags = { ...flags };
    this.changed();
    super.hybridize(active, flags);
  }

  /**
   * Converts all parameters with their gradients, those of children first, and deactivates the block.
   *
   * @param dtype The element type.
   * @throws {RangeError} If there is no such dtype.
   *
   * @example
   * ```ts
   * import { Conv2D, zeros } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * const conv = new Conv2D(4, 3);
   * conv.initialize();
   * conv.cast("float16");
   * using x = zeros([1, 3, 8, 8], { dtype: "float16" });
   * using y = conv.call(x);
   * assertEquals(y.dtype, "float16");
   * conv.dispose();
   * ```
   */
  override cast(dtype: DType): void {
    super.cast(dtype);
    if (!this.#active) return;
    warn(
      `${this.constructor.name} was hybridized and is no longer, as it was cast to ${dtype}; ` +
        `call hybridize() again`,
    );
    this.#active = false;
  }

  /**
   * Runs the block; the first time, shapes are inferred and values made that `initialize` put off.
   *
   * @param inputs The inputs of `forward`, at least one tensor among them.
   * @returns The output of `forward`.
   * @throws {TypeError} If there is no tensor among the inputs.
   * @throws {ShapeError} If inputs do not fit; see each layer.
   * @throws {StateError} If parameters are not initialized.
   */
  override call(...inputs: Parameters<this["forward"]>): ReturnType<this["forward"]> {
    this.#prepare(inputs);
    return super.call(...inputs);
  }

  /** Runs the graph of an active block; inside of another block's trace, `forward` is part of that. */
  protected override compute(inputs: readonly unknown[]): unknown {
    if (!this.#active || isTracing()) return super.compute(inputs);
    return this.#cache.run(inputs, this.#monitors.list());
  }

  /** Frees the values of all parameters, and what the graphs hold. */
  override dispose(): void {
    super.dispose();
    this.#clear();
    this.changed();
  }

  /** Frees what the graphs of this block and of those inside hold. */
  #clear(): void {
    this.#cache.clear();
    for (const child of this.children.values()) if (child instanceof HybridBlock) child.#clear();
  }

  /** Forgets the graphs of this block and of those around it. */
  protected override changed(): void {
    this.#cache.clear();
    super.changed();
  }

  /**
   * Adds a function that sees the result of every operator, and with `monitorAll` also its inputs, once
   * this block or a direct child runs as a graph. Fused operators are then taken apart.
   *
   * @param hook Called with the name of the value such as `node_3_output` or `node_3_weight`, the name of
   *   the operator, and the value, which is freed afterwards.
   * @param monitorAll Whether to show inputs too.
   * @returns A handle that removes it.
   *
   * @example
   * ```ts
   * import { MaxPool1D, tensor } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * const pool = new MaxPool1D(2);
   * pool.hybridize();
   * const seen: string[] = [];
   * using handle = pool.registerOpHook((_tensorName, opName) => seen.push(opName));
   * using x = tensor([1, 2, 3, 4], [1, 1, 4]);
   * using y = pool.call(x);
   * assertEquals(seen, ["Pooling"]);
   * ```
   */
  override registerOpHook(hook: OpHook, monitorAll: boolean = false): HookHandle {
    const where = `register an operator hook of ${this.constructor.name}`;
    if (typeof hook !== "function") {
      throw new TypeError(`Cannot ${where}: hook is ${describe(hook)}, expected a function`);
    }
    const monitor = { hook, monitorAll: checkBoolean(where, "monitorAll", monitorAll) };
    const handles = [this.#monitors.add(monitor)];
    for (const child of this.children.values()) {
      if (child instanceof HybridBlock) handles.push(child.#monitors.add(monitor));
    }
    return new HookHandle(() => handles.forEach((handle) => handle.detach()));
  }

  /**
   * Writes the graph that the block ran last and its parameters as MXNet does: `<path>-symbol.json` and
   * `<path>-0000.params`. MXNet 2 and {@linkcode SymbolBlock.imports} load them; MXNet 1.x loads the graph.
   *
   * @param path Start of the names of both files; null writes nothing.
   * @param epoch The number in the name of the second file; 0 by default.
   * @returns The names of both files, the second null if there are no parameters; for null the graph and
   *   the parameters.
   * @throws {StateError} If the block has not run since {@linkcode hybridize}.
   * @throws {RangeError} If it uses what MXNet does not have.
   *
   * @example
   * ```ts
   * import { Conv2D, tensor } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * using conv = new Conv2D(1, 1, { activation: "relu" });
   * conv.initialize("ones");
   * conv.hybridize();
   * using x = tensor([1, -2], [1, 1, 1, 2]);
   * conv.call(x).dispose();
   * const { graph, params } = await conv.export(null);
   * assertEquals(graph.nodes.map(({ op }) => op), [
   *   "null", "null", "null", "Convolution", "Activation",
   * ]);
   * assertEquals([...params.keys()], ["arg:weight", "arg:bias"]);
   * ```
   */
  export(path: null, epoch?: number): Promise<ExportedBlock>;
  /** Writes both files; see above. */
  export(path: string, epoch?: number): Promise<readonly [string, string | null]>;
  export(
    path: string | null,
    epoch: number = 0,
  ): Promise<readonly [string, string | null] | ExportedBlock> {
    return exportBlock(this.constructor.name, this.#cache, path, epoch);
  }

  /**
   * Traces the block and finishes what {@linkcode initialize} put off, without running anything.
   *
   * @param inputs Arguments of `forward`.
   * @param options Flags as for {@linkcode hybridize}, which is called if the block is not active.
   * @throws {RangeError} If a backend is named: there is none.
   * @throws {TypeError} If an option is unknown, or there is no tensor among the inputs.
   *
   * @example
   * ```ts
   * import { Dense, zeros } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * using dense = new Dense(4);
   * dense.initialize();
   * using x = zeros([2, 3]);
   * dense.optimizeFor([x]);
   * assertEquals(dense.weight.shape, [4, 3]);
   * ```
   */
  optimizeFor(inputs: Parameters<this["forward"]>, options: OptimizeOptions = {}): void {
    const { clear, flags } = checkOptimize(`optimize ${this.constructor.name}`, inputs, options);
    if (clear || !this.#active) this.hybridize(true, flags);
    this.#prepare(inputs);
    scope(() => void this.#cache.prepare(inputs));
  }

  /**
   * Gives the floating-point parameters the dtypes that follow from those of inputs, operator by operator: a
   * weight takes the dtype of the data that it meets, behind a cast that of the cast; what `BatchNorm` wants
   * in float32 stays so. Parameters that `forward` does not use stay as they are.
   *
   * @param inputs Arguments of `forward`.
   * @throws {TypeError} If an operator cannot take the dtype that it would get.
   *
   * @example
   * ```ts
   * import { Dense, zeros } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * using dense = new Dense(4);
   * dense.initialize();
   * using x = zeros([2, 3], { dtype: "float16" });
   * dense.inferType(x);
   * assertEquals(dense.weight.dtype, "float16");
   * ```
   */
  inferType(...inputs: Parameters<this["forward"]>): void {
    this.#prepare(inputs);
    const dtypes = scope(() => this.#cache.inferTypes(inputs));
    for (const [parameter, dtype] of dtypes) parameter.cast(dtype);
    this.changed();
  }

  /**
   * Registers a child that is not an attribute.
   *
   * @param block The child, a hybrid block.
   * @param name Its name; by default the number of children so far.
   * @throws {TypeError} If it is not a hybrid block.
   */
  override registerChild(block: Block, name?: string): void {
    if (block instanceof Block && !(block instanceof HybridBlock)) {
      throw new TypeError(
        `Cannot register a child of ${this.constructor.name}: ${block.constructor.name} is a Block, ` +
          `expected a HybridBlock; if you use Sequential, take HybridSequential`,
      );
    }
    super.registerChild(block, name);
    if (this.#active) {
      warn(
        `${this.constructor.name} was hybridized and is no longer, as a child was added; ` +
          `call hybridize() again`,
      );
      this.#active = false;
    }
  }

  /**
   * Infers the shapes of the block's own parameters from inputs and sets them. Layers with parameters
   * of unknown shape override it.
   *
   * @param inputs The inputs of `forward`.
   * @throws {ShapeError} If a shape is unknown and the class does not override this.
   */
  inferShape(...inputs: unknown[]): void {
    const unknown = [...this.params].filter(([, parameter]) => !parameter.shapeKnown);
    if (unknown.length === 0) return;
    throw new ShapeError(
      `Cannot infer shapes of ${this.constructor.name} from ${inputs.length} inputs: ` +
        unknown.map(([name, parameter]) => `${name} is ${parameter}`).join(", ") +
        `; give full shapes or override inferShape`,
    );
  }

  #inferOwnShape(inputs: readonly unknown[]): void {
    try {
      this.inferShape(...inputs);
    } catch (error) {
      if (!this.#active || !(error instanceof ShapeError)) throw error;
      throw new ShapeError(
        `Deferred initialization failed because a shape of ${this.constructor.name} cannot be ` +
          `inferred. ${error.message}`,
        { cause: error },
      );
    }
  }

  #prepare(inputs: readonly unknown[]): void {
    const only = inputs.length === 1 ? inputs[0] : undefined;
    const first = only instanceof Tensor ? only : tensorsOf(inputs)[0];
    if (first === undefined) {
      throw new TypeError(
        `Cannot call ${this.constructor.name}: inputs are ${
          describe(inputs)
        }, expected at least one Tensor`,
      );
    }
    if (this.#active) {
      if (tensorsOf(inputs).some((tensor) => tensor.device !== first.device)) {
        throw new DeviceError(
          `Cannot call ${this.constructor.name}: inputs live on several devices, expected one for all`,
        );
      }
      if (this.#flags.staticShape && !this.#flags.staticAlloc) {
        throw new StateError(
          `Cannot call ${this.constructor.name}: it was hybridized with staticShape but without staticAlloc, ` +
            `expected both or neither`,
        );
      }
    }
    for (const parameter of this.params.values()) {
      if (!parameter.deferred && parameter.shapeKnown) continue;
      scope(() => this.#inferOwnShape(inputs));
      for (const own of this.params.values()) own.finishDeferredInit(first.device);
      break;
    }
  }
}

function tensorsOf(inputs: readonly unknown[]): Tensor[] {
  return leavesOf(inputs).filter((leaf) => leaf instanceof Tensor);
}
