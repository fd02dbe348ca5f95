// All buffers of a device: live ones for the statistics, idle ones in the pool, doomed ones until the device is done with them.

import { LimitError, OutOfMemoryError } from "../core/errors.ts";
import { BufferPool, sizeClass } from "./buffer_pool.ts";
import type { BufferFactory, BufferResource, DeviceBuffer } from "./buffers.ts";
import type { Context } from "./context.ts";
import type { DescriptorCache } from "./descriptors.ts";
import { type DeviceMemory, isMemoryFailure, type MemoryKind } from "./memory.ts";
import { BLOCK_BYTES } from "./memory_blocks.ts";
import type { Recording } from "./recording.ts";
import type { Timeline } from "./timeline.ts";

/** Idle staging memory that is kept for each direction. */
const STAGING_BYTES: number = BLOCK_BYTES;

/** Labels named when memory is exhausted. */
const REPORTED_LABELS = 5;

/** What a device holds. */
export interface MemoryStatistics {
  /** Bytes of the buffers in use. */
  readonly liveBytes: number;
  /** Number of buffers in use. */
  readonly liveBuffers: number;
  /** Highest `liveBytes` so far. */
  readonly peakBytes: number;
  /** Bytes of device memory taken from the driver. */
  readonly reservedBytes: number;
  /** Bytes of idle buffers that wait for reuse. */
  readonly pooledBytes: number;
  /** Number of Vulkan objects that exist because of this device, itself included. */
  readonly vulkanObjects: number;
}

/** The buffers in use that have one label. */
export interface LabelMemory {
  /** What they are for. */
  readonly label: string;
  /** Bytes of all of them. */
  readonly liveBytes: number;
  /** How many there are. */
  readonly liveBuffers: number;
}

