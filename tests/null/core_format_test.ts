/** Printing compared with NumPy, whose texts core_format_numpy.py wrote. */
import { assertEquals, assertThrows } from "@std/assert";
import type { HostArray } from "../../src/core/dtype.ts";
import { ShapeError } from "../../src/core/errors.ts";
import { format, type FormatOptions } from "../../src/core/format.ts";
import { test } from "../support/test.ts";
import fixtures from "./core_format_numpy.json" with { type: "json" };

interface Ramp {
  readonly divisor: number;
  readonly offset: number;
}

interface Case {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[] | Ramp;
  readonly options: FormatOptions;
  readonly text: string;
}

function read({ dtype, shape, data }: Case): HostArray {
  if ("divisor" in data) {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = Array.from({ length: count }, (_, i) => i / data.divisor - data.offset);
    if (dtype === "float16") return new Float16Array(values);
    return dtype === "int32" ? new Int32Array(values) : new Float32Array(values);
  }
  if (dtype === "float32") return new Float32Array(new Uint32Array(data).buffer);
  if (dtype === "float16") return new Float16Array(new Uint16Array(data).buffer);
  if (dtype === "int32") return new Int32Array(data);
  return dtype === "int8" ? new Int8Array(data) : new Uint8Array(data);
}

test("format() prints every dtype, shape and magnitude as NumPy does", () => {
  const cases = fixtures.cases as unknown as Case[];
  assertEquals(cases.length > 140, true);
  for (const each of cases) {
    const text = format(read(each), each.shape, { ...each.options, prefix: "array(" });
    assertEquals(text, each.text, each.name);
  }
});

test("format() opens with tensor( by default and indents by it", () => {
  const text = format(new Uint8Array([1, 2, 30, 4]), [2, 2]);
  assertEquals(text, "tensor([[ 1,  2],\n        [30,  4]], dtype=uint8)");
});

test("format() refuses data that does not fit the shape, and unknown options", () => {
  assertThrows(() => format(new Float32Array(3), [2]), ShapeError, "3 elements");
  assertThrows(
    () => format(new Float32Array(2), [2], { percision: 3 } as FormatOptions),
    TypeError,
    'did you mean "precision"?',
  );
  assertThrows(() => format(new Float32Array(2), [2], { precision: -1 }), RangeError, "precision");
});
