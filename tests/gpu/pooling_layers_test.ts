/** Pooling layers and functions: MXNet's golden cases forward and backward, special numbers, and the extras. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as vknn from "../../mod.ts";
import {
  adaptivePoolingBackwardOperator,
  maxUnpoolBackwardOperator,
  poolingBackwardOperator,
  poolingOperator,
} from "../../src/ops/pooling.ts";
import { type GoldenCase, goldenCases, goldenValues, optionsOf } from "../golden/load.ts";
import { build, type Reference } from "../reference/array.ts";
import * as oracle from "../reference/pooling.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

const { scope, tensor } = vknn;
const LOWEST = -3.4028234663852886e38;
/** How many golden cases there are, so that none is lost by a misspelt name. */
const COUNTS: Readonly<Record<string, number>> = {
  MaxPool1D: 16,
  MaxPool2D: 18,
  MaxPool3D: 14,
  AvgPool1D: 17,
  AvgPool2D: 15,
  AvgPool3D: 14,
  GlobalMaxPool1D: 2,
  GlobalMaxPool2D: 2,
  GlobalMaxPool3D: 2,
  GlobalAvgPool1D: 2,
  GlobalAvgPool2D: 2,
  GlobalAvgPool3D: 2,
};

type Maker = new (...values: unknown[]) => vknn._Pooling;
const layers = vknn as unknown as Readonly<Record<string, Maker>>;

function make({ layer, args }: GoldenCase): vknn._Pooling {
  const { poolSize, ...options } = optionsOf(args);
  const Layer = layers[layer]!;
  return layer.startsWith("Global") ? new Layer(options) : new Layer(poolSize ?? 2, options);
}

/** The operator's attributes, from MXNet's arguments of the layer. */
function attributesOf({ layer, args, input }: GoldenCase): Record<string, unknown> {
  const axes = input.shape.length - 2;
  const list = (value: unknown, fill: number): number[] =>
    Array.isArray(value) ? value as number[] : new Array<number>(axes).fill(
      typeof value === "number" ? value : fill,
    );
  const kernel = list(args["pool_size"], 2);
  return {
    pool_type: layer.includes("Max") ? "max" : "avg",
    layout: args["layout"] ?? ["NCW", "NCHW", "NCDHW"][axes - 1],
    ...(layer.startsWith("Global") ? { global_pool: true } : {
      kernel,
      stride: args["strides"] === null || args["strides"] === undefined
        ? kernel
        : list(args["strides"], 1),
      pad: list(args["padding"], 0),
      pooling_convention: args["ceil_mode"] === true ? "full" : "valid",
      count_include_pad: args["count_include_pad"] !== false,
    }),
  };
}

for (const [name, count] of Object.entries(COUNTS)) {
  gpuTest(`${name} computes MXNet's outputs and gradients`, async () => {
    const cases = goldenCases(name);
    assertEquals(cases.length, count);
    for (const golden of cases) {
      const layer = make(golden);
      using x = tensor(goldenValues(golden.input), golden.input.shape);
      using y = layer.call(x);
      using head = tensor(goldenValues(golden.head), golden.head.shape);
      using gradient = poolingBackwardOperator.apply([head, x], attributesOf(golden));
      assertEquals(y.shape, golden.output.shape, golden.id);
      const expected = goldenValues(golden.output);
      const actual = await y.data() as Float32Array;
      // A maximum is one of the elements: the bits must be equal.
      const { rtol, atol } = name.includes("Max") ? { rtol: 0, atol: 0 } : golden;
      assertClose(actual, expected, { rtol, atol, label: golden.id });
      const derived = goldenValues(golden.grads["input"]!);
      assertClose(await gradient.data() as Float32Array, derived, {
        rtol: golden.rtol,
        atol: golden.atol,
        label: `gradient of ${golden.id}`,
      });
    }
  });
}

