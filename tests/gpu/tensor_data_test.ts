/** Data through the device: round trips, fills, conversions, the vectors of the specification. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  arange,
  cast,
  concat,
  convolution,
  defaultDevice,
  DisposedError,
  empty,
  full,
  ones,
  ops,
  pixelShuffle,
  scope,
  setDefaultDevice,
  slice,
  type Tensor,
  tensor,
  zeros,
} from "../../mod.ts";
import type { DType, HostArray } from "../../mod.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

async function read(made: Tensor): Promise<number[]> {
  const values = [...await made.data()];
  made.dispose();
  return values;
}

const SAMPLES: readonly (readonly [DType, HostArray])[] = [
  ["float32", new Float32Array([0, -0, 1.5, NaN, Infinity, -Infinity, 1e-45, 3.4e38, Math.PI])],
  ["float16", new Float16Array([0, -0, 1.5, NaN, Infinity, -Infinity, 6e-8, 65504, Math.PI])],
  ["int32", new Int32Array([0, -1, 2 ** 31 - 1, -(2 ** 31), 5])],
  ["int8", new Int8Array([0, -1, 127, -128, 5])],
  ["uint8", new Uint8Array([0, 1, 255, 128, 5])],
];

gpuTest("tensor() and data() keep the bits of every dtype, at every length up to 40", async () => {
  for (const [dtype, sample] of SAMPLES) {
    for (let length = 0; length <= 40; length++) {
      const data = sample.constructor as unknown as { from(values: Iterable<number>): HostArray };
      const host = data.from(
        Array.from({ length }, (_, index) => sample[index % sample.length]!),
      );
      const made = tensor(host);
      assertEquals(made.dtype, dtype);
      const back = await made.data();
      assertEquals(back.constructor, host.constructor);
      const bytes = (
        array: HostArray,
      ) => [...new Uint8Array(array.buffer, array.byteOffset, array.byteLength)];
      assertEquals(bytes(back), bytes(host));
      assertEquals(bytes(made.dataSync()), bytes(host));
      made.dispose();
    }
  }
});

gpuTest(
  "tensor() takes megabytes, views at odd offsets, and frees the caller's array at once",
  async () => {
    const host = new Random(1).float32(1_000_003);
    const copy = host.slice();
    const made = tensor(host);
    host.fill(0);
    assertEquals(await made.data(), copy);
    made.dispose();
    const bytes = new Uint8Array(64).map((_, index) => index);
    assertEquals(await read(tensor(bytes.subarray(3, 20))), [...bytes.subarray(3, 20)]);
  },
);

gpuTest("zeros(), ones(), full() and arange() fill reused memory", async () => {
  for (const [dtype] of SAMPLES) {
    for (const length of [1, 2, 3, 5, 17, 1000]) {
      tensor(new Float32Array(1024).fill(NaN)).dispose(); // dirties what the pool hands out next
      assertEquals(await read(zeros([length], { dtype })), new Array(length).fill(0));
      assertEquals(await read(ones([length], { dtype })), new Array(length).fill(1));
      assertEquals(await read(full([length], 100, { dtype })), new Array(length).fill(100));
    }
  }
  assertEquals(await read(full([3], -2, { dtype: "int8" })), [-2, -2, -2]);
  assertEquals(await read(full([2], NaN)), [NaN, NaN]);
  assertEquals(await read(arange(2, 4, 0.5, { dtype: "float16" })), [2, 2.5, 3, 3.5]);
  const hollow = empty([4, 4], { dtype: "uint8" });
  assertEquals((await hollow.data()).length, 16);
  hollow.dispose();
});

gpuTest("cast() converts all 65,536 float16 patterns to float32 and back", async () => {
  const bits = Uint16Array.from({ length: 65_536 }, (_, index) => index);
  const half = tensor(bits, undefined, { dtype: "float16" });
  const wide = cast(half, "float32");
  const expected = new Float16Array(bits.buffer);
  const actual = await wide.data();
  let wrong = 0;
  for (let i = 0; i < bits.length; i++) if (!Object.is(actual[i], expected[i])) wrong++;
  assertEquals(wrong, 0);
  const back = cast(wide, "float16");
  const again = await back.data();
  const patterns = new Uint16Array(again.buffer, again.byteOffset, again.length);
  for (let i = 0; i < bits.length; i++) {
    if (Number.isNaN(expected[i])) assert(Number.isNaN(again[i]), `pattern ${i}`);
    else if (patterns[i] !== bits[i]) wrong++;
  }
  assertEquals(wrong, 0);
  for (const each of [half, wide, back]) each.dispose();
});

gpuTest("cast() to float16 rounds as IEEE 754 says: ties, subnormals, overflow", async () => {
  const random = new Random(5);
  const values = new Float32Array(20_000);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < 10_000; i++) words[i] = random.bits();
  for (let i = 10_000; i < 20_000; i++) {
    // Halfway between two float16 values, and one float32 step to either side.
    const half = new Float16Array(new Uint16Array([random.integer(0, 31_742)]).buffer)[0]!;
    const next = new Float16Array(
      new Uint16Array([new Uint16Array(new Float16Array([half]).buffer)[0]! + 1]).buffer,
    )[0]!;
    values[i] = (half + next) / 2;
    words[i]! += random.integer(-1, 1);
  }
  const x = tensor(values);
  const y = cast(x, "float16");
  const actual = await y.data();
  const wrong = [...values].findIndex((value, i) => !Object.is(actual[i], Math.f16round(value)));
  assertEquals(wrong, -1, `${values[wrong]} became ${actual[wrong]}`);
  x.dispose();
  y.dispose();
});

gpuTest("pixelShuffle() gives the vectors of the specification", async () => {
  const one = scope(() => pixelShuffle(arange(12).reshape([1, 4, 3]), 2));
  assertEquals(await one.toList(), [[[0, 3, 1, 4, 2, 5], [6, 9, 7, 10, 8, 11]]]);
  one.dispose();
  const two = scope(() => pixelShuffle(arange(72).reshape([1, 12, 2, 3]), [2, 3]));
  const rows = await two.toList() as number[][][][];
  assertEquals(rows[0]![0]![0], [0, 6, 12, 1, 7, 13, 2, 8, 14]);
  assertEquals(rows[0]![0]![1], [18, 24, 30, 19, 25, 31, 20, 26, 32]);
  two.dispose();
});

gpuTest("methods do what the functions do", async () => {
  const result = scope(() => {
    const x = tensor([[1, 2, 3], [4, 5, 6]]);
    const y = x.add(1).sub(tensor([1, 1, 1])).mul(x).div(2);
    return {
      y,
      reshaped: x.reshape([3, -1]),
      transposed: x.transpose(),
      sliced: x.slice([null, -2]),
      cast: x.cast("int32"),
    };
  });
  assertEquals(await read(result.y), [0.5, 2, 4.5, 8, 12.5, 18]);
  assertEquals(await result.reshaped.toList(), [[1, 2], [3, 4], [5, 6]]);
  assertEquals(await result.transposed.toList(), [[1, 4], [2, 5], [3, 6]]);
  assertEquals(await result.sliced.toList(), [[2, 3], [5, 6]]);
  assertEquals(result.cast.dtype, "int32");
  for (const each of Object.values(result)) each.dispose();
});

gpuTest("arithmetic keeps signs of zero, infinities and NaN as IEEE 754 says", async () => {
  const values = [0, -0, 1, -1, Infinity, -Infinity, NaN, 1e-3];
  const numbers = [0, -0, 1, -2, Infinity, NaN];
  const operators = {
    add: (a: number, b: number) => a + b,
    sub: (a: number, b: number) => a - b,
    mul: (a: number, b: number) => a * b,
    div: (a: number, b: number) => a / b,
    maximum: (a: number, b: number) => Math.max(a, b),
    minimum: (a: number, b: number) => Math.min(a, b),
  } as const;
  const x = tensor(values);
  for (const [name, apply] of Object.entries(operators)) {
    const operator = ops[name as keyof typeof operators];
    for (const number of numbers) {
      const other = full([1], number);
      const calls = [
        [operator(x, number), (value: number) => apply(value, number)],
        [operator(number, x), (value: number) => apply(number, value)],
        [operator(x, other), (value: number) => apply(value, number)],
      ] as const;
      other.dispose();
      for (const [y, expected] of calls) {
        const found = await read(y);
        const wanted = values.map((value) => expected(Math.fround(value)));
        // Which zero max and min give of two zeros is left open, as in C.
        const open = name === "maximum" || name === "minimum";
        const plain = (list: number[]) =>
          list.map((value) => Object.is(value, -0) && !open ? "-0" : String(Math.fround(value)));
        assertEquals(plain(found), plain(wanted), `${name} with ${number}`);
      }
    }
  }
  x.dispose();
  const whole = scope(() => tensor([7, -7, 0], undefined, { dtype: "int32" }).div(0));
  assertEquals(await read(whole), [0, 0, 0]);
});

gpuTest("float16, integers and bytes go through every movement", async () => {
  for (const dtype of ["float16", "int32", "int8", "uint8"] as const) {
    const y = scope(() => {
      const x = arange(24, { dtype }).reshape([2, 3, 4]);
      return slice(concat([x, x], 1).transpose([0, 2, 1]), [1, 1], [2, 3]);
    });
    assertEquals(await y.toList(), [[[13, 17, 21, 13, 17, 21], [14, 18, 22, 14, 18, 22]]]);
    y.dispose();
  }
});

gpuTest("assign() after a convolution: the next one sees the new weight", async () => {
  const x = tensor(new Float32Array(2 * 16 * 8 * 8).fill(1), [2, 16, 8, 8]);
  const w = ones([32, 16, 3, 3]);
  const b = zeros([32]);
  const sums: number[] = [];
  for (const value of [1, 2, -3]) {
    w.assign(new Float32Array(w.size).fill(value));
    const y = convolution(x, w, b);
    sums.push((await y.data()).at(-1)!);
    y.dispose();
  }
  assertEquals(sums, [144, 288, -432]);
  for (const each of [x, w, b]) each.dispose();
});

gpuTest("interleaved asynchronous work gives the bits of serial work", async () => {
  const random = new Random(9);
  const inputs = Array.from({ length: 8 }, () => tensor(random.float32(3 * 64), [1, 3, 8, 8]));
  const w = tensor(random.float32(8 * 27), [8, 3, 3, 3]);
  const forward = (x: Tensor) =>
    scope(() => convolution(x, w, null, { activation: "tanh" }).mul(2));
  const serial = [];
  for (const x of inputs) {
    const y = forward(x);
    serial.push(await y.data());
    y.dispose();
  }
  for (let round = 0; round < 5; round++) {
    const together = await Promise.all(inputs.map(async (x) => {
      const y = forward(x);
      const pending = y.data();
      y.dispose(); // the copy is recorded already
      return await pending;
    }));
    assertEquals(together, serial);
  }
  for (const each of [...inputs, w]) each.dispose();
});

gpuTest("setDefaultDevice() and defaultDevice() agree; disposed tensors reject", async () => {
  const device = defaultDevice();
  assertEquals(setDefaultDevice(device) === device, true);
  const x = tensor([1], undefined, { label: "gone" });
  assertEquals(x.device === device, true);
  x.dispose();
  await assertRejects(() => x.data(), DisposedError, '"gone"');
});
