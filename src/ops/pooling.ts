// Max and average pooling, adaptive pooling, places of maxima and unpooling, with their gradients.
// After apache/mxnet src/operator/nn/pooling.cc; differences are those of quirks Q7 and Q14 to Q16 of the specification.

import { ShapeError } from "../core/errors.ts";
import { boolean, integerList, oneOf, optional, type OptionValues } from "../core/options.ts";
import { elementCount, formatShape, sameShape, type Shape } from "../core/shape.ts";
import {
  planPooling,
  planPoolingBackward,
  planPoolingPlaces,
  poolingOutputShape,
  type PoolingSettings,
} from "../kernels/pooling.ts";
import {
  type IndexedSettings,
  planTakePlaces,
  planUnpool,
  planUnpoolBackward,
  splitShape,
} from "../kernels/pooling_indexed.ts";
import type { Tensor } from "../tensor/mod.ts";
import {
  type AttributeRules,
  type Attributes,
  type BackwardCall,
  checkFloat,
  checkSameDType,
  defineOperator,
  inputSpec,
  type InputSpecs,
  type Operator,
  type TensorSpec,
} from "./define.ts";
import { type Layout, LAYOUTS } from "./up_sampling.ts";

/** Types of pooling. */
export const POOL_TYPES = ["max", "avg"] as const;
/** Rules for the number of windows: MXNet's, and PyTorch's for rounding up. */
export const POOLING_CONVENTIONS = ["valid", "full", "clip"] as const;
/** What a maximum does with NaN and -infinity. */
export const NAN_POLICIES = ["skip", "propagate"] as const;

const shared = {
  pool_type: oneOf(POOL_TYPES, "max"),
  layout: optional(oneOf(LAYOUTS)),
  // Ours; MXNet skips.
  nan_policy: oneOf(NAN_POLICIES, "skip"),
};

const slidingAttributes = {
  ...shared,
  /** Needed unless `global_pool`. */
  kernel: optional(integerList({ minimum: 1 })),
  /** 1 on every axis if absent. */
  stride: optional(integerList({ minimum: 1 })),
  pad: optional(integerList({ minimum: 0 })),
  /** Ours: padding behind, where it differs from `pad`. */
  pad_after: optional(integerList({ minimum: 0 })),
  pooling_convention: oneOf(POOLING_CONVENTIONS, "valid"),
  global_pool: boolean(false),
  count_include_pad: boolean(true),
};

const adaptiveAttributes = {
  ...shared,
  /** Windows on each axis; 0 for as many as the input has elements. */
  output_size: integerList({ minimum: 0 }),
};

function layoutFor(name: string, layout: Layout | undefined, shape: Shape): Layout {
  const found = layout ?? LAYOUTS[shape.length - 3];
  if (found === undefined || found.length !== shape.length || shape.length > 5) {
    const allowed = layout === undefined ? "3 to 5" : `${layout.length} (layout ${layout})`;
    throw new ShapeError(
      `Cannot apply ${name}: data has rank ${shape.length} (shape ${formatShape(shape)}), ` +
        `expected ${allowed}`,
    );
  }
  return found;
}

function slidingSettings(
  name: string,
  values: OptionValues<typeof slidingAttributes>,
  input: Shape,
): PoolingSettings {
  const layout = layoutFor(name, values.layout, input);
  const settings = {
    name,
    type: values.pool_type,
    input,
    layout,
    countIncludePad: values.count_include_pad,
    nanPolicy: values.nan_policy,
  };
  if (values.global_pool) return { ...settings, windows: { kind: "global" } };
  const { kernel, stride, pad, pad_after: behind, pooling_convention: convention } = values;
  if (kernel === undefined) {
    throw new TypeError(
      `Cannot apply ${name}: kernel is missing, expected an array of ${layout.length - 2} ` +
        `integers, or global_pool`,
    );
  }
  const padding = pad ?? kernel.map(() => 0);
  return {
    ...settings,
    windows: {
      kind: "sliding",
      kernel,
      stride: stride ?? kernel.map(() => 1),
      padding,
      paddingAfter: behind ?? padding,
      convention,
    },
  };
}

