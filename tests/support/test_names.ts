/**
 * Titles of the tests, for tests which claim that something is tested elsewhere.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./subprocess.ts";

/** Titles of all tests without a GPU and of those with one, as far as they are written as text. */
export function testNames(): string[] {
  const names: string[] = [];
  for (const folder of ["tests/null", "tests/gpu"]) {
    for (const file of readdirSync(join(ROOT, folder))) {
      if (!file.endsWith("_test.ts")) continue;
      const text = readFileSync(join(ROOT, folder, file), "utf8");
      for (const [, , name] of text.matchAll(/\b(?:test|gpuTest|clean)\(\s*(["'`])(.+?)\1/gs)) {
        names.push(name!);
      }
      for (const [, access] of text.matchAll(/^ +access: "(.+)",$/gm)) names.push(access!);
    }
  }
  return names;
}
