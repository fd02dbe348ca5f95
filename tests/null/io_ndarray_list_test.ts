/** MXNet's NDArray list: every version of its records, sparse arrays, and what is refused. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  decodeNDArrayList,
  decodeParameters,
  encodeNDArrayList,
  encodeParameters,
  fileArray,
  FormatError,
  LimitError,
} from "../../io.ts";
import { test } from "../support/test.ts";
import { assertSameArrays, oneOfEach } from "./io_support.ts";

/** The 81 bytes of the specification: "a" is [1, 2]. */
const VECTOR = new Uint8Array(
  `12 01 00 00 00 00 00 00  00 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00
   c9 fa 93 f9  00 00 00 00  01 00 00 00  02 00 00 00 00 00 00 00
   01 00 00 00 00 00 00 00  00 00 00 00  00 00 80 3f 00 00 00 40
   01 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00  61`.trim().split(/\s+/)
    .map((byte) => parseInt(byte, 16)),
);

const V1 = 0xf993fac8;
const V2 = 0xf993fac9;
const V3 = 0xf993faca;

/** Numbers as bytes: 32-bit ones, and 64-bit ones as bigints. */
function words(...values: (number | bigint)[]): number[] {
  return values.flatMap((value) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
    return [...new Uint8Array(view.buffer, 0, typeof value === "bigint" ? 8 : 4)];
  });
}

/** A list of records, without names if none are given. */
function list(records: number[][], names: string[] = [], count = records.length): Uint8Array {
  const text = names.flatMap((name) => {
    const bytes = new TextEncoder().encode(name);
    return [...words(BigInt(bytes.length)), ...bytes];
  });
  return new Uint8Array([
    ...words(0x112n, 0n, BigInt(count)),
    ...records.flat(),
    ...words(BigInt(names.length)),
    ...text,
  ]);
}

const CPU = [1, 0] as const;
const ONE = words(0x3f800000);

test("decodeNDArrayList() reads the vector of the specification, and writes it", () => {
  const expected = fileArray("a", new Float32Array([1, 2]));
  const { arrays, named } = decodeNDArrayList(VECTOR);
  assertSameArrays(arrays, [expected]);
  assert(named);
  assertEquals(encodeNDArrayList([expected]), VECTOR);
});

test("decodeNDArrayList() refuses every truncated prefix of the vector", () => {
  for (let length = 0; length < VECTOR.length; length++) {
    assertThrows(() => decodeNDArrayList(VECTOR.subarray(0, length)), FormatError, "at byte");
  }
  assertThrows(() => decodeNDArrayList(new Uint8Array([...VECTOR, 0])), FormatError, "after");
});

test("decodeNDArrayList() reads every version of a record, also mixed", () => {
  const data = [...ONE, ...ONE];
  const records = [
    [...words(2, 1, 2, ...CPU, 0), ...data],
    [...words(V1, 2, 1n, 2n, 2, 7, 0), ...data], // on a GPU
    [...words(V2, 0, 2, 1n, 2n, 3, 0, 0), ...data], // in pinned memory
    [...words(V3, 0, 2, 1n, 2n, 5, 0, 0), ...data], // in shared memory
  ];
  const expected = fileArray("", new Float32Array([1, 1]), [1, 2]);
  const { arrays, named } = decodeNDArrayList(list(records));
  assertSameArrays(arrays, [expected, expected, expected, expected]);
  assert(!named);
  const scalar = decodeNDArrayList(list([[...words(V3, 0, 0, ...CPU, 0), ...ONE]]));
  assertSameArrays(scalar.arrays, [fileArray("", new Float32Array([1]), [])]);
});

test("decodeNDArrayList() leaves out arrays without a shape", () => {
  const nones = [words(0), words(V1, 0), words(V2, 0, 0)];
  const array = [...words(V2, 0, 1, 1n, ...CPU, 0), ...ONE];
  const { arrays } = decodeNDArrayList(list([...nones, array], ["a", "b", "c", "d"]));
  assertSameArrays(arrays, [fileArray("d", new Float32Array([1]))]);
  assertThrows(() => decodeNDArrayList(list([words(0), array])), FormatError, "gap");
});

