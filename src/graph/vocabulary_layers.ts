// Operators with weights, pooling, normalization and activations of exported graphs.

import { isTraining } from "../autograd/flags.ts";
import { ACTIVATION_NAMES } from "../ops/activation.ts";
import type { Operator } from "../ops/define.ts";
import {
  activation,
  type ActivationName,
  adaptivePooling,
  identityLike,
  logSoftmax,
  operators,
  sigmoid,
  softmax,
} from "./vocabulary_operators.ts";
import type { AttributeReader } from "./attribute_text.ts";
import type { NodeReader, Vocabulary } from "./vocabulary.ts";

const named = new Map(operators.map((operator) => [operator.name, operator]));

function operatorNamed(name: string): Operator {
  return named.get(name)!;
}

/** A node that is one of our operators, with attributes of the same meaning. */
function direct(
  name: string,
  attributesOf: (read: AttributeReader) => Record<string, unknown>,
): NodeReader {
  return (read) => {
    const operator = operatorNamed(name);
    const attributes = operator.normalize(attributesOf(read));
    return (inputs) => operator.apply(inputs, attributes);
  };
}

function windowOf(read: AttributeReader): Record<string, unknown> {
  return {
    kernel: read.required("kernel", read.integers("kernel")),
    stride: read.integers("stride"),
    dilate: read.integers("dilate"),
    pad: read.integers("pad"),
    num_filter: read.required("num_filter", read.integer("num_filter")),
    num_group: read.integer("num_group"),
    layout: read.text("layout"),
  };
}

const convolution = direct("Convolution", (read) => ({
  ...windowOf(read),
  no_bias: read.boolean("no_bias", false),
}));

const deconvolution = direct("Deconvolution", (read) => ({
  ...windowOf(read),
  adj: read.integers("adj"),
  target_shape: read.integers("target_shape"),
  no_bias: read.boolean("no_bias", true),
}));

function deformable(name: string): NodeReader {
  return direct(name, (read) => {
    read.integer("im2col_step");
    return {
      ...windowOf(read),
      layout: read.text("layout") ?? "NCHW",
      num_deformable_group: read.integer("num_deformable_group"),
      no_bias: read.boolean("no_bias", false),
    };
  });
}

const fullyConnected = direct("FullyConnected", (read) => ({
  num_hidden: read.required("num_hidden", read.integer("num_hidden")),
  no_bias: read.boolean("no_bias", false),
  flatten: read.boolean("flatten", true),
}));

const batchNorm = direct("BatchNorm", (read) => {
  read.boolean("output_mean_var", false);
  return {
    axis: read.integer("axis"),
    eps: read.number("eps"),
    momentum: read.number("momentum"),
    fix_gamma: read.boolean("fix_gamma", true),
    use_global_stats: read.boolean("use_global_stats", false),
  };
});

const layerNorm = direct("LayerNorm", (read) => {
  read.boolean("output_mean_var", false);
  return { axis: read.integer("axis"), eps: read.number("eps") };
});

const groupNorm = direct("GroupNorm", (read) => {
  read.boolean("output_mean_var", false);
  return { num_groups: read.integer("num_groups"), eps: read.number("eps") };
});

const instanceNorm = direct("InstanceNorm", (read) => ({ eps: read.number("eps") }));

const LEAKY = ["leaky", "prelu", "elu", "selu", "gelu", "gelu_erf", "gelu_tanh", "rrelu"] as const;

const leakyRelu: NodeReader = (read) => {
  const type = read.word("act_type", LEAKY, "leaky");
  const slope = read.number("slope");
  const low = read.number("lower_bound") ?? 0.125;
  const high = read.number("upper_bound") ?? 0.334;
  const operator = operatorNamed("LeakyReLU");
  const attributes = operator.normalize(
    // The random slope is the mean one when nothing is trained.
    type === "rrelu" ? { act_type: "leaky", slope: (low + high) / 2 } : { act_type: type, slope },
  );
  return (inputs) => {
    if (type === "rrelu" && isTraining()) {
      read.refuse("random slopes of training are not supported");
    }
    return operator.apply(inputs, attributes);
  };
};

const activationNode: NodeReader = (read) => {
  const type = read.word("act_type", ACTIVATION_NAMES, "relu");
  return ([x]) => activation(x!, type);
};

/** An activation with a node type of its own. */
export function activationNamed(name: ActivationName): NodeReader {
  return () => ([x]) => activation(x!, name);
}

const POOL_TYPES = ["max", "avg", "sum", "lp"] as const;

const pooling: NodeReader = (read) => {
  const type = read.word("pool_type", POOL_TYPES, "max");
  const kernel = read.integers("kernel");
  const global_pool = read.boolean("global_pool", false);
  const size = read.integers("output_size");
  const convention = read.word("pooling_convention", ["valid", "full", "same"], "valid");
  const rest = { stride: read.integers("stride"), pad: read.integers("pad") };
  const include = read.boolean("count_include_pad", true);
  const layout = read.text("layout");
  read.number("p_value");
  if (type === "lp") return read.refuse("pool_type is lp, expected max, avg or sum");
  if (convention === "same") read.refuse("pooling_convention is same, expected valid or full");
  if (size !== undefined && size.some((each) => each > 0)) {
    if (type === "sum") {
      return read.refuse("pool_type is sum with output_size, expected max or avg");
    }
    return ([x]) =>
      adaptivePooling(x!, size.length === 1 ? size[0]! : size, {
        type,
        ...(layout === undefined ? {} : { layout: layout as "NCHW" }),
      });
  }
  const operator = operatorNamed("Pooling");
  const attributes = operator.normalize({
    ...(global_pool ? {} : { kernel: read.required("kernel", kernel), ...rest }),
    global_pool,
    pool_type: type === "sum" ? "avg" : type,
    pooling_convention: global_pool ? "valid" : convention,
    count_include_pad: type === "sum" ? true : include,
    layout,
  });
  return ([x]) => {
    const y = operator.apply([x], attributes);
    if (type !== "sum") return y;
    const count = global_pool
      ? x!.size / Math.max(y.size, 1)
      : kernel!.reduce((product, each) => product * each, 1);
    return y.mul(count);
  };
};

