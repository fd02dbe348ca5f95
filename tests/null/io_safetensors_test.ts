/** The safetensors format, and the strict JSON below it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  arrayFormat,
  decodeArrays,
  decodeSafetensors,
  encodeSafetensors,
  fileArray,
  FormatError,
  LimitError,
} from "../../io.ts";
import { ByteReader } from "../../src/io/byte_reader.ts";
import { parseJson } from "../../src/io/json.ts";
import { test } from "../support/test.ts";
import { assertSameArrays, oneOfEach } from "./io_support.ts";

/** A file with any header text. */
function file(header: string, dataBytes = 0, length?: bigint): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const ENTRY = `"dtype":"U8","shape":[2],"data_offsets":[0,2]`;

test("decodeSafetensors() reads what encodeSafetensors() writes, of every dtype", () => {
  const arrays = oneOfEach();
  const metadata = new Map([["__proto__", "x"], ["", "ünï\n\u{1f600}"]]);
  const content = decodeSafetensors(encodeSafetensors(arrays, { metadata }));
  assertEquals([...content.metadata], [...metadata]);
  const byName = (a: { name: string }, b: { name: string }) => a.name < b.name ? -1 : 1;
  assertSameArrays(content.arrays.sort(byName), arrays.toSorted(byName));
});

test("decodeSafetensors() reads headers however they are spelled", () => {
  const spellings = [
    `{"a":{${ENTRY}}}`,
    ` {"a" : {"shape":[ 2 ],\n"data_offsets":[0,\t2], "dtype":"U8"}}   `.trimStart(),
    `{"\\u0061":{"dtype":"\\u00558","shape":[2],"data_offsets":[0,2]},"__metadata__":{}}`,
  ];
  for (const text of spellings) {
    const bytes = file(text, 2);
    assertEquals(arrayFormat(bytes), "safetensors");
    assertSameArrays(decodeArrays(bytes), [fileArray("a", new Uint8Array(2))], text);
  }
});

test("a header as long as MXNet's signature is still that of safetensors", () => {
  const bytes = file(`{"a":{${ENTRY}}}`.padEnd(0x112), 2);
  assertEquals(bytes.slice(0, 8), new Uint8Array([0x12, 1, 0, 0, 0, 0, 0, 0]));
  assertEquals(decodeArrays(bytes).length, 1);
});

