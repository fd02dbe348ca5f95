// A named tensor that a block owns: its shape, possibly not yet known, its values once they exist, and
// the settings of its training. Knows no blocks. After apache/mxnet python/mxnet/gluon/parameter.py.

import { withFlags } from "../autograd/internal.ts";
import { type DType, DTYPES } from "../core/dtype.ts";
import { checkEnum } from "../core/options.ts";
import { nextStream } from "../core/random.ts";
import { describe, formatShape } from "../core/shape.ts";
import { checkDevice, defaultDevice, type Device, type Tensor } from "../tensor/mod.ts";
import { Uniform } from "./initializer.ts";
import { create, type InitializerLike } from "./initializers.ts";
import { inform, warn } from "./messages.ts";
import {
  checkLoadable,
  type Deferred,
  type DeviceOrDevices,
  formatPartial,
  GRAD_REQS,
  type GradReq,
  noValuesError,
  type ParameterInitializeOptions,
  type ParameterOptions,
  readDevices,
  readInitializeOptions,
  readParameterOptions,
  uninitializedError,
  unknownShapeError,
} from "./parameter_options.ts";
import { ParameterSettings } from "./parameter_settings.ts";
import { checkRoom, ParameterValues } from "./parameter_values.ts";
import { printAsText } from "./text.ts";
import {
  copyInto,
  disposeValue,
  ownCopy,
  readValue,
  type TensorLike,
  type Value,
} from "./values.ts";

/**
 * A named tensor that a block owns, such as the weight of a convolution.
 *
 * A parameter is uninitialized until `initialize` (usually {@linkcode Block.initialize}) or a load. While
 * sizes of its shape are unknown, `initialize` only notes what to do, and the first call of its block,
 * which infers the shape, makes the values.
 *
 * @example
 * ```ts
 * import { Parameter } from "@vknn/vknn";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const weight = new Parameter("weight", { shape: [8, -1, 3, 3], allowDeferredInit: true });
 * weight.initialize();
 * assertThrows(() => weight.data(), Error, "deferred");
 * weight.shape = [8, 3, 3, 3];
 * assertEquals(`${weight}`, "Parameter (shape=(8, 3, 3, 3), dtype=float32)");
 * ```
 */
export class Parameter extends ParameterSettings {
  #dtype: DType;
  #gradReq: GradReq;
  #values: ParameterValues | null = null;
  #deferred: Deferred | null = null;

  /**
   * Makes a parameter without values.
   *
   * @param name Name for messages; `weight` by default.
   * @param options Shape, dtype, first values and training settings.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  constructor(name: string = "weight", options: ParameterOptions = {}) {
    const where = `construct Parameter ${describe(name)}`;
    if (typeof name !== "string") {
      throw new TypeError(`Cannot ${where}: name is ${describe(name)}, expected a string`);
    }
    const read = readParameterOptions(where, options);
    super(name, read);
    this.#dtype = read.dtype;
    this.#gradReq = read.gradReq;
  }

  /** Element type of the values. */
  get dtype(): DType {
    return this.#dtype;
  }

  /** What a backward pass does with the gradient. */
  get gradReq(): GradReq {
    return this.#gradReq;
  }

