// Elementwise, cast and data movement kernels against their oracles.

import { assert, assertEquals } from "@std/assert";
import { type DType, dtypeByteLength, DTYPES, viewAs } from "../../src/core/dtype.ts";
import { type ActivationName, ACTIVATIONS } from "../../src/kernels/activation.ts";
import { planCast } from "../../src/kernels/cast.ts";
import {
  type BinaryOperation,
  planActivation,
  planBinary,
  planFill,
  planScalar,
} from "../../src/kernels/elementwise.ts";
import {
  planConcat,
  planPixelShuffle,
  planSlice,
  planTranspose,
  planUpSampling,
} from "../../src/kernels/movement.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { activation } from "../reference/activation.ts";
import { type Reference, size } from "../reference/array.ts";
import { cast } from "../reference/cast.ts";
import { binary, BINARY_NAMES } from "../reference/elementwise.ts";
import * as movement from "../reference/movement.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { bytesOf, runPlan, sharedDevice } from "./kernels_run.ts";

/** Values as a typed array of a dtype. */
function pack(dtype: DType, values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * dtypeByteLength(dtype));
  const view = viewAs(dtype, bytes);
  for (let at = 0; at < values.length; at++) view[at] = values[at]!;
  return bytes;
}

async function run(
  plan: Plan,
  dtype: DType,
  inputs: readonly Uint8Array<ArrayBuffer>[],
  count: number,
): Promise<number[]> {
  const device = await sharedDevice();
  const bytes = await runPlan(device, plan, inputs, count * dtypeByteLength(dtype));
  return Array.from(viewAs(dtype, bytes));
}

/** Rounds as a dtype stores. */
function stored(dtype: DType, values: ArrayLike<number>): number[] {
  return Array.from(viewAs(dtype, pack(dtype, values)));
}

const SHAPES: readonly [readonly number[], readonly number[]][] = [
  [[5, 7], [5, 7]],
  [[3, 5], []],
  [[], [3, 5]],
  [[2, 3, 4], [1, 3, 1]],
  [[4, 1, 5], [3, 1]],
  [[2, 1, 3, 1, 5], [1, 4, 1, 2, 1]],
  [[1], [1]],
];

gpuTest("binary kernels agree with the oracle", async () => {
  const { capabilities } = await sharedDevice();
  const random = new Random(1);
  for (const dtype of ["float32", "int32", "float16"] as const) {
    for (const name of BINARY_NAMES) {
      // All shapes with one operator, one shape with the others: pipelines are dear on a CPU device.
      for (const [a, b] of name === "subtract" ? SHAPES : SHAPES.slice(3, 4)) {
        const draw = (shape: readonly number[]): Reference => {
          const values = random.float32(size(shape), -9, 9);
          return {
            shape,
            data: dtype === "int32" ? values.map(Math.trunc) : stored(dtype, values),
          };
        };
        const x = draw(a);
        const y = draw(b);
        const expected = binary(x, y, name);
        const wanted = Float64Array.from(expected.data, (value) => {
          if (dtype !== "int32") return value;
          return Number.isFinite(value) ? Math.trunc(value) + 0 : 0;
        });
        const plan = planBinary(capabilities, name as BinaryOperation, a, b, dtype);
        const actual = await run(
          plan,
          dtype,
          [pack(dtype, x.data), pack(dtype, y.data)],
          wanted.length,
        );
        const rounded = stored(dtype, wanted);
        actual.forEach((value, at) => {
          // One rounding; division may be 2.5 ULP off (Vulkan, precision of OpFDiv).
          const slack = Math.abs(rounded[at]!) * (dtype === "float16" ? 2 ** -10 : 2 ** -21);
          const equal = Object.is(value, rounded[at]) || value === rounded[at] ||
            (dtype !== "int32" && Math.abs(value - rounded[at]!) <= slack);
          assert(equal, `${plan.label} ${dtype} ${a} ${b}: ${at}: ${value}, not ${rounded[at]}`);
        });
      }
    }
  }
});

gpuTest("activation kernels agree with the oracle, NaN and infinities included", async () => {
  const { capabilities } = await sharedDevice();
  const values = [...new Random(2).float32(57, -30, 30), ...new Random(3).float32(20)];
  values.push(0, -0, 1e-7, -1e-7, 1e-30, 88, -88, 120, -120, 3e38, -3e38, Infinity, -Infinity, NaN);
  const x = { data: Float32Array.from(values), shape: [values.length] };
  for (const name of Object.keys(ACTIVATIONS) as ActivationName[]) {
    const plan = planActivation(capabilities, { name, alpha: 0.25 }, values.length);
    const actual = await run(plan, "float32", [bytesOf(x.data)], values.length);
    const expected = activation(x, name, 0.25).data;
    actual.forEach((value, at) => {
      const wanted = Math.fround(expected[at]!);
      if (name === "mish" && x.data[at] === -Infinity) return; // 0 * Infinity by the formula
      const equal = Object.is(value, wanted) || value === wanted ||
        Math.abs(value - wanted) <= 1e-7 + 4e-6 * Math.abs(wanted);
      assert(equal, `${name}(${x.data[at]}) is ${value}, expected ${wanted}`);
    });
  }
});

