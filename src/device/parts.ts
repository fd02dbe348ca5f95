// The parts of a device: made together, failed together, freed together in the right order.

import type { Dispatch, RowCopy } from "../core/dispatch.ts";
import { DeviceLostError, LimitError } from "../core/errors.ts";
import { BufferStore } from "./buffer_store.ts";
import { BufferFactory, type BufferResource, type DeviceBuffer } from "./buffers.ts";
import { CommandRing } from "./command_ring.ts";
import type { Context } from "./context.ts";
import { DescriptorCache } from "./descriptors.ts";
import { WRITE } from "./hazards.ts";
import { DeviceMemory, isMappable, isMemoryFailure } from "./memory.ts";
import type { InternalDeviceOptions } from "./options.ts";
import { type Pipeline, PipelineCache } from "./pipelines.ts";
import { type KernelTiming, Profiler } from "./profiler.ts";
import { Recorder } from "./recorder.ts";
import { Recordings } from "./recordings.ts";
import { RowCopies } from "./row_copies.ts";
import { Timeline } from "./timeline.ts";
import { Transfer } from "./transfer.ts";
import { Tuning } from "./tuning.ts";

/** Share of the heap that is taken at most, where the caller does not say. */
const BUDGET_SHARE = 0.8;

/** How long a wait may see no progress, where the caller does not say. */
const TIMEOUT_MILLISECONDS = 60_000;

/** How long a device that was lost may take to say so again. */
const LOST_TIMEOUT_MILLISECONDS = 2000;

/** What a device is made of. */
export class Parts {
  /** Its clock. */
  readonly timeline: Timeline;
  /** Its memory. */
  readonly memory: DeviceMemory;
  /** Its buffers. */
  readonly store: BufferStore;
  /** Its pipelines. */
  readonly pipelines: PipelineCache;
  /** Its command buffers. */
  readonly ring: CommandRing;
  /** Its commands. */
  readonly recorder: Recorder;
  /** Its copies of rows. */
  readonly copies: RowCopies;
  /** Its recorded work. */
  readonly recordings: Recordings;
  /** Its uploads and downloads. */
  readonly transfer: Transfer;
  /** Its results of tuning. */
  readonly tuning: Tuning;
  readonly #context: Context;
  readonly #descriptors: DescriptorCache;
  readonly #profilers: Set<Profiler> = new Set();
  #closed: Error | undefined;