test("decodeNDArrayList() makes sparse arrays dense", () => {
  const rows = [
    ...words(V2, 1, 2, 2n, 2n, 2, 4n, 2n, ...CPU, 3, 6, 1, 2n),
    ...[1, 2, 3, 4],
    ...words(1n, 3n),
  ];
  const cells = [
    ...words(V2, 2, 1, 3n, 2, 2n, 3n, ...CPU, 3, 6, 1, 3n, 6, 1, 3n),
    ...[7, 8, 9],
    ...words(0n, 2n, 3n, 2n, 0n, 1n),
  ];
  assertSameArrays(decodeNDArrayList(list([rows, cells])).arrays, [
    fileArray("", new Uint8Array([0, 0, 1, 2, 0, 0, 3, 4]), [4, 2]),
    fileArray("", new Uint8Array([8, 0, 7, 0, 9, 0]), [2, 3]),
  ]);
});

test("decodeNDArrayList() refuses sparse arrays whose parts do not fit", () => {
  const rows = (shape: bigint[], stored: bigint[], indices: bigint[], values: number[]) => [
    ...words(V2, 1, stored.length, ...stored, shape.length, ...shape, ...CPU, 3),
    ...words(6, 1, BigInt(indices.length)),
    ...values,
    ...words(...indices),
  ];
  const cells = (
    shape: bigint[],
    stored: bigint[],
    starts: bigint[],
    columns: bigint[],
    values: number[],
  ) => [
    ...words(V2, 2, stored.length, ...stored, shape.length, ...shape, ...CPU, 3),
    ...words(6, 1, BigInt(starts.length), 6, 1, BigInt(columns.length)),
    ...values,
    ...words(...starts, ...columns),
  ];
  const bad: [string, number[]][] = [
    ["row too high", rows([2n, 1n], [1n, 1n], [2n], [1])],
    ["row negative", rows([2n, 1n], [1n, 1n], [-1n], [1])],
    ["rows falling", rows([2n, 1n], [2n, 1n], [1n, 0n], [1, 2])],
    ["row twice", rows([2n, 1n], [2n, 1n], [1n, 1n], [1, 2])],
    ["fewer rows than indices", rows([2n, 1n], [1n, 1n], [0n, 1n], [1])],
    ["other row size", rows([2n, 2n], [1n, 1n], [0n], [1])],
    ["other rank", rows([2n], [1n, 1n], [0n], [1])],
    ["csr of rank 1", cells([2n], [1n], [0n, 1n], [0n], [1])],
    ["column too high", cells([1n, 2n], [1n], [0n, 1n], [2n], [1])],
    ["column twice", cells([1n, 2n], [2n], [0n, 2n], [1n, 1n], [1, 2])],
    ["too few starts", cells([2n, 2n], [1n], [0n, 1n], [0n], [1])],
    ["starts falling", cells([2n, 2n], [1n], [0n, 2n, 1n], [0n], [1])],
    ["starts not from 0", cells([1n, 2n], [1n], [1n, 1n], [0n], [1])],
    ["starts not to the end", cells([1n, 2n], [1n], [0n, 0n], [0n], [1])],
    ["indices of another dtype", words(V2, 1, 1, 1n, 1, 1n, ...CPU, 3, 4, 1, 1n)],
  ];
  for (const [name, record] of bad) {
    assertThrows(() => decodeNDArrayList(list([record])), FormatError, "at byte", name);
  }
  const large = rows([2n ** 28n, 1n], [1n, 1n], [0n], [1]);
  assertThrows(() => decodeNDArrayList(list([large])), LimitError, "1100 times");
  const beyond = rows([2n ** 53n, 0n, 2n ** 53n], [0n, 0n, 2n ** 53n], [], []);
  assertThrows(() => decodeNDArrayList(list([beyond])), LimitError);
});

