/**
 * The architecture rules: pure functions from files to complaints, so that
 * each rule is also tested on made-up bad input. The tables at the top are
 * meant to be read, and to be changed only with a reason.
 *
 * @module
 */
import ts from "typescript";
import { importsOf, lineOf, parse, type SourceFile, walk } from "./source.ts";

/** Folder, and the folders or files it may import besides itself. Arrows go down only. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  "ffi": [],
  // The manifest shares the types of a program with the plans.
  "shaders": ["src/core"],
  "src/core": [],
  "src/device": ["ffi", "shaders", "src/core"],
  "src/kernels": ["shaders/manifest.ts", "src/core"],
  "src/tensor": ["src/device", "src/kernels", "src/core"],
  "src/autograd": ["src/tensor", "src/core"],
  "src/ops": ["src/autograd", "src/tensor", "src/kernels", "src/core"],
  "src/graph": [
    "src/ops",
    "src/autograd",
    "src/tensor",
    "src/device",
    "src/kernels",
    "src/core",
    // Structure of exported graphs.
    "src/io",
  ],
  "src/io": ["src/tensor", "src/core"],
  "src/nn": ["src/graph", "src/ops", "src/autograd", "src/tensor", "src/core", "src/io"],
  // The tensors' part: which device is the default one.
  "src/inspect": ["src/nn", "src/device", "src/tensor", "src/core"],
  // The states of a trainer are an .npz, written and read as strictly as weights are.
  "src/optim": ["src/nn", "src/ops", "src/autograd", "src/tensor", "src/core", "src/io"],
  // Entry points: re-exports only, so they may name anything of src.
  "mod.ts": ["src", "ffi"],
  "io.ts": ["src"],
  "inspect.ts": ["src"],
  // Programs of users: they see what users see.
  "examples": ["mod.ts", "io.ts", "inspect.ts"],
};

/** Modules that are not files, and who may import them at run time. */
export const EXTERNALS: readonly { module: string; folder: string; why: string }[] = [
  { module: "node:zlib", folder: "shaders", why: "unpacks shader code; built into both runtimes" },
  { module: "node:process", folder: "src/device", why: "hears that the program ends" },
  { module: "node:crypto", folder: "src/device/cache_file.ts", why: "hashes, without waiting" },
  { module: "node:fs", folder: "src/device/whole_file.ts", why: "`cacheDirectory`, when given" },
  { module: "node:path", folder: "src/device/whole_file.ts", why: "the folder of a file" },
  { module: "node:path", folder: "src/device/cache_file.ts", why: "names in that folder" },
  { module: "fflate", folder: "src/io", why: "zip for npz, behind ./io only" },
  { module: "node:fs/promises", folder: "src/io/files.ts", why: "paths, when one is given" },
  { module: "node:path", folder: "src/io/files.ts", why: "names of temporary files" },
  { module: "node:url", folder: "src/io/files.ts", why: "paths of file: URLs" },
  { module: "fast-png", folder: "src/io", why: "PNG, behind ./io only" },
];

/** The only shipped files that name a runtime. */
export const RUNTIME_FILES: readonly string[] = ["ffi/deno.ts", "ffi/bun.ts"];

/** Development tools that lie in shipped folders; not published. */
export const TOOLS: readonly string[] = [
  "ffi/generate.ts",
  "ffi/generator/",
  "shaders/build.ts",
  "shaders/build/",
];

/** Most lines of one hand-written file. */
export const LINE_LIMITS: Readonly<Record<string, number>> = { ".ts": 400, glsl: 250 };

/** What each operator family of src/ops needs elsewhere. Add a row to demand one more. */
export const FAMILY_STEPS: readonly {
  step: string;
  found(family: string, files: readonly SourceFile[]): boolean;
}[] = [
  {
    step: "line in src/ops/index.ts",
    found: (family, files) =>
      files.some((file) =>
        file.path === "src/ops/index.ts" &&
        importsOf(file).some((edge) => edge.target === `src/ops/${family}.ts`)
      ),
  },
  {
    step: "reference",
    // Families that only move elements share one reference: then the cases name it.
    found: (family, files) =>
      has(files, `tests/reference/${family}.ts`) ||
      files.some((file) =>
        file.path === `tests/cases/${family}.ts` &&
        importsOf(file).some((edge) => edge.target?.startsWith("tests/reference/"))
      ),
  },
  { step: "cases", found: (family, files) => has(files, `tests/cases/${family}.ts`) },
  {
    step: "bench",
    found: (family, files) =>
      files.some((file) => file.path.startsWith("bench/") && file.text.includes(family)),
  },
];

