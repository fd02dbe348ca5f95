/** Lifetimes: who frees what, and when. */
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { DisposedError, ShapeError, StateError } from "../../src/core/errors.ts";
import "../../src/autograd/mod.ts";
import "../../src/ops/index.ts";
import {
  keep,
  scope,
  type Storage,
  Tensor,
  tensor,
  TensorMethods,
  zeros,
} from "../../src/tensor/mod.ts";
import { Random } from "../support/random.ts";
import { test } from "../support/test.ts";
import { FakeDevice } from "./tensor_fake_device.ts";

function make(fake: FakeDevice, label = ""): Tensor {
  return tensor([1, 2, 3], undefined, { device: fake.device, label });
}

test("scope() frees what was made inside and is not in the result", () => {
  const fake = new FakeDevice();
  const outside = make(fake);
  const kept = scope(() => {
    make(fake);
    make(fake);
    return make(fake);
  });
  assertEquals(fake.live.size, 2);
  assertEquals([outside.disposed, kept.disposed], [false, false]);
  kept.dispose();
  outside.dispose();
  assertEquals(fake.live.size, 0);
});

test("scope() lets tensors in arrays, objects, Maps and Sets survive, at any depth", () => {
  const fake = new FakeDevice();
  const result = scope(() => {
    make(fake);
    const shared = make(fake);
    const loop: { self?: unknown; deep: unknown[] } = { deep: [[{ a: make(fake) }], shared] };
    loop.self = loop;
    return {
      loop,
      map: new Map<unknown, unknown>([["k", make(fake)], [make(fake), [shared]]]),
      set: new Set([make(fake)]),
      bare: Object.assign(Object.create(null), { t: make(fake) }) as object,
      nothing: null,
      number: 3,
    };
  });
  assertEquals(fake.live.size, 6);
  assert(result.loop.self === result.loop);
});

test("scope() frees tensors inside objects of other classes", () => {
  class Model {
    weight: Tensor;
    constructor(fake: FakeDevice) {
      this.weight = make(fake);
    }
  }
  const fake = new FakeDevice();
  const model = scope(() => new Model(fake));
  assertEquals(model.weight.disposed, true);
  assertEquals(fake.live.size, 0);
});

test("scope() hands survivors to the scope around it", () => {
  const fake = new FakeDevice();
  let inner: Tensor | undefined;
  scope(() => {
    inner = scope(() => make(fake));
    assertEquals(inner.disposed, false);
    assertEquals(fake.live.size, 1);
  });
  assertEquals(inner?.disposed, true);
  assertEquals(fake.live.size, 0);
});

test("scope() frees everything when the function throws, and passes the error on", () => {
  const fake = new FakeDevice();
  const outside = make(fake);
  const mistake = new Error("mine");
  const thrown = assertThrows(() =>
    scope(() => {
      make(fake);
      scope(() => {
        make(fake);
        throw mistake;
      });
    })
  );
  assertStrictEquals(thrown, mistake);
  assertEquals(fake.live.size, 1);
  outside.dispose();
  make(fake).dispose(); // the stack of scopes is intact: nobody owns this one
  assertEquals(fake.live.size, 0);
});

test("scope() refuses a promise, frees everything, and lets it fail in silence", async () => {
  const fake = new FakeDevice();
  let later: Tensor | undefined;
  assertThrows(
    () =>
      scope(async () => {
        const x = make(fake);
        await Promise.resolve();
        await x.data(); // rejects: x was freed
        later = x;
      }),
    StateError,
    "returned a promise",
  );
  assertEquals(fake.live.size, 0);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(later, undefined);
  assertThrows(() => scope(() => ({ then: () => {} })), StateError);
  assertThrows(() => scope(3 as unknown as () => void), TypeError, "fn is 3");
});

test("scope() frees everything when a getter of the result throws", () => {
  const fake = new FakeDevice();
  assertThrows(() =>
    scope(() => ({
      a: make(fake),
      get b(): number {
        throw new Error("getter");
      },
    }))
  );
  assertEquals(fake.live.size, 0);
});

test("scope() copes with a result of many elements", () => {
  const fake = new FakeDevice();
  const result = scope(() => {
    const t = make(fake);
    return [...new Array<number>(300_000).fill(1), t];
  });
  assertEquals((result.at(-1) as Tensor).disposed, false);
});

test("keep() takes a tensor out of all scopes", () => {
  const fake = new FakeDevice();
  let kept: Tensor | undefined;
  scope(() => {
    scope(() => {
      kept = keep(make(fake));
    });
  });
  assertEquals(kept?.disposed, false);
  kept?.dispose();
  assertEquals(fake.live.size, 0);
  assertThrows(() => keep([] as unknown as Tensor), TypeError, "Cannot keep []");
});

test("dispose() inside a scope frees once; a loop in a scope holds no memory", () => {
  const fake = new FakeDevice();
  scope(() => {
    for (let i = 0; i < 1000; i++) {
      const x = make(fake);
      x.dispose();
      x.dispose();
      assertEquals(fake.live.size, 0);
    }
  });
});

test("views share memory, which goes with the last of them, in any order", () => {
  const random = new Random(3);
  for (let round = 0; round < 200; round++) {
    const fake = new FakeDevice();
    const tensors = [make(fake)];
    for (let i = 0; i < 20; i++) {
      const from = random.pick(tensors);
      tensors.push(random.uniform() < 0.5 ? from.reshape([3, 1]) : make(fake));
    }
    while (tensors.length > 0) {
      const [gone] = tensors.splice(random.integer(0, tensors.length - 1), 1);
      gone!.dispose();
      for (const each of tensors) assertEquals(each.dataSync().length, 3);
    }
    assertEquals(fake.live.size, 0);
  }
});

