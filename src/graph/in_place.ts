// Operators whose result may take the place of an operand: their kernels read an element of it only to write the same element
// of the result.

import { activationOperator } from "../ops/activation.ts";
import type { Operator } from "../ops/define.ts";
import { elementwiseOperators } from "../ops/elementwise.ts";
import { functionOperators } from "../ops/function.ts";

const IN_PLACE: ReadonlySet<Operator> = new Set([
  activationOperator,
  ...elementwiseOperators,
  ...functionOperators,
]);

/**
 * The operands whose memory the result may take, if they have its shape and dtype and nobody reads them later.
 *
 * @param operator The operator.
 * @returns Numbers of inputs, the best first; none for most operators.
 */
export function inPlaceInputs(operator: Operator): readonly number[] {
  if (!IN_PLACE.has(operator)) return [];
  return operator.inputNames.map((_, at) => at);
}
