// Winograd kernels against the float64 oracle and against the direct kernel, forced by name.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { LimitError } from "../../src/core/errors.ts";
import { type ConvolutionSettings, planConvolution } from "../../src/kernels/convolution.ts";
import { activation } from "../reference/activation.ts";
import { type Reference, size } from "../reference/array.ts";
import { convolution } from "../reference/convolution.ts";
import { pixelShuffle } from "../reference/movement.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { bytesOf, runPlan, sharedDevice } from "./kernels_run.ts";

const relu = { name: "relu" } as const;

/** Ragged and whole planes, one chunk and several, every padding, batches, epilogues. */
const CASES: readonly ConvolutionSettings[] = [
  { layout: "NCHW", input: [1, 4, 8, 8], weight: [8, 4, 3, 3], padding: [1, 1] },
  { layout: "NCHW", input: [2, 7, 13, 11], weight: [13, 7, 3, 3], padding: [1, 1], hasBias: true },
  { layout: "NCHW", input: [1, 5, 9, 8], weight: [9, 5, 3, 3], padding: [2, 2] },
  { layout: "NCHW", input: [1, 3, 6, 7], weight: [4, 3, 3, 3] },
  { layout: "NCHW", input: [1, 6, 7, 12], weight: [5, 6, 3, 3], padding: [0, 2] },
  {
    layout: "NCHW",
    input: [2, 9, 12, 16],
    weight: [12, 9, 5, 5],
    padding: [2, 2],
    hasBias: true,
    residual: "before",
    activation: relu,
  },
  { layout: "NCHW", input: [1, 5, 17, 9], weight: [20, 5, 5, 5], padding: [0, 4], hasBias: true },
  {
    layout: "NCHW",
    input: [1, 8, 10, 14],
    weight: [12, 8, 5, 5],
    padding: [1, 3],
    paddingAfter: [3, 0],
    residual: "after",
    activation: relu,
  },
  {
    layout: "NCHW",
    input: [1, 8, 9, 10],
    weight: [12, 8, 3, 3],
    padding: [1, 1],
    shuffle: [2, 2],
    hasBias: true,
  },
  {
    layout: "NHWC",
    input: [2, 7, 9, 6],
    weight: [10, 3, 3, 6],
    padding: [1, 1],
    hasBias: true,
    residual: "before",
  },
  { layout: "NHWC", input: [1, 8, 8, 8], weight: [8, 8, 5, 5], weightLayout: "NCHW" },
  // Many tiles: eight of them together, in several chunks.
  { layout: "NCHW", input: [1, 64, 60, 92], weight: [9, 64, 3, 3], padding: [1, 1] },
  // The product that keeps weights on the stack, where the driver suits it: two tiles of a row at once …
  {
    layout: "NCHW",
    input: [1, 20, 30, 40],
    weight: [64, 20, 3, 3],
    padding: [1, 1],
    hasBias: true,
    residual: "before",
    activation: relu,
  },
  {
    layout: "NCHW",
    input: [2, 16, 12, 16],
    weight: [32, 16, 5, 5],
    padding: [2, 2],
    hasBias: true,
  },
  // … several chunks, rows that are wider and narrower than the input's …
  { layout: "NCHW", input: [1, 36, 70, 104], weight: [64, 36, 3, 3], padding: [2, 2] },
  { layout: "NCHW", input: [1, 9, 10, 24], weight: [32, 9, 5, 5] },
  // … rows of no whole vectors, in several passes …
  { layout: "NCHW", input: [2, 130, 7, 7], weight: [64, 130, 3, 3], padding: [1, 1] },
  { layout: "NCHW", input: [1, 100, 9, 20], weight: [96, 100, 3, 3], padding: [1, 1] },
  // … with a depth, in one chunk and in two …
  {
    layout: "NCDHW",
    input: [2, 20, 5, 6, 16],
    weight: [32, 20, 3, 3, 3],
    padding: [1, 1, 1],
    hasBias: true,
    residual: "before",
    activation: relu,
  },
  { layout: "NCDHW", input: [1, 8, 6, 52, 52], weight: [64, 8, 3, 3, 3], padding: [1, 1, 1] },
  // … and behind a pixel shuffle.
  {
    layout: "NCHW",
    input: [1, 8, 8, 8],
    weight: [32, 8, 3, 3],
    padding: [1, 1],
    shuffle: [2, 2],
    residual: "after",
    activation: relu,
  },
];

