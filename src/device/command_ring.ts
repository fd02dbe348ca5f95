// The command buffers of a device: begun when a command comes, submitted when enough of them are recorded, used again when the
// device is done with them. One timeline value for each submission.

import type { Slot } from "../../ffi/arena.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkCommandBufferAllocateInfo,
  VkCommandBufferBeginInfo,
  VkCommandPoolCreateInfo,
  VkSubmitInfo,
  VkTimelineSemaphoreSubmitInfo,
} from "../../ffi/vulkan/structs.ts";
import type { Context } from "./context.ts";
import { Pacer } from "./pacer.ts";
import type { Timeline } from "./timeline.ts";

/** Commands in the first submission after the device was idle: it should start soon. */
const FIRST_BATCH = 16;

/** Commands in every further submission: submitting costs as much as some dispatches. */
const BATCH = 100;

/** Submissions under way, beyond which recording waits: the driver's memory for them is not ours to fill. */
const MAX_PENDING = 512;

/** A command buffer and what is known of its commands. */
export interface Batch {
  /** `VkCommandBuffer`. */
  readonly commandBuffer: bigint;
  /** Number of the command buffer in the ring, for its timestamps. */
  readonly index: number;
  /** Serial of its submission. */
  serial: number;
  /** Commands recorded. */
  commands: number;
  /** Commands after which it is submitted. */
  limit: number;
  /** Recorded to the end, but not yet accepted by the queue. */
  ended: boolean;
}

/** Hands out command buffers and submits them. */
export class CommandRing {
  /** Estimates how long the recorded work takes. */
  readonly pacer: Pacer;
  readonly #context: Context;
  readonly #timeline: Timeline;
  readonly #pool: bigint;
  readonly #slots: Slot[] = [];
  readonly #beginInfo: bigint;
  readonly #submitInfo: bigint;
  readonly #pairInfo: bigint;
  /** One command buffer, or two. */
  readonly #submitBuffer: Slot;
  readonly #submitValue: Slot;
  readonly #free: Batch[] = [];
  readonly #pending: Batch[] = [];
  #ringLength = 0;
  #batch: Batch | undefined;

  /**
   * @param context The device.
   * @param timeline Its clock.
   */
  constructor(context: Context, timeline: Timeline) {
    this.#context = context;
    this.#timeline = timeline;
    const { arena } = context;
    const keep = (byteLength: number) => {
      const slot = arena.permanent(byteLength);
      this.#slots.push(slot);
      return slot;
    };
    const begin = keep(VkCommandBufferBeginInfo.byteLength);
    VkCommandBufferBeginInfo.write(begin, {
      flags: vk.VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    });
    this.#beginInfo = begin.address;
    this.#submitBuffer = keep(16);
    this.#submitValue = keep(8);
    const semaphore = keep(8);
    semaphore.setU64(timeline.semaphore);
    const values = keep(VkTimelineSemaphoreSubmitInfo.byteLength);
    VkTimelineSemaphoreSubmitInfo.write(values, {
      signalSemaphoreValueCount: 1,
      pSignalSemaphoreValues: this.#submitValue.address,
    });
    const [single, pair] = [1, 2].map((commandBufferCount) => {
      const submit = keep(VkSubmitInfo.byteLength);
      VkSubmitInfo.write(submit, {
        pNext: values.address,
        commandBufferCount,
        pCommandBuffers: this.#submitBuffer.address,
        signalSemaphoreCount: 1,
        pSignalSemaphores: semaphore.address,
      });
      return submit.address;
    });
    this.#submitInfo = single!;
    this.#pairInfo = pair!;
    this.#pool = arena.scope(() =>
      context.create(
        "CommandPool",
        arena.struct(VkCommandPoolCreateInfo, {
          flags: vk.VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT |
            vk.VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
          queueFamilyIndex: context.queueFamily,
        }).address,
      )
    );
    try {
      this.pacer = new Pacer(context);
    } catch (error) {
      context.destroy("CommandPool", this.#pool);
      throw error;
    }
  }

  /** Serial that the commands recorded now will have. */
  get serial(): number {
    return this.#timeline.submitted + 1;
  }

  /** Whether enough is recorded to submit it. */
  get due(): boolean {
    const batch = this.#batch;
    return batch !== undefined && (batch.commands >= batch.limit || this.pacer.due);
  }

  /** Whether anything is recorded and not submitted. */
  get recording(): boolean {
    return this.#batch !== undefined;
  }

