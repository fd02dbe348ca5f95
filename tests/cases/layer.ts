// One row of a layer's attribute table: a layer with its parameters, input and head, and the oracle's result, gradients
// and second derivatives.

import type { Block, Tensor } from "../../mod.ts";
import type { Reference } from "../reference/array.ts";
import type { CloseOptions } from "../support/close.ts";
import type { Random } from "../support/random.ts";

/** Numbers of a case; those of float16 cases are exact in float16. */
export type Values = Reference & { readonly data: Float32Array<ArrayBuffer> };

/** Element types in which layers compute. */
export type Float = "float32" | "float16";

/** What a layer of the table is, whatever it takes. */
export interface TableLayer extends Block {
  /** Computes. */
  forward(...inputs: Tensor[]): Tensor;
}

/** Second derivative of a case: of `sum over leaves of <gradient of the leaf, direction>`. */
export interface SecondDerivative {
  readonly directions: Readonly<Record<string, Values>>;
  /** Gradients of the sum by `head` and by leaves. */
  readonly expected: Readonly<Record<string, Reference>>;
}

/** One row. */
export interface LayerCase {
  /** Name of the class. */
  readonly layer: string;
  readonly layout: string;
  readonly dtype: Float;
  readonly label: string;
  /** Makes the layer; its parameters are loaded from `params`. */
  make(): TableLayer;
  readonly input: Values;
  /** Places for unpooling: a second input without a gradient. */
  readonly indices?: Reference;
  readonly params: Readonly<Record<string, Values>>;
  readonly head: Values;
  /** The oracle's answer: the result, and gradients by the names of `params` and `input`. */
  expected(): { output: Reference; gradients: Readonly<Record<string, Reference>> };
  /** Absent where no second derivative is compared, `"refused"` where it has to be refused. */
  readonly second?: (() => SecondDerivative) | "refused";
  readonly tolerance: {
    readonly output: CloseOptions;
    /** By names, or one for all. */
    readonly gradients: Readonly<Record<string, CloseOptions>> | CloseOptions;
  };
}

/** ncnn's channels. */
export const CHANNELS: readonly number[] = [1, 4, 12, 13, 15, 16];

/** Nothing was computed: the bits are the same. */
export const EXACT: CloseOptions = { rtol: 0, atol: 0 };

/** reliability.md section 3: rounded when stored, relative to the largest value. */
export function halfTolerance(expected: Reference): CloseOptions {
  let scale = 1;
  for (let at = 0; at < expected.data.length; at++) {
    const size = Math.abs(expected.data[at]!);
    if (size < 65504) scale = Math.max(scale, size);
  }
  return { rtol: 2e-3, atol: 2e-3 * scale };
}

/** reliability.md section 3 for sums of so many products. */
export function sumTolerance(terms: number): CloseOptions {
  return { rtol: 1e-6, atol: 2 ** -22 * Math.sqrt(terms) + 1e-6 };
}

/** Values from -1 to 1. */
export function draw(random: Random, shape: readonly number[], dtype: Float = "float32"): Values {
  const data = random.float32(shape.reduce((all, each) => all * each, 1));
  return { data: dtype === "float16" ? Float32Array.from(Float16Array.from(data)) : data, shape };
}

/** A layout's spatial axes in a shape. */
export function spatialOf(shape: readonly number[], layout: string): number[] {
  return shape.filter((_, axis) => !"NC".includes(layout[axis]!));
}

/** A shape in a layout. */
export function shapeIn(
  layout: string,
  batch: number,
  channels: number,
  spatial: readonly number[],
): number[] {
  return layout.endsWith("C") ? [batch, ...spatial, channels] : [batch, channels, ...spatial];
}