test("every public method of a disposed tensor throws DisposedError with the label", async () => {
  const fake = new FakeDevice();
  const x = make(fake, "weights");
  const other = make(fake);
  x.dispose();
  const harmless = ["constructor", "dispose", "toString", "dropGrad"];
  const methods = [Tensor.prototype, TensorMethods.prototype].flatMap((prototype: object) =>
    Object.getOwnPropertyNames(prototype).filter((name) => {
      const { value } = Object.getOwnPropertyDescriptor(prototype, name)!;
      return typeof value === "function" && !harmless.includes(name);
    })
  );
  assert(methods.length >= 18);
  const call: Record<string, unknown[]> = {
    reshape: [[3]],
    slice: [0],
    cast: ["int8"],
    assign: [[1, 2, 3]],
    transpose: [],
    attachGrad: [],
  };
  for (const name of methods) {
    const method = (x as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!;
    const args = call[name] ?? [other];
    await assertRejects(async () => await method.apply(x, args), DisposedError, "weights");
  }
  assertThrows(() => x.storage, DisposedError, 'Cannot use tensor "weights" of shape (3,)');
  assertThrows(() => other.assign(x), DisposedError);
  assertEquals(x.toString(), 'Tensor(shape=(3,), dtype=float32, label="weights", disposed)');
  assertEquals([x.size, x.rank, x.dtype, x.shape.length], [3, 1, "float32", 1]);
});

test("toString() and the inspectors are a summary without the data", () => {
  const fake = new FakeDevice("llvmpipe (LLVM 15.0.6, 256 bits)");
  const x = zeros([1, 3, 8, 8], { device: fake.device });
  const text = "Tensor(shape=(1, 3, 8, 8), dtype=float32, device=llvmpipe…)";
  assertEquals(`${x}`, text);
  for (const symbol of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
    const inspect = (x as unknown as Record<symbol, () => string>)[Symbol.for(symbol)]!;
    assertEquals(inspect.call(x), text);
  }
  assertEquals(JSON.stringify(x), "{}");
});

test("shape is frozen, and new Tensor is not for users", () => {
  const fake = new FakeDevice();
  const x = make(fake);
  assertThrows(() => (x.shape as number[]).push(3), TypeError);
  assertThrows(() => new Tensor([1] as unknown as Storage, [1], "float32"), TypeError, "tensor(");
});

test("data(), item(), toList() and format() read the elements", async () => {
  const fake = new FakeDevice();
  const x = tensor([[1, 2], [3, 4]], undefined, { device: fake.device });
  assertEquals(await x.data(), new Float32Array([1, 2, 3, 4]));
  assertEquals(await x.toList(), [[1, 2], [3, 4]]);
  assertEquals(await x.format(), "tensor([[1., 2.],\n        [3., 4.]], dtype=float32)");
  await assertRejects(() => x.item(), ShapeError, "has 4 elements, expected 1");
  const one = tensor(5, undefined, { device: fake.device });
  assertEquals(await one.item(), 5);
  assertEquals(await one.toList(), 5);
  const none = zeros([2, 0], { device: fake.device });
  assertEquals(await none.toList(), [[], []]);
  assertEquals((await none.data()).length, 0);
});

test("assign() overwrites in place, also through views", () => {
  const fake = new FakeDevice();
  const { device } = fake;
  const x = tensor([1, 2, 3, 4], undefined, { device });
  const view = x.reshape([2, 2]);
  const version = x.storage.version;
  view.assign([[5, 6], [7, 8]]);
  assertEquals([...x.dataSync()], [5, 6, 7, 8]);
  x.assign(new Float32Array([0, 1, 2, 3]));
  view.assign(tensor([[9, 9], [9, 8]], undefined, { device }));
  assertEquals([...x.dataSync()], [9, 9, 9, 8]);
  assertEquals(x.storage.version, version + 3);
  assertThrows(() => x.assign([1, 2]), ShapeError, "source has shape (2,), expected (4,)");
  assertThrows(() => x.assign(new Float32Array(3)), ShapeError, "3 elements");
  assertThrows(() => x.assign([[1, 2], [3, 4]]), ShapeError, "(2, 2), expected (4,)");
  assertThrows(() => x.assign(zeros([4], { device, dtype: "int32" })), TypeError, "int32");
  assertThrows(() => x.assign(zeros([4], { device: new FakeDevice().device })), Error, "another");
});

test("random programs of scopes free exactly what they should", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = new Random(seed);
      const fake = new FakeDevice();
      const run = (depth: number): Tensor[] =>
        scope(() => {
          const mine = Array.from({ length: random.integer(0, 4) }, () => make(fake));
          if (depth > 0) {
            for (let i = random.integer(0, 2); i > 0; i--) mine.push(...run(depth - 1));
          }
          return mine.filter(() => random.uniform() < 0.5);
        });
      const survivors = run(3);
      assertEquals(fake.live.size, survivors.length);
      assert(survivors.every((each) => !each.disposed));
      for (const each of survivors) each.dispose();
      assertEquals(fake.live.size, 0);
    }),
    { numRuns: 300 },
  );
});
