// Descriptor sets, cached by layout and buffers: in a steady state a dispatch finds its set and writes nothing.

import type { Slot } from "../../ffi/arena.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkDescriptorBufferInfo,
  VkDescriptorPoolCreateInfo,
  VkDescriptorPoolSize,
  VkDescriptorSetAllocateInfo,
  VkDescriptorSetLayoutBinding,
  VkDescriptorSetLayoutCreateInfo,
  VkWriteDescriptorSet,
} from "../../ffi/vulkan/structs.ts";
import type { ProgramBinding } from "../core/dispatch.ts";
import { LimitError } from "../core/errors.ts";
import type { BufferFactory, BufferResource, DeviceBuffer } from "./buffers.ts";
import type { Context } from "./context.ts";
import type { Timeline } from "./timeline.ts";

/** Sets in one pool. */
const SETS_PER_POOL = 64;

/** Sets of one layout, beyond which the unused half is given to other buffers. */
const MAX_SETS = 2048;

type Kind = ProgramBinding["kind"];

/** Nodes of the tree from buffer identities to sets. */
type Tree = Map<number, Tree | DescriptorEntry>;

/** A descriptor set that names certain buffers. */
export interface DescriptorEntry {
  /** `VkDescriptorSet`. */
  readonly set: bigint;
  /** Its layout. */
  readonly layout: DescriptorLayout;
  /** The buffers it names, by binding. */
  readonly resources: readonly BufferResource[];
  /** Serial of the last submission that uses it. */
  lastUse: number;
}

/** A set layout with the sets made for it. */
export interface DescriptorLayout {
  /** `VkDescriptorSetLayout`. */
  readonly handle: bigint;
  /** How each binding is read. */
  readonly kinds: readonly Kind[];
  /** `VkDescriptorPool`s. */
  readonly pools: bigint[];
  /** Sets that name nothing. */
  readonly free: bigint[];
  /** Sets in use by the buffers they name. */
  readonly tree: Tree;
  /** The same sets in the order of their making. */
  readonly entries: Set<DescriptorEntry>;
}

/** Makes, finds and recycles descriptor sets. */
export class DescriptorCache {
  readonly #context: Context;
  readonly #timeline: Timeline;
  readonly #buffers: BufferFactory;
  readonly #layouts: Map<string, DescriptorLayout> = new Map();

  /**
   * @param context The device.
   * @param timeline Tells which sets are still in use.
   * @param buffers Makes texel views.
   */
  constructor(context: Context, timeline: Timeline, buffers: BufferFactory) {
    this.#context = context;
    this.#timeline = timeline;
    this.#buffers = buffers;
  }

  /**
   * The layout for a list of bindings.
   *
   * @param kinds How each binding is read.
   * @returns The layout, made at the first call.
   */
  layout(kinds: readonly Kind[]): DescriptorLayout {
    const key = kinds.join();
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const { arena } = this.#context;
    const handle = arena.scope(() => {
      const bindings = arena.structs(
        VkDescriptorSetLayoutBinding,
        kinds.map((kind, binding) => ({
          binding,
          descriptorType: descriptorType(kind),
          descriptorCount: 1,
          stageFlags: vk.VK_SHADER_STAGE_COMPUTE_BIT,
        })),
      );
      const info = arena.struct(VkDescriptorSetLayoutCreateInfo, {
        bindingCount: kinds.length,
        pBindings: bindings.address,
      });
      return this.#context.create("DescriptorSetLayout", info.address);
    });
    const layout: DescriptorLayout = {
      handle,
      kinds: [...kinds],
      pools: [],
      free: [],
      tree: new Map(),
      entries: new Set(),
    };
    this.#layouts.set(key, layout);
    return layout;
  }

  /**
   * Finds the set that names some buffers, or makes it.
   *
   * @param layout Its layout; it has at least one binding.
   * @param buffers The buffers by binding.
   * @param resources Their memory.
   * @returns The set.
   * @throws {LimitError} If a buffer is too large for its kind of binding.
   */
  find(
    layout: DescriptorLayout,
    buffers: readonly DeviceBuffer[],
    resources: readonly BufferResource[],
  ): DescriptorEntry {
    let node: Tree | DescriptorEntry | undefined = layout.tree;
    const count = layout.kinds.length;
    for (let i = 0; i < count && node !== undefined; i++) {
      node = (node as Tree).get((resources[i] as BufferResource).identity);
    }
    return node !== undefined
      ? node as DescriptorEntry
      : this.#make(layout, buffers, resources.slice(0, count));
  }

  /**
   * Forgets the sets that name a buffer which is about to be destroyed.
   *
   * @param resource A buffer that no submitted work uses.
   */
  forget(resource: BufferResource): void {
    for (const entry of [...resource.sets]) this.#recycle(entry);
  }

  /** Destroys everything. */
  dispose(): void {
    for (const layout of this.#layouts.values()) {
      for (const pool of layout.pools) this.#context.destroy("DescriptorPool", pool);
      this.#context.destroy("DescriptorSetLayout", layout.handle);
    }
    this.#layouts.clear();
  }

