/**
 * The shape of the house, checked: who may import whom, where runtimes are
 * named, how long files get, what an operator consists of. Each rule is first
 * shown to fail on bad input, because a rule that cannot fail proves nothing.
 */
import { assertEquals, assertGreater } from "@std/assert";
import {
  checkArrows,
  checkCycles,
  checkEntryPoints,
  checkFileNames,
  checkLineCounts,
  checkOperators,
  checkPlansArePure,
  checkRuntimeNames,
  checkSkips,
  checkTodos,
} from "./architecture/rules.ts";
import { importsOf, readSources, type SourceFile } from "./architecture/source.ts";
import { SKIPS } from "./support/skips.ts";
import { ROOT } from "./support/subprocess.ts";
import { test } from "./support/test.ts";

const FILES = readSources(
  ROOT,
  ["mod.ts", "io.ts", "inspect.ts", "ffi", "shaders", "src", "tests", "bench", "examples"],
  [".ts", ".comp", ".glsl"],
);

/** Made-up files from pairs of path and text. */
function made(...pairs: [path: string, text: string][]): SourceFile[] {
  return pairs.map(([path, text]) => ({ path, text }));
}

test("readSources() sees the repository", () => {
  assertGreater(FILES.filter((file) => file.path.startsWith("src/")).length, 3);
  assertEquals(FILES.filter((file) => file.path === "mod.ts").length, 1);
});

test("importsOf() reads every form of import and is not fooled by text", () => {
  const [file] = made([
    "src/nn/x.ts",
    `
    import type { A } from "../core/a.ts";
    import { type B } from "../core/b.ts";
    import {
      c,
    } from "../core/c.ts";
    import "./d.ts";
    export * from "./e.ts";
    const f = await import("./f.ts");
    const g = await import(f + "x");
    type H = import("./h.ts").H;
    // import "./comment.ts";
    const text = 'import "./string.ts"';
  `,
  ]);
  assertEquals(
    importsOf(file as SourceFile).map((edge) => [edge.target ?? edge.specifier, edge.typeOnly]),
    [
      ["src/core/a.ts", true],
      ["src/core/b.ts", true],
      ["src/core/c.ts", false],
      ["src/nn/d.ts", false],
      ["src/nn/e.ts", false],
      ["src/nn/f.ts", false],
      ["(computed)", false],
      ["src/nn/h.ts", true],
    ],
  );
});