test("decodeNDArrayList() refuses malformed records and names", () => {
  const good = [...words(V2, 0, 1, 1n, ...CPU, 0), ...ONE];
  const bad: [string, Uint8Array][] = [
    ["signature", VECTOR.map((byte, index) => index === 0 ? 0x13 : byte)],
    ["signature beyond 32 bits", VECTOR.map((byte, index) => index === 7 ? 1 : byte)],
    ["unknown version", list([[...words(0xf993facb, 0, 0), ...good]])],
    ["rank 33 of the oldest version", list([words(33)])],
    ["negative rank", list([words(V2, 0, -1)])],
    ["no shape in the newest version", list([words(V3, 0, -1)])],
    ["sparse in the newest version", list([words(V3, 1, 0, 0)])],
    ["storage type 3", list([words(V2, 3, 0)])],
    ["storage type -1", list([words(V2, -1, 0)])],
    ["negative size", list([words(V2, 0, 1, -1n)])],
    ["dtype 13", list([[...words(V2, 0, 1, 1n, ...CPU, 13), ...ONE]])],
    ["dtype -1", list([[...words(V2, 0, 1, 1n, ...CPU, -1), ...ONE]])],
    ["more arrays than there are", list([good], [], 2)],
    ["more names than arrays", list([good], ["a", "b"])],
    ["fewer names than arrays", list([good, good], ["a"])],
    ["NUL in a name", list([good], ["a\0"])],
    ["name that is no UTF-8", VECTOR.map((byte, index) => index === 80 ? 0xff : byte)],
  ];
  for (const [name, bytes] of bad) {
    assertThrows(() => decodeNDArrayList(bytes), FormatError, "at byte", name);
  }
  const large: [string, Uint8Array][] = [
    ["33 axes", list([words(V2, 0, 33)])],
    ["2^31 - 1 axes", list([words(V2, 0, 2 ** 31 - 1)])],
    ["a size of 2^62", list([words(V2, 0, 1, 2n ** 62n, ...CPU, 0)])],
    ["2 GiB", list([words(V2, 0, 1, 2n ** 29n + 1n, ...CPU, 0)])],
    ["2^64 - 1 arrays", new Uint8Array(words(0x112n, 0n, -1n))],
    ["2^32 arrays", new Uint8Array(words(0x112n, 0n, 2n ** 32n))],
    ["a name of 4097 bytes", list([good], ["x".repeat(4097)])],
  ];
  for (const [name, bytes] of large) {
    assertThrows(() => decodeNDArrayList(bytes), LimitError, "at byte", name);
  }
});

test("encodeNDArrayList() chooses the oldest version that holds the arrays", () => {
  const arrays = oneOfEach();
  const versions = { [V2]: "v2", [V3]: "v3" } as Record<number, string>;
  const version = (bytes: Uint8Array<ArrayBuffer>) =>
    versions[new DataView(bytes.buffer).getUint32(24, true)];
  assertSameArrays(decodeNDArrayList(encodeNDArrayList(arrays)).arrays, arrays);
  assertEquals(version(encodeNDArrayList(arrays)), "v2");
  const scalar = fileArray("s", new Float32Array([1]), []);
  const empty = fileArray("e", new Float32Array(), [2, 0]);
  for (const modern of [scalar, empty]) {
    const bytes = encodeNDArrayList([...arrays, modern]);
    assertEquals(version(bytes), "v3");
    assertSameArrays(decodeNDArrayList(bytes).arrays, [...arrays, modern]);
    assertThrows(() => encodeNDArrayList([modern], { version: "v2" }), RangeError, `"v3"`);
  }
  assertThrows(() => encodeNDArrayList([{ ...scalar, name: "é".repeat(2049) }]), LimitError);
});

test("a list without names is no set of parameters", () => {
  const { arrays } = decodeNDArrayList(VECTOR);
  const bare = encodeNDArrayList(arrays, { named: false });
  assertThrows(() => decodeParameters(bare), FormatError, "without names");
  const twice = encodeNDArrayList([...arrays, ...arrays]);
  assertEquals(decodeNDArrayList(twice).arrays.length, 2);
  assertThrows(() => decodeParameters(twice), FormatError, `named "a"`);
  assertEquals(decodeParameters(encodeNDArrayList([])).size, 0);
  const unnamed = encodeParameters(new Map([["", arrays[0]!]]), "ndarray-list");
  assertEquals([...decodeParameters(unnamed).keys()], [""]);
});
