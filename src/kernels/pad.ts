// Plans of padding and of its gradient.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import { divisorWords } from "./axes.ts";
import { planFill } from "./elementwise.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { countOperand, plainSlots, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";
import { type Axis, fitsCpuKernels, MODES, type PadMode } from "./pad_axes.ts";
import { copyInside } from "./pad_copy.ts";

export type { PadMode } from "./pad_axes.ts";

/** Padding as an operator knows it. */
export interface PadSettings {
  /** Shape of the input. */
  readonly shape: Shape;
  /** Elements in front of every axis and behind it. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly mode: PadMode;
}

const MAX_AXES = 6;

/** Axes innermost first; neighbors that are not padded are one. */
function mergedAxes({ shape, before, after }: PadSettings): Axis[] {
  const axes: Axis[] = [];
  for (let at = shape.length - 1; at >= 0; at--) {
    const from = shape[at]!;
    const padded = before[at]! > 0 || after[at]! > 0;
    const last = axes.at(-1);
    if (!padded && last !== undefined && last.to === last.from) {
      axes[axes.length - 1] = {
        from: last.from * from,
        before: 0,
        to: last.to * from,
      };
    } else if (padded || from !== 1 || axes.length === 0) {
      axes.push({
        from,
        before: before[at]!,
        to: before[at]! + from + after[at]!,
      });
    }
  }
  return axes;
}

/** The shape of the result. */
export function paddedShape({ shape, before, after }: PadSettings): number[] {
  return shape.map((size, axis) => before[axis]! + size + after[axis]!);
}

/** Axes that remain after merging; more than six cannot be planned. */
export function countPadAxes(settings: PadSettings): number {
  return mergedAxes(settings).length;
}

function words(
  axes: readonly Axis[],
  forward: boolean,
): Record<string, number> {
  // The index that is taken apart runs over the result, the other sizes belong to the source.
  const own = axes.map(({ from, to }) => forward ? to : from);
  const other = axes.map(({ from, to }) => forward ? from : to);
  const all = divisorWords(own, MAX_AXES);
  delete all["multiplier_5"];
  for (let axis = 0; axis < MAX_AXES; axis++) {
    all[`size_${axis}`] = own[axis] ?? 1;
    all[`before_${axis}`] = axes[axis]?.before ?? 0;
    all[`from_${axis}`] = other[axis] ?? 1;
  }
  return all;
}

/**
 * Plans padding. Bits pass unchanged.
 *
 * @param capabilities The device.
 * @param settings What to pad; at most six axes after merging, and no empty axis unless the mode is constant.
 * @param elementBytes 1, 2 or 4.
 * @param fill Bits of one element of the constant.
 * @returns Input 0, output 0.
 */
export function planPad(
  capabilities: Capabilities,
  settings: PadSettings,
  elementBytes: number,
  fill: number,
): Plan {
  const where = "apply Pad";
  const count = countOperand(
    capabilities,
    where,
    paddedShape(settings),
    elementBytes,
  );
  const source = countOperand(
    capabilities,
    where,
    settings.shape,
    elementBytes,
  );
  const axes = mergedAxes(settings);
  const lanes = 4 / elementBytes;
  const repeated = elementBytes === 4
    ? fill
    : elementBytes === 2
    ? fill * 0x10001
    : fill * 0x1010101;
  if (source === 0) {
    const slots: Slot[] = [{ role: "output", index: 0 }];
    return {
      ...planFill(capabilities, repeated >>> 0, count * elementBytes),
      label: "Pad",
      slots,
    };
  }
  const copied = elementBytes === 4
    ? copyInside(capabilities, axes, settings.mode, repeated >>> 0)
    : undefined;
  if (copied !== undefined) {
    const bytes = (count + source) * 4;
    return { label: "Pad/copy", slots: plainSlots(1), dispatches: copied, flops: 0, bytes };
  }
  // The kernel's eight words lie in two rows at most.
  const wide = elementBytes === 4 && axes[0]!.to >= 8;
  if (wide && fitsCpuKernels(capabilities, axes, settings.mode)) {
    const dispatch = makeDispatch(
      programs[usesTexels(capabilities) ? "pad/cpu_pad.texel" : "pad/cpu_pad.storage"],
      {
        local_size_x: plainLocalSize(capabilities),
        mode: MODES[settings.mode],
        rank: axes.length,
        octets: count % 8 === 0 ? 1 : 0,
      },
      { count, rows: count / axes[0]!.to, fill: repeated >>> 0, ...words(axes, true) },
      [0, 1],
      gridForItems(capabilities, Math.ceil(count / 8)),
    );
    return {
      label: "Pad/cpu",
      slots: plainSlots(1),
      dispatches: [dispatch],
      flops: 0,
      bytes: (count + source) * 4,
    };
  }
  const dispatch = makeDispatch(
    programs[usesTexels(capabilities) ? "pad/pad.word_texel" : "pad/pad.word"],
    {
      local_size_x: plainLocalSize(capabilities),
      mode: MODES[settings.mode],
      rank: axes.length,
      element_bytes: elementBytes,
    },
    { count, fill: repeated >>> 0, ...words(axes, true) },
    [0, 1],
    gridForItems(capabilities, Math.ceil(count / (lanes * 4))),
  );
  return {
    label: "Pad",
    slots: plainSlots(1),
    dispatches: [dispatch],
    flops: 0,
    bytes: (count + source) * elementBytes,
  };
}

function cpuGradient(
  capabilities: Capabilities,
  axes: readonly Axis[],
  mode: PadMode,
  heads: number,
): Dispatch[] {
  const [{ from: width, before, to }, ...outer] = axes as [Axis, ...Axis[]];
  const all = Math.ceil(width / 8);
  // Runs that other places show, too, lie within the longer pad from either end.
  const reach = Math.max(before, to - before - width);
  const near = mode === "constant" || to === width ? 0 : Math.floor(reach / 8) + 1;
  const end = near === 0 ? all : Math.max(Math.ceil((width - reach - 8) / 8), near);
  const inner = Math.max(end - near, 0);
  const dispatch = (runs: number, split: number, skip: number, border: boolean): Dispatch => {
    const count = outer.reduce((product, { from }) => product * from, runs);
    return makeDispatch(
      programs[usesTexels(capabilities) ? "pad/cpu_gradient.texel" : "pad/cpu_gradient.storage"],
      {
        local_size_x: plainLocalSize(capabilities),
        mode: MODES[mode],
        rank: axes.length,
        octets: width % 8 === 0 ? 1 : 0,
        border: border ? 1 : 0,
      },
      {
        count,
        width,
        last: Math.ceil(heads / 4) - 1,
        split,
        skip,
        ...words([{ from: runs, before, to }, ...outer], false),
      },
      [0, 0, 1],
      gridForItems(capabilities, count),
    );
  };
  return [
    ...(inner > 0 ? [dispatch(inner, 0, near, false)] : []),
    ...(inner < all ? [dispatch(all - inner, near, inner, true)] : []),
  ];
}

/**
 * Plans the gradient of padding in float32: every input element sums the places that show it, in a fixed order.
 *
 * @param capabilities The device.
 * @param settings What was padded; not empty.
 * @param general Whether to take the kernel that works for every case, with which the other one is compared.
 * @returns Input 0 the head gradient, output 0 of the shape before padding.
 */
export function planPadGradient(
  capabilities: Capabilities,
  settings: PadSettings,
  general: boolean = false,
): Plan {
  const where = "apply _backward_Pad";
  const heads = countOperand(capabilities, where, paddedShape(settings), 4);
  const count = elementCount(settings.shape, where);
  const axes = mergedAxes(settings);
  const width = axes[0]!.from;
  const cpu = !general && width >= 8 && width % 4 === 0 &&
    fitsCpuKernels(capabilities, axes, settings.mode);
  const dispatches = cpu ? cpuGradient(capabilities, axes, settings.mode, heads) : [makeDispatch(
    programs[
      usesTexels(capabilities) ? "pad/gradient.word_texel" : "pad/gradient.word"
    ],
    {
      local_size_x: plainLocalSize(capabilities),
      mode: MODES[settings.mode],
      rank: axes.length,
    },
    { count, ...words(axes, false) },
    [0, 1],
    gridForItems(capabilities, count),
  )];
  return {
    label: cpu ? "_backward_Pad/cpu" : "_backward_Pad",
    slots: plainSlots(1),
    dispatches,
    flops: heads,
    bytes: (count + heads) * 4,
  };
}
