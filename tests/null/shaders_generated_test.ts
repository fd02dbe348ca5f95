// The committed SPIR-V follows from the committed GLSL: hashes of all programs, and the bytes of one family where a compiler
// is installed. The stage `generated` of scripts/test compiles all families.

import { assert, assertEquals } from "@std/assert";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { listBuilds, readHashes } from "../../shaders/build/sources.ts";
import { programs } from "../../shaders/manifest.ts";
import type { Program } from "../../src/core/dispatch.ts";
import { test } from "../support/test.ts";

const SHADERS = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "shaders");
const ALL: readonly Program[] = Object.values(programs);

test("every source has current SPIR-V, and every SPIR-V a source", () => {
  const builds = listBuilds(join(SHADERS, "glsl"));
  const found = new Map<string, string>();
  for (const file of readdirSync(join(SHADERS, "spirv"))) {
    const text = readFileSync(join(SHADERS, "spirv", file), "utf8");
    for (const [constant, hash] of readHashes(text)) found.set(`${file}:${constant}`, hash);
  }
  const expected = new Map(
    builds.map(({ family, constant, hash }) => [`${family}.ts:${constant}`, hash]),
  );
  assertEquals(found, expected, "run `deno task shaders`");
  assertEquals(ALL.map(({ id }) => id), builds.map(({ id }) => id));
});

test("shaders/build.ts gives the committed bytes on this runtime", () => {
  // Where no compiler is installed the hashes above must do.
  if (spawnSync("glslangValidator", ["--version"]).error !== undefined) return;
  const script = join(SHADERS, "build.ts");
  const arguments_ = "Deno" in globalThis ? ["run", "--allow-all", "--no-check", script] : [script];
  const { status, stdout, stderr } = spawnSync(process.execPath, [
    ...arguments_,
    ...["--check", "--family", "pad"],
  ], { encoding: "utf8" });
  assertEquals(status, 0, stdout + stderr);
});

test("every program decodes to SPIR-V", () => {
  for (const program of ALL) {
    const bytes = program.spirv();
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    assertEquals(words[0], 0x07230203, program.id);
    assert(words.length > 20 && bytes.byteLength % 4 === 0, program.id);
    assert(program.spirv() !== bytes, "each device gets its own copy");
  }
});

test("every program keeps to what all Vulkan devices offer", () => {
  for (const { id, pushByteLength, push, constants, bindings, addresses } of ALL) {
    assert(pushByteLength <= 128 && pushByteLength % 4 === 0, id);
    let end = addresses ? bindings.length * 8 : 0;
    for (const { offset } of Object.values(push)) {
      assertEquals(offset, end, `${id}: words without gaps`);
      end += 4;
    }
    assertEquals(end, pushByteLength, id);
    const ids = Object.values(constants).map((constant) => constant.id);
    assertEquals(new Set(ids).size, ids.length, `${id}: constant ids differ`);
    assert(bindings.length >= 1 && bindings.some(({ access }) => access !== "read"), id);
  }
});
