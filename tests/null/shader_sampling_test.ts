// The code of every kernel of pooling and of deformable convolution, run without a GPU: every output element written once,
// every access in range, every launch within limits, right results.

import type { Capabilities } from "../../src/core/capabilities.ts";
import {
  type DeformableVariant,
  planDeformableConvolution,
  planHalfDeformable,
} from "../../src/kernels/deformable.ts";
import {
  planDeformableSampledGradient,
  sampledParts,
} from "../../src/kernels/deformable_gradient.ts";
import { planDeformableWeightGradient } from "../../src/kernels/deformable_weight_gradient.ts";
import { planPooling, planPoolingBackward, planPoolingPlaces } from "../../src/kernels/pooling.ts";
import {
  planTakePlaces,
  planUnpool,
  planUnpoolBackward,
} from "../../src/kernels/pooling_indexed.ts";
import { type DeformableCase, deformableCases } from "../cases/deformable_convolution.ts";
import { type PoolingCase, poolingCases, wideMaxPoolings, widePoolings } from "../cases/pooling.ts";
import type { Reference } from "../reference/array.ts";
import { deformableConvolution, deformableGradients } from "../reference/deformable_convolution.ts";
import * as oracle from "../reference/pooling.ts";
import { checkPlan, type Comparison } from "../spirv/compare.ts";
import { checkLaunched } from "../spirv/coverage.ts";
import { CPUS, DEVICES, GPUS, TEXEL_GPU } from "../spirv/devices.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";

const SUMMED = 1e-5;
const HALVES = 2e-3;
/** Offsets in float16 move samples too. */
const COARSE = 2e-2;

const isSmall = ({ data }: PoolingCase): boolean => data.length <= 1_500;

/** Every part of a pooling on one device. */
function checkPooling(
  capabilities: Capabilities,
  { settings, attributes: given, data, label }: PoolingCase,
  dtype: "float32" | "float16",
  general: boolean,
): void {
  const floats = (values: ArrayLike<number>): Float16Array | Float32Array =>
    dtype === "float16" ? Float16Array.from(values) : Float32Array.from(values);
  const own = floats(data);
  const attributes = dtype === "float16" ? { ...given, lowest: -65_504 } : given;
  const x: Reference = { data: own, shape: settings.input };
  const y = oracle.pooling(x, attributes);
  const what = `${label} ${dtype}${general ? " general" : ""}`;
  const rounded = dtype === "float16" ? HALVES : SUMMED;
  const forward = planPooling(capabilities, settings, dtype, general);
  const exact: Comparison = { what, dtype };
  checkPlan(
    capabilities,
    forward,
    [own],
    y.data,
    settings.type === "max" ? exact : { ...exact, tolerance: rounded },
  );
  const head = floats(new Random(y.data.length).float32(y.data.length));
  const gradient = oracle.poolingGradient(x, { data: head, shape: y.shape }, attributes);
  checkPlan(
    capabilities,
    planPoolingBackward(capabilities, settings, dtype, general),
    [head, own],
    gradient.data,
    { ...exact, tolerance: rounded },
  );
  if (settings.type !== "max") return;
  const places = oracle.poolingPlaces(x, attributes);
  const placesPlan = planPoolingPlaces(capabilities, settings, dtype, general);
  checkPlan(capabilities, placesPlan, [own], places.data, { what, dtype: "int32" });
}

/** Planes of which several lanes each reduce a part. */
const PLANES: PoolingCase = {
  settings: { type: "avg", layout: "NCHW", input: [2, 5, 6, 6], windows: { kind: "global" } },
  attributes: { type: "avg", layout: "NCHW" },
  data: new Random(89).distinct(360),
  label: "global average of (2, 5, 6, 6)",
};

/** Planes whose elements lie apart, of channels that fill no vector. */
const APART: PoolingCase = {
  settings: { type: "avg", layout: "NHWC", input: [2, 6, 6, 5], windows: { kind: "global" } },
  attributes: { type: "avg", layout: "NHWC" },
  data: new Random(92).distinct(360),
  label: "channel-last global average of (2, 6, 6, 5)",
};

