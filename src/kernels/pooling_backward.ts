// Dispatches of pooling's gradient to the input: the variants, and which runs which problem on which device.

import type { Dispatch } from "../core/dispatch.ts";
import type { DType } from "../core/dtype.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { type Capabilities, makeDispatch } from "./plan.ts";
import { poolingProgram, ruleConstants, windowConstants } from "./pooling_program.ts";
import { divisionWords, planeSize, type PoolingProblem, tripleWords } from "./pooling_problem.ts";

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

/** Whether all averages have the same divisor: no window is cut off, or padding counts and none passes it. */
function uniformAverage(problem: PoolingProblem): boolean {
  const { adaptive, outputSize, stride, kernel, before, limit, size, includePad } = problem;
  return !adaptive && [0, 1, 2].every((axis) => {
    const end = (outputSize[axis]! - 1) * stride[axis]! + kernel[axis]!;
    const padded = before[axis]! + limit[axis]!;
    return end <= padded && (includePad || padded === size[axis]);
  });
}

function gather(
  capabilities: Capabilities,
  problem: PoolingProblem,
  dtype: DType,
  bound: readonly number[],
): Dispatch {
  const { size, outputSize, inner, before, limit } = problem;
  const average = problem.type === "avg";
  const half = dtype === "float16";
  const rows = inner === 1 && size[2] % 4 === 0;
  const span = !half && size[2] >= 4 ? 4 : 1;
  const runs = Math.ceil(size[2] / span);
  const runCount = problem.outer * size[0] * size[1] * runs * inner;
  const count = half ? Math.ceil(runCount / 2) : runCount;
  const windows = [
    coveringWindows(problem, 0, 1),
    coveringWindows(problem, 1, 1),
    coveringWindows(problem, 2, span),
  ] as const;
  const unrolled = !problem.adaptive && windows[0] * windows[1] * windows[2] <= 12;
  return makeDispatch(
    poolingProgram(capabilities, "backward", Math.max(problem.outputCount, 1)),
    {
      local_size_x: plainLocalSize(capabilities),
      average: average ? 1 : 0,
      uniform: average && uniformAverage(problem) ? 1 : 0,
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
    bound,
    gridForItems(capabilities, count),
  );
}

/** Vec4s that the CPU kernel may read, and products of windows and elements: what is unrolled compiles in half a second. */
const MOST_LOADS = 36;
const MOST_SUMS = 400;
/** Pixels of a run of the CPU kernel. */
const RUN = 8;

/** Rows of one invocation of the CPU kernel; 0 if it does not fit. */
function cpuRows(capabilities: Capabilities, problem: PoolingProblem): number {
  const { type, size, outputSize, kernel, stride, before, inner, outer } = problem;
  const fits = capabilities.deviceClass === "cpu" && capabilities.int64 &&
    inner === 1 && !problem.adaptive && stride[2] <= 2 && size[2] % RUN === 0 &&
    outputSize[2] % 4 === 0 && outer * size[0] <= 65_535 && size[1] * size[2] < 2 ** 21;
  if (!fits || (type === "avg" && !uniformAverage(problem))) return 0;
  const early = (axis: 1 | 2): number =>
    Math.floor((kernel[axis] - 1 - before[axis]) / stride[axis]);
  const reach = (axis: 1 | 2, span: number): number =>
    Math.floor((span - 1 + before[axis]) / stride[axis]) + 1;
  const texels = Math.ceil(early(2) / 4) + Math.ceil(reach(2, RUN) / 4);
  const planes = Math.ceil(kernel[0] / stride[0]) * (type === "max" ? 2 : 1);
  return [4, 3, 2, 1].find((rows) => {
    const loads = (early(1) + reach(1, rows)) * texels * planes;
    const sums = rows * RUN * kernel[1] * kernel[2] * planes / (stride[1] * stride[2]);
    return rows % stride[1] === 0 && loads <= MOST_LOADS && sums <= MOST_SUMS;
  }) ?? 0;
}

/** Which operands of a CPU kernel are float16. */
function halfConstants(dtype: DType): Record<string, number> {
  return dtype === "float16" ? { half_head: 1, half_dx: 1 } : {};
}

function cpuBackward(
  capabilities: Capabilities,
  problem: PoolingProblem,
  dtype: DType,
  rows: number,
  bound: readonly number[],
): Dispatch {
  const { type, size, outputSize, kernel, stride, before } = problem;
  const runs = size[2] / RUN;
  const units = Math.ceil(size[1] / rows) * runs;
  const localSize = plainLocalSize(capabilities);
  return makeDispatch(
    poolingProgram(capabilities, "cpu_backward", problem.outputCount / 4),
    {
      local_size_x: localSize,
      rows,
      average: type === "avg" ? 1 : 0,
      ...tripleWords({ kernel, stride, before }),
      ...halfConstants(dtype),
    },
    {
      units,
      runs,
      ...tripleWords({ in: size }),
      out_d: outputSize[0],
      out_h: outputSize[1],
      out_vecs: outputSize[2] / 4,
    },
    bound,
    [Math.ceil(units / localSize), problem.outer * size[0], 1],
  );
}

function cpuSpread(
  capabilities: Capabilities,
  problem: PoolingProblem,
  dtype: DType,
  bound: readonly number[],
): Dispatch {
  const elements = planeSize(problem);
  const count = Math.ceil(problem.inputCount / RUN);
  return makeDispatch(
    poolingProgram(capabilities, "cpu_spread", problem.outputCount),
    {
      local_size_x: plainLocalSize(capabilities),
      average: problem.type === "avg" ? 1 : 0,
      octets: problem.inputCount % RUN === 0 ? 1 : 0,
      ...halfConstants(dtype),
    },
    {
      count,
      total: problem.inputCount,
      planes: problem.outer,
      elements,
      ...divisionWords({ elements }),
    },
    bound,
    gridForItems(capabilities, count),
  );
}

/**
 * The dispatch that makes the gradient to the input.
 *
 * @param capabilities The device.
 * @param problem The pooling; not empty.
 * @param dtype float32 or float16.
 * @param bound Slots of the gradient of the output, the places (unread for averages) and the result.
 * @param general Whether to take the kernel that works for every case.
 * @returns The dispatch and the name of the variant.
 */
export function backwardDispatch(
  capabilities: Capabilities,
  problem: PoolingProblem,
  dtype: DType,
  bound: readonly number[],
  general: boolean,
): { dispatch: Dispatch; variant: string } {
  if (!general && capabilities.deviceClass === "cpu" && capabilities.int64) {
    if (problem.whole && problem.inner === 1 && planeSize(problem) >= RUN) {
      return { dispatch: cpuSpread(capabilities, problem, dtype, bound), variant: "spread" };
    }
    const rows = cpuRows(capabilities, problem);
    if (rows > 0) {
      return { dispatch: cpuBackward(capabilities, problem, dtype, rows, bound), variant: "rows" };
    }
  }
  return { dispatch: gather(capabilities, problem, dtype, bound), variant: "gather" };
}
