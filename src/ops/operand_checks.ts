// Checks that operators share: which inputs are there, and their dtypes.

import { ShapeError } from "../core/errors.ts";
import { DTYPES, isFloat } from "../core/dtype.ts";
import { checkEnum } from "../core/options.ts";
import { checkShape, describe, formatShape, sameShape } from "../core/shape.ts";
import { Tensor, type TensorSpec } from "../tensor/mod.ts";

/** Shapes and dtypes of inputs; null where an optional input is absent. */
export type InputSpecs = readonly (TensorSpec | null)[];

/**
 * The spec of an input that must be there; its presence was checked by `required`.
 *
 * @param inputs Specs of all inputs.
 * @param index Which one.
 * @returns The spec.
 */
export function inputSpec(inputs: InputSpecs, index: number): TensorSpec {
  const spec = inputs[index];
  if (!spec) throw new TypeError(`Cannot infer a shape: input ${index} is missing`);
  return spec;
}

/** Which inputs an operator has. */
interface Signature {
  readonly inputs: readonly string[];
  readonly required?: number;
}

/**
 * The error of inputs that are no list.
 *
 * @param where What is being done, for messages.
 * @param inputs What was found.
 * @returns The error.
 */
export function noList(where: string, inputs: unknown): TypeError {
  const found = describe(inputs);
  return new TypeError(`Cannot ${where}: inputs is ${found}, expected a list of Tensors`);
}

/**
 * Checks specs of inputs that came from a caller.
 *
 * @param where What is being done, for messages.
 * @param signature Names of the inputs, and how many must be there.
 * @param inputs The specs, or tensors.
 * @returns The specs.
 * @throws {TypeError} If they are no list, or one is neither null nor has shape and dtype.
 * @throws {ShapeError} If a size is not allowed.
 */
export function checkSpecs(
  where: string,
  { inputs: names, required = names.length }: Signature,
  inputs: unknown,
): InputSpecs {
  if (!Array.isArray(inputs)) throw noList(where, inputs);
  const given = Array.from(inputs as unknown[]);
  while (given.length < required) given.push(null);
  return given.map((spec, index) => {
    if (spec instanceof Tensor) return spec;
    if (spec === null || spec === undefined) {
      if (index >= required) return null;
      const name = names[Math.min(index, names.length - 1)];
      throw new TypeError(`Cannot ${where}: ${name} is missing, expected { shape, dtype }`);
    }
    if (typeof spec !== "object") {
      const found = `inputs[${index}] is ${describe(spec)}`;
      throw new TypeError(`Cannot ${where}: ${found}, expected { shape, dtype } or null`);
    }
    const { shape, dtype } = spec as { shape?: unknown; dtype?: unknown };
    const name = `dtype of inputs[${index}]`;
    return { shape: checkShape(where, shape), dtype: checkEnum(where, name, dtype, DTYPES) };
  });
}

/**
 * Checks that an input has a dtype in which numbers are computed.
 *
 * @param where What is being done, for messages.
 * @param name Name of the input.
 * @param found Its spec.
 * @throws {TypeError} If it is an integer dtype.
 */
export function checkFloat(where: string, name: string, { shape, dtype }: TensorSpec): void {
  if (isFloat(dtype)) return;
  throw new TypeError(
    `Cannot ${where}: ${name} of shape ${formatShape(shape)} is ${dtype}, ` +
      `expected float32 or float16; use cast(x, "float32")`,
  );
}

/**
 * Checks that an input has the dtype of the first one.
 *
 * @param where What is being done, for messages.
 * @param name Name of the input.
 * @param found Its spec.
 * @param first Name and spec of the first input.
 * @throws {TypeError} If the dtypes differ.
 */
export function checkSameDType(
  where: string,
  name: string,
  found: TensorSpec,
  first: readonly [name: string, spec: TensorSpec],
): void {
  if (found.dtype === first[1].dtype) return;
  throw new TypeError(
    `Cannot ${where}: ${name} of shape ${formatShape(found.shape)} is ${found.dtype}, ` +
      `expected ${first[1].dtype} (the dtype of ${first[0]}); cast() one of them`,
  );
}

/**
 * Checks that a head gradient, input 0, has shape and dtype of the point that is input 1.
 *
 * @param where What is being done, for messages.
 * @param inputs Specs of all inputs.
 * @returns The common spec.
 * @throws {TypeError} If the dtypes differ.
 * @throws {ShapeError} If the shapes differ.
 */
export function checkSameSpec(where: string, inputs: InputSpecs): TensorSpec {
  const [head, point] = [inputSpec(inputs, 0), inputSpec(inputs, 1)];
  checkSameDType(where, "head", head, ["the point", point]);
  if (sameShape(head.shape, point.shape)) return point;
  throw new ShapeError(
    `Cannot ${where}: head has shape ${formatShape(head.shape)}, ` +
      `expected ${formatShape(point.shape)}`,
  );
}
