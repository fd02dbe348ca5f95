// Attribute table of padding: every mode, pads beyond the size, one to five axes, every element size.

import { pad } from "../../src/ops/index.ts";
import { pad as expected, type PadAttributes } from "../reference/pad.ts";
import { Random } from "../support/random.ts";
import { MOVED, type OperatorCase } from "./case.ts";

/** A padding of some shape. */
export interface PadCase {
  readonly shape: readonly number[];
  readonly attributes: PadAttributes;
}

/** All modes. */
export const MODES = ["constant", "edge", "reflect", "circular"] as const;

/**
 * Random paddings, some of them several times the size.
 *
 * @param seed The seed.
 * @param count How many.
 */
export function padCases(seed: number, count: number): PadCase[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, index): PadCase => {
    const rank = random.integer(1, 5);
    const shape = Array.from({ length: rank }, () => random.integer(1, rank > 3 ? 4 : 7));
    const widths = shape.map((size): [number, number] => {
      const most = random.pick([0, 0, size - 1, rank > 3 ? size : 3 * size + 1]);
      return [random.integer(0, most), random.integer(0, most)];
    });
    return { shape, attributes: { widths, mode: MODES[index % 4]!, value: random.integer(-9, 9) } };
  });
}

/** Rows for every element size. */
export const padOperatorCases: readonly OperatorCase[] = MOVED.flatMap((dtype) =>
  padCases(41, 24).map(({ shape, attributes }): OperatorCase => {
    const value = Math.abs(attributes.value!);
    const { widths, mode } = attributes;
    return {
      name: `${dtype} (${shape}) by ${JSON.stringify(attributes)}`,
      inputs: [{ shape, dtype }],
      run: ([x]) => pad(x!, widths, { mode, value }),
      expected: ([x]) => expected(x!, { ...attributes, value }),
    };
  })
);
