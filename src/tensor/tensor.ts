// Tensor: shape, dtype and a reference to device memory. Knows no gradients and no operators; methods.ts
// has those that go through tables.

import { type DType, type HostArray, viewAs } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { format, type FormatOptions } from "../core/format.ts";
import { describe, elementCount, formatShape } from "../core/shape.ts";
import type { Device } from "../device/device.ts";
import { assignData, assignTensor } from "./assign.ts";
import type { TensorData } from "./host_data.ts";
import { checkWrite, noteDisposed } from "./gradients.ts";
import { TensorMethods } from "./methods.ts";
import { enterScope, forgetMember } from "./scope_stack.ts";
import { disposedError, type NestedList, nestedList, summarize } from "./text.ts";
import { fixedShape } from "./fixed_shape.ts";
import { reclaimForgotten, Storage, unwatchOwner, watchOwner } from "./storage.ts";

const DENO_INSPECT: unique symbol = Symbol.for("Deno.customInspect");
const NODE_INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/**
 * An array of numbers in the memory of a device.
 *
 * Tensors are made by {@linkcode tensor}, {@linkcode zeros} and so on, and by operators, which
 * enqueue work and return at once; only {@linkcode Tensor.data} and what builds on it wait. Elements
 * lie in row-major order without gaps. A tensor belongs to whoever received it: `dispose()` frees it
 * at once, `using` and `scope()` do so at their end, and a forgotten one is reclaimed some time later.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { tensor } from "@vknn/vknn";
 *
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * const y = x.mul(2).add(1);
 * assert(y.shape.join() === "2,3" && y.dtype === "float32");
 * assert((await y.data()).join() === "3,5,7,9,11,13");
 * x.dispose();
 * y.dispose();
 * ```
 */
export class Tensor extends TensorMethods {
  readonly #storage: Storage;
  readonly #shape: readonly number[];
  readonly #dtype: DType;
  readonly #size: number;
  readonly #label: string;
  #disposed = false;

  /**
   * Takes over one reference to a storage. Not for users, who call {@linkcode tensor}.
   *
   * @param storage The memory; its reference now belongs to the tensor.
   * @param shape Sizes along every axis.
   * @param dtype Element type.
   * @param label Named in errors.
   * @param size Number of elements, where it is known already.
   * @throws {TypeError} If called without a storage.
   * @ignore
   */
  constructor(
    storage: Storage,
    shape: readonly number[],
    dtype: DType,
    label: string = "",
    size?: number,
  ) {
    super();
    if (!(storage instanceof Storage)) {
      throw new TypeError(
        `Cannot construct Tensor: found ${describe(storage)}, call tensor(data), zeros(shape), … ` +
          `instead of new Tensor`,
      );
    }
    this.#storage = storage;
    this.#shape = fixedShape(shape);
    this.#dtype = dtype;
    this.#size = size ?? elementCount(shape);
    this.#label = label;
    watchOwner(this, storage);
    enterScope(this);
  }

  /** Sizes along every axis, outermost first; frozen. */
  get shape(): readonly number[] {
    return this.#shape;
  }

  /** Element type. */
  get dtype(): DType {
    return this.#dtype;
  }

  /** Number of elements. */
  get size(): number {
    return this.#size;
  }

  /** Number of axes. */
  get rank(): number {
    return this.#shape.length;
  }

  /** The device that holds the elements. */
  get device(): Device {
    return this.#storage.device;
  }

  /** The name given at creation or by the operator; empty if there is none. */
  get label(): string {
    return this.#label;
  }

  /** True after {@linkcode Tensor.dispose}. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * The memory behind the tensor; for operators and layers.
   *
   * @throws {DisposedError} If the tensor was disposed.
   * @ignore
   */
  get storage(): Storage {
    this.#check("use");
    return this.#storage;
  }

