// A device without a GPU on which tensors compute: its memory are arrays, and its launches are interpreted and checked.

import type { Dispatch } from "../../src/core/dispatch.ts";
import type { Capabilities, Plan } from "../../src/kernels/plan.ts";
import { FakeDevice } from "../null/tensor_fake_device.ts";
import { Operand, POISON } from "./memory.ts";
import { launch } from "./plans.ts";

type Buffer = ReturnType<FakeDevice["allocate"]>;

/** Plans that first fill their result, and then write some of it again. */
const FILLED = /^Slice\/gradient/;

/** A device that interprets what it is asked to run. */
export class SpirvDevice extends FakeDevice {
  override readonly capabilities: Capabilities;
  readonly #operands = new WeakMap<Buffer, Operand>();
  /** The plan that runs, its launches to come, and its results so far. */
  #plan: Plan | undefined;
  #left = 0;
  readonly #results = new Set<Operand>();

  /** @param capabilities What it says that it is. */
  constructor(capabilities: Capabilities) {
    super(`interpreter: ${capabilities.deviceClass}, ${capabilities.loadPath}`);
    this.capabilities = capabilities;
  }

  override allocate(byteLength: number, label: string): Buffer {
    const buffer = super.allocate(byteLength, label);
    new Int32Array(buffer.bytes.buffer).fill(POISON);
    return buffer;
  }

  override dispatch(
    dispatch: Dispatch,
    buffers: readonly Buffer[],
    label: string,
    plan?: Plan,
  ): void {
    super.dispatch(dispatch, buffers, label);
    const operands = buffers.map((buffer) => this.#operandOf(buffer));
    if (plan !== undefined) {
      this.#plan = plan;
      this.#left = plan.dispatches.length;
      this.#results.clear();
    }
    // What is launched outside of a plan prepares a weight.
    const slots = this.#left > 0 ? this.#plan!.slots : [];
    dispatch.slots.forEach((slot, binding) => {
      const own = operands[binding]!;
      if (slots[slot]?.role !== "output" || this.#results.has(own)) return;
      own.writes.fill(0);
      this.#results.add(own);
    });
    launch(this.capabilities, label, dispatch, operands);
    if (this.#left === 0 || --this.#left > 0) return;
    for (const each of this.#results) each.checkWrites(1, FILLED.test(label) ? 2 : 1);
  }

  #operandOf(buffer: Buffer): Operand {
    let found = this.#operands.get(buffer);
    if (found === undefined) {
      const { label, byteLength, bytes } = buffer;
      found = new Operand(label, byteLength, bytes.buffer);
      this.#operands.set(buffer, found);
    }
    return found;
  }
}
