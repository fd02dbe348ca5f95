// What a block does with all the parameters it owns, directly or through its children: first values,
// settings, devices, loading and saving. Knows no children and no forward.

import { anything, boolean, checkOptionsObject, describe, readOptions } from "../core/options.ts";
import type { FileSource } from "../io/files.ts";
import {
  type InitializeOptions,
  PARAMETER_SETTINGS,
  type ParameterSetting,
} from "./block_options.ts";
import { Uniform } from "./initializer.ts";
import { create, type InitializerLike } from "./initializers.ts";
import { loadDict, type LoadDictOptions, type ParameterValues } from "./load_dict.ts";
import { warn } from "./messages.ts";
import { loadModel, type ModelNode, saveModel } from "./model_files.ts";
import type { Parameter } from "./parameter.ts";
import {
  loadParameters,
  type LoadParametersOptions,
  saveParameters,
  type SaveParametersOptions,
} from "./parameter_files.ts";
import { type DeviceOrDevices, readDevices, uninitializedError } from "./parameter_options.ts";
import { BlockNode } from "./block_node.ts";

/** Base of {@linkcode Block}, not for programs: what works on all parameters of a block at once. */
export abstract class ParameterOwner extends BlockNode {
  /** The parameters of the block and its descendants by dotted name. */
  abstract collectParams(select?: string | RegExp): Map<string, Parameter>;

  /**
   * Gives all parameters values, or notes how to do so where shapes are still unknown; those get their
   * values in the first call.
   *
   * @param init Rule for parameters that have none of their own; `Uniform(0.07)` by default.
   * @param options Device and repetition.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   * @throws {RangeError} If the initializer's name is unknown.
   */
  initialize(init?: InitializerLike | null, options: InitializeOptions = {}): void {
    const read = readOptions(`initialize ${this.constructor.name}`, options, {
      device: anything,
      forceReinit: boolean(false),
      verbose: boolean(false),
    });
    const defaultInit = init === undefined || init === null ? new Uniform() : create(init);
    for (const parameter of this.#distinct()) {
      parameter.initialize(null, { ...read, device: options.device, defaultInit });
    }
  }