/** Windows of channel-last maxima, several channels an invocation. */
const sliding = { kernel: [3, 3], stride: [2, 2], padding: [1, 1], convention: "valid" } as const;
const CHANNELS: PoolingCase = {
  settings: {
    type: "max",
    layout: "NHWC",
    input: [1, 6, 7, 8],
    windows: { kind: "sliding", ...sliding },
  },
  attributes: { type: "max", layout: "NHWC", ...sliding },
  data: new Random(90).distinct(336),
  label: "channel-last maxima of (1, 6, 7, 8)",
};

test("kernels of pooling write every element once and compute what is asked", () => {
  for (const [index, capabilities] of DEVICES.entries()) {
    for (const [at, each] of poolingCases(81 + index, 60).filter(isSmall).slice(0, 11).entries()) {
      const dtype = at % 4 === 3 ? "float16" : "float32";
      checkPooling(capabilities, each, dtype, at % 3 === 2);
    }
  }
});

test("kernels of pooling for wide rows, planes and channels do so too", () => {
  for (const capabilities of CPUS) {
    for (const each of [...wideMaxPoolings(87), ...widePoolings(88), PLANES, APART, CHANNELS]) {
      checkPooling(capabilities, each, "float32", false);
    }
  }
});

/** Batch and channel of an element. */
function planeOf(shape: readonly number[], layout: string, index: number): [number, number] {
  if (layout.endsWith("C")) {
    const channels = shape.at(-1)!;
    return [
      Math.floor(index / shape.slice(1).reduce((all, each) => all * each, 1)),
      index % channels,
    ];
  }
  const plane = Math.floor(index / shape.slice(2).reduce((all, each) => all * each, 1));
  return [Math.floor(plane / shape[1]!), plane % shape[1]!];
}

test("kernels of unpooling write every element once, wherever places point", () => {
  for (const [index, capabilities] of DEVICES.entries()) {
    for (
      const { settings, attributes, data, label } of poolingCases(91 + index, 10).filter(isSmall)
    ) {
      if (settings.type !== "max" || settings.input.length > 4) continue;
      const { layout } = settings;
      const x = { data, shape: settings.input };
      const places = oracle.poolingPlaces(x, attributes);
      const count = places.data.length;
      const values = { data: new Random(count).float32(count), shape: places.shape };
      const shapes = { windows: places.shape, planes: settings.input, layout };
      const spatial = layout.endsWith("C") ? x.shape.slice(1, -1) : x.shape.slice(2);
      const at = Int32Array.from(places.data);
      const unpooled = oracle.maxUnpool(values, places, spatial, layout);
      checkPlan(capabilities, planUnpool(capabilities, shapes), [values.data, at], unpooled.data, {
        what: label,
      });
      const gradient = oracle.maxUnpoolGradient(x, places, spatial, layout);
      const backward = planUnpoolBackward(capabilities, shapes);
      checkPlan(capabilities, backward, [data, at], gradient.data, { what: label });
      // Reading the planes at the same places gives their gradient too, but for values that another one replaced.
      const taken = Array.from(places.data, (place, index) => {
        const plane = spatial.reduce((product, each) => product * each, 1);
        const [n, c] = planeOf(places.shape, layout, index);
        const channels = layout.endsWith("C") ? x.shape.at(-1)! : x.shape[1]!;
        if (place < 0) return 0;
        return layout.endsWith("C")
          ? data[(n * plane + place) * channels + c]!
          : data[(n * channels + c) * plane + place]!;
      });
      const take = planTakePlaces(capabilities, shapes);
      checkPlan(capabilities, take, [data, at], taken, { what: label });
    }
  }
});

