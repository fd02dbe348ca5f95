/** Every operator's attribute table in float16, against the float64 oracle on the rounded operands. */
import { assert, assertEquals } from "@std/assert";
import { scope, tensor } from "../../src/tensor/mod.ts";
import { fillInput, type OperatorCase } from "../cases/case.ts";
import { operatorCases } from "../cases/index.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { rounded } from "./float16_support.ts";

/** One rounding at load, which the oracle sees, and one at store. */
const TOLERANCE = { rtol: 2e-3, atol: 2e-3 };
/**
 * Conversions are all about dtypes, indices, also as results, are never float16, and parameters of batch
 * normalization are float32 whatever the data is: own float16 rows.
 */
const FAMILIES = Object.entries(operatorCases).filter(([family]) =>
  !["argmax", "cast", "indexing", "normalization"].includes(family)
);

async function check(each: OperatorCase, seed: number): Promise<void> {
  const random = new Random(seed);
  const hosts = each.inputs.map((input) => rounded(fillInput(random, input)));
  const shapes = each.inputs.map(({ shape }) => shape);
  using output = scope(() =>
    each.run(hosts.map((data, at) => tensor(data, shapes[at]!, { dtype: "float16" })))
  );
  assertEquals(output.dtype, "float16", each.name);
  const expected = each.expected(hosts.map((data, at) => ({ data, shape: shapes[at]! })));
  assertEquals(output.shape, expected.shape, each.name);
  const actual = await output.data();
  // Copies are exact; what is too large for float16 is infinite.
  const values = Float32Array.from(Float16Array.from(expected.data));
  const tolerance = each.tolerance === undefined ? { rtol: 0, atol: 0 } : TOLERANCE;
  assertClose(actual, values, { ...tolerance, label: each.name });
}

for (const [family, cases] of FAMILIES) {
  const floats = cases.filter(({ inputs }) =>
    inputs.every(({ dtype = "float32" }) => dtype === "float32")
  );
  gpuTest(`operator family ${family} agrees with the oracle in float16`, async () => {
    assert(floats.length > 0);
    for (const [index, each] of floats.entries()) await check(each, index);
  });
}
