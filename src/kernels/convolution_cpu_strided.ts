// Strided 1x1 convolution for CPU devices: the pixels that it reads are gathered first, so that it has no stride.

import type { Dispatch } from "../core/dispatch.ts";
import { contiguousStrides } from "../core/shape.ts";
import { planCpuPointwise, supportsCpuPointwise } from "./convolution_cpu_pointwise.ts";
import { LANES, storesPlainly } from "./convolution_cpu_weight.ts";
import { type ConvolutionProblem, convolutionSlots, product } from "./convolution_problem.ts";
import type { Capabilities, Plan } from "./plan.ts";
import { copyRegion } from "./region.ts";

/** Outputs of an invocation of the 1x1 kernel; with fewer it is slower than those that pack the image. */
const PIXELS = 8;
/** Smaller convolutions take longer to launch three times than to compute. */
const ENOUGH_FLOPS = 4e6;

/** A strided convolution after its pixels are gathered. */
interface Gathered {
  readonly problem: ConvolutionProblem;
  /** Whether the pixels of all images lie in one row, filled up to whole runs: its results are moved to their places. */
  readonly joined: boolean;
}

function gather(problem: ConvolutionProblem): Gathered {
  const { batch, channels, filters, size } = problem;
  const pixels = product(size);
  const stride = [1, 1, 1] as const;
  if (pixels % PIXELS === 0 && size[0] === 1 && problem.output.w === 1) {
    const [n, c, d, h, w] = contiguousStrides([batch, channels, ...size]) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const input = { n, c, d, h, w };
    const inputCount = batch * channels * pixels;
    return { problem: { ...problem, stride, inputSize: size, input, inputCount }, joined: false };
  }
  const width = Math.ceil(batch * pixels / PIXELS) * PIXELS;
  const row = { c: width, d: width, h: width, w: 1 };
  return {
    problem: {
      ...problem,
      batch: 1,
      stride,
      inputSize: [1, 1, width],
      size: [1, 1, width],
      input: { n: channels * width, ...row },
      output: { n: filters * width, ...row },
      inputCount: channels * width,
      outputCount: filters * width,
    },
    joined: true,
  };
}

/** Whether a device can gather the pixels of a problem and run the 1x1 kernel on them. */
function supports(
  problem: ConvolutionProblem,
  capabilities: Capabilities,
): boolean {
  const { kernel, padding, stride } = problem;
  const { problem: inner, joined } = gather(problem);
  return product(stride) > 1 && product(kernel) === 1 && padding.every((zeros) => zeros === 0) &&
    storesPlainly(problem) && (!joined || problem.residual === "none") &&
    supportsCpuPointwise(inner, capabilities);
}

/** Whether there is enough to do for every lane: on a CPU device, with channels and filters on both sides of the product. */
function prefers(
  problem: ConvolutionProblem,
  { deviceClass }: Capabilities,
): boolean {
  const { channels, filters, batch, size, flops } = problem;
  const runs = batch * product(size) / PIXELS;
  return deviceClass === "cpu" && channels >= 32 && filters >= 32 && flops >= ENOUGH_FLOPS &&
    runs >= 0.75 * Math.ceil(runs / LANES) * LANES;
}

/**
 * Plans a strided 1x1 convolution for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty, and one that is supported.
 * @returns Dispatches that gather the pixels, one that multiplies, and where images share runs those that part them.
 */
function plan(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const { batch, channels, filters, size, stride, input, output } = problem;
  const { problem: inner, joined } = gather(problem);
  const { slots, order } = convolutionSlots(problem);
  const [image, , , , result] = order as [number, number, number, number, number];
  const temporary = (count: number) => slots.push({ role: "temporary", byteLength: count * 4 }) - 1;
  const packed = temporary(inner.inputCount);
  const sums = joined ? temporary(inner.outputCount) : result;
  const moved = contiguousStrides([1, ...size]);
  const pixels = product(size);
  const dispatches: Dispatch[] = copyRegion(
    capabilities,
    {
      sizes: [channels, batch, ...size],
      from: {
        base: 0,
        strides: [input.c, input.n, input.d * stride[0], input.h * stride[1], input.w * stride[2]],
      },
      to: {
        base: 0,
        strides: [inner.input.c, joined ? pixels : inner.input.n, ...moved.slice(1)],
      },
      outputCount: inner.inputCount,
    },
    4,
    [image, packed],
  );
  for (const dispatch of planCpuPointwise(capabilities, inner).dispatches) {
    const place = (at: number) => at === image ? packed : at === result ? sums : at;
    dispatches.push({ ...dispatch, slots: dispatch.slots.map(place) });
  }
  if (joined) {
    const region = {
      sizes: [batch, filters, ...size],
      from: { base: 0, strides: [pixels, inner.output.c, ...moved.slice(1)] },
      to: { base: 0, strides: [output.n, output.c, output.d, output.h, output.w] },
      outputCount: problem.outputCount,
    };
    dispatches.push(...copyRegion(capabilities, region, 4, [sums, result]));
  }
  return {
    label: "Convolution/cpu_strided",
    slots,
    dispatches,
    flops: problem.flops,
    bytes: problem.bytes,
  };
}

/** The row of the variant table. */
export const cpuStrided = { name: "cpu_strided", supports, when: prefers, plan } as const;
