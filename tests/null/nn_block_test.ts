/** Blocks: names, selection, order of visits, hooks, settings, sharing. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  Block,
  Conv2D,
  Flatten,
  HookHandle,
  HybridBlock,
  HybridSequential,
  Identity,
  Parameter,
  Sequential,
  type Tensor,
  zeros,
} from "../../mod.ts";
import { behaviour } from "../golden/load.ts";
import { Res, residualNet } from "../support/residual_net.ts";
import { test } from "../support/test.ts";
import { fakeDevice } from "./nn_fake_device.ts";
import { warningsOf } from "./nn_messages.ts";

const { device } = fakeDevice();

test("collectParams() gives dotted names, own first and shared under every name", () => {
  const params = residualNet().collectParams();
  assertEquals([...params.keys()], [...behaviour().summary[1]!.names]);
  assertStrictEquals(params.get("1.tail.weight"), params.get("2.tail.weight"));
  class Own extends Block {
    readonly conv = new Conv2D(1, 1);
    readonly scale = new Parameter("w", { shape: [1] });
    override forward(): void {}
  }
  assertEquals([...new Own().collectParams().keys()], ["scale", "conv.weight", "conv.bias"]);
  assertEquals([...new Own().params.keys()], ["scale"]);
});

test("parameters of layers have MXNet's names", () => {
  assertEquals([...new Conv2D(1, 1).params.keys()], [...behaviour().names["Conv2D"]!]);
});

test("collectParams(select) matches at the start of names, as MXNet does", () => {
  const net = residualNet();
  for (const { pattern, names } of behaviour().select) {
    assertEquals([...net.collectParams(pattern).keys()], [...names], pattern);
    assertEquals([...net.collectParams(new RegExp(pattern, "g")).keys()], [...names], pattern);
  }
  assertEquals([...net.collectParams(/.*WEIGHT/i).keys()].length, 7);
  assertThrows(() => net.collectParams("("), SyntaxError);
  assertThrows(() => net.collectParams(3 as unknown as string), TypeError, "select");
});

test("apply() visits children before parents and returns the block", () => {
  const net = new Sequential().add(new Sequential().add(new Flatten()), new Identity());
  const seen: string[] = [];
  assertStrictEquals(net.apply((block) => seen.push(block.constructor.name)), net);
  assertEquals(seen, ["Flatten", "Sequential", "Identity", "Sequential"]);
});

class Adds extends Block {
  override forward(a: number, b: number): number[] {
    return [a + b];
  }
}

test("hooks run in order with block, inputs and output", () => {
  const block = new Adds();
  const log: unknown[] = [];
  block.registerForwardPreHook((self, inputs) => log.push(["pre", self === block, inputs]));
  block.registerForwardHook((_, inputs, output) => log.push(["one", inputs, output]));
  block.registerForwardHook(() => log.push("two"));
  assertEquals(block.call(1, 2), [3]);
  assertEquals(log, [["pre", true, [1, 2]], ["one", [1, 2], [3]], "two"]);
});

test("every registration counts, and a handle removes only its own, once", () => {
  const block = new Adds();
  let calls = 0;
  const hook = () => void calls++;
  const first = block.registerForwardHook(hook);
  const second = block.registerForwardHook(hook);
  assert(first instanceof HookHandle && block.hasHooks);
  block.call(1, 2);
  assertEquals(calls, 2);
  first.detach();
  first.detach();
  block.call(1, 2);
  assertEquals(calls, 3);
  second[Symbol.dispose]();
  block.call(1, 2);
  assertEquals(calls, 3);
  assert(!block.hasHooks);
});

test("hooks may detach themselves, and what they throw reaches the caller", () => {
  const block = new Adds();
  let calls = 0;
  const once = block.registerForwardHook(() => {
    calls++;
    once.detach();
  });
  const last = block.registerForwardHook(() => void calls++);
  block.call(1, 2);
  block.call(1, 2);
  assertEquals(calls, 3);
  last.detach();
  block.registerForwardPreHook(() => {
    throw new RangeError("from the hook");
  });
  assertThrows(() => block.call(1, 2), RangeError, "from the hook");
});

test("an asynchronous forward is refused", () => {
  class Later extends Block {
    override forward(): Promise<number> {
      return Promise.resolve(3);
    }
  }
  assertThrows(() => new Later().call(), Error, "promise");
});

test("tensors made inside a call are freed, except those returned", () => {
  const { device, fake } = fakeDevice();
  const kept: Tensor[] = [];
  class Makes extends Block {
    override forward(): { readonly list: Tensor[] } {
      kept.push(zeros([4], { device }));
      return { list: [zeros([4], { device })] };
    }
  }
  const { list } = new Makes().call();
  assert(kept[0]!.disposed && !list[0]!.disposed);
  assertEquals(fake.liveBuffers, 1);
  list[0]!.dispose();
  assertEquals(fake.liveBuffers, 0);
});

test("initialize() makes what is known and notes the rest", () => {
  const { device, fake } = fakeDevice();
  const net = new HybridSequential().add(
    new Conv2D(4, 3, { inChannels: 2 }),
    new Conv2D(4, 3, { useBias: false }),
  );
  net.initialize("ones", { device });
  const [first, second] = [...net] as Conv2D[];
  assert(first!.weight.initialized && first!.bias!.initialized);
  assert(second!.weight.deferred && !second!.weight.initialized);
  assertEquals([...first!.weight.data().dataSync()], new Array(72).fill(1));
  assertEquals([...first!.bias!.data().dataSync()], [0, 0, 0, 0]);
  net.dispose();
  assertEquals(fake.liveBuffers, 0);
  assert(!first!.weight.initialized && !second!.weight.deferred);
});

test("initialize() inside a scope makes values that outlive it", () => {
  const { device, fake } = fakeDevice();
  const conv = new Conv2D(1, 1, { inChannels: 1 });
  class Outer extends Block {
    override forward(): void {
      conv.initialize(undefined, { device });
    }
  }
  new Outer().call();
  assertEquals(conv.weight.data().disposed, false);
  conv.dispose();
  assertEquals(fake.liveBuffers, 0);
});

test("an explicit null as biasInitializer means the rule given to initialize()", () => {
  const options = { inChannels: 2, biasInitializer: null };
  const conv = new Conv2D(2, 1, options);
  conv.initialize("ones", { device });
  assertEquals([...conv.bias!.data().dataSync()], [1, 1]);
  assertThrows(
    () => new Conv2D(2, 1, options).initialize("xavier", { device }),
    RangeError,
    "'bias'",
  );
  conv.dispose();
});

test("initialize() warns of what is initialized, once for shared parameters", () => {
  const block = new Conv2D(1, 1, { inChannels: 1 });
  const net = new Sequential().add(block, block);
  assertEquals(warningsOf(() => net.initialize("ones", { device })), "");
  const text = warningsOf(() => net.initialize("zeros", { device }));
  assertEquals(text.split("\n").length, 2); // weight and bias
  assert(text.includes("forceReinit"));
  assertEquals([...block.weight.data().dataSync()], [1]);
  assertEquals(warningsOf(() => net.initialize("zeros", { device, forceReinit: true })), "");
  assertEquals([...block.weight.data().dataSync()], [0]);
  net.dispose();
});

test("initialize({ verbose }) reports what got values", () => {
  const conv = new Conv2D(1, 1, { inChannels: 1 });
  const text = warningsOf(() => conv.initialize("ones", { device, verbose: true }));
  assert(text.includes("'weight' with shape (1, 1, 1, 1)") && text.includes("'bias'"), text);
  conv.dispose();
});

test("setattr() sets a property of all parameters, and only known ones", () => {
  const net = residualNet();
  net.setattr("gradReq", "null");
  net.setattr("lrMult", 0.5);
  net.setattr("wdMult", 0);
  net.setattr("init", "ones");
  for (const parameter of net.collectParams().values()) {
    assertEquals([parameter.gradReq, parameter.lrMult, parameter.wdMult], ["null", 0.5, 0]);
    assertEquals(parameter.init, "ones");
  }
  assertThrows(() => net.setattr("lr_mult" as "lrMult", 1), TypeError, '"lrMult"');
});

test("shareParameters() replaces parameters by the very same objects", () => {
  const one = new Res();
  const two = new Res();
  assertStrictEquals(two.shareParameters(one.collectParams()), two);
  for (const [name, parameter] of one.collectParams()) {
    assertStrictEquals(two.collectParams().get(name), parameter);
  }
  assertStrictEquals(two.tail.weight, one.tail.weight);
  assertEquals([...two.collectParams().keys()], [...one.collectParams().keys()]);
});

test("shareParameters() takes part of the names, ignores null, warns of unknown names", () => {
  const one = new Conv2D(2, 1, { inChannels: 3 });
  const two = new Conv2D(2, 1);
  const { bias } = two;
  assertStrictEquals(two.shareParameters(null), two);
  const text = warningsOf(() => two.shareParameters({ weight: one.weight, nothing: one.weight }));
  assert(text.includes("'nothing'"));
  assertStrictEquals(two.weight, one.weight);
  assertStrictEquals(two.bias, bias);
  const other = new Conv2D(2, 3, { inChannels: 3 });
  assertThrows(() => other.shareParameters({ weight: one.weight }), RangeError, "'weight'");
  for (const wrong of [[1], 3, { weight: 3 }]) {
    assertThrows(() => two.shareParameters(wrong as unknown as null), TypeError, "share");
  }
});

test("hybridize() stores checked flags on hybrid blocks and reaches them through plain ones", () => {
  const hybrid = new HybridSequential().add(new Conv2D(1, 1));
  const net = new Sequential().add(new Adds(), hybrid);
  net.hybridize(true, { staticAlloc: true });
  const conv = hybrid.at(0);
  assert(hybrid.active && conv.active);
  assertEquals(conv.flags, { staticAlloc: true });
  net.hybridize(false);
  assert(!hybrid.active && !conv.active);
  const flags = { static_alloc: true } as unknown as { staticAlloc: boolean };
  assertThrows(() => hybrid.hybridize(true, flags), TypeError, '"staticAlloc"');
  assertThrows(() => hybrid.hybridize(1 as unknown as boolean), TypeError, "active");
});

test("hybridize() warns of hooks and of sequences that could be hybrid", () => {
  const conv = new Conv2D(1, 1);
  conv.registerForwardPreHook(() => {});
  assert(warningsOf(() => conv.hybridize()).includes("hooks"));
  assertEquals(warningsOf(() => conv.hybridize(false)), "");
  const net = new Sequential().add(new Flatten());
  assert(warningsOf(() => net.hybridize()).includes("HybridSequential"));
});

test("adding a child to a hybridized block deactivates it, with a warning", () => {
  const net = new HybridSequential().add(new Flatten());
  net.hybridize();
  assert(warningsOf(() => net.add(new Flatten())).includes("hybridize()"));
  assert(!net.active);
});

test("staticShape without staticAlloc fails at the first call", () => {
  const net = new HybridSequential().add(new Identity());
  net.hybridize(true, { staticShape: true });
  const x = zeros([1], { device });
  assertThrows(() => net.call(x), Error, "staticAlloc");
  net.hybridize(true, { staticShape: true, staticAlloc: true });
  assertStrictEquals(net.call(x), x);
});

test("an active block refuses inputs on several devices", () => {
  class Both extends HybridBlock {
    override forward(a: Tensor, _b: readonly Tensor[]): Tensor {
      return a;
    }
  }
  const block = new Both();
  const x = zeros([1], { device });
  const y = zeros([1], { device: fakeDevice().device });
  block.call(x, [y]);
  block.hybridize();
  assertThrows(() => block.call(x, [y]), Error, "several devices");
  block.call(x, [x]);
});

test("the base inferShape() names parameters of unknown shape", () => {
  class Free extends HybridBlock {
    readonly weight = new Parameter("weight", { shape: [3, -1], allowDeferredInit: true });
    override forward(x: Tensor): Tensor {
      return x;
    }
  }
  const block = new Free();
  block.initialize(undefined, { device });
  assertThrows(() => block.call(zeros([1], { device })), RangeError, "weight is Parameter (shape=");
});

test("warnings go to the console unless a handler takes them", () => {
  const shown: unknown[] = [];
  const original = console.warn;
  console.warn = (...values: unknown[]) => shown.push(...values);
  try {
    new Conv2D(1, 1).shareParameters({ nothing: new Parameter() });
  } finally {
    console.warn = original;
  }
  assertEquals(shown.length, 1);
  assert(String(shown[0]).startsWith("vknn: Parameter 'nothing'"));
});

test("inferShape() may be called directly", () => {
  const conv = new Conv2D(4, 3, { groups: 2 });
  conv.inferShape(zeros([1, 6, 5, 5], { device }));
  assertEquals(conv.weight.shape, [4, 3, 3, 3]);
  new Identity().inferShape(zeros([1], { device }));
});
