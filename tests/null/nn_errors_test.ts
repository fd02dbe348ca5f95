/** Wrong uses of layers: everything that MXNet refuses is refused, and what crashes it too. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  Conv2D,
  HybridSequential,
  PixelShuffle1D,
  PixelShuffle2D,
  Sequential,
  type Tensor,
  Trainer,
  zeros,
} from "../../mod.ts";
import { DeferredInitializationError, ShapeError, StateError } from "../../src/core/errors.ts";
import { behaviour } from "../golden/load.ts";
import { test } from "../support/test.ts";
import { testNames } from "../support/test_names.ts";
import { fakeDevice } from "./nn_fake_device.ts";
import { MORE_ALLOWED, MORE_USES, type Use } from "./nn_wrong_uses.ts";

const { device } = fakeDevice();

/** A tensor without a GPU. */
function input(...shape: number[]): Tensor {
  return zeros(shape, { device });
}

/** Arguments of a wrong type, which TypeScript would refuse. */
function wrong<T>(value: unknown): T {
  return value as T;
}

function apply(layer: Conv2D | PixelShuffle2D, ...shape: number[]): unknown {
  layer.initialize(undefined, { device });
  return layer.call(input(...shape));
}

class WithTail extends HybridSequential {
  tail: unknown = new Conv2D(4, 1);
}

