// Steps all parameters of a network. After apache/mxnet python/mxnet/gluon/trainer.py.

import { isGradientFresh, markGradientUsed, withFlags } from "../autograd/internal.ts";
import { StateError } from "../core/errors.ts";
import { checkBoolean, checkNumber } from "../core/options.ts";
import { describe } from "../core/shape.ts";
import type { FileSource } from "../io/files.ts";
import { Parameter } from "../nn/parameter.ts";
import type { Device, Tensor } from "../tensor/mod.ts";
import { disposeState, Optimizer, type OptimizerState } from "./optimizer.ts";
import { create, type OptimizerName, type OptionsOf } from "./optimizers.ts";
import { decodeStates, encodeStates, type NamedState, readBytes, writeBytes } from "./states.ts";

/** Parameters by name, as {@linkcode Block.collectParams} gives them, or without names. */
export type TrainerParameters =
  | ReadonlyMap<string, Parameter>
  | Readonly<Record<string, Parameter>>
  | readonly Parameter[];

/**
 * Updates parameters with an optimizer after each backward pass.
 *
 * Each parameter is updated in place by a single launch; nothing waits for the device. A parameter that
 * several names share is updated once.
 *
 * @example
 * ```ts
 * import { autograd, Dense, losses, tensor, Trainer } from "@vknn/vknn";
 * import { assert } from "@std/assert";
 *
 * const net = new Dense(1);
 * net.initialize();
 * const trainer = new Trainer(net.collectParams(), "sgd", { learningRate: 0.1, momentum: 0.5 });
 * using x = tensor([[0], [1], [2], [3]]);
 * using y = tensor([[1], [3], [5], [7]]);
 * for (let step = 0; step < 100; step++) {
 *   using loss = autograd.record(() => losses.l2(net.call(x), y));
 *   loss.backward();
 *   trainer.step(4);
 * }
 * const slope = await net.weight.data().item();
 * assert(Math.abs(slope - 2) < 0.01, `${slope}`);
 * ```
 */
export class Trainer {
  /** The optimizer. */
  readonly optimizer: Optimizer;
  readonly #parameters: ReadonlyMap<string, Parameter>;
  readonly #states = new Map<Parameter, Map<Device, OptimizerState>>();
  readonly #scale: number;

  /**
   * Makes a trainer.
   *
   * @param params The parameters, initialized or with deferred initialization.
   * @param optimizer An optimizer that is made already.
   * @throws {TypeError} If an argument has a wrong type, or options are given for an optimizer made already.
   * @throws {RangeError} If there is no such optimizer, or a value is not allowed.
   * @throws {StateError} If a parameter is not initialized.
   */
  constructor(params: TrainerParameters, optimizer: Optimizer);
  /**
   * Makes a trainer with an optimizer by name, whose options keep their defaults.
   *
   * @param params The parameters.
   * @param optimizer `sgd`, `nag`, `adam`, `adamw` or `rmsprop`.
   */
  constructor(params: TrainerParameters, optimizer: OptimizerName);
  /**
   * Makes a trainer with stochastic gradient descent.
   *
   * @param params The parameters.
   * @param optimizer Name of the optimizer.
   * @param optimizerParams Options of the optimizer.
   */
  constructor(params: TrainerParameters, optimizer: "sgd", optimizerParams?: OptionsOf<"sgd">);
  /**
   * Makes a trainer with Nesterov's accelerated gradient.
   *
   * @param params The parameters.
   * @param optimizer Name of the optimizer.
   * @param optimizerParams Options of the optimizer.
   */
  constructor(params: TrainerParameters, optimizer: "nag", optimizerParams?: OptionsOf<"nag">);
  /**
   * Makes a trainer with Adam.
   *
   * @param params The parameters.
   * @param optimizer Name of the optimizer.
   * @param optimizerParams Options of the optimizer.
   */
  constructor(params: TrainerParameters, optimizer: "adam", optimizerParams?: OptionsOf<"adam">);
  /**
   * Makes a trainer with AdamW, whose weight decay is apart from the gradient.
   *
   * @param params The parameters.
   * @param optimizer Name of the optimizer.
   * @param optimizerParams Options of the optimizer.
   */
  constructor(params: TrainerParameters, optimizer: "adamw", optimizerParams?: OptionsOf<"adamw">);
  /**
   * Makes a trainer with RMSProp.
   *
   * @param params The parameters.
   * @param optimizer Name of the optimizer.
   * @param optimizerParams Options of the optimizer.
   */
  constructor(
    params: TrainerParameters,
    optimizer: "rmsprop",
    optimizerParams?: OptionsOf<"rmsprop">,
  );
  constructor(
    params: TrainerParameters,
    optimizer: OptimizerName | Optimizer,
    optimizerParams?: OptionsOf<OptimizerName>,
  ) {
    this.#parameters = readParameters(params);
    if (optimizer instanceof Optimizer) {
      if (optimizerParams !== undefined && Object.keys(optimizerParams).length > 0) {
        throw new TypeError(
          `Cannot construct Trainer: optimizerParams are ${
            describe(optimizerParams)
          }, expected none ` +
            `for an optimizer that is made already; give them to its constructor`,
        );
      }
      this.optimizer = optimizer;
    } else {
      this.optimizer = create(optimizer, optimizerParams);
    }
    this.#scale = this.optimizer.rescaleGrad;
    for (const parameter of this.#parameters.values()) {
      if (!parameter.deferred) parameter.listDevice(); // throws if it is not initialized
    }
  }

