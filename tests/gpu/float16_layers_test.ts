/** Networks after cast("float16"): parameters, gradients, training, and the layers that MXNet has not. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as vknn from "../../mod.ts";
import { warningsOf } from "../null/nn_messages.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { checkingOperators } from "./float16_support.ts";

const { autograd } = vknn;

function half(seed: number, ...shape: number[]): vknn.Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return vknn.tensor(new Random(seed).distinct(count).map((value) => value / 8), shape, {
    dtype: "float16",
  });
}

gpuTest("Block.cast() converts children first, shared parameters once, and gradients", async () => {
  const order: string[] = [];
  class Noted extends vknn.Conv2D {
    override cast(dtype: vknn.DType): void {
      super.cast(dtype);
      order.push(`conv ${this.channels}`);
    }
  }
  class Net extends vknn.HybridBlock {
    readonly scale = new vknn.Parameter("scale", { shape: [1] });
    readonly first = new Noted(2, 3);
    readonly second = new Noted(3, 3, { inChannels: 2 });
    override forward(x: vknn.Tensor): vknn.Tensor {
      return this.second.call(this.first.call(x)).mul(this.scale.data());
    }
    override cast(dtype: vknn.DType): void {
      super.cast(dtype);
      order.push(`net ${this.scale.dtype}`);
    }
  }
  using net = new Net();
  net.initialize();
  const { weight } = net.second;
  const before = await weight.data().data();
  // The first layer waits for its shape: only its dtype changes.
  assert(net.first.weight.deferred);
  weight.grad().assign(new Float32Array(weight.data().size).fill(0.1));
  net.cast("float16");
  assertEquals(order, ["conv 2", "conv 3", "net float16"]);
  for (const parameter of net.collectParams().values()) assertEquals(parameter.dtype, "float16");
  assertEquals(await weight.data().data(), Float16Array.from(before));
  assertEquals(weight.grad().dtype, "float16");
  assertEquals((await weight.grad().data())[0], Math.f16round(0.1));
  using x = half(1, 1, 3, 8, 8);
  using y = net.call(x);
  assertEquals([y.dtype, net.first.weight.data().dtype], ["float16", "float16"]);
  net.cast("float32");
  assertEquals(weight.data().dtype, "float32");
  assertEquals([...await weight.data().data()], [...Float16Array.from(before)]);
  const { message } = assertThrows(() => net.call(x), TypeError);
  assert(/weight .*float32, expected float16/.test(message), message);
});

gpuTest("Block.cast() refuses unknown dtypes and deactivates hybridized blocks", () => {
  const net = new vknn.HybridSequential().add(new vknn.Conv2D(2, 3), new vknn.Conv2D(2, 3));
  const { message } = assertThrows(() => net.cast("float64" as vknn.DType), RangeError);
  assert(message.startsWith('Cannot cast HybridSequential: dtype is "float64"'), message);
  for (const parameter of net.collectParams().values()) assertEquals(parameter.dtype, "float32");
  assertEquals(warningsOf(() => net.cast("float16")), "");
  net.hybridize();
  const warnings = warningsOf(() => net.cast("float32"));
  assert(warnings.includes("HybridSequential was hybridized and is no longer"), warnings);
  assertEquals([...net.children.values(), net].map((each) => (each as typeof net).active), [
    false,
    false,
    false,
  ]);
});

gpuTest("a network trains in float16, the same in every run", async () => {
  const train = async (): Promise<number[]> => {
    vknn.seed(5);
    using net = new vknn.HybridSequential().add(
      new vknn.Conv2D(8, 3, { padding: 1, activation: "relu" }),
      new vknn.MaxPool2D(2),
      new vknn.Conv2DTranspose(4, 2, { strides: 2, activation: "tanh" }),
      new vknn.GlobalAvgPool2D(),
      new vknn.Flatten(),
    );
    net.initialize("xavier");
    net.cast("float16");
    using x = half(2, 4, 3, 8, 8);
    using target = vknn.tensor(new Random(3).float32(16), [4, 4], { dtype: "float16" });
    const losses: number[] = [];
    for (let step = 0; step < 12; step++) {
      using loss = autograd.record(() => {
        const error = net.call(x).sub(target);
        return vknn.mean(error.mul(error));
      });
      loss.backward();
      losses.push(await loss.item());
      vknn.scope(() => {
        for (const parameter of net.collectParams().values()) {
          const value = parameter.data();
          assertEquals(parameter.grad().dtype, "float16");
          value.assign(value.sub(parameter.grad().mul(0.5)));
        }
      });
    }
    return losses;
  };
  const losses = await train();
  assert(losses.at(-1)! < 0.8 * losses[0]!, losses.join(" "));
  assertEquals(await train(), losses);
});

gpuTest("layers that MXNet has not compute float16 forward and backward", () => {
  const layers: readonly (readonly [vknn.Block, readonly number[]])[] = [
    [new vknn.AdaptiveAvgPool1D(3), [2, 3, 10]],
    [new vknn.AdaptiveAvgPool2D(3), [2, 3, 7, 8]],
    [new vknn.AdaptiveAvgPool3D(2), [1, 2, 5, 4, 3]],
    [new vknn.AdaptiveMaxPool1D(3), [2, 3, 10]],
    [new vknn.AdaptiveMaxPool2D(3), [2, 3, 7, 8]],
    [new vknn.AdaptiveMaxPool3D(2), [1, 2, 5, 4, 3]],
    [new vknn.PixelUnshuffle1D(2), [1, 3, 8]],
    [new vknn.PixelUnshuffle2D(2), [1, 3, 4, 6]],
    [new vknn.PixelUnshuffle3D(2), [1, 2, 4, 2, 6]],
    [new vknn.ReflectionPad1D(2), [2, 3, 7]],
    [new vknn.ReflectionPad3D(1), [1, 2, 3, 4, 5]],
    [new vknn.ReplicationPad1D(2), [2, 3, 7]],
    [new vknn.ReplicationPad2D(2), [2, 3, 4, 5]],
    [new vknn.ReplicationPad3D(1), [1, 2, 3, 4, 5]],
    [new vknn.ConstantPad2D(1, 0.1), [2, 3, 4, 5]],
    [new vknn.CircularPad2D(2), [2, 3, 4, 5]],
    [new vknn.UpSampling(2), [1, 3, 4, 5]],
    [new vknn.Conv2D(4, 3, { padding: "same", strides: 2 }), [1, 3, 7, 8]],
  ];
  for (const [at, [layer, shape]] of layers.entries()) {
    layer.initialize();
    layer.cast("float16");
    using x = half(20 + at, ...shape).attachGrad();
    const found = checkingOperators(() => {
      using y = autograd.record(() => layer.call(x)) as vknn.Tensor;
      assertEquals(y.dtype, "float16", `${layer}`);
      using head = half(50 + at, ...y.shape);
      y.backward(head);
    });
    assert(found.size >= 2, `${layer}`);
    assertEquals(x.grad!.dtype, "float16", `${layer}`);
    layer.dispose();
  }
});

gpuTest("unpooling takes float16 with int32 places, forward and backward", () => {
  using x = half(80, 1, 2, 6, 8).attachGrad();
  const down = new vknn.MaxPool2D(2, { returnIndices: true });
  const up = new vknn.MaxUnpool2D(2);
  const found = checkingOperators(() => {
    using y = autograd.record(() => up.call(...down.call(x)));
    assertEquals([y.dtype, y.shape], ["float16", [1, 2, 6, 8]]);
    using head = half(81, ...y.shape);
    y.backward(head);
  });
  assertEquals([...found.keys()].sort(), [
    "MaxUnpool",
    "Pooling",
    "_backward_MaxUnpool",
    "_backward_Pooling",
  ]);
});
