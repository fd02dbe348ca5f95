/** Normalizations and the relatives of the leaky rectifier against values and gradients that MXNet itself computed. */
import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import * as vknn from "../../mod.ts";
import { assertClose } from "../support/close.ts";
import { gpuTest, test } from "../support/test.ts";

interface GoldenCase {
  readonly layer: string;
  readonly options: Readonly<Record<string, number | boolean>>;
  readonly shape: readonly number[];
  readonly mode: "train" | "predict";
  readonly text: string;
  readonly x: readonly number[];
  readonly head: readonly number[];
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly y: readonly number[];
  readonly dx: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  /** Running statistics after the call and its backward pass. */
  readonly after: Readonly<Record<string, readonly number[]>>;
}

interface Golden {
  readonly texts: Readonly<Record<string, string>>;
  readonly cases: readonly GoldenCase[];
}

const path = new URL("../golden/normalization.json", import.meta.url);
const golden = JSON.parse(readFileSync(path, "utf8")) as Golden;

type Maker = new (...values: unknown[]) => vknn.HybridBlock & {
  forward(x: vknn.Tensor): vknn.Tensor;
};

/** Layers that take their first argument by position. */
const POSITIONAL: Readonly<Record<string, string>> = {
  GroupNorm: "numGroups",
  LeakyReLU: "alpha",
  ELU: "alpha",
  Swish: "beta",
};

function make({ layer, options }: GoldenCase) {
  const Layer = (vknn as unknown as Readonly<Record<string, Maker>>)[layer]!;
  const { [POSITIONAL[layer] ?? ""]: first, ...named } = options;
  const values = first === undefined ? [] : [first];
  return new Layer(...values, ...Object.keys(named).length > 0 ? [named] : []);
}

/**
 * MXNet's gradient of SELU below zero is scale * (alpha + y), where the derivative is scale * alpha + y; the
 * float64 oracle of tests/cases/leaky_relu.ts checks ours.
 */
const WRONG_GRADIENTS: readonly string[] = ["SELU"];

const TOLERANCE = { rtol: 2e-5, atol: 2e-5 };

async function check(each: GoldenCase): Promise<void> {
  const layer = make(each);
  layer.initialize();
  const x = vknn.tensor(Float32Array.from(each.x), each.shape);
  vknn.autograd.predictMode(() => layer.call(x)).dispose();
  const parameters = layer.collectParams();
  for (const [name, values] of Object.entries(each.parameters)) {
    parameters.get(name)!.setData({ data: Float32Array.from(values), shape: [values.length] });
  }
  const label = `${each.layer} ${JSON.stringify(each.options)} ${each.mode}`;
  assertEquals(`${layer}`, each.text);
  x.attachGrad();
  const y = vknn.autograd.record(() => layer.call(x), { trainMode: each.mode === "train" });
  const head = vknn.tensor(Float32Array.from(each.head), each.shape);
  y.backward(head);
  assertClose(await y.data(), each.y, { ...TOLERANCE, label: `${label} y` });
  if (!WRONG_GRADIENTS.includes(each.layer)) {
    assertClose(await x.grad!.data(), each.dx, { ...TOLERANCE, label: `${label} dx` });
  }
  assertEquals(
    [...parameters].filter(([, { gradReq }]) => gradReq !== "null").map(([name]) => name).sort(),
    Object.keys(each.gradients).sort(),
  );
  for (const [name, values] of Object.entries(each.gradients)) {
    const actual = await parameters.get(name)!.grad().data();
    assertClose(actual, values, { ...TOLERANCE, label: `${label} d${name}` });
  }
  for (const [name, values] of Object.entries(each.after)) {
    const actual = await parameters.get(name)!.data().data();
    assertClose(actual, values, { ...TOLERANCE, label: `${label} ${name}` });
  }
  for (const own of [layer, x, y, head]) own.dispose();
}

for (const name of new Set(golden.cases.map(({ layer }) => layer))) {
  gpuTest(`${name} agrees with MXNet in values, gradients, statistics and text`, async () => {
    for (const each of golden.cases) if (each.layer === name) await check(each);
  });
}

test("layers of this family print as MXNet prints them before they saw an input", () => {
  const { texts } = golden;
  assertEquals(`${new vknn.BatchNorm({ inChannels: 64 })}`, texts["BatchNorm"]);
  assertEquals(`${new vknn.BatchNorm()}`, texts["BatchNormUnknown"]);
  assertEquals(`${new vknn.Dropout(0.5)}`, texts["Dropout"]);
  assertEquals(`${new vknn.Dropout(0.25, { axes: [2, 3] })}`, texts["DropoutAxes"]);
});
