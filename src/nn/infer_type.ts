// The dtype of parameters from that of inputs.

import type { Tensor } from "../tensor/mod.ts";
import type { Block } from "./block.ts";

/** Statistics and factors of batch normalization stay float32, whatever the data is. */
function inferTypeOf(block: Block, dtype: "float32" | "float16"): void {
  for (const child of block.children.values()) inferTypeOf(child, dtype);
  if (block.params.has("running_mean")) return;
  for (const parameter of block.params.values()) {
    if (parameter.dtype === "float32" || parameter.dtype === "float16") parameter.cast(dtype);
  }
}

/**
 * Gives the floating-point parameters of a block the dtype of an input.
 *
 * @param block The block.
 * @param input The input.
 * @throws {TypeError} If the input is not floating-point.
 */
export function inferType(block: Block, { dtype }: Tensor): void {
  if (dtype !== "float32" && dtype !== "float16") {
    throw new TypeError(
      `Cannot infer types of ${block.constructor.name}: the first input is ${dtype}, expected ` +
        `float32 or float16`,
    );
  }
  inferTypeOf(block, dtype);
}
