/** Parameters: the state machine of Gluon as a table, shapes, values and their owners. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Constant, type Device, Parameter, type Tensor, tensor } from "../../mod.ts";
import {
  DeferredInitializationError,
  DeviceError,
  ShapeError,
  StateError,
} from "../../src/core/errors.ts";
import { test } from "../support/test.ts";
import { fakeDevice } from "./nn_fake_device.ts";
import { warningsOf } from "./nn_messages.ts";

const one = fakeDevice("one");
const two = fakeDevice("two");

type State = "uninitialized" | "deferred" | "initialized";

function make(state: State, device: Device | Device[] = one.device): Parameter {
  const shape = state === "deferred" ? [2, -1] : [2, 3];
  const parameter = new Parameter("weight", { shape, allowDeferredInit: true, init: "ones" });
  if (state !== "uninitialized") parameter.initialize(null, { device });
  return parameter;
}

function valuesOf(parameter: Parameter, device?: Device): number[] {
  return [...parameter.data(device).dataSync()];
}

const SIX = { data: new Float32Array([1, 2, 3, 4, 5, 6]), shape: [2, 3] };

type ErrorClass = new (message?: string) => Error;

type Check = (result: unknown, parameter: Parameter) => void;

function isErrorClass(outcome: ErrorClass | Check): outcome is ErrorClass {
  return outcome === Error || outcome.prototype instanceof Error;
}

interface Row {
  readonly access: string;
  readonly run: (parameter: Parameter) => unknown;
  /** What happens in each state: an error class, or a check of the result. */
  readonly uninitialized: ErrorClass | Check;
  readonly deferred: ErrorClass | Check;
  readonly initialized: ErrorClass | Check;
}

/** Specification block.md 3.2; gradients come later. */
const TABLE: readonly Row[] = [
  {
    access: "data()",
    run: (parameter) => parameter.data(),
    uninitialized: StateError,
    deferred: DeferredInitializationError,
    initialized: (result) => assertEquals((result as Tensor).shape, [2, 3]),
  },
  {
    access: "data(another device)",
    run: (parameter) => parameter.data(two.device),
    uninitialized: StateError,
    deferred: DeferredInitializationError,
    initialized: DeviceError,
  },
  {
    access: "listData()",
    run: (parameter) => parameter.listData(),
    uninitialized: StateError,
    deferred: DeferredInitializationError,
    initialized: (result) => assertEquals((result as Tensor[]).length, 1),
  },
  {
    access: "listDevice()",
    run: (parameter) => parameter.listDevice(),
    uninitialized: StateError,
    deferred: (result) => assertStrictEquals((result as Device[])[0], one.device),
    initialized: (result) => assertStrictEquals((result as Device[])[0], one.device),
  },
  {
    access: "setData()",
    run: (parameter) => parameter.setData(SIX),
    uninitialized: StateError,
    deferred: (_, parameter) => {
      assert(parameter.deferred && parameter.shapeKnown);
      assertThrows(() => parameter.data(), DeferredInitializationError);
      parameter.finishDeferredInit();
      assertEquals(valuesOf(parameter), [1, 2, 3, 4, 5, 6]);
    },
    initialized: (_, parameter) => assertEquals(valuesOf(parameter), [1, 2, 3, 4, 5, 6]),
  },
  {
    access: "setData() of a wrong shape",
    run: (parameter) => parameter.setData({ data: new Float32Array(4), shape: [4, 1] }),
    uninitialized: StateError,
    deferred: ShapeError,
    initialized: ShapeError,
  },
  {
    access: "load()",
    run: (parameter) => parameter.load(SIX, one.device),
    uninitialized: (_, parameter) => assertEquals(valuesOf(parameter), [1, 2, 3, 4, 5, 6]),
    deferred: (_, parameter) => assertEquals(valuesOf(parameter), [1, 2, 3, 4, 5, 6]),
    initialized: (_, parameter) => assertEquals(valuesOf(parameter), [1, 2, 3, 4, 5, 6]),
  },
  {
    access: "load() on another device",
    run: (parameter) => parameter.load(SIX, two.device),
    uninitialized: (_, parameter) => assertStrictEquals(parameter.listDevice()[0], two.device),
    deferred: DeviceError,
    initialized: DeviceError,
  },
  {
    access: "initialize() again",
    run: (parameter) => warningsOf(() => parameter.initialize("zeros", { device: one.device })),
    uninitialized: (result, parameter) => {
      assertEquals(result, "");
      assertEquals(valuesOf(parameter), [0, 0, 0, 0, 0, 0]);
    },
    deferred: (result, parameter) => {
      assertEquals(result, "");
      parameter.shape = [2, 1];
      parameter.finishDeferredInit();
      assertEquals(valuesOf(parameter), [0, 0]);
    },
    initialized: (result, parameter) => {
      assert((result as string).includes("'weight'"));
      assertEquals(valuesOf(parameter), [1, 1, 1, 1, 1, 1]);
    },
  },
  {
    access: "finishDeferredInit()",
    run: (parameter) => parameter.finishDeferredInit(),
    uninitialized: (_, parameter) => assert(!parameter.initialized),
    deferred: ShapeError,
    initialized: (_, parameter) => assertEquals(valuesOf(parameter), [1, 1, 1, 1, 1, 1]),
  },
  {
    access: "cast()",
    run: (parameter) => parameter.cast("float16"),
    uninitialized: (_, parameter) => assertEquals(parameter.dtype, "float16"),
    deferred: (_, parameter) => {
      parameter.shape = [2, 2];
      parameter.finishDeferredInit();
      assertEquals([parameter.dtype, parameter.data().dtype], ["float16", "float16"]);
      assertEquals(valuesOf(parameter), [1, 1, 1, 1]);
    },
    initialized: Error, // the fake device converts nothing; tests/gpu has the rest
  },
  {
    access: "dispose()",
    run: (parameter) => parameter.dispose(),
    uninitialized: (_, parameter) => assert(!parameter.initialized),
    deferred: (_, parameter) => assert(!parameter.deferred),
    initialized: (_, parameter) => assert(!parameter.initialized),
  },
];

