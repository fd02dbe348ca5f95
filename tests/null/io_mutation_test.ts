/**
 * Damaged files: thousands of mutations of each format. A reader may only give a typed error, or
 * consistent arrays that are no larger than the file can hold, and that soon.
 *
 * `VKNN_MUTATIONS=100000` makes more of them than a run of all tests does.
 */
import { assert, assertEquals, AssertionError } from "@std/assert";
import process from "node:process";
import {
  type ArrayFormat,
  decodeArrays,
  encodeArrays,
  type FileArray,
  fileArray,
  FormatError,
  LimitError,
} from "../../io.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";
import { assertSameArrays, assertSane, fixture } from "./io_support.ts";

const MUTATIONS = Number(process.env["VKNN_MUTATIONS"] ?? 2000);
const MAX_BYTES = 2 ** 26;
/** Values that lengths are set to. */
const LENGTHS = [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

const FORMATS: Record<ArrayFormat, string[]> = {
  "npy": ["mx2_f32.npy", "mx2_scalar.npy", "np_fortran2.npy", "np_bigendian.npy", "mx2_bf16.npy"],
  "npz": [
    "mx2_positional.npz",
    "np_compressed.npz",
    "zip64.npz",
    "zip_streamed.npz",
    "zip_mixed.npz",
  ],
  "ndarray-list": ["mx1_dict.nd", "mx1_sparse.nd", "hand_v0.nd", "hand_v1.nd", "mx1_dict_v3.nd"],
  "safetensors": ["py.safetensors", "py_empty.safetensors", "py_bf16.safetensors"],
};

/** Reads bytes that may be anything; true if there were arrays in them. */
function survives(bytes: Uint8Array, what: string, slowest: { milliseconds: number }): boolean {
  const before = bytes.slice();
  const start = performance.now();
  let arrays: FileArray[] | undefined;
  try {
    arrays = decodeArrays(bytes, { maxBytes: MAX_BYTES });
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof LimitError)) {
      throw new AssertionError(`${what}: ${error}`, { cause: error });
    }
    assert(error.message.includes("at byte"), `${what}: ${error.message}`);
  }
  slowest.milliseconds = Math.max(slowest.milliseconds, performance.now() - start);
  if (arrays !== undefined) assertSane(arrays, bytes.length * 1100, what);
  assertEquals(bytes, before, `${what}: the reader changed its input`);
  return arrays !== undefined;
}

function set(bytes: Uint8Array, at: number, value: bigint, width: number): Uint8Array {
  const changed = bytes.slice();
  for (let index = 0; index < width && at + index < changed.length; index++) {
    changed[at + index] = Number(value >> BigInt(8 * index) & 255n);
  }
  return changed;
}

/** One random change: bits, bytes, lengths, parts left out, doubled or exchanged. */
function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.integer(0, bytes.length - 1);
  switch (random.integer(0, 5)) {
    case 0:
      return bytes.with(at, bytes[at]! ^ 1 << random.integer(0, 7)) as Uint8Array;
    case 1:
      return bytes.with(at, random.bits() & 255) as Uint8Array;
    case 2:
      return set(bytes, at, random.pick(LENGTHS), random.pick([2, 4, 8]));
    case 3: {
      const end = Math.min(bytes.length, at + random.integer(1, 16));
      return new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(end)]);
    }
    case 4: {
      const part = bytes.subarray(at, at + random.integer(1, 64));
      return new Uint8Array([...bytes.subarray(0, at), ...part, ...bytes.subarray(at)]);
    }
    default: {
      const other = random.integer(0, bytes.length - 1);
      return set(bytes, other, BigInt(bytes[at]!), 1);
    }
  }
}

for (const [format, paths] of Object.entries(FORMATS)) {
  const files = paths.map((path) => ({ path, bytes: fixture(path) }));

  test(`${format}: ${MUTATIONS} mutations give typed errors or consistent arrays`, () => {
    const random = new Random(20261123);
    const slowest = { milliseconds: 0 };
    let read = 0;
    for (let index = 0; index < MUTATIONS; index++) {
      const { path, bytes } = random.pick(files);
      let changed = mutate(bytes, random);
      if (random.uniform() < 0.3 && changed.length > 0) changed = mutate(changed, random);
      if (survives(changed, `${path}, mutation ${index}`, slowest)) read++;
    }
    // Neither all refused nor all accepted: the mutations are of some use.
    assert(read > 0 && read < MUTATIONS, `${read} of ${MUTATIONS} were read`);
    assert(slowest.milliseconds < 5000, `the slowest took ${slowest.milliseconds} ms`);
  });

  test(`${format}: files cut off anywhere are refused`, () => {
    const slowest = { milliseconds: 0 };
    for (const { path, bytes } of files) {
      for (let length = 0; length < bytes.length; length++) {
        const what = `${path} cut to ${length} bytes`;
        assert(!survives(bytes.subarray(0, length), what, slowest), what);
      }
    }
  });

  test(`${format}: any word set to any extreme gives typed errors or consistent arrays`, () => {
    const slowest = { milliseconds: 0 };
    for (const { path, bytes } of files) {
      // Headers and, of archives, the directory: lengths are nowhere else.
      const places = Array.from({ length: bytes.length }, (_, at) => at)
        .filter((at) => at < 160 || at >= bytes.length - 100);
      for (const at of places) {
        for (const value of LENGTHS) {
          for (const width of [2, 4, 8]) {
            survives(set(bytes, at, value, width), `${path}: ${value} at byte ${at}`, slowest);
          }
        }
      }
    }
    assert(slowest.milliseconds < 5000, `the slowest took ${slowest.milliseconds} ms`);
  });
}

test("npz: no damage to a bit of an entry goes unnoticed", () => {
  const arrays = [fileArray("w", new Float32Array([1, 2, 3, 4]), [2, 2])];
  for (const compress of [false, true]) {
    const bytes = encodeArrays(arrays, "npz", { compress });
    const slowest = { milliseconds: 0 };
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.with(bit >> 3, bytes[bit >> 3]! ^ 1 << (bit & 7));
      if (!survives(changed, `bit ${bit}`, slowest)) continue;
      // Times, versions and the like do not matter.
      assertSameArrays(decodeArrays(changed), arrays, `bit ${bit}`);
    }
  }
});

test("damaged files leave no memory behind", () => {
  const random = new Random(7);
  const before = process.memoryUsage().rss;
  const slowest = { milliseconds: 0 };
  const files = Object.values(FORMATS).flat().map(fixture);
  for (let index = 0; index < 2000; index++) {
    survives(mutate(random.pick(files), random), "", slowest);
  }
  const grown = process.memoryUsage().rss - before;
  assert(grown < 512 * 2 ** 20, `memory grew by ${grown >> 20} MiB`);
});
