// Commands on their way to the queue, with barriers only where a hazard is real. The hot path of the module: no objects are made,
// arguments are written where native code reads them.

import type { Slot } from "../../ffi/arena.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import { VkBufferCopy, VkMemoryBarrier } from "../../ffi/vulkan/structs.ts";
import type { Dispatch } from "../core/dispatch.ts";
import type { BufferFactory, BufferResource, DeviceBuffer } from "./buffers.ts";
import type { Batch, CommandRing } from "./command_ring.ts";
import type { Context } from "./context.ts";
import type { DescriptorCache, DescriptorEntry } from "./descriptors.ts";
import { HazardTracker, READ, WRITE } from "./hazards.ts";
import type { Timed } from "./pacer.ts";
import type { Pipeline } from "./pipelines.ts";
import type { Profiler } from "./profiler.ts";
import type { Recording } from "./recording.ts";
import { READS, STAGES, WRITES } from "./stages.ts";

/** What the pacer counts as one workgroup of a copy. */
const COPY_GROUP_BYTES = 16_384;

/** Records commands and submits them. Every method either records its command wholly or throws before it recorded anything. */
export class Recorder {
  /** Receives the time of each dispatch, while a profile runs. */
  profiler: Profiler | undefined;
  readonly #context: Context;
  readonly #ring: CommandRing;
  readonly #descriptors: DescriptorCache;
  readonly #buffers: BufferFactory;
  readonly #hazards: HazardTracker = new HazardTracker();
  readonly #copyCost: Timed = { nanosecondsPerGroup: 0 };
  readonly #slots: Slot[] = [];
  readonly #push: Slot;
  readonly #pushWords: Uint32Array;
  readonly #set: Slot;
  readonly #region: Slot;
  readonly #regionWords: BigUint64Array;
  readonly #barrier: bigint;
  readonly #hostBarrier: bigint;
  #boundSerial = 0;
  // Objects, since comparing two handles costs more.
  #boundPipeline: Pipeline | undefined;
  #boundEntry: DescriptorEntry | undefined;
  #boundLayout = 0n;

  /**
   * @param context The device.
   * @param ring Its command buffers.
   * @param descriptors Its descriptor sets.
   * @param buffers Resolves addresses.
   */
  constructor(
    context: Context,
    ring: CommandRing,
    descriptors: DescriptorCache,
    buffers: BufferFactory,
  ) {
    this.#context = context;
    this.#ring = ring;
    this.#descriptors = descriptors;
    this.#buffers = buffers;
    const { arena } = context;
    const keep = (byteLength: number) => {
      const slot = arena.permanent(byteLength);
      this.#slots.push(slot);
      return slot;
    };
    this.#push = keep(Math.max(128, context.record.adapter.limits.maxPushConstantBytes));
    this.#pushWords = new Uint32Array(
      this.#push.bytes().buffer,
      byteStart(this.#push),
      this.#push.byteLength / 4,
    );
    this.#set = keep(8);
    this.#region = keep(VkBufferCopy.byteLength);
    this.#regionWords = new BigUint64Array(this.#region.bytes().buffer, byteStart(this.#region), 3);
    const barrier = keep(VkMemoryBarrier.byteLength);
    VkMemoryBarrier.write(barrier, { srcAccessMask: WRITES, dstAccessMask: READS | WRITES });
    this.#barrier = barrier.address;
    const hostBarrier = keep(VkMemoryBarrier.byteLength);
    VkMemoryBarrier.write(hostBarrier, {
      srcAccessMask: WRITES,
      dstAccessMask: vk.VK_ACCESS_HOST_READ_BIT,
    });
    this.#hostBarrier = hostBarrier.address;
  }

