// Work that runs many times in the same memory: buffers that share one piece of it, and command buffers that are kept. Knows no
// lifetimes; whoever plans them says where barriers go.

import { VkCommandPoolCreateInfo } from "../../ffi/vulkan/structs.ts";
import { roundUp } from "./memory_blocks.ts";
import { type BufferResource, DeviceBuffer, resourceOf } from "./buffers.ts";
import type { Context } from "./context.ts";
import type { DescriptorCache } from "./descriptors.ts";
import { WRITE } from "./hazards.ts";
import type { BufferFactory } from "./buffers.ts";
import type { Parts } from "./parts.ts";
import { Encoder, type PreparedStep, type Recording, type StaticStep } from "./recording.ts";

export type { Recording, StaticStep } from "./recording.ts";

/** Views of texels want no finer offsets, and lines of caches no coarser ones. */
const SMALLEST_ALIGNMENT = 64;

/** Estimated device time of one submission: waits with a deadline must see progress now and then. */
const SUBMISSION_NANOSECONDS = 1e9;

/** A range of an arena. */
export interface ArenaRange {
  /** First byte, a multiple of {@linkcode Recordings.alignment}. */
  readonly offset: number;
  /** Bytes, above 0. */
  readonly byteLength: number;
}

/** Keeps recorded work, and buffers that share memory. */
export class Recordings {
  readonly #context: Context;
  readonly #parts: Parts;
  readonly #factory: BufferFactory;
  readonly #descriptors: DescriptorCache;
  readonly #encoder: Encoder;
  readonly #carved: Set<BufferResource> = new Set();
  readonly #recordings: Set<Recording> = new Set();
  /** Not wanted any more, but perhaps still in use by the device. */
  #doomed: { readonly serial: number; readonly destroy: () => void }[] = [];
  #pool = 0n;
  #alignment = 0;

  /**
   * Devices make this; programs read it from {@linkcode Device.recordings}.
   *
   * @param context The device.
   * @param parts Its parts.
   * @param factory Makes buffers.
   * @param descriptors Writes descriptor sets.
   */
  constructor(
    context: Context,
    parts: Parts,
    factory: BufferFactory,
    descriptors: DescriptorCache,
  ) {
    this.#context = context;
    this.#parts = parts;
    this.#factory = factory;
    this.#descriptors = descriptors;
    this.#encoder = new Encoder(context, descriptors, factory, parts.copies);
  }

  /** Number of recordings that may be replayed. */
  get count(): number {
    return this.#recordings.size;
  }

  /** Whether launches are measured one by one, which only those can be that are recorded now. */
  get profiling(): boolean {
    return this.#parts.recorder.profiler !== undefined;
  }

  /** Bytes of which offsets in an arena are multiples. */
  get alignment(): number {
    if (this.#alignment === 0) {
      this.#alignment = Math.max(SMALLEST_ALIGNMENT, this.#factory.alignment());
    }
    return this.#alignment;
  }

