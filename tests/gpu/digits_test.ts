/** The digits example learns what the reference learned: same weights, same batches, same losses. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { scope, Trainer } from "../../mod.ts";
import { readDigits, take } from "../../examples/digits/data.ts";
import { makeNetwork } from "../../examples/digits/network.ts";
import { test as testDigits, trainBatch } from "../../examples/digits/train.ts";
import { gpuTest } from "../support/test.ts";

interface Reference {
  readonly initial: Readonly<Record<string, { shape: number[]; offset: number }>>;
  /** float64 */
  readonly losses: readonly number[];
}

const file = (name: string) => new URL(`../golden/${name}`, import.meta.url);

/** Names of the reference, in the order of the network's parameters. */
const NAMES = [
  ["conv1_weight", "0.weight"],
  ["conv1_bias", "0.bias"],
  ["conv2_weight", "2.weight"],
  ["conv2_bias", "2.bias"],
  ["dense_weight", "5.weight"],
  ["dense_bias", "5.bias"],
] as const;

gpuTest("digits: the first 20 losses agree with the reference", async (device) => {
  const { initial, losses } = JSON.parse(
    readFileSync(file("digits_reference.json"), "utf8"),
  ) as Reference;
  const bytes = Uint8Array.from(readFileSync(file("digits_reference.bin")));
  const network = makeNetwork();
  network.loadDict(Object.fromEntries(NAMES.map(([name, parameter]) => {
    const { shape, offset } = initial[name]!;
    const length = shape.reduce((product, extent) => product * extent, 1);
    return [parameter, { data: new Float32Array(bytes.buffer, offset, length), shape }];
  })));
  const trainer = new Trainer(network.collectParams(), "sgd", {
    learningRate: 0.05,
    momentum: 0.9,
  });
  const { train, test: others } = readDigits();
  assertEquals([train.count, others.count], [7996, 2004]);
  for (const [batch, wanted] of losses.entries()) {
    const order = Uint32Array.from({ length: 64 }, (_, at) => 64 * batch + at);
    const loss = trainBatch(network, trainer, take(train, order), device);
    const found = (await loss.data())[0] as number;
    loss.dispose();
    assertAlmostEquals(found, wanted, 1e-4, `batch ${batch}`);
  }
  const some = take(others, Uint32Array.from({ length: 300 }, (_, at) => at));
  const { accuracy, confusion } = await testDigits(network, some, device);
  const right = confusion.reduce((sum, row, digit) => sum + row[digit]!, 0);
  const all = confusion.reduce((sum, row) => sum + row.reduce((a, b) => a + b, 0), 0);
  assertEquals([all, right / all], [300, accuracy]);
  scope(() => network.dispose());
  trainer.dispose();
});
