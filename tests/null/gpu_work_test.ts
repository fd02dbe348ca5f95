// What plans for a GPU launch, counted without one: products of the tiles against those of the definition, kernels,
// workgroups for its processors.

import { assert, assertEquals } from "@std/assert";
import { type ConvolutionSettings, planConvolution } from "../../src/kernels/convolution.ts";
import { planWeightGradient } from "../../src/kernels/convolution_gradient.ts";
import { GRADIENT_TILES } from "../../src/kernels/convolution_gradient_igemm.ts";
import { tileThreads } from "../../src/kernels/convolution_tiles.ts";
import { planDeconvolution } from "../../src/kernels/deconvolution.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { planReduce } from "../../src/kernels/reduce.ts";
import { FORGED } from "../reference/capabilities.ts";
import { test } from "../support/test.ts";

/** Products of all tiles, padding included, and workgroups of the first implicit matrix product of a plan. */
function productsOf({ dispatches }: Plan): { products: number; workgroups: number } {
  const { program, constants, push } = dispatches.find(({ program }) =>
    program.id === "convolution/igemm_forward"
  )!;
  const word = (name: string): number => push[program.push[name]!.offset / 4]!;
  const { tile_m: m, tile_n: n, tile_k: k } = constants;
  const splits = constants["split"] === 1 ? word("splits") : 1;
  // A transposed convolution walks each tap in one of its phases.
  const phases = constants["transposed"] === 1
    ? constants["stride_d"]! * constants["stride_h"]! * constants["stride_w"]!
    : 1;
  const tiles = word("workgroups") / splits / phases;
  return { products: tiles * word("steps") * m! * n! * k!, workgroups: word("workgroups") };
}

test("phases of transposed convolutions share a launch on a GPU, and none walks a tap that it has not", () => {
  const cases = {
    "4x4 s2 512 -> 256, 8x8": {
      layout: "NCHW",
      input: [4, 512, 8, 8],
      weight: [512, 256, 4, 4],
      size: [16, 16],
      stride: [2, 2],
      padding: [1, 1],
    },
    "gradient of 3x3 s2 128, 56x56": {
      layout: "NCHW",
      input: [2, 128, 28, 28],
      weight: [128, 128, 3, 3],
      size: [56, 56],
      stride: [2, 2],
      padding: [1, 1],
    },
    "k16 s8 512 -> 256, 64": {
      layout: "NCW",
      input: [1, 512, 64],
      weight: [512, 256, 16],
      size: [512],
      stride: [8],
      padding: [4],
    },
    "gradient of k3 s2 512, 3199": {
      layout: "NCW",
      input: [1, 512, 1599],
      weight: [512, 512, 3],
      size: [3199],
      stride: [2],
    },
    "gradient of 1x1 s2 1024 -> 2048, 14x14": {
      layout: "NCHW",
      input: [2, 2048, 7, 7],
      weight: [2048, 1024, 1, 1],
      size: [14, 14],
      stride: [2, 2],
    },
  } as const;
  for (const [name, settings] of Object.entries(cases)) {
    const plan = planDeconvolution(FORGED.gpu, settings);
    assert(plan.label.startsWith("Deconvolution/igemm_"), `${name}: ${plan.label}`);
    assert(plan.dispatches.length <= 2, `${name}: ${plan.dispatches.length} launches`);
    const { products, workgroups } = productsOf(plan);
    const wanted = plan.flops / 2;
    // Columns and filters are filled up to whole tiles.
    assert(products >= wanted * 0.99 && products < 1.35 * wanted, `${name}: ${products / wanted}`);
    assert(workgroups >= FORGED.gpu.processors, `${name}: ${workgroups} workgroups`);
  }
  // Equal windows are one ordinary convolution, which reads four columns at once.
  const even = { ...cases["4x4 s2 512 -> 256, 8x8"], weight: [512, 256, 2, 2], padding: [0, 0] };
  assertEquals(planDeconvolution(FORGED.gpu, even).dispatches[0]!.constants["load"], 2);
});

test("many channels into one filter keep a GPU busy, and are read once", () => {
  const image = { layout: "NCHW", input: [1, 64, 270, 480], weight: [64, 1, 5, 5] } as const;
  const settings = { ...image, size: [270, 480], padding: [2, 2] };
  const plan = planDeconvolution(FORGED.gpu, settings);
  assertEquals([plan.label, plan.dispatches.length], ["Deconvolution/phases_taps", 1]);
  const { constants, grid } = plan.dispatches[0]!;
  assert(grid[0] >= 0.75 * FORGED.gpu.processors && grid[0] <= FORGED.gpu.processors, `${grid}`);
  // Pixels that workgroups read, over all; the border of each is read by its neighbors too.
  const read = grid[0] * constants["columns"]! * 4 * constants["rows"]! / (270 * 480);
  assert(read < 1.5, `each pixel is read ${read} times`);
  // Three and more channels of a picture, and few windows: still no product with an empty tile.
  const last = { layout: "NCHW", input: [1, 64, 135, 240], weight: [3, 64, 3, 3] } as const;
  assertEquals(planConvolution(FORGED.gpu, { ...last, padding: [1, 1] }).label, "Convolution/taps");
});

