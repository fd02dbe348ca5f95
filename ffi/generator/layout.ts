/**
 * Struct layouts on the 64-bit interface Vulkan has everywhere this module runs: pointers and
 * `size_t` are eight bytes, every scalar is aligned to its size. The result is proved against a C
 * compiler by `tests/null/ffi_layout_test.ts`.
 *
 * @module
 */

import type { Declaration, Registry } from "./registry.ts";

/** A field with its place. */
export interface LayoutField {
  readonly name: string;
  /** C type name, for handles and nested structs. */
  readonly type: string;
  readonly storage:
    | "u8"
    | "i32"
    | "u32"
    | "f32"
    | "u64"
    | "bool32"
    | "text"
    | "bytes"
    | "handle"
    | "struct";
  readonly offset: number;
  readonly count: number | undefined;
}

/** A struct with its places. */
export interface Layout {
  readonly name: string;
  readonly byteLength: number;
  readonly alignment: number;
  readonly sType: number | undefined;
  readonly fields: readonly LayoutField[];
}

/**
 * Lay out the named structs and those they contain, contained ones first.
 *
 * @param registry The registry.
 * @param names Names of structs.
 * @returns The layouts in an order in which each uses only earlier ones.
 */
export function layoutStructs(registry: Registry, names: readonly string[]): Map<string, Layout> {
  const layouts = new Map<string, Layout>();
  for (const name of names) layoutStruct(registry, name, layouts);
  return layouts;
}

function layoutStruct(registry: Registry, name: string, layouts: Map<string, Layout>): Layout {
  const known = layouts.get(name);
  if (known !== undefined) return known;
  let end = 0;
  let alignment = 1;
  let sType: number | undefined;
  const fields: LayoutField[] = [];
  for (const member of registry.struct(name)) {
    const { storage, byteLength, align } = place(registry, member, layouts);
    const isArray = member.count !== undefined && !member.pointer;
    const offset = Math.ceil(end / align) * align;
    end = offset + byteLength * (isArray ? member.count as number : 1);
    alignment = Math.max(alignment, align);
    if (member.name === "sType" && member.values !== undefined) {
      sType = Number(registry.enumeration("VkStructureType").get(member.values)?.value);
      if (!Number.isInteger(sType)) throw new Error(`Cannot generate ${name}: no ${member.values}`);
      continue;
    }
    const text = storage === "char";
    const bytes = storage === "u8" && isArray;
    fields.push({
      name: member.name,
      type: member.type,
      storage: text ? "text" : bytes ? "bytes" : storage,
      offset,
      count: isArray ? member.count : undefined,
    });
  }
  const layout: Layout = {
    name,
    byteLength: Math.ceil(end / alignment) * alignment,
    alignment,
    sType,
    fields,
  };
  layouts.set(name, layout);
  return layout;
}

function place(
  registry: Registry,
  member: Declaration,
  layouts: Map<string, Layout>,
): { storage: LayoutField["storage"] | "char"; byteLength: number; align: number } {
  if (member.pointer) return { storage: "u64", byteLength: 8, align: 8 };
  const storage = registry.storage(member.type);
  switch (storage) {
    case undefined: {
      const nested = layoutStruct(registry, member.type, layouts);
      return { storage: "struct", byteLength: nested.byteLength, align: nested.alignment };
    }
    case "char":
    case "u8":
      return { storage, byteLength: 1, align: 1 };
    case "u64":
    case "usize":
      return { storage: "u64", byteLength: 8, align: 8 };
    case "handle":
      return { storage, byteLength: 8, align: 8 };
    case "u16":
      throw new Error(`Cannot generate ${member.name}: 16-bit fields are not supported`);
    default:
      return { storage, byteLength: 4, align: 4 };
  }
}
