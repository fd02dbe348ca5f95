/** Exported graphs: those of MXNet byte by byte, old spellings, and what is refused. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeSymbol,
  encodeSymbol,
  FormatError,
  LimitError,
  readSymbol,
  type SymbolGraph,
  type SymbolNode,
  writeSymbol,
} from "../../io.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";
import { FILES, fixture, MANIFEST } from "./io_support.ts";

const SYMBOLS = readdirSync(FILES).filter((path) => path.endsWith("-symbol.json"));

function parse(text: string): SymbolGraph {
  return decodeSymbol(new TextEncoder().encode(text));
}

/** A graph of two nodes with parts replaced. */
function text(parts: Record<string, string> = {}, node: Record<string, string> = {}): string {
  const second = { op: `"f"`, name: `"y"`, inputs: "[[0, 0, 0]]", ...node };
  const members = (object: Record<string, string>) =>
    Object.entries(object).filter(([, value]) => value !== "").map(([key, value]) =>
      `"${key}": ${value}`
    ).join(", ");
  return `{${
    members({
      nodes: `[{"op": "null", "name": "x", "inputs": []}, {${members(second)}}]`,
      arg_nodes: "[0]",
      heads: "[[1, 0, 0]]",
      attrs: `{"mxnet_version": ["int", 20000]}`,
      ...parts,
    })
  }}`;
}

function node(op: string, name: string, inputs: number[] = []): SymbolNode {
  return {
    op,
    name,
    attrs: new Map(),
    inputs: inputs.map((index) => ({ node: index, output: 0, version: 0 })),
    controlDeps: [],
  };
}

function graphOf(nodes: SymbolNode[], head = nodes.length - 1): SymbolGraph {
  return {
    nodes,
    heads: [{ node: head, output: 0, version: 0 }],
    nodeRowPtr: null,
    attrs: new Map([["mxnet_version", ["int", 20000]]]),
  };
}

test("encodeSymbol() gives the bytes of every graph that MXNet 1.9 and 2.0 exported", () => {
  assertEquals(SYMBOLS.length, 31);
  for (const path of SYMBOLS) {
    const bytes = fixture(path);
    const found = new TextDecoder().decode(encodeSymbol(decodeSymbol(bytes)));
    assertEquals(found, new TextDecoder().decode(bytes), path);
  }
});

test("decodeSymbol() reads the operators, variables and outputs that the manifest lists", () => {
  for (const { symbol, ops, outputs, name } of MANIFEST.nets as Record<string, string[]>[]) {
    if (typeof symbol !== "string") continue;
    const { nodes, heads, attrs } = decodeSymbol(fixture(symbol));
    const found = new Set(nodes.map(({ op }) => op).filter((op) => op !== "null"));
    assertEquals([...found].sort(), ops, symbol);
    assertEquals(heads.length, outputs!.length, symbol);
    const version = String(name).startsWith("mx2") ? 20000 : 10901;
    assertEquals(attrs.get("mxnet_version"), ["int", version], symbol);
  }
});

test("decodeSymbol() reads the graphs within a saved block", () => {
  const model = JSON.parse(readFileSync(join(FILES, "mx2_blocksave_hybrid-model.json"), "utf8"));
  const block = model.hybridsequential0;
  for (const graph of [block.symbol, ...block.inputs] as string[]) {
    assertEquals(new TextDecoder().decode(encodeSymbol(parse(graph))), graph);
  }
});

