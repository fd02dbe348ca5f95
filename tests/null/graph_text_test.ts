/** Attributes of graph files in both of MXNet's styles, codes of reshapes, what is refused. */
import { assertEquals, assertThrows } from "@std/assert";
import { decodeSymbol } from "../../io.ts";
import { ShapeError, SymbolBlock } from "../../mod.ts";
import { AttributeReader } from "../../src/graph/attribute_text.ts";
import { resolveNewShape, resolveOldShape } from "../../src/graph/reshape_codes.ts";
import { fastText, pythonText } from "../../src/graph/symbol_text.ts";
import { test } from "../support/test.ts";

function reader(text: string): AttributeReader {
  return new AttributeReader("a node", new Map([["x", text]]));
}

test("AttributeReader reads both styles, bare numbers, suffixes and any case", () => {
  for (const text of ["(3, 3)", "[3,3]", "(3L, 3L)", " ( 3 ,3, ) "]) {
    assertEquals(reader(text).integers("x"), [3, 3], text);
  }
  for (const text of ["(3,)", "[3]", "3", "3L"]) {
    assertEquals(reader(text).integers("x"), [3], text);
  }
  for (const text of ["None", "()", "[]"]) {
    assertEquals(reader(text).integers("x"), undefined, text);
  }
  assertEquals(reader("(None, -1)").optionalIntegers("x"), [null, -1]);
  for (const text of ["True", "true", "1"]) assertEquals(reader(text).boolean("x", false), true);
  for (const text of ["False", "false", "0"]) assertEquals(reader(text).boolean("x", true), false);
  assertEquals([reader("1e-05").number("x"), reader("-inf").number("x")], [1e-5, -Infinity]);
  assertEquals(reader("None").boolean("x", true), true);
});

test("AttributeReader refuses wrong values and attributes that nobody reads", () => {
  assertThrows(() => reader("(3, a)").integers("x"), RangeError, '"(3, a)"');
  assertThrows(() => reader("(3, None)").integers("x"), RangeError, "integers");
  assertThrows(() => reader("maybe").boolean("x", true), RangeError, "True or False");
  assertThrows(() => reader("1.5").integer("x"), RangeError, "an integer");
  assertThrows(() => reader("1").done(), RangeError, 'unknown attribute "x"');
  new AttributeReader("a node", new Map([["__profiler_scope__", "a:"]])).done();
});

test("texts in both styles are read back", () => {
  assertEquals([fastText([3, 3]), fastText(true), fastText(null)], ["[3,3]", "1", "None"]);
  assertEquals([pythonText([3]), pythonText([1, null]), pythonText(false)], [
    "(3,)",
    "(1, None)",
    "False",
  ]);
  for (const text of [fastText([2, 5]), pythonText([2, 5])]) {
    assertEquals(reader(text).integers("x"), [2, 5]);
  }
});

test("reshape codes of MXNet 1.x and 2", () => {
  const old: [number[], number[], number[]][] = [
    [[2, 3, 4], [4, 0, 2], [4, 3, 2]],
    [[2, 3, 4], [-1], [-1]],
    [[2, 3, 4], [-2], [2, 3, 4]],
    [[2, 3, 4], [-3, 4], [6, 4]],
    [[2, 3, 4], [-4, 1, 2, -2], [1, 2, 3, 4]],
    [[2, 3, 4], [2, -4, -1, 3, -2], [2, 1, 3, 4]],
  ];
  for (const [shape, codes, expected] of old) {
    assertEquals(resolveOldShape(shape, codes), expected, codes.join());
  }
  const current: [number[], number[], number[]][] = [
    [[2, 3, 8], [-2, -2, 2, -1], [2, 3, 2, -1]],
    [[8, 3, 3, 3, 4, 4], [-6, 2, -1, -4], [2, 4, 3, 3, 3, 4, 4]],
    [[8, 3, 3, 3, 4, 4], [-5, -4], [24, 3, 3, 4, 4]],
    [[8, 1, 1, 4], [-2, -3, -3, -2], [8, 4]],
  ];
  for (const [shape, codes, expected] of current) {
    assertEquals(resolveNewShape(shape, codes), expected, codes.join());
  }
  assertThrows(() => resolveNewShape([2, 3], [-3, -2]), ShapeError, "expected size 1");
  assertThrows(() => resolveNewShape([6], [-6, 4, -1]), ShapeError, "is not 4 times");
  assertThrows(() => resolveOldShape([6], [0, 0]), ShapeError, "no axis 1");
});

function graph(op: string, attrs: Record<string, string>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({
    nodes: [
      { op: "null", name: "data", inputs: [] },
      { op, name: "n", attrs, inputs: [[0, 0, 0]] },
    ],
    arg_nodes: [0],
    heads: [[1, 0, 0]],
  }));
}

test("SymbolBlock refuses unknown operators, attributes and inputs by name", () => {
  const make = (op: string, attrs: Record<string, string>, input = "data") => () =>
    new SymbolBlock(decodeSymbol(graph(op, attrs)), input);
  assertThrows(make("Teleport", {}), RangeError, 'node "n" (Teleport)');
  assertThrows(make("Activation", { act_type: "relu", slop: "1" }), RangeError, '"slop"');
  assertThrows(make("Activation", { act_type: "step" }), RangeError, '"step"');
  assertThrows(make("Pooling", { pool_type: "lp", kernel: "(2,)" }), RangeError, "lp");
  assertThrows(make("Activation", { act_type: "relu" }, "input"), RangeError, '"input"');
});
