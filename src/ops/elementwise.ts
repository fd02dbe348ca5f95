// Operators on two tensors with broadcasting, and on a tensor and a number.
// Names after apache/mxnet src/operator/tensor/elemwise_binary_broadcast_op_basic.cc and
// elemwise_binary_scalar_op_basic.cc.

import { checkInteger, describe, type OptionRule } from "../core/options.ts";
import { broadcastShapes, elementCount } from "../core/shape.ts";
import {
  type BinaryOperation,
  planBinary,
  planScalar,
  type ScalarOperation,
} from "../kernels/elementwise.ts";
import { full, scope, Tensor } from "../tensor/mod.ts";
import { greater, greaterEqual, less, lessEqual } from "./comparison.ts";
import { checkSameDType, defineOperator, inputSpec, type Operator } from "./define.ts";
import { sumTo } from "./reduce.ts";

/** Gradients of both operands, before the sums over repeated axes. */
interface BinaryGradient {
  readonly keeps: readonly [a: readonly Kept[], b: readonly Kept[]];
  a(head: Tensor, a: Tensor, b: Tensor, y: Tensor): Tensor;
  b(head: Tensor, a: Tensor, b: Tensor, y: Tensor): Tensor;
}

type Kept = number | "output";

function defineBinary(
  name: string,
  operation: BinaryOperation,
  gradient: BinaryGradient,
): Operator {
  return defineOperator({
    name,
    inputs: ["a", "b"],
    batched: [0, 1],
    attributes: {},
    native16: true,
    inferShape: (_attributes, inputs) => {
      const a = inputSpec(inputs, 0);
      const b = inputSpec(inputs, 1);
      checkSameDType(`apply ${name}`, "b", b, ["a", a]);
      return { shape: broadcastShapes(`apply ${name}`, a.shape, b.shape), dtype: a.dtype };
    },
    plan: (capabilities, _attributes, inputs, output) => {
      const [a, b] = [inputSpec(inputs, 0), inputSpec(inputs, 1)];
      return planBinary(capabilities, operation, a.shape, b.shape, output.dtype);
    },
    keeps: (_attributes, needs) => gradient.keeps.flatMap((kept, at) => needs[at] ? kept : []),
    backward: ({ inputs, output, headGradient, needs }) => {
      const [a, b] = inputs as readonly [Tensor, Tensor];
      return [
        needs[0] ? sumTo(gradient.a(headGradient, a, b, output), a.shape) : null,
        needs[1] ? sumTo(gradient.b(headGradient, a, b, output), b.shape) : null,
      ];
    },
  });
}

const anyNumber: OptionRule<number> = (where, name, value) => {
  if (typeof value === "number") return value;
  throw new TypeError(`Cannot ${where}: ${name} is ${describe(value)}, expected a number`);
};

function defineScalar(
  name: string,
  operation: (scalar: number) => ScalarOperation,
  gradient: (head: Tensor, scalar: number, x: Tensor, y: Tensor) => Tensor,
  keeps: readonly Kept[] = [],
): Operator {
  return defineOperator({
    name,
    inputs: ["a"],
    batched: [0],
    attributes: { scalar: anyNumber },
    native16: true,
    inferShape: ({ scalar }, inputs) => {
      const a = inputSpec(inputs, 0);
      if (a.dtype === "int32") checkInteger(`apply ${name} to int32`, "the number", scalar);
      return a;
    },
    plan: (capabilities, { scalar }, _inputs, { shape, dtype }) =>
      planScalar(capabilities, operation(scalar), elementCount(shape), dtype),
    keeps: () => keeps,
    backward: ({ attributes: { scalar }, inputs, output, headGradient }) => [
      gradient(headGradient, scalar, inputs[0]!, output),
    ],
  });
}

