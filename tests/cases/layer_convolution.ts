// Conv1D to Conv3DTranspose: rows of the random table of windows, each read as a convolution and as a transposed one.

import * as vknn from "../../mod.ts";
import { type Reference, size } from "../reference/array.ts";
import { activation, activationGradient } from "../reference/activation.ts";
import { convolution } from "../reference/convolution.ts";
import { biasGradient, deconvolution, weightGradient } from "../reference/deconvolution.ts";
import { Random } from "../support/random.ts";
import { drawRows, type Row, settingsOf } from "./convolution_gradient.ts";
import {
  draw,
  type Float,
  halfTolerance,
  type LayerCase,
  sumTolerance,
  type TableLayer,
  type Values,
} from "./layer.ts";

type Maker = new (channels: number, kernel: readonly number[], options: unknown) => TableLayer;
const classes = vknn as unknown as Readonly<Record<string, Maker>>;

/** Smooth ones: at the corner of a relu, float32 and float64 could take different sides. */
const SMOOTH = ["sigmoid", "log_sigmoid", "mish", "tanh", "softrelu", "softsign"] as const;

function add(a: Reference, b: Reference): Reference {
  return { shape: a.shape, data: Float64Array.from(a.data, (each, at) => each + b.data[at]!) };
}

/** The bias in the shape of the result. */
function spread(bias: Reference, like: Reference, layout: string): Reference {
  const channel = layout.indexOf("C");
  const inner = size(like.shape.slice(channel + 1));
  const count = like.shape[channel]!;
  return {
    shape: like.shape,
    data: Float64Array.from(
      { length: size(like.shape) },
      (_, at) => bias.data[Math.floor(at / inner) % count]!,
    ),
  };
}

/** The three maps of a convolution or a transposed one: along the arrow, back, and to the weight. */
function mapsOf(row: Row, transposed: boolean) {
  const { attributes } = settingsOf(row);
  const down = (x: Reference, w: Reference) => convolution(x, w, null, attributes);
  const up = (x: Reference, w: Reference) => deconvolution(x, w, null, attributes);
  return {
    attributes,
    forth: transposed ? up : down,
    back: transposed ? down : up,
    toWeight: (x: Reference, g: Reference) =>
      transposed
        ? weightGradient(g, x, row.kernel, attributes)
        : weightGradient(x, g, row.kernel, attributes),
  };
}

function makeCase(row: Row, transposed: boolean, index: number, act: string | null): LayerCase {
  const random = new Random(index);
  const dtype: Float = index % 4 === 3 ? "float16" : "float32";
  const { layout, groups, kernel, strides, dilation } = row;
  const { options } = settingsOf(row);
  const [from, to] = transposed ? [row.small, row.large] : [row.large, row.small];
  const channel = layout.indexOf("C");
  const filters = to[channel]!;
  const useBias = index % 5 !== 4;
  // Rounding in front of an activation is amplified behind it: float16 is compared without.
  const name = dtype === "float32" ? act : null;
  const input = draw(random, from, dtype);
  const weight = draw(random, row.weight, dtype);
  const head = draw(random, to, dtype);
  const params: Record<string, Values> = { weight };
  if (useBias) params["bias"] = draw(random, [filters], dtype);
  const layer = `Conv${kernel.length}D${transposed ? "Transpose" : ""}`;
  const { attributes, forth, back, toWeight } = mapsOf(row, transposed);
  const taps = size(kernel) / groups;
  const tolerance = {
    output: sumTolerance(taps * from[channel]!),
    gradients: {
      input: sumTolerance(taps * filters),
      weight: sumTolerance(size(row.small) / row.small[channel]!),
      bias: sumTolerance(size(to) / filters),
    },
  };
  const case_: LayerCase = {
    layer,
    layout,
    dtype,
    label: `${layer} ${dtype} ${JSON.stringify({ ...row, useBias, activation: name })}`,
    make: () =>
      new classes[layer]!(filters, kernel, {
        ...options,
        strides,
        dilation,
        useBias,
        activation: name,
        inChannels: from[channel]!,
        ...(transposed ? { outputPadding: row.outputPadding } : {}),
      }),
    input,
    params,
    head,
    expected: () => {
      let z = forth(input, weight);
      if (useBias) z = add(z, spread(params["bias"]!, z, layout));
      const output = name === null ? z : activation(z, name);
      const g = name === null ? head : activationGradient(z, head, name);
      return {
        output,
        gradients: {
          input: back(g, weight),
          weight: toWeight(input, g),
          ...(useBias ? { bias: biasGradient(g, attributes) } : {}),
        },
      };
    },
    tolerance,
  };
  if (dtype === "float16") {
    const { output, gradients } = case_.expected();
    const half = (x: Reference) => halfTolerance(x);
    return {
      ...case_,
      expected: () => ({ output, gradients }),
      tolerance: {
        output: half(output),
        gradients: Object.fromEntries(Object.entries(gradients).map(([key, x]) => [key, half(x)])),
      },
    };
  }
  if (name !== null || index % 8 !== 0) return case_;
  const directions: Record<string, Values> = {
    input: draw(random, from),
    weight: draw(random, row.weight),
    ...(useBias ? { bias: draw(random, [filters]) } : {}),
  };
  const [u, v] = [directions["input"]!, directions["weight"]!];
  return {
    ...case_,
    second: () => {
      const along = add(forth(u, weight), forth(input, v));
      return {
        directions,
        expected: {
          head: useBias ? add(along, spread(directions["bias"]!, along, layout)) : along,
          input: back(head, v),
          weight: toWeight(u, head),
        },
      };
    },
  };
}

/**
 * Cases of all convolution layers of a rank.
 *
 * @param rank Number of spatial axes.
 * @param windows How many kernels with strides, dilation and padding.
 * @param each Shapes of each; every shape is read in both directions.
 */
export function convolutionLayerCases(rank: number, windows: number, each: number): LayerCase[] {
  return drawRows(rank, windows, each).flatMap((row, index) => {
    const act = index % 3 === 1 ? SMOOTH[Math.floor(index / each) % SMOOTH.length]! : null;
    return [false, true].map((transposed) => makeCase(row, transposed, index, act));
  });
}
