// A valid call of every public method, static and setter, on the instance that surface_classes.ts makes.

import {
  autograd,
  BatchNorm,
  Conv2D,
  Conv2DTranspose,
  DeformableConvolution,
  Dense,
  HybridSequential,
  initializers,
  ones,
  optimizers,
  RandomStream,
  Trainer,
} from "../../mod.ts";
import { type Arguments, symbolBytes } from "./surface_functions.ts";
import type { Kit } from "./surface_kit.ts";

const nothing: Arguments = () => [];
const two: Arguments = (kit) => [kit.matrix];
const hook: Arguments = () => [() => {}];
const onDevice: Arguments = ({ device }) => [device];

/** A method: an instance where the usual one will not do, and valid arguments. */
export interface MethodCall {
  readonly self?: (kit: Kit) => object;
  readonly args: Arguments;
}

function on(self: (kit: Kit) => object, args: Arguments = nothing): MethodCall {
  return { self, args };
}

function convValues(): Record<string, unknown> {
  return {
    "0.weight": { data: new Float32Array(72), shape: [2, 4, 3, 3] },
    "0.bias": { data: new Float32Array(2), shape: [2] },
  };
}

/** A trainer after a backward pass. */
function trainer(kit: Kit): Trainer {
  const { conv } = kit;
  const made = kit.own(new Trainer(conv.collectParams(), "adam"));
  const y = kit.own(autograd.record(() => conv.call(kit.image)));
  y.backward();
  return made;
}

function blocks(kit: Kit): HybridSequential {
  return kit.own(new HybridSequential().add(kit.conv, kit.conv));
}

const initialize = {
  defaultInit: "zeros",
  forceReinit: true,
  verbose: false,
};
const flags = {
  partitionIfDynamic: true,
  staticAlloc: false,
  staticShape: false,
  inlineLimit: 2,
  forwardBulkSize: null,
  backwardBulkSize: null,
};
const loading = {
  allowMissing: false,
  ignoreExtra: false,
  castDtype: true,
  dtypeSource: "current",
};

const BLOCKS: Readonly<Record<string, MethodCall>> = {
  "BatchNorm#cast": on((kit) => kit.net, () => ["float16"]),
  "Block#call": { args: (kit) => [kit.image] },
  "Block#prepare": {
    args: ({ device }) => [[[1, 4, 6, 6]], { device, dtype: "float32", onProgress: () => {} }],
  },
  "Block#registerChild": { args: () => [new Conv2D(2, 3), "child"] },
  "Block#collectParams": { args: () => [".*weight"] },
  "Block#apply": { args: hook },
  "Block#cast": { args: () => ["float16"] },
  "Block#hybridize": { args: () => [true, flags] },
  "Block#summary": { args: (kit) => [kit.image] },
  "Block#registerOpHook": { args: () => [() => {}, true] },
  "Block#shareParameters": on((kit) => {
    const { net } = kit;
    for (const parameter of net.collectParams().values()) kit.own(parameter); // replaced ones too
    return net;
  }, (kit) => [kit.net.collectParams()]),
  "BlockHooks#registerForwardPreHook": { args: hook },
  "BlockHooks#registerForwardHook": { args: hook },
  "BlockHooks#registerBackwardHook": { args: hook },
  "HookHandle#detach": { args: nothing },
  "HybridBlock#hybridize": { args: () => [true, flags] },
  "HybridBlock#cast": { args: () => ["float16"] },
  "HybridBlock#call": { args: (kit) => [kit.image] },
  "HybridBlock#dispose": { args: nothing },
  "HybridBlock#registerOpHook": { args: () => [() => {}, true] },
  "HybridBlock#export": on((kit) => {
    const { net } = kit;
    net.hybridize();
    kit.ownAll(net.call(kit.image));
    return net;
  }, ({ folder }) => [`${folder}/net`, 3]),
  "HybridBlock#optimizeFor": {
    args: (kit) => [[kit.image], { ...flags, backend: null, clear: true }],
  },
  "HybridBlock#inferType": { args: (kit) => [kit.image] },
  "HybridBlock#registerChild": { args: () => [new Conv2D(2, 3), "child"] },
  "HybridBlock#inferShape": on((kit) => kit.net, (kit) => [kit.image]),
  "HybridSequential#add": { args: (kit) => [kit.conv, kit.conv] },
  "HybridSequential#at": on(blocks, () => [1]),
  "HybridSequential#slice": on(blocks, () => [0, 1]),
  "ParameterOwner#initialize": {
    args: ({ device }) => ["ones", { device, forceReinit: true, verbose: false }],
  },
  "ParameterOwner#setattr": { args: () => ["lrMult", 2] },
  "ParameterOwner#zeroGrad": { args: nothing },
  "ParameterOwner#resetDevice": { args: onDevice },
  "ParameterOwner#resetCtx": { args: onDevice },
  "ParameterOwner#loadDict": { args: ({ device }) => [convValues(), { device, ...loading }] },
  "ParameterOwner#loadParameters": on(
    (kit) => kit.net,
    (kit) => [`${kit.folder}/kept.params`, { device: kit.device, ...loading, maxBytes: 10_000 }],
  ),
  "ParameterOwner#saveParameters": {
    args: ({ folder }) => [`${folder}/net.params`, {
      deduplicate: true,
      format: "npz",
      compress: true,
    }],
  },
  "ParameterOwner#save": { args: ({ folder }) => [`${folder}/saved`] },
  "ParameterOwner#load": on((kit) => kit.conv, ({ folder }) => [`${folder}/kept`]),
  "ParameterOwner#dispose": { args: nothing },
  "Sequential#add": { args: (kit) => [kit.conv, kit.conv] },
  "Sequential#at": on(blocks, () => [1]),
  "Sequential#slice": on(blocks, () => [0, 1]),
  "Sequential#hybridize": { args: () => [true, flags] },
  "SymbolBlock.imports": {
    args: ({ device }) => [symbolBytes(), ["data"], null, {
      device,
      allowMissing: true,
      ignoreExtra: true,
    }],
  },
  "Dense#inferShape": on(() => new Dense(2), (kit) => [kit.matrix]),
  "_Conv#inferShape": on(() => new Conv2D(2, 3), (kit) => [kit.image]),
  "_DeformableConvolution#inferShape": on(
    () => new DeformableConvolution(2, 3),
    (kit) => [kit.image],
  ),
  "_Norm#inferShape": on(() => new BatchNorm(), (kit) => [kit.image]),
  "_Conv#preInfer": { args: () => [4] },
  "_ConvTranspose#preInfer": on(() => new Conv2DTranspose(2, 3), () => [4]),
  "_DeformableConvolution#preInferWeight": on(() => new DeformableConvolution(2, 3), () => [4]),
  "_DeformableConvolution#preInferOffsetWeight": on(
    () => new DeformableConvolution(2, 3),
    () => [4],
  ),
};

