// What tests of cooperative matrix kernels share: float16 operands, and comparing a plan's result with an oracle.

import { assert } from "@std/assert";
import type { Device } from "../../src/device/device.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { size } from "../reference/array.ts";
import type { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { bytesOf, runPlan, sharedDevice } from "./kernels_run.ts";

/** A float16 tensor, also as the numbers that the oracle computes with. */
export interface Halves {
  readonly half: Uint8Array<ArrayBuffer>;
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: number[];
}

/** Numbers that float16 holds exactly. */
export function drawHalves(random: Random, shape: readonly number[]): Halves {
  const half = Float16Array.from(random.float32(size(shape)));
  return { half: bytesOf(half), data: Float32Array.from(half), shape: [...shape] };
}

/** Runs a plan of float16; the result may miss half a step of float16 and what float32 sums lose. */
export async function checkHalfPlan(
  device: Device,
  plan: Plan,
  inputs: readonly (Uint8Array<ArrayBuffer> | null)[],
  expected: ArrayLike<number>,
): Promise<Uint8Array> {
  const bytes = await runPlan(device, plan, inputs, expected.length * 2);
  const actual = new Float16Array(bytes.buffer, bytes.byteOffset, expected.length);
  actual.forEach((value, at) => {
    const wanted = expected[at]!;
    assert(
      Math.abs(value - wanted) <= 2 ** -11 * Math.abs(wanted) + 2e-5,
      `${plan.label}: element ${at} of ${expected.length} is ${value}, expected ${wanted}`,
    );
  });
  return bytes;
}

/** Without such a device nothing can be run: the reason is printed, and the plan is interpreted elsewhere. */
export function cooperativeTest(name: string, fn: (device: Device) => Promise<void>): void {
  gpuTest(name, async () => {
    const device = await sharedDevice();
    if (device.capabilities.cooperativeMatrix === null) {
      console.log(`not run: ${device.adapter.name} has no cooperative matrices`);
      return;
    }
    await fn(device);
  });
}
