// deno-lint-ignore-file no-console -- a development tool, which talks on the terminal
/**
 * Write `ffi/vulkan/{enums,structs,commands}.ts` from Khronos' `vk.xml` and `allowlist.ts`; with
 * `--check` compare instead.
 *
 *     deno run -A ffi/generate.ts [--check] [path/to/vk.xml]
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createHash } from "node:crypto";
import { type GeneratedFiles, generateFiles } from "./generator/emit.ts";
import { Registry } from "./generator/registry.ts";
import { supplement } from "./generator/supplement.ts";

const folder = new URL("./vulkan/", import.meta.url);

/**
 * Find `vk.xml`: the given path, the variable `VKNN_VULKAN_REGISTRY`, or where distributions
 * install it.
 *
 * @param given A path that overrides the search.
 * @returns The path, or `undefined` when there is none.
 */
export function findRegistry(given?: string): string | undefined {
  return [given, process.env["VKNN_VULKAN_REGISTRY"], "/usr/share/vulkan/registry/vk.xml"]
    .find((path) => path !== undefined && existsSync(path));
}

/**
 * Hash of the allow-list file, as written in the header of each generated file.
 *
 * @returns Sixteen hexadecimal digits.
 */
export function allowlistHash(): string {
  const text = readFileSync(new URL("allowlist.ts", folder), "utf8");
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * Generate all files from a registry.
 *
 * @param registryPath Path of `vk.xml`.
 * @returns The files by name.
 */
export function generate(registryPath: string): GeneratedFiles {
  return generateFiles(
    new Registry(readFileSync(registryPath, "utf8"), supplement),
    allowlistHash(),
  );
}

function main(values: readonly string[]): number {
  const path = findRegistry(values.find((value) => !value.startsWith("--")));
  if (path === undefined) {
    console.error("Cannot generate: no vk.xml found; install libvulkan-dev or give its path");
    return 1;
  }
  const stale: string[] = [];
  for (const [name, text] of generate(path)) {
    const target = fileURLToPath(new URL(name, folder));
    if (existsSync(target) && readFileSync(target, "utf8") === text) continue;
    stale.push(name);
    if (!values.includes("--check")) writeFileSync(target, text);
  }
  const check = values.includes("--check");
  console.log(
    stale.length === 0
      ? `ffi/vulkan is current with ${path}`
      : `${check ? "Out of date" : "Wrote"}: ${stale.join(", ")}`,
  );
  return check && stale.length > 0 ? 1 : 0;
}

if (import.meta.main) {
  process.exitCode = main(process.argv.slice(2));
}
