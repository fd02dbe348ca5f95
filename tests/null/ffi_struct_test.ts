/** Structs are written and read without a device. */
import { assertEquals, assertThrows } from "@std/assert";
import { type Place, StructLayout } from "../../ffi/struct.ts";
import {
  VkBufferCreateInfo,
  VkDescriptorUpdateTemplateEntry,
  VkMemoryBarrier,
  VkPhysicalDeviceFeatures2,
  VkPhysicalDeviceIDProperties,
  VkPhysicalDeviceMemoryProperties,
  VkPhysicalDeviceProperties,
  VkPhysicalDeviceProperties2,
} from "../../ffi/vulkan/structs.ts";
import { test } from "../support/test.ts";

function place(byteLength: number, offset = 0): Place {
  const view = new DataView(new ArrayBuffer(offset + byteLength + 16));
  new Uint8Array(view.buffer).fill(0xee);
  return { view, offset, byteLength };
}

test("StructLayout.write() sets the type and the given fields, and zeroes the rest", () => {
  const at = place(VkBufferCreateInfo.byteLength, 8);
  VkBufferCreateInfo.write(at, { size: 0x1_0000_0001n, usage: 0x80000000 });
  assertEquals(VkBufferCreateInfo.read(at), {
    pNext: 0n,
    flags: 0,
    size: 0x1_0000_0001n,
    usage: 0x80000000,
    sharingMode: 0,
    queueFamilyIndexCount: 0,
    pQueueFamilyIndices: 0n,
  });
  assertEquals(at.view.getUint32(8, true), 12);
  // The bytes around the struct are untouched.
  assertEquals(at.view.getUint8(7), 0xee);
  assertEquals(at.view.getUint8(8 + VkBufferCreateInfo.byteLength), 0xee);
});

test("StructLayout.write() keeps all 64 bits of a hashed handle", () => {
  const at = place(VkBufferCreateInfo.byteLength);
  VkBufferCreateInfo.write(at, { pNext: 0xfedc_ba98_7654_3211n });
  assertEquals(VkBufferCreateInfo.read(at).pNext, 0xfedc_ba98_7654_3211n);
});

test("StructLayout.write() reaches nested structs and inline arrays", () => {
  const at = place(VkPhysicalDeviceProperties2.byteLength);
  VkPhysicalDeviceProperties2.write(at, {
    properties: {
      deviceName: "naïve device",
      pipelineCacheUUID: new Uint8Array([1, 2, 3]),
      limits: {
        maxComputeWorkGroupCount: [1, 2, 3],
        timestampPeriod: 0.5,
        timestampComputeAndGraphics: true,
        maxStorageBufferRange: 0xffffffff,
      },
    },
  });
  const { properties } = VkPhysicalDeviceProperties2.read(at);
  assertEquals(properties.deviceName, "naïve device");
  assertEquals([...properties.pipelineCacheUUID], [1, 2, 3, ...Array(13).fill(0)]);
  assertEquals(properties.limits.maxComputeWorkGroupCount, [1, 2, 3]);
  assertEquals(properties.limits.timestampPeriod, 0.5);
  assertEquals(properties.limits.timestampComputeAndGraphics, true);
  assertEquals(properties.limits.maxStorageBufferRange, 0xffffffff);
  assertEquals(properties.limits.maxMemoryAllocationCount, 0);
});

test("StructLayout.write() reaches inline arrays of structs", () => {
  const at = place(VkPhysicalDeviceMemoryProperties.byteLength);
  VkPhysicalDeviceMemoryProperties.write(at, {
    memoryTypeCount: 2,
    memoryTypes: [{ propertyFlags: 1 }, { propertyFlags: 6, heapIndex: 1 }],
    memoryHeaps: [{ size: 1n << 40n, flags: 1 }],
  });
  const read = VkPhysicalDeviceMemoryProperties.read(at);
  assertEquals(read.memoryTypes.length, 32);
  assertEquals(read.memoryTypes[1], { propertyFlags: 6, heapIndex: 1 });
  assertEquals(read.memoryHeaps[0], { size: 1n << 40n, flags: 1 });
});

test("StructLayout.write() at an offset writes array elements", () => {
  const { byteLength } = VkDescriptorUpdateTemplateEntry;
  const at = place(2 * byteLength);
  VkDescriptorUpdateTemplateEntry.write(at, { dstBinding: 1, stride: 8n });
  VkDescriptorUpdateTemplateEntry.write(at, { dstBinding: 2, stride: 9n }, byteLength);
  assertEquals(VkDescriptorUpdateTemplateEntry.read(at).stride, 8n);
  assertEquals(VkDescriptorUpdateTemplateEntry.read(at, byteLength).dstBinding, 2);
  assertThrows(
    () => VkDescriptorUpdateTemplateEntry.write(at, {}, byteLength + 1),
    RangeError,
    "needs 32 bytes",
  );
});

