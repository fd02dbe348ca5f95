// Finds shader sources, reads their header lines and computes the hash that ties generated code to them. No compiler
// here: tests/null recomputes the hashes where none is installed.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** One compilation: a source file with one set of defines. */
export interface Build {
  /** Program id: path below `glsl` without suffix, then `.build` where the header line names several. */
  readonly id: string;
  readonly family: string;
  /** Name of the string constant in `spirv/<family>.ts`. */
  readonly constant: string;
  readonly path: string;
  readonly flags: readonly string[];
  /** Lowest major version of glslang that can compile it. */
  readonly compiler: number;
  /** SHA-256 over source, includes and flags. */
  readonly hash: string;
}

/** Bump when the generator itself changes what it writes for an unchanged source. */
const GENERATOR: string = "1";

/** A header line `// key: value`, looked for before the first line of code. */
function header(source: string, key: string): string | undefined {
  for (const line of source.split("\n")) {
    if (!line.startsWith("//") && !line.startsWith("#") && line.trim() !== "") return undefined;
    if (line.startsWith(`// ${key}:`)) return line.slice(key.length + 4).trim();
  }
  return undefined;
}

/** The files that a source includes, directly or not, each once, in order of first mention. */
function includes(path: string, root: string, seen: Set<string>): Set<string> {
  for (const match of readFileSync(path, "utf8").matchAll(/^\s*#include\s+"([^"]+)"/gm)) {
    const here = join(dirname(path), match[1]!);
    const found = [here, join(root, match[1]!)].find((candidate) => {
      try {
        readFileSync(candidate);
        return true;
      } catch {
        return false;
      }
    });
    if (found === undefined) {
      throw new TypeError(`${path} includes ${match[1]}, which does not exist`);
    }
    if (seen.has(found)) continue;
    seen.add(found);
    includes(found, root, seen);
  }
  return seen;
}

/**
 * Lists what to compile.
 * @param root The folder `shaders/glsl`.
 * @returns Every build, sorted by id.
 */
export function listBuilds(root: string): Build[] {
  const builds: Build[] = [];
  for (const family of readdirSync(root).sort()) {
    if (family === "lib") continue;
    for (const file of readdirSync(join(root, family)).sort()) {
      if (!file.endsWith(".comp")) continue;
      const path = join(root, family, file);
      const source = readFileSync(path, "utf8");
      const names = header(source, "builds")?.split(/\s+/) ?? [""];
      const shorts = header(source, "shorts")?.split(/\s+/) ?? [];
      const target = header(source, "target") ?? "vulkan1.2";
      const compiler = Number(header(source, "compiler")?.match(/>=\s*(\d+)/)?.[1] ?? 0);
      const variants = [
        ...names.map((name) => ({ name, of: name })),
        ...shorts.map((of) =>
          of === "plain" ? { name: "shorts", of: "" } : { name: `${of}_shorts`, of }
        ),
      ];
      for (const { name, of } of variants) {
        const base = `${family}/${file.slice(0, -".comp".length)}`;
        const flags = ["--target-env", target, `-I${"glsl"}`];
        if (of !== "") flags.push(`-DBUILD_${of.toUpperCase()}`, `-DLOAD_${of.toUpperCase()}`);
        if (name !== of) flags.push("-DSTORE_SHORTS");
        const hash = createHash("sha256").update(GENERATOR).update("\0").update(flags.join(" "));
        for (const each of [path, ...includes(path, root, new Set())]) {
          // Checkouts on Windows may turn line ends; the hash must not follow them.
          hash.update("\0").update(relative(root, each).replaceAll("\\", "/"))
            .update("\0").update(readFileSync(each, "utf8").replaceAll("\r\n", "\n"));
        }
        builds.push({
          id: name === "" ? base : `${base}.${name}`,
          family,
          constant: file.slice(0, -".comp".length) + (name === "" ? "" : `_${name}`),
          path,
          flags,
          compiler,
          hash: hash.digest("hex"),
        });
      }
    }
  }
  return builds.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Reads the `// source-hash:` lines of a generated file.
 * @param text The text of a `spirv/<family>.ts`.
 * @returns Hash by name of the string constant.
 */
export function readHashes(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^\/\/ source-hash: ([0-9a-f]{64})\nexport const (\w+): string/gm)]
      .map((match) => [match[2]!, match[1]!]),
  );
}
