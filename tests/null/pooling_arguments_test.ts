/** Wrong uses of pooling layers and functions, what layers remember, and how they print. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import * as vknn from "../../mod.ts";
import { LimitError, ShapeError } from "../../src/core/errors.ts";
import { poolingBackwardOperator, poolingOperator } from "../../src/ops/pooling.ts";
import { behaviour, optionsOf } from "../golden/load.ts";
import { test } from "../support/test.ts";
import { FakeDevice } from "./tensor_fake_device.ts";

type ErrorClass = new (message?: string) => Error;

const { AvgPool1D, AvgPool2D, AvgPool3D, GlobalAvgPool2D, MaxPool1D, MaxPool2D, MaxPool3D } = vknn;
const { device } = new FakeDevice();

/** A tensor without a GPU. */
function input(...shape: number[]): vknn.Tensor {
  return vknn.zeros(shape, { device });
}

/** Arguments of a wrong type, which TypeScript would refuse. */
function wrong<T>(value: unknown): T {
  return value as T;
}

interface Use {
  readonly run: () => unknown;
  readonly error: ErrorClass;
  /** What the message has to contain. */
  readonly says: readonly string[];
}

function check(name: string, { run, error, says }: Use): void {
  const { message } = assertThrows(run, error, undefined, name) as Error;
  for (const part of says) assertStringIncludes(message, part, name);
}

/** The uses of behaviour.json that concern pooling and are refused, by their text there. */
const USES: Readonly<Record<string, Use>> = {
  "MaxPool2D((2,2,2))": {
    run: () => new MaxPool2D([2, 2, 2]),
    error: RangeError,
    says: ["MaxPool2D", "poolSize", "[2, 2, 2]", "2 integers"],
  },
  'MaxPool2D(2, layout="NCW")': {
    run: () => new MaxPool2D(2, { layout: wrong("NCW") }),
    error: RangeError,
    says: ["MaxPool2D", "layout", '"NCW"', '"NCHW"', '"NHWC"'],
  },
  "MaxPool2D(9) on 4x4": {
    run: () => new MaxPool2D(9).call(input(1, 1, 4, 4)),
    error: ShapeError,
    says: ["windows have 9 elements on spatial axis 0", "input has 4", "at most 4"],
  },
  "MaxPool2D(2, padding=2)": {
    run: () => new MaxPool2D(2, { padding: 2 }).call(input(1, 1, 4, 4)),
    error: ShapeError,
    says: ["padding 2 on spatial axis 0", "2 elements", "at most 1"],
  },
  "AvgPool2D(0)": {
    run: () => new AvgPool2D(0),
    error: RangeError,
    says: ["AvgPool2D", "poolSize", "0", "at least 1"],
  },
  "MaxPool2D(2, strides=0)": {
    run: () => new MaxPool2D(2, { strides: 0 }),
    error: RangeError,
    says: ["MaxPool2D", "strides", "0", "at least 1"],
  },
  "MaxPool2D(2) on rank 3": {
    run: () => new MaxPool2D(2).call(input(1, 4, 4)),
    error: ShapeError,
    says: ["MaxPool2D", "rank 3", "(1, 4, 4)", "expected 4 (NCHW)"],
  },
  "GlobalAvgPool2D on rank 3": {
    run: () => new GlobalAvgPool2D().call(input(1, 4, 4)),
    error: ShapeError,
    says: ["GlobalAvgPool2D", "rank 3", "expected 4 (NCHW)"],
  },
};

test("what MXNet refuses of pooling is refused with a typed error", () => {
  const listed = behaviour().errors.filter(({ use, error }) => /Pool/.test(use) && error !== null);
  assertEquals(new Set(listed.map(({ use }) => use)), new Set(Object.keys(USES)));
  for (const [name, use] of Object.entries(USES)) check(name, use);
});

test("what MXNet accepts of pooling is accepted", () => {
  const accepted = behaviour().errors.filter(({ use, error }) =>
    /Pool/.test(use) && error === null
  );
  assertEquals(accepted.map(({ use }) => use), ["MaxPool2D(2, count_include_pad=False)"]);
  const layer = new MaxPool2D(2, { countIncludePad: false });
  assertEquals(layer.call(input(1, 1, 4, 4)).shape, [1, 1, 2, 2]);
});

