/** Block.save() and load(): MXNet's pair of files, written here and there. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeSymbol, readArrays, toTensor } from "../../io.ts";
import { Conv2D, FormatError, HybridSequential, MaxPool2D, ones, type Tensor } from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { ROOT } from "../support/subprocess.ts";
import { gpuTest } from "../support/test.ts";

const FILES = join(ROOT, "tests/files");

function network(): HybridSequential<Tensor> {
  return new HybridSequential().add(
    new Conv2D(4, 3, { activation: "relu" }),
    new MaxPool2D(2),
    new Conv2D(2, 1),
  );
}

for (const name of ["mx2_blocksave", "mx2_blocksave_hybrid"]) {
  gpuTest(`load() reads ${name}, which MXNet saved`, async () => {
    const arrays = new Map(
      (await readArrays(join(FILES, `${name}.io.npz`))).map((array) => [array.name, array]),
    );
    using net = network();
    await net.load(join(FILES, name));
    assertEquals(net.active, name.endsWith("hybrid"));
    const [input, output] = ["data", "out0"].map((each) => arrays.get(each)!);
    using x = toTensor(input!);
    using y = net.call(x);
    assertClose(await y.data(), output!.data as Float32Array, { rtol: 1e-4, atol: 1e-5 });
  });
}

gpuTest("save() writes what load() reads, and graphs in MXNet's form", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vknn-"));
  const prefix = join(folder, "net");
  using net = network();
  net.initialize();
  using x = ones([1, 3, 8, 8]);
  net.hybridize();
  using y = net.call(x);
  assertEquals(await net.save(prefix), [`${prefix}-model.json`, `${prefix}-model.params`]);
  const model = JSON.parse(readFileSync(`${prefix}-model.json`, "utf8")).hybridsequential0;
  assertEquals([model.hybridized, model.in_format, model.out_format], [true, [0], 0]);
  const keys = Object.keys(model).filter((key) => /\d$/.test(key));
  assertEquals(keys, ["conv2d1", "maxpool2d3", "conv2d4"]);
  assertEquals(model.conv2d1.activation2, { hybridized: false, params: {} });
  const { nodes } = decodeSymbol(new TextEncoder().encode(model.symbol));
  const name = `${model.conv2d4.params.weight.replaceAll("-", "_")}_weight`;
  assert(nodes.some((node) => node.op === "null" && node.name === name), name);
  assertEquals(decodeSymbol(new TextEncoder().encode(model.inputs[0])).nodes[0]!.name, "data");

  using other = network();
  await other.load(prefix);
  assert(other.active);
  using z = other.call(x);
  assertEquals(await z.data(), await y.data());
  // The name that MXNet 2.0 writes.
  renameSync(`${prefix}-model.params`, join(folder, "MyModel-model.params"));
  using third = network();
  await third.load(prefix);
  rmSync(folder, { recursive: true });
});

gpuTest("load() refuses other models and damaged files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vknn-"));
  const prefix = join(folder, "net");
  copyFileSync(join(FILES, "mx2_blocksave-model.json"), `${prefix}-model.json`);
  using conv = new Conv2D(4, 3);
  await assertRejects(() => conv.load(prefix), FormatError, '"conv2d0"');
  using net = network();
  await assertRejects(() => net.load(prefix), Error); // no parameters
  writeFileSync(`${prefix}-model.json`, "{");
  await assertRejects(() => net.load(prefix), FormatError, "no JSON");
  await assertRejects(() => net.load(""), TypeError, "prefix");
  rmSync(folder, { recursive: true });
});
