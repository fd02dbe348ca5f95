// Plans of dropout: the mask comes from a random stream and is never stored, but where it is repeated along axes.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import type { StreamWords } from "../core/random.ts";
import { elementCount, sameShape, type Shape } from "../core/shape.ts";
import { planBinary } from "./elementwise.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { countOperand, plainSlots, totalBytes, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

function dispatchMask(
  capabilities: Capabilities,
  count: number,
  rate: number,
  { key0, key1, stream0, stream1 }: StreamWords,
  ones: boolean,
  slots: readonly number[],
): Dispatch {
  const keep = 1 - rate;
  const quads = Math.ceil(count / 4);
  return makeDispatch(
    programs[`elementwise/dropout.${usesTexels(capabilities) ? "texel" : "storage"}` as const],
    { local_size_x: plainLocalSize(capabilities), ones: ones ? 1 : 0 },
    {
      quad_count: quads,
      threshold: Math.ceil(keep * 2 ** 24),
      scale: keep === 0 ? 0 : 1 / keep,
      key0,
      key1,
      stream0,
      stream1,
    },
    slots,
    gridForItems(capabilities, quads),
  );
}

/**
 * Plans dropout.
 *
 * @param capabilities The device.
 * @param shape Shape of the input, without zeros.
 * @param axes Axes along which all elements share their chance, counted from the front.
 * @param rate Share of the elements that become 0.
 * @param stream Where the chances come from: word `i` of the stream decides on element `i` of the mask.
 * @returns Input 0, output 0.
 */
export function planDropout(
  capabilities: Capabilities,
  shape: Shape,
  axes: readonly number[],
  rate: number,
  stream: StreamWords,
): Plan {
  const count = countOperand(capabilities, "apply Dropout", shape, 4);
  const result = {
    label: "Dropout",
    slots: plainSlots(1),
    flops: count,
    bytes: totalBytes("float32", count, count),
  };
  const mask = shape.map((size, axis) => axes.includes(axis) ? 1 : size);
  if (sameShape(mask, shape)) {
    const dispatch = dispatchMask(capabilities, count, rate, stream, false, [0, 1]);
    return { ...result, dispatches: [dispatch] };
  }
  const size = elementCount(mask);
  const product = planBinary(capabilities, "multiply", shape, mask, "float32");
  const fill = dispatchMask(capabilities, size, rate, stream, true, [0, 2]);
  return {
    ...result,
    slots: [...result.slots, { role: "temporary", byteLength: size * 4 }],
    dispatches: [
      fill,
      // The product's slots are its two operands and its result.
      ...product.dispatches.map((each) => ({
        ...each,
        slots: each.slots.map((slot) => [0, 2, 1][slot]!),
      })),
    ],
  };
}
