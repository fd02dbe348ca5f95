// Executes plans: allocates outputs and temporaries, finds prepared buffers, dispatches. Knows slots
// and buffers, not operators.

import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { StateError } from "../core/errors.ts";
import { elementCount } from "../core/shape.ts";
import type { DeviceBuffer } from "../device/buffers.ts";
import type { Device } from "../device/device.ts";
import type { Plan, Slot } from "../kernels/plan.ts";
import { fixedShape } from "./fixed_shape.ts";
import { reclaimForgotten, Storage } from "./storage.ts";
import { Tensor } from "./tensor.ts";

/** Shape and dtype of a tensor that may not exist yet. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A result of a plan: what is counted once for all its runs. */
export interface ResultSpec extends TensorSpec {
  /** Number of elements. */
  readonly size: number;
  /** Bytes of the elements. */
  readonly byteLength: number;
}

/**
 * Counts elements and bytes of a result.
 *
 * @param spec Shape and dtype.
 * @returns The same with both counts, and a shape that never changes.
 * @throws {LimitError} If there are more elements than a tensor may have.
 */
export function resultSpec({ shape, dtype }: TensorSpec): ResultSpec {
  const size = elementCount(shape);
  const byteLength = size * dtypeByteLength(dtype);
  return { shape: fixedShape(shape), dtype, size, byteLength };
}

/**
 * Runs a plan on a device: enqueues its dispatches and returns at once.
 *
 * @param device The device; all inputs live there.
 * @param plan What to dispatch.
 * @param inputs Tensors by the index that slots name; null where an input is absent.
 * @param outputs Every output.
 * @returns New tensors, one for each output.
 * @throws {DisposedError} If an input was disposed.
 * @throws {OutOfMemoryError} If the device has no memory left; nothing stays allocated.
 */
export function execute(
  device: Device,
  plan: Plan,
  inputs: readonly (Tensor | null)[],
  outputs: readonly ResultSpec[],
): Tensor[] {
  const sources: (Storage | null)[] = [];
  for (let i = 0; i < inputs.length; i++) sources.push(inputs[i]?.storage ?? null);
  reclaimForgotten();
  const results: Storage[] = [];
  const temporaries: DeviceBuffer[] = [];
  const { label, slots, dispatches } = plan;
  try {
    for (let i = 0; i < outputs.length; i++) {
      results.push(Storage.allocate(device, outputs[i]!.byteLength, label));
    }
    const buffers: (DeviceBuffer | null)[] = [];
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      const buffer = resolve(device, plan, slot, sources, results);
      if (slot.role === "temporary" && buffer !== null) temporaries.push(buffer);
      buffers.push(buffer);
    }
    for (let i = 0; i < dispatches.length; i++) {
      const dispatch = dispatches[i]!;
      const operands = pick(plan, buffers, dispatch.slots);
      device.dispatch(dispatch, operands, label, i === 0 ? plan : undefined);
    }
  } catch (error) {
    for (const storage of results) storage.release();
    throw error;
  } finally {
    // Work runs in order: whoever takes these buffers next is queued behind this plan.
    for (let i = 0; i < temporaries.length; i++) temporaries[i]!.release();
  }
  const tensors: Tensor[] = [];
  for (let i = 0; i < results.length; i++) {
    const { shape, dtype, size } = outputs[i]!;
    tensors.push(new Tensor(results[i]!, shape, dtype, label, size));
  }
  return tensors;
}

function resolve(
  device: Device,
  plan: Plan,
  slot: Slot,
  sources: readonly (Storage | null)[],
  results: readonly Storage[],
): DeviceBuffer | null {
  switch (slot.role) {
    case "input":
      return sources[slot.index]?.buffer ?? null;
    case "output":
      return results[slot.index]?.buffer ?? null;
    case "temporary":
      return slot.byteLength === 0 ? null : device.allocate(slot.byteLength, plan.label);
    case "prepared": {
      const source = sources[slot.source];
      return source ? preparedBuffer(device, plan, slot, source) : null;
    }
  }
}

/**
 * What a plan prepares from an input: made by the first call with these contents.
 *
 * @param device The device.
 * @param plan The plan.
 * @param slot A slot of it.
 * @param source Memory of the input.
 * @returns The buffer, which belongs to the input; null if that has no elements.
 */
export function preparedBuffer(
  device: Device,
  plan: Plan,
  slot: Slot & { readonly role: "prepared" },
  source: Storage,
): DeviceBuffer | null {
  const from = source.buffer;
  if (!from) return null;
  return source.prepared(slot.key, slot.byteLength, (buffer) => {
    const buffers = [from, buffer];
    try {
      for (const byteLength of slot.scratchByteLengths ?? []) {
        buffers.push(device.allocate(byteLength, plan.label));
      }
      for (const dispatch of slot.dispatches) {
        device.dispatch(dispatch, pick(plan, buffers, dispatch.slots), plan.label);
      }
    } finally {
      for (const scratch of buffers.slice(2)) scratch.release();
    }
  });
}

function pick(
  plan: Plan,
  buffers: readonly (DeviceBuffer | null)[],
  slots: readonly number[],
): DeviceBuffer[] {
  const operands: DeviceBuffer[] = [];
  for (let i = 0; i < slots.length; i++) {
    const buffer = buffers[slots[i]!];
    if (!buffer) {
      throw new StateError(
        `Cannot run ${plan.label}: slot ${slots[i]} has no memory, but a dispatch binds it`,
      );
    }
    operands.push(buffer);
  }
  return operands;
}
