// What Winograd kernels lose against float64, as docs/performance_layers.md claims it; and devices that go without them.

import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { convolution, tensor } from "../../mod.ts";
import type { Device } from "../../src/device/device.ts";
import { type ConvolutionSettings, planConvolution } from "../../src/kernels/convolution.ts";
import { type Reference, size } from "../reference/array.ts";
import { convolution as oracle } from "../reference/convolution.ts";
import { Random } from "../support/random.ts";
import { ROOT } from "../support/subprocess.ts";
import { gpuTest, test } from "../support/test.ts";
import { bytesOf, runPlan } from "./kernels_run.ts";
import { withDevice } from "./device_support.ts";

type Operand = Reference & { readonly data: Float32Array<ArrayBuffer> };

/** Layers that take Winograd kernels by themselves: few channels and many, by the rows of the table. */
const CASES: Readonly<Record<string, readonly (readonly [number, number, number])[]>> = {
  "F(2x2, 3x3)": [[128, 128, 10], [256, 256, 10]],
  "F(4x4, 3x3)": [[32, 32, 24], [64, 64, 16], [256, 32, 14]],
  "F(4x4, 5x5)": [[32, 32, 20], [128, 32, 14]],
};

/** Errors of the table in the documentation, by its first column. */
function claims(): Readonly<Record<string, readonly number[]>> {
  const text = readFileSync(join(ROOT, "docs/performance_layers.md"), "utf8");
  const rows = [...text.matchAll(/^\| (F\(\S+ \S+\)) \| (\S+) \| (\S+) \|$/gm)];
  return Object.fromEntries(rows.map(([, name, ...errors]) => [name!, errors.map(Number)]));
}

function problem(
  tiles: string,
  [channels, filters, side]: readonly [number, number, number],
): { settings: ConvolutionSettings; x: Operand; k: Operand; expected: Reference } {
  const kernel = tiles.endsWith("5x5)") ? 5 : 3;
  const settings = {
    layout: "NCHW",
    input: [1, channels, side, side],
    weight: [filters, channels, kernel, kernel],
    padding: [kernel >> 1, kernel >> 1],
  } as const;
  const random = new Random(channels + kernel);
  const draw = (shape: readonly number[]): Operand => ({
    data: random.float32(size(shape)),
    shape: [...shape],
  });
  const [x, k] = [draw(settings.input), draw(settings.weight)];
  return { settings, x, k, expected: oracle(x, k, null, settings) };
}

/** Largest distance, relative to the largest result. */
function errorOf(actual: ArrayLike<number>, { data }: Reference): number {
  let distance = 0;
  let largest = 0;
  for (let at = 0; at < data.length; at++) {
    const gap = Math.abs(actual[at]! - data[at]!);
    distance = Math.max(distance, Number.isNaN(gap) ? Infinity : gap);
    largest = Math.max(largest, Math.abs(data[at]!));
  }
  return distance / largest;
}

async function run(
  device: Device,
  { settings, x, k, expected }: ReturnType<typeof problem>,
  variant?: string,
): Promise<Float32Array> {
  const plan = planConvolution(device.capabilities, settings, variant);
  const bytes = await runPlan(
    device,
    plan,
    [x, k].map(({ data }) => bytesOf(data)),
    4 * size(expected.shape),
  );
  return new Float32Array(bytes.buffer, bytes.byteOffset, size(expected.shape));
}

test("the documentation tells the error of every Winograd kernel", () => {
  assertEquals(Object.keys(claims()), Object.keys(CASES));
});

gpuTest("Winograd's errors against float64 are within twice of what is claimed", async (device) => {
  const { deviceClass, subgroupSize } = device.capabilities;
  // Other devices have no Winograd kernels.
  if (deviceClass !== "cpu" || subgroupSize !== 8) return;
  for (const [tiles, cases] of Object.entries(CASES)) {
    const worst = { winograd: 0, without: 0 };
    for (const each of cases) {
      const made = problem(tiles, each);
      const plain = { ...made, settings: { ...made.settings, winograd: false } };
      const chosen = planConvolution(device.capabilities, made.settings).label;
      const name = tiles.startsWith("F(2x2") ? "cpu_winograd_2" : "cpu_winograd";
      assertEquals(chosen, `Convolution/${name}`);
      worst.winograd = Math.max(worst.winograd, errorOf(await run(device, made), made.expected));
      const direct = errorOf(await run(device, plain), made.expected);
      worst.without = Math.max(worst.without, direct);
    }
    [worst.winograd, worst.without].forEach((error, column) => {
      const claim = claims()[tiles]![column]!;
      assert(
        error <= 2 * claim && error >= claim / 2,
        `${tiles}: the error is ${error.toExponential(1)}, the claim ${claim.toExponential(1)}`,
      );
    });
  }
});

gpuTest(
  "Device.open({ winograd: false }) goes without Winograd kernels",
  () =>
    withDevice({ winograd: false }, async (device) => {
      for (const [tiles, [first]] of Object.entries(CASES)) {
        const made = problem(tiles, first!);
        const { x, k, expected } = made;
        assert(!planConvolution(device.capabilities, made.settings).label.includes("winograd"));
        using input = tensor(x.data, x.shape, { device });
        using weight = tensor(k.data, k.shape, { device });
        using y = convolution(input, weight, null, { padding: made.settings.padding! });
        const actual = await y.data() as Float32Array;
        // The tolerance of direct kernels, which Winograd's error is above.
        const direct = errorOf(await run(device, made, "direct"), expected);
        const error = errorOf(actual, expected);
        assert(error <= Math.max(2 * direct, 1e-6), `${tiles}: ${error}, direct ${direct}`);
      }
    }),
);
