/** Hostile and misspelt arguments of layers: every one gets a typed error that names it. */
import { assert, assertThrows } from "@std/assert";
import {
  Activation,
  Conv1D,
  Conv2D,
  Conv3D,
  Parameter,
  PixelShuffle1D,
  PixelShuffle2D,
  PixelShuffle3D,
  UpSampling,
} from "../../mod.ts";
import { ShapeError } from "../../src/core/errors.ts";
import { test } from "../support/test.ts";

type ErrorClass = new (message?: string) => Error;

/** Arguments of a wrong type, which TypeScript would refuse. */
function wrong<T>(value: unknown): T {
  return value as T;
}

const HOSTILE: readonly unknown[] = [
  0,
  -1,
  1.5,
  NaN,
  Infinity,
  2 ** 31,
  2 ** 53,
  "3",
  null,
  [],
  [1, 2, 3, 4],
  {},
  true,
  1n,
  Symbol("s"),
  () => 3,
];

test("constructors refuse hostile integers, sizes and options with typed errors", () => {
  const makers: readonly ((value: unknown) => unknown)[] = [
    (value) => new Conv1D(wrong(value), 3),
    (value) => new Conv2D(wrong(value), 3),
    (value) => new Conv3D(4, wrong(value)),
    (value) => new Conv2D(4, 3, { strides: wrong(value) }),
    (value) => new Conv2D(4, 3, { dilation: wrong(value) }),
    (value) => new Conv2D(4, 3, { groups: wrong(value) }),
    (value) => new PixelShuffle1D(wrong(value)),
    (value) => new PixelShuffle2D(wrong(value)),
    (value) => new PixelShuffle3D(wrong(value)),
    (value) => new UpSampling(wrong(value)),
  ];
  for (const make of makers) {
    for (const value of HOSTILE) {
      const error = assertThrows(() => make(value), Error, "Cannot construct");
      assert(error instanceof TypeError || error instanceof RangeError, String(error));
    }
  }
  const others: readonly ((value: unknown) => unknown)[] = [
    (value) => new Conv2D(4, 3, { layout: wrong(value) }),
    (value) => new Conv2D(4, 3, { activation: wrong(value ?? "") }),
    (value) => new Conv2D(4, 3, { useBias: wrong(value === true ? 1 : value) }),
    // Other tests of the process may have registered an initializer of any name.
    (value) =>
      new Conv2D(4, 3, { weightInitializer: wrong(value === "3" ? "none such" : value ?? 3) }),
    (value) => new Activation(wrong(value)),
  ];
  for (const make of others) {
    for (const value of HOSTILE) {
      const error = assertThrows(() => make(value), Error, "Cannot construct");
      assert(error instanceof TypeError || error instanceof RangeError, String(error));
    }
  }
});

test("misspelt options are refused with the nearest known key", () => {
  const rows: [object, string][] = [
    [{ kernal_size: 3 }, "unknown option"],
    [{ stride: 2 }, '"strides"'],
    [{ paddings: 1 }, '"padding"'],
    [{ dilations: 1 }, '"dilation"'],
    [{ use_bias: false }, '"useBias"'],
    [{ in_channels: 3 }, '"inChannels"'],
    [{ weight_initializer: "ones" }, '"weightInitializer"'],
    [{ outputPadding: 1 }, "unknown option"],
    [{ prefix: "a" }, "unknown option"],
  ];
  for (const [options, text] of rows) {
    assertThrows(() => new Conv2D(4, 3, options), TypeError, text);
  }
  assertThrows(() => new Conv2D(4, 3, wrong(3)), TypeError, "options");
  assertThrows(() => new Conv2D(4, 3, wrong(null)), TypeError, "options");
  assertThrows(() => new UpSampling(2, wrong({ layuot: "NCHW" })), TypeError, '"layout"');
});

test("inChannels that groups do not divide are refused", () => {
  const make = () => new Conv2D(4, 3, { groups: 2, inChannels: 3 });
  assertThrows(make, ShapeError, "inChannels is 3, expected a multiple of groups (2)");
});

test("a call without a tensor is refused", () => {
  const conv = new Conv2D(4, 3);
  for (const value of [undefined, null, 3, [1, 2], new Float32Array(4), {}]) {
    assertThrows(() => conv.call(wrong(value)), TypeError, "at least one Tensor");
  }
});

test("Parameter refuses wrong options", () => {
  const rows: [object, ErrorClass, string][] = [
    [{ shape: "3" }, TypeError, "shape"],
    [{ shape: [1, "3"] }, TypeError, "shape[1]"],
    [{ shape: [1.5] }, ShapeError, "shape[0]"],
    [{ shape: [-2] }, ShapeError, "shape[0]"],
    [{ dtype: "float64" }, RangeError, "float64"],
    [{ gradReq: "read" }, RangeError, "gradReq"],
    [{ lrMult: "1" }, TypeError, "lrMult"],
    [{ wdMult: NaN }, RangeError, "wdMult"],
    [{ init: "nothing" }, RangeError, "nothing"],
    [{ stype: "csr" }, TypeError, "stype"],
  ];
  for (const [options, error, text] of rows) {
    assertThrows(() => new Parameter("weight", wrong(options)), error, text);
  }
  assertThrows(() => new Parameter(wrong(3)), TypeError, "name");
});
