// Work that is recorded once and submitted many times: command buffers with descriptor sets of their own. Whoever replays one
// sees to it that the memory it names is what is meant.

import type { Slot } from "../../ffi/arena.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkBufferCopy,
  VkCommandBufferAllocateInfo,
  VkCommandBufferBeginInfo,
  VkDescriptorPoolCreateInfo,
  VkDescriptorPoolSize,
  VkDescriptorSetAllocateInfo,
  VkMemoryBarrier,
} from "../../ffi/vulkan/structs.ts";
import type { Dispatch } from "../core/dispatch.ts";
import type { BufferFactory, BufferResource, DeviceBuffer } from "./buffers.ts";
import type { Context } from "./context.ts";
import { type DescriptorCache, type DescriptorLayout, descriptorType } from "./descriptors.ts";
import type { Pipeline } from "./pipelines.ts";
import type { AnnouncedWork } from "./profiler.ts";
import type { PreparedCopy, RowCopies } from "./row_copies.ts";
import { READS, STAGES, WRITES } from "./stages.ts";

/** A kernel launch, or a copy where `dispatch` is null. */
export interface StaticStep {
  readonly dispatch: Dispatch | null;
  /** The operands by binding; of a copy where from and where to. */
  readonly buffers: readonly DeviceBuffer[];
  /** Bytes of a copy. */
  readonly copy?: { readonly from: number; readonly to: number; readonly byteLength: number };
  /** Whether it must wait for the steps before it. */
  readonly barrier: boolean;
  /** What it is for. */
  readonly label: string;
  /** Work of the operator's call that begins here, for profiles. */
  readonly work?: AnnouncedWork | undefined;
}

/** A step with what Vulkan needs of it. */
export interface PreparedStep {
  readonly step: StaticStep;
  /** Null for a copy. */
  readonly pipeline: Pipeline | null;
  /** The copy of rows that takes the place of a launch. */
  readonly rows?: PreparedCopy | undefined;
  readonly resources: readonly BufferResource[];
}

/** Recorded work. */
export interface Recording {
  /** `VkCommandBuffer`s, to be submitted one after the other. */
  readonly commandBuffers: readonly bigint[];
  /** `VkDescriptorPool` of its sets; 0 if it has none. */
  readonly descriptorPool: bigint;
  /** Memory from outside of the arena that it reads. */
  readonly reads: readonly BufferResource[];
  /** Memory that it writes: results, and the arena as a whole. */
  readonly writes: readonly BufferResource[];
  /** Whether it ends with a barrier after which the host may read. */
  readonly toHost: boolean;
  /** Serial of the last submission that uses it. */
  lastUse: number;
  /** False once it must not be submitted any more. */
  valid: boolean;
}

/** Makes command buffers of steps. */
export class Encoder {
  readonly #context: Context;
  readonly #descriptors: DescriptorCache;
  readonly #factory: BufferFactory;
  readonly #copies: RowCopies;

  /**
   * @param context The device.
   * @param descriptors Knows how sets are written.
   * @param factory Resolves addresses.
   * @param copies Records copies of rows.
   */
  constructor(
    context: Context,
    descriptors: DescriptorCache,
    factory: BufferFactory,
    copies: RowCopies,
  ) {
    this.#context = context;
    this.#descriptors = descriptors;
    this.#factory = factory;
    this.#copies = copies;
  }

