// Deformable, padding and pixel unshuffle layers without a GPU: names, shapes, text, what is refused.

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import * as vknn from "../../mod.ts";
import { ICNR } from "../../src/nn/initializer_icnr.ts";
import { Uniform } from "../../src/nn/initializer.ts";
import { behaviour, optionsOf } from "../golden/load.ts";
import { test } from "../support/test.ts";
import { fakeDevice } from "./nn_fake_device.ts";

const { DeformableConvolution, ModulatedDeformableConvolution, ReflectionPad2D } = vknn;
const { device } = fakeDevice();

function input(...shape: number[]): vknn.Tensor {
  return vknn.zeros(shape, { device });
}

/** Arguments of a wrong type, which TypeScript would refuse. */
function wrong<T>(value: unknown): T {
  return value as T;
}

test("the deformable layers register parameters in Gluon's order", () => {
  const { names } = behaviour();
  for (const layer of [new DeformableConvolution(4, 3), new ModulatedDeformableConvolution(4, 3)]) {
    assertEquals([...layer.collectParams().keys()], names[layer.constructor.name]);
  }
  const bare = new DeformableConvolution(4, 3, { useBias: false, offsetUseBias: false });
  assertEquals([...bare.params.keys()], ["offset_weight", "deformable_conv_weight"]);
  const { offset_bias, deformable_conv_bias } = bare;
  assertEquals([offset_bias, deformable_conv_bias], [null, null]);
});

test("the deformable and padding layers print Gluon's text", () => {
  const texts = behaviour().repr.filter(({ layer }) => /Deformable|ReflectionPad/.test(layer));
  assertEquals(texts.length, 3);
  for (const { layer, args, kwargs, text } of texts) {
    if (layer === "ReflectionPad2D") {
      assertEquals(`${new ReflectionPad2D(args[0] as number)}`, text);
      continue;
    }
    const { kernelSize, ...options } = optionsOf(kwargs);
    const made = new vknn[layer as "DeformableConvolution"](
      args[0] as number,
      kernelSize as number[],
      options,
    );
    assertEquals(`${made}`, text);
  }
  assertEquals(
    `${new DeformableConvolution(6, [3, 1], {
      strides: 2,
      dilation: [1, 2],
      groups: 2,
      useBias: false,
      inChannels: 4,
    })}`,
    "DeformableConvolution(2 -> 6, kernel_size=(3, 1), stride=(2, 2), dilation=(1, 2), groups=2, " +
      "bias=False)",
  );
  assertEquals(
    `${new ModulatedDeformableConvolution(2, 1, { activation: "relu" })}`,
    "ModulatedDeformableConvolution(\n  (act): Activation(relu)\n)",
  );
  assertEquals(`${new vknn.PixelUnshuffle2D([2, 3])}`, "PixelUnshuffle2D((2, 3))");
  assertEquals(`${new vknn.PixelUnshuffle1D(2)}`, "PixelUnshuffle1D(2)");
});

test("shapes of the deformable layers are deferred, or known with inChannels", () => {
  const options = { groups: 2, numDeformableGroup: 2 };
  const deferred = new ModulatedDeformableConvolution(6, [3, 2], options);
  assertEquals(deferred.deformable_conv_weight.shape, [6, -1, 3, 2]);
  assertEquals(deferred.offset_weight.shape, [36, -1, 3, 2]);
  assertEquals([deferred.offsetChannels, deferred.offsetSplitIndex], [36, 24]);
  assertEquals(deferred.preInferWeight(), [6, -1, 3, 2]);
  assertEquals(deferred.preInferOffsetWeight(8), [36, 4, 3, 2]);
  deferred.inferShape(input(1, 4, 5, 5));
  assertEquals(deferred.deformable_conv_weight.shape, [6, 2, 3, 2]);
  assertEquals(deferred.offset_weight.shape, [36, 2, 3, 2]);
  const last = new DeformableConvolution(6, [3, 2], { ...options, layout: "NHWC", inChannels: 4 });
  assertEquals(last.deformable_conv_weight.shape, [6, 3, 2, 2]);
  assertEquals(last.offset_weight.shape, [24, 3, 2, 2]);
  const defaults = new DeformableConvolution(3);
  assertEquals([defaults.kernelSize, defaults.strides, defaults.padding], [[1, 1], [1, 1], [0, 0]]);
  assertEquals(new DeformableConvolution(3, 1, { activation: "" }).act, null);
});

interface Use {
  readonly run: () => unknown;
  readonly error: new (message?: string) => Error;
  readonly says: readonly string[];
}

