/** Dense without a device: arguments, texts, shapes that wait. */
import { assertEquals, assertThrows } from "@std/assert";
import { DeferredInitializationError, Dense, HybridSequential } from "../../mod.ts";
import { behaviour } from "../golden/load.ts";
import { test } from "../support/test.ts";

test("toString() of Dense is MXNet's repr", () => {
  assertEquals(`${new Dense(10)}`, "Dense(-1 -> 10, linear)");
  const known = new Dense(10, { inUnits: 25, activation: "relu" });
  assertEquals(`${known}`, "Dense(25 -> 10, Activation(relu))");
  const golden = behaviour().summary[0]!.repr.split("\n").find((line) => line.includes("Dense"))!;
  const net = new HybridSequential().add(new Dense(10, { inUnits: 200 }));
  assertEquals(`${net}`.split("\n")[1], golden.replace("(3)", "(0)"));
});

test("Dense names its parameters as MXNet does, and defers them", () => {
  const dense = new Dense(4);
  assertEquals([...dense.collectParams().keys()], ["weight", "bias"]);
  assertEquals(dense.weight.shape, [4, -1]);
  assertEquals(dense.bias!.shape, [4]);
  assertThrows(() => dense.weight.data(), Error, "has not been initialized");
  dense.weight.initialize();
  assertThrows(() => dense.weight.data(), DeferredInitializationError, "inUnits of Dense");
  const bare = new Dense(4, { useBias: false, inUnits: 3, dtype: "float16" });
  assertEquals([...bare.collectParams().keys()], ["weight"]);
  assertEquals([bare.bias, bare.weight.dtype, bare.weight.shape], [null, "float16", [4, 3]]);
});

test("Dense refuses what it cannot do", () => {
  const loose = Dense as unknown as new (...values: unknown[]) => Dense;
  assertThrows(() => new loose(), TypeError, "units");
  assertThrows(() => new loose("10"), TypeError, "units");
  assertThrows(() => new Dense(0), RangeError, "units");
  assertThrows(() => new Dense(2.5), Error, "units");
  assertThrows(() => new loose(2, { in_units: 3 }), TypeError, "inUnits");
  assertThrows(() => new loose(2, { activation: "relux" }), RangeError, "relu");
  assertThrows(() => new loose(2, { inUnits: -1 }), RangeError, "inUnits");
  assertThrows(() => new loose(2, { flatten: 1 }), TypeError, "flatten");
});
