/** Checking and converting host data, and creation on a device without a GPU. */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LimitError, ShapeError } from "../../src/core/errors.ts";
import {
  arange,
  type CreateOptions,
  type Device,
  empty,
  full,
  ones,
  setDefaultDevice,
  type Tensor,
  tensor,
  type TensorData,
  zeros,
} from "../../src/tensor/mod.ts";
import { test } from "../support/test.ts";
import { FakeDevice } from "./tensor_fake_device.ts";

/** Makes a tensor of anything, reads it back and frees it. */
function through(data: unknown, shape?: unknown, options: object = {}) {
  const fake = new FakeDevice();
  const device = fake.device;
  const made = tensor(data as TensorData, shape as number[], { device, ...options });
  const result = { values: made.dataSync(), shape: made.shape, dtype: made.dtype };
  made.dispose();
  assertEquals(fake.live.size, 0);
  return result;
}

test("tensor() keeps the dtype of typed arrays and copies them", () => {
  for (
    const [data, dtype] of [
      [new Float32Array([1.5, NaN, -0]), "float32"],
      [new Float16Array([1.5, NaN, -0]), "float16"],
      [new Int32Array([-1, 2 ** 31 - 1]), "int32"],
      [new Int8Array([-128, 127, 3]), "int8"],
      [new Uint8Array([0, 255, 3]), "uint8"],
      [new Uint8ClampedArray([0, 255, 3]), "uint8"],
    ] as const
  ) {
    const read = through(data);
    assertEquals(read.dtype, dtype);
    assertEquals(read.shape, [data.length]);
    assertEquals([...read.values], [...data]);
  }
  const fake = new FakeDevice();
  const mine = new Float32Array([1, 2]);
  const made = tensor(mine, undefined, { device: fake.device });
  mine[0] = 9;
  assertEquals([...made.dataSync()], [1, 2]);
  made.dispose();
});

test("tensor() takes views at an offset", () => {
  const all = new Float32Array([1, 2, 3, 4, 5]);
  assertEquals([...through(all.subarray(1, 4)).values], [2, 3, 4]);
  assertEquals([...through(new Uint8Array(all.buffer, 3, 2)).values].length, 2);
});

test("tensor() reads nested lists of any depth", () => {
  const read = through([[[1, 2], [3, 4]], [[5, 6], [7, NaN]]]);
  assertEquals(read.shape, [2, 2, 2]);
  assertInstanceOf(read.values, Float32Array);
  assertEquals([...read.values], [1, 2, 3, 4, 5, 6, 7, NaN]);
  assertEquals(through(5).shape, []);
  assertEquals([...through(Infinity).values], [Infinity]);
  assertEquals(through([]).shape, [0]);
  assertEquals(through([[], []]).shape, [2, 0]);
  assertEquals(through([1, 2, 3, 4], [2, 2]).shape, [2, 2]);
  assertEquals(through([[1, 2], [3, 4]], [4]).shape, [4]);
  assertEquals(through([1, 300], undefined, { dtype: "int32" }).values, new Int32Array([1, 300]));
});

test("tensor() names the first ragged row", () => {
  const ragged = (data: unknown, message: string) =>
    assertThrows(() => through(data), ShapeError, message);
  ragged([[1, 2], [3, 4], [5]], "data[2] has 1 entries, expected 2");
  ragged([[1, 2], [3, 4, 5], [6]], "data[1] has 3 entries, expected 2");
  ragged([[[1], [2]], [[3], [4, 5]]], "data[1][1] has 2 entries, expected 1");
  ragged([1, [2]], "data[1] is a list, expected a number");
  ragged([[1], 2], "data[1] is a number, expected a list of 1");
  ragged([[], [1]], "data[1] has 1 entries, expected 0");
});

