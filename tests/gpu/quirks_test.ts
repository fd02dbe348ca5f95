// The quirk table of the layers' specification (layers.md section 13): what is copied from MXNet, and what is not.

import { assert, assertEquals, assertThrows } from "@std/assert";
import * as vknn from "../../mod.ts";
import { gpuTest } from "../support/test.ts";

const { autograd, tensor } = vknn;
const LOWEST = -3.4028234663852886e38;

/** Runs a layer of ones on ones: gives the values and the input's gradient. */
async function ones(layer: vknn.HybridBlock, shape: readonly number[], fill: number = 1) {
  layer.initialize("ones");
  const count = shape.reduce((all, each) => all * each, 1);
  using x = tensor(new Float32Array(count).fill(fill), shape).attachGrad();
  using y = autograd.record(() => layer.call(x) as vknn.Tensor);
  y.backward();
  const found = { shape: y.shape, y: [...await y.data()], dx: [...await x.grad!.data()] };
  layer.dispose();
  return found;
}

const range = (message: string, run: () => unknown) => {
  const error = assertThrows(run, Error, message);
  assert(error instanceof RangeError || error instanceof TypeError, error.name);
};

gpuTest("Q1: pooling tuples of a wrong length are refused by the constructor", () => {
  range("strides", () => new vknn.MaxPool2D(2, { strides: [1] }));
  range("padding", () => new vknn.AvgPool3D(2, { padding: [0, 1] }));
});

gpuTest("Q2: channel-last layouts work, NWC too", async () => {
  const one = await ones(new vknn.Conv1D(2, 3, { layout: "NWC" }), [1, 5, 2]);
  assertEquals([one.shape, one.y[0]], [[1, 3, 2], 6]);
  const three = await ones(new vknn.Conv3D(1, 2, { layout: "NDHWC" }), [1, 2, 2, 2, 3]);
  assertEquals([three.shape, three.y], [[1, 1, 1, 1, 1], [24]]);
});

gpuTest("Q3: inChannels is honored, and 0 is deferred", () => {
  using eager = new vknn.Conv2D(8, 3, { inChannels: 4 });
  eager.initialize();
  assertEquals(eager.weight.data().shape, [8, 4, 3, 3]);
  using x = vknn.zeros([1, 5, 8, 8]);
  range("expects 4", () => eager.call(x));
  using deferred = new vknn.Conv2D(8, 3);
  assertEquals(deferred.weight.shape, [8, -1, 3, 3]);
});

gpuTest("Q4: Conv3DTranspose is dilated", async () => {
  const layer = new vknn.Conv3DTranspose(1, 2, { dilation: 2 });
  const { shape, y } = await ones(layer, [1, 1, 1, 1, 1]);
  assertEquals(shape, [1, 1, 3, 3, 3]);
  assertEquals(y.filter((each) => each === 1).length, 8);
});

gpuTest("Q5: log_sigmoid is finite far below 0", async () => {
  using x = tensor([-200, -88.5, 0]);
  using y = vknn.activation(x, "log_sigmoid");
  const values = [...await y.data()];
  assertEquals(values.slice(0, 2), [-200, -88.5]);
});

gpuTest("Q6: fans of Xavier are MXNet's raw ones, transposed and channel-last too", async () => {
  // magnitude 3, average: the bound is sqrt(3 / ((fan_in + fan_out) / 2)) with shape[1] and shape[0] times shape[2:].
  for (
    const [layer, shape] of [
      [new vknn.Conv2DTranspose(64, 3, { inChannels: 16 }), [16, 64, 3, 3]],
      [new vknn.Conv2D(64, 3, { inChannels: 16, layout: "NHWC" }), [64, 3, 3, 16]],
    ] as const
  ) {
    vknn.seed(3);
    layer.initialize("xavier");
    const weight = layer.weight.data();
    assertEquals(weight.shape, [...shape]);
    const area = shape[2] * shape[3];
    const bound = Math.sqrt(3 / ((shape[0] * area + shape[1] * area) / 2));
    const most = Math.max(...[...await weight.data()].map(Math.abs));
    assert(most <= bound && most > 0.98 * bound, `${most} of ${bound}`);
    layer.dispose();
  }
});

gpuTest("Q7: padding of a whole window is refused", () => {
  using x = vknn.zeros([1, 1, 4, 4]);
  range("padding", () => new vknn.MaxPool2D(2, { padding: 2 }).call(x));
});