/** Hands out buffers and takes them back. */
export class BufferStore {
  /** Submits recorded work; set by the device, which owns the recorder. */
  flush: () => void = () => {};
  /** Frees recorded work whose memory is about to be destroyed; set by the device. */
  releaseRecording: (recording: Recording) => void = () => {};
  readonly #context: Context;
  readonly #timeline: Timeline;
  readonly #memory: DeviceMemory;
  readonly #factory: BufferFactory;
  readonly #descriptors: DescriptorCache;
  readonly #pools: Readonly<Record<MemoryKind, BufferPool<BufferResource>>> = {
    device: new BufferPool(),
    upload: new BufferPool(),
    readback: new BufferPool(),
  };
  /** Buffers in use; each knows its index. */
  readonly #live: DeviceBuffer[] = [];
  readonly #doomed: BufferResource[] = [];
  readonly #all: Set<BufferResource> = new Set();
  /** Bytes of the largest buffer. */
  readonly #largest: number;
  #liveBytes = 0;
  #peakBytes = 0;
  #reclaiming = false;

  /**
   * @param context The device.
   * @param timeline Its clock.
   * @param memory Where memory comes from.
   * @param factory Makes the buffers.
   * @param descriptors Forgets the sets of buffers that are destroyed.
   */
  constructor(
    context: Context,
    timeline: Timeline,
    memory: DeviceMemory,
    factory: BufferFactory,
    descriptors: DescriptorCache,
  ) {
    this.#context = context;
    this.#timeline = timeline;
    this.#memory = memory;
    this.#factory = factory;
    this.#descriptors = descriptors;
    const { limits } = context.record.adapter;
    this.#largest = Math.min(limits.maxBufferSize, limits.maxMemoryAllocationSize);
  }

  /** The counts. */
  statistics(): MemoryStatistics {
    return {
      liveBytes: this.#liveBytes,
      liveBuffers: this.#live.length,
      peakBytes: this.#peakBytes,
      reservedBytes: this.#memory.reservedBytes,
      pooledBytes: this.#pools.device.byteLength,
      vulkanObjects: this.#context.objects,
    };
  }

  /** The buffers in use by label, the largest first. */
  byLabel(): LabelMemory[] {
    const rows = new Map<string, { label: string; liveBytes: number; liveBuffers: number }>();
    for (const { label, byteLength } of this.#live) {
      const row = rows.get(label) ?? { label, liveBytes: 0, liveBuffers: 0 };
      row.liveBytes += byteLength;
      row.liveBuffers++;
      rows.set(label, row);
    }
    return [...rows.values()].sort((a, b) => b.liveBytes - a.liveBytes);
  }

  /**
   * Refuses a size that no buffer may have.
   *
   * @param byteLength Bytes wanted.
   * @param label What for.
   * @throws {LimitError} Naming the limit.
   */
  checkSize(byteLength: number, label: string): void {
    if (byteLength <= this.#largest) return;
    const { adapter } = this.#context.record;
    const { limits } = adapter;
    for (const name of ["maxBufferSize", "maxMemoryAllocationSize"] as const) {
      if (byteLength <= limits[name]) continue;
      throw new LimitError(
        `Cannot allocate ${label}: it needs ${byteLength} bytes, ${name} of ${adapter.name} allows ${
          limits[name]
        }. Use smaller batches.`,
      );
    }
  }

  /**
   * Takes memory for a caller's buffer.
   *
   * @param byteLength Bytes wanted.
   * @param label What for.
   * @param forHostWrite Whether the host writes it next, so that no pending work should use it.
   * @returns The memory.
   */
  acquire(byteLength: number, label: string, forHostWrite: boolean): BufferResource {
    const capacity = sizeClass(byteLength, this.#largest);
    const pool = this.#pools.device;
    const idle = forHostWrite && this.#memory.mapped;
    const known = idle ? this.#takeIdle(pool, capacity) : pool.take(capacity);
    if (known !== undefined) return known;
    if (idle && pool.byteLength > this.#memory.budgetBytes / 4) {
      // So much waits in the pool that staging is better than yet another buffer.
      const busy = pool.take(capacity);
      if (busy !== undefined) return busy;
    }
    return this.#create("device", capacity, label);
  }

  /**
   * Takes staging memory that no pending work uses.
   *
   * @param kind Its direction.
   * @param byteLength Bytes wanted.
   * @returns The memory; to be given back by `recycle` as soon as its commands are recorded or its bytes are read.
   */
  acquireStaging(kind: "upload" | "readback", byteLength: number): BufferResource {
    const { maxBufferSize } = this.#context.record.adapter.limits;
    const capacity = sizeClass(byteLength, maxBufferSize);
    const pool = this.#pools[kind];
    const idle = this.#takeIdle(pool, capacity);
    if (idle !== undefined) return idle;
    if (pool.byteLength + capacity > STAGING_BYTES && pool.count > 0) {
      // The ring is full: wait for the device to empty it.
      this.flush();
      this.#timeline.waitSync(this.#timeline.submitted);
      const emptied = pool.take(capacity, (entry) => this.#isIdle(entry));
      if (emptied !== undefined) return emptied;
      const rest = Math.max(0, STAGING_BYTES - capacity);
      for (const entry of pool.shrink(rest, (other) => this.#isIdle(other))) this.#destroy(entry);
    }
    return this.#create(kind, capacity, `${kind} staging`);
  }

  /**
   * Remembers a live buffer.
   *
   * @param buffer The caller's handle.
   */
  enroll(buffer: DeviceBuffer): void {
    buffer.liveIndex = this.#live.length;
    this.#live.push(buffer);
    this.#liveBytes += buffer.byteLength;
    if (this.#liveBytes > this.#peakBytes) this.#peakBytes = this.#liveBytes;
  }

  /**
   * Forgets a live buffer and keeps its memory for others.
   *
   * @param buffer The caller's handle.
   * @param resource Its memory.
   */
  release(buffer: DeviceBuffer, resource: BufferResource): void {
    const live = this.#live;
    const index = buffer.liveIndex;
    if (live[index] !== buffer) return;
    const last = live.pop() as DeviceBuffer;
    if (last !== buffer) {
      live[index] = last;
      last.liveIndex = index;
    }
    this.#liveBytes -= buffer.byteLength;
    this.recycle(resource);
  }

  /**
   * Puts memory into its pool.
   *
   * @param resource Memory that nobody holds any more; pending work may still use it.
   */
  recycle(resource: BufferResource): void {
    const pool = this.#pools[resource.kind];
    pool.put(resource);
    // A pool must not keep half of the memory for sizes that may never come again.
    const most = resource.kind === "device" ? this.#memory.budgetBytes / 2 : STAGING_BYTES * 2;
    if (pool.byteLength > most) this.#doomed.push(...pool.shrink(most));
  }

  /** Destroys doomed buffers that no pending work uses. */
  collect(): void {
    const { completed } = this.#timeline;
    let kept = 0;
    for (const resource of this.#doomed) {
      if (this.#isIdle(resource) && resource.lastUse <= completed) this.#destroy(resource);
      else this.#doomed[kept++] = resource;
    }
    this.#doomed.length = kept;
  }

  /** Gives everything that is not in use back to the driver: waits for pending work and empties the pools. */
  reclaim(): void {
    if (this.#reclaiming) return;
    this.#reclaiming = true;
    try {
      this.flush();
      this.#timeline.waitSync(this.#timeline.submitted);
      for (const pool of Object.values(this.#pools)) this.#doomed.push(...pool.shrink(0));
      this.collect();
      this.#memory.trim();
    } finally {
      this.#reclaiming = false;
    }
  }

  /**
   * Runs something that may exhaust memory; frees what can be freed and tries once more.
   *
   * @param label What it is for.
   * @param byteLength Bytes wanted; 0 if they are the driver's own.
   * @param attempt Must leave nothing behind when it throws.
   * @returns What `attempt` returned.
   * @throws {OutOfMemoryError} If it fails twice.
   */
  retry<Result>(label: string, byteLength: number, attempt: () => Result): Result {
    try {
      return attempt();
    } catch (error) {
      if (!isMemoryFailure(error)) throw error;
    }
    try {
      this.reclaim();
      return attempt();
    } catch (error) {
      throw isMemoryFailure(error) ? this.exhausted(label, byteLength, error) : error;
    }
  }

  /**
   * The error for exhausted memory.
   *
   * @param label What was wanted.
   * @param byteLength Bytes wanted; 0 if they are the driver's own.
   * @param cause The last failure.
   * @returns The error to throw.
   */
  exhausted(label: string, byteLength: number, cause: Error): OutOfMemoryError {
    const largest = this.byLabel().slice(0, REPORTED_LABELS);
    const list = largest.map((row) => `${row.label} ${row.liveBytes}`).join(", ");
    const wanted = byteLength > 0 ? `: ${byteLength} bytes wanted` : "";
    return new OutOfMemoryError(
      `Cannot allocate ${label} on ${this.#context.record.adapter.name}${wanted}, ${this.#liveBytes} bytes live ` +
        `(peak ${this.#peakBytes}), budget ${this.#memory.budgetBytes} bytes; ${cause.message}. ` +
        `Largest: ${
          list || "none"
        }. Dispose tensors, use smaller batches, or raise memoryBudgetBytes.`,
      { cause },
    );
  }

  /** Destroys everything; no pending work may use any of it. */
  dispose(): void {
    for (const resource of [...this.#all]) this.#destroy(resource);
    this.#live.length = 0;
    this.#doomed.length = 0;
    this.#liveBytes = 0;
    for (const pool of Object.values(this.#pools)) pool.shrink(0);
  }

  #takeIdle(pool: BufferPool<BufferResource>, capacity: number): BufferResource | undefined {
    const isIdle = (entry: BufferResource) => this.#isIdle(entry);
    const found = pool.take(capacity, isIdle);
    if (found !== undefined || pool.count === 0) return found;
    const before = this.#timeline.completed;
    return this.#timeline.poll() > before ? pool.take(capacity, isIdle) : undefined;
  }

  #isIdle(resource: BufferResource): boolean {
    return resource.lastUse <= this.#timeline.completed && resource.reads.size === 0;
  }

  #create(kind: MemoryKind, capacity: number, label: string): BufferResource {
    return this.retry(label, capacity, () => {
      this.collect();
      let resource = this.#factory.create(kind, capacity, false);
      if (resource === undefined) {
        this.#thin();
        resource = this.#factory.create(kind, capacity, true);
      }
      if (resource === undefined) throw new Error("Cannot happen: growing gave no memory");
      this.#all.add(resource);
      return resource;
    });
  }

  /** Before more memory is taken: idle buffers of other sizes may hold more than the live ones do. */
  #thin(): void {
    const pool = this.#pools.device;
    const keep = Math.max(BLOCK_BYTES, this.#liveBytes);
    if (pool.byteLength <= keep) return;
    this.#timeline.poll();
    for (const entry of pool.shrink(keep / 2, (other) => this.#isIdle(other))) this.#destroy(entry);
  }

  #destroy(resource: BufferResource): void {
    if (!this.#all.delete(resource)) return;
    for (const recording of [...resource.recordings]) this.releaseRecording(recording);
    this.#descriptors.forget(resource);
    this.#factory.destroy(resource);
  }
}
