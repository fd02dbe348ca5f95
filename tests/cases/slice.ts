// Attribute table of slice, with the box that NumPy takes.

import { slice } from "../../src/ops/index.ts";
import { slice as expected } from "../reference/slice.ts";
import { MOVED, type OperatorCase } from "./case.ts";

type Index = readonly (number | null)[];

interface Row {
  readonly shape: readonly number[];
  readonly begin: Index;
  readonly end?: Index;
  readonly step?: Index;
}

const TABLE: readonly Row[] = [
  { shape: [10], begin: [3] },
  { shape: [10], begin: [3], end: [7] },
  { shape: [10], begin: [-3], end: [-1] },
  { shape: [10], begin: [-100], end: [100] },
  { shape: [10], begin: [7], end: [3] },
  { shape: [10], begin: [null], end: [null], step: [3] },
  { shape: [10], begin: [null], end: [null], step: [-1] },
  { shape: [10], begin: [8], end: [1], step: [-3] },
  { shape: [10], begin: [100], end: [-100], step: [-4] },
  { shape: [4, 5], begin: [1] },
  { shape: [4, 5], begin: [null, 1], end: [null, 4] },
  { shape: [4, 5], begin: [1, 1], end: [3, 4], step: [1, 2] },
  { shape: [2, 3, 5, 7], begin: [0, 1, 2, 3], end: [1, 3, 4, 6] },
  { shape: [2, 3, 5, 7], begin: [null, null, null, null], step: [-1, 1, -2, 3] },
  { shape: [1, 4, 4, 4], begin: [null, 2] },
  { shape: [3, 0, 2], begin: [1] },
  { shape: [], begin: [] },
];

/** The range that Python's slice(begin, end, step) takes of an axis. */
function pythonRange(
  size: number,
  begin: number | null | undefined,
  end: number | null | undefined,
  step: number,
): number[] {
  const wrap = (index: number) => index < 0 ? index + size : index;
  const taken: number[] = [];
  if (step > 0) {
    const from = Math.max(0, begin === null || begin === undefined ? 0 : wrap(begin));
    const to = Math.min(size, end === null || end === undefined ? size : wrap(end));
    for (let at = from; at < to; at += step) taken.push(at);
  } else {
    const from = Math.min(size - 1, begin === null || begin === undefined ? size - 1 : wrap(begin));
    const to = Math.max(-1, end === null || end === undefined ? -1 : wrap(end));
    for (let at = from; at > to; at += step) taken.push(at);
  }
  return taken;
}

/** Rows for every element size. */
export const sliceCases: readonly OperatorCase[] = MOVED.flatMap((dtype) =>
  TABLE.map(({ shape, begin, end, step }) => ({
    name: `${dtype} (${shape}) from [${begin}] to [${end ?? ""}] by [${step ?? ""}]`,
    inputs: [{ shape, dtype }],
    run: ([x]) => slice(x!, begin, end, step),
    expected: ([x]) => {
      const steps = shape.map((_, axis) => step?.[axis] ?? 1);
      const taken = shape.map((size, axis) =>
        pythonRange(size, begin[axis], end?.[axis], steps[axis]!)
      );
      return expected(
        x!,
        taken.map((range) => range[0] ?? 0),
        taken.map((range) => range.length),
        steps,
      );
    },
  }))
);
