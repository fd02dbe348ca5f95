// The operands of a cooperative matrix product as its kernel reads them: octets, 16 bytes of eight channels or columns.

import { programs } from "../../shaders/manifest.ts";
import type { Dispatch } from "../core/dispatch.ts";
import { type ConvolutionProblem, type ImageStrides, inRows } from "./convolution_problem.ts";
import type { CooperativeTile } from "./cooperative_tile.ts";
import { divisor } from "./divisor.ts";
import { planFill } from "./elementwise.ts";
import { foldGrid, gridForItems, plainLocalSize } from "./grid.ts";
import { countOperand } from "./operand.ts";
import { type Capabilities, makeDispatch, type Slot } from "./plan.ts";

const WHERE = "pack an operand of Convolution";

const OCTET_BYTES = 16;

/**
 * Whether a device runs the workgroups of 256 invocations that some of these kernels have.
 *
 * @param capabilities The device.
 * @returns Whether it does.
 */
export function hasTileWorkgroups(capabilities: Capabilities): boolean {
  return capabilities.maxWorkgroupInvocations >= 256 && capabilities.maxWorkgroupSize[0] >= 256;
}

/** How the kernel may read the input without a copy, and write the result. */
export interface CooperativeAccess {
  /** `channels` are eight neighbors in memory, `columns` are, or the input must be `packed`. */
  readonly load: "channels" | "columns" | "packed";
  /** 0 halves, 1 eight columns at once, 2 eight filters at once. */
  readonly store: 0 | 1 | 2;
}

/**
 * Finds out what lies in a row in memory.
 *
 * @param problem The convolution.
 * @returns The fastest ways of reading and writing.
 */
export function cooperativeAccess(problem: ConvolutionProblem): CooperativeAccess {
  const { input, output, size, inputSize, kernel, stride, padding } = problem;
  const pixels = size[0] * size[1] * size[2];
  const octets = (...values: readonly number[]): boolean =>
    values.every((value) => value % 8 === 0);
  const pointwise = [0, 1, 2].every((axis) =>
    kernel[axis] === 1 && stride[axis] === 1 && padding[axis] === 0 &&
    size[axis] === inputSize[axis]
  );
  let load: CooperativeAccess["load"] = "packed";
  if (
    input.c === 1 && octets(problem.channels / problem.groups, input.n, input.d, input.h, input.w)
  ) load = "channels";
  else if (pointwise && inRows(input, inputSize) && octets(pixels, input.n, input.c)) {
    load = "columns";
  }
  const plain = problem.shuffle.every((factor) => factor === 1);
  let store: CooperativeAccess["store"] = 0;
  if (plain && inRows(output, size) && octets(pixels, output.n, output.c)) store = 1;
  else if (
    plain && output.c === 1 &&
    octets(problem.filters / problem.groups, output.n, output.d, output.h, output.w)
  ) store = 2;
  return { load, store };
}

/** The input with its channels in a row. */
export interface PackedInput {
  /** In octets. */
  readonly strides: ImageStrides;
  readonly byteLength: number;
  /** Slots are 0 the input and 1 the copy. */
  readonly dispatches: readonly Dispatch[];
}

/** One invocation for each octet, or for both parts of one. */
function packOctets(
  capabilities: Capabilities,
  { input, batch, groups, channels, inputSize: [depth, height, width] }: ConvolutionProblem,
  octets: number,
  program: "cooperative/pack_input" | "cooperative/pack_input_parts",
): Dispatch {
  const row = groups * octets;
  const pixels = depth * height * width;
  const count = batch * pixels * row;
  const divisors = [pixels, row, height, width, octets].map(divisor);
  return makeDispatch(
    programs[program],
    { local_size_x: plainLocalSize(capabilities) },
    {
      count,
      group_octets: octets,
      row_octets: row,
      group_channels: channels / groups,
      pixels,
      in_h: height,
      in_w: width,
      pixels_multiplier: divisors[0]!.multiplier,
      row_multiplier: divisors[1]!.multiplier,
      in_h_multiplier: divisors[2]!.multiplier,
      in_w_multiplier: divisors[3]!.multiplier,
      group_multiplier: divisors[4]!.multiplier,
      shifts: divisors.reduce((bits, { shift }, at) => bits | (shift << (5 * at)), 0),
      input_n: input.n,
      input_c: input.c,
      input_d: input.d,
      input_h: input.h,
      input_w: input.w,
    },
    [0, 1],
    gridForItems(capabilities, count),
  );
}

/** One workgroup for each tile of 64 pixels and 64 channels. */
function packTiles(
  capabilities: Capabilities,
  { input, batch, groups, channels, inputSize: [depth, height, width] }: ConvolutionProblem,
  octets: number,
): Dispatch {
  const pixels = depth * height * width;
  const tilesPixels = Math.ceil(pixels / 64);
  const tilesOctets = Math.ceil(groups * octets / 8);
  const workgroups = batch * tilesPixels * tilesOctets;
  const rows = inRows(input, [depth, height, width]);
  const divisors = [height, width, octets].map(divisor);
  return makeDispatch(
    programs["cooperative/pack_tile"],
    { wide: rows && [pixels, input.n, input.c].every((each) => each % 8 === 0) ? 1 : 0 },
    {
      workgroups,
      tiles_pixels: tilesPixels,
      tiles_octets: tilesOctets,
      group_octets: octets,
      row_octets: groups * octets,
      group_channels: channels / groups,
      pixels,
      in_h: height,
      in_w: width,
      in_h_multiplier: divisors[0]!.multiplier,
      in_w_multiplier: divisors[1]!.multiplier,
      group_multiplier: divisors[2]!.multiplier,
      shifts: divisors.reduce((bits, { shift }, at) => bits | (shift << (5 * at)), 0),
      input_n: input.n,
      input_c: input.c,
      input_d: input.d,
      input_h: input.h,
      input_w: input.w,
    },
    [0, 1],
    foldGrid(capabilities, workgroups),
  );
}