  /**
   * Records a kernel launch.
   *
   * @param pipeline What to run.
   * @param dispatch Push words and grid.
   * @param buffers The operands by binding; all alive and of this device.
   * @param resources Their memory; may be longer.
   * @param label What it is for, in profiles.
   */
  dispatch(
    pipeline: Pipeline,
    dispatch: Dispatch,
    buffers: readonly DeviceBuffer[],
    resources: readonly BufferResource[],
    label: string,
  ): void {
    const { commands } = this.#context;
    const { access, addressWords, descriptors } = pipeline;
    const count = access.length;
    if (dispatch.push.length * 4 !== pipeline.program.pushByteLength - addressWords * 4) {
      throw new TypeError(
        `Cannot dispatch ${pipeline.program.id}: found ${dispatch.push.length} push words, expected ${
          pipeline.program.pushByteLength / 4 - addressWords
        }`,
      );
    }
    for (let i = 0; i < count; i++) {
      const resource = resources[i] as BufferResource;
      if (addressWords > 0 && !resource.hasAddress) this.#buffers.resolveAddress(resource);
    }
    const entry = descriptors === undefined
      ? undefined
      : this.#descriptors.find(descriptors, buffers, resources);
    const profiler = this.profiler;
    profiler?.reserve();
    const batch = this.#begin();
    const { commandBuffer, serial } = batch;

    // From here on nothing throws.
    const hazards = this.#hazards;
    let conflict = profiler !== undefined; // one kernel at a time, or the times would overlap
    for (let i = 0; i < count && !conflict; i++) {
      conflict = hazards.conflicts(resources[i] as BufferResource, access[i] as number);
    }
    if (conflict) this.#recordBarrier(commandBuffer);
    for (let i = 0; i < count; i++) {
      const resource = resources[i] as BufferResource;
      const mode = access[i] as number;
      hazards.touch(resource, mode);
      resource.lastUse = serial;
      if ((mode & WRITE) !== 0) resource.hostStale = true;
    }
    const { layout } = pipeline;
    const samePipeline = pipeline === this.#boundPipeline;
    if (!samePipeline) {
      commands.vkCmdBindPipeline(
        commandBuffer,
        vk.VK_PIPELINE_BIND_POINT_COMPUTE,
        pipeline.handle,
      );
      this.#boundPipeline = pipeline;
    }
    if (entry !== undefined) {
      entry.lastUse = serial;
      if (entry !== this.#boundEntry || !samePipeline && layout !== this.#boundLayout) {
        this.#boundEntry = entry;
        this.#boundLayout = layout;
        const slot = this.#set;
        slot.view.setBigUint64(slot.offset, entry.set, true);
        commands.vkCmdBindDescriptorSets(
          commandBuffer,
          vk.VK_PIPELINE_BIND_POINT_COMPUTE,
          layout,
          0,
          1,
          slot.address,
          0,
          0n,
        );
      }
    }
    const { pushByteLength } = pipeline.program;
    if (pushByteLength > 0) {
      const words = this.#pushWords;
      if (addressWords > 0) {
        for (let i = 0; i < count; i++) {
          const resource = resources[i] as BufferResource;
          words[2 * i] = resource.addressLow;
          words[2 * i + 1] = resource.addressHigh;
        }
      }
      const { push } = dispatch;
      for (let i = 0; i < push.length; i++) words[addressWords + i] = push[i] as number;
      commands.vkCmdPushConstants(
        commandBuffer,
        layout,
        vk.VK_SHADER_STAGE_COMPUTE_BIT,
        0,
        pushByteLength,
        this.#push.address,
      );
    }
    const { grid } = dispatch; // read by index: Bun takes arrays apart through iterators
    const x = grid[0];
    const y = grid[1];
    const z = grid[2];
    profiler?.before(commandBuffer);
    commands.vkCmdDispatch(commandBuffer, x, y, z);
    profiler?.after(commandBuffer, label, dispatch);
    batch.commands++;
    this.#ring.pacer.add(pipeline, x * y * z);
  }

