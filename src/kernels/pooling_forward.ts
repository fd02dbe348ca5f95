// Dispatches of pooling's forward kernels: the variants, and which runs which problem on which device.

import type { Dispatch } from "../core/dispatch.ts";
import { type DType, dtypeByteLength } from "../core/dtype.ts";
import {
  localSize,
  MOST_TEXELS,
  partsOf,
  partsTogether,
  PIXELS,
  rowsOf,
  type Sliding,
  windowOf,
} from "./cpu_lanes.ts";
import { foldGrid, gridForItems, plainLocalSize } from "./grid.ts";
import { type Capabilities, makeDispatch, type Slot } from "./plan.ts";
import { divisionWords, planeSize, type PoolingProblem, tripleWords } from "./pooling_problem.ts";
import { poolingProgram, ruleConstants, windowConstants } from "./pooling_program.ts";

/** What a forward kernel makes: the numbers are `k_kind` of the shaders. */
const KINDS = { max: 0, avg: 1, places: 2 } as const;
/** What a forward kernel makes. */
export type Kind = keyof typeof KINDS;

/** The slots that forward kernels bind. */
export interface ForwardSlots {
  readonly input: number;
  readonly output: number;
  /** All slots of the plan; a kernel may add temporary ones. */
  readonly slots: Slot[];
}

/** Which operands of a CPU kernel are float16; places never are. */
function halfConstants(kind: Kind, dtype: DType): Record<string, number> {
  if (dtype !== "float16") return {};
  return { half_x: 1, half_y: kind === "places" ? 0 : 1 };
}

/** float16 results come two in a word. */
function wordsOf(count: number, dtype: DType): number {
  return Math.ceil(count * dtypeByteLength(dtype) / 4);
}

/** Vec4s of an input row that four neighboring windows cover. */
function quadsUnderRun(problem: PoolingProblem): number {
  const lead = (4 - problem.before[2] % 4) % 4;
  return Math.floor((lead + 3 * problem.stride[2] + problem.kernel[2] + 3) / 4);
}

/** The kernel that makes four neighbors is unrolled over the window, so windows must be small; rows must be whole vec4s. */
function fitsQuads(
  { deviceClass }: Capabilities,
  problem: PoolingProblem,
  dtype: DType,
): boolean {
  const rows = problem.kernel[0] * problem.kernel[1];
  // Single halves are stored in atomic steps.
  const stores = deviceClass === "cpu" || dtype !== "float16" || problem.outputSize[2] % 4 === 0;
  return stores && problem.inner === 1 &&
    problem.size[2] % 4 === 0 && !problem.adaptive && !problem.propagate &&
    rows * quadsUnderRun(problem) <= 32 && rows * problem.kernel[2] <= 64;
}

function quadsForward(
  capabilities: Capabilities,
  problem: PoolingProblem,
  kind: Kind,
  dtype: DType,
  { input, output }: ForwardSlots,
): Dispatch {
  const { size, outputSize, kernel, stride, before, limit } = problem;
  const runs = Math.ceil(outputSize[2] / 4);
  const count = problem.outer * outputSize[0] * outputSize[1] * runs;
  return makeDispatch(
    poolingProgram(capabilities, "cpu_forward", problem.inputCount / 4),
    {
      local_size_x: plainLocalSize(capabilities),
      kind: KINDS[kind],
      ...tripleWords({ kernel }),
      stride_w: stride[2],
      lead: (4 - before[2] % 4) % 4,
      vector_store: outputSize[2] % 4 === 0 ? 1 : 0,
      half: dtype === "float16" ? 1 : 0,
      include_pad: problem.includePad ? 1 : 0,
      ...halfConstants(kind, dtype),
    },
    {
      count,
      runs,
      in_d: size[0],
      in_h: size[1],
      vecs: size[2] / 4,
      ...tripleWords({ out: outputSize, before, limit }),
      stride_d: stride[0],
      stride_h: stride[1],
      ...divisionWords({ w: runs, h: outputSize[1], d: outputSize[0] }),
    },
    [input, output],
    gridForItems(capabilities, count),
  );
}

/** The windows as those of a convolution. */
function sliding({ size, kernel, stride, before, outputSize }: PoolingProblem): Sliding {
  return {
    inputSize: size,
    kernel,
    stride,
    dilation: [1, 1, 1],
    padding: before,
    size: outputSize,
  };
}

/** Maxima of wide rows; few lanes may stay idle. */
function fitsCpuLanes(
  capabilities: Capabilities,
  problem: PoolingProblem,
  kind: Kind,
): boolean {
  const { size, outputSize, kernel, stride } = problem;
  const windows = sliding(problem);
  const window = windowOf(windows);
  const rows = rowsOf(windows, window);
  if (rows === 0 || window.texels > MOST_TEXELS) return false;
  const flat = kernel[0] === 1 && stride[0] === 1 && size[0] === outputSize[0];
  return kind === "max" && flat && outputSize[2] % 4 === 0 && kernel[1] * kernel[2] <= 25 &&
    outputSize[2] <= PIXELS * capabilities.maxWorkgroupInvocations &&
    problem.outer * size[0] <= 65_535 && capabilities.int64 && capabilities.subgroupShuffle &&
    capabilities.subgroupSize === 8 &&
    outputSize[1] * outputSize[2] >= 0.6 * partsOf(windows, window.runs, rows).made;
}

