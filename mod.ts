/**
 * Convolutional layers on Vulkan compute, for Deno and Bun.
 *
 * ```ts
 * import { assert } from "@std/assert";
 * import { convolution, scope, tensor } from "@vknn/vknn";
 *
 * const y = scope(() => {
 *   const image = tensor([[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]); // [N, C, H, W]
 *   const weight = tensor([[[[1, 0], [0, 1]]]]); // [O, I, KH, KW]
 *   return convolution(image, weight, null, { activation: "relu" });
 * });
 * assert((await y.data()).join() === "6,8,12,14"); // 1 + 5, 2 + 6, 4 + 8, 5 + 9
 * y.dispose();
 * ```
 *
 * @module
 */
export {
  AutogradError,
  DeadlineError,
  DeferredInitializationError,
  DeviceError,
  DeviceLostError,
  DisposedError,
  FileError,
  FormatError,
  LimitError,
  OutOfMemoryError,
  ShapeError,
  StateError,
} from "./src/core/errors.ts";
export { type DType, DTYPES, type HostArray } from "./src/core/dtype.ts";
export { format, type FormatOptions } from "./src/core/format.ts";
export { type LoaderAttempt, LoaderError, type LoaderFailure } from "./ffi/result.ts";
export type {
  Capabilities,
  CopyImages,
  MatrixShape,
  TuningTable,
} from "./src/core/capabilities.ts";
export type {
  Dispatch,
  Program,
  ProgramBinding,
  ProgramConstant,
  ProgramPushWord,
  RowCopy,
  RowPitch,
} from "./src/core/dispatch.ts";
export {
  type Adapter,
  type AdapterLimits,
  type AdapterType,
  listAdapters,
} from "./src/device/adapter.ts";
export type { DeviceBuffer } from "./src/device/buffers.ts";
export { Device } from "./src/device/device.ts";
export { Kernels, type PrepareProgress } from "./src/device/kernels.ts";
export { Tuning, type TuningResult, type TuningResults } from "./src/device/tuning.ts";
export type { LabelMemory, MemoryStatistics } from "./src/device/buffer_store.ts";
export type { AdapterFeatures } from "./src/device/features.ts";
export type { DeviceOptions, LogEvent } from "./src/device/options.ts";
export type { AnnouncedWork, KernelTiming, KernelWork } from "./src/device/profiler.ts";
export {
  arange,
  type BackwardOptions,
  type ConvertibleArray,
  type CreateOptions,
  defaultDevice,
  devices,
  empty,
  full,
  keep,
  type NestedList,
  type NestedNumbers,
  ones,
  scope,
  type ScopeMember,
  setDefaultDevice,
  type SliceIndex,
  Tensor,
  tensor,
  type TensorData,
  TensorMethods,
  zeros,
} from "./src/tensor/mod.ts";
export * as autograd from "./src/autograd/mod.ts";
/** The operators as functions on tensors, and their table {@linkcode ops.operators}. */
export * as ops from "./src/ops/index.ts";
export {
  abs,
  activation,
  type ActivationName,
  adaptiveMaxPoolIndices,
  adaptivePooling,
  add,
  argmax,
  type ArgmaxOptions,
  batchNorm,
  type BatchNormOptions,
  broadcastTo,
  cast,
  type CeilMode,
  clip,
  type CommonConvolutionOptions,
  concat,
  convolution,
  type ConvolutionOptions,
  type ConvolutionPadding,
  deconvolution,
  type DeconvolutionOptions,
  deformableConvolution,
  type DeformableConvolutionOptions,
  div,
  dropout,
  type DropoutMode,
  type DropoutOptions,
  elu,
  equal,
  exp,
  expm1,
  fullyConnected,
  type FullyConnectedOptions,
  gelu,
  type GeluApproximation,
  type GeluOptions,
  globalPooling,
  greater,
  greaterEqual,
  groupNorm,
  type GroupNormOptions,
  instanceNorm,
  type InstanceNormOptions,
  layerNorm,
  type LayerNormOptions,
  type Layout,
  leakyRelu,
  less,
  lessEqual,
  log,
  log1p,
  logSoftmax,
  matmul,
  max,
  maximum,
  maxPoolIndices,
  maxUnpool,
  mean,
  min,
  minimum,
  modulatedDeformableConvolution,
  mul,
  type NanPolicy,
  negative,
  notEqual,
  oneHot,
  pad,
  type PadMode,
  type PadOptions,
  pick,
  type PickOptions,
  pixelShuffle,
  pixelUnshuffle,
  type PlanePoolingOptions,
  pooling,
  type PoolingOptions,
  type PoolPadding,
  power,
  prelu,
  type ReduceOptions,
  relu,
  reshape,
  rsqrt,
  selu,
  sigmoid,
  sign,
  slice,
  softmax,
  type SoftmaxOptions,
  sqrt,
  square,
  sub,
  sum,
  tanh,
  transpose,
  upSampling,
  type UpSamplingOptions,
} from "./src/ops/index.ts";
export { RandomStream, seed } from "./src/core/random.ts";
export { Activation } from "./src/nn/activation.ts";
export {
  Concatenate,
  type ConcatenateOptions,
  Flatten,
  HybridConcatenate,
  HybridLambda,
  Identity,
  Lambda,
} from "./src/nn/basic_layers.ts";
export { BatchNorm, type BatchNormLayerOptions } from "./src/nn/batch_norm.ts";
export { Block } from "./src/nn/block.ts";
export type { PrepareOptions } from "./src/nn/prepare.ts";
export { BlockHooks } from "./src/nn/block_hooks.ts";
export type {
  BackwardHook,
  ForwardHook,
  ForwardPreHook,
  HybridizeFlags,
  InitializeOptions,
  OptimizeOptions,
  ParameterSetting,
} from "./src/nn/block_options.ts";
export { Constant } from "./src/nn/constant.ts";
export { _Conv, Conv1D, Conv2D, Conv3D, type ConvOptions, type Size } from "./src/nn/conv.ts";
export {
  _ConvTranspose,
  Conv1DTranspose,
  Conv2DTranspose,
  Conv3DTranspose,
  type ConvTransposeOptions,
} from "./src/nn/conv_transpose.ts";
export { Dense, type DenseOptions } from "./src/nn/dense.ts";
export { Dropout, type DropoutLayerOptions } from "./src/nn/dropout.ts";
export { HookHandle, type OpHook } from "./src/nn/hooks.ts";
export { HybridBlock } from "./src/nn/hybrid_block.ts";
/** Initializers of parameters, by the names that Gluon gives them. */
export * as initializers from "./src/nn/initializers.ts";
export type {
  Initializer,
  InitializerDescription,
  InitializerLike,
} from "./src/nn/initializers.ts";
export {
  ELU,
  GELU,
  LeakyReLU,
  PReLU,
  type PReLUOptions,
  SELU,
  SiLU,
  Swish,
} from "./src/nn/leaky_relu.ts";
export type { LoadDictOptions, ParameterValues } from "./src/nn/load_dict.ts";
export { type Message, type MessageHandler, setMessageHandler } from "./src/nn/messages.ts";
export { _Norm, type NormOptions, type NormSettings } from "./src/nn/norm_base.ts";
export {
  GroupNorm,
  InstanceNorm,
  type InstanceNormLayerOptions,
  LayerNorm,
  type LayerNormLayerOptions,
} from "./src/nn/norm_layers.ts";
export { Parameter } from "./src/nn/parameter.ts";
export { ParameterSettings } from "./src/nn/parameter_settings.ts";
export type {
  LoadParametersOptions,
  ParameterFormat,
  SaveParametersOptions,
} from "./src/nn/parameter_files.ts";
export type {
  DeviceOrDevices,
  GradReq,
  ParameterInitializeOptions,
  ParameterOptions,
} from "./src/nn/parameter_options.ts";
export { ParameterOwner } from "./src/nn/parameter_owner.ts";
export type { ExportedBlock } from "./src/nn/graph_export.ts";
export { type ImportOptions, SymbolBlock } from "./src/nn/symbol_block.ts";
export { BlockNode } from "./src/nn/block_node.ts";
export { PixelShuffle1D, PixelShuffle2D, PixelShuffle3D } from "./src/nn/pixel_shuffle.ts";
export { PixelUnshuffle1D, PixelUnshuffle2D, PixelUnshuffle3D } from "./src/nn/pixel_unshuffle.ts";
export { _DeformableConvolution, type DeformableConvOptions } from "./src/nn/deformable_base.ts";
export {
  DeformableConvolution,
  ModulatedDeformableConvolution,
} from "./src/nn/deformable_convolution.ts";
export {
  _Padding,
  type Padding,
  ReflectionPad1D,
  ReflectionPad2D,
  ReflectionPad3D,
  ReplicationPad1D,
  ReplicationPad2D,
  ReplicationPad3D,
} from "./src/nn/padding.ts";
export {
  CircularPad1D,
  CircularPad2D,
  CircularPad3D,
  ConstantPad1D,
  ConstantPad2D,
  ConstantPad3D,
  ZeroPad2D,
} from "./src/nn/padding_constant.ts";
export {
  _Pooling,
  AvgPool1D,
  AvgPool2D,
  AvgPool3D,
  type AvgPoolOptions,
  MaxPool1D,
  MaxPool2D,
  MaxPool3D,
  type MaxPoolOptions,
  type MaxPoolResult,
  type PoolKind,
  type PoolOptions,
} from "./src/nn/pooling.ts";
export {
  _AdaptivePooling,
  AdaptiveAvgPool1D,
  AdaptiveAvgPool2D,
  AdaptiveAvgPool3D,
  AdaptiveMaxPool1D,
  AdaptiveMaxPool2D,
  AdaptiveMaxPool3D,
  type AdaptiveMaxPoolOptions,
  type AdaptivePoolOptions,
  type AdaptiveSize,
} from "./src/nn/pooling_adaptive.ts";
export {
  GlobalAvgPool1D,
  GlobalAvgPool2D,
  GlobalAvgPool3D,
  GlobalMaxPool1D,
  GlobalMaxPool2D,
  GlobalMaxPool3D,
  type GlobalMaxPoolOptions,
  type GlobalPoolOptions,
} from "./src/nn/pooling_global.ts";
export {
  _MaxUnpool,
  MaxUnpool1D,
  MaxUnpool2D,
  MaxUnpool3D,
  type MaxUnpoolOptions,
} from "./src/nn/pooling_unpool.ts";
export { type AttributeListener, Registrar } from "./src/nn/registrar.ts";
export { HybridSequential, Sequential } from "./src/nn/sequential.ts";
export { Summary, type SummaryRow } from "./src/nn/summary.ts";
export { UpSampling, type UpSamplingLayerOptions } from "./src/nn/up_sampling.ts";
export type { HostTensor, TensorLike } from "./src/nn/values.ts";
export type { ReadOptions } from "./src/io/byte_reader.ts";
export type { ArrayContent, FileDType, FileValues } from "./src/io/file_array.ts";
export type { FileSource } from "./src/io/files.ts";
/** Losses, by the names that Gluon gives them, and as functions. */
export * as losses from "./src/optim/losses.ts";
/** Metrics: accuracy, and the likeness of images. */
export * as metrics from "./src/optim/metrics.ts";
/** Optimizers, by the names that MXNet gives them. */
export * as optimizers from "./src/optim/optimizers.ts";
/** Learning rates that change while a network is trained. */
export * as schedulers from "./src/optim/schedulers.ts";
export type { Multipliers, Optimizer, OptimizerState } from "./src/optim/optimizer.ts";
export type { LRScheduler } from "./src/optim/schedulers.ts";
export type { UpdateNumbers, UpdateRule } from "./src/ops/update.ts";
export { Trainer } from "./src/optim/trainer.ts";
export type { TrainerParameters } from "./src/optim/trainer_parameters.ts";