  /**
   * Chooses what a backward pass does with the gradient, which starts again as zeros.
   *
   * @throws {TypeError} If it is not a string.
   * @throws {RangeError} If it is none of `write`, `add` and `null`.
   */
  set gradReq(gradReq: GradReq) {
    const where = `set gradReq of Parameter '${this.name}'`;
    const checked = checkEnum(where, "gradReq", gradReq, GRAD_REQS);
    const next = this.differentiable ? checked : "null";
    if (next === this.#gradReq) return;
    this.#gradReq = next;
    this.#values?.mark(next);
  }

  /** True while the values wait for the shape. */
  get deferred(): boolean {
    return this.#deferred !== null;
  }

  /** True if there are values. */
  get initialized(): boolean {
    return this.#values !== null;
  }

  /**
   * Gives the parameter values, or notes how to do so if sizes are unknown. The rule is `init`, else the
   * parameter's own, else `defaultInit`.
   *
   * @param init The rule for this time.
   * @param options Device, default rule and repetition.
   * @throws {ShapeError} If sizes are unknown and `allowDeferredInit` is false.
   */
  initialize(init: InitializerLike | null = null, options: ParameterInitializeOptions = {}): void {
    const where = `initialize Parameter '${this.name}'`;
    const { device, defaultInit, forceReinit, verbose } = readInitializeOptions(where, options);
    if (this.#values !== null && !forceReinit) {
      return warn(
        `Parameter '${this.name}' is initialized already and stays as it is; ` +
          `use forceReinit to initialize it again`,
      );
    }
    if (!this.shapeKnown && !this.allowDeferredInit) {
      throw unknownShapeError(this.name, this.shape);
    }
    const rule = create(init ?? this.init ?? defaultInit ?? new Uniform());
    const deferred = { init: rule, devices: device ?? null, value: null, verbose };
    if (this.shapeKnown) return this.#make(deferred);
    this.dispose();
    this.#deferred = deferred;
  }

  /**
   * Makes the values that {@linkcode initialize} put off. Does nothing if none are.
   *
   * @param device Where, if `initialize` named no device; the default device if absent.
   * @throws {ShapeError} If sizes are still unknown.
   */
  finishDeferredInit(device?: Device): void {
    if (this.#deferred !== null) this.#make(this.#deferred, device);
  }

  /**
   * The values.
   *
   * @param device Which copy, if the parameter lives on several devices.
   * @returns The tensor that the parameter owns; do not dispose it.
   * @throws {DeferredInitializationError} If the values wait for the shape.
   * @throws {StateError} If the parameter is not initialized.
   * @throws {DeviceError} If there is no copy on that device.
   */
  data(device?: Device): Tensor {
    return this.#initialized().at(device);
  }

  /**
   * The values on every device.
   *
   * @returns One tensor for each device; the parameter owns them.
   * @throws {DeferredInitializationError} If the values wait for the shape.
   * @throws {StateError} If the parameter is not initialized.
   */
  listData(): Tensor[] {
    return this.#initialized().list;
  }

  /**
   * The gradient: what the last backward pass computed, zeros before the first.
   *
   * @param device Which copy, if the parameter lives on several devices.
   * @returns The tensor that the parameter owns; do not dispose it.
   * @throws {DeferredInitializationError} If the values wait for the shape.
   * @throws {StateError} If the parameter is not initialized, or has no gradient.
   */
  grad(device?: Device): Tensor {
    return this.#initialized().gradientOf(this.data(device));
  }

  /**
   * The gradients on every device.
   *
   * @returns One tensor for each device; the parameter owns them.
   * @throws {StateError} As for {@linkcode grad}.
   */
  listGrad(): Tensor[] {
    const values = this.#initialized();
    return values.list.map((value) => values.gradientOf(value));
  }

  /** Sets the gradients to zeros, as `gradReq` "add" needs before every batch. */
  zeroGrad(): void {
    this.#values?.zeroGrad();
  }

  /**
   * The devices that hold the values, or will once the shape is known.
   *
   * @returns The devices.
   * @throws {StateError} If the parameter is not initialized.
   */
  listDevice(): Device[] {
    if (this.#deferred !== null) return [...this.#deferred.devices ?? [defaultDevice()]];
    return this.#initialized().devices;
  }

  /**
   * Old name of {@linkcode listDevice}; warns.
   *
   * @returns The devices.
   * @throws {StateError} If the parameter is not initialized.
   * @deprecated Use {@linkcode listDevice}.
   */
  listCtx(): Device[] {
    warn("Parameter.listCtx is deprecated; use listDevice");
    return this.listDevice();
  }

  /**
   * Moves the values to other devices, or notes where they will live once the shape is known. Copies on
   * several devices are averaged; gradients start again as zeros.
   *
   * @param device Where; several devices hold equal copies.
   * @throws {StateError} If the parameter is not initialized.
   */
  resetDevice(device: DeviceOrDevices): void {
    const where = `reset device of Parameter '${this.name}'`;
    const devices = readDevices(where, "device", device);
    if (this.#deferred !== null) {
      this.#deferred = { ...this.#deferred, devices };
    } else if (this.#values !== null) {
      this.#create(this.#values.mean(), devices, false);
    } else {
      throw uninitializedError(where);
    }
  }

  /**
   * Old name of {@linkcode resetDevice}; warns.
   *
   * @param device Where; several devices hold equal copies.
   * @throws {StateError} If the parameter is not initialized.
   * @deprecated Use {@linkcode resetDevice}.
   */
  resetCtx(device: DeviceOrDevices): void {
    warn("Parameter.resetCtx is deprecated; use resetDevice");
    this.resetDevice(device);
  }

  /**
   * Sets the values; unknown sizes are taken from them. While initialization is deferred they are kept
   * and used when it finishes.
   *
   * @param values A tensor on any device, or a typed array with its shape. It is copied.
   * @throws {StateError} If the parameter is not initialized.
   * @throws {ShapeError} If the shape does not fit.
   */
  setData(values: TensorLike): void {
    const where = `set data of Parameter '${this.name}'`;
    const value = readValue(where, values);
    if (this.#values === null && this.#deferred === null) throw uninitializedError(where);
    this.shape = value.shape;
    for (const target of this.#values?.list ?? []) copyInto(target, value);
    if (this.#deferred === null) return;
    const kept = ownCopy(value);
    disposeValue(this.#deferred.value);
    this.#deferred = { ...this.#deferred, value: kept };
  }

  /**
   * Sets the values whether the parameter is initialized or not, as loading a file does.
   *
   * @param values A tensor on any device, or a typed array with its shape. It is copied.
   * @param device Where they go if the parameter is uninitialized; the default device if absent. Else it
   *   must be where the parameter lives.
   * @throws {ShapeError} If the shape does not fit.
   * @throws {DeviceError} If the parameter lives elsewhere.
   */
  load(values: TensorLike, device?: DeviceOrDevices): void {
    const where = `load Parameter '${this.name}'`;
    const value = readValue(where, values);
    const wanted = device === undefined ? undefined : readDevices(where, "device", device);
    this.checkLoad(value.shape, wanted);
    this.shape = value.shape;
    if (this.#values !== null) this.setData(value);
    else this.#create(value, this.#deferred?.devices ?? wanted ?? [defaultDevice()]);
  }

  /**
   * Throws what {@linkcode load} would throw for values of a shape; changes nothing.
   *
   * @param shape Shape of the values.
   * @param devices Where they are to go, if that is named.
   * @throws {ShapeError} If the shape does not fit.
   * @throws {TypeError} If it is no shape, or a device is none.
   */
  checkLoad(shape: readonly number[], devices?: readonly Device[]): void {
    const current = this.#values?.devices ?? this.#deferred?.devices ?? undefined;
    checkLoadable(this.name, this.shape, shape, current, devices);
  }

  /**
   * Changes the element type and converts values and gradients.
   *
   * @param dtype The element type.
   * @throws {RangeError} If there is no such dtype.
   */
  cast(dtype: DType): void {
    const checked = checkEnum(`cast Parameter '${this.name}'`, "dtype", dtype, DTYPES);
    if (checked === this.#dtype) return;
    const previous = this.#dtype;
    this.#dtype = checked;
    if (this.#values === null) return;
    try {
      this.#create(this.listData()[0]!, this.listDevice(), true);
    } catch (error) {
      this.#dtype = previous;
      throw error;
    }
  }

  /** Frees the values; the parameter is then uninitialized. */
  dispose(): void {
    this.#values?.dispose();
    disposeValue(this.#deferred?.value ?? null);
    this.#values = null;
    this.#deferred = null;
  }

  /** Frees the values at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Gluon's text. */
  override toString(): string {
    return `Parameter (shape=${formatPartial(this.shape)}, dtype=${this.#dtype})`;
  }

  #make(deferred: Deferred, device?: Device): void {
    const shape = this.shape;
    if (shape === null || shape.includes(-1)) throw unknownShapeError(this.name, shape);
    const devices = deferred.devices ?? [checkDevice("initialize a Parameter", device)];
    checkRoom(shape, this.#dtype, devices);
    const value = deferred.value ??
      { data: deferred.init.values(shape, nextStream(), this.name), shape };
    this.#create(value, devices);
    if (deferred.verbose) {
      inform(`Initialized Parameter '${this.name}' with shape ${formatShape(shape)}`);
    }
  }

  #create(value: Value, devices: readonly Device[], keepGradients: boolean = false): void {
    const make = () => new ParameterValues(this.name, value, this.#dtype, devices, this.gradReq);
    const values = withFlags({ recording: false }, make);
    if (keepGradients && this.#values !== null) values.adoptGradients(this.#values);
    this.dispose();
    this.#values = values;
  }

  #initialized(): ParameterValues {
    if (this.#values !== null) return this.#values;
    throw noValuesError(this.name, this.#deferred !== null);
  }
}

printAsText(Parameter.prototype);
