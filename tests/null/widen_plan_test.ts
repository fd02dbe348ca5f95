/** Float16 around float32 kernels: slots, bindings, temporaries and what is prepared, without a GPU. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { Dispatch, Program } from "../../src/core/dispatch.ts";
import { LimitError } from "../../src/core/errors.ts";
import type { DType } from "../../src/core/dtype.ts";
import { planConvolution } from "../../src/kernels/convolution.ts";
import { planMatmul } from "../../src/kernels/matmul.ts";
import type { Plan, Slot } from "../../src/kernels/plan.ts";
import {
  type OperandSpec,
  prefersNativeHalf,
  widenPlan,
  widenSpec,
} from "../../src/kernels/widen.ts";
import { FORGED } from "../reference/capabilities.ts";
import { test } from "../support/test.ts";

const { gpu, cpu, least } = FORGED;

/**
 * A dispatch of a program that does not exist; bindings by name, the last one written. Those in `halves` have a constant
 * that says that they are float16.
 */
function dispatch(
  slots: readonly number[],
  names: readonly string[] = slots.map((_, at) => `b${at}`),
  constants: Readonly<Record<string, number>> = {},
  halves: readonly string[] = [],
): Dispatch {
  const program: Program = {
    id: "fake/program",
    bindings: names.map((name, at) => ({
      name,
      kind: "storage",
      access: at === names.length - 1 ? "write" : "read",
      ...halves.includes(name) ? { half: `half_${name}` } : {},
    })),
    addresses: false,
    constants: {},
    push: {},
    pushByteLength: 0,
    requires: [],
    spirv: () => new Uint8Array(0),
  };
  return {
    program,
    constants,
    pipelineKey: "fake",
    push: new Uint32Array(0),
    slots,
    grid: [1, 1, 1],
  };
}

/** Two inputs, what is between two kernels, and the result. */
const CHAIN: readonly Slot[] = [
  { role: "input", index: 0 },
  { role: "input", index: 1 },
  { role: "temporary", byteLength: 40 },
  { role: "output", index: 0 },
];

const half = (...shape: number[]): OperandSpec => ({ shape, dtype: "float16" });

/** What a dispatch does: the program's family and the slots it binds, in words. */
function steps(plan: Plan): string[] {
  const text = (slot: Slot): string => {
    switch (slot.role) {
      case "input":
      case "output":
        return `${slot.role} ${slot.index}`;
      case "temporary":
        return `temporary of ${slot.byteLength}`;
      case "prepared":
        return `prepared ${slot.key}`;
    }
  };
  return plan.dispatches.map(({ program, slots }) =>
    `${program.id.split(".")[0]}: ${slots.map((at) => text(plan.slots[at]!)).join(", ")}`
  );
}

/** Codes of cast.comp. */
function castOf({ constants }: Dispatch): [from: DType, to: DType] {
  const names: readonly DType[] = ["float32", "float16", "int32", "int8", "uint8"];
  return [names[constants["from"]!]!, names[constants["to"]!]!];
}

test("widenPlan() marks what kernels load and store as float16, and casts nothing for them", () => {
  const plan: Plan = {
    label: "Fake/plan",
    slots: CHAIN,
    dispatches: [
      dispatch([0, 1, 2], ["x", "w", "sums"], { taps: 3 }, ["x", "w", "sums"]),
      dispatch([2, 0, 3], ["sums", "x", "y"], {}, ["sums", "y"]),
    ],
    flops: 0,
    bytes: 0,
  };
  const wide = widenPlan(gpu, plan, [half(3, 5), half(7)], half(11));
  assertEquals(steps(wide), [
    "elementwise/cast: input 0, temporary of 60",
    "fake/program: input 0, input 1, temporary of 40",
    "fake/program: temporary of 40, temporary of 60, output 0",
  ]);
  assertEquals(wide.dispatches.slice(1).map(({ constants }) => constants), [
    { taps: 3, half_x: 1, half_w: 1 },
    { half_y: 1 },
  ]);
  assertEquals(wide.dispatches[1]!.pipelineKey, "fake/program|half_w=1,half_x=1,taps=3");
  // Only where the operand is float16.
  const mixed = widenPlan(gpu, plan, [half(3, 5), { shape: [7], dtype: "float32" }], half(11));
  assertEquals(mixed.dispatches[1]!.constants, { taps: 3, half_x: 1 });
  const cast = widenPlan(gpu, plan, [half(3, 5), half(7)], half(11), false);
  assertEquals(cast.dispatches.length, 5);
  assertEquals(cast.dispatches[2]!.pipelineKey, "fake");
});

