// Convolution plans without a GPU: shapes, choice of variants, limits of weak devices, refusals.

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Capabilities } from "../../src/core/capabilities.ts";
import { LimitError, ShapeError } from "../../src/core/errors.ts";
import {
  CONVOLUTION_VARIANTS,
  convolutionCandidates,
  convolutionOutputShape,
  type ConvolutionSettings,
  planConvolution,
} from "../../src/kernels/convolution.ts";
import {
  countSplits,
  tileFits,
  TILES,
  tileSharedBytes,
  tileThreads,
} from "../../src/kernels/convolution_tiles.ts";
import {
  planWeightGradient,
  weightGradientCandidates,
} from "../../src/kernels/convolution_gradient.ts";
import { deconvolutionCandidates, planDeconvolution } from "../../src/kernels/deconvolution.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { FORGED } from "../reference/capabilities.ts";
import { test } from "../support/test.ts";

const SQUARE: ConvolutionSettings = {
  input: [2, 16, 20, 24],
  weight: [32, 16, 3, 3],
  layout: "NCHW",
  padding: [1, 1],
};

/** All dispatches of a plan, those of prepared slots included. */
function* dispatches(plan: Plan) {
  yield* plan.dispatches;
  for (const slot of plan.slots) if (slot.role === "prepared") yield* slot.dispatches;
}

function checkLimits(plan: Plan, capabilities: Capabilities): void {
  for (const dispatch of dispatches(plan)) {
    const { program, constants, grid, push } = dispatch;
    assert(program.pushByteLength <= 128 && push.byteLength <= 128);
    grid.forEach((count, axis) =>
      assert(count >= 1 && count <= Math.min(65_535, capabilities.maxWorkgroupCount[axis]!))
    );
    const invocations = constants.local_size_x ?? program.constants.local_size_x?.value ?? 1;
    assert(invocations <= capabilities.maxWorkgroupInvocations, program.id);
    assert(invocations <= capabilities.maxWorkgroupSize[0], program.id);
    const index = program.requires.find((need) =>
      (need === "subgroupShuffle" && !capabilities.subgroupShuffle) ||
      (need === "float16" && !capabilities.float16) ||
      (need === "bufferDeviceAddress" && !capabilities.bufferDeviceAddress)
    );
    assertEquals(index, undefined, program.id);
  }
  for (const dispatch of plan.dispatches) {
    assert(dispatch.slots.every((slot) => slot < plan.slots.length), "slots exist");
  }
}

test("convolutionOutputShape() follows the formula in every layout", () => {
  assertEquals(convolutionOutputShape(SQUARE), [2, 32, 20, 24]);
  assertEquals(
    convolutionOutputShape({ ...SQUARE, stride: [2, 3], dilation: [2, 1], shuffle: [2, 2] }),
    [2, 8, 18, 16],
  );
  assertEquals(
    convolutionOutputShape({
      input: [2, 9, 10, 4],
      weight: [6, 2, 3, 2],
      layout: "NHWC",
      groups: 2,
      padding: [0, 1],
      paddingAfter: [1, 2],
    }),
    [2, 9, 11, 6],
  );
  assertEquals(
    convolutionOutputShape({
      input: [1, 3, 7],
      weight: [4, 3, 3],
      layout: "NCW",
      outputLayout: "NWC",
    }),
    [1, 5, 4],
  );
  assertEquals(
    convolutionOutputShape({
      input: [1, 4, 5, 6, 2],
      weight: [3, 2, 2, 2, 2],
      layout: "NDHWC",
      stride: [1, 2, 3],
    }),
    [1, 3, 2, 2, 3],
  );
});

test("planConvolution() refuses shapes that do not fit", () => {
  const cases: [Partial<ConvolutionSettings>, string][] = [
    [{ weight: [32, 15, 3, 3] }, "input has 16 channels, weight expects 15"],
    [{ groups: 3 }, "which the groups must divide"],
    [{ dilation: [11, 1] }, "the kernel reaches over 23 elements, but the padded input has 22"],
    [{ stride: [1] }, "has 1 entries, expected 2"],
    [{ layout: "NCW" }, "has 4 axes, but layout NCW has 3"],
    [{ shuffle: [3, 3] }, "cannot be shuffled into 9 pixels"],
  ];
  for (const [change, message] of cases) {
    assertThrows(() => planConvolution(FORGED.gpu, { ...SQUARE, ...change }), ShapeError, message);
  }
});