test("windows of one filter and many channels keep a GPU busy", () => {
  const image = { layout: "NCHW", input: [1, 64, 270, 480], weight: [64, 1, 5, 5] } as const;
  const settings = { ...image, size: [270, 480], padding: [2, 2] };
  const plan = planDeconvolution(FORGED.gpu, settings, "phases_window");
  assertEquals(plan.label, "Deconvolution/phases_window_split");
  const { program, constants, push } = plan.dispatches[0]!;
  const count = push[program.push["count"]!.offset / 4]!;
  assert(count >= 900 * FORGED.gpu.processors, `${count} invocations`);
  assert(constants["outputs"]! >= 8, `${constants["outputs"]} pixels share what they read`);
});

test("tiles of weight gradients divide evenly among their invocations", () => {
  for (const tile of GRADIENT_TILES) {
    const threads = tileThreads(tile);
    assertEquals([threads % tile.k, threads % tile.n], [0, 0], tile.name);
    for (const width of [tile.m, tile.n]) assertEquals(tile.k * width / 4 % threads, 0, tile.name);
  }
});

test("weight gradients fill their tiles and a GPU's processors", () => {
  const cases: readonly (readonly [string, number, ConvolutionSettings])[] = [
    ["7x7 s2 3 -> 64", 1.12, {
      layout: "NCHW",
      input: [1, 3, 224, 224],
      weight: [64, 3, 7, 7],
      stride: [2, 2],
      padding: [3, 3],
    }],
    ["3x3 64 -> 64", 1.03, {
      layout: "NCHW",
      input: [2, 64, 56, 56],
      weight: [64, 64, 3, 3],
      padding: [1, 1],
    }],
    // Twice the products in wider tiles took less time than narrow ones did.
    ["3x3 32 -> 9", 3.6, {
      layout: "NCHW",
      input: [1, 32, 270, 480],
      weight: [9, 32, 3, 3],
      padding: [1, 1],
    }],
    ["5x5 1 -> 64", 1.3, {
      layout: "NCHW",
      input: [1, 1, 270, 480],
      weight: [64, 1, 5, 5],
      padding: [2, 2],
    }],
  ];
  for (const [name, most, settings] of cases) {
    const plan = planWeightGradient(FORGED.gpu, settings);
    const [product, sum] = plan.dispatches;
    const word = (name: string): number => product!.push[product!.program.push[name]!.offset / 4]!;
    const { tile_m: m, tile_n: n, local_size_x: threads } = product!.constants;
    const products = word("workgroups") * word("chunk_columns") * m! * n!;
    assert(products <= most * plan.flops / 2, `${name}: ${products / plan.flops * 2}`);
    const held = word("workgroups") * threads! / FORGED.gpu.processors;
    assert(held >= 360 && held <= 800, `${name}: ${held} invocations for a processor`);
    // Nobody adds up more chunks one after another than a few loads ahead bring.
    const chunks = sum!.push[sum!.program.push["chunks"]!.offset / 4]!;
    const each = chunks / sum!.constants["lanes"]!;
    assert(each <= 16, `${name}: ${each} chunks for an invocation`);
    // Four pixels of the gradient are read at once.
    assertEquals(product!.constants["quads_m"], 1, name);
  }
});

test("a bias gradient takes one launch on a GPU, and two where its channels are few and large", () => {
  const cases: readonly (readonly [readonly number[], number])[] = [
    [[2, 64, 56, 56], 1],
    [[1, 64, 135, 240], 1],
    [[4, 256, 7, 7], 1],
    [[32, 3, 224, 224], 2],
  ];
  for (const [shape, launches] of cases) {
    const { dispatches } = planReduce(FORGED.gpu, "sum", shape, [0, 2, 3], "float32");
    assertEquals(dispatches.length, launches, `${shape}`);
    const [first] = dispatches;
    const pixels = shape[2]! * shape[3]!;
    assertEquals(first!.constants["quads"], pixels % 4 === 0 ? 1 : 0, `${shape}`);
    // Many loads of each invocation are on their way at once, and no processor is without work.
    const loads = first!.push[first!.program.push["chunk"]!.offset / 4]! /
      (4 * first!.constants["local_size_x"]!);
    assert(loads <= 32 || first!.grid[0] >= FORGED.gpu.processors, `${shape}: ${loads}`);
  }
});
