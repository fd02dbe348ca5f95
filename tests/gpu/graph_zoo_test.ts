/** Networks of MXNet's model zoo: all can be read, some run; `deno task zoo` runs all of them. */
import { assertEquals, assertLess } from "@std/assert";
import { decodeSymbol } from "../../io.ts";
import { SymbolBlock } from "../../mod.ts";
import { gpuTest, test } from "../support/test.ts";
import { readZoo, runZooNetwork } from "../zoo/networks.ts";

const ZOO = { mx1: readZoo("mx1"), mx2: readZoo("mx2") };

test("SymbolBlock reads every network of both model zoos", () => {
  for (const networks of Object.values(ZOO)) {
    assertEquals(networks.length, 34);
    for (const { symbol, shapes } of networks) {
      const graph = decodeSymbol(new TextEncoder().encode(symbol));
      const block = new SymbolBlock(graph, "data");
      assertEquals([...block.params.keys()].sort(), Object.keys(shapes).sort());
    }
  }
});

for (
  const [version, name] of [
    ["mx1", "resnet18_v2"],
    ["mx1", "alexnet"],
    ["mx2", "resnet18_v1"],
    ["mx2", "mobilenet_v2_0_25"],
  ] as const
) {
  gpuTest(`${name} as exported by ${version} computes what MXNet computed`, async () => {
    const network = ZOO[version].find((each) => each.name === name)!;
    assertLess(await runZooNetwork(network), 1e-4);
  });
}
