/** inferType(): dtypes of parameters from those of inputs, operator by operator. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  cast,
  Conv2D,
  Dense,
  Flatten,
  fullyConnected,
  HybridBlock,
  HybridLambda,
  HybridSequential,
  Parameter,
  type Tensor,
  zeros,
} from "../../mod.ts";
import { GRAPH_BLOCKS } from "../support/graph_blocks.ts";
import { gpuTest } from "../support/test.ts";

function dtypesOf(block: HybridBlock): Record<string, string> {
  return Object.fromEntries(
    [...block.collectParams()].map(([name, { dtype }]) => [name, dtype]),
  );
}

function half(shape: readonly number[]): Tensor {
  return zeros(shape, { dtype: "float16" });
}

for (const { name, input, make } of GRAPH_BLOCKS.filter(({ name }) => name !== "padding")) {
  gpuTest(`inferType() of ${name} gives dtypes with which it runs, and leads back`, () => {
    using block = make();
    block.initialize();
    using x = half(input);
    using wide = zeros(input);
    block.inferType(x);
    const expected = (dtype: string) =>
      Object.fromEntries(
        // BatchNorm wants its four in float32 whatever the dtype of the data.
        Object.keys(dtypesOf(block)).map((
          key,
        ) => [key, name === "layers" && key.startsWith("2.") ? "float32" : dtype]),
      );
    assertEquals(dtypesOf(block), expected("float16"));
    block.optimizeFor([x]); // traced again, now with the rules that a call obeys
    block.inferType(x);
    assertEquals(dtypesOf(block), expected("float16"), "a second time nothing changes");
    block.inferType(wide);
    assertEquals(dtypesOf(block), expected("float32"));
    block.optimizeFor([wide]);
  });
}

gpuTest("inferType() follows casts, where another part begins", async () => {
  using net = new HybridSequential().add(
    new Conv2D(2, 1),
    new Flatten(),
    new HybridLambda((x) => cast(x as Tensor, "float32")),
    new Dense(2),
    new HybridLambda((x) => (x as Tensor).cast("float16")),
    new Dense(1, { useBias: false }),
  );
  net.initialize();
  using x = half([1, 3, 2, 2]);
  net.inferType(x);
  assertEquals(dtypesOf(net), {
    "0.weight": "float16",
    "0.bias": "float16",
    "3.weight": "float32",
    "3.bias": "float32",
    "5.weight": "float16",
  });
  using y = net.call(x);
  assertEquals([y.dtype, [...await y.data()]], ["float16", [0]]);
});

/** Its weights meet data late, through a cast, or never. */
class Derived extends HybridBlock {
  readonly scaled = new Parameter("scaled", { shape: [2, 3] });
  readonly factor = new Parameter("factor", { shape: [2, 1] });
  readonly fixed = new Parameter("fixed", { shape: [2, 3] });
  readonly unused = new Parameter("unused", { shape: [1] });
  override forward(x: Tensor, other: Tensor): Tensor {
    const weight = this.scaled.data().mul(this.factor.data()).reshape([2, 3]);
    const y = fullyConnected(x, weight, null);
    const z = fullyConnected(other, this.fixed.data().cast("float32"), null);
    return y.cast("float32").add(z);
  }
}

gpuTest(
  "inferType() reaches weights behind other operators, and leaves what nothing decides",
  () => {
    using block = new Derived();
    block.initialize();
    block.fixed.cast("float16");
    using x = half([1, 3]);
    using other = zeros([1, 3]);
    block.inferType(x, other);
    assertEquals(dtypesOf(block), {
      scaled: "float16",
      factor: "float16",
      fixed: "float16",
      unused: "float32",
    });
    using y = block.call(x, other) as Tensor;
    assertEquals(y.dtype, "float32");
  },
);

gpuTest("inferType() refuses inputs that an operator cannot take, and then changes nothing", () => {
  using dense = new Dense(2, { inUnits: 3 });
  dense.initialize();
  using x = zeros([1, 3], { dtype: "int32" });
  assertThrows(() => dense.inferType(x), TypeError, "int32");
  assertThrows(() => dense.inferType(3 as unknown as Tensor), TypeError, "at least one Tensor");
  // A parameter cannot meet two dtypes.
  using shared = new HybridSequential().add(
    dense,
    new HybridLambda((y) => (y as Tensor).cast("float16")),
    new Dense(3),
    new HybridLambda((y) => (y as Tensor).cast("float32")),
    dense,
  );
  shared.at(2).initialize();
  using wide = half([1, 3]);
  assertThrows(() => shared.inferType(wide), TypeError, "float16");
  assertEquals(new Set(Object.values(dtypesOf(shared))), new Set(["float32"]));
});
