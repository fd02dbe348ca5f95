// Tuning on a device: what is measured, when, and that results repeat.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { autograd, Conv2D, convolution, type Device, type Tensor, tensor } from "../../mod.ts";
import type { AdapterRecord } from "../../src/device/adapter.ts";
import type { InternalDeviceOptions } from "../../src/device/options.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { openDevice, settle } from "./device_support.ts";

const untimed = (record: AdapterRecord): AdapterRecord => ({
  ...record,
  queueFamilies: record.queueFamilies.map((each) => ({ ...each, timestampValidBits: 0 })),
});

/** Few operations, so that CPU devices have few variants to compile. */
const SHAPES = { x: [2, 5, 9, 9], w: [6, 5, 3, 3] } as const;

async function withTuned(
  options: InternalDeviceOptions,
  body: (device: Device) => void | Promise<void>,
): Promise<void> {
  const device = openDevice({ tune: true, ...options });
  try {
    await body(device);
  } finally {
    device.dispose();
  }
  await settle(device);
}

function operands(device: Device): { x: Tensor; w: Tensor } {
  const random = new Random(3);
  const make = (shape: readonly number[]) => {
    const count = shape.reduce((a, b) => a * b);
    const values = Float32Array.from({ length: count }, () => random.uniform(-1, 1));
    return tensor(values, shape, { device });
  };
  return { x: make(SHAPES.x), w: make(SHAPES.w) };
}

/** Bits of the result and of both gradients. */
async function bits(device: Device): Promise<string> {
  const { x, w } = operands(device);
  x.attachGrad();
  w.attachGrad();
  const y = autograd.record(() => convolution(x, w, null, { padding: 1 }));
  y.backward();
  const all = [];
  for (const each of [y, x.grad!, w.grad!]) {
    all.push(new Uint32Array((await each.data() as Float32Array).buffer).join());
  }
  for (const each of [x, w, y]) each.dispose();
  return all.join("|");
}

gpuTest(
  "the first call of a shape is measured, later ones and other devices repeat its bits",
  async () => {
    let json = "";
    let wanted = "";
    await withTuned({}, async (device) => {
      const { tuning } = device.kernels;
      wanted = await bits(device);
      assertEquals(tuning.count, 3); // the convolution and both gradients
      for (const { nanoseconds } of Object.values(tuning.toJSON().results)) assert(nanoseconds > 0);
      const { count } = device.kernels;
      assertEquals(await bits(device), wanted);
      assertEquals([tuning.count, device.kernels.count], [3, count]); // nothing was tried again
      assertEquals(device.memory().liveBuffers, 0);
      json = JSON.stringify(tuning);
    });
    await withTuned({ tune: "saved" }, async (device) => {
      assertEquals(device.kernels.tuning.load(JSON.parse(json)), 3);
      assertEquals(await bits(device), wanted);
      assertEquals(device.kernels.tuning.count, 3);
    });
  },
);

gpuTest("what is not known is computed as without tuning where nothing is measured", async () => {
  let plain = "";
  await withTuned({ tune: false }, async (device) => {
    plain = await bits(device);
    assertEquals(device.capabilities.tuning, undefined);
  });
  await withTuned({ tune: "saved" }, async (device) => {
    assertEquals(await bits(device), plain);
    assertEquals(device.kernels.tuning.count, 0);
  });
});

gpuTest("nothing is measured in a profile or a rehearsal, but in the call after it", async () => {
  await withTuned({ forgeAdapter: untimed }, async (device) => {
    const { tuning } = device.kernels;
    const { x, w } = operands(device);
    const call = () => convolution(x, w).dispose();
    assertEquals(device.kernels.rehearse(call).length > 0, true);
    assertEquals(tuning.count, 0);
    device.startProfile();
    call();
    call();
    const labels = (await device.stopProfile()).map(({ label }) => label);
    assertEquals(new Set(labels).size, 1); // one variant alone
    assertEquals([tuning.count, device.kernels.measurable], [0, true]);
    call(); // this queue has no timestamps: the clock decides
    assertEquals(tuning.count, 1);
    call();
    assertEquals(tuning.count, 1);
    x.dispose();
    w.dispose();
  });
});

gpuTest("prepare() measures ahead, and a graph has the bits of eager calls", async () => {
  await withTuned({}, async (device) => {
    const net = new Conv2D(6, 3, { padding: 1, inChannels: 5, activation: "relu" });
    net.initialize("ones", { device });
    await net.prepare([SHAPES.x], { device });
    const { tuning } = device.kernels;
    assertEquals(tuning.count, 1);
    const { x, w } = operands(device);
    using eager = net.call(x);
    net.hybridize();
    using graph = net.call(x);
    assertEquals(await graph.data(), await eager.data());
    assertEquals(tuning.count, 1);
    // Planned as a whole, it takes what is known.
    net.hybridize(true, { staticAlloc: true, staticShape: true });
    for (let run = 0; run < 2; run++) {
      using replayed = net.call(x);
      assertEquals(await replayed.data(), await eager.data());
      assertEquals(tuning.count, 1);
    }
    net.dispose();
    // What is not known is measured before the graph is planned.
    const other = new Conv2D(6, 3, { padding: 1, inChannels: 5, activation: "sigmoid" });
    other.initialize("ones", { device });
    other.hybridize(true, { staticAlloc: true, staticShape: true });
    await other.prepare([SHAPES.x], { device });
    assertEquals(tuning.count, 2);
    other.call(x).dispose();
    assertEquals(tuning.count, 2);
    other.dispose();
    x.dispose();
    w.dispose();
  });
});

gpuTest("results are kept in cacheDirectory, and float16 shares those of float32", async () => {
  const cacheDirectory = mkdtempSync(join(tmpdir(), "vknn-tuning-"));
  try {
    await withTuned({ cacheDirectory }, (device) => {
      const { x, w } = operands(device);
      convolution(x, w).dispose();
      x.dispose();
      w.dispose();
    });
    await withTuned({ cacheDirectory }, (device) => {
      assertEquals(device.kernels.tuning.count, 1);
      const { x, w } = operands(device);
      const [half, weight] = [x.cast("float16"), w.cast("float16")];
      convolution(x, w).dispose();
      convolution(half, weight).dispose();
      // Devices with matrices for float16 have a kernel of their own.
      assertEquals(device.kernels.tuning.count, 1);
      for (const each of [x, w, half, weight]) each.dispose();
    });
  } finally {
    rmSync(cacheDirectory, { recursive: true });
  }
});

gpuTest("tune takes true, false and saved", () => {
  for (const tune of ["yes", 1, null]) {
    assertThrows(() => openDevice({ tune: tune as never }), TypeError, "tune is");
  }
});