test("widenPlan() narrows the result behind kernels of which one can only write float32", () => {
  const plan: Plan = {
    label: "Fake/plan",
    slots: [{ role: "input", index: 0 }, { role: "output", index: 0 }],
    dispatches: [
      dispatch([0, 1], ["x", "y"], {}, ["x", "y"]),
      dispatch([0, 1], ["x", "y"], {}, ["x"]),
    ],
    flops: 0,
    bytes: 0,
  };
  const wide = widenPlan(gpu, plan, [half(4)], half(4));
  assertEquals(steps(wide), [
    "fake/program: input 0, temporary of 16",
    "fake/program: input 0, temporary of 16",
    "elementwise/cast: temporary of 16, output 0",
  ]);
  assertEquals(wide.dispatches[0]!.constants, { half_x: 1 });
});

test("widenPlan() casts what is read before, and the result last", () => {
  const plan: Plan = {
    label: "Fake/plan",
    slots: CHAIN,
    dispatches: [dispatch([0, 1, 2]), dispatch([2, 0, 3])],
    flops: 7,
    bytes: 1000,
  };
  const wide = widenPlan(gpu, plan, [half(3, 5), half(7)], half(11));
  assertEquals(wide.label, "Fake/plan/float16");
  assertEquals(wide.flops, 7);
  assertEquals(wide.bytes, 2 * (15 + 7 + 11));
  assertEquals(steps(wide), [
    "elementwise/cast: input 0, temporary of 60",
    "elementwise/cast: input 1, temporary of 28",
    "fake/program: temporary of 60, temporary of 28, temporary of 40",
    "fake/program: temporary of 40, temporary of 60, temporary of 44",
    "elementwise/cast: temporary of 44, output 0",
  ]);
  assertEquals(wide.dispatches.filter(({ program }) => program.id.includes("cast")).map(castOf), [
    ["float16", "float32"],
    ["float16", "float32"],
    ["float32", "float16"],
  ]);
  assertEquals(wide.slots.length, 7);
});

test("widenPlan() leaves alone what is not float16, absent, or not read", () => {
  const plan: Plan = {
    label: "Fake/plan",
    slots: [
      { role: "input", index: 0 },
      { role: "input", index: 2 },
      { role: "input", index: 3 },
      { role: "output", index: 0 },
    ],
    dispatches: [dispatch([0, 1, 3])],
    flops: 0,
    bytes: 0,
  };
  const index: OperandSpec = { shape: [4], dtype: "int32" };
  const wide = widenPlan(gpu, plan, [half(4), null, index, half(9)], {
    shape: [4],
    dtype: "int32",
  });
  assertEquals(steps(wide), [
    "elementwise/cast: input 0, temporary of 16",
    "fake/program: temporary of 16, input 2, output 0",
  ]);
  // Input 3 is in the slots of the plan, but no dispatch binds it.
  assert(!wide.slots.some((slot) => slot.role === "input" && slot.index === 3));
});

test("widenPlan() binds one cast where two slots name the same input", () => {
  const input: Slot = { role: "input", index: 0 };
  const plan: Plan = {
    label: "Fake/plan",
    slots: [input, input, { role: "output", index: 0 }],
    dispatches: [dispatch([0, 1, 2])],
    flops: 0,
    bytes: 0,
  };
  assertEquals(steps(widenPlan(gpu, plan, [half(2)], half(2))), [
    "elementwise/cast: input 0, temporary of 8",
    "fake/program: temporary of 8, temporary of 8, temporary of 8",
    "elementwise/cast: temporary of 8, output 0",
  ]);
});

