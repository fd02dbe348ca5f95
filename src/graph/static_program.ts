// Runs a graph that is planned ahead: in one arena, as the same steps each time, and once it is warm as commands that were
// recorded before. Results belong to the caller; nothing that the caller holds is ever overwritten.

import type { DeviceBuffer } from "../device/buffers.ts";
import type { ArenaRange, Recording, StaticStep } from "../device/recordings.ts";
import {
  type Device,
  preparedBuffer,
  reclaimForgotten,
  Storage,
  Tensor,
  unwatchOwner,
  watchOwner,
} from "../tensor/mod.ts";
import type { Graph, GraphVariable } from "./graph.ts";
import type { GraphValues } from "./run.ts";
import type { ProgramArena } from "./static_memory.ts";
import type { StaticPlan } from "./static_plan.ts";
import type { Operand } from "./static_steps.ts";

/** Recordings of one program, each for other inputs and results; the one that was used longest ago goes first. */
const MOST_RECORDINGS = 8;

/** Recordings in a row of which none served twice, after which inputs and results are copied instead. */
const MOST_MISSES = 16;

/** A parameter or a constant as the program saw it last. */
interface Bound {
  readonly storage: Storage;
  readonly version: number;
  readonly buffer: DeviceBuffer | null;
}

interface Kept {
  /** Identities of the memory of inputs and results. */
  readonly key: readonly number[];
  readonly recording: Recording;
}

/** What a program holds on the device. Knows nothing of the program, so that this may be forgotten. */
class Held {
  readonly device: Device;
  readonly arena: ProgramArena;
  views: readonly DeviceBuffer[] = [];
  readonly kept: Kept[] = [];
  /** Inputs and results of the program's own, from which and to which it copies. */
  readonly own: DeviceBuffer[] = [];

  constructor(device: Device, arena: ProgramArena) {
    this.device = device;
    this.arena = arena;
    arena.retain();
  }

  forgetRecordings(): void {
    for (const { recording } of this.kept.splice(0)) this.device.recordings.release(recording);
  }

  release(): void {
    if (!this.device.disposed) {
      this.forgetRecordings();
      this.device.recordings.giveBack(this.views);
      for (const buffer of this.own) buffer.release();
    }
    this.arena.release();
  }
}

/** A planned graph on a device. */
export class StaticProgram {
  readonly #graph: Graph;
  readonly #plan: StaticPlan;
  readonly #device: Device;
  readonly #held: Held;
  readonly #steps: StaticStep[];
  /** The buffer of each operand; the steps hold them too. */
  readonly #buffers: (DeviceBuffer | null)[];
  /** The lists of the steps that name each operand, with the binding. */
  readonly #uses: (readonly [buffers: DeviceBuffer[], binding: number])[][];
  /** Operands that are inputs or results: other memory in each call. */
  readonly #changing: readonly number[];
  readonly #outputs: readonly (Operand & { readonly kind: "output" })[];
  readonly #variables: readonly number[];
  readonly #bound = new Map<number, Bound>();
  /** Memory of parameters and of what is prepared from them. */
  readonly #identities = new Map<number, number>();
  #pieces: readonly DeviceBuffer[] = [];
  #runs = 0;
  #misses = 0;

