/**
 * One row of an operator's attribute table: inputs, the call, and the oracle's answer. GPU tests
 * iterate these rows; later issues run gradients over the same ones.
 *
 * @module
 */
import type { DType, HostArray } from "../../src/core/dtype.ts";
import type { Tensor } from "../../src/tensor/mod.ts";
import type { Reference } from "../reference/array.ts";
import type { CloseOptions } from "../support/close.ts";
import type { Random } from "../support/random.ts";

/** One input of a case. */
export interface CaseInput {
  readonly shape: readonly number[];
  /** Default float32. */
  readonly dtype?: DType;
  /** Values from -range to range, default 1. */
  readonly range?: number;
}

/** One call of an operator with its expected result. */
export interface OperatorCase {
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  /** Calls the operator. */
  run(inputs: readonly Tensor[]): Tensor;
  /** What it should give, from the same numbers. */
  expected(inputs: readonly Reference[]): Reference;
  /** Default: the bits must be equal. */
  readonly tolerance?: CloseOptions;
}

/** Random numbers for an input; the same for the same stream. */
export function fillInput(random: Random, input: CaseInput): HostArray {
  const { shape, dtype = "float32", range = 1 } = input;
  const count = shape.reduce((product, size) => product * size, 1);
  const floats = random.float32(count, -range, range);
  switch (dtype) {
    case "float32":
      return floats;
    case "float16":
      return new Float16Array(floats);
    case "int32":
      return Int32Array.from(floats, (value) => Math.round(value * 1e6));
    case "int8":
      return Int8Array.from(floats, () => random.integer(-128, 127));
    case "uint8":
      return Uint8Array.from(floats, () => random.integer(0, 255));
  }
}

/** Element types by size, for operators that only move bits. */
export const MOVED: readonly DType[] = ["float32", "float16", "int32", "int8", "uint8"];
