// The check vectors of the layers' specification (layers.md section 14), each as it is written there.

import { assertEquals, assertThrows } from "@std/assert";
import * as vknn from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { gpuTest } from "../support/test.ts";

const { autograd, tensor } = vknn;

async function run(layer: vknn.HybridBlock, x: vknn.Tensor): Promise<number[]> {
  using input = x;
  using y = layer.call(input) as vknn.Tensor;
  const values = [...await y.data()];
  layer.dispose();
  return values;
}

const range = (count: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, (_, at) => at);

gpuTest("check vector 1: dilated transposed convolution spreads the kernel", async () => {
  const center = [0, 0, 0, 0, 1, 0, 0, 0, 0];
  const rows = [1, 0, 2, 0, 3, 4, 0, 5, 0, 6, 7, 0, 8, 0, 9];
  const expected = [0, 1, 2].flatMap((row) => [
    ...rows.slice(5 * row, 5 * row + 5),
    ...(row < 2 ? [0, 0, 0, 0, 0] : []),
  ]);
  for (const options of [{ padding: 1, dilation: 2 }, { strides: 2, padding: 2, dilation: 2 }]) {
    const layer = new vknn.Conv2DTranspose(1, 3, { ...options, useBias: false });
    layer.loadDict({ weight: { data: range(9).map((each) => each + 1), shape: [1, 1, 3, 3] } });
    assertEquals(await run(layer, tensor(Float32Array.from(center), [1, 1, 3, 3])), expected);
  }
});

gpuTest("check vectors 2 and 3: divisors of averages in ceil mode", async () => {
  const pool = (poolSize: number, strides: number, padding: number, countIncludePad: boolean) =>
    new vknn.AvgPool1D(poolSize, { strides, padding, countIncludePad, ceilMode: true });
  const ones = (count: number) => tensor(new Float32Array(count).fill(1), [1, 1, count]);
  assertClose(await run(pool(3, 2, 1, true), ones(6)), [2 / 3, 1, 1, 1 / 2]);
  assertClose(await run(pool(3, 2, 1, false), ones(6)), [1, 1, 1, 1]);
  assertEquals(await run(pool(1, 2, 0, true), ones(2)), [1, 0]);
  const x = [2.0903, 4.6493, 1.6320, -3.2051, 4.6975, 4.7296, 3.3653, -1.5815, -2.3832];
  const y = await run(pool(7, 3, 3, true), tensor(Float32Array.from(x), [1, 1, 9]));
  assertClose(y, [0.7380714, 2.5655571, 0.8032286, -0.0999], { atol: 1e-6 });
});

gpuTest("check vectors 4 and 5: sizes in ceil mode, and the first of equal maxima", async () => {
  for (const [ceilMode, size] of [[true, 4], [false, 3]] as const) {
    using x = vknn.zeros([1, 1, 10, 10]);
    using y = new vknn.MaxPool2D(3, { ceilMode }).call(x);
    assertEquals(y.shape, [1, 1, size, size]);
  }
  using x = tensor([[[1, 1, 0]]]).attachGrad();
  using y = autograd.record(() => new vknn.MaxPool1D(3).call(x));
  y.backward();
  assertEquals([...await x.grad!.data()], [1, 0, 0]);
});

gpuTest("check vector 6: the samplers of both deformable layers at the border", async () => {
  const image = Float32Array.of(1, 2, 3, 4);
  for (const [move, at, v1, v2] of [[0.5, 3, 4, 2], [-0.5, 0, 0, 0.5]] as const) {
    for (
      const [Layer, logits, expected] of [
        [vknn.DeformableConvolution, 0, v1],
        [vknn.ModulatedDeformableConvolution, 1, v2],
      ] as const
    ) {
      const layer = new Layer(1, 1, { useBias: false });
      const channels = 2 + logits;
      // A logit of 0 is a mask of 1.
      layer.loadDict({
        offset_weight: { data: new Float32Array(channels), shape: [channels, 1, 1, 1] },
        offset_bias: {
          data: Float32Array.of(move, 0, ...Array(logits).fill(0)),
          shape: [channels],
        },
        deformable_conv_weight: { data: Float32Array.of(1), shape: [1, 1, 1, 1] },
      });
      assertEquals((await run(layer, tensor(image, [1, 1, 2, 2])))[at], expected);
    }
  }
});

gpuTest("check vectors 7 and 8: pixel shuffle and reflection", async () => {
  const one = await run(new vknn.PixelShuffle1D(2), tensor(range(12), [1, 4, 3]));
  assertEquals(one, [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
  const two = await run(new vknn.PixelShuffle2D([2, 3]), tensor(range(72), [1, 12, 2, 3]));
  assertEquals(two.slice(0, 9), [0, 6, 12, 1, 7, 13, 2, 8, 14]);
  assertEquals(two.slice(9, 18), [18, 24, 30, 19, 25, 31, 20, 26, 32]);
  const rows = tensor([[[[1, 2, 3], [1, 2, 3]]]]);
  const mirrored = await run(new vknn.ReflectionPad2D(1), rows);
  assertEquals(mirrored.slice(0, 5), [2, 1, 2, 3, 2]);
});

gpuTest("wrong use is refused: second backward without retain_graph", () => {
  using x = vknn.zeros([2]).attachGrad();
  using y = autograd.record(() => x.mul(x));
  y.backward();
  const error = assertThrows(() => y.backward(), vknn.AutogradError, "retainGraph");
  assertEquals(error.name, "AutogradError");
});
