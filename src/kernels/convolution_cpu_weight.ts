// What the convolution kernels for CPU devices share: the build for the device's load path, and the
// packed weight.

import { type ProgramId, programs } from "../../shaders/manifest.ts";
import type { Program } from "../core/dispatch.ts";
import type { ConvolutionProblem } from "./convolution_problem.ts";
import { type Capabilities, makeDispatch, type Slot } from "./plan.ts";

/** Lanes of a subgroup, and output channels of a block, in all these kernels. */
export const LANES = 8;

/** Names of the programs that come in a build for each load path. */
type CpuProgram = ProgramId extends infer Id
  ? Id extends `convolution/${infer Name}.address` ? Name : never
  : never;

/** The build of a program for the device's load path. */
export function cpuProgram(capabilities: Capabilities, name: CpuProgram): Program {
  return programs[`convolution/${name}.${capabilities.loadPath}`];
}

/**
 * Whether a device can run these kernels on operands of some sizes.
 *
 * @param capabilities The device.
 * @param floats Floats of every operand, temporaries included.
 * @returns False if a subgroup has not eight lanes, 64-bit integers lack, or an operand does not fit one binding.
 */
export function supportsCpuKernels(
  capabilities: Capabilities,
  ...floats: readonly number[]
): boolean {
  const largest = Math.max(...floats);
  const texels = capabilities.loadPath === "texel" ? capabilities.maxTexelBufferElements : Infinity;
  // 64-bit words halve the cost of stores on Mesa 22.
  return capabilities.subgroupSize === LANES && capabilities.subgroupShuffle &&
    capabilities.int64 &&
    largest <= texels && largest < 2 ** 31 && largest * 4 <= capabilities.maxStorageBufferRange;
}

/** Whether kernels read the cache lines of their result before they write them (lib/cpu_touch.glsl): where a load is cheap. */
export function touches(capabilities: Capabilities): boolean {
  return capabilities.loadPath === "texel";
}

/** The slots of a kernel whose last operand is its result, with the result once more to be read where `touches` says so. */
export function touchedSlots(capabilities: Capabilities, ...slots: readonly number[]): number[] {
  return touches(capabilities) ? [...slots, slots.at(-1)!] : [...slots];
}

/** The table that lib/cpu_store_lanes.glsl reads, in the build that has it. */
export function identityWords(capabilities: Capabilities): Record<string, number> {
  if (capabilities.loadPath !== "texel") return {};
  return Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`identity_${at}`, at]));
}

/**
 * The slots of a kernel whose last operands are its residual and its result: where a load is cheap, the result is read
 * before it is written, and the residual as vectors too.
 */
export function epilogueSlots(capabilities: Capabilities, ...slots: readonly number[]): number[] {
  return touches(capabilities) ? [...slots, slots.at(-1)!, slots.at(-2)!] : [...slots];
}

/**
 * Blocks of output channels that one invocation makes. Two share the reads of a 1x1 kernel or of a small image stem
 * (+15 %); elsewhere they only double the time that the driver compiles.
 *
 * @param problem The convolution.
 * @returns 1 or 2.
 */
export function blocksTogether(
  { kernel, channels, filters, groups, flops }: ConvolutionProblem,
): number {
  const taps = kernel[0] * kernel[1] * kernel[2];
  const shares = taps === 1 || (channels / groups < 4 && taps <= 9);
  return shares && filters / groups > LANES && flops >= 20e6 ? 2 : 1;
}

/** Blocks of one group, rounded up to those that are made together. */
export function packedBlocks(problem: ConvolutionProblem): number {
  const together = blocksTogether(problem);
  return Math.ceil(problem.filters / problem.groups / (LANES * together)) * together;
}

/** How pack_weight.comp arranges a weight. */
export interface WeightPacking {
  /** Taps along the width in one round, and rounds. */
  readonly taps: number;
  readonly tapGroups: number;
  /** Packed input channels, in vectors of four. */
  readonly quads: number;
}

/** Vectors of the packed weight of one group. */
export function packedWeightVectors(problem: ConvolutionProblem, packing: WeightPacking): number {
  return packedBlocks(problem) * problem.kernel[0] * problem.kernel[1] * packing.tapGroups *
    packing.quads * packing.taps * LANES;
}

/**
 * The prepared slot with the packed weight of one group.
 *
 * @param capabilities The device.
 * @param problem The convolution; its weight is input 1, in slot 1.
 * @param packing How to arrange it.
 * @param group Which group.
 * @returns The slot.
 */
export function packedWeight(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  packing: WeightPacking,
  group: number,
): Slot {
  const { weight, kernel } = problem;
  const filters = problem.filters / problem.groups;
  const total = packedWeightVectors(problem, packing);
  const words = {
    total,
    kernel_d: kernel[0],
    kernel_h: kernel[1],
    kernel_w: kernel[2],
    tap_groups: packing.tapGroups,
    taps: packing.taps,
    quads: packing.quads,
    inputs: problem.channels / problem.groups,
    channels: filters,
    channel_start: group * filters,
    step_o: weight.n,
    step_i: weight.c,
    step_d: weight.d,
    step_h: weight.h,
    step_w: weight.w,
  };
  const program = cpuProgram(capabilities, "pack_weight");
  const grid = [Math.min(Math.ceil(total / 64), 65_535), 1, 1] as const;
  return {
    role: "prepared",
    // Everything that the contents depend on, besides the weight itself.
    key: `cpu:${capabilities.loadPath}:${Object.values(words)}`,
    source: 1,
    byteLength: total * 16,
    dispatches: [makeDispatch(program, { local_size_x: 64 }, words, [0, 1], grid)],
  };
}

/** Push words `y_step_n` … of the stored result. */
export function outputWords({ output }: ConvolutionProblem): Record<string, number> {
  const { n, c, d, h, w } = output;
  return { y_step_n: n, y_step_c: c, y_step_d: d, y_step_h: h, y_step_w: w };
}

/** Whether the result is stored without a pixel shuffle. */
export function storesPlainly({ shuffle }: ConvolutionProblem): boolean {
  return shuffle.every((factor) => factor === 1);
}