function applied(layer: vknn.Block & { forward(x: vknn.Tensor): vknn.Tensor }, shape: number[]) {
  layer.initialize(undefined, { device });
  return layer.call(input(...shape));
}

/** The uses of behaviour.json that concern these layers, and more. */
const USES: Readonly<Record<string, Use>> = {
  "ReflectionPad2D(4) on 4x4": {
    run: () => new ReflectionPad2D(4).call(input(1, 1, 4, 4)),
    error: vknn.ShapeError,
    says: ["ReflectionPad2D", "[4, 4]", "size 4"],
  },
  "ReflectionPad2D((1,1))": {
    run: () => new ReflectionPad2D([1, 1]),
    error: RangeError,
    says: ["ReflectionPad2D", "padding", "2 entries", "8 integers"],
  },
  "three entries for two axes": {
    run: () => new vknn.ReplicationPad2D([1, 1, 1]),
    error: RangeError,
    says: ["ReplicationPad2D", "padding", "3 entries", "2 entries"],
  },
  "ReflectionPad2D((0,0,1,1,1,1,1,1))": {
    run: () => new ReflectionPad2D([0, 0, 1, 1, 1, 1, 1, 1]),
    error: RangeError,
    says: ["ReflectionPad2D", "padding[2]", "1", "expected 0"],
  },
  "ReflectionPad2D(-1)": {
    run: () => new ReflectionPad2D(-1),
    error: RangeError,
    says: ["ReflectionPad2D", "padding", "-1"],
  },
  "ReflectionPad2D(1) on rank 3": {
    run: () => new ReflectionPad2D(1).call(input(1, 4, 4)),
    error: vknn.ShapeError,
    says: ["ReflectionPad2D", "(1, 4, 4)", "rank 3", "expected 4"],
  },
  "DeformableConvolution(5, kernel 3, groups=2)": {
    run: () => new DeformableConvolution(5, 3, { groups: 2 }),
    error: vknn.ShapeError,
    says: ["DeformableConvolution", "channels is 5", "groups (2)"],
  },
  "DeformableConvolution num_deformable_group=3 on 4 channels": {
    run: () => applied(new DeformableConvolution(4, 3, { numDeformableGroup: 3 }), [1, 4, 5, 5]),
    error: vknn.ShapeError,
    says: ["DeformableConvolution", "4", "numDeformableGroup (3)"],
  },
  "inChannels that deformable groups do not divide": {
    run: () => new DeformableConvolution(4, 3, { numDeformableGroup: 3, inChannels: 4 }),
    error: vknn.ShapeError,
    says: ["inChannels is 4", "numDeformableGroup (3)"],
  },
  "an offset branch that groups do not divide": {
    run: () => new DeformableConvolution(3, 1, { groups: 3 }),
    error: vknn.ShapeError,
    says: ["offset branch", "2", "groups (3)"],
  },
  "other channels than the weights have": {
    run: () => applied(new DeformableConvolution(4, 3, { inChannels: 4 }), [1, 3, 5, 5]),
    error: vknn.ShapeError,
    says: ["3 channels", "expects 4"],
  },
  "a window larger than the input": {
    run: () => applied(new ModulatedDeformableConvolution(4, 5), [1, 3, 4, 4]),
    error: vknn.ShapeError,
    says: ["kernel exceeds the input"],
  },
  "rank 3": {
    run: () => applied(new DeformableConvolution(4, 3), [3, 5, 5]),
    error: vknn.ShapeError,
    says: ["(3, 5, 5)", "rank 3", "expected 4"],
  },
  "a truthy adj": {
    run: () => new DeformableConvolution(4, 3, { adj: wrong([1, 1]) }),
    error: RangeError,
    says: ["adj", "expected null"],
  },
  "an unknown option": {
    run: () => new DeformableConvolution(4, 3, wrong({ num_deformable_groups: 2 })),
    error: TypeError,
    says: ["num_deformable_groups", "numDeformableGroup"],
  },
  "an unknown activation": {
    run: () => new DeformableConvolution(4, 3, { activation: wrong("gelu") }),
    error: RangeError,
    says: ["activation", "gelu", "softsign"],
  },
  "a layout of another rank": {
    run: () => new DeformableConvolution(4, 3, { layout: wrong("NCW") }),
    error: RangeError,
    says: ["layout", "NHWC"],
  },
  "a kernel of three sizes": {
    run: () => new ModulatedDeformableConvolution(4, [3, 3, 3]),
    error: RangeError,
    says: ["kernelSize", "2 integers"],
  },
  "no channels": {
    run: () => new ModulatedDeformableConvolution(0, 3),
    error: RangeError,
    says: ["channels", "0"],
  },
  "a fraction as padding": {
    run: () => new vknn.CircularPad1D(0.5),
    error: RangeError,
    says: ["CircularPad1D", "padding", "0.5"],
  },
  "a text as padding": {
    run: () => new vknn.ReplicationPad3D(wrong("1")),
    error: TypeError,
    says: ["ReplicationPad3D", "padding"],
  },
  "a text as constant": {
    run: () => new vknn.ConstantPad1D(1, wrong("0")),
    error: TypeError,
    says: ["ConstantPad1D", "value"],
  },
  "an odd size": {
    run: () => new vknn.PixelUnshuffle1D(2).call(input(1, 2, 3)),
    error: vknn.ShapeError,
    says: ["PixelUnshuffle", "3"],
  },
};

