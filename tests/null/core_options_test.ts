import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  boolean,
  checkEnum,
  checkInteger,
  checkNumber,
  checkTuple,
  integer,
  integerList,
  nearest,
  number,
  oneOf,
  optional,
  readOptions,
  tuple,
} from "../../src/core/options.ts";
import { test } from "../support/test.ts";

const WHERE = "construct Conv2D";
const rules = {
  kernelSize: tuple(2, { minimum: 1 }),
  strides: tuple(2, { minimum: 1 }, 1),
  padding: tuple(2, { minimum: 0 }, 0),
  groups: integer({ minimum: 1 }, 1),
  scale: number({ minimum: 0, maximum: 1 }, 0.5),
  layout: oneOf(["NCHW", "NHWC"], "NCHW"),
  activation: optional(oneOf(["relu", "tanh"])),
  useBias: boolean(true),
};

test("readOptions() fills in defaults and repeats numbers over axes", () => {
  assertEquals(readOptions(WHERE, { kernelSize: 3, padding: [1, 2] }, rules), {
    kernelSize: [3, 3],
    strides: [1, 1],
    padding: [1, 2],
    groups: 1,
    scale: 0.5,
    layout: "NCHW",
    activation: undefined,
    useBias: true,
  });
});

test("readOptions() names the nearest key for a misspelled one", () => {
  const read = (options: unknown) => () => readOptions(WHERE, options, rules);
  assertThrows(
    read({ kernal_size: 3 }),
    TypeError,
    'Cannot construct Conv2D: unknown option "kernal_size", expected kernelSize, strides, ',
  );
  assertThrows(read({ kernal_size: 3 }), TypeError, 'did you mean "kernelSize"?');
  assertThrows(read({ stride: 3 }), TypeError, 'did you mean "strides"?');
  assertThrows(read({ use_bias: 3 }), TypeError, 'did you mean "useBias"?');
  assertThrows(read({ zzzzzzzzzzzzzzz: 3 }), TypeError, 'unknown option "zzzzzzzzzzzzzzz"');
});

test("readOptions() refuses what is no plain object", () => {
  class Bag {}
  for (const value of [null, 3, "x", [], () => {}, new Map(), new Bag(), new Float32Array(1)]) {
    assertThrows(() => readOptions(WHERE, value, rules), TypeError, "options is");
  }
  assertEquals(readOptions("x", Object.create(null), { a: integer({}, 7) }), { a: 7 });
  assertEquals(readOptions("x", undefined, { a: integer({}, 7) }), { a: 7 });
});

test("rules tell wrong types from wrong values, and say what is allowed", () => {
  const read = (options: object) => () => readOptions(WHERE, { kernelSize: 1, ...options }, rules);
  assertThrows(read({ strides: 0 }), RangeError, "strides is 0, expected an integer of at least 1");
  assertThrows(read({ strides: [1, 0] }), RangeError, "strides[1] is 0");
  assertThrows(read({ strides: [1] }), RangeError, "strides is [1] with 1 integer, expected");
  assertThrows(read({ strides: [1, 2, 3, 4] }), RangeError, "an array of 2 integers");
  assertThrows(read({ strides: "3" }), TypeError, 'strides is "3"');
  assertThrows(read({ strides: null }), TypeError, "strides is null");
  assertThrows(read({ strides: [1, null] }), TypeError, "strides[1] is null");
  assertThrows(read({ strides: [1, , 3].slice(0, 2) }), TypeError, "strides[1] is undefined");
  assertThrows(read({ groups: 1.5 }), RangeError, "groups is 1.5");
  assertThrows(read({ groups: 2 ** 31 }), RangeError, "at most 2147483647");
  assertThrows(read({ groups: 1n }), TypeError, "groups is 1n");
  assertThrows(read({ scale: 2 }), RangeError, "a finite number of at least 0, at most 1");
  assertThrows(read({ scale: NaN }), RangeError, "scale is NaN");
  assertThrows(read({ layout: "nhwc" }), RangeError, 'layout is "nhwc", expected one of "NHWC", ');
  assertThrows(read({ layout: 5 }), TypeError, "layout is 5");
  assertThrows(read({ useBias: 1 }), TypeError, "expected true or false");
  assertEquals(readOptions("x", { activation: null }, { activation: rules.activation }), {
    activation: undefined,
  });
});

test("a required option that is missing is a TypeError with its name", () => {
  assertThrows(() => readOptions(WHERE, {}, rules), TypeError, "kernelSize is undefined");
});

test("checkInteger() accepts exactly the integers within bounds", () => {
  fc.assert(
    fc.property(fc.anything(), fc.integer(), fc.integer(), (value, a, b) => {
      const bounds = { minimum: Math.min(a, b), maximum: Math.max(a, b) };
      const good = Number.isInteger(value) && (value as number) >= bounds.minimum &&
        (value as number) <= bounds.maximum;
      if (good) assertEquals(checkInteger("x", "n", value, bounds), (value as number) + 0);
      else if (typeof value === "number") {
        assertThrows(() => checkInteger("x", "n", value, bounds), RangeError);
      } else assertThrows(() => checkInteger("x", "n", value, bounds), TypeError);
    }),
    { numRuns: 1000 },
  );
  assertEquals(Object.is(checkInteger("x", "n", -0), 0), true);
});

test("hostile values end in TypeError or RangeError only", () => {
  const hostile = fc.oneof(
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
    fc.constantFrom(0, -1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 53, "3", null, [], [1], [1, 2, 3, 4]),
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(rules)), hostile, (key, value) => {
      try {
        readOptions(WHERE, { kernelSize: 1, [key]: value }, rules);
      } catch (error) {
        const typed = error instanceof TypeError || error instanceof RangeError;
        assertEquals(typed && error.message.startsWith(`Cannot ${WHERE}: ${key}`), true);
      }
    }),
    { numRuns: 3000 },
  );
});

test("checkTuple(), integerList(), checkNumber() and checkEnum() return what they checked", () => {
  const given = [1, 2];
  const read = checkTuple("x", "n", given, 2);
  given[0] = 9;
  assertEquals(read, [1, 2]);
  assertEquals(integerList()("x", "n", [3, -1]), [3, -1]);
  assertThrows(() => integerList()("x", "n", new Array(65).fill(0)), RangeError, "65 entries");
  assertThrows(() => integerList()("x", "n", 3), TypeError);
  assertEquals(checkNumber("x", "n", -1.5), -1.5);
  assertEquals(checkEnum("x", "n", "a", ["a"]), "a");
});

test("nearest() finds other spellings and gives up on strangers", () => {
  assertEquals(nearest("num_group", ["groups", "numGroup"]), "numGroup");
  assertEquals(nearest("Kernel-Size", ["strides", "kernelSize"]), "kernelSize");
  assertEquals(nearest("completely", ["a", "b"]), undefined);
  assertEquals(nearest("x", []), undefined);
});
