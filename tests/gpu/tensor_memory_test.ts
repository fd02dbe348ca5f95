/** What tensors hold of the device, exactly, over time, and after garbage collection. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  add,
  arange,
  concat,
  convolution,
  defaultDevice,
  Device,
  DeviceError,
  mul,
  scope,
  tensor,
  zeros,
} from "../../mod.ts";
import { MOD_URL, runText, RUNTIME } from "../support/subprocess.ts";
import { gpuTest } from "../support/test.ts";

gpuTest("liveBuffers counts exactly the tensors that are alive", () => {
  const device = defaultDevice();
  const base = device.memory().liveBuffers;
  const count = () => device.memory().liveBuffers - base;
  const x = tensor([1, 2, 3]);
  assertEquals(count(), 1);
  const view = x.reshape([3, 1]);
  assertEquals(count(), 1);
  const kept = scope(() => {
    const y = mul(add(x, 1), x);
    assertEquals(count(), 3);
    return [y, concat([x, y])];
  });
  assertEquals(count(), 3);
  x.dispose();
  assertEquals(count(), 3);
  view.dispose();
  assertEquals(count(), 2);
  for (const each of kept) each.dispose();
  assertEquals(count(), 0);
  const none = zeros([0, 5]);
  assertEquals(count(), 0);
  none.dispose();
});

gpuTest("10,000 eager steps create nothing after the first ones", async () => {
  const device = defaultDevice();
  using flat = arange(16 * 16);
  const x = flat.reshape([1, 1, 16, 16]);
  const w = tensor(new Float32Array(9).fill(1 / 9), [1, 1, 3, 3]);
  const step = () => scope(() => add(convolution(x, w, null, { padding: 1 }), x)).dispose();
  for (let i = 0; i < 200; i++) step();
  await device.synchronize();
  const { liveBytes, liveBuffers, reservedBytes, vulkanObjects } = device.memory();
  for (let i = 0; i < 10_000; i++) {
    step();
    if (i % 1000 === 999) await device.synchronize();
  }
  const after = device.memory();
  assertEquals(after.liveBytes, liveBytes);
  assertEquals(after.liveBuffers, liveBuffers);
  assertEquals(after.reservedBytes, reservedBytes);
  assertEquals(after.vulkanObjects, vulkanObjects);
  x.dispose();
  w.dispose();
});

gpuTest(
  "forgotten tensors are reclaimed after garbage collection, at the next operation",
  async () => {
    const { code, stdout, stderr } = await runText(
      `
    import { add, convolution, defaultDevice, tensor } from ${JSON.stringify(MOD_URL)};
    const collect = globalThis.gc ?? (() => Bun.gc(true));
    const device = defaultDevice();
    const kept = tensor([1, 2, 3]);
    function forget() {
      const x = tensor(new Float32Array(3 * 64).fill(1), [1, 3, 8, 8]);
      const w = tensor(new Float32Array(4 * 27).fill(1), [4, 3, 3, 3]);
      for (let i = 0; i < 50; i++) add(convolution(x, w), 1).reshape([-1]);
    }
    forget();
    const before = device.memory().liveBuffers;
    let after = before;
    for (let round = 0; round < 50 && after > 3; round++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
      add(kept, 1).dispose();
      after = device.memory().liveBuffers;
    }
    console.log(JSON.stringify({ before, after, kept: (await kept.data()).join() }));
    `,
      {
        permissions: ["--allow-ffi", "--allow-read", "--allow-env"],
        runtimeFlags: RUNTIME === "deno" ? ["--v8-flags=--expose-gc"] : [],
      },
    );
    assertEquals(code, 0, stderr);
    const { before, after, kept } = JSON.parse(stdout);
    assert(before > 100, `${before} buffers were alive`);
    // Conservative collectors may keep a few; a leak would keep them all.
    assert(after <= 5, `${after} of ${before} buffers are still alive`);
    assertEquals(kept, "1,2,3");
  },
);

gpuTest("a program that forgets everything ends by itself, without an error", async () => {
  const { code, stderr, signal } = await runText(
    `
    import { add, scope, tensor } from ${JSON.stringify(MOD_URL)};
    const x = tensor([1, 2, 3]);
    const y = add(x, x);
    y.data();
    scope(() => add(y, 1));
    `,
    { permissions: ["--allow-ffi", "--allow-read", "--allow-env"] },
  );
  assertEquals([code, signal], [0, null], stderr);
});

gpuTest("tensors of two devices do not mix, and outlive neither device nor dispose()", async () => {
  const other = Device.open();
  const a = tensor([1, 2]);
  const b = tensor([3, 4], undefined, { device: other });
  let message = "";
  try {
    add(a, b);
  } catch (error) {
    assert(error instanceof DeviceError);
    message = error.message;
  }
  assertMatch(message, /b lies on another device/);
  const c = add(b, 1);
  assertEquals([...await c.data()], [4, 5]);
  other.dispose();
  c.dispose(); // after its device: no error
  b.dispose();
  a.dispose();
});

gpuTest("creation on a disposed device is refused", () => {
  const other = Device.open();
  const made = tensor([1], undefined, { device: other });
  other.dispose();
  let message = "";
  try {
    tensor([1], undefined, { device: other });
  } catch (error) {
    message = (error as Error).message;
  }
  assertMatch(message, /the device was disposed/);
  made.dispose();
});
