// Plans of convolution and transposed convolution, run on plain arrays: right results, every output element written
// exactly once, every read in range, grids folded over three axes. Kernels of CPU devices: their grids and limits.

import { assert, assertEquals } from "@std/assert";
import type { Capabilities } from "../../src/core/capabilities.ts";
import { LimitError } from "../../src/core/errors.ts";
import {
  CONVOLUTION_VARIANTS,
  convolutionOutputShape,
  type ConvolutionSettings,
  planConvolution,
} from "../../src/kernels/convolution.ts";
import { planDeconvolution } from "../../src/kernels/deconvolution.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { type Reference, size } from "../reference/array.ts";
import { FORGED } from "../reference/capabilities.ts";
import { convolution } from "../reference/convolution.ts";
import { deconvolution } from "../reference/deconvolution.ts";
import { pixelShuffle } from "../reference/movement.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";
import { CONVOLUTION_KERNELS } from "./convolution_interpreter.ts";
import { interpret } from "./plan_interpreter.ts";

/** Few workgroups along each axis, so that even small grids are folded. */
const FOLDED: Capabilities = { ...FORGED.gpu, maxWorkgroupCount: [3, 2, 65_535] };

const LAYOUTS = ["NCW", "NWC", "NCHW", "NHWC", "NCDHW", "NDHWC"] as const;

interface Drawn {
  readonly settings: ConvolutionSettings & {
    readonly groups: number;
    readonly stride: readonly number[];
  };
  readonly x: Reference;
  readonly k: Reference;
  readonly b: Reference | null;
}

/** Small integers: sums are exact in any order. */
function draw(random: Random, shape: readonly number[]): Reference {
  const data = Array.from({ length: size(shape) }, () => random.integer(-4, 4));
  return { data, shape };
}

function arrange(layout: string, sizes: readonly number[]): number[] {
  const [n, c, ...space] = sizes as [number, number, ...number[]];
  return layout.endsWith("C") ? [n, ...space, c] : [n, c, ...space];
}

function drawProblem(random: Random): Drawn {
  const layout = random.pick(LAYOUTS);
  const rank = layout.length - 2;
  const axes = (low: number, high: number): number[] =>
    Array.from({ length: rank }, () => random.integer(low, high));
  const groups = random.pick([1, 1, 1, 2, 3]);
  const channels = random.pick([1, 3, 4, 8, 12, 13]);
  const filters = random.pick([1, 2, 4, 7, 8, 15, 16]);
  const kernel = axes(1, 3);
  const dilation = axes(1, 2);
  const space = axes(3, [40, 9, 4][rank - 1]!).map((each, axis) =>
    Math.max(each, dilation[axis]! * (kernel[axis]! - 1) + 1)
  );
  const pointwise = random.integer(0, 4) === 0;
  const settings = {
    layout,
    input: arrange(layout, [random.integer(1, 2), channels * groups, ...space]),
    weight: arrange(layout, [filters * groups, channels, ...(pointwise ? axes(1, 1) : kernel)]),
    stride: pointwise ? axes(1, 1) : axes(1, 3),
    padding: pointwise ? axes(0, 0) : axes(0, 2),
    dilation,
    groups,
    hasBias: random.integer(0, 1) === 1,
  };
  const [x, k] = [draw(random, settings.input), draw(random, settings.weight)];
  return { settings, x, k, b: settings.hasBias ? draw(random, [filters * groups]) : null };
}

/** Plans, or nothing where a variant cannot. */
function attempt(plan: () => Plan): Plan | undefined {
  try {
    return plan();
  } catch (error) {
    assert(error instanceof LimitError, String(error));
    return undefined;
  }
}

/** What is interpreted here: `parts` rounds, and is run by tests/gpu/cooperative_parts_test.ts. */
const GENERAL = CONVOLUTION_VARIANTS.map(({ name }) => name)
  .filter((name) => !/^(cpu|parts$)/.test(name));

