// Batch, layer, group and instance normalization.
// After apache/mxnet src/operator/nn/{batch,layer,group}_norm.cc and src/operator/instance_norm.cc.

import { ShapeError } from "../core/errors.ts";
import { boolean, integer, number, oneOf, type OptionValues } from "../core/options.ts";
import { elementCount, formatShape, normalizeAxis } from "../core/shape.ts";
import { isRecording } from "../autograd/flags.ts";
import { planFill } from "../kernels/elementwise.ts";
import { planGivenNormalization, planNormalization } from "../kernels/normalization.ts";
import {
  planNormalizationGradient,
  planNormalizationSums,
} from "../kernels/normalization_gradient.ts";
import { normalizationProblem } from "../kernels/normalization_problem.ts";
import { cast } from "./cast.ts";
import type { Tensor } from "../tensor/mod.ts";
import {
  type BackwardCall,
  checkFloat,
  checkSameDType,
  defineOperator,
  inputSpec,
  type InputSpecs,
  type Operator,
  type TensorSpec,
} from "./define.ts";
import { rsqrt } from "./function.ts";
import {
  composeGradients,
  type NormalizationKind,
  parameterShape,
} from "./normalization_gradient.ts";
import { sumTo } from "./reduce.ts";
import { slice } from "./slice.ts";

const kindAttributes = {
  form: oneOf(["batch", "layer", "group", "instance"] as const),
  axis: integer({ minimum: 0 }),
  groups: integer({ minimum: 1 }),
} as const;

const sumsAttributes = {
  ...kindAttributes,
  over: oneOf(["statistic", "parameter"] as const),
} as const;

/**
 * Sums of a gradient: of the heads, and of heads times normalized data, over what shares a statistic (heads times gamma
 * where that covers several parameters) or a parameter.
 */
export const normalizationSumsOperator: Operator = defineOperator({
  name: "_backward_NormalizationSums",
  inputs: ["head", "data", "mean", "deviation", "gamma"],
  attributes: sumsAttributes,
  inferShape: ({ over, axis }, inputs) => {
    const { shape } = inputSpec(inputs, 1);
    const results = over === "parameter" ? shape[axis]! : inputSpec(inputs, 2).shape[0]!;
    return { shape: [2, results], dtype: "float32" };
  },
  plan: (capabilities, { form, axis, groups, over }, inputs, output) => {
    const { shape } = inputSpec(inputs, 1);
    if (shape.includes(0)) {
      const fill = planFill(capabilities, 0, elementCount(output.shape) * 4);
      return { ...fill, slots: [{ role: "output", index: 0 }] };
    }
    const problem = normalizationProblem(form, shape, axis, groups);
    return planNormalizationSums(capabilities, shape, problem, over);
  },
});

/** Gradient of a normalization's input, from the sums over statistics. */
export const normalizationDataOperator: Operator = defineOperator({
  name: "_backward_NormalizationData",
  inputs: ["head", "data", "mean", "deviation", "gamma", "sums"],
  attributes: { ...kindAttributes, fix_gamma: boolean(false) },
  inferShape: (_attributes, inputs) => inputSpec(inputs, 1),
  plan: (capabilities, { form, axis, groups, fix_gamma }, inputs) => {
    const { shape } = inputSpec(inputs, 1);
    const problem = normalizationProblem(form, shape, axis, groups);
    return planNormalizationGradient(capabilities, shape, problem, fix_gamma);
  },
});

/** One of two rows of sums, as the gradient of a parameter. */
function row(sums: Tensor, at: number, like: Tensor): Tensor {
  const size = sums.shape.at(-1)!;
  const found = slice(sums, [at, 0], [at + 1, size]).reshape([size]);
  return like.dtype === "float32" ? found : cast(found, like.dtype);
}

function like(gradient: Tensor, { dtype }: Tensor): Tensor {
  return gradient.dtype === dtype ? gradient : cast(gradient, dtype);
}

type Call = Omit<BackwardCall<unknown>, "attributes" | "output">;

/** Gradients of data, gamma and beta of a normalization by its own statistics, which are the hidden results. */
function differentiate(
  call: Call,
  kind: NormalizationKind,
  epsilon: number,
  fixGamma: boolean = false,
): (Tensor | null)[] {
  const { headGradient: head, needs, hidden } = call;
  const [data, gamma, beta] = call.inputs as readonly [Tensor, Tensor, Tensor];
  if (isRecording()) {
    const own = composeGradients(kind, { head, data, gamma: fixGamma ? null : gamma, epsilon });
    return [data, gamma, beta].map((input, at) =>
      needs[at] && !(at === 1 && fixGamma) ? like(own[at]!, input) : null
    );
  }
  const operands = [head, data, hidden[0], hidden[1], gamma];
  const sumsOver = (over: string) => normalizationSumsOperator.apply(operands, { ...kind, over });
  // A statistic of these two belongs to one channel: what it sums up serves the parameters too.
  const shares = kind.form === "batch" || kind.form === "instance";
  const sums = needs[0] || shares ? sumsOver("statistic") : null;
  const size = gamma.size;
  const parameters = !needs[1] && !needs[2]
    ? null
    : shares
    ? sumTo(sums!.reshape([2, sums!.size / 2 / size, size]), [2, 1, size]).reshape([2, size])
    : sumsOver("parameter");
  return [
    needs[0]
      ? normalizationDataOperator.apply([...operands, sums], { ...kind, fix_gamma: fixGamma })
      : null,
    needs[1] && !fixGamma ? row(parameters!, 1, gamma) : null,
    needs[2] ? row(parameters!, 0, beta) : null,
  ];
}

