// Layers as MXNet writes them into graph files.

import type { Emission, EmittedCall, SymbolEmitter } from "./symbol_emitter.ts";

const LAYOUTS = ["NCW", "NCHW", "NCDHW"];

interface Window {
  readonly kernel: readonly number[];
  readonly stride?: readonly number[];
  readonly dilate?: readonly number[];
  readonly pad?: readonly number[];
  readonly pad_after?: readonly number[];
  readonly num_filter: number;
  readonly num_group: number;
  readonly no_bias: boolean;
  readonly layout?: string;
  readonly adj?: readonly number[];
  readonly target_shape?: readonly number[];
}

function refuse({ call }: EmittedCall, message: string): never {
  throw new RangeError(
    `Cannot export ${call.operator.name}: ${message}, which MXNet does not have`,
  );
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.every((each, at) => each === b[at]);
}

function windowOf(values: Window) {
  const { kernel } = values;
  const fill = (value: number) => new Array<number>(kernel.length).fill(value);
  return {
    stride: values.stride ?? fill(1),
    dilate: values.dilate ?? fill(1),
    pad: values.pad ?? fill(0),
    layout: values.layout ?? LAYOUTS[kernel.length - 1]!,
  };
}

const convolution: Emission = (emitter, call) => {
  const values = call.attributes as unknown as Window;
  const { kernel, num_filter, num_group, no_bias, pad_after: after } = values;
  const { stride, dilate, pad, layout } = windowOf(values);
  let [data, ...rest] = call.inputs as [number, ...number[]];
  let inner = pad;
  if (after !== undefined && !same(pad, after)) {
    if (kernel.length === 1 || layout.indexOf("C") !== 1) {
      refuse(call, "padding differs before and behind, with this layout");
    }
    const widths = pad.flatMap((before, axis) => [before, after[axis]!]);
    data = emitter.python("Pad", [data], {
      mode: "constant",
      pad_width: [0, 0, 0, 0, ...widths],
      constant_value: 0,
    });
    inner = pad.map(() => 0);
  }
  return emitter.fast("Convolution", [data, ...rest], {
    cudnn_off: false,
    cudnn_tune: null,
    dilate,
    kernel,
    layout,
    no_bias,
    num_filter,
    num_group,
    pad: inner,
    stride,
    workspace: 1024,
  });
};

const deconvolution: Emission = (emitter, call) => {
  const values = call.attributes as unknown as Window;
  const { kernel, num_filter, num_group, no_bias, target_shape: target } = values;
  const { stride, dilate, pad, layout } = windowOf(values);
  const after = values.pad_after ?? pad;
  // Less padding behind is more of the result behind.
  const adj = pad.map((before, axis) => (values.adj?.[axis] ?? 0) + before - after[axis]!);
  if (adj.some((each, axis) => each < 0 || each >= stride[axis]!)) {
    refuse(call, "padding differs before and behind");
  }
  return emitter.fast("Deconvolution", call.inputs, {
    adj,
    cudnn_off: false,
    cudnn_tune: null,
    dilate,
    kernel,
    layout,
    no_bias,
    num_filter,
    num_group,
    pad,
    stride,
    target_shape: target?.some((size) => size > 0) ? target : null,
    workspace: 1024,
  });
};

const deformable = (op: string): Emission => (emitter, { inputs, attributes }) => {
  const values = attributes as unknown as Window & { readonly num_deformable_group: number };
  const { kernel, num_filter, num_group, num_deformable_group, no_bias } = values;
  return emitter.python(op, inputs, {
    ...windowOf(values),
    kernel,
    num_filter,
    num_group,
    num_deformable_group,
    no_bias,
  });
};

interface Pool {
  readonly kernel?: readonly number[];
  readonly stride?: readonly number[];
  readonly pad?: readonly number[];
  readonly pad_after?: readonly number[];
  readonly pool_type: "max" | "avg";
  readonly pooling_convention: string;
  readonly global_pool: boolean;
  readonly count_include_pad: boolean;
  readonly layout?: string;
  readonly nan_policy: string;
}

