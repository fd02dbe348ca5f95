// Deformable convolution v1 and v2 with their gradients.
// After apache/mxnet src/operator/deformable_convolution.cc and modulated_deformable_convolution.cc; differences are
// those of quirks Q8 to Q10 of the specification.

import { AutogradError, ShapeError } from "../core/errors.ts";
import {
  boolean,
  integer,
  integerList,
  oneOf,
  optional,
  type OptionValues,
} from "../core/options.ts";
import { formatShape, sameShape, type Shape } from "../core/shape.ts";
import {
  type DeformableSettings,
  deformableShapes,
  planDeformableConvolution,
  planHalfDeformable,
} from "../kernels/deformable.ts";
import {
  planDeformableSampledGradient,
  type SampledPart,
  sampledParts,
} from "../kernels/deformable_gradient.ts";
import { planDeformableWeightGradient } from "../kernels/deformable_weight_gradient.ts";
import type { Tensor } from "../tensor/mod.ts";
import { ACTIVATION_NAMES } from "./activation.ts";
import {
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
import { sumOperator } from "./reduce.ts";
import { slice } from "./slice.ts";
import { reshape } from "./transpose.ts";

const LAYOUTS = ["NCHW", "NHWC"] as const;

const geometry = {
  kernel: integerList({ minimum: 1 }),
  stride: optional(integerList({ minimum: 1 })),
  dilate: optional(integerList({ minimum: 1 })),
  pad: optional(integerList({ minimum: 0 })),
  num_filter: integer({ minimum: 1 }),
  num_group: integer({ minimum: 1 }, 1),
  num_deformable_group: integer({ minimum: 1 }, 1),
  layout: oneOf(LAYOUTS, "NCHW"),
};

const attributes = {
  ...geometry,
  no_bias: boolean(false),
  // Ours: the fused activation.
  act_type: optional(oneOf(ACTIVATION_NAMES)),
};

const partAttributes = {
  ...geometry,
  data_grad: boolean(false),
  offset_grad: boolean(false),
  mask_grad: boolean(false),
};

type Geometry = OptionValues<typeof geometry>;

/** Everything that makes one version. */
interface Version {
  readonly name: string;
  readonly modulated: boolean;
}

/** Indices of the inputs that come after data and offset. */
interface Places {
  readonly mask: number;
  readonly weight: number;
}

function placesOf({ modulated }: Version): Places {
  return { mask: modulated ? 2 : -1, weight: modulated ? 3 : 2 };
}

function pair(values: readonly number[] | undefined, fill: number): readonly [number, number] {
  return values === undefined ? [fill, fill] : values as [number, number];
}

function checkLengths(name: string, values: Geometry): void {
  for (const key of ["kernel", "stride", "dilate", "pad"] as const) {
    const list = values[key];
    if (list === undefined || list.length === 2) continue;
    throw new ShapeError(
      `Cannot apply ${name}: ${key} ${formatShape(list)} has ${list.length} entries, expected 2`,
    );
  }
}

function settingsOf(
  { name, modulated }: Version,
  values: Geometry,
  input: Shape,
  weight: Shape,
): DeformableSettings {
  return {
    name,
    input,
    weight,
    layout: values.layout,
    stride: pair(values.stride, 1),
    padding: pair(values.pad, 0),
    dilation: pair(values.dilate, 1),
    groups: values.num_group,
    deformableGroups: values.num_deformable_group,
    modulated,
  };
}

/** The shape that the weight must have. */
function weightShape(values: Geometry, input: Shape): number[] {
  const channels = input[values.layout.indexOf("C")]!;
  const [kh, kw] = values.kernel as [number, number];
  const sizes: Readonly<Record<string, number>> = {
    N: values.num_filter,
    C: Math.floor(channels / values.num_group),
    H: kh,
    W: kw,
  };
  return [...values.layout].map((letter) => sizes[letter]!);
}

function checkDivides(name: string, what: string, count: number, by: string, groups: number): void {
  if (count % groups === 0 && count > 0) return;
  throw new ShapeError(
    `Cannot apply ${name}: ${what} ${count} channels, expected a positive multiple of ` +
      `${by} = ${groups}`,
  );
}

function checkShape(name: string, input: string, found: TensorSpec, expected: Shape): void {
  if (sameShape(found.shape, expected)) return;
  throw new ShapeError(
    `Cannot apply ${name}: ${input} has shape ${formatShape(found.shape)}, ` +
      `expected ${formatShape(expected)}`,
  );
}

/** Checks data, offset and mask; the weight's shape follows from the attributes. */
function checkSampled(version: Version, values: Geometry, inputs: InputSpecs): DeformableSettings {
  const { name, modulated } = version;
  checkLengths(name, values);
  const { layout, num_group: groups, num_deformable_group: deformableGroups } = values;
  const data = inputSpec(inputs, 0);
  checkFloat(`apply ${name}`, "data", data);
  if (data.shape.length !== 4) {
    throw new ShapeError(
      `Cannot apply ${name}: data has rank ${data.shape.length} (shape ` +
        `${formatShape(data.shape)}), expected 4 (layout ${layout})`,
    );
  }
  const channels = data.shape[layout.indexOf("C")]!;
  checkDivides(name, "input has", channels, "num_group", groups);
  checkDivides(name, "input has", channels, "num_deformable_group", deformableGroups);
  checkDivides(name, "weight makes", values.num_filter, "num_group", groups);
  const settings = settingsOf(version, values, data.shape, weightShape(values, data.shape));
  const shapes = deformableShapes(settings);
  for (const [index, input] of [[1, "offset"], [2, "mask"]] as const) {
    if (index === 2 && !modulated) break;
    const spec = inputSpec(inputs, index);
    checkSameDType(`apply ${name}`, input, spec, ["data", data]);
    checkShape(name, input, spec, shapes[input]);
  }
  return settings;
}

function checkWeight(
  name: string,
  settings: DeformableSettings,
  inputs: InputSpecs,
  index: number,
): void {
  const weight = inputSpec(inputs, index);
  checkSameDType(`apply ${name}`, "weight", weight, ["data", inputSpec(inputs, 0)]);
  checkShape(name, "weight", weight, settings.weight);
}

function checkHead(
  name: string,
  settings: DeformableSettings,
  inputs: InputSpecs,
  index: number,
): void {
  const head = inputSpec(inputs, index);
  checkSameDType(`apply ${name}`, "head", head, ["data", inputSpec(inputs, 0)]);
  checkShape(name, "head", head, deformableShapes(settings).output);
}

function forwardSettings(
  version: Version,
  values: OptionValues<typeof attributes>,
  inputs: InputSpecs,
): DeformableSettings {
  return {
    ...checkSampled(version, values, inputs),
    hasBias: !values.no_bias,
    activation: { name: values.act_type ?? "none" },
  };
}

function checkBias(
  name: string,
  values: OptionValues<typeof attributes>,
  inputs: InputSpecs,
  index: number,
): void {
  const bias = inputs[index] ?? null;
  if ((bias === null) !== values.no_bias) {
    throw new TypeError(
      `Cannot apply ${name}: bias is ${bias === null ? "missing" : "given"}, but no_bias is ` +
        `${values.no_bias}`,
    );
  }
  if (bias === null) return;
  checkSameDType(`apply ${name}`, "bias", bias, ["data", inputSpec(inputs, 0)]);
  checkShape(name, "bias", bias, [values.num_filter]);
}

function partsOf(values: OptionValues<typeof partAttributes>): SampledPart[] {
  const all = ["data", "offset", "mask"] as const;
  return all.filter((part) => values[`${part}_grad`]);
}

/** One version: the convolution, and the operators that its gradient is made of. */
interface Family {
  readonly forward: Operator;
  /** Data, offset, (mask), weight, head -> gradients of the first two or three, flat, one behind the other. */
  readonly sampled: Operator;
  /** Data, offset, (mask), head -> gradient of the weight. */
  readonly weight: Operator;
}

function defineFamily(version: Version): Family {
  const { name, modulated } = version;
  const places = placesOf(version);
  const sampledNames = modulated ? ["data", "offset", "mask"] : ["data", "offset"];
  const sampledName = `_backward_${name}`;
  const weightName = `_backward_${name}_weight`;

  const sampled = defineOperator({
    name: sampledName,
    inputs: [...sampledNames, "weight", "head"],
    attributes: partAttributes,
    inferShape: (values, inputs) => {
      const settings = checkSampled({ name: sampledName, modulated }, values, inputs);
      checkWeight(sampledName, settings, inputs, places.weight);
      checkHead(sampledName, settings, inputs, places.weight + 1);
      const parts = partsOf(values).filter((part) => modulated || part !== "mask");
      return { shape: [sampledParts(settings, parts).total], dtype: inputSpec(inputs, 0).dtype };
    },
    plan: (capabilities, values, inputs) => {
      const settings = checkSampled({ name: sampledName, modulated }, values, inputs);
      return planDeformableSampledGradient(capabilities, settings, partsOf(values));
    },
  });
  const weight = defineOperator({
    name: weightName,
    inputs: [...sampledNames, "head"],
    summed: () => [...sampledNames.keys(), sampledNames.length],
    attributes: geometry,
    inferShape: (values, inputs) => {
      const settings = checkSampled({ name: weightName, modulated }, values, inputs);
      checkHead(weightName, settings, inputs, places.weight);
      return { shape: settings.weight, dtype: inputSpec(inputs, 0).dtype };
    },
    plan: (capabilities, values, inputs) => {
      const settings = checkSampled({ name: weightName, modulated }, values, inputs);
      return planDeformableWeightGradient(capabilities, settings);
    },
  });

  function backward(call: BackwardCall<Attributes>): (Tensor | null)[] {
    const { inputs, needs } = call;
    const { act_type, no_bias: _noBias, ...own } = call.attributes;
    const head = call.headGradient;
    if (act_type !== undefined) {
      throw new AutogradError(
        `Cannot differentiate ${name} with the attribute act_type = ${act_type}: apply the ` +
          `activation on its own, as deformableConvolution() does while recording`,
      );
    }
    const gradients: (Tensor | null)[] = inputs.map(() => null);
    const operands = inputs.slice(0, places.weight);
    const wanted = operands.map((_, index) => needs[index] === true);
    if (wanted.includes(true)) {
      const [data_grad, offset_grad, mask_grad = false] = wanted;
      const flat = sampled.apply([...operands, inputs[places.weight], head], {
        ...own,
        data_grad,
        offset_grad,
        mask_grad,
      });
      let start = 0;
      operands.forEach((operand, index) => {
        if (!wanted[index]) return;
        const { shape, size } = operand!;
        gradients[index] = reshape(slice(flat, start, start + size), shape);
        start += index === 0 ? Math.ceil(size / 4) * 4 : size; // as sampledParts() has it
      });
    }
    if (needs[places.weight]) gradients[places.weight] = weight.apply([...operands, head], own);
    if (needs[places.weight + 1]) {
      const axis = own["layout"] === "NCHW" ? [0, 2, 3] : [0, 1, 2];
      gradients[places.weight + 1] = sumOperator.apply([head], { axis });
    }
    return gradients;
  }

  const forward = defineOperator({
    batched: sampledNames.map((_, index) => index),
    name,
    inputs: [...sampledNames, "weight", "bias"],
    required: places.weight + 1,
    attributes,
    backward: (call) => backward(call as BackwardCall<Attributes>),
    keeps: () => Array.from({ length: places.weight + 1 }, (_, index) => index),
    inferShape: (values, inputs) => {
      const settings = checkSampled(version, values, inputs);
      checkWeight(name, settings, inputs, places.weight);
      checkBias(name, values, inputs, places.weight + 1);
      return { shape: deformableShapes(settings).output, dtype: inputSpec(inputs, 0).dtype };
    },
    plan: (capabilities, values, inputs) =>
      planDeformableConvolution(capabilities, forwardSettings(version, values, inputs)),
    plan16: (capabilities, values, inputs) =>
      planHalfDeformable(capabilities, forwardSettings(version, values, inputs)),
  });
  return { forward, sampled, weight };
}

const v1 = defineFamily({ name: "DeformableConvolution", modulated: false });
const v2 = defineFamily({ name: "ModulatedDeformableConvolution", modulated: true });

/** Deformable convolution v1: data, offset, weight, bias unless `no_bias`. */
export const deformableConvolutionOperator: Operator = v1.forward;
/** Deformable convolution v2: data, offset, mask, weight, bias unless `no_bias`. */
export const modulatedDeformableConvolutionOperator: Operator = v2.forward;

/** The operators of this family. */
export const deformableConvolutionOperators: readonly Operator[] = [v1, v2].flatMap((family) => [
  family.forward,
  family.sampled,
  family.weight,
]);