const PARAMETERS: Readonly<Record<string, MethodCall>> = Object.fromEntries(
  Object.entries<Arguments>({
    "initialize": ({ device }) => ["ones", { device, ...initialize }],
    "finishDeferredInit": onDevice,
    "data": onDevice,
    "listData": nothing,
    "grad": onDevice,
    "listGrad": nothing,
    "zeroGrad": nothing,
    "listDevice": nothing,
    "listCtx": nothing,
    "resetDevice": onDevice,
    "resetCtx": onDevice,
    "setData": (kit) => [kit.zeros([2, 4, 3, 3])],
    "load": (kit) => [kit.zeros([2, 4, 3, 3]), kit.device],
    "checkLoad": ({ device }) => [[2, 4, 3, 3], [device]],
    "cast": () => ["float16"],
    "dispose": nothing,
    "toString": nothing,
    "gradReq=": () => ["add"],
  }).map(([name, args]) => [`Parameter#${name}`, on((kit) => kit.conv.weight, args)]),
);

const TENSORS: Readonly<Record<string, MethodCall>> = {
  "Tensor#data": { args: nothing },
  "Tensor#dataSync": { args: nothing },
  "Tensor#item": on((kit) => kit.zeros([1])),
  "Tensor#toList": { args: nothing },
  "Tensor#assign": { args: () => [[[1, 2, 3], [4, 5, 6]]] },
  "Tensor#detach": { args: nothing },
  "Tensor#format": { args: () => [{ precision: 3, threshold: 10 }] },
  "Tensor#print": { args: () => [{ precision: 3 }] },
  "Tensor#dispose": { args: nothing },
  "TensorMethods#add": { args: two },
  "TensorMethods#sub": { args: two },
  "TensorMethods#mul": { args: two },
  "TensorMethods#div": { args: two },
  "TensorMethods#reshape": { args: () => [[3, -1]] },
  "TensorMethods#transpose": { args: () => [[1, 0]] },
  "TensorMethods#slice": { args: () => [[0, 0], [2, null], [1, 2]] },
  "TensorMethods#cast": { args: () => ["float16"] },
  "TensorMethods#attachGrad": { args: () => ["add"] },
  "TensorMethods#dropGrad": { args: nothing },
  "TensorMethods#backward": on((kit) => {
    const leaf = kit.own(ones([2, 3], { device: kit.device })).attachGrad();
    return kit.own(autograd.record(() => leaf.mul(2)));
  }, (kit) => [kit.matrix, { retainGraph: false, trainMode: true }]),
};

