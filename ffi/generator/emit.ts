/**
 * Write the three generated files as text. Development only.
 *
 * @module
 */

import * as allowlist from "../vulkan/allowlist.ts";
import { type Layout, type LayoutField, layoutStructs } from "./layout.ts";
import type { Command, Declaration, Registry } from "./registry.ts";

/** File name under `ffi/vulkan/` to its content. */
export type GeneratedFiles = ReadonlyMap<string, string>;

/**
 * Generate all files.
 *
 * @param registry The registry.
 * @param hash Hash of the allow-list, for the header line.
 * @returns The files.
 */
export function generateFiles(registry: Registry, hash: string): GeneratedFiles {
  const layouts = layoutStructs(registry, allowlist.structs);
  const commands = allowlist.commands.map((name) => registry.command(name));
  const head = (about: string): string =>
    `// @generated from vk.xml ${registry.version} by ffi/generate.ts; allowlist-hash: ${hash}\n` +
    "// deno-fmt-ignore-file\n// deno-lint-ignore-file\n" +
    `/** ${about} Do not edit: change \`allowlist.ts\` and run \`deno run -A ffi/generate.ts\`. @module */\n\n`;
  return new Map([
    ["enums.ts", head("Vulkan's enumeration values and constants.") + emitEnums(registry)],
    [
      "structs.ts",
      head("Vulkan's handles and struct layouts.") + emitStructs(registry, layouts, commands),
    ],
    [
      "commands.ts",
      head("Vulkan's commands: the symbol table and its types.") + emitCommands(registry, commands),
    ],
  ]);
}

function emitEnums(registry: Registry): string {
  const lines: string[] = [];
  const results: string[] = [];
  for (const [name, wanted] of Object.entries(allowlist.enums)) {
    lines.push(`// ${name}`);
    const values = registry.enumeration(name);
    const list = wanted === "core"
      ? [...values.values()].filter((value) => value.core).map((value) => value.name)
      : wanted;
    for (const item of name === "VkResult" ? [...list, ...allowlist.extraResults] : list) {
      const value = values.get(item)?.value;
      if (value === undefined) throw new Error(`Cannot generate ${item}: not in ${name}`);
      lines.push(constant(item, value));
      if (name === "VkResult") results.push(`  [${value}, "${item}"],`);
    }
  }
  lines.push("// Constants");
  for (const name of allowlist.constants) lines.push(constant(name, registry.constant(name)));
  return `${lines.join("\n")}\n\n/** Symbolic names of the VkResult values above. */\n` +
    `export const resultNames: ReadonlyMap<number, string> = new Map([\n${
      results.join("\n")
    }\n]);\n`;
}

function constant(name: string, value: number | bigint): string {
  return typeof value === "bigint"
    ? `export const ${name}: bigint = 0x${value.toString(16)}n;`
    // A minus sign is an expression, whose type a published module must spell out.
    : `export const ${name}${value < 0 ? ": number" : ""} = ${value};`;
}

function emitStructs(
  registry: Registry,
  layouts: ReadonlyMap<string, Layout>,
  commands: readonly Command[],
): string {
  const handles = new Set<string>();
  for (const layout of layouts.values()) {
    for (const field of layout.fields) if (field.storage === "handle") handles.add(field.type);
  }
  for (const command of commands) {
    for (const { type, pointer } of command.parameters) {
      if (type !== "void" && !pointer && registry.storage(type) === "handle") handles.add(type);
    }
  }
  const parts: string[] = ['import { type Handle, StructLayout } from "../struct.ts";\n'];
  for (const handle of [...handles].sort()) {
    parts.push(`/** Handle. */\nexport type ${handle} = Handle<"${handle}">;`);
  }
  for (const layout of layouts.values()) parts.push(emitStruct(layout));
  return parts.join("\n") + "\n";
}

