// Copies of rows without kernels. A driver copies a box of rows of a buffer as one region if an image stands for the buffer: a
// linear one in the same memory, whose layout was found to be that of the buffer's rows.

import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkBufferCopy,
  VkBufferImageCopy,
  VkImageCreateInfo,
  VkImageFormatProperties,
  VkImageMemoryBarrier,
  VkImageSubresource,
  VkMemoryRequirements,
  VkSubresourceLayout,
} from "../../ffi/vulkan/structs.ts";
import type { Capabilities, CopyImages } from "../core/capabilities.ts";
import type { RowCopy } from "../core/dispatch.ts";
import { DeviceLostError } from "../core/errors.ts";
import type { BufferResource } from "./buffers.ts";
import type { Context } from "./context.ts";
import type { Recorder } from "./recorder.ts";

/** Bytes of a texel. */
const TEXEL = 4;

/** Images that stand for one buffer; further shapes are copied by kernels. */
const MAX_IMAGES = 16;

const USAGE = vk.VK_IMAGE_USAGE_TRANSFER_SRC_BIT | vk.VK_IMAGE_USAGE_TRANSFER_DST_BIT;

/** What rows and layers are multiples of if their layout is to be plain: a line of the cache, and blocks of 4 x 4 texels. */
const PLAIN = { rowBytes: 64, rows: 4 };

/** A copy with the objects that it takes. */
export interface PreparedCopy {
  readonly copy: RowCopy;
  /** `VkBuffer`, or the `VkImage` that stands for it. */
  readonly source: bigint;
  readonly target: bigint;
}

/** Makes the images, and records copies. */
export class RowCopies {
  readonly #context: Context;
  readonly #recorder: Recorder;
  #capability: Capabilities["rowCopies"];

  /**
   * @param context The device.
   * @param recorder Takes new images into use.
   */
  constructor(context: Context, recorder: Recorder) {
    this.#context = context;
    this.#recorder = recorder;
  }

  /**
   * What the planner may rely on; found out by the first call.
   *
   * @returns undefined where kernels are as fast.
   * @throws {DeviceLostError} If the device is lost.
   */
  capability(): Capabilities["rowCopies"] {
    if (!this.#context.record.adapter.software) return undefined;
    if (this.#capability !== undefined) return this.#capability;
    let images: CopyImages | null = null;
    try {
      images = this.#images();
    } catch (error) {
      if (error instanceof DeviceLostError) throw error;
    }
    return this.#capability = { images };
  }

  /**
   * Finds the objects that a copy takes.
   *
   * @param copy The copy.
   * @param source Where from.
   * @param target Where to.
   * @returns undefined if no image can stand for its operand.
   * @throws {VulkanError} If memory is exhausted.
   */
  prepare(
    copy: RowCopy,
    source: BufferResource,
    target: BufferResource,
  ): PreparedCopy | undefined {
    const from = copy.image === "from" ? this.#imageOf(copy, source) : source.handle;
    const to = copy.image === "to" ? this.#imageOf(copy, target) : target.handle;
    return from === 0n || to === 0n ? undefined : { copy, source: from, target: to };
  }

  /**
   * Records a copy.
   *
   * @param commandBuffer `VkCommandBuffer`.
   * @param prepared The copy.
   */
  record(commandBuffer: bigint, { copy, source, target }: PreparedCopy): void {
    const { arena, commands } = this.#context;
    const layout = vk.VK_IMAGE_LAYOUT_GENERAL;
    arena.scope(() => {
      if (copy.image === null) {
        const regions = bufferRegions(copy);
        const slot = arena.structs(VkBufferCopy, regions);
        commands.vkCmdCopyBuffer(commandBuffer, source, target, regions.length, slot.address);
        return;
      }
      const { length } = copy.starts;
      const { address } = arena.structs(VkBufferImageCopy, imageRegions(copy, copy.image));
      if (copy.image === "from") {
        commands.vkCmdCopyImageToBuffer(commandBuffer, source, layout, target, length, address);
      } else {
        commands.vkCmdCopyBufferToImage(commandBuffer, source, target, layout, length, address);
      }
    });
  }

  /** The image that stands for an operand; 0 if none can. */
  #imageOf(copy: RowCopy, resource: BufferResource): bigint {
    const image = copy.image as "from" | "to";
    const { row, plane } = copy[image];
    const last = copy.starts.at(-1)![image === "from" ? 0 : 1];
    const needed = Math.floor(last / plane) + copy.planes;
    const most = this.capability()?.images?.maxLayers ?? 0;
    const layers = Math.min(most, Math.max(needed, Math.floor(resource.capacity / plane)));
    const key = `${row} ${plane} ${layers}`;
    const known = resource.images.get(key);
    if (known !== undefined) return known;
    if (resource.images.size >= MAX_IMAGES) return 0n;
    const handle = this.#create(row, plane, layers);
    let bound = false;
    try {
      if (this.#fits(handle, row, plane, layers, resource)) {
        const { piece } = resource;
        const offset = BigInt(piece.offset);
        const { commands, handle: device } = this.#context;
        this.#context.check(
          "vkBindImageMemory",
          commands.vkBindImageMemory(device, handle, piece.handle.memory, offset),
        );
        this.#layOut(handle, layers);
        bound = true;
      }
    } finally {
      if (!bound) this.#context.destroy("Image", handle);
    }
    const found = bound ? handle : 0n;
    resource.images.set(key, found);
    return found;
  }

