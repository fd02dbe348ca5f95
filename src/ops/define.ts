// What an operator is: name and attributes as in MXNet, a shape rule, a plan. Applying one checks its
// arguments once for each combination of shapes, dtypes and attributes, and replays the cached plan
// from then on.

import { DeviceError } from "../core/errors.ts";
import { describe, readOptions } from "../core/options.ts";
import { type GradientRule, isInGraph, recordCall } from "../autograd/graph.ts";
import { isRecording, isTraining } from "../autograd/flags.ts";
import { type Capabilities, checkCapabilities } from "../core/capabilities.ts";
import { checkWrite, type Device, execute, Tensor } from "../tensor/mod.ts";
import type { TensorSpec } from "../tensor/mod.ts";
import type { AttributeRules, Attributes, OperatorDefinition } from "./definition.ts";
import { checkSpecs, type InputSpecs, noList } from "./operand_checks.ts";
import { type PlanEntry, PlanFinder } from "./plan_cache.ts";
import { planCall, runParts } from "./plan_call.ts";
import { currentTracer } from "./tracer.ts";
import { planTuned } from "./tuning.ts";

export type { BackwardCall } from "../autograd/graph.ts";
export type { AttributeRules, Attributes, OperatorDefinition } from "./definition.ts";
export {
  checkFloat,
  checkSameDType,
  checkSameSpec,
  inputSpec,
  type InputSpecs,
} from "./operand_checks.ts";
export type { TensorSpec } from "../tensor/mod.ts";

/** Work of one call. */
export interface OperatorCost {
  /** Floating-point operations of the definition; a multiply-add is two. */
  readonly flops: number;
  /** Bytes of all operands read once and the result written once. */
  readonly bytes: number;
}

/** One call of an operator, as a recorder sees it. */
export interface OperatorCall {
  readonly operator: Operator;
  /** Checked attributes. */
  readonly attributes: Attributes;
  readonly inputs: readonly (Tensor | null)[];
  readonly output: Tensor;
  /** Inputs that the call overwrote in place: an effect besides its output. */
  readonly overwrites: readonly number[];
}

/** Sees every call after it was enqueued. */
export type Recorder = (call: OperatorCall) => void;

let recorder: Recorder | null = null;

/**
 * Sets who sees every operator call; the place where automatic differentiation will listen.
 *
 * @param next The recorder; null for none.
 * @returns The one before.
 */
export function setRecorder(next: Recorder | null): Recorder | null {
  const before = recorder;
  recorder = next;
  return before;
}

const NOTHING: readonly never[] = [];

/** An operator that can be applied, planned and priced. */
export class Operator {
  readonly #definition: OperatorDefinition<AttributeRules>;
  readonly #where: string;
  readonly #rule: GradientRule;
  /** The attributes that this operator checked already, and the plans made with them. */
  readonly #checked = new WeakMap<object, PlanFinder>();
  #defaults: Attributes | undefined;

  /** @param definition What makes the operator. */
  constructor(definition: OperatorDefinition<AttributeRules>) {
    this.#definition = definition;
    this.#where = `apply ${definition.name}`;
    const { name, backward, keeps } = definition;
    this.#rule = { name, backward, keeps } as GradientRule;
  }

  /** MXNet's name. */
  get name(): string {
    return this.#definition.name;
  }

  /** Names of the inputs. */
  get inputNames(): readonly string[] {
    return this.#definition.inputs;
  }

