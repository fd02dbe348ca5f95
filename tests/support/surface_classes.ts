// A valid construction of every public class, valid inputs of every layer, and valid calls of every method.

import {
  Activation,
  type Block,
  Identity,
  initializers,
  losses,
  metrics,
  ops,
  optimizers,
  schedulers,
} from "../../mod.ts";
import { type Arguments, symbolGraph } from "./surface_functions.ts";
import type { Kit } from "./surface_kit.ts";

const image: Arguments = (kit) => [kit.image];
const matrix: Arguments = (kit) => [kit.matrix];
const nothing: Arguments = () => [];
const line: Arguments = (kit) => [kit.zeros([1, 4, 6])];
const volume: Arguments = (kit) => [kit.zeros([1, 4, 4, 4, 4])];
const BY_AXES: readonly Arguments[] = [line, image, volume];
const LAYOUTS = ["NCW", "NCHW", "NCDHW"] as const;

/** How to make a layer, and what to call it with. */
type LayerRow = readonly [construct: Arguments, inputs: Arguments, children?: () => Block[]];

/** Rows of the three classes of a family. */
function family(
  name: (axes: number) => string,
  construct: (layout: string) => readonly unknown[],
  inputs: (axes: number) => Arguments = (axes) => BY_AXES[axes]!,
): Record<string, LayerRow> {
  const rows: Record<string, LayerRow> = {};
  for (const [axes, layout] of LAYOUTS.entries()) {
    rows[name(axes + 1)] = [() => construct(layout), inputs(axes)];
  }
  return rows;
}

function children(): Block[] {
  return [new Identity(), new Activation("relu")];
}

const convOptions = {
  strides: 1,
  padding: 1,
  dilation: 1,
  groups: 1,
  activation: "relu",
  useBias: true,
  weightInitializer: "ones",
  biasInitializer: "zeros",
  inChannels: 4,
};
const poolOptions = { strides: 2, padding: 0, ceilMode: false, countIncludePad: true };
const normOptions = {
  epsilon: 1e-5,
  center: true,
  scale: true,
  betaInitializer: "zeros",
  gammaInitializer: "ones",
  inChannels: 4,
};
const deformable = {
  ...convOptions,
  layout: "NCHW",
  numDeformableGroup: 1,
  offsetWeightInitializer: "zeros",
  offsetBiasInitializer: "zeros",
  offsetUseBias: true,
};