gpuTest("scalar and fill kernels agree with JavaScript", async () => {
  const { capabilities } = await sharedDevice();
  const x = [-3, -1.5, 0.25, 2, 7];
  const check = async (plan: Plan, dtype: DType, data: number[], expected: number[]) => {
    assertEquals(await run(plan, dtype, [pack(dtype, data)], data.length), expected, plan.label);
  };
  const affine = { kind: "affine", scale: 2, shift: 0.5 } as const;
  await check(planScalar(capabilities, affine, 5), "float32", x, x.map((each) => each * 2 + 0.5));
  await check(
    planScalar(capabilities, affine, 5, "float16"),
    "float16",
    x,
    x.map((each) => each * 2 + 0.5),
  );
  await check(
    planScalar(capabilities, { kind: "divide", by: 4 }, 5),
    "float32",
    x,
    x.map((each) => each / 4),
  );
  await check(
    planScalar(capabilities, { kind: "divideInto", value: 6 }, 5),
    "float32",
    [1, 2, 3, -4, 6],
    [6, 3, 2, -1.5, 1],
  );
  await check(
    planScalar(capabilities, { kind: "affine", scale: -3, shift: 7 }, 3, "int32"),
    "int32",
    [1, -2, 2 ** 30],
    [4, 13, (7 - 3 * 2 ** 30) | 0],
  );
  const device = await sharedDevice();
  const bytes = await runPlan(device, planFill(capabilities, 0xdeadbeef, 21), [], 21);
  assertEquals(
    [...bytes],
    Array.from({ length: 21 }, (_, at) => [0xef, 0xbe, 0xad, 0xde][at % 4]!),
  );
});

gpuTest("every float16 becomes its float32 and back", async () => {
  const { capabilities } = await sharedDevice();
  const halves = Uint16Array.from({ length: 65_536 }, (_, at) => at);
  const floats = await run(planCast(capabilities, "float16", "float32", 65_536), "float32", [
    bytesOf(halves),
  ], 65_536);
  const expected = Array.from(new Float16Array(halves.buffer));
  const wrong = floats.findIndex((value, at) => !Object.is(value, expected[at]));
  assertEquals(wrong, -1, `pattern ${wrong}: ${floats[wrong]}, expected ${expected[wrong]}`);
  const back = await run(
    planCast(capabilities, "float32", "float16", 65_536),
    "float16",
    [bytesOf(Float32Array.from(floats))],
    65_536,
  );
  assertEquals(back.findIndex((value, at) => !Object.is(value, expected[at])), -1);
});

gpuTest("float32 rounds to the nearest float16, ties to even", async () => {
  const { capabilities } = await sharedDevice();
  const halves = new Float16Array(Uint16Array.from({ length: 0x7c00 }, (_, at) => at).buffer);
  const values: number[] = [65_504, 65_519.99, 65_520, 65_536, 2 ** -25, 2 ** -25 * 1.0001, NaN];
  for (let at = 0; at + 1 < halves.length; at++) {
    const middle = (halves[at]! + halves[at + 1]!) / 2;
    const word = new Uint32Array(Float32Array.of(middle).buffer)[0]!;
    const [below, above] = new Float32Array(Uint32Array.of(word - 1, word + 1).buffer);
    values.push(middle, -middle, below!, above!);
  }
  const plan = planCast(capabilities, "float32", "float16", values.length);
  const actual = await run(plan, "float16", [pack("float32", values)], values.length);
  const expected = Array.from(Float16Array.from(Float32Array.from(values)));
  const wrong = actual.findIndex((value, at) => !Object.is(value, expected[at]));
  assertEquals(wrong, -1, `${values[wrong]} became ${actual[wrong]}, expected ${expected[wrong]}`);
});

gpuTest("casts agree with the oracle between all dtypes", async () => {
  const { capabilities } = await sharedDevice();
  const edge = [
    0,
    -0,
    0.5,
    -0.5,
    1.9,
    -1.9,
    127,
    128,
    -128,
    -129,
    255,
    256,
    300,
    -1,
    65_504,
    70_000,
  ];
  edge.push(2 ** 24 + 1, 2 ** 31 - 128, 2 ** 31, -(2 ** 31), 1e10, -1e10, Infinity, -Infinity, NaN);
  for (const from of DTYPES) {
    const values = stored(
      from,
      from.startsWith("float") ? edge : edge.map((each) => Math.trunc(each) | 0),
    );
    for (const to of DTYPES) {
      const plan = planCast(capabilities, from, to, values.length);
      const actual = await run(plan, to, [pack(from, values)], values.length);
      assertEquals(actual, [...cast(values, from, to)], `${from} to ${to}: ${values}`);
    }
  }
});

