/** Recording, graphs, errors and memory of automatic differentiation, on a device that computes nothing. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as autograd from "../../src/autograd/mod.ts";
import { isGradientFresh, isInGraph, markGradientUsed } from "../../src/autograd/internal.ts";
import {
  AutogradError,
  DeviceError,
  DisposedError,
  ShapeError,
  StateError,
} from "../../src/core/errors.ts";
import { add, exp, mul, relu, reshape, sum } from "../../src/ops/index.ts";
import { keep, scope, Tensor, tensor, zeros } from "../../src/tensor/mod.ts";
import { test } from "../support/test.ts";
import { FakeDevice } from "./tensor_fake_device.ts";

function make(fake: FakeDevice, shape: readonly number[] = [3]): Tensor {
  return zeros(shape, { device: fake.device });
}

/** Runs a body and checks that it frees all memory. */
function clean(name: string, body: (fake: FakeDevice) => void): void {
  test(name, () => {
    const fake = new FakeDevice();
    body(fake);
    assertEquals(fake.live.size, 0, "buffers left");
    assertEquals([autograd.isRecording(), autograd.isTraining()], [false, false]);
  });
}

test("record, pause, trainMode and predictMode set the flags and restore them", () => {
  const flags = () => [autograd.isRecording(), autograd.isTraining()];
  assertEquals(flags(), [false, false]);
  const seen = autograd.record(() => [
    flags(),
    autograd.pause(flags),
    autograd.pause(flags, { trainMode: true }),
    autograd.predictMode(flags),
    autograd.record(flags, { trainMode: false }),
    flags(),
  ]);
  const [on, off] = [true, false];
  assertEquals(seen, [[on, on], [off, off], [off, on], [on, off], [on, off], [on, on]]);
  assertEquals(autograd.trainMode(flags), [false, true]);
  assertEquals(flags(), [false, false]);
  assertThrows(
    () =>
      autograd.record(() => {
        throw new Error("inside");
      }),
    Error,
    "inside",
  );
  assertEquals(flags(), [false, false]);
});

test("the forms without a function last until they are disposed", () => {
  const outer = autograd.record({ trainMode: false });
  assertEquals([autograd.isRecording(), autograd.isTraining()], [true, false]);
  const inner = autograd.pause();
  assertEquals(autograd.isRecording(), false);
  inner.dispose();
  inner.dispose();
  assertEquals(autograd.isRecording(), true);
  for (const mode of [autograd.trainMode(), autograd.predictMode()]) mode[Symbol.dispose]();
  outer.dispose();
  assertEquals([autograd.isRecording(), autograd.isTraining()], [false, false]);
});

test("setRecording and setTraining return what was before", () => {
  assertEquals([autograd.setRecording(true), autograd.setRecording(false)], [false, true]);
  assertEquals([autograd.setTraining(true), autograd.setTraining(false)], [false, true]);
  assertThrows(() => autograd.setRecording(1 as unknown as boolean), TypeError, "value is 1");
});

test("wrong functions and options are refused", () => {
  const wrong = (value: unknown) => value as () => void;
  assertThrows(() => autograd.record(wrong(3), {}), TypeError, "found 3");
  assertThrows(() => autograd.record(wrong({ trainmode: true })), TypeError, '"trainMode"');
  assertThrows(() => autograd.trainMode(wrong("x")), TypeError, 'found "x"');
  assertThrows(() => autograd.record(() => Promise.resolve(1)), StateError, "promise");
  assertEquals(autograd.isRecording(), false);
});

clean("only operators with an input in a graph are recorded, and only while recording", (fake) => {
  const x = make(fake).attachGrad();
  const plain = make(fake);
  const before = add(x, 1);
  assert(!isInGraph(before));
  const [inside, outside, paused] = autograd.record(() => [
    add(x, 1),
    add(plain, 1),
    autograd.pause(() => add(x, 1)),
  ]);
  assert(isInGraph(x) && isInGraph(inside!) && !isInGraph(outside!) && !isInGraph(paused!));
  const detached = inside!.detach();
  assert(!isInGraph(detached));
  for (const each of [x, plain, before, inside!, outside!, paused!, detached]) each.dispose();
});

clean("what backward needs survives scopes, and is freed by it", (fake) => {
  const x = make(fake).attachGrad();
  const y = autograd.record(() => exp(mul(exp(x), x)));
  assertEquals(fake.live.size, 3); // x, exp(x), y: the product is not needed
  y.backward();
  assertEquals(fake.live.size, 3); // x, its gradient, y
  assert(x.grad instanceof Tensor);
  y.dispose();
  x.dispose();
});

clean("a graph that no pass uses is freed with its head", (fake) => {
  const x = make(fake).attachGrad();
  for (let round = 0; round < 3; round++) {
    const y = autograd.record(() => exp(mul(exp(x), x)));
    y.dispose();
    assertEquals(fake.live.size, 1);
  }
  x.dispose();
});

clean("a long chain is freed without recursion", (fake) => {
  const x = make(fake).attachGrad();
  const y = autograd.record(() => {
    let y = x;
    for (let step = 0; step < 20_000; step++) y = add(y, 1);
    return y;
  });
  y.dispose();
  x.dispose();
});