test("widenPlan() does not cast an operand that only stands in for an absent one", () => {
  const names = ["x", "bias_texel1", "residual", "y"];
  const plan = (constants: Readonly<Record<string, number>>): Plan => ({
    label: "Fake/plan",
    slots: [
      { role: "input", index: 0 },
      { role: "input", index: 1 },
      { role: "output", index: 0 },
    ],
    dispatches: [dispatch([0, 1, 0, 2], names, constants)],
    flops: 0,
    bytes: 0,
  });
  const run = (constants: Readonly<Record<string, number>>) =>
    steps(widenPlan(gpu, plan(constants), [half(2), half(3)], half(4)));
  assertEquals(run({ has_bias: 0, has_residual: 0 }), [
    "elementwise/cast: input 0, temporary of 8",
    "fake/program: temporary of 8, input 1, input 0, temporary of 16",
    "elementwise/cast: temporary of 16, output 0",
  ]);
  assertEquals(run({ has_bias: 1, has_residual: 1 }), [
    "elementwise/cast: input 0, temporary of 8",
    "elementwise/cast: input 1, temporary of 12",
    "fake/program: temporary of 8, temporary of 12, temporary of 8, temporary of 16",
    "elementwise/cast: temporary of 16, output 0",
  ]);
});

test("widenPlan() prepares from a cast that does not stay, under a key of its own", () => {
  const slot = {
    role: "prepared",
    key: "pack",
    source: 1,
    byteLength: 64,
    scratchByteLengths: [32],
    dispatches: [dispatch([0, 2]), dispatch([2, 1])],
  } as const;
  const plan: Plan = {
    label: "Fake/plan",
    slots: [{ role: "input", index: 0 }, slot, { role: "output", index: 0 }],
    dispatches: [dispatch([0, 1, 2])],
    flops: 0,
    bytes: 0,
  };
  const wide = widenPlan(gpu, plan, [half(1), half(10)], half(1));
  assertEquals(steps(wide), [
    "elementwise/cast: input 0, temporary of 4",
    "fake/program: temporary of 4, prepared float16/pack, temporary of 4",
    "elementwise/cast: temporary of 4, output 0",
  ]);
  const prepared = wide.slots.find((each) => each.role === "prepared")!;
  assertEquals(prepared.source, 1);
  assertEquals(prepared.byteLength, 64);
  assertEquals(prepared.scratchByteLengths, [32, 40]);
  assertEquals(prepared.dispatches.map(({ slots }) => slots), [[0, 3], [3, 2], [2, 1]]);
  assertEquals(castOf(prepared.dispatches[0]!), ["float16", "float32"]);
  // A kernel that loads float16 prepares from the source itself.
  const aware = {
    ...slot,
    dispatches: [dispatch([0, 2], ["w", "p"], {}, ["w"]), dispatch([2, 1])],
  };
  const direct = widenPlan(gpu, { ...plan, slots: [plan.slots[0]!, aware, plan.slots[2]!] }, [
    half(1),
    half(10),
  ], half(1)).slots.find((each) => each.role === "prepared")!;
  assertEquals(direct.key, "float16/pack");
  assertEquals(direct.scratchByteLengths, [32]);
  assertEquals(direct.dispatches.map(({ slots }) => slots), [[0, 2], [2, 1]]);
  assertEquals(direct.dispatches[0]!.constants, { half_w: 1 });
  // A source that is not float16 is prepared as before.
  const other = widenPlan(gpu, plan, [half(1), { shape: [10], dtype: "float32" }], half(1));
  assertStrictEquals(other.slots.find((each) => each.role === "prepared"), slot);
});

