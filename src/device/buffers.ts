// Buffers: the VkBuffer with its memory, texel views and address, which is pooled whole, and the handle a caller holds.

import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkBufferCreateInfo,
  VkBufferDeviceAddressInfo,
  VkBufferViewCreateInfo,
  VkMemoryRequirements,
} from "../../ffi/vulkan/structs.ts";
import { DeviceError, DisposedError, LimitError } from "../core/errors.ts";
import { describe } from "../core/options.ts";
import type { Context } from "./context.ts";
import type { DescriptorEntry } from "./descriptors.ts";
import type { Device } from "./device.ts";
import type { DeviceMemory, MemoryKind, MemoryPiece } from "./memory.ts";
import type { Recording } from "./recording.ts";
import type { PendingRead } from "./transfer.ts";

const USAGE: Readonly<Record<MemoryKind, number>> = {
  device: vk.VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | vk.VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT |
    vk.VK_BUFFER_USAGE_TRANSFER_SRC_BIT | vk.VK_BUFFER_USAGE_TRANSFER_DST_BIT,
  upload: vk.VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
  readback: vk.VK_BUFFER_USAGE_TRANSFER_DST_BIT,
};

/** Sizes of buffers whose alignment stands for all: small and large. */
const PROBED_BYTES = [256, 1 << 26];

let nextIdentity = 1;

/** A VkBuffer with memory and everything derived from it. Lives longer than the handle that a caller holds. */
export class BufferResource {
  /** Never used twice in a process. */
  readonly identity: number = nextIdentity++;
  /** `VkBuffer`. */
  readonly handle: bigint;
  /** What its memory is for. */
  readonly kind: MemoryKind;
  /** Bytes that it holds. */
  readonly capacity: number;
  /** Its memory. */
  readonly piece: MemoryPiece;
  /** Where the host sees it; 0 if it does not. */
  readonly mappedAddress: bigint;
  /** Serial of the last submission that uses it; 0 if none does. */
  lastUse = 0;
  /** Epoch of the last read, for hazards. */
  readEpoch = 0;
  /** Epoch of the last write, for hazards. */
  writeEpoch = 0;
  /** Whether the device wrote it since the last barrier towards the host. */
  hostStale = false;
  /** Serial of the submission with that barrier. */
  hostSerial = 0;
  /** Low half of the device address. */
  addressLow = 0;
  /** High half of the device address. */
  addressHigh = 0;
  /** Whether the device address was asked for. */
  hasAddress = false;
  /** View as r32f; 0 until somebody needs it. */
  texel1 = 0n;
  /** View as rgba32f; 0 until somebody needs it. */
  texel4 = 0n;
  /** Images that stand for it in copies, by their sizes; 0 where none can. */
  readonly images: Map<string, bigint> = new Map();
  /** Descriptor sets that name this buffer. */
  readonly sets: Set<DescriptorEntry> = new Set();
  /** Recordings that name this buffer. */
  readonly recordings: Set<Recording> = new Set();
  /** Downloads that will read this mapped memory later. */
  readonly reads: Set<PendingRead> = new Set();

  /**
   * @param handle `VkBuffer`.
   * @param kind What its memory is for.
   * @param capacity Bytes that it holds.
   * @param piece Its memory.
   */
  constructor(handle: bigint, kind: MemoryKind, capacity: number, piece: MemoryPiece) {
    this.handle = handle;
    this.kind = kind;
    this.capacity = capacity;
    this.piece = piece;
    const { address } = piece.handle;
    this.mappedAddress = address === 0n ? 0n : address + BigInt(piece.offset);
  }
}

/** Memory on a device. Release it when it is no longer needed; it goes back to the device's pool. */
export class DeviceBuffer {
  /** Bytes that were asked for. */
  readonly byteLength: number;
  /** What it is for, in messages and reports. */
  readonly label: string;
  /** Where it lives. */
  readonly device: Device;
  /**
   * Its place among the buffers in use, for the device layer alone.
   *
   * @ignore
   */
  liveIndex = -1;
  #resource: BufferResource | undefined;

  /**
   * Made by {@linkcode Device.allocate} only.
   *
   * @param device Where it lives.
   * @param resource The memory.
   * @param byteLength Bytes that were asked for.
   * @param label What it is for.
   */
  constructor(device: Device, resource: BufferResource, byteLength: number, label: string) {
    this.device = device;
    this.byteLength = byteLength;
    this.label = label;
    this.#resource = resource;
  }

