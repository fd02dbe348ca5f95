// Who owns what: disposal in any order, nothing left behind, nothing usable afterwards.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DeviceError, DisposedError } from "../../src/core/errors.ts";
import { Device, type DeviceBuffer } from "../../src/device/device.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";
import {
  affine,
  download,
  openDevice,
  settle,
  TRANSFERS,
  upload,
  withDevice,
} from "./device_support.ts";

test("two hundred devices are made and disposed of without a trace", async () => {
  for (let i = 0; i < 200; i++) {
    const device = openDevice({ blockBytes: 1 << 20 });
    if (i % 20 === 0) {
      const x = upload(device, new Float32Array(16).fill(i), "x");
      device.dispatch(affine(device, 16, 1, 1), [x, x], "x");
      assertEquals((await download(device, x))[0], i + 1);
    }
    device.dispose();
    await settle(device);
  }
});

test("dispose() and release() work in any order, and twice", async () => {
  const random = new Random(7);
  for (let round = 0; round < 12; round++) {
    const device = openDevice({ transfers: random.pick(TRANSFERS), blockBytes: 1 << 20 });
    const actions: (() => void)[] = [() => device.dispose()];
    let previous: DeviceBuffer | undefined;
    for (let i = 0; i < 20; i++) {
      const buffer = device.allocate(random.integer(1, 5000), `buffer ${i}`);
      device.fill(buffer, i);
      if (previous !== undefined) device.copy(buffer, 0, previous, 0, 1);
      previous = buffer;
      actions.push(() => buffer.release());
    }
    while (actions.length > 0) {
      const [action] = actions.splice(random.integer(0, actions.length - 1), 1);
      action?.();
      action?.();
    }
    assert(device.disposed);
    await settle(device);
  }
});

test("disposing of a device rejects pending downloads and drops its buffers", async () => {
  const device = Device.open();
  const x = upload(device, new Float32Array(1 << 20), "x");
  for (let i = 0; i < 50; i++) device.dispatch(affine(device, 1 << 20, 1, 1), [x, x], "x");
  const pending = [download(device, x), device.synchronize()];
  const failures = pending.map((promise) => assertRejects(() => promise, DisposedError));
  device.dispose();
  await Promise.all(failures);
  x.release();
  await settle(device);
});

test("disposing between the end of the work and the copy of its result rejects the download", async () => {
  for (const transfers of TRANSFERS) {
    for (let turns = 0; turns < 30; turns++) {
      const device = openDevice({ transfers, blockBytes: 1 << 20 });
      const x = upload(device, new Float32Array(1 << 16).fill(1), "x");
      device.dispatch(affine(device, 1 << 16, 1, 1), [x, x], "x");
      let outcome: unknown;
      const pending = download(device, x).then(
        (values) => outcome = values[9],
        (error) => outcome = error,
      );
      const waited = device.synchronize().catch(() => {});
      if (turns % 2 === 0) await waited;
      for (let i = 0; i < turns / 2; i++) await Promise.resolve();
      device.dispose();
      await pending;
      assert(outcome === 2 || outcome instanceof DisposedError, `${outcome}`);
      await settle(device);
    }
  }
});

test("every method of a disposed device throws DisposedError, but dispose() and memory()", async () => {
  const device = Device.open();
  const x = device.allocate(16, "x");
  const dispatch = affine(device, 4, 1, 1);
  device.dispose();
  device.dispose();
  device[Symbol.dispose]();
  const calls: (() => unknown)[] = [
    () => device.allocate(16, "y"),
    () => device.upload(x, new Uint8Array(4)),
    () => device.downloadSync(x, 0, 4),
    () => device.fill(x, 0),
    () => device.copy(x, 0, x, 8, 8),
    () => device.dispatch(dispatch, [x, x], "x"),
    () => device.prepare(dispatch),
    () => device.flush(),
    () => device.synchronizeSync(),
    () => device.startProfile(),
  ];
  for (const call of calls) assertThrows(call, DisposedError, "disposed");
  await assertRejects(() => device.download(x, 0, 4), DisposedError);
  await assertRejects(() => device.synchronize(), DisposedError);
  await assertRejects(() => device.stopProfile(), DisposedError);
  assertEquals(device.memory().vulkanObjects, 0);
  x.release();
});

