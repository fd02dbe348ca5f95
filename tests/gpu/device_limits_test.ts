// What a device cannot do is refused before any Vulkan call, in words that name the limit.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DeviceError, LimitError, OutOfMemoryError } from "../../src/core/errors.ts";
import type { Dispatch } from "../../src/core/dispatch.ts";
import type { AdapterLimits, AdapterRecord } from "../../src/device/adapter.ts";
import { listAdapters } from "../../src/device/adapter.ts";
import { Device, type DeviceBuffer } from "../../src/device/device.ts";
import { measureLoadPath } from "../../src/device/load_probe.ts";
import type { LogEvent } from "../../src/device/options.ts";
import { test } from "../support/test.ts";
import {
  affine,
  download,
  Faults,
  openDevice,
  TRANSFERS,
  upload,
  withDevice,
} from "./device_support.ts";

const MIB = 1024 * 1024;

/** An adapter with other limits than its own. */
function forge(limits: Partial<AdapterLimits>): (record: AdapterRecord) => AdapterRecord {
  return (record) => ({
    ...record,
    adapter: { ...record.adapter, limits: { ...record.adapter.limits, ...limits } },
  });
}

test("listAdapters() describes what there is", () => {
  const adapters = listAdapters();
  assert(adapters.length > 0);
  adapters.forEach((adapter, index) => {
    assertEquals(adapter.index, index);
    assert(adapter.name.length > 0 && adapter.driverInfo.length > 0);
    assert(/^1\.\d+\.\d+$/.test(adapter.apiVersion), adapter.apiVersion);
    assert(/^[0-9a-f]{32}$/.test(adapter.uuid), adapter.uuid);
    if (/llvmpipe|SwiftShader/.test(adapter.name)) assert(adapter.software);
    assert(adapter.limits.maxStorageBufferRange >= 128 * MIB);
    assert(adapter.limits.maxWorkgroupInvocations >= 128);
  });
});

test("a software device is announced once, through the log alone", () => {
  const events: LogEvent[] = [];
  const device = Device.open({ log: (event) => events.push(event) });
  assertEquals(events.length, 1);
  assertEquals(events[0]?.level, device.adapter.software ? "notice" : "debug");
  assert(events[0]?.message.includes(device.adapter.name));
  device.dispose();
});

for (const name of ["maxBufferSize", "maxMemoryAllocationSize"] as const) {
  test(`allocate() refuses more than ${name} before any Vulkan call`, async () => {
    const faults = new Faults(0, 0);
    const limit = 1 * MIB;
    await withDevice(
      { forgeAdapter: forge({ [name]: limit }), wrapCommands: faults.wrap },
      (device) => {
        const { calls } = faults;
        const error = assertThrows(() => device.allocate(limit + 1, "huge weights"), LimitError);
        for (const part of ["huge weights", `${limit + 1}`, name, `${limit}`]) {
          assert(error.message.includes(part), error.message);
        }
        assertEquals(faults.calls, calls);
        device.allocate(limit, "exact").release();
        device.allocate(limit - 4, "below").release();
      },
    );
  });
}

test("a buffer may be larger than a kernel can see, but is not bound to one", async () => {
  const limit = 1 * MIB;
  const forgeAdapter = forge({ maxStorageBufferRange: limit });
  await withDevice({ forgeAdapter, loadPath: "storage" }, async (device) => {
    const [exact, large] = [device.allocate(limit, "exact"), device.allocate(limit + 4, "large")];
    const kernel = affine(device, limit / 4, 2, 1);
    const small = device.allocate(limit, "small");
    device.fill(large, 0x3f800000);
    device.copy(large, 4, exact, 0, limit);
    device.dispatch(kernel, [exact, small], "test");
    assertEquals((await download(device, small))[0], 3);
    const error = assertThrows(() => device.dispatch(kernel, [large, small], "test"), LimitError);
    for (const part of ["large", `${limit + 4}`, "maxStorageBufferRange", `${limit}`]) {
      assert(error.message.includes(part), error.message);
    }
  });
});

test("allocate() refuses what is no size", () =>
  withDevice({}, (device) => {
    for (const bytes of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
      assertThrows(() => device.allocate(bytes, "x"), RangeError, "byteLength");
    }
    assertThrows(() => device.allocate("3" as unknown as number, "x"), TypeError, "byteLength");
  }));

for (const transfers of TRANSFERS) {
  test(`the budget bounds what is reserved, and its error names the largest labels (${transfers})`, () =>
    withDevice({ memoryBudgetBytes: 24 * MIB, transfers }, async (device) => {
      const held: DeviceBuffer[] = [];
      const error = assertThrows(() => {
        for (let i = 0; i < 100; i++) {
          held.push(device.allocate((i % 2 === 0 ? 2 : 1) * MIB, i % 2 === 0 ? "big" : "small"));
          device.fill(held[i] as DeviceBuffer, i);
        }
      }, OutOfMemoryError);
      const { liveBytes, reservedBytes } = device.memory();
      assert(liveBytes >= 12 * MIB && reservedBytes <= 24 * MIB, `${liveBytes} ${reservedBytes}`);
      for (const part of ["big", "small", `${liveBytes}`, `${24 * MIB}`, "peak"]) {
        assert(error.message.includes(part), error.message);
      }
      // The device goes on, and what was freed can be had again in another size.
      for (const buffer of held) buffer.release();
      const whole = device.allocate(8 * MIB, "whole");
      device.fill(whole, 0x3f800000);
      assertEquals((await download(device, whole))[2 * MIB - 1], 1);
      whole.release();
    }));
}