  /** True after `release()`. */
  get released(): boolean {
    return this.#resource === undefined;
  }

  /**
   * The memory, for the device layer alone.
   *
   * @ignore
   */
  get resource(): BufferResource | undefined {
    return this.#resource;
  }

  /** Gives the memory back; a second call does nothing, and so does a call after the device was disposed. */
  release(): void {
    const resource = this.#resource;
    if (resource === undefined) return;
    this.#resource = undefined;
    this.device.reclaimBuffer(this, resource);
  }
}

/**
 * The memory behind a caller's buffer.
 *
 * @param device Where it must live.
 * @param buffer What the caller gave.
 * @param verb What is to be done with it, for errors.
 * @returns The memory.
 * @throws {TypeError} If it is no buffer.
 * @throws {DeviceError} If it lives on another device.
 * @throws {DisposedError} If it was released.
 */
export function resourceOf(device: Device, buffer: DeviceBuffer, verb: string): BufferResource {
  if (!(buffer instanceof DeviceBuffer)) {
    throw new TypeError(`Cannot ${verb} ${describe(buffer)}: expected a buffer of this device`);
  }
  if (buffer.device !== device) {
    throw new DeviceError(
      `Cannot ${verb} ${buffer.label}: it lives on another device (${buffer.device.adapter.name})`,
    );
  }
  const { resource } = buffer;
  if (resource === undefined) {
    throw new DisposedError(`Cannot ${verb} ${buffer.label}: the buffer was released`);
  }
  return resource;
}

/** Makes and destroys buffer resources. */
export class BufferFactory {
  readonly #context: Context;
  readonly #memory: DeviceMemory;

  /**
   * @param context The device.
   * @param memory Where memory comes from.
   */
  constructor(context: Context, memory: DeviceMemory) {
    this.#context = context;
    this.#memory = memory;
  }

