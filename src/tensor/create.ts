// Making tensors from host data and from nothing. Every function checks its arguments, then enqueues
// an upload or a fill and returns at once.

import type { DType } from "../core/dtype.ts";
import { checkOptionsObject, describe } from "../core/options.ts";
import { checkShape, MAX_ELEMENTS } from "../core/shape.ts";
import { LimitError } from "../core/errors.ts";
import type { Device } from "../device/device.ts";
import { checkDevice } from "./default_device.ts";
import {
  bytesOf,
  checkDTypeName,
  convertValues,
  readHostData,
  tensorByteLength,
  type TensorData,
} from "./host_data.ts";
import { reclaimForgotten, Storage } from "./storage.ts";
import { Tensor } from "./tensor.ts";

/** What every function that makes a tensor accepts. */
export interface CreateOptions {
  /** Element type; that of the data where there is data, float32 otherwise. */
  readonly dtype?: DType;
  /** Where the tensor lives; the default device if omitted. */
  readonly device?: Device;
  /** Named in errors about the tensor. */
  readonly label?: string;
}

const KEYS = ["dtype", "device", "label"] as const;

interface Settings {
  readonly dtype: DType | undefined;
  readonly device: unknown;
  readonly label: string;
}

function readSettings(where: string, options: unknown): Settings {
  const given = checkOptionsObject(where, options, KEYS);
  const { dtype, device, label = "" } = given;
  if (typeof label !== "string") {
    throw new TypeError(`Cannot ${where}: label is ${describe(label)}, expected a string`);
  }
  return {
    dtype: dtype === undefined ? undefined : checkDTypeName(where, dtype),
    device,
    label,
  };
}

/** A new tensor whose buffer `fill` has to write; freed again if that fails. */
function make(
  where: string,
  shape: readonly number[],
  dtype: DType,
  settings: Settings,
  forHostWrite: boolean,
  fill: (storage: Storage, device: Device) => void,
): Tensor {
  const device = checkDevice(where, settings.device);
  reclaimForgotten();
  const label = settings.label === "" ? "tensor" : settings.label;
  const byteLength = tensorByteLength(shape, dtype);
  const storage = Storage.allocate(device, byteLength, label, forHostWrite);
  try {
    if (storage.buffer !== null) fill(storage, device);
  } catch (error) {
    storage.release();
    throw error;
  }
  return new Tensor(storage, shape, dtype, settings.label);
}

/**
 * Makes a tensor from numbers. The data is copied before the call returns.
 *
 * | data | dtype without `options.dtype` |
 * | --- | --- |
 * | a number, nested lists of numbers | float32 |
 * | Float32Array, Float16Array, Int32Array, Int8Array, Uint8Array, Uint8ClampedArray | its own |
 * | Uint16Array | none; `"float16"` reads its elements as float16 bits |
 * | Float64Array, Int16Array, Uint32Array | none; they are converted to the dtype given |
 *
 * @param data Numbers in row-major order.
 * @param shape Sizes along every axis; by default the nesting of the lists, or one axis.
 * @param options Element type, device and label.
 * @returns A tensor that belongs to the caller.
 * @throws {TypeError} If the data has a wrong type, or its memory is detached, shared or resizable.
 * @throws {ShapeError} If lists are ragged or the number of elements does not fit the shape.
 * @throws {RangeError} If an integer dtype cannot hold a value.
 * @throws {LimitError} If there are 2^31 or more elements.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { tensor } from "@vknn/vknn";
 *
 * const a = tensor([[1, 2], [3, 4]]);
 * const b = tensor(new Uint8Array([1, 2, 3, 4]), [2, 2]);
 * assert(a.shape.join() === "2,2" && a.dtype === "float32" && b.dtype === "uint8");
 * a.dispose();
 * b.dispose();
 * ```
 */
export function tensor(
  data: TensorData,
  shape?: readonly number[],
  options?: CreateOptions,
): Tensor {
  const where = "make a tensor";
  const settings = readSettings(where, options);
  if (data instanceof Tensor) {
    throw new TypeError(
      `Cannot ${where}: data is a Tensor already; use cast() or slice() to copy it`,
    );
  }
  const read = readHostData(where, data, shape, settings.dtype);
  return make(where, read.shape, read.dtype, settings, true, (storage, device) => {
    device.upload(storage.buffer!, bytesOf(read.values));
  });
}

/**
 * Makes a tensor of zeros.
 *
 * @param shape Sizes along every axis.
 * @param options Element type (float32 by default), device and label.
 * @returns A tensor that belongs to the caller.
 * @throws {TypeError} If the shape is not an array of numbers.
 * @throws {ShapeError} If a size is not allowed.
 * @throws {LimitError} If there are 2^31 or more elements.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { zeros } from "@vknn/vknn";
 *
 * const x = zeros([2, 3], { dtype: "int32" });
 * assert((await x.data()).join() === "0,0,0,0,0,0");
 * x.dispose();
 * ```
 */
export function zeros(shape: readonly number[], options?: CreateOptions): Tensor {
  return filled("make a tensor of zeros", shape, 0, options);
}

/**
 * Makes a tensor of ones.
 *
 * @param shape Sizes along every axis.
 * @param options Element type (float32 by default), device and label.
 * @returns A tensor that belongs to the caller.
 * @throws {TypeError} If the shape is not an array of numbers.
 * @throws {ShapeError} If a size is not allowed.
 * @throws {LimitError} If there are 2^31 or more elements.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { ones } from "@vknn/vknn";
 *
 * const x = ones([3]);
 * assert((await x.data()).join() === "1,1,1");
 * x.dispose();
 * ```
 */