/** Tiles of 2 x 2 results: ragged planes, batches, epilogues, both products. */
const SMALL_TILES: readonly ConvolutionSettings[] = [
  {
    layout: "NCHW",
    input: [2, 7, 5, 9],
    weight: [13, 7, 3, 3],
    padding: [1, 1],
    hasBias: true,
    residual: "before",
    activation: relu,
  },
  { layout: "NCHW", input: [1, 3, 6, 4], weight: [8, 3, 3, 3], padding: [2, 0], shuffle: [2, 2] },
  { layout: "NCHW", input: [2, 130, 7, 7], weight: [64, 130, 3, 3], padding: [1, 1] },
  {
    layout: "NCHW",
    input: [1, 16, 8, 8],
    weight: [32, 16, 3, 3],
    paddingAfter: [1, 1],
    hasBias: true,
    residual: "after",
  },
  { layout: "NCDHW", input: [1, 16, 2, 7, 7], weight: [32, 16, 2, 3, 3], padding: [2, 1, 1] },
];

function draw(random: Random, shape: readonly number[]): Reference & {
  data: Float32Array<ArrayBuffer>;
} {
  return { data: random.float32(size(shape)), shape: [...shape] };
}

function expectedOf(
  settings: ConvolutionSettings,
  [x, k, b]: readonly [Reference, Reference, Reference | null],
  random: Random,
): { y: Reference; residual: (Reference & { data: Float32Array<ArrayBuffer> }) | null } {
  let y = convolution(x, k, b, settings);
  if (settings.shuffle !== undefined) y = pixelShuffle(y, settings.shuffle);
  if (settings.residual === undefined) return { y, residual: null };
  const residual = draw(random, y.shape);
  const add = (a: Reference): Reference => ({
    ...a,
    data: Float64Array.from(a.data, (each, at) => each + residual.data[at]!),
  });
  if (settings.residual === "before") y = add(y);
  if (settings.activation !== undefined) y = activation(y, settings.activation.name);
  if (settings.residual === "after") y = add(y);
  return { y, residual };
}

/** Compares a variant, which may lose `tolerance` of the largest result. */
async function check(
  settings: ConvolutionSettings,
  variant: string,
  tolerance: number,
): Promise<void> {
  const device = await sharedDevice();
  const { loadPath, subgroupSize } = device.capabilities;
  // A depth takes the product that needs texel loads.
  if (subgroupSize !== 8 || (settings.layout === "NCDHW" && loadPath !== "texel")) return;
  const random = new Random(5);
  const x = draw(random, settings.input);
  const k = draw(random, settings.weight);
  const filters = settings.weight[0]!;
  const b = settings.hasBias ? draw(random, [filters]) : null;
  const { y, residual } = expectedOf(settings, [x, k, b], random);
  const inputs = [x, k, b, residual].map((each) => each === null ? null : bytesOf(each.data));
  let scale = 0;
  for (const each of Array.from(y.data)) scale = Math.max(scale, Math.abs(each));
  const label = JSON.stringify(settings);
  const run = async (variant: string): Promise<Float32Array> => {
    const plan = planConvolution(device.capabilities, settings, variant);
    const bytes = await runPlan(device, plan, inputs, y.data.length * 4);
    return new Float32Array(bytes.buffer, bytes.byteOffset, y.data.length);
  };
  const actual = await run(variant);
  const direct = await run("direct");
  for (let at = 0; at < actual.length; at++) {
    for (const [name, wanted] of [["the oracle", y.data[at]!], ["direct", direct[at]!]] as const) {
      assert(
        Math.abs(actual[at]! - wanted) <= tolerance * scale,
        `${label}: element ${at} is ${actual[at]}, ${name} says ${wanted}, largest ${scale}`,
      );
    }
  }
  assertEquals(await run(variant), actual, `${label} twice`);
}