  /**
   * Makes one descriptor set for every combination of layout and buffers.
   *
   * @param steps The steps.
   * @returns The pool, 0 if nothing takes descriptors, and the set of each step.
   * @throws {LimitError} If a buffer is too large for its kind of binding.
   * @throws {VulkanError} If memory is exhausted; nothing is left behind.
   */
  makeSets(steps: readonly PreparedStep[]): { pool: bigint; sets: readonly bigint[] } {
    const wanted = new Map<string, { layout: DescriptorLayout; prepared: PreparedStep }>();
    const keys = steps.map((prepared) => {
      const layout = prepared.pipeline?.descriptors;
      if (layout === undefined) return "";
      const ids = prepared.resources.map(({ identity }) => identity);
      const key = `${layout.kinds.join()}|${ids.join()}`;
      if (!wanted.has(key)) wanted.set(key, { layout, prepared });
      return key;
    });
    if (wanted.size === 0) return { pool: 0n, sets: steps.map(() => 0n) };
    const all = [...wanted.values()];
    const pool = this.#makePool(all.map(({ layout }) => layout));
    try {
      const handles = this.#allocateSets(pool, all.map(({ layout }) => layout));
      all.forEach(({ layout, prepared: { step, resources } }, at) => {
        const views = this.#descriptors.viewsOf(layout, step.buffers, resources);
        this.#descriptors.write(layout, handles[at]!, resources, views);
      });
      const byKey = new Map([...wanted.keys()].map((key, at) => [key, handles[at]!]));
      return { pool, sets: keys.map((key) => byKey.get(key) ?? 0n) };
    } catch (error) {
      this.#context.destroy("DescriptorPool", pool);
      throw error;
    }
  }

  /**
   * Allocates command buffers.
   *
   * @param commandPool `VkCommandPool`.
   * @param count How many.
   * @returns `VkCommandBuffer`s.
   */
  allocate(commandPool: bigint, count: number): bigint[] {
    const { arena, commands, handle } = this.#context;
    return arena.scope(() => {
      const info = arena.struct(VkCommandBufferAllocateInfo, {
        commandPool,
        level: vk.VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        commandBufferCount: count,
      });
      const out = arena.allocate(8 * count);
      const code = commands.vkAllocateCommandBuffers(handle, info.address, out.address);
      this.#context.check("vkAllocateCommandBuffers", code);
      return Array.from({ length: count }, (_, at) => out.getU64(at * 8));
    });
  }

  /**
   * Records steps. They wait for everything submitted earlier.
   *
   * @param commandBuffer `VkCommandBuffer` in its initial state.
   * @param steps The steps.
   * @param sets The descriptor set of each.
   * @param toHost Whether the host reads the results.
   */
  encode(
    commandBuffer: bigint,
    steps: readonly PreparedStep[],
    sets: readonly bigint[],
    toHost: boolean,
  ): void {
    const { arena, commands } = this.#context;
    arena.scope(() => {
      // It may be submitted again while it runs.
      const begin = arena.struct(VkCommandBufferBeginInfo, {
        flags: vk.VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
      });
      this.#context.check(
        "vkBeginCommandBuffer",
        commands.vkBeginCommandBuffer(commandBuffer, begin.address),
      );
      const barrier = arena.struct(VkMemoryBarrier, {
        srcAccessMask: WRITES,
        dstAccessMask: READS | WRITES,
      });
      const wait = (address: bigint, stage: number) =>
        commands.vkCmdPipelineBarrier(commandBuffer, STAGES, stage, 0, 1, address, 0, 0n, 0, 0n);
      const push = arena.allocate(this.#context.record.adapter.limits.maxPushConstantBytes);
      const set = arena.allocate(8);
      let boundPipeline = 0n;
      let boundSet = 0n;
      let boundLayout = 0n;
      steps.forEach(({ step, pipeline, resources, rows }, at) => {
        if (at === 0 || step.barrier) wait(barrier.address, STAGES);
        if (rows !== undefined) {
          this.#copies.record(commandBuffer, rows);
          return;
        }
        if (pipeline === null) {
          this.#copy(commandBuffer, step, resources);
          return;
        }
        if (pipeline.handle !== boundPipeline) {
          const point = vk.VK_PIPELINE_BIND_POINT_COMPUTE;
          commands.vkCmdBindPipeline(commandBuffer, point, pipeline.handle);
          boundPipeline = pipeline.handle;
        }
        const own = sets[at]!;
        if (own !== 0n && (own !== boundSet || pipeline.layout !== boundLayout)) {
          set.setU64(own);
          const point = vk.VK_PIPELINE_BIND_POINT_COMPUTE;
          const { layout } = pipeline;
          commands.vkCmdBindDescriptorSets(
            commandBuffer,
            point,
            layout,
            0,
            1,
            set.address,
            0,
            0n,
          );
          boundSet = own;
          boundLayout = layout;
        }
        this.#push(commandBuffer, step.dispatch!, pipeline, resources, push);
        const { grid } = step.dispatch!;
        commands.vkCmdDispatch(commandBuffer, grid[0], grid[1], grid[2]);
      });
      if (toHost) {
        const last = arena.struct(VkMemoryBarrier, {
          srcAccessMask: WRITES,
          dstAccessMask: vk.VK_ACCESS_HOST_READ_BIT,
        });
        wait(last.address, vk.VK_PIPELINE_STAGE_HOST_BIT);
      }
      this.#context.check("vkEndCommandBuffer", commands.vkEndCommandBuffer(commandBuffer));
    });
  }

