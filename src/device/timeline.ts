// The one clock of a device: a semaphore that counts finished submissions. Everybody who waits for work waits here, and one
// watcher serves them all.

import type { Slot } from "../../ffi/arena.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkSemaphoreCreateInfo,
  VkSemaphoreTypeCreateInfo,
  VkSemaphoreWaitInfo,
} from "../../ffi/vulkan/structs.ts";
import { DeadlineError } from "../core/errors.ts";
import type { Context } from "./context.ts";

/** A wait on another thread lasts this long at most: a process that ends has to wait for it (denoland/deno#18131). */
const SLICE_MILLISECONDS = 50;

/** A blocking wait looks at its deadline this often. */
const SYNC_SLICE_MILLISECONDS = 250;

/** Without waits on other threads: ask again on every turn of the event loop for so long, because most kernels are short. */
const EAGER_MILLISECONDS = 0.4;

interface Waiter {
  readonly serial: number;
  resolve(): void;
  reject(error: Error): void;
}

/** Counts submissions and waits for them. */
export class Timeline {
  readonly #context: Context;
  readonly #timeoutMilliseconds: number;
  readonly #syncWait: WaitSlots;
  readonly #asyncWait: WaitSlots;
  readonly #counter: Slot;
  readonly #waiters: Waiter[] = [];
  #semaphore: bigint;
  #submitted = 0;
  #completed = 0;
  #lastProgress = 0;
  #watching = false;
  #inFlight: Promise<unknown> | undefined;

