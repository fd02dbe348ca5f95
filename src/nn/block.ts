// The base of all layers and models: a tree of blocks that owns parameters. Knows no layer.
// After apache/mxnet python/mxnet/gluon/block.py; children are held strongly.

import { type DType, DTYPES } from "../core/dtype.ts";
import { checkEnum } from "../core/options.ts";
import { describe } from "../core/shape.ts";
import { scope } from "../tensor/mod.ts";
import { HookHandle, type OpHook } from "./hooks.ts";
import { warn } from "./messages.ts";
import { BlockHooks } from "./block_hooks.ts";
import type { HybridizeFlags } from "./block_options.ts";
import { Parameter } from "./parameter.ts";
import type { AttributeListener } from "./registrar.ts";
import { checkShared } from "./share.ts";
import { startPattern } from "./select.ts";
import { type Callable, prepareBlock, type PrepareOptions } from "./prepare.ts";
import { leavesOf } from "./structure.ts";
import { summarize, type Summary } from "./summary.ts";
import { formatBlock, printAsText } from "./text.ts";

/**
 * Base class of all layers and models.
 *
 * Assigning a block or a parameter to an attribute registers it, whether as a class field, in the
 * constructor or later; private `#fields` and blocks inside arrays cannot be seen, so register those
 * with {@linkcode registerChild}. A registered attribute takes only values of the class it has.
 *
 * Derived classes implement `forward`; users call {@linkcode call}, which also runs the hooks and frees
 * every tensor made inside except those returned. What a hook wants to keep it must `keep()`.
 *
 * @example
 * ```ts
 * import { Block, Conv2D, type Tensor } from "@vknn/vknn";
 * import { assertEquals } from "@std/assert";
 *
 * class Twice extends Block {
 *   readonly conv = new Conv2D(3, 3, { padding: 1 });
 *   override forward(x: Tensor): Tensor {
 *     return this.conv.call(this.conv.call(x));
 *   }
 * }
 * assertEquals([...new Twice().collectParams().keys()], ["conv.weight", "conv.bias"]);
 * ```
 */
