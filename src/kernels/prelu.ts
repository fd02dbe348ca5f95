// Plans of the leaky rectifier whose slope is a tensor, and of its gradient by the input.

import { programs } from "../../shaders/manifest.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import { divisor } from "./divisor.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { countOperand, totalBytes, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";

/**
 * Plans `x > 0 ? z : slope * z` with one slope, or one for each index of axis 1; z is x, or the head of a gradient.
 *
 * @param capabilities The device.
 * @param shape Shape of x.
 * @param slopes Number of slopes.
 * @param gradient Whether there is a head.
 * @returns Inputs x and slopes, for a gradient behind the head; output 0.
 */
export function planPrelu(
  capabilities: Capabilities,
  shape: Shape,
  slopes: number,
  gradient: boolean,
): Plan {
  const label = gradient ? "Gradient/prelu" : "Prelu";
  const count = countOperand(capabilities, `apply ${label}`, shape, 4);
  const inputs = gradient ? 3 : 2;
  const slots: Slot[] = [
    ...Array.from({ length: inputs }, (_, index): Slot => ({ role: "input", index })),
    { role: "output", index: 0 },
  ];
  const bytes = totalBytes("float32", count, count, gradient ? count : 0, slopes);
  const result = { label, slots, flops: 2 * count, bytes };
  if (count === 0) return { ...result, dispatches: [] };
  const inner = slopes === 1 ? 1 : elementCount(shape.slice(2));
  const [inners, channels] = [divisor(inner), divisor(slopes)];
  const quads = Math.ceil(count / 4);
  const dispatch = makeDispatch(
    programs[`elementwise/prelu.${usesTexels(capabilities) ? "texel" : "storage"}` as const],
    {
      local_size_x: plainLocalSize(capabilities),
      gradient: gradient ? 1 : 0,
      shared: slopes === 1 || inner % 4 === 0 ? 1 : 0,
    },
    {
      quad_count: quads,
      inner_multiplier: inners.multiplier,
      inner_shift: inners.shift,
      channels: slopes,
      channels_multiplier: channels.multiplier,
      channels_shift: channels.shift,
    },
    gradient ? [0, 1, 2, 3] : [0, 0, 1, 2],
    gridForItems(capabilities, quads),
  );
  return { ...result, dispatches: [dispatch] };
}
