/**
 * What float16 means: every operator gives the float32 result of its operands, rounded once.
 *
 * @module
 */
import { fail } from "@std/assert";
import * as vknn from "../../mod.ts";
import { type OperatorCall, setRecorder } from "../../src/ops/define.ts";

/** Float32 numbers that float16 holds exactly: the nearest ones. */
export function rounded(values: ArrayLike<number>): Float32Array<ArrayBuffer> {
  return Float32Array.from(Float16Array.from(values));
}

/** What max pooling gives for a window without numbers: the lowest number of the dtype, not of float32. */
export const LOWEST = { float32: -3.4028234663852886e38, float16: -65504 } as const;

/** Operators that may add up in the order of cooperative matrices: then a sum may round to the next number. */
const REORDERED: readonly string[] = [
  "Convolution",
  "Deconvolution",
  "FullyConnected",
  "batch_dot",
  "dot",
];

function agrees({ operator, output }: OperatorCall, value: number, actual: number): boolean {
  if (Object.is(value, actual)) return true;
  const matrices = output.device.capabilities.cooperativeMatrix !== null;
  return matrices && REORDERED.includes(operator.name) &&
    Math.abs(value - actual) <= 2 ** -10 * Math.abs(value) + 1e-5;
}

/** Checks one call: the operator on the same operands in float32, rounded, has the very bits of its output. */
function checkCall(call: OperatorCall): void {
  const { operator, attributes, inputs, output } = call;
  if (output.dtype !== "float16" || operator.isView || operator.name === "Cast") return;
  vknn.scope(() => {
    const operands = inputs.map((input) => {
      if (input === null || input.dtype !== "float16") return input;
      return vknn.tensor(Float32Array.from(input.dataSync()), input.shape, {
        device: input.device,
      });
    });
    const lowest = operator.name.endsWith("Pooling") ? LOWEST.float32 : NaN;
    const expected = Float16Array.from(
      operator.apply(operands, attributes).dataSync(),
      (value) => value === lowest ? LOWEST.float16 : value,
    );
    const actual = output.dataSync();
    expected.forEach((value, at) => {
      if (agrees(call, value, actual[at]!)) return;
      fail(
        `${operator.name} in float16: element ${at} of shape ${output.shape.join()} is ` +
          `${actual[at]}, expected ${value}, which is the float32 result rounded`,
      );
    });
  });
}

/**
 * Runs a function and checks every operator that it applies, those of backward passes too.
 *
 * @returns How many calls of each operator were checked.
 */
export function checkingOperators(run: () => void): Map<string, number> {
  const counts = new Map<string, number>();
  let busy = false;
  const before = setRecorder((call) => {
    if (busy) return;
    busy = true;
    try {
      checkCall(call);
    } finally {
      busy = false;
    }
    if (call.output.dtype !== "float16" || call.operator.isView) return;
    counts.set(call.operator.name, (counts.get(call.operator.name) ?? 0) + 1);
  });
  try {
    run();
  } finally {
    setRecorder(before);
  }
  return counts;
}
