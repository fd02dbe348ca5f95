// The slots of a plan that is made of several.

import type { Slot } from "./plan.ts";

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
    const index = this.add(`temporary ${ordinal}`, () => ({ role: "temporary", byteLength }));
    const slot = this.list[index] as Slot & { role: "temporary" };
    if (slot.byteLength < byteLength) this.list[index] = { role: "temporary", byteLength };
    return index;
  }
}
