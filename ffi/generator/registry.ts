/**
 * Read Khronos' `vk.xml` into the few tables the emitters need: struct members with offsets,
 * command signatures, enumeration values. Development only; the published module never imports it.
 *
 * @module
 */

import { XMLParser } from "fast-xml-parser";

/** Scalar storage of a C type. */
export type Storage =
  | "u8"
  | "u16"
  | "char"
  | "i32"
  | "u32"
  | "f32"
  | "u64"
  | "usize"
  | "bool32"
  | "handle";

/** A member of a struct or a parameter of a command, as declared. */
export interface Declaration {
  readonly name: string;
  readonly type: string;
  readonly pointer: boolean;
  readonly count: number | undefined;
  readonly values: string | undefined;
}

/** A command's signature. */
export interface Command {
  readonly name: string;
  readonly result: string;
  readonly parameters: readonly Declaration[];
  /** Core version that brought it, as 10 for 1.0. */
  readonly version: number;
}

/** An enumeration value: 64-bit constants are bigint. */
export interface EnumValue {
  readonly name: string;
  readonly value: number | bigint;
  /** Whether a core version defines it, not only an extension. */
  readonly core: boolean;
}

// deno-lint-ignore no-explicit-any
type Node = any;

const baseStorage: Readonly<Record<string, Storage>> = {
  char: "char",
  uint8_t: "u8",
  uint16_t: "u16",
  uint32_t: "u32",
  int32_t: "i32",
  uint64_t: "u64",
  float: "f32",
  size_t: "usize",
  VkBool32: "bool32",
  VkFlags: "u32",
  VkFlags64: "u64",
  VkDeviceSize: "u64",
  VkDeviceAddress: "u64",
  VkSampleMask: "u32",
};

/** The registry's tables. */
export class Registry {
  /** Header version, such as `1.3.239`. */
  readonly version: string;
  readonly #types: Map<string, Node> = new Map();
  readonly #commands: Map<string, Command> = new Map();
  readonly #enums: Map<string, Map<string, EnumValue>> = new Map();
  readonly #constants: Map<string, number | bigint> = new Map();