test("a released buffer and one of another device are refused by name", () =>
  withDevice({}, async (device) => {
    const x = device.allocate(16, "left over");
    x.release();
    x.release();
    assert(x.released);
    assertThrows(() => device.fill(x, 0), DisposedError, "left over");
    await withDevice({}, (other) => {
      const y = other.allocate(16, "foreign");
      assertThrows(() => device.fill(y, 0), DeviceError, "foreign");
      assertThrows(
        () => device.dispatch(affine(device, 4, 1, 1), [y, y], "x"),
        DeviceError,
        "foreign",
      );
      y.release();
    });
  }));

test("releasing a buffer keeps its memory for the next of its size", () =>
  withDevice({}, (device) => {
    const first = device.allocate(5000, "first");
    const { vulkanObjects } = device.memory();
    first.release();
    assertEquals(device.memory().liveBytes, 0);
    assert(device.memory().pooledBytes >= 5000);
    for (let i = 0; i < 100; i++) device.allocate(4990, "next").release();
    assertEquals(device.memory().vulkanObjects, vulkanObjects);
    assertEquals(device.memory().peakBytes, 5000);
  }));

test("a steady stream of work creates no objects", () =>
  withDevice({}, async (device) => {
    const step = affine(device, 1000, 1, 1);
    const round = async () => {
      const x = upload(device, new Float32Array(1000), "x");
      const y = device.allocate(4000, "y");
      for (let i = 0; i < 40; i++) device.dispatch(step, i % 2 === 0 ? [x, y] : [y, x], "step");
      assertEquals((await download(device, x))[0], 40);
      x.release();
      y.release();
    };
    for (let i = 0; i < 5; i++) await round();
    const { vulkanObjects, reservedBytes } = device.memory();
    for (let i = 0; i < 100; i++) await round();
    const after = device.memory();
    assertEquals([after.vulkanObjects, after.reservedBytes], [vulkanObjects, reservedBytes]);
  }));

test("sets of buffers that come and go are recycled", () =>
  withDevice({ blockBytes: 1 << 22 }, async (device) => {
    const step = affine(device, 16, 1, 1);
    const buffers = Array.from({ length: 70 }, (_, i) => {
      const buffer = device.allocate(64, `buffer ${i}`);
      device.fill(buffer, 0);
      return buffer;
    });
    // 4,900 pairs are more than the cache holds.
    for (const source of buffers) {
      for (const target of buffers) device.dispatch(step, [source, target], "pair");
    }
    const values = await download(device, buffers[69] as DeviceBuffer);
    assert((values[0] as number) > 0);
    for (const buffer of buffers) buffer.release();
  }));

test("profiles name each dispatch in order, with its time", () =>
  withDevice({}, async (device) => {
    const x = device.allocate(1 << 20, "x");
    device.fill(x, 0);
    const small = affine(device, 1000, 1, 1);
    const large = affine(device, 1 << 18, 1, 1);
    device.dispatch(small, [x, x], "before");
    device.startProfile();
    device.startProfile();
    for (let i = 0; i < 300; i++) device.dispatch(small, [x, x], `small ${i}`);
    device.dispatch(large, [x, x], "large");
    const rows = await device.stopProfile();
    device.dispatch(small, [x, x], "after");
    assertEquals(rows.length, 301);
    assertEquals(rows[7]?.label, "small 7");
    assertEquals(rows[300]?.label, "large");
    assert(rows[300]?.program.startsWith("elementwise/unary"));
    assertEquals(rows[300]?.grid, large.grid);
    for (const { nanoseconds } of rows) {
      assert(nanoseconds !== null && nanoseconds > 0 && nanoseconds < 60e9, `${nanoseconds}`);
    }
    assertEquals(await device.stopProfile(), []);
    x.release();
  }));

test("a queue without timestamps gives null times", () =>
  withDevice({
    forgeAdapter: (record) => ({
      ...record,
      queueFamilies: record.queueFamilies.map((family) => ({ ...family, timestampValidBits: 0 })),
    }),
  }, async (device) => {
    const x = device.allocate(64, "x");
    device.startProfile();
    device.dispatch(affine(device, 16, 1, 1), [x, x], "x");
    assertEquals((await device.stopProfile()).map((row) => row.nanoseconds), [null]);
    x.release();
  }));

test("an abandoned profile is freed with its device", async () => {
  const device = Device.open();
  const x = device.allocate(64, "x");
  device.startProfile();
  device.dispatch(affine(device, 16, 1, 1), [x, x], "x");
  device.dispose();
  await settle(device);
});