test("decodeSafetensors() refuses malformed files", () => {
  const two = (one: string, other: string, bytes: number) =>
    file(
      `{"a":{"dtype":"U8","shape":[2],"data_offsets":${one}},` +
        `"b":{"dtype":"U8","shape":[2],"data_offsets":${other}}}`,
      bytes,
    );
  const bad: [string, Uint8Array][] = [
    ["empty", new Uint8Array()],
    ["no header", file("")],
    ["header longer than the file", file(`{}`, 0, 3n)],
    ["white space first", file(` {}`)],
    ["no object", file(`[]`)],
    ["no UTF-8", file(`{}`).map((byte, index) => index === 9 ? 0xff : byte)],
    ["a byte order mark", file(`\ufeff{}`)],
    ["a name twice", file(`{"a":{${ENTRY}},"a":{${ENTRY}}}`, 2)],
    ["a name twice, one escaped", file(`{"a":{${ENTRY}},"\\u0061":{${ENTRY}}}`, 2)],
    ["half a surrogate pair", file(`{"\\ud800":{${ENTRY}}}`, 2)],
    ["metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`)],
    ["metadata of numbers", file(`{"__metadata__":{"a":1}}`)],
    ["metadata that is text", file(`{"__metadata__":"a"}`)],
    ["an unknown dtype", file(`{"a":{${ENTRY.replace("U8", "F8_E4M3")}}}`, 2)],
    ["a dtype in lower case", file(`{"a":{${ENTRY.replace("U8", "u8")}}}`, 2)],
    ["a key missing", file(`{"a":{"dtype":"U8","shape":[2]}}`, 2)],
    ["a key too many", file(`{"a":{${ENTRY},"x":1}}`, 2)],
    ["a negative size", file(`{"a":{${ENTRY.replace("[2]", "[-2]")}}}`, 2)],
    ["a fraction as size", file(`{"a":{${ENTRY.replace("[2]", "[2.5]")}}}`, 2)],
    ["text as size", file(`{"a":{${ENTRY.replace("[2]", `["2"]`)}}}`, 2)],
    ["a size beyond 2^53", file(`{"a":{${ENTRY.replace("[2]", "[9007199254740993]")}}}`, 2)],
    ["a number as shape", file(`{"a":{${ENTRY.replace("[2]", "2")}}}`, 2)],
    ["three offsets", file(`{"a":{${ENTRY.replace("[0,2]", "[0,2,2]")}}}`, 2)],
    ["offsets that fall", file(`{"a":{${ENTRY.replace("[0,2]", "[2,0]")}}}`, 2)],
    ["offsets of another length", file(`{"a":{${ENTRY.replace("[0,2]", "[0,3]")}}}`, 3)],
    ["a gap at the start", file(`{"a":{${ENTRY.replace("[0,2]", "[1,3]")}}}`, 3)],
    ["a gap", two("[0,2]", "[3,5]", 5)],
    ["an overlap", two("[0,2]", "[1,3]", 3)],
    ["the same place", two("[0,2]", "[0,2]", 2)],
    ["too little data", file(`{"a":{${ENTRY}}}`, 1)],
    ["too much data", file(`{"a":{${ENTRY}}}`, 3)],
    ["deep nesting", file(`{"a":` + "[".repeat(100_000))],
  ];
  for (const [name, bytes] of bad) {
    assertThrows(() => decodeSafetensors(bytes), FormatError, "at byte", name);
  }
  const large: [string, Uint8Array][] = [
    ["a header of 100 MB", file(`{}`, 0, 100_000_001n)],
    ["a header of 2^64 - 1 bytes", file(`{}`, 0, 2n ** 64n - 1n)],
    ["a huge array", file(`{"a":{${ENTRY.replace("[2]", "[9007199254740991]")}}}`, 2)],
    ["33 axes", file(`{"a":{${ENTRY.replace("[2]", JSON.stringify(Array(33).fill(1)))}}}`, 2)],
  ];
  for (const [name, bytes] of large) {
    assertThrows(() => decodeSafetensors(bytes), LimitError, "at byte", name);
  }
});

test("encodeSafetensors() aligns the data and refuses what the format cannot hold", () => {
  const bytes = encodeSafetensors(oneOfEach());
  assertEquals(new DataView(bytes.buffer).getUint32(0, true) % 8, 0);
  const array = fileArray("__metadata__", new Uint8Array(1));
  assertThrows(() => encodeSafetensors([array]), RangeError, "reserved");
  const same = fileArray("a", new Uint8Array(1));
  assertThrows(() => encodeSafetensors([same, same]), RangeError, "two arrays");
  for (
    const metadata of [{}, new Map([["a", 1]]), new Map([[1, "a"]]), new Map([["\ud800", "a"]])]
  ) {
    assertThrows(() => encodeSafetensors([], { metadata } as never), TypeError, "Map");
  }
});

test("parseJson() reads all of JSON and refuses everything else", () => {
  const parse = (text: string) => parseJson(text, new ByteReader("JSON", new Uint8Array()), 0, 8);
  const good = [
    "null",
    "true",
    "false",
    "0",
    "-0.5e+3",
    "1E2",
    '""',
    '"\\"\\\\\\/\\b\\n\\u00e9"',
    "[]",
    ' [ 1 , [ ] , "a" ] ',
    "\t\r\n1",
  ];
  for (const text of good) assertEquals(parse(text), JSON.parse(text), text);
  const map = parse(`{"__proto__":{"a":[1]},"1":null}`);
  assert(map instanceof Map && [...map.keys()].join() === "__proto__,1");
  const bad = [
    "",
    " ",
    "nul",
    "truex",
    "01",
    "1.",
    ".5",
    "+1",
    "1e",
    "NaN",
    "'a'",
    '"',
    '"\\"',
    '"\\x"',
    '"\t"',
    "[",
    "[1",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{",
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,}',
    "{a:1}",
    "{1:1}",
    '{"a":1,"a":1}',
    "1 1",
    "[]]",
    "//",
    "\u00a01",
    '"\\ud800"',
  ];
  for (const text of bad) assertThrows(() => parse(text), FormatError, "at byte", text);
  // Offsets count bytes, not characters.
  assertThrows(() => parse(`["é",x]`), FormatError, "at byte 6");
  const long = "\\".repeat(200_000);
  assertEquals(parse(`"${long}"`), "\\".repeat(100_000));
});
