// VkDeviceMemory: which memory type serves which purpose, blocks under a budget, and flushes of memory that is not coherent.

import { VulkanError } from "../../ffi/result.ts";
import type { Slot } from "../../ffi/arena.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkMappedMemoryRange,
  VkMemoryAllocateFlagsInfo,
  VkMemoryAllocateInfo,
} from "../../ffi/vulkan/structs.ts";
import { DeviceError } from "../core/errors.ts";
import type { AdapterRecord } from "./adapter.ts";
import type { Context } from "./context.ts";
import {
  type Allocation,
  BLOCK_BYTES,
  BlockAllocator,
  BlockRefusedError,
  roundUp,
} from "./memory_blocks.ts";

/** What memory is for: kernels, writing by the host, reading by the host. */
export type MemoryKind = "device" | "upload" | "readback";

/** A block of device memory. */
export interface MemoryBlock {
  /** `VkDeviceMemory`. */
  readonly memory: bigint;
  /** Where it is mapped; 0 if the host cannot see it. */
  readonly address: bigint;
  /** False if the host must flush and invalidate. */
  readonly coherent: boolean;
  /** Index of its memory type. */
  readonly type: number;
}

/** A piece of device memory. */
export type MemoryPiece = Allocation<MemoryBlock>;

const HOST_VISIBLE = vk.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
const COHERENT = vk.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
const CACHED = vk.VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
const LOCAL = vk.VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;

/** Protected, lazy and vendor-specific kinds are never what we want. */
const UNUSABLE = vk.VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT |
  vk.VK_MEMORY_PROPERTY_PROTECTED_BIT |
  vk.VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD |
  vk.VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD;

/** Failures that freeing memory may cure. */
const MEMORY_CODES: readonly number[] = [
  vk.VK_ERROR_OUT_OF_HOST_MEMORY,
  vk.VK_ERROR_OUT_OF_DEVICE_MEMORY,
  vk.VK_ERROR_TOO_MANY_OBJECTS,
  vk.VK_ERROR_MEMORY_MAP_FAILED,
  vk.VK_ERROR_FRAGMENTED_POOL,
  vk.VK_ERROR_OUT_OF_POOL_MEMORY,
  vk.VK_ERROR_FRAGMENTATION,
];

/**
 * Whether freeing memory and trying again may help.
 *
 * @param error What was thrown.
 * @returns True for the budget and for the driver's out-of-memory results.
 */
export function isMemoryFailure(error: unknown): error is Error {
  return error instanceof BlockRefusedError ||
    (error instanceof VulkanError && MEMORY_CODES.includes(error.code));
}

/**
 * Chooses the memory type for a purpose.
 *
 * @param types Property flags of the types.
 * @param allowed Bit mask of the types that may be taken.
 * @param kind The purpose.
 * @param mapped Whether the host writes and reads kernel memory directly.
 * @returns Index of the type, or -1.
 */
export function chooseMemoryType(
  types: AdapterRecord["memoryTypes"],
  allowed: number,
  kind: MemoryKind,
  mapped: boolean,
): number {
  let best = -1;
  let bestScore = -1;
  types.forEach(({ propertyFlags: flags }, index) => {
    if (((allowed >>> index) & 1) === 0 || (flags & UNUSABLE) !== 0) return;
    const score = kind === "device" ? scoreDevice(flags, mapped) : scoreHost(flags, kind);
    if (score > bestScore) [best, bestScore] = [index, score];
  });
  return best;
}

function has(flags: number, bits: number): number {
  return (flags & bits) === bits ? 1 : 0;
}

function scoreDevice(flags: number, mapped: boolean): number {
  if (mapped) {
    if (!isMappable(flags)) return -1;
    return has(flags, LOCAL) * 4 + has(flags, COHERENT) * 2;
  }
  // Memory that the host sees may be a small window into the device: leave it to others.
  return has(flags, LOCAL) * 4 + (1 - has(flags, HOST_VISIBLE));
}

function scoreHost(flags: number, kind: MemoryKind): number {
  if (!has(flags, HOST_VISIBLE)) return -1;
  // Reading memory that is not cached is a hundred times slower; writing it is not.
  const cached = kind === "readback" ? has(flags, CACHED) * 4 : 1 - has(flags, CACHED);
  return cached + has(flags, COHERENT) * 2 + (1 - has(flags, LOCAL)) * 0.5;
}