  /**
   * Makes a buffer.
   *
   * @param kind What it is for.
   * @param capacity Bytes.
   * @param mayGrow Whether a new memory block may be made.
   * @returns The buffer, or undefined if it needs a new block and that was not allowed.
   * @throws {VulkanError | BlockRefusedError} If memory is exhausted.
   */
  create(kind: MemoryKind, capacity: number, mayGrow: boolean): BufferResource | undefined {
    const { arena, commands, handle: device } = this.#context;
    return arena.scope(() => {
      const handle = this.#create(kind, capacity);
      let piece: MemoryPiece | undefined;
      let bound = false;
      try {
        const needed = this.#requirements(handle);
        piece = this.#memory.allocate(
          kind,
          Number(needed.size),
          Number(needed.alignment),
          needed.memoryTypeBits,
          mayGrow,
        );
        if (piece === undefined) return undefined;
        const offset = BigInt(piece.offset);
        this.#context.check(
          "vkBindBufferMemory",
          commands.vkBindBufferMemory(device, handle, piece.handle.memory, offset),
        );
        bound = true;
        return new BufferResource(handle, kind, capacity, piece);
      } finally {
        if (!bound) {
          this.#context.destroy("Buffer", handle);
          if (piece !== undefined) this.#memory.free(piece);
        }
      }
    });
  }

  /** Bytes of which the places of buffers for kernels are multiples, and that may be taken beyond their ends. */
  alignment(): number {
    const needs = PROBED_BYTES.map((capacity) => {
      const handle = this.#create("device", capacity);
      try {
        const { alignment, size } = this.#requirements(handle);
        return Math.max(Number(alignment), Number(size) - capacity);
      } finally {
        this.#context.destroy("Buffer", handle);
      }
    });
    return 2 ** Math.ceil(Math.log2(Math.max(...needs)));
  }

  /**
   * Makes a buffer in the memory of another one.
   *
   * @param parent The other one, which must live at least as long as work that uses the new one.
   * @param offset Where in its memory, a multiple of {@linkcode BufferFactory.alignment}.
   * @param capacity Bytes.
   * @returns The buffer.
   * @throws {VulkanError} If memory is exhausted.
   */
  alias({ kind, piece }: BufferResource, offset: number, capacity: number): BufferResource {
    const { commands, handle: device } = this.#context;
    const handle = this.#create(kind, capacity);
    try {
      this.#requirements(handle);
      const at = piece.offset + offset;
      const { memory } = piece.handle;
      this.#context.check(
        "vkBindBufferMemory",
        commands.vkBindBufferMemory(device, handle, memory, BigInt(at)),
      );
      return new BufferResource(handle, kind, capacity, {
        ...piece,
        offset: at,
        byteLength: capacity,
      });
    } catch (error) {
      this.#context.destroy("Buffer", handle);
      throw error;
    }
  }

  /**
   * Destroys a buffer made by {@linkcode BufferFactory.alias}, whose memory is not its own.
   *
   * @param resource The buffer, which no submitted work uses.
   */
  destroyAlias(resource: BufferResource): void {
    this.#context.destroy("BufferView", resource.texel1);
    this.#context.destroy("BufferView", resource.texel4);
    for (const image of resource.images.values()) this.#context.destroy("Image", image);
    this.#context.destroy("Buffer", resource.handle);
  }

  /**
   * Destroys a buffer that no submitted work uses.
   *
   * @param resource The buffer.
   */
  destroy(resource: BufferResource): void {
    this.destroyAlias(resource);
    this.#memory.free(resource.piece);
  }

  /**
   * The view of a buffer as texels, made at the first call.
   *
   * @param resource The buffer.
   * @param kind `texel1` for r32f, `texel4` for rgba32f.
   * @param byteLength Bytes that the caller uses.
   * @param label What the buffer is for.
   * @returns `VkBufferView`.
   * @throws {LimitError} If the buffer has more texels than a view may have.
   */
  view(
    resource: BufferResource,
    kind: "texel1" | "texel4",
    byteLength: number,
    label: string,
  ): bigint {
    const texelBytes = kind === "texel1" ? 4 : 16;
    const { maxTexelBufferElements } = this.#context.record.adapter.limits;
    const limitBytes = maxTexelBufferElements * texelBytes;
    if (byteLength > limitBytes) {
      throw new LimitError(
        `Cannot view ${label} as texels: it has ${byteLength} bytes, maxTexelBufferElements allows ` +
          `${limitBytes} (${maxTexelBufferElements} texels). Use smaller batches, or another load path.`,
      );
    }
    const known = resource[kind];
    if (known !== 0n) return known;
    const { arena } = this.#context;
    const range = Math.min(Math.floor(resource.capacity / texelBytes) * texelBytes, limitBytes);
    const view = arena.scope(() => {
      const info = arena.struct(VkBufferViewCreateInfo, {
        buffer: resource.handle,
        format: kind === "texel1" ? vk.VK_FORMAT_R32_SFLOAT : vk.VK_FORMAT_R32G32B32A32_SFLOAT,
        range: BigInt(range),
      });
      return this.#context.create("BufferView", info.address);
    });
    resource[kind] = view;
    return view;
  }

  /**
   * Asks for the device address of a buffer.
   *
   * @param resource The buffer; its address fields are set.
   */
  resolveAddress(resource: BufferResource): void {
    const { arena, commands, handle, record } = this.#context;
    if (!record.adapter.features.bufferDeviceAddress) {
      throw new DeviceError(
        `Cannot use addresses on ${record.adapter.name}: its feature bufferDeviceAddress is false`,
      );
    }
    arena.scope(() => {
      const info = arena.struct(VkBufferDeviceAddressInfo, { buffer: resource.handle });
      const address = commands.vkGetBufferDeviceAddress(handle, info.address);
      resource.addressLow = Number(address & 0xffffffffn);
      resource.addressHigh = Number(address >> 32n);
      resource.hasAddress = true;
    });
  }

  #create(kind: MemoryKind, capacity: number): bigint {
    const { arena } = this.#context;
    const usage = kind === "device" && this.#context.record.adapter.features.bufferDeviceAddress
      ? USAGE.device | vk.VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT
      : USAGE[kind];
    return arena.scope(() => {
      const info = arena.struct(VkBufferCreateInfo, {
        size: BigInt(capacity),
        usage,
        sharingMode: vk.VK_SHARING_MODE_EXCLUSIVE,
      });
      return this.#context.create("Buffer", info.address);
    });
  }

  #requirements(handle: bigint) {
    const { arena, commands, handle: device } = this.#context;
    return arena.scope(() => {
      const out = arena.struct(VkMemoryRequirements);
      commands.vkGetBufferMemoryRequirements(device, handle, out.address);
      return VkMemoryRequirements.read(out);
    });
  }
}