for (const row of TABLE) {
  for (const state of ["uninitialized", "deferred", "initialized"] as const) {
    test(`Parameter ${row.access} while ${state}`, () => {
      const before = one.fake.liveBuffers + two.fake.liveBuffers;
      const parameter = make(state);
      const expected = row[state];
      if (isErrorClass(expected)) {
        assertThrows(() => row.run(parameter), expected);
        assertEquals([parameter.initialized, parameter.deferred], [
          state === "initialized",
          state === "deferred",
        ]);
      } else {
        expected(row.run(parameter), parameter);
      }
      parameter.dispose();
      assertEquals(one.fake.liveBuffers + two.fake.liveBuffers, before, "memory left behind");
    });
  }
}

test("shape: unknown sizes may be filled in, known ones may not change", () => {
  const parameter = new Parameter("weight", { shape: [2, 0, -1] });
  assertEquals(parameter.shape, [2, -1, -1]);
  assert(!parameter.shapeKnown);
  const wrong: unknown[] = [
    [2, 3],
    [3, 3, 3],
    [2, 3, 4, 5],
    [],
    [2, 1.5, 1],
    ["2", 1, 1],
    "2",
    null,
  ];
  for (const shape of wrong) {
    const error = assertThrows(() => parameter.shape = shape as number[], Error, "'weight'");
    assert(error instanceof ShapeError || error instanceof TypeError);
    assertEquals(parameter.shape, [2, -1, -1]);
  }
  parameter.shape = [2, 3, -1];
  assertThrows(() => parameter.shape = [2, -1, 4], ShapeError, "(2, 3, -1)");
  parameter.shape = [2, 3, 4];
  parameter.shape = [2, 3, 4];
  assert(parameter.shapeKnown);
  const free = new Parameter("free");
  assertEquals(free.shape, null);
  free.shape = [7];
  assertEquals(free.shape, [7]);
  assertEquals(new Parameter("bias", { shape: 4 }).shape, [4]);
});

test("initialize() needs a known shape unless deferring is allowed", () => {
  for (const shape of [null, [2, -1]]) {
    const parameter = new Parameter("weight", { shape });
    assertThrows(() => parameter.initialize(), ShapeError, "'weight'");
  }
});

test("initialize() prefers the rule of the call, then its own, then the default", () => {
  const { device } = one;
  const rows: [string | null, string | null, number][] = [
    ["zeros", '["constant", {"value": 5}]', 0],
    [null, '["constant", {"value": 5}]', 5],
    [null, null, 1],
  ];
  for (const [call, own, expected] of rows) {
    const parameter = new Parameter("weight", { shape: [1], init: own });
    parameter.initialize(call, { device, defaultInit: "ones" });
    assertEquals(valuesOf(parameter), [expected]);
    parameter.dispose();
  }
  const parameter = new Parameter("weight", { shape: [1000] });
  parameter.initialize(null, { device });
  const values = valuesOf(parameter);
  assert(values.every((value) => Math.abs(value) <= 0.07) && Math.max(...values) > 0.06);
  parameter.dispose();
});

test("a parameter on several devices holds equal copies", () => {
  const devices = [one.device, two.device];
  const parameter = new Parameter("weight", { shape: [4] });
  parameter.initialize("uniform", { device: devices });
  assertEquals(parameter.listDevice(), devices);
  assertEquals(parameter.listData().length, 2);
  assertEquals(valuesOf(parameter, one.device), valuesOf(parameter, two.device));
  parameter.setData(new Float32Array([1, 2, 3, 4]));
  for (const device of devices) assertEquals(valuesOf(parameter, device), [1, 2, 3, 4]);
  const third = fakeDevice("three").device;
  const error = assertThrows(() => parameter.data(third), DeviceError, "three");
  assert(error.message.includes("one, two"));
  parameter.load(new Float32Array([5, 6, 7, 8]), [two.device, one.device]);
  assertThrows(() => parameter.load(new Float32Array(4), one.device), DeviceError);
  assertEquals(valuesOf(parameter, two.device), [5, 6, 7, 8]);
  parameter.dispose();
  for (const wrong of [[], 3, ["gpu"]]) {
    const device = wrong as unknown as Device;
    assertThrows(() => parameter.initialize(null, { device }), TypeError, "device");
  }
});