gpuTest(
  "max pooling treats NaN, infinities, ties and empty windows as MXNet, or as asked",
  async () => {
    const numbers = [NaN, 1, -Infinity, -Infinity, NaN, NaN, LOWEST, -Infinity, Infinity, 3, 2];
    using x = tensor(numbers, [1, 1, 11]);
    const run = async (options: vknn.MaxPoolOptions<"NCW", true>) => {
      const layer = new vknn.MaxPool1D(2, { ...options, returnIndices: true });
      const [maxima, indices] = layer.call(x);
      using _maxima = maxima;
      using _indices = indices;
      return [[...await maxima.data()], [...await indices.data()]];
    };
    assertEquals(await run({}), [[1, LOWEST, LOWEST, LOWEST, Infinity], [1, -1, -1, 6, 8]]);
    // The last window holds one element; with stride 3 and size 1 the last lies behind the input.
    assertEquals(await run({ ceilMode: true }), [
      [1, LOWEST, LOWEST, LOWEST, Infinity, 2],
      [1, -1, -1, 6, 8, 10],
    ]);
    assertEquals(await run({ nanPolicy: "propagate" }), [
      [NaN, -Infinity, NaN, LOWEST, Infinity],
      [0, 2, 4, 6, 8],
    ]);
    using y = new vknn.MaxPool1D(1, { strides: 6, ceilMode: true }).call(x);
    assertEquals([...await y.data()], [LOWEST, LOWEST, LOWEST]);
    using inside = new vknn.MaxPool1D(1, { strides: 6, ceilMode: "clip" }).call(x);
    assertEquals(inside.shape, [1, 1, 2]);
    // Also where the CPU kernel is chosen.
    using wide = tensor([NaN, -Infinity, 5, 5, -Infinity, NaN, NaN, LOWEST], [1, 1, 8]);
    using maxima = new vknn.MaxPool1D(2).call(wide);
    assertEquals([...await maxima.data()], [LOWEST, 5, LOWEST, LOWEST]);
    using places = vknn.maxPoolIndices(wide, 2);
    assertEquals([...await places.data()], [-1, 2, -1, 7]);
    using plane = new vknn.GlobalMaxPool1D({ nanPolicy: "propagate" }).call(wide);
    assertEquals([...await plane.data()], [NaN]);
  },
);

gpuTest("windows without a maximum send no gradient, and of ties the first gets it", async () => {
  using x = tensor([NaN, -Infinity, 5, 5, -Infinity, NaN, 1, 2], [1, 1, 8]);
  using head = tensor([1, 2, 4, 8, 16, 32, 64], [1, 1, 7]);
  const attributes = { kernel: [2], stride: [1], pool_type: "max" };
  using gradient = poolingBackwardOperator.apply([head, x], attributes);
  assertEquals([...await gradient.data()], [0, 0, 2 + 4, 8, 0, 0, 32, 64]);
  using nan = poolingBackwardOperator.apply([head, x], { ...attributes, nan_policy: "propagate" });
  assertEquals([...await nan.data()], [1, 0, 2 + 4, 8, 0, 16 + 32, 0, 64]);
});

gpuTest('padding "same" makes ceil(in / stride) windows, the odd element behind', async () => {
  for (const [size, kernel, stride] of [[5, 2, 1], [5, 3, 2], [6, 3, 2], [7, 4, 3], [5, 1, 3]]) {
    const numbers = new Random(size!).distinct(size!);
    using x = tensor(numbers, [1, 1, size!]);
    const options = { strides: stride!, padding: "same" } as const;
    using y = new vknn.MaxPool1D(kernel!, options).call(x);
    const total = Math.max((Math.ceil(size! / stride!) - 1) * stride! + kernel! - size!, 0);
    const expected = oracle.pooling({ data: numbers, shape: [1, 1, size!] }, {
      type: "max",
      kernel: [kernel!],
      stride: [stride!],
      padding: [Math.floor(total / 2)],
      paddingAfter: [Math.ceil(total / 2)],
    });
    assertEquals(y.shape, [1, 1, Math.ceil(size! / stride!)]);
    assertEquals([...await y.data()], [...Array.from(expected.data)]);
  }
  const net = new vknn.AvgPool2D([2, 3], { strides: 1, padding: "same", layout: "NHWC" });
  using image = vknn.ones([1, 4, 5, 2]);
  using y = net.call(image);
  assertEquals(y.shape, [1, 4, 5, 2]);
});