test("idle buffers make room for other sizes instead of growing without end", () =>
  withDevice({ memoryBudgetBytes: 64 * MIB }, (device) => {
    for (let i = 1; i <= 200; i++) {
      const buffer = device.allocate(i * 100_000, `size ${i}`);
      device.fill(buffer, 0);
      buffer.release();
    }
    assert(device.memory().reservedBytes <= 64 * MIB);
    assert(device.memory().pooledBytes <= 32 * MIB);
  }));

test("the count of allocations is respected", () =>
  withDevice(
    { forgeAdapter: forge({ maxMemoryAllocationCount: 2 }), blockBytes: MIB },
    (device) => {
      const held = [device.allocate(MIB, "first"), device.allocate(MIB, "second")];
      assertThrows(
        () => device.allocate(MIB, "third"),
        OutOfMemoryError,
        "maxMemoryAllocationCount",
      );
      held[0]?.release();
      held[0] = device.allocate(MIB + 300_000, "fourth");
      for (const buffer of held) buffer.release();
    },
  ));

test("ten thousand small buffers need few allocations", () =>
  withDevice({ forgeAdapter: forge({ maxMemoryAllocationCount: 8 }) }, (device) => {
    const held = Array.from({ length: 10_000 }, (_, i) => device.allocate(1 + i % 300, "small"));
    assertEquals(device.memory().liveBuffers, 10_000);
    for (const buffer of held) buffer.release();
    assertEquals(device.memory().liveBuffers, 0);
  }));

test("a grid beyond the limits is refused, and nothing is recorded", () =>
  withDevice({ forgeAdapter: forge({ maxWorkgroupCount: [4, 4, 4] }) }, async (device) => {
    const x = upload(device, new Float32Array(64), "x");
    const good = affine(device, 64, 1, 1);
    const grids: Dispatch["grid"][] = [[5, 1, 1], [1, 1, 5], [0, 1, 1], [1, -1, 1]];
    for (const grid of grids) {
      const error = assertThrows(() => device.dispatch({ ...good, grid }, [x, x], "x"), LimitError);
      assert(error.message.includes("maxComputeWorkGroupCount"), error.message);
    }
    const half = { ...good, grid: [1.5, 1, 1] as const };
    assertThrows(() => device.dispatch(half, [x, x], "x"), TypeError, "grid is not three integers");
    assertThrows(() => device.dispatch(good, [x], "x"), TypeError, "found 1 buffers, expected 2");
    const push = new Uint32Array(1);
    assertThrows(() => device.dispatch({ ...good, push }, [x, x], "x"), TypeError, "push words");
    device.dispatch(good, [x, x], "x");
    assertEquals((await download(device, x))[0], 1);
    x.release();
  }));

/** Whatever the driver has, matrices of subgroups are not. */
const withoutMatrices = (record: AdapterRecord): AdapterRecord => ({
  ...record,
  adapter: {
    ...record.adapter,
    cooperativeMatrix: null,
    features: { ...record.adapter.features, cooperativeMatrix: false },
  },
});

test("a program that needs what the device lacks is refused by name", () =>
  withDevice({ forgeAdapter: withoutMatrices }, (device) => {
    const good = affine(device, 64, 1, 1);
    const needy = {
      ...good,
      program: { ...good.program, requires: ["cooperativeMatrix"] },
      pipelineKey: "needy",
    };
    const error = assertThrows(() => device.prepare(needy), DeviceError);
    assert(error.message.includes("cooperativeMatrix"), error.message);
    const wide = { ...good.program, pushByteLength: 4096 };
    assertThrows(
      () => device.prepare({ ...good, program: wide, pipelineKey: "wide" }),
      LimitError,
      "maxPushConstantsSize",
    );
    device.prepare(good);
  }));

test("an adapter that cannot be used is refused with the property and the value found", () => {
  const open = (forgeAdapter: (record: AdapterRecord) => AdapterRecord) => () => {
    openDevice({ forgeAdapter }).dispose();
  };
  assertThrows(
    open((record) => ({ ...record, queueFamilies: [{ queueFlags: 1, timestampValidBits: 0 }] })),
    DeviceError,
    "0x1",
  );
  assertThrows(
    open((record) => ({
      ...record,
      adapter: {
        ...record.adapter,
        features: { ...record.adapter.features, timelineSemaphore: false },
      },
    })),
    DeviceError,
    "timelineSemaphore",
  );
  assertThrows(() => Device.open({ adapter: "no such device" }), DeviceError, "no such device");
  assertThrows(() => Device.open({ adapter: 99 }), DeviceError, "99");
});

test("validate: true clamps stray accesses and keeps kernels on storage buffers", () =>
  withDevice({ validate: true }, async (device) => {
    assertEquals(device.capabilities.loadPath, "storage");
    const x = upload(device, new Float32Array(64).fill(1), "x");
    const y = device.allocate(256, "y");
    // 4,096 elements are asked for, 64 are there.
    device.dispatch(affine(device, 4096, 1, 1), [x, y], "stray");
    assertEquals((await download(device, y))[63], 2);
    x.release();
    y.release();
  }));

test("the load path follows the option, and measuring finds one and leaves nothing", () =>
  withDevice({ loadPath: "address" }, (device) => {
    assertEquals(device.capabilities.loadPath, "address");
    // Which one wins depends on the load of the machine: not for a test to say.
    assert(["texel", "storage", "address"].includes(measureLoadPath(device) ?? "none"));
    assertEquals(device.memory().liveBuffers, 0);
  }));
