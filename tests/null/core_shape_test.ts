import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LimitError, ShapeError } from "../../src/core/errors.ts";
import {
  broadcastShapes,
  broadcastStrides,
  checkShape,
  contiguousStrides,
  describe,
  elementCount,
  formatShape,
  MAX_ELEMENTS,
  normalizeAxis,
  normalizePermutation,
  resolveReshape,
} from "../../src/core/shape.ts";
import { test } from "../support/test.ts";

const runs = { numRuns: 1000 };
const sizes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 6 });

test("formatShape() writes Python tuples", () => {
  assertEquals(formatShape([]), "()");
  assertEquals(formatShape([3]), "(3,)");
  assertEquals(formatShape([1, 3, 8, 8]), "(1, 3, 8, 8)");
});

test("elementCount() is the exact product, or a LimitError, up to 2^1000", () => {
  const anySize = fc.oneof(
    fc.integer({ min: 0, max: 9 }),
    fc.integer({ min: 0, max: MAX_ELEMENTS }),
    fc.constantFrom(2 ** 15, 2 ** 16, 2 ** 31, 2 ** 53),
  );
  fc.assert(
    fc.property(fc.array(anySize, { maxLength: 32 }), (shape) => {
      const exact = shape.reduce((product, size) => product * BigInt(size), 1n);
      if (exact > BigInt(MAX_ELEMENTS)) {
        assertThrows(() => elementCount(shape), LimitError, formatShape(shape));
      } else assertEquals(BigInt(elementCount(shape)), exact);
    }),
    runs,
  );
});

test("elementCount() allows 2^31 - 1 elements and no more", () => {
  assertEquals(elementCount([MAX_ELEMENTS]), MAX_ELEMENTS);
  assertThrows(() => elementCount([2 ** 16, 2 ** 15]), LimitError, "2147483648 elements");
  assertEquals(elementCount([2 ** 40, 0]), 0);
});

test("checkShape() names the axis, the value and what is allowed", () => {
  assertEquals(checkShape("x", [2, 0, 3]), [2, 0, 3]);
  assertThrows(() => checkShape("x", [2, -1]), ShapeError, "Cannot x: shape[1] is -1");
  assertThrows(() => checkShape("x", [1.5]), ShapeError, "shape[0] is 1.5");
  assertThrows(() => checkShape("x", [NaN]), ShapeError, "shape[0] is NaN");
  assertThrows(() => checkShape("x", ["3"]), TypeError, 'shape[0] is "3"');
  assertThrows(() => checkShape("x", [, 3]), TypeError, "shape[0] is undefined");
  assertThrows(() => checkShape("x", 3), TypeError, "shape is 3, expected an array");
  assertThrows(() => checkShape("x", null), TypeError, "shape is null");
  assertThrows(() => checkShape("x", [2 ** 31]), LimitError, "2147483648");
  assertThrows(() => checkShape("x", [2 ** 53, 0]), LimitError);
  assertThrows(() => checkShape("x", new Array(33).fill(1)), ShapeError, "33 axes");
});

test("broadcastShapes() agrees with the definition, in both orders", () => {
  fc.assert(
    fc.property(sizes, sizes, (a, b) => {
      const rank = Math.max(a.length, b.length);
      const at = (shape: number[], axis: number) => shape[shape.length - rank + axis] ?? 1;
      const expected: number[] = [];
      let fits = true;
      for (let axis = 0; axis < rank; axis++) {
        const [x, y] = [at(a, axis), at(b, axis)];
        fits &&= x === y || x === 1 || y === 1;
        expected.push(x === 1 ? y : x);
      }
      if (!fits) {
        assertThrows(() => broadcastShapes("apply add", a, b), ShapeError, formatShape(a));
        return;
      }
      assertEquals(broadcastShapes("apply add", a, b), expected);
      assertEquals(broadcastShapes("apply add", b, a), expected);
    }),
    runs,
  );
});