test("plans of convolution write every element once, read in range and compute what is asked", () => {
  const random = new Random(61);
  const done = new Map<string, number>();
  for (let round = 0; round < 45; round++) {
    const { settings, x, k, b } = drawProblem(random);
    const expected = convolution(x, k, b, settings);
    const variants = ["direct", random.pick(GENERAL), random.pick(GENERAL)];
    for (const variant of new Set(variants)) {
      const capabilities = random.pick([FOLDED, FORGED.gpu, FORGED.least, FORGED.cpu]);
      const plan = attempt(() => planConvolution(capabilities, settings, variant));
      if (plan === undefined) continue;
      const inputs = [x.data, k.data, b?.data ?? null];
      const actual = interpret(plan, CONVOLUTION_KERNELS, inputs, expected.data.length);
      assertEquals(
        [...actual],
        [...Array.from(expected.data)],
        `${variant} ${JSON.stringify(settings)}`,
      );
      done.set(variant, (done.get(variant) ?? 0) + 1);
    }
  }
  assertEquals([...done.keys()].sort(), [...GENERAL].sort());
});

test("residuals, activations and pixel shuffles of plans go to the right elements", () => {
  const random = new Random(62);
  for (const layout of ["NCHW", "NHWC"] as const) {
    for (const residual of ["before", "after"] as const) {
      const settings: ConvolutionSettings = {
        layout,
        input: arrange(layout, [2, 8, 5, 6]),
        weight: arrange(layout, [8, 8, 3, 3]),
        padding: [1, 1],
        residual,
        activation: { name: "relu" },
        ...(layout === "NCHW" ? { shuffle: [2, 2] } : {}),
      };
      const [x, k] = [draw(random, settings.input), draw(random, settings.weight)];
      const r = draw(random, convolutionOutputShape(settings));
      let y = convolution(x, k, null, settings);
      if (settings.shuffle !== undefined) y = pixelShuffle(y, settings.shuffle);
      const expected = Array.from(
        y.data,
        (each, at) =>
          residual === "before" ? Math.max(each + r.data[at]!, 0) : Math.max(each, 0) + r.data[at]!,
      );
      for (const variant of ["direct", "igemm_32x32", "igemm_64x32", "igemm_split"]) {
        const plan = planConvolution(FOLDED, settings, variant);
        const inputs = [x.data, k.data, null, r.data];
        const actual = interpret(plan, CONVOLUTION_KERNELS, inputs, expected.length);
        assertEquals([...actual], expected, `${variant} ${layout} ${residual}`);
      }
    }
  }
});

test("channels of windows are shared out where invocations are few", () => {
  const random = new Random(65);
  for (
    const [layout, groups, splits] of [["NCHW", 1, 4], ["NHWC", 2, 2], ["NCHW", 2, 2]] as const
  ) {
    const settings: ConvolutionSettings = {
      layout,
      input: arrange(layout, [2, 44, 6, 9]),
      weight: arrange(layout, [4, 44 / groups, 3, 3]),
      padding: [1, 1],
      groups,
      hasBias: true,
    };
    const [x, k] = [draw(random, settings.input), draw(random, settings.weight)];
    const b = draw(random, [4]);
    const expected = convolution(x, k, b, { groups, ...settings });
    const plan = planConvolution(FORGED.gpu, settings, "window");
    assertEquals(plan.label, "Convolution/window_split");
    const { program, push } = plan.dispatches[0]!;
    assertEquals(push[program.push["splits"]!.offset / 4], splits);
    const inputs = [x.data, k.data, b.data];
    const actual = interpret(plan, CONVOLUTION_KERNELS, inputs, expected.data.length);
    assertEquals([...actual], [...Array.from(expected.data)], `${layout} ${groups}`);
  }
});

const TRANSPOSED = [
  "direct",
  "phases",
  "phases_direct",
  "phases_window",
  "phases_igemm_32x32",
  "joined",
  "joined_window",
  "joined_igemm_32x32",
  "igemm",
  "igemm_split",
];

