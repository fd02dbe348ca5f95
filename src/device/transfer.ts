// Bytes between the host and the device. Where the host sees kernel memory, one copy; elsewhere through staging buffers.

import type { BufferStore } from "./buffer_store.ts";
import type { BufferResource } from "./buffers.ts";
import type { Context } from "./context.ts";
import type { DeviceMemory } from "./memory.ts";
import type { Recorder } from "./recorder.ts";
import type { Timeline } from "./timeline.ts";

/** Bytes that go through one staging buffer. */
const CHUNK_BYTES = 16 * 1024 * 1024;

/** Bytes copied between looks at the clock: a system that has to find pages for the result needs over 2 ms for each MiB. */
const TURN_BYTES = 1024 * 1024;

/** Longest copying in one turn of the event loop. */
const TURN_MILLISECONDS = 4;

/** A download on its way. The bytes are those at the time of the call, whatever is written later. */
export class PendingRead {
  /** Memory to read when `serial` is finished. */
  source: BufferResource;
  /** First byte in `source`. */
  byteOffset: number;
  /** Submission that makes the bytes visible. */
  serial: number;
  /** Whether `source` is a staging buffer, to be recycled. */
  staged: boolean;
  /** Bytes copied so far. */
  copied = 0;
  /** Where the bytes go. */
  readonly result: Uint8Array<ArrayBuffer>;

  /**
   * @param source Memory to read.
   * @param byteOffset First byte.
   * @param byteLength Number of bytes.
   * @param serial Submission that makes them visible.
   * @param staged Whether `source` is a staging buffer.
   */
  constructor(
    source: BufferResource,
    byteOffset: number,
    byteLength: number,
    serial: number,
    staged: boolean,
  ) {
    this.source = source;
    this.byteOffset = byteOffset;
    this.serial = serial;
    this.staged = staged;
    this.result = new Uint8Array(byteLength);
  }

  /** Whether all bytes are there. */
  get done(): boolean {
    return this.copied === this.result.length;
  }
}

/** Uploads and downloads. */
export class Transfer {
  readonly #context: Context;
  readonly #timeline: Timeline;
  readonly #memory: DeviceMemory;
  readonly #store: BufferStore;
  readonly #recorder: Recorder;
  #closed: Error | undefined;

  /**
   * @param context The device.
   * @param timeline Its clock.
   * @param memory Flushes mapped memory.
   * @param store Hands out staging buffers.
   * @param recorder Records copies.
   */
  constructor(
    context: Context,
    timeline: Timeline,
    memory: DeviceMemory,
    store: BufferStore,
    recorder: Recorder,
  ) {
    this.#context = context;
    this.#timeline = timeline;
    this.#memory = memory;
    this.#store = store;
    this.#recorder = recorder;
  }