const adaptiveAverage: NodeReader = (read) => {
  const size = read.integers("output_size") ?? [1];
  const both = size.length === 1 ? [size[0]!, size[0]!] : size;
  return ([x]) => adaptivePooling(x!, both, { type: "avg" });
};

const dropout: NodeReader = (read) => {
  const p = read.number("p") ?? 0.5;
  const mode = read.word("mode", ["training", "always"], "training");
  const axes = read.integers("axes");
  return ([x]) => {
    if (p === 0 || mode === "training" && !isTraining()) return x!;
    const operator = named.get("Dropout") ??
      read.refuse("dropout in training is not supported, expected predict mode");
    return operator.apply([x], { p, mode, ...(axes === undefined ? {} : { axes }) });
  };
};

const softmaxNode = (log: boolean): NodeReader => (read) => {
  const axis = read.integer("axis") ?? -1;
  const temperature = read.number("temperature") ?? 1;
  for (const name of ["dtype", "use_length"]) read.text(name);
  return ([x]) => (log ? logSoftmax : softmax)(x!, { axis, temperature });
};

/** The loss layers of 1.x pass their prediction on; what concerns the gradient is ignored. */
const softmaxOutput: NodeReader = (read) => {
  const multi = read.boolean("multi_output", false);
  const preserve = read.boolean("preserve_shape", false);
  for (
    const name of [
      "grad_scale",
      "ignore_label",
      "use_ignore",
      "normalization",
      "out_grad",
      "smooth_alpha",
    ]
  ) read.text(name);
  return ([x]) => {
    if (multi) return softmax(x!, { axis: 1 });
    if (preserve || x!.rank < 3) return softmax(x!, { axis: -1 });
    return softmax(x!.reshape([x!.shape[0]!, -1]), { axis: -1 }).reshape(x!.shape);
  };
};

const softmaxActivation: NodeReader = (read) => {
  const mode = read.word("mode", ["instance", "channel"], "instance");
  return ([x]) => {
    if (mode === "channel") return softmax(x!, { axis: 1 });
    return softmax(x!.reshape([x!.shape[0]!, -1]), { axis: -1 }).reshape(x!.shape);
  };
};

/** Layers by MXNet's names, those of 1.x and 2. */
export const layerVocabulary: Vocabulary = {
  Convolution: convolution,
  Convolution_v1: convolution,
  _npx_convolution: convolution,
  Deconvolution: deconvolution,
  _npx_deconvolution: deconvolution,
  _npx_deformable_convolution: deformable("DeformableConvolution"),
  _contrib_DeformableConvolution: deformable("DeformableConvolution"),
  _npx_modulated_deformable_convolution: deformable("ModulatedDeformableConvolution"),
  _contrib_ModulatedDeformableConvolution: deformable("ModulatedDeformableConvolution"),
  FullyConnected: fullyConnected,
  _npx_fully_connected: fullyConnected,
  BatchNorm: batchNorm,
  BatchNorm_v1: batchNorm,
  CuDNNBatchNorm: batchNorm,
  _npx_batch_norm: batchNorm,
  LayerNorm: layerNorm,
  _npx_layer_norm: layerNorm,
  GroupNorm: groupNorm,
  _npx_group_norm: groupNorm,
  InstanceNorm: instanceNorm,
  _npx_instance_norm: instanceNorm,
  Activation: activationNode,
  _npx_activation: activationNode,
  LeakyReLU: leakyRelu,
  _npx_leaky_relu: leakyRelu,
  relu: activationNamed("relu"),
  _npx_relu: activationNamed("relu"),
  sigmoid: activationNamed("sigmoid"),
  _npx_sigmoid: activationNamed("sigmoid"),
  tanh: activationNamed("tanh"),
  _npi_tanh: activationNamed("tanh"),
  _np_tanh: activationNamed("tanh"),
  softsign: activationNamed("softsign"),
  log_sigmoid: activationNamed("log_sigmoid"),
  mish: activationNamed("mish"),
  Pooling: pooling,
  Pooling_v1: pooling,
  _npx_pooling: pooling,
  _contrib_AdaptiveAvgPooling2D: adaptiveAverage,
  Dropout: dropout,
  _npx_dropout: dropout,
  softmax: softmaxNode(false),
  _npx_softmax: softmaxNode(false),
  log_softmax: softmaxNode(true),
  _npx_log_softmax: softmaxNode(true),
  SoftmaxActivation: softmaxActivation,
  SoftmaxOutput: softmaxOutput,
  Softmax: softmaxOutput,
  LinearRegressionOutput: identityLike(["grad_scale"]),
  MAERegressionOutput: identityLike(["grad_scale"]),
  LogisticRegressionOutput: (read) => {
    read.number("grad_scale");
    return ([x]) => sigmoid(x!);
  },
};
