// All operators in one list, which tests, documents and graph files iterate. Loading this file also
// gives tensors their operator methods.

import { setTensorOperators } from "../tensor/mod.ts";
import { activationOperators } from "./activation.ts";
import { argmaxOperators } from "./argmax.ts";
import { cast, castOperators } from "./cast.ts";
import { comparisonOperators } from "./comparison.ts";
import { concatOperators } from "./concat.ts";
import { convolutionOperators } from "./convolution.ts";
import { crossEntropyOperators } from "./cross_entropy.ts";
import type { Operator } from "./define.ts";
import { deformableConvolutionOperators } from "./deformable_convolution.ts";
import { dropoutOperators } from "./dropout.ts";
import { add, div, elementwiseOperators, mul, sub } from "./elementwise.ts";
import { functionOperators } from "./function.ts";
import { indexingOperators } from "./indexing.ts";
import { leakyReluOperators } from "./leaky_relu.ts";
import { matmulOperators } from "./matmul.ts";
import { normalizationOperators } from "./normalization.ts";
import { padOperators } from "./pad.ts";
import { pixelShuffleOperators } from "./pixel_shuffle.ts";
import { poolingOperators } from "./pooling.ts";
import { reduceOperators } from "./reduce.ts";
import { slice, sliceOperators } from "./slice.ts";
import { softmaxOperators } from "./softmax.ts";
import { reshape, transpose, transposeOperators } from "./transpose.ts";
import { upSamplingOperators } from "./up_sampling.ts";

export {
  activation,
  ACTIVATION_NAMES,
  type ActivationName,
  relu,
  sigmoid,
  tanh,
} from "./activation.ts";
export { argmax, type ArgmaxOptions } from "./argmax.ts";
export { cast } from "./cast.ts";
export { equal, greater, greaterEqual, less, lessEqual, notEqual } from "./comparison.ts";
export { concat } from "./concat.ts";
export {
  type CommonConvolutionOptions,
  convolution,
  type ConvolutionOptions,
  type ConvolutionPadding,
  deconvolution,
  type DeconvolutionOptions,
} from "./convolution_functions.ts";
export { dropout, DROPOUT_MODES, type DropoutMode, type DropoutOptions } from "./dropout.ts";
export { softmaxCrossEntropy, type SoftmaxCrossEntropyOptions } from "./cross_entropy.ts";
export { add, div, maximum, minimum, mul, sub } from "./elementwise.ts";
export {
  abs,
  clip,
  exp,
  expm1,
  log,
  log1p,
  negative,
  power,
  rsqrt,
  sign,
  sqrt,
  square,
} from "./function.ts";
export { oneHot, pick, type PickOptions } from "./indexing.ts";
export {
  elu,
  gelu,
  GELU_APPROXIMATIONS,
  type GeluApproximation,
  type GeluOptions,
  leakyRelu,
  prelu,
  selu,
} from "./leaky_relu.ts";
export { fullyConnected, type FullyConnectedOptions, matmul } from "./matmul.ts";
export {
  batchNorm,
  type BatchNormOptions,
  groupNorm,
  type GroupNormOptions,
  instanceNorm,
  type InstanceNormOptions,
  layerNorm,
  type LayerNormOptions,
} from "./normalization_functions.ts";
export { pad, type PadMode, type PadOptions } from "./pad.ts";
export { pixelShuffle, pixelUnshuffle } from "./pixel_shuffle.ts";
export {
  deformableConvolution,
  type DeformableConvolutionOptions,
  modulatedDeformableConvolution,
} from "./deformable_functions.ts";
export {
  adaptiveMaxPoolIndices,
  adaptivePooling,
  type CeilMode,
  globalPooling,
  maxPoolIndices,
  maxUnpool,
  type NanPolicy,
  type PlanePoolingOptions,
  pooling,
  type PoolingOptions,
  type PoolPadding,
} from "./pooling_functions.ts";
export { broadcastTo, max, mean, min, type ReduceOptions, sum } from "./reduce.ts";
export { slice } from "./slice.ts";
export { logSoftmax, softmax, type SoftmaxOptions } from "./softmax.ts";
export { reshape, transpose } from "./transpose.ts";
export { type Layout, LAYOUTS, upSampling, type UpSamplingOptions } from "./up_sampling.ts";
export {
  Operator,
  type OperatorCall,
  type OperatorCost,
  type Recorder,
  setRecorder,
} from "./define.ts";

/** Every operator. */
export const operators: readonly Operator[] = [
  ...convolutionOperators,
  ...activationOperators,
  ...leakyReluOperators,
  ...elementwiseOperators,
  ...comparisonOperators,
  ...functionOperators,
  ...reduceOperators,
  ...softmaxOperators,
  ...crossEntropyOperators,
  ...matmulOperators,
  ...indexingOperators,
  ...argmaxOperators,
  ...concatOperators,
  ...upSamplingOperators,
  ...pixelShuffleOperators,
  ...deformableConvolutionOperators,
  ...padOperators,
  ...normalizationOperators,
  ...dropoutOperators,
  ...poolingOperators,
  ...transposeOperators,
  ...castOperators,
  ...sliceOperators,
];

setTensorOperators({ add, sub, mul, div, reshape, transpose, slice, cast });
