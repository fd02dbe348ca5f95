// Which test runs which family of shaders, and which programs no test runs, and why. A program that is missing in both
// fails the tests.

import { assert, assertEquals } from "@std/assert";
import { programs } from "../../shaders/manifest.ts";
import { launched } from "./plans.ts";

/** Families of shaders by the test that runs them. */
const TESTED: Readonly<Record<string, readonly string[]>> = {
  "tests/null/shader_convolution_test.ts": ["convolution"],
};

/** Families of which no program is run, with the reason. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  cooperative:
    "a subgroup's matrices have no elements: tests/null/cooperative_plan_test.ts models them",
  deformable: "tests/null/deformable_plan_test.ts checks chunks and limits",
  elementwise: "one invocation for each element: tests/gpu compares all of them",
  indexing: "one invocation for each element: tests/gpu compares all of them",
  loss: "one invocation for each element: tests/gpu compares all of them",
  matmul: "tests/gpu compares all shapes",
  movement: "tests/null/kernels_movement_test.ts models them",
  normalization: "tests/gpu compares all shapes",
  optimizer: "one invocation for each element: tests/gpu compares all of them",
  pad: "tests/gpu compares all shapes",
  pooling: "tests/null/pooling_plan_test.ts models them",
  probe: "measures the device, computes nothing",
  reduce: "tests/gpu compares all shapes",
};

/** Programs that are not run as they are, with the reason. */
const EXEMPT: Readonly<Record<string, string>> = {};

const familyOf = (id: string): string => id.split("/")[0]!;

/**
 * Fails where a program of a test's families was not run, or where a reason is given for one that was.
 *
 * @param file The test that calls.
 */
export function checkLaunched(file: string): void {
  const families = TESTED[file];
  assert(families !== undefined, `${file} is not among the tests of shaders`);
  const own = Object.keys(programs).filter((id) => families.includes(familyOf(id)));
  const idle = own.filter((id) => !launched.has(id));
  assertEquals(idle, own.filter((id) => id in EXEMPT), `programs that ${file} does not run`);
}

/** Fails where a family of shaders is neither run nor left out, or both. */
export function checkFamilies(): void {
  const all = [...new Set(Object.keys(programs).map(familyOf))].sort();
  assertEquals([...Object.values(TESTED).flat(), ...Object.keys(LEFT_OUT)].sort(), all);
}
