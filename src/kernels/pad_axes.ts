// What all plans of padding share: modes, axes, and where kernels of CPU devices fit.

import type { Capabilities } from "./plan.ts";

/** What stands where the input does not reach. */
export type PadMode = "constant" | "edge" | "reflect" | "circular";

/** Numbers of modes in shaders/glsl/pad/axis.glsl. */
export const MODES: Readonly<Record<PadMode, number>> = {
  constant: 0,
  edge: 1,
  reflect: 2,
  circular: 3,
};

/** One axis, or several that are not padded. */
export interface Axis {
  readonly from: number;
  readonly before: number;
  readonly to: number;
}

/** Whether CPU kernels fit: no pad needs more than one reflection or turn. */
export function fitsCpuKernels(
  capabilities: Capabilities,
  axes: readonly Axis[],
  mode: PadMode,
): boolean {
  const most = (from: number): number =>
    mode === "reflect" ? from - 1 : mode === "circular" ? from : Infinity;
  return capabilities.deviceClass === "cpu" && capabilities.int64 &&
    axes.every(({ from, before, to }) => Math.max(before, to - before - from) <= most(from));
}