const attributes = { kernel: [3, 3], num_filter: 2 };

const OTHERS: Readonly<Record<string, MethodCall>> = {
  "Constant#gradReq=": { args: () => ["null"] },
  "RandomStream#nextWord": { args: nothing },
  "RandomStream#nextUniform": { args: nothing },
  "RandomStream#nextNormal": { args: nothing },
  "ParameterSettings#shape=": on((kit) => kit.conv.weight, () => [[2, 4, 3, 3]]),
  "Trainer#setLearningRate": { args: () => [0.1] },
  "Trainer#step": on(trainer, () => [4, false]),
  "Trainer#stepAsync": on(trainer, () => [4, false]),
  "Trainer#allreduceGrads": on(trainer),
  "Trainer#allreduceGradsAsync": on(trainer),
  "Trainer#update": on(trainer, () => [4, false]),
  "Trainer#saveStates": on(trainer, ({ folder }) => [`${folder}/states`]),
  "Trainer#loadStates": on(
    (kit) => kit.own(new Trainer(kit.conv.collectParams(), "adam")),
    ({ folder }) => [`${folder}/kept.states`],
  ),
  "Trainer#dispose": on(trainer),
  "autograd.ModeScope#dispose": { args: nothing },
  "metrics.Metric#update": { args: (kit) => [kit.zeros([2], "int32"), kit.matrix] },
  "metrics.Metric#get": { args: nothing },
  "metrics.Metric#reset": { args: nothing },
  "metrics.Metric#dispose": { args: nothing },
  "ops.Operator#normalize": { args: () => [attributes] },
  "ops.Operator#infer": {
    args: () => [{ ...attributes, no_bias: true }, [
      { shape: [1, 4, 6, 6], dtype: "float32" },
      { shape: [2, 4, 3, 3], dtype: "float32" },
    ]],
  },
  "ops.Operator#cost": {
    args: ({ device }) => [device.capabilities, { ...attributes, no_bias: true }, [
      { shape: [1, 4, 6, 6], dtype: "float32" },
      { shape: [2, 4, 3, 3], dtype: "float32" },
    ]],
  },
  "ops.Operator#apply": {
    args: (kit) => [[kit.image, kit.zeros([2, 4, 3, 3]), null], { ...attributes, no_bias: true }],
  },
  "optimizers.Optimizer#setLearningRate": { args: () => [0.1] },
  "optimizers.Optimizer#stateNames": { args: two },
  "optimizers.Optimizer#createState": { args: two },
  "optimizers.Optimizer#update": {
    args: (kit) => {
      const weight = kit.matrix;
      const state = new optimizers.Adam().createState(weight);
      kit.ownAll(state.values);
      return [weight, kit.matrix, state, { lrMult: 1, wdMult: 1 }];
    },
  },
  "optimizers.Optimizer#resume": { args: () => [3] },
  "schedulers.LRScheduler#at": { args: () => [3] },
  "schedulers.LRScheduler#baseLr=": { args: () => [0.1] },
  "inspect:Profile#trace": { args: nothing },
};

function initializerCalls(): Record<string, MethodCall> {
  const names = ["Constant", "ICNR", "Normal", "One", "Orthogonal", "Uniform", "Xavier", "Zero"];
  const args: Arguments = () => [[2, 1], new RandomStream(1, 2), "weight"];
  const calls = Object.fromEntries(
    names.map((name) => [`initializers.${name}#values`, { args }]),
  );
  const four: Arguments = () => [[4, 1, 2, 2], new RandomStream(1, 2), "weight"];
  calls["initializers.ICNR#values"] = on(
    () => new initializers.ICNR(2, new initializers.One()),
    four,
  );
  calls["initializers.Initializer#dumps"] = { args: nothing };
  return { ...calls, "initializers.Bilinear#values": { args: four } };
}

/** Calls by name as the surface has it. */
export const METHODS: Readonly<Record<string, MethodCall>> = {
  ...BLOCKS,
  ...PARAMETERS,
  ...TENSORS,
  ...OTHERS,
  ...initializerCalls(),
};
