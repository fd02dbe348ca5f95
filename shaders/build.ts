// Compiles shaders/glsl to shaders/spirv and shaders/manifest.ts. A development tool for Deno and Bun; needs
// glslangValidator and spirv-val (Debian: glslang-tools, spirv-tools).
//
//   deno task shaders            compile what changed
//   deno task shaders --all      compile everything
//   deno task shaders --check    write nothing; exit 1 if a committed file differs from what the sources give
//   deno task shaders --check --family pad    the same, with only these programs compiled again
//
// Header lines of a .comp file, before the first line of code:
//   // builds: texel storage address    one program each, with -DBUILD_TEXEL -DLOAD_TEXEL and id suffix .texel
//   // shorts: storage                  these builds once more, with -DSTORE_SHORTS and id suffix _shorts: single halves are
//                                       stored as 16-bit words (lib/cpu_load.glsl); `plain` where there are no builds
//   // target: vulkan1.3                 default vulkan1.2
//   // compiler: >= 13                   keep the committed code where glslang is older

import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { deflateSync } from "fflate";
import type { Program } from "../src/core/dispatch.ts";
import { type Compiled, emitFamily, emitManifest, readInterface } from "./build/emit.ts";
import { reflect, type Reflection, stripDebug } from "./build/reflect.ts";
import { type Build, listBuilds, readHashes } from "./build/sources.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const GLSL = join(HERE, "glsl");
const SPIRV = join(HERE, "spirv");
const MANIFEST = join(HERE, "manifest.ts");

function run(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, {
      cwd: HERE,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout?: string; stderr?: string; code?: string };
    if (code === "ENOENT") {
      throw new Error(
        `${command} is not installed; on Debian: apt-get install glslang-tools spirv-tools`,
      );
    }
    throw new Error(`${command} ${args.join(" ")} failed:\n${stdout ?? ""}${stderr ?? ""}`);
  }
}

function compile(build: Build, folder: string, known: string | undefined): Compiled {
  const output = join(folder, "out.spv");
  run("glslangValidator", ["-V", "--quiet", ...build.flags, "-o", output, build.path]);
  const file = readFileSync(output);
  const words = new Uint32Array(
    file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength),
  );
  const stripped = stripDebug(words);
  const bytes = new Uint8Array(stripped.buffer);
  writeFileSync(output, bytes);
  // fflate and not node:zlib, so that every runtime writes the same bytes.
  const text = Buffer.from(deflateSync(bytes, { level: 9 })).toString("base64");
  const target = build.flags[build.flags.indexOf("--target-env") + 1]!;
  // What is committed was validated before.
  if (text !== known) run("spirv-val", ["--target-env", target, output]);
  let reflection: Reflection;
  try {
    reflection = reflect(words);
  } catch (error) {
    throw new Error(`${build.id}: ${(error as Error).message}`);
  }
  if (reflection.pushByteLength > 128) {
    throw new Error(
      `${build.id} pushes ${reflection.pushByteLength} bytes; Vulkan promises only 128`,
    );
  }
  return { build, reflection, text };
}

/** Version of glslang that the committed file of a family names; undefined if there is none. */
function recordedVersion(family: string): string | undefined {
  const path = join(SPIRV, `${family}.ts`);
  if (!existsSync(path)) return undefined;
  return readFileSync(path, "utf8").match(/^\/\/ compiler: glslang (\S+)$/m)?.[1] ?? "none";
}

/** What is committed: programs whose code may be kept, by id. */
async function committed(builds: readonly Build[]): Promise<Map<string, Compiled>> {
  const kept = new Map<string, Compiled>();
  let programs: Readonly<Record<string, Reflection>> = {};
  try {
    const module = await import(pathToFileURL(MANIFEST).href) as {
      programs: Record<string, Program>;
    };
    programs = module.programs;
  } catch {
    // a missing or broken manifest is simply made anew
  }
  for (const build of builds) {
    const path = join(SPIRV, `${build.family}.ts`);
    if (!existsSync(path)) continue;
    const source = readFileSync(path, "utf8");
    const program = readInterface(source, build) ?? programs[build.id];
    if (program === undefined) continue;
    const text = source.match(new RegExp(`export const ${build.constant}: string =\\n  "([^"]*)"`))
      ?.[1];
    if (text === undefined || readHashes(source).get(build.constant) !== build.hash) continue;
    kept.set(build.id, { build, reflection: program, text });
  }
  return kept;
}

