/** Gradients of parameters: the rest of the state table of Gluon, gradReq, and what survives changes. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  autograd,
  type Device,
  type GradReq,
  mul,
  Parameter,
  sum,
  type Tensor,
  tensor,
} from "../../mod.ts";
import { DeferredInitializationError, StateError } from "../../src/core/errors.ts";
import { gpuTest } from "../support/test.ts";

type State = "uninitialized" | "deferred" | "initialized";

function make(state: State, gradReq: GradReq = "write"): Parameter {
  const shape = state === "deferred" ? [-1] : [2];
  const parameter = new Parameter("weight", {
    shape,
    allowDeferredInit: true,
    init: "ones",
    gradReq,
  });
  if (state !== "uninitialized") parameter.initialize();
  return parameter;
}

/** One backward pass through `sum(factor · w · w)`: the gradient is `2 · factor · w`. */
function backward(parameter: Parameter, factor: number = 1): void {
  using loss = autograd.record(() => {
    const w = parameter.data();
    return sum(mul(mul(w, w), factor));
  }) as Tensor;
  loss.backward();
}

function gradientOf(parameter: Parameter): number[] {
  return [...parameter.grad().dataSync()];
}

type ErrorClass = new (message?: string) => Error;

/** Specification block.md 3.2, the part about gradients and devices; the rest runs without a GPU. */
const TABLE: readonly {
  readonly access: string;
  readonly gradReq?: GradReq;
  readonly run: (parameter: Parameter, device: Device) => unknown;
  readonly uninitialized: ErrorClass | unknown;
  readonly deferred: ErrorClass | unknown;
  readonly initialized: ErrorClass | unknown;
}[] = [
  {
    access: "grad()",
    run: (parameter) => gradientOf(parameter),
    uninitialized: StateError,
    deferred: DeferredInitializationError,
    initialized: [0, 0],
  },
  {
    access: "grad(device)",
    run: (parameter, device) => [...parameter.grad(device).shape],
    uninitialized: StateError,
    deferred: DeferredInitializationError,
    initialized: [2],
  },
  {
    access: "grad() with gradReq null",
    gradReq: "null",
    run: (parameter) => parameter.grad(),
    uninitialized: StateError,
    deferred: DeferredInitializationError,
    initialized: StateError,
  },
  {
    access: "listGrad()",
    run: (parameter) => parameter.listGrad().map((gradient) => [...gradient.dataSync()]),
    uninitialized: StateError,
    deferred: DeferredInitializationError,
    initialized: [[0, 0]],
  },
  {
    access: "zeroGrad()",
    run: (parameter) => {
      if (parameter.initialized) backward(parameter);
      parameter.zeroGrad();
      return parameter.initialized ? gradientOf(parameter) : null;
    },
    uninitialized: null,
    deferred: null,
    initialized: [0, 0],
  },
  {
    access: "resetDevice()",
    run: (parameter, device) => {
      if (parameter.initialized) backward(parameter);
      parameter.resetDevice(device);
      return parameter.initialized
        ? [...parameter.data().dataSync(), ...gradientOf(parameter)]
        : parameter.listDevice().length;
    },
    uninitialized: StateError,
    deferred: 1,
    initialized: [1, 1, 0, 0],
  },
  {
    access: "cast()",
    run: (parameter) => {
      if (parameter.initialized) backward(parameter, 3);
      parameter.cast("float16");
      return parameter.initialized
        ? [parameter.dtype, parameter.data().dtype, parameter.grad().dtype, gradientOf(parameter)]
        : [parameter.dtype];
    },
    uninitialized: ["float16"],
    deferred: ["float16"],
    initialized: ["float16", "float16", "float16", [6, 6]],
  },
];

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === "function" && value.prototype instanceof Error;
}

for (const row of TABLE) {
  gpuTest(`Parameter ${row.access} in every state`, (device) => {
    for (const state of ["uninitialized", "deferred", "initialized"] as const) {
      using parameter = make(state, row.gradReq);
      const expected = row[state];
      if (isErrorClass(expected)) assertThrows(() => row.run(parameter, device), expected);
      else assertEquals(row.run(parameter, device), expected, state);
    }
  });
}

gpuTest("gradReq: write replaces, add accumulates until zeroGrad(), null has no buffer", () => {
  using parameter = make("initialized");
  backward(parameter);
  backward(parameter, 2);
  assertEquals(gradientOf(parameter), [4, 4]);
  parameter.gradReq = "add";
  assertEquals(gradientOf(parameter), [0, 0], "starts again");
  backward(parameter);
  backward(parameter, 2);
  assertEquals(gradientOf(parameter), [6, 6]);
  parameter.zeroGrad();
  backward(parameter);
  assertEquals(gradientOf(parameter), [2, 2]);
  parameter.gradReq = "null";
  assertThrows(() => parameter.grad(), StateError, "gradReq");
  assertThrows(() => backward(parameter), Error);
  parameter.gradReq = "write";
  assertEquals(gradientOf(parameter), [0, 0]);
  backward(parameter);
  assertEquals(gradientOf(parameter), [2, 2]);
});

gpuTest("contributions within one backward pass are summed, also of write", () => {
  using parameter = make("initialized");
  using x = tensor([3, 4]);
  using loss = autograd.record(() => {
    const w = parameter.data();
    return sum(mul(w, x)).add(sum(mul(w, x)));
  }) as Tensor;
  loss.backward();
  assertEquals(gradientOf(parameter), [6, 8]);
});

gpuTest("setData() keeps the tensor, its gradient and its place in later graphs", () => {
  using parameter = make("initialized");
  backward(parameter);
  const before = parameter.data();
  parameter.setData(new Float32Array([5, 7]));
  assertStrictEquals(parameter.data(), before);
  assertEquals(gradientOf(parameter), [2, 2]);
  backward(parameter);
  assertEquals(gradientOf(parameter), [10, 14]);
});

gpuTest("lrMult, wdMult and differentiable are settings that values do not change", () => {
  using parameter = new Parameter("w", { shape: [1], lrMult: 2, wdMult: 0, differentiable: false });
  parameter.initialize("ones");
  assertEquals([parameter.lrMult, parameter.wdMult, parameter.gradReq], [2, 0, "null"]);
  parameter.lrMult = 0.5;
  parameter.cast("float16");
  assertEquals(parameter.lrMult, 0.5);
  assert(parameter.data().dtype === "float16");
});