/** The uses of behaviour.json that concern what exists, by their text there. */
const USES: Readonly<Record<string, Use>> = {
  ...MORE_USES,
  "Conv2D(4, (3,3,3))": {
    run: () => new Conv2D(4, [3, 3, 3]),
    error: RangeError,
    says: ["Conv2D", "kernelSize", "[3, 3, 3]", "2 integers"],
  },
  'Conv2D(4, 3, layout="NCW")': {
    run: () => new Conv2D(4, 3, { layout: wrong("NCW") }),
    error: RangeError,
    says: ["Conv2D", "layout", '"NCW"', '"NCHW", "NHWC"'],
  },
  'Conv2D(4, 3, layout="nchw")': {
    run: () => new Conv2D(4, 3, { layout: wrong("nchw") }),
    error: RangeError,
    says: ["Conv2D", "layout", '"nchw"', '"NCHW", "NHWC"'],
  },
  "Conv2D(4, 3, kernal=1)": {
    run: () => new Conv2D(4, 3, wrong({ kernal: 1 })),
    error: TypeError,
    says: ["Conv2D", '"kernal"'],
  },
  "Conv2D(0, 3)(1,3,8,8)": {
    run: () => new Conv2D(0, 3),
    error: RangeError,
    says: ["Conv2D", "channels", "0"],
  },
  "Conv2D(-1, 3)(1,3,8,8)": {
    run: () => new Conv2D(-1, 3),
    error: RangeError,
    says: ["Conv2D", "channels", "-1"],
  },
  "Conv2D(4, 0)": {
    run: () => new Conv2D(4, 0),
    error: RangeError,
    says: ["Conv2D", "kernelSize", "0"],
  },
  "Conv2D(4, -1)": {
    run: () => new Conv2D(4, -1),
    error: RangeError,
    says: ["Conv2D", "kernelSize", "-1"],
  },
  "Conv2D(4, 3, strides=0)": {
    run: () => new Conv2D(4, 3, { strides: 0 }),
    error: RangeError,
    says: ["Conv2D", "strides", "0"],
  },
  "Conv2D(4, 3, padding=-1)": {
    run: () => new Conv2D(4, 3, { padding: -1 }),
    error: RangeError,
    says: ["Conv2D", "padding", "-1"],
  },
  "Conv2D(4, 3, dilation=0)": {
    run: () => new Conv2D(4, 3, { dilation: 0 }),
    error: RangeError,
    says: ["Conv2D", "dilation", "0"],
  },
  "Conv2D(4, 3, groups=0)": {
    run: () => new Conv2D(4, 3, { groups: 0 }),
    error: RangeError,
    says: ["Conv2D", "groups", "0"],
  },
  "Conv2D(4, 3, groups=2) on 3 channels": {
    run: () => apply(new Conv2D(4, 3, { groups: 2 }), 1, 3, 8, 8),
    error: ShapeError,
    says: ["Conv2D", "3", "groups (2)"],
  },
  "Conv2D(5, 3, groups=2) on 4 channels": {
    run: () => new Conv2D(5, 3, { groups: 2 }),
    error: ShapeError,
    says: ["Conv2D", "channels", "5", "groups (2)"],
  },
  "Conv2D(4, 3, strides=(1,1,1))": {
    run: () => new Conv2D(4, 3, { strides: [1, 1, 1] }),
    error: RangeError,
    says: ["Conv2D", "strides", "[1, 1, 1]", "2 integers"],
  },
  "Conv2D(4, 9) on 8x8": {
    run: () => apply(new Conv2D(4, 9), 1, 3, 8, 8),
    error: ShapeError,
    says: ["9", "8"],
  },
  "Conv2D(4, 3) on rank 3": {
    run: () => apply(new Conv2D(4, 3), 3, 8, 8),
    error: ShapeError,
    says: ["Conv2D", "rank 3", "expected 4"],
  },
  'Conv2D(4,3,activation="relux")': {
    run: () => new Conv2D(4, 3, { activation: wrong("relux") }),
    error: RangeError,
    says: ["Conv2D", "activation", '"relux"', '"relu", "sigmoid"', '"softsign"'],
  },
  "Conv2D(4, 3, in_channels=4) on 5 channels": {
    run: () => apply(new Conv2D(4, 3, { inChannels: 4 }), 1, 5, 8, 8),
    error: ShapeError,
    says: ["Conv2D", "5 channels", "expects 4"],
  },
  'Conv2D(4,"3")': {
    run: () => new Conv2D(4, wrong("3")),
    error: TypeError,
    says: ["Conv2D", "kernelSize", '"3"'],
  },
  'Conv2D("4",3)': {
    run: () => new Conv2D(wrong("4"), 3),
    error: TypeError,
    says: ["Conv2D", "channels", '"4"'],
  },
  "Conv2D(4, 3) uninitialised": {
    run: () => new Conv2D(4, 3).call(input(1, 3, 8, 8)),
    error: StateError,
    says: ["'weight'", "not been initialized"],
  },
  "Conv2D(4,3) on 3 then 5 channels": {
    run: () => {
      const conv = new Conv2D(4, 3);
      conv.initialize(undefined, { device });
      conv.inferShape(input(1, 3, 8, 8));
      return conv.call(input(1, 5, 8, 8));
    },
    error: ShapeError,
    says: ["Conv2D", "5", "3"],
  },
  "PixelShuffle2D(2) on 3 channels": {
    run: () => apply(new PixelShuffle2D(2), 1, 3, 4, 4),
    error: ShapeError,
    says: ["3 channels", "4"],
  },
  "PixelShuffle2D((2,2,2))": {
    run: () => new PixelShuffle2D([2, 2, 2]),
    error: RangeError,
    says: ["PixelShuffle2D", "factor", "[2, 2, 2]", "2 integers"],
  },
  "PixelShuffle2D(0)": {
    run: () => new PixelShuffle2D(0),
    error: RangeError,
    says: ["PixelShuffle2D", "factor", "0"],
  },
  "PixelShuffle2D(-2)": {
    run: () => new PixelShuffle2D(-2),
    error: RangeError,
    says: ["PixelShuffle2D", "factor", "-2"],
  },
  "PixelShuffle2D(2) on rank 3": {
    run: () => apply(new PixelShuffle2D(2), 4, 4, 4),
    error: ShapeError,
    says: ["rank 3", "expected 4"],
  },
  "weight.data() while deferred": {
    run: () => {
      const conv = new Conv2D(4, 3);
      conv.initialize(undefined, { device });
      return conv.weight.data();
    },
    error: DeferredInitializationError,
    says: [],
  },
  "weight.data() uninitialised": {
    run: () => new Conv2D(4, 3).weight.data(),
    error: StateError,
    says: ["Parameter 'weight' has not been initialized."],
  },
  'grad_req="x"': {
    run: () => new Conv2D(4, 3).setattr("gradReq", wrong("x")),
    error: RangeError,
    says: ["gradReq", '"x"', '"write", "add", "null"'],
  },
  "register_child of a plain Block in HybridBlock": {
    run: () => new HybridSequential().add(wrong(new Sequential())),
    error: TypeError,
    says: ["HybridSequential", "Sequential is a Block"],
  },
  "load_dict missing": {
    run: () =>
      new HybridSequential().add(new Conv2D(2, 3))
        .loadDict({ "0.weight": { data: new Float32Array(54), shape: [2, 3, 3, 3] } }),
    error: RangeError,
    says: ["'0.bias' is missing", "'0.weight'", "allowMissing"],
  },
  "load_dict extra": {
    run: () => {
      const value = { data: new Float32Array(2), shape: [2] };
      new Conv2D(2, 3).loadDict({ more: value }, { allowMissing: true });
    },
    error: RangeError,
    says: ["'more'", "'weight', 'bias'", "ignoreExtra"],
  },
  "load_dict wrong shape": {
    run: () => {
      const value = { data: new Float32Array(150), shape: [2, 3, 5, 5] };
      new Conv2D(2, 3).loadDict({ weight: value }, { allowMissing: true });
    },
    error: ShapeError,
    says: ["'weight'", "expected (2, -1, 3, 3) vs saved (2, 3, 5, 5)"],
  },
  "share_parameters([1])": {
    run: () => new Conv2D(2, 3).shareParameters(wrong([1])),
    error: TypeError,
    says: ["shared", "[1]"],
  },
  "Trainer([1])": {
    run: () => new Trainer(wrong([1]), "sgd"),
    error: TypeError,
    says: ["Trainer", "params", "1", "expected a Parameter"],
  },
  "attribute type change": {
    run: () => {
      new WithTail().tail = 3;
    },
    error: TypeError,
    says: ["tail", "Conv2D", "3"],
  },
};