  /** The learning rate, that of the scheduler if there is one. */
  get learningRate(): number {
    return this.optimizer.learningRate;
  }

  /**
   * Changes the learning rate.
   *
   * @param learningRate The learning rate.
   * @throws {StateError} If a scheduler sets it.
   * @throws {RangeError} If it is negative.
   */
  setLearningRate(learningRate: number): void {
    this.optimizer.setLearningRate(learningRate);
  }

  /**
   * Sums gradients over devices and makes one step of every parameter whose `gradReq` is not `null`.
   *
   * @param batchSize Divides the gradients, which sum over the samples of a batch.
   * @param ignoreStaleGrad Whether parameters without a new gradient are left as they are; else they are
   *   an error.
   * @throws {StateError} If a parameter has no gradient since the last step; no parameter changed then.
   * @throws {DeferredInitializationError} If a parameter still waits for its shape.
   * @throws {AutogradError} If operators are being recorded.
   * @throws {RangeError} If the batch size is not above zero.
   */
  step(batchSize: number, ignoreStaleGrad: boolean = false): void {
    const ready = this.#ready("step", batchSize, ignoreStaleGrad);
    reduce(ready);
    this.#update(ready);
  }

  /**
   * Sums the gradients of parameters that live on several devices, so that all copies have the sum.
   * {@linkcode step} does it by itself; call it with {@linkcode update} to change gradients in between.
   *
   * @throws {DeferredInitializationError} If a parameter still waits for its shape.
   */
  allreduceGrads(): void {
    reduce([...this.#trained().values()]);
  }

  /**
   * Makes one step without summing gradients over devices; after {@linkcode allreduceGrads}.
   *
   * @param batchSize Divides the gradients.
   * @param ignoreStaleGrad Whether parameters without a new gradient are left as they are.
   * @throws {StateError} If a parameter has no gradient since the last step; no parameter changed then.
   */
  update(batchSize: number, ignoreStaleGrad: boolean = false): void {
    this.#update(this.#ready("update", batchSize, ignoreStaleGrad));
  }

  /**
   * Writes everything a later program needs to go on: the states of the optimizer, numbers of steps, the
   * learning rate. The file is an `.npz`.
   *
   * @param path Path or `file:` URL; the bytes are returned if absent.
   * @returns When the file is written; or the bytes.
   * @throws {TypeError} If the path has a wrong type.
   *
   * @example
   * ```ts
   * import { autograd, Dense, tensor, Trainer } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * const net = new Dense(1, { inUnits: 1 });
   * net.initialize();
   * const trainer = new Trainer(net.collectParams(), "adam", { learningRate: 0.5 });
   * using x = tensor([[1]]);
   * using y = autograd.record(() => net.call(x));
   * y.backward();
   * trainer.step(1);
   * const bytes = await trainer.saveStates();
   * const later = new Trainer(net.collectParams(), "adam");
   * await later.loadStates(bytes);
   * assertEquals(later.learningRate, 0.5);
   * ```
   */
  saveStates(): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Writes the states to a file, atomically.
   *
   * @param path Path or `file:` URL.
   * @returns When the file is written.
   */
  saveStates(path: string | URL): Promise<void>;
  async saveStates(path?: string | URL): Promise<Uint8Array<ArrayBuffer> | void> {
    const bytes = await encodeStates(this.optimizer, this.#named());
    if (path === undefined) return bytes;
    await writeBytes(path, bytes);
  }

  /**
   * Goes on from what {@linkcode saveStates} wrote. The trainer must have the same parameters and the same
   * kind of optimizer; the learning rate is taken over unless a scheduler sets it.
   *
   * @param source Path, `file:` URL, bytes or stream.
   * @returns When the states are in place; nothing changed if it throws.
   * @throws {FormatError} If the file is damaged, or of another optimizer or other parameters.
   * @throws {LimitError} If it is larger than allowed.
   */
  async loadStates(source: FileSource): Promise<void> {
    const trained = this.#trained();
    const loaded = await decodeStates(this.optimizer, trained, await readBytes(source));
    for (const [name, states] of loaded.states) {
      const parameter = trained.get(name)!;
      this.#states.get(parameter)?.forEach(disposeState);
      this.#states.set(parameter, states);
    }
    if (this.optimizer.lrScheduler === null) this.optimizer.setLearningRate(loaded.learningRate);
    this.optimizer.resume(loaded.numUpdate);
  }

  /** Frees the states of the optimizer; the trainer may go on with new ones. */
  dispose(): void {
    for (const states of this.#states.values()) states.forEach(disposeState);
    this.#states.clear();
  }

  /** Frees the states at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The parameters that have gradients, by name. */
  #trained(): Map<string, Parameter> {
    return new Map([...this.#parameters].filter(([, parameter]) => parameter.gradReq !== "null"));
  }

  /** Checks a step before anything changes; the parameters to be updated. */
  #ready(verb: string, batchSize: number, ignoreStaleGrad: boolean): Parameter[] {
    const where = `${verb} Trainer`;
    checkNumber(where, "batchSize", batchSize, { minimum: Number.MIN_VALUE });
    checkBoolean(where, "ignoreStaleGrad", ignoreStaleGrad);
    this.optimizer.rescaleGrad = this.#scale / batchSize;
    const ready: Parameter[] = [];
    // Whether all have values comes first: before that, no gradient can be fresh.
    const all = [...this.#trained()]
      .map(([name, parameter]) => [name, parameter, parameter.listData()] as const);
    for (const [name, parameter, copies] of all) {
      const stale = copies.find((copy) => !isGradientFresh(copy));
      if (stale === undefined) ready.push(parameter);
      else if (!ignoreStaleGrad) throw staleError(where, name, stale.device);
    }
    return ready;
  }

  #update(parameters: readonly Parameter[]): void {
    for (const parameter of parameters) {
      const states = this.#statesOf(parameter);
      for (const weight of parameter.listData()) {
        const state = states.get(weight.device)!;
        this.optimizer.update(weight, parameter.grad(weight.device), state, parameter);
        markGradientUsed(weight);
      }
    }
  }

  #statesOf(parameter: Parameter): Map<Device, OptimizerState> {
    let states = this.#states.get(parameter);
    if (states === undefined) this.#states.set(parameter, states = new Map());
    for (const weight of parameter.listData()) {
      const found = states.get(weight.device);
      // A parameter that was cast meanwhile may need other states.
      const names = this.optimizer.stateNames(weight);
      const fits = found !== undefined && found.master === names.includes("weight");
      if (fits) continue;
      if (found !== undefined) disposeState(found);
      states.set(weight.device, this.optimizer.createState(weight));
    }
    return states;
  }

  #named(): NamedState[] {
    return [...this.#trained()].flatMap(([name, parameter]) => {
      const [weight] = parameter.listData();
      const state = this.#states.get(parameter)?.get(weight!.device);
      return state === undefined ? [] : [{ name, weight: weight!, state }];
    });
  }
}

function staleError(where: string, name: string, device: Device): StateError {
  return new StateError(
    `Cannot ${where}: Gradient of Parameter '${name}' on context ${device.adapter.name} has not been ` +
      `updated by backward since last \`step\`. This could mean a bug in your model that made it only ` +
      `use a subset of the Parameters (Blocks) for this iteration. If you are intentionally only using ` +
      `a subset, call step with ignoreStaleGrad = true to skip updating of Parameters with stale gradient`,
  );
}

/** Parameters by name, sorted, each once. */
function readParameters(params: unknown): Map<string, Parameter> {
  const where = "construct Trainer";
  if (typeof params !== "object" || params === null || params instanceof Parameter) {
    throw new TypeError(
      `Cannot ${where}: params are ${describe(params)}, expected the Map of collectParams(), an ` +
        `object or an array of Parameters`,
    );
  }
  const pairs: [string, unknown][] = Array.isArray(params)
    ? Array.from(params as unknown[], (parameter, at) => [`${at}`, parameter])
    : params instanceof Map
    ? [...params].sort(([a], [b]) => a < b ? -1 : 1)
    : Object.entries(params).sort(([a], [b]) => a < b ? -1 : 1);
  const found = new Map<string, Parameter>();
  const seen = new Set<Parameter>();
  for (const [name, parameter] of pairs) {
    if (!(parameter instanceof Parameter)) {
      throw new TypeError(
        `Cannot ${where}: params[${describe(name)}] is ${
          describe(parameter)
        }, expected a Parameter`,
      );
    }
    if (seen.has(parameter)) continue;
    seen.add(parameter);
    found.set(name, parameter);
  }
  return found;
}

/** Gives all copies of a gradient their sum, in the order of the devices. */
function reduce(parameters: readonly Parameter[]): void {
  for (const parameter of parameters) {
    if (parameter.listDevice().length < 2) continue;
    const gradients = parameter.listGrad();
    const total = new Float64Array(gradients[0]!.size);
    for (const gradient of gradients) addInto(total, gradient);
    withFlags({ recording: false }, () => {
      const { dtype } = gradients[0]!;
      const values = dtype === "float16" ? new Float16Array(total) : new Float32Array(total);
      for (const gradient of gradients) gradient.assign(values);
    });
  }
}

function addInto(total: Float64Array, gradient: Tensor): void {
  const values = gradient.dataSync();
  for (let at = 0; at < total.length; at++) total[at]! += values[at]!;
}