/** Whether no window reads behind the end of a row, and each has at least one row that is there. */
function readsInside({ size, outputSize, kernel, stride, before }: PoolingProblem): boolean {
  const [, height, width] = outputSize.map((count, axis) =>
    (count - 1) * stride[axis]! - before[axis]!
  ) as [number, number, number];
  return width + kernel[2] <= size[2] && height < size[1] && kernel[1] > before[1];
}

function cpuLanes(
  capabilities: Capabilities,
  problem: PoolingProblem,
  dtype: DType,
  { input, output }: ForwardSlots,
): Dispatch {
  const { size, outputSize, kernel, stride, before } = problem;
  const windows = sliding(problem);
  const window = windowOf(windows);
  const rows = rowsOf(windows, window);
  const { strips, stripsPerPart, parts } = partsOf(windows, window.runs, rows);
  const planes = problem.outer * size[0];
  const together = partsTogether(parts, planes);
  return makeDispatch(
    poolingProgram(capabilities, "cpu_lanes", problem.inputCount / 4),
    {
      local_size_x: localSize(window.runs),
      rows,
      kernel_h: kernel[1],
      kernel_w: kernel[2],
      stride_h: stride[1],
      stride_w: stride[2],
      pad_w: before[2],
      neighbors: window.neighbors,
      store_octets: outputSize[2] % PIXELS === 0 ? 1 : 0,
      whole: readsInside(problem) ? 1 : 0,
      ...halfConstants("max", dtype),
    },
    {
      parts: together,
      strips_per_part: stripsPerPart,
      strips,
      runs: window.runs,
      x_height: size[1],
      x_vecs: size[2] / 4,
      pad_h: before[1],
      out_h: outputSize[1],
      out_w: outputSize[2],
    },
    [input, output],
    [Math.ceil(parts / together), planes, 1],
  );
}

function cpuChannels(
  capabilities: Capabilities,
  problem: PoolingProblem,
  kind: Kind,
  dtype: DType,
  { input, output }: ForwardSlots,
): Dispatch {
  const { size, outputSize, kernel, stride, before, limit } = problem;
  const quads = problem.inner / 4;
  const count = problem.outputCount / 4;
  return makeDispatch(
    poolingProgram(capabilities, "cpu_channels", problem.inputCount / 4),
    {
      local_size_x: plainLocalSize(capabilities),
      kind: KINDS[kind],
      ...ruleConstants(problem, dtype),
      ...halfConstants(kind, dtype),
      ...windowConstants(problem),
    },
    {
      count,
      quads,
      ...tripleWords({ in: size, out: outputSize, kernel, stride, before, limit }),
      ...divisionWords({ quads, w: outputSize[2], h: outputSize[1], d: outputSize[0] }),
    },
    [input, output],
    gridForItems(capabilities, count),
  );
}

function cpuReduce(
  capabilities: Capabilities,
  problem: PoolingProblem,
  kind: Kind,
  dtype: DType,
  { input, output }: ForwardSlots,
): Dispatch {
  return makeDispatch(
    poolingProgram(capabilities, "cpu_reduce", Math.ceil(problem.inputCount / 4)),
    {
      local_size_x: plainLocalSize(capabilities),
      kind: KINDS[kind],
      ...ruleConstants(problem, dtype),
      ...halfConstants(kind, dtype),
    },
    {
      planes: problem.outer,
      elements: planeSize(problem),
      last: Math.ceil(problem.inputCount / 4) - 1,
    },
    [input, output],
    gridForItems(capabilities, problem.outer),
  );
}

function generalForward(
  capabilities: Capabilities,
  problem: PoolingProblem,
  kind: Kind,
  dtype: DType,
  { input, output }: ForwardSlots,
): Dispatch {
  const { size, outputSize, kernel, stride, before, limit, inner } = problem;
  const words = wordsOf(problem.outputCount, kind === "places" ? "int32" : dtype);
  return makeDispatch(
    poolingProgram(capabilities, "forward", wordsOf(problem.inputCount, dtype)),
    {
      local_size_x: plainLocalSize(capabilities),
      kind: KINDS[kind],
      ...ruleConstants(problem, dtype),
      ...windowConstants(problem),
    },
    {
      words,
      last: problem.outputCount - 1,
      inner,
      ...tripleWords({ in: size, out: outputSize, kernel, stride, before, limit }),
      ...divisionWords({ inner, w: outputSize[2], h: outputSize[1], d: outputSize[0] }),
    },
    [input, output],
    gridForItems(capabilities, words),
  );
}

