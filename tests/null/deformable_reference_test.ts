// The oracles of deformable convolution and padding: check vectors of the specification (section 14, items 6 and 8), and
// gradients by numeric differentiation.

import { assert, assertEquals } from "@std/assert";
import { deformableCases } from "../cases/deformable_convolution.ts";
import { type MODES, padCases } from "../cases/pad.ts";
import type { Reference } from "../reference/array.ts";
import {
  deformableConvolution,
  deformableGradients,
  type DeformableOperands,
} from "../reference/deformable_convolution.ts";
import { pad, padGradient } from "../reference/pad.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";

function plane(...rows: number[][]): Reference {
  return { data: rows.flat(), shape: [1, 1, rows.length, rows[0]!.length] };
}

test("the deformable oracle gives the specification's check vectors", () => {
  const data = plane([1, 2], [3, 4]);
  const weight = plane([1]);
  const at = (index: number, dy: number, v2: boolean): number => {
    const offset = { data: new Float64Array(8), shape: [1, 2, 2, 2] };
    offset.data[index] = dy;
    const mask = v2 ? plane([1, 1], [1, 1]) : null;
    return deformableConvolution({ data, offset, mask, weight }, null).data[index]!;
  };
  assertEquals([at(3, 0.5, false), at(3, 0.5, true)], [4, 2]);
  assertEquals([at(0, -0.5, false), at(0, -0.5, true)], [0, 0.5]);
});

function total(y: Reference, head: Reference): number {
  let sum = 0;
  for (let i = 0; i < y.data.length; i++) sum += y.data[i]! * head.data[i]!;
  return sum;
}

test("gradients of the deformable oracle are the derivatives of its results", () => {
  const random = new Random(51);
  for (const { operands, bias, head, attributes, label } of deformableCases(52, 40)) {
    const wide = (x: Reference): Reference => ({ ...x, data: Float64Array.from(x.data) });
    const all: DeformableOperands = {
      data: wide(operands.data),
      offset: wide(operands.offset),
      mask: operands.mask === null ? null : wide(operands.mask),
      weight: wide(operands.weight),
    };
    const gradients = deformableGradients(all, head, attributes);
    for (const name of ["data", "offset", "mask", "weight", "bias"] as const) {
      const operand = name === "bias" ? bias : all[name];
      if (operand === null) continue;
      for (let trial = 0; trial < 3; trial++) {
        const at = random.integer(0, operand.data.length - 1);
        // Offsets keep 0.02 off the borders of cells.
        const step = 1e-4;
        const value = (by: number): number => {
          const data = Float64Array.from(operand.data);
          data[at]! += by;
          const moved = { ...operand, data };
          const y = name === "bias"
            ? deformableConvolution(all, moved, attributes)
            : deformableConvolution({ ...all, [name]: moved }, bias, attributes);
          return total(y, head);
        };
        const numeric = (value(step) - value(-step)) / (2 * step);
        const found = gradients[name]!.data[at]!;
        assertClose([found], [numeric], { rtol: 1e-6, atol: 1e-7, label: `${name} ${label}` });
      }
    }
  }
});

test("the padding oracle gives the specification's check vector and what NumPy gives", () => {
  const row = (count: number): Reference => ({
    data: Array.from({ length: count }, (_, i) => i + 1),
    shape: [count],
  });
  const padded = (count: number, before: number, after: number, mode: typeof MODES[number]) =>
    Array.from(pad(row(count), { widths: [[before, after]], mode }).data).join("");
  assertEquals(padded(3, 1, 1, "reflect"), "21232");
  // numpy.pad([1, 2, 3], (5, 4), "reflect"), "wrap", "edge"
  assertEquals(padded(3, 5, 4, "reflect"), "212321232123");
  assertEquals(padded(3, 5, 4, "circular"), "231231231231");
  assertEquals(padded(3, 2, 1, "edge"), "111233");
  assertEquals(padded(1, 2, 2, "reflect"), "11111");
  assertEquals(padded(2, 3, 2, "reflect"), "2121212");
});

test("the gradient of the padding oracle is adjoint to it", () => {
  const random = new Random(53);
  for (const { shape, attributes } of padCases(54, 80)) {
    const own = { ...attributes, value: 0 };
    const count = shape.reduce((all, each) => all * each, 1);
    const x = { data: random.float32(count), shape };
    const y = pad(x, own);
    const head = { data: random.float32(y.data.length), shape: y.shape };
    const gradient = padGradient(shape, head, own);
    const gap = Math.abs(total(y, head) - total(gradient, x));
    assert(gap <= 1e-9 * (1 + Math.abs(total(y, head))), JSON.stringify({ shape, own }));
  }
});
