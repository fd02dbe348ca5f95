// Measures the variants of a call when it is planned for the first time, on devices opened for that: when it first runs, or
// before a graph is planned as a whole. Never while work is recorded for replays, collected or timed.

import { OutOfMemoryError } from "../core/errors.ts";
import { withVariant } from "../kernels/tuning.ts";
import { widenSpec } from "../kernels/widen.ts";
import type { Capabilities, Plan } from "../kernels/plan.ts";
import {
  type Device,
  execute,
  ones,
  type ResultSpec,
  type Tensor,
  type TensorSpec,
} from "../tensor/mod.ts";
import type { AttributeRules, Attributes, OperatorDefinition } from "./definition.ts";
import type { InputSpecs } from "./operand_checks.ts";
import type { PlanEntry } from "./plan_cache.ts";
import { planCall } from "./plan_call.ts";

/** Timed runs of each variant; their median counts. */
const RUNS = 5;

/** A variant that takes so many times as long as the best has lost after one run. */
const HOPELESS = 2;

/** What the planner chose by itself is kept unless another takes less than this share of its time. */
const WORTH = 0.97;

/**
 * Plans a call; measures its variants first where the device is to be tuned and the call was not seen yet.
 *
 * @param device The device.
 * @param definition The operator.
 * @param attributes Checked attributes.
 * @param inputs Shapes and dtypes of the inputs; null where one is absent.
 * @param training Whether the operator behaves as in training.
 * @returns What to run; marked where it should be measured and could not be.
 */
export function planTuned(
  device: Device,
  definition: OperatorDefinition<AttributeRules>,
  attributes: Attributes,
  inputs: InputSpecs,
  training: boolean,
): PlanEntry {
  const { capabilities, kernels } = device;
  const plan = (on: Capabilities) => planCall(definition, on, attributes, inputs, training);
  const entry = plan(capabilities);
  const { tunable } = definition;
  if (capabilities.tuning === undefined || tunable === undefined || entry.plan === null) {
    return entry;
  }
  const { tuning } = kernels;
  const wide = inputs.map(widenSpec);
  const work = tunable(capabilities, attributes, wide, widenSpec(entry.outputs[0]!));
  if (!tuning.measures || tuning.find(work.signature) !== undefined) return entry;
  if (!kernels.measurable) return { ...entry, unmeasured: true };
  const plans = work.candidates.map((variant) => ({
    variant,
    plan: plan(withVariant(capabilities, work.signature, variant)).plan!,
  }));
  // Where another kernel takes the call, as for float16 matrices, there is nothing to choose from.
  if (new Set(plans.map((each) => each.plan.label)).size < 2) return entry;
  try {
    tuning.keep(work.signature, fastest(device, plans, inputs, entry.outputs));
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
    return entry; // variants need memory of their own
  }
  return plan(capabilities);
}

function fastest(
  device: Device,
  plans: readonly { readonly variant: string; readonly plan: Plan }[],
  inputs: InputSpecs,
  outputs: readonly ResultSpec[],
): { variant: string; nanoseconds: number } {
  const operands: (Tensor | null)[] = [];
  try {
    // Not the caller's: what each variant prepares from a weight stays with it.
    for (const spec of inputs) operands.push(spec === null ? null : standIn(device, spec));
    let best = { variant: "", nanoseconds: Infinity };
    for (const { variant, plan } of plans) {
      const time = () =>
        device.kernels.measure(() => {
          for (const result of execute(device, plan, operands, outputs)) result.dispose();
        });
      time(); // compiles and prepares
      const nanoseconds = medianTime(time, best.nanoseconds);
      const share = best.variant === "" ? 1 : WORTH;
      if (nanoseconds < best.nanoseconds * share) best = { variant, nanoseconds };
    }
    return best;
  } finally {
    for (const operand of operands) operand?.dispose();
  }
}

function medianTime(time: () => number, best: number): number {
  const times = [time()];
  if (times[0]! > best * HOPELESS) return times[0]!;
  while (times.length < RUNS) times.push(time());
  return times.sort((a, b) => a - b)[RUNS >> 1]!;
}

/** A tensor of ones: kernels take as long for any numbers that are neither subnormal nor infinite. */
function standIn(device: Device, { shape, dtype }: TensorSpec): Tensor {
  return ones(shape, { device, dtype, label: "tuning" });
}
