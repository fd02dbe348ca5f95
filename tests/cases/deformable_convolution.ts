// Random deformable convolutions, seeded: ncnn's channel set, odd sizes, groups, deformable groups, both layouts and
// versions. Samples keep a distance from cell borders, where float32 and float64 could take different cells.

import {
  deformableConvolution,
  type DeformableConvolutionOptions,
  modulatedDeformableConvolution,
} from "../../src/ops/index.ts";
import type { DeformableSettings } from "../../src/kernels/deformable.ts";
import type { Tensor } from "../../src/tensor/mod.ts";
import { type Reference, size } from "../reference/array.ts";
import {
  type DeformableAttributes,
  deformableConvolution as oracle,
  type DeformableOperands,
} from "../reference/deformable_convolution.ts";
import { Random } from "../support/random.ts";
import type { OperatorCase } from "./case.ts";

/** One deformable convolution, as the planner and as the oracle know it. */
export interface DeformableCase {
  readonly settings: DeformableSettings;
  readonly attributes: DeformableAttributes;
  readonly options: DeformableConvolutionOptions;
  readonly operands: DeformableOperands;
  readonly bias: Reference;
  readonly head: Reference;
  readonly label: string;
}

const CHANNELS = [1, 4, 12, 13, 15, 16];

function divisors(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1).filter((by) => count % by === 0);
}

/** Float32 numbers with a shape. */
export function randomArray(random: Random, shape: readonly number[]): Reference {
  return { data: random.float32(size(shape)), shape };
}

/** Offsets of up to `reach` whose fractions keep off 0. */
export function randomOffsets(
  random: Random,
  shape: readonly number[],
  reach: number = 2,
): Reference {
  const data = Float32Array.from(
    { length: size(shape) },
    () => random.integer(-reach, reach - 1) + random.uniform(0.02, 0.98),
  );
  return { data, shape };
}

/**
 * Deformable convolutions.
 *
 * @param seed The seed.
 * @param count How many.
 */
export function deformableCases(seed: number, count: number): DeformableCase[] {
  const random = new Random(seed);
  const cases: DeformableCase[] = [];
  while (cases.length < count) {
    const layout = random.pick(["NCHW", "NHWC"] as const);
    const modulated = random.integer(0, 1) === 1;
    const channels = random.pick(CHANNELS);
    const groups = random.pick(divisors(channels));
    const deformableGroups = random.pick(divisors(channels).filter((each) => each <= 4));
    const filters = groups * random.integer(1, Math.ceil(20 / groups));
    const pair = (low: number, high: number): [number, number] => [
      random.integer(low, high),
      random.integer(low, high),
    ];
    const [batch, kernel, spatial] = [random.integer(1, 3), pair(1, 3), pair(1, 9)];
    const [stride, padding, dilation] = [pair(1, 2), pair(0, 2), pair(1, 2)];
    const output = [0, 1].map((axis) =>
      Math.floor(
        (spatial[axis]! + 2 * padding[axis]! - dilation[axis]! * (kernel[axis]! - 1) - 1) /
          stride[axis]!,
      ) + 1
    );
    if (output.some((each) => each < 1)) continue;
    if (batch * filters * output[0]! * output[1]! > 4096) continue;
    const shape = (n: number, c: number, [h, w]: readonly number[]): number[] =>
      layout === "NCHW" ? [n, c, h!, w!] : [n, h!, w!, c];
    const taps = deformableGroups * kernel[0] * kernel[1];
    const settings = {
      name: modulated ? "ModulatedDeformableConvolution" : "DeformableConvolution",
      input: shape(batch, channels, spatial),
      weight: shape(filters, channels / groups, kernel),
      layout,
      stride,
      padding,
      dilation,
      groups,
      deformableGroups,
      modulated,
    };
    const operands = {
      data: randomArray(random, settings.input),
      offset: randomOffsets(random, shape(batch, 2 * taps, output)),
      mask: modulated ? randomArray(random, shape(batch, taps, output)) : null,
      weight: randomArray(random, settings.weight),
    };
    cases.push({
      settings,
      attributes: { stride, padding, dilation, groups, deformableGroups, layout },
      options: {
        strides: stride,
        padding,
        dilation,
        groups,
        numDeformableGroup: deformableGroups,
        layout,
      },
      operands,
      bias: randomArray(random, [filters]),
      head: randomArray(random, shape(batch, filters, output)),
      label: JSON.stringify(settings),
    });
  }
  return cases;
}

/** Rows for the table of all operators: integer-free offsets in the range that the table fills. */
export const deformableConvolutionCases: readonly OperatorCase[] = deformableCases(31, 24).map(
  ({ settings, attributes, options, operands, label }): OperatorCase => {
    const shapes = [operands.data, operands.offset, operands.mask, operands.weight]
      .flatMap((each) => each === null ? [] : [each.shape]);
    const split = <T>(inputs: readonly T[]): { sampled: readonly T[]; weight: T; bias: T } => ({
      sampled: inputs.slice(0, -2),
      weight: inputs.at(-2)!,
      bias: inputs.at(-1)!,
    });
    return {
      name: label,
      inputs: [...shapes, [settings.weight[0]!]].map((shape) => ({
        shape,
      })),
      run: (inputs: readonly Tensor[]) => {
        const { sampled, weight, bias } = split(inputs);
        const [data, offset, mask] = sampled as [Tensor, Tensor, Tensor?];
        return mask === undefined
          ? deformableConvolution(data, offset, weight, bias, options)
          : modulatedDeformableConvolution(data, offset, mask, weight, bias, options);
      },
      expected: (inputs) => {
        const { sampled, weight, bias } = split(inputs);
        const [data, offset, mask = null] = sampled as [Reference, Reference, Reference?];
        return oracle({ data, offset, mask, weight }, bias, attributes);
      },
      tolerance: { rtol: 1e-4, atol: 1e-5 },
    };
  },
);
