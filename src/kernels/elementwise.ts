// Plans of elementwise operators: two operands with broadcasting, activations, scalars, fill.

import { programs } from "../../shaders/manifest.ts";
import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { LimitError } from "../core/errors.ts";
import { broadcastShapes, broadcastStrides, formatShape, type Shape } from "../core/shape.ts";
import { ACTIVATIONS, type ActivationSettings } from "./activation.ts";
import { divisorWords, mergeAxes, strideWords } from "./axes.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { checkDType, countOperand, plainSlots, totalBytes, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Operators on two tensors; the numbers are those of binary.comp. */
export const BINARY_OPERATIONS = {
  add: 0,
  subtract: 1,
  multiply: 2,
  divide: 3,
  maximum: 4,
  minimum: 5,
  equal: 6,
  not_equal: 7,
  greater: 8,
  greater_equal: 9,
  lesser: 10,
  lesser_equal: 11,
} as const;

/** Name of an operator on two tensors. */
export type BinaryOperation = keyof typeof BINARY_OPERATIONS;

/** Operators on a tensor and numbers. */
export type ScalarOperation =
  | { readonly kind: "affine"; readonly scale: number; readonly shift: number }
  | { readonly kind: "divide"; readonly by: number }
  | { readonly kind: "divideInto"; readonly value: number };

const COMPUTED: readonly DType[] = ["float32", "int32", "float16"];
const TYPE_CODES: Readonly<Partial<Record<DType, number>>> = { float32: 0, int32: 1, float16: 2 };
const BINARY_AXES = 6;

function quads(count: number, dtype: DType): number {
  return Math.ceil(count * dtypeByteLength(dtype) / 16);
}

/**
 * Plans an operator on two tensors that broadcast against each other.
 *
 * @param capabilities The device.
 * @param operation What to compute.
 * @param a Shape of the first operand.
 * @param b Shape of the second operand.
 * @param dtype Their dtype and the result's: float32, int32 or float16.
 * @returns Inputs 0 and 1, output 0 of the broadcast shape.
 * @throws {ShapeError} If the shapes do not broadcast.
 */
export function planBinary(
  capabilities: Capabilities,
  operation: BinaryOperation,
  a: Shape,
  b: Shape,
  dtype: DType = "float32",
): Plan {
  const where = `apply ${operation}`;
  checkDType(where, dtype, COMPUTED);
  const shape = broadcastShapes(where, a, b);
  const bytes = dtypeByteLength(dtype);
  const counts = [a, b, shape].map((each) => countOperand(capabilities, where, each, bytes));
  const [aCount, bCount, count] = counts as [number, number, number];
  const slots = plainSlots(2);
  const result = { slots, flops: count, bytes: totalBytes(dtype, ...counts) };
  if (count === 0) return { ...result, label: `${operation}/empty`, dispatches: [] };

  // Neither repeats, or one operand is a single element.
  const single = aCount === count && bCount === count
    ? 0
    : bCount === 1
    ? 1
    : aCount === 1
    ? 2
    : -1;
  const common = {
    local_size_x: plainLocalSize(capabilities),
    type: TYPE_CODES[dtype]!,
    operation: BINARY_OPERATIONS[operation],
  };
  if (single >= 0) {
    const id = "elementwise/binary.equal";
    const items = quads(count, dtype);
    const dispatch = makeDispatch(
      programs[usesTexels(capabilities) ? `${id}_texel` as const : id],
      { ...common, single },
      { count: items },
      [0, 1, 2],
      gridForItems(capabilities, items),
    );
    const label = `${operation}/${single === 0 ? "equal" : "scalar"}`;
    return { ...result, label, dispatches: [dispatch] };
  }
  const walk = mergeAxes(shape, [broadcastStrides(a, shape), broadcastStrides(b, shape)]);
  if (walk.sizes.length > BINARY_AXES) {
    throw new LimitError(
      `Cannot ${where}: ${formatShape(a)} against ${formatShape(b)} alternates between repeated ` +
        `and full axes ${walk.sizes.length} times, at most ${BINARY_AXES} are supported; ` +
        `transpose one operand first`,
    );
  }
  const items = Math.ceil(count * bytes / 4);
  const dispatch = makeDispatch(
    programs[
      usesTexels(capabilities)
        ? "elementwise/binary.broadcast_texel"
        : "elementwise/binary.broadcast"
    ],
    { ...common, rank: walk.sizes.length },
    {
      count: items,
      last: count - 1,
      ...divisorWords(walk.sizes, BINARY_AXES - 1),
      ...strideWords("a", walk.strides[0]!, BINARY_AXES),
      ...strideWords("b", walk.strides[1]!, BINARY_AXES),
    },
    [0, 1, 2],
    gridForItems(capabilities, items),
  );
  return { ...result, label: `${operation}/broadcast`, dispatches: [dispatch] };
}