test("decodeSymbol() reads the spellings of all versions", () => {
  // As MXNet 0.8 wrote: attributes in two places, entries of two items, nothing about the graph.
  const old = parse(`{"nodes": [
    {"op": "null", "param": {}, "name": "data", "inputs": [], "backward_source_id": -1,
     "attr": {"lr_mult": "0.2"}},
    {"op": "Activation", "param": {"act_type": "relu"}, "name": "a", "inputs": [[0, 0]],
     "backward_source_id": -1, "attr": {"ctx_group": "s", "act_type": "relu"}}
  ], "arg_nodes": [0], "heads": [[1, 0]]}`);
  assertEquals([...old.nodes[1]!.attrs], [["act_type", "relu"], ["ctx_group", "s"]]);
  assertEquals(old.heads, [{ node: 1, output: 0, version: 0 }]);
  assertEquals([old.nodeRowPtr, old.attrs.size], [null, 0]);
  const graph = parse(text({
    node_row_ptr: "[0, 1, 4]",
    attrs: `{"a": ["str", "b"], "c": ["list_int", [1, -2]], "d": ["list_str", ["e"]]}`,
  }, { control_deps: "[0]", subgraphs: "[]", inputs: "[[0, 2, 1]]" }));
  assertEquals(graph.nodeRowPtr, [0, 1, 4]);
  assertEquals(graph.nodes[1]!.controlDeps, [0]);
  assertEquals(graph.nodes[1]!.inputs, [{ node: 0, output: 2, version: 1 }]);
  assertEquals([...graph.attrs], [["a", ["str", "b"]], ["c", ["list_int", [1, -2]]], [
    "d",
    ["list_str", ["e"]],
  ]]);
  const special = parse(text({}, { attrs: `{"__proto__": "\\"\\\\\\n\\r\\té\u{1f600}"}` }));
  assertEquals(special.nodes[1]!.attrs.get("__proto__"), '"\\\n\r\té\u{1f600}');
  const written = encodeSymbol(special);
  assertEquals(decodeSymbol(written), special);
});

test("decodeSymbol() refuses malformed graphs", () => {
  const bad: [name: string, file: string][] = [
    ["empty", ""],
    ["a list", "[]"],
    ["a byte order mark", "\ufeff" + text()],
    ["the last brace missing", text().slice(0, -1)],
    ["text after it", text() + "x"],
    ["a raw tab", text({}, { name: `"a\tb"` })],
    ["an unknown key", text({ version: "1" })],
    ["an unknown key of a node", text({}, { dtype: `"f"` })],
    ["no nodes", text({ nodes: "" })],
    ["no heads", text({ heads: "" })],
    ["empty heads", text({ heads: "[]" })],
    ["no arg_nodes", text({ arg_nodes: "" })],
    ["no op", text({}, { op: "" })],
    ["no name", text({}, { name: "" })],
    ["no inputs", text({}, { inputs: "" })],
    ["an op that is a number", text({}, { op: "1" })],
    ["an attribute that is a number", text({}, { attrs: `{"a": 1}` })],
    ["attributes that are a list", text({}, { attrs: "[]" })],
    ["two values of an attribute", text({}, { attrs: `{"a": "1"}`, attr: `{"a": "2"}` })],
    ["an input that is itself", text({}, { inputs: "[[1, 0, 0]]" })],
    ["an input that comes later", text({}, { inputs: "[[2, 0, 0]]" })],
    ["a negative input", text({}, { inputs: "[[-1, 0, 0]]" })],
    ["a fraction as input", text({}, { inputs: "[[0.5, 0, 0]]" })],
    ["a negative output", text({}, { inputs: "[[0, -1, 0]]" })],
    ["an entry of one item", text({}, { inputs: "[[0]]" })],
    ["an entry of four items", text({}, { inputs: "[[0, 0, 0, 0]]" })],
    ["a number as entry", text({}, { inputs: "[0]" })],
    ["a head that is no node", text({ heads: "[[2, 0, 0]]" })],
    ["an arg_node that is no node", text({ arg_nodes: "[2]" })],
    ["a dependency on a later node", text({}, { control_deps: "[1]" })],
    ["subgraphs", text({}, { subgraphs: "[{}]" })],
    ["a variable with inputs", text({}, { op: `"null"` })],
    ["two variables of one name", text({}, { op: `"null"`, name: `"x"`, inputs: "[]" })],
    ["rows of another length", text({ node_row_ptr: "[0, 1]" })],
    ["rows that fall", text({ node_row_ptr: "[0, 2, 1]" })],
    ["rows not from 0", text({ node_row_ptr: "[1, 2, 3]" })],
    ["an attribute of an unknown type", text({ attrs: `{"a": ["bool", 1]}` })],
    ["an attribute of another type", text({ attrs: `{"a": ["int", "1"]}` })],
    ["an attribute without value", text({ attrs: `{"a": ["int"]}` })],
    ["an attribute of three items", text({ attrs: `{"a": ["int", 1, 1]}` })],
    ["a name twice", text({}, { attrs: `{"a": "1", "a": "1"}` })],
    ["deep nesting", text({ attrs: "[".repeat(100_000) })],
  ];
  parse(text());
  for (const [name, file] of bad) assertThrows(() => parse(file), FormatError, "at byte", name);
  const bytes = encodeSymbol(parse(text()));
  assertThrows(() => decodeSymbol(bytes, { maxBytes: 10 }), LimitError, "at most 10");
  assertThrows(() => decodeSymbol(bytes, { maxNodes: 1 }), LimitError, "at most 1");
});

