// Bytes in, bytes out, on both transfer paths; and that recorded work happens in order.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Device, DeviceBuffer } from "../../src/device/device.ts";
import type { InternalDeviceOptions } from "../../src/device/options.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";
import { affine, bytesOf, download, TRANSFERS, upload, withDevice } from "./device_support.ts";

function randomBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.bits() & 0xff);
}

const MIB = 1024 * 1024;

/** A driver whose mapped memory has to be flushed and invalidated. */
const nonCoherent: InternalDeviceOptions["forgeAdapter"] = (record) => ({
  ...record,
  memoryTypes: record.memoryTypes.map((type) => ({
    ...type,
    propertyFlags: type.propertyFlags & ~4,
  })),
});

for (const transfers of TRANSFERS) {
  test(`upload and download keep every byte at odd sizes and offsets (${transfers})`, () =>
    withDevice({ transfers }, async (device) => {
      const random = new Random(1);
      for (const length of [1, 2, 3, 5, 15, 16, 17, 63, 255, 256, 257, 4099, 65_537]) {
        const buffer = device.allocate(length, `odd ${length}`);
        const bytes = randomBytes(random, length);
        device.upload(buffer, bytes);
        assertEquals(await device.download(buffer, 0, length), bytes);
        const offset = random.integer(0, length - 1);
        const part = randomBytes(random, random.integer(0, length - offset));
        device.upload(buffer, part, offset);
        bytes.set(part, offset);
        assertEquals(device.downloadSync(buffer, 0, length), bytes);
        const from = random.integer(0, length);
        assertEquals(await device.download(buffer, from, length - from), bytes.subarray(from));
        buffer.release();
      }
    }));

  test(`transfers larger than a staging buffer arrive whole (${transfers})`, () =>
    withDevice({ transfers }, async (device) => {
      const words = new Uint32Array(10 * MIB + 3).map((_, i) => Math.imul(i, 2654435761));
      const buffer = device.allocate(words.byteLength, "large");
      device.upload(buffer, bytesOf(words));
      const back = new Uint32Array((await device.download(buffer, 0, words.byteLength)).buffer);
      assert(back.every((word, i) => word === words[i]));
      buffer.release();
    }));

  test(`commands take effect in the order of their calls (${transfers})`, () =>
    withDevice({ transfers }, async (device) => {
      const count = 1000;
      const a = upload(device, new Float32Array(count).fill(1), "a");
      const b = device.allocate(count * 4, "b");
      const c = device.allocate(count * 4, "c");
      device.dispatch(affine(device, count, 2, 0), [a, b], "b = 2");
      device.upload(a, bytesOf(new Float32Array(count).fill(10)));
      device.dispatch(affine(device, count, 1, 5), [a, c], "c = 15");
      device.copy(b, 0, a, 0, 2000);
      device.fill(b, 0x40400000);
      device.dispatch(affine(device, count, 1, 1), [b, b], "b = 4, in place");
      const [first, second, third] = await Promise.all([a, b, c].map((x) => download(device, x)));
      assertEquals([first?.[0], first?.[499], first?.[500]], [2, 2, 10]);
      assertEquals([second?.[0], second?.[999]], [4, 4]);
      assertEquals([third?.[0], third?.[999]], [15, 15]);
      for (const buffer of [a, b, c]) buffer.release();
    }));

  test(`a long chain of dependent kernels loses none (${transfers})`, () =>
    withDevice({ transfers }, async (device) => {
      const count = 64;
      let x = upload(device, new Float32Array(count), "x");
      const step = affine(device, count, 1, 1);
      for (let i = 0; i < 1000; i++) {
        const y = device.allocate(count * 4, "y");
        device.dispatch(step, [x, y], "step");
        x.release();
        x = y;
      }
      assertEquals((await download(device, x))[63], 1000);
      x.release();
      assertEquals(device.memory().liveBuffers, 0);
    }));

  test(`a download has the bytes at its call, whatever is recorded later (${transfers})`, () =>
    withDevice({ transfers }, async (device) => {
      const count = 100_000;
      const x = upload(device, new Float32Array(count), "x");
      const step = affine(device, count, 1, 1);
      const downloads: Promise<Float32Array>[] = [];
      for (let i = 0; i < 8; i++) {
        device.dispatch(step, [x, x], "step");
        downloads.push(download(device, x));
        if (i === 3) device.fill(x, 0x42c80000); // 100
        if (i === 5) device.upload(x, bytesOf(new Float32Array(count).fill(1000)));
      }
      // The memory may belong to others by the time that the bytes are read.
      x.release();
      const other = device.allocate(count * 4, "other");
      device.fill(other, 0);
      const values = (await Promise.all(downloads)).map((array) => [array[0], array[count - 1]]);
      const expected = [1, 2, 3, 4, 101, 102, 1001, 1002];
      assertEquals(values, expected.map((value) => [value, value]));
      other.release();
    }));

  test(`concurrent chains of work and downloads give what serial ones give (${transfers})`, () =>
    withDevice({ transfers }, async (device) => {
      const chain = async (seed: number) => {
        let sum = 0;
        for (let round = 0; round < 12; round++) {
          const x = upload(device, new Float32Array(257).fill(seed + round), "x");
          const y = device.allocate(257 * 4, "y");
          device.dispatch(affine(device, 257, 3, seed), [x, y], "chain");
          x.release();
          const values = await download(device, y);
          y.release();
          assert(values.every((value) => value === values[0]));
          sum += values[0] as number;
        }
        return sum;
      };
      const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
      const sums = await Promise.all(seeds.map(chain));
      assertEquals(sums, seeds.map((seed) => 12 * (3 * seed + seed) + 3 * 66));
    }));

  test(`memory that is not coherent is flushed and invalidated (${transfers})`, () =>
    withDevice({ transfers, forgeAdapter: nonCoherent }, async (device) => {
      const x = upload(device, new Float32Array(100).fill(7), "x");
      const y = device.allocate(400, "y");
      device.dispatch(affine(device, 100, 1, 1), [x, y], "y");
      device.upload(y, bytesOf(new Float32Array([3])), 36);
      const values = await download(device, y);
      assertEquals([values[8], values[9], values[10]], [8, 3, 8]);
      x.release();
      y.release();
    }));
}

