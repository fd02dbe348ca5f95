/** The .npz format: archives of every kind, and every lie that an archive can tell. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { deflateSync } from "fflate";
import { crc32 as zlibCrc32 } from "node:zlib";
import { decodeNpz, encodeNpy, encodeNpz, fileArray, FormatError, LimitError } from "../../io.ts";
import { crc32 } from "../../src/io/crc32.ts";
import { test } from "../support/test.ts";
import { Random } from "../support/random.ts";
import { assertSameArrays, oneOfEach } from "./io_support.ts";
import { buildZip, type ZipEnd, type ZipPart } from "./io_zip_builder.ts";

const A = fileArray("a", new Float32Array([1, 2, 3, 4]), [2, 2]);
const B = fileArray("b", new Int32Array([5, 6]));
const a: ZipPart = { name: "a.npy", data: encodeNpy(A) };
const b: ZipPart = { name: "b.npy", data: encodeNpy(B) };
const wide = { size: BigInt(a.data.length), compressedSize: BigInt(a.data.length), offset: 0n };

function packed(part: ZipPart): ZipPart {
  return { ...part, content: part.data, data: deflateSync(part.data), method: 8 };
}

test("crc32() agrees with zlib at every length and start", () => {
  const bytes = Uint8Array.from({ length: 300 }, () => new Random(1).bits() & 255);
  for (let length = 0; length < bytes.length; length++) {
    assertEquals(crc32(bytes.subarray(0, length)), zlibCrc32(bytes.subarray(0, length)));
    assertEquals(crc32(bytes.subarray(length), crc32(bytes.subarray(0, length))), crc32(bytes));
  }
});

test("decodeNpz() reads what encodeNpz() writes, of every dtype, stored and compressed", () => {
  const arrays = oneOfEach();
  for (const compress of [false, true]) {
    assertSameArrays(decodeNpz(encodeNpz(arrays, { compress })), arrays);
  }
  assertEquals(encodeNpz([]).length, 22);
  assertEquals(decodeNpz(encodeNpz([])), []);
});

test("decodeNpz() reads every kind of archive that real programs write", () => {
  const utf8 = new TextEncoder();
  const kinds: [name: string, parts: ZipPart[], end?: ZipEnd][] = [
    ["stored", [a, b]],
    ["deflated", [packed(a), packed(b)]],
    ["streamed", [{ ...a, streamed: true }, { ...packed(b), streamed: true }]],
    ["with other files", [a, { name: "readme.txt", data: utf8.encode("x"), method: 12 }, b]],
    ["with a folder", [{ name: "folder/", data: new Uint8Array() }, a, b]],
    ["with encrypted other files", [{ name: "x", data: utf8.encode("x"), flags: 1 }, a, b]],
    ["with a comment", [a, b], { comment: utf8.encode("written by hand") }],
    ["with junk at the end", [a, b], { junk: new Uint8Array(1000) }],
    ["zip64", [{ ...a, zip64: wide }, b], { zip64: {} }],
    ["with other extra fields", [{ ...a, extra: new Uint8Array([9, 9, 1, 0, 7]) }, b]],
  ];
  for (const [name, parts, end] of kinds) {
    assertSameArrays(decodeNpz(buildZip(parts, end)), [A, B], name);
  }
});

test("decodeNpz() refuses damaged and ambiguous archives", () => {
  const extra = (...bytes: number[]) => new Uint8Array(bytes);
  const bad: [name: string, parts: ZipPart[], end?: ZipEnd][] = [
    ["wrong checksum", [{ ...a, crc: 1 }]],
    ["wrong checksum of deflated data", [{ ...packed(a), crc: 1 }]],
    ["damaged deflate stream", [{ ...packed(a), data: new Uint8Array(20).fill(0xff) }]],
    ["deflate stream cut off", [{ ...packed(a), data: packed(a).data.slice(0, -5) }]],
    ["unpacks to more than declared", [{ ...packed(a), size: 100 }]],
    ["unpacks to less than declared", [{ ...packed(a), size: a.data.length + 1 }]],
    ["stored with another size", [{ ...a, size: 100 }]],
    ["nothing deflated", [{ name: "a.npy", data: new Uint8Array(), method: 8 }]],
    ["encrypted", [{ ...a, flags: 0x801 }]],
    ["strongly encrypted", [{ ...a, flags: 0x840 }]],
    ["masked", [{ ...a, flags: 0x2800 }]],
    ["another method", [{ ...a, method: 12 }]],
    ["two of one name", [a, a]],
    ["two others of one name", [{ ...b, name: "x" }, { ...b, name: "x" }]],
    ["an empty name", [{ ...a, name: "" }]],
    ["an empty array name", [{ ...a, name: ".npy" }]],
    ["an absolute name", [{ ...a, name: "/a.npy" }]],
    ["an absolute name of Windows", [{ ...a, name: "\\a.npy" }]],
    ["a NUL in a name", [{ ...a, name: "a.npy\0.npy" }]],
    ["different names", [{ ...a, localName: "b.npy" }]],
    ["overlapping entries", [a, { ...a, name: "b.npy", offset: 0, localName: "b.npy" }]],
    ["an entry within another", [{ ...a, data: buildZip([b]), content: buildZip([b]) }, {
      ...b,
      offset: 35,
    }]],
    ["an offset at nothing", [{ ...a, offset: 3 }]],
    ["an offset after the entries", [{ ...a, offset: 2 ** 31 }]],
    ["data into the directory", [{ ...a, size: 200, compressedSize: 200 }]],
    ["another disk", [{ ...a, disk: 1 }]],
    ["another disk at the end", [a], { disk: 1 }],
    ["too many entries", [a], { count: 2 }],
    ["too few entries", [a, b], { count: 1 }],
    ["a directory elsewhere", [a], { offset: 0 }],
    ["a directory too long", [a], { size: 2 ** 31 }],
    ["a prefix", [{ ...a, offset: 0 }], { prefix: new Uint8Array(10), offset: 164 }],
    ["an extra field cut off", [{ ...a, extra: extra(1, 0, 9, 0, 0) }]],
    ["an extra field of 3 bytes", [{ ...a, extra: extra(1, 0, 0) }]],
    ["no zip64 sizes", [{ ...a, extra: extra(1, 0, 0, 0), size: 0xffffffff }]],
    ["a zip64 record elsewhere", [a], { zip64: { at: 3n } }],
    ["a zip64 record after its locator", [a], { zip64: { at: 2n ** 40n } }],
    ["a zip64 record on another disk", [a], { zip64: { disk: 1 } }],
    ["a zip64 directory elsewhere", [a], { zip64: { offset: 2n ** 52n } }],
    ["not a .npy file", [{ ...a, data: new Uint8Array(200) }]],
  ];
  for (const [name, parts, end] of bad) {
    assertThrows(() => decodeNpz(buildZip(parts, end)), FormatError, "at byte", name);
  }
});

test("decodeNpz() refuses archives beyond the limits, before unpacking anything", () => {
  const bomb = new Uint8Array(20_000_000);
  const huge = BigInt(2) ** 63n;
  const bad: [name: string, parts: ZipPart[], end?: ZipEnd][] = [
    ["a ratio that deflate has not", [{ ...packed(a), size: 2 ** 30 }]],
    ["a sum beyond maxBytes", [
      { ...a, size: 2 ** 31 - 1 },
      { ...b, size: 2 ** 31 - 1 },
    ]],
    ["a size of 2^63", [{ ...a, zip64: { ...wide, size: huge } }]],
    ["an offset of 2^64 - 1", [{ ...a, zip64: { ...wide, offset: 2n * huge - 1n } }]],
    ["2^64 - 1 entries", [a], { zip64: { count: 2n * huge - 1n } }],
    ["2^32 entries", [a], { zip64: { count: 2n ** 32n } }],
  ];
  for (const [name, parts, end] of bad) {
    assertThrows(() => decodeNpz(buildZip(parts, end)), LimitError, "at byte", name);
  }
  const archive = buildZip([{
    name: "a.npy",
    data: deflateSync(bomb),
    content: bomb.subarray(0, 1000),
    method: 8,
  }]);
  const start = performance.now();
  assertThrows(() => decodeNpz(archive), FormatError, "more than the 1000 bytes");
  assert(performance.now() - start < 5000);
  assertThrows(() => decodeNpz(encodeNpz([A, B]), { maxArrays: 1 }), LimitError, "maxArrays");
  assertThrows(() => decodeNpz(encodeNpz([A, B]), { maxBytes: 200 }), LimitError, "maxBytes");
});

test("encodeNpz() writes plain archives, always the same", () => {
  assertEquals(encodeNpz([A, B]), buildZip([a, b]));
  assertEquals(encodeNpz([A], { compress: true }), buildZip([packed(a)]));
});

test("encodeNpz() refuses names that MXNet or NumPy would take for something else", () => {
  const make = (...names: string[]) => names.map((name) => ({ ...A, name }));
  for (const name of ["", "/a", "\\a"]) {
    assertThrows(() => encodeNpz(make(name)), RangeError, "relative");
  }
  assertThrows(() => encodeNpz(make("a", "a")), RangeError, "two arrays");
  assertThrows(() => encodeNpz(make("x".repeat(65_532))), LimitError, "65531");
  const sparse = make("w/data", "w/shape", "w/indices", "w/format", "v");
  assertThrows(() => encodeNpz(sparse), RangeError, "sparse");
  assertThrows(() => encodeNpz([...sparse, ...make("w/indptr")]), RangeError, "sparse");
  assertEquals(decodeNpz(encodeNpz([...sparse, ...make("w/other")])).length, 6);
  assertThrows(() => encodeNpz([A], { compression: true } as never), TypeError, "compress");
});