  /**
   * Read a registry.
   *
   * @param xml Text of `vk.xml`.
   * @param supplement What to add where the registry does not have it, in the same form.
   */
  constructor(xml: string, supplement: string) {
    const parser = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: "@",
      parseTagValue: false,
      parseAttributeValue: false,
      trimValues: false,
      alwaysCreateTextNode: true,
      processEntities: true,
      // Comments inside members would otherwise join their text.
      stopNodes: ["*.comment"],
      isArray: (name: string) =>
        ["type", "member", "command", "param", "enum", "enums", "feature", "extension", "require"]
          .includes(name),
    });
    const root: Node = parser.parse(xml).registry[0] ?? parser.parse(xml).registry;
    this.#readTypes(root);
    this.version = readVersion(this.#types);
    this.#readEnums(root);
    this.#readCommands(root);
    const added: Node = parser.parse(supplement).registry;
    this.#readTypes(added);
    this.#readExtensions(added);
  }

  /** The first that has a name wins. */
  #readTypes(root: Node): void {
    for (const type of root.types.type ?? root.types[0].type) {
      if (!forVulkan(type)) continue;
      const name: string | undefined = type["@name"] ?? nodeText(type.name);
      if (name !== undefined && !this.#types.has(name)) this.#types.set(name, type);
    }
  }

  /**
   * Look a struct up.
   *
   * @param name Its name.
   * @returns Its members.
   */
  struct(name: string): readonly Declaration[] {
    let type = this.#types.get(name);
    while (type?.["@alias"] !== undefined) type = this.#types.get(type["@alias"]);
    if (type?.["@category"] !== "struct") {
      throw new Error(`Cannot generate ${name}: the registry ${this.version} has no such struct`);
    }
    return type.member.filter(forVulkan).map((member: Node) => this.#declaration(member));
  }

  /**
   * Look a command up.
   *
   * @param name Its name.
   * @returns Its signature.
   */
  command(name: string): Command {
    const command = this.#commands.get(name);
    if (command === undefined) {
      throw new Error(`Cannot generate ${name}: the registry ${this.version} has no such command`);
    }
    return command;
  }

  /**
   * Look an enumeration up.
   *
   * @param name Its name.
   * @returns Its values by name, in registry order.
   */
  enumeration(name: string): ReadonlyMap<string, EnumValue> {
    const values = this.#enums.get(name);
    if (values === undefined) {
      throw new Error(
        `Cannot generate ${name}: the registry ${this.version} has no such enumeration`,
      );
    }
    return values;
  }

  /**
   * Look a constant up.
   *
   * @param name Its name.
   * @returns Its value.
   */
  constant(name: string): number | bigint {
    const value = this.#constants.get(name);
    if (value === undefined) {
      throw new Error(`Cannot generate ${name}: the registry ${this.version} has no such constant`);
    }
    return value;
  }

  /**
   * How a type is stored, unless it is a struct.
   *
   * @param name C type name.
   * @returns The storage, or `undefined` for a struct.
   */
  storage(name: string): Storage | undefined {
    const base = baseStorage[name];
    if (base !== undefined) return base;
    const type = this.#types.get(name);
    if (type?.["@alias"] !== undefined) return this.storage(type["@alias"]);
    switch (type?.["@category"]) {
      case "enum":
        return "i32";
      case "bitmask":
        return this.storage(nodeText(type.type[0]) as string);
      case "handle":
        return "handle";
      case "funcpointer":
        return "u64";
      case "struct":
        return undefined;
      default:
        throw new Error(`Cannot generate a field of type ${name}: category ${type?.["@category"]}`);
    }
  }

  #declaration(node: Node): Declaration {
    const text = nodeText(node) ?? "";
    const inner = node.enum === undefined ? undefined : nodeText(node.enum[0]);
    const digits = /\[(\d+)\]/.exec(text)?.[1];
    if (/:\s*\d/.test(text)) throw new Error("Cannot generate a bit field: not supported");
    return {
      name: nodeText(node.name) as string,
      type: nodeText(node.type[0]) as string,
      pointer: text.includes("*"),
      count: inner !== undefined
        ? Number(this.constant(inner))
        : digits !== undefined
        ? Number(digits)
        : undefined,
      values: node["@values"],
    };
  }

  #readEnums(root: Node): void {
    for (const group of root.enums) {
      const values = new Map<string, EnumValue>();
      for (const entry of group.enum ?? []) {
        if (!forVulkan(entry) || entry["@alias"] !== undefined) continue;
        const name: string = entry["@name"];
        if (group["@name"] === "API Constants") {
          this.#constants.set(name, parseConstant(entry["@value"]));
        } else {
          values.set(name, { name, value: enumValue(entry, 0), core: true });
        }
      }
      this.#enums.set(group["@name"], values);
    }
    for (const feature of root.feature) {
      if (forVulkan(feature)) this.#readExtending(feature, true, 0);
    }
    this.#readExtensions(root);
  }

  #readExtensions(root: Node): void {
    const extensions = root.extensions.extension ?? root.extensions[0].extension;
    for (const extension of extensions) {
      this.#readExtending(extension, false, Number(extension["@number"] ?? 0));
    }
  }

  #readExtending(holder: Node, core: boolean, number: number): void {
    for (const require of holder.require ?? []) {
      for (const entry of require.enum ?? []) {
        const target = this.#enums.get(entry["@extends"]);
        const name: string = entry["@name"];
        if (target === undefined || entry["@alias"] !== undefined || !forVulkan(entry)) continue;
        if (target.has(name)) continue;
        target.set(name, { name, value: enumValue(entry, number), core });
      }
    }
  }

  #readCommands(root: Node): void {
    const versions = new Map<string, number>();
    for (const feature of root.feature) {
      if (!forVulkan(feature)) continue;
      const version = Math.round(Number(feature["@number"]) * 10);
      for (const require of feature.require) {
        for (const command of require.command ?? []) versions.set(command["@name"], version);
      }
    }
    for (const node of root.commands.command ?? root.commands[0].command) {
      if (node.proto === undefined || !forVulkan(node)) continue;
      const name = nodeText(node.proto.name) as string;
      const version = versions.get(name);
      if (version === undefined) continue;
      this.#commands.set(name, {
        name,
        result: nodeText(node.proto.type[0]) as string,
        parameters: (node.param as Node[]).filter(forVulkan).map((parameter) =>
          this.#declaration(parameter)
        ),
        version,
      });
    }
  }
}

function forVulkan(node: Node): boolean {
  const api: string | undefined = node["@api"];
  return api === undefined || api.split(",").includes("vulkan");
}

function nodeText(node: Node): string | undefined {
  const text = typeof node === "string" ? node : node?.["#text"];
  return typeof text === "string" ? text : undefined;
}

function readVersion(types: ReadonlyMap<string, Node>): string {
  const header = /(\d+)\s*$/.exec(nodeText(types.get("VK_HEADER_VERSION"))?.trim() ?? "")?.[1];
  const complete = /\((\d+), (\d+), (\d+),/.exec(
    nodeText(types.get("VK_HEADER_VERSION_COMPLETE")) ?? "",
  );
  if (header === undefined || complete === null) {
    throw new Error("Cannot read the registry: it has no VK_HEADER_VERSION");
  }
  return `${complete[2]}.${complete[3]}.${header}`;
}

function parseConstant(text: string): number | bigint {
  const complement = /^\(~(\d+)(ULL|U)/.exec(text);
  if (complement !== null) {
    return complement[2] === "ULL"
      ? BigInt.asUintN(64, ~BigInt(complement[1] as string))
      : (~Number(complement[1])) >>> 0;
  }
  return Number.parseFloat(text);
}

function enumValue(entry: Node, extensionNumber: number): number {
  if (entry["@bitpos"] !== undefined) return 2 ** Number(entry["@bitpos"]);
  if (entry["@value"] !== undefined) return Number(entry["@value"]);
  const number = Number(entry["@extnumber"] ?? extensionNumber);
  const value = 1_000_000_000 + (number - 1) * 1000 + Number(entry["@offset"]);
  return entry["@dir"] === "-" ? -value : value;
}
