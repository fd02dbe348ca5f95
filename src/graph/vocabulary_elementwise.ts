// Element-wise operators, functions and reductions of exported graphs.

import { DTYPES } from "../core/dtype.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { NodeReader, Vocabulary } from "./vocabulary.ts";
import {
  abs,
  add,
  cast,
  clip,
  div,
  equal,
  exp,
  expm1,
  greater,
  greaterEqual,
  identityLike,
  less,
  lessEqual,
  log,
  log1p,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  negative,
  notEqual,
  power,
  rsqrt,
  sign,
  sqrt,
  square,
  sub,
  sum,
} from "./vocabulary_operators.ts";

type Binary = (a: Tensor, b: Tensor) => Tensor;

function binary(fn: Binary): NodeReader {
  return () => ([a, b]) => fn(a!, b!);
}

function scalar(fn: (x: Tensor, value: number) => Tensor): NodeReader {
  return (read) => {
    const value = read.required("scalar", read.number("scalar"));
    return ([x]) => fn(x!, value);
  };
}

function unary(fn: (x: Tensor) => Tensor): NodeReader {
  return () => ([x]) => fn(x!);
}

function names(reader: NodeReader, ...all: readonly string[]): Vocabulary {
  return Object.fromEntries(all.map((name) => [name, reader]));
}

function reduction(fn: typeof sum): NodeReader {
  return (read) => {
    const axis = read.integers("axis");
    const keepDims = read.boolean("keepdims", false);
    const exclude = read.boolean("exclude", false);
    for (const name of ["dtype", "initial", "where"]) read.text(name);
    return ([x]) => {
      if (!exclude) return fn(x!, { axis: axis ?? null, keepDims });
      const listed = (axis ?? []).map((each) => each < 0 ? each + x!.rank : each);
      const others = x!.shape.map((_, at) => at).filter((at) => !listed.includes(at));
      return fn(x!, { axis: others, keepDims });
    };
  };
}

const clipNode: NodeReader = (read) => {
  const low = read.number("a_min") ?? -Infinity;
  const high = read.number("a_max") ?? Infinity;
  return ([x]) => clip(x!, low, high);
};

const addAll: NodeReader = () => (inputs) => inputs.reduce((total, each) => add(total, each));

const castNode: NodeReader = (read) => {
  const dtype = read.word("dtype", DTYPES, "float32");
  return ([x]) => cast(x!, dtype);
};

/** By MXNet's names, those of 1.x and 2. */
export const elementwiseVocabulary: Vocabulary = {
  ...names(
    binary(add),
    "elemwise_add",
    "broadcast_add",
    "broadcast_plus",
    "_plus",
    "_Plus",
    "_add",
    "_npi_add",
  ),
  ...names(
    binary(sub),
    "elemwise_sub",
    "broadcast_sub",
    "broadcast_minus",
    "_minus",
    "_Minus",
    "_sub",
    "_npi_subtract",
  ),
  ...names(binary(mul), "elemwise_mul", "broadcast_mul", "_mul", "_Mul", "_npi_multiply"),
  ...names(binary(div), "elemwise_div", "broadcast_div", "_div", "_Div", "_npi_true_divide"),
  ...names(binary(maximum), "broadcast_maximum", "_maximum", "_Maximum", "_npi_maximum"),
  ...names(binary(minimum), "broadcast_minimum", "_minimum", "_Minimum", "_npi_minimum"),
  ...names(scalar((x, by) => add(x, by)), "_plus_scalar", "_PlusScalar", "_npi_add_scalar"),
  ...names(scalar((x, by) => sub(x, by)), "_minus_scalar", "_MinusScalar", "_npi_subtract_scalar"),
  ...names(
    scalar((x, from) => sub(from, x)),
    "_rminus_scalar",
    "_RMinusScalar",
    "_npi_rsubtract_scalar",
  ),
  ...names(scalar((x, by) => mul(x, by)), "_mul_scalar", "_MulScalar", "_npi_multiply_scalar"),
  ...names(scalar((x, by) => div(x, by)), "_div_scalar", "_DivScalar", "_npi_true_divide_scalar"),
  ...names(
    scalar((x, value) => div(value, x)),
    "_rdiv_scalar",
    "_RDivScalar",
    "_npi_rtrue_divide_scalar",
  ),
  ...names(scalar((x, to) => power(x, to)), "_power_scalar", "_PowerScalar", "_npi_power_scalar"),
  ...names(scalar((x, to) => maximum(x, to)), "_maximum_scalar", "_npi_maximum_scalar"),
  ...names(scalar((x, to) => minimum(x, to)), "_minimum_scalar", "_npi_minimum_scalar"),
  ...names(binary(equal), "broadcast_equal"),
  ...names(binary(notEqual), "broadcast_not_equal"),
  ...names(binary(greater), "broadcast_greater"),
  ...names(binary(greaterEqual), "broadcast_greater_equal"),
  ...names(binary(less), "broadcast_lesser"),
  ...names(binary(lessEqual), "broadcast_lesser_equal"),
  ...names(unary(exp), "exp", "_npi_exp"),
  ...names(unary(expm1), "expm1", "_npi_expm1"),
  ...names(unary(log), "log", "_npi_log"),
  ...names(unary(log1p), "log1p", "_npi_log1p"),
  ...names(unary(sqrt), "sqrt", "_npi_sqrt"),
  ...names(unary(rsqrt), "rsqrt"),
  ...names(unary(square), "square", "_npi_square"),
  ...names(unary(abs), "abs", "_npi_absolute"),
  ...names(unary(sign), "sign", "_npi_sign"),
  ...names(unary(negative), "negative", "_npi_negative"),
  ...names(clipNode, "clip", "_npi_clip"),
  ...names(reduction(mean), "mean", "_npi_mean", "_np_mean"),
  ...names(reduction(sum), "sum", "sum_axis", "_npi_sum", "_np_sum"),
  ...names(reduction(max), "max", "max_axis", "_npi_max", "_np_max"),
  ...names(reduction(min), "min", "min_axis", "_npi_min", "_np_min"),
  ...names(addAll, "add_n", "ElementWiseSum", "elemwise_sum"),
  ...names(castNode, "Cast", "cast", "_npi_cast"),
  ...names(identityLike([]), "_copy", "identity", "_np_copy", "_npi_copy"),
  ...names(() => ([x]) => x!.detach(), "BlockGrad", "stop_gradient"),
};