  /**
   * @param context The device; not owned until the constructor returns.
   * @param options The caller's options.
   */
  constructor(context: Context, options: InternalDeviceOptions) {
    this.#context = context;
    this.tuning = new Tuning(context, options);
    this.timeline = new Timeline(context, options.timeoutMilliseconds ?? TIMEOUT_MILLISECONDS);
    const { limits } = context.record.adapter;
    const heap = limits.heapBytes > 0 ? limits.heapBytes : Math.max(...context.record.heapBytes);
    this.memory = new DeviceMemory(context, {
      mapped: usesMappedTransfers(context, options.transfers),
      budgetBytes: Math.floor(options.memoryBudgetBytes ?? heap * BUDGET_SHARE),
      blockBytes: options.blockBytes,
    });
    const factory = new BufferFactory(context, this.memory);
    this.#descriptors = new DescriptorCache(context, this.timeline, factory);
    this.pipelines = new PipelineCache(context, this.#descriptors, options);
    try {
      this.ring = new CommandRing(context, this.timeline);
    } catch (error) {
      this.pipelines.dispose();
      this.memory.dispose();
      this.timeline.dispose();
      throw error;
    }
    this.recorder = new Recorder(context, this.ring, this.#descriptors, factory);
    this.store = new BufferStore(context, this.timeline, this.memory, factory, this.#descriptors);
    this.copies = new RowCopies(context, this.recorder);
    this.store.flush = () => this.flush();
    this.transfer = new Transfer(context, this.timeline, this.memory, this.store, this.recorder);
    this.recordings = new Recordings(context, this, factory, this.#descriptors);
    this.store.releaseRecording = (recording) => this.recordings.release(recording);
  }

  /** Submits what is recorded. */
  flush(): void {
    if (!this.ring.recording) return;
    try {
      this.ring.flush();
    } catch (error) {
      if (!isMemoryFailure(error)) throw error;
      // The commands are kept: free what can be freed and submit them again.
      this.store.retry("a submission", 0, () => this.ring.flush());
    }
  }

  /** Submits what is recorded, if it is enough. */
  flushIfDue(): void {
    if (this.ring.due) this.flush();
  }

  /**
   * The pipeline of a dispatch.
   *
   * @param dispatch Program and constants.
   * @returns The pipeline, made at the first call.
   */
  pipeline(dispatch: Dispatch): Pipeline {
    const known = this.pipelines.find(dispatch);
    if (known !== undefined) return known;
    const label = `pipeline ${dispatch.program.id}`;
    return this.store.retry(label, 0, () => this.pipelines.make(dispatch));
  }

  /**
   * Checks and records a kernel launch.
   *
   * @param dispatch What to launch.
   * @param buffers The operand of each binding.
   * @param resources Their memory; may be longer.
   * @param label What it is for.
   */
  launch(
    dispatch: Dispatch,
    buffers: readonly DeviceBuffer[],
    resources: readonly BufferResource[],
    label: string,
  ): void {
    if (dispatch.copy !== undefined && this.#copy(dispatch, resources, label)) return;
    const pipeline = this.pipelines.find(dispatch) ?? this.pipeline(dispatch);
    const { access } = pipeline;
    if (buffers.length !== access.length) {
      throw new TypeError(
        `Cannot dispatch ${dispatch.program.id} for ${label}: found ${buffers.length} buffers, expected ${access.length}`,
      );
    }
    for (let i = 0; i < access.length; i++) {
      const resource = resources[i] as BufferResource;
      if (resource.reads.size > 0 && ((access[i] as number) & WRITE) !== 0) {
        this.transfer.beforeWrite(resource);
      }
    }
    const { grid } = dispatch;
    const most = this.#context.record.adapter.limits.maxWorkgroupCount;
    if (!fits(grid[0], most[0]) || !fits(grid[1], most[1]) || !fits(grid[2], most[2])) {
      throw new LimitError(
        `Cannot dispatch ${dispatch.program.id} for ${label}: its grid is ${grid.join(" x ")}, ` +
          `expected 1 to ${most.join(" x ")} workgroups (maxComputeWorkGroupCount)`,
      );
    }
    try {
      this.recorder.dispatch(pipeline, dispatch, buffers, resources, label);
    } catch (error) {
      if (!isMemoryFailure(error)) throw error;
      this.store.reclaim();
      this.store.retry(
        label,
        0,
        () => this.recorder.dispatch(pipeline, dispatch, buffers, resources, label),
      );
    }
    if (this.ring.due) this.flush();
  }

  /** Copies rows instead of launching a kernel; false if it must be launched. */
  #copy(dispatch: Dispatch, resources: readonly BufferResource[], label: string): boolean {
    const [source, target] = resources as [BufferResource, BufferResource];
    const copy = dispatch.copy as RowCopy;
    const prepared = this.store.retry(label, 0, () => this.copies.prepare(copy, source, target));
    if (prepared === undefined) return false;
    this.transfer.beforeWrite(target);
    const record = (commandBuffer: bigint) => this.copies.record(commandBuffer, prepared);
    const bytes = copy.rowBytes * copy.rows * copy.planes * copy.starts.length;
    this.store.retry(
      label,
      0,
      () => this.recorder.copyRows(source, target, bytes, record, dispatch, label),
    );
    if (this.ring.due) this.flush();
    return true;
  }

  /** Begins to measure dispatches, unless that is done already. */
  startProfile(): void {
    if (this.recorder.profiler !== undefined) return;
    this.recorder.profiler = new Profiler(this.#context);
    this.#profilers.add(this.recorder.profiler);
  }

  /**
   * Ends the measurement.
   *
   * @returns One row for each dispatch, when all are done.
   */
  async stopProfile(): Promise<KernelTiming[]> {
    const { profiler } = this.recorder;
    if (profiler === undefined) return [];
    this.recorder.profiler = undefined;
    this.flush();
    await this.timeline.wait(this.timeline.submitted);
    // Nothing to wait for resolves at once, so the device may be gone by now.
    if (this.#closed !== undefined) throw this.#closed;
    this.#profilers.delete(profiler);
    try {
      return profiler.read();
    } finally {
      profiler.dispose();
    }
  }

  /**
   * Runs something alone and blocks until it is done. Not while dispatches are measured otherwise.
   *
   * @param run Records work.
   * @returns The time of its launches on the device, in nanoseconds; that of the clock if the queue has no timestamps.
   */
  timeSync(run: () => void): number {
    const profiler = new Profiler(this.#context);
    this.#profilers.add(profiler);
    this.#finishAll();
    const start = performance.now();
    this.recorder.profiler = profiler;
    try {
      run();
    } finally {
      this.recorder.profiler = undefined;
    }
    this.#finishAll();
    const elapsed = (performance.now() - start) * 1e6;
    const times = profiler.read().map(({ nanoseconds }) => nanoseconds);
    this.#profilers.delete(profiler);
    profiler.dispose();
    let sum = 0;
    for (const time of times) {
      if (time === null) return elapsed;
      sum += time;
    }
    return sum;
  }

  /**
   * The device is lost: nothing recorded will ever run.
   *
   * @param error What waiting promises reject with.
   */
  fail(error: Error): void {
    this.#closed ??= error;
    this.ring.abandon();
    this.transfer.close(error);
    this.timeline.fail(error);
  }

  /** Writes what is kept for the next start of the program. */
  save(): void {
    this.pipelines.save();
    this.tuning.save();
  }

  /**
   * Waits for submitted work, at what may be the end of the process.
   *
   * @param timeoutMilliseconds Longest wait.
   * @param last Whether the process ends for certain.
   */
  quiesce(timeoutMilliseconds: number, last: boolean): void {
    if (last) this.ring.abandon();
    this.#drain(timeoutMilliseconds);
    if (last) this.save();
  }

  /**
   * Waits for submitted work and destroys everything. Never throws.
   *
   * @param error What waiting promises reject with.
   */
  dispose(error: Error): void {
    this.fail(error);
    // What a device still works on must not be destroyed; the end of the process frees it. Waits for a lost device end "in finite
    // time", which may be long.
    const lost = this.#context.lost !== undefined;
    if (!this.#drain(lost ? LOST_TIMEOUT_MILLISECONDS : Infinity)) return;
    for (const profiler of this.#profilers) profiler.dispose();
    this.recordings.dispose();
    this.store.dispose();
    this.recorder.dispose();
    this.ring.dispose();
    this.memory.dispose();
    if (!lost) this.save();
    if (this.timeline.busy || this.pipelines.busy) {
      const threads = [this.timeline.settled(), this.pipelines.settled()];
      void Promise.all(threads).then(() => this.#finish());
    } else this.#finish();
  }

  #finishAll(): void {
    this.flush();
    this.timeline.waitSync(this.timeline.submitted);
  }

  #finish(): void {
    this.pipelines.dispose();
    this.#descriptors.dispose();
    this.timeline.dispose();
    this.#context.dispose();
  }

  /** Whether the device works on nothing any more, after waiting at most for some time. */
  #drain(timeoutMilliseconds: number): boolean {
    try {
      this.timeline.waitSync(this.timeline.submitted, timeoutMilliseconds);
      return true;
    } catch (error) {
      return error instanceof DeviceLostError;
    }
  }
}

/** On CPUs and integrated GPUs all memory is the host's: staging would only copy it once more. */
function usesMappedTransfers(
  context: Context,
  wish: InternalDeviceOptions["transfers"],
): boolean {
  const { adapter, memoryTypes } = context.record;
  const possible = memoryTypes.some(({ propertyFlags }) => isMappable(propertyFlags));
  if (wish !== undefined) return possible && wish === "mapped";
  return possible && (adapter.type === "cpu" || adapter.type === "integrated");
}

function fits(groups: number, most: number): boolean {
  return groups > 0 && groups <= most && groups >>> 0 === groups;
}
