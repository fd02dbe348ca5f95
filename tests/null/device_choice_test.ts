// Choices made from what drivers report: adapter, queue, memory types, load path, pace. No GPU needed.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DeviceError } from "../../src/core/errors.ts";
import type { Adapter, AdapterRecord, AdapterType } from "../../src/device/adapter.ts";
import { chooseAdapter, computeQueueFamily } from "../../src/device/adapter_choice.ts";
import { knownLoadPath } from "../../src/device/load_path.ts";
import { chooseMemoryType } from "../../src/device/memory.ts";
import { checkDeviceOptions, type DeviceOptions } from "../../src/device/options.ts";
import { learn } from "../../src/device/pacer.ts";
import { test } from "../support/test.ts";

const COMPUTE = 2;
const GRAPHICS = 1;

function record(index: number, type: AdapterType, changes: Partial<Adapter> = {}): AdapterRecord {
  const features = { timelineSemaphore: true, bufferDeviceAddress: true };
  const adapter = {
    index,
    name: `Fake ${type} ${index}`,
    type,
    software: type === "cpu",
    vendorId: 0,
    driverName: "fake",
    driverInfo: "1.0",
    apiVersion: "1.3.0",
    uuid: `${index}`.repeat(32),
    limits: {},
    features,
    ...changes,
  } as unknown as Adapter;
  return {
    adapter,
    cache: { vendorId: 1, deviceId: 2, driverVersion: 3, cacheUuid: new Uint8Array(16) },
    handle: BigInt(index),
    memoryTypes: [],
    heapBytes: [],
    queueFamilies: [{ queueFlags: COMPUTE, timestampValidBits: 64 }],
  };
}

const all = [
  record(0, "cpu"),
  record(1, "integrated"),
  record(2, "discrete"),
  record(3, "virtual"),
];

test("chooseAdapter() prefers discrete, then integrated, virtual, cpu", () => {
  const order: number[] = [];
  let rest = all;
  while (rest.length > 0) {
    const { adapter } = chooseAdapter(rest, undefined, undefined);
    order.push(adapter.index);
    rest = rest.filter((each) => each.adapter.index !== adapter.index);
  }
  assertEquals(order, [2, 1, 3, 0]);
});

test("chooseAdapter() follows index, type, name part and UUID, and the option before the variable", () => {
  const choose = (wish?: number | string, variable?: string) =>
    chooseAdapter(all, wish, variable).adapter.index;
  assertEquals(choose(0), 0);
  assertEquals(choose("integrated"), 1);
  assertEquals(choose("fake VIRTUAL"), 3);
  assertEquals(choose("2".repeat(32)), 2);
  assertEquals(choose(undefined, "0"), 0);
  assertEquals(choose(undefined, "cpu"), 0);
  assertEquals(choose(undefined, ""), 2);
  assertEquals(choose("virtual", "cpu"), 3);
});

test("chooseAdapter() lists what there is when nothing fits", () => {
  const error = assertThrows(() => chooseAdapter(all, "GeForce", undefined), DeviceError);
  for (const part of ["GeForce", "adapter option", "0: Fake cpu 0 (cpu", "3: Fake virtual 3"]) {
    assert(error.message.includes(part), part);
  }
  assertThrows(() => chooseAdapter(all, undefined, "7"), DeviceError, "VKNN_ADAPTER");
});

test("chooseAdapter() passes by an adapter that cannot compute, and says why if it is the only one", () => {
  const noQueue = {
    ...record(4, "discrete"),
    queueFamilies: [{ queueFlags: 1, timestampValidBits: 0 }],
  };
  const old = record(5, "discrete", { apiVersion: "1.1.99" });
  const noTimeline = record(6, "discrete", {
    features: { timelineSemaphore: false } as unknown as Adapter["features"],
  });
  assertEquals(
    chooseAdapter([noQueue, old, noTimeline, ...all], undefined, undefined).adapter.index,
    2,
  );
  assertThrows(
    () => chooseAdapter([noQueue], undefined, undefined),
    DeviceError,
    "queueFlags of its families are 0x1",
  );
  assertThrows(
    () => chooseAdapter([old], 5, undefined),
    DeviceError,
    "Vulkan version is 1.1.99, expected 1.2",
  );
  assertThrows(
    () => chooseAdapter([noTimeline], undefined, undefined),
    DeviceError,
    "timelineSemaphore is false, expected true",
  );
});

