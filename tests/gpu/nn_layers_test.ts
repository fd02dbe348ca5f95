/** Layers on the device: first calls, memory, layouts, containers, conversions. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  Activation,
  add,
  type Block,
  Concatenate,
  Conv1D,
  Conv2D,
  Conv3D,
  convolution,
  defaultDevice,
  Flatten,
  HybridBlock,
  HybridConcatenate,
  HybridLambda,
  HybridSequential,
  Identity,
  mul,
  PixelShuffle1D,
  PixelShuffle2D,
  scope,
  seed,
  Sequential,
  ShapeError,
  type Tensor,
  tensor,
  transpose,
  UpSampling,
} from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

function image(shape: readonly number[], first: number = 1): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(new Random(first).float32(count), shape);
}

async function numbers(x: Tensor): Promise<number[]> {
  return [...await x.data()];
}

gpuTest("the first call infers shapes and makes the values put off", async () => {
  using conv = new Conv2D(4, 3, { padding: 1, groups: 2, weightInitializer: "ones" });
  conv.initialize();
  assert(conv.weight.deferred && conv.bias!.initialized);
  using x = image([1, 6, 3, 3]);
  using y = conv.call(x);
  assertEquals(conv.weight.shape, [4, 3, 3, 3]);
  assert(!conv.weight.deferred && conv.weight.data().device === x.device);
  using expected = convolution(x, conv.weight.data(), conv.bias!.data(), { padding: 1, groups: 2 });
  assertEquals(await numbers(y), await numbers(expected));
  using other = image([1, 4, 3, 3]);
  const error = assertThrows(() => conv.call(other), ShapeError);
  assert(error.message.includes("Conv2D") && error.message.includes("expects 6"), error.message);
});

gpuTest("inChannels makes the values at once", () => {
  using conv = new Conv3D(2, 1, { inChannels: 3 });
  conv.initialize("xavier");
  assertEquals(conv.weight.data().shape, [2, 3, 1, 1, 1]);
});

gpuTest("a failed first call leaves the layer as it was", async () => {
  using conv = new Conv1D(2, 3, { groups: 2 });
  conv.initialize("ones");
  using flat = image([4, 4]);
  assertThrows(() => conv.call(flat), ShapeError, "rank 2");
  using odd = image([1, 3, 4]);
  assertThrows(() => conv.call(odd), ShapeError, "groups (2)");
  using empty = tensor([], [1, 0, 4]);
  assertThrows(() => conv.call(empty), ShapeError, "no channels");
  assertEquals(conv.weight.shape, [2, -1, 3]);
  using x = tensor([[[1, 2, 3], [4, 5, 6]]]);
  using y = conv.call(x);
  assertEquals(await numbers(y), [6, 15]);
});

gpuTest("empty batches pass through", () => {
  using conv = new Conv2D(2, 3, { activation: "relu" });
  conv.initialize();
  using x = tensor([], [0, 3, 5, 5]);
  using y = conv.call(x);
  assertEquals(y.shape, [0, 2, 3, 3]);
});

gpuTest("a call frees everything but its output", async () => {
  const device = defaultDevice();
  using net = new HybridSequential().add(
    new Conv2D(8, 3, { padding: 1, activation: "relu" }),
    new Conv2D(8, 3, { padding: 1, activation: "mish" }),
    new PixelShuffle2D(2),
    new Conv2D(3, 1),
  );
  net.initialize();
  using x = image([2, 3, 6, 5]);
  net.call(x).dispose(); // makes the parameters
  const before = device.memory().liveBuffers;
  const y = net.call(x);
  assertEquals(device.memory().liveBuffers, before + 1);
  await y.data();
  y.dispose();
  assertEquals(device.memory().liveBuffers, before);
  using flat = tensor([1]);
  assertThrows(() => net.call(flat), ShapeError);
});

gpuTest("parameters made by a call inside a scope outlive it", async () => {
  using conv = new Conv1D(1, 1, { weightInitializer: "ones" });
  conv.initialize();
  const y = scope(() => conv.call(tensor([[[1, 2, 3]]])));
  assertEquals(await numbers(y), [1, 2, 3]);
  y.dispose();
  assertEquals(await numbers(conv.weight.data()), [1]);
});

class TwoInputs extends HybridBlock {
  readonly left = new Conv1D(1, 1, { weightInitializer: "ones" });
  readonly right = new Conv1D(1, 1, { weightInitializer: '["constant", {"value": 2}]' });

  override forward(a: Tensor, rest: readonly [Tensor]): { sum: Tensor; parts: Tensor[] } {
    const parts = [this.left.call(a), this.right.call(rest[0])];
    mul(a, 3); // thrown away
    return { sum: add(parts[0]!, parts[1]!), parts };
  }
}

gpuTest("blocks take several inputs and return nested outputs", async () => {
  using block = new TwoInputs();
  block.initialize();
  using a = tensor([[[1, 2]]]);
  using b = tensor([[[10, 20]]]);
  const { sum, parts } = block.call(a, [b]);
  assertEquals(await numbers(sum), [21, 42]);
  assertEquals(await numbers(parts[1]!), [20, 40]);
  for (const made of [sum, ...parts]) made.dispose();
});

gpuTest("hybridize() changes no bit", async () => {
  using net = new HybridSequential().add(
    new Conv2D(6, 3, { strides: 2, activation: "tanh" }),
    new HybridLambda((x: Tensor) => mul(x, 0.5)),
    new Conv2D(2, 2, { dilation: 2 }),
  );
  net.initialize("xavier");
  using x = image([1, 3, 12, 12]);
  using eager = net.call(x);
  net.hybridize(true, { staticAlloc: true, staticShape: true });
  using active = net.call(x);
  assertEquals(await numbers(active), await numbers(eager));
  net.hybridize(false);
  using again = net.call(x);
  assertEquals(await numbers(again), await numbers(eager));
});

gpuTest("hooks of blocks inside see every call", async () => {
  using net = new Sequential().add(new Conv1D(1, 1), new Activation("relu"));
  net.initialize("ones");
  const shapes: string[] = [];
  net.apply((block) =>
    block.registerForwardHook((self, _, output) => {
      shapes.push(`${self.constructor.name} ${(output as Tensor).shape}`);
    })
  );
  using x = tensor([[[-1, 2]]]);
  using y = net.call(x);
  assertEquals(await numbers(y), [0, 2]);
  assertEquals(shapes, ["Conv1D 1,1,2", "Activation 1,1,2", "Sequential 1,1,2"]);
});

gpuTest("channel-last layouts are permutations of data and weight", async () => {
  const options = { strides: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2 } as const;
  using first = new Conv2D(4, [3, 2], { ...options, activation: "softsign" });
  using last = new Conv2D(4, [3, 2], { ...options, activation: "softsign", layout: "NHWC" });
  first.initialize();
  using x = image([2, 6, 7, 5]);
  using y = first.call(x);
  const toLast = [0, 2, 3, 1];
  using weight = transpose(first.weight.data(), toLast);
  last.loadDict({ weight, bias: first.bias!.data() });
  using moved = transpose(x, toLast);
  using result = last.call(moved);
  using expected = transpose(y, toLast);
  assertEquals(result.shape, expected.shape);
  assertClose(await numbers(result), await numbers(expected), { rtol: 1e-5, atol: 1e-6 });
});

gpuTest("equal seeds give equal parameters, other seeds other ones", async () => {
  const made: number[][] = [];
  for (const value of [7, 7, 8]) {
    seed(value);
    using conv = new Conv2D(4, 3, { inChannels: 2 });
    conv.initialize("xavier");
    made.push(await numbers(conv.weight.data()));
  }
  seed(0);
  assertEquals(made[1], made[0]);
  assertNotEquals(made[2], made[0]);
  // These very bits on every runtime and device.
  const bits = new Int32Array(Float32Array.from(made[0]!).buffer);
  assertEquals(bits.reduce((sum, word) => (Math.imul(sum, 31) + word) | 0, 0), -661459557);
});

gpuTest("PixelShuffle layers give the tables of the specification", async () => {
  using x = tensor(Float32Array.from({ length: 12 }, (_, i) => i), [1, 4, 3]);
  using y = new PixelShuffle1D(2).call(x);
  assertEquals(await y.toList(), [[[0, 3, 1, 4, 2, 5], [6, 9, 7, 10, 8, 11]]]);
  using planes = tensor(Float32Array.from({ length: 72 }, (_, i) => i), [1, 12, 2, 3]);
  using pixels = new PixelShuffle2D([2, 3]).call(planes);
  assertEquals(pixels.shape, [1, 2, 4, 9]);
  assertEquals((await numbers(pixels)).slice(0, 18), [
    ...[0, 6, 12, 1, 7, 13, 2, 8, 14],
    ...[18, 24, 30, 19, 25, 31, 20, 26, 32],
  ]);
  using whole = tensor(new Int32Array([1, 2, 3, 4]), [1, 4, 1, 1]);
  using moved = new PixelShuffle2D(2).call(whole);
  assertEquals([moved.dtype, await numbers(moved)], ["int32", [1, 2, 3, 4]]);
});

gpuTest("UpSampling repeats elements in any layout", async () => {
  using x = tensor([1, 2, 3, 4], [1, 1, 2, 2]);
  using y = new UpSampling([1, 2]).call(x);
  assertEquals(await y.toList(), [[[[1, 1, 2, 2], [3, 3, 4, 4]]]]);
  using last = tensor([1, 2, 3, 4], [1, 2, 2]);
  using z = new UpSampling(2, { layout: "NWC" }).call(last);
  assertEquals(await z.toList(), [[[1, 2], [1, 2], [3, 4], [3, 4]]]);
  assertThrows(() => new UpSampling(2, { layout: "NCHW" }).call(last), ShapeError, "rank 3");
  assertThrows(() => new UpSampling([2, 2, 2]).call(last), ShapeError);
});

gpuTest("Concatenate, Flatten and Activation", async () => {
  using x = tensor([[[-1, 2], [3, -4]]]);
  for (const Container of [Concatenate, HybridConcatenate]) {
    const both = new Container({ axis: 1 }).add(new Identity(), new Activation("relu"));
    using y = both.call(x);
    assertEquals(await y.toList(), [[[-1, 2], [3, -4], [0, 2], [3, 0]]]);
  }
  using flat = new Flatten().call(x);
  assertEquals(flat.shape, [1, 4]);
  using tanh = new Activation("tanh").call(x);
  const expected = [-1, 2, 3, -4].map((value) => Math.tanh(value));
  assertClose(await numbers(tanh), expected, { rtol: 1e-5, atol: 1e-6 });
});

gpuTest("parameters convert dtypes on the device", async () => {
  using conv = new Conv1D(1, 2, { inChannels: 1, useBias: false });
  conv.initialize('["constant", {"value": [0.1, -3]}]');
  const { weight } = conv;
  weight.cast("float16");
  assertEquals([weight.dtype, weight.data().dtype], ["float16", "float16"]);
  using x = tensor([[[1, 2, 3]]]);
  assertThrows(() => conv.call(x), TypeError, "weight");
  weight.cast("float32");
  assertEquals(await numbers(weight.data()), [0.0999755859375, -3]);
  using half = tensor(new Float16Array([1, 2]), [1, 1, 2]);
  weight.setData(half); // converted
  assertEquals([weight.dtype, await numbers(weight.data())], ["float32", [1, 2]]);
  assertThrows(() => conv.loadDict({ weight: half }), TypeError, "castDtype");
  conv.loadDict({ weight: half }, { castDtype: true });
  assertEquals(weight.dtype, "float32");
  conv.loadDict({ weight: half }, { castDtype: true, dtypeSource: "saved" });
  assertEquals([weight.dtype, await numbers(weight.data())], ["float16", [1, 2]]);
});

gpuTest("new values show in the next call: nothing stale is kept", async () => {
  using conv = new Conv2D(8, 3, { inChannels: 8, padding: 1, useBias: false });
  conv.initialize("ones");
  using x = tensor(new Float32Array(8 * 5 * 5).fill(1), [1, 8, 5, 5]);
  using ones = conv.call(x);
  assertEquals((await numbers(ones))[12], 72);
  conv.weight.setData({ data: new Float32Array(576).fill(2), shape: [8, 8, 3, 3] });
  using twos = conv.call(x);
  assertEquals((await numbers(twos))[12], 144);
  conv.initialize("zeros", { forceReinit: true });
  using zeros = conv.call(x);
  assertEquals((await numbers(zeros))[12], 0);
});

gpuTest("shared parameters are one object, also in memory", async () => {
  using one = new Conv1D(2, 1, { inChannels: 1 });
  const two = new Conv1D(2, 1).shareParameters(one.collectParams());
  one.initialize("ones");
  const net: Block = new Sequential().add(two);
  using x = tensor([[[5]]]);
  using y = net.call(x) as Tensor;
  assertEquals(await numbers(y), [5, 5]);
  one.weight.setData({ data: new Float32Array([1, 3]), shape: [2, 1, 1] });
  using z = net.call(x) as Tensor;
  assertEquals(await numbers(z), [5, 15]);
});