gpuTest("padding may differ on each side of each axis", async () => {
  const numbers = new Random(4).distinct(2 * 5 * 6);
  const x: Reference = { data: numbers, shape: [1, 2, 5, 6] };
  const attributes = { kernel: [3, 2], stride: [2, 1], padding: [2, 0], paddingAfter: [0, 1] };
  using input = tensor(numbers, x.shape);
  const padding = [[2, 0], [0, 1]] as const;
  using maxima = new vknn.MaxPool2D([3, 2], { strides: [2, 1], padding }).call(input);
  assertEquals(
    [...await maxima.data()],
    [...Array.from(oracle.pooling(x, { type: "max", ...attributes }).data)],
  );
  using means = new vknn.AvgPool2D([3, 2], { strides: [2, 1], padding }).call(input);
  assertClose(await means.data(), oracle.pooling(x, { type: "avg", ...attributes }).data);
});

gpuTest("adaptive layers make the windows asked for, null keeping a size", async () => {
  const numbers = new Random(5).distinct(2 * 3 * 7 * 5);
  const x: Reference = { data: numbers, shape: [2, 3, 7, 5] };
  using input = tensor(numbers, x.shape);
  for (const outputSize of [[3, 2], [7, 5], [9, 4], [1, 1], [null, 3]] as const) {
    const adaptive = outputSize.map((count, axis) => count ?? x.shape[axis + 2]!);
    const layer = new vknn.AdaptiveMaxPool2D(outputSize, { returnIndices: true });
    const [maxima, indices] = layer.call(input);
    using _maxima = maxima;
    using _indices = indices;
    const attributes = { type: "max", adaptive } as const;
    assertEquals(maxima.shape, [2, 3, ...adaptive]);
    assertEquals([...await maxima.data()], [...Array.from(oracle.pooling(x, attributes).data)]);
    const places = oracle.poolingPlaces(x, attributes);
    assertEquals([...await indices.data()], [...Array.from(places.data)]);
    using means = new vknn.AdaptiveAvgPool2D(outputSize).call(input);
    assertClose(await means.data(), oracle.pooling(x, { type: "avg", adaptive }).data);
    const head = new Random(6).float32(maxima.size);
    using gradient = scope(() =>
      adaptivePoolingBackwardOperator.apply([tensor(head, maxima.shape), input], {
        output_size: adaptive,
        pool_type: "avg",
      })
    );
    const expected = oracle.poolingGradient(x, { data: head, shape: maxima.shape }, {
      type: "avg",
      adaptive,
    });
    assertClose(await gradient.data(), expected.data, { rtol: 1e-5, atol: 1e-6 });
  }
});

gpuTest("unpooling layers undo pooling where windows do not overlap", async () => {
  const makers = [
    [new vknn.MaxPool1D(2, { returnIndices: true }), new vknn.MaxUnpool1D(2), [2, 3, 8]],
    [new vknn.MaxPool2D(2, { returnIndices: true }), new vknn.MaxUnpool2D(2), [2, 3, 4, 6]],
    [new vknn.MaxPool3D(2, { returnIndices: true }), new vknn.MaxUnpool3D(2), [1, 3, 4, 2, 4]],
  ] as const;
  for (const [pool, unpool, shape] of makers) {
    const count = shape.reduce((product: number, size) => product * size, 1);
    using x = tensor(new Random(7).distinct(count), [...shape]);
    const [maxima, indices] = pool.call(x);
    using _maxima = maxima;
    using _indices = indices;
    using y = unpool.call(maxima, indices);
    assertEquals(y.shape, shape);
    const [again, places] = pool.call(y);
    again.dispose();
    places.dispose();
    const [before, after] = [await x.data(), await y.data()];
    const kept = after.filter((value, at) => value !== 0 && value === before[at]);
    assert(kept.length >= maxima.size - 1); // a maximum may be 0
    using gradient = scope(() =>
      maxUnpoolBackwardOperator.apply([vknn.ones(shape), indices], { output_size: shape.slice(2) })
    );
    assertEquals(new Set(await gradient.data()), new Set([1]));
  }
  using x = tensor([7, 9], [1, 1, 1, 2]);
  using indices = tensor([0, 7], [1, 1, 1, 2], { dtype: "int32" });
  using y = new vknn.MaxUnpool2D(2).call(x, indices, [3, 5]);
  assertEquals(y.shape, [1, 1, 3, 5]);
  assertEquals([...await y.data()].flatMap((value, at) => value === 0 ? [] : [at]), [0, 7]);
  const error = assertThrows(
    () => new vknn.MaxUnpool2D(2).call(x, indices, [4, 5]),
    vknn.ShapeError,
  );
  assert(error.message.includes("outputSize is 4 on spatial axis 0, expected 1 to 3"));
});