clean("a second pass needs retainGraph", (fake) => {
  const x = make(fake).attachGrad();
  const y = autograd.record(() => mul(x, x));
  y.backward(null, { retainGraph: true });
  y.backward();
  const error = assertThrows(() => y.backward(), AutogradError, "freed");
  assert(error.message.includes("record") && error.message.includes("retainGraph"));
  // Freed history is no history: nothing is recorded behind it.
  const z = autograd.record(() => add(y, 1));
  assert(!isInGraph(z));
  for (const each of [x, y, z]) each.dispose();
});

clean("two heads over one graph: the second pass finds it freed", (fake) => {
  const x = make(fake).attachGrad();
  const [a, b] = autograd.record(() => {
    const shared = exp(x);
    return [mul(shared, 2), mul(shared, 3)];
  });
  a!.backward();
  assertThrows(() => b!.backward(), AutogradError, "an output of exp was freed");
  for (const each of [x, a!, b!]) each.dispose();
});

clean("heads must be recorded tensors with leaves that want gradients", (fake) => {
  const x = make(fake);
  const backward = (head: unknown) => () => autograd.backward(head as Tensor);
  assertThrows(backward(x), AutogradError, "was not recorded");
  assertThrows(backward(3), TypeError, "the head is 3, expected a Tensor");
  assertThrows(backward([x, null]), AutogradError, "heads[0]");
  const idle = make(fake).attachGrad("null");
  const y = autograd.record(() => exp(idle));
  assertThrows(backward(y), AutogradError, "no leaf that wants a gradient");
  assertEquals(idle.grad, null);
  y.dispose();
  assertThrows(backward(y), DisposedError);
  x.dispose();
  idle.dispose();
});

clean("head gradients must fit their heads", (fake) => {
  const x = make(fake).attachGrad();
  const y = autograd.record(() => exp(x));
  const other = new FakeDevice();
  const [short, half, far] = [
    make(fake, [2]),
    zeros([3], { dtype: "float16", device: fake.device }),
    make(other),
  ];
  assertThrows(() => y.backward(short), ShapeError, "has shape (2,), expected (3,)");
  assertThrows(() => y.backward(half), TypeError, "is float16, expected float32");
  assertThrows(() => y.backward(far), DeviceError, "another device");
  assertThrows(() => autograd.backward([y], [null, null]), ShapeError, "2 entries, expected 1");
  assertThrows(() => y.backward(7 as unknown as Tensor), TypeError, "is 7, expected a Tensor");
  assertThrows(
    () => y.backward(null, { retaingraph: true } as object),
    TypeError,
    '"retainGraph"',
  );
  y.backward(); // nothing was lost
  for (const each of [x, y, short, half, far]) each.dispose();
});

clean("integers have no gradient, and no gradReq but three", (fake) => {
  const whole = zeros([2], { dtype: "int32", device: fake.device });
  assertThrows(() => whole.attachGrad(), TypeError, "the tensor is int32");
  const x = make(fake);
  assertThrows(() => x.attachGrad("rite" as "write"), RangeError, '"write"');
  assertEquals(x.grad, null);
  const bytes = autograd.record(() => x.attachGrad().cast("int8"));
  assert(!isInGraph(bytes));
  for (const each of [whole, x, bytes]) each.dispose();
});

clean("tensors in a graph cannot be overwritten while recording", (fake) => {
  const x = make(fake).attachGrad();
  autograd.record(() => {
    const y = exp(x);
    for (const each of [x, y]) {
      assertThrows(() => each.assign([1, 2, 3]), AutogradError, "in a graph");
    }
    make(fake).assign([1, 2, 3]);
    autograd.pause(() => x.assign([1, 2, 3]));
  });
  x.assign([4, 5, 6]);
  assertEquals([...x.dataSync()], [4, 5, 6]);
  x.dispose();
});

clean(
  "an input that was overwritten after recording is refused, if the gradient reads it",
  (fake) => {
    const x = make(fake).attachGrad();
    const factor = make(fake);
    const y = autograd.record(() => mul(x, factor));
    const z = autograd.record(() => add(x, factor));
    factor.assign([1, 2, 3]);
    assertThrows(() => y.backward(), AutogradError, "overwritten in place");
    z.backward();
    for (const each of [x, factor, y, z]) each.dispose();
  },
);

clean("a pass that fails frees its graph and leaves gradients as they were", (fake) => {
  for (let at = 0; at < 12; at++) {
    const x = make(fake).attachGrad();
    const y = autograd.record(() => sum(mul(exp(x), relu(x))));
    fake.failing = { call: "allocate", after: at };
    try {
      y.backward();
    } catch (error) {
      assertEquals((error as Error).message, "allocate failed");
      assertThrows(() => y.backward(), AutogradError);
    }
    fake.failing = null;
    y.dispose();
    x.dispose();
    assertEquals(fake.live.size, 0, `after failure ${at}`);
  }
});

