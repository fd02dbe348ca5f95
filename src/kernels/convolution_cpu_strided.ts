// Strided 1x1 convolution for CPU devices: the pixels that it reads are gathered first, so that it has no stride.

import { contiguousStrides } from "../core/shape.ts";
import { planCpuPointwise, supportsCpuPointwise } from "./convolution_cpu_pointwise.ts";
import { LANES, storesPlainly } from "./convolution_cpu_weight.ts";
import { type ConvolutionProblem, convolutionSlots, product } from "./convolution_problem.ts";
import type { Capabilities, Plan } from "./plan.ts";
import { copyRegion } from "./region.ts";

/** Outputs of an invocation of the 1x1 kernel; with fewer it is slower than kernels that do not gather. */
const PIXELS = 8;
/** Smaller convolutions take longer to launch twice than to compute. */
const ENOUGH_FLOPS = 4e6;

/** The convolution of the gathered pixels. */
function gathered(problem: ConvolutionProblem): ConvolutionProblem {
  const { batch, channels, size } = problem;
  const sizes = [batch, channels, ...size];
  const [n, c, d, h, w] = contiguousStrides(sizes) as [number, number, number, number, number];
  return {
    ...problem,
    stride: [1, 1, 1],
    inputSize: size,
    input: { n, c, d, h, w },
    inputCount: product(sizes),
  };
}

function supports(problem: ConvolutionProblem, capabilities: Capabilities): boolean {
  return product(problem.stride) > 1 && storesPlainly(problem) &&
    supportsCpuPointwise(gathered(problem), capabilities);
}

/** Whether there is enough to do for every lane: on a CPU device, with channels and filters on both sides of the product. */
function prefers(problem: ConvolutionProblem, { deviceClass }: Capabilities): boolean {
  const { channels, filters, batch, size, flops } = problem;
  const runs = batch * product(size) / PIXELS;
  return deviceClass === "cpu" && product(size) % PIXELS === 0 && channels >= 32 && filters >= 32 &&
    flops >= ENOUGH_FLOPS && runs >= 0.75 * Math.ceil(runs / LANES) * LANES;
}

/**
 * Plans a strided 1x1 convolution for a CPU device.
 *
 * @param capabilities The device.
 * @param problem The convolution; not empty, and one that is supported.
 * @returns Dispatches that gather the pixels, and one that multiplies.
 */
function plan(capabilities: Capabilities, problem: ConvolutionProblem): Plan {
  const { batch, channels, size, stride, input } = problem;
  const inner = gathered(problem);
  const { slots, order } = convolutionSlots(problem);
  const image = order[0]!;
  const pixels = slots.push({ role: "temporary", byteLength: inner.inputCount * 4 }) - 1;
  const sizes = [batch, channels, ...size];
  const region = {
    sizes,
    from: {
      base: 0,
      strides: [input.n, input.c, input.d * stride[0], input.h * stride[1], input.w * stride[2]],
    },
    to: { base: 0, strides: contiguousStrides(sizes) },
    outputCount: inner.inputCount,
  };
  const multiply = planCpuPointwise(capabilities, inner).dispatches.map((dispatch) => ({
    ...dispatch,
    slots: dispatch.slots.map((at) => at === image ? pixels : at),
  }));
  return {
    label: "Convolution/cpu_strided",
    slots,
    dispatches: [...copyRegion(capabilities, region, 4, [image, pixels]), ...multiply],
    flops: problem.flops,
    bytes: problem.bytes,
  };
}

/** The row of the variant table. */
export const cpuStrided = { name: "cpu_strided", supports, when: prefers, plan } as const;
