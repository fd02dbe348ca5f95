/**
 * Gradients of rows of the attribute tables, compared with numeric differentiation of the float64 oracles.
 *
 * @module
 */
import { backward, grad, record } from "../../src/autograd/mod.ts";
import { mul, sum } from "../../src/ops/index.ts";
import { type Device, tensor } from "../../src/tensor/mod.ts";
import { fillInput, type OperatorCase } from "../cases/case.ts";
import type { Reference } from "../reference/array.ts";
import { assertClose } from "../support/close.ts";
import { Random } from "../support/random.ts";

/** How many elements of each input are differentiated numerically. */
const SAMPLES = 6;

/** What a comparison found. */
export interface Outcome {
  /** Elements compared. */
  compared: number;
  /** Elements left out because the function has a kink or jump there. */
  skipped: number;
  /** Largest error relative to `1 + |expected|`. */
  worst: number;
}

/** A new outcome. */
export function noOutcome(): Outcome {
  return { compared: 0, skipped: 0, worst: 0 };
}

/** Whether all inputs that could be differentiated have the dtype, and there is one. */
export function isDifferentiable(each: OperatorCase, dtype: "float32" | "float16"): boolean {
  const dtypes = each.inputs.map((input) => input.dtype ?? "float32");
  const floats = dtypes.filter((own) => own.startsWith("float"));
  return floats.length > 0 && floats.every((own) => own === dtype);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let at = 0; at < a.length; at++) total += a[at]! * b[at]!;
  return total;
}

interface Setting {
  readonly hosts: readonly Reference[];
  readonly floats: readonly boolean[];
  /** Weights of the outputs: the differentiated function is their sum of products. */
  readonly head: Float32Array<ArrayBuffer>;
  readonly shape: readonly number[];
}

function setting(each: OperatorCase, seed: number): Setting {
  const random = new Random(seed);
  const hosts = each.inputs.map((input) => ({
    data: fillInput(random, input) as ArrayLike<number>,
    shape: input.shape,
  }));
  const floats = each.inputs.map(({ dtype = "float32" }) => dtype.startsWith("float"));
  const { data, shape } = each.expected(hosts);
  return { hosts, floats, head: random.float32(data.length), shape };
}

/** The weighted sum of outputs after changes of some elements. */
function value(
  each: OperatorCase,
  { hosts, head }: Setting,
  change: (input: number, at: number) => number,
): number {
  const moved = hosts.map(({ data, shape }, input) => ({
    data: Float64Array.from(data, (own, at) => own + change(input, at)),
    shape,
  }));
  return dot(each.expected(moved).data, head);
}

function sample(random: Random, length: number): number[] {
  if (length <= SAMPLES) return Array.from({ length }, (_, at) => at);
  return Array.from({ length: SAMPLES }, () => random.integer(0, length - 1));
}

function note(outcome: Outcome, actual: number, expected: number): void {
  outcome.compared++;
  outcome.worst = Math.max(outcome.worst, Math.abs(actual - expected) / (1 + Math.abs(expected)));
}

function device16(data: ArrayLike<number>): Float16Array<ArrayBuffer> {
  return new Float16Array(data as Float32Array<ArrayBuffer>);
}

/** Compares the first derivatives of a row. */
export async function checkGradient(
  device: Device,
  each: OperatorCase,
  seed: number,
  outcome: Outcome,
  tolerance: { rtol: number; atol: number },
): Promise<void> {
  const own = setting(each, seed);
  const { hosts, floats, head, shape } = own;
  const inputs = hosts.map((host, at) => {
    const made = tensor(host.data as Float32Array<ArrayBuffer>, host.shape, { device });
    if (floats[at]) made.attachGrad();
    return made;
  });
  const output = record(() => each.run(inputs));
  const headGradient = tensor(
    output.dtype === "float16" ? device16(head) : head,
    shape,
    { device },
  );
  backward(output, headGradient);
  const random = new Random(seed + 1);
  for (const [input, host] of hosts.entries()) {
    if (!floats[input] || host.data.length === 0) continue;
    const actual = await inputs[input]!.grad!.data();
    for (const at of sample(random, host.data.length)) {
      const h = 1e-5;
      const moved = (by: number) =>
        value(each, own, (i, place) => i === input && place === at ? by : 0);
      const [low, middle, high] = [moved(-h), moved(0), moved(h)];
      const expected = (high - low) / (2 * h);
      if (Math.abs(high - 2 * middle + low) > 1e-3 * h * (1 + Math.abs(expected))) {
        outcome.skipped++;
        continue;
      }
      note(outcome, actual[at]!, expected);
      assertClose([actual[at]!], [expected], {
        ...tolerance,
        label: `${each.name}, input ${input}`,
      });
    }
  }
  for (const each of [...inputs, output, headGradient]) each.dispose();
}

/** Compares second derivatives: the gradient of the gradient's product with random directions. */
export async function checkSecond(
  device: Device,
  each: OperatorCase,
  seed: number,
  outcome: Outcome,
): Promise<void> {
  const own = setting(each, seed);
  const { hosts, floats, head, shape } = own;
  const random = new Random(seed + 2);
  const directions = hosts.map((host, at) =>
    floats[at] ? random.float32(host.data.length) : new Float32Array(host.data.length)
  );
  const inputs = hosts.map((host, at) => {
    const made = tensor(host.data as Float32Array<ArrayBuffer>, host.shape, { device });
    if (floats[at]) made.attachGrad();
    return made;
  });
  const leaves = inputs.filter((_, at) => floats[at]);
  const seconds = record(() => {
    const headGradient = tensor(head, shape, { device });
    const firsts = grad(each.run(inputs), leaves, {
      headGradients: headGradient,
      createGraph: true,
    });
    let at = 0;
    const products = inputs.flatMap((input, index) =>
      floats[index]
        ? [sum(mul(firsts[at++]!, tensor(directions[index]!, input.shape, { device })))]
        : []
    );
    const total = products.reduce((all, product) => all.add(product));
    // A linear operator's gradient does not depend on its input: zero second derivatives.
    try {
      return grad(total, leaves);
    } catch (error) {
      if (error instanceof Error && /was not recorded/.test(error.message)) return null;
      throw error;
    }
  });
  let leaf = 0;
  for (const [input, host] of hosts.entries()) {
    if (!floats[input]) continue;
    const second = seconds?.[leaf++];
    if (host.data.length === 0) continue;
    const actual = second ? await second.data() : new Float32Array(host.data.length);
    for (const at of sample(random, Math.min(host.data.length, 4))) {
      const estimate = (h: number) => {
        const corner = (along: number, by: number) =>
          value(
            each,
            own,
            (i, place) =>
              along * h * directions[i]![place]! + (i === input && place === at ? by * h : 0),
          );
        return (corner(1, 1) - corner(1, -1) - corner(-1, 1) + corner(-1, -1)) / (4 * h * h);
      };
      const [rough, expected] = [estimate(2e-3), estimate(1e-3)];
      if (Math.abs(rough - expected) > 1e-3 * (1 + Math.abs(expected))) {
        outcome.skipped++;
        continue;
      }
      note(outcome, actual[at]!, expected);
      assertClose([actual[at]!], [expected], {
        rtol: 2e-3,
        atol: 1e-3,
        label: `second of ${each.name}, input ${input}`,
      });
    }
  }
  for (const each of [...inputs, ...seconds ?? []]) each.dispose();
}