  /**
   * Makes buffers within another one. They share its memory where they overlap, which the device's own barriers do not know.
   *
   * @param whole The arena, with room for one {@linkcode Recordings.alignment} behind the last range.
   * @param ranges Where the buffers lie.
   * @param label What they are for.
   * @returns The buffers, to be given back by {@linkcode Recordings.giveBack}.
   * @throws {OutOfMemoryError} If the driver has no memory left.
   */
  carve(whole: DeviceBuffer, ranges: readonly ArenaRange[], label: string): DeviceBuffer[] {
    const parent = resourceOf(whole.device, whole, "carve");
    const made: DeviceBuffer[] = [];
    try {
      for (const { offset, byteLength } of ranges) {
        const capacity = roundUp(byteLength, 16);
        const resource = this.#parts.store.retry(
          label,
          0,
          () => this.#factory.alias(parent, offset, capacity),
        );
        this.#carved.add(resource);
        made.push(new DeviceBuffer(whole.device, resource, byteLength, label));
      }
    } catch (error) {
      this.giveBack(made);
      throw error;
    }
    return made;
  }

  /**
   * Destroys carved buffers when the device is done with them.
   *
   * @param buffers From {@linkcode Recordings.carve}; nobody may use them any more.
   */
  giveBack(buffers: readonly DeviceBuffer[]): void {
    const { ring, timeline } = this.#parts;
    const serial = ring.recording ? ring.serial : timeline.submitted;
    for (const { resource } of buffers) {
      if (resource === undefined || !this.#carved.has(resource)) continue;
      this.#doomed.push({ serial, destroy: () => this.#destroyCarved(resource) });
    }
    this.#collect();
  }

  /**
   * Runs steps at once, one by one: the same work as a replay, visible to profiles and rehearsals.
   *
   * @param steps The steps.
   * @param arena The buffers that hold everything carved.
   */
  run(steps: readonly StaticStep[], arena: readonly DeviceBuffer[]): void {
    const { recorder } = this.#parts;
    steps.forEach(({ dispatch, buffers, barrier, copy, label, work }, at) => {
      const { device } = buffers[0]!;
      // What ran before may have used the same memory.
      if (barrier || at === 0) this.#parts.store.retry(label, 0, () => recorder.barrier());
      if (dispatch !== null) device.dispatch(dispatch, buffers, label, work);
      else device.copy(buffers[0]!, copy!.from, buffers[1]!, copy!.to, copy!.byteLength);
    });
    for (const whole of arena) recorder.noteShared(resourceOf(whole.device, whole, "run in"));
  }

  /**
   * Records steps for later.
   *
   * @param steps The steps.
   * @param arena The buffers that hold everything carved.
   * @returns The recording; it becomes invalid when memory that it names is destroyed.
   * @throws {OutOfMemoryError} If the driver has no memory left.
   * @throws {LimitError} If an operand exceeds a limit.
   */
  record(steps: readonly StaticStep[], arena: readonly DeviceBuffer[]): Recording {
    this.#collect();
    return this.#parts.store.retry("a recording", 0, () => this.#record(steps, arena));
  }

  /**
   * Submits a recording behind everything recorded so far.
   *
   * @param recording A valid one.
   * @throws {DeviceLostError} If the device is lost.
   */
  replay(recording: Recording): void {
    if (this.#context.lost !== undefined) throw this.#context.lostError();
    const { recorder, ring, store, transfer } = this.#parts;
    const { commandBuffers, writes } = recording;
    for (let i = 0; i < writes.length; i++) transfer.beforeWrite(writes[i] as BufferResource);
    for (let i = 0; i < commandBuffers.length; i++) {
      const commandBuffer = commandBuffers[i] as bigint;
      recording.lastUse = store.retry("a submission", 0, () => ring.replay(commandBuffer));
    }
    recorder.noteReplay(recording, recording.lastUse);
  }

  /**
   * Frees a recording when the device is done with it. A second call does nothing.
   *
   * @param recording It may not be replayed any more.
   */
  release(recording: Recording): void {
    if (!this.#recordings.delete(recording)) return;
    recording.valid = false;
    for (const list of [recording.reads, recording.writes]) {
      for (const resource of list) resource.recordings.delete(recording);
    }
    const destroy = () => this.#destroyRecording(recording);
    this.#doomed.push({ serial: recording.lastUse, destroy });
    this.#collect();
  }

  /** Destroys everything; no submitted work may use any of it. */
  dispose(): void {
    for (const recording of this.#recordings) recording.valid = false;
    for (const recording of this.#recordings) this.#destroyRecording(recording);
    this.#recordings.clear();
    for (const { destroy } of this.#doomed) destroy();
    this.#doomed = [];
    for (const resource of [...this.#carved]) this.#destroyCarved(resource);
    this.#context.destroy("CommandPool", this.#pool);
    this.#pool = 0n;
  }

  #record(steps: readonly StaticStep[], arena: readonly DeviceBuffer[]): Recording {
    const { arena: memory } = this.#context;
    const prepared = steps.map((step) => this.#prepare(step));
    const { pool, sets } = this.#encoder.makeSets(prepared);
    let commandBuffers: bigint[] = [];
    const toHost = this.#parts.memory.mapped;
    try {
      this.#pool ||= memory.scope(() =>
        this.#context.create(
          "CommandPool",
          memory.struct(VkCommandPoolCreateInfo, {
            queueFamilyIndex: this.#context.queueFamily,
          }).address,
        )
      );
      const parts = divide(prepared.map(costOf));
      commandBuffers = this.#encoder.allocate(this.#pool, parts.length);
      parts.forEach(([from, to], at) => {
        const last = at === parts.length - 1;
        this.#encoder.encode(
          commandBuffers[at]!,
          prepared.slice(from, to),
          sets.slice(from, to),
          toHost && last,
        );
      });
    } catch (error) {
      this.#freeCommands(commandBuffers);
      this.#context.destroy("DescriptorPool", pool);
      throw error;
    }
    const whole = arena.map((buffer) => resourceOf(buffer.device, buffer, "record in"));
    const [reads, writes] = this.#outside(prepared);
    const recording: Recording = {
      commandBuffers,
      descriptorPool: pool,
      reads,
      writes: [...writes, ...whole],
      toHost,
      lastUse: 0,
      valid: true,
    };
    for (const list of [recording.reads, recording.writes]) {
      for (const resource of list) resource.recordings.add(recording);
    }
    this.#recordings.add(recording);
    return recording;
  }

  #prepare(step: StaticStep): PreparedStep {
    const { dispatch, buffers } = step;
    const resources = buffers.map((buffer) => resourceOf(buffer.device, buffer, "record with"));
    const rows = dispatch?.copy === undefined
      ? undefined
      : this.#parts.copies.prepare(dispatch.copy, resources[0]!, resources[1]!);
    const launched = dispatch !== null && rows === undefined;
    return { step, pipeline: launched ? this.#parts.pipeline(dispatch) : null, resources, rows };
  }

  /** The memory outside of the arena that steps read and write. */
  #outside(steps: readonly PreparedStep[]): [reads: BufferResource[], writes: BufferResource[]] {
    const found = new Map<BufferResource, number>();
    for (const { pipeline, resources } of steps) {
      resources.forEach((resource, at) => {
        if (this.#carved.has(resource)) return;
        const access = pipeline === null ? at + 1 : pipeline.access[at]!;
        found.set(resource, (found.get(resource) ?? 0) | access);
      });
    }
    const [reads, writes]: [BufferResource[], BufferResource[]] = [[], []];
    for (const [resource, access] of found) {
      ((access & WRITE) !== 0 ? writes : reads).push(resource);
    }
    return [reads, writes];
  }

  #collect(): void {
    const { completed } = this.#parts.timeline;
    const isDone = ({ serial }: { serial: number }) => serial <= completed;
    for (const each of this.#doomed) if (isDone(each)) each.destroy();
    this.#doomed = this.#doomed.filter((each) => !isDone(each));
  }

  #destroyCarved(resource: BufferResource): void {
    if (!this.#carved.delete(resource)) return;
    this.#descriptors.forget(resource);
    this.#factory.destroyAlias(resource);
  }

  #destroyRecording({ commandBuffers, descriptorPool }: Recording): void {
    this.#freeCommands(commandBuffers);
    this.#context.destroy("DescriptorPool", descriptorPool);
  }

  #freeCommands(commandBuffers: readonly bigint[]): void {
    if (commandBuffers.length === 0) return;
    const { arena, commands, handle } = this.#context;
    arena.scope(() => {
      const list = arena.u64s([...commandBuffers]).address;
      commands.vkFreeCommandBuffers(handle, this.#pool, commandBuffers.length, list);
    });
  }
}

/**
 * Divides work so that each part is done in a submission's time.
 *
 * @param nanoseconds Estimated time of each step.
 * @param most Most time of a part, unless a single step takes longer.
 * @returns Ranges of steps, one behind the other.
 */
export function divide(
  nanoseconds: readonly number[],
  most: number = SUBMISSION_NANOSECONDS,
): [from: number, to: number][] {
  const parts: [number, number][] = [];
  let from = 0;
  let sum = 0;
  nanoseconds.forEach((each, at) => {
    if (sum > 0 && sum + each > most) {
      parts.push([from, at]);
      from = at;
      sum = 0;
    }
    sum += each;
  });
  return [...parts, [from, nanoseconds.length]];
}

/** Estimated time of a step; copies count for nothing. */
function costOf({ pipeline, step: { dispatch } }: PreparedStep): number {
  if (pipeline === null || dispatch === null) return 0;
  const [x, y, z] = dispatch.grid;
  return x * y * z * pipeline.nanosecondsPerGroup;
}
