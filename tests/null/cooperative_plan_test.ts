// Plans of cooperative matrix products, run on plain arrays: right results whatever way they read and write, every output
// element written exactly once, every read in range. And when they are chosen.

import { assert, assertEquals } from "@std/assert";
import type { Capabilities } from "../../src/core/capabilities.ts";
import { knownMatrixShape } from "../../src/device/cooperative_matrix.ts";
import * as vk from "../../ffi/vulkan/enums.ts";
import {
  type ConvolutionSettings,
  describeConvolution,
} from "../../src/kernels/convolution_problem.ts";
import {
  type CooperativeChoice,
  planCooperativeConvolution,
  planHalfConvolution,
} from "../../src/kernels/cooperative.ts";
import { cooperativeAccess } from "../../src/kernels/cooperative_pack.ts";
import {
  COOPERATIVE_TILES,
  cooperativeSharedBytes,
  cooperativeTileFits,
} from "../../src/kernels/cooperative_tile.ts";
import { type Reference, size } from "../reference/array.ts";
import { FORGED } from "../reference/capabilities.ts";
import { convolution } from "../reference/convolution.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";
import { COOPERATIVE_KERNELS } from "./cooperative_interpreter.ts";
import { interpret } from "./plan_interpreter.ts";

/** Few workgroups along each axis, so that even small grids are folded. */
const DEVICE: Capabilities = {
  ...FORGED.gpu,
  cooperativeMatrix: { m: 16, n: 16, k: 16 },
  maxWorkgroupCount: [3, 2, 65_535],
};
const SMALL = COOPERATIVE_TILES.slice(-2);

/** Small integers: sums are exact in any order. */
function draw(random: Random, shape: readonly number[]): Reference {
  const data = Array.from({ length: size(shape) }, () => random.integer(-4, 4));
  return { data, shape };
}

function drawSettings(random: Random): ConvolutionSettings {
  const layout = random.pick(["NCW", "NCHW", "NHWC", "NDHWC"] as const);
  const rank = layout.length - 2;
  const axes = (low: number, high: number): number[] =>
    Array.from({ length: rank }, () => random.integer(low, high));
  const arrange = (n: number, c: number, space: readonly number[]): number[] =>
    layout.endsWith("C") ? [n, ...space, c] : [n, c, ...space];
  const groups = random.pick([1, 1, 2]);
  const channels = random.pick([3, 8, 16, 20]);
  const filters = random.pick([4, 8, 16, 37]);
  const pointwise = random.integer(0, 2) === 0;
  const dilation = axes(1, 2);
  const kernel = pointwise ? axes(1, 1) : axes(1, 3);
  const space = pointwise
    ? [24, 8, 2].slice(0, rank).map((each) => rank === 3 ? 2 : each)
    : axes(5, [30, 8, 5][rank - 1]!);
  return {
    layout,
    input: arrange(random.integer(1, 2), channels * groups, space),
    weight: arrange(filters * groups, channels, kernel),
    stride: pointwise ? axes(1, 1) : axes(1, 2),
    padding: pointwise ? axes(0, 0) : axes(0, 2),
    dilation,
    groups,
    hasBias: random.integer(0, 1) === 1,
    residual: random.pick(["none", "before", "after"]),
  };
}

test("plans of cooperative products compute what is asked, however they read, write and split", () => {
  const random = new Random(63);
  const ways = new Set<string>();
  for (let round = 0; round < 36; round++) {
    const settings = drawSettings(random);
    const problem = describeConvolution(settings);
    const [x, k] = [draw(random, settings.input), draw(random, settings.weight)];
    const b = settings.hasBias ? draw(random, [problem.filters]) : null;
    const r = settings.residual === "none" ? null : draw(random, problem.outputShape);
    const y = convolution(x, k, b, settings);
    const expected = Array.from(y.data, (each, at) => each + (r?.data[at] ?? 0));
    const choice: CooperativeChoice = {
      tile: random.pick(SMALL),
      splits: random.pick([1, 1, 2, 3]),
      packed: random.integer(0, 3) === 0,
    };
    const plan = planCooperativeConvolution(DEVICE, problem, choice);
    const inputs = [x.data, k.data, b?.data ?? null, r?.data ?? null];
    const actual = interpret(plan, COOPERATIVE_KERNELS, inputs, expected.length, 2);
    assertEquals([...actual], expected, `${plan.label} ${JSON.stringify(settings)}`);
    const { load, store } = cooperativeAccess(problem);
    ways.add(`load ${choice.packed ? "packed" : load}`).add(`store ${store}`);
    ways.add(plan.label.endsWith("_split") ? "split" : "whole");
  }
  assertEquals([...ways].sort(), [
    "load channels",
    "load columns",
    "load packed",
    "split",
    "store 0",
    "store 1",
    "store 2",
    "whole",
  ]);
});

test("cooperative products are planned only where the device has them and the tiles fill", () => {
  const settings: ConvolutionSettings = {
    layout: "NCHW",
    input: [8, 64, 28, 28],
    weight: [64, 64, 3, 3],
    padding: [1, 1],
  };
  assertEquals(planHalfConvolution(FORGED.gpu, settings), null);
  assertEquals(planHalfConvolution({ ...DEVICE, deviceClass: "cpu" }, settings), null);
  assertEquals(planHalfConvolution({ ...DEVICE, maxSharedMemoryBytes: 4096 }, settings), null);
  const depthwise = { ...settings, weight: [64, 1, 3, 3], groups: 64 };
  assertEquals(planHalfConvolution(DEVICE, depthwise), null);
  assertEquals(planHalfConvolution(DEVICE, { ...settings, input: [0, 64, 28, 28] }), null);
  const plan = planHalfConvolution(DEVICE, settings);
  assert(plan !== null && plan.label.startsWith("Convolution/cooperative_"));
});

test("tiles stay within the shared memory and the invocations that devices have", () => {
  for (const shape of [{ m: 16, n: 16, k: 16 }, { m: 8, n: 8, k: 8 }]) {
    for (const tile of COOPERATIVE_TILES) {
      for (const pointwise of [false, true]) {
        const bytes = cooperativeSharedBytes(DEVICE, tile, shape, pointwise);
        const exact = { ...DEVICE, cooperativeMatrix: shape, maxSharedMemoryBytes: bytes };
        assert(cooperativeTileFits(exact, tile, pointwise), tile.name);
        const less = { ...exact, maxSharedMemoryBytes: bytes - 1 };
        assert(!cooperativeTileFits(less, tile, pointwise), tile.name);
        assert(bytes <= 49_152, `${tile.name} shares ${bytes} bytes`);
      }
    }
  }
  assert(!cooperativeTileFits(FORGED.gpu, COOPERATIVE_TILES[0]!, false));
});

test("matrix shapes are those of drivers whose subgroups have one size", () => {
  assertEquals(knownMatrixShape(vk.VK_DRIVER_ID_NVIDIA_PROPRIETARY, 32), { m: 16, n: 16, k: 16 });
  assertEquals(knownMatrixShape(vk.VK_DRIVER_ID_MESA_LLVMPIPE, 8), { m: 8, n: 8, k: 8 });
  assertEquals(knownMatrixShape(vk.VK_DRIVER_ID_MESA_LLVMPIPE, 4), null);
  assertEquals(knownMatrixShape(vk.VK_DRIVER_ID_AMD_PROPRIETARY, 32), null);
});