test("plans of transposed convolution write every element once, whichever phases they have", () => {
  const random = new Random(63);
  let count = 0;
  let [joined, together] = [0, 0];
  for (let round = 0; round < 24; round++) {
    const { settings: drawn, x } = drawProblem(random);
    const { layout, input, groups, stride, weight } = drawn;
    // Phases whose taps have distances are fewer kernels' work.
    const dilation = drawn.dilation!.map((each) => round % 3 === 0 ? each : 1);
    const first = (sizes: readonly number[]): number[] =>
      layout.endsWith("C") ? [sizes[0]!, sizes.at(-1)!, ...sizes.slice(1, -1)] : [...sizes];
    const [, channels, ...space] = first(input) as [number, number, ...number[]];
    const kernel = first(weight).slice(2);
    const filters = random.pick([1, 3, 8]);
    const extra = space.map((_, axis) => random.integer(0, stride[axis]! - 1));
    const outputs = space.map((each, axis) =>
      stride[axis]! * (each - 1) + dilation[axis]! * (kernel[axis]! - 1) + 1 + extra[axis]!
    );
    const settings = {
      layout,
      input,
      weight: arrange(layout, [channels, filters, ...kernel]),
      size: outputs,
      stride,
      dilation,
      groups,
      hasBias: drawn.hasBias === true,
    };
    const k = draw(random, settings.weight);
    const b = settings.hasBias ? draw(random, [filters * groups]) : null;
    const expected = deconvolution(x, k, b, settings);
    for (const variant of TRANSPOSED) {
      const capabilities = random.pick([FOLDED, FORGED.gpu, FORGED.least]);
      const plan = attempt(() => planDeconvolution(capabilities, settings, variant));
      if (plan === undefined) continue;
      count++;
      if (plan.label.includes("joined")) joined++;
      if (plan.label.includes("/igemm")) together++;
      const inputs = [x.data, k.data, b?.data ?? null];
      const actual = interpret(plan, CONVOLUTION_KERNELS, inputs, expected.data.length);
      const label = `${variant} ${JSON.stringify(settings)}`;
      assertEquals([...actual], [...Array.from(expected.data)], label);
    }
  }
  assert(
    count >= 72 && joined >= 9 && together >= 9,
    `${count} plans, ${joined} joined, ${together} as one product`,
  );
});

test("grids of more than 65,535 workgroups are folded, for every variant", () => {
  const settings: ConvolutionSettings = {
    layout: "NCHW",
    input: [1, 1, 2_100, 2_100],
    weight: [16, 1, 3, 3],
    padding: [1, 1],
  };
  let folded = 0;
  for (const capabilities of Object.values(FORGED)) {
    const large = { ...capabilities, maxStorageBufferRange: 2 ** 31 };
    for (const { name } of CONVOLUTION_VARIANTS) {
      const plan = attempt(() => planConvolution(large, settings, name));
      if (plan === undefined) continue;
      for (const { grid, program } of plan.dispatches) {
        grid.forEach((count) => assert(count >= 1 && count <= 65_535, `${program.id}: ${grid}`));
        if (grid[0] * grid[1] * grid[2] > 65_535) folded++;
      }
    }
  }
  assert(folded >= 3, `${folded} folded grids`);
});

test("every variant keeps to small limits, or says that it cannot", () => {
  const random = new Random(64);
  const small: readonly Capabilities[] = Object.values(FORGED).map((capabilities) => ({
    ...capabilities,
    maxWorkgroupCount: [40, 30, 20],
    maxStorageBufferRange: 2 ** 16,
    maxTexelBufferElements: 2 ** 10,
  }));
  for (let round = 0; round < 40; round++) {
    const { settings } = drawProblem(random);
    for (const capabilities of small) {
      for (const { name } of CONVOLUTION_VARIANTS) {
        const plan = attempt(() => planConvolution(capabilities, settings, name));
        for (const { grid, program, slots } of plan?.dispatches ?? []) {
          grid.forEach((count, axis) => {
            assert(
              count <= capabilities.maxWorkgroupCount[axis]!,
              `${name} ${program.id}: ${grid}`,
            );
          });
          for (const [binding, { kind }] of program.bindings.entries()) {
            const slot = plan!.slots[slots[binding]!]!;
            if (slot.role !== "temporary" && slot.role !== "prepared") continue;
            assert(slot.byteLength <= capabilities.maxStorageBufferRange, `${name} ${slot.role}`);
            const texels = slot.byteLength / (kind === "texel4" ? 16 : 4);
            assert(kind === "storage" || texels <= capabilities.maxTexelBufferElements, name);
          }
        }
      }
    }
  }
});
