// Runs plans on plain arrays, with a function for each shader: for cooperative matrices, which no SPIR-V is interpreted for.
// Every read and write is checked to be in range, and writes of results are counted.

import { assert } from "@std/assert";
import type { Dispatch } from "../../src/core/dispatch.ts";
import type { Plan } from "../../src/kernels/plan.ts";

/** Elements of one buffer, with the writes of each. */
export class Memory {
  readonly data: Float64Array;
  readonly writes: Uint32Array;
  #label: string;

  /** @param content What it holds; a number for as many elements that nothing has written. */
  constructor(label: string, content: number | ArrayLike<number>) {
    this.data = typeof content === "number"
      ? new Float64Array(content).fill(NaN)
      : Float64Array.from(content);
    this.writes = new Uint32Array(this.data.length);
    this.#label = label;
  }

  read(at: number): number {
    if (!(at >= 0 && at < this.data.length)) this.#refuse("reads", at);
    return this.data[at]!;
  }

  write(at: number, value: number): void {
    if (!(at >= 0 && at < this.data.length)) this.#refuse("writes", at);
    this.data[at] = value;
    this.writes[at]!++;
  }

  #refuse(what: string, at: number): never {
    throw new RangeError(`a kernel ${what} element ${at} of ${this.data.length} of ${this.#label}`);
  }
}

/** One launch as an interpreter sees it. */
export interface Launch {
  /** Push word by name, unsigned or signed as declared. */
  readonly word: (name: string) => number;
  /** Specialization constant by name, defaults included. */
  readonly constant: (name: string) => number;
  /** Buffers by binding. */
  readonly buffers: readonly Memory[];
  readonly workgroups: number;
  readonly localSize: number;
}

/** Does what one shader does. */
export type Kernel = (launch: Launch) => void;

/** `divide` of shaders/glsl/lib/divide.glsl, for numerators below 2^21. */
export function divide(n: number, multiplier: number, shift: number): number {
  return (Math.floor(n * multiplier / 2 ** 32) + n) >>> shift;
}

function launchOf({ program, push, constants, slots, grid }: Dispatch, all: Memory[]): Launch {
  const view = new DataView(push.buffer);
  const base = program.addresses ? program.bindings.length * 8 : 0;
  const words = new Map<string, number>();
  for (const [name, { offset, type }] of Object.entries(program.push)) {
    const at = offset - base;
    words.set(name, type === "i32" ? view.getInt32(at, true) : view.getUint32(at, true));
  }
  const find = (name: string, value: number | undefined): number => {
    assert(value !== undefined, `${program.id} has no ${name}`);
    return value;
  };
  return {
    word: (name) => find(name, words.get(name)),
    constant: (name) => find(name, constants[name] ?? program.constants[name]?.value),
    buffers: slots.map((slot) => all[slot]!),
    workgroups: grid[0] * grid[1] * grid[2],
    localSize: constants["local_size_x"]!,
  };
}

/**
 * Runs a plan.
 *
 * @param kernels What shaders do, by program.
 * @param inputs Contents by input.
 * @param outputCount Elements of output 0.
 * @param elementBytes Bytes of the elements of temporaries and prepared buffers; of the smallest where they differ.
 * @returns Output 0, every element of which was written once.
 */
export function interpret(
  plan: Plan,
  kernels: Readonly<Record<string, Kernel>>,
  inputs: readonly (ArrayLike<number> | null)[],
  outputCount: number,
  elementBytes = 4,
): Float64Array {
  const output = new Memory("the output", outputCount);
  const sources = inputs.map((each, at) => each === null ? null : new Memory(`input ${at}`, each));
  const run = (dispatch: Dispatch, memory: Memory[]): void => {
    const kernel = kernels[dispatch.program.id];
    assert(kernel !== undefined, `no interpreter of ${dispatch.program.id}`);
    kernel(launchOf(dispatch, memory));
  };
  const memory = plan.slots.map((slot): Memory => {
    switch (slot.role) {
      case "input": {
        const source = sources[slot.index];
        assert(source !== null && source !== undefined, `absent input ${slot.index} is bound`);
        return source;
      }
      case "output":
        return output;
      case "temporary":
        return new Memory("a temporary", slot.byteLength / elementBytes);
      case "prepared": {
        const prepared = new Memory(slot.key, slot.byteLength / elementBytes);
        const scratch = (slot.scratchByteLengths ?? []).map((bytes) =>
          new Memory("scratch", bytes / elementBytes)
        );
        for (const each of slot.dispatches) {
          run(each, [sources[slot.source]!, prepared, ...scratch]);
        }
        return prepared;
      }
    }
  });
  for (const dispatch of plan.dispatches) run(dispatch, memory);
  for (const source of sources) {
    assert(source === null || source.writes.every((count) => count === 0), "inputs are kept");
  }
  const wrong = output.writes.findIndex((count) => count !== 1);
  assert(wrong < 0, `${plan.label}: element ${wrong} is written ${output.writes[wrong]} times`);
  return output.data;
}
