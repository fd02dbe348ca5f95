/**
 * The bindings against a real driver: from opening the loader to a timeline semaphore and copied
 * bytes.
 */
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { openVulkan, type Vulkan } from "../../ffi/loader.ts";
import { runtime } from "../../ffi/native.ts";
import { checkResult } from "../../ffi/result.ts";
import * as enums from "../../ffi/vulkan/enums.ts";
import * as structs from "../../ffi/vulkan/structs.ts";
import type {
  VkBuffer,
  VkDevice,
  VkDeviceMemory,
  VkInstance,
  VkPhysicalDevice,
  VkSemaphore,
} from "../../ffi/vulkan/structs.ts";
import { ROOT, runText, RUNTIME } from "../support/subprocess.ts";
import { test } from "../support/test.ts";

const API_VERSION_1_2 = (1 << 22) | (2 << 12);

// The library stays open for the life of the process, so it must not count as one test's leak.
const { commands, arena, memory, path }: Vulkan = openVulkan();

function create(name: string, call: (out: bigint) => number): bigint {
  const out = arena.allocate(8);
  checkResult(name, call(out.address));
  return out.getU64();
}

function createInstance(): VkInstance {
  return arena.scope(() => {
    const application = arena.struct(structs.VkApplicationInfo, {
      pApplicationName: arena.text("ffi_instance_test").address,
      apiVersion: API_VERSION_1_2,
    });
    const info = arena.struct(structs.VkInstanceCreateInfo, {
      pApplicationInfo: application.address,
    });
    return create("vkCreateInstance", (out) => commands.vkCreateInstance(info.address, 0n, out));
  });
}

function listAdapters(instance: VkInstance): VkPhysicalDevice[] {
  return arena.scope(() => {
    const count = arena.allocate(4);
    const name = "vkEnumeratePhysicalDevices";
    checkResult(name, commands.vkEnumeratePhysicalDevices(instance, count.address, 0n));
    const list = arena.allocate(count.getU32() * 8);
    checkResult(name, commands.vkEnumeratePhysicalDevices(instance, count.address, list.address));
    return Array.from({ length: count.getU32() }, (_, i) => list.getU64(i * 8));
  });
}

function createDevice(adapter: VkPhysicalDevice): VkDevice {
  return arena.scope(() => {
    const features12 = arena.struct(structs.VkPhysicalDeviceVulkan12Features, {
      timelineSemaphore: true,
    });
    const priorities = arena.f32s([1]);
    const queues = arena.structs(structs.VkDeviceQueueCreateInfo, [
      { queueCount: 1, pQueuePriorities: priorities.address },
    ]);
    const info = arena.struct(structs.VkDeviceCreateInfo, {
      pNext: arena.chain(arena.struct(structs.VkPhysicalDeviceFeatures2), features12),
      queueCreateInfoCount: 1,
      pQueueCreateInfos: queues.address,
    });
    return create(
      "vkCreateDevice",
      (out) => commands.vkCreateDevice(adapter, info.address, 0n, out),
    );
  });
}

async function withDevice(
  body: (device: VkDevice, adapter: VkPhysicalDevice) => void | Promise<void>,
): Promise<void> {
  const instance = createInstance();
  try {
    const adapter = listAdapters(instance)[0];
    assert(adapter !== undefined, "no Vulkan device: install mesa-vulkan-drivers");
    const device = createDevice(adapter);
    try {
      await body(device, adapter);
    } finally {
      commands.vkDestroyDevice(device, 0n);
    }
  } finally {
    commands.vkDestroyInstance(instance, 0n);
  }
}

test("openVulkan() opens a loader that knows its version", () => {
  const version = arena.scope(() => {
    const out = arena.allocate(4);
    checkResult("vkEnumerateInstanceVersion", commands.vkEnumerateInstanceVersion(out.address));
    return out.getU32();
  });
  assertGreater(version, API_VERSION_1_2 - 1);
  assertMatch(path, /vulkan/i);
  assertEquals(commands.vkWaitSemaphoresAsync !== null, runtime.nonblockingCalls);
});

test("instance extensions are listed by name", () => {
  const names = arena.scope(() => {
    const count = arena.allocate(4);
    const name = "vkEnumerateInstanceExtensionProperties";
    checkResult(name, commands.vkEnumerateInstanceExtensionProperties(0n, count.address, 0n));
    const length = count.getU32();
    const list = arena.structs(structs.VkExtensionProperties, length);
    checkResult(
      name,
      commands.vkEnumerateInstanceExtensionProperties(0n, count.address, list.address),
    );
    return Array.from(
      { length },
      (_, i) =>
        structs.VkExtensionProperties.read(list, i * structs.VkExtensionProperties.byteLength)
          .extensionName,
    );
  });
  assert(names.includes("VK_KHR_surface"), names.join(", "));
});

