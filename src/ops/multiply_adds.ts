// How much multiplying a call of an operator does, by the definition of the operator and not by how a
// kernel computes it.

import { elementCount } from "../core/shape.ts";
import type { OperatorCall } from "./define.ts";

/** Each element of the output takes one row of the weight: its leading axis counts the outputs. */
const BY_OUTPUT: readonly string[] = [
  "Convolution",
  "FullyConnected",
  "DeformableConvolution",
  "ModulatedDeformableConvolution",
  "_npx_deformable_convolution",
  "_npx_modulated_deformable_convolution",
];

/**
 * Multiply-adds of a call with its weight or second matrix. Biases, activations, pooling and the like
 * count nothing, as is custom.
 *
 * @param call The call.
 * @returns The number; 0 for operators that multiply no matrices.
 */
export function multiplyAdds({ operator, attributes, inputs, output }: OperatorCall): number {
  const { name, inputNames } = operator;
  const weight = inputs[inputNames.indexOf("weight")]?.shape;
  const first = inputs[0]?.shape ?? [];
  const count = elementCount(output.shape);
  if (weight !== undefined && BY_OUTPUT.includes(name)) {
    return count * elementCount(weight.slice(1));
  }
  // Here each element of the input goes to as many outputs as a row of the weight has elements.
  if (weight !== undefined && name === "Deconvolution") {
    return elementCount(first) * elementCount(weight.slice(1));
  }
  if (name === "dot" || name === "batch_dot") {
    return count * first.at(attributes["transpose_a"] === true ? -2 : -1)!;
  }
  return 0;
}