test("tensor() names the place of what is no number", () => {
  const refused = (data: unknown, message: string) =>
    assertThrows(() => through(data), TypeError, message);
  refused([1, "2"], 'data[1] is "2", expected a number');
  refused([[1, 2], [3, null]], "data[1][1] is null");
  refused([1, , 3], "data[1] is undefined");
  refused([1n], "data[0] is 1n");
  refused([true], "data[0] is true");
  refused([[1], "x"], 'data[1] is "x", expected a list');
  refused("12", 'data is "12"');
  refused(null, "data is null");
  refused(undefined, "data is undefined");
  refused({ length: 1, 0: 1 }, "data is an object");
  refused(new ArrayBuffer(8), "data is an ArrayBuffer");
  refused(new DataView(new ArrayBuffer(8)), "data is a DataView");
  refused(new BigInt64Array(1), "data is a BigInt64Array");
  refused([new Float32Array(2)], "data[0] is a Float32Array");
  const endless: unknown[] = [];
  endless.push(endless);
  assertThrows(() => through(endless), ShapeError, "nested more than 32 deep");
});

test("tensor() refuses arrays without a dtype, with advice", () => {
  const refused = (data: unknown, message: string) =>
    assertThrows(() => through(data), TypeError, message);
  refused(new Float64Array(2), 'a Float64Array and no dtype has its elements; pass { dtype: "f');
  refused(new Uint16Array(2), '{ dtype: "float16" } to read it as float16 bits');
  refused(new Int16Array(2), '{ dtype: "int32" } to convert it');
  refused(new Uint32Array(2), '{ dtype: "int32" } to convert it');
  const read = through(new Float64Array([0.1, 1e300]), undefined, { dtype: "float32" });
  assertEquals([...read.values], [Math.fround(0.1), Infinity]);
  const bits = through(new Uint16Array([0x3c00, 0x7e00]), undefined, { dtype: "float16" });
  assertEquals([...bits.values], [1, NaN]);
  const whole = through(new Uint32Array([1, 2]), [2, 1], { dtype: "int32" });
  assertEquals([...whole.values], [1, 2]);
});

test("tensor() converts to integers only what they hold exactly", () => {
  const refused = (data: unknown, dtype: string, message: string) =>
    assertThrows(() => through(data, undefined, { dtype }), RangeError, message);
  refused([1, 256], "uint8", "data[1] is 256, expected a whole number from 0 to 255 (uint8)");
  refused([[1, 2], [3, -129]], "int8", "data[3] is -129");
  refused([0.5], "int32", "data[0] is 0.5");
  refused([NaN], "int32", "data[0] is NaN");
  refused(new Float32Array([2 ** 31]), "int32", "data[0] is 2147483648");
});

test("tensor() refuses memory that is shared, resizable or detached", () => {
  const refused = (data: unknown, message: string) =>
    assertThrows(() => through(data), TypeError, message);
  refused(new Float32Array(new SharedArrayBuffer(8)), "SharedArrayBuffer");
  const resizable = new ArrayBuffer(8, { maxByteLength: 16 });
  refused(new Float32Array(resizable), "resizable ArrayBuffer; pass a copy");
  const gone = new Float32Array(2);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  refused(gone, "was detached");
  assertEquals(through(new Float32Array(resizable).slice()).shape, [2]);
});

test("tensor() refuses wrong shapes, dtypes, options and devices", () => {
  const fails = (
    error: new (message?: string) => Error,
    message: string,
    shape?: unknown,
    options?: unknown,
  ) =>
    assertThrows(() => tensor([1, 2], shape as number[], options as CreateOptions), error, message);
  const { device } = new FakeDevice();
  fails(ShapeError, "data has 2 elements, shape (3,) has 3", [3], { device });
  fails(ShapeError, "shape[0] is -1", [-1], { device });
  fails(TypeError, "shape is 2", 2, { device });
  fails(LimitError, "2147483648", [2 ** 31], { device });
  fails(RangeError, 'dtype is "float64", expected one of "float32"', [2], { dtype: "float64" });
  fails(TypeError, "dtype is 5", [2], { dtype: 5 });
  fails(TypeError, 'unknown option "dType"', [2], { dType: "float32" });
  fails(TypeError, "options is 3", [2], 3);
  fails(TypeError, "device is a Map, expected a Device", [2], { device: new Map() });
  fails(TypeError, "device is null", [2], { device: null });
  fails(TypeError, "label is 5", [2], { device, label: 5 });
  const made = tensor([1], undefined, { device });
  assertThrows(() => through(made), TypeError, "data is a Tensor already");
  made.dispose();
});

