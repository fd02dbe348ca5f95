// Plans of pooling: which kernel makes the maxima, averages or places of an input, and the gradient to it.

import type { Dispatch } from "../core/dispatch.ts";
import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { checkDType, countOperand } from "./operand.ts";
import type { Capabilities, Plan, Slot } from "./plan.ts";
import { backwardDispatch } from "./pooling_backward.ts";
import { forwardDispatches, type Kind } from "./pooling_forward.ts";
import {
  describePooling,
  POOLING_DTYPES,
  type PoolingProblem,
  type PoolingSettings,
} from "./pooling_problem.ts";

export type {
  NanPolicy,
  PoolingConvention,
  PoolingSettings,
  PoolingType,
  PoolingWindows,
} from "./pooling_problem.ts";

function checkProblem(
  capabilities: Capabilities,
  settings: PoolingSettings,
  dtype: DType,
): PoolingProblem {
  const problem = describePooling(settings);
  checkDType(problem.where, dtype, POOLING_DTYPES);
  for (const count of [problem.inputCount, problem.outputCount]) {
    countOperand(capabilities, problem.where, [count], 4);
  }
  return problem;
}

function planForward(
  capabilities: Capabilities,
  settings: PoolingSettings,
  kind: Kind,
  dtype: DType,
  general: boolean,
): Plan {
  const problem = checkProblem(capabilities, settings, dtype);
  const slots: Slot[] = [{ role: "input", index: 0 }, { role: "output", index: 0 }];
  const name = `${settings.name ?? "Pooling"}/${kind}`;
  const output = problem.outputCount * (kind === "places" ? 4 : dtypeByteLength(dtype));
  const totals = {
    flops: problem.flops,
    bytes: problem.inputCount * dtypeByteLength(dtype) + output,
  };
  if (problem.outputCount === 0) {
    return { label: `${name}_empty`, slots, dispatches: [], ...totals };
  }
  const bound = { input: 0, output: 1, slots };
  const { dispatches, variant } = forwardDispatches(
    capabilities,
    problem,
    kind,
    dtype,
    bound,
    general,
  );
  return { label: `${name}_${variant}`, slots, dispatches, ...totals };
}

/**
 * Shape of the result of a pooling.
 *
 * @param settings The pooling.
 * @returns The shape in the layout of the input.
 * @throws {ShapeError} If shapes and attributes do not fit each other, or padding is not smaller than the window.
 */
export function poolingOutputShape(settings: PoolingSettings): readonly number[] {
  return describePooling(settings).outputShape;
}

/**
 * Plans a max or average pooling.
 *
 * @param capabilities The device.
 * @param settings The pooling.
 * @param dtype float32 or float16; averages are summed in float32.
 * @param general Whether to take the kernel that works for every case, with which the others are compared.
 * @returns Input 0, output 0.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 * @throws {TypeError} If the dtype is another one.
 * @throws {LimitError} If a tensor exceeds what the device binds.
 */
export function planPooling(
  capabilities: Capabilities,
  settings: PoolingSettings,
  dtype: DType = "float32",
  general: boolean = false,
): Plan {
  return planForward(capabilities, settings, settings.type, dtype, general);
}

/**
 * Plans the places of the maxima: `(d · height + h) · width + w` of the first greatest element of each window in its
 * plane, or -1 for a window without one.
 *
 * @param capabilities The device.
 * @param settings The pooling; its type does not matter.
 * @param dtype Dtype of the input.
 * @param general Whether to take the kernel that works for every case.
 * @returns Input 0; output 0, int32 of the pooling's shape.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function planPoolingPlaces(
  capabilities: Capabilities,
  settings: PoolingSettings,
  dtype: DType = "float32",
  general: boolean = false,
): Plan {
  return planForward(capabilities, { ...settings, type: "max" }, "places", dtype, general);
}

/**
 * Plans the gradient of a pooling to its input. A maximum's gradient goes to the element that
 * {@linkcode planPoolingPlaces} names; an average's is divided as the average was.
 *
 * @param capabilities The device.
 * @param settings The pooling.
 * @param dtype Dtype of both gradients and the input.
 * @param general Whether to take the kernels that work for every case.
 * @returns Inputs 0 gradient of the output and 1 input (unread for averages), output 0 gradient of the input.
 * @throws {ShapeError} If shapes and attributes do not fit each other.
 */
export function planPoolingBackward(
  capabilities: Capabilities,
  settings: PoolingSettings,
  dtype: DType = "float32",
  general: boolean = false,
): Plan {
  const problem = checkProblem(capabilities, settings, dtype);
  const average = problem.type === "avg";
  const slots: Slot[] = [{ role: "input", index: 0 }, { role: "output", index: 0 }];
  const name = `_backward_${settings.name ?? "Pooling"}/${problem.type}`;
  const bytes = dtypeByteLength(dtype) *
    (problem.outputCount + problem.inputCount * (average ? 1 : 2));
  const totals = { flops: problem.flops, bytes };
  if (problem.outputCount === 0) {
    return { label: `${name}_empty`, slots, dispatches: [], ...totals };
  }

  const dispatches: Dispatch[] = [];
  let places = 0;
  let variant = "gather";
  if (!average) {
    const input = slots.push({ role: "input", index: 1 }) - 1;
    places = slots.push({ role: "temporary", byteLength: problem.outputCount * 4 }) - 1;
    const bound = { input, output: places, slots };
    const found = forwardDispatches(capabilities, problem, "places", dtype, bound, general);
    dispatches.push(...found.dispatches);
    variant = found.variant;
  }
  const backward = backwardDispatch(capabilities, problem, dtype, [0, places, 1], general);
  dispatches.push(backward.dispatch);
  if (backward.variant !== "gather") variant = `${variant}_${backward.variant}`;
  return { label: `${name}_${variant}`, slots, dispatches, ...totals };
}
