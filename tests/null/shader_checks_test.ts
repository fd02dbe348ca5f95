// The interpreter of shaders, shown to fail where a plan or a kernel is wrong: a check that cannot fail proves nothing.

import { assertEquals, assertThrows } from "@std/assert";
import { programs } from "../../shaders/manifest.ts";
import { makeDispatch, type Plan } from "../../src/kernels/plan.ts";
import { FORGED } from "../reference/capabilities.ts";
import { checkFamilies } from "../spirv/coverage.ts";
import type { Operand } from "../spirv/memory.ts";
import { runPlan } from "../spirv/plans.ts";
import { test } from "../support/test.ts";

/** A plan that copies `count` of 64 elements from `from` to `to`, as often as asked. */
function copies(count: number, from: number, to: number, times = 1): Plan {
  const push: Record<string, number> = {};
  const program = programs["movement/gather.word"];
  for (const name of Object.keys(program.push)) push[name] = name.startsWith("from_") ? 1 : 0;
  const dispatch = makeDispatch(
    program,
    { local_size_x: 64, rank: 1, dense: 1 },
    { ...push, count, from, to },
    [0, 1],
    [1, 1, 1],
  );
  return {
    label: "copies",
    slots: [{ role: "input", index: 0 }, { role: "output", index: 0 }],
    dispatches: Array.from({ length: times }, () => dispatch),
    flops: 0,
    bytes: 0,
  };
}

const FOLDED = [1, 2, 1] as const;
const values = Float32Array.from({ length: 64 }, (_, at) => at);
const run = (plan: Plan): Operand => runPlan(FORGED.cpu, plan, [values], [256])[0]!;

test("a right plan runs, and gives what is asked", () => {
  assertEquals(new Float32Array(run(copies(64, 0, 0)).bytes.buffer), values);
});

test("elements that are not written, or twice, are found", () => {
  assertThrows(() => run(copies(63, 0, 0)), Error, "byte 252 of output 0 is written 0 times");
  assertThrows(() => run(copies(64, 0, 0, 2)), Error, "byte 0 of output 0 is written 2 times");
});

test("reads and writes outside of an operand are found", () => {
  assertThrows(() => run(copies(64, 1, 0)), Error, "4 bytes at 256 of input 0 are read");
  assertThrows(() => run(copies(64, 0, 1)), Error, "4 bytes at 256 of output 0 are written");
});

test("launches beyond a device's limits are found", () => {
  const small = { ...FORGED.cpu, maxWorkgroupInvocations: 32 };
  assertThrows(() => runPlan(small, copies(64, 0, 0), [values], [256]), Error, "64,1,1");
  const plan = copies(64, 0, 0);
  const wide = { ...plan, dispatches: plan.dispatches.map((each) => ({ ...each, grid: FOLDED })) };
  const narrow = { ...FORGED.cpu, maxWorkgroupCount: [4, 1, 1] as const };
  assertThrows(() => runPlan(narrow, wide, [values], [256]), Error, "grid 1,2,1");
});

test("every family of shaders has a test that runs it", checkFamilies);
