// Plans of the softmax cross entropy with one class for each line, and of its gradient.

import { programs } from "../../shaders/manifest.ts";
import type { DType } from "../core/dtype.ts";
import { elementCount, type Shape } from "../core/shape.ts";
import { divisor } from "./divisor.ts";
import { foldGrid, gridForItems, plainLocalSize } from "./grid.ts";
import { checkDType, countOperand, plainSlots, totalBytes, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";
import { lanesFor } from "./reduce.ts";

/** What is computed. */
export interface CrossEntropyProblem {
  /** Shape of the predictions. */
  readonly shape: Shape;
  /** The axis of the classes, counted from the front. */
  readonly axis: number;
  /** float32 or int32. */
  readonly labelDType: DType;
  /** The gradient instead. */
  readonly backward: boolean;
}

/**
 * Plans the loss, or its gradient, with the softmax in registers only.
 *
 * @param capabilities The device.
 * @param problem What is computed.
 * @returns Inputs 0 predictions, 1 labels and, backward, 2 heads; output 0.
 */
export function planCrossEntropy(capabilities: Capabilities, problem: CrossEntropyProblem): Plan {
  const { shape, axis, labelDType, backward } = problem;
  const where = "apply softmax cross entropy";
  checkDType(`${where}: labels`, labelDType, ["float32", "int32"]);
  const count = countOperand(capabilities, where, shape, 4);
  const elements = shape[axis]!;
  const inner = elementCount(shape.slice(axis + 1));
  const items = elementCount(shape.filter((_, at) => at !== axis));
  const result = {
    label: `SoftmaxCrossEntropy/${backward ? "backward" : "forward"}`,
    slots: plainSlots(backward ? 3 : 2),
    flops: 5 * count,
    bytes: totalBytes("float32", count, items, items, backward ? count : 0),
  };
  if (count === 0) return { ...result, dispatches: [] };
  const id = backward ? "loss/cross_entropy.backward" : "loss/cross_entropy.forward";
  const lanes = lanesFor(capabilities, inner, elements);
  const { multiplier, shift } = divisor(inner);
  const dispatch = makeDispatch(
    programs[usesTexels(capabilities) ? `${id}_texel` as const : id],
    {
      local_size_x: plainLocalSize(capabilities),
      float_labels: labelDType === "float32" ? 1 : 0,
      lanes,
    },
    { items, elements, inner, multiplier_inner: multiplier, shift_inner: shift },
    backward ? [0, 1, 2, 3] : [0, 1, 2],
    lanes > 1 ? foldGrid(capabilities, items) : gridForItems(capabilities, items),
  );
  return { ...result, dispatches: [dispatch] };
}
