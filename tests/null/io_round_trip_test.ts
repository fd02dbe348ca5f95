/** What is written is read again, bit by bit: any names, shapes and values, in every format. */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  ARRAY_FORMATS,
  decodeArrays,
  decodeNDArrayList,
  decodeParameters,
  decodeSafetensors,
  encodeArrays,
  encodeNDArrayList,
  encodeParameters,
  encodeSafetensors,
  type FileArray,
} from "../../io.ts";
import { test } from "../support/test.ts";
import { anyArray, anyArrays, anyName, assertSameArrays, isZipName } from "./io_support.ts";

const RUNS = { numRuns: 500, seed: 20261123 };

function byName(arrays: readonly FileArray[]): FileArray[] {
  return arrays.toSorted((a, b) => a.name < b.name ? -1 : 1);
}

test("npy: every array survives a round trip", () => {
  fc.assert(
    fc.property(anyArray, (array) => {
      const [found] = decodeArrays(encodeArrays([array], "npy"));
      assertSameArrays([found!], [{ ...array, name: "" }]);
    }),
    RUNS,
  );
});

test("npz: every list of arrays survives a round trip, stored and compressed", () => {
  fc.assert(
    fc.property(anyArrays, fc.boolean(), (arrays, compress) => {
      if (!arrays.every(({ name }) => isZipName(name))) {
        assertThrows(() => encodeArrays(arrays, "npz"), RangeError, "relative");
        return;
      }
      assertSameArrays(decodeArrays(encodeArrays(arrays, "npz", { compress })), arrays);
    }),
    RUNS,
  );
});

test("ndarray-list: every list of arrays survives a round trip, with and without names", () => {
  fc.assert(
    fc.property(fc.array(anyArray, { maxLength: 6 }), (arrays) => {
      assertSameArrays(decodeArrays(encodeArrays(arrays, "ndarray-list")), arrays);
      const bare = decodeNDArrayList(encodeNDArrayList(arrays, { named: false }));
      assertSameArrays(bare.arrays, arrays.map((array) => ({ ...array, name: "" })));
    }),
    RUNS,
  );
});

test("safetensors: every list of arrays survives a round trip, with metadata", () => {
  const metadata = fc.uniqueArray(fc.tuple(anyName, anyName), { selector: ([key]) => key });
  fc.assert(
    fc.property(anyArrays, metadata, (arrays, pairs) => {
      const bytes = encodeSafetensors(arrays, { metadata: new Map(pairs) });
      const found = decodeSafetensors(bytes);
      assertSameArrays(byName(found.arrays), byName(arrays));
      assertEquals([...found.metadata], pairs);
      assertEquals(encodeSafetensors(found.arrays, { metadata: found.metadata }), bytes);
    }),
    RUNS,
  );
});

test("parameters: every map survives a round trip in every format with names", () => {
  const formats = fc.constantFrom(...ARRAY_FORMATS.filter((format) => format !== "npy"));
  fc.assert(
    fc.property(anyArrays, formats, (arrays, format) => {
      const usable = format === "npz" ? arrays.filter(({ name }) => isZipName(name)) : arrays;
      const map = new Map(usable.map((array) => [array.name, array]));
      const found = decodeParameters(encodeParameters(map, format));
      assertEquals([...found.keys()].sort(), [...map.keys()].sort());
      assertSameArrays(byName([...found.values()]), byName(usable));
    }),
    RUNS,
  );
});
