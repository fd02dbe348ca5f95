// GPU time of each dispatch between startProfile and stopProfile, by two timestamps around it.

import * as vk from "../../ffi/vulkan/enums.ts";
import type { Dispatch } from "../core/dispatch.ts";
import type { Context } from "./context.ts";
import { createTimestamps, timestampPeriod } from "./pacer.ts";

/** Dispatches that share one pool of timestamps. */
const DISPATCHES_PER_POOL = 256;

/** What is named in place of a program where the driver copied. */
const COPY_PROGRAM = "copy";

/** Work of one call of an operator. */
export interface KernelWork {
  /** Floating-point operations of the operator's definition; a multiply-add is two. */
  readonly flops: number;
  /** Bytes of all operands read once and the results written once. */
  readonly bytes: number;
  /** Number of dispatches that share the work. */
  readonly dispatches: number;
}

/** The work of a plan, as its first dispatch announces it. */
export interface AnnouncedWork extends Omit<KernelWork, "dispatches"> {
  /** The dispatches of the plan. */
  readonly dispatches: readonly Dispatch[];
}

/** Time of one dispatch. */
export interface KernelTiming {
  /** What the dispatch was for. */
  readonly label: string;
  /** Program that ran; `copy` where the driver copied rows without one. */
  readonly program: string;
  /** Time on the device; null if its queue has no timestamps. */
  readonly nanoseconds: number | null;
  /** When it began, in nanoseconds after the first dispatch; null if the queue has no timestamps. */
  readonly start: number | null;
  /** Work of the operator's call that begins here; null for further dispatches of the same call. */
  readonly work: KernelWork | null;
  /** Workgroups along x, y, z. */
  readonly grid: readonly [number, number, number];
}

/** Collects timestamps. */
export class Profiler {
  readonly #context: Context;
  readonly #period: number;
  readonly #validMask: bigint;
  readonly #pools: bigint[] = [];
  readonly #records: Omit<KernelTiming, "nanoseconds" | "start">[] = [];
  /** Work that the next dispatch begins. */
  #work: AnnouncedWork | undefined;

  /** @param context The device. */
  constructor(context: Context) {
    this.#context = context;
    this.#period = timestampPeriod(context);
    const bits = context.record.queueFamilies[context.queueFamily]?.timestampValidBits ?? 0;
    this.#validMask = (1n << BigInt(bits)) - 1n;
  }

  /** Makes sure that the next dispatch has timestamps; the only method that may throw. */
  reserve(): void {
    if (this.#period === 0) return;
    const pool = Math.floor(this.#records.length / DISPATCHES_PER_POOL);
    if (pool < this.#pools.length) return;
    this.#pools.push(createTimestamps(this.#context, DISPATCHES_PER_POOL * 2));
  }

  /** Says which work the next dispatch begins, if any. */
  announce(work: AnnouncedWork | undefined): void {
    this.#work = work;
  }

  /**
   * A dispatch is about to be recorded.
   *
   * @param commandBuffer `VkCommandBuffer`.
   * @param copied Whether a copy takes its place.
   */
  before(commandBuffer: bigint, copied = false): void {
    if (this.#period === 0) return;
    const [pool, query] = this.#locate(this.#records.length);
    this.#context.commands.vkCmdResetQueryPool(commandBuffer, pool, query, 2);
    this.#write(commandBuffer, pool, query, copied);
  }

  /**
   * A dispatch was recorded.
   *
   * @param commandBuffer `VkCommandBuffer`.
   * @param label What it is for.
   * @param dispatch What it runs.
   * @param copied Whether a copy took its place.
   */
  after(commandBuffer: bigint, label: string, dispatch: Dispatch, copied = false): void {
    if (this.#period !== 0) {
      const [pool, query] = this.#locate(this.#records.length);
      this.#write(commandBuffer, pool, query + 1, copied);
    }
    const work = this.#work;
    this.#records.push({
      label,
      program: copied ? COPY_PROGRAM : dispatch.program.id,
      grid: copied ? [1, 1, 1] : dispatch.grid,
      work: work === undefined ? null : {
        flops: work.flops,
        bytes: work.bytes,
        dispatches: work.dispatches.length,
      },
    });
  }

  /**
   * Reads the times; all work must be finished.
   *
   * @returns One row for each dispatch, in order.
   */
  read(): KernelTiming[] {
    const unknown = { nanoseconds: null, start: null };
    if (this.#period === 0) return this.#records.map((row) => ({ ...row, ...unknown }));
    let first: bigint | undefined;
    const { arena, commands, handle } = this.#context;
    return arena.scope(() => {
      const out = arena.allocate(16);
      return this.#records.map((row, index) => {
        const [pool, query] = this.#locate(index);
        const code = commands.vkGetQueryPoolResults(
          handle,
          pool,
          query,
          2,
          16,
          out.address,
          8n,
          vk.VK_QUERY_RESULT_64_BIT,
        );
        this.#context.check("vkGetQueryPoolResults", code);
        if (code !== vk.VK_SUCCESS) return { ...row, ...unknown };
        const begin = out.getU64(0);
        first ??= begin;
        const since = (from: bigint, to: bigint) =>
          Number((to - from) & this.#validMask) * this.#period;
        return {
          ...row,
          nanoseconds: since(begin, out.getU64(8)),
          start: since(first, begin),
        };
      });
    });
  }

  /** Destroys the timestamps. */
  dispose(): void {
    for (const pool of this.#pools.splice(0)) this.#context.destroy("QueryPool", pool);
  }

  #locate(index: number): [pool: bigint, query: number] {
    const pool = this.#pools[Math.floor(index / DISPATCHES_PER_POOL)] ?? 0n;
    return [pool, (index % DISPATCHES_PER_POOL) * 2];
  }

  #write(commandBuffer: bigint, pool: bigint, query: number, copied: boolean): void {
    // The barrier before each profiled dispatch makes both timestamps bracket this kernel alone.
    const stage = copied
      ? vk.VK_PIPELINE_STAGE_TRANSFER_BIT
      : vk.VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
    this.#context.commands.vkCmdWriteTimestamp(commandBuffer, stage, pool, query);
  }
}
