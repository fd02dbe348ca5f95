// Whether operators are recorded and whether layers behave as in training: two flags of the program,
// and the scopes that set them. After apache/mxnet python/mxnet/autograd.py.

import { boolean, checkBoolean, readOptions } from "../core/options.ts";
import { describe } from "../core/shape.ts";
import { scope } from "../tensor/mod.ts";

let recording = false;
let training = false;

/**
 * Whether operators are being recorded.
 *
 * @returns True inside of {@linkcode record}.
 */
export function isRecording(): boolean {
  return recording;
}

/**
 * Whether layers behave as in training.
 *
 * @returns True inside of {@linkcode record} and {@linkcode trainMode}.
 */
export function isTraining(): boolean {
  return training;
}

/**
 * Turns recording on or off for the whole program; {@linkcode record} restores it by itself.
 *
 * @param value Whether to record.
 * @returns What it was before.
 * @throws {TypeError} If it is not a boolean.
 */
export function setRecording(value: boolean): boolean {
  const before = recording;
  recording = checkBoolean("set recording", "value", value);
  return before;
}

/**
 * Turns the behavior of training on or off for the whole program.
 *
 * @param value Whether layers behave as in training.
 * @returns What it was before.
 * @throws {TypeError} If it is not a boolean.
 */
export function setTraining(value: boolean): boolean {
  const before = training;
  training = checkBoolean("set training", "value", value);
  return before;
}

/** Options of {@linkcode record} and {@linkcode pause}. */
export interface ModeOptions {
  /** Whether layers behave as in training; by default true in `record` and false in `pause`. */
  readonly trainMode?: boolean;
}

/**
 * Flags that are in force until the end of a block: what {@linkcode record}, {@linkcode pause},
 * {@linkcode trainMode} and {@linkcode predictMode} return if they get no function.
 */
export class ModeScope {
  readonly #recording: boolean;
  readonly #training: boolean;
  #open = true;

  /**
   * Sets flags; not for users, who call `record()` and so on.
   *
   * @param next The flags to set; those that are absent stay as they are.
   * @throws {TypeError} If a flag is neither true nor false.
   * @ignore
   */
  constructor(next: { readonly recording?: boolean; readonly training?: boolean }) {
    const flags = { recording: boolean(recording), training: boolean(training) };
    const read = readOptions("set flags", next ?? null, flags);
    this.#recording = recording;
    this.#training = training;
    recording = read.recording;
    training = read.training;
  }

