// A device: the public face of this folder. Checks arguments and states, and leaves the work to the parts.

import type { Capabilities } from "../core/capabilities.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { DisposedError, OutOfMemoryError } from "../core/errors.ts";
import type { Adapter } from "./adapter.ts";
import type { LabelMemory, MemoryStatistics } from "./buffer_store.ts";
import { type BufferResource, DeviceBuffer, resourceOf } from "./buffers.ts";
import { readCapabilities } from "./capabilities.ts";
import type { Context } from "./context.ts";
import { checkBytes, checkDispatch, checkLaunch, checkRange } from "./checks.ts";
import { checkSize, checkWord, wholeWords } from "./checks.ts";
import { unwatchExit, watchExit } from "./exit.ts";
import { Kernels } from "./kernels.ts";
import { isMemoryFailure } from "./memory.ts";
import { openContext } from "./open.ts";
import { checkDeviceOptions, type DeviceOptions, type InternalDeviceOptions } from "./options.ts";
import { Parts } from "./parts.ts";
import type { Recordings } from "./recordings.ts";
import type { AnnouncedWork, KernelTiming } from "./profiler.ts";

export { DeviceBuffer } from "./buffers.ts";

/**
 * An opened Vulkan device. Work is recorded and runs in order; only downloads and `synchronize` wait for it.
 *
 * @example
 * ```ts
 * import { Device } from "./device.ts";
 *
 * const device = Device.open();
 * const buffer = device.allocate(16, "example");
 * device.upload(buffer, new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer));
 * const bytes = await device.download(buffer, 0, 16);
 * const values = new Float32Array(bytes.buffer);
 * if (values[3] !== 4) throw new Error("the bytes come back as they went in");
 * buffer.release();
 * device.dispose();
 * ```
 */
export class Device {
  /** The adapter that was opened. */
  readonly adapter: Adapter;
  /** What planning may rely on. */
  readonly capabilities: Capabilities;
  /** The compiled kernels: how to have them ready before they are needed. */
  readonly kernels: Kernels;
  /**
   * Work recorded once and submitted many times.
   *
   * @ignore
   */
  readonly recordings: Recordings;
  readonly #context: Context;
  readonly #parts: Parts;
  readonly #operands: BufferResource[] = []; // reused by every dispatch
  #disposed = false;

