// Steps all parameters of a network. After apache/mxnet python/mxnet/gluon/trainer.py.

import { isGradientFresh, markGradientUsed } from "../autograd/internal.ts";
import { checkBoolean, checkNumber } from "../core/options.ts";
import { describe } from "../core/shape.ts";
import type { FileSource } from "../io/files.ts";
import type { Parameter } from "../nn/parameter.ts";
import { sourceName } from "../nn/parameter_files.ts";
import type { Device } from "../tensor/mod.ts";
import { disposeState, Optimizer, type OptimizerState } from "./optimizer.ts";
import { create, type OptimizerName, type OptionsOf } from "./optimizers.ts";
import { reduce, reduceAsync } from "./reduce.ts";
import { decodeStates, encodeStates, type NamedState, readBytes, writeBytes } from "./states.ts";
import {
  checkPlaces,
  readParameters,
  staleError,
  type TrainerParameters,
} from "./trainer_parameters.ts";

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
   * @throws {DeviceError} If parameters live on different devices.
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
    checkPlaces(this.#parameters);
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
   * Sums gradients over devices and makes one step of every parameter whose `gradReq` is not `null`. With
   * parameters on several devices it blocks until their gradients are there; {@linkcode stepAsync} does not.
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
   * Makes the step of {@linkcode step}; while gradients of several devices are computed and summed, the
   * program goes on. Await it before the next backward pass.
   *
   * @param batchSize Divides the gradients, which sum over the samples of a batch.
   * @param ignoreStaleGrad Whether parameters without a new gradient are left as they are.
   * @returns When the step is enqueued on all devices.
   * @throws {StateError} As {@linkcode step}, or if a gradient changed meanwhile; no parameter changed then.
   *
   * @example
   * ```ts
   * import { autograd, Dense, Device, tensor, Trainer } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * const devices = [Device.open(), Device.open()];
   * const net = new Dense(1, { inUnits: 1, useBias: false });
   * net.initialize("ones", { device: devices });
   * const trainer = new Trainer(net.collectParams(), "sgd", { learningRate: 0.5 });
   * for (const [part, device] of devices.entries()) {
   *   using x = tensor([[part + 1]], undefined, { device }); // each device its part of the batch
   *   using y = autograd.record(() => net.call(x));
   *   y.backward();
   * }
   * await trainer.stepAsync(2); // the gradient is 1 + 2
   * for (const device of devices) assertEquals(await net.weight.data(device).item(), 0.25);
   * net.weight.dispose();
   * trainer.dispose();
   * for (const device of devices) device.dispose();
   * ```
   */
  async stepAsync(batchSize: number, ignoreStaleGrad: boolean = false): Promise<void> {
    await reduceAsync(this.#ready("step", batchSize, ignoreStaleGrad));
    // Anew, as another step may have been made meanwhile.
    this.#update(this.#ready("step", batchSize, ignoreStaleGrad));
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
   * Sums gradients as {@linkcode allreduceGrads}; the program goes on meanwhile. Await it before
   * {@linkcode update} or the next backward pass.
   *
   * @returns When all copies have the sum.
   * @throws {DeferredInitializationError} If a parameter still waits for its shape.
   * @throws {StateError} If a gradient changed meanwhile.
   */
  async allreduceGradsAsync(): Promise<void> {
    await reduceAsync([...this.#trained().values()]);
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
   * @throws {FileError} If the file cannot be written; an older one stays as it is.
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
   * @throws {FileError} If the file cannot be read.
   * @throws {DeferredInitializationError} If a parameter in the file still waits for its shape.
   * @throws {LimitError} If it is larger than allowed.
   */
  async loadStates(source: FileSource): Promise<void> {
    const trained = this.#trained();
    const loaded = await decodeStates(
      this.optimizer,
      trained,
      await readBytes(source),
      sourceName(source),
    );
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
