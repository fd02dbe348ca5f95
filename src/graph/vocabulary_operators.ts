// The functions on tensors that exported graphs are made of, from one place.

import type { NodeReader } from "./vocabulary.ts";

export {
  abs,
  activation,
  type ActivationName,
  adaptivePooling,
  add,
  broadcastTo,
  cast,
  clip,
  concat,
  div,
  equal,
  exp,
  expm1,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  log1p,
  logSoftmax,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  negative,
  notEqual,
  operators,
  pad,
  power,
  reshape,
  rsqrt,
  sigmoid,
  sign,
  slice,
  softmax,
  sqrt,
  square,
  sub,
  sum,
  transpose,
  upSampling,
} from "../ops/index.ts";

/**
 * A node that passes its first input on.
 *
 * @param ignored Attributes without a meaning here.
 * @returns Its reader.
 */
export function identityLike(ignored: readonly string[]): NodeReader {
  return (read) => {
    for (const name of ignored) read.text(name);
    return ([x]) => x!;
  };
}