  /**
   * @param context Where to make the semaphore.
   * @param timeoutMilliseconds How long a wait may see no progress.
   */
  constructor(context: Context, timeoutMilliseconds: number) {
    this.#context = context;
    this.#timeoutMilliseconds = timeoutMilliseconds;
    const { arena } = context;
    this.#semaphore = arena.scope(() => {
      const type = arena.struct(VkSemaphoreTypeCreateInfo, {
        semaphoreType: vk.VK_SEMAPHORE_TYPE_TIMELINE,
      });
      return context.create(
        "Semaphore",
        arena.struct(VkSemaphoreCreateInfo, { pNext: type.address }).address,
      );
    });
    this.#syncWait = new WaitSlots(context, this.#semaphore);
    this.#asyncWait = new WaitSlots(context, this.#semaphore);
    this.#counter = arena.permanent(8);
  }

  /** The semaphore, to be signaled with the serial of each submission. */
  get semaphore(): bigint {
    return this.#semaphore;
  }

  /** Serial of the last submission; the first has 1. */
  get submitted(): number {
    return this.#submitted;
  }

  /** Serial of the last submission known to be finished. */
  get completed(): number {
    return this.#completed;
  }

  /** A submission was accepted. */
  advance(): void {
    if (this.#completed === this.#submitted) this.#lastProgress = performance.now();
    this.#submitted++;
  }

  /**
   * Asks the device how far it is.
   *
   * @returns Serial of the last finished submission.
   * @throws {DeviceLostError} If the device is lost.
   */
  poll(): number {
    if (this.#completed === this.#submitted) return this.#completed;
    const { commands, handle } = this.#context;
    this.#context.check(
      "vkGetSemaphoreCounterValue",
      commands.vkGetSemaphoreCounterValue(handle, this.#semaphore, this.#counter.address),
    );
    // 2^53 submissions never happen. A lost device may report the largest value instead.
    const value = Math.min(Number(this.#counter.getU64()), this.#submitted);
    if (value > this.#completed) {
      this.#completed = value;
      this.#lastProgress = performance.now();
    }
    return this.#completed;
  }

  /**
   * Waits without blocking the event loop.
   *
   * @param serial A submission.
   * @returns Resolves when it is finished; rejects with DeadlineError, DeviceLostError or what `fail` was given.
   */
  wait(serial: number): Promise<void> {
    if (serial <= this.#completed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      let at = this.#waiters.length;
      while (at > 0 && (this.#waiters[at - 1] as Waiter).serial > serial) at--;
      this.#waiters.splice(at, 0, { serial, resolve, reject });
      if (!this.#watching) void this.#watch();
    });
  }

  /**
   * Waits and blocks the thread.
   *
   * @param serial A submission.
   * @param mostMilliseconds Gives up after this time, progress or not.
   * @throws {DeadlineError} If there is no progress for too long.
   * @throws {DeviceLostError} If the device is lost.
   */
  waitSync(serial: number, mostMilliseconds: number = Infinity): void {
    if (serial <= this.#completed || serial <= this.poll()) return;
    const { commands, handle } = this.#context;
    const slice = Math.min(SYNC_SLICE_MILLISECONDS, this.#timeoutMilliseconds, mostMilliseconds);
    const started = performance.now();
    this.#lastProgress = Math.max(this.#lastProgress, started);
    this.#syncWait.setSerial(serial);
    for (;;) {
      this.#context.check(
        "vkWaitSemaphores",
        commands.vkWaitSemaphores(handle, this.#syncWait.address, nanoseconds(slice)),
      );
      if (this.poll() >= serial) return;
      this.#checkDeadline();
      if (performance.now() - started >= mostMilliseconds) throw this.#deadlineError();
    }
  }

  /**
   * Rejects everybody who waits.
   *
   * @param error Why.
   */
  fail(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  /** True while another thread may use the semaphore. */
  get busy(): boolean {
    return this.#inFlight !== undefined;
  }

  /**
   * Resolves when no other thread uses the semaphore any more, after 50 ms at the latest.
   *
   * @returns Never rejects.
   */
  async settled(): Promise<void> {
    await this.#inFlight?.then(() => {}, () => {});
  }

  /** Destroys the semaphore; nobody may be using it. */
  dispose(): void {
    this.#context.destroy("Semaphore", this.#semaphore);
    this.#semaphore = 0n;
    this.#syncWait.recycle();
    this.#asyncWait.recycle();
    this.#context.arena.recycle(this.#counter);
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    const started = performance.now();
    this.#lastProgress = Math.max(this.#lastProgress, started);
    try {
      while (this.#waiters.length > 0) {
        const completed = this.poll();
        while (this.#waiters.length > 0 && (this.#waiters[0] as Waiter).serial <= completed) {
          (this.#waiters.shift() as Waiter).resolve();
        }
        const first = this.#waiters[0];
        if (first === undefined) {
          // Those just resolved often submit and wait again at once: let them, and keep watching.
          await Promise.resolve();
          continue;
        }
        this.#checkDeadline();
        await this.#pause(first.serial, started);
      }
    } catch (error) {
      this.fail(error as Error);
    } finally {
      this.#watching = false;
    }
  }

  async #pause(serial: number, started: number): Promise<void> {
    const { commands, handle } = this.#context;
    if (commands.vkWaitSemaphoresAsync !== null) {
      this.#asyncWait.setSerial(serial);
      const slice = Math.min(SLICE_MILLISECONDS, this.#timeoutMilliseconds);
      const call = commands.vkWaitSemaphoresAsync(
        handle,
        this.#asyncWait.address,
        nanoseconds(slice),
      );
      this.#inFlight = call;
      try {
        const code = await call;
        this.#context.check("vkWaitSemaphores", code);
      } finally {
        this.#inFlight = undefined;
      }
      return;
    }
    const elapsed = performance.now() - started;
    await sleep(elapsed < EAGER_MILLISECONDS ? 0 : elapsed < 100 ? 1 : 2);
  }

  #checkDeadline(): void {
    const quiet = performance.now() - this.#lastProgress;
    if (quiet >= this.#timeoutMilliseconds) throw this.#deadlineError();
  }

  #deadlineError(): DeadlineError {
    return new DeadlineError(
      `Cannot wait for ${this.#context.record.adapter.name}: no submission finished within ${this.#timeoutMilliseconds} ms ` +
        `(${this.#completed} of ${this.#submitted} are done). Raise timeoutMilliseconds, or do less at a time.`,
    );
  }
}

/** VkSemaphoreWaitInfo in memory of its own: a wait on another thread reads it while others wait here. */
class WaitSlots {
  readonly #context: Context;
  readonly #slots: readonly Slot[];
  readonly address: bigint;
  readonly #value: Slot;

  constructor(context: Context, semaphore: bigint) {
    this.#context = context;
    const { arena } = context;
    const handle = arena.permanent(8);
    handle.setU64(semaphore);
    this.#value = arena.permanent(8);
    const info = arena.permanent(VkSemaphoreWaitInfo.byteLength);
    VkSemaphoreWaitInfo.write(info, {
      semaphoreCount: 1,
      pSemaphores: handle.address,
      pValues: this.#value.address,
    });
    this.#slots = [handle, this.#value, info];
    this.address = info.address;
  }

  setSerial(serial: number): void {
    this.#value.setU64(BigInt(serial));
  }

  recycle(): void {
    for (const slot of this.#slots) this.#context.arena.recycle(slot);
  }
}

function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.ceil(milliseconds * 1e6));
}

/** One turn of the event loop for 0, else a timer. */
function sleep(milliseconds: number): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };
  return new Promise((resolve) => {
    if (milliseconds === 0 && setImmediate !== undefined) setImmediate(resolve);
    else setTimeout(resolve, milliseconds);
  });
}
