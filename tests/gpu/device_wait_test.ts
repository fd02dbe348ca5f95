// Waiting: never without end, never in the way of the event loop, never in the way of the process's end.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as vk from "../../ffi/vulkan/enums.ts";
import { DeadlineError } from "../../src/core/errors.ts";
import type { Device, DeviceBuffer } from "../../src/device/device.ts";
import type { InternalDeviceOptions } from "../../src/device/options.ts";
import { ROOT, runText } from "../support/subprocess.ts";
import { test } from "../support/test.ts";
import {
  affine,
  download,
  openDevice,
  settle,
  sleep,
  upload,
  withDevice,
} from "./device_support.ts";

const LARGE = 1 << 22;

/** Work of a few hundred milliseconds on a software device. */
function burn(device: Device, rounds: number): DeviceBuffer {
  const x = device.allocate(LARGE * 4, "burn");
  device.fill(x, 0);
  const step = affine(device, LARGE, 1, 1);
  for (let i = 0; i < rounds; i++) device.dispatch(step, [x, x], "burn");
  return x;
}

/** Gaps between turns of the event loop while a promise is pending, longest last. */
async function turnsDuring(promise: Promise<unknown>): Promise<{ gaps: number[]; waited: number }> {
  const gaps: number[] = [];
  const started = performance.now();
  let last = started;
  let waiting = true;
  const ticker = (async () => {
    while (waiting) {
      await sleep(1);
      const now = performance.now();
      gaps.push(now - last);
      last = now;
    }
  })();
  await promise;
  const waited = performance.now() - started;
  waiting = false;
  await ticker;
  return { gaps: gaps.sort((a, b) => a - b), waited };
}

function assertFree({ gaps, waited }: { gaps: number[]; waited: number }): void {
  if (waited < 50) return; // a fast device: there was nothing to block
  // Kernels, and other programs, occupy the cores that a software device shares with us: single turns may come late.
  const typical = gaps[Math.floor(gaps.length * 0.8)] as number;
  assert(typical < 20, `a fifth of the turns took over ${typical} ms in ${waited} ms`);
  assert(gaps.length > waited / 20, `${gaps.length} turns in ${waited} ms`);
}

test("waiting for work leaves the event loop free", () =>
  withDevice({}, async (device) => {
    const x = burn(device, 60);
    assertFree(await turnsDuring(device.synchronize()));
    x.release();
  }));

test("copying a large download leaves the event loop free", () =>
  withDevice({}, async (device) => {
    const x = device.allocate(100 << 20, "large");
    device.fill(x, 1);
    await device.synchronize();
    assertFree(await turnsDuring(device.download(x, 0, x.byteLength)));
    x.release();
  }));

/** A device whose submissions seem never to finish. */
function stuck(timeoutMilliseconds: number): InternalDeviceOptions {
  return {
    timeoutMilliseconds,
    wrapCommands: (commands) => ({
      ...commands,
      vkGetSemaphoreCounterValue: () => vk.VK_SUCCESS, // leaves the counter at 0
      vkWaitSemaphores: (device) => {
        commands.vkDeviceWaitIdle(device);
        return vk.VK_TIMEOUT;
      },
      vkWaitSemaphoresAsync: commands.vkWaitSemaphoresAsync &&
        (() => sleep(5).then(() => vk.VK_TIMEOUT)),
    }),
  };
}

test("a wait without progress ends at its deadline and not before", async () => {
  const device = openDevice(stuck(150));
  const x = device.allocate(64, "x");
  device.fill(x, 0);
  const started = performance.now();
  const error = await assertRejects(() => device.download(x, 0, 64), DeadlineError);
  const waited = performance.now() - started;
  assert(waited >= 149 && waited < 2000, `${waited} ms`);
  assert(/150 ms/.test(error.message) && /0 of 1/.test(error.message), error.message);
  assertThrows(() => device.downloadSync(x, 0, 64), DeadlineError);
  assert(!device.lost);
  device.dispose();
});

test("progress moves the deadline", async () => {
  const timeoutMilliseconds = 500;
  const device = openDevice({ timeoutMilliseconds });
  const x = burn(device, 2);
  await device.synchronize();
  const started = performance.now();
  const step = affine(device, LARGE, 1, 1);
  device.dispatch(step, [x, x], "one");
  device.synchronizeSync();
  const one = performance.now() - started;
  // Many submissions of some milliseconds each, which together take longer than the deadline.
  const rounds = Math.min(400, Math.ceil(2 * timeoutMilliseconds / one));
  for (let i = 0; i < rounds; i++) {
    device.dispatch(step, [x, x], "burn");
    device.flush();
  }
  await device.synchronize();
  assertEquals((await download(device, x))[0], 3 + rounds);
  x.release();
  device.dispose();
  await settle(device);
});

test("many waits share one watcher and resolve in order", () =>
  withDevice({}, async (device) => {
    const order: number[] = [];
    const x = upload(device, new Float32Array(1 << 16), "x");
    const step = affine(device, 1 << 16, 1, 1);
    const waits = Array.from({ length: 50 }, (_, i) => {
      device.dispatch(step, [x, x], "x");
      return device.synchronize().then(() => order.push(i));
    });
    await Promise.all(waits);
    assertEquals(order, order.map((_, i) => i));
    assertEquals((await download(device, x))[0], 50);
    x.release();
  }));

const DEVICE_URL = pathToFileURL(join(ROOT, "src/device/device.ts")).href;
const PLAN_URL = pathToFileURL(join(ROOT, "src/kernels/elementwise.ts")).href;

/** A program that leaves while the device works. */
function leaving(ending: string): string {
  return `
    import process from "node:process";
    import { Device } from ${JSON.stringify(DEVICE_URL)};
    import { planScalar } from ${JSON.stringify(PLAN_URL)};
    const device = Device.open();
    const x = device.allocate(${LARGE * 4}, "x");
    device.fill(x, 0);
    const plan = planScalar(device.capabilities, { kind: "affine", scale: 1, shift: 1 }, ${LARGE});
    for (let i = 0; i < 30; i++) device.dispatch(plan.dispatches[0], [x, x], "x");
    const pending = device.download(x, 0, 4);
    console.log("recorded");
    ${ending}
  `;
}

const ENDINGS: readonly [name: string, code: string, exitCode: number][] = [
  [
    "exit() with a wait under way",
    "pending.catch(() => {}); setTimeout(() => process.exit(3), 20);",
    3,
  ],
  ["exit() at once", "pending.catch(() => {}); process.exit(4);", 4],
  ["the end of the program, with a download nobody awaits", "", 0],
  ["an error nobody catches", "pending.catch(() => {}); throw new Error('on purpose');", 1],
  [
    "dispose() with a wait under way",
    "pending.catch(() => console.log('rejected')); device.dispose();",
    0,
  ],
];

for (const [name, code, exitCode] of ENDINGS) {
  test(`the process ends cleanly on ${name}`, async () => {
    const result = await runText(leaving(code), { permissions: ["--allow-all"] });
    const report = JSON.stringify(result);
    assertEquals(result.signal, null, report);
    assertEquals(result.timedOut, false, report);
    assertEquals(result.code, exitCode, report);
    assert(result.stdout.includes("recorded"), report);
  });
}