test("planConvolution() refuses tensors beyond the device", () => {
  const large = { ...SQUARE, input: [1, 16, 2_048, 2_048] };
  const error = assertThrows(() => planConvolution(FORGED.cpu, large), LimitError);
  assertStringIncludes(error.message, "268435456 bytes");
  assertThrows(
    () => planConvolution(FORGED.gpu, { ...SQUARE, input: [1, 16, 16_384, 16_384] }),
    LimitError,
  );
  assertThrows(
    () => planConvolution(FORGED.gpu, { ...SQUARE, padding: [2 ** 31, 0] }),
    RangeError,
  );
  assertThrows(() => planConvolution(FORGED.gpu, SQUARE, "fast"), LimitError, "is not among");
});

test("planConvolution() of an empty batch has no dispatch", () => {
  const plan = planConvolution(FORGED.gpu, { ...SQUARE, input: [0, 16, 20, 24] });
  assertEquals([plan.dispatches.length, plan.flops], [0, 0]);
});

test("planConvolution() counts operations and bytes", () => {
  const plan = planConvolution(FORGED.cpu, { ...SQUARE, hasBias: true }, "direct");
  const results = 2 * 32 * 20 * 24;
  assertEquals(plan.flops, results * (2 * 16 * 9 + 1));
  assertEquals(plan.bytes, 4 * (2 * 16 * 20 * 24 + 32 * 16 * 9 + results + 32));
});

test("every tile fits what the notes say, and the least device has one", () => {
  for (const tile of TILES) {
    const threads = tileThreads(tile);
    assert([64, 128, 256].includes(threads), tile.name);
    // What igemm_load.glsl takes for granted.
    assertEquals(tile.k * tile.n / 4 % threads, 0, tile.name);
    assertEquals(threads % (tile.n / 4), 0, tile.name);
    assertEquals(threads % (tile.k / 4), 0, tile.name);
    assert(tile.n % threads === 0 || threads % tile.n === 0, tile.name);
    assert(tileSharedBytes(tile) <= 49_152, tile.name);
  }
  const fitting = TILES.filter((tile) => tileFits(tile, FORGED.least));
  assert(fitting.length >= 1);
  assert(!tileFits(TILES[0]!, FORGED.cpu), "128x128 needs more than 32 KiB");
});

test("igemm is chosen on GPUs, with a tile for the number of filters", () => {
  const label = (settings: Partial<ConvolutionSettings>, capabilities = FORGED.gpu): string =>
    planConvolution(capabilities, { ...SQUARE, ...settings }).label;
  const image = { input: [8, 64, 224, 224] };
  assertEquals(label({ ...image, weight: [128, 64, 3, 3] }), "Convolution/igemm_128x128");
  assertEquals(label({ ...image, weight: [64, 64, 3, 3] }), "Convolution/igemm_64x64r");
  assertEquals(label({ ...image, weight: [32, 64, 3, 3] }), "Convolution/igemm_32x128");
  assertEquals(label({ ...image, weight: [16, 64, 3, 3] }), "Convolution/igemm_16x256");
  assertEquals(label({ ...image, weight: [9, 64, 3, 3] }), "Convolution/window");
  assertEquals(label({ ...image, weight: [64, 1, 3, 3], groups: 64 }), "Convolution/window");
  // Too few columns for windows to keep the device busy.
  const line = { input: [1, 512, 3200], layout: "NCW", padding: [0] } as const;
  assertStringIncludes(label({ ...line, weight: [5, 512, 2] }), "Convolution/igemm_");
  assertStringIncludes(label({}, FORGED.least), "Convolution/igemm_");
});

test("igemm splits the taps where tiles are too few for the device, and nowhere else", () => {
  const few: Partial<ConvolutionSettings> = { input: [1, 512, 7, 7], weight: [512, 512, 3, 3] };
  const plan = planConvolution(FORGED.gpu, { ...SQUARE, ...few });
  assertStringIncludes(plan.label, "_split");
  const [parts, sum] = plan.dispatches;
  assertEquals([plan.dispatches.length, sum!.program.id], [2, "convolution/igemm_sum"]);
  const temporary = plan.slots.find((slot) => slot.role === "temporary")!;
  assertEquals(parts!.slots[4], plan.slots.indexOf(temporary));
  assertEquals(temporary.byteLength % (512 * 49 * 4), 0);
  const many = planConvolution(FORGED.gpu, {
    ...SQUARE,
    input: [8, 64, 224, 224],
    weight: [64, 64, 3, 3],
  });
  assertEquals(many.dispatches.length, 1);
});

