// The code of every convolution kernel, run without a GPU: every output element written once, every access in range, every
// launch within limits, right results. The shaders themselves are interpreted (tests/spirv), nothing is modeled.

import { assert, assertEquals } from "@std/assert";
import type { Capabilities } from "../../src/core/capabilities.ts";
import {
  CONVOLUTION_VARIANTS,
  type ConvolutionSettings,
  planConvolution,
} from "../../src/kernels/convolution.ts";
import { GRADIENT_VARIANTS, planWeightGradient } from "../../src/kernels/convolution_gradient.ts";
import { planDeconvolution } from "../../src/kernels/deconvolution.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import type { Reference } from "../reference/array.ts";
import { FORGED } from "../reference/capabilities.ts";
import { convolution } from "../reference/convolution.ts";
import { deconvolution, weightGradient } from "../reference/deconvolution.ts";
import { pixelShuffle } from "../reference/movement.ts";
import { attempt, checkPlan } from "../spirv/compare.ts";
import { checkLaunched } from "../spirv/coverage.ts";
import { launched } from "../spirv/plans.ts";
import { CPUS, GPUS } from "../spirv/devices.ts";
import {
  arrange,
  drawConvolution,
  type DrawnConvolution,
  drawValues,
  sizesOf,
  type Values,
} from "../spirv/problems.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";

/** Products of a problem, above which it is too large to be run here; tiles compute many that nothing needs. */
const mostProducts = (variant: string): number => variant.includes("igemm") ? 2_000 : 15_000;
/** Problems that are drawn for each variant at least, to find some for every program. */
const FEWEST_TRIES = 60;
/**
 * Variants of problems that are not drawn: products in parts of float16 take matrices of whole subgroups; Winograd's plain
 * product is what the others do with few filters; cpu_stationary takes more filters (shader_pointwise_test.ts).
 */
const SPECIAL = ["parts", "cpu_winograd_plain", "cpu_stationary"];
/** Winograd's transforms round. */
const ROUNDED = 1e-5;

/** Devices on which a variant is run. */
function devicesOf(variant: string): readonly Capabilities[] {
  // Built for texels alone.
  if (/^cpu_(pointwise|columns|strided)$/.test(variant)) {
    return CPUS.filter(({ loadPath }) => loadPath === "texel");
  }
  if (variant.includes("cpu")) return CPUS;
  if (/direct$|^phases$/.test(variant)) return [CPUS[0]!, ...GPUS];
  // Tiles differ in a few constants, and run long; the least of devices may have no room.
  return /igemm_\d|taps/.test(variant) ? GPUS.slice(0, 1) : GPUS;
}

/** The same number for the same text, so that a variant's problems do not depend on the other variants. */
function seedOf(text: string): number {
  return [...text].reduce((seed, letter) => Math.imul(seed, 31) + letter.charCodeAt(0) | 0, 7);
}

/** Runs a variant on each of its devices, on some of the problems that it supports. */
function runVariant(
  variant: string,
  cases: number,
  draw: (random: Random) => DrawnConvolution,
  plan: (capabilities: Capabilities, settings: DrawnConvolution) => Plan,
  check: (
    capabilities: Capabilities,
    settings: DrawnConvolution,
    plan: Plan,
    random: Random,
  ) => void,
): void {
  for (const [index, capabilities] of devicesOf(variant).entries()) {
    const random = new Random(seedOf(variant) + index);
    let done = 0;
    for (let tries = 0; done < cases || tries < FEWEST_TRIES; tries++) {
      assert(tries < 4_000, `no drawn problem is for ${variant}`);
      const settings = draw(random);
      const made = attempt(() => plan(capabilities, settings));
      if (made === undefined || made.flops / 2 > mostProducts(variant)) continue;
      // Some variants choose among programs.
      if (done >= cases && made.dispatches.every(({ program }) => launched.has(program.id))) {
        continue;
      }
      check(capabilities, settings, made, random);
      done++;
    }
  }
}

function operands(random: Random, settings: DrawnConvolution): [Values, Values, Values | null] {
  const filters = sizesOf(settings.layout, settings.weight)[0]!;
  return [
    drawValues(random, settings.input),
    drawValues(random, settings.weight),
    settings.hasBias ? drawValues(random, [filters]) : null,
  ];
}

