/** What float16 operands become: rounding, overflow, subnormals, and sums that float16 could not hold. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as vknn from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { rounded } from "./float16_support.ts";

const half = (data: ArrayLike<number>, shape: readonly number[]): vknn.Tensor =>
  vknn.tensor(Float32Array.from(data), shape, { dtype: "float16" });

/** A convolution of one row by one kernel. */
async function convolve(x: readonly number[], weight: readonly number[]): Promise<number[]> {
  using a = half(x, [1, 1, x.length]);
  using b = half(weight, [1, 1, weight.length]);
  using y = vknn.convolution(a, b);
  return [...await y.data()];
}

gpuTest("float16 results overflow to infinity where the nearest number is infinite", async () => {
  // 65520 lies in the middle between the largest number and the next one, which does not exist.
  assertEquals(await convolve([32752, 32760, -32760], [2]), [65504, Infinity, -Infinity]);
  assertEquals(await convolve([60000, 60000], [1, 1]), [Infinity]);
  const special = await convolve([NaN, Infinity, -Infinity, 1], [1]);
  assertEquals(special, [NaN, Infinity, -Infinity, 1]);
  assertEquals(await convolve([Infinity, -Infinity], [1, 1]), [NaN]);
});

gpuTest("float16 sums may exceed float16 on the way", async () => {
  assertEquals(await convolve([60000, 60000, -60000], [1, 1, 1]), [60000]);
  assertEquals(await convolve([300, 300, 300], [300, 1, -300]), [300]);
  using x = half([60000, 60000, 60000, 60000], [4]);
  using mean = vknn.mean(x);
  assertEquals(await mean.item(), 60000);
});

gpuTest("float16 subnormal numbers are kept, loaded and stored", async () => {
  const least = 2 ** -24;
  assertEquals(await convolve([least, 3 * least, -least], [1]), [least, 3 * least, -least]);
  // Ties go to even: half of the least is 0, half of three times the least is twice the least.
  assertEquals(await convolve([least, 3 * least, 0.75 * 2 ** -14], [0.5]), [
    0,
    2 * least,
    0.375 * 2 ** -14,
  ]);
  assertEquals(await convolve([2 ** -12], [2 ** -12]), [least]);
  // Too small as a product, but not as a sum.
  assertEquals(
    await convolve(
      [2 ** -13, 2 ** -13, 2 ** -13, 2 ** -13],
      [1, 1, 1, 1].map((each) => each * 2 ** -13),
    ),
    [least],
  );
});

gpuTest(
  "float16 is added up in float32: sums pass 2048, where float16 would stand still",
  async () => {
    const count = 4096;
    const ones = new Float32Array(count).fill(1);
    using pixel = half(ones, [1, count, 1, 1]);
    using filter = half(ones, [1, count, 1, 1]);
    using row = half(ones, [1, count]);
    const sums = vknn.scope(() => [
      vknn.convolution(pixel, filter),
      vknn.deconvolution(pixel, filter.reshape([count, 1, 1, 1])),
      vknn.matmul(row, row.reshape([count, 1])),
      vknn.sum(row),
    ]);
    for (const sum of sums) {
      assertEquals([...await sum.data()], [count]);
      sum.dispose();
    }
  },
);

gpuTest("float16 weights are packed once, and again after they change", async (device) => {
  const random = new Random(171);
  using x = half(random.float32(16 * 12 * 12), [1, 16, 12, 12]);
  using weight = half(random.float32(16 * 16 * 9), [16, 16, 3, 3]);
  const run = async () => {
    const { liveBuffers } = device.memory();
    device.startProfile();
    using y = vknn.convolution(x, weight, null, { padding: 1 });
    const programs = (await device.stopProfile()).map(({ program }) => program);
    const data = [...await y.data()];
    y.dispose();
    return { programs, data, kept: device.memory().liveBuffers - liveBuffers };
  };
  const first = await run();
  const second = await run();
  assertEquals(second.data, first.data);
  // The prepared weight stays; what it was prepared from does not.
  assert(first.kept <= 1, `${first.kept} buffers stay`);
  assertEquals(second.kept, 0);
  if (first.kept === 1) assert(second.programs.length < first.programs.length);
  // Input and result; a weight that a kernel reads as it is costs one more.
  const casts = second.programs.filter((program) => program.includes("cast"));
  assert(casts.length <= (first.kept === 1 ? 2 : 3), casts.join());
  const other = rounded(random.float32(16 * 16 * 9));
  weight.assign(other);
  const third = await run();
  assertEquals(third.programs.length, first.programs.length);
  using wide = vknn.scope(() =>
    vknn.convolution(x.cast("float32"), vknn.tensor(other, [16, 16, 3, 3]), null, { padding: 1 })
  );
  // Kernels add in different orders: a sum near the middle of two float16 values may round to either.
  assertClose(third.data, Float16Array.from(await wide.data()), { rtol: 2 ** -10, atol: 1e-4 });
});

gpuTest("float16 and float32 do not mix; the message names the argument", () => {
  vknn.scope(() => {
    const zeros = (shape: readonly number[], dtype: vknn.DType) => vknn.zeros(shape, { dtype });
    const x = zeros([1, 4, 5, 5], "float16");
    const weight = zeros([4, 4, 3, 3], "float16");
    const wide = zeros([4, 4, 3, 3], "float32");
    const bias = zeros([4], "float32");
    const offset = zeros([1, 18, 3, 3], "float32");
    const mask = zeros([1, 9, 3, 3], "float16");
    const residual = zeros([1, 4, 3, 3], "float32");
    const calls: readonly (readonly [() => unknown, RegExp])[] = [
      [() => vknn.convolution(x, wide), /weight .*float32, expected float16/],
      [() => vknn.convolution(x, weight, bias), /bias .*float32, expected float16/],
      [() => vknn.convolution(x.cast("float32"), weight), /weight .*float16, expected float32/],
      [
        () => vknn.convolution(x, weight, null, { residual }),
        /residual .*float32, expected float16/,
      ],
      [() => vknn.deconvolution(x, wide), /weight .*float32, expected float16/],
      [() => vknn.deconvolution(x, weight, bias), /bias .*float32, expected float16/],
      [() => vknn.deformableConvolution(x, offset, weight), /offset .*float32, expected float16/],
      [
        () => vknn.modulatedDeformableConvolution(x, offset.cast("float16"), mask, wide),
        /weight .*float32, expected float16/,
      ],
      [
        () => vknn.matmul(zeros([2, 2], "float16"), zeros([2, 2], "float32")),
        /rhs .*float32, expected float16/,
      ],
      [() => vknn.add(x, residual.cast("float32")), /b .*float32, expected float16/],
      [
        () => vknn.convolution(zeros([1, 4, 5, 5], "int32"), wide),
        /int32, expected float32 or float16/,
      ],
    ];
    for (const [call, pattern] of calls) {
      const { message } = assertThrows(call, TypeError);
      assert(pattern.test(message), message);
    }
  });
});
