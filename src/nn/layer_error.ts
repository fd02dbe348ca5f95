// Errors of operators in the words of layers: who wrote `Conv2DTranspose` never wrote `Deconvolution`.

/**
 * The error of an operator with the layer's class in place of the operator.
 *
 * @param error What was thrown.
 * @param operator Name of the operator, as its messages have it.
 * @param layer Name of the layer's class.
 * @returns The same error, or one of its class that says `Cannot apply <layer>: …` and has the first as its cause.
 */
export function layerError(error: unknown, operator: string, layer: string): unknown {
  const begin = `Cannot apply ${operator}: `;
  if (operator === layer || !(error instanceof Error) || !error.message.startsWith(begin)) {
    return error;
  }
  const Same = error.constructor as new (message: string, options: ErrorOptions) => Error;
  const message = `Cannot apply ${layer}: ${error.message.slice(begin.length)}`;
  return new Same(message, { cause: error });
}