  /** Names of the attributes, as in symbol JSON. */
  get attributeNames(): readonly string[] {
    return Object.keys(this.#definition.attributes);
  }

  /** True if there is a gradient. */
  get isDifferentiable(): boolean {
    return this.#rule.backward !== undefined;
  }

  /** True if the output always shares memory with input 0. */
  get isView(): boolean {
    return this.#definition.plan === null;
  }

  /**
   * Checks attributes and fills in defaults. What it returns is recognized and not checked again.
   *
   * @param attributes Values by MXNet's names.
   * @returns Frozen values of all attributes.
   * @throws {TypeError} If a name is unknown or a value has a wrong type.
   * @throws {RangeError} If a value is not allowed.
   */
  normalize(attributes: unknown): Attributes {
    if (typeof attributes === "object" && attributes !== null && this.#checked.has(attributes)) {
      return attributes as Attributes;
    }
    if (attributes === undefined && this.#defaults !== undefined) return this.#defaults;
    const { name, attributes: rules } = this.#definition;
    const values = Object.freeze(readOptions(this.#where, attributes, rules));
    this.#checked.set(values, new PlanFinder(name, values));
    if (attributes === undefined) this.#defaults = values;
    return values;
  }

  /**
   * Shape and dtype of the result.
   *
   * @param attributes Values by MXNet's names.
   * @param inputs Shapes and dtypes of the inputs.
   * @returns Shape and dtype of the output.
   * @throws {ShapeError} If shapes do not fit.
   * @throws {TypeError} If dtypes do not fit.
   */
  infer(attributes: unknown, inputs: InputSpecs): TensorSpec {
    const specs = checkSpecs(this.#where, this.#definition, inputs);
    return this.#definition.inferShape(this.normalize(attributes), specs);
  }

  /**
   * The work of one call, without a device to run it.
   *
   * @param capabilities What the plan may use.
   * @param attributes Values by MXNet's names.
   * @param inputs Shapes and dtypes of the inputs.
   * @returns Operations and bytes; both 0 for views and for results without elements.
   */
  cost(capabilities: Capabilities, attributes: unknown, inputs: InputSpecs): OperatorCost {
    checkCapabilities(this.#where, capabilities);
    const specs = checkSpecs(this.#where, this.#definition, inputs);
    const { plan, parts } = this.#entry(capabilities, this.normalize(attributes), specs);
    const plans = parts?.map((part) => part.plan) ?? (plan === null ? [] : [plan]);
    const sum = (name: "flops" | "bytes") => plans.reduce((all, each) => all + each[name], 0);
    return { flops: sum("flops"), bytes: sum("bytes") };
  }

  /** Measures the variants of a call, where the device is to be tuned and the call was not seen yet. */
  tune(device: Device, attributes: Attributes, inputs: InputSpecs): void {
    if (this.#definition.tunable === undefined || !device.kernels.tuning.measures) return;
    planTuned(device, this.#definition, attributes, inputs, false);
  }

  /** What a prediction has to run; null if that differs from call to call, or changes inputs. */
  planPrediction(
    capabilities: Capabilities,
    attributes: Attributes,
    inputs: InputSpecs,
  ): PlanEntry | null {
    const { draw, overwrites } = this.#definition;
    if ((draw?.(attributes, false) ?? null) !== null) return null;
    if ((overwrites?.(attributes, false) ?? NOTHING).length > 0) return null;
    return this.#entry(capabilities, attributes, inputs);
  }

  /**
   * Applies the operator: enqueues its work and returns at once.
   *
   * @param inputs Tensors; null or undefined where an optional one is absent.
   * @param attributes Values by MXNet's names.
   * @returns A new tensor.
   * @throws {TypeError} If an input is no tensor, or types do not fit.
   * @throws {ShapeError} If shapes do not fit.
   * @throws {DeviceError} If tensors lie on different devices.
   * @throws {DisposedError} If an input was disposed.
   */
  apply(inputs: readonly (Tensor | null | undefined)[], attributes?: unknown): Tensor {
    const tensors = this.#checkInputs(inputs);
    const { device } = firstOf(tensors);
    const values = this.normalize(attributes);
    const traced = currentTracer()?.trace(this, values, tensors) ?? null;
    if (traced !== null) return traced;
    const { modal = false, draw, overwrites } = this.#definition;
    const training = modal && isTraining();
    const drawn = draw?.(values, training)?.() ?? null;
    const used = drawn === null ? values : { ...values, ...drawn };
    const entry = drawn === null
      ? this.#cached(device, values, tensors, training)
      : this.#entry(device.capabilities, used, tensors, training);
    const changed = overwrites?.(used, training) ?? NOTHING;
    for (const at of changed) checkWrite(tensors[at]!);
    const results = this.#run(device, entry, tensors);
    const output = results[0]!;
    for (const at of changed) tensors[at]!.storage.touch();
    if (isRecording() && tensors.some((tensor) => tensor !== null && isInGraph(tensor))) {
      recordCall({
        rule: this.#rule,
        attributes: used,
        inputs: tensors,
        output,
        hidden: results.slice(1),
        training,
      });
    }
    for (let at = 1; at < results.length; at++) results[at]!.dispose();
    recorder?.({
      operator: this,
      attributes: values,
      inputs: tensors,
      output,
      overwrites: changed,
    });
    return output;
  }

  #cached(
    device: Device,
    values: Attributes,
    tensors: readonly (Tensor | null)[],
    training: boolean,
  ): PlanEntry {
    const finder = this.#checked.get(values)!;
    let entry = finder.find(device, tensors, training);
    if (entry === undefined || entry.unmeasured === true && device.kernels.measurable) {
      entry = planTuned(device, this.#definition, values, tensors, training);
      finder.add(device, tensors, training, entry);
    }
    return entry;
  }

  #run(
    device: Device,
    entry: PlanEntry,
    tensors: readonly (Tensor | null)[],
  ): Tensor[] {
    const { outputs, plan, parts, view } = entry;
    if (plan !== null) return execute(device, plan, tensors, outputs);
    if (parts !== undefined) return [runParts(device, entry, tensors, this.name)];
    if (view) {
      const { storage } = tensors[0]!;
      const { shape, dtype, size } = outputs[0]!;
      storage.retain();
      return [new Tensor(storage, shape, dtype, this.name, size)];
    }
    const nothing = { label: this.name, slots: [], dispatches: [], flops: 0, bytes: 0 };
    return execute(device, nothing, [], outputs);
  }

  #entry(
    capabilities: Capabilities,
    attributes: Attributes,
    inputs: InputSpecs,
    training: boolean = false,
  ): PlanEntry {
    return planCall(this.#definition, capabilities, attributes, inputs, training);
  }

  /** Called for every call: messages are made only when they are needed. */
  #checkInputs(inputs: readonly (Tensor | null | undefined)[]): (Tensor | null)[] {
    const { required = this.#definition.inputs.length } = this.#definition;
    if (!Array.isArray(inputs)) throw noList(this.#where, inputs);
    let first: Tensor | undefined;
    const tensors: (Tensor | null)[] = [];
    for (let index = 0; index < inputs.length; index++) {
      const input = inputs[index];
      if (input instanceof Tensor) {
        const { device } = input.storage; // throws if disposed
        first ??= input;
        if (device !== first.device) throw this.#otherDevice(inputs, index, first.device);
        tensors.push(input);
      } else if ((input === undefined || input === null) && index >= required) {
        tensors.push(null);
      } else {
        const name = this.#nameOf(inputs, index);
        throw new TypeError(
          `Cannot ${this.#where}: ${name} is ${describe(input)}, expected a Tensor`,
        );
      }
    }
    if (first !== undefined) return tensors;
    throw new TypeError(
      `Cannot ${this.#where}: found no tensors, expected at least ${Math.max(required, 1)}`,
    );
  }

  #nameOf(inputs: readonly unknown[], index: number): string {
    const { inputs: names } = this.#definition;
    return index < names.length - 1 || inputs.length <= names.length
      ? names[index]!
      : `${names.at(-1)}[${index - names.length + 1}]`;
  }

  #otherDevice(
    inputs: readonly (Tensor | null | undefined)[],
    index: number,
    device: Device,
  ): DeviceError {
    return new DeviceError(
      `Cannot ${this.#where}: ${this.#nameOf(inputs, index)} lies on another device ` +
        `(${inputs[index]!.device.adapter.name}) than ${this.#nameOf(inputs, 0)} ` +
        `(${device.adapter.name}); make it anew there from its data()`,
    );
  }
}

/**
 * Makes an operator from its definition.
 *
 * @param definition Name, attributes, shape rule and plan.
 * @returns The operator.
 */
export function defineOperator<R extends AttributeRules>(
  definition: OperatorDefinition<R>,
): Operator {
  // The operator hands its functions only attributes that went through its own rules.
  return new Operator(definition as unknown as OperatorDefinition<AttributeRules>);
}

/** The first input that is there. */
function firstOf(tensors: readonly (Tensor | null)[]): Tensor {
  let index = 0;
  while (tensors[index] === null) index++;
  return tensors[index]!;
}
