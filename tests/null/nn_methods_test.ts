/**
 * The methods that MXNet's reference pages list for Block, HybridBlock, the deformable layers and
 * Parameter: each is here, and each has a test named after it.
 */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  Block,
  type Conv2D,
  DeformableConvolution,
  HybridBlock,
  HybridSequential,
  ModulatedDeformableConvolution,
  Parameter,
} from "../../mod.ts";
import * as vknn from "../../mod.ts";
import { StateError } from "../../src/core/errors.ts";
import { test } from "../support/test.ts";
import { testNames } from "../support/test_names.ts";
import { fakeDevice } from "./nn_fake_device.ts";
import { warningsOf } from "./nn_messages.ts";

/** Methods and properties by the class that has them; MXNet's names in camelCase. */
const METHODS: Readonly<Record<string, { prototype: object; names: readonly string[] }>> = {
  Block: {
    prototype: Block.prototype,
    names: [
      "apply",
      "cast",
      "collectParams",
      "hybridize",
      "initialize",
      "load",
      "loadDict",
      "loadParameters",
      "params",
      "registerChild",
      "registerForwardHook",
      "registerForwardPreHook",
      "registerOpHook",
      "resetCtx",
      "resetDevice",
      "save",
      "saveParameters",
      "setattr",
      "shareParameters",
      "summary",
      "toString", // __repr__
      "zeroGrad",
    ],
  },
  HybridBlock: {
    prototype: HybridBlock.prototype,
    names: [
      "cast",
      "export",
      "hybridize",
      "inferShape",
      "inferType",
      "optimizeFor",
      "registerChild",
    ],
  },
  HybridSequential: { prototype: HybridSequential.prototype, names: ["forward"] },
  DeformableConvolution: {
    prototype: DeformableConvolution.prototype,
    names: ["forward", "inferShape", "preInferOffsetWeight", "preInferWeight"],
  },
  Parameter: {
    prototype: Parameter.prototype,
    names: [
      "cast",
      "data",
      "dtype",
      "finishDeferredInit", // _finish_deferred_init
      "grad",
      "gradReq",
      "initialize",
      "listCtx",
      "listData",
      "listDevice",
      "listGrad",
      "resetCtx",
      "resetDevice",
      "setData",
      "shape",
      "zeroGrad",
    ],
  },
};

/** Methods of the page of conv_layers, of Block and of HybridBlock. */
const PAGE: readonly string[] = [
  "apply",
  "cast",
  "collectParams",
  "export",
  "forward",
  "hybridize",
  "inferShape",
  "inferType",
  "initialize",
  "load",
  "loadDict",
  "loadParameters",
  "optimizeFor",
  "params",
  "preInferOffsetWeight",
  "preInferWeight",
  "registerChild",
  "registerForwardHook",
  "registerForwardPreHook",
  "registerOpHook",
  "resetCtx",
  "resetDevice",
  "save",
  "saveParameters",
  "setattr",
  "shareParameters",
  "summary",
  "toString", // __repr__
  "zeroGrad",
];

test("every method of MXNet's reference pages exists", () => {
  const listed = new Set(Object.values(METHODS).flatMap(({ names }) => names));
  assertEquals(PAGE.filter((name) => !listed.has(name)), []);
  for (const [owner, { prototype, names }] of Object.entries(METHODS)) {
    for (const name of names) assert(name in prototype, `${owner} has no ${name}`);
  }
});

test("every method of MXNet's reference pages has a test named after it", () => {
  const tests = testNames();
  assert(tests.length > 300, `only ${tests.length} tests were found`);
  const methods = new Set(Object.values(METHODS).flatMap(({ names }) => names));
  const untested = [...methods].filter((name) =>
    !tests.some((title) => new RegExp(`(^|[^\\w])${name}(\\(|[ :,]|$)`).test(title))
  );
  assertEquals(untested, []);
});

