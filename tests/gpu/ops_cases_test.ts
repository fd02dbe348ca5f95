/** Every row of every operator's attribute table on the device, against the float64 oracle. */
import { assertEquals } from "@std/assert";
import { type Device, scope, tensor } from "../../src/tensor/mod.ts";
import { defaultDevice } from "../../mod.ts";
import { fillInput, type OperatorCase } from "../cases/case.ts";
import { operatorCases } from "../cases/index.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";

async function check(device: Device, each: OperatorCase, seed: number): Promise<void> {
  const random = new Random(seed);
  const hosts = each.inputs.map((input) => fillInput(random, input));
  const output = scope(() =>
    each.run(hosts.map((data, index) => tensor(data, each.inputs[index]!.shape, { device })))
  );
  const expected = each.expected(
    hosts.map((data, index) => ({ data, shape: each.inputs[index]!.shape })),
  );
  const actual = await output.data();
  output.dispose();
  assertEquals(output.shape, expected.shape, each.name);
  const tolerance = each.tolerance ?? { rtol: 0, atol: 0 };
  assertClose(actual, expected.data, { ...tolerance, label: each.name });
}

for (const [family, cases] of Object.entries(operatorCases)) {
  gpuTest(`operator family ${family} agrees with the oracle in all rows of its table`, async () => {
    const device = defaultDevice();
    for (const [index, each] of cases.entries()) await check(device, each, index);
  });
}
