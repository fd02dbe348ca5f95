// Batches that are more than a kernel of the device can see are computed in parts: same bits, forged small limits.

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AdaptiveAvgPool2D,
  add,
  autograd,
  AvgPool2D,
  Conv1D,
  Conv2D,
  Conv2DTranspose,
  convolution,
  Dense,
  type Device,
  type HybridBlock,
  initializers,
  LimitError,
  MaxPool2D,
  ops,
  pixelShuffle,
  PixelShuffle2D,
  PReLU,
  ReflectionPad2D,
  relu,
  seed,
  type Tensor,
  tensor,
  UpSampling,
} from "../../mod.ts";
import type { AdapterRecord } from "../../src/device/adapter.ts";
import { assertClose } from "../support/close.ts";
import { gpuTest } from "../support/test.ts";
import { Faults, openDevice, settle } from "./device_support.ts";

const LIMIT = 16 * 1024;

/** An adapter whose kernels see 16 KiB of a buffer. */
const small = (record: AdapterRecord): AdapterRecord => ({
  ...record,
  adapter: {
    ...record.adapter,
    limits: { ...record.adapter.limits, maxStorageBufferRange: LIMIT },
  },
});

function wave(shape: readonly number[], device: Device, phase: number): Tensor {
  const count = shape.reduce((all, size) => all * size, 1);
  return tensor(Float32Array.from({ length: count }, (_, i) => Math.sin(i + phase)), shape, {
    device,
  });
}

type Call = readonly [name: string, run: (device: Device) => Tensor];

/** Each has an input or output of more than 16 KiB for the batch, and less for an image. */
const CALLS: readonly Call[] = [
  ["convolution", (device) => {
    const inputs = [
      wave([5, 4, 16, 16], device, 1),
      wave([6, 4, 3, 3], device, 2),
      wave([6], device, 3),
    ] as const;
    const residual = wave([5, 6, 16, 16], device, 4);
    const options = { padding: 1, residual, activation: "relu" } as const;
    const y = convolution(inputs[0], inputs[1], inputs[2], options);
    for (const each of [...inputs, residual]) each.dispose();
    return y;
  }],
  ["deconvolution", (device) => {
    using x = wave([4, 4, 8, 8], device, 1);
    using w = wave([4, 5, 2, 2], device, 2);
    return ops.deconvolution(x, w, null, { strides: 2 });
  }],
  ["pooling", (device) => {
    using x = wave([7, 3, 18, 18], device, 1);
    return ops.pooling(x, [2, 2], { strides: 2 });
  }],
  ["add", (device) => {
    using a = wave([3, 40, 50], device, 1);
    using b = wave([40, 1], device, 2);
    return add(a, b);
  }],
  ["relu", (device) => {
    using x = wave([9, 1000], device, 1);
    return relu(x);
  }],
  ["pixelShuffle", (device) => {
    using x = wave([2, 8, 20, 20], device, 1);
    return pixelShuffle(x, 2);
  }],
];

gpuTest("what exceeds a binding is computed in parts, with equal bits", async (whole) => {
  const device = openDevice({ forgeAdapter: small });
  try {
    for (const [name, run] of CALLS) {
      using wanted = run(whole);
      using found = run(device);
      assert(wanted.size * 4 > LIMIT || name === "pooling", name);
      assertEquals(found.shape, wanted.shape, name);
      assertEquals(await found.data(), await wanted.data(), name);
    }
  } finally {
    device.dispose();
  }
  await settle(device);
});

/** Layers whose gradients see more than 16 KiB too. */
const LAYERS:
  readonly (readonly [name: string, make: () => HybridBlock, shape: readonly number[]])[] = [
    ["convolution", () => new Conv2D(6, 3, { padding: 1, activation: "relu" }), [5, 4, 16, 16]],
    ["depthwise", () => new Conv2D(8, 3, { padding: 1, groups: 8 }), [5, 8, 16, 16]],
    ["one-dimensional", () => new Conv1D(6, 3, { layout: "NWC" }), [9, 200, 4]],
    ["transposed", () => new Conv2DTranspose(5, 2, { strides: 2 }), [6, 4, 8, 8]],
    ["maxima", () => new MaxPool2D(2), [7, 3, 18, 18]],
    ["averages", () => new AvgPool2D(3, { strides: 2, padding: 1 }), [7, 3, 18, 18]],
    ["adaptive", () => new AdaptiveAvgPool2D(5), [7, 3, 18, 18]],
    ["reflection", () => new ReflectionPad2D(2), [7, 3, 14, 14]],
    ["shuffle", () => new PixelShuffle2D(2), [4, 8, 12, 12]],
    ["up-sampling", () => new UpSampling(2), [4, 4, 10, 10]],
    ["slopes", () => new PReLU(), [60, 100]],
    ["dense", () => new Dense(10), [60, 100]],
  ];

gpuTest("gradients are computed in parts too, and added up where images meet", async (whole) => {
  const device = openDevice({ forgeAdapter: small });
  const run = async (make: () => HybridBlock, shape: readonly number[], on: Device) => {
    const layer = make();
    seed(5);
    layer.initialize(new initializers.Xavier(), { device: on });
    using x = wave(shape, on, 1).attachGrad();
    using y = autograd.record(() => layer.call(x)) as Tensor;
    y.backward();
    const found = [y, x.grad!, ...[...layer.collectParams().values()].map((each) => each.grad(on))];
    const values: number[][] = [];
    for (const each of found) values.push(Array.from(await each.data()));
    layer.dispose();
    return values;
  };
  try {
    for (const [name, make, shape] of LAYERS) {
      const wanted = await run(make, shape, whole);
      const found = await run(make, shape, device);
      for (const [at, values] of wanted.entries()) {
        const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
        assertClose(found[at]!, values, {
          rtol: 1e-5,
          atol: 1e-5 * scale,
          label: `${name}, tensor ${at}`,
        });
      }
    }
    using x = wave([60, 100], device, 1);
    using y = ops.softmax(x);
    using z = x.slice([null, 10]);
    assertEquals([y.shape, z.shape], [[60, 100], [60, 90]]);
    assertThrows(() => ops.softmax(x, { axis: 0 }), LimitError); // no part has whole columns
    assertThrows(() => x.transpose(), LimitError);
  } finally {
    device.dispose();
  }
  await settle(device);
});

gpuTest("parts pass gradients on, and leave nothing behind when they fail", async (whole) => {
  const run = async (device: Device) => {
    using x = wave([6, 1000], device, 1);
    x.attachGrad();
    using y = autograd.record(() => relu(x.mul(3)));
    y.backward();
    return await x.grad!.data();
  };
  const faults = new Faults(0, 0);
  const device = openDevice({ forgeAdapter: small, wrapCommands: faults.wrap });
  assertEquals(await run(device), await run(whole));
  // One image alone is too large: refused as before.
  using x = wave([2, 5000], device, 1);
  const { liveBuffers } = device.memory();
  const error = assertThrows(() => relu(x), LimitError);
  assert(error.message.includes(`${LIMIT}`), error.message);
  assertEquals(device.memory().liveBuffers, liveBuffers);
  x.dispose();
  device.dispose();
  await settle(device);
});
