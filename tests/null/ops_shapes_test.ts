/** Shape rules, checks and costs of operators, without a device. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { DType } from "../../src/core/dtype.ts";
import { DeviceError, LimitError, ShapeError } from "../../src/core/errors.ts";
import {
  add,
  cast,
  concat,
  convolution,
  type ConvolutionOptions,
  type Operator,
  operators,
  pixelShuffle,
  relu,
  reshape,
  setRecorder,
  slice,
  transpose,
  upSampling,
} from "../../src/ops/index.ts";
import type { OperatorCall } from "../../src/ops/index.ts";
import { scope, type Tensor, tensor, zeros } from "../../src/tensor/mod.ts";
import { FORGED } from "../reference/capabilities.ts";
import { test } from "../support/test.ts";
import { FakeDevice } from "./tensor_fake_device.ts";

type ErrorClass = new (message?: string) => Error;

function find(name: string): Operator {
  const operator = operators.find((each) => each.name === name);
  assert(operator !== undefined, name);
  return operator;
}

function spec(shape: readonly number[], dtype: DType = "float32") {
  return { shape, dtype };
}

/** Calls with tensors of given shapes on a device that only counts; frees everything. */
function withTensors<T>(
  shapes: readonly (readonly number[])[],
  fn: (...tensors: Tensor[]) => T,
  dtype: DType = "float32",
): T {
  const fake = new FakeDevice();
  const tensors = shapes.map((shape) => zeros(shape, { device: fake.device, dtype }));
  try {
    return scope(() => fn(...tensors));
  } finally {
    for (const each of tensors) each.dispose();
  }
}

test("operators have unique names, inputs and attributes", () => {
  assertEquals(new Set(operators.map(({ name }) => name)).size, operators.length);
  for (const each of operators) assert(each.inputNames.length > 0, each.name);
  assertEquals(find("Convolution").attributeNames.slice(0, 8), [
    "kernel",
    "stride",
    "dilate",
    "pad",
    "num_filter",
    "num_group",
    "no_bias",
    "layout",
  ]);
});