test("broadcastShapes() names both shapes and the axis, and refuses giant results", () => {
  assertThrows(
    () => broadcastShapes("apply add", [2, 3], [4]),
    ShapeError,
    "Cannot apply add: shapes (2, 3) and (4,) do not broadcast: axis -1 is 3 and 4",
  );
  assertThrows(() => broadcastShapes("apply add", [2 ** 20, 1], [1, 2 ** 20]), LimitError);
});

test("strides visit every element once; broadcast axes stand still", () => {
  fc.assert(
    fc.property(sizes.filter((shape) => !shape.includes(0)), (shape) => {
      const strides = contiguousStrides(shape);
      const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 0);
      assertEquals(last, elementCount(shape) - 1);
      const target = [7, ...shape.map((size) => size === 1 ? 4 : size)];
      const broadcast = broadcastStrides(shape, target);
      assertEquals(broadcast[0], 0);
      shape.forEach((size, axis) =>
        assertEquals(broadcast[axis + 1], size === 1 ? 0 : strides[axis])
      );
    }),
    runs,
  );
});

test("normalizeAxis() counts from the end and refuses the rest", () => {
  for (let axis = -3; axis < 3; axis++) {
    assertEquals(normalizeAxis("x", axis, 3), (axis + 3) % 3);
  }
  assertThrows(
    () => normalizeAxis("x", 3, 3),
    ShapeError,
    "axis is 3, expected an integer from -3",
  );
  assertThrows(() => normalizeAxis("x", 0, 0), ShapeError, "a scalar has no axes");
  assertThrows(() => normalizeAxis("x", 0.5, 3), ShapeError);
  assertThrows(() => normalizeAxis("x", "0", 3), TypeError);
});

test("normalizePermutation() accepts permutations only", () => {
  assertEquals(normalizePermutation("x", undefined, 3), [2, 1, 0]);
  assertEquals(normalizePermutation("x", [0, -1, 1], 3), [0, 2, 1]);
  assertThrows(() => normalizePermutation("x", [0, 0, 1], 3), ShapeError, "twice");
  assertThrows(() => normalizePermutation("x", [0, 1], 3), ShapeError, "2 entries, expected 3");
  assertThrows(() => normalizePermutation("x", 3, 3), TypeError);
});

test("resolveReshape() keeps the number of elements, with one size inferred", () => {
  fc.assert(
    fc.property(sizes, fc.nat(5), (shape, hole) => {
      const count = elementCount(shape);
      assertEquals(resolveReshape("x", shape, shape), shape);
      assertEquals(resolveReshape("x", shape, [-1]), [count]);
      if (hole >= shape.length) return;
      const rest = shape.reduce(
        (product, size, axis) => axis === hole ? product : product * size,
        1,
      );
      const wanted = shape.map((size, axis) => axis === hole ? -1 : size);
      if (rest > 0) assertEquals(resolveReshape("x", shape, wanted), shape);
      else assertThrows(() => resolveReshape("x", shape, wanted), ShapeError);
    }),
    runs,
  );
  assertThrows(() => resolveReshape("x", [6], [4]), ShapeError, "(6,) has 6 elements, (4,) has 4");
  assertThrows(() => resolveReshape("x", [6], [-1, -1]), ShapeError, "more than one -1");
  assertThrows(() => resolveReshape("x", [6], [-1, 4]), ShapeError, "a multiple of 4");
  assertThrows(() => resolveReshape("x", [6], [-2, -3]), ShapeError, "shape[0] is -2");
});

test("describe() never throws and stays short", () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (value) => {
      assert(describe(value).length < 1000);
    }),
    runs,
  );
  assertEquals(describe(new Float64Array(2)), "a Float64Array");
  assertEquals(describe(new Int8Array(2)), "an Int8Array");
  assertEquals(describe(Object.create(null)), "an object");
  assertEquals(describe(Symbol("s")), "a symbol");
  assertEquals(describe([1, "2", [3], null]), '[1, "2", […], null]');
});
