/** Gradients of every row of the attribute tables against numeric differentiation of the oracles. */
import { assert } from "@std/assert";
import { operatorCases } from "../cases/index.ts";
import { gpuTest } from "../support/test.ts";
import { checkGradient, checkSecond, isDifferentiable, noOutcome } from "./autograd_support.ts";

/** Families whose own tests differentiate them; the oracle of cast rounds, see autograd_semantics_test.ts. */
const ELSEWHERE = [
  "cast",
  "convolution",
  "deconvolution",
  // Its results are integers: there is no gradient.
  "argmax",
  "deformable_convolution",
  "pad",
  "pooling",
];
/** Rows with more elements than this would keep the oracle busy for long. */
const LARGE = 4096;

const families = Object.entries(operatorCases).filter(([family]) => !ELSEWHERE.includes(family));

function sizeOf(each: { inputs: readonly { shape: readonly number[] }[] }): number {
  return each.inputs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

for (const [family, cases] of families) {
  const rows = cases.filter((each) => sizeOf(each) <= LARGE);
  gpuTest(
    `float32 gradients of family ${family} agree with differences of the oracle`,
    async (device) => {
      const outcome = noOutcome();
      for (const [index, each] of rows.entries()) {
        if (!isDifferentiable(each, "float32")) continue;
        await checkGradient(device, each, index, outcome, { rtol: 5e-4, atol: 5e-5 });
      }
      report(`${family} float32`, outcome);
      assert(outcome.compared > 10, `${outcome.compared} elements compared`);
      if (family !== "comparison") assert(outcome.skipped <= 0.05 * outcome.compared);
    },
  );

  gpuTest(
    `float16 gradients of family ${family} agree with differences of the oracle`,
    async (device) => {
      const outcome = noOutcome();
      for (const [index, each] of rows.entries()) {
        if (!isDifferentiable(each, "float16") || index % 3 !== 0) continue;
        // The elementwise oracle rounds to float16, which differences do not survive.
        if (family === "elementwise") continue;
        await checkGradient(device, each, index, outcome, { rtol: 1e-2, atol: 1e-2 });
      }
      report(`${family} float16`, outcome);
    },
  );

  gpuTest(
    `second derivatives of family ${family} agree with differences of the oracle`,
    async (device) => {
      const outcome = noOutcome();
      for (const [index, each] of rows.entries()) {
        if (!isDifferentiable(each, "float32") || index % 3 !== 0 || sizeOf(each) > 400) continue;
        await checkSecond(device, each, index, outcome);
      }
      report(`${family} second`, outcome);
      assert(outcome.compared > 0);
    },
  );
}

function report(name: string, { compared, skipped, worst }: ReturnType<typeof noOutcome>): void {
  if (compared === 0) return;
  console.log(
    `${name}: ${compared} compared, ${skipped} at kinks, worst ${worst.toExponential(1)}`,
  );
}
