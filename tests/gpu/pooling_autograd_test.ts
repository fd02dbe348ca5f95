/** Gradients of pooling through the tape, first and second, against the float64 oracle. */
import { assert, assertEquals } from "@std/assert";
import * as vknn from "../../mod.ts";
import { poolingCases } from "../cases/pooling.ts";
import { build, type Reference, size } from "../reference/array.ts";
import * as oracle from "../reference/pooling.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

const { autograd, tensor } = vknn;
const GRADIENT = { rtol: 1e-5, atol: 1e-6 };

/** Pools by operator, as random cases are not all layers. */
function pool({ settings }: ReturnType<typeof poolingCases>[number], x: vknn.Tensor): vknn.Tensor {
  const { type, layout, windows, nanPolicy = "skip", countIncludePad = true } = settings;
  if (windows.kind === "global") return vknn.globalPooling(x, { type, layout, nanPolicy });
  if (windows.kind === "adaptive") {
    return vknn.adaptivePooling(x, windows.outputSize, { type, layout, nanPolicy });
  }
  const { kernel, stride: strides, padding: before, paddingAfter: after = before } = windows;
  return vknn.pooling(x, kernel, {
    type,
    layout,
    nanPolicy,
    countIncludePad,
    strides,
    padding: before.map((each, axis) => [each, after[axis]!] as const),
    ceilMode: windows.convention === "clip" ? "clip" : windows.convention === "full",
  });
}

gpuTest("backward() through pooling gives the oracle's gradient", async () => {
  for (const each of poolingCases(51, 60)) {
    const shape = each.settings.input;
    using x = tensor(each.data, shape);
    x.attachGrad();
    using y = autograd.record(() => pool(each, x));
    const reference: Reference = { data: each.data, shape };
    const expected = oracle.pooling(reference, each.attributes);
    assertEquals(y.shape, expected.shape, each.label);
    const heads = new Random(52).float32(y.size);
    using head = tensor(heads, y.shape);
    y.backward(head);
    const gradient = oracle.poolingGradient(
      reference,
      { data: heads, shape: y.shape },
      each.attributes,
    );
    assertClose(await x.grad!.data(), gradient.data, { ...GRADIENT, label: each.label });
  }
});

gpuTest("second derivatives of pooling are linear in the head, by the oracle", async () => {
  for (const each of poolingCases(53, 40)) {
    const shape = each.settings.input;
    const reference: Reference = { data: each.data, shape };
    const pooled = oracle.pooling(reference, each.attributes);
    const places = oracle.poolingPlaces(reference, each.attributes);
    const random = new Random(54);
    const other = random.float32(size(shape));
    using x = tensor(each.data, shape);
    using head = tensor(random.float32(size(pooled.shape)), pooled.shape);
    using direction = tensor(other, shape);
    x.attachGrad();
    head.attachGrad();
    // dx is linear in head: its gradient to head, along a direction, is the pooling of the direction.
    using gradient = autograd.record(() => {
      const y = pool(each, x);
      return autograd.grad(y, x, { headGradients: head, createGraph: true });
    });
    using second = autograd.grad(gradient, head, { headGradients: direction });
    const layout = each.settings.layout;
    const expected = each.settings.type === "avg"
      ? oracle.pooling({ data: other, shape }, each.attributes)
      : take({ data: other, shape }, places, layout);
    assertClose(await second.data(), expected.data, { ...GRADIENT, label: each.label });
  }
});

/** Elements at places of planes, 0 where there is none. */
function take(x: Reference, places: Reference, layout: string): Reference {
  const last = layout.endsWith("C");
  const plane = size(last ? x.shape.slice(1, -1) : x.shape.slice(2));
  const channels = last ? x.shape.at(-1)! : x.shape[1]!;
  return build(places.shape, (index) => {
    const c = last ? index.at(-1)! : index[1]!;
    const windows = places.shape.reduce((at, length, axis) => at * length + index[axis]!, 0);
    const place = places.data[windows]!;
    if (place < 0) return 0;
    const at = last
      ? (index[0]! * plane + place) * channels + c
      : (index[0]! * channels + c) * plane + place;
    return x.data[at]!;
  });
}

gpuTest("layers record, and unpooling has a gradient too", async () => {
  const data = new Random(55).distinct(2 * 3 * 8 * 8);
  using x = tensor(data, [2, 3, 8, 8]);
  x.attachGrad();
  const down = new vknn.MaxPool2D(2, { returnIndices: true });
  const up = new vknn.MaxUnpool2D(2);
  const mean = new vknn.GlobalAvgPool2D();
  using y = autograd.record(() => {
    const [maxima, indices] = down.call(x);
    return mean.call(up.call(maxima, indices));
  });
  y.backward();
  // Each maximum is one of 64 elements that the mean divides by.
  const reference: Reference = { data, shape: [2, 3, 8, 8] };
  const attributes = { type: "max", kernel: [2, 2], stride: [2, 2] } as const;
  const head = build([2, 3, 4, 4], () => 1 / 64);
  const expected = oracle.poolingGradient(reference, head, attributes);
  assertClose(await x.grad!.data(), expected.data, { rtol: 1e-6, atol: 1e-8 });
});

gpuTest("gradients of pooling repeat bit by bit, and accumulate where asked", async () => {
  using x = tensor(new Random(56).float32(3 * 17 * 19), [1, 3, 17, 19]);
  x.attachGrad();
  const layer = new vknn.MaxPool2D(3, { strides: 2, padding: 1 });
  const once = async (): Promise<number[]> => {
    using y = autograd.record(() => layer.call(x));
    y.backward();
    return [...await x.grad!.data()];
  };
  const first = await once();
  assert(first.some((value) => value > 1));
  for (let repeat = 1; repeat < 20; repeat++) assertEquals(await once(), first);
  x.attachGrad("add");
  await once();
  assertEquals(await once(), first.map((value) => 2 * value));
});
