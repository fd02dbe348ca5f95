// Weight gradients on GPUs in another order of columns, which their sum restores: the shaders themselves, without a GPU.

import { assertEquals } from "@std/assert";
import { planWeightGradient } from "../../src/kernels/convolution_gradient.ts";
import { FORGED } from "../reference/capabilities.ts";
import { weightGradient } from "../reference/deconvolution.ts";
import { checkPlan } from "../spirv/compare.ts";
import { drawValues } from "../spirv/problems.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";

test("weight gradients whose columns go tap by tap come out in the weight's order", () => {
  const settings = {
    layout: "NCHW",
    input: [1, 32, 20, 28],
    weight: [12, 16, 3, 1],
    padding: [1, 0],
    groups: 2,
  } as const;
  const random = new Random(12);
  const [x, g] = [settings.input, [1, 12, 20, 28]].map((shape) => drawValues(random, shape));
  const plan = planWeightGradient(FORGED.gpu, settings, "igemm_64x16");
  assertEquals([plan.dispatches.length, plan.dispatches[0]!.constants["tap_major"]], [2, 1]);
  const expected = weightGradient(x!, g!, [3, 1], settings);
  checkPlan(FORGED.gpu, plan, [x!.data, g!.data], expected.data, { what: settings });
});