/** The same for a normalization by given statistics, which get no gradient. */
function differentiateGiven(
  { headGradient: head, needs, inputs }: Call,
  axis: number,
  epsilon: number,
  fixGamma: boolean,
): (Tensor | null)[] {
  const [data, gamma, beta, mean, variance] = inputs as readonly Tensor[] as readonly [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const kind = { form: "batch", axis, groups: 1 } as const;
  if (isRecording()) {
    const operands = { head, data, gamma: fixGamma ? null : gamma, epsilon };
    const own = composeGradients(kind, { ...operands, given: [mean, variance] });
    return [data, gamma, beta].map((input, at) =>
      needs[at] && !(at === 1 && fixGamma) ? like(own[at]!, input) : null
    );
  }
  const inverse = rsqrt(variance.add(epsilon));
  const sums = needs[1] && !fixGamma || needs[2]
    ? normalizationSumsOperator.apply([head, data, mean, inverse, gamma], {
      ...kind,
      over: "parameter",
    })
    : null;
  const scale = like(fixGamma ? inverse : inverse.mul(gamma), data);
  return [
    needs[0] ? head.mul(scale.reshape(parameterShape(data.rank, axis, scale.size))) : null,
    needs[1] && !fixGamma ? row(sums!, 1, gamma) : null,
    needs[2] ? row(sums!, 0, beta) : null,
  ];
}

/** Checks that parameters are vectors of the axis' size. */
function checkParameters(
  name: string,
  names: readonly string[],
  inputs: InputSpecs,
  axis: number,
  dtype: string,
): void {
  const data = inputSpec(inputs, 0);
  const size = data.shape[axis]!;
  for (let at = 1; at < names.length; at++) {
    const found = inputSpec(inputs, at);
    if (found.shape.length !== 1 || found.shape[0] !== size) {
      throw new ShapeError(
        `Cannot apply ${name}: ${names[at]} has shape ${formatShape(found.shape)}, expected ` +
          `(${size},) for axis ${axis} of data of shape ${formatShape(data.shape)}`,
      );
    }
    if (found.dtype === dtype) continue;
    throw new TypeError(
      `Cannot apply ${name}: ${names[at]} is ${found.dtype}, expected ${dtype}` +
        (name === "BatchNorm" ? " whatever the dtype of data" : " (the dtype of data)"),
    );
  }
}

function statisticsSpec(results: number): TensorSpec[] {
  const spec: TensorSpec = { shape: [results], dtype: "float32" };
  return [spec, spec];
}

const batchAttributes = {
  axis: integer({}, 1),
  eps: number({ minimum: 0 }, 1e-3),
  momentum: number({}, 0.9),
  /** Gamma counts as 1 and gets no gradient. */
  fix_gamma: boolean(true),
  /** Normalize by the running statistics in training too. */
  use_global_stats: boolean(false),
} as const;

const BATCH_INPUTS = ["data", "gamma", "beta", "running_mean", "running_var"] as const;

type BatchAttributes = OptionValues<typeof batchAttributes>;

/** Whether the batch's own statistics are used, and the running ones moved. */
function usesBatch({ use_global_stats }: BatchAttributes, training: boolean): boolean {
  return training && !use_global_stats;
}

/**
 * Normalization by the mean and variance of a channel over the batch; in training the running statistics move toward
 * these, as in MXNet with the variance divided by the count. Otherwise by the running statistics.
 */
export const batchNormOperator: Operator = defineOperator({
  name: "BatchNorm",
  inputs: BATCH_INPUTS,
  attributes: batchAttributes,
  modal: true,
  inferShape: ({ axis }, inputs) => {
    const data = inputSpec(inputs, 0);
    checkFloat("apply BatchNorm", "data", data);
    const at = normalizeAxis("apply BatchNorm", axis, data.shape.length);
    checkParameters("BatchNorm", BATCH_INPUTS, inputs, at, "float32");
    return data;
  },
  hidden: (attributes, inputs, training) =>
    usesBatch(attributes, training) ? statisticsSpec(inputSpec(inputs, 1).shape[0]!) : [],
  overwrites: (attributes, training) => usesBatch(attributes, training) ? [3, 4] : [],
  plan: (capabilities, attributes, _inputs, { shape }, training) => {
    const { eps, momentum, fix_gamma: fixGamma } = attributes;
    const axis = normalizeAxis("apply BatchNorm", attributes.axis, shape.length);
    const problem = normalizationProblem("batch", shape, axis, 1);
    return usesBatch(attributes, training)
      ? planNormalization(capabilities, "BatchNorm", shape, problem, eps, { fixGamma, momentum })
      : planGivenNormalization(capabilities, "BatchNorm", shape, problem, eps, fixGamma);
  },
  keeps: (attributes, _needs, training) => usesBatch(attributes, training) ? [0, 1] : [0, 1, 3, 4],
  backward: (call) => {
    const { eps, fix_gamma } = call.attributes;
    const axis = normalizeAxis("apply BatchNorm", call.attributes.axis, call.inputs[0]!.rank);
    const gradients = usesBatch(call.attributes, call.training)
      ? differentiate(call, { form: "batch", axis, groups: 1 }, eps, fix_gamma)
      : differentiateGiven(call, axis, eps, fix_gamma);
    return [...gradients, null, null];
  },
});

const PARAMETER_INPUTS = ["data", "gamma", "beta"] as const;

interface RowNorm<A> {
  readonly form: "layer" | "group" | "instance";
  axis(attributes: A): number;
  groups(attributes: A): number;
}

/** The normalizations that treat every entry of a batch alike and have no running statistics. */
function defineRowNorm<R extends { readonly eps: ReturnType<typeof number> }>(
  name: string,
  attributes: R,
  rank: number,
  { form, axis: axisFrom, groups: groupsFrom }: RowNorm<OptionValues<R>>,
): Operator {
  const kindOf = (values: OptionValues<R>, shape: readonly number[]): NormalizationKind => ({
    form,
    axis: normalizeAxis(`apply ${name}`, axisFrom(values), shape.length),
    groups: groupsFrom(values),
  });
  const problemOf = (values: OptionValues<R>, shape: readonly number[]) => {
    const { axis, groups } = kindOf(values, shape);
    return normalizationProblem(form, shape, axis, groups);
  };
  return defineOperator<R>({
    name,
    inputs: PARAMETER_INPUTS,
    attributes,
    inferShape: (values, inputs) => {
      const data = inputSpec(inputs, 0);
      checkFloat(`apply ${name}`, "data", data);
      if (data.shape.length < rank) {
        throw new ShapeError(
          `Cannot apply ${name}: data of shape ${formatShape(data.shape)} has rank ` +
            `${data.shape.length}, expected at least ${rank}`,
        );
      }
      const { axis, groups } = kindOf(values, data.shape);
      if (data.shape[axis]! % groups !== 0) {
        throw new ShapeError(
          `Cannot apply ${name}: data of shape ${formatShape(data.shape)} has ` +
            `${data.shape[axis]} channels, expected a multiple of num_groups (${groups})`,
        );
      }
      checkSameDType(`apply ${name}`, "gamma", inputSpec(inputs, 1), ["data", data]);
      checkParameters(name, PARAMETER_INPUTS, inputs, axis, data.dtype);
      return data;
    },
    hidden: (values, inputs) => {
      const { shape } = inputSpec(inputs, 0);
      return statisticsSpec(shape.includes(0) ? 0 : problemOf(values, shape).statistics.results);
    },
    plan: (capabilities, values, _inputs, { shape }) =>
      planNormalization(capabilities, name, shape, problemOf(values, shape), epsilonOf(values)),
    keeps: () => [0, 1],
    backward: (call) => {
      const { shape } = call.inputs[0]!;
      return differentiate(call, kindOf(call.attributes, shape), epsilonOf(call.attributes));
    },
  });
}

function epsilonOf(attributes: object): number {
  return (attributes as { readonly eps: number }).eps;
}

/** Normalization along one axis, for each position on the others. */
export const layerNormOperator: Operator = defineRowNorm(
  "LayerNorm",
  { axis: integer({}, -1), eps: number({ minimum: 0 }, 1e-5) },
  1,
  { form: "layer", axis: ({ axis }) => axis, groups: () => 1 },
);

/** Normalization of groups of channels, for each entry of the batch. */
export const groupNormOperator: Operator = defineRowNorm(
  "GroupNorm",
  { num_groups: integer({ minimum: 1 }, 1), eps: number({ minimum: 0 }, 1e-5) },
  2,
  { form: "group", axis: () => 1, groups: ({ num_groups }) => num_groups },
);

/** Normalization of every channel of every entry of the batch. */
export const instanceNormOperator: Operator = defineRowNorm(
  "InstanceNorm",
  { eps: number({ minimum: 0 }, 1e-3) },
  2,
  { form: "instance", axis: () => 1, groups: () => 1 },
);

/** The operators of this family. */
export const normalizationOperators: readonly Operator[] = [
  batchNormOperator,
  layerNormOperator,
  groupNormOperator,
  instanceNormOperator,
  normalizationSumsOperator,
  normalizationDataOperator,
];
