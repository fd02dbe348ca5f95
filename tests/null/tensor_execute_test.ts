/** Running plans: outputs, temporaries and prepared buffers on a device that only counts. */
import { assertEquals, assertThrows } from "@std/assert";
import type { Dispatch, Program } from "../../src/core/dispatch.ts";
import { DisposedError, StateError } from "../../src/core/errors.ts";
import type { Plan } from "../../src/kernels/plan.ts";
import { execute, resultSpec, Storage, Tensor, tensor } from "../../src/tensor/mod.ts";
import { test } from "../support/test.ts";
import { FakeDevice } from "./tensor_fake_device.ts";

/** A dispatch over the given slots of a program that does not exist. */
function dispatch(slots: readonly number[]): Dispatch {
  const program: Program = {
    id: "fake/program",
    bindings: slots.map((slot) => ({ name: `b${slot}`, kind: "storage", access: "readwrite" })),
    addresses: false,
    constants: {},
    push: {},
    pushByteLength: 0,
    requires: [],
    spirv: () => new Uint8Array(0),
  };
  const grid = [1, 1, 1] as const;
  return { program, constants: {}, pipelineKey: "", push: new Uint32Array(0), slots, grid };
}

const plan: Plan = {
  label: "Fake/plan",
  slots: [
    { role: "input", index: 0 },
    { role: "prepared", key: "pack", source: 0, byteLength: 64, dispatches: [dispatch([0, 1])] },
    { role: "temporary", byteLength: 32 },
    { role: "output", index: 0 },
  ],
  dispatches: [dispatch([1, 2]), dispatch([2, 3])],
  flops: 0,
  bytes: 0,
};
const outputs = [resultSpec({ shape: [4], dtype: "float32" })];

test("execute() prepares once for each version of the source", () => {
  const fake = new FakeDevice();
  const { device } = fake;
  const x = tensor([1, 2], undefined, { device });
  const run = () => {
    const before = fake.dispatched.length;
    execute(device, plan, [x], outputs)[0]!.dispose();
    return fake.dispatched.length - before;
  };
  assertEquals(run(), 3);
  assertEquals(fake.live.size, 2); // x and its pack; temporary and output went back
  assertEquals(run(), 2);
  x.assign([3, 4]);
  assertEquals(fake.live.size, 1); // the pack of the old contents went at once
  assertEquals(run(), 3);
  const view = new Tensor((x.storage.retain(), x.storage), [2, 1], "float32");
  x.dispose();
  assertEquals(fake.live.size, 2); // a view keeps storage and pack
  view.dispose();
  assertEquals(fake.live.size, 0);
});

test("execute() gives everything back when a call fails, wherever it fails", () => {
  for (const call of ["allocate", "dispatch"] as const) {
    for (let after = 0; after < 3; after++) {
      const fake = new FakeDevice();
      const x = tensor([1, 2], undefined, { device: fake.device });
      fake.failing = { call, after };
      assertThrows(() => execute(fake.device, plan, [x], outputs), Error, `${call} failed`);
      const packed = call === "allocate" ? after === 2 : after > 0;
      assertEquals(fake.live.size, packed ? 2 : 1, `${call} ${after}`);
      x.dispose();
      assertEquals(fake.live.size, 0);
    }
  }
});

test("execute() gives a preparation its scratch buffers, and takes them back even if it fails", () => {
  const slot = {
    role: "prepared",
    key: "pack",
    source: 0,
    byteLength: 64,
    scratchByteLengths: [8, 16],
    dispatches: [dispatch([0, 3]), dispatch([3, 2]), dispatch([2, 1])],
  } as const;
  const scratched: Plan = { ...plan, slots: plan.slots.with(1, slot) };
  for (const [call, count] of [["allocate", 5], ["dispatch", 5]] as const) {
    for (let after = 0; after <= count; after++) {
      const fake = new FakeDevice();
      const x = tensor([1, 2], undefined, { device: fake.device });
      fake.failing = { call, after };
      const run = () => execute(fake.device, scratched, [x], outputs)[0]!.dispose();
      if (after === count) run();
      else assertThrows(run, Error, `${call} failed`);
      // Only what was prepared wholly stays.
      const stays = call === "allocate" ? after > 3 : after > 2;
      assertEquals(fake.live.size, stays ? 2 : 1, `${call} ${after}`);
      assertEquals([...fake.live].at(-1)!.byteLength, stays ? 64 : 8);
      x.dispose();
      assertEquals(fake.live.size, 0);
    }
  }
});

test("execute() refuses disposed inputs and slots without memory", () => {
  const fake = new FakeDevice();
  const x = tensor([1, 2], undefined, { device: fake.device });
  const none = tensor([], undefined, { device: fake.device });
  assertThrows(
    () => execute(fake.device, plan, [none], outputs),
    StateError,
    "slot 1 has no memory",
  );
  assertThrows(
    () => execute(fake.device, plan, [null], outputs),
    StateError,
    "slot 1 has no memory",
  );
  x.dispose();
  assertThrows(() => execute(fake.device, plan, [x], outputs), DisposedError);
  assertEquals(fake.live.size, 0);
});

test("Storage frees once, however often it is released", () => {
  const fake = new FakeDevice();
  const storage = Storage.allocate(fake.device, 16, "twice");
  storage.release();
  storage.release();
  assertEquals(fake.live.size, 0);
  assertEquals(storage.buffer, null);
});
