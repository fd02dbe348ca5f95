// How each operator is written into graph files: as one or several of MXNet's.

import { emitLayers } from "./emissions_layers.ts";
import type { Emission, EmittedCall } from "./symbol_emitter.ts";

const binary = (op: string): Emission => (emitter, { inputs }) => emitter.fast(op, inputs);
const unary = (op: string): Emission => (emitter, { inputs }) => emitter.python(op, inputs);

const scalar = (op: string): Emission => (emitter, { inputs, attributes }) => {
  const value = attributes["scalar"] as number;
  return emitter.fast(op, inputs, { scalar: value, is_int: Number.isInteger(value) });
};

const reduction = (op: string): Emission => (emitter, { inputs, attributes, shapes }) => {
  const { axis, keepdims, exclude } = attributes as {
    readonly axis?: readonly number[];
    readonly keepdims: boolean;
    readonly exclude: boolean;
  };
  const rank = shapes[0]!.length;
  const all = Array.from({ length: rank }, (_, at) => at);
  const listed = axis?.map((each) => each < 0 ? each + rank : each) ?? (exclude ? [] : all);
  return emitter.python(op, inputs, {
    axis: all.filter((each) => listed.includes(each) !== exclude),
    keepdims,
  });
};

/** Leading sizes that stay are copied, and the last one is inferred: so other batches fit too. */
function newShape({ call, shapes }: EmittedCall): number[] {
  const before = shapes[0]!;
  const after = call.spec.shape;
  let same = 0;
  while (same < Math.min(before.length, after.length) && before[same] === after[same]) same++;
  const codes = after.map((size, axis) => axis < same ? -2 : size);
  if (same < after.length && !after.includes(0)) codes[after.length - 1] = -1;
  return codes;
}

const slice: Emission = (emitter, { inputs, attributes, shapes }) => {
  const { begin, end, step } = attributes as Record<string, readonly (number | null)[]>;
  const axes = shapes[0]!.map((_, axis) => axis);
  const cut = axes.filter((axis) =>
    (begin![axis] ?? null) !== null || (end![axis] ?? null) !== null
  );
  const steps = step!.map((each) => each ?? 1);
  if (cut.length === 1 && steps.every((each) => each === 1)) {
    const axis = cut[0]!;
    return emitter.python("slice_axis", inputs, {
      axis,
      begin: begin![axis] ?? 0,
      end: end![axis] ?? null,
    });
  }
  const padded = (list: readonly (number | null)[]) => axes.map((axis) => list[axis] ?? null);
  return emitter.python("slice", inputs, {
    begin: padded(begin!),
    end: padded(end!),
    step: axes.map((axis) => steps[axis] ?? 1),
  });
};

const pad: Emission = (emitter, { inputs, attributes, shapes }) => {
  const { mode, pad_width: widths, constant_value: value } = attributes as {
    readonly mode: string;
    readonly pad_width: readonly number[];
    readonly constant_value: number;
  };
  const rank = shapes[0]!.length;
  if (mode === "circular" || rank < 4 || rank > 5 || widths.slice(0, 4).some((each) => each > 0)) {
    throw new RangeError(
      `Cannot export Pad: mode is ${mode} and pad_width (${widths.join(", ")}), expected another ` +
        `mode than circular, 4 or 5 axes, and zeros for the first two, as MXNet has it`,
    );
  }
  return emitter.python("Pad", inputs, {
    mode,
    pad_width: widths,
    ...(mode === "constant" ? { constant_value: value } : {}),
  });
};

const scalars = {
  _plus_scalar: "_npi_add_scalar",
  _minus_scalar: "_npi_subtract_scalar",
  _rminus_scalar: "_npi_rsubtract_scalar",
  _mul_scalar: "_npi_multiply_scalar",
  _div_scalar: "_npi_true_divide_scalar",
  _rdiv_scalar: "_npi_rtrue_divide_scalar",
  _power_scalar: "_npi_power_scalar",
};
const binaries = {
  broadcast_add: "_npi_add",
  broadcast_sub: "_npi_subtract",
  broadcast_mul: "_npi_multiply",
  broadcast_div: "_npi_true_divide",
  broadcast_maximum: "_npi_maximum",
  broadcast_minimum: "_npi_minimum",
  broadcast_equal: "broadcast_equal",
  broadcast_not_equal: "broadcast_not_equal",
  broadcast_greater: "broadcast_greater",
  broadcast_greater_equal: "broadcast_greater_equal",
  broadcast_lesser: "broadcast_lesser",
  broadcast_lesser_equal: "broadcast_lesser_equal",
};
const unaries = {
  exp: "_npi_exp",
  expm1: "_npi_expm1",
  log: "_npi_log",
  log1p: "_npi_log1p",
  sqrt: "_npi_sqrt",
  rsqrt: "rsqrt",
  square: "_npi_square",
  abs: "_npi_absolute",
  sign: "_npi_sign",
  negative: "_npi_negative",
  BlockGrad: "BlockGrad",
};

function each(names: Readonly<Record<string, string>>, emission: (op: string) => Emission) {
  return Object.fromEntries(Object.entries(names).map(([own, op]) => [own, emission(op)]));
}

const EMISSIONS: Readonly<Record<string, Emission>> = {
  ...emitLayers,
  ...each(scalars, scalar),
  ...each(binaries, binary),
  ...each(unaries, unary),
  ...each({ sum: "sum", mean: "mean", max: "max", min: "min" }, reduction),
  clip: (emitter, { inputs, attributes }) =>
    emitter.python("clip", inputs, { a_min: attributes["a_min"], a_max: attributes["a_max"] }),
  Cast: (emitter, { inputs, attributes }) =>
    emitter.python("Cast", inputs, { dtype: attributes["dtype"] }),
  Concat: (emitter, { inputs, attributes }) =>
    emitter.fast("Concat", inputs, { dim: attributes["dim"], num_args: inputs.length }),
  Reshape: (emitter, call) =>
    emitter.python("_npx_reshape", call.inputs, { newshape: newShape(call) }),
  transpose: (emitter, { inputs, attributes, shapes }) => {
    const axes = attributes["axes"] ?? shapes[0]!.map((_, axis) => axis).reverse();
    return emitter.python("transpose", inputs, { axes });
  },
  broadcast_to: (emitter, { inputs, attributes }) =>
    emitter.python("broadcast_to", inputs, { shape: attributes["shape"] }),
  slice,
  Pad: pad,
};

/**
 * How an operator is written.
 *
 * @param name Name of the operator.
 * @returns The way; undefined if MXNet has nothing like it.
 */
export function emissionOf(name: string): Emission | undefined {
  return Object.hasOwn(EMISSIONS, name) ? EMISSIONS[name] : undefined;
}