test("widenPlan() keeps plans of kernels whole: every binding has a slot, every result is stored", () => {
  const settings = {
    input: [1, 16, 12, 12],
    weight: [16, 16, 3, 3],
    layout: "NCHW",
    stride: [1, 1],
    dilation: [1, 1],
    padding: [1, 1],
    paddingAfter: [1, 1],
    groups: 1,
    hasBias: true,
  } as const;
  const inputs = [half(...settings.input), half(...settings.weight), half(16), null];
  let prepared = 0;
  for (const capabilities of [gpu, cpu, least]) {
    const plain = planConvolution(capabilities, settings);
    const native = widenPlan(capabilities, plain, inputs, half(1, 16, 12, 12), true);
    const wide = widenPlan(capabilities, plain, inputs, half(1, 16, 12, 12), false);
    for (const plan of [native, wide]) {
      for (const { slots, program } of plan.dispatches) {
        assertEquals(slots.length, program.bindings.length);
        for (const at of slots) assert(plan.slots[at] !== undefined);
      }
    }
    const isCast = ({ program }: Dispatch) => program.id.startsWith("elementwise/");
    const casts = wide.dispatches.filter(isCast);
    // Nothing but casts reads or writes float16, or nothing is cast; the absent residual is bound, but not read.
    for (const dispatch of wide.dispatches) {
      dispatch.slots.forEach((at, binding) => {
        const isOutside = ["input", "output"].includes(wide.slots[at]!.role);
        const { name } = dispatch.program.bindings[binding]!;
        if (!isCast(dispatch)) assert(!isOutside || name.startsWith("residual"), name);
      });
    }
    assert(casts.length <= 4); // input, weight, bias, output
    assertEquals(wide.dispatches.at(-1), casts.at(-1));
    assertEquals(wide.dispatches.length, plain.dispatches.length + casts.length);
    assertEquals(native.dispatches.filter(isCast), []);
    const temporaries = ({ slots }: Plan) => slots.filter(({ role }) => role === "temporary");
    assertEquals(temporaries(native), temporaries(plain));
    for (const { constants, program, slots } of native.dispatches) {
      slots.forEach((at, binding) => {
        const isOutside = ["input", "output"].includes(native.slots[at]!.role);
        const { name, half } = program.bindings[binding]!;
        if (name.startsWith("residual")) return;
        assertEquals(constants[half ?? ""] ?? 0, isOutside ? 1 : 0, `${program.id} ${name}`);
      });
    }
    for (const slot of wide.slots) {
      if (slot.role !== "prepared" || slot.source !== 1) continue;
      prepared++;
      assertEquals(slot.scratchByteLengths!.at(-1), 16 * 16 * 9 * 4);
      assert(isCast(slot.dispatches[0]!));
    }
    // GPUs pack with kernels that copy; those of CPU devices load float16.
    for (const slot of native.slots) {
      if (slot.role !== "prepared" || slot.source !== 1) continue;
      assertEquals(isCast(slot.dispatches[0]!), capabilities.deviceClass !== "cpu");
    }
  }
  assert(prepared > 0);
});

test("widenPlan() refuses what a float32 kernel of the device could not bind", () => {
  const count = least.maxStorageBufferRange / 2;
  const sizes = { batch: 1, m: count, n: 1, k: 1, transposeA: false, transposeB: false };
  assertThrows(() => planMatmul(least, sizes), LimitError, "at most");
  const plan = planMatmul(least, { ...sizes, m: 1 });
  assertThrows(() => widenPlan(least, plan, [half(count), half(1)], half(1), false), LimitError);
});

test("widenPlan() narrows what a kernel would store one by one, or keeps sums in", () => {
  const names = ["x", "y"];
  const plan = (vectors: number, passes: number): Plan => ({
    label: "Fake/plan",
    slots: [{ role: "input", index: 0 }, { role: "output", index: 0 }],
    dispatches: [dispatch([0, 1], names, { vector_store: vectors, passes }, names)],
    flops: 0,
    bytes: 0,
  });
  const narrows = (capabilities: typeof cpu, vectors: number, passes: number = 1) =>
    widenPlan(capabilities, plan(vectors, passes), [half(64, 64)], half(64, 64))
      .dispatches.length > 1;
  assertEquals([narrows(cpu, 0), narrows(cpu, 1), narrows(gpu, 0)], [true, false, false]);
  assert(narrows(cpu, 1, 4));
});

test("CPU devices cast small operands, GPUs none", () => {
  const small = [half(5, 7), null, half(4095)];
  assert(prefersNativeHalf(gpu, small));
  assert(!prefersNativeHalf(cpu, small));
  assert(prefersNativeHalf(cpu, [...small, half(64, 64)]));
});

test("widenSpec() widens float16 only", () => {
  assertEquals(widenSpec(half(2, 3)), { shape: [2, 3], dtype: "float32" });
  assertStrictEquals(widenSpec(null), null);
  const spec: OperandSpec = { shape: [1], dtype: "int8" };
  assertStrictEquals(widenSpec(spec), spec);
});