/** Layers by name as exported. */
export const LAYERS: Readonly<Record<string, LayerRow>> = {
  ...family((n) => `Conv${n}D`, (layout) => [2, 3, { ...convOptions, layout }]),
  ...family(
    (n) => `Conv${n}DTranspose`,
    (layout) => [2, 3, { ...convOptions, strides: 2, outputPadding: 1, layout }],
  ),
  ...family(
    (n) => `MaxPool${n}D`,
    (layout) => [2, { ...poolOptions, nanPolicy: "skip", returnIndices: false, layout }],
  ),
  ...family((n) => `AvgPool${n}D`, (layout) => [2, { ...poolOptions, layout }]),
  ...family((n) => `GlobalMaxPool${n}D`, (layout) => [{ nanPolicy: "skip", layout }]),
  ...family((n) => `GlobalAvgPool${n}D`, (layout) => [{ layout }]),
  ...family(
    (n) => `AdaptiveMaxPool${n}D`,
    (layout) => [2, { nanPolicy: "skip", returnIndices: true, layout }],
  ),
  ...family((n) => `AdaptiveAvgPool${n}D`, (layout) => [2, { layout }]),
  ...family(
    (n) => `MaxUnpool${n}D`,
    (layout) => [2, { strides: 2, padding: 0, layout }],
    (axes) => (kit) => {
      const shape = [1, 4, 4, 4, 4].slice(0, axes + 3);
      const target = [...shape.slice(0, 2), ...shape.slice(2).map(() => 8)];
      return [kit.zeros(shape), kit.zeros(shape, "int32"), target.slice(2)];
    },
  ),
  ...family((n) => `ReflectionPad${n}D`, () => [1]),
  ...family((n) => `ReplicationPad${n}D`, () => [1]),
  ...family((n) => `CircularPad${n}D`, () => [1]),
  ...family((n) => `ConstantPad${n}D`, () => [1, 2]),
  ...family(
    (n) => `PixelShuffle${n}D`,
    () => [2],
    (axes) => (kit) => [kit.zeros([1, 8, 2, 2, 2].slice(0, axes + 3))],
  ),
  ...family((n) => `PixelUnshuffle${n}D`, () => [2]),
  Activation: [() => ["relu"], matrix],
  BatchNorm: [() => [{
    ...normOptions,
    axis: 1,
    momentum: 0.9,
    useGlobalStats: false,
    runningMeanInitializer: "zeros",
    runningVarianceInitializer: "ones",
  }], image],
  Concatenate: [() => [{ axis: 1 }], matrix, children],
  DeformableConvolution: [() => [2, 3, deformable], image],
  Dense: [() => [2, {
    activation: "relu",
    useBias: true,
    flatten: true,
    dtype: "float32",
    weightInitializer: "ones",
    biasInitializer: "zeros",
    inUnits: 3,
  }], matrix],
  Dropout: [() => [0.5, { axes: [0] }], matrix],
  ELU: [() => [1], matrix],
  Flatten: [nothing, image],
  GELU: [() => ["erf"], matrix],
  GroupNorm: [() => [2, normOptions], image],
  HybridConcatenate: [() => [{ axis: 1 }], matrix, children],
  HybridLambda: [() => [(x: unknown) => x], matrix],
  HybridSequential: [nothing, matrix, children],
  Identity: [nothing, matrix],
  InstanceNorm: [() => [{ ...normOptions, axis: 1 }], image],
  Lambda: [() => [(x: unknown) => x], matrix],
  LayerNorm: [() => [{ ...normOptions, axis: 1 }], image],
  LeakyReLU: [() => [0.1], matrix],
  ModulatedDeformableConvolution: [() => [2, 3, deformable], image],
  PReLU: [() => [{ alphaInitializer: "ones", inChannels: 1 }], image],
  SELU: [nothing, matrix],
  Sequential: [nothing, matrix, children],
  SiLU: [nothing, matrix],
  Swish: [() => [1], matrix],
  SymbolBlock: [() => [symbolGraph(), ["data"]], matrix],
  UpSampling: [() => [2, { layout: "NCHW" }], image],
  ZeroPad2D: [() => [1], image],
  "losses.HuberLoss": [
    () => [{ weight: 1, batchAxis: 0, rho: 1 }],
    (kit) => [kit.matrix, kit.matrix, kit.zeros([2, 1])],
  ],
  "losses.L1Loss": [() => [{ weight: 1, batchAxis: 0 }], (kit) => [kit.matrix, kit.matrix]],
  "losses.L2Loss": [() => [{ weight: 1, batchAxis: 0 }], (kit) => [kit.matrix, kit.matrix]],
  "losses.SigmoidBinaryCrossEntropyLoss": [
    () => [{ weight: 1, batchAxis: 0, fromSigmoid: false }],
    (kit) => [kit.matrix, kit.matrix],
  ],
  "losses.SoftmaxCrossEntropyLoss": [
    () => [{ weight: 1, batchAxis: 0, axis: -1, sparseLabel: true, fromLogits: false }],
    (kit) => [kit.matrix, kit.zeros([2], "int32")],
  ],
};

const optimizerOptions = {
  learningRate: 0.1,
  wd: 0.1,
  rescaleGrad: 1,
  clipGradient: 1,
  lrScheduler: null,
  multiPrecision: false,
};
const schedulerOptions = { baseLr: 0.1, warmupSteps: 2, warmupBeginLr: 0, warmupMode: "linear" };

