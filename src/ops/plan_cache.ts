// Finds the plan of a call again: first among the last few calls with the same attributes, by comparing
// shapes, then by a text over everything that the plan depends on. Eager calls come here every time.

import type { Plan } from "../kernels/plan.ts";
import type { Device, ResultSpec, Tensor, TensorSpec } from "../tensor/mod.ts";

/** What planning a call gave. */
export interface PlanEntry {
  /** The output, then hidden results. */
  readonly outputs: readonly ResultSpec[];
  /** Null where nothing has to run, as for views and results without elements, or where there are parts. */
  readonly plan: Plan | null;
  /** Whether the output shares the memory of input 0. */
  readonly view: boolean;
  /** What runs instead where the whole is more than the device can do. */
  readonly parts?: readonly BatchPart[];
  /** How the results of parts are added up, where they are not put behind each other. */
  readonly sum?: Plan;
  /** Whether the device is to be tuned, but could not measure when this was planned. */
  readonly unmeasured?: boolean;
}

/** A call on some images of the batch. */
export interface BatchPart {
  /** The first image. */
  readonly first: number;
  /** How many there are. */
  readonly count: number;
  /** For each input whether it has these images only. */
  readonly batched: readonly boolean[];
  readonly plan: Plan;
  /** The output of the part. */
  readonly outputs: readonly ResultSpec[];
}

type Inputs = readonly (Tensor | null)[];

/** A call seen before. */
interface Call {
  /** Stands for the device without keeping it alive. */
  readonly plans: Plans;
  readonly specs: readonly (TensorSpec | null)[];
  readonly training: boolean;
  readonly entry: PlanEntry;
}

type Plans = Map<string, PlanEntry>;

/** Plans kept for each device; the oldest go first. Each is a few hundred bytes. */
const CACHE_ENTRIES = 4096;

/** Calls compared by their shapes before a text is made. */
const RECENT_CALLS = 4;

const caches = new WeakMap<Device, Plans>();

/** The plans of one operator with certain attributes. */
export class PlanFinder {
  readonly #text: string;
  readonly #recent: Call[] = [];
  #next = 0;

  /**
   * @param name The operator's name.
   * @param attributes Checked attributes.
   */
  constructor(name: string, attributes: object) {
    this.#text = `${name} ${Object.values(attributes).map(keyText).join("|")}`;
  }

  /**
   * Looks for the plan of a call.
   *
   * @param device Where the inputs live.
   * @param inputs The inputs; null where one is absent.
   * @param training Whether the operator behaves as in training.
   * @returns What was added for a call like this; undefined if there is nothing, or it was displaced.
   */
  find(device: Device, inputs: Inputs, training: boolean): PlanEntry | undefined {
    const plans = caches.get(device);
    if (plans === undefined) return undefined;
    const recent = this.#recent;
    for (let i = 0; i < recent.length; i++) {
      const call = recent[i]!;
      if (call.plans === plans && call.training === training && fits(call.specs, inputs)) {
        return call.entry;
      }
    }
    const entry = plans.get(this.#key(inputs, training));
    if (entry !== undefined) this.#remember(plans, inputs, training, entry);
    return entry;
  }

  /**
   * Keeps a plan for later calls.
   *
   * @param device Where the inputs live.
   * @param inputs The inputs; null where one is absent.
   * @param training Whether the operator behaves as in training.
   * @param entry What was planned.
   */
  add(device: Device, inputs: Inputs, training: boolean, entry: PlanEntry): void {
    let plans = caches.get(device);
    if (plans === undefined) caches.set(device, plans = new Map());
    if (plans.size >= CACHE_ENTRIES) plans.delete(plans.keys().next().value!);
    plans.set(this.#key(inputs, training), entry);
    this.#remember(plans, inputs, training, entry);
  }

  #remember(plans: Plans, inputs: Inputs, training: boolean, entry: PlanEntry): void {
    const specs = inputs.map((input) =>
      input === null ? null : { shape: input.shape, dtype: input.dtype }
    );
    const call = { plans, specs, training, entry };
    const known = this.#recent.findIndex((each) =>
      each.plans === plans && each.training === training && fits(each.specs, inputs)
    );
    if (known >= 0) {
      this.#recent[known] = call;
      return;
    }
    this.#recent[this.#next] = call;
    this.#next = (this.#next + 1) % RECENT_CALLS;
  }

  #key(inputs: Inputs, training: boolean): string {
    let key = training ? `training ${this.#text}` : this.#text;
    for (const input of inputs) {
      key += input === null ? ";" : `;${input.dtype} ${input.shape.join()}`;
    }
    return key;
  }
}

function fits(specs: readonly (TensorSpec | null)[], inputs: Inputs): boolean {
  if (specs.length !== inputs.length) return false;
  for (let i = 0; i < specs.length; i++) {
    const spec = specs[i]!;
    const input = inputs[i]!;
    if (spec === null || input === null) {
      if (spec !== input) return false;
      continue;
    }
    if (spec.dtype !== input.dtype || !sameShape(spec.shape, input.shape)) return false;
  }
  return true;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true; // tensors of one shape often share the array
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
}

/** An attribute in a cache key: every number as itself, also -0 and NaN; `[2]` is not `2`. */
function keyText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(keyText).join()}]`;
  return Object.is(value, -0) ? "-0" : String(value);
}