test("encodeSymbol() refuses what MXNet would misread", () => {
  const x = node("null", "x");
  const good = graphOf([x, node("f", "y", [0])]);
  encodeSymbol(good);
  const bad: [string, SymbolGraph][] = [
    ["no version", { ...good, attrs: new Map() }],
    ["no outputs", { ...good, heads: [] }],
    ["a later node", graphOf([node("f", "y", [1]), x])],
    ["a head that is no node", graphOf([x], 1)],
    ["two variables of one name", graphOf([x, x])],
    ["a control character", graphOf([node("null", "a\u0001")])],
    ["half a surrogate pair", graphOf([node("null", "\ud800")])],
    ["rows of another length", { ...good, nodeRowPtr: [0] }],
  ];
  for (const [name, graph] of bad) {
    assertThrows(() => encodeSymbol(graph), RangeError, "Cannot write a symbol file", name);
  }
  const wrong: unknown[] = [
    undefined,
    {},
    { ...good, nodes: [null] },
    { ...good, nodes: [{ ...x, attrs: {} }] },
    { ...good, nodes: [{ ...x, attrs: new Map([["a", 1]]) }] },
    { ...good, attrs: new Map([["mxnet_version", ["int", "20000"]]]) },
    { ...good, heads: [0, null] },
  ];
  for (const graph of wrong) {
    assertThrows(() => encodeSymbol(graph as SymbolGraph), TypeError, "SymbolGraph");
  }
});

test("readSymbol() and writeSymbol() use files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vknn-io-"));
  try {
    const path = join(folder, "net-symbol.json");
    const graph = await readSymbol(join(FILES, SYMBOLS[0]!));
    await writeSymbol(path, graph);
    assertEquals(await readSymbol(path), graph);
    await assertRejects(() => writeSymbol(path, graphOf([])), RangeError);
    assertEquals(readdirSync(folder), ["net-symbol.json"]);
    await assertRejects(() => readSymbol(path, { maxBytes: 10 }), LimitError);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("symbol: 2000 mutations and every truncation give typed errors or graphs", () => {
  const random = new Random(5);
  const small = new TextEncoder().encode(text());
  const files = [small, ...SYMBOLS.slice(0, 6).map(fixture)];
  const survives = (bytes: Uint8Array): boolean => {
    try {
      const graph = decodeSymbol(bytes);
      graph.nodes.forEach(({ inputs }, index) => assert(inputs.every(({ node }) => node < index)));
      return true;
    } catch (error) {
      assert(error instanceof FormatError || error instanceof LimitError, String(error));
      return false;
    }
  };
  for (let length = 0; length < small.length; length++) assert(!survives(small.slice(0, length)));
  const characters = new TextEncoder().encode('"\\{}[],:0-9eE.\ntrue \u00e9');
  let read = 0;
  for (let index = 0; index < 2000; index++) {
    const bytes = random.pick(files).slice();
    const at = random.integer(0, bytes.length - 1);
    bytes[at] = random.pick([...characters, random.bits() & 255]);
    if (survives(bytes)) read++;
  }
  assert(read > 0 && read < 2000);
});
