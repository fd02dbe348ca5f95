// DeformableConvolution and ModulatedDeformableConvolution with their offset branches: random rows, seeded. Samples keep off the
// borders of cells, where float32 and float64 could take different ones.

import * as vknn from "../../mod.ts";
import { type Reference, size } from "../reference/array.ts";
import { convolution } from "../reference/convolution.ts";
import { biasGradient, deconvolution, weightGradient } from "../reference/deconvolution.ts";
import { deformableConvolution, deformableGradients } from "../reference/deformable_convolution.ts";
import { concat, slice } from "../reference/movement.ts";
import { Random } from "../support/random.ts";
import {
  CHANNELS,
  draw,
  type Float,
  halfTolerance,
  type LayerCase,
  shapeIn,
  type TableLayer,
  type Values,
} from "./layer.ts";

type Maker = new (...values: unknown[]) => TableLayer;
const classes = vknn as unknown as Readonly<Record<string, Maker>>;

/** reliability.md section 3; gradients of offsets multiply two sums. */
const FORWARD = { rtol: 1e-4, atol: 1e-5 };
const GRADIENT = { rtol: 5e-4, atol: 5e-5 };
/** Far above the rounding of an offset in float32. */
const MARGIN = 3e-5;

/** Windows, which kernels are compiled for: few. */
const WINDOWS = [
  { kernel: [3, 3], strides: [1, 1], padding: [1, 1], dilation: [1, 1] },
  { kernel: [2, 3], strides: [2, 1], padding: [0, 1], dilation: [1, 2] },
  { kernel: [1, 1], strides: [1, 2], padding: [0, 0], dilation: [1, 1] },
] as const;

function divisors(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1).filter((by) => count % by === 0);
}

function scaled(values: Values, by: number): Values {
  return { ...values, data: values.data.map((each) => each * by) };
}

function add(a: Reference, b: Reference): Reference {
  return { shape: a.shape, data: Float64Array.from(a.data, (each, at) => each + b.data[at]!) };
}

/** A part of the channels. */
function channelsOf(x: Reference, layout: string, first: number, last: number): Reference {
  const axis = layout.indexOf("C");
  const begin = x.shape.map((_, at) => at === axis ? first : 0);
  return slice(x, begin, x.shape.map((length, at) => at === axis ? last - first : length));
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function makeCase(random: Random, modulated: boolean, index: number): LayerCase | null {
  const layer = modulated ? "ModulatedDeformableConvolution" : "DeformableConvolution";
  const dtype: Float = index % 4 === 3 ? "float16" : "float32";
  const half = dtype === "float16";
  const layout = random.pick(["NCHW", "NHWC"] as const);
  const { kernel, strides, padding, dilation } = WINDOWS[index % WINDOWS.length]!;
  const channels = random.pick(CHANNELS);
  const groups = random.pick(divisors(channels).filter((each) => each <= 4));
  const deformable = random.pick(divisors(channels).filter((each) => each <= 3));
  const taps = deformable * kernel[0] * kernel[1];
  const branch = (modulated ? 3 : 2) * taps;
  if (branch % groups !== 0) return null;
  const filters = groups * random.integer(1, 6);
  const spatial = [random.integer(3, 5), random.integer(5, 6)];
  const batch = random.integer(1, 2);
  const attributes = { stride: strides, padding, dilation, groups, layout };
  const useBias = index % 5 !== 4;
  const input = draw(random, shapeIn(layout, batch, channels, spatial), dtype);
  const shape = (out: number) => shapeIn(layout, out, channels / groups, kernel);
  // Rounded offsets would move samples over borders: in float16 the offsets are biases that are exact and off them.
  const params: Record<string, Values> = {
    offset_weight: half
      ? { data: new Float32Array(size(shape(branch))), shape: shape(branch) }
      : scaled(draw(random, shape(branch)), 0.5),
    offset_bias: half
      ? {
        data: Float32Array.from({ length: branch }, () =>
          random.pick([-0.75, -0.375, 0.125, 0.625, 1.25])),
        shape: [branch],
      }
      : draw(random, [branch]),
    deformable_conv_weight: draw(random, shape(filters), dtype),
    ...(useBias ? { deformable_conv_bias: draw(random, [filters], dtype) } : {}),
  };
  const offsetWeight = params["offset_weight"]!;
  const all = convolution(input, offsetWeight, params["offset_bias"]!, attributes);
  const offset = channelsOf(all, layout, 0, 2 * taps);
  const logits = modulated ? channelsOf(all, layout, 2 * taps, branch) : null;
  const near = Array.from(offset.data).some((each) => Math.abs(each - Math.round(each)) < MARGIN);
  if (near) return null;
  const mask = logits === null
    ? null
    : { ...logits, data: Float64Array.from(logits.data, (x) => 2 * sigmoid(x)) };
  const operands = { data: input, offset, mask, weight: params["deformable_conv_weight"]! };
  const more = { ...attributes, deformableGroups: deformable };
  const bias = params["deformable_conv_bias"] ?? null;
  const output = deformableConvolution(operands, bias, more);
  const head = draw(random, output.shape, dtype);

  const found = deformableGradients(operands, head, more);
  const axis = layout.indexOf("C");
  const toBranch = found.mask === null ? found.offset : concat([
    found.offset,
    {
      ...found.mask,
      data: Float64Array.from(found.mask.data, (g, at) => {
        const s = sigmoid(logits!.data[at]!);
        return g * 2 * s * (1 - s);
      }),
    },
  ], axis);
  const gradients: Record<string, Reference> = {
    input: add(
      found.data,
      deconvolution(toBranch, offsetWeight, null, { ...attributes, size: spatial }),
    ),
    offset_weight: weightGradient(input, toBranch, kernel, attributes),
    offset_bias: biasGradient(toBranch, attributes),
    deformable_conv_weight: found.weight,
    ...(useBias ? { deformable_conv_bias: found.bias } : {}),
  };
  return {
    layer,
    layout,
    dtype,
    label: `${layer} ${dtype} ${
      JSON.stringify({ ...attributes, kernel, deformable, filters, useBias, input: input.shape })
    }`,
    make: () =>
      new classes[layer]!(filters, kernel, {
        strides,
        padding,
        dilation,
        groups,
        layout,
        useBias,
        numDeformableGroup: deformable,
      }),
    input,
    params,
    head,
    expected: () => ({ output, gradients }),
    second: index % 8 === 0 ? "refused" as const : undefined,
    tolerance: {
      output: half ? halfTolerance(output) : FORWARD,
      gradients: half
        ? Object.fromEntries(Object.entries(gradients).map(([key, x]) => [key, halfTolerance(x)]))
        : GRADIENT,
    },
  } as LayerCase;
}

/**
 * Cases of both deformable layers.
 *
 * @param each Rows of each class.
 */
export function deformableLayerCases(each: number): LayerCase[] {
  return [false, true].flatMap((modulated) => {
    const random = new Random(modulated ? 302 : 301);
    const cases: LayerCase[] = [];
    while (cases.length < each) {
      const made = makeCase(random, modulated, cases.length);
      if (made !== null) cases.push(made);
    }
    return cases;
  });
}
