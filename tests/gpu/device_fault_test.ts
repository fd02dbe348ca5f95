// The N-th call fails: a typed error, nothing left behind, and the same work succeeds right after (SQLite's out-of-memory loop).

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { VulkanError } from "../../ffi/result.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import { DeviceError, DeviceLostError, OutOfMemoryError } from "../../src/core/errors.ts";
import type { Device } from "../../src/device/device.ts";
import { planSlice } from "../../src/kernels/movement.ts";
import { test } from "../support/test.ts";
import {
  affine,
  bytesOf,
  download,
  Faults,
  openDevice,
  sleep,
  TRANSFERS,
  upload,
} from "./device_support.ts";

type Transfers = (typeof TRANSFERS)[number];

const COUNT = 1000;

/** Touches every part: both kinds of transfer, kernels, fills, copies, a profile, several submissions. */
async function work(device: Device): Promise<Float32Array> {
  const x = upload(device, new Float32Array(COUNT).fill(2), "x");
  const y = device.allocate(COUNT * 4, "y");
  device.fill(y, 0);
  const step = affine(device, COUNT, 3, 1);
  device.dispatch(step, [x, y], "y = 7");
  device.upload(x, bytesOf(new Float32Array(10).fill(5)));
  device.flush();
  device.startProfile();
  device.dispatch(step, [y, y], "y = 22");
  assertEquals((await device.stopProfile()).length, 1);
  device.copy(x, 0, y, 0, 40);
  const wide = device.allocate(131_072, "wide");
  const narrow = device.allocate(129_024, "narrow");
  const [rows] =
    planSlice(device.capabilities, [2, 64, 256], [0, 0, 4], [2, 64, 252], 4).dispatches;
  device.dispatch(rows!, [wide, narrow], "rows");
  const early = download(device, y);
  early.catch(() => {}); // when something below fails, nobody awaits it
  device.fill(y, 0x3f800000);
  const late = device.downloadSync(y, 0, 4);
  assertEquals(new Float32Array(late.buffer)[0], 1);
  const result = await early;
  for (const buffer of [x, y, wide, narrow]) buffer.release();
  return result;
}

function checkResult(values: Float32Array): void {
  assertEquals([values[0], values[9], values[10], values[COUNT - 1]], [5, 5, 22, 22]);
}

interface Outcome {
  readonly faults: Faults;
  readonly error: unknown;
}

/** Runs the whole life of a device with one fault, and checks what must hold whatever happens. */
async function live(transfers: Transfers, faults: Faults): Promise<Outcome> {
  let error: unknown;
  let device: Device | undefined;
  try {
    device = openDevice({ transfers, wrapCommands: faults.wrap, blockBytes: 1 << 20 });
    checkResult(await work(device));
  } catch (caught) {
    error = caught;
  }
  const where = `call ${faults.calls}, ${faults.failed}: ${error}`;
  assert(
    error === undefined || error instanceof DeviceError || error instanceof VulkanError,
    `untyped error at ${where}`,
  );
  if (device !== undefined) {
    if (error instanceof DeviceLostError) {
      assert(device.lost, where);
      const { calls } = faults;
      assertThrows(() => device?.allocate(16, "later"), DeviceLostError);
      await assertRejects(async () => await device?.synchronize(), DeviceLostError);
      assertEquals(faults.calls, calls, `a lost device must not be touched: ${where}`);
    } else if (error !== undefined) {
      assert(!device.lost, where);
      // Anything but a loss leaves the device usable.
      checkResult(await work(device));
    }
    device.dispose();
  }
  for (let i = 0; i < 40 && faults.objects > 0; i++) await sleep(5);
  assertEquals(faults.objects, 0, `objects left by ${where}`);
  return { faults, error };
}

test("a log that throws leaves no device behind", () => {
  const faults = new Faults(0, vk.VK_SUCCESS);
  const log = () => {
    throw new Error("of the program");
  };
  assertThrows(() => openDevice({ wrapCommands: faults.wrap, log }), Error, "of the program");
  assert(faults.calls > 0);
  assertEquals(faults.objects, 0);
});