/** Sum with broadcasting. */
export const broadcastAdd: Operator = defineBinary("broadcast_add", "add", {
  keeps: [[], []],
  a: (head) => head,
  b: (head) => head,
});
/** Difference with broadcasting. */
export const broadcastSub: Operator = defineBinary("broadcast_sub", "subtract", {
  keeps: [[], []],
  a: (head) => head,
  b: (head) => head.mul(-1),
});
/** Product with broadcasting. */
export const broadcastMul: Operator = defineBinary("broadcast_mul", "multiply", {
  keeps: [[1], [0]],
  a: (head, _a, b) => head.mul(b),
  b: (head, a) => head.mul(a),
});
/** Quotient with broadcasting. */
export const broadcastDiv: Operator = defineBinary("broadcast_div", "divide", {
  keeps: [[1], [1, "output"]],
  a: (head, _a, b) => head.div(b),
  b: (head, _a, b, y) => head.mul(y.div(b)).mul(-1),
});
/** Larger element with broadcasting; the gradient of equal elements goes to the first. */
export const broadcastMaximum: Operator = defineBinary("broadcast_maximum", "maximum", {
  keeps: [[0, 1], [0, 1]],
  a: (head, a, b) => head.mul(greaterEqual(a, b)),
  b: (head, a, b) => head.mul(less(a, b)),
});
/** Smaller element with broadcasting; the gradient of equal elements goes to the first. */
export const broadcastMinimum: Operator = defineBinary("broadcast_minimum", "minimum", {
  keeps: [[0, 1], [0, 1]],
  a: (head, a, b) => head.mul(lessEqual(a, b)),
  b: (head, a, b) => head.mul(greater(a, b)),
});

const affine = (scale: number, shift: number): ScalarOperation => ({
  kind: "affine",
  scale,
  shift,
});
const same = (head: Tensor): Tensor => head;

/** Tensor plus number. */
export const plusScalar: Operator = defineScalar("_plus_scalar", (by) => affine(1, by), same);
/** Tensor minus number. */
export const minusScalar: Operator = defineScalar("_minus_scalar", (by) => affine(1, -by), same);
/** Number minus tensor. */
export const rminusScalar: Operator = defineScalar(
  "_rminus_scalar",
  (value) => affine(-1, value),
  (head) => head.mul(-1),
);
/** Tensor times number; -0 as shift keeps the sign of zero products. */
export const mulScalar: Operator = defineScalar(
  "_mul_scalar",
  (value) => affine(value, -0),
  (head, scalar) => head.mul(scalar),
);
/** Tensor divided by number. */
export const divScalar: Operator = defineScalar(
  "_div_scalar",
  (by) => ({ kind: "divide", by }),
  (head, scalar) => head.div(scalar),
);
/** Number divided by tensor. */
export const rdivScalar: Operator = defineScalar(
  "_rdiv_scalar",
  (value) => ({ kind: "divideInto", value }),
  (head, _scalar, x, y) => head.mul(y.div(x)).mul(-1),
  [0, "output"],
);

/** The operators of this family. */
export const elementwiseOperators: readonly Operator[] = [
  broadcastAdd,
  broadcastSub,
  broadcastMul,
  broadcastDiv,
  broadcastMaximum,
  broadcastMinimum,
  plusScalar,
  minusScalar,
  rminusScalar,
  mulScalar,
  divScalar,
  rdivScalar,
];

type Operand = Tensor | number;

interface Family {
  readonly name: string;
  readonly both: Operator;
  /** Tensor first, then the number. */
  readonly right?: Operator;
  /** Number first, then the tensor. */
  readonly left?: Operator;
}

function checkOperand(name: string, argument: string, value: unknown): void {
  if (value instanceof Tensor || typeof value === "number") return;
  throw new TypeError(
    `Cannot apply ${name}: ${argument} is ${describe(value)}, expected a Tensor or a number`,
  );
}

/** Attributes that were checked before: programs use the same few numbers again and again. */
const SCALARS = 64;
const scalars = new Map<Operator, Map<number, unknown>>();

function scalarAttributes(operator: Operator, scalar: number): unknown {
  // 0 and -0 are one key of a Map, but not one number.
  if (scalar === 0) return operator.normalize({ scalar });
  let known = scalars.get(operator);
  if (known === undefined) scalars.set(operator, known = new Map());
  let attributes = known.get(scalar);
  if (attributes === undefined) {
    if (known.size >= SCALARS) known.clear();
    known.set(scalar, attributes = operator.normalize({ scalar }));
  }
  return attributes;
}

function applyBinary(family: Family, a: Operand, b: Operand): Tensor {
  const { name, both, right, left } = family;
  checkOperand(name, "a", a);
  checkOperand(name, "b", b);
  if (typeof a === "number" && typeof b === "number") {
    throw new TypeError(`Cannot apply ${name}: a and b are numbers, expected at least one Tensor`);
  }
  if (typeof a !== "number" && typeof b !== "number") return both.apply([a, b]);
  const tensor = typeof a === "number" ? b as Tensor : a;
  const scalar = typeof a === "number" ? a : b as number;
  const { dtype, device } = tensor;
  const direct = typeof a === "number" ? left : right;
  // No kernel divides int32 by a number of its push block: the number becomes a tensor.
  if (direct !== undefined && !(family === DIV && dtype === "int32")) {
    return direct.apply([tensor], scalarAttributes(direct, scalar));
  }
  return scope(() => {
    const other = full([], scalar, { dtype, device });
    return both.apply(typeof a === "number" ? [other, tensor] : [tensor, other]);
  });
}

