// Kernel plans: what to launch for one operator call, as plain data. Pure: no device, no promises.

import type { Dispatch, Program } from "../core/dispatch.ts";

export type { Capabilities } from "../core/capabilities.ts";

/** One buffer that a plan touches. */
export type Slot =
  | { readonly role: "input"; readonly index: number }
  | { readonly role: "output"; readonly index: number }
  | { readonly role: "temporary"; readonly byteLength: number }
  | {
    /** Derived from an input and kept as long as that input's contents do (weight repacks). */
    readonly role: "prepared";
    readonly key: string;
    readonly source: number;
    readonly byteLength: number;
    /** Bytes of each buffer that only the preparation needs; absent for none. */
    readonly scratchByteLengths?: readonly number[];
    /** Slot 0 is the source, slot 1 the prepared buffer, then come the scratch buffers. */
    readonly dispatches: readonly Dispatch[];
  };

/** The launches of one operator call. Every output element is written exactly once. */
export interface Plan {
  /** Operator and variant, for profiles: `Convolution/cpu_forward`. */
  readonly label: string;
  readonly slots: readonly Slot[];
  readonly dispatches: readonly Dispatch[];
  /** Floating-point operations of the mathematical definition (a multiply-add is two). */
  readonly flops: number;
  /** Bytes of all operands read once and the results written once. */
  readonly bytes: number;
}

/** Packs push words by name and computes the pipeline key. */
export function makeDispatch(
  program: Program,
  constants: Readonly<Record<string, number>>,
  push: Readonly<Record<string, number>>,
  slots: readonly number[],
  grid: readonly [number, number, number],
): Dispatch {
  for (const name of Object.keys(constants)) {
    if (!(name in program.constants)) throw new TypeError(`${program.id} has no constant ${name}`);
  }
  const addressBytes = program.addresses ? program.bindings.length * 8 : 0;
  const words = new Uint32Array((program.pushByteLength - addressBytes) / 4);
  const view = new DataView(words.buffer);
  for (const [name, word] of Object.entries(program.push)) {
    const value = push[name];
    if (value === undefined) throw new TypeError(`${program.id} needs the push word ${name}`);
    const offset = word.offset - addressBytes;
    if (word.type === "f32") view.setFloat32(offset, value, true);
    else if (word.type === "i32") view.setInt32(offset, value, true);
    else view.setUint32(offset, value, true);
  }
  for (const name of Object.keys(push)) {
    if (!(name in program.push)) throw new TypeError(`${program.id} has no push word ${name}`);
  }
  if (slots.length !== program.bindings.length) {
    throw new TypeError(
      `${program.id} has ${program.bindings.length} bindings, not ${slots.length}`,
    );
  }
  return {
    program,
    constants,
    pipelineKey: pipelineKey(program, constants),
    push: words,
    slots,
    grid,
  };
}

/** What identifies a program with values of its constants. */
export function pipelineKey(
  program: Program,
  constants: Readonly<Record<string, number>>,
): string {
  const names = Object.keys(constants).sort();
  return program.id + "|" + names.map((name) => `${name}=${constants[name]}`).join(",");
}
