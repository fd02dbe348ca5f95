/** Normalization layers: running statistics, modes, dtypes, determinism; the numbers are in tests/cases/normalization.ts. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  autograd,
  BatchNorm,
  batchNorm,
  Conv2D,
  GroupNorm,
  HybridSequential,
  InstanceNorm,
  LayerNorm,
  layerNorm,
  ones,
  scope,
  softmax,
  type Tensor,
  tensor,
  zeros,
} from "../../mod.ts";
import { setRecorder } from "../../src/ops/index.ts";
import { softmaxOutputOperator } from "../../src/ops/softmax.ts";
import { normalize, statistics } from "../reference/normalization.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

function random(shape: readonly number[], seed: number, scale = 1, shift = 0) {
  const count = shape.reduce((product, each) => product * each, 1);
  const data = new Random(seed).float32(count).map((value) => value * scale + shift);
  return { data, shape };
}

gpuTest("BatchNorm moves its running statistics in training, by the biased variance", async () => {
  const x = random([4, 3, 5, 5], 1, 2, 0.5);
  const norm = new BatchNorm({ momentum: 0.75 });
  norm.initialize();
  const input = tensor(x.data, x.shape);
  const sets = [...statistics(x, { form: "batch", axis: 1 }).values()];
  let means = [0, 0, 0], variances = [1, 1, 1];
  for (let step = 0; step < 3; step++) {
    autograd.record(() => norm.call(input)).dispose();
    means = means.map((value, at) => 0.75 * value + 0.25 * sets[at]!.mean);
    variances = variances.map((value, at) => 0.75 * value + 0.25 * sets[at]!.variance);
    assertClose(await norm.running_mean.data().data(), means);
    assertClose(await norm.running_var.data().data(), variances);
  }
  // Prediction leaves them alone, and uses them.
  const y = norm.call(input);
  const expected = normalize(x, [1, 1, 1], [0, 0, 0], { form: "batch", axis: 1 }, 1e-5, {
    mean: means,
    variance: variances,
  });
  assertClose(await y.data(), expected.data, { rtol: 1e-5, atol: 1e-5 });
  assertClose(await norm.running_mean.data().data(), means);
  norm.dispose();
  for (const each of [input, y]) each.dispose();
});

gpuTest(
  "BatchNorm with useGlobalStats, and recorded in prediction mode, keeps its statistics",
  async () => {
    const input = tensor(random([4, 2, 3], 2).data, [4, 2, 3]);
    const fixed = new BatchNorm({ useGlobalStats: true });
    const norm = new BatchNorm();
    for (const layer of [fixed, norm]) layer.initialize();
    autograd.record(() => fixed.call(input)).dispose();
    autograd.record(() => norm.call(input), { trainMode: false }).dispose();
    for (const layer of [fixed, norm]) {
      assertEquals([...await layer.running_mean.data().data()], [0, 0]);
      assertEquals([...await layer.running_var.data().data()], [1, 1]);
      layer.dispose();
    }
    input.dispose();
  },
);

gpuTest(
  "BatchNorm without scale or center trains neither, and has MXNet's parameter names",
  async () => {
    const norm = new BatchNorm({ scale: false, center: false });
    norm.initialize();
    const input = tensor(random([4, 2, 3], 3).data, [4, 2, 3]);
    input.attachGrad();
    const y = autograd.record(() => norm.call(input));
    y.backward();
    assertEquals([...norm.collectParams().keys()], [
      "gamma",
      "beta",
      "running_mean",
      "running_var",
    ]);
    assertEquals([...norm.collectParams().values()].map((each) => each.gradReq), [
      "null",
      "null",
      "null",
      "null",
    ]);
    norm.gamma.gradReq = "write";
    assertEquals(norm.gamma.gradReq, "null");
    // The sum of normalized elements does not depend on the input.
    assertClose(await input.grad!.data(), new Float32Array(24), { atol: 1e-5 });
    norm.dispose();
    for (const each of [input, y]) each.dispose();
  },
);

gpuTest("float16 data meets float32 parameters in BatchNorm, in both directions", async () => {
  const x = random([4, 3, 6], 4, 2);
  const half = new Float16Array(x.data);
  const norm = new BatchNorm();
  norm.initialize();
  norm.cast("float16");
  const input = tensor(half, x.shape);
  input.attachGrad();
  const y = autograd.record(() => norm.call(input).mul(input));
  y.backward();
  const wide = tensor(Float32Array.from(half), x.shape);
  const exact = new BatchNorm();
  exact.initialize();
  wide.attachGrad();
  const expected = autograd.record(() => exact.call(wide).mul(wide));
  expected.backward();
  assertEquals([norm.gamma.dtype, norm.running_var.dtype, y.dtype], [
    "float32",
    "float32",
    "float16",
  ]);
  const tolerance = { rtol: 5e-3, atol: 1e-2 };
  assertClose(await y.data(), await expected.data(), tolerance);
  assertClose(await input.grad!.data(), await wide.grad!.data(), tolerance);
  assertClose(await norm.gamma.grad().data(), await exact.gamma.grad().data(), tolerance);
  assertClose(
    await norm.running_var.data().data(),
    await exact.running_var.data().data(),
    tolerance,
  );
  for (const each of [norm, exact, input, wide, y, expected]) each.dispose();
});

gpuTest("statistics of large numbers that differ little keep their digits", async () => {
  const x = random([2, 2, 64, 64], 5, 1, 4096);
  const [gamma, beta] = [ones([2]), zeros([2])];
  const input = tensor(x.data, x.shape);
  const [mean, variance] = [zeros([2]), ones([2])];
  const y = autograd.trainMode(() => batchNorm(input, gamma, beta, mean, variance));
  const expected = normalize(x, [1, 1], [0, 0], { form: "batch", axis: 1 }, 1e-3);
  // The inputs themselves are multiples of 2^-11.
  assertClose(await y.data(), expected.data, { rtol: 1e-4, atol: 1e-3 });
  for (const each of [gamma, beta, input, mean, variance, y]) each.dispose();
});

gpuTest("an element far from the others does not spoil the variance of its part", async () => {
  const x = random([1, 1, 4096], 6);
  x.data[0] = 1000;
  const input = tensor(x.data, [1, 4096]);
  const [gamma, beta] = [ones([4096]), zeros([4096])];
  const y = layerNorm(input, gamma, beta);
  const expected = normalize(
    { data: x.data, shape: [1, 4096] },
    new Float64Array(4096).fill(1),
    new Float64Array(4096),
    { form: "layer", axis: 1 },
    1e-5,
  );
  assertClose(await y.data(), expected.data, { rtol: 2e-4, atol: 1e-5 });
  for (const each of [gamma, beta, input, y]) each.dispose();
});

gpuTest("normalizations give equal bits in 20 runs, forward and backward", async () => {
  const shape = [3, 8, 9, 33];
  const input = tensor(random(shape, 7).data, shape);
  input.attachGrad();
  const layers = [
    new BatchNorm(),
    new LayerNorm({ axis: 1 }),
    new GroupNorm(4),
    new InstanceNorm(),
  ];
  for (const layer of layers) {
    layer.initialize();
    const seen = new Set<string>();
    for (let run = 0; run < 20; run++) {
      const y = autograd.record(() => layer.call(input).mul(input));
      y.backward();
      const words = [await y.data(), await input.grad!.data(), await layer.beta.grad().data()]
        .map((values) => new Uint32Array(values.buffer).reduce((a, b) => (a * 31 + b) >>> 0, 7));
      seen.add(words.join());
      y.dispose();
    }
    assertEquals(seen.size, 1, `${layer}`);
    layer.dispose();
  }
  input.dispose();
});

gpuTest("an empty batch gives an empty result and zero gradients of parameters", async () => {
  const norm = new LayerNorm({ inChannels: 3 });
  norm.initialize();
  const input = zeros([0, 3]);
  const y = autograd.record(() => norm.call(input));
  y.backward();
  assertEquals(y.shape, [0, 3]);
  assertEquals([...await norm.gamma.grad().data()], [0, 0, 0]);
  for (const each of [norm, input, y]) each.dispose();
});

gpuTest("recorders see one BatchNorm and what it overwrites", () => {
  const seen: { name: string; overwrites: readonly number[]; inputs: number }[] = [];
  const norm = new BatchNorm({ inChannels: 2 });
  norm.initialize();
  const input = zeros([2, 2]);
  const before = setRecorder(({ operator, overwrites, inputs }) => {
    seen.push({ name: operator.name, overwrites, inputs: inputs.length });
  });
  try {
    norm.call(input).dispose();
    autograd.trainMode(() => norm.call(input)).dispose();
  } finally {
    setRecorder(before);
  }
  assertEquals(seen, [
    { name: "BatchNorm", overwrites: [], inputs: 5 },
    { name: "BatchNorm", overwrites: [3, 4], inputs: 5 },
  ]);
  for (const each of [norm, input]) each.dispose();
});

gpuTest("a running statistic in the graph is refused", () => {
  const [x, gamma, beta, mean, variance] = [
    zeros([2, 2]),
    ones([2]),
    zeros([2]),
    zeros([2]),
    ones([2]),
  ];
  mean!.attachGrad();
  assertThrows(
    () => autograd.record(() => batchNorm(x!, gamma!, beta!, mean!, variance!)),
    Error,
    "in a graph",
  );
  for (const each of [x, gamma, beta, mean, variance]) each!.dispose();
});

gpuTest(
  "a network of convolution and BatchNorm learns, and InstanceNorm takes channels anywhere",
  async () => {
    const net = new HybridSequential().add(
      new Conv2D(4, 3, { layout: "NHWC" }),
      new BatchNorm({ axis: 3 }),
      new InstanceNorm({ axis: -1, scale: true }),
    );
    net.initialize();
    const input = tensor(random([2, 6, 6, 3], 8).data, [2, 6, 6, 3]);
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) {
      const loss = autograd.record(() => {
        const y = net.call(input) as Tensor;
        return y.sub(1).mul(y.sub(1));
      });
      loss.backward();
      losses.push(Array.from(await loss.data()).reduce((sum, value) => sum + value, 0));
      for (const parameter of net.collectParams().values()) {
        if (parameter.gradReq === "null") continue;
        const value = parameter.data();
        scope(() => value.assign(value.sub(parameter.grad().mul(1e-3))));
      }
      loss.dispose();
    }
    assert(losses[2]! < losses[1]! && losses[1]! < losses[0]!, losses.join());
    net.dispose();
    input.dispose();
  },
);

gpuTest("wrong shapes and dtypes are named", () => {
  const [x, two, three] = [zeros([2, 3]), zeros([2]), zeros([3])];
  assertThrows(
    () => batchNorm(x, two, three, three, three),
    Error,
    "Cannot apply BatchNorm: gamma has shape (2,), expected (3,) for axis 1 of data of shape (2, 3)",
  );
  const half = zeros([3], { dtype: "float16" });
  assertThrows(
    () => batchNorm(x, half, three, three, three),
    TypeError,
    "gamma is float16, expected float32 whatever the dtype of data",
  );
  const norm = new GroupNorm(2);
  norm.initialize();
  assertThrows(() => norm.call(x), Error, "3 channels, expected a multiple of num_groups (2)");
  for (const each of [x, two, three, half, norm]) each.dispose();
});

gpuTest(
  "a hybridized network moves running statistics as an eager one, in equal bits",
  async () => {
    const x = tensor(random([2, 3, 8, 8], 10).data, [2, 3, 8, 8]);
    const results: string[] = [];
    for (const active of [false, true]) {
      const net = new HybridSequential().add(
        new Conv2D(4, 3, { weightInitializer: "ones" }),
        new BatchNorm(),
      );
      net.initialize();
      net.hybridize(active);
      for (let step = 0; step < 2; step++) {
        const y = autograd.record(() => net.call(x));
        y.backward();
        y.dispose();
      }
      const y = net.call(x);
      const seen = [y];
      for (const [name, parameter] of net.collectParams()) {
        seen.push(/running/.test(name) ? parameter.data() : parameter.grad());
      }
      results.push(String(await Promise.all(seen.map((each) => each.data()))));
      net.dispose();
      y.dispose();
    }
    assertEquals(results[1], results[0]);
    x.dispose();
  },
);

gpuTest("SoftmaxOutput predicts by softmax, whatever the label", async () => {
  const x = tensor(random([2, 3, 2], 11).data, [2, 3, 2]);
  const label = zeros([2]);
  const options = [{}, { multi_output: true }, { preserve_shape: true }];
  const expected = scope(() => [softmax(x.reshape([2, 6])), softmax(x, { axis: 1 }), softmax(x)]);
  for (const [at, own] of options.entries()) {
    const y = softmaxOutputOperator.apply([x, label], own);
    assertEquals([y.shape, await y.data()], [x.shape, await expected[at]!.data()]);
    y.dispose();
  }
  for (const each of [x, label, ...expected]) each.dispose();
});