test("StructLayout.read() copies what it returns", () => {
  const at = place(VkPhysicalDeviceIDProperties.byteLength);
  VkPhysicalDeviceIDProperties.write(at, { deviceUUID: new Uint8Array(16).fill(7) });
  const before = VkPhysicalDeviceIDProperties.read(at);
  VkPhysicalDeviceIDProperties.write(at);
  assertEquals([...before.deviceUUID], Array(16).fill(7));
});

test("StructLayout.offsetOf() names the place of a field", () => {
  assertEquals(VkMemoryBarrier.offsetOf("srcAccessMask"), 16);
  assertEquals(VkMemoryBarrier.offsetOf("dstAccessMask"), 20);
  // @ts-expect-error: a name the struct does not have is refused by the types and at run time.
  assertThrows(() => VkMemoryBarrier.offsetOf("accessMask"), TypeError, "srcAccessMask");
});

test("StructLayout.write() refuses an unknown field by name", () => {
  const at = place(VkBufferCreateInfo.byteLength);
  // @ts-expect-error: misspelt.
  const error = assertThrows(() => VkBufferCreateInfo.write(at, { sise: 4n }), TypeError);
  assertEquals(
    error.message,
    "Cannot write VkBufferCreateInfo: it has no field sise, expected one of pNext, flags, size, usage, sharingMode, queueFamilyIndexCount, pQueueFamilyIndices",
  );
  const features = place(VkPhysicalDeviceFeatures2.byteLength);
  assertThrows(() => {
    // @ts-expect-error: unknown one level down.
    VkPhysicalDeviceFeatures2.write(features, { features: { x: true } });
  }, TypeError);
});

test("StructLayout.write() refuses values of the wrong type or size", () => {
  const at = place(VkBufferCreateInfo.byteLength);
  const hostile: [unknown, ErrorConstructor, string][] = [
    [{ size: 4 }, TypeError, "VkBufferCreateInfo.size: found number, expected a bigint"],
    [{ usage: 4n }, TypeError, "usage: found bigint, expected a number"],
    [{ usage: null }, TypeError, "usage: found null"],
    [{ usage: 1.5 }, RangeError, "usage: found 1.5, expected an integer from 0 to 4294967295"],
    [{ usage: -1 }, RangeError, "found -1"],
    [{ usage: 2 ** 32 }, RangeError, "found 4294967296"],
    [{ usage: NaN }, RangeError, "found NaN"],
  ];
  for (const [values, kind, text] of hostile) {
    assertThrows(() => VkBufferCreateInfo.write(at, values as object), kind, text);
  }
  const properties = place(VkPhysicalDeviceProperties.byteLength);
  assertThrows(
    () => VkPhysicalDeviceProperties.write(properties, { deviceName: "x".repeat(256) }),
    RangeError,
    "VkPhysicalDeviceProperties.deviceName: found 256 elements, expected at most 255",
  );
  assertThrows(
    () =>
      VkPhysicalDeviceProperties.write(properties, {
        limits: { maxViewportDimensions: [1, 2, 3] },
      }),
    RangeError,
    "VkPhysicalDeviceLimits.maxViewportDimensions: found 3 elements, expected at most 2",
  );
  const flags = place(VkPhysicalDeviceFeatures2.byteLength);
  assertThrows(
    () =>
      VkPhysicalDeviceFeatures2.write(flags, {
        features: { shaderInt64: 1 as unknown as boolean },
      }),
    TypeError,
    "VkPhysicalDeviceFeatures.shaderInt64: found number, expected a boolean",
  );
});

test("StructLayout refuses a place that is too small", () => {
  assertThrows(
    () => VkBufferCreateInfo.write(place(55), {}),
    RangeError,
    "VkBufferCreateInfo at byte 0: it needs 56 bytes, the place has 55",
  );
  assertThrows(() => VkBufferCreateInfo.read(place(56), 1), RangeError);
  assertThrows(() => VkBufferCreateInfo.read(place(56), -1), RangeError);
});

test("StructLayout reads and writes signed and float arrays", () => {
  const layout = new StructLayout<{ i: number; f: readonly number[]; b: number }>(
    "Mixed",
    16,
    4,
    undefined,
    [["i", "i32", 0], ["f", "f32", 4, 2], ["b", "u8", 12]],
  );
  const at = place(16);
  layout.write(at, { i: -5, f: [1.5, -2], b: 255 });
  assertEquals(layout.read(at), { i: -5, f: [1.5, -2], b: 255 });
  assertThrows(() => layout.write(at, { f: 1 as unknown as number[] }), TypeError, "an array");
  assertThrows(() => layout.write(at, { i: 2 ** 31 }), RangeError);
});
