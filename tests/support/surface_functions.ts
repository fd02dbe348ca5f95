// A valid call of every public function: what the hostile test then spoils, one argument at a time.

import { autograd, initializers, ones, optimizers, type Tensor } from "../../mod.ts";
import * as io from "../../io.ts";
import type { Kit } from "./surface_kit.ts";

/** Arguments of a valid call, made anew for each. */
export type Arguments = (kit: Kit) => readonly unknown[];

const one: Arguments = ({ matrix }) => [matrix];
const two: Arguments = (kit) => [kit.matrix, kit.matrix];
const made: Arguments = ({ device }) => [[2, 3], { dtype: "float32", device, label: "made" }];
const reduced: Arguments = ({ matrix }) => [matrix, { axis: [0], keepDims: true }];
const sliding = {
  type: "max",
  strides: 2,
  padding: 1,
  ceilMode: false,
  countIncludePad: true,
  nanPolicy: "skip",
  layout: "NCHW",
};
const plane = { type: "max", nanPolicy: "skip", layout: "NCHW" };
const convolved = { strides: 1, padding: 1, dilation: 1, groups: 1, layout: "NCHW" };
const deformed = { ...convolved, numDeformableGroup: 1 };
const limits = { maxBytes: 10_000, maxArrays: 10 };

function file(name = "a"): io.FileArray {
  return io.fileArray(name, new Float32Array([1, 2, 3, 4]), [2, 2], "float32");
}

/** The bytes of a graph of one rectifier. */
export function symbolBytes(): Uint8Array {
  const attrs = { mxnet_version: ["int", 20000] };
  const data = { op: "null", name: "data", inputs: [] };
  const act = { op: "Activation", name: "act", attrs: { act_type: "relu" }, inputs: [[0, 0, 0]] };
  const graph = { nodes: [data, act], arg_nodes: [0], heads: [[1, 0, 0]], attrs };
  return new TextEncoder().encode(JSON.stringify(graph));
}

/** That graph. */
export function symbolGraph(): io.SymbolGraph {
  return io.decodeSymbol(symbolBytes());
}

/** A tensor that was computed from a leaf while gradients were recorded. */
function recorded(kit: Kit): Tensor {
  const leaf = kit.own(ones([2, 3], { device: kit.device })).attachGrad();
  return kit.own(autograd.record(() => leaf.mul(2)));
}

function leafAndHead(kit: Kit): [Tensor, Tensor] {
  const leaf = kit.own(ones([2, 3], { device: kit.device })).attachGrad();
  return [leaf, kit.own(autograd.record(() => leaf.mul(2)))];
}

function labelled(kit: Kit): unknown[] {
  return [kit.matrix, kit.matrix];
}

function weighted(kit: Kit): Record<string, unknown> {
  return { weight: 1, batchAxis: 0, sampleWeight: kit.zeros([2, 1]) };
}

