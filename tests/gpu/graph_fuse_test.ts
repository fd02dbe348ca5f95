/** Fused predictions: which calls are left, and that results are those of eager calls. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  abs,
  activation,
  add,
  autograd,
  BatchNorm,
  concat,
  Conv2D,
  defaultDevice,
  HybridBlock,
  HybridLambda,
  HybridSequential,
  leakyRelu,
  mean,
  pad,
  pixelShuffle,
  relu,
  scope,
  type Tensor,
  tensor,
  upSampling,
} from "../../mod.ts";
import { fuse } from "../../src/graph/fuse.ts";
import { CachedGraph } from "../../src/nn/cached_graph.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

const STATIC = { staticAlloc: true, staticShape: true };

function image(shape: readonly number[], first: number = 1): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(new Random(first).float32(count), shape);
}

type Apply = (x: Tensor, conv: HybridBlock, norm: HybridBlock) => Tensor | Tensor[];

/** A convolution, a normalization, and what is done with them. */
class Net extends HybridBlock {
  readonly conv: Conv2D;
  readonly norm = new BatchNorm({ inChannels: 4 });
  readonly #apply: Apply;
  constructor(apply: Apply, { kernelSize = 3, ...options }: { kernelSize?: number } = {}) {
    super();
    this.conv = new Conv2D(4, kernelSize, { padding: 1, inChannels: 4, ...options });
    this.#apply = apply;
    this.initialize("xavier");
    const names = ["gamma", "beta", "running_mean", "running_var"] as const;
    names.forEach((name, at) => {
      const drawn = new Random(at + 7).float32(4).map((value) => Math.abs(value) + 0.5);
      using values = tensor(drawn, [4]);
      this.norm[name].setData(values);
    });
  }
  override forward(x: Tensor): Tensor | Tensor[] {
    return this.#apply(x, this.conv, this.norm);
  }
}

/** The operators that predictions run. */
function callsOf(block: HybridBlock): string[] {
  const { graph } = fuse(CachedGraph.of(block)!.latest!.graph);
  return graph.nodes.flatMap((node) => node.kind === "call" ? [node.operator.name] : []);
}

function numbers(block: Net, x: Tensor): number[][] {
  return scope(() => {
    const y = block.call(x);
    return (Array.isArray(y) ? y : [y]).map((each) => [...each.dataSync()]);
  });
}

const act: Apply = (x, conv) => relu(conv.call(x) as Tensor);
const call = (block: HybridBlock, x: Tensor) => block.call(x) as Tensor;

const TABLE: readonly {
  readonly name: string;
  readonly apply: Apply;
  readonly options?: object;
  readonly left: readonly string[];
  /** Whether every bit is that of eager calls. */
  readonly exact?: boolean;
}[] = [
  { name: "an activation", apply: act, left: ["Convolution"], exact: true },
  {
    name: "a leaky activation of a residual sum",
    apply: (x, conv) => leakyRelu(add(x, call(conv, x)), 0.1),
    left: ["Convolution"],
    exact: true,
  },
  {
    name: "a residual sum behind an activation, and no second activation",
    apply: (x, conv) => relu(add(activation(call(conv, x), "tanh"), x)),
    left: ["Convolution", "Activation"],
    exact: true,
  },
  {
    name: "a pixel shuffle of an activation",
    apply: (x, conv) => pixelShuffle(relu(call(conv, x)), 2),
    left: ["Convolution"],
    exact: true,
  },
  {
    name: "zeros on two sides",
    apply: (x, conv) => call(conv, pad(x, [[0, 0], [0, 0], [1, 0], [0, 2]])),
    left: ["Convolution"],
  },
  {
    name: "a normalization, a sum and an activation",
    apply: (x, conv, norm) => relu(add(call(norm, call(conv, x)), x)),
    left: ["Convolution"],
  },
  {
    name: "a normalization without a bias before it",
    apply: (x, conv, norm) => call(norm, call(conv, x)),
    options: { useBias: false },
    left: ["Convolution"],
  },
  {
    name: "an upsampling, and a normalization behind it",
    apply: (x, conv, norm) => relu(call(norm, call(conv, upSampling(x, 2)))),
    left: ["Convolution"],
  },
  {
    name: "an upsampling for a kernel of even size with uneven zeros",
    apply: (x, conv) => call(conv, pad(upSampling(x, 3), [[0, 0], [0, 0], [1, 2], [2, 1]])),
    options: { kernelSize: 4, padding: 0 },
    left: ["Convolution"],
  },
  {
    name: "nothing with two readers",
    apply: (x, conv) => {
      const y = call(conv, x);
      return add(relu(y), y);
    },
    left: ["Convolution", "Activation", "broadcast_add"],
    exact: true,
  },
  {
    name: "no output",
    apply: (x, conv) => {
      const y = call(conv, x);
      return [y, relu(y)];
    },
    left: ["Convolution", "Activation"],
    exact: true,
  },
  {
    name: "no other constant than zero, no other mode, no upsampling with strides",
    apply: (x, conv) => [
      call(conv, pad(x, [[0, 0], [0, 0], [1, 0], [0, 2]], { value: 1 })),
      call(conv, upSampling(x, 2)),
    ],
    options: { strides: 2 },
    left: ["Pad", "Convolution", "UpSampling", "Convolution"],
    exact: true,
  },
  {
    name: "no sum that broadcasts, no normalization behind a view",
    apply: (x, conv, norm) => [
      add(call(conv, x), mean(x, { axis: [2, 3], keepDims: true })),
      call(norm, call(conv, x).reshape([2, 4, 6, 6])),
    ],
    left: ["Convolution", "mean", "broadcast_add", "Convolution", "Reshape", "BatchNorm"],
    exact: true,
  },
];

