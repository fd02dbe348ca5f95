// The slots of a plan that is made of several.

import type { Dispatch } from "../core/dispatch.ts";
import type { Plan, Slot } from "./plan.ts";
import { readsBinding } from "./widen.ts";

/** A weight that is made of an input. */
export interface DerivedWeight {
  readonly key: string;
  readonly byteLength: number;
  /** From slot 0, the input, to slot `to`. */
  readonly dispatches: (to: number) => Dispatch[];
}

/** An input of the whole plan that an embedded plan reads, or something that is made of it. */
export interface EmbeddedInput {
  readonly source: number;
  readonly derived?: DerivedWeight | undefined;
}

/** What the operands of an embedded plan are in the whole: slots, or inputs of the whole. */
export interface EmbeddedOperands {
  readonly inputs: readonly (number | EmbeddedInput)[];
  readonly output: number;
}

/** Collects slots of several plans; equal ones are kept once. */
export class Slots {
  readonly list: Slot[] = [];
  readonly #known = new Map<string, number>();

  add(key: string, make: () => Slot): number {
    let index = this.#known.get(key);
    if (index === undefined) {
      index = this.list.push(make()) - 1;
      this.#known.set(key, index);
    }
    return index;
  }

  input(index: number): number {
    return this.add(`input ${index}`, () => ({ role: "input", index }));
  }

  output(): number {
    return this.add("output", () => ({ role: "output", index: 0 }));
  }

  /** The plans run one after another, so the n-th temporary of each can be the same buffer. */
  temporary(ordinal: number, byteLength: number): number {
    return this.atLeast(`temporary ${ordinal}`, byteLength);
  }

  /** A temporary by its name, as large as the largest that was asked for. */
  atLeast(key: string, byteLength: number): number {
    const index = this.add(key, () => ({ role: "temporary", byteLength }));
    const slot = this.list[index] as Slot & { role: "temporary" };
    if (slot.byteLength < byteLength) this.list[index] = { role: "temporary", byteLength };
    return index;
  }

  /** Something kept that is made of an input. */
  derived(source: number, { key, byteLength, dispatches }: DerivedWeight): number {
    return this.add(
      `prepared ${key}`,
      () => ({ role: "prepared", key, source, byteLength, dispatches: dispatches(1) }),
    );
  }

  /**
   * Puts the dispatches of a plan on these slots. What it prepares is prepared from an input of the whole.
   *
   * @param plan The plan.
   * @param operands What its inputs and its output are.
   * @returns Its dispatches.
   */
  embed(plan: Plan, { inputs, output }: EmbeddedOperands): Dispatch[] {
    let temporaries = 0;
    const at = plan.slots.map((slot): (reads: boolean) => number => {
      switch (slot.role) {
        case "input": {
          const given = inputs[slot.index]!;
          if (typeof given === "number") return () => given;
          const { source, derived } = given;
          // Only what a kernel reads is made.
          return (reads) =>
            derived !== undefined && reads ? this.derived(source, derived) : this.input(source);
        }
        case "output":
          return () => output;
        case "temporary": {
          const index = this.atLeast(`embedded ${temporaries++}`, slot.byteLength);
          return () => index;
        }
        case "prepared": {
          const given = inputs[slot.source] as EmbeddedInput;
          const index = this.add(`prepared ${slot.key}`, () => prepareFrom(slot, given));
          return () => index;
        }
      }
    });
    return plan.dispatches.map((dispatch) => ({
      ...dispatch,
      slots: dispatch.slots.map((index, binding) => at[index]!(readsBinding(dispatch, binding))),
    }));
  }
}

/** The prepared slot of an embedded plan, made of the input of the whole, or of what is derived from that. */
function prepareFrom(
  slot: Slot & { readonly role: "prepared" },
  { source, derived }: EmbeddedInput,
): Slot {
  if (derived === undefined) return { ...slot, source };
  const scratch = slot.scratchByteLengths ?? [];
  const between = 2 + scratch.length;
  return {
    ...slot,
    key: `${derived.key}/${slot.key}`,
    source,
    scratchByteLengths: [...scratch, derived.byteLength],
    dispatches: [
      ...derived.dispatches(between),
      ...slot.dispatches.map((dispatch) => ({
        ...dispatch,
        slots: dispatch.slots.map((index) => index === 0 ? between : index),
      })),
    ],
  };
}