  #push(
    commandBuffer: bigint,
    { push }: Dispatch,
    { program, addressWords, layout, access }: Pipeline,
    resources: readonly BufferResource[],
    slot: Slot,
  ): void {
    if (program.pushByteLength === 0) return;
    const { view, offset } = slot;
    for (let at = 0; addressWords > 0 && at < access.length; at++) {
      const resource = resources[at]!;
      if (!resource.hasAddress) this.#factory.resolveAddress(resource);
      view.setUint32(offset + at * 8, resource.addressLow, true);
      view.setUint32(offset + at * 8 + 4, resource.addressHigh, true);
    }
    push.forEach((word, at) => view.setUint32(offset + (addressWords + at) * 4, word, true));
    this.#context.commands.vkCmdPushConstants(
      commandBuffer,
      layout,
      vk.VK_SHADER_STAGE_COMPUTE_BIT,
      0,
      program.pushByteLength,
      slot.address,
    );
  }

  #copy(
    commandBuffer: bigint,
    { copy }: StaticStep,
    [source, target]: readonly BufferResource[],
  ): void {
    const { arena, commands } = this.#context;
    const region = arena.struct(VkBufferCopy, {
      srcOffset: BigInt(copy!.from),
      dstOffset: BigInt(copy!.to),
      size: BigInt(copy!.byteLength),
    });
    commands.vkCmdCopyBuffer(commandBuffer, source!.handle, target!.handle, 1, region.address);
  }

  #makePool(layouts: readonly DescriptorLayout[]): bigint {
    const { arena } = this.#context;
    const types = layouts.flatMap(({ kinds }) => kinds.map(descriptorType));
    return arena.scope(() => {
      const sizes = [...new Set(types)].map((type) => ({
        type,
        descriptorCount: types.filter((other) => other === type).length,
      }));
      const info = arena.struct(VkDescriptorPoolCreateInfo, {
        maxSets: layouts.length,
        poolSizeCount: sizes.length,
        pPoolSizes: arena.structs(VkDescriptorPoolSize, sizes).address,
      });
      return this.#context.create("DescriptorPool", info.address);
    });
  }

  #allocateSets(pool: bigint, layouts: readonly DescriptorLayout[]): bigint[] {
    const { arena, commands, handle } = this.#context;
    return arena.scope(() => {
      const info = arena.struct(VkDescriptorSetAllocateInfo, {
        descriptorPool: pool,
        descriptorSetCount: layouts.length,
        pSetLayouts: arena.u64s(layouts.map((layout) => layout.handle)).address,
      });
      const out = arena.allocate(layouts.length * 8);
      const code = commands.vkAllocateDescriptorSets(handle, info.address, out.address);
      this.#context.check("vkAllocateDescriptorSets", code);
      return layouts.map((_, at) => out.getU64(at * 8));
    });
  }
}
