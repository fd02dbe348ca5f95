// Pooling plans without a GPU: limits, grids, variants by device, and what a plan costs.

import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Capabilities } from "../../src/core/capabilities.ts";
import { LimitError, ShapeError } from "../../src/core/errors.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import {
  planPooling,
  planPoolingBackward,
  planPoolingPlaces,
  type PoolingSettings,
} from "../../src/kernels/pooling.ts";
import { planUnpool } from "../../src/kernels/pooling_indexed.ts";
import { poolingCases } from "../cases/pooling.ts";
import { size } from "../reference/array.ts";
import { FORGED } from "../reference/capabilities.ts";
import { pooling } from "../reference/pooling.ts";
import { test } from "../support/test.ts";

const DEVICES = Object.entries(FORGED);

function checkLimits(plan: Plan, capabilities: Capabilities, label: string): void {
  for (const { program, constants, push, slots, grid } of plan.dispatches) {
    grid.forEach((count, axis) => {
      assert(count >= 1 && count <= Math.min(capabilities.maxWorkgroupCount[axis]!, 65_535), label);
    });
    const local = constants["local_size_x"]!;
    assert(local <= capabilities.maxWorkgroupInvocations, label);
    assert(program.pushByteLength <= 128, label);
    assert(push.length * 4 <= program.pushByteLength, label);
    for (const slot of slots) assert(slot < plan.slots.length, label);
    // Every invocation count in the push block is covered by the grid.
    const view = new DataView(push.buffer);
    const word = (name: string): number | undefined => {
      const found = program.push[name];
      const base = program.addresses ? program.bindings.length * 8 : 0;
      return found === undefined ? undefined : view.getUint32(found.offset - base, true);
    };
    const lanes = constants["lanes"] ?? 1;
    const items = word("words") ?? word("count") ?? word("items") ?? word("planes") ?? 0;
    assert(grid[0] * grid[1] * grid[2] * local >= items * lanes, label);
  }
}

test("plans of random poolings keep to the limits of every device", () => {
  for (const { settings, attributes, data, label } of poolingCases(41, 300)) {
    const outputs = size(pooling({ data, shape: settings.input }, attributes).shape);
    for (const [name, capabilities] of DEVICES) {
      for (const dtype of ["float32", "float16"] as const) {
        const where = `${name} ${dtype} ${label}`;
        const forward = planPooling(capabilities, settings, dtype);
        checkLimits(forward, capabilities, where);
        assertEquals(forward.bytes, (data.length + outputs) * (dtype === "float16" ? 2 : 4), where);
        checkLimits(planPoolingPlaces(capabilities, settings, dtype), capabilities, where);
        checkLimits(planPoolingBackward(capabilities, settings, dtype), capabilities, where);
      }
    }
  }
});

const P1: PoolingSettings = {
  type: "max",
  layout: "NCHW",
  input: [8, 64, 112, 112],
  windows: {
    kind: "sliding",
    kernel: [3, 3],
    stride: [2, 2],
    padding: [1, 1],
    convention: "valid",
  },
};
const P2: PoolingSettings = {
  type: "avg",
  layout: "NCHW",
  input: [32, 2048, 7, 7],
  windows: { kind: "global" },
};

