/** Dense on the device: values, gradients, deferred shapes, hooks. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  autograd,
  Conv2D,
  Dense,
  fullyConnected,
  HybridSequential,
  seed,
  ShapeError,
  tensor,
} from "../../mod.ts";
import { matmul as oracle, transposed } from "../reference/matmul.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

gpuTest("Dense joins axes and adds the bias", async () => {
  using dense = new Dense(5, { biasInitializer: "ones" });
  seed(3);
  dense.initialize("xavier");
  const values = new Random(1).float32(2 * 3 * 4);
  using x = tensor(values, [2, 3, 4]);
  using y = dense.call(x);
  assertEquals([y.shape, dense.weight.shape], [[2, 5], [5, 12]]);
  const weight = { data: await dense.weight.data().data(), shape: [5, 12] };
  const product = oracle({ data: values, shape: [2, 12] }, transposed(weight));
  assertClose(await y.data(), Float64Array.from(product.data, (each) => each + 1), { rtol: 1e-6 });
});

gpuTest("Dense without flatten multiplies the last axis", async () => {
  using dense = new Dense(2, { flatten: false, weightInitializer: "ones", activation: "relu" });
  dense.initialize();
  using x = tensor([[[1, 2], [-3, -4], [5, 6]]]);
  using y = dense.call(x);
  assertEquals(y.shape, [1, 3, 2]);
  assertEquals([...await y.data()], [3, 3, 0, 0, 11, 11]);
  using line = tensor([1, 1]);
  using one = dense.call(line);
  assertEquals([one.shape, ...await one.data()], [[2], 2, 2]);
});

gpuTest("gradients of Dense are those of the matrix product", async () => {
  using dense = new Dense(3, { activation: "tanh", inUnits: 6 });
  dense.initialize("xavier");
  const random = new Random(5);
  const [values, slopes] = [random.float32(24), random.float32(12)];
  using x = tensor(values, [4, 2, 3]);
  using head = tensor(slopes, [4, 3]);
  x.attachGrad();
  using y = autograd.record(() => dense.call(x));
  y.backward(head);
  const out = await y.data();
  const w = { data: await dense.weight.data().data(), shape: [3, 6] };
  const inner = Float64Array.from(slopes, (slope, at) => slope * (1 - out[at]! ** 2));
  const g = { data: inner, shape: [4, 3] };
  const rows = { data: values, shape: [4, 6] };
  const close = { rtol: 1e-5, atol: 1e-6 };
  assertClose(await x.grad!.data(), oracle(g, w).data, close);
  assertClose(await dense.weight.grad().data(), oracle(transposed(g), rows).data, close);
  const sums = [0, 1, 2].map((unit) =>
    [0, 3, 6, 9].reduce((sum, at) => sum + inner[at + unit]!, 0)
  );
  assertClose(await dense.bias!.grad().data(), sums, close);
});

gpuTest("Dense computes in float16", async () => {
  using dense = new Dense(1, { dtype: "float16", weightInitializer: "ones" });
  dense.initialize();
  using x = tensor([[0.5, 2]], undefined, { dtype: "float16" });
  using y = dense.call(x);
  assertEquals([y.dtype, ...await y.data()], ["float16", 2.5]);
});

gpuTest("hooks of the activation of Dense are called", () => {
  using dense = new Dense(2, { activation: "sigmoid" });
  dense.initialize();
  const seen: string[] = [];
  dense.act!.registerForwardHook((block) => void seen.push(`${block}`));
  using x = tensor([[1, 2, 3]]);
  dense.call(x).dispose();
  assertEquals(seen, ["Activation(sigmoid)"]);
});

gpuTest("Dense refuses rows of another length, and stays usable", async () => {
  using dense = new Dense(2, { weightInitializer: "ones" });
  dense.initialize();
  using empty = tensor([], [2, 0]);
  assertThrows(() => dense.call(empty), ShapeError, "rows of 0 numbers");
  using scalar = tensor(1);
  assertThrows(() => dense.call(scalar), ShapeError, "scalar");
  using x = tensor([[1, 2]]);
  using y = dense.call(x);
  assertEquals([...await y.data()], [3, 3]);
  using wide = tensor([[1, 2, 3]]);
  const error = assertThrows(() => dense.call(wide), ShapeError);
  assert(error.message.includes("rows of 3 numbers") && error.message.includes("expects 2"));
  using flat = tensor([1, 2]);
  assertThrows(() => fullyConnected(x, flat), ShapeError, "expected 2 axes");
});

gpuTest("Dense follows a convolution in a network", () => {
  using net = new HybridSequential().add(new Conv2D(4, 3), new Dense(10));
  net.initialize();
  using x = tensor(new Float32Array(2 * 36), [2, 1, 6, 6]);
  using y = net.call(x);
  assertEquals([y.shape, (net.at(1) as Dense).weight.shape], [[2, 10], [10, 64]]);
});