gpuTest(
  "Q8: gradients are added where that is asked, of deformable and 1x1 layers too",
  async () => {
    for (const make of [() => new vknn.DeformableConvolution(2, 3), () => new vknn.Conv2D(2, 1)]) {
      using layer = make();
      layer.initialize("ones");
      using x = vknn.ones([1, 2, 5, 5]).attachGrad("add");
      const gradients: number[][] = [];
      for (let pass = 0; pass < 2; pass++) {
        using y = autograd.record(() => layer.call(x));
        y.backward();
        gradients.push([...await x.grad!.data()]);
      }
      assert(gradients[0]!.some((each) => each !== 0));
      assertEquals(gradients[1], gradients[0]!.map((each) => 2 * each));
    }
  },
);

gpuTest(
  "Q9 and Q10: the modulated layer runs, with 65 images too, and equals a convolution at first",
  async () => {
    using layer = new vknn.ModulatedDeformableConvolution(3, 3, { numDeformableGroup: 2 });
    using plain = new vknn.Conv2D(3, 3);
    for (const each of [layer, plain]) each.initialize("ones");
    // The branch begins with zeros: offsets of 0, masks of 1.
    using zeros = vknn.zeros([54, 2, 3, 3]);
    layer.offset_weight.setData(zeros);
    using x = vknn.ones([65, 2, 5, 5]);
    using y = layer.call(x);
    using expected = plain.call(x);
    assertEquals([...await y.data()], [...await expected.data()]);
  },
);

gpuTest("Q11: PixelShuffle1D takes [2], and only positive integers", () => {
  assertEquals(String(new vknn.PixelShuffle1D([2])), "PixelShuffle1D(2)");
  range("factor", () => new vknn.PixelShuffle1D(2.5));
  range("factor", () => new vknn.PixelShuffle1D("2" as unknown as number));
});

gpuTest("Q12: the text of a transposed layer has no output padding", () => {
  const layer = new vknn.Conv2DTranspose(4, 3, { strides: 2, outputPadding: 1 });
  assertEquals(String(layer), "Conv2DTranspose(-1 -> 4, kernel_size=(3, 3), stride=(2, 2))");
});

gpuTest("Q13: an unknown activation is refused by the constructor, which lists the seven", () => {
  const activation = "relux" as "relu";
  const error = assertThrows(() => new vknn.Conv2D(4, 3, { activation }), RangeError);
  for (const name of ["relu", "sigmoid", "log_sigmoid", "mish", "tanh", "softrelu", "softsign"]) {
    assert(error.message.includes(`"${name}"`), name);
  }
});

gpuTest("Q14: the gradient of an overhanging average divides as the result does", async () => {
  const layer = new vknn.AvgPool1D(3, { strides: 2, ceilMode: true });
  const { y, dx } = await ones(layer, [1, 1, 4]);
  assertEquals(y, [1, 1]);
  const third = Math.fround(1 / 3);
  assertEquals(dx.map(Math.fround), [third, third, Math.fround(third + 0.5), 0.5]);
});

gpuTest("Q15: an average of nothing is 0 on every rank", async () => {
  const options = { strides: 2, ceilMode: true };
  assertEquals((await ones(new vknn.AvgPool1D(1, options), [1, 1, 2])).y, [1, 0]);
  const two = await ones(new vknn.AvgPool2D(1, options), [1, 1, 2, 2]);
  assertEquals(two.y, [1, 0, 0, 0]);
  const three = await ones(new vknn.AvgPool3D(1, options), [1, 1, 2, 2, 2]);
  assertEquals(three.y, [1, 0, 0, 0, 0, 0, 0, 0]);
});

gpuTest("Q16: a maximum of nothing but -Infinity or NaN sends no gradient", async () => {
  for (const fill of [-Infinity, NaN]) {
    const { y, dx } = await ones(new vknn.MaxPool2D(2), [1, 1, 2, 2], fill);
    assertEquals([y, dx], [[LOWEST], [0, 0, 0, 0]]);
  }
});

gpuTest("Q17: sizes of 0 are refused by the constructor", () => {
  range("channels", () => new vknn.Conv2D(0, 3));
  range("kernelSize", () => new vknn.Conv2D(4, 0));
  range("kernelSize", () => new vknn.Conv2D(4, 3.5));
  range("poolSize", () => new vknn.AvgPool2D(0));
  range("strides", () => new vknn.MaxPool2D(2, { strides: 0 }));
  range("factor", () => new vknn.PixelShuffle2D(0));
});

gpuTest("Q18: negative padding is refused by the constructor", () => {
  range("padding is -1", () => new vknn.Conv2D(4, 3, { padding: -1 }));
  range("padding is -1", () => new vknn.ReflectionPad2D(-1));
  range("padding is -1", () => new vknn.MaxPool2D(2, { padding: -1 }));
});