gpuTest("an empty batch gives an empty result", () => {
  using x = vknn.zeros([0, 3, 8, 8]);
  using y = new vknn.MaxPool2D(2).call(x);
  assertEquals(y.shape, [0, 3, 4, 4]);
  using mean = new vknn.GlobalAvgPool2D().call(x);
  assertEquals(mean.shape, [0, 3, 1, 1]);
  using head = vknn.zeros([0, 3, 4, 4]);
  using gradient = poolingBackwardOperator.apply([head, x], { kernel: [2, 2], stride: [2, 2] });
  assertEquals(gradient.shape, [0, 3, 8, 8]);
});

gpuTest("dot(pool(x), y) is dot(x, gradient(y)) at larger shapes", async () => {
  const random = new Random(8);
  const shapes = [
    { input: [2, 16, 56, 56], attributes: { kernel: [3, 3], stride: [2, 2], pad: [1, 1] } },
    { input: [1, 8, 8, 28, 28], attributes: { kernel: [2, 2, 2], stride: [2, 2, 2] } },
    { input: [4, 64, 27, 27], attributes: { global_pool: true } },
  ];
  for (const { input, attributes } of shapes) {
    const values = { pool_type: "avg", ...attributes };
    const count = input.reduce((product, size) => product * size, 1);
    const data = random.float32(count);
    using x = tensor(data, input);
    using y = poolingOperator.apply([x], values);
    const heads = random.float32(y.size);
    using head = tensor(heads, y.shape);
    using gradient = poolingBackwardOperator.apply([head, x], values);
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
      Array.from(a).reduce((sum, value, at) => sum + value * b[at]!, 0);
    const [left, right] = [dot(await y.data(), heads), dot(data, await gradient.data())];
    assertClose([left], [right], { rtol: 1e-4, atol: 1e-6 });
  }
});

gpuTest("float16 pools as float32 does, and keeps its dtype", async () => {
  const numbers = new Random(9).distinct(3 * 8 * 12);
  using x = tensor(numbers, [1, 3, 8, 12]);
  using half = x.cast("float16");
  for (const layer of [new vknn.MaxPool2D(3, { padding: 1 }), new vknn.AvgPool2D(3)]) {
    using wide = layer.call(x);
    using y = layer.call(half);
    assertEquals(y.dtype, "float16");
    assertClose(await y.data(), await wide.data(), { rtol: 2e-3, atol: 2e-3 });
  }
});

gpuTest("layers in a container pool, and their options hold for any input", async () => {
  const net = new vknn.HybridSequential().add(
    new vknn.MaxPool2D(3, { strides: 2, padding: 1 }),
    new vknn.GlobalAvgPool2D(),
  );
  const reference = build([2, 4, 9, 7], (index) => Math.sin(index[0]! + index[2]! * 3 + index[3]!));
  using x = tensor(Float32Array.from(reference.data), reference.shape);
  using y = net.call(x);
  const maxima = oracle.pooling(reference, {
    type: "max",
    kernel: [3, 3],
    stride: [2, 2],
    padding: [1, 1],
  });
  assertClose(await y.data(), oracle.pooling(maxima, { type: "avg" }).data);
});
