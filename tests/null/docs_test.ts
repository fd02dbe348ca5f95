/**
 * What the documents say, checked: names and commands exist, links lead
 * somewhere, measured numbers come with the command that gives them. That the
 * examples run is proved by the stage `examples` of scripts/test.
 */
import { assert, assertEquals } from "@std/assert";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { importsOf, parse, type SourceFile } from "../architecture/source.ts";
import { ROOT } from "../support/subprocess.ts";
import { test } from "../support/test.ts";
import ts from "typescript";

const DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
  .filter((path) => existsSync(join(ROOT, path)));

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Fenced blocks of a document: language and text. */
function blocks(markdown: string): { language: string; text: string }[] {
  return [...markdown.matchAll(/^```(\w*)[^\n]*\n([\s\S]*?)^```/gm)]
    .map((match) => ({ language: match[1] as string, text: match[2] as string }));
}

/** Names exported by an entry point, which only re-exports by name. */
function exportsOf(path: string): Set<string> {
  const names = new Set<string>();
  for (const statement of parse({ path, text: read(path) }).statements) {
    if (!ts.isExportDeclaration(statement) || statement.exportClause === undefined) continue;
    if (ts.isNamespaceExport(statement.exportClause)) names.add(statement.exportClause.name.text);
    else statement.exportClause.elements.forEach((element) => names.add(element.name.text));
  }
  return names;
}

/** Names that a piece of TypeScript imports from the module. */
function importedNames(text: string): string[] {
  const file: SourceFile = { path: "example.ts", text };
  assert(importsOf(file).every((edge) => edge.specifier !== "(computed)"));
  const names: string[] = [];
  for (const statement of parse(file).statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    if (!/@vknn\/vknn$/.test((statement.moduleSpecifier as ts.StringLiteral).text)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (bindings !== undefined && ts.isNamedImports(bindings)) {
      bindings.elements.forEach((element) =>
        names.push((element.propertyName ?? element.name).text)
      );
    }
  }
  return names;
}

/** A number with a unit of measurement: somebody measured it. */
const MEASUREMENT_REGEXP =
  /(^|[\s|(~])\d[\d,.]*\s?(ms|µs|us|s|seconds?|minutes?|GFLOP\/s|TFLOP\/s|GB\/s|ULP|dB|%|x|×|times)(?![\w/])/;
const COMMAND_REGEXP = /(scripts\/(test|demo|setup)|deno (task|run|bench|test)|bun (run|test))/;

/** Sections that tell a measured number without a command to repeat it. */
function unprovedSections(markdown: string): string[] {
  return markdown.split(/^(?=#{1,6} )/m)
    .filter((section) => MEASUREMENT_REGEXP.test(section) && !COMMAND_REGEXP.test(section))
    .map((section) => section.split("\n")[0] as string);
}

test("unprovedSections() finds a number without its command", () => {
  assertEquals(unprovedSections("# A\nIt takes 12.5 ms.\n"), ["# A"]);
  assertEquals(unprovedSections("# A\n| conv | 310 GFLOP/s |\n"), ["# A"]);
  assertEquals(unprovedSections("# A\nIt takes 12.5 ms: `deno task bench`.\n"), []);
  assertEquals(unprovedSections("# A\nDeno 2.9 and 24 layers.\n"), []);
});

test("README.md exists and shows an example", () => {
  assert(blocks(read("README.md")).some((block) => block.language === "ts"));
});

test("documents: every measured number has a command in its section", () => {
  for (const path of DOCUMENTS) assertEquals(unprovedSections(read(path)), [], path);
});

test("documents: every relative link leads to a file", () => {
  for (const path of DOCUMENTS) {
    for (const [, target] of read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)) {
      assert(existsSync(join(ROOT, target as string)), `${path} links to ${target}`);
    }
  }
});

test("documents: every script, task and source file named exists", () => {
  const tasks = Object.keys(JSON.parse(read("deno.json")).tasks);
  for (const path of DOCUMENTS) {
    const text = read(path);
    for (const [, task] of text.matchAll(/deno task ([a-z:]+)/g)) {
      assert(tasks.includes(task as string), `${path} names the task ${task}`);
    }
    for (const [, script] of text.matchAll(/(?<![\w/.])(scripts\/[a-z_]+)/g)) {
      assert(existsSync(join(ROOT, script as string)), `${path} names ${script}`);
    }
    for (
      const [, file] of text.matchAll(/`((?:src|ffi|tests|shaders|bench|examples)\/[\w./]+)`/g)
    ) {
      assert(existsSync(join(ROOT, file as string)), `${path} names ${file}`);
    }
  }
});

test("documents: examples import only what the module exports", () => {
  const names = exportsOf("mod.ts");
  for (const path of DOCUMENTS) {
    for (const { language, text } of blocks(read(path))) {
      if (language !== "ts") continue;
      for (const name of importedNames(text)) {
        assert(names.has(name), `${path} imports ${name}, which mod.ts does not export`);
      }
    }
  }
});

test("deno.json: entry points, licence text and version agree with the repository", () => {
  const config = JSON.parse(read("deno.json"));
  for (const target of Object.values<string>(config.exports)) {
    assert(existsSync(join(ROOT, target)), `${target} is exported and does not exist`);
  }
  assert(read("LICENSE").startsWith(`${config.license} License`));
  assert(
    read("CHANGELOG.md").includes("## [Unreleased]") ||
      read("CHANGELOG.md").includes(`## [${config.version}]`),
  );
});
