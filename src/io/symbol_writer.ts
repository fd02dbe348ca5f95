// The text of exported graphs, as MXNet's own writer lays it out (dmlc-core, include/dmlc/json.h),
// and what must hold for every graph.

import { describe } from "../core/options.ts";
import type { SymbolEntry, SymbolGraph, SymbolNode } from "./symbol_json.ts";

/**
 * Checks what the types of a graph do not say.
 *
 * @param graph The graph; all parts have their types.
 * @param fail Throws.
 */
export function checkSymbol(graph: SymbolGraph, fail: (message: string) => never): void {
  const { nodes, heads, nodeRowPtr } = graph;
  if (heads.length === 0) fail(`the graph has no heads, expected at least one output`);
  const variables = new Set<string>();
  const entry = ({ node, output, version }: SymbolEntry, end: number, what: string) => {
    if (!Number.isInteger(node) || node < 0 || node >= end) {
      fail(`${what} names node ${node}, expected an earlier one (below ${end})`);
    }
    for (const number of [output, version]) {
      if (!Number.isInteger(number) || number < 0) fail(`${what} has ${number}, expected from 0`);
    }
  };
  nodes.forEach(({ op, name, inputs, controlDeps }, index) => {
    const what = `node ${index} (${describe(name)})`;
    inputs.forEach((input) => entry(input, index, what));
    controlDeps.forEach((node) => entry({ node, output: 0, version: 0 }, index, what));
    if (op !== "null") return;
    if (inputs.length > 0) fail(`${what} is a variable with inputs, expected none`);
    if (variables.has(name)) fail(`two variables are named ${describe(name)}`);
    variables.add(name);
  });
  heads.forEach((head) => entry(head, nodes.length, "a head"));
  const rows = nodeRowPtr ?? [];
  const rising = rows.every((row, index) => index === 0 ? row === 0 : row >= rows[index - 1]!);
  if (nodeRowPtr !== null && (rows.length !== nodes.length + 1 || !rising)) {
    fail(`node_row_ptr is no running sum over ${nodes.length} nodes`);
  }
}

/**
 * Writes a graph as text.
 *
 * @param where What is being done, for messages.
 * @param graph The graph.
 * @returns The text, without a line break at its end.
 */
export function formatSymbol(where: string, graph: SymbolGraph): string {
  checkTypes(where, graph);
  checkSymbol(graph, (message) => {
    throw new RangeError(`Cannot ${where}: ${message}`);
  });
  if (!graph.attrs.has("mxnet_version")) {
    throw new RangeError(
      `Cannot ${where}: the graph has no attribute mxnet_version, expected one such as ` +
        `["int", 20000]`,
    );
  }
  const variables = graph.nodes.flatMap(({ op }, index) => op === "null" ? [index] : []);
  const attrs = [...graph.attrs].sort(byKey).map(([name, [type, value]]): Member => [
    name,
    list([quote(where, type), jsonOf(where, value)], "", false),
  ]);
  const members: Member[] = [
    ["nodes", list(graph.nodes.map((node) => formatNode(where, node)), "  ", true)],
    ["arg_nodes", numbers(variables)],
    ...graph.nodeRowPtr === null ? [] : [["node_row_ptr", numbers(graph.nodeRowPtr)] as Member],
    ["heads", entries(graph.heads, "  ")],
    ["attrs", object(attrs, "  ")],
  ];
  return object(members, "");
}

/** A key that needs no escapes, or is quoted already, and the text of its value. */
type Member = readonly [key: string, value: string];

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

function formatNode(where: string, node: SymbolNode): string {
  const indent = "    ";
  const attrs = [...node.attrs].sort(byKey).map(([name, value]): Member => [
    quote(where, name).slice(1, -1),
    quote(where, value),
  ]);
  const members: Member[] = [
    ["op", quote(where, node.op)],
    ["name", quote(where, node.name)],
    ...attrs.length === 0 ? [] : [["attrs", object(attrs, indent + "  ")] as Member],
    ["inputs", entries(node.inputs, indent + "  ")],
    ...node.controlDeps.length === 0
      ? []
      : [["control_deps", numbers(node.controlDeps, indent + "  ")] as Member],
  ];
  return object(members, indent);
}

