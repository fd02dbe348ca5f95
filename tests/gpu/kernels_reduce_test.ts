/** Reductions, softmax and products as planned for every kind of device, run on the one that is there. */
import { planMatmul } from "../../src/kernels/matmul.ts";
import { planReduce, planSoftmax, type ReductionName } from "../../src/kernels/reduce.ts";
import type { Capabilities, Plan } from "../../src/kernels/plan.ts";
import { type Reference, size } from "../reference/array.ts";
import { FORGED } from "../reference/capabilities.ts";
import { matmul, transposed } from "../reference/matmul.ts";
import { reduce, softmax } from "../reference/reduce.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";
import { gpuTest } from "../support/test.ts";
import { bytesOf, runPlan, sharedDevice } from "./kernels_run.ts";

const DEVICES = Object.entries(FORGED) as [string, Capabilities][];

async function check(
  label: string,
  plan: Plan,
  inputs: readonly Reference[],
  expected: Reference,
  tolerance: number,
): Promise<void> {
  const device = await sharedDevice();
  const sources = inputs.map(({ data }) => bytesOf(data as Float32Array));
  const bytes = await runPlan(device, plan, sources, 4 * expected.data.length);
  assertClose(new Float32Array(bytes.buffer), expected.data, {
    rtol: 1e-5,
    atol: tolerance,
    label,
  });
}

function random(shape: readonly number[], seed: number, range = 1): Reference {
  return { data: new Random(seed).float32(size(shape), -range, range), shape };
}

const NAMES: readonly ReductionName[] = ["sum", "mean", "max", "min"];
const ROWS: readonly (readonly [shape: readonly number[], axes: readonly number[]])[] = [
  [[127], [0]],
  [[128], [0]],
  [[257], [0]],
  [[5, 300], [1]],
  [[300, 5], [0]],
  [[3, 700, 15], [1]],
  [[3, 700, 16], [1]],
  [[2, 513, 3, 130], [1, 3]],
  [[70_001], [0]],
  [[3, 5, 128], [0, 2]],
  [[2, 3, 7, 9], [0, 2, 3]],
  [[2, 2, 70_000], [0, 2]],
];

for (const [name, capabilities] of DEVICES) {
  gpuTest(`reductions as planned for the device "${name}"`, async () => {
    for (const [index, [shape, axes]] of ROWS.entries()) {
      const x = random(shape, index);
      for (const operation of NAMES) {
        const plan = planReduce(capabilities, operation, shape, axes, "float32");
        const label = `${operation} (${shape}) over (${axes})`;
        await check(label, plan, [x], reduce(x, operation, axes), 2e-6);
      }
    }
  });

  gpuTest(`softmax as planned for the device "${name}"`, async () => {
    const rows = [[[300], 0], [[7, 128], 1], [[129, 4], 0], [[2, 200, 17], 1]] as const;
    for (const [index, [shape, axis]] of rows.entries()) {
      const x = random(shape, index, 9);
      for (const log of [false, true]) {
        const plan = planSoftmax(capabilities, shape, axis, log, 1);
        await check(`softmax (${shape})`, plan, [x], softmax(x, axis, log, 1), 2e-6);
      }
    }
  });

  gpuTest(`matrix products as planned for the device "${name}"`, async () => {
    const rows = [[17, 33, 9], [5, 3000, 7], [64, 64, 64]] as const;
    for (const [index, [m, k, n]] of rows.entries()) {
      for (
        const [transposeA, transposeB] of [[false, false], [true, false], [false, true]] as const
      ) {
        const a = random(transposeA ? [k, m] : [m, k], index);
        const b = random(transposeB ? [n, k] : [k, n], index + 10);
        const plan = planMatmul(capabilities, { batch: 1, m, n, k, transposeA, transposeB });
        const expected = matmul(transposeA ? transposed(a) : a, transposeB ? transposed(b) : b);
        await check(`${m}x${k}x${n}`, plan, [a, b], expected, 2e-5);
      }
    }
  });
}