clean("the gradient lives with its tensor", (fake) => {
  const x = make(fake).attachGrad();
  const gradient = x.grad!;
  assertStrictEquals(x.grad, gradient);
  x.dispose();
  assert(gradient.disposed);
  assertEquals(x.grad, null);
  const y = make(fake).attachGrad();
  const kept = keep(y.grad!);
  y.dispose();
  assert(!kept.disposed);
  kept.dispose();
});

clean(
  "a gradient in a scope's result outlives its tensor; a tensor takes its gradient along",
  (fake) => {
    const gradient = scope(() => make(fake).attachGrad().grad!);
    assert(!gradient.disposed);
    assertEquals(fake.live.size, 1);
    gradient.dispose();
    const x = scope(() => {
      const x = make(fake).attachGrad();
      return [x, x.grad] as const;
    });
    assert(!x[1]!.disposed);
    assertStrictEquals(x[0].grad, x[1]);
    x[0].dispose();
    assert(x[1]!.disposed);
    const y = make(fake).attachGrad();
    scope(() => y.grad);
    assert(!y.grad!.disposed);
    y.dispose();
  },
);

clean("a gradient that somebody disposed of starts again as zeros", (fake) => {
  const x = make(fake).attachGrad("add");
  x.grad!.dispose();
  assertEquals([...x.grad!.dataSync()], [0, 0, 0]);
  x.dispose();
});

clean("dropGrad and attachGrad again", (fake) => {
  const x = make(fake).attachGrad();
  const first = x.grad!;
  x.attachGrad("add");
  assert(first.disposed && !x.grad!.disposed);
  x.dropGrad();
  x.dropGrad();
  assertEquals([x.grad, isInGraph(x)], [null, false]);
  x.dispose();
});

clean("attachGrad on a result makes it a leaf", (fake) => {
  const x = make(fake).attachGrad();
  const [y, z] = autograd.record(() => {
    const y = exp(x).attachGrad();
    return [y, exp(y)];
  });
  z!.backward();
  assert(isGradientFresh(y!) && !isGradientFresh(x));
  for (const each of [x, y!, z!]) each.dispose();
});

clean("fresh: from a pass until somebody takes note", (fake) => {
  const x = make(fake).attachGrad();
  assert(!isGradientFresh(x));
  const y = autograd.record(() => exp(x));
  y.backward();
  assert(isGradientFresh(x));
  markGradientUsed(x);
  assert(!isGradientFresh(x));
  for (const each of [x, y]) each.dispose();
});

clean("markVariables writes into the caller's tensors", (fake) => {
  const [x, gradient] = [make(fake), make(fake)];
  autograd.markVariables([x], [gradient], ["add"]);
  assertStrictEquals(x.grad, gradient);
  const y = autograd.record(() => exp(x));
  y.backward();
  assertStrictEquals(x.grad, gradient);
  x.dispose();
  assert(!gradient.disposed);
  const wrong = make(fake, [2]);
  assertThrows(() => autograd.markVariables(gradient, wrong), ShapeError, "gradients[0]");
  assertThrows(() => autograd.markVariables([gradient], []), ShapeError, "0 entries");
  for (const each of [gradient, wrong, y]) each.dispose();
});

clean("grad() returns tensors of the caller and leaves .grad alone", (fake) => {
  const [x, far] = [make(fake).attachGrad(), make(fake).attachGrad()];
  const y = autograd.record(() => mul(exp(x), x));
  const [a, zero, b] = autograd.grad(y, [x, far, x]);
  assert(a !== b && !isGradientFresh(x));
  assertEquals([...zero!.dataSync()], [0, 0, 0]);
  assertThrows(() => autograd.grad(y, x), AutogradError, "freed");
  const plain = make(fake);
  assertThrows(
    () => autograd.grad(y, plain),
    AutogradError,
    "variables[0] of shape (3,) is no leaf",
  );
  for (const each of [x, far, y, a!, b!, zero!, plain]) each.dispose();
});

clean("grad() of a leaf itself is a copy of the head gradient", (fake) => {
  const x = make(fake).attachGrad();
  const head = make(fake);
  const gradient = autograd.grad(x, x, { headGradients: head });
  assert(gradient !== head);
  for (const each of [x, head, gradient]) each.dispose();
});

clean("createGraph keeps the graph, which the results free with them", (fake) => {
  const x = make(fake).attachGrad();
  const first = autograd.record(() => autograd.grad(exp(mul(x, x)), x, { createGraph: true }));
  assert(isInGraph(first));
  first.backward();
  first.dispose();
  const unused = autograd.record(() => autograd.grad(exp(mul(x, x)), x, { createGraph: true }));
  unused.dispose();
  x.dispose();
});

clean("views share memory and history", (fake) => {
  const x = make(fake, [2, 3]).attachGrad();
  const y = autograd.record(() => reshape(exp(reshape(x, [6])), [3, 2]));
  y.backward();
  assertEquals(x.grad!.shape, [2, 3]);
  for (const each of [x, y]) each.dispose();
});

test("a tensor made of numbers is no leaf", () => {
  const fake = new FakeDevice();
  using x = tensor([1, 2], undefined, { device: fake.device });
  assertEquals([x.grad, isInGraph(x)], [null, false]);
});