test("Convolution infers floor((X + p + q - d(K-1) - 1) / s) + 1, or refuses", () => {
  const axis = fc.record({
    size: fc.integer({ min: 0, max: 12 }),
    kernel: fc.integer({ min: 1, max: 5 }),
    stride: fc.integer({ min: 1, max: 4 }),
    dilate: fc.integer({ min: 1, max: 3 }),
    before: fc.integer({ min: 0, max: 3 }),
    after: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(
      fc.array(axis, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      (axes, groups, i, o, last) => {
        const of = (key: keyof typeof axes[number]) => axes.map((each) => each[key]);
        const arrange = (n: number, c: number, rest: number[]) =>
          last ? [n, ...rest, c] : [n, c, ...rest];
        const layouts = last ? ["NWC", "NHWC", "NDHWC"] : ["NCW", "NCHW", "NCDHW"];
        const attributes = {
          kernel: of("kernel"),
          stride: of("stride"),
          dilate: of("dilate"),
          pad: of("before"),
          pad_after: of("after"),
          num_filter: o * groups,
          num_group: groups,
          no_bias: true,
          layout: layouts[axes.length - 1],
        };
        const inputs = [
          spec(arrange(2, i * groups, of("size"))),
          spec(arrange(o * groups, i, of("kernel"))),
        ];
        const reach = axes.map((a) => a.dilate * (a.kernel - 1) + 1);
        const infer = () => find("Convolution").infer(attributes, inputs);
        if (axes.some((a, at) => a.size === 0 || reach[at]! > a.size + a.before + a.after)) {
          assertThrows(infer, ShapeError, "the kernel exceeds the input");
          return;
        }
        const sizes = axes.map((a, at) =>
          Math.floor((a.size + a.before + a.after - reach[at]!) / a.stride) + 1
        );
        assertEquals(infer().shape, arrange(2, o * groups, sizes));
      },
    ),
    { numRuns: 1000 },
  );
});

test("convolution() names the first mistake in the order of MXNet's checks", () => {
  const fails = (
    shapes: number[][],
    options: ConvolutionOptions,
    error: ErrorClass,
    message: string,
  ) =>
    withTensors(shapes, (x, w, b) => {
      assertThrows(() => convolution(x!, w!, b ?? null, options), error, message);
    });
  const x = [1, 3, 8, 8];
  fails([[3, 8, 8], [4, 3, 3, 3]], {}, ShapeError, "x has rank 3 (shape (3, 8, 8)), expected 4");
  fails([x, [4, 3]], {}, ShapeError, "weight has rank 2 (shape (4, 3)), expected 3 to 5");
  fails([x, [4, 3, 3]], { layout: "NCHW" }, ShapeError, "weight has rank 3 (shape (4, 3, 3))");
  fails([x, [4, 3, 3, 3]], { layout: "NCW" }, ShapeError, "x has rank 4");
  fails(
    [x, [4, 4, 3, 3]],
    {},
    ShapeError,
    "Cannot apply Convolution: input has 3 channels, weight expects 4 (groups = 1)",
  );
  fails([x, [4, 2, 3, 3]], { groups: 2 }, ShapeError, "3 channels, weight expects 4 (groups = 2)");
  fails([x, [4, 3, 3, 3], [5]], {}, ShapeError, "bias has shape (5,), expected (4,)");
  fails([x, [4, 3, 3, 3], [4, 1]], {}, ShapeError, "bias has shape (4, 1), expected (4,)");
  fails([x, [4, 1, 3, 3]], { groups: 2 }, ShapeError, "input has 3 channels, expected a positive");
  fails([[1, 4, 8, 8], [3, 2, 3, 3]], { groups: 2 }, ShapeError, "weight makes 3 channels");
  fails([x, [4, 3, 9, 3]], {}, ShapeError, "kernel 9 with dilation 1 covers 9 elements, the input");
  fails([x, [4, 3, 3, 3]], { dilation: [1, 4] }, ShapeError, "spatial axis 1: kernel 3 with");
  fails([[1, 3, 0, 8], [4, 3, 3, 3]], { padding: 3 }, ShapeError, "the input has 0");
  fails([[1, 0, 8, 8], [4, 0, 3, 3]], {}, ShapeError, "input has 0 channels");
  fails([x, [0, 3, 3, 3]], {}, RangeError, "num_filter is 0");
  fails([x, [4, 3, 0, 3]], {}, RangeError, "kernel[0] is 0");
});

test("convolution() checks its options", () => {
  const fails = (options: unknown, error: ErrorClass, message: string) =>
    withTensors([[1, 3, 8, 8], [4, 3, 3, 3]], (x, w) => {
      assertThrows(() => convolution(x!, w!, null, options as ConvolutionOptions), error, message);
    });
  fails({ stride: 1 }, TypeError, 'unknown option "stride", expected strides');
  fails({ strides: 0 }, RangeError, "strides is 0");
  fails({ strides: [1, 2, 3] }, RangeError, "strides is [1, 2, 3] with 3 integers");
  fails({ strides: "1" }, TypeError, 'strides is "1"');
  fails({ padding: -1 }, RangeError, "padding is -1");
  fails({ padding: [[1, -1], [0, 0]] }, RangeError, "padding[0][1] is -1");
  fails({ padding: [[1, 1]] }, RangeError, "with 1 entries, expected 2");
  fails({ padding: [[1, 1, 1], [1, 1]] }, RangeError, "padding[0] is [1, 1, 1]");
  fails({ dilation: 1.5 }, RangeError, "dilation is 1.5");
  fails({ groups: 0 }, RangeError, "groups is 0");
  fails({ layout: "NHWc" }, RangeError, 'expected one of "NHWC"');
  fails({ activation: "Relu" }, RangeError, 'activation is "Relu", expected one of "relu"');
  fails({ residual: 3 }, TypeError, "residual is 3, expected a Tensor");
  fails({ pixelShuffle: 3 }, ShapeError, "4 channels cannot be shuffled into 9");
  fails({ slope: NaN }, RangeError, "slope is NaN");
  fails(null, TypeError, "options is null");
  withTensors([[1, 3, 8, 8], [4, 3, 3, 3], [1, 4, 8, 8]], (x, w, residual) => {
    assertThrows(
      () => convolution(x!, w!, null, { residual: residual! }),
      ShapeError,
      "residual has shape (1, 4, 8, 8), expected (1, 4, 6, 6)",
    );
    assertThrows(() => convolution(x!, [] as unknown as Tensor), TypeError, "weight is []");
    assertThrows(() => convolution(x!, w!, 3 as unknown as Tensor), TypeError, "bias is 3");
  });
});

test("operators refuse other dtypes by the name of the argument", () => {
  const fake = new FakeDevice();
  const make = (shape: number[], dtype: DType) => zeros(shape, { device: fake.device, dtype });
  const x = make([1, 3, 4, 4], "float32");
  const half = make([4, 3, 3, 3], "float16");
  const whole = make([4], "int32");
  const weight = make([4, 3, 3, 3], "float32");
  assertThrows(() => convolution(x, half), TypeError, "weight of shape (4, 3, 3, 3) is float16");
  assertThrows(() => convolution(x, weight, whole), TypeError, "bias of shape (4,) is int32");
  const counts = make([4, 3, 3, 3], "int32");
  assertThrows(() => convolution(counts, counts), TypeError, "is int32, expected float32 or float");
  assertThrows(() => add(x, half), TypeError, "b of shape (4, 3, 3, 3) is float16, expected fl");
  assertThrows(() => concat([x, half]), TypeError, "data[1] of shape (4, 3, 3, 3) is float16");
  assertThrows(() => relu(whole), TypeError, "dtype is int32, expected float32 or float16");
  assertThrows(() => add(whole, 0.5), RangeError, "the number is 0.5");
  assertThrows(() => add(whole, 2 ** 31), RangeError, "2147483648");
  const bytes = make([4], "uint8");
  assertThrows(() => add(bytes, bytes), TypeError, "dtype is uint8, expected");
  assertThrows(() => add(bytes, 1), TypeError, "dtype is uint8, expected");
  for (const each of [x, half, whole, weight, counts, bytes]) each.dispose();
  assertEquals(fake.live.size, 0);
});

test("operators refuse tensors of another device", () => {
  const a = zeros([2], { device: new FakeDevice("first").device });
  const b = zeros([2], { device: new FakeDevice("second").device });
  assertThrows(() => add(a, b), DeviceError, "b lies on another device (second) than a (first)");
  assertThrows(() => concat([a, a, b]), DeviceError, "data[2] lies on another device");
});

test("data movement infers shapes and names what does not fit", () => {
  withTensors([[2, 8, 4, 6]], (x) => {
    assertEquals(pixelShuffle(x!, 2).shape, [2, 2, 8, 12]);
    assertEquals(pixelShuffle(x!, [4, 1]).shape, [2, 2, 16, 6]);
    assertEquals(upSampling(x!, [2, 3]).shape, [2, 8, 8, 18]);
    assertEquals(upSampling(x!, 2, { layout: "NHWC" }).shape, [2, 16, 8, 6]);
    assertEquals(transpose(x!).shape, [6, 4, 8, 2]);
    assertEquals(slice(x!, [0, 1], [1, -1]).shape, [1, 6, 4, 6]);
    assertEquals(slice(x!, -1).shape, [1, 8, 4, 6]);
    assertEquals(concat([x!, x!, x!], -2).shape, [2, 8, 12, 6]);
    assertEquals(reshape(x!, [4, -1]).shape, [4, 96]);
    assertEquals(cast(x!, "uint8").dtype, "uint8");
    const fails = (fn: () => unknown, error: ErrorClass, message: string) =>
      assertThrows(fn, error, message);
    fails(() => pixelShuffle(x!, 3), ShapeError, "8 channels, expected a multiple of 9");
    fails(() => pixelShuffle(x!, [2]), ShapeError, "rank 4 (shape (2, 8, 4, 6)), expected 3");
    fails(() => pixelShuffle(x!, 0), RangeError, "factor is 0");
    fails(() => pixelShuffle(x!, []), RangeError, "factor is []");
    fails(() => upSampling(x!, [2]), ShapeError, "scale (2,) has 1 entries, expected 2");
    fails(() => upSampling(x!, 2, { layout: "NCW" }), ShapeError, "expected 3 (layout NCW)");
    fails(() => upSampling(x!, 2 ** 20), LimitError, "elements");
    fails(() => transpose(x!, [0, 1, 2]), ShapeError, "axes has 3 entries, expected 4");
    fails(() => slice(x!, [0, 0, 0, 0, 0]), ShapeError, "begin has 5 entries");
    fails(() => slice(x!, [0.5]), RangeError, "begin[0] is 0.5");
    fails(() => slice(x!, [0], [1], [0]), RangeError, "step[0] is 0");
    fails(() => slice(x!, "1" as unknown as number), TypeError, 'begin is "1"');
    fails(() => concat([x!], 4), ShapeError, "axis is 4, expected an integer from -4 to 3");
    fails(() => concat([]), TypeError, "found no tensors, expected at least 1");
    fails(() => concat(x! as unknown as Tensor[]), TypeError, "expected an array");
    fails(() => concat([x!, 3 as unknown as Tensor]), TypeError, "data[1] is 3, expected a Tensor");
    fails(() => reshape(x!, [5, -1]), ShapeError, "(2, 8, 4, 6) has 384 elements");
    fails(() => reshape(x!, 4 as unknown as number[]), TypeError, "shape is 4");
    fails(() => cast(x!, "float64" as DType), RangeError, 'dtype is "float64"');
    fails(() => add(x!, "1" as unknown as number), TypeError, 'b is "1", expected a Tensor or');
    fails(() => add(1, 2), TypeError, "a and b are numbers");
    fails(() => relu(null as unknown as Tensor), TypeError, "data is null, expected a Tensor");
  });
});

test("concat() names the tensor that does not fit", () => {
  withTensors([[2, 3], [2, 4], [3, 4]], (a, b, c) => {
    assertEquals(concat([a!, b!], 1).shape, [2, 7]);
    assertThrows(
      () => concat([a!, b!, c!], 1),
      ShapeError,
      "data[2] has shape (3, 4), expected (2, 3) as data[0] but for axis 1",
    );
  });
});

test("results without elements have a shape and run nothing", () => {
  const fake = new FakeDevice();
  const x = zeros([0, 3, 8, 8], { device: fake.device });
  const w = zeros([4, 3, 3, 3], { device: fake.device });
  const made = [
    [convolution(x, w), [0, 4, 6, 6]],
    [add(x, 1), [0, 3, 8, 8]],
    [relu(x), [0, 3, 8, 8]],
    [transpose(x), [8, 8, 3, 0]],
    [concat([x, x]), [0, 3, 8, 8]],
    [slice(w, 4), [0, 3, 3, 3]],
    [upSampling(x, 2), [0, 3, 16, 16]],
    [cast(x, "int8"), [0, 3, 8, 8]],
    [reshape(x, [3, 0]), [3, 0]],
  ] as const;
  for (const [made_, shape] of made) assertEquals(made_.shape, shape);
  assertEquals(fake.dispatched, []);
  assertEquals(fake.live.size, 1);
});

test("plans are cached by shapes, dtypes and attributes, -0 and NaN included", () => {
  const fake = new FakeDevice();
  const x = tensor([1, 2], undefined, { device: fake.device });
  const before = fake.dispatched.length;
  for (const value of [0, -0, NaN, 1, 1, 0]) scope(() => void add(x, value));
  for (let i = 0; i < 5000; i++) scope(() => void add(x, i)); // more than the cache holds
  assertEquals(fake.dispatched.length, before + 5006);
  x.dispose();
  assertEquals(fake.live.size, 0);
});

test("cost() counts operations and bytes of the definition", () => {
  const { flops, bytes } = find("Convolution").cost(
    FORGED.gpu,
    { kernel: [3, 3], pad: [1, 1], num_filter: 8 },
    [spec([2, 4, 5, 6]), spec([8, 4, 3, 3]), spec([8])],
  );
  const results = 2 * 8 * 5 * 6;
  assertEquals(flops, results * (2 * 4 * 9 + 1));
  assertEquals(bytes, 4 * (2 * 4 * 30 + 8 * 4 * 9 + 8 + results));
  assertEquals(find("Reshape").cost(FORGED.gpu, { shape: [-1] }, [spec([2, 3])]), {
    flops: 0,
    bytes: 0,
  });
  assertEquals(find("broadcast_add").cost(FORGED.gpu, {}, [spec([2, 3]), spec([3])]), {
    flops: 6,
    bytes: 4 * (6 + 3 + 6),
  });
});

test("normalize() fills in, freezes, and knows its own results", () => {
  const operator = find("Convolution");
  const normal = operator.normalize({ kernel: [3, 3], num_filter: 8 });
  assertStrictEquals(operator.normalize(normal), normal);
  assert(Object.isFrozen(normal));
  assertEquals(normal["num_group"], 1);
  assertThrows(
    () => operator.normalize({ kernel: [3, 3], num_filters: 8 }),
    TypeError,
    'unknown option "num_filters"',
  );
});

test("setRecorder() sees every call with inputs, attributes and output, views too", () => {
  const calls: OperatorCall[] = [];
  withTensors([[2, 3]], (x) => {
    assertEquals(setRecorder((call) => void calls.push(call)), null);
    try {
      const y = reshape(add(x!, 2), [3, 2]);
      assertEquals(calls.map(({ operator }) => operator.name), ["_plus_scalar", "Reshape"]);
      assertStrictEquals(calls[0]!.inputs[0], x);
      assertStrictEquals(calls[1]!.output, y);
      assertEquals(calls[1]!.attributes, { shape: [3, 2] });
    } finally {
      setRecorder(null);
    }
  });
});

test("a device that fails in the middle of an operator leaves nothing behind", () => {
  const fake = new FakeDevice();
  const x = tensor([1, 2], undefined, { device: fake.device });
  for (const call of ["allocate", "dispatch"] as const) {
    fake.failing = { call, after: 0 };
    assertThrows(() => add(x, 1), Error, `${call} failed`);
    assertEquals(fake.live.size, 1);
  }
  x.dispose();
  assertEquals(fake.live.size, 0);
});