  /**
   * Records a copy between buffers.
   *
   * @param source Where from.
   * @param sourceOffset First byte.
   * @param target Where to; another buffer, or a range that does not overlap.
   * @param targetOffset First byte.
   * @param byteLength Bytes, above 0.
   */
  copy(
    source: BufferResource,
    sourceOffset: number,
    target: BufferResource,
    targetOffset: number,
    byteLength: number,
  ): void {
    const batch = this.#begin();
    this.#touch(batch, source, READ, target);
    const words = this.#regionWords;
    words[0] = BigInt(sourceOffset);
    words[1] = BigInt(targetOffset);
    words[2] = BigInt(byteLength);
    this.#context.commands.vkCmdCopyBuffer(
      batch.commandBuffer,
      source.handle,
      target.handle,
      1,
      this.#region.address,
    );
    batch.commands++;
  }

  /**
   * Records a copy that takes the place of a kernel launch.
   *
   * @param source Where from.
   * @param target Where to.
   * @param byteLength Bytes of all rows.
   * @param record Records it; does not throw.
   * @param dispatch The launch.
   * @param label What it is for, in profiles.
   */
  copyRows(
    source: BufferResource,
    target: BufferResource,
    byteLength: number,
    record: (commandBuffer: bigint) => void,
    dispatch: Dispatch,
    label: string,
  ): void {
    const { profiler } = this;
    profiler?.reserve();
    const batch = this.#begin();
    if (profiler !== undefined) this.#recordBarrier(batch.commandBuffer);
    this.#touch(batch, source, READ, target);
    profiler?.before(batch.commandBuffer, true);
    record(batch.commandBuffer);
    profiler?.after(batch.commandBuffer, label, dispatch, true);
    batch.commands++;
    this.#ring.pacer.add(this.#copyCost, Math.ceil(byteLength / COPY_GROUP_BYTES));
  }

  /**
   * Records a fill.
   *
   * @param target What to fill.
   * @param byteLength Bytes from its start, a multiple of 4.
   * @param word The 32 bits to repeat.
   */
  fill(target: BufferResource, byteLength: number, word: number): void {
    const batch = this.#begin();
    this.#touch(batch, target, 0, target);
    this.#context.commands.vkCmdFillBuffer(
      batch.commandBuffer,
      target.handle,
      0n,
      BigInt(byteLength),
      word >>> 0,
    );
    batch.commands++;
  }

  /**
   * Records a barrier after which the host may read what the device wrote.
   *
   * @param resource What it will read.
   */
  releaseToHost(resource: BufferResource): void {
    const batch = this.#begin();
    this.#context.commands.vkCmdPipelineBarrier(
      batch.commandBuffer,
      STAGES,
      vk.VK_PIPELINE_STAGE_HOST_BIT,
      0,
      1,
      this.#hostBarrier,
      0,
      0n,
      0,
      0n,
    );
    resource.hostStale = false;
    resource.hostSerial = batch.serial;
    resource.lastUse = batch.serial;
  }

  /**
   * Records a barrier between everything before it and everything behind it.
   *
   * @returns The `VkCommandBuffer` that has it.
   */
  barrier(): bigint {
    const { commandBuffer } = this.#begin();
    this.#recordBarrier(commandBuffer);
    return commandBuffer;
  }

  /**
   * Notes that recorded work was submitted, which waits for everything before it.
   *
   * @param recording The work.
   * @param serial Serial of the submission.
   */
  noteReplay({ reads, writes, toHost }: Recording, serial: number): void {
    const hazards = this.#hazards;
    hazards.advance();
    for (let i = 0; i < reads.length; i++) {
      const resource = reads[i] as BufferResource;
      hazards.touch(resource, READ);
      resource.lastUse = serial;
    }
    for (let i = 0; i < writes.length; i++) {
      const resource = writes[i] as BufferResource;
      hazards.touch(resource, WRITE);
      resource.lastUse = serial;
      resource.hostStale = !toHost;
      if (toHost) resource.hostSerial = serial;
    }
  }

  /**
   * Notes that commands recorded just now read and write memory by other buffers that share it.
   *
   * @param resource The memory.
   */
  noteShared(resource: BufferResource): void {
    this.#hazards.touch(resource, READ | WRITE);
    resource.lastUse = this.#ring.serial;
  }

  /** Gives the memory of its arguments back. */
  dispose(): void {
    for (const slot of this.#slots) this.#context.arena.recycle(slot);
  }

  #touch(batch: Batch, source: BufferResource, access: number, target: BufferResource): void {
    const hazards = this.#hazards;
    if (hazards.conflicts(source, access) || hazards.conflicts(target, WRITE)) {
      this.#recordBarrier(batch.commandBuffer);
    }
    hazards.touch(source, access);
    hazards.touch(target, WRITE);
    source.lastUse = batch.serial;
    target.lastUse = batch.serial;
    target.hostStale = true;
  }

  #recordBarrier(commandBuffer: bigint): void {
    this.#context.commands.vkCmdPipelineBarrier(
      commandBuffer,
      STAGES,
      STAGES,
      0,
      1,
      this.#barrier,
      0,
      0n,
      0,
      0n,
    );
    this.#hazards.advance();
  }

  #begin(): Batch {
    const batch = this.#ring.begin();
    if (batch.serial !== this.#boundSerial) {
      // A command buffer inherits no bindings.
      this.#boundSerial = batch.serial;
      this.#boundPipeline = undefined;
      this.#boundEntry = undefined;
      this.#boundLayout = 0n;
    }
    return batch;
  }
}

function byteStart(slot: Slot): number {
  return slot.view.byteOffset + slot.offset;
}
