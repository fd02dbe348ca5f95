// Plans of convolution within limits: grids folded over three axes, operands of sizes that a device binds. What they
// compute is checked in shader_convolution_test.ts.

import { assert } from "@std/assert";
import type { Capabilities } from "../../src/core/capabilities.ts";
import {
  CONVOLUTION_VARIANTS,
  type ConvolutionSettings,
  planConvolution,
} from "../../src/kernels/convolution.ts";
import { FORGED } from "../reference/capabilities.ts";
import { attempt } from "../spirv/compare.ts";
import { drawConvolution } from "../spirv/problems.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";

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
    const settings = drawConvolution(random);
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