/** Address builds take the access of their operands from the storage buffer build of the same source. */
function copyAccess(compiled: Compiled[]): void {
  for (const [index, { build, reflection, text }] of compiled.entries()) {
    if (!reflection.addresses) continue;
    const sibling = build.id.replace(/\.address$/, ".storage");
    const storage = compiled.find((other) => other.build.id === sibling)?.reflection.bindings;
    if (storage?.length !== reflection.bindings.length) {
      throw new Error(`${build.id} needs a storage build with as many operands`);
    }
    const bindings = reflection.bindings.map((each, at) => ({
      ...each,
      access: storage[at]!.access,
    }));
    compiled[index] = { build, reflection: { ...reflection, bindings }, text };
  }
}

async function main(args: readonly string[]): Promise<number> {
  const check = args.includes("--check");
  const family = args.includes("--family") ? args[args.indexOf("--family") + 1] : undefined;
  const version =
    run("glslangValidator", ["--version"]).match(/Glslang Version: \S*?(\d+\.\d+\.\d+)/)?.[1] ??
      "0";
  const builds = listBuilds(GLSL);
  if (family !== undefined && !builds.some((build) => build.family === family)) {
    throw new Error(`there is no family ${family}`);
  }
  // Another compiler writes other bytes for the same source: then only the hashes can be compared.
  const foreign = new Set(
    builds.map(({ family }) => family).filter((family) => recordedVersion(family) !== version),
  );
  if (check && foreign.size > 0) {
    console.log(
      `glslang ${version} did not make ${[...foreign].join(", ")}: comparing hashes only there`,
    );
  }
  const kept = await committed(builds);
  const folder = mkdtempSync(join(tmpdir(), "vknn-shaders-"));
  const compiled: Compiled[] = [];
  const touched = new Set<string>();
  let count = 0;
  try {
    for (const build of builds) {
      const old = kept.get(build.id);
      const tooOld = Number.parseInt(version) < build.compiler;
      const again = check
        ? !foreign.has(build.family) && (family ?? build.family) === build.family
        : args.includes("--all");
      if (old !== undefined && (!again || tooOld)) {
        compiled.push(old);
      } else if (tooOld) {
        throw new Error(
          `${build.id} changed and needs glslang ${build.compiler}, found ${version}`,
        );
      } else {
        compiled.push(compile(build, folder, old?.text));
        touched.add(build.family);
        count++;
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }

  copyAccess(compiled);
  const files = new Map<string, string>([[MANIFEST, emitManifest(compiled)]]);
  for (const family of new Set(builds.map((build) => build.family))) {
    const own = compiled.filter(({ build }) => build.family === family);
    const compiler = touched.has(family) ? version : recordedVersion(family) ?? version;
    files.set(join(SPIRV, `${family}.ts`), emitFamily(own, `glslang ${compiler}`));
  }
  const present = existsSync(SPIRV) ? readdirSync(SPIRV).map((name) => join(SPIRV, name)) : [];
  const changed = [...files].filter(([path, text]) =>
    !existsSync(path) || readFileSync(path, "utf8") !== text
  )
    .map(([path]) => path);
  const stale = present.filter((path) => !files.has(path));
  if (check) {
    for (const path of [...changed, ...stale]) {
      console.error(`${path} does not follow from the sources`);
    }
    return changed.length + stale.length > 0 ? 1 : 0;
  }
  mkdirSync(SPIRV, { recursive: true });
  for (const path of changed) writeFileSync(path, files.get(path)!);
  for (const path of stale) rmSync(path);
  const bytes = [...files.values()].reduce((sum, text) => sum + text.length, 0);
  console.log(
    `${builds.length} programs, ${count} compiled, ${changed.length} files written, ${bytes} bytes`,
  );
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
