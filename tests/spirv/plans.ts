// Runs whole plans on plain memory, and checks what a plan promises: every byte of the result is written once, inputs are
// kept, grids and workgroups are within the device's limits.

import { assert } from "@std/assert";
import type { Dispatch, RowCopy } from "../../src/core/dispatch.ts";
import type { Capabilities, Plan } from "../../src/kernels/plan.ts";
import { eachCopied } from "./copies.ts";
import { execute } from "./execute.ts";
import { Operand, TOUCHED } from "./memory.ts";

/** Programs that ran, with the number of their launches. */
export const launched: Map<string, number> = new Map();

/** Checks a launch against the limits of a device. */
export function checkDispatch(dispatch: Dispatch, capabilities: Capabilities): void {
  const { program, constants, grid, push } = dispatch;
  const { maxWorkgroupCount, maxWorkgroupSize, maxWorkgroupInvocations } = capabilities;
  grid.forEach((count, axis) =>
    assert(
      Number.isInteger(count) && count >= 1 && count <= Math.min(65_535, maxWorkgroupCount[axis]!),
      `${program.id}: grid ${grid}`,
    )
  );
  const size = [0, 1, 2].map((axis) => {
    const name = `local_size_${"xyz"[axis]}`;
    return constants[name] ?? program.constants[name]?.value ?? 1;
  });
  const invocations = size[0]! * size[1]! * size[2]!;
  assert(invocations <= maxWorkgroupInvocations, `${program.id}: ${size}`);
  assert(size.every((each, axis) => each <= maxWorkgroupSize[axis]!), `${program.id}: ${size}`);
  assert(program.pushByteLength <= capabilities.maxPushConstantBytes && push.byteLength <= 128);
}

/** Checks that a copy moves the very bytes that the kernel moved, and no others. */
function checkCopy(copy: RowCopy, [source, target]: readonly Operand[], before: Uint8Array): void {
  const after = target!.writes.slice();
  eachCopied(copy, (from, to) => {
    assert(from < source!.byteLength && to < target!.byteLength, `copied: ${from} to ${to}`);
    assert(after[to]! === before[to]! + 1, `byte ${to} is copied, but not by the kernel`);
    assert(source!.bytes[from] === target!.bytes[to], `byte ${to} is not byte ${from}`);
    after[to]!--;
  });
  const lost = after.findIndex((count, at) => count !== before[at]);
  assert(lost < 0, `byte ${lost} is not copied, but the kernel makes it`);
}

/**
 * Runs one launch of a plan.
 *
 * @param label Names the plan where something is wrong.
 * @param buffers The operands by binding.
 * @throws RangeError If a kernel reads or writes outside of an operand.
 */
export function launch(
  capabilities: Capabilities,
  label: string,
  dispatch: Dispatch,
  buffers: readonly Operand[],
): void {
  const { program } = dispatch;
  checkDispatch(dispatch, capabilities);
  launched.set(program.id, (launched.get(program.id) ?? 0) + 1);
  // A result that is bound as texels too is only touched, unless sums wait in it.
  const waits = (dispatch.constants["passes"] ?? 1) > 1;
  const bound = buffers.map((buffer, binding) => {
    const { kind, access, name } = program.bindings[binding]!;
    const touched = !waits && kind !== "storage" && access === "read" && name.includes("_old") &&
      program.bindings.some(({ access }, at) => access !== "read" && buffers[at] === buffer);
    return touched ? TOUCHED as unknown as Operand : buffer;
  });
  try {
    const before = buffers[1]?.writes.slice();
    execute(dispatch, bound, capabilities.subgroupSize);
    if (dispatch.copy !== undefined) checkCopy(dispatch.copy, buffers, before!);
  } catch (error) {
    const { pipelineKey } = dispatch;
    throw new Error(`${label}: ${pipelineKey}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Runs a plan.
 *
 * @param capabilities The device that it is for.
 * @param plan The plan.
 * @param inputs Contents by input; null for those that are absent.
 * @param outputs Bytes of each output.
 * @param least How often each byte of an output is written at least; 0 where there are gaps.
 * @returns The outputs, no byte of which was written twice.
 * @throws RangeError If a kernel reads or writes outside of an operand.
 */
export function runPlan(
  capabilities: Capabilities,
  plan: Plan,
  inputs: readonly (ArrayBufferView | null)[],
  outputs: readonly number[],
  least: 0 | 1 = 1,
): Operand[] {
  const results = outputs.map((bytes, at) => new Operand(`output ${at}`, bytes));
  const sources = inputs.map((each, at) => each === null ? null : new Operand(`input ${at}`, each));
  const run = (dispatch: Dispatch, memory: readonly Operand[]): void =>
    launch(capabilities, plan.label, dispatch, dispatch.slots.map((slot) => memory[slot]!));
  const source = (index: number): Operand => {
    const own = sources[index];
    assert(own !== null && own !== undefined, `${plan.label}: input ${index} is absent, but bound`);
    return own;
  };
  const memory = plan.slots.map((slot, at): Operand => {
    switch (slot.role) {
      case "input":
        return source(slot.index);
      case "output":
        return results[slot.index]!;
      case "temporary":
        return new Operand(`temporary ${at}`, slot.byteLength);
      case "prepared": {
        const own = [
          source(slot.source),
          new Operand(`prepared ${slot.key}`, slot.byteLength),
          ...(slot.scratchByteLengths ?? []).map((bytes) => new Operand("scratch", bytes)),
        ];
        for (const each of slot.dispatches) run(each, own);
        return own[1]!;
      }
    }
  });
  for (const dispatch of plan.dispatches) run(dispatch, memory);
  for (const each of sources) {
    assert(each === null || each.writes.every((count) => count === 0), "inputs are kept");
  }
  for (const each of results) each.checkWrites(least, 1);
  return results;
}