test("wrong arguments of pooling layers name class, argument, value and what is allowed", () => {
  const uses: readonly Use[] = [
    {
      run: () => new MaxPool1D(wrong("2")),
      error: TypeError,
      says: ["MaxPool1D", "poolSize", '"2"', "1 integer"],
    },
    { run: () => new MaxPool1D(1.5), error: RangeError, says: ["poolSize", "1.5"] },
    { run: () => new MaxPool3D([2, 2]), error: RangeError, says: ["MaxPool3D", "[2, 2]"] },
    { run: () => new AvgPool1D(2 ** 31), error: RangeError, says: ["poolSize", "2147483648"] },
    {
      run: () => new AvgPool3D(2, { strides: [1, 1] }),
      error: RangeError,
      says: ["AvgPool3D", "strides", "[1, 1]", "3 integers"],
    },
    {
      run: () => new AvgPool2D(2, { padding: [1, 1, 1] }),
      error: RangeError,
      says: ["AvgPool2D", "padding", "2 integers"],
    },
    {
      run: () => new AvgPool2D(2, { padding: [[0, 1]] }),
      error: RangeError,
      says: ["padding", "1 entries", "expected 2"],
    },
    {
      run: () => new AvgPool2D(2, { padding: [[0, -1], 0] }),
      error: RangeError,
      says: ["padding[0][1]", "-1"],
    },
    { run: () => new MaxPool2D(2, { padding: -1 }), error: RangeError, says: ["padding", "-1"] },
    {
      run: () => new MaxPool2D(2, { padding: wrong("sane") }),
      error: RangeError,
      says: ["padding", '"sane"', '"same"'],
    },
    {
      run: () => new MaxPool2D(2, { ceilMode: wrong("crop") }),
      error: RangeError,
      says: ["MaxPool2D", "ceilMode", '"crop"', '"clip"'],
    },
    { run: () => new MaxPool2D(2, { ceilMode: wrong(1) }), error: TypeError, says: ["ceilMode"] },
    {
      run: () => new MaxPool2D(2, wrong<vknn.MaxPoolOptions<"NCHW", false>>({ stride: 1 })),
      error: TypeError,
      says: ["MaxPool2D", '"stride"', 'did you mean "strides"'],
    },
    {
      run: () => new AvgPool2D(2, wrong({ nanPolicy: "skip" })),
      error: TypeError,
      says: ["AvgPool2D", '"nanPolicy"'],
    },
    {
      run: () => new GlobalAvgPool2D(wrong({ ceilMode: true })),
      error: TypeError,
      says: ["GlobalAvgPool2D", '"ceilMode"'],
    },
    {
      run: () => new MaxPool2D(2, { nanPolicy: wrong("keep") }),
      error: RangeError,
      says: ["nanPolicy", '"keep"', '"skip"', '"propagate"'],
    },
    { run: () => new vknn.AdaptiveAvgPool2D(0), error: RangeError, says: ["outputSize", "0"] },
    {
      run: () => new vknn.AdaptiveAvgPool2D([1, 2, 3]),
      error: RangeError,
      says: ["AdaptiveAvgPool2D", "outputSize"],
    },
    {
      run: () => new vknn.AdaptiveMaxPool1D(2).call(input(1, 1, 4, 4)),
      error: ShapeError,
      says: ["AdaptiveMaxPool1D", "rank 4", "expected 3 (NCW)"],
    },
    {
      run: () => new vknn.MaxUnpool2D(2, { padding: wrong("same") }),
      error: RangeError,
      says: ["MaxUnpool2D", '"same"'],
    },
    {
      run: () => new vknn.MaxUnpool1D(2).call(input(1, 1, 4), input(1, 1, 4)),
      error: TypeError,
      says: ["MaxUnpool", "float32", "int32"],
    },
  ];
  uses.forEach((use, index) => check(`use ${index}`, use));
});

test("pooling refuses planes without elements, channels or room, and too many elements", () => {
  const layer = new MaxPool2D(2, { padding: 1 });
  check("no rows", {
    run: () => layer.call(input(1, 1, 0, 4)),
    error: ShapeError,
    says: ["(1, 1, 0, 4)"],
  });
  check("no channels", {
    run: () => layer.call(input(1, 0, 4, 4)),
    error: ShapeError,
    says: ["channel"],
  });
  const spec = (...shape: number[]) => [{ shape, dtype: "float32" as const }];
  const attributes = { kernel: [1], stride: [1] };
  check("too large", {
    run: () => poolingOperator.infer(attributes, spec(1, 2 ** 20, 2 ** 20)),
    error: LimitError,
    says: ["elements"],
  });
  check("no kernel", {
    run: () => poolingOperator.infer({}, spec(1, 1, 4)),
    error: TypeError,
    says: ["Pooling", "kernel is missing", "global_pool"],
  });
  check("integers", {
    run: () => poolingOperator.infer(attributes, [{ shape: [1, 1, 4], dtype: "int32" }]),
    error: TypeError,
    says: ["int32", "float32 or float16"],
  });
  check("head", {
    run: () => poolingBackwardOperator.infer(attributes, [...spec(1, 1, 3), ...spec(1, 1, 4)]),
    error: ShapeError,
    says: ["head has shape (1, 1, 3)", "expected (1, 1, 4)"],
  });
});