export function ones(shape: readonly number[], options?: CreateOptions): Tensor {
  return filled("make a tensor of ones", shape, 1, options);
}

/**
 * Makes a tensor of one number.
 *
 * @param shape Sizes along every axis.
 * @param value The number; rounded to a float dtype, exact for an integer one.
 * @param options Element type (float32 by default), device and label.
 * @returns A tensor that belongs to the caller.
 * @throws {TypeError} If shape or value has a wrong type.
 * @throws {ShapeError} If a size is not allowed.
 * @throws {RangeError} If an integer dtype cannot hold the value.
 * @throws {LimitError} If there are 2^31 or more elements.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { full } from "@vknn/vknn";
 *
 * const x = full([2], 2.5);
 * assert((await x.data()).join() === "2.5,2.5");
 * x.dispose();
 * ```
 */
export function full(shape: readonly number[], value: number, options?: CreateOptions): Tensor {
  return filled("make a full tensor", shape, value, options);
}

function filled(where: string, shape: unknown, value: unknown, options: unknown): Tensor {
  const settings = readSettings(where, options);
  const sizes = checkShape(where, shape);
  if (typeof value !== "number") {
    throw new TypeError(`Cannot ${where}: value is ${describe(value)}, expected a number`);
  }
  const dtype = settings.dtype ?? "float32";
  const one = bytesOf(convertValues(where, [value], dtype));
  const word = new Uint8Array(4).map((_, index) => one[index % one.length]!);
  return make(where, sizes, dtype, settings, false, (storage, device) => {
    device.fill(storage.buffer!, new DataView(word.buffer).getUint32(0, true));
  });
}

/**
 * Makes a tensor whose elements are not set to anything in particular.
 *
 * @param shape Sizes along every axis.
 * @param options Element type (float32 by default), device and label.
 * @returns A tensor that belongs to the caller.
 * @throws {TypeError} If the shape is not an array of numbers.
 * @throws {ShapeError} If a size is not allowed.
 * @throws {LimitError} If there are 2^31 or more elements.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { empty } from "@vknn/vknn";
 *
 * const x = empty([2, 2]);
 * x.assign([[1, 2], [3, 4]]);
 * assert((await x.data()).join() === "1,2,3,4");
 * x.dispose();
 * ```
 */
export function empty(shape: readonly number[], options?: CreateOptions): Tensor {
  const where = "make an empty tensor";
  const settings = readSettings(where, options);
  const sizes = checkShape(where, shape);
  return make(where, sizes, settings.dtype ?? "float32", settings, false, () => {});
}

/**
 * Makes evenly spaced numbers, `start` included, `stop` excluded.
 *
 * @param stop Where to end; the numbers start at 0.
 * @param options Element type (float32 by default), device and label.
 * @returns A tensor of `ceil((stop - start) / step)` elements.
 * @throws {TypeError} If an argument is not a number.
 * @throws {RangeError} If an argument is not finite, or the step is 0.
 * @throws {LimitError} If there would be 2^31 or more elements.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { arange } from "@vknn/vknn";
 *
 * const x = arange(2, 8, 2);
 * assert((await x.data()).join() === "2,4,6");
 * x.dispose();
 * ```
 */
export function arange(stop: number, options?: CreateOptions): Tensor;
/**
 * Makes evenly spaced numbers, `start` included, `stop` excluded.
 *
 * @param start The first number.
 * @param stop Where to end.
 * @param options Element type (float32 by default), device and label.
 */
export function arange(start: number, stop: number, options?: CreateOptions): Tensor;
/**
 * Makes evenly spaced numbers, `start` included, `stop` excluded.
 *
 * @param start The first number.
 * @param stop Where to end.
 * @param step Distance between neighbors; may be negative.
 * @param options Element type (float32 by default), device and label.
 */
export function arange(
  start: number,
  stop: number,
  step: number,
  options?: CreateOptions,
): Tensor;
export function arange(...args: readonly unknown[]): Tensor {
  const where = "make a range";
  const last = args.at(-1);
  const options = typeof last === "number" ? undefined : last;
  const numbers = typeof last === "number" ? args : args.slice(0, -1);
  if (numbers.length < 1 || numbers.length > 3) {
    throw new TypeError(
      `Cannot ${where}: found ${numbers.length} numbers, expected (stop), (start, stop) ` +
        `or (start, stop, step)`,
    );
  }
  const [start, stop, step = 1] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  const bound = (name: string, value: unknown): number => {
    if (typeof value !== "number") {
      throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected a number`);
    }
    if (!Number.isFinite(value)) {
      throw new RangeError(`Cannot ${where}: ${name} is ${value}, expected a finite number`);
    }
    return value;
  };
  const first = bound("start", start);
  const end = bound("stop", stop);
  const distance = bound("step", step);
  if (distance === 0) throw new RangeError(`Cannot ${where}: step is 0, expected another number`);
  const count = Math.max(0, Math.ceil((end - first) / distance));
  if (count > MAX_ELEMENTS) {
    throw new LimitError(
      `Cannot ${where}: ${count} elements, at most ${MAX_ELEMENTS} are allowed in one tensor`,
    );
  }
  const settings = readSettings(where, options);
  const dtype = settings.dtype ?? "float32";
  // The buffer first: what is too much for the device never takes the host's memory.
  return make(where, [count], dtype, settings, true, (storage, device) => {
    const exact = new Float64Array(count);
    for (let index = 0; index < count; index++) exact[index] = first + index * distance;
    device.upload(storage.buffer!, bytesOf(convertValues(where, exact, dtype)));
  });
}
