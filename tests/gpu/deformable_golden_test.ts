// Golden cases of the deformable, padding and pixel shuffle layers: outputs, and gradients of the input and of every
// parameter through autograd.

import { assertEquals } from "@std/assert";
import * as vknn from "../../mod.ts";
import { type GoldenCase, goldenCases, goldenValues, optionsOf } from "../golden/load.ts";
import { assertClose } from "../support/close.ts";
import { gpuTest } from "../support/test.ts";

/** How many cases there are, so that none is lost by a misspelt name. */
const COUNTS = {
  DeformableConvolution: 20,
  ModulatedDeformableConvolution: 20,
  ReflectionPad2D: 3,
  PixelShuffle1D: 2,
  PixelShuffle2D: 2,
  PixelShuffle3D: 2,
};

interface Layer extends vknn.Block {
  forward(x: vknn.Tensor): vknn.Tensor;
}

function make({ layer, args }: GoldenCase): Layer {
  const { channels, kernelSize, factor, padding, ...options } = optionsOf(args);
  switch (layer) {
    case "DeformableConvolution":
    case "ModulatedDeformableConvolution":
      return new vknn[layer](channels as number, kernelSize as number[], {
        ...options,
        padding: padding as number[],
      });
    case "ReflectionPad2D":
      return new vknn.ReflectionPad2D(padding as number);
    default:
      return new vknn[layer as "PixelShuffle2D"](factor as number);
  }
}

async function check(golden: GoldenCase): Promise<void> {
  using layer = make(golden);
  const params = Object.entries(golden.params).map(([name, tensor]) =>
    [name, { data: goldenValues(tensor), shape: tensor.shape }] as const
  );
  layer.loadDict(new Map(params));
  assertEquals(
    [...layer.collectParams().keys()].sort(),
    Object.keys(golden.params).sort(),
    golden.id,
  );
  using x = vknn.tensor(goldenValues(golden.input), golden.input.shape).attachGrad();
  const leaves = new Map([["input", x]]);
  for (const [name, parameter] of layer.collectParams()) {
    leaves.set(name, parameter.data().attachGrad());
  }
  using plain = layer.call(x);
  using y = vknn.autograd.record(() => layer.call(x));
  using head = vknn.tensor(goldenValues(golden.head), golden.head.shape);
  y.backward(head);
  const { rtol, atol } = golden;
  // The activation is fused only where nothing is recorded.
  for (const output of [plain, y]) {
    assertEquals(output.shape, golden.output.shape, golden.id);
    const label = `${golden.id} output`;
    assertClose(await output.data(), goldenValues(golden.output), { rtol, atol, label });
  }
  for (const [name, expected] of Object.entries(golden.grads)) {
    const gradient = leaves.get(name)!.grad!;
    assertEquals(gradient.shape, expected.shape, `${golden.id} ${name}`);
    const label = `${golden.id} gradient of ${name}`;
    assertClose(await gradient.data(), goldenValues(expected), { rtol, atol, label });
  }
}

for (const [layer, count] of Object.entries(COUNTS)) {
  gpuTest(`${layer} computes the golden outputs and gradients`, async () => {
    const cases = goldenCases(layer);
    assertEquals(cases.length, count);
    for (const golden of cases) await check(golden);
  });
}