  /**
   * Sets one property of every parameter of this block and its descendants.
   *
   * @param name `gradReq`, `lrMult`, `wdMult` or `init`.
   * @param value The value.
   * @throws {TypeError} If the name is another one; names the nearest.
   * @throws {RangeError} If the value is not allowed.
   */
  setattr<K extends ParameterSetting>(name: K, value: Parameter[K]): void {
    const where = `set attributes of the parameters of ${this.constructor.name}`;
    if (typeof name !== "string") {
      throw new TypeError(`Cannot ${where}: name is ${describe(name)}, expected a string`);
    }
    checkOptionsObject(where, { [name]: value }, PARAMETER_SETTINGS);
    for (const parameter of this.#distinct()) parameter[name] = value;
  }

  /** Sets the gradients of all parameters to zeros, as `gradReq` "add" needs before every batch. */
  zeroGrad(): void {
    for (const parameter of this.#distinct()) parameter.zeroGrad();
  }

  /**
   * Moves all parameters to other devices. Copies on several devices are averaged; gradients start
   * again as zeros. What waits for its shape will be made there.
   *
   * @param device Where parameters live from now on; several devices hold equal copies.
   * @throws {StateError} If a parameter is not initialized.
   * @throws {TypeError} If it is no device.
   */
  resetDevice(device: DeviceOrDevices): void {
    const devices = readDevices(`reset device of ${this.constructor.name}`, "device", device);
    const parameters = this.collectParams();
    // Checked first, so that an error leaves all where they were.
    for (const [name, { deferred, initialized }] of parameters) {
      if (!deferred && !initialized) {
        throw uninitializedError(`reset device of Parameter '${name}'`);
      }
    }
    for (const parameter of new Set(parameters.values())) parameter.resetDevice(devices);
  }

  /**
   * Old name of {@linkcode resetDevice}; warns.
   *
   * @param device Where parameters live from now on.
   * @throws {StateError} If a parameter is not initialized.
   * @deprecated Use {@linkcode resetDevice}.
   */
  resetCtx(device: DeviceOrDevices): void {
    warn(`${this.constructor.name}.resetCtx is deprecated; use resetDevice`);
    this.resetDevice(device);
  }

  /**
   * Sets parameters from values by name. A leading `arg:` or `aux:` of a name is ignored. Unknown
   * shapes are taken from the values; parameters need not be initialized.
   *
   * @param values Tensors, or typed arrays with shapes, by dotted name, in a map or an object.
   * @param options What to tolerate and where parameters go that have no device yet.
   * @throws {RangeError} If names are missing or too many and that is not tolerated.
   * @throws {ShapeError} If a shape does not fit.
   * @throws {TypeError} If a value or its dtype does not fit.
   *
   * @example
   * ```ts
   * import { Conv1D } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * const conv = new Conv1D(1, 2, { useBias: false });
   * conv.loadDict({ weight: { data: new Float32Array([1, 2]), shape: [1, 1, 2] } });
   * assertEquals(conv.weight.shape, [1, 1, 2]);
   * conv.dispose();
   * ```
   */
  loadDict(values: ParameterValues, options: LoadDictOptions = {}): void {
    loadDict(this.constructor.name, this.collectParams(), values, options);
  }

  /**
   * Sets parameters from a file, like {@linkcode loadDict}: `.params` of MXNet 2 and 1.x, also as
   * exported, `.npz` or `.safetensors`. The format is seen in the content. A file without any array
   * changes nothing and is no error.
   *
   * @param source Path, `file:` URL, bytes, or a stream of bytes such as `(await fetch(url)).body`.
   * @param options What to tolerate, where parameters go that have no device yet, and limits.
   * @returns When all parameters are set. If anything does not fit, none is.
   * @throws {FormatError} If the file is damaged, or its arrays have no names.
   * @throws {LimitError} If the file or its arrays are larger than allowed.
   * @throws {RangeError} If names are missing or too many and that is not tolerated.
   * @throws {ShapeError} If a shape does not fit.
   * @throws {TypeError} If a dtype does not fit, or the source is nothing that can be read.
   *
   * @example
   * ```ts
   * import { Conv1D } from "@vknn/vknn";
   * import { assertEquals } from "@std/assert";
   *
   * using trained = new Conv1D(2, 3, { inChannels: 1 });
   * trained.initialize();
   * using fresh = new Conv1D(2, 3); // the file tells the number of channels
   * await fresh.loadParameters(await trained.saveParameters());
   * assertEquals(await fresh.weight.data().data(), await trained.weight.data().data());
   * ```
   */
  async loadParameters(source: FileSource, options: LoadParametersOptions = {}): Promise<void> {
    await loadParameters(this.constructor.name, () => this.collectParams(), source, options);
  }

  /**
   * Writes all parameters into memory; see the other form.
   *
   * @param path Nothing.
   * @param options Format, and what to do with shared parameters.
   * @returns The bytes of the file.
   */
  saveParameters(path?: null, options?: SaveParametersOptions): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Writes all parameters to a file, atomically: a reader sees the old file or the new one. Values are
   * those at the time of the call; those on several devices are averaged.
   *
   * @param path Path or `file:` URL; its folder must exist. An ending of `.safetensors` or `.nd` chooses
   *   that format, any other the one that MXNet 2 writes and reads.
   * @param options Format, and what to do with shared parameters.
   * @returns When the file is on the disk.
   * @throws {StateError} If a parameter is not initialized.
   * @throws {DeferredInitializationError} If a parameter waits for its shape.
   * @throws {TypeError} If an option is unknown or has a wrong type.
   *
   * @example
   * ```ts
   * import { Conv2D } from "@vknn/vknn";
   * import { assert } from "@std/assert";
   * import { mkdtemp, rm } from "node:fs/promises";
   *
   * const folder = await mkdtemp("/tmp/vknn-");
   * using conv = new Conv2D(2, 3, { inChannels: 1 });
   * conv.initialize();
   * await conv.saveParameters(`${folder}/conv.params`); // MXNet 2 loads it
   * await conv.saveParameters(`${folder}/conv.nd`); // MXNet 1.x loads it
   * await conv.loadParameters(`${folder}/conv.params`);
   * assert(conv.weight.initialized);
   * await rm(folder, { recursive: true });
   * ```
   */
  saveParameters(path: string | URL, options?: SaveParametersOptions): Promise<void>;
  async saveParameters(
    path?: string | URL | null,
    options: SaveParametersOptions = {},
  ): Promise<Uint8Array<ArrayBuffer> | void> {
    return await saveParameters(this.constructor.name, this.collectParams(), path ?? null, options);
  }

  /**
   * Writes the tree of blocks with its graphs to `<prefix>-model.json`, and the parameters to
   * `<prefix>-model.params`, as MXNet does.
   *
   * @param prefix Start of the names of both files; their folder must exist.
   * @returns Their names.
   * @throws {StateError} If parameters are not initialized.
   *
   * @example
   * ```ts
   * import { Conv2D } from "@vknn/vknn";
   * import { mkdtemp, rm } from "node:fs/promises";
   * import { assertEquals } from "@std/assert";
   *
   * const folder = await mkdtemp("/tmp/vknn-");
   * using conv = new Conv2D(1, 1, { inChannels: 1, weightInitializer: "ones" });
   * conv.initialize();
   * await conv.save(`${folder}/net`);
   * using other = new Conv2D(1, 1);
   * await other.load(`${folder}/net`);
   * assertEquals([...await other.weight.data().data()], [1]);
   * await rm(folder, { recursive: true });
   * ```
   */
  save(prefix: string): Promise<readonly [string, string]> {
    return saveModel(this as unknown as ModelNode, prefix);
  }

  /**
   * Loads what {@linkcode save}, here or in MXNet, wrote of a model of the same blocks. Blocks that ran as
   * graphs then are active again.
   *
   * @param prefix Start of the names of both files.
   * @throws {FormatError} If a file is damaged, or of a model with other blocks.
   * @throws {RangeError} If names of parameters do not fit.
   * @throws {ShapeError} If shapes do not fit.
   */
  load(prefix: string): Promise<void> {
    return loadModel(this as unknown as ModelNode, prefix);
  }

  /** Frees the values of all parameters, which are then uninitialized. Also those of sharing blocks. */
  dispose(): void {
    for (const parameter of this.#distinct()) parameter.dispose();
  }

  /** Frees the values of all parameters at the end of a `using` scope. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #distinct(): Set<Parameter> {
    return new Set(this.collectParams().values());
  }
}