test("shape rules: rounding, clipping, layouts", () => {
  const shape = (attributes: Record<string, unknown>, ...input: number[]) =>
    poolingOperator.infer(attributes, [{ shape: input, dtype: "float32" }]).shape;
  const threes = { kernel: [3, 3], stride: [3, 3] };
  assertEquals(shape(threes, 1, 1, 10, 10), [1, 1, 3, 3]);
  assertEquals(shape({ ...threes, pooling_convention: "full" }, 1, 1, 10, 10), [1, 1, 4, 4]);
  const far = { kernel: [2], stride: [3], pad: [1] };
  assertEquals(shape({ ...far, pooling_convention: "full" }, 1, 1, 5), [1, 1, 3]);
  assertEquals(shape({ ...far, pooling_convention: "clip" }, 1, 1, 5), [1, 1, 2]);
  assertEquals(shape({ kernel: [2, 2], layout: "NHWC" }, 2, 5, 6, 7), [2, 4, 5, 7]);
  assertEquals(shape({ global_pool: true, layout: "NDHWC" }, 2, 5, 6, 7, 3), [2, 1, 1, 1, 3]);
  // MXNet computes the ceiling in float32, which is wrong for such sizes.
  const long = { kernel: [2], stride: [2], pooling_convention: "full" };
  assertEquals(shape(long, 1, 1, 2 ** 25 + 1), [1, 1, 2 ** 24 + 1]);
});

test("layers remember their options", () => {
  const layer = new MaxPool2D([2, 3], { padding: [[0, 1], 1], ceilMode: "clip", layout: "NHWC" });
  assertEquals(layer.poolSize, [2, 3]);
  assertEquals(layer.strides, [2, 3]);
  assertEquals(layer.padding, [[0, 1], 1]);
  assertEquals(layer.ceilMode, "clip");
  assertEquals(layer.layout, "NHWC");
  assertEquals([layer.poolType, layer.globalPool, layer.returnIndices], ["max", false, false]);
  assertEquals([...layer.collectParams()], []);
});

type Maker = new (...values: unknown[]) => vknn.Block;

test("toString() of pooling layers is MXNet's repr", () => {
  const layers = vknn as unknown as Readonly<Record<string, Maker>>;
  const texts = behaviour().repr.filter(({ layer }) => layer.includes("Pool"));
  assertEquals(texts.length, 12);
  for (const { layer, args, kwargs, text } of texts) {
    // MXNet's second positional argument is strides.
    const [poolSize, strides] = args;
    const options = { ...(strides === undefined ? {} : { strides }), ...optionsOf(kwargs) };
    const Layer = layers[layer]!;
    const made = layer.startsWith("Global") ? new Layer(options) : new Layer(poolSize, options);
    assertEquals(`${made}`, text);
  }
  assertEquals(
    `${new MaxPool2D(2, { padding: [[0, 1], 1], ceilMode: "clip" })}`,
    "MaxPool2D(size=(2, 2), stride=(2, 2), padding=((0, 1), 1), ceil_mode=clip, " +
      "global_pool=False, pool_type=max, layout=NCHW)",
  );
  assertEquals(
    `${new AvgPool1D(3, { strides: 1, padding: "same" })}`,
    "AvgPool1D(size=(3,), stride=(1,), padding=same, ceil_mode=False, global_pool=False, " +
      "pool_type=avg, layout=NCW)",
  );
  assertEquals(
    `${new vknn.AdaptiveMaxPool3D([2, null, 3], { layout: "NDHWC" })}`,
    "AdaptiveMaxPool3D(output_size=(2, None, 3), layout=NDHWC)",
  );
  assertEquals(
    `${new vknn.MaxUnpool2D(3, { strides: 2, padding: [1, [0, 1]] })}`,
    "MaxUnpool2D(size=(3, 3), stride=(2, 2), padding=(1, (0, 1)), layout=NCHW)",
  );
});

test("derived pooling layers print their own name and keep their own defaults", () => {
  class Halve extends vknn._Pooling {
    constructor() {
      super(2, { ceilMode: true }, { type: "avg", layouts: ["NHWC", "NCHW"] });
    }
  }
  assertEquals(new Halve().call(input(1, 5, 4, 3)).shape, [1, 3, 2, 3]);
  assertEquals(`${new Halve()}`.startsWith("Halve(size=(2, 2)"), true);
});