test("computeQueueFamily() prefers timestamps, then a queue without graphics", () => {
  const family = (...queueFamilies: AdapterRecord["queueFamilies"]) =>
    computeQueueFamily({ ...record(0, "discrete"), queueFamilies });
  const both = { queueFlags: COMPUTE | GRAPHICS, timestampValidBits: 64 };
  const only = { queueFlags: COMPUTE, timestampValidBits: 64 };
  const blind = { queueFlags: COMPUTE, timestampValidBits: 0 };
  assertEquals(family(both, only), 1);
  assertEquals(family(both, blind), 0);
  assertEquals(family(blind), 0);
  assertEquals(family({ queueFlags: GRAPHICS, timestampValidBits: 64 }), -1);
});

const LOCAL = 1;
const VISIBLE = 2;
const COHERENT = 4;
const CACHED = 8;

test("chooseMemoryType() on a discrete device keeps kernels off the host's window", () => {
  const types = [
    0,
    LOCAL,
    VISIBLE | COHERENT,
    VISIBLE | COHERENT | CACHED,
    LOCAL | VISIBLE | COHERENT,
  ]
    .map((propertyFlags) => ({ propertyFlags, heapIndex: 0 }));
  assertEquals(chooseMemoryType(types, 0x1f, "device", false), 1);
  assertEquals(chooseMemoryType(types, 0x1f, "upload", false), 2);
  assertEquals(chooseMemoryType(types, 0x1f, "readback", false), 3);
  assertEquals(chooseMemoryType(types, 0x15, "device", false), 4);
  assertEquals(chooseMemoryType(types, 0x01, "upload", false), -1);
});

test("chooseMemoryType() for mapped transfers wants cached memory, coherent if possible", () => {
  const types = [
    LOCAL,
    LOCAL | VISIBLE | COHERENT,
    LOCAL | VISIBLE | CACHED,
    LOCAL | VISIBLE | COHERENT | CACHED,
  ]
    .map((propertyFlags) => ({ propertyFlags, heapIndex: 0 }));
  assertEquals(chooseMemoryType(types, 0xf, "device", true), 3);
  assertEquals(chooseMemoryType(types, 0x7, "device", true), 2);
  assertEquals(chooseMemoryType(types, 0x3, "device", true), -1);
});

test("knownLoadPath() follows Mesa's versions", () => {
  const path = (driverInfo: string, addresses = true, software = true) =>
    knownLoadPath(
      record(0, software ? "cpu" : "discrete", {
        driverInfo,
        features: { bufferDeviceAddress: addresses } as unknown as Adapter["features"],
      }).adapter,
    );
  assertEquals(path("Mesa 22.3.6 (LLVM 15.0.6)"), "texel");
  assertEquals(path("Mesa 25.0.7-2"), "address");
  assertEquals(path("Mesa 25.0.7-2", false), "storage");
  assertEquals(path("Mesa 26.1.0"), "storage");
  assertEquals(path("SwiftShader 5"), "storage");
  assertEquals(path("Mesa 22.3.6", true, false), "storage");
});

test("learn() moves the estimate of a submission to its time", () => {
  const short = { nanosecondsPerGroup: 0 };
  const long = { nanosecondsPerGroup: 0 };
  for (let i = 0; i < 60; i++) {
    learn([short], [100], 100 * 500);
    learn([short, long], [100, 10], 100 * 500 + 10 * 90_000);
  }
  assert(Math.abs(short.nanosecondsPerGroup - 500) < 50, `${short.nanosecondsPerGroup}`);
  assert(Math.abs(long.nanosecondsPerGroup - 90_000) < 9000, `${long.nanosecondsPerGroup}`);
});

test("checkDeviceOptions() refuses wrong options before any native call", () => {
  const check = (options: unknown) => () => checkDeviceOptions(options as DeviceOptions);
  assertThrows(check({ adaptor: 0 }), TypeError, "adapter");
  assertThrows(check({ adapter: {} }), TypeError, "adapter");
  assertThrows(check({ library: 3 }), TypeError, "library");
  assertThrows(check({ log: "yes" }), TypeError, "log");
  assertThrows(check({ memoryBudgetBytes: "1 GB" }), TypeError, "memoryBudgetBytes");
  assertThrows(check({ memoryBudgetBytes: 0 }), RangeError, "memoryBudgetBytes");
  assertThrows(check({ timeoutMilliseconds: NaN }), RangeError, "timeoutMilliseconds");
  assertThrows(check({ winograd: "no" }), TypeError, "winograd");
  assertThrows(check({ precision: "low" }), RangeError, "precision");
  assertThrows(check({ loadPath: "fast" }), RangeError, "loadPath");
  assertThrows(check(3), TypeError, "options");
  assertEquals(checkDeviceOptions(undefined), {});
});
