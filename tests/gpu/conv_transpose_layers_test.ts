// Transposed convolution layers: parameters, deferred shapes, text, options beyond MXNet, and every wrong use.

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  _Conv,
  _ConvTranspose,
  Conv1DTranspose,
  Conv2D,
  Conv2DTranspose,
  Conv3DTranspose,
  type ConvTransposeOptions,
  DeferredInitializationError,
  ShapeError,
  type Size,
  tensor,
} from "../../mod.ts";
import { behaviour, optionsOf } from "../golden/load.ts";
import { gpuTest, test } from "../support/test.ts";

const image = (...shape: number[]) =>
  tensor(new Float32Array(shape.reduce((all, each) => all * each, 1)).fill(1), shape);

test("transposed layers print what Gluon prints", () => {
  const classes = { Conv1DTranspose, Conv2DTranspose, Conv3DTranspose } as const;
  let found = 0;
  for (const { layer, args, kwargs, text } of behaviour().repr) {
    if (!(layer in classes)) continue;
    found++;
    const Layer = classes[layer as keyof typeof classes];
    const [channels, kernelSize] = args as [number, Size];
    assertEquals(String(new Layer(channels, kernelSize, optionsOf(kwargs))), text);
  }
  assertEquals(found, 3);
  const full = new Conv2DTranspose(4, 3, {
    padding: [1, [0, 2]] as const,
    dilation: 2,
    groups: 2,
    inChannels: 6,
    useBias: false,
    activation: "relu",
    layout: "NHWC",
  });
  assertEquals(
    String(full),
    "Conv2DTranspose(6 -> 3, kernel_size=(3, 3), stride=(1, 1), padding=(1, (0, 2)), " +
      "dilation=(2, 2), groups=2, bias=False, Activation(relu))",
  );
  assertStringIncludes(String(new Conv1DTranspose(2, 3, { padding: "same" })), "padding=same");
});

test("weights of transposed layers have input channels at N", () => {
  assertEquals(new Conv1DTranspose(8, 3).weight.shape, [-1, 8, 3]);
  assertEquals(new Conv1DTranspose(8, 3, { layout: "NWC" }).weight.shape, [-1, 3, 8]);
  assertEquals(new Conv2DTranspose(8, [3, 4], { groups: 2 }).weight.shape, [-1, 4, 3, 4]);
  assertEquals(new Conv2DTranspose(8, 3, { inChannels: 6, layout: "NHWC" }).weight.shape, [
    6,
    3,
    3,
    8,
  ]);
  assertEquals(new Conv3DTranspose(8, [1, 2, 3], { inChannels: 4 }).weight.shape, [4, 8, 1, 2, 3]);
  const layer = new Conv2DTranspose(4, 3, { outputPadding: 1, strides: 2 });
  assert(layer instanceof _ConvTranspose && layer instanceof _Conv);
  assertEquals(layer.outputPadding, [1, 1]);
  assertEquals(layer.bias!.shape, [4]);
  assertEquals(new Conv2DTranspose(4, 3, { useBias: false }).bias, null);
});

test("transposed layers refuse wrong arguments when they are made", () => {
  const fails = (
    make: () => unknown,
    type: new (message: string) => Error,
    ...parts: readonly string[]
  ) => {
    const { message } = assertThrows(make, type);
    for (const part of ["Conv2DTranspose", ...parts]) assertStringIncludes(message, part);
  };
  const make = (options: unknown) => () =>
    new Conv2DTranspose(4, 3, options as ConvTransposeOptions<"NCHW">);
  fails(() => new Conv2DTranspose(0, 3), RangeError, "channels is 0");
  fails(() => new Conv2DTranspose(4, 0), RangeError, "kernelSize is 0");
  fails(() => new Conv2DTranspose(4, [3, 3, 3]), RangeError, "kernelSize", "array of 2 integers");
  fails(() => new Conv2DTranspose(4, "3" as unknown as number), TypeError, 'kernelSize is "3"');
  fails(make({ outputPadding: [1, 1, 1] }), RangeError, "outputPadding", "array of 2 integers");
  fails(make({ outputPadding: -1 }), RangeError, "outputPadding is -1");
  fails(make({ outputPaddin: 1 }), TypeError, 'unknown option "outputPaddin"', "outputPadding");
  fails(make({ padding: -1 }), RangeError, "padding is -1");
  fails(make({ padding: "valid" }), RangeError, 'padding is "valid"', "same");
  fails(make({ padding: [[1, 2, 3], 0] }), RangeError, "padding[0]");
  fails(make({ strides: 0 }), RangeError, "strides is 0");
  fails(make({ dilation: 0 }), RangeError, "dilation is 0");
  fails(make({ groups: 3 }), ShapeError, "channels is 4, expected a multiple of groups (3)");
  fails(make({ groups: 4, inChannels: 6 }), ShapeError, "inChannels is 6");
  fails(make({ layout: "NCW" }), RangeError, 'layout is "NCW"', "NHWC");
  fails(make({ activation: "relux" }), RangeError, 'activation is "relux"');
  fails(make(null), TypeError, "options is null");
});

gpuTest("transposed layers infer shapes, and refuse wrong inputs when they are called", () => {
  using x = image(1, 4, 5, 5);
  using layer = new Conv2DTranspose(6, 3, { strides: 2, padding: 1, outputPadding: 1 });
  layer.initialize();
  assertThrows(() => layer.weight.data(), DeferredInitializationError);
  using y = layer.call(x);
  assertEquals(y.shape, [1, 6, 10, 10]);
  assertEquals(layer.weight.shape, [4, 6, 3, 3]);
  using sized = layer.call(x, [9, 10]);
  assertEquals(sized.shape, [1, 6, 9, 10]);
  const fails = (run: () => unknown, ...parts: readonly string[]) => {
    const { message } = assertThrows(run, ShapeError);
    for (const part of parts) assertStringIncludes(message, part);
  };
  fails(() => layer.call(x, 11), "outputSize is 11 on spatial axis 0, expected 9 to 10");
  using other = image(1, 5, 5, 5);
  fails(() => layer.call(other), "Conv2DTranspose", "5 channels", "expects 4");
  using flat = image(4, 5, 5);
  fails(() => layer.call(flat), "Conv2DTranspose", "rank 3", "expected 4");
  using wide = new Conv2DTranspose(6, 3, { strides: 2, outputPadding: 2 });
  wide.initialize();
  fails(() => wide.call(x), "output padding (adj) is 2", "less than the stride, 2");
  using tiny = new Conv2DTranspose(4, 3, { padding: 9 });
  tiny.initialize();
  fails(() => tiny.call(x), "the result has -11 elements on spatial axis 0");
  using grouped = new Conv2DTranspose(6, 3, { groups: 3 });
  grouped.initialize();
  fails(() => grouped.call(x), "channels of the input is 4, expected a multiple of groups (3)");
});

gpuTest("padding 'same' makes ceil(in / stride) windows, transposed stride * in", () => {
  for (const strides of [1, 2, 3]) {
    for (const kernel of [1, 2, 3, 4]) {
      using x = image(1, 2, 7, 6);
      using down = new Conv2D(2, kernel, { strides, padding: "same", inChannels: 2 });
      down.initialize();
      using y = down.call(x);
      assertEquals(y.shape, [1, 2, Math.ceil(7 / strides), Math.ceil(6 / strides)]);
      using up = new Conv2DTranspose(2, kernel, { strides, padding: "same", inChannels: 2 });
      up.initialize();
      using z = up.call(x);
      assertEquals(z.shape, [1, 2, 7 * strides, 6 * strides]);
    }
  }
});