for (const { name, apply, options = {}, left, exact = false } of TABLE) {
  gpuTest(`predictions with staticAlloc fuse ${name}`, () => {
    using net = new Net(apply, options);
    using x = image([2, 4, 6, 6]);
    const eager = numbers(net, x);
    net.hybridize(true, STATIC);
    for (let run = 0; run < 2; run++) {
      const found = numbers(net, x);
      if (exact) assertEquals(found, eager);
      else {
        found.forEach((each, at) => assertClose(each, eager[at]!, { rtol: 1e-5, atol: 1e-5 }));
      }
    }
    assertEquals(callsOf(net), left);
  });
}

type Layers = (index: number) => (x: Tensor) => Tensor;

/** 1x1 and larger convolutions by the numbers of their channels. */
class Joined extends HybridBlock {
  readonly layers: HybridSequential = new HybridSequential();
  readonly #apply: (x: Tensor, layers: Layers) => Tensor;
  constructor(
    convolutions: readonly (readonly [from: number, to: number, options?: object])[],
    apply: (x: Tensor, layers: Layers) => Tensor,
  ) {
    super();
    for (const [inChannels, to, options] of convolutions) {
      const { kernelSize = 1, ...rest } = (options ?? {}) as { kernelSize?: number };
      this.layers.add(
        new Conv2D(to, kernelSize, { inChannels, biasInitializer: "normal", ...rest }),
      );
    }
    this.#apply = apply;
    this.initialize("xavier");
  }
  override forward(x: Tensor): Tensor {
    return this.#apply(x, (index) => (y) => call(this.layers.at(index) as HybridBlock, y));
  }
}

const wide = { kernelSize: 3, padding: 1, activation: "relu" };
const free = { useBias: false };