test("kernels of convolution write every element once and compute what is asked", () => {
  for (const { name } of CONVOLUTION_VARIANTS) {
    if (SPECIAL.includes(name)) continue;
    runVariant(
      name,
      /igemm_\d/.test(name) ? 1 : 2,
      drawConvolution,
      (capabilities, settings) => planConvolution(capabilities, settings, name),
      (capabilities, settings, plan, random) => {
        const [x, k, b] = operands(random, settings);
        const expected = convolution(x, k, b, settings);
        const tolerance = name.includes("winograd") ? ROUNDED : 0;
        const inputs = [x.data, k.data, b?.data ?? null];
        checkPlan(capabilities, plan, inputs, expected.data, {
          tolerance,
          what: { name, ...settings },
        });
      },
    );
  }
});

/** Adds a residual, and applies the activation before or after. */
function finished(y: Reference, r: Reference, order: "before" | "after"): number[] {
  return Array.from(
    y.data,
    (each, at) =>
      order === "before" ? Math.max(each + r.data[at]!, 0) : Math.max(each, 0) + r.data[at]!,
  );
}

test("kernels of convolution add residuals, activate and shuffle where they should", () => {
  for (const { name } of CONVOLUTION_VARIANTS) {
    if (SPECIAL.includes(name) || /igemm_\d/.test(name)) continue;
    runVariant(
      name,
      1,
      (random): DrawnConvolution => {
        const drawn = drawConvolution(random);
        const [filters, ...rest] = sizesOf(drawn.layout, drawn.weight);
        const shuffles = drawn.layout === "NCHW" && drawn.groups === 1 &&
          random.integer(0, 2) === 0;
        return {
          ...drawn,
          residual: random.pick(["before", "after"]),
          activation: { name: "relu" },
          ...(shuffles
            ? {
              shuffle: [2, 2],
              weight: arrange(drawn.layout, [Math.ceil(filters! / 4) * 4, ...rest]),
            }
            : {}),
        };
      },
      (capabilities, settings) => planConvolution(capabilities, settings, name),
      (capabilities, settings, plan, random) => {
        const [x, k, b] = operands(random, settings);
        let y = convolution(x, k, b, settings);
        if (settings.shuffle !== undefined) y = pixelShuffle(y, settings.shuffle);
        const r = drawValues(random, y.shape);
        const expected = finished(y, r, settings.residual as "before" | "after");
        const tolerance = name.includes("winograd") ? ROUNDED : 0;
        const inputs = [x.data, k.data, b?.data ?? null, r.data];
        checkPlan(capabilities, plan, inputs, expected, { tolerance, what: { name, ...settings } });
      },
    );
  }
});

test("kernels of weight gradients write every element once and compute what is asked", () => {
  for (const { name } of GRADIENT_VARIANTS) {
    runVariant(
      name,
      /igemm_\d/.test(name) ? 1 : 2,
      (random) => ({ ...drawConvolution(random), hasBias: false }),
      (capabilities, settings) => planWeightGradient(capabilities, settings, name),
      (capabilities, settings, plan, random) => {
        const [x, k] = operands(random, settings);
        const g = drawValues(random, convolution(x, k, null, settings).shape);
        const kernel = sizesOf(settings.layout, settings.weight).slice(2);
        const expected = weightGradient(x, g, kernel, settings);
        checkPlan(capabilities, plan, [x.data, g.data], expected.data, {
          what: { name, ...settings },
        });
      },
    );
  }
});

const TRANSPOSED = [
  "cpu_lanes",
  "direct",
  "phases",
  "phases_direct",
  "phases_window",
  "phases_cpu",
  "phases_igemm_32x32",
  "joined",
  "joined_window",
  "joined_igemm_32x32",
  "igemm",
  "igemm_split",
];