  /**
   * Copies the elements to the host; waits for the device without blocking other work.
   *
   * @returns A fresh typed array of the dtype, in row-major order.
   * @throws {DisposedError} If the tensor was disposed.
   * @throws {DeviceLostError} If the device stopped answering.
   *
   * @example
   * ```ts
   * import { assert } from "@std/assert";
   * import { tensor } from "@vknn/vknn";
   *
   * const x = tensor([[1, 2], [3, 4]]);
   * assert((await x.data()) instanceof Float32Array);
   * x.dispose();
   * ```
   */
  async data(): Promise<HostArray> {
    const { buffer, byteLength } = this.#readable();
    if (buffer === null) return viewAs(this.#dtype, new Uint8Array(0));
    return viewAs(this.#dtype, await this.device.download(buffer, 0, byteLength));
  }

  /**
   * Copies the elements to the host; blocks the program until the device is done.
   *
   * @returns A fresh typed array of the dtype, in row-major order.
   * @throws {DisposedError} If the tensor was disposed.
   * @throws {DeviceLostError} If the device stopped answering.
   */
  dataSync(): HostArray {
    const { buffer, byteLength } = this.#readable();
    if (buffer === null) return viewAs(this.#dtype, new Uint8Array(0));
    return viewAs(this.#dtype, this.device.downloadSync(buffer, 0, byteLength));
  }

  /**
   * Reads the only element.
   *
   * @returns The element.
   * @throws {ShapeError} If there is not exactly one.
   * @throws {DisposedError} If the tensor was disposed.
   */
  async item(): Promise<number> {
    this.#check("read");
    if (this.#size !== 1) {
      throw new ShapeError(
        `Cannot take the item of a tensor: shape ${formatShape(this.#shape)} has ${this.#size} ` +
          `elements, expected 1; read data() or slice() first`,
      );
    }
    return (await this.data())[0]!;
  }

  /**
   * Reads the elements as nested lists.
   *
   * @returns Lists as deep as the tensor has axes; a number for a scalar.
   * @throws {DisposedError} If the tensor was disposed.
   *
   * @example
   * ```ts
   * import { assert } from "@std/assert";
   * import { arange } from "@vknn/vknn";
   *
   * const x = arange(4).reshape([2, 2]);
   * assert(JSON.stringify(await x.toList()) === "[[0,1],[2,3]]");
   * x.dispose();
   * ```
   */
  async toList(): Promise<NestedList> {
    return nestedList(await this.data(), this.#shape);
  }

  /**
   * Overwrites the elements in place. Views made by {@linkcode Tensor.reshape} change too.
   *
   * @param source A tensor of the same shape, dtype and device, or data as for {@linkcode tensor}.
   * @returns This tensor.
   * @throws {ShapeError} If the shapes differ.
   * @throws {TypeError} If the dtypes differ or the data is none.
   * @throws {DeviceError} If the source lies on another device.
   * @throws {DisposedError} If either tensor was disposed.
   * @throws {AutogradError} If this tensor is in a graph and operators are being recorded.
   *
   * @example
   * ```ts
   * import { assert } from "@std/assert";
   * import { zeros } from "@vknn/vknn";
   *
   * const x = zeros([2]);
   * x.assign([3, 4]);
   * assert((await x.data()).join() === "3,4");
   * x.dispose();
   * ```
   */
  assign(source: Tensor | TensorData): this {
    this.#check("assign to");
    checkWrite(this);
    if (source instanceof Tensor) assignTensor(this, source);
    else assignData(this, source);
    return this;
  }

  /**
   * The same elements without their history: what is computed from the result is not recorded.
   *
   * @returns A view that shares memory.
   * @throws {DisposedError} If the tensor was disposed.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { autograd, tensor } from "@vknn/vknn";
   *
   * using x = tensor([3]);
   * x.attachGrad();
   * using y = autograd.record(() => x.mul(x.detach()));
   * y.backward();
   * assertEquals(await x.grad!.item(), 3); // not 6
   * ```
   */
  detach(): Tensor {
    this.#check("detach");
    this.#storage.retain();
    return new Tensor(this.#storage, this.#shape, this.#dtype, this.#label);
  }

  /**
   * Reads the elements and prints them as NumPy does.
   *
   * @param options Digits, abbreviation and width.
   * @returns The text, such as `tensor([1., 2.], dtype=float32)`.
   * @throws {DisposedError} If the tensor was disposed.
   *
   * @example
   * ```ts
   * import { assert } from "@std/assert";
   * import { tensor } from "@vknn/vknn";
   *
   * const x = tensor([1, 2.5]);
   * assert(await x.format() === "tensor([1. , 2.5], dtype=float32)");
   * x.dispose();
   * ```
   */
  async format(options?: FormatOptions): Promise<string> {
    return format(await this.data(), this.#shape, options);
  }

  /**
   * Reads the elements and writes them to the console as NumPy does.
   *
   * @param options Digits, abbreviation and width.
   * @throws {DisposedError} If the tensor was disposed.
   */
  async print(options?: FormatOptions): Promise<void> {
    // deno-lint-ignore no-console -- printing is what the caller asked for
    console.log(await this.format(options));
  }

  /**
   * A summary without the elements, which may not be computed yet; {@linkcode Tensor.format} has them.
   *
   * @returns For example `Tensor(shape=(2, 3), dtype=float32, device=llvmpipe…)`.
   */
  override toString(): string {
    return summarize(this);
  }

  /** What `console.log` shows in Deno. */
  [DENO_INSPECT](): string {
    return this.toString();
  }

  /** What `console.log` shows in Bun. */
  [NODE_INSPECT](): string {
    return this.toString();
  }

  /**
   * Frees the memory at once, unless a view still uses it. May be called again; never throws.
   *
   * @example
   * ```ts
   * import { assert } from "@std/assert";
   * import { ones } from "@vknn/vknn";
   *
   * const x = ones([2]);
   * x.dispose();
   * assert(x.disposed);
   * ```
   */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    unwatchOwner(this);
    forgetMember(this);
    noteDisposed(this);
    this.#storage.release();
  }

  /** Disposes at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #check(verb: string): void {
    if (!this.#disposed) return;
    throw disposedError(verb, this);
  }

  #readable(): Storage {
    this.#check("read");
    reclaimForgotten();
    return this.#storage;
  }
}
