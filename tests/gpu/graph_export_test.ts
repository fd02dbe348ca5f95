/** export(), optimizeFor(), inferType(): files that MXNet reads, and that come back as the same network. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeParameters, encodeSymbol } from "../../io.ts";
import {
  Conv2D,
  convolution,
  Dense,
  HybridBlock,
  HybridSequential,
  pad,
  StateError,
  SymbolBlock,
  type Tensor,
  tensor,
  zeros,
} from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { filledBlock, GRAPH_BLOCKS } from "../support/graph_blocks.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

function image(shape: readonly number[]): Tensor {
  return tensor(new Random(7).float32(shape.reduce((product, size) => product * size, 1)), shape);
}

for (const entry of GRAPH_BLOCKS) {
  gpuTest(`export() of ${entry.name} comes back as the same network`, async () => {
    using x = image(entry.input);
    using block = filledBlock(entry, (each) => void (each.call(x) as Tensor).dispose());
    block.hybridize();
    using y = block.call(x) as Tensor;
    const { graph, params } = await block.export(null);
    using loaded = await SymbolBlock.imports(
      encodeSymbol(graph),
      "data",
      params.size === 0 ? null : encodeParameters(params),
    );
    using z = loaded.call(x);
    assertEquals(z.shape, y.shape);
    assertClose(await z.data(), await y.data(), { rtol: 1e-5, atol: 1e-5 });
  });
}

gpuTest("export() writes both files, with shared parameters under their last name", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vknn-"));
  using net = new HybridSequential().add(new Conv2D(2, 1, { inChannels: 2 }), new Conv2D(2, 1));
  net.at(1).shareParameters(net.at(0).collectParams());
  net.initialize();
  const path = join(folder, "net");
  await assertRejects(() => net.export(path), StateError, "hybridize()");
  net.hybridize();
  using x = image([1, 2, 3, 3]);
  using y = net.call(x);
  assertEquals(await net.export(path, 7), [`${path}-symbol.json`, `${path}-0007.params`]);
  assertEquals(readdirSync(folder).sort(), ["net-0007.params", "net-symbol.json"]);
  using loaded = await SymbolBlock.imports(`${path}-symbol.json`, "data", `${path}-0007.params`);
  assertEquals([...loaded.params.keys()], ["1.weight", "1.bias"]);
  using z = loaded.call(x);
  assertEquals(await z.data(), await y.data());
  rmSync(folder, { recursive: true });
});

gpuTest(
  "export() of a network without parameters writes one file, for other batches too",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "vknn-"));
    class Rows extends HybridBlock {
      override forward(x: Tensor): Tensor {
        return x.reshape([x.shape[0]!, 6]).mul(2);
      }
    }
    const block = new Rows();
    block.hybridize();
    using x = image([2, 2, 3]);
    block.call(x).dispose();
    const [symbol, params] = await block.export(join(folder, "rows"));
    assertEquals(params, null);
    const loaded = await SymbolBlock.imports(symbol, "data");
    using other = image([5, 2, 3]);
    using y = loaded.call(other);
    assertEquals(y.shape, [5, 6]);
    rmSync(folder, { recursive: true });
  },
);

gpuTest("export() refuses what MXNet does not have, by name", async () => {
  class Circular extends HybridBlock {
    override forward(x: Tensor): Tensor {
      return pad(x, [[0, 0], [0, 0], [1, 1], [1, 1]], { mode: "circular" });
    }
  }
  const block = new Circular();
  block.hybridize();
  using x = image([1, 1, 3, 3]);
  block.call(x).dispose();
  await assertRejects(() => block.export(null), RangeError, "circular");
});

gpuTest("constants made while tracing are exported as parameters", async () => {
  class Sharpen extends HybridBlock {
    override forward(x: Tensor): Tensor {
      return convolution(x, tensor([0, -1, 0, -1, 5, -1, 0, -1, 0], [1, 1, 3, 3]));
    }
  }
  const block = new Sharpen();
  using x = image([1, 1, 5, 5]);
  using eager = block.call(x);
  block.hybridize();
  using y = block.call(x);
  assertEquals(await y.data(), await eager.data());
  const { params } = await block.export(null);
  assertEquals([...params.keys()], ["arg:const0"]);
  block.hybridize(false);
});

gpuTest("optimizeFor() traces without running, and knows no backend but its own", async () => {
  using dense = new Dense(4);
  dense.initialize();
  using x = zeros([2, 3]);
  assertThrows(
    () => dense.optimizeFor([x], { backend: "TensorRT" }),
    RangeError,
    "unknown backend",
  );
  dense.optimizeFor([x]);
  assert(dense.active);
  assertEquals(dense.weight.shape, [4, 3]);
  const { graph } = await dense.export(null);
  assertEquals(graph.nodes.at(-1)?.op, "FullyConnected");
});

gpuTest("inferType() gives parameters the dtype of the input, but not running statistics", () => {
  using block = filledBlock(GRAPH_BLOCKS[0]!, (each) => {
    using x = image(GRAPH_BLOCKS[0]!.input);
    (each.call(x) as Tensor).dispose();
  });
  using x = zeros(GRAPH_BLOCKS[0]!.input, { dtype: "float16" });
  block.inferType(x);
  const params = block.collectParams();
  assertEquals(params.get("1.weight")!.dtype, "float16");
  assertEquals(params.get("2.running_mean")!.dtype, "float32");
  block.hybridize();
  using y = block.call(x) as Tensor;
  assertEquals(y.dtype, "float16");
  using integers = zeros(GRAPH_BLOCKS[0]!.input, { dtype: "int32" });
  assertThrows(() => block.inferType(integers), TypeError, "int32");
});
