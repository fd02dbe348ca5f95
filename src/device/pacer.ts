// How long the recorded work will take: each submission is timed by two timestamps, and the times teach what one workgroup of
// each pipeline costs. A watchdog resets devices that work on one submission for seconds (llama.cpp#25664: 2 s).

import type { Slot } from "../../ffi/arena.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import { VkQueryPoolCreateInfo } from "../../ffi/vulkan/structs.ts";
import type { Context } from "./context.ts";

/** Estimated work after which a submission is made. */
const TARGET_NANOSECONDS = 50e6;

/** Assumed time of one workgroup until it was measured. */
const UNKNOWN_NANOSECONDS = 2000;

/** Command buffers that have timestamps; later ones are not timed. */
const TIMED_BATCHES = 64;

/** On software devices, which charge much for timestamps, one in so many submissions is timed once all its kernels are known. */
const SAMPLE = 8;

/** What a submission consists of: pipelines, and copies in place of them. */
export interface Timed {
  /** Time of one workgroup, 0 until it was measured. */
  nanosecondsPerGroup: number;
}

interface Work {
  readonly pipelines: Timed[];
  readonly groups: number[];
  /** Whether the cost of one of its pipelines is not known yet. */
  news: boolean;
}

/** Estimates the device time of recorded work. */
export class Pacer {
  readonly #context: Context;
  readonly #period: number;
  readonly #pool: bigint;
  readonly #results: Slot;
  readonly #works: Work[] = [];
  #current: Work = { pipelines: [], groups: [], news: false };
  #skipped = 0;
  #estimate = 0;
  #lastEnd = 0;

  /** @param context The device. */
  constructor(context: Context) {
    this.#context = context;
    this.#period = timestampPeriod(context);
    this.#results = context.arena.permanent(16);
    this.#pool = this.#period === 0 ? 0n : createTimestamps(context, TIMED_BATCHES * 2);
  }

  /** Whether enough work is recorded to submit it. */
  get due(): boolean {
    return this.#estimate >= TARGET_NANOSECONDS;
  }

  /**
   * A command buffer begins.
   *
   * @param commandBuffer `VkCommandBuffer`.
   * @param index Its number.
   */
  begin(commandBuffer: bigint, index: number): void {
    this.#estimate = 0;
    this.#current = { pipelines: [], groups: [], news: false };
    if (!this.#timed(index)) return;
    const { commands } = this.#context;
    commands.vkCmdResetQueryPool(commandBuffer, this.#pool, index * 2, 2);
    const stage = vk.VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT;
    commands.vkCmdWriteTimestamp(commandBuffer, stage, this.#pool, index * 2);
  }

  /**
   * A dispatch was recorded.
   *
   * @param pipeline What it runs.
   * @param groups How many workgroups.
   */
  add(pipeline: Timed, groups: number): void {
    const work = this.#current;
    const known = pipeline.nanosecondsPerGroup;
    if (known === 0) work.news = true;
    this.#estimate += groups * (known || UNKNOWN_NANOSECONDS);
    work.pipelines.push(pipeline);
    work.groups.push(groups);
  }

  /**
   * A command buffer ends.
   *
   * @param commandBuffer `VkCommandBuffer`.
   * @param index Its number.
   */
  end(commandBuffer: bigint, index: number): void {
    if (!this.#timed(index)) return;
    const stage = vk.VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT;
    this.#context.commands.vkCmdWriteTimestamp(commandBuffer, stage, this.#pool, index * 2 + 1);
  }

  /**
   * A command buffer was submitted.
   *
   * @param index Its number.
   */
  submitted(index: number): void {
    if (this.#timed(index)) this.#works[index] = this.#current;
  }

  /**
   * A command buffer is finished: learn from its time.
   *
   * @param index Its number.
   * @param idle Whether the device has nothing else to do.
   */
  finished(index: number, idle: boolean): void {
    const work = this.#works[index];
    if (work === undefined || work.pipelines.length === 0 || !this.#timed(index)) return;
    if (this.#context.record.adapter.software) {
      // Mesa's software driver waits for the whole queue before it gives times of one submission, and takes as long
      // as ten launches to say that there is nothing to wait for.
      if (!idle) return;
      if (!work.news && ++this.#skipped < SAMPLE) return;
      this.#skipped = 0;
    }
    const { commands, handle } = this.#context;
    const code = commands.vkGetQueryPoolResults(
      handle,
      this.#pool,
      index * 2,
      2,
      16,
      this.#results.address,
      8n,
      vk.VK_QUERY_RESULT_64_BIT,
    );
    // Only an estimate is lost if the times cannot be had.
    if (code !== vk.VK_SUCCESS) return;
    const end = Number(this.#results.getU64(8)) * this.#period;
    // The first timestamp does not wait for the submission before.
    const start = Math.max(Number(this.#results.getU64(0)) * this.#period, this.#lastEnd);
    this.#lastEnd = end;
    if (end <= start) return;
    learn(work.pipelines, work.groups, end - start);
  }

  /** Destroys the timestamps. */
  dispose(): void {
    this.#context.destroy("QueryPool", this.#pool);
    this.#context.arena.recycle(this.#results);
  }

  #timed(index: number): boolean {
    return this.#pool !== 0n && index < TIMED_BATCHES;
  }
}

/**
 * Corrects the cost of one workgroup of each pipeline, so that the estimate of a submission moves to the time it took.
 *
 * @param pipelines What each dispatch ran.
 * @param groups How many workgroups each had.
 * @param nanoseconds How long all of them took.
 */
export function learn(
  pipelines: readonly Timed[],
  groups: readonly number[],
  nanoseconds: number,
): void {
  let estimate = 0;
  for (let i = 0; i < pipelines.length; i++) {
    const known = pipelines[i]?.nanosecondsPerGroup || UNKNOWN_NANOSECONDS;
    estimate += (groups[i] ?? 0) * known;
  }
  if (!(estimate > 0)) return;
  const ratio = nanoseconds / estimate;
  for (const pipeline of new Set(pipelines)) {
    const known = pipeline.nanosecondsPerGroup;
    // A single submission may have been disturbed: once something is known, move half of the way.
    pipeline.nanosecondsPerGroup = known === 0
      ? UNKNOWN_NANOSECONDS * ratio
      : known * (1 + ratio) / 2;
  }
}

/**
 * Nanoseconds of one timestamp tick of the queue in use.
 *
 * @param context The device.
 * @returns 0 if the queue has no timestamps.
 */
export function timestampPeriod(context: Context): number {
  const bits = context.record.queueFamilies[context.queueFamily]?.timestampValidBits ?? 0;
  return bits === 0 ? 0 : context.record.adapter.limits.timestampPeriod;
}

/**
 * Makes a pool of timestamps.
 *
 * @param context The device.
 * @param count How many.
 * @returns `VkQueryPool`.
 */
export function createTimestamps(context: Context, count: number): bigint {
  const { arena } = context;
  return arena.scope(() => {
    const info = arena.struct(VkQueryPoolCreateInfo, {
      queryType: vk.VK_QUERY_TYPE_TIMESTAMP,
      queryCount: count,
    });
    return context.create("QueryPool", info.address);
  });
}
