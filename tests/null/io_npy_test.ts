/** The .npy format: headers of every kind, and what is refused. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  decodeNpy,
  encodeNpy,
  type FileArray,
  fileArray,
  FormatError,
  LimitError,
  ShapeError,
} from "../../io.ts";
import { npyHeader } from "../../src/io/npy.ts";
import { test } from "../support/test.ts";
import { assertSameArrays, oneOfEach } from "./io_support.ts";

/** A .npy file with any header text. */
function npy(header: string, data: Uint8Array | number[] = [], version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version === 1
    ? [text.length & 255, text.length >> 8]
    : [text.length & 255, text.length >> 8 & 255, text.length >> 16 & 255, text.length >>> 24];
  return new Uint8Array([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    version,
    0,
    ...length,
    ...text,
    ...data,
  ]);
}

function header(descr: string, shape: string, fortran = "False"): string {
  return `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;
}

test("decodeNpy() reads what encodeNpy() writes, of every dtype", () => {
  for (const array of oneOfEach()) {
    assertSameArrays([decodeNpy(encodeNpy(array))], [{ ...array, name: "" }]);
  }
});

test("decodeNpy() reads scalars, arrays without elements, and many axes", () => {
  for (const shape of [[], [0], [2, 0, 3], Array<number>(32).fill(1)]) {
    const count = shape.includes(0) ? 0 : 1;
    const array = fileArray("", new Float64Array(count).fill(1.5), shape);
    assertSameArrays([decodeNpy(encodeNpy(array))], [array]);
  }
});

test("decodeNpy() reads headers however Python could spell them", () => {
  const spellings = [
    `{"descr":"<i2","fortran_order":False,"shape":(2,)}`,
    `{'shape': (2,), 'fortran_order': False, 'descr': '=i2', }`,
    `  { 'shape' : ( 2L , ) , 'fortran_order' : False , 'descr' : 'i2' }   \n`,
  ];
  for (const text of spellings) {
    for (const version of [1, 2, 3]) {
      const array = decodeNpy(npy(text, [1, 0, 255, 255], version));
      assertSameArrays([array], [fileArray("", new Int16Array([1, -1]))], text);
    }
  }
});

test("decodeNpy() swaps bytes and transposes, with NaN payloads kept", () => {
  // 2 by 3 in column-major order, big-endian: 0 2 4 1 3 5 by rows.
  const data = [0, 1, 2, 3, 4, 5].flatMap((value) => [0, value]);
  const found = decodeNpy(npy(header("'>u2'", "(2, 3)", "True"), data));
  assertSameArrays([found], [fileArray("", new Uint16Array([0, 2, 4, 1, 3, 5]), [2, 3])]);
  const nan = [1, 0, 0xa0, 0x7f, 2, 0, 0xa0, 0xff];
  const kept = decodeNpy(npy(header("'<f4'", "(1, 2)", "True"), nan));
  assertEquals([...new Uint8Array(kept.data.buffer)], nan);
  const three = Float64Array.from({ length: 24 }, (_, index) => index);
  const turned = decodeNpy(npy(header("'<f8'", "(2, 3, 4)", "True"), new Uint8Array(three.buffer)));
  for (let i = 0, at = 0; i < 2; i++) {
    for (let j = 0; j < 3; j++) {
      for (let k = 0; k < 4; k++) assertEquals(turned.data[at++], i + 2 * j + 6 * k);
    }
  }
});

test("decodeNpy() reads bytes that lie at odd offsets", () => {
  const array = fileArray("", new Float64Array([1, 2]));
  const bytes = encodeNpy(array);
  const shifted = new Uint8Array(bytes.length + 3).subarray(3);
  shifted.set(bytes);
  assertSameArrays([decodeNpy(shifted)], [array]);
});

test("decodeNpy() refuses what is no .npy file of numbers", () => {
  const good = header("'<f4'", "(1,)");
  const bad: [name: string, bytes: Uint8Array][] = [
    ["empty", new Uint8Array()],
    [
      "signature",
      Uint8Array.from(npy(good, [0, 0, 0, 0]), (byte, index) => index === 0 ? 0x92 : byte),
    ],
    ["version 0", npy(good, [0, 0, 0, 0], 0)],
    ["version 4", npy(good, [0, 0, 0, 0], 4)],
    ["too little data", npy(good, [0, 0, 0])],
    ["too much data", npy(good, [0, 0, 0, 0, 0])],
    ["header cut off", npy(good).subarray(0, 20)],
    ["no dictionary", npy("(1,)\n")],
    ["nothing", npy("")],
    ["a key missing", npy("{'descr': '<f4', 'shape': (1,)}", [0, 0, 0, 0])],
    ["a key too many", npy(good.replace("}", "'x': 1}"), [0, 0, 0, 0])],
    ["a key twice", npy(good.replace("}", "'shape': (1,)}"), [0, 0, 0, 0])],
    ["a key that is a number", npy(good.replace("'shape'", "1"), [0, 0, 0, 0])],
    ["text after it", npy(good + "x", [0, 0, 0, 0])],
    ["a call", npy(header("__import__('os')", "(1,)"), [0, 0, 0, 0])],
    ["an escape", npy(header("'\\x3cf4'", "(1,)"), [0, 0, 0, 0])],
    ["objects", npy(header("'|O'", "(1,)"), [0, 0, 0, 0])],
    ["text", npy(header("'<U1'", "(1,)"), [0, 0, 0, 0])],
    ["complex numbers", npy(header("'<c8'", "()"), [0, 0, 0, 0, 0, 0, 0, 0])],
    ["a record", npy(header("[('a', '<u2')]", "(2,)"), [0, 0, 0, 0])],
    [
      "a record of two fields",
      npy(header("[('bfloat16', '<u2'), ('b', '<u2')]", "(1,)"), [0, 0, 0, 0]),
    ],
    ["no byte order", npy(header("'|f4'", "(1,)"), [0, 0, 0, 0])],
    ["an unknown size", npy(header("'<f3'", "(1,)"), [0, 0, 0])],
    ["a list as shape", npy(header("'<f4'", "[1]"), [0, 0, 0, 0])],
    ["a number as shape", npy(header("'<f4'", "(1)"), [0, 0, 0, 0])],
    ["a negative size", npy(header("'<f4'", "(-1,)"), [0, 0, 0, 0])],
    ["text as size", npy(header("'<f4'", "('1',)"), [0, 0, 0, 0])],
    ["a float as size", npy(header("'<f4'", "(1.0,)"), [0, 0, 0, 0])],
    ["a size of 30 digits", npy(header("'<f4'", `(${"9".repeat(30)},)`), [0, 0, 0, 0])],
    ["a number as order", npy(header("'<f4'", "(1,)", "0"), [0, 0, 0, 0])],
    ["no comma", npy(header("'<f4'", "(1 1)"), [0, 0, 0, 0])],
    ["two commas", npy(header("'<f4'", "(1,,)"), [0, 0, 0, 0])],
    ["a bracket open", npy("{'descr': '<f4', 'shape': (1,")],
    ["deep nesting", npy("[".repeat(60_000))],
    [
      "no UTF-8",
      Uint8Array.from(npy(good, [0, 0, 0, 0], 3), (byte, at) => at === 14 ? 0xff : byte),
    ],
  ];
  for (const [name, bytes] of bad) {
    assertThrows(() => decodeNpy(bytes), FormatError, "at byte", name);
  }
});

test("decodeNpy() refuses more than the limits allow, before taking memory", () => {
  const sizes: [string, string][] = [
    ["a huge axis", "(9007199254740991,)"],
    ["more than 2^53", "(9007199254740992,)"],
    ["2^64 - 1", "(18446744073709551615,)"],
    ["a huge product", `(${"1000000, ".repeat(30)})`],
    ["2 GiB", "(536870913,)"],
    ["33 axes", `(${"1, ".repeat(33)})`],
  ];
  for (const [name, shape] of sizes) {
    assertThrows(() => decodeNpy(npy(header("'<f4'", shape))), LimitError, "at byte", name);
  }
  // Zero elements, but no way to count them.
  assertThrows(() => decodeNpy(npy(header("'<f4'", "(0, 18446744073709551615)"))), LimitError);
  assertThrows(() => decodeNpy(npy("x".repeat(65_537), [], 2)), LimitError, "65536");
  const small = encodeNpy(fileArray("", new Float32Array(8)));
  assertThrows(() => decodeNpy(small, { maxBytes: 31 }), LimitError, "at most 31");
  assertThrows(() => decodeNpy(small, { maxArrays: 0 }), LimitError);
  assert(decodeNpy(small, { maxBytes: 32 }).data.length === 8);
});

test("headers stay below the 128 bytes that MXNet can read, where the shape allows", () => {
  const length = (shape: number[]) => npyHeader(shape, "float32").length - 10;
  assertEquals(length([]), 118);
  assertEquals(length([2048, 2048, 11, 11, 11]), 118);
  // MXNet reads headers without padding, too.
  const long = Array<number>(22).fill(1);
  assertEquals(length(long), 120);
  assertEquals(length(Array<number>(32).fill(1)), 182);
  assertEquals(npyHeader([3, 5], "bfloat16").length, 128);
  for (let rank = 0; rank <= 32; rank++) {
    const text = new TextDecoder().decode(
      npyHeader(Array<number>(rank).fill(1), "int8").subarray(10),
    );
    assert(/^\{'descr': '\|i1', 'fortran_order': False, 'shape': \([1, ]*\), \} *\n$/.test(text));
  }
});

test("writers and readers refuse what is not an array or not bytes", () => {
  const data = new Float32Array(4);
  const typed: unknown[] = [
    undefined,
    [1],
    { name: "x" },
    { name: "x", shape: [4], dtype: "float64", data },
    { name: "x", shape: [4], dtype: "float32", data: [1, 2, 3, 4] },
    { name: "x", shape: "4", dtype: "float32", data },
  ];
  for (const value of typed) assertThrows(() => encodeNpy(value as FileArray), TypeError);
  const complex = { name: "x", shape: [4], dtype: "complex64", data };
  assertThrows(() => encodeNpy(complex as unknown as FileArray), RangeError, "one of");
  for (const shape of [[5], [-4], [2, 3], [0.5]]) {
    assertThrows(() => encodeNpy({ shape, dtype: "float32", data }), ShapeError);
  }
  assertThrows(() => fileArray("x", [1] as unknown as Float32Array), TypeError);
  assertThrows(() => fileArray("x", new DataView(new ArrayBuffer(4)) as never), TypeError);
  assertThrows(() => fileArray("\ud800", data), RangeError, "surrogate");
  assertThrows(() => fileArray("a\0b", data), RangeError, "NUL");
  assertThrows(() => decodeNpy("x" as unknown as Uint8Array), TypeError, "Uint8Array");
  assertThrows(() => decodeNpy(encodeNpy(fileArray("", data)), { maxByte: 1 } as never), TypeError);
  assertThrows(() => decodeNpy(new Uint8Array(9), { maxBytes: -1 }), RangeError);
  const shared = new Uint8Array(new SharedArrayBuffer(16));
  assertThrows(() => decodeNpy(shared), TypeError, "SharedArrayBuffer");
});