function adaptiveSettings(
  name: string,
  values: OptionValues<typeof adaptiveAttributes>,
  input: Shape,
): PoolingSettings {
  return {
    name,
    type: values.pool_type,
    input,
    layout: layoutFor(name, values.layout, input),
    nanPolicy: values.nan_policy,
    windows: { kind: "adaptive", outputSize: values.output_size },
  };
}

function checkShape(name: string, input: string, found: Shape, expected: Shape): void {
  if (sameShape(found, expected)) return;
  throw new ShapeError(
    `Cannot apply ${name}: ${input} has shape ${formatShape(found)}, ` +
      `expected ${formatShape(expected)}`,
  );
}

/** One kind of pooling: its maxima or averages, the places of its maxima, and its gradient. */
interface PoolingFamily {
  readonly forward: Operator;
  readonly places: Operator;
  readonly backward: Operator;
}

type Backward = (call: BackwardCall<Attributes>) => readonly (Tensor | null)[];

/** The gradient of an average reads no data: it takes their shape from this attribute instead. */
const inputShape = { input_shape: optional(integerList({ minimum: 0 })) };

function dataSpec(name: string, inputs: InputSpecs, attributes: Attributes): TensorSpec {
  const data = inputs[1] ?? null;
  if (data !== null) return data;
  const { pool_type: type, input_shape: shape } = attributes;
  if (type === "avg" && Array.isArray(shape)) {
    return { shape: shape as number[], dtype: inputSpec(inputs, 0).dtype };
  }
  throw new TypeError(
    `Cannot apply ${name}: data is missing, expected a Tensor` +
      (type === "avg" ? ", or the attribute input_shape" : ""),
  );
}

function definePooling<R extends AttributeRules>(
  names: { readonly forward: string; readonly places: string },
  attributes: R,
  settingsOf: (name: string, values: OptionValues<R>, input: Shape) => PoolingSettings,
): PoolingFamily {
  const backwardName = `_backward_${names.forward}`;
  // Attributes are copied, so that each operator checks and caches them as its own.
  const gradient: Backward = ({ attributes, inputs, headGradient, needs }) => {
    if (!needs[0]) return [null];
    if (attributes["pool_type"] === "max") {
      return [backward.apply([headGradient, inputs[0]], { ...attributes })];
    }
    const input_shape = [...inputs[0]!.shape];
    return [backward.apply([headGradient, null], { ...attributes, input_shape })];
  };
  // The gradient is linear in the head, and does not depend on the data but for the places of maxima.
  const secondGradient: Backward = ({ attributes, inputs, headGradient, needs }) => {
    if (!needs[0]) return [null, null];
    const { input_shape: _shape, ...own } = attributes;
    if (own["pool_type"] === "avg") return [forward.apply([headGradient], own), null];
    const found = places.apply([inputs[1]], own);
    return [takePlacesOperator.apply([headGradient, found], { layout: own["layout"] }), null];
  };
  const infer = (name: string, values: OptionValues<R>, inputs: InputSpecs): TensorSpec => {
    const data = inputSpec(inputs, 0);
    const settings = settingsOf(name, values, data.shape);
    checkFloat(`apply ${name}`, "data", data);
    const shape = poolingOutputShape(settings);
    elementCount(shape, `apply ${name}`);
    return { shape, dtype: data.dtype };
  };
  const forward: Operator = defineOperator({
    batched: [0],
    name: names.forward,
    inputs: ["data"],
    attributes,
    backward: gradient,
    keeps: (values: Attributes) => values["pool_type"] === "max" ? [0] : [],
    native16: true,
    inferShape: (values, inputs) => infer(names.forward, values, inputs),
    plan: (capabilities, values, inputs, { dtype }) => {
      const settings = settingsOf(names.forward, values, inputSpec(inputs, 0).shape);
      return planPooling(capabilities, settings, dtype);
    },
  });
  const places: Operator = defineOperator({
    name: names.places,
    inputs: ["data"],
    attributes,
    native16: true,
    inferShape: (values, inputs) => ({
      shape: infer(names.places, values, inputs).shape,
      dtype: "int32" as const,
    }),
    plan: (capabilities, values, inputs) => {
      const { shape, dtype } = inputSpec(inputs, 0);
      return planPoolingPlaces(capabilities, settingsOf(names.places, values, shape), dtype);
    },
  });
  const backward: Operator = defineOperator({
    name: backwardName,
    inputs: ["head", "data"],
    batched: [0, 1],
    required: 1,
    attributes: { ...attributes, ...inputShape },
    backward: secondGradient,
    keeps: (values: Attributes) => values["pool_type"] === "max" ? [1] : [],
    native16: true,
    inferShape: (values, inputs) => {
      const head = inputSpec(inputs, 0);
      const data = dataSpec(backwardName, inputs, values);
      // Values of the rules above, and one more.
      const { shape } = infer(backwardName, values as unknown as OptionValues<R>, [data]);
      checkSameDType(`apply ${backwardName}`, "head", head, ["data", data]);
      checkShape(backwardName, "head", head.shape, shape);
      return data;
    },
    plan: (capabilities, values, _inputs, { shape, dtype }) => {
      const settings = settingsOf(names.forward, values as unknown as OptionValues<R>, shape);
      return planPoolingBackward(capabilities, settings, dtype);
    },
  });
  return { forward, places, backward };
}

