// Operators that mostly move memory: what matters is bytes a second. One row for each family of
// src/ops besides the convolutions: activation, leaky_relu, normalization, elementwise, comparison, function, concat, cast, slice,
// transpose, pixel_shuffle, up_sampling, reduce, softmax, matmul, indexing. Sizes are those of the upscale network at 256x256 pixels.

import {
  add,
  argmax,
  autograd,
  batchNorm,
  cast,
  concat,
  dropout,
  exp,
  gelu,
  greater,
  layerNorm,
  matmul,
  modulatedDeformableConvolution,
  ops,
  pad,
  pick,
  pixelShuffle,
  prelu,
  relu,
  slice,
  softmax,
  sum,
  type Tensor,
  tensor,
  transpose,
  upSampling,
} from "../mod.ts";
import { sizeOf, values } from "./data.ts";

/** One measured operator. */
export interface OperatorRow {
  readonly id: string;
  /** File name in src/ops. */
  readonly family: string;
  readonly name: string;
  /** Shapes of the inputs. */
  readonly inputs: readonly (readonly number[])[];
  /** Bytes read and written, each once. */
  readonly bytes: number;
  run(inputs: readonly Tensor[]): Tensor;
}

function row(
  id: string,
  family: string,
  name: string,
  inputs: readonly (readonly number[])[],
  outputSize: number,
  run: (inputs: readonly Tensor[]) => Tensor,
): OperatorRow {
  const elements = inputs.reduce(
    (sum, shape) => sum + sizeOf(shape),
    outputSize,
  );
  return { id, family, name, inputs, bytes: 4 * elements, run };
}

const wide = [1, 64, 256, 256];
const thin = [1, 4, 256, 256];
const pixels = 256 * 256;

/** The operators that are measured. */
export const operatorRows: readonly OperatorRow[] = [
  row(
    "O1",
    "activation",
    "relu 64 @256",
    [wide],
    64 * pixels,
    ([x]) => relu(x!),
  ),
  row(
    "O2",
    "elementwise",
    "add 64 @256",
    [wide, wide],
    64 * pixels,
    ([a, b]) => add(a!, b!),
  ),
  row(
    "O3",
    "elementwise",
    "add bias 64 @256",
    [wide, [1, 64, 1, 1]],
    64 * pixels,
    ([a, b]) => {
      return add(a!, b!);
    },
  ),
  row(
    "O4",
    "concat",
    "concat 64 + 4 @256",
    [wide, thin],
    68 * pixels,
    ([a, b]) => {
      return concat([a!, b!], 1);
    },
  ),
  row(
    "O5",
    "up_sampling",
    "nearest x2 12 @256",
    [[1, 12, 256, 256]],
    48 * pixels,
    ([x]) => {
      return upSampling(x!, 2);
    },
  ),
  row(
    "O6",
    "pixel_shuffle",
    "shuffle x2 64 @256",
    [wide],
    64 * pixels,
    ([x]) => {
      return pixelShuffle(x!, 2);
    },
  ),
  row("O7", "transpose", "NCHW to NHWC 64 @256", [wide], 64 * pixels, ([x]) => {
    return transpose(x!, [0, 2, 3, 1]);
  }),
  row(
    "O8",
    "slice",
    "crop 236 of 256, 64 channels",
    [wide],
    64 * 236 * 236,
    ([x]) => {
      return slice(x!, [0, 0, 10, 10], [1, 64, 246, 246]);
    },
  ),
  row("O9", "cast", "float32 to int32 64 @256", [wide], 64 * pixels, ([x]) => {
    return cast(x!, "int32");
  }),
  row("O10", "function", "exp 64 @256", [wide], 64 * pixels, ([x]) => {
    return exp(x!);
  }),
  row(
    "O11",
    "comparison",
    "greater 64 @256",
    [wide, wide],
    64 * pixels,
    ([a, b]) => {
      return greater(a!, b!);
    },
  ),
  row("O12", "reduce", "sum of channels 64 @256", [wide], 64, ([x]) => {
    return sum(x!, { axis: [0, 2, 3] });
  }),
  row(
    "O13",
    "softmax",
    "softmax 1000 of 1024",
    [[1024, 1000]],
    1024 * 1000,
    ([x]) => {
      return softmax(x!);
    },
  ),
  row(
    "O14",
    "matmul",
    "matmul 512",
    [[512, 512], [512, 512]],
    512 * 512,
    ([a, b]) => {
      return matmul(a!, b!);
    },
  ),
  row(
    "O15",
    "indexing",
    "pick 1 of 100",
    [[65_536, 100], [65_536]],
    65_536,
    ([x, index]) => {
      return pick(x!, index!);
    },
  ),
  row(
    "O16",
    "pad",
    "reflect 3, 64 @250",
    [[1, 64, 250, 250]],
    64 * pixels,
    ([x]) => {
      return pad(x!, [[0, 0], [0, 0], [3, 3], [3, 3]], { mode: "reflect" });
    },
  ),
  row(
    "O17",
    "deformable_convolution",
    "v2 3x3 16 to 16 @64",
    [[1, 16, 64, 64], [1, 18, 64, 64], [1, 9, 64, 64], [16, 16, 3, 3]],
    16 * 64 * 64,
    ([x, offset, mask, weight]) => {
      return modulatedDeformableConvolution(x!, offset!, mask!, weight!, null, {
        padding: 1,
      });
    },
  ),
  row("O18", "leaky_relu", "gelu 64 @256", [wide], 64 * pixels, ([x]) => {
    return gelu(x!);
  }),
  row(
    "O19",
    "leaky_relu",
    "prelu 64 @256",
    [wide, [64]],
    64 * pixels,
    ([x, slopes]) => {
      return prelu(x!, slopes!);
    },
  ),
  row(
    "O20",
    "normalization",
    "batch norm 64 @256, prediction",
    [wide, [64], [64], [64], [64]],
    64 * pixels,
    ([x, gamma, beta, mean, variance]) => {
      return batchNorm(x!, gamma!, beta!, mean!, variance!, { useGlobalStats: true });
    },
  ),
  row(
    "O21",
    "normalization",
    "batch norm 64 @256, training",
    [wide, [64], [64], [64], [64]],
    64 * pixels,
    ([x, gamma, beta, mean, variance]) => {
      return autograd.trainMode(() => batchNorm(x!, gamma!, beta!, mean!, variance!));
    },
  ),
  row(
    "O22",
    "normalization",
    "layer norm 1024 of 4096",
    [[4096, 1024], [1024], [1024]],
    4096 * 1024,
    ([x, gamma, beta]) => {
      return layerNorm(x!, gamma!, beta!);
    },
  ),
  row("O23", "dropout", "half of 64 @256", [wide], 64 * pixels, ([x]) => {
    return dropout(x!, 0.5, { mode: "always" });
  }),
  row("O18", "argmax", "1 of 1000", [[1024, 1000]], 1024, ([x]) => argmax(x!)),
  row(
    "O19",
    "cross_entropy",
    "softmax cross entropy 1000 of 1024",
    [[1024, 1000], [1024]],
    1024,
    ([x, label]) => ops.softmaxCrossEntropy(x!, label!),
  ),
];

/** Makes the inputs of a row. */
export function makeInputs(operator: OperatorRow): Tensor[] {
  return operator.inputs.map((shape, i) => {
    return tensor(values(`${operator.id} ${i}`, sizeOf(shape)), shape);
  });
}