const pooling: Emission = (emitter, call) => {
  const values = call.attributes as unknown as Pool;
  const { pool_type, pooling_convention: convention, global_pool } = values;
  const axes = call.shapes[0]!.length - 2;
  const fill = (value: number) => new Array<number>(axes).fill(value);
  const pad = values.pad ?? fill(0);
  if (convention === "clip") refuse(call, "its rounding is clip");
  if (values.nan_policy !== "skip") refuse(call, `nan_policy is ${values.nan_policy}`);
  if (values.pad_after !== undefined && !same(pad, values.pad_after)) {
    refuse(call, "padding differs before and behind");
  }
  return emitter.fast("Pooling", call.inputs, {
    count_include_pad: pool_type === "avg" && !global_pool ? values.count_include_pad : null,
    cudnn_off: false,
    global_pool,
    kernel: global_pool ? fill(1) : values.kernel,
    layout: values.layout ?? LAYOUTS[axes - 1],
    p_value: null,
    pad: global_pool ? fill(0) : pad,
    pool_type,
    pooling_convention: global_pool ? "full" : convention,
    stride: global_pool ? fill(1) : values.stride ?? fill(1),
  });
};

const adaptive: Emission = (emitter, call) => {
  const { pool_type, output_size: size, layout } = call.attributes as {
    readonly pool_type: string;
    readonly output_size: readonly number[];
    readonly layout?: string;
  };
  const shape = call.call.spec.shape;
  if (pool_type !== "avg" || size.length !== 2 || layout !== undefined && layout !== "NCHW") {
    refuse(call, "it is no average over the last two of four axes");
  }
  return emitter.python("_contrib_AdaptiveAvgPooling2D", call.inputs, {
    output_size: shape.slice(2),
  });
};

/** The chain of reshapes that Gluon's PixelShuffle layers make. */
const pixelShuffle: Emission = (emitter, { inputs, attributes, shapes }) => {
  const factor = attributes["factor"] as number | readonly number[];
  const rank = shapes[0]!.length - 2;
  const f = typeof factor === "number" ? new Array<number>(rank).fill(factor) : factor;
  let node = inputs[0]!;
  const reshape = (...newshape: number[]) => {
    node = emitter.python("_npx_reshape", [node], { newshape });
  };
  const swap = (dim1: number, dim2: number) => {
    node = emitter.python("SwapAxis", [node], { dim1, dim2 });
  };
  const [a, b, c] = f as [number, number, number];
  if (rank === 1) {
    reshape(-2, -6, -1, a, -2);
    node = emitter.python("transpose", [node], { axes: [0, 1, 3, 2] });
    reshape(-2, -2, -5);
  } else if (rank === 2) {
    reshape(-2, -6, -1, a * b, -2, -2);
    reshape(-2, -2, -6, a, b, -2, -2);
    node = emitter.python("transpose", [node], { axes: [0, 1, 4, 2, 5, 3] });
    reshape(-2, -2, -5, -5);
  } else {
    reshape(-2, -6, -1, a * b * c, -2, -2, -2);
    swap(2, 3);
    reshape(-2, -2, -2, -6, a, b * c, -2, -2);
    reshape(-2, -2, -5, -2, -2, -2);
    swap(3, 4);
    reshape(-2, -2, -2, -2, -6, b, c, -2);
    reshape(-2, -2, -2, -5, -2, -2);
    swap(4, 5);
    reshape(-2, -2, -2, -2, -5);
  }
  return node;
};

/** Splits every spatial axis, moves the parts in front of the axes, merges them into the channels. */
const pixelUnshuffle: Emission = (emitter, { inputs, attributes, shapes }) => {
  const factor = attributes["factor"] as number | readonly number[];
  const rank = shapes[0]!.length - 2;
  const f = typeof factor === "number" ? new Array<number>(rank).fill(factor) : factor;
  let split = inputs[0]!;
  // One axis at a time: a shape may leave one size open.
  f.forEach((each, axis) => {
    const before = new Array<number>(2 + 2 * axis).fill(-2);
    const after = new Array<number>(rank - axis - 1).fill(-2);
    split = emitter.python("_npx_reshape", [split], {
      newshape: [...before, -6, -1, each, ...after],
    });
  });
  const parts = f.map((_, axis) => 3 + 2 * axis);
  const moved = emitter.python("transpose", [split], {
    axes: [0, 1, ...parts, ...parts.map((axis) => axis - 1)],
  });
  // Merging twice at most: more than two axes are merged from the left, one after the other.
  let node = moved;
  for (let left = rank; left > 0; left--) {
    const rest = new Array<number>(left - 1 + rank).fill(-2);
    node = emitter.python("_npx_reshape", [node], { newshape: [-2, -5, ...rest] });
  }
  return node;
};