test("uploads of user arrays are copied before the call returns", () =>
  withDevice({}, async (device) => {
    const buffer = device.allocate(64, "x");
    const bytes = new Uint8Array(64).fill(1);
    device.upload(buffer, bytes);
    bytes.fill(2);
    assertEquals((await device.download(buffer, 0, 1))[0], 1);
    const shared = new Uint8Array(new SharedArrayBuffer(64)).fill(3);
    device.upload(buffer, shared);
    assertEquals((await device.download(buffer, 63, 1))[0], 3);
    const resizable = new Uint8Array(new ArrayBuffer(64, { maxByteLength: 128 })).fill(4);
    device.upload(buffer, resizable);
    assertEquals((await device.download(buffer, 63, 1))[0], 4);
    buffer.release();
  }));

test("ranges outside of a buffer are refused with its label and size", () =>
  withDevice({}, async (device) => {
    const a = device.allocate(100, "weights");
    const b = device.allocate(100, "other");
    const refused = (body: () => void) => {
      const error = assertThrows(body, RangeError);
      assert(/weights/.test(error.message) && /100/.test(error.message), error.message);
    };
    refused(() => device.upload(a, new Uint8Array(101)));
    refused(() => device.upload(a, new Uint8Array(1), 101));
    refused(() => device.upload(a, new Uint8Array(1), -1));
    refused(() => device.upload(a, new Uint8Array(1), 0.5));
    refused(() => device.copy(a, 1, b, 0, 100));
    refused(() => device.downloadSync(a, 0, 101));
    await assertRejects(() => device.download(a, 50, 51), RangeError, "weights");
    await assertRejects(() => device.download(a, NaN, 1), RangeError, "weights");
    assertThrows(() => device.copy(a, 0, a, 10, 20), RangeError, "overlap");
    assertThrows(() => device.upload(a, [1] as unknown as Uint8Array), TypeError, "weights");
    assertThrows(() => device.upload({} as DeviceBuffer, new Uint8Array(1)), TypeError);
    device.upload(a, new Uint8Array(0), 100);
    assertEquals(await device.download(a, 100, 0), new Uint8Array(0));
    a.release();
    b.release();
  }));

test("a write that the host makes first takes idle memory rather than busy memory", () =>
  withDevice({ transfers: "mapped" }, async (device) => {
    const busy = (one: Device) => {
      const x = one.allocate(4 * MIB, "busy");
      one.fill(x, 0);
      x.release();
    };
    busy(device);
    const before = device.memory().pooledBytes;
    const fresh = device.allocate(4 * MIB, "fresh", true);
    assertEquals(device.memory().pooledBytes, before, "the busy one stays in the pool");
    await device.synchronize();
    const reused = device.allocate(4 * MIB, "reused", true);
    assertEquals(device.memory().pooledBytes, before - 4 * MIB);
    fresh.release();
    reused.release();
  }));
