/** Containers: order, positions, slices, threading of several outputs. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  type Block,
  Concatenate,
  Conv2D,
  Flatten,
  HybridConcatenate,
  HybridLambda,
  HybridSequential,
  Identity,
  Lambda,
  Sequential,
  type Tensor,
  zeros,
} from "../../mod.ts";
import { test } from "../support/test.ts";
import { fakeDevice } from "./nn_fake_device.ts";

const { device } = fakeDevice();

/** A block of a plain function, to see what containers hand on. */
function block(fn: (...inputs: unknown[]) => unknown): Block {
  return new Lambda<unknown[], unknown>(fn);
}

for (const Container of [Sequential, HybridSequential]) {
  test(`${Container.name}: length, at, slice and iteration`, () => {
    const blocks = [new Flatten(), new Identity(), new Conv2D(1, 1)] as const;
    const net = new Container().add(...blocks);
    assertEquals(net.length, 3);
    assertEquals([...net].length, 3);
    assert([...net].every((child, i) => child === blocks[i]));
    assertStrictEquals(net.at(0), blocks[0]);
    assertStrictEquals(net.at(-1), blocks[2]);
    for (const index of [3, -4, 0.5, NaN, "0" as unknown as number]) {
      assertThrows(() => net.at(index), RangeError, Container.name);
    }
    const part = net.slice(1);
    assert(part instanceof Container && part !== net);
    assertEquals(part.length, 2);
    assertStrictEquals(part.at(0), blocks[1]);
    assertEquals([...part.collectParams().keys()], ["1.weight", "1.bias"]);
    assertEquals(net.slice(-1).length, 1);
    assertEquals(net.slice(0, -1).length, 2);
    assertEquals(net.slice(3).length, 0);
  });
}

test("Sequential hands arrays on as arguments, as Gluon does", () => {
  const net = new Sequential<unknown>().add(
    block((a, b) => [a, b, "c"]),
    block((...inputs) => [inputs.join("+")]),
    block((...inputs) => inputs.length),
  );
  assertEquals(net.call("a", "b"), 1);
  assertEquals(new Sequential<unknown>().add(block(() => [1])).call(0), 1);
  assertEquals(new Sequential<unknown>().add(block(() => [1, 2])).call(0), [1, 2]);
  assertEquals(new Sequential<unknown>().call(7), 7);
  assertEquals(new Sequential<unknown>().call(7, 8), [7, 8]);
});

test("HybridSequential hands several tensors on", () => {
  const [x, y] = [zeros([1], { device }), zeros([2], { device })];
  const net = new HybridSequential<Tensor[]>().add(
    new HybridLambda((a: Tensor) => [a, y]),
    new HybridLambda((a: Tensor, b: Tensor) => [b, a]),
  );
  const [first, second] = net.call(x);
  assertStrictEquals(first, y);
  assertStrictEquals(second, x);
});

test("slices of classes with constructor arguments keep them", () => {
  for (const Container of [Concatenate, HybridConcatenate]) {
    const net = new Container({ axis: 2 }).add(new Flatten(), new Identity());
    const part = net.slice(0, 1);
    assert(part instanceof Container);
    assertEquals([part.axis, part.length], [2, 1]);
    assertEquals(new Container().axis, -1);
    const wrong = { axes: 1 } as unknown as { axis: number };
    assertThrows(() => new Container(wrong), TypeError, '"axis"');
    assertThrows(() => new Container({ axis: 0.5 }), RangeError, "axis");
  }
});

test("Identity returns the very same tensor, which stays alive", () => {
  const x = zeros([2], { device });
  assertStrictEquals(new Identity().call(x), x);
  assert(!x.disposed);
});

test("Flatten joins all axes but the first, also of empty tensors", () => {
  const flatten = new Flatten();
  const rows = [[[2, 3, 4], [2, 12]], [[5], [5, 1]], [[0, 3, 2], [0, 6]], [[2, 0], [
    2,
    0,
  ]]] as const;
  for (const [shape, expected] of rows) {
    assertEquals(flatten.call(zeros(shape, { device })).shape, [...expected]);
  }
});

test("Lambda needs a function", () => {
  assertThrows(() => new Lambda("relu" as unknown as () => Tensor), TypeError, "Lambda");
  assertThrows(() => new HybridLambda(3 as unknown as () => Tensor), TypeError, "HybridLambda");
});