for (const transfers of TRANSFERS) {
  for (
    const name of [
      "VK_ERROR_OUT_OF_DEVICE_MEMORY",
      "VK_ERROR_OUT_OF_HOST_MEMORY",
      "VK_ERROR_DEVICE_LOST",
    ] as const
  ) {
    test(`${name} at the N-th call is survived for every N (${transfers})`, async () => {
      const seen = new Set<string>();
      let errors = 0;
      for (let n = 1;; n++) {
        const { faults, error } = await live(transfers, new Faults(n, vk[name]));
        if (faults.failed === undefined) break;
        seen.add(faults.failed);
        if (error !== undefined) errors++;
        assert(n < 500, "the scenario ends");
      }
      assert(errors > 0);
      for (const command of ["vkCreateDevice", "vkAllocateMemory", "vkQueueSubmit"]) {
        assert(seen.has(command), `${command} was not reached`);
      }
    });
  }
}

test("out of memory that lasts gives OutOfMemoryError, and the device goes on when it ends", async () => {
  let failing = false;
  const device = openDevice({
    blockBytes: 1 << 20,
    wrapCommands: (commands) => ({
      ...commands,
      vkAllocateMemory: (...values) =>
        failing ? vk.VK_ERROR_OUT_OF_DEVICE_MEMORY : commands.vkAllocateMemory(...values),
    }),
  });
  const x = device.allocate(1 << 20, "kept");
  device.fill(x, 0);
  failing = true;
  const error = assertThrows(() => device.allocate(1 << 20, "wanted"), OutOfMemoryError);
  assert(/wanted/.test(error.message) && /kept 1048576/.test(error.message), error.message);
  assert(error.message.includes("VK_ERROR_OUT_OF_DEVICE_MEMORY"), error.message);
  failing = false;
  device.allocate(1 << 20, "wanted").release();
  assertEquals((await download(device, x))[0], 0);
  device.dispose();
});

test("a full queue keeps what was recorded until it accepts again", async () => {
  let failing = false;
  const device = openDevice({
    wrapCommands: (commands) => ({
      ...commands,
      vkQueueSubmit: (...values) =>
        failing ? vk.VK_ERROR_OUT_OF_HOST_MEMORY : commands.vkQueueSubmit(...values),
    }),
  });
  const x = upload(device, new Float32Array(64), "x");
  const step = affine(device, 64, 1, 1);
  device.dispatch(step, [x, x], "x");
  failing = true;
  assertThrows(() => device.flush(), OutOfMemoryError, "submission");
  assertThrows(() => device.dispatch(step, [x, x], "x"), OutOfMemoryError);
  failing = false;
  device.dispatch(step, [x, x], "x");
  assertEquals((await download(device, x))[0], 2);
  device.dispose();
});

test("a loss rejects what is pending at once, and a new device works", async () => {
  let failing = false;
  const device = openDevice({
    wrapCommands: (commands) => ({
      ...commands,
      vkGetSemaphoreCounterValue: (...values) => {
        if (!failing) return commands.vkGetSemaphoreCounterValue(...values);
        commands.vkDeviceWaitIdle(values[0]);
        return vk.VK_ERROR_DEVICE_LOST;
      },
    }),
  });
  const x = upload(device, new Float32Array(1 << 20), "x");
  for (let i = 0; i < 20; i++) device.dispatch(affine(device, 1 << 20, 1, 1), [x, x], "x");
  const pending = [download(device, x), download(device, x), device.synchronize()];
  failing = true;
  const started = performance.now();
  for (const promise of pending) await assertRejects(() => promise, DeviceLostError, "is lost");
  assert(performance.now() - started < 2000);
  assert(device.lost);
  assertThrows(() => device.dispatch(affine(device, 4, 1, 1), [x, x], "x"), DeviceLostError);
  x.release();
  device.dispose();
  device.dispose();
  await live("mapped", new Faults(0, 0));
});
