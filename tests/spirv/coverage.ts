// Which test runs which family of shaders, and which programs no test runs, and why. A program that is missing in both
// fails the tests.

import { assert, assertEquals } from "@std/assert";
import { programs } from "../../shaders/manifest.ts";
import { launched } from "./plans.ts";

/** Which test runs which programs, by how their ids begin; the first that fits. */
const TESTED: readonly (readonly [begin: string, file: string])[] = [
  ["convolution/cpu_stationary", "tests/null/shader_pointwise_test.ts"],
  ["convolution/", "tests/null/shader_convolution_test.ts"],
  ["movement/cpu_align", "tests/null/shader_convolution_test.ts"],
  ["pooling/", "tests/null/shader_sampling_test.ts"],
  ["deformable/", "tests/null/shader_sampling_test.ts"],
  ["pad/", "tests/null/shader_operators_test.ts"],
  ["movement/", "tests/null/shader_operators_test.ts"],
  ["elementwise/", "tests/null/shader_operators_test.ts"],
  ["indexing/", "tests/null/shader_operators_test.ts"],
  ["loss/", "tests/null/shader_operators_test.ts"],
  ["matmul/", "tests/null/shader_operators_test.ts"],
  ["normalization/", "tests/null/shader_operators_test.ts"],
  ["optimizer/", "tests/null/shader_operators_test.ts"],
  ["reduce/", "tests/null/shader_operators_test.ts"],
];

/** Programs that are not run here, by how their ids begin, with the reason. */
const EXEMPT: readonly (readonly [begin: string, reason: string])[] = [
  ["cooperative/", "subgroups multiply matrices; tests/null/cooperative_plan_test.ts models them"],
  ["probe/", "measures a device, and writes what nothing reads"],
];

const fits = (id: string) => ([begin]: readonly [string, string]): boolean => id.startsWith(begin);

/**
 * Fails where a program that a test should run was not run.
 *
 * @param file The test that calls.
 */
export function checkLaunched(file: string): void {
  // Builds that differ in how they store single halves: tests/gpu/float16_native_test.ts compares them on devices.
  const own = Object.keys(programs).filter((id) =>
    TESTED.find(fits(id))?.[1] === file && !/[._]shorts$/.test(id)
  );
  assert(own.length > 0, `${file} is not among the tests of shaders`);
  assertEquals(own.filter((id) => !launched.has(id)), [], `programs that ${file} does not run`);
}

/** Fails where a program is neither tested nor exempt, or both, and where an entry fits none. */
export function checkFamilies(): void {
  const ids = Object.keys(programs);
  for (const id of ids) {
    const [tested, exempt] = [TESTED.some(fits(id)), EXEMPT.some(fits(id))];
    assert(
      tested !== exempt,
      `${id} is ${tested ? "tested and exempt" : "neither tested nor exempt"}`,
    );
  }
  for (const entry of [...TESTED, ...EXEMPT]) {
    assert(ids.some((id) => fits(id)(entry)), `no program is called ${entry[0]}…`);
  }
}
