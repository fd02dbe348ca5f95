// Sparse arrays of MXNet 1.x files, which become dense ones. Every index is checked.

import { contiguousStrides } from "../core/shape.ts";
import type { ByteReader } from "./byte_reader.ts";
import { type FileDType, type FileValues, rowOf, viewValues } from "./file_array.ts";

/** The parts of a sparse array. */
export interface SparseParts {
  readonly kind: "row_sparse" | "csr";
  readonly shape: readonly number[];
  readonly dtype: FileDType;
  /** Shape of the stored values. */
  readonly stored: readonly number[];
  /** Bytes of the stored values. */
  readonly values: Uint8Array;
  /** Rows of `row_sparse`; row starts and columns of `csr`. */
  readonly indices: readonly BigInt64Array[];
  /** Bytes of all values of the dense array. */
  readonly byteLength: number;
  /** Offset of the record, for messages. */
  readonly at: number;
}

/**
 * Spreads the stored values over a dense array of zeros.
 *
 * @param reader The file, for messages.
 * @param parts The sparse array.
 * @returns The dense values.
 * @throws {FormatError} If an index is out of range, or shapes do not fit each other.
 */
export function toDense(reader: ByteReader, parts: SparseParts): FileValues {
  const bytes = new Uint8Array(parts.byteLength);
  if (parts.kind === "row_sparse") spreadRows(reader, parts, bytes);
  else spreadCells(reader, parts, bytes);
  return viewValues(parts.dtype, bytes);
}

function spreadRows(
  reader: ByteReader,
  { shape, dtype, stored, values, indices, at }: SparseParts,
  to: Uint8Array,
): void {
  const rows = indices[0]!;
  const fits = shape.length > 0 && stored.length === shape.length && stored[0] === rows.length &&
    stored.every((size, axis) => axis === 0 || size === shape[axis]);
  if (!fits) reader.fail(`shapes of a row_sparse array do not fit each other`, at);
  const rowBytes = contiguousStrides(shape)[0]! * rowOf(dtype).byteLength;
  let last = -1n;
  rows.forEach((row, index) => {
    if (row <= last || row >= BigInt(shape[0]!)) {
      reader.fail(
        `row ${row} of a row_sparse array, expected rising rows below ${shape[0]}`,
        at,
      );
    }
    last = row;
    to.set(values.subarray(index * rowBytes, (index + 1) * rowBytes), Number(row) * rowBytes);
  });
}

function spreadCells(
  reader: ByteReader,
  { shape, dtype, stored, values, indices, at }: SparseParts,
  to: Uint8Array,
): void {
  const [starts, columns] = indices as readonly [BigInt64Array, BigInt64Array];
  const [height = 0, width = 0] = shape;
  const fits = shape.length === 2 && stored.length === 1 && starts.length === height + 1 &&
    columns.length === stored[0] && starts[0] === 0n && starts[height] === BigInt(columns.length);
  if (!fits) reader.fail(`shapes of a csr array do not fit each other`, at);
  const size = rowOf(dtype).byteLength;
  for (let row = 0; row < height; row++) {
    const [start, end] = [starts[row]!, starts[row + 1]!];
    if (start > end || end > BigInt(columns.length)) {
      reader.fail(`row ${row} of a csr array ends before it starts`, at);
    }
    const seen = new Set<bigint>();
    for (let index = Number(start); index < Number(end); index++) {
      const column = columns[index]!;
      if (column < 0n || column >= BigInt(width) || seen.has(column)) {
        reader.fail(
          `column ${column} of a csr array, expected different ones below ${width}`,
          at,
        );
      }
      seen.add(column);
      to.set(
        values.subarray(index * size, (index + 1) * size),
        (row * width + Number(column)) * size,
      );
    }
  }
}
