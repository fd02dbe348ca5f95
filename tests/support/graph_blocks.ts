/**
 * Blocks that together use every operator which graph files can hold, for export tests and `scripts/interop`.
 *
 * @module
 */
import {
  abs,
  add,
  BatchNorm,
  broadcastTo,
  cast,
  clip,
  concat,
  Conv1D,
  Conv2D,
  Conv2DTranspose,
  Conv3D,
  convolution,
  DeformableConvolution,
  Dense,
  exp,
  expm1,
  Flatten,
  greater,
  HybridBlock,
  HybridLambda,
  HybridSequential,
  InstanceNorm,
  LayerNorm,
  log1p,
  logSoftmax,
  matmul,
  max,
  maximum,
  MaxPool1D,
  mean,
  min,
  minimum,
  ModulatedDeformableConvolution,
  negative,
  pad,
  PixelShuffle1D,
  PixelShuffle2D,
  PixelShuffle3D,
  PixelUnshuffle2D,
  power,
  PReLU,
  ReflectionPad2D,
  rsqrt,
  sign,
  slice,
  softmax,
  sqrt,
  square,
  sum,
  type Tensor,
  transpose,
  UpSampling,
} from "../../mod.ts";
import { Random } from "./random.ts";

/** One block with the shape of its input. */
export interface GraphBlock {
  readonly name: string;
  readonly input: readonly number[];
  readonly make: () => HybridBlock;
  /** Not in MXNet 1.x. */
  readonly onlyNew?: boolean;
}

function sequence(...blocks: HybridBlock[]): HybridSequential {
  return new HybridSequential().add(...blocks);
}

function lambda(fn: (x: Tensor) => Tensor): HybridBlock {
  return new HybridLambda(fn as (...inputs: unknown[]) => unknown);
}

function functions(x: Tensor): Tensor {
  const y = abs(x).add(1);
  const parts = [
    exp(x),
    expm1(x),
    log1p(y),
    sqrt(y),
    rsqrt(y),
    square(x),
    sign(x),
    negative(x),
    power(y, 1.5),
    clip(x, -0.5, 0.5),
    x.sub(2),
    x.mul(3).div(4),
    y.mul(x).sub(y).div(y),
    maximum(x, y.mul(0.5)),
    minimum(x, negative(x)),
  ];
  return parts.reduce((total, part) => add(total, part));
}

function reductions(x: Tensor): Tensor {
  const m = mean(x, { axis: [2, 3], keepDims: true });
  const most = max(x, { axis: 1, keepDims: true });
  const least = min(x, { axis: -1, keepDims: true });
  const total = sum(x, { axis: 0 });
  return x.sub(m).add(most).sub(least).add(total);
}

function shapes(x: Tensor): Tensor {
  const moved = transpose(x, [0, 2, 3, 1]); // 2, 4, 4, 4
  const cut = slice(moved, [null, 1], [null, 3]); // 2, 2, 4, 4
  const odd = slice(moved, [0, 0, 1, 0], [2, 4, 4, 4], [1, 2, 1, 1]); // 2, 2, 3, 4
  const joined = concat([cut, odd], 2); // 2, 2, 7, 4
  const flat = joined.reshape([2, 2, 28]);
  const product = matmul(flat.reshape([4, 28]), transpose(flat.reshape([4, 28]), [1, 0]));
  return broadcastTo(product.reshape([1, 4, 4]), [2, 4, 4]);
}

class Fused extends HybridBlock {
  readonly first = new Conv2D(4, 3, { padding: 1 });
  readonly second = new Conv2D(16, 3, { padding: "same", strides: 1 });
  override forward(x: Tensor): Tensor {
    const y = this.first.call(x);
    const w = this.second.weight;
    if (!w.initialized) this.second.call(y);
    return convolution(y, w.data(), this.second.bias!.data(), {
      padding: [[1, 1], [2, 0]],
      residual: concat([y, y, y, y], 1),
      activation: "leaky",
      slope: 0.1,
    });
  }
}

/** All blocks. */
export const GRAPH_BLOCKS: readonly GraphBlock[] = [
  {
    name: "layers",
    input: [2, 3, 8, 8],
    make: () =>
      sequence(
        new ReflectionPad2D(1),
        new Conv2D(8, 3, { strides: 2, dilation: 1, activation: "softrelu" }),
        new BatchNorm(),
        new PReLU(),
        new Conv2DTranspose(4, 3, { strides: 2, outputPadding: 1, activation: "tanh" }),
        new UpSampling(2),
        new PixelUnshuffle2D(2),
        new PixelShuffle2D(2),
        new InstanceNorm(),
        new Flatten(),
        new Dense(5, { activation: "sigmoid" }),
        new LayerNorm(),
        lambda((x) => add(softmax(x), logSoftmax(x))),
      ),
  },
  {
    name: "one_dimension",
    input: [2, 3, 12],
    make: () => sequence(new Conv1D(6, 3, { groups: 3 }), new PixelShuffle1D(2), new MaxPool1D(2)),
  },
  {
    name: "three_dimensions",
    input: [1, 2, 3, 4, 4],
    make: () => sequence(new Conv3D(8, [1, 3, 3]), new PixelShuffle3D([1, 2, 2])),
  },
  {
    name: "deformable",
    input: [1, 4, 6, 6],
    make: () =>
      sequence(
        new DeformableConvolution(4, 3, { padding: 1, activation: "relu" }),
        new ModulatedDeformableConvolution(2, 3, { padding: 1, numDeformableGroup: 2 }),
      ),
    onlyNew: true,
  },
  { name: "fused", input: [2, 3, 6, 6], make: () => new Fused() },
  { name: "functions", input: [2, 5], make: () => lambda(functions) },
  { name: "reductions", input: [2, 4, 4, 4], make: () => lambda(reductions) },
  { name: "shapes", input: [2, 4, 4, 4], make: () => lambda(shapes) },
  {
    name: "padding",
    input: [1, 2, 3, 4],
    make: () =>
      lambda((x) => {
        const y = pad(x, [[0, 0], [0, 0], [1, 2], [0, 1]], { value: 0.5 });
        return cast(
          cast(pad(y, [[0, 0], [0, 0], [1, 1], [2, 2]], { mode: "edge" }), "float32"),
          "float32",
        )
          .mul(greater(y, y.mul(0.5)).slice([0, 0, 0, 0], [1, 1, 1, 1]).add(1));
      }),
  },
];

/** The block with values in all parameters, also those of offsets, that are neither zeros nor ones. */
export function filledBlock(
  { make, input }: GraphBlock,
  call: (block: HybridBlock) => void,
): HybridBlock {
  const block = make();
  block.initialize();
  call(block);
  const random = new Random(input.length);
  for (const [name, parameter] of block.collectParams()) {
    const shape = parameter.shape!;
    const data = random.float32(shape.reduce((product, size) => product * size, 1));
    const isVariance = name.endsWith("running_var");
    parameter.setData({
      data: data.map((value) => isVariance ? 1 + value * value : value * 0.5),
      shape,
    });
  }
  return block;
}