  /**
   * The command buffer that is being recorded.
   *
   * @returns It, begun if it was not.
   * @throws {VulkanError} If memory is exhausted; nothing changed.
   */
  begin(): Batch {
    if (this.#batch !== undefined) {
      if (!this.#batch.ended) return this.#batch;
      this.flush();
    }
    const batch = this.#takeBatch();
    const { commands } = this.#context;
    try {
      const code = commands.vkBeginCommandBuffer(batch.commandBuffer, this.#beginInfo);
      this.#context.check("vkBeginCommandBuffer", code);
    } catch (error) {
      this.#free.push(batch);
      throw error;
    }
    const idle = this.#timeline.completed === this.#timeline.submitted;
    batch.serial = this.#timeline.submitted + 1;
    batch.commands = 0;
    batch.limit = idle ? FIRST_BATCH : BATCH;
    batch.ended = false;
    this.pacer.begin(batch.commandBuffer, batch.index);
    this.#batch = batch;
    return batch;
  }

  /**
   * Submits what is recorded.
   *
   * @throws {VulkanError} If memory is exhausted: the recorded commands are kept, and the next call tries again.
   * @throws {DeviceLostError} If the device is lost, or the commands could not be completed.
   */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#end(batch);
    this.#submitBuffer.setU64(batch.commandBuffer);
    this.#submit(this.#submitInfo, batch);
  }

  /**
   * Submits what is recorded and, in the same submission behind it, a command buffer that is kept.
   *
   * @param commandBuffer `VkCommandBuffer`.
   * @returns Serial of the submission.
   * @throws {VulkanError} If memory is exhausted: nothing was submitted, and the next call tries again.
   * @throws {DeviceLostError} If the device is lost, or the commands could not be completed.
   */
  replay(commandBuffer: bigint): number {
    const { submitted } = this.#timeline;
    const oldest = submitted - MAX_PENDING;
    if (oldest >= this.#timeline.completed) this.#timeline.waitSync(oldest + 1);
    const batch = this.#batch;
    if (batch === undefined) {
      this.#submitBuffer.setU64(commandBuffer);
      this.#submit(this.#submitInfo, undefined);
    } else {
      this.#end(batch);
      this.#submitBuffer.setU64(batch.commandBuffer);
      this.#submitBuffer.setU64(commandBuffer, 8);
      this.#submit(this.#pairInfo, batch);
    }
    return submitted + 1;
  }

  #end(batch: Batch): void {
    if (batch.ended) return;
    this.pacer.end(batch.commandBuffer, batch.index);
    const code = this.#context.commands.vkEndCommandBuffer(batch.commandBuffer);
    try {
      this.#context.check("vkEndCommandBuffer", code);
    } catch (error) {
      // The commands are gone, and with them the results that everything later builds upon.
      this.#batch = undefined;
      throw this.#context.markLost(error as Error);
    }
    batch.ended = true;
  }

  #submit(info: bigint, batch: Batch | undefined): void {
    const { commands, queue } = this.#context;
    this.#submitValue.setU64(BigInt(this.serial));
    this.#context.check("vkQueueSubmit", commands.vkQueueSubmit(queue, 1, info, 0n));
    this.#timeline.advance();
    if (batch === undefined) return;
    this.#batch = undefined;
    this.#pending.push(batch);
    this.pacer.submitted(batch.index);
  }

  /** Forgets what is recorded, because the device is lost or going away. */
  abandon(): void {
    this.#batch = undefined;
  }

  /** Destroys everything; the queue must be idle or lost. */
  dispose(): void {
    this.#batch = undefined;
    this.pacer.dispose();
    this.#context.destroy("CommandPool", this.#pool);
    for (const slot of this.#slots) this.#context.arena.recycle(slot);
  }

  #takeBatch(): Batch {
    this.#reap();
    if (this.#free.length === 0 && this.#pending.length > 0) {
      this.#timeline.poll();
      this.#reap();
      if (this.#pending.length >= MAX_PENDING) {
        this.#timeline.waitSync((this.#pending[0] as Batch).serial);
        this.#reap();
      }
    }
    return this.#free.pop() ?? this.#allocateBatch();
  }

  /** Finished command buffers are free again; beginning one resets it. */
  #reap(): void {
    const { completed } = this.#timeline;
    const pending = this.#pending;
    let count = 0;
    while (count < pending.length && (pending[count] as Batch).serial <= completed) count++;
    if (count === 0) return;
    const idle = completed === this.#timeline.submitted;
    for (const batch of pending.splice(0, count)) {
      this.pacer.finished(batch.index, idle);
      this.#free.push(batch);
    }
  }

  #allocateBatch(): Batch {
    const { arena, commands, handle } = this.#context;
    const commandBuffer = arena.scope(() => {
      const info = arena.struct(VkCommandBufferAllocateInfo, {
        commandPool: this.#pool,
        level: vk.VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        commandBufferCount: 1,
      });
      const out = arena.allocate(8);
      const code = commands.vkAllocateCommandBuffers(handle, info.address, out.address);
      this.#context.check("vkAllocateCommandBuffers", code);
      return out.getU64();
    });
    return {
      commandBuffer,
      index: this.#ringLength++,
      serial: 0,
      commands: 0,
      limit: 0,
      ended: false,
    };
  }
}
