// Transposed convolutions and matrix products of cooperative matrices against the float64 oracles.

import { assert } from "@std/assert";
import {
  planHalfDeconvolution,
  planHalfFullyConnected,
  planHalfMatmul,
} from "../../src/kernels/cooperative_products.ts";
import type { DeconvolutionSettings } from "../../src/kernels/deconvolution_problem.ts";
import { deconvolution } from "../reference/deconvolution.ts";
import { matmul, transposed } from "../reference/matmul.ts";
import { Random } from "../support/random.ts";
import { checkHalfPlan, cooperativeTest, drawHalves } from "./cooperative_support.ts";

/** Planned as for a GPU, which a software device is not asked to be. */
const GPU = { deviceClass: "discrete" } as const;

cooperativeTest("matrix products of cooperative matrices agree with the oracle", async (device) => {
  const capabilities = { ...device.capabilities, ...GPU };
  const random = new Random(5);
  const sizes = [[1, 40, 24, 33, false, false], [1, 17, 40, 16, true, true], [
    3,
    16,
    32,
    24,
    false,
    false,
  ]] as const;
  for (const [batch, m, n, k, transposeA, transposeB] of sizes) {
    const plan = planHalfMatmul(capabilities, { batch, m, n, k, transposeA, transposeB });
    assert(plan !== null);
    const a = drawHalves(random, [batch, ...(transposeA ? [k, m] : [m, k])]);
    const b = drawHalves(random, [batch, ...(transposeB ? [n, k] : [k, n])]);
    const y = matmul(transposeA ? transposed(a) : a, transposeB ? transposed(b) : b);
    await checkHalfPlan(device, plan, [a.half, b.half], y.data);
  }
  assert(
    planHalfMatmul(capabilities, {
      batch: 2,
      m: 16,
      n: 16,
      k: 16,
      transposeA: true,
      transposeB: false,
    }) === null,
  );
});

cooperativeTest(
  "a fully connected layer of cooperative matrices agrees with the oracle",
  async (device) => {
    const capabilities = { ...device.capabilities, ...GPU };
    const random = new Random(6);
    const [m, n, k] = [19, 24, 40];
    const [x, weight, bias] = [[m, k], [n, k], [n]].map((shape) => drawHalves(random, shape));
    const plan = planHalfFullyConnected(capabilities, { m, n, k, hasBias: true });
    assert(plan !== null);
    const y = matmul(x!, transposed(weight!)).data;
    const expected = Array.from(y, (each, at) => each + bias!.data[at % n]!);
    await checkHalfPlan(device, plan, [x!.half, weight!.half, bias!.half], expected);
  },
);

cooperativeTest(
  "transposed convolutions of cooperative matrices agree with the oracle",
  async (device) => {
    const capabilities = { ...device.capabilities, ...GPU };
    const random = new Random(8);
    const cases: readonly DeconvolutionSettings[] = [
      {
        layout: "NCHW",
        input: [2, 16, 5, 6],
        weight: [16, 12, 3, 3],
        size: [5, 6],
        padding: [1, 1],
      },
      {
        layout: "NCHW",
        input: [1, 16, 5, 4],
        weight: [16, 8, 4, 4],
        size: [10, 8],
        stride: [2, 2],
        padding: [1, 1],
        hasBias: true,
      },
      {
        layout: "NHWC",
        input: [1, 6, 5, 16],
        weight: [16, 2, 2, 16],
        size: [12, 10],
        stride: [2, 2],
        hasBias: true,
      },
    ];
    for (const settings of cases) {
      const plan = planHalfDeconvolution(capabilities, settings);
      assert(plan !== null);
      const x = drawHalves(random, settings.input);
      const weight = drawHalves(random, settings.weight);
      const channels = settings.weight[settings.layout === "NCHW" ? 1 : 3]!;
      const bias = settings.hasBias ? drawHalves(random, [channels]) : null;
      const y = deconvolution(x, weight, bias, settings);
      await checkHalfPlan(device, plan, [x.half, weight.half, bias?.half ?? null], y.data);
    }
  },
);
