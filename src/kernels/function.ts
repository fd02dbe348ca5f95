// Plans of functions of one operand and of their gradients, both element by element.

import { programs } from "../../shaders/manifest.ts";
import { type DType, dtypeByteLength } from "../core/dtype.ts";
import { gridForItems, plainLocalSize } from "./grid.ts";
import { checkDType, countOperand, plainSlots, totalBytes, usesTexels } from "./operand.ts";
import { type Capabilities, makeDispatch, type Plan } from "./plan.ts";

/** Functions of one operand; the numbers are those of function.comp. */
export const FUNCTIONS = {
  exp: 0,
  log: 1,
  log1p: 2,
  expm1: 3,
  sqrt: 4,
  rsqrt: 5,
  square: 6,
  abs: 7,
  sign: 8,
  power: 9,
  clip: 10,
  elu: 11,
  selu: 12,
  gelu: 13,
  gelu_tanh: 14,
} as const;

/** Name of a function of one operand. */
export type FunctionName = keyof typeof FUNCTIONS;

/**
 * Gradients by the function's name; the numbers are those of gradient.comp. From relu to log_sigmoid they read
 * the function's output, but softsign and those from mish on its input.
 */
export const GRADIENTS = {
  relu: 1,
  sigmoid: 2,
  tanh: 3,
  softrelu: 4,
  softsign: 5,
  log_sigmoid: 6,
  mish: 7,
  leaky: 8,
  clip: 9,
  elu: 10,
  selu: 11,
  gelu: 12,
  gelu_tanh: 13,
} as const;

/** Name of a function with a gradient kernel. */
export type GradientName = keyof typeof GRADIENTS;

const FLOATS: readonly DType[] = ["float32", "float16"];

function planQuads(
  capabilities: Capabilities,
  label: string,
  id: "elementwise/function" | "elementwise/gradient",
  code: number,
  operands: number,
  count: number,
  dtype: DType,
  parameters: readonly number[],
): Plan {
  const where = `apply ${label}`;
  checkDType(where, dtype, FLOATS);
  countOperand(capabilities, where, [count], dtypeByteLength(dtype));
  const bytes = totalBytes(dtype, count) * (operands + 1);
  const result = { label, slots: plainSlots(operands), flops: operands * count, bytes };
  if (count === 0) return { ...result, dispatches: [] };
  const items = Math.ceil(count * dtypeByteLength(dtype) / 16);
  const [p0 = 0, p1 = 0] = parameters;
  const dispatch = makeDispatch(
    programs[usesTexels(capabilities) ? `${id}.texel` as const : `${id}.storage` as const],
    {
      local_size_x: plainLocalSize(capabilities),
      half: dtype === "float16" ? 1 : 0,
      function: code,
    },
    { quad_count: items, p0, p1 },
    result.slots.map((_, slot) => slot),
    gridForItems(capabilities, items),
  );
  return { ...result, dispatches: [dispatch] };
}

/**
 * Plans a function of one operand.
 *
 * @param capabilities The device.
 * @param name Which function.
 * @param count Number of elements.
 * @param dtype float32 or float16.
 * @param parameters The exponent of `power`, the bounds of `clip`, the slope of `elu`.
 * @returns Input 0, output 0.
 */
export function planFunction(
  capabilities: Capabilities,
  name: FunctionName,
  count: number,
  dtype: DType,
  parameters: readonly number[] = [],
): Plan {
  const code = FUNCTIONS[name];
  return planQuads(capabilities, name, "elementwise/function", code, 1, count, dtype, parameters);
}

/**
 * Plans the gradient of a function of one operand.
 *
 * @param capabilities The device.
 * @param name Which function.
 * @param count Number of elements.
 * @param dtype float32 or float16.
 * @param parameters The slope of `leaky` and `elu`, the bounds of `clip`.
 * @returns Input 0 the head gradient, input 1 the function's input or output, output 0.
 */
export function planGradient(
  capabilities: Capabilities,
  name: GradientName,
  count: number,
  dtype: DType,
  parameters: readonly number[] = [],
): Plan {
  return planQuads(
    capabilities,
    `Gradient/${name}`,
    "elementwise/gradient",
    GRADIENTS[name],
    2,
    count,
    dtype,
    parameters,
  );
}