for (
  const { name, convolutions, apply, left } of [
    {
      name: "joins 1x1 convolutions in a chain, with and without a bias",
      convolutions: [[4, 6], [6, 8, free], [8, 5]],
      apply: (x, c) => relu(c(2)(c(1)(c(0)(x)))),
      left: ["Convolution"],
    },
    {
      name: "joins 1x1 convolutions without any bias, and keeps a sum behind them",
      convolutions: [[4, 6, free], [6, 4, free]],
      apply: (x, c) => relu(add(c(1)(c(0)(x)), x)),
      left: ["Convolution"],
    },
    {
      name: "joins 1x1 convolutions across sums and concatenations",
      convolutions: [[4, 2, wide], [6, 4], [4, 2, wide], [6, 4], [8, 5]],
      apply: (x, c) => {
        const second = add(c(1)(concat([x, c(0)(x)], 1)), x);
        const third = add(c(3)(concat([second, c(2)(second)], 1)), second);
        return c(4)(concat([second, third], 1));
      },
      left: ["Convolution", "Concat", "Convolution", "Convolution", "Concat", "Convolution"],
    },
    {
      name: "joins two 1x1 convolutions of the same value into a third",
      convolutions: [[4, 3], [4, 3, free], [6, 5]],
      apply: (x, c) => c(2)(concat([c(0)(x), c(1)(x)], 1)),
      left: ["Convolution"],
    },
    {
      name: "joins no bottleneck, no activation, no stride, no larger kernel",
      convolutions: [[4, 2], [2, 4, { activation: "tanh" }], [4, 4, { strides: 2 }], [4, 4], [
        4,
        4,
        { kernelSize: 3 },
      ]],
      apply: (x, c) => c(4)(c(3)(c(2)(c(1)(c(0)(x))))),
      left: ["Convolution", "Convolution", "Convolution", "Convolution", "Convolution"],
    },
    {
      name: "joins nothing that would have to be put together first",
      convolutions: [[4, 6], [10, 4]],
      apply: (x, c) => c(1)(concat([relu(x), c(0)(x)], 1)),
      left: ["Activation", "Convolution", "Concat", "Convolution"],
    },
  ] as readonly {
    readonly name: string;
    readonly convolutions: readonly (readonly [number, number, object?])[];
    readonly apply: (x: Tensor, layers: Layers) => Tensor;
    readonly left: readonly string[];
  }[]
) {
  gpuTest(`predictions with staticAlloc: ${name}`, () => {
    using net = new Joined(convolutions, apply);
    using x = image([2, 4, 6, 6]);
    const run = () => scope(() => [...net.call(x).dataSync()]);
    const eager = run();
    net.hybridize(true, STATIC);
    for (let at = 0; at < 2; at++) assertClose(run(), eager, { rtol: 1e-5, atol: 1e-5 });
    assertEquals(callsOf(net), left);
    // The joined weights follow.
    const first = net.layers.at(0) as Conv2D;
    using weight = scope(() => first.weight.data().mul(0.5));
    first.weight.setData(weight);
    const changed = run();
    net.hybridize(false);
    assertClose(changed, run(), { rtol: 1e-5, atol: 1e-5 });
  });
}

gpuTest("folded weights follow their parameters; training and gradients do not see them", () => {
  const apply: Apply = (x, conv, norm) => relu(call(norm, call(conv, upSampling(x, 2))));
  using net = new Net(apply);
  using x = image([1, 4, 5, 5]);
  const before = numbers(net, x)[0]!;
  net.hybridize(true, STATIC);
  assertClose(numbers(net, x)[0]!, before, { atol: 1e-5 });
  for (const parameter of [net.conv.weight, net.norm.gamma, net.norm.running_var]) {
    const { shape } = parameter;
    const last = numbers(net, x)[0]!;
    using values = scope(() => abs(image(shape!, 77)).add(0.25));
    parameter.setData(values);
    const changed = numbers(net, x)[0]!;
    assertNotEquals(changed, last);
    const plain = scope(() => [...(autograd.pause(() => net.forward(x)) as Tensor).dataSync()]);
    assertClose(changed, plain, { atol: 1e-5 });
  }
  // Training moves the running statistics, from which the next prediction folds anew.
  scope(() => void autograd.record(() => net.call(x)));
  const plain = scope(() => [...(net.forward(x) as Tensor).dataSync()]);
  assertClose(numbers(net, x)[0]!, plain, { atol: 1e-5 });
});

gpuTest(
  "a prepared block predicts as one that was not; folded weights are freed with it",
  async () => {
    const device = defaultDevice();
    using x = image([1, 4, 5, 5]);
    const before = device.memory().liveBuffers;
    {
      using net = new Net((x, conv, norm) => call(norm, call(conv, x)));
      const eager = numbers(net, x)[0]!;
      net.hybridize(true, STATIC);
      await net.prepare([[1, 4, 5, 5]]);
      assertClose(numbers(net, x)[0]!, eager, { atol: 1e-5 });
    }
    assertEquals(device.memory().liveBuffers, before);
  },
);

gpuTest("a chain of layers has one call for each convolution", () => {
  const layers = Array.from({ length: 6 }, () => [
    new Conv2D(4, 1, { inChannels: 4 }),
    new HybridLambda((x: Tensor) => relu(x)),
  ]);
  using net = new HybridSequential().add(...layers.flat());
  net.initialize();
  net.hybridize(true, STATIC);
  using x = image([1, 4, 8, 8]);
  using y = net.call(x);
  assertEquals(y.shape, [1, 4, 8, 8]);
  assertEquals(callsOf(net), new Array(6).fill("Convolution"));
  assert(net.active);
});