function planUnary(
  capabilities: Capabilities,
  label: string,
  count: number,
  dtype: DType,
  constants: Readonly<Record<string, number>>,
  push: Readonly<Record<string, number>>,
  flops: number,
): Plan {
  countOperand(capabilities, `apply ${label}`, [count], dtypeByteLength(dtype));
  const slots = plainSlots(1);
  const result = { label, slots, flops, bytes: totalBytes(dtype, count, count) };
  if (count === 0) return { ...result, dispatches: [] };
  const items = quads(count, dtype);
  const dispatch = makeDispatch(
    programs[usesTexels(capabilities) ? "elementwise/unary.texel" : "elementwise/unary.storage"],
    { local_size_x: plainLocalSize(capabilities), type: TYPE_CODES[dtype]!, ...constants },
    { quad_count: items, p0: 0, p1: 0, whole_p0: 0, whole_p1: 0, ...push },
    [0, 1],
    gridForItems(capabilities, items),
  );
  return { ...result, dispatches: [dispatch] };
}

/**
 * Plans an activation.
 *
 * @param capabilities The device.
 * @param activation Its name, and its parameter where it has one.
 * @param count Number of elements.
 * @param dtype float32 or float16.
 * @returns Input 0, output 0.
 */
export function planActivation(
  capabilities: Capabilities,
  activation: ActivationSettings,
  count: number,
  dtype: DType = "float32",
): Plan {
  checkDType(`apply ${activation.name}`, dtype, ["float32", "float16"]);
  const row = ACTIVATIONS[activation.name];
  const constants = { operation: 0, activation: row.code, alpha: activation.alpha ?? 0.01 };
  return planUnary(
    capabilities,
    `Activation/${activation.name}`,
    count,
    dtype,
    constants,
    {},
    row.flops * count,
  );
}

/**
 * Plans an operator on a tensor and numbers: `x * scale + shift`, `x / by` or `value / x`.
 *
 * @param capabilities The device.
 * @param operation What to compute.
 * @param count Number of elements.
 * @param dtype float32 or float16; int32 for `affine` with whole numbers.
 * @returns Input 0, output 0.
 */
export function planScalar(
  capabilities: Capabilities,
  operation: ScalarOperation,
  count: number,
  dtype: DType = "float32",
): Plan {
  const where = `apply ${operation.kind} with a number`;
  const { kind } = operation;
  checkDType(where, dtype, kind === "affine" ? COMPUTED : ["float32", "float16"]);
  if (kind !== "affine") {
    const p0 = kind === "divide" ? operation.by : operation.value;
    const code = kind === "divide" ? 2 : 3;
    return planUnary(
      capabilities,
      `Scalar/${kind}`,
      count,
      dtype,
      { operation: code },
      { p0 },
      count,
    );
  }
  const { scale, shift } = operation;
  if (dtype === "int32" && !(Number.isInteger(scale) && Number.isInteger(shift))) {
    throw new TypeError(
      `Cannot ${where}: ${scale} and ${shift} on int32, expected whole numbers; cast to float32 first`,
    );
  }
  const push = dtype === "int32" ? { whole_p0: scale, whole_p1: shift } : { p0: scale, p1: shift };
  return planUnary(capabilities, "Scalar/affine", count, dtype, { operation: 1 }, push, 2 * count);
}

/**
 * Plans filling a new tensor with one 32-bit word.
 *
 * @param capabilities The device.
 * @param word The word; elements smaller than a word must be repeated over it.
 * @param byteLength Bytes of the tensor.
 * @returns No inputs, output 0.
 */
export function planFill(capabilities: Capabilities, word: number, byteLength: number): Plan {
  countOperand(capabilities, "fill a tensor", [byteLength], 1);
  const result = { label: "Fill", slots: plainSlots(0), flops: 0, bytes: byteLength };
  if (byteLength === 0) return { ...result, dispatches: [] };
  const items = Math.ceil(byteLength / 16);
  const dispatch = makeDispatch(
    programs["movement/fill"],
    { local_size_x: plainLocalSize(capabilities) },
    { quad_count: items, word: word >>> 0 },
    [0],
    gridForItems(capabilities, items),
  );
  return { ...result, dispatches: [dispatch] };
}
