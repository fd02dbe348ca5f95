// Padding on devices whose driver copies rows faster than kernels do: it copies what lies inside, kernels make the borders.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch, RowCopy } from "../core/dispatch.ts";
import { contiguousStrides, elementCount } from "../core/shape.ts";
import { divisorWords } from "./axes.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { usesTexels } from "./operand.ts";
import { type Axis, fitsCpuKernels, MODES, type PadMode } from "./pad_axes.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";
import { copyRegion } from "./region.ts";
import { MAX_REGIONS, SMALLEST_ROW_BYTES } from "./row_copy.ts";

/** Axes that the kernel takes apart. */
const MAX_AXES = 4;

/** Elements of a row that one invocation makes at most. */
const MAX_COLUMNS = 16;

/** The kernel stores element by element, which takes so many times as long as in a kernel that makes the whole. */
const BORDER_COST = 6;

/** What lies inside, copied. */
function copies(capabilities: Capabilities, axes: readonly Axis[]): Dispatch[] {
  const outermost = axes.toReversed();
  const inside = outermost.map(({ from }) => from);
  const strides = contiguousStrides(outermost.map(({ to }) => to));
  const first = outermost.reduce((sum, { before }, at) => sum + before * strides[at]!, 0);
  const region = {
    sizes: inside,
    from: { base: 0, strides: contiguousStrides(inside) },
    to: { base: first, strides },
    outputCount: elementCount(outermost.map(({ to }) => to)),
  };
  return copyRegion(capabilities, region, 4, [0, 1]);
}

/** The pads of one axis. */
function dispatchBorder(
  capabilities: Capabilities,
  axes: readonly Axis[],
  axis: number,
  mode: PadMode,
  fill: number,
): Dispatch {
  const made = axes.map(({ from, to }, at) => at < axis ? to : at === axis ? to - from : from);
  const columns = axis === 0 && made[0]! <= MAX_COLUMNS ? made[0]! : 0;
  const sizes = columns > 0 ? [1, ...made.slice(1)] : made;
  const count = elementCount(sizes);
  const words: Record<string, number> = {
    count,
    fill,
    ...divisorWords(sizes, MAX_AXES - 1),
    [`size_${MAX_AXES - 1}`]: sizes[MAX_AXES - 1] ?? 1,
  };
  for (let at = 0; at < MAX_AXES; at++) {
    const each = axes[at] ?? { before: 0, from: 1, to: 1 };
    words[`before_${at}`] = each.before;
    words[`from_${at}`] = each.from;
    if (at < MAX_AXES - 1) words[`to_${at}`] = each.to;
  }
  return makeDispatch(
    programs[usesTexels(capabilities) ? "pad/cpu_border.texel" : "pad/cpu_border.storage"],
    {
      local_size_x: plainLocalSize(capabilities),
      mode: MODES[mode],
      rank: axes.length,
      axis,
      columns,
    },
    words,
    [1, 1],
    gridForItems(capabilities, count),
  );
}

/**
 * The pads of an axis as copies of rows of the result, of which each is all that lies within the axis.
 *
 * @returns undefined where they are too many, too short, or the rows of a constant.
 */
function copyBorder(axes: readonly Axis[], axis: number, mode: PadMode): RowCopy | undefined {
  const { from, before, to } = axes[axis]!;
  const row = 4 * elementCount(axes.slice(0, axis).map((each) => each.to));
  const [outer, outermost] = axes.slice(axis + 1);
  const [rows, planes] = [outer?.from ?? 1, outermost?.from ?? 1];
  const regions = rows * planes * (to - from);
  if (mode === "constant" || axis === 0 || row < SMALLEST_ROW_BYTES || regions > MAX_REGIONS) {
    return undefined;
  }
  const pitch = { row: row * to, plane: row * to * (outer?.to ?? 1) };
  const first = (outer?.before ?? 0) * pitch.row + (outermost?.before ?? 0) * pitch.plane;
  const starts = Array.from({ length: to - from }, (_, at): [number, number] => {
    const place = at < before ? at : at + from;
    return [first + (before + shownAt(mode, place - before, from)) * row, first + place * row];
  });
  return { rowBytes: row, rows, planes, from: pitch, to: pitch, starts, image: null };
}

/** Element that place u of an axis shows, as shaders/glsl/pad/reflect.glsl tells it. */
function shownAt(mode: PadMode, u: number, size: number): number {
  if (mode === "reflect") return Math.abs(u) < size ? Math.abs(u) : 2 * (size - 1) - u;
  if (mode === "circular") return (u + size) % size;
  return Math.min(Math.max(u, 0), size - 1);
}

/**
 * Dispatches that pad words, of which the driver copies what lies inside.
 *
 * @param capabilities The device.
 * @param axes Innermost first; neighbors that are not padded are one.
 * @param mode What stands in the pads.
 * @param fill Bits of the constant.
 * @returns undefined where another kernel is better.
 */
export function copyInside(
  capabilities: Capabilities,
  axes: readonly Axis[],
  mode: PadMode,
  fill: number,
): Dispatch[] | undefined {
  if (axes.length > MAX_AXES || !fitsCpuKernels(capabilities, axes, mode)) return undefined;
  const [inside, all] = [
    elementCount(axes.map(({ from }) => from)),
    elementCount(axes.map(({ to }) => to)),
  ];
  if ((all - inside) * BORDER_COST > all) return undefined;
  const inner = copies(capabilities, axes);
  if (inner.some(({ copy }) => copy === undefined)) return undefined;
  const padded = axes.flatMap(({ from, to }, axis) => from === to ? [] : [axis]);
  const borders = padded.map((axis): Dispatch => ({
    ...dispatchBorder(capabilities, axes, axis, mode, fill),
    copy: copyBorder(axes, axis, mode),
  }));
  return [...inner, ...borders];
}
