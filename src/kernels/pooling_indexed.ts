// Plans of operators on places of maxima: unpooling, its gradient, and reading by place.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { ShapeError } from "../core/errors.ts";
import { elementCount, formatShape, sameShape, type Shape } from "../core/shape.ts";
import type { Layout } from "./convolution_problem.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { checkDType, countOperand } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";
import { divisionWords, POOLING_DTYPES } from "./pooling_problem.ts";

/** Shapes of an operator on places: both in the same layout, with equal batch and channels. */
export interface IndexedSettings {
  /** Shape of the places, and of the values that belong to them. */
  readonly windows: Shape;
  /** Shape of the planes that places point into. */
  readonly planes: Shape;
  readonly layout: Layout;
}

interface IndexedProblem {
  readonly inner: number;
  /** Places in one plane. */
  readonly windows: number;
  /** Elements of one plane. */
  readonly elements: number;
  readonly windowCount: number;
  readonly planeCount: number;
}

/** Splits a shape of a layout into batch, channels and spatial sizes. */
export function splitShape(
  shape: Shape,
  layout: Layout,
): { batch: number; channels: number; size: Shape } {
  const last = layout.endsWith("C");
  return {
    batch: shape[0]!,
    channels: last ? shape.at(-1)! : shape[1]!,
    size: last ? shape.slice(1, -1) : shape.slice(2),
  };
}

function describeIndexed(
  capabilities: Capabilities,
  where: string,
  { windows, planes, layout }: IndexedSettings,
): IndexedProblem {
  const few = splitShape(windows, layout);
  const many = splitShape(planes, layout);
  const fits = windows.length === layout.length && planes.length === layout.length &&
    sameShape([few.batch, few.channels], [many.batch, many.channels]);
  if (!fits) {
    throw new ShapeError(
      `Cannot ${where}: indices have shape ${formatShape(windows)} and planes ` +
        `${formatShape(planes)}, expected equal batch and channels in layout ${layout}`,
    );
  }
  return {
    inner: layout.endsWith("C") ? few.channels : 1,
    windows: elementCount(few.size, where),
    elements: elementCount(many.size, where),
    windowCount: countOperand(capabilities, where, windows, 4),
    planeCount: countOperand(capabilities, where, planes, 4),
  };
}

type Mode = "find" | "scatter" | "gather_winners" | "gather";
const MODES: readonly Mode[] = ["find", "scatter", "gather_winners", "gather"];

function dispatchIndexed(
  capabilities: Capabilities,
  problem: IndexedProblem,
  mode: Mode,
  dtype: DType,
  slots: readonly number[],
): Dispatch {
  const count = mode === "scatter" ? problem.planeCount : problem.windowCount;
  const half = dtype === "float16" && mode !== "find";
  const words = half ? Math.ceil(count / 2) : count;
  return makeDispatch(
    programs["pooling/indexed"],
    {
      local_size_x: plainLocalSize(capabilities),
      mode: MODES.indexOf(mode),
      half: dtype === "float16" ? 1 : 0,
    },
    {
      words,
      last: count - 1,
      inner: problem.inner,
      windows: problem.windows,
      elements: problem.elements,
      ...divisionWords({
        inner: Math.max(problem.inner, 1),
        positions: Math.max(mode === "scatter" ? problem.elements : problem.windows, 1),
      }),
    },
    slots,
    gridForItems(capabilities, words),
  );
}

function planIndexed(
  capabilities: Capabilities,
  label: string,
  settings: IndexedSettings,
  dtype: DType,
  mode: Exclude<Mode, "find">,
): Plan {
  const where = `apply ${label}`;
  checkDType(where, dtype, POOLING_DTYPES);
  const problem = describeIndexed(capabilities, where, settings);
  const slots: Slot[] = [
    { role: "input", index: 0 },
    { role: "input", index: 1 },
    { role: "output", index: 0 },
  ];
  const bytes = dtypeByteLength(dtype);
  const totals = {
    label,
    flops: 0,
    bytes: problem.windowCount * (4 + bytes) + problem.planeCount * bytes,
  };
  if (problem.windowCount * problem.planeCount === 0) return { ...totals, slots, dispatches: [] };
  if (mode === "gather") {
    // Winners are bound but not read; any buffer will do.
    const dispatch = dispatchIndexed(capabilities, problem, mode, dtype, [0, 1, 2, 2]);
    return { ...totals, slots, dispatches: [dispatch] };
  }
  const winners = slots.push({ role: "temporary", byteLength: problem.planeCount * 4 }) - 1;
  const quads = Math.ceil(problem.planeCount / 4);
  const clear = makeDispatch(
    programs["movement/fill"],
    { local_size_x: plainLocalSize(capabilities) },
    { quad_count: quads, word: 0xffffffff },
    [winners],
    gridForItems(capabilities, quads),
  );
  const find = dispatchIndexed(capabilities, problem, "find", dtype, [0, 1, winners, 2]);
  const make = dispatchIndexed(capabilities, problem, mode, dtype, [0, 1, winners, 2]);
  return { ...totals, slots, dispatches: [clear, find, make] };
}

/**
 * Plans an unpooling: every value goes to its place, everything else is 0. Of several values for one place the last
 * in row-major order stays; places outside the plane are skipped.
 *
 * @param capabilities The device.
 * @param settings Shapes of values and result.
 * @param dtype float32 or float16.
 * @returns Inputs 0 values and 1 places (int32), output 0 of the planes' shape.
 * @throws {ShapeError} If batch or channels differ.
 */
export function planUnpool(
  capabilities: Capabilities,
  settings: IndexedSettings,
  dtype: DType = "float32",
): Plan {
  return planIndexed(capabilities, "MaxUnpool", settings, dtype, "scatter");
}

/**
 * Plans the gradient of an unpooling to its values: 0 for a value that another one replaced.
 *
 * @param capabilities The device.
 * @param settings Shapes of values and result.
 * @param dtype float32 or float16.
 * @returns Inputs 0 gradient of the planes and 1 places (int32), output 0 gradient of the values.
 * @throws {ShapeError} If batch or channels differ.
 */
export function planUnpoolBackward(
  capabilities: Capabilities,
  settings: IndexedSettings,
  dtype: DType = "float32",
): Plan {
  return planIndexed(capabilities, "_backward_MaxUnpool", settings, dtype, "gather_winners");
}

/**
 * Plans reading by place: 0 for places outside the plane.
 *
 * @param capabilities The device.
 * @param settings Shapes of result and planes.
 * @param dtype float32 or float16.
 * @returns Inputs 0 planes and 1 places (int32), output 0 of the places' shape.
 * @throws {ShapeError} If batch or channels differ.
 */
export function planTakePlaces(
  capabilities: Capabilities,
  settings: IndexedSettings,
  dtype: DType = "float32",
): Plan {
  return planIndexed(capabilities, "TakePlaces", settings, dtype, "gather");
}
