// Runs a plan on a device by hand: what src/tensor does, without tensors, so that kernels are tested below it.

import type { Device, DeviceBuffer } from "../../src/device/device.ts";
import type { Plan } from "../../src/kernels/plan.ts";

/** The device that all GPU tests share. */
export async function sharedDevice(): Promise<Device> {
  const api = await import("../../mod.ts") as unknown as { defaultDevice(): Device };
  return api.defaultDevice();
}

/** Raw bytes of a typed array. */
export function bytesOf(array: ArrayBufferView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
}

/**
 * Runs a plan. Buffers start with a pattern, so that an output element that no kernel writes is noticed.
 *
 * @param inputs Bytes of each input; null for one that the plan must not read.
 * @param outputBytes Bytes of the output.
 * @returns The output's bytes.
 */
export async function runPlan(
  device: Device,
  plan: Plan,
  inputs: readonly (Uint8Array<ArrayBuffer> | null)[],
  outputBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const owned: DeviceBuffer[] = [];
  const make = (byteLength: number, label: string): DeviceBuffer => {
    const buffer = device.allocate(Math.max(byteLength, 4), label);
    owned.push(buffer);
    device.fill(buffer, 0x7fc12345); // a NaN
    return buffer;
  };
  try {
    const sources = inputs.map((bytes, index) => {
      if (bytes === null) return undefined;
      const buffer = make(bytes.byteLength, `input ${index}`);
      if (bytes.byteLength > 0) device.upload(buffer, bytes);
      return buffer;
    });
    const output = make(outputBytes, "output");
    const buffers: DeviceBuffer[] = [];
    for (const slot of plan.slots) {
      if (slot.role === "input") {
        const source = sources[slot.index];
        if (source === undefined) throw new TypeError(`the plan reads absent input ${slot.index}`);
        buffers.push(source);
      } else if (slot.role === "output") {
        buffers.push(output);
      } else if (slot.role === "temporary") {
        buffers.push(make(slot.byteLength, "temporary"));
      } else {
        const prepared = make(slot.byteLength, "prepared");
        const bound = [sources[slot.source]!, prepared];
        for (const byteLength of slot.scratchByteLengths ?? []) {
          bound.push(make(byteLength, "scratch"));
        }
        for (const dispatch of slot.dispatches) {
          device.dispatch(dispatch, dispatch.slots.map((at) => bound[at]!), "prepare");
        }
        buffers.push(prepared);
      }
    }
    for (const dispatch of plan.dispatches) {
      device.dispatch(dispatch, dispatch.slots.map((at) => buffers[at]!), plan.label);
    }
    return await device.download(output, 0, outputBytes);
  } finally {
    for (const buffer of owned) buffer.release();
  }
}
