// The code of the 1x1 kernels of CPU devices that shader_convolution_test.ts does not draw problems for, run without a GPU
// (tests/spirv).

import { planConvolution } from "../../src/kernels/convolution.ts";
import { planDeconvolution } from "../../src/kernels/deconvolution.ts";
import { convolution } from "../reference/convolution.ts";
import { deconvolution } from "../reference/deconvolution.ts";
import { pixelShuffle } from "../reference/movement.ts";
import { checkPlan } from "../spirv/compare.ts";
import { checkLaunched } from "../spirv/coverage.ts";
import { CPUS } from "../spirv/devices.ts";
import { drawValues } from "../spirv/problems.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";

test("a pointwise kernel interleaves what a pixel shuffle by two stores side by side", () => {
  const capabilities = CPUS.find(({ loadPath }) => loadPath === "texel")!;
  const random = new Random(11);
  // Runs of 8 and of 4.
  for (
    const [input, filters, upscale] of [
      [[2, 20, 2, 8], 16, [2, 2]],
      [[1, 60, 2, 4], 6, [1, 2]],
      [[3, 4, 12], 10, [2]],
    ] as const
  ) {
    const layout = input.length === 3 ? "NCW" : "NCHW";
    const settings = {
      layout,
      input,
      weight: [filters, input[1], ...upscale.map(() => 1)],
      shuffle: upscale,
      hasBias: true,
      residual: "before",
      activation: { name: "relu" },
    } as const;
    const [x, k, b] = [input, settings.weight, [filters]].map((shape) => drawValues(random, shape));
    const y = pixelShuffle(convolution(x!, k!, b!, settings), upscale);
    const r = drawValues(random, y.shape);
    const expected = Array.from(y.data, (each, at) => Math.max(each + r.data[at]!, 0));
    const plan = planConvolution(capabilities, settings, "cpu_pointwise");
    checkPlan(capabilities, plan, [x!.data, k!.data, b!.data, r.data], expected, {
      what: settings,
    });
  }
  const settings = {
    layout: "NCHW",
    input: [2, 20, 3, 8],
    weight: [20, 5, 2, 2],
    stride: [2, 2],
    size: [6, 16],
    hasBias: true,
  } as const;
  const [x, k, b] = [settings.input, settings.weight, [5]].map((shape) =>
    drawValues(random, shape)
  );
  const plan = planDeconvolution(capabilities, settings, "phases_cpu_pointwise");
  const expected = deconvolution(x!, k!, b!, settings);
  checkPlan(capabilities, plan, [x!.data, k!.data, b!.data], expected.data, { what: settings });
});

test("weights stay on the stack for any image, stride, epilogue and number of filters of a lane", () => {
  const capabilities = CPUS.find(({ loadPath }) => loadPath === "texel")!;
  const random = new Random(12);
  for (
    const [layout, input, filters, stride] of [
      ["NCHW", [2, 20, 3, 5], 32, [1, 1]],
      ["NCHW", [1, 68, 3, 4], 64, [2, 1]],
      ["NCDHW", [1, 4, 3, 2, 5], 32, [2, 1, 2]],
    ] as const
  ) {
    const settings = {
      layout,
      input,
      weight: [filters, input[1], ...stride.map(() => 1)],
      stride,
      hasBias: true,
      residual: "after",
      activation: { name: "relu" },
    } as const;
    const [x, k, b] = [input, settings.weight, [filters]].map((shape) => drawValues(random, shape));
    const y = convolution(x!, k!, b!, settings);
    const r = drawValues(random, y.shape);
    const expected = Array.from(y.data, (each, at) => Math.max(each, 0) + r.data[at]!);
    const plan = planConvolution(capabilities, settings, "cpu_stationary");
    checkPlan(capabilities, plan, [x!.data, k!.data, b!.data, r.data], expected, {
      what: settings,
    });
  }
});

test("every program of the last step is run", () => {
  checkLaunched("tests/null/shader_pointwise_test.ts");
});