test("all 24 classes of gluon.nn.conv_layers exist and have the methods of HybridBlock", () => {
  const ranks = ["1D", "2D", "3D"];
  const families = ["Conv*", "Conv*Transpose", "MaxPool*", "AvgPool*", "GlobalMaxPool*"];
  const classes = [...families, "GlobalAvgPool*", "PixelShuffle*"]
    .flatMap((family) => ranks.map((rank) => family.replace("*", rank)))
    .concat("ReflectionPad2D", "DeformableConvolution", "ModulatedDeformableConvolution");
  assertEquals(classes.length, 24);
  for (const name of classes) {
    const found = (vknn as unknown as Record<string, { prototype: unknown }>)[name];
    assert(found?.prototype instanceof HybridBlock, name);
  }
});

class Scaled extends HybridBlock {
  readonly scale = new Parameter("s", { shape: [2] });
  readonly inner = new HybridSequential().add(new vknn.Conv2D(1, 1, { inChannels: 1 }));
  override forward(): null {
    return null;
  }
}

const { device, fake } = fakeDevice("one");

test("params: own parameters by attribute, without those of children", () => {
  const block = new Scaled();
  assertEquals([...block.params.keys()], ["scale"]);
  assertStrictEquals(block.params.get("scale"), block.scale);
  assertEquals(new HybridSequential().params.size, 0);
});

test("forward() is what call() runs between the hooks, and is the class's own", () => {
  const log: unknown[] = [];
  class Adds extends Block {
    override forward(a: number, b: number): number {
      log.push("forward");
      return a + b;
    }
  }
  const block = new Adds();
  block.registerForwardPreHook(() => log.push("before"));
  block.registerForwardHook(() => log.push("after"));
  assertEquals([block.call(1, 2), block.forward(3, 4)], [3, 7]);
  assertEquals(log, ["before", "forward", "after", "forward"]);
});

test("registerForwardPreHook() sees the inputs before forward, and its handle removes it", () => {
  class Echo extends Block {
    override forward(x: number[]): number[] {
      return x;
    }
  }
  const block = new Echo();
  const seen: unknown[] = [];
  const handle = block.registerForwardPreHook((self, inputs) => {
    seen.push(self === block, inputs);
    (inputs[0] as number[]).push(9);
  });
  assertEquals(block.call([1]), [1, 9]);
  assertEquals(seen, [true, [[1, 9]]]);
  handle.detach();
  assertEquals(block.call([1]), [1]);
});

test("registerForwardHook() sees inputs and output after forward; what it returns is ignored", () => {
  class Twice extends Block {
    override forward(x: number): number {
      return 2 * x;
    }
  }
  const block = new Twice();
  const seen: unknown[] = [];
  const handle = block.registerForwardHook((_, inputs, output) => {
    seen.push(inputs, output);
    return 7 as unknown as void;
  });
  assertEquals(block.call(3), 6);
  assertEquals(seen, [[3], 6]);
  handle.detach();
  block.call(3);
  assertEquals(seen.length, 2);
});

test("cast() reaches children and own parameters, whatever state they are in", () => {
  const block = new Scaled();
  block.cast("float16");
  const dtypes = () => [...block.collectParams().values()].map(({ dtype }) => dtype);
  assertEquals(dtypes(), ["float16", "float16", "float16"]);
  block.initialize("ones", { device });
  assertEquals(block.scale.data().dtype, "float16");
  assertThrows(() => block.cast("float8" as "float16"), RangeError, "float8");
  assertEquals(dtypes(), ["float16", "float16", "float16"]);
  block.dispose();
  assertEquals(fake.liveBuffers, 0);
});

test("zeroGrad() does nothing to parameters without values", () => {
  const block = new Scaled();
  block.zeroGrad();
  const deferred = new Parameter("w", { shape: [-1], allowDeferredInit: true });
  deferred.initialize();
  deferred.zeroGrad();
  assert(!block.scale.initialized && deferred.deferred);
});