test("adapters describe themselves through a pNext chain", () => {
  const instance = createInstance();
  try {
    const adapters = listAdapters(instance);
    assertGreater(adapters.length, 0);
    for (const adapter of adapters) {
      arena.scope(() => {
        const driver = arena.struct(structs.VkPhysicalDeviceDriverProperties);
        const subgroup = arena.struct(structs.VkPhysicalDeviceSubgroupProperties);
        const base = arena.struct(structs.VkPhysicalDeviceProperties2, {
          pNext: arena.chain(driver, subgroup),
        });
        commands.vkGetPhysicalDeviceProperties2(adapter, base.address);
        const { properties } = structs.VkPhysicalDeviceProperties2.read(base);
        assertGreater(properties.deviceName.length, 0);
        assertGreater(properties.limits.maxStorageBufferRange, 2 ** 27 - 1);
        assertGreater(properties.limits.maxComputeWorkGroupCount[0] as number, 65534);
        assertGreater(properties.limits.maxPushConstantsSize, 127);
        assert(properties.pipelineCacheUUID.some((byte) => byte !== 0));
        assertGreater(
          structs.VkPhysicalDeviceDriverProperties.read(driver).driverName.length,
          0,
        );
        const size = structs.VkPhysicalDeviceSubgroupProperties.read(subgroup).subgroupSize;
        assert(Number.isInteger(Math.log2(size)), `subgroup size ${size}`);
        const features = arena.struct(structs.VkPhysicalDeviceVulkan12Features);
        const all = arena.struct(structs.VkPhysicalDeviceFeatures2, { pNext: features.address });
        commands.vkGetPhysicalDeviceFeatures2(adapter, all.address);
        assertEquals(
          structs.VkPhysicalDeviceVulkan12Features.read(features).timelineSemaphore,
          true,
        );
      });
    }
  } finally {
    commands.vkDestroyInstance(instance, 0n);
  }
});

test("bytes written to mapped memory come back, at every offset and view", async () => {
  await withDevice((device, adapter) => {
    const buffer: VkBuffer = arena.scope(() => {
      const info = arena.struct(structs.VkBufferCreateInfo, {
        size: 4096n,
        usage: enums.VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
      });
      return create(
        "vkCreateBuffer",
        (out) => commands.vkCreateBuffer(device, info.address, 0n, out),
      );
    });
    const [block, mapped]: [VkDeviceMemory, bigint] = arena.scope(() => {
      const needs = arena.struct(structs.VkMemoryRequirements);
      commands.vkGetBufferMemoryRequirements(device, buffer, needs.address);
      const { size, memoryTypeBits } = structs.VkMemoryRequirements.read(needs);
      const out = arena.struct(structs.VkPhysicalDeviceMemoryProperties2);
      commands.vkGetPhysicalDeviceMemoryProperties2(adapter, out.address);
      const { memoryTypes } = structs.VkPhysicalDeviceMemoryProperties2.read(out).memoryProperties;
      const wanted = enums.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
        enums.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
      const memoryTypeIndex = memoryTypes.findIndex((type, i) =>
        (memoryTypeBits >>> i & 1) === 1 && (type.propertyFlags & wanted) === wanted
      );
      const info = arena.struct(structs.VkMemoryAllocateInfo, {
        allocationSize: size,
        memoryTypeIndex,
      });
      const block: VkDeviceMemory = create(
        "vkAllocateMemory",
        (out) => commands.vkAllocateMemory(device, info.address, 0n, out),
      );
      checkResult("vkBindBufferMemory", commands.vkBindBufferMemory(device, buffer, block, 0n));
      const mapped = create(
        "vkMapMemory",
        (out) => commands.vkMapMemory(device, block, 0n, enums.VK_WHOLE_SIZE, 0, out),
      );
      return [block, mapped];
    });
    const source = Float32Array.from({ length: 100 }, (_, i) => i / 3);
    memory.write(mapped, source.subarray(50), 128);
    const into = new Float32Array(60);
    memory.read(mapped, into.subarray(5, 55), 128);
    assertEquals([...into.subarray(5, 55)], [...source.subarray(50)]);
    assertEquals([...into.subarray(0, 5), ...into.subarray(55)], Array(10).fill(0));
    commands.vkDestroyBuffer(device, buffer, 0n);
    commands.vkFreeMemory(device, block, 0n);
  });
});

