// Takes nested values with tensors apart and puts them together again around other tensors, which is how
// graphs with flat inputs and outputs stand for any `forward`. Knows no blocks.

import { Tensor } from "../tensor/mod.ts";
import { checkNesting } from "./structure.ts";

/** A value taken apart. */
export interface Structure {
  /** The tensors inside, in order. */
  readonly tensors: readonly Tensor[];
  /** The nesting as text, such as `[Tensor, [Tensor, null]]`. */
  readonly text: string;
  /** Everything inside that is neither a tensor nor nothing, in order. */
  readonly others: readonly unknown[];
  /** The same value around other tensors. */
  readonly rebuild: (tensors: readonly Tensor[]) => unknown;
}

type Shape =
  | { readonly kind: "tensor"; readonly index: number }
  | { readonly kind: "other"; readonly value: unknown }
  | { readonly kind: "list"; readonly items: readonly Shape[] }
  | { readonly kind: "object" | "map"; readonly entries: readonly (readonly [unknown, Shape])[] };

/**
 * Takes a value apart.
 *
 * @param value Tensors, arrays, maps and plain objects of them, or anything else.
 * @returns Its tensors and its nesting.
 * @throws {TypeError} If it is nested too deep.
 */
export function structureOf(value: unknown): Structure {
  const tensors: Tensor[] = [];
  const others: unknown[] = [];
  const visit = (item: unknown, depth: number): Shape => {
    checkNesting(depth);
    const inside = (each: unknown) => visit(each, depth + 1);
    if (item instanceof Tensor) return { kind: "tensor", index: tensors.push(item) - 1 };
    if (Array.isArray(item)) return { kind: "list", items: Array.from(item, inside) };
    if (item instanceof Map) {
      return { kind: "map", entries: Array.from(item, ([key, each]) => [key, inside(each)]) };
    }
    if (isPlain(item)) {
      const entries = Object.entries(item).map(([key, each]) => [key, inside(each)] as const);
      return { kind: "object", entries };
    }
    if (item !== null && item !== undefined) others.push(item);
    return { kind: "other", value: item };
  };
  const shape = visit(value, 0);
  return { tensors, others, text: textOf(shape), rebuild: (other) => build(shape, other) };
}

/**
 * The structure of arguments, without the empty ones at the end, which do not make a difference.
 *
 * @param inputs The arguments.
 * @returns Their structure.
 */
export function argumentsOf(inputs: readonly unknown[]): Structure {
  let length = inputs.length;
  while (length > 0 && (inputs[length - 1] ?? null) === null) length--;
  const own = structureOf(inputs.slice(0, length));
  // The rest matters to those who rebuild only: traces, not every call.
  return length === inputs.length
    ? own
    : { ...own, rebuild: (tensors) => structureOf([...inputs]).rebuild(tensors) };
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function textOf(shape: Shape): string {
  switch (shape.kind) {
    case "tensor":
      return "Tensor";
    case "other":
      return shape.value === null || shape.value === undefined ? "null" : typeof shape.value;
    case "list":
      return `[${shape.items.map(textOf).join(", ")}]`;
    default: {
      const inner = shape.entries.map(([key, each]) => `${String(key)}: ${textOf(each)}`);
      return `${shape.kind === "map" ? "Map" : ""}{${inner.join(", ")}}`;
    }
  }
}

function build(shape: Shape, tensors: readonly Tensor[]): unknown {
  switch (shape.kind) {
    case "tensor":
      return tensors[shape.index];
    case "other":
      return shape.value;
    case "list":
      return shape.items.map((item) => build(item, tensors));
    case "map":
      return new Map(shape.entries.map(([key, each]) => [key, build(each, tensors)]));
    case "object":
      return Object.fromEntries(shape.entries.map(([key, each]) => [key, build(each, tensors)]));
  }
}