/** Devices with what may be forced on them. */
const DEFORMABLE: readonly (readonly [Capabilities, DeformableVariant])[] = [
  ...CPUS.slice(0, 2).flatMap((cpu): [Capabilities, DeformableVariant][] => [
    [cpu, { scatter: "walk", columnBytes: 1 }],
    [cpu, {}],
    [cpu, { scatter: "gather", columnBytes: 1 }],
    [cpu, { product: "direct", scatter: "walk" }],
  ]),
  ...CPUS.filter(({ loadPath }) => loadPath === "texel").slice(0, 1).flatMap(
    (cpu): [Capabilities, DeformableVariant][] => {
      const own = { product: "product_cpu", weightProduct: "product_cpu" };
      return [[cpu, own], [cpu, { ...own, columnBytes: 1 }]];
    },
  ),
  ...[...GPUS, TEXEL_GPU].flatMap((gpu): [Capabilities, DeformableVariant][] => [
    [gpu, {}],
    [gpu, { scatter: "gather", columnBytes: 1 }],
    [gpu, { scatter: "walk" }],
  ]),
];

function checkDeformable(
  capabilities: Capabilities,
  variant: DeformableVariant,
  { settings, attributes, operands, bias, head, label }: DeformableCase,
): void {
  const bytes = ({ data }: Reference): Float32Array => Float32Array.from(data);
  const sampled = [operands.data, operands.offset, operands.mask]
    .flatMap((operand) => operand === null ? [] : [bytes(operand)]);
  const what = `${label} ${JSON.stringify(variant)}`;
  const y = deformableConvolution(operands, bias, attributes);
  const compared = { what, tolerance: SUMMED };
  checkPlan(
    capabilities,
    planDeformableConvolution(capabilities, { ...settings, hasBias: true }, variant),
    [...sampled, bytes(operands.weight), bytes(bias)],
    y.data,
    compared,
  );
  // Whole texels: what lies behind the last half is not a number, and engines change the bits of those.
  const halves = [...sampled, bytes(operands.weight), bytes(bias)].map((numbers) =>
    Float16Array.from({ length: Math.ceil(numbers.length / 8) * 8 }, (_, at) => numbers[at] ?? 0)
  );
  // Without 16-bit words, which the interpreter has not.
  const half = planHalfDeformable(
    { ...capabilities, float16: false },
    { ...settings, hasBias: true },
    { ...variant, product: "direct" },
  );
  checkPlan(capabilities, half!, halves, y.data, {
    what: `${what} float16`,
    dtype: "float16",
    tolerance: COARSE,
  });
  const gradients = deformableGradients(operands, head, attributes);
  const parts = settings.modulated
    ? ["data", "offset", "mask"] as const
    : ["data", "offset"] as const;
  const { starts, total } = sampledParts(settings, parts);
  const flat = new Float64Array(total);
  for (const part of parts) flat.set(gradients[part]!.data as Float64Array, starts[part]);
  checkPlan(
    capabilities,
    planDeformableSampledGradient(capabilities, settings, parts, variant),
    [...sampled, bytes(operands.weight), bytes(head)],
    flat,
    {
      ...compared,
      // Parts begin at whole vectors.
      ranges: parts.map((part) => [starts[part]!, starts[part]! + gradients[part]!.data.length]),
    },
  );
  checkPlan(
    capabilities,
    planDeformableWeightGradient(capabilities, settings, variant),
    [...sampled, bytes(head)],
    gradients.weight.data,
    compared,
  );
}

test("kernels of deformable convolution write every element once and compute what is asked", () => {
  const cases = deformableCases(95, 200).filter(({ head, operands }) =>
    head.data.length * operands.weight.data.length < 20_000
  );
  for (const [index, [capabilities, variant]] of DEFORMABLE.entries()) {
    for (const each of cases.slice(2 * index, 2 * index + 2)) {
      checkDeformable(capabilities, variant, each);
    }
  }
});

test("every program of pooling and of deformable convolution is run", () => {
  checkLaunched("tests/null/shader_sampling_test.ts");
});