test("zeros(), ones(), full() and empty() fill every dtype", () => {
  const fake = new FakeDevice();
  const { device } = fake;
  for (const dtype of ["float32", "float16", "int32", "int8", "uint8"] as const) {
    for (const shape of [[], [3], [2, 5], [0], [2, 0]]) {
      const made = [
        zeros(shape, { dtype, device }),
        ones(shape, { dtype, device }),
        full(shape, 7, { dtype, device }),
        empty(shape, { dtype, device }),
      ];
      made.slice(0, 3).forEach((each, index) => {
        assertEquals(each.dtype, dtype);
        assertEquals(each.shape, shape);
        assert(each.dataSync().every((value) => value === [0, 1, 7][index]));
        assertEquals(each.dataSync().length, each.size);
      });
      assertEquals(made[3]!.size, made[0]!.size);
      for (const each of made) each.dispose();
    }
  }
  assertEquals(fake.live.size, 0);
  assertThrows(() => full([1], "1" as unknown as number, { device }), TypeError, 'value is "1"');
  assertThrows(() => full([1], 256, { device, dtype: "uint8" }), RangeError, "256");
  assertThrows(() => zeros([2 ** 16, 2 ** 16], { device }), LimitError, "4294967296 elements");
  assertThrows(() => ones([1.5], { device }), ShapeError, "shape[0] is 1.5");
});

test("arange() has ceil((stop - start) / step) elements", () => {
  const { device } = new FakeDevice();
  const read = (made: Tensor) => {
    const values = [...made.dataSync()];
    made.dispose();
    return values;
  };
  assertEquals(read(arange(4, { device })), [0, 1, 2, 3]);
  assertEquals(read(arange(2, 5, { device })), [2, 3, 4]);
  assertEquals(read(arange(1, 2, 0.25, { device })), [1, 1.25, 1.5, 1.75]);
  assertEquals(read(arange(5, 0, -2, { device, dtype: "int8" })), [5, 3, 1]);
  assertEquals(read(arange(-3, { device })), []);
  assertThrows(() => arange(1, 2, 0, { device }), RangeError, "step is 0");
  assertThrows(() => arange(NaN, { device }), RangeError, "stop is NaN");
  assertThrows(() => arange(0, 1e10, { device }), LimitError, "10000000000 elements");
  assertThrows(() => arange("4" as unknown as number, { device }), TypeError);
  assertThrows(() => (arange as unknown as () => void)(), TypeError, "found 0 numbers");
});

test("setDefaultDevice() refuses what is no device", () => {
  for (const value of [undefined, null, {}, "llvmpipe", 0]) {
    const wrong = value as unknown as Device;
    assertThrows(() => setDefaultDevice(wrong), TypeError, "expected a Device");
  }
});

test("a failing device leaves no buffer behind", () => {
  const fake = new FakeDevice();
  const { device } = fake;
  fake.failing = { call: "upload", after: 0 };
  assertThrows(() => tensor([1, 2], undefined, { device }), Error, "upload failed");
  fake.failing = { call: "fill", after: 0 };
  assertThrows(() => zeros([2], { device }), Error, "fill failed");
  fake.failing = { call: "allocate", after: 0 };
  assertThrows(() => zeros([2], { device }), Error, "allocate failed");
  assertEquals(fake.live.size, 0);
});

test("hostile data ends in named errors, without a leak", () => {
  const fake = new FakeDevice();
  const anything = fc.anything({
    withTypedArray: true,
    withBigInt: true,
    withMap: true,
    withSparseArray: true,
    withNullPrototype: true,
  });
  fc.assert(
    fc.property(anything, anything, (data, shape) => {
      try {
        tensor(data as TensorData, shape as number[], { device: fake.device }).dispose();
      } catch (error) {
        const typed = error instanceof TypeError || error instanceof RangeError;
        assertEquals(typed && error.message.startsWith("Cannot make a tensor: "), true);
      }
    }),
    { numRuns: 2000 },
  );
  assertEquals(fake.live.size, 0);
});
