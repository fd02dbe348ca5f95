/** Attributes of blocks: every way of assigning one registers it. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  Block,
  Constant,
  Conv2D,
  Flatten,
  HybridBlock,
  HybridSequential,
  Parameter,
  Sequential,
  type Tensor,
} from "../../mod.ts";
import { test } from "../support/test.ts";
import { warningsOf } from "./nn_messages.ts";

class Net extends Block {
  readonly field = new Conv2D(1, 1);
  assigned: Conv2D;
  later: Conv2D | null = null;
  readonly scale: Parameter;
  readonly #secret = 42;

  constructor() {
    super();
    this.assigned = new Conv2D(2, 1);
    this.scale = new Parameter("anything", { shape: [1] });
  }

  override forward(): number {
    return this.#secret;
  }
}

test("class fields, assignments in constructors and later ones register", () => {
  const net = new Net();
  assertEquals([...net.children.keys()], ["field", "assigned"]);
  assertEquals([...net.params.keys()], ["scale"]);
  net.later = new Conv2D(3, 1);
  assertEquals([...net.children.keys()], ["field", "assigned", "later"]);
  assertStrictEquals(net.children.get("later"), net.later);
  Object.assign(net, { dynamic: new Flatten() });
  assertEquals([...net.children.keys()], ["field", "assigned", "later", "dynamic"]);
});

test("private fields of derived classes work through the proxy", () => {
  assertEquals(new Net().call(), 42);
  assert(new Net() instanceof Net && new Net() instanceof Block);
});

test("fields of a class derived twice register on the same block", () => {
  class More extends Net {
    readonly extra = new Flatten();
  }
  assertEquals([...new More().children.keys()], ["field", "assigned", "extra"]);
});

test("assigning again replaces in place and keeps the order", () => {
  const net = new Net();
  const first = net.assigned;
  net.later = new Conv2D(3, 1);
  net.assigned = new Conv2D(5, 1);
  assertEquals([...net.children.keys()], ["field", "assigned", "later"]);
  assert(net.children.get("assigned") !== first);
  assertEquals(`${net}`.match(/\(\w+\):/g), ["(field):", "(assigned):", "(later):"]);
});

test("an attribute that holds a block or parameter takes only values of its class", () => {
  const net = new Net() as unknown as Record<string, unknown>;
  for (const value of [null, undefined, 3, "x", new Flatten(), new Parameter()]) {
    assertThrows(() => net["assigned"] = value, TypeError, "'assigned'");
  }
  for (const value of [null, 3, new Conv2D(1, 1)]) {
    assertThrows(() => net["scale"] = value, TypeError, "'scale'");
  }
  net["scale"] = new Constant([1]); // a derived class is fine
  assertThrows(() => net["scale"] = new Parameter(), TypeError, "Constant");
  assert(net["assigned"] instanceof Conv2D);
});

test("deleting an attribute unregisters it", () => {
  const net = new Net();
  net.later = new Conv2D(3, 1);
  delete (net as { later?: unknown }).later;
  assertEquals([...net.children.keys()], ["field", "assigned"]);
  delete (net as { scale?: unknown }).scale;
  assertEquals([...net.params.keys()], []);
});

test("names of Block's own members are refused for children and parameters", () => {
  const net = new Net();
  for (const name of ["forward", "call", "apply", "toString", "dispose", "constructor"]) {
    assertThrows(() => Object.assign(net, { [name]: new Flatten() }), TypeError, `'${name}'`);
  }
  for (const name of ["children", "params"]) {
    assertThrows(() => Object.assign(net, { [name]: new Flatten() }), TypeError);
  }
  assertEquals([...net.children.keys()], ["field", "assigned"]);
});

test("registerChild() names children by their number, or as told", () => {
  const net = new Sequential();
  net.registerChild(new Flatten());
  net.registerChild(new Flatten(), "named");
  net.registerChild(new Flatten());
  assertEquals([...net.children.keys()], ["0", "named", "2"]);
  assertThrows(() => net.registerChild(3 as unknown as Block), TypeError, "expected a Block");
  assertThrows(() => net.registerChild(new Flatten(), ""), TypeError, "name");
});

test("a block cannot contain itself", () => {
  const outer = new Sequential();
  const inner = new Sequential();
  outer.add(inner);
  assertThrows(() => outer.add(outer), RangeError, "contains");
  assertThrows(() => inner.add(outer), RangeError, "contains");
  assertThrows(() => Object.assign(inner, { up: outer }), RangeError, "contains");
  outer.add(inner); // the same child twice is fine
  assertEquals(outer.length, 2);
});

test("children of hybrid blocks are hybrid blocks", () => {
  class Hybrid extends HybridBlock {
    child: Block | null = null;
    override forward(x: Tensor): Tensor {
      return x;
    }
  }
  const block = new Hybrid();
  assertThrows(() => block.child = new Sequential(), TypeError, "HybridSequential");
  assertThrows(() => block.registerChild(new Net()), TypeError, "Net is a Block");
  assertEquals(block.child, null);
  assertEquals(block.children.size, 0);
  block.child = new HybridSequential();
  assertEquals([...block.children.keys()], ["child"]);
});

test("collectParams() warns of blocks in arrays, maps and objects", () => {
  class Lists extends Block {
    readonly list: unknown;
    constructor(list: unknown) {
      super();
      this.list = list;
    }
    override forward(): void {}
  }
  const conv = new Conv2D(1, 1);
  for (const list of [[conv], [[conv]], { conv }, new Map([["conv", conv]])]) {
    const text = warningsOf(() => new Lists(list).collectParams());
    assert(text.includes("Lists.list") && text.includes("registerChild"), text);
    const outer = new Sequential().add(new Lists(list));
    assert(warningsOf(() => outer.collectParams()).includes("Lists.list"));
  }
  const registered = new Lists([conv]);
  registered.registerChild(conv);
  assertEquals(warningsOf(() => registered.collectParams()), "");
  const circle: unknown[] = [];
  circle.push(circle);
  assertEquals(warningsOf(() => new Lists(circle).collectParams()), "");
});
