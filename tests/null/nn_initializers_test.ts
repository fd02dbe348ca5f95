/** Initializers: values, ranges of MXNet's own runs, names and forms. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { RandomStream } from "../../src/core/random.ts";
import * as initializers from "../../src/nn/initializers.ts";
import { behaviour, optionsOf } from "../golden/load.ts";
import { assertClose } from "../support/close.ts";
import { test } from "../support/test.ts";

const stream = () => new RandomStream(11, 0);

function moments(values: Float32Array): { mean: number; std: number; min: number; max: number } {
  const mean = values.reduce((sum, value) => sum + value / values.length, 0);
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2 / values.length, 0);
  const sorted = values.slice().sort();
  return { mean, std: Math.sqrt(square), min: sorted[0]!, max: sorted.at(-1)! };
}

test("initializers: ranges and spread agree with MXNet's", () => {
  for (const row of behaviour().initializers) {
    const made = initializers.create({ initializer: row.init, ...optionsOf(row.options) });
    const values = made.values(row.shape, stream(), "weight");
    const found = moments(values);
    const label = `${row.init} ${JSON.stringify(found)}`;
    assertAlmostEquals(found.std, row.std, row.std * 0.08 + 1e-9, label);
    assertAlmostEquals(found.mean, row.mean, 0.15 * row.std + 1e-9, label);
    const uniform = ["Xavier", "Uniform", "One", "Bilinear"].includes(row.init) &&
      row.options["rnd_type"] === undefined;
    if (uniform) {
      assertAlmostEquals(found.min, row.min, 0.05 * Math.abs(row.min), label);
      assertAlmostEquals(found.max, row.max, 0.05 * Math.abs(row.max), label);
    }
  }
});

test("Uniform, Normal, Zero, One and Constant give what their names say", () => {
  const shape = [3, 5];
  const values = (made: initializers.Initializer) => made.values(shape, stream(), "weight");
  assertEquals(values(new initializers.Zero()), new Float32Array(15));
  assertEquals(values(new initializers.One()), new Float32Array(15).fill(1));
  assertEquals(values(new initializers.Constant(2.5)), new Float32Array(15).fill(2.5));
  const given = Array.from({ length: 15 }, (_, i) => i / 4);
  assertEquals(values(new initializers.Constant(given)), Float32Array.from(given));
  assertThrows(() => values(new initializers.Constant([1, 2])), RangeError, "'weight'");
  assert(values(new initializers.Uniform(0.5)).every((value) => value >= -0.5 && value < 0.5));
  assertEquals(new initializers.Uniform().scale, 0.07);
  assertEquals(new initializers.Normal().sigma, 0.01);
});

test("Uniform(scale) never reaches scale", () => {
  const values = new initializers.Uniform(0.1).values([200_000], stream());
  assert(values.every((value) => value >= Math.fround(-0.1) && value < 0.1));
});

test("Xavier scales by the fans of shape[0] and shape[1]", () => {
  const shape = [6, 4, 3, 3];
  const rows = [["in", 4 * 9], ["out", 6 * 9], ["avg", 5 * 9]] as const;
  for (const [factorType, factor] of rows) {
    const values = new initializers.Xavier({ factorType, magnitude: 2 })
      .values(shape, stream(), "weight");
    const scale = Math.sqrt(2 / factor);
    const found = moments(values);
    assert(found.max < scale && found.max > 0.95 * scale && found.min > -scale - 1e-9);
  }
  for (const short of [[], [8]]) {
    assertThrows(
      () => new initializers.Xavier().values(short, stream(), "bias"),
      RangeError,
      "'bias'",
    );
  }
});

test("MSRAPrelu is Xavier with normal numbers and the slope's magnitude", () => {
  const made = new initializers.MSRAPrelu({ slope: 0.5 });
  assertEquals([made.rndType, made.factorType, made.magnitude], ["gaussian", "avg", 1.6]);
});

test("Orthogonal gives orthogonal rows, or columns if there are fewer", () => {
  for (const shape of [[8, 32], [5, 2, 3], [32, 8], [7, 7], [1, 3], [4]]) {
    for (const randType of ["uniform", "normal"] as const) {
      const values = new initializers.Orthogonal({ scale: 2, randType })
        .values(shape, stream(), "weight");
      const rows = shape[0]!;
      const columns = values.length / rows;
      const count = Math.min(rows, columns);
      const at = (i: number, k: number) =>
        rows <= columns ? values[i * columns + k]! : values[k * columns + i]!;
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < count; j++) {
          let product = 0;
          for (let k = 0; k < Math.max(rows, columns); k++) product += at(i, k) * at(j, k);
          assertAlmostEquals(product, i === j ? 4 : 0, 1e-5, `${shape}`);
        }
      }
    }
  }
});

test("Bilinear gives MXNet's weights for every pair of channels", () => {
  const row = behaviour().initializers.find((each) => each.init === "Bilinear")!;
  const values = new initializers.Bilinear().values([2, 2, 4, 4], stream(), "weight");
  for (let pair = 0; pair < 4; pair++) {
    assertClose(values.subarray(16 * pair, 16 * pair + 16), row.values!.flat());
  }
  assertThrows(
    () => new initializers.Bilinear().values([2, 2], stream(), "weight"),
    RangeError,
    "4 axes",
  );
});

test("create() takes objects, names in any case, JSON and options", () => {
  const made = new initializers.Uniform(0.3);
  assertStrictEquals(initializers.create(made), made);
  const classes: Record<string, unknown> = {
    zero: initializers.Zero,
    Zeros: initializers.Zero,
    ONE: initializers.One,
    ones: initializers.One,
    uniform: initializers.Uniform,
    Normal: initializers.Normal,
    xavier: initializers.Xavier,
    MSRAPrelu: initializers.MSRAPrelu,
    orthogonal: initializers.Orthogonal,
    bilinear: initializers.Bilinear,
  };
  for (const [name, made] of Object.entries(classes)) {
    assertStrictEquals(initializers.create(name).constructor, made, name);
  }
  const forms = [
    '["xavier", {"rnd_type": "gaussian", "factor_type": "in", "magnitude": 2}]',
    '{"initializer": "Xavier", "rnd_type": "gaussian", "factor_type": "in", "magnitude": 2}',
    { initializer: "xavier", rndType: "gaussian", factorType: "in", magnitude: 2 },
  ];
  for (const form of forms) {
    const xavier = initializers.create(form);
    assertInstanceOf(xavier, initializers.Xavier);
    assertEquals([xavier.rndType, xavier.factorType, xavier.magnitude], ["gaussian", "in", 2]);
  }
  assertEquals(
    (initializers.create('["constant", {"value": 3}]') as initializers.Constant).value,
    3,
  );
  assertEquals(
    (initializers.create('["zeros"]') as initializers.Zero) instanceof initializers.Zero,
    true,
  );
});

test("create() and constructors refuse what is wrong, and name it", () => {
  const wrong: [unknown, typeof Error, string][] = [
    ["xaver", RangeError, '"xavier"'],
    ["", RangeError, "expected one of"],
    [{ initializer: "xavier", magnitud: 2 }, TypeError, '"magnitude"'],
    [{ initializer: "xavier", factorType: "both" }, RangeError, '"avg"'],
    [{ initializer: "uniform", scale: "1" }, TypeError, "scale"],
    [{ initializer: "constant" }, TypeError, "value"],
    [{ initializer: "normal", sigma: -1 }, RangeError, "sigma"],
    [{ initializer: "normal", sigma: NaN }, RangeError, "sigma"],
    ["[1]", TypeError, "JSON"],
    ['["xavier", {}, 1]', TypeError, "JSON"],
    ['["xavier"', SyntaxError, ""],
    [{}, TypeError, "initializer"],
    [null, TypeError, "null"],
    [3, TypeError, "3"],
    [["xavier"], TypeError, "initializer"],
  ];
  for (const [form, error, text] of wrong) {
    assertThrows(() => initializers.create(form as string), error, text, JSON.stringify(form));
  }
  const value = ["1"] as unknown as number[];
  assertThrows(() => new initializers.Constant(value), TypeError, "value[0]");
  assertThrows(() => new initializers.Constant(NaN), RangeError, "value");
});

test("register() makes own initializers known by name", () => {
  class Ramp extends initializers.Initializer {
    override values(shape: readonly number[]): Float32Array<ArrayBuffer> {
      return Float32Array.from({ length: shape[0]! }, (_, i) => i);
    }
  }
  initializers.register("testRamp", () => new Ramp());
  assertInstanceOf(initializers.create("TESTRAMP"), Ramp);
  assertThrows(() => initializers.create({ initializer: "testramp", step: 1 }), TypeError, "step");
  assertThrows(() => initializers.register("", () => new Ramp()), TypeError, "name");
});

test("equal streams give equal values, different streams different ones", () => {
  const made = new initializers.Normal(1);
  const first = made.values([100], new RandomStream(3, 0));
  assertEquals(made.values([100], new RandomStream(3, 0)), first);
  const other = made.values([100], new RandomStream(3, 1));
  assert(other.every((value, i) => value !== first[i]));
});

test("Orthogonal needs an axis", () => {
  const made = new initializers.Orthogonal();
  assertThrows(() => made.values([], stream(), "scale"), RangeError, "'scale'");
});

test("dumps() writes MXNet's JSON, which create() reads", () => {
  // Texts of mxnet.initializer in MXNet 2.0, except the last.
  const rows: readonly [initializers.Initializer, string][] = [
    [new initializers.Zero(), '["zero", {}]'],
    [new initializers.One(), '["one", {}]'],
    [new initializers.Constant(0.5), '["constant", {"value": 0.5}]'],
    [new initializers.Uniform(), '["uniform", {"scale": 0.07}]'],
    [new initializers.Normal(), '["normal", {"sigma": 0.01}]'],
    [
      new initializers.Xavier(),
      '["xavier", {"rnd_type": "uniform", "factor_type": "avg", "magnitude": 3}]',
    ],
    [new initializers.MSRAPrelu(), '["msraprelu", {"factor_type": "avg", "slope": 0.25}]'],
    [new initializers.Orthogonal(), '["orthogonal", {"scale": 1.414, "rand_type": "uniform"}]'],
    [new initializers.Bilinear(), '["bilinear", {}]'],
    [
      new initializers.ICNR([1, 2], new initializers.Normal(2)),
      '["icnr", {"factor": [1, 2], "initializer": "[\\"normal\\", {\\"sigma\\": 2}]"}]',
    ],
  ];
  for (const [made, text] of rows) {
    assertEquals(made.dumps(), text);
    assertEquals(initializers.create(text), made);
  }
  const numbers = new initializers.Constant(new Float32Array([1, 2.5]));
  assertEquals(numbers.dumps(), '["constant", {"value": [1, 2.5]}]');
});
