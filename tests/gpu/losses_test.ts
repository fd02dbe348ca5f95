/** Losses on the device against their definitions in float64, and their gradients against differences. */
import { assertEquals, assertThrows } from "@std/assert";
import { autograd, losses, ops, ShapeError, type Tensor, tensor } from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

type Numbers = ArrayLike<number>;

const ROWS = 4;
const COLUMNS = 6;

/** Mean over the columns of what each element costs. */
function means(element: (at: number) => number, weights?: Numbers): number[] {
  return Array.from({ length: ROWS }, (_, row) => {
    let sum = 0;
    for (let column = 0; column < COLUMNS; column++) sum += element(row * COLUMNS + column);
    return sum / COLUMNS * (weights?.[row] ?? 1);
  });
}

const random = new Random(11);
const pred = random.float32(ROWS * COLUMNS, -3, 3);
const label = random.float32(ROWS * COLUMNS, -3, 3);
const chances = random.float32(ROWS * COLUMNS, 0.05, 0.95);
const answers = Float32Array.from(chances, (each) => each > 0.5 ? 1 : 0);
const weights = new Float32Array([1, 0, 2, 0.5]);
const positive = new Float32Array([1, 2, 3, 0.5, 1, 4]);

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const logSoftmaxAt = (x: Numbers, at: number) => {
  const start = Math.floor(at / COLUMNS) * COLUMNS;
  const line = Array.from({ length: COLUMNS }, (_, k) => x[start + k]!);
  return x[at]! - Math.log(line.reduce((sum, each) => sum + Math.exp(each), 0));
};
const huber = (d: number, rho: number) => d > rho ? d - rho / 2 : d * d / (2 * rho);
const classes = new Float32Array([5, 0, 3, 2]);

interface Row {
  readonly name: string;
  readonly x: Float32Array<ArrayBuffer>;
  readonly target: Float32Array<ArrayBuffer>;
  loss(x: Tensor, target: Tensor, weight: Tensor | null, positive: Tensor): Tensor;
  /** Element by element, before the mean. */
  element(x: Numbers, at: number): number;
}

const TABLE: readonly Row[] = [
  {
    name: "L2Loss",
    x: pred,
    target: label,
    loss: (x, y, w) => new losses.L2Loss().call(x, y, w),
    element: (x, at) => (x[at]! - label[at]!) ** 2 / 2,
  },
  {
    name: "L1Loss",
    x: pred,
    target: label,
    loss: (x, y, w) => new losses.L1Loss({ weight: 3 }).call(x, y, w),
    element: (x, at) => 3 * Math.abs(x[at]! - label[at]!),
  },
  {
    name: "HuberLoss",
    x: pred,
    target: label,
    loss: (x, y, w) => new losses.HuberLoss({ rho: 2 }).call(x, y, w),
    element: (x, at) => huber(Math.abs(x[at]! - label[at]!), 2),
  },
  {
    name: "SigmoidBinaryCrossEntropyLoss",
    x: pred,
    target: answers,
    loss: (x, y, w) => new losses.SigmoidBinaryCrossEntropyLoss().call(x, y, w),
    element: (x, at) => answers[at]! * softplus(-x[at]!) + (1 - answers[at]!) * softplus(x[at]!),
  },
  {
    name: "SigmoidBinaryCrossEntropyLoss with posWeight",
    x: pred,
    target: answers,
    loss: (x, y, w, p) => new losses.SigmoidBinaryCrossEntropyLoss().call(x, y, w, p),
    element: (x, at) =>
      answers[at]! * positive[at % COLUMNS]! * softplus(-x[at]!) +
      (1 - answers[at]!) * softplus(x[at]!),
  },
  {
    name: "SigmoidBinaryCrossEntropyLoss fromSigmoid",
    x: chances,
    target: answers,
    loss: (x, y, w, p) =>
      new losses.SigmoidBinaryCrossEntropyLoss({ fromSigmoid: true }).call(x, y, w, p),
    element: (x, at) =>
      -answers[at]! * positive[at % COLUMNS]! * Math.log(x[at]!) -
      (1 - answers[at]!) * Math.log(1 - x[at]!),
  },
  {
    name: "SoftmaxCrossEntropyLoss, dense",
    x: pred,
    target: chances,
    loss: (x, y, w) => new losses.SoftmaxCrossEntropyLoss({ sparseLabel: false }).call(x, y, w),
    element: (x, at) => -COLUMNS * chances[at]! * logSoftmaxAt(x, at),
  },
  {
    name: "SoftmaxCrossEntropyLoss, sparse",
    x: pred,
    target: classes,
    loss: (x, y, w) => new losses.SoftmaxCrossEntropyLoss().call(x, y, w),
    element: (x, at) =>
      at % COLUMNS === classes[Math.floor(at / COLUMNS)] ? -COLUMNS * logSoftmaxAt(x, at) : 0,
  },
  {
    name: "SoftmaxCrossEntropyLoss, sparse, fromLogits",
    x: pred,
    target: classes,
    loss: (x, y, w) => new losses.SoftmaxCrossEntropyLoss({ fromLogits: true }).call(x, y, w),
    element: (x, at) => at % COLUMNS === classes[Math.floor(at / COLUMNS)] ? -COLUMNS * x[at]! : 0,
  },
];