/** Writes the largest magnitude of slot 0 into the first octet of slot 1. */
function findMagnitude(capabilities: Capabilities, count: number): Dispatch[] {
  const [fill] = planFill(capabilities, 0, OCTET_BYTES).dispatches;
  const wanted = Math.min(Math.ceil(count / 2048), 4 * capabilities.processors);
  const grid = foldGrid(capabilities, wanted);
  const invocations = grid[0] * grid[1] * grid[2] * 256;
  return [
    { ...fill!, slots: [1] },
    makeDispatch(programs["cooperative/magnitude"], {}, { count, invocations }, [0, 1], grid),
  ];
}

/**
 * Plans the copy of the input.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param parts Whether the input is float32, to be copied in two parts of float16.
 * @returns The copy's place, and how to make it.
 * @throws {LimitError} If it is more than the device binds.
 */
export function packCooperativeInput(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  parts: boolean,
): PackedInput {
  const { batch, groups } = problem;
  const [depth, height, width] = problem.inputSize;
  const channels = problem.channels / groups;
  const octets = Math.ceil(channels / 8);
  const copies = parts ? 2 : 1;
  const row = groups * octets * copies;
  const pixels = depth * height * width;
  const count = batch * pixels * row + (parts ? 1 : 0);
  countOperand(capabilities, WHERE, [count], OCTET_BYTES);
  let dispatches: Dispatch[];
  if (parts) {
    dispatches = [
      ...findMagnitude(capabilities, problem.inputCount),
      packOctets(capabilities, problem, octets, "cooperative/pack_input_parts"),
    ];
  } else if (groups * octets >= 4 && hasTileWorkgroups(capabilities)) {
    dispatches = [packTiles(capabilities, problem, octets)];
  } else {
    dispatches = [packOctets(capabilities, problem, octets, "cooperative/pack_input")];
  }
  return {
    strides: {
      n: pixels * row,
      c: octets * copies, // of a group
      d: height * width * row,
      h: width * row,
      w: row,
    },
    byteLength: count * OCTET_BYTES,
    dispatches,
  };
}

/** The weight as the kernel reads it. */
export interface PackedWeight {
  readonly steps: number;
  /** Octets of one kernel position, and of all, in one group. */
  readonly channelOctets: number;
  readonly tapOctets: number;
  /** Made once for each weight. */
  readonly slot: Slot & { readonly role: "prepared" };
}

/**
 * Plans the packed weight.
 *
 * @param capabilities The device.
 * @param problem The convolution.
 * @param tile The tile of the product.
 * @param parts Whether the weight is float32, to be packed in parts of float16.
 * @returns A prepared slot, and its sizes.
 * @throws {LimitError} If it is more than the device binds.
 */
export function packCooperativeWeight(
  capabilities: Capabilities,
  problem: ConvolutionProblem,
  tile: CooperativeTile,
  parts: boolean,
): PackedWeight {
  const { weight, groups, kernel } = problem;
  const channels = problem.channels / groups;
  const filters = problem.filters / groups;
  const channelOctets = Math.ceil(channels / 8) * (parts ? 3 : 1);
  const tapOctets = kernel[0] * kernel[1] * kernel[2] * channelOctets;
  const steps = Math.ceil(tapOctets * 8 / tile.k);
  const tilesM = Math.ceil(filters / tile.m);
  const count = groups * tilesM * steps * tile.m * tile.k / 8;
  const octets = count + (parts ? 1 : 0);
  countOperand(capabilities, WHERE, [octets], OCTET_BYTES);
  const dispatch = makeDispatch(
    programs[parts ? "cooperative/pack_weight_parts" : "cooperative/pack_weight"],
    { local_size_x: plainLocalSize(capabilities) },
    {
      count,
      tile_m: tile.m,
      step_octets: tile.k / 8,
      tiles_m: tilesM,
      steps,
      group_filters: filters,
      group_channels: channels,
      tap_octets: tapOctets,
      channel_octets: channelOctets,
      kernel_h: kernel[1],
      kernel_w: kernel[2],
      weight_n: weight.n,
      weight_c: weight.c,
      weight_d: weight.d,
      weight_h: weight.h,
      weight_w: weight.w,
    },
    [0, 1],
    gridForItems(capabilities, count),
  );
  const sizes = [groups, filters, channels, ...kernel];
  const { n, c, d, h, w } = weight;
  return {
    steps,
    channelOctets,
    tapOctets,
    slot: {
      role: "prepared",
      // All that the contents depend on, besides the weight itself.
      key: `cooperative${parts ? "_parts" : ""}:${tile.m}:${tile.k}:${sizes}:${[n, c, d, h, w]}`,
      source: 1,
      byteLength: octets * OCTET_BYTES,
      dispatches: [
        ...(parts ? findMagnitude(capabilities, problem.weightCount) : []),
        dispatch,
      ],
    },
  };
}