test("countSplits() leaves no part empty and keeps to its bounds", () => {
  const integer = (min: number, max: number) => fc.integer({ min, max });
  fc.assert(fc.property(
    integer(1, 200),
    integer(1, 500),
    integer(1, 2 ** 27),
    integer(1, 256),
    (workgroups, steps, bytes, processors) => {
      const splits = countSplits({ ...FORGED.gpu, processors }, workgroups, steps, bytes);
      const length = Math.ceil(steps / splits);
      assert(splits >= 1 && splits <= 16 && (splits - 1) * length < steps);
      assert(splits === 1 || workgroups * splits <= 4 * processors && splits * bytes <= 2 ** 26);
    },
  ));
});

test("CPU devices take grouped and depthwise kernels by the width of a row", () => {
  const label = (input: readonly number[], weight: readonly number[], groups: number): string => {
    const padding = [weight[2]! >> 1, weight[3]! >> 1];
    const settings = { input, weight, layout: "NCHW", padding, groups } as const;
    return planConvolution(FORGED.cpu, settings).label;
  };
  assertEquals(label([1, 144, 56, 56], [144, 1, 3, 3], 144), "Convolution/cpu_lanes");
  assertEquals(label([4, 64, 14, 14], [64, 1, 3, 3], 64), "Convolution/cpu_flat");
  assertEquals(label([4, 64, 50, 50], [64, 1, 3, 3], 64), "Convolution/cpu_depthwise_rows");
  // Most filters read the same channel again: lanes that keep it are faster.
  assertEquals(label([1, 1, 64, 96], [16, 1, 5, 5], 1), "Convolution/cpu_depthwise_rows");
  assertEquals(label([1, 1, 270, 480], [64, 1, 5, 5], 1), "Convolution/cpu_columns");
  const sound = { input: [1, 1, 16000], weight: [512, 1, 10], layout: "NCW", stride: [5] } as const;
  assertEquals(planConvolution(FORGED.cpu, sound).label, "Convolution/cpu_multiple");
  assertEquals(label([2, 128, 56, 56], [128, 4, 3, 3], 32), "Convolution/cpu_grouped");
  assertEquals(label([1, 64, 56, 56], [128, 32, 3, 3], 2), "Convolution/cpu_row");
  assertEquals(label([1, 64, 56, 56], [3, 64, 3, 3], 1), "Convolution/cpu_few");
  assertEquals(label([1, 64, 56, 56], [32, 64, 1, 1], 1), "Convolution/cpu_pointwise");
  assertEquals(label([1, 64, 56, 56], [8, 64, 1, 1], 1), "Convolution/cpu_row");
  const enlarged = {
    input: [1, 64, 28, 28],
    weight: [64, 32, 2, 2],
    layout: "NCHW",
    stride: [2, 2],
    size: [56, 56],
  } as const;
  assertEquals(planDeconvolution(FORGED.cpu, enlarged).label, "Deconvolution/phases_cpu_pointwise");
});

test("CPU devices keep columns on the stack where there is enough to do with them", () => {
  const label = (
    [channels, size]: readonly [number, number],
    [filters, kernel, stride]: readonly [number, number, number],
  ): string => {
    const side = kernel >> 1;
    const settings = {
      input: [1, channels, size, size],
      weight: [filters, channels, kernel, kernel],
      layout: "NCHW",
      stride: [stride, stride],
      padding: [side, side],
    } as const;
    return planConvolution(FORGED.cpu, settings).label.slice("Convolution/".length);
  };
  assertEquals(label([3, 224], [64, 7, 2]), "cpu_columns");
  assertEquals(label([128, 56], [128, 3, 2]), "cpu_columns");
  assertEquals(label([64, 128], [8, 3, 2]), "cpu_columns");
  assertEquals(label([256, 56], [512, 1, 2]), "cpu_strided");
  assertEquals(label([256, 28], [512, 1, 2]), "cpu_stationary");
  assertEquals(label([512, 7], [2048, 1, 1]), "cpu_stationary");
  assertEquals(label([1024, 14], [256, 1, 1]), "cpu_row");
  assertEquals(label([512, 14], [512, 3, 2]), "cpu_columns");
  // Lanes of the row kernel: all in use, or not.
  assertEquals(label([64, 128], [16, 3, 1]), "cpu_row");
  assertEquals(label([64, 128], [9, 3, 1]), "cpu_columns");
  // Too few lanes; not worth to compile; Winograd.
  assertEquals(label([512, 10], [512, 3, 2]), "cpu");
  assertEquals(label([8, 32], [16, 3, 2]), "cpu");
  assertEquals(label([64, 56], [64, 3, 1]), "cpu_winograd");
});

