// Tensors as text and as lists; knows no memory.

import type { HostArray } from "../core/dtype.ts";
import { DisposedError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import type { Tensor } from "./tensor.ts";

/** Numbers in lists in lists …, as deep as the tensor has axes. */
export type NestedList = number | NestedList[];

/**
 * Nests elements as the shape says.
 *
 * @param values The elements in row-major order.
 * @param shape Sizes along every axis.
 * @returns Lists as deep as there are axes; a number for a scalar.
 */
export function nestedList(values: HostArray, shape: readonly number[]): NestedList {
  let offset = 0;
  const read = (axis: number): NestedList =>
    axis === shape.length
      ? values[offset++]!
      : Array.from({ length: shape[axis]! }, () => read(axis + 1));
  return read(0);
}

/**
 * A tensor in one line, without its elements.
 *
 * @param tensor The tensor; may be disposed.
 * @returns For example `Tensor(shape=(2, 3), dtype=float32, device=llvmpipe…)`.
 */
export function summarize(tensor: Tensor): string {
  const { shape, dtype, label, disposed, device } = tensor;
  const named = label === "" ? "" : `, label=${JSON.stringify(label)}`;
  const { name } = device.adapter;
  const end = name.indexOf(" (");
  const place = disposed ? "disposed" : `device=${end > 0 ? `${name.slice(0, end)}…` : name}`;
  return `Tensor(shape=${formatShape(shape)}, dtype=${dtype}${named}, ${place})`;
}

/**
 * The error for the use of a disposed tensor.
 *
 * @param verb What was tried.
 * @param tensor The tensor.
 * @returns The error, to be thrown.
 */
export function disposedError(verb: string, { label, shape }: Tensor): DisposedError {
  const name = label === "" ? "" : ` ${JSON.stringify(label)}`;
  return new DisposedError(
    `Cannot ${verb} tensor${name} of shape ${formatShape(shape)}: it was disposed; ` +
      `return it from its scope or keep() it to use it longer`,
  );
}