  #make(
    layout: DescriptorLayout,
    buffers: readonly DeviceBuffer[],
    resources: readonly BufferResource[],
  ): DescriptorEntry {
    const views = this.viewsOf(layout, buffers, resources);
    if (layout.free.length === 0 && layout.entries.size >= MAX_SETS) this.#reuse(layout);
    if (layout.free.length === 0) this.#grow(layout);
    const set = layout.free.pop() as bigint;
    this.write(layout, set, resources, views);
    const entry: DescriptorEntry = { set, layout, resources, lastUse: 0 };
    let node = layout.tree;
    for (let i = 0; i < resources.length - 1; i++) {
      const { identity } = resources[i] as BufferResource;
      let next = node.get(identity) as Tree | undefined;
      if (next === undefined) node.set(identity, next = new Map());
      node = next;
    }
    node.set((resources.at(-1) as BufferResource).identity, entry);
    layout.entries.add(entry);
    for (const resource of resources) resource.sets.add(entry);
    return entry;
  }

  /** Takes the sets of the older half that no submitted work uses. */
  #reuse(layout: DescriptorLayout): void {
    const completed = this.#timeline.poll();
    let examined = 0;
    for (const entry of [...layout.entries]) {
      if (++examined > MAX_SETS / 2) break;
      if (entry.lastUse <= completed) this.#recycle(entry);
    }
  }

  #recycle(entry: DescriptorEntry): void {
    const { layout, resources } = entry;
    const path: Tree[] = [layout.tree];
    for (let i = 0; i < resources.length - 1; i++) {
      path.push((path[i] as Tree).get((resources[i] as BufferResource).identity) as Tree);
    }
    for (let i = resources.length - 1; i >= 0; i--) {
      const node = path[i] as Tree;
      node.delete((resources[i] as BufferResource).identity);
      if (node.size > 0) break;
    }
    layout.entries.delete(entry);
    layout.free.push(entry.set);
    for (const resource of resources) resource.sets.delete(entry);
  }

  #grow(layout: DescriptorLayout): void {
    const { arena, commands, handle } = this.#context;
    arena.scope(() => {
      const types = layout.kinds.map(descriptorType);
      const sizes = [...new Set(types)].map((type) => ({
        type,
        descriptorCount: types.filter((other) => other === type).length * SETS_PER_POOL,
      }));
      const poolInfo = arena.struct(VkDescriptorPoolCreateInfo, {
        maxSets: SETS_PER_POOL,
        poolSizeCount: sizes.length,
        pPoolSizes: arena.structs(VkDescriptorPoolSize, sizes).address,
      });
      const pool = this.#context.create("DescriptorPool", poolInfo.address);
      const layouts = arena.u64s(Array.from({ length: SETS_PER_POOL }, () => layout.handle));
      const info = arena.struct(VkDescriptorSetAllocateInfo, {
        descriptorPool: pool,
        descriptorSetCount: SETS_PER_POOL,
        pSetLayouts: layouts.address,
      });
      const out = arena.allocate(SETS_PER_POOL * 8);
      const code = commands.vkAllocateDescriptorSets(handle, info.address, out.address);
      try {
        this.#context.check("vkAllocateDescriptorSets", code);
      } catch (error) {
        this.#context.destroy("DescriptorPool", pool);
        throw error;
      }
      layout.pools.push(pool);
      for (let i = SETS_PER_POOL - 1; i >= 0; i--) layout.free.push(out.getU64(i * 8));
    });
  }

  /**
   * The texel views that a set needs.
   *
   * @param layout Its layout.
   * @param buffers The buffers by binding.
   * @param resources Their memory.
   * @returns `VkBufferView` of each binding; 0 where none is needed.
   * @throws {LimitError} If a buffer is too large for its kind of binding.
   */
  viewsOf(
    layout: DescriptorLayout,
    buffers: readonly DeviceBuffer[],
    resources: readonly BufferResource[],
  ): bigint[] {
    const { maxStorageBufferRange } = this.#context.record.adapter.limits;
    for (const [i, kind] of layout.kinds.entries()) {
      const { byteLength, label } = buffers[i] as DeviceBuffer;
      if (kind !== "storage" || byteLength <= maxStorageBufferRange) continue;
      throw new LimitError(
        `Cannot bind ${label}: it has ${byteLength} bytes, maxStorageBufferRange allows a kernel to see ` +
          `${maxStorageBufferRange}. Use smaller batches.`,
      );
    }
    return layout.kinds.map((kind, i) =>
      kind === "storage" ? 0n : this.#buffers.view(
        resources[i] as BufferResource,
        kind,
        (buffers[i] as DeviceBuffer).byteLength,
        (buffers[i] as DeviceBuffer).label,
      )
    );
  }

  /**
   * Makes a set name buffers.
   *
   * @param layout Its layout.
   * @param set `VkDescriptorSet` that no submitted work uses.
   * @param resources Memory of the buffers by binding.
   * @param views From {@linkcode viewsOf}.
   */
  write(
    layout: DescriptorLayout,
    set: bigint,
    resources: readonly BufferResource[],
    views: readonly bigint[],
  ): void {
    const { arena, commands, handle, record } = this.#context;
    const { maxStorageBufferRange } = record.adapter.limits;
    arena.scope(() => {
      const writes = layout.kinds.map((kind, binding) => {
        const { handle: buffer, capacity } = resources[binding] as BufferResource;
        let info: Slot;
        if (kind === "storage") {
          const range = BigInt(Math.min(capacity, maxStorageBufferRange));
          info = arena.struct(VkDescriptorBufferInfo, { buffer, range });
        } else {
          info = arena.u64s([views[binding] as bigint]);
        }
        return {
          dstSet: set,
          dstBinding: binding,
          descriptorCount: 1,
          descriptorType: descriptorType(kind),
          pBufferInfo: kind === "storage" ? info.address : 0n,
          pTexelBufferView: kind === "storage" ? 0n : info.address,
        };
      });
      const slot = arena.structs(VkWriteDescriptorSet, writes);
      commands.vkUpdateDescriptorSets(handle, writes.length, slot.address, 0, 0n);
    });
  }
}

/**
 * How Vulkan calls a kind of binding.
 *
 * @param kind The kind.
 * @returns `VkDescriptorType`.
 */
export function descriptorType(kind: Kind): number {
  return kind === "storage"
    ? vk.VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
    : vk.VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER;
}