  private constructor(context: Context, options: InternalDeviceOptions) {
    this.#context = context;
    this.adapter = context.record.adapter;
    this.#parts = new Parts(context, options);
    this.kernels = new Kernels(this.#parts, () => this.#check("prepare kernels"));
    this.recordings = this.#parts.recordings;
    this.capabilities = readCapabilities(this, options, context, this.#parts.copies);
    context.onLost = (error) => this.#parts.fail(error);
    watchExit(this);
  }

  /**
   * Opens a device.
   *
   * @param options Which one, and its limits.
   * @returns The device; dispose of it when it is no longer needed.
   * @throws {LoaderError} If Vulkan is not installed, not permitted or has no driver.
   * @throws {DeviceError} If no adapter fits the wish, or the one that fits cannot be used.
   * @throws {TypeError} For an unknown option.
   *
   * @example
   * ```ts
   * import { Device } from "./device.ts";
   *
   * const device = Device.open({ memoryBudgetBytes: 256 * 1024 * 1024 });
   * if (device.adapter.name === "") throw new Error("every adapter has a name");
   * device.dispose();
   * ```
   */
  static open(options?: DeviceOptions): Device {
    const given = checkDeviceOptions(options);
    const context = openContext(given);
    try {
      return new Device(context, given);
    } catch (error) {
      context.dispose();
      throw isMemoryFailure(error)
        ? new OutOfMemoryError(`Cannot open ${context.record.adapter.name}: ${error.message}`, {
          cause: error,
        })
        : error;
    }
  }

  /** Whether the GPU stopped answering; then every call throws, and only a new device helps. */
  get lost(): boolean {
    return this.#context.lost !== undefined;
  }

  /** Whether `dispose()` was called. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * Takes memory from the pool, or from the driver if the pool has none that fits. Its contents are undefined.
   *
   * @param byteLength Bytes, above 0.
   * @param label What it is for, in messages and reports.
   * @param forHostWrite True if the next use is an upload: then memory without pending work is preferred.
   * @returns The buffer; release it when it is no longer needed.
   * @throws {LimitError} If no buffer of the device can be so large; nothing was allocated.
   * @throws {OutOfMemoryError} If the memory or its budget is exhausted, after idle buffers were freed.
   */
  allocate(byteLength: number, label: string, forHostWrite = false): DeviceBuffer {
    if (this.#disposed || this.#context.lost !== undefined) this.#check("allocate");
    checkSize(byteLength, label);
    const { store } = this.#parts;
    store.checkSize(byteLength, label);
    const resource = store.acquire(byteLength, label, forHostWrite);
    const buffer = new DeviceBuffer(this, resource, byteLength, label);
    store.enroll(buffer);
    return buffer;
  }

  /**
   * Writes bytes into a buffer, after all work recorded so far and before all work recorded later.
   *
   * @param buffer Where to.
   * @param bytes The bytes; copied before the call returns.
   * @param byteOffset First byte in the buffer.
   * @throws {RangeError} If they do not fit.
   */
  upload(buffer: DeviceBuffer, bytes: Uint8Array, byteOffset = 0): void {
    const resource = this.#use(buffer, "upload to");
    checkBytes(buffer, bytes);
    checkRange("upload to", buffer, byteOffset, bytes.length);
    if (bytes.length === 0) return;
    this.#parts.transfer.upload(resource, bytes, byteOffset, buffer.label);
    this.#parts.flushIfDue();
  }

  /**
   * Reads bytes of a buffer as all work recorded so far leaves them, without blocking the event loop.
   *
   * @param buffer Where from.
   * @param byteOffset First byte.
   * @param byteLength Number of bytes.
   * @returns The bytes.
   * @throws {RangeError} If they are not within the buffer.
   * @throws {DeadlineError} If the device makes no progress for too long.
   */
  async download(
    buffer: DeviceBuffer,
    byteOffset: number,
    byteLength: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const resource = this.#use(buffer, "download");
    checkRange("download", buffer, byteOffset, byteLength);
    if (byteLength === 0) return new Uint8Array(0);
    const { transfer } = this.#parts;
    const read = transfer.startRead(resource, byteOffset, byteLength, buffer.label);
    return await transfer.finish(read);
  }

  /**
   * Reads bytes of a buffer and blocks the thread until they are there.
   *
   * @param buffer Where from.
   * @param byteOffset First byte.
   * @param byteLength Number of bytes.
   * @returns The bytes.
   * @throws {RangeError} If they are not within the buffer.
   * @throws {DeadlineError} If the device makes no progress for too long.
   */
  downloadSync(
    buffer: DeviceBuffer,
    byteOffset: number,
    byteLength: number,
  ): Uint8Array<ArrayBuffer> {
    const resource = this.#use(buffer, "download");
    checkRange("download", buffer, byteOffset, byteLength);
    if (byteLength === 0) return new Uint8Array(0);
    const { transfer } = this.#parts;
    return transfer.finishSync(
      transfer.startRead(resource, byteOffset, byteLength, buffer.label),
    );
  }

  /**
   * Fills a buffer with a repeated word.
   *
   * @param buffer What to fill.
   * @param word 32 bits; those of a negative integer are taken as they are.
   * @throws {TypeError} If it is no number.
   * @throws {RangeError} If it is no integer of 32 bits.
   */
  fill(buffer: DeviceBuffer, word: number): void {
    const resource = this.#use(buffer, "fill");
    checkWord(buffer, word);
    const { recorder, store, transfer } = this.#parts;
    const length = wholeWords(buffer, resource.capacity);
    transfer.beforeWrite(resource);
    store.retry(buffer.label, 0, () => recorder.fill(resource, length, word));
    this.#parts.flushIfDue();
  }

  /**
   * Copies bytes from one buffer to another.
   *
   * @param source Where from.
   * @param sourceOffset First byte.
   * @param target Where to; the same buffer only if the ranges do not overlap.
   * @param targetOffset First byte.
   * @param byteLength Number of bytes.
   * @throws {RangeError} If a range is not within its buffer, or the ranges overlap.
   */
  copy(
    source: DeviceBuffer,
    sourceOffset: number,
    target: DeviceBuffer,
    targetOffset: number,
    byteLength: number,
  ): void {
    const from = this.#use(source, "copy from");
    const to = this.#use(target, "copy to");
    checkRange("copy from", source, sourceOffset, byteLength);
    checkRange("copy to", target, targetOffset, byteLength);
    if (byteLength === 0) return;
    // VUID-vkCmdCopyBuffer-pRegions-00117
    if (source === target && Math.abs(sourceOffset - targetOffset) < byteLength) {
      throw new RangeError(
        `Cannot copy within ${source.label}: ${byteLength} bytes at ${sourceOffset} and at ${targetOffset} overlap`,
      );
    }
    const { recorder, store, transfer } = this.#parts;
    transfer.beforeWrite(to);
    store.retry(
      target.label,
      0,
      () => recorder.copy(from, sourceOffset, to, targetOffset, byteLength),
    );
    this.#parts.flushIfDue();
  }

  /**
   * Records a kernel launch.
   *
   * @param dispatch Program, constants, push words and grid.
   * @param buffers The operand of each binding, in order.
   * @param label What it is for, in profiles and messages.
   * @param work Work of the operator's call that begins with this launch, for profiles.
   * @throws {DeviceError} If the program needs a feature that the device lacks.
   * @throws {LimitError} If the grid or an operand exceeds a limit.
   * @throws {TypeError} If an argument has a wrong type.
   */
  dispatch(
    dispatch: Dispatch,
    buffers: readonly DeviceBuffer[],
    label: string,
    work?: AnnouncedWork,
  ): void {
    if (this.#disposed || this.#context.lost !== undefined) this.#check("dispatch");
    checkLaunch(dispatch, buffers, label);
    if (this.kernels.rehearsing) return this.kernels.collect(dispatch);
    this.#parts.recorder.profiler?.announce(work);
    const operands = this.#operands;
    for (let i = 0; i < buffers.length; i++) {
      operands[i] = resourceOf(this, buffers[i] as DeviceBuffer, "dispatch with");
    }
    this.#parts.launch(dispatch, buffers, operands, label);
  }

  /**
   * Builds the pipeline of a dispatch, so that its first launch does not have to.
   *
   * @param dispatch Program and constants.
   * @throws {DeviceError} If the program needs a feature that the device lacks.
   */
  prepare(dispatch: Dispatch): void {
    this.#check("prepare a kernel");
    checkDispatch("prepare a kernel", dispatch);
    this.#parts.pipeline(dispatch);
  }

  /** Submits what is recorded. Downloads, `synchronize` and full batches do so by themselves. */
  flush(): void {
    this.#check("flush");
    this.#parts.flush();
  }

  /**
   * Waits until all work recorded so far is done, without blocking the event loop.
   *
   * @returns Resolves then.
   * @throws {DeadlineError} If the device makes no progress for too long.
   */
  async synchronize(): Promise<void> {
    this.flush();
    const { timeline } = this.#parts;
    await timeline.wait(timeline.submitted);
  }

  /**
   * Waits until all work recorded so far is done, and blocks the thread.
   *
   * @throws {DeadlineError} If the device makes no progress for too long.
   */
  synchronizeSync(): void {
    this.flush();
    const { timeline } = this.#parts;
    timeline.waitSync(timeline.submitted);
  }

  /** What the device holds. May be asked after `dispose()` too. */
  memory(): MemoryStatistics {
    return this.#parts.store.statistics();
  }

  /** What the buffers in use are for: one row for each label, the largest first. */
  memoryByLabel(): LabelMemory[] {
    return this.#parts.store.byLabel();
  }

  /** Begins to measure every dispatch. Kernels run one by one until `stopProfile()`. */
  startProfile(): void {
    this.#check("profile");
    this.#parts.startProfile();
  }

  /**
   * Ends the measurement and waits for the measured work.
   *
   * @returns One row for each dispatch since `startProfile()`, in order.
   */
  async stopProfile(): Promise<KernelTiming[]> {
    this.#check("profile");
    return await this.#parts.stopProfile();
  }

  /**
   * Waits for pending work and frees everything, buffers included. Pending downloads reject. Never throws; a second call does
   * nothing.
   */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    unwatchExit(this);
    this.#parts.dispose(
      new DisposedError(`The device ${this.adapter.name} was disposed while work was pending`),
    );
  }

  /** The same as `dispose()`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * Takes a buffer back; called by {@linkcode DeviceBuffer.release}.
   *
   * @param buffer The caller's handle.
   * @param resource Its memory.
   * @ignore
   */
  reclaimBuffer(buffer: DeviceBuffer, resource: BufferResource): void {
    if (!this.#disposed) this.#parts.store.release(buffer, resource);
  }

  /**
   * Waits for the device at what may be the end of the process. Never throws.
   *
   * @param timeoutMilliseconds Longest wait.
   * @param last Whether the process ends for certain: then nothing is submitted any more.
   * @ignore
   */
  quiesce(timeoutMilliseconds: number, last: boolean): void {
    if (!this.#disposed && !this.lost) this.#parts.quiesce(timeoutMilliseconds, last);
  }

  #check(verb: string): void {
    if (this.#disposed) {
      throw new DisposedError(`Cannot ${verb}: the device ${this.adapter.name} was disposed`);
    }
    if (this.#context.lost !== undefined) throw this.#context.lostError();
  }

  #use(buffer: DeviceBuffer, verb: string): BufferResource {
    if (this.#disposed || this.#context.lost !== undefined) this.#check(verb);
    return resourceOf(this, buffer, verb);
  }
}
