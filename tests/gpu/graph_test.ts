/** Blocks that run as graphs: equal bits, gradients, structures, what makes them trace anew, hooks. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  add,
  autograd,
  batchNorm,
  Conv2D,
  HybridBlock,
  HybridSequential,
  MaxPool2D,
  Parameter,
  PixelShuffle2D,
  StateError,
  type Tensor,
  tensor,
  zeros,
} from "../../mod.ts";
import { messagesOf, warningsOf } from "../null/nn_messages.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

function image(shape: readonly number[], first: number = 1): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(new Random(first).float32(count), shape);
}

class Residual extends HybridBlock {
  readonly body = new Conv2D(8, 3, { padding: 1, activation: "relu" });
  traces = 0;
  override forward(x: Tensor): Tensor {
    this.traces++;
    return add(x, this.body.call(x));
  }
}

function network(): HybridSequential {
  const net = new HybridSequential().add(
    new Conv2D(8, 3, { padding: 1, activation: "sigmoid" }),
    new Residual(),
    new Conv2D(12, 1),
    new PixelShuffle2D(2),
    new MaxPool2D(2),
  );
  net.initialize();
  return net;
}

gpuTest(
  "hybridize() traces once; graphs give the bits of eager calls, in other sizes too",
  async () => {
    using net = network();
    const residual = net.at(1) as Residual;
    for (const size of [8, 5]) {
      using x = image([2, 3, size, size], size);
      net.hybridize(false);
      using eager = net.call(x);
      net.hybridize();
      const before = residual.traces;
      for (let run = 0; run < 3; run++) {
        using y = net.call(x);
        assertEquals(await y.data(), await eager.data());
      }
      assertEquals(residual.traces, before + 1);
      using other = image([1, 3, size + 1, size], 2);
      using y = net.call(other);
      assertEquals([y.shape, residual.traces], [[1, 3, size + 1, size], before + 2]);
    }
  },
);

gpuTest("graphs record gradients with the bits of eager calls", () => {
  using net = network();
  using x = image([1, 3, 6, 6]);
  x.attachGrad();
  const gradients = () => {
    using y = autograd.record(() => net.call(x));
    y.backward();
    const all = [x.grad!, ...[...net.collectParams().values()].map((each) => each.grad())];
    return all.map((each) => [...each.dataSync()]);
  };
  const eager = gradients();
  net.hybridize();
  assertEquals(gradients(), eager);
  assertEquals(gradients(), eager);
  x.dropGrad();
});

class Normalized extends HybridBlock {
  readonly gamma = new Parameter("gamma", { shape: [3], init: "ones" });
  readonly beta = new Parameter("beta", { shape: [3], init: "zeros" });
  readonly mean = new Parameter("mean", { shape: [3], init: "zeros", differentiable: false });
  readonly variance = new Parameter("variance", {
    shape: [3],
    init: "ones",
    differentiable: false,
  });
  override forward(x: Tensor): Tensor {
    const [gamma, beta, mean, variance] = [this.gamma, this.beta, this.mean, this.variance];
    return batchNorm(x, gamma.data(), beta.data(), mean.data(), variance.data());
  }
}

gpuTest("graphs of both modes keep running statistics as eager calls do", () => {
  const results = [false, true].map((active) => {
    using block = new Normalized();
    block.initialize();
    block.hybridize(active);
    using x = image([2, 3, 4, 4]);
    const found: number[][] = [];
    for (let step = 0; step < 2; step++) {
      using trained = autograd.record(() => block.call(x));
      using predicted = block.call(x);
      found.push([...trained.dataSync()], [...predicted.dataSync()]);
    }
    found.push([...block.mean.data().dataSync()], [...block.variance.data().dataSync()]);
    return found;
  });
  assertEquals(results[1], results[0]);
  assert(results[0]!.at(-1)!.some((value) => value !== 1));
});

class Pair extends HybridBlock {
  override forward(
    x: { a: Tensor; b: Tensor },
    factor: number | null,
    extra?: Tensor | null,
  ): { sum: Tensor; both: [Tensor, Tensor]; factor: number | null } {
    const b = factor === null ? x.b : x.b.mul(factor);
    const sum = x.a.add(b);
    return { sum, both: [x.a, extra ? sum.add(extra) : sum.detach()], factor };
  }
}

gpuTest("graphs keep nested arguments and results, and refuse another nesting", () => {
  const block = new Pair();
  block.hybridize();
  using a = tensor([1, 2]);
  using b = tensor([10, 20]);
  for (const factor of [2, 3]) {
    const result = block.call({ a, b }, factor);
    assertEquals([...result.sum.dataSync()], [1 + 10 * factor, 2 + 20 * factor]);
    assert(result.both[0] === a && result.factor === factor);
    assertEquals([...result.both[1].dataSync()], [...result.sum.dataSync()]);
    result.sum.dispose();
    result.both[1].dispose();
  }
  const { sum, both } = block.call({ a, b }, 2, null); // nothing at the end is no difference
  sum.dispose();
  both[1].dispose();
  assertThrows(
    () => block.call({ a, b }, 2, a),
    RangeError,
    "[{a: Tensor, b: Tensor}, number, Tensor], expected [{a: Tensor, b: Tensor}, number]",
  );
});

gpuTest("detach() inside of a graph stops gradients", () => {
  const block = new Pair();
  block.hybridize();
  using a = tensor([1, 2]);
  a.attachGrad();
  using b = tensor([1, 1]);
  const { sum, both } = autograd.record(() => block.call({ a, b }, null));
  assertThrows(() => both[1].backward());
  sum.backward();
  assertEquals([...a.grad!.dataSync()], [1, 1]);
  sum.dispose();
  both[1].dispose();
  a.dropGrad();
});

class Peeking extends HybridBlock {
  override forward(x: Tensor): Tensor {
    return x.dataSync()[0]! > 0 ? x.mul(2) : x;
  }
}

gpuTest("a forward that reads values cannot be traced, and says so", () => {
  const block = new Peeking();
  using x = tensor([1]);
  block.call(x).dispose();
  block.hybridize();
  const error = assertThrows(() => block.call(x), StateError);
  assert(error.message.includes("while a block is traced"), error.message);
});

class Partial extends HybridBlock {
  readonly used = new Parameter("used", { shape: [1], init: "ones" });
  readonly unused = new Parameter("unused", { shape: [1], init: "ones" });
  override forward(x: Tensor, _y: Tensor): Tensor {
    return x.mul(this.used.data());
  }
}

gpuTest("tracing warns of unused inputs and parameters, once", () => {
  using block = new Partial();
  block.initialize();
  block.hybridize();
  using x = tensor([3]);
  const text = warningsOf(() => block.call(x, x).dispose());
  assert(text.includes("inputs data1") && text.includes("parameters unused"), text);
  assertEquals(messagesOf(() => block.call(x, x).dispose()), []);
});

gpuTest("graphs follow replaced, shared, cast and loaded parameters up the tree", async () => {
  using net = network();
  net.hybridize();
  using x = image([1, 3, 4, 4]);
  const run = async () => {
    using y = net.call(x);
    return await y.data();
  };
  const first = await run();
  const layer = net.at(2) as Conv2D;
  const replacement = new Parameter("weight", { shape: [12, 8, 1, 1], init: "zeros" });
  replacement.initialize();
  const original = layer.weight;
  Object.assign(layer, { weight: replacement });
  assertEquals(new Set(await run()), new Set([0]));
  layer.shareParameters({ weight: original });
  assertEquals(await run(), first);
  original.setData({ data: new Float32Array(96), shape: [12, 8, 1, 1] });
  assertEquals(new Set(await run()), new Set([0]));
  messagesOf(() => net.cast("float16"));
  net.hybridize();
  using half = zeros([1, 3, 4, 4], { dtype: "float16" });
  using y = net.call(half);
  assertEquals(y.dtype, "float16");
  replacement.dispose();
});

gpuTest("hooks of the active block run in every call, those inside only while it is traced", () => {
  using net = network();
  messagesOf(() => net.hybridize());
  const seen: string[] = [];
  net.registerForwardPreHook(() => seen.push("before"));
  net.registerForwardHook(() => seen.push("after"));
  net.at(1).registerForwardHook(() => seen.push("inner"));
  using x = image([1, 3, 4, 4]);
  net.call(x).dispose();
  net.call(x).dispose();
  assertEquals(seen, ["before", "inner", "after", "before", "after"]);
});

gpuTest("registerOpHook() names values as MXNet does", async () => {
  using net = new HybridSequential().add(
    new Conv2D(2, 3, { activation: "relu" }),
    new MaxPool2D(2),
  );
  net.initialize();
  using x = image([1, 1, 6, 6]);
  using plain = net.call(x);
  const seen: string[] = [];
  const record = (name: string, op: string, value: Tensor) => {
    seen.push(`${name.replace(/\d+(?=_)/, "N")} ${op} ${value.shape}`);
  };
  const all = net.registerOpHook(record, true);
  net.call(x).dispose();
  assertEquals(seen, [], "not hybridized");
  net.hybridize();
  using y = net.call(x);
  assertEquals(seen, [
    "node_N_data Convolution 1,1,6,6",
    "node_N_weight Convolution 2,1,3,3",
    "node_N_bias Convolution 2",
    "node_N_output Convolution 1,2,4,4",
    "node_N_input0 Activation 1,2,4,4",
    "node_N_output Activation 1,2,4,4",
    "node_N_data Pooling 1,2,4,4",
    "node_N_output Pooling 1,2,2,2",
  ]);
  assertEquals(await y.data(), await plain.data());
  all.detach();
  seen.length = 0;
  const outputs = net.registerOpHook(record);
  net.call(x).dispose();
  outputs.detach();
  net.call(x).dispose();
  assertEquals(seen.map((each) => each.split(" ")[1]), ["Convolution", "Activation", "Pooling"]);
});

gpuTest("graphs free what they made", () => {
  using net = network();
  net.hybridize();
  using x = image([1, 3, 8, 8]);
  net.call(x).dispose();
  const before = x.device.memory().liveBytes;
  net.call(x).dispose();
  assertEquals(x.device.memory().liveBytes, before);
});