const ADD: Family = { name: "add", both: broadcastAdd, right: plusScalar, left: plusScalar };
const SUB: Family = { name: "sub", both: broadcastSub, right: minusScalar, left: rminusScalar };
const MUL: Family = { name: "mul", both: broadcastMul, right: mulScalar, left: mulScalar };
const DIV: Family = { name: "div", both: broadcastDiv, right: divScalar, left: rdivScalar };
const MAXIMUM: Family = { name: "maximum", both: broadcastMaximum };
const MINIMUM: Family = { name: "minimum", both: broadcastMinimum };

/**
 * Adds element by element. Shapes broadcast as in NumPy: axes are aligned at the end, sizes are
 * equal or 1.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns `a + b`, of the broadcast shape.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 * @throws {DeviceError} If the tensors lie on different devices.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { add, tensor } from "@vknn/vknn";
 *
 * const a = tensor([[1, 2], [3, 4]]);
 * const b = tensor([10, 20]);
 * const c = add(a, b);
 * assert((await c.data()).join() === "11,22,13,24");
 * for (const t of [a, b, c]) t.dispose();
 * ```
 */
export function add(a: Tensor | number, b: Tensor | number): Tensor {
  return applyBinary(ADD, a, b);
}

/**
 * Subtracts element by element, with broadcasting.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns `a - b`, of the broadcast shape.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 * @throws {DeviceError} If the tensors lie on different devices.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { sub, tensor } from "@vknn/vknn";
 *
 * const a = tensor([1, 2]);
 * const b = sub(10, a);
 * assert((await b.data()).join() === "9,8");
 * for (const t of [a, b]) t.dispose();
 * ```
 */
export function sub(a: Tensor | number, b: Tensor | number): Tensor {
  return applyBinary(SUB, a, b);
}

/**
 * Multiplies element by element, with broadcasting.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns `a * b`, of the broadcast shape.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 * @throws {DeviceError} If the tensors lie on different devices.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { mul, tensor } from "@vknn/vknn";
 *
 * const a = tensor([1, 2]);
 * const b = mul(a, a);
 * assert((await b.data()).join() === "1,4");
 * for (const t of [a, b]) t.dispose();
 * ```
 */
export function mul(a: Tensor | number, b: Tensor | number): Tensor {
  return applyBinary(MUL, a, b);
}

/**
 * Divides element by element, with broadcasting. Integers are divided toward zero; by 0 gives 0.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns `a / b`, of the broadcast shape.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 * @throws {DeviceError} If the tensors lie on different devices.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { div, tensor } from "@vknn/vknn";
 *
 * const a = tensor([1, 2]);
 * const b = div(a, 4);
 * assert((await b.data()).join() === "0.25,0.5");
 * for (const t of [a, b]) t.dispose();
 * ```
 */
export function div(a: Tensor | number, b: Tensor | number): Tensor {
  return applyBinary(DIV, a, b);
}

/**
 * Takes the larger element, with broadcasting; NaN wins.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns The larger of `a` and `b`, of the broadcast shape.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { maximum, tensor } from "@vknn/vknn";
 *
 * const a = tensor([-1, 2]);
 * const b = maximum(a, 0);
 * assert((await b.data()).join() === "0,2");
 * for (const t of [a, b]) t.dispose();
 * ```
 */
export function maximum(a: Tensor | number, b: Tensor | number): Tensor {
  return applyBinary(MAXIMUM, a, b);
}

/**
 * Takes the smaller element, with broadcasting; NaN wins.
 *
 * @param a Tensor (float32, float16 or int32) or number.
 * @param b Tensor of the same dtype, or a number; at least one of both is a tensor.
 * @returns The smaller of `a` and `b`, of the broadcast shape.
 * @throws {ShapeError} If the shapes do not broadcast.
 * @throws {TypeError} If the dtypes differ or are not computed.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { minimum, tensor } from "@vknn/vknn";
 *
 * const a = tensor([-1, 2]);
 * const b = minimum(a, 1);
 * assert((await b.data()).join() === "-1,1");
 * for (const t of [a, b]) t.dispose();
 * ```
 */
export function minimum(a: Tensor | number, b: Tensor | number): Tensor {
  return applyBinary(MINIMUM, a, b);
}