  /**
   * Takes part in an arena.
   *
   * @param device The device.
   * @param graph The graph.
   * @param plan Its plan.
   * @param arena Where its values lie; shared with programs that run before and after it.
   */
  constructor(device: Device, graph: Graph, plan: StaticPlan, arena: ProgramArena) {
    this.#device = device;
    this.#graph = graph;
    this.#plan = plan;
    this.#held = new Held(device, arena);
    const { operands } = plan;
    this.#buffers = operands.map(() => null);
    this.#uses = operands.map(() => []);
    this.#steps = plan.steps.map(({ dispatch, copy, operands: bound, label, work }, at) => {
      const buffers: DeviceBuffer[] = new Array(bound.length);
      bound.forEach((operand, binding) => this.#uses[operand]!.push([buffers, binding]));
      return { dispatch, buffers, barrier: plan.barriers[at]!, label, work, ...(copy && { copy }) };
    });
    const numbers = operands.map((_, number) => number);
    const kindOf = (number: number) => operands[number]!.kind;
    this.#changing = numbers.filter((each) => ["input", "output"].includes(kindOf(each)));
    this.#outputs = operands.filter((each) => each.kind === "output");
    this.#variables = [
      ...new Set(
        operands.flatMap((operand) =>
          operand.kind === "variable" || operand.kind === "prepared" ? [operand.node] : []
        ),
      ),
    ];
    watchOwner(this, this.#held);
  }

  /** Bytes that its values need in the arena. */
  get arenaBytes(): number {
    return this.#plan.arenaBytes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** How many recordings it keeps. */
  get recordings(): number {
    return this.#held.kept.length;
  }

  /**
   * Runs the graph.
   *
   * @param values Inputs and parameters.
   * @param replay Whether to submit recorded commands; the first run, and every one while a profile is taken, does not.
   * @returns The outputs; one that is a variable is the caller's own tensor.
   * @throws {DisposedError} If an input was disposed.
   * @throws {OutOfMemoryError} If the device has no memory left.
   * @throws {DeviceLostError} If the device is lost.
   */
  run(values: GraphValues, replay: boolean): Tensor[] {
    reclaimForgotten();
    const device = this.#device;
    this.#enter();
    this.#bindVariables(values);
    const results = new Map<number, Storage>();
    try {
      for (const { node, byteLength } of this.#outputs) {
        results.set(node, Storage.allocate(device, byteLength, this.#labelOf(node)));
      }
      const buffers = this.#changing.map((number) => {
        const operand = this.#plan.operands[number]!;
        return operand.kind === "input"
          ? values.inputs[operand.index]!.storage.buffer!
          : results.get((operand as Operand & { kind: "output" }).node)!.buffer!;
      });
      if (this.#steps.length > 0) {
        if (replay && this.#runs++ > 0 && !device.recordings.profiling) this.#replay(buffers);
        else {
          this.#changing.forEach((number, at) => this.#set(number, buffers[at]!));
          device.recordings.run(this.#steps, this.#pieces);
        }
      }
      return this.#results(values, results);
    } finally {
      for (const storage of results.values()) storage.release();
    }
  }

  /** Frees what it holds, when the device is done with it. */
  dispose(): void {
    unwatchOwner(this);
    this.#held.release();
  }

  /** Sees to it that the arena is there, and carves it anew if it is another one. */
  #enter(): void {
    const { arenaBytes } = this.#plan;
    const { recordings } = this.#device;
    const held = this.#held;
    // One alignment more: a driver may round the last buffer up.
    const pieces = arenaBytes.map((byteLength, piece) =>
      held.arena.reserve(piece, byteLength + recordings.alignment)
    );
    if (pieces.every((whole, piece) => whole === this.#pieces[piece])) return;
    held.forgetRecordings();
    recordings.giveBack(held.views);
    held.views = [];
    this.#pieces = [];
    pieces.forEach((whole, piece) => this.#carve(whole, piece));
    this.#pieces = pieces;
  }

  /** Values in the same place share a buffer, and what is bound to it. */
  #carve(whole: DeviceBuffer, piece: number): void {
    const { operands, regions } = this.#plan;
    const ranges = new Map<string, ArenaRange>();
    const keys = operands.map((operand) => {
      if (operand.kind !== "inside" || regions[operand.region]!.piece !== piece) return null;
      const { region, byteLength } = operand;
      const offset = regions[region]!.offset + operand.offset;
      const key = `${offset} ${byteLength}`;
      ranges.set(key, { offset, byteLength });
      return key;
    });
    const made = this.#device.recordings.carve(whole, [...ranges.values()], "arena");
    this.#held.views = [...this.#held.views, ...made];
    const views = new Map([...ranges.keys()].map((key, at) => [key, made[at]!]));
    keys.forEach((key, number) => key !== null && this.#set(number, views.get(key)!));
  }

  /** Sees to it that parameters, and what is prepared from them, are bound as they are now. */
  #bindVariables(values: GraphValues): void {
    let changed = false;
    for (const node of this.#variables) {
      const { storage } = this.#variable(node, values);
      const known = this.#bound.get(node);
      const { version, buffer } = storage;
      if (
        known !== undefined && known.storage === storage && known.version === version &&
        known.buffer === buffer
      ) continue;
      this.#bound.set(node, { storage, version, buffer });
      changed = true;
    }
    if (!changed) return;
    let moved = false;
    this.#plan.operands.forEach((operand, number) => {
      let buffer: DeviceBuffer | null;
      if (operand.kind === "variable") buffer = this.#bound.get(operand.node)!.buffer;
      else if (operand.kind === "prepared") {
        const { storage } = this.#bound.get(operand.node)!;
        buffer = preparedBuffer(this.#device, operand.plan, operand.slot, storage);
      } else return;
      const { identity } = buffer!.resource!;
      if (this.#identities.get(number) !== identity) moved = true;
      this.#identities.set(number, identity);
      this.#set(number, buffer!);
    });
    if (moved) this.#held.forgetRecordings();
  }

  #variable(node: number, { parameters }: GraphValues): Tensor {
    const { name, value } = this.#graph.nodes[node] as GraphVariable;
    return value ?? parameters.get(name)!;
  }

  #set(number: number, buffer: DeviceBuffer): void {
    if (this.#buffers[number] === buffer) return;
    this.#buffers[number] = buffer;
    for (const [buffers, binding] of this.#uses[number]!) buffers[binding] = buffer;
  }

  #replay(buffers: readonly DeviceBuffer[]): void {
    const { recordings } = this.#device;
    const kept = this.#find(buffers);
    if (kept !== undefined) recordings.replay(kept.recording);
    else if (this.#misses < MOST_MISSES) recordings.replay(this.#record(buffers));
    else this.#replayCopied(buffers);
  }

  #find(buffers: readonly DeviceBuffer[]): Kept | undefined {
    const { kept } = this.#held;
    for (let at = kept.length - 1; at >= 0; at--) {
      const each = kept[at]!;
      if (!each.key.every((identity, i) => identity === buffers[i]!.resource!.identity)) continue;
      if (at < kept.length - 1) kept.push(...kept.splice(at, 1));
      this.#misses = 0;
      if (each.recording.valid) return each;
      kept.pop();
    }
    return undefined;
  }

  #record(buffers: readonly DeviceBuffer[]): Recording {
    const { kept } = this.#held;
    const { recordings } = this.#device;
    this.#changing.forEach((number, at) => this.#set(number, buffers[at]!));
    const recording = recordings.record(this.#steps, this.#pieces);
    this.#misses++;
    if (kept.length >= MOST_RECORDINGS) recordings.release(kept.shift()!.recording);
    kept.push({ key: buffers.map(({ resource }) => resource!.identity), recording });
    return recording;
  }

  /** Replays on memory of the program's own: the caller has other memory in every call, as when it keeps all results. */
  #replayCopied(buffers: readonly DeviceBuffer[]): void {
    const device = this.#device;
    const { operands } = this.#plan;
    const held = this.#held;
    if (held.own.length === 0) {
      for (const { byteLength } of buffers) held.own.push(device.allocate(byteLength, "arena"));
    }
    const { own } = held;
    const copy = (kind: Operand["kind"], from: readonly DeviceBuffer[], to: typeof from) =>
      this.#changing.forEach((number, at) => {
        if (operands[number]!.kind !== kind) return;
        device.copy(from[at]!, 0, to[at]!, 0, buffers[at]!.byteLength);
      });
    copy("input", buffers, own);
    device.recordings.replay(this.#find(own)?.recording ?? this.#record(own));
    this.#misses = MOST_MISSES;
    copy("output", own, buffers);
  }

  #labelOf(node: number): string {
    return this.#plan.entries[node]?.plan?.label ?? "result";
  }

  /** The outputs of the graph: new tensors over results, or what the caller gave. */
  #results(values: GraphValues, results: ReadonlyMap<number, Storage>): Tensor[] {
    const { nodes, outputs, inputs } = this.#graph;
    const made = new Map<number, Tensor>();
    return outputs.map((output) => {
      let tensor = made.get(output);
      if (tensor !== undefined) return tensor;
      const root = this.#plan.values.rootOf(output);
      const { kind } = nodes[root]!;
      const { shape, dtype } = nodes[output]!.spec;
      if (kind === "call") {
        const result = results.get(this.#plan.values.placeOf(root).home);
        result?.retain();
        // Without elements there is nothing that a step would write.
        const storage = result ?? Storage.allocate(this.#device, 0, this.#labelOf(root));
        tensor = new Tensor(storage, shape, dtype, this.#labelOf(root));
      } else {
        const source = kind === "input"
          ? values.inputs[inputs.indexOf(root)]!
          : this.#variable(root, values);
        if (root === output) tensor = source;
        else {
          source.storage.retain();
          tensor = new Tensor(source.storage, shape, dtype, source.label);
        }
      }
      made.set(output, tensor);
      return tensor;
    });
  }
}
