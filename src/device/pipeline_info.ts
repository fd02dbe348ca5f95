// What the driver is told of a pipeline, written where it stays until the driver has read it.

import type { Slot } from "../../ffi/arena.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import {
  VkComputePipelineCreateInfo,
  VkSpecializationInfo,
  VkSpecializationMapEntry,
} from "../../ffi/vulkan/structs.ts";
import type { Dispatch } from "../core/dispatch.ts";

const ENTRY_POINT = new TextEncoder().encode("main\0");

/**
 * Writes the description of a pipeline.
 *
 * @param take Gives zeroed memory of some bytes, at least one.
 * @param dispatch Program and constants.
 * @param module `VkShaderModule` of the program.
 * @param layout `VkPipelineLayout`.
 * @returns The `VkComputePipelineCreateInfo`.
 * @throws {TypeError} If the program has no such constant.
 */
export function writePipelineInfo(
  take: (byteLength: number) => Slot,
  dispatch: Dispatch,
  module: bigint,
  layout: bigint,
): Slot {
  const name = take(ENTRY_POINT.length);
  name.bytes().set(ENTRY_POINT);
  const info = take(VkComputePipelineCreateInfo.byteLength);
  VkComputePipelineCreateInfo.write(info, {
    stage: {
      stage: vk.VK_SHADER_STAGE_COMPUTE_BIT,
      module,
      pName: name.address,
      pSpecializationInfo: writeSpecialization(take, dispatch),
    },
    layout,
    basePipelineIndex: -1,
  });
  return info;
}

function writeSpecialization(
  take: (byteLength: number) => Slot,
  { program, constants }: Dispatch,
): bigint {
  const names = Object.keys(constants);
  if (names.length === 0) return 0n;
  const data = take(names.length * 4);
  const entries = take(names.length * VkSpecializationMapEntry.byteLength);
  for (const [i, name] of names.entries()) {
    const constant = program.constants[name];
    const value = constants[name];
    if (constant === undefined || value === undefined) {
      throw new TypeError(`Cannot use ${program.id}: it has no constant ${name}`);
    }
    const at = data.offset + i * 4;
    if (constant.type === "f32") data.view.setFloat32(at, value, true);
    else data.view.setInt32(at, value, true);
    const entry = { constantID: constant.id, offset: i * 4, size: 4n };
    VkSpecializationMapEntry.write(entries, entry, i * VkSpecializationMapEntry.byteLength);
  }
  const info = take(VkSpecializationInfo.byteLength);
  VkSpecializationInfo.write(info, {
    mapEntryCount: names.length,
    pMapEntries: entries.address,
    dataSize: BigInt(names.length * 4),
    pData: data.address,
  });
  return info.address;
}