function emitStruct(layout: Layout): string {
  const { name } = layout;
  const members = layout.fields.map((field) => `  ${field.name}: ${fieldType(field)};`);
  const rows: string[] = [];
  let row = "";
  for (const field of layout.fields) {
    const type = field.storage === "struct"
      ? field.type
      : `"${field.storage === "handle" ? "u64" : field.storage}"`;
    const count = field.count === undefined ? "" : `, ${field.count}`;
    const item = `["${field.name}", ${type}, ${field.offset}${count}],`;
    if (row.length + item.length > 110) {
      rows.push(row);
      row = "";
    }
    row += row === "" ? `  ${item}` : ` ${item}`;
  }
  rows.push(row);
  return `\n/** Fields of the C struct. */\nexport interface ${name} {\n${
    members.join("\n")
  }\n}\n` +
    `/** Layout of the C struct. */\n` +
    `export const ${name}: StructLayout<${name}> = new StructLayout<${name}>("${name}", ${layout.byteLength}, ${layout.alignment}, ${layout.sType}, [\n` +
    `${rows.join("\n")}\n]);`;
}

function fieldType(field: LayoutField): string {
  const single = {
    u8: "number",
    i32: "number",
    u32: "number",
    f32: "number",
    u64: "bigint",
    bool32: "boolean",
    text: "string",
    bytes: "Uint8Array",
    handle: field.type,
    struct: field.type,
  }[field.storage];
  const scalar = field.storage === "text" || field.storage === "bytes";
  return field.count === undefined || scalar ? single : `readonly ${single}[]`;
}

function emitCommands(registry: Registry, commands: readonly Command[]): string {
  const used = new Set<string>();
  const types: string[] = [];
  const rows: string[] = [];
  for (const command of commands) {
    const parameters = command.parameters.map((parameter) => {
      const type = parameterType(registry, parameter);
      if (type.startsWith("Vk")) used.add(type);
      return `${parameter.name}: ${type}`;
    });
    const result = command.result === "void"
      ? "void"
      : nativeType(registry, { type: command.result, pointer: false });
    const returns = result === "void" ? "void" : result === "u64" ? "bigint" : "number";
    const signature = `(${parameters.join(", ")})`;
    types.push(
      `  /** Core ${dotted(command.version)}. */\n  ${command.name}: ${signature} => ${returns};`,
    );
    const list = command.parameters.map((item) => `"${nativeType(registry, item)}"`).join(", ");
    const entry = `parameters: [${list}], result: "${result}"`;
    const optional = command.version > 10 ? ", optional: true" : "";
    rows.push(`  ${command.name}: { ${entry}${optional} },`);
    for (const [key, symbol] of Object.entries(allowlist.nonblockingTwins)) {
      if (symbol !== command.name) continue;
      types.push(
        `  /** ${symbol} on another thread; \`null\` where the runtime cannot. */\n  ${key}: (${signature} => Promise<${returns}>) | null;`,
      );
      rows.push(`  ${key}: { ${entry}, symbol: "${symbol}", nonblocking: true, optional: true },`);
    }
  }
  const versions = commands.filter((command) => command.version > 10).map((command) =>
    `  ${command.name}: "${dotted(command.version)}",`
  );
  return `import type { NativeTable } from "../native.ts";\n` +
    `import type { ${[...used].sort().join(", ")} } from "./structs.ts";\n\n` +
    `/** The commands. Pointers are addresses; enumerations and flags are numbers; a VkResult is returned as it is. */\n` +
    `export interface VulkanCommands {\n${types.join("\n")}\n}\n\n` +
    `/** Symbol table of the commands. */\nexport const commandTable: NativeTable = {\n${
      rows.join("\n")
    }\n};\n\n` +
    `/** Core version that brought a command, for those newer than 1.0. */\n` +
    `export const commandVersions: Readonly<Record<string, string>> = {\n${
      versions.join("\n")
    }\n};\n`;
}

function dotted(version: number): string {
  return `${Math.floor(version / 10)}.${version % 10}`;
}

function nativeType(registry: Registry, item: Pick<Declaration, "type" | "pointer">): string {
  if (item.pointer) return "u64";
  const storage = registry.storage(item.type);
  switch (storage) {
    case "handle":
    case "u64":
      return "u64";
    case "bool32":
      return "u32";
    case "i32":
    case "u32":
    case "f32":
    case "usize":
      return storage;
    default:
      throw new Error(`Cannot generate a parameter of type ${item.type}: storage ${storage}`);
  }
}

function parameterType(registry: Registry, item: Declaration): string {
  if (!item.pointer && registry.storage(item.type) === "handle") return item.type;
  const native = nativeType(registry, item);
  return native === "u64" ? "bigint" : native === "usize" ? "bigint | number" : "number";
}
