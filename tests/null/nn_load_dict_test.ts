/** Loading values by name: what fits, what is missing, what is too much. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  Conv2D,
  type HostTensor,
  HybridSequential,
  type LoadDictOptions,
  type Tensor,
  tensor,
} from "../../mod.ts";
import { DeviceError, ShapeError } from "../../src/core/errors.ts";
import { test } from "../support/test.ts";
import { fakeDevice } from "./nn_fake_device.ts";

const { device, fake } = fakeDevice();

function host(shape: number[], first: number = 0): HostTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return { data: Float32Array.from({ length: count }, (_, i) => first + i), shape };
}

function values(net: Conv2D | HybridSequential): Record<string, number[]> {
  return Object.fromEntries(
    [...net.collectParams()].map(([name, parameter]) => [name, [...parameter.data().dataSync()]]),
  );
}

const WEIGHT = host([2, 1, 1, 2]);
const BIAS = host([2], 10);

/** Kernel 1 by 2; input channels unknown. */
function makeConv(): Conv2D {
  return new Conv2D(2, [1, 2]);
}

const LOADED = { weight: [0, 1, 2, 3], bias: [10, 11] };

test("loadDict() takes maps and objects of tensors and typed arrays, with or without prefix", () => {
  const weight = tensor(WEIGHT.data, WEIGHT.shape, { device });
  const forms = [
    { weight: WEIGHT, bias: BIAS },
    { "arg:weight": WEIGHT, "aux:bias": BIAS },
    { weight, bias: BIAS.data },
    new Map<string, Tensor | HostTensor>([["weight", weight], ["arg:bias", BIAS]]),
  ];
  for (const form of forms) {
    const conv = makeConv();
    conv.loadDict(form, { device });
    assertEquals(values(conv), LOADED);
    assertEquals(conv.weight.shape, [2, 1, 1, 2]);
    conv.dispose();
  }
  weight.dispose();
  assertEquals(fake.liveBuffers, 0);
});

test("loadDict() loads whatever state parameters are in", () => {
  for (const state of ["uninitialized", "deferred", "initialized"]) {
    const conv = new Conv2D(2, [1, 2], { inChannels: state === "initialized" ? 1 : 0 });
    if (state !== "uninitialized") conv.initialize("ones", { device });
    conv.loadDict({ weight: WEIGHT, bias: BIAS }, state === "uninitialized" ? { device } : {});
    assertEquals(values(conv), LOADED, state);
    assert(!conv.weight.deferred);
    conv.dispose();
  }
  assertEquals(fake.liveBuffers, 0);
});

test("loadDict() names what is missing and what is too much, and changes nothing then", () => {
  const conv = makeConv();
  conv.loadDict({ weight: WEIGHT, bias: BIAS }, { device });
  const zeros = host([2], 0);
  const rows: [Record<string, HostTensor>, LoadDictOptions, string][] = [
    [{ bias: zeros }, {}, "Parameter 'weight' is missing in 'values', which contains"],
    [{}, {}, "2 missing ('weight', 'bias'); found none. Set allowMissing"],
    [{ more: zeros }, {}, "2 missing ('weight', 'bias'), 1 unexpected ('more')"],
    [{ bias: zeros, more: zeros }, { allowMissing: true }, "Parameter 'more' loaded"],
    [{ bias: zeros, "arg:bias": zeros }, { allowMissing: true }, "two values for 'bias'"],
    [
      { bias: zeros, weight: host([2, 1, 1, 3]) },
      {},
      "expected (2, 1, 1, 2) vs saved (2, 1, 1, 3)",
    ],
  ];
  for (const [given, options, text] of rows) {
    assertThrows(() => conv.loadDict(given, options), RangeError, text);
    assertEquals(values(conv), LOADED);
  }
  conv.loadDict({ bias: zeros, more: zeros }, { allowMissing: true, ignoreExtra: true });
  assertEquals(values(conv), { weight: [0, 1, 2, 3], bias: [0, 1] });
  conv.dispose();
});

test("loadDict() lists at most seven names", () => {
  const given = Object.fromEntries(Array.from("abcdefghij", (name) => [name, BIAS]));
  const error = assertThrows(() => makeConv().loadDict(given), RangeError);
  assert(error.message.includes("'a', 'b', 'c', ..., 'g', 'h', 'i', 'j'"), error.message);
});

test("loadDict() needs one name of a shared parameter", () => {
  const conv = makeConv();
  const net = new HybridSequential().add(conv, conv);
  net.loadDict({ "1.weight": WEIGHT, "0.bias": BIAS }, { device });
  assertEquals(values(conv), LOADED);
  assertThrows(() => net.loadDict({ "1.weight": WEIGHT }), RangeError, "'0.bias'");
  net.dispose();
});

test("loadDict() converts dtypes only when told to", () => {
  const weight = { data: new Float64Array([0, 1, 2, 3]), shape: [2, 1, 1, 2] };
  const bias = { data: new Int32Array([10, 11]), shape: [2] };
  const conv = makeConv();
  const load = (options: LoadDictOptions) =>
    conv.loadDict({ weight, bias }, { device, ...options });
  assertThrows(() => load({}), TypeError, "('weight' expected float32 vs saved float64, 'bias' ");
  load({ castDtype: true });
  assertEquals(values(conv), LOADED);
  assertEquals(conv.bias!.dtype, "float32");
  conv.dispose();
  const saved = { castDtype: true, dtypeSource: "saved" } as const;
  load(saved);
  assertEquals([conv.weight.dtype, conv.bias!.dtype], ["float32", "int32"]);
  conv.dispose();
  conv.cast("float32");
  conv.loadDict({ bias }, { device, ...saved, allowMissing: true });
  assertEquals(conv.bias!.dtype, "int32");
  assertEquals([...conv.bias!.data().dataSync()], [10, 11]);
  const wrong = { dtypeSource: "stored" } as unknown as LoadDictOptions;
  assertThrows(() => load(wrong), RangeError, '"saved"');
  conv.dispose();
});

test("loadDict() goes to the parameters' own devices, and refuses others", () => {
  const other = fakeDevice("other");
  const conv = makeConv();
  conv.initialize("ones", { device: other.device });
  conv.loadDict({ weight: WEIGHT, bias: BIAS });
  assert(conv.weight.data().device === other.device);
  assertThrows(
    () => conv.loadDict({ weight: WEIGHT, bias: BIAS }, { device }),
    DeviceError,
    "other",
  );
  conv.dispose();
  assertEquals(other.fake.liveBuffers, 0);
});

test("loadDict() refuses what are no values", () => {
  const conv = makeConv();
  for (const wrong of [null, 3, "x", [BIAS], new Float32Array(2)]) {
    assertThrows(
      () => conv.loadDict(wrong as unknown as Record<string, HostTensor>),
      TypeError,
      "expected a Map or object",
    );
  }
  for (const wrong of [null, 3, [1, 2], {}, new Map()]) {
    const given = { bias: wrong } as unknown as Record<string, HostTensor>;
    assertThrows(() => conv.loadDict(given), TypeError, "'bias'");
  }
  const numbered = new Map([[3, BIAS]]) as unknown as Map<string, HostTensor>;
  assertThrows(() => conv.loadDict(numbered), TypeError, "a name is 3");
  const short = { bias: { data: new Float32Array(3), shape: [2] } };
  assertThrows(() => conv.loadDict(short), ShapeError, "3 values");
  const unknown = { allow_missing: true } as unknown as LoadDictOptions;
  assertThrows(() => conv.loadDict({}, unknown), TypeError, '"allowMissing"');
});
