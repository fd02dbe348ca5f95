// Padding: bits, gradients against the scattering oracle, adjointness at larger shapes, second derivatives, layers.

import { assert, assertEquals, assertThrows } from "@std/assert";
import * as vknn from "../../mod.ts";
import { padGradientOperator, padOperator } from "../../src/ops/pad.ts";
import { planPadGradient } from "../../src/kernels/pad.ts";
import { MODES, padCases } from "../cases/pad.ts";
import { pad, padGradient } from "../reference/pad.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { bytesOf, runPlan, sharedDevice } from "./kernels_run.ts";

function count(shape: readonly number[]): number {
  return shape.reduce((all, each) => all * each, 1);
}

gpuTest("gradients of padding agree with the oracle", async () => {
  const random = new Random(71);
  for (const { shape, attributes } of padCases(72, 120)) {
    const { widths, mode } = attributes;
    const x = { data: random.float32(count(shape)), shape };
    const y = pad(x, attributes);
    const head = { data: random.float32(y.data.length), shape: y.shape };
    using input = vknn.tensor(x.data, shape).attachGrad();
    using output = vknn.autograd.record(() => vknn.pad(input, widths, { mode }));
    using headGradient = vknn.tensor(head.data, y.shape);
    output.backward(headGradient);
    const expected = padGradient(shape, head, attributes);
    const label = JSON.stringify({ shape, attributes });
    assertClose(await input.grad!.data(), expected.data, { rtol: 1e-5, atol: 1e-5, label });
  }
});

gpuTest(
  "padding and its gradient are adjoint at larger shapes, in every run the same",
  async () => {
    const random = new Random(73);
    const cases = [
      { shape: [2, 3, 61, 47], widths: [[0, 0], [0, 0], [7, 3], [5, 46]] },
      { shape: [1, 2, 5, 33, 21], widths: [[0, 0], [0, 0], [9, 1], [2, 0], [30, 30]] },
      { shape: [3, 4, 999], widths: [[1, 0], [2, 2], [500, 998]] },
    ];
    for (const { shape, widths } of cases) {
      for (const mode of ["constant", "edge", "reflect", "circular"] as const) {
        const pad_width = widths.flat();
        const x = random.float32(count(shape));
        using input = vknn.tensor(x, shape);
        using output = padOperator.apply([input], { mode, pad_width });
        const head = random.float32(output.size);
        using headTensor = vknn.tensor(head, output.shape);
        using gradient = padGradientOperator.apply([headTensor], { mode, pad_width });
        const [y, g] = [await output.data(), await gradient.data()];
        let [left, right, scale] = [0, 0, 0];
        y.forEach((value, at) => {
          left += value * head[at]!;
          scale += Math.abs(value * head[at]!);
        });
        g.forEach((value, at) => right += value * x[at]!);
        assert(Math.abs(left - right) <= 1e-6 * scale, `${mode} (${shape}): ${left} and ${right}`);
        for (let repeat = 0; repeat < 20; repeat++) {
          using again = padGradientOperator.apply([headTensor], { mode, pad_width });
          assertEquals(await again.data(), g);
        }
      }
    }
  },
);

gpuTest("padding of wide rows passes bits, whichever kernel takes it", async () => {
  const random = new Random(74);
  const cases = [
    { shape: [2, 3, 5, 21], widths: [[0, 0], [0, 0], [2, 4], [20, 3]] },
    { shape: [1, 2, 3, 4, 9], widths: [[1, 0], [0, 0], [2, 1], [0, 0], [4, 4]] },
    { shape: [50], widths: [[7, 49]] },
    { shape: [3, 12], widths: [[2, 1], [0, 0]] },
    { shape: [4, 3], widths: [[0, 3], [1, 40]] },
  ] as const;
  for (const { shape, widths } of cases) {
    for (const mode of ["constant", "edge", "reflect", "circular"] as const) {
      const x = { data: random.float32(count(shape)), shape };
      using input = vknn.tensor(x.data, shape);
      using output = vknn.pad(input, widths, { mode, value: 3 });
      const expected = pad(x, { widths, mode, value: 3 });
      assertEquals([...await output.data()], Array.from(expected.data), `${mode} (${shape})`);
    }
  }
});

gpuTest(
  "gradients of padding wide rows agree with the oracle, whichever kernel takes them",
  async () => {
    const device = await sharedDevice();
    const random = new Random(75);
    const cases = [
      { shape: [2, 3, 5, 32], widths: [[0, 0], [0, 0], [2, 4], [3, 3]] },
      { shape: [2, 2, 3, 4, 12], widths: [[1, 0], [0, 0], [2, 1], [0, 0], [4, 11]] },
      { shape: [40], widths: [[39, 7]] },
      { shape: [3, 20], widths: [[2, 1], [0, 0]] },
      { shape: [6, 48], widths: [[0, 3], [9, 0]] },
    ] as const;
    for (const { shape, widths } of cases) {
      for (const mode of MODES) {
        const padded = shape.map((size, axis) => widths[axis]![0] + size + widths[axis]![1]);
        const data = random.float32(count(padded));
        const expected = padGradient(shape, { data, shape: padded }, { widths, mode, value: 0 });
        const [before, after] = [widths.map((pair) => pair[0]), widths.map((pair) => pair[1])];
        for (const loadPath of ["texel", "storage"] as const) {
          const capabilities = { ...device.capabilities, loadPath };
          const plan = planPadGradient(capabilities, { shape, before, after, mode });
          const cpu = capabilities.deviceClass === "cpu" && capabilities.int64;
          assertEquals(plan.label, cpu ? "_backward_Pad/cpu" : "_backward_Pad");
          const bytes = await runPlan(device, plan, [bytesOf(data)], count(shape) * 4);
          const found = new Float32Array(bytes.buffer, bytes.byteOffset, count(shape));
          const label = `${mode} (${shape}) ${loadPath}`;
          assertClose(found, expected.data, { rtol: 1e-5, atol: 1e-5, label });
        }
      }
    }
  },
);