export abstract class Block extends BlockHooks {
  static readonly #listener: AttributeListener = {
    define: (self, name, value, previous) => (self as Block).#define(name, value, previous),
    remove: (self, name) => (self as Block).#remove(name),
  };

  readonly #children = new Map<string, Block>();
  readonly #params = new Map<string, Parameter>();
  /** Names of the children that are attributes, for printing. */
  readonly #attributes = new Set<string>();

  /** Makes a block without children or parameters. */
  constructor() {
    super(Block.#listener);
  }

  /**
   * Computes the output. Call blocks with {@linkcode call}, not with this.
   *
   * @param inputs Tensors, nested arrays of tensors, or anything else; as the derived class declares.
   * @returns A tensor, or arrays, objects or maps of tensors.
   */
  abstract forward(...inputs: unknown[]): unknown;

  /**
   * Runs the block: hooks, `forward`, hooks. Tensors made on the way and not returned are freed.
   *
   * @param inputs The inputs of `forward`.
   * @returns The output of `forward`.
   * @throws {ShapeError} If inputs do not fit; see each layer.
   */
  call(...inputs: Parameters<this["forward"]>): ReturnType<this["forward"]> {
    return scope(() => this.withHooks(inputs, () => this.compute(inputs))) as ReturnType<
      this["forward"]
    >;
  }

  /**
   * What {@linkcode call} does between the hooks.
   *
   * @param inputs The inputs.
   * @returns The output.
   */
  protected compute(inputs: readonly unknown[]): unknown {
    return this.forward(...inputs);
  }

  /**
   * Gets ready what the first call would wait for: compiles kernels beside the event loop, packs weights. Runs
   * `forward` on zeros, as in prediction and not recorded; hooks are called too.
   *
   * @param shapes The shape of each input.
   * @param options Device, dtype, and a function that hears of the progress.
   * @returns Resolves when all is ready.
   * @throws {TypeError} If the shapes are no list of shapes, or an option is unknown.
   * @throws {ShapeError} If inputs of these shapes do not fit; see each layer.
   *
   * @example
   * ```ts
   * import { Conv2D } from "@vknn/vknn";
   *
   * const conv = new Conv2D(4, 3);
   * conv.initialize();
   * let left = -1;
   * await conv.prepare([[1, 3, 8, 8]], { onProgress: ({ done, total }) => left = total - done });
   * if (left !== 0) throw new Error("all kernels are there");
   * conv.dispose();
   * ```
   */
  prepare(shapes: readonly (readonly number[])[], options: PrepareOptions = {}): Promise<void> {
    return prepareBlock(this as unknown as Callable, shapes, options);
  }

  /** The children by name, in the order of their registration. */
  get children(): ReadonlyMap<string, Block> {
    return this.#children;
  }

  /** This block's own parameters by attribute name, without those of its children. */
  get params(): ReadonlyMap<string, Parameter> {
    return this.#params;
  }

  /**
   * Registers a child that is not an attribute.
   *
   * @param block The child.
   * @param name Its name; by default the number of children so far.
   * @throws {TypeError} If it is not a block, or the name is not a string.
   * @throws {RangeError} If the child is this block or contains it.
   */
  registerChild(block: Block, name: string = String(this.#children.size)): void {
    const where = `register a child of ${this.constructor.name}`;
    if (!(block instanceof Block)) {
      throw new TypeError(`Cannot ${where}: found ${describe(block)}, expected a Block`);
    }
    if (typeof name !== "string" || name === "") {
      throw new TypeError(
        `Cannot ${where}: name is ${describe(name)}, expected a non-empty string`,
      );
    }
    if (block.#contains(this)) {
      throw new RangeError(`Cannot ${where}: child '${name}' contains the block itself`);
    }
    this.#children.set(name, block);
    this.adopt(block);
    this.changed();
  }

  /**
   * Collects this block's parameters and those of all descendants: own first, then child by child.
   *
   * @param select A pattern that the start of the dotted name must match (`.` matches any character);
   *   all parameters if absent.
   * @returns The parameters by dotted name such as `features.0.weight`. A shared parameter appears
   *   under every name.
   * @throws {FormatError} If the pattern is no regular expression.
   * @throws {TypeError} If it is neither a string nor a regular expression.
   *
   * @example
   * ```ts
   * import { Conv2D, HybridSequential } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * const net = new HybridSequential().add(new Conv2D(4, 3), new Conv2D(4, 3, { useBias: false }));
   * assertEquals([...net.collectParams().keys()], ["0.weight", "0.bias", "1.weight"]);
   * assertEquals([...net.collectParams(".*weight").keys()], ["0.weight", "1.weight"]);
   * ```
   */
  override collectParams(select?: string | RegExp): Map<string, Parameter> {
    const pattern = select === undefined ? undefined : startPattern(select);
    this.#warnOfContainers();
    const all = new Map<string, Parameter>();
    this.#collect("", all);
    if (pattern === undefined) return all;
    return new Map([...all].filter(([name]) => pattern.test(name)));
  }

  /**
   * Calls a function with every descendant, children before parents, and with this block last.
   *
   * @param fn The function.
   * @returns This block.
   * @throws {TypeError} If it is no function.
   */
  apply(fn: (block: Block) => void): this {
    if (typeof fn !== "function") {
      throw new TypeError(
        `Cannot apply a function to ${this.constructor.name}: found ${describe(fn)}, ` +
          `expected a function`,
      );
    }
    for (const child of this.#children.values()) child.apply(fn);
    fn(this);
    return this;
  }

  /**
   * Converts all parameters with their gradients, those of children first. Inputs must then have this dtype.
   *
   * @param dtype The element type: `float16` halves the memory, and arithmetic stays float32.
   * @throws {RangeError} If there is no such dtype.
   */
  cast(dtype: DType): void {
    checkEnum(`cast ${this.constructor.name}`, "dtype", dtype, DTYPES);
    for (const child of this.#children.values()) child.cast(dtype);
    for (const parameter of this.#params.values()) parameter.cast(dtype);
    this.changed();
  }

  /**
   * Activates or deactivates every hybrid block below this one.
   *
   * @param active Whether to activate.
   * @param flags How to run; see {@linkcode HybridBlock.hybridize}.
   */
  hybridize(active: boolean = true, flags: HybridizeFlags = {}): void {
    for (const child of this.#children.values()) child.hybridize(active, flags);
  }

  /**
   * Runs the block once and describes every call of a block in it: output shape, parameters,
   * multiply-adds and bytes. As a string it is the table that MXNet prints.
   *
   * @param inputs The inputs of `forward`.
   * @returns Rows and totals; print it with `console.log`.
   * @throws {StateError} If a block is hybridized, or parameters are not initialized.
   * @throws {ShapeError} If inputs do not fit; see each layer.
   *
   * @example
   * ```ts
   * import { Conv2D, zeros } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * using conv = new Conv2D(8, 3, { useBias: false });
   * conv.initialize();
   * using x = zeros([1, 3, 12, 12]);
   * const { rows } = conv.summary(x);
   * console.log(`${conv.summary(x)}`); // 80 columns, as MXNet prints it
   * assertEquals(rows.map(({ name }) => name), ["Input", "Conv2D-1"]);
   * assertEquals([rows[1]!.parameters, rows[1]!.macs], [8 * 3 * 9, 8 * 3 * 9 * 10 * 10]);
   * ```
   */
  summary(...inputs: Parameters<this["forward"]>): Summary {
    return summarize(this, inputs);
  }

  /** Whether {@linkcode summary} gives the block rows of its own; containers have none. */
  get listedInSummary(): boolean {
    return true;
  }

  /**
   * Adds a function that sees the result of every operator, and with `monitorAll` also its inputs, of the
   * hybrid blocks among the children once they run as graphs.
   *
   * @param hook Called with the name of the value, that of the operator, and the value.
   * @param monitorAll Whether to show inputs too.
   * @returns A handle that removes it.
   */
  registerOpHook(hook: OpHook, monitorAll: boolean = false): HookHandle {
    const handles = Array.from(
      this.#children.values(),
      (child) => child.registerOpHook(hook, monitorAll),
    );
    return new HookHandle(() => handles.forEach((handle) => handle.detach()));
  }

  /**
   * Replaces parameters by those of another block, so that both use the same objects.
   *
   * @param shared Parameters by dotted name relative to this block; null does nothing. Names that this
   *   block does not have are reported as warnings.
   * @returns This block.
   * @throws {TypeError} If it is not a map or object of parameters, or a class differs.
   * @throws {ShapeError} If known shapes differ.
   */
  shareParameters(
    shared: ReadonlyMap<string, Parameter> | Readonly<Record<string, Parameter>> | null,
  ): this {
    if (shared === null) return this;
    const entries = checkShared(this.constructor.name, this.collectParams(), shared);
    this.#share("", entries);
    return this;
  }

  /**
   * The tree of blocks in Gluon's form.
   *
   * @returns One line, or one for every descendant.
   */
  override toString(): string {
    const attributes = [...this.#children].filter(([name]) => this.#attributes.has(name));
    return formatBlock(this.constructor.name, attributes);
  }

  #define(name: string, value: unknown, previous: unknown): void {
    if (previous instanceof Block || previous instanceof Parameter) {
      if (!(value instanceof previous.constructor)) {
        throw new TypeError(
          `Cannot change attribute '${name}' of ${this.constructor.name} from ` +
            `${previous.constructor.name} to ${
              describe(value)
            }: expected a value of the same class`,
        );
      }
    }
    const isBlock = value instanceof Block;
    if (!isBlock && !(value instanceof Parameter)) return;
    if (name in Object.getPrototypeOf(this)) {
      throw new TypeError(
        `Cannot register attribute '${name}' of ${this.constructor.name}: ` +
          `the class has a member of that name, expected another name`,
      );
    }
    if (isBlock) {
      this.registerChild(value, name);
      this.#attributes.add(name);
    } else {
      this.#params.set(name, value);
      this.changed();
    }
  }

  #remove(name: string): void {
    if (this.#attributes.delete(name)) this.#children.delete(name);
    this.#params.delete(name);
    this.changed();
  }

  #contains(other: Block): boolean {
    return this === other || [...this.#children.values()].some((child) => child.#contains(other));
  }

  #collect(prefix: string, into: Map<string, Parameter>): void {
    for (const [name, parameter] of this.#params) into.set(prefix + name, parameter);
    for (const [name, child] of this.#children) child.#collect(`${prefix}${name}.`, into);
  }

  #share(prefix: string, shared: ReadonlyMap<string, Parameter>): void {
    for (const name of this.#params.keys()) {
      const parameter = shared.get(prefix + name);
      if (parameter !== undefined) Object.assign(this, { [name]: parameter });
    }
    for (const [name, child] of this.#children) child.#share(`${prefix}${name}.`, shared);
  }

  #warnOfContainers(): void {
    const registered = new Set(this.#children.values());
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Block) continue;
      if (leavesOf(value).every((leaf) => !(leaf instanceof Block) || registered.has(leaf))) {
        continue;
      }
      warn(
        `${this.constructor.name}.${name} holds blocks that are not registered, so their parameters ` +
          `are not found; use registerChild() or put them into a Sequential`,
      );
    }
    for (const child of registered) child.#warnOfContainers();
  }
}

printAsText(Block.prototype);