/** Attributes that have MXNet's names and meaning. */
const plain = (
  op: string,
  names: readonly string[],
  outputs: number = 1,
  more: Readonly<Record<string, unknown>> = {},
): Emission =>
(emitter: SymbolEmitter, { inputs, attributes }: EmittedCall) =>
  emitter.fast(
    op,
    inputs,
    { ...Object.fromEntries(names.map((name) => [name, attributes[name]])), ...more },
    outputs,
  );

const softmax = (op: string): Emission => (emitter, { inputs, attributes }) => {
  const temperature = attributes["temperature"] as number | undefined;
  return emitter.python(op, inputs, {
    axis: attributes["axis"],
    ...(temperature === undefined || temperature === 1 ? {} : { temperature }),
  });
};

/** By the names of our operators. */
export const emitLayers: Readonly<Record<string, Emission>> = {
  Convolution: convolution,
  Deconvolution: deconvolution,
  DeformableConvolution: deformable("_npx_deformable_convolution"),
  ModulatedDeformableConvolution: deformable("_npx_modulated_deformable_convolution"),
  Pooling: pooling,
  AdaptivePooling: adaptive,
  PixelShuffle: pixelShuffle,
  PixelUnshuffle: pixelUnshuffle,
  Activation: plain("Activation", ["act_type"]),
  LeakyReLU: (emitter, { inputs, attributes }) => {
    const type = attributes["act_type"] as string;
    return emitter.python("LeakyReLU", inputs, {
      act_type: type === "gelu" ? "gelu" : type,
      slope: attributes["slope"],
    });
  },
  FullyConnected: plain("FullyConnected", ["num_hidden", "no_bias", "flatten"]),
  BatchNorm: plain(
    "BatchNorm",
    ["axis", "eps", "momentum", "fix_gamma", "use_global_stats"],
    3,
    { cudnn_off: false, output_mean_var: false },
  ),
  LayerNorm: plain("LayerNorm", ["axis", "eps"], 3, { output_mean_var: false }),
  GroupNorm: plain("GroupNorm", ["num_groups", "eps"], 3, { output_mean_var: false }),
  InstanceNorm: (emitter, { inputs, attributes }) =>
    emitter.python("InstanceNorm", inputs, { eps: attributes["eps"] }, 3),
  Dropout: (emitter, { inputs, attributes }) =>
    emitter.python("Dropout", inputs, {
      p: attributes["p"],
      mode: attributes["mode"] ?? "training",
      ...(attributes["axes"] === undefined ? {} : { axes: attributes["axes"] }),
    }, 2),
  softmax: softmax("softmax"),
  log_softmax: softmax("log_softmax"),
  dot: plain("dot", ["transpose_a", "transpose_b"]),
  batch_dot: plain("batch_dot", ["transpose_a", "transpose_b"]),
  UpSampling: (emitter, { inputs, attributes, shapes }) => {
    const { scale, layout } = attributes as {
      readonly scale: number | readonly number[];
      readonly layout?: string;
    };
    const factors = typeof scale === "number" ? [scale] : scale;
    if (shapes[0]!.length !== 4 || new Set(factors).size > 1 || layout === "NHWC") {
      throw new RangeError(
        "Cannot export UpSampling: expected one scale for the last two of four axes, as MXNet has it",
      );
    }
    return emitter.python("UpSampling", inputs, {
      scale: factors[0],
      sample_type: "nearest",
      num_args: 1,
    });
  },
};