/**
 * Whether the host may use kernel memory in place.
 *
 * @param flags Property flags of the memory type.
 * @returns True if it is visible and cached.
 */
export function isMappable(flags: number): boolean {
  return has(flags, HOST_VISIBLE | CACHED) === 1 && (flags & UNUSABLE) === 0;
}

/** Options of {@linkcode DeviceMemory}. */
export interface MemoryOptions {
  /** Whether the host writes and reads kernel memory directly. */
  readonly mapped: boolean;
  /** Upper bound of all blocks together. */
  readonly budgetBytes: number;
  /** Bytes of an ordinary block. */
  readonly blockBytes?: number | undefined;
}

/** All memory of a device. */
export class DeviceMemory {
  /** Whether the host writes and reads kernel memory directly. */
  readonly mapped: boolean;
  /** Upper bound of all blocks together. */
  readonly budgetBytes: number;
  readonly #context: Context;
  readonly #blockBytes: number;
  readonly #atomBytes: number;
  readonly #range: Slot;
  readonly #allocators: Map<number, BlockAllocator<MemoryBlock>> = new Map();
  #reservedBytes = 0;
  #blockCount = 0;

  /**
   * @param context The device.
   * @param options How much and how.
   */
  constructor(context: Context, options: MemoryOptions) {
    this.#context = context;
    this.mapped = options.mapped;
    this.budgetBytes = options.budgetBytes;
    // A small heap must not be eaten by one block for each purpose.
    const share = Math.max(1 << 20, Math.floor(options.budgetBytes / 8));
    this.#blockBytes = options.blockBytes ?? Math.min(BLOCK_BYTES, share);
    this.#atomBytes = Math.max(64, context.record.adapter.limits.nonCoherentAtomBytes);
    this.#range = context.arena.permanent(VkMappedMemoryRange.byteLength);
  }

