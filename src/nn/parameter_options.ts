// Options of parameters and the checks of shapes that may have unknown sizes.

import { GRAD_REQS, type GradReq } from "../autograd/internal.ts";
import { type DType, DTYPES } from "../core/dtype.ts";
import {
  DeferredInitializationError,
  DeviceError,
  ShapeError,
  StateError,
} from "../core/errors.ts";
import { boolean, number, oneOf, optional, readOptions } from "../core/options.ts";
import { checkShape, describe, formatShape, MAX_ELEMENTS, type Shape } from "../core/shape.ts";
import { checkDevice, type Device } from "../tensor/mod.ts";
import type { Initializer } from "./initializer.ts";
import { create, type InitializerLike } from "./initializers.ts";
import type { Value } from "./values.ts";

export { GRAD_REQS, type GradReq } from "../autograd/internal.ts";

/** One device, or several that hold equal copies. */
export type DeviceOrDevices = Device | readonly Device[];

/** Options of a {@linkcode Parameter}. */
export interface ParameterOptions {
  /** Sizes along every axis, -1 or 0 for unknown ones; a number stands for one axis. */
  readonly shape?: number | readonly number[] | null;
  /** Element type; `float32` by default. */
  readonly dtype?: DType;
  /** Rule for the first values; that given to `initialize` if absent. */
  readonly init?: InitializerLike | null;
  /** Allow `initialize` while sizes are unknown; false by default. */
  readonly allowDeferredInit?: boolean;
  /** What a backward pass does with the gradient; `write` by default. */
  readonly gradReq?: GradReq;
  /** Multiplies the learning rate; 1 by default. */
  readonly lrMult?: number;
  /** Multiplies the weight decay; 1 by default. */
  readonly wdMult?: number;
  /** False forces `gradReq` to `null`; true by default. */
  readonly differentiable?: boolean;
}

/** Options of {@linkcode Parameter.initialize}. */
export interface ParameterInitializeOptions {
  /** Where the values live; the default device if absent. */
  readonly device?: DeviceOrDevices | undefined;
  /** Rule if neither the call nor the parameter names one; `Uniform(0.07)` by default. */
  readonly defaultInit?: InitializerLike;
  /** Initialize again what is initialized already; else that is left alone, with a warning. */
  readonly forceReinit?: boolean;
  /** Report when the values are made. */
  readonly verbose?: boolean;
}

/** What an initialization that waits for the shape will do. */
export interface Deferred {
  readonly init: Initializer;
  /** Null: the device of the first input, or the default device. */
  readonly devices: readonly Device[] | null;
  /** Values set meanwhile; they take the place of the initializer's. */
  readonly value: Value | null;
  readonly verbose: boolean;
}

/** Checked options of an initialization. */
export interface CheckedInitializeOptions {
  readonly device: Device[] | null | undefined;
  readonly defaultInit: Initializer | null | undefined;
  readonly forceReinit: boolean;
  readonly verbose: boolean;
}

/** Checked options of a parameter. */
export interface CheckedParameterOptions {
  readonly shape: Shape | null;
  readonly dtype: DType;
  readonly init: InitializerLike | null;
  readonly allowDeferredInit: boolean;
  readonly gradReq: GradReq;
  readonly lrMult: number;
  readonly wdMult: number;
  readonly differentiable: boolean;
}

/**
 * Checks the options of a parameter and fills in defaults.
 *
 * @param where What is being done, for messages.
 * @param options The options.
 * @returns The checked options.
 * @throws {TypeError} If an option is unknown or has a wrong type.
 * @throws {RangeError} If a value is not allowed.
 */
export function readParameterOptions(
  where: string,
  options: ParameterOptions,
): CheckedParameterOptions {
  const read = readOptions(where, options, {
    shape: optional((_, __, shape) => checkPartialShape(where, shape)),
    dtype: oneOf(DTYPES, "float32"),
    init: optional(checkInitializer),
    allowDeferredInit: boolean(false),
    gradReq: oneOf(GRAD_REQS, "write"),
    lrMult: number({}, 1),
    wdMult: number({}, 1),
    differentiable: boolean(true),
  });
  const gradReq = read.differentiable ? read.gradReq : "null";
  return { ...read, shape: read.shape ?? null, init: read.init ?? null, gradReq };
}

/**
 * Checks the options of an initialization and fills in defaults.
 *
 * @param where What is being done, for messages.
 * @param options The options.
 * @returns The checked options.
 * @throws {TypeError} If an option is unknown or has a wrong type.
 */
export function readInitializeOptions(
  where: string,
  options: ParameterInitializeOptions,
): CheckedInitializeOptions {
  return readOptions(where, options, {
    device: optional(readDevices),
    defaultInit: optional(checkInitializer),
    forceReinit: boolean(false),
    verbose: boolean(false),
  });
}

/**
 * Checks an initializer given in any form.
 *
 * @param where What is being done, for messages.
 * @param name Name of the argument.
 * @param value The initializer.
 * @returns The initializer as an object.
 * @throws {TypeError} If it is no initializer in any form, or its options are wrong.
 * @throws {RangeError} If its name is not registered.
 */
export function checkInitializer(where: string, name: string, value: unknown): Initializer {
  return create(value as InitializerLike, `${where}: ${name}`);
}

/**
 * Checks a shape in which sizes may be unknown.
 *
 * @param where What is being done, for messages.
 * @param shape The sizes, -1 or 0 for unknown ones; a number stands for one axis.
 * @returns A frozen copy with -1 for every unknown size.
 * @throws {TypeError} If it is no array of numbers.
 * @throws {ShapeError} If a size is no integer from -1 up.
 */