test("kernels of transposed convolution write every element once and compute what is asked", () => {
  const sized = (
    drawn: DrawnConvolution,
  ): ConvolutionSettings & { size: number[]; weight: number[] } => {
    const { layout, stride, padding, dilation } = drawn;
    const [, , ...space] = sizesOf(layout, drawn.input);
    const [filters, channels, ...kernel] = sizesOf(layout, drawn.weight) as [
      number,
      number,
      ...number[],
    ];
    const size = space.map((each, axis) =>
      stride[axis]! * (each - 1) + dilation[axis]! * (kernel[axis]! - 1) + 1 - 2 * padding[axis]! +
      (axis === space.length - 1 && stride[axis]! > 1 ? 1 : 0)
    );
    // Input channels lead the weight of a transposed convolution.
    const weight = arrange(layout, [channels * drawn.groups, filters / drawn.groups, ...kernel]);
    return { ...drawn, weight, size };
  };
  for (const name of TRANSPOSED) {
    runVariant(
      name,
      2,
      (random) => {
        for (;;) {
          const drawn = drawConvolution(random);
          if (sized(drawn).size.every((each) => each > 0)) return drawn;
        }
      },
      (capabilities, drawn) => planDeconvolution(capabilities, sized(drawn), name),
      (capabilities, drawn, plan, random) => {
        const settings = sized(drawn);
        const x = drawValues(random, settings.input);
        const k = drawValues(random, settings.weight);
        const filters = sizesOf(drawn.layout, drawn.weight)[0]!;
        const b = drawn.hasBias ? drawValues(random, [filters]) : null;
        const expected = deconvolution(x, k, b, settings);
        const inputs = [x.data, k.data, b?.data ?? null];
        checkPlan(capabilities, plan, inputs, expected.data, { what: { name, ...settings } });
      },
    );
  }
});

test("channels of windows are shared out where invocations are few", () => {
  const random = new Random(65);
  for (
    const [layout, groups, splits] of [["NCHW", 1, 4], ["NHWC", 2, 2], ["NCHW", 2, 2]] as const
  ) {
    const settings = {
      layout,
      input: arrange(layout, [2, 44, 6, 9]),
      weight: arrange(layout, [4, 44 / groups, 3, 3]),
      padding: [1, 1],
      groups,
      hasBias: true,
    };
    const plan = planConvolution(FORGED.gpu, settings, "window");
    assertEquals(plan.label, "Convolution/window_split");
    const { program, push } = plan.dispatches[0]!;
    assertEquals(push[program.push["splits"]!.offset / 4], splits);
    const [x, k, b] = [settings.input, settings.weight, [4]].map((shape) =>
      drawValues(random, shape)
    );
    const expected = convolution(x!, k!, b!, settings);
    checkPlan(FORGED.gpu, plan, [x!.data, k!.data, b!.data], expected.data, { what: settings });
  }
});

test("Winograd keeps weights on the stack", () => {
  const capabilities = CPUS.find(({ loadPath }) => loadPath === "texel")!;
  const cases = [
    // Pairs of tiles in rows of whole vectors; absent filters and channels.
    ["cpu_winograd", [1, 20, 6, 16], [28, 20, 3, 3], [1, 1]],
    // Single tiles, rows wider than the input's.
    ["cpu_winograd", [2, 8, 3, 4], [32, 8, 5, 5], [2, 4]],
    // Rows of no whole vectors, and two passes.
    ["cpu_winograd_2", [1, 100, 2, 3], [64, 100, 3, 3], [1, 1]],
    ["cpu_winograd_plain", [1, 8, 4, 4], [24, 8, 3, 3], [1, 1]],
    // Taps along the depth, which reach out of the input.
    ["cpu_winograd", [2, 8, 2, 3, 4], [24, 8, 3, 3, 3], [1, 1, 1]],
  ] as const;
  for (const [variant, input, weight, padding] of cases) {
    const layout = input.length === 5 ? "NCDHW" : "NCHW";
    const settings = { layout, input, weight, padding, hasBias: true } as const;
    const plan = planConvolution(capabilities, settings, variant);
    const random = new Random(9);
    const [x, k, b] = [input, weight, [weight[0]]].map((shape) => drawValues(random, shape));
    const expected = convolution(x!, k!, b!, settings);
    checkPlan(capabilities, plan, [x!.data, k!.data, b!.data], expected.data, {
      tolerance: ROUNDED,
      what: { variant, ...settings },
    });
  }
});