/** Functions by name as exported. */
export const FUNCTIONS: Readonly<Record<string, Arguments>> = {
  abs: one,
  activation: ({ matrix }) => [matrix, "relu"],
  adaptiveMaxPoolIndices: ({ image }) => [image, [2, null], plane],
  adaptivePooling: ({ image }) => [image, 2, plane],
  add: two,
  arange: ({ device }) => [0, 6, 2, { dtype: "int32", device, label: "range" }],
  argmax: ({ matrix }) => [matrix, { axis: 1, keepDims: true }],
  batchNorm: (kit) => [
    kit.image,
    kit.four,
    kit.four,
    kit.four,
    kit.four,
    { eps: 1e-3, momentum: 0.9, fixGamma: false, useGlobalStats: true, axis: 1 },
  ],
  broadcastTo: ({ matrix }) => [matrix, [4, 2, 3]],
  cast: ({ matrix }) => [matrix, "float16"],
  clip: ({ matrix }) => [matrix, -1, 1],
  concat: (kit) => [[kit.matrix, kit.matrix], 1],
  convolution: (kit) => [
    kit.image,
    kit.zeros([2, 4, 3, 3]),
    kit.zeros([2]),
    { ...convolved, activation: "relu" },
  ],
  deconvolution: (kit) => [
    kit.image,
    kit.zeros([4, 2, 3, 3]),
    kit.zeros([2]),
    { ...convolved, strides: 2, outputPadding: 1, outputSize: null },
  ],
  defaultDevice: () => [],
  deformableConvolution: (kit) => [
    kit.image,
    kit.zeros([1, 18, 6, 6]),
    kit.zeros([2, 4, 3, 3]),
    kit.zeros([2]),
    deformed,
  ],
  devices: () => [],
  div: two,
  dropout: ({ matrix }) => [matrix, 0.5, { mode: "always", axes: [0] }],
  elu: ({ matrix }) => [matrix, 1],
  empty: made,
  equal: two,
  exp: one,
  expm1: one,
  format: () => [new Float32Array(6), [2, 3], {
    precision: 4,
    threshold: 100,
    edgeItems: 3,
    lineWidth: 80,
    prefix: "array(",
  }],
  full: ({ device }) => [[2, 3], 2, { dtype: "int32", device, label: "made" }],
  fullyConnected: (kit) => [kit.matrix, kit.matrix, kit.zeros([2]), { flatten: true }],
  gelu: ({ matrix }) => [matrix, { approximation: "erf" }],
  globalPooling: ({ image }) => [image, plane],
  greater: two,
  greaterEqual: two,
  groupNorm: (kit) => [kit.image, kit.four, kit.four, { numGroups: 2, eps: 1e-5 }],
  instanceNorm: (kit) => [kit.image, kit.four, kit.four, { eps: 1e-5 }],
  keep: one,
  layerNorm: (kit) => [kit.matrix, kit.zeros([3]), kit.zeros([3]), { axis: -1, eps: 1e-5 }],
  leakyRelu: ({ matrix }) => [matrix, 0.1],
  less: two,
  lessEqual: two,
  listAdapters: () => [{ library: "libvulkan.so.1" }],
  log: one,
  log1p: one,
  logSoftmax: ({ matrix }) => [matrix, { axis: 1, temperature: 2 }],
  matmul: (kit) => [kit.matrix, kit.zeros([3, 2])],
  max: reduced,
  maxPoolIndices: ({ image }) => [image, 2, { ...sliding, type: "max" }],
  maxUnpool: (kit) => [
    kit.image,
    kit.zeros([1, 4, 6, 6], "int32"),
    [12, 12],
    { layout: "NCHW" },
  ],
  maximum: two,
  mean: reduced,
  min: reduced,
  minimum: two,
  modulatedDeformableConvolution: (kit) => [
    kit.image,
    kit.zeros([1, 18, 6, 6]),
    kit.zeros([1, 9, 6, 6]),
    kit.zeros([2, 4, 3, 3]),
    kit.zeros([2]),
    deformed,
  ],
  mul: two,
  negative: one,
  notEqual: two,
  oneHot: (kit) => [kit.zeros([3], "int32"), 4],
  ones: made,
  pad: ({ matrix }) => [matrix, [[1, 1], [0, 2]], { mode: "constant", value: 2 }],
  pick: (kit) => [kit.matrix, kit.zeros([2], "int32"), { axis: 1, keepDims: true }],
  pixelShuffle: ({ image }) => [image, [2, 2]],
  pixelUnshuffle: ({ image }) => [image, 2],
  pooling: ({ image }) => [image, 2, sliding],
  power: ({ matrix }) => [matrix, 2],
  prelu: (kit) => [kit.image, kit.four],
  relu: one,
  reshape: ({ matrix }) => [matrix, [3, -1]],
  rsqrt: one,
  scope: (kit) => [() => kit.matrix],
  seed: () => [42],
  selu: one,
  setDefaultDevice: ({ device }) => [device],
  setMessageHandler: () => [() => {}],
  sigmoid: one,
  sign: one,
  slice: ({ matrix }) => [matrix, [0, 0], [2, null], [1, 2]],
  softmax: ({ matrix }) => [matrix, { axis: 1, temperature: 2 }],
  sqrt: one,
  square: one,
  sub: two,
  sum: reduced,
  tanh: one,
  tensor: ({ device }) => [[[1, 2], [3, 4]], [4, 1], { dtype: "int32", device, label: "made" }],
  transpose: ({ matrix }) => [matrix, [1, 0]],
  upSampling: ({ image }) => [image, 2, { layout: "NCHW" }],
  zeros: made,
  "autograd.backward": (kit) => [
    [recorded(kit)],
    [kit.matrix],
    { retainGraph: true, trainMode: true },
  ],
  "autograd.grad": (kit) => {
    const [leaf, head] = leafAndHead(kit);
    const flags = { createGraph: false, retainGraph: true, trainMode: true };
    return [[head], [leaf], { headGradients: [kit.matrix], ...flags }];
  },
  "autograd.isRecording": () => [],
  "autograd.isTraining": () => [],
  "autograd.markVariables": (kit) => [[kit.matrix], [kit.matrix], ["add"]],
  "autograd.pause": () => [() => 1, { trainMode: true }],
  "autograd.predictMode": () => [() => 1],
  "autograd.record": () => [() => 1, { trainMode: false }],
  "autograd.setRecording": () => [false],
  "autograd.setTraining": () => [false],
  "autograd.trainMode": () => [() => 1],
  "ops.setRecorder": () => [() => {}],
  "ops.softmaxCrossEntropy": (kit) => [kit.matrix, kit.zeros([2], "int32"), { axis: 1 }],
  "initializers.create": () => [{ initializer: "xavier", magnitude: 2 }, "test"],
  "initializers.register": () => ["hostile", () => new initializers.One(), ["value"]],
  "losses.huber": (kit) => [...labelled(kit), weighted(kit)],
  "losses.l1": (kit) => [...labelled(kit), weighted(kit)],
  "losses.l2": (kit) => [...labelled(kit), weighted(kit)],
  "losses.sigmoidBinaryCrossEntropy": (kit) => [
    ...labelled(kit),
    { ...weighted(kit), posWeight: kit.zeros([3]) },
  ],
  "losses.softmaxCrossEntropy": (kit) => [kit.matrix, kit.zeros([2], "int32"), weighted(kit)],
  "optimizers.create": () => ["sgd", { learningRate: 0.1, momentum: 0.9 }],
  "optimizers.disposeState": (kit) => {
    const state = new optimizers.Adam().createState(kit.matrix);
    kit.ownAll(state);
    return [state];
  },
  "io:arrayFormat": () => [io.encodeNpy(file())],
  "io:bfloat16ToFloat32": () => [new Uint16Array(2)],
  "io:decodeArrays": () => [io.encodeNpz([file()]), limits],
  "io:decodeNDArrayList": () => [io.encodeNDArrayList([file()]), limits],
  "io:decodeNpy": () => [io.encodeNpy(file()), limits],
  "io:decodeNpz": () => [io.encodeNpz([file()]), limits],
  "io:decodeParameters": () => [io.encodeNpz([file()]), limits],
  "io:decodeSafetensors": () => [io.encodeSafetensors([file()]), limits],
  "io:decodeSymbol": () => [symbolBytes(), { maxBytes: 1000, maxNodes: 10 }],
  "io:encodeArrays": () => [[file()], "npz", { compress: true }],
  "io:encodeNDArrayList": () => [[file()], { named: true, version: "v2" }],
  "io:encodeNpy": () => [file()],
  "io:encodeNpz": () => [[file(), file("b")], { compress: true }],
  "io:encodeParameters": () => [new Map([["a", file()]]), "npz", { compress: true }],
  "io:encodeSafetensors": () => [[file()], { metadata: new Map([["by", "test"]]) }],
  "io:encodeSymbol": () => [symbolGraph()],
  "io:fileArray": () => ["a", new Float32Array(4), [2, 2], "float32"],
  "io:fromTensor": ({ matrix }) => ["a", matrix],
  "io:readArrays": () => [io.encodeNpz([file()]), limits],
  "io:readParameters": () => [io.encodeNpz([file()]), limits],
  "io:readSymbol": () => [symbolBytes(), { maxBytes: 1000 }],
  "io:toTensor": ({ device }) => [file(), { device, label: "made" }],
  "io:writeArrays": ({ folder }) => [`${folder}/a.npz`, [file()], {
    format: "npz",
    compress: true,
  }],
  "io:writeParameters": ({ folder }) => [`${folder}/p.npz`, new Map([["a", file()]]), {
    format: "npz",
  }],
  "io:writeSymbol": ({ folder }) => [`${folder}/s.json`, symbolGraph()],
  "inspect:memoryReport": ({ device }) => [device],
  "inspect:profile": ({ device }) => [() => 1, { device }],
};