test("the device decides which kernel pools", () => {
  assertEquals(planPooling(FORGED.cpu, P1).label, "Pooling/max_cpu_lanes");
  assertEquals(planPooling(FORGED.cpu, { ...P1, type: "avg" }).label, "Pooling/avg_cpu");
  const small: PoolingSettings = { ...P1, input: [8, 64, 16, 16] };
  assertEquals(planPooling(FORGED.cpu, small).label, "Pooling/max_cpu");
  assertEquals(planPooling(FORGED.gpu, P1).label, "Pooling/max_quads");
  assertEquals(planPooling(FORGED.cpu, P1, "float16").label, "Pooling/max_cpu_lanes");
  assertEquals(planPooling(FORGED.cpu, P1, "float32", true).label, "Pooling/max_general");
  const passing = { ...P1, nanPolicy: "propagate" } as const;
  assertEquals(planPooling(FORGED.cpu, passing).label, "Pooling/max_general");
  const last: PoolingSettings = { ...P1, layout: "NHWC", input: [8, 112, 112, 64] };
  assertEquals(planPooling(FORGED.cpu, last).label, "Pooling/max_cpu_channels");
  assertEquals(planPooling(FORGED.cpu, P2).label, "Pooling/avg_cpu_reduce");
  assertEquals(planPooling(FORGED.gpu, P2).label, "Pooling/avg_reduce");
  const large: PoolingSettings = { ...P2, input: [1, 4, 512, 512] };
  assertEquals(planPooling(FORGED.gpu, large).label, "Pooling/avg_reduce_twice");
  assertEquals(planPooling(FORGED.cpu, large).label, "Pooling/avg_reduce_twice");
  const program = planPooling(FORGED.cpu, P1).dispatches[0]!.program.id;
  assertEquals(program, "pooling/cpu_lanes.texel");
  const few = { ...FORGED.cpu, maxTexelBufferElements: 1_000 };
  assertEquals(planPooling(few, P1).dispatches[0]!.program.id, "pooling/cpu_lanes.storage");
});

test("windows that cover everything are reduced like global ones", () => {
  const whole: PoolingSettings = {
    ...P2,
    windows: {
      kind: "sliding",
      kernel: [7, 7],
      stride: [1, 1],
      padding: [0, 0],
      convention: "valid",
    },
  };
  assertEquals(planPooling(FORGED.gpu, whole).label, "Pooling/avg_reduce");
  const one: PoolingSettings = { ...P2, windows: { kind: "adaptive", outputSize: [1, 1] } };
  assertEquals(planPooling(FORGED.gpu, one).label, "Pooling/avg_reduce");
});

test("plans count operations and bytes as the bench set does", () => {
  const max = planPooling(FORGED.cpu, P1);
  assertEquals([max.flops, max.bytes], [14_450_688, 32_112_640]);
  assertEquals(planPoolingBackward(FORGED.cpu, P1).bytes, 57_802_752);
  const mean = planPooling(FORGED.cpu, P2);
  assertEquals(mean.bytes, 13_107_200);
  assertEquals(planPoolingBackward(FORGED.cpu, P2).bytes, 13_107_200);
});

test("an empty batch needs no dispatch", () => {
  for (const settings of [{ ...P1, input: [0, 64, 8, 8] }, { ...P2, input: [0, 3, 7, 7] }]) {
    assertEquals(planPooling(FORGED.cpu, settings).dispatches, []);
    assertEquals(planPoolingPlaces(FORGED.cpu, settings).dispatches, []);
    assertEquals(planPoolingBackward(FORGED.cpu, settings).dispatches, []);
  }
  const empty = { windows: [0, 2, 3], planes: [0, 2, 6], layout: "NCW" } as const;
  assertEquals(planUnpool(FORGED.cpu, empty).dispatches, []);
});

test("too large tensors and sizes are refused before anything is allocated", () => {
  const settings: PoolingSettings = { ...P1, input: [1, 64, 2_048, 2_048] };
  assertThrows(() => planPooling(FORGED.least, settings), LimitError, "split the batch");
  const long: PoolingSettings = {
    type: "avg",
    layout: "NCW",
    input: [1, 1, 2 ** 20],
    windows: { kind: "adaptive", outputSize: [2 ** 13 + 1] },
  };
  assertThrows(() => planPooling(FORGED.gpu, long), LimitError, "below 2^32");
  const far: PoolingSettings = {
    type: "max",
    layout: "NCW",
    input: [1, 1, 4],
    windows: {
      kind: "sliding",
      kernel: [2 ** 31 - 1],
      stride: [1],
      padding: [2 ** 31 - 2],
      convention: "valid",
    },
  };
  assertThrows(() => planPooling(FORGED.gpu, far), LimitError, "less than 2^31");
  const mixed = { windows: [1, 2, 3], planes: [1, 3, 6], layout: "NCW" } as const;
  assertThrows(() => planUnpool(FORGED.gpu, mixed), ShapeError, "equal batch and channels");
});