/** Each rule with bad input, the number of complaints due, and good input. */
const RULES: {
  name: string;
  check: (files: readonly SourceFile[]) => string[];
  bad: SourceFile[];
  complaints: number;
  good: SourceFile[];
}[] = [
  {
    name: "imports follow the arrows",
    check: checkArrows,
    bad: made(
      ["src/core/a.ts", `import "../tensor/b.ts";`],
      ["src/kernels/a.ts", `import "../../shaders/spirv/x.ts";`],
      ["src/tensor/a.ts", `import { readFileSync } from "node:fs";`],
      ["src/nn/a.ts", `const x = await import(name);`],
      ["src/device/a.ts", `import type { X } from "../../ffi/generate.ts";`],
      ["src/strange/a.ts", ``],
      ["src/ops/a.ts", `import "../../tests/support/close.ts";`],
      ["examples/x/a.ts", `import "../../src/nn/a.ts";`],
      ["src/core/b.ts", `import "fflate";`],
    ),
    complaints: 9,
    good: made(
      ["src/core/a.ts", `import "./b.ts";`],
      ["src/kernels/a.ts", `import { programs } from "../../shaders/manifest.ts";`],
      ["shaders/manifest.ts", `import { inflateRawSync } from "node:zlib";`],
      ["ffi/generate.ts", `import { readFileSync } from "node:fs";`],
      ["mod.ts", `export * from "./src/nn/a.ts";`],
      ["examples/x/a.ts", `import "../../mod.ts"; import "jpeg-js";`],
    ),
  },
  {
    name: "no circle of imports",
    check: checkCycles,
    bad: made(
      ["src/core/a.ts", `import "./b.ts";`],
      ["src/core/b.ts", `import "./c.ts";`],
      ["src/core/c.ts", `import "./a.ts";`],
    ),
    complaints: 1,
    good: made(
      ["src/core/a.ts", `import "./b.ts";`],
      ["src/core/b.ts", `import type { A } from "./a.ts";`],
    ),
  },
  {
    name: "runtime names stay in ffi/deno.ts and ffi/bun.ts",
    check: checkRuntimeNames,
    bad: made(
      ["src/core/a.ts", `Deno.exit();`],
      ["ffi/loader.ts", `const b = (globalThis as { Bun?: unknown }).Bun;`],
      ["src/io/a.ts", `if ("Deno" in globalThis) read();`],
    ),
    complaints: 4,
    good: made(
      ["ffi/deno.ts", `Deno.exit();`],
      ["src/core/a.ts", `// on Deno this works\nconst text = "grant it to Deno";`],
      ["tests/a.ts", `Deno.exit();`],
    ),
  },
  {
    name: "entry points only re-export",
    check: checkEntryPoints,
    bad: made(["mod.ts", `import "./src/a.ts"; export const a = 1; export { b } from "./b.ts";`]),
    complaints: 2,
    good: made(["mod.ts", `/** @module */\nexport { a } from "./a.ts"; export * from "./b.ts";`]),
  },
  {
    name: "plans are pure",
    check: checkPlansArePure,
    bad: made(["src/kernels/a.ts", `export async function f(): Promise<void> { await g(); }`]),
    complaints: 3,
    good: made(["src/kernels/a.ts", `/** No Promise here. */ export function f() {}`]),
  },
  {
    name: "files are short",
    check: checkLineCounts,
    bad: made(["src/a.ts", "\n".repeat(401)], ["shaders/glsl/a.comp", "\n".repeat(251)]),
    complaints: 2,
    good: made(
      ["src/a.ts", "\n".repeat(400)],
      ["ffi/vulkan/b.ts", "// @generated by x\n" + "\n".repeat(4000)],
    ),
  },
  {
    name: "file names are snake_case",
    check: checkFileNames,
    bad: made(["src/fooBar.ts", ""], ["src/nn/foo-bar.ts", ""]),
    complaints: 2,
    good: made(["src/nn/conv2d_transpose.ts", ""], ["mod.ts", ""]),
  },
  {
    name: "unfinished work names an issue",
    check: checkTodos,
    bad: made(["src/a.ts", "// TODO: later\n// FIXME"]),
    complaints: 2,
    good: made(["src/a.ts", "// TODO(#12): later"]),
  },
  {
    name: "tests are skipped only by the list",
    check: (files) => checkSkips(files, SKIPS),
    bad: made([
      "tests/a_test.ts",
      `it.skip("x", f); Deno.test.only("y", f); Deno.test({ ignore: true, name: "z", fn });`,
    ]),
    complaints: 3,
    good: made(["tests/a_test.ts", `test("x", () => { list.skip(3); });`]),
  },
  {
    name: "operators are complete",
    check: checkOperators,
    bad: made(
      ["src/ops/pooling.ts", `export const pooling = defineOperator({});`],
      ["src/ops/index.ts", ``],
    ),
    complaints: 4,
    good: made(
      ["src/ops/pooling.ts", `export const pooling = defineOperator({});`],
      ["src/ops/helper.ts", `export function helper() {}`],
      ["src/ops/index.ts", `export { pooling } from "./pooling.ts";`],
      ["tests/reference/pooling.ts", ``],
      ["tests/cases/pooling.ts", ``],
      ["bench/layers.ts", `run("pooling");`],
    ),
  },
];

for (const { name, check, bad, complaints, good } of RULES) {
  test(`the rule "${name}" fails on bad input and passes on good`, () => {
    assertEquals(check(good), []);
    assertEquals(check(bad).length, complaints, check(bad).join("\n"));
  });

  test(`architecture: ${name}`, () => {
    assertEquals(check(FILES), []);
  });
}

test("checkSkips() refuses an entry without reason, issue or test", () => {
  const files = made(["tests/a_test.ts", `test("known", f);`]);
  assertEquals(checkSkips(files, [{ test: "known", reason: "driver", issue: 3 }]), []);
  assertEquals(checkSkips(files, [{ test: "known", reason: "", issue: 3 }]).length, 1);
  assertEquals(checkSkips(files, [{ test: "unknown", reason: "x", issue: 0 }]).length, 2);
});
