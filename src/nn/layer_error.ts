// Errors of operators in the words of layers: who wrote `Conv2DTranspose` never wrote `Deconvolution`.

const OPERATOR_REGEXP = /^Cannot apply [\w.]+: /;

/**
 * The error of an operator with the layer's class in place of the operator.
 *
 * @param error What was thrown.
 * @param layer Name of the layer's class.
 * @returns The same error, or one of its class that says `Cannot apply <layer>: …` and has the first as its cause.
 */
export function layerError(error: unknown, layer: string): unknown {
  if (!(error instanceof Error)) return error;
  const begin = OPERATOR_REGEXP.exec(error.message)?.[0];
  const own = `Cannot apply ${layer}: `;
  if (begin === undefined || begin === own) return error;
  const Same = error.constructor as new (message: string, options: ErrorOptions) => Error;
  return new Same(own + error.message.slice(begin.length), { cause: error });
}

/**
 * Applies operators for a layer: their errors name the layer.
 *
 * @param layer The layer.
 * @param apply Applies them; calls no other layer.
 * @returns What it returns.
 */
export function inLayer<T>(layer: object, apply: () => T): T {
  try {
    return apply();
  } catch (error) {
    throw layerError(error, layer.constructor.name);
  }
}
