/**
 * Deliberate misuse of Vulkan, run by `run.ts` under the validation layer. If
 * the layer does not complain about this, its silence about the test suite
 * means nothing. Uses the raw binding, because the device would not allow it.
 *
 * `core`: a buffer of zero bytes. `sync`: two writes without a barrier.
 */
import process from "node:process";
import { openVulkan } from "../../ffi/loader.ts";
import * as enums from "../../ffi/vulkan/enums.ts";
import * as structs from "../../ffi/vulkan/structs.ts";

const { commands: vk, arena } = openVulkan();

function must(result: number, what: string): void {
  if (result < 0) throw new Error(`${what} failed: ${result}`);
}

/** Runs a command whose last argument receives one handle. */
function handleFrom(what: string, call: (slot: bigint) => number | void): bigint {
  const slot = arena.allocate(8);
  must(call(slot.address) ?? 0, what);
  return slot.getU64();
}

arena.scope(() => {
  const application = arena.struct(structs.VkApplicationInfo, {
    apiVersion: (1 << 22) | (2 << 12),
  });
  const instanceInfo = arena.struct(structs.VkInstanceCreateInfo, {
    pApplicationInfo: application.address,
  });
  const instance = handleFrom(
    "vkCreateInstance",
    (slot) => vk.vkCreateInstance(instanceInfo.address, 0n, slot),
  );
  const count = arena.u32s([1]);
  const adapter = handleFrom(
    "vkEnumeratePhysicalDevices",
    (slot) => vk.vkEnumeratePhysicalDevices(instance, count.address, slot),
  );
  if (count.getU32() === 0) throw new Error("no adapter");
  const priority = arena.allocate(4);
  priority.view.setFloat32(priority.offset, 1, true);
  const queueInfo = arena.struct(structs.VkDeviceQueueCreateInfo, {
    queueFamilyIndex: 0,
    queueCount: 1,
    pQueuePriorities: priority.address,
  });
  const deviceInfo = arena.struct(structs.VkDeviceCreateInfo, {
    queueCreateInfoCount: 1,
    pQueueCreateInfos: queueInfo.address,
  });
  const device = handleFrom(
    "vkCreateDevice",
    (slot) => vk.vkCreateDevice(adapter, deviceInfo.address, 0n, slot),
  );

  const makeBuffer = (size: bigint) => {
    const info = arena.struct(structs.VkBufferCreateInfo, {
      size,
      usage: enums.VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    });
    return handleFrom(
      "vkCreateBuffer",
      (slot) => vk.vkCreateBuffer(device, info.address, 0n, slot),
    );
  };

  if (process.argv[2] === "core") {
    makeBuffer(0n);
  } else {
    const buffer = makeBuffer(256n);
    const need = arena.struct(structs.VkMemoryRequirements);
    vk.vkGetBufferMemoryRequirements(device, buffer, need.address);
    const bits = structs.VkMemoryRequirements.read(need).memoryTypeBits;
    const allocation = arena.struct(structs.VkMemoryAllocateInfo, {
      allocationSize: structs.VkMemoryRequirements.read(need).size,
      memoryTypeIndex: Math.log2(bits & -bits),
    });
    const memory = handleFrom(
      "vkAllocateMemory",
      (slot) => vk.vkAllocateMemory(device, allocation.address, 0n, slot),
    );
    must(vk.vkBindBufferMemory(device, buffer, memory, 0n), "vkBindBufferMemory");
    const poolInfo = arena.struct(structs.VkCommandPoolCreateInfo, { queueFamilyIndex: 0 });
    const pool = handleFrom(
      "vkCreateCommandPool",
      (slot) => vk.vkCreateCommandPool(device, poolInfo.address, 0n, slot),
    );
    const listInfo = arena.struct(structs.VkCommandBufferAllocateInfo, {
      commandPool: pool,
      level: enums.VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      commandBufferCount: 1,
    });
    const list = handleFrom(
      "vkAllocateCommandBuffers",
      (slot) => vk.vkAllocateCommandBuffers(device, listInfo.address, slot),
    );
    const begin = arena.struct(structs.VkCommandBufferBeginInfo);
    must(vk.vkBeginCommandBuffer(list, begin.address), "vkBeginCommandBuffer");
    vk.vkCmdFillBuffer(list, buffer, 0n, 256n, 1);
    vk.vkCmdFillBuffer(list, buffer, 0n, 256n, 2);
    must(vk.vkEndCommandBuffer(list), "vkEndCommandBuffer");
    vk.vkDestroyCommandPool(device, pool, 0n);
    vk.vkDestroyBuffer(device, buffer, 0n);
    vk.vkFreeMemory(device, memory, 0n);
  }
  vk.vkDestroyDevice(device, 0n);
  vk.vkDestroyInstance(instance, 0n);
});