for (const { name, x, target, loss, element } of TABLE) {
  gpuTest(`${name} is its definition, with and without sample weights`, async () => {
    using input = tensor(x, [ROWS, COLUMNS]);
    using goal = tensor(target, target.length === ROWS ? [ROWS] : [ROWS, COLUMNS]);
    using sample = tensor(weights, [ROWS, 1]);
    using pos = tensor(positive);
    input.attachGrad();
    using y = autograd.record(() => loss(input, goal, null, pos));
    assertEquals(y.shape, [ROWS]);
    assertClose(await y.data(), means((at) => element(x, at)), { rtol: 1e-5, atol: 1e-5 });
    using weighted = autograd.record(() => loss(input, goal, sample, pos));
    const expected = means((at) => element(x, at), weights);
    assertClose(await weighted.data(), expected, { rtol: 1e-5, atol: 1e-5 });
    weighted.backward();
    const slopes = Float64Array.from(x, (_, at) => {
      const total = (by: number) => {
        const moved = Float64Array.from(x);
        moved[at]! += by;
        return means((each) => element(moved, each), weights).reduce((sum, each) => sum + each, 0);
      };
      return (total(1e-5) - total(-1e-5)) / 2e-5;
    });
    assertClose(await input.grad!.data(), slopes, { rtol: 1e-4, atol: 1e-5 });
  });
}

gpuTest("cross entropy is stable for large predictions and takes any integer labels", async () => {
  using x = tensor([[1000, -1000], [-1e30, 1e30]]);
  x.attachGrad();
  for (const dtype of ["int32", "uint8", "float32"] as const) {
    using y = tensor([1, 1], undefined, { dtype });
    using loss = autograd.record(() => losses.softmaxCrossEntropy(x, y));
    loss.backward();
    assertEquals([...await loss.data()], [2000, 0]);
    assertEquals([...await x.grad!.data()], [1, -1, 0, 0]);
  }
});

gpuTest("cross entropy keeps the batch and takes the mean of the rest", async () => {
  const values = new Random(3).float32(2 * 3 * 4);
  using x = tensor(values, [2, 3, 4]);
  using y = tensor(new Int32Array([0, 1, 2, 0, 1, 1, 2, 2]), [2, 4]);
  using loss = losses.softmaxCrossEntropy(x, y, { axis: 1 });
  using each = ops.softmaxCrossEntropy(x, y, { axis: 1 });
  const all = [...await each.data()];
  const sums = [0, 4].map((start) => all.slice(start, start + 4).reduce((a, b) => a + b, 0) / 4);
  assertClose(await loss.data(), sums, { rtol: 1e-6 });
});

gpuTest("the second derivative of the cross entropy is that of log_softmax and pick", async () => {
  const seconds: Float32Array[] = [];
  for (const fused of [true, false]) {
    using x = tensor(pred, [ROWS, COLUMNS]);
    using y = tensor(classes);
    x.attachGrad();
    const second = autograd.record(() => {
      const loss = fused ? ops.softmaxCrossEntropy(x, y) : ops.pick(ops.logSoftmax(x), y).mul(-1);
      const first = autograd.grad(loss.mul(loss), x, { createGraph: true });
      return autograd.grad(first.mul(first), x);
    });
    seconds.push(await second.data() as Float32Array);
    second.dispose();
  }
  assertClose(seconds[0]!, seconds[1]!, { rtol: 1e-4, atol: 1e-4 });
});

gpuTest("losses refuse shapes that do not fit", () => {
  using x = tensor(pred, [ROWS, COLUMNS]);
  using short = tensor([1, 2, 3]);
  assertThrows(() => losses.l2(x, short), ShapeError, "label has shape (3,)");
  assertThrows(() => losses.softmaxCrossEntropy(x, short), ShapeError, "label has shape (3,)");
  using y = tensor(label, [ROWS, COLUMNS]);
  using wide = tensor(new Float32Array(2 * ROWS * COLUMNS), [2, ROWS, COLUMNS]);
  assertThrows(() => losses.l1(x, y, { sampleWeight: wide }), ShapeError, "sampleWeight");
  assertThrows(() => losses.l1(x, y, { batchAxis: 2 }), Error, "axis");
});