  /** Whether an image has the layout of a buffer's rows, and the buffer's memory has room for it. */
  #fits(
    image: bigint,
    row: number,
    plane: number,
    layers: number,
    { capacity, piece }: BufferResource,
  ): boolean {
    const { size, alignment, memoryTypeBits } = this.#requirements(image);
    return this.#isPlain(image, row, plane, layers) && Number(size) <= capacity &&
      piece.offset % Number(alignment) === 0 && (memoryTypeBits >>> piece.handle.type & 1) === 1;
  }

  /** What the driver's linear images look like, by an example; null if not as expected. */
  #images(): CopyImages | null {
    const { arena, commands, record } = this.#context;
    const found = arena.scope(() => {
      const out = arena.struct(VkImageFormatProperties);
      const code = commands.vkGetPhysicalDeviceImageFormatProperties(
        record.handle,
        vk.VK_FORMAT_R32_UINT,
        vk.VK_IMAGE_TYPE_2D,
        vk.VK_IMAGE_TILING_LINEAR,
        USAGE,
        0,
        out.address,
      );
      return code === vk.VK_SUCCESS ? VkImageFormatProperties.read(out) : undefined;
    });
    if (found === undefined || found.maxArrayLayers < 2) return null;
    const { rowBytes, rows } = PLAIN;
    const image = this.#create(rowBytes, rowBytes * rows, 2);
    try {
      const { size } = this.#requirements(image);
      const plain = this.#isPlain(image, rowBytes, rowBytes * rows, 2);
      if (!plain || Number(size) > rowBytes * rows * 2) return null;
    } finally {
      this.#context.destroy("Image", image);
    }
    const { width, height } = found.maxExtent;
    return { ...PLAIN, maxExtent: Math.min(width, height), maxLayers: found.maxArrayLayers };
  }

  #create(row: number, plane: number, layers: number): bigint {
    const { arena } = this.#context;
    return arena.scope(() => {
      const info = arena.struct(VkImageCreateInfo, {
        imageType: vk.VK_IMAGE_TYPE_2D,
        format: vk.VK_FORMAT_R32_UINT,
        extent: { width: row / TEXEL, height: plane / row, depth: 1 },
        mipLevels: 1,
        arrayLayers: layers,
        samples: vk.VK_SAMPLE_COUNT_1_BIT,
        tiling: vk.VK_IMAGE_TILING_LINEAR,
        usage: USAGE,
        sharingMode: vk.VK_SHARING_MODE_EXCLUSIVE,
        // What the memory holds stays.
        initialLayout: vk.VK_IMAGE_LAYOUT_PREINITIALIZED,
      });
      return this.#context.create("Image", info.address);
    });
  }

  /** Lets copies use an image, in everything that is submitted from now on. */
  #layOut(image: bigint, layers: number): void {
    const { arena, commands } = this.#context;
    const commandBuffer = this.#recorder.barrier();
    arena.scope(() => {
      const { address } = arena.struct(VkImageMemoryBarrier, {
        srcAccessMask: vk.VK_ACCESS_TRANSFER_WRITE_BIT,
        dstAccessMask: vk.VK_ACCESS_TRANSFER_READ_BIT | vk.VK_ACCESS_TRANSFER_WRITE_BIT,
        oldLayout: vk.VK_IMAGE_LAYOUT_PREINITIALIZED,
        newLayout: vk.VK_IMAGE_LAYOUT_GENERAL,
        srcQueueFamilyIndex: vk.VK_QUEUE_FAMILY_IGNORED,
        dstQueueFamilyIndex: vk.VK_QUEUE_FAMILY_IGNORED,
        image,
        subresourceRange: {
          aspectMask: vk.VK_IMAGE_ASPECT_COLOR_BIT,
          levelCount: 1,
          layerCount: layers,
        },
      });
      const stage = vk.VK_PIPELINE_STAGE_TRANSFER_BIT;
      commands.vkCmdPipelineBarrier(commandBuffer, stage, stage, 0, 0, 0n, 0, 0n, 1, address);
    });
  }

  #requirements(image: bigint): VkMemoryRequirements {
    const { arena, commands, handle } = this.#context;
    return arena.scope(() => {
      const out = arena.struct(VkMemoryRequirements);
      commands.vkGetImageMemoryRequirements(handle, image, out.address);
      return VkMemoryRequirements.read(out);
    });
  }

  #isPlain(image: bigint, row: number, plane: number, layers: number): boolean {
    const { arena, commands, handle } = this.#context;
    return arena.scope(() => {
      const which = arena.struct(VkImageSubresource, {
        aspectMask: vk.VK_IMAGE_ASPECT_COLOR_BIT,
        arrayLayer: layers - 1,
      });
      const out = arena.struct(VkSubresourceLayout);
      commands.vkGetImageSubresourceLayout(handle, image, which.address, out.address);
      const { offset, rowPitch } = VkSubresourceLayout.read(out);
      return Number(rowPitch) === row && Number(offset) === plane * (layers - 1);
    });
  }
}