/** Uses that MXNet refuses or dies of, and that are right here. */
const ALLOWED: Readonly<Record<string, () => unknown>> = {
  ...MORE_ALLOWED,
  "Conv2D(4, 3.0)": () => new Conv2D(4, 3.0), // 3.0 is an integer in JavaScript
  'Conv2D(4, 3, layout="NHWC") on CPU': () => new Conv2D(4, 3, { layout: "NHWC" }),
  "PixelShuffle1D((2,))": () => new PixelShuffle1D([2]),
};

/** Uses that need a device or wait for something, and the tests that make them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "second backward without retain_graph": "a second pass needs retainGraph",
  "Trainer.step with stale gradient":
    "a stale gradient is an error before anything changes, unless ignored",
  "export before hybridize":
    "export() writes both files, with shared parameters under their last name",
  "summary of a hybridized net":
    "summary() refuses hybridized blocks and parameters without values, and leaves no hook",
};

for (const { use } of behaviour().errors) {
  const row = USES[use];
  if (row !== undefined) {
    test(`wrong use is refused: ${use}`, () => {
      const error = assertThrows(row.run, row.error);
      for (const part of row.says) assertStringIncludes(error.message, part);
    });
  } else if (ALLOWED[use] !== undefined) {
    test(`use is right here: ${use}`, () => {
      ALLOWED[use]?.();
    });
  }
}

test("every use of behaviour.json has a row here, or a test elsewhere", () => {
  const uses = behaviour().errors.map(({ use }) => use);
  assert(uses.length >= 69);
  const missing = uses.filter((use) => !(use in USES) && !(use in ALLOWED) && !(use in ELSEWHERE));
  assertEquals(missing, []);
  const titles = new Set(testNames());
  assertEquals(Object.values(ELSEWHERE).filter((title) => !titles.has(title)), []);
});

test("the text of a deferred parameter is MXNet's", () => {
  const stored = behaviour().errors.find(({ use }) => use === "weight.data() while deferred")!;
  const conv = new Conv2D(4, 3);
  conv.initialize(undefined, { device });
  const error = assertThrows(() => conv.weight.data(), DeferredInitializationError);
  assert(error.message.startsWith(stored.message!));
});
