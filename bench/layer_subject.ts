// The layers of the table as subjects: forward, and every gradient that training needs.

import {
  autograd,
  convolution,
  deconvolution,
  deformableConvolution,
  globalPooling,
  modulatedDeformableConvolution,
  pad,
  pixelShuffle,
  pooling,
  type Tensor,
  tensor,
} from "../mod.ts";
import { dataOf, sizeOf, values } from "./data.ts";
import type { Direction, Layer } from "./layers.ts";
import { layoutOf, shuffleOf } from "./layers.ts";
import { release, type Subject } from "./subject.ts";

/** Tensors that go into a layer, by the names of the table. */
interface Operands {
  readonly input: Tensor;
  readonly weight?: Tensor;
  readonly bias?: Tensor;
  readonly offset?: Tensor;
  readonly mask?: Tensor;
}

type Name = keyof Operands;

/** Types that layers are measured in. */
export const BENCH_TYPES = ["float32", "float16"] as const;

/** One of {@linkcode BENCH_TYPES}. */
export type BenchType = typeof BENCH_TYPES[number];

/** What is differentiated in each direction, where the layer has it. */
const variables: Readonly<Record<Exclude<Direction, "fwd">, readonly Name[]>> = {
  bwd_data: ["input", "offset", "mask"],
  bwd_weight: ["weight", "bias"],
  bwd_all: ["input", "offset", "mask", "weight", "bias"],
};

function applyLayer(layer: Layer, operands: Operands): Tensor {
  const { input, weight, bias, offset, mask } = operands;
  const { args } = layer;
  const options = {
    strides: args.strides ?? 1,
    padding: args.padding ?? 0,
    dilation: args.dilation ?? 1,
    groups: args.groups ?? 1,
  };
  const layout = layoutOf(layer);
  switch (layer.class) {
    case "Conv1D":
    case "Conv2D":
    case "Conv3D":
      return convolution(input, weight!, bias, { ...options, layout });
    case "Conv1DTranspose":
    case "Conv2DTranspose":
      return deconvolution(input, weight!, bias, { ...options, layout });
    case "DeformableConvolution":
      return deformableConvolution(input, offset!, weight!, bias, {
        ...options,
        numDeformableGroup: args.num_deformable_group!,
      });
    case "ModulatedDeformableConvolution":
      return modulatedDeformableConvolution(
        input,
        offset!,
        mask!,
        weight!,
        bias,
        {
          ...options,
          numDeformableGroup: args.num_deformable_group!,
        },
      );
    case "MaxPool2D":
    case "AvgPool3D":
      return pooling(input, args.pool_size!, {
        type: layer.class === "MaxPool2D" ? "max" : "avg",
        strides: args.strides!,
        padding: args.padding!,
      });
    case "GlobalAvgPool2D":
      return globalPooling(input, { type: "avg" });
    case "PixelShuffle2D":
      return pixelShuffle(input, args.factor!);
    case "ReflectionPad2D": {
      const sides = args.padding!.map((width) => [width, width] as const);
      return pad(input, [[0, 0], [0, 0], ...sides], { mode: "reflect" });
    }
    default:
      throw new Error(`no layer for ${layer.class}`);
  }
}

function forward(layer: Layer, operands: Operands): Tensor {
  const result = applyLayer(layer, operands);
  const factor = shuffleOf(layer);
  if (factor === undefined || layer.then === undefined) return result;
  const shuffled = pixelShuffle(result, factor);
  result.dispose();
  return shuffled;
}

function makeOperands(layer: Layer, dtype: BenchType): Operands {
  const entries = Object.entries(dataOf(layer)).map(([name, numbers]) => [
    name,
    tensor(numbers as Float32Array<ArrayBuffer>, [...layer[name as Name]!], { dtype }),
  ]);
  return Object.fromEntries(entries) as Operands;
}

/** Makes a layer with its numbers on the default device; gradients are those of one recorded forward. */
export function makeLayer(
  layer: Layer,
  direction: Direction = "fwd",
  dtype: BenchType = "float32",
): Subject {
  const operands = makeOperands(layer, dtype);
  const inputs = Object.values(operands) as Tensor[];
  if (direction === "fwd") {
    return {
      run: () => [forward(layer, operands)],
      dispose: () => release(inputs),
    };
  }
  const wanted = variables[direction].flatMap((name) => operands[name] ?? []);
  for (const each of wanted) each.attachGrad();
  const output = autograd.record(() => forward(layer, operands));
  const head = tensor(headOf(layer), [...layer.output], { dtype });
  return {
    run: () =>
      autograd.grad([output], wanted, {
        headGradients: [head],
        retainGraph: true,
      }),
    dispose: () => release([...inputs, output, head]),
  };
}

/** The gradient given to the output. */
function headOf(layer: Layer): Float32Array<ArrayBuffer> {
  return values(`${layer.id} head`, sizeOf(layer.output));
}

/**
 * How far gradients miss the adjoint identities `<head, y - b> = <dx, x>` and
 * `<head, y> = <dw, w> + <db, b>`, as a part of the sum of magnitudes: layers are linear in the input
 * (pooling and padding are homogeneous) and in the weight.
 */
export async function adjointError(
  layer: Layer,
  direction: Direction,
  dtype: BenchType,
): Promise<number> {
  const subject = makeLayer(layer, direction, dtype);
  const operands = makeOperands(layer, dtype);
  const head = headOf(layer);
  const project = async (terms: Operands): Promise<[number, number]> => {
    const y = forward(layer, terms);
    const numbers = await y.data() as Float32Array;
    y.dispose();
    return dot(head, numbers);
  };
  try {
    const gradients = subject.run();
    const numbers = await Promise.all(
      gradients.map((each) => each.data() as Promise<Float32Array>),
    );
    release(gradients);
    const data = dataOf(layer);
    let worst = 0;
    const compare = (found: number, [wanted, magnitude]: [number, number]) => {
      worst = Math.max(worst, Math.abs(found - wanted) / magnitude);
    };
    const names = variables[direction as Exclude<Direction, "fwd">]
      .filter((name) => data[name] !== undefined);
    const along = (name: Name) => dot(numbers[names.indexOf(name)]!, data[name]!)[0];
    if (names.includes("input")) {
      const { bias: _bias, ...terms } = operands;
      compare(along("input"), await project(terms as Operands));
    }
    if (names.includes("weight")) {
      compare(along("weight") + along("bias"), await project(operands));
    }
    return worst;
  } finally {
    subject.dispose();
    release(Object.values(operands) as Tensor[]);
  }
}

/** Inner product in float64, and the sum of the products' magnitudes. */
function dot(a: ArrayLike<number>, b: ArrayLike<number>): [number, number] {
  if (a.length !== b.length) throw new Error("the result has another size");
  let [sum, magnitude] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const product = a[i]! * b[i]!;
    sum += product;
    magnitude += Math.abs(product);
  }
  return [sum, magnitude];
}
