// What was taken for what, as a PNG: a row for each digit shown, a column for each answer. The darker, the
// more often; the diagonal is green, mistakes are red.

import { encode } from "fast-png";
import type { Confusion } from "./train.ts";

const CELL = 36;
/** A digit of 3 x 5 dots in rows of three bits, the topmost row first. */
const GLYPHS: readonly number[] = [
  0b111_101_101_101_111,
  0b010_110_010_010_111,
  0b111_001_111_100_111,
  0b111_001_111_001_111,
  0b101_101_111_001_001,
  0b111_100_111_001_111,
  0b111_100_111_101_111,
  0b111_001_010_010_010,
  0b111_101_111_101_111,
  0b111_101_111_001_111,
];

class Canvas {
  readonly data: Uint8Array;

  constructor(readonly side: number) {
    this.data = new Uint8Array(side * side * 3).fill(255);
  }

  fill(left: number, top: number, width: number, height: number, color: readonly number[]): void {
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) this.data.set(color, (y * this.side + x) * 3);
    }
  }

  /** Writes a number with dots of `dot` pixels, centered in a cell. */
  number(left: number, top: number, value: number, dot: number, color: readonly number[]): void {
    const digits = [...`${value}`].map(Number);
    const width = digits.length * 4 * dot - dot;
    const [x, y] = [left + ((CELL - width) >> 1), top + ((CELL - 5 * dot) >> 1)];
    for (const [at, digit] of digits.entries()) {
      for (let bit = 0; bit < 15; bit++) {
        if (((GLYPHS[digit]! >> (14 - bit)) & 1) === 0) continue;
        const column = at * 4 + bit % 3;
        this.fill(x + column * dot, y + Math.floor(bit / 3) * dot, dot, dot, color);
      }
    }
  }
}

/**
 * Draws a confusion matrix.
 *
 * @param confusion How often each digit was taken for each.
 * @returns A PNG file.
 */
export function drawConfusion(confusion: Confusion): Uint8Array {
  const canvas = new Canvas((confusion.length + 1) * CELL);
  const gray = [90, 90, 90];
  confusion.forEach((row, digit) => {
    const start = (digit + 1) * CELL;
    canvas.number(0, start, digit, 4, gray);
    canvas.number(start, 0, digit, 4, gray);
    const total = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, answer) => {
      const left = (answer + 1) * CELL;
      const right = answer === digit;
      // Mistakes are few: the square root makes them visible.
      const part = total === 0 ? 0 : Math.sqrt(count / total);
      const full = right ? [11, 110, 79] : [192, 57, 43];
      const color = full.map((value) => Math.round(255 - (255 - value) * part));
      canvas.fill(left + 1, start + 1, CELL - 2, CELL - 2, color);
      if (count > 0) {
        canvas.number(left, start, count, 2, part > 0.6 ? [255, 255, 255] : [40, 40, 40]);
      }
    });
  });
  const { data, side } = canvas;
  return encode({ width: side, height: side, channels: 3, data });
}
