// Plans of deformable convolution and padding on forged devices: bounded columns, chunks that cover everything once,
// grids within limits, and what is too large.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { LimitError } from "../../src/core/errors.ts";
import {
  type DeformableSettings,
  planDeformableConvolution,
} from "../../src/kernels/deformable.ts";
import {
  planDeformableSampledGradient,
  sampledParts,
} from "../../src/kernels/deformable_gradient.ts";
import { planDeformableWeightGradient } from "../../src/kernels/deformable_weight_gradient.ts";
import {
  chunksOf,
  columnBudget,
  describeDeformable,
} from "../../src/kernels/deformable_problem.ts";
import { planPad, planPadGradient } from "../../src/kernels/pad.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { deformableCases } from "../cases/deformable_convolution.ts";
import { padCases } from "../cases/pad.ts";
import { FORGED } from "../reference/capabilities.ts";
import { test } from "../support/test.ts";

function plans(settings: DeformableSettings, device: typeof FORGED[keyof typeof FORGED]): Plan[] {
  const parts = settings.modulated
    ? ["data", "offset", "mask"] as const
    : ["data", "offset"] as const;
  return [
    planDeformableConvolution(device, { ...settings, hasBias: true }),
    planDeformableSampledGradient(device, settings, parts),
    planDeformableWeightGradient(device, settings),
  ];
}

function checkDispatches(plan: Plan, device: typeof FORGED[keyof typeof FORGED]): void {
  const prepared = plan.slots.flatMap((slot) => slot.role === "prepared" ? slot.dispatches : []);
  for (const { grid, slots, program } of [...plan.dispatches, ...prepared]) {
    grid.forEach((count, axis) => {
      assert(count >= 1 && count <= device.maxWorkgroupCount[axis]!, `${program.id}: ${grid}`);
    });
    assert(slots.every((slot) => slot < plan.slots.length), program.id);
    assert(program.pushByteLength <= device.maxPushConstantBytes, program.id);
  }
}

const LARGE: DeformableSettings = {
  name: "DeformableConvolution",
  input: [2, 256, 100, 168],
  weight: [256, 256, 3, 3],
  layout: "NCHW",
  stride: [1, 1],
  padding: [1, 1],
  dilation: [1, 1],
  groups: 1,
  deformableGroups: 4,
  modulated: true,
};

test("plans of deformable convolution stay within the limits of every device", () => {
  const settings = [LARGE, ...deformableCases(81, 200).map((each) => each.settings)];
  for (const device of Object.values(FORGED)) {
    for (const each of settings) {
      for (const plan of plans(each, device)) checkDispatches(plan, device);
    }
  }
});

test("chunks cover every output once, and their columns keep to the budget", () => {
  const all = deformableCases(82, 200).map(({ settings }) => settings);
  for (const device of Object.values(FORGED)) {
    for (const settings of [LARGE, ...all]) {
      const problem = describeDeformable(settings);
      for (const budget of [1, 40_000, columnBudget(device)]) {
        for (const vector of [1, 4, 8]) {
          const { list, width } = chunksOf(problem, budget, vector);
          let next = 0;
          let most = 0;
          for (const { firstImage, images, firstOutput, outputs } of list) {
            assertEquals(firstImage * problem.outputs + firstOutput, next);
            assert(images >= 1 && outputs >= 1 && outputs <= width && width % vector === 0);
            assert(images === 1 || outputs === problem.outputs);
            next += images * outputs;
            most = Math.max(most, images);
          }
          assertEquals(next, problem.batch * problem.outputs);
          const columnBytes = most * width * problem.depth * 16;
          // Unless a few outputs need more.
          assert(
            columnBytes <= Math.max(budget + 64 * problem.depth * 16, 40 * problem.depth * 16),
            `${columnBytes} of ${budget}`,
          );
        }
      }
    }
  }
});

test("quads of channels belong to one group and one deformable group", () => {
  for (const { settings } of deformableCases(83, 200)) {
    const { channels, groups, deformableGroups, segment, quads, deformableQuads, groupQuads } =
      describeDeformable(settings);
    assertEquals(channels / groups % segment, 0);
    assertEquals(channels / deformableGroups % segment, 0);
    assertEquals(quads, groupQuads * groups);
    assert(Number.isInteger(deformableQuads) && quads * 4 >= channels);
  }
});

test("parts of the gradient lie one behind the other, that of the data as whole vectors", () => {
  const settings = { ...LARGE, input: [1, 3, 3, 3], weight: [1, 3, 3, 3], deformableGroups: 1 };
  assertEquals(sampledParts(settings, ["mask", "data"]), {
    starts: { data: 0, mask: 28 },
    total: 28 + 81,
  });
});

test("a deformable convolution beyond what the device binds is refused by size", () => {
  const input = [32, 512, 256, 256];
  const error = assertThrows(
    () => planDeformableConvolution(FORGED.least, { ...LARGE, input, weight: [256, 512, 3, 3] }),
    LimitError,
  );
  assert(/split the batch/.test(error.message), error.message);
});

test("an empty batch gives zeros for the weight", () => {
  const settings = { ...LARGE, input: [0, 256, 10, 10] };
  assertEquals(planDeformableConvolution(FORGED.cpu, settings).dispatches, []);
  const [fill] = planDeformableWeightGradient(FORGED.cpu, settings).dispatches;
  assertEquals(fill!.program.id, "movement/fill");
});

test("plans of padding stay within the limits of every device", () => {
  for (const device of Object.values(FORGED)) {
    for (const { shape, attributes } of padCases(84, 200)) {
      const before = attributes.widths.map(([each]) => each);
      const after = attributes.widths.map(([, each]) => each);
      const settings = { shape, before, after, mode: attributes.mode };
      for (const bytes of [1, 2, 4]) checkDispatches(planPad(device, settings, bytes, 0), device);
      checkDispatches(planPadGradient(device, settings), device);
    }
  }
});
