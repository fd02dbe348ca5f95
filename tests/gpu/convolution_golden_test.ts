// The golden cases of all convolution layers, transposed ones too: outputs and all gradients within their tolerances.

import { assertEquals } from "@std/assert";
import * as vknn from "../../mod.ts";
import { type GoldenCase, goldenCases, goldenValues, optionsOf } from "../golden/load.ts";
import { assertClose } from "../support/close.ts";
import { gpuTest } from "../support/test.ts";

const { autograd } = vknn;

const LAYERS = {
  Conv1D: vknn.Conv1D,
  Conv2D: vknn.Conv2D,
  Conv3D: vknn.Conv3D,
  Conv1DTranspose: vknn.Conv1DTranspose,
  Conv2DTranspose: vknn.Conv2DTranspose,
  Conv3DTranspose: vknn.Conv3DTranspose,
} as const;

/** How many cases there are, so that none is lost by a misspelt name. */
const COUNTS = {
  Conv1D: 24,
  Conv2D: 33,
  Conv3D: 22,
  Conv1DTranspose: 21,
  Conv2DTranspose: 26,
  Conv3DTranspose: 22,
} as const;

async function check(golden: GoldenCase): Promise<void> {
  const { channels, kernelSize, ...options } = optionsOf(golden.args);
  const Layer = LAYERS[golden.layer as keyof typeof LAYERS];
  using layer = new Layer(channels as number, kernelSize as vknn.Size, options);
  const params = Object.entries(golden.params).map(([name, tensor]) =>
    [name, { data: goldenValues(tensor), shape: tensor.shape }] as const
  );
  layer.loadDict(new Map(params));
  using x = vknn.tensor(goldenValues(golden.input), golden.input.shape);
  const leaves = new Map([["input", x]]);
  for (const [name, parameter] of layer.params) leaves.set(name, parameter.data());
  for (const leaf of leaves.values()) leaf.attachGrad();
  using head = vknn.tensor(goldenValues(golden.head), golden.head.shape);
  using y = autograd.record(() => layer.call(x));
  assertEquals(y.shape, golden.output.shape, golden.id);
  const { rtol, atol, id } = golden;
  assertClose(await y.data() as Float32Array, goldenValues(golden.output), {
    rtol,
    atol,
    label: id,
  });
  y.backward(head);
  assertEquals([...leaves.keys()].sort(), Object.keys(golden.grads).sort(), id);
  for (const [name, expected] of Object.entries(golden.grads)) {
    using gradient = leaves.get(name)!.grad!;
    assertEquals(gradient.shape, expected.shape, `${id} ${name}`);
    const actual = await gradient.data() as Float32Array;
    assertClose(actual, goldenValues(expected), { rtol, atol, label: `${id} gradient of ${name}` });
  }
}

for (const [layer, count] of Object.entries(COUNTS)) {
  gpuTest(`${layer} computes the golden outputs and gradients`, async () => {
    const cases = goldenCases(layer);
    assertEquals(cases.length, count);
    for (const golden of cases) await check(golden);
  });
}
