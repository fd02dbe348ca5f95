// Operators that move or rename elements in exported graphs.

import type { Tensor } from "../tensor/mod.ts";
import type { AttributeReader } from "./attribute_text.ts";
import { resolveNewShape, resolveOldShape } from "./reshape_codes.ts";
import type { NodeReader, Vocabulary } from "./vocabulary.ts";
import {
  broadcastTo,
  concat,
  operators,
  pad,
  slice,
  transpose,
  upSampling,
} from "./vocabulary_operators.ts";

const flatten: NodeReader = () => ([x]) =>
  x!.reshape([x!.shape[0]!, x!.shape.slice(1).reduce((product, size) => product * size, 1)]);

function reshaped(
  read: AttributeReader,
  name: string,
  resolve: (shape: readonly number[], codes: readonly number[]) => number[],
): (inputs: readonly Tensor[]) => Tensor {
  const codes = read.integers(name) ?? [];
  const reverse = read.boolean("reverse", false);
  const order = read.text("order") ?? "C";
  if (order !== "C") read.refuse(`order is ${order}, expected C`);
  if (reverse && codes.some((code) => code < -2)) {
    read.refuse("reverse with codes that merge or split axes is not supported");
  }
  const flip = (values: readonly number[]) => [...values].reverse();
  return ([x]) =>
    x!.reshape(
      reverse ? flip(resolve(flip(x!.shape), flip(codes))) : resolve(x!.shape, codes),
    );
}

/** 1.x, whose oldest form is `target_shape`. */
const oldReshape: NodeReader = (read) => {
  read.boolean("keep_highest", false);
  const target = read.integers("target_shape");
  if (read.text("shape") === undefined && target?.some((size) => size !== 0)) {
    return reshaped(read, "target_shape", resolveOldShape);
  }
  return reshaped(read, "shape", resolveOldShape);
};

const newReshape: NodeReader = (read) => reshaped(read, "newshape", resolveNewShape);

/** NumPy's own: only -1 has a meaning. */
const numpyReshape: NodeReader = (read) =>
  reshaped(read, "newshape", (_shape, codes) => [...codes]);

const transposeNode: NodeReader = (read) => {
  const axes = read.integers("axes");
  return ([x]) => transpose(x!, axes);
};

function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

const swapAxes: NodeReader = (read) => {
  const first = read.integer("dim1") ?? read.integer("axis1") ?? 0;
  const second = read.integer("dim2") ?? read.integer("axis2") ?? 0;
  return ([x]) => {
    const axes = x!.shape.map((_, axis) => axis);
    const [a, b] = [axisOf(first, x!.rank), axisOf(second, x!.rank)];
    [axes[a], axes[b]] = [b, a];
    return transpose(x!, axes);
  };
};

const expandDims: NodeReader = (read) => {
  const axis = read.required("axis", read.integer("axis"));
  return ([x]) => x!.reshape(x!.shape.toSpliced(axisOf(axis, x!.rank + 1), 0, 1));
};

const squeeze: NodeReader = (read) => {
  const axes = read.integers("axis");
  return ([x]) => {
    const gone = axes?.map((axis) => axisOf(axis, x!.rank));
    return x!.reshape(
      x!.shape.filter((size, axis) => gone === undefined ? size !== 1 : !gone.includes(axis)),
    );
  };
};

const sliceAxis: NodeReader = (read) => {
  const axis = read.required("axis", read.integer("axis"));
  const begin = read.integer("begin") ?? 0;
  const end = read.integer("end") ?? null;
  return ([x]) => {
    const front = new Array<null>(axisOf(axis, x!.rank)).fill(null);
    return slice(x!, [...front, begin], [...front, end]);
  };
};

const sliceNode: NodeReader = (read) => {
  const begin = read.optionalIntegers("begin") ?? [];
  const end = read.optionalIntegers("end") ?? [];
  const step = read.optionalIntegers("step");
  return ([x]) => slice(x!, begin, end, step?.map((each) => each ?? 1));
};