  /** Bytes of all blocks. */
  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /**
   * Takes memory.
   *
   * @param kind What for.
   * @param byteLength Bytes wanted.
   * @param alignment A power of two.
   * @param typeBits Memory types that may be taken.
   * @param mayGrow Whether a new block may be made.
   * @returns The piece; undefined if there is no room and no new block may be made.
   * @throws {BlockRefusedError} If the budget, the count of allocations or the device's memory is exhausted.
   */
  allocate(
    kind: MemoryKind,
    byteLength: number,
    alignment: number,
    typeBits: number,
    mayGrow: boolean,
  ): MemoryPiece | undefined {
    const { memoryTypes } = this.#context.record;
    const type = chooseMemoryType(memoryTypes, typeBits, kind, this.mapped);
    if (type < 0) {
      const flags = memoryTypes.map(({ propertyFlags }) => `0x${propertyFlags.toString(16)}`);
      throw new DeviceError(
        `Cannot allocate ${kind} memory: no memory type fits; the propertyFlags found are ${
          flags.join(", ")
        } (allowed 0x${typeBits.toString(16)})`,
      );
    }
    let allocator = this.#allocators.get(type);
    if (allocator === undefined) {
      const source = {
        allocate: (bytes: number) => this.#allocateBlock(type, bytes),
        free: (block: MemoryBlock, bytes: number) => this.#freeBlock(block, bytes),
      };
      allocator = new BlockAllocator(source, this.#atomBytes, this.#blockBytes);
      this.#allocators.set(type, allocator);
    }
    return mayGrow
      ? allocator.allocate(byteLength, alignment)
      : allocator.allocateExisting(byteLength, alignment);
  }

  /**
   * Gives memory back.
   *
   * @param piece From `allocate`.
   */
  free(piece: MemoryPiece): void {
    this.#allocators.get(piece.handle.type)?.free(piece);
  }

  /** Frees blocks that nobody uses. */
  trim(): void {
    for (const allocator of this.#allocators.values()) allocator.trim();
  }

  /**
   * Makes bytes written by the host visible to the device, where that does not happen by itself.
   *
   * @param piece Mapped memory.
   * @param byteOffset First byte, from the start of the piece.
   * @param byteLength Bytes written.
   */
  flush(piece: MemoryPiece, byteOffset: number, byteLength: number): void {
    if (piece.handle.coherent) return;
    this.#writeRange(piece, byteOffset, byteLength);
    const { commands, handle } = this.#context;
    this.#context.check(
      "vkFlushMappedMemoryRanges",
      commands.vkFlushMappedMemoryRanges(handle, 1, this.#range.address),
    );
  }

  /**
   * Makes bytes written by the device visible to the host, where that does not happen by itself.
   *
   * @param piece Mapped memory.
   * @param byteOffset First byte, from the start of the piece.
   * @param byteLength Bytes to be read.
   */
  invalidate(piece: MemoryPiece, byteOffset: number, byteLength: number): void {
    if (piece.handle.coherent) return;
    this.#writeRange(piece, byteOffset, byteLength);
    const { commands, handle } = this.#context;
    this.#context.check(
      "vkInvalidateMappedMemoryRanges",
      commands.vkInvalidateMappedMemoryRanges(handle, 1, this.#range.address),
    );
  }

  /** Frees everything; all pieces must have been given back. */
  dispose(): void {
    this.trim();
    this.#context.arena.recycle(this.#range);
  }

  /** Rounds outward to atoms: pieces begin and end at atoms, so this never touches a neighbor. */
  #writeRange(piece: MemoryPiece, byteOffset: number, byteLength: number): void {
    const start = Math.floor(byteOffset / this.#atomBytes) * this.#atomBytes;
    const end = Math.min(roundUp(byteOffset + byteLength, this.#atomBytes), piece.byteLength);
    VkMappedMemoryRange.write(this.#range, {
      memory: piece.handle.memory,
      offset: BigInt(piece.offset + start),
      size: BigInt(end - start),
    });
  }

  #allocateBlock(type: number, byteLength: number): MemoryBlock {
    const { arena, commands, handle, record } = this.#context;
    const { limits, features } = record.adapter;
    if (this.#reservedBytes + byteLength > this.budgetBytes) {
      throw new BlockRefusedError(`the budget is ${this.budgetBytes} bytes`);
    }
    if (byteLength > limits.maxMemoryAllocationSize) {
      throw new BlockRefusedError(
        `maxMemoryAllocationSize is ${limits.maxMemoryAllocationSize} bytes`,
      );
    }
    // VUID-vkAllocateMemory-maxMemoryAllocationCount-04101
    if (this.#blockCount >= limits.maxMemoryAllocationCount) {
      throw new BlockRefusedError(
        `${this.#blockCount} allocations exist, maxMemoryAllocationCount allows ${limits.maxMemoryAllocationCount}`,
      );
    }
    const flags = record.memoryTypes[type]?.propertyFlags ?? 0;
    return arena.scope(() => {
      const addressable = arena.struct(VkMemoryAllocateFlagsInfo, {
        flags: vk.VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
      });
      const info = arena.struct(VkMemoryAllocateInfo, {
        pNext: features.bufferDeviceAddress ? addressable.address : 0n,
        allocationSize: BigInt(byteLength),
        memoryTypeIndex: type,
      });
      const out = arena.allocate(8);
      this.#call(
        "vkAllocateMemory",
        commands.vkAllocateMemory(handle, info.address, 0n, out.address),
      );
      const memory = out.getU64();
      if (has(flags, HOST_VISIBLE)) {
        try {
          const code = commands.vkMapMemory(handle, memory, 0n, vk.VK_WHOLE_SIZE, 0, out.address);
          this.#call("vkMapMemory", code);
        } catch (error) {
          commands.vkFreeMemory(handle, memory, 0n);
          throw error;
        }
      } else {
        out.setU64(0n);
      }
      this.#context.countObject(1);
      this.#reservedBytes += byteLength;
      this.#blockCount++;
      return { memory, address: out.getU64(), coherent: has(flags, COHERENT) === 1, type };
    });
  }

  #freeBlock(block: MemoryBlock, byteLength: number): void {
    const { commands, handle } = this.#context;
    // Freeing unmaps.
    commands.vkFreeMemory(handle, block.memory, 0n);
    this.#context.countObject(-1);
    this.#reservedBytes -= byteLength;
    this.#blockCount--;
  }

  #call(command: string, code: number): void {
    if (MEMORY_CODES.includes(code)) {
      throw new BlockRefusedError(new VulkanError(command, code).message);
    }
    this.#context.check(command, code);
  }
}