/** How a reduction of whole planes is shared out. */
interface Sharing {
  /** Invocations that work on one result together: a power of two that divides the local size. */
  readonly lanes: number;
  /** Pieces of a plane that a first stage reduces on their own; 1 for one stage. */
  readonly chunks: number;
}

function shareReduction(capabilities: Capabilities, problem: PoolingProblem): Sharing {
  const elements = planeSize(problem);
  const items = problem.outer * problem.inner;
  const pieces = (least: number, wanted: number): number =>
    Math.max(1, Math.min(Math.ceil(elements / least), Math.floor(wanted / items)));
  if (capabilities.deviceClass === "cpu") return { lanes: 1, chunks: pieces(256, 2_048) };
  // Neighbors read neighbors: along the channels where these are innermost, else along the plane.
  if (problem.inner > 1) return { lanes: 1, chunks: pieces(64, 32_768) };
  // Four elements in flight for each.
  const most = Math.floor(Math.log2(plainLocalSize(capabilities)));
  const lanes = elements < 32 ? 1 : 2 ** Math.min(Math.ceil(Math.log2(elements / 4)), most);
  return { lanes, chunks: pieces(4_096, 1_024) };
}

function reduceForward(
  capabilities: Capabilities,
  problem: PoolingProblem,
  kind: Kind,
  dtype: DType,
  { input, output, slots }: ForwardSlots,
): Dispatch[] {
  const elements = planeSize(problem);
  const items = problem.outer * problem.inner;
  const { lanes, chunks: wanted } = shareReduction(capabilities, problem);
  const together = Math.floor(plainLocalSize(capabilities) / lanes);
  const chunk = Math.ceil(elements / wanted);
  const chunks = Math.ceil(elements / chunk);
  const stage = (number: 0 | 1 | 2, results: number, half: boolean, bound: readonly number[]) => {
    const words = half ? Math.ceil(results / 2) : results;
    return makeDispatch(
      poolingProgram(capabilities, "reduce", wordsOf(problem.inputCount, dtype)),
      {
        local_size_x: lanes * together,
        kind: KINDS[kind],
        stage: number,
        lanes,
        items: together,
        ...ruleConstants(problem, dtype),
      },
      {
        items: words,
        last: results - 1,
        elements,
        inner: problem.inner,
        chunk,
        chunks,
        divisor: elements,
        ...divisionWords({ inner: problem.inner, chunks }),
      },
      bound,
      foldGrid(capabilities, Math.ceil(words / together)),
    );
  };
  const half = dtype === "float16" && kind !== "places";
  if (chunks === 1) return [stage(0, items, half, [input, input, output])];
  const partials = slots.push({ role: "temporary", byteLength: items * chunks * 4 }) - 1;
  return [
    stage(1, items * chunks, false, [input, input, partials]),
    stage(2, items, half, [input, partials, output]),
  ];
}

/**
 * The dispatches that make maxima, averages or places.
 *
 * @param capabilities The device.
 * @param problem The pooling; not empty.
 * @param kind What to make.
 * @param dtype float32 or float16.
 * @param bound Where input and output are.
 * @param general Whether to take the kernel that works for every case.
 * @returns The dispatches and the name of the variant.
 */
export function forwardDispatches(
  capabilities: Capabilities,
  problem: PoolingProblem,
  kind: Kind,
  dtype: DType,
  bound: ForwardSlots,
  general: boolean,
): { dispatches: Dispatch[]; variant: string } {
  if (general) {
    const dispatches = [generalForward(capabilities, problem, kind, dtype, bound)];
    return { dispatches, variant: "general" };
  }
  const cpu = capabilities.deviceClass === "cpu";
  const whole = problem.whole && shareReduction(capabilities, problem).chunks === 1;
  if (cpu && problem.inner % 4 === 0 && (whole || !problem.whole)) {
    const dispatches = [cpuChannels(capabilities, problem, kind, dtype, bound)];
    return { dispatches, variant: "cpu_channels" };
  }
  if (cpu && whole && problem.inner === 1) {
    const dispatches = [cpuReduce(capabilities, problem, kind, dtype, bound)];
    return { dispatches, variant: "cpu_reduce" };
  }
  if (problem.whole) {
    const dispatches = reduceForward(capabilities, problem, kind, dtype, bound);
    return { dispatches, variant: dispatches.length > 1 ? "reduce_twice" : "reduce" };
  }
  const quads = fitsQuads(capabilities, problem, dtype);
  if (cpu && quads && fitsCpuLanes(capabilities, problem, kind)) {
    return { dispatches: [cpuLanes(capabilities, problem, dtype, bound)], variant: "cpu_lanes" };
  }
  if (quads) {
    const dispatches = [quadsForward(capabilities, problem, kind, dtype, bound)];
    return { dispatches, variant: cpu ? "cpu" : "quads" };
  }
  return forwardDispatches(capabilities, problem, kind, dtype, bound, true);
}