  /** Restores the flags. May be called again. */
  dispose(): void {
    if (!this.#open) return;
    this.#open = false;
    recording = this.#recording;
    training = this.#training;
  }

  /** Restores the flags at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

type Flags = { readonly recording?: boolean; readonly training?: boolean };

function enter<T>(name: string, flags: Flags, fn: (() => T) | undefined): T | ModeScope {
  if (fn === undefined) return new ModeScope(flags);
  if (typeof fn !== "function") {
    throw new TypeError(
      `Cannot ${name}: found ${describe(fn)}, expected a function, or nothing and \`using\``,
    );
  }
  const mode = new ModeScope(flags);
  try {
    return scope(fn);
  } finally {
    mode.dispose();
  }
}

function readMode(name: string, options: unknown, fallback: boolean): boolean {
  return readOptions(name, options, { trainMode: boolean(fallback) }).trainMode;
}

/** Tells `f(fn, options)` from `f(options)`. */
function split(first: unknown, second: unknown): [fn: unknown, options: unknown] {
  return typeof first === "function" || second !== undefined ? [first, second] : [undefined, first];
}

/**
 * Records operators, so that {@linkcode backward} can compute gradients. An operator is recorded if one of
 * its inputs is in a graph: a tensor with {@linkcode Tensor.attachGrad}, a parameter, or what was computed
 * from them while recording.
 *
 * The function is a {@linkcode scope}: tensors made inside and not returned are freed, but for what the
 * backward pass needs, which lives until that has run.
 *
 * @param fn What to record; must return at once.
 * @param options Whether layers behave as in training; true by default.
 * @returns What the function returns.
 * @throws {TypeError} If `fn` is no function or an option is unknown.
 * @throws {StateError} If the function returns a promise.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { autograd, tensor } from "@vknn/vknn";
 *
 * using x = tensor([1, 2, 3]);
 * x.attachGrad();
 * using y = autograd.record(() => x.mul(x));
 * y.backward();
 * assertEquals([...await x.grad!.data()], [2, 4, 6]);
 * ```
 */
export function record<T>(fn: () => T, options?: ModeOptions): T;
/**
 * Records operators until the end of the block. Other code that runs while the block awaits is recorded
 * as well.
 *
 * @param options Whether layers behave as in training; true by default.
 * @returns What ends the recording, for `using`.
 * @throws {TypeError} If an option is unknown.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { autograd, tensor } from "@vknn/vknn";
 *
 * using x = tensor([3]);
 * x.attachGrad();
 * {
 *   using _scope = autograd.record();
 *   using y = x.mul(x);
 *   y.backward();
 * }
 * assertEquals(await x.grad!.item(), 6);
 * ```
 */
export function record(options?: ModeOptions): ModeScope;
export function record(first?: unknown, second?: unknown): unknown {
  const [fn, options] = split(first, second);
  const training = readMode("record", options, true);
  return enter("record", { recording: true, training }, fn as (() => unknown) | undefined);
}

/**
 * Stops recording within {@linkcode record}, for what needs no gradients.
 *
 * @param fn What not to record; must return at once. It is a {@linkcode scope}.
 * @param options Whether layers behave as in training; false by default.
 * @returns What the function returns.
 * @throws {TypeError} If `fn` is no function or an option is unknown.
 * @throws {StateError} If the function returns a promise.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { autograd } from "@vknn/vknn";
 *
 * autograd.record(() => {
 *   assert(autograd.isRecording());
 *   assert(!autograd.pause(() => autograd.isRecording()));
 * });
 * ```
 */
export function pause<T>(fn: () => T, options?: ModeOptions): T;
/**
 * Stops recording until the end of the block.
 *
 * @param options Whether layers behave as in training; false by default.
 * @returns What ends the pause, for `using`.
 * @throws {TypeError} If an option is unknown.
 */
export function pause(options?: ModeOptions): ModeScope;
export function pause(first?: unknown, second?: unknown): unknown {
  const [fn, options] = split(first, second);
  const training = readMode("pause recording", options, false);
  return enter(
    "pause recording",
    { recording: false, training },
    fn as (() => unknown) | undefined,
  );
}

/**
 * Lets layers behave as in training, whether operators are recorded or not.
 *
 * @param fn What to run; must return at once. It is a {@linkcode scope}.
 * @returns What the function returns.
 * @throws {TypeError} If `fn` is no function.
 * @throws {StateError} If the function returns a promise.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { autograd } from "@vknn/vknn";
 *
 * assert(autograd.trainMode(() => autograd.isTraining() && !autograd.isRecording()));
 * ```
 */
export function trainMode<T>(fn: () => T): T;
/**
 * Lets layers behave as in training until the end of the block.
 *
 * @returns What restores the flag, for `using`.
 */
export function trainMode(): ModeScope;
export function trainMode(fn?: () => unknown): unknown {
  return enter("run in training mode", { training: true }, fn);
}

/**
 * Lets layers behave as in prediction, whether operators are recorded or not.
 *
 * @param fn What to run; must return at once. It is a {@linkcode scope}.
 * @returns What the function returns.
 * @throws {TypeError} If `fn` is no function.
 * @throws {StateError} If the function returns a promise.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { autograd } from "@vknn/vknn";
 *
 * autograd.record(() => {
 *   assert(!autograd.predictMode(() => autograd.isTraining()));
 * });
 * ```
 */
export function predictMode<T>(fn: () => T): T;
/**
 * Lets layers behave as in prediction until the end of the block.
 *
 * @returns What restores the flag, for `using`.
 */
export function predictMode(): ModeScope;
export function predictMode(fn?: () => unknown): unknown {
  return enter("run in prediction mode", { training: false }, fn);
}

/**
 * Runs a function with flags and restores them; for the backward pass.
 *
 * @param flags The flags.
 * @param fn The function.
 * @returns What it returns.
 */
export function withFlags<T>(flags: Flags, fn: () => T): T {
  const mode = new ModeScope(flags);
  try {
    return fn();
  } finally {
    mode.dispose();
  }
}