const split: NodeReader = (read) => {
  const count = read.required("num_outputs", read.integer("num_outputs"));
  const axis = read.integer("axis") ?? 1;
  const squeezed = read.boolean("squeeze_axis", false);
  return ([x]) => {
    const at = axisOf(axis, x!.rank);
    const size = x!.shape[at]! / count;
    if (!Number.isInteger(size)) {
      read.refuse(`axis ${at} has ${x!.shape[at]} elements, expected a multiple of ${count}`);
    }
    const front = new Array<null>(at).fill(null);
    return Array.from({ length: count }, (_, part) => {
      const piece = slice(x!, [...front, part * size], [...front, (part + 1) * size]);
      return squeezed && size === 1 ? piece.reshape(piece.shape.toSpliced(at, 1)) : piece;
    });
  };
};

const concatenate = (name: string, fallback: number): NodeReader => (read) => {
  const axis = read.integer(name) ?? fallback;
  return (inputs) => concat(inputs, axis);
};

const padNode: NodeReader = (read) => {
  const mode = read.word("mode", ["constant", "edge", "reflect"], "constant");
  const widths = read.required("pad_width", read.integers("pad_width"));
  const value = read.number("constant_value") ?? 0;
  const pairs = Array.from(
    { length: widths.length / 2 },
    (_, axis) => [widths[2 * axis]!, widths[2 * axis + 1]!] as [number, number],
  );
  return ([x]) => pad(x!, pairs, { mode, value });
};

const upSamplingNode: NodeReader = (read) => {
  const scale = read.required("scale", read.integer("scale"));
  read.word("sample_type", ["nearest"], "nearest");
  for (const name of ["num_filter", "multi_input_mode"]) read.text(name);
  return ([x]) => upSampling(x!, scale);
};

const broadcast: NodeReader = (read) => {
  const shape = read.required("shape", read.integers("shape"));
  return ([x]) => {
    const missing = shape.length - x!.rank;
    // 0 keeps the size of the input.
    return broadcastTo(
      x!,
      shape.map((size, axis) => size === 0 ? x!.shape[axis - missing]! : size),
    );
  };
};

/** `dot` and `batch_dot`, whose attributes are ours. */
const product = (name: string): NodeReader => (read) => {
  const operator = operators.find((each) => each.name === name)!;
  const attributes = operator.normalize({
    transpose_a: read.boolean("transpose_a", false),
    transpose_b: read.boolean("transpose_b", false),
  });
  read.text("forward_stype");
  return (inputs) => operator.apply(inputs, attributes);
};

/** By MXNet's names, those of 1.x and 2. */
export const shapeVocabulary: Vocabulary = {
  Flatten: flatten,
  flatten,
  _npx_batch_flatten: flatten,
  Reshape: oldReshape,
  reshape: oldReshape,
  _npx_reshape: newReshape,
  _np_reshape: numpyReshape,
  _npi_reshape: numpyReshape,
  transpose: transposeNode,
  _npi_transpose: transposeNode,
  _np_transpose: transposeNode,
  SwapAxis: swapAxes,
  swapaxes: swapAxes,
  _npi_swapaxes: swapAxes,
  expand_dims: expandDims,
  _npi_expand_dims: expandDims,
  squeeze,
  _np_squeeze: squeeze,
  _npi_squeeze: squeeze,
  slice_axis: sliceAxis,
  slice: sliceNode,
  crop: sliceNode,
  _npi_slice: sliceNode,
  SliceChannel: split,
  split,
  Concat: concatenate("dim", 1),
  concat: concatenate("dim", 1),
  _npi_concatenate: concatenate("axis", 0),
  Pad: padNode,
  pad: padNode,
  broadcast_to: broadcast,
  _npi_broadcast_to: broadcast,
  UpSampling: upSamplingNode,
  dot: product("dot"),
  batch_dot: product("batch_dot"),
  _npx_batch_dot: product("batch_dot"),
};