test("every variant keeps to the limits of every device", () => {
  const settings = fc.record({
    n: fc.constantFrom(1, 3),
    groups: fc.constantFrom(1, 1, 2, 4),
    channels: fc.constantFrom(1, 3, 4, 12, 13, 16),
    filters: fc.constantFrom(1, 4, 12, 15, 16, 65),
    height: fc.integer({ min: 5, max: 70_000 }),
    width: fc.integer({ min: 5, max: 40 }),
    kernel: fc.integer({ min: 1, max: 4 }),
    last: fc.boolean(),
    hasBias: fc.boolean(),
  });
  fc.assert(
    fc.property(
      settings,
      ({ n, groups, channels, filters, height, width, kernel, last, hasBias }) => {
        const c = channels * groups;
        const o = filters * groups;
        const shape: ConvolutionSettings = {
          input: last ? [n, height, width, c] : [n, c, height, width],
          weight: last ? [o, kernel, kernel, channels] : [o, channels, kernel, kernel],
          layout: last ? "NHWC" : "NCHW",
          padding: [kernel - 1, kernel - 1],
          groups,
          hasBias,
        };
        for (const capabilities of Object.values(FORGED)) {
          for (const { name } of CONVOLUTION_VARIANTS) {
            let plan: Plan;
            try {
              plan = planConvolution(capabilities, shape, name);
            } catch (error) {
              assert(error instanceof LimitError, String(error));
              continue;
            }
            checkLimits(plan, capabilities);
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});

test("candidates are distinct variants that plan, the chosen one first", () => {
  const shapes: readonly Partial<ConvolutionSettings>[] = [
    {},
    { input: [1, 512, 7, 7], weight: [512, 512, 3, 3] },
    { input: [2, 64, 20, 24], weight: [64, 1, 3, 3], groups: 64 },
    { weight: [2, 16, 1, 1], padding: [0, 0] },
  ];
  for (const capabilities of Object.values(FORGED)) {
    for (const shape of shapes) {
      const settings = { ...SQUARE, ...shape };
      const size = settings.input.slice(2).map((each) => 2 * each);
      const transposed = { ...settings, weight: settings.weight.with(0, settings.input[1]!), size };
      const { groups: _, ...rest } = { ...transposed, stride: [2, 2] };
      const families = [
        {
          names: convolutionCandidates(capabilities, settings),
          plan: (name?: string) => planConvolution(capabilities, settings, name),
        },
        {
          names: weightGradientCandidates(capabilities, settings),
          plan: (name?: string) => planWeightGradient(capabilities, settings, name),
        },
        {
          names: deconvolutionCandidates(capabilities, rest),
          plan: (name?: string) => planDeconvolution(capabilities, rest, name),
        },
      ];
      for (const { names, plan } of families) {
        assert(names.length >= 1 && names.length <= 13);
        assertEquals(new Set(names).size, names.length);
        assertEquals(plan(names[0]).label, plan().label);
        for (const name of names) checkLimits(plan(name), capabilities);
      }
    }
  }
  assertEquals(convolutionCandidates(FORGED.gpu, { ...SQUARE, input: [0, 16, 20, 24] }), []);
});

test("a split may be forced where the taps allow it", () => {
  const few: ConvolutionSettings = { ...SQUARE, input: [1, 512, 7, 7], weight: [512, 512, 3, 3] };
  const plan = planConvolution(FORGED.gpu, few, "igemm_64x32_split4");
  assertEquals(plan.label, "Convolution/igemm_64x32_split");
  assertThrows(
    () => planConvolution(FORGED.gpu, { ...few, weight: [512, 512, 1, 1] }, "igemm_64x32_split8"),
    LimitError,
    "does not support this shape or device",
  );
});