gpuTest("movement kernels copy elements of every size", async () => {
  const { capabilities } = await sharedDevice();
  const random = new Random(4);
  for (const dtype of ["uint8", "float16", "float32"] as const) {
    const bytes = dtypeByteLength(dtype);
    const draw = (shape: readonly number[]) => ({
      shape,
      data: Array.from({ length: size(shape) }, () => random.integer(0, 255)),
    });
    const check = async (plan: Plan, inputs: readonly Reference[], expected: Reference) => {
      const packed = inputs.map(({ data }) => pack(dtype, data));
      const actual = await run(plan, dtype, packed, expected.data.length);
      assertEquals(actual, Array.from(expected.data), `${plan.label} ${dtype}`);
    };
    const x = draw([3, 4, 5, 6]);
    for (const axes of [[0, 2, 3, 1], [3, 2, 1, 0], [1, 0, 2, 3]]) {
      await check(
        planTranspose(capabilities, x.shape, axes, bytes),
        [x],
        movement.transpose(x, axes),
      );
    }
    await check(
      planSlice(capabilities, x.shape, [1, 3, 0, 1], [2, 2, 5, 3], bytes, [1, -2, 1, 2]),
      [x],
      movement.slice(x, [1, 3, 0, 1], [2, 2, 5, 3], [1, -2, 1, 2]),
    );
    for (const [axis, lengths] of [[1, [4, 1, 3]], [3, [1, 2, 5]], [1, [4, 8]]] as const) {
      const parts = lengths.map((length) =>
        draw([2, 4, 3, 8].map((each, at) => at === axis ? length : each))
      );
      await check(
        planConcat(capabilities, parts.map(({ shape }) => shape), axis, bytes),
        parts,
        movement.concat(parts, axis),
      );
    }
    for (const factors of [[3], [2, 3], [2, 1, 2]]) {
      const spatial = [5, 3, 2].slice(0, factors.length);
      const deep = draw([2, 3 * size(factors), ...spatial]);
      const wide = movement.pixelShuffle(deep, factors);
      await check(planPixelShuffle(capabilities, deep.shape, factors, bytes), [deep], wide);
      await check(planPixelShuffle(capabilities, wide.shape, factors, bytes, true), [wide], deep);
      const scale = [1, 1, ...factors];
      await check(
        planUpSampling(capabilities, deep.shape, scale, bytes),
        [deep],
        movement.upSampling(deep, scale),
      );
    }
  }
});

gpuTest("movement kernels copy 8-byte elements", async () => {
  const { capabilities } = await sharedDevice();
  const values = Float64Array.from({ length: 30 }, (_, at) => Math.PI * at);
  const device = await sharedDevice();
  const plan = planTranspose(capabilities, [5, 6], [1, 0], 8);
  const bytes = await runPlan(device, plan, [bytesOf(values)], 240);
  const expected = movement.transpose({ data: values, shape: [5, 6] }, [1, 0]);
  assertEquals([...new Float64Array(bytes.buffer, bytes.byteOffset, 30)], [
    ...Array.from(expected.data),
  ]);
});

gpuTest("elementwise and movement kernels give equal bits on every load path", async () => {
  const device = await sharedDevice();
  const random = new Random(5);
  const bits = Uint32Array.from({ length: 96 }, () => random.bits());
  // NaNs with payloads, signaling ones too, and subnormals.
  bits.set([0x7f800001, 0x7fffffff, 0xff812345, 0x7fc00000, 1, 0x807fffff, 0x00400000]);
  const plans: ((capabilities: typeof device.capabilities) => Plan)[] = [
    (capabilities) => planTranspose(capabilities, [4, 6, 4], [2, 0, 1], 4),
    (capabilities) => planSlice(capabilities, [4, 24], [0, 4], [4, 16], 4),
    (capabilities) => planCast(capabilities, "float32", "int8", 96),
    (capabilities) => planActivation(capabilities, { name: "relu" }, 96),
    (capabilities) => planBinary(capabilities, "maximum", [96], [96]),
    (capabilities) => planBinary(capabilities, "add", [4, 24], [24]),
  ];
  for (const plan of plans) {
    const results: Uint8Array[] = [];
    for (const loadPath of ["storage", "texel"] as const) {
      const made = plan({ ...device.capabilities, loadPath });
      results.push(await runPlan(device, made, [bytesOf(bits), bytesOf(bits)], 64));
    }
    assertEquals(results[1], results[0], plan(device.capabilities).label);
  }
  const moved = await runPlan(
    device,
    planTranspose(device.capabilities, [4, 6, 4], [0, 2, 1], 4),
    [bytesOf(bits)],
    384,
  );
  const expected = movement.transpose({ data: bits, shape: [4, 6, 4] }, [0, 2, 1]);
  assertEquals([...new Uint32Array(moved.buffer, moved.byteOffset, 96)], Array.from(expected.data));
});