for (const [use, { run, error, says }] of Object.entries(USES)) {
  test(`refused: ${use}`, () => {
    const { message } = assertThrows(run, error);
    for (const part of says) assertStringIncludes(message, part);
  });
}

test("every wrong use of these layers that MXNet records is in the table", () => {
  const known = new Set(Object.keys(USES));
  // Two work here: channel-last layouts, and the modulated layer itself.
  known.add("DeformableConvolution NHWC").add("ModulatedDeformableConvolution forward");
  const uses = behaviour().errors.map(({ use }) => use)
    .filter((use) => /Deformable|ReflectionPad/.test(use));
  assert(uses.length >= 8);
  assertEquals(uses.filter((use) => !known.has(use)), []);
});

test("operators refuse operands that do not fit", () => {
  const x = input(1, 4, 5, 5);
  const weight = input(2, 4, 3, 3);
  const apply = (offset: vknn.Tensor, mask: vknn.Tensor, w: vknn.Tensor = weight) =>
    vknn.modulatedDeformableConvolution(x, offset, mask, w);
  const [offset, mask] = [input(1, 18, 3, 3), input(1, 9, 3, 3)];
  const { message } = assertThrows(() => apply(input(1, 18, 5, 5), mask), vknn.ShapeError);
  assertStringIncludes(message, "offset has shape (1, 18, 5, 5), expected (1, 18, 3, 3)");
  assertThrows(() => apply(offset, input(1, 18, 3, 3)), vknn.ShapeError, "mask has shape");
  assertThrows(() => apply(offset, mask, input(2, 3, 3, 3)), vknn.ShapeError, "weight has shape");
  assertThrows(() => apply(offset, wrong(null)), TypeError, "mask is null");
  const bias = input(3);
  assertThrows(
    () => vknn.deformableConvolution(x, offset, weight, bias),
    vknn.ShapeError,
    "bias has shape (3,), expected (2,)",
  );
  assertThrows(() => vknn.pad(x, [[0, 0]]), vknn.ShapeError, "2 entries, expected 8");
  assertThrows(
    () => vknn.pad(x, wrong([[0, 0], [0, 0], [0, -1], [0, 0]])),
    RangeError,
    "widths[5] is -1",
  );
  const bytes = vknn.zeros([2], { device, dtype: "uint8" });
  assertThrows(() => vknn.pad(bytes, [[1, 1]], { value: 256 }), RangeError, "256");
});

test("ICNR repeats kernels for the pixels of a block", () => {
  const random = { nextUniform: () => Math.random(), nextNormal: () => Math.random() };
  const values = new ICNR([2, 1]).values([6, 2, 3, 3], wrong(random), "weight");
  const kernel = (index: number) => values.subarray(index * 18, index * 18 + 18);
  for (const first of [0, 2, 4]) assertEquals(kernel(first), kernel(first + 1));
  assert(kernel(0).join() !== kernel(2).join());
});

test("ICNR is known by name and says what it needs", () => {
  const made = vknn.initializers.create('["icnr", {"factor": 3, "initializer": "xavier"}]');
  assert(made instanceof ICNR && made.factor === 3);
  assert(!(made.initializer instanceof Uniform));
  const { message } = assertThrows(
    () => new ICNR(2).values([6, 2, 3, 3], wrong(null), "weight"),
    vknn.ShapeError,
  );
  assertStringIncludes(message, "divisible by 4");
  assertThrows(() => new ICNR(0), RangeError, "factor");
  assertThrows(() => new ICNR(2, wrong("xavier")), TypeError, "initializer");
});