function has(files: readonly SourceFile[], path: string): boolean {
  return files.some((file) => file.path === path);
}

function isTool(path: string): boolean {
  return TOOLS.some((tool) => path === tool || tool.endsWith("/") && path.startsWith(tool));
}

/** What users import. */
const ENTRY_POINTS: readonly string[] = ["mod.ts", "io.ts", "inspect.ts"];

/** Whether the module ships this file. */
export function isShipped(path: string): boolean {
  return (/^(src|ffi|shaders)\//.test(path) || ENTRY_POINTS.includes(path)) &&
    path.endsWith(".ts") && !isTool(path) && !path.endsWith("_test.ts");
}

function zoneOf(path: string): string | undefined {
  return Object.keys(ARROWS)
    .filter((zone) => path === zone || path.startsWith(`${zone}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Imports against an arrow, of modules outside, and of what cannot be read. */
export function checkArrows(files: readonly SourceFile[]): string[] {
  const complaints: string[] = [];
  for (const file of files) {
    const shipped = isShipped(file.path);
    const example = file.path.startsWith("examples/");
    if (!shipped && !example) continue;
    const zone = zoneOf(file.path);
    if (zone === undefined) {
      complaints.push(`${file.path}: folder has no row in the table of arrows`);
      continue;
    }
    for (const edge of importsOf(file)) {
      if (edge.target !== undefined) {
        const target = edge.target;
        const allowed = isBelow(target, zone) ||
          (ARROWS[zone] ?? []).some((folder) => isBelow(target, folder));
        if (!allowed || isTool(target)) complaints.push(`${file.path}: may not import ${target}`);
      } else if (shipped) {
        const allowed = EXTERNALS.some((external) =>
          external.module === edge.specifier && isBelow(file.path, external.folder)
        );
        if (!allowed) complaints.push(`${file.path}: may not import "${edge.specifier}"`);
      }
    }
  }
  return complaints;
}

/** Circles of imports that exist at run time: their order of execution is luck. */
export function checkCycles(files: readonly SourceFile[]): string[] {
  const targets = new Map<string, string[]>();
  for (const file of files) {
    if (!isShipped(file.path)) continue;
    const list = importsOf(file).filter((edge) => !edge.typeOnly && edge.target !== undefined);
    targets.set(file.path, list.map((edge) => edge.target as string));
  }
  const complaints: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]) => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      complaints.push(`circle of imports: ${[...trail.slice(at), path].join(" -> ")}`);
      return;
    }
    if (done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return complaints;
}

/** Runtime names anywhere in shipped code but in the two files made for them. */
export function checkRuntimeNames(files: readonly SourceFile[]): string[] {
  const complaints: string[] = [];
  for (const file of files) {
    if (!isShipped(file.path) || RUNTIME_FILES.includes(file.path)) continue;
    walk(file, (node) => {
      const name = ts.isIdentifier(node) || ts.isStringLiteralLike(node) ? node.text : "";
      if (name === "Deno" || name === "Bun" || name.startsWith("bun:")) {
        complaints.push(`${file.path}:${lineOf(file, node)}: names the runtime: ${name}`);
      }
    });
  }
  return complaints;
}

/** Entry points hold nothing but re-exports. */
export function checkEntryPoints(files: readonly SourceFile[]): string[] {
  const complaints: string[] = [];
  for (const file of files) {
    if (!ENTRY_POINTS.includes(file.path)) continue;
    for (const statement of parse(file).statements) {
      if (!ts.isExportDeclaration(statement)) {
        complaints.push(`${file.path}:${lineOf(file, statement)}: is not a re-export`);
      }
    }
  }
  return complaints;
}

/** Plans are pure: nothing to wait for. */
export function checkPlansArePure(files: readonly SourceFile[]): string[] {
  const complaints: string[] = [];
  for (const file of files) {
    if (!file.path.startsWith("src/kernels/")) continue;
    walk(file, (node) => {
      const asynchronous = node.kind === ts.SyntaxKind.AsyncKeyword ||
        ts.isAwaitExpression(node) || ts.isIdentifier(node) && node.text === "Promise";
      if (asynchronous) {
        complaints.push(`${file.path}:${lineOf(file, node)}: a plan may not be asynchronous`);
      }
    });
  }
  return complaints;
}

/** Hand-written files small enough to read at a sitting. */
export function checkLineCounts(files: readonly SourceFile[]): string[] {
  const complaints: string[] = [];
  for (const file of files) {
    const glsl = /\.(glsl|comp)$/.test(file.path);
    if (!glsl && !file.path.endsWith(".ts")) continue;
    if (/^\/\/ @generated\b/m.test(file.text.slice(0, 2000))) continue;
    const limit = LINE_LIMITS[glsl ? "glsl" : ".ts"] as number;
    const lines = file.text.split("\n").length - (file.text.endsWith("\n") ? 1 : 0);
    if (lines > limit) complaints.push(`${file.path}: ${lines} lines, at most ${limit}`);
  }
  return complaints;
}

/** File and folder names are snake_case. */
export function checkFileNames(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !/^([a-z0-9_]+\/)*[a-z0-9_]+(\.[a-z0-9]+)+$/.test(file.path))
    .map((file) => `${file.path}: not snake_case`);
}

/** Unfinished work must have an issue. */
export function checkTodos(files: readonly SourceFile[]): string[] {
  const complaints: string[] = [];
  for (const file of files) {
    // This folder has to name the words it looks for.
    if (file.path.startsWith("tests/architecture")) continue;
    file.text.split("\n").forEach((line, index) => {
      if (/\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))/.test(line)) {
        complaints.push(`${file.path}:${index + 1}: needs an issue, as in TODO(#12)`);
      }
    });
  }
  return complaints;
}