/** Regions of one row each. */
function bufferRegions({ rowBytes, rows, planes, from, to, starts }: RowCopy) {
  const size = BigInt(rowBytes);
  return starts.flatMap(([source, target]) =>
    Array.from({ length: rows * planes }, (_, at) => {
      const row = at % rows;
      const plane = (at - row) / rows;
      return {
        srcOffset: BigInt(source + plane * from.plane + row * from.row),
        dstOffset: BigInt(target + plane * to.plane + row * to.row),
        size,
      };
    })
  );
}

/** Regions of one box each. */
function imageRegions(copy: RowCopy, image: "from" | "to") {
  const { rowBytes, rows, planes, starts } = copy;
  const own = copy[image];
  const other = copy[image === "from" ? "to" : "from"];
  return starts.map(([source, target]) => {
    const [inImage, inBuffer] = image === "from" ? [source, target] : [target, source];
    const inLayer = inImage % own.plane;
    return {
      bufferOffset: BigInt(inBuffer),
      bufferRowLength: other.row / TEXEL,
      bufferImageHeight: other.plane / other.row,
      imageSubresource: {
        aspectMask: vk.VK_IMAGE_ASPECT_COLOR_BIT,
        baseArrayLayer: Math.floor(inImage / own.plane),
        layerCount: planes,
      },
      imageOffset: {
        x: (inLayer % own.row) / TEXEL,
        y: Math.floor(inLayer / own.row),
      },
      imageExtent: { width: rowBytes / TEXEL, height: rows, depth: 1 },
    };
  });
}
