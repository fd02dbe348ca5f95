/** Whole training runs: against a float64 oracle with plain loops, and as a graph with the bits of eager calls. */
import { assert, assertEquals } from "@std/assert";
import {
  Activation,
  autograd,
  BatchNorm,
  Conv2D,
  Dense,
  Dropout,
  Flatten,
  HybridSequential,
  losses,
  MaxPool2D,
  seed,
  tensor,
  Trainer,
} from "../../mod.ts";
import { activation, activationGradient } from "../reference/activation.ts";
import { build, get, indices, type Reference, size } from "../reference/array.ts";
import { convolution } from "../reference/convolution.ts";
import { crossEntropy } from "../reference/cross_entropy.ts";
import { matmul, transposed } from "../reference/matmul.ts";
import { pooling, poolingGradient } from "../reference/pooling.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

const STEPS = 50;
const BATCH = 4;
const CLASSES = 3;
const OPTIONS = { learningRate: 0.05, momentum: 0.9 };
const POOL = { type: "max", kernel: [2, 2], stride: [2, 2] } as const;
const INPUT = [BATCH, 2, 6, 6];
const LABELS = [0, 1, 2, 1];

interface Draws {
  readonly input: Float32Array<ArrayBuffer>;
  /** Values by the name of the parameter. */
  readonly start: ReadonlyMap<string, Reference & { data: Float32Array<ArrayBuffer> }>;
}

function draw(): Draws {
  const source = new Random(5);
  const values = (shape: readonly number[]) => ({
    data: source.float32(size(shape), -0.3, 0.3),
    shape,
  });
  const start = new Map([
    ["0.weight", values([4, 2, 3, 3])],
    ["0.bias", values([4])],
    ["4.weight", values([CLASSES, 36])],
    ["4.bias", values([CLASSES])],
  ]);
  return { input: source.float32(size(INPUT)), start };
}

function network(): HybridSequential {
  return new HybridSequential().add(
    new Conv2D(4, 3, { padding: 1, inChannels: 2 }),
    new Activation("tanh"),
    new MaxPool2D(2),
    new Flatten(),
    new Dense(CLASSES, { inUnits: 36 }),
  );
}

/** Sums over all axes but one. */
function sumTo(x: Reference, axis: number): Reference {
  const data = new Float64Array(x.shape[axis]!);
  for (const at of indices(x.shape)) data[at[axis]!]! += get(x, at);
  return { data, shape: [data.length] };
}

/** The gradient to the weight of a convolution with padding 1 and stride 1, by its definition. */
function weightGradient(x: Reference, head: Reference, shape: readonly number[]): Reference {
  const [batch, , height, width] = head.shape as [number, number, number, number];
  return build(shape, ([o, c, i, j]) => {
    let sum = 0;
    for (const [n, row, column] of indices([batch, height, width])) {
      const [y, z] = [row! + i! - 1, column! + j! - 1];
      if (y < 0 || y >= height || z < 0 || z >= width) continue;
      sum += get(head, [n!, o!, row!, column!]) * get(x, [n!, c!, y, z]);
    }
    return sum;
  });
}