/** Tests are skipped through the list of skips or not at all; none runs alone. */
export function checkSkips(
  files: readonly SourceFile[],
  skips: readonly { test: string; reason: string; issue: number }[],
): string[] {
  const complaints: string[] = [];
  const names = new Set<string>();
  for (const file of files) {
    if (!file.path.endsWith("_test.ts")) continue;
    walk(file, (node) => {
      if (ts.isStringLiteralLike(node)) names.add(node.text);
      const called = ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)
        ? node.expression
        : undefined;
      const isTest = called !== undefined &&
        /(^|\.)(test|it|describe|gpuTest)$/.test(called.expression.getText());
      if (isTest && /^(skip|only|todo|ignore|skipIf|if)$/.test(called.name.text)) {
        complaints.push(
          `${file.path}:${lineOf(file, node)}: .${called.name.text} outside the list`,
        );
      }
      if (
        ts.isPropertyAssignment(node) && /^(skip|only|todo|ignore)$/.test(node.name.getText()) &&
        node.initializer.kind === ts.SyntaxKind.TrueKeyword
      ) {
        complaints.push(`${file.path}:${lineOf(file, node)}: ${node.getText()} outside the list`);
      }
    });
  }
  for (const skip of skips) {
    if (!names.has(skip.test)) complaints.push(`skips.ts: no test is named "${skip.test}"`);
    if (skip.reason.trim() === "" || !(skip.issue > 0)) {
      complaints.push(`skips.ts: "${skip.test}" needs a reason and an issue number`);
    }
  }
  return complaints;
}

/** Families of src/ops: the files that define an operator. */
export function operatorFamilies(files: readonly SourceFile[]): string[] {
  const families: string[] = [];
  for (const file of files) {
    const name = file.path.match(/^src\/ops\/([a-z0-9_]+)\.ts$/)?.[1];
    if (name === undefined || name === "index") continue;
    let defines = false;
    walk(file, (node) => {
      defines ||= ts.isCallExpression(node) && node.expression.getText() === "defineOperator";
    });
    if (defines) families.push(name);
  }
  return families;
}

/** Every operator family has all of its steps. */
export function checkOperators(files: readonly SourceFile[]): string[] {
  return operatorFamilies(files).flatMap((family) =>
    FAMILY_STEPS.filter(({ found }) => !found(family, files))
      .map(({ step }) => `operator family ${family} has no ${step}`)
  );
}
