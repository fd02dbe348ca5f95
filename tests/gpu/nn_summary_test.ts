/** summary(): MXNet's text letter for letter, and the same as data with the work of each layer. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  Block,
  Conv2D,
  Conv2DTranspose,
  DeformableConvolution,
  Dense,
  Flatten,
  HybridSequential,
  matmul,
  MaxPool2D,
  Parameter,
  Summary,
  type Tensor,
  zeros,
} from "../../mod.ts";
import { StateError } from "../../src/core/errors.ts";
import { behaviour } from "../golden/load.ts";
import { residualNet } from "../support/residual_net.ts";
import { gpuTest } from "../support/test.ts";

/** The nets of behaviour.json. */
const NETS: readonly (() => Block)[] = [
  () =>
    new HybridSequential().add(
      new Conv2D(8, 3, { activation: "relu" }),
      new MaxPool2D(2),
      new Flatten(),
      new Dense(10),
    ),
  residualNet,
];

behaviour().summary.forEach((stored, index) => {
  gpuTest(`summary() prints what MXNet prints: ${stored.net}`, () => {
    const net = NETS[index]!() as HybridSequential;
    assertEquals([...net.collectParams().keys()], [...stored.names]);
    net.initialize();
    using x = zeros(stored.input);
    const summary = net.summary(x);
    assertEquals(`${summary}`, stored.text.trimEnd());
    assertEquals(`${net}`, stored.repr);
    // Nothing is left behind: the next one says the same.
    assertEquals(`${net.summary(x)}`, stored.text.trimEnd());
    assert(net.children.values().every((child) => !child.hasHooks));
    net.dispose();
  });
});

gpuTest("summary() as data: shapes, parameters, multiply-adds and bytes of each layer", () => {
  const net = NETS[0]!() as HybridSequential;
  net.initialize();
  using x = zeros([1, 3, 12, 12]);
  const summary = net.summary(x);
  assert(summary instanceof Summary);
  const conv = net.children.get("0") as Conv2D;
  assertEquals(
    summary.rows.map(({ name, outputShape, parameters, macs }) => [
      name,
      outputShape,
      parameters,
      macs,
    ]),
    [
      ["Input", "(1, 3, 12, 12)", 0, 0],
      ["Activation-1", "(1, 8, 10, 10)", 0, 0],
      ["Conv2D-2", "(1, 8, 10, 10)", 224, 8 * 100 * 27],
      ["MaxPool2D-3", "(1, 8, 5, 5)", 0, 0],
      ["Flatten-4", "(1, 200)", 0, 0],
      ["Dense-5", "(1, 10)", 2010, 2000],
    ],
  );
  assertEquals(summary.rows[2]!.block, conv);
  // Operands once: image, weight, bias, result.
  assertEquals(summary.rows[2]!.bytes, 4 * (3 * 144 + 216 + 8 + 800));
  assertEquals(summary.rows[4]!.bytes, 0, "a view moves nothing");
  assertEquals(summary.macs, 8 * 100 * 27 + 2000);
  assertEquals(summary.bytes, summary.rows.reduce((sum, { bytes }) => sum + bytes, 0));
  assertEquals([summary.totalParameters, summary.trainableParameters], [2234, 2234]);
  conv.weight.gradReq = "null";
  assertEquals(net.summary(x).trainableParameters, 2234 - 216);
  net.dispose();
});

gpuTest("summary() counts the multiply-adds of every kind of layer, by its definition", () => {
  const rows: [Block, number[], number][] = [
    [new Conv2D(4, 3, { groups: 2 }), [2, 4, 6, 6], 2 * 4 * 16 * 2 * 9],
    [new Conv2D(4, 3, { layout: "NHWC" }), [1, 6, 6, 2], 4 * 16 * 2 * 9],
    [new Conv2DTranspose(4, 3, { strides: 2 }), [1, 2, 5, 5], 2 * 25 * 4 * 9],
    [new Dense(3, { flatten: false }), [2, 5, 7], 2 * 5 * 3 * 7],
    // The branch of offsets, 18 channels, and the convolution itself.
    [new DeformableConvolution(4, 3), [1, 2, 5, 5], 9 * 2 * 9 * (18 + 4)],
  ];
  for (const [block, shape, macs] of rows) {
    block.initialize();
    using x = zeros(shape);
    const summary = (block as Conv2D).summary(x);
    assertEquals(summary.macs, macs, `${block}`);
    assertEquals(summary.rows.at(-1)!.macs, macs, `${block}`);
    block.dispose();
  }
});

class Pair extends Block {
  readonly scale = new Parameter("scale", { shape: [2, 2] });
  override forward(x: Tensor, rest: { y: Tensor | null }): [Tensor, (Tensor | null)[]] {
    return [matmul(x, this.scale.data()), [rest.y, null]];
  }
}

gpuTest("summary() writes nested inputs and outputs as Python lists", () => {
  const block = new Pair();
  block.initialize();
  using x = zeros([3, 2]);
  const { rows, macs } = block.summary(x, { y: x });
  assertEquals(rows.map(({ outputShape }) => outputShape), [
    "(3, 2), [(3, 2)]",
    "(3, 2), [(3, 2), None]",
  ]);
  assertEquals(macs, 12);
  block.dispose();
});

gpuTest(
  "summary() refuses hybridized blocks and parameters without values, and leaves no hook",
  () => {
    const net = NETS[0]!() as HybridSequential;
    using x = zeros([1, 3, 12, 12]);
    assertThrows(() => net.summary(x), StateError, "has not been initialized");
    net.initialize();
    net.hybridize();
    const stored = behaviour().errors.find(({ use }) => use === "summary of a hybridized net")!;
    assertThrows(() => net.summary(x), StateError, stored.message!.replace(".", ""));
    assert(net.children.values().every((child) => !child.hasHooks));
    net.hybridize(false);
    assertEquals(net.summary(x).rows.length, 6);
    net.dispose();
  },
);
