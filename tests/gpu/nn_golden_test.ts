/** The golden cases of the layers that exist: every output within its tolerance. */
import { assert, assertEquals } from "@std/assert";
import * as vknn from "../../mod.ts";
import { type GoldenCase, goldenCases, goldenValues, optionsOf } from "../golden/load.ts";
import { assertClose } from "../support/close.ts";
import { gpuTest } from "../support/test.ts";

const { Conv1D, Conv2D, Conv3D, PixelShuffle1D, PixelShuffle2D, PixelShuffle3D } = vknn;

/** How many cases there are, so that none is lost by a misspelt name. */
const COUNTS = {
  Conv1D: 24,
  Conv2D: 33,
  Conv3D: 22,
  PixelShuffle1D: 2,
  PixelShuffle2D: 2,
  PixelShuffle3D: 2,
};

type Layer = vknn._Conv | vknn.PixelShuffle1D | vknn.PixelShuffle2D | vknn.PixelShuffle3D;

function make({ layer, args }: GoldenCase): Layer {
  const { channels, kernelSize, factor, ...options } = optionsOf(args);
  const size = (factor ?? kernelSize) as vknn.Size;
  switch (layer) {
    case "Conv1D":
      return new Conv1D(channels as number, size, options);
    case "Conv2D":
      return new Conv2D(channels as number, size, options);
    case "Conv3D":
      return new Conv3D(channels as number, size, options);
    case "PixelShuffle1D":
      return new PixelShuffle1D(size);
    case "PixelShuffle2D":
      return new PixelShuffle2D(size);
    default:
      return new PixelShuffle3D(size);
  }
}

async function check(golden: GoldenCase, hooked: boolean = false): Promise<void> {
  using layer = make(golden);
  // A hook on the activation makes it run on its own instead of fused.
  let hookCalls = 0;
  if (hooked) layer.children.get("act")?.registerForwardHook(() => hookCalls++);
  const params = Object.entries(golden.params).map(([name, tensor]) =>
    [name, { data: goldenValues(tensor), shape: tensor.shape }] as const
  );
  layer.loadDict(new Map(params));
  using x = vknn.tensor(goldenValues(golden.input), golden.input.shape);
  using y = layer.call(x);
  assertEquals(y.shape, golden.output.shape, golden.id);
  const { rtol, atol } = golden;
  assertClose(await y.data() as Float32Array, goldenValues(golden.output), {
    rtol,
    atol,
    label: golden.id,
  });
  assertEquals(hookCalls, hooked ? 1 : 0);
}

for (const [layer, count] of Object.entries(COUNTS)) {
  gpuTest(`${layer} computes the golden outputs`, async () => {
    const cases = goldenCases(layer);
    assertEquals(cases.length, count);
    for (const golden of cases) await check(golden);
  });
}

gpuTest("an activation with a hook runs on its own and gives the same", async () => {
  const cases = goldenCases("Conv2D").filter(({ args }) => args["activation"] !== undefined);
  assert(cases.length >= 7);
  for (const golden of cases) await check(golden, true);
});
