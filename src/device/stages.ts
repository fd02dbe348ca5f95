// What barriers are about: where commands of this module happen, and how they touch memory.

import * as vk from "../../ffi/vulkan/enums.ts";

/** Where commands happen. */
export const STAGES: number = vk.VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT |
  vk.VK_PIPELINE_STAGE_TRANSFER_BIT;
/** How they write. */
export const WRITES: number = vk.VK_ACCESS_SHADER_WRITE_BIT | vk.VK_ACCESS_TRANSFER_WRITE_BIT;
/** How they read. */
export const READS: number = vk.VK_ACCESS_SHADER_READ_BIT | vk.VK_ACCESS_TRANSFER_READ_BIT;