/** Objects of one member stay on one line. */
function object(members: readonly Member[], indent: string): string {
  const lines = members.map(([key, value]) => `"${key}": ${value}`);
  if (lines.length < 2) return `{${lines.join("")}}`;
  return `{\n${indent}  ${lines.join(`, \n${indent}  `)}\n${indent}}`;
}

function list(items: readonly string[], indent: string, lines: boolean): string {
  if (!lines || items.length === 0) return `[${items.join(", ")}]`;
  return `[\n${indent}  ${items.join(`, \n${indent}  `)}\n${indent}]`;
}

/** Long lists get a line for each number. */
function numbers(items: readonly number[], indent = "  "): string {
  return list(items.map(String), indent, items.length > 10);
}

function entries(items: readonly SymbolEntry[], indent: string): string {
  const texts = items.map(({ node, output, version }) => `[${node}, ${output}, ${version}]`);
  return list(texts, indent, items.length > 10);
}

/** Text with the only escapes that MXNet knows. */
function quote(where: string, text: string): string {
  if (!text.isWellFormed()) {
    throw new RangeError(`Cannot ${where}: ${describe(text)} holds half a surrogate pair`);
  }
  const escaped = text.replace(/["\\]|\p{Cc}/gu, (character) => {
    const at = '"\\\n\r\t'.indexOf(character);
    if (at >= 0) return "\\" + '"\\nrt'[at];
    // MXNet reads those above as they are, but no others below the space.
    if (character > "\u001f") return character;
    throw new RangeError(
      `Cannot ${where}: ${describe(text)} holds a control character that MXNet cannot read`,
    );
  });
  return `"${escaped}"`;
}

function jsonOf(where: string, value: string | number | readonly (string | number)[]): string {
  if (typeof value === "string") return quote(where, value);
  if (typeof value === "number") return String(value);
  return `[${value.map((item) => jsonOf(where, item)).join(", ")}]`;
}

/** Refuses what TypeScript would refuse, so that the rest may rely on types. */
/**
 * Checks that a value is a graph.
 *
 * @param where What is being done, for messages.
 * @param graph The value.
 * @throws {TypeError} If it is none.
 */
export function checkTypes(where: string, graph: SymbolGraph): void {
  const object = (value: unknown) => typeof value === "object" && value !== null;
  const entry = (value: unknown) => object(value);
  const node = (value: SymbolNode) =>
    object(value) && typeof value.op === "string" && typeof value.name === "string" &&
    value.attrs instanceof Map && Array.isArray(value.controlDeps) &&
    [...value.attrs].flat().every((text) => typeof text === "string") &&
    all(value.inputs, entry);
  const text = (value: unknown) => typeof value === "string";
  // Holes of sparse lists are wrong too, which `every` would skip.
  const all = <T>(value: unknown, rule: (item: T) => boolean) =>
    Array.isArray(value) && Array.from(value as T[]).every(rule);
  const attribute = ([name, pair]: readonly [unknown, unknown]) => {
    const [type, value, ...more] = Array.isArray(pair) ? pair as unknown[] : [];
    return text(name) && more.length === 0 && (
      type === "int" && Number.isSafeInteger(value) || type === "str" && text(value) ||
      type === "list_int" && all(value, Number.isSafeInteger) ||
      type === "list_str" && all(value, text)
    );
  };
  const good = object(graph) && all(graph.nodes, node) && all(graph.heads, entry) &&
    graph.attrs instanceof Map &&
    (graph.nodeRowPtr === null || Array.isArray(graph.nodeRowPtr)) &&
    [...graph.attrs].every(attribute);
  if (!good) {
    throw new TypeError(`Cannot ${where}: found ${describe(graph)}, expected a SymbolGraph`);
  }
}
