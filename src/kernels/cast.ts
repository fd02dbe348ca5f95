// Plan of dtype conversion.

import { programs } from "../../shaders/manifest.ts";
import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { countOperand, DTYPE_CODES, plainSlots, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/**
 * Plans a conversion: to float16 the nearest (ties to even), float to integer toward zero with saturation and NaN
 * to 0, between integers the low bits.
 *
 * @param capabilities The device.
 * @param from Dtype of the input.
 * @param to Dtype of the output.
 * @param count Number of elements.
 * @returns Input 0, output 0.
 */
export function planCast(capabilities: Capabilities, from: DType, to: DType, count: number): Plan {
  const where = `cast ${from} to ${to}`;
  countOperand(capabilities, where, [count], dtypeByteLength(from));
  countOperand(capabilities, where, [count], dtypeByteLength(to));
  const result = {
    label: `Cast/${from}_${to}`,
    slots: plainSlots(1),
    flops: 0,
    bytes: count * (dtypeByteLength(from) + dtypeByteLength(to)),
  };
  if (count === 0) return { ...result, dispatches: [] };
  const words = Math.ceil(count * dtypeByteLength(to) / 4);
  const dispatch = makeDispatch(
    programs[usesTexels(capabilities) ? "elementwise/cast.texel" : "elementwise/cast.storage"],
    {
      local_size_x: plainLocalSize(capabilities),
      from: DTYPE_CODES[from],
      to: DTYPE_CODES[to],
    },
    { word_count: words, element_count: count },
    [0, 1],
    gridForItems(capabilities, words),
  );
  return { ...result, dispatches: [dispatch] };
}