const sliding = definePooling(
  { forward: "Pooling", places: "MaxPoolIndices" },
  slidingAttributes,
  slidingSettings,
);
const adaptive = definePooling(
  { forward: "AdaptivePooling", places: "AdaptiveMaxPoolIndices" },
  adaptiveAttributes,
  adaptiveSettings,
);

/** Max and average pooling with sliding or global windows. */
export const poolingOperator: Operator = sliding.forward;
/** Places of the maxima of sliding or global windows; ignores `pool_type`. */
export const maxPoolIndicesOperator: Operator = sliding.places;
/** Gradient of {@linkcode poolingOperator}: head gradient and data to the gradient of data. */
export const poolingBackwardOperator: Operator = sliding.backward;
/** Pooling into a given number of windows. */
export const adaptivePoolingOperator: Operator = adaptive.forward;
/** Places of the maxima of adaptive windows; ignores `pool_type`. */
export const adaptiveMaxPoolIndicesOperator: Operator = adaptive.places;
/** Gradient of {@linkcode adaptivePoolingOperator}. */
export const adaptivePoolingBackwardOperator: Operator = adaptive.backward;

const unpoolAttributes = {
  /** Spatial sizes of the result. */
  output_size: integerList({ minimum: 1 }),
  layout: optional(oneOf(LAYOUTS)),
};

/** The shape with its spatial sizes replaced. */
function withSpatial(name: string, shape: Shape, layout: Layout, spatial: Shape): number[] {
  if (spatial.length !== layout.length - 2) {
    throw new ShapeError(
      `Cannot apply ${name}: output_size is ${formatShape(spatial)}, expected ` +
        `${layout.length - 2} integers, one for each spatial axis`,
    );
  }
  const { batch, channels } = splitShape(shape, layout);
  return layout.endsWith("C") ? [batch, ...spatial, channels] : [batch, channels, ...spatial];
}

function checkIndices(name: string, inputs: InputSpecs): TensorSpec {
  const indices = inputSpec(inputs, 1);
  if (indices.dtype === "int32") return indices;
  throw new TypeError(
    `Cannot apply ${name}: indices are ${indices.dtype}, expected int32 as max pooling gives them`,
  );
}