test("a timeline semaphore times out, is signaled by the host and by the queue, and ends a wait", async () => {
  await withDevice(async (device) => {
    const semaphore: VkSemaphore = arena.scope(() => {
      const type = arena.struct(structs.VkSemaphoreTypeCreateInfo, {
        semaphoreType: enums.VK_SEMAPHORE_TYPE_TIMELINE,
      });
      const info = arena.struct(structs.VkSemaphoreCreateInfo, { pNext: type.address });
      return create(
        "vkCreateSemaphore",
        (out) => commands.vkCreateSemaphore(device, info.address, 0n, out),
      );
    });
    const handles = arena.permanent(8);
    const values = arena.permanent(8);
    const wait = arena.permanent(structs.VkSemaphoreWaitInfo.byteLength);
    handles.setU64(semaphore);
    values.setU64(1n);
    structs.VkSemaphoreWaitInfo.write(wait, {
      semaphoreCount: 1,
      pSemaphores: handles.address,
      pValues: values.address,
    });
    const counter = (): bigint =>
      arena.scope(() =>
        create(
          "vkGetSemaphoreCounterValue",
          (out) => commands.vkGetSemaphoreCounterValue(device, semaphore, out),
        )
      );

    assertEquals(counter(), 0n);
    assertEquals(commands.vkWaitSemaphores(device, wait.address, 0n), enums.VK_TIMEOUT);

    arena.scope(() => {
      const signal = arena.struct(structs.VkSemaphoreSignalInfo, { semaphore, value: 1n });
      checkResult("vkSignalSemaphore", commands.vkSignalSemaphore(device, signal.address));
    });
    assertEquals(counter(), 1n);
    assertEquals(commands.vkWaitSemaphores(device, wait.address, 0n), enums.VK_SUCCESS);

    values.setU64(2n);
    const pending = commands.vkWaitSemaphoresAsync?.(device, wait.address, 10_000_000_000n);
    arena.scope(() => {
      const queue = arena.allocate(8);
      commands.vkGetDeviceQueue(device, 0, 0, queue.address);
      const timeline = arena.struct(structs.VkTimelineSemaphoreSubmitInfo, {
        signalSemaphoreValueCount: 1,
        pSignalSemaphoreValues: values.address,
      });
      const submit = arena.struct(structs.VkSubmitInfo, {
        pNext: timeline.address,
        signalSemaphoreCount: 1,
        pSignalSemaphores: handles.address,
      });
      checkResult("vkQueueSubmit", commands.vkQueueSubmit(queue.getU64(), 1, submit.address, 0n));
    });
    if (pending !== undefined) assertEquals(await pending, enums.VK_SUCCESS);
    assertEquals(commands.vkWaitSemaphores(device, wait.address, 10_000_000_000n), 0);
    assertEquals(counter(), 2n);

    checkResult("vkDeviceWaitIdle", commands.vkDeviceWaitIdle(device));
    commands.vkDestroySemaphore(device, semaphore, 0n);
    for (const slot of [handles, values, wait]) arena.recycle(slot);
  });
});

test("a permission for the loader's path alone is enough, and a missing one is named", async () => {
  // Only Deno has permissions; elsewhere this shows that a fresh process opens the loader.
  const loader = JSON.stringify(pathToFileURL(join(ROOT, "ffi/loader.ts")).href);
  const text = `import { openVulkan } from ${loader};
    try {
      const { arena, commands, memory, path } = openVulkan();
      const slot = arena.allocate(4);
      commands.vkEnumerateInstanceVersion(slot.address);
      const copy = new Uint32Array(1);
      memory.read(slot.address, copy);
      console.log("version", copy[0] === slot.getU32() && copy[0] > 0, path);
    } catch (error) {
      console.log(error.reason, error.message);
    }`;
  const absolute = path.startsWith("/") ? path : "/usr/lib/x86_64-linux-gnu/libvulkan.so.1";
  const scoped = await runText(text, { permissions: [`--allow-ffi=${absolute}`] });
  assertStringIncludes(scoped.stdout, "version true", scoped.stderr);
  const bare = await runText(text, { permissions: ["--allow-ffi"] });
  assertStringIncludes(bare.stdout, "version true", bare.stderr);
  const none = await runText(text, { permissions: ["--deny-net"] });
  if (RUNTIME === "deno") {
    assertStringIncludes(none.stdout, "no-permission", none.stderr);
    assertStringIncludes(none.stdout, "--allow-ffi=/usr/lib/");
  } else {
    assertStringIncludes(none.stdout, "version true");
  }
});
