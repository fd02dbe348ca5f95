// deno-lint-ignore-file no-console -- a development tool, which talks on the terminal
/**
 * Ask a C compiler for the size, alignment and member offsets of every generated struct, and write
 * the test fixture.
 *
 *     deno run -A ffi/generator/layout_fixture.ts
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { StructLayout } from "../struct.ts";
import * as generated from "../vulkan/structs.ts";
import { supplementHeader } from "./supplement.ts";

/** What the compiler says of one struct: fields are `[offset, size]`. */
export interface CompiledLayout {
  readonly byteLength: number;
  readonly alignment: number;
  /**
   * Value of the structure type constant whose name follows from the struct's, or `null` for a
   * struct without one.
   */
  readonly sType: number | null;
  readonly fields: Readonly<Record<string, readonly [offset: number, byteLength: number]>>;
}

/** Struct name to its layout. */
export type CompiledLayouts = Readonly<Record<string, CompiledLayout>>;

/** The committed fixture. */
export const fixturePath: string = fileURLToPath(
  new URL("../../tests/fixtures/ffi_layout.json", import.meta.url),
);

/**
 * All generated layouts.
 *
 * @returns The layouts in the order of the generated file.
 */
export function generatedLayouts(): readonly StructLayout<object>[] {
  return Object.values(generated).filter((value) => value instanceof StructLayout) as StructLayout<
    object
  >[];
}

/**
 * Print the layouts by a C compiler.
 *
 * @returns The text of the fixture, or `undefined` where there is no `cc` or no
 * `vulkan/vulkan_core.h`.
 * @throws {Error} If the program does not compile.
 */
export function compileLayouts(): string | undefined {
  const found = spawnSync("cc", ["-E", "-x", "c", "-"], {
    input: "#include <vulkan/vulkan_core.h>\n",
    stdio: ["pipe", "ignore", "ignore"],
  });
  if (found.status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "vknn-layout-"));
  try {
    const program = join(folder, "layout");
    const compiled = spawnSync("cc", ["-std=c11", "-Werror", "-x", "c", "-o", program, "-"], {
      input: layoutProgram(generatedLayouts()),
      encoding: "utf8",
    });
    if (compiled.status !== 0) {
      throw new Error(`Cannot compile the layout program:\n${compiled.stderr}`);
    }
    return spawnSync(program, { encoding: "utf8" }).stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function layoutProgram(layouts: readonly StructLayout<object>[]): string {
  const lines = layouts.map((layout, i) => {
    const type = layout.name;
    const fields = layout.fields.map(([name], j) =>
      `  printf("${j === 0 ? "" : ","}\\n      \\"${name}\\": [%zu, %zu]", ` +
      `offsetof(${type}, ${name}), sizeof(((${type} *)0)->${name}));`
    );
    const sType = layout.sType === undefined ? "null" : "%d";
    return `  printf("${i === 0 ? "" : ","}\\n  \\"${type}\\": {\\n    \\"byteLength\\": %zu,\\n` +
      `    \\"alignment\\": %zu,\\n    \\"sType\\": ${sType},\\n    \\"fields\\": {", ` +
      `sizeof(${type}), _Alignof(${type})${
        layout.sType === undefined ? "" : `, ${structureTypeName(type)}`
      });\n` +
      `${fields.join("\n")}\n  printf("\\n    }\\n  }");`;
  });
  return `#include <stddef.h>\n#include <stdio.h>\n#include <vulkan/vulkan_core.h>\n` +
    supplementHeader +
    `int main(void) {\n  printf("{");\n${lines.join("\n")}\n  printf("\\n}\\n");\n  return 0;\n}\n`;
}

/**
 * A second way to the constant than the registry's own `values` attribute, so that the two check
 * each other.
 */
function structureTypeName(type: string): string {
  const vendor = /(EXT|KHR|NV|AMD)$/.exec(type)?.[1];
  const words = type.slice("Vk".length, vendor === undefined ? undefined : -vendor.length)
    .replace(/(\d+)Bit/g, "_$1BIT_")
    .replace(/(PCI|ID|SM)(?=[A-Z])/g, "_$1_")
    .replace(/Float16Int8/, "_FLOAT16_INT8_")
    .replace(/Vulkan(\d)(\d)/, "_VULKAN_$1_$2_")
    .replace(/([a-z])(\d+)$/, "$1_$2")
    .replace(/(Robustness|Maintenance)(\d)/, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replace(/(\d)([A-Z][a-z])/g, "$1_$2")
    .replace(/_+/g, "_").replace(/^_|_$/g, "").toUpperCase();
  return `VK_STRUCTURE_TYPE_${words}${vendor === undefined ? "" : `_${vendor}`}`;
}

if (import.meta.main) {
  const text = compileLayouts();
  if (text === undefined) {
    console.error("Cannot write the layout fixture: no C compiler or no vulkan/vulkan_core.h");
    process.exitCode = 1;
  } else {
    const current = existsSync(fixturePath) && readFileSync(fixturePath, "utf8") === text;
    if (!current) writeFileSync(fixturePath, text);
    console.log(`${fixturePath} ${current ? "is current" : "written"}`);
  }
}