function unpoolSettings(
  name: string,
  { output_size: size, layout }: OptionValues<typeof unpoolAttributes>,
  inputs: InputSpecs,
): IndexedSettings {
  const windows = checkIndices(name, inputs).shape;
  const order = layoutFor(name, layout, windows);
  return { windows, planes: withSpatial(name, windows, order, size), layout: order };
}

const unpoolGradient: Backward = ({ attributes, inputs, headGradient, needs }) => [
  needs[0] ? maxUnpoolBackwardOperator.apply([headGradient, inputs[1]], { ...attributes }) : null,
  null,
];

/** Puts values at places, and 0 elsewhere. */
export const maxUnpoolOperator: Operator = defineOperator({
  name: "MaxUnpool",
  inputs: ["data", "indices"],
  attributes: unpoolAttributes,
  backward: unpoolGradient,
  keeps: () => [1],
  native16: true,
  inferShape: (values, inputs) => {
    const data = inputSpec(inputs, 0);
    const { planes, windows } = unpoolSettings("MaxUnpool", values, inputs);
    checkFloat("apply MaxUnpool", "data", data);
    checkShape("MaxUnpool", "data", data.shape, windows);
    elementCount(planes, "apply MaxUnpool");
    return { shape: planes, dtype: data.dtype };
  },
  plan: (capabilities, values, inputs, { dtype }) =>
    planUnpool(capabilities, unpoolSettings("MaxUnpool", values, inputs), dtype),
});

const unpoolSecondGradient: Backward = ({ attributes, inputs, headGradient, needs }) => [
  needs[0] ? maxUnpoolOperator.apply([headGradient, inputs[1]], { ...attributes }) : null,
  null,
];

/** Gradient of {@linkcode maxUnpoolOperator}: head gradient and indices to the gradient of data. */
export const maxUnpoolBackwardOperator: Operator = defineOperator({
  name: "_backward_MaxUnpool",
  inputs: ["head", "indices"],
  attributes: unpoolAttributes,
  backward: unpoolSecondGradient,
  keeps: () => [1],
  native16: true,
  inferShape: (values, inputs) => {
    const head = inputSpec(inputs, 0);
    const { planes, windows } = unpoolSettings("_backward_MaxUnpool", values, inputs);
    checkFloat("apply _backward_MaxUnpool", "head", head);
    checkShape("_backward_MaxUnpool", "head", head.shape, planes);
    return { shape: windows, dtype: head.dtype };
  },
  plan: (capabilities, values, inputs, { dtype }) =>
    planUnpoolBackward(
      capabilities,
      unpoolSettings("_backward_MaxUnpool", values, inputs),
      dtype,
    ),
});

const takeAttributes = { layout: optional(oneOf(LAYOUTS)) };

/** Reads planes at places, 0 where a place lies outside: the gradient of a max pooling's gradient to its head. */
export const takePlacesOperator: Operator = defineOperator({
  name: "TakePlaces",
  inputs: ["data", "indices"],
  attributes: takeAttributes,
  native16: true,
  inferShape: ({ layout }, inputs) => {
    const data = inputSpec(inputs, 0);
    const { shape } = checkIndices("TakePlaces", inputs);
    checkFloat("apply TakePlaces", "data", data);
    const order = layoutFor("TakePlaces", layout, data.shape);
    const { size } = splitShape(shape, layoutFor("TakePlaces", layout, shape));
    checkShape("TakePlaces", "indices", shape, withSpatial("TakePlaces", data.shape, order, size));
    return { shape, dtype: data.dtype };
  },
  plan: (capabilities, { layout }, inputs, { dtype }) => {
    const planes = inputSpec(inputs, 0).shape;
    const windows = inputSpec(inputs, 1).shape;
    const order = layoutFor("TakePlaces", layout, planes);
    return planTakePlaces(capabilities, { windows, planes, layout: order }, dtype);
  },
});

/** The operators of this family. */
export const poolingOperators: readonly Operator[] = [
  ...Object.values(sliding),
  ...Object.values(adaptive),
  maxUnpoolOperator,
  maxUnpoolBackwardOperator,
  takePlacesOperator,
];