  /**
   * Writes bytes. They are copied before the call returns.
   *
   * @param target Where to.
   * @param bytes The bytes.
   * @param byteOffset First byte in `target`.
   * @param label What for, in errors.
   */
  upload(target: BufferResource, bytes: Uint8Array, byteOffset: number, label: string): void {
    if (this.#memory.mapped && this.#isIdle(target)) {
      this.beforeWrite(target);
      this.#write(target, bytes, byteOffset);
      return;
    }
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES);
      const staging = this.#store.acquireStaging("upload", chunk.length);
      try {
        this.#write(staging, chunk, 0);
        this.beforeWrite(target);
        this.#store.retry(label, 0, () => {
          this.#recorder.copy(staging, 0, target, byteOffset + at, chunk.length);
        });
      } finally {
        this.#store.recycle(staging);
      }
      // The device can copy one chunk while the host fills the next.
      if (at + CHUNK_BYTES < bytes.length) this.#store.flush();
    }
  }

  /**
   * Begins a download: records what is needed and submits it.
   *
   * @param source Where from.
   * @param byteOffset First byte.
   * @param byteLength Number of bytes, above 0.
   * @param label What for, in errors.
   * @returns The download, to be given to `finish` or `finishSync`.
   */
  startRead(
    source: BufferResource,
    byteOffset: number,
    byteLength: number,
    label: string,
  ): PendingRead {
    if (this.#memory.mapped) {
      if (source.hostStale) {
        this.#store.retry(label, 0, () => this.#recorder.releaseToHost(source));
      }
      const read = new PendingRead(source, byteOffset, byteLength, source.hostSerial, false);
      source.reads.add(read);
      if (read.serial > this.#timeline.submitted) this.#store.flush();
      return read;
    }
    const read = new PendingRead(source, byteOffset, byteLength, 0, false);
    this.#stage(read, label);
    this.#store.flush();
    return read;
  }

  /**
   * Ends a download without blocking the event loop.
   *
   * @param read From `startRead`.
   * @returns The bytes.
   */
  async finish(read: PendingRead): Promise<Uint8Array<ArrayBuffer>> {
    try {
      while (!read.done) {
        // Between a promise's end and this line the memory may have gone away.
        if (this.#closed !== undefined) throw this.#closed;
        if (read.serial > this.#timeline.completed) {
          if (read.serial > this.#timeline.submitted) this.#store.flush();
          // A write in the meantime may give the read another serial: look again.
          await this.#timeline.wait(read.serial);
          continue;
        }
        const until = performance.now() + TURN_MILLISECONDS;
        do this.#copyOut(read, TURN_BYTES); while (!read.done && performance.now() < until);
        if (!read.done) await nextTurn();
      }
      return read.result;
    } finally {
      this.cancel(read);
    }
  }

  /**
   * Ends a download and blocks the thread.
   *
   * @param read From `startRead`.
   * @returns The bytes.
   */
  finishSync(read: PendingRead): Uint8Array<ArrayBuffer> {
    try {
      this.#timeline.waitSync(read.serial);
      this.#copyOut(read, Infinity);
      return read.result;
    } finally {
      this.cancel(read);
    }
  }

  /**
   * Ends all downloads, because the memory goes away.
   *
   * @param error What they reject with.
   */
  close(error: Error): void {
    this.#closed = error;
  }

  /**
   * Lets go of what a download holds.
   *
   * @param read From `startRead`; finished or given up.
   */
  cancel(read: PendingRead): void {
    read.source.reads.delete(read);
    if (!read.staged || this.#closed !== undefined) return;
    read.staged = false;
    this.#store.recycle(read.source);
  }

  /**
   * Saves what downloads still have to read from a buffer that is about to be written.
   *
   * @param resource The buffer.
   */
  beforeWrite(resource: BufferResource): void {
    if (resource.reads.size === 0) return;
    for (const read of [...resource.reads]) {
      if (read.serial <= this.#timeline.poll()) {
        this.#copyOut(read, Infinity);
        resource.reads.delete(read);
      } else {
        this.#stage(read, "a download");
      }
    }
  }

  /** Makes a download read from a copy of its own. */
  #stage(read: PendingRead, label: string): void {
    const { source, byteOffset, result } = read;
    const staging = this.#store.acquireStaging("readback", result.length);
    try {
      this.#store.retry(label, 0, () => {
        this.#recorder.copy(source, byteOffset, staging, 0, result.length);
      });
      this.#recorder.releaseToHost(staging);
    } catch (error) {
      this.#store.recycle(staging);
      throw error;
    }
    source.reads.delete(read);
    read.source = staging;
    read.byteOffset = 0;
    read.serial = staging.hostSerial;
    read.staged = true;
  }

  #isIdle(resource: BufferResource): boolean {
    return resource.lastUse <= this.#timeline.completed ||
      (resource.lastUse <= this.#timeline.submitted && resource.lastUse <= this.#timeline.poll());
  }

  #write(target: BufferResource, bytes: Uint8Array, byteOffset: number): void {
    // Native calls take no shared memory.
    const owned = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
    // Lines at the edges hold bytes of the device, which a flush would overwrite with old ones.
    this.#memory.invalidate(target.piece, byteOffset, owned.length);
    this.#context.vulkan.memory.write(target.mappedAddress, owned, byteOffset);
    this.#memory.flush(target.piece, byteOffset, owned.length);
  }

  #copyOut(read: PendingRead, mostBytes: number): void {
    const { source, byteOffset, result, copied } = read;
    const length = Math.min(mostBytes, result.length - copied);
    this.#memory.invalidate(source.piece, byteOffset + copied, length);
    this.#context.vulkan.memory.read(
      source.mappedAddress,
      result.subarray(copied, copied + length),
      byteOffset + copied,
    );
    read.copied += length;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