gpuTest("padding has second derivatives", async () => {
  // f = sum(pad(x)^2): the gradient is 2 P'P x, its gradient in direction v is 2 P'P v.
  using x = vknn.tensor([1, 2, 3]).attachGrad();
  using v = vknn.tensor([1, 10, 100]);
  const widths = [[2, 1]] as const;
  const second = vknn.scope(() => {
    const first = vknn.autograd.record(() => {
      const y = vknn.pad(x, widths, { mode: "reflect" });
      const f = vknn.mul(y, y);
      return vknn.autograd.grad(f, x, { createGraph: true });
    });
    return vknn.autograd.grad(first, x, { headGradients: v });
  });
  // pad shows the elements 1, 2, 2 times: 3 2 | 1 2 3 | 2.
  assertEquals([...await second.data()], [2, 60, 400]);
  second.dispose();
});

gpuTest("padding of float16 passes bits forward and rounds once backward", async () => {
  const halves = Float16Array.of(1, -0, NaN, 65504);
  using x = vknn.tensor(halves, [4]).attachGrad();
  using y = vknn.autograd.record(() => vknn.pad(x, [[1, 1]], { mode: "edge" }));
  assertEquals(await y.data(), Float16Array.of(1, 1, -0, NaN, 65504, 65504));
  y.backward();
  assertEquals(await x.grad!.data(), Float16Array.of(2, 1, 1, 2));
});

gpuTest("the padding layers pad as their names say", async () => {
  const rows: [vknn._Padding, number[]][] = [
    [new vknn.ReflectionPad1D(4), [1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3]],
    [new vknn.ReplicationPad1D(2), [1, 1, 1, 2, 3, 3, 3]],
    [new vknn.ConstantPad1D(1, -Infinity), [-Infinity, 1, 2, 3, -Infinity]],
    [new vknn.CircularPad1D([[4, 0]]), [3, 1, 2, 3, 1, 2, 3]],
    [new vknn.ReflectionPad1D(), [1, 2, 3]],
  ];
  for (const [layer, expected] of rows) {
    using x = vknn.tensor([[[1, 2, 3]]]);
    using y = layer.call(x);
    assertEquals([...await y.data()], expected, `${layer}`);
  }
  const square: [vknn._Padding, number[]][] = [
    [new vknn.ReflectionPad2D(1), [4, 3, 4, 3, 2, 1, 2, 1, 4, 3, 4, 3, 2, 1, 2, 1]],
    [new vknn.ReplicationPad2D([1, 0]), [1, 2, 1, 2, 3, 4, 3, 4]],
    [new vknn.ConstantPad2D([0, [0, 1]], 7), [1, 2, 7, 3, 4, 7]],
    [new vknn.ZeroPad2D([0, 0, 0, 0, 0, 1, 0, 0]), [1, 2, 3, 4, 0, 0]],
    [new vknn.CircularPad2D([0, 1]), [2, 1, 2, 1, 4, 3, 4, 3]],
  ];
  for (const [layer, expected] of square) {
    using x = vknn.tensor([[[[1, 2], [3, 4]]]]);
    using y = layer.call(x);
    assertEquals([...await y.data()], expected, `${layer}`);
  }
  const cube: [vknn._Padding, number[]][] = [
    [new vknn.ReflectionPad3D([0, 2, 0]), [1, 2, 1, 2, 1, 2]],
    [new vknn.ReplicationPad3D([0, [1, 0], 0]), [1, 1, 2]],
    [new vknn.ConstantPad3D([0, [0, 1], 0], 5), [1, 2, 5]],
    [new vknn.CircularPad3D([0, 1, 0]), [2, 1, 2, 1]],
  ];
  for (const [layer, expected] of cube) {
    using x = vknn.tensor([1, 2], [1, 1, 1, 2, 1]);
    using y = layer.call(x);
    assertEquals([...await y.data()], expected, `${layer}`);
  }
});

gpuTest("an empty axis is padded by a constant only", () => {
  using x = vknn.tensor(new Float32Array(0), [0, 2]);
  using y = vknn.pad(x, [[1, 0], [0, 0]], { value: 3 });
  assertEquals(y.shape, [1, 2]);
  assertThrows(() => vknn.pad(x, [[1, 0], [0, 0]], { mode: "edge" }), vknn.ShapeError, "axis 0");
  using z = vknn.pad(x, [[0, 0], [1, 1]], { mode: "edge" });
  assertEquals(z.shape, [0, 4]);
});