test("setData() copies: later changes of the source do not show", () => {
  const parameter = make("initialized");
  const source = tensor([[1, 2, 3], [4, 5, 6]], undefined, { device: one.device });
  const held = parameter.data();
  parameter.setData(source);
  assertStrictEquals(parameter.data(), held);
  source.assign([[0, 0, 0], [0, 0, 0]]);
  source.dispose();
  assertEquals(valuesOf(parameter), [1, 2, 3, 4, 5, 6]);
  const elsewhere = tensor([[6, 5, 4], [3, 2, 1]], undefined, { device: two.device });
  parameter.setData(elsewhere);
  elsewhere.dispose();
  assertEquals(valuesOf(parameter), [6, 5, 4, 3, 2, 1]);
  parameter.dispose();
});

test("setData() while deferred keeps a copy of a tensor", () => {
  const parameter = make("deferred");
  const source = tensor([[1, 2], [3, 4]], undefined, { device: two.device });
  parameter.setData(source);
  source.dispose();
  parameter.finishDeferredInit();
  assertEquals(valuesOf(parameter), [1, 2, 3, 4]);
  assertStrictEquals(parameter.data().device, one.device);
  parameter.dispose();
});

test("setData() refuses what are no values", () => {
  const parameter = make("initialized");
  const wrong: unknown[] = [
    null,
    3,
    "x",
    [1, 2, 3],
    {},
    { data: [1, 2] },
    { data: new Float32Array(6) },
    { data: new Float32Array(5), shape: [2, 3] },
    { data: new BigInt64Array(6), shape: [2, 3] },
    { data: new Float32Array(6), shape: [2, -3] },
  ];
  for (const value of wrong) {
    assertThrows(() => parameter.setData(value as Tensor), Error, "'weight'");
  }
  assertEquals(valuesOf(parameter), [1, 1, 1, 1, 1, 1]);
  parameter.dispose();
});

test("gradReq: the three values, and null where there is no gradient", () => {
  const parameter = new Parameter("weight", { shape: [1] });
  assertEquals(parameter.gradReq, "write");
  parameter.gradReq = "add";
  assertEquals(parameter.gradReq, "add");
  assertThrows(() => parameter.gradReq = "x" as "add", RangeError, '"x"');
  assertEquals(parameter.gradReq, "add");
  const fixed = new Parameter("mean", { shape: [1], differentiable: false, gradReq: "add" });
  assertEquals(fixed.gradReq, "null");
  fixed.gradReq = "write";
  assertEquals(fixed.gradReq, "null");
});

test("Constant keeps its values and has no gradient", () => {
  const values: [Constant, number[], number[]][] = [
    [new Constant(2), [], [2]],
    [new Constant([[1, 2], [3, 4]]), [2, 2], [1, 2, 3, 4]],
    [new Constant(new Float32Array([1, 2])), [2], [1, 2]],
    [new Constant({ data: new Float64Array([1, 2]), shape: [2, 1] }), [2, 1], [1, 2]],
    [new Constant(tensor([7], undefined, { device: one.device })), [1], [7]],
  ];
  for (const [constant, shape, expected] of values) {
    assertEquals(constant.name, "const");
    assertEquals(constant.shape, shape);
    constant.initialize(null, { device: one.device, defaultInit: "zeros" });
    assertEquals(valuesOf(constant), expected);
    assertEquals(constant.gradReq, "null");
    assert(warningsOf(() => constant.gradReq = "write").includes("Constant"));
    assertEquals(warningsOf(() => constant.gradReq = "null"), "");
    assertEquals(constant.gradReq, "null");
    constant.dispose();
  }
  assertThrows(() => new Constant("2" as unknown as number), TypeError, "Constant");
  assertThrows(() => new Constant([[1], [2, 3]]), ShapeError, "ragged");
});

test("a failed initialization leaves no memory behind and the old values in place", () => {
  const parameter = make("initialized");
  const before = one.fake.liveBuffers;
  assertThrows(() =>
    parameter.initialize('["constant", {"value": [1, 2]}]', {
      device: one.device,
      forceReinit: true,
    }), ShapeError);
  assertEquals(one.fake.liveBuffers, before);
  assertEquals(valuesOf(parameter), [1, 1, 1, 1, 1, 1]);
  parameter.dispose();
});

test("running out of memory on the second device frees the copy on the first", () => {
  const full = fakeDevice("full");
  full.fake.allocate = () => {
    throw new RangeError("full");
  };
  const before = one.fake.liveBuffers;
  const parameter = new Parameter("weight", { shape: [4] });
  const device = [one.device, full.device];
  assertThrows(() => parameter.initialize("ones", { device }), RangeError, "full");
  assertEquals(one.fake.liveBuffers, before);
  assert(!parameter.initialized);
});