for (const settings of CASES) {
  const { layout, input, weight } = settings;
  gpuTest(
    `Winograd of ${layout} ${input} with ${weight}`,
    () => check(settings, "cpu_winograd", 2e-5),
  );
}

for (const settings of SMALL_TILES) {
  const { layout, input, weight } = settings;
  gpuTest(
    `Winograd of ${layout} ${input} with ${weight} in tiles of 2 x 2`,
    () => check(settings, "cpu_winograd_2", 4e-6),
  );
}

gpuTest("Winograd with the product for any shape, where there is another", async () => {
  const { loadPath } = (await sharedDevice()).capabilities;
  if (loadPath !== "texel") return;
  await check(
    { layout: "NCHW", input: [1, 9, 12, 12], weight: [32, 9, 3, 3], padding: [1, 1] },
    "cpu_winograd_plain",
    2e-5,
  );
});

gpuTest("every load path of Winograd gives almost equal results", async () => {
  const device = await sharedDevice();
  if (device.capabilities.subgroupSize !== 8) return;
  const settings: ConvolutionSettings = {
    layout: "NCHW",
    input: [1, 5, 9, 8],
    weight: [9, 5, 3, 3],
    padding: [1, 1],
  };
  const random = new Random(3);
  const x = draw(random, settings.input);
  const k = draw(random, settings.weight);
  const expected = convolution(x, k, null, settings);
  for (const loadPath of ["storage", "texel", "address"] as const) {
    if (loadPath === "address" && !device.capabilities.bufferDeviceAddress) continue;
    const capabilities = { ...device.capabilities, loadPath };
    const plan = planConvolution(capabilities, settings, "cpu_winograd");
    const inputs = [x, k].map(({ data }) => bytesOf(data));
    const bytes = await runPlan(device, plan, inputs, expected.data.length * 4);
    const actual = new Float32Array(bytes.buffer, bytes.byteOffset, expected.data.length);
    for (let at = 0; at < actual.length; at++) {
      const wanted = expected.data[at]!;
      assert(Math.abs(actual[at]! - wanted) <= 2e-4, `${loadPath}: ${actual[at]} is not ${wanted}`);
    }
  }
});

gpuTest("Winograd is chosen for wide layers, and can be forbidden", async () => {
  const { capabilities } = await sharedDevice();
  if (capabilities.deviceClass !== "cpu" || capabilities.subgroupSize !== 8) return;
  const settings: ConvolutionSettings = {
    layout: "NCHW",
    input: [1, 64, 56, 56],
    weight: [64, 64, 3, 3],
    padding: [1, 1],
  };
  assertEquals(planConvolution(capabilities, settings).label, "Convolution/cpu_winograd");
  const forbidden = planConvolution(capabilities, { ...settings, winograd: false });
  assert(!forbidden.label.includes("winograd"), forbidden.label);
  assertThrows(
    () => planConvolution(capabilities, { ...settings, stride: [2, 2] }, "cpu_winograd"),
    LimitError,
  );
});

gpuTest("Winograd's temporaries stay small however large the picture is", async () => {
  const { capabilities } = await sharedDevice();
  if (capabilities.subgroupSize !== 8) return;
  for (const [channels, side, kernel] of [[64, 512, 5], [256, 256, 3], [512, 64, 5]] as const) {
    const settings: ConvolutionSettings = {
      layout: "NCHW",
      input: [1, channels, side, side],
      weight: [channels, channels, kernel, kernel],
      padding: [kernel >> 1, kernel >> 1],
    };
    const plan = planConvolution(capabilities, settings, "cpu_winograd");
    const bytes = plan.slots.reduce(
      (sum, slot) => sum + (slot.role === "temporary" ? slot.byteLength : 0),
      0,
    );
    assert(bytes <= 2 ** 25, `${bytes} bytes of temporaries`);
  }
});