export function checkPartialShape(where: string, shape: unknown): Shape {
  const sizes: unknown = typeof shape === "number" ? [shape] : shape;
  if (!Array.isArray(sizes)) {
    throw new TypeError(
      `Cannot ${where}: shape is ${
        describe(shape)
      }, expected an array of sizes, -1 for unknown ones`,
    );
  }
  for (const [axis, size] of sizes.entries()) {
    if (Number.isInteger(size) && size >= -1 && size <= MAX_ELEMENTS) continue;
    const message = `Cannot ${where}: shape[${axis}] is ${describe(size)}, ` +
      `expected a positive integer, or -1 if it is unknown`;
    throw typeof size === "number" ? new ShapeError(message) : new TypeError(message);
  }
  return Object.freeze(sizes.map((size: number) => size === 0 ? -1 : size));
}

/**
 * Checks that a shape may become another one: no shape yet, or equal where known.
 *
 * @param failure Start of the message.
 * @param own The shape, -1 for unknown sizes; null if there is none.
 * @param shape The other shape.
 * @param word What the message calls the other shape.
 * @throws {ShapeError} If the rank or a known size differs.
 */
export function checkFits(
  failure: string,
  own: Shape | null,
  shape: Shape,
  word: string = "given",
): void {
  const fits = own === null ||
    own.length === shape.length && own.every((size, axis) => size === -1 || size === shape[axis]);
  if (fits) return;
  throw new ShapeError(
    `${failure}: shape incompatible expected ${formatShape(own)} vs ${word} ${formatShape(shape)}` +
      (own.includes(-1) ? " (-1 stands for any size)" : ""),
  );
}

/**
 * Writes a shape that may be unknown.
 *
 * @param shape The shape; null if not even the rank is known.
 * @returns A Python tuple, or `None`.
 */
export function formatPartial(shape: Shape | null): string {
  return shape === null ? "None" : formatShape(shape);
}

/**
 * Checks one device or a list of devices.
 *
 * @param where What is being done, for messages.
 * @param name Name of the argument.
 * @param value The value to check.
 * @returns The devices without repetition.
 * @throws {TypeError} If there is no device or something else among them.
 * @throws {DisposedError} If one was disposed.
 */
export function readDevices(where: string, name: string, value: unknown): Device[] {
  const list: unknown[] = Array.isArray(value) ? Array.from(value) : [value];
  if (list.length === 0) {
    throw new TypeError(`Cannot ${where}: ${name} is [], expected at least one Device`);
  }
  return [...new Set(list.map((device) => checkDevice(where, device ?? null)))];
}

/** Names of devices, for messages. */
export function deviceNames(devices: readonly Device[]): string {
  return devices.map((device) => device.adapter.name).join(", ");
}

/** True if both lists have the same members. */
export function sameMembers(a: readonly Device[], b: readonly Device[]): boolean {
  return a.length === b.length && a.every((device) => b.includes(device));
}

/**
 * The error of reading a parameter that has no values, in MXNet's words.
 *
 * @param name Name of the parameter.
 * @param deferred Whether the values wait for the shape.
 * @returns The error.
 */
export function noValuesError(name: string, deferred: boolean): StateError {
  if (deferred) {
    return new DeferredInitializationError(
      `Parameter '${name}' has not been initialized yet because initialization was deferred. ` +
        `Actual initialization happens during the first forward pass. Please pass one batch of ` +
        `data through the network before accessing Parameters. You can also avoid deferred ` +
        `initialization by specifying in_units, num_features, etc., for network layers ` +
        `(here: inChannels, or inUnits of Dense)`,
    );
  }
  return new StateError(
    `Parameter '${name}' has not been initialized. Note that you should initialize parameters and ` +
      `create Trainer with Block.collectParams() instead of Block.params because the latter does ` +
      `not include Parameters of nested child Blocks`,
  );
}

/**
 * The error of changing a parameter that has no values.
 *
 * @param where What was to be done.
 * @returns The error.
 */
export function uninitializedError(where: string): StateError {
  return new StateError(`Cannot ${where}: it has not been initialized; call initialize() first`);
}

/**
 * The error of making values for a shape that is not known, in MXNet's words.
 *
 * @param name Name of the parameter.
 * @param shape Its shape as far as known.
 * @returns The error.
 */
export function unknownShapeError(name: string, shape: Shape | null): ShapeError {
  return new ShapeError(
    `Cannot initialize Parameter '${name}' because it has invalid shape: ${
      formatPartial(shape)
    }. ` +
      `Please specify inChannels etc. for blocks`,
  );
}

/**
 * Checks that values of a shape can be loaded into a parameter.
 *
 * @param name Name of the parameter.
 * @param shape Its shape as far as known.
 * @param given Shape of the values.
 * @param current Where the parameter lives or will live, if that is settled.
 * @param wanted Where the values are to go, if that is named.
 * @throws {ShapeError} If the shape does not fit.
 * @throws {DeviceError} If the parameter lives elsewhere.
 * @throws {TypeError} If a shape or device is none.
 */
export function checkLoadable(
  name: string,
  shape: Shape | null,
  given: readonly number[],
  current: readonly Device[] | undefined,
  wanted: readonly Device[] | undefined,
): void {
  const where = `load Parameter '${name}'`;
  const sizes = checkShape(where, given);
  const devices = wanted === undefined ? undefined : readDevices(where, "devices", wanted);
  checkFits(`Failed loading Parameter '${name}' from saved params`, shape, sizes, "saved");
  if (devices === undefined || current === undefined || sameMembers(devices, current)) return;
  throw new DeviceError(
    `Cannot ${where} on ${deviceNames(devices)}: ` +
      `it was initialized on ${deviceNames(current)}`,
  );
}
