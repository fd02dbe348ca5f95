/**
 * All golden cases after `cast("float16")`, forward and backward. Two rules:
 * 1. Every operator that runs gives the bits of its float32 result, rounded once. Float32 has its own tests against
 *    the golden vectors and the oracles, so this leaves nothing open.
 * 2. The whole lies within rtol 2e-3 of the golden values, and atol 2e-3 times the largest of them if that is above 1
 *    (inputs and heads are about 1), though inputs, heads and parameters were rounded first. Not so deformable layers:
 *    offsets that are rounded move samples over borders of cells, where their gradients jump; nor gradients of maxima
 *    that rounding made equal.
 */
import { assert, assertEquals } from "@std/assert";
import * as vknn from "../../mod.ts";
import { type GoldenCase, goldenCases, goldenValues, optionsOf } from "../golden/load.ts";
import { assertClose } from "../support/close.ts";
import { gpuTest } from "../support/test.ts";
import { checkingOperators, LOWEST, rounded } from "./float16_support.ts";

/** How many cases there are, so that none is lost. */
const CASES = 303;
const TOLERANCE = 2e-3;

interface Layer extends vknn.Block {
  forward(x: vknn.Tensor): vknn.Tensor;
}

type Maker = new (...values: unknown[]) => Layer;
const layers = vknn as unknown as Readonly<Record<string, Maker>>;

function make({ layer, args }: GoldenCase): Layer {
  const { channels, kernelSize, poolSize, factor, ...options } = optionsOf(args);
  const Layer = layers[layer]!;
  if (layer.startsWith("Global")) return new Layer(options);
  if (layer.includes("Pool")) return new Layer(poolSize ?? 2, options);
  if (layer.startsWith("PixelShuffle")) return new Layer(factor);
  if (layer.startsWith("Reflection")) return new Layer(options["padding"]);
  return new Layer(channels, kernelSize, options);
}

/** Compares with golden values, relative to 1 or the largest finite one. */
function assertNear(actual: ArrayLike<number>, golden: Float32Array, label: string): void {
  const expected = golden.map((value) => value === LOWEST.float32 ? LOWEST.float16 : value);
  const sizes = Array.from(golden, Math.abs).filter((size) => size < LOWEST.float16 ** 2);
  const atol = TOLERANCE * Math.max(1, ...sizes);
  assertClose(actual, expected, { rtol: TOLERANCE, atol, label });
}

async function check(golden: GoldenCase, counts: Map<string, number>): Promise<void> {
  const { id } = golden;
  using layer = make(golden);
  const params = Object.entries(golden.params).map(([name, tensor]) =>
    [name, { data: goldenValues(tensor), shape: tensor.shape }] as const
  );
  layer.loadDict(new Map(params));
  layer.cast("float16");
  const half = (values: Float32Array, shape: readonly number[]) =>
    vknn.tensor(rounded(values), shape, { dtype: "float16" });
  using x = half(goldenValues(golden.input), golden.input.shape).attachGrad();
  using head = half(goldenValues(golden.head), golden.head.shape);
  const leaves = new Map([["input", x]]);
  for (const [name, parameter] of layer.collectParams()) {
    assertEquals(parameter.dtype, "float16");
    leaves.set(name, parameter.data().attachGrad());
  }
  const outputs: vknn.Tensor[] = [];
  const found = checkingOperators(() => {
    // The activation is fused only where nothing is recorded.
    outputs.push(layer.call(x), vknn.autograd.record(() => layer.call(x)));
    outputs[1]!.backward(head);
  });
  for (const [name, count] of found) counts.set(name, (counts.get(name) ?? 0) + count);
  const isSmooth = !golden.layer.includes("Deformable");
  const values = goldenValues(golden.input);
  const keepsOrder = !golden.layer.includes("Max") ||
    new Set(rounded(values)).size === new Set(values).size;
  for (const y of outputs) {
    assertEquals(y.dtype, "float16", id);
    assertEquals(y.shape, golden.output.shape, id);
    if (isSmooth) assertNear(await y.data(), goldenValues(golden.output), `${id} output`);
    y.dispose();
  }
  for (const [name, expected] of Object.entries(golden.grads)) {
    const gradient = leaves.get(name)!.grad!;
    assertEquals(gradient.dtype, "float16", id);
    assertEquals(gradient.shape, expected.shape, `${id} ${name}`);
    const label = `${id} gradient of ${name}`;
    if (isSmooth && keepsOrder) assertNear(await gradient.data(), goldenValues(expected), label);
  }
}

const byLayer = Map.groupBy(goldenCases(), ({ layer }) => layer);

for (const [layer, cases] of byLayer) {
  gpuTest(`${layer} computes the golden cases in float16`, async () => {
    const counts = new Map<string, number>();
    for (const golden of cases) await check(golden, counts);
    // Two forwards and a backward pass at least.
    const calls = [...counts.values()].reduce((sum, count) => sum + count, 0);
    assert(calls >= 3 * cases.length, `${calls} calls were checked`);
  });
}

gpuTest("no golden case is missing in float16", () => {
  assertEquals([...byLayer.values()].flat().length, CASES);
});
