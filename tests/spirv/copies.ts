// What a copy of rows moves, byte by byte.

import type { RowCopy } from "../../src/core/dispatch.ts";

/**
 * Visits the bytes of a copy.
 *
 * @param visit Gets the place in the source and in the target.
 */
export function eachCopied(copy: RowCopy, visit: (from: number, to: number) => void): void {
  const { rowBytes, rows, planes, from, to, starts } = copy;
  for (const [source, target] of starts) {
    for (let plane = 0; plane < planes; plane++) {
      for (let row = 0; row < rows; row++) {
        const first = source + plane * from.plane + row * from.row;
        const there = target + plane * to.plane + row * to.row;
        for (let at = 0; at < rowBytes; at++) visit(first + at, there + at);
      }
    }
  }
}