/** Other classes by name as exported. */
export const CLASSES: Readonly<Record<string, Arguments>> = {
  Constant: () => [{ data: new Float32Array(2), shape: [2] }],
  HookHandle: () => [() => {}],
  LoaderError: () => ["missing", "Cannot open Vulkan: none", []],
  Parameter: () => ["weight", {
    shape: [2, 3],
    dtype: "float32",
    init: "ones",
    allowDeferredInit: true,
    gradReq: "write",
    lrMult: 1,
    wdMult: 1,
    differentiable: true,
  }],
  RandomStream: () => [42, 1],
  Summary: () => [[], { macs: 0, bytes: 0 }],
  Trainer: (kit) => [kit.conv.collectParams(), "sgd", { learningRate: 0.1, momentum: 0.9 }],
  "autograd.ModeScope": () => [{ recording: false, training: false }],
  "initializers.Bilinear": nothing,
  "initializers.Constant": () => [[1, 2]],
  "initializers.ICNR": () => [2, new initializers.One()],
  "initializers.MSRAPrelu": () => [{ factorType: "avg", slope: 0.25 }],
  "initializers.Normal": () => [0.01],
  "initializers.One": nothing,
  "initializers.Orthogonal": () => [{ scale: 1, randType: "uniform" }],
  "initializers.Uniform": () => [0.07],
  "initializers.Xavier": () => [{ rndType: "uniform", factorType: "avg", magnitude: 3 }],
  "initializers.Zero": nothing,
  "metrics.Accuracy": () => [{ axis: 1 }],
  "metrics.PSNR": () => [{ maxValue: 1 }],
  "metrics.SSIM": () => [{ maxValue: 1 }],
  "optimizers.Adam": () => [{ ...optimizerOptions, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 }],
  "optimizers.AdamW": () => [{
    ...optimizerOptions,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    correctBias: true,
  }],
  "optimizers.NAG": () => [{ ...optimizerOptions, momentum: 0.9 }],
  "optimizers.RMSProp": () => [{
    ...optimizerOptions,
    rho: 0.9,
    momentum: 0.9,
    epsilon: 1e-8,
    centered: true,
    clipWeights: 1,
  }],
  "optimizers.SGD": () => [{ ...optimizerOptions, momentum: 0.9 }],
  "schedulers.CosineScheduler": () => [10, { ...schedulerOptions, finalLr: 0 }],
  "schedulers.FactorScheduler": () => [3, { ...schedulerOptions, factor: 0.5, stopFactorLr: 0 }],
  "schedulers.MultiFactorScheduler": () => [[3, 5], { ...schedulerOptions, factor: 0.5 }],
  "schedulers.PolyScheduler": () => [10, { ...schedulerOptions, finalLr: 0, power: 2 }],
  "inspect:MemoryReport": () => ["device", {}, []],
  "inspect:Profile": () => [1, "device", [], 1],
};

/** Classes that only derived classes construct, or the module itself; their members have an instance all the same. */
export const BASES: Readonly<Record<string, (kit: Kit) => object>> = {
  Block: (kit) => kit.net,
  BlockHooks: (kit) => kit.net,
  BlockNode: (kit) => kit.net,
  HybridBlock: (kit) => kit.net,
  ParameterOwner: (kit) => kit.net,
  ParameterSettings: (kit) => kit.conv.weight,
  Registrar: (kit) => kit.net,
  TensorMethods: (kit) => kit.matrix,
  Tensor: (kit) => kit.matrix,
  Device: ({ device }) => device,
  Kernels: ({ device }) => device.kernels,
  Tuning: ({ device }) => device.kernels.tuning,
  _AdaptivePooling: (kit) => kit.conv,
  _Conv: (kit) => kit.conv,
  _ConvTranspose: (kit) => kit.conv,
  _DeformableConvolution: (kit) => kit.conv,
  _MaxUnpool: (kit) => kit.conv,
  _Norm: (kit) => kit.conv,
  _Padding: (kit) => kit.conv,
  _Pooling: (kit) => kit.conv,
  "initializers.Initializer": () => new initializers.One(),
  "losses.Loss": () => new losses.L1Loss(),
  "metrics.Metric": (kit) => kit.own(new metrics.Accuracy()),
  "ops.Operator": () => ops.operators.find(({ name }) => name === "Convolution")!,
  "optimizers.Optimizer": () => new optimizers.Adam(),
  "schedulers.LRScheduler": () => new schedulers.FactorScheduler(3),
};
