/** What backward passes do with gradients: kinds of accumulation, parameters, scopes, repetition, memory. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  activation,
  autograd,
  AutogradError,
  type Block,
  Conv2D,
  exp,
  Flatten,
  HybridSequential,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  mul,
  oneHot,
  Parameter,
  pick,
  power,
  relu,
  scope,
  seed,
  softmax,
  StateError,
  sum,
  type Tensor,
  tensor,
} from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

const values = async (x: Tensor | null): Promise<number[]> => Array.from(await x!.data());

gpuTest("write replaces, add adds, null computes nothing", async () => {
  using write = tensor([1, 2]).attachGrad();
  using added = tensor([1, 2]).attachGrad("add");
  using none = tensor([1, 2]).attachGrad("null");
  for (let pass = 1; pass <= 3; pass++) {
    using y = autograd.record(() => mul(mul(write, added), mul(none, write)));
    y.backward();
    assertEquals(await values(write.grad), [2, 16]); // 2 w a n
    assertEquals(await values(added.grad), [pass, 8 * pass]); // w^2 n
    assertEquals(none.grad, null);
  }
  // Contributions inside of one pass are summed, with write as well.
  using y = autograd.record(() => write.add(write).add(write));
  y.backward();
  assertEquals(await values(write.grad), [3, 3]);
});

gpuTest("the gradient stays the same tensor once somebody has seen it", async () => {
  using x = tensor([3]).attachGrad();
  const seen = x.grad!;
  assertEquals(await values(seen), [0]);
  using y = autograd.record(() => mul(x, x));
  y.backward(null, { retainGraph: true });
  assertStrictEquals(x.grad, seen);
  assertEquals(await values(seen), [6]);
  y.backward();
  assertEquals(await values(seen), [6]);
});

gpuTest("head gradients weigh the elements; several heads add up", async () => {
  using x = tensor([1, 2, 3]).attachGrad();
  using weights = tensor([1, 10, 100]);
  using y = autograd.record(() => mul(x, x));
  y.backward(weights);
  assertEquals(await values(x.grad), [2, 40, 600]);
  const heads = autograd.record(() => [mul(x, 2), mul(x, x), mul(x, 5)]);
  autograd.backward(heads, [null, weights, null]);
  assertEquals(await values(x.grad), [9, 47, 607]);
  for (const each of heads) each.dispose();
  x.backward(weights); // a leaf is a head too
  assertEquals(await values(x.grad), [1, 10, 100]);
});

gpuTest("higher derivatives of x^5 by createGraph", async () => {
  using x = tensor([2, -1]).attachGrad();
  const orders = autograd.record(() => {
    const found: Tensor[] = [];
    let y = power(x, 5);
    for (let order = 0; order < 4; order++) {
      y = autograd.grad(y, x, { createGraph: true });
      found.push(y);
    }
    return found;
  });
  const expected = [[80, 5], [160, -20], [240, 60], [240, -120]];
  for (const [order, each] of orders.entries()) {
    assertClose(await each.data(), expected[order]!, { label: `derivative ${order + 1}` });
    each.dispose();
  }
});

gpuTest("the gradient of a product of gradients reaches both factors", async () => {
  using a = tensor([2]).attachGrad();
  using b = tensor([3]).attachGrad();
  // f = a^2 b, |grad f|^2 = 4 a^2 b^2 + a^4
  using penalty = autograd.record(() => {
    const [da, db] = autograd.grad(mul(mul(a, a), b), [a, b], { createGraph: true });
    return mul(da!, da!).add(mul(db!, db!));
  });
  penalty.backward();
  assertEquals(await values(a.grad), [8 * 2 * 9 + 4 * 8]);
  assertEquals(await values(b.grad), [8 * 4 * 3]);
});

gpuTest("activations: slopes at 0, at infinity and at NaN", async () => {
  const at = [NaN, 0, -0, Infinity, -Infinity];
  const slopes = {
    relu: [NaN, 0, 0, 1, 0],
    sigmoid: [NaN, 0.25, 0.25, 0, 0],
    tanh: [NaN, 1, 1, 0, 0],
    softrelu: [NaN, 0.5, 0.5, 1, 0],
    softsign: [NaN, 1, 1, 0, 0],
    log_sigmoid: [NaN, 0.5, 0.5, 0, 1],
  } as const;
  for (const [name, expected] of Object.entries(slopes)) {
    using x = tensor(at).attachGrad();
    using y = autograd.record(() => activation(x, name as keyof typeof slopes));
    y.backward();
    assertClose(await x.grad!.data(), expected, { label: name });
  }
});

gpuTest("cast passes gradients back in the input's dtype", async () => {
  using x = tensor(new Float16Array([1, 2])).attachGrad();
  using y = autograd.record(() => x.cast("float32").mul(0.1));
  y.backward();
  assertEquals(x.grad!.dtype, "float16");
  assertEquals(await values(x.grad), [...new Float16Array([0.1, 0.1])]);
  using z = tensor([1, 2]).attachGrad();
  using half = autograd.record(() => z.cast("float16"));
  half.backward();
  assertEquals(z.grad!.dtype, "float32");
  assertEquals(await values(z.grad), [1, 1]);
});

gpuTest("ties: every maximum gets the gradient, of two equal operands the first", async () => {
  using x = tensor([[1, 3, 3], [2, 2, 2]]).attachGrad();
  using y = autograd.record(() => max(x, { axis: 1 }));
  y.backward();
  assertEquals(await values(x.grad), [0, 1, 1, 1, 1, 1]);
  using a = tensor([1, 2, 3]).attachGrad();
  using b = tensor([3, 2, 1]).attachGrad();
  using c = autograd.record(() => maximum(a, b));
  c.backward();
  assertEquals([await values(a.grad), await values(b.grad)], [[0, 1, 1], [1, 0, 0]]);
});

gpuTest("cross-entropy by pick and by one-hot lines give the same gradient", async () => {
  const random = new Random(5);
  using scores = tensor(random.float32(40, -4, 4), [8, 5]).attachGrad();
  using labels = tensor(Int32Array.from({ length: 8 }, () => random.integer(0, 4)));
  using sparse = autograd.record(() => mean(pick(logSoftmax(scores), labels)).mul(-1));
  sparse.backward();
  const first = await values(scores.grad);
  using dense = autograd.record(() =>
    mean(sum(logSoftmax(scores).mul(oneHot(labels, 5)), { axis: 1 })).mul(-1)
  );
  dense.backward();
  assertClose(await scores.grad!.data(), first, { rtol: 1e-6, atol: 1e-7 });
  using expected = scope(() => softmax(scores).sub(oneHot(labels, 5)).div(8));
  assertClose(first, await expected.data(), { rtol: 1e-5, atol: 1e-7 });
});

gpuTest("reductions are adjoint to repeating at full size", async () => {
  const random = new Random(9);
  for (
    const [shape, axis] of [[[300, 40, 70], [0, 2]], [[70_000, 11], [0]], [[3, 250_001], [
      1,
    ]]] as const
  ) {
    using x = tensor(random.float32(shape.reduce((a, b) => a * b, 1)), shape).attachGrad();
    using y = autograd.record(() => sum(x, { axis }));
    using head = tensor(random.float32(y.size), y.shape);
    using left = scope(() => sum(mul(y, head)));
    y.backward(head);
    using right = scope(() => sum(mul(x, x.grad!)));
    const [a, b] = [await left.item(), await right.item()];
    assert(Math.abs(a - b) <= 1e-4 * (1 + Math.abs(a)), `${shape}: ${a} and ${b}`);
  }
});

function network(): HybridSequential {
  const net = new HybridSequential().add(
    new Conv2D(4, 3, { padding: 1, activation: "relu" }),
    new Conv2D(3, 3, { strides: 2, activation: "mish" }),
    new Flatten(),
  );
  seed(7);
  net.initialize();
  return net;
}

function loss(net: Block, x: Tensor, target: Tensor): Tensor {
  return autograd.record(() => {
    const difference = (net as HybridSequential).call(x).sub(target);
    return mean(mul(difference, difference));
  });
}

gpuTest("parameters of layers get gradients, also those made in the first call", async () => {
  using net = network();
  const random = new Random(3);
  using x = tensor(random.float32(2 * 3 * 9 * 9), [2, 3, 9, 9]);
  using target = tensor(random.float32(2 * 48), [2, 48]);
  const parameters = [...net.collectParams().values()];
  let last = Infinity;
  for (let step = 0; step < 8; step++) {
    using value = loss(net, x, target);
    value.backward();
    const now = await value.item();
    assert(now < last, `step ${step}: ${now} after ${last}`);
    last = now;
    for (const parameter of parameters) {
      assertEquals(parameter.grad().shape, parameter.shape);
      scope(() => parameter.setData(parameter.data().sub(parameter.grad().mul(0.05))));
    }
  }
  net.zeroGrad();
  for (const parameter of parameters) {
    assert((await values(parameter.grad())).every((each) => each === 0));
    assertEquals(parameter.listGrad().length, 1);
  }
});

gpuTest("gradReq of a parameter: add accumulates, null refuses, cast converts", async () => {
  using parameter = new Parameter("weight", { shape: [2], init: "ones" });
  assertThrows(() => parameter.grad(), StateError);
  parameter.initialize();
  assertEquals(await values(parameter.grad()), [0, 0]);
  parameter.gradReq = "add";
  for (let pass = 0; pass < 2; pass++) {
    using y = autograd.record(() => mul(parameter.data(), 3));
    y.backward();
  }
  assertEquals(await values(parameter.grad()), [6, 6]);
  parameter.cast("float16");
  assertEquals([parameter.grad().dtype, ...await values(parameter.grad())], ["float16", 6, 6]);
  parameter.zeroGrad();
  assertEquals(await values(parameter.grad()), [0, 0]);
  parameter.gradReq = "null";
  assertThrows(() => parameter.grad(), StateError, 'gradReq "write" or "add"');
  using y = autograd.record(() => mul(parameter.data(), 3));
  assertThrows(() => y.backward(), AutogradError, "not recorded");
  parameter.gradReq = "write";
  assertEquals(await values(parameter.grad()), [0, 0]);
});

gpuTest("twenty repetitions give the same bits", async () => {
  using net = network();
  const random = new Random(4);
  using x = tensor(random.float32(3 * 3 * 11 * 11), [3, 3, 11, 11]).attachGrad();
  using target = tensor(random.float32(3 * 75), [3, 75]);
  let first: string | undefined;
  for (let pass = 0; pass < 20; pass++) {
    using value = loss(net, x, target);
    value.backward();
    const gradients = [x.grad!, ...[...net.collectParams().values()].map((each) => each.grad())];
    const bits = (await Promise.all(gradients.map(values))).join(";");
    first ??= bits;
    assertEquals(bits, first);
  }
});

gpuTest("two hundred training steps keep memory constant", (device) => {
  using net = network();
  const random = new Random(4);
  using x = tensor(random.float32(3 * 5 * 5), [1, 3, 5, 5]);
  using target = tensor(random.float32(12), [1, 12]);
  let before = 0;
  for (let step = 0; step < 200; step++) {
    using value = loss(net, x, target);
    value.backward();
    for (const parameter of net.collectParams().values()) {
      scope(() => parameter.setData(parameter.data().sub(parameter.grad().mul(0.01))));
    }
    if (step === 5) before = device.memory().liveBytes;
    if (step > 5) assertEquals(device.memory().liveBytes, before);
  }
});

gpuTest("errors inside of record and of backward free everything", (device) => {
  using x = tensor([[1, 2]]).attachGrad();
  const before = device.memory().liveBuffers;
  assertThrows(() => autograd.record(() => matmul(exp(x), exp(x))), RangeError);
  assertEquals(device.memory().liveBuffers, before);
  assert(!autograd.isRecording());
  using y = autograd.record(() => relu(exp(x)));
  using flat = x.reshape([2]);
  assertThrows(() => y.backward(flat), RangeError);
  y.backward();
});
