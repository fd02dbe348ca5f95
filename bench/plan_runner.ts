// Runs plans of kernels without tensors, for benches that compare plans.

import type { Device, DeviceBuffer } from "../mod.ts";
import type { Plan } from "../src/kernels/plan.ts";

/** A plan with a buffer in every slot. */
export interface BoundPlan {
  /** Enqueues one run. */
  run(): void;
  /** Frees the buffers that only the plan needs. */
  release(): void;
}

/**
 * Binds a plan; prepared buffers are filled.
 *
 * @param device Where it runs.
 * @param plan The plan.
 * @param operand The buffer of an input or an output; it stays the caller's.
 * @returns The bound plan.
 */
export function bindPlan(
  device: Device,
  plan: Plan,
  operand: (role: "input" | "output", index: number) => DeviceBuffer,
): BoundPlan {
  const own: DeviceBuffer[] = [];
  const make = (byteLength: number) => {
    const buffer = device.allocate(byteLength, "bench");
    own.push(buffer);
    return buffer;
  };
  const launch = (
    dispatches: Plan["dispatches"],
    buffers: readonly DeviceBuffer[],
    label: string,
  ): void => {
    for (const each of dispatches) {
      device.dispatch(each, each.slots.map((at) => buffers[at]!), label);
    }
  };
  const buffers = plan.slots.map((slot) => {
    if (slot.role === "input" || slot.role === "output") return operand(slot.role, slot.index);
    const buffer = make(slot.byteLength);
    if (slot.role === "prepared") {
      const scratch = (slot.scratchByteLengths ?? []).map(make);
      launch(slot.dispatches, [operand("input", slot.source), buffer, ...scratch], "prepare");
    }
    return buffer;
  });
  return {
    run: () => launch(plan.dispatches, buffers, plan.label),
    release: () => own.forEach((buffer) => buffer.release()),
  };
}
