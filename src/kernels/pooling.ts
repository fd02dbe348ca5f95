// Plans of pooling: which kernel makes the maxima, averages or places of an input, and the gradient to it.

import type { Dispatch } from "../core/dispatch.ts";
import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { checkDType, countOperand } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan, type Slot } from "./plan.ts";
import {
  forwardDispatches,
  type Kind,
  poolingProgram,
  ruleConstants,
  windowConstants,
} from "./pooling_forward.ts";
import {
  describePooling,
  divisionWords,
  POOLING_DTYPES,
  type PoolingProblem,
  type PoolingSettings,
  tripleWords,
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

/** Most windows that cover at least one element of a run; runs begin at multiples of their length. */
function coveringWindows(problem: PoolingProblem, axis: 0 | 1 | 2, run: number): number {
  const [kernel, stride, before] = [problem.kernel, problem.stride, problem.before].map((list) =>
    list[axis]
  ) as [number, number, number];
  let most = 0;
  // The count repeats after as many runs as a window is apart; far apart, windows are few.
  for (let begin = 0; begin < run * Math.min(stride, 16); begin += run) {
    const first = Math.ceil((begin + before - kernel + 1) / stride);
    most = Math.max(most, Math.floor((begin + run - 1 + before) / stride) - first + 1);
  }
  const bound = Math.floor((run + kernel - 2) / stride) + 1;
  return Math.min(stride <= 16 ? most : bound, problem.outputSize[axis]);
}

/**
 * Plans the gradient of a pooling to its input. A maximum's gradient goes to the element that
 * {@linkcode planPoolingPlaces} names; an average's is divided as the average was.
 *
 * @param capabilities The device.
 * @param settings The pooling.
 * @param dtype Dtype of both gradients and the input.
 * @param general Whether to find the places with the kernel that works for every case.
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
  const { size, outputSize, inner, before, limit } = problem;
  const half = dtype === "float16";
  const quads = capabilities.deviceClass === "cpu" && !half;
  const rows = inner === 1 && size[2] % 4 === 0;
  const span = quads && size[2] >= 4 ? 4 : 1;
  const runs = Math.ceil(size[2] / span);
  const runCount = problem.outer * size[0] * size[1] * runs * inner;
  const count = half ? Math.ceil(runCount / 2) : runCount;
  const windows = [
    coveringWindows(problem, 0, 1),
    coveringWindows(problem, 1, 1),
    coveringWindows(problem, 2, span),
  ] as const;
  const uniform = !problem.adaptive && [0, 1, 2].every((axis) => {
    const end = (outputSize[axis]! - 1) * problem.stride[axis]! + problem.kernel[axis]!;
    const padded = before[axis]! + limit[axis]!;
    return end <= padded && (problem.includePad || padded === size[axis]);
  });
  const unrolled = !problem.adaptive && windows[0] * windows[1] * windows[2] <= 12;
  dispatches.push(makeDispatch(
    poolingProgram(capabilities, "backward", Math.max(problem.outputCount, 1)),
    {
      local_size_x: plainLocalSize(capabilities),
      average: average ? 1 : 0,
      uniform: average && uniform ? 1 : 0,
      span,
      vector_store: span === 4 && rows ? 1 : 0,
      ...tripleWords({ windows: unrolled ? windows : [0, 0, 0] }),
      short: Math.max(...problem.limit, ...before) < 2 ** 21 ? 1 : 0,
      ...ruleConstants(problem, dtype),
      ...windowConstants(problem),
    },
    {
      count,
      last: runCount - 1,
      inner,
      ...tripleWords({ in: size, out: outputSize, kernel: problem.kernel, before, limit }),
      ...tripleWords({ stride: problem.stride }),
      ...divisionWords({ inner, w: runs, h: size[1], d: size[0] }),
    },
    [0, places, 1],
    gridForItems(capabilities, count),
  ));
  return { label: `${name}_${variant}`, slots, dispatches, ...totals };
}