/** Constants of cpu_columns for some problems, and whether a second dispatch finishes its sums. */
const COLUMNS: readonly (readonly [Record<string, number>, boolean, ConvolutionSettings])[] = [
  [{ join: 8, passes: 1, octets: 1 }, false, {
    layout: "NCHW",
    input: [2, 3, 6, 16],
    weight: [9, 3, 3, 3],
    padding: [1, 1],
    hasBias: true,
    residual: "after",
  }],
  [{ join: 4, passes: 1, octets: 0 }, false, {
    layout: "NCHW",
    input: [1, 4, 5, 24],
    weight: [5, 4, 1, 2],
    stride: [2, 2],
    residual: "before",
    activation: { name: "relu" },
  }],
  [{ join: 4, passes: 2, rows: 18 }, true, {
    layout: "NCHW",
    input: [2, 12, 7, 24],
    weight: [3, 12, 3, 3],
    stride: [2, 2],
    padding: [1, 1],
    hasBias: true,
    residual: "before",
    activation: { name: "relu" },
  }],
  [{ join: 8, passes: 1 }, true, {
    layout: "NCHW",
    input: [1, 4, 3, 16],
    weight: [12, 4, 3, 1],
    padding: [1, 0],
    hasBias: true,
    residual: "after",
    shuffle: [2, 3],
  }],
  [{ join: 8, passes: 3 }, true, {
    layout: "NCW",
    input: [1, 36, 31],
    weight: [2, 36, 5],
    padding: [6],
    dilation: [3],
    hasBias: true,
    activation: { name: "relu" },
  }],
  [{ join: 4, passes: 1, channels: 17 }, true, {
    layout: "NCHW",
    input: [1, 4, 1, 4],
    weight: [33, 4, 1, 3],
    shuffle: [1, 3],
    padding: [0, 1],
  }],
  [{ join: 8, passes: 1, pixels: 5 }, true, {
    layout: "NCHW",
    input: [2, 20, 6, 10],
    weight: [4, 20, 1, 1],
    stride: [3, 2],
  }],
  [{ join: 4, passes: 2 }, true, {
    layout: "NCDHW",
    input: [1, 3, 4, 5, 8],
    weight: [2, 3, 2, 3, 5],
    stride: [2, 1, 3],
    padding: [1, 0, 2],
  }],
];

test("columns are multiplied in any number of passes, and finished where they must", () => {
  const capabilities = CPUS.find(({ loadPath }) => loadPath === "texel")!;
  const random = new Random(13);
  for (const [constants, finishes, settings] of COLUMNS) {
    const plan = planConvolution(capabilities, settings, "cpu_columns");
    const main = plan.dispatches.find(({ program }) => program.id.endsWith("cpu_columns.texel"))!;
    const found = Object.keys(constants).map((name) => [name, main.constants[name]]);
    assertEquals(Object.fromEntries(found), constants);
    assertEquals(plan.dispatches.at(-1)!.program.id.includes("finish"), finishes);
    const [filters] = sizesOf(settings.layout, settings.weight);
    const [x, k] = [settings.input, settings.weight].map((shape) => drawValues(random, shape));
    const b = settings.hasBias ? drawValues(random, [filters!]) : null;
    const plain = convolution(x!, k!, b, settings);
    const y = settings.shuffle === undefined ? plain : pixelShuffle(plain, settings.shuffle);
    const { activation, residual } = settings;
    const r = residual === undefined ? null : drawValues(random, y.shape);
    const relu = (each: number) => activation === undefined ? each : Math.max(each, 0);
    const expected = Array.from(y.data, (each, at) => {
      const added = r?.data[at] ?? 0;
      return residual === "after" ? relu(each) + added : relu(each + added);
    });
    const inputs = [x!.data, k!.data, b?.data ?? null, r?.data ?? null];
    checkPlan(capabilities, plan, inputs, expected, { what: settings });
  }
});

test("every program of convolution is run", () => {
  checkLaunched("tests/null/shader_convolution_test.ts");
});