test("resetDevice() moves every parameter, and none if one has no values", () => {
  const two = fakeDevice("two");
  const block = new Scaled();
  assertThrows(() => block.resetDevice(two.device), StateError, "'scale'");
  block.scale.initialize("ones", { device });
  assertThrows(() => block.resetDevice(two.device), StateError, "'inner.0.weight'");
  assertStrictEquals(block.scale.listDevice()[0], device);
  for (const parameter of block.collectParams("inner").values()) {
    parameter.initialize("ones", { device });
  }
  block.resetDevice(two.device);
  for (const parameter of block.collectParams().values()) {
    assertEquals(parameter.listDevice(), [two.device]);
    assert(parameter.data().dataSync().every((value) => value === 1));
  }
  assertEquals(fake.liveBuffers, 0);
  block.resetDevice([device, two.device]);
  assertEquals(block.scale.listData().length, 2);
  assertThrows(() => block.resetDevice([] as never), TypeError, "at least one Device");
  block.dispose();
  assertEquals([fake.liveBuffers, two.fake.liveBuffers], [0, 0]);
});

test("resetDevice() averages the copies, and changes where deferred values will go", () => {
  const two = fakeDevice("two");
  const parameter = new Parameter("w", { shape: [2] });
  parameter.initialize("ones", { device: [device, two.device] });
  parameter.data(two.device).assign(new Float32Array([3, 5]));
  parameter.resetDevice(two.device);
  assertEquals([...parameter.data().dataSync()], [2, 3]);
  parameter.dispose();
  const deferred = new Parameter("w", { shape: [-1], allowDeferredInit: true });
  deferred.initialize("ones", { device });
  deferred.resetDevice(two.device);
  deferred.shape = [3];
  deferred.finishDeferredInit(device);
  assertEquals(deferred.listDevice(), [two.device]);
  deferred.dispose();
});

test("resetCtx() and listCtx() are old names of resetDevice() and listDevice(), and say so", () => {
  const block = new Scaled();
  block.initialize("ones", { device });
  const two = fakeDevice("two");
  const warnings = warningsOf(() => block.resetCtx(two.device));
  assert(warnings.includes("resetCtx is deprecated; use resetDevice"), warnings);
  assertStrictEquals(block.scale.listDevice()[0], two.device);
  const own = warningsOf(() => {
    block.scale.resetCtx(device);
    assertStrictEquals(block.scale.listCtx()[0], device);
  });
  assert(own.includes("Parameter.resetCtx is deprecated; use resetDevice"), own);
  assert(own.includes("Parameter.listCtx is deprecated; use listDevice"), own);
  block.dispose();
});

test("preInferWeight() and preInferOffsetWeight() give shapes with -1 for unknown channels", () => {
  for (
    const [Layer, channels] of [
      [DeformableConvolution, 36],
      [ModulatedDeformableConvolution, 54],
    ] as const
  ) {
    const layer = new Layer(6, [3, 3], { numDeformableGroup: 2, groups: 2 });
    assertEquals(layer.preInferWeight(), [6, -1, 3, 3]);
    assertEquals(layer.preInferOffsetWeight(), [channels, -1, 3, 3]);
    // Pure: nothing is known afterwards.
    assertEquals(layer.preInferWeight(4), [6, 2, 3, 3]);
    assertEquals(layer.deformable_conv_weight.shape, [6, -1, 3, 3]);
  }
});

test("toString() of a block is MXNet's listing, of a parameter its shape and dtype", () => {
  assertEquals(
    `${new Scaled()}`,
    "Scaled(\n  (inner): HybridSequential(\n" +
      "    (0): Conv2D(1 -> 1, kernel_size=(1, 1), stride=(1, 1))\n  )\n)",
  );
  assertEquals(`${new Scaled().scale}`, "Parameter (shape=(2,), dtype=float32)");
  const conv = new Scaled().inner.at(0) as Conv2D;
  assertEquals(String(conv.weight), "Parameter (shape=(1, 1, 1, 1), dtype=float32)");
});