/** The losses of all steps in float64: forward and backward by hand, SGD with momentum by its formula. */
function oracle({ input, start }: Draws): number[] {
  const x: Reference = { data: Float64Array.from(input), shape: INPUT };
  const label: Reference = { data: LABELS, shape: [BATCH] };
  const weights = new Map([...start].map(([name, { data, shape }]) => {
    return [name, { data: Float64Array.from(data), shape }];
  }));
  const moments = new Map([...start].map(([name, { data }]) => {
    return [name, new Float64Array(data.length)];
  }));
  const of = (name: string) => weights.get(name)!;
  const curve: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const convolved = convolution(x, of("0.weight"), of("0.bias"), { padding: [1, 1] });
    const active = activation(convolved, "tanh");
    const pooled = pooling(active, POOL);
    const flat: Reference = { data: pooled.data, shape: [BATCH, 36] };
    const product = matmul(flat, transposed(of("4.weight")));
    const scores = build([BATCH, CLASSES], (at) => get(product, at) + of("4.bias").data[at[1]!]!);
    const loss = crossEntropy(scores, label, 1);
    curve.push(Array.from(loss.data).reduce((sum, each) => sum + each, 0) / BATCH);

    const toScores = build([BATCH, CLASSES], ([n, k]) => {
      const line = Array.from({ length: CLASSES }, (_, each) => Math.exp(get(scores, [n!, each])));
      const probability = line[k!]! / line.reduce((sum, each) => sum + each, 0);
      return probability - (LABELS[n!] === k ? 1 : 0);
    });
    const toFlat = matmul(toScores, of("4.weight"));
    const toActive = poolingGradient(active, { data: toFlat.data, shape: pooled.shape }, POOL);
    const toConvolved = activationGradient(convolved, toActive, "tanh");
    const gradients = new Map<string, Reference>([
      ["0.weight", weightGradient(x, toConvolved, of("0.weight").shape)],
      ["0.bias", sumTo(toConvolved, 1)],
      ["4.weight", matmul(transposed(toScores), flat)],
      ["4.bias", sumTo(toScores, 1)],
    ]);
    for (const [name, { data }] of weights) {
      const moment = moments.get(name)!;
      for (let at = 0; at < data.length; at++) {
        const gradient = gradients.get(name)!.data[at]! / BATCH;
        moment[at] = OPTIONS.momentum * moment[at]! - OPTIONS.learningRate * gradient;
        data[at]! += moment[at]!;
      }
    }
  }
  return curve;
}

/** Trains a network; the losses of all samples in all steps, and all parameters at the end. */
function train(net: HybridSequential, steps: number, input: Float32Array<ArrayBuffer>) {
  using trainer = new Trainer(net.collectParams(), "sgd", OPTIONS);
  using x = tensor(input, INPUT);
  using label = tensor(LABELS);
  const curve: number[][] = [];
  for (let step = 0; step < steps; step++) {
    using loss = autograd.record(() => losses.softmaxCrossEntropy(net.call(x), label));
    loss.backward();
    trainer.step(BATCH);
    curve.push([...loss.dataSync()]);
  }
  const end = [...net.collectParams().values()].map((each) => [...each.data().dataSync()]);
  return { curve, end };
}

gpuTest("50 steps of a convolutional network follow float64, and graphs give the same bits", () => {
  const draws = draw();
  const runs = [false, true].map((active) => {
    using net = network();
    net.initialize();
    for (const [name, value] of draws.start) net.collectParams().get(name)!.setData(value);
    net.hybridize(active);
    return train(net, STEPS, draws.input);
  });
  const expected = oracle(draws);
  const means = runs[0]!.curve.map((each) => each.reduce((sum, one) => sum + one, 0) / BATCH);
  const worst = Math.max(...means.map((mean, step) => Math.abs(mean - expected[step]!)));
  assert(worst < 1e-3, `the loss is ${worst} away from that in float64`);
  assert(expected.at(-1)! < expected[0]! / 4, `${expected[0]} -> ${expected.at(-1)}`);
  assertEquals(runs[1], runs[0]);
});

gpuTest("networks with BatchNorm and Dropout train as graphs with the bits of eager calls", () => {
  const { input } = draw();
  const runs = [false, true].map((active) => {
    seed(11);
    using net = new HybridSequential().add(
      new Conv2D(4, 3, { padding: 1, inChannels: 2 }),
      new BatchNorm({ inChannels: 4 }),
      new Activation("tanh"),
      new Dropout(0.25),
      new MaxPool2D(2),
      new Flatten(),
      new Dense(CLASSES, { inUnits: 36 }),
    );
    net.initialize();
    net.hybridize(active);
    return train(net, 4, input);
  });
  assertEquals(runs[1], runs[0]);
  assert(runs[0]!.curve.flat().every(Number.isFinite));
});
