// Cooperative matrix kernels against the float64 oracle, on devices that have them (GPUs with tensor cores, Mesa's software
// device from version 26 on).

import { assert } from "@std/assert";
import type { Device } from "../../src/device/device.ts";
import {
  type ConvolutionProblem,
  type ConvolutionSettings,
  describeConvolution,
  type Layout,
} from "../../src/kernels/convolution_problem.ts";
import {
  type CooperativeChoice,
  planCooperativeConvolution,
} from "../../src/kernels/cooperative.ts";
import {
  COOPERATIVE_TILES,
  type CooperativeTile,
  cooperativeTileFits,
} from "../../src/kernels/cooperative_tile.ts";
import { activation } from "../reference/activation.ts";
import type { Reference } from "../reference/array.ts";
import { convolution } from "../reference/convolution.ts";
import { Random } from "../support/random.ts";
import { checkHalfPlan, cooperativeTest, drawHalves as draw } from "./cooperative_support.ts";

type Sizes = readonly number[];

/** A convolution from channel-first sizes: [N, C, spatial…] and [O, kernel…]. */
function make(
  layout: Layout,
  input: Sizes,
  weight: Sizes,
  more: Partial<ConvolutionSettings> = {},
): ConvolutionSettings {
  const first = layout.length === 3 ? "NCW" : layout.length === 4 ? "NCHW" : "NCDHW";
  const arrange = (sizes: Sizes) => [...layout].map((letter) => sizes[first.indexOf(letter)]!);
  return {
    layout,
    input: arrange(input),
    weight: arrange([weight[0]!, input[1]! / (more.groups ?? 1), ...weight.slice(1)]),
    ...more,
  };
}

const relu = { name: "relu" } as const;

/** Every way of reading and of writing, tails on all sides, and every part of the epilogue. */
const CASES: readonly ConvolutionSettings[] = [
  make("NCHW", [2, 16, 8, 8], [32, 3, 3], { padding: [1, 1], hasBias: true, activation: relu }),
  make("NCHW", [1, 13, 7, 9], [37, 3, 2], { padding: [2, 0], stride: [2, 1], hasBias: true }),
  make("NCHW", [2, 20, 4, 6], [34, 1, 1], { groups: 2, hasBias: true, residual: "before" }),
  make("NCHW", [3, 18, 5, 5], [9, 1, 1], { residual: "after", activation: relu }),
  make("NCHW", [1, 12, 9, 9], [32, 3, 3], { groups: 2, dilation: [2, 1] }),
  make("NHWC", [2, 16, 6, 5], [24, 3, 3], { padding: [1, 1], hasBias: true, residual: "before" }),
  make("NHWC", [1, 32, 5, 7], [48, 2, 2], { groups: 2, stride: [1, 2], hasBias: true }),
  make("NCW", [2, 34, 33], [16, 5], { padding: [4], dilation: [2], hasBias: true }),
  make("NCDHW", [1, 4, 4, 5, 6], [13, 2, 3, 3], { padding: [1, 0, 1], stride: [1, 2, 1] }),
];

interface Prepared {
  readonly problem: ConvolutionProblem;
  readonly inputs: readonly (Uint8Array<ArrayBuffer> | null)[];
  readonly expected: Reference;
}

function prepare(settings: ConvolutionSettings): Prepared {
  const random = new Random(7);
  const problem = describeConvolution(settings);
  const x = draw(random, settings.input);
  const weight = draw(random, settings.weight);
  const bias = settings.hasBias ? draw(random, [problem.filters]) : null;
  const residual = problem.residual === "none" ? null : draw(random, problem.outputShape);
  let y = convolution(x, weight, bias, settings);
  const add = (): Reference => ({
    ...y,
    data: Float64Array.from(y.data, (each, at) => each + residual!.data[at]!),
  });
  if (problem.residual === "before") y = add();
  if (settings.activation !== undefined) y = activation(y, settings.activation.name);
  if (problem.residual === "after") y = add();
  const inputs = [x, weight, bias, residual].map((each) => each?.half ?? null);
  return { problem, inputs, expected: y };
}

function check(
  device: Device,
  { problem, inputs, expected }: Prepared,
  choice: CooperativeChoice,
): Promise<Uint8Array> {
  const plan = planCooperativeConvolution(device.capabilities, problem, choice);
  return checkHalfPlan(device, plan, inputs, expected.data);
}

/** A software device takes seconds to compile a large tile, and all tiles are one shader. */
function tilesOf(device: Device): CooperativeTile[] {
  const fitting = COOPERATIVE_TILES.filter((tile) =>
    cooperativeTileFits(device.capabilities, tile, false) &&
    cooperativeTileFits(device.capabilities, tile, true)
  );
  return device.capabilities.deviceClass === "cpu" ? fitting.slice(-1) : fitting;
}

cooperativeTest("convolutions of cooperative matrices agree with the oracle", async (device) => {
  const tiles = tilesOf(device);
  assert(tiles.length > 0, "no tile fits");
  for (const [at, settings] of CASES.entries()) {
    const prepared = prepare(settings);
    // Each tile takes its turn twice: every pair is a pipeline.
    const turns = new Set([tiles[at % tiles.length]!, tiles[(at + 3) % tiles.length]!]);
    for (const tile of turns) await check(device, prepared, { tile });
  }
});

cooperativeTest("a product split over its taps agrees with the oracle", async (device) => {
  const tile = tilesOf(device).at(-1)!;
  for (const settings of [CASES[0]!, CASES[3]!, CASES[4]!, CASES[5]!]) {
    await check(device, prepare(settings), { tile, splits: 3 });
  }
});

cooperativeTest("a packed copy of the input gives the same bits as the input", async (device) => {
  const tile = tilesOf(device).at(-1)!;
  for (const settings of [CASES[2]!, CASES[5]!]) {
    const prepared = prepare(settings);
    const direct = await check(device, prepared, { tile });
    const packed = await check(device, prepared, { tile, packed: true });
    assert(direct.every((byte, at) => byte === packed[at]), `${settings.layout} differs`);
  }
});
